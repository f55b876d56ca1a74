// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What follows a contraction, applied to a register tile of its sums before the
// only store.
#ifndef COMPILER_CODEGEN_CPU_EMIT_TILEEPILOGUE_H
#define COMPILER_CODEGEN_CPU_EMIT_TILEEPILOGUE_H

#include "compiler/Codegen/CPU/Contraction.h"
#include "compiler/Codegen/CPU/Emit/Evaluator.h"

namespace fusilli::compiler {

class TileEpilogue {
public:
  /// For tiles of `mr` rows times `nv` vectors of `lanes` columns.
  TileEpilogue(const Contraction &c, KernelBuilder &k, int64_t mr, int64_t nv,
               int64_t lanes);

  /// Evaluates and stores all results where the contraction has `acc` (mr x nv,
  /// row by row), row 0 and column 0 of the tile at m0 and n0; `outer` are the
  /// counters of the other loops.
  void emit(ArrayRef<Value> acc, const llvm::DenseMap<int, Value> &outer,
            Value m0, Value n0);
  void setNativeBf16(bool on) { e.setNativeBf16(on); }
  bool hasFailed() const { return failedAny; }

private:
  /// The results of the kernel at one vector of the tile.
  struct Piece {
    Space space;
    SmallVector<Value> values;
  };
  int64_t nr() const { return nv * lanes; }
  Space makeSpace(Value m, Value n, int64_t active) const;
  void evaluateAt(Value value, Value m, Value n, int64_t active,
                  std::vector<Piece> &out);
  void storeAll(std::vector<Piece> &pieces);
  int64_t activeAt(int64_t j) const;
  void longEpilogue(Value m0, Value n0);

  const Contraction &c;
  KernelBuilder &k;
  Evaluator e;
  int64_t mr, nv, lanes;
  bool isShort;  ///< in registers; else in loops over the tile in memory
  Value scratch; ///< that tile
  llvm::DenseMap<int, Value> loopIv;
  bool failedAny = false;
};

} // namespace fusilli::compiler

#endif // COMPILER_CODEGEN_CPU_EMIT_TILEEPILOGUE_H
