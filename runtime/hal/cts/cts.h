// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The conformance suite: each suite is compiled once and runs on every backend
// that is linked in. A driver adds itself with one file, cts_backend.cpp. A
// device that the machine lacks is a skip; what a backend does not pass yet is
// listed, runs all the same, and must fail.
#ifndef RUNTIME_HAL_CTS_CTS_H
#define RUNTIME_HAL_CTS_CTS_H

#include "runtime/hal/buffer_view.h"
#include "runtime/hal/driver_registry.h"

#include <cstdint>
#include <functional>
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

namespace fusilli::hal::cts {

/// A test that a backend does not pass, and why.
struct Gap {
  std::string test; ///< "Suite.Case" without the parameter
  std::string reason;
};

/// Test kernels as the suite knows them; a backend maps them to its entries.
enum class Kernel : uint32_t {
  Nop,   ///< no bindings
  Add,   ///< (out, a, b): out[i] = a[i] + b[i] per workgroup, f32
  Count, ///< (cells): cells[i] += 1 per workgroup, u32
  Fail,  ///< no bindings; fails
  Local, ///< (out): out[i] = 2 * i through local memory, u32
};

struct Backend {
  std::string name; ///< "local_task_4"; in test names
  std::string driver;
  DeviceParams params;
  /// These run and must fail: one that passes is reported as a failure, so
  /// that the list stays true.
  std::vector<Gap> expectedFailures;
  /// The executable of the test kernels and the entry of a kernel.
  std::function<StatusOr<Ref<Executable>>(Device &)> makeExecutable;
  std::function<uint32_t(Kernel)> entryOf;
  /// What executables of this device look like; empty for a device that loads
  /// anything.
  std::string format;
  std::vector<uint8_t> requirements;
  /// Requirements that no such device meets, and what the refusal names.
  std::vector<uint8_t> unmetRequirements;
  std::string unmetName;
};

std::vector<Backend> &backends();
/// `static const bool added = addBackend({...});` in cts_backend.cpp.
bool addBackend(Backend backend);

/// A device of the backend. Unavailable, from the driver or the device: this
/// machine lacks it.
StatusOr<Ref<Device>> openDevice(const Backend &backend);

/// Takes the failures of a test, of all its threads, until `finish`.
class ExpectedFailure {
public:
  ExpectedFailure();
  /// Reports a failure of its own when nothing has failed.
  void finish(const std::string &reason);

private:
  ::testing::TestPartResultArray results_;
  // Behind `results_`: writes into it.
  std::unique_ptr<::testing::ScopedFakeTestPartResultReporter> reporter_;
};

/// Base of all suites: a fresh device per test; checks at the end that nothing
/// of the test is alive.
class CtsTest : public ::testing::TestWithParam<Backend> {
protected:
  void SetUp() override;
  void TearDown() override;

  Ref<Buffer> makeBuffer(DeviceSize bytes, BufferParams params = {});
  Ref<Buffer> makeFilled(DeviceSize bytes, uint8_t value);
  std::vector<uint8_t> read(Buffer &buffer);
  Ref<CommandBuffer> beginCommands(uint32_t mode = kCommandBufferReusable);
  /// Ends and runs it.
  Status finishAndRun(CommandBuffer &commands, BindingTable table = {});
  Status dispatch(CommandBuffer &commands, Kernel kernel,
                  std::initializer_list<BufferRef> bindings, uint32_t x,
                  uint32_t y = 1, uint32_t z = 1,
                  uint32_t flags = kDispatchNone);
  Ref<Semaphore> makeSemaphore(uint64_t value = 0);

  Ref<Device> device_;
  Ref<Executable> executable_;

private:
  int64_t liveBefore_ = 0;
  const Gap *gap_ = nullptr; // Borrowed: of the backend.
  std::unique_ptr<ExpectedFailure> expected_;
};

/// At the end of each suite's file: runs it on every backend.
#define FUSILLI_CTS_SUITE(suite)                                               \
  GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(suite);                        \
  INSTANTIATE_TEST_SUITE_P(                                                    \
      Cts, suite, ::testing::ValuesIn(::fusilli::hal::cts::backends()),        \
      [](const auto &info) { return info.param.name; })

} // namespace fusilli::hal::cts

#endif // RUNTIME_HAL_CTS_CTS_H
