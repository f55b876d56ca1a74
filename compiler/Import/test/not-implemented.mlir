// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the compiler cannot do yet names the node or the tensor.
// RUN: not fusilli-compile %S/Inputs/not-implemented.json --stats 2>&1 | FileCheck %s --check-prefix=MODE
// RUN: not fusilli-compile %S/Inputs/uint8.json --stats 2>&1 | FileCheck %s --check-prefix=DTYPE

// MODE: node 'e': pointwise EXP with a result of type i32 is not implemented
// DTYPE: tensor 'x': data type Uint8 is not implemented
