// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiling and buffers, all through the public API.

#include "benchmarks/subject.h"
#include "benchmarks/timing.h"

#include <nlohmann/json.hpp>

#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace fusilli::bench {

namespace {

/// A buffer for the tensor with the given bytes: of its physical shape, or for
/// a view of as many elements as it spans.
template <typename T>
ErrorOr<BufferPtr> allocateAs(const Handle &handle, const TensorAttr &tensor,
                              const char *bytes) {
  TensorSpec spec{tensor.getName(), tensor.getDim(), tensor.getStride()};
  std::vector<iree_hal_dim_t> shape;
  if (spec.span() == spec.elements())
    for (int64_t dim : tensor.getPhysicalDim())
      shape.push_back(static_cast<iree_hal_dim_t>(dim));
  else
    shape = {static_cast<iree_hal_dim_t>(spec.span())};
  std::vector<T> values(static_cast<size_t>(spec.span()));
  if (bytes)
    std::memcpy(static_cast<void *>(values.data()), bytes,
                values.size() * sizeof(T));
  FUSILLI_ASSIGN_OR_RETURN(Buffer buffer,
                           Buffer::allocate(handle, shape, values));
  return std::make_shared<Buffer>(std::move(buffer));
}

ErrorOr<BufferPtr> allocateFor(const Handle &handle, ElementType type,
                               const TensorAttr &tensor, const char *bytes) {
  switch (type) {
  case ElementType::F16:
    return allocateAs<half>(handle, tensor, bytes);
  case ElementType::BF16:
    return allocateAs<bf16>(handle, tensor, bytes);
  case ElementType::F32:
    return allocateAs<float>(handle, tensor, bytes);
  case ElementType::I8:
    return allocateAs<int8_t>(handle, tensor, bytes);
  case ElementType::I16:
    return allocateAs<int16_t>(handle, tensor, bytes);
  case ElementType::I32:
    return allocateAs<int>(handle, tensor, bytes);
  case ElementType::F64:
  case ElementType::I64:
    break;
  }
  return error(ErrorCode::NotImplemented,
               std::string("the public api has no buffers of type ") +
                   elementName(type));
}

} // namespace

ErrorOr<std::unique_ptr<Subject>> Subject::create(const std::string &target,
                                                  int threads) {
  std::error_code code;
  std::filesystem::path base = std::filesystem::temp_directory_path(code);
  std::string pattern = (base / "fusilli-bench-XXXXXX").string();
  FUSILLI_RETURN_ERROR_IF(code || !mkdtemp(pattern.data()),
                          ErrorCode::FileSystemFailure,
                          "cannot make a temporary folder '" + pattern + "'");
  setEnv("FUSILLI_CACHE_DIR", pattern.c_str());
  setEnv("FUSILLI_TARGET", target.c_str());
  setEnv("FUSILLI_NUM_THREADS", std::to_string(threads).c_str());
  ErrorOr<Handle> handle = Handle::create(Backend::CPU);
  if (isError(handle)) {
    std::filesystem::remove_all(pattern, code);
    return ErrorObject(handle);
  }
  std::unique_ptr<Subject> subject(
      new Subject(std::move(*handle), std::move(pattern), true));
  std::string unused;
  std::optional<Problem> small = parseProblem("pointwise 8 f32 add", unused);
  ProblemData data = makeData(*small, 1);
  FUSILLI_CHECK_ERROR(ErrorObject(subject->prepare(data, 1)));
  return subject;
}

ErrorOr<std::unique_ptr<Subject>> Subject::open(const std::string &folder) {
  setEnv("FUSILLI_CACHE_DIR", folder.c_str());
  FUSILLI_ASSIGN_OR_RETURN(Handle handle, Handle::create(Backend::CPU));
  return std::unique_ptr<Subject>(
      new Subject(std::move(handle), folder, false));
}

Subject::~Subject() {
  std::error_code code;
  if (removesFolder_)
    std::filesystem::remove_all(folder_, code);
}

void Subject::emptyStore() const {
  std::error_code code;
  for (const auto &entry : std::filesystem::directory_iterator(folder_, code))
    std::filesystem::remove_all(entry.path(), code);
}

ErrorOr<double> Subject::compileTimed(Graph &graph) const {
  double start = nowNs();
  FUSILLI_CHECK_ERROR(graph.compile(handle_));
  return (nowNs() - start) * 1e-6;
}

ErrorOr<double> Subject::compileCold(Graph &graph) const {
  emptyStore();
  return compileTimed(graph);
}

ErrorObject Subject::bind(PreparedProblem &prepared,
                          const ProblemData &data) const {
  prepared.pack.clear();
  const ProblemGraph &graph = prepared.graph;
  ElementType type = data.problem.type;
  // The graph's own extents may be representative ones.
  const std::vector<TensorSpec> specs = inputSpecs(data.problem);
  auto shaped = [&](const TensorSpec &spec) {
    TensorAttr tensor;
    tensor.setDim(spec.dims).setStride(spec.strides);
    return tensor;
  };
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    FUSILLI_ASSIGN_OR_RETURN(
        BufferPtr buffer,
        allocateFor(handle_, type, shaped(specs[i]), data.inputs[i].data()));
    prepared.pack.emplace(graph.inputs[i], std::move(buffer));
  }
  FUSILLI_ASSIGN_OR_RETURN(
      prepared.output,
      allocateFor(handle_, type, shaped(outputSpec(data.problem)), nullptr));
  prepared.pack.emplace(graph.output, prepared.output);
  for (const TensorPtr &statistic : graph.statistics) {
    FUSILLI_ASSIGN_OR_RETURN(BufferPtr buffer,
                             allocateFor(handle_, type, *statistic, nullptr));
    prepared.pack.emplace(statistic, std::move(buffer));
  }
  return ok();
}

ErrorObject Subject::runFirst(PreparedProblem &prepared,
                              const ProblemData &data) const {
  FUSILLI_CHECK_ERROR(bind(prepared, data));
  FUSILLI_ASSIGN_OR_RETURN(
      size_t size, prepared.graph.graph->getWorkspaceSize(prepared.pack));
  prepared.workspace = nullptr;
  if (size > 0) {
    FUSILLI_ASSIGN_OR_RETURN(Buffer buffer, Buffer::allocateRaw(handle_, size));
    prepared.workspace = std::make_shared<Buffer>(std::move(buffer));
  }
  double start = nowNs();
  FUSILLI_CHECK_ERROR(run(prepared));
  prepared.firstUs = (nowNs() - start) * 1e-3;
  return ok();
}

ErrorOr<PreparedProblem> Subject::prepareOnce(const ProblemData &data) {
  PreparedProblem prepared;
  FUSILLI_ASSIGN_OR_RETURN(prepared.graph, buildGraph(data.problem));
  FUSILLI_ASSIGN_OR_RETURN(prepared.coldMs,
                           compileTimed(*prepared.graph.graph));
  FUSILLI_CHECK_ERROR(runFirst(prepared, data));
  return prepared;
}

ErrorOr<PreparedProblem> Subject::prepare(const ProblemData &data, int repeat) {
  PreparedProblem prepared;
  std::vector<double> cold, cached, first;
  for (int i = 0; i < 2 * repeat; ++i) {
    bool isCold = i < repeat;
    FUSILLI_ASSIGN_OR_RETURN(prepared.graph, buildGraph(data.problem));
    Graph &graph = *prepared.graph.graph;
    FUSILLI_ASSIGN_OR_RETURN(double milliseconds,
                             isCold ? compileCold(graph) : compileTimed(graph));
    (isCold ? cold : cached).push_back(milliseconds);
    bool last = i + 1 == 2 * repeat;
    if (!isCold && !last)
      continue;
    FUSILLI_CHECK_ERROR(runFirst(prepared, data));
    first.push_back(prepared.firstUs);
  }
  prepared.coldMs = median(cold);
  prepared.cachedMs = median(cached);
  prepared.firstUs = median(first);
  ErrorOr<std::string> statistics =
      prepared.graph.graph->readCompilationCacheFile(
          CachedAssetsType::Statistics);
  if (isOk(statistics))
    prepared.kernels = kernelsIn(*statistics);
  return prepared;
}

ErrorObject Subject::run(const PreparedProblem &prepared) const {
  return prepared.graph.graph->execute(handle_, prepared.pack,
                                       prepared.workspace);
}

ErrorOr<Explanation> Subject::explain(const PreparedProblem &prepared,
                                      int repeat) const {
  return prepared.graph.graph->explain(handle_, prepared.pack,
                                       prepared.workspace,
                                       static_cast<unsigned>(repeat));
}

ErrorObject Subject::readOutput(const PreparedProblem &prepared,
                                const Problem &problem,
                                BigBuffer &bytes) const {
  auto size =
      static_cast<size_t>(problem.outputElements() * elementSize(problem.type));
  std::vector<int8_t> raw;
  FUSILLI_CHECK_ERROR(prepared.output->read(handle_, raw));
  FUSILLI_RETURN_ERROR_IF(raw.size() < size, ErrorCode::RuntimeFailure,
                          "the output buffer has " +
                              std::to_string(raw.size()) + " bytes, expected " +
                              std::to_string(size));
  bytes = BigBuffer(size);
  FUSILLI_RETURN_ERROR_IF(!bytes, ErrorCode::RuntimeFailure, "out of memory");
  std::memcpy(bytes.data(), raw.data(), size);
  return ok();
}

std::optional<int64_t> kernelsIn(const std::string &statistics) {
  nlohmann::json json = nlohmann::json::parse(statistics, nullptr, false);
  if (!json.is_object() || !json.contains("kernels"))
    return std::nullopt;
  const nlohmann::json &kernels = json["kernels"];
  if (kernels.is_number_integer())
    return kernels.get<int64_t>();
  if (kernels.is_array())
    return static_cast<int64_t>(kernels.size());
  return std::nullopt;
}

} // namespace fusilli::bench
