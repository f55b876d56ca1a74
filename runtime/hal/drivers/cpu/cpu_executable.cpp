// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Mapping of code images.
#include "runtime/hal/drivers/cpu/cpu_executable.h"

#include "artifact/cpu_features.h"
#include "support/fault.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/mman.h>

namespace fusilli::hal {

namespace {
constexpr size_t kPage = 4096;
}

StatusOr<Ref<Executable>> CpuExecutable::create(const ExecutableParams &params,
                                                HostAllocator &allocator) {
  if (params.format != FUSILLI_X86_64_IMAGE_FORMAT)
    return incompatibleError(strCat("executable of format '", params.format,
                                    "', CPU devices load '",
                                    FUSILLI_X86_64_IMAGE_FORMAT, "'"));
  uint64_t required = 0;
  if (!artifact::decodeCpuRequirements(params.requirements, required))
    return invalidArgumentError(strCat("CPU requirements of ",
                                       params.requirements.size(),
                                       " bytes, expected 8"));
  uint64_t missing = required & ~artifact::hostCpuFeatures();
  if (missing != 0)
    return unavailableError(
        strCat("this CPU lacks ", artifact::cpuFeatureNames(missing)));
  auto executable = makeRef<CpuExecutable>(allocator);
  if (!executable)
    return outOfMemoryError("an executable");
  FUSILLI_STATUS_RETURN_IF_ERROR(executable->mapCode(params.bytes));
  FUSILLI_STATUS_RETURN_IF_ERROR(
      executable->copyEntries(params.entries, params.bytes.size()));
  return Ref<Executable>(std::move(executable));
}

CpuExecutable::~CpuExecutable() {
  if (pages_ != nullptr)
    munmap(pages_, pageBytes_);
}

Status CpuExecutable::mapCode(std::span<const uint8_t> code) {
  FUSILLI_STATUS_RETURN_IF_ERROR(checkFault(FaultPoint::CodeMapping));
  if (code.empty())
    return okStatus();
  size_t bytes = (code.size() + kPage - 1) / kPage * kPage;
  void *pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED)
    return outOfMemoryError(strCat("a code image of ", code.size(), " bytes"));
  pages_ = pages;
  pageBytes_ = bytes;
  std::memcpy(pages, code.data(), code.size());
  if (mprotect(pages, bytes, PROT_READ | PROT_EXEC) != 0)
    return permissionDeniedError(
        strCat("the system does not let this process make code executable: ",
               std::strerror(errno)));
  return okStatus();
}

Status CpuExecutable::copyEntries(std::span<const EntryParams> entries,
                                  size_t codeSize) {
  size_t nameBytes = 0;
  for (const EntryParams &entry : entries) {
    if (entry.offset >= codeSize)
      return invalidArgumentError(strCat("entry '", entry.name, "' at offset ",
                                         entry.offset, " of a code image of ",
                                         codeSize, " bytes"));
    nameBytes += entry.name.size();
  }
  if (!entries_.allocate(hostAllocator(), entries.size()) ||
      !names_.allocate(hostAllocator(), nameBytes))
    return outOfMemoryError("the entries of an executable");
  size_t at = 0;
  for (size_t i = 0; i < entries.size(); ++i) {
    Entry &entry = entries_[i];
    entry.params = entries[i];
    std::string_view name = entries[i].name;
    std::copy(name.begin(), name.end(), names_.data() + at);
    entry.params.name = {names_.data() + at, name.size()};
    at += name.size();
    entry.function = reinterpret_cast<fusilli_kernel_fn_t>(
        static_cast<std::byte *>(pages_) + entry.params.offset);
    maxLocalMemory_ = std::max(maxLocalMemory_, entry.params.localMemory);
  }
  return okStatus();
}

EntryParams CpuExecutable::entry(size_t ordinal) const noexcept {
  return entries_[ordinal].params;
}

} // namespace fusilli::hal
