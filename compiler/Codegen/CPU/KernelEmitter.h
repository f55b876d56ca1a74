// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The tool that all CPU schedules share. In: one kernel function in the linalg
// stage (a DAG of linalg.generic ops from arguments to results). Out: a
// function of vector, scf and arith ops on flat 1-D memrefs. A schedule opens
// the loops; the emitter evaluates any tensor of the DAG at the loops' current
// position, as scalars or as vectors along one loop, inlining all producers.
//
// All addresses are linear in the loop counters (permutations, broadcasts and
// strides only), so that an access is a binding, one coefficient per root
// dimension and nothing else. A schedule must keep that true.
#ifndef COMPILER_CODEGEN_CPU_KERNELEMITTER_H
#define COMPILER_CODEGEN_CPU_KERNELEMITTER_H

#include "compiler/Codegen/Common/TargetInfo.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <map>

namespace fusilli::compiler {

using llvm::SmallVectorImpl;
using mlir::ArrayRef;
using mlir::FailureOr;
using mlir::LogicalResult;
using mlir::SmallVector;
using mlir::Type;
using mlir::Value;
using mlir::ValueRange;

/// For each dim of a tensor the root dimension that indexes it, or -1 where it
/// stays at 0 (unit or broadcast).
using DimMap = SmallVector<int, 6>;

/// One load or store: elements of `binding` at sum(coef[d] * iv[d]).
struct Access {
  unsigned binding;
  SmallVector<int64_t, 6> coefs; ///< per root dimension, in elements
  bool isStore = false;
  bool operator==(const Access &o) const {
    return binding == o.binding && coefs == o.coefs && isStore == o.isStore;
  }
};

/// One loop of a schedule: root dimensions that behave as one because every
/// access walks through them linearly.
struct LoopGroup {
  SmallVector<int, 4> dims; ///< outermost first
  int64_t extent = 1;
  Value iv; ///< current position; for the vector group that of lane 0
};

/// Where evaluation happens: the loops, and how values are vectorised.
struct Space {
  SmallVector<LoopGroup, 4> groups;
  int vectorGroup = -1;    ///< group along which values are vectors, or -1
  int64_t lanes = 1;       ///< vector length
  int64_t activeLanes = 1; ///< < lanes: the rest is masked (static tails)
  /// Values of tensors that a schedule computes itself (reductions,
  /// contractions): consulted before the DAG.
  llvm::DenseMap<Value, Value> known;
  /// Values already computed at this position.
  std::map<std::pair<void *, std::vector<int>>, Value> memo;

  bool isVector() const { return vectorGroup >= 0; }
};

class KernelEmitter {
public:
  /// Creates `<name>` of the vector stage beside `source`, which the caller
  /// erases when done. `localBytes` becomes known only at the end.
  KernelEmitter(mlir::func::FuncOp source, const TargetInfo &target);

  // Structure -------------------------------------------------------------
  mlir::func::FuncOp source() const { return src; }
  const TargetInfo &target() const { return targetInfo; }
  mlir::ImplicitLocOpBuilder &builder() { return b; }
  Value begin() const { return beginArg; }
  Value end() const { return endArg; }
  /// The generic that yields result number `i` of the kernel.
  mlir::linalg::GenericOp resultOp(unsigned i) const;
  unsigned numResults() const;
  unsigned resultBinding(unsigned i) const;
  Value binding(unsigned i) const { return bindings[i]; }
  Type bindingElement(unsigned i) const;

  // Access analysis -------------------------------------------------------
  /// The number of root dimensions; all coefficient lists have this length.
  void setRootRank(unsigned rank) { rootRank = rank; }
  /// All loads needed to evaluate the operands of `root`, whose loop i is root
  /// dimension dims[i], and its store when `withStore`.
  void collect(mlir::linalg::GenericOp root, ArrayRef<int> dims, bool withStore,
               SmallVectorImpl<Access> &out);
  /// Loads needed for `tensor` read through `map`.
  void collect(Value tensor, const DimMap &map, SmallVectorImpl<Access> &out);
  /// Coefficients of a kernel argument or result read through `map`.
  SmallVector<int64_t, 6> coefficients(mlir::RankedTensorType type,
                                       const DimMap &map) const;

  /// Bytes that `accesses` touch, each element once per access.
  double bytesOf(ArrayRef<Access> accesses, ArrayRef<int64_t> extents) const;

  // Loops and small values --------------------------------------------------
  Value index(int64_t v);
  Value addIndex(Value a, Value c);
  Value addIndex(Value a, int64_t c);
  Value mulIndex(Value a, int64_t c);
  Value minIndex(Value a, Value c);
  Value minIndex(Value a, int64_t c) { return minIndex(a, index(c)); }
  /// Constant 0 of a scalar or vector type.
  Value zero(Type type);
  Value splat(Value scalar, int64_t lanes);
  mlir::VectorType vectorType(Type element, int64_t lanes) const {
    return mlir::VectorType::get({lanes}, element);
  }
  using LoopBody =
      llvm::function_ref<SmallVector<Value>(Value iv, ValueRange carried)>;
  /// scf.for over [lo, hi) by `step` with carried values; the body gives the
  /// next ones.
  SmallVector<Value> loop(Value lo, Value hi, int64_t step, ValueRange inits,
                          LoopBody body);
  void loop(Value lo, Value hi, int64_t step,
            llvm::function_ref<void(Value iv)> body);
  /// Emits `body` into a function of its own, `<kernel>.<part><n>`, and calls
  /// it here. Its registers and constants then do not compete with those of the
  /// loops around.
  void outline(llvm::StringRef part, llvm::function_ref<void()> body);
  /// Runs `body` only where `cond` holds.
  void ifThen(Value cond, llvm::function_ref<void()> body);
  Value isEqual(Value a, Value c);
  Value isLess(Value a, Value c);

  // Memory ------------------------------------------------------------------
  /// A memref of `count` elements in worker-local memory (64-byte aligned).
  Value local(Type element, int64_t count);
  int64_t localBytes() const { return localSize; }
  /// Mask of the first `active` lanes.
  Value firstLanes(int64_t lanes, int64_t active);
  Value firstLane(Value v);
  /// Lane i is mem[index + i * stride]; lanes past `active` are 0.
  Value load(Value mem, Value index, int64_t lanes, int64_t active,
             int64_t stride);
  void store(Value value, Value mem, Value index, int64_t active,
             int64_t stride);
  /// Whole vectors bypass the cache while this is on: for results far larger
  /// than it, at positions and buffers aligned to the vector. End with
  /// fenceStores().
  void setNonTemporal(bool on) { nonTemporal = on; }
  void fenceStores();
  /// Whether all result buffers are aligned to `bytes`, at run time.
  Value resultsAligned(int64_t bytes);
  /// Runs one of two bodies.
  void ifThenElse(Value cond, llvm::function_ref<void()> then,
                  llvm::function_ref<void()> otherwise);

  // Evaluation ----------------------------------------------------------------
  /// The value of `tensor` read through `map` at the position of `space`:
  /// scalar where it does not depend on the vector group, else a vector.
  FailureOr<Value> evaluate(Value tensor, const DimMap &map, Space &space);
  /// Evaluates the payload of `op` (loop i = root dimension dims[i]).
  FailureOr<Value> evaluate(mlir::linalg::GenericOp op, ArrayRef<int> dims,
                            Space &space);
  /// Evaluates result `i`; storeResult() writes it. Evaluate all results at a
  /// position before the first store: an output may be an input's buffer.
  FailureOr<Value> evaluateResult(unsigned i, ArrayRef<int> dims, Space &space);
  void storeResult(unsigned i, Value value, ArrayRef<int> dims, Space &space);
  /// Both, for all results.
  LogicalResult storeAllResults(ArrayRef<int> dims, Space &space);
  /// Applies the body of `op` to values for its block arguments (scalars or
  /// vectors, mixed ones are broadcast).
  /// Gives the value of `wanted`, by default what the body yields; ops that
  /// only `wanted` does not need are skipped where an argument is null.
  FailureOr<Value> payload(mlir::linalg::GenericOp op, ArrayRef<Value> args,
                           Value wanted = {});
  /// To a wider float type.
  Value widen(Value v, Type element);
  /// f64/f32 to a narrower float, round to nearest even, subnormals kept.
  Value narrow(Value v, Type element);
  /// Lets narrow() use the bf16 conversion instruction, which flushes
  /// subnormals: for kernels whose dot products flush them already.
  void setNativeBf16(bool on) { nativeBf16 = on; }
  /// Position of `coefs` in its binding.
  Value offset(ArrayRef<int64_t> coefs, const Space &space);

  /// Widens a scalar to the vector length of `space` (no-op on vectors).
  Value asVector(Value v, const Space &space);

  /// Finishes the function: return 0, attributes, erases the source.
  void finish(ArrayRef<int64_t> workgroups, bool inlineDispatch,
              llvm::StringRef strategy, uint64_t flops);

private:
  void outlineRegion(mlir::scf::ExecuteRegionOp region, llvm::StringRef name);

  mlir::func::FuncOp src, dst;
  const TargetInfo &targetInfo;
  mlir::ImplicitLocOpBuilder b;
  SmallVector<Value> bindings;
  Value localArg, beginArg, endArg;
  int64_t localSize = 0;
  unsigned rootRank = 0;
  bool nativeBf16 = false, nonTemporal = false;
  llvm::DenseMap<int64_t, Value> indexConstants;
  mlir::Operation *constantsEnd = nullptr;
  unsigned numOutlined = 0;
};

/// The map of operand `operand` of `op`, composed with its loops' root dims.
DimMap composeMap(mlir::AffineMap map, ArrayRef<int> dims);
/// 0..n-1
SmallVector<int> identityDims(unsigned n);
/// Estimated work of one element of the DAG under `root`, in scalar ops.
int64_t payloadCost(mlir::Block *body);

/// Lanes of a vector of the widest type that the kernel computes in.
int64_t computeLanes(KernelEmitter &e);
/// Sets the counters of the outer loops `groups` from a linear row number.
void delinearize(KernelEmitter &e, Value row,
                 mlir::MutableArrayRef<LoopGroup> groups);
/// Little enough work to run on the calling thread: below what waking a worker
/// costs.
bool isInlineWork(double bytes, double scalarOps, const TargetInfo &target);

/// Orders `dims` by the strides of `primary` (descending), drops unit dims and
/// merges neighbours that every access walks through linearly.
SmallVector<LoopGroup, 4> formGroups(ArrayRef<int> dims,
                                     ArrayRef<int64_t> extents,
                                     ArrayRef<int64_t> primary,
                                     ArrayRef<Access> accesses);

// Schedules: each fills the emitter's function or says why it cannot.
LogicalResult schedulePointwise(KernelEmitter &e);
LogicalResult scheduleRows(KernelEmitter &e);
LogicalResult scheduleContraction(KernelEmitter &e,
                                  mlir::linalg::GenericOp contraction);

} // namespace fusilli::compiler

#endif // COMPILER_CODEGEN_CPU_KERNELEMITTER_H
