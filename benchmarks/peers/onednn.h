// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shared parts of the oneDNN peer: types, memories, and plans whose primitives
// run in order. The only files that see oneDNN, and its exceptions end here.
#ifndef BENCHMARKS_PEERS_ONEDNN_H
#define BENCHMARKS_PEERS_ONEDNN_H

#include "benchmarks/peers/peer.h"

#include <oneapi/dnnl/dnnl.hpp>

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace fusilli::bench::onednn {

using Args = std::unordered_map<int, dnnl::memory>;

/// A list of primitives with their arguments: one call of a peer.
struct Program {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  std::vector<dnnl::primitive> primitives;
  std::vector<Args> args;
  BigBuffer output;

  void add(dnnl::primitive primitive, Args arguments);
  /// A memory over existing bytes.
  dnnl::memory wrap(const dnnl::memory::desc &desc, const void *data) const;
  /// 'from' in the layout 'wanted': itself, or the target of a reorder that is
  /// added to the program.
  dnnl::memory reordered(const dnnl::memory &from,
                         const dnnl::memory::desc &wanted);
  /// The same; where 'constant', reordered at once, before the timed calls.
  dnnl::memory packed(const dnnl::memory &from,
                      const dnnl::memory::desc &wanted, bool constant);
  /// Memory for a result in the layout 'wanted': 'to' itself, or one from which
  /// finish() copies.
  dnnl::memory resultFor(const dnnl::memory &to,
                         const dnnl::memory::desc &wanted) const;
  /// Adds the reorder of a result to where it belongs, if one is needed.
  void finish(const dnnl::memory &result, const dnnl::memory &to);
  bool run();
};

/// Layouts of one attempt: all as ours, the second operand's of the library's
/// choice, all of its choice.
enum class Layouts { Plain, Packed, Preferred };

/// "plain", "packed" or "preferred".
const char *labelOf(Layouts layouts);

/// The variants that the library has of those asked for; throws the last error
/// if it has none.
std::vector<PeerVariant>
variantsOf(const std::vector<Layouts> &wanted,
           const std::function<PeerVariant(Layouts)> &build);

/// A program with memory for the result of a problem.
std::shared_ptr<Program> programFor(const ProblemData &data);

/// oneDNN's type, undef where it has none.
dnnl::memory::data_type dataType(ElementType type);

/// Logical dims with the problem's strides.
dnnl::memory::desc plainDesc(const TensorSpec &spec, ElementType type);

/// The same dims, layout of the library's choice.
dnnl::memory::desc anyDesc(const TensorSpec &spec, ElementType type);

/// The epilogue of a contraction after its bias.
dnnl::primitive_attr activationAttr(Activation activation);

/// One variant from a finished program.
PeerVariant variantOf(std::shared_ptr<Program> program, std::string label);

// One builder per kind of problem. They throw dnnl::error where the library
// cannot.
std::vector<PeerVariant> prepareMatmul(const ProblemData &data);
std::vector<PeerVariant> prepareConv(const ProblemData &data);
std::vector<PeerVariant> prepareConvDGrad(const ProblemData &data);
std::vector<PeerVariant> prepareConvWGrad(const ProblemData &data);
std::vector<PeerVariant> preparePointwise(const ProblemData &data);
std::vector<PeerVariant> prepareReduce(const ProblemData &data);
std::vector<PeerVariant> prepareSdpa(const ProblemData &data);
std::vector<PeerVariant> prepareLayernorm(const ProblemData &data);
std::vector<PeerVariant> prepareSoftmax(const ProblemData &data);
std::vector<PeerVariant> prepareBatchnorm(const ProblemData &data);

} // namespace fusilli::bench::onednn

#endif // BENCHMARKS_PEERS_ONEDNN_H
