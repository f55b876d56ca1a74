// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The machine under the benchmark: its name and features, the CPUs that the
// process may use, pinning of threads, waiting until other threads sleep, and
// large zeroed buffers on 2 MB pages.
#ifndef BENCHMARKS_MACHINE_H
#define BENCHMARKS_MACHINE_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace fusilli::bench {

/// Feature bits as in artifact/cpu_features.inc, where CPU and kernel have
/// them.
uint64_t cpuFeatureBits();

/// LLVM names of the features of cpuFeatureBits().
std::vector<std::string> cpuFeatureNames();

/// True where the named feature of artifact/cpu_features.inc is present.
bool hasFeature(const char *llvmName);

/// Model name of the CPU.
std::string cpuName();

/// CPUs in the affinity mask that the process started with, ascending. The
/// first call must come before anything is pinned.
const std::vector<int> &startCpus();

/// Pins the calling thread to one of startCpus() (index modulo their count).
void pinThisThread(int index);

/// Lets the calling thread run on all of startCpus().
void unpinThisThread();

/// Pins the threads of the process that no call has pinned before: the main
/// thread to the first CPU, the others to the second and on. To be called after
/// each worker pool has started, so that pools share the CPUs alike.
void pinNewThreads();

/// Waits, up to a tenth of a second, until all other threads of the process
/// sleep.
void waitForQuietThreads();

/// Peak resident memory of the process in bytes.
size_t peakResidentBytes();

/// Zeroed memory, aligned to 2 MB, on large pages where the kernel has them,
/// every page touched.
class BigBuffer {
public:
  BigBuffer() = default;
  explicit BigBuffer(size_t bytes);

  char *data() const { return data_.get(); }
  size_t size() const { return size_; }
  template <typename T> T *as() const {
    return reinterpret_cast<T *>(data_.get());
  }
  explicit operator bool() const { return data_ != nullptr; }

private:
  struct Unmap {
    size_t bytes;
    void operator()(char *data) const;
  };
  std::unique_ptr<char, Unmap> data_;
  size_t size_ = 0;
};

} // namespace fusilli::bench

#endif // BENCHMARKS_MACHINE_H
