// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fixture of the conformance suites.
#include "runtime/hal/cts/cts.h"

#include "runtime/hal/drivers/registration.h"

namespace fusilli::hal::cts {

std::vector<Backend> &backends() {
  static std::vector<Backend> all;
  return all;
}

bool addBackend(Backend backend) {
  backends().push_back(std::move(backend));
  return true;
}

StatusOr<Ref<Device>> openDevice(const Backend &backend) {
  FUSILLI_STATUS_RETURN_IF_ERROR(registerAllDriversOnce());
  FUSILLI_STATUS_ASSIGN(
      Ref<Driver> driver,
      DriverRegistry::defaultRegistry().createDriver(backend.driver));
  return driver->createDevice(0, backend.params);
}

ExpectedFailure::ExpectedFailure()
    : reporter_(std::make_unique<::testing::ScopedFakeTestPartResultReporter>(
          ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ALL_THREADS,
          &results_)) {}

void ExpectedFailure::finish(const std::string &reason) {
  reporter_.reset();
  bool failed = false;
  for (int i = 0; i < results_.size(); ++i)
    failed |= results_.GetTestPartResult(i).failed();
  if (!failed)
    ADD_FAILURE() << "passes, but is listed as an expected failure (" << reason
                  << "): take it off the list";
}

void CtsTest::SetUp() {
  const auto *info = ::testing::UnitTest::GetInstance()->current_test_info();
  std::string suite = info->test_suite_name();
  suite = suite.substr(suite.find('/') + 1);
  std::string name = info->name();
  name = name.substr(0, name.find('/'));
  for (const Gap &gap : GetParam().expectedFailures)
    if (gap.test == suite + "." + name)
      gap_ = &gap;
  liveBefore_ = liveObjects();
  auto device = openDevice(GetParam());
  if (device.code() == StatusCode::Unavailable)
    GTEST_SKIP() << device.status().toString();
  ASSERT_TRUE(device.isOk()) << device.status().toString();
  device_ = *std::move(device);
  auto executable = GetParam().makeExecutable(*device_);
  ASSERT_TRUE(executable.isOk()) << executable.status().toString();
  executable_ = *std::move(executable);
  if (gap_ != nullptr) // last: only the body is expected to fail
    expected_ = std::make_unique<ExpectedFailure>();
}

void CtsTest::TearDown() {
  if (expected_)
    expected_->finish(gap_->reason);
  if (!device_)
    return;
  executable_.reset();
  device_.reset();
  EXPECT_EQ(liveObjects(), liveBefore_) << "objects are left alive";
}

Ref<Buffer> CtsTest::makeBuffer(DeviceSize bytes, BufferParams params) {
  auto buffer = device_->allocator().allocate(params, bytes);
  EXPECT_TRUE(buffer.isOk()) << buffer.status().toString();
  return buffer.isOk() ? *std::move(buffer) : Ref<Buffer>();
}

Ref<Buffer> CtsTest::makeFilled(DeviceSize bytes, uint8_t value) {
  Ref<Buffer> buffer = makeBuffer(bytes);
  std::vector<uint8_t> content(bytes, value);
  EXPECT_TRUE(device_->hostToDevice(content.data(), *buffer, 0, bytes).isOk());
  return buffer;
}

std::vector<uint8_t> CtsTest::read(Buffer &buffer) {
  std::vector<uint8_t> content(buffer.byteLength());
  EXPECT_TRUE(
      device_->deviceToHost(buffer, 0, content.data(), content.size()).isOk());
  return content;
}

Ref<CommandBuffer> CtsTest::beginCommands(uint32_t mode) {
  auto commands = device_->createCommandBuffer(mode);
  EXPECT_TRUE(commands.isOk()) << commands.status().toString();
  EXPECT_TRUE((*commands)->begin().isOk());
  return *std::move(commands);
}

Status CtsTest::finishAndRun(CommandBuffer &commands, BindingTable table) {
  FUSILLI_STATUS_RETURN_IF_ERROR(commands.end());
  return device_->execute(commands, table);
}

Status CtsTest::dispatch(CommandBuffer &commands, Kernel kernel,
                         std::initializer_list<BufferRef> bindings, uint32_t x,
                         uint32_t y, uint32_t z, uint32_t flags) {
  DispatchParams params;
  params.executable = executable_.get();
  params.entry = GetParam().entryOf(kernel);
  params.workgroupCount[0] = x;
  params.workgroupCount[1] = y;
  params.workgroupCount[2] = z;
  params.bindings = {bindings.begin(), bindings.size()};
  params.flags = flags;
  return commands.dispatch(params);
}

Ref<Semaphore> CtsTest::makeSemaphore(uint64_t value) {
  auto semaphore = Semaphore::create(value);
  EXPECT_TRUE(semaphore.isOk());
  return *std::move(semaphore);
}

} // namespace fusilli::hal::cts
