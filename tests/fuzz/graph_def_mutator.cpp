// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The mutator works on the unpacked tables and packs them again.

#include "tests/fuzz/graph_def_mutator.h"

#include "graph/graph_def_check.h"
#include "graph/graph_def_generated.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t maxSize);

namespace fusilli::fuzz {

namespace {

constexpr int64_t kValues[] = {0,
                               1,
                               2,
                               3,
                               4,
                               8,
                               16,
                               64,
                               -1,
                               int64_t{1} << 31,
                               int64_t{1} << 32,
                               int64_t{1} << 40,
                               (int64_t{1} << 46) / 4,
                               int64_t{1} << 62,
                               INT64_MAX,
                               INT64_MIN};

class Mutator {
public:
  Mutator(fbs::GraphDefT &def, unsigned seed) : def_(def), random_(seed) {}

  void run() {
    for (size_t i = 0, n = 1 + below(3); i < n; ++i)
      step();
  }

private:
  size_t below(size_t n) { return n < 2 ? 0 : random_() % n; }

  /// By libFuzzer, which knows what the program compared its input with.
  template <typename T> void mutatePod(T &value) {
    LLVMFuzzerMutate(reinterpret_cast<uint8_t *>(&value), sizeof(value),
                     sizeof(value));
  }
  void mutateText(std::string &text) {
    std::vector<uint8_t> bytes(text.begin(), text.end());
    size_t size = bytes.size();
    bytes.resize(size + 8);
    size = LLVMFuzzerMutate(bytes.data(), size, bytes.size());
    text.assign(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size));
  }
  template <typename Enum> void mutateEnum(Enum &value) {
    if (below(8) == 0)
      mutatePod(value);
    else
      value = static_cast<Enum>(below(static_cast<size_t>(Enum::MAX) + 1));
  }

  template <typename T> void mutateList(std::vector<T> &list) {
    switch (list.empty() ? 0 : below(6)) {
    case 0:
      list.insert(list.begin() + static_cast<ptrdiff_t>(below(list.size() + 1)),
                  static_cast<T>(kValues[below(std::size(kValues))]));
      break;
    case 1:
      list.erase(list.begin() + static_cast<ptrdiff_t>(below(list.size())));
      break;
    case 2:
      std::swap(list[below(list.size())], list[below(list.size())]);
      break;
    case 3:
      mutatePod(list[below(list.size())]);
      break;
    default:
      list[below(list.size())] =
          static_cast<T>(kValues[below(std::size(kValues))]);
    }
  }

  void step() {
    switch (below(8)) {
    case 0:
      return mutateHeader();
    case 1:
    case 2:
    case 3:
      return mutateTensor();
    case 4:
      return addOrRemove();
    default:
      return mutateNode();
    }
  }

  void mutateHeader() {
    switch (below(6)) {
    case 0:
      return mutateText(def_.name);
    case 1:
      return mutatePod(def_.num_inputs);
    case 2:
      return mutateEnum(def_.io_dtype);
    case 3:
      return mutateEnum(def_.intermediate_dtype);
    case 4:
      return mutateEnum(def_.compute_dtype);
    default:
      if (below(16) == 0)
        mutatePod(def_.version);
    }
  }

  void mutateTensor() {
    if (def_.tensors.empty())
      return;
    fbs::TensorT &tensor = *def_.tensors[below(def_.tensors.size())];
    const fbs::TensorT &other = *def_.tensors[below(def_.tensors.size())];
    switch (below(11)) {
    case 0:
      return mutateText(tensor.name);
    case 1:
      return mutateEnum(tensor.dtype);
    case 2:
      return mutateList(tensor.dims);
    case 3:
      return mutateList(tensor.strides);
    case 4:
      return mutateList(tensor.dynamic_dims);
    case 5:
      tensor.is_virtual = !tensor.is_virtual;
      tensor.is_constant = !tensor.is_virtual;
      return;
    case 6:
      return mutateEnum(tensor.scalar_kind);
    case 7:
      return mutatePod(tensor.scalar_bits);
    case 8:
      tensor.dims = other.dims;
      tensor.strides = other.strides;
      return;
    default: // all of a new shape, stored densely
      mutateList(tensor.dims);
      for (int64_t &dim : tensor.dims)
        dim = dim < 1 || dim > 64 ? 1 + int64_t(below(4)) : dim;
      return storeDensely(tensor);
    }
  }

  void storeDensely(fbs::TensorT &tensor) {
    std::vector<size_t> order(tensor.dims.size());
    for (size_t i = 0; i < order.size(); ++i)
      order[i] = order.size() - 1 - i;
    if (below(3) == 0)
      std::shuffle(order.begin(), order.end(), random_);
    tensor.strides.assign(order.size(), 0);
    uint64_t next = 1;
    for (size_t i : order) {
      tensor.strides[i] = static_cast<int64_t>(next);
      next *= static_cast<uint64_t>(tensor.dims[i]);
    }
  }

  void addOrRemove() {
    switch (below(4)) {
    case 0: {
      auto at = def_.tensors.begin() +
                static_cast<ptrdiff_t>(below(def_.tensors.size() + 1));
      auto tensor = def_.tensors.empty()
                        ? std::make_unique<fbs::TensorT>()
                        : std::make_unique<fbs::TensorT>(
                              *def_.tensors[below(def_.tensors.size())]);
      tensor->name += "'";
      def_.tensors.insert(at, std::move(tensor));
      def_.num_inputs += below(2);
      return;
    }
    case 1:
      if (!def_.tensors.empty())
        def_.tensors.pop_back();
      return;
    case 2: { // the same op once more, with an output of its own
      if (def_.nodes.empty() || def_.tensors.empty())
        return;
      auto node =
          std::make_unique<fbs::NodeT>(*def_.nodes[below(def_.nodes.size())]);
      node->name += "'";
      for (int32_t &output : node->outputs) {
        if (output < 0 || size_t(output) >= def_.tensors.size())
          continue;
        auto tensor =
            std::make_unique<fbs::TensorT>(*def_.tensors[size_t(output)]);
        tensor->name += "'";
        output = static_cast<int32_t>(def_.tensors.size());
        def_.tensors.push_back(std::move(tensor));
      }
      def_.nodes.push_back(std::move(node));
      return;
    }
    default:
      if (!def_.nodes.empty())
        def_.nodes.pop_back();
    }
  }

  void mutateEdges(std::vector<int32_t> &edges) {
    if (edges.empty() || below(4) == 0)
      mutateList(edges);
    else
      edges[below(edges.size())] =
          static_cast<int32_t>(below(def_.tensors.size() + 1)) - 1;
  }

  void mutateNode() {
    if (def_.nodes.empty())
      return;
    fbs::NodeT &node = *def_.nodes[below(def_.nodes.size())];
    switch (below(8)) {
    case 0:
      return mutateText(node.name);
    case 1:
      return mutateEnum(node.compute_dtype);
    case 2:
      return mutateEdges(node.inputs);
    case 3:
      return mutateEdges(node.outputs);
    case 4:
      return changeOp(node);
    default:
      return mutateAttrs(node.attrs);
    }
  }

  void changeOp(fbs::NodeT &node) {
    fbs::OpAttrsUnion &attrs = node.attrs;
    switch (below(6)) {
    case 0:
      return attrs.Set(fbs::MatmulAttrsT());
    case 1:
      return attrs.Set(fbs::ReductionAttrsT());
    case 2: {
      fbs::ConvFPropAttrsT conv;
      conv.padding = {0, 0};
      conv.stride = conv.dilation = {1, 1};
      return attrs.Set(std::move(conv));
    }
    case 3:
      return attrs.Set(fbs::SdpaAttrsT());
    case 4:
      return attrs.Set(fbs::LayernormAttrsT());
    default:
      return attrs.Set(fbs::PointwiseAttrsT());
    }
  }

  template <typename Attrs> void mutateConv(Attrs &attrs) {
    mutateList(below(3) == 0   ? attrs.padding
               : below(2) == 0 ? attrs.stride
                               : attrs.dilation);
  }

  void mutateAttrs(fbs::OpAttrsUnion &attrs) {
    if (auto *pointwise = attrs.AsPointwiseAttrs()) {
      if (below(4) != 0)
        pointwise->mode = static_cast<uint16_t>(below(45));
      else
        mutatePod(below(2) == 0 ? pointwise->elu_alpha : pointwise->swish_beta);
    } else if (auto *reduction = attrs.AsReductionAttrs()) {
      reduction->mode = static_cast<uint16_t>(below(12));
    } else if (auto *fprop = attrs.AsConvFPropAttrs()) {
      mutateConv(*fprop);
    } else if (auto *wgrad = attrs.AsConvWGradAttrs()) {
      mutateConv(*wgrad);
    } else if (auto *dgrad = attrs.AsConvDGradAttrs()) {
      mutateConv(*dgrad);
    } else if (auto *batchnorm = attrs.AsBatchnormAttrs()) {
      batchnorm->phase = static_cast<uint8_t>(below(4));
    } else if (auto *layernorm = attrs.AsLayernormAttrs()) {
      layernorm->phase = static_cast<uint8_t>(below(4));
    } else if (auto *rmsnorm = attrs.AsRmsnormAttrs()) {
      rmsnorm->phase = static_cast<uint8_t>(below(4));
    } else if (auto *sdpa = attrs.AsSdpaAttrs()) {
      sdpa->has_scale = below(2) != 0;
      sdpa->enable_gqa = below(2) != 0;
      mutatePod(sdpa->dropout);
    } else if (auto *custom = attrs.AsCustomOpAttrs()) {
      mutateText(custom->mlir);
    }
  }

  fbs::GraphDefT &def_;
  std::minstd_rand random_;
};

} // namespace

size_t mutateGraphDef(uint8_t *data, size_t size, size_t maxSize,
                      unsigned seed) {
  const std::vector<uint8_t> bytes(data, data + size); // aligned
  if (seed % 4 == 0 ||
      graph::findGraphDefDefect(bytes) != graph::GraphDefDefect::None)
    return LLVMFuzzerMutate(data, size, maxSize);
  fbs::GraphDefT def;
  fbs::GetGraphDef(bytes.data())->UnPackTo(&def);
  Mutator(def, seed).run();
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(fbs::GraphDef::Pack(builder, &def), fbs::GraphDefIdentifier());
  if (builder.GetSize() > maxSize)
    return LLVMFuzzerMutate(data, size, maxSize);
  std::memcpy(data, builder.GetBufferPointer(), builder.GetSize());
  return builder.GetSize();
}

} // namespace fusilli::fuzz
