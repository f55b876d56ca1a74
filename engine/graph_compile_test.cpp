// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compile, cache and load of graphs, with the fake compiler.
#include "engine/test/test_engine.h"

#include "support/ref.h"

#include <csignal>
#include <fstream>
#include <thread>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace fusilli::test {
namespace {

namespace fs = std::filesystem;

class GraphCompileTest : public EngineTest {
protected:
  fs::path graphDir(const std::string &name) const {
    return base_ / ".cache" / "fusilli" / name;
  }
  fs::path storeDir() const { return base_ / ".cache" / "fusilli-store"; }
};

TEST_F(GraphCompileTest, NeedsAValidatedGraph) {
  AddGraph g;
  EXPECT_CODE(g.graph.compile(*handle_), NotValidated, "'add'");
  EXPECT_CODE(g.graph.compileToArtifact(Backend::CPU), NotValidated, "'add'");
  EXPECT_CODE(g.graph.emitAsm(), NotValidated, "'add'");
  std::vector<uint8_t> bytes = {1};
  EXPECT_CODE(g.graph.loadFromArtifact(*handle_, bytes), NotValidated, "'add'");
}

TEST_F(GraphCompileTest, MissingLibraryIsACompileFailureThatSaysWhatToDo) {
  AddGraph g;
  ASSERT_OK(g.graph.validate());
  ScopedEnv env("FUSILLI_COMPILER_LIB", "/no/such/libfusilli_compiler.so");
  EXPECT_CODE(g.graph.compile(*handle_), CompileFailure,
              "/no/such/libfusilli_compiler.so");
  EXPECT_CODE(g.graph.compile(*handle_), CompileFailure,
              "FUSILLI_COMPILER_LIB");
  EXPECT_CODE(g.graph.emitAsm(), CompileFailure, "missing");
  // Not remembered: the next compile with a library works.
  setEnv("FUSILLI_COMPILER_LIB", FUSILLI_FAKE_COMPILER);
  EXPECT_OK(g.graph.compile(*handle_));
}

TEST_F(GraphCompileTest, OtherAbiVersionAndOtherLibrariesAreCompileFailures) {
  AddGraph g;
  ASSERT_OK(g.graph.validate());
  {
    ScopedEnv env("FUSILLI_COMPILER_LIB", FUSILLI_FAKE_COMPILER_OTHER_ABI);
    EXPECT_CODE(g.graph.compile(*handle_), CompileFailure, "ABI version");
  }
  {
    ScopedEnv env("FUSILLI_COMPILER_LIB", "libm.so.6");
    EXPECT_CODE(g.graph.compile(*handle_), CompileFailure,
                "not a fusilli compiler library");
  }
}

TEST_F(GraphCompileTest, UnknownTargetIsNamed) {
  AddGraph g;
  ASSERT_OK(g.graph.validate());
  ScopedEnv env("FUSILLI_TARGET", "pdp-11");
  EXPECT_CODE(g.graph.compile(*handle_), InvalidArgument, "pdp-11");
  EXPECT_CODE(g.graph.compile(*handle_), InvalidArgument, "FUSILLI_TARGET");
}

TEST_F(GraphCompileTest, OtherBackendsAreNotImplemented) {
  AddGraph g;
  ASSERT_OK(g.graph.validate());
  EXPECT_CODE(g.graph.compileToArtifact(Backend::AMDGPU), NotImplemented,
              "AMDGPU");
}

TEST_F(GraphCompileTest, CompilerErrorsKeepCodeAndDiagnostics) {
  AddGraph g;
  ASSERT_OK(g.graph.validate());
  {
    ScopedEnv env("FAKE_COMPILER_FAIL", "1");
    EXPECT_CODE(g.graph.compile(*handle_, /*remove=*/true), CompileFailure,
                "told to fail");
    EXPECT_FALSE(fs::exists(graphDir("add")));
  }
  EXPECT_CODE(g.graph.getCompiledArtifact(Backend::CPU, "invalid mlir", true),
              CompileFailure, "not a fake program");
  EXPECT_CODE(g.graph.readCompilationCacheFile(CachedAssetsType::Input),
              FileSystemFailure, "compile it first");
}

TEST_F(GraphCompileTest, LeavesTheFourFiles) {
  AddGraph g("my graph");
  ASSERT_OK(g.graph.validate());
  ErrorOr<std::vector<uint8_t>> artifact =
      g.graph.compileToArtifact(Backend::CPU);
  ASSERT_OK(artifact);
  ErrorOr<std::string> text = g.graph.emitAsm();
  ASSERT_OK(text);
  auto read = [&](CachedAssetsType type) {
    ErrorOr<std::string> content = g.graph.readCompilationCacheFile(type);
    EXPECT_OK(content);
    return isOk(content) ? *content : std::string();
  };
  EXPECT_EQ(read(CachedAssetsType::Input), *text);
  EXPECT_EQ(read(CachedAssetsType::Output),
            std::string(artifact->begin(), artifact->end()));
  EXPECT_THAT(read(CachedAssetsType::Statistics),
              testing::HasSubstr("dispatch-count"));
  std::string command = read(CachedAssetsType::Command);
  EXPECT_THAT(command, testing::StartsWith("fusilli-compile "));
  EXPECT_THAT(command, testing::EndsWith("\n"));
  EXPECT_THAT(command, testing::HasSubstr("--target=x86-64-v3"));
  EXPECT_TRUE(fs::exists(graphDir("my_graph") / IREE_COMPILE_COMMAND_FILENAME));
  EXPECT_CODE(
      g.graph.readCompilationCacheFile(static_cast<CachedAssetsType>(9)),
      InvalidAttribute, "9");
}

TEST_F(GraphCompileTest, RemoveCleansUpAtTheEndOfTheGraph) {
  {
    AddGraph g("gone");
    ASSERT_OK(g.graph.validate());
    ASSERT_OK(g.graph.compile(*handle_, /*remove=*/true));
    EXPECT_TRUE(fs::exists(graphDir("gone") / IREE_COMPILE_OUTPUT_FILENAME));
    Graph moved(std::move(g.graph));
    EXPECT_TRUE(fs::exists(graphDir("gone") / IREE_COMPILE_OUTPUT_FILENAME));
  }
  EXPECT_FALSE(fs::exists(graphDir("gone")));
  EXPECT_TRUE(fs::is_empty(graphDir("gone").parent_path()));
}

TEST_F(GraphCompileTest, CompilesAgainOnlyWhenSomethingChanged) {
  AddGraph g("g");
  ASSERT_OK(g.graph.validate());
  ErrorOr<std::string> text = g.graph.emitAsm();
  ASSERT_OK(text);
  auto compiled = [&](const std::string &program) {
    std::optional<bool> again;
    ErrorOr<fs::path> path = g.graph.getCompiledArtifact(
        Backend::CPU, program, /*remove=*/true, &again);
    EXPECT_OK(path);
    EXPECT_TRUE(isOk(path) && fs::exists(*path));
    EXPECT_TRUE(again.has_value());
    return again.value_or(false);
  };
  EXPECT_TRUE(compiled(*text));
  EXPECT_FALSE(compiled(*text));
  EXPECT_TRUE(compiled(*text + " "));
  EXPECT_FALSE(compiled(*text + " "));
  g.graph.setName("renamed");
  EXPECT_TRUE(compiled(*text + " "));
  EXPECT_FALSE(fs::exists(graphDir("g")));
  {
    ScopedEnv env("FUSILLI_TARGET", "x86-64-v4");
    EXPECT_TRUE(compiled(*text + " "));
    EXPECT_FALSE(compiled(*text + " "));
  }
  // After a compile of the graph itself its text is a hit.
  ASSERT_OK(g.graph.compile(*handle_, /*remove=*/true));
  EXPECT_FALSE(compiled(*text));
  // A file that vanished behind our back.
  fs::remove(graphDir("renamed") / IREE_COMPILE_OUTPUT_FILENAME);
  EXPECT_CODE(g.graph.getCompiledArtifact(Backend::CPU, *text, true),
              FileSystemFailure, "does not exist");
}

TEST_F(GraphCompileTest, AnotherGraphOfTheSameNameIsNotMistakenForThisOne) {
  AddGraph a("twin", 4), b("twin", 4, "b", "a"), c("twin", 5);
  for (AddGraph *g : {&a, &b, &c}) {
    ASSERT_OK(g->graph.validate());
    ASSERT_OK(g->graph.compile(*handle_));
  }
  // The files hold the last one's now.
  ASSERT_OK(a.graph.compile(*handle_));
  ASSERT_OK(a.graph.getWorkspaceSize());
  Pack pack = makePack(a, {1, 2, 3, 4}, {10, 20, 30, 40});
  ASSERT_OK(a.graph.execute(*handle_, pack, nullptr));
  EXPECT_THAT(contents(*handle_, pack[a.out]),
              testing::ElementsAre(11, 22, 33, 44));
  // Bytes that are there by damage or by somebody else count as little.
  std::ofstream(graphDir("twin") / IREE_COMPILE_OUTPUT_FILENAME) << "x";
  EXPECT_OK(a.graph.compile(*handle_));
}

TEST_F(GraphCompileTest, CachedArtifactThatOthersCanWriteIsNotGivenOut) {
  AddGraph g("open");
  ASSERT_OK(g.graph.validate());
  ASSERT_OK(g.graph.compile(*handle_));
  EXPECT_OK(g.graph.readCompilationCacheFile(CachedAssetsType::Output));
  ASSERT_EQ(
      chmod((graphDir("open") / IREE_COMPILE_OUTPUT_FILENAME).c_str(), 0666),
      0);
  EXPECT_CODE(g.graph.readCompilationCacheFile(CachedAssetsType::Output),
              FileSystemFailure, "mode 0666");
  EXPECT_OK(g.graph.readCompilationCacheFile(CachedAssetsType::Input));
}

TEST_F(GraphCompileTest, StoreServesOtherGraphsUnderOtherNames) {
  uint64_t before = compileCount();
  for (const char *name : {"one", "two", "three"}) {
    AddGraph g(name, 16);
    ASSERT_OK(g.graph.validate());
    ASSERT_OK(g.graph.compile(*handle_, /*remove=*/true));
  }
  EXPECT_EQ(compileCount(), before + 1);
  AddGraph other("one", 17);
  ASSERT_OK(other.graph.validate());
  ASSERT_OK(other.graph.compile(*handle_, /*remove=*/true));
  EXPECT_EQ(compileCount(), before + 2);
}

TEST_F(GraphCompileTest, DamagedAndUnwritableStoresOnlyCostACompile) {
  auto compileOnce = [&] {
    AddGraph g("damage", 32);
    EXPECT_OK(g.graph.validate());
    EXPECT_OK(g.graph.compile(*handle_, /*remove=*/true));
  };
  uint64_t before = compileCount();
  compileOnce();
  for (const auto &entry : fs::directory_iterator(storeDir()))
    fs::resize_file(entry.path(), entry.file_size() - 1);
  compileOnce();
  EXPECT_EQ(compileCount(), before + 2);
  compileOnce(); // the damaged entry was replaced
  EXPECT_EQ(compileCount(), before + 2);
  fs::remove_all(storeDir());
  std::ofstream(storeDir()) << "a file where the store should be";
  compileOnce();
  compileOnce();
  EXPECT_EQ(compileCount(), before + 4);
}

// What happens where no file can be written: everything but the files.
void expectCompilesWithoutFiles(const Handle &handle, const char *reason) {
  for (bool remove : {false, true}) {
    AddGraph g("homeless");
    ASSERT_OK(g.graph.validate());
    ASSERT_OK(g.graph.compile(handle, remove));
    ASSERT_OK(g.graph.getWorkspaceSize());
    Pack pack = {{g.inA, makeBuffer(handle, {1, 2, 3, 4})},
                 {g.inB, makeBuffer(handle, {10, 20, 30, 40})},
                 {g.out, makeBuffer(handle, {-1, -1, -1, -1})}};
    ASSERT_OK(g.graph.execute(handle, pack, nullptr));
    EXPECT_THAT(contents(handle, pack[g.out]),
                testing::ElementsAre(11, 22, 33, 44));
    ASSERT_OK(g.graph.compile(handle, remove)); // and once more
    // Who asks for the files is told why there are none.
    for (auto type : {CachedAssetsType::Input, CachedAssetsType::Output})
      EXPECT_CODE(g.graph.readCompilationCacheFile(type), FileSystemFailure,
                  reason);
    ErrorOr<std::string> text = g.graph.emitAsm();
    ASSERT_OK(text);
    EXPECT_CODE(g.graph.getCompiledArtifact(Backend::CPU, *text, remove),
                FileSystemFailure, reason);
  }
}

TEST_F(GraphCompileTest, CompilesWhereNoFolderCanBeMade) {
  std::ofstream(base_ / "file") << "x";
  ScopedEnv env("FUSILLI_CACHE_DIR", base_ / "file");
  expectCompilesWithoutFiles(*handle_, "FUSILLI_CACHE_DIR");
  // As a user that has no home.
  setEnv("FUSILLI_CACHE_DIR", "");
  ScopedEnv home("HOME", "/proc");
  expectCompilesWithoutFiles(*handle_, "/proc/.cache");
}

/// Runs `body` in a child process.
template <typename Body> pid_t startChild(Body body) {
  pid_t child = fork();
  if (child == 0) {
    body();
    _exit(testing::Test::HasFailure() ? 1 : 0);
  }
  return child;
}

bool succeeded(pid_t child) {
  int status = -1;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) &&
         WEXITSTATUS(status) == 0;
}

// A file that cannot grow is what a full disk gives: the first bytes, and then
// an error.
TEST_F(GraphCompileTest, CompilesOnAFullDisk) {
  for (rlim_t room : {0, 100}) {
    pid_t child = startChild([&] {
      signal(SIGXFSZ, SIG_IGN);
      rlimit limit = {room, room};
      ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
      expectCompilesWithoutFiles(*handle_, "cannot write cache file");
    });
    EXPECT_TRUE(succeeded(child)) << room << " bytes";
    // Nothing half-written is left.
    EXPECT_FALSE(fs::exists(graphDir("homeless")));
    EXPECT_TRUE(!fs::exists(storeDir()) || fs::is_empty(storeDir()));
  }
}

// They remove each other's files and folder at any moment.
TEST_F(GraphCompileTest, ProcessesCompileGraphsOfOneNameAtOnce) {
  std::vector<pid_t> children;
  for (int i = 0; i < 16; ++i)
    children.push_back(startChild([&] {
      for (int round = 0; round < 20; ++round) {
        AddGraph g("shared", 4 + i % 2);
        ASSERT_OK(g.graph.validate());
        ASSERT_OK(g.graph.compile(*handle_, /*remove=*/true));
      }
    }));
  for (pid_t child : children)
    EXPECT_TRUE(succeeded(child));
  EXPECT_FALSE(fs::exists(graphDir("shared")));
}

TEST_F(GraphCompileTest, ArtifactFitsAnEqualGraphOnly) {
  AddGraph g("from");
  ASSERT_OK(g.graph.validate());
  ErrorOr<std::vector<uint8_t>> artifact =
      g.graph.compileToArtifact(Backend::CPU, /*remove=*/true);
  ASSERT_OK(artifact);

  AddGraph same("to");
  ASSERT_OK(same.graph.validate());
  EXPECT_OK(same.graph.loadFromArtifact(*handle_, *artifact));
  AddGraph shape("to", 5), name("to", 4, "a", "c");
  ASSERT_OK(shape.graph.validate());
  ASSERT_OK(name.graph.validate());
  EXPECT_CODE(shape.graph.loadFromArtifact(*handle_, *artifact),
              InvalidArgument, "{5}");
  EXPECT_CODE(name.graph.loadFromArtifact(*handle_, *artifact), InvalidArgument,
              "'c'");
  EXPECT_EQ(liveObjects(ObjectKind::Context), 1); // of `same`
  ErrorOr<std::optional<size_t>> size = shape.graph.getWorkspaceSize();
  ASSERT_OK(size);
  EXPECT_FALSE(size->has_value());
  AddGraph more("to");
  more.graph.tensor(
      TensorAttr().setName("unused").setDim({1}).setStride({1}).setDataType(
          DataType::Float));
  ASSERT_OK(more.graph.validate());
  EXPECT_CODE(more.graph.loadFromArtifact(*handle_, *artifact), InvalidArgument,
              "3 inputs");
}

// The strides belong to the signature: the same buffer, other elements.
TEST_F(GraphCompileTest, ArtifactFitsItsStridesOnly) {
  auto make = [](std::vector<int64_t> strides) {
    auto g = std::make_unique<AddGraph>("strides", 4);
    g->inA->setDim({3, 4}).setStride(strides);
    g->inB->setDim({3, 4}).setStride({4, 1});
    g->out->setDim({3, 4}).setStride({4, 1});
    EXPECT_OK(g->graph.validate());
    return g;
  };
  auto padded = make({10, 2});
  ErrorOr<std::vector<uint8_t>> artifact =
      padded->graph.compileToArtifact(Backend::CPU, /*remove=*/true);
  ASSERT_OK(artifact);
  EXPECT_OK(make({10, 2})->graph.loadFromArtifact(*handle_, *artifact));
  for (const auto &strides : {std::vector<int64_t>{2, 10}, {4, 1}, {12, 1}})
    EXPECT_CODE(make(strides)->graph.loadFromArtifact(*handle_, *artifact),
                InvalidArgument, "{10, 2}");
  // A buffer of any shape that holds the 27 elements.
  ASSERT_OK(padded->graph.loadFromArtifact(*handle_, *artifact));
  ASSERT_OK(padded->graph.getWorkspaceSize());
  auto allocate = [&](const std::vector<iree_hal_dim_t> &shape) {
    size_t count = 1;
    for (iree_hal_dim_t dim : shape)
      count *= dim;
    ErrorOr<Buffer> buffer =
        Buffer::allocate(*handle_, shape, std::vector<float>(count));
    EXPECT_OK(buffer);
    return std::make_shared<Buffer>(std::move(*buffer));
  };
  auto execute = [&](const std::vector<iree_hal_dim_t> &shape) {
    Pack pack = {{padded->inA, allocate(shape)},
                 {padded->inB, allocate({3, 4})},
                 {padded->out, allocate({3, 4})}};
    return padded->graph.execute(*handle_, pack, nullptr);
  };
  EXPECT_OK(execute({27}));
  EXPECT_OK(execute({3, 10}));
  EXPECT_CODE(execute({26}), RuntimeFailure, "at least 108");
}

// A reader takes its own format version and nothing else, and says which.
TEST_F(GraphCompileTest, OtherVersionsOfTheArtifactAreRefused) {
  AddGraph g;
  ASSERT_OK(g.graph.validate());
  ErrorOr<std::vector<uint8_t>> artifact =
      g.graph.compileToArtifact(Backend::CPU, true);
  ASSERT_OK(artifact);
  // Format version, executable ABI and VM ABI follow the magic.
  for (size_t offset : {8, 12, 16}) {
    std::vector<uint8_t> other = *artifact;
    other[offset] += 41;
    EXPECT_CODE(g.graph.loadFromArtifact(*handle_, other), RuntimeFailure,
                std::to_string(other[offset]));
  }
  // Any altered byte is found.
  for (size_t i = 0; i < artifact->size(); i += 13) {
    std::vector<uint8_t> other = *artifact;
    other[i] ^= 0x20;
    EXPECT_TRUE(isError(g.graph.loadFromArtifact(*handle_, other)))
        << "byte " << i;
  }
  EXPECT_OK(g.graph.loadFromArtifact(*handle_, *artifact));
}

TEST_F(GraphCompileTest, GarbageUnloads) {
  AddGraph g;
  ASSERT_OK(g.graph.validate());
  ErrorOr<std::vector<uint8_t>> artifact =
      g.graph.compileToArtifact(Backend::CPU, true);
  ASSERT_OK(artifact);
  Pack pack = makePack(g, {1, 2, 3, 4}, {10, 20, 30, 40});
  ASSERT_OK(g.graph.loadFromArtifact(*handle_, *artifact));
  ASSERT_OK(g.graph.getWorkspaceSize());
  ASSERT_OK(g.graph.execute(*handle_, pack, nullptr));

  std::vector<uint8_t> garbage = {0xde, 0xad, 0xbe, 0xef};
  EXPECT_CODE(g.graph.loadFromArtifact(*handle_, garbage), RuntimeFailure,
              "'add'");
  ErrorOr<std::optional<size_t>> size = g.graph.getWorkspaceSize();
  ASSERT_OK(size);
  EXPECT_FALSE(size->has_value());
  EXPECT_CODE(g.graph.execute(*handle_, pack, nullptr), NotCompiled, "'add'");
  for (size_t length = 0; length < artifact->size(); length += 7)
    EXPECT_CODE(
        g.graph.loadFromArtifact(*handle_, std::span(*artifact).first(length)),
        RuntimeFailure, "");

  ASSERT_OK(g.graph.loadFromArtifact(*handle_, *artifact));
  ASSERT_OK(g.graph.getWorkspaceSize());
  EXPECT_OK(g.graph.execute(*handle_, pack, nullptr));
}

TEST_F(GraphCompileTest, ArtifactBytesMayGoAfterLoad) {
  AddGraph g;
  ASSERT_OK(g.graph.validate());
  ErrorOr<std::vector<uint8_t>> artifact =
      g.graph.compileToArtifact(Backend::CPU, true);
  ASSERT_OK(artifact);
  ASSERT_OK(g.graph.loadFromArtifact(*handle_, *artifact));
  std::fill(artifact->begin(), artifact->end(), 0xcc);
  std::vector<uint8_t>().swap(*artifact);
  ASSERT_OK(g.graph.getWorkspaceSize());
  Pack pack = makePack(g, {1, 2, 3, 4}, {10, 20, 30, 40});
  ASSERT_OK(g.graph.execute(*handle_, pack, nullptr));
  EXPECT_THAT(contents(*handle_, pack[g.out]),
              testing::ElementsAre(11, 22, 33, 44));
}

// Workspace, function and context change together.
TEST_F(GraphCompileTest, ReloadReplacesEverything) {
  AddGraph g;
  ASSERT_OK(g.graph.validate());
  ErrorOr<std::vector<uint8_t>> plain =
      g.graph.compileToArtifact(Backend::CPU, true);
  ASSERT_OK(plain);
  ErrorOr<std::vector<uint8_t>> larger = [&] {
    ScopedEnv env("FAKE_COMPILER_WORKSPACE", "1");
    ScopedEnv target("FUSILLI_TARGET", "x86-64-v4"); // another store entry
    return g.graph.compileToArtifact(Backend::CPU, true);
  }();
  ASSERT_OK(larger);
  Pack pack = makePack(g, {1, 2, 3, 4}, {10, 20, 30, 40});
  auto workspaceSize = [&] {
    ErrorOr<std::optional<size_t>> size = g.graph.getWorkspaceSize();
    EXPECT_OK(size);
    return isOk(size) ? *size : std::nullopt;
  };
  for (int round = 0; round < 3; ++round) {
    ASSERT_OK(g.graph.loadFromArtifact(*handle_, *larger));
    EXPECT_EQ(workspaceSize(), 16u);
    EXPECT_CODE(g.graph.execute(*handle_, pack, nullptr), InvalidArgument,
                "16 bytes");
    EXPECT_EQ(liveObjects(ObjectKind::Context), 1);
    ASSERT_OK(g.graph.loadFromArtifact(*handle_, *plain));
    EXPECT_EQ(workspaceSize(), 0u);
    ASSERT_OK(g.graph.execute(*handle_, pack, nullptr));
    EXPECT_THAT(contents(*handle_, pack[g.out]),
                testing::ElementsAre(11, 22, 33, 44));
    EXPECT_EQ(liveObjects(ObjectKind::Context), 1);
    EXPECT_EQ(liveObjects(ObjectKind::Module), 2);
  }
}

TEST_F(GraphCompileTest, InstanceAndDeviceDieWithTheLastGraphOfAHandle) {
  auto make = [&](const char *name) {
    auto g = std::make_unique<AddGraph>(name);
    EXPECT_OK(g->graph.validate());
    EXPECT_OK(g->graph.compile(*handle_, true));
    return g;
  };
  auto first = make("one");
  auto second = make("two");
  EXPECT_EQ(liveObjects(ObjectKind::Context), 2);
  EXPECT_EQ(liveObjects(ObjectKind::Device), 1); // of the handle, shared
  handle_.reset();
  EXPECT_EQ(liveObjects(ObjectKind::Instance), 1);
  EXPECT_EQ(liveObjects(ObjectKind::Device), 1);
  first.reset();
  EXPECT_EQ(liveObjects(ObjectKind::Instance), 1);
  second.reset();
  EXPECT_EQ(liveObjects(), 0);
}

TEST_F(GraphCompileTest, CompileToArtifactLeavesTheLoadedProgramAlone) {
  AddGraph g;
  ASSERT_OK(g.graph.validate());
  ASSERT_OK(g.graph.compile(*handle_, true));
  ASSERT_OK(g.graph.getWorkspaceSize());
  Pack pack = makePack(g, {1, 2, 3, 4}, {10, 20, 30, 40});
  g.graph.setName("other"); // only moves the files
  ASSERT_OK(g.graph.compileToArtifact(Backend::CPU, true));
  EXPECT_OK(g.graph.execute(*handle_, pack, nullptr));
  {
    ScopedEnv env("FAKE_COMPILER_GARBAGE", "1");
    ScopedEnv target("FUSILLI_TARGET", "x86-64-v4");
    EXPECT_CODE(g.graph.compile(*handle_, true), RuntimeFailure, "");
  }
  EXPECT_CODE(g.graph.execute(*handle_, pack, nullptr), NotCompiled, "");
}

TEST_F(GraphCompileTest, ArtifactForAnotherMachineIsRefused) {
  AddGraph g;
  ASSERT_OK(g.graph.validate());
  ScopedEnv env("FAKE_COMPILER_FEATURES", "0xffffffff");
  EXPECT_CODE(g.graph.compile(*handle_, true), RuntimeFailure, "x86-64-v3");
}

TEST_F(GraphCompileTest, GraphsCompileOnSeveralThreads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      AddGraph g("thread" + std::to_string(t), 8 + t % 3);
      EXPECT_OK(g.graph.validate());
      EXPECT_OK(g.graph.compile(*handle_, true));
      EXPECT_OK(g.graph.getWorkspaceSize());
      std::vector<float> ones(8 + t % 3, 1.0f);
      Pack pack = makePack(g, ones, ones);
      EXPECT_OK(g.graph.execute(*handle_, pack, nullptr));
      EXPECT_THAT(contents(*handle_, pack[g.out]), testing::Each(2.0f));
    });
  for (std::thread &thread : threads)
    thread.join();
}

} // namespace
} // namespace fusilli::test
