// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Gradient of a convolution's weights from its definition: DW[k, c, r] = sum
// over n, o of DY[n, k, o] * X[n, g(k) Cg + c, o stride + r dilation - pad],
// zero outside.

#include "reference/conv_terms.h"

namespace fusilli::reference {

ErrorOr<Value> evaluateConvWGrad(const NodeDef &node, const TensorSpec &spec,
                                 const Value &dy, const Value &x,
                                 const Demand &demand) {
  FUSILLI_CHECK_ERROR(checkConvDtype(node, spec));
  const ConvGeometry g(std::get<ConvWGradOp>(node.op), x.dims, spec.dims,
                       dy.dims);
  const int64_t taps = product(g.w);
  return evaluateByElement(
      spec, dy, x, demand, g.n * product(g.y), [&](int64_t index, auto visit) {
        const Triple tap = g.tapAt(index % taps);
        const int64_t c = index / taps % g.groupChannels;
        const int64_t k = index / (taps * g.groupChannels);
        const auto [d0, d1] = g.range(0, tap[0]);
        const auto [h0, h1] = g.range(1, tap[1]);
        const auto [w0, w1] = g.range(2, tap[2]);
        for (int64_t n = 0; n < g.n; ++n)
          for (int64_t od = 0; od < g.y[0]; ++od)
            for (int64_t oh = 0; oh < g.y[1]; ++oh) {
              const int64_t row =
                  (n * g.k + k) * product(g.y) + (od * g.y[1] + oh) * g.y[2];
              const bool inside = od >= d0 && od < d1 && oh >= h0 && oh < h1;
              const int64_t first = inside ? w0 : g.y[2];
              const int64_t last = inside ? std::max(w0, w1) : g.y[2];
              visit(TermRun{row, 1, -1, 0, first});
              if (last > first)
                visit(TermRun{row + first, 1,
                              g.xChannel(n, k, c) +
                                  (g.input(0, od, tap[0]) * g.x[1] +
                                   g.input(1, oh, tap[1])) *
                                      g.x[2] +
                                  g.input(2, first, tap[2]),
                              g.stride[2], last - first});
              visit(TermRun{row + last, 1, -1, 0, g.y[2] - last});
            }
      });
}

} // namespace fusilli::reference
