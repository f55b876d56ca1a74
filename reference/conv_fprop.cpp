// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Forward convolution from its definition (cross-correlation, zero outside):
// Y[n, k, o] = sum over c, r of X[n, g(k) Cg + c, o stride + r dilation - pad]
// * W[k, c, r]. Types as for matmul. All of Y is computed tap by tap, a few
// wanted elements one by one.

#include "reference/conv_terms.h"

namespace fusilli::reference {

namespace {

/// Calls `visit` with the terms of an output element, tap by tap, over the
/// channels of its group. A weight at a tap outside of X may or may not be
/// multiplied by the zero there.
template <class Visit>
void forEachTap(const ConvGeometry &g, int64_t index, Visit visit) {
  const int64_t ow = index % g.y[2], oh = index / g.y[2] % g.y[1],
                od = index / (g.y[2] * g.y[1]) % g.y[0];
  const int64_t outChannel = index / product(g.y) % g.k;
  const int64_t image = index / (product(g.y) * g.k);
  const int64_t taps = product(g.w);
  for (int64_t tap = 0; tap < taps; ++tap) {
    const Triple at = g.tapAt(tap);
    const int64_t id = g.input(0, od, at[0]), ih = g.input(1, oh, at[1]),
                  iw = g.input(2, ow, at[2]);
    const bool inside = id >= 0 && id < g.x[0] && ih >= 0 && ih < g.x[1] &&
                        iw >= 0 && iw < g.x[2];
    visit(TermRun{inside ? g.xChannel(image, outChannel, 0) +
                               (id * g.x[1] + ih) * g.x[2] + iw
                         : -1,
                  inside ? product(g.x) : 0,
                  outChannel * g.groupChannels * taps + tap, taps,
                  g.groupChannels});
  }
}

/// All of Y, plane by plane.
template <class F> class FloatConv {
public:
  FloatConv(const Value &x, const Value &w, const ConvGeometry &geometry,
            Value &out)
      : geometry_(geometry), x_(ContractionOperand::from<F>(x)),
        w_(ContractionOperand::from<F>(w)),
        bound_(x, w, x_, w_, geometry.groupChannels * product(geometry.w)),
        out_(out) {}

  void allElements() {
    const auto plane = static_cast<size_t>(product(geometry_.y));
    sum_.resize(plane);
    magnitude_.resize(plane);
    upper_.resize(plane);
    for (int64_t image = 0; image < geometry_.n; ++image)
      for (int64_t k = 0; k < geometry_.k; ++k)
        computePlane(image, k);
  }

private:
  void computePlane(int64_t image, int64_t k) {
    std::fill(sum_.begin(), sum_.end(), 0.0);
    std::fill(magnitude_.begin(), magnitude_.end(), 0.0);
    std::fill(upper_.begin(), upper_.end(), 0.0);
    for (int64_t c = 0; w_.finite && c < geometry_.groupChannels; ++c)
      for (int64_t tap = 0; tap < product(geometry_.w); ++tap)
        addTap(geometry_.xChannel(image, k, c),
               (k * geometry_.groupChannels + c) * product(geometry_.w) + tap,
               tap);
    const int64_t first = (image * geometry_.k + k) * product(geometry_.y);
    for (size_t j = 0; j < sum_.size(); ++j) {
      const bool simple = w_.finite && std::isfinite(upper_[j]);
      put(out_, static_cast<size_t>(first) + j,
          simple
              ? bound_.template finish<F>(sum_[j], magnitude_[j], upper_[j])
              : sumOfProducts<F>(x_, w_, bound_, [&](auto visit) {
                  forEachTap(geometry_, first + static_cast<int64_t>(j), visit);
                }));
    }
  }

  /// Adds one weight times its part of one input channel to all outputs.
  void addTap(int64_t xAt, int64_t wAt, int64_t tap) {
    const ConvGeometry &g = geometry_;
    const Approx<F> weight = w_.at<F>(static_cast<size_t>(wAt));
    const auto [td, th, tw] = g.tapAt(tap);
    const auto [d0, d1] = g.range(0, td);
    const auto [h0, h1] = g.range(1, th);
    const auto [w0, w1] = g.range(2, tw);
    for (int64_t od = d0; od < d1; ++od)
      for (int64_t oh = h0; oh < h1; ++oh) {
        const int64_t row =
            xAt + (g.input(0, od, td) * g.x[1] + g.input(1, oh, th)) * g.x[2];
        addRow(row + g.input(2, 0, tw), (od * g.y[1] + oh) * g.y[2], w0, w1,
               weight);
      }
  }

  void addRow(int64_t xAt, int64_t yAt, int64_t first, int64_t last,
              Approx<F> weight) {
    const double magnitude = std::fabs(weight.v), upper = magnitude + weight.e;
    const bool exact = x_.e.empty();
    for (int64_t o = first; o < last; ++o) {
      const auto at = static_cast<size_t>(xAt + o * geometry_.stride[2]);
      const auto to = static_cast<size_t>(yAt + o);
      const double x = x_.v[at], xMagnitude = std::fabs(x);
      sum_[to] += weight.v * x;
      magnitude_[to] += magnitude * xMagnitude;
      upper_[to] += upper * (xMagnitude + (exact ? 0.0 : x_.e[at]));
    }
  }

  const ConvGeometry &geometry_;
  ContractionOperand x_, w_;
  ContractionBound bound_;
  Value &out_;
  std::vector<double> sum_, magnitude_, upper_;
};

} // namespace

ErrorOr<Value> evaluateConvFProp(const NodeDef &node, const TensorSpec &spec,
                                 const Value &x, const Value &w,
                                 const Demand &demand) {
  FUSILLI_CHECK_ERROR(checkConvDtype(node, spec));
  const ConvGeometry geometry(std::get<ConvFPropOp>(node.op), x.dims, w.dims,
                              spec.dims);
  Value out = makeValue(spec, demand);
  if (!demand.all || !out.isFloat())
    return evaluateByElement(
        spec, x, w, demand, geometry.groupChannels * product(geometry.w),
        [&](int64_t index, auto visit) { forEachTap(geometry, index, visit); });
  if (spec.dtype == DataType::Double)
    FloatConv<F64>(x, w, geometry, out).allElements();
  else
    FloatConv<F32>(x, w, geometry, out).allElements();
  return out;
}

} // namespace fusilli::reference
