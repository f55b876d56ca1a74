// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The same network in plain loops and double precision, for the tests: what the
// graphs must agree with. Its own gradient is held against differences of its
// loss.
#ifndef SAMPLES_DIGITS_PLAIN_MLP_H
#define SAMPLES_DIGITS_PLAIN_MLP_H

#include <cstddef>
#include <vector>

namespace digits {

struct PlainMlp {
  size_t inputs, hidden, classes;
  std::vector<double> w1, b1, w2, b2;
};

struct PlainResult {
  double loss = 0;
  std::vector<double> hiddenValues;  // relu, [batch, hidden]
  std::vector<double> probabilities; // [batch, classes]
  std::vector<double> dw1, db1, dw2, db2;
};

/// Forward and backward over a batch; `x` [batch, inputs], `t` one-hot rows.
PlainResult plainForwardBackward(const PlainMlp &net,
                                 const std::vector<double> &x,
                                 const std::vector<double> &t);

} // namespace digits

#endif // SAMPLES_DIGITS_PLAIN_MLP_H
