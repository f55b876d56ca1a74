/* Part of the Fusilli project, under the Apache License v2.0 with LLVM
 * Exceptions. See LICENSE for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Host program encoding: 32-bit little-endian words. The compiler writes it,
 * the VM verifies all of it at load and evaluates it into a reusable command
 * buffer: a static program once, one with symbols once for each shape.
 */
#ifndef ARTIFACT_VM_ABI_H
#define ARTIFACT_VM_ABI_H

#include <stdint.h>

#define FUSILLI_VM_ABI_VERSION 2u

/* A value is a signed 64-bit integer. The first values are the extents of the
 * artifact's symbols, in order; each instruction of shape arithmetic defines
 * the next one. An operand names a value by its number, and only one that was
 * defined before. What overflows 64 bits fails the call. */

/* Each instruction is its opcode word and the operand words named here. */
enum fusilli_vm_opcode_t {
  /* end of program; must be the last instruction, exactly once */
  FUSILLI_VM_RETURN = 0,
  /* entry ordinal, first binding (into Artifact.bindings), binding count,
   * workgroup count x, y, z, flags */
  FUSILLI_VM_DISPATCH = 1,
  /* everything before is complete and visible to everything after */
  FUSILLI_VM_BARRIER = 2,
  /* low word, high word: a value */
  FUSILLI_VM_CONSTANT = 3,
  /* a, b: a value. Divisors are positive; FLOOR_DIV rounds down, CEIL_DIV up,
   * MOD is never negative. */
  FUSILLI_VM_ADD = 4,
  FUSILLI_VM_MUL = 5,
  FUSILLI_VM_FLOOR_DIV = 6,
  FUSILLI_VM_CEIL_DIV = 7,
  FUSILLI_VM_MOD = 8,
  FUSILLI_VM_MIN = 9,
  FUSILLI_VM_MAX = 10,
  /* value: bytes of workspace, in place of Artifact.workspace_size; at most
   * once, before every dispatch and barrier */
  FUSILLI_VM_WORKSPACE = 11,
  /* entry ordinal, first binding, binding count, workgroup count x, y, z,
   * flags, number of constants, then offset and length of each binding, then
   * the constants. Counts, offsets, lengths and constants are values; a
   * constant is pushed as two words, low and high. The bindings' own ranges are
   * unused. */
  FUSILLI_VM_DISPATCH_SYMBOLIC = 12,
};

/* DISPATCH flags */
enum {
  /* little work: run on the calling thread (decided at compile time) */
  FUSILLI_VM_DISPATCH_INLINE = 1u << 0,
};

#endif /* ARTIFACT_VM_ABI_H */
