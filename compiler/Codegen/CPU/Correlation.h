// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A contraction that sums over positions and has a result for each tap of a
// window, as the gradient of a convolution's weights: C[g, f, c, r] = sum over
// n, o of P[n, g, f, o] * W[n, g, c, o stride + r dilation - pad], zero outside
// of W. Analysis only.
#ifndef COMPILER_CODEGEN_CPU_CORRELATION_H
#define COMPILER_CODEGEN_CPU_CORRELATION_H

#include "compiler/Codegen/Common/KernelModel.h"

#include <string>

namespace fusilli::compiler {

struct Correlation {
  /// One spatial dim.
  struct Window {
    int outputLoop, tapLoop;
    int64_t stride, dilation, pad;
    int64_t inputExtent; ///< without padding
    int64_t inputStride; ///< elements between neighbours in the buffer
    int64_t outputs, taps;
  };
  /// One operand as its buffer holds it.
  struct Operand {
    unsigned input = 0;            ///< number of the op's input
    unsigned binding = 0;          ///< the kernel argument
    Type element;                  ///< stored
    Value inBody;                  ///< in the body: what is multiplied
    SmallVector<int64_t, 8> coefs; ///< per loop
    bool isWindowed = false;
    int channelLoop = -1; ///< f or c

    /// Whether the stored element is multiplied as it is.
    bool isPlain() const { return mlir::isa<mlir::BlockArgument>(inBody); }
  };

  /// Reads the only contraction of the model; `defect` says why it is none that
  /// is understood.
  explicit Correlation(const KernelModel &model);

  const KernelModel &model;
  std::string defect;
  const Stage *stage = nullptr;
  Value result;                    ///< the tensor that the epilogue reads
  SmallVector<int64_t, 8> extents; ///< per loop
  SmallVector<int, 8> dim;         ///< kernel dim of each loop, -1 for extent 1
  Operand plain, windowed;
  SmallVector<Window, 3> windows; ///< outermost first
  SmallVector<int, 2> imageLoops;
  int groupLoop = -1;
  Type acc; ///< accumulator element

  mlir::linalg::GenericOp getOp() const { return stage->op; }
  int64_t groups() const { return groupLoop < 0 ? 1 : extents[groupLoop]; }

private:
  void analyse();
  bool analyseOperand(Operand &o);
  bool analyseLoops();
  bool analyseResults();
};

} // namespace fusilli::compiler

#endif // COMPILER_CODEGEN_CPU_CORRELATION_H
