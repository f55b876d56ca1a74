// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A client of the graph interface written from the contract alone: it includes
// <fusilli.h> and nothing else of the project, builds each op in the style of
// the samples, derives its own attribute, node and graph classes, and reads
// what validation inferred. What runs on a device is in tests/contract.

#include <fusilli.h>

#include <gtest/gtest.h>

namespace {

using namespace fusilli;

#define REQUIRE_OK(expr)                                                       \
  do {                                                                         \
    ErrorObject outcome_ = (expr);                                             \
    ASSERT_TRUE(isOk(outcome_)) << outcome_;                                   \
  } while (false)

std::shared_ptr<TensorAttr> floatInput(Graph &graph, const std::string &name,
                                       const std::vector<int64_t> &dims) {
  return graph.tensor(TensorAttr().setName(name).setDim(dims).setStride(
      generateStrideFromDim(dims, getContiguousStrideOrder(dims.size()))));
}

//===-- Building in the style of the samples ------------------------------===//

TEST(ClientTest, ConvolutionWithBiasAndRelu) {
  int64_t n = 16, c = 64, h = 32, w = 32, k = 128, r = 3, s = 3;
  auto graph = std::make_shared<Graph>();
  graph->setName("conv_fprop_sample");
  graph->setIODataType(DataType::Half)
      .setComputeDataType(DataType::Float)
      .setIntermediateDataType(DataType::Half);
  auto X = graph->tensor(TensorAttr()
                             .setName("image")
                             .setDim({n, c, h, w})
                             .setStride({c * h * w, 1, c * w, c}));
  auto W = graph->tensor(TensorAttr()
                             .setName("filter")
                             .setDim({k, c, r, s})
                             .setStride({c * r * s, 1, c * s, c}));
  auto B = graph->tensor(TensorAttr()
                             .setName("bias")
                             .setDim({1, k, 1, 1})
                             .setStride({k, 1, k, k}));
  auto convAttr = ConvFPropAttr()
                      .setPadding({1, 1})
                      .setStride({1, 1})
                      .setDilation({1, 1})
                      .setName("conv_fprop");
  auto convResult = graph->convFProp(X, W, convAttr);
  convResult->setName("conv_result").setDataType(DataType::Half);
  auto biasAttr = PointwiseAttr().setMode(PointwiseAttr::Mode::ADD);
  auto biasResult = graph->pointwise(convResult, B, biasAttr);
  biasResult->setName("bias_result").setDataType(DataType::Half);
  auto reluAttr = PointwiseAttr().setMode(PointwiseAttr::Mode::RELU_FWD);
  auto Y = graph->pointwise(biasResult, reluAttr);
  Y->setName("result").setOutput(true);

  REQUIRE_OK(graph->validate());
  EXPECT_EQ(Y->getDim(), (std::vector<int64_t>{n, k, h, w}));
  EXPECT_TRUE(Y->isChannelsLast());
  EXPECT_TRUE(convResult->isVirtual());
  EXPECT_EQ(Y->getDataType(), DataType::Half);
  EXPECT_EQ(graph->getName(), "conv_fprop_sample");
  EXPECT_EQ(graph->getType(), INode::Type::Composite);
}

TEST(ClientTest, AttributesMayBeTemporaries) {
  // Setters give lvalue references, so that this form compiles.
  Graph graph;
  graph.setName("matmul").setIODataType(DataType::Float);
  auto A = floatInput(graph, "a", {4, 8});
  auto B = floatInput(graph, "b", {8, 2});
  auto C = graph.matmul(A, B, MatmulAttr().setName("m"));
  C->setOutput(true);
  EXPECT_EQ(C->getName(), "m_C");
  REQUIRE_OK(graph.validate());
  EXPECT_EQ(C->getDim(), (std::vector<int64_t>{4, 2}));
}

TEST(ClientTest, ScalarOperand) {
  Graph graph;
  graph.setName("scale").setIODataType(DataType::Float);
  auto x = floatInput(graph, "x", {2, 3});
  auto alpha = graph.tensor(TensorAttr(2.0f));
  auto attr = PointwiseAttr().setMode(PointwiseAttr::Mode::MUL);
  auto y = graph.pointwise(x, alpha, attr);
  y->setOutput(true);
  REQUIRE_OK(graph.validate());
  EXPECT_EQ(alpha->getName(), "pointwise_0_IN_1");
  EXPECT_EQ(y->getStride(), x->getStride());
}

TEST(ClientTest, NormalizationsReturnArrays) {
  Graph graph;
  graph.setName("norms").setIODataType(DataType::Float);
  auto x = floatInput(graph, "x", {4, 3, 8, 8});
  auto epsilon = graph.tensor(TensorAttr(1e-5f).setName("epsilon"));
  auto momentum = graph.tensor(TensorAttr(0.1f).setName("momentum"));
  auto bn = BatchnormAttr()
                .setForwardPhase(NormFwdPhase::TRAINING)
                .setEpsilon(epsilon)
                .setMomentum(momentum)
                .setName("bn");
  auto [y, mean, invVariance] =
      graph.batchnorm(x, nullptr, nullptr, nullptr, nullptr, bn);
  auto ln = LayernormAttr()
                .setForwardPhase(NormFwdPhase::INFERENCE)
                .setEpsilon(epsilon)
                .setName("ln");
  auto scale = graph.tensor(TensorAttr().setName("scale"));
  auto [z, noMean, noVariance] = graph.layernorm(y, scale, nullptr, ln);
  auto rms = RmsnormAttr()
                 .setForwardPhase(NormFwdPhase::INFERENCE)
                 .setEpsilon(epsilon)
                 .setName("rms");
  auto [out, noRms] = graph.rmsnorm(z, nullptr, rms);
  for (const auto &tensor : {y, mean, invVariance, z, out})
    tensor->setOutput(true);
  REQUIRE_OK(graph.validate());
  EXPECT_EQ(mean->getDim(), (std::vector<int64_t>{3}));
  EXPECT_EQ(invVariance->getName(), "bn_SAVED_INV_VARIANCE");
  EXPECT_EQ(noMean, nullptr);
  EXPECT_EQ(noVariance, nullptr);
  EXPECT_EQ(noRms, nullptr);
  EXPECT_EQ(scale->getDim(), (std::vector<int64_t>{1, 3, 8, 8}));
}

TEST(ClientTest, GradientsWithBiasReduction) {
  Graph graph;
  graph.setName("wgrad").setIODataType(DataType::Half);
  auto DY = floatInput(graph, "dy", {2, 8, 4, 4});
  auto X = floatInput(graph, "x", {2, 4, 4, 4});
  auto attr =
      ConvWGradAttr().setPadding({0, 0}).setStride({1, 1}).setDilation({1, 1});
  auto DW = graph.convWGrad(DY, X, attr);
  DW->setDim({8, 4, 1, 1}).setOutput(true);
  auto reductionAttr =
      ReductionAttr().setMode(ReductionAttr::Mode::SUM).setName("bias_grad");
  auto DB = graph.reduction(DY, reductionAttr);
  DB->setDim({1, 8, 1, 1}).setStride({8, 1, 1, 1}).setOutput(true);
  REQUIRE_OK(graph.validate());
  EXPECT_EQ(DW->getStride(), (std::vector<int64_t>{4, 1, 1, 1}));

  Graph data;
  data.setName("dgrad").setIODataType(DataType::Half);
  auto dy = floatInput(data, "dy", {2, 8, 4, 4});
  auto w = floatInput(data, "w", {8, 4, 1, 1});
  std::vector<int64_t> ones = {1, 1}, zeros = {0, 0};
  auto dataAttr = ConvDGradAttr()
                      .setPadding(std::span<const int64_t>(zeros))
                      .setStride(std::span<int64_t>(ones))
                      .setDilation(ones);
  auto dx = data.convDGrad(dy, w, dataAttr);
  dx->setDim({2, 4, 4, 4}).setOutput(true);
  REQUIRE_OK(data.validate());
}

TEST(ClientTest, Attention) {
  Graph graph;
  graph.setName("sdpa").setIODataType(DataType::Half);
  auto q = floatInput(graph, "q", {1, 8, 64, 64});
  auto k = floatInput(graph, "k", {1, 8, 64, 64});
  auto v = floatInput(graph, "v", {1, 8, 64, 64});
  auto attr = SdpaAttr().setIsCausal(true).setScale(0.05f).setName("attention");
  EXPECT_EQ(attr.getScale(), std::optional<float>(0.05f));
  auto o = graph.sdpa(q, k, v, nullptr, attr);
  o->setName("o").setOutput(true);
  REQUIRE_OK(graph.validate());
  EXPECT_EQ(o->getDim(), q->getDim());
}

TEST(ClientTest, CustomOpBesideBuiltInOps) {
  Graph graph;
  graph.setName("custom").setIODataType(DataType::Float);
  graph.setIntermediateDataType(DataType::Float);
  auto a = floatInput(graph, "a", {4});
  auto add = PointwiseAttr().setMode(PointwiseAttr::Mode::ADD);
  auto sum = graph.pointwise(a, a, add);
  auto attr = CustomOpAttr()
                  .setName("negate")
                  .setMlir("func.func private @{FUNC_NAME}(%x: {IN0_TYPE}) -> "
                           "{OUT0_TYPE} { ... }")
                  .setNumOutputs(1);
  auto outs = graph.customOp({sum}, attr);
  ASSERT_EQ(outs.size(), 1u);
  outs[0]
      ->setName("out")
      .setDim({4})
      .setStride({1})
      .setDataType(DataType::Float)
      .setOutput(true);
  REQUIRE_OK(graph.validate());
}

Graph returnedByValue() {
  Graph graph;
  graph.setName("value").setIODataType(DataType::Float);
  auto x = floatInput(graph, "x", {4});
  auto attr = PointwiseAttr().setMode(PointwiseAttr::Mode::NEG);
  graph.pointwise(x, attr)->setName("y").setOutput(true);
  return graph;
}

TEST(ClientTest, GraphsMoveAndRoundTrip) {
  Graph graph = returnedByValue();
  REQUIRE_OK(graph.validate());
  auto bytes = graph.serialize();
  ASSERT_TRUE(isOk(bytes)) << bytes;
  auto copy = Graph::deserialize(*bytes);
  ASSERT_TRUE(isOk(copy)) << copy;
  EXPECT_NE(copy->getTensor("y"), nullptr);
  std::vector<Graph> graphs;
  graphs.push_back(std::move(*copy));
  EXPECT_EQ(graphs[0].getName(), "value");
}

TEST(ClientTest, BuildsFromALayoutName) {
  auto build = []() -> ErrorOr<std::shared_ptr<Graph>> {
    auto graph = std::make_shared<Graph>();
    graph->setName("layout").setIODataType(kMlirTypeAsmToDataType.at("bf16"));
    const std::vector<int64_t> dims = {2, 4, 8, 8};
    FUSILLI_ASSIGN_OR_RETURN(auto stride,
                             generateStrideFromLayout(dims, "NHWC"));
    auto x =
        graph->tensor(TensorAttr().setName("x").setDim(dims).setStride(stride));
    auto attr = PointwiseAttr().setMode(PointwiseAttr::Mode::ABS);
    graph->pointwise(x, attr)->setOutput(true);
    FUSILLI_CHECK_ERROR(graph->validate());
    return ok(graph);
  };
  auto graph = build();
  ASSERT_TRUE(isOk(graph)) << graph;
  EXPECT_TRUE((*graph)->getTensor("pointwise_0_OUT_0")->isChannelsLast());
}

//===-- The client's own classes ------------------------------------------===//

struct OwnAttr : AttributesCRTP<OwnAttr> {
  std::unordered_map<std::string, std::shared_ptr<TensorAttr>> inputs;
  std::unordered_map<std::string, std::shared_ptr<TensorAttr>> outputs;
};

enum class Slots : uint8_t { LEFT, RIGHT };
struct MacroAttr : AttributesCRTP<MacroAttr> {
  std::unordered_map<Slots, std::shared_ptr<TensorAttr>> inputs;
  std::unordered_map<Slots, std::shared_ptr<TensorAttr>> outputs;
  FUSILLI_GENERIC_INPUT_TENSOR_SETTER(MacroAttr, Slots, LEFT)
  FUSILLI_GENERIC_INPUT_TENSOR_GETTER(Slots, LEFT)
  FUSILLI_GENERIC_OUTPUT_TENSOR_SETTER(MacroAttr, Slots, RIGHT)
  FUSILLI_GENERIC_OUTPUT_TENSOR_GETTER(Slots, RIGHT)
};

TEST(ClientTest, OwnAttributes) {
  auto tensor = std::make_shared<TensorAttr>(TensorAttr().setName("t"));
  OwnAttr attr;
  attr.setName("own").setComputeDataType(DataType::Float);
  attr.setInput("in", tensor)
      .setInput("none", nullptr)
      .setOutput("out", tensor);
  EXPECT_EQ(attr.getInput("in"), tensor);
  EXPECT_EQ(attr.getInput("none"), nullptr);
  EXPECT_EQ(attr.getOutput("absent"), nullptr);
  EXPECT_EQ(attr.inputs.size(), 2u);
  attr.fillFromContext(Context().setIODataType(DataType::Int8));
  EXPECT_EQ(tensor->getDataType(), DataType::Int8);
  MacroAttr macro;
  macro.setLEFT(tensor).setRIGHT(nullptr).setName("macro");
  EXPECT_EQ(macro.getLEFT(), tensor);
  EXPECT_EQ(macro.getRIGHT(), nullptr);
}

class OwnNode : public NodeCRTP<OwnNode> {
public:
  OwnAttr ownAttr;

  OwnNode(OwnAttr &&attr, const Context &ctx)
      : NodeCRTP(ctx), ownAttr(std::move(attr)) {}
  const std::string &getName() const override { return ownAttr.getName(); }
  Type getType() const override { return Type::Custom; }
  ErrorObject preValidateNode() const override {
    FUSILLI_RETURN_ERROR_IF(!ownAttr.getInput("in"), ErrorCode::AttributeNotSet,
                            "own: in is not set");
    return ok();
  }
  ErrorObject inferPropertiesNode() override {
    ownAttr.fillFromContext(context);
    return ok();
  }
  std::string emitModuleScopeAsm() const override { return "own text\n"; }
};

/// Derived straight from INode, with the smallest set of overrides.
class BareNode : public INode {
public:
  explicit BareNode(const Context &ctx) : INode(ctx) {}
  const std::string &getName() const override { return name_; }
  Type getType() const override { return Type::Composite; }
  using INode::collectModuleScopeAsm;
  using INode::subNodes_;

private:
  ErrorObject inferPropertiesNode() override { return ok(); }
  std::string name_ = "bare";
};

class OwnGraph : public Graph {
public:
  using INode::collectModuleScopeAsm;
  using INode::subNodes_;
};

TEST(ClientTest, OwnNodesInAGraph) {
  OwnGraph graph;
  graph.setName("own").setIODataType(DataType::Float);
  auto x = floatInput(graph, "x", {4});
  OwnAttr attr;
  attr.setName("node").setInput("in", x);
  graph.subNodes_.push_back(
      std::make_shared<OwnNode>(std::move(attr), graph.context));
  REQUIRE_OK(graph.validate());
  EXPECT_EQ(x->getDataType(), DataType::Float);
  std::ostringstream text;
  graph.collectModuleScopeAsm(text);
  EXPECT_EQ(text.str(), "own text\n");

  OwnAttr broken;
  broken.setName("broken");
  graph.subNodes_.push_back(
      std::make_shared<OwnNode>(std::move(broken), graph.context));
  EXPECT_EQ(graph.validate(), ErrorCode::AttributeNotSet);

  BareNode bare{Context()};
  bare.subNodes_.push_back(graph.subNodes_[0]);
  std::ostringstream below;
  bare.collectModuleScopeAsm(below);
  EXPECT_EQ(below.str(), "own text\n");
  // The types cross the border of the library.
  std::shared_ptr<INode> base = graph.subNodes_[0];
  EXPECT_NE(std::dynamic_pointer_cast<OwnNode>(base), nullptr);
  EXPECT_EQ(std::dynamic_pointer_cast<PointwiseNode>(base), nullptr);
}

//===-- Nodes by themselves -----------------------------------------------===//

TEST(ClientTest, NodesStandAlone) {
  Context context;
  context.setIODataType(DataType::Float);
  PointwiseAttr attr;
  attr.setName("add").setMode(PointwiseAttr::Mode::ADD);
  {
    PointwiseNode node(std::move(attr), context);
    EXPECT_EQ(node.getName(), "add");
    EXPECT_EQ(node.getType(), INode::Type::Pointwise);
    ErrorObject outcome = node.preValidateNode();
    EXPECT_EQ(outcome, ErrorCode::AttributeNotSet);
    auto in = std::make_shared<TensorAttr>(
        TensorAttr().setDim({2}).setStride({1}).setName("in"));
    auto out = std::make_shared<TensorAttr>(TensorAttr().setName("out"));
    node.pointwiseAttr.setIN_0(in).setIN_1(in).setOUT_0(out);
    EXPECT_EQ(node.pointwiseAttr.inputs.size(), 2u);
    EXPECT_TRUE(isOk(node.preValidateNode()));
    EXPECT_TRUE(isOk(node.inferPropertiesNode()));
    EXPECT_TRUE(isOk(node.postValidateNode()));
    EXPECT_EQ(out->getDim(), in->getDim());
    EXPECT_EQ(out->getDataType(), DataType::Float);
  }
  const std::vector<std::pair<std::shared_ptr<INode>, INode::Type>> nodes = {
      {std::make_shared<ConvFPropNode>(ConvFPropAttr(), context),
       INode::Type::Convolution},
      {std::make_shared<ConvWGradNode>(ConvWGradAttr(), context),
       INode::Type::WGrad},
      {std::make_shared<ConvDGradNode>(ConvDGradAttr(), context),
       INode::Type::DGrad},
      {std::make_shared<MatmulNode>(MatmulAttr(), context),
       INode::Type::Matmul},
      {std::make_shared<ReductionNode>(ReductionAttr(), context),
       INode::Type::Reduction},
      {std::make_shared<BatchNormNode>(BatchnormAttr(), context),
       INode::Type::BatchNorm},
      {std::make_shared<LayerNormNode>(LayernormAttr(), context),
       INode::Type::LayerNorm},
      {std::make_shared<RmsNormNode>(RmsnormAttr(), context),
       INode::Type::RmsNorm},
      {std::make_shared<SdpaNode>(SdpaAttr(), context), INode::Type::Sdpa},
      {std::make_shared<CustomOpNode>(CustomOpAttr(), context),
       INode::Type::Custom}};
  for (const auto &[node, type] : nodes)
    EXPECT_EQ(node->getType(), type);
}

//===-- Odds and ends that clients use ------------------------------------===//

TEST(ClientTest, HalfPrecisionValues) {
  std::vector<half> halves(4, half(1.5f));
  std::vector<bf16> brains(4, bf16(1.5f));
  EXPECT_EQ(float(halves[3]) + float(brains[3]), 3.0f);
  volatile float value = 1.0f / 3;
  EXPECT_NEAR(float(half(value)), 1.0f / 3, 1e-3);
  EXPECT_NEAR(float(bf16(value)), 1.0f / 3, 1e-2);
  volatile double wide = 1.0 / 3;
  EXPECT_NEAR(float(bf16(float(wide))), 1.0f / 3, 1e-2);
  Float16 portable = 2.0f;
  EXPECT_EQ(portable.toBits(), 0x4000);
}

TEST(ClientTest, NamesFromMaps) {
  std::string name = "op_" +
                     PointwiseAttr::kModeToStr.at(PointwiseAttr::Mode::EXP) +
                     "_" + kDataTypeToMlirTypeAsm.at(DataType::BFloat16) + "_" +
                     ReductionAttr::kModeToStr.at(ReductionAttr::Mode::NORM2);
  EXPECT_EQ(name, "op_EXP_bf16_NORM2");
  EXPECT_EQ(kNormFwdPhaseToStr.at(NormFwdPhase::TRAINING), "TRAINING");
  size_t count = 0;
#define COUNT(MODE) ++count;
  FUSILLI_POINTWISE_OPS(COUNT)
#undef COUNT
  EXPECT_EQ(count, 43u);
  static_assert(std::is_same_v<iree_hal_dim_t, std::size_t>);
  EXPECT_STREQ(IREE_COMPILE_INPUT_FILENAME, "iree-compile-input.mlir");
}

} // namespace
