// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Contents of a program's arguments: between .npy files, which have the logical
// shape, and buffers, which have the physical order.
#ifndef TOOLS_FUSILLI_RUN_TENSOR_DATA_H
#define TOOLS_FUSILLI_RUN_TENSOR_DATA_H

#include "artifact/artifact_generated.h"
#include "fusilli/attributes/types.h"
#include "fusilli/support/logging.h"
#include "tools/npy/npy.h"

#include <cstdint>
#include <string>
#include <vector>

namespace fusilli::run {

/// One argument of a program, copied from the artifact's signature.
struct Tensor {
  std::string name;
  bool isOutput = false;
  DataType type = DataType::NotSet;
  std::vector<int64_t> dims;         // logical
  std::vector<int64_t> strides;      // in elements, one per logical dim
  std::vector<int64_t> physicalDims; // of the buffer
  uint64_t byteLength = 0;
};

/// The arguments in the order of the call: outputs, then inputs.
std::vector<Tensor> signatureOf(const fbs::Artifact &artifact);

/// "f32 [2, 3] strides [3, 1]".
std::string typeText(const Tensor &tensor);

/// Buffer contents for an array in logical shape. InvalidArgument, naming the
/// tensor and both values, for another type or shape. A stride of 0 takes the
/// element at index 0 of that dim.
ErrorOr<std::vector<uint8_t>> toPhysical(const Tensor &tensor,
                                         const npy::Array &array);

/// The array in logical shape that a buffer holds.
ErrorOr<npy::Array> toLogical(const Tensor &tensor,
                              const std::vector<uint8_t> &bytes);

/// Random contents: floats uniform in [-1, 1), integers in [-8, 8), Booleans.
/// The same seed and name give the same contents.
ErrorOr<std::vector<uint8_t>> randomContents(const Tensor &tensor,
                                             uint64_t seed);

} // namespace fusilli::run

#endif // TOOLS_FUSILLI_RUN_TENSOR_DATA_H
