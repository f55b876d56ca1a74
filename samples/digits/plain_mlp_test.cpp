// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The plain gradient against central differences of the plain loss, and the
// samples' files: what holds without a compiler.
#include "data_set.h"
#include "npy.h"
#include "plain_mlp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace digits {
namespace {

using fusilli::ErrorCode;
using fusilli::ErrorObject;

TEST(PlainMlpTest, GradientIsTheDifferenceOfTheLoss) {
  Noise noise(7);
  auto draw = [&](size_t count, double scale) {
    std::vector<double> values(count);
    for (double &value : values)
      value = scale * noise();
    return values;
  };
  PlainMlp net{6,           5, 3, draw(30, 0.5), draw(5, 0.3), draw(15, 0.5),
               draw(3, 0.3)};
  std::vector<double> x = draw(4 * 6, 1.0);
  std::vector<double> t = {1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0};
  PlainResult result = plainForwardBackward(net, x, t);
  auto compare = [&](std::vector<double> &values,
                     const std::vector<double> &slopes) {
    ASSERT_EQ(values.size(), slopes.size());
    for (size_t i = 0; i < values.size(); ++i) {
      double kept = values[i], step = 1e-6;
      values[i] = kept + step;
      double above = plainForwardBackward(net, x, t).loss;
      values[i] = kept - step;
      double below = plainForwardBackward(net, x, t).loss;
      values[i] = kept;
      EXPECT_NEAR((above - below) / (2 * step), slopes[i], 1e-7) << i;
    }
  };
  compare(net.w1, result.dw1);
  compare(net.b1, result.db1);
  compare(net.w2, result.dw2);
  compare(net.b2, result.db2);
}

class FilesTest : public testing::Test {
protected:
  void SetUp() override {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "files-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string write(const std::string &text) {
    std::string path = folder_ + "/file";
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  std::string folder_;
};

TEST_F(FilesTest, NpyGivesBackWhatWasWritten) {
  std::vector<float> values = {1, -2, 0.5f, 1e-30f, 3e38f, 0};
  std::string path = folder_ + "/a.npy";
  ASSERT_EQ(writeNpy(path, {2, 3}, values), ErrorCode::OK);
  auto read = readNpy(path, {2, 3});
  ASSERT_EQ(ErrorObject(read), ErrorCode::OK) << ErrorObject(read);
  EXPECT_EQ(*read, values);
  EXPECT_EQ((std::filesystem::file_size(path) - 24) % 64, 0u);
}

TEST_F(FilesTest, NpyRefusesWhatIsWrong) {
  std::string path = folder_ + "/a.npy";
  ASSERT_EQ(writeNpy(path, {2, 3}, std::vector<float>(6)), ErrorCode::OK);
  EXPECT_EQ(ErrorObject(readNpy(path, {3, 2})), ErrorCode::InvalidArgument);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  EXPECT_EQ(ErrorObject(readNpy(path, {2, 3})), ErrorCode::InvalidArgument);
  std::filesystem::resize_file(path, 20);
  EXPECT_EQ(ErrorObject(readNpy(path, {2, 3})), ErrorCode::InvalidArgument);
  EXPECT_EQ(ErrorObject(readNpy(write("text"), {2, 3})),
            ErrorCode::InvalidArgument);
  EXPECT_EQ(ErrorObject(readNpy(folder_ + "/none", {2, 3})),
            ErrorCode::FileSystemFailure);
}

TEST_F(FilesTest, DigitsRefuseWhatIsWrong) {
  EXPECT_EQ(ErrorObject(readDataSet(folder_ + "/none", 1)),
            ErrorCode::FileSystemFailure);
  std::string good = "7 " + std::string(64, 'a') + "\n";
  auto bad = readDataSet(write(good + "7 " + std::string(64, 'r') + "\n"), 1);
  ASSERT_EQ(ErrorObject(bad), ErrorCode::InvalidArgument);
  EXPECT_THAT(ErrorObject(bad).getMessage(), testing::HasSubstr(":2:"));
  auto few = readDataSet(write(good), 1);
  EXPECT_EQ(ErrorObject(few), ErrorCode::InvalidArgument);
}

TEST(DataSetTest, HoldsOutAFifthOfTheRealDigits) {
  auto data = readDataSet(DIGITS_DATA, 1);
  ASSERT_EQ(ErrorObject(data), ErrorCode::OK) << ErrorObject(data);
  EXPECT_EQ(data->train.size(), 1438u);
  EXPECT_EQ(data->test.size(), 359u);
  auto again = readDataSet(DIGITS_DATA, 1);
  ASSERT_EQ(ErrorObject(again), ErrorCode::OK);
  for (size_t i = 0; i < data->test.size(); ++i)
    EXPECT_EQ(data->test[i].pixels, again->test[i].pixels);
}

} // namespace
} // namespace digits
