// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Convolution and its gradients. Reorders are part of the timed call, except
// that of a second operand that is declared constant.

#include "benchmarks/peers/onednn.h"

#include <string_view>

namespace fusilli::bench::onednn {

namespace {

constexpr auto kAlgorithm = dnnl::algorithm::convolution_auto;

/// Weights as the library has them: with a dim of groups where there are some.
TensorSpec groupedWeights(TensorSpec w, int64_t groups) {
  if (groups == 1)
    return w;
  int64_t perGroup = w.dims[0] / groups;
  w.dims[0] = perGroup;
  w.dims.insert(w.dims.begin(), groups);
  w.strides.insert(w.strides.begin(), w.strides[0] * perGroup);
  return w;
}

/// What the three directions share.
struct Shape {
  TensorSpec x, w, y;
  dnnl::memory::dims strides, dilates, pads;

  explicit Shape(const Problem &problem) {
    const ConvShape &conv = problem.conv;
    Problem forward = problem;
    forward.kind = ProblemKind::Conv;
    forward.views = false;
    std::vector<TensorSpec> inputs = inputSpecs(forward);
    x = inputs[0];
    w = groupedWeights(inputs[1], conv.groups);
    y = outputSpec(forward);
    // The first operand may be a view.
    (problem.kind == ProblemKind::Conv ? x : y) = inputSpecs(problem)[0];
    strides = conv.stride;
    pads = conv.pad;
    for (int64_t dilation : conv.dilation)
      dilates.push_back(dilation - 1);
  }
};

dnnl::convolution_forward::desc
forwardDesc(const Shape &shape, const dnnl::memory::desc &x,
            const dnnl::memory::desc &w, const dnnl::memory::desc *bias,
            const dnnl::memory::desc &y, dnnl::prop_kind kind) {
  if (bias)
    return {kind,          kAlgorithm,    x,          w,         *bias, y,
            shape.strides, shape.dilates, shape.pads, shape.pads};
  return {kind,          kAlgorithm,    x,          w,         y,
          shape.strides, shape.dilates, shape.pads, shape.pads};
}

/// The library's plain loops take seconds where its kernels take milliseconds.
void refuseReference(const char *implementation) {
  if (std::string_view(implementation).starts_with("ref"))
    throw dnnl::error(dnnl_unimplemented, "only the reference implementation");
}

PeerVariant convVariant(const ProblemData &data, Layouts layouts) {
  const Problem &problem = data.problem;
  ElementType type = problem.type;
  Shape shape(problem);
  std::shared_ptr<Program> program = programFor(data);
  bool preferred = layouts == Layouts::Preferred;
  auto desc = [&](const TensorSpec &spec) {
    return preferred ? anyDesc(spec, type) : plainDesc(spec, type);
  };
  dnnl::memory::desc weights = layouts == Layouts::Plain
                                   ? plainDesc(shape.w, type)
                                   : anyDesc(shape.w, type);
  dnnl::memory::desc bias({problem.conv.k}, dataType(type),
                          dnnl::memory::format_tag::a);
  dnnl::convolution_forward::primitive_desc primitive(
      forwardDesc(shape, desc(shape.x), weights, problem.bias ? &bias : nullptr,
                  desc(shape.y), dnnl::prop_kind::forward_inference),
      activationAttr(problem.activation), program->engine);
  if (layouts == Layouts::Plain)
    refuseReference(primitive.impl_info_str());
  dnnl::memory to =
      program->wrap(plainDesc(shape.y, type), program->output.data());
  dnnl::memory result = program->resultFor(to, primitive.dst_desc());
  dnnl::memory x = program->reordered(
      program->wrap(plainDesc(shape.x, type), data.inputs[0].data()),
      primitive.src_desc());
  dnnl::memory w = program->packed(
      program->wrap(plainDesc(shape.w, type), data.inputs[1].data()),
      primitive.weights_desc(), problem.constant);
  Args args = {
      {DNNL_ARG_SRC, x}, {DNNL_ARG_WEIGHTS, w}, {DNNL_ARG_DST, result}};
  if (problem.bias)
    args.emplace(DNNL_ARG_BIAS, program->wrap(bias, data.inputs[2].data()));
  program->add(dnnl::convolution_forward(primitive), std::move(args));
  program->finish(result, to);
  return variantOf(std::move(program), labelOf(layouts));
}

/// The forward convolution that a gradient belongs to.
dnnl::convolution_forward::primitive_desc hintFor(const Shape &shape,
                                                  const dnnl::memory::desc &x,
                                                  const dnnl::memory::desc &w,
                                                  const dnnl::memory::desc &y,
                                                  const dnnl::engine &engine) {
  return {
      forwardDesc(shape, x, w, nullptr, y, dnnl::prop_kind::forward_training),
      engine};
}

PeerVariant dgradVariant(const ProblemData &data, Layouts layouts) {
  const Problem &problem = data.problem;
  ElementType type = problem.type;
  Shape shape(problem);
  std::shared_ptr<Program> program = programFor(data);
  auto desc = [&](const TensorSpec &spec) {
    return layouts == Layouts::Preferred ? anyDesc(spec, type)
                                         : plainDesc(spec, type);
  };
  dnnl::memory::desc x = desc(shape.x), y = desc(shape.y),
                     any = anyDesc(shape.w, type);
  dnnl::convolution_backward_data::primitive_desc primitive(
      dnnl::convolution_backward_data::desc(kAlgorithm, x, any, y,
                                            shape.strides, shape.dilates,
                                            shape.pads, shape.pads),
      program->engine, hintFor(shape, x, any, y, program->engine));
  dnnl::memory to =
      program->wrap(plainDesc(shape.x, type), program->output.data());
  dnnl::memory result = program->resultFor(to, primitive.diff_src_desc());
  dnnl::memory dy = program->reordered(
      program->wrap(plainDesc(shape.y, type), data.inputs[0].data()),
      primitive.diff_dst_desc());
  dnnl::memory w = program->packed(
      program->wrap(plainDesc(shape.w, type), data.inputs[1].data()),
      primitive.weights_desc(), problem.constant);
  program->add(dnnl::convolution_backward_data(primitive),
               {{DNNL_ARG_DIFF_DST, dy},
                {DNNL_ARG_WEIGHTS, w},
                {DNNL_ARG_DIFF_SRC, result}});
  program->finish(result, to);
  return variantOf(std::move(program), labelOf(layouts));
}

PeerVariant wgradVariant(const ProblemData &data, Layouts layouts) {
  const Problem &problem = data.problem;
  ElementType type = problem.type;
  Shape shape(problem);
  std::shared_ptr<Program> program = programFor(data);
  auto desc = [&](const TensorSpec &spec) {
    return layouts == Layouts::Preferred ? anyDesc(spec, type)
                                         : plainDesc(spec, type);
  };
  dnnl::memory::desc x = desc(shape.x), y = desc(shape.y),
                     any = anyDesc(shape.w, type);
  dnnl::convolution_backward_weights::primitive_desc primitive(
      dnnl::convolution_backward_weights::desc(kAlgorithm, x, any, y,
                                               shape.strides, shape.dilates,
                                               shape.pads, shape.pads),
      program->engine, hintFor(shape, x, any, y, program->engine));
  dnnl::memory to =
      program->wrap(plainDesc(shape.w, type), program->output.data());
  dnnl::memory result = program->resultFor(to, primitive.diff_weights_desc());
  dnnl::memory dy = program->reordered(
      program->wrap(plainDesc(shape.y, type), data.inputs[0].data()),
      primitive.diff_dst_desc());
  dnnl::memory input = program->reordered(
      program->wrap(plainDesc(shape.x, type), data.inputs[1].data()),
      primitive.src_desc());
  program->add(dnnl::convolution_backward_weights(primitive),
               {{DNNL_ARG_DIFF_DST, dy},
                {DNNL_ARG_SRC, input},
                {DNNL_ARG_DIFF_WEIGHTS, result}});
  program->finish(result, to);
  return variantOf(std::move(program), labelOf(layouts));
}

} // namespace

std::vector<PeerVariant> prepareConv(const ProblemData &data) {
  return variantsOf(
      {Layouts::Plain, Layouts::Packed, Layouts::Preferred},
      [&](Layouts layouts) { return convVariant(data, layouts); });
}

std::vector<PeerVariant> prepareConvDGrad(const ProblemData &data) {
  return variantsOf(
      {Layouts::Packed, Layouts::Preferred},
      [&](Layouts layouts) { return dgradVariant(data, layouts); });
}

std::vector<PeerVariant> prepareConvWGrad(const ProblemData &data) {
  return variantsOf(
      {Layouts::Packed, Layouts::Preferred},
      [&](Layouts layouts) { return wgradVariant(data, layouts); });
}

} // namespace fusilli::bench::onednn
