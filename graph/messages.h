// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All diagnostic texts of the library, in one table, so that wording can change
// without touching logic. `{0}`, `{1}`, ... stand for the parameters. Rules:
// lower case, no full stop, name the node or tensor, both values where there
// are two.

#ifndef GRAPH_MESSAGES_H
#define GRAPH_MESSAGES_H

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace fusilli::graph {

/// The diagnostics; see messages.inc.
enum class Msg : uint16_t {
#define FUSILLI_MESSAGE(NAME, TEXT) NAME,
#include "graph/messages.inc"
#undef FUSILLI_MESSAGE
};

/// The text of `id` with its parameters still open.
std::string_view messagePattern(Msg id);

/// The text of `id` with `{i}` replaced by `args[i]`.
std::string renderMessage(Msg id, std::initializer_list<std::string> args);

/// How a parameter of a message is written: text as it is, numbers in decimal,
/// lists as `[1, 2]`.
inline std::string messageArg(std::string_view text) {
  return std::string(text);
}
template <std::integral T> std::string messageArg(T value) {
  return std::to_string(value);
}
template <typename T> std::string messageArg(const std::vector<T> &values) {
  std::string text = "[";
  for (size_t i = 0; i < values.size(); ++i) {
    if (i != 0)
      text += ", ";
    text += messageArg(values[i]);
  }
  return text + "]";
}
std::string messageArg(double value);

/// The text of `id` for parameters `args`.
template <typename... Args> std::string message(Msg id, const Args &...args) {
  return renderMessage(id, {messageArg(args)...});
}

} // namespace fusilli::graph

#endif // GRAPH_MESSAGES_H
