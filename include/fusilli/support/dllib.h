// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loads shared libraries at run time.

#ifndef FUSILLI_SUPPORT_DLLIB_H
#define FUSILLI_SUPPORT_DLLIB_H

#include <fusilli/support/export.h>
#include <fusilli/support/logging.h>

#include <string>
#include <type_traits>

namespace fusilli {

/// A shared library, closed when this object is destroyed.
///
///     DynamicLibrary lib;
///     FUSILLI_CHECK_ERROR(lib.load("libm.so.6"));
///     FUSILLI_ASSIGN_OR_RETURN(auto cosine,
///                              lib.getSymbol<double (*)(double)>("cos"));
///
/// Thread safety: externally synchronised.
class FUSILLI_EXPORT DynamicLibrary {
public:
  DynamicLibrary() = default;
  ~DynamicLibrary();
  DynamicLibrary(const DynamicLibrary &) = delete;
  DynamicLibrary &operator=(const DynamicLibrary &) = delete;
  DynamicLibrary(DynamicLibrary &&other) noexcept;
  /// Closes the library held so far; moving to itself does nothing.
  DynamicLibrary &operator=(DynamicLibrary &&other) noexcept;

  /// Loads the library `path` (a path, or a name for the system's search),
  /// with symbols bound when first used and visible to nobody else. Closes the
  /// one held so far first. FileSystemFailure if it cannot be loaded.
  ErrorObject load(const std::string &path);

  /// The address of symbol `name` as T, a pointer type. InternalError if no
  /// library is loaded or it has no such symbol.
  template <typename T> ErrorOr<T> getSymbol(const char *name) const {
    static_assert(std::is_pointer_v<T>, "a symbol is used through a pointer");
    ErrorOr<void *> address = lookUp(name);
    if (isError(address))
      return ErrorObject(address);
    return ok(reinterpret_cast<T>(*address));
  }

  /// Closes the library; does nothing if none is loaded. Always OK.
  ErrorObject close();

  /// Whether a library is loaded.
  bool isLoaded() const { return handle_ != nullptr; }

private:
  ErrorOr<void *> lookUp(const char *name) const;

  void *handle_ = nullptr;
};

} // namespace fusilli

#endif // FUSILLI_SUPPORT_DLLIB_H
