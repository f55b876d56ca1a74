// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Entries carry nodes, strategy and costs; the host program the workgroups.

#include "benchmarks/kernels.h"

#include "artifact/program.h"
#include "artifact/reader.h"

namespace fusilli::bench {

namespace {

std::string textOf(const flatbuffers::String *text) {
  return text ? text->str() : "";
}

/// The schedule as text, where this version's entries have one.
template <typename Entry> std::string scheduleOf(const Entry &entry) {
  if constexpr (requires { entry.schedule(); })
    return textOf(entry.schedule());
  else
    return "";
}

} // namespace

ErrorOr<std::vector<KernelInfo>> kernelsOf(std::span<const uint8_t> bytes) {
  StatusOr<artifact::Reader> reader = artifact::Reader::open(bytes, true);
  FUSILLI_RETURN_ERROR_IF(!reader.isOk(), ErrorCode::InvalidArgument,
                          "the artifact cannot be read: " +
                              std::string(reader.status().message()));
  std::vector<KernelInfo> kernels;
  if (const auto *entries = reader->artifact().entries())
    for (const fbs::Entry *entry : *entries) {
      KernelInfo kernel{.name = textOf(entry->name()),
                        .strategy = textOf(entry->strategy()),
                        .schedule = scheduleOf(*entry),
                        .nodes = {},
                        .workgroups = {},
                        .flops = double(entry->flops()),
                        .bytes = double(entry->bytes()),
                        .localMemory = double(entry->local_memory())};
      if (entry->nodes())
        for (const flatbuffers::String *node : *entry->nodes())
          kernel.nodes.push_back(textOf(node));
      kernels.push_back(std::move(kernel));
    }
  std::span<const uint32_t> program = reader->program();
  for (size_t position = 0; position < program.size();) {
    StatusOr<artifact::Instruction> instruction =
        artifact::decodeInstruction(program, position);
    if (!instruction.isOk())
      break;
    if (instruction->opcode != FUSILLI_VM_DISPATCH ||
        instruction->entry >= kernels.size())
      continue;
    std::optional<double> &workgroups = kernels[instruction->entry].workgroups;
    if (workgroups)
      continue;
    workgroups = 1;
    for (uint32_t count : instruction->workgroupCount)
      *workgroups *= count;
  }
  return kernels;
}

} // namespace fusilli::bench
