// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A device to run on.

#ifndef FUSILLI_BACKEND_HANDLE_H
#define FUSILLI_BACKEND_HANDLE_H

#include <fusilli/backend/backend.h>
#include <fusilli/support/export.h>
#include <fusilli/support/logging.h>
#include <fusilli/support/runtime_types.h>

#include <cstdint>
#include <memory>

namespace fusilli {

namespace detail {
struct EngineAccess;
} // namespace detail

/// Wishes for a device; 0 is the default of each.
struct HandleOptions {
  /// Threads that one execute may use, the calling one included, 1 to 1024;
  /// 1 runs everything on the calling thread. CPU only. 0: FUSILLI_NUM_THREADS,
  /// else what affinity and cgroup quota allow; the handles with 0 share their
  /// workers, the others have their own.
  uint32_t numThreads = 0;
};

/// A device and the queue that work is put on.
///
///     FUSILLI_ASSIGN_OR_RETURN(Handle handle, Handle::create(Backend::CPU));
///
/// The process-wide runtime instance is made with the first handle and goes
/// with the last one. One handle may serve many graphs. Thread safety: `create`
/// may be called from several threads at once; a handle is used through const
/// functions only, which are thread-safe.
class FUSILLI_EXPORT Handle {
public:
  /// The default device of `backend`. InternalError for an unknown backend, or
  /// one that this build lacks; RuntimeFailure if the device cannot be opened.
  static ErrorOr<Handle> create(Backend backend);
  /// The same with options; InvalidArgument for one that is out of range or
  /// that the backend does not have.
  static ErrorOr<Handle> create(Backend backend, const HandleOptions &options);
  /// Device `deviceId` of a GPU backend, its default stream. InvalidArgument
  /// for a backend without device numbers (CPU).
  static ErrorOr<Handle> create(Backend backend, int deviceId);
  /// The same on a native stream of the client, 0 for the default stream. Work
  /// is issued in order on that stream.
  static ErrorOr<Handle> create(Backend backend, int deviceId,
                                uintptr_t stream);

  Handle(const Handle &) = delete;
  Handle &operator=(const Handle &) = delete;
  /// The source is left without a device.
  Handle(Handle &&other) noexcept;
  Handle &operator=(Handle &&other) noexcept;
  ~Handle();

  /// The backend that was asked for.
  Backend getBackend() const;

  /// The device, borrowed: it lives as long as this handle. Null after a move.
  operator iree_hal_device_t *() const;

private:
  friend struct detail::EngineAccess;
  struct Impl;
  explicit Handle(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

} // namespace fusilli

#endif // FUSILLI_BACKEND_HANDLE_H
