// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layernorm, softmax and batchnorm (training), each one primitive on our
// layouts. Their results have the layout of their input.

#include "benchmarks/peers/onednn.h"

namespace fusilli::bench::onednn {

namespace {

constexpr float kEpsilon = 1e-5f;
const auto kAffine =
    dnnl::normalization_flags::use_scale | dnnl::normalization_flags::use_shift;

/// Throws where input and result have different layouts.
void needSameLayout(const Problem &problem) {
  if (problem.views)
    throw dnnl::error(dnnl_unimplemented,
                      "the result must have the layout of the input");
}

dnnl::memory::desc vectorDesc(int64_t extent) {
  return {{extent}, dnnl::memory::data_type::f32, dnnl::memory::format_tag::a};
}

/// A vector of a problem in f32, as the library's norms take them.
dnnl::memory widened(Program &program, const ProblemData &data, size_t input,
                     int64_t extent) {
  dnnl::memory to(vectorDesc(extent), program.engine);
  auto *values = static_cast<float *>(to.get_data_handle());
  for (int64_t i = 0; i < extent; ++i)
    values[i] =
        float(loadElement(data.problem.type, data.inputs[input].data(), i));
  return to;
}

} // namespace

std::vector<PeerVariant> prepareLayernorm(const ProblemData &data) {
  const Problem &problem = data.problem;
  needSameLayout(problem);
  std::shared_ptr<Program> program = programFor(data);
  // Rows of all that is normalised: the dims of either are neighbours.
  TensorSpec x = inputSpecs(problem)[0];
  int64_t row = x.elements() / x.dims[0];
  TensorSpec flat{"x", {x.dims[0], row}, {x.strides[0], x.strides.back()}};
  dnnl::memory::desc desc = plainDesc(flat, problem.type);
  dnnl::layer_normalization_forward::primitive_desc primitive(
      dnnl::layer_normalization_forward::desc(
          dnnl::prop_kind::forward_inference, desc, kEpsilon, kAffine),
      program->engine);
  program->add(dnnl::layer_normalization_forward(primitive),
               {{DNNL_ARG_SRC, program->wrap(desc, data.inputs[0].data())},
                {DNNL_ARG_SCALE, widened(*program, data, 1, row)},
                {DNNL_ARG_SHIFT, widened(*program, data, 2, row)},
                {DNNL_ARG_DST, program->wrap(desc, program->output.data())}});
  return {variantOf(std::move(program), "plain")};
}

std::vector<PeerVariant> prepareSoftmax(const ProblemData &data) {
  const Problem &problem = data.problem;
  needSameLayout(problem);
  if (problem.axes.size() != 1)
    throw dnnl::error(dnnl_unimplemented, "softmax over one axis only");
  std::shared_ptr<Program> program = programFor(data);
  dnnl::memory::desc desc = plainDesc(inputSpecs(problem)[0], problem.type);
  dnnl::softmax_forward::primitive_desc primitive(
      dnnl::softmax_forward::desc(dnnl::prop_kind::forward_inference, desc,
                                  static_cast<int>(problem.axes[0])),
      program->engine);
  program->add(dnnl::softmax_forward(primitive),
               {{DNNL_ARG_SRC, program->wrap(desc, data.inputs[0].data())},
                {DNNL_ARG_DST, program->wrap(desc, program->output.data())}});
  return {variantOf(std::move(program), "plain")};
}

std::vector<PeerVariant> prepareBatchnorm(const ProblemData &data) {
  const Problem &problem = data.problem;
  needSameLayout(problem);
  std::shared_ptr<Program> program = programFor(data);
  dnnl::memory::desc desc = plainDesc(inputSpecs(problem)[0], problem.type);
  int64_t channels = problem.conv.c;
  dnnl::batch_normalization_forward::primitive_desc primitive(
      dnnl::batch_normalization_forward::desc(dnnl::prop_kind::forward_training,
                                              desc, kEpsilon, kAffine),
      program->engine);
  program->add(
      dnnl::batch_normalization_forward(primitive),
      {{DNNL_ARG_SRC, program->wrap(desc, data.inputs[0].data())},
       {DNNL_ARG_SCALE, widened(*program, data, 1, channels)},
       {DNNL_ARG_SHIFT, widened(*program, data, 2, channels)},
       {DNNL_ARG_MEAN, dnnl::memory(vectorDesc(channels), program->engine)},
       {DNNL_ARG_VARIANCE, dnnl::memory(vectorDesc(channels), program->engine)},
       {DNNL_ARG_DST, program->wrap(desc, program->output.data())}});
  return {variantOf(std::move(program), "plain")};
}

} // namespace fusilli::bench::onednn
