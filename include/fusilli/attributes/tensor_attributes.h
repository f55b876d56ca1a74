// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tensors of a graph: name, element type, logical dims and strides; and the
// algebra of layouts. Dims and strides are in elements; strides say how the
// logical dims lie in memory.

#ifndef FUSILLI_ATTRIBUTES_TENSOR_ATTRIBUTES_H
#define FUSILLI_ATTRIBUTES_TENSOR_ATTRIBUTES_H

#include <fusilli/attributes/common.h>
#include <fusilli/attributes/types.h>
#include <fusilli/graph/context.h>
#include <fusilli/support/export.h>
#include <fusilli/support/logging.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace fusilli {

//===-- Layout helpers ----------------------------------------------------===//
//
// Stride order: the rank of each logical dim by speed, 0 = innermost in memory.
// Permute order p: dim i of the result is dim p[i] of the source.

/// Stride order of row-major layout: {n-1, ..., 0}.
FUSILLI_EXPORT std::vector<size_t> getContiguousStrideOrder(size_t n);

/// Stride order with dim 1 innermost, then the last dim down to dim 2, and dim
/// 0 outermost: 4 gives {3, 0, 2, 1}. Row-major for n < 3.
FUSILLI_EXPORT std::vector<size_t> getChannelsLastStrideOrder(size_t n);

/// Order of `stride` ascending, ties in index order; if `outRank` is larger
/// than the rank, rank...outRank-1 are appended.
FUSILLI_EXPORT std::vector<size_t>
generateStrideOrderPreservingFormat(std::vector<int64_t> stride,
                                    size_t outRank);

/// Dense strides of extents `dim` for stride order `order`, of equal length.
FUSILLI_EXPORT std::vector<int64_t>
generateStrideFromDim(const std::vector<int64_t> &dim,
                      const std::vector<size_t> &order);

/// Dense strides for a layout name: NHC, NHWC, NDHWC are channels-last; N, NC,
/// NCH, NCHW, NCDHW row-major. InvalidArgument for another length than the
/// rank, then for another name.
FUSILLI_EXPORT ErrorOr<std::vector<int64_t>>
generateStrideFromLayout(const std::vector<int64_t> &dim,
                         const std::string &layout);

/// The identity {0, ..., n-1}.
FUSILLI_EXPORT std::vector<int64_t> getPreserveContiguousPermuteOrder(size_t n);

/// {0, n-1, 1, ..., n-2}; n >= 3.
FUSILLI_EXPORT std::vector<int64_t>
getChannelsLastToContiguousPermuteOrder(size_t n);

/// {0, 2, ..., n-1, 1}; n >= 3.
FUSILLI_EXPORT std::vector<int64_t>
getContiguousToChannelsLastPermuteOrder(size_t n);

/// The inverse of permutation `permutation`.
FUSILLI_EXPORT std::vector<int64_t>
inversePermutation(const std::vector<int64_t> &permutation);

/// The right-aligned broadcast of `shapes`; empty shapes are ignored.
/// InvalidAttribute if there is no other, or if two extents differ and neither
/// is 1.
FUSILLI_EXPORT ErrorOr<std::vector<int64_t>>
computeBroadcastShape(const std::vector<std::vector<int64_t>> &shapes);

//===-- TensorAttr --------------------------------------------------------===//

/// A tensor of a graph, or a scalar constant.
///
///     auto x = graph.tensor(TensorAttr().setName("x").setDim({2, 3})
///                               .setStride({3, 1})
///                               .setDataType(DataType::Float));
///
/// Where `hasValidPhysicalRepresentation()`, the buffer given for a tensor is
/// dense and row-major in `getPhysicalDim()`. Any other strides of at least 0
/// make the tensor a view: its buffer has any shape and at least `getSpan()`
/// elements; inputs may overlap themselves, outputs may not, and what lies
/// between their elements is not written. Arithmetic is always in logical dims.
/// Thread safety: a plain value.
class FUSILLI_EXPORT TensorAttr {
public:
  using scalar_t = std::variant<int64_t, int32_t, float, double>;

  /// No name, type, dims or strides; not virtual, not scalar.
  TensorAttr() = default;
  /// A scalar constant of shape {1}; the type of the value is the data type.
  explicit TensorAttr(float value);
  explicit TensorAttr(double value);
  explicit TensorAttr(int32_t value);
  explicit TensorAttr(int64_t value);

  /// Sets the name, which a graph's names must be distinct from.
  TensorAttr &setName(const std::string &name);
  /// Sets the element type.
  TensorAttr &setDataType(DataType type);
  /// Sets the logical extents.
  TensorAttr &setDim(const std::vector<int64_t> &dim);
  template <Int64Range R>
    requires(!std::is_same_v<std::remove_cvref_t<R>, std::vector<int64_t>>)
  TensorAttr &setDim(R &&dim) {
    return setDim(toVector(std::forward<R>(dim)));
  }
  /// Sets the strides, in elements, one for each logical dim. A stride of 0 on
  /// an extent above 1 broadcasts (inputs only).
  TensorAttr &setStride(const std::vector<int64_t> &stride);
  template <Int64Range R>
    requires(!std::is_same_v<std::remove_cvref_t<R>, std::vector<int64_t>>)
  TensorAttr &setStride(R &&stride) {
    return setStride(toVector(std::forward<R>(stride)));
  }
  /// Marks dim `i` as dynamic: its extent here is only representative.
  TensorAttr &setDynamicDim(size_t i);
  /// Replaces the set of dynamic dims.
  TensorAttr &setDynamicDims(std::span<const size_t> dims);
  TensorAttr &setDynamicDims(std::initializer_list<size_t> dims);
  /// No dim is dynamic.
  TensorAttr &clearDynamicDims();
  /// A virtual tensor lives only inside the program.
  TensorAttr &setIsVirtual(bool isVirtual);
  /// `setOutput(b)` is `setIsVirtual(!b)`.
  TensorAttr &setOutput(bool isOutput);
  /// Of a graph input: promises that the content of its buffer does not change
  /// between executes. What depends on constants alone (packed weights, folded
  /// scales) is then computed at the first execute and kept; after a change of
  /// content call `Graph::releaseConstants`. Giving another buffer is noticed.
  /// Without effect on scalars and on tensors with dynamic dims.
  TensorAttr &setConstant(bool isConstant);
  /// Sets the flag only; the value is given to the constructor.
  TensorAttr &setIsScalar(bool isScalar);
  /// If the data type is not set, takes the intermediate type of `context` for
  /// a virtual tensor and its IO type for another.
  TensorAttr &fillFromContext(const Context &context);

  const std::string &getName() const { return name_; }
  DataType getDataType() const { return dataType_; }
  /// The logical extents.
  const std::vector<int64_t> &getDim() const { return dim_; }
  /// The strides in elements.
  const std::vector<int64_t> &getStride() const { return stride_; }
  bool isDynamicDim(size_t i) const;
  bool hasDynamicDims() const { return !dynamicDims_.empty(); }
  /// The dynamic dims, ascending.
  const std::vector<size_t> &getDynamicDims() const { return dynamicDims_; }
  /// The number of elements: the product of the logical extents, 1 for none.
  int64_t getVolume() const;
  bool isVirtual() const { return isVirtual_; }
  bool isConstant() const { return isConstant_; }
  bool isScalar() const { return isScalar_; }
  /// The value of a scalar constant.
  std::optional<scalar_t> getScalarValue() const { return scalarValue_; }
  /// Whether the strides are exactly those of row-major layout.
  bool isContiguous() const;
  /// Whether the strides are exactly those of channels-last layout; false for
  /// ranks below 3.
  bool isChannelsLast() const;
  /// Whether a dim with an extent above 1 has stride 0.
  bool hasBroadcastDims() const;
  /// The logical extents, broadcast dims as 1.
  std::vector<int64_t> getUnexpandedDim() const;
  /// The number of elements from the first in memory to behind the last, gaps
  /// included; 0 while dims and strides are not valid.
  int64_t getSpan() const;
  /// Whether the strides describe dense storage without gaps or overlap,
  /// leaving aside unit and broadcast dims.
  bool hasValidPhysicalRepresentation() const;
  /// The extents in memory order, broadcast dims as 1: the shape of the buffer.
  std::vector<int64_t> getPhysicalDim() const;
  /// Permute order that gathers the physical from the logical dims. Unit and
  /// broadcast dims stay where they are; the others go by falling stride.
  std::vector<int64_t> getLogicalToPhysicalPermuteOrder() const;
  /// The inverse of `getLogicalToPhysicalPermuteOrder`.
  std::vector<int64_t> getPhysicalToLogicalPermuteOrder() const;
  /// Checks that the tensor is complete and consistent: AttributeNotSet for
  /// missing dims, strides or type, InvalidAttribute for anything else.
  ErrorObject validate() const;
  /// The tensor's type as text, for example `!torch.vtensor<[2,3],f32>`, in
  /// physical or logical dims; dynamic dims print as `?`.
  std::string getTensorTypeAsm(bool isValueTensor = true,
                               bool useLogicalDims = false) const;
  /// `%` and the name without characters outside [A-Za-z0-9_]; a trailing `_`
  /// for the alias of an output.
  std::string getValueNameAsm(bool isOutputAliased = false) const;

private:
  template <typename R> static std::vector<int64_t> toVector(R &&range) {
    std::vector<int64_t> result;
    for (int64_t value : range)
      result.push_back(value);
    return result;
  }
  ErrorObject validateDynamicDims() const;

  std::string name_;
  DataType dataType_ = DataType::NotSet;
  std::vector<int64_t> dim_;
  std::vector<int64_t> stride_;
  std::vector<size_t> dynamicDims_; // ascending, without repetition
  bool isVirtual_ = false;
  bool isConstant_ = false;
  bool isScalar_ = false;
  std::optional<scalar_t> scalarValue_;
};

/// Orders tensors by name, byte by byte.
struct TensorAttrSortByName {
  bool operator()(const std::shared_ptr<TensorAttr> &a,
                  const std::shared_ptr<TensorAttr> &b) const {
    return a->getName() < b->getName();
  }
};

} // namespace fusilli

#endif // FUSILLI_ATTRIBUTES_TENSOR_ATTRIBUTES_H
