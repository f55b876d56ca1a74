// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The store under damage, foreign write access, eviction and races.
#include "engine/artifact_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <random>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using fusilli::engine::ArtifactStore;
using fusilli::engine::computeStoreKey;
using fusilli::engine::StoreEntry;
using fusilli::engine::StoreKey;
using fusilli::engine::StoreKeyInputs;
namespace fs = std::filesystem;

namespace {

class ArtifactStoreTest : public testing::Test {
protected:
  void SetUp() override {
    std::string name = fs::temp_directory_path() / "fusilli-store-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    base_ = name;
    directory_ = base_ / "a" / "store";
  }
  void TearDown() override {
    std::error_code code;
    fs::remove_all(base_, code);
  }
  static StoreEntry makeEntry(uint32_t seed, size_t size = 1000) {
    StoreEntry entry;
    entry.text = "text " + std::to_string(seed);
    entry.statistics = "{}";
    std::mt19937 random(seed);
    for (size_t i = 0; i < size; ++i)
      entry.artifact.push_back(static_cast<uint8_t>(random()));
    return entry;
  }
  static StoreKey makeKey(uint64_t i) { return {i, i * 77}; }
  fs::path entryPath(const StoreKey &key) const {
    return directory_ / (key.hex() + ".entry");
  }
  size_t countFiles() const {
    size_t count = 0;
    for ([[maybe_unused]] const auto &file : fs::directory_iterator(directory_))
      ++count;
    return count;
  }

  fs::path base_;
  fs::path directory_;
};

TEST_F(ArtifactStoreTest, GivesBackWhatWasStored) {
  ArtifactStore store(directory_, ArtifactStore::kDefaultLimit);
  EXPECT_FALSE(store.lookup(makeKey(1)));
  StoreEntry entry = makeEntry(1);
  ASSERT_TRUE(store.insert(makeKey(1), entry));
  std::optional<StoreEntry> found = store.lookup(makeKey(1));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->text, entry.text);
  EXPECT_EQ(found->statistics, entry.statistics);
  EXPECT_EQ(found->artifact, entry.artifact);
  EXPECT_FALSE(store.lookup(makeKey(2)));
  struct stat info;
  ASSERT_EQ(stat(directory_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  EXPECT_EQ(countFiles(), 1u); // no temporary stays
}

TEST_F(ArtifactStoreTest, EveryTruncationAndEveryAlteredByteIsAMiss) {
  ArtifactStore store(directory_, ArtifactStore::kDefaultLimit);
  ASSERT_TRUE(store.insert(makeKey(3), makeEntry(3, 40)));
  std::ifstream in(entryPath(makeKey(3)), std::ios::binary);
  std::string good((std::istreambuf_iterator<char>(in)), {});
  auto put = [&](const std::string &bytes) {
    std::ofstream(entryPath(makeKey(3)), std::ios::binary) << bytes;
  };
  for (size_t length = 0; length < good.size(); ++length) {
    put(good.substr(0, length));
    EXPECT_FALSE(store.lookup(makeKey(3))) << "length " << length;
  }
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x41);
    put(bad);
    EXPECT_FALSE(store.lookup(makeKey(3))) << "byte " << i;
  }
  put(good + "x");
  EXPECT_FALSE(store.lookup(makeKey(3)));
  put(good);
  EXPECT_TRUE(store.lookup(makeKey(3)));
}

TEST_F(ArtifactStoreTest, EntryUnderAnotherKeyIsAMiss) {
  ArtifactStore store(directory_, ArtifactStore::kDefaultLimit);
  ASSERT_TRUE(store.insert(makeKey(4), makeEntry(4)));
  fs::copy_file(entryPath(makeKey(4)), entryPath(makeKey(5)));
  EXPECT_FALSE(store.lookup(makeKey(5)));
}

TEST_F(ArtifactStoreTest, EntriesThatOthersCanWriteAreNotBelieved) {
  ArtifactStore store(directory_, ArtifactStore::kDefaultLimit);
  ASSERT_TRUE(store.insert(makeKey(6), makeEntry(6)));
  ASSERT_EQ(chmod(entryPath(makeKey(6)).c_str(), 0622), 0);
  EXPECT_FALSE(store.lookup(makeKey(6)));
  ASSERT_EQ(chmod(entryPath(makeKey(6)).c_str(), 0600), 0);
  EXPECT_TRUE(store.lookup(makeKey(6)));
  ASSERT_EQ(chmod(directory_.c_str(), 0777), 0);
  EXPECT_FALSE(store.lookup(makeKey(6)));
  EXPECT_FALSE(store.insert(makeKey(7), makeEntry(7)));
}

TEST_F(ArtifactStoreTest, SymbolicLinksAndFoldersAreMisses) {
  ArtifactStore store(directory_, ArtifactStore::kDefaultLimit);
  ASSERT_TRUE(store.insert(makeKey(8), makeEntry(8)));
  fs::rename(entryPath(makeKey(8)), base_ / "elsewhere");
  fs::create_symlink(base_ / "elsewhere", entryPath(makeKey(8)));
  EXPECT_FALSE(store.lookup(makeKey(8)));
  fs::create_directory(entryPath(makeKey(9)));
  EXPECT_FALSE(store.lookup(makeKey(9)));
}

TEST_F(ArtifactStoreTest, UnusablePlaceBehavesLikeAnEmptyStore) {
  std::ofstream(base_ / "a") << "a file where a folder should be";
  ArtifactStore store(directory_, ArtifactStore::kDefaultLimit);
  EXPECT_FALSE(store.lookup(makeKey(1)));
  EXPECT_FALSE(store.insert(makeKey(1), makeEntry(1)));
}

TEST_F(ArtifactStoreTest, LeastRecentlyUsedEntriesGoFirst) {
  constexpr uint64_t kLimit = 10500;
  ArtifactStore store(directory_, kLimit);
  for (uint64_t i = 0; i < 8; ++i) {
    ASSERT_TRUE(store.insert(makeKey(i), makeEntry(1, 1000)));
    timespec times[2] = {{1000 + time_t(i), 0}, {1000 + time_t(i), 0}};
    ASSERT_EQ(utimensat(AT_FDCWD, entryPath(makeKey(i)).c_str(), times, 0), 0);
  }
  ASSERT_TRUE(store.lookup(makeKey(0))); // used: now the youngest
  ASSERT_TRUE(store.insert(makeKey(20), makeEntry(1, 4000)));
  EXPECT_TRUE(store.lookup(makeKey(0)));
  EXPECT_TRUE(store.lookup(makeKey(20)));
  EXPECT_FALSE(store.lookup(makeKey(1)));
  EXPECT_FALSE(store.lookup(makeKey(2)));
  EXPECT_TRUE(store.lookup(makeKey(7)));
  uint64_t total = 0;
  for (const auto &file : fs::directory_iterator(directory_))
    total += file.file_size();
  EXPECT_LE(total, kLimit);
  EXPECT_FALSE(store.insert(makeKey(21), makeEntry(1, 20000)));
}

TEST_F(ArtifactStoreTest, LimitOfZeroTurnsItOff) {
  ArtifactStore store(directory_, 0);
  EXPECT_FALSE(store.insert(makeKey(1), makeEntry(1)));
  EXPECT_FALSE(store.lookup(makeKey(1)));
}

TEST_F(ArtifactStoreTest, EnvironmentChoosesPlaceAndBound) {
  setenv("FUSILLI_CACHE_DIR", base_.c_str(), 1);
  setenv("FUSILLI_STORE_LIMIT_MB", "3", 1);
  ArtifactStore store = ArtifactStore::fromEnvironment();
  EXPECT_EQ(store.directory(), base_ / ".cache" / "fusilli-store");
  EXPECT_EQ(store.limit(), uint64_t{3} << 20);
  setenv("FUSILLI_STORE_LIMIT_MB", "lots", 1);
  EXPECT_EQ(ArtifactStore::fromEnvironment().limit(),
            ArtifactStore::kDefaultLimit);
  unsetenv("FUSILLI_STORE_LIMIT_MB");
}

// Eight processes store and read the same 16 keys, with eviction at work. Each
// hit must be whole.
TEST_F(ArtifactStoreTest, ManyProcessesAtOnce) {
  std::vector<pid_t> children;
  for (int child = 0; child < 8; ++child) {
    pid_t pid = fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) {
      ArtifactStore store(directory_, 60000);
      int hits = 0;
      for (int i = 0; i < 400; ++i) {
        uint32_t n = static_cast<uint32_t>(i * 7 + child) % 16;
        std::optional<StoreEntry> found = store.lookup(makeKey(n));
        if (found && found->artifact != makeEntry(n, 5000).artifact)
          _exit(1);
        hits += found.has_value();
        if (!found && !store.insert(makeKey(n), makeEntry(n, 5000)))
          _exit(2);
      }
      _exit(hits > 0 ? 0 : 3);
    }
    children.push_back(pid);
  }
  for (pid_t pid : children) {
    int status = 0;
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  }
  for (const auto &file : fs::directory_iterator(directory_))
    EXPECT_EQ(file.path().extension(), ".entry");
}

TEST(StoreKeyTest, DependsOnEveryInput) {
  std::vector<uint8_t> program = {1, 2, 3};
  std::vector<std::string> flags = {"--a=b", "c"};
  StoreKeyInputs base{.program = program,
                      .isText = false,
                      .target = "x86-64-v4",
                      .flags = flags,
                      .compilerVersion = "1"};
  std::vector<StoreKey> keys = {computeStoreKey(base)};
  EXPECT_EQ(computeStoreKey(base), keys[0]);
  auto add = [&](StoreKeyInputs changed) {
    StoreKey key = computeStoreKey(changed);
    EXPECT_THAT(keys, testing::Not(testing::Contains(key)));
    keys.push_back(key);
  };
  StoreKeyInputs changed = base;
  std::vector<uint8_t> otherProgram = {1, 2, 4};
  changed.program = otherProgram;
  add(changed);
  changed = base;
  changed.isText = true;
  add(changed);
  changed = base;
  changed.target = "x86-64-v3";
  add(changed);
  changed = base;
  std::vector<std::string> joined = {"--a=bc"}, fewer = {"--a=b"};
  changed.flags = joined;
  add(changed);
  changed.flags = fewer;
  add(changed);
  changed = base;
  changed.compilerVersion = "2";
  add(changed);
  EXPECT_EQ(keys[0].hex().size(), 32u);
}

} // namespace
