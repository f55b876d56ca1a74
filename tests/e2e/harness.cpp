// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Cases: building graphs with random inputs, and running them.

#include "tests/e2e/harness.h"

#include "artifact/cpu_features.h"
#include "graph/graph_def.h"
#include "reference/element.h"
#include "tests/e2e/guarded_buffer.h"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <limits>
#include <numeric>
#include <sstream>

#include <unistd.h>

namespace fusilli::e2e {

namespace {

using reference::Tensor;

std::vector<std::string> machineTargets() {
  std::vector<std::string> targets;
  const uint64_t features = artifact::hostCpuFeatures();
  for (const char *level : {"x86-64-v3", "x86-64-v4", "x86-64-v4-bf16"}) {
    const uint64_t needed = artifact::cpuLevelFeatures(level);
    if (needed != 0 && (needed & ~features) == 0)
      targets.push_back(level);
  }
  targets.push_back("host");
  return targets;
}

/// By hand the programs run as under CTest: the compiler of this build, a cache
/// directory of their own.
void completeEnvironment() {
  if (!std::getenv("FUSILLI_COMPILER_LIB"))
    setEnv("FUSILLI_COMPILER_LIB", FUSILLI_E2E_COMPILER_LIB);
  if (std::getenv("FUSILLI_CACHE_DIR"))
    return;
  static const std::filesystem::path folder =
      std::filesystem::temp_directory_path() /
      ("fusilli-e2e-" + std::to_string(getpid()));
  setEnv("FUSILLI_CACHE_DIR", folder.c_str());
  std::atexit([] {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  });
}

/// What runs now, for the case that the process dies of it.
std::string &currentCase() {
  static std::string text;
  return text;
}

extern "C" void tellCurrentCase(int signal) {
  const std::string &text = currentCase();
  (void)!write(STDERR_FILENO, text.data(), text.size());
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

Settings readSettings() {
  completeEnvironment();
  for (int signal : {SIGABRT, SIGSEGV, SIGILL, SIGFPE, SIGBUS})
    std::signal(signal, tellCurrentCase);
  Settings settings{20260101, 1.0, {}};
  if (const char *seed = std::getenv("FUSILLI_E2E_SEED"))
    settings.seed = std::strtoull(seed, nullptr, 10);
  if (const char *scale = std::getenv("FUSILLI_E2E_SCALE"))
    settings.scale = std::strtod(scale, nullptr);
  if (const char *list = std::getenv("FUSILLI_E2E_TARGETS")) {
    std::stringstream stream(list);
    for (std::string target; std::getline(stream, target, ',');)
      settings.targets.push_back(target);
  } else {
    settings.targets = machineTargets();
  }
  std::printf("seed %llu, scale %g, targets",
              static_cast<unsigned long long>(settings.seed), settings.scale);
  for (const std::string &target : settings.targets)
    std::printf(" %s", target.c_str());
  std::printf(" (FUSILLI_E2E_SEED, FUSILLI_E2E_SCALE, FUSILLI_E2E_TARGETS)\n");
  return settings;
}

double special(Random &random, DataType type) {
  const reference::FloatFormat format = reference::formatOf(type);
  const double inf = std::numeric_limits<double>::infinity();
  const double values[] = {inf,
                           -inf,
                           std::numeric_limits<double>::quiet_NaN(),
                           0.0,
                           -0.0,
                           format.minNormal() / 2.0,
                           -2.0 * format.tiny(),
                           std::ldexp(1.75, format.maxExponent),
                           -std::ldexp(1.5, format.maxExponent)};
  return values[pick(random, 0, 8)];
}

double randomFloat(Random &random, DataType type, Data data) {
  std::normal_distribution<double> normal;
  switch (data) {
  case Data::Integers:
    return static_cast<double>(pick(random, -4, 4));
  case Data::Normal:
    return normal(random);
  case Data::Positive:
    return 0.1 + 0.3 * static_cast<double>(pick(random, 0, 13)) +
           1e-3 * static_cast<double>(pick(random, 0, 99));
  case Data::Wide:
    return normal(random) *
           std::ldexp(1.0, static_cast<int>(pick(random, -20, 12)));
  case Data::Special:
    return pick(random, 0, 3) == 0 ? special(random, type) : normal(random);
  }
  return 0.0;
}

int64_t randomInteger(Random &random, DataType type, Data data) {
  if (type == DataType::Boolean)
    return pick(random, 0, 1);
  switch (data) {
  case Data::Integers:
    return pick(random, -4, 4);
  case Data::Positive:
    return pick(random, 1, 9);
  case Data::Wide:
  case Data::Special:
    return static_cast<int64_t>(random());
  default:
    return pick(random, -100, 100);
  }
}

} // namespace

const Settings &Settings::get() {
  static const Settings settings = readSettings();
  return settings;
}

int64_t Settings::count(int64_t count) const {
  return std::max<int64_t>(1, std::llround(static_cast<double>(count) * scale));
}

Random makeRandom(const std::string &name) {
  uint64_t hash = Settings::get().seed + 0xcbf29ce484222325u;
  for (char c : name)
    hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3u;
  return Random(hash);
}

int64_t pick(Random &random, int64_t low, int64_t high) {
  return low +
         static_cast<int64_t>(random() % static_cast<uint64_t>(high - low + 1));
}

Dims randomStrides(Random &random, const Dims &dims, bool broadcast) {
  std::vector<size_t> order(dims.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::shuffle(order.begin(), order.end(), random);
  Dims strides(dims.size());
  int64_t stride = 1;
  for (size_t d : order) {
    if (dims[d] == 1) {
      strides[d] = pick(random, 0, 3) * stride;
    } else if (broadcast && pick(random, 0, 2) == 0) {
      strides[d] = 0;
    } else {
      strides[d] = stride;
      stride *= dims[d];
    }
  }
  return strides;
}

Dims randomViewStrides(Random &random, const Dims &dims, bool isInput) {
  std::vector<size_t> order(dims.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::shuffle(order.begin(), order.end(), random);
  Dims strides(dims.size());
  int64_t stride = pick(random, 0, 2) == 0 ? pick(random, 2, 3) : 1;
  for (size_t d : order) {
    if (dims[d] == 1) {
      strides[d] = pick(random, 0, 1000);
      continue;
    }
    if (isInput && pick(random, 0, 5) == 0) {
      strides[d] = pick(random, 0, 1); // broadcast, or over its neighbours
      continue;
    }
    strides[d] = stride;
    stride *= dims[d];
    if (pick(random, 0, 1) == 0)
      stride += pick(random, 1, 16);
  }
  return strides;
}

Dims channelsLastStrides(const Dims &dims) {
  return generateStrideFromDim(dims, getChannelsLastStrideOrder(dims.size()));
}

std::string toString(const Dims &dims) {
  std::string out;
  for (int64_t dim : dims)
    out += (out.empty() ? "" : "x") + std::to_string(dim);
  return out;
}

std::string toString(DataType type) { return kDataTypeToMlirTypeAsm.at(type); }

Case::Case(std::string caseLabel)
    : random(makeRandom(caseLabel)), label(std::move(caseLabel)) {
  graph.setName("e2e " + label);
}

TensorPtr Case::input(const std::string &name, DataType dtype, const Dims &dims,
                      const Dims &strides, Data data) {
  auto tensor = Tensor::create({name, dtype, dims, strides});
  if (isError(tensor)) {
    ADD_FAILURE() << label << ": " << ErrorObject(tensor).getMessage();
    return nullptr;
  }
  fill(*tensor, data);
  inputs.insert_or_assign(name, std::move(*tensor));
  return graph.tensor(
      TensorAttr().setName(name).setDataType(dtype).setDim(dims).setStride(
          strides));
}

void Case::fill(Tensor &tensor, Data data) {
  const DataType dtype = tensor.spec().dtype;
  uint8_t *bytes = tensor.mutableBytes().data();
  for (int64_t k = 0; k < tensor.spec().storageCount(); ++k)
    if (reference::isFloatType(dtype))
      reference::storeFloat(dtype, bytes, k, randomFloat(random, dtype, data));
    else
      reference::storeInteger(dtype, bytes, k,
                              randomInteger(random, dtype, data));
}

reference::Inputs Case::inputsOf(const std::map<int64_t, int64_t> &extents,
                                 Data data) {
  reference::Inputs result;
  for (const auto &[name, tensor] : inputs) {
    const TensorPtr attr = graph.getTensor(name);
    Dims dims = attr->getDim();
    for (size_t dim : attr->getDynamicDims())
      dims[dim] = extents.at(dims[dim]);
    // The order in memory stays.
    const Dims strides =
        attr->hasDynamicDims()
            ? generateStrideFromDim(dims, generateStrideOrderPreservingFormat(
                                              attr->getStride(), dims.size()))
            : attr->getStride();
    auto made = Tensor::create({name, attr->getDataType(), dims, strides});
    if (isError(made)) {
      ADD_FAILURE() << label << ": " << ErrorObject(made).getMessage();
      return result;
    }
    fill(*made, data);
    result.insert_or_assign(name, std::move(*made));
  }
  return result;
}

TensorPtr Case::input(const std::string &name, DataType dtype, const Dims &dims,
                      Data data) {
  return input(name, dtype, dims, rowMajorStrides(dims), data);
}

TensorPtr Case::constant(const std::string &name, float value) {
  return graph.tensor(TensorAttr(value).setName(name));
}

TensorPtr Case::pointwise(PointwiseAttr attr, const std::vector<TensorPtr> &in,
                          DataType out) {
  TensorPtr y = in.size() == 1   ? graph.pointwise(in[0], attr)
                : in.size() == 2 ? graph.pointwise(in[0], in[1], attr)
                                 : graph.pointwise(in[0], in[1], in[2], attr);
  y->setDataType(out);
  // The output's dims, so that its layout never depends on an input's.
  std::vector<Dims> shapes;
  for (const TensorPtr &tensor : in)
    shapes.push_back(tensor->getDim());
  auto dims = computeBroadcastShape(shapes);
  if (!isError(dims))
    y->setDim(*dims).setStride(rowMajorStrides(*dims));
  return y;
}

TensorPtr Case::pointwise(PointwiseAttr::Mode mode,
                          const std::vector<TensorPtr> &in, DataType out) {
  return pointwise(PointwiseAttr().setMode(mode), in, out);
}

TensorPtr Case::reduction(ReductionAttr::Mode mode, const TensorPtr &x,
                          const Dims &y, DataType out) {
  auto attr = ReductionAttr().setMode(mode);
  TensorPtr result = graph.reduction(x, attr);
  result->setDim(y).setStride(rowMajorStrides(y)).setDataType(out);
  return result;
}

TensorPtr Case::matmul(const TensorPtr &a, const TensorPtr &b, DataType out) {
  auto attr = MatmulAttr();
  TensorPtr c = graph.matmul(a, b, attr);
  const Dims dims = getMatmulInferredOutputShape(a->getDim(), b->getDim());
  c->setDim(dims).setStride(rowMajorStrides(dims)).setDataType(out);
  return c;
}

TensorPtr Case::conv(const TensorPtr &x, const TensorPtr &w,
                     const Dims &padding, const Dims &stride,
                     const Dims &dilation, DataType out) {
  auto attr = ConvFPropAttr().setPadding(padding).setStride(stride).setDilation(
      dilation);
  TensorPtr y = graph.convFProp(x, w, attr);
  const Dims dims = getConvInferredOutputShape(x->getDim(), w->getDim(),
                                               dilation, padding, stride);
  y->setDim(dims).setStride(rowMajorStrides(dims)).setDataType(out);
  return y;
}

TensorPtr Case::convDGrad(const TensorPtr &dy, const TensorPtr &w,
                          const Dims &dx, const Dims &padding,
                          const Dims &stride, const Dims &dilation,
                          DataType out) {
  auto attr = ConvDGradAttr().setPadding(padding).setStride(stride).setDilation(
      dilation);
  TensorPtr result = graph.convDGrad(dy, w, attr);
  result->setDim(dx).setStride(rowMajorStrides(dx)).setDataType(out);
  return result;
}

TensorPtr Case::convWGrad(const TensorPtr &dy, const TensorPtr &x,
                          const Dims &dw, const Dims &padding,
                          const Dims &stride, const Dims &dilation,
                          DataType out) {
  auto attr = ConvWGradAttr().setPadding(padding).setStride(stride).setDilation(
      dilation);
  TensorPtr result = graph.convWGrad(dy, x, attr);
  result->setDim(dw).setStride(rowMajorStrides(dw)).setDataType(out);
  return result;
}

std::vector<TensorPtr>
Case::customOp(const std::string &text, const std::vector<TensorPtr> &in,
               const std::vector<std::pair<DataType, Dims>> &out) {
  CustomOpAttr attr;
  attr.setName("custom").setMlir(text).setNumOutputs(out.size());
  std::vector<TensorPtr> results = graph.customOp(in, attr);
  for (size_t i = 0; i < out.size(); ++i)
    results[i]
        ->setDataType(out[i].first)
        .setDim(out[i].second)
        .setStride(rowMajorStrides(out[i].second));
  return results;
}

void Case::output(const TensorPtr &tensor, const std::string &name,
                  const Dims &strides) {
  tensor->setName(name).setOutput(true);
  if (!strides.empty())
    tensor->setStride(strides);
  outputs_.push_back(tensor);
}

std::string Case::describe() const {
  std::string out = label + " |";
  for (const auto &[name, tensor] : inputs)
    out += " in " + tensor.spec().toString() + ";";
  for (const TensorPtr &tensor : outputs_)
    out += " out " +
           reference::TensorSpec{tensor->getName(), tensor->getDataType(),
                                 tensor->getDim(), tensor->getStride()}
               .toString() +
           ";";
  return out;
}

testing::AssertionResult Case::fail(const std::string &where,
                                    const std::string &what) const {
  auto result = testing::AssertionFailure()
                << "FAILED " << describe() << " | " << where << ": " << what
                << "\n  seed " << Settings::get().seed;
  if (!bytes_.empty()) {
    auto json = graph::graphDefToJson(bytes_);
    if (!isError(json))
      result << ", graph:\n" << *json;
  }
  return result;
}

testing::AssertionResult Case::prepare() {
  if (ErrorObject status = graph.validate(); isError(status))
    return fail("validate", status.getMessage());
  auto bytes = graph.serialize();
  if (isError(bytes))
    return fail("serialize", ErrorObject(bytes).getMessage());
  bytes_ = std::move(*bytes);
  return testing::AssertionSuccess();
}

testing::AssertionResult Case::evaluate(Shape &shape,
                                        const RunOptions &options) {
  auto expected =
      reference::evaluateWithBounds(bytes_, shape.inputs, {options.samples});
  if (isError(expected))
    return fail("reference", ErrorObject(expected).getMessage());
  shape.expected = std::move(*expected);
  for (const auto &[name, bound] : options.bounds)
    for (double &e : shape.expected.at(name).bounds)
      e = std::min(e, bound);
  return testing::AssertionSuccess();
}

testing::AssertionResult Case::run(const RunOptions &options) {
  return runShapes({inputs}, options);
}

testing::AssertionResult
Case::runShapes(const std::vector<reference::Inputs> &given,
                const RunOptions &options) {
  if (auto result = prepare(); !result)
    return result;
  std::vector<Shape> shapes;
  for (const reference::Inputs &one : given) {
    shapes.push_back({one, {}, {}});
    if (auto result = evaluate(shapes.back(), options); !result)
      return result;
  }
  for (const std::string &target : Settings::get().targets)
    if (auto result = runTarget(target, shapes, options); !result)
      return result;
  return testing::AssertionSuccess();
}

testing::AssertionResult
Case::runAgainst(const std::map<std::string, std::vector<double>> &expected,
                 double bound, const RunOptions &options) {
  if (ErrorObject status = graph.validate(); isError(status))
    return fail("validate", status.getMessage());
  std::vector<Shape> shapes(1);
  shapes[0].inputs = inputs;
  for (const TensorPtr &tensor : outputs_) {
    reference::Expected &out = shapes[0].expected[tensor->getName()];
    out.spec = {tensor->getName(), tensor->getDataType(), tensor->getDim(),
                tensor->getStride()};
    out.values = expected.at(tensor->getName());
    for (size_t k = 0; k < out.values.size(); ++k) {
      out.index.push_back(static_cast<int64_t>(k));
      out.bounds.push_back(bound * std::fabs(out.values[k]));
      if (!reference::isFloatType(out.spec.dtype))
        out.integers.push_back(static_cast<int64_t>(out.values[k]));
    }
  }
  for (const std::string &target : Settings::get().targets) {
    const auto result = runTarget(target, shapes, options);
    if (!result)
      return result;
  }
  return testing::AssertionSuccess();
}

namespace {

/// The buffers of one execution, and what to look at afterwards. Functions give
/// what is wrong, or nothing.
class Execution {
public:
  Execution(Graph &graph, const reference::Inputs &inputs,
            const std::map<std::string, reference::Expected> &outputs,
            const RunOptions &options)
      : graph_(graph), inputs_(inputs), outputs_(outputs), options_(options) {}

  /// Buffers for all tensors, filled, and the workspace.
  std::string prepare(const Handle &handle) {
    for (const auto &[name, tensor] : inputs_)
      if (auto text = place(handle, tensor.spec()); !text.empty())
        return text;
    for (const auto &[name, expected] : outputs_)
      if (auto text = place(handle, expected.spec); !text.empty())
        return text;
    for (auto &[name, memory] : memory_) {
      const auto given = inputs_.find(name);
      if (given == inputs_.end())
        std::fill(memory.content().begin(), memory.content().end(), 0xff);
      else
        std::copy(given->second.bytes().begin(), given->second.bytes().end(),
                  memory.content().begin());
    }
    const auto size = graph_.getWorkspaceSize(pack_);
    if (isError(size))
      return "workspace size: " + ErrorObject(size).getMessage();
    // The size that takes no pack is the same, or refused.
    const auto fixed = graph_.getWorkspaceSize();
    if (!isError(fixed) && **fixed != *size)
      return "two workspace sizes";
    return *size == 0 ? std::string() : placeWorkspace(handle, *size);
  }

  std::string placeWorkspace(const Handle &handle, size_t workspaceSize) {
    TensorAttr bytes;
    bytes.setDataType(DataType::Int8)
        .setDim({static_cast<int64_t>(workspaceSize)})
        .setStride({1});
    workspaceMemory_.emplace(workspaceSize, 0);
    std::fill(workspaceMemory_->content().begin(),
              workspaceMemory_->content().end(), 0xff);
    auto made = workspaceMemory_->makeBuffer(handle, bytes);
    if (isError(made))
      return "workspace: " + ErrorObject(made).getMessage();
    workspace_ = *made;
    return {};
  }

  ErrorObject execute(const Handle &handle) const {
    return graph_.execute(handle, pack_, workspace_);
  }

  /// Guard zones of all buffers, content of the inputs.
  std::string checkUntouched() {
    if (workspaceMemory_ && !workspaceMemory_->guardsIntact())
      return "bytes around the workspace were changed";
    for (auto &[name, memory] : memory_) {
      if (!memory.guardsIntact())
        return "bytes around '" + name + "' were changed";
      const auto given = inputs_.find(name);
      const bool isShared =
          std::any_of(options_.inPlace.begin(), options_.inPlace.end(),
                      [&](const auto &entry) { return entry.second == name; });
      if (given != inputs_.end() && !isShared &&
          !std::equal(memory.content().begin(), memory.content().end(),
                      given->second.bytes().begin()))
        return "input '" + name + "' was changed";
    }
    return {};
  }

  std::span<uint8_t> content(const TensorPtr &tensor) {
    return memory_.at(memoryName(tensor->getName())).content();
  }

private:
  std::string memoryName(const std::string &name) const {
    const auto shared = options_.inPlace.find(name);
    return shared == options_.inPlace.end() ? name : shared->second;
  }
  std::string place(const Handle &handle, const reference::TensorSpec &spec) {
    const size_t misalignment = static_cast<size_t>(options_.misalignment) *
                                reference::elementBytes(spec.dtype, 1);
    auto at = memory_
                  .try_emplace(memoryName(spec.name), spec.storageBytes(),
                               misalignment)
                  .first;
    const TensorPtr tensor = graph_.getTensor(spec.name);
    TensorAttr shape;
    shape.setDataType(spec.dtype).setDim(spec.dims).setStride(spec.strides);
    if (tensor->hasDynamicDims()) {
      // The order in memory is that of the representative extents.
      Dims dims;
      for (int64_t dim : tensor->getLogicalToPhysicalPermuteOrder())
        dims.push_back(spec.dims[static_cast<size_t>(dim)]);
      shape.setDim(dims).setStride(rowMajorStrides(dims));
    }
    auto buffer = at->second.makeBuffer(handle, shape);
    if (isError(buffer))
      return "buffer of '" + spec.name +
             "': " + ErrorObject(buffer).getMessage();
    pack_[tensor] = *buffer;
    return {};
  }

  // All borrowed: the caller's.
  Graph &graph_;
  const reference::Inputs &inputs_;
  const std::map<std::string, reference::Expected> &outputs_;
  const RunOptions &options_;
  std::map<std::string, GuardedBuffer> memory_;
  std::unordered_map<TensorPtr, std::shared_ptr<Buffer>> pack_;
  std::optional<GuardedBuffer> workspaceMemory_;
  std::shared_ptr<Buffer> workspace_;
};

} // namespace

std::string Case::checkGaps(const TensorPtr &tensor,
                            std::span<const uint8_t> content,
                            const Shape &shape,
                            const RunOptions &options) const {
  const reference::TensorSpec spec{tensor->getName(), tensor->getDataType(),
                                   tensor->getDim(), tensor->getStride()};
  const auto size =
      static_cast<int64_t>(reference::elementBytes(tensor->getDataType(), 1));
  std::vector<bool> isElement(content.size());
  for (int64_t index = 0; index < spec.volume(); ++index)
    std::fill_n(isElement.begin() + spec.offsetOf(index) * size, size, true);
  const auto shared = options.inPlace.find(tensor->getName());
  for (size_t at = 0; at < content.size(); ++at) {
    const uint8_t before = shared == options.inPlace.end()
                               ? 0xff
                               : shape.inputs.at(shared->second).bytes()[at];
    if (!isElement[at] && content[at] != before)
      return "a gap of '" + tensor->getName() + "' was written, byte " +
             std::to_string(at);
  }
  return {};
}

std::string Case::compare(const TensorPtr &tensor,
                          std::span<const uint8_t> content, Shape &shape) {
  const std::string &name = tensor->getName();
  const auto before = shape.first.find(name);
  if (before != shape.first.end())
    return std::equal(before->second.begin(), before->second.end(),
                      content.begin())
               ? std::string()
               : "'" + name + "' differs from the result of the first run";
  auto verdict = reference::check(shape.expected.at(name), content);
  if (isError(verdict))
    return ErrorObject(verdict).getMessage();
  shape.first.emplace(name,
                      std::vector<uint8_t>(content.begin(), content.end()));
  return verdict->passed ? std::string() : verdict->toString();
}

std::string Case::runShape(const Handle &handle, Shape &shape,
                           const RunOptions &options) {
  Execution execution(graph, shape.inputs, shape.expected, options);
  if (std::string text = execution.prepare(handle); !text.empty())
    return text;
  if (ErrorObject status = execution.execute(handle); isError(status))
    return "execute: " + status.getMessage();
  if (std::string text = execution.checkUntouched(); !text.empty())
    return text;
  for (const TensorPtr &tensor : outputs_) {
    std::span<const uint8_t> content = execution.content(tensor);
    std::string text = compare(tensor, content, shape);
    if (text.empty() && !tensor->hasValidPhysicalRepresentation())
      text = checkGaps(tensor, content, shape, options);
    if (!text.empty())
      return text;
  }
  return {};
}

std::string Case::runThreads(const Handle &handle,
                             std::span<const uint8_t> artifact,
                             std::vector<Shape> &shapes,
                             const RunOptions &options) {
  if (ErrorObject status = graph.loadFromArtifact(handle, artifact);
      isError(status))
    return "load: " + status.getMessage();
  for (int repeat = 0; repeat < options.repeats; ++repeat)
    for (size_t i = 0; i < shapes.size(); ++i)
      if (std::string text = runShape(handle, shapes[i], options);
          !text.empty()) {
        std::string given;
        for (const auto &[name, tensor] : shapes[i].inputs)
          given += tensor.spec().toString() + "; ";
        return "run " + std::to_string(repeat) + ", " + given + text;
      }
  return {};
}

testing::AssertionResult Case::runTarget(const std::string &target,
                                         std::vector<Shape> &shapes,
                                         const RunOptions &options) {
  currentCase() = "DIED FAILED " + describe() + " | " + target + "\n";
  setEnv("FUSILLI_TARGET", target.c_str());
  auto artifact = graph.compileToArtifact(Backend::CPU, /*remove=*/true);
  unsetEnv("FUSILLI_TARGET");
  if (isError(artifact))
    return fail(target + " compile", ErrorObject(artifact).getMessage());
  for (Shape &shape : shapes)
    shape.first.clear();
  for (int threads : options.threads)
    if (std::string text =
            runThreads(handleWithThreads(threads), *artifact, shapes, options);
        !text.empty())
      return fail(target + ", " + std::to_string(threads) + " threads", text);
  results_ = std::move(shapes.back().first);
  return testing::AssertionSuccess();
}

} // namespace fusilli::e2e
