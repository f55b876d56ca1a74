// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stands in for the peers where this build has none.

#include "benchmarks/peers/peer.h"

namespace fusilli::bench {

std::vector<std::string> builtPeers() { return {}; }

std::vector<Peer> availablePeers(const std::string &target) { return {}; }

} // namespace fusilli::bench
