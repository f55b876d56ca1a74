// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tensor properties and their validation.

#include <fusilli/attributes/tensor_attributes.h>
#include <fusilli/support/asm_emitter.h>

#include "graph/checked_math.h"
#include "graph/messages.h"
#include "support/tensor_layout.h"

#include <algorithm>
#include <cctype>
#include <numeric>
#include <utility>

namespace fusilli {

using graph::message;
using graph::Msg;

//===-- Construction, setters ---------------------------------------------===//

TensorAttr::TensorAttr(float value)
    : dataType_(DataType::Float), dim_{1}, stride_{1}, isScalar_(true),
      scalarValue_(value) {}
TensorAttr::TensorAttr(double value)
    : dataType_(DataType::Double), dim_{1}, stride_{1}, isScalar_(true),
      scalarValue_(value) {}
TensorAttr::TensorAttr(int32_t value)
    : dataType_(DataType::Int32), dim_{1}, stride_{1}, isScalar_(true),
      scalarValue_(value) {}
TensorAttr::TensorAttr(int64_t value)
    : dataType_(DataType::Int64), dim_{1}, stride_{1}, isScalar_(true),
      scalarValue_(value) {}

TensorAttr &TensorAttr::setName(const std::string &name) {
  name_ = name;
  return *this;
}

TensorAttr &TensorAttr::setDataType(DataType type) {
  dataType_ = type;
  return *this;
}

TensorAttr &TensorAttr::setDim(const std::vector<int64_t> &dim) {
  dim_ = dim;
  return *this;
}

TensorAttr &TensorAttr::setStride(const std::vector<int64_t> &stride) {
  stride_ = stride;
  return *this;
}

TensorAttr &TensorAttr::setDynamicDim(size_t i) {
  auto it = std::ranges::lower_bound(dynamicDims_, i);
  if (it == dynamicDims_.end() || *it != i)
    dynamicDims_.insert(it, i);
  return *this;
}

TensorAttr &TensorAttr::setDynamicDims(std::span<const size_t> dims) {
  std::vector<size_t> given(dims.begin(), dims.end());
  std::ranges::sort(given);
  given.erase(std::ranges::unique(given).begin(), given.end());
  dynamicDims_ = std::move(given);
  return *this;
}

TensorAttr &TensorAttr::setDynamicDims(std::initializer_list<size_t> dims) {
  return setDynamicDims(std::span<const size_t>(dims.begin(), dims.size()));
}

TensorAttr &TensorAttr::clearDynamicDims() {
  dynamicDims_.clear();
  return *this;
}

TensorAttr &TensorAttr::setIsVirtual(bool isVirtual) {
  isVirtual_ = isVirtual;
  return *this;
}

TensorAttr &TensorAttr::setOutput(bool isOutput) {
  return setIsVirtual(!isOutput);
}

TensorAttr &TensorAttr::setConstant(bool isConstant) {
  isConstant_ = isConstant;
  return *this;
}

TensorAttr &TensorAttr::setIsScalar(bool isScalar) {
  isScalar_ = isScalar;
  return *this;
}

TensorAttr &TensorAttr::fillFromContext(const Context &context) {
  if (dataType_ == DataType::NotSet)
    dataType_ = isVirtual_ ? context.getIntermediateDataType()
                           : context.getIODataType();
  return *this;
}

//===-- Getters -----------------------------------------------------------===//

bool TensorAttr::isDynamicDim(size_t i) const {
  return std::ranges::binary_search(dynamicDims_, i);
}

int64_t TensorAttr::getVolume() const {
  return std::accumulate(dim_.begin(), dim_.end(), int64_t{1}, graph::wrapMul);
}

bool TensorAttr::isContiguous() const {
  return !dim_.empty() &&
         stride_ ==
             generateStrideFromDim(dim_, getContiguousStrideOrder(dim_.size()));
}

bool TensorAttr::isChannelsLast() const {
  return dim_.size() >= 3 &&
         stride_ == generateStrideFromDim(
                        dim_, getChannelsLastStrideOrder(dim_.size()));
}

bool TensorAttr::hasBroadcastDims() const {
  return layout::hasBroadcast(dim_, stride_);
}

std::vector<int64_t> TensorAttr::getUnexpandedDim() const {
  std::vector<int64_t> dim = dim_;
  for (size_t i = 0; i < std::min(dim_.size(), stride_.size()); ++i)
    if (dim_[i] > 1 && stride_[i] == 0)
      dim[i] = 1;
  return dim;
}

int64_t TensorAttr::getSpan() const {
  return layout::findSpan(dim_, stride_).value_or(0);
}

bool TensorAttr::hasValidPhysicalRepresentation() const {
  return layout::isDense(dim_, stride_);
}

std::vector<int64_t> TensorAttr::getLogicalToPhysicalPermuteOrder() const {
  if (dim_.size() != stride_.size())
    return getPreserveContiguousPermuteOrder(dim_.size());
  return layout::physicalOrder(dim_, stride_);
}

std::vector<int64_t> TensorAttr::getPhysicalToLogicalPermuteOrder() const {
  return inversePermutation(getLogicalToPhysicalPermuteOrder());
}

std::vector<int64_t> TensorAttr::getPhysicalDim() const {
  if (dim_.size() != stride_.size())
    return getUnexpandedDim();
  return layout::physicalShape(dim_, stride_);
}

//===-- Validation --------------------------------------------------------===//

ErrorObject TensorAttr::validate() const {
  FUSILLI_RETURN_ERROR_IF(dim_.empty(), ErrorCode::AttributeNotSet,
                          message(Msg::TensorNoDim, name_));
  FUSILLI_RETURN_ERROR_IF(stride_.empty(), ErrorCode::AttributeNotSet,
                          message(Msg::TensorNoStride, name_));
  FUSILLI_RETURN_ERROR_IF(
      dim_.size() != stride_.size(), ErrorCode::InvalidAttribute,
      message(Msg::TensorRankMismatch, name_, dim_.size(), stride_.size()));
  FUSILLI_CHECK_ERROR(validateDynamicDims());
  FUSILLI_RETURN_ERROR_IF(!layout::findVolume(dim_) ||
                              !layout::findSpan(dim_, stride_),
                          ErrorCode::InvalidAttribute,
                          message(Msg::TensorLayout, name_, dim_, stride_));
  FUSILLI_RETURN_ERROR_IF(
      hasDynamicDims() && !hasValidPhysicalRepresentation(),
      ErrorCode::InvalidAttribute,
      message(Msg::TensorDynamicView, name_, dim_, stride_));
  FUSILLI_RETURN_ERROR_IF(dataType_ == DataType::NotSet,
                          ErrorCode::AttributeNotSet,
                          message(Msg::TensorNoDataType, name_));
  FUSILLI_RETURN_ERROR_IF(isVirtual_ && isScalar_, ErrorCode::InvalidAttribute,
                          message(Msg::TensorVirtualScalar, name_));
  FUSILLI_RETURN_ERROR_IF(scalarValue_ && !isScalar_,
                          ErrorCode::InvalidAttribute,
                          message(Msg::TensorValueNotScalar, name_));
  FUSILLI_RETURN_ERROR_IF(!scalarValue_ && isScalar_,
                          ErrorCode::InvalidAttribute,
                          message(Msg::TensorScalarNoValue, name_));
  return ok();
}

ErrorObject TensorAttr::validateDynamicDims() const {
  for (size_t i : dynamicDims_) {
    FUSILLI_RETURN_ERROR_IF(
        i >= dim_.size(), ErrorCode::InvalidAttribute,
        message(Msg::TensorDynamicOutOfRange, name_, i, dim_.size()));
    FUSILLI_RETURN_ERROR_IF(stride_[i] == 0, ErrorCode::InvalidAttribute,
                            message(Msg::TensorDynamicBroadcast, name_, i));
    FUSILLI_RETURN_ERROR_IF(dim_[i] == 1, ErrorCode::InvalidAttribute,
                            message(Msg::TensorDynamicUnit, name_, i));
  }
  FUSILLI_RETURN_ERROR_IF(hasBroadcastDims() && hasDynamicDims(),
                          ErrorCode::InvalidAttribute,
                          message(Msg::TensorBroadcastAndDynamic, name_));
  return ok();
}

//===-- Text --------------------------------------------------------------===//

std::string TensorAttr::getTensorTypeAsm(bool isValueTensor,
                                         bool useLogicalDims) const {
  std::vector<int64_t> dim = useLogicalDims ? dim_ : getPhysicalDim();
  std::vector<int64_t> source =
      useLogicalDims ? getPreserveContiguousPermuteOrder(dim_.size())
                     : getLogicalToPhysicalPermuteOrder();
  for (size_t i = 0; i < dim.size(); ++i)
    if (isDynamicDim(static_cast<size_t>(source[i])))
      dim[i] = -1;
  return buildTensorTypeStr(dim, dataType_, isValueTensor);
}

std::string TensorAttr::getValueNameAsm(bool isOutputAliased) const {
  std::string text = "%";
  for (char c : name_)
    if (std::isalnum(static_cast<unsigned char>(c)) || c == '_')
      text += c;
  return isOutputAliased ? text + "_" : text;
}

std::string replaceAll(std::string text, const std::string &from,
                       const std::string &to) {
  if (from.empty())
    return text;
  for (size_t at = text.find(from); at != std::string::npos;
       at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

std::string buildTensorTypeStr(const std::vector<int64_t> &dims,
                               DataType dataType, bool isValueTensor) {
  std::string text = isValueTensor ? "!torch.vtensor<[" : "!torch.tensor<[";
  for (size_t i = 0; i < dims.size(); ++i) {
    if (i != 0)
      text += ",";
    text += dims[i] < 0 ? std::string("?") : std::to_string(dims[i]);
  }
  auto it = kDataTypeToMlirTypeAsm.find(dataType);
  text += "],";
  text += it == kDataTypeToMlirTypeAsm.end() ? std::string("none") : it->second;
  return text + ">";
}

} // namespace fusilli
