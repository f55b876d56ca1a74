// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The shared library's own translation unit: all else comes from the archives
// that it is linked from.

// So that the built file itself tells what it is (`strings libfusilli.so`).
[[gnu::used]] static const char kIdentity[] = "libfusilli of project fusilli";
