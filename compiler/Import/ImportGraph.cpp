// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Walks a GraphDef once: tensors become types, graph inputs parameters, scalars
// constants, nodes ops. Nothing is assumed of the bytes beyond what
// findGraphDefDefect has checked.
#include "compiler/Import/ImportGraph.h"

#include "compiler/Dialect/Fusilli/IR/ConstantParameters.h"
#include "compiler/Dialect/Fusilli/IR/DataTypes.h"
#include "compiler/Dialect/Fusilli/IR/Layout.h"
#include "compiler/Import/NodeImport.h"
#include "graph/graph_def.h"
#include "graph/graph_def_check.h"

#include <fusilli/attributes/common.h>

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <bit>

using namespace mlir;

namespace fusilli::compiler {

std::string getTypeText(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

bool NodeImport::expectSlots(size_t numInputs, size_t numOutputs) {
  auto check = [&](StringRef what, size_t expected, size_t given,
                   auto isFilled) {
    if (given != expected)
      return malformed("has " + Twine(given) + " " + what +
                       " slots, expected " + Twine(expected));
    for (size_t i = 0; i < expected; ++i)
      if (!isFilled(i))
        return malformed(what + " " + Twine(i) + " is missing");
    return true;
  };
  return check("input", numInputs, inputs.size(),
               [&](size_t i) { return bool(inputs[i]); }) &&
         check("output", numOutputs, outputs.size(),
               [&](size_t i) { return bool(outputs[i]); });
}

bool NodeImport::getList(const flatbuffers::Vector<int64_t> *list,
                         StringRef name, SmallVectorImpl<int64_t> &values) {
  /// Larger values overflow no extent; no real graph has them.
  constexpr int64_t kMaxListValue = int64_t(1) << 31;
  if (!list)
    return malformed("has no " + name);
  for (int64_t value : *list) {
    if (value < 0 || value > kMaxListValue)
      return malformed(name + " has value " + Twine(value));
    values.push_back(value);
  }
  return true;
}

bool getTrainingPhase(uint8_t phase, NodeImport &node, bool &training) {
  training = phase == uint8_t(NormFwdPhase::TRAINING);
  return training || phase == uint8_t(NormFwdPhase::INFERENCE) ||
         node.malformed("unknown phase " + Twine(phase));
}

bool NodeImport::expectFloatSlots(StringRef inputSlots, StringRef outputSlots) {
  auto check = [&](StringRef what, StringRef expected, const auto &given,
                   auto getType) {
    if (given.size() != expected.size())
      return malformed("has " + Twine(given.size()) + " " + what +
                       " slots, expected " + Twine(expected.size()));
    for (auto [i, slot, value] : llvm::enumerate(expected, given)) {
      if (!value) {
        if (slot == 'x')
          return malformed(what + " " + Twine(i) + " is missing");
        continue;
      }
      if (slot == '-')
        return malformed(what + " " + Twine(i) + " is given, expected none");
      Type element = cast<RankedTensorType>(getType(value)).getElementType();
      if (!isa<FloatType>(element))
        return notImplemented(what + " " + Twine(i) + " of type " +
                              getTypeText(element) + " is not implemented");
    }
    return true;
  };
  return check("input", inputSlots, inputs,
               [](Value value) { return value.getType(); }) &&
         check("output", outputSlots, outputs,
               [](RankedTensorType type) { return type; });
}

namespace {

/// Buffers above this are refused: offsets and products stay far from overflow.
constexpr int64_t kMaxBytes = int64_t(1) << 46;
constexpr size_t kMaxRank = 64;

class GraphImporter {
public:
  GraphImporter(MLIRContext &context, const fbs::GraphDef &graph)
      : builder(&context), graph(graph) {}

  ImportedGraph run() {
    ImportedGraph result;
    OwningOpRef<ModuleOp> module = ModuleOp::create(builder.getUnknownLoc());
    if (importTensorTypes() && findInputs() && createMain(*module) &&
        importNodes() && finishMain())
      result.module = std::move(module);
    result.error = std::move(error);
    return result;
  }

private:
  bool malformed(const Twine &message) {
    error = {ImportError::Kind::Malformed, message.str()};
    return false;
  }
  bool notImplemented(const Twine &message) {
    error = {ImportError::Kind::NotImplemented, message.str()};
    return false;
  }

  size_t numTensors() const {
    return graph.tensors() ? graph.tensors()->size() : 0;
  }
  const fbs::Tensor &tensor(size_t i) const { return *graph.tensors()->Get(i); }
  StringRef nameOf(size_t i) const {
    const flatbuffers::String *name = tensor(i).name();
    return name ? StringRef(name->data(), name->size()) : StringRef();
  }
  bool isScalar(size_t i) const {
    return tensor(i).scalar_kind() != fbs::ScalarKind::None;
  }

  bool importTensorTypes() {
    for (size_t i = 0; i < numTensors(); ++i)
      if (!importTensorType(i))
        return false;
    return true;
  }

  bool importTensorType(size_t i) {
    const fbs::Tensor &t = tensor(i);
    std::string where = ("tensor '" + nameOf(i) + "': ").str();
    if (t.dtype() < fbs::DType::MIN || t.dtype() > fbs::DType::MAX ||
        t.dtype() == fbs::DType::NotSet)
      return malformed(where + "has no data type");
    Type element = ir::getElementType(builder.getContext(), uint8_t(t.dtype()));
    if (!ir::isComputable(element))
      return notImplemented(where + "data type " +
                            fbs::EnumNameDType(t.dtype()) +
                            " is not implemented");
    if (!t.dims() || t.dims()->size() == 0 || !t.strides())
      return malformed(where + "has no dims or no strides");
    if (t.dims()->size() > kMaxRank)
      return malformed(where + "has rank " + Twine(t.dims()->size()) +
                       ", at most " + Twine(kMaxRank) + " are allowed");
    SmallVector<int64_t> dims(t.dims()->begin(), t.dims()->end());
    SmallVector<int64_t> strides(t.strides()->begin(), t.strides()->end());
    int64_t bytes = ir::getElementBytes(element);
    for (int64_t dim : dims) {
      if (dim <= 0)
        return notImplemented(where + "has extent " + Twine(dim) +
                              "; empty tensors are not implemented");
      if (dim > kMaxBytes / bytes)
        return malformed(where + "is too large");
      bytes *= dim;
    }
    if (dims.size() != strides.size())
      return malformed(where + "has " + Twine(dims.size()) + " dims and " +
                       Twine(strides.size()) + " strides");
    if (llvm::any_of(strides, [](int64_t stride) { return stride < 0; }))
      return malformed(where + "has negative strides");
    SmallVector<int64_t> dynamic;
    if (!importDynamicDims(t, where, dims, strides, dynamic))
      return false;
    RankedTensorType type = ir::getTensorType(dims, strides, element, dynamic);
    std::optional<int64_t> length = ir::findBufferBytes(type);
    if (!length || *length > kMaxBytes)
      return malformed(where + "is too large");
    types.push_back(type);
    return true;
  }

  bool importDynamicDims(const fbs::Tensor &t, const Twine &where,
                         ArrayRef<int64_t> dims, ArrayRef<int64_t> strides,
                         SmallVectorImpl<int64_t> &dynamic) {
    if (!t.dynamic_dims() || t.dynamic_dims()->size() == 0)
      return true;
    if (t.scalar_kind() != fbs::ScalarKind::None)
      return malformed(where + "a scalar has dynamic dims");
    for (uint32_t dim : *t.dynamic_dims()) {
      if (dim >= dims.size())
        return malformed(where + "dynamic dim " + Twine(dim) +
                         " of a tensor of rank " + Twine(dims.size()));
      if (!dynamic.empty() && dynamic.back() >= int64_t(dim))
        return malformed(where + "dynamic dims are not ascending");
      if (dims[dim] == 1)
        return malformed(where + "dynamic dim " + Twine(dim) +
                         " has the representative extent 1");
      dynamic.push_back(dim);
    }
    for (auto [dim, stride] : llvm::zip_equal(dims, strides))
      if (dim != 1 && stride == 0)
        return malformed(where + "has both dynamic dims and broadcast strides");
    if (!ir::hasValidPhysicalRepresentation(dims, strides))
      return malformed(where + "has dynamic dims and strides that do not store "
                               "its dims densely");
    return true;
  }

  bool findInputs() {
    if (graph.num_inputs() > numTensors())
      return malformed("graph has " + Twine(numTensors()) + " tensors but " +
                       Twine(graph.num_inputs()) + " inputs");
    for (size_t i = 0; i < graph.num_inputs(); ++i)
      if (!isScalar(i))
        inputs.push_back(i);
    llvm::sort(inputs, [&](size_t a, size_t b) {
      return std::pair(nameOf(a), a) < std::pair(nameOf(b), b);
    });
    return true;
  }

  bool createMain(ModuleOp module) {
    SmallVector<Type> inputTypes;
    for (size_t i : inputs)
      inputTypes.push_back(types[i]);
    builder.setInsertionPointToEnd(module.getBody());
    main = func::FuncOp::create(builder, builder.getUnknownLoc(), "main",
                                builder.getFunctionType(inputTypes, {}));
    Block *body = main.addEntryBlock();
    values.resize(numTensors());
    for (auto [position, i] : llvm::enumerate(inputs)) {
      values[i] = body->getArgument(position);
      main.setArgAttr(position, ir::FusilliDialect::kNameAttr,
                      builder.getStringAttr(nameOf(i)));
      if (tensor(i).is_constant() && ir::getDynamicDims(types[i]).empty())
        main.setArgAttr(position, ir::kConstantAttr, builder.getUnitAttr());
    }
    builder.setInsertionPointToEnd(body);
    for (size_t i = 0; i < numTensors(); ++i)
      if (isScalar(i) && !importScalar(i))
        return false;
    return true;
  }

  bool importScalar(size_t i) {
    const fbs::Tensor &t = tensor(i);
    uint64_t bits = t.scalar_bits();
    double asDouble = 0;
    int64_t asInt = 0;
    bool isFloat = false;
    switch (t.scalar_kind()) {
    case fbs::ScalarKind::Int64:
      asInt = int64_t(bits);
      break;
    case fbs::ScalarKind::Int32:
      asInt = int32_t(uint32_t(bits));
      break;
    case fbs::ScalarKind::Float:
      asDouble = std::bit_cast<float>(uint32_t(bits));
      isFloat = true;
      break;
    case fbs::ScalarKind::Double:
      asDouble = std::bit_cast<double>(bits);
      isFloat = true;
      break;
    default:
      return malformed("tensor '" + nameOf(i) + "': unknown kind of scalar");
    }
    Type element = types[i].getElementType();
    DenseElementsAttr value;
    if (auto floatType = dyn_cast<FloatType>(element)) {
      APFloat number(isFloat ? asDouble : double(asInt));
      bool losesInfo = false;
      number.convert(floatType.getFloatSemantics(),
                     APFloat::rmNearestTiesToEven, &losesInfo);
      value = DenseElementsAttr::get(types[i], number);
    } else {
      if (isFloat)
        return malformed("tensor '" + nameOf(i) +
                         "': a floating-point scalar of type " +
                         getTypeText(element));
      APInt number(64, uint64_t(asInt), /*isSigned=*/true);
      value = DenseElementsAttr::get(
          types[i],
          element.isInteger(1)
              ? APInt(1, asInt != 0)
              : number.trunc(std::min(64u, element.getIntOrFloatBitWidth())));
    }
    values[i] = ir::ConstantOp::create(
        builder, NameLoc::get(builder.getStringAttr(nameOf(i))), value,
        StringAttr());
    return true;
  }

  bool importNodes() {
    if (!graph.nodes())
      return true;
    for (const fbs::Node *node : *graph.nodes())
      if (!importNode(*node))
        return false;
    return true;
  }

  bool importNode(const fbs::Node &node) {
    StringAttr name = builder.getStringAttr(
        node.name() ? StringRef(node.name()->data(), node.name()->size())
                    : StringRef());
    NodeImport import{builder, NameLoc::get(name), name, error, {}, {}, {}};
    if (node.inputs())
      for (int32_t i : *node.inputs()) {
        if (i < -1 || i >= int64_t(numTensors()))
          return import.malformed("input tensor " + Twine(i) +
                                  " does not exist");
        if (i >= 0 && !values[i])
          return import.malformed("input tensor '" + nameOf(i) +
                                  "' is not computed before");
        import.inputs.push_back(i < 0 ? Value() : values[i]);
      }
    SmallVector<int32_t> outputs;
    if (node.outputs())
      for (int32_t i : *node.outputs()) {
        if (i < -1 || i >= int64_t(numTensors()))
          return import.malformed("output tensor " + Twine(i) +
                                  " does not exist");
        if (i >= 0 && (values[i] || llvm::is_contained(outputs, i)))
          return import.malformed("output tensor '" + nameOf(i) +
                                  "' is computed twice");
        outputs.push_back(i);
        import.outputs.push_back(i < 0 ? RankedTensorType() : types[i]);
      }
    if (!importAttrs(node, import))
      return false;
    for (auto [i, result] : llvm::zip(outputs, import.results)) {
      if (i < 0)
        continue;
      values[i] = result;
      if (!tensor(i).is_virtual())
        returned.push_back(i);
    }
    return true;
  }

  bool importAttrs(const fbs::Node &node, NodeImport &import) {
    if (!node.attrs())
      return import.malformed("has no attributes");
    switch (node.attrs_type()) {
    case fbs::OpAttrs::PointwiseAttrs:
      return importPointwise(*node.attrs_as_PointwiseAttrs(), import);
    case fbs::OpAttrs::ReductionAttrs:
      return importReduction(*node.attrs_as_ReductionAttrs(), import);
    case fbs::OpAttrs::MatmulAttrs:
      return importMatmul(import);
    case fbs::OpAttrs::ConvFPropAttrs:
      return importConvFProp(*node.attrs_as_ConvFPropAttrs(), import);
    case fbs::OpAttrs::SdpaAttrs:
      return importSdpa(*node.attrs_as_SdpaAttrs(), import);
    case fbs::OpAttrs::CustomOpAttrs:
      return importCustomOp(*node.attrs_as_CustomOpAttrs(), import);
    case fbs::OpAttrs::ConvDGradAttrs:
      return importConvDGrad(*node.attrs_as_ConvDGradAttrs(), import);
    case fbs::OpAttrs::ConvWGradAttrs:
      return importConvWGrad(*node.attrs_as_ConvWGradAttrs(), import);
    case fbs::OpAttrs::BatchnormAttrs:
      return importBatchnorm(*node.attrs_as_BatchnormAttrs(), import);
    case fbs::OpAttrs::LayernormAttrs:
      return importLayernorm(*node.attrs_as_LayernormAttrs(), import);
    case fbs::OpAttrs::RmsnormAttrs:
      return importRmsnorm(*node.attrs_as_RmsnormAttrs(), import);
    default: {
      StringRef type = fbs::EnumNameOpAttrs(node.attrs_type());
      type.consume_back("Attrs");
      if (type.empty())
        return import.malformed("unknown kind of node");
      return import.notImplemented(type + " is not implemented");
    }
    }
  }

  bool finishMain() {
    llvm::sort(returned, [&](size_t a, size_t b) {
      return std::pair(nameOf(a), a) < std::pair(nameOf(b), b);
    });
    SmallVector<Type> resultTypes;
    SmallVector<Value> results;
    for (size_t i : returned) {
      resultTypes.push_back(types[i]);
      results.push_back(values[i]);
    }
    main.setFunctionType(
        builder.getFunctionType(main.getArgumentTypes(), resultTypes));
    for (auto [position, i] : llvm::enumerate(returned))
      main.setResultAttr(position, ir::FusilliDialect::kNameAttr,
                         builder.getStringAttr(nameOf(i)));
    func::ReturnOp::create(builder, builder.getUnknownLoc(), results);
    return true;
  }

  OpBuilder builder;
  const fbs::GraphDef &graph;
  ImportError error;
  SmallVector<RankedTensorType> types; ///< by tensor
  SmallVector<Value> values;           ///< by tensor; null: not computed yet
  SmallVector<size_t> inputs;          ///< parameters, in order
  SmallVector<size_t> returned;        ///< results, in order at the end
  func::FuncOp main;
};

} // namespace

ImportedGraph importGraph(MLIRContext &context, ArrayRef<uint8_t> bytes) {
  auto malformed = [](const Twine &message) {
    ImportedGraph result;
    result.error = {ImportError::Kind::Malformed, message.str()};
    return result;
  };
  std::vector<uint8_t> copy;
  if (reinterpret_cast<uintptr_t>(bytes.data()) % 8 != 0) {
    copy.assign(bytes.begin(), bytes.end());
    bytes = copy;
  }
  switch (graph::findGraphDefDefect({bytes.data(), bytes.size()})) {
  case graph::GraphDefDefect::None:
    return GraphImporter(context, *fbs::GetGraphDef(bytes.data())).run();
  case graph::GraphDefDefect::Corrupt:
    return malformed("damaged GraphDef");
  case graph::GraphDefDefect::Version:
    return malformed("GraphDef of version " +
                     Twine(fbs::GetGraphDef(bytes.data())->version()) +
                     ", expected " + Twine(graph::kGraphDefVersion));
  default:
    return malformed("not a GraphDef");
  }
}

} // namespace fusilli::compiler
