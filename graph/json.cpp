// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The JSON view of GraphDef. One description of the parameters of each op
// serves both directions; tensors and slots go by name. Text comes from people,
// so every access is checked and unknown keys are errors.

#include "graph/graph_def.h"
#include "graph/messages.h"
#include "graph/ops/op.h"

#include "graph/graph_def_generated.h"

#include <nlohmann/json.hpp>

#include <array>
#include <bit>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <map>
#include <unordered_map>
#include <utility>

namespace fusilli::graph {

namespace {

using Json = nlohmann::ordered_json;

ErrorObject badField(const std::string &where, const std::string &expected) {
  return error(ErrorCode::InvalidArgument,
               message(Msg::JsonField, where, expected));
}

ErrorObject unknown(const std::string &what, const std::string &name) {
  return error(ErrorCode::InvalidArgument,
               message(Msg::JsonUnknown, what, name));
}

//===-- Numbers -----------------------------------------------------------===//

/// A float, or its bit pattern where JSON has no number for it.
template <typename T, typename Bits> Json floatToJson(T value) {
  if (std::isfinite(value))
    return static_cast<double>(value);
  return Json{{"bits", std::bit_cast<Bits>(value)}};
}

template <typename T, typename Bits>
ErrorOr<T> floatFromJson(const Json &json, const std::string &where) {
  if (json.is_number())
    return static_cast<T>(json.get<double>());
  if (json.is_object() && json.size() == 1 && json.contains("bits") &&
      json["bits"].is_number_unsigned())
    return std::bit_cast<T>(static_cast<Bits>(json["bits"].get<uint64_t>()));
  return badField(where, "a number");
}

ErrorOr<int64_t> intFromJson(const Json &json, const std::string &where) {
  bool isTooLarge =
      json.is_number_unsigned() &&
      json.get<uint64_t>() >
          static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  if (!json.is_number_integer() || isTooLarge)
    return badField(where, "an integer");
  return json.get<int64_t>();
}

ErrorOr<std::vector<int64_t>> intsFromJson(const Json &json,
                                           const std::string &where) {
  if (!json.is_array())
    return badField(where, "a list of integers");
  std::vector<int64_t> values;
  for (const Json &item : json) {
    FUSILLI_ASSIGN_OR_RETURN(int64_t value, intFromJson(item, where));
    values.push_back(value);
  }
  return ok(std::move(values));
}

//===-- Parameters of the ops ---------------------------------------------===//

/// Writes parameters to JSON.
class AttrWriter {
public:
  Json json = Json::object();

  template <typename Enum, typename T>
  void mode(const char *key, T value,
            const std::unordered_map<Enum, std::string> &names) {
    auto it = names.find(static_cast<Enum>(value));
    if (it != names.end())
      json[key] = it->second;
  }
  void number(const char *key, float value) {
    json[key] = floatToJson<float, uint32_t>(value);
  }
  void flag(const char *key, bool value) { json[key] = value; }
  void list(const char *key, const std::vector<int64_t> &value) {
    json[key] = value;
  }
  void text(const char *key, const std::string &value) { json[key] = value; }
  void scale(const char *key, bool has, float value) {
    if (has)
      number(key, value);
  }
};

/// Reads parameters from JSON; what is missing keeps its value.
class AttrReader {
public:
  AttrReader(const Json &json, std::string where)
      : json_(json), where_(std::move(where)) {}

  template <typename Enum, typename T>
  void mode(const char *key, T &value,
            const std::unordered_map<Enum, std::string> &names) {
    const Json *field = take(key);
    if (!field)
      return;
    if (!field->is_string())
      return fail(badField(where_ + key, "a string"));
    const std::string text = field->get<std::string>();
    for (const auto &[mode, name] : names)
      if (name == text) {
        value = static_cast<T>(mode);
        return;
      }
    fail(unknown(key, text));
  }
  void number(const char *key, float &value) {
    const Json *field = take(key);
    if (!field)
      return;
    auto read = floatFromJson<float, uint32_t>(*field, where_ + key);
    if (isError(read))
      return fail(read);
    value = *read;
  }
  void flag(const char *key, bool &value) {
    const Json *field = take(key);
    if (!field)
      return;
    if (!field->is_boolean())
      return fail(badField(where_ + key, "true or false"));
    value = field->get<bool>();
  }
  void list(const char *key, std::vector<int64_t> &value) {
    const Json *field = take(key);
    if (!field)
      return;
    auto read = intsFromJson(*field, where_ + key);
    if (isError(read))
      return fail(read);
    value = *read;
  }
  void text(const char *key, std::string &value) {
    const Json *field = take(key);
    if (!field)
      return;
    if (!field->is_string())
      return fail(badField(where_ + key, "a string"));
    value = field->get<std::string>();
  }
  void scale(const char *key, bool &has, float &value) {
    has = json_.contains(key);
    number(key, value);
  }

  /// The first error, or an unknown key.
  ErrorObject finish() const {
    FUSILLI_CHECK_ERROR(error_);
    for (const auto &[key, value] : json_.items())
      if (!known_.contains(key))
        return unknown("attribute", key);
    return ok();
  }

private:
  const Json *take(const char *key) {
    known_.insert(key);
    return json_.contains(key) ? &json_[key] : nullptr;
  }
  void fail(ErrorObject error) {
    if (error_.isOk())
      error_ = std::move(error);
  }

  const Json &json_; // Borrowed: outlives this reader on the caller's stack.
  std::string where_;
  std::unordered_set<std::string> known_;
  ErrorObject error_;
};

template <typename Io> void visit(Io &io, fbs::PointwiseAttrsT &attrs) {
  io.mode("mode", attrs.mode, PointwiseAttr::kModeToStr);
  io.number("elu_alpha", attrs.elu_alpha);
  io.number("softplus_beta", attrs.softplus_beta);
  io.number("softplus_threshold", attrs.softplus_threshold);
  io.number("swish_beta", attrs.swish_beta);
}
template <typename Io> void visit(Io &io, fbs::ReductionAttrsT &attrs) {
  io.mode("mode", attrs.mode, ReductionAttr::kModeToStr);
}
template <typename Io> void visit(Io &, fbs::MatmulAttrsT &) {}
template <typename Io, typename T>
  requires(std::is_same_v<T, fbs::ConvFPropAttrsT> ||
           std::is_same_v<T, fbs::ConvWGradAttrsT> ||
           std::is_same_v<T, fbs::ConvDGradAttrsT>)
void visit(Io &io, T &attrs) {
  io.list("padding", attrs.padding);
  io.list("stride", attrs.stride);
  io.list("dilation", attrs.dilation);
}
template <typename Io, typename T>
  requires(std::is_same_v<T, fbs::BatchnormAttrsT> ||
           std::is_same_v<T, fbs::LayernormAttrsT> ||
           std::is_same_v<T, fbs::RmsnormAttrsT>)
void visit(Io &io, T &attrs) {
  io.mode("phase", attrs.phase, kNormFwdPhaseToStr);
}
template <typename Io> void visit(Io &io, fbs::SdpaAttrsT &attrs) {
  io.number("dropout", attrs.dropout);
  io.flag("is_causal", attrs.is_causal);
  io.scale("scale", attrs.has_scale, attrs.scale);
  io.flag("enable_gqa", attrs.enable_gqa);
}
template <typename Io> void visit(Io &io, fbs::CustomOpAttrsT &attrs) {
  io.text("mlir", attrs.mlir);
}

/// Calls `f` on the parameters in `attrs`; false if there are none.
template <typename F> bool withAttrs(fbs::OpAttrsUnion &attrs, F &&f) {
  if (!attrs.value)
    return false;
  switch (attrs.type) {
#define FUSILLI_ATTRS(NAME)                                                    \
  case fbs::OpAttrs::NAME:                                                     \
    f(*attrs.As##NAME());                                                      \
    return true;
    FUSILLI_ATTRS(PointwiseAttrs)
    FUSILLI_ATTRS(ReductionAttrs)
    FUSILLI_ATTRS(MatmulAttrs)
    FUSILLI_ATTRS(ConvFPropAttrs)
    FUSILLI_ATTRS(ConvWGradAttrs)
    FUSILLI_ATTRS(ConvDGradAttrs)
    FUSILLI_ATTRS(BatchnormAttrs)
    FUSILLI_ATTRS(LayernormAttrs)
    FUSILLI_ATTRS(RmsnormAttrs)
    FUSILLI_ATTRS(SdpaAttrs)
    FUSILLI_ATTRS(CustomOpAttrs)
#undef FUSILLI_ATTRS
  case fbs::OpAttrs::NONE:
    break;
  }
  return false;
}

/// Parameters of an op with the defaults of its attribute class.
fbs::OpAttrsUnion defaultAttrs(fbs::OpAttrs type) {
  fbs::OpAttrsUnion attrs;
  switch (type) {
  case fbs::OpAttrs::PointwiseAttrs: {
    PointwiseAttr defaults;
    fbs::PointwiseAttrsT value;
    value.elu_alpha = defaults.getEluAlpha();
    value.softplus_beta = defaults.getSoftplusBeta();
    value.softplus_threshold = defaults.getSoftplusThreshold();
    value.swish_beta = defaults.getSwishBeta();
    attrs.Set(std::move(value));
    break;
  }
#define FUSILLI_ATTRS(NAME)                                                    \
  case fbs::OpAttrs::NAME:                                                     \
    attrs.Set(fbs::NAME##T());                                                 \
    break;
    FUSILLI_ATTRS(ReductionAttrs)
    FUSILLI_ATTRS(MatmulAttrs)
    FUSILLI_ATTRS(ConvFPropAttrs)
    FUSILLI_ATTRS(ConvWGradAttrs)
    FUSILLI_ATTRS(ConvDGradAttrs)
    FUSILLI_ATTRS(BatchnormAttrs)
    FUSILLI_ATTRS(LayernormAttrs)
    FUSILLI_ATTRS(RmsnormAttrs)
    FUSILLI_ATTRS(SdpaAttrs)
    FUSILLI_ATTRS(CustomOpAttrs)
#undef FUSILLI_ATTRS
  case fbs::OpAttrs::NONE:
    break;
  }
  return attrs;
}

//===-- Writing -----------------------------------------------------------===//

void putType(Json &json, const char *key, fbs::DType type) {
  auto it = kDataTypeToMlirTypeAsm.find(static_cast<DataType>(type));
  if (it != kDataTypeToMlirTypeAsm.end())
    json[key] = it->second;
}

Json scalarToJson(const fbs::TensorT &tensor) {
  switch (tensor.scalar_kind) {
  case fbs::ScalarKind::Int64:
    return {{"type", "si64"},
            {"value", std::bit_cast<int64_t>(tensor.scalar_bits)}};
  case fbs::ScalarKind::Int32:
    return {{"type", "si32"},
            {"value", static_cast<int32_t>(tensor.scalar_bits)}};
  case fbs::ScalarKind::Float:
    return {{"type", "f32"},
            {"value", floatToJson<float, uint32_t>(std::bit_cast<float>(
                          static_cast<uint32_t>(tensor.scalar_bits)))}};
  case fbs::ScalarKind::Double:
    return {{"type", "f64"},
            {"value", floatToJson<double, uint64_t>(
                          std::bit_cast<double>(tensor.scalar_bits))}};
  case fbs::ScalarKind::None:
    break;
  }
  return nullptr;
}

Json tensorToJson(const fbs::TensorT &tensor) {
  Json json = {{"name", tensor.name}};
  putType(json, "dtype", tensor.dtype);
  json["dims"] = tensor.dims;
  json["strides"] = tensor.strides;
  if (!tensor.dynamic_dims.empty())
    json["dynamic_dims"] = tensor.dynamic_dims;
  if (tensor.is_virtual)
    json["virtual"] = true;
  if (tensor.is_constant)
    json["constant"] = true;
  if (tensor.scalar_kind != fbs::ScalarKind::None)
    json["scalar"] = scalarToJson(tensor);
  return json;
}

Json nodeToJson(const fbs::GraphDefT &def, fbs::NodeT &node) {
  const OpInfo *info = findOp(node.attrs.type);
  Json json = {{"op", info ? info->name : "unknown"}, {"name", node.name}};
  putType(json, "compute_dtype", node.compute_dtype);
  AttrWriter writer;
  withAttrs(node.attrs, [&](auto &attrs) { visit(writer, attrs); });
  if (!writer.json.empty())
    json["attrs"] = writer.json;
  Json inputs = Json::object();
  Json outputs = Json::object();
  auto tensorAt = [&](int32_t index) -> const fbs::TensorT * {
    bool isValid =
        index >= 0 && static_cast<size_t>(index) < def.tensors.size();
    return isValid ? def.tensors[static_cast<size_t>(index)].get() : nullptr;
  };
  auto isNamed = [&](size_t slot, const std::vector<std::string> &slots) {
    return info && (info->isVariadic || slot < slots.size());
  };
  for (size_t i = 0; i < node.inputs.size(); ++i)
    if (const fbs::TensorT *tensor = tensorAt(node.inputs[i]))
      if (isNamed(i, info ? info->inputSlots : std::vector<std::string>()))
        inputs[info->inputSlot(i)] = tensor->name;
  for (size_t i = 0; i < node.outputs.size(); ++i)
    if (const fbs::TensorT *tensor = tensorAt(node.outputs[i]))
      if (isNamed(i, info ? info->outputSlots : std::vector<std::string>()))
        outputs[info->outputSlot(i)] = tensorToJson(*tensor);
  json["inputs"] = std::move(inputs);
  json["outputs"] = std::move(outputs);
  return json;
}

//===-- Reading -----------------------------------------------------------===//

ErrorObject checkKeys(const Json &json, const std::string &where,
                      std::initializer_list<const char *> keys) {
  if (!json.is_object())
    return badField(where, "an object");
  for (const auto &[key, value] : json.items()) {
    bool isKnown = false;
    for (const char *known : keys)
      isKnown |= key == known;
    if (!isKnown)
      return unknown("key of " + where, key);
  }
  return ok();
}

ErrorObject readText(const Json &json, const char *key, std::string &value,
                     const std::string &where) {
  if (!json.contains(key))
    return ok();
  if (!json[key].is_string())
    return badField(where + " " + key, "a string");
  value = json[key].get<std::string>();
  return ok();
}

ErrorObject readType(const Json &json, const char *key, fbs::DType &type,
                     const std::string &where) {
  std::string text;
  FUSILLI_CHECK_ERROR(readText(json, key, text, where));
  if (!json.contains(key))
    return ok();
  auto it = kMlirTypeAsmToDataType.find(text);
  if (it == kMlirTypeAsmToDataType.end())
    return unknown("data type", text);
  type = static_cast<fbs::DType>(it->second);
  return ok();
}

ErrorObject readScalar(const Json &json, fbs::TensorT &tensor) {
  const std::string where = "scalar of tensor '" + tensor.name + "'";
  FUSILLI_CHECK_ERROR(checkKeys(json, where, {"type", "value"}));
  std::string type;
  FUSILLI_CHECK_ERROR(readText(json, "type", type, where));
  if (!json.contains("value"))
    return badField(where, "an object with a value");
  const Json &value = json["value"];
  if (type == "si64" || type == "si32") {
    FUSILLI_ASSIGN_OR_RETURN(int64_t number, intFromJson(value, where));
    bool isWide = type == "si64";
    if (!isWide && number != static_cast<int32_t>(number))
      return badField(where, "a 32-bit integer");
    tensor.scalar_kind =
        isWide ? fbs::ScalarKind::Int64 : fbs::ScalarKind::Int32;
    tensor.scalar_bits = isWide ? std::bit_cast<uint64_t>(number)
                                : static_cast<uint32_t>(number);
    return ok();
  }
  if (type == "f32") {
    FUSILLI_ASSIGN_OR_RETURN(float number,
                             (floatFromJson<float, uint32_t>(value, where)));
    tensor.scalar_kind = fbs::ScalarKind::Float;
    tensor.scalar_bits = std::bit_cast<uint32_t>(number);
    return ok();
  }
  if (type == "f64") {
    FUSILLI_ASSIGN_OR_RETURN(double number,
                             (floatFromJson<double, uint64_t>(value, where)));
    tensor.scalar_kind = fbs::ScalarKind::Double;
    tensor.scalar_bits = std::bit_cast<uint64_t>(number);
    return ok();
  }
  return unknown("scalar type", type);
}

/// A scalar without its own type, dims or strides takes those of its value.
void completeScalar(fbs::TensorT &tensor) {
  if (tensor.scalar_kind == fbs::ScalarKind::None)
    return;
  static const std::map<fbs::ScalarKind, fbs::DType> kTypes = {
      {fbs::ScalarKind::Int64, fbs::DType::Int64},
      {fbs::ScalarKind::Int32, fbs::DType::Int32},
      {fbs::ScalarKind::Float, fbs::DType::Float},
      {fbs::ScalarKind::Double, fbs::DType::Double}};
  if (tensor.dtype == fbs::DType::NotSet)
    tensor.dtype = kTypes.at(tensor.scalar_kind);
  if (tensor.dims.empty())
    tensor.dims = {1};
}

ErrorOr<fbs::TensorT> tensorFromJson(const Json &json, bool isInput) {
  FUSILLI_CHECK_ERROR(
      checkKeys(json, "a tensor",
                {"name", "dtype", "dims", "strides", "dynamic_dims", "virtual",
                 "constant", "scalar"}));
  fbs::TensorT tensor;
  FUSILLI_CHECK_ERROR(readText(json, "name", tensor.name, "tensor"));
  const std::string where = "tensor '" + tensor.name + "' ";
  FUSILLI_CHECK_ERROR(readType(json, "dtype", tensor.dtype, where));
  if (json.contains("dims")) {
    FUSILLI_ASSIGN_OR_RETURN(tensor.dims,
                             intsFromJson(json["dims"], where + "dims"));
  }
  if (json.contains("strides")) {
    FUSILLI_ASSIGN_OR_RETURN(tensor.strides,
                             intsFromJson(json["strides"], where + "strides"));
  }
  if (json.contains("dynamic_dims")) {
    FUSILLI_ASSIGN_OR_RETURN(
        std::vector<int64_t> dims,
        intsFromJson(json["dynamic_dims"], where + "dynamic_dims"));
    for (int64_t dim : dims) {
      if (dim < 0 || dim > std::numeric_limits<uint32_t>::max())
        return badField(where + "dynamic_dims", "a list of dims");
      tensor.dynamic_dims.push_back(static_cast<uint32_t>(dim));
    }
  }
  if (json.contains("virtual")) {
    if (!json["virtual"].is_boolean())
      return badField(where + "virtual", "true or false");
    tensor.is_virtual = json["virtual"].get<bool>();
  }
  if (json.contains("constant")) {
    if (!json["constant"].is_boolean())
      return badField(where + "constant", "true or false");
    tensor.is_constant = json["constant"].get<bool>();
  }
  if (json.contains("scalar"))
    FUSILLI_CHECK_ERROR(readScalar(json["scalar"], tensor));
  completeScalar(tensor);
  if (isInput && !json.contains("strides"))
    tensor.strides = generateStrideFromDim(
        tensor.dims, getContiguousStrideOrder(tensor.dims.size()));
  return ok(std::move(tensor));
}

/// The index of slot `key` of an op; -1 if it has no such slot.
int slotIndex(const OpInfo &info, bool isInput, const std::string &key,
              size_t count) {
  size_t slots = info.isVariadic ? count
                 : isInput       ? info.inputSlots.size()
                                 : info.outputSlots.size();
  for (size_t i = 0; i < slots; ++i)
    if (key == (isInput ? info.inputSlot(i) : info.outputSlot(i)))
      return static_cast<int>(i);
  return -1;
}

/// Keeps out of memory what no graph has: values are copied recursively, and
/// an object looks up its keys one after the other.
class SizeGuard {
public:
  static constexpr int kMaxDepth = 16;
  static constexpr size_t kMaxKeys = 1024;

  bool allows(int depth, Json::parse_event_t event) {
    using Event = Json::parse_event_t;
    if (event == Event::object_start || event == Event::array_start) {
      if (depth >= kMaxDepth)
        error_ = "the text is nested deeper than 16";
      else
        keys_[static_cast<size_t>(depth) + 1] = 0;
    } else if (event == Event::key && depth <= kMaxDepth &&
               ++keys_[static_cast<size_t>(depth)] > kMaxKeys) {
      error_ = "an object has more than 1024 keys";
    }
    return error_ == nullptr;
  }
  /// Null if all was allowed.
  const char *error() const { return error_; }

private:
  std::array<size_t, kMaxDepth + 1> keys_ = {}; ///< of the open objects
  const char *error_ = nullptr;
};

class GraphReader {
public:
  fbs::GraphDefT def;

  ErrorObject addTensor(const Json &json, bool isInput) {
    FUSILLI_ASSIGN_OR_RETURN(fbs::TensorT tensor,
                             tensorFromJson(json, isInput));
    FUSILLI_RETURN_ERROR_IF(
        !indices_
             .try_emplace(tensor.name, static_cast<int32_t>(def.tensors.size()))
             .second,
        ErrorCode::InvalidAttribute, message(Msg::NameNotUnique, tensor.name));
    def.tensors.push_back(std::make_unique<fbs::TensorT>(std::move(tensor)));
    return ok();
  }

  ErrorObject addNode(const Json &json) {
    FUSILLI_CHECK_ERROR(checkKeys(
        json, "a node",
        {"op", "name", "compute_dtype", "attrs", "inputs", "outputs"}));
    std::string opName;
    FUSILLI_CHECK_ERROR(readText(json, "op", opName, "node"));
    const OpInfo *info = findOp(opName);
    if (!info)
      return unknown("op", opName);
    auto node = std::make_unique<fbs::NodeT>();
    FUSILLI_CHECK_ERROR(readText(json, "name", node->name, "node"));
    if (!json.contains("name"))
      node->name = opName + "_" + std::to_string(def.nodes.size());
    const std::string where = "node '" + node->name + "' ";
    FUSILLI_CHECK_ERROR(
        readType(json, "compute_dtype", node->compute_dtype, where));
    node->attrs = defaultAttrs(info->attrs);
    const Json attrs = json.value("attrs", Json::object());
    if (!attrs.is_object())
      return badField(where + "attrs", "an object");
    AttrReader reader(attrs, where);
    withAttrs(node->attrs, [&](auto &value) { visit(reader, value); });
    FUSILLI_CHECK_ERROR(reader.finish());

    FUSILLI_CHECK_ERROR(addInputs(json, *info, where, *node));
    FUSILLI_CHECK_ERROR(addOutputs(json, *info, where, *node));
    def.nodes.push_back(std::move(node));
    return ok();
  }

private:
  ErrorObject addInputs(const Json &json, const OpInfo &info,
                        const std::string &where, fbs::NodeT &node) {
    const Json slots = json.value("inputs", Json::object());
    if (!slots.is_object())
      return badField(where + "inputs", "an object");
    node.inputs.assign(info.isVariadic ? slots.size() : info.inputSlots.size(),
                       -1);
    for (const auto &[key, value] : slots.items()) {
      int slot = slotIndex(info, /*isInput=*/true, key, slots.size());
      if (slot < 0)
        return unknown("input of " + where, key);
      if (!value.is_string())
        return badField(where + key, "the name of a tensor");
      auto it = indices_.find(value.get<std::string>());
      if (it == indices_.end())
        return unknown("tensor", value.get<std::string>());
      node.inputs[static_cast<size_t>(slot)] = it->second;
    }
    return ok();
  }

  ErrorObject addOutputs(const Json &json, const OpInfo &info,
                         const std::string &where, fbs::NodeT &node) {
    const Json slots = json.value("outputs", Json::object());
    if (!slots.is_object())
      return badField(where + "outputs", "an object");
    node.outputs.assign(
        info.isVariadic ? slots.size() : info.outputSlots.size(), -1);
    for (const auto &[key, value] : slots.items()) {
      int slot = slotIndex(info, /*isInput=*/false, key, slots.size());
      if (slot < 0)
        return unknown("output of " + where, key);
      node.outputs[static_cast<size_t>(slot)] =
          static_cast<int32_t>(def.tensors.size());
      FUSILLI_CHECK_ERROR(addTensor(value, /*isInput=*/false));
    }
    return ok();
  }

  std::unordered_map<std::string, int32_t> indices_;
};

ErrorOr<fbs::GraphDefT> graphFromJson(const Json &json) {
  FUSILLI_CHECK_ERROR(
      checkKeys(json, "the graph",
                {"version", "name", "io_dtype", "intermediate_dtype",
                 "compute_dtype", "inputs", "nodes"}));
  GraphReader reader;
  fbs::GraphDefT &def = reader.def;
  def.version = kGraphDefVersion;
  if (json.contains("version")) {
    FUSILLI_ASSIGN_OR_RETURN(int64_t version,
                             intFromJson(json["version"], "version"));
    FUSILLI_RETURN_ERROR_IF(
        version != kGraphDefVersion, ErrorCode::InvalidArgument,
        message(Msg::GraphDefVersion, version, kGraphDefVersion));
  }
  FUSILLI_CHECK_ERROR(readText(json, "name", def.name, "graph"));
  FUSILLI_CHECK_ERROR(readType(json, "io_dtype", def.io_dtype, "graph"));
  FUSILLI_CHECK_ERROR(
      readType(json, "intermediate_dtype", def.intermediate_dtype, "graph"));
  FUSILLI_CHECK_ERROR(
      readType(json, "compute_dtype", def.compute_dtype, "graph"));
  for (const char *key : {"inputs", "nodes"})
    if (json.contains(key) && !json[key].is_array())
      return badField(key, "a list");
  if (json.contains("inputs"))
    for (const Json &tensor : json["inputs"])
      FUSILLI_CHECK_ERROR(reader.addTensor(tensor, /*isInput=*/true));
  def.num_inputs = static_cast<uint32_t>(def.tensors.size());
  if (json.contains("nodes"))
    for (const Json &node : json["nodes"])
      FUSILLI_CHECK_ERROR(reader.addNode(node));
  return ok(std::move(def));
}

} // namespace

ErrorOr<std::string> graphDefToJson(std::span<const uint8_t> bytes) {
  std::vector<uint8_t> copy(bytes.begin(), bytes.end());
  FUSILLI_ASSIGN_OR_RETURN(const fbs::GraphDef *view, verifyGraphDef(copy));
  fbs::GraphDefT def;
  view->UnPackTo(&def);
  Json json = {{"version", def.version}, {"name", def.name}};
  putType(json, "io_dtype", def.io_dtype);
  putType(json, "intermediate_dtype", def.intermediate_dtype);
  putType(json, "compute_dtype", def.compute_dtype);
  json["inputs"] = Json::array();
  for (size_t i = 0; i < def.num_inputs && i < def.tensors.size(); ++i)
    json["inputs"].push_back(tensorToJson(*def.tensors[i]));
  json["nodes"] = Json::array();
  for (auto &node : def.nodes)
    json["nodes"].push_back(nodeToJson(def, *node));
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

ErrorOr<std::vector<uint8_t>> graphDefFromJson(std::string_view text) {
  SizeGuard guard;
  Json json = Json::parse(
      text,
      [&](int depth, Json::parse_event_t event, Json &) {
        return guard.allows(depth, event);
      },
      /*allow_exceptions=*/false, /*ignore_comments=*/true);
  FUSILLI_RETURN_ERROR_IF(guard.error() != nullptr, ErrorCode::InvalidArgument,
                          message(Msg::JsonSyntax, guard.error()));
  FUSILLI_RETURN_ERROR_IF(json.is_discarded(), ErrorCode::InvalidArgument,
                          message(Msg::JsonSyntax, "the text is no JSON"));
  FUSILLI_ASSIGN_OR_RETURN(fbs::GraphDefT def, graphFromJson(json));
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(fbs::GraphDef::Pack(builder, &def), fbs::GraphDefIdentifier());
  FUSILLI_ASSIGN_OR_RETURN(
      Graph graph,
      Graph::deserialize({builder.GetBufferPointer(), builder.GetSize()}));
  return graph.serialize();
}

} // namespace fusilli::graph
