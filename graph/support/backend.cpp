// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names of backends, compiler flags, and the products of AMD GPUs.

#include <fusilli/backend/backend.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace fusilli {

std::ostream &operator<<(std::ostream &os, Backend backend) {
  auto it = kBackendToStr.find(backend);
  return os << (it == kBackendToStr.end() ? std::string("UNKNOWN_BACKEND")
                                          : it->second);
}

namespace {

bool isSpace(char c) { return std::isspace(static_cast<unsigned char>(c)); }

std::string lowered(std::string_view text) {
  std::string result(text);
  for (char &c : result)
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

} // namespace

std::vector<std::string> parseCompilerFlags(const char *flags) {
  std::vector<std::string> words;
  std::string word;
  bool inWord = false;
  bool inQuotes = false;
  for (const char *p = flags; p && *p; ++p) {
    if (inQuotes) {
      if (*p == '\\' && p[1] != '\0')
        word += *++p;
      else if (*p == '"')
        inQuotes = false;
      else
        word += *p;
    } else if (*p == '"') {
      inQuotes = inWord = true;
    } else if (!isSpace(*p)) {
      word += *p;
      inWord = true;
    } else if (inWord) {
      words.push_back(std::exchange(word, {}));
      inWord = false;
    }
  }
  if (inWord)
    words.push_back(word);
  return words;
}

std::span<const std::string> getBackendFlags(Backend) {
  static const std::vector<std::string> flags =
      parseCompilerFlags(std::getenv("FUSILLI_EXTRA_COMPILER_FLAGS"));
  return flags;
}

std::string getGpuSkuFromMarketingName(const std::string &marketingName) {
  // In order: the first that matches wins, so longer names stand first.
  static constexpr std::array kProducts = {
      "MI355X",     "MI350X",     "MI325X",     "MI308X",     "MI300X",
      "MI300A",     "MI250X",     "MI250",      "MI210",      "MI100",
      "W7900",      "W7800",      "W7700",      "V710",       "RX 7900 XTX",
      "RX 7900 XT", "RX 7800 XT", "RX 7700 XT", "RX 9070 XT", "RX 9070",
      "RX 9060 XT", "R9700"};
  std::string name = lowered(marketingName);
  for (const char *product : kProducts) {
    std::string pattern = lowered(product);
    if (name.find(pattern) == std::string::npos)
      continue;
    std::erase(pattern, ' ');
    return pattern;
  }
  return "";
}

} // namespace fusilli
