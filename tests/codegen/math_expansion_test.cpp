// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs the emitted functions on the machine, at both vector levels, and holds
// them against libm in a wider type: f32 against double, f64 against the x87
// type (64-bit significand). Every bound is the one stated in MathExpansion.h.
// FUSILLI_MATH_TIMING=1 prints the cost per element as well.
#include "artifact/cpu_features.h"
#include "compiler/Codegen/CPU/MathExpansion.h"

#include "tests/codegen/kernel_runner.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <gtest/gtest.h>

#include <bit>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <limits>
#include <random>

namespace fusilli::compiler {
namespace {

using mlir::ImplicitLocOpBuilder;
using mlir::Type;
using mlir::Value;
using mlir::ValueRange;

struct Function {
  MathFn fn;
  const char *name;
  long double (*exact)(long double);
  double (*nearby)(double); ///< good enough to judge f32
  double bound32, bound64;  ///< units in the last place
  double range64;           ///< |x| that random f64 arguments are drawn from
};

template <typename T> T rsqrtOf(T x) { return T(1) / std::sqrt(x); }
template <typename T> T sigmoidOf(T x) {
  T t = std::exp(-std::fabs(x));
  return (x < 0 ? t : T(1)) / (1 + t);
}

#define LIBM(f)                                                                \
  [](long double x) { return std::f(x); }, [](double x) { return std::f(x); }

const Function kFunctions[] = {
    {MathFn::Exp, "exp", LIBM(exp), 1.5, 1.5, 800},
    {MathFn::Exp2, "exp2", LIBM(exp2), 1.5, 1.5, 1100},
    {MathFn::Expm1, "expm1", LIBM(expm1), 2, 2, 800},
    {MathFn::Log, "log", LIBM(log), 1.5, 1.5, 10},
    {MathFn::Log1p, "log1p", LIBM(log1p), 2, 2, 10},
    {MathFn::Erf, "erf", LIBM(erf), 2, 2.5, 7},
    {MathFn::Tanh, "tanh", LIBM(tanh), 3, 3, 25},
    {MathFn::Sin, "sin", LIBM(sin), 2, 2, 1e4},
    {MathFn::Cos, "cos", LIBM(cos), 2, 2, 1e4},
    {MathFn::Tan, "tan", LIBM(tan), 3, 3, 1e4},
    {MathFn::Rsqrt, "rsqrt", rsqrtOf<long double>, rsqrtOf<double>, 1.5, 1.5,
     100},
    {MathFn::Sigmoid, "sigmoid", sigmoidOf<long double>, sigmoidOf<double>, 3,
     3, 800},
};

constexpr int64_t kBlock = 1 << 16;

bool isTrig(MathFn fn) {
  return fn == MathFn::Sin || fn == MathFn::Cos || fn == MathFn::Tan;
}

/// A kernel y[i] = fn(x[i]) on kBlock elements.
template <typename T>
test::Kernel compile(MathFn fn, const char *target, int64_t lanes) {
  return test::compileKernel(
      target, {sizeof(T) == 4 ? "f32" : "f64", sizeof(T) == 4 ? "f32" : "f64"},
      kBlock, lanes, [&](ImplicitLocOpBuilder &b, ValueRange in) {
        MathOptions options{.avx512 = std::string(target) != "x86-64-v3"};
        return expandMath(b, fn, in[0], options);
      });
}

template <typename T, typename Wide> double ulpError(T got, Wide want) {
  if (std::isnan(want) || std::isnan(got))
    return std::isnan(want) == std::isnan(got) ? 0 : INFINITY;
  T rounded = static_cast<T>(want);
  if (std::isinf(rounded) || std::isinf(got)) {
    if (rounded == got)
      return 0;
    // One step from the largest number to infinity.
    T largest = std::numeric_limits<T>::max();
    return std::fabs(std::isinf(got) ? rounded : got) == largest ? 1 : INFINITY;
  }
  if (rounded == 0 && got == 0)
    return std::signbit(rounded) == std::signbit(got) ? 0 : INFINITY;
  constexpr int kDigits = std::numeric_limits<T>::digits;
  constexpr int kLeast = std::numeric_limits<T>::min_exponent;
  int exponent = std::max(std::ilogb(want) + 1, kLeast);
  Wide error = std::fabs(static_cast<Wide>(got) - want);
  return static_cast<double>(std::ldexp(error, kDigits - exponent));
}

struct Worst {
  double ulp = 0;
  double at = 0, got = 0, want = 0;
};

template <typename T, typename Wide>
void compare(const std::vector<T> &x, const std::vector<T> &y,
             const std::vector<Wide> &want, Worst &worst) {
  for (size_t i = 0; i < x.size(); ++i) {
    double ulp = ulpError(y[i], want[i]);
    if (!(ulp <= worst.ulp))
      worst = {ulp, x[i], y[i], static_cast<double>(want[i])};
  }
}

template <typename T> std::vector<T> specials() {
  using Limits = std::numeric_limits<T>;
  std::vector<T> half = {T(0),
                         Limits::denorm_min(),
                         Limits::min() / 2,
                         Limits::min(),
                         Limits::epsilon(),
                         T(0.5),
                         T(1),
                         T(1.5),
                         T(2),
                         T(9.02),
                         T(88.722839),
                         T(88.73),
                         T(87.4),
                         T(103.97),
                         T(104.1),
                         T(709.78),
                         T(709.79),
                         T(745.1),
                         T(745.2),
                         T(1.5707963267948966),
                         T(3.141592653589793),
                         T(16367173),
                         T(1e10),
                         T(3.0e38),
                         Limits::max() / 2,
                         Limits::max(),
                         Limits::infinity(),
                         std::nextafter(T(1), T(0)),
                         std::nextafter(T(1), T(2))};
  std::vector<T> all;
  for (T v : half)
    all.insert(all.end(), {v, -v});
  all.push_back(Limits::quiet_NaN());
  return all;
}

struct Level {
  const char *target;
  int64_t lanes32;
};

std::vector<Level> levels() {
  std::vector<Level> all = {{"x86-64-v3", 8}};
  if ((artifact::cpuLevelFeatures("x86-64-v4") &
       ~artifact::hostCpuFeatures()) == 0)
    all.push_back({"x86-64-v4", 16});
  return all;
}

class MathExpansionTest : public testing::TestWithParam<Function> {};

/// Holds `f` on the given number of blocks against `exact` at all levels.
template <typename T, typename Wide>
void check(const Function &f, double bound, int blocks,
           const std::function<Wide(Wide)> &exact,
           const std::function<T(int64_t)> &argument) {
  std::vector<test::Kernel> kernels;
  for (const Level &level : levels())
    kernels.push_back(
        compile<T>(f.fn, level.target, level.lanes32 * 4 / int64_t(sizeof(T))));
  for (const test::Kernel &kernel : kernels)
    ASSERT_EQ(kernel.error, "");
  std::vector<Worst> worst(kernels.size());
  std::vector<T> x(kBlock), y(kBlock), extra = specials<T>();
  std::vector<Wide> want(kBlock);
  for (int block = 0; block < blocks; ++block) {
    for (int64_t i = 0; i < kBlock; ++i) {
      bool isExtra = block == 0 && i < int64_t(extra.size());
      x[i] = isExtra ? extra[i] : argument(block * kBlock + i);
      if (sizeof(T) == 8 && isTrig(f.fn) && std::fabs(x[i]) > 0x1p45)
        x[i] = T(1);
      want[i] = exact(x[i]);
    }
    for (size_t k = 0; k < kernels.size(); ++k) {
      kernels[k].run({x.data(), y.data()}, kBlock);
      compare(x, y, want, worst[k]);
    }
  }
  for (size_t k = 0; k < kernels.size(); ++k) {
    const Worst &w = worst[k];
    printf("%-8s %s %-10s max %.3f ulp at %.17g (got %.17g, want %.17g)\n",
           f.name, sizeof(T) == 4 ? "f32" : "f64", levels()[k].target, w.ulp,
           w.at, w.got, w.want);
    EXPECT_LE(w.ulp, bound) << f.name << " at " << w.at;
  }
}

TEST_P(MathExpansionTest, F32WithinBound) {
  const Function &f = GetParam();
  // 2^24 bit patterns, spread evenly over all of them.
  check<float, double>(
      f, f.bound32, (1 << 24) / kBlock, f.nearby, [](int64_t i) {
        return std::bit_cast<float>(static_cast<uint32_t>(i * 255 + i / 65536));
      });
}

TEST_P(MathExpansionTest, F64WithinBound) {
  const Function &f = GetParam();
  constexpr uint64_t kSeed = 20260801;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937_64 random(kSeed);
  std::uniform_real_distribution<double> uniform(-f.range64, f.range64);
  check<double, long double>(
      f, f.bound64, (1 << 22) / kBlock, f.exact, [&](int64_t i) {
        if (i % 4 == 0)
          return std::bit_cast<double>(random());
        double v = uniform(random);
        // Smaller and smaller ones, so that relative accuracy counts.
        return i % 4 == 1 ? v : v * std::ldexp(1.0, -int(random() % 24));
      });
}

TEST(MathExpansionTrigTest, HugeF64ArgumentsStayBounded) {
  std::mt19937_64 random(7);
  std::vector<double> x(kBlock), y(kBlock);
  for (double &v : x)
    v = std::ldexp(1 + std::ldexp(double(random() >> 12), -52),
                   45 + int(random() % 970));
  for (const Function &f : kFunctions) {
    if (!isTrig(f.fn))
      continue;
    test::Kernel kernel = compile<double>(f.fn, "x86-64-v3", 4);
    ASSERT_EQ(kernel.error, "");
    kernel.run({x.data(), y.data()}, kBlock);
    for (int64_t i = 0; i < kBlock; ++i) {
      ASSERT_TRUE(std::isfinite(y[i])) << f.name << " of " << x[i];
      if (f.fn == MathFn::Tan)
        continue;
      ASSERT_LE(std::fabs(y[i]), 1 + 0x1p-52) << f.name << " of " << x[i];
      if (x[i] < 0x1p51) {
        ASSERT_NEAR(y[i], double(f.exact(x[i])), 0x1p-30)
            << f.name << " of " << x[i];
      }
    }
  }
}

TEST_P(MathExpansionTest, ScalarsAgreeWithVectors) {
  const Function &f = GetParam();
  test::Kernel scalar = compile<float>(f.fn, "x86-64-v3", 1);
  test::Kernel vector = compile<float>(f.fn, "x86-64-v3", 8);
  ASSERT_EQ(scalar.error, "");
  ASSERT_EQ(vector.error, "");
  std::vector<float> x(kBlock), y(kBlock), z(kBlock);
  for (int64_t i = 0; i < kBlock; ++i)
    x[i] = std::bit_cast<float>(static_cast<uint32_t>(i * 65521));
  scalar.run({x.data(), y.data()}, kBlock);
  vector.run({x.data(), z.data()}, kBlock);
  for (int64_t i = 0; i < kBlock; ++i)
    if (!std::isnan(y[i]) || !std::isnan(z[i]))
      ASSERT_EQ(std::bit_cast<uint32_t>(y[i]), std::bit_cast<uint32_t>(z[i]))
          << f.name << " of " << x[i];
}

TEST_P(MathExpansionTest, Timing) {
  const Function &f = GetParam();
  if (!std::getenv("FUSILLI_MATH_TIMING"))
    GTEST_SKIP() << "set FUSILLI_MATH_TIMING=1 to measure";
  constexpr int64_t kCount = 2048;
  std::vector<float> x(kCount), y(kCount);
  for (int64_t i = 0; i < kCount; ++i)
    x[i] = float(i) / 256 - 4;
  for (const Level &level : levels()) {
    test::Kernel kernel = compile<float>(f.fn, level.target, level.lanes32);
    ASSERT_EQ(kernel.error, "");
    double best = INFINITY;
    for (int round = 0; round < 2000; ++round) {
      auto start = std::chrono::steady_clock::now();
      kernel.run({x.data(), y.data()}, kCount);
      std::chrono::duration<double, std::nano> t =
          std::chrono::steady_clock::now() - start;
      best = std::min(best, t.count());
    }
    printf("%-8s f32 %-10s %.3f ns per 16 elements\n", f.name, level.target,
           best * 16 / kCount);
  }
}

TEST(Exp2OfNonPositiveTest, WithinItsRelativeBound) {
  std::vector<float> x(kBlock), y(kBlock);
  for (const Level &level : levels())
    for (bool isShort : {false, true}) {
      test::Kernel kernel = test::compileKernel(
          level.target, {"f32", "f32"}, kBlock, level.lanes32,
          [&](ImplicitLocOpBuilder &b, ValueRange in) {
            return expandExp2OfNonPositive(b, in[0], isShort, {});
          });
      ASSERT_EQ(kernel.error, "");
      double worst = 0;
      for (int block = 0; block < 64; ++block) {
        for (int64_t i = 0; i < kBlock; ++i)
          x[i] = -126.0f * float(block * kBlock + i) / float(64 * kBlock);
        kernel.run({x.data(), y.data()}, kBlock);
        for (int64_t i = 0; i < kBlock; ++i)
          worst =
              std::max(worst, std::fabs(y[i] / std::exp2(double(x[i])) - 1));
      }
      printf("%-10s %s relative error %.3g\n", level.target,
             isShort ? "short" : "full", worst);
      EXPECT_LE(worst, isShort ? 0x1p-18 : 0x1p-22);
    }
}

TEST(Exp2OfNonPositiveTest, ZeroInPlaceOfSubnormalsAndNotANumberStays) {
  const std::vector<float> given = {
      0.0f,      -0.0f,    -126.0f,
      -127.0f,   -126.75f, -1e30f,
      -INFINITY, NAN,      std::bit_cast<float>(0x7fc00001u)};
  std::vector<float> x(kBlock), y(kBlock);
  std::copy(given.begin(), given.end(), x.begin());
  for (const Level &level : levels())
    for (bool isShort : {false, true}) {
      test::Kernel kernel = test::compileKernel(
          level.target, {"f32", "f32"}, kBlock, level.lanes32,
          [&](ImplicitLocOpBuilder &b, ValueRange in) {
            return expandExp2OfNonPositive(b, in[0], isShort, {});
          });
      ASSERT_EQ(kernel.error, "");
      kernel.run({x.data(), y.data()}, kBlock);
      EXPECT_EQ(y[0], 1.0f);
      EXPECT_EQ(y[1], 1.0f);
      EXPECT_EQ(y[2], 0x1p-126f);
      for (int i = 3; i < 7; ++i)
        EXPECT_EQ(y[size_t(i)], 0.0f) << given[size_t(i)];
      EXPECT_TRUE(std::isnan(y[7]));
      EXPECT_TRUE(std::isnan(y[8]));
    }
}

TEST(Exp2OfNonPositiveTest, DoubleAsExp2) {
  std::vector<double> x(kBlock), y(kBlock);
  for (int64_t i = 0; i < kBlock; ++i)
    x[i] = i == 0 ? -INFINITY : -1080.0 * double(i) / double(kBlock);
  for (const Level &level : levels()) {
    test::Kernel kernel = test::compileKernel(
        level.target, {"f64", "f64"}, kBlock, level.lanes32 / 2,
        [&](ImplicitLocOpBuilder &b, ValueRange in) {
          return expandExp2OfNonPositive(
              b, in[0], false,
              {.avx512 = std::string(level.target) != "x86-64-v3"});
        });
    ASSERT_EQ(kernel.error, "");
    kernel.run({x.data(), y.data()}, kBlock);
    EXPECT_EQ(y[0], 0.0);
    for (int64_t i = 1; i < kBlock; ++i) {
      const long double want = std::exp2(static_cast<long double>(x[i]));
      ASSERT_LE((ulpError<double, long double>(y[i], want)), 1.5) << x[i];
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, MathExpansionTest, testing::ValuesIn(kFunctions),
                         [](const auto &info) { return info.param.name; });

} // namespace
} // namespace fusilli::compiler
