// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The table of diagnostics and its rendering.

#include "graph/messages.h"

#include <array>
#include <charconv>
#include <cstddef>

namespace fusilli::graph {

namespace {
constexpr std::array kPatterns = {
#define FUSILLI_MESSAGE(NAME, TEXT) std::string_view(TEXT),
#include "graph/messages.inc"
#undef FUSILLI_MESSAGE
};
} // namespace

std::string_view messagePattern(Msg id) {
  return kPatterns[static_cast<size_t>(id)];
}

std::string renderMessage(Msg id, std::initializer_list<std::string> args) {
  std::string_view pattern = messagePattern(id);
  std::string text;
  for (size_t i = 0; i < pattern.size(); ++i) {
    bool isParameter = pattern[i] == '{' && i + 2 < pattern.size() &&
                       pattern[i + 1] >= '0' && pattern[i + 1] <= '9' &&
                       pattern[i + 2] == '}';
    if (!isParameter) {
      text += pattern[i];
      continue;
    }
    size_t number = static_cast<size_t>(pattern[i + 1] - '0');
    if (number < args.size())
      text += args.begin()[number];
    i += 2;
  }
  return text;
}

std::string messageArg(double value) {
  std::array<char, 32> buffer;
  auto [end, code] =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return std::string(buffer.data(), end);
}

} // namespace fusilli::graph
