// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Command lines of the form --name VALUE.
#ifndef SAMPLES_DIGITS_OPTIONS_H
#define SAMPLES_DIGITS_OPTIONS_H

#include <fusilli.h>

#include <charconv>
#include <cstdint>
#include <map>
#include <string>
#include <system_error>

namespace digits {

/// Values by name; those that the command line gives replace the defaults.
using Options = std::map<std::string, std::string>;

/// InvalidArgument for a name that has no default, or one without a value.
inline fusilli::ErrorOr<Options> parseOptions(int count, char **words,
                                              Options options) {
  for (int i = 1; i < count; i += 2) {
    auto found = options.find(words[i]);
    FUSILLI_RETURN_ERROR_IF(
        found == options.end(), fusilli::ErrorCode::InvalidArgument,
        std::string("unknown option '") + words[i] + "', see --help");
    FUSILLI_RETURN_ERROR_IF(i + 1 == count, fusilli::ErrorCode::InvalidArgument,
                            std::string("option '") + words[i] +
                                "' needs a value");
    found->second = words[i + 1];
  }
  return fusilli::ok(std::move(options));
}

/// A whole number from `low` to `high`; InvalidArgument for anything else.
inline fusilli::ErrorOr<int64_t> numberOption(const Options &options,
                                              const std::string &name,
                                              int64_t low, int64_t high) {
  const std::string &text = options.at(name);
  int64_t value = 0;
  auto [end, code] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  FUSILLI_RETURN_ERROR_IF(
      code != std::errc() || end != text.data() + text.size() || value < low ||
          value > high,
      fusilli::ErrorCode::InvalidArgument,
      "option '" + name + "': expected a number from " + std::to_string(low) +
          " to " + std::to_string(high) + ", given '" + text + "'");
  return value;
}

} // namespace digits

#endif // SAMPLES_DIGITS_OPTIONS_H
