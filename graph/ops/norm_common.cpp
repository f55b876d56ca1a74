// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shapes and checks that the normalizations share.

#include "graph/ops/norm_common.h"
#include "graph/messages.h"

namespace fusilli {

namespace norm_utils {

std::vector<int64_t> getNormalizedShape(const std::vector<int64_t> &xDim,
                                        size_t batchDim) {
  std::vector<int64_t> shape = xDim;
  if (batchDim < shape.size())
    shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(batchDim));
  return shape;
}

std::pair<std::vector<int64_t>, std::vector<int64_t>>
getTrainingForwardOutputDimAndStride(const std::vector<int64_t> &xDim,
                                     size_t batchDim) {
  std::vector<int64_t> dim(xDim.size(), 1);
  if (batchDim < dim.size())
    dim[batchDim] = xDim[batchDim];
  std::vector<int64_t> stride = graph::contiguousStrides(dim);
  return {std::move(dim), std::move(stride)};
}

std::vector<int64_t> getScaleBiasDim(const std::vector<int64_t> &xDim,
                                     size_t batchDim) {
  std::vector<int64_t> dim = xDim;
  if (batchDim < dim.size())
    dim[batchDim] = 1;
  return dim;
}

std::vector<int64_t> getScaleBiasStride(const std::vector<int64_t> &dim,
                                        const std::vector<int64_t> &xStride) {
  return generateStrideFromDim(
      dim, generateStrideOrderPreservingFormat(xStride, dim.size()));
}

void inferDim(const std::shared_ptr<TensorAttr> &tensor,
              const std::vector<int64_t> &dim) {
  if (tensor && tensor->getDim().empty())
    tensor->setDim(dim);
}

void inferStride(const std::shared_ptr<TensorAttr> &tensor,
                 const std::vector<int64_t> &stride) {
  if (tensor && tensor->getStride().empty())
    tensor->setStride(stride);
}

void inferDimAndStride(const std::shared_ptr<TensorAttr> &tensor,
                       const std::vector<int64_t> &dim,
                       const std::vector<int64_t> &stride) {
  inferDim(tensor, dim);
  inferStride(tensor, stride);
}

void inferScaleBiasDimAndStride(const std::shared_ptr<TensorAttr> &tensor,
                                const std::vector<int64_t> &xDim,
                                const std::vector<int64_t> &xStride,
                                size_t batchDim) {
  std::vector<int64_t> dim = getScaleBiasDim(xDim, batchDim);
  inferDimAndStride(tensor, dim, getScaleBiasStride(dim, xStride));
}

} // namespace norm_utils

namespace graph {

ErrorObject checkNormCommon(const std::string &node, NormFwdPhase phase,
                            const TensorPtr &x, const TensorPtr &y) {
  FUSILLI_RETURN_ERROR_IF(
      phase == NormFwdPhase::NOT_SET, ErrorCode::AttributeNotSet,
      message(Msg::NodeAttributeMissing, node, "forward phase"));
  FUSILLI_CHECK_ERROR(requireTensors(node, {{x, "X"}, {y, "Y"}}));
  return requireMinRank(node, x, "X", 2);
}

ErrorOr<NormFwdPhase> decodePhase(uint8_t phase) {
  FUSILLI_RETURN_ERROR_IF(
      phase > static_cast<uint8_t>(NormFwdPhase::INFERENCE),
      ErrorCode::InvalidArgument,
      message(Msg::GraphDefValue, "normalization phase", phase));
  return ok(static_cast<NormFwdPhase>(phase));
}

ErrorObject checkNormOutput(const std::string &node, const TensorPtr &x,
                            const TensorPtr &y) {
  FUSILLI_CHECK_ERROR(requireTensors(node, {{x, "X"}, {y, "Y"}}));
  return requireDims(node, y, "Y", x->getDim());
}

ErrorObject forbidStatistic(const std::string &node, const TensorPtr &tensor,
                            const char *slot) {
  FUSILLI_RETURN_ERROR_IF(tensor, ErrorCode::InvalidAttribute,
                          message(Msg::NormStatisticUnexpected, node, slot));
  return ok();
}

ErrorObject checkAffineDims(const std::string &node, const TensorPtr &tensor,
                            const char *slot,
                            const std::vector<int64_t> &dims) {
  if (!tensor || tensor->getDim().empty())
    return ok();
  return requireDims(node, tensor, slot, dims);
}

} // namespace graph
} // namespace fusilli
