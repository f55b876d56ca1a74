// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The foreign names: shapes, values and behaviour as clients rely on them, and
// that the library itself exports none of them.
#include <fusilli.h>

#include <iree/base/allocator.h>
#include <iree/base/config.h>
#include <iree/hal/api.h>
#include <iree/runtime/api.h>
#include <iree/vm/api.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <dlfcn.h>
#include <elf.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <type_traits>

namespace fusilli {
namespace {

TEST(CompatTest, TypesAreThoseOfClients) {
  static_assert(std::is_same_v<iree_hal_dim_t, size_t>);
  static_assert(std::is_same_v<iree_host_size_t, size_t>);
  static_assert(std::is_same_v<iree_device_size_t, uint64_t>);
  static_assert(std::is_same_v<iree_hal_element_type_t, uint32_t>);
  static_assert(std::is_convertible_v<Handle &, iree_hal_device_t *>);
  static_assert(std::is_convertible_v<Buffer &, iree_hal_buffer_view_t *>);
  static_assert(std::is_convertible_v<iree_status_t, ErrorObject>);
  static_assert(std::is_pointer_v<iree_status_t>);
  // Initialised by name, in this order.
  constexpr iree_hal_buffer_params_t params = {
      .usage = IREE_HAL_BUFFER_USAGE_DEFAULT,
      .access = IREE_HAL_MEMORY_ACCESS_READ | IREE_HAL_MEMORY_ACCESS_WRITE,
      .type = IREE_HAL_MEMORY_TYPE_DEVICE_LOCAL,
      .queue_affinity = IREE_HAL_QUEUE_AFFINITY_ANY,
      .min_alignment = 64};
  static_assert(sizeof(params.usage) == 4 && sizeof(params.access) == 2 &&
                sizeof(params.type) == 4 && sizeof(params.queue_affinity) == 8);
  constexpr iree_hal_external_buffer_t external = {
      .type = IREE_HAL_EXTERNAL_BUFFER_TYPE_DEVICE_ALLOCATION,
      .flags = 0,
      .size = 8,
      .handle = {.device_allocation = {.ptr = 16}}};
  EXPECT_EQ(external.handle.device_allocation.ptr, 16u);
  EXPECT_EQ(params.min_alignment, 64u);
  EXPECT_EQ(iree_hal_buffer_release_callback_null().fn, nullptr);
  EXPECT_EQ(iree_allocator_system().self, nullptr);
}

TEST(CompatTest, ConstantsHaveTheirValues) {
  EXPECT_EQ(IREE_HAL_BUFFER_USAGE_DEFAULT, 0xC03u);
  EXPECT_EQ(IREE_HAL_MEMORY_ACCESS_READ, 1u);
  EXPECT_EQ(IREE_HAL_MEMORY_ACCESS_WRITE, 2u);
  EXPECT_EQ(IREE_HAL_MEMORY_ACCESS_ALL, 7u);
  EXPECT_EQ(IREE_HAL_MEMORY_TYPE_DEVICE_LOCAL, 48u);
  EXPECT_EQ(IREE_HAL_ENCODING_TYPE_DENSE_ROW_MAJOR, 1u);
  EXPECT_EQ(IREE_HAL_EXTERNAL_BUFFER_TYPE_DEVICE_ALLOCATION, 2u);
  EXPECT_EQ(IREE_HAL_QUEUE_AFFINITY_ANY, ~uint64_t{0});
  EXPECT_EQ(IREE_HAL_ELEMENT_TYPE_NONE, 0u);
  EXPECT_EQ(IREE_HAL_ELEMENT_TYPE_SINT_4, 0x11000004u);
  EXPECT_EQ(IREE_HAL_ELEMENT_TYPE_INT_8, 0x10000008u);
  EXPECT_EQ(IREE_HAL_ELEMENT_TYPE_INT_16, 0x10000010u);
  EXPECT_EQ(IREE_HAL_ELEMENT_TYPE_INT_32, 0x10000020u);
  EXPECT_EQ(IREE_HAL_ELEMENT_TYPE_INT_64, 0x10000040u);
  EXPECT_EQ(IREE_HAL_ELEMENT_TYPE_BOOL_8, 0x13000008u);
  EXPECT_EQ(IREE_HAL_ELEMENT_TYPE_FLOAT_16, 0x21000010u);
  EXPECT_EQ(IREE_HAL_ELEMENT_TYPE_FLOAT_32, 0x21000020u);
  EXPECT_EQ(IREE_HAL_ELEMENT_TYPE_FLOAT_64, 0x21000040u);
  EXPECT_EQ(IREE_HAL_ELEMENT_TYPE_BFLOAT_16, 0x22000010u);
  EXPECT_EQ(IREE_HAL_ELEMENT_TYPE_COMPLEX_64, 0x23000040u);
}

TEST(CompatTest, ByteCountsRoundUp) {
  EXPECT_EQ(iree_hal_element_dense_byte_count(IREE_HAL_ELEMENT_TYPE_SINT_4),
            1u);
  EXPECT_EQ(iree_hal_element_dense_byte_count(IREE_HAL_ELEMENT_TYPE_FLOAT_32),
            4u);
  EXPECT_EQ(iree_hal_element_packed_byte_count(IREE_HAL_ELEMENT_TYPE_SINT_4, 7),
            4u);
  EXPECT_EQ(iree_hal_element_packed_byte_count(IREE_HAL_ELEMENT_TYPE_SINT_4, 8),
            4u);
  EXPECT_EQ(
      iree_hal_element_packed_byte_count(IREE_HAL_ELEMENT_TYPE_BFLOAT_16, 5),
      10u);
}

TEST(CompatTest, StatusesAreGivenUpOnce) {
  EXPECT_TRUE(iree_status_is_ok(iree_ok_status()));
  iree_status_ignore(iree_ok_status());
  EXPECT_TRUE(isOk(ErrorObject(iree_ok_status())));
  auto handle = Handle::create(Backend::CPU);
  ASSERT_TRUE(isOk(handle)) << handle;
  auto buffer = Buffer::allocateRaw(*handle, 4);
  ASSERT_TRUE(isOk(buffer)) << buffer;
  auto fail = [&] {
    const iree_hal_dim_t dims[] = {5};
    iree_hal_buffer_view_t *view = nullptr;
    return iree_hal_buffer_view_create(iree_hal_buffer_view_buffer(*buffer), 1,
                                       dims, IREE_HAL_ELEMENT_TYPE_INT_8,
                                       IREE_HAL_ENCODING_TYPE_DENSE_ROW_MAJOR,
                                       iree_allocator_system(), &view);
  };
  iree_status_t status = fail();
  EXPECT_FALSE(iree_status_is_ok(status));
  char text[256] = {};
  FILE *file = fmemopen(text, sizeof(text), "w");
  iree_status_fprint(file, status); // does not consume
  std::fclose(file);
  EXPECT_THAT(std::string(text), testing::HasSubstr("needs 5 bytes"));
  ErrorObject error = status; // consumes
  EXPECT_EQ(error.getCode(), ErrorCode::RuntimeFailure);
  EXPECT_THAT(error.getMessage(), testing::HasSubstr("needs 5 bytes"));
  iree_status_ignore(fail());
}

// The names in the dynamic symbol table of a loaded library, defined there or
// wanted from others.
std::vector<std::string> dynamicSymbols(const void *function) {
  Dl_info info{};
  EXPECT_NE(dladdr(function, &info), 0);
  std::string file(std::filesystem::file_size(info.dli_fname), '\0');
  std::ifstream stream(info.dli_fname, std::ios::binary);
  stream.read(file.data(), static_cast<std::streamsize>(file.size()));
  std::vector<std::string> names;
  auto get = [&]<typename T>(T &value, size_t at) {
    EXPECT_LE(at + sizeof(T), file.size());
    std::memcpy(&value, file.data() + at, sizeof(T));
  };
  Elf64_Ehdr header{};
  get(header, 0);
  for (size_t i = 0; i < header.e_shnum; ++i) {
    Elf64_Shdr section{};
    get(section, header.e_shoff + i * sizeof(section));
    if (section.sh_type != SHT_DYNSYM)
      continue;
    Elf64_Shdr strings{};
    get(strings, header.e_shoff + section.sh_link * sizeof(strings));
    for (size_t j = 0; j < section.sh_size / sizeof(Elf64_Sym); ++j) {
      Elf64_Sym symbol{};
      get(symbol, section.sh_offset + j * sizeof(symbol));
      names.emplace_back(file.data() + strings.sh_offset + symbol.st_name);
    }
  }
  return names;
}

TEST(CompatTest, LibraryHasNoForeignSymbol) {
  std::vector<std::string> names = dynamicSymbols(
      reinterpret_cast<const void *>(&fusilli_buffer_view_retain));
  EXPECT_GT(names.size(), 100u);
  EXPECT_THAT(names, testing::Contains("fusilli_buffer_view_retain"));
  for (const std::string &name : names)
    EXPECT_FALSE(name.starts_with("iree")) << name;
}

} // namespace
} // namespace fusilli
