// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads and writes NumPy's .npy files: one dense array of a fixed type each.
// Strict: little-endian, C order, a whole file and nothing else. What differs
// is an error that says how to save the array so that it is accepted.
#ifndef TOOLS_NPY_NPY_H
#define TOOLS_NPY_NPY_H

#include "fusilli/attributes/types.h"
#include "fusilli/support/logging.h"

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fusilli::npy {

/// A dense array in C order, elements as little-endian bytes.
struct Array {
  std::string descr;          // NumPy's type string, for example "<f4"
  std::vector<int64_t> shape; // empty for a 0-dimensional array
  std::vector<uint8_t> data;

  /// Number of elements.
  int64_t size() const;
};

/// NumPy's type string for a tensor's type: BFloat16 is "<u2" (its bits),
/// Boolean "|b1", FP8E5M2 "|u1" (its bits). Empty for types without one.
std::string_view descrOf(DataType type);

/// Bytes of one element of a type string that descrOf gives; 0 for others.
size_t elementSize(std::string_view descr);

/// Parses the bytes of a .npy file (format 1.0, 2.0 or 3.0). `name` is named in
/// errors. InvalidArgument for anything but a well-formed array of a type that
/// descrOf knows, in C order and little-endian.
ErrorOr<Array> parse(std::span<const uint8_t> bytes, const std::string &name);

/// The bytes of a .npy file, format 1.0.
std::vector<uint8_t> serialize(const Array &array);

/// parse on a file; FileSystemFailure when it cannot be read.
ErrorOr<Array> read(const std::filesystem::path &path);

/// serialize to a file; FileSystemFailure when it cannot be written.
ErrorObject write(const std::filesystem::path &path, const Array &array);

} // namespace fusilli::npy

#endif // TOOLS_NPY_NPY_H
