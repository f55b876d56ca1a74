// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How far a compiled result may lie from the exact one: every constant of the
// error bound, and why it is what it is. The bound of one element is found by
// running error analysis (approx.h): the evaluator carries each number as
// (v, e), and promises that every correct implementation gives a number within
// e of v. What an implementation may do, and is therefore covered:
//
// 1. Arithmetic on Half, BFloat16 and Float is done in f32, on Double in f64.
//    One operation rounds once, error <= u |result| with u = 2^-24 or 2^-53,
//    plus half the smallest subnormal. A product may be fused into a sum (no
//    rounding of its own). With exact operands the error is not bounded but
//    computed, so that results which f32 holds (small integers) must be exact.
// 2. Elementary functions are within kFunctionUlps of the exact value; a mode
// of
//    several steps within its formula's error and kCompositeUlps.
// 3. A sum of n terms may be taken in any order and blocking. The worst case
//    of n roundings is u n sum|x_i| (Higham, Accuracy and Stability of
//    Numerical Algorithms, 2nd ed., section 4.2); for long sums it is far from
//    what happens, so above 64 roundings the probabilistic bound
//    u lambda sqrt(n) sum|x_i| is used (Higham and Mary, A new approach to
//    probabilistic rounding error analysis, SIAM J. Sci. Comput. 41, 2019),
//    with lambda = 8: under its model a wrong alarm has probability below
//    2 n exp(-lambda^2 / 2) = 2.5e-14 n for one element.
// 4. A virtual tensor narrower than the arithmetic (f16, bf16) may be stored
//    and rounded, or kept in f32 within a kernel: both are within the bound.
// 5. The final store rounds to nearest even, which is monotone: a result c of
//    dtype T is accepted iff round_T(v - e) <= c <= round_T(v + e). Therefore
//    no term for the dtype's own rounding is needed, and overflow to infinity
//    is accepted exactly where the bound reaches it.
// 6. bf16 dot-product instructions treat subnormal operands and results as
//    zero; contractions of bf16 have a term for it.
//
// Where the bound makes two answers possible (a comparison of nearly equal
// numbers, floor near an integer, overflow near the largest number), both are
// accepted. The bound is per element; stated per dtype, for one operation with
// exact inputs and a result r in the normal range:
//
// | dtype  | add, sub, mul, div | functions            | sum of n products |
// |--------|--------------------|----------------------|-----------------------|
// | f32    | exact rounding     | 4 ulp of r and less  | 2^-24 N(n) sum|ab| |
// | f16    | 0.5 ulp + 2^-24 r  | 0.5 ulp + 2^-21 r    | the same + 0.5 ulp |
// | bf16   | 0.5 ulp + 2^-24 r  | 0.5 ulp + 2^-21 r    | the same + 0.5 ulp |
// | f64    | exact rounding     | 5 ulp of r and less  | 2 * 2^-53 N(n)
// sum|ab|| | intN   | exact              | exact (of the double)| exact (wraps)
// |
//
// with N(n) = min(n + 2, 8 sqrt(n + 2)). Sums of reductions are kept in partial
// accumulators of at most kPartialTerms terms, level by level, so that for them
// n + 2 is at most 256 ceil(log256(n + 2)) + 16: reductionUnits().

#ifndef REFERENCE_TOLERANCE_H
#define REFERENCE_TOLERANCE_H

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace fusilli::reference {

/// Largest errors of the elementary functions, in units of the last place of
/// the exact result, somewhat above what the compiler states for its own.
struct FunctionUlps {
  double exp = 2.0;
  double expm1 = 3.0;
  double log = 2.0;
  double log1p = 3.0;
  double erf = 3.0;
  double tanh = 4.0;
  double sin = 3.0;
  double tan = 5.0;
  double rsqrt = 2.0;
  double sigmoid = 4.0;
};
inline constexpr FunctionUlps kFunctionUlps;

/// What a mode of several steps (GELU_*, SWISH_*, SOFTPLUS_FWD, TANH_BWD) may
/// add to the error of its formula, for being written in another way.
inline constexpr double kCompositeUlps = 4.0;

/// Beyond this magnitude SIN and TAN of Double are not held to their bound: the
/// argument's reduction ends there.
inline constexpr double kTrigRangeDouble = 0x1p45;

/// Of an attention's weights e^(s - largest s), in units in the last place: the
/// argument may be scaled for powers of two and subtracted in steps, each
/// relative to |s| + |largest s|; the exponential may be taken of a largest so
/// far and rescaled once for each block of keys, which accumulationUnits of the
/// keys counts.
inline constexpr double kWeightArgumentUlps = 4.0;
inline constexpr double kWeightUlps = 4.0 * kFunctionUlps.exp;

/// lambda of the probabilistic bound on long sums.
inline constexpr double kLambda = 8.0;

/// N(n): roundings that count for a sum of `n` terms or products, in units of
/// u sum|x_i|. Two more than n for combining partial sums and for the bias.
inline double accumulationUnits(int64_t n) {
  const double count = static_cast<double>(n) + 2.0;
  return std::min(count, kLambda * std::sqrt(count));
}

/// Elements that one accumulator of a reduction takes before it is added to one
/// that stands for so many times more.
inline constexpr double kPartialTerms = 256.0;

/// The same for the sum of a reduction over `n` elements. No element goes
/// through more roundings than the accumulators of all levels have terms,
/// however long the sum is.
inline double reductionUnits(int64_t n) {
  const double count = static_cast<double>(n) + 2.0;
  double levels = 1.0;
  for (double terms = kPartialTerms; terms < count; terms *= kPartialTerms)
    ++levels;
  const double roundings = std::min(count, kPartialTerms * levels + 16.0);
  return std::min(roundings, kLambda * std::sqrt(roundings));
}

/// The error of the evaluator itself, relative to a result or to sum|x_i|: it
/// computes in double.
inline constexpr double kDoubleUnit = 0x1p-53;

} // namespace fusilli::reference

#endif // REFERENCE_TOLERANCE_H
