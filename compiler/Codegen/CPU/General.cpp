// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Strategy `general`: any kernel that the model can read. Each result is
// computed by loops over its rows, along the dim of its smallest stride; rows
// are vectors where all that they are computed from can be and no extent is
// symbolic, else scalars. All else that a value needs is computed in place.

#include "compiler/Codegen/CPU/GeneralEvaluator.h"
#include "compiler/Codegen/CPU/Strategy.h"

using namespace mlir;

namespace fusilli::compiler {

namespace {

/// Scalar operations of one workgroup.
constexpr double kWorkgroupOperations = 65536;

/// Results that are computed together: of one op, at the same positions.
struct ResultGroup {
  SmallVector<unsigned, 2> results;
  SmallVector<Extent, 6> extents;
  unsigned row = 0; ///< the dim along which rows lie

  const Extent &rowExtent() const { return extents[row]; }
  Extent rows() const {
    Extent rows = 1;
    for (auto [j, extent] : llvm::enumerate(extents))
      if (j != row)
        rows = rows * extent;
    return rows;
  }
};

const Binding &getBinding(const KernelModel &model, unsigned result) {
  return model.getBindings()[model.getResultBinding(result)];
}

/// Whether both results are of one op, which writes them at the same place.
bool isSamePlace(Value a, Value b) {
  auto op = a.getDefiningOp<linalg::GenericOp>();
  if (!op || op != b.getDefiningOp())
    return false;
  auto mapOf = [&](Value v) {
    return op.getIndexingMapsArray()[op.getNumDpsInputs() +
                                     cast<OpResult>(v).getResultNumber()];
  };
  return mapOf(a) == mapOf(b);
}

std::vector<ResultGroup> groupResults(const KernelModel &model) {
  std::vector<ResultGroup> groups;
  for (unsigned i = 0; i < model.getNumResults(); ++i) {
    const Binding &binding = getBinding(model, i);
    auto it = llvm::find_if(groups, [&](const ResultGroup &g) {
      return isSamePlace(model.getResultValue(g.results.front()),
                         model.getResultValue(i));
    });
    if (it != groups.end()) {
      it->results.push_back(i);
      continue;
    }
    ResultGroup group;
    group.results.push_back(i);
    group.extents = binding.extents;
    for (auto [j, extent] : llvm::enumerate(binding.extents))
      if (!extent.is(1) && (binding.extents[group.row].is(1) ||
                            binding.strides[j].representative() <
                                binding.strides[group.row].representative()))
        group.row = j;
    groups.push_back(std::move(group));
  }
  return groups;
}

AffineMap identityOf(const KernelModel &model, const ResultGroup &group) {
  return AffineMap::getMultiDimIdentityMap(group.extents.size(),
                                           model.getContext());
}

/// Workgroups of a group: blocks of rows, or parts of a long row. Of symbolic
/// extents any number may turn out, so blocks and parts are cut to them.
struct Blocks {
  int64_t rows, part; ///< of one workgroup
  Extent rowBlocks, parts;

  Blocks(const ResultGroup &group, int64_t positions, int64_t lanes) {
    int64_t n = std::max<int64_t>(group.rowExtent().representative(), 1);
    part = std::min(n, int64_t(llvm::alignTo(positions, lanes)));
    rows = n > part ? 1 : std::max<int64_t>(1, positions / n);
    parts = ceilDiv(group.rowExtent(), part);
    rowBlocks = ceilDiv(group.rows(), rows);
  }
  Extent count() const { return rowBlocks * parts; }
};

class GeneralEmitter {
public:
  GeneralEmitter(const KernelModel &model, ir::ScheduleAttr schedule,
                 KernelBuilder &k)
      : model(model), k(k), e(model, k), lanes(schedule.getLanes()),
        positions(schedule.getWorkgroup()[0]) {}

  LogicalResult run() {
    std::vector<ResultGroup> groups = groupResults(model);
    SmallVector<Blocks> blocks;
    SmallVector<Extent> starts = {0};
    for (const ResultGroup &group : groups) {
      blocks.emplace_back(group, positions, lanes);
      starts.push_back(starts.back() + blocks.back().count());
    }
    k.setWorkgroups(starts.back());
    k.loop(k.begin(), k.end(), 1, [&](Value id) {
      for (auto [i, group] : llvm::enumerate(groups)) {
        Value first = k.index(starts[i]);
        auto mine = [&, &own = blocks[i], &g = group] {
          workgroup(g, own, k.subIndex(id, first));
        };
        if (groups.size() == 1) {
          mine();
          continue;
        }
        k.ifThen(k.isLess(id, k.index(starts[i + 1])), [&] {
          k.ifThen(arith::CmpIOp::create(k.builder(), arith::CmpIPredicate::uge,
                                         id, first),
                   mine);
        });
      }
    });
    return failure(anyFailed);
  }

private:
  void workgroup(const ResultGroup &group, const Blocks &blocks, Value id) {
    SmallVector<Value> at = k.delinearize(id, {blocks.rowBlocks, blocks.parts});
    Value firstRow = k.mulIndex(at[0], blocks.rows);
    Value endRow = k.minIndex(k.addIndex(firstRow, blocks.rows), group.rows());
    Value lo = k.mulIndex(at[1], blocks.part);
    Value hi = k.minIndex(k.addIndex(lo, blocks.part), group.rowExtent());
    SmallVector<Extent> outer;
    for (auto [j, extent] : llvm::enumerate(group.extents))
      if (j != group.row)
        outer.push_back(extent);
    k.loop(firstRow, endRow, 1, [&](Value row) {
      SmallVector<Value> ivs = k.delinearize(row, outer);
      ivs.insert(ivs.begin() + group.row, Value());
      if (lanes == 1) {
        k.loop(lo, hi, 1, [&](Value iv) { position(group, ivs, iv, 1, 1); });
        return;
      }
      int64_t n = group.rowExtent().get(), whole = n / lanes * lanes;
      if (whole)
        k.loop(lo, k.minIndex(hi, whole), lanes,
               [&](Value iv) { position(group, ivs, iv, lanes, lanes); });
      if (whole == n)
        return;
      auto tail = [&] {
        position(group, ivs, k.index(whole), lanes, n - whole);
      };
      if (blocks.parts.is(1))
        tail();
      else
        k.ifThen(k.isEqual(hi, k.index(n)), tail);
    });
  }

  /// The results of a group at `iv` of a row, and lanes behind it.
  void position(const ResultGroup &group, SmallVector<Value> ivs, Value iv,
                int64_t vector, int64_t active) {
    ivs[group.row] = iv;
    Space space;
    for (auto [j, at] : llvm::enumerate(ivs)) {
      LoopGroup loop;
      loop.dims.push_back(j);
      loop.extent = group.extents[j];
      loop.iv = at;
      space.groups.push_back(loop);
    }
    if (vector > 1) {
      space.vectorGroup = group.row;
      space.lanes = vector;
      space.activeLanes = active;
    }
    SmallVector<Value> values;
    for (unsigned result : group.results) {
      FailureOr<Value> v = e.evaluate(model.getResultValue(result),
                                      identityOf(model, group), space);
      if (failed(v)) {
        anyFailed = true;
        return;
      }
      values.push_back(e.asVector(*v, space));
    }
    for (auto [result, value] : llvm::zip_equal(group.results, values)) {
      const Binding &binding = getBinding(model, result);
      Value to = k.index(0);
      for (auto [at, stride] : llvm::zip_equal(ivs, binding.strides))
        to = k.addIndex(to, k.mulIndex(at, stride));
      k.store(value, k.binding(model.getResultBinding(result)), to, active,
              binding.strides[group.row]);
    }
  }

  const KernelModel &model;
  KernelBuilder &k;
  GeneralEvaluator e;
  int64_t lanes, positions;
  bool anyFailed = false;
};

class GeneralStrategy : public Strategy {
public:
  StringRef getName() const override { return "general"; }

  Match match(const KernelModel &model,
              const TargetInfo &target) const override {
    std::vector<ResultGroup> groups = groupResults(model);
    bool vectors = model.isStatic();
    double results = 0;
    for (const ResultGroup &group : groups) {
      results += double(group.rows().representative()) *
                 double(group.rowExtent().representative());
      for (unsigned result : group.results)
        vectors = vectors && group.rowExtent().get() > 1 &&
                  GeneralEvaluator::isVectorizable(
                      model, model.getResultValue(result),
                      identityOf(model, group), group.row);
    }
    // Each op as often as its loops run, though some are repeated.
    double work = 0;
    for (const Stage &stage : model.getStages()) {
      auto op = stage.op;
      double volume = 1;
      for (const Extent &extent : stage.extents)
        volume *= double(extent.representative());
      work += volume * std::max<int64_t>(1, getBodyCost(op.getBody()));
    }
    ScheduleFields fields;
    fields.lanes = vectors ? getComputeLanes(model, target) : 1;
    work = std::max(work / fields.lanes, 1.0);
    fields.workgroup = {
        std::max<int64_t>(1, int64_t(kWorkgroupOperations / work * results))};
    fields.isInline = model.isStatic() && work < kWorkgroupOperations / 4;
    if (fields.isInline) // one workgroup
      fields.workgroup = {std::max<int64_t>(1, int64_t(results))};
    return {fields.build(model.getContext(), getName()), {}};
  }

  LogicalResult emit(const KernelModel &model, ir::ScheduleAttr schedule,
                     KernelBuilder &k) const override {
    if (schedule.getWorkgroup().size() != 1 || schedule.getWorkgroup()[0] < 1)
      return emitError(model.getFunction().getLoc())
             << "strategy general does not fit: expected one workgroup extent";
    if (!model.isStatic() && schedule.getLanes() != 1)
      return emitError(model.getFunction().getLoc())
             << "strategy general does not fit: expected one lane where "
                "extents "
                "are symbolic";
    return GeneralEmitter(model, schedule, k).run();
  }
};

} // namespace

const Strategy &getGeneralStrategy() {
  static const GeneralStrategy strategy;
  return strategy;
}

} // namespace fusilli::compiler
