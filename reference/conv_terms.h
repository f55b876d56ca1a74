// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the convolution and its two gradients share. All three are sums of the
// same products, taken over other indices: for each output element `o` and tap
// `r` of a filter the input element o stride + r dilation - padding, where that
// is inside. Spatial extents are padded to three with ones.

#ifndef REFERENCE_CONV_TERMS_H
#define REFERENCE_CONV_TERMS_H

#include "reference/accumulate.h"
#include "reference/value.h"

#include <array>

namespace fusilli::reference {

using Triple = std::array<int64_t, 3>;

inline int64_t product(const Triple &t) { return t[0] * t[1] * t[2]; }

/// The last `values.size() - first` values, as three.
inline Triple toTriple(const std::vector<int64_t> &values, size_t first,
                       int64_t filler) {
  Triple out{filler, filler, filler};
  const size_t count = values.size() - first;
  for (size_t i = 0; i < count; ++i)
    out[3 - count + i] = values[first + i];
  return out;
}

/// Shapes of one convolution, from the dims of X, W and Y.
struct ConvGeometry {
  int64_t n, k, channels, groupChannels, groupOutputs;
  Triple x, w, y, padding, stride, dilation;

  ConvGeometry(const ConvLists &lists, const std::vector<int64_t> &xDims,
               const std::vector<int64_t> &wDims,
               const std::vector<int64_t> &yDims)
      : n(yDims[0]), k(yDims[1]), channels(xDims[1]), groupChannels(wDims[1]),
        groupOutputs(yDims[1] / (xDims[1] / wDims[1])),
        x(toTriple(xDims, 2, 1)), w(toTriple(wDims, 2, 1)),
        y(toTriple(yDims, 2, 1)), padding(toTriple(lists.padding, 0, 0)),
        stride(toTriple(lists.stride, 0, 1)),
        dilation(toTriple(lists.dilation, 0, 1)) {}

  /// Place in X of channel `c` of the group of output channel `outChannel`.
  int64_t xChannel(int64_t image, int64_t outChannel, int64_t c) const {
    return (image * channels + outChannel / groupOutputs * groupChannels + c) *
           product(x);
  }
  int64_t input(size_t d, int64_t out, int64_t tap) const {
    return out * stride[d] + tap * dilation[d] - padding[d];
  }
  /// Outputs [first, last) for which tap `tap` of dim `d` is inside of X.
  std::pair<int64_t, int64_t> range(size_t d, int64_t tap) const {
    const int64_t shift = tap * dilation[d] - padding[d];
    const int64_t first = shift >= 0 ? 0 : (-shift + stride[d] - 1) / stride[d];
    const int64_t last =
        x[d] - shift <= 0 ? 0 : (x[d] - shift - 1) / stride[d] + 1;
    return {std::min(first, y[d]), std::min(last, y[d])};
  }
  /// Number `tap` of the filter by dim.
  Triple tapAt(int64_t tap) const {
    return {tap / (w[1] * w[2]), tap / w[2] % w[1], tap % w[2]};
  }
};

/// Terms a[at + i step] * b[at + i step], i below `count`, of one sum. A side
/// whose place is -1 is a zero outside of its tensor: the term is nothing, but
/// an implementation may multiply the other side by that zero.
struct TermRun {
  int64_t a, aStep, b, bStep, count;
};

/// One sum of products in arithmetic of format F. `terms(visit)` calls `visit`
/// with each TermRun of the sum.
template <class F, class Terms>
Approx<F> sumOfProducts(const ContractionOperand &a,
                        const ContractionOperand &b,
                        const ContractionBound &bound, Terms terms) {
  const auto magnitude = [](const ContractionOperand &x, size_t at) {
    return std::fabs(x.v[at]) + (x.e.empty() ? 0.0 : x.e[at]);
  };
  double s = 0.0, p = 0.0, v = 0.0;
  terms([&](const TermRun &run) {
    const bool inside = run.a >= 0 && run.b >= 0;
    for (int64_t i = 0; i < run.count; ++i) {
      const auto ia = static_cast<size_t>(run.a + i * run.aStep);
      const auto ib = static_cast<size_t>(run.b + i * run.bStep);
      if (!inside) {
        const double other = run.a >= 0 ? magnitude(a, ia) : magnitude(b, ib);
        p += std::isfinite(other) ? 0.0 : kInfinity;
        continue;
      }
      v += a.v[ia] * b.v[ib];
      s += std::fabs(a.v[ia]) * std::fabs(b.v[ib]);
      p += magnitude(a, ia) * magnitude(b, ib);
    }
  });
  if (std::isfinite(p))
    return bound.template finish<F>(v, s, p);
  Sum<F> sum;
  terms([&](const TermRun &run) {
    for (int64_t i = 0; i < run.count; ++i) {
      const auto ia = static_cast<size_t>(run.a + i * run.aStep);
      const auto ib = static_cast<size_t>(run.b + i * run.bStep);
      if (run.a >= 0 && run.b >= 0) {
        sum.add(fusedProduct(a.at<F>(ia), b.at<F>(ib)));
        continue;
      }
      const Approx<F> other = run.a >= 0 ? a.at<F>(ia) : b.at<F>(ib);
      if (!std::isfinite(other.v) || other.isAnything())
        sum.add(Approx<F>::anything());
    }
  });
  return sum.result(bound.terms);
}

/// One sum of products of an integer tensor, in `out`'s type modulo its size.
template <class Terms>
void sumOfIntegers(const Value &a, const Value &b, Terms terms, Value &out,
                   size_t slot) {
  uint64_t sum = 0;
  bool certain = true;
  const auto number = [&](const Value &in, size_t at) {
    certain &= in.uncertainty(at) == 0.0;
    return static_cast<uint64_t>(in.isFloat() ? saturateTo(out.dtype, in.v[at])
                                              : wrapTo(out.dtype, in.i[at]));
  };
  terms([&](const TermRun &run) {
    for (int64_t i = 0; run.a >= 0 && run.b >= 0 && i < run.count; ++i)
      sum += number(a, static_cast<size_t>(run.a + i * run.aStep)) *
             number(b, static_cast<size_t>(run.b + i * run.bStep));
  });
  out.i[slot] = wrapTo(out.dtype, static_cast<int64_t>(sum));
  if (!certain)
    put(out, slot, Approx<F64>::anything());
}

/// The error for a node whose result has a dtype that convolutions lack, or
/// none.
inline ErrorObject checkConvDtype(const NodeDef &node, const TensorSpec &spec) {
  if (spec.dtype != DataType::Boolean)
    return ok();
  return error(ErrorCode::NotImplemented,
               "node '" + node.name + "': convolution is not defined for " +
                   spec.toString());
}

/// All wanted elements, one by one. `terms(index, visit)` calls `visit` with
/// the runs of element `index`, at most `count` terms in all.
template <class Terms>
Value evaluateByElement(const TensorSpec &spec, const Value &a, const Value &b,
                        const Demand &demand, int64_t count, Terms terms) {
  Value out = makeValue(spec, demand);
  const auto forEach = [&](auto element) {
    for (size_t slot = 0; slot < out.count(); ++slot) {
      const int64_t index =
          demand.all ? static_cast<int64_t>(slot) : demand.index[slot];
      element(slot, [&](auto visit) { terms(index, visit); });
    }
  };
  const auto compute = [&]<class F>(F) {
    const auto ao = ContractionOperand::from<F>(a);
    const auto bo = ContractionOperand::from<F>(b);
    const ContractionBound bound(a, b, ao, bo, count);
    forEach([&](size_t slot, auto runs) {
      put(out, slot, sumOfProducts<F>(ao, bo, bound, runs));
    });
  };
  if (spec.dtype == DataType::Double)
    compute(F64());
  else if (out.isFloat())
    compute(F32());
  else
    forEach(
        [&](size_t slot, auto runs) { sumOfIntegers(a, b, runs, out, slot); });
  return out;
}

} // namespace fusilli::reference

#endif // REFERENCE_CONV_TERMS_H
