// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What every emitter writes code with: a kernel function of the vector stage,
// index arithmetic that folds, loops with carried values, worker-local memory,
// loads and stores of vectors with strides and masks. Decides nothing, and does
// not know what is computed.
#ifndef COMPILER_CODEGEN_CPU_EMIT_KERNELBUILDER_H
#define COMPILER_CODEGEN_CPU_EMIT_KERNELBUILDER_H

#include "compiler/Codegen/Common/KernelModel.h"
#include "compiler/Codegen/Common/TargetInfo.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <memory>
#include <vector>

namespace fusilli::compiler {

/// How many of a vector's first lanes count: a number, or a value below the
/// vector's length.
class ActiveLanes {
public:
  ActiveLanes(int64_t count) : count(count) {}
  explicit ActiveLanes(Value value) : value(value) {}
  bool isStatic() const { return !value; }
  bool areAll(int64_t lanes) const { return isStatic() && count >= lanes; }
  int64_t get() const {
    assert(isStatic());
    return count;
  }
  Value getValue() const { return value; }

private:
  int64_t count = 0;
  Value value; ///< null: static
};

/// Kernels that touch more than this are limited by memory, not by caches.
constexpr double kStreamBytes = 48e6;

class KernelBuilder {
public:
  /// Creates `<name>` of the vector stage beside the model's function, which
  /// the caller erases when done: (bindings as flat memrefs, symbols, local
  /// memory, begin, end) -> i32.
  KernelBuilder(const KernelModel &model, const TargetInfo &target);

  const TargetInfo &target() const { return targetInfo; }
  mlir::ImplicitLocOpBuilder &builder() { return b; }
  mlir::func::FuncOp getFunction() const { return dst; }
  Value begin() const { return beginArg; }
  Value end() const { return endArg; }
  Value binding(unsigned i) const { return bindings[i]; }

  // Loops and small values --------------------------------------------------
  Value index(int64_t v);
  Value index(const Extent &v);
  Value addIndex(Value a, Value c);
  Value addIndex(Value a, int64_t c);
  Value addIndex(Value a, const Extent &c);
  Value subIndex(Value a, Value c);
  Value mulIndex(Value a, int64_t c);
  Value mulIndex(Value a, const Extent &c);
  Value minIndex(Value a, Value c);
  Value minIndex(Value a, int64_t c) { return minIndex(a, index(c)); }
  Value minIndex(Value a, const Extent &c) { return minIndex(a, index(c)); }
  Value divIndex(Value a, const Extent &c);
  Value remIndex(Value a, const Extent &c);
  /// The value of an expression of dims, given theirs, and of symbols.
  Value evaluate(AffineExpr expr, ArrayRef<Value> dims);
  /// Constant 0 of a scalar or vector type.
  Value zero(Type type);
  Value constant(mlir::TypedAttr value, int64_t lanes = 0);
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
  /// Runs one of two bodies.
  void ifThenElse(Value cond, llvm::function_ref<void()> then,
                  llvm::function_ref<void()> otherwise);
  Value isEqual(Value a, Value c);
  Value isLess(Value a, Value c);
  /// Digits of `number` in the mixed radix `extents`, outermost first.
  SmallVector<Value> delinearize(Value number, ArrayRef<Extent> extents);

  // Memory ------------------------------------------------------------------
  /// A memref of `count` elements in worker-local memory (64-byte aligned).
  Value local(Type element, int64_t count);
  int64_t getLocalBytes() const { return localSize; }
  /// Mask of the first `active` lanes.
  Value firstLanes(int64_t lanes, const ActiveLanes &active);
  Value firstLane(Value v);
  Value loadScalar(Value mem, Value index);
  /// `granule` neighbouring elements as one 32-bit word (1: the element itself)
  /// in all lanes.
  Value loadWord(Value mem, Value index, int64_t granule, int64_t lanes);
  /// Fetches the cache lines of `count` elements, which may lie outside of the
  /// buffer.
  void prefetch(Value mem, Value index, int64_t count = 1);
  /// The same number, which LLVM does not compute again where it is used: keeps
  /// a base of addresses in a register.
  Value keep(Value index);
  /// Keeps LLVM from moving later loads up: with few registers that spills
  /// accumulators.
  void barrier();
  /// Lane i is mem[index + i * stride]; lanes past `active` are 0.
  Value load(Value mem, Value index, int64_t lanes, const ActiveLanes &active,
             const Extent &stride);
  /// A scalar or a vector.
  void store(Value value, Value mem, Value index, const ActiveLanes &active,
             const Extent &stride);
  /// Whole vectors bypass the cache while this is on: for results far larger
  /// than it, at positions and buffers aligned to the vector. End with
  /// fenceStores().
  void setNonTemporal(bool on) { nonTemporal = on; }
  void fenceStores();
  /// Whether all result buffers are aligned to `bytes`, at run time.
  Value resultsAligned(int64_t bytes);

  // Constant operands ---------------------------------------------------------
  /// A kernel that runs once, before the first call: (constant operand, packed
  /// buffer).
  struct Packing {
    unsigned binding; ///< of the kernel: the packed buffer in its place
    int64_t bytes;    ///< of the packed buffer
    std::unique_ptr<KernelBuilder> builder;
  };
  /// Replaces input `binding` by a buffer of `count` elements that the kernel
  /// given back packs, `<name>.pack<binding>`: its bindings 0 and 1 are the
  /// operand and that buffer.
  KernelBuilder &addPacking(unsigned binding, Type element, int64_t count);
  ArrayRef<Packing> getPackings() const { return packings; }

  // End -----------------------------------------------------------------------
  /// Workgroups of the kernel.
  void setWorkgroups(const Extent &count) { workgroups = count; }
  const Extent &getWorkgroups() const { return workgroups; }
  /// Returns 0, splits outlined parts off, fixes the function's type.
  void finish();

private:
  KernelBuilder(const KernelModel &model, const TargetInfo &target,
                const llvm::Twine &name, ArrayRef<Type> bindingTypes,
                unsigned numSymbols);
  void outlineRegion(mlir::scf::ExecuteRegionOp region, llvm::StringRef name);
  Value stepVector(int64_t lanes, const Extent &stride);
  /// load() and store() of as many lanes as a value says.
  Value loadSome(Value mem, Value index, int64_t lanes, Value active,
                 const Extent &stride);
  void storeSome(Value value, Value mem, Value index, Value active,
                 const Extent &stride);
  /// Whether the target masks lanes of this type; else they are copied one by
  /// one by way of getScratch().
  bool hasMasks(Type element) const;
  Value getScratch(Type element, int64_t lanes);
  Value moveIndex(Value index, Value steps, const Extent &stride);

  const KernelModel &model;
  mlir::func::FuncOp dst;
  const TargetInfo &targetInfo;
  mlir::ImplicitLocOpBuilder b;
  SmallVector<Value> bindings, symbols;
  Value localArg, beginArg, endArg;
  int64_t localSize = 0;
  llvm::DenseMap<Type, Value> scratch; ///< of vectors that cannot be masked
  Extent workgroups = 1;
  bool nonTemporal = false;
  llvm::DenseMap<int64_t, Value> indexConstants;
  mlir::Operation *constantsEnd = nullptr;
  unsigned numOutlined = 0;
  std::vector<Packing> packings;
};

} // namespace fusilli::compiler

#endif // COMPILER_CODEGEN_CPU_EMIT_KERNELBUILDER_H
