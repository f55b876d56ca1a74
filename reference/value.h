// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the evaluator computes with: all elements, or some, of one tensor in
// row-major logical order, each with its uncertainty; and the evaluators of the
// op families, one per file, over such values.

#ifndef REFERENCE_VALUE_H
#define REFERENCE_VALUE_H

#include "reference/approx.h"
#include "reference/element.h"
#include "reference/program.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace fusilli::reference {

/// Which elements of a tensor are wanted.
struct Demand {
  bool all = false;
  std::vector<int64_t> index; ///< sorted row-major numbers, if not all
};

/// Elements of one tensor. Floats are in `v`, integers and Booleans in `i`;
/// `e` is the uncertainty of either (empty: all exact; infinity: anything).
struct Value {
  DataType dtype = DataType::NotSet;
  std::vector<int64_t> dims;
  Demand demand;
  std::vector<double> v;
  std::vector<int64_t> i;
  std::vector<double> e;

  bool isFloat() const { return isFloatType(dtype); }
  size_t count() const { return isFloat() ? v.size() : i.size(); }
  /// Place in v, i and e of the element with row-major number `index`.
  size_t slot(int64_t index) const {
    if (demand.all)
      return static_cast<size_t>(index);
    return static_cast<size_t>(
        std::lower_bound(demand.index.begin(), demand.index.end(), index) -
        demand.index.begin());
  }
  double uncertainty(size_t slot) const { return e.empty() ? 0.0 : e[slot]; }
  /// The element as a number of format F, converted to it.
  template <class F> Approx<F> approx(size_t slot) const {
    if (isFloat())
      return Approx<F>::convert(v[slot], uncertainty(slot));
    const auto number = static_cast<double>(i[slot]);
    const bool exact = std::fabs(number) <= 0x1p53;
    return Approx<F>::convert(
        number,
        uncertainty(slot) + (exact ? 0.0 : kDoubleUnit * std::fabs(number)));
  }
};

/// A value of `count` zeros for the output of a node.
Value makeValue(const TensorSpec &spec, const Demand &demand);
/// Stores an element of format F in a value of any dtype: floats as they are,
/// integers truncated toward zero and saturated.
template <class F> void put(Value &out, size_t slot, Approx<F> x) {
  if (out.isFloat()) {
    out.v[slot] = x.v;
  } else if (!x.isAnything()) {
    out.i[slot] = saturateTo(out.dtype, x.v);
    const double low = static_cast<double>(saturateTo(out.dtype, x.v - x.e));
    const double high = static_cast<double>(saturateTo(out.dtype, x.v + x.e));
    const auto value = static_cast<double>(out.i[slot]);
    x.e = x.e == 0.0 ? 0.0 : std::max(high - value, value - low);
  }
  if (x.e != 0.0 && out.e.empty())
    out.e.resize(out.count());
  if (!out.e.empty())
    out.e[slot] = x.e;
}

/// Walks over the wanted elements of an output and gives, for each, the
/// row-major numbers of the operands' elements under right-aligned broadcast.
class BroadcastWalk {
public:
  BroadcastWalk(const std::vector<int64_t> &outDims,
                const std::vector<std::vector<int64_t>> &operandDims);
  /// Moves to the element of row-major number `index`.
  void seek(int64_t index);
  /// Moves to the next element.
  void next();
  int64_t operand(size_t i) const { return position_[i]; }

private:
  std::vector<int64_t> dims_;
  std::vector<int64_t> counter_;
  std::vector<std::vector<int64_t>> strides_; // per operand, per dim
  std::vector<int64_t> position_;
};

/// The evaluators: operands in slot order, the wanted elements of the output.
/// The operands hold all elements that these need. NotImplemented for dtypes
/// that the op does not take.
ErrorOr<Value> evaluatePointwise(const NodeDef &node, const TensorSpec &out,
                                 const std::vector<const Value *> &operands,
                                 const Demand &demand);
ErrorOr<Value> evaluateReduction(const NodeDef &node, const TensorSpec &out,
                                 const Value &x, const Demand &demand);
ErrorOr<Value> evaluateMatmul(const NodeDef &node, const TensorSpec &out,
                              const Value &a, const Value &b,
                              const Demand &demand);
ErrorOr<Value> evaluateConvFProp(const NodeDef &node, const TensorSpec &out,
                                 const Value &x, const Value &w,
                                 const Demand &demand);
ErrorOr<Value> evaluateConvDGrad(const NodeDef &node, const TensorSpec &out,
                                 const Value &dy, const Value &w,
                                 const Demand &demand);
ErrorOr<Value> evaluateConvWGrad(const NodeDef &node, const TensorSpec &out,
                                 const Value &dy, const Value &x,
                                 const Demand &demand);
/// Operands Q, K, V and, where there is one, MASK.
ErrorOr<Value> evaluateSdpa(const NodeDef &node, const TensorSpec &out,
                            const std::vector<const Value *> &operands,
                            const Demand &demand);

/// Operands of a normalization; null where not given.
struct NormTensors {
  const Value *x, *scale, *bias, *epsilon, *mean, *variance;
};
/// Its results; the statistics have no elements where they are not wanted.
struct NormOutputs {
  Value y, mean, inverse;
};
void evaluateLayernorm(const NormTensors &tensors, NormOutputs &outputs);
void evaluateRmsnorm(const NormTensors &tensors, NormOutputs &outputs);
void evaluateBatchnorm(const NormTensors &tensors, NormOutputs &outputs);

} // namespace fusilli::reference

#endif // REFERENCE_VALUE_H
