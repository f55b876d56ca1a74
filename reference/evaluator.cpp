// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The evaluator: finds out which elements of which tensor are wanted, then
// computes the nodes in order.

#include "reference/evaluator.h"
#include "reference/dynamic_dims.h"

#include "reference/value.h"

#include <algorithm>
#include <optional>
#include <type_traits>

namespace fusilli::reference {

namespace {

void merge(Demand &into, const Demand &from) {
  if (into.all)
    return;
  if (from.all) {
    into = from;
    return;
  }
  std::vector<int64_t> merged;
  std::set_union(into.index.begin(), into.index.end(), from.index.begin(),
                 from.index.end(), std::back_inserter(merged));
  into.index = std::move(merged);
}

/// Evenly spread numbers below `volume`, one pseudo-random one per stratum.
Demand sample(int64_t volume, int64_t samples) {
  Demand demand;
  if (samples <= 0 || samples >= volume) {
    demand.all = true;
    return demand;
  }
  uint64_t state = 0x9e3779b97f4a7c15u;
  const int64_t width = volume / samples;
  for (int64_t s = 0; s < samples; ++s) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const auto jitter =
        static_cast<int64_t>((state >> 33) % static_cast<uint64_t>(width));
    demand.index.push_back(s * width + jitter);
  }
  demand.index.front() = 0;
  demand.index.back() = volume - 1;
  return demand;
}

/// What a node needs of its operands for the wanted elements of its output.
void demandOperands(const Program &program, const NodeDef &node,
                    std::vector<Demand> &demands) {
  const Demand &out = demands[node.output];
  if (!std::holds_alternative<PointwiseOp>(node.op) || out.all) {
    for (size_t input : node.inputs)
      demands[input].all = true;
    return;
  }
  for (size_t input : node.inputs) {
    const TensorSpec &spec = program.tensors[input].spec;
    BroadcastWalk walk(program.tensors[node.output].spec.dims, {spec.dims});
    Demand wanted;
    for (int64_t index : out.index) {
      walk.seek(index);
      wanted.index.push_back(walk.operand(0));
    }
    std::sort(wanted.index.begin(), wanted.index.end());
    wanted.index.erase(std::unique(wanted.index.begin(), wanted.index.end()),
                       wanted.index.end());
    merge(demands[input], wanted);
  }
}

/// The wanted elements of a given tensor.
Value load(const Tensor &tensor, const Demand &demand) {
  const TensorSpec &spec = tensor.spec();
  Value out = makeValue(spec, demand);
  const uint8_t *data = tensor.bytes().data();
  std::vector<int64_t> counter(spec.dims.size());
  int64_t offset = 0;
  for (size_t slot = 0; slot < out.count(); ++slot) {
    const int64_t at = demand.all ? offset : spec.offsetOf(demand.index[slot]);
    if (out.isFloat())
      out.v[slot] = loadFloat(spec.dtype, data, at);
    else
      out.i[slot] = loadInteger(spec.dtype, data, at);
    for (size_t d = spec.dims.size(); demand.all && d-- > 0;) {
      offset += spec.strides[d];
      if (++counter[d] < spec.dims[d])
        break;
      offset -= counter[d] * spec.strides[d];
      counter[d] = 0;
    }
  }
  return out;
}

Value loadScalar(const TensorDef &def) {
  Demand all;
  all.all = true;
  Value out = makeValue(def.spec, all);
  std::visit(
      [&](auto number) {
        const auto value = static_cast<double>(number);
        if (out.isFloat())
          out.v[0] = roundTo(out.dtype, value);
        else if constexpr (std::is_integral_v<decltype(number)>)
          out.i[0] = wrapTo(out.dtype, number);
        else
          out.i[0] = saturateTo(out.dtype, value);
      },
      *def.scalar);
  return out;
}

/// The tensor may be stored in its dtype between two nodes, and so be rounded,
/// or stay in the format of the arithmetic.
void mayRound(Value &value) {
  if (value.dtype != DataType::Half && value.dtype != DataType::BFloat16 &&
      value.dtype != DataType::FP8E5M2)
    return;
  const FloatFormat format = formatOf(value.dtype);
  const double unit = format.unit(), tiny = format.tiny(),
               overflow = format.overflow();
  if (value.e.empty())
    value.e.resize(value.v.size());
  for (size_t slot = 0; slot < value.v.size(); ++slot) {
    const double v = value.v[slot];
    double &e = value.e[slot];
    if (!std::isfinite(v) || e == kInfinity)
      continue;
    if (std::fabs(v) + e >= overflow)
      e = kInfinity;
    else if (e == 0.0)
      e = std::fabs(roundTo(value.dtype, v) - v);
    else
      e += unit * (std::fabs(v) + e) + tiny;
  }
}

/// The input for a tensor of the graph, or why it is not one.
ErrorOr<const Tensor *> findInput(const TensorSpec &spec,
                                  const Inputs &inputs) {
  const auto found = inputs.find(spec.name);
  FUSILLI_RETURN_ERROR_IF(found == inputs.end(), ErrorCode::InvalidArgument,
                          "input '" + spec.name + "' is missing");
  const TensorSpec &given = found->second.spec();
  bool isSame = given.dtype == spec.dtype && given.dims == spec.dims &&
                given.strides.size() == spec.strides.size();
  // The stride of an extent of 1 moves nothing.
  for (size_t i = 0; isSame && i < spec.strides.size(); ++i)
    isSame = spec.dims[i] == 1 || given.strides[i] == spec.strides[i];
  FUSILLI_RETURN_ERROR_IF(!isSame, ErrorCode::InvalidArgument,
                          "input '" + spec.name + "': expected " +
                              spec.toString() + ", given " + given.toString());
  return &found->second;
}

ErrorOr<Value> evaluateNode(const Program &program, const NodeDef &node,
                            const std::vector<Value> &values,
                            const Demand &demand) {
  const TensorSpec &spec = program.tensors[node.output].spec;
  const Value &first = values[node.inputs[0]];
  if (std::holds_alternative<ReductionOp>(node.op))
    return evaluateReduction(node, spec, first, demand);
  if (std::holds_alternative<MatmulOp>(node.op))
    return evaluateMatmul(node, spec, first, values[node.inputs[1]], demand);
  if (std::holds_alternative<ConvFPropOp>(node.op))
    return evaluateConvFProp(node, spec, first, values[node.inputs[1]], demand);
  if (std::holds_alternative<ConvDGradOp>(node.op))
    return evaluateConvDGrad(node, spec, first, values[node.inputs[1]], demand);
  if (std::holds_alternative<ConvWGradOp>(node.op))
    return evaluateConvWGrad(node, spec, first, values[node.inputs[1]], demand);
  std::vector<const Value *> operands;
  for (size_t input : node.inputs)
    operands.push_back(&values[input]);
  if (std::holds_alternative<SdpaOp>(node.op))
    return evaluateSdpa(node, spec, operands, demand);
  return evaluatePointwise(node, spec, operands, demand);
}

/// All outputs of a normalization into `values`.
void evaluateNorm(const Program &program, const NodeDef &node,
                  std::vector<Value> &values,
                  const std::vector<Demand> &demands) {
  const auto &op = std::get<NormOp>(node.op);
  const auto operand = [&](const std::optional<size_t> &tensor) {
    return tensor ? &values[*tensor] : nullptr;
  };
  const auto make = [&](const std::optional<size_t> &tensor) {
    return tensor ? makeValue(program.tensors[*tensor].spec, demands[*tensor])
                  : Value();
  };
  const NormTensors tensors = {&values[node.inputs[0]], operand(op.scale),
                               operand(op.bias),        operand(op.epsilon),
                               operand(op.mean),        operand(op.variance)};
  NormOutputs outputs = {make(node.output), make(op.meanOut),
                         make(op.inverseOut)};
  switch (op.kind) {
  case NormOp::Kind::Layernorm:
    evaluateLayernorm(tensors, outputs);
    break;
  case NormOp::Kind::Rmsnorm:
    evaluateRmsnorm(tensors, outputs);
    break;
  case NormOp::Kind::Batchnorm:
    evaluateBatchnorm(tensors, outputs);
    break;
  }
  values[node.output] = std::move(outputs.y);
  if (op.meanOut)
    values[*op.meanOut] = std::move(outputs.mean);
  if (op.inverseOut)
    values[*op.inverseOut] = std::move(outputs.inverse);
}

std::vector<size_t> outputsOf(const NodeDef &node) {
  std::vector<size_t> outputs = {node.output};
  if (const auto *norm = std::get_if<NormOp>(&node.op))
    for (const std::optional<size_t> &tensor :
         {norm->meanOut, norm->inverseOut})
      if (tensor)
        outputs.push_back(*tensor);
  return outputs;
}

Expected toExpected(const TensorSpec &spec, const Value &value) {
  Expected out;
  out.spec = spec;
  out.index = value.demand.index;
  if (value.demand.all)
    for (size_t slot = 0; slot < value.count(); ++slot)
      out.index.push_back(static_cast<int64_t>(slot));
  out.values = value.v;
  out.integers = value.i;
  for (int64_t integer : value.i)
    out.values.push_back(static_cast<double>(integer));
  out.bounds = value.e;
  out.bounds.resize(value.count());
  return out;
}

} // namespace

ErrorOr<std::map<std::string, Expected>>
evaluateWithBounds(std::span<const uint8_t> graphDef, const Inputs &inputs,
                   const Options &options) {
  FUSILLI_ASSIGN_OR_RETURN(const std::vector<uint8_t> bytes,
                           withExtentsOf(graphDef, inputs));
  FUSILLI_ASSIGN_OR_RETURN(const Program program, decodeProgram(bytes));
  const size_t count = program.tensors.size();
  std::vector<Demand> demands(count);
  for (auto node = program.nodes.rbegin(); node != program.nodes.rend();
       ++node) {
    for (size_t output : outputsOf(*node)) {
      const TensorDef &out = program.tensors[output];
      if (!out.isVirtual)
        merge(demands[output], sample(out.spec.volume(), options.samples));
    }
    demandOperands(program, *node, demands);
  }
  std::vector<Value> values(count);
  for (size_t i = 0; i < count; ++i) {
    const TensorDef &def = program.tensors[i];
    if (!def.isInput)
      continue;
    if (def.scalar) {
      values[i] = loadScalar(def);
      continue;
    }
    FUSILLI_ASSIGN_OR_RETURN(const Tensor *tensor, findInput(def.spec, inputs));
    values[i] = load(*tensor, demands[i]);
  }
  std::map<std::string, Expected> outputs;
  for (const NodeDef &node : program.nodes) {
    if (std::holds_alternative<NormOp>(node.op)) {
      evaluateNorm(program, node, values, demands);
    } else {
      FUSILLI_ASSIGN_OR_RETURN(
          values[node.output],
          evaluateNode(program, node, values, demands[node.output]));
    }
    for (size_t output : outputsOf(node)) {
      const TensorDef &out = program.tensors[output];
      if (!out.isVirtual)
        outputs[out.spec.name] = toExpected(out.spec, values[output]);
      mayRound(values[output]);
    }
  }
  return outputs;
}

ErrorOr<std::map<std::string, Tensor>>
evaluate(std::span<const uint8_t> graphDef, const Inputs &inputs) {
  FUSILLI_ASSIGN_OR_RETURN(auto expected, evaluateWithBounds(graphDef, inputs));
  std::map<std::string, Tensor> outputs;
  for (const auto &[name, output] : expected) {
    FUSILLI_ASSIGN_OR_RETURN(Tensor tensor, Tensor::create(output.spec));
    for (size_t k = 0; k < output.index.size(); ++k) {
      if (isFloatType(output.spec.dtype))
        tensor.setValue(output.index[k], output.values[k]);
      else
        tensor.setInteger(output.index[k], output.integers[k]);
    }
    outputs.emplace(name, std::move(tensor));
  }
  return outputs;
}

} // namespace fusilli::reference
