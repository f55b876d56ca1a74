/* Part of the Fusilli project, under the Apache License v2.0 with LLVM
 * Exceptions. See LICENSE for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * The C ABI of libfusilli_compiler, which libfusilli loads on first use. Bytes
 * in, bytes out; nothing is shared but these plain structs. All functions may
 * be called from several threads at once. Strings are UTF-8 and, inside a
 * result, live until the result is destroyed.
 */
#ifndef ARTIFACT_COMPILER_ABI_H
#define ARTIFACT_COMPILER_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised by every change of this header. The loader refuses any other one. */
#define FUSILLI_COMPILER_ABI_VERSION 1u
#define FUSILLI_COMPILER_LIBRARY_NAME "libfusilli_compiler.so"

typedef struct fusilli_bytes_t {
  const uint8_t *data;
  size_t size;
} fusilli_bytes_t;

typedef struct fusilli_compile_options_t {
  size_t struct_size;
  /* "x86-64-v3", "x86-64-v4", "x86-64-v4-bf16", "host"; null means "host" */
  const char *target;
  /* Further flags "--name=value", part of the cache key. */
  const char *const *flags;
  size_t flag_count;
  /* Null, or a comma-separated list of import,fuse,linalg,vector,llvm,asm:
   * the program after these stages is kept in the result. */
  const char *dump_after;
} fusilli_compile_options_t;

/* The numbers of fusilli::ErrorCode; 0 is success. */
typedef uint32_t fusilli_compile_code_t;

typedef struct fusilli_compile_result_t fusilli_compile_result_t;

typedef struct fusilli_compiler_api_t {
  uint32_t abi_version;
  size_t struct_size;
  const char *version; /* compiler version, part of the cache key */
  /* Each gives a result, also on failure (null only when out of memory). */
  fusilli_compile_result_t *(*graph_to_artifact)(
      fusilli_bytes_t graph_def, const fusilli_compile_options_t *options);
  fusilli_compile_result_t *(*graph_to_text)(
      fusilli_bytes_t graph_def, const fusilli_compile_options_t *options);
  fusilli_compile_result_t *(*text_to_artifact)(
      fusilli_bytes_t text, const fusilli_compile_options_t *options);
  /* Resolves "host" to the level and the features of this machine, for example
   * "x86-64-v4-bf16"; result bytes are that name. Invalid names fail. */
  fusilli_compile_result_t *(*resolve_target)(const char *target);

  fusilli_compile_code_t (*result_code)(const fusilli_compile_result_t *);
  fusilli_bytes_t (*result_bytes)(const fusilli_compile_result_t *);
  /* All diagnostics, one a line, empty on a clean success. */
  const char *(*result_diagnostics)(const fusilli_compile_result_t *);
  /* JSON: kernels, dispatch-count, transient-memory-size, per-stage times. */
  const char *(*result_statistics)(const fusilli_compile_result_t *);
  /* Text of one stage named in dump_after, or null. */
  const char *(*result_dump)(const fusilli_compile_result_t *,
                             const char *stage);
  void (*result_destroy)(fusilli_compile_result_t *);
} fusilli_compiler_api_t;

/* The one exported symbol: `const fusilli_compiler_api_t *
 * fusilli_compiler_get_api(uint32_t abi_version)`; null for another version. */
typedef const fusilli_compiler_api_t *(*fusilli_compiler_get_api_fn_t)(
    uint32_t abi_version);
#define FUSILLI_COMPILER_GET_API_SYMBOL "fusilli_compiler_get_api"

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* ARTIFACT_COMPILER_ABI_H */
