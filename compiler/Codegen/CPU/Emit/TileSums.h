// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The accumulators of register tiles from one block of the reduction to the
// next: in local memory, one place for each tile, so that tiles which overlap
// at an edge never add twice.
#ifndef COMPILER_CODEGEN_CPU_EMIT_TILESUMS_H
#define COMPILER_CODEGEN_CPU_EMIT_TILESUMS_H

#include "compiler/Codegen/CPU/Emit/KernelBuilder.h"

namespace fusilli::compiler {

class TileSums {
public:
  /// For tiles of `rows` times `vectors` vectors of `lanes` sums.
  TileSums(KernelBuilder &k, Type element, int64_t rows, int64_t vectors,
           int64_t lanes)
      : k(k), element(element), rows(rows), vectors(vectors), lanes(lanes) {}

  /// The reduction has several blocks: room for the sums of `tiles` tiles.
  void allocate(int64_t tiles) { memory = k.local(element, tiles * size()); }

  /// What the accumulators of tile `number` start from in a block: in the first
  /// one, `columns` (one vector for each vector of columns) in all rows.
  SmallVector<Value> start(Value number, Value isFirst,
                           ArrayRef<Value> columns);
  /// After a block: keeps them, or after the last one calls `epilogue`.
  void finish(ArrayRef<Value> acc, Value number, Value isLast,
              llvm::function_ref<void()> epilogue);

private:
  int64_t size() const { return rows * vectors * lanes; }

  KernelBuilder &k;
  Type element;
  int64_t rows, vectors, lanes;
  Value memory;
};

} // namespace fusilli::compiler

#endif // COMPILER_CODEGEN_CPU_EMIT_TILESUMS_H
