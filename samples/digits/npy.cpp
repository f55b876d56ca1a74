// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads and writes .npy files of floats. See npy.h.
#include "npy.h"

#include <bit>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

namespace digits {

using fusilli::ErrorCode;
using fusilli::ErrorObject;
using fusilli::ErrorOr;

static_assert(std::endian::native == std::endian::little);

static const char kMagic[] = {'\x93', 'N', 'U', 'M', 'P', 'Y', '\x01', '\x00'};

/// Magic, length of the text, the text, blanks to a multiple of 64.
static std::string header(const std::vector<int64_t> &dims) {
  std::string shape;
  for (int64_t dim : dims)
    shape += std::to_string(dim) + ", ";
  std::string text =
      "{'descr': '<f4', 'fortran_order': False, 'shape': (" + shape + "), }";
  size_t length = text.size() + 1; // and a newline
  size_t padding = (64 - (sizeof(kMagic) + 2 + length) % 64) % 64;
  text += std::string(padding, ' ') + '\n';
  std::string result(kMagic, sizeof(kMagic));
  result += static_cast<char>(text.size() & 0xff);
  result += static_cast<char>(text.size() >> 8);
  return result + text;
}

ErrorObject writeFile(const std::string &path, std::span<const uint8_t> bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char *>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  file.close();
  FUSILLI_RETURN_ERROR_IF(!file, ErrorCode::FileSystemFailure,
                          "cannot write " + path);
  return fusilli::ok();
}

ErrorOr<std::vector<uint8_t>> readFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  FUSILLI_RETURN_ERROR_IF(!file, ErrorCode::FileSystemFailure,
                          "cannot read " + path);
  std::vector<uint8_t> bytes{std::istreambuf_iterator<char>(file),
                             std::istreambuf_iterator<char>()};
  FUSILLI_RETURN_ERROR_IF(file.bad(), ErrorCode::FileSystemFailure,
                          "cannot read " + path);
  return fusilli::ok(std::move(bytes));
}

ErrorObject writeNpy(const std::string &path, const std::vector<int64_t> &dims,
                     const std::vector<float> &values) {
  std::string head = header(dims);
  std::vector<uint8_t> bytes(head.size() + values.size() * sizeof(float));
  std::memcpy(bytes.data(), head.data(), head.size());
  std::memcpy(bytes.data() + head.size(), values.data(),
              values.size() * sizeof(float));
  return writeFile(path, bytes);
}

/// The digits and commas of the shape in a header's text, "64,128,".
static std::string shapeText(const std::string &text) {
  size_t begin = text.find("'shape': (");
  size_t end = begin == std::string::npos ? begin : text.find(')', begin);
  if (end == std::string::npos)
    return "?";
  std::string result;
  for (size_t i = begin + 10; i < end; ++i)
    if (text[i] != ' ')
      result += text[i];
  if (!result.empty() && result.back() != ',')
    result += ',';
  return result;
}

ErrorOr<std::vector<float>> readNpy(const std::string &path,
                                    const std::vector<int64_t> &dims) {
  FUSILLI_ASSIGN_OR_RETURN(std::vector<uint8_t> bytes, readFile(path));
  constexpr size_t kText = sizeof(kMagic) + 2;
  FUSILLI_RETURN_ERROR_IF(
      bytes.size() < kText || std::memcmp(bytes.data(), kMagic, 6) != 0,
      ErrorCode::InvalidArgument, path + ": not a .npy file");
  size_t length = bytes[8] + size_t{256} * bytes[9];
  FUSILLI_RETURN_ERROR_IF(bytes[6] != 1 || bytes.size() < kText + length,
                          ErrorCode::InvalidArgument,
                          path + ": truncated, or not .npy version 1.0");
  std::string text(bytes.begin() + kText,
                   bytes.begin() + static_cast<ptrdiff_t>(kText + length));
  FUSILLI_RETURN_ERROR_IF(text.find("'<f4'") == std::string::npos ||
                              text.find("False") == std::string::npos,
                          ErrorCode::InvalidArgument,
                          path + ": expected '<f4' in C order, found " + text);
  std::string wanted;
  size_t count = 1;
  for (int64_t dim : dims) {
    wanted += std::to_string(dim) + ',';
    count *= static_cast<size_t>(dim);
  }
  FUSILLI_RETURN_ERROR_IF(shapeText(text) != wanted, ErrorCode::InvalidArgument,
                          path + ": expected shape (" + wanted + "), found (" +
                              shapeText(text) + ")");
  size_t data = bytes.size() - kText - length;
  FUSILLI_RETURN_ERROR_IF(
      data != count * sizeof(float), ErrorCode::InvalidArgument,
      path + ": expected " + std::to_string(count * sizeof(float)) +
          " bytes of data, found " + std::to_string(data));
  std::vector<float> values(count);
  std::memcpy(values.data(), bytes.data() + kText + length, data);
  return fusilli::ok(std::move(values));
}

} // namespace digits
