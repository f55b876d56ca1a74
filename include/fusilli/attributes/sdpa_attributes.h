// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attributes of scaled dot-product attention.

#ifndef FUSILLI_ATTRIBUTES_SDPA_ATTRIBUTES_H
#define FUSILLI_ATTRIBUTES_SDPA_ATTRIBUTES_H

#include <fusilli/attributes/attributes.h>
#include <fusilli/attributes/common.h>
#include <fusilli/attributes/tensor_attributes.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>

namespace fusilli {

/// Scaled dot-product attention over [batch, heads, seq, head_dim]: S[i,j] =
/// scale * <Q_i, K_j> (+ MASK[i,j]); O_i = sum over j of softmax_j(S_i) * V_j.
/// MASK is additive, broadcast over unit dims, and may be null.
class SdpaAttr : public AttributesCRTP<SdpaAttr> {
public:
  enum class InputNames : uint8_t { Q, K, V, MASK };
  enum class OutputNames : uint8_t { O };

  std::unordered_map<InputNames, std::shared_ptr<TensorAttr>> inputs;
  std::unordered_map<OutputNames, std::shared_ptr<TensorAttr>> outputs;

  // Tensor slots.
  FUSILLI_GENERIC_INPUT_TENSOR_SETTER(SdpaAttr, InputNames, Q)
  FUSILLI_GENERIC_INPUT_TENSOR_GETTER(InputNames, Q)
  FUSILLI_GENERIC_INPUT_TENSOR_SETTER(SdpaAttr, InputNames, K)
  FUSILLI_GENERIC_INPUT_TENSOR_GETTER(InputNames, K)
  FUSILLI_GENERIC_INPUT_TENSOR_SETTER(SdpaAttr, InputNames, V)
  FUSILLI_GENERIC_INPUT_TENSOR_GETTER(InputNames, V)
  FUSILLI_GENERIC_INPUT_TENSOR_SETTER(SdpaAttr, InputNames, MASK)
  FUSILLI_GENERIC_INPUT_TENSOR_GETTER(InputNames, MASK)
  FUSILLI_GENERIC_OUTPUT_TENSOR_SETTER(SdpaAttr, OutputNames, O)
  FUSILLI_GENERIC_OUTPUT_TENSOR_GETTER(OutputNames, O)

  /// Probability of dropping a weight, in [0, 1).
  SdpaAttr &setDropout(float dropout) {
    dropout_ = dropout;
    return *this;
  }
  float getDropout() const { return dropout_; }

  /// Row i sees columns j <= i only; excludes MASK.
  SdpaAttr &setIsCausal(bool isCausal) {
    isCausal_ = isCausal;
    return *this;
  }
  bool getIsCausal() const { return isCausal_; }

  /// Factor of the scores; nothing means 1 / sqrt(head_dim).
  SdpaAttr &setScale(std::optional<float> scale) {
    scale_ = scale;
    return *this;
  }
  std::optional<float> getScale() const { return scale_; }

  /// Several query heads share one K and V head.
  SdpaAttr &setEnableGqa(bool enableGqa) {
    enableGqa_ = enableGqa;
    return *this;
  }
  bool getEnableGqa() const { return enableGqa_; }

private:
  float dropout_ = 0.0f;
  bool isCausal_ = false;
  std::optional<float> scale_ = std::nullopt;
  bool enableGqa_ = false;
};

} // namespace fusilli

#endif // FUSILLI_ATTRIBUTES_SDPA_ATTRIBUTES_H
