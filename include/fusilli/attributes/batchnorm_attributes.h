// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attributes of batchnorm.

#ifndef FUSILLI_ATTRIBUTES_BATCHNORM_ATTRIBUTES_H
#define FUSILLI_ATTRIBUTES_BATCHNORM_ATTRIBUTES_H

#include <fusilli/attributes/attributes.h>
#include <fusilli/attributes/common.h>
#include <fusilli/attributes/tensor_attributes.h>

#include <cstdint>
#include <memory>
#include <unordered_map>

namespace fusilli {

/// Batch normalization over all dims but dim 1 (channels): Y = SCALE * (X -
/// mean) / sqrt(variance + epsilon) + BIAS. INFERENCE uses MEAN and VAR;
/// TRAINING the mean and biased variance of the batch, returned as SAVED_MEAN
/// and SAVED_INV_VARIANCE = 1 / sqrt(variance + epsilon). SCALE and BIAS may be
/// null.
class BatchnormAttr : public AttributesCRTP<BatchnormAttr> {
public:
  enum class InputNames : uint8_t {
    X,
    SCALE,
    BIAS,
    MEAN,
    VAR,
    EPSILON,
    MOMENTUM
  };
  enum class OutputNames : uint8_t { Y, SAVED_MEAN, SAVED_INV_VARIANCE };

  std::unordered_map<InputNames, std::shared_ptr<TensorAttr>> inputs;
  std::unordered_map<OutputNames, std::shared_ptr<TensorAttr>> outputs;

  // Tensor slots.
  FUSILLI_GENERIC_INPUT_TENSOR_SETTER(BatchnormAttr, InputNames, X)
  FUSILLI_GENERIC_INPUT_TENSOR_GETTER(InputNames, X)
  FUSILLI_GENERIC_INPUT_TENSOR_SETTER(BatchnormAttr, InputNames, SCALE)
  FUSILLI_GENERIC_INPUT_TENSOR_GETTER(InputNames, SCALE)
  FUSILLI_GENERIC_INPUT_TENSOR_SETTER(BatchnormAttr, InputNames, BIAS)
  FUSILLI_GENERIC_INPUT_TENSOR_GETTER(InputNames, BIAS)
  FUSILLI_GENERIC_INPUT_TENSOR_SETTER(BatchnormAttr, InputNames, MEAN)
  FUSILLI_GENERIC_INPUT_TENSOR_GETTER(InputNames, MEAN)
  FUSILLI_GENERIC_INPUT_TENSOR_SETTER(BatchnormAttr, InputNames, VAR)
  FUSILLI_GENERIC_INPUT_TENSOR_GETTER(InputNames, VAR)
  FUSILLI_GENERIC_OUTPUT_TENSOR_SETTER(BatchnormAttr, OutputNames, Y)
  FUSILLI_GENERIC_OUTPUT_TENSOR_GETTER(OutputNames, Y)
  FUSILLI_GENERIC_OUTPUT_TENSOR_SETTER(BatchnormAttr, OutputNames, SAVED_MEAN)
  FUSILLI_GENERIC_OUTPUT_TENSOR_GETTER(OutputNames, SAVED_MEAN)
  FUSILLI_GENERIC_OUTPUT_TENSOR_SETTER(BatchnormAttr, OutputNames,
                                       SAVED_INV_VARIANCE)
  FUSILLI_GENERIC_OUTPUT_TENSOR_GETTER(OutputNames, SAVED_INV_VARIANCE)
  /// A scalar tensor.
  BatchnormAttr &setEpsilon(const std::shared_ptr<TensorAttr> &tensor) {
    return setInput(InputNames::EPSILON, tensor);
  }
  std::shared_ptr<TensorAttr> getEpsilon() const {
    return getInput(InputNames::EPSILON);
  }
  /// A scalar tensor.
  BatchnormAttr &setMomentum(const std::shared_ptr<TensorAttr> &tensor) {
    return setInput(InputNames::MOMENTUM, tensor);
  }
  std::shared_ptr<TensorAttr> getMomentum() const {
    return getInput(InputNames::MOMENTUM);
  }

  /// TRAINING computes and returns statistics.
  BatchnormAttr &setForwardPhase(NormFwdPhase forwardPhase) {
    forwardPhase_ = forwardPhase;
    return *this;
  }
  NormFwdPhase getForwardPhase() const { return forwardPhase_; }

private:
  NormFwdPhase forwardPhase_ = NormFwdPhase::NOT_SET;
};

} // namespace fusilli

#endif // FUSILLI_ATTRIBUTES_BATCHNORM_ATTRIBUTES_H
