// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One pass over the characters, without recursion. Tokens are those of MLIR's
// lexer; whatever is not known to be harmless is refused.
#include "compiler/Import/TextCheck.h"

#include <algorithm>

namespace fusilli::compiler {

namespace {

/// Ops, types, attribute values and keywords of the ops' forms.
constexpr std::string_view kWords[] = {
    "array",       "attributes", "bf16",     "bias",    "builtin.module",
    "causal",      "dense",      "dilation", "dynamic", "epsilon",
    "f16",         "f32",        "f64",      "false",   "func.func",
    "func.return", "i1",         "i16",      "i32",     "i64",
    "i8",          "mask",       "mean",     "module",  "nested",
    "padding",     "private",    "public",   "return",  "scale",
    "stride",      "strides",    "tensor",   "true",    "unit",
    "variance",    "x"};

/// The same of the functions of custom ops, and of affine maps.
constexpr std::string_view kCustomWords[] = {
    "do",       "else",        "iter_args",  "step",         "affine_map",
    "ceildiv",  "contract",    "dimensions", "eq",           "fast",
    "fastmath", "floordiv",    "high",       "index",        "ins",
    "into",     "low",         "mod",        "ne",           "nnan",
    "ninf",     "nofold",      "none",       "nsw",          "nsz",
    "nuw",      "oeq",         "oge",        "ogt",          "ole",
    "olt",      "one",         "ord",        "output_shape", "outs",
    "overflow", "permutation", "reassoc",    "sge",          "sgt",
    "sle",      "slt",         "to",         "ueq",          "uge",
    "ugt",      "ule",         "ult",        "une",          "uno",
    "yield",    "arcp",        "afn"};

/// Dialects whose ops a custom op's function may use; that it uses only those
/// which are implemented is checked after parsing.
constexpr std::string_view kCustomDialects[] = {"arith.", "linalg.", "math.",
                                                "scf.", "tensor."};

template <class List> bool contains(const List &list, std::string_view word) {
  return std::find(std::begin(list), std::end(list), word) != std::end(list);
}

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isHexDigit(char c) {
  return isDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool isLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool isWordChar(char c) {
  return isLetter(c) || isDigit(c) || c == '$' || c == '.';
}
bool isBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool isCustomOp(std::string_view word) {
  return std::any_of(
      std::begin(kCustomDialects), std::end(kCustomDialects),
      [&](std::string_view dialect) { return word.starts_with(dialect); });
}
/// A letter of `letters` and a number: a dim or symbol of an affine map.
bool isNumbered(std::string_view word, std::string_view letters) {
  return word.size() > 1 && letters.find(word[0]) != std::string_view::npos &&
         std::all_of(word.begin() + 1, word.end(), isDigit);
}
/// Modes are written in capitals; MLIR has no such words.
bool isMode(std::string_view word) {
  return std::all_of(word.begin(), word.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || isDigit(c) || c == '_';
  });
}

class Scanner {
public:
  Scanner(std::string_view text, std::string_view name)
      : text_(text), name_(name) {}

  bool isTorch() const { return isTorch_; }

  std::optional<std::string> run() {
    if (text_.size() > kMaxTextBytes)
      return std::string(name_) + " of " + std::to_string(text_.size()) +
             " bytes, at most " + std::to_string(kMaxTextBytes) +
             " are allowed";
    while (skipBlanks()) {
      start_ = position_;
      std::string error = scanToken();
      if (!error.empty())
        return place() + error;
    }
    if (!open_.empty())
      return place() + "bracket '" + open_.back() + "' is not closed";
    return std::nullopt;
  }

private:
  enum class Token { Other, Number, At };

  char peek(size_t ahead = 0) const {
    return position_ + ahead < text_.size() ? text_[position_ + ahead] : '\0';
  }

  /// Skips blanks and comments; false at the end.
  bool skipBlanks() {
    while (position_ < text_.size()) {
      if (isBlank(peek()))
        ++position_;
      else if (peek() == '/' && peek(1) == '/')
        position_ = std::min(text_.find('\n', position_), text_.size());
      else
        return true;
    }
    return false;
  }

  std::string place() const {
    std::string_view before = text_.substr(0, start_);
    size_t line = 1 + std::count(before.begin(), before.end(), '\n');
    size_t column = start_ - (before.rfind('\n') + 1) + 1;
    return std::string(name_) + ":" + std::to_string(line) + ":" +
           std::to_string(column) + ": ";
  }

  /// Takes one token; an error text if it is refused.
  std::string scanToken() {
    if (mapDepth_ != 0 && ++mapTokens_ > kMaxMapTokens)
      return "affine map of more than " + std::to_string(kMaxMapTokens) +
             " tokens";
    Token last = last_;
    last_ = Token::Other;
    char c = peek();
    if (isDigit(c))
      return scanNumber();
    if (c == 'x' && last == Token::Number) {
      ++position_; // between the extents of a shape
      return {};
    }
    if (isLetter(c))
      return scanWord(last == Token::At);
    if (c == '"')
      return scanString(last == Token::At);
    return scanPunctuation(c);
  }

  std::string scanNumber() {
    last_ = Token::Number;
    if (peek() == '0' && peek(1) == 'x' && isHexDigit(peek(2))) {
      position_ += 2;
      while (isHexDigit(peek()))
        ++position_;
    } else {
      skipDigits();
      if (peek() == '.') {
        ++position_;
        skipDigits();
        if (peek() == 'e' || peek() == 'E') {
          bool isSigned = peek(1) == '+' || peek(1) == '-';
          if (isDigit(peek(isSigned ? 2 : 1)))
            position_ += isSigned ? 2 : 1;
          skipDigits();
        }
      }
    }
    if (position_ - start_ > kMaxNumberLength)
      return "number of " + std::to_string(position_ - start_) +
             " characters, at most " + std::to_string(kMaxNumberLength) +
             " are allowed";
    return {};
  }

  void skipDigits() {
    while (isDigit(peek()))
      ++position_;
  }

  std::string_view takeWord() {
    size_t begin = position_;
    while (position_ < text_.size() && isWordChar(peek()))
      ++position_;
    return text_.substr(begin, position_ - begin);
  }

  std::string scanWord(bool isSymbol) {
    std::string_view word = takeWord();
    if (isSymbol || isMode(word) || word.starts_with("fusilli.") ||
        contains(kWords, word) || contains(kCustomWords, word) ||
        isCustomOp(word) || isNumbered(word, "ds")) {
      if (!isSymbol && word == "affine_map" && mapDepth_ == 0) {
        mapDepth_ = open_.size() + 1; // until its bracket closes
        mapTokens_ = 0;
      }
      return {};
    }
    if (word.starts_with("torch.") || word == "torch")
      return torch(word);
    // The name of an attribute.
    if (nextChar() == '=')
      return {};
    return refused(word);
  }

  /// The next character behind blanks and comments.
  char nextChar() {
    size_t here = position_;
    char next = skipBlanks() ? peek() : '\0';
    position_ = here;
    return next;
  }

  static std::string refused(std::string_view token) {
    return "'" + std::string(token.substr(0, 64)) +
           "' is not part of program text";
  }

  std::string torch(std::string_view token) {
    isTorch_ = true;
    return "'" + std::string(token.substr(0, 64)) +
           "' is of the torch dialect, which is not implemented";
  }

  std::string scanString(bool isSymbol) {
    ++position_;
    for (; peek() != '"'; ++position_) {
      if (peek() == '\\')
        ++position_;
      if (position_ >= text_.size() || static_cast<unsigned char>(peek()) < ' ')
        return "string is not closed on its line";
    }
    ++position_;
    if (!isSymbol && nextChar() == '(')
      return "an op is written in its generic form";
    return {};
  }

  std::string scanPunctuation(char c) {
    ++position_;
    switch (c) {
    case '(':
    case '[':
    case '{':
    case '<':
      open_.push_back(c);
      if (open_.size() > kMaxTextDepth)
        return "brackets are nested deeper than " +
               std::to_string(kMaxTextDepth);
      return {};
    case ')':
      return close('(', c);
    case ']':
      return close('[', c);
    case '}':
      return close('{', c);
    case '>':
      return close('<', c);
    case '-':
      if (peek() == '>')
        ++position_;
      return {};
    case '+':
      return {};
    case '?':
    case '*':
      last_ = Token::Number; // an extent
      return {};
    case '@':
      last_ = Token::At;
      return {};
    case '%':
      while (isWordChar(peek()) || peek() == '-')
        ++position_;
      if (peek() == '#' && isDigit(peek(1))) { // one of several results
        ++position_;
        skipDigits();
      }
      return {};
    case '#': {
      std::string_view word = takeWord();
      // An alias, or the layout; other dialects' attributes have a dot.
      bool isAlias = !word.empty() && word.find('.') == word.npos;
      if (word == "fusilli.layout" || isAlias)
        return {};
      return refused(text_.substr(start_, position_ - start_));
    }
    case '^': {
      std::string_view word = takeWord();
      if (word.starts_with("bb") && isNumbered(word.substr(1), "b"))
        return {};
      return refused(text_.substr(start_, position_ - start_));
    }
    case '!': {
      std::string_view word = takeWord();
      if (word.starts_with("torch."))
        return torch(text_.substr(start_, position_ - start_));
      return refused(text_.substr(start_, position_ - start_));
    }
    case ',':
    case ':':
    case '=':
      return {};
    default:
      return c > ' ' && c < 0x7f ? refused({&c, 1})
                                 : "character that is not ASCII";
    }
  }

  std::string close(char opening, char closing) {
    if (open_.empty() || open_.back() != opening)
      return std::string("bracket '") + closing + "' closes nothing";
    open_.pop_back();
    if (open_.size() < mapDepth_)
      mapDepth_ = 0;
    return {};
  }

  std::string_view text_, name_;
  size_t position_ = 0;
  size_t start_ = 0; ///< of the current token
  Token last_ = Token::Other;
  std::string open_;     ///< brackets
  size_t mapDepth_ = 0;  ///< brackets open inside of the affine map, or 0
  size_t mapTokens_ = 0; ///< of that map
  bool isTorch_ = false;
};

} // namespace

std::optional<TextDefect> findTextDefect(std::string_view text,
                                         std::string_view name) {
  Scanner scanner(text, name);
  std::optional<std::string> message = scanner.run();
  if (!message)
    return std::nullopt;
  return TextDefect{std::move(*message), scanner.isTorch()};
}

} // namespace fusilli::compiler
