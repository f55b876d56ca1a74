// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The generator. A step is one op: its description is made of loops, affine
// maps and an expression tree (linalg_parts.h), which are printed, and
// evaluated over nested loops.

#include "tests/e2e/linalg_parts.h"

#include <algorithm>

namespace fusilli::e2e {

namespace {

//===----------------------------------------------------------------------===//
// Programs
//===----------------------------------------------------------------------===//

class Generator {
public:
  explicit Generator(Random &random) : random_(random) {}

  LinalgProgram make() {
    type_ =
        pick(random_, std::vector<DataType>{DataType::Float, DataType::Float,
                                            DataType::Float, DataType::Double,
                                            DataType::Int32, DataType::Int64,
                                            DataType::Int16, DataType::Int8});
    const int64_t steps = pick(random_, 1, 3);
    Value last = addStep(nullptr);
    for (int64_t s = 1; s < steps; ++s)
      last = addStep(&last);
    finish(last);
    return std::move(program_);
  }

private:
  /// A tensor that the text has computed or got.
  struct Value {
    std::string name;
    ProgramTensor tensor;
  };

  static std::string typeOf(const Value &v) {
    return typeText(v.tensor.type, v.tensor.dims);
  }
  void line(const std::string &text) { body_ += "  " + text + "\n"; }
  std::string newName() { return "%t" + std::to_string(names_++); }
  void note(const std::string &what) {
    program_.kind += (program_.kind.empty() ? "" : ", ") + what;
  }

  Value addInput(const Dims &dims) {
    ProgramTensor tensor{type_, dims, {}, 4.0};
    for (int64_t k = 0; k < volumeOf(dims); ++k) {
      Number n{};
      const int64_t value = pick(random_, -4, 4);
      if (isFloat(type_))
        n.f = static_cast<double>(value);
      else
        n.i = value;
      tensor.values.push_back(n);
    }
    const std::string name = "%in" + std::to_string(program_.inputs.size());
    program_.inputs.push_back(tensor);
    return {name, tensor};
  }

  int64_t extent() {
    return pick(random_, std::vector<int64_t>{1, 2, 3, 3, 4, 5, 7, 8, 9, 17});
  }

  Value addStep(const Value *last) {
    switch (last ? pick(random_, 0, 9) : 9) {
    case 0:
      return addPad(*last);
    case 1:
      return addSlice(*last);
    case 2:
      return addReshape(*last);
    case 3:
      return addTranspose(*last);
    case 4:
      return addElementwise(*last);
    default:
      return addGeneric(last);
    }
  }

  //===--- tensor ops -----------------------------------------------------===//

  Value addPad(const Value &in) {
    note("pad");
    Value out{newName(), {type_, {}, {}, in.tensor.bound}};
    const int64_t value = pick(random_, -2, 2);
    Dims low, high;
    for (int64_t dim : in.tensor.dims) {
      low.push_back(pick(random_, 0, 2));
      high.push_back(pick(random_, 0, 2));
      out.tensor.dims.push_back(dim + low.back() + high.back());
    }
    out.tensor.bound = std::max(out.tensor.bound, 2.0);
    Number fill{};
    if (isFloat(type_))
      fill.f = static_cast<double>(value);
    else
      fill.i = value;
    const std::string c = newName();
    line(c + " = arith.constant " + std::to_string(value) +
         (isFloat(type_) ? ".0" : "") + " : " + nameOf(type_));
    std::string text = out.name + " = tensor.pad " + in.name + " low[" +
                       list(low) + "] high[" + list(high) + "] {\n  ^bb0(";
    for (size_t j = 0; j < low.size(); ++j)
      text += (j ? ", %p" : "%p") + std::to_string(j) + ": index";
    text += "):\n    tensor.yield " + c + " : " + nameOf(type_) +
            "\n  } : " + typeOf(in) + " to " + typeOf(out);
    line(text);
    forEach(out.tensor.dims, [&](const std::vector<int64_t> &at) {
      int64_t offset = 0;
      bool inside = true;
      for (size_t j = 0; j < at.size(); ++j) {
        const int64_t from = at[j] - low[j];
        inside &= from >= 0 && from < in.tensor.dims[j];
        offset = offset * in.tensor.dims[j] + from;
      }
      out.tensor.values.push_back(
          inside ? in.tensor.values[static_cast<size_t>(offset)] : fill);
    });
    return out;
  }

  Value addSlice(const Value &in) {
    note("slice");
    Value out{newName(), {type_, {}, {}, in.tensor.bound}};
    Dims offsets, strides;
    for (int64_t dim : in.tensor.dims) {
      strides.push_back(pick(random_, 1, 2));
      offsets.push_back(pick(random_, 0, (dim - 1) / 2));
      const int64_t most = (dim - 1 - offsets.back()) / strides.back() + 1;
      out.tensor.dims.push_back(pick(random_, 1, most));
    }
    line(out.name + " = tensor.extract_slice " + in.name + "[" + list(offsets) +
         "] [" + list(out.tensor.dims) + "] [" + list(strides) +
         "] : " + typeOf(in) + " to " + typeOf(out));
    forEach(out.tensor.dims, [&](const std::vector<int64_t> &at) {
      int64_t offset = 0;
      for (size_t j = 0; j < at.size(); ++j)
        offset = offset * in.tensor.dims[j] + offsets[j] + at[j] * strides[j];
      out.tensor.values.push_back(
          in.tensor.values[static_cast<size_t>(offset)]);
    });
    return out;
  }

  /// Merges two neighbouring dims, or splits one that is even.
  Value addReshape(const Value &in) {
    const Dims &dims = in.tensor.dims;
    const auto at = static_cast<size_t>(
        pick(random_, 0, static_cast<int64_t>(dims.size()) - 1));
    Value out{newName(), in.tensor};
    std::string groups;
    const bool splits = dims[at] % 2 == 0;
    if (!splits && at + 1 == dims.size())
      return addTranspose(in);
    note(splits ? "expand" : "collapse");
    Dims &shape = out.tensor.dims;
    if (splits) {
      shape[at] /= 2;
      shape.insert(shape.begin() + static_cast<int64_t>(at), 2);
    } else {
      shape[at] *= shape[at + 1];
      shape.erase(shape.begin() + static_cast<int64_t>(at) + 1);
    }
    const size_t coarse = std::min(dims.size(), shape.size());
    size_t next = 0;
    for (size_t j = 0; j < coarse; ++j) {
      groups += std::string(j ? ", [" : "[") + std::to_string(next++);
      if (j == at)
        groups += ", " + std::to_string(next++);
      groups += "]";
    }
    line(out.name + " = tensor." + (splits ? "expand" : "collapse") +
         "_shape " + in.name + " [" + groups + "]" +
         (splits ? " output_shape [" + list(shape) + "]" : "") + " : " +
         typeOf(in) + " into " + typeOf(out));
    return out;
  }

  //===--- named ops ------------------------------------------------------===//

  Value addTranspose(const Value &in) {
    note("transpose");
    const size_t rank = in.tensor.dims.size();
    Dims order;
    for (size_t j = 0; j < rank; ++j)
      order.push_back(static_cast<int64_t>(j));
    std::shuffle(order.begin(), order.end(), random_);
    Value out{newName(), {type_, {}, {}, in.tensor.bound}};
    for (int64_t j : order)
      out.tensor.dims.push_back(in.tensor.dims[static_cast<size_t>(j)]);
    const std::string empty = addEmpty(type_, out.tensor.dims);
    line(out.name + " = linalg.transpose ins(" + in.name + " : " + typeOf(in) +
         ") outs(" + empty + " : " + typeOf(out) + ") permutation = [" +
         list(order) + "]");
    forEach(out.tensor.dims, [&](const std::vector<int64_t> &at) {
      std::vector<int64_t> from(rank);
      for (size_t j = 0; j < rank; ++j)
        from[static_cast<size_t>(order[j])] = at[j];
      int64_t offset = 0;
      for (size_t j = 0; j < rank; ++j)
        offset = offset * in.tensor.dims[j] + from[j];
      out.tensor.values.push_back(
          in.tensor.values[static_cast<size_t>(offset)]);
    });
    return out;
  }

  /// An arith op on whole tensors.
  Value addElementwise(const Value &in) {
    note("arith on tensors");
    const Value other = addInput(in.tensor.dims);
    const bool adds = in.tensor.bound + 4.0 < kExact;
    Value out{newName(), in.tensor};
    out.tensor.bound = adds ? in.tensor.bound + 4.0 : in.tensor.bound;
    const std::string op = isFloat(type_)
                               ? (adds ? "arith.addf" : "arith.maximumf")
                               : (adds ? "arith.addi" : "arith.maxsi");
    line(out.name + " = " + op + " " + in.name + ", " + other.name + " : " +
         typeOf(in));
    for (size_t k = 0; k < out.tensor.values.size(); ++k) {
      Number &v = out.tensor.values[k];
      const Number w = other.tensor.values[k];
      if (isFloat(type_))
        v.f = adds ? v.f + w.f : std::max(v.f, w.f);
      else
        v.i = adds ? wrap(type_, static_cast<uint64_t>(v.i) +
                                     static_cast<uint64_t>(w.i))
                   : std::max(v.i, w.i);
    }
    return out;
  }

  //===--- generic --------------------------------------------------------===//

  struct Operand {
    Value value;
    Map map;
  };

  Value addGeneric(const Value *last) {
    // Loops: parallel ones make the result, the others are reduced.
    const auto numParallel = static_cast<size_t>(pick(random_, 1, 3));
    const auto numReduced = static_cast<size_t>(
        pick(random_, std::vector<int64_t>{0, 0, 1, 1, 1, 2}));
    const size_t numLoops = numParallel + numReduced;
    std::vector<bool> reduced(numLoops, false);
    std::fill(reduced.begin() + static_cast<int64_t>(numParallel),
              reduced.end(), true);
    std::shuffle(reduced.begin(), reduced.end(), random_);
    Dims extents;
    std::vector<Operand> inputs;
    if (last) { // its dims are loops of their own
      const size_t rank = last->tensor.dims.size();
      const size_t loops = std::max(rank, numLoops);
      reduced.resize(loops, false);
      for (size_t l = 0; l < loops; ++l)
        extents.push_back(l < rank ? last->tensor.dims[l] : extent());
      std::vector<size_t> places(loops);
      for (size_t l = 0; l < loops; ++l)
        places[l] = l;
      Map map;
      for (size_t j = 0; j < rank; ++j)
        map.push_back(plain(loops, places[j]));
      inputs.push_back({*last, map});
    } else {
      for (size_t l = 0; l < numLoops; ++l)
        extents.push_back(extent());
    }
    if (volumeOf(extents) > 40000)
      for (int64_t &e : extents)
        if (!last)
          e = std::min<int64_t>(e, 5);
    const int64_t more = pick(random_, last ? 0 : 1, 2);
    for (int64_t k = 0; k < more; ++k)
      inputs.push_back(makeOperand(extents));
    coverLoops(inputs, extents, reduced);
    return emitGeneric(inputs, extents, reduced);
  }

  /// A new input read through a random map.
  Operand makeOperand(const Dims &extents) {
    const size_t loops = extents.size();
    std::vector<size_t> order(loops);
    for (size_t l = 0; l < loops; ++l)
      order[l] = l;
    std::shuffle(order.begin(), order.end(), random_);
    Map map;
    Dims dims;
    for (size_t l : order) {
      const int64_t kind = pick(random_, 0, 9);
      if (kind == 0)
        continue; // broadcast along this loop
      Affine a = plain(loops, l);
      int64_t most = extents[l] - 1;
      if (kind == 1) { // shifted
        a.constant = pick(random_, 1, 2);
        most += a.constant;
      } else if (kind == 2) { // strided
        a.coefs[l] = 2;
        most *= 2;
      } else if (kind == 3) { // a window with another loop
        const auto other = static_cast<size_t>(
            pick(random_, 0, static_cast<int64_t>(loops) - 1));
        if (other != l) {
          a.coefs[other] = pick(random_, 1, 2);
          most += a.coefs[other] * (extents[other] - 1);
        }
      } else if (kind == 4) { // backwards
        a.coefs[l] = -1;
        a.constant = extents[l] - 1;
      }
      map.push_back(a);
      dims.push_back(most + 1);
    }
    if (map.empty() || pick(random_, 0, 9) == 0) { // a place that is fixed
      map.push_back({std::vector<int64_t>(loops), 1});
      dims.push_back(3);
    }
    return {addInput(dims), map};
  }

  /// MLIR infers the extent of a loop from an operand that is indexed by it.
  void coverLoops(std::vector<Operand> &inputs, const Dims &extents,
                  const std::vector<bool> &reduced) {
    Map map;
    Dims dims;
    for (size_t l = 0; l < extents.size(); ++l) {
      bool covered = !reduced[l];
      for (const Operand &input : inputs)
        for (const Affine &a : input.map)
          covered |=
              a.coefs == plain(extents.size(), l).coefs && a.constant == 0;
      if (covered)
        continue;
      map.push_back(plain(extents.size(), l));
      dims.push_back(extents[l]);
    }
    if (!map.empty())
      inputs.push_back({addInput(dims), map});
  }

  ExprPtr makeExpr(const std::vector<Operand> &inputs, const Dims &extents,
                   int depth) {
    if (depth == 0 || pick(random_, 0, 3) == 0) {
      const int64_t kind = pick(random_, 0, 7);
      if (kind == 0)
        return leaf(Op::Constant, 0, pick(random_, -3, 3), 3.0);
      if (kind == 1) {
        const auto l = static_cast<size_t>(
            pick(random_, 0, static_cast<int64_t>(extents.size()) - 1));
        note("index");
        return leaf(Op::Index, l, 0, static_cast<double>(extents[l]));
      }
      const auto k = static_cast<size_t>(
          pick(random_, 0, static_cast<int64_t>(inputs.size()) - 1));
      return leaf(Op::Argument, k, 0, inputs[k].value.tensor.bound);
    }
    const auto op =
        static_cast<Op>(static_cast<int64_t>(Op::Add) + pick(random_, 0, 5));
    ExprPtr a = makeExpr(inputs, extents, depth - 1);
    ExprPtr b = makeExpr(inputs, extents, depth - 1);
    ExprPtr e = node(op, a, b);
    return e->bound < 0x1p14 || !isFloat(type_) ? e : node(Op::Max, a, b);
  }

  /// A result of a generic: how it starts and what the body gives.
  struct Result {
    Value out;
    Map map;
    bool accumulates = false;
    int64_t init = 0;
    ExprPtr next; ///< of inputs, then the accumulators
    std::string initName;
  };

  Value emitGeneric(std::vector<Operand> &inputs, const Dims &extents,
                    const std::vector<bool> &reduced) {
    const size_t loops = extents.size();
    std::vector<size_t> order;
    double terms = 1.0;
    for (size_t l = 0; l < loops; ++l) {
      if (reduced[l])
        terms *= static_cast<double>(extents[l]);
      else
        order.push_back(l);
    }
    const bool reduces = order.size() != loops;
    std::shuffle(order.begin(), order.end(), random_);
    const auto numResults =
        static_cast<size_t>(pick(random_, std::vector<int64_t>{1, 1, 1, 2}));
    if (numResults > 1)
      note("two results");
    std::vector<Result> results(numResults);
    for (size_t r = 0; r < numResults; ++r) {
      Result &result = results[r];
      result.out = {"", {type_, {}, {}, 0.0}};
      for (size_t l : order) {
        result.map.push_back(plain(loops, l));
        result.out.tensor.dims.push_back(extents[l]);
      }
      ExprPtr e = makeExpr(inputs, extents, 2);
      result.accumulates = reduces || pick(random_, 0, 4) == 0;
      result.next = result.accumulates ? accumulate(result, e, inputs.size(), r,
                                                    terms, reduces)
                                       : e;
      result.out.tensor.bound = result.next->bound;
      std::shuffle(order.begin(), order.end(), random_);
    }
    // The second may depend on what the first has accumulated.
    if (numResults == 2 && results[0].accumulates && results[1].accumulates &&
        results[0].map.size() == results[1].map.size() &&
        pick(random_, 0, 1) == 0) {
      note("dependent results");
      results[1].map = results[0].map;
      results[1].out.tensor.dims = results[0].out.tensor.dims;
      results[1].next = node(
          Op::Max, results[1].next,
          leaf(Op::Argument, inputs.size(), 0, results[0].out.tensor.bound));
      results[1].out.tensor.bound = results[1].next->bound;
    }
    printGeneric(inputs, extents, reduced, results);
    evaluateGeneric(inputs, extents, results);
    for (size_t r = 1; r < numResults; ++r)
      finished_.push_back(results[r].out);
    return results[0].out;
  }

  /// The accumulator's next value, by a combiner that keeps numbers exact.
  ExprPtr accumulate(Result &result, const ExprPtr &e, size_t numInputs,
                     size_t number, double terms, bool reduces) {
    const size_t argument = numInputs + number;
    result.init = pick(random_, -3, 3);
    const int64_t kind = pick(random_, 0, 6);
    const bool exact = !isFloat(type_) || e->bound * terms + 3.0 < kExact;
    if (kind <= 2 && exact) {
      note(reduces ? "sum" : "init");
      return withBound(node(Op::Add, leaf(Op::Argument, argument, 0, 3.0), e),
                       e->bound * terms + 3.0);
    }
    if (kind == 3 && !isFloat(type_)) {
      note("product");
      return node(Op::Mul, leaf(Op::Argument, argument, 0, 3.0), e);
    }
    if (kind == 4 && !isFloat(type_)) { // depends on the order
      note("polynomial");
      ExprPtr scaled = node(Op::Mul, leaf(Op::Argument, argument, 0, 3.0),
                            leaf(Op::Constant, 0, 3, 3.0));
      return node(Op::Add, scaled, e);
    }
    note(kind == 5 ? "min" : "max");
    return withBound(node(kind == 5 ? Op::Min : Op::Max,
                          leaf(Op::Argument, argument, 0, 3.0), e),
                     std::max(e->bound, 3.0));
  }

  static ExprPtr withBound(ExprPtr e, double bound) {
    e->bound = bound;
    return e;
  }

  std::string addEmpty(DataType type, const Dims &dims) {
    const std::string name = newName();
    line(name + " = tensor.empty() : " + typeText(type, dims));
    return name;
  }

  void printGeneric(const std::vector<Operand> &inputs, const Dims &extents,
                    const std::vector<bool> &reduced,
                    std::vector<Result> &results) {
    const size_t loops = extents.size();
    for (Result &r : results) {
      r.initName = addEmpty(type_, r.out.tensor.dims);
      if (!r.accumulates)
        continue;
      const std::string c = newName(), filled = newName();
      line(c + " = arith.constant " + std::to_string(r.init) +
           (isFloat(type_) ? ".0" : "") + " : " + nameOf(type_));
      line(filled + " = linalg.fill ins(" + c + " : " + nameOf(type_) +
           ") outs(" + r.initName + " : " + typeOf(r.out) + ") -> " +
           typeOf(r.out));
      r.initName = filled;
    }
    std::string maps, types, ins, inTypes, outs, outTypes, args;
    for (const Operand &input : inputs) {
      maps += (maps.empty() ? "" : ", ") + printMap(input.map, loops);
      ins += (ins.empty() ? "" : ", ") + input.value.name;
      inTypes += (inTypes.empty() ? "" : ", ") + typeOf(input.value);
    }
    for (const Result &r : results) {
      maps += ", " + printMap(r.map, loops);
      outs += (outs.empty() ? "" : ", ") + r.initName;
      outTypes += (outTypes.empty() ? "" : ", ") + typeOf(r.out);
    }
    for (bool r : reduced)
      types += std::string(types.empty() ? "" : ", ") +
               (r ? "\"reduction\"" : "\"parallel\"");
    for (size_t k = 0; k < inputs.size() + results.size(); ++k)
      args += (k ? ", %b" : "%b") + std::to_string(k) + ": " + nameOf(type_);
    const std::string name = newName();
    std::string text = name;
    if (results.size() > 1)
      text += ":" + std::to_string(results.size());
    text += " = linalg.generic {indexing_maps = [" + maps +
            "], iterator_types = [" + types + "]} ins(" + ins + " : " +
            inTypes + ") outs(" + outs + " : " + outTypes + ") {\n  ^bb0(" +
            args + "):\n";
    std::string yields, yieldTypes;
    BodyPrinter printer(type_, text);
    for (const Result &r : results) {
      yields += (yields.empty() ? "" : ", ") + printer.print(*r.next);
      yieldTypes += (yieldTypes.empty() ? "" : ", ") + nameOf(type_);
    }
    text += "    linalg.yield " + yields + " : " + yieldTypes + "\n  } -> " +
            (results.size() > 1 ? "(" + outTypes + ")" : outTypes);
    line(text);
    for (size_t r = 0; r < results.size(); ++r)
      results[r].out.name =
          results.size() > 1 ? name + "#" + std::to_string(r) : name;
  }

  void evaluateGeneric(const std::vector<Operand> &inputs, const Dims &extents,
                       std::vector<Result> &results) {
    for (Result &r : results) {
      Number start{};
      if (isFloat(type_))
        start.f = static_cast<double>(r.init);
      else
        start.i = r.init;
      r.out.tensor.values.assign(
          static_cast<size_t>(volumeOf(r.out.tensor.dims)), start);
    }
    forEach(extents, [&](const std::vector<int64_t> &at) {
      std::vector<Number> args;
      for (const Operand &input : inputs)
        args.push_back(input.value.tensor.values[static_cast<size_t>(
            offsetOf(input.map, input.value.tensor.dims, at))]);
      std::vector<Number *> places;
      for (Result &r : results) {
        places.push_back(&r.out.tensor.values[static_cast<size_t>(
            offsetOf(r.map, r.out.tensor.dims, at))]);
        args.push_back(*places.back());
      }
      for (size_t r = 0; r < results.size(); ++r)
        *places[r] = evaluate(*results[r].next, type_, args, at);
    });
  }

  static std::string list(const Dims &values) {
    std::string out;
    for (int64_t v : values)
      out += (out.empty() ? "" : ", ") + std::to_string(v);
    return out;
  }

  void finish(const Value &last) {
    finished_.insert(finished_.begin(), last);
    std::string parameters, types, values;
    for (size_t k = 0; k < program_.inputs.size(); ++k)
      parameters += (k ? ", %in" : "%in") + std::to_string(k) + ": " +
                    typeText(program_.inputs[k].type, program_.inputs[k].dims);
    for (const Value &v : finished_) {
      types += (types.empty() ? "" : ", ") + typeOf(v);
      values += (values.empty() ? "" : ", ") + v.name;
      program_.results.push_back(v.tensor);
    }
    program_.text = "func.func private @{FUNC_NAME}(" + parameters + ") -> " +
                    (finished_.size() > 1 ? "(" + types + ")" : types) +
                    " {\n" + body_ + "  return " + values + " : " + types +
                    "\n}\n";
  }

  Random &random_;
  DataType type_ = DataType::Float;
  LinalgProgram program_;
  std::string body_;
  std::vector<Value> finished_; ///< further results
  int names_ = 0;
};

} // namespace

LinalgProgram makeLinalgProgram(Random &random) {
  return Generator(random).make();
}

} // namespace fusilli::e2e
