// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Failures of the runtime as the public interface gives them: converted once,
// freed once, nothing left.
#include "engine/test/test_engine.h"

#include "support/ref.h"
#include "support/testing/count_new.h"

#include <iree/runtime/api.h>

namespace fusilli::test {
namespace {

/// A failing status of the C interface; the caller owns it.
iree_status_t failingStatus() {
  iree_hal_buffer_view_t *view = nullptr;
  iree_hal_dim_t dims[] = {4};
  return iree_hal_buffer_view_create(
      nullptr, 1, dims, IREE_HAL_ELEMENT_TYPE_FLOAT_32,
      IREE_HAL_ENCODING_TYPE_DENSE_ROW_MAJOR, iree_allocator_system(), &view);
}

TEST(StatusErrorTest, ConversionKeepsTheTextAndConsumesTheStatus) {
  ErrorObject good(iree_ok_status());
  EXPECT_EQ(good.getCode(), ErrorCode::OK);
  EXPECT_EQ(good.getMessage(), "");
  int64_t records = liveStatusRecords();
  iree_status_t failed = failingStatus();
  ASSERT_FALSE(iree_status_is_ok(failed));
  EXPECT_EQ(liveStatusRecords(), records + 1);
  EXPECT_CODE(ErrorObject(failed), RuntimeFailure, "INVALID_ARGUMENT: ");
  EXPECT_EQ(liveStatusRecords(), records);
}

TEST(StatusErrorTest, PrintingKeepsTheStatusAndIgnoringFreesIt) {
  int64_t records = liveStatusRecords();
  iree_status_t failed = failingStatus();
  FILE *file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  iree_status_fprint(file, failed);
  EXPECT_GT(std::ftell(file), 0);
  std::fclose(file);
  EXPECT_EQ(liveStatusRecords(), records + 1);
  iree_status_ignore(failed);
  iree_status_ignore(iree_ok_status());
  EXPECT_EQ(liveStatusRecords(), records);
}

TEST(StatusErrorTest, AHundredThousandFailuresLeaveNothing) {
  ErrorOr<Handle> handle = Handle::create(Backend::CPU);
  ASSERT_OK(handle);
  int failures = 0;
  auto fail = [&] {
    failures += isError(ErrorObject(failingStatus()));
    iree_status_ignore(failingStatus());
    failures += isError(Buffer::import(nullptr));
    failures += isError(Buffer::allocateRaw(*handle, 0));
    failures += isError(Handle::create(Backend::CPU, 1));
  };
  fail(); // whatever is made on first use
  failures = 0;
  int64_t objects = liveObjects();
  int64_t records = liveStatusRecords();
  int64_t bytes = heap::newLiveBytes;
  for (int i = 0; i < 25000; ++i)
    fail();
  EXPECT_EQ(failures, 100000);
  EXPECT_EQ(heap::newLiveBytes, bytes);
  EXPECT_EQ(liveStatusRecords(), records);
  EXPECT_EQ(liveObjects(), objects);
#ifdef FUSILLI_COUNTS_NEW
  EXPECT_GT(bytes, 0); // the count works
#endif
}

} // namespace
} // namespace fusilli::test
