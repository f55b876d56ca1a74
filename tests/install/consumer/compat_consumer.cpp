// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A client that mentions the foreign names and uses <format>.
#include <fusilli.h>

#include <format>
#include <iree/hal/api.h>
#include <iree/runtime/api.h>

#include <iostream>

int main() {
  using namespace fusilli;
  ErrorOr<Handle> handle = Handle::create(Backend::CPU);
  if (isError(handle))
    return 1;
  std::vector<size_t> shape = {2, 3};
  ErrorOr<Buffer> buffer =
      Buffer::allocate(*handle, shape, std::vector<float>(6, 1.0f));
  if (isError(buffer))
    return 2;
  iree_hal_buffer_view_t *view = *buffer;
  std::string text = std::format(
      "{}x{} {:#x} {} {:e}", iree_hal_buffer_view_shape_dim(view, 0),
      iree_hal_buffer_view_shape_dim(view, 1),
      iree_hal_buffer_view_element_type(view),
      iree_hal_buffer_byte_length(iree_hal_buffer_view_buffer(view)) >= 24,
      0.05);
  std::cout << text << "\n";
  return text == "2x3 0x21000020 true 5.000000e-02" ? 0 : 3;
}
