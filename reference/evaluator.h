// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The reference evaluator: what a graph means, computed from each operator's
// definition in double precision with plain loops, and how far a compiled
// result may be from it. No LLVM, no runtime. Anyone may hold a compiled graph
// against it:
//
//     auto bytes = graph.serialize();                  // a validated graph
//     auto expected = reference::evaluateWithBounds(*bytes, inputs);
//     auto verdict = reference::check(expected->at("y"), bytesOfY);
//     if (!verdict->passed)
//       std::cerr << verdict->toString() << "\n";
//
// Tensors between float ops are kept in double, unrounded: a compiled kernel
// may or may not round there, and the bound covers both (tolerance.h). Integers
// wrap at every tensor.
//
// Programs link this library together with libfusilli, which holds the error
// types.

#ifndef REFERENCE_EVALUATOR_H
#define REFERENCE_EVALUATOR_H

#include "reference/tensor.h"

#include <fusilli/support/logging.h>

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace fusilli::reference {

/// The inputs of a graph, by name; scalar constants are part of the graph.
using Inputs = std::map<std::string, Tensor>;

/// What an output may be. Element number `index[k]` (row-major, logical) is
/// `values[k]`, give or take `bounds[k]`, then rounded to the dtype. A bound of
/// infinity accepts anything.
struct Expected {
  TensorSpec spec;
  std::vector<int64_t> index; ///< all elements, or a sorted sample
  std::vector<double> values; ///< exact for integers below 2^53
  std::vector<double> bounds;
  std::vector<int64_t> integers; ///< the values of an integer or Boolean tensor
};

/// What to compute.
struct Options {
  /// At most so many elements of each output, spread evenly over it by a fixed
  /// pseudo-random choice, the first and the last among them; 0: all. What the
  /// last matmul, convolution or reduction before an output costs shrinks with
  /// it, so that large problems can be checked.
  int64_t samples = 0;
};

/// All outputs of the graph in `graphDef` (bytes of `Graph::serialize`), as
/// tensors of their dtype and layout, by name. Dynamic dims have the extents of
/// the inputs.
/// Errors: InvalidArgument for bytes that are no valid graph, a missing input
/// or one whose dtype, dims or strides differ; NotImplemented for what the
/// reference does not know. Thread-safe.
ErrorOr<std::map<std::string, Tensor>>
evaluate(std::span<const uint8_t> graphDef, const Inputs &inputs);

/// The same with a bound for every element. Thread-safe.
ErrorOr<std::map<std::string, Expected>>
evaluateWithBounds(std::span<const uint8_t> graphDef, const Inputs &inputs,
                   const Options &options = {});

/// How a compiled result compares with what was expected.
struct CheckResult {
  bool passed = true;
  int64_t checked = 0; ///< elements compared
  int64_t failed = 0;  ///< elements outside their bound
  /// The element with the largest error in units of its bound (the first failed
  /// one that is not a number first), its row-major logical number.
  int64_t worst = 0;
  double actual = 0.0;   ///< its value
  double expected = 0.0; ///< the exact value
  double error = 0.0;    ///< |actual - expected|
  double bound = 0.0;    ///< the error allowed there, rounding to the dtype
                         ///< included; same unit as `error`
  TensorSpec spec;

  /// One line: verdict, tensor, worst element with coordinates, error, bound.
  std::string toString() const;
};

/// Compares the buffer of an output (physical order) with what was expected.
/// InvalidArgument if the number of bytes is not that of the tensor.
ErrorOr<CheckResult> check(const Expected &expected,
                           std::span<const uint8_t> actual);

} // namespace fusilli::reference

#endif // REFERENCE_EVALUATOR_H
