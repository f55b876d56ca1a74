// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Float arrays in files: NumPy's .npy, version 1.0, little-endian f32 in C
// order. `fusilli-run` and NumPy read the same files.
#ifndef SAMPLES_DIGITS_NPY_H
#define SAMPLES_DIGITS_NPY_H

#include <fusilli.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace digits {

/// Writes `values`, of shape `dims`. FileSystemFailure.
fusilli::ErrorObject writeNpy(const std::string &path,
                              const std::vector<int64_t> &dims,
                              const std::vector<float> &values);

/// The values of a file of exactly the shape `dims`. FileSystemFailure if it
/// cannot be read, InvalidArgument if it holds something else.
fusilli::ErrorOr<std::vector<float>> readNpy(const std::string &path,
                                             const std::vector<int64_t> &dims);

/// Any file, whole. FileSystemFailure.
fusilli::ErrorOr<std::vector<uint8_t>> readFile(const std::string &path);
fusilli::ErrorObject writeFile(const std::string &path,
                               std::span<const uint8_t> bytes);

} // namespace digits

#endif // SAMPLES_DIGITS_NPY_H
