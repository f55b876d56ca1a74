// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// GraphDef bytes: from a graph (canonical), back, and their verification. What
// is read is never trusted: structure first, then every value, then the graph's
// own validation.

#include "graph/graph_access.h"
#include "graph/graph_def.h"
#include "graph/graph_def_check.h"
#include "graph/messages.h"
#include "graph/ops/op.h"

#include "graph/graph_def_generated.h"
#include "support/data_type.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace fusilli {

using detail::GraphAccess;

namespace graph {

namespace {

/// A tensor with more dims than this is refused.
constexpr size_t kMaxRank = 64;

// The public enumeration and the GraphDef's are the list of data types.
#define FUSILLI_CHECK_NUMBER(NAME, NUMBER, BITS, KIND, TEXT)                   \
  static_assert(static_cast<int>(DataType::NAME) == NUMBER &&                  \
                static_cast<int>(fbs::DType::NAME) == NUMBER);
FUSILLI_DATA_TYPE_LIST(FUSILLI_CHECK_NUMBER)
#undef FUSILLI_CHECK_NUMBER
#define FUSILLI_CHECK_TEXT(NAME, TORCH, ASM)                                   \
  static_assert(std::string_view(ASM) ==                                       \
                dtype::find(static_cast<uint8_t>(DataType::NAME))->text);
FUSILLI_FORALL_DATA_TYPES(FUSILLI_CHECK_TEXT)
#undef FUSILLI_CHECK_TEXT
static_assert(std::size(dtype::kAll) == static_cast<size_t>(fbs::DType::MAX));

fbs::DType toFbs(DataType type) { return static_cast<fbs::DType>(type); }

std::vector<uint8_t> pack(const fbs::GraphDefT &def) {
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(fbs::GraphDef::Pack(builder, &def), fbs::GraphDefIdentifier());
  std::span<uint8_t> bytes(builder.GetBufferPointer(), builder.GetSize());
  return {bytes.begin(), bytes.end()};
}

ErrorObject badValue(const std::string &what, const std::string &value) {
  return error(ErrorCode::InvalidArgument,
               message(Msg::GraphDefValue, what, value));
}

ErrorObject missing(const std::string &what) {
  return error(ErrorCode::InvalidArgument, message(Msg::GraphDefMissing, what));
}

//===-- Tensors -----------------------------------------------------------===//

fbs::TensorT encodeTensor(const TensorAttr &tensor) {
  fbs::TensorT def;
  def.name = tensor.getName();
  def.dtype = toFbs(tensor.getDataType());
  def.dims = tensor.getDim();
  def.strides = tensor.getStride();
  for (size_t i : tensor.getDynamicDims())
    def.dynamic_dims.push_back(static_cast<uint32_t>(i));
  def.is_virtual = tensor.isVirtual();
  def.is_constant = tensor.isConstant();
  if (auto value = tensor.getScalarValue()) {
    if (auto *i64 = std::get_if<int64_t>(&*value)) {
      def.scalar_kind = fbs::ScalarKind::Int64;
      def.scalar_bits = std::bit_cast<uint64_t>(*i64);
    } else if (auto *i32 = std::get_if<int32_t>(&*value)) {
      def.scalar_kind = fbs::ScalarKind::Int32;
      def.scalar_bits = std::bit_cast<uint32_t>(*i32);
    } else if (auto *f32 = std::get_if<float>(&*value)) {
      def.scalar_kind = fbs::ScalarKind::Float;
      def.scalar_bits = std::bit_cast<uint32_t>(*f32);
    } else {
      def.scalar_kind = fbs::ScalarKind::Double;
      def.scalar_bits = std::bit_cast<uint64_t>(std::get<double>(*value));
    }
  }
  return def;
}

TensorAttr scalarTensor(fbs::ScalarKind kind, uint64_t bits) {
  uint32_t low = static_cast<uint32_t>(bits);
  switch (kind) {
  case fbs::ScalarKind::Int64:
    return TensorAttr(std::bit_cast<int64_t>(bits));
  case fbs::ScalarKind::Int32:
    return TensorAttr(std::bit_cast<int32_t>(low));
  case fbs::ScalarKind::Float:
    return TensorAttr(std::bit_cast<float>(low));
  case fbs::ScalarKind::Double:
    return TensorAttr(std::bit_cast<double>(bits));
  case fbs::ScalarKind::None:
    break;
  }
  return TensorAttr();
}

ErrorOr<TensorAttr> decodeTensor(const fbs::TensorT &def, bool isInput) {
  const std::string what = "tensor '" + def.name + "'";
  if (def.dtype > fbs::DType::MAX)
    return badValue(what + " data type",
                    messageArg(static_cast<unsigned>(def.dtype)));
  if (def.scalar_kind > fbs::ScalarKind::MAX)
    return badValue(what + " scalar kind",
                    messageArg(static_cast<unsigned>(def.scalar_kind)));
  if (def.dims.size() > kMaxRank || def.strides.size() > kMaxRank)
    return badValue(what + " rank", messageArg(def.dims.size()));
  bool isScalar = def.scalar_kind != fbs::ScalarKind::None;
  if (isScalar && !isInput)
    return badValue(what + " scalar kind", "of an output");
  bool isNarrow = def.scalar_kind == fbs::ScalarKind::Int32 ||
                  def.scalar_kind == fbs::ScalarKind::Float;
  if ((!isScalar && def.scalar_bits != 0) ||
      (isNarrow && def.scalar_bits >> 32 != 0))
    return badValue(what + " scalar", messageArg(def.scalar_bits));
  if (isInput && def.is_virtual)
    return badValue(what + " is_virtual", "true for an input");
  if (!isInput && def.is_constant)
    return badValue(what + " is_constant", "true for an output");

  TensorAttr tensor = scalarTensor(def.scalar_kind, def.scalar_bits);
  tensor.setName(def.name)
      .setDataType(static_cast<DataType>(def.dtype))
      .setDim(def.dims)
      .setStride(def.strides)
      .setIsVirtual(def.is_virtual)
      .setConstant(def.is_constant);
  tensor.setDynamicDims(
      std::vector<size_t>(def.dynamic_dims.begin(), def.dynamic_dims.end()));
  return ok(std::move(tensor));
}

//===-- Nodes -------------------------------------------------------------===//

ErrorOr<OpInstance> encodeNode(const INode &node) {
  for (const OpInfo *info : allOps()) {
    OpInstance op;
    if (info->encode(node, op))
      return ok(std::move(op));
  }
  return error(ErrorCode::NotImplemented,
               message(Msg::GraphForeignNode, node.getName()));
}

/// Turns tensor indices into tensors while the nodes are decoded in order.
class NodeDecoder {
public:
  NodeDecoder(Graph &graph, std::vector<Graph::TensorPtr> tensors,
              size_t numInputs)
      : graph_(graph), tensors_(std::move(tensors)),
        isDefined_(tensors_.size(), false) {
    std::fill_n(isDefined_.begin(), numInputs, true);
  }

  ErrorObject decode(const fbs::NodeT &def) {
    const OpInfo *info = findOp(def.attrs.type);
    if (!info || !def.attrs.value)
      return missing("the operation of node '" + def.name + "'");
    if (def.compute_dtype > fbs::DType::MAX)
      return badValue("node '" + def.name + "' compute type",
                      messageArg(static_cast<unsigned>(def.compute_dtype)));
    if (!info->isVariadic) {
      FUSILLI_CHECK_ERROR(
          checkCount(def, "input", def.inputs.size(), info->inputSlots.size()));
      FUSILLI_CHECK_ERROR(checkCount(def, "output", def.outputs.size(),
                                     info->outputSlots.size()));
    }
    OpInstance op;
    op.name = def.name;
    op.computeDataType = static_cast<DataType>(def.compute_dtype);
    op.attrs = def.attrs;
    for (int32_t index : def.inputs) {
      FUSILLI_ASSIGN_OR_RETURN(Graph::TensorPtr tensor, input(def, index));
      op.inputs.push_back(std::move(tensor));
    }
    for (int32_t index : def.outputs) {
      FUSILLI_ASSIGN_OR_RETURN(Graph::TensorPtr tensor, output(def, index));
      op.outputs.push_back(std::move(tensor));
    }
    FUSILLI_ASSIGN_OR_RETURN(std::shared_ptr<INode> node,
                             info->decode(op, graph_.context));
    GraphAccess::addNode(graph_, std::move(node));
    return ok();
  }

  /// Every tensor that is not a graph input must have been an output.
  ErrorObject finish() const {
    for (size_t i = 0; i < tensors_.size(); ++i)
      FUSILLI_RETURN_ERROR_IF(
          !isDefined_[i], ErrorCode::InvalidArgument,
          message(Msg::GraphDefOutputTwice, tensors_[i]->getName()));
    return ok();
  }

private:
  static ErrorObject checkCount(const fbs::NodeT &def, const char *what,
                                size_t given, size_t expected) {
    FUSILLI_RETURN_ERROR_IF(
        given != expected, ErrorCode::InvalidArgument,
        message(Msg::GraphDefSlotCount, def.name, given, what, expected));
    return ok();
  }

  ErrorOr<Graph::TensorPtr> input(const fbs::NodeT &def, int32_t index) {
    if (index == -1)
      return Graph::TensorPtr();
    FUSILLI_RETURN_ERROR_IF(index < 0 ||
                                static_cast<size_t>(index) >= tensors_.size() ||
                                !isDefined_[static_cast<size_t>(index)],
                            ErrorCode::InvalidArgument,
                            message(Msg::GraphDefTensorIndex, def.name, index));
    return Graph::TensorPtr(tensors_[static_cast<size_t>(index)]);
  }

  ErrorOr<Graph::TensorPtr> output(const fbs::NodeT &def, int32_t index) {
    if (index == -1)
      return Graph::TensorPtr();
    FUSILLI_RETURN_ERROR_IF(index < 0 ||
                                static_cast<size_t>(index) >= tensors_.size(),
                            ErrorCode::InvalidArgument,
                            message(Msg::GraphDefTensorIndex, def.name, index));
    size_t at = static_cast<size_t>(index);
    FUSILLI_RETURN_ERROR_IF(
        isDefined_[at], ErrorCode::InvalidArgument,
        message(Msg::GraphDefOutputTwice, tensors_[at]->getName()));
    isDefined_[at] = true;
    return Graph::TensorPtr(tensors_[at]);
  }

  Graph &graph_; // Borrowed: lives on the caller's stack.
  std::vector<Graph::TensorPtr> tensors_;
  std::vector<bool> isDefined_;
};

} // namespace

//===-- Bytes to graph ----------------------------------------------------===//

ErrorOr<const fbs::GraphDef *> verifyGraphDef(std::span<const uint8_t> bytes) {
  switch (findGraphDefDefect(bytes)) {
  case GraphDefDefect::None:
    return ok(fbs::GetGraphDef(bytes.data()));
  case GraphDefDefect::TooShort:
    return error(ErrorCode::InvalidArgument,
                 message(Msg::GraphDefTooShort, bytes.size()));
  case GraphDefDefect::TooLong:
    return error(
        ErrorCode::InvalidArgument,
        message(Msg::GraphDefTooLong, bytes.size(), kMaxGraphDefBytes));
  case GraphDefDefect::Identifier:
    return error(ErrorCode::InvalidArgument, message(Msg::GraphDefIdentifier));
  case GraphDefDefect::Version:
    return error(ErrorCode::InvalidArgument,
                 message(Msg::GraphDefVersion,
                         fbs::GetGraphDef(bytes.data())->version(),
                         kGraphDefVersion));
  case GraphDefDefect::Corrupt:
    break;
  }
  return error(ErrorCode::InvalidArgument, message(Msg::GraphDefCorrupt));
}

ErrorOr<Graph> decodeGraphDef(std::span<const uint8_t> bytes) {
  // A copy of our own: aligned, and nobody changes it meanwhile.
  std::vector<uint8_t> copy(bytes.begin(), bytes.end());
  FUSILLI_ASSIGN_OR_RETURN(const fbs::GraphDef *view, verifyGraphDef(copy));
  fbs::GraphDefT def;
  view->UnPackTo(&def);

  for (fbs::DType type :
       {def.io_dtype, def.intermediate_dtype, def.compute_dtype})
    if (type > fbs::DType::MAX)
      return badValue("a default data type",
                      messageArg(static_cast<unsigned>(type)));
  if (def.num_inputs > def.tensors.size())
    return badValue("num_inputs", messageArg(def.num_inputs));

  Graph graph;
  graph.setName(def.name)
      .setIODataType(static_cast<DataType>(def.io_dtype))
      .setIntermediateDataType(static_cast<DataType>(def.intermediate_dtype))
      .setComputeDataType(static_cast<DataType>(def.compute_dtype));
  std::vector<Graph::TensorPtr> tensors;
  for (size_t i = 0; i < def.tensors.size(); ++i) {
    bool isInput = i < def.num_inputs;
    FUSILLI_ASSIGN_OR_RETURN(TensorAttr attr,
                             decodeTensor(*def.tensors[i], isInput));
    tensors.push_back(isInput ? GraphAccess::addInput(graph, std::move(attr))
                              : GraphAccess::addOutput(graph, std::move(attr)));
  }
  NodeDecoder decoder(graph, std::move(tensors), def.num_inputs);
  for (const auto &node : def.nodes)
    FUSILLI_CHECK_ERROR(decoder.decode(*node));
  FUSILLI_CHECK_ERROR(decoder.finish());
  return ok(std::move(graph));
}

ErrorOr<std::vector<uint8_t>> graphDefWithName(std::span<const uint8_t> bytes,
                                               const std::string &name) {
  std::vector<uint8_t> copy(bytes.begin(), bytes.end());
  FUSILLI_ASSIGN_OR_RETURN(const fbs::GraphDef *view, verifyGraphDef(copy));
  fbs::GraphDefT def;
  view->UnPackTo(&def);
  def.name = name;
  return ok(pack(def));
}

} // namespace graph

//===-- Graph to bytes ----------------------------------------------------===//

ErrorOr<std::vector<uint8_t>> Graph::serialize() const {
  using namespace graph;
  FUSILLI_RETURN_ERROR_IF(!isValidated_, ErrorCode::NotValidated,
                          message(Msg::GraphNotValidated, getName()));
  fbs::GraphDefT def;
  def.version = kGraphDefVersion;
  def.name = getName();
  def.io_dtype = toFbs(context.getIODataType());
  def.intermediate_dtype = toFbs(context.getIntermediateDataType());
  def.compute_dtype = toFbs(context.getComputeDataType());
  def.num_inputs = static_cast<uint32_t>(sortedInputs_.size());

  std::unordered_map<const TensorAttr *, int32_t> indices;
  auto define = [&](const TensorPtr &tensor) {
    int32_t index = static_cast<int32_t>(def.tensors.size());
    if (indices.try_emplace(tensor.get(), index).second)
      def.tensors.push_back(
          std::make_unique<fbs::TensorT>(encodeTensor(*tensor)));
    return indices.at(tensor.get());
  };
  for (const TensorPtr &input : sortedInputs_)
    define(input);

  for (const std::shared_ptr<INode> &node : subNodes_) {
    FUSILLI_ASSIGN_OR_RETURN(OpInstance op, encodeNode(*node));
    auto entry = std::make_unique<fbs::NodeT>();
    entry->name = op.name;
    entry->compute_dtype = toFbs(op.computeDataType);
    entry->attrs = std::move(op.attrs);
    for (const TensorPtr &input : op.inputs) {
      auto it = indices.find(input.get());
      FUSILLI_RETURN_ERROR_IF(
          input && it == indices.end(), ErrorCode::InvalidArgument,
          message(Msg::GraphForeignTensor, op.name, input->getName()));
      entry->inputs.push_back(input ? it->second : -1);
    }
    for (const TensorPtr &output : op.outputs)
      entry->outputs.push_back(output ? define(output) : -1);
    def.nodes.push_back(std::move(entry));
  }
  return ok(pack(def));
}

ErrorOr<Graph> Graph::deserialize(std::span<const uint8_t> bytes) {
  FUSILLI_ASSIGN_OR_RETURN(Graph graph, graph::decodeGraphDef(bytes));
  FUSILLI_CHECK_ERROR(graph.validate());
  return ok(std::move(graph));
}

} // namespace fusilli
