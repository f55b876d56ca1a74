// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Phases by dependency, live ranges by phase, and which outputs may be computed
// in the buffer of an input.
#include "compiler/Driver/HostProgram.h"

#include "compiler/Dialect/Fusilli/IR/DataTypes.h"
#include "compiler/Dialect/Fusilli/IR/Layout.h"
#include "compiler/Dialect/Fusilli/Transforms/FusilliPasses.h"
#include "compiler/Driver/WorkspacePlan.h"

#include "mlir/IR/SymbolTable.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <cstring>

using namespace mlir;

namespace fusilli::compiler {

namespace {

/// Appends the tensor's buffer: each element at its place, gaps as 0.
void appendBuffer(DenseElementsAttr value, std::vector<uint8_t> &bytes) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<int64_t> strides = ir::getLogicalStrides(type);
  ArrayRef<int64_t> shape = type.getShape();
  int64_t size = ir::getElementBytes(type.getElementType());
  bool isBoolean = type.getElementType().isInteger(1);
  auto booleans = value.tryGetValues<bool>();
  const char *raw = value.getRawData().data();
  const size_t begin = bytes.size();
  bytes.resize(begin + size_t(ir::getBufferBytes(type)));
  SmallVector<int64_t> index(shape.size(), 0);
  for (int64_t element = 0; element < type.getNumElements(); ++element) {
    int64_t place = 0;
    for (auto [i, stride] : llvm::zip_equal(index, strides))
      place += i * stride;
    uint8_t *to = bytes.data() + begin + place * size;
    if (isBoolean)
      *to = booleans->begin()[element] ? 1 : 0;
    else
      std::memcpy(to, raw + (value.isSplat() ? 0 : element * size),
                  size_t(size));
    for (size_t i = shape.size(); i-- > 0 && ++index[i] == shape[i];)
      index[i] = 0;
  }
}

class Planner {
public:
  explicit Planner(ModuleOp module)
      : module(module), main(ir::getMain(module)), symbols(module) {}

  HostProgram run() {
    for (Operation &op : main.front())
      if (auto dispatch = dyn_cast<ir::DispatchOp>(op))
        dispatches.push_back(dispatch);
    assignPhases();
    describeArgs();
    planIntermediates();
    for (ir::DispatchOp dispatch : dispatches)
      addDispatch(dispatch);
    return std::move(program);
  }

private:
  void assignPhases() {
    unsigned phase = 0;
    for (ir::DispatchOp dispatch : dispatches) {
      for (Value input : dispatch.getInputs())
        if (auto def = input.getDefiningOp<ir::DispatchOp>())
          if (phases.lookup(def) == phase)
            ++phase;
      phases[dispatch] = phase;
    }
  }

  fbs::ArgT makeArg(RankedTensorType type, Attribute name, fbs::ArgKind kind) {
    fbs::ArgT arg;
    arg.name = cast<StringAttr>(name).str();
    arg.kind = kind;
    arg.dtype = ir::findDataType(type.getElementType())->number; // verified
    arg.dims.assign(type.getShape().begin(), type.getShape().end());
    SmallVector<int64_t> strides = ir::getLogicalStrides(type);
    arg.strides.assign(strides.begin(), strides.end());
    SmallVector<int64_t> shape = ir::getBufferShape(type);
    arg.physical_dims.assign(shape.begin(), shape.end());
    arg.byte_length = ir::getBufferBytes(type);
    return arg;
  }

  void describeArgs() {
    Operation *terminator = main.front().getTerminator();
    unsigned numOutputs = terminator->getNumOperands();
    for (auto [i, value] : llvm::enumerate(terminator->getOperands())) {
      argNumbers[value] = i;
      fbs::ArgT arg =
          makeArg(cast<RankedTensorType>(value.getType()),
                  main.getResultAttr(i, ir::FusilliDialect::kNameAttr),
                  fbs::ArgKind::Output);
      for (BlockArgument input : main.getArguments())
        if (mayComputeInPlace(value, input))
          arg.inplace_inputs.push_back(numOutputs + input.getArgNumber());
      program.args.push_back(std::move(arg));
    }
    for (BlockArgument input : main.getArguments()) {
      unsigned i = input.getArgNumber();
      argNumbers[input] = numOutputs + i;
      program.args.push_back(
          makeArg(cast<RankedTensorType>(input.getType()),
                  main.getArgAttr(i, ir::FusilliDialect::kNameAttr),
                  fbs::ArgKind::Input));
    }
  }

  /// Whether `output` may lie in the very buffer of `input`: both store the
  /// same elements at the same places; the kernel that computes it is
  /// element-wise; every reading of the input there comes before the writing of
  /// the same element, because the element is computed from it; and no kernel
  /// of this or a later phase reads the input.
  bool mayComputeInPlace(Value output, BlockArgument input) {
    auto outType = cast<RankedTensorType>(output.getType());
    auto inType = cast<RankedTensorType>(input.getType());
    if (!ir::isSamePhysicalLayout(outType, inType) ||
        ir::hasBroadcastDims(inType) ||
        ir::getElementBytes(outType.getElementType()) !=
            ir::getElementBytes(inType.getElementType()))
      return false;
    auto writer = output.getDefiningOp<ir::DispatchOp>();
    auto kernel = symbols.lookup<func::FuncOp>(writer.getKernel());
    auto kind = kernel->getAttrOfType<StringAttr>(ir::kKindAttr);
    bool isRows = kind && kind.getValue() == ir::kKindRows;
    if (!kind || (kind.getValue() != ir::kKindPointwise && !isRows))
      return false;
    for (Operation *user : input.getUsers())
      if (user != writer && phases.lookup(user) >= phases.lookup(writer))
        return false;
    unsigned result = cast<OpResult>(output).getResultNumber();
    Value stored = kernel.front().getTerminator()->getOperand(result);
    llvm::SmallPtrSet<Operation *, 16> needed;
    collectProducers(stored.getDefiningOp(), needed);
    for (auto [i, operand] : llvm::enumerate(writer.getInputs())) {
      if (operand != input)
        continue;
      if (isRows && !feedsOnly(kernel.getArgument(i), needed))
        return false;
      for (Operation *reader : kernel.getArgument(i).getUsers())
        if (!needed.contains(reader) ||
            cast<RankedTensorType>(reader->getResult(0).getType()).getShape() !=
                inType.getShape())
          return false;
    }
    return true;
  }

  /// Whether all that is computed from `value` is in `needed`, none of it a
  /// reduction.
  bool feedsOnly(Value value,
                 const llvm::SmallPtrSetImpl<Operation *> &needed) {
    SmallVector<Value> pending = {value};
    while (!pending.empty())
      for (Operation *user : pending.pop_back_val().getUsers()) {
        if (isa<func::ReturnOp>(user))
          continue;
        if (!needed.contains(user) || isa<ir::ReductionOp>(user))
          return false;
        pending.push_back(user->getResult(0));
      }
    return true;
  }

  void collectProducers(Operation *op,
                        llvm::SmallPtrSetImpl<Operation *> &producers) {
    SmallVector<Operation *> pending = {op};
    while (!pending.empty()) {
      Operation *next = pending.pop_back_val();
      if (!next || !producers.insert(next).second)
        continue;
      for (Value operand : next->getOperands())
        pending.push_back(operand.getDefiningOp());
    }
  }

  void planIntermediates() {
    std::vector<LiveRange> ranges;
    SmallVector<Value> values;
    for (ir::DispatchOp dispatch : dispatches)
      for (Value output : dispatch.getOutputs()) {
        if (argNumbers.contains(output))
          continue;
        LiveRange range;
        range.size =
            ir::getBufferBytes(cast<RankedTensorType>(output.getType()));
        range.first = range.last = phases.lookup(dispatch);
        for (Operation *user : output.getUsers())
          range.last = std::max(range.last, phases.lookup(user));
        ranges.push_back(range);
        values.push_back(output);
      }
    WorkspacePlan plan = planWorkspace(ranges);
    program.workspaceSize = plan.size;
    for (auto [value, offset] : llvm::zip_equal(values, plan.offsets))
      offsets[value] = offset;
  }

  /// Offset of a constant among the program's constants.
  uint64_t addConstant(ir::ConstantOp constant) {
    auto [it, isNew] = offsets.try_emplace(constant.getOutput(), 0);
    if (!isNew)
      return it->second;
    std::vector<uint8_t> &bytes = program.constants;
    bytes.resize(llvm::alignTo(bytes.size(), kWorkspaceAlignment));
    it->second = bytes.size();
    appendBuffer(cast<DenseElementsAttr>(constant.getValue()), bytes);
    return it->second;
  }

  fbs::Binding getBinding(Value value) {
    uint64_t length =
        ir::getBufferBytes(cast<RankedTensorType>(value.getType()));
    if (auto constant = value.getDefiningOp<ir::ConstantOp>())
      return fbs::Binding(fbs::BindingKind::Constant, 0, addConstant(constant),
                          length);
    auto it = argNumbers.find(value);
    if (it != argNumbers.end())
      return fbs::Binding(fbs::BindingKind::Argument, it->second, 0, length);
    return fbs::Binding(fbs::BindingKind::Workspace, 0, offsets.lookup(value),
                        length);
  }

  void addDispatch(ir::DispatchOp dispatch) {
    HostProgram::Dispatch entry;
    entry.kernel = dispatch.getKernel().str();
    entry.phase = phases.lookup(dispatch);
    for (Value input : dispatch.getInputs())
      entry.bindings.push_back(getBinding(input));
    for (Value output : dispatch.getOutputs())
      entry.bindings.push_back(getBinding(output));
    program.dispatches.push_back(std::move(entry));
  }

  ModuleOp module;
  func::FuncOp main;
  SymbolTable symbols;
  HostProgram program;
  SmallVector<ir::DispatchOp> dispatches;
  llvm::DenseMap<Operation *, unsigned> phases;
  llvm::DenseMap<Value, unsigned> argNumbers;
  llvm::DenseMap<Value, uint64_t> offsets;
};

} // namespace

HostProgram planHostProgram(ModuleOp module) { return Planner(module).run(); }

} // namespace fusilli::compiler
