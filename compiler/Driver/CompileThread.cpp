// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the header.
#include "compiler/Driver/CompileThread.h"

#include <cfenv>
#include <csignal>
#include <cstring>

#include <pthread.h>

namespace fusilli::compiler {

namespace {

void *runBody(void *body) {
  std::fesetenv(FE_DFL_ENV);
  (*static_cast<llvm::function_ref<void()> *>(body))();
  return nullptr;
}

/// pthread_create with the stack and without signals.
int start(pthread_t &thread, llvm::function_ref<void()> &body) {
  pthread_attr_t attributes;
  if (int failure = pthread_attr_init(&attributes))
    return failure;
  int failure = pthread_attr_setstacksize(&attributes, kCompileStackBytes);
  if (failure == 0) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); // the new thread inherits it
    failure = pthread_create(&thread, &attributes, runBody, &body);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  pthread_attr_destroy(&attributes);
  return failure;
}

} // namespace

std::optional<std::string> runOnCompileThread(llvm::function_ref<void()> body) {
  pthread_t thread;
  if (int failure = start(thread, body))
    return std::string("cannot start a thread to compile on: ") +
           std::strerror(failure);
  pthread_join(thread, nullptr);
  return std::nullopt;
}

} // namespace fusilli::compiler
