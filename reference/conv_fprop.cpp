// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Forward convolution from its definition (cross-correlation, zero outside):
// Y[n, k, o] = sum over c, r of X[n, g(k) Cg + c, o stride + r dilation - pad]
// * W[k, c, r]. Spatial extents are padded to three with ones. Types as for
// matmul. All of Y is computed tap by tap, a few wanted elements one by one.

#include "reference/accumulate.h"
#include "reference/value.h"

#include <array>

namespace fusilli::reference {

namespace {

using Triple = std::array<int64_t, 3>;

/// Spatial extents `dims[2..]`, or a list per spatial dim, as three.
Triple spatial(const std::vector<int64_t> &values, size_t first,
               int64_t filler) {
  Triple out{filler, filler, filler};
  const size_t count = values.size() - first;
  for (size_t i = 0; i < count; ++i)
    out[3 - count + i] = values[first + i];
  return out;
}

int64_t product(const Triple &t) { return t[0] * t[1] * t[2]; }

struct Geometry {
  int64_t n, k, channels, groupChannels, groupOutputs;
  Triple x, w, y, padding, stride, dilation;

  Geometry(const ConvFPropOp &op, const std::vector<int64_t> &xDims,
           const std::vector<int64_t> &wDims, const std::vector<int64_t> &yDims)
      : n(yDims[0]), k(yDims[1]), channels(xDims[1]), groupChannels(wDims[1]),
        groupOutputs(yDims[1] / (xDims[1] / wDims[1])), x(spatial(xDims, 2, 1)),
        w(spatial(wDims, 2, 1)), y(spatial(yDims, 2, 1)),
        padding(spatial(op.padding, 0, 0)), stride(spatial(op.stride, 0, 1)),
        dilation(spatial(op.dilation, 0, 1)) {}

  int64_t terms() const { return groupChannels * product(w); }
  /// Place in X of channel `c` of the group of output channel `k`.
  int64_t xChannel(int64_t image, int64_t outChannel, int64_t c) const {
    return (image * channels + outChannel / groupOutputs * groupChannels + c) *
           product(x);
  }
  int64_t input(size_t d, int64_t out, int64_t tap) const {
    return out * stride[d] + tap * dilation[d] - padding[d];
  }
  /// Outputs [first, last) for which tap `tap` of dim `d` is inside.
  std::pair<int64_t, int64_t> range(size_t d, int64_t tap) const {
    const int64_t shift = tap * dilation[d] - padding[d];
    const int64_t first = shift >= 0 ? 0 : (-shift + stride[d] - 1) / stride[d];
    const int64_t last =
        x[d] - shift <= 0 ? 0 : (x[d] - shift - 1) / stride[d] + 1;
    return {std::min(first, y[d]), std::min(last, y[d])};
  }

  /// Calls visit(place in X, or -1 outside, place in W) for all taps of an
  /// output element.
  template <class Visit> void forEachTap(int64_t index, Visit visit) const {
    const int64_t ow = index % y[2], oh = index / y[2] % y[1],
                  od = index / (y[2] * y[1]) % y[0];
    const int64_t outChannel = index / product(y) % k;
    const int64_t image = index / (product(y) * k);
    for (int64_t c = 0; c < groupChannels; ++c)
      for (int64_t tap = 0; tap < product(w); ++tap) {
        const int64_t id = input(0, od, tap / (w[1] * w[2]));
        const int64_t ih = input(1, oh, tap / w[2] % w[1]);
        const int64_t iw = input(2, ow, tap % w[2]);
        const bool inside = id >= 0 && id < x[0] && ih >= 0 && ih < x[1] &&
                            iw >= 0 && iw < x[2];
        visit(inside ? xChannel(image, outChannel, c) +
                           (id * x[1] + ih) * x[2] + iw
                     : -1,
              (outChannel * groupChannels + c) * product(w) + tap);
      }
  }
};

template <class F> class FloatConv {
public:
  FloatConv(const Value &x, const Value &w, const Geometry &geometry,
            Value &out)
      : geometry_(geometry), x_(ContractionOperand::from<F>(x)),
        w_(ContractionOperand::from<F>(w)),
        bound_(x, w, x_, w_, geometry.terms()), out_(out) {}

  void allElements() {
    const auto plane = static_cast<size_t>(product(geometry_.y));
    sum_.resize(plane);
    magnitude_.resize(plane);
    upper_.resize(plane);
    for (int64_t image = 0; image < geometry_.n; ++image)
      for (int64_t k = 0; k < geometry_.k; ++k)
        computePlane(image, k);
  }

  /// One element, term by term. A weight that is not finite at a place outside
  /// of X may or may not be multiplied by the zero there.
  Approx<F> element(int64_t index) const {
    Sum<F> sum;
    double s = 0.0, p = 0.0, v = 0.0;
    geometry_.forEachTap(index, [&](int64_t xAt, int64_t wAt) {
      const Approx<F> y = w_.at<F>(static_cast<size_t>(wAt));
      if (xAt < 0) {
        if (!std::isfinite(y.v) || y.isAnything())
          sum.add(Approx<F>::anything());
        p += std::isfinite(y.v) ? 0.0 : kInfinity;
        return;
      }
      const Approx<F> x = x_.at<F>(static_cast<size_t>(xAt));
      sum.add(fusedProduct(x, y));
      v += x.v * y.v;
      s += std::fabs(x.v) * std::fabs(y.v);
      p += (std::fabs(x.v) + x.e) * (std::fabs(y.v) + y.e);
    });
    return std::isfinite(p) ? bound_.template finish<F>(v, s, p)
                            : sum.result(geometry_.terms());
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
          simple ? bound_.template finish<F>(sum_[j], magnitude_[j], upper_[j])
                 : element(first + static_cast<int64_t>(j)));
    }
  }

  /// Adds one weight times its part of one input channel to all outputs.
  void addTap(int64_t xAt, int64_t wAt, int64_t tap) {
    const Geometry &g = geometry_;
    const Approx<F> weight = w_.at<F>(static_cast<size_t>(wAt));
    const int64_t td = tap / (g.w[1] * g.w[2]), th = tap / g.w[2] % g.w[1],
                  tw = tap % g.w[2];
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

  const Geometry &geometry_;
  ContractionOperand x_, w_;
  ContractionBound bound_;
  Value &out_;
  std::vector<double> sum_, magnitude_, upper_;
};

void integerElement(const Value &x, const Value &w, const Geometry &geometry,
                    int64_t index, Value &out, size_t slot) {
  uint64_t sum = 0;
  bool certain = true;
  const auto number = [&](const Value &in, size_t at) {
    certain &= in.uncertainty(at) == 0.0;
    return static_cast<uint64_t>(in.isFloat() ? saturateTo(out.dtype, in.v[at])
                                              : wrapTo(out.dtype, in.i[at]));
  };
  geometry.forEachTap(index, [&](int64_t xAt, int64_t wAt) {
    if (xAt >= 0)
      sum += number(x, static_cast<size_t>(xAt)) *
             number(w, static_cast<size_t>(wAt));
  });
  out.i[slot] = wrapTo(out.dtype, static_cast<int64_t>(sum));
  if (!certain)
    put(out, slot, Approx<F64>::anything());
}

} // namespace

ErrorOr<Value> evaluateConvFProp(const NodeDef &node, const TensorSpec &spec,
                                 const Value &x, const Value &w,
                                 const Demand &demand) {
  if (spec.dtype == DataType::Boolean)
    return error(ErrorCode::NotImplemented,
                 "node '" + node.name + "': convolution is not defined for " +
                     spec.toString());
  Value out = makeValue(spec, demand);
  const Geometry geometry(std::get<ConvFPropOp>(node.op), x.dims, w.dims,
                          spec.dims);
  const auto compute = [&]<class F>(F) {
    FloatConv<F> conv(x, w, geometry, out);
    if (demand.all)
      conv.allElements();
    else
      for (size_t slot = 0; slot < out.count(); ++slot)
        put(out, slot, conv.element(demand.index[slot]));
  };
  if (spec.dtype == DataType::Double)
    compute(F64());
  else if (out.isFloat())
    compute(F32());
  else
    for (size_t slot = 0; slot < out.count(); ++slot)
      integerElement(x, w, geometry,
                     demand.all ? static_cast<int64_t>(slot)
                                : demand.index[slot],
                     out, slot);
  return out;
}

} // namespace fusilli::reference
