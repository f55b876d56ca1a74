// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attributes of the elementwise ops.

#ifndef FUSILLI_ATTRIBUTES_POINTWISE_ATTRIBUTES_H
#define FUSILLI_ATTRIBUTES_POINTWISE_ATTRIBUTES_H

#include <fusilli/attributes/attributes.h>
#include <fusilli/attributes/common.h>
#include <fusilli/attributes/tensor_attributes.h>

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

/// Calls `OP(mode)` for every pointwise mode but NOT_SET, in the order of the
/// enumeration.
#define FUSILLI_POINTWISE_OPS(OP)                                              \
  OP(ABS)                                                                      \
  OP(ADD)                                                                      \
  OP(ADD_SQUARE)                                                               \
  OP(BINARY_SELECT)                                                            \
  OP(CEIL)                                                                     \
  OP(CMP_EQ)                                                                   \
  OP(CMP_GE)                                                                   \
  OP(CMP_GT)                                                                   \
  OP(CMP_LE)                                                                   \
  OP(CMP_LT)                                                                   \
  OP(CMP_NEQ)                                                                  \
  OP(DIV)                                                                      \
  OP(ELU_FWD)                                                                  \
  OP(ERF)                                                                      \
  OP(EXP)                                                                      \
  OP(FLOOR)                                                                    \
  OP(GELU_APPROX_TANH_BWD)                                                     \
  OP(GELU_APPROX_TANH_FWD)                                                     \
  OP(GELU_BWD)                                                                 \
  OP(GELU_FWD)                                                                 \
  OP(IDENTITY)                                                                 \
  OP(LOG)                                                                      \
  OP(LOGICAL_AND)                                                              \
  OP(LOGICAL_NOT)                                                              \
  OP(LOGICAL_OR)                                                               \
  OP(MAX_OP)                                                                   \
  OP(MIN_OP)                                                                   \
  OP(MUL)                                                                      \
  OP(NEG)                                                                      \
  OP(RECIPROCAL)                                                               \
  OP(RELU_BWD)                                                                 \
  OP(RELU_FWD)                                                                 \
  OP(RSQRT)                                                                    \
  OP(SIGMOID_FWD)                                                              \
  OP(SIN)                                                                      \
  OP(SOFTPLUS_FWD)                                                             \
  OP(SQRT)                                                                     \
  OP(SUB)                                                                      \
  OP(SWISH_BWD)                                                                \
  OP(SWISH_FWD)                                                                \
  OP(TAN)                                                                      \
  OP(TANH_BWD)                                                                 \
  OP(TANH_FWD)

namespace fusilli {

/// An elementwise op over one to three inputs, broadcast right-aligned over
/// logical dims.
class PointwiseAttr : public AttributesCRTP<PointwiseAttr> {
public:
  /// With a, b, c for IN_0, IN_1, IN_2 the names say what is computed. CMP_*
  /// and LOGICAL_* give Boolean; BINARY_SELECT is a ? b : c with a Boolean a;
  /// ADD_SQUARE is a + b*b. Backward modes take dy = IN_0 and the forward input
  /// x = IN_1.
  enum class Mode : uint8_t {
    NOT_SET,
#define FUSILLI_DEFINE_ENUM(NAME) NAME,
    FUSILLI_POINTWISE_OPS(FUSILLI_DEFINE_ENUM)
#undef FUSILLI_DEFINE_ENUM
  };
  enum class InputNames : uint8_t { IN_0, IN_1, IN_2 };
  enum class OutputNames : uint8_t { OUT_0 };

  std::unordered_map<InputNames, std::shared_ptr<TensorAttr>> inputs;
  std::unordered_map<OutputNames, std::shared_ptr<TensorAttr>> outputs;

  // Tensor slots.
  FUSILLI_GENERIC_INPUT_TENSOR_SETTER(PointwiseAttr, InputNames, IN_0)
  FUSILLI_GENERIC_INPUT_TENSOR_GETTER(InputNames, IN_0)
  FUSILLI_GENERIC_INPUT_TENSOR_SETTER(PointwiseAttr, InputNames, IN_1)
  FUSILLI_GENERIC_INPUT_TENSOR_GETTER(InputNames, IN_1)
  FUSILLI_GENERIC_INPUT_TENSOR_SETTER(PointwiseAttr, InputNames, IN_2)
  FUSILLI_GENERIC_INPUT_TENSOR_GETTER(InputNames, IN_2)
  FUSILLI_GENERIC_OUTPUT_TENSOR_SETTER(PointwiseAttr, OutputNames, OUT_0)
  FUSILLI_GENERIC_OUTPUT_TENSOR_GETTER(OutputNames, OUT_0)

  /// Text of each mode; NOT_SET has none.
  static inline const std::unordered_map<Mode, std::string> kModeToStr = {
#define FUSILLI_DEFINE_ENTRY(NAME) {Mode::NAME, #NAME},
      FUSILLI_POINTWISE_OPS(FUSILLI_DEFINE_ENTRY)
#undef FUSILLI_DEFINE_ENTRY
  };
  /// How many of IN_0, IN_1, IN_2 each mode takes.
  static inline const std::unordered_map<Mode, int> kModeToRequiredInputCount =
      {
          {Mode::ABS, 1},
          {Mode::ADD, 2},
          {Mode::ADD_SQUARE, 2},
          {Mode::BINARY_SELECT, 3},
          {Mode::CEIL, 1},
          {Mode::CMP_EQ, 2},
          {Mode::CMP_GE, 2},
          {Mode::CMP_GT, 2},
          {Mode::CMP_LE, 2},
          {Mode::CMP_LT, 2},
          {Mode::CMP_NEQ, 2},
          {Mode::DIV, 2},
          {Mode::ELU_FWD, 1},
          {Mode::ERF, 1},
          {Mode::EXP, 1},
          {Mode::FLOOR, 1},
          {Mode::GELU_APPROX_TANH_BWD, 2},
          {Mode::GELU_APPROX_TANH_FWD, 1},
          {Mode::GELU_BWD, 2},
          {Mode::GELU_FWD, 1},
          {Mode::IDENTITY, 1},
          {Mode::LOG, 1},
          {Mode::LOGICAL_AND, 2},
          {Mode::LOGICAL_NOT, 1},
          {Mode::LOGICAL_OR, 2},
          {Mode::MAX_OP, 2},
          {Mode::MIN_OP, 2},
          {Mode::MUL, 2},
          {Mode::NEG, 1},
          {Mode::RECIPROCAL, 1},
          {Mode::RELU_BWD, 2},
          {Mode::RELU_FWD, 1},
          {Mode::RSQRT, 1},
          {Mode::SIGMOID_FWD, 1},
          {Mode::SIN, 1},
          {Mode::SOFTPLUS_FWD, 1},
          {Mode::SQRT, 1},
          {Mode::SUB, 2},
          {Mode::SWISH_BWD, 2},
          {Mode::SWISH_FWD, 1},
          {Mode::TAN, 1},
          {Mode::TANH_BWD, 2},
          {Mode::TANH_FWD, 1},
      };

  /// What is computed.
  PointwiseAttr &setMode(Mode mode) {
    mode_ = mode;
    return *this;
  }
  Mode getMode() const { return mode_; }

  /// Alpha of ELU_FWD.
  PointwiseAttr &setEluAlpha(float eluAlpha) {
    eluAlpha_ = eluAlpha;
    return *this;
  }
  float getEluAlpha() const { return eluAlpha_; }

  /// Beta of SOFTPLUS_FWD.
  PointwiseAttr &setSoftplusBeta(float softplusBeta) {
    softplusBeta_ = softplusBeta;
    return *this;
  }
  float getSoftplusBeta() const { return softplusBeta_; }

  /// SOFTPLUS_FWD is the identity where beta * x is above this.
  PointwiseAttr &setSoftplusThreshold(float softplusThreshold) {
    softplusThreshold_ = softplusThreshold;
    return *this;
  }
  float getSoftplusThreshold() const { return softplusThreshold_; }

  /// Beta of SWISH_FWD and SWISH_BWD.
  PointwiseAttr &setSwishBeta(float swishBeta) {
    swishBeta_ = swishBeta;
    return *this;
  }
  float getSwishBeta() const { return swishBeta_; }

private:
  Mode mode_ = Mode::NOT_SET;
  float eluAlpha_ = 1.0f;
  float softplusBeta_ = 1.0f;
  float softplusThreshold_ = 20.0f;
  float swishBeta_ = 1.0f;
};

/// Output types that the mode fixes, whatever the caller set: Boolean for all
/// CMP_* and LOGICAL_*.
inline const std::unordered_map<PointwiseAttr::Mode, DataType>
    kPointwiseForcedDataTypes = {
        {PointwiseAttr::Mode::CMP_EQ, DataType::Boolean},
        {PointwiseAttr::Mode::CMP_GE, DataType::Boolean},
        {PointwiseAttr::Mode::CMP_GT, DataType::Boolean},
        {PointwiseAttr::Mode::CMP_LE, DataType::Boolean},
        {PointwiseAttr::Mode::CMP_LT, DataType::Boolean},
        {PointwiseAttr::Mode::CMP_NEQ, DataType::Boolean},
        {PointwiseAttr::Mode::LOGICAL_AND, DataType::Boolean},
        {PointwiseAttr::Mode::LOGICAL_NOT, DataType::Boolean},
        {PointwiseAttr::Mode::LOGICAL_OR, DataType::Boolean},
};

} // namespace fusilli

#endif // FUSILLI_ATTRIBUTES_POINTWISE_ATTRIBUTES_H
