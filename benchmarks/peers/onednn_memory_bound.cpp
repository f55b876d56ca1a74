// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Pointwise chains and reductions. A chain that starts with a binary op is one
// primitive with post-ops ("fused"); any chain is also a primitive per op, in
// place ("chain").

#include "benchmarks/peers/onednn.h"

#include <optional>
#include <string_view>

namespace fusilli::bench::onednn {

namespace {

using dnnl::algorithm;

struct OpRow {
  std::string_view mode;
  algorithm algo;
  float alpha, beta;
};

constexpr OpRow kBinary[] = {{"ADD", algorithm::binary_add, 0, 0},
                             {"SUB", algorithm::binary_sub, 0, 0},
                             {"MUL", algorithm::binary_mul, 0, 0},
                             {"DIV", algorithm::binary_div, 0, 0},
                             {"MAX_OP", algorithm::binary_max, 0, 0},
                             {"MIN_OP", algorithm::binary_min, 0, 0}};

constexpr OpRow kUnary[] = {
    {"ABS", algorithm::eltwise_abs, 0, 0},
    {"ELU_FWD", algorithm::eltwise_elu, 1, 0},
    {"EXP", algorithm::eltwise_exp, 0, 0},
    {"GELU_FWD", algorithm::eltwise_gelu_erf, 0, 0},
    {"GELU_APPROX_TANH_FWD", algorithm::eltwise_gelu_tanh, 0, 0},
    {"IDENTITY", algorithm::eltwise_linear, 1, 0},
    {"LOG", algorithm::eltwise_log, 0, 0},
    {"NEG", algorithm::eltwise_linear, -1, 0},
    {"RECIPROCAL", algorithm::eltwise_pow, 1, -1},
    {"RELU_FWD", algorithm::eltwise_relu, 0, 0},
    {"RSQRT", algorithm::eltwise_pow, 1, -0.5f},
    {"SIGMOID_FWD", algorithm::eltwise_logistic, 0, 0},
    {"SOFTPLUS_FWD", algorithm::eltwise_soft_relu, 0, 0},
    {"SQRT", algorithm::eltwise_sqrt, 0, 0},
    {"SWISH_FWD", algorithm::eltwise_swish, 1, 0},
    {"TANH_FWD", algorithm::eltwise_tanh, 0, 0}};

const OpRow &rowFor(const PointwiseOp &op) {
  if (op.arity == 2) {
    for (const OpRow &row : kBinary)
      if (row.mode == op.mode)
        return row;
  } else {
    for (const OpRow &row : kUnary)
      if (row.mode == op.mode)
        return row;
  }
  throw dnnl::error(dnnl_unimplemented, "no such pointwise op");
}

/// Memories of a pointwise problem.
struct Operands {
  std::shared_ptr<Program> program = std::make_shared<Program>();
  dnnl::memory::desc desc; ///< of the result and all inputs but the first
  std::vector<dnnl::memory> inputs;
  dnnl::memory result;

  explicit Operands(const ProblemData &data) {
    TensorSpec out = outputSpec(data.problem);
    desc = plainDesc(out, data.problem.type);
    program->output = BigBuffer(
        static_cast<size_t>(out.elements() * elementSize(data.problem.type)));
    std::vector<TensorSpec> specs = inputSpecs(data.problem);
    for (size_t i = 0; i < specs.size(); ++i)
      inputs.push_back(program->wrap(plainDesc(specs[i], data.problem.type),
                                     data.inputs[i].data()));
    result = program->wrap(desc, program->output.data());
  }
};

PeerVariant fusedVariant(const ProblemData &data) {
  const std::vector<const PointwiseOp *> &ops = data.problem.ops;
  Operands operands(data);
  dnnl::post_ops post;
  Args args = {{DNNL_ARG_SRC_0, operands.inputs[0]},
               {DNNL_ARG_SRC_1, operands.inputs[1]},
               {DNNL_ARG_DST, operands.result}};
  size_t input = 2;
  for (size_t i = 1; i < ops.size(); ++i) {
    const OpRow &row = rowFor(*ops[i]);
    if (ops[i]->arity == 1) {
      post.append_eltwise(1.0f, row.algo, row.alpha, row.beta);
      continue;
    }
    post.append_binary(row.algo, operands.desc);
    int slot = DNNL_ARG_ATTR_MULTIPLE_POST_OP(static_cast<int>(i) - 1);
    args.emplace(slot | DNNL_ARG_SRC_1, operands.inputs[input++]);
  }
  dnnl::primitive_attr attr;
  attr.set_post_ops(post);
  dnnl::binary::primitive_desc primitive(
      dnnl::binary::desc(rowFor(*ops[0]).algo, operands.inputs[0].get_desc(),
                         operands.desc, operands.desc),
      attr, operands.program->engine);
  operands.program->add(dnnl::binary(primitive), std::move(args));
  return variantOf(operands.program, "fused");
}

PeerVariant chainVariant(const ProblemData &data) {
  Operands operands(data);
  Program &program = *operands.program;
  const dnnl::memory::desc &desc = operands.desc;
  dnnl::memory value = operands.inputs[0];
  size_t input = 1;
  for (const PointwiseOp *op : data.problem.ops) {
    const OpRow &row = rowFor(*op);
    if (op->arity == 2) {
      dnnl::binary::primitive_desc primitive(
          dnnl::binary::desc(row.algo, value.get_desc(), desc, desc),
          program.engine);
      program.add(dnnl::binary(primitive),
                  {{DNNL_ARG_SRC_0, value},
                   {DNNL_ARG_SRC_1, operands.inputs[input++]},
                   {DNNL_ARG_DST, operands.result}});
    } else {
      if (value.get_desc() != desc)
        throw dnnl::error(dnnl_unimplemented,
                          "the result must have the layout of the input");
      dnnl::eltwise_forward::primitive_desc primitive(
          dnnl::eltwise_forward::desc(dnnl::prop_kind::forward_inference,
                                      row.algo, desc, row.alpha, row.beta),
          program.engine);
      program.add(dnnl::eltwise_forward(primitive),
                  {{DNNL_ARG_SRC, value}, {DNNL_ARG_DST, operands.result}});
    }
    value = operands.result;
  }
  return variantOf(operands.program, "chain");
}

} // namespace

std::vector<PeerVariant> preparePointwise(const ProblemData &data) {
  std::vector<PeerVariant> variants;
  const std::vector<const PointwiseOp *> &ops = data.problem.ops;
  if (ops.size() > 1 && ops[0]->arity == 2) {
    try {
      variants.push_back(fusedVariant(data));
    } catch (const dnnl::error &) {
      // The chain below remains.
    }
  }
  variants.push_back(chainVariant(data));
  return variants;
}

std::vector<PeerVariant> prepareReduce(const ProblemData &data) {
  const Problem &problem = data.problem;
  constexpr OpRow kModes[] = {
      {"ADD", algorithm::reduction_sum, 0, 0},
      {"MUL", algorithm::reduction_mul, 0, 0},
      {"MIN", algorithm::reduction_min, 0, 0},
      {"MAX", algorithm::reduction_max, 0, 0},
      {"AVG", algorithm::reduction_mean, 0, 0},
      {"NORM1", algorithm::reduction_norm_lp_power_p_sum, 1, 0},
      {"NORM2", algorithm::reduction_norm_lp_sum, 2, 0}};
  for (const OpRow &row : kModes) {
    if (row.mode != problem.reduce->mode)
      continue;
    auto program = std::make_shared<Program>();
    TensorSpec in = inputSpecs(problem)[0], out = outputSpec(problem);
    program->output = BigBuffer(
        static_cast<size_t>(out.elements() * elementSize(problem.type)));
    dnnl::memory::desc from = plainDesc(in, problem.type);
    dnnl::memory::desc to = plainDesc(out, problem.type);
    dnnl::reduction::primitive_desc primitive(
        dnnl::reduction::desc(row.algo, from, to, row.alpha, row.beta),
        program->engine);
    program->add(dnnl::reduction(primitive),
                 {{DNNL_ARG_SRC, program->wrap(from, data.inputs[0].data())},
                  {DNNL_ARG_DST, program->wrap(to, program->output.data())}});
    return {variantOf(program, "plain")};
  }
  throw dnnl::error(dnnl_unimplemented, "no such reduction");
}

} // namespace fusilli::bench::onednn
