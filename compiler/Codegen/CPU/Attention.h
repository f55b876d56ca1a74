// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention as code generation sees it: what a kernel computes once its stages
// are proven to be softmax(scale Q K^T + mask) V, and the tiles that the
// emitter follows.
#ifndef COMPILER_CODEGEN_CPU_ATTENTION_H
#define COMPILER_CODEGEN_CPU_ATTENTION_H

#include "compiler/Codegen/CPU/Emit/KernelBuilder.h"
#include "compiler/Codegen/Common/KernelModel.h"

#include <array>
#include <optional>
#include <string>

namespace fusilli::compiler {

/// A buffer, addressed by batch, head, place in the sequence, and head dim (of
/// the mask: key).
struct AttentionOperand {
  unsigned binding = 0;
  Type element;
  std::array<Extent, 4> strides; ///< in elements; 0: broadcast
};

/// What the kernel computes, and behind it ops of single elements.
struct AttentionProblem {
  AttentionOperand q, k, v;
  Value quotient; ///< the result of the attention proper
  /// Kernel dims of a result's batch, head, row and column; -1: of extent 1.
  std::array<int, 4> dims;
  std::optional<AttentionOperand> mask; ///< i8: keeps what is not 0
  Extent batch, rows, keys;
  int64_t heads = 1, kHeads = 1, vHeads = 1; ///< of Q; of K and V, divisors
  int64_t depth = 1;                         ///< head dim of Q and K
  int64_t width = 1;                         ///< head dim of V and O
  double scale = 1.0;
  bool causal = false;
  Type accumulator; ///< f32 or f64

  /// Neighbouring query heads that share their heads of K and V.
  int64_t getSharingHeads() const;
};

/// How it is computed. A workgroup has `blocks` row blocks of each of `heads`
/// query heads, and walks over the keys once.
struct AttentionTiles {
  int64_t lanes = 1;    ///< of the accumulator's type
  int64_t mr = 1;       ///< rows of a register tile
  int64_t nv = 1;       ///< its vectors of columns
  int64_t rowBlock = 1; ///< rows of Q whose scores are in memory at once
  int64_t keyBlock = 1; ///< keys of one step of the online softmax
  int64_t heads = 1;
  int64_t blocks = 1;
  bool resident = false; ///< all packed keys and values of a head are kept
  bool dot = false;      ///< bf16 dot products

  int64_t columns() const { return nv * lanes; }
  /// Elements of one operand that a step of the inner product takes.
  int64_t perStep() const { return dot ? 2 : 1; }
  int64_t getSlots() const { return heads * blocks; }
  /// Keys that the packed panels hold.
  int64_t getCapacity(const AttentionProblem &problem) const;
};

/// Reads the problem off a model; if it is not attention, `reason` says what is
/// missing.
std::optional<AttentionProblem> matchAttention(const KernelModel &model,
                                               std::string &reason);

/// Emits the loops over the builder's workgroups.
LogicalResult emitAttention(const KernelModel &model, KernelBuilder &k,
                            const AttentionProblem &problem,
                            const AttentionTiles &tiles);

} // namespace fusilli::compiler

#endif // COMPILER_CODEGEN_CPU_ATTENTION_H
