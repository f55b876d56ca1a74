// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Small text helpers: separated lists and shell quoting.

#ifndef FUSILLI_SUPPORT_EXTRAS_H
#define FUSILLI_SUPPORT_EXTRAS_H

#include <fusilli/support/export.h>

#include <string>

namespace fusilli {

/// Calls `each` on every element of [begin, end) and `between` between two
/// elements.
template <typename Iterator, typename Each, typename Between>
void interleave(Iterator begin, Iterator end, Each each, Between between) {
  if (begin == end)
    return;
  each(*begin);
  for (++begin; begin != end; ++begin) {
    between();
    each(*begin);
  }
}

/// The same without the elements for which `skip` is true; `between` is called
/// only between two elements that are not skipped.
template <typename Iterator, typename Each, typename Between, typename Skip>
void interleave(Iterator begin, Iterator end, Each each, Between between,
                Skip skip) {
  bool first = true;
  for (; begin != end; ++begin) {
    if (skip(*begin))
      continue;
    if (!first)
      between();
    each(*begin);
    first = false;
  }
}

/// Whether a POSIX shell would treat some character of `arg` specially: space,
/// tab, or one of `" ' \ $ ( ) { } [ ] | & ; < > ~ * ? ! #` or the back quote.
FUSILLI_EXPORT bool needsShellQuoting(const std::string &arg);

/// `arg` as one word of a POSIX shell: unchanged if nothing needs quoting, else
/// in single quotes, an embedded single quote written as `'\''`.
FUSILLI_EXPORT std::string escapeArgument(const std::string &arg);

} // namespace fusilli

#endif // FUSILLI_SUPPORT_EXTRAS_H
