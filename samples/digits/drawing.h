// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Digits in the terminal.
#ifndef SAMPLES_DIGITS_DRAWING_H
#define SAMPLES_DIGITS_DRAWING_H

#include "data_set.h"

#include <span>
#include <string>
#include <vector>

namespace digits {

/// Images side by side, with what each is and what the network says under it.
std::string drawDigits(const std::vector<Digit> &digits,
                       std::span<const size_t> which,
                       const std::vector<int> &said);

} // namespace digits

#endif // SAMPLES_DIGITS_DRAWING_H
