// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs the network that digits-train saved: an artifact compiled ahead of time
// and its weights. Linked to libfusilli alone; no compiler is loaded, which it
// checks, and its memory stays small, which it checks too.
#include "data_set.h"
#include "machine.h"
#include "model.h"
#include "npy.h"
#include "options.h"

#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>

using namespace digits; // NOLINT: the sample's own names
using fusilli::ErrorCode;
using fusilli::ErrorObject;

static const char kHelp[] =
    "digits-infer: recognises the held-out digits with the network that\n"
    "digits-train saved, without a compiler.\n"
    "  --data FILE      the images [samples/digits/data/digits.txt]\n"
    "  --model FOLDER   what digits-train --out wrote [digits-model]\n"
    "  --seed N         the seed of digits-train [1]\n"
    "  --allow-shared-writable yes|no\n"
    "                   load an artifact that others can write, too [no]\n";

// What the whole process may take on top of its tensors.
static constexpr size_t kMemoryLimit = size_t{32} << 20;

/// Peak memory and mapped files, as promised to who links libfusilli alone.
static ErrorObject checkFootprint(size_t tensorBytes) {
  size_t peak = peakResidentBytes();
  std::printf("peak resident memory %.1f MiB, of that tensors %.2f MiB "
              "(limit: 32 MiB + tensors)\n",
              static_cast<double>(peak) / (1 << 20),
              static_cast<double>(tensorBytes) / (1 << 20));
  FUSILLI_RETURN_ERROR_IF(peak > kMemoryLimit + tensorBytes,
                          ErrorCode::RuntimeFailure,
                          "more memory than promised");
  auto mapped = mappedFiles({"LLVM", "MLIR", "fusilli_compiler"});
  FUSILLI_RETURN_ERROR_IF(!mapped.empty(), ErrorCode::RuntimeFailure,
                          "the process maps " + mapped.front());
  std::printf("no LLVM, MLIR or libfusilli_compiler is mapped\n");
  return fusilli::ok();
}

static ErrorObject run(const Options &options) {
  std::string model = options.at("--model") + "/";
  FUSILLI_ASSIGN_OR_RETURN(int64_t seed,
                           numberOption(options, "--seed", 0, 1 << 30));
  FUSILLI_ASSIGN_OR_RETURN(
      DataSet data,
      readDataSet(options.at("--data"), static_cast<uint64_t>(seed)));
  Shape shape{.batch = static_cast<int64_t>(data.test.size())};
  Noise none(0);
  std::vector<size_t> order(data.test.size());
  for (size_t i = 0; i < order.size(); ++i)
    order[i] = i;
  Batch batch = makeBatch(data.test, order, 0, order.size(), 0, none);

  auto begin = std::chrono::steady_clock::now();
  FUSILLI_ASSIGN_OR_RETURN(auto handle,
                           fusilli::Handle::create(fusilli::Backend::CPU));
  FUSILLI_ASSIGN_OR_RETURN(auto graph, inferGraph(shape));
  FUSILLI_ASSIGN_OR_RETURN(std::vector<uint8_t> artifact,
                           fusilli::readArtifactFile(
                               model + "digits_infer.fusilli",
                               options.at("--allow-shared-writable") == "yes"));
  FUSILLI_CHECK_ERROR(graph->loadFromArtifact(handle, artifact));
  Program program(graph);
  FUSILLI_CHECK_ERROR(program.prepare(handle));
  std::chrono::duration<double, std::milli> loading =
      std::chrono::steady_clock::now() - begin;

  size_t tensorBytes = batch.images.size() * sizeof(float);
  const int64_t in = kPixels, out = kClasses;
  const std::pair<const char *, Dims> weights[] = {{"w1", {in, shape.hidden}},
                                                   {"b1", {1, shape.hidden}},
                                                   {"w2", {shape.hidden, out}},
                                                   {"b2", {1, out}}};
  for (const auto &[name, dims] : weights) {
    FUSILLI_ASSIGN_OR_RETURN(std::vector<float> values,
                             readNpy(model + name + ".npy", dims));
    tensorBytes += values.size() * sizeof(float);
    FUSILLI_ASSIGN_OR_RETURN(BufferPtr buffer,
                             makeBuffer(handle, dims, values));
    FUSILLI_CHECK_ERROR(program.bind(name, buffer));
  }
  FUSILLI_ASSIGN_OR_RETURN(BufferPtr x,
                           makeBuffer(handle, {shape.batch, in}, batch.images));
  std::vector<float> zeros(order.size() * kClasses);
  tensorBytes += zeros.size() * sizeof(float);
  FUSILLI_ASSIGN_OR_RETURN(BufferPtr p,
                           makeBuffer(handle, {shape.batch, out}, zeros));
  FUSILLI_CHECK_ERROR(program.bind("x", x));
  FUSILLI_CHECK_ERROR(program.bind("p", p));
  FUSILLI_CHECK_ERROR(program.run(handle));

  std::vector<float> probabilities;
  FUSILLI_CHECK_ERROR(p->read(handle, probabilities));
  std::vector<int> said = predictions(probabilities);
  size_t right = 0;
  for (size_t i = 0; i < said.size(); ++i)
    right += said[i] == data.test[i].label;
  std::printf("artifact of %zu bytes loaded in %.2f ms; %zu of %zu digits "
              "right (%.2f %%)\n",
              artifact.size(), loading.count(), right, said.size(),
              100.0 * static_cast<double>(right) /
                  static_cast<double>(said.size()));
  FUSILLI_ASSIGN_OR_RETURN(
      std::vector<float> expected,
      readNpy(model + "expected_p.npy", {shape.batch, out}));
  FUSILLI_RETURN_ERROR_IF(
      std::memcmp(expected.data(), probabilities.data(),
                  expected.size() * sizeof(float)) != 0,
      ErrorCode::RuntimeFailure,
      "the probabilities differ from those of digits-train");
  std::printf("every probability is, bit for bit, that of digits-train\n");
  return checkFootprint(tensorBytes);
}

int main(int argc, char **argv) {
  if (argc == 2 && std::strcmp(argv[1], "--help") == 0) {
    std::fputs(kHelp, stdout);
    return 0;
  }
  auto options = parseOptions(argc, argv,
                              {{"--data", "samples/digits/data/digits.txt"},
                               {"--model", "digits-model"},
                               {"--seed", "1"},
                               {"--allow-shared-writable", "no"}});
  ErrorObject error =
      fusilli::isError(options) ? ErrorObject(options) : run(*options);
  if (fusilli::isError(error)) {
    std::cerr << "digits-infer: " << error << "\n";
    return 1;
  }
  return 0;
}
