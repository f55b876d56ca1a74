// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Phases by dependency, live ranges by phase, and which outputs may be computed
// in the buffer of an input.
#include "compiler/Driver/HostProgram.h"

#include "compiler/Dialect/Fusilli/IR/ConstantParameters.h"
#include "compiler/Dialect/Fusilli/IR/DataTypes.h"
#include "compiler/Dialect/Fusilli/IR/Layout.h"
#include "compiler/Dialect/Fusilli/Transforms/FusilliPasses.h"
#include "compiler/Driver/WorkspacePlan.h"

#include "mlir/IR/SymbolTable.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/SmallPtrSet.h"
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
    collectSymbols();
    findPrepared();
    assignPhases();
    describeArgs();
    planIntermediates();
    for (ir::DispatchOp dispatch : dispatches)
      addDispatch(dispatch);
    return std::move(program);
  }

private:
  void collectSymbols() {
    auto collect = [&](TypeRange types) {
      for (Type t : types) {
        auto type = cast<RankedTensorType>(t);
        for (int64_t dim : ir::getDynamicDims(type))
          program.symbols.push_back(type.getDimSize(dim));
      }
    };
    collect(main.getArgumentTypes());
    collect(main.getResultTypes());
    llvm::sort(program.symbols);
    program.symbols.erase(llvm::unique(program.symbols), program.symbols.end());
    program.shapes = ShapeProgram(program.symbols);
  }

  /// Number of the symbol with this representative extent.
  unsigned getSymbol(int64_t extent) const {
    return llvm::lower_bound(program.symbols, extent) - program.symbols.begin();
  }

  HostValue getBytes(RankedTensorType type) {
    if (ir::getDynamicDims(type).empty())
      return HostValue::constant(ir::getBufferBytes(type));
    // Dense, without broadcast dims. The static part first.
    int64_t fixed = ir::getElementBytes(type.getElementType());
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      if (!ir::isDynamicDim(type, dim))
        fixed *= type.getDimSize(dim);
    HostValue bytes = HostValue::constant(fixed);
    for (int64_t dim : ir::getDynamicDims(type))
      bytes = program.shapes.multiply(
          bytes, program.shapes.symbol(getSymbol(type.getDimSize(dim))));
    return bytes;
  }

  bool isConstantArg(BlockArgument arg) {
    return ir::isConstantParameter(main, arg.getArgNumber());
  }

  /// Of constants alone, at least one of them an argument, and no output.
  void findPrepared() {
    for (ir::DispatchOp dispatch : dispatches) {
      bool dependsOnArg = false;
      bool isPrepared = llvm::all_of(dispatch.getInputs(), [&](Value input) {
        auto arg = dyn_cast<BlockArgument>(input);
        bool constant = arg && isConstantArg(arg);
        bool computed = prepared.contains(input.getDefiningOp());
        dependsOnArg |= constant || computed;
        return constant || computed || input.getDefiningOp<ir::ConstantOp>();
      });
      for (Operation *user : dispatch->getUsers())
        isPrepared &= isa<ir::DispatchOp>(user);
      if (isPrepared && dependsOnArg)
        prepared.insert(dispatch);
    }
  }

  /// A phase ends where a result of it is needed; what is prepared is there
  /// before the first phase of a call.
  void assignPhases() {
    unsigned callPhase = 0, preparePhase = 0;
    for (ir::DispatchOp dispatch : dispatches) {
      bool isPrepared = prepared.contains(dispatch);
      unsigned &phase = isPrepared ? preparePhase : callPhase;
      for (Value input : dispatch.getInputs())
        if (auto def = input.getDefiningOp<ir::DispatchOp>())
          if (prepared.contains(def) == isPrepared &&
              phases.lookup(def) == phase)
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
    if (!ir::getDynamicDims(type).empty())
      for (int64_t dim : ir::getLogicalToPhysicalOrder(type))
        arg.dim_symbols.push_back(ir::isDynamicDim(type, dim)
                                      ? int32_t(getSymbol(type.getDimSize(dim)))
                                      : -1);
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
      program.args.back().is_constant = isConstantArg(input);
    }
  }

  /// Whether `output` may lie in the very buffer of `input`: both store the
  /// same elements at the same places; the kernel that computes it is
  /// element-wise; every reading of the input there comes before the writing of
  /// the same element, because the element is computed from it; and no kernel
  /// of this or a later phase reads the input.
  bool mayComputeInPlace(Value output, BlockArgument input) {
    if (isConstantArg(input))
      return false;
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
    program.workspaceSize = placeResults(/*ofPrepared=*/false);
    program.preparedSize = placeResults(/*ofPrepared=*/true).representative;
  }

  /// Places the results of the dispatches that are or are not prepared in one
  /// memory; gives its size.
  HostValue placeResults(bool ofPrepared) {
    std::vector<LiveRange> ranges;
    SmallVector<Value> values;
    SmallVector<HostValue> sizes;
    for (ir::DispatchOp dispatch : dispatches) {
      if (prepared.contains(dispatch) != ofPrepared)
        continue;
      for (Value output : dispatch.getOutputs()) {
        if (argNumbers.contains(output))
          continue;
        LiveRange range;
        HostValue size = getBytes(cast<RankedTensorType>(output.getType()));
        range.size = size.representative;
        sizes.push_back(size);
        range.first = range.last = phases.lookup(dispatch);
        for (Operation *user : output.getUsers())
          range.last = prepared.contains(user) == ofPrepared
                           ? std::max(range.last, phases.lookup(user))
                           : UINT_MAX; // kept for the calls
        ranges.push_back(range);
        values.push_back(output);
      }
    }
    WorkspacePlan plan = planWorkspace(ranges);
    HostValue total;
    SmallVector<HostValue> at = getOffsets(ranges, sizes, plan, total);
    for (auto [value, offset] : llvm::zip_equal(values, at))
      offsets[value] = offset;
    return total;
  }

  /// The planned offsets for any extents: each behind all that the plan put
  /// before it and that live at the same time. `total` becomes their size.
  SmallVector<HostValue> getOffsets(ArrayRef<LiveRange> ranges,
                                    ArrayRef<HostValue> sizes,
                                    const WorkspacePlan &plan,
                                    HostValue &total) {
    ShapeProgram &shapes = program.shapes;
    SmallVector<HostValue> at(ranges.size());
    if (llvm::all_of(sizes, [](HostValue v) { return v.isConstant(); })) {
      for (auto [i, offset] : llvm::enumerate(plan.offsets))
        at[i] = HostValue::constant(offset);
      total = HostValue::constant(plan.size);
      return at;
    }
    auto order = llvm::to_vector(llvm::seq<size_t>(0, ranges.size()));
    llvm::sort(order, [&](size_t a, size_t b) {
      return std::pair(plan.offsets[a], a) < std::pair(plan.offsets[b], b);
    });
    SmallVector<HostValue> ends(ranges.size());
    for (auto [n, i] : llvm::enumerate(order)) {
      for (size_t j : ArrayRef<size_t>(order).take_front(n))
        if (plan.offsets[j] < plan.offsets[i] &&
            ranges[j].first <= ranges[i].last &&
            ranges[i].first <= ranges[j].last)
          at[i] = shapes.max(at[i], ends[j]);
      ends[i] = shapes.add(at[i], shapes.align(sizes[i], kWorkspaceAlignment));
      total = shapes.max(total, ends[i]);
    }
    return at;
  }

  /// Offset of a constant among the program's constants.
  HostValue addConstant(ir::ConstantOp constant) {
    auto [it, isNew] = offsets.try_emplace(constant.getOutput());
    if (!isNew)
      return it->second;
    std::vector<uint8_t> &bytes = program.constants;
    bytes.resize(llvm::alignTo(bytes.size(), kWorkspaceAlignment));
    it->second = HostValue::constant(bytes.size());
    appendBuffer(cast<DenseElementsAttr>(constant.getValue()), bytes);
    return it->second;
  }

  HostBinding getBinding(Value value) {
    HostValue length = getBytes(cast<RankedTensorType>(value.getType()));
    if (auto constant = value.getDefiningOp<ir::ConstantOp>())
      return {fbs::BindingKind::Constant, 0, addConstant(constant), length};
    auto it = argNumbers.find(value);
    if (it != argNumbers.end())
      return {fbs::BindingKind::Argument, it->second, {}, length};
    auto kind = prepared.contains(value.getDefiningOp())
                    ? fbs::BindingKind::Prepared
                    : fbs::BindingKind::Workspace;
    return {kind, 0, offsets.lookup(value), length};
  }

  void addDispatch(ir::DispatchOp dispatch) {
    HostProgram::Dispatch entry;
    entry.kernel = dispatch.getKernel().str();
    entry.phase = phases.lookup(dispatch);
    for (Value input : dispatch.getInputs())
      entry.bindings.push_back(getBinding(input));
    for (Value output : dispatch.getOutputs())
      entry.bindings.push_back(getBinding(output));
    (prepared.contains(dispatch) ? program.prepare : program.dispatches)
        .push_back(std::move(entry));
  }

  ModuleOp module;
  func::FuncOp main;
  SymbolTable symbols;
  HostProgram program;
  SmallVector<ir::DispatchOp> dispatches;
  llvm::SmallPtrSet<Operation *, 8> prepared;
  llvm::DenseMap<Operation *, unsigned> phases;
  llvm::DenseMap<Value, unsigned> argNumbers;
  llvm::DenseMap<Value, HostValue> offsets;
};

} // namespace

HostProgram planHostProgram(ModuleOp module) { return Planner(module).run(); }

} // namespace fusilli::compiler
