// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Registers every driver that this build has.
#ifndef RUNTIME_HAL_DRIVERS_REGISTRATION_H
#define RUNTIME_HAL_DRIVERS_REGISTRATION_H

#include "runtime/hal/driver_registry.h"

namespace fusilli::hal {

/// Registers "null", "null-gpu", "local-sync" and "local-task" with a registry.
/// On failure nothing stays registered.
Status registerAllDrivers(DriverRegistry &registry);

/// The same for the default registry, once per process; survives the
/// destruction of all instances. A failure is kept: every later call gives a
/// copy of it. Thread-safe.
Status registerAllDriversOnce();

/// How often the registration of the default registry has run (0 or 1).
int driverRegistrationCount();

} // namespace fusilli::hal

#endif // RUNTIME_HAL_DRIVERS_REGISTRATION_H
