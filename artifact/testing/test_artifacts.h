// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Artifacts with hand-written machine code, for tests of the reader and the
// runtime: they need no compiler.
#ifndef ARTIFACT_TESTING_TEST_ARTIFACTS_H
#define ARTIFACT_TESTING_TEST_ARTIFACTS_H

#include "artifact/artifact_generated.h"

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

namespace fusilli::artifact::testing {

/// Kernels of the test image; each is an entry with the same number.
enum TestKernel : uint32_t {
  kNop,      ///< (): returns 0
  kAddFirst, ///< (out, a, b): out[0] = a[0] + b[0], f32
  kAdd,      ///< (out, a, b): out[i] = a[i] + b[i] for each workgroup i, f32
  kCount,    ///< (cells): cells[i] += 1, u32, atomically
  kFail,     ///< (): returns 7
  kLocal,    ///< (out): local[0..7] = i, out[i] = local[0] + local[7], u32
  kFailAt,   ///< (cells): returns 9 from the range that holds workgroup 5
  kConstant, ///< (cells): cells[i] = push constant 0, u32; two constants
  kTestKernelCount
};

/// The position-independent image of all test kernels.
std::span<const uint8_t> testCode();
uint64_t testCodeOffset(TestKernel kernel);
uint32_t testBindingCount(TestKernel kernel);
uint32_t testConstantCount(TestKernel kernel);

/// An f32 argument of shape [n].
fbs::ArgT makeArg(std::string name, fbs::ArgKind kind, int64_t n);

/// Code and entries of all test kernels; no arguments, bindings or program.
fbs::ArtifactT emptyTestArtifact();

/// Appends a dispatch of `kernel` over its `bindings` to the program, whose
/// last word must not be RETURN yet.
void appendDispatch(fbs::ArtifactT &artifact, TestKernel kernel,
                    std::initializer_list<fbs::Binding> bindings,
                    uint32_t workgroups, uint32_t flags);
/// The same, to the prepare program.
void appendPrepareDispatch(fbs::ArtifactT &artifact, TestKernel kernel,
                           std::initializer_list<fbs::Binding> bindings,
                           uint32_t workgroups, uint32_t flags);
void appendBarrier(fbs::ArtifactT &artifact);
void appendReturn(fbs::ArtifactT &artifact);
fbs::Binding bindArgument(uint32_t index, uint64_t byteLength,
                          uint64_t offset = 0);
fbs::Binding bindWorkspace(uint64_t byteLength, uint64_t offset = 0);
fbs::Binding bindConstant(uint64_t byteLength, uint64_t offset = 0);

fbs::Binding bindPrepared(uint64_t byteLength, uint64_t offset = 0);

/// y = a + b, f32 [n], one workgroup an element. y may be a's or b's buffer
/// when `inplace`.
fbs::ArtifactT addArtifact(int64_t n, bool runInline, bool inplace = false);

/// A dispatch whose counts, ranges (offset, length of each binding) and
/// constants are numbers of values.
void appendSymbolicDispatch(fbs::ArtifactT &artifact, TestKernel kernel,
                            std::initializer_list<fbs::Binding> bindings,
                            uint32_t workgroups, uint32_t one,
                            std::initializer_list<uint32_t> ranges,
                            std::initializer_list<uint32_t> constants,
                            uint32_t flags);
/// Shape arithmetic and the workspace: opcode and operand words.
void appendWords(fbs::ArtifactT &artifact,
                 std::initializer_list<uint32_t> words);

/// y = (a + b) + a, f32 [n] with n a symbol, through a workspace; and `n`, u32
/// [m] with m another symbol, filled with n.
fbs::ArtifactT symbolicArtifact(int64_t n, int64_t m, bool runInline);

/// y = (a + b) + c through a workspace of n elements, c a constant 1, 2, 3...
fbs::ArtifactT chainArtifact(int64_t n, bool runInline);

/// y = a + 2 b, b constant: 2 b is computed by the prepare program.
fbs::ArtifactT preparedArtifact(int64_t n, bool runInline);

} // namespace fusilli::artifact::testing

#endif // ARTIFACT_TESTING_TEST_ARTIFACTS_H
