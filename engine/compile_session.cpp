// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// CompileCommand, CompileSession and CompileContext: thin classes over the
// loaded compiler, with the flags that clients expect to see.
#include "engine/compile.h"

#include "fusilli/backend/compile_session.h"
#include "fusilli/support/dllib.h"
#include "fusilli/support/external_tools.h"
#include "fusilli/support/extras.h"

#include <cstdlib>
#include <fstream>

namespace fusilli {
namespace {

// What the reference's compiler would be told; recorded, without effect here.
std::vector<std::string> flagsOf(Backend backend) {
  std::vector<std::string> flags;
  if (backend == Backend::CPU)
    flags = {"--iree-hal-target-backends=llvm-cpu",
             "--iree-llvmcpu-target-cpu=host"};
  else
    flags = {"--iree-hal-target-backends=rocm"};
  for (const std::string &flag :
       parseCompilerFlags(std::getenv("FUSILLI_EXTRA_COMPILER_FLAGS")))
    flags.push_back(flag);
  return flags;
}

std::string commandLine(const std::vector<std::string> &args) {
  std::string line;
  for (const std::string &arg : args)
    line += (line.empty() ? "" : " ") + escapeArgument(arg);
  return line + "\n";
}

std::vector<std::string> commandArgs(const std::vector<std::string> &flags,
                                     const std::filesystem::path &input,
                                     const std::filesystem::path &output,
                                     const std::filesystem::path &statistics) {
  std::vector<std::string> args = {getIreeCompilePath(), input.string()};
  args.insert(args.end(), flags.begin(), flags.end());
  args.push_back("--iree-scheduling-dump-statistics-format=json");
  args.push_back("--iree-scheduling-dump-statistics-file=" +
                 statistics.string());
  args.push_back("-o");
  args.push_back(output.string());
  return args;
}

template <typename Bytes>
ErrorObject writeFile(const std::filesystem::path &path, const Bytes &bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char *>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file)
    return error(ErrorCode::FileSystemFailure,
                 "cannot write '" + path.string() + "'");
  return ok();
}

ErrorObject compileFile(Backend backend, const std::filesystem::path &input,
                        const std::filesystem::path &output,
                        const std::filesystem::path &statistics) {
  FUSILLI_ASSIGN_OR_RETURN(std::vector<uint8_t> text, readFileBytes(input));
  if (text.empty())
    return error(ErrorCode::CompileFailure,
                 "the input file '" + input.string() + "' is empty");
  FUSILLI_ASSIGN_OR_RETURN(engine::CompileTarget target,
                           engine::currentCompileTarget(backend));
  engine::CompileInput program{.program = text, .isText = true};
  FUSILLI_ASSIGN_OR_RETURN(engine::StoreKey key,
                           engine::compileKey(program, target));
  FUSILLI_ASSIGN_OR_RETURN(engine::StoreEntry entry,
                           engine::compileOrLookUp(program, target, key));
  FUSILLI_CHECK_ERROR(writeArtifactFile(output, entry.artifact));
  return statistics.empty() ? ok() : writeFile(statistics, entry.statistics);
}

} // namespace

bool checkCompileBackendEnv() {
  const char *value = std::getenv("FUSILLI_COMPILE_BACKEND_USE_CLI");
  return value && std::string_view(value) != "0";
}

CompileCommand CompileCommand::build(Backend backend, const CacheFile &input,
                                     const CacheFile &output,
                                     const CacheFile &statistics) {
  CompileCommand command;
  command.backend_ = backend;
  command.input_ = input.path;
  command.output_ = output.path;
  command.statistics_ = statistics.path;
  command.args_ =
      commandArgs(flagsOf(backend), input.path, output.path, statistics.path);
  return command;
}

std::string CompileCommand::toString() const { return commandLine(args_); }

ErrorObject CompileCommand::writeTo(CacheFile &file) const {
  return file.write(toString());
}

ErrorObject CompileCommand::execute() {
  return compileFile(backend_, input_, output_, statistics_);
}

CompileSession::CompileSession(Backend backend)
    : backend_(backend), flags_(flagsOf(backend)) {}

ErrorOr<CompileSession> CompileSession::build(Backend backend,
                                              const CacheFile &input,
                                              const CacheFile &output,
                                              const CacheFile &statistics) {
  FUSILLI_ASSIGN_OR_RETURN(CompileContext * context, CompileContext::create());
  FUSILLI_ASSIGN_OR_RETURN(CompileSession session,
                           context->createSession(backend));
  session.input_ = input.path;
  session.output_ = output.path;
  session.statistics_ = statistics.path;
  return ok(std::move(session));
}

ErrorObject CompileSession::addFlag(const std::string &flag) {
  if (!flag.starts_with("--iree-"))
    return error(ErrorCode::CompileFailure,
                 "unknown compiler flag '" + flag + "', expected --iree-...");
  flags_.push_back(flag);
  return ok();
}

ErrorObject CompileSession::addFlags(std::span<const std::string> flags) {
  for (const std::string &flag : flags)
    FUSILLI_CHECK_ERROR(addFlag(flag));
  return ok();
}

ErrorObject CompileSession::compile(std::string_view input,
                                    std::string_view output) {
  return compileFile(backend_, input, output, {});
}

ErrorObject CompileSession::execute() {
  return compileFile(backend_, input_, output_, statistics_);
}

std::string CompileSession::toString() const {
  return commandLine(commandArgs(flags_, input_, output_, statistics_));
}

ErrorObject CompileSession::writeTo(CacheFile &file) const {
  return file.write(toString());
}

ErrorOr<CompileContext *> CompileContext::create() {
  FUSILLI_CHECK_ERROR(engine::Compiler::get());
  static CompileContext context;
  return ok(&context);
}

ErrorOr<CompileSession> CompileContext::createSession(Backend backend) {
  return ok(CompileSession(backend));
}

int CompileContext::getAPIVersion() const {
  return static_cast<int>(FUSILLI_COMPILER_ABI_VERSION << 16);
}

std::string CompileContext::getRevision() const {
  ErrorOr<const engine::Compiler *> compiler = engine::Compiler::get();
  return isOk(compiler) ? std::string((*compiler)->version()) : std::string();
}

ErrorObject CompileContext::load(const std::string &libPath) noexcept {
  DynamicLibrary library;
  FUSILLI_CHECK_ERROR(library.load(libPath));
  return library.close();
}

} // namespace fusilli
