// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The one exported symbol of libfusilli_compiler and the functions behind it:
// plain C structs in, results that own their bytes out. No exception and no
// LLVM type crosses this border.
#include "artifact/compiler_abi.h"

extern "C" __attribute__((visibility("default"))) const fusilli_compiler_api_t *
fusilli_compiler_get_api(uint32_t abiVersion) {
  (void)abiVersion;
  return nullptr;
}
