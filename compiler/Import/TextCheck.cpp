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
    "array",       "attributes", "bf16",    "builtin.module",
    "dense",       "dilation",   "dynamic", "f16",
    "f32",         "f64",        "false",   "func.func",
    "func.return", "i1",         "i16",     "i32",
    "i64",         "i8",         "module",  "nested",
    "padding",     "private",    "public",  "return",
    "stride",      "strides",    "tensor",  "true",
    "unit",        "x"};

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
/// Modes are written in capitals; MLIR has no such words.
bool isMode(std::string_view word) {
  return std::all_of(word.begin(), word.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || isDigit(c) || c == '_';
  });
}

class Scanner {
public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::optional<std::string> run() {
    if (text_.size() > kMaxTextBytes)
      return "program of " + std::to_string(text_.size()) + " bytes, at most " +
             std::to_string(kMaxTextBytes) + " are allowed";
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
    return "program:" + std::to_string(line) + ":" + std::to_string(column) +
           ": ";
  }

  /// Takes one token; an error text if it is refused.
  std::string scanToken() {
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
        std::find(std::begin(kWords), std::end(kWords), word) !=
            std::end(kWords))
      return {};
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
      return {};
    case '#':
      if (takeWord() == "fusilli.layout")
        return {};
      return refused(text_.substr(start_, position_ - start_));
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
    return {};
  }

  std::string_view text_;
  size_t position_ = 0;
  size_t start_ = 0; ///< of the current token
  Token last_ = Token::Other;
  std::string open_; ///< brackets
};

} // namespace

std::optional<std::string> findTextDefect(std::string_view text) {
  return Scanner(text).run();
}

} // namespace fusilli::compiler
