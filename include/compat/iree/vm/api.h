// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Opaque types of the compatibility layer that clients may mention.
#ifndef IREE_VM_API_H
#define IREE_VM_API_H

#include <iree/base/allocator.h>

typedef struct iree_vm_instance_t iree_vm_instance_t;
typedef struct iree_vm_context_t iree_vm_context_t;
typedef struct iree_vm_list_t iree_vm_list_t;

#endif // IREE_VM_API_H
