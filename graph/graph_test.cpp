// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The graph: naming, order of validation, unique names, moves, own nodes.

#include <fusilli/graph/graph.h>

#include "graph/graph_access.h"

#include <gtest/gtest.h>

namespace fusilli {
namespace {

using TensorPtr = std::shared_ptr<TensorAttr>;
using Mode = PointwiseAttr::Mode;

TensorAttr input(const std::string &name, const std::vector<int64_t> &dims) {
  return TensorAttr().setName(name).setDim(dims).setStride(
      generateStrideFromDim(dims, getContiguousStrideOrder(dims.size())));
}

Graph makeGraph() {
  Graph graph;
  graph.setName("g")
      .setIODataType(DataType::Float)
      .setIntermediateDataType(DataType::Float);
  return graph;
}

TensorPtr add(Graph &graph, const TensorPtr &a, const TensorPtr &b,
              const std::string &name = "") {
  return graph.pointwise(a, b,
                         PointwiseAttr().setMode(Mode::ADD).setName(name));
}

TEST(GraphTest, NamesWhatHasNoName) {
  Graph graph = makeGraph();
  auto x = graph.tensor(input("", {1, 2, 4, 4}));
  auto w = graph.tensor(input("", {2, 2, 1, 1}));
  auto conv = [&] {
    ConvFPropAttr attr;
    attr.setPadding({0, 0}).setStride({1, 1}).setDilation({1, 1});
    return attr;
  };
  auto first = conv(), second = conv();
  auto y0 = graph.convFProp(x, w, first);
  auto y1 = graph.convFProp(y0, w, second);
  EXPECT_EQ(x->getName(), "conv_fprop_0_X");
  EXPECT_EQ(w->getName(), "conv_fprop_0_W");
  EXPECT_EQ(y0->getName(), "conv_fprop_0_Y");
  EXPECT_EQ(y1->getName(), "conv_fprop_1_Y");
  EXPECT_TRUE(y1->isVirtual());
  auto sum = add(graph, y0, y1);
  EXPECT_EQ(sum->getName(), "pointwise_2_OUT_0");
  EXPECT_TRUE(isOk(graph.validate()));
}

TEST(GraphTest, NamesSlotsOfEveryOp) {
  Graph graph = makeGraph();
  auto t = [&] { return graph.tensor(TensorAttr()); };
  auto names = [](const std::vector<TensorPtr> &tensors) {
    std::string text;
    for (const TensorPtr &tensor : tensors)
      text += tensor->getName() + " ";
    return text;
  };
  auto a = t(), b = t(), c = t(), d = t(), e = t(), f = t(), g = t();
  auto bn = BatchnormAttr()
                .setForwardPhase(NormFwdPhase::TRAINING)
                .setEpsilon(f)
                .setMomentum(g);
  auto bnOut = graph.batchnorm(a, b, c, d, e, bn);
  EXPECT_EQ(names({a, b, c, d, e, f, g}),
            "batchnorm_0_X batchnorm_0_SCALE batchnorm_0_BIAS batchnorm_0_MEAN "
            "batchnorm_0_VAR batchnorm_0_EPSILON batchnorm_0_MOMENTUM ");
  EXPECT_EQ(names({bnOut[0], bnOut[1], bnOut[2]}),
            "batchnorm_0_Y batchnorm_0_SAVED_MEAN "
            "batchnorm_0_SAVED_INV_VARIANCE ");
  auto q = t(), k = t(), v = t();
  SdpaAttr attention;
  EXPECT_EQ(graph.sdpa(q, k, v, nullptr, attention)->getName(), "sdpa_1_O");
  EXPECT_EQ(names({q, k, v}), "sdpa_1_Q sdpa_1_K sdpa_1_V ");
  auto in = t();
  auto custom = CustomOpAttr().setNumOutputs(2).setMlir("x");
  auto outs = graph.customOp({in, in}, custom);
  EXPECT_EQ(names({in, outs[0], outs[1]}),
            "custom_op_2_IN_0 custom_op_2_OUT_0 custom_op_2_OUT_1 ");
  LayernormAttr ln;
  auto lnOut = graph.layernorm(t(), nullptr, nullptr, ln);
  EXPECT_EQ(lnOut[0]->getName(), "layernorm_3_Y");
  EXPECT_EQ(lnOut[1], nullptr);
  EXPECT_EQ(lnOut[2], nullptr);
  RmsnormAttr rms;
  EXPECT_EQ(graph.rmsnorm(t(), nullptr, rms)[1], nullptr);
  MatmulAttr mm;
  EXPECT_EQ(graph.matmul(t(), t(), mm)->getName(), "matmul_5_C");
  ReductionAttr red;
  EXPECT_EQ(graph.reduction(t(), red)->getName(), "reduction_6_Y");
  ConvWGradAttr wg;
  EXPECT_EQ(graph.convWGrad(t(), t(), wg)->getName(), "conv_wgrad_7_DW");
  ConvDGradAttr dg;
  EXPECT_EQ(graph.convDGrad(t(), t(), dg)->getName(), "conv_dgrad_8_DX");
}

TEST(GraphTest, NameComesFirst) {
  Graph graph;
  EXPECT_EQ(graph.validate(), ErrorCode::AttributeNotSet);
  EXPECT_TRUE(isOk(graph.setName("g").validate()));
}

TEST(GraphTest, NullInputsAreReportedByValidate) {
  Graph graph = makeGraph();
  MatmulAttr attr;
  graph.matmul(nullptr, nullptr, attr);
  EXPECT_EQ(graph.validate(), ErrorCode::AttributeNotSet);
}

TEST(GraphTest, NamesMustBeUnique) {
  auto check = [](const std::function<void(Graph &)> &build) {
    Graph graph = makeGraph();
    build(graph);
    ErrorObject outcome = graph.validate();
    EXPECT_NE(outcome.getMessage().find("'same'"), std::string::npos)
        << outcome.getMessage();
    return outcome.getCode();
  };
  auto x = [](Graph &g, const char *name) {
    return g.tensor(input(name, {2}));
  };
  EXPECT_EQ(check([&](Graph &g) { x(g, "same"), x(g, "same"); }),
            ErrorCode::InvalidAttribute);
  EXPECT_EQ(check([&](Graph &g) {
              auto t = x(g, "same");
              add(g, t, t)->setName("same");
            }),
            ErrorCode::InvalidAttribute);
  EXPECT_EQ(check([&](Graph &g) {
              auto t = x(g, "x");
              add(g, t, t)->setName("same");
              add(g, t, t)->setName("same");
            }),
            ErrorCode::InvalidAttribute);
  EXPECT_EQ(check([&](Graph &g) {
              auto t = x(g, "x");
              add(g, t, t, "same")->setName("y");
              add(g, t, t, "same")->setName("z");
            }),
            ErrorCode::InvalidAttribute);
  EXPECT_EQ(check([&](Graph &g) {
              auto t = x(g, "same");
              add(g, t, t, "same");
            }),
            ErrorCode::InvalidAttribute);
  EXPECT_EQ(check([&](Graph &g) {
              // Before any problem of shapes.
              add(g, x(g, "a"), g.tensor(input("b", {3})), "same");
              g.tensor(input("same", {2}));
            }),
            ErrorCode::InvalidAttribute);
}

TEST(GraphTest, UnusedUnnamedInputsCollide) {
  Graph graph = makeGraph();
  graph.tensor(input("", {2}).setDataType(DataType::Float));
  EXPECT_TRUE(isOk(graph.validate()));
  graph.tensor(input("", {2}).setDataType(DataType::Float));
  EXPECT_EQ(graph.validate(), ErrorCode::InvalidAttribute);
}

TEST(GraphTest, TypesAreFilledThroughNodesOnly) {
  Graph graph = makeGraph();
  graph.tensor(input("unused", {2}));
  EXPECT_EQ(graph.validate(), ErrorCode::AttributeNotSet);
}

TEST(GraphTest, VirtualTensorsNeedTheIntermediateType) {
  Graph graph;
  graph.setName("g").setIODataType(DataType::Float);
  auto x = graph.tensor(input("x", {2}));
  auto y = add(graph, x, x);
  EXPECT_EQ(graph.validate(), ErrorCode::AttributeNotSet);
  y->setOutput(true);
  EXPECT_TRUE(isOk(graph.validate()));
  EXPECT_EQ(y->getDataType(), DataType::Float);
}

TEST(GraphTest, NodesKeepTheContextTheyWereAddedWith) {
  Graph graph = makeGraph();
  auto x = graph.tensor(input("x", {2}));
  add(graph, x, x)->setOutput(true);
  graph.setIODataType(DataType::Half);
  EXPECT_TRUE(isOk(graph.validate()));
  EXPECT_EQ(x->getDataType(), DataType::Float);
}

TEST(GraphTest, OutputsMustNotBroadcast) {
  Graph graph = makeGraph();
  auto x = graph.tensor(input("x", {4, 2}).setStride({0, 1}));
  auto y = add(graph, x, x);
  y->setName("y").setOutput(true);
  ErrorObject outcome = graph.validate();
  EXPECT_EQ(outcome, ErrorCode::InvalidAttribute);
  EXPECT_NE(outcome.getMessage().find("broadcast strides"), std::string::npos);
  EXPECT_NE(outcome.getMessage().find("y"), std::string::npos);
  y->setStride({2, 1});
  EXPECT_TRUE(isOk(graph.validate()));
}

TEST(GraphTest, InputsMayBeViewsAndOutputsMustNotOverlap) {
  Graph graph = makeGraph();
  auto windows = graph.tensor(input("windows", {4, 3}).setStride({1, 1}));
  auto padded = graph.tensor(input("padded", {4, 3}).setStride({10, 2}));
  auto y = add(graph, padded, windows);
  y->setName("y").setOutput(true);
  EXPECT_TRUE(isOk(graph.validate()));
  EXPECT_EQ(y->getStride(), (std::vector<int64_t>{3, 1})); // dense, its order
  y->setStride({2, 1});
  ErrorObject outcome = graph.validate();
  EXPECT_EQ(outcome, ErrorCode::InvalidAttribute);
  EXPECT_NE(outcome.getMessage().find("'y'"), std::string::npos);
  EXPECT_NE(outcome.getMessage().find("overlap"), std::string::npos);
  for (const std::vector<int64_t> &strides :
       {std::vector<int64_t>{8, 1}, {1, 4}, {3, 17}, {5, 2}}) {
    y->setStride(strides);
    EXPECT_TRUE(isOk(graph.validate()));
  }
}

TEST(GraphTest, FindsTensors) {
  Graph graph = makeGraph();
  auto x = graph.tensor(input("x", {2}));
  auto y = add(graph, x, x);
  EXPECT_EQ(graph.getTensor("x"), x);
  EXPECT_EQ(graph.getTensor("pointwise_0_OUT_0"), y);
  EXPECT_EQ(graph.getTensor("none"), nullptr);
}

TEST(GraphTest, SortsItsInterface) {
  Graph graph = makeGraph();
  auto b = graph.tensor(input("b", {2}));
  auto a = graph.tensor(input("a", {2}));
  auto z = add(graph, a, b);
  auto y = add(graph, b, a);
  z->setName("z").setOutput(true);
  y->setName("y").setOutput(true);
  ASSERT_TRUE(isOk(graph.validate()));
  using detail::GraphAccess;
  EXPECT_EQ(GraphAccess::inputs(graph), (std::vector<TensorPtr>{a, b}));
  EXPECT_EQ(GraphAccess::outputs(graph), (std::vector<TensorPtr>{y, z}));
}

struct CountingRuntime : detail::GraphRuntime {
  explicit CountingRuntime(int &count) : count(count) { ++count; }
  ~CountingRuntime() override { --count; }
  int &count;
};

TEST(GraphTest, MovesWithAllItHolds) {
  static_assert(std::is_nothrow_move_constructible_v<Graph>);
  static_assert(std::is_nothrow_move_assignable_v<Graph>);
  static_assert(!std::is_copy_constructible_v<Graph>);
  int runtimes = 0;
  {
    Graph graph = makeGraph();
    auto x = graph.tensor(input("x", {2}));
    add(graph, x, x)->setOutput(true);
    ASSERT_TRUE(isOk(graph.validate()));
    detail::GraphAccess::runtime(graph) =
        std::make_unique<CountingRuntime>(runtimes);
    Graph moved = std::move(graph);
    EXPECT_EQ(moved.getName(), "g");
    EXPECT_TRUE(detail::GraphAccess::isValidated(moved));
    EXPECT_NE(detail::GraphAccess::runtime(moved), nullptr);
    EXPECT_FALSE(detail::GraphAccess::isValidated(graph)); // NOLINT: documented
    EXPECT_EQ(graph.getTensor("x"), nullptr);
    EXPECT_EQ(runtimes, 1);
    moved = Graph();
    EXPECT_EQ(runtimes, 0);
  }
  EXPECT_EQ(runtimes, 0);
}

//===-- Own nodes ---------------------------------------------------------===//

struct OwnNode : NodeCRTP<OwnNode> {
  using INode::collectModuleScopeAsm;
  using INode::subNodes_;
  using INode::validateSubtree;

  OwnNode(std::string name, std::vector<std::string> &log, int failAt = -1)
      : NodeCRTP<OwnNode>(Context()), name(std::move(name)), log(log),
        failAt(failAt) {}
  const std::string &getName() const override { return name; }
  Type getType() const override { return Type::Custom; }
  ErrorObject step(const char *what, int number) const {
    log.push_back(name + what);
    return number == failAt ? error(ErrorCode::InternalError, what) : ok();
  }
  ErrorObject preValidateNode() const override { return step(".pre", 0); }
  ErrorObject inferPropertiesNode() override { return step(".infer", 1); }
  ErrorObject postValidateNode() const override { return step(".post", 2); }
  std::string emitModuleScopeAsm() const override { return name + ";"; }

  std::string name;
  std::vector<std::string> &log;
  int failAt;
};

TEST(INodeTest, ValidatesInOrder) {
  std::vector<std::string> log;
  OwnNode parent("p", log);
  parent.subNodes_ = {std::make_shared<OwnNode>("a", log),
                      std::make_shared<OwnNode>("b", log)};
  EXPECT_TRUE(isOk(parent.validateSubtree()));
  EXPECT_EQ(log, (std::vector<std::string>{"p.pre", "p.infer", "a.pre",
                                           "a.infer", "a.post", "b.pre",
                                           "b.infer", "b.post", "p.post"}));
  std::ostringstream text;
  parent.collectModuleScopeAsm(text);
  EXPECT_EQ(text.str(), "p;a;b;");
}

TEST(INodeTest, TheFirstErrorEndsValidation) {
  for (int failAt = 0; failAt < 3; ++failAt) {
    std::vector<std::string> log;
    OwnNode parent("p", log);
    parent.subNodes_ = {std::make_shared<OwnNode>("a", log, failAt),
                        std::make_shared<OwnNode>("b", log)};
    EXPECT_EQ(parent.validateSubtree(), ErrorCode::InternalError);
    EXPECT_EQ(log.size(), static_cast<size_t>(failAt + 3));
  }
}

struct OpenGraph : Graph {
  using INode::subNodes_;
};

TEST(GraphTest, OwnNodesValidateButHaveNoBytes) {
  std::vector<std::string> log;
  OpenGraph graph;
  graph.setName("g");
  graph.subNodes_.push_back(std::make_shared<OwnNode>("own", log));
  EXPECT_TRUE(isOk(graph.validate()));
  EXPECT_EQ(log.size(), 3u);
  EXPECT_EQ(ErrorObject(graph.serialize()), ErrorCode::NotImplemented);
}

} // namespace
} // namespace fusilli
