// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The null driver in the conformance suite, with all that it does not do: it
// computes nothing, imports nothing and cannot wait.
#include "runtime/hal/cts/cts.h"

namespace fusilli::hal::cts {
namespace {

StatusOr<Ref<Executable>> makeExecutable(Device &device) {
  static constexpr uint8_t code[64] = {};
  EntryParams entries[5];
  constexpr uint32_t bindings[] = {0, 3, 1, 0, 1};
  for (size_t i = 0; i < 5; ++i)
    entries[i].bindingCount = bindings[i];
  ExecutableParams params;
  params.bytes = code;
  params.entries = entries;
  return device.createExecutable(params);
}

Backend makeBackend() {
  const char *noCompute = "the null device computes nothing";
  const char *noImport = "the null device imports nothing";
  const char *noLoad = "the null device looks at no executable";
  const char *noWait = "the null device cannot wait";
  Backend backend;
  backend.name = "null";
  backend.driver = "null";
  backend.makeExecutable = makeExecutable;
  backend.entryOf = [](Kernel kernel) { return static_cast<uint32_t>(kernel); };
  backend.expectedFailures = {
      {"AllocatorTest.ImportReleasesOnceAndIsNotCounted", noImport},
      {"AllocatorTest.ImportOfNothingOrUnknownTypes", noImport},
      {"CommandBufferTest.FillBoundaries", noCompute},
      {"CommandBufferTest.UpdateCapturesItsSource", noCompute},
      {"CommandBufferTest.UpdateBoundaries", noCompute},
      {"CommandBufferTest.CopyWithBarrier", noCompute},
      {"CommandBufferTest.CopyBoundaries", noCompute},
      {"CommandBufferTest.SlotsAreCheckedAtSubmission", noCompute},
      {"CommandBufferTest.UnretainedKeepsNothingAlive", noCompute},
      {"CommandBufferTest.RetainsDirectResources", noCompute},
      {"CommandBufferTest.RotatingBindingTables", noCompute},
      {"CommandBufferTest.TablesAreChecked", noCompute},
      {"DispatchTest.CountTable", noCompute},
      {"DispatchTest.BindingsAreNormalised", noCompute},
      {"IndirectDispatchTest.CountIsReadBehindTheBarrier", noCompute},
      {"IndirectDispatchTest.CountFromTheBindingTable", noCompute},
      {"IndirectDispatchTest.CountIsChecked", noCompute},
      {"DispatchTest.RandomGridsRunEachGroupOnce", noCompute},
      {"DispatchTest.LocalMemoryIsPrivate", noCompute},
      {"DispatchTest.FailureIsReportedAndOthersGoOn", noCompute},
      {"DispatchTest.OneCommandBufferFromManyThreads", noCompute},
      {"ExecutableTest.UnmetRequirementsAreNamed", noLoad},
      {"ExecutableTest.OtherFormatsAreRefused", noLoad},
      {"QueueTest.SignalsAfterTheWork", noCompute},
      {"QueueTest.NullWorkOnlyOrders", noWait},
      {"QueueTest.WaitBeforeSignal", noWait},
      {"QueueTest.LongChainOfPendingSubmissions", noWait},
      {"QueueTest.BindingsAreCapturedAndRetained", noWait},
      {"QueueTest.RotatingTablesInFlight", noWait},
      {"QueueTest.EverythingMayBeReleasedOnceSubmitted", noWait},
      {"QueueTest.InlineWorkTakesNoWaits", noCompute},
      {"QueueTest.AllocaLivesBetweenItsSignals", noWait},
      {"QueueTest.DeallocaOfAnOrdinaryBufferOnlyOrders", noWait},
      {"QueueTest.FailedWaitTravelsToTheSignal", noWait},
      {"QueueTest.KernelFailurePoisonsTheQueueButNotOtherDevices", noCompute},
      {"QueueTest.WaitIdleTimesOut", noWait},
      {"QueueTest.TeardownCancelsWhatStillWaits", noWait},
      {"QueueTest.ManyThreadsSubmit", noCompute},
  };
  return backend;
}

const bool added = addBackend(makeBackend());

} // namespace
} // namespace fusilli::hal::cts
