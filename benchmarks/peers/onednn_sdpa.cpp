// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention as a chain of three primitives, with the scores in memory: this
// version of the library has no fused one.

#include "benchmarks/peers/onednn.h"

#include <cmath>
#include <limits>

namespace fusilli::bench::onednn {

namespace {

/// Heads as [batch, key heads, group, rows, columns], so that grouped heads
/// share keys and values by broadcast.
TensorSpec grouped(const char *name, const SdpaShape &sdpa, int64_t group,
                   const TensorSpec &from) {
  const std::vector<int64_t> &s = from.strides;
  return {name,
          {sdpa.batch, sdpa.kvHeads, group, from.dims[2], from.dims[3]},
          {s[0], s[1] * group, s[1], s[2], s[3]}};
}

/// The mask of the problem, or that of causality; empty where there is none.
dnnl::memory maskOf(Program &program, const ProblemData &data) {
  const SdpaShape &sdpa = data.problem.sdpa;
  if (!sdpa.mask && !sdpa.causal)
    return {};
  dnnl::memory mask({{1, 1, 1, sdpa.queries, sdpa.keys},
                     dnnl::memory::data_type::f32,
                     dnnl::memory::format_tag::abcde},
                    program.engine);
  auto *values = static_cast<float *>(mask.get_data_handle());
  for (int64_t i = 0; i < sdpa.queries; ++i)
    for (int64_t j = 0; j < sdpa.keys; ++j) {
      int64_t at = i * sdpa.keys + j;
      if (sdpa.mask)
        values[at] =
            float(loadElement(data.problem.type, data.inputs[3].data(), at));
      else
        values[at] = j > i ? std::numeric_limits<float>::lowest() : 0;
    }
  return mask;
}

} // namespace

std::vector<PeerVariant> prepareSdpa(const ProblemData &data) {
  const Problem &problem = data.problem;
  ElementType type = problem.type;
  const SdpaShape &sdpa = problem.sdpa;
  std::vector<TensorSpec> specs = inputSpecs(problem);
  std::shared_ptr<Program> program = programFor(data);
  const dnnl::engine &engine = program->engine;
  int64_t group = sdpa.heads / sdpa.kvHeads;
  TensorSpec q = grouped("q", sdpa, group, specs[0]);
  TensorSpec k = grouped("k", sdpa, 1, specs[1]);
  TensorSpec v = grouped("v", sdpa, 1, specs[2]);
  TensorSpec out = grouped("out", sdpa, group, outputSpec(problem));
  std::swap(k.dims[3], k.dims[4]);
  std::swap(k.strides[3], k.strides[4]);
  dnnl::memory::desc scoresDesc(
      {sdpa.batch, sdpa.kvHeads, group, sdpa.queries, sdpa.keys},
      dataType(type), dnnl::memory::format_tag::abcde);
  dnnl::memory scores(scoresDesc, engine);
  auto input = [&](const TensorSpec &spec, size_t number) {
    return program->wrap(plainDesc(spec, type), data.inputs[number].data());
  };

  dnnl::primitive_attr attr;
  attr.set_output_scales(0, {float(1 / std::sqrt(double(sdpa.dim)))});
  Args args = {{DNNL_ARG_SRC, input(q, 0)},
               {DNNL_ARG_WEIGHTS, input(k, 1)},
               {DNNL_ARG_DST, scores}};
  if (dnnl::memory mask = maskOf(*program, data); mask) {
    dnnl::post_ops post;
    post.append_binary(dnnl::algorithm::binary_add, mask.get_desc());
    attr.set_post_ops(post);
    args.emplace(DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1, mask);
  }
  program->add(dnnl::matmul({dnnl::matmul::desc(plainDesc(q, type),
                                                plainDesc(k, type), scoresDesc),
                             attr, engine}),
               std::move(args));
  program->add(dnnl::softmax_forward(
                   {dnnl::softmax_forward::desc(
                        dnnl::prop_kind::forward_inference, scoresDesc, 4),
                    engine}),
               {{DNNL_ARG_SRC, scores}, {DNNL_ARG_DST, scores}});
  program->add(dnnl::matmul({dnnl::matmul::desc(scoresDesc, plainDesc(v, type),
                                                plainDesc(out, type)),
                             engine}),
               {{DNNL_ARG_SRC, scores},
                {DNNL_ARG_WEIGHTS, input(v, 2)},
                {DNNL_ARG_DST,
                 program->wrap(plainDesc(out, type), program->output.data())}});
  return {variantOf(std::move(program), "chain")};
}

} // namespace fusilli::bench::onednn
