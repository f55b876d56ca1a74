// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Pointwise modes from their definitions. Arithmetic is done in the type of the
// result: f32 for Half, BFloat16 and Float, f64 for Double, two's complement
// for integers, logic for Boolean; CMP_* and LOGICAL_* work in the common type
// of the operands (a float type if there is one).
//
// Integers: sums, products, NEG and ABS wrap; DIV truncates, x / 0 is 0 and the
// smallest number over -1 is itself; floats become integers by truncation and
// saturation, not-a-number becomes 0; wider integers lose their upper bits.
// Functions (EXP, ...) of integers are taken in f64 and truncated. Boolean:
// ADD, ADD_SQUARE and MAX_OP are "or", SUB is "exclusive or", MUL, MIN_OP, DIV
// and RELU_BWD are "and"; ABS, NEG, CEIL, FLOOR and RELU_FWD are the identity;
// other functions do not exist.

#include "reference/value.h"

namespace fusilli::reference {

namespace {

using Mode = PointwiseAttr::Mode;

template <class F>
using FloatFn = Approx<F> (*)(const Approx<F> *, const PointwiseParams &);

/// Unary float modes; null for another mode.
template <class F> FloatFn<F> unaryFn(Mode mode) {
#define FUSILLI_UNARY(NAME, EXPR)                                              \
  case Mode::NAME:                                                             \
    return                                                                     \
        [](const Approx<F> *in, [[maybe_unused]] const PointwiseParams &p) {   \
          const Approx<F> a = in[0];                                           \
          return EXPR;                                                         \
        };
  switch (mode) {
    FUSILLI_UNARY(ABS, abs(a))
    FUSILLI_UNARY(NEG, -a)
    FUSILLI_UNARY(IDENTITY, a)
    FUSILLI_UNARY(CEIL, ceil(a))
    FUSILLI_UNARY(FLOOR, floor(a))
    FUSILLI_UNARY(EXP, exp(a))
    FUSILLI_UNARY(LOG, log(a))
    FUSILLI_UNARY(SQRT, sqrt(a))
    FUSILLI_UNARY(RSQRT, rsqrt(a))
    FUSILLI_UNARY(RECIPROCAL, Approx<F>{1.0} / a)
    FUSILLI_UNARY(ERF, erf(a))
    FUSILLI_UNARY(SIN, sin(a))
    FUSILLI_UNARY(TAN, tan(a))
    FUSILLI_UNARY(TANH_FWD, tanh(a))
    FUSILLI_UNARY(SIGMOID_FWD, sigmoid(a))
    FUSILLI_UNARY(RELU_FWD, relu(a))
    FUSILLI_UNARY(ELU_FWD, elu(a, p.eluAlpha))
    FUSILLI_UNARY(GELU_FWD, gelu(a))
    FUSILLI_UNARY(GELU_APPROX_TANH_FWD, geluTanh(a))
    FUSILLI_UNARY(SOFTPLUS_FWD,
                  softplus(a, p.softplusBeta, p.softplusThreshold))
    FUSILLI_UNARY(SWISH_FWD, swish(a, p.swishBeta))
  default:
    return nullptr;
  }
#undef FUSILLI_UNARY
}

/// Float modes of two operands; null for another mode.
template <class F> FloatFn<F> binaryFn(Mode mode) {
#define FUSILLI_BINARY(NAME, EXPR)                                             \
  case Mode::NAME:                                                             \
    return                                                                     \
        [](const Approx<F> *in, [[maybe_unused]] const PointwiseParams &p) {   \
          const Approx<F> a = in[0], b = in[1];                                \
          return EXPR;                                                         \
        };
  switch (mode) {
    FUSILLI_BINARY(ADD, a + b)
    FUSILLI_BINARY(SUB, a - b)
    FUSILLI_BINARY(MUL, a * b)
    FUSILLI_BINARY(DIV, a / b)
    FUSILLI_BINARY(ADD_SQUARE, orLimit(a + b * b, a, b))
    FUSILLI_BINARY(MAX_OP, max(a, b))
    FUSILLI_BINARY(MIN_OP, min(a, b))
    FUSILLI_BINARY(RELU_BWD, reluBackward(a, b))
    FUSILLI_BINARY(TANH_BWD, tanhBackward(a, b))
    FUSILLI_BINARY(SWISH_BWD, swishBackward(a, b, p.swishBeta))
    FUSILLI_BINARY(GELU_BWD, geluBackward(a, b))
    FUSILLI_BINARY(GELU_APPROX_TANH_BWD, geluTanhBackward(a, b))
  default:
    return nullptr;
  }
#undef FUSILLI_BINARY
}

template <class F> FloatFn<F> floatFn(Mode mode) {
  const FloatFn<F> fn = unaryFn<F>(mode);
  return fn ? fn : binaryFn<F>(mode);
}

/// Integer modes with a definition of their own; false for another mode.
/// Operands are in the range of `type`; the result is not yet wrapped.
bool integerResult(Mode mode, int64_t x, int64_t y, int64_t &result) {
  const auto a = static_cast<uint64_t>(x), b = static_cast<uint64_t>(y);
  const auto give = [&](uint64_t value) {
    result = static_cast<int64_t>(value);
    return true;
  };
  switch (mode) {
  case Mode::ABS:
    return give(x < 0 ? 0 - a : a);
  case Mode::NEG:
    return give(0 - a);
  case Mode::IDENTITY:
  case Mode::CEIL:
  case Mode::FLOOR:
    return give(a);
  case Mode::RELU_FWD:
    return give(x > 0 ? a : 0);
  case Mode::ADD:
    return give(a + b);
  case Mode::SUB:
    return give(a - b);
  case Mode::MUL:
    return give(a * b);
  case Mode::ADD_SQUARE:
    return give(a + b * b);
  case Mode::DIV:
    if (y == 0)
      return give(0);
    return y == -1 ? give(0 - a) : give(static_cast<uint64_t>(x / y));
  case Mode::MAX_OP:
    return give(x > y ? a : b);
  case Mode::MIN_OP:
    return give(x < y ? a : b);
  case Mode::RELU_BWD:
    return give(y > 0 ? a : 0);
  default:
    return false;
  }
}

/// The same for Boolean operands.
bool booleanResult(Mode mode, bool a, bool b, int64_t &result) {
  switch (mode) {
  case Mode::ABS:
  case Mode::NEG:
  case Mode::IDENTITY:
  case Mode::CEIL:
  case Mode::FLOOR:
  case Mode::RELU_FWD:
    result = a;
    return true;
  case Mode::ADD:
  case Mode::ADD_SQUARE:
  case Mode::MAX_OP:
    result = a || b;
    return true;
  case Mode::SUB:
    result = a != b;
    return true;
  case Mode::MUL:
  case Mode::MIN_OP:
  case Mode::DIV:
  case Mode::RELU_BWD:
    result = a && b;
    return true;
  default:
    return false;
  }
}

bool isCompare(Mode mode) {
  return mode == Mode::CMP_EQ || mode == Mode::CMP_NEQ ||
         mode == Mode::CMP_LT || mode == Mode::CMP_LE || mode == Mode::CMP_GT ||
         mode == Mode::CMP_GE;
}

bool isLogical(Mode mode) {
  return mode == Mode::LOGICAL_AND || mode == Mode::LOGICAL_OR ||
         mode == Mode::LOGICAL_NOT;
}

/// Whether an element is not zero.
Tri truth(const Value &value, size_t slot) {
  const double e = value.uncertainty(slot);
  if (!value.isFloat())
    return e > 0.0 ? Tri::Either : value.i[slot] ? Tri::True : Tri::False;
  const double v = value.v[slot];
  if (e > 0.0 && !(std::fabs(v) > e))
    return Tri::Either;
  return v != 0.0 ? Tri::True : Tri::False;
}

template <class F> Tri compare(Mode mode, Approx<F> a, Approx<F> b) {
  switch (mode) {
  case Mode::CMP_EQ:
    return equal(a, b);
  case Mode::CMP_NEQ:
    return negate(equal(a, b));
  case Mode::CMP_LT:
    return less(a, b);
  case Mode::CMP_LE:
    return lessEqual(a, b);
  case Mode::CMP_GT:
    return less(b, a);
  default:
    return lessEqual(b, a);
  }
}

bool compareIntegers(Mode mode, int64_t a, int64_t b) {
  switch (mode) {
  case Mode::CMP_EQ:
    return a == b;
  case Mode::CMP_NEQ:
    return a != b;
  case Mode::CMP_LT:
    return a < b;
  case Mode::CMP_LE:
    return a <= b;
  case Mode::CMP_GT:
    return a > b;
  default:
    return a >= b;
  }
}

Tri logical(Mode mode, Tri a, Tri b) {
  if (mode == Mode::LOGICAL_NOT)
    return negate(a);
  const Tri decisive = mode == Mode::LOGICAL_AND ? Tri::False : Tri::True;
  if (a == decisive || b == decisive)
    return decisive;
  if (a == Tri::Either || b == Tri::Either)
    return Tri::Either;
  return negate(decisive);
}

/// One evaluation: the operands, and where the walk stands.
struct Evaluation {
  Mode mode;
  const PointwiseParams &params;
  const std::vector<const Value *> &operands;
  Value &out;
  std::vector<size_t> slots;

  void putTri(size_t slot, Tri t) {
    const auto value = t == Tri::Either
                           ? Approx<F64>::anything()
                           : Approx<F64>{t == Tri::True ? 1.0 : 0.0, 0.0};
    put(out, slot, value);
  }

  void compareElement(size_t slot) {
    const Value &a = *operands[0], &b = *operands[1];
    if (!a.isFloat() && !b.isFloat()) {
      const bool certain =
          a.uncertainty(slots[0]) == 0.0 && b.uncertainty(slots[1]) == 0.0;
      const bool holds = compareIntegers(mode, a.i[slots[0]], b.i[slots[1]]);
      putTri(slot, !certain ? Tri::Either : holds ? Tri::True : Tri::False);
    } else if (a.dtype == DataType::Double || b.dtype == DataType::Double) {
      putTri(slot,
             compare(mode, a.approx<F64>(slots[0]), b.approx<F64>(slots[1])));
    } else {
      putTri(slot,
             compare(mode, a.approx<F32>(slots[0]), b.approx<F32>(slots[1])));
    }
  }

  void logicalElement(size_t slot) {
    const Tri a = truth(*operands[0], slots[0]);
    const Tri b =
        operands.size() > 1 ? truth(*operands[1], slots[1]) : Tri::False;
    putTri(slot, logical(mode, a, b));
  }

  /// Operand `k` converted to the integer type of the output.
  int64_t integerOperand(size_t k, bool &certain) const {
    const Value &in = *operands[k];
    const double e = in.uncertainty(slots[k]);
    if (!in.isFloat()) {
      certain &= e == 0.0;
      return wrapTo(out.dtype, in.i[slots[k]]);
    }
    const double v = in.v[slots[k]];
    const int64_t value = saturateTo(out.dtype, v);
    certain &= e == 0.0 || (saturateTo(out.dtype, v - e) == value &&
                            saturateTo(out.dtype, v + e) == value);
    return value;
  }

  void selectInteger(size_t slot) {
    const Tri c = truth(*operands[0], slots[0]);
    bool knownB = true, knownC = true;
    const int64_t b = integerOperand(1, knownB);
    const int64_t d = integerOperand(2, knownC);
    out.i[slot] = c == Tri::False ? d : b;
    const bool certain = c == Tri::True    ? knownB
                         : c == Tri::False ? knownC
                                           : knownB && knownC && b == d;
    if (!certain)
      put(out, slot, Approx<F64>::anything());
  }

  /// False if the mode has no meaning for the integer type.
  bool integerElement(size_t slot) {
    if (mode == Mode::BINARY_SELECT) {
      selectInteger(slot);
      return true;
    }
    bool certain = true;
    const int64_t a = integerOperand(0, certain);
    const int64_t b = operands.size() > 1 ? integerOperand(1, certain) : 0;
    int64_t result = 0;
    const bool isBoolean = out.dtype == DataType::Boolean;
    if (isBoolean ? booleanResult(mode, a, b, result)
                  : integerResult(mode, a, b, result)) {
      out.i[slot] = wrapTo(out.dtype, result);
      if (!certain)
        put(out, slot, Approx<F64>::anything());
      return true;
    }
    const FloatFn<F64> fn = isBoolean ? nullptr : floatFn<F64>(mode);
    if (!fn)
      return false;
    const Approx<F64> in[2] = {{static_cast<double>(a)},
                               {static_cast<double>(b)}};
    put(out, slot, certain ? fn(in, params) : Approx<F64>::anything());
    return true;
  }

  template <class F> void floatElement(size_t slot, FloatFn<F> fn) {
    if (mode == Mode::BINARY_SELECT) {
      put(out, slot,
          select(truth(*operands[0], slots[0]),
                 operands[1]->approx<F>(slots[1]),
                 operands[2]->approx<F>(slots[2])));
      return;
    }
    Approx<F> in[2];
    for (size_t k = 0; k < operands.size(); ++k)
      in[k] = operands[k]->approx<F>(slots[k]);
    put(out, slot, fn(in, params));
  }
};

} // namespace

ErrorOr<Value> evaluatePointwise(const NodeDef &node, const TensorSpec &spec,
                                 const std::vector<const Value *> &operands,
                                 const Demand &demand) {
  const auto &op = std::get<PointwiseOp>(node.op);
  Value out = makeValue(spec, demand);
  std::vector<std::vector<int64_t>> operandDims;
  for (const Value *operand : operands)
    operandDims.push_back(operand->dims);
  BroadcastWalk walk(spec.dims, operandDims);
  Evaluation evaluation{op.mode, op.params, operands, out,
                        std::vector<size_t>(operands.size())};
  const bool compares = isCompare(op.mode), logicals = isLogical(op.mode);
  const FloatFn<F32> fn32 = floatFn<F32>(op.mode);
  const FloatFn<F64> fn64 = floatFn<F64>(op.mode);
  for (size_t slot = 0; slot < out.count(); ++slot) {
    if (!demand.all)
      walk.seek(demand.index[slot]);
    for (size_t k = 0; k < operands.size(); ++k)
      evaluation.slots[k] = operands[k]->slot(walk.operand(k));
    if (demand.all)
      walk.next();
    if (compares)
      evaluation.compareElement(slot);
    else if (logicals)
      evaluation.logicalElement(slot);
    else if (spec.dtype == DataType::Double)
      evaluation.floatElement<F64>(slot, fn64);
    else if (out.isFloat())
      evaluation.floatElement<F32>(slot, fn32);
    else if (!evaluation.integerElement(slot))
      return error(ErrorCode::NotImplemented,
                   "node '" + node.name + "': pointwise mode " +
                       PointwiseAttr::kModeToStr.at(op.mode) +
                       " is not defined for " + spec.toString());
  }
  return out;
}

} // namespace fusilli::reference
