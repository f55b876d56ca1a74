// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layout arithmetic and element access of tensors.

#include "reference/tensor.h"

#include "reference/element.h"
#include "support/tensor_layout.h"

#include <optional>

namespace fusilli::reference {

namespace {

/// Elements of a tensor, and of a view's buffer, whose gaps are memory, too.
constexpr int64_t kMaxVolume = int64_t{1} << 40;
constexpr int64_t kMaxView = int64_t{1} << 26;

std::string joined(const std::vector<int64_t> &values) {
  std::string out;
  for (int64_t value : values)
    out += (out.empty() ? "" : "x") + std::to_string(value);
  return out;
}

} // namespace

int64_t TensorSpec::volume() const {
  int64_t count = 1;
  for (int64_t dim : dims)
    count *= dim;
  return count;
}

int64_t TensorSpec::storageCount() const {
  return layout::findSpan(dims, strides).value_or(0);
}

size_t TensorSpec::storageBytes() const {
  return elementBytes(dtype, storageCount());
}

int64_t TensorSpec::offsetOf(int64_t index) const {
  int64_t offset = 0;
  for (size_t i = dims.size(); i-- > 0;) {
    offset += index % dims[i] * strides[i];
    index /= dims[i];
  }
  return offset;
}

ErrorObject TensorSpec::validate() const {
  const std::string where = "tensor '" + name + "': ";
  FUSILLI_RETURN_ERROR_IF(dtype == DataType::NotSet, ErrorCode::InvalidArgument,
                          where + "element type not set");
  FUSILLI_RETURN_ERROR_IF(elementBits(dtype) == 0, ErrorCode::InvalidArgument,
                          where + "unknown element type");
  FUSILLI_RETURN_ERROR_IF(dims.size() != strides.size(),
                          ErrorCode::InvalidArgument,
                          where + std::to_string(dims.size()) + " dims but " +
                              std::to_string(strides.size()) + " strides");
  int64_t volume = 1;
  for (int64_t dim : dims) {
    FUSILLI_RETURN_ERROR_IF(dim < 1, ErrorCode::InvalidArgument,
                            where + "extent " + std::to_string(dim));
    FUSILLI_RETURN_ERROR_IF(volume > kMaxVolume / dim,
                            ErrorCode::InvalidArgument,
                            where + "too many elements in " + joined(dims));
    volume *= dim;
  }
  const std::optional<int64_t> span = layout::findSpan(dims, strides);
  const int64_t limit = layout::isDense(dims, strides) ? kMaxVolume : kMaxView;
  FUSILLI_RETURN_ERROR_IF(!span || *span > limit, ErrorCode::InvalidArgument,
                          where + "strides " + joined(strides) +
                              " are negative or too large for dims " +
                              joined(dims));
  return ok();
}

std::string TensorSpec::toString() const {
  const auto text = kDataTypeToMlirTypeAsm.find(dtype);
  return name + " " +
         (text == kDataTypeToMlirTypeAsm.end() ? "?" : text->second) + " " +
         joined(dims) + " strides " + joined(strides);
}

std::vector<int64_t> rowMajorStrides(const std::vector<int64_t> &dims) {
  return layout::rowMajorStrides(dims);
}

ErrorOr<Tensor> Tensor::create(TensorSpec spec) {
  FUSILLI_CHECK_ERROR(spec.validate());
  std::vector<uint8_t> bytes(spec.storageBytes());
  return Tensor(std::move(spec), std::move(bytes));
}

ErrorOr<Tensor> Tensor::create(TensorSpec spec, std::vector<uint8_t> bytes) {
  FUSILLI_CHECK_ERROR(spec.validate());
  FUSILLI_RETURN_ERROR_IF(bytes.size() != spec.storageBytes(),
                          ErrorCode::InvalidArgument,
                          "tensor '" + spec.name + "': expected " +
                              std::to_string(spec.storageBytes()) +
                              " bytes, given " + std::to_string(bytes.size()));
  return Tensor(std::move(spec), std::move(bytes));
}

double Tensor::value(int64_t index) const {
  const int64_t offset = spec_.offsetOf(index);
  if (isFloatType(spec_.dtype))
    return loadFloat(spec_.dtype, bytes_.data(), offset);
  return static_cast<double>(loadInteger(spec_.dtype, bytes_.data(), offset));
}

int64_t Tensor::integer(int64_t index) const {
  const int64_t offset = spec_.offsetOf(index);
  if (isFloatType(spec_.dtype))
    return saturateTo(DataType::Int64,
                      loadFloat(spec_.dtype, bytes_.data(), offset));
  return loadInteger(spec_.dtype, bytes_.data(), offset);
}

void Tensor::setValue(int64_t index, double value) {
  const int64_t offset = spec_.offsetOf(index);
  if (isFloatType(spec_.dtype))
    storeFloat(spec_.dtype, bytes_.data(), offset, value);
  else
    storeInteger(spec_.dtype, bytes_.data(), offset,
                 saturateTo(spec_.dtype, value));
}

void Tensor::setInteger(int64_t index, int64_t value) {
  const int64_t offset = spec_.offsetOf(index);
  if (isFloatType(spec_.dtype))
    storeFloat(spec_.dtype, bytes_.data(), offset, static_cast<double>(value));
  else
    storeInteger(spec_.dtype, bytes_.data(), offset, value);
}

} // namespace fusilli::reference
