// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Failure records behind Status.
#include "support/status.h"

#include <atomic>
#include <new>

namespace fusilli {

namespace {

// Aligned so that its address leaves the low 5 bits for the code.
struct alignas(32) Record {
  std::string message;
  const char *file;
  uint32_t line;
};

std::atomic<int64_t> liveRecords{0};

Record *recordOf(uintptr_t rep) {
  return reinterpret_cast<Record *>(rep & ~Status::kCodeMask);
}

uintptr_t makeRep(StatusCode code, std::string &&message, const char *file,
                  uint32_t line) {
  auto *record = new (std::nothrow) Record{std::move(message), file, line};
  if (record != nullptr)
    liveRecords.fetch_add(1, std::memory_order_relaxed);
  return reinterpret_cast<uintptr_t>(record) | static_cast<uintptr_t>(code);
}

} // namespace

int64_t liveStatusRecords() {
  return liveRecords.load(std::memory_order_relaxed);
}

std::string_view statusCodeName(StatusCode code) {
  switch (code) {
  case StatusCode::Ok:
    return "OK";
  case StatusCode::Cancelled:
    return "CANCELLED";
  case StatusCode::Unknown:
    return "UNKNOWN";
  case StatusCode::InvalidArgument:
    return "INVALID_ARGUMENT";
  case StatusCode::DeadlineExceeded:
    return "DEADLINE_EXCEEDED";
  case StatusCode::NotFound:
    return "NOT_FOUND";
  case StatusCode::AlreadyExists:
    return "ALREADY_EXISTS";
  case StatusCode::PermissionDenied:
    return "PERMISSION_DENIED";
  case StatusCode::ResourceExhausted:
    return "RESOURCE_EXHAUSTED";
  case StatusCode::FailedPrecondition:
    return "FAILED_PRECONDITION";
  case StatusCode::Aborted:
    return "ABORTED";
  case StatusCode::OutOfRange:
    return "OUT_OF_RANGE";
  case StatusCode::Unimplemented:
    return "UNIMPLEMENTED";
  case StatusCode::Internal:
    return "INTERNAL";
  case StatusCode::Unavailable:
    return "UNAVAILABLE";
  case StatusCode::DataLoss:
    return "DATA_LOSS";
  case StatusCode::Unauthenticated:
    return "UNAUTHENTICATED";
  case StatusCode::Deferred:
    return "DEFERRED";
  case StatusCode::Incompatible:
    return "INCOMPATIBLE";
  }
  return "UNKNOWN";
}

Status Status::make(StatusCode code, std::string_view message,
                    std::source_location where) {
  if (code == StatusCode::Ok)
    return Status();
  return adopt(
      makeRep(code, std::string(message), where.file_name(), where.line()));
}

std::string_view Status::message() const noexcept {
  return rep_ > kCodeMask ? std::string_view(recordOf(rep_)->message)
                          : std::string_view();
}

const char *Status::file() const noexcept {
  return rep_ > kCodeMask ? recordOf(rep_)->file : "";
}

uint32_t Status::line() const noexcept {
  return rep_ > kCodeMask ? recordOf(rep_)->line : 0;
}

std::string Status::toString() const {
  std::string out(statusCodeName(code()));
  if (!message().empty()) {
    out += ": ";
    out += message();
  }
  return out;
}

Status Status::annotate(std::string_view note) && {
  if (rep_ > kCodeMask) {
    recordOf(rep_)->message.insert(0, strCat(note, ": "));
  } else if (rep_ != 0) {
    rep_ = makeRep(code(), std::string(note), "", 0);
  }
  return std::move(*this);
}

Status Status::clone() const {
  if (rep_ <= kCodeMask)
    return adopt(rep_);
  return adopt(makeRep(code(), std::string(message()), file(), line()));
}

Status Status::join(Status first, Status second) {
  if (first.isOk())
    return second;
  if (!second.isOk() && first.rep_ > kCodeMask)
    recordOf(first.rep_)->message += strCat("; then ", second.toString());
  return first;
}

void Status::destroy(uintptr_t rep) noexcept {
  delete recordOf(rep);
  liveRecords.fetch_sub(1, std::memory_order_relaxed);
}

} // namespace fusilli
