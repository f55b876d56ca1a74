// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The image is written in assembly between two labels; all references inside
// it are relative, as in a compiled one.
#include "artifact/testing/test_artifacts.h"

#include "artifact/cpu_features.h"
#include "artifact/executable_abi.h"
#include "artifact/vm_abi.h"

#include <cstring>

#if !defined(__x86_64__)
#error "the test kernels are x86-64 code"
#endif

// Arguments: rdi = dispatch state, rsi = local memory, rdx = begin, rcx = end.
asm(R"(
  .intel_syntax noprefix
  .pushsection .rodata
  .balign 64
  .globl fusilli_test_code
  .hidden fusilli_test_code
  .globl fusilli_test_code_end
  .hidden fusilli_test_code_end
  .globl fusilli_test_code_entries
  .hidden fusilli_test_code_entries
fusilli_test_code:
.Lfusilli_nop:
  xor eax, eax
  ret
  .balign 16
.Lfusilli_add_first:
  mov rax, [rdi]
  mov r8, [rax + 8]
  mov r9, [rax + 16]
  mov rax, [rax]
  movss xmm0, dword ptr [r8]
  addss xmm0, dword ptr [r9]
  movss dword ptr [rax], xmm0
  xor eax, eax
  ret
  .balign 16
.Lfusilli_add:
  mov rax, [rdi]
  mov r8, [rax + 8]
  mov r9, [rax + 16]
  mov rax, [rax]
1:
  cmp rdx, rcx
  jae 2f
  movss xmm0, dword ptr [r8 + 4*rdx]
  addss xmm0, dword ptr [r9 + 4*rdx]
  movss dword ptr [rax + 4*rdx], xmm0
  inc rdx
  jmp 1b
2:
  xor eax, eax
  ret
  .balign 16
.Lfusilli_count:
  mov rax, [rdi]
  mov rax, [rax]
1:
  cmp rdx, rcx
  jae 2f
  lock inc dword ptr [rax + 4*rdx]
  inc rdx
  jmp 1b
2:
  xor eax, eax
  ret
  .balign 16
.Lfusilli_fail:
  mov eax, 7
  ret
  .balign 16
.Lfusilli_local:
  mov rax, [rdi]
  mov rax, [rax]
1:
  cmp rdx, rcx
  jae 2f
  mov dword ptr [rsi], edx
  mov dword ptr [rsi + 28], edx
  mov r8d, dword ptr [rsi]
  add r8d, dword ptr [rsi + 28]
  mov dword ptr [rax + 4*rdx], r8d
  inc rdx
  jmp 1b
2:
  xor eax, eax
  ret
  .balign 16
.Lfusilli_fail_at:
  cmp rdx, 5
  ja .Lfusilli_count
  cmp rcx, 5
  jbe .Lfusilli_count
  mov eax, 9
  ret
  .balign 16
.Lfusilli_constant:
  mov rax, [rdi]
  mov rax, [rax]
  mov r8, [rdi + 16]
  mov r8d, dword ptr [r8]
1:
  cmp rdx, rcx
  jae 2f
  mov dword ptr [rax + 4*rdx], r8d
  inc rdx
  jmp 1b
2:
  xor eax, eax
  ret
fusilli_test_code_end:
  .balign 8
fusilli_test_code_entries:
  .quad .Lfusilli_nop - fusilli_test_code
  .quad .Lfusilli_add_first - fusilli_test_code
  .quad .Lfusilli_add - fusilli_test_code
  .quad .Lfusilli_count - fusilli_test_code
  .quad .Lfusilli_fail - fusilli_test_code
  .quad .Lfusilli_local - fusilli_test_code
  .quad .Lfusilli_fail_at - fusilli_test_code
  .quad .Lfusilli_constant - fusilli_test_code
  .popsection
  .att_syntax
)");

extern "C" {
extern const uint8_t fusilli_test_code[];
extern const uint8_t fusilli_test_code_end[];
extern const uint64_t fusilli_test_code_entries[];
}

namespace fusilli::artifact::testing {

namespace {

constexpr const char *kNames[kTestKernelCount] = {
    "nop", "add_first", "add", "count", "fail", "local", "fail_at", "constant"};
constexpr uint32_t kBindingCounts[kTestKernelCount] = {0, 3, 3, 1, 0, 1, 1, 1};

fbs::Binding makeBinding(fbs::BindingKind kind, uint32_t index, uint64_t offset,
                         uint64_t length) {
  return fbs::Binding(kind, index, offset, length);
}

} // namespace

std::span<const uint8_t> testCode() {
  return {fusilli_test_code, fusilli_test_code_end};
}

uint64_t testCodeOffset(TestKernel kernel) {
  return fusilli_test_code_entries[kernel];
}

uint32_t testBindingCount(TestKernel kernel) { return kBindingCounts[kernel]; }
uint32_t testConstantCount(TestKernel kernel) {
  return kernel == kConstant ? 2 : 0;
}

fbs::ArgT makeArg(std::string name, fbs::ArgKind kind, int64_t n) {
  constexpr uint8_t kFloat = 3; // fusilli::DataType::Float
  fbs::ArgT arg;
  arg.name = std::move(name);
  arg.kind = kind;
  arg.dtype = kFloat;
  arg.dims = {n};
  arg.strides = {1};
  arg.physical_dims = {n};
  arg.byte_length = static_cast<uint64_t>(n) * sizeof(float);
  return arg;
}

fbs::ArtifactT emptyTestArtifact() {
  fbs::ArtifactT artifact;
  artifact.compiler_version = "test";
  artifact.backend = "CPU";
  artifact.target = "x86-64-v3";
  auto executable = std::make_unique<fbs::ExecutableT>();
  std::span<const uint8_t> code = testCode();
  executable->format = FUSILLI_X86_64_IMAGE_FORMAT;
  executable->requirements = encodeCpuRequirements(0);
  executable->bytes.assign(code.begin(), code.end());
  artifact.executables.push_back(std::move(executable));
  for (uint32_t i = 0; i < kTestKernelCount; ++i) {
    auto entry = std::make_unique<fbs::EntryT>();
    entry->name = kNames[i];
    entry->offset = testCodeOffset(static_cast<TestKernel>(i));
    entry->binding_count = kBindingCounts[i];
    entry->constant_count = testConstantCount(static_cast<TestKernel>(i));
    entry->local_memory = i == kLocal ? 64 : 0;
    artifact.entries.push_back(std::move(entry));
  }
  return artifact;
}

void appendDispatch(fbs::ArtifactT &artifact, TestKernel kernel,
                    std::initializer_list<fbs::Binding> bindings,
                    uint32_t workgroups, uint32_t flags) {
  auto first = static_cast<uint32_t>(artifact.bindings.size());
  for (const fbs::Binding &binding : bindings)
    artifact.bindings.push_back(binding);
  for (uint32_t word :
       {uint32_t{FUSILLI_VM_DISPATCH}, uint32_t{kernel}, first,
        static_cast<uint32_t>(bindings.size()), workgroups, 1u, 1u, flags})
    artifact.program.push_back(word);
}

void appendSymbolicDispatch(fbs::ArtifactT &artifact, TestKernel kernel,
                            std::initializer_list<fbs::Binding> bindings,
                            uint32_t workgroups, uint32_t one,
                            std::initializer_list<uint32_t> ranges,
                            std::initializer_list<uint32_t> constants,
                            uint32_t flags) {
  auto first = static_cast<uint32_t>(artifact.bindings.size());
  artifact.bindings.insert(artifact.bindings.end(), bindings);
  appendWords(artifact,
              {FUSILLI_VM_DISPATCH_SYMBOLIC, kernel, first,
               static_cast<uint32_t>(bindings.size()), workgroups, one, one,
               flags, static_cast<uint32_t>(constants.size())});
  appendWords(artifact, ranges);
  appendWords(artifact, constants);
}

void appendWords(fbs::ArtifactT &artifact,
                 std::initializer_list<uint32_t> words) {
  artifact.program.insert(artifact.program.end(), words);
}

void appendPrepareDispatch(fbs::ArtifactT &artifact, TestKernel kernel,
                           std::initializer_list<fbs::Binding> bindings,
                           uint32_t workgroups, uint32_t flags) {
  std::swap(artifact.program, artifact.prepare);
  appendDispatch(artifact, kernel, bindings, workgroups, flags);
  std::swap(artifact.program, artifact.prepare);
}

void appendBarrier(fbs::ArtifactT &artifact) {
  artifact.program.push_back(FUSILLI_VM_BARRIER);
}

void appendReturn(fbs::ArtifactT &artifact) {
  artifact.program.push_back(FUSILLI_VM_RETURN);
}

fbs::Binding bindArgument(uint32_t index, uint64_t byteLength,
                          uint64_t offset) {
  return makeBinding(fbs::BindingKind::Argument, index, offset, byteLength);
}

fbs::Binding bindWorkspace(uint64_t byteLength, uint64_t offset) {
  return makeBinding(fbs::BindingKind::Workspace, 0, offset, byteLength);
}

fbs::Binding bindConstant(uint64_t byteLength, uint64_t offset) {
  return makeBinding(fbs::BindingKind::Constant, 0, offset, byteLength);
}

fbs::Binding bindPrepared(uint64_t byteLength, uint64_t offset) {
  return makeBinding(fbs::BindingKind::Prepared, 0, offset, byteLength);
}

fbs::ArtifactT addArtifact(int64_t n, bool runInline, bool inplace) {
  fbs::ArtifactT artifact = emptyTestArtifact();
  for (const fbs::ArgT &arg : {makeArg("y", fbs::ArgKind::Output, n),
                               makeArg("a", fbs::ArgKind::Input, n),
                               makeArg("b", fbs::ArgKind::Input, n)})
    artifact.args.push_back(std::make_unique<fbs::ArgT>(arg));
  if (inplace)
    artifact.args[0]->inplace_inputs = {1, 2};
  uint64_t bytes = static_cast<uint64_t>(n) * sizeof(float);
  appendDispatch(
      artifact, kAdd,
      {bindArgument(0, bytes), bindArgument(1, bytes), bindArgument(2, bytes)},
      static_cast<uint32_t>(n), runInline ? FUSILLI_VM_DISPATCH_INLINE : 0);
  appendReturn(artifact);
  return artifact;
}

fbs::ArtifactT symbolicArtifact(int64_t n, int64_t m, bool runInline) {
  fbs::ArtifactT artifact = emptyTestArtifact();
  for (const fbs::ArgT &arg : {makeArg("n", fbs::ArgKind::Output, m),
                               makeArg("y", fbs::ArgKind::Output, n),
                               makeArg("a", fbs::ArgKind::Input, n),
                               makeArg("b", fbs::ArgKind::Input, n)}) {
    artifact.args.push_back(std::make_unique<fbs::ArgT>(arg));
    artifact.args.back()->dim_symbols = {arg.name == "n" ? 1 : 0};
  }
  constexpr uint8_t kInt32 = 9; // fusilli::DataType::Int32
  artifact.args[0]->dtype = kInt32;
  artifact.symbols = {n, m};
  uint32_t flags = runInline ? FUSILLI_VM_DISPATCH_INLINE : 0;
  enum : uint32_t { kN, kM, kFour, kBytesN, kBytesM, kZero, kOne };
  appendWords(artifact, {FUSILLI_VM_CONSTANT, 4, 0});
  appendWords(artifact, {FUSILLI_VM_MUL, kN, kFour});
  appendWords(artifact, {FUSILLI_VM_MUL, kM, kFour});
  appendWords(artifact, {FUSILLI_VM_CONSTANT, 0, 0});
  appendWords(artifact, {FUSILLI_VM_CONSTANT, 1, 0});
  appendWords(artifact, {FUSILLI_VM_WORKSPACE, kBytesN});
  appendSymbolicDispatch(
      artifact, kAdd,
      {bindWorkspace(0), bindArgument(2, 0), bindArgument(3, 0)}, kN, kOne,
      {kZero, kBytesN, kZero, kBytesN, kZero, kBytesN}, {}, flags);
  appendSymbolicDispatch(artifact, kConstant, {bindArgument(0, 0)}, kM, kOne,
                         {kZero, kBytesM}, {kN}, flags);
  appendBarrier(artifact);
  appendSymbolicDispatch(
      artifact, kAdd,
      {bindArgument(1, 0), bindWorkspace(0), bindArgument(2, 0)}, kN, kOne,
      {kZero, kBytesN, kZero, kBytesN, kZero, kBytesN}, {}, flags);
  appendReturn(artifact);
  return artifact;
}

fbs::ArtifactT chainArtifact(int64_t n, bool runInline) {
  fbs::ArtifactT artifact = emptyTestArtifact();
  for (const fbs::ArgT &arg : {makeArg("y", fbs::ArgKind::Output, n),
                               makeArg("a", fbs::ArgKind::Input, n),
                               makeArg("b", fbs::ArgKind::Input, n)})
    artifact.args.push_back(std::make_unique<fbs::ArgT>(arg));
  uint64_t bytes = static_cast<uint64_t>(n) * sizeof(float);
  artifact.workspace_size = bytes;
  artifact.constants.resize(bytes);
  for (int64_t i = 0; i < n; ++i) {
    auto value = static_cast<float>(i + 1);
    std::memcpy(artifact.constants.data() + i * sizeof(float), &value,
                sizeof(value));
  }
  uint32_t flags = runInline ? FUSILLI_VM_DISPATCH_INLINE : 0;
  auto workgroups = static_cast<uint32_t>(n);
  appendDispatch(
      artifact, kAdd,
      {bindWorkspace(bytes), bindArgument(1, bytes), bindArgument(2, bytes)},
      workgroups, flags);
  appendBarrier(artifact);
  appendDispatch(
      artifact, kAdd,
      {bindArgument(0, bytes), bindWorkspace(bytes), bindConstant(bytes)},
      workgroups, flags);
  appendReturn(artifact);
  return artifact;
}

fbs::ArtifactT preparedArtifact(int64_t n, bool runInline) {
  fbs::ArtifactT artifact = addArtifact(n, runInline);
  artifact.args[2]->is_constant = true;
  uint64_t bytes = static_cast<uint64_t>(n) * sizeof(float);
  artifact.prepared_size = bytes;
  artifact.bindings[2] = bindPrepared(bytes);
  appendPrepareDispatch(
      artifact, kAdd,
      {bindPrepared(bytes), bindArgument(2, bytes), bindArgument(2, bytes)},
      static_cast<uint32_t>(n), runInline ? FUSILLI_VM_DISPATCH_INLINE : 0);
  artifact.prepare.push_back(FUSILLI_VM_RETURN);
  return artifact;
}

} // namespace fusilli::artifact::testing
