// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The .npy reader on what NumPy writes and on everything it must refuse.
#include "tools/npy/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include <unistd.h>

using namespace fusilli;
using testing::HasSubstr;

namespace {

// A file with the given header text; padded as NumPy does.
std::vector<uint8_t> makeFile(std::string header, size_t dataBytes,
                              uint8_t major = 1, uint8_t fill = 0) {
  std::vector<uint8_t> bytes = {0x93, 'N', 'U', 'M', 'P', 'Y', major, 0};
  const size_t prefix = major == 1 ? 10 : 12;
  header.append(63 - (prefix + header.size()) % 64, ' ');
  header += '\n';
  for (size_t i = 0; i < prefix - 8; ++i)
    bytes.push_back(static_cast<uint8_t>(header.size() >> (8 * i)));
  bytes.insert(bytes.end(), header.begin(), header.end());
  bytes.insert(bytes.end(), dataBytes, fill);
  return bytes;
}

std::string dict(const std::string &descr, const std::string &order,
                 const std::string &shape) {
  return "{'descr': '" + descr + "', 'fortran_order': " + order +
         ", 'shape': " + shape + ", }";
}

void expectRefused(std::span<const uint8_t> bytes, const std::string &text) {
  ErrorObject status = npy::parse(bytes, "x.npy");
  EXPECT_EQ(status.getCode(), ErrorCode::InvalidArgument);
  EXPECT_THAT(status.getMessage(), HasSubstr(text));
  EXPECT_THAT(status.getMessage(), HasSubstr("x.npy"));
}

TEST(NpyTest, RoundTripsEveryTypeAndRank) {
  for (const char *descr :
       {"<f2", "<u2", "<f4", "<f8", "|i1", "<i2", "<i4", "<i8", "|u1", "|b1"}) {
    for (const std::vector<int64_t> &shape :
         {std::vector<int64_t>{}, {3}, {2, 3}, {1, 2, 1, 5}, {0}, {4, 0}}) {
      npy::Array array{.descr = descr, .shape = shape, .data = {}};
      array.data.resize(static_cast<size_t>(array.size()) *
                        npy::elementSize(descr));
      for (size_t i = 0; i < array.data.size(); ++i)
        array.data[i] = static_cast<uint8_t>(i & 1);
      std::vector<uint8_t> bytes = npy::serialize(array);
      EXPECT_EQ((bytes.size() - array.data.size()) % 64, 0u);
      ErrorOr<npy::Array> back = npy::parse(bytes, "x.npy");
      ASSERT_TRUE(isOk(back)) << ErrorObject(back);
      EXPECT_EQ(back->descr, descr);
      EXPECT_EQ(back->shape, shape);
      EXPECT_EQ(back->data, array.data);
    }
  }
}

TEST(NpyTest, WritesTheHeaderNumPyWrites) {
  npy::Array array{.descr = "<f4", .shape = {3}, .data = {}};
  array.data.resize(12);
  std::vector<uint8_t> bytes = npy::serialize(array);
  std::string text(bytes.begin(), bytes.end());
  EXPECT_THAT(text, HasSubstr("{'descr': '<f4', 'fortran_order': False, "
                              "'shape': (3,), }"));
}

TEST(NpyTest, AcceptsAllFormatVersionsAndKeyOrders) {
  for (uint8_t major : {1, 2, 3})
    EXPECT_TRUE(isOk(npy::parse(
        makeFile(dict("<i4", "False", "(2, 2)"), 16, major), "x.npy")));
  EXPECT_TRUE(isOk(npy::parse(
      makeFile("{\"shape\":(4,),\"fortran_order\":True,\"descr\":\"<i2\"}", 8),
      "x.npy")));
}

TEST(NpyTest, RefusesWhatIsNotAWellFormedFile) {
  std::vector<uint8_t> good = makeFile(dict("<f4", "False", "(2, 3)"), 24);
  ASSERT_TRUE(isOk(npy::parse(good, "x.npy")));
  for (size_t length = 0; length < good.size(); ++length)
    expectRefused(std::span(good).first(length), "");
  expectRefused(std::vector<uint8_t>(100, 7), "magic");
  expectRefused(makeFile(dict("<f4", "False", "(2, 3)"), 25), "25");
  expectRefused(makeFile(dict("<f4", "False", "(2, 3)"), 24, 4), "4.0");
  expectRefused(makeFile("{}", 0), "malformed");
  expectRefused(makeFile(dict("<f4", "Maybe", "(2, 3)"), 24), "malformed");
  expectRefused(makeFile(dict("<f4", "False", "(-2, 3)"), 24), "malformed");
  expectRefused(makeFile(dict("<f4", "False", "(2, x)"), 24), "malformed");
  expectRefused(makeFile(dict("<f4", "False", "(2, 3)") + "x", 24),
                "malformed");
  expectRefused(makeFile("{'descr': [('a', '<f4')], 'fortran_order': False, "
                         "'shape': (2,)}",
                         8),
                "malformed");
  expectRefused(makeFile(dict("<f4", "False", "(4611686018427387904, 8)"), 0),
                "overflows");
}

TEST(NpyTest, RefusesOtherOrdersAndTypes) {
  expectRefused(makeFile(dict(">f4", "False", "(2, 3)"), 24), "big-endian");
  expectRefused(makeFile(dict("<f4", "True", "(2, 3)"), 24), "Fortran");
  expectRefused(makeFile(dict("<c8", "False", "(2, 3)"), 48), "<c8");
  expectRefused(makeFile(dict("|O", "False", "(2, 3)"), 48), "|O");
  expectRefused(makeFile(dict("|b1", "False", "(4,)"), 4, 1, 2), "Boolean");
}

TEST(NpyTest, DescribesEveryDataType) {
  EXPECT_EQ(npy::descrOf(DataType::BFloat16), "<u2");
  EXPECT_EQ(npy::descrOf(DataType::Boolean), "|b1");
  EXPECT_EQ(npy::descrOf(DataType::Half), "<f2");
  EXPECT_EQ(npy::descrOf(DataType::Int4), "");
  EXPECT_EQ(npy::elementSize("<f8"), 8u);
  EXPECT_EQ(npy::elementSize("zz"), 0u);
}

TEST(NpyTest, FilesRoundTripAndMissingOnesAreFileSystemFailures) {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() /
      ("fusilli-npy-test-" + std::to_string(::getpid()) + ".npy");
  npy::Array array{.descr = "<i2", .shape = {2}, .data = {1, 2, 3, 4}};
  ASSERT_TRUE(isOk(npy::write(path, array)));
  ErrorOr<npy::Array> back = npy::read(path);
  ASSERT_TRUE(isOk(back));
  EXPECT_EQ(back->data, array.data);
  std::filesystem::remove(path);
  EXPECT_EQ(ErrorObject(npy::read(path)).getCode(),
            ErrorCode::FileSystemFailure);
  EXPECT_EQ(ErrorObject(npy::read(path.parent_path())).getCode(),
            ErrorCode::FileSystemFailure);
  EXPECT_EQ(npy::write(path / "no" / "such", array).getCode(),
            ErrorCode::FileSystemFailure);
}

} // namespace
