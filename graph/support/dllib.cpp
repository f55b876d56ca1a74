// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shared libraries loaded at run time.

#include <fusilli/support/dllib.h>

#include "graph/messages.h"

#include <dlfcn.h>
#include <utility>

namespace fusilli {

using graph::message;
using graph::Msg;

namespace {
std::string lastLoaderError() {
  const char *text = dlerror();
  return text ? text : "unknown error";
}
} // namespace

DynamicLibrary::~DynamicLibrary() { (void)close(); }

DynamicLibrary::DynamicLibrary(DynamicLibrary &&other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)) {}

DynamicLibrary &DynamicLibrary::operator=(DynamicLibrary &&other) noexcept {
  if (this != &other) {
    (void)close();
    handle_ = std::exchange(other.handle_, nullptr);
  }
  return *this;
}

ErrorObject DynamicLibrary::load(const std::string &path) {
  FUSILLI_CHECK_ERROR(close());
  handle_ = dlopen(path.c_str(), RTLD_LAZY | RTLD_LOCAL);
  FUSILLI_RETURN_ERROR_IF(
      !handle_, ErrorCode::FileSystemFailure,
      message(Msg::LibraryNotLoadable, path, lastLoaderError()));
  return ok();
}

ErrorOr<void *> DynamicLibrary::lookUp(const char *name) const {
  FUSILLI_RETURN_ERROR_IF(!handle_, ErrorCode::InternalError,
                          message(Msg::LibraryNotLoaded, name));
  dlerror();
  void *address = dlsym(handle_, name);
  FUSILLI_RETURN_ERROR_IF(!address, ErrorCode::InternalError,
                          message(Msg::SymbolMissing, name, lastLoaderError()));
  return ok(address);
}

ErrorObject DynamicLibrary::close() {
  if (handle_)
    dlclose(std::exchange(handle_, nullptr));
  return ok();
}

} // namespace fusilli
