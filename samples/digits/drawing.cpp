// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Draws digits with letters of growing ink. See drawing.h.
#include "drawing.h"

namespace digits {

std::string drawDigits(const std::vector<Digit> &digits,
                       std::span<const size_t> which,
                       const std::vector<int> &said) {
  static constexpr char kShades[] = " .:-=+*#%@";
  constexpr size_t kSide = 8;
  std::string text;
  for (size_t row = 0; row < kSide; ++row) {
    text += "   ";
    for (size_t index : which) {
      for (size_t column = 0; column < kSide; ++column) {
        int ink = digits[index].pixels[row * kSide + column];
        text.append(2, kShades[ink * 9 / kMaxInk]);
      }
      text += "  ";
    }
    while (text.back() == ' ')
      text.pop_back();
    text += '\n';
  }
  text += "   ";
  for (size_t index : which) {
    bool right = said[index] == digits[index].label;
    std::string label = "is " + std::to_string(digits[index].label) +
                        (right ? ", said " : ", SAID ") +
                        std::to_string(said[index]);
    label.resize(2 * kSide + 2, ' ');
    text += label;
  }
  while (text.back() == ' ')
    text.pop_back();
  return text + '\n';
}

} // namespace digits
