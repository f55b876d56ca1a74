// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Numbers of the host program that depend on run-time extents: sizes, offsets,
// workgroup counts. They fold while they are constants; the others become shape
// arithmetic of artifact/vm_abi.h, each computed once.
#ifndef COMPILER_DRIVER_SHAPEPROGRAM_H
#define COMPILER_DRIVER_SHAPEPROGRAM_H

#include "artifact/vm_abi.h"

#include "mlir/IR/AffineExpr.h"

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

namespace fusilli::compiler {

/// One number. Its representative is what it is for the extents that the graph
/// declares.
struct HostValue {
  int64_t representative = 0;
  std::optional<uint32_t> number; ///< of the program's values; none: constant

  static HostValue constant(int64_t value) { return {value, std::nullopt}; }
  bool isConstant() const { return !number; }
};

/// Thread safety: externally synchronised.
class ShapeProgram {
public:
  /// Begins with the symbols of these representative extents.
  explicit ShapeProgram(llvm::ArrayRef<int64_t> symbols = {});

  HostValue symbol(unsigned i) const;
  HostValue add(HostValue a, HostValue b);
  HostValue multiply(HostValue a, HostValue b);
  HostValue max(HostValue a, HostValue b);
  /// Rounded up to a multiple.
  HostValue align(HostValue a, int64_t multiple);
  /// `expr` of symbols alone, whose values are `symbols`.
  HostValue evaluate(mlir::AffineExpr expr, llvm::ArrayRef<HostValue> symbols);

  /// The number of a value that holds `value`; constants become one.
  uint32_t materialize(HostValue value);
  llvm::ArrayRef<uint32_t> getWords() const { return words; }

private:
  HostValue compute(uint32_t opcode, HostValue a, HostValue b);
  uint32_t append(uint32_t opcode, uint32_t a, uint32_t b);

  std::vector<int64_t> symbols;
  std::vector<uint32_t> words;
  uint32_t numValues = 0;
  /// By opcode and operand words.
  std::map<std::tuple<uint32_t, uint32_t, uint32_t>, uint32_t> known;
};

} // namespace fusilli::compiler

#endif // COMPILER_DRIVER_SHAPEPROGRAM_H
