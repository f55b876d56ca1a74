// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the suites of the normalizations share.

#ifndef TESTS_E2E_NORM_CASES_H
#define TESTS_E2E_NORM_CASES_H

#include "tests/e2e/shapes.h"

#include "reference/element.h"

#include <cmath>
#include <string>

namespace fusilli::e2e {

/// Shapes of all ranks, extents of 1 and odd ones among them.
inline const std::vector<Dims> kNormShapes = {
    {1, 1},        {3, 1},          {1, 7},       {5, 64},       {33, 257},
    {2, 3, 5},     {4, 17, 9},      {2, 5, 3, 7}, {3, 64, 5, 6}, {1, 16, 8, 8},
    {9, 4, 1, 31}, {2, 3, 2, 5, 3}, {2, 33, 1, 1}};

/// One choice of what a normalization may have or lack.
struct NormCase {
  DataType dtype = DataType::Float;
  Dims dims;
  bool channelsLast = false;
  bool training = false;
  bool scale = true, bias = true;

  Dims strides() const {
    return channelsLast ? channelsLastStrides(dims) : rowMajorStrides(dims);
  }
  std::string label(const std::string &op) const {
    return op + " " + toString(dtype) + " " + toString(dims) +
           (channelsLast ? " channels last" : "") +
           (training ? " training" : "") + (scale ? " scale" : "") +
           (bias ? " bias" : "");
  }
  NormFwdPhase phase() const {
    return training ? NormFwdPhase::TRAINING : NormFwdPhase::INFERENCE;
  }
  /// Half and BFloat16 have statistics of Float, as networks have.
  DataType statisticType() const {
    return dtype == DataType::Double ? DataType::Double : DataType::Float;
  }
};

/// Runs `test` for every shape, layout and float type, with scale and bias, one
/// of them, or none in turn.
template <class Test> void forEachNormCase(bool training, Test test) {
  int number = 0;
  for (DataType dtype : kFloatTypes)
    for (const Dims &dims : kNormShapes)
      for (bool channelsLast : {false, true}) {
        if (channelsLast && dims.size() < 3)
          continue;
        const bool scale = number % 4 != 1 && number % 4 != 3;
        const bool bias = number % 4 != 2 && number % 4 != 3;
        ++number;
        test(NormCase{dtype, dims, channelsLast, training, scale, bias});
      }
}

/// Overwrites an input with numbers of the given deviation around `mean`.
inline void fillAround(Case &c, const std::string &name, double mean,
                       double deviation = 1.0) {
  reference::Tensor &tensor = c.inputs.at(name);
  std::normal_distribution<double> normal(0.0, 1.0);
  for (int64_t k = 0; k < tensor.spec().storageCount(); ++k)
    reference::storeFloat(tensor.spec().dtype, tensor.mutableBytes().data(), k,
                          mean + deviation * normal(c.random));
}

} // namespace fusilli::e2e

#endif // TESTS_E2E_NORM_CASES_H
