// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Host allocator and status of the compatibility layer. The allocator is a
// token: the library allocates by its own means.
#ifndef IREE_BASE_ALLOCATOR_H
#define IREE_BASE_ALLOCATOR_H

#include <iree/base/config.h>

#include <cstdio>

struct iree_allocator_t {
  void *self;
  void *ctl;
};

inline iree_allocator_t iree_allocator_system() { return {nullptr, nullptr}; }

extern "C" {
/// Writes the status's text to `file`; the status stays.
__attribute__((visibility("default"))) void
fusilli_status_print(FILE *file, iree_status_t status);
/// Frees a status; null is accepted.
__attribute__((visibility("default"))) void
fusilli_status_free(iree_status_t status);
}

inline iree_status_t iree_ok_status() { return nullptr; }
inline bool iree_status_is_ok(iree_status_t status) {
  return status == nullptr;
}
inline void iree_status_fprint(FILE *file, iree_status_t status) {
  fusilli_status_print(file, status);
}
inline void iree_status_ignore(iree_status_t status) {
  fusilli_status_free(status);
}

#endif // IREE_BASE_ALLOCATOR_H
