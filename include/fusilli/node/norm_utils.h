// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shapes that the normalizations share.

#ifndef FUSILLI_NODE_NORM_UTILS_H
#define FUSILLI_NODE_NORM_UTILS_H

#include <fusilli/attributes/tensor_attributes.h>
#include <fusilli/support/export.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace fusilli::norm_utils {

/// The extents that are normalized over: `xDim` without dim `batchDim`.
FUSILLI_EXPORT std::vector<int64_t>
getNormalizedShape(const std::vector<int64_t> &xDim, size_t batchDim = 0);

/// Dims and row-major strides of a statistic: the extent of dim `batchDim`, 1
/// everywhere else.
FUSILLI_EXPORT std::pair<std::vector<int64_t>, std::vector<int64_t>>
getTrainingForwardOutputDimAndStride(const std::vector<int64_t> &xDim,
                                     size_t batchDim = 0);

/// Dims of scale and bias: `xDim` with extent 1 in dim `batchDim`.
FUSILLI_EXPORT std::vector<int64_t>
getScaleBiasDim(const std::vector<int64_t> &xDim, size_t batchDim = 0);

/// Dense strides for extents `dim` in the stride order of `xStride`.
FUSILLI_EXPORT std::vector<int64_t>
getScaleBiasStride(const std::vector<int64_t> &dim,
                   const std::vector<int64_t> &xStride);

/// Sets the dims, or the strides, of `tensor` if they are empty. Null tensors
/// are left alone.
FUSILLI_EXPORT void inferDim(const std::shared_ptr<TensorAttr> &tensor,
                             const std::vector<int64_t> &dim);
FUSILLI_EXPORT void inferStride(const std::shared_ptr<TensorAttr> &tensor,
                                const std::vector<int64_t> &stride);
/// Both of the above.
FUSILLI_EXPORT void inferDimAndStride(const std::shared_ptr<TensorAttr> &tensor,
                                      const std::vector<int64_t> &dim,
                                      const std::vector<int64_t> &stride);
/// Dims and strides of a scale or bias for input dims and strides of X.
FUSILLI_EXPORT void inferScaleBiasDimAndStride(
    const std::shared_ptr<TensorAttr> &tensor, const std::vector<int64_t> &xDim,
    const std::vector<int64_t> &xStride, size_t batchDim = 0);

} // namespace fusilli::norm_utils

#endif // FUSILLI_NODE_NORM_UTILS_H
