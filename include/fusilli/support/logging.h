// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Errors as values, the macros that pass them on, and the log. An operation
// that can fail returns ErrorObject (no result) or ErrorOr<T> (a result); no
// exception crosses the interface.

#ifndef FUSILLI_SUPPORT_LOGGING_H
#define FUSILLI_SUPPORT_LOGGING_H

#include <fusilli/support/export.h>
#include <fusilli/support/memstream.h>
#include <fusilli/support/runtime_types.h>
#include <fusilli/support/target_platform.h>

#include <cassert>
#include <cstdint>
#include <ostream>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <variant>

#define FUSILLI_COLOR_RED "\033[31m"
#define FUSILLI_COLOR_GREEN "\033[32m"
#define FUSILLI_COLOR_YELLOW "\033[33m"
#define FUSILLI_COLOR_RESET "\033[0m"

namespace fusilli {

//===-- Error codes -------------------------------------------------------===//

/// What kind of thing went wrong. The numbers are stable.
enum class [[nodiscard]] ErrorCode : uint8_t {
  OK,                ///< success
  NotImplemented,    ///< legal, but this library cannot do it
  NotValidated,      ///< `Graph::validate` must succeed first
  NotCompiled,       ///< no artifact is loaded
  AttributeNotSet,   ///< a required attribute or tensor is missing
  InternalError,     ///< a bug in the library, or a misuse it cannot name
  InvalidAttribute,  ///< an attribute's value breaks a rule
  InvalidArgument,   ///< an argument of the call breaks a rule
  VariantPackError,  ///< a tensor is missing from, or illegal in, the pack
  CompileFailure,    ///< the compiler rejected the program
  RuntimeFailure,    ///< the device or the runtime failed
  FileSystemFailure, ///< a file or folder cannot be read or written
};

/// Text of each error code, for example `INVALID_ATTRIBUTE`.
inline const std::unordered_map<ErrorCode, std::string> kErrorCodeToStr = {
    {ErrorCode::OK, "OK"},
    {ErrorCode::NotImplemented, "NOT_IMPLEMENTED"},
    {ErrorCode::NotValidated, "NOT_VALIDATED"},
    {ErrorCode::NotCompiled, "NOT_COMPILED"},
    {ErrorCode::AttributeNotSet, "ATTRIBUTE_NOT_SET"},
    {ErrorCode::InternalError, "INTERNAL_ERROR"},
    {ErrorCode::InvalidAttribute, "INVALID_ATTRIBUTE"},
    {ErrorCode::InvalidArgument, "INVALID_ARGUMENT"},
    {ErrorCode::VariantPackError, "VARIANT_PACK_ERROR"},
    {ErrorCode::CompileFailure, "COMPILE_FAILURE"},
    {ErrorCode::RuntimeFailure, "RUNTIME_FAILURE"},
    {ErrorCode::FileSystemFailure, "FILE_SYSTEM_FAILURE"},
};

/// Prints the text of `code`, or `UNKNOWN_ERROR_CODE` for no known code.
FUSILLI_EXPORT std::ostream &operator<<(std::ostream &os, ErrorCode code);

//===-- ErrorObject -------------------------------------------------------===//

struct ErrorObject;

namespace detail {
/// Converts a runtime status to an error object and consumes it.
FUSILLI_EXPORT ErrorObject errorFromStatus(iree_status_t status);
/// Tells on standard error that a missing value was used, and aborts.
[[noreturn]] FUSILLI_EXPORT void abortOnError(const ErrorObject &error);
} // namespace detail

/// The outcome of an operation: a code, and a text unless the code is OK.
///
///     ErrorObject status = graph.validate();
///     if (isError(status))
///       std::cerr << status << "\n"; // INVALID_ATTRIBUTE: ...
///
/// Thread safety: a plain value.
struct [[nodiscard]] FUSILLI_EXPORT ErrorObject {
  ErrorCode code;
  std::string errMsg;

  /// Success.
  ErrorObject() : code(ErrorCode::OK) {}
  /// An outcome with code `errorCode` and text `message`.
  ErrorObject(ErrorCode errorCode, std::string message)
      : code(errorCode), errMsg(std::move(message)) {}
  /// From a status of the runtime, which is consumed: success stays success,
  /// anything else becomes RuntimeFailure with the status's text.
  ErrorObject(iree_status_t status);

  /// The error code.
  ErrorCode getCode() const { return code; }
  /// The error text; empty on success.
  const std::string &getMessage() const { return errMsg; }
  /// Whether the operation succeeded.
  bool isOk() const { return code == ErrorCode::OK; }
  /// Whether the operation failed.
  bool isError() const { return !isOk(); }

  /// Compares the codes; the text does not matter.
  bool operator==(ErrorCode other) const { return code == other; }
  bool operator!=(ErrorCode other) const { return code != other; }
};

/// Prints code, colon, space, text.
FUSILLI_EXPORT std::ostream &operator<<(std::ostream &os,
                                        const ErrorObject &error);

/// Whether `error` stands for success.
inline bool isOk(const ErrorObject &error) { return error.isOk(); }
/// Whether `error` stands for failure.
inline bool isError(const ErrorObject &error) { return error.isError(); }
/// Success.
inline ErrorObject ok() { return {}; }
/// A failure with code `code` and text `message`.
template <typename S>
  requires std::is_convertible_v<S, std::string>
ErrorObject error(ErrorCode code, S &&message) {
  return ErrorObject(code, std::string(std::forward<S>(message)));
}

//===-- ErrorOr -----------------------------------------------------------===//

template <typename T> class ErrorOr;

namespace detail {
template <typename T> inline constexpr bool kIsErrorType = false;
template <> inline constexpr bool kIsErrorType<ErrorObject> = true;
template <typename T> inline constexpr bool kIsErrorType<ErrorOr<T>> = true;
} // namespace detail

/// A value of type T, or the error that prevented it.
///
///     ErrorOr<Handle> handle = Handle::create(Backend::CPU);
///     if (isError(handle))
///       return ErrorObject(handle);
///     use(*handle);
///
/// Dereferencing in the error state prints the error and aborts, in every build
/// mode. Thread safety: a plain value; it moves but does not copy.
template <typename T> class [[nodiscard]] ErrorOr {
public:
  /// Success, with a value made from `value`.
  template <typename U>
    requires(std::is_constructible_v<T, U &&> &&
             !detail::kIsErrorType<std::remove_cvref_t<U>>)
  ErrorOr(U &&value)
      : storage_(std::in_place_index<1>, std::forward<U>(value)) {}

  /// Failure; `error` must be an error.
  ErrorOr(ErrorObject error)
      : storage_(std::in_place_index<0>, std::move(error)) {
    assert(std::get<0>(storage_).isError() &&
           "an ErrorOr without a value needs an error");
  }

  ErrorOr(ErrorOr &&other) = default;

  /// Takes over the value, converted, or the error of `other`.
  template <typename U>
    requires(std::is_constructible_v<T, U &&> && !std::is_same_v<T, U>)
  ErrorOr(ErrorOr<U> &&other)
      : storage_(other.hasValue()
                     ? Storage(std::in_place_index<1>,
                               std::move(std::get<1>(other.storage_)))
                     : Storage(std::in_place_index<0>,
                               std::move(std::get<0>(other.storage_)))) {}

  ErrorOr(const ErrorOr &) = delete;
  ErrorOr &operator=(const ErrorOr &) = delete;
  ErrorOr &operator=(ErrorOr &&) = delete;
  template <typename U> ErrorOr &operator=(const ErrorOr<U> &) = delete;
  template <typename U> ErrorOr &operator=(ErrorOr<U> &&) = delete;

  /// Success, or a copy of the error.
  operator ErrorObject() const {
    return hasValue() ? ErrorObject() : std::get<0>(storage_);
  }

  /// The value; aborts in the error state.
  T &operator*() { return value(); }
  const T &operator*() const { return value(); }
  T *operator->() { return &value(); }
  const T *operator->() const { return &value(); }

private:
  using Storage = std::variant<ErrorObject, T>;
  template <typename U> friend class ErrorOr;

  bool hasValue() const { return storage_.index() == 1; }
  T &value() {
    if (!hasValue())
      detail::abortOnError(std::get<0>(storage_));
    return std::get<1>(storage_);
  }
  const T &value() const {
    if (!hasValue())
      detail::abortOnError(std::get<0>(storage_));
    return std::get<1>(storage_);
  }

  Storage storage_;
};

/// Success holding `value`.
template <typename T> auto ok(T &&value) {
  return ErrorOr<std::decay_t<T>>(std::forward<T>(value));
}

//===-- Log ---------------------------------------------------------------===//

/// The older name of FprintAdapter.
using FprintToString = FprintAdapter;

/// The process-wide switch of the log; may be assigned. Initially true iff the
/// environment variable FUSILLI_LOG_INFO is set, not empty, and does not begin
/// with `0`. Change it only while no other thread logs.
FUSILLI_EXPORT bool &isLoggingEnabled();

/// Where the log goes, chosen at the first call from FUSILLI_LOG_FILE:
/// `stdout`, `stderr`, or a path (truncated). Without the variable it is
/// standard output and the log is switched off.
FUSILLI_EXPORT std::ostream &getStream();

/// Passes what is streamed into it on to a stream while the log is on.
/// Thread safety: that of the stream.
class FUSILLI_EXPORT ConditionalStreamer {
public:
  /// `stream` is borrowed for the life of this object.
  explicit ConditionalStreamer(std::ostream &stream) : stream_(stream) {}

  template <typename T>
  const ConditionalStreamer &operator<<(const T &value) const {
    if (isLoggingEnabled())
      stream_ << value;
    return *this;
  }
  const ConditionalStreamer &
  operator<<(std::ostream &(*manipulator)(std::ostream &)) const {
    if (isLoggingEnabled())
      stream_ << manipulator;
    return *this;
  }

private:
  std::ostream &stream_; // Borrowed: see constructor.
};

/// The log, on the stream that `getStream` gives at the first call.
FUSILLI_EXPORT ConditionalStreamer &getLogger();

} // namespace fusilli

/// Writes X, which may be a chain of `<<`, to the log.
#define FUSILLI_LOG(X)                                                         \
  do {                                                                         \
    ::fusilli::getLogger() << X;                                               \
  } while (false)
/// The same and a line end.
#define FUSILLI_LOG_ENDL(X)                                                    \
  do {                                                                         \
    ::fusilli::getLogger() << X << std::endl;                                  \
  } while (false)
/// The same with the library's label in front, and a line end.
#define FUSILLI_LOG_LABEL_ENDL(X) FUSILLI_LOG_ENDL("[FUSILLI] " << X)
/// The same in colour, without a line end.
#define FUSILLI_LOG_LABEL_RED(X)                                               \
  FUSILLI_LOG(FUSILLI_COLOR_RED << "[FUSILLI] " << X << FUSILLI_COLOR_RESET)
#define FUSILLI_LOG_LABEL_GREEN(X)                                             \
  FUSILLI_LOG(FUSILLI_COLOR_GREEN << "[FUSILLI] " << X << FUSILLI_COLOR_RESET)
#define FUSILLI_LOG_LABEL_YELLOW(X)                                            \
  FUSILLI_LOG(FUSILLI_COLOR_YELLOW << "[FUSILLI] " << X << FUSILLI_COLOR_RESET)

//===-- Control flow ------------------------------------------------------===//

/// Helpers for identifiers that are unique within a translation unit.
#define FUSILLI_CONCAT_IMPL(A, B, C) A##B##_##C
#define FUSILLI_CONCAT(A, B, C) FUSILLI_CONCAT_IMPL(A, B, C)
#define FUSILLI_ERROR_VAR(PREFIX) FUSILLI_CONCAT(PREFIX, __LINE__, __COUNTER__)

/// Around a use of FUSILLI_ERROR_VAR: clang warns of the counter extension when
/// it is asked to be pedantic.
#if defined(__clang__)
#define FUSILLI_DISABLE_COUNTER_WARNING                                        \
  _Pragma("clang diagnostic push")                                             \
      _Pragma("clang diagnostic ignored \"-Wunknown-warning-option\"")         \
          _Pragma("clang diagnostic ignored \"-Wc2y-extensions\"")
#define FUSILLI_RESTORE_COUNTER_WARNING _Pragma("clang diagnostic pop")
#else
#define FUSILLI_DISABLE_COUNTER_WARNING
#define FUSILLI_RESTORE_COUNTER_WARNING
#endif

/// Logs the outcome `ERROR_OBJECT` of the text `WHAT` with its place.
#define FUSILLI_LOG_ERROR(WHAT, ERROR_OBJECT)                                  \
  FUSILLI_LOG_LABEL_RED("ERROR: " << (ERROR_OBJECT) << " (" << (WHAT)          \
                                  << " at " << __FILE__ << ":" << __LINE__     \
                                  << ")\n")

/// Returns the error (CODE, MSG) from the enclosing function if COND holds. The
/// function gives an ErrorObject or an ErrorOr.
#define FUSILLI_RETURN_ERROR_IF(COND, CODE, MSG)                               \
  do {                                                                         \
    if (COND) {                                                                \
      ::fusilli::ErrorObject fusilliError_ = ::fusilli::error((CODE), (MSG));  \
      FUSILLI_LOG_ERROR(#COND, fusilliError_);                                 \
      return fusilliError_;                                                    \
    }                                                                          \
  } while (false)

/// Evaluates EXPR, an ErrorObject, ErrorOr or runtime status, once; returns its
/// error from the enclosing function if there is one.
#define FUSILLI_CHECK_ERROR(EXPR)                                              \
  do {                                                                         \
    ::fusilli::ErrorObject fusilliError_ = (EXPR);                             \
    if (::fusilli::isError(fusilliError_)) {                                   \
      FUSILLI_LOG_ERROR(#EXPR, fusilliError_);                                 \
      return fusilliError_;                                                    \
    }                                                                          \
  } while (false)

#define FUSILLI_ASSIGN_OR_RETURN_IMPL(VAR, DECL, EXPR)                         \
  auto VAR = (EXPR);                                                           \
  if (::fusilli::isError(VAR)) {                                               \
    ::fusilli::ErrorObject fusilliError_ = VAR;                                \
    FUSILLI_LOG_ERROR(#EXPR, fusilliError_);                                   \
    return fusilliError_;                                                      \
  }                                                                            \
  DECL = std::move(*VAR)

/// Evaluates EXPR, an ErrorOr, once; returns its error from the enclosing
/// function if there is one, else moves the value into DECL, a declaration or
/// an lvalue. Expands to several statements, so that the variable stays.
#define FUSILLI_ASSIGN_OR_RETURN(DECL, EXPR)                                   \
  FUSILLI_DISABLE_COUNTER_WARNING                                              \
  FUSILLI_ASSIGN_OR_RETURN_IMPL(FUSILLI_ERROR_VAR(fusilliErrorOr_), DECL,      \
                                EXPR)                                          \
  FUSILLI_RESTORE_COUNTER_WARNING

#endif // FUSILLI_SUPPORT_LOGGING_H
