// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Umbrella of the compatibility layer.
#ifndef IREE_RUNTIME_API_H
#define IREE_RUNTIME_API_H

#include <iree/hal/api.h>
#include <iree/vm/api.h>

#endif // IREE_RUNTIME_API_H
