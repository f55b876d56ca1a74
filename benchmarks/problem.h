// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The problem line of fusilli-bench: name, reproducer and test case in one.
//
//   matmul MxNxK DTYPE [ta] [tb] [bias] [relu|gelu]
//   batch_matmul BxMxNxK DTYPE [ta] [tb] [bias] [relu|gelu]
//   conv n1c64h56w56 k64r3s3 [g1] [pad1] [stride1] [dil1] DTYPE nhwc|nchw
//        [bias] [relu|gelu]
//   conv_dgrad, conv_wgrad: as conv, without an epilogue
//   pointwise DxDx.. DTYPE op,op,..
//   reduce DxDx.. DTYPE MODE axisN[,N..]
//   sdpa b1hq8hk8s512d64 DTYPE [causal] [mask]
//   layernorm|rmsnorm|softmax DxDx.. DTYPE axisN[,N..]
//   batchnorm n8c64h56w56 DTYPE nhwc|nchw
//
// Any of them may end in words of its own kind: 'const' (the second operand of
// a product or convolution is declared constant, so that it may be packed
// before the timed calls), 'views' (the first operand has padded rows) and
// 'dynamic' (the batch, or the rows where there is none, have a dynamic
// extent; of an attention the sequence; 'dynamic16' compiles for a
// representative extent of 16 and runs the one of the line).
//
// Images have one to three spatial dims: n1c32w110250 k32s2, n1c3h8w8 k4r3s3,
// n1c3d2h14w14 k8t2r14s14; pad, stride and dil take one number or one a dim
// (stride2,14,14); the layout is written nhwc or nchw for all of them. 'ta' and
// 'tb' store A as [K, M] and B as [N, K]. A gradient is named after its forward
// convolution. The output type is the input type; bias is [N] or [K]; the
// second operand of a binary pointwise op is a full tensor; norms have a scale,
// and layernorm and batchnorm (in training) a bias; their axes are neighbours
// at one end of the shape. Empty lines and '#' comments are skipped in files. A
// problem knows its arithmetic and the bytes it must move.
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
  ConvDGrad,
  ConvWGrad,
  Pointwise,
  Reduce,
  Sdpa,
  Layernorm,
  Rmsnorm,
  Softmax,
  Batchnorm
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

/// A forward convolution. The lists have an entry for each spatial dim, the
/// outermost first.
struct ConvShape {
  int64_t n = 0, c = 0, k = 0, groups = 1;
  std::vector<int64_t> image, filter;
  std::vector<int64_t> pad, stride, dilation;
  bool channelsLast = true;

  /// Number of spatial dims.
  size_t rank() const { return image.size(); }
  /// Extent of the output in a spatial dim.
  int64_t out(size_t dim) const;
  /// Extents of input, filter and output as the graph has them: batch or output
  /// channels first, then channels, then the spatial dims.
  std::vector<int64_t> xDims() const;
  std::vector<int64_t> wDims() const;
  std::vector<int64_t> yDims() const;
};

/// Attention over [batch, heads, sequence, head dim].
struct SdpaShape {
  int64_t batch = 0, heads = 0, kvHeads = 0, queries = 0, keys = 0, dim = 0;
  bool causal = false, mask = false;

  /// Pairs of a query and a key of one head that count.
  double pairs() const;
};

/// One parsed problem line. Immutable after parsing.
struct Problem {
  std::string line; ///< the line, white space normalised
  ProblemKind kind = ProblemKind::Matmul;
  ElementType type = ElementType::F32;
  int64_t batch = 1, m = 0, n = 0, k = 0; ///< (batch) matmul
  bool transposeA = false, transposeB = false;
  ConvShape conv; ///< batchnorm: n, c, image and channelsLast alone
  SdpaShape sdpa;
  std::vector<int64_t> dims; ///< pointwise, reduce, norms: shape of the input
  std::vector<const PointwiseOp *> ops;
  const ReduceMode *reduce = nullptr;
  std::vector<int64_t> axes; ///< reduce, norms: ascending, unique
  bool bias = false;
  Activation activation = Activation::None;
  bool constant = false;      ///< the second operand is declared constant
  bool views = false;         ///< the first operand has padded rows
  bool dynamic = false;       ///< the batch, rows or sequence are dynamic
  int64_t representative = 0; ///< of the dynamic extent; 0: what is run

  bool isMatmul() const {
    return kind == ProblemKind::Matmul || kind == ProblemKind::BatchMatmul;
  }
  bool isConv() const {
    return kind == ProblemKind::Conv || kind == ProblemKind::ConvDGrad ||
           kind == ProblemKind::ConvWGrad;
  }

  /// Multiplications and additions of the contractions (taps that fall into
  /// the padding count, masked keys do not); 0 where there is none.
  double flops() const;

  /// Bytes that must move: each input read once, each output written once.
  double bytes() const;

  /// Elements of the output.
  int64_t outputElements() const;

  /// Elements of the first input.
  int64_t inputElements() const;

  /// Tensors that a pointwise problem reads.
  int inputCount() const;
};

/// Bytes of one element.
int64_t elementSize(ElementType type);

/// "f32" and so on.
const char *elementName(ElementType type);

/// True for the integer types.
bool isInteger(ElementType type);

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
