// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Error printing and the log.

#include <fusilli/support/logging.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string_view>

namespace fusilli {

std::ostream &operator<<(std::ostream &os, ErrorCode code) {
  auto it = kErrorCodeToStr.find(code);
  return os << (it == kErrorCodeToStr.end() ? std::string("UNKNOWN_ERROR_CODE")
                                            : it->second);
}

std::ostream &operator<<(std::ostream &os, const ErrorObject &error) {
  return os << error.getCode() << ": " << error.getMessage();
}

void detail::abortOnError(const ErrorObject &error) {
  std::cerr << "fusilli: the value of a failed operation was used: " << error
            << std::endl;
  std::abort();
}

bool &isLoggingEnabled() {
  static bool enabled = [] {
    const char *value = std::getenv("FUSILLI_LOG_INFO");
    return value && *value && *value != '0';
  }();
  return enabled;
}

std::ostream &getStream() {
  static std::ofstream file;
  static std::ostream &stream = []() -> std::ostream & {
    const char *value = std::getenv("FUSILLI_LOG_FILE");
    if (!value) {
      isLoggingEnabled() = false;
      return std::cout;
    }
    if (std::string_view(value) == "stdout")
      return std::cout;
    if (std::string_view(value) == "stderr")
      return std::cerr;
    file.open(value, std::ios::trunc);
    return file;
  }();
  return stream;
}

ConditionalStreamer &getLogger() {
  static ConditionalStreamer logger(getStream());
  return logger;
}

} // namespace fusilli
