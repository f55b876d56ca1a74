// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the header.
#include "tests/soak/stage.h"

#include "tests/soak/faults.h"

#include <cstdio>
#include <sstream>

namespace fusilli::soak {
namespace {

std::string codeText(const ErrorObject &error) {
  std::ostringstream text;
  text << error.getCode();
  return text.str();
}

// "RESOURCE_EXHAUSTED", the runtime's own code, where there is one.
std::string kindOf(const ErrorObject &error) {
  const std::string &text = error.getMessage();
  for (const char *word : {"RESOURCE_EXHAUSTED", "UNAVAILABLE", "INTERNAL"})
    if (text.find(word) != std::string::npos)
      return codeText(error) + " / " + word;
  return codeText(error);
}

void printMap(const char *title, const std::map<std::string, uint64_t> &map) {
  std::printf("%s\n", title);
  for (const auto &[name, count] : map)
    std::printf("  %-48s %12llu\n", name.c_str(),
                static_cast<unsigned long long>(count));
}

} // namespace

const char *nameOf(Operation operation) {
  static constexpr const char *kNames[kOperations] = {
#define SOAK_NAME(NAME, TEXT) TEXT,
      SOAK_OPERATIONS(SOAK_NAME)
#undef SOAK_NAME
  };
  return operation < Operation::Count ? kNames[static_cast<size_t>(operation)]
                                      : "nothing";
}

void Statistics::surfaced(const ErrorObject &error) {
  std::lock_guard lock(mutex_);
  ++injected_[kindOf(error)];
}

void Statistics::refused(const ErrorObject &error) {
  std::lock_guard lock(mutex_);
  ++refused_[codeText(error)];
}

uint64_t Statistics::operations() const {
  uint64_t sum = 0;
  for (const auto &count : done_)
    sum += count.load();
  return sum;
}

void Statistics::print() const {
  std::map<std::string, uint64_t> done;
  for (size_t i = 0; i < kOperations; ++i)
    done[nameOf(static_cast<Operation>(i))] = done_[i].load();
  done["outputs compared"] = checked_.load();
  printMap("operations:", done);
  std::lock_guard lock(mutex_);
  uint64_t surfaced = 0;
  for (const auto &[name, count] : injected_)
    surfaced += count;
  printMap("errors from injected failures, by code:", injected_);
  std::printf("  %-48s %12llu\n  %-48s %12llu\n", "all of them",
              static_cast<unsigned long long>(surfaced),
              "allocation failures that an operation survived",
              static_cast<unsigned long long>(absorbed_.load()));
  printMap("errors from wrong use, by code:", refused_);
}

void Stage::fail(const std::string &what) {
  static std::mutex printing;
  std::lock_guard lock(printing);
  std::printf("soak: FAILED: %s\n", what.c_str());
  std::fflush(stdout);
  failed_.store(true);
  stop.store(true);
}

void Stage::clear() {
  for (auto &place : programs)
    exchange(place, {});
  for (auto &place : gates)
    exchange(place, {});
  for (auto &place : bound)
    exchange(place, {});
  for (auto &place : handles)
    exchange(place, {});
}

} // namespace fusilli::soak
