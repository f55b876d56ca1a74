// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Checks that several ops make on their tensors; the list of all ops.

#include "graph/ops/checks.h"
#include "graph/messages.h"
#include "graph/ops/op.h"

#include <array>
#include <string_view>

namespace fusilli::graph {

ErrorObject requireTensor(const std::string &node, const TensorPtr &tensor,
                          const char *slot) {
  FUSILLI_RETURN_ERROR_IF(!tensor, ErrorCode::AttributeNotSet,
                          message(Msg::NodeTensorMissing, node, slot));
  return ok();
}

ErrorObject requireTensors(const std::string &node,
                           std::initializer_list<SlotTensor> all) {
  for (const SlotTensor &one : all)
    FUSILLI_CHECK_ERROR(requireTensor(node, one.tensor, one.slot));
  return ok();
}

ErrorObject requireMinRank(const std::string &node, const TensorPtr &tensor,
                           const char *slot, size_t minRank) {
  size_t rank = tensor->getDim().size();
  FUSILLI_RETURN_ERROR_IF(
      rank < minRank, ErrorCode::InvalidAttribute,
      message(Msg::NodeRankTooSmall, node, slot, rank, minRank));
  return ok();
}

ErrorObject requireSameRank(const std::string &node, const TensorPtr &a,
                            const char *slotA, const TensorPtr &b,
                            const char *slotB) {
  size_t rankA = a->getDim().size();
  size_t rankB = b->getDim().size();
  FUSILLI_RETURN_ERROR_IF(
      rankA != rankB, ErrorCode::InvalidAttribute,
      message(Msg::NodeRanksDiffer, node, slotA, rankA, slotB, rankB));
  return ok();
}

ErrorObject requireDims(const std::string &node, const TensorPtr &tensor,
                        const char *slot, const std::vector<int64_t> &dims) {
  FUSILLI_RETURN_ERROR_IF(
      tensor->getDim() != dims, ErrorCode::InvalidAttribute,
      message(Msg::NodeDims, node, slot, tensor->getDim(), dims));
  return ok();
}

ErrorObject requireStrides(const std::string &node, const TensorPtr &tensor,
                           const char *slot,
                           const std::vector<int64_t> &strides) {
  FUSILLI_RETURN_ERROR_IF(
      tensor->getStride() != strides, ErrorCode::InvalidAttribute,
      message(Msg::NodeStrides, node, slot, tensor->getStride(), strides));
  return ok();
}

ErrorObject requireScalar(const std::string &node, const TensorPtr &tensor,
                          const char *what) {
  FUSILLI_RETURN_ERROR_IF(!tensor, ErrorCode::AttributeNotSet,
                          message(Msg::NodeAttributeMissing, node, what));
  FUSILLI_RETURN_ERROR_IF(!tensor->isScalar(), ErrorCode::InvalidAttribute,
                          message(Msg::NodeNotScalar, node, what));
  return ok();
}

std::vector<int64_t> stridesLike(const std::vector<int64_t> &dims,
                                 const TensorAttr &like) {
  const std::vector<int64_t> &extents = like.getDim();
  const std::vector<int64_t> &strides = like.getStride();
  bool channelsLast = like.isChannelsLast() && !like.isContiguous();
  // Strides that are neither: by which is the faster, channels or space.
  if (!like.isContiguous() && !channelsLast && extents.size() >= 3 &&
      strides.size() == extents.size() && extents[1] > 1) {
    channelsLast = true;
    for (size_t i = 2; i < extents.size(); ++i)
      channelsLast &= extents[i] == 1 || strides[1] < strides[i];
  }
  return generateStrideFromDim(
      dims, channelsLast ? getChannelsLastStrideOrder(dims.size())
                         : getContiguousStrideOrder(dims.size()));
}

std::vector<int64_t> resultStridesLike(const TensorAttr &like) {
  const std::vector<int64_t> &dims = like.getDim();
  if (like.hasValidPhysicalRepresentation() || like.hasBroadcastDims() ||
      like.getStride().size() != dims.size())
    return like.getStride();
  return generateStrideFromDim(
      dims, generateStrideOrderPreservingFormat(like.getStride(), dims.size()));
}

std::vector<int64_t> contiguousStrides(const std::vector<int64_t> &dims) {
  return generateStrideFromDim(dims, getContiguousStrideOrder(dims.size()));
}

//===-- The list of ops ---------------------------------------------------===//

std::span<const OpInfo *const> allOps() {
  static const std::array kOps = {
#define FUSILLI_OP(NAME) &NAME##Op(),
#include "graph/ops/ops.inc"
#undef FUSILLI_OP
  };
  return kOps;
}

const OpInfo *findOp(std::string_view name) {
  for (const OpInfo *op : allOps())
    if (name == op->name)
      return op;
  return nullptr;
}

const OpInfo *findOp(fbs::OpAttrs attrs) {
  for (const OpInfo *op : allOps())
    if (attrs == op->attrs)
      return op;
  return nullptr;
}

} // namespace fusilli::graph
