// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The algebra of layouts: stride orders, dense strides, permutations,
// broadcast. Products wrap around instead of overflowing, so that no input is
// undefined behaviour; validation rejects extents whose product does not fit.

#include <fusilli/attributes/tensor_attributes.h>

#include "graph/checked_math.h"
#include "graph/messages.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <string_view>
#include <utility>

namespace fusilli {

using graph::message;
using graph::Msg;

std::vector<size_t> getContiguousStrideOrder(size_t n) {
  std::vector<size_t> order(n);
  for (size_t i = 0; i < n; ++i)
    order[i] = n - 1 - i;
  return order;
}

std::vector<size_t> getChannelsLastStrideOrder(size_t n) {
  if (n < 3)
    return getContiguousStrideOrder(n);
  std::vector<size_t> order(n);
  order[0] = n - 1;
  order[1] = 0;
  for (size_t i = 2; i < n; ++i)
    order[i] = n - i;
  return order;
}

std::vector<size_t>
generateStrideOrderPreservingFormat(std::vector<int64_t> stride,
                                    size_t outRank) {
  std::vector<size_t> fastestFirst(stride.size());
  std::iota(fastestFirst.begin(), fastestFirst.end(), size_t{0});
  std::ranges::sort(fastestFirst, [&](size_t a, size_t b) {
    return std::pair(stride[a], a) < std::pair(stride[b], b);
  });
  std::vector<size_t> order(std::max(stride.size(), outRank));
  for (size_t rank = 0; rank < fastestFirst.size(); ++rank)
    order[fastestFirst[rank]] = rank;
  for (size_t i = stride.size(); i < outRank; ++i)
    order[i] = i;
  return order;
}

std::vector<int64_t> generateStrideFromDim(const std::vector<int64_t> &dim,
                                           const std::vector<size_t> &order) {
  size_t n = dim.size();
  std::vector<int64_t> stride(n, 0);
  std::vector<size_t> fastestFirst(n, n);
  for (size_t i = 0; i < std::min(n, order.size()); ++i)
    if (order[i] < n)
      fastestFirst[order[i]] = i;
  int64_t product = 1;
  for (size_t i : fastestFirst) {
    if (i == n)
      continue;
    stride[i] = product;
    product = graph::wrapMul(product, dim[i]);
  }
  return stride;
}

ErrorOr<std::vector<int64_t>>
generateStrideFromLayout(const std::vector<int64_t> &dim,
                         const std::string &layout) {
  static constexpr std::array<std::string_view, 3> kChannelsLast = {
      "NHC", "NHWC", "NDHWC"};
  static constexpr std::array<std::string_view, 5> kContiguous = {
      "N", "NC", "NCH", "NCHW", "NCDHW"};
  FUSILLI_RETURN_ERROR_IF(
      dim.size() != layout.size(), ErrorCode::InvalidArgument,
      message(Msg::LayoutRankMismatch, layout, dim.size(), layout.size()));
  if (std::ranges::find(kChannelsLast, layout) != kChannelsLast.end())
    return ok(
        generateStrideFromDim(dim, getChannelsLastStrideOrder(dim.size())));
  FUSILLI_RETURN_ERROR_IF(
      std::ranges::find(kContiguous, layout) == kContiguous.end(),
      ErrorCode::InvalidArgument, message(Msg::LayoutUnknown, layout));
  return ok(generateStrideFromDim(dim, getContiguousStrideOrder(dim.size())));
}

std::vector<int64_t> getPreserveContiguousPermuteOrder(size_t n) {
  std::vector<int64_t> order(n);
  std::iota(order.begin(), order.end(), int64_t{0});
  return order;
}

std::vector<int64_t> getChannelsLastToContiguousPermuteOrder(size_t n) {
  return inversePermutation(getContiguousToChannelsLastPermuteOrder(n));
}

std::vector<int64_t> getContiguousToChannelsLastPermuteOrder(size_t n) {
  std::vector<int64_t> order = getPreserveContiguousPermuteOrder(n);
  if (n >= 3)
    std::rotate(order.begin() + 1, order.begin() + 2, order.end());
  return order;
}

std::vector<int64_t>
inversePermutation(const std::vector<int64_t> &permutation) {
  std::vector<int64_t> inverse(permutation.size(), 0);
  for (size_t i = 0; i < permutation.size(); ++i)
    if (permutation[i] >= 0 &&
        static_cast<size_t>(permutation[i]) < inverse.size())
      inverse[static_cast<size_t>(permutation[i])] = static_cast<int64_t>(i);
  return inverse;
}

ErrorOr<std::vector<int64_t>>
computeBroadcastShape(const std::vector<std::vector<int64_t>> &shapes) {
  std::vector<int64_t> result;
  for (const std::vector<int64_t> &shape : shapes) {
    if (shape.size() > result.size())
      result.insert(result.begin(), shape.size() - result.size(), 1);
    size_t offset = result.size() - shape.size();
    for (size_t i = 0; i < shape.size(); ++i) {
      int64_t &extent = result[offset + i];
      FUSILLI_RETURN_ERROR_IF(
          extent != shape[i] && extent != 1 && shape[i] != 1,
          ErrorCode::InvalidAttribute,
          message(Msg::BroadcastMismatch, extent, shape[i], offset + i));
      if (extent == 1)
        extent = shape[i];
    }
  }
  FUSILLI_RETURN_ERROR_IF(result.empty(), ErrorCode::InvalidAttribute,
                          message(Msg::BroadcastNoShape));
  return ok(std::move(result));
}

} // namespace fusilli
