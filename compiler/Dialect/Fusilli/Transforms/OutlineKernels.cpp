// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One group at a time: its outer operands become parameters in order of first
// use, the values used outside become results in program order.
#include "compiler/Dialect/Fusilli/Transforms/OutlineKernels.h"

#include "compiler/Dialect/Fusilli/IR/ConstantParameters.h"
#include "compiler/Dialect/Fusilli/Transforms/FusilliPasses.h"
#include "compiler/Dialect/Fusilli/Transforms/FusionShapes.h"

#include "mlir/IR/IRMapping.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"

#include <map>

using namespace mlir;

namespace fusilli::ir {

namespace {

constexpr llvm::StringLiteral kNodeAttr = "node";

/// What a kernel computes, without the names of its nodes: equal keys, equal
/// kernels. Pointers are of uniqued objects and only compared for equality.
using KernelKey = std::vector<uintptr_t>;

StringRef getKindName(KernelKind kind) {
  switch (kind) {
  case KernelKind::Pointwise:
    return kKindPointwise;
  case KernelKind::Contraction:
    return kKindContraction;
  case KernelKind::Reduction:
    return kKindReduction;
  case KernelKind::Rows:
    return kKindRows;
  case KernelKind::Attention:
    return kKindAttention;
  case KernelKind::Custom:
    return kKindCustom;
  }
  llvm_unreachable("unknown kind");
}

struct Outline {
  SmallVector<Operation *> ops; ///< with constants, program order
  SmallVector<Value> inputs;
  SmallVector<Value> outputs;
  /// Per input: its content is the same in all calls, that of others is not.
  SmallVector<bool> isConstant;
};

/// Whether an op is a constant that a kernel holds itself: of one value. Others
/// stay in @main and are read from memory.
bool isInlineConstant(Operation *op) {
  auto constant = dyn_cast_or_null<ConstantOp>(op);
  return constant && constant.getValue().isSplat();
}

Outline describe(const KernelGroup &group) {
  Outline outline;
  llvm::SmallPtrSet<Operation *, 16> inside(group.ops.begin(), group.ops.end());
  llvm::SetVector<Operation *> ops;
  llvm::SetVector<Value> inputs;
  for (Operation *op : group.ops) {
    for (Value operand : op->getOperands()) {
      Operation *def = operand.getDefiningOp();
      if (isInlineConstant(def) && !isContraction(op) &&
          !isa<CustomOp, SdpaOp>(op))
        ops.insert(def);
      else if (!def || !inside.contains(def))
        inputs.insert(operand);
    }
    ops.insert(op);
    for (Value result : op->getResults())
      if (llvm::any_of(result.getUsers(),
                       [&](Operation *user) { return !inside.contains(user); }))
        outline.outputs.push_back(result);
  }
  outline.ops = ops.takeVector();
  outline.inputs = inputs.takeVector();
  return outline;
}

/// The type of a value outside of its kernel: if the graph returns it through
/// a reshape, that of the graph's result.
Type getOuterType(Value value) {
  for (Operation *user : value.getUsers())
    if (isa<ReshapeOp>(user) &&
        llvm::any_of(user->getUsers(), llvm::IsaPred<func::ReturnOp>))
      return user->getResult(0).getType();
  return value.getType();
}

/// Values that are the same in all calls: constants, parameters that the client
/// declared to be, what kernels compute from them.
class ConstantValues {
public:
  explicit ConstantValues(func::FuncOp main) {
    for (BlockArgument arg : main.getArguments())
      if (isConstantParameter(main, arg.getArgNumber()))
        known.insert(arg);
  }

  /// Marks the constant inputs, or where all are, the outputs.
  void visit(Outline &outline) {
    for (Value input : outline.inputs)
      outline.isConstant.push_back(
          known.contains(skipReshape(input)) ||
          isa_and_nonnull<ConstantOp>(skipReshape(input).getDefiningOp()));
    if (!llvm::all_of(outline.isConstant, [](bool is) { return is; }))
      return;
    known.insert(outline.outputs.begin(), outline.outputs.end());
    outline.isConstant.assign(outline.inputs.size(), false);
  }

private:
  llvm::DenseSet<Value> known;
};

KernelKey getKey(const KernelGroup &group, const Outline &outline) {
  KernelKey key;
  llvm::DenseMap<Value, unsigned> numbers;
  auto addPointer = [&](const void *p) {
    key.push_back(reinterpret_cast<uintptr_t>(p));
  };
  key.push_back(uintptr_t(group.kind));
  key.push_back(outline.inputs.size());
  for (auto [input, isConstant] :
       llvm::zip_equal(outline.inputs, outline.isConstant)) {
    addPointer(input.getType().getAsOpaquePointer());
    key.push_back(isConstant);
    numbers[input] = numbers.size();
  }
  for (Operation *op : outline.ops) {
    addPointer(op->getName().getAsOpaquePointer());
    NamedAttrList attrs(op->getAttrDictionary());
    attrs.erase(kNodeAttr);
    addPointer(attrs.getDictionary(op->getContext()).getAsOpaquePointer());
    key.push_back(op->getNumOperands());
    for (Value operand : op->getOperands())
      key.push_back(numbers.lookup(operand));
    for (Value result : op->getResults()) {
      addPointer(result.getType().getAsOpaquePointer());
      numbers[result] = numbers.size();
    }
  }
  for (Value output : outline.outputs)
    key.push_back(numbers.lookup(output));
  return key;
}

void addNodes(func::FuncOp kernel, const Outline &outline) {
  SmallVector<Attribute> nodes;
  if (auto old = kernel->getAttrOfType<ArrayAttr>(FusilliDialect::kNodesAttr))
    llvm::append_range(nodes, old);
  for (Operation *op : outline.ops)
    if (auto node = op->getAttrOfType<StringAttr>(kNodeAttr))
      if (!llvm::is_contained(nodes, Attribute(node)))
        nodes.push_back(node);
  kernel->setAttr(FusilliDialect::kNodesAttr,
                  ArrayAttr::get(kernel.getContext(), nodes));
}

Location getKernelLocation(const KernelGroup &group) {
  // The op that gives the kernel its kind; else the last one.
  if (group.contraction)
    return group.contraction->getLoc();
  for (Operation *op : group.ops)
    if (isa<ReductionOp>(op))
      return op->getLoc();
  return group.ops.back()->getLoc();
}

func::FuncOp buildKernel(ModuleOp module, const KernelGroup &group,
                         const Outline &outline, StringRef name) {
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  Location loc = getKernelLocation(group);
  auto type = builder.getFunctionType(TypeRange(ValueRange(outline.inputs)),
                                      TypeRange(ValueRange(outline.outputs)));
  auto kernel = func::FuncOp::create(builder, loc, name, type);
  kernel.setPrivate();
  kernel->setAttr(FusilliDialect::kKernelAttr, builder.getUnitAttr());
  kernel->setAttr(kKindAttr, builder.getStringAttr(getKindName(group.kind)));
  for (auto [i, isConstant] : llvm::enumerate(outline.isConstant))
    if (isConstant)
      kernel.setArgAttr(i, kConstantAttr, builder.getUnitAttr());
  Block *body = kernel.addEntryBlock();
  IRMapping mapping;
  mapping.map(outline.inputs, body->getArguments());
  builder.setInsertionPointToEnd(body);
  for (Operation *op : outline.ops)
    builder.clone(*op, mapping);
  SmallVector<Value> results;
  for (Value output : outline.outputs)
    results.push_back(mapping.lookup(output));
  func::ReturnOp::create(builder, loc, results);
  return kernel;
}

} // namespace

unsigned outlineKernels(ModuleOp module, func::FuncOp main,
                        ArrayRef<const KernelGroup *> schedule) {
  std::map<KernelKey, func::FuncOp> kernels;
  OpBuilder builder(main.front().getTerminator());
  IRMapping replaced; // values of the old ops to results of dispatches
  SmallVector<std::pair<Value, Value>> replacements;
  ConstantValues constants(main);
  for (const KernelGroup *group : schedule) {
    Outline outline = describe(*group);
    constants.visit(outline);
    KernelKey key = getKey(*group, outline);
    func::FuncOp &kernel = kernels[key];
    if (!kernel)
      kernel = buildKernel(module, *group, outline,
                           "kernel_" + std::to_string(kernels.size() - 1));
    addNodes(kernel, outline);
    SmallVector<Value> inputs;
    for (Value input : outline.inputs)
      inputs.push_back(replaced.lookupOrDefault(skipReshape(input)));
    SmallVector<Type> types =
        llvm::map_to_vector(outline.outputs, getOuterType);
    auto dispatch = DispatchOp::create(
        builder, getKernelLocation(*group), types,
        FlatSymbolRefAttr::get(kernel.getSymNameAttr()), inputs);
    for (auto [old, result] :
         llvm::zip_equal(outline.outputs, dispatch.getOutputs())) {
      replaced.map(old, result);
      replacements.emplace_back(old, result);
    }
  }
  Operation *terminator = main.front().getTerminator();
  for (auto [old, result] : replacements)
    for (Operation *user : llvm::to_vector(old.getUsers()))
      if (user == terminator || isa<ReshapeOp>(user))
        (user == terminator ? old : user->getResult(0))
            .replaceUsesWithIf(result, [&](OpOperand &use) {
              return use.getOwner() == terminator;
            });
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(main.front())))
    if (!isa<DispatchOp, func::ReturnOp>(op) &&
        !(isa<ConstantOp>(op) && !op.use_empty()))
      op.erase();
  return kernels.size();
}

} // namespace fusilli::ir
