// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Smaller problems whose results are some of a large one's. Sampling gathers
// along whole dims: an index list per dim of each tensor says what the smaller
// problem keeps.

#include "benchmarks/data.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace fusilli::bench {

namespace {

/// At most 'count' of the indices below 'extent', evenly spread.
std::vector<int64_t> pick(int64_t extent, double count) {
  auto take =
      static_cast<int64_t>(std::clamp(std::floor(count), 1.0, double(extent)));
  std::vector<int64_t> picked;
  for (int64_t i = 0; i < take; ++i)
    picked.push_back(take == 1 ? extent / 2 : i * (extent - 1) / (take - 1));
  picked.erase(std::unique(picked.begin(), picked.end()), picked.end());
  return picked;
}

using Picks = std::vector<std::vector<int64_t>>; ///< one list per dim

Picks pickAll(const std::vector<int64_t> &dims) {
  Picks picks;
  for (int64_t dim : dims)
    picks.push_back(pick(dim, double(dim)));
  return picks;
}

/// Copies the picked elements of 'from' into the tensor 'to'.
BigBuffer gather(const TensorSpec &from, const void *source,
                 const TensorSpec &to, const Picks &picks, int64_t size) {
  BigBuffer result(static_cast<size_t>(to.span() * size));
  std::vector<size_t> index(to.dims.size(), 0);
  const auto *bytes = static_cast<const char *>(source);
  for (int64_t n = to.elements(); n > 0 && result; --n) {
    int64_t in = 0, out = 0;
    for (size_t d = 0; d < index.size(); ++d) {
      in += picks[d][index[d]] * from.strides[d];
      out += static_cast<int64_t>(index[d]) * to.strides[d];
    }
    std::memcpy(result.data() + out * size, bytes + in * size,
                static_cast<size_t>(size));
    for (size_t d = index.size(); d-- > 0;) {
      if (++index[d] < picks[d].size())
        break;
      index[d] = 0;
    }
  }
  return result;
}

/// The picks per input and for the output.
struct Sampling {
  Problem problem;
  std::vector<Picks> inputs;
  Picks output;
};

int64_t countOf(const std::vector<int64_t> &picks) {
  return static_cast<int64_t>(picks.size());
}

Sampling sampleContraction(const Problem &problem, double budget) {
  Sampling s{problem, {}, {}};
  // One batch first, then as many rows as columns.
  double perBatch = double(problem.m) * double(problem.n) * double(problem.k);
  std::vector<int64_t> b = pick(problem.batch, std::max(budget / perBatch, 2.));
  double side = std::sqrt(budget / (double(problem.k) * double(b.size())));
  std::vector<int64_t> n = pick(problem.n, std::max(side, 1.0));
  std::vector<int64_t> m =
      pick(problem.m,
           budget / (double(problem.k) * double(b.size()) * double(n.size())));
  n = pick(problem.n,
           std::max(budget / (double(problem.k) * double(b.size() * m.size())),
                    1.0));
  std::vector<int64_t> k = pick(problem.k, double(problem.k));
  s.problem.batch = static_cast<int64_t>(b.size());
  s.problem.m = static_cast<int64_t>(m.size());
  s.problem.n = static_cast<int64_t>(n.size());
  bool batched = problem.kind == ProblemKind::BatchMatmul;
  s.inputs = {{m, k}, {k, n}};
  s.output = {m, n};
  Picks bias = {{0}, n};
  if (batched) {
    for (Picks *picks : {&s.inputs[0], &s.inputs[1], &s.output})
      picks->insert(picks->begin(), b);
    bias.insert(bias.begin(), {0});
  }
  if (problem.bias)
    s.inputs.push_back(bias);
  return s;
}

/// The channels of the picked groups.
std::vector<int64_t> channelsOf(const std::vector<int64_t> &groups,
                                int64_t perGroup) {
  std::vector<int64_t> channels;
  for (int64_t group : groups)
    for (int64_t i = 0; i < perGroup; ++i)
      channels.push_back(group * perGroup + i);
  return channels;
}

/// Images and channels: for a result that is summed over one of them, that one
/// stays whole. Convolutions in groups keep whole groups.
Sampling sampleConv(const Problem &problem, double budget) {
  Sampling s{problem, {}, {}};
  const ConvShape &conv = problem.conv;
  double macs = problem.flops() / 2;
  bool wgrad = problem.kind == ProblemKind::ConvWGrad;
  bool dgrad = problem.kind == ProblemKind::ConvDGrad;
  std::vector<int64_t> n =
      pick(conv.n, wgrad ? double(conv.n) : budget / (macs / double(conv.n)));
  macs *= double(n.size()) / double(conv.n);
  std::vector<int64_t> c = pick(conv.c, double(conv.c));
  std::vector<int64_t> k = pick(conv.k, double(conv.k));
  if (conv.groups > 1) {
    std::vector<int64_t> groups =
        pick(conv.groups, budget / (macs / double(conv.groups)));
    s.problem.conv.groups = countOf(groups);
    c = channelsOf(groups, conv.c / conv.groups);
    k = channelsOf(groups, conv.k / conv.groups);
  } else {
    if (!dgrad) {
      k = pick(conv.k, budget / (macs / double(conv.k)));
      macs *= double(k.size()) / double(conv.k);
    }
    if (dgrad || wgrad)
      c = pick(conv.c, budget / (macs / double(conv.c)));
  }
  s.problem.conv.n = countOf(n);
  s.problem.conv.c = countOf(c);
  s.problem.conv.k = countOf(k);
  Picks x = pickAll(conv.xDims()), w = pickAll(conv.wDims()),
        y = pickAll(conv.yDims());
  x[0] = y[0] = n;
  x[1] = c;
  y[1] = w[0] = k;
  if (conv.groups == 1)
    w[1] = c;
  if (dgrad) {
    s.inputs = {y, w};
    s.output = x;
  } else if (wgrad) {
    s.inputs = {y, x};
    s.output = w;
  } else {
    s.inputs = {x, w};
    s.output = y;
  }
  if (problem.bias) {
    Picks bias(conv.rank() + 2, {0});
    bias[1] = k;
    s.inputs.push_back(bias);
  }
  return s;
}

Sampling sampleDims(const Problem &problem, double budget) {
  Sampling s{problem, {}, {}};
  Picks picks = pickAll(problem.dims);
  double size = double(problem.inputElements());
  // Kept dims shrink, the outermost first; reduced dims stay whole.
  for (size_t d = 0; d < picks.size() && size > budget; ++d) {
    if (std::ranges::find(problem.axes, int64_t(d)) != problem.axes.end())
      continue;
    double rest = size / double(picks[d].size());
    picks[d] = pick(problem.dims[d], std::max(budget / rest, 2.0));
    size = rest * double(picks[d].size());
  }
  s.output = picks;
  for (size_t d = 0; d < picks.size(); ++d)
    s.problem.dims[d] = static_cast<int64_t>(picks[d].size());
  if (problem.kind == ProblemKind::Reduce)
    for (int64_t axis : problem.axes)
      s.output[static_cast<size_t>(axis)] = {0};
  s.inputs.assign(inputSpecs(problem).size(), picks);
  return s;
}

/// Rows of a norm; all that is normalised stays.
Sampling sampleRows(const Problem &problem, double budget) {
  Sampling s{problem, {}, {}};
  std::vector<TensorSpec> specs = inputSpecs(problem);
  double row = double(specs[0].elements()) / double(specs[0].dims[0]);
  std::vector<int64_t> rows = pick(specs[0].dims[0], budget / row);
  bool first = true;
  for (size_t d = 0; d < problem.dims.size(); ++d) {
    if (std::ranges::find(problem.axes, int64_t(d)) != problem.axes.end())
      continue;
    s.problem.dims[d] = first ? countOf(rows) : 1;
    first = false;
  }
  for (const TensorSpec &spec : specs)
    s.inputs.push_back(pickAll(spec.dims));
  s.inputs[0][0] = rows;
  s.output = s.inputs[0];
  return s;
}

/// Channels of a batchnorm.
Sampling sampleChannels(const Problem &problem, double budget) {
  Sampling s{problem, {}, {}};
  Picks x = pickAll(problem.conv.xDims());
  double channel = double(problem.inputElements()) / double(problem.conv.c);
  x[1] = pick(problem.conv.c, budget / channel);
  s.problem.conv.c = countOf(x[1]);
  s.inputs = {x, {x[1]}, {x[1]}};
  s.output = x;
  return s;
}

/// A batch, a head of the keys and rows of queries. Causal rows that are picked
/// see what they saw in the large problem: the mask of the small one says it.
Sampling sampleSdpa(const Problem &problem, double budget) {
  Sampling s{problem, {}, {}};
  const SdpaShape &sdpa = problem.sdpa;
  SdpaShape &small = s.problem.sdpa;
  int64_t group = sdpa.heads / sdpa.kvHeads;
  double row = 2 * double(sdpa.keys) * double(sdpa.dim);
  double head = row * double(sdpa.queries) * double(group);
  std::vector<int64_t> b =
      pick(sdpa.batch, budget / (head * double(sdpa.kvHeads)));
  std::vector<int64_t> kv =
      pick(sdpa.kvHeads, budget / (head * double(b.size())));
  std::vector<int64_t> heads = channelsOf(kv, group);
  std::vector<int64_t> rows =
      pick(sdpa.queries,
           std::max(budget / (row * double(b.size() * heads.size())), 2.0));
  small.batch = countOf(b);
  small.kvHeads = countOf(kv);
  small.heads = countOf(heads);
  small.queries = countOf(rows);
  std::vector<int64_t> keys = pick(sdpa.keys, double(sdpa.keys));
  std::vector<int64_t> dim = pick(sdpa.dim, double(sdpa.dim));
  s.inputs = {{b, heads, rows, dim}, {b, kv, keys, dim}, {b, kv, keys, dim}};
  if (sdpa.mask)
    s.inputs.push_back({{0}, {0}, rows, keys});
  s.output = {b, heads, rows, dim};
  if (sdpa.causal && rows.size() != static_cast<size_t>(sdpa.queries)) {
    small.causal = false;
    small.mask = true;
  }
  return s;
}

/// The mask that stands for causality, of the picked rows.
BigBuffer causalMask(const Problem &problem, const std::vector<int64_t> &rows) {
  // Lower than any score and finite in every type.
  constexpr double kHidden = -6e4;
  int64_t keys = problem.sdpa.keys;
  BigBuffer mask(
      static_cast<size_t>(countOf(rows) * keys * elementSize(problem.type)));
  for (int64_t i = 0; i < countOf(rows) && mask; ++i)
    for (int64_t j = 0; j < keys; ++j)
      storeElement(problem.type, mask.data(), i * keys + j,
                   j > rows[static_cast<size_t>(i)] ? kHidden : 0);
  return mask;
}

Sampling sample(const Problem &problem, double budget) {
  switch (problem.kind) {
  case ProblemKind::Matmul:
  case ProblemKind::BatchMatmul:
    return sampleContraction(problem, budget);
  case ProblemKind::Conv:
  case ProblemKind::ConvDGrad:
  case ProblemKind::ConvWGrad:
    return sampleConv(problem, budget);
  case ProblemKind::Pointwise:
  case ProblemKind::Reduce:
  case ProblemKind::Softmax:
    return sampleDims(problem, budget);
  case ProblemKind::Sdpa:
    return sampleSdpa(problem, budget);
  case ProblemKind::Layernorm:
  case ProblemKind::Rmsnorm:
    return sampleRows(problem, budget);
  case ProblemKind::Batchnorm:
    return sampleChannels(problem, budget);
  }
  return {};
}

} // namespace

SampledProblem sampleProblem(const ProblemData &data, const void *result,
                             double budget) {
  const Problem &problem = data.problem;
  Sampling sampling = sample(problem, budget);
  int64_t size = elementSize(problem.type);
  SampledProblem small;
  small.data.problem = sampling.problem;
  std::vector<TensorSpec> from = inputSpecs(problem);
  std::vector<TensorSpec> to = inputSpecs(sampling.problem);
  for (size_t i = 0; i < from.size(); ++i)
    small.data.inputs.push_back(gather(from[i], data.inputs[i].data(), to[i],
                                       sampling.inputs[i], size));
  if (to.size() > from.size())
    small.data.inputs.push_back(causalMask(problem, sampling.output[2]));
  small.result = gather(outputSpec(problem), result,
                        outputSpec(sampling.problem), sampling.output, size);
  return small;
}

} // namespace fusilli::bench
