// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A client written from the public contract alone: it sees <fusilli.h> and the
// foreign names, links the shared library, and does what clients do, in the
// forms they use.
#include <fusilli.h>

#include <format>
#include <iree/hal/api.h>
#include <iree/runtime/api.h>

#include <gtest/gtest.h>

#include <barrier>
#include <thread>

namespace fusilli {
namespace {

using TensorPtr = std::shared_ptr<TensorAttr>;
using BufferPtr = std::shared_ptr<Buffer>;

// The macros of the contract's client header, for this test framework.
#define REQUIRE_OK(expr)                                                       \
  do {                                                                         \
    ErrorObject requireStatus = (expr);                                        \
    ASSERT_TRUE(isOk(requireStatus)) << requireStatus;                         \
  } while (false)
#define REQUIRE_ASSIGN_IMPL(var, decl, expr)                                   \
  auto var = (expr);                                                           \
  ASSERT_TRUE(isOk(var)) << var;                                               \
  decl = std::move(*var)
#define REQUIRE_ASSIGN(decl, expr)                                             \
  REQUIRE_ASSIGN_IMPL(FUSILLI_ERROR_VAR(requireAssign), decl, expr)

std::vector<size_t> castToSizeT(const std::vector<int64_t> &values) {
  return std::vector<size_t>(values.begin(), values.end());
}

template <typename T>
ErrorOr<BufferPtr> allocateBufferOfType(Handle &handle, const TensorPtr &tensor,
                                        T value) {
  FUSILLI_RETURN_ERROR_IF(!tensor, ErrorCode::AttributeNotSet,
                          "tensor is not set");
  std::vector<T> data(static_cast<size_t>(tensor->getVolume()), value);
  FUSILLI_ASSIGN_OR_RETURN(
      auto buffer,
      Buffer::allocate(handle, castToSizeT(tensor->getPhysicalDim()), data));
  return std::make_shared<Buffer>(std::move(buffer));
}

ErrorOr<BufferPtr> allocateWorkspace(const Handle &handle,
                                     std::optional<size_t> size) {
  if (size.value_or(0) == 0)
    return ok(BufferPtr(nullptr));
  FUSILLI_ASSIGN_OR_RETURN(auto buffer, Buffer::allocateRaw(handle, *size));
  return std::make_shared<Buffer>(std::move(buffer));
}

struct AddGraph {
  std::shared_ptr<Graph> graph = std::make_shared<Graph>();
  TensorPtr x, b, y;
};

AddGraph buildAdd(const std::string &name, const std::vector<int64_t> &dims) {
  AddGraph g;
  g.graph->setName(name)
      .setIODataType(DataType::Float)
      .setComputeDataType(DataType::Float)
      .setIntermediateDataType(DataType::Float);
  auto strides =
      generateStrideFromDim(dims, getContiguousStrideOrder(dims.size()));
  g.x = g.graph->tensor(
      TensorAttr().setName("x").setDim(dims).setStride(strides));
  g.b = g.graph->tensor(
      TensorAttr().setName("b").setDim(dims).setStride(strides));
  auto attr = PointwiseAttr()
                  .setMode(PointwiseAttr::Mode::ADD)
                  .setName("pointwise_add");
  g.y = g.graph->pointwise(g.x, g.b, attr);
  g.y->setName("result").setOutput(true);
  return g;
}

// A client's own node.
class OwnNode : public INode {
public:
  using INode::subNodes_;
  explicit OwnNode(const Context &ctx) : INode(ctx) {}
  const std::string &getName() const override { return name_; }
  Type getType() const override { return Type::Custom; }
  ErrorObject inferPropertiesNode() override {
    inferred = true;
    return ok();
  }
  std::string emitModuleScopeAsm() const override { return "own\n"; }
  ErrorObject validateAll() { return validateSubtree(); }
  std::string collected() const {
    std::ostringstream text;
    collectModuleScopeAsm(text);
    return text.str();
  }
  bool inferred = false;

private:
  std::string name_ = "own";
};

TEST(ClientTest, OwnNodesDeriveFromTheLibrarysClass) {
  Context ctx;
  ctx.setName("ctx").setIODataType(DataType::Half);
  OwnNode root(ctx);
  root.subNodes_.push_back(std::make_shared<OwnNode>(ctx));
  REQUIRE_OK(root.validateAll());
  EXPECT_TRUE(root.inferred);
  EXPECT_EQ(root.collected(), "own\nown\n");
  INode &base = root;
  EXPECT_NE(dynamic_cast<OwnNode *>(&base), nullptr);
  EXPECT_EQ(dynamic_cast<Graph *>(&base), nullptr);
}

TEST(ClientTest, ErrorsConvertAsClientsWriteThem) {
  auto fails = []() -> ErrorOr<int> {
    return error(ErrorCode::InvalidArgument, std::format("{} is bad", 3));
  };
  auto passes = []() -> ErrorOr<std::string> { return ok("text"); };
  auto forwards = [&]() -> ErrorObject {
    FUSILLI_ASSIGN_OR_RETURN(std::string a, passes());
    FUSILLI_ASSIGN_OR_RETURN(auto b, passes());
    FUSILLI_RETURN_ERROR_IF(a != b, ErrorCode::InternalError, "differ");
    FUSILLI_CHECK_ERROR(fails());
    return ok();
  };
  ErrorObject status = forwards();
  EXPECT_TRUE(status == ErrorCode::InvalidArgument);
  std::ostringstream text;
  text << status;
  EXPECT_EQ(text.str(), "INVALID_ARGUMENT: 3 is bad");
}

TEST(ClientTest, CompilesAndExecutesWithACache) {
  REQUIRE_ASSIGN(Handle handle, Handle::create(Backend::CPU));
  AddGraph g = buildAdd("client add", {2, 3, 4});
  REQUIRE_OK(g.graph->validate());
  REQUIRE_OK(g.graph->compile(handle, /*remove=*/true));
  REQUIRE_ASSIGN(BufferPtr xBuf, allocateBufferOfType(handle, g.x, 1.5f));
  REQUIRE_ASSIGN(BufferPtr bBuf, allocateBufferOfType(handle, g.b, 2.0f));
  REQUIRE_ASSIGN(BufferPtr yBuf, allocateBufferOfType(handle, g.y, 0.0f));
  const std::unordered_map<TensorPtr, BufferPtr> variantPack = {
      {g.x, xBuf}, {g.b, bBuf}, {g.y, yBuf}};
  REQUIRE_ASSIGN(auto workspaceSize, g.graph->getWorkspaceSize());
  REQUIRE_ASSIGN(BufferPtr workspace, allocateWorkspace(handle, workspaceSize));
  for (int i = 0; i < 5; ++i)
    REQUIRE_OK(g.graph->execute(handle, variantPack, workspace));
  std::vector<float> result;
  REQUIRE_OK(yBuf->read(handle, result));
  ASSERT_EQ(result.size(), 24u);
  for (float value : result)
    EXPECT_EQ(value, 3.5f);
  iree_hal_buffer_view_t *view = *yBuf;
  EXPECT_EQ(iree_hal_buffer_view_shape_rank(view), 3u);
  EXPECT_TRUE(std::filesystem::exists(
      CacheFile::getPath("client add", IREE_COMPILE_INPUT_FILENAME)));
  g.graph.reset();
  EXPECT_FALSE(std::filesystem::exists(
      CacheFile::getPath("client add", IREE_COMPILE_INPUT_FILENAME)));
}

TEST(ClientTest, CachedInputIsTheProgramText) {
  AddGraph g = buildAdd("client text", {8});
  REQUIRE_OK(g.graph->validate());
  REQUIRE_ASSIGN(std::string text, g.graph->emitAsm());
  std::optional<bool> reCompiled;
  REQUIRE_ASSIGN(auto path,
                 g.graph->getCompiledArtifact(Backend::CPU, text,
                                              /*remove=*/true, &reCompiled));
  EXPECT_TRUE(std::filesystem::exists(path));
  EXPECT_EQ(reCompiled, std::optional<bool>(true));
  REQUIRE_ASSIGN(std::string input,
                 g.graph->readCompilationCacheFile(CachedAssetsType::Input));
  EXPECT_EQ(input, text);
  REQUIRE_OK(
      g.graph->getCompiledArtifact(Backend::CPU, text, true, &reCompiled));
  EXPECT_EQ(reCompiled, std::optional<bool>(false));
  ErrorObject bad =
      g.graph->getCompiledArtifact(Backend::CPU, "invalid mlir", true);
  EXPECT_EQ(bad.getCode(), ErrorCode::CompileFailure);
  EXPECT_FALSE(bad.getMessage().empty());
}

// A compile of the graph and one of its text leave the same input file.
TEST(ClientTest, TextOfTheGraphAndItsCachedInputAgree) {
  AddGraph g = buildAdd("client agree", {8});
  REQUIRE_OK(g.graph->validate());
  REQUIRE_OK(g.graph->compileToArtifact(Backend::CPU, /*remove=*/true));
  REQUIRE_ASSIGN(std::string text, g.graph->emitAsm());
  REQUIRE_ASSIGN(std::string input,
                 g.graph->readCompilationCacheFile(CachedAssetsType::Input));
  EXPECT_EQ(input, text);
  REQUIRE_ASSIGN(std::string statistics, g.graph->readCompilationCacheFile(
                                             CachedAssetsType::Statistics));
  EXPECT_NE(statistics.find("transient-memory-size"), std::string::npos);
  EXPECT_NE(statistics.find("dispatch-count"), std::string::npos);
}

#ifdef FUSILLI_TOOLS
// The cached command line, run by a shell, makes the same bytes again.
TEST(ClientTest, CachedCommandReproducesTheArtifact) {
  AddGraph g = buildAdd("client command", {8});
  REQUIRE_OK(g.graph->validate());
  REQUIRE_ASSIGN(auto artifact, g.graph->compileToArtifact(Backend::CPU, true));
  REQUIRE_ASSIGN(std::string command,
                 g.graph->readCompilationCacheFile(CachedAssetsType::Command));
  auto path =
      CacheFile::getPath("client command", IREE_COMPILE_OUTPUT_FILENAME);
  std::filesystem::remove(path);
  auto output = execCommand("PATH='" FUSILLI_TOOLS "':$PATH; " + command);
  ASSERT_TRUE(output.has_value());
  REQUIRE_ASSIGN(auto again, readFileBytes(path));
  EXPECT_EQ(again, artifact);
}
#endif

TEST(ClientTest, ArtifactsTravelBetweenGraphs) {
  std::vector<uint8_t> artifact;
  {
    AddGraph g = buildAdd("client producer", {4});
    REQUIRE_OK(g.graph->validate());
    REQUIRE_ASSIGN(artifact, g.graph->compileToArtifact(Backend::CPU, true));
  }
  ASSERT_FALSE(artifact.empty());
  REQUIRE_ASSIGN(Handle handle, Handle::create(Backend::CPU));
  AddGraph g = buildAdd("client consumer", {4});
  REQUIRE_OK(g.graph->validate());
  {
    std::vector<uint8_t> copy = artifact; // need not outlive the load
    REQUIRE_OK(g.graph->loadFromArtifact(handle, copy));
    std::fill(copy.begin(), copy.end(), uint8_t{0});
  }
  REQUIRE_ASSIGN(BufferPtr x, allocateBufferOfType(handle, g.x, 1.0f));
  REQUIRE_ASSIGN(BufferPtr b, allocateBufferOfType(handle, g.b, 2.0f));
  REQUIRE_ASSIGN(BufferPtr y, allocateBufferOfType(handle, g.y, 0.0f));
  REQUIRE_OK(g.graph->getWorkspaceSize());
  REQUIRE_OK(g.graph->execute(handle, {{g.x, x}, {g.b, b}, {g.y, y}}, nullptr));
  std::vector<float> result;
  REQUIRE_OK(y->read(handle, result));
  EXPECT_EQ(result, std::vector<float>(4, 3.0f));

  std::vector<uint8_t> garbage = {0xde, 0xad, 0xbe, 0xef};
  EXPECT_TRUE(isError(g.graph->loadFromArtifact(handle, garbage)));
  EXPECT_EQ(g.graph->execute(handle, {}, nullptr).getCode(),
            ErrorCode::NotCompiled);
}

TEST(ClientTest, GraphsSerializeAndComeBack) {
  AddGraph g = buildAdd("client bytes", {4});
  REQUIRE_OK(g.graph->validate());
  REQUIRE_ASSIGN(auto bytes, g.graph->serialize());
  REQUIRE_ASSIGN(Graph back, Graph::deserialize(bytes));
  REQUIRE_ASSIGN(Handle handle, Handle::create(Backend::CPU));
  REQUIRE_OK(back.compile(handle, true));
  REQUIRE_OK(back.getWorkspaceSize());
  TensorPtr x = back.getTensor("x"), b = back.getTensor("b"),
            y = back.getTensor("result");
  ASSERT_TRUE(x && b && y);
  REQUIRE_ASSIGN(BufferPtr xBuf, allocateBufferOfType(handle, x, 4.0f));
  REQUIRE_ASSIGN(BufferPtr yBuf, allocateBufferOfType(handle, y, 0.0f));
  REQUIRE_OK(back.execute(handle, {{x, xBuf}, {b, xBuf}, {y, yBuf}}, nullptr));
  std::vector<float> result;
  REQUIRE_OK(yBuf->read(handle, result));
  EXPECT_EQ(result, std::vector<float>(4, 8.0f));
}

TEST(ClientTest, HandlesOnManyThreads) {
  constexpr int kThreads = 32;
  std::barrier start(kThreads);
  std::vector<std::thread> threads;
  std::mutex mutex;
  std::vector<Handle> handles;
  for (int i = 0; i < kThreads; ++i)
    threads.emplace_back([&] {
      start.arrive_and_wait();
      auto handle = Handle::create(Backend::CPU);
      ASSERT_TRUE(isOk(handle)) << handle;
      std::lock_guard lock(mutex);
      handles.push_back(std::move(*handle));
    });
  for (auto &thread : threads)
    thread.join();
  std::set<iree_hal_device_t *> devices;
  for (const Handle &handle : handles)
    devices.insert(handle);
  EXPECT_EQ(devices.size(), size_t{kThreads});
}

} // namespace
} // namespace fusilli
