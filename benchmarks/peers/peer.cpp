// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What every build knows of the peers.

#include "benchmarks/peers/peer.h"

namespace fusilli::bench {

std::vector<std::string> knownPeers() { return {"onednn"}; }

} // namespace fusilli::bench
