// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Helpers for client code that is tested with Catch2 v3 (target libutils):
// checks of results, and buffers filled for a tensor. Our own tests use
// GoogleTest and none of this.
#ifndef TESTS_UTILS_H
#define TESTS_UTILS_H

#include <fusilli.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/catch_tostring.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <vector>

/// Evaluates once; fails the test case and logs if the result is an error.
#define FUSILLI_REQUIRE_OK(expr)                                               \
  do {                                                                         \
    fusilli::ErrorObject requireOkStatus = (expr);                             \
    if (isError(requireOkStatus))                                              \
      FUSILLI_LOG_LABEL_RED("ERROR: " << requireOkStatus << "\n");             \
    REQUIRE(isOk(requireOkStatus));                                            \
  } while (false)

#define FUSILLI_REQUIRE_ASSIGN_IMPL(var, decl, expr)                           \
  auto var = (expr);                                                           \
  if (isError(var))                                                            \
    FUSILLI_LOG_LABEL_RED("ERROR: " << var << "\n");                           \
  REQUIRE(isOk(var));                                                          \
  decl = std::move(*var)

/// FUSILLI_ASSIGN_OR_RETURN that fails the test case in place of returning.
#define FUSILLI_REQUIRE_ASSIGN(decl, expr)                                     \
  FUSILLI_DISABLE_COUNTER_WARNING                                              \
  FUSILLI_REQUIRE_ASSIGN_IMPL(FUSILLI_ERROR_VAR(requireAssign), decl, expr)    \
  FUSILLI_RESTORE_COUNTER_WARNING

/// Runs a function at the end of its life, unless released before.
class [[nodiscard]] ScopeExit {
public:
  explicit ScopeExit(std::function<void()> &&function)
      : function_(std::move(function)) {}
  ScopeExit(ScopeExit &&other) noexcept
      : function_(std::exchange(other.function_, nullptr)) {}
  ScopeExit(const ScopeExit &) = delete;
  ScopeExit &operator=(const ScopeExit &) = delete;
  ScopeExit &operator=(ScopeExit &&) = delete;
  ~ScopeExit() {
    if (function_)
      function_();
  }
  /// The function will not run.
  void release() { function_ = nullptr; }

private:
  std::function<void()> function_;
};

inline std::vector<size_t> castToSizeT(const std::vector<int64_t> &values) {
  return std::vector<size_t>(values.begin(), values.end());
}

namespace fusilli {

#if defined(FUSILLI_ENABLE_AMDGPU)
inline constexpr Backend kDefaultBackend = Backend::AMDGPU;
#else
inline constexpr Backend kDefaultBackend = Backend::CPU;
#endif

/// A module with one function `@simple_add` over tensor<4xf32>.
inline std::string getSimpleMLIRModule() {
  return R"(module {
  func.func @simple_add(%arg0: tensor<4xf32>, %arg1: tensor<4xf32>) -> tensor<4xf32> {
    %0 = arith.addf %arg0, %arg1 : tensor<4xf32>
    return %0 : tensor<4xf32>
  }
}
)";
}

/// A buffer for `tensor` holding `data`, in physical order. AttributeNotSet for
/// a null tensor.
template <typename T>
ErrorOr<std::shared_ptr<Buffer>>
allocateBufferOfType(Handle &handle, const std::shared_ptr<TensorAttr> &tensor,
                     const std::vector<T> &data) {
  FUSILLI_RETURN_ERROR_IF(!tensor, ErrorCode::AttributeNotSet,
                          "tensor is not set");
  FUSILLI_ASSIGN_OR_RETURN(
      auto buffer,
      Buffer::allocate(handle, castToSizeT(tensor->getPhysicalDim()), data));
  return std::make_shared<Buffer>(std::move(buffer));
}

/// A buffer for `tensor` with every element `init`, of type `type`.
/// AttributeNotSet for a null tensor, InvalidAttribute for other types.
inline ErrorOr<std::shared_ptr<Buffer>>
allocateBufferOfType(Handle &handle, const std::shared_ptr<TensorAttr> &tensor,
                     DataType type, double init) {
  FUSILLI_RETURN_ERROR_IF(!tensor, ErrorCode::AttributeNotSet,
                          "tensor is not set");
  size_t count = static_cast<size_t>(tensor->getVolume());
  auto filled = [&](auto value) {
    return allocateBufferOfType(handle, tensor,
                                std::vector<decltype(value)>(count, value));
  };
  switch (type) {
  case DataType::Float:
    return filled(static_cast<float>(init));
  case DataType::Half:
    return filled(half(static_cast<float>(init)));
  case DataType::BFloat16:
    return filled(bf16(static_cast<float>(init)));
  case DataType::Int32:
    return filled(static_cast<int>(init));
  case DataType::Int16:
    return filled(static_cast<int16_t>(init));
  case DataType::Int8:
  case DataType::Boolean:
    return filled(static_cast<int8_t>(init));
  case DataType::Int4:
    return filled(Int4(static_cast<int8_t>(init)));
  default:
    return error(ErrorCode::InvalidAttribute,
                 "no buffer of data type " +
                     std::to_string(static_cast<int>(type)));
  }
}

/// Null when no workspace is needed.
inline ErrorOr<std::shared_ptr<Buffer>>
allocateWorkspace(const Handle &handle, std::optional<size_t> size) {
  if (size.value_or(0) == 0)
    return ok(std::shared_ptr<Buffer>());
  FUSILLI_ASSIGN_OR_RETURN(auto buffer, Buffer::allocateRaw(handle, *size));
  return std::make_shared<Buffer>(std::move(buffer));
}

/// InvalidAttribute unless every line of `func.func @main` that holds an op is
/// indented by four spaces.
inline ErrorObject checkMlirIndentation(const std::string &text) {
  std::istringstream lines(text);
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    size_t indent = line.find_first_not_of(' ');
    if (indent == std::string::npos)
      continue;
    if (line.find("func.func @main") != std::string::npos)
      inside = true;
    else if (inside && line[indent] == '}')
      inside = false;
    else if (inside)
      FUSILLI_RETURN_ERROR_IF(indent != 4, ErrorCode::InvalidAttribute,
                              "not indented by 4 spaces: " + line);
  }
  return ok();
}

/// A tensor with contiguous strides.
inline TensorAttr createTestTensorAttr(const std::string &name,
                                       std::span<const int64_t> dims) {
  std::vector<int64_t> dim(dims.begin(), dims.end());
  return TensorAttr().setName(name).setDim(dim).setStride(
      generateStrideFromDim(dim, getContiguousStrideOrder(dim.size())));
}
inline std::shared_ptr<TensorAttr>
createTestTensor(const std::string &name, std::span<const int64_t> dims,
                 Graph *graph) {
  return graph->tensor(createTestTensorAttr(name, dims));
}

} // namespace fusilli

template <> struct Catch::StringMaker<fusilli::half> {
  static std::string convert(fusilli::half value) {
    return std::to_string(static_cast<float>(value));
  }
};
template <> struct Catch::StringMaker<fusilli::bf16> {
  static std::string convert(fusilli::bf16 value) {
    return std::to_string(static_cast<float>(value));
  }
};
template <> struct Catch::StringMaker<fusilli::Int4> {
  static std::string convert(fusilli::Int4 value) {
    return std::to_string(value.toInt());
  }
};

#endif // TESTS_UTILS_H
