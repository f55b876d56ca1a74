// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Trains a small network on handwritten digits; forward, backward and update
// are Fusilli graphs, each compiled once. Prints progress, draws some digits,
// sums up what was compiled and how fast it ran, and saves the network for
// digits-infer.
#include "data_set.h"
#include "drawing.h"
#include "machine.h"
#include "model.h"
#include "options.h"
#include "trainer.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

using namespace digits; // NOLINT: the sample's own names
using fusilli::ErrorCode;
using fusilli::ErrorObject;
using Clock = std::chrono::steady_clock;

static const char kHelp[] =
    "digits-train: trains a perceptron of two layers on handwritten digits.\n"
    "  --data FILE      the images [samples/digits/data/digits.txt]\n"
    "  --out FOLDER     where the network goes [digits-model]\n"
    "  --epochs N       passes over the images [60]\n"
    "  --seed N         of split, weights, order and noise [1]\n"
    "  --require P      fail below P per cent of held-out digits right [96]\n";

namespace {

/// A cache folder for this process alone, so that "cold" means cold.
class OwnCache {
public:
  OwnCache() {
    std::error_code code;
    std::string path =
        (std::filesystem::temp_directory_path(code) / "digits-XXXXXX").string();
    if (!code && mkdtemp(path.data())) {
      path_ = path;
      fusilli::setEnv("FUSILLI_CACHE_DIR", path_.c_str());
    }
  }
  ~OwnCache() {
    std::error_code ignored;
    if (!path_.empty())
      std::filesystem::remove_all(path_, ignored);
  }
  OwnCache(const OwnCache &) = delete;
  OwnCache &operator=(const OwnCache &) = delete;
  bool isValid() const { return !path_.empty(); }

private:
  std::string path_;
};

} // namespace

/// A graph of one addition: what it takes beyond the others is the loading of
/// the compiler, which the first compilation of a process does.
static ErrorObject warmUp(const fusilli::Handle &handle) {
  using fusilli::PointwiseAttr;
  using fusilli::TensorAttr;
  auto begin = Clock::now();
  fusilli::Graph graph;
  graph.setName("digits_warm_up").setIODataType(fusilli::DataType::Float);
  auto x = graph.tensor(TensorAttr().setName("x").setDim({4}).setStride({1}));
  auto attr = PointwiseAttr().setMode(PointwiseAttr::Mode::ADD);
  graph.pointwise(x, x, attr)->setName("y").setOutput(true);
  FUSILLI_CHECK_ERROR(graph.validate());
  FUSILLI_CHECK_ERROR(graph.compile(handle, /*remove=*/true));
  std::chrono::duration<double, std::milli> time = Clock::now() - begin;
  std::printf("compiler loaded and first graph compiled in %.1f ms\n",
              time.count());
  return fusilli::ok();
}

static void printDigits(const std::vector<Digit> &digits,
                        const std::vector<int> &said) {
  std::vector<size_t> which, wrong;
  for (size_t i = 0; i < said.size(); ++i) {
    bool right = said[i] == digits[i].label;
    if (right && which.size() < 5)
      which.push_back(i);
    else if (!right && wrong.size() < 5)
      wrong.push_back(i);
  }
  std::printf("\nheld-out digits:\n%s",
              drawDigits(digits, which, said).c_str());
  if (!wrong.empty())
    std::printf("\nand some it got wrong:\n%s",
                drawDigits(digits, wrong, said).c_str());
}

static void printTable(const std::vector<GraphReport> &reports, double peak,
                       int threads) {
  std::printf("\n%-16s %8s %10s %12s %10s %9s %8s\n", "graph", "kernels",
              "compile ms", "cached ms", "us a run", "GFLOP/s", "of peak");
  double step = 0;
  for (const GraphReport &report : reports) {
    double time = report.medianUs();
    std::printf("%-16s %8lld %10.2f %12.2f %10.1f ", report.name.c_str(),
                static_cast<long long>(report.kernels), report.coldMs,
                report.cachedMs, time);
    if (report.flops > 0 && time > 0)
      std::printf("%9.1f %7.1f%%\n", report.flops / time * 1e-3,
                  report.flops / time * 1e-3 / peak * 100);
    else
      std::printf("%9s %8s\n", "-", "-");
    if (report.name != "digits_infer")
      step += time;
  }
  std::printf("one training step (forward, backward, update): %.1f us\n", step);
  std::printf(
      "peak: %.1f GFLOP/s of f32 multiply-adds on %d thread%s, measured "
      "here; GFLOP/s count the matmuls only\n",
      peak, threads, threads == 1 ? "" : "s");
}

static int threadCount() {
  const char *text = std::getenv("FUSILLI_NUM_THREADS");
  int given = text ? std::atoi(text) : 0;
  return given > 0 ? given : usableCpus();
}

static ErrorObject run(const Options &options) {
  OwnCache cache;
  FUSILLI_RETURN_ERROR_IF(!cache.isValid(), ErrorCode::FileSystemFailure,
                          "cannot make a temporary folder");
  TrainOptions train;
  FUSILLI_ASSIGN_OR_RETURN(int64_t epochs,
                           numberOption(options, "--epochs", 1, 10000));
  FUSILLI_ASSIGN_OR_RETURN(int64_t seed,
                           numberOption(options, "--seed", 0, 1 << 30));
  FUSILLI_ASSIGN_OR_RETURN(int64_t wanted,
                           numberOption(options, "--require", 0, 100));
  train.epochs = static_cast<int>(epochs);
  train.seed = static_cast<uint64_t>(seed);
  FUSILLI_ASSIGN_OR_RETURN(DataSet data,
                           readDataSet(options.at("--data"), train.seed));
  std::printf("%zu digits to train on, %zu held out; 64 pixels, %lld hidden "
              "units, 10 classes\n",
              data.train.size(), data.test.size(),
              static_cast<long long>(train.shape.hidden));
  int threads = threadCount();
  double peak = measurePeakGflops(threads);

  FUSILLI_ASSIGN_OR_RETURN(auto handle,
                           fusilli::Handle::create(fusilli::Backend::CPU));
  FUSILLI_CHECK_ERROR(warmUp(handle));
  FUSILLI_ASSIGN_OR_RETURN(Trainer trainer,
                           Trainer::create(handle, data, train));
  EpochResult last;
  auto begin = Clock::now();
  FUSILLI_CHECK_ERROR(trainer.train([&](const EpochResult &result) {
    last = result;
    if (result.epoch % 5 == 0 || result.epoch == 1)
      std::printf("epoch %3d   loss %.4f   held-out accuracy %.2f %%\n",
                  result.epoch, result.loss, result.accuracy * 100);
    std::fflush(stdout);
  }));
  std::chrono::duration<double> time = Clock::now() - begin;
  std::printf("trained %d epochs in %.2f s\n", train.epochs, time.count());

  FUSILLI_ASSIGN_OR_RETURN(std::vector<float> probabilities,
                           trainer.evaluate());
  printDigits(data.test, predictions(probabilities));
  printTable(trainer.reports(), peak, threads);
  FUSILLI_CHECK_ERROR(trainer.save(options.at("--out"), probabilities));
  std::printf("saved artifact and weights in %s\n",
              options.at("--out").c_str());
  FUSILLI_RETURN_ERROR_IF(
      last.accuracy * 100 < static_cast<double>(wanted),
      ErrorCode::RuntimeFailure,
      "held-out accuracy is " + std::to_string(last.accuracy * 100) +
          " %, expected at least " + std::to_string(wanted) + " %");
  return fusilli::ok();
}

int main(int argc, char **argv) {
  if (argc == 2 && std::strcmp(argv[1], "--help") == 0) {
    std::fputs(kHelp, stdout);
    return 0;
  }
  auto options = parseOptions(argc, argv,
                              {{"--data", "samples/digits/data/digits.txt"},
                               {"--out", "digits-model"},
                               {"--epochs", "60"},
                               {"--seed", "1"},
                               {"--require", "96"}});
  ErrorObject error =
      fusilli::isError(options) ? ErrorObject(options) : run(*options);
  if (fusilli::isError(error)) {
    std::cerr << "digits-train: " << error << "\n";
    return 1;
  }
  return 0;
}
