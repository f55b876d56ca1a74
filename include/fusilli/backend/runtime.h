// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The runtime's opaque types, for code that mentions them.

#ifndef FUSILLI_BACKEND_RUNTIME_H
#define FUSILLI_BACKEND_RUNTIME_H

#include <fusilli/backend/backend.h>
#include <fusilli/support/runtime_types.h>

#endif // FUSILLI_BACKEND_RUNTIME_H
