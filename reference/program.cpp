// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Decoding of GraphDef bytes into a checked program.

#include "reference/program.h"

#include "reference/element.h"

#include "graph/graph_def.h"
#include "graph/graph_def_check.h"
#include "graph/graph_def_generated.h"

#include <fusilli/attributes/common.h>

#include <bit>
#include <utility>

namespace fusilli::reference {

namespace {

using Dims = std::vector<int64_t>;

ErrorObject bad(const std::string &text) {
  return error(ErrorCode::InvalidArgument, "graph definition: " + text);
}

Dims toDims(const flatbuffers::Vector<int64_t> *values) {
  return values ? Dims(values->begin(), values->end()) : Dims();
}

template <class Attrs> ConvLists toLists(const Attrs &attrs) {
  return {toDims(attrs.padding()), toDims(attrs.stride()),
          toDims(attrs.dilation())};
}

std::string text(const flatbuffers::String *value) {
  return value ? value->str() : std::string();
}

ErrorOr<TensorDef> decodeTensor(const fbs::Tensor &in, bool isInput) {
  TensorDef out;
  out.spec.name = text(in.name());
  out.spec.dtype = static_cast<DataType>(in.dtype());
  out.spec.dims = toDims(in.dims());
  out.spec.strides = toDims(in.strides());
  out.isVirtual = in.is_virtual();
  out.isInput = isInput;
  if (in.dynamic_dims() && in.dynamic_dims()->size() != 0)
    return error(ErrorCode::NotImplemented,
                 "tensor '" + out.spec.name + "' has dynamic dims");
  FUSILLI_CHECK_ERROR(out.spec.validate());
  const uint64_t bits = in.scalar_bits();
  switch (in.scalar_kind()) {
  case fbs::ScalarKind::None:
    break;
  case fbs::ScalarKind::Int64:
    out.scalar = static_cast<int64_t>(bits);
    break;
  case fbs::ScalarKind::Int32:
    out.scalar = static_cast<int32_t>(static_cast<uint32_t>(bits));
    break;
  case fbs::ScalarKind::Float:
    out.scalar = std::bit_cast<float>(static_cast<uint32_t>(bits));
    break;
  case fbs::ScalarKind::Double:
    out.scalar = std::bit_cast<double>(bits);
    break;
  default:
    return bad("unknown kind of scalar of tensor '" + out.spec.name + "'");
  }
  if (out.scalar && (!isInput || out.spec.volume() != 1))
    return bad("tensor '" + out.spec.name + "' cannot be a constant");
  return out;
}

/// Right-aligned broadcast of `from` to `to`.
bool broadcasts(const Dims &from, const Dims &to) {
  if (from.size() > to.size())
    return false;
  for (size_t i = 0; i < from.size(); ++i) {
    const int64_t extent = from[from.size() - 1 - i];
    if (extent != 1 && extent != to[to.size() - 1 - i])
      return false;
  }
  return true;
}

ErrorObject checkPointwise(const Program &p, const NodeDef &node) {
  const auto mode = std::get<PointwiseOp>(node.op).mode;
  const auto count = PointwiseAttr::kModeToRequiredInputCount.find(mode);
  if (count == PointwiseAttr::kModeToRequiredInputCount.end())
    return bad("node '" + node.name + "': unknown pointwise mode");
  if (static_cast<int>(node.inputs.size()) != count->second)
    return bad("node '" + node.name + "': expected " +
               std::to_string(count->second) + " inputs, given " +
               std::to_string(node.inputs.size()));
  for (size_t input : node.inputs)
    if (!broadcasts(p.tensors[input].spec.dims,
                    p.tensors[node.output].spec.dims))
      return bad("node '" + node.name + "': tensor '" +
                 p.tensors[input].spec.name +
                 "' does not broadcast to the output");
  return ok();
}

ErrorObject checkReduction(const Program &p, const NodeDef &node) {
  const auto mode = std::get<ReductionOp>(node.op).mode;
  if (mode == ReductionAttr::Mode::NOT_SET ||
      !ReductionAttr::kModeToStr.contains(mode))
    return bad("node '" + node.name + "': unknown reduction mode");
  const Dims &x = p.tensors[node.inputs[0]].spec.dims;
  const Dims &y = p.tensors[node.output].spec.dims;
  bool fits = x.size() == y.size();
  for (size_t i = 0; fits && i < x.size(); ++i)
    fits = y[i] == 1 || y[i] == x[i];
  return fits ? ok() : bad("node '" + node.name + "': shapes do not fit");
}

ErrorObject checkMatmul(const Program &p, const NodeDef &node) {
  const Dims &a = p.tensors[node.inputs[0]].spec.dims;
  const Dims &b = p.tensors[node.inputs[1]].spec.dims;
  const Dims &c = p.tensors[node.output].spec.dims;
  const size_t rank = c.size();
  bool fits = rank >= 2 && a.size() == rank && b.size() == rank;
  if (fits)
    fits = a[rank - 1] == b[rank - 2] && a[rank - 2] == c[rank - 2] &&
           b[rank - 1] == c[rank - 1];
  for (size_t i = 0; fits && i + 2 < rank; ++i)
    fits = (a[i] == c[i] || a[i] == 1) && (b[i] == c[i] || b[i] == 1);
  return fits ? ok() : bad("node '" + node.name + "': shapes do not fit");
}

/// `x`, `w` and `y` are tensors: of a gradient, those whose gradients they are.
ErrorObject checkConv(const Program &p, const NodeDef &node,
                      const ConvLists &op, size_t xTensor, size_t wTensor,
                      size_t yTensor) {
  const Dims &x = p.tensors[xTensor].spec.dims;
  const Dims &w = p.tensors[wTensor].spec.dims;
  const Dims &y = p.tensors[yTensor].spec.dims;
  const size_t rank = y.size();
  bool fits = rank >= 3 && rank <= 5 && x.size() == rank && w.size() == rank &&
              op.padding.size() == rank - 2 && op.stride.size() == rank - 2 &&
              op.dilation.size() == rank - 2;
  if (fits)
    fits = x[0] == y[0] && w[0] == y[1] && x[1] % w[1] == 0 &&
           y[1] % (x[1] / w[1]) == 0;
  for (size_t i = 2; fits && i < rank; ++i) {
    const int64_t pad = op.padding[i - 2], stride = op.stride[i - 2],
                  dilation = op.dilation[i - 2];
    constexpr int64_t kMax = int64_t{1} << 30;
    fits = pad >= 0 && pad < kMax && stride > 0 && stride < kMax &&
           dilation > 0 && dilation < kMax && x[i] < kMax && w[i] < kMax;
    if (!fits)
      break;
    const int64_t span = x[i] + 2 * pad - dilation * (w[i] - 1) - 1;
    fits = span >= 0 && y[i] == 1 + span / stride;
  }
  return fits ? ok() : bad("node '" + node.name + "': shapes do not fit");
}

ErrorObject checkSdpa(const Program &p, const NodeDef &node) {
  const auto dimsOf = [&](size_t i) -> const Dims & {
    return p.tensors[node.inputs[i]].spec.dims;
  };
  const Dims &o = p.tensors[node.output].spec.dims;
  bool fits =
      (node.inputs.size() == 3 || node.inputs.size() == 4) && o.size() == 4;
  for (size_t i = 0; fits && i < node.inputs.size(); ++i)
    fits = dimsOf(i).size() == 4;
  if (!fits)
    return bad("node '" + node.name +
               "': expected 3 or 4 inputs and an output, all of rank 4");
  const Dims &q = dimsOf(0), &k = dimsOf(1), &v = dimsOf(2);
  fits = q[0] == k[0] && q[0] == v[0] && q[1] % k[1] == 0 && q[1] % v[1] == 0 &&
         q[3] == k[3] && k[2] == v[2] && o == Dims{q[0], q[1], q[2], v[3]};
  const Dims mask = {q[0], q[1], q[2], k[2]};
  for (size_t i = 0; fits && node.inputs.size() == 4 && i < 4; ++i)
    fits = dimsOf(3)[i] == 1 || dimsOf(3)[i] == mask[i];
  return fits ? ok() : bad("node '" + node.name + "': shapes do not fit");
}

ErrorObject checkNorm(const Program &p, const NodeDef &node) {
  const auto &op = std::get<NormOp>(node.op);
  const Dims &x = p.tensors[node.inputs[0]].spec.dims;
  const bool channels = op.kind == NormOp::Kind::Batchnorm;
  bool fits = x.size() >= 2 && p.tensors[node.output].spec.dims == x;
  if (!fits)
    return bad("node '" + node.name + "': shapes do not fit");
  Dims affine = x, statistic(x.size(), 1);
  std::swap(affine[0], statistic[0]);
  if (channels)
    affine = statistic = {x[1]};
  const auto check = [&](const std::optional<size_t> &tensor,
                         const Dims &dims) {
    fits &= !tensor || p.tensors[*tensor].spec.dims == dims;
  };
  check(op.scale, affine);
  check(op.bias, affine);
  check(op.mean, statistic);
  check(op.variance, statistic);
  check(op.meanOut, statistic);
  check(op.inverseOut, statistic);
  fits &= op.epsilon && p.tensors[*op.epsilon].spec.volume() == 1;
  fits &= op.mean.has_value() == op.variance.has_value();
  if (channels)
    fits &= op.training != op.mean.has_value();
  if (!fits)
    return bad("node '" + node.name + "': operands do not fit");
  std::vector<size_t> tensors = node.inputs;
  tensors.push_back(node.output);
  for (size_t tensor : tensors)
    if (!isFloatType(p.tensors[tensor].spec.dtype))
      return error(ErrorCode::NotImplemented,
                   "node '" + node.name + "': integers are not normalized");
  return ok();
}

ErrorObject checkNode(const Program &p, const NodeDef &node) {
  if (std::holds_alternative<PointwiseOp>(node.op))
    return checkPointwise(p, node);
  if (std::holds_alternative<SdpaOp>(node.op))
    return checkSdpa(p, node);
  if (std::holds_alternative<NormOp>(node.op))
    return checkNorm(p, node);
  const size_t expected = std::holds_alternative<ReductionOp>(node.op) ? 1 : 2;
  if (node.inputs.size() != expected)
    return bad("node '" + node.name + "': expected " +
               std::to_string(expected) + " inputs, given " +
               std::to_string(node.inputs.size()));
  if (expected == 1)
    return checkReduction(p, node);
  const size_t first = node.inputs[0], second = node.inputs[1];
  if (const auto *op = std::get_if<ConvFPropOp>(&node.op))
    return checkConv(p, node, *op, first, second, node.output);
  if (const auto *op = std::get_if<ConvDGradOp>(&node.op))
    return checkConv(p, node, *op, node.output, second, first);
  if (const auto *op = std::get_if<ConvWGradOp>(&node.op))
    return checkConv(p, node, *op, second, node.output, first);
  return checkMatmul(p, node);
}

ErrorOr<Op> decodeNorm(NormOp::Kind kind, uint8_t phase,
                       const std::string &name) {
  const auto training = static_cast<uint8_t>(NormFwdPhase::TRAINING);
  if (phase != training &&
      phase != static_cast<uint8_t>(NormFwdPhase::INFERENCE))
    return bad("node '" + name + "' has no phase");
  if (phase == training && kind == NormOp::Kind::Rmsnorm)
    return error(ErrorCode::NotImplemented,
                 "node '" + name + "': rmsnorm has no training phase");
  NormOp op;
  op.kind = kind;
  op.training = phase == training;
  return Op(op);
}

/// Fills in the tensors of a normalization from the slots of its node, and
/// leaves its inputs those that it uses.
ErrorObject bindNorm(const fbs::Node &in, NodeDef &node) {
  auto &op = std::get<NormOp>(node.op);
  const auto slot = [](const flatbuffers::Vector<int32_t> *slots,
                       size_t number) -> std::optional<size_t> {
    if (!slots || number >= slots->size() || slots->Get(number) < 0)
      return std::nullopt;
    return static_cast<size_t>(slots->Get(number));
  };
  const std::optional<size_t> x = slot(in.inputs(), 0);
  if (!x)
    return bad("node '" + node.name + "' has no X");
  op.scale = slot(in.inputs(), 1);
  const bool rms = op.kind == NormOp::Kind::Rmsnorm;
  if (!rms)
    op.bias = slot(in.inputs(), 2);
  if (op.kind == NormOp::Kind::Batchnorm) {
    if (!op.training) {
      op.mean = slot(in.inputs(), 3);
      op.variance = slot(in.inputs(), 4);
    }
    op.epsilon = slot(in.inputs(), 5);
  } else {
    op.epsilon = slot(in.inputs(), rms ? 2 : 3);
  }
  op.meanOut = slot(in.outputs(), 1);
  op.inverseOut = slot(in.outputs(), 2);
  if (op.meanOut.has_value() != op.training ||
      op.inverseOut.has_value() != op.training)
    return bad("node '" + node.name + "': statistics do not fit the phase");
  node.inputs = {*x};
  for (const std::optional<size_t> &tensor :
       {op.scale, op.bias, op.mean, op.variance, op.epsilon})
    if (tensor)
      node.inputs.push_back(*tensor);
  return ok();
}

ErrorOr<Op> decodeOp(const fbs::Node &in, const std::string &name) {
  if (!in.attrs())
    return bad("node '" + name + "' has no attributes");
  switch (in.attrs_type()) {
  case fbs::OpAttrs::PointwiseAttrs: {
    const auto *attrs = in.attrs_as_PointwiseAttrs();
    return Op(PointwiseOp{static_cast<PointwiseAttr::Mode>(attrs->mode()),
                          {attrs->elu_alpha(), attrs->softplus_beta(),
                           attrs->softplus_threshold(), attrs->swish_beta()}});
  }
  case fbs::OpAttrs::ReductionAttrs:
    return Op(ReductionOp{static_cast<ReductionAttr::Mode>(
        in.attrs_as_ReductionAttrs()->mode())});
  case fbs::OpAttrs::MatmulAttrs:
    return Op(MatmulOp{});
  case fbs::OpAttrs::ConvFPropAttrs:
    return Op(ConvFPropOp{toLists(*in.attrs_as_ConvFPropAttrs())});
  case fbs::OpAttrs::ConvDGradAttrs:
    return Op(ConvDGradOp{toLists(*in.attrs_as_ConvDGradAttrs())});
  case fbs::OpAttrs::ConvWGradAttrs:
    return Op(ConvWGradOp{toLists(*in.attrs_as_ConvWGradAttrs())});
  case fbs::OpAttrs::SdpaAttrs: {
    const auto *attrs = in.attrs_as_SdpaAttrs();
    SdpaOp op{attrs->dropout(), attrs->is_causal(), std::nullopt};
    if (attrs->has_scale())
      op.scale = attrs->scale();
    return Op(op);
  }
  case fbs::OpAttrs::LayernormAttrs:
    return decodeNorm(NormOp::Kind::Layernorm,
                      in.attrs_as_LayernormAttrs()->phase(), name);
  case fbs::OpAttrs::RmsnormAttrs:
    return decodeNorm(NormOp::Kind::Rmsnorm,
                      in.attrs_as_RmsnormAttrs()->phase(), name);
  case fbs::OpAttrs::BatchnormAttrs:
    return decodeNorm(NormOp::Kind::Batchnorm,
                      in.attrs_as_BatchnormAttrs()->phase(), name);
  default:
    return error(ErrorCode::NotImplemented,
                 "node '" + name + "': the reference has no such op");
  }
}

ErrorOr<NodeDef> decodeNode(const fbs::Node &in, const Program &program,
                            std::vector<bool> &defined) {
  NodeDef out;
  out.name = text(in.name());
  FUSILLI_ASSIGN_OR_RETURN(out.op, decodeOp(in, out.name));
  const auto inRange = [&](int32_t i) {
    return i >= 0 && static_cast<size_t>(i) < program.tensors.size();
  };
  if (in.inputs())
    for (int32_t i : *in.inputs()) {
      if (i == -1)
        continue;
      if (!inRange(i) || !defined[static_cast<size_t>(i)])
        return bad("node '" + out.name + "' uses a tensor before its node");
      out.inputs.push_back(static_cast<size_t>(i));
    }
  const bool isNorm = std::holds_alternative<NormOp>(out.op);
  if (!in.outputs() || in.outputs()->size() == 0 ||
      (in.outputs()->size() != 1 && !isNorm) || in.outputs()->Get(0) < 0)
    return bad("node '" + out.name + "' needs one output of its own");
  out.output = static_cast<size_t>(in.outputs()->Get(0));
  for (int32_t i : *in.outputs()) {
    if (i == -1)
      continue;
    if (!inRange(i) || defined[static_cast<size_t>(i)])
      return bad("node '" + out.name + "' needs one output of its own");
    defined[static_cast<size_t>(i)] = true;
  }
  if (isNorm)
    FUSILLI_CHECK_ERROR(bindNorm(in, out));
  FUSILLI_CHECK_ERROR(checkNode(program, out));
  return out;
}

} // namespace

ErrorOr<Program> decodeProgram(std::span<const uint8_t> graphDef) {
  // A copy of our own: aligned, and nobody changes it meanwhile.
  const std::vector<uint8_t> bytes(graphDef.begin(), graphDef.end());
  const graph::GraphDefDefect defect = graph::findGraphDefDefect(bytes);
  if (defect != graph::GraphDefDefect::None &&
      defect != graph::GraphDefDefect::Version)
    return bad("not a graph definition, or damaged");
  const fbs::GraphDef *def = fbs::GetGraphDef(bytes.data());
  if (defect == graph::GraphDefDefect::Version)
    return bad("version " + std::to_string(def->version()) + ", expected " +
               std::to_string(graph::kGraphDefVersion));
  Program program;
  program.name = text(def->name());
  if (def->tensors())
    for (const fbs::Tensor *tensor : *def->tensors()) {
      const bool isInput = program.tensors.size() < def->num_inputs();
      FUSILLI_ASSIGN_OR_RETURN(TensorDef decoded,
                               decodeTensor(*tensor, isInput));
      program.tensors.push_back(std::move(decoded));
    }
  std::vector<bool> defined(program.tensors.size());
  for (size_t i = 0; i < program.tensors.size(); ++i)
    defined[i] = program.tensors[i].isInput;
  if (def->nodes())
    for (const fbs::Node *node : *def->nodes()) {
      FUSILLI_ASSIGN_OR_RETURN(NodeDef decoded,
                               decodeNode(*node, program, defined));
      program.nodes.push_back(std::move(decoded));
    }
  for (size_t i = 0; i < defined.size(); ++i)
    if (!defined[i])
      return bad("no node gives tensor '" + program.tensors[i].spec.name + "'");
  return program;
}

} // namespace fusilli::reference
