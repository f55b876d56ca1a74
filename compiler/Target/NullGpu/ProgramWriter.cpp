// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A value is a tensor and a position, affine in the element's counters; equal
// ones are evaluated once.
#include "compiler/Target/NullGpu/ProgramWriter.h"

#include "artifact/null_gpu_abi.h"
#include "compiler/Dialect/Fusilli/IR/Layout.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/AffineExprVisitor.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

#include <bit>
#include <cstring>
#include <map>

using namespace mlir;
using namespace fusilli::artifact::null_gpu;

namespace fusilli::compiler {

namespace {

constexpr uint32_t kPerWorkgroup = 256;

class ProgramWriter {
public:
  explicit ProgramWriter(func::FuncOp kernel) : kernel_(kernel) {}

  llvm::Expected<NullGpuKernel> run() {
    auto results = kernel_.front().getTerminator()->getOperands();
    auto shape = cast<RankedTensorType>(results.front().getType()).getShape();
    rank_ = shape.size();
    if (shape.size() > kMaxRank)
      return fail("rank " + Twine(shape.size()));
    auto identity =
        AffineMap::getMultiDimIdentityMap(rank_, kernel_.getContext());
    SmallVector<uint32_t> registers;
    for (Value result : results) {
      if (cast<RankedTensorType>(result.getType()).getShape() != shape)
        return fail("results of different shapes");
      std::optional<uint32_t> value = evaluate(result, identity);
      if (!value)
        return fail(defect_);
      registers.push_back(*value);
    }
    // All reads come before the first write: a result may be an input's memory.
    for (auto [i, result] : llvm::enumerate(results)) {
      uint32_t binding = kernel_.getNumArguments() + i;
      add({kStore, binding, registers[i]});
      if (!addPosition(cast<RankedTensorType>(result.getType()), identity))
        return fail(defect_);
    }
    return finish(shape);
  }

private:
  llvm::Error fail(const Twine &what) {
    return llvm::createStringError(
        ("kernel '" + kernel_.getName() + "': " + what +
         " is not implemented on the null-gpu target")
            .str());
  }
  std::nullopt_t refuse(const Twine &what) {
    if (defect_.empty())
      defect_ = what.str();
    return std::nullopt;
  }

  NullGpuKernel finish(ArrayRef<int64_t> shape) {
    NullGpuKernel out;
    Header header{};
    header.words = words_.size();
    header.rank = rank_;
    header.perWorkgroup = kPerWorkgroup;
    header.registers = numRegisters_;
    header.elements = 1;
    for (int64_t extent : shape)
      header.elements *= uint64_t(extent);
    auto append = [&](const void *data, size_t size) {
      const auto *from = static_cast<const uint8_t *>(data);
      out.bytes.insert(out.bytes.end(), from, from + size);
    };
    append(&header, sizeof(header));
    append(shape.data(), shape.size() * sizeof(int64_t));
    append(words_.data(), words_.size() * sizeof(uint32_t));
    out.workgroups = llvm::divideCeil(header.elements, uint64_t(kPerWorkgroup));
    out.flops = header.elements * numOperations_;
    return out;
  }

  void add(std::initializer_list<uint32_t> words) {
    words_.insert(words_.end(), words);
  }
  void addWide(uint64_t value) {
    add({uint32_t(value), uint32_t(value >> 32)});
  }
  uint32_t addValue(std::initializer_list<uint32_t> words) {
    add(words);
    return numRegisters_++;
  }
  uint32_t addConst(uint32_t bits) { return addValue({kConst, bits}); }
  uint32_t addConst(float value) {
    return addConst(std::bit_cast<uint32_t>(value));
  }
  uint32_t addUnary(Unary op, uint32_t a) {
    ++numOperations_;
    return addValue({kUnary, op, a});
  }
  uint32_t addBinary(Binary op, uint32_t a, uint32_t b) {
    ++numOperations_;
    return addValue({kBinary, op, a, b});
  }

  /// Offset and coefficients of the memory at `position`.
  bool addPosition(RankedTensorType type, AffineMap position) {
    SmallVector<int64_t> strides = ir::getLogicalStrides(type);
    int64_t offset = 0;
    SmallVector<int64_t> coefficients(rank_, 0);
    for (auto [stride, expr] :
         llvm::zip_equal(strides, position.getResults())) {
      if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
        offset += stride * constant.getValue();
      } else if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
        coefficients[dim.getPosition()] += stride;
      } else {
        refuse("a position that is no plain dimension");
        return false;
      }
    }
    addWide(offset);
    for (int64_t coefficient : coefficients)
      addWide(coefficient);
    return true;
  }

  std::optional<uint32_t> evaluate(Value tensor, AffineMap position) {
    auto type = dyn_cast<RankedTensorType>(tensor.getType());
    if (!type || !type.hasStaticShape() || !ir::getDynamicDims(type).empty())
      return refuse("a tensor of dynamic shape");
    auto key = std::pair(tensor.getAsOpaquePointer(),
                         const_cast<void *>(position.getAsOpaquePointer()));
    if (auto it = known_.find(key); it != known_.end())
      return it->second;
    std::optional<uint32_t> value;
    if (auto argument = dyn_cast<BlockArgument>(tensor))
      value = load(argument, type, position);
    else if (auto generic = tensor.getDefiningOp<linalg::GenericOp>())
      value = evaluate(generic, cast<OpResult>(tensor), position);
    else if (auto constant = tensor.getDefiningOp<arith::ConstantOp>())
      value = evaluate(constant);
    else
      return refuse("op '" + tensor.getDefiningOp()->getName().getStringRef() +
                    "'");
    if (value)
      known_[key] = *value;
    return value;
  }

  std::optional<uint32_t> load(BlockArgument argument, RankedTensorType type,
                               AffineMap position) {
    if (!type.getElementType().isF32())
      return refuse("an operand that is not f32");
    uint32_t value = addValue({kLoad, argument.getArgNumber()});
    return addPosition(type, position) ? std::optional(value) : std::nullopt;
  }

  std::optional<uint32_t> evaluate(arith::ConstantOp constant) {
    Attribute value = constant.getValue();
    if (auto splat = dyn_cast<SplatElementsAttr>(value))
      value = splat.getSplatValue<Attribute>();
    if (auto number = dyn_cast<FloatAttr>(value);
        number && number.getType().isF32())
      return addConst(number.getValue().convertToFloat());
    if (auto number = dyn_cast<IntegerAttr>(value);
        number && number.getType().isInteger(1))
      return addConst(uint32_t(number.getValue().getZExtValue()));
    return refuse("a constant that is not f32");
  }

  std::optional<uint32_t> evaluate(linalg::GenericOp op, OpResult result,
                                   AffineMap position) {
    if (op.getNumLoops() != op.getNumParallelLoops())
      return refuse("a reduction or a product");
    AffineMap out = op.getIndexingMapMatchingResult(result);
    if (!out.isPermutation())
      return refuse("a result that is no permutation of its loops");
    AffineMap loops = inversePermutation(out).compose(position);
    llvm::DenseMap<Value, uint32_t> scalars;
    Block *body = op.getBody();
    for (OpOperand *input : op.getDpsInputOperands()) {
      BlockArgument argument = body->getArgument(input->getOperandNumber());
      if (argument.use_empty())
        continue;
      std::optional<uint32_t> value = evaluate(
          input->get(), op.getMatchingIndexingMap(input).compose(loops));
      if (!value)
        return std::nullopt;
      scalars[argument] = *value;
    }
    for (Operation &scalar : body->without_terminator()) {
      for (Value operand : scalar.getOperands())
        if (!scalars.contains(operand))
          return refuse("a body that reads its output or an outer value");
      std::optional<uint32_t> value = evaluateScalar(&scalar, scalars);
      if (!value)
        return std::nullopt;
      scalars[scalar.getResult(0)] = *value;
    }
    Value yielded = body->getTerminator()->getOperand(result.getResultNumber());
    if (!yielded.getType().isF32())
      return refuse("a result that is not f32");
    if (!scalars.contains(yielded))
      return refuse("a body that yields its output");
    return scalars.lookup(yielded);
  }

  std::optional<uint32_t>
  evaluateScalar(Operation *op,
                 const llvm::DenseMap<Value, uint32_t> &scalars) {
    auto in = [&](unsigned i) { return scalars.lookup(op->getOperand(i)); };
    auto unary = [&](Unary code) -> std::optional<uint32_t> {
      return addUnary(code, in(0));
    };
    auto binary = [&](Binary code) -> std::optional<uint32_t> {
      return addBinary(code, in(0), in(1));
    };
    for (Type type : op->getOperandTypes())
      if (!type.isF32() && !type.isInteger(1))
        return refuse("op '" + op->getName().getStringRef() + "' on " +
                      getText(type));
    using Result = std::optional<uint32_t>;
    return llvm::TypeSwitch<Operation *, Result>(op)
        .Case([&](arith::ConstantOp c) { return evaluate(c); })
        .Case([&](arith::AddFOp) { return binary(kAdd); })
        .Case([&](arith::SubFOp) { return binary(kSub); })
        .Case([&](arith::MulFOp) { return binary(kMul); })
        .Case([&](arith::DivFOp) { return binary(kDiv); })
        .Case([&](arith::MaximumFOp) { return binary(kMaximum); })
        .Case([&](arith::MinimumFOp) { return binary(kMinimum); })
        .Case([&](arith::MaxNumFOp) { return binary(kMaxnum); })
        .Case([&](arith::MinNumFOp) { return binary(kMinnum); })
        .Case([&](math::PowFOp) { return binary(kPow); })
        .Case([&](arith::AndIOp) { return binary(kAnd); })
        .Case([&](arith::OrIOp) { return binary(kOr); })
        .Case([&](arith::XOrIOp) { return binary(kXor); })
        .Case([&](arith::NegFOp) { return unary(kNeg); })
        .Case([&](math::AbsFOp) { return unary(kAbs); })
        .Case([&](math::ExpOp) { return unary(kExp); })
        .Case([&](math::ExpM1Op) { return unary(kExpm1); })
        .Case([&](math::LogOp) { return unary(kLog); })
        .Case([&](math::Log1pOp) { return unary(kLog1p); })
        .Case([&](math::SqrtOp) { return unary(kSqrt); })
        .Case([&](math::RsqrtOp) { return unary(kRsqrt); })
        .Case([&](math::TanhOp) { return unary(kTanh); })
        .Case([&](math::ErfOp) { return unary(kErf); })
        .Case([&](math::SinOp) { return unary(kSin); })
        .Case([&](math::CosOp) { return unary(kCos); })
        .Case([&](math::TanOp) { return unary(kTan); })
        .Case([&](math::FloorOp) { return unary(kFloor); })
        .Case([&](math::CeilOp) { return unary(kCeil); })
        .Case([&](math::Exp2Op) -> Result {
          return addBinary(kPow, addConst(2.0f), in(0));
        })
        .Case([&](math::FmaOp) -> Result {
          return addBinary(kAdd, addBinary(kMul, in(0), in(1)), in(2));
        })
        .Case([&](arith::SelectOp) -> Result {
          return addValue({kSelect, in(0), in(1), in(2)});
        })
        .Case([&](arith::CmpFOp cmp) -> Result {
          return compare(cmp.getPredicate(), in(0), in(1));
        })
        .Default([&](Operation *) -> Result {
          return refuse("op '" + op->getName().getStringRef() + "'");
        });
  }

  std::optional<uint32_t> compare(arith::CmpFPredicate predicate, uint32_t a,
                                  uint32_t b) {
    auto orUnordered = [&](Binary code) {
      return addBinary(kOr, addBinary(code, a, b), addBinary(kUnordered, a, b));
    };
    switch (predicate) {
    case arith::CmpFPredicate::OEQ:
      return addBinary(kEq, a, b);
    case arith::CmpFPredicate::UNE:
      return addBinary(kNe, a, b);
    case arith::CmpFPredicate::OLT:
      return addBinary(kLt, a, b);
    case arith::CmpFPredicate::OLE:
      return addBinary(kLe, a, b);
    case arith::CmpFPredicate::OGT:
      return addBinary(kGt, a, b);
    case arith::CmpFPredicate::OGE:
      return addBinary(kGe, a, b);
    case arith::CmpFPredicate::ONE:
      return addBinary(kOr, addBinary(kLt, a, b), addBinary(kGt, a, b));
    case arith::CmpFPredicate::UEQ:
      return orUnordered(kEq);
    case arith::CmpFPredicate::ULT:
      return orUnordered(kLt);
    case arith::CmpFPredicate::ULE:
      return orUnordered(kLe);
    case arith::CmpFPredicate::UGT:
      return orUnordered(kGt);
    case arith::CmpFPredicate::UGE:
      return orUnordered(kGe);
    case arith::CmpFPredicate::UNO:
      return addBinary(kUnordered, a, b);
    case arith::CmpFPredicate::ORD:
      return addBinary(kXor, addBinary(kUnordered, a, b), addConst(1u));
    default:
      return refuse("a constant comparison");
    }
  }

  static std::string getText(Type type) {
    std::string text;
    llvm::raw_string_ostream(text) << type;
    return text;
  }

  func::FuncOp kernel_;
  unsigned rank_ = 0;
  std::vector<uint32_t> words_;
  uint32_t numRegisters_ = 0;
  uint64_t numOperations_ = 0;
  std::map<std::pair<void *, void *>, uint32_t> known_;
  std::string defect_;
};

} // namespace

llvm::Expected<NullGpuKernel> writeNullGpuKernel(func::FuncOp kernel) {
  return ProgramWriter(kernel).run();
}

} // namespace fusilli::compiler
