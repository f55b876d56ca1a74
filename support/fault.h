// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fault points: places in the runtime where a test can ask for a failure that
// is hard to provoke otherwise. A point that is not armed costs one relaxed
// load; there are none on the execute path.
#ifndef SUPPORT_FAULT_H
#define SUPPORT_FAULT_H

#include "support/status.h"

#include <cstdint>

namespace fusilli {

enum class FaultPoint : uint8_t {
  DriverRegistration,
  DeviceCreation,
  TypeRegistration,
  ModuleState,
  ImportResolution,
  ModuleInit,
  WorkerStart,
  CodeMapping,
  Count
};

/// The next `times` passes of the point fail with `code`; 0 disarms it.
/// Thread-safe.
void armFault(FaultPoint point, uint32_t times = 1,
              StatusCode code = StatusCode::Internal);
/// OK, or the failure that was asked for. Thread-safe.
Status checkFault(FaultPoint point);
/// Failures that the point has given so far. Thread-safe.
uint64_t faultsGiven(FaultPoint point);

} // namespace fusilli

#endif // SUPPORT_FAULT_H
