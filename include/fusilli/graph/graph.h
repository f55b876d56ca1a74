// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The graph: built op by op, validated, compiled for a backend, and executed.

#ifndef FUSILLI_GRAPH_GRAPH_H
#define FUSILLI_GRAPH_GRAPH_H

#include <fusilli/attributes/batchnorm_attributes.h>
#include <fusilli/attributes/conv_attributes.h>
#include <fusilli/attributes/custom_op_attributes.h>
#include <fusilli/attributes/layernorm_attributes.h>
#include <fusilli/attributes/matmul_attributes.h>
#include <fusilli/attributes/pointwise_attributes.h>
#include <fusilli/attributes/reduction_attributes.h>
#include <fusilli/attributes/rmsnorm_attributes.h>
#include <fusilli/attributes/sdpa_attributes.h>
#include <fusilli/attributes/tensor_attributes.h>
#include <fusilli/attributes/types.h>
#include <fusilli/backend/backend.h>
#include <fusilli/backend/buffer.h>
#include <fusilli/backend/fence.h>
#include <fusilli/backend/handle.h>
#include <fusilli/graph/bound_call.h>
#include <fusilli/graph/context.h>
#include <fusilli/graph/explanation.h>
#include <fusilli/node/batchnorm_node.h>
#include <fusilli/node/conv_node.h>
#include <fusilli/node/custom_op_node.h>
#include <fusilli/node/layernorm_node.h>
#include <fusilli/node/matmul_node.h>
#include <fusilli/node/node.h>
#include <fusilli/node/pointwise_node.h>
#include <fusilli/node/reduction_node.h>
#include <fusilli/node/rmsnorm_node.h>
#include <fusilli/node/sdpa_node.h>
#include <fusilli/support/cache.h>
#include <fusilli/support/export.h>
#include <fusilli/support/logging.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace fusilli {

namespace detail {
class GraphRuntime;
struct GraphAccess;
} // namespace detail

/// A graph of tensor ops.
///
///     Graph graph;
///     graph.setName("add").setIODataType(DataType::Float);
///     auto a = graph.tensor(TensorAttr().setName("a").setDim({4})
///                               .setStride({1}));
///     auto b = graph.tensor(TensorAttr().setName("b").setDim({4})
///                               .setStride({1}));
///     auto attr = PointwiseAttr().setMode(PointwiseAttr::Mode::ADD);
///     auto c = graph.pointwise(a, b, attr);
///     c->setOutput(true);
///     FUSILLI_CHECK_ERROR(graph.validate());
///     FUSILLI_CHECK_ERROR(graph.compile(handle));
///     FUSILLI_CHECK_ERROR(graph.getWorkspaceSize());
///     FUSILLI_CHECK_ERROR(graph.execute(handle, pack, nullptr));
///
/// Thread safety: externally synchronised, with one exception: `execute` may
/// run concurrently with itself once `getWorkspaceSize` was called, with
/// distinct outputs and workspaces. Different graphs are independent.
class FUSILLI_EXPORT Graph : public INode {
public:
  using TensorPtr = std::shared_ptr<TensorAttr>;

  Graph();
  ~Graph() override;
  Graph(const Graph &) = delete;
  Graph &operator=(const Graph &) = delete;
  /// The source is left as an empty graph.
  Graph(Graph &&other) noexcept;
  Graph &operator=(Graph &&other) noexcept;

  //===-- Names and default types -----------------------------------------===//

  /// Sets the name: the folder of the cache, not part of the program.
  Graph &setName(const std::string &name);
  /// Sets the defaults for nodes added from now on; see Context.
  Graph &setIODataType(DataType type);
  Graph &setComputeDataType(DataType type);
  Graph &setIntermediateDataType(DataType type);
  const std::string &getName() const override { return context.getName(); }
  Type getType() const override { return Type::Composite; }

  //===-- Building --------------------------------------------------------===//

  /// A new graph input with the properties of `attr`, or a constant if it is a
  /// scalar. Every input is a parameter of the program, used or not.
  TensorPtr tensor(const TensorAttr &attr);

  // Each of these adds a node and gives its output tensors, which are virtual
  // until `setOutput(true)`. They move from `attr` and never fail; what is
  // wrong is reported by `validate`. A node without a name is called after its
  // op and the number of nodes before it; a tensor without a name after its
  // node and slot.

  /// Y of a forward convolution; see ConvFPropAttr.
  TensorPtr convFProp(const TensorPtr &x, const TensorPtr &w,
                      ConvFPropAttr &attr);
  /// DW of a convolution; see ConvWGradAttr.
  TensorPtr convWGrad(const TensorPtr &dy, const TensorPtr &x,
                      ConvWGradAttr &attr);
  /// DX of a convolution; see ConvDGradAttr.
  TensorPtr convDGrad(const TensorPtr &dy, const TensorPtr &w,
                      ConvDGradAttr &attr);
  /// C = A * B; see MatmulAttr.
  TensorPtr matmul(const TensorPtr &a, const TensorPtr &b, MatmulAttr &attr);
  /// OUT_0 of an elementwise op over one, two or three tensors; see
  /// PointwiseAttr.
  TensorPtr pointwise(const TensorPtr &in, PointwiseAttr &attr);
  TensorPtr pointwise(const TensorPtr &in0, const TensorPtr &in1,
                      PointwiseAttr &attr);
  TensorPtr pointwise(const TensorPtr &in0, const TensorPtr &in1,
                      const TensorPtr &in2, PointwiseAttr &attr);
  /// Y of a reduction; the caller sets its dims. See ReductionAttr.
  TensorPtr reduction(const TensorPtr &x, ReductionAttr &attr);
  /// {Y, SAVED_MEAN, SAVED_INV_VARIANCE}, the last two null unless TRAINING.
  /// `scale`, `bias`, `mean` and `var` may be null; see BatchnormAttr.
  std::array<TensorPtr, 3> batchnorm(const TensorPtr &x, const TensorPtr &scale,
                                     const TensorPtr &bias,
                                     const TensorPtr &mean,
                                     const TensorPtr &var, BatchnormAttr &attr);
  /// {Y, MEAN, INV_VARIANCE}, the last two null unless TRAINING. `scale` and
  /// `bias` may be null; see LayernormAttr.
  std::array<TensorPtr, 3> layernorm(const TensorPtr &x, const TensorPtr &scale,
                                     const TensorPtr &bias,
                                     LayernormAttr &attr);
  /// {Y, INV_RMS}, the last null unless TRAINING. `scale` may be null; see
  /// RmsnormAttr.
  std::array<TensorPtr, 2> rmsnorm(const TensorPtr &x, const TensorPtr &scale,
                                   RmsnormAttr &attr);
  /// O of attention; `mask` may be null. See SdpaAttr.
  TensorPtr sdpa(const TensorPtr &q, const TensorPtr &k, const TensorPtr &v,
                 const TensorPtr &mask, SdpaAttr &attr);
  /// The `attr.getNumOutputs()` outputs of a custom op; see CustomOpAttr.
  std::vector<TensorPtr> customOp(std::vector<TensorPtr> inputs,
                                  CustomOpAttr &attr);

  //===-- Validation, bytes -----------------------------------------------===//

  /// Checks the graph and infers what was left open; inferred types, dims and
  /// strides can be read from the tensors afterwards. Checks, in order: the
  /// graph's name, unique names, each node, each input, each output. Once it
  /// succeeded the graph counts as validated. AttributeNotSet, InvalidAttribute
  /// or NotImplemented, as the rules say.
  ErrorObject validate();

  /// The tensor called `name`: a graph input or the output of a node; null if
  /// there is none.
  TensorPtr getTensor(const std::string &name) const;

  /// The graph as GraphDef bytes, canonical: equal graphs give equal bytes.
  /// NotValidated before `validate`; NotImplemented for nodes of other classes
  /// than the library's.
  ErrorOr<std::vector<uint8_t>> serialize() const;

  /// The graph that `serialize` made `bytes` from, validated. InvalidArgument
  /// for anything else, or the error of `validate`; never reads beyond `bytes`.
  static ErrorOr<Graph> deserialize(std::span<const uint8_t> bytes);

  //===-- Compilation -----------------------------------------------------===//

  /// Compiles for the backend of `handle` and loads the result.
  ErrorObject compile(const Handle &handle, bool remove = false);
  /// Compiles and gives the artifact's bytes; touches nothing that is loaded.
  /// The files that show the result for people are written where they can be;
  /// with `remove` they go with the graph. NotValidated; CompileFailure.
  ErrorOr<std::vector<uint8_t>> compileToArtifact(Backend backend,
                                                  bool remove = false);
  /// Unloads what is loaded, then loads a copy of `artifact`. NotValidated;
  /// an error for malformed bytes, which leaves nothing loaded.
  ErrorObject loadFromArtifact(const Handle &handle,
                               std::span<const uint8_t> artifact);
  /// The program text. NotValidated.
  ErrorOr<std::string> emitAsm();
  /// Path of the artifact compiled from program text `text`; unchanged text and
  /// flags give the one made before. `reCompiled` tells which it was.
  /// CompileFailure; FileSystemFailure.
  ErrorOr<std::filesystem::path>
  getCompiledArtifact(Backend backend, const std::string &text, bool remove,
                      std::optional<bool> *reCompiled = nullptr);
  /// The content of a file of this graph's last compilation.
  /// FileSystemFailure if there is none or it could not be written,
  /// InvalidAttribute for an unknown type.
  ErrorOr<std::string> readCompilationCacheFile(CachedAssetsType type);

  //===-- Explanation -----------------------------------------------------===//

  /// What the loaded program does, kernel by kernel. NotCompiled if no artifact
  /// is loaded.
  ErrorOr<Explanation> explain() const;
  /// The same with the time of each kernel, the median of `repeats` runs of the
  /// whole program over the buffers of `variantPack`, which writes its outputs.
  /// Errors: those of `execute`.
  ErrorOr<Explanation> explain(
      const Handle &handle,
      const std::unordered_map<TensorPtr, std::shared_ptr<Buffer>> &variantPack,
      const std::shared_ptr<Buffer> &workspace, unsigned repeats = 11) const;

  //===-- Execution -------------------------------------------------------===//

  /// Bytes of workspace that `execute` needs, 0 included; nothing if no
  /// artifact is loaded. To be called after each load, before `execute`.
  /// NotImplemented if they depend on the extents of dynamic dims.
  ErrorOr<std::optional<size_t>> getWorkspaceSize();
  /// The same for the extents that the buffers of `variantPack` have. Errors:
  /// NotCompiled, and those of `execute` for the pack.
  ErrorOr<size_t>
  getWorkspaceSize(const std::unordered_map<TensorPtr, std::shared_ptr<Buffer>>
                       &variantPack);
  [[deprecated("use getWorkspaceSize")]]
  ErrorOr<std::optional<size_t>> getWorkspaceSizeOrError() {
    return getWorkspaceSize();
  }

  /// Bytes of device memory that the loaded program keeps from its first
  /// execute on: what it computes once from the inputs that are constant (see
  /// `TensorAttr::setConstant`); 0 if it has nothing of the kind, nothing if no
  /// artifact is loaded.
  ErrorOr<std::optional<size_t>> getConstantsSize() const;
  /// How much of that is held now. May be called beside `execute`.
  size_t getConstantsInUse() const;
  /// Lets go of it and gives the number of bytes: the next execute computes it
  /// again. For when the content of a constant was changed, or its memory is
  /// wanted. An execute that is running, or queued, keeps what it uses. May be
  /// called beside `execute`.
  size_t releaseConstants() const;

  /// Runs the loaded program over the buffers of `variantPack`, one for each
  /// input that is not a scalar and each output that is not virtual; other
  /// entries are ignored. Outputs are written in place. `workspace` may be null
  /// if none is needed. The first execute with the constants that it is given
  /// also computes what depends on them alone. CPU: done on return; GPU: in
  /// stream order. Errors:
  /// NotCompiled, InternalError, InvalidArgument, VariantPackError,
  /// RuntimeFailure.
  ErrorObject execute(
      const Handle &handle,
      const std::unordered_map<TensorPtr, std::shared_ptr<Buffer>> &variantPack,
      const std::shared_ptr<Buffer> &workspace) const;

  /// Checks everything that `execute` checks, once, and gives a call that does
  /// nothing but run. Errors: those of `execute`.
  ErrorOr<BoundCall> bind(
      const Handle &handle,
      const std::unordered_map<TensorPtr, std::shared_ptr<Buffer>> &variantPack,
      const std::shared_ptr<Buffer> &workspace) const;

  /// As `execute`, but returns when the work is queued. It begins when `wait`
  /// is reached and then reaches `signal`; either may be the null fence. The
  /// program and all buffers are kept alive until then; executions are ordered
  /// by fences only, so what shares buffers or a workspace must be. A failure
  /// of the work is what `signal`'s waiters get.
  ErrorObject executeAsync(
      const Handle &handle,
      const std::unordered_map<TensorPtr, std::shared_ptr<Buffer>> &variantPack,
      const std::shared_ptr<Buffer> &workspace, const Fence &wait,
      const Fence &signal) const;

private:
  friend struct detail::GraphAccess;

  ErrorObject preValidateNode() const override;
  ErrorObject inferPropertiesNode() override;
  ErrorObject postValidateNode() const override;

  ErrorObject checkNamesAreUnique() const;
  /// A virtual output tensor of node `node`, slot `slot`.
  TensorPtr addOutput(const std::string &node, const std::string &slot);
  /// The attribute's name, or `<prefix><number of nodes>`.
  std::string nodeName(const std::string &given, const char *prefix) const;

  std::vector<TensorPtr> inputs_;  // in order of creation
  std::vector<TensorPtr> outputs_; // outputs of nodes, in order of creation
  std::vector<TensorPtr> sortedInputs_;  // by name, frozen by validate
  std::vector<TensorPtr> sortedOutputs_; // by name, frozen by validate
  bool isValidated_ = false;
  std::unique_ptr<detail::GraphRuntime> runtime_; // what the engine keeps
};

} // namespace fusilli

#endif // FUSILLI_GRAPH_GRAPH_H
