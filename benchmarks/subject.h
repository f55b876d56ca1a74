// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fusilli as the subject of the measurement, through its public API alone: a
// problem becomes a graph, which is compiled cold and cached, loaded, executed
// once and then as often as the caller likes.
#ifndef BENCHMARKS_SUBJECT_H
#define BENCHMARKS_SUBJECT_H

#include "benchmarks/graph.h"
#include "benchmarks/problem.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fusilli::bench {

using BufferPtr = std::shared_ptr<Buffer>;
using VariantPack = std::unordered_map<TensorPtr, BufferPtr>;

/// A compiled problem with its buffers, ready to be executed.
struct PreparedProblem {
  ProblemGraph graph;
  VariantPack pack;
  BufferPtr output, workspace;
  double coldMs = 0;   ///< median of compiles with an empty store
  double cachedMs = 0; ///< median of compiles with a filled store
  double firstUs = 0;  ///< median of first executes after a load
  std::optional<int64_t> kernels;
};

/// The library with a device and a compile cache of its own in a temporary
/// folder, removed at the end. Sets FUSILLI_CACHE_DIR, FUSILLI_TARGET and
/// FUSILLI_NUM_THREADS of the process, so that one lives at a time.
class Subject {
public:
  /// Makes the device and compiles a small graph, so that later compiles find
  /// a warm process.
  static ErrorOr<std::unique_ptr<Subject>> create(const std::string &target,
                                                  int threads);
  /// The same with a given compile cache that stays, and with nothing compiled
  /// yet; target and threads are those of the environment.
  static ErrorOr<std::unique_ptr<Subject>> open(const std::string &folder);
  ~Subject();
  Subject(const Subject &) = delete;
  Subject &operator=(const Subject &) = delete;

  /// Compiles 'repeat' times cold, executing once after each, and 'repeat'
  /// times cached; the last graph stays loaded.
  ErrorOr<PreparedProblem> prepare(const ProblemData &data, int repeat);

  /// Compiles with the store as it is and executes once.
  ErrorOr<PreparedProblem> prepareOnce(const ProblemData &data);

  /// Milliseconds of a compile with an empty store.
  ErrorOr<double> compileCold(Graph &graph) const;

  /// One execute.
  ErrorObject run(const PreparedProblem &prepared) const;

  /// What the loaded program does, with the time of each kernel over 'repeat'
  /// executes.
  ErrorOr<Explanation> explain(const PreparedProblem &prepared,
                               int repeat) const;

  /// Copies the output to memory in the layout of outputSpec().
  ErrorObject readOutput(const PreparedProblem &prepared,
                         const Problem &problem, BigBuffer &bytes) const;

  const Handle &handle() const { return handle_; }

private:
  Subject(Handle handle, std::string folder, bool removesFolder)
      : handle_(std::move(handle)), folder_(std::move(folder)),
        removesFolder_(removesFolder) {}

  ErrorOr<double> compileTimed(Graph &graph) const;
  ErrorObject bind(PreparedProblem &prepared, const ProblemData &data) const;
  /// Allocates, executes for the first time, and sets firstUs.
  ErrorObject runFirst(PreparedProblem &prepared,
                       const ProblemData &data) const;
  void emptyStore() const;

  Handle handle_;
  std::string folder_;
  bool removesFolder_;
};

/// Number of kernels in the statistics of a compile, nothing if they do not
/// say.
std::optional<int64_t> kernelsIn(const std::string &statistics);

} // namespace fusilli::bench

#endif // BENCHMARKS_SUBJECT_H
