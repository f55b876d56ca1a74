// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tensors as users hold them: a description and the bytes of the buffer, in
// which the strides give each element its place; broadcast dims (stride 0) are
// stored once, and a view has gaps.

#ifndef REFERENCE_TENSOR_H
#define REFERENCE_TENSOR_H

#include <fusilli/attributes/types.h>
#include <fusilli/support/logging.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace fusilli::reference {

/// What is known of a tensor without its data.
struct TensorSpec {
  std::string name;
  DataType dtype = DataType::NotSet;
  std::vector<int64_t> dims;    ///< logical extents, each at least 1
  std::vector<int64_t> strides; ///< in elements, one per dim; 0 = broadcast

  /// Elements seen by arithmetic: the product of the dims.
  int64_t volume() const;
  /// Elements from the first stored to behind the last, gaps included.
  int64_t storageCount() const;
  /// Bytes of the buffer.
  size_t storageBytes() const;
  /// Place in the buffer of the element with row-major logical number `index`.
  int64_t offsetOf(int64_t index) const;
  /// InvalidArgument unless ranks are equal, extents at least 1, strides at
  /// least 0, the volume at most 2^40 elements, the buffer of a view at most
  /// 2^26, and the dtype is set.
  ErrorObject validate() const;
  /// For example `x f32 2x3 strides 3x1`.
  std::string toString() const;
};

/// Row-major strides for `dims`.
std::vector<int64_t> rowMajorStrides(const std::vector<int64_t> &dims);

/// A tensor with its bytes. Elements are addressed by their row-major logical
/// number, whatever the layout. Thread safety: a plain value.
class Tensor {
public:
  /// No elements; only to be assigned to.
  Tensor() = default;
  /// All bytes zero. InvalidArgument for a bad description.
  static ErrorOr<Tensor> create(TensorSpec spec);
  /// The given bytes. InvalidArgument for a bad description or another number
  /// of bytes than `spec.storageBytes()`.
  static ErrorOr<Tensor> create(TensorSpec spec, std::vector<uint8_t> bytes);

  const TensorSpec &spec() const { return spec_; }
  std::span<const uint8_t> bytes() const { return bytes_; }
  std::span<uint8_t> mutableBytes() { return bytes_; }

  /// Element as a double, whatever the type (Int64 beyond 2^53 rounds).
  double value(int64_t index) const;
  /// Element of an integer or Boolean tensor; floats are truncated.
  int64_t integer(int64_t index) const;
  /// Rounds (float), or truncates and saturates (integer), and stores.
  void setValue(int64_t index, double value);
  /// Stores, wrapped to the type; floats round.
  void setInteger(int64_t index, int64_t value);

private:
  Tensor(TensorSpec spec, std::vector<uint8_t> bytes)
      : spec_(std::move(spec)), bytes_(std::move(bytes)) {}

  TensorSpec spec_;
  std::vector<uint8_t> bytes_;
};

} // namespace fusilli::reference

#endif // REFERENCE_TENSOR_H
