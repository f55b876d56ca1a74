// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attributes of the reductions.

#ifndef FUSILLI_ATTRIBUTES_REDUCTION_ATTRIBUTES_H
#define FUSILLI_ATTRIBUTES_REDUCTION_ATTRIBUTES_H

#include <fusilli/attributes/attributes.h>
#include <fusilli/attributes/common.h>
#include <fusilli/attributes/tensor_attributes.h>

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

namespace fusilli {

/// A reduction of X over the dims where Y has extent 1 and X has more; the rank
/// stays. The caller sets the dims of Y.
class ReductionAttr : public AttributesCRTP<ReductionAttr> {
public:
  /// SUM is the older name of ADD. AMAX: largest absolute value; NORM1: sum of
  /// absolute values; NORM2: root of the sum of squares; MUL_NO_ZEROS: product
  /// with zeros replaced by 1.
  enum class Mode : uint8_t {
    NOT_SET,
    ADD,
    SUM,
    MUL,
    MIN,
    MAX,
    AMAX,
    AVG,
    NORM1,
    NORM2,
    MUL_NO_ZEROS,
  };
  enum class InputNames : uint8_t { X };
  enum class OutputNames : uint8_t { Y };

  std::unordered_map<InputNames, std::shared_ptr<TensorAttr>> inputs;
  std::unordered_map<OutputNames, std::shared_ptr<TensorAttr>> outputs;

  // Tensor slots.
  FUSILLI_GENERIC_INPUT_TENSOR_SETTER(ReductionAttr, InputNames, X)
  FUSILLI_GENERIC_INPUT_TENSOR_GETTER(InputNames, X)
  FUSILLI_GENERIC_OUTPUT_TENSOR_SETTER(ReductionAttr, OutputNames, Y)
  FUSILLI_GENERIC_OUTPUT_TENSOR_GETTER(OutputNames, Y)

  /// Text of each mode.
  static inline const std::unordered_map<Mode, std::string> kModeToStr = {
      {Mode::NOT_SET, "NOT_SET"},
      {Mode::ADD, "ADD"},
      {Mode::SUM, "SUM"},
      {Mode::MUL, "MUL"},
      {Mode::MIN, "MIN"},
      {Mode::MAX, "MAX"},
      {Mode::AMAX, "AMAX"},
      {Mode::AVG, "AVG"},
      {Mode::NORM1, "NORM1"},
      {Mode::NORM2, "NORM2"},
      {Mode::MUL_NO_ZEROS, "MUL_NO_ZEROS"},
  };

  /// What is computed.
  ReductionAttr &setMode(Mode mode) {
    mode_ = mode;
    return *this;
  }
  Mode getMode() const { return mode_; }

private:
  Mode mode_ = Mode::NOT_SET;
};

} // namespace fusilli

#endif // FUSILLI_ATTRIBUTES_REDUCTION_ATTRIBUTES_H
