// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// FlatBuffers' verifier checks each reference on its own. Three things are
// left: elements of 8 bytes may lie unaligned, and many references may lead to
// one place, so that unpacking a megabyte could take all memory. And a union
// may have a kind but no value.

#include "graph/graph_def_check.h"

#include "graph/graph_def.h"
#include "graph/graph_def_generated.h"

namespace fusilli::graph {

namespace {

constexpr uint64_t kTableBytes = 4; // the least that a table takes

/// Adds up what is reached; false for unaligned lists and missing attributes.
class Walk {
public:
  bool run(const fbs::GraphDef &def) {
    add(def.name());
    if (def.tensors())
      for (const fbs::Tensor *tensor : *def.tensors())
        visit(*tensor);
    if (def.nodes())
      for (const fbs::Node *node : *def.nodes())
        visit(*node);
    return isSound_;
  }
  uint64_t bytes() const { return bytes_; }

private:
  void visit(const fbs::Tensor &tensor) {
    bytes_ += kTableBytes;
    add(tensor.name());
    add(tensor.dims());
    add(tensor.strides());
    add(tensor.dynamic_dims());
  }

  void visit(const fbs::Node &node) {
    bytes_ += kTableBytes;
    // The verifier takes a kind without a value, unpacking does not.
    isSound_ &= node.attrs_type() == fbs::OpAttrs::NONE || node.attrs();
    add(node.name());
    add(node.inputs());
    add(node.outputs());
    visitConv(node.attrs_as_ConvFPropAttrs());
    visitConv(node.attrs_as_ConvWGradAttrs());
    visitConv(node.attrs_as_ConvDGradAttrs());
    if (const fbs::CustomOpAttrs *attrs = node.attrs_as_CustomOpAttrs())
      add(attrs->mlir());
  }

  template <typename Attrs> void visitConv(const Attrs *attrs) {
    if (!attrs)
      return;
    add(attrs->padding());
    add(attrs->stride());
    add(attrs->dilation());
  }

  template <typename T> void add(const flatbuffers::Vector<T> *values) {
    if (!values)
      return;
    bytes_ += uint64_t{values->size()} * sizeof(T);
    isSound_ &= reinterpret_cast<uintptr_t>(values->Data()) % sizeof(T) == 0;
  }
  void add(const flatbuffers::String *text) {
    bytes_ += text ? text->size() : 0;
  }

  uint64_t bytes_ = 0;
  bool isSound_ = true;
};

} // namespace

GraphDefDefect findGraphDefDefect(std::span<const uint8_t> bytes) {
  if (bytes.size() < 16)
    return GraphDefDefect::TooShort;
  if (bytes.size() > kMaxGraphDefBytes)
    return GraphDefDefect::TooLong;
  if (!fbs::GraphDefBufferHasIdentifier(bytes.data()))
    return GraphDefDefect::Identifier;
  flatbuffers::Verifier verifier(bytes.data(), bytes.size());
  if (!fbs::VerifyGraphDefBuffer(verifier))
    return GraphDefDefect::Corrupt;
  const fbs::GraphDef &def = *fbs::GetGraphDef(bytes.data());
  Walk walk;
  if (!walk.run(def) || walk.bytes() > bytes.size())
    return GraphDefDefect::Corrupt;
  return isAcceptedGraphDefVersion(def.version()) ? GraphDefDefect::None
                                                  : GraphDefDefect::Version;
}

} // namespace fusilli::graph
