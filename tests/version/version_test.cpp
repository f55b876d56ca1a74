// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The numbers and the text of the version say the same.
#include <fusilli/version.h>

#include <gtest/gtest.h>

#include <string>

TEST(VersionTest, TextAndNumbersAgree) {
  EXPECT_EQ(std::to_string(FUSILLI_VERSION_MAJOR) + "." +
                std::to_string(FUSILLI_VERSION_MINOR) + "." +
                std::to_string(FUSILLI_VERSION_PATCH),
            FUSILLI_VERSION_STRING);
}

TEST(VersionTest, VersionsAreOrdered) {
  static_assert(FUSILLI_VERSION >= FUSILLI_MAKE_VERSION(0, 1, 0));
  EXPECT_LT(FUSILLI_MAKE_VERSION(0, 9, 99), FUSILLI_MAKE_VERSION(0, 10, 0));
  EXPECT_LT(FUSILLI_MAKE_VERSION(0, 99, 99), FUSILLI_MAKE_VERSION(1, 0, 0));
}
