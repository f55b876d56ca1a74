// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the threads of a soak share: recipes, things that one thread made and
// another uses, statistics, and the first thing that went wrong.
#ifndef TESTS_SOAK_STAGE_H
#define TESTS_SOAK_STAGE_H

#include "tests/soak/recipes.h"

#include <fusilli.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace fusilli::soak {

using TensorPtr = std::shared_ptr<TensorAttr>;
using BufferPtr = std::shared_ptr<Buffer>;
using HandlePtr = std::shared_ptr<Handle>;
using Pack = std::unordered_map<TensorPtr, BufferPtr>;

/// A graph with a loaded program. Its owner may load it again until it is
/// shared; from then on it is only executed.
struct Loaded {
  const Recipe *recipe = nullptr; // Borrowed: outlives the soak.
  Graph graph;
  std::map<std::string, TensorPtr> inputs, outputs;
  size_t workspaceBytes = 0;
  bool isLoaded = false;    ///< a load may fail
  bool removesFiles = true; ///< of the cache, with the graph
  /// Whose device the program runs on, whatever handle executes it.
  std::weak_ptr<Handle> loadedOn;
};
using LoadedPtr = std::shared_ptr<Loaded>;

/// One execution's arguments.
struct Call {
  LoadedPtr program;
  HandlePtr handle;
  Pack pack;
  BufferPtr workspace;
  std::map<std::string, BufferPtr> results;
  const Recipe *recipe = nullptr; // Borrowed: outlives the soak.
  int set = 0;
};

struct Bound {
  BoundCall bound;
  Call call;
};

#define SOAK_OPERATIONS(X)                                                     \
  X(MakeHandle, "handle: create, move")                                        \
  X(DropHandle, "handle: drop")                                                \
  X(Compile, "graph: compile")                                                 \
  X(CompileAgain, "graph: compile again, same graph")                          \
  X(CompileSameName, "graph: compile under a shared name")                     \
  X(CompileAndLoad, "graph: compile to artifact, load")                        \
  X(LoadKept, "graph: load a kept artifact")                                   \
  X(Deserialize, "graph: deserialize, load")                                   \
  X(Reload, "graph: load again")                                               \
  X(LoadDamaged, "graph: load a damaged artifact")                             \
  X(Share, "graph: share with other threads")                                  \
  X(Prepare, "call: allocate buffers")                                         \
  X(Execute, "call: execute")                                                  \
  X(Misuse, "call: wrong arguments")                                           \
  X(Submit, "call: execute async")                                             \
  X(Finish, "call: await fence")                                               \
  X(Abandon, "call: drop what never runs")                                     \
  X(SignalOthers, "fence: signal another thread's")                            \
  X(Bind, "bound call: bind")                                                  \
  X(ExecuteBound, "bound call: execute")                                       \
  X(Rebind, "bound call: set all buffers")                                     \
  X(HandOver, "bound call: give to another thread")                            \
  X(UseBuffers, "buffer: allocate, import, read")                              \
  X(Forget, "store: remove an entry")                                          \
  X(Drop, "drop something")

enum class Operation : uint8_t {
#define SOAK_ENUM(NAME, TEXT) NAME,
  SOAK_OPERATIONS(SOAK_ENUM)
#undef SOAK_ENUM
      Count
};
constexpr size_t kOperations = static_cast<size_t>(Operation::Count);
const char *nameOf(Operation operation);

/// Thread safety: thread-safe.
class Statistics {
public:
  void count(Operation operation) {
    done_[static_cast<size_t>(operation)].fetch_add(1);
  }
  /// An error that was asked for and came.
  void surfaced(const ErrorObject &error);
  /// Armed, delivered, and the operation succeeded all the same.
  void absorbed() { absorbed_.fetch_add(1); }
  /// An error that a wrong use has to give.
  void refused(const ErrorObject &error);
  void checked() { checked_.fetch_add(1); }
  void print() const;
  uint64_t operations() const;

private:
  std::array<std::atomic<uint64_t>, kOperations> done_{};
  std::atomic<uint64_t> absorbed_{0}, checked_{0};
  mutable std::mutex mutex_;
  std::map<std::string, uint64_t> injected_; // by code; guarded by mutex_
  std::map<std::string, uint64_t> refused_;  // by code; guarded by mutex_
};

/// Thread safety: thread-safe.
class Stage {
public:
  Stage(const Recipes &recipes, std::filesystem::path storeFolder)
      : recipes_(recipes), store_(std::move(storeFolder)) {}

  const Recipes &recipes() const { return recipes_; }
  const std::filesystem::path &store() const { return store_; }

  /// Puts a thing in a place and gives what was there, or just that.
  template <typename T> T exchange(T &place, T thing) {
    std::lock_guard lock(mutex_);
    std::swap(place, thing);
    return thing;
  }
  template <typename T> T copy(const T &place) {
    std::lock_guard lock(mutex_);
    return place;
  }

  /// Notes what went wrong and stops everybody.
  void fail(const std::string &what);
  bool failed() const { return failed_.load(); }
  /// Lets go of everything shared.
  void clear();

  std::atomic<bool> stop{false};
  Statistics statistics;

  // Places; only through exchange and copy.
  std::array<LoadedPtr, 12> programs;
  std::array<HandlePtr, 3> handles;
  std::array<Fence, 8> gates;
  std::array<std::unique_ptr<Bound>, 4> bound;

private:
  const Recipes &recipes_;
  const std::filesystem::path store_;
  std::mutex mutex_;
  std::atomic<bool> failed_{false};
};

} // namespace fusilli::soak

#endif // TESTS_SOAK_STAGE_H
