// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The rules of the per-graph cache files: paths, ownership, removal, errors.
#include "fusilli/support/cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <thread>

#include <sys/stat.h>
#include <unistd.h>

namespace fs = std::filesystem;
using namespace fusilli;

namespace {

class CacheTest : public testing::Test {
protected:
  void SetUp() override {
    std::string name = fs::temp_directory_path() / "fusilli-cache-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    base_ = name;
    setenv("FUSILLI_CACHE_DIR", name.c_str(), 1);
  }
  void TearDown() override { fs::remove_all(base_); }

  static CacheFile make(const std::string &graph, const std::string &file,
                        bool remove) {
    ErrorOr<CacheFile> result = CacheFile::create(graph, file, remove);
    EXPECT_TRUE(isOk(result));
    return std::move(*result);
  }

  fs::path base_;
};

TEST_F(CacheTest, PathsAreSanitized) {
  EXPECT_EQ(CacheFile::getCacheDir(), base_ / ".cache" / "fusilli");
  EXPECT_EQ(CacheFile::getPath("test / gr@ph!", "f"),
            base_ / ".cache" / "fusilli" / "test__grph" / "f");
  EXPECT_EQ(CacheFile::getPath("!?", "f"),
            base_ / ".cache" / "fusilli" / "unnamed_graph" / "f");
  EXPECT_EQ(CacheFile::getPath("../..", "f"),
            base_ / ".cache" / "fusilli" / "unnamed_graph" / "f");
}

TEST_F(CacheTest, BaseDirectoryFollowsTheEnvironment) {
  setenv("FUSILLI_CACHE_DIR", "", 1);
  setenv("HOME", "/some/home", 1);
  EXPECT_EQ(CacheFile::getCacheDir(), "/some/home/.cache/fusilli");
  unsetenv("HOME");
  unsetenv("FUSILLI_CACHE_DIR");
  EXPECT_EQ(CacheFile::getCacheDir(), ".cache/fusilli");
}

TEST_F(CacheTest, ContentIsBinaryExactAndRemovedWhenOwned) {
  const std::string content("a\0\r\n\xff b", 7);
  fs::path path;
  {
    CacheFile file = make("g", "f", true);
    path = file.path;
    ASSERT_TRUE(isOk(file.write(content)));
    ErrorOr<std::string> back = file.read();
    ASSERT_TRUE(isOk(back));
    EXPECT_EQ(*back, content);
    ErrorOr<CacheFile> again = CacheFile::open("g", "f");
    ASSERT_TRUE(isOk(again));
  } // `again` does not remove, `file` does
  EXPECT_FALSE(fs::exists(path));
  {
    CacheFile file = make("g", "f", false);
  }
  EXPECT_TRUE(fs::exists(path));
}

TEST_F(CacheTest, ReplacedFilesAreNeverMissing) {
  ErrorOr<CacheFile> first = CacheFile::create("g", "f", /*remove=*/false);
  ASSERT_TRUE(isOk(first));
  ASSERT_TRUE(isOk(first->write("content")));
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    while (!stop) {
      ErrorOr<CacheFile> again = CacheFile::create("g", "f", /*remove=*/false);
      EXPECT_TRUE(isOk(again) && isOk(again->write("content")));
    }
  });
  for (int i = 0; i < 5000; ++i) {
    ErrorOr<CacheFile> there = CacheFile::open("g", "f");
    EXPECT_TRUE(isOk(there) && isOk(there->read()));
  }
  stop = true;
  writer.join();
  // And nothing else stays behind.
  auto folder = CacheFile::getPath("g", "f").parent_path();
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1);
}

TEST_F(CacheTest, MissingFileIsAFileSystemFailure) {
  ErrorObject status = CacheFile::open("g", "none");
  EXPECT_EQ(status.getCode(), ErrorCode::FileSystemFailure);
  EXPECT_THAT(status.getMessage(), testing::HasSubstr("File does not exist"));
  ErrorObject bytes = readFileBytes(base_ / "none");
  EXPECT_EQ(bytes.getCode(), ErrorCode::FileSystemFailure);
  ErrorObject folder = readFileBytes(base_);
  EXPECT_EQ(folder.getCode(), ErrorCode::FileSystemFailure);
}

TEST_F(CacheTest, UnwritableDirectoryIsAFileSystemFailure) {
  std::ofstream(base_ / ".cache") << "a file where a folder should be";
  ErrorObject status = CacheFile::create("g", "f", true);
  EXPECT_EQ(status.getCode(), ErrorCode::FileSystemFailure);
  EXPECT_THAT(status.getMessage(), testing::HasSubstr("FUSILLI_CACHE_DIR"));
}

TEST_F(CacheTest, FoldersAndFilesAreForThisUserWhateverTheUmask) {
  const mode_t before = umask(0);
  CacheFile file = make("g", "f", false);
  EXPECT_TRUE(isOk(file.write("x")));
  ErrorObject written = writeArtifactFile(base_ / "a", {});
  umask(before);
  EXPECT_TRUE(isOk(written)) << written;
  const auto modeOf = [](const fs::path &path) {
    return static_cast<unsigned>(fs::status(path).permissions());
  };
  EXPECT_EQ(modeOf(base_ / ".cache"), 0700u);
  EXPECT_EQ(modeOf(CacheFile::getCacheDir()), 0700u);
  EXPECT_EQ(modeOf(file.path.parent_path()), 0700u);
  EXPECT_EQ(modeOf(file.path), 0644u);
  EXPECT_EQ(modeOf(base_ / "a"), 0644u);
}

TEST_F(CacheTest, ArtifactFilesThatOthersCanWriteAreRefused) {
  const fs::path path = base_ / "model.fusilli";
  const std::vector<uint8_t> content = {1, 2, 3};
  ASSERT_TRUE(isOk(writeArtifactFile(path, content)));
  ErrorOr<std::vector<uint8_t>> bytes = readArtifactFile(path);
  ASSERT_TRUE(isOk(bytes)) << ErrorObject(bytes);
  EXPECT_EQ(*bytes, content);
  const auto expectRefused = [&](const char *mode) {
    ErrorObject status = readArtifactFile(path);
    EXPECT_EQ(status.getCode(), ErrorCode::FileSystemFailure);
    for (const char *text : {"model.fusilli", mode, "FUSILLI_ALLOW_SHARED",
                             "--allow-shared-writable"})
      EXPECT_THAT(status.getMessage(), testing::HasSubstr(text));
    EXPECT_TRUE(isOk(readArtifactFile(path, /*allowSharedWritable=*/true)));
    setenv("FUSILLI_ALLOW_SHARED_WRITABLE", "1", 1);
    EXPECT_TRUE(isOk(readArtifactFile(path)));
    setenv("FUSILLI_ALLOW_SHARED_WRITABLE", "0", 1);
    EXPECT_TRUE(isError(readArtifactFile(path)));
    unsetenv("FUSILLI_ALLOW_SHARED_WRITABLE");
    EXPECT_TRUE(isOk(readFileBytes(path))); // any file, for any purpose
  };
  ASSERT_EQ(chmod(path.c_str(), 0664), 0);
  expectRefused("mode 0664");
  ASSERT_EQ(chmod(path.c_str(), 0646), 0);
  expectRefused("mode 0646");
  ASSERT_EQ(chmod(path.c_str(), 0644), 0);
  if (geteuid() == 0) { // else nobody else's file is at hand
    ASSERT_EQ(chown(path.c_str(), 12345, 0), 0);
    expectRefused("owner 12345");
  }
  EXPECT_EQ(ErrorObject(readArtifactFile(base_ / "none")).getCode(),
            ErrorCode::FileSystemFailure);
}

TEST_F(CacheTest, MoveAssignmentRemovesOnlyAnotherOwnedFile) {
  CacheFile a = make("g", "a", true);
  CacheFile b = make("g", "b", true);
  fs::path pathA = a.path, pathB = b.path;
  a = std::move(b);
  EXPECT_FALSE(fs::exists(pathA));
  EXPECT_TRUE(fs::exists(pathB));
  EXPECT_TRUE(b.path.empty());
  CacheFile same = make("g", "b", true); // regenerated at the same path
  a = std::move(same);
  EXPECT_TRUE(fs::exists(pathB));
  CacheFile moved(std::move(a));
  EXPECT_TRUE(a.path.empty());
  EXPECT_EQ(moved.path, pathB);
}

TEST_F(CacheTest, AssetsRemoveTheirEmptyDirectory) {
  auto makeAssets = [&](const std::string &graph, bool remove) {
    return CachedAssets(make(graph, "i", remove), make(graph, "o", remove),
                        make(graph, "c", remove), make(graph, "s", remove));
  };
  fs::path root = CacheFile::getCacheDir();
  {
    CachedAssets assets = makeAssets("one", true);
    EXPECT_EQ(assets.cacheDir, root / "one");
    CachedAssets moved(std::move(assets));
    EXPECT_TRUE(fs::exists(root / "one" / "s"));
    moved = makeAssets("one", true); // same place: nothing is lost
    EXPECT_TRUE(fs::exists(root / "one" / "s"));
    moved = makeAssets("two", true);
    EXPECT_FALSE(fs::exists(root / "one"));
    EXPECT_TRUE(fs::exists(root / "two" / "i"));
  }
  EXPECT_TRUE(fs::exists(root));
  EXPECT_TRUE(fs::is_empty(root));
  {
    CachedAssets assets = makeAssets("three", false);
  }
  EXPECT_TRUE(fs::exists(root / "three" / "c"));
}

} // namespace
