// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Several threads, graphs and handles at once, and what a failing kernel does
// to the others.
#include "engine/test/test_engine.h"

#include "support/ref.h"

#include <atomic>
#include <random>
#include <thread>

namespace fusilli::test {
namespace {

class ConcurrencyTest : public EngineTest {};

// Compiled to a kernel that fails, or to the sum.
std::unique_ptr<AddGraph> makeLoaded(const Handle &handle, int64_t n,
                                     bool fails) {
  auto g = std::make_unique<AddGraph>("n" + std::to_string(n), n);
  EXPECT_OK(g->graph.validate());
  std::optional<ScopedEnv> environment;
  if (fails)
    environment.emplace("FAKE_COMPILER_KERNEL_FAILS", "1");
  EXPECT_OK(g->graph.compile(handle, /*remove=*/true));
  EXPECT_OK(g->graph.getWorkspaceSize());
  return g;
}

TEST_F(ConcurrencyTest, DistinctGraphsOnOneHandle) {
  constexpr int kThreads = 8;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      const auto n = static_cast<size_t>(t + 1);
      auto g = makeLoaded(*handle_, t + 1, /*fails=*/false);
      const auto x = static_cast<float>(t);
      Pack pack =
          makePack(*g, std::vector<float>(n, x), std::vector<float>(n, 0.5f));
      for (int i = 0; i < 500; ++i)
        EXPECT_OK(g->graph.execute(*handle_, pack, nullptr));
      EXPECT_EQ(contents(*handle_, pack[g->out]),
                std::vector<float>(n, x + 0.5f));
    });
  for (std::thread &thread : threads)
    thread.join();
}

TEST_F(ConcurrencyTest, HandlesComeAndGo) {
  constexpr uint32_t kSeed = 5;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  handle_.reset();
  const int64_t before = liveObjects();
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < 8; ++t)
    threads.emplace_back([t] {
      std::mt19937 random(kSeed + t);
      std::vector<Handle> own;
      for (int i = 0; i < 40; ++i) {
        if (!own.empty() && random() % 2 == 0) {
          own.erase(own.begin() + random() % own.size());
          continue;
        }
        ErrorOr<Handle> handle = Handle::create(Backend::CPU);
        ASSERT_OK(handle);
        EXPECT_EQ(contents(*handle, makeBuffer(*handle, {1, 2})),
                  (std::vector<float>{1, 2}));
        own.push_back(std::move(*handle));
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(liveObjects(), before);
  EXPECT_EQ(liveObjects(ObjectKind::Instance), 0);
}

TEST_F(ConcurrencyTest, FailingKernelIsAnErrorAndOthersGoOn) {
  auto good = makeLoaded(*handle_, 3, /*fails=*/false);
  auto bad = makeLoaded(*handle_, 5, /*fails=*/true);
  Pack goodPack = makePack(*good, {1, 2, 3}, {1, 1, 1});
  Pack badPack = makePack(*bad, {1, 2, 3, 4, 5}, {1, 1, 1, 1, 1});
  for (int i = 0; i < 3; ++i) {
    EXPECT_CODE(bad->graph.execute(*handle_, badPack, nullptr), RuntimeFailure,
                "failed with 7");
    EXPECT_OK(good->graph.execute(*handle_, goodPack, nullptr));
    EXPECT_THAT(contents(*handle_, goodPack[good->out]),
                testing::ElementsAre(2, 3, 4));
  }
  ErrorOr<BoundCall> call = bad->graph.bind(*handle_, badPack, nullptr);
  ASSERT_OK(call);
  EXPECT_CODE(call->execute(), RuntimeFailure, "failed with 7");
}

TEST_F(ConcurrencyTest, FailureOnTheQueueIsLeftBehindWithTheHandle) {
  auto good = makeLoaded(*handle_, 3, /*fails=*/false);
  auto bad = makeLoaded(*handle_, 5, /*fails=*/true);
  Pack goodPack = makePack(*good, {1, 2, 3}, {1, 1, 1});
  Pack badPack = makePack(*bad, {1, 2, 3, 4, 5}, {1, 1, 1, 1, 1});
  ErrorOr<Fence> done = Fence::create();
  ASSERT_OK(done);
  ASSERT_OK(
      bad->graph.executeAsync(*handle_, badPack, nullptr, Fence(), *done));
  EXPECT_CODE(done->wait(), RuntimeFailure, "failed with 7");
  EXPECT_CODE(ErrorObject(done->isReached()), RuntimeFailure, "failed with 7");
  // The device's queue is lost, blocking calls and other handles are not.
  ErrorOr<Fence> later = Fence::create();
  ASSERT_OK(later);
  EXPECT_CODE(
      good->graph.executeAsync(*handle_, goodPack, nullptr, Fence(), *later),
      RuntimeFailure, "failed with 7");
  EXPECT_OK(good->graph.execute(*handle_, goodPack, nullptr));
  ErrorOr<Handle> other = Handle::create(Backend::CPU);
  ASSERT_OK(other);
  auto again = makeLoaded(*other, 4, /*fails=*/false);
  Pack pack = makePack(*again, {1, 2, 3, 4}, {4, 4, 4, 4});
  ErrorOr<Fence> fine = Fence::create();
  ASSERT_OK(fine);
  ASSERT_OK(again->graph.executeAsync(*other, pack, nullptr, Fence(), *fine));
  EXPECT_OK(fine->wait());
  EXPECT_THAT(contents(*other, pack[again->out]),
              testing::ElementsAre(5, 6, 7, 8));
}

} // namespace
} // namespace fusilli::test
