// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reserved for running the compiler as a separate program. The compiler is used
// in process: `Graph::compile`, `Graph::getCompiledArtifact`.

#ifndef FUSILLI_BACKEND_COMPILE_SESSION_H
#define FUSILLI_BACKEND_COMPILE_SESSION_H

#include <fusilli/backend/backend.h>
#include <fusilli/support/cache.h>

#endif // FUSILLI_BACKEND_COMPILE_SESSION_H
