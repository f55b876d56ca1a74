// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The problem line of fusilli-bench: name, reproducer and test case in one.
//
//   matmul MxNxK DTYPE [bias] [relu|gelu]
//   batch_matmul BxMxNxK DTYPE [bias] [relu|gelu]
//   conv n1c64h56w56 k64r3s3 [pad1] [stride1] [dil1] DTYPE nhwc|nchw
//        [bias] [relu|gelu]
//   pointwise DxDx.. DTYPE op,op,..
//   reduce DxDx.. DTYPE MODE axisN[,N..]
//
// The output type is the input type; bias is [N] or [K]; the second operand of
// a binary pointwise op is a full tensor. Empty lines and '#' comments are
// skipped in files. A problem knows its arithmetic and the bytes it must move.
#ifndef BENCHMARKS_PROBLEM_H
#define BENCHMARKS_PROBLEM_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fusilli::bench {

enum class ProblemKind : uint8_t {
  Matmul,
  BatchMatmul,
  Conv,
  Pointwise,
  Reduce
};

enum class ElementType : uint8_t { F16, BF16, F32, F64, I8, I16, I32, I64 };

enum class Activation : uint8_t { None, Relu, Gelu };

/// Row of the table of pointwise ops.
struct PointwiseOp {
  const char *name; ///< as in the problem line
  const char *mode; ///< enumerator of PointwiseAttr::Mode
  int arity;
};

/// Row of the table of reduction modes.
struct ReduceMode {
  const char *name; ///< as in the problem line
  const char *mode; ///< enumerator of ReductionAttr::Mode
};

struct ConvShape {
  int64_t n = 0, c = 0, h = 0, w = 0;
  int64_t k = 0, r = 0, s = 0;
  int64_t pad = 0, stride = 1, dilation = 1;
  bool channelsLast = true;

  /// Extent of the output in the direction of h and w.
  int64_t outH() const;
  int64_t outW() const;
};

/// One parsed problem line. Immutable after parsing.
struct Problem {
  std::string line; ///< the line, white space normalised
  ProblemKind kind = ProblemKind::Matmul;
  ElementType type = ElementType::F32;
  int64_t batch = 1, m = 0, n = 0, k = 0; ///< (batch) matmul
  ConvShape conv;
  std::vector<int64_t> dims; ///< pointwise, reduce: shape of the input
  std::vector<const PointwiseOp *> ops;
  const ReduceMode *reduce = nullptr;
  std::vector<int64_t> axes; ///< reduce: ascending, unique
  bool bias = false;
  Activation activation = Activation::None;

  /// Multiplications and additions of the contraction (taps that fall into the
  /// padding count); 0 for pointwise and reduce.
  double flops() const;

  /// Bytes that must move: each input read once, each output written once.
  double bytes() const;

  /// Elements of the output.
  int64_t outputElements() const;

  /// Elements of the inputs of a pointwise or reduce problem.
  int64_t inputElements() const;

  /// Tensors that a pointwise problem reads.
  int inputCount() const;
};

/// Bytes of one element.
int64_t elementSize(ElementType type);

/// "f32" and so on.
const char *elementName(ElementType type);

/// Parses one line. On failure returns nothing and sets 'error' to a message
/// that holds the offending word and the whole line.
std::optional<Problem> parseProblem(std::string_view line, std::string &error);

/// Parses the text of a problem file. The error holds 'source', the number of
/// the line and the line.
std::optional<std::vector<Problem>> parseProblemSet(std::string_view text,
                                                    std::string_view source,
                                                    std::string &error);

/// Reads and parses a problem file.
std::optional<std::vector<Problem>> readProblemSet(const std::string &path,
                                                   std::string &error);

} // namespace fusilli::bench

#endif // BENCHMARKS_PROBLEM_H
