// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How the elements of a tensor lie in memory: extents and strides, both in
// elements and one a logical dim. The one home of this algebra for all layers;
// nothing here is undefined for any numbers.
//
// A layout is dense when it fills its buffer without gaps and without two
// elements in one place, leaving aside dims of extent 1 and broadcast dims
// (stride 0); every other one with strides of at least 0 is a view.
#ifndef SUPPORT_TENSOR_LAYOUT_H
#define SUPPORT_TENSOR_LAYOUT_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace fusilli::layout {

using Numbers = std::span<const int64_t>;

/// Row-major strides; products wrap around.
std::vector<int64_t> rowMajorStrides(Numbers dims);

/// The number of elements; empty for negative extents and overflow.
std::optional<int64_t> findVolume(Numbers dims);

/// Whether the layout is dense: ranks equal, nothing negative, a volume that
/// fits, and by ascending stride (dims of extent 1 or stride 0 ignored) each
/// stride is the product of the extents before it.
bool isDense(Numbers dims, Numbers strides);

/// Whether some dim of extent above 1 has stride 0.
bool hasBroadcast(Numbers dims, Numbers strides);

/// Whether no two elements share a place. False as well where a search of
/// bounded length cannot tell, which takes strides that no slicing, padding or
/// permuting of a dense tensor gives. Ranks are equal, strides not negative.
bool isDistinct(Numbers dims, Numbers strides);

/// Elements from the first to behind the last, gaps included: what the buffer
/// holds at least. Empty for unequal ranks, negative numbers, and overflow.
std::optional<int64_t> findSpan(Numbers dims, Numbers strides);

/// The physical order p of a dense layout: physical dim i is logical dim p[i].
/// Dims that are neither of extent 1 nor of stride 0 go by falling stride (ties
/// in index order) among their own positions; the others stay. Ranks are equal.
std::vector<int64_t> physicalOrder(Numbers dims, Numbers strides);

/// The extents in physical order, broadcast dims as 1: the shape in which the
/// buffer of a dense layout is row-major. Ranks are equal.
std::vector<int64_t> physicalShape(Numbers dims, Numbers strides);

/// The shape of a tensor's buffer: the physical shape of a dense layout, the
/// span of a view. Empty as findSpan.
std::optional<std::vector<int64_t>> bufferShape(Numbers dims, Numbers strides);

} // namespace fusilli::layout

#endif // SUPPORT_TENSOR_LAYOUT_H
