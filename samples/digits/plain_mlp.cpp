// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Plain loops. See plain_mlp.h.
#include "plain_mlp.h"

#include <algorithm>
#include <cmath>

namespace digits {

using Values = std::vector<double>;

static void softmaxRow(const double *logits, size_t count, double *out) {
  double top = *std::max_element(logits, logits + count);
  double sum = 0;
  for (size_t c = 0; c < count; ++c)
    sum += out[c] = std::exp(logits[c] - top);
  for (size_t c = 0; c < count; ++c)
    out[c] /= sum;
}

static void forward(const PlainMlp &net, const Values &x, const Values &t,
                    PlainResult &result) {
  size_t batch = x.size() / net.inputs;
  result.hiddenValues.assign(batch * net.hidden, 0);
  result.probabilities.assign(batch * net.classes, 0);
  Values logits(net.classes);
  for (size_t n = 0; n < batch; ++n) {
    double *a = &result.hiddenValues[n * net.hidden];
    for (size_t h = 0; h < net.hidden; ++h) {
      double sum = net.b1[h];
      for (size_t i = 0; i < net.inputs; ++i)
        sum += x[n * net.inputs + i] * net.w1[i * net.hidden + h];
      a[h] = std::max(sum, 0.0);
    }
    for (size_t c = 0; c < net.classes; ++c) {
      logits[c] = net.b2[c];
      for (size_t h = 0; h < net.hidden; ++h)
        logits[c] += a[h] * net.w2[h * net.classes + c];
    }
    double *p = &result.probabilities[n * net.classes];
    softmaxRow(logits.data(), net.classes, p);
    for (size_t c = 0; c < net.classes; ++c)
      if (t[n * net.classes + c] > 0)
        result.loss -= std::log(p[c]) / static_cast<double>(batch);
  }
}

static void backward(const PlainMlp &net, const Values &x, const Values &t,
                     PlainResult &result) {
  size_t batch = x.size() / net.inputs;
  result.dw1.assign(net.w1.size(), 0);
  result.db1.assign(net.b1.size(), 0);
  result.dw2.assign(net.w2.size(), 0);
  result.db2.assign(net.b2.size(), 0);
  for (size_t n = 0; n < batch; ++n) {
    Values da(net.hidden, 0);
    for (size_t c = 0; c < net.classes; ++c) {
      size_t at = n * net.classes + c;
      double d =
          (result.probabilities[at] - t[at]) / static_cast<double>(batch);
      result.db2[c] += d;
      for (size_t h = 0; h < net.hidden; ++h) {
        result.dw2[h * net.classes + c] +=
            d * result.hiddenValues[n * net.hidden + h];
        da[h] += d * net.w2[h * net.classes + c];
      }
    }
    for (size_t h = 0; h < net.hidden; ++h) {
      if (result.hiddenValues[n * net.hidden + h] <= 0)
        continue;
      result.db1[h] += da[h];
      for (size_t i = 0; i < net.inputs; ++i)
        result.dw1[i * net.hidden + h] += da[h] * x[n * net.inputs + i];
    }
  }
}

PlainResult plainForwardBackward(const PlainMlp &net, const Values &x,
                                 const Values &t) {
  PlainResult result;
  forward(net, x, t, result);
  backward(net, x, t, result);
  return result;
}

} // namespace digits
