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

ErrorObject requireLayout(const std::string &node, const TensorPtr &tensor) {
  FUSILLI_RETURN_ERROR_IF(!isSimpleLayout(*tensor), ErrorCode::NotImplemented,
                          message(Msg::NodeLayout, node, tensor->getName()));
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
  return generateStrideFromDim(
      dims, like.isContiguous() ? getContiguousStrideOrder(dims.size())
                                : getChannelsLastStrideOrder(dims.size()));
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
