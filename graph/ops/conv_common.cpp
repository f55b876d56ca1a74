// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the three convolutions share: their parameter lists, group rules and the
// formula of the output's dims.

#include "graph/ops/conv_common.h"

#include <algorithm>

namespace fusilli {

std::vector<int64_t> getConvInferredOutputShape(
    const std::vector<int64_t> &xDim, const std::vector<int64_t> &wDim,
    const std::vector<int64_t> &dilation, const std::vector<int64_t> &padding,
    const std::vector<int64_t> &stride) {
  using namespace graph;
  if (xDim.size() < 2 || wDim.size() < 2)
    return {};
  std::vector<int64_t> yDim = {xDim[0], wDim[0]};
  size_t spatial = std::min({xDim.size() - 2, wDim.size() - 2, dilation.size(),
                             padding.size(), stride.size()});
  for (size_t i = 0; i < spatial; ++i) {
    if (stride[i] < 1) {
      yDim.push_back(0);
      continue;
    }
    int64_t padded = wrapAdd(xDim[i + 2], wrapMul(2, padding[i]));
    int64_t window = wrapMul(dilation[i], wrapSub(wDim[i + 2], 1));
    int64_t room = wrapSub(wrapSub(padded, window), 1);
    yDim.push_back(wrapAdd(1, room / stride[i]));
  }
  return yDim;
}

namespace graph {

ErrorObject requireConvLists(const std::string &node, const ConvLists &lists) {
  const auto &[padding, stride, dilation] = lists;
  FUSILLI_RETURN_ERROR_IF(padding.empty(), ErrorCode::AttributeNotSet,
                          message(Msg::NodeAttributeMissing, node, "padding"));
  FUSILLI_RETURN_ERROR_IF(stride.empty(), ErrorCode::AttributeNotSet,
                          message(Msg::NodeAttributeMissing, node, "stride"));
  FUSILLI_RETURN_ERROR_IF(dilation.empty(), ErrorCode::AttributeNotSet,
                          message(Msg::NodeAttributeMissing, node, "dilation"));
  return ok();
}

ErrorObject checkConvListLengths(const std::string &node,
                                 const ConvLists &lists, size_t spatial) {
  const auto &[padding, stride, dilation] = lists;
  FUSILLI_RETURN_ERROR_IF(
      padding.size() != spatial, ErrorCode::InvalidAttribute,
      message(Msg::NodeListLength, node, "padding", padding.size(), spatial));
  FUSILLI_RETURN_ERROR_IF(
      stride.size() != spatial, ErrorCode::InvalidAttribute,
      message(Msg::NodeListLength, node, "stride", stride.size(), spatial));
  FUSILLI_RETURN_ERROR_IF(
      dilation.size() != spatial, ErrorCode::InvalidAttribute,
      message(Msg::NodeListLength, node, "dilation", dilation.size(), spatial));
  return ok();
}

ErrorObject checkConvListValues(const std::string &node,
                                const ConvLists &lists) {
  const auto &[padding, stride, dilation] = lists;
  FUSILLI_RETURN_ERROR_IF(
      std::ranges::any_of(padding, [](int64_t v) { return v < 0; }),
      ErrorCode::InvalidAttribute,
      message(Msg::NodeListValue, node, "padding", padding, 0));
  FUSILLI_RETURN_ERROR_IF(
      std::ranges::any_of(stride, [](int64_t v) { return v < 1; }),
      ErrorCode::InvalidAttribute,
      message(Msg::NodeListValue, node, "stride", stride, 1));
  FUSILLI_RETURN_ERROR_IF(
      std::ranges::any_of(dilation, [](int64_t v) { return v < 1; }),
      ErrorCode::InvalidAttribute,
      message(Msg::NodeListValue, node, "dilation", dilation, 1));
  return ok();
}

ErrorObject requireConvDims(const std::string &node, const TensorPtr &x,
                            const TensorPtr &w, const TensorPtr &y,
                            const char *slot, const ConvLists &lists) {
  return requireDims(node, y, slot,
                     getConvInferredOutputShape(x->getDim(), w->getDim(),
                                                lists.dilation, lists.padding,
                                                lists.stride));
}

ErrorObject checkConvGroups(const std::string &node, int64_t inputChannels,
                            int64_t filterChannels, int64_t outputChannels) {
  FUSILLI_RETURN_ERROR_IF(
      !isDivisible(inputChannels, filterChannels), ErrorCode::InvalidAttribute,
      message(Msg::ConvChannels, node, inputChannels, filterChannels));
  int64_t groups = inputChannels / filterChannels;
  FUSILLI_RETURN_ERROR_IF(groups <= 0 || groups > inputChannels ||
                              groups > outputChannels,
                          ErrorCode::InvalidAttribute,
                          message(Msg::ConvGroupRange, node, groups,
                                  inputChannels, outputChannels));
  FUSILLI_RETURN_ERROR_IF(
      !isDivisible(outputChannels, groups), ErrorCode::InvalidAttribute,
      message(Msg::ConvGroupOutputs, node, outputChannels, groups));
  return ok();
}

} // namespace graph
} // namespace fusilli
