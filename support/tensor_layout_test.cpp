// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layout algebra: the examples of the public API's definition, and every small
// tensor against enumeration of its elements.
#include "support/data_type.h"
#include "support/tensor_layout.h"

#include <gmock/gmock.h>

#include <limits>
#include <map>
#include <random>
#include <string_view>

namespace fusilli::layout {
namespace {

using Dims = std::vector<int64_t>;
using testing::ElementsAreArray;
using testing::Optional;

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

TEST(TensorLayoutTest, RowMajorStrides) {
  EXPECT_EQ(rowMajorStrides(Dims{2, 3, 4}), (Dims{12, 4, 1}));
  EXPECT_EQ(rowMajorStrides(Dims{256, 128, 1, 1}), (Dims{128, 1, 1, 1}));
  EXPECT_EQ(rowMajorStrides(Dims{kMax, kMax, kMax}).size(), 3u); // wraps
}

TEST(TensorLayoutTest, Dense) {
  const std::pair<Dims, Dims> kDense[] = {{{2, 3, 4}, {12, 4, 1}},
                                          {{2, 3, 4}, {12, 1, 3}},
                                          {{2, 3, 4}, {1, 2, 6}},
                                          {{1, 10, 1}, {10, 1, 100}},
                                          {{8, 2, 64, 128}, {0, 0, 128, 1}},
                                          {{8, 2, 64, 128}, {0, 0, 1, 64}},
                                          {{8}, {0}},
                                          {{}, {}}};
  for (const auto &[dims, strides] : kDense)
    EXPECT_TRUE(isDense(dims, strides));
  const std::pair<Dims, Dims> kOthers[] = {{{2, 3, 4}, {12, 7, 1}},
                                           {{2, 3, 4}, {24, 4, 1}},
                                           {{100}, {2}},
                                           {{2, 3, 4}, {12, -4, 1}},
                                           {{2, 3, 4}, {12, 0, 1}},
                                           {{10, 20}, {5, 1}},
                                           {{2, 0, 3}, {6, 3, 1}},
                                           {{-2, 3}, {3, 1}},
                                           {{0, kMax, kMax}, {2, 1, kMax}},
                                           {{kMax, kMax}, {kMax, 1}},
                                           {{2, 3}, {1}}};
  for (const auto &[dims, strides] : kOthers)
    EXPECT_FALSE(isDense(dims, strides));
}

TEST(TensorLayoutTest, PhysicalOrderAndShape) {
  struct Case {
    Dims dims, strides, order, shape;
  };
  const Case kCases[] = {
      {{2, 3, 4}, {12, 1, 3}, {0, 2, 1}, {2, 4, 3}},
      {{2, 3, 4, 5}, {60, 1, 15, 3}, {0, 2, 3, 1}, {2, 4, 5, 3}},
      {{10, 20, 30}, {1, 10, 200}, {2, 1, 0}, {30, 20, 10}},
      {{1, 64, 1, 128, 1},
       {1, 128, 1, 1, 1},
       {0, 1, 2, 3, 4},
       {1, 64, 1, 128, 1}},
      {{8, 2, 64, 128}, {0, 0, 1, 64}, {0, 1, 3, 2}, {1, 1, 128, 64}},
      {{64, 128, 8}, {128, 1, 0}, {0, 1, 2}, {64, 128, 1}}};
  for (const Case &c : kCases) {
    EXPECT_EQ(physicalOrder(c.dims, c.strides), c.order);
    EXPECT_EQ(physicalShape(c.dims, c.strides), c.shape);
    EXPECT_THAT(bufferShape(c.dims, c.strides), Optional(c.shape));
  }
}

TEST(TensorLayoutTest, SpanOfViews) {
  // Packed heads, padded rows, nothing, one element at any strides.
  EXPECT_THAT(findSpan(Dims{2, 8, 128, 64}, Dims{196608, 64, 1536, 1}),
              Optional(196608 + 7 * 64 + 127 * 1536 + 64));
  EXPECT_THAT(findSpan(Dims{100, 64}, Dims{80, 1}), Optional(99 * 80 + 64));
  EXPECT_THAT(bufferShape(Dims{100, 64}, Dims{80, 1}),
              Optional(Dims{99 * 80 + 64}));
  EXPECT_THAT(findSpan(Dims{3, 0}, Dims{80, 1}), Optional(0));
  EXPECT_THAT(findSpan(Dims{1, 1}, Dims{kMax, 5}), Optional(1));
  EXPECT_THAT(findSpan(Dims{}, Dims{}), Optional(1));
  EXPECT_EQ(findSpan(Dims{2, 2}, Dims{kMax, 1}), std::nullopt);
  EXPECT_EQ(findSpan(Dims{2}, Dims{kMax}), std::nullopt);
  EXPECT_EQ(findSpan(Dims{2}, Dims{-1}), std::nullopt);
  EXPECT_EQ(findSpan(Dims{-2}, Dims{1}), std::nullopt);
  EXPECT_EQ(findSpan(Dims{2, 2}, Dims{1}), std::nullopt);
  EXPECT_EQ(bufferShape(Dims{2}, Dims{-1}), std::nullopt);
}

TEST(TensorLayoutTest, Volume) {
  EXPECT_THAT(findVolume(Dims{2, 3, 4}), Optional(24));
  EXPECT_THAT(findVolume(Dims{}), Optional(1));
  EXPECT_THAT(findVolume(Dims{5, 0}), Optional(0));
  EXPECT_EQ(findVolume(Dims{5, -1}), std::nullopt);
  EXPECT_EQ(findVolume(Dims{kMax, 2}), std::nullopt);
}

/// How often each place is used, element by element.
std::map<int64_t, int> countPlaces(const Dims &dims, const Dims &strides) {
  std::map<int64_t, int> places;
  int64_t volume = 1;
  for (int64_t dim : dims)
    volume *= dim;
  for (int64_t element = 0; element < volume; ++element) {
    int64_t rest = element, place = 0;
    for (size_t i = dims.size(); i-- > 0; rest /= dims[i])
      place += rest % dims[i] * strides[i];
    ++places[place];
  }
  return places;
}

TEST(TensorLayoutTest, SmallTensorsAgreeWithEnumeration) {
  std::mt19937 random(7);
  int distinct = 0, dense = 0;
  for (int round = 0; round < 20000; ++round) {
    Dims dims, strides;
    for (size_t rank = random() % 5; rank > 0; --rank) {
      dims.push_back(1 + static_cast<int64_t>(random() % 4));
      strides.push_back(static_cast<int64_t>(random() % 13));
    }
    SCOPED_TRACE(testing::PrintToString(dims) +
                 testing::PrintToString(strides));
    std::map<int64_t, int> places = countPlaces(dims, strides);
    ASSERT_THAT(findSpan(dims, strides), Optional(places.rbegin()->first + 1));
    bool isOnce = true;
    for (const auto &[place, count] : places)
      isOnce &= count == 1;
    ASSERT_EQ(isDistinct(dims, strides), isOnce);
    // Dense without broadcast: each place up to the span, once.
    bool fills =
        static_cast<int64_t>(places.size()) == *findSpan(dims, strides);
    if (!hasBroadcast(dims, strides)) {
      ASSERT_EQ(isDense(dims, strides), isOnce && fills);
    }
    distinct += isOnce;
    dense += isDense(dims, strides);
  }
  EXPECT_GT(distinct, 1000);
  EXPECT_GT(dense, 1000);
}

TEST(TensorLayoutTest, DistinctTellsInLittleTime) {
  EXPECT_TRUE(isDistinct(Dims{1 << 20, 1 << 20}, Dims{1 << 21, 1}));
  EXPECT_TRUE(isDistinct(Dims{2, 3}, Dims{3, 2}));
  EXPECT_FALSE(isDistinct(Dims{10, 20}, Dims{5, 1}));
  // Conv windows, then strides of no structure: given up, at once.
  EXPECT_FALSE(isDistinct(Dims{100, 3}, Dims{1, 1}));
  Dims dims(40, 3), strides;
  for (int64_t i = 0; i < 40; ++i)
    strides.push_back(1000003 + i * i * 7919);
  EXPECT_FALSE(isDistinct(dims, strides));
  EXPECT_TRUE(isDistinct(Dims{0, 5}, Dims{1, 1}));
}

TEST(DataTypeTest, NumbersNamesAndKinds) {
  EXPECT_EQ(dtype::find(dtype::NotSet), nullptr);
  EXPECT_EQ(dtype::find(13), nullptr);
  EXPECT_STREQ(dtype::find(dtype::Int4)->text, "si4");
  EXPECT_EQ(dtype::find(dtype::Kind::Signed, 4)->number, dtype::Int4);
  EXPECT_EQ(dtype::find(dtype::Kind::Unsigned, 16), nullptr);
  uint8_t number = 0;
  for (const dtype::Info &info : dtype::kAll) {
    EXPECT_EQ(info.number, ++number);
    EXPECT_EQ(dtype::find(info.number), &info);
    EXPECT_EQ(dtype::find(info.kind, info.bits), &info);
    EXPECT_EQ(dtype::isFloat(info.kind),
              std::string_view(info.text).find('f') != std::string_view::npos);
  }
}

} // namespace
} // namespace fusilli::layout
