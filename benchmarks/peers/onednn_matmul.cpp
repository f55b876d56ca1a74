// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Matmul. Reorders are part of the timed call, except that of a second operand
// that is declared constant.

#include "benchmarks/peers/onednn.h"

namespace fusilli::bench::onednn {

namespace {

PeerVariant matmulVariant(const ProblemData &data, Layouts layouts) {
  const Problem &problem = data.problem;
  ElementType type = problem.type;
  std::vector<TensorSpec> specs = inputSpecs(problem);
  TensorSpec out = outputSpec(problem);
  std::shared_ptr<Program> program = programFor(data);
  auto desc = [&](const TensorSpec &spec, bool second) {
    bool any =
        layouts == Layouts::Preferred || (second && layouts == Layouts::Packed);
    return any ? anyDesc(spec, type) : plainDesc(spec, type);
  };
  dnnl::memory::desc a = desc(specs[0], false), b = desc(specs[1], true),
                     c = desc(out, false), bias;
  if (problem.bias)
    bias = plainDesc(specs[2], type);
  dnnl::matmul::desc operation = problem.bias
                                     ? dnnl::matmul::desc(a, b, bias, c)
                                     : dnnl::matmul::desc(a, b, c);
  dnnl::matmul::primitive_desc primitive(
      operation, activationAttr(problem.activation), program->engine);
  dnnl::memory to = program->wrap(plainDesc(out, type), program->output.data());
  dnnl::memory result = program->resultFor(to, primitive.dst_desc());
  dnnl::memory first = program->reordered(
      program->wrap(plainDesc(specs[0], type), data.inputs[0].data()),
      primitive.src_desc());
  dnnl::memory second = program->packed(
      program->wrap(plainDesc(specs[1], type), data.inputs[1].data()),
      primitive.weights_desc(), problem.constant);
  Args args = {{DNNL_ARG_SRC, first},
               {DNNL_ARG_WEIGHTS, second},
               {DNNL_ARG_DST, result}};
  if (problem.bias)
    args.emplace(DNNL_ARG_BIAS, program->wrap(bias, data.inputs[2].data()));
  program->add(dnnl::matmul(primitive), std::move(args));
  program->finish(result, to);
  return variantOf(std::move(program), labelOf(layouts));
}

} // namespace

std::vector<PeerVariant> prepareMatmul(const ProblemData &data) {
  std::vector<Layouts> wanted = {Layouts::Plain, Layouts::Preferred};
  if (data.problem.constant)
    wanted.push_back(Layouts::Packed);
  return variantsOf(
      wanted, [&](Layouts layouts) { return matmulVariant(data, layouts); });
}

} // namespace fusilli::bench::onednn
