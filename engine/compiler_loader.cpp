// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Search order, ABI check and conversion of results; see the header.
#include "engine/compiler_loader.h"

#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>

#include <dlfcn.h>

namespace fusilli::engine {
namespace {

struct ResultDeleter {
  const fusilli_compiler_api_t *api;
  void operator()(fusilli_compile_result_t *result) const {
    api->result_destroy(result);
  }
};
using Result = std::unique_ptr<fusilli_compile_result_t, ResultDeleter>;

std::string environmentOrEmpty(const char *name) {
  const char *value = std::getenv(name);
  return value ? value : "";
}

// The folder of the binary that holds this code: libfusilli, or a program that
// links the engine statically.
std::filesystem::path ownDirectory() {
  Dl_info info;
  static const char anchor = 0;
  if (dladdr(&anchor, &info) == 0 || !info.dli_fname)
    return {};
  std::error_code code;
  std::filesystem::path path = std::filesystem::canonical(info.dli_fname, code);
  return code ? std::filesystem::path() : path.parent_path();
}

// Files to try, in order. A bare name means the loader's path.
std::vector<std::string> candidates(const std::string &requested) {
  if (!requested.empty())
    return {requested};
  std::vector<std::string> paths;
  if (std::filesystem::path own = ownDirectory(); !own.empty()) {
    paths.push_back((own / FUSILLI_COMPILER_LIBRARY_NAME).string());
    // Programs that hold the engine themselves live in bin/ beside lib/.
    paths.push_back(
        (own.parent_path() / "lib" / FUSILLI_COMPILER_LIBRARY_NAME).string());
  }
  paths.push_back(FUSILLI_COMPILER_LIBRARY_NAME);
  return paths;
}

ErrorCode toErrorCode(fusilli_compile_code_t code) {
  if (code > 0 && code <= static_cast<uint32_t>(ErrorCode::FileSystemFailure))
    return static_cast<ErrorCode>(code);
  return ErrorCode::CompileFailure;
}

// The error of a result, or OK. `what` opens the text when the compiler gave
// no diagnostics.
ErrorObject toError(const fusilli_compiler_api_t *api,
                    const fusilli_compile_result_t *result,
                    const std::string &what) {
  if (!result)
    return error(ErrorCode::CompileFailure,
                 what + ": the compiler is out of memory");
  fusilli_compile_code_t code = api->result_code(result);
  const char *diagnostics = api->result_diagnostics(result);
  std::string text = diagnostics ? diagnostics : "";
  while (!text.empty() && text.back() == '\n')
    text.pop_back();
  if (code == 0) {
    if (!text.empty())
      FUSILLI_LOG_LABEL_ENDL("compiler: " << text);
    return ok();
  }
  if (text.empty())
    text = "the compiler gave code " + std::to_string(code) +
           " and no diagnostics";
  return error(toErrorCode(code), what + ": " + text);
}

std::string toString(fusilli_bytes_t bytes) {
  return std::string(reinterpret_cast<const char *>(bytes.data), bytes.size);
}

// Settings in the form of the C ABI; borrows from them.
struct Options {
  explicit Options(const CompileSettings &settings, const char *dump)
      : target(settings.target) {
    for (const std::string &flag : settings.flags)
      flags.push_back(flag.c_str());
    raw.struct_size = sizeof(raw);
    raw.target = target.c_str();
    raw.flags = flags.data();
    raw.flag_count = flags.size();
    raw.dump_after = dump;
  }
  Options(const Options &) = delete;
  Options &operator=(const Options &) = delete;

  std::string target;
  std::vector<const char *> flags;
  fusilli_compile_options_t raw{};
};

ErrorOr<CompileOutput> takeOutput(const fusilli_compiler_api_t *api,
                                  const Result &result) {
  fusilli_bytes_t bytes = api->result_bytes(result.get());
  if (!bytes.data || bytes.size == 0)
    return error(ErrorCode::CompileFailure,
                 "the compiler reported success and gave no artifact");
  CompileOutput output;
  output.artifact.assign(bytes.data, bytes.data + bytes.size);
  if (const char *statistics = api->result_statistics(result.get()))
    output.statistics = statistics;
  return ok(std::move(output));
}

} // namespace

std::string requestedTarget() {
  std::string target = environmentOrEmpty("FUSILLI_TARGET");
  return target.empty() ? "host" : target;
}

ErrorOr<const Compiler *> Compiler::get() {
  static std::mutex mutex;
  // By requested path; never destroyed, as the libraries are never unloaded.
  static auto &loaded = *new std::map<std::string, const Compiler *>();
  std::string requested = environmentOrEmpty("FUSILLI_COMPILER_LIB");
  std::lock_guard<std::mutex> lock(mutex);
  if (auto it = loaded.find(requested); it != loaded.end())
    return ok(it->second);
  ErrorOr<const Compiler *> compiler = load(requested);
  if (isOk(compiler))
    loaded.emplace(std::move(requested), *compiler);
  return compiler;
}

ErrorOr<const Compiler *> Compiler::load(const std::string &requested) {
  const std::string advice =
      requested.empty()
          ? "; install libfusilli_compiler beside libfusilli, or set "
            "FUSILLI_COMPILER_LIB to its path, or load an artifact that was "
            "compiled ahead of time"
          : "; set FUSILLI_COMPILER_LIB to the compiler library of this "
            "version of fusilli, or unset it to use the installed one";
  std::string tried;
  for (const std::string &path : candidates(requested)) {
    void *library =
        dlopen(path.c_str(), RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);
    if (!library) {
      const char *reason = dlerror();
      tried += "\n  " + path + ": " + (reason ? reason : "cannot be loaded");
      continue;
    }
    auto getApi = reinterpret_cast<fusilli_compiler_get_api_fn_t>(
        dlsym(library, FUSILLI_COMPILER_GET_API_SYMBOL));
    if (!getApi)
      return error(ErrorCode::CompileFailure,
                   "'" + path +
                       "' is not a fusilli compiler library: no "
                       "symbol " FUSILLI_COMPILER_GET_API_SYMBOL +
                       advice);
    const fusilli_compiler_api_t *api = getApi(FUSILLI_COMPILER_ABI_VERSION);
    if (!api || api->abi_version != FUSILLI_COMPILER_ABI_VERSION ||
        api->struct_size < sizeof(fusilli_compiler_api_t)) {
      std::string given = api ? std::to_string(api->abi_version) : "another";
      return error(ErrorCode::CompileFailure,
                   "the compiler library '" + path + "' has ABI version " +
                       given + ", this libfusilli needs version " +
                       std::to_string(FUSILLI_COMPILER_ABI_VERSION) + advice);
    }
    // Lives as long as the process: results and strings of the library do too.
    return ok(static_cast<const Compiler *>(new Compiler(api, path)));
  }
  return error(ErrorCode::CompileFailure,
               "the compiler library is missing, looked for" +
                   (requested.empty()
                        ? std::string(":")
                        : std::string(" where FUSILLI_COMPILER_LIB says:")) +
                   tried + advice);
}

ErrorOr<std::string> Compiler::resolveTarget(const std::string &name) const {
  Result result(api_->resolve_target(name.c_str()), ResultDeleter{api_});
  ErrorObject status =
      toError(api_, result.get(),
              "cannot compile for target '" + name +
                  "' (environment variable FUSILLI_TARGET, default host)");
  if (isError(status))
    return error(ErrorCode::InvalidArgument, status.getMessage());
  return ok(toString(api_->result_bytes(result.get())));
}

ErrorOr<CompileOutput>
Compiler::compileGraph(std::span<const uint8_t> graphDef,
                       const CompileSettings &settings) const {
  Options options(settings, "import");
  Result result(
      api_->graph_to_artifact({graphDef.data(), graphDef.size()}, &options.raw),
      ResultDeleter{api_});
  FUSILLI_CHECK_ERROR(toError(api_, result.get(), "cannot compile the graph"));
  FUSILLI_ASSIGN_OR_RETURN(CompileOutput output, takeOutput(api_, result));
  if (const char *text = api_->result_dump(result.get(), "import")) {
    output.text = text;
    return ok(std::move(output));
  }
  FUSILLI_ASSIGN_OR_RETURN(output.text, emitText(graphDef));
  return ok(std::move(output));
}

ErrorOr<CompileOutput>
Compiler::compileText(std::string_view text,
                      const CompileSettings &settings) const {
  Options options(settings, nullptr);
  Result result(
      api_->text_to_artifact(
          {reinterpret_cast<const uint8_t *>(text.data()), text.size()},
          &options.raw),
      ResultDeleter{api_});
  FUSILLI_CHECK_ERROR(
      toError(api_, result.get(), "cannot compile the program text"));
  FUSILLI_ASSIGN_OR_RETURN(CompileOutput output, takeOutput(api_, result));
  output.text = text;
  return ok(std::move(output));
}

ErrorOr<std::string>
Compiler::emitText(std::span<const uint8_t> graphDef) const {
  Options options(CompileSettings{.target = "host", .flags = {}}, nullptr);
  Result result(
      api_->graph_to_text({graphDef.data(), graphDef.size()}, &options.raw),
      ResultDeleter{api_});
  FUSILLI_CHECK_ERROR(
      toError(api_, result.get(), "cannot emit the program text"));
  return ok(toString(api_->result_bytes(result.get())));
}

} // namespace fusilli::engine
