// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the header.
#include "reference/dynamic_dims.h"

#include "graph/graph_def_check.h"
#include "graph/graph_def_generated.h"

#include <algorithm>
#include <numeric>

namespace fusilli::reference {

namespace {

using Extents = std::map<int64_t, int64_t>; // by representative

ErrorObject bad(const std::string &text) {
  return error(ErrorCode::InvalidArgument, text);
}

ErrorObject collect(const fbs::TensorT &tensor, const Inputs &inputs,
                    Extents &extents) {
  if (tensor.dynamic_dims.empty())
    return ok();
  const auto given = inputs.find(tensor.name);
  if (given == inputs.end())
    return bad("input '" + tensor.name + "' is missing");
  const std::vector<int64_t> &dims = given->second.spec().dims;
  for (uint32_t dim : tensor.dynamic_dims) {
    if (dim >= tensor.dims.size() || dims.size() != tensor.dims.size())
      return bad("input '" + tensor.name + "' has another rank");
    const auto [at, isNew] = extents.try_emplace(tensor.dims[dim], dims[dim]);
    if (at->second != dims[dim])
      return bad("input '" + tensor.name + "' has extent " +
                 std::to_string(dims[dim]) + " in dim " + std::to_string(dim) +
                 ", expected " + std::to_string(at->second));
  }
  return ok();
}

ErrorObject replace(fbs::TensorT &tensor, const Extents &extents) {
  if (tensor.dynamic_dims.empty())
    return ok();
  if (tensor.strides.size() != tensor.dims.size())
    return bad("tensor '" + tensor.name + "' has other ranks");
  // Innermost first, as the representative strides have it.
  std::vector<size_t> order(tensor.dims.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t dim) {
    return std::pair(tensor.strides[dim], dim);
  });
  for (uint32_t dim : tensor.dynamic_dims) {
    const auto at = dim < tensor.dims.size() ? extents.find(tensor.dims[dim])
                                             : extents.end();
    if (at == extents.end())
      return bad("no input has the dynamic extent of tensor '" + tensor.name +
                 "'");
    tensor.dims[dim] = -at->second; // not an extent of a static dim
  }
  int64_t stride = 1;
  for (size_t dim : order) {
    if (tensor.dims[dim] == 1)
      continue;
    tensor.dims[dim] = std::abs(tensor.dims[dim]);
    tensor.strides[dim] = stride;
    stride *= tensor.dims[dim];
  }
  tensor.dynamic_dims.clear();
  return ok();
}

} // namespace

ErrorOr<std::vector<uint8_t>> withExtentsOf(std::span<const uint8_t> bytes,
                                            const Inputs &inputs) {
  std::vector<uint8_t> copy(bytes.begin(), bytes.end()); // aligned
  if (graph::findGraphDefDefect(copy) != graph::GraphDefDefect::None)
    return ok(std::move(copy)); // for the decoder to refuse
  fbs::GraphDefT def;
  fbs::GetGraphDef(copy.data())->UnPackTo(&def);
  if (std::ranges::all_of(def.tensors, [](const auto &tensor) {
        return tensor->dynamic_dims.empty();
      }))
    return ok(std::move(copy));
  Extents extents;
  for (size_t i = 0; i < def.tensors.size() && i < def.num_inputs; ++i)
    FUSILLI_CHECK_ERROR(collect(*def.tensors[i], inputs, extents));
  for (const auto &tensor : def.tensors)
    FUSILLI_CHECK_ERROR(replace(*tensor, extents));
  flatbuffers::FlatBufferBuilder builder;
  fbs::FinishGraphDefBuffer(builder, fbs::GraphDef::Pack(builder, &def));
  return ok(
      std::vector<uint8_t>(builder.GetBufferPointer(),
                           builder.GetBufferPointer() + builder.GetSize()));
}

} // namespace fusilli::reference
