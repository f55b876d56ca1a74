// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where the time goes: a trace of compiles, loads, executes and dispatches.

#ifndef FUSILLI_SUPPORT_TRACE_H
#define FUSILLI_SUPPORT_TRACE_H

#include <fusilli/support/export.h>
#include <fusilli/support/logging.h>

#include <cstddef>
#include <string>

namespace fusilli {

/// Starts recording spans of all threads of the process, the workers' too, into
/// memory for `capacity` of them (88 bytes each); later spans are counted and
/// dropped. Off, as at the start of a process, a span costs one load.
/// FUSILLI_TRACE=FILE records from the first handle to the end of the process.
/// InternalError when a trace is being recorded already; InvalidArgument for a
/// capacity above 2^26; RuntimeFailure when out of memory. Thread-safe.
FUSILLI_EXPORT ErrorObject startTrace(size_t capacity = size_t{1} << 17);

/// Ends the recording and writes it as Chrome trace JSON, which Perfetto opens.
/// Spans that are still open are left out. InternalError when nothing is
/// recorded; FileSystemFailure when the file cannot be written, and the
/// recording is lost. Thread-safe.
FUSILLI_EXPORT ErrorObject stopTrace(const std::string &path);

} // namespace fusilli

#endif // FUSILLI_SUPPORT_TRACE_H
