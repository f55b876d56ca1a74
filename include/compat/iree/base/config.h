// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sizes of the compatibility layer. Names of the foreign API for clients that
// mention them; all functions are inline, the library exports none of them.
#ifndef IREE_BASE_CONFIG_H
#define IREE_BASE_CONFIG_H

#include <fusilli/support/runtime_types.h>

#include <cstddef>
#include <cstdint>

typedef std::size_t iree_host_size_t;
typedef uint64_t iree_device_size_t;

#endif // IREE_BASE_CONFIG_H
