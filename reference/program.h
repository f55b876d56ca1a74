// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The program that a GraphDef describes, checked: every index in range, nodes
// in topological order, shapes that fit the op. What comes in are untrusted
// bytes; what goes out the evaluator may follow blindly.

#ifndef REFERENCE_PROGRAM_H
#define REFERENCE_PROGRAM_H

#include "reference/pointwise_formulas.h"
#include "reference/tensor.h"

#include <fusilli/attributes/pointwise_attributes.h>
#include <fusilli/attributes/reduction_attributes.h>
#include <fusilli/support/logging.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace fusilli::reference {

/// A tensor of the program.
struct TensorDef {
  TensorSpec spec;
  bool isVirtual = false;
  bool isInput = false;
  std::optional<TensorAttr::scalar_t> scalar; ///< a constant
};

struct PointwiseOp {
  PointwiseAttr::Mode mode;
  PointwiseParams params;
};
struct ReductionOp {
  ReductionAttr::Mode mode;
};
struct MatmulOp {};
/// What the three convolutions have: one value per spatial dim.
struct ConvLists {
  std::vector<int64_t> padding, stride, dilation;
};
struct ConvFPropOp : ConvLists {};
struct ConvDGradOp : ConvLists {};
struct ConvWGradOp : ConvLists {};
struct SdpaOp {
  float dropout = 0.0f;
  bool isCausal = false;
  std::optional<float> scale; ///< nothing: 1 / sqrt(head dim)
};
/// A normalization; its first input is X, its output Y. What else it has is
/// here, as numbers of tensors.
struct NormOp {
  enum class Kind { Layernorm, Rmsnorm, Batchnorm } kind;
  bool training = false;
  std::optional<size_t> scale, bias, mean, variance, epsilon;
  std::optional<size_t> meanOut, inverseOut; ///< results
};
using Op = std::variant<PointwiseOp, ReductionOp, MatmulOp, ConvFPropOp,
                        ConvDGradOp, ConvWGradOp, SdpaOp, NormOp>;

/// One node.
struct NodeDef {
  std::string name;
  Op op;
  std::vector<size_t> inputs; ///< numbers of tensors, empty slots left out
  size_t output;              ///< the first; only a NormOp has more
};

struct Program {
  std::string name;
  std::vector<TensorDef> tensors;
  std::vector<NodeDef> nodes; ///< topological order
};

/// Decodes and checks. InvalidArgument for bytes that are no GraphDef of this
/// version or whose shapes do not fit; NotImplemented for ops that the
/// reference does not know and for dynamic dims.
ErrorOr<Program> decodeProgram(std::span<const uint8_t> graphDef);

} // namespace fusilli::reference

#endif // REFERENCE_PROGRAM_H
