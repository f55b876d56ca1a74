// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A compiler library for tests of the engine: it speaks the C ABI and needs no
// MLIR. Every output of a graph becomes the f32 sum of its first and its last
// non-scalar input, computed by a kernel of 56 bytes. Environment variables
// choose what else it does:
//   FAKE_COMPILER_FAIL=1         every compile fails with a diagnostic
//   FAKE_COMPILER_GARBAGE=1      the artifact is four bytes of nonsense
//   FAKE_COMPILER_WORKSPACE=1    the sum goes through the workspace, and the
//                                last input is added twice
//   FAKE_COMPILER_KERNEL_FAILS=1 the kernel returns 7 and computes nothing
//   FAKE_COMPILER_FEATURES=N     CPU feature bits that the artifact asks for
#include "artifact/artifact_generated.h"
#include "artifact/compiler_abi.h"
#include "artifact/executable_abi.h"
#include "artifact/format.h"
#include "artifact/vm_abi.h"
#include "graph/graph_def_generated.h"
#include "support/tensor_layout.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#ifndef FAKE_COMPILER_ABI_VERSION
#define FAKE_COMPILER_ABI_VERSION FUSILLI_COMPILER_ABI_VERSION
#endif

struct fusilli_compile_result_t {
  fusilli_compile_code_t code = 0;
  std::vector<uint8_t> bytes;
  std::string diagnostics;
  std::string statistics;
  std::string text;
};

namespace {

using namespace fusilli::fbs;
using Result = fusilli_compile_result_t;

std::atomic<uint64_t> compiles{0};

constexpr fusilli_compile_code_t kInvalidArgument = 7;
constexpr fusilli_compile_code_t kCompileFailure = 9;
constexpr char kTextHeader[] = "fake-program ";

// binding 2 = binding 0 + binding 1, as f32, over the length of binding 2.
constexpr uint8_t kAddKernel[] = {
    0x48, 0x8b, 0x07, 0x4c, 0x8b, 0x00, 0x4c, 0x8b, 0x48, 0x08, 0x4c, 0x8b,
    0x50, 0x10, 0x48, 0x8b, 0x47, 0x08, 0x48, 0x8b, 0x48, 0x10, 0x31, 0xc0,
    0x48, 0x39, 0xc8, 0x73, 0x18, 0xf3, 0x41, 0x0f, 0x10, 0x04, 0x00, 0xf3,
    0x41, 0x0f, 0x58, 0x04, 0x01, 0xf3, 0x41, 0x0f, 0x11, 0x04, 0x02, 0x48,
    0x83, 0xc0, 0x04, 0xeb, 0xe3, 0x31, 0xc0, 0xc3};

// return 7
constexpr uint8_t kFailingKernel[] = {0xb8, 0x07, 0x00, 0x00, 0x00, 0xc3};

uint64_t environmentNumber(const char *name) {
  const char *text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 0) : 0;
}

Result *failure(fusilli_compile_code_t code, std::string text) {
  auto *result = new Result;
  result->code = code;
  result->diagnostics = std::move(text);
  return result;
}

uint64_t elementBits(DType type) {
  switch (type) {
  case DType::Double:
  case DType::Int64:
    return 64;
  case DType::Float:
  case DType::Int32:
    return 32;
  case DType::Half:
  case DType::BFloat16:
  case DType::Int16:
    return 16;
  case DType::Int4:
    return 4;
  default:
    return 8;
  }
}

std::unique_ptr<ArgT> makeArg(const TensorT &tensor, ArgKind kind) {
  auto arg = std::make_unique<ArgT>();
  arg->name = tensor.name;
  arg->kind = kind;
  arg->dtype = static_cast<uint8_t>(tensor.dtype);
  arg->dims = tensor.dims;
  arg->strides = tensor.strides;
  arg->physical_dims =
      *fusilli::layout::bufferShape(tensor.dims, tensor.strides);
  auto count = static_cast<uint64_t>(
      *fusilli::layout::findSpan(tensor.dims, tensor.strides));
  arg->byte_length = (count * elementBits(tensor.dtype) + 7) / 8;
  return arg;
}

struct Program {
  ArtifactT artifact;
  void dispatch(std::vector<std::pair<BindingKind, uint32_t>> bindings,
                uint64_t length) {
    auto first = static_cast<uint32_t>(artifact.bindings.size());
    for (auto [kind, index] : bindings)
      artifact.bindings.emplace_back(kind, index, /*offset=*/0, length);
    for (uint32_t word : {uint32_t(FUSILLI_VM_DISPATCH), 0u, first, 3u, 1u, 1u,
                          1u, uint32_t(FUSILLI_VM_DISPATCH_INLINE)})
      artifact.program.push_back(word);
  }
};

std::vector<uint8_t> withHeader(const ArtifactT &artifact) {
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(Artifact::Pack(builder, &artifact));
  std::vector<uint8_t> bytes(sizeof(fusilli::artifact::Header));
  bytes.insert(bytes.end(), builder.GetBufferPointer(),
               builder.GetBufferPointer() + builder.GetSize());
  XXH128_hash_t hash =
      XXH3_128bits(builder.GetBufferPointer(), builder.GetSize());
  fusilli::artifact::Header header{};
  std::memcpy(header.magic, fusilli::artifact::kMagic, sizeof(header.magic));
  header.formatVersion = fusilli::artifact::kFormatVersion;
  header.executableAbi = FUSILLI_EXECUTABLE_ABI_VERSION;
  header.vmAbi = FUSILLI_VM_ABI_VERSION;
  header.payloadSize = builder.GetSize();
  header.payloadHash[0] = hash.low64;
  header.payloadHash[1] = hash.high64;
  std::memcpy(bytes.data(), &header, sizeof(header));
  return bytes;
}

bool byName(const std::unique_ptr<ArgT> &a, const std::unique_ptr<ArgT> &b) {
  return a->name < b->name;
}

// The graph's sorted signature and one or two dispatches per output.
std::vector<uint8_t> makeArtifact(const GraphDefT &graph) {
  std::vector<std::unique_ptr<ArgT>> outputs, inputs;
  for (size_t i = 0; i < graph.tensors.size(); ++i) {
    const TensorT &tensor = *graph.tensors[i];
    if (i >= graph.num_inputs && !tensor.is_virtual)
      outputs.push_back(makeArg(tensor, ArgKind::Output));
    else if (i < graph.num_inputs && tensor.scalar_kind == ScalarKind::None)
      inputs.push_back(makeArg(tensor, ArgKind::Input));
  }
  std::sort(outputs.begin(), outputs.end(), byName);
  std::sort(inputs.begin(), inputs.end(), byName);
  Program program;
  ArtifactT &artifact = program.artifact;
  artifact.compiler_version = "fake";
  artifact.backend = "CPU";
  artifact.target = "x86-64-v3";
  auto executable = std::make_unique<ExecutableT>();
  executable->format = FUSILLI_X86_64_IMAGE_FORMAT;
  uint64_t features = environmentNumber("FAKE_COMPILER_FEATURES");
  for (size_t i = 0; i < sizeof(features); ++i)
    executable->requirements.push_back(uint8_t(features >> (8 * i)));
  executable->bytes.assign(std::begin(kAddKernel), std::end(kAddKernel));
  if (environmentNumber("FAKE_COMPILER_KERNEL_FAILS"))
    executable->bytes.assign(std::begin(kFailingKernel),
                             std::end(kFailingKernel));
  artifact.executables.push_back(std::move(executable));
  auto entry = std::make_unique<EntryT>();
  entry->name = "sum";
  entry->binding_count = 3;
  entry->strategy = "fake";
  entry->schedule = "#fake<tile = 4>";
  entry->declined = {"better: not here"};
  artifact.entries.push_back(std::move(entry));
  const auto first = static_cast<uint32_t>(outputs.size());
  const auto last = static_cast<uint32_t>(first + inputs.size() - 1);
  const bool useWorkspace = environmentNumber("FAKE_COMPILER_WORKSPACE") != 0;
  for (uint32_t i = 0; i < outputs.size() && !inputs.empty(); ++i) {
    const uint64_t length = outputs[i]->byte_length;
    if (i != 0)
      artifact.program.push_back(FUSILLI_VM_BARRIER);
    std::pair<BindingKind, uint32_t> source{BindingKind::Argument, first};
    if (useWorkspace) {
      artifact.workspace_size = std::max(artifact.workspace_size, length);
      program.dispatch(
          {source, {BindingKind::Argument, last}, {BindingKind::Workspace, 0}},
          length);
      artifact.program.push_back(FUSILLI_VM_BARRIER);
      source = {BindingKind::Workspace, 0};
    }
    program.dispatch(
        {source, {BindingKind::Argument, last}, {BindingKind::Argument, i}},
        length);
  }
  artifact.program.push_back(FUSILLI_VM_RETURN);
  for (auto &arg : outputs)
    artifact.args.push_back(std::move(arg));
  for (auto &arg : inputs)
    artifact.args.push_back(std::move(arg));
  return withHeader(artifact);
}

std::string toText(const GraphDefT &graph) {
  GraphDefT copy(graph);
  copy.name.clear();
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(GraphDef::Pack(builder, &copy), GraphDefIdentifier());
  std::string text = kTextHeader;
  for (size_t i = 0; i < builder.GetSize(); ++i) {
    uint8_t byte = builder.GetBufferPointer()[i];
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text + "\n";
}

bool fromText(fusilli_bytes_t bytes, std::vector<uint8_t> &graphDef) {
  std::string text(reinterpret_cast<const char *>(bytes.data), bytes.size);
  text.erase(text.find_last_not_of(" \t\n") + 1);
  if (text.rfind(kTextHeader, 0) != 0)
    return false;
  text.erase(0, sizeof(kTextHeader) - 1);
  for (size_t i = 0; i + 1 < text.size(); i += 2)
    graphDef.push_back(static_cast<uint8_t>(
        std::strtoul(text.substr(i, 2).c_str(), nullptr, 16)));
  return true;
}

bool parse(fusilli_bytes_t bytes, GraphDefT &graph) {
  flatbuffers::Verifier verifier(bytes.data, bytes.size);
  if (!VerifyGraphDefBuffer(verifier))
    return false;
  GetGraphDef(bytes.data)->UnPackTo(&graph);
  return true;
}

Result *graphToArtifact(fusilli_bytes_t bytes,
                        const fusilli_compile_options_t *options) {
  ++compiles;
  if (environmentNumber("FAKE_COMPILER_FAIL"))
    return failure(kCompileFailure, "told to fail\n");
  GraphDefT graph;
  if (!parse(bytes, graph))
    return failure(kCompileFailure, "not a GraphDef");
  auto *result = new Result;
  result->bytes = environmentNumber("FAKE_COMPILER_GARBAGE")
                      ? std::vector<uint8_t>{0xde, 0xad, 0xbe, 0xef}
                      : makeArtifact(graph);
  result->text = toText(graph);
  result->statistics =
      "{\"kernels\":1,\"dispatch-count\":1,\"transient-memory-size\":0}\n";
  return result;
}

Result *graphToText(fusilli_bytes_t bytes, const fusilli_compile_options_t *) {
  GraphDefT graph;
  if (!parse(bytes, graph))
    return failure(kCompileFailure, "not a GraphDef");
  auto *result = new Result;
  std::string text = toText(graph);
  result->bytes.assign(text.begin(), text.end());
  return result;
}

Result *textToArtifact(fusilli_bytes_t text,
                       const fusilli_compile_options_t *options) {
  std::vector<uint8_t> graphDef;
  if (!fromText(text, graphDef))
    return failure(kCompileFailure, "line 1: not a fake program");
  return graphToArtifact({graphDef.data(), graphDef.size()}, options);
}

Result *resolveTarget(const char *target) {
  std::string name = target && *target ? target : "host";
  if (name == "host")
    name = "x86-64-v3";
  if (name != "x86-64-v3" && name != "x86-64-v4")
    return failure(kInvalidArgument, "unknown target '" + name +
                                         "', expected host, x86-64-v3 or "
                                         "x86-64-v4");
  auto *result = new Result;
  result->bytes.assign(name.begin(), name.end());
  return result;
}

const fusilli_compiler_api_t kApi = {
    .abi_version = FAKE_COMPILER_ABI_VERSION,
    .struct_size = sizeof(fusilli_compiler_api_t),
    .version = "fake-1",
    .graph_to_artifact = graphToArtifact,
    .graph_to_text = graphToText,
    .text_to_artifact = textToArtifact,
    .resolve_target = resolveTarget,
    .result_code = [](const Result *r) { return r->code; },
    .result_bytes =
        [](const Result *r) {
          return fusilli_bytes_t{r->bytes.data(), r->bytes.size()};
        },
    .result_diagnostics =
        [](const Result *r) { return r->diagnostics.c_str(); },
    .result_statistics = [](const Result *r) { return r->statistics.c_str(); },
    .result_dump =
        [](const Result *r, const char *stage) {
          return std::strcmp(stage, "import") == 0 && !r->text.empty()
                     ? r->text.c_str()
                     : nullptr;
        },
    .result_destroy = [](Result *r) { delete r; },
};

} // namespace

extern "C" __attribute__((visibility("default"))) const fusilli_compiler_api_t *
fusilli_compiler_get_api(uint32_t version) {
  return version == FAKE_COMPILER_ABI_VERSION ? &kApi : nullptr;
}

// How many programs were compiled by this copy of the library.
extern "C" __attribute__((visibility("default"))) uint64_t
fake_compiler_count() {
  return compiles;
}
