// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Entry file: a 64-byte header (magic, key, three sizes, hash of what follows),
// then program text, statistics and artifact. Only files that nobody but this
// user and root can write are believed: an entry is machine code.
#include "engine/artifact_store.h"

#include "engine/file_io.h"

#include "artifact/executable_abi.h"
#include "artifact/format.h"
#include "artifact/vm_abi.h"
#include "fusilli/support/cache.h"
#include "fusilli/support/logging.h"
#include "support/private_file.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

namespace fusilli::engine {
namespace {

constexpr char kEntryMagic[8] = {'F', 'S', 'T', 'O', 'R', 'E', '0', '1'};
constexpr std::string_view kEntrySuffix = ".entry";
constexpr std::string_view kTemporaryPrefix = "tmp-";
constexpr time_t kStaleTemporarySeconds = 3600;

struct EntryHeader {
  char magic[8];
  uint64_t key[2];
  uint64_t textSize;
  uint64_t statisticsSize;
  uint64_t artifactSize;
  uint64_t hash[2];
};
static_assert(sizeof(EntryHeader) == 64);

// Each part is preceded by its length, so that parts cannot run together.
class KeyHasher {
public:
  KeyHasher() { XXH3_128bits_reset(&state_); }
  void add(const void *data, size_t size) {
    uint64_t length = size;
    XXH3_128bits_update(&state_, &length, sizeof(length));
    XXH3_128bits_update(&state_, data, size);
  }
  void add(std::string_view text) { add(text.data(), text.size()); }
  StoreKey finish() {
    XXH128_hash_t hash = XXH3_128bits_digest(&state_);
    return {hash.low64, hash.high64};
  }

private:
  XXH3_state_t state_;
};

void warn(const std::string &text) {
  FUSILLI_LOG_LABEL_YELLOW("compile cache: " << text);
  FUSILLI_LOG_ENDL("");
}

std::optional<StoreEntry> parseEntry(const StoreKey &key,
                                     std::span<const uint8_t> bytes) {
  EntryHeader header;
  if (bytes.size() < sizeof(header))
    return std::nullopt;
  std::memcpy(&header, bytes.data(), sizeof(header));
  bytes = bytes.subspan(sizeof(header));
  if (std::memcmp(header.magic, kEntryMagic, sizeof(kEntryMagic)) != 0 ||
      header.key[0] != key.low || header.key[1] != key.high)
    return std::nullopt;
  uint64_t rest = bytes.size();
  for (uint64_t size :
       {header.textSize, header.statisticsSize, header.artifactSize}) {
    if (size > rest)
      return std::nullopt;
    rest -= size;
  }
  if (rest != 0)
    return std::nullopt;
  XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  if (hash.low64 != header.hash[0] || hash.high64 != header.hash[1])
    return std::nullopt;
  const char *cursor = reinterpret_cast<const char *>(bytes.data());
  StoreEntry entry;
  entry.text.assign(cursor, header.textSize);
  cursor += header.textSize;
  entry.statistics.assign(cursor, header.statisticsSize);
  cursor += header.statisticsSize;
  entry.artifact.assign(cursor, cursor + header.artifactSize);
  return entry;
}

std::vector<uint8_t> serializeEntry(const StoreKey &key,
                                    const StoreEntry &entry) {
  std::vector<uint8_t> bytes;
  bytes.reserve(sizeof(EntryHeader) + entry.text.size() +
                entry.statistics.size() + entry.artifact.size());
  bytes.resize(sizeof(EntryHeader));
  bytes.insert(bytes.end(), entry.text.begin(), entry.text.end());
  bytes.insert(bytes.end(), entry.statistics.begin(), entry.statistics.end());
  bytes.insert(bytes.end(), entry.artifact.begin(), entry.artifact.end());
  XXH128_hash_t hash = XXH3_128bits(bytes.data() + sizeof(EntryHeader),
                                    bytes.size() - sizeof(EntryHeader));
  EntryHeader header{.magic = {},
                     .key = {key.low, key.high},
                     .textSize = entry.text.size(),
                     .statisticsSize = entry.statistics.size(),
                     .artifactSize = entry.artifact.size(),
                     .hash = {hash.low64, hash.high64}};
  std::memcpy(header.magic, kEntryMagic, sizeof(kEntryMagic));
  std::memcpy(bytes.data(), &header, sizeof(header));
  return bytes;
}

} // namespace

std::string StoreKey::hex() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(32);
  for (uint64_t word : {high, low})
    for (int shift = 60; shift >= 0; shift -= 4)
      text.push_back(kDigits[(word >> shift) & 15]);
  return text;
}

StoreKey computeStoreKey(const StoreKeyInputs &inputs) {
  KeyHasher hasher;
  const uint32_t versions[] = {artifact::kFormatVersion,
                               FUSILLI_EXECUTABLE_ABI_VERSION,
                               FUSILLI_VM_ABI_VERSION, inputs.isText};
  hasher.add(versions, sizeof(versions));
  hasher.add(inputs.compilerVersion);
  hasher.add(inputs.target);
  const uint64_t flagCount = inputs.flags.size();
  hasher.add(&flagCount, sizeof(flagCount));
  for (const std::string &flag : inputs.flags)
    hasher.add(flag);
  hasher.add(inputs.program.data(), inputs.program.size());
  return hasher.finish();
}

ArtifactStore::ArtifactStore(std::filesystem::path directory,
                             uint64_t limitBytes)
    : directory_(std::move(directory)), limit_(limitBytes) {}

ArtifactStore ArtifactStore::fromEnvironment() {
  uint64_t limit = kDefaultLimit;
  if (const char *text = std::getenv("FUSILLI_STORE_LIMIT_MB"); text && *text) {
    uint64_t megabytes = 0;
    const char *end = text + std::strlen(text);
    auto [stop, code] = std::from_chars(text, end, megabytes);
    if (code == std::errc() && stop == end && megabytes < (uint64_t{1} << 40))
      limit = megabytes << 20;
    else
      warn(std::string("FUSILLI_STORE_LIMIT_MB is not a number: '") + text +
           "', the default bound is used");
  }
  std::filesystem::path directory = CacheFile::getCacheDir();
  directory.replace_filename("fusilli-store");
  return ArtifactStore(std::move(directory), limit);
}

std::filesystem::path ArtifactStore::pathOf(const StoreKey &key) const {
  return directory_ / (key.hex() + std::string(kEntrySuffix));
}

bool ArtifactStore::trustDirectory() const {
  struct stat info;
  if (lstat(directory_.c_str(), &info) != 0)
    return false;
  if (S_ISDIR(info.st_mode) && !othersCanWrite(info))
    return true;
  warn("'" + directory_.string() +
       "' is not a directory that only this user can write (" +
       ownerAndMode(info) + "); not used");
  return false;
}

std::optional<StoreEntry> ArtifactStore::lookup(const StoreKey &key) const {
  if (limit_ == 0)
    return std::nullopt;
  std::filesystem::path path = pathOf(key);
  FileDescriptor file(
      ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file.isOpen()) {
    if (errno != ENOENT)
      warn("cannot open '" + path.string() + "': " + std::strerror(errno));
    return std::nullopt;
  }
  struct stat info;
  if (fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode) ||
      othersCanWrite(info)) {
    warn("'" + path.string() +
         "' is not a file that only this user can write (" +
         ownerAndMode(info) + "); not used");
    return std::nullopt;
  }
  if (!trustDirectory())
    return std::nullopt;
  std::vector<uint8_t> bytes(static_cast<size_t>(info.st_size));
  std::optional<StoreEntry> entry;
  if (readAll(file.get(), bytes))
    entry = parseEntry(key, bytes);
  if (!entry) {
    warn("'" + path.string() + "' is damaged and is compiled again");
    return std::nullopt;
  }
  futimens(file.get(), nullptr); // used now; only the order of eviction
  return entry;
}

bool ArtifactStore::insert(const StoreKey &key, const StoreEntry &entry) const {
  if (limit_ == 0)
    return false;
  std::vector<uint8_t> bytes = serializeEntry(key, entry);
  if (bytes.size() > limit_) {
    warn("an entry of " + std::to_string(bytes.size()) +
         " bytes exceeds the bound of " + std::to_string(limit_) + " bytes");
    return false;
  }
  if (!makePrivateFolders(directory_)) {
    warn("cannot create '" + directory_.string() +
         "': " + std::strerror(errno));
    return false;
  }
  if (!trustDirectory())
    return false;
  static std::atomic<uint64_t> counter{0};
  std::filesystem::path temporary =
      directory_ /
      (std::string(kTemporaryPrefix) + std::to_string(getpid()) + "-" +
       std::to_string(counter.fetch_add(1)) + "-" + key.hex());
  bool written = writeNewFile(temporary, bytes, 0600);
  if (!written || ::rename(temporary.c_str(), pathOf(key).c_str()) != 0) {
    warn("cannot write '" + temporary.string() + "': " + std::strerror(errno));
    ::unlink(temporary.c_str());
    return false;
  }
  // The scan for eviction costs one stat per entry; a sixteenth of the inserts
  // and every sixty-fourth of the bound is often enough to keep it.
  static std::atomic<uint64_t> bytesSinceScan{0};
  uint64_t pending = bytesSinceScan.fetch_add(bytes.size()) + bytes.size();
  if (pending > limit_ / 64 || key.low % 16 == 0) {
    bytesSinceScan.store(0);
    evict();
  }
  return true;
}

void ArtifactStore::evict() const {
  struct Item {
    std::string name;
    struct timespec used;
    uint64_t size;
  };
  DIR *directory = opendir(directory_.c_str());
  if (!directory)
    return;
  const int fd = dirfd(directory);
  std::vector<Item> items;
  uint64_t total = 0;
  const time_t now = ::time(nullptr);
  while (const dirent *member = readdir(directory)) {
    std::string_view name = member->d_name;
    struct stat info;
    if (fstatat(fd, member->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(info.st_mode))
      continue;
    if (name.starts_with(kTemporaryPrefix)) {
      // Left behind by a process that died while writing.
      if (now - info.st_mtime > kStaleTemporarySeconds)
        unlinkat(fd, member->d_name, 0);
      continue;
    }
    if (!name.ends_with(kEntrySuffix))
      continue;
    total += static_cast<uint64_t>(info.st_size);
    items.push_back(
        {std::string(name), info.st_mtim, static_cast<uint64_t>(info.st_size)});
  }
  if (total > limit_) {
    std::sort(items.begin(), items.end(), [](const Item &a, const Item &b) {
      if (a.used.tv_sec != b.used.tv_sec)
        return a.used.tv_sec < b.used.tv_sec;
      return a.used.tv_nsec < b.used.tv_nsec;
    });
    for (const Item &item : items) {
      if (total <= limit_)
        break;
      if (unlinkat(fd, item.name.c_str(), 0) == 0 || errno == ENOENT)
        total -= item.size;
    }
  }
  closedir(directory);
}

} // namespace fusilli::engine
