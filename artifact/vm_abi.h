/* Part of the Fusilli project, under the Apache License v2.0 with LLVM
 * Exceptions. See LICENSE for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Host program encoding: 32-bit little-endian words. The compiler writes it,
 * the VM verifies all of it at load and evaluates it (a static program once,
 * into a reusable command buffer).
 */
#ifndef ARTIFACT_VM_ABI_H
#define ARTIFACT_VM_ABI_H

#include <stdint.h>

#define FUSILLI_VM_ABI_VERSION 1u

/* Each instruction is its opcode word and the operand words named here. */
enum fusilli_vm_opcode_t {
  /* end of program; must be the last instruction, exactly once */
  FUSILLI_VM_RETURN = 0,
  /* entry ordinal, first binding (into Artifact.bindings), binding count,
   * workgroup count x, y, z, flags */
  FUSILLI_VM_DISPATCH = 1,
  /* everything before is complete and visible to everything after */
  FUSILLI_VM_BARRIER = 2,
};

/* DISPATCH flags */
enum {
  /* little work: run on the calling thread (decided at compile time) */
  FUSILLI_VM_DISPATCH_INLINE = 1u << 0,
};

#endif /* ARTIFACT_VM_ABI_H */
