#!/usr/bin/env bash
# Part of the Fusilli project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Each public header compiles alone, without exceptions in the language being
# needed, with the oldest compiler that clients use (GCC 12) and with clang 22.
set -uo pipefail
cd "$(dirname "$0")/../.."
flags=(-std=c++20 -fsyntax-only -Wall -Wextra -Werror -Wno-unused-parameter -Iinclude -x c++)
bad=0
count=0
while read -r header; do
  count=$((count + 1))
  path=${header#include/}
  for compiler in g++-12 clang++-22; do
    if ! printf '#include <%s>\n#include <%s>\n' "$path" "$path" | "$compiler" "${flags[@]}" -; then
      echo "$header: does not compile alone with $compiler"
      bad=$((bad + 1))
    fi
  done
done < <(git ls-files -co --exclude-standard -- 'include/fusilli.h' 'include/fusilli/*.h' 'include/fusilli/**/*.h' | sort -u)
echo "headers: $count headers, $bad failures"
[ $count -gt 0 ] && [ $bad -eq 0 ]
