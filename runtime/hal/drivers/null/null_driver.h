// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The null driver: every method present, nothing computed. Template for new
// drivers, and a device for tests of lifetimes and for measuring overheads.
#ifndef RUNTIME_HAL_DRIVERS_NULL_NULL_DRIVER_H
#define RUNTIME_HAL_DRIVERS_NULL_NULL_DRIVER_H

#include "runtime/hal/driver_registry.h"

namespace fusilli::hal {

/// Makes "null". Static. Buffers and transfers work; executables are not
/// looked at; submissions complete at once and change no memory. Imports are
/// Unavailable; a submission that would have to wait is Unimplemented.
DriverFactory &nullDriverFactory();

} // namespace fusilli::hal

#endif // RUNTIME_HAL_DRIVERS_NULL_NULL_DRIVER_H
