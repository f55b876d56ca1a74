// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attributes of the convolutions: forward and both gradients.

#ifndef FUSILLI_ATTRIBUTES_CONV_ATTRIBUTES_H
#define FUSILLI_ATTRIBUTES_CONV_ATTRIBUTES_H

#include <fusilli/attributes/attributes.h>
#include <fusilli/attributes/common.h>
#include <fusilli/attributes/tensor_attributes.h>
#include <fusilli/support/export.h>

#include <cstdint>
#include <memory>
#include <ranges>
#include <type_traits>
#include <unordered_map>
#include <vector>

namespace fusilli {

/// Convolution, forward (cross-correlation, no bias), logical dims:
/// Y[n,k,o] = sum over c, r of X[n, g(k)*Cg+c, o*stride + r*dilation - padding]
/// * W[k,c,r], zero outside; X is [N,C,spatial...], W [K,C/g,spatial...], Cg =
/// W.dim[1], g(k) = k / (K/g). The number of groups g is C / W.dim[1]. All
/// three lists are mandatory.
class ConvFPropAttr : public AttributesCRTP<ConvFPropAttr> {
public:
  enum class InputNames : uint8_t { X, W };
  enum class OutputNames : uint8_t { Y };

  std::unordered_map<InputNames, std::shared_ptr<TensorAttr>> inputs;
  std::unordered_map<OutputNames, std::shared_ptr<TensorAttr>> outputs;

  // Tensor slots.
  FUSILLI_GENERIC_INPUT_TENSOR_SETTER(ConvFPropAttr, InputNames, X)
  FUSILLI_GENERIC_INPUT_TENSOR_GETTER(InputNames, X)
  FUSILLI_GENERIC_INPUT_TENSOR_SETTER(ConvFPropAttr, InputNames, W)
  FUSILLI_GENERIC_INPUT_TENSOR_GETTER(InputNames, W)
  FUSILLI_GENERIC_OUTPUT_TENSOR_SETTER(ConvFPropAttr, OutputNames, Y)
  FUSILLI_GENERIC_OUTPUT_TENSOR_GETTER(OutputNames, Y)

  /// Zeros on both sides, one number for each spatial dim.
  ConvFPropAttr &setPadding(const std::vector<int64_t> &padding) {
    padding_ = padding;
    return *this;
  }
  template <Int64Range R>
    requires(!std::is_same_v<std::remove_cvref_t<R>, std::vector<int64_t>>)
  ConvFPropAttr &setPadding(R &&padding) {
    padding_.assign(std::ranges::begin(padding), std::ranges::end(padding));
    return *this;
  }
  const std::vector<int64_t> &getPadding() const { return padding_; }

  /// Step of the window, one number for each spatial dim.
  ConvFPropAttr &setStride(const std::vector<int64_t> &stride) {
    stride_ = stride;
    return *this;
  }
  template <Int64Range R>
    requires(!std::is_same_v<std::remove_cvref_t<R>, std::vector<int64_t>>)
  ConvFPropAttr &setStride(R &&stride) {
    stride_.assign(std::ranges::begin(stride), std::ranges::end(stride));
    return *this;
  }
  const std::vector<int64_t> &getStride() const { return stride_; }

  /// Distance of filter taps, one number for each spatial dim.
  ConvFPropAttr &setDilation(const std::vector<int64_t> &dilation) {
    dilation_ = dilation;
    return *this;
  }
  template <Int64Range R>
    requires(!std::is_same_v<std::remove_cvref_t<R>, std::vector<int64_t>>)
  ConvFPropAttr &setDilation(R &&dilation) {
    dilation_.assign(std::ranges::begin(dilation), std::ranges::end(dilation));
    return *this;
  }
  const std::vector<int64_t> &getDilation() const { return dilation_; }

private:
  std::vector<int64_t> padding_;
  std::vector<int64_t> stride_;
  std::vector<int64_t> dilation_;
};

/// Convolution, gradient of the weights:
/// DW[k,c,r] = sum over n, o of DY[n,k,o] * X[n, g(k)*Cg+c, o*stride +
/// r*dilation - padding]; see ConvFPropAttr. The dims of DW are the caller's to
/// set.
class ConvWGradAttr : public AttributesCRTP<ConvWGradAttr> {
public:
  enum class InputNames : uint8_t { DY, X };
  enum class OutputNames : uint8_t { DW };

  std::unordered_map<InputNames, std::shared_ptr<TensorAttr>> inputs;
  std::unordered_map<OutputNames, std::shared_ptr<TensorAttr>> outputs;

  // Tensor slots.
  FUSILLI_GENERIC_INPUT_TENSOR_SETTER(ConvWGradAttr, InputNames, DY)
  FUSILLI_GENERIC_INPUT_TENSOR_GETTER(InputNames, DY)
  FUSILLI_GENERIC_INPUT_TENSOR_SETTER(ConvWGradAttr, InputNames, X)
  FUSILLI_GENERIC_INPUT_TENSOR_GETTER(InputNames, X)
  FUSILLI_GENERIC_OUTPUT_TENSOR_SETTER(ConvWGradAttr, OutputNames, DW)
  FUSILLI_GENERIC_OUTPUT_TENSOR_GETTER(OutputNames, DW)

  /// Zeros on both sides, one number for each spatial dim.
  ConvWGradAttr &setPadding(const std::vector<int64_t> &padding) {
    padding_ = padding;
    return *this;
  }
  template <Int64Range R>
    requires(!std::is_same_v<std::remove_cvref_t<R>, std::vector<int64_t>>)
  ConvWGradAttr &setPadding(R &&padding) {
    padding_.assign(std::ranges::begin(padding), std::ranges::end(padding));
    return *this;
  }
  const std::vector<int64_t> &getPadding() const { return padding_; }

  /// Step of the window, one number for each spatial dim.
  ConvWGradAttr &setStride(const std::vector<int64_t> &stride) {
    stride_ = stride;
    return *this;
  }
  template <Int64Range R>
    requires(!std::is_same_v<std::remove_cvref_t<R>, std::vector<int64_t>>)
  ConvWGradAttr &setStride(R &&stride) {
    stride_.assign(std::ranges::begin(stride), std::ranges::end(stride));
    return *this;
  }
  const std::vector<int64_t> &getStride() const { return stride_; }

  /// Distance of filter taps, one number for each spatial dim.
  ConvWGradAttr &setDilation(const std::vector<int64_t> &dilation) {
    dilation_ = dilation;
    return *this;
  }
  template <Int64Range R>
    requires(!std::is_same_v<std::remove_cvref_t<R>, std::vector<int64_t>>)
  ConvWGradAttr &setDilation(R &&dilation) {
    dilation_.assign(std::ranges::begin(dilation), std::ranges::end(dilation));
    return *this;
  }
  const std::vector<int64_t> &getDilation() const { return dilation_; }

private:
  std::vector<int64_t> padding_;
  std::vector<int64_t> stride_;
  std::vector<int64_t> dilation_;
};

/// Convolution, gradient of the data:
/// DX[n, g*Cg+c, i] = sum over k of group g, r and o with o*stride + r*dilation
/// - padding = i of DY[n,k,o] * W[k,c,r]; see ConvFPropAttr. Positions that no
/// output reaches are 0. The dims of DX are the caller's to set.
class ConvDGradAttr : public AttributesCRTP<ConvDGradAttr> {
public:
  enum class InputNames : uint8_t { DY, W };
  enum class OutputNames : uint8_t { DX };

  std::unordered_map<InputNames, std::shared_ptr<TensorAttr>> inputs;
  std::unordered_map<OutputNames, std::shared_ptr<TensorAttr>> outputs;

  // Tensor slots.
  FUSILLI_GENERIC_INPUT_TENSOR_SETTER(ConvDGradAttr, InputNames, DY)
  FUSILLI_GENERIC_INPUT_TENSOR_GETTER(InputNames, DY)
  FUSILLI_GENERIC_INPUT_TENSOR_SETTER(ConvDGradAttr, InputNames, W)
  FUSILLI_GENERIC_INPUT_TENSOR_GETTER(InputNames, W)
  FUSILLI_GENERIC_OUTPUT_TENSOR_SETTER(ConvDGradAttr, OutputNames, DX)
  FUSILLI_GENERIC_OUTPUT_TENSOR_GETTER(OutputNames, DX)

  /// Zeros on both sides, one number for each spatial dim.
  ConvDGradAttr &setPadding(const std::vector<int64_t> &padding) {
    padding_ = padding;
    return *this;
  }
  template <Int64Range R>
    requires(!std::is_same_v<std::remove_cvref_t<R>, std::vector<int64_t>>)
  ConvDGradAttr &setPadding(R &&padding) {
    padding_.assign(std::ranges::begin(padding), std::ranges::end(padding));
    return *this;
  }
  const std::vector<int64_t> &getPadding() const { return padding_; }

  /// Step of the window, one number for each spatial dim.
  ConvDGradAttr &setStride(const std::vector<int64_t> &stride) {
    stride_ = stride;
    return *this;
  }
  template <Int64Range R>
    requires(!std::is_same_v<std::remove_cvref_t<R>, std::vector<int64_t>>)
  ConvDGradAttr &setStride(R &&stride) {
    stride_.assign(std::ranges::begin(stride), std::ranges::end(stride));
    return *this;
  }
  const std::vector<int64_t> &getStride() const { return stride_; }

  /// Distance of filter taps, one number for each spatial dim.
  ConvDGradAttr &setDilation(const std::vector<int64_t> &dilation) {
    dilation_ = dilation;
    return *this;
  }
  template <Int64Range R>
    requires(!std::is_same_v<std::remove_cvref_t<R>, std::vector<int64_t>>)
  ConvDGradAttr &setDilation(R &&dilation) {
    dilation_.assign(std::ranges::begin(dilation), std::ranges::end(dilation));
    return *this;
  }
  const std::vector<int64_t> &getDilation() const { return dilation_; }

private:
  std::vector<int64_t> padding_;
  std::vector<int64_t> stride_;
  std::vector<int64_t> dilation_;
};

/// Dims of a convolution's output: [N, K, 1 + (x + 2*padding - dilation*(w-1) -
/// 1) / stride ...], the division truncating; `xDim` is [N,C,spatial...] and
/// `wDim` [K,C/g,spatial...]. A stride below 1 gives an extent of 0, lists of
/// different lengths as many spatial dims as the shortest has.
FUSILLI_EXPORT std::vector<int64_t> getConvInferredOutputShape(
    const std::vector<int64_t> &xDim, const std::vector<int64_t> &wDim,
    const std::vector<int64_t> &dilation, const std::vector<int64_t> &padding,
    const std::vector<int64_t> &stride);

} // namespace fusilli

#endif // FUSILLI_ATTRIBUTES_CONV_ATTRIBUTES_H
