// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Graph::bind and Graph::executeAsync: results, order, errors, lifetimes.
#include "engine/test/test_engine.h"

#include "support/ref.h"

#include <thread>

#include <sys/wait.h>
#include <unistd.h>

namespace fusilli::test {
namespace {

class GraphAsyncTest : public EngineTest {
protected:
  void SetUp() override {
    EngineTest::SetUp();
    ASSERT_OK(g_.graph.validate());
    ASSERT_OK(g_.graph.compile(*handle_, true));
    ASSERT_OK(g_.graph.getWorkspaceSize());
    pack_ = makePack(g_, {1, 2, 3, 4}, {10, 20, 30, 40});
  }
  Fence makeFence() {
    ErrorOr<Fence> fence = Fence::create();
    EXPECT_TRUE(isOk(fence)) << ErrorObject(fence);
    return *fence;
  }
  AddGraph g_;
  Pack pack_;
};

TEST_F(GraphAsyncTest, BoundCallRuns) {
  ErrorOr<BoundCall> call = g_.graph.bind(*handle_, pack_, nullptr);
  ASSERT_TRUE(isOk(call)) << ErrorObject(call);
  for (int i = 0; i < 3; ++i)
    ASSERT_OK(call->execute());
  EXPECT_THAT(contents(*handle_, pack_[g_.out]),
              testing::ElementsAre(11, 22, 33, 44));
}

TEST_F(GraphAsyncTest, SetBufferRebindsOneTensor) {
  ErrorOr<BoundCall> call = g_.graph.bind(*handle_, pack_, nullptr);
  ASSERT_TRUE(isOk(call)) << ErrorObject(call);
  ASSERT_OK(call->setBuffer(g_.inA, makeBuffer(*handle_, {5, 5, 5, 5})));
  ASSERT_OK(call->execute());
  EXPECT_THAT(contents(*handle_, pack_[g_.out]),
              testing::ElementsAre(15, 25, 35, 45));
  EXPECT_CODE(call->setBuffer(nullptr, pack_[g_.inA]), VariantPackError,
              "no argument");
  EXPECT_CODE(call->setBuffer(g_.inA, nullptr), VariantPackError, "null");
  EXPECT_CODE(call->setBuffer(g_.inA, makeBuffer(*handle_, {1, 2})),
              InvalidArgument, "'a'");
  ASSERT_OK(call->execute());
  EXPECT_THAT(contents(*handle_, pack_[g_.out]),
              testing::ElementsAre(15, 25, 35, 45));
}

TEST_F(GraphAsyncTest, BindChecksAsExecuteDoes) {
  AddGraph other("other");
  ASSERT_OK(other.graph.validate());
  EXPECT_CODE(ErrorObject(other.graph.bind(*handle_, {}, nullptr)), NotCompiled,
              "other");
  Pack missing = pack_;
  missing.erase(g_.inB);
  EXPECT_CODE(ErrorObject(g_.graph.bind(*handle_, missing, nullptr)),
              VariantPackError, "'b'");
}

TEST_F(GraphAsyncTest, BoundCallKeepsWhatItUses) {
  int64_t before = 0;
  {
    std::optional<BoundCall> call;
    BufferPtr out;
    {
      AddGraph graph("short");
      ASSERT_OK(graph.graph.validate());
      ASSERT_OK(graph.graph.compile(*handle_, true));
      ASSERT_OK(graph.graph.getWorkspaceSize());
      before = liveObjects(ObjectKind::Module);
      Pack pack = makePack(graph, {1, 1, 1, 1}, {2, 2, 2, 2});
      out = pack[graph.out];
      ErrorOr<BoundCall> made = graph.graph.bind(*handle_, pack, nullptr);
      ASSERT_TRUE(isOk(made)) << ErrorObject(made);
      call.emplace(std::move(*made));
    }
    EXPECT_EQ(liveObjects(ObjectKind::Module), before);
    ASSERT_OK(call->execute());
    EXPECT_THAT(contents(*handle_, out), testing::ElementsAre(3, 3, 3, 3));
    BoundCall moved(std::move(*call));
    EXPECT_CODE(call->execute(), NotCompiled, "moved");
  }
  EXPECT_LT(liveObjects(ObjectKind::Module), before);
}

TEST_F(GraphAsyncTest, SignalsWhenDone) {
  Fence done = makeFence();
  ASSERT_OK(g_.graph.executeAsync(*handle_, pack_, nullptr, Fence(), done));
  ASSERT_OK(done.wait());
  EXPECT_TRUE(*done.isReached());
  EXPECT_THAT(contents(*handle_, pack_[g_.out]),
              testing::ElementsAre(11, 22, 33, 44));
}

TEST_F(GraphAsyncTest, GraphsAreOrderedByFencesOnly) {
  // second = first + b, queued before first.
  AddGraph second("second");
  ASSERT_OK(second.graph.validate());
  ASSERT_OK(second.graph.compile(*handle_, true));
  ASSERT_OK(second.graph.getWorkspaceSize());
  Pack next = makePack(second, {0, 0, 0, 0}, {100, 100, 100, 100});
  next[second.inA] = pack_[g_.out];
  Fence gate = makeFence();
  Fence middle = makeFence();
  Fence done = makeFence();
  ASSERT_OK(second.graph.executeAsync(*handle_, next, nullptr, middle, done));
  ASSERT_OK(g_.graph.executeAsync(*handle_, pack_, nullptr, gate, middle));
  EXPECT_FALSE(*done.isReached());
  EXPECT_CODE(done.waitFor(std::chrono::milliseconds(1)), RuntimeFailure,
              "DEADLINE_EXCEEDED");
  ASSERT_OK(gate.signal());
  ASSERT_OK(done.wait());
  EXPECT_THAT(contents(*handle_, next[second.out]),
              testing::ElementsAre(111, 122, 133, 144));
}

TEST_F(GraphAsyncTest, ReadWaitsForQueuedWorkOnTheBuffer) {
  Fence gate = makeFence();
  ASSERT_OK(g_.graph.executeAsync(*handle_, pack_, nullptr, gate, Fence()));
  // A buffer that the queued work does not use is there at once.
  EXPECT_THAT(contents(*handle_, makeBuffer(*handle_, {7})),
              testing::ElementsAre(7));
  std::vector<float> seen;
  std::thread reader([&] { seen = contents(*handle_, pack_[g_.out]); });
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_OK(gate.signal());
  reader.join();
  EXPECT_THAT(seen, testing::ElementsAre(11, 22, 33, 44));
}

TEST_F(GraphAsyncTest, BuffersAreKeptUntilTheSignal) {
  Fence gate = makeFence();
  Fence done = makeFence();
  BufferPtr out = pack_[g_.out];
  ASSERT_OK(g_.graph.executeAsync(*handle_, pack_, nullptr, gate, done));
  pack_.clear();
  ASSERT_OK(gate.signal());
  ASSERT_OK(done.wait());
  EXPECT_THAT(contents(*handle_, out), testing::ElementsAre(11, 22, 33, 44));
}

TEST_F(GraphAsyncTest, ErrorsBeforeQueueing) {
  Fence done = makeFence();
  Pack missing = pack_;
  missing.erase(g_.out);
  EXPECT_CODE(g_.graph.executeAsync(*handle_, missing, nullptr, Fence(), done),
              VariantPackError, "'y'");
  EXPECT_FALSE(*done.isReached());
}

#if !defined(__SANITIZE_THREAD__)
// In a child process: 0, or the number of the first check that fails.
int checkChild(std::optional<Handle> &handle, AddGraph &g, Pack &pack) {
  // What was made before runs here, on this thread.
  if (isError(g.graph.execute(*handle, pack, nullptr)))
    return 1;
  ErrorOr<Fence> done = Fence::create();
  ErrorObject queued =
      g.graph.executeAsync(*handle, pack, nullptr, Fence(), *done);
  if (queued.getCode() != ErrorCode::RuntimeFailure ||
      queued.getMessage().find("fork") == std::string::npos)
    return 2;
  // What is made here queues as well.
  ErrorOr<Handle> own = Handle::create(Backend::CPU);
  AddGraph another;
  if (isError(own) || isError(another.graph.validate()) ||
      isError(another.graph.compile(*own, true)) ||
      isError(another.graph.getWorkspaceSize()))
    return 3;
  Pack ownPack = {{another.inA, makeBuffer(*own, {1, 2, 3, 4})},
                  {another.inB, makeBuffer(*own, {5, 6, 7, 8})},
                  {another.out, makeBuffer(*own, {0, 0, 0, 0})}};
  if (isError(
          another.graph.executeAsync(*own, ownPack, nullptr, Fence(), *done)) ||
      isError(done->wait()))
    return 4;
  // And all of it can go.
  pack.clear();
  g.graph = Graph();
  handle.reset();
  return 0;
}

TEST_F(GraphAsyncTest, ChildProcess) {
  Fence done = makeFence(); // starts the queue's thread
  ASSERT_OK(g_.graph.executeAsync(*handle_, pack_, nullptr, Fence(), done));
  ASSERT_OK(done.wait());
  pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0)
    _exit(checkChild(handle_, g_, pack_));
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  Fence again = makeFence(); // the parent goes on
  ASSERT_OK(g_.graph.executeAsync(*handle_, pack_, nullptr, Fence(), again));
  EXPECT_OK(again.wait());
}
#endif

TEST_F(GraphAsyncTest, FenceRules) {
  Fence null;
  EXPECT_TRUE(null.isNull());
  EXPECT_TRUE(*null.isReached());
  EXPECT_OK(null.wait());
  EXPECT_OK(null.signal());
  Fence a = makeFence();
  Fence b = makeFence();
  Fence copy = a;
  const Fence both[] = {a, null, b};
  ErrorOr<Fence> joined = Fence::join(both);
  ASSERT_TRUE(isOk(joined));
  EXPECT_CODE(joined->signal(), RuntimeFailure, "joined");
  ASSERT_OK(copy.signal());
  EXPECT_TRUE(*a.isReached());
  EXPECT_CODE(a.signal(), RuntimeFailure, "fence");
  EXPECT_FALSE(*joined->isReached());
  std::thread signaler([&] { EXPECT_OK(b.signal()); });
  EXPECT_OK(joined->wait());
  signaler.join();
  EXPECT_TRUE(Fence::join({})->isNull());
}

} // namespace
} // namespace fusilli::test
