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

/// The parameter lists of a convolution, one value per spatial dim each.
struct ConvLists {
  const std::vector<int64_t> &padding, &stride, &dilation;
};
template <typename Attr> ConvLists convLists(const Attr &attr) {
  return {attr.getPadding(), attr.getStride(), attr.getDilation()};
}

/// AttributeNotSet if padding, stride or dilation is missing, in that order.
ErrorObject requireConvLists(const std::string &node, const ConvLists &lists);

/// InvalidAttribute unless each list has one value for each of `spatial` dims.
ErrorObject checkConvListLengths(const std::string &node,
                                 const ConvLists &lists, size_t spatial);

/// InvalidAttribute for a negative padding, or a stride or dilation below 1,
/// for which the op has no meaning.
ErrorObject checkConvListValues(const std::string &node,
                                const ConvLists &lists);

/// InvalidAttribute unless `y`, in slot `slot`, has the dims that convolving
/// `x` with `w` gives.
ErrorObject requireConvDims(const std::string &node, const TensorPtr &x,
                            const TensorPtr &w, const TensorPtr &y,
                            const char *slot, const ConvLists &lists);

/// InvalidAttribute unless the channels make whole groups: `inputChannels` of
/// the data, `filterChannels` = W.dim[1], `outputChannels` = W.dim[0].
ErrorObject checkConvGroups(const std::string &node, int64_t inputChannels,
                            int64_t filterChannels, int64_t outputChannels);

/// The lists in the form of the GraphDef, and back.
template <typename Fbs, typename Attr> Fbs encodeConvLists(const Attr &attr) {
  Fbs fbs;
  fbs.padding = attr.getPadding();
  fbs.stride = attr.getStride();
  fbs.dilation = attr.getDilation();
  return fbs;
}
template <typename Fbs, typename Attr>
void decodeConvLists(const Fbs &fbs, Attr &attr) {
  attr.setPadding(fbs.padding).setStride(fbs.stride).setDilation(fbs.dilation);
}

} // namespace fusilli::graph

#endif // GRAPH_OPS_CONV_COMMON_H
