// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the header.
#include "support/tensor_layout.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace fusilli::layout {

namespace {

int64_t wrapMul(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) *
                              static_cast<uint64_t>(b));
}

bool moves(Numbers dims, Numbers strides, size_t i) {
  return dims[i] != 1 && strides[i] != 0;
}

/// Dims that are neither of extent 1 nor of stride 0, by rising stride.
std::vector<size_t> movingDims(Numbers dims, Numbers strides) {
  std::vector<size_t> walk;
  for (size_t i = 0; i < dims.size(); ++i)
    if (moves(dims, strides, i))
      walk.push_back(i);
  std::ranges::sort(walk, [&](size_t a, size_t b) {
    return std::pair(strides[a], a) < std::pair(strides[b], b);
  });
  return walk;
}

/// Whether two elements share a place: whether some differences of indices, not
/// all 0, give a difference of places of 0.
class OverlapSearch {
public:
  OverlapSearch(Numbers dims, Numbers strides) {
    std::vector<size_t> walk = movingDims(dims, strides);
    int64_t reach = 0;
    for (size_t i : walk) {
      extents_.push_back(dims[i]);
      strides_.push_back(strides[i]);
      reach_.push_back(reach); // of the dims before; the span fits
      reach += (dims[i] - 1) * strides[i];
    }
  }

  /// True also when the search is given up.
  bool run() {
    // Each dim beyond the reach of those before: nothing to search.
    bool isOrdered = true;
    for (size_t i = 0; i < strides_.size(); ++i)
      isOrdered &= strides_[i] > reach_[i];
    if (isOrdered)
      return false;
    // Sums of two places must fit.
    constexpr int64_t kMaxReach = int64_t{1} << 60;
    return reach_.back() + (extents_.back() - 1) * strides_.back() >
               kMaxReach ||
           meets(strides_.size(), 0, false);
  }

private:
  /// Whether the dims before `end` can make up for `places`.
  bool meets(size_t end, int64_t places, bool isMoved) {
    if (++steps_ > kMaxSteps)
      return true;
    if (end == 0)
      return places == 0 && isMoved;
    const size_t i = end - 1;
    const int64_t stride = strides_[i], reach = reach_[i];
    // places + step * stride must be within the reach of the rest.
    int64_t first =
        std::max(-(extents_[i] - 1), ceilDiv(-reach - places, stride));
    int64_t last = std::min(extents_[i] - 1, floorDiv(reach - places, stride));
    if (!isMoved) // a difference and its negative are one
      first = std::max<int64_t>(first, 0);
    for (int64_t step = first; step <= last; ++step)
      if (meets(i, places + step * stride, isMoved || step != 0))
        return true;
    return false;
  }
  static int64_t floorDiv(int64_t a, int64_t b) {
    return a / b - (a % b < 0 ? 1 : 0);
  }
  static int64_t ceilDiv(int64_t a, int64_t b) { return -floorDiv(-a, b); }

  static constexpr int kMaxSteps = 1 << 16;
  std::vector<int64_t> extents_, strides_, reach_;
  int steps_ = 0;
};

} // namespace

std::vector<int64_t> rowMajorStrides(Numbers dims) {
  std::vector<int64_t> strides(dims.size());
  int64_t product = 1;
  for (size_t i = dims.size(); i-- > 0;) {
    strides[i] = product;
    product = wrapMul(product, dims[i]);
  }
  return strides;
}

std::optional<int64_t> findVolume(Numbers dims) {
  int64_t volume = 1;
  for (int64_t dim : dims)
    if (dim < 0 || __builtin_mul_overflow(volume, dim, &volume))
      return std::nullopt;
  return volume;
}

bool isDense(Numbers dims, Numbers strides) {
  if (dims.size() != strides.size())
    return false;
  if (!findVolume(dims) || // broadcast dims count
      std::ranges::any_of(strides, [](int64_t stride) { return stride < 0; }))
    return false;
  int64_t expected = 1;
  for (size_t i : movingDims(dims, strides)) {
    if (strides[i] != expected ||
        __builtin_mul_overflow(expected, dims[i], &expected))
      return false;
  }
  return true;
}

bool hasBroadcast(Numbers dims, Numbers strides) {
  for (size_t i = 0; i < std::min(dims.size(), strides.size()); ++i)
    if (dims[i] > 1 && strides[i] == 0)
      return true;
  return false;
}

bool isDistinct(Numbers dims, Numbers strides) {
  if (hasBroadcast(dims, strides) || !findSpan(dims, strides))
    return false;
  if (std::ranges::find(dims, 0) != dims.end())
    return true; // no elements
  return !OverlapSearch(dims, strides).run();
}

std::optional<int64_t> findSpan(Numbers dims, Numbers strides) {
  if (dims.size() != strides.size())
    return std::nullopt;
  int64_t last = 0;
  bool isEmpty = false;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] < 0 || strides[i] < 0)
      return std::nullopt;
    isEmpty |= dims[i] == 0;
    int64_t part = 0;
    if (dims[i] > 1 &&
        (__builtin_mul_overflow(dims[i] - 1, strides[i], &part) ||
         __builtin_add_overflow(last, part, &last)))
      return std::nullopt;
  }
  if (isEmpty)
    return 0;
  int64_t span = 0;
  if (__builtin_add_overflow(last, 1, &span))
    return std::nullopt;
  return span;
}

std::vector<int64_t> physicalOrder(Numbers dims, Numbers strides) {
  std::vector<int64_t> order(dims.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  std::vector<size_t> falling = movingDims(dims, strides);
  std::ranges::sort(falling, [&](size_t a, size_t b) {
    return strides[a] != strides[b] ? strides[a] > strides[b] : a < b;
  });
  auto next = falling.begin();
  for (size_t i = 0; i < dims.size(); ++i)
    if (moves(dims, strides, i))
      order[i] = static_cast<int64_t>(*next++);
  return order;
}

std::vector<int64_t> physicalShape(Numbers dims, Numbers strides) {
  std::vector<int64_t> shape;
  for (int64_t from : physicalOrder(dims, strides)) {
    auto i = static_cast<size_t>(from);
    shape.push_back(dims[i] > 1 && strides[i] == 0 ? 1 : dims[i]);
  }
  return shape;
}

std::optional<std::vector<int64_t>> bufferShape(Numbers dims, Numbers strides) {
  if (isDense(dims, strides))
    return physicalShape(dims, strides);
  std::optional<int64_t> span = findSpan(dims, strides);
  if (!span)
    return std::nullopt;
  return std::vector<int64_t>{*span};
}

} // namespace fusilli::layout
