// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One thread of a soak: makes, uses, shares and drops handles, graphs, calls
// and buffers at random, and knows what each operation has to give.
#ifndef TESTS_SOAK_WORKER_H
#define TESTS_SOAK_WORKER_H

#include "tests/soak/stage.h"

#include <optional>
#include <random>

namespace fusilli::soak {

/// Thread safety: belongs to one thread; `beats` and `current` may be read by
/// others.
class Worker {
public:
  Worker(Stage &stage, int number, uint64_t seed)
      : stage_(stage), number_(number), random_(seed) {}

  /// Until the stage says stop; then lets go of everything, in random order.
  void run();

  uint64_t beats() const { return beats_.load(); }
  Operation current() const { return current_.load(); }

private:
  struct InFlight {
    Call call;
    Fence done, gate;
    /// Only when one of these is gone may the work be cancelled.
    std::vector<std::weak_ptr<Handle>> handles;
  };

  // Chance.
  bool chance(unsigned oneIn) { return random_() % oneIn == 0; }
  template <typename T> T &pick(T *begin, size_t size) {
    return begin[random_() % size];
  }
  template <typename Container> auto &pick(Container &of) {
    return of[random_() % of.size()];
  }
  template <typename T> void dropOne(std::vector<T> &of) {
    if (of.empty())
      return;
    std::swap(pick(of), of.back());
    of.pop_back();
  }

  // Judging. Each gives true when the operation may go on.
  bool passed(const ErrorObject &status);
  template <typename T> bool passed(const ErrorOr<T> &result) {
    return isOk(result) || passed(ErrorObject(result));
  }
  void expect(const ErrorObject &status, ErrorCode code, const char *what);
  void fail(const std::string &what);

  void step();
  void perform(Operation operation);
  Operation choose();

  // Operations.
  void makeHandle();
  void makeGraph(Operation route);
  void reload(bool damaged);
  void share();
  void prepare();
  void execute();
  void misuse();
  void submit();
  void finish();
  void signalOthers();
  void bind();
  void executeBound();
  void rebind();
  void handOver();
  void useBuffers();
  void forget();
  void drop();

  // Parts of them.
  HandlePtr anyHandle();
  ErrorObject loadInto(Loaded &loaded, const Handle &handle, Operation route);
  ErrorObject load(Graph &graph, const Handle &handle,
                   std::span<const uint8_t> artifact);
  ErrorObject takeSignature(Loaded &loaded);
  ErrorOr<BufferPtr> inputBuffer(const Call &call, const std::string &name);
  ErrorOr<BufferPtr> outputBuffer(const Call &call, const std::string &name);
  ErrorOr<Call> makeCall(LoadedPtr program, HandlePtr handle);
  ErrorObject renewOutputs(Call &call);
  /// Its own workspace: another call may run at the same time.
  ErrorObject renewWorkspace(Call &call);
  void checkResults(const Call &call);

  static constexpr size_t kMost = 6;

  Stage &stage_; // Borrowed: outlives its workers.
  const int number_;
  std::mt19937_64 random_;
  std::atomic<uint64_t> beats_{0};
  std::atomic<Operation> current_{Operation::Count};
  uint64_t graphs_ = 0;
  bool surfaced_ = false; ///< this operation gave an error that was asked for
  // In the order of members, so dropped from the last to the first; run() drops
  // in a random order before.
  std::vector<HandlePtr> handles_;
  std::vector<LoadedPtr> programs_;
  std::vector<Call> calls_;
  std::vector<std::unique_ptr<Bound>> bound_;
  std::vector<InFlight> inFlight_;
};

} // namespace fusilli::soak

#endif // TESTS_SOAK_WORKER_H
