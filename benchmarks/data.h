// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The tensors of a problem and their content: names, logical dims and strides
// as the graph gets them, and reproducible random values in the memory layout
// that Fusilli, the peers and the reference all read. Also the sampling that
// makes a large result checkable: a smaller problem of the same kind whose
// results are some of the large one's.
#ifndef BENCHMARKS_DATA_H
#define BENCHMARKS_DATA_H

#include "benchmarks/machine.h"
#include "benchmarks/problem.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fusilli::bench {

/// A tensor as the graph sees it: logical dims with strides.
struct TensorSpec {
  std::string name;
  std::vector<int64_t> dims, strides;

  int64_t elements() const;
  /// Elements of memory from the first to the last, gaps included.
  int64_t span() const;
};

/// Elements by which the rows of the first operand are longer in memory where
/// the problem has views.
inline constexpr int64_t kRowPadding = 16;

/// Inputs of a problem in the order in which they are used: A, B [, bias];
/// X, W [, bias]; DY, W; DY, X; the value and the second operands of a chain;
/// X; Q, K, V [, mask]; X [, scale [, bias]]. A norm's X has its kept dims as
/// one, first: [rows, normalised dims..].
std::vector<TensorSpec> inputSpecs(const Problem &problem);

/// The output of a problem: C, Y, DX, DW or O.
TensorSpec outputSpec(const Problem &problem);

/// Element 'index' in memory order as a number.
double loadElement(ElementType type, const void *data, int64_t index);

/// Stores a number, rounded to the type.
void storeElement(ElementType type, void *data, int64_t index, double value);

/// A problem's inputs. Values are uniform in a range on which the problem's
/// ops are defined and do not overflow; equal seeds give equal values.
struct ProblemData {
  Problem problem;
  std::vector<BigBuffer> inputs;
};

ProblemData makeData(const Problem &problem, uint64_t seed);

/// A part of a problem that is small enough for the reference: 'data' is the
/// smaller problem, 'result' the matching elements of the large result, in the
/// memory order of the smaller problem's output.
struct SampledProblem {
  ProblemData data;
  BigBuffer result;
};

/// Takes whole rows and columns, channels, elements or reduced slices, evenly
/// spread with the first and the last among them, so that the smaller problem
/// needs at most about 'budget' multiplications or elements. A problem within
/// the budget is taken whole.
SampledProblem sampleProblem(const ProblemData &data, const void *result,
                             double budget);

} // namespace fusilli::bench

#endif // BENCHMARKS_DATA_H
