// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Values and the walk over broadcast operands.

#include "reference/value.h"

namespace fusilli::reference {

Value makeValue(const TensorSpec &spec, const Demand &demand) {
  Value out;
  out.dtype = spec.dtype;
  out.dims = spec.dims;
  out.demand = demand;
  const auto count = static_cast<size_t>(
      demand.all ? spec.volume() : static_cast<int64_t>(demand.index.size()));
  if (out.isFloat())
    out.v.resize(count);
  else
    out.i.resize(count);
  return out;
}

BroadcastWalk::BroadcastWalk(
    const std::vector<int64_t> &outDims,
    const std::vector<std::vector<int64_t>> &operandDims)
    : dims_(outDims), counter_(outDims.size()), position_(operandDims.size()) {
  for (const std::vector<int64_t> &dims : operandDims) {
    std::vector<int64_t> strides(outDims.size());
    int64_t stride = 1;
    for (size_t i = 0; i < dims.size(); ++i) {
      const int64_t extent = dims[dims.size() - 1 - i];
      if (extent != 1)
        strides[outDims.size() - 1 - i] = stride;
      stride *= extent;
    }
    strides_.push_back(std::move(strides));
  }
}

void BroadcastWalk::seek(int64_t index) {
  std::fill(position_.begin(), position_.end(), 0);
  for (size_t d = dims_.size(); d-- > 0;) {
    counter_[d] = index % dims_[d];
    index /= dims_[d];
    for (size_t i = 0; i < position_.size(); ++i)
      position_[i] += counter_[d] * strides_[i][d];
  }
}

void BroadcastWalk::next() {
  for (size_t d = dims_.size(); d-- > 0;) {
    const bool wraps = ++counter_[d] == dims_[d];
    const int64_t step = wraps ? 1 - dims_[d] : 1;
    for (size_t i = 0; i < position_.size(); ++i)
      position_[i] += step * strides_[i][d];
    if (!wraps)
      return;
    counter_[d] = 0;
  }
}

} // namespace fusilli::reference
