// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What program text may look like before MLIR's parser sees it. That parser is
// made for trusted input: it recurses, and it crashes on some attributes, types
// and dialects that no graph needs. So the text is limited in size and depth,
// and to the words of graphs. docs/fuzzing.md gives the rules and the reasons.
#ifndef COMPILER_IMPORT_TEXTCHECK_H
#define COMPILER_IMPORT_TEXTCHECK_H

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace fusilli::compiler {

inline constexpr size_t kMaxTextBytes = size_t{64} << 20;
/// Brackets that are open at one place, of all kinds.
inline constexpr size_t kMaxTextDepth = 64;
/// Characters of one number.
inline constexpr size_t kMaxNumberLength = 64;

/// Tokens of one affine map.
inline constexpr size_t kMaxMapTokens = 256;

/// What keeps a text from the parser.
struct TextDefect {
  std::string message; ///< "NAME:LINE:COLUMN: message"
  /// The text uses the torch dialect, which is not implemented.
  bool isTorch = false;
};

/// The first defect of a text that diagnostics call `name`; nothing if the
/// parser may have it, which finds all other errors.
std::optional<TextDefect> findTextDefect(std::string_view text,
                                         std::string_view name = "program");

} // namespace fusilli::compiler

#endif // COMPILER_IMPORT_TEXTCHECK_H
