// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The CPU drivers: "local-sync" runs everything on the calling thread,
// "local-task" spreads large dispatches over the worker pool.
#ifndef RUNTIME_HAL_DRIVERS_CPU_CPU_DRIVER_H
#define RUNTIME_HAL_DRIVERS_CPU_CPU_DRIVER_H

#include "runtime/hal/driver_registry.h"

namespace fusilli::hal {

/// Makes "local-sync" and "local-task". Static.
DriverFactory &cpuDriverFactory();

} // namespace fusilli::hal

#endif // RUNTIME_HAL_DRIVERS_CPU_CPU_DRIVER_H
