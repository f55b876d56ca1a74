// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The version of these headers; the build takes the project's version, and so
// the libraries' SONAME, from here. While MAJOR is 0, any MINOR may break the
// C++ ABI. What another version accepts of artifacts and GraphDefs does not
// follow from these numbers but from the formats' own: see ARCHITECTURE.md.

#ifndef FUSILLI_VERSION_H
#define FUSILLI_VERSION_H

#define FUSILLI_VERSION_MAJOR 0
#define FUSILLI_VERSION_MINOR 1
#define FUSILLI_VERSION_PATCH 0
#define FUSILLI_VERSION_STRING "0.1.0"

/// For `#if FUSILLI_VERSION >= FUSILLI_MAKE_VERSION(0, 2, 0)`.
#define FUSILLI_MAKE_VERSION(MAJOR, MINOR, PATCH)                              \
  ((MAJOR) * 1000000 + (MINOR) * 1000 + (PATCH))
#define FUSILLI_VERSION                                                        \
  FUSILLI_MAKE_VERSION(FUSILLI_VERSION_MAJOR, FUSILLI_VERSION_MINOR,           \
                       FUSILLI_VERSION_PATCH)

#endif // FUSILLI_VERSION_H
