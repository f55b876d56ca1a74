// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Status: the error value of every layer below the public API. One word: null
// is OK and costs nothing; otherwise the low 5 bits are the code and the rest
// points to an owned record (message, source location). Move-only, so that a
// failure is consumed exactly once. When no memory is left for the record the
// code alone survives.
#ifndef SUPPORT_STATUS_H
#define SUPPORT_STATUS_H

#include <concepts>
#include <cstdint>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace fusilli {

/// Why a call failed. Callers that switch over it keep a default case.
enum class StatusCode : uint8_t {
  Ok = 0,
  /// The operation was given up on purpose (device teardown).
  Cancelled = 1,
  Unknown = 2,
  /// The caller's argument is wrong whatever the state: argument count, type,
  /// shape, malformed artifact.
  InvalidArgument = 3,
  /// A wait timed out.
  DeadlineExceeded = 4,
  /// Unknown driver, function, module or type name.
  NotFound = 5,
  AlreadyExists = 6,
  /// Buffer usage, access or memory type does not allow the operation.
  PermissionDenied = 7,
  /// Out of memory, or a fixed capacity is full.
  ResourceExhausted = 8,
  /// The object is in the wrong state (a frozen context, a finished call).
  FailedPrecondition = 9,
  /// Waited on something that failed.
  Aborted = 10,
  /// An index or range past the end.
  OutOfRange = 11,
  Unimplemented = 12,
  Internal = 13,
  /// A vendor library, device or CPU feature is not present.
  Unavailable = 14,
  /// An artifact's checksum does not match.
  DataLoss = 15,
  Unauthenticated = 16,
  /// Not an error: not signaled yet.
  Deferred = 17,
  /// An artifact or library of another version.
  Incompatible = 18,
};

/// "INVALID_ARGUMENT" etc.; "UNKNOWN" for a number that is not a code.
std::string_view statusCodeName(StatusCode code);

/// The result of an operation without a value.
/// Thread safety: externally synchronised.
class [[nodiscard]] Status {
public:
  /// OK.
  constexpr Status() noexcept = default;
  Status(Status &&other) noexcept : rep_(std::exchange(other.rep_, 0)) {}
  Status &operator=(Status &&other) noexcept {
    if (this != &other) {
      reset();
      rep_ = std::exchange(other.rep_, 0);
    }
    return *this;
  }
  Status(const Status &) = delete;
  Status &operator=(const Status &) = delete;
  ~Status() { reset(); }

  /// A failure; with code Ok gives OK and drops the message. Never fails:
  /// without memory for the message only the code is kept.
  static Status
  make(StatusCode code, std::string_view message,
       std::source_location where = std::source_location::current());

  bool isOk() const noexcept { return rep_ == 0; }
  explicit operator bool() const = delete;
  StatusCode code() const noexcept {
    return static_cast<StatusCode>(rep_ & kCodeMask);
  }
  /// The message alone, empty for OK. Valid while this object is unchanged.
  std::string_view message() const noexcept;
  /// Where the failure was made; empty file name where unknown.
  const char *file() const noexcept;
  uint32_t line() const noexcept;

  /// "INVALID_ARGUMENT: message" (with notes); "OK".
  std::string toString() const;

  /// The same code and location with "note: message" in front. OK stays OK.
  Status annotate(std::string_view note) &&;

  /// Consumes the failure on purpose.
  void ignore() noexcept { reset(); }

  /// Gives another status with the same content; explicit because a failure
  /// is normally consumed once. For failures that are kept (a failed timeline,
  /// a failed registration) and reported many times.
  Status clone() const;

  /// Keeps the first of two failures, with the second one as a note.
  static Status join(Status first, Status second);

  /// Hands the raw word over (for a C interface); this becomes OK.
  uintptr_t release() noexcept { return std::exchange(rep_, 0); }
  /// Takes a word that `release` gave.
  static Status adopt(uintptr_t rep) noexcept {
    Status status;
    status.rep_ = rep;
    return status;
  }

  static constexpr uintptr_t kCodeMask = 31;

private:
  void reset() noexcept {
    if (rep_ > kCodeMask)
      destroy(rep_);
    rep_ = 0;
  }
  static void destroy(uintptr_t rep) noexcept;

  uintptr_t rep_ = 0;
};
static_assert(sizeof(Status) == sizeof(void *));

inline Status okStatus() { return Status(); }

/// Number of failure records alive in the process (leak proof in tests).
int64_t liveStatusRecords();

namespace detail {
inline void appendPiece(std::string &out, std::string_view piece) {
  out.append(piece);
}
inline void appendPiece(std::string &out, const char *piece) {
  out.append(piece);
}
inline void appendPiece(std::string &out, char piece) { out.push_back(piece); }
template <std::integral T> void appendPiece(std::string &out, T value) {
  out.append(std::to_string(value));
}
} // namespace detail

/// Joins strings and integers: `strCat("dim ", i, " is ", value)`.
template <typename... Pieces> std::string strCat(const Pieces &...pieces) {
  std::string out;
  (detail::appendPiece(out, pieces), ...);
  return out;
}

#define FUSILLI_STATUS_FACTORY(name, code)                                     \
  inline Status name(std::string_view message,                                 \
                     std::source_location where =                              \
                         std::source_location::current()) {                    \
    return Status::make(StatusCode::code, message, where);                     \
  }
FUSILLI_STATUS_FACTORY(cancelledError, Cancelled)
FUSILLI_STATUS_FACTORY(invalidArgumentError, InvalidArgument)
FUSILLI_STATUS_FACTORY(deadlineExceededError, DeadlineExceeded)
FUSILLI_STATUS_FACTORY(notFoundError, NotFound)
FUSILLI_STATUS_FACTORY(alreadyExistsError, AlreadyExists)
FUSILLI_STATUS_FACTORY(permissionDeniedError, PermissionDenied)
FUSILLI_STATUS_FACTORY(resourceExhaustedError, ResourceExhausted)
FUSILLI_STATUS_FACTORY(failedPreconditionError, FailedPrecondition)
FUSILLI_STATUS_FACTORY(abortedError, Aborted)
FUSILLI_STATUS_FACTORY(outOfRangeError, OutOfRange)
FUSILLI_STATUS_FACTORY(unimplementedError, Unimplemented)
FUSILLI_STATUS_FACTORY(internalError, Internal)
FUSILLI_STATUS_FACTORY(unavailableError, Unavailable)
FUSILLI_STATUS_FACTORY(dataLossError, DataLoss)
FUSILLI_STATUS_FACTORY(incompatibleError, Incompatible)
#undef FUSILLI_STATUS_FACTORY

inline Status
outOfMemoryError(std::string_view what,
                 std::source_location where = std::source_location::current()) {
  return Status::make(StatusCode::ResourceExhausted,
                      strCat("out of memory for ", what), where);
}

/// The code alone, without a record: for polling ("not yet").
inline Status codeStatus(StatusCode code) {
  return Status::adopt(static_cast<uintptr_t>(code));
}

/// A value or a failure; never OK without a value.
/// Thread safety: externally synchronised.
template <typename T> class [[nodiscard]] StatusOr {
public:
  StatusOr(Status status) : status_(std::move(status)) {
    if (status_.isOk())
      status_ = internalError("a result was made from an OK status");
  }
  template <typename U = T>
    requires(std::constructible_from<T, U &&> &&
             !std::same_as<std::remove_cvref_t<U>, StatusOr> &&
             !std::same_as<std::remove_cvref_t<U>, Status>)
  StatusOr(U &&value) : value_(std::in_place, std::forward<U>(value)) {}
  StatusOr(StatusOr &&) = default;
  StatusOr &operator=(StatusOr &&) = default;

  bool isOk() const noexcept { return value_.has_value(); }
  StatusCode code() const noexcept { return status_.code(); }
  const Status &status() const & noexcept { return status_; }
  Status status() && noexcept { return std::move(status_); }

  /// Precondition: isOk().
  T &value() & { return *value_; }
  const T &value() const & { return *value_; }
  T &&value() && { return *std::move(value_); }
  T &operator*() & { return *value_; }
  const T &operator*() const & { return *value_; }
  T &&operator*() && { return *std::move(value_); }
  T *operator->() { return &*value_; }
  const T *operator->() const { return &*value_; }

private:
  Status status_;
  std::optional<T> value_;
};

} // namespace fusilli

#define FUSILLI_STATUS_CONCAT_(a, b) a##b
#define FUSILLI_STATUS_CONCAT(a, b) FUSILLI_STATUS_CONCAT_(a, b)

/// Evaluates an expression of type Status once; returns it when it failed.
#define FUSILLI_STATUS_RETURN_IF_ERROR(expr)                                   \
  do {                                                                         \
    if (::fusilli::Status fusilliStatus_ = (expr); !fusilliStatus_.isOk())     \
        [[unlikely]]                                                           \
      return fusilliStatus_;                                                   \
  } while (false)

/// `FUSILLI_STATUS_ASSIGN(auto x, makeX())`: evaluates a StatusOr once, returns
/// its failure or moves its value into the declaration (or lvalue).
#define FUSILLI_STATUS_ASSIGN(decl, expr)                                      \
  auto FUSILLI_STATUS_CONCAT(fusilliResult_, __LINE__) = (expr);               \
  if (!FUSILLI_STATUS_CONCAT(fusilliResult_, __LINE__).isOk()) [[unlikely]]    \
    return std::move(FUSILLI_STATUS_CONCAT(fusilliResult_, __LINE__))          \
        .status();                                                             \
  decl = *std::move(FUSILLI_STATUS_CONCAT(fusilliResult_, __LINE__))

#endif // SUPPORT_STATUS_H
