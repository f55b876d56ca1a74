// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Status, Ref, allocators, fault points and private files.
#include "support/fault.h"
#include "support/private_file.h"
#include "support/ref.h"
#include "support/status.h"
#include "support/weak_slot.h"

#include <cstdlib>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <thread>
#include <unistd.h>
#include <vector>

// Defined by a sanitizer's runtime, where there is one.
extern "C" {
__attribute__((weak)) const char *__asan_default_suppressions();
__attribute__((weak)) const char *__lsan_default_suppressions();
__attribute__((weak)) const char *__tsan_default_suppressions();
__attribute__((weak)) const char *__ubsan_default_suppressions();
}

namespace fusilli {
namespace {

static_assert(!std::is_copy_constructible_v<Status>);
static_assert(!std::is_copy_assignable_v<Status>);
static_assert(std::is_nothrow_move_constructible_v<Status>);

TEST(StatusTest, OkIsNullAndHasNoMessage) {
  Status status;
  EXPECT_TRUE(status.isOk());
  EXPECT_EQ(status.code(), StatusCode::Ok);
  EXPECT_EQ(status.message(), "");
  EXPECT_EQ(status.release(), 0u);
}

TEST(StatusTest, FailureCarriesCodeMessageAndPlace) {
  Status status = invalidArgumentError("dim 3 is 7, expected 8");
  EXPECT_EQ(status.code(), StatusCode::InvalidArgument);
  EXPECT_EQ(status.message(), "dim 3 is 7, expected 8");
  EXPECT_NE(std::string(status.file()).find("support_test"), std::string::npos);
  EXPECT_GT(status.line(), 0u);
  EXPECT_EQ(status.toString(), "INVALID_ARGUMENT: dim 3 is 7, expected 8");
  EXPECT_EQ(std::move(status).annotate("conv_0").message(),
            "conv_0: dim 3 is 7, expected 8");
}

TEST(StatusTest, CodesKeepTheirNumbersAndNames) {
  const std::pair<int, std::string_view> codes[] = {
      {0, "OK"},
      {1, "CANCELLED"},
      {2, "UNKNOWN"},
      {3, "INVALID_ARGUMENT"},
      {4, "DEADLINE_EXCEEDED"},
      {5, "NOT_FOUND"},
      {6, "ALREADY_EXISTS"},
      {7, "PERMISSION_DENIED"},
      {8, "RESOURCE_EXHAUSTED"},
      {9, "FAILED_PRECONDITION"},
      {10, "ABORTED"},
      {11, "OUT_OF_RANGE"},
      {12, "UNIMPLEMENTED"},
      {13, "INTERNAL"},
      {14, "UNAVAILABLE"},
      {15, "DATA_LOSS"},
      {16, "UNAUTHENTICATED"},
      {17, "DEFERRED"},
      {18, "INCOMPATIBLE"},
  };
  for (auto [number, name] : codes)
    EXPECT_EQ(statusCodeName(static_cast<StatusCode>(number)), name);
  EXPECT_EQ(statusCodeName(static_cast<StatusCode>(31)), "UNKNOWN");
}

TEST(StatusTest, IsOneWordWithTheCodeInItsLowBits) {
  EXPECT_EQ(sizeof(Status), sizeof(void *));
  for (uintptr_t code = 1; code <= 18; ++code) {
    uintptr_t word = Status::make(static_cast<StatusCode>(code), "m").release();
    EXPECT_EQ(word & 31, code);
    EXPECT_GT(word, 31u) << "no record";
    Status::adopt(word).ignore();
    // The code alone owns nothing.
    EXPECT_EQ(codeStatus(static_cast<StatusCode>(code)).release(), code);
  }
}

TEST(StatusTest, IsConsumedOnce) {
  // It cannot be copied (asserted above), and who was moved from is OK.
  int64_t before = liveStatusRecords();
  Status failed = abortedError("x");
  Status taken = std::move(failed);
  EXPECT_EQ(failed.release(), 0u);
  EXPECT_EQ(liveStatusRecords(), before + 1);
  std::move(taken).ignore();
  std::move(taken).ignore();
  EXPECT_EQ(liveStatusRecords(), before);
}

TEST(StatusTest, RecordsAreFreedExactlyOnce) {
  int64_t before = liveStatusRecords();
  for (int i = 0; i < 100000; ++i) {
    Status a = notFoundError("x");
    Status b = std::move(a);
    Status c = b.clone();
    EXPECT_TRUE(a.isOk());
    c = std::move(b);
  }
  EXPECT_EQ(liveStatusRecords(), before);
}

TEST(StatusTest, JoinKeepsTheFirst) {
  EXPECT_TRUE(Status::join(okStatus(), okStatus()).isOk());
  EXPECT_EQ(Status::join(okStatus(), abortedError("b")).code(),
            StatusCode::Aborted);
  Status joined = Status::join(internalError("a"), abortedError("b"));
  EXPECT_EQ(joined.code(), StatusCode::Internal);
  EXPECT_EQ(joined.message(), "a; then ABORTED: b");
}

TEST(StatusTest, EveryCodeSurvivesTheWord) {
  for (uint8_t code = 1; code <= 18; ++code) {
    Status status = Status::make(static_cast<StatusCode>(code), "m");
    EXPECT_EQ(static_cast<uint8_t>(status.code()), code);
    Status again = Status::adopt(status.release());
    EXPECT_EQ(static_cast<uint8_t>(again.code()), code);
    EXPECT_EQ(again.message(), "m");
  }
}

StatusOr<int> half(int x) {
  if (x % 2 != 0)
    return invalidArgumentError(strCat(x, " is odd"));
  return x / 2;
}

Status quarter(int x, int &out) {
  FUSILLI_STATUS_ASSIGN(int h, half(x));
  FUSILLI_STATUS_ASSIGN(out, half(h));
  return okStatus();
}

TEST(StatusOrTest, MacrosReturnTheFirstFailure) {
  int out = 0;
  EXPECT_TRUE(quarter(12, out).isOk());
  EXPECT_EQ(out, 3);
  EXPECT_EQ(quarter(6, out).message(), "3 is odd");
}

TEST(StatusOrTest, OkStatusIsNotAValue) {
  StatusOr<int> result = okStatus();
  EXPECT_FALSE(result.isOk());
  EXPECT_EQ(result.code(), StatusCode::Internal);
}

class Thing final : public RefObject {
public:
  static const TypeDescriptor kType;
  Thing(HostAllocator &allocator, WeakSlot<Thing> *slot = nullptr)
      : RefObject(kType, allocator), slot_(slot) {}

private:
  ~Thing() override {
    if (slot_ != nullptr)
      slot_->forget(this);
  }
  WeakSlot<Thing> *slot_;
};
constexpr TypeDescriptor Thing::kType{"test.thing", ObjectKind::Other};

TEST(RefTest, CountsLiveObjects) {
  int64_t live = liveObjects(ObjectKind::Other);
  int64_t created = createdObjects(ObjectKind::Other);
  {
    auto a = makeRef<Thing>(systemAllocator());
    Ref<Thing> b = a;
    Ref<RefObject> c = b;
    EXPECT_EQ(a->refCount(), 3u);
    EXPECT_EQ(liveObjects(ObjectKind::Other), live + 1);
    EXPECT_EQ(refCast<Thing>(c.get()), a.get());
    Ref<Thing> d = std::move(a);
    EXPECT_EQ(a.get(), nullptr);
    EXPECT_EQ(d->refCount(), 3u);
  }
  EXPECT_EQ(liveObjects(ObjectKind::Other), live);
  EXPECT_EQ(createdObjects(ObjectKind::Other), created + 1);
}

TEST(RefTest, NullIsANoOp) {
  retain(nullptr);
  release(nullptr);
  Ref<Thing> null;
  Ref<Thing> copy = null;
  EXPECT_FALSE(copy);
}

TEST(RefTest, SharedBetweenThreads) {
  int64_t live = liveObjects(ObjectKind::Other);
  auto object = makeRef<Thing>(systemAllocator());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([copy = object] {
      for (int i = 0; i < 10000; ++i)
        Ref<Thing> another = copy;
    });
  object.reset();
  for (auto &thread : threads)
    thread.join();
  threads.clear();
  EXPECT_EQ(liveObjects(ObjectKind::Other), live);
}

TEST(WeakSlotTest, LastOwnerDestroysAndTheNextCreates) {
  WeakSlot<Thing> slot;
  auto make = [&] {
    return StatusOr<Ref<Thing>>(makeRef<Thing>(systemAllocator(), &slot));
  };
  int64_t created = createdObjects(ObjectKind::Other);
  {
    auto a = slot.getOrCreate(make);
    auto b = slot.getOrCreate(make);
    EXPECT_EQ(a->get(), b->get());
  }
  EXPECT_EQ(createdObjects(ObjectKind::Other), created + 1);
  {
    auto c = slot.getOrCreate(make);
    EXPECT_TRUE(c.isOk());
  }
  EXPECT_EQ(createdObjects(ObjectKind::Other), created + 2);
}

TEST(WeakSlotTest, CreateAndDestroyStorm) {
  WeakSlot<Thing> slot;
  int64_t live = liveObjects(ObjectKind::Other);
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        auto object = slot.getOrCreate([&] {
          return StatusOr<Ref<Thing>>(makeRef<Thing>(systemAllocator(), &slot));
        });
        EXPECT_TRUE(object.isOk());
      }
    });
  for (auto &thread : threads)
    thread.join();
  EXPECT_EQ(liveObjects(ObjectKind::Other), live);
}

TEST(CountingAllocatorTest, CountsAndFailsTheNth) {
  CountingAllocator allocator;
  void *a = allocator.allocate(100, 16);
  void *b = allocator.allocate(1000, 4096);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(b) % 4096, 0u);
  EXPECT_EQ(allocator.counts().liveBytes, 1100);
  allocator.failNth(2);
  void *c = allocator.allocate(1, 16);
  EXPECT_NE(c, nullptr);
  EXPECT_TRUE(allocator.failurePending());
  EXPECT_EQ(allocator.allocate(1, 16), nullptr);
  EXPECT_FALSE(allocator.failurePending());
  allocator.deallocate(a, 16);
  allocator.deallocate(b, 4096);
  allocator.deallocate(c, 16);
  EXPECT_EQ(allocator.counts().liveBytes, 0);
  EXPECT_EQ(allocator.counts().liveBlocks, 0);
  EXPECT_EQ(allocator.counts().peakBytes, 1101);
  EXPECT_EQ(allocator.counts().calls, 3u);
  EXPECT_EQ(allocator.counts().failures, 1u);
}

TEST(CountingAllocatorTest, ObjectsUseIt) {
  CountingAllocator allocator;
  {
    auto thing = makeRef<Thing>(allocator);
    EXPECT_EQ(allocator.counts().liveBlocks, 1);
    HostArray<int> array;
    EXPECT_TRUE(array.allocate(allocator, 10));
    EXPECT_EQ(array[9], 0);
    allocator.failNth(1);
    EXPECT_FALSE(makeRef<Thing>(allocator));
    EXPECT_FALSE(array.allocate(allocator, SIZE_MAX));
  }
  EXPECT_EQ(allocator.counts().liveBlocks, 0);
}

TEST(CountingAllocatorTest, StandsInForTheSystemsAllocator) {
  HostAllocator &before = systemAllocator();
  CountingAllocator allocator;
  EXPECT_EQ(&replaceSystemAllocator(&allocator), &before);
  EXPECT_EQ(&systemAllocator(), &allocator);
  auto thing = makeRef<Thing>(systemAllocator());
  EXPECT_EQ(allocator.counts().liveBlocks, 1);
  EXPECT_EQ(&replaceSystemAllocator(nullptr), &allocator);
  EXPECT_EQ(&systemAllocator(), &before);
  thing.reset(); // goes back to where it came from
  EXPECT_EQ(allocator.counts().liveBlocks, 0);
}

class PrivateFileTest : public testing::Test {
protected:
  void SetUp() override {
    std::string name =
        std::filesystem::temp_directory_path() / "fusilli-private-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    umask_ = umask(0);
  }
  void TearDown() override {
    umask(umask_);
    std::filesystem::remove_all(folder_);
  }
  static struct stat infoOf(const std::filesystem::path &path) {
    struct stat info{};
    EXPECT_EQ(lstat(path.c_str(), &info), 0) << path;
    return info;
  }
  void write(const char *name) {
    int fd = openPrivately(folder_ / name);
    ASSERT_GE(fd, 0);
    EXPECT_EQ(::write(fd, "new", 3), 3);
    EXPECT_EQ(close(fd), 0);
  }
  std::filesystem::path folder_;
  mode_t umask_ = 0;
};

TEST_F(PrivateFileTest, WhatOthersCanWrite) {
  struct stat info{};
  info.st_uid = geteuid();
  for (mode_t mode : {0400, 0600, 0644, 0755}) {
    info.st_mode = S_IFREG | mode;
    EXPECT_FALSE(othersCanWrite(info)) << mode;
  }
  for (mode_t mode : {0620, 0602, 0664, 0666, 0777}) {
    info.st_mode = S_IFREG | mode;
    EXPECT_TRUE(othersCanWrite(info)) << mode;
  }
  EXPECT_EQ(ownerAndMode(info),
            strCat("owner ", uint64_t{geteuid()}, ", mode 0777"));
  info.st_mode = S_IFREG | 0600;
  info.st_uid = 0; // root can do everything anyway
  EXPECT_FALSE(othersCanWrite(info));
  info.st_uid = geteuid() + 1;
  EXPECT_TRUE(othersCanWrite(info));
}

TEST_F(PrivateFileTest, FilesAreWrittenByUsAloneWhateverTheUmask) {
  write("a");
  EXPECT_EQ(infoOf(folder_ / "a").st_mode & 0777, 0644u);
  umask(002);
  write("b");
  EXPECT_EQ(infoOf(folder_ / "b").st_mode & 0777, 0644u);
  // Who has the old file open does not have the new one.
  ASSERT_EQ(chmod((folder_ / "b").c_str(), 0666), 0);
  const ino_t before = infoOf(folder_ / "b").st_ino;
  int other = open((folder_ / "b").c_str(), O_RDWR);
  write("b");
  EXPECT_NE(infoOf(folder_ / "b").st_ino, before);
  EXPECT_EQ(infoOf(folder_ / "b").st_mode & 0777, 0644u);
  close(other);
  EXPECT_LT(openPrivately(folder_ / "none" / "c"), 0);
  int null = openPrivately("/dev/null");
  EXPECT_GE(null, 0);
  close(null);
  EXPECT_EQ(infoOf("/dev/null").st_mode & 0777, 0666u);
}

TEST_F(PrivateFileTest, FoldersAreForUsAlone) {
  EXPECT_TRUE(makePrivateFolders(folder_ / "x" / "y"));
  EXPECT_EQ(infoOf(folder_ / "x").st_mode & 0777, 0700u);
  EXPECT_EQ(infoOf(folder_ / "x" / "y").st_mode & 0777, 0700u);
  EXPECT_TRUE(makePrivateFolders(folder_ / "x" / "y"));
  write("file");
  EXPECT_FALSE(makePrivateFolders(folder_ / "file" / "z"));
}

TEST(FaultTest, FailsAsOftenAsAsked) {
  const uint64_t given = faultsGiven(FaultPoint::ModuleInit);
  EXPECT_TRUE(checkFault(FaultPoint::ModuleInit).isOk());
  armFault(FaultPoint::ModuleInit, 2, StatusCode::Unavailable);
  EXPECT_EQ(checkFault(FaultPoint::ModuleInit).code(), StatusCode::Unavailable);
  EXPECT_TRUE(checkFault(FaultPoint::ModuleState).isOk());
  EXPECT_EQ(checkFault(FaultPoint::ModuleInit).code(), StatusCode::Unavailable);
  EXPECT_TRUE(checkFault(FaultPoint::ModuleInit).isOk());
  EXPECT_EQ(faultsGiven(FaultPoint::ModuleInit), given + 2);
}

TEST(SanitizerTest, NothingIsSuppressed) {
  for (auto *list : {__asan_default_suppressions, __lsan_default_suppressions,
                     __tsan_default_suppressions, __ubsan_default_suppressions})
    if (list != nullptr && list() != nullptr)
      EXPECT_STREQ(list(), "");
  for (const char *name :
       {"ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"})
    if (const char *options = std::getenv(name))
      EXPECT_EQ((std::string(":") + options).find(":suppressions="),
                std::string::npos)
          << name;
}

} // namespace
} // namespace fusilli
