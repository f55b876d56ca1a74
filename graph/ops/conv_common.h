// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the three convolutions share: their parameter lists and group rules.

#ifndef GRAPH_OPS_CONV_COMMON_H
#define GRAPH_OPS_CONV_COMMON_H

#include "graph/checked_math.h"
#include "graph/messages.h"
#include "graph/ops/checks.h"

#include <fusilli/attributes/conv_attributes.h>

#include <string>
#include <vector>

namespace fusilli::graph {

/// AttributeNotSet if padding, stride or dilation is missing, in that order.
ErrorObject requireConvLists(const std::string &node,
                             const std::vector<int64_t> &padding,
                             const std::vector<int64_t> &stride,
                             const std::vector<int64_t> &dilation);

/// InvalidAttribute unless each list has one value for each of `spatial` dims.
ErrorObject checkConvListLengths(const std::string &node,
                                 const std::vector<int64_t> &padding,
                                 const std::vector<int64_t> &stride,
                                 const std::vector<int64_t> &dilation,
                                 size_t spatial);

/// InvalidAttribute for a negative padding, or a stride or dilation below 1,
/// for which the op has no meaning.
ErrorObject checkConvListValues(const std::string &node,
                                const std::vector<int64_t> &padding,
                                const std::vector<int64_t> &stride,
                                const std::vector<int64_t> &dilation);

/// InvalidAttribute unless the channels make whole groups: `inputChannels` of
/// the data, `filterChannels` = W.dim[1], `outputChannels` = W.dim[0].
ErrorObject checkConvGroups(const std::string &node, int64_t inputChannels,
                            int64_t filterChannels, int64_t outputChannels);

} // namespace fusilli::graph

#endif // GRAPH_OPS_CONV_COMMON_H
