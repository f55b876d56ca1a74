// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Checks that several ops make on their tensors.

#ifndef GRAPH_OPS_CHECKS_H
#define GRAPH_OPS_CHECKS_H

#include <fusilli/attributes/tensor_attributes.h>
#include <fusilli/support/logging.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

namespace fusilli::graph {

using TensorPtr = std::shared_ptr<TensorAttr>;

/// AttributeNotSet if `tensor`, in slot `slot` of node `node`, is null.
ErrorObject requireTensor(const std::string &node, const TensorPtr &tensor,
                          const char *slot);
/// A tensor with the name of its slot.
struct SlotTensor {
  const TensorPtr &tensor;
  const char *slot;
};
/// requireTensor of each, in order.
ErrorObject requireTensors(const std::string &node,
                           std::initializer_list<SlotTensor> all);
/// InvalidAttribute if the rank of `tensor` is below `minRank`.
ErrorObject requireMinRank(const std::string &node, const TensorPtr &tensor,
                           const char *slot, size_t minRank);
/// InvalidAttribute if two tensors differ in rank.
ErrorObject requireSameRank(const std::string &node, const TensorPtr &a,
                            const char *slotA, const TensorPtr &b,
                            const char *slotB);
/// InvalidAttribute unless the dims, or strides, of `tensor` are as given.
ErrorObject requireDims(const std::string &node, const TensorPtr &tensor,
                        const char *slot, const std::vector<int64_t> &dims);
ErrorObject requireStrides(const std::string &node, const TensorPtr &tensor,
                           const char *slot,
                           const std::vector<int64_t> &strides);
/// AttributeNotSet if `tensor` is null, InvalidAttribute if it is no scalar.
ErrorObject requireScalar(const std::string &node, const TensorPtr &tensor,
                          const char *what);

/// Dense strides for `dims`: contiguous if `like` is, else channels-last if it
/// is that or its channels are faster than its spatial dims.
std::vector<int64_t> stridesLike(const std::vector<int64_t> &dims,
                                 const TensorAttr &like);

/// The strides of `like`, for a result of the same dims; dense in their order
/// where `like` is a view.
std::vector<int64_t> resultStridesLike(const TensorAttr &like);

/// Row-major strides of `dims`.
std::vector<int64_t> contiguousStrides(const std::vector<int64_t> &dims);

} // namespace fusilli::graph

#endif // GRAPH_OPS_CHECKS_H
