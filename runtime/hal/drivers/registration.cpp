// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Registration of the drivers in this build; newest, and so preferred, last.
#include "runtime/hal/drivers/registration.h"

#include "runtime/hal/drivers/cpu/cpu_driver.h"
#include "runtime/hal/drivers/null/null_driver.h"
#include "runtime/hal/drivers/null_gpu/null_gpu_driver.h"

#include <atomic>
#include <mutex>

namespace fusilli::hal {

namespace {
std::atomic<int> registrations{0};
}

Status registerAllDrivers(DriverRegistry &registry) {
  DriverFactory *factories[] = {&nullDriverFactory(), &nullGpuDriverFactory(),
                                &cpuDriverFactory()};
  for (size_t i = 0; i < std::size(factories); ++i) {
    Status status = registry.registerFactory(factories[i]);
    if (status.isOk())
      continue;
    while (i-- > 0)
      registry.unregisterFactory(factories[i]).ignore();
    return status;
  }
  return okStatus();
}

Status registerAllDriversOnce() {
  static std::once_flag once;
  // Kept for every later call; never destroyed.
  static Status &result = *new Status();
  std::call_once(once, [] {
    registrations.fetch_add(1);
    result = registerAllDrivers(DriverRegistry::defaultRegistry());
  });
  return result.clone();
}

int driverRegistrationCount() { return registrations.load(); }

} // namespace fusilli::hal
