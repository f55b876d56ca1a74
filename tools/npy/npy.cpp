// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The header of a .npy file is the text of a Python dict with exactly the keys
// 'descr', 'fortran_order' and 'shape', padded with spaces and ended by a new
// line. See the header for what is accepted.
#include "tools/npy/npy.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <limits>
#include <optional>

namespace fusilli::npy {
namespace {

constexpr std::string_view kMagic = "\x93"
                                    "NUMPY";

struct TypeRow {
  DataType type;
  std::string_view descr;
  size_t size;
};
constexpr TypeRow kTypes[] = {
    {DataType::Half, "<f2", 2},    {DataType::BFloat16, "<u2", 2},
    {DataType::Float, "<f4", 4},   {DataType::Double, "<f8", 8},
    {DataType::Uint8, "|u1", 1},   {DataType::Int8, "|i1", 1},
    {DataType::Int16, "<i2", 2},   {DataType::Int32, "<i4", 4},
    {DataType::Int64, "<i8", 8},   {DataType::Boolean, "|b1", 1},
    {DataType::FP8E5M2, "|u1", 1},
};

// Reads the dict text; every member is false or empty on a mismatch.
class HeaderParser {
public:
  explicit HeaderParser(std::string_view text) : rest_(text) {}

  struct Fields {
    std::optional<std::string> descr;
    std::optional<bool> fortranOrder;
    std::optional<std::vector<int64_t>> shape;
  };

  std::optional<Fields> parse() {
    Fields fields;
    if (!take("{"))
      return std::nullopt;
    while (!take("}")) {
      std::optional<std::string> key = takeString();
      if (!key || !take(":"))
        return std::nullopt;
      if (*key == "descr" && !fields.descr) {
        if (!(fields.descr = takeString()))
          return std::nullopt;
      } else if (*key == "fortran_order" && !fields.fortranOrder) {
        if (take("True"))
          fields.fortranOrder = true;
        else if (take("False"))
          fields.fortranOrder = false;
        else
          return std::nullopt;
      } else if (*key == "shape" && !fields.shape) {
        if (!(fields.shape = takeTuple()))
          return std::nullopt;
      } else {
        return std::nullopt;
      }
      if (!take(",")) {
        if (!take("}"))
          return std::nullopt;
        break;
      }
    }
    skipSpace();
    if (!rest_.empty() || !fields.descr || !fields.fortranOrder ||
        !fields.shape)
      return std::nullopt;
    return fields;
  }

private:
  void skipSpace() {
    size_t start = rest_.find_first_not_of(" \t\n");
    rest_.remove_prefix(std::min(start, rest_.size()));
  }
  bool take(std::string_view token) {
    skipSpace();
    if (!rest_.starts_with(token))
      return false;
    rest_.remove_prefix(token.size());
    return true;
  }
  std::optional<std::string> takeString() {
    skipSpace();
    if (rest_.empty() || (rest_[0] != '\'' && rest_[0] != '"'))
      return std::nullopt;
    size_t end = rest_.find(rest_[0], 1);
    if (end == std::string_view::npos)
      return std::nullopt;
    std::string text(rest_.substr(1, end - 1));
    rest_.remove_prefix(end + 1);
    return text;
  }
  std::optional<std::vector<int64_t>> takeTuple() {
    std::vector<int64_t> values;
    if (!take("("))
      return std::nullopt;
    while (!take(")")) {
      skipSpace();
      int64_t value = 0;
      auto [end, code] =
          std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
      if (code != std::errc() || value < 0)
        return std::nullopt;
      rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
      values.push_back(value);
      if (!take(",")) {
        if (!take(")"))
          return std::nullopt;
        break;
      }
    }
    return values;
  }

  std::string_view rest_;
};

ErrorObject invalid(const std::string &name, const std::string &text) {
  return error(ErrorCode::InvalidArgument, "'" + name + "': " + text);
}

// Splits the file into header text and data.
ErrorObject splitFile(std::span<const uint8_t> bytes, const std::string &name,
                      std::string_view &header,
                      std::span<const uint8_t> &data) {
  const auto *chars = reinterpret_cast<const char *>(bytes.data());
  if (bytes.size() < 10 || std::string_view(chars, kMagic.size()) != kMagic)
    return invalid(name, "not a .npy file (magic bytes missing)");
  const unsigned major = bytes[6], minor = bytes[7];
  if (major < 1 || major > 3 || minor != 0)
    return invalid(name, ".npy format " + std::to_string(major) + "." +
                             std::to_string(minor) +
                             " is not supported, expected 1.0, 2.0 or 3.0");
  const size_t lengthBytes = major == 1 ? 2 : 4;
  if (bytes.size() < 8 + lengthBytes)
    return invalid(name, "truncated .npy header");
  size_t length = 0;
  for (size_t i = 0; i < lengthBytes; ++i)
    length |= size_t{bytes[8 + i]} << (8 * i);
  const size_t start = 8 + lengthBytes;
  if (length > bytes.size() - start)
    return invalid(name, "truncated .npy header: " + std::to_string(length) +
                             " bytes announced, " +
                             std::to_string(bytes.size() - start) + " present");
  header = std::string_view(chars + start, length);
  data = bytes.subspan(start + length);
  return ok();
}

ErrorObject checkType(const std::string &descr, const std::string &name) {
  if (elementSize(descr) != 0)
    return ok();
  if (descr.starts_with('>'))
    return invalid(name, "big-endian elements ('" + descr +
                             "'); save a.astype(a.dtype.newbyteorder('<'))");
  return invalid(name, "element type '" + descr +
                           "' is not supported, expected one of <f2 <f4 <f8 "
                           "<u2 (bfloat16) |i1 <i2 <i4 <i8 |u1 |b1");
}

} // namespace

int64_t Array::size() const {
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  return count;
}

std::string_view descrOf(DataType type) {
  for (const TypeRow &row : kTypes)
    if (row.type == type)
      return row.descr;
  return {};
}

size_t elementSize(std::string_view descr) {
  for (const TypeRow &row : kTypes)
    if (row.descr == descr)
      return row.size;
  return 0;
}

ErrorOr<Array> parse(std::span<const uint8_t> bytes, const std::string &name) {
  std::string_view header;
  std::span<const uint8_t> data;
  FUSILLI_CHECK_ERROR(splitFile(bytes, name, header, data));
  std::optional<HeaderParser::Fields> fields = HeaderParser(header).parse();
  if (!fields)
    return invalid(name, "malformed .npy header");
  FUSILLI_CHECK_ERROR(checkType(*fields->descr, name));
  if (*fields->fortranOrder && fields->shape->size() > 1)
    return invalid(name, "the array is in Fortran order; save "
                         "numpy.ascontiguousarray(a)");
  uint64_t expected = elementSize(*fields->descr);
  for (int64_t extent : *fields->shape) {
    if (extent != 0 && expected > std::numeric_limits<int64_t>::max() /
                                      static_cast<uint64_t>(extent))
      return invalid(name, "the shape's size overflows");
    expected *= static_cast<uint64_t>(extent);
  }
  if (data.size() != expected)
    return invalid(name, "the shape needs " + std::to_string(expected) +
                             " bytes of data, the file has " +
                             std::to_string(data.size()));
  if (*fields->descr == "|b1" &&
      std::any_of(data.begin(), data.end(), [](uint8_t b) { return b > 1; }))
    return invalid(name, "a Boolean element is neither 0 nor 1");
  Array array;
  array.descr = std::move(*fields->descr);
  array.shape = std::move(*fields->shape);
  array.data.assign(data.begin(), data.end());
  return ok(std::move(array));
}

std::vector<uint8_t> serialize(const Array &array) {
  std::string header =
      "{'descr': '" + array.descr + "', 'fortran_order': False, 'shape': (";
  for (int64_t extent : array.shape)
    header += std::to_string(extent) + ", ";
  if (array.shape.size() > 1)
    header.resize(header.size() - 2);
  else if (array.shape.size() == 1)
    header.resize(header.size() - 1);
  header += "), }";
  const size_t prefix = kMagic.size() + 4;
  header.append(63 - (prefix + header.size()) % 64, ' ');
  header += '\n';
  std::vector<uint8_t> bytes(kMagic.begin(), kMagic.end());
  bytes.push_back(1);
  bytes.push_back(0);
  bytes.push_back(static_cast<uint8_t>(header.size() & 255));
  bytes.push_back(static_cast<uint8_t>(header.size() >> 8));
  bytes.insert(bytes.end(), header.begin(), header.end());
  bytes.insert(bytes.end(), array.data.begin(), array.data.end());
  return bytes;
}

ErrorOr<Array> read(const std::filesystem::path &path) {
  std::ifstream file(path, std::ios::binary);
  std::error_code code;
  if (!file || std::filesystem::is_directory(path, code))
    return error(ErrorCode::FileSystemFailure,
                 "cannot open '" + path.string() +
                     "': " + std::strerror(code ? code.value() : errno));
  std::vector<uint8_t> bytes(
      static_cast<size_t>(std::filesystem::file_size(path, code)));
  file.read(reinterpret_cast<char *>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
  if (code || !file)
    return error(ErrorCode::FileSystemFailure,
                 "cannot read '" + path.string() + "'");
  return parse(bytes, path.string());
}

ErrorObject write(const std::filesystem::path &path, const Array &array) {
  std::vector<uint8_t> bytes = serialize(array);
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char *>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file)
    return error(ErrorCode::FileSystemFailure,
                 "cannot write '" + path.string() +
                     "': " + std::strerror(errno));
  return ok();
}

} // namespace fusilli::npy
