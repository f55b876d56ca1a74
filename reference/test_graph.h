// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Builds GraphDef bytes for the tests of the reference, straight from the
// schema, so that they test the reference and nothing else.

#ifndef REFERENCE_TEST_GRAPH_H
#define REFERENCE_TEST_GRAPH_H

#include "reference/evaluator.h"

#include "graph/graph_def.h"
#include "graph/graph_def_generated.h"

#include <bit>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace fusilli::reference {

/// A graph definition in the making. Inputs are added before nodes.
class TestGraph {
public:
  using Dims = std::vector<int64_t>;

  int input(const std::string &name, DataType dtype, const Dims &dims,
            const Dims &strides = {}) {
    ++def.num_inputs;
    return tensor(name, dtype, dims, strides, false);
  }
  int constant(const std::string &name, float value) {
    const int t = input(name, DataType::Float, {1});
    def.tensors.back()->scalar_kind = fbs::ScalarKind::Float;
    def.tensors.back()->scalar_bits = std::bit_cast<uint32_t>(value);
    return t;
  }
  int output(const std::string &name, DataType dtype, const Dims &dims,
             const Dims &strides = {}) {
    return tensor(name, dtype, dims, strides, false);
  }
  int intermediate(const std::string &name, DataType dtype, const Dims &dims) {
    return tensor(name, dtype, dims, {}, true);
  }

  fbs::PointwiseAttrsT &pointwise(PointwiseAttr::Mode mode,
                                  std::vector<int> inputs, int out) {
    fbs::PointwiseAttrsT attrs;
    attrs.mode = static_cast<uint16_t>(mode);
    attrs.elu_alpha = attrs.softplus_beta = attrs.swish_beta = 1.0f;
    attrs.softplus_threshold = 20.0f;
    node(std::move(inputs), out).attrs.Set(std::move(attrs));
    return *def.nodes.back()->attrs.AsPointwiseAttrs();
  }
  void reduction(ReductionAttr::Mode mode, int x, int y) {
    fbs::ReductionAttrsT attrs;
    attrs.mode = static_cast<uint16_t>(mode);
    node({x}, y).attrs.Set(attrs);
  }
  void matmul(int a, int b, int c) {
    node({a, b}, c).attrs.Set(fbs::MatmulAttrsT());
  }
  void conv(int x, int w, int y, const Dims &padding, const Dims &stride,
            const Dims &dilation) {
    convNode<fbs::ConvFPropAttrsT>({x, w}, y, padding, stride, dilation);
  }
  void convDGrad(int dy, int w, int dx, const Dims &padding, const Dims &stride,
                 const Dims &dilation) {
    convNode<fbs::ConvDGradAttrsT>({dy, w}, dx, padding, stride, dilation);
  }
  void convWGrad(int dy, int x, int dw, const Dims &padding, const Dims &stride,
                 const Dims &dilation) {
    convNode<fbs::ConvWGradAttrsT>({dy, x}, dw, padding, stride, dilation);
  }
  fbs::SdpaAttrsT &sdpa(std::vector<int> inputs, int o) {
    node(std::move(inputs), o).attrs.Set(fbs::SdpaAttrsT());
    return *def.nodes.back()->attrs.AsSdpaAttrs();
  }

  /// Slots of inputs and outputs, -1 where empty.
  template <class Attrs>
  void norm(NormFwdPhase phase, std::vector<int> inputs,
            std::vector<int> outputs) {
    Attrs attrs;
    attrs.phase = static_cast<uint8_t>(phase);
    fbs::NodeT &n = node(std::move(inputs), 0);
    n.outputs = std::move(outputs);
    n.attrs.Set(attrs);
  }

  std::vector<uint8_t> bytes() {
    def.version = graph::kGraphDefVersion;
    def.name = "test";
    flatbuffers::FlatBufferBuilder builder;
    fbs::FinishGraphDefBuffer(builder, fbs::GraphDef::Pack(builder, &def));
    return {builder.GetBufferPointer(),
            builder.GetBufferPointer() + builder.GetSize()};
  }

  fbs::GraphDefT def;

private:
  int tensor(const std::string &name, DataType dtype, const Dims &dims,
             const Dims &strides, bool isVirtual) {
    auto t = std::make_unique<fbs::TensorT>();
    t->name = name;
    t->dtype = static_cast<fbs::DType>(dtype);
    t->dims = dims;
    t->strides = strides.empty() ? rowMajorStrides(dims) : strides;
    t->is_virtual = isVirtual;
    def.tensors.push_back(std::move(t));
    return static_cast<int>(def.tensors.size()) - 1;
  }
  template <class Attrs>
  void convNode(std::vector<int> inputs, int out, const Dims &padding,
                const Dims &stride, const Dims &dilation) {
    Attrs attrs;
    attrs.padding = padding;
    attrs.stride = stride;
    attrs.dilation = dilation;
    node(std::move(inputs), out).attrs.Set(std::move(attrs));
  }
  fbs::NodeT &node(std::vector<int> inputs, int out) {
    auto n = std::make_unique<fbs::NodeT>();
    n->name = "node_" + std::to_string(def.nodes.size());
    n->inputs = std::move(inputs);
    n->outputs = {out};
    def.nodes.push_back(std::move(n));
    return *def.nodes.back();
  }
};

/// A tensor with the given values in logical order.
inline Tensor makeTensor(const std::string &name, DataType dtype,
                         const std::vector<int64_t> &dims,
                         const std::vector<double> &values,
                         const std::vector<int64_t> &strides = {}) {
  auto tensor = Tensor::create(
      {name, dtype, dims, strides.empty() ? rowMajorStrides(dims) : strides});
  for (size_t k = 0; k < values.size(); ++k)
    tensor->setValue(static_cast<int64_t>(k), values[k]);
  return std::move(*tensor);
}

/// All logical values.
inline std::vector<double> valuesOf(const Tensor &tensor) {
  std::vector<double> out;
  for (int64_t k = 0; k < tensor.spec().volume(); ++k)
    out.push_back(tensor.value(k));
  return out;
}

} // namespace fusilli::reference

#endif // REFERENCE_TEST_GRAPH_H
