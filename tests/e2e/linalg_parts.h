// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What generated programs of linalg are made of: expressions of bodies and
// affine maps, each printed as text and evaluated.

#ifndef TESTS_E2E_LINALG_PARTS_H
#define TESTS_E2E_LINALG_PARTS_H

#include "reference/element.h"
#include "tests/e2e/linalg_program.h"

#include <algorithm>
#include <functional>
#include <memory>

namespace fusilli::e2e {

/// Sums of floats stay below this: exact in f32.
inline constexpr double kExact = 0x1p22;

inline bool isFloat(DataType type) { return reference::isFloatType(type); }

inline std::string nameOf(DataType type) {
  switch (type) {
  case DataType::Float:
    return "f32";
  case DataType::Double:
    return "f64";
  case DataType::Int8:
    return "i8";
  case DataType::Int16:
    return "i16";
  case DataType::Int32:
    return "i32";
  default:
    return "i64";
  }
}

inline std::string typeText(DataType type, const Dims &dims) {
  return "tensor<" + (dims.empty() ? "" : toString(dims) + "x") + nameOf(type) +
         ">";
}

inline int64_t volumeOf(const Dims &dims) {
  int64_t count = 1;
  for (int64_t dim : dims)
    count *= dim;
  return count;
}

inline int64_t wrap(DataType type, uint64_t value) {
  return reference::wrapTo(type, static_cast<int64_t>(value));
}

//===----------------------------------------------------------------------===//
// Bodies
//===----------------------------------------------------------------------===//

enum class Op { Argument, Constant, Index, Add, Sub, Mul, Max, Min, Select };

/// An expression of the body, all values of one type.
struct Expr {
  Op op = Op::Constant;
  size_t number = 0;  ///< argument or loop
  int64_t value = 0;  ///< constant
  double bound = 0.0; ///< of the magnitude
  std::shared_ptr<Expr> a, b;
};
using ExprPtr = std::shared_ptr<Expr>;

inline ExprPtr leaf(Op op, size_t number, int64_t value, double bound) {
  return std::make_shared<Expr>(
      Expr{op, number, value, bound, nullptr, nullptr});
}

inline ExprPtr node(Op op, ExprPtr a, ExprPtr b) {
  double bound = std::max(a->bound, b->bound);
  if (op == Op::Add || op == Op::Sub)
    bound = a->bound + b->bound;
  if (op == Op::Mul)
    bound = a->bound * b->bound;
  return std::make_shared<Expr>(
      Expr{op, 0, 0, bound, std::move(a), std::move(b)});
}

inline Number evaluate(const Expr &e, DataType type,
                       const std::vector<Number> &args,
                       const std::vector<int64_t> &loops) {
  Number out{};
  if (e.op == Op::Argument)
    return args[e.number];
  if (e.op == Op::Constant || e.op == Op::Index) {
    const int64_t value = e.op == Op::Constant ? e.value : loops[e.number];
    if (isFloat(type))
      out.f = static_cast<double>(value);
    else
      out.i = wrap(type, static_cast<uint64_t>(value));
    return out;
  }
  const Number a = evaluate(*e.a, type, args, loops);
  const Number b = evaluate(*e.b, type, args, loops);
  if (isFloat(type)) {
    switch (e.op) {
    case Op::Add:
      out.f = a.f + b.f;
      break;
    case Op::Sub:
      out.f = a.f - b.f;
      break;
    case Op::Mul:
      out.f = a.f * b.f;
      break;
    case Op::Max:
      out.f = std::max(a.f, b.f);
      break;
    case Op::Min:
      out.f = std::min(a.f, b.f);
      break;
    default: // a if it is below 1, else b
      out.f = a.f < 1.0 ? a.f : b.f;
    }
    return out;
  }
  const auto ua = static_cast<uint64_t>(a.i), ub = static_cast<uint64_t>(b.i);
  switch (e.op) {
  case Op::Add:
    out.i = wrap(type, ua + ub);
    break;
  case Op::Sub:
    out.i = wrap(type, ua - ub);
    break;
  case Op::Mul:
    out.i = wrap(type, ua * ub);
    break;
  case Op::Max:
    out.i = std::max(a.i, b.i);
    break;
  case Op::Min:
    out.i = std::min(a.i, b.i);
    break;
  default:
    out.i = a.i < 1 ? a.i : b.i;
  }
  return out;
}

/// Prints a body; SSA names are unique in it.
class BodyPrinter {
public:
  BodyPrinter(DataType type, std::string &out) : type_(type), out_(out) {}

  std::string print(const Expr &e) {
    const std::string t = nameOf(type_);
    if (e.op == Op::Argument)
      return "%b" + std::to_string(e.number);
    if (e.op == Op::Constant)
      return define("arith.constant " + number(e.value) + " : " + t);
    if (e.op == Op::Index)
      return printIndex(e.number);
    const std::string a = print(*e.a), b = print(*e.b);
    const bool f = isFloat(type_);
    if (e.op == Op::Select) {
      const std::string one = define("arith.constant " + number(1) + " : " + t);
      const std::string less =
          define(std::string(f ? "arith.cmpf olt, " : "arith.cmpi slt, ") + a +
                 ", " + one + " : " + t);
      return define("arith.select " + less + ", " + a + ", " + b + " : " + t);
    }
    const char *names[][2] = {{"arith.addi", "arith.addf"},
                              {"arith.subi", "arith.subf"},
                              {"arith.muli", "arith.mulf"},
                              {"arith.maxsi", "arith.maximumf"},
                              {"arith.minsi", "arith.minimumf"}};
    const size_t which =
        static_cast<size_t>(e.op) - static_cast<size_t>(Op::Add);
    return define(std::string(names[which][f ? 1 : 0]) + " " + a + ", " + b +
                  " : " + t);
  }

  std::string define(const std::string &what) {
    const std::string name = "%v" + std::to_string(count_++);
    out_ += "    " + name + " = " + what + "\n";
    return name;
  }

private:
  std::string number(int64_t value) const {
    return std::to_string(value) + (isFloat(type_) ? ".0" : "");
  }
  std::string printIndex(size_t loop) {
    const std::string index =
        define("linalg.index " + std::to_string(loop) + " : index");
    const std::string wide =
        define("arith.index_cast " + index + " : index to i64");
    if (isFloat(type_))
      return define("arith.sitofp " + wide + " : i64 to " + nameOf(type_));
    if (type_ == DataType::Int64)
      return wide;
    return define("arith.trunci " + wide + " : i64 to " + nameOf(type_));
  }

  DataType type_;
  std::string &out_;
  int count_ = 0;
};

//===----------------------------------------------------------------------===//
// Maps
//===----------------------------------------------------------------------===//

/// One result of a map: constant + sum of coefs[l] * loop l.
struct Affine {
  std::vector<int64_t> coefs;
  int64_t constant = 0;

  int64_t at(const std::vector<int64_t> &loops) const {
    int64_t value = constant;
    for (size_t l = 0; l < loops.size(); ++l)
      value += coefs[l] * loops[l];
    return value;
  }
  std::string print() const {
    std::string out;
    for (size_t l = 0; l < coefs.size(); ++l)
      if (coefs[l] != 0) {
        if (!out.empty())
          out += " + ";
        out += "d" + std::to_string(l);
        if (coefs[l] != 1)
          out += " * " + std::to_string(coefs[l]);
      }
    if (out.empty())
      return std::to_string(constant);
    return constant == 0 ? out : out + " + " + std::to_string(constant);
  }
};
using Map = std::vector<Affine>;

inline std::string printMap(const Map &map, size_t loops) {
  std::string out = "affine_map<(";
  for (size_t l = 0; l < loops; ++l)
    out += (l ? ", d" : "d") + std::to_string(l);
  out += ") -> (";
  for (size_t j = 0; j < map.size(); ++j)
    out += (j ? ", " : "") + map[j].print();
  return out + ")>";
}

inline Affine plain(size_t loops, size_t loop) {
  Affine a{std::vector<int64_t>(loops), 0};
  a.coefs[loop] = 1;
  return a;
}

inline int64_t offsetOf(const Map &map, const Dims &dims,
                        const std::vector<int64_t> &loops) {
  int64_t offset = 0;
  for (size_t j = 0; j < dims.size(); ++j)
    offset = offset * dims[j] + map[j].at(loops);
  return offset;
}

/// Calls `visit` for all values of `extents`, the last fastest.
inline void
forEach(const Dims &extents,
        const std::function<void(const std::vector<int64_t> &)> &visit) {
  std::vector<int64_t> at(extents.size(), 0);
  while (true) {
    visit(at);
    size_t l = extents.size();
    while (l > 0 && ++at[l - 1] == extents[l - 1])
      at[--l] = 0;
    if (l == 0)
      return;
  }
}

} // namespace fusilli::e2e

#endif // TESTS_E2E_LINALG_PARTS_H
