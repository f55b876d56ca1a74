// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loads any form of a program and runs it on a device.
#ifndef TOOLS_FUSILLI_RUN_RUNNER_H
#define TOOLS_FUSILLI_RUN_RUNNER_H

#include "engine/explain.h"
#include "engine/program.h"
#include "fusilli/support/logging.h"
#include "tools/fusilli-run/tensor_data.h"

#include <memory>
#include <string>
#include <vector>

namespace fusilli::run {

/// Artifact bytes for a file: an artifact as it is, if nobody else can write it
/// or `allowSharedWritable`; GraphDef bytes, GraphDef JSON or program text
/// through the compiler and its cache.
ErrorOr<std::vector<uint8_t>> artifactOf(const std::string &path,
                                         bool allowSharedWritable);

/// A program and a device of `threads` threads (0: the default).
/// Thread safety: externally synchronised.
class Runner {
public:
  static ErrorOr<std::unique_ptr<Runner>>
  create(const std::vector<uint8_t> &artifact, uint32_t threads);

  const std::vector<Tensor> &signature() const { return signature_; }
  const fbs::Artifact &artifact() const { return program_->artifact(); }
  uint32_t threads() const { return device_->concurrency(); }

  /// What the program does, kernel by kernel.
  Explanation explain(const std::string &name) const;
  /// The same with the median time of each kernel over `repeat` runs.
  ErrorOr<Explanation> explain(const std::string &name,
                               std::vector<std::vector<uint8_t>> &contents,
                               unsigned repeat);

  /// Contents of all arguments in signature order, outputs empty or a size that
  /// fits. On return outputs hold the results. Runs `repeat` times and gives
  /// the median time in microseconds.
  ErrorOr<double> run(std::vector<std::vector<uint8_t>> &contents,
                      unsigned repeat);

private:
  /// Buffers of one call.
  struct Call {
    std::vector<Ref<hal::BufferView>> views;
    Ref<hal::Buffer> workspace;
    std::vector<RefObject *> arguments;
  };
  Runner() = default;
  ErrorOr<Call> makeCall(std::vector<std::vector<uint8_t>> &contents);
  Ref<vm::Instance> instance_;
  Ref<hal::Device> device_;
  Ref<hal::DeviceGroup> devices_;
  std::unique_ptr<engine::Program> program_;
  std::vector<Tensor> signature_;
};

} // namespace fusilli::run

#endif // TOOLS_FUSILLI_RUN_RUNNER_H
