// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Training: the graphs, their buffers, and the loop over batches.
#ifndef SAMPLES_DIGITS_TRAINER_H
#define SAMPLES_DIGITS_TRAINER_H

#include "data_set.h"
#include "model.h"

#include <fusilli.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace digits {

/// What is known of one compiled graph, for the table at the end.
struct GraphReport {
  std::string name;
  int64_t kernels = 0;      // after fusion
  double coldMs = 0;        // compile with nothing in the store
  double cachedMs = 0;      // the same, found in the store
  double flops = 0;         // of its matmuls, for one run
  std::vector<double> runs; // microseconds of each run
  double medianUs() const;
};

struct TrainOptions {
  Shape shape;
  int epochs = 60;
  float rate = 0.3f;  // of the first epoch, falls to 0 linearly
  float noise = 0.5f; // added to the images of each batch
  uint64_t seed = 1;
};

struct EpochResult {
  int epoch = 0;
  double loss = 0;     // mean over the epoch's batches
  double accuracy = 0; // of the held-out images
};

/// One training: create it, `train`, then look at the results.
class Trainer {
public:
  /// Builds and compiles the graphs and puts the first weights on the device.
  static fusilli::ErrorOr<Trainer> create(const fusilli::Handle &handle,
                                          const DataSet &data,
                                          TrainOptions options);

  /// All epochs; `progress` is told of each.
  fusilli::ErrorObject
  train(const std::function<void(const EpochResult &)> &progress);

  /// Probabilities [held-out images, 10] under the present weights.
  fusilli::ErrorOr<std::vector<float>> evaluate();

  /// Saves artifact, weights and `probabilities` for digits-infer.
  fusilli::ErrorObject save(const std::string &folder,
                            const std::vector<float> &probabilities);

  const std::vector<GraphReport> &reports() const { return reports_; }

private:
  enum Stage { kForward, kBackward, kUpdate, kInfer, kStages };

  Trainer(const fusilli::Handle &handle, const DataSet &data,
          TrainOptions options)
      : handle_(handle), data_(data), options_(options) {}
  fusilli::ErrorObject compileAll();
  fusilli::ErrorObject allocateAll();
  fusilli::ErrorObject bindAll();
  fusilli::ErrorObject feed(const Batch &batch);
  fusilli::ErrorObject timedRun(Stage stage);
  fusilli::ErrorOr<double> step(const Batch &batch);

  const fusilli::Handle &handle_; // Borrowed: outlives the trainer.
  const DataSet &data_;           // Borrowed: outlives the trainer.
  TrainOptions options_;
  std::vector<Program> programs_; // by Stage
  std::vector<GraphReport> reports_;
  Buffers buffers_;
};

} // namespace digits

#endif // SAMPLES_DIGITS_TRAINER_H
