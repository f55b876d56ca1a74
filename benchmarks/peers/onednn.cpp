// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The peer itself: limits of the target, threads, errors to reasons, and what
// the builders share.

#include "benchmarks/peers/onednn.h"

#include <dlfcn.h>

#include <optional>

namespace fusilli::bench {

namespace onednn {

void Program::add(dnnl::primitive primitive, Args arguments) {
  primitives.push_back(std::move(primitive));
  args.push_back(std::move(arguments));
}

dnnl::memory Program::wrap(const dnnl::memory::desc &desc,
                           const void *data) const {
  return dnnl::memory(desc, engine, const_cast<void *>(data));
}

dnnl::memory Program::reordered(const dnnl::memory &from,
                                const dnnl::memory::desc &wanted) {
  if (from.get_desc() == wanted)
    return from;
  dnnl::memory to(wanted, engine);
  add(dnnl::reorder(from, to), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}});
  return to;
}

dnnl::memory Program::packed(const dnnl::memory &from,
                             const dnnl::memory::desc &wanted, bool constant) {
  if (!constant || from.get_desc() == wanted)
    return reordered(from, wanted);
  dnnl::memory to(wanted, engine);
  dnnl::reorder(from, to).execute(stream,
                                  {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}});
  stream.wait();
  return to;
}

dnnl::memory Program::resultFor(const dnnl::memory &to,
                                const dnnl::memory::desc &wanted) const {
  return to.get_desc() == wanted ? to : dnnl::memory(wanted, engine);
}

void Program::finish(const dnnl::memory &result, const dnnl::memory &to) {
  if (result.get() != to.get())
    add(dnnl::reorder(result, to),
        {{DNNL_ARG_FROM, result}, {DNNL_ARG_TO, to}});
}

bool Program::run() {
  try {
    for (size_t i = 0; i < primitives.size(); ++i)
      primitives[i].execute(stream, args[i]);
    stream.wait();
    return true;
  } catch (const dnnl::error &) {
    return false;
  }
}

dnnl::memory::data_type dataType(ElementType type) {
  switch (type) {
  case ElementType::F16:
    return dnnl::memory::data_type::f16;
  case ElementType::BF16:
    return dnnl::memory::data_type::bf16;
  case ElementType::F32:
    return dnnl::memory::data_type::f32;
  case ElementType::I8:
    return dnnl::memory::data_type::s8;
  case ElementType::I32:
    return dnnl::memory::data_type::s32;
  default:
    return dnnl::memory::data_type::undef;
  }
}

dnnl::memory::desc plainDesc(const TensorSpec &spec, ElementType type) {
  return {spec.dims, dataType(type), dnnl::memory::dims(spec.strides)};
}

dnnl::memory::desc anyDesc(const TensorSpec &spec, ElementType type) {
  return {spec.dims, dataType(type), dnnl::memory::format_tag::any};
}

dnnl::primitive_attr activationAttr(Activation activation) {
  dnnl::primitive_attr attr;
  if (activation == Activation::None)
    return attr;
  dnnl::post_ops ops;
  ops.append_eltwise(1.0f,
                     activation == Activation::Relu
                         ? dnnl::algorithm::eltwise_relu
                         : dnnl::algorithm::eltwise_gelu_erf,
                     0.0f, 0.0f);
  attr.set_post_ops(ops);
  return attr;
}

const char *labelOf(Layouts layouts) {
  switch (layouts) {
  case Layouts::Plain:
    return "plain";
  case Layouts::Packed:
    return "packed";
  case Layouts::Preferred:
    return "preferred";
  }
  return "?";
}

std::vector<PeerVariant>
variantsOf(const std::vector<Layouts> &wanted,
           const std::function<PeerVariant(Layouts)> &build) {
  std::vector<PeerVariant> variants;
  std::optional<dnnl::error> failure;
  for (Layouts layouts : wanted) {
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

std::shared_ptr<Program> programFor(const ProblemData &data) {
  auto program = std::make_shared<Program>();
  program->output = BigBuffer(static_cast<size_t>(
      outputSpec(data.problem).span() * elementSize(data.problem.type)));
  return program;
}

PeerVariant variantOf(std::shared_ptr<Program> program, std::string label) {
  const void *output = program->output.data();
  return {std::move(label), [program] { return program->run(); }, output};
}

namespace {

/// oneDNN runs on OpenMP; its own runtime knows the number of threads.
void setOpenMpThreads(int threads) {
  if (auto *set = reinterpret_cast<void (*)(int)>(
          dlsym(RTLD_DEFAULT, "omp_set_num_threads")))
    set(threads);
}

void limitTo(const std::string &target) {
  dnnl::cpu_isa isa = dnnl::cpu_isa::all;
  if (target == "x86-64-v3")
    isa = dnnl::cpu_isa::avx2;
  else if (target == "x86-64-v4")
    isa = dnnl::cpu_isa::avx512_core;
  else if (target == "x86-64-v4-bf16")
    isa = dnnl::cpu_isa::avx512_core_bf16;
  // Fails once a primitive exists; the first limit of a process stays.
  dnnl::set_max_cpu_isa(isa);
}

PeerPlan prepare(const ProblemData &data, int threads) {
  const Problem &problem = data.problem;
  if (dataType(problem.type) == dnnl::memory::data_type::undef)
    return {std::string("no type ") + elementName(problem.type), {}};
  setOpenMpThreads(threads);
  try {
    switch (problem.kind) {
    case ProblemKind::Matmul:
    case ProblemKind::BatchMatmul:
      return {"", prepareMatmul(data)};
    case ProblemKind::Conv:
      return {"", prepareConv(data)};
    case ProblemKind::Pointwise:
      return {"", preparePointwise(data)};
    case ProblemKind::ConvDGrad:
      return {"", prepareConvDGrad(data)};
    case ProblemKind::ConvWGrad:
      return {"", prepareConvWGrad(data)};
    case ProblemKind::Reduce:
      return {"", prepareReduce(data)};
    case ProblemKind::Sdpa:
      return {"", prepareSdpa(data)};
    case ProblemKind::Layernorm:
      return {"", prepareLayernorm(data)};
    case ProblemKind::Softmax:
      return {"", prepareSoftmax(data)};
    case ProblemKind::Batchnorm:
      return {"", prepareBatchnorm(data)};
    case ProblemKind::Rmsnorm:
      return {"oneDNN: no such primitive", {}};
    }
  } catch (const dnnl::error &error) {
    return {std::string("oneDNN: ") + error.what() + " for " +
                elementName(problem.type),
            {}};
  }
  return {"unknown kind of problem", {}};
}

} // namespace
} // namespace onednn

std::vector<std::string> builtPeers() { return {"onednn"}; }

std::vector<Peer> availablePeers(const std::string &target) {
  try {
    onednn::limitTo(target);
  } catch (const dnnl::error &) {
  }
  return {{"onednn", onednn::prepare}};
}

} // namespace fusilli::bench
