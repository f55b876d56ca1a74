// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Strategy `general`: any kernel that the model can read. Each result is
// computed by loops over its positions, one element after the other; reductions
// that it needs are loops in place that apply the whole body in order, so that
// it needs to know nothing of what the body does.

#include "compiler/Codegen/CPU/Emit/Evaluator.h"
#include "compiler/Codegen/CPU/Strategy.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace fusilli::compiler {

namespace {

/// Positions of one workgroup, of some operations each.
constexpr int64_t kWorkgroupOperations = 65536;

/// Evaluates with reductions as loops in place.
class GeneralEmitter {
public:
  GeneralEmitter(const KernelModel &model, ir::ScheduleAttr schedule,
                 KernelBuilder &k)
      : model(model), k(k), e(model, k), schedule(schedule) {}

  LogicalResult run() {
    // The results one after the other, each over its own positions.
    SmallVector<Extent> starts = {0};
    int64_t chunk = schedule.getWorkgroup()[0];
    SmallVector<Extent> counts;
    for (unsigned i = 0; i < model.getNumResults(); ++i) {
      Extent volume = 1;
      for (const Extent &extent : getBinding(i).extents)
        volume = volume * extent;
      counts.push_back(volume);
      starts.push_back(starts.back() + ceilDiv(volume, chunk));
    }
    k.setWorkgroups(starts.back());
    k.loop(k.begin(), k.end(), 1, [&](Value id) {
      for (unsigned i = 0; i < model.getNumResults(); ++i) {
        Value first = k.index(starts[i]);
        auto mine = [&] {
          Value lo = k.mulIndex(k.subIndex(id, first), chunk);
          Value hi = k.minIndex(k.addIndex(lo, chunk), counts[i]);
          k.loop(lo, hi, 1, [&](Value number) { element(i, number); });
        };
        if (model.getNumResults() == 1) {
          mine();
          continue;
        }
        k.ifThen(k.isLess(id, k.index(starts[i + 1])), [&] {
          Value isMine = arith::CmpIOp::create(
              k.builder(), arith::CmpIPredicate::uge, id, first);
          k.ifThen(isMine, mine);
        });
      }
    });
    return failure(failedAny);
  }

private:
  const Binding &getBinding(unsigned result) const {
    return model.getBindings()[model.getResultBinding(result)];
  }

  /// Result `i` at linear position `number`.
  void element(unsigned i, Value number) {
    const Binding &binding = getBinding(i);
    SmallVector<Value> at = k.delinearize(number, binding.extents);
    SmallVector<LoopGroup> loops;
    SmallVector<AffineExpr> position;
    for (auto [j, iv] : llvm::enumerate(at)) {
      LoopGroup group;
      group.dims.push_back(j);
      group.iv = iv;
      loops.push_back(group);
      position.push_back(getAffineDimExpr(j, model.getContext()));
    }
    Space space;
    space.groups.assign(loops.begin(), loops.end());
    AffineMap map = AffineMap::get(at.size(), 0, position, model.getContext());
    FailureOr<Value> v = evaluate(model.getResultValue(i), map, space);
    if (failed(v)) {
      failedAny = true;
      return;
    }
    Value to = k.index(0);
    for (auto [iv, stride] : llvm::zip_equal(at, binding.strides))
      to = k.addIndex(to, k.mulIndex(iv, stride));
    k.store(*v, k.binding(model.getResultBinding(i)), to, 1, 1);
  }

  /// The value of `tensor` at `position`; reductions on the way are computed
  /// first and then known.
  FailureOr<Value> evaluate(Value tensor, AffineMap position, Space space) {
    auto result = dyn_cast<OpResult>(tensor);
    auto op = tensor.getDefiningOp<linalg::GenericOp>();
    if (op && op.getNumReductionLoops())
      return reduce(op, result.getResultNumber(), position, space);
    Operation *def = tensor.getDefiningOp();
    if (def && isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(def))
      return evaluate(def->getOperand(0), getSourcePosition(def, position),
                      space);
    if (!op)
      return e.evaluate(tensor, position, space);
    AffineMap loops = model.getLoopsAt(op, position);
    if (!loops || op->getNumResults() != 1)
      return op.emitOpError("has results that no strategy computes");
    FailureOr<SmallVector<Value>> args = inputs(op, loops, space);
    if (failed(args))
      return failure();
    args->push_back(Value());
    if (readsInit(op)) {
      FailureOr<Value> init = initial(op, 0, position, space);
      if (failed(init))
        return failure();
      args->back() = *init;
    }
    return e.payload(op, *args, {}, loops, &space);
  }

  static bool readsInit(linalg::GenericOp op) {
    return !op.getBody()->getArguments().back().use_empty();
  }

  FailureOr<SmallVector<Value>> inputs(linalg::GenericOp op, AffineMap loops,
                                       Space space) {
    SmallVector<Value> args;
    for (auto [i, input] : llvm::enumerate(op.getInputs())) {
      FailureOr<Value> v =
          evaluate(input, KernelModel::getOperandPosition(op, i, loops), space);
      if (failed(v))
        return failure();
      args.push_back(*v);
    }
    return args;
  }

  FailureOr<Value> initial(linalg::GenericOp op, unsigned number,
                           AffineMap position, Space space) {
    Value init = op.getDpsInits()[number];
    if (auto fill = init.getDefiningOp<linalg::FillOp>()) {
      auto constant = fill.getInputs()[0].getDefiningOp<arith::ConstantOp>();
      if (!constant)
        return op.emitOpError("starts from a value that is no constant");
      return k.constant(constant.getValue());
    }
    if (init.getDefiningOp<tensor::EmptyOp>())
      return op.emitOpError("reads an init that has no value");
    return evaluate(init, position, space);
  }

  FailureOr<Value> reduce(linalg::GenericOp op, unsigned number,
                          AffineMap position, Space space) {
    AffineMap loops = model.getLoopsAt(op, position);
    if (!loops || op->getNumResults() != 1)
      return op.emitOpError("has results that no strategy computes");
    FailureOr<Value> init = initial(op, number, position, space);
    if (failed(init))
      return failure();
    SmallVector<std::pair<unsigned, Extent>> dims; // dim, extent
    ArrayRef<Extent> ranges = model.findStage(op)->extents;
    for (auto [l, expr] : llvm::enumerate(loops.getResults()))
      if (auto d = dyn_cast<AffineDimExpr>(expr))
        if (d.getPosition() >= position.getNumDims())
          dims.push_back({d.getPosition(), ranges[l]});
    std::function<Value(unsigned, Value, Space)> nest =
        [&](unsigned depth, Value acc, Space at) -> Value {
      if (depth == dims.size()) {
        FailureOr<SmallVector<Value>> args = inputs(op, loops, at);
        if (succeeded(args)) {
          args->push_back(acc);
          FailureOr<Value> next = e.payload(op, *args, {}, loops, &at);
          if (succeeded(next))
            return *next;
        }
        failedAny = true;
        return acc;
      }
      return k.loop(k.index(0), k.index(dims[depth].second), 1, {acc},
                    [&](Value iv, ValueRange carried) {
                      Space inner = at;
                      inner.memo.clear();
                      LoopGroup group;
                      group.dims.push_back(dims[depth].first);
                      group.iv = iv;
                      inner.groups.push_back(group);
                      return SmallVector<Value>{
                          nest(depth + 1, carried[0], inner)};
                    })[0];
    };
    Value total = nest(0, *init, space);
    if (failedAny)
      return failure();
    return total;
  }

  const KernelModel &model;
  KernelBuilder &k;
  Evaluator e;
  ir::ScheduleAttr schedule;
  bool failedAny = false;
};

class GeneralStrategy : public Strategy {
public:
  StringRef getName() const override { return "general"; }

  Match match(const KernelModel &model, const TargetInfo &) const override {
    double work = 1;
    for (const Extent &extent : model.getExtents())
      work *= extent.representative();
    double positions = 0;
    for (unsigned i = 0; i < model.getNumResults(); ++i) {
      double volume = 1;
      for (const Extent &x :
           model.getBindings()[model.getResultBinding(i)].extents)
        volume *= x.representative();
      positions += volume;
    }
    work *= model.getCost();
    double perPosition = std::max(1.0, work / std::max(positions, 1.0));
    ScheduleFields fields;
    fields.workgroup = {
        std::max<int64_t>(1, int64_t(kWorkgroupOperations / perPosition))};
    fields.isInline = model.isStatic() && work < kWorkgroupOperations;
    return {fields.build(model.getContext(), getName()), {}};
  }

  LogicalResult emit(const KernelModel &model, ir::ScheduleAttr schedule,
                     KernelBuilder &k) const override {
    if (schedule.getWorkgroup().size() != 1)
      return emitError(model.getFunction().getLoc())
             << "strategy general does not fit: expected one workgroup extent";
    return GeneralEmitter(model, schedule, k).run();
  }
};

} // namespace

const Strategy &getGeneralStrategy() {
  static const GeneralStrategy strategy;
  return strategy;
}

} // namespace fusilli::compiler
