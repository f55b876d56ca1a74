// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attributes of the matrix product.

#ifndef FUSILLI_ATTRIBUTES_MATMUL_ATTRIBUTES_H
#define FUSILLI_ATTRIBUTES_MATMUL_ATTRIBUTES_H

#include <fusilli/attributes/attributes.h>
#include <fusilli/attributes/common.h>
#include <fusilli/attributes/tensor_attributes.h>
#include <fusilli/support/export.h>

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

namespace fusilli {

/// Matrix product C[...,m,n] = sum over k of A[...,m,k] * B[...,k,n].
/// Transposed operands are expressed by strides. Batch extents are equal or 1.
class MatmulAttr : public AttributesCRTP<MatmulAttr> {
public:
  enum class InputNames : uint8_t { A, B };
  enum class OutputNames : uint8_t { C };

  std::unordered_map<InputNames, std::shared_ptr<TensorAttr>> inputs;
  std::unordered_map<OutputNames, std::shared_ptr<TensorAttr>> outputs;

  // Tensor slots.
  FUSILLI_GENERIC_INPUT_TENSOR_SETTER(MatmulAttr, InputNames, A)
  FUSILLI_GENERIC_INPUT_TENSOR_GETTER(InputNames, A)
  FUSILLI_GENERIC_INPUT_TENSOR_SETTER(MatmulAttr, InputNames, B)
  FUSILLI_GENERIC_INPUT_TENSOR_GETTER(InputNames, B)
  FUSILLI_GENERIC_OUTPUT_TENSOR_SETTER(MatmulAttr, OutputNames, C)
  FUSILLI_GENERIC_OUTPUT_TENSOR_GETTER(OutputNames, C)
};

/// Dims of the product of `aDim` [batch..., M, K] and `bDim` [batch..., K, N],
/// of equal rank >= 2: the larger of both batch extents, then M, N. Empty for
/// other ranks.
FUSILLI_EXPORT std::vector<int64_t>
getMatmulInferredOutputShape(const std::vector<int64_t> &aDim,
                             const std::vector<int64_t> &bDim);

} // namespace fusilli

#endif // FUSILLI_ATTRIBUTES_MATMUL_ATTRIBUTES_H
