// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a peer offers for a problem: one or more ways to compute it, of which
// the fastest counts, or the reason why it cannot.
#ifndef BENCHMARKS_PEERS_PEER_H
#define BENCHMARKS_PEERS_PEER_H

#include "benchmarks/data.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace fusilli::bench {

/// One way to compute a problem.
struct PeerVariant {
  std::string label; ///< "plain" or "preferred" layouts
  /// One call: inputs of ProblemData to a result in its layout. Owns what it
  /// uses, except the ProblemData. False on failure.
  std::function<bool()> call;
  /// The result of the last call, in the layout of outputSpec().
  const void *output = nullptr;
};

/// What a peer can do for a problem.
struct PeerPlan {
  std::string unsupported; ///< reason; empty where there are variants
  std::vector<PeerVariant> variants;
};

/// A library to compare with. 'prepare' may take long (it creates primitives
/// and packs constant convolution weights); 'data' must outlive the plan.
struct Peer {
  std::string name; ///< key in the JSON
  std::function<PeerPlan(const ProblemData &data, int threads)> prepare;
};

/// Names of the peers in this build.
std::vector<std::string> builtPeers();

/// Peers of this build, limited to what 'target' allows. The first call of a
/// process decides the limit.
std::vector<Peer> availablePeers(const std::string &target);

/// Names of the peers that this program knows, built in or not.
std::vector<std::string> knownPeers();

} // namespace fusilli::bench

#endif // BENCHMARKS_PEERS_PEER_H
