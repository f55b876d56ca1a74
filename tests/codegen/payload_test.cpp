// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs every pointwise mode and reduction part as machine code and holds it
// against its definition in double (floats) or 64-bit wrapping arithmetic
// (integers).
#include "compiler/Conversion/FusilliToLinalg/PointwisePayload.h"
#include "compiler/Conversion/FusilliToLinalg/ReductionPayload.h"
#include "tests/codegen/kernel_runner.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

namespace fusilli::compiler {
namespace {

using ir::PointwiseMode;
using ir::ReductionMode;
using mlir::ImplicitLocOpBuilder;
using mlir::Type;
using mlir::Value;
using mlir::ValueRange;

constexpr uint64_t kSeed = 20260802;
constexpr int64_t kCount = 4096;

template <typename T> constexpr const char *kName = nullptr;
template <> constexpr const char *kName<float> = "f32";
template <> constexpr const char *kName<double> = "f64";
template <> constexpr const char *kName<_Float16> = "f16";
template <> constexpr const char *kName<int8_t> = "i8";
template <> constexpr const char *kName<int16_t> = "i16";
template <> constexpr const char *kName<int32_t> = "i32";
template <> constexpr const char *kName<int64_t> = "i64";

Type elementType(ImplicitLocOpBuilder &b, llvm::StringRef name) {
  if (name == "bf16")
    return b.getBF16Type();
  if (name == "f16")
    return b.getF16Type();
  if (name == "f32")
    return b.getF32Type();
  if (name == "f64")
    return b.getF64Type();
  unsigned bits = 0;
  name.drop_front().getAsInteger(10, bits);
  return b.getIntegerType(bits);
}

/// Scalars at the lowest level, which every machine has.
test::Kernel compile(PointwiseMode mode, const PointwiseParams &params,
                     std::vector<std::string> elements) {
  std::string result = elements.back();
  return test::compileKernel(
      "x86-64-v3", elements, kCount, 1,
      [&](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
        mlir::FailureOr<Value> v =
            buildPointwisePayload(b, mode, params, in, elementType(b, result));
        return failed(v) ? Value() : *v;
      });
}

struct FloatMode {
  PointwiseMode mode;
  int operands;
  double (*want)(double, double);
};

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double phi(double x) { return 0.5 * std::erfc(-x * M_SQRT1_2); }
constexpr double kU = 0.79788456080286535588;
constexpr PointwiseParams kParams{.eluAlpha = 0.5,
                                  .softplusBeta = 2,
                                  .softplusThreshold = 9,
                                  .swishBeta = 1.5};

const FloatMode kFloatModes[] = {
    {PointwiseMode::ABS, 1, [](double a, double) { return std::fabs(a); }},
    {PointwiseMode::ADD, 2, [](double a, double b) { return a + b; }},
    {PointwiseMode::ADD_SQUARE, 2,
     [](double a, double b) { return a + b * b; }},
    {PointwiseMode::CEIL, 1, [](double a, double) { return std::ceil(a); }},
    {PointwiseMode::DIV, 2, [](double a, double b) { return a / b; }},
    {PointwiseMode::ELU_FWD, 1,
     [](double a, double) { return a > 0 ? a : 0.5 * std::expm1(a); }},
    {PointwiseMode::ERF, 1, [](double a, double) { return std::erf(a); }},
    {PointwiseMode::EXP, 1, [](double a, double) { return std::exp(a); }},
    {PointwiseMode::FLOOR, 1, [](double a, double) { return std::floor(a); }},
    {PointwiseMode::GELU_APPROX_TANH_BWD, 2,
     [](double dy, double x) {
       double t = std::tanh(kU * (x + 0.044715 * x * x * x));
       double du = kU * (1 + 0.134145 * x * x);
       return dy * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * du);
     }},
    {PointwiseMode::GELU_APPROX_TANH_FWD, 1,
     [](double x, double) {
       return 0.5 * x * (1 + std::tanh(kU * (x + 0.044715 * x * x * x)));
     }},
    {PointwiseMode::GELU_BWD, 2,
     [](double dy, double x) {
       return dy * (phi(x) + x * std::exp(-x * x / 2) / std::sqrt(2 * M_PI));
     }},
    {PointwiseMode::GELU_FWD, 1, [](double x, double) { return x * phi(x); }},
    {PointwiseMode::IDENTITY, 1, [](double a, double) { return a; }},
    {PointwiseMode::LOG, 1, [](double a, double) { return std::log(a); }},
    {PointwiseMode::MAX_OP, 2,
     [](double a, double b) { return a > b ? a : b; }},
    {PointwiseMode::MIN_OP, 2,
     [](double a, double b) { return a < b ? a : b; }},
    {PointwiseMode::MUL, 2, [](double a, double b) { return a * b; }},
    {PointwiseMode::NEG, 1, [](double a, double) { return -a; }},
    {PointwiseMode::RECIPROCAL, 1, [](double a, double) { return 1 / a; }},
    {PointwiseMode::RELU_BWD, 2,
     [](double dy, double x) { return x > 0 ? dy : 0; }},
    {PointwiseMode::RELU_FWD, 1,
     [](double a, double) { return a > 0 ? a : 0; }},
    {PointwiseMode::RSQRT, 1,
     [](double a, double) { return 1 / std::sqrt(a); }},
    {PointwiseMode::SIGMOID_FWD, 1,
     [](double a, double) { return sigmoid(a); }},
    {PointwiseMode::SIN, 1, [](double a, double) { return std::sin(a); }},
    {PointwiseMode::SOFTPLUS_FWD, 1,
     [](double a, double) {
       return 2 * a > 9 ? a : std::log1p(std::exp(2 * a)) / 2;
     }},
    {PointwiseMode::SQRT, 1, [](double a, double) { return std::sqrt(a); }},
    {PointwiseMode::SUB, 2, [](double a, double b) { return a - b; }},
    {PointwiseMode::SWISH_BWD, 2,
     [](double dy, double x) {
       double s = sigmoid(1.5 * x);
       return dy * (s + 1.5 * x * s * (1 - s));
     }},
    {PointwiseMode::SWISH_FWD, 1,
     [](double x, double) { return x * sigmoid(1.5 * x); }},
    {PointwiseMode::TAN, 1, [](double a, double) { return std::tan(a); }},
    {PointwiseMode::TANH_BWD, 2,
     [](double dy, double x) {
       return dy * (1 - std::tanh(x) * std::tanh(x));
     }},
    {PointwiseMode::TANH_FWD, 1, [](double a, double) { return std::tanh(a); }},
};

class FloatModeTest : public testing::TestWithParam<FloatMode> {};

/// `relative` and `absolute` bound the error; NaN must meet NaN.
template <typename T>
void checkFloat(const FloatMode &m, double relative, double absolute) {
  std::vector<std::string> elements(m.operands + 1, kName<T>);
  test::Kernel kernel = compile(m.mode, kParams, elements);
  ASSERT_EQ(kernel.error, "");
  std::mt19937_64 random(kSeed);
  std::normal_distribution<double> normal(0, 3);
  std::vector<T> a(kCount), b(kCount), y(kCount);
  for (int64_t i = 0; i < kCount; ++i) {
    a[i] = static_cast<T>(normal(random));
    b[i] = static_cast<T>(normal(random));
  }
  b[0] = static_cast<T>(NAN);
  if (m.operands == 1)
    a[0] = b[0];
  if (m.operands == 1)
    kernel.run({a.data(), y.data()}, kCount);
  else
    kernel.run({a.data(), b.data(), y.data()}, kCount);
  bool keepsNaN = m.mode != PointwiseMode::RELU_BWD;
  EXPECT_EQ(std::isnan(double(y[0])), keepsNaN);
  for (int64_t i = 1; i < kCount; ++i) {
    double want = m.want(double(a[i]), double(b[i]));
    if (std::isnan(want)) {
      EXPECT_TRUE(std::isnan(double(y[i]))) << "at " << double(a[i]);
      continue;
    }
    ASSERT_NEAR(double(y[i]), want, relative * std::fabs(want) + absolute)
        << "seed " << kSeed << " at " << double(a[i]) << ", " << double(b[i]);
  }
}

TEST_P(FloatModeTest, F32) { checkFloat<float>(GetParam(), 1e-6, 1e-6); }
TEST_P(FloatModeTest, F64) { checkFloat<double>(GetParam(), 2e-15, 1e-14); }
TEST_P(FloatModeTest, F16) { checkFloat<_Float16>(GetParam(), 1e-3, 1e-6); }

INSTANTIATE_TEST_SUITE_P(
    All, FloatModeTest, testing::ValuesIn(kFloatModes), [](const auto &info) {
      return ir::stringifyPointwiseMode(info.param.mode).str();
    });

TEST(PointwisePayloadTest, GeluIsAccurateOnBothSides) {
  test::Kernel kernel = compile(PointwiseMode::GELU_FWD, {}, {"f32", "f32"});
  ASSERT_EQ(kernel.error, "");
  std::vector<float> x(kCount), y(kCount);
  double worst = 0, at = 0;
  for (int block = 0; block < 64; ++block) {
    for (int64_t i = 0; i < kCount; ++i)
      x[i] = float((i * 64 + block) / 16384.0 - 8);
    kernel.run({x.data(), y.data()}, kCount);
    for (int64_t i = 0; i < kCount; ++i) {
      double exact = x[i] * phi(x[i]);
      // Half the formula's own rounding error in f32, which is |x| 2^-24.
      double bound = 3e-7 * std::fabs(exact) + 0x1p-25 * std::fabs(x[i]);
      double error = std::fabs(y[i] - exact) / std::max(bound, 1e-45);
      if (error > worst)
        worst = error, at = x[i];
    }
  }
  printf("GELU_FWD f32: %.3g of the bound at %g\n", worst, at);
  EXPECT_LE(worst, 1);
  float inf = INFINITY;
  std::vector<float> odd = {inf, -1e30f, -0.0f, 0.0f, -3e38f, 1e-40f},
                     out(odd.size());
  kernel.run({odd.data(), out.data()}, int64_t(odd.size()));
  EXPECT_EQ(out, (std::vector<float>{inf, 0, 0, 0, 0, 5e-41f}));
  EXPECT_TRUE(std::signbit(out[2]));
}

/// Integer modes in 64-bit arithmetic; the caller narrows.
int64_t integerWant(PointwiseMode mode, uint64_t a, uint64_t b, int bits) {
  int64_t x = int64_t(a), y = int64_t(b);
  switch (mode) {
  case PointwiseMode::ABS:
    return int64_t(x < 0 ? 0 - a : a);
  case PointwiseMode::NEG:
    return int64_t(0 - a);
  case PointwiseMode::RELU_FWD:
    return x > 0 ? x : 0;
  case PointwiseMode::RELU_BWD:
    return y > 0 ? x : 0;
  case PointwiseMode::ADD:
    return int64_t(a + b);
  case PointwiseMode::SUB:
    return int64_t(a - b);
  case PointwiseMode::MUL:
    return int64_t(a * b);
  case PointwiseMode::ADD_SQUARE:
    return int64_t(a + b * b);
  case PointwiseMode::DIV:
    if (y == 0)
      return 0;
    return y == -1 ? int64_t(0 - a) : x / y;
  case PointwiseMode::MAX_OP:
    return std::max(x, y);
  case PointwiseMode::MIN_OP:
    return std::min(x, y);
  case PointwiseMode::SQRT: // in f64, toward zero; of a negative number 0
    return x < 0 ? 0 : int64_t(std::sqrt(double(x)));
  default:
    return x;
  }
}

template <typename T> class IntegerModeTest : public testing::Test {};
using IntegerTypes = testing::Types<int8_t, int16_t, int32_t, int64_t>;
TYPED_TEST_SUITE(IntegerModeTest, IntegerTypes);

template <typename T> std::vector<T> integers(std::mt19937_64 &random) {
  using Limits = std::numeric_limits<T>;
  std::vector<T> v = {0,
                      1,
                      -1,
                      2,
                      -2,
                      Limits::max(),
                      Limits::min(),
                      T(Limits::max() - 1),
                      T(Limits::min() + 1),
                      7};
  std::vector<T> all;
  for (int64_t i = 0; i < kCount; ++i) {
    // Numbers of all sizes.
    T r = static_cast<T>(static_cast<T>(random()) >>
                         (random() % (sizeof(T) * 8)));
    all.push_back(random() % 4 == 0 ? v[random() % v.size()] : r);
  }
  return all;
}

TYPED_TEST(IntegerModeTest, MatchesWrappingArithmetic) {
  using T = TypeParam;
  std::mt19937_64 random(kSeed);
  std::vector<T> a = integers<T>(random), b = integers<T>(random), y(kCount);
  for (auto [mode, operands] : std::vector<std::pair<PointwiseMode, int>>{
           {PointwiseMode::ABS, 1},
           {PointwiseMode::NEG, 1},
           {PointwiseMode::IDENTITY, 1},
           {PointwiseMode::CEIL, 1},
           {PointwiseMode::FLOOR, 1},
           {PointwiseMode::RELU_FWD, 1},
           {PointwiseMode::RELU_BWD, 2},
           {PointwiseMode::ADD, 2},
           {PointwiseMode::SUB, 2},
           {PointwiseMode::MUL, 2},
           {PointwiseMode::ADD_SQUARE, 2},
           {PointwiseMode::DIV, 2},
           {PointwiseMode::MAX_OP, 2},
           {PointwiseMode::MIN_OP, 2},
           {PointwiseMode::SQRT, 1}}) {
    std::vector<std::string> elements(operands + 1, kName<T>);
    test::Kernel kernel = compile(mode, {}, elements);
    ASSERT_EQ(kernel.error, "");
    if (operands == 1)
      kernel.run({a.data(), y.data()}, kCount);
    else
      kernel.run({a.data(), b.data(), y.data()}, kCount);
    for (int64_t i = 0; i < kCount; ++i) {
      T want =
          static_cast<T>(integerWant(mode, uint64_t(int64_t(a[i])),
                                     uint64_t(int64_t(b[i])), sizeof(T) * 8));
      ASSERT_EQ(int64_t(y[i]), int64_t(want))
          << ir::stringifyPointwiseMode(mode).str() << " of " << int64_t(a[i])
          << ", " << int64_t(b[i]) << ", seed " << kSeed;
    }
  }
}

TYPED_TEST(IntegerModeTest, ComparesSigned) {
  using T = TypeParam;
  std::mt19937_64 random(kSeed);
  std::vector<T> a = integers<T>(random), b = integers<T>(random);
  std::vector<uint8_t> y(kCount);
  test::Kernel kernel =
      compile(PointwiseMode::CMP_LT, {}, {kName<T>, kName<T>, "i1"});
  ASSERT_EQ(kernel.error, "");
  kernel.run({a.data(), b.data(), y.data()}, kCount);
  for (int64_t i = 0; i < kCount; ++i)
    ASSERT_EQ(y[i], a[i] < b[i] ? 1 : 0);
}

TEST(PointwisePayloadTest, ComparisonsAndLogicOnFloats) {
  float nan = NAN;
  std::vector<float> a = {1, 2, 3, nan, 0, -0.0f, nan, 0},
                     b = {2, 2, 2, 1, -0.0f, 5, nan, nan};
  struct Case {
    PointwiseMode mode;
    std::vector<uint8_t> want;
  };
  for (const Case &c : std::vector<Case>{
           {PointwiseMode::CMP_EQ, {0, 1, 0, 0, 1, 0, 0, 0}},
           {PointwiseMode::CMP_NEQ, {1, 0, 1, 1, 0, 1, 1, 1}},
           {PointwiseMode::CMP_LT, {1, 0, 0, 0, 0, 1, 0, 0}},
           {PointwiseMode::CMP_LE, {1, 1, 0, 0, 1, 1, 0, 0}},
           {PointwiseMode::CMP_GT, {0, 0, 1, 0, 0, 0, 0, 0}},
           {PointwiseMode::CMP_GE, {0, 1, 1, 0, 1, 0, 0, 0}},
           {PointwiseMode::LOGICAL_AND, {1, 1, 1, 1, 0, 0, 1, 0}},
           {PointwiseMode::LOGICAL_OR, {1, 1, 1, 1, 0, 1, 1, 1}}}) {
    test::Kernel kernel = compile(c.mode, {}, {"f32", "f32", "i1"});
    ASSERT_EQ(kernel.error, "");
    std::vector<uint8_t> y(8);
    kernel.run({a.data(), b.data(), y.data()}, 8);
    EXPECT_EQ(y, c.want) << ir::stringifyPointwiseMode(c.mode).str();
  }
  test::Kernel kernel = compile(PointwiseMode::LOGICAL_NOT, {}, {"f32", "i1"});
  ASSERT_EQ(kernel.error, "");
  std::vector<uint8_t> y(8);
  kernel.run({b.data(), y.data()}, 8);
  EXPECT_EQ(y, (std::vector<uint8_t>{0, 0, 0, 0, 1, 0, 0, 0}));
}

TEST(PointwisePayloadTest, BooleanArithmetic) {
  std::vector<uint8_t> a = {0, 0, 1, 1}, b = {0, 1, 0, 1}, y(4);
  struct Case {
    PointwiseMode mode;
    std::vector<uint8_t> want;
  };
  for (const Case &c :
       std::vector<Case>{{PointwiseMode::ADD, {0, 1, 1, 1}},
                         {PointwiseMode::SUB, {0, 1, 1, 0}},
                         {PointwiseMode::MUL, {0, 0, 0, 1}},
                         {PointwiseMode::CMP_LT, {0, 1, 0, 0}},
                         {PointwiseMode::CMP_GE, {1, 0, 1, 1}}}) {
    test::Kernel kernel = compile(c.mode, {}, {"i1", "i1", "i1"});
    ASSERT_EQ(kernel.error, "");
    kernel.run({a.data(), b.data(), y.data()}, 4);
    EXPECT_EQ(y, c.want) << ir::stringifyPointwiseMode(c.mode).str();
  }
}

TEST(PointwisePayloadTest, SelectTakesABooleanAndConvertsBranches) {
  std::vector<uint8_t> a = {0, 1, 0, 1};
  std::vector<float> b = {1.5, 2.5, 3.5, 4.5}, y(4);
  std::vector<int32_t> c = {-1, -2, -3, -4};
  test::Kernel kernel =
      compile(PointwiseMode::BINARY_SELECT, {}, {"i1", "f32", "i32", "f32"});
  ASSERT_EQ(kernel.error, "");
  kernel.run({a.data(), b.data(), c.data(), y.data()}, 4);
  EXPECT_EQ(y, (std::vector<float>{-1, 2.5, -3, 4.5}));
}

template <typename From, typename To>
void checkConversion(std::vector<From> x, std::vector<To> want) {
  test::Kernel kernel =
      compile(PointwiseMode::IDENTITY, {}, {kName<From>, kName<To>});
  ASSERT_EQ(kernel.error, "");
  std::vector<To> y(x.size());
  kernel.run({x.data(), y.data()}, int64_t(x.size()));
  for (size_t i = 0; i < x.size(); ++i)
    EXPECT_EQ(y[i], want[i])
        << kName<From> << " to " << kName<To> << " of " << double(x[i]);
}

TEST(ConvertElementTest, FloatToIntegerTruncatesAndSaturates) {
  float inf = INFINITY;
  checkConversion<float, int8_t>({-1.9f, 1.9f, 300, -300, inf, -inf, NAN},
                                 {-1, 1, 127, -128, 127, -128, 0});
  checkConversion<float, int32_t>(
      {-2.5f, 3e9f, -3e9f, inf, -inf, NAN, 2147483520.f},
      {-2, INT32_MAX, INT32_MIN, INT32_MAX, INT32_MIN, 0, 2147483520});
  checkConversion<double, int64_t>(
      {-2.5, 1e19, -1e19, double(inf), NAN, 9007199254740993.0},
      {-2, INT64_MAX, INT64_MIN, INT64_MAX, 0, 9007199254740992});
}

TEST(ConvertElementTest, IntegersExtendAndWrap) {
  checkConversion<int8_t, int32_t>({-1, 127, -128}, {-1, 127, -128});
  checkConversion<int32_t, int8_t>({-1, 128, 257}, {-1, -128, 1});
  checkConversion<int32_t, float>({-1, 16777217, 5}, {-1, 16777216, 5});
  checkConversion<double, _Float16>({1.5, -2, 0.1}, {1.5, -2, _Float16(0.1f)});
}

TEST(PointwisePayloadTest, RejectsWithAMessage) {
  test::Kernel kernel = compile(PointwiseMode::EXP, {}, {"i1", "i1"});
  EXPECT_EQ(kernel.error, "pointwise mode EXP is not defined on 'i1'");
  kernel = compile(PointwiseMode::ADD, {}, {"f32", "f32"});
  EXPECT_EQ(kernel.error, "pointwise mode ADD takes 2 operands, given 1");
}

/// finalize(combine(combine(identity, preMap(a)), preMap(b)), 2).
template <typename In, typename Out>
std::vector<Out> reduceTwo(ReductionMode mode, std::vector<In> a,
                           std::vector<In> b) {
  test::Kernel kernel = test::compileKernel(
      "x86-64-v3", {kName<In>, kName<In>, kName<Out>}, kCount, 1,
      [&](ImplicitLocOpBuilder &builder, ValueRange in) {
        Type result = elementType(builder, kName<Out>);
        Type type = getReductionAccumulatorType(mode, result);
        Value acc = mlir::arith::ConstantOp::create(
            builder, getReductionIdentity(mode, type));
        for (Value v : in)
          acc = buildReductionCombine(
              builder, mode, acc, buildReductionPreMap(builder, mode, v, type));
        return buildReductionFinalize(builder, mode, acc, {.fixed = 2}, result);
      });
  EXPECT_EQ(kernel.error, "");
  std::vector<Out> y(a.size());
  if (kernel.entry)
    kernel.run({a.data(), b.data(), y.data()}, int64_t(a.size()));
  return y;
}

TEST(ReductionPayloadTest, Floats) {
  using V = std::vector<float>;
  V a = {1, -3, 0, 1.5}, b = {2, -4, 5, 0};
  auto run = [&](ReductionMode m) { return reduceTwo<float, float>(m, a, b); };
  EXPECT_EQ(run(ReductionMode::ADD), (V{3, -7, 5, 1.5}));
  EXPECT_EQ(run(ReductionMode::SUM), (V{3, -7, 5, 1.5}));
  EXPECT_EQ(run(ReductionMode::AVG), (V{1.5, -3.5, 2.5, 0.75}));
  EXPECT_EQ(run(ReductionMode::MUL), (V{2, 12, 0, 0}));
  EXPECT_EQ(run(ReductionMode::MUL_NO_ZEROS), (V{2, 12, 5, 1.5}));
  EXPECT_EQ(run(ReductionMode::MIN), (V{1, -4, 0, 0}));
  EXPECT_EQ(run(ReductionMode::MAX), (V{2, -3, 5, 1.5}));
  EXPECT_EQ(run(ReductionMode::AMAX), (V{2, 4, 5, 1.5}));
  EXPECT_EQ(run(ReductionMode::NORM1), (V{3, 7, 5, 1.5}));
  EXPECT_EQ(run(ReductionMode::NORM2), (V{std::sqrt(5.f), 5, 5, 1.5}));
}

TEST(ReductionPayloadTest, MinAndMaxPropagateNaN) {
  for (ReductionMode mode :
       {ReductionMode::MIN, ReductionMode::MAX, ReductionMode::AMAX})
    for (float y : reduceTwo<float, float>(mode, {NAN, 1}, {1, NAN}))
      EXPECT_TRUE(std::isnan(y));
}

TEST(ReductionPayloadTest, Integers) {
  using V = std::vector<int32_t>;
  V a = {1, -3, 0, INT32_MAX}, b = {2, -4, 5, 1};
  auto run = [&](ReductionMode m) {
    return reduceTwo<int32_t, int32_t>(m, a, b);
  };
  EXPECT_EQ(run(ReductionMode::ADD), (V{3, -7, 5, INT32_MIN}));
  EXPECT_EQ(run(ReductionMode::MUL), (V{2, 12, 0, INT32_MAX}));
  EXPECT_EQ(run(ReductionMode::MUL_NO_ZEROS), (V{2, 12, 5, INT32_MAX}));
  EXPECT_EQ(run(ReductionMode::MIN), (V{1, -4, 0, 1}));
  EXPECT_EQ(run(ReductionMode::MAX), (V{2, -3, 5, INT32_MAX}));
  EXPECT_EQ(run(ReductionMode::AMAX), (V{2, 4, 5, INT32_MAX}));
  EXPECT_EQ(run(ReductionMode::NORM1), (V{3, 7, 5, INT32_MIN}));
  EXPECT_EQ(run(ReductionMode::NORM2), (V{2, 5, 5, INT32_MAX}));
}

TEST(ReductionPayloadTest, NarrowTypesAccumulateWide) {
  // 200 fits no i8, but its sum with -100 does; 40000 exceeds f16 nowhere.
  EXPECT_EQ((reduceTwo<int8_t, int8_t>(ReductionMode::NORM2, {30}, {40})),
            (std::vector<int8_t>{50}));
  EXPECT_EQ((reduceTwo<int8_t, int32_t>(ReductionMode::ADD, {100}, {100})),
            (std::vector<int32_t>{200}));
  EXPECT_EQ((reduceTwo<_Float16, _Float16>(ReductionMode::NORM2,
                                           {_Float16(300)}, {_Float16(400)})),
            (std::vector<_Float16>{_Float16(500)}));
}

} // namespace
} // namespace fusilli::compiler
