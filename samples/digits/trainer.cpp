// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiles the graphs once and executes them for each batch. See trainer.h.
#include "trainer.h"
#include "npy.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <numeric>
#include <system_error>
#include <utility>

namespace digits {

using fusilli::CachedAssetsType;
using fusilli::ErrorCode;
using fusilli::ErrorObject;
using fusilli::ErrorOr;
using Clock = std::chrono::steady_clock;
using GraphPtr = std::shared_ptr<fusilli::Graph>;

static double since(Clock::time_point begin, double perSecond) {
  return std::chrono::duration<double>(Clock::now() - begin).count() *
         perSecond;
}

double GraphReport::medianUs() const {
  if (runs.empty())
    return 0;
  std::vector<double> sorted = runs;
  auto middle = sorted.begin() + static_cast<ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  return *middle;
}

/// The number after "kernels" in the compiler's statistics, a JSON object.
static int64_t kernelsIn(const std::string &statistics) {
  size_t key = statistics.find("\"kernels\"");
  size_t colon = key == std::string::npos ? key : statistics.find(':', key);
  return colon == std::string::npos
             ? -1
             : std::strtoll(statistics.c_str() + colon + 1, nullptr, 10);
}

ErrorOr<Trainer> Trainer::create(const fusilli::Handle &handle,
                                 const DataSet &data, TrainOptions options) {
  Trainer trainer(handle, data, options);
  FUSILLI_CHECK_ERROR(trainer.compileAll());
  FUSILLI_CHECK_ERROR(trainer.allocateAll());
  FUSILLI_CHECK_ERROR(trainer.bindAll());
  return fusilli::ok(std::move(trainer));
}

/// Each graph is compiled twice: with nothing in the store, then as a graph
/// just built again, which the store knows. The second one is kept.
ErrorObject Trainer::compileAll() {
  using Build = ErrorOr<GraphPtr> (*)(Shape);
  Shape batch = options_.shape;
  Shape test{.batch = static_cast<int64_t>(data_.test.size()),
             .hidden = batch.hidden};
  auto hidden = static_cast<double>(batch.hidden);
  double layer1 = 2.0 * kPixels * hidden, layer2 = 2.0 * hidden * kClasses;
  auto images = static_cast<double>(batch.batch);
  struct Row {
    Build build;
    Shape shape;
    double flops;
  };
  const Row rows[kStages] = {
      {forwardGraph, batch, images * (layer1 + layer2)},
      {backwardGraph, batch, images * (layer1 + 2 * layer2)},
      {updateGraph, batch, 0},
      {inferGraph, test, static_cast<double>(test.batch) * (layer1 + layer2)}};
  for (const Row &row : rows) {
    GraphReport report;
    report.flops = row.flops;
    {
      FUSILLI_ASSIGN_OR_RETURN(GraphPtr first, row.build(row.shape));
      report.name = first->getName();
      auto begin = Clock::now();
      FUSILLI_CHECK_ERROR(first->compile(handle_, /*remove=*/true));
      report.coldMs = since(begin, 1e3);
      FUSILLI_ASSIGN_OR_RETURN(
          std::string statistics,
          first->readCompilationCacheFile(CachedAssetsType::Statistics));
      report.kernels = kernelsIn(statistics);
    }
    FUSILLI_ASSIGN_OR_RETURN(GraphPtr second, row.build(row.shape));
    Program program(second);
    auto begin = Clock::now();
    FUSILLI_CHECK_ERROR(program.compile(handle_));
    report.cachedMs = since(begin, 1e3);
    programs_.push_back(std::move(program));
    reports_.push_back(std::move(report));
  }
  return fusilli::ok();
}

ErrorObject Trainer::allocateAll() {
  Parameters first =
      initialParameters(options_.shape.hidden, options_.seed + 1);
  int64_t in = kPixels, out = kClasses;
  int64_t batch = options_.shape.batch, hidden = options_.shape.hidden;
  auto test = static_cast<int64_t>(data_.test.size());
  std::vector<size_t> order(data_.test.size());
  std::iota(order.begin(), order.end(), size_t{0});
  Noise none(0);
  Batch held = makeBatch(data_.test, order, 0, order.size(), 0, none);

  struct Row {
    const char *name;
    Dims dims;
    const std::vector<float> *values; // null: zeros
  };
  const Row rows[] = {
      {"w1", {in, hidden}, &first.w1},  {"b1", {1, hidden}, &first.b1},
      {"w2", {hidden, out}, &first.w2}, {"b2", {1, out}, &first.b2},
      {"dw1", {in, hidden}, nullptr},   {"db1", {1, hidden}, nullptr},
      {"dw2", {hidden, out}, nullptr},  {"db2", {1, out}, nullptr},
      {"a1", {batch, hidden}, nullptr}, {"p", {batch, out}, nullptr},
      {"loss", {1, 1}, nullptr},        {"test_x", {test, in}, &held.images},
      {"test_p", {test, out}, nullptr}};
  for (const Row &row : rows) {
    size_t count = 1;
    for (int64_t dim : row.dims)
      count *= static_cast<size_t>(dim);
    FUSILLI_ASSIGN_OR_RETURN(
        buffers_[row.name],
        makeBuffer(handle_, row.dims,
                   row.values ? *row.values : std::vector<float>(count)));
  }
  return fusilli::ok();
}

ErrorObject Trainer::bindAll() {
  FUSILLI_CHECK_ERROR(programs_[kForward].bind(buffers_, {{"w1", "w1"},
                                                          {"b1", "b1"},
                                                          {"w2", "w2"},
                                                          {"b2", "b2"},
                                                          {"a1", "a1"},
                                                          {"p", "p"},
                                                          {"loss", "loss"}}));
  FUSILLI_CHECK_ERROR(programs_[kBackward].bind(buffers_, {{"p", "p"},
                                                           {"a1", "a1"},
                                                           {"a1_t", "a1"},
                                                           {"w2_t", "w2"},
                                                           {"dw1", "dw1"},
                                                           {"db1", "db1"},
                                                           {"dw2", "dw2"},
                                                           {"db2", "db2"}}));
  // In place: w1_new is written over w1.
  for (const char *name : {"w1", "b1", "w2", "b2"}) {
    std::string value = name;
    FUSILLI_CHECK_ERROR(programs_[kUpdate].bind(
        buffers_,
        {{value, value}, {"d" + value, "d" + value}, {value + "_new", value}}));
  }
  return programs_[kInfer].bind(buffers_, {{"w1", "w1"},
                                           {"b1", "b1"},
                                           {"w2", "w2"},
                                           {"b2", "b2"},
                                           {"x", "test_x"},
                                           {"p", "test_p"}});
}

ErrorObject Trainer::feed(const Batch &batch) {
  int64_t count = options_.shape.batch;
  FUSILLI_ASSIGN_OR_RETURN(BufferPtr x,
                           makeBuffer(handle_, {count, kPixels}, batch.images));
  FUSILLI_ASSIGN_OR_RETURN(
      BufferPtr t, makeBuffer(handle_, {count, kClasses}, batch.answers));
  FUSILLI_CHECK_ERROR(programs_[kForward].bind("x", x));
  FUSILLI_CHECK_ERROR(programs_[kForward].bind("t", t));
  FUSILLI_CHECK_ERROR(programs_[kBackward].bind("x_t", x));
  return programs_[kBackward].bind("t", t);
}

ErrorObject Trainer::timedRun(Stage stage) {
  auto begin = Clock::now();
  FUSILLI_CHECK_ERROR(programs_[stage].run(handle_));
  reports_[stage].runs.push_back(since(begin, 1e6));
  return fusilli::ok();
}

/// Forward, backward, update; gives the batch's loss.
ErrorOr<double> Trainer::step(const Batch &batch) {
  FUSILLI_CHECK_ERROR(feed(batch));
  for (Stage stage : {kForward, kBackward, kUpdate})
    FUSILLI_CHECK_ERROR(timedRun(stage));
  std::vector<float> loss;
  FUSILLI_CHECK_ERROR(buffers_["loss"]->read(handle_, loss));
  FUSILLI_RETURN_ERROR_IF(loss.size() != 1 || !(loss[0] >= 0),
                          ErrorCode::RuntimeFailure,
                          "the loss is not a number");
  return static_cast<double>(loss[0]);
}

ErrorObject
Trainer::train(const std::function<void(const EpochResult &)> &progress) {
  Noise source(options_.seed + 2);
  auto batch = static_cast<size_t>(options_.shape.batch);
  size_t steps = data_.train.size() / batch;
  for (int epoch = 0; epoch < options_.epochs; ++epoch) {
    float left =
        1.0f - static_cast<float>(epoch) / static_cast<float>(options_.epochs);
    FUSILLI_ASSIGN_OR_RETURN(
        BufferPtr rate, makeBuffer(handle_, {1, 1}, {options_.rate * left}));
    FUSILLI_CHECK_ERROR(programs_[kUpdate].bind("rate", rate));
    std::vector<size_t> order = shuffled(data_.train.size(), source);
    EpochResult result{.epoch = epoch + 1};
    for (size_t i = 0; i < steps; ++i) {
      Batch next = makeBatch(data_.train, order, i * batch, batch,
                             options_.noise, source);
      FUSILLI_ASSIGN_OR_RETURN(double loss, step(next));
      result.loss += loss / static_cast<double>(steps);
    }
    FUSILLI_ASSIGN_OR_RETURN(std::vector<float> p, evaluate());
    std::vector<int> said = predictions(p);
    for (size_t i = 0; i < said.size(); ++i)
      result.accuracy += said[i] == data_.test[i].label;
    result.accuracy /= static_cast<double>(said.size());
    progress(result);
  }
  return fusilli::ok();
}

ErrorOr<std::vector<float>> Trainer::evaluate() {
  FUSILLI_CHECK_ERROR(timedRun(kInfer));
  std::vector<float> probabilities;
  FUSILLI_CHECK_ERROR(buffers_["test_p"]->read(handle_, probabilities));
  return fusilli::ok(std::move(probabilities));
}

ErrorObject Trainer::save(const std::string &folder,
                          const std::vector<float> &probabilities) {
  std::error_code code;
  // The artifact is code: nobody else may put another in its place.
  if (std::filesystem::create_directories(folder, code))
    std::filesystem::permissions(folder,
                                 std::filesystem::perms::group_write |
                                     std::filesystem::perms::others_write,
                                 std::filesystem::perm_options::remove, code);
  FUSILLI_RETURN_ERROR_IF(code, ErrorCode::FileSystemFailure,
                          "cannot make " + folder + ": " + code.message());
  FUSILLI_ASSIGN_OR_RETURN(
      std::vector<uint8_t> artifact,
      programs_[kInfer].graph().compileToArtifact(fusilli::Backend::CPU,
                                                  /*remove=*/true));
  FUSILLI_CHECK_ERROR(
      fusilli::writeArtifactFile(folder + "/digits_infer.fusilli", artifact));
  int64_t hidden = options_.shape.hidden, in = kPixels, out = kClasses;
  const std::pair<const char *, Dims> weights[] = {{"w1", {in, hidden}},
                                                   {"b1", {1, hidden}},
                                                   {"w2", {hidden, out}},
                                                   {"b2", {1, out}}};
  for (const auto &[name, dims] : weights) {
    std::vector<float> values;
    FUSILLI_CHECK_ERROR(buffers_[name]->read(handle_, values));
    FUSILLI_CHECK_ERROR(writeNpy(folder + "/" + name + ".npy", dims, values));
  }
  return writeNpy(folder + "/expected_p.npy",
                  {static_cast<int64_t>(data_.test.size()), out},
                  probabilities);
}

} // namespace digits
