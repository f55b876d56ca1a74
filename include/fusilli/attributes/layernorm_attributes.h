// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attributes of layernorm.

#ifndef FUSILLI_ATTRIBUTES_LAYERNORM_ATTRIBUTES_H
#define FUSILLI_ATTRIBUTES_LAYERNORM_ATTRIBUTES_H

#include <fusilli/attributes/attributes.h>
#include <fusilli/attributes/common.h>
#include <fusilli/attributes/tensor_attributes.h>

#include <cstdint>
#include <memory>
#include <unordered_map>

namespace fusilli {

/// Layer normalization of each sample over all dims but dim 0: Y = SCALE * (X -
/// mean) / sqrt(biased variance + epsilon) + BIAS. TRAINING returns MEAN and
/// INV_VARIANCE = 1 / sqrt(variance + epsilon), of dims [N,1,...,1].
class LayernormAttr : public AttributesCRTP<LayernormAttr> {
public:
  enum class InputNames : uint8_t { X, SCALE, BIAS, EPSILON };
  enum class OutputNames : uint8_t { Y, MEAN, INV_VARIANCE };

  std::unordered_map<InputNames, std::shared_ptr<TensorAttr>> inputs;
  std::unordered_map<OutputNames, std::shared_ptr<TensorAttr>> outputs;

  // Tensor slots.
  FUSILLI_GENERIC_INPUT_TENSOR_SETTER(LayernormAttr, InputNames, X)
  FUSILLI_GENERIC_INPUT_TENSOR_GETTER(InputNames, X)
  FUSILLI_GENERIC_INPUT_TENSOR_SETTER(LayernormAttr, InputNames, SCALE)
  FUSILLI_GENERIC_INPUT_TENSOR_GETTER(InputNames, SCALE)
  FUSILLI_GENERIC_INPUT_TENSOR_SETTER(LayernormAttr, InputNames, BIAS)
  FUSILLI_GENERIC_INPUT_TENSOR_GETTER(InputNames, BIAS)
  FUSILLI_GENERIC_OUTPUT_TENSOR_SETTER(LayernormAttr, OutputNames, Y)
  FUSILLI_GENERIC_OUTPUT_TENSOR_GETTER(OutputNames, Y)
  FUSILLI_GENERIC_OUTPUT_TENSOR_SETTER(LayernormAttr, OutputNames, MEAN)
  FUSILLI_GENERIC_OUTPUT_TENSOR_GETTER(OutputNames, MEAN)
  FUSILLI_GENERIC_OUTPUT_TENSOR_SETTER(LayernormAttr, OutputNames, INV_VARIANCE)
  FUSILLI_GENERIC_OUTPUT_TENSOR_GETTER(OutputNames, INV_VARIANCE)
  /// A scalar tensor.
  LayernormAttr &setEpsilon(const std::shared_ptr<TensorAttr> &tensor) {
    return setInput(InputNames::EPSILON, tensor);
  }
  std::shared_ptr<TensorAttr> getEpsilon() const {
    return getInput(InputNames::EPSILON);
  }

  /// TRAINING computes and returns statistics.
  LayernormAttr &setForwardPhase(NormFwdPhase forwardPhase) {
    forwardPhase_ = forwardPhase;
    return *this;
  }
  NormFwdPhase getForwardPhase() const { return forwardPhase_; }

private:
  NormFwdPhase forwardPhase_ = NormFwdPhase::NOT_SET;
};

} // namespace fusilli

#endif // FUSILLI_ATTRIBUTES_LAYERNORM_ATTRIBUTES_H
