// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a compiled graph does, kernel by kernel.

#ifndef FUSILLI_GRAPH_EXPLANATION_H
#define FUSILLI_GRAPH_EXPLANATION_H

#include <fusilli/support/export.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace fusilli {

/// The run of one kernel. A kernel that several places of the graph share is
/// listed for each; `nodes` are those of all of them.
struct KernelExplanation {
  std::string name;
  std::vector<std::string> nodes;
  /// How it is computed, and the tiles and placements that were chosen, as the
  /// compiler prints them; empty where a target has none.
  std::string strategy;
  std::string schedule;
  /// The strategies that come first and why each did not apply: "name: reason".
  std::vector<std::string> declined;
  std::array<uint32_t, 3> workgroups = {1, 1, 1};
  /// The number of workgroups depends on extents that each execute brings.
  bool hasSymbolicWorkgroups = false;
  /// On the calling thread: too little work to share.
  bool isInline = false;
  /// At the first execute only: it depends on constants alone.
  bool isPrepared = false;
  /// Scratch memory of each worker, in bytes.
  uint64_t scratchBytes = 0;
  /// Arithmetic operations, and bytes that are read and written once.
  uint64_t flops = 0;
  uint64_t bytes = 0;
  /// Median time of one run in microseconds; 0: not measured.
  double microseconds = 0;
};

/// What the machine can do at best, 0: not known. For the roofline.
struct MachinePeaks {
  double gflops = 0; ///< 1e9 operations a second, all threads
  double gbps = 0;   ///< 1e9 bytes a second from memory, all threads
};

/// What `Graph::explain` gives. Thread safety: a plain value.
struct FUSILLI_EXPORT Explanation {
  std::string graph;
  std::string backend;
  std::string target;
  std::string compilerVersion;
  size_t workspaceBytes = 0;
  size_t constantsBytes = 0; ///< `Graph::getConstantsSize`
  size_t codeBytes = 0;
  /// In the order in which they run; first those at the first execute only.
  std::vector<KernelExplanation> kernels;
  MachinePeaks peaks;

  /// The fraction of what the machine's peaks allow for the kernel's flops and
  /// bytes that its time reaches; 0 where time or peaks are not known.
  double getRooflineFraction(const KernelExplanation &kernel) const;
  /// A few lines for each kernel.
  std::string toText() const;
  /// One object; keys as the fields in snake case, `roofline` where it is
  /// known.
  std::string toJson() const;
};

} // namespace fusilli

#endif // FUSILLI_GRAPH_EXPLANATION_H
