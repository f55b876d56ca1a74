// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shared parts of the engine's tests: a cache directory of its own per test,
// the fake compiler, and small graphs that it understands.
#ifndef ENGINE_TEST_TEST_ENGINE_H
#define ENGINE_TEST_TEST_ENGINE_H

#include <fusilli.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <dlfcn.h>

namespace fusilli::test {

using TensorPtr = std::shared_ptr<TensorAttr>;
using BufferPtr = std::shared_ptr<Buffer>;
using Pack = std::unordered_map<TensorPtr, BufferPtr>;

#define EXPECT_OK(expr)                                                        \
  do {                                                                         \
    ::fusilli::ErrorObject status_ = (expr);                                   \
    EXPECT_TRUE(isOk(status_)) << status_;                                     \
  } while (false)
#define ASSERT_OK(expr)                                                        \
  do {                                                                         \
    ::fusilli::ErrorObject status_ = (expr);                                   \
    ASSERT_TRUE(isOk(status_)) << status_;                                     \
  } while (false)
#define EXPECT_CODE(expr, expected, text)                                      \
  do {                                                                         \
    ::fusilli::ErrorObject status_ = (expr);                                   \
    EXPECT_EQ(status_.getCode(), ::fusilli::ErrorCode::expected) << status_;   \
    EXPECT_THAT(status_.getMessage(), ::testing::HasSubstr(text));             \
  } while (false)

/// Sets an environment variable for a scope.
class ScopedEnv {
public:
  ScopedEnv(const char *name, const std::string &value) : name_(name) {
    if (const char *old = std::getenv(name))
      old_ = old;
    setEnv(name, value.c_str());
  }
  ~ScopedEnv() {
    if (old_)
      setEnv(name_, old_->c_str());
    else
      unsetEnv(name_);
  }
  ScopedEnv(const ScopedEnv &) = delete;
  ScopedEnv &operator=(const ScopedEnv &) = delete;

private:
  const char *name_;
  std::optional<std::string> old_;
};

/// y = a + b over {n} floats; with the fake compiler a sum of the first and the
/// last input by name.
struct AddGraph {
  explicit AddGraph(const std::string &name = "add", int64_t n = 4,
                    const std::string &a = "a", const std::string &b = "b") {
    graph.setName(name).setIODataType(DataType::Float);
    auto input = [&](const std::string &tensor) {
      return graph.tensor(
          TensorAttr().setName(tensor).setDim({n}).setStride({1}));
    };
    inA = input(a);
    inB = input(b);
    auto attr = PointwiseAttr().setMode(PointwiseAttr::Mode::ADD);
    out = graph.pointwise(inA, inB, attr);
    out->setName("y").setOutput(true);
  }
  Graph graph;
  TensorPtr inA, inB, out;
};

inline BufferPtr makeBuffer(const Handle &handle, std::vector<float> data) {
  ErrorOr<Buffer> buffer = Buffer::allocate(handle, {data.size()}, data);
  EXPECT_TRUE(isOk(buffer)) << ErrorObject(buffer);
  return isOk(buffer) ? std::make_shared<Buffer>(std::move(*buffer)) : nullptr;
}

inline std::vector<float> contents(const Handle &handle,
                                   const BufferPtr &buffer) {
  std::vector<float> data;
  EXPECT_OK(buffer->read(handle, data));
  return data;
}

/// A cache directory of its own, the fake compiler, a handle.
class EngineTest : public testing::Test {
protected:
  void SetUp() override {
    std::string name =
        std::filesystem::temp_directory_path() / "fusilli-engine-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    base_ = name;
    setEnv("FUSILLI_CACHE_DIR", name.c_str());
    setEnv("FUSILLI_COMPILER_LIB", FUSILLI_FAKE_COMPILER);
    unsetEnv("FUSILLI_TARGET");
    ErrorOr<Handle> handle = Handle::create(Backend::CPU);
    ASSERT_TRUE(isOk(handle)) << ErrorObject(handle);
    handle_.emplace(std::move(*handle));
  }
  void TearDown() override {
    std::error_code code;
    std::filesystem::remove_all(base_, code);
  }
  /// How many programs the fake compiler has compiled in this process.
  static uint64_t compileCount() {
    void *library = dlopen(FUSILLI_FAKE_COMPILER, RTLD_LAZY);
    auto count =
        reinterpret_cast<uint64_t (*)()>(dlsym(library, "fake_compiler_count"));
    uint64_t result = count();
    dlclose(library);
    return result;
  }
  Pack makePack(const AddGraph &g, std::vector<float> a, std::vector<float> b) {
    size_t n = a.size();
    return {{g.inA, makeBuffer(*handle_, std::move(a))},
            {g.inB, makeBuffer(*handle_, std::move(b))},
            {g.out, makeBuffer(*handle_, std::vector<float>(n, -1.0f))}};
  }

  std::filesystem::path base_;
  std::optional<Handle> handle_;
};

} // namespace fusilli::test

#endif // ENGINE_TEST_TEST_ENGINE_H
