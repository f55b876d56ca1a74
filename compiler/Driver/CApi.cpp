// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The one exported symbol of libfusilli_compiler and the functions behind it:
// plain C structs in, results that own their bytes out. No exception and no
// LLVM type crosses this border.
#include "artifact/compiler_abi.h"
#include "compiler/Driver/Compiler.h"
#include "compiler/Driver/Version.h"
#include "compiler/Target/TargetBackend.h"

#include <new>
#include <string>

using fusilli::compiler::CompileCode;
using fusilli::compiler::CompileOptions;
using fusilli::compiler::CompileResult;
using fusilli::compiler::SourceKind;

struct fusilli_compile_result_t {
  CompileResult result;
};

namespace {

fusilli_compile_result_t *fail(fusilli_compile_result_t *out, CompileCode code,
                               const std::string &message) {
  out->result.code = code;
  out->result.diagnostics = message;
  return out;
}

llvm::ArrayRef<uint8_t> toArray(fusilli_bytes_t bytes) {
  return {bytes.data, bytes.data ? bytes.size : 0};
}

/// False, with the result set, when an option is wrong.
bool readOptions(const fusilli_compile_options_t *in, CompileOptions &options,
                 fusilli_compile_result_t *out) {
#ifndef NDEBUG
  options.verifyEach = true;
#endif
  if (!in)
    return true;
  if (in->struct_size < sizeof(fusilli_compile_options_t)) {
    fail(out, CompileCode::InvalidArgument,
         "compile options have size " + std::to_string(in->struct_size) +
             ", expected " + std::to_string(sizeof(*in)));
    return false;
  }
  if (in->target)
    options.target = in->target;
  std::optional<std::string> error;
  for (size_t i = 0; !error && i < in->flag_count; ++i)
    error = options.addFlag(in->flags[i] ? in->flags[i] : "");
  if (!error && in->dump_after)
    error = options.addDumps(in->dump_after);
  if (error)
    fail(out, CompileCode::InvalidArgument, *error);
  return !error;
}

template <typename Run>
fusilli_compile_result_t *run(const fusilli_compile_options_t *in, Run body) {
  auto *out = new (std::nothrow) fusilli_compile_result_t;
  if (!out)
    return nullptr;
  CompileOptions options;
  if (readOptions(in, options, out))
    out->result = body(options);
  return out;
}

fusilli_compile_result_t *
graphToArtifact(fusilli_bytes_t graphDef,
                const fusilli_compile_options_t *options) {
  return run(options, [&](const CompileOptions &o) {
    return compileToArtifact(toArray(graphDef), SourceKind::GraphDef, o);
  });
}

fusilli_compile_result_t *
graphToText(fusilli_bytes_t graphDef,
            const fusilli_compile_options_t *options) {
  return run(options, [&](const CompileOptions &o) {
    return printGraph(toArray(graphDef), o);
  });
}

fusilli_compile_result_t *
textToArtifact(fusilli_bytes_t text, const fusilli_compile_options_t *options) {
  return run(options, [&](const CompileOptions &o) {
    return compileToArtifact(toArray(text), SourceKind::Text, o);
  });
}

fusilli_compile_result_t *resolveTarget(const char *name) {
  return run(nullptr, [&](const CompileOptions &) {
    CompileResult result;
    auto target = fusilli::compiler::resolveTarget(name ? name : "host");
    if (!target) {
      result.code = CompileCode::InvalidArgument;
      result.diagnostics = llvm::toString(target.takeError());
      return result;
    }
    llvm::StringRef resolved = (*target)->name();
    result.bytes.assign(resolved.begin(), resolved.end());
    return result;
  });
}

fusilli_compile_code_t resultCode(const fusilli_compile_result_t *result) {
  return static_cast<fusilli_compile_code_t>(result->result.code);
}

fusilli_bytes_t resultBytes(const fusilli_compile_result_t *result) {
  return {result->result.bytes.data(), result->result.bytes.size()};
}

const char *resultDiagnostics(const fusilli_compile_result_t *result) {
  return result->result.diagnostics.c_str();
}

const char *resultStatistics(const fusilli_compile_result_t *result) {
  return result->result.statistics.c_str();
}

const char *resultDump(const fusilli_compile_result_t *result,
                       const char *stage) {
  auto it = result->result.dumps.find(stage ? stage : "");
  return it == result->result.dumps.end() ? nullptr : it->second.c_str();
}

void resultDestroy(fusilli_compile_result_t *result) { delete result; }

} // namespace

extern "C" __attribute__((visibility("default"))) const fusilli_compiler_api_t *
fusilli_compiler_get_api(uint32_t abiVersion) {
  if (abiVersion != FUSILLI_COMPILER_ABI_VERSION)
    return nullptr;
  static const fusilli_compiler_api_t api = {
      FUSILLI_COMPILER_ABI_VERSION,
      sizeof(fusilli_compiler_api_t),
      fusilli::compiler::getCompilerVersion().c_str(),
      graphToArtifact,
      graphToText,
      textToArtifact,
      resolveTarget,
      resultCode,
      resultBytes,
      resultDiagnostics,
      resultStatistics,
      resultDump,
      resultDestroy};
  return &api;
}
