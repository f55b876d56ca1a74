// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Finds the build id that the linker left in this very library.
#include "compiler/Driver/Version.h"

#include <fusilli/version.h>

#include <cstdint>
#include <cstring>
#include <elf.h>
#include <link.h>

namespace fusilli::compiler {

namespace {

/// Number of bytes of the build id that tell builds apart.
constexpr uint32_t kIdBytes = 8;

void appendHex(std::string &text, const uint8_t *bytes, uint32_t size) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (uint32_t i = 0; i < size; ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
}

/// Looks for a GNU build id in one segment of notes.
void findId(const uint8_t *at, const uint8_t *end, std::string &id) {
  while (size_t(end - at) >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) note;
    std::memcpy(&note, at, sizeof(note));
    const uint8_t *name = at + sizeof(note);
    const uint8_t *data = name + ((note.n_namesz + 3) & ~3u);
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
        std::memcmp(name, "GNU", 4) == 0) {
      appendHex(id, data, std::min<uint32_t>(note.n_descsz, kIdBytes));
      return;
    }
    at = data + ((note.n_descsz + 3) & ~3u);
  }
}

int visitObject(dl_phdr_info *info, size_t, void *context) {
  auto self = reinterpret_cast<uintptr_t>(&visitObject);
  bool isSelf = false;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr) &segment = info->dlpi_phdr[i];
    uintptr_t start = info->dlpi_addr + segment.p_vaddr;
    isSelf |= segment.p_type == PT_LOAD && self >= start &&
              self - start < segment.p_memsz;
  }
  if (!isSelf)
    return 0;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr) &segment = info->dlpi_phdr[i];
    auto *start =
        reinterpret_cast<const uint8_t *>(info->dlpi_addr + segment.p_vaddr);
    if (segment.p_type == PT_NOTE)
      findId(start, start + segment.p_memsz,
             *static_cast<std::string *>(context));
  }
  return 1;
}

std::string makeVersion() {
  std::string id;
  dl_iterate_phdr(visitObject, &id);
  std::string version = FUSILLI_VERSION_STRING;
  return id.empty() ? version : version + "+" + id;
}

} // namespace

const std::string &getCompilerVersion() {
  static const std::string version = makeVersion();
  return version;
}

} // namespace fusilli::compiler
