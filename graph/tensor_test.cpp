// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layout helpers with the contract's examples, TensorAttr and its validation.

#include <fusilli/attributes/tensor_attributes.h>
#include <fusilli/support/asm_emitter.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <span>

namespace fusilli {
namespace {

using Dims = std::vector<int64_t>;
using Order = std::vector<size_t>;

TEST(LayoutTest, StrideOrders) {
  EXPECT_EQ(getContiguousStrideOrder(4), (Order{3, 2, 1, 0}));
  EXPECT_EQ(getContiguousStrideOrder(1), (Order{0}));
  EXPECT_EQ(getChannelsLastStrideOrder(3), (Order{2, 0, 1}));
  EXPECT_EQ(getChannelsLastStrideOrder(4), (Order{3, 0, 2, 1}));
  EXPECT_EQ(getChannelsLastStrideOrder(5), (Order{4, 0, 3, 2, 1}));
}

TEST(LayoutTest, StrideOrderPreservingFormat) {
  EXPECT_EQ(generateStrideOrderPreservingFormat({12, 4, 1}, 3),
            (Order{2, 1, 0}));
  EXPECT_EQ(generateStrideOrderPreservingFormat({432, 1, 36, 3}, 4),
            (Order{3, 0, 2, 1}));
  EXPECT_EQ(generateStrideOrderPreservingFormat({12, 4, 1}, 4),
            (Order{2, 1, 0, 3}));
  EXPECT_EQ(generateStrideOrderPreservingFormat({1, 1, 1}, 3),
            (Order{0, 1, 2}));
  EXPECT_EQ(generateStrideOrderPreservingFormat({6, 1, 1}, 3),
            (Order{2, 0, 1}));
}

TEST(LayoutTest, StrideFromDim) {
  EXPECT_EQ(generateStrideFromDim({10, 3, 12, 12}, {3, 0, 2, 1}),
            (Dims{432, 1, 36, 3}));
  EXPECT_EQ(generateStrideFromDim({256, 128, 1, 1}, {3, 0, 2, 1}),
            (Dims{128, 1, 128, 128}));
  EXPECT_EQ(generateStrideFromDim({256, 128, 1, 1}, {3, 2, 1, 0}),
            (Dims{128, 1, 1, 1}));
  // Orders that do not fit the dims are no reason to crash.
  EXPECT_EQ(generateStrideFromDim({2, 3}, {7, 9}).size(), 2u);
  EXPECT_EQ(generateStrideFromDim({2, 3}, {}).size(), 2u);
}

TEST(LayoutTest, StrideFromLayout) {
  EXPECT_EQ(*generateStrideFromLayout({10, 3, 12, 12}, "NHWC"),
            (Dims{432, 1, 36, 3}));
  EXPECT_EQ(*generateStrideFromLayout({10, 3, 12, 12}, "NCHW"),
            (Dims{432, 144, 12, 1}));
  EXPECT_EQ(*generateStrideFromLayout({2, 3, 4}, "NHC"), (Dims{12, 1, 3}));
  EXPECT_EQ(*generateStrideFromLayout({2, 3, 4}, "NCH"), (Dims{12, 4, 1}));
  EXPECT_EQ(*generateStrideFromLayout({2, 3, 4, 5, 6}, "NDHWC"),
            (Dims{360, 1, 90, 18, 3}));
  EXPECT_EQ(*generateStrideFromLayout({2, 3, 4, 5, 6}, "NCDHW"),
            (Dims{360, 120, 30, 6, 1}));
  EXPECT_EQ(*generateStrideFromLayout({7}, "N"), (Dims{1}));
  EXPECT_EQ(*generateStrideFromLayout({2, 3}, "NC"), (Dims{3, 1}));
  // The rank is checked first.
  for (const char *layout : {"NHWC", "XYZ"})
    EXPECT_EQ(ErrorObject(generateStrideFromLayout({2, 3}, layout)),
              ErrorCode::InvalidArgument);
  ErrorObject wrong = generateStrideFromLayout({2, 3, 4}, "CHN");
  EXPECT_EQ(wrong, ErrorCode::InvalidArgument);
  EXPECT_NE(wrong.getMessage().find("CHN"), std::string::npos);
}

TEST(LayoutTest, PermuteOrders) {
  EXPECT_EQ(getPreserveContiguousPermuteOrder(3), (Dims{0, 1, 2}));
  EXPECT_EQ(getChannelsLastToContiguousPermuteOrder(4), (Dims{0, 3, 1, 2}));
  EXPECT_EQ(getChannelsLastToContiguousPermuteOrder(5), (Dims{0, 4, 1, 2, 3}));
  EXPECT_EQ(getContiguousToChannelsLastPermuteOrder(4), (Dims{0, 2, 3, 1}));
  EXPECT_EQ(getContiguousToChannelsLastPermuteOrder(5), (Dims{0, 2, 3, 4, 1}));
  EXPECT_EQ(inversePermutation({2, 0, 1}), (Dims{1, 2, 0}));
  EXPECT_EQ(inversePermutation({}), Dims());
}

TEST(LayoutTest, BroadcastShape) {
  EXPECT_EQ(*computeBroadcastShape({{2, 1, 4}, {3, 1}}), (Dims{2, 3, 4}));
  EXPECT_EQ(*computeBroadcastShape({{4}, {2, 3, 4}}), (Dims{2, 3, 4}));
  EXPECT_EQ(*computeBroadcastShape({{}, {5}, {}}), (Dims{5}));
  EXPECT_EQ(*computeBroadcastShape({{1}, {1}}), (Dims{1}));
  EXPECT_EQ(ErrorObject(computeBroadcastShape({})),
            ErrorCode::InvalidAttribute);
  EXPECT_EQ(ErrorObject(computeBroadcastShape({{}, {}})),
            ErrorCode::InvalidAttribute);
  EXPECT_EQ(ErrorObject(computeBroadcastShape({{2, 3}, {2, 4}})),
            ErrorCode::InvalidAttribute);
}

TensorAttr make(const Dims &dim, const Dims &stride) {
  return TensorAttr().setName("t").setDim(dim).setStride(stride).setDataType(
      DataType::Float);
}

TEST(TensorAttrTest, Defaults) {
  TensorAttr t;
  EXPECT_EQ(t.getName(), "");
  EXPECT_EQ(t.getDataType(), DataType::NotSet);
  EXPECT_TRUE(t.getDim().empty() && t.getStride().empty());
  EXPECT_FALSE(t.isVirtual() || t.isScalar() || t.hasDynamicDims());
  EXPECT_EQ(t.getScalarValue(), std::nullopt);
  EXPECT_EQ(t.getVolume(), 1);
  EXPECT_FALSE(t.isContiguous() || t.isChannelsLast());
}

TEST(TensorAttrTest, Scalars) {
  TensorAttr f(1.5f), d(2.5), i(int32_t{3}), l(int64_t{4});
  EXPECT_EQ(f.getDataType(), DataType::Float);
  EXPECT_EQ(d.getDataType(), DataType::Double);
  EXPECT_EQ(i.getDataType(), DataType::Int32);
  EXPECT_EQ(l.getDataType(), DataType::Int64);
  EXPECT_EQ(std::get<float>(*f.getScalarValue()), 1.5f);
  EXPECT_EQ(std::get<double>(*d.getScalarValue()), 2.5);
  EXPECT_EQ(std::get<int32_t>(*i.getScalarValue()), 3);
  EXPECT_EQ(std::get<int64_t>(*l.getScalarValue()), 4);
  EXPECT_TRUE(f.isScalar());
  EXPECT_EQ(f.getDim(), Dims{1});
  EXPECT_EQ(f.getStride(), Dims{1});
  EXPECT_TRUE(isOk(f.validate()));
}

TEST(TensorAttrTest, SettersTakeListsAndRanges) {
  const std::vector<int64_t> values = {2, 3, 4};
  std::span<const int64_t> span(values);
  std::span<int64_t> mutableSpan;
  TensorAttr t;
  t.setDim({2, 3, 4}).setStride({12, 4, 1});
  EXPECT_EQ(t.getDim(), values);
  t.setDim(span.subspan(1)).setStride(span.first(2));
  EXPECT_EQ(t.getDim(), (Dims{3, 4}));
  EXPECT_EQ(t.getStride(), (Dims{2, 3}));
  t.setDim(mutableSpan);
  EXPECT_TRUE(t.getDim().empty());
  Dims lvalue = {7};
  t.setDim(lvalue).setStride(values);
  EXPECT_EQ(t.getDim(), Dims{7});
  static_assert(Int64Range<std::span<int64_t>> &&
                Int64Range<std::span<const int64_t>> &&
                !Int64Range<std::vector<int>> && !Int64Range<Order>);
}

TEST(TensorAttrTest, DynamicDimsStaySortedAndUnique) {
  TensorAttr t;
  t.setDynamicDim(2).setDynamicDim(0).setDynamicDim(2);
  EXPECT_EQ(t.getDynamicDims(), (Order{0, 2}));
  EXPECT_TRUE(t.isDynamicDim(2) && !t.isDynamicDim(1) && t.hasDynamicDims());
  t.setDynamicDims({3, 1, 3});
  EXPECT_EQ(t.getDynamicDims(), (Order{1, 3}));
  t.setDynamicDims(std::span<const size_t>());
  EXPECT_FALSE(t.hasDynamicDims());
  t.setDynamicDim(1).clearDynamicDims();
  EXPECT_FALSE(t.hasDynamicDims());
}

TEST(TensorAttrTest, OutputIsTheOppositeOfVirtual) {
  TensorAttr t;
  EXPECT_TRUE(t.setOutput(false).isVirtual());
  EXPECT_FALSE(t.setOutput(true).isVirtual());
  EXPECT_TRUE(t.setConstant(true).isConstant());
  EXPECT_FALSE(t.setConstant(false).isConstant());
  EXPECT_TRUE(t.setIsVirtual(true).isVirtual());
}

TEST(TensorAttrTest, FillsTypeFromContext) {
  Context context;
  context.setIODataType(DataType::Half)
      .setIntermediateDataType(DataType::Float);
  EXPECT_EQ(TensorAttr().fillFromContext(context).getDataType(),
            DataType::Half);
  EXPECT_EQ(
      TensorAttr().setIsVirtual(true).fillFromContext(context).getDataType(),
      DataType::Float);
  EXPECT_EQ(TensorAttr()
                .setDataType(DataType::Int8)
                .fillFromContext(context)
                .getDataType(),
            DataType::Int8);
}

TEST(TensorAttrTest, Layouts) {
  EXPECT_TRUE(make({2, 3, 4, 5}, {60, 20, 5, 1}).isContiguous());
  EXPECT_TRUE(make({2, 3, 4, 5}, {60, 1, 15, 3}).isChannelsLast());
  EXPECT_FALSE(make({2, 3, 4, 5}, {60, 1, 15, 3}).isContiguous());
  EXPECT_FALSE(make({2, 3}, {1, 2}).isChannelsLast());
  EXPECT_TRUE(make({2, 3}, {3, 1}).isContiguous());
}

TEST(TensorAttrTest, ValidPhysicalRepresentation) {
  const std::vector<std::pair<Dims, Dims>> valid = {
      {{2, 3, 4}, {12, 4, 1}},
      {{2, 3, 4}, {12, 1, 3}},
      {{2, 3, 4}, {1, 2, 6}},
      {{1, 10, 1}, {10, 1, 100}},
      {{8, 2, 64, 128}, {0, 0, 128, 1}},
      {{8, 2, 64, 128}, {0, 0, 1, 64}},
      {{8}, {0}},
      {{}, {}}};
  for (const auto &[dim, stride] : valid)
    EXPECT_TRUE(make(dim, stride).hasValidPhysicalRepresentation())
        << testing::PrintToString(dim) << testing::PrintToString(stride);
  int64_t huge = std::numeric_limits<int64_t>::max();
  const std::vector<std::pair<Dims, Dims>> invalid = {
      {{2, 3, 4}, {12, 7, 1}},   {{2, 3, 4}, {24, 4, 1}}, {{100}, {2}},
      {{2, 3, 4}, {12, -4, 1}},  {{2, 3, 4}, {12, 0, 1}}, {{10, 20}, {5, 1}},
      {{2, 0, 3}, {6, 3, 1}},    {{2, 3}, {1}},           {{-2}, {1}},
      {{huge, huge}, {huge, 1}}, {{huge, 4}, {0, 1}}};
  for (const auto &[dim, stride] : invalid)
    EXPECT_FALSE(make(dim, stride).hasValidPhysicalRepresentation())
        << testing::PrintToString(dim) << testing::PrintToString(stride);
}

TEST(TensorAttrTest, PhysicalOrder) {
  struct Row {
    Dims dim, stride, permute, physical;
  };
  const std::vector<Row> rows = {
      {{2, 3, 4}, {12, 1, 3}, {0, 2, 1}, {2, 4, 3}},
      {{2, 3, 4, 5}, {60, 1, 15, 3}, {0, 2, 3, 1}, {2, 4, 5, 3}},
      {{10, 20, 30}, {1, 10, 200}, {2, 1, 0}, {30, 20, 10}},
      {{1, 64, 1, 128, 1},
       {1, 128, 1, 1, 1},
       {0, 1, 2, 3, 4},
       {1, 64, 1, 128, 1}},
      {{8, 2, 64, 128}, {0, 0, 1, 64}, {0, 1, 3, 2}, {1, 1, 128, 64}},
      {{64, 128, 8}, {128, 1, 0}, {0, 1, 2}, {64, 128, 1}}};
  for (const Row &row : rows) {
    TensorAttr t = make(row.dim, row.stride);
    EXPECT_EQ(t.getLogicalToPhysicalPermuteOrder(), row.permute);
    EXPECT_EQ(t.getPhysicalDim(), row.physical);
    EXPECT_EQ(t.getPhysicalToLogicalPermuteOrder(),
              inversePermutation(row.permute));
  }
  EXPECT_EQ(
      make({2, 3, 4, 5}, {60, 1, 15, 3}).getPhysicalToLogicalPermuteOrder(),
      (Dims{0, 3, 1, 2}));
}

TEST(TensorAttrTest, PhysicalOrderIsRowMajorForEveryPermutation) {
  // Property: gathering the strides in physical order gives row-major strides
  // of the physical dims, for each dense layout of distinct extents.
  const Dims dim = {2, 3, 5, 7};
  Order order = {0, 1, 2, 3};
  do {
    TensorAttr t = make(dim, generateStrideFromDim(dim, order));
    ASSERT_TRUE(t.hasValidPhysicalRepresentation());
    Dims gathered;
    for (int64_t i : t.getLogicalToPhysicalPermuteOrder())
      gathered.push_back(t.getStride()[static_cast<size_t>(i)]);
    EXPECT_EQ(gathered, generateStrideFromDim(t.getPhysicalDim(),
                                              getContiguousStrideOrder(4)));
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(TensorAttrTest, Span) {
  EXPECT_EQ(make({2, 3, 4}, {12, 1, 3}).getSpan(), 24);
  EXPECT_EQ(make({100, 64}, {80, 1}).getSpan(), 99 * 80 + 64);
  EXPECT_EQ(make({8, 4}, {0, 1}).getSpan(), 4);
  EXPECT_EQ(make({1, 4}, {77, 1}).getSpan(), 4);
  EXPECT_EQ(make({2, 3}, {-3, 1}).getSpan(), 0);
}

TEST(TensorAttrTest, Broadcast) {
  EXPECT_TRUE(make({8, 4}, {0, 1}).hasBroadcastDims());
  EXPECT_FALSE(make({1, 4}, {0, 1}).hasBroadcastDims());
  EXPECT_EQ(make({8, 4}, {0, 1}).getUnexpandedDim(), (Dims{1, 4}));
  EXPECT_EQ(make({8, 4}, {0, 1}).getVolume(), 32);
}

TEST(TensorAttrTest, ValidationRules) {
  struct Row {
    const char *what;
    TensorAttr tensor;
    ErrorCode code;
  };
  auto scalarNoValue = make({1}, {1}).setIsScalar(true);
  const std::vector<Row> rows = {
      {"no dims", make({}, {1}), ErrorCode::AttributeNotSet},
      {"no strides", make({2}, {}), ErrorCode::AttributeNotSet},
      {"ranks", make({2, 3}, {1}), ErrorCode::InvalidAttribute},
      {"dynamic range", make({2}, {1}).setDynamicDim(1),
       ErrorCode::InvalidAttribute},
      {"dynamic stride 0", make({1, 2}, {0, 1}).setDynamicDim(0),
       ErrorCode::InvalidAttribute},
      {"dynamic extent 1", make({1, 2}, {2, 1}).setDynamicDim(0),
       ErrorCode::InvalidAttribute},
      {"dynamic and broadcast", make({4, 2}, {0, 1}).setDynamicDim(1),
       ErrorCode::InvalidAttribute},
      {"a gap", make({100}, {2}), ErrorCode::OK},
      {"overlap", make({10, 20}, {5, 1}), ErrorCode::OK},
      {"negative stride", make({2, 3}, {-3, 1}), ErrorCode::InvalidAttribute},
      {"negative extent", make({-2}, {1}), ErrorCode::InvalidAttribute},
      {"too far", make({3}, {std::numeric_limits<int64_t>::max()}),
       ErrorCode::InvalidAttribute},
      {"too many", make({std::numeric_limits<int64_t>::max(), 2}, {0, 0}),
       ErrorCode::InvalidAttribute},
      {"dynamic, a gap", make({4, 2}, {3, 1}).setDynamicDim(0),
       ErrorCode::InvalidAttribute},
      {"no type", make({2}, {1}).setDataType(DataType::NotSet),
       ErrorCode::AttributeNotSet},
      {"virtual scalar", TensorAttr(1.0f).setIsVirtual(true),
       ErrorCode::InvalidAttribute},
      {"value, no mark", TensorAttr(1.0f).setIsScalar(false),
       ErrorCode::InvalidAttribute},
      {"mark, no value", scalarNoValue, ErrorCode::InvalidAttribute},
      {"complete", make({2}, {1}), ErrorCode::OK},
      {"no name", make({2}, {1}).setName(""), ErrorCode::OK},
  };
  for (const Row &row : rows)
    EXPECT_EQ(row.tensor.validate().getCode(), row.code) << row.what;
}

TEST(TensorAttrTest, ValidationOrder) {
  // Each tensor breaks several rules; the text tells which one was reported.
  auto text = [](const TensorAttr &t) { return t.validate().getMessage(); };
  EXPECT_NE(text(make({}, {})).find("no dims"), std::string::npos);
  EXPECT_NE(text(make({1, 2}, {0, 1}).setDynamicDims({0, 5})).find("stride 0"),
            std::string::npos);
  EXPECT_NE(text(make({4, 1, 2}, {0, 9, 1}).setDynamicDim(1)).find("extent 1"),
            std::string::npos);
  EXPECT_NE(text(make({4, 2}, {0, 7}).setDynamicDim(1)).find("broadcast"),
            std::string::npos);
  EXPECT_NE(text(make({3}, {-2}).setDataType(DataType::NotSet)).find("-2"),
            std::string::npos);
  EXPECT_NE(text(make({3, 2}, {5, 1}).setDynamicDim(0)).find("must be dense"),
            std::string::npos);
  for (const TensorAttr &t : {make({}, {}), make({3}, {-2})})
    EXPECT_NE(text(t).find("'t'"), std::string::npos);
}

TEST(TensorAttrTest, TypeText) {
  TensorAttr t = make({2, 3, 4}, {12, 1, 3});
  EXPECT_EQ(t.getTensorTypeAsm(), "!torch.vtensor<[2,4,3],f32>");
  EXPECT_EQ(t.getTensorTypeAsm(false), "!torch.tensor<[2,4,3],f32>");
  EXPECT_EQ(t.getTensorTypeAsm(true, true), "!torch.vtensor<[2,3,4],f32>");
  t.setDynamicDim(1);
  EXPECT_EQ(t.getTensorTypeAsm(), "!torch.vtensor<[2,4,?],f32>");
  EXPECT_EQ(t.getTensorTypeAsm(true, true), "!torch.vtensor<[2,?,4],f32>");
}

TEST(TensorAttrTest, ValueName) {
  TensorAttr t;
  t.setName("a::b c-1_x");
  EXPECT_EQ(t.getValueNameAsm(), "%abc1_x");
  EXPECT_EQ(t.getValueNameAsm(true), "%abc1_x_");
}

TEST(TextTest, ReplacesAll) {
  EXPECT_EQ(replaceAll("aXbX", "X", "XX"), "aXXbXX");
  EXPECT_EQ(replaceAll("abc", "", "x"), "abc");
}

TEST(TensorAttrTest, SortsByName) {
  auto a = std::make_shared<TensorAttr>(TensorAttr().setName("Z"));
  auto b = std::make_shared<TensorAttr>(TensorAttr().setName("a"));
  EXPECT_TRUE(TensorAttrSortByName()(a, b));
  EXPECT_FALSE(TensorAttrSortByName()(b, a));
}

} // namespace
} // namespace fusilli
