// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The null-gpu driver: a device as a GPU is one to its runtime (memory that the
// host reaches by transfers only, an asynchronous queue, code of its own kind),
// whose processor is an interpreter. It proves that nothing above the drivers
// asks for more. Not for speed.
#ifndef RUNTIME_HAL_DRIVERS_NULL_GPU_NULL_GPU_DRIVER_H
#define RUNTIME_HAL_DRIVERS_NULL_GPU_NULL_GPU_DRIVER_H

#include "runtime/hal/driver_registry.h"

namespace fusilli::hal {

/// Makes "null-gpu". Static.
DriverFactory &nullGpuDriverFactory();

} // namespace fusilli::hal

#endif // RUNTIME_HAL_DRIVERS_NULL_GPU_NULL_GPU_DRIVER_H
