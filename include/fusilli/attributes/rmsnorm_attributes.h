// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attributes of rmsnorm.

#ifndef FUSILLI_ATTRIBUTES_RMSNORM_ATTRIBUTES_H
#define FUSILLI_ATTRIBUTES_RMSNORM_ATTRIBUTES_H

#include <fusilli/attributes/attributes.h>
#include <fusilli/attributes/common.h>
#include <fusilli/attributes/tensor_attributes.h>

#include <cstdint>
#include <memory>
#include <unordered_map>

namespace fusilli {

/// Root-mean-square normalization of each sample over all dims but dim 0: Y =
/// SCALE * X / sqrt(mean(X*X) + epsilon).
class RmsnormAttr : public AttributesCRTP<RmsnormAttr> {
public:
  enum class InputNames : uint8_t { X, SCALE, EPSILON };
  enum class OutputNames : uint8_t { Y, INV_RMS };

  std::unordered_map<InputNames, std::shared_ptr<TensorAttr>> inputs;
  std::unordered_map<OutputNames, std::shared_ptr<TensorAttr>> outputs;

  // Tensor slots.
  FUSILLI_GENERIC_INPUT_TENSOR_SETTER(RmsnormAttr, InputNames, X)
  FUSILLI_GENERIC_INPUT_TENSOR_GETTER(InputNames, X)
  FUSILLI_GENERIC_INPUT_TENSOR_SETTER(RmsnormAttr, InputNames, SCALE)
  FUSILLI_GENERIC_INPUT_TENSOR_GETTER(InputNames, SCALE)
  FUSILLI_GENERIC_OUTPUT_TENSOR_SETTER(RmsnormAttr, OutputNames, Y)
  FUSILLI_GENERIC_OUTPUT_TENSOR_GETTER(OutputNames, Y)
  FUSILLI_GENERIC_OUTPUT_TENSOR_SETTER(RmsnormAttr, OutputNames, INV_RMS)
  FUSILLI_GENERIC_OUTPUT_TENSOR_GETTER(OutputNames, INV_RMS)
  /// A scalar tensor.
  RmsnormAttr &setEpsilon(const std::shared_ptr<TensorAttr> &tensor) {
    return setInput(InputNames::EPSILON, tensor);
  }
  std::shared_ptr<TensorAttr> getEpsilon() const {
    return getInput(InputNames::EPSILON);
  }

  /// TRAINING computes and returns statistics.
  RmsnormAttr &setForwardPhase(NormFwdPhase forwardPhase) {
    forwardPhase_ = forwardPhase;
    return *this;
  }
  NormFwdPhase getForwardPhase() const { return forwardPhase_; }

private:
  NormFwdPhase forwardPhase_ = NormFwdPhase::NOT_SET;
};

} // namespace fusilli

#endif // FUSILLI_ATTRIBUTES_RMSNORM_ATTRIBUTES_H
