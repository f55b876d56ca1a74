// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The soak: threads that make, compile, load, execute, share and drop
// everything at random while allocations and fault points fail, for as long as
// asked. It goes in rounds. After each, nothing may be left: no live object, no
// byte of the runtime's allocator, no thread, no descriptor, no file but the
// store's entries. Exit code 1 for a wrong result, an error that nobody asked
// for, a hang, a crash, a rest, or memory that grows.
//
//   soak [--seconds N] [--threads N] [--seed N]
#include "tests/soak/faults.h"
#include "tests/soak/process.h"
#include "tests/soak/worker.h"

#include "support/ref.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

using namespace fusilli;
using namespace fusilli::soak;

namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr double kLongestRound = 8.0; // seconds
constexpr double kShortestRound = 0.5;
constexpr double kHangSeconds = 120.0;  // without an operation in a thread
constexpr double kLongestTick = 0.1;    // a longer one: this process starved
constexpr double kSettleSeconds = 10.0; // for threads that are on their way out
// What malloc has handed out counts from here on: the compiler has its caches.
constexpr uint64_t kWarmOperations = 20000;

struct Options {
  double seconds = 600;
  int threads = 8;
  uint64_t seed = 20260101;
};

double now() { return Seconds(Clock::now().time_since_epoch()).count(); }

bool parse(int argc, char **argv, Options &options) {
  for (int i = 1; i < argc; i += 2) {
    char *end = nullptr;
    const double value = i + 1 < argc ? std::strtod(argv[i + 1], &end) : -1;
    if (!end || *end || value < 0)
      return false;
    if (std::strcmp(argv[i], "--seconds") == 0)
      options.seconds = value;
    else if (std::strcmp(argv[i], "--threads") == 0 && value >= 1 &&
             value <= 256)
      options.threads = static_cast<int>(value);
    else if (std::strcmp(argv[i], "--seed") == 0)
      options.seed = static_cast<uint64_t>(value);
    else
      return false;
  }
  return true;
}

// Waits until `isDone`, for threads that are on their way out.
template <typename Done> bool settles(Done isDone) {
  for (double begin = now(); now() - begin < kSettleSeconds;) {
    if (isDone())
      return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

/// What the process had before the first round and has to have after each.
class Rest {
public:
  explicit Rest(const FaultyAllocator &allocator)
      : allocator_(allocator), threads_(threadNames()), files_(openFiles()) {}

  /// What is left, line by line; nothing when all is gone.
  std::string find() const {
    std::string text;
    for (size_t kind = 0; kind < static_cast<size_t>(ObjectKind::Count); ++kind)
      if (int64_t live = liveObjects(static_cast<ObjectKind>(kind)); live != 0)
        text += "  " + std::to_string(live) + " live objects of kind " +
                objectKindName(static_cast<ObjectKind>(kind)) + "\n";
    const AllocationCounts counts = allocator_.counts();
    if (counts.liveBlocks != 0 || counts.liveBytes != 0)
      text += "  " + std::to_string(counts.liveBytes) + " bytes in " +
              std::to_string(counts.liveBlocks) + " host allocations\n";
    if (!settles([&] { return threadNames().size() == threads_.size(); }))
      text += "  threads: " + join(threadNames()) + "\n";
    if (std::vector<std::string> files = openFiles(); files != files_)
      text +=
          "  open files: " + join(files) + ", before " + join(files_) + "\n";
    return text;
  }

private:
  const FaultyAllocator &allocator_; // Borrowed: outlives this.
  const std::vector<std::string> threads_, files_;
};

class Soak {
public:
  Soak(const Options &options, const Recipes &recipes, const Folder &folder,
       const FaultyAllocator &allocator)
      : options_(options), folder_(folder), random_(options.seed),
        stage_(recipes, folder.path() / ".cache" / "fusilli-store"),
        rest_(allocator) {}

  bool run();
  const Statistics &statistics() const { return stage_.statistics; }
  int rounds() const { return rounds_; }

private:
  bool round(double seconds);
  bool watch(const std::vector<std::unique_ptr<Worker>> &workers, double until);
  void report(const char *when) const;

  const Options options_;
  const Folder &folder_; // Borrowed: outlives this.
  std::mt19937_64 random_;
  Stage stage_;
  const Rest rest_;
  int rounds_ = 0;
};

void Soak::report(const char *when) const {
  const Memory memory = memoryOfProcess();
  std::printf("%-7s round %4d: %llu operations, %.1f MiB resident, %.2f MiB "
              "of heap in use\n",
              when, rounds_,
              static_cast<unsigned long long>(stage_.statistics.operations()),
              memory.residentMiB, memory.heapMiB);
  std::fflush(stdout);
}

// Sleeps until the time is over; false when nothing moves any more.
bool Soak::watch(const std::vector<std::unique_ptr<Worker>> &workers,
                 double until) {
  std::vector<uint64_t> beats(workers.size());
  std::vector<double> still(workers.size()); // seconds without an operation
  double last = now();
  const auto isStuck = [&] {
    bool allDone = true;
    const double tick = std::min(now() - last, kLongestTick);
    last = now();
    for (size_t i = 0; i < workers.size(); ++i) {
      const uint64_t beat = workers[i]->beats();
      const bool isDone =
          stage_.stop && workers[i]->current() == Operation::Count;
      allDone &= isDone;
      still[i] = beat != beats[i] || isDone ? 0.0 : still[i] + tick;
      beats[i] = beat;
      if (still[i] > kHangSeconds)
        return 1;
    }
    return allDone ? -1 : 0;
  };
  while (true) {
    if (now() >= until)
      stage_.stop = true;
    const int stuck = isStuck();
    if (stuck < 0)
      return true;
    if (stuck > 0)
      break;
    std::this_thread::sleep_for(
        std::chrono::milliseconds(stage_.stop ? 2 : 20));
  }
  for (size_t i = 0; i < workers.size(); ++i)
    std::printf("  thread %zu: operation %llu, %s, %.0f s ago\n", i,
                static_cast<unsigned long long>(beats[i]),
                nameOf(workers[i]->current()), still[i]);
  stage_.fail("no operation finished for " + std::to_string(kHangSeconds) +
              " s");
  return false;
}

bool Soak::round(double seconds) {
  // Read when a device is made, and nobody else reads it now.
  setEnv("FUSILLI_NUM_THREADS", std::to_string(1 + random_() % 4).c_str());
  stage_.stop = false;
  std::vector<std::unique_ptr<Worker>> workers;
  for (int i = 0; i < options_.threads; ++i)
    workers.push_back(std::make_unique<Worker>(stage_, i, random_()));
  std::vector<std::thread> threads;
  for (auto &worker : workers)
    threads.emplace_back([&worker = *worker] { worker.run(); });
  if (!watch(workers, now() + seconds)) {
    std::fflush(stdout);
    std::_Exit(1); // its threads cannot be joined
  }
  for (std::thread &thread : threads)
    thread.join();
  workers.clear();
  stage_.clear();
  disarmFaults();
  if (std::string left = rest_.find(); !left.empty())
    stage_.fail("left after round " + std::to_string(rounds_) + ":\n" + left);
  if (std::string files = folder_.unexpected(); !files.empty())
    stage_.fail("files left after round " + std::to_string(rounds_) + ":\n" +
                files);
  ++rounds_;
  return !stage_.failed();
}

bool Soak::run() {
  const double begin = now(), end = begin + options_.seconds;
  report("start");
  Memory warm, middle;
  bool isWarm = false, isHalf = false;
  while (now() < end) {
    const double most = std::min(kLongestRound, end - now());
    const double part = static_cast<double>(random_() % 1000) / 1000.0;
    if (!round(std::max(kShortestRound, most * part)))
      return false;
    if (!isWarm && now() - begin > options_.seconds / 4 &&
        stage_.statistics.operations() > kWarmOperations) {
      isWarm = true;
      warm = memoryOfProcess();
      report("warm");
    }
    if (!isHalf && now() - begin > options_.seconds / 2) {
      isHalf = true;
      middle = memoryOfProcess();
      report("middle");
    }
  }
  report("end");
  const std::string grown = growth(warm, middle, memoryOfProcess());
  if (!grown.empty())
    stage_.fail(grown);
  return !stage_.failed();
}

// Loads the compiler and lets it make what it keeps for good.
ErrorObject warmUp(const Recipe &recipe) {
  FUSILLI_ASSIGN_OR_RETURN(Graph graph, recipe.makeGraph("soak warm up"));
  FUSILLI_ASSIGN_OR_RETURN(Handle handle, Handle::create(Backend::CPU));
  return graph.compile(handle, /*remove=*/true);
}

} // namespace

int main(int argc, char **argv) {
  Options options;
  if (!parse(argc, argv, options)) {
    std::fprintf(stderr,
                 "usage: soak [--seconds N] [--threads N] [--seed N]\n");
    return 2;
  }
  reportCrashes();
  Folder folder;
  if (!std::getenv("FUSILLI_COMPILER_LIB"))
    setEnv("FUSILLI_COMPILER_LIB", FUSILLI_SOAK_COMPILER_LIB);
  setEnv("FUSILLI_CACHE_DIR", folder.path().c_str());
  setEnv("TMPDIR", folder.temporary().c_str());
  std::printf("soak: %.0f seconds, %d threads, seed %llu, compiler %s\n",
              options.seconds, options.threads,
              static_cast<unsigned long long>(options.seed),
              FUSILLI_SOAK_REAL_COMPILER ? "real" : "the tests'");

  Recipes recipes = makeRecipes(FUSILLI_SOAK_REAL_COMPILER);
  for (size_t i = 0; i < recipes.size(); ++i)
    if (ErrorObject status = recipes[i]->prepare(options.seed + i);
        isError(status)) {
      std::cout << "soak: " << recipes[i]->label() << ": " << status << "\n";
      return 1;
    }
  // Never destroyed: what leaks uses it.
  auto &allocator = *new FaultyAllocator();
  replaceSystemAllocator(&allocator);
  if (ErrorObject status = warmUp(*recipes.front()); isError(status)) {
    std::cout << "soak: " << status << "\n";
    return 1;
  }
  Soak soak(options, recipes, folder, allocator);
  const bool isGood = soak.run();
  soak.statistics().print();
  std::printf("injected: %llu allocation failures, %llu fault points\n"
              "rounds with nothing left: %d\nsoak: %s\n",
              static_cast<unsigned long long>(allocator.failures()),
              static_cast<unsigned long long>(faultPointFailures()),
              soak.rounds(), isGood ? "passed" : "FAILED");
  return isGood ? 0 : 1;
}
