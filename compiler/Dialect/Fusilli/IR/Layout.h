// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layouts of logical tensors: strides, the physical order of dimensions and the
// physical shape that a buffer has. The rules are those of the public API
// (TensorAttr), applied to MLIR types and plain arrays.
#ifndef COMPILER_DIALECT_FUSILLI_IR_LAYOUT_H
#define COMPILER_DIALECT_FUSILLI_IR_LAYOUT_H

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <optional>

namespace fusilli::ir {

/// Strides, in elements, of a contiguous tensor of extents `dims`, the last
/// dimension innermost.
llvm::SmallVector<int64_t> getContiguousStrides(llvm::ArrayRef<int64_t> dims);

/// Whether `strides` store a tensor of extents `dims` densely: ranks equal, no
/// negative stride, and by ascending stride (ties in index order; dimensions of
/// extent 1 or stride 0 ignored) each stride is the product of the extents
/// already seen. Every other tensor is a view.
bool hasValidPhysicalRepresentation(llvm::ArrayRef<int64_t> dims,
                                    llvm::ArrayRef<int64_t> strides);

/// Order `p` such that physical dimension `i` is logical dimension `p[i]`:
/// dimensions that are neither of extent 1 nor of stride 0 are sorted by
/// descending stride among their own positions; the others stay.
llvm::SmallVector<int64_t>
getLogicalToPhysicalOrder(llvm::ArrayRef<int64_t> dims,
                          llvm::ArrayRef<int64_t> strides);

/// Shape of the buffer: the logical extents in physical order, broadcast
/// dimensions as 1. The buffer is dense and row-major in it.
llvm::SmallVector<int64_t> getPhysicalShape(llvm::ArrayRef<int64_t> dims,
                                            llvm::ArrayRef<int64_t> strides);

/// The same for a type: its shape, and the strides of its encoding or, without
/// one, contiguous strides. The type has a static shape.
llvm::SmallVector<int64_t> getLogicalStrides(mlir::RankedTensorType type);
llvm::SmallVector<int64_t>
getLogicalToPhysicalOrder(mlir::RankedTensorType type);
llvm::SmallVector<int64_t> getPhysicalShape(mlir::RankedTensorType type);

/// The dimensions whose extent the type only represents, ascending.
llvm::ArrayRef<int64_t> getDynamicDims(mlir::RankedTensorType type);
bool isDynamicDim(mlir::RankedTensorType type, int64_t dim);

/// Whether some dimension of extent > 1 has stride 0.
bool hasBroadcastDims(mlir::RankedTensorType type);

/// Whether both tensors have the same shape, whatever the extents of dynamic
/// dimensions are.
bool hasSameShape(mlir::RankedTensorType a, mlir::RankedTensorType b);

/// Whether both tensors have the same shape and store the same logical element
/// at the same place: strides equal except for dimensions of extent 1.
bool isSamePhysicalLayout(mlir::RankedTensorType a, mlir::RankedTensorType b);

/// Whether both types describe one buffer: element types equal, and the same
/// dimensions in any order, with the same strides, but for those of extent 1
/// and for such as are walked through as one.
bool isSameBuffer(mlir::RankedTensorType a, mlir::RankedTensorType b);

/// Whether elements of type `view` can be read in a buffer of type `whole`: the
/// same buffer, or places of it that end before it does.
bool isViewOf(mlir::RankedTensorType view, mlir::RankedTensorType whole);

/// Dense strides for extents `dims` in the memory order that `strides` imply.
llvm::SmallVector<int64_t> getDenseStrides(llvm::ArrayRef<int64_t> dims,
                                           llvm::ArrayRef<int64_t> strides);

/// Bytes of one stored element; i1 takes one.
int64_t getElementBytes(mlir::Type elementType);

/// Bytes of the tensor's buffer, at its representative extents: from its first
/// element to behind its last, gaps included. Empty where they do not fit,
/// which fusilli-verify-graph refuses; after it, `getBufferBytes`.
std::optional<int64_t> findBufferBytes(mlir::RankedTensorType type);
int64_t getBufferBytes(mlir::RankedTensorType type);

/// The shape of that buffer: the physical shape of a dense tensor; elements in
/// one dimension for a view.
llvm::SmallVector<int64_t> getBufferShape(mlir::RankedTensorType type);

/// Whether the tensor is no valid physical representation: one with gaps, or
/// whose elements overlap otherwise than by broadcast.
bool isView(mlir::RankedTensorType type);

/// Whether each element has a place of its own, as results need it.
bool isStoredOnce(mlir::RankedTensorType type);

/// The type of a tensor with these dims, strides and dynamic dims (ascending);
/// the encoding is left out when the strides are exactly the contiguous ones
/// and no dim is dynamic.
mlir::RankedTensorType getTensorType(llvm::ArrayRef<int64_t> dims,
                                     llvm::ArrayRef<int64_t> strides,
                                     mlir::Type elementType,
                                     llvm::ArrayRef<int64_t> dynamic = {});

} // namespace fusilli::ir

#endif // COMPILER_DIALECT_FUSILLI_IR_LAYOUT_H
