// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rules and inference of the normalizations, attention and custom ops.

#include "graph/ops/op_test_support.h"

#include <fusilli/node/norm_utils.h>

#include <gtest/gtest.h>

#include <functional>

namespace fusilli {
namespace {

using namespace testing_support;
using Code = ErrorCode;

template <typename Attr> struct Rule {
  const char *what;
  std::function<void(Attr &)> change;
  Code code;
};

template <typename Node, typename Attr>
void checkRules(const std::function<Attr()> &good,
                const std::vector<Rule<Attr>> &preRules,
                const std::vector<Rule<Attr>> &postRules) {
  EXPECT_EQ(pre<Node>(good()), Code::OK);
  EXPECT_EQ(post<Node>(good()), Code::OK);
  for (const Rule<Attr> &rule : preRules) {
    Attr attr = good();
    rule.change(attr);
    EXPECT_EQ(pre<Node>(attr), rule.code) << "pre " << rule.what;
  }
  for (const Rule<Attr> &rule : postRules) {
    Attr attr = good();
    rule.change(attr);
    EXPECT_EQ(post<Node>(attr), rule.code) << "post " << rule.what;
  }
}

TensorPtr oddLayout() { return strided({2, 4, 3, 3}, {1, 2, 8, 24}); }

TEST(NormUtilsTest, Shapes) {
  using namespace norm_utils;
  EXPECT_EQ(getNormalizedShape({2, 3, 4}), (Dims{3, 4}));
  EXPECT_EQ(getScaleBiasDim({2, 3, 4}), (Dims{1, 3, 4}));
  EXPECT_EQ(getScaleBiasStride({1, 3, 4}, {12, 1, 3}), (Dims{12, 1, 3}));
  auto [dim, stride] = getTrainingForwardOutputDimAndStride({2, 3, 4});
  EXPECT_EQ(dim, (Dims{2, 1, 1}));
  EXPECT_EQ(stride, (Dims{1, 1, 1}));
}

//===-- Batch normalization -----------------------------------------------===//

BatchnormAttr batchnormInference() {
  return BatchnormAttr()
      .setForwardPhase(NormFwdPhase::INFERENCE)
      .setX(tensor({2, 4, 3, 3}))
      .setSCALE(tensor())
      .setBIAS(tensor())
      .setMEAN(tensor())
      .setVAR(tensor())
      .setY(tensor())
      .setEpsilon(scalar())
      .setMomentum(scalar());
}

BatchnormAttr batchnormTraining() {
  return batchnormInference()
      .setForwardPhase(NormFwdPhase::TRAINING)
      .setMEAN(nullptr)
      .setVAR(nullptr)
      .setSAVED_MEAN(tensor())
      .setSAVED_INV_VARIANCE(tensor());
}

TEST(BatchNormNodeTest, InferenceRules) {
  using A = BatchnormAttr;
  checkRules<BatchNormNode, A>(
      batchnormInference,
      {{"phase", [](A &a) { a.setForwardPhase(NormFwdPhase::NOT_SET); },
        Code::AttributeNotSet},
       {"X", [](A &a) { a.setX(nullptr); }, Code::AttributeNotSet},
       {"Y", [](A &a) { a.setY(nullptr); }, Code::AttributeNotSet},
       {"rank", [](A &a) { a.setX(tensor({4})); }, Code::InvalidAttribute},
       {"layout", [](A &a) { a.setX(oddLayout()); }, Code::NotImplemented},
       {"MEAN", [](A &a) { a.setMEAN(nullptr); }, Code::AttributeNotSet},
       {"VAR", [](A &a) { a.setVAR(nullptr); }, Code::AttributeNotSet},
       {"SAVED_MEAN", [](A &a) { a.setSAVED_MEAN(tensor()); },
        Code::InvalidAttribute},
       {"SAVED_INV_VARIANCE", [](A &a) { a.setSAVED_INV_VARIANCE(tensor()); },
        Code::InvalidAttribute},
       {"epsilon", [](A &a) { a.setEpsilon(nullptr); }, Code::AttributeNotSet},
       {"epsilon tensor", [](A &a) { a.setEpsilon(tensor({1})); },
        Code::InvalidAttribute},
       {"momentum", [](A &a) { a.setMomentum(nullptr); },
        Code::AttributeNotSet},
       {"momentum tensor", [](A &a) { a.setMomentum(tensor({1})); },
        Code::InvalidAttribute},
       {"no scale", [](A &a) { a.setSCALE(nullptr); }, Code::OK}},
      {{"Y dims", [](A &a) { a.setY(tensor({2, 4, 3, 2})); },
        Code::InvalidAttribute},
       {"Y layout", [](A &a) { a.setY(oddLayout()); }, Code::NotImplemented},
       {"SCALE dims", [](A &a) { a.setSCALE(tensor({3})); },
        Code::InvalidAttribute},
       {"VAR strides", [](A &a) { a.setVAR(strided({4}, {2})); },
        Code::InvalidAttribute}});
}

TEST(BatchNormNodeTest, TrainingRules) {
  using A = BatchnormAttr;
  checkRules<BatchNormNode, A>(
      batchnormTraining,
      {{"SAVED_MEAN", [](A &a) { a.setSAVED_MEAN(nullptr); },
        Code::AttributeNotSet},
       {"SAVED_INV_VARIANCE", [](A &a) { a.setSAVED_INV_VARIANCE(nullptr); },
        Code::AttributeNotSet}},
      {{"SAVED_MEAN dims", [](A &a) { a.setSAVED_MEAN(tensor({3})); },
        Code::InvalidAttribute}});
}

TEST(BatchNormNodeTest, Infers) {
  BatchnormAttr attr = batchnormTraining().setX(channelsLast({2, 4, 3, 3}));
  EXPECT_EQ(post<BatchNormNode>(attr), Code::OK);
  EXPECT_TRUE(attr.getY()->isChannelsLast());
  for (const TensorPtr &t :
       {attr.getSCALE(), attr.getSAVED_MEAN(), attr.getSAVED_INV_VARIANCE()}) {
    EXPECT_EQ(t->getDim(), Dims{4});
    EXPECT_EQ(t->getStride(), Dims{1});
  }
}

//===-- Layer and root-mean-square normalization --------------------------===//

LayernormAttr layernormInference() {
  return LayernormAttr()
      .setForwardPhase(NormFwdPhase::INFERENCE)
      .setX(tensor({2, 4, 3, 3}))
      .setSCALE(tensor())
      .setBIAS(tensor())
      .setY(tensor())
      .setEpsilon(scalar());
}

LayernormAttr layernormTraining() {
  return layernormInference()
      .setForwardPhase(NormFwdPhase::TRAINING)
      .setMEAN(tensor())
      .setINV_VARIANCE(tensor());
}

TEST(LayerNormNodeTest, InferenceRules) {
  using A = LayernormAttr;
  checkRules<LayerNormNode, A>(
      layernormInference,
      {{"phase", [](A &a) { a.setForwardPhase(NormFwdPhase::NOT_SET); },
        Code::AttributeNotSet},
       {"X", [](A &a) { a.setX(nullptr); }, Code::AttributeNotSet},
       {"Y", [](A &a) { a.setY(nullptr); }, Code::AttributeNotSet},
       {"rank", [](A &a) { a.setX(tensor({4})); }, Code::InvalidAttribute},
       {"layout", [](A &a) { a.setX(oddLayout()); }, Code::NotImplemented},
       {"SCALE dims", [](A &a) { a.setSCALE(tensor({4, 3, 3})); },
        Code::InvalidAttribute},
       {"BIAS dims", [](A &a) { a.setBIAS(tensor({2, 4, 3, 3})); },
        Code::InvalidAttribute},
       {"SCALE layout",
        [](A &a) { a.setSCALE(strided({1, 4, 3, 3}, {1, 1, 4, 12})); },
        Code::NotImplemented},
       {"MEAN", [](A &a) { a.setMEAN(tensor()); }, Code::InvalidAttribute},
       {"INV_VARIANCE", [](A &a) { a.setINV_VARIANCE(tensor()); },
        Code::InvalidAttribute},
       {"epsilon", [](A &a) { a.setEpsilon(nullptr); }, Code::AttributeNotSet},
       {"epsilon tensor", [](A &a) { a.setEpsilon(tensor({1})); },
        Code::InvalidAttribute}},
      {{"Y dims", [](A &a) { a.setY(tensor({2, 4, 3, 2})); },
        Code::InvalidAttribute},
       {"Y layout", [](A &a) { a.setY(oddLayout()); }, Code::NotImplemented}});
}

TEST(LayerNormNodeTest, TrainingRules) {
  using A = LayernormAttr;
  checkRules<LayerNormNode, A>(
      layernormTraining,
      {{"MEAN", [](A &a) { a.setMEAN(nullptr); }, Code::AttributeNotSet},
       {"INV_VARIANCE", [](A &a) { a.setINV_VARIANCE(nullptr); },
        Code::AttributeNotSet}},
      {{"MEAN dims", [](A &a) { a.setMEAN(tensor({2})); },
        Code::InvalidAttribute},
       {"INV_VARIANCE dims", [](A &a) { a.setINV_VARIANCE(tensor({2, 4})); },
        Code::InvalidAttribute},
       {"MEAN strides",
        [](A &a) { a.setMEAN(strided({2, 1, 1, 1}, {1, 2, 2, 2})); },
        Code::InvalidAttribute},
       {"INV_VARIANCE strides",
        [](A &a) { a.setINV_VARIANCE(strided({2, 1, 1, 1}, {1, 2, 2, 2})); },
        Code::InvalidAttribute}});
}

TEST(LayerNormNodeTest, Infers) {
  LayernormAttr attr = layernormTraining().setX(channelsLast({2, 4, 3, 5}));
  EXPECT_EQ(post<LayerNormNode>(attr), Code::OK);
  EXPECT_TRUE(attr.getY()->isChannelsLast());
  EXPECT_EQ(attr.getSCALE()->getDim(), (Dims{1, 4, 3, 5}));
  EXPECT_TRUE(attr.getSCALE()->isChannelsLast());
  EXPECT_EQ(attr.getMEAN()->getDim(), (Dims{2, 1, 1, 1}));
  EXPECT_EQ(attr.getMEAN()->getStride(), (Dims{1, 1, 1, 1}));
}

RmsnormAttr rmsnormInference() {
  return RmsnormAttr()
      .setForwardPhase(NormFwdPhase::INFERENCE)
      .setX(tensor({2, 4, 3, 3}))
      .setSCALE(tensor())
      .setY(tensor())
      .setEpsilon(scalar());
}

TEST(RmsNormNodeTest, Rules) {
  using A = RmsnormAttr;
  checkRules<RmsNormNode, A>(
      rmsnormInference,
      {{"phase", [](A &a) { a.setForwardPhase(NormFwdPhase::NOT_SET); },
        Code::AttributeNotSet},
       {"X", [](A &a) { a.setX(nullptr); }, Code::AttributeNotSet},
       {"Y", [](A &a) { a.setY(nullptr); }, Code::AttributeNotSet},
       {"rank", [](A &a) { a.setX(tensor({4})); }, Code::InvalidAttribute},
       {"layout", [](A &a) { a.setX(oddLayout()); }, Code::NotImplemented},
       {"SCALE dims", [](A &a) { a.setSCALE(tensor({4, 3, 3})); },
        Code::InvalidAttribute},
       {"SCALE layout",
        [](A &a) { a.setSCALE(strided({1, 4, 3, 3}, {1, 1, 4, 12})); },
        Code::NotImplemented},
       {"INV_RMS", [](A &a) { a.setINV_RMS(tensor()); },
        Code::InvalidAttribute},
       {"training, no INV_RMS",
        [](A &a) { a.setForwardPhase(NormFwdPhase::TRAINING); },
        Code::AttributeNotSet},
       {"epsilon", [](A &a) { a.setEpsilon(nullptr); }, Code::AttributeNotSet},
       {"epsilon tensor", [](A &a) { a.setEpsilon(tensor({1})); },
        Code::InvalidAttribute}},
      {{"Y dims", [](A &a) { a.setY(tensor({2, 4, 3, 2})); },
        Code::InvalidAttribute},
       {"Y layout", [](A &a) { a.setY(oddLayout()); }, Code::NotImplemented}});
}

TEST(RmsNormNodeTest, TrainingIsCheckedButNotSupported) {
  auto training = [] {
    return rmsnormInference().setForwardPhase(NormFwdPhase::TRAINING);
  };
  EXPECT_EQ(pre<RmsNormNode>(training().setINV_RMS(tensor())), Code::OK);
  EXPECT_EQ(post<RmsNormNode>(training().setINV_RMS(tensor())),
            Code::NotImplemented);
  EXPECT_EQ(post<RmsNormNode>(training().setINV_RMS(tensor({2}))),
            Code::InvalidAttribute);
  EXPECT_EQ(post<RmsNormNode>(
                training().setINV_RMS(strided({2, 1, 1, 1}, {1, 2, 2, 2}))),
            Code::InvalidAttribute);
}

//===-- Attention ---------------------------------------------------------===//

SdpaAttr sdpa() {
  return SdpaAttr()
      .setQ(tensor({2, 8, 16, 64}))
      .setK(tensor({2, 8, 32, 64}))
      .setV(tensor({2, 8, 32, 48}))
      .setO(tensor());
}

TEST(SdpaNodeTest, Rules) {
  using A = SdpaAttr;
  auto k = [](Dims d) { return [d](A &a) { a.setK(tensor(d)); }; };
  auto v = [](Dims d) { return [d](A &a) { a.setV(tensor(d)); }; };
  auto mask = [](Dims d) { return [d](A &a) { a.setMASK(tensor(d)); }; };
  auto dropout = [](float p) { return [p](A &a) { a.setDropout(p); }; };
  checkRules<SdpaNode, A>(
      sdpa,
      {{"Q", [](A &a) { a.setQ(nullptr); }, Code::AttributeNotSet},
       {"K", [](A &a) { a.setK(nullptr); }, Code::AttributeNotSet},
       {"V", [](A &a) { a.setV(nullptr); }, Code::AttributeNotSet},
       {"O", [](A &a) { a.setO(nullptr); }, Code::AttributeNotSet},
       {"Q rank", [](A &a) { a.setQ(tensor({2, 8, 16})); },
        Code::InvalidAttribute},
       {"K rank", k({2, 8, 32}), Code::InvalidAttribute},
       {"V rank", v({2, 8, 32}), Code::InvalidAttribute},
       {"K batch", k({1, 8, 32, 64}), Code::InvalidAttribute},
       {"V batch", v({1, 8, 32, 48}), Code::InvalidAttribute},
       {"head dim", k({2, 8, 32, 32}), Code::InvalidAttribute},
       {"sequence", v({2, 8, 31, 48}), Code::InvalidAttribute},
       {"K heads", k({2, 4, 32, 64}), Code::InvalidAttribute},
       {"V heads", v({2, 4, 32, 48}), Code::InvalidAttribute},
       {"mask", mask({2, 1, 16, 32}), Code::OK},
       {"mask rank", mask({16, 32}), Code::InvalidAttribute},
       {"mask batch", mask({3, 1, 16, 32}), Code::InvalidAttribute},
       {"mask heads", mask({1, 2, 16, 32}), Code::InvalidAttribute},
       {"mask rows", mask({1, 1, 8, 32}), Code::InvalidAttribute},
       {"mask columns", mask({1, 1, 16, 16}), Code::InvalidAttribute},
       {"mask and causal",
        [](A &a) { a.setMASK(tensor({1, 1, 16, 32})).setIsCausal(true); },
        Code::InvalidAttribute},
       {"dropout", dropout(0.5f), Code::OK},
       {"dropout < 0", dropout(-0.1f), Code::InvalidAttribute},
       {"dropout 1", dropout(1.0f), Code::InvalidAttribute},
       {"dropout NaN", dropout(std::numeric_limits<float>::quiet_NaN()),
        Code::InvalidAttribute}},
      {{"O dims", [](A &a) { a.setO(tensor({2, 8, 16, 64})); },
        Code::InvalidAttribute}});
}

TEST(SdpaNodeTest, GroupedHeads) {
  auto check = [](int64_t hk, int64_t hv) {
    return pre<SdpaNode>(sdpa()
                             .setEnableGqa(true)
                             .setK(tensor({2, hk, 32, 64}))
                             .setV(tensor({2, hv, 32, 48})));
  };
  EXPECT_EQ(check(4, 2), Code::OK);
  EXPECT_EQ(check(3, 2), Code::InvalidAttribute);
  EXPECT_EQ(check(2, 3), Code::InvalidAttribute);
}

TEST(SdpaNodeTest, Infers) {
  SdpaAttr attr = sdpa();
  EXPECT_EQ(post<SdpaNode>(attr), Code::OK);
  EXPECT_EQ(attr.getO()->getDim(), (Dims{2, 8, 16, 48}));
  EXPECT_TRUE(attr.getO()->isContiguous());
}

//===-- Custom ops --------------------------------------------------------===//

CustomOpNode custom(const std::string &text, std::vector<TensorPtr> inputs,
                    std::vector<TensorPtr> outputs) {
  CustomOpAttr attr;
  attr.setName("mine").setMlir(text);
  CustomOpNode node(std::move(attr), Context());
  node.inputs = std::move(inputs);
  node.outputs = std::move(outputs);
  return node;
}

TEST(CustomOpNodeTest, Rules) {
  auto check = [](const CustomOpNode &n) {
    return n.preValidateNode().getCode();
  };
  auto t = tensor({2});
  EXPECT_EQ(check(custom("x", {t, t}, {t})), Code::OK);
  EXPECT_EQ(check(custom("", {t}, {t})), Code::AttributeNotSet);
  EXPECT_EQ(check(custom("x", {}, {t})), Code::AttributeNotSet);
  EXPECT_EQ(check(custom("x", {t}, {})), Code::AttributeNotSet);
  EXPECT_EQ(check(custom("x", {t, nullptr}, {t})), Code::AttributeNotSet);
  EXPECT_EQ(check(custom("x", {t}, {nullptr})), Code::AttributeNotSet);
  EXPECT_EQ(check(custom("x", {t, scalar()}, {t})), Code::InvalidAttribute);
  EXPECT_EQ(check(custom("x", {t}, {t, scalar()})), Code::InvalidAttribute);
}

TEST(CustomOpNodeTest, InfersTypesOfInputsOnly) {
  auto in = std::make_shared<TensorAttr>();
  auto out = std::make_shared<TensorAttr>();
  CustomOpNode node(CustomOpAttr(), Context().setIODataType(DataType::Half));
  node.inputs = {in};
  node.outputs = {out};
  EXPECT_TRUE(isOk(node.inferPropertiesNode()));
  EXPECT_EQ(in->getDataType(), DataType::Half);
  EXPECT_EQ(out->getDataType(), DataType::NotSet);
}

TEST(CustomOpNodeTest, ResolvesPlaceholders) {
  auto in = strided({2, 3}, {1, 2});
  auto out = tensor({4, 5});
  out->setDataType(DataType::Half).setDynamicDim(1);
  CustomOpNode node =
      custom("@{FUNC_NAME} {IN0_TYPE} {IN0_DTYPE} {IN0_DIM1} {OUT0_TYPE} "
             "{OUT0_DIM0} {OUT0_DIM1} {IN1_TYPE} {IN0_TYPE}",
             {in}, {out});
  EXPECT_EQ(node.resolveMlirPlaceholders(),
            "@mine !torch.vtensor<[2,3],f32> f32 3 !torch.vtensor<[4,?],f16> "
            "4 ? {IN1_TYPE} !torch.vtensor<[2,3],f32>");
}

} // namespace
} // namespace fusilli
