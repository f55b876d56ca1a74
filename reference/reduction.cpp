// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reductions from their definitions: one pass over the elements that an output
// element stands for, in row-major order, in double.
//
// Float results accumulate in f32 (f64 for Double). Integer results accumulate
// in the result's type, at least 32 bits, wrap there and again at the end; a
// Boolean result is whether that is non-zero. NORM2 of integers is the root of
// the sum of squares in f64, rounded to an integer, with 1 more or less
// accepted. AVG has no integer form.

#include "reference/accumulate.h"
#include "reference/value.h"

namespace fusilli::reference {

namespace {

using Mode = ReductionAttr::Mode;

/// Calls visit(slot) for the elements of x behind output element `index`.
class ReducedElements {
public:
  ReducedElements(const std::vector<int64_t> &x, const std::vector<int64_t> &y)
      : xDims_(x), yDims_(y), xStrides_(rowMajorStrides(x)) {
    for (size_t d = 0; d < x.size(); ++d)
      if (x[d] != y[d]) {
        reduced_.push_back(d);
        count_ *= x[d];
      }
  }

  int64_t count() const { return count_; }

  template <class Visit>
  void forEach(const Value &x, int64_t index, Visit visit) const {
    int64_t base = 0;
    for (size_t d = yDims_.size(); d-- > 0;) {
      base += index % yDims_[d] * xStrides_[d];
      index /= yDims_[d];
    }
    std::vector<int64_t> counter(reduced_.size());
    for (int64_t n = 0; n < count_; ++n) {
      visit(x.slot(base));
      for (size_t k = reduced_.size(); k-- > 0;) {
        const size_t d = reduced_[k];
        base += xStrides_[d];
        if (++counter[k] < xDims_[d])
          break;
        base -= counter[k] * xStrides_[d];
        counter[k] = 0;
      }
    }
  }

private:
  std::vector<int64_t> xDims_, yDims_, xStrides_;
  std::vector<size_t> reduced_;
  int64_t count_ = 1;
};

/// Product of factors in any order; partial products must not leave the range
/// of the format, or anything goes.
template <class F> class Product {
public:
  void multiply(Approx<F> x) {
    anything_ |= x.isAnything();
    value_ *= x.v;
    const double low = std::fabs(x.v), high = low + x.e;
    upper_ *= high;
    (high > 1.0 ? large_ : small_) *= high;
    special_ |= !std::isfinite(x.v);
    if (std::isnan(x.v))
      nan_ = x.v;
    zero_ |= x.v == 0.0 || x.mayBeZero();
    wholeNumbers_ &= x.e == 0.0 && std::floor(x.v) == x.v;
  }
  Approx<F> result(int64_t factors) const {
    if (anything_ || (special_ && zero_ && !std::isnan(value_)))
      return Approx<F>::anything();
    // A partial product may overflow or vanish before it meets an infinity.
    if (special_)
      return std::isnan(nan_) || small_ >= F::kMinNormal
                 ? Approx<F>{std::isnan(nan_) ? nan_ : value_, 0.0}
                 : Approx<F>::anything();
    if (large_ >= F::kOverflow)
      return small_ >= 1.0 && !zero_ && large_ >= 1.01 * F::kOverflow
                 ? Approx<F>{std::copysign(kInfinity, value_), 0.0}
                 : Approx<F>::anything();
    if (wholeNumbers_ && large_ * F::kUnit <= 1.0)
      return {value_, 0.0};
    const double n = static_cast<double>(factors);
    const double growth = std::expm1(n * (F::kUnit + 2.0 * kDoubleUnit));
    double e = (upper_ - std::fabs(value_)) * (1.0 + n * kDoubleUnit) +
               upper_ * (growth + n * kDoubleUnit);
    if (small_ < F::kMinNormal && upper_ != 0.0)
      e += 2.0 * n * F::kTiny * std::max(1.0, large_);
    return Approx<F>::bounded(value_, e);
  }

private:
  double value_ = 1.0, upper_ = 1.0, large_ = 1.0, small_ = 1.0;
  double nan_ = 0.0;
  bool anything_ = false, special_ = false, zero_ = false;
  bool wholeNumbers_ = true;
};

/// x with zeros replaced by one.
template <class F> Approx<F> oneForZero(Approx<F> x) {
  return x.mayBeZero() ? Approx<F>::anything()
         : x.v == 0.0  ? Approx<F>{1.0}
                       : x;
}

template <class F, class Elements>
Approx<F> reduceSum(Mode mode, const Elements &forEach, int64_t count) {
  Sum<F> sum;
  forEach([&](Approx<F> x) {
    sum.add(mode == Mode::NORM1 ? abs(x) : mode == Mode::NORM2 ? x * x : x);
  });
  const Approx<F> total = sum.result(count);
  if (mode == Mode::AVG)
    return total / Approx<F>{static_cast<double>(count)};
  if (mode != Mode::NORM2 || total.isAnything() || total.v - total.e >= 0.0 ||
      std::isnan(total.v))
    return mode == Mode::NORM2 ? sqrt(total) : total;
  // A sum of squares is never negative, so the root is no not-a-number.
  const double v = std::sqrt(total.v);
  return Approx<F>::withUlps(v, std::max(v, std::sqrt(total.v + total.e) - v),
                             0.5);
}

/// One output element of a float reduction; `forEach` passes all elements.
template <class F, class Elements>
Approx<F> reduceFloat(Mode mode, const Elements &forEach, int64_t count) {
  switch (mode) {
  case Mode::MUL:
  case Mode::MUL_NO_ZEROS: {
    Product<F> product;
    forEach([&](Approx<F> x) {
      product.multiply(mode == Mode::MUL ? x : oneForZero(x));
    });
    return product.result(count);
  }
  case Mode::MIN:
  case Mode::MAX:
  case Mode::AMAX: {
    Approx<F> best{mode == Mode::AMAX  ? 0.0
                   : mode == Mode::MIN ? kInfinity
                                       : -kInfinity};
    forEach([&](Approx<F> x) {
      best = mode == Mode::MIN ? min(best, x)
                               : max(best, mode == Mode::AMAX ? abs(x) : x);
    });
    return best;
  }
  default:
    return reduceSum<F>(mode, forEach, count);
  }
}

/// acc combined with x, not yet wrapped. Both are in the accumulator's range.
int64_t combineInteger(Mode mode, int64_t acc, int64_t x) {
  const auto a = static_cast<uint64_t>(acc), b = static_cast<uint64_t>(x);
  switch (mode) {
  case Mode::MUL:
    return static_cast<int64_t>(a * b);
  case Mode::MUL_NO_ZEROS:
    return x == 0 ? acc : static_cast<int64_t>(a * b);
  case Mode::MIN:
    return std::min(acc, x);
  case Mode::MAX:
  case Mode::AMAX:
    return std::max(acc, x);
  default:
    return static_cast<int64_t>(a + b);
  }
}

int64_t integerIdentity(Mode mode, DataType accumulator) {
  const double limit = 0x1p63;
  switch (mode) {
  case Mode::MUL:
  case Mode::MUL_NO_ZEROS:
    return 1;
  case Mode::MIN:
    return saturateTo(accumulator, limit);
  case Mode::MAX:
    return saturateTo(accumulator, -limit);
  default:
    return 0;
  }
}

/// One output element in the accumulator's type. Magnitudes wrap: that of the
/// smallest number is itself.
int64_t reduceInteger(Mode mode, const Value &x, DataType accumulator,
                      const ReducedElements &elements, int64_t index,
                      bool &certain) {
  const bool magnitudes = mode == Mode::AMAX || mode == Mode::NORM1;
  int64_t acc = integerIdentity(mode, accumulator);
  elements.forEach(x, index, [&](size_t slot) {
    certain &= x.uncertainty(slot) == 0.0;
    int64_t value = x.isFloat() ? saturateTo(accumulator, x.v[slot])
                                : wrapTo(accumulator, x.i[slot]);
    if (magnitudes && value < 0)
      value = wrapTo(accumulator,
                     static_cast<int64_t>(0 - static_cast<uint64_t>(value)));
    acc = wrapTo(accumulator, combineInteger(mode, acc, value));
  });
  return acc;
}

void reduceIntegerElement(Mode mode, const Value &x,
                          const ReducedElements &elements, int64_t index,
                          Value &out, size_t slot) {
  const bool wide = elementBits(out.dtype) >= 32;
  const DataType accumulator = wide ? out.dtype : DataType::Int32;
  bool certain = true;
  if (mode == Mode::NORM2) {
    double sum = 0.0;
    elements.forEach(x, index, [&](size_t s) {
      certain &= x.uncertainty(s) == 0.0;
      const double v = x.isFloat() ? x.v[s] : static_cast<double>(x.i[s]);
      sum += v * v;
    });
    put(out, slot,
        certain ? Approx<F64>{std::nearbyint(std::sqrt(sum)), 1.0}
                : Approx<F64>::anything());
    return;
  }
  out.i[slot] = wrapTo(
      out.dtype, reduceInteger(mode, x, accumulator, elements, index, certain));
  if (!certain)
    put(out, slot, Approx<F64>::anything());
}

} // namespace

ErrorOr<Value> evaluateReduction(const NodeDef &node, const TensorSpec &spec,
                                 const Value &x, const Demand &demand) {
  const Mode mode = std::get<ReductionOp>(node.op).mode;
  Value out = makeValue(spec, demand);
  if (mode == Mode::AVG && (!out.isFloat() || !x.isFloat()))
    return error(ErrorCode::NotImplemented,
                 "node '" + node.name + "': AVG is not defined for integers");
  const ReducedElements elements(x.dims, spec.dims);
  for (size_t slot = 0; slot < out.count(); ++slot) {
    const int64_t index =
        demand.all ? static_cast<int64_t>(slot) : demand.index[slot];
    const auto reduce = [&]<class F>(F) {
      const auto forEach = [&](auto visit) {
        elements.forEach(x, index, [&](size_t s) { visit(x.approx<F>(s)); });
      };
      put(out, slot, reduceFloat<F>(mode, forEach, elements.count()));
    };
    if (spec.dtype == DataType::Double)
      reduce(F64());
    else if (out.isFloat())
      reduce(F32());
    else
      reduceIntegerElement(mode, x, elements, index, out, slot);
  }
  return out;
}

} // namespace fusilli::reference
