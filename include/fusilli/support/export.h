// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Symbol visibility of the library. Everything is hidden by default; a class or
// function that clients link against is marked here and nowhere else.

#ifndef FUSILLI_SUPPORT_EXPORT_H
#define FUSILLI_SUPPORT_EXPORT_H

/// Marks a class or function as part of the library's exported interface.
#if defined(_WIN32)
#define FUSILLI_EXPORT
#else
#define FUSILLI_EXPORT [[gnu::visibility("default")]]
#endif

#endif // FUSILLI_SUPPORT_EXPORT_H
