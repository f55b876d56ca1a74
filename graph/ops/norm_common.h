// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Checks that the normalizations share.

#ifndef GRAPH_OPS_NORM_COMMON_H
#define GRAPH_OPS_NORM_COMMON_H

#include <fusilli/attributes/common.h>
#include <fusilli/node/norm_utils.h>

#include "graph/ops/checks.h"

#include <cstdint>
#include <string>
#include <vector>

namespace fusilli::graph {

/// In order: phase, X and Y set (AttributeNotSet), rank of X at least 2
/// (InvalidAttribute), layout of X (NotImplemented).
ErrorObject checkNormCommon(const std::string &node, NormFwdPhase phase,
                            const TensorPtr &x, const TensorPtr &y);

/// The phase that a GraphDef holds; InvalidArgument for another number.
ErrorOr<NormFwdPhase> decodePhase(uint8_t phase);

/// Y has the dims of X (InvalidAttribute) and a simple layout (NotImplemented).
ErrorObject checkNormOutput(const std::string &node, const TensorPtr &x,
                            const TensorPtr &y);

/// InvalidAttribute if statistic `tensor` is set, which only training computes.
ErrorObject forbidStatistic(const std::string &node, const TensorPtr &tensor,
                            const char *slot);

/// InvalidAttribute if `tensor` is present with other dims than `dims`.
ErrorObject checkAffineDims(const std::string &node, const TensorPtr &tensor,
                            const char *slot, const std::vector<int64_t> &dims);

} // namespace fusilli::graph

#endif // GRAPH_OPS_NORM_COMMON_H
