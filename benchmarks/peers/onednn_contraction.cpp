// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Matmul and convolution. "plain" keeps our layouts for what moves at run
// time; "preferred" leaves all layouts to the library and pays for the
// reorders, except those of constant convolution weights.

#include "benchmarks/peers/onednn.h"

#include <optional>

namespace fusilli::bench::onednn {

namespace {

/// Adds the variants that the library has; throws the last error if none.
template <typename Build>
std::vector<PeerVariant> bothLayouts(const Build &build) {
  std::vector<PeerVariant> variants;
  std::optional<dnnl::error> failure;
  for (Layouts layouts : {Layouts::Plain, Layouts::Preferred}) {
    try {
      variants.push_back(build(layouts));
    } catch (const dnnl::error &error) {
      failure = error;
    }
  }
  if (variants.empty() && failure)
    throw dnnl::error(*failure);
  return variants;
}

const char *labelOf(Layouts layouts) {
  return layouts == Layouts::Plain ? "plain" : "preferred";
}

PeerVariant matmulVariant(const ProblemData &data, Layouts layouts) {
  const Problem &problem = data.problem;
  std::vector<TensorSpec> specs = inputSpecs(problem);
  TensorSpec out = outputSpec(problem);
  auto program = std::make_shared<Program>();
  program->output = BigBuffer(
      static_cast<size_t>(out.elements() * elementSize(problem.type)));
  bool plain = layouts == Layouts::Plain;
  auto desc = [&](const TensorSpec &spec) {
    return plain ? plainDesc(spec, problem.type) : anyDesc(spec, problem.type);
  };
  dnnl::memory::desc bias;
  if (problem.bias)
    bias = plainDesc(specs[2], problem.type);
  dnnl::matmul::desc operation =
      problem.bias
          ? dnnl::matmul::desc(desc(specs[0]), desc(specs[1]), bias, desc(out))
          : dnnl::matmul::desc(desc(specs[0]), desc(specs[1]), desc(out));
  dnnl::matmul::primitive_desc primitive(
      operation, activationAttr(problem.activation), program->engine);
  dnnl::memory a = program->reordered(
      program->wrap(plainDesc(specs[0], problem.type), data.inputs[0].data()),
      primitive.src_desc());
  dnnl::memory b = program->reordered(
      program->wrap(plainDesc(specs[1], problem.type), data.inputs[1].data()),
      primitive.weights_desc());
  dnnl::memory result =
      program->wrap(plainDesc(out, problem.type), program->output.data());
  bool direct = primitive.dst_desc() == result.get_desc();
  dnnl::memory c =
      direct ? result : dnnl::memory(primitive.dst_desc(), program->engine);
  Args args = {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, c}};
  if (problem.bias)
    args.emplace(DNNL_ARG_BIAS, program->wrap(bias, data.inputs[2].data()));
  program->add(dnnl::matmul(primitive), std::move(args));
  if (!direct)
    program->add(dnnl::reorder(c, result),
                 {{DNNL_ARG_FROM, c}, {DNNL_ARG_TO, result}});
  return variantOf(std::move(program), labelOf(layouts));
}

dnnl::convolution_forward::desc convDesc(const Problem &problem,
                                         const dnnl::memory::desc &x,
                                         const dnnl::memory::desc &w,
                                         const dnnl::memory::desc &bias,
                                         const dnnl::memory::desc &y) {
  const ConvShape &conv = problem.conv;
  dnnl::memory::dims strides{conv.stride, conv.stride};
  dnnl::memory::dims dilates{conv.dilation - 1, conv.dilation - 1};
  dnnl::memory::dims pads{conv.pad, conv.pad};
  constexpr auto kind = dnnl::prop_kind::forward_inference;
  constexpr auto algorithm = dnnl::algorithm::convolution_auto;
  if (problem.bias)
    return {kind, algorithm, x, w, bias, y, strides, dilates, pads, pads};
  return {kind, algorithm, x, w, y, strides, dilates, pads, pads};
}

PeerVariant convVariant(const ProblemData &data, Layouts layouts) {
  const Problem &problem = data.problem;
  ElementType type = problem.type;
  std::vector<TensorSpec> specs = inputSpecs(problem);
  TensorSpec out = outputSpec(problem);
  auto program = std::make_shared<Program>();
  program->output =
      BigBuffer(static_cast<size_t>(out.elements() * elementSize(type)));
  bool plain = layouts == Layouts::Plain;
  auto desc = [&](const TensorSpec &spec) {
    return plain ? plainDesc(spec, type) : anyDesc(spec, type);
  };
  dnnl::memory::desc bias;
  if (problem.bias)
    bias = dnnl::memory::desc({problem.conv.k}, dataType(type),
                              dnnl::memory::format_tag::a);
  dnnl::convolution_forward::primitive_desc primitive(
      convDesc(problem, desc(specs[0]), anyDesc(specs[1], type), bias,
               desc(out)),
      activationAttr(problem.activation), program->engine);
  // Constant weights are packed before the timed calls.
  dnnl::memory given =
      program->wrap(plainDesc(specs[1], type), data.inputs[1].data());
  dnnl::memory weights(primitive.weights_desc(), program->engine);
  dnnl::reorder(given, weights).execute(program->stream, given, weights);
  program->stream.wait();
  dnnl::memory x = program->reordered(
      program->wrap(plainDesc(specs[0], type), data.inputs[0].data()),
      primitive.src_desc());
  dnnl::memory result =
      program->wrap(plainDesc(out, type), program->output.data());
  bool direct = primitive.dst_desc() == result.get_desc();
  dnnl::memory y =
      direct ? result : dnnl::memory(primitive.dst_desc(), program->engine);
  Args args = {
      {DNNL_ARG_SRC, x}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_DST, y}};
  if (problem.bias)
    args.emplace(DNNL_ARG_BIAS, program->wrap(bias, data.inputs[2].data()));
  program->add(dnnl::convolution_forward(primitive), std::move(args));
  if (!direct)
    program->add(dnnl::reorder(y, result),
                 {{DNNL_ARG_FROM, y}, {DNNL_ARG_TO, result}});
  return variantOf(std::move(program), labelOf(layouts));
}

} // namespace

std::vector<PeerVariant> prepareMatmul(const ProblemData &data) {
  return bothLayouts(
      [&](Layouts layouts) { return matmulVariant(data, layouts); });
}

std::vector<PeerVariant> prepareConv(const ProblemData &data) {
  return bothLayouts(
      [&](Layouts layouts) { return convVariant(data, layouts); });
}

} // namespace fusilli::bench::onednn
