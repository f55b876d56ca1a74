// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention from its definition: S[i,j] = scale <Q_i, K_j> (+ MASK[i,j]), where
// a Boolean mask keeps what is true; with causal, j > i is left out; O_i = sum
// over j of softmax_j(S_i) V_j, zeros where every S[i,j] is -infinity. Query
// head h uses head h / (Hq / Hk) of K and h / (Hq / Hv) of V.
//
// The bound allows what tolerance.h says of products, sums and functions, a
// softmax whose exponentials are taken of partial maxima and rescaled, powers
// of two in place of e, weights rounded to BFloat16 where V is, and weights
// below the normal range taken as zero.

#include "reference/accumulate.h"
#include "reference/value.h"

#include <algorithm>
#include <optional>

namespace fusilli::reference {

namespace {

template <class F> class Attention {
public:
  Attention(const SdpaOp &op, const std::vector<const Value *> &operands)
      : op_(op), mask_(operands.size() > 3 ? operands[3] : nullptr),
        qDims_(operands[0]->dims), kDims_(operands[1]->dims),
        vDims_(operands[2]->dims),
        q_(ContractionOperand::from<F>(*operands[0])),
        k_(ContractionOperand::from<F>(*operands[1])),
        v_(ContractionOperand::from<F>(*operands[2])),
        scoreBound_(*operands[0], *operands[1], q_, k_, qDims_[3]),
        rounding_(operands[2]->dtype == DataType::BFloat16
                      ? formatOf(DataType::BFloat16).unit()
                      : 0.0) {
    scores_.resize(static_cast<size_t>(kDims_[2]));
    const double scale = op.scale
                             ? static_cast<double>(*op.scale)
                             : 1.0 / std::sqrt(static_cast<double>(qDims_[3]));
    scale_ = Approx<F>::constant(scale);
  }

  /// The scores of one row and what its outputs share.
  void beginRow(int64_t batch, int64_t head, int64_t row) {
    const int64_t keys = kDims_[2];
    visible_ = op_.isCausal ? std::min(keys, row + 1) : keys;
    const int64_t kHead = head / (qDims_[1] / kDims_[1]);
    vHead_ = head / (qDims_[1] / vDims_[1]);
    batch_ = batch;
    const int64_t qAt =
        ((batch * qDims_[1] + head) * qDims_[2] + row) * qDims_[3];
    const int64_t kAt = (batch * kDims_[1] + kHead) * keys * kDims_[3];
    max_ = -kInfinity;
    verdict_.reset();
    for (int64_t j = 0; j < visible_; ++j) {
      Approx<F> s = score(qAt, kAt + j * kDims_[3]) * scale_;
      if (mask_)
        s = applyMask(s, batch, head, row, j);
      if (s.isAnything())
        verdict_ = Approx<F>::anything();
      else if (!verdict_ && (std::isnan(s.v) || s.v == kInfinity))
        verdict_ = notANumber();
      scores_[static_cast<size_t>(j)] = s;
      max_ = std::max(max_, s.v);
    }
    if (!verdict_ && max_ == -kInfinity)
      verdict_ = Approx<F>{0.0, 0.0};
    if (!verdict_)
      weigh();
  }

  /// Element `column` of the row that was begun.
  Approx<F> element(int64_t column) const {
    if (verdict_)
      return *verdict_;
    const int64_t keys = kDims_[2], width = vDims_[3];
    const int64_t at = (batch_ * vDims_[1] + vHead_) * keys * width + column;
    double sum = 0.0, magnitude = 0.0, error = 0.0, largest = 0.0;
    bool infinite = false;
    for (int64_t j = 0; j < keys; ++j) {
      const auto v = v_.template at<F>(static_cast<size_t>(at + j * width));
      const double weight =
          j < visible_ ? scores_[static_cast<size_t>(j)].v : 0;
      if (v.isAnything())
        return Approx<F>::anything();
      if (!std::isfinite(v.v)) {
        // A weight of zero, or that may be zero, times infinity.
        if (weight < F::kMinNormal * 0x1p20)
          return Approx<F>::anything();
        infinite = true;
        sum += weight * v.v;
        continue;
      }
      const double upper = std::fabs(v.v) + v.e;
      const double relative =
          j < visible_ ? scores_[static_cast<size_t>(j)].e + rounding_ : 0.0;
      sum += weight * v.v;
      magnitude += weight * upper;
      error += weight * (relative * upper + v.e);
      largest = std::max(largest, upper);
    }
    if (infinite)
      return {sum, 0.0};
    const auto count = static_cast<double>(visible_);
    error += units_ * F::kUnit * (magnitude + error) +
             count * (F::kMinNormal * (1.0 + largest) + F::kTiny);
    // sum / total, both uncertain.
    if (relativeTotal_ >= 0.5)
      return Approx<F>::anything();
    const double value = sum / total_;
    const double e = (error / total_ + std::fabs(value) * relativeTotal_) /
                         (1.0 - relativeTotal_) +
                     4.0 * F::kUnit * std::fabs(value) + 4.0 * F::kTiny;
    return Approx<F>::bounded(value, e);
  }

private:
  static Approx<F> notANumber() {
    return {std::numeric_limits<double>::quiet_NaN(), 0.0};
  }

  /// A subnormal of a bf16 product may be taken as zero.
  Approx<F> mayFlush(Approx<F> x) const {
    if (scoreBound_.flushed != 0.0 && std::fabs(x.v) < F32::kMinNormal)
      x.e += std::fabs(x.v);
    return x;
  }

  Approx<F> score(int64_t q, int64_t k) const {
    const int64_t depth = qDims_[3];
    double v = 0.0, s = 0.0, p = 0.0;
    for (int64_t d = 0; d < depth; ++d) {
      const auto x = q_.template at<F>(static_cast<size_t>(q + d));
      const auto y = k_.template at<F>(static_cast<size_t>(k + d));
      v += x.v * y.v;
      s += std::fabs(x.v * y.v);
      p += (std::fabs(x.v) + x.e) * (std::fabs(y.v) + y.e);
    }
    // Whether a product overflows depends on where the scale is applied.
    if (std::isfinite(p)) {
      const auto sum = scoreBound_.template finish<F>(v, s, p);
      return std::isfinite(sum.v) ? sum : Approx<F>::anything();
    }
    Sum<F> sum;
    for (int64_t d = 0; d < depth; ++d) {
      const auto x = mayFlush(q_.template at<F>(static_cast<size_t>(q + d)));
      const auto y = mayFlush(k_.template at<F>(static_cast<size_t>(k + d)));
      if (std::isfinite(x.v) && std::isfinite(y.v) && !std::isfinite(x.v * y.v))
        return Approx<F>::anything();
      sum.add(fusedProduct(x, y));
    }
    return sum.result(depth);
  }

  Approx<F> applyMask(Approx<F> s, int64_t batch, int64_t head, int64_t row,
                      int64_t key) const {
    const auto &d = mask_->dims;
    const auto pick = [&](size_t i, int64_t at) { return d[i] == 1 ? 0 : at; };
    const int64_t index =
        ((pick(0, batch) * d[1] + pick(1, head)) * d[2] + pick(2, row)) * d[3] +
        pick(3, key);
    const size_t slot = mask_->slot(index);
    if (mask_->dtype == DataType::Boolean) {
      if (mask_->uncertainty(slot) != 0.0)
        return Approx<F>::anything();
      return mask_->i[slot] ? s : Approx<F>{-kInfinity, 0.0};
    }
    return s + mask_->approx<F>(slot);
  }

  /// Scores become weights e^(s - max), their errors relative ones.
  void weigh() {
    units_ = 2.0 * accumulationUnits(visible_);
    const double functions = (kWeightUlps + units_) * F::kUnit;
    double error = 0.0;
    total_ = 0.0;
    for (int64_t j = 0; j < visible_; ++j) {
      Approx<F> &s = scores_[static_cast<size_t>(j)];
      if (s.v == -kInfinity) {
        s = {0.0, 0.0};
        continue;
      }
      const double argument = s.e + kWeightArgumentUlps * F::kUnit *
                                        (std::fabs(s.v) + std::fabs(max_));
      const double weight = std::exp(s.v - max_);
      s = {weight, std::expm1(argument) + functions};
      total_ += s.v;
      error += s.v * s.e;
    }
    relativeTotal_ =
        error / total_ + static_cast<double>(visible_) * F::kMinNormal;
    if (std::isnan(relativeTotal_))
      relativeTotal_ = kInfinity;
  }

  const SdpaOp &op_;
  const Value *mask_;
  const std::vector<int64_t> &qDims_, &kDims_, &vDims_;
  ContractionOperand q_, k_, v_;
  ContractionBound scoreBound_;
  double rounding_; ///< of a weight, for the product alone
  Approx<F> scale_;

  // The row.
  int64_t visible_ = 0, vHead_ = 0, batch_ = 0;
  std::vector<Approx<F>> scores_;
  double max_ = 0.0, total_ = 0.0, relativeTotal_ = 0.0, units_ = 0.0;
  std::optional<Approx<F>> verdict_; ///< of all elements of the row
};

} // namespace

ErrorOr<Value> evaluateSdpa(const NodeDef &node, const TensorSpec &spec,
                            const std::vector<const Value *> &operands,
                            const Demand &demand) {
  const auto &op = std::get<SdpaOp>(node.op);
  bool floats = isFloatType(spec.dtype);
  for (size_t i = 0; i < operands.size(); ++i)
    floats &= operands[i]->isFloat() ||
              (i == 3 && operands[i]->dtype == DataType::Boolean);
  if (!floats)
    return error(ErrorCode::NotImplemented,
                 "node '" + node.name +
                     "': attention is defined for floating-point tensors and "
                     "Boolean masks only");
  if (op.dropout != 0.0f)
    return error(ErrorCode::NotImplemented,
                 "node '" + node.name + "': the reference has no dropout");
  Value out = makeValue(spec, demand);
  const auto compute = [&]<class F>(F) {
    Attention<F> attention(op, operands);
    const int64_t width = spec.dims[3];
    int64_t begun = -1;
    for (size_t slot = 0; slot < out.count(); ++slot) {
      const int64_t index =
          demand.all ? static_cast<int64_t>(slot) : demand.index[slot];
      const int64_t row = index / width;
      if (row != begun)
        attention.beginRow(row / spec.dims[2] / spec.dims[1],
                           row / spec.dims[2] % spec.dims[1],
                           row % spec.dims[2]);
      begun = row;
      put(out, slot, attention.element(index % width));
    }
  };
  if (spec.dtype == DataType::Double)
    compute(F64());
  else
    compute(F32());
  return out;
}

} // namespace fusilli::reference
