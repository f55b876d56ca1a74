// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Gradient of a convolution's data from its definition: DX[n, g Cg + c, i] =
// sum over k of group g, and r, o with o stride + r dilation - pad = i, of
// DY[n, k, o] * W[k, c, r]. Elements that no output reads are 0.

#include "reference/conv_terms.h"

namespace fusilli::reference {

ErrorOr<Value> evaluateConvDGrad(const NodeDef &node, const TensorSpec &spec,
                                 const Value &dy, const Value &w,
                                 const Demand &demand) {
  FUSILLI_CHECK_ERROR(checkConvDtype(node, spec));
  const ConvGeometry g(std::get<ConvDGradOp>(node.op), spec.dims, w.dims,
                       dy.dims);
  const int64_t taps = product(g.w);
  /// Output that tap `tap` of dim `d` takes to input `in`; -1 if there is none.
  const auto output = [&](size_t d, int64_t in, int64_t tap) -> int64_t {
    const int64_t scaled = in + g.padding[d] - tap * g.dilation[d];
    if (scaled < 0 || scaled % g.stride[d] != 0)
      return -1;
    const int64_t out = scaled / g.stride[d];
    return out < g.y[d] ? out : -1;
  };
  return evaluateByElement(
      spec, dy, w, demand, g.groupOutputs * taps,
      [&](int64_t index, auto visit) {
        const Triple in = {index / (g.x[2] * g.x[1]) % g.x[0],
                           index / g.x[2] % g.x[1], index % g.x[2]};
        const int64_t channel = index / product(g.x) % g.channels;
        const int64_t image = index / (product(g.x) * g.channels);
        const int64_t first = channel / g.groupChannels * g.groupOutputs;
        for (int64_t tap = 0; tap < taps; ++tap) {
          const Triple at = g.tapAt(tap);
          const int64_t od = output(0, in[0], at[0]),
                        oh = output(1, in[1], at[1]),
                        ow = output(2, in[2], at[2]);
          const bool inside = od >= 0 && oh >= 0 && ow >= 0;
          visit(TermRun{inside ? (image * g.k + first) * product(g.y) +
                                     (od * g.y[1] + oh) * g.y[2] + ow
                               : -1,
                        inside ? product(g.y) : 0,
                        (first * g.groupChannels + channel % g.groupChannels) *
                                taps +
                            tap,
                        g.groupChannels * taps, g.groupOutputs});
        }
      });
}

} // namespace fusilli::reference
