/* Part of the Fusilli project, under the Apache License v2.0 with LLVM
 * Exceptions. See LICENSE for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * The contract between generated CPU kernels and the CPU driver. Plain C,
 * known to both the compiler (which emits accesses at these offsets) and the
 * runtime. A change of layout raises FUSILLI_EXECUTABLE_ABI_VERSION.
 */
#ifndef ARTIFACT_EXECUTABLE_ABI_H
#define ARTIFACT_EXECUTABLE_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FUSILLI_EXECUTABLE_ABI_VERSION 1u

/* Executable.format of a flat position-independent image of x86-64 code: an
 * entry's offset is that of a fusilli_kernel_fn_t. Its requirements are the
 * feature bits of artifact/cpu_features.inc, 8 bytes, little-endian. */
#define FUSILLI_X86_64_IMAGE_FORMAT "x86-64-image"

/* What all workgroups of one dispatch share. Borrowed for the call. */
typedef struct fusilli_dispatch_state_t {
  /* Base address of each binding, offsets already applied. */
  void *const *bindings;
  const uint64_t *binding_lengths; /* bytes */
  const uint32_t *constants;       /* push constants, may be null */
  uint32_t workgroup_count[3];
  uint32_t binding_count;
} fusilli_dispatch_state_t;

/* Runs the workgroups with linear ids in [begin, end), where the linear id of
 * (x, y, z) is x + count_x * (y + count_y * z). The driver may split
 * [0, count) into ranges in any way and run them concurrently; a kernel may
 * keep what it packed for one workgroup of the range for the next.
 * `local_memory` is private to the call, 64-byte aligned, undefined on entry.
 * Returns 0 on success; anything else fails the submission. */
typedef int32_t (*fusilli_kernel_fn_t)(const fusilli_dispatch_state_t *state,
                                       void *local_memory, uint64_t begin,
                                       uint64_t end);

#ifdef __cplusplus
} /* extern "C" */

static_assert(offsetof(fusilli_dispatch_state_t, bindings) == 0);
static_assert(offsetof(fusilli_dispatch_state_t, binding_lengths) == 8);
static_assert(offsetof(fusilli_dispatch_state_t, constants) == 16);
static_assert(offsetof(fusilli_dispatch_state_t, workgroup_count) == 24);
static_assert(offsetof(fusilli_dispatch_state_t, binding_count) == 36);
static_assert(sizeof(fusilli_dispatch_state_t) == 40);
#endif

#endif /* ARTIFACT_EXECUTABLE_ABI_H */
