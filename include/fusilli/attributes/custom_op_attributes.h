// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attributes of custom ops: program text given by the client.

#ifndef FUSILLI_ATTRIBUTES_CUSTOM_OP_ATTRIBUTES_H
#define FUSILLI_ATTRIBUTES_CUSTOM_OP_ATTRIBUTES_H

#include <cstddef>
#include <string>

namespace fusilli {

/// A custom op. Its text defines `func.func private @{FUNC_NAME}(...)` over
/// logical value tensors; placeholders such as {IN0_TYPE} are replaced when the
/// program is made. The caller sets dims, strides and type of each output.
/// Thread safety: a plain value.
class CustomOpAttr {
public:
  /// The name of the node, and of the function.
  CustomOpAttr &setName(const std::string &name) {
    name_ = name;
    return *this;
  }
  /// The text of the function.
  CustomOpAttr &setMlir(const std::string &mlir) {
    mlir_ = mlir;
    return *this;
  }
  /// The number of results; 0 until set.
  CustomOpAttr &setNumOutputs(size_t numOutputs) {
    numOutputs_ = numOutputs;
    return *this;
  }

  const std::string &getName() const { return name_; }
  const std::string &getMlir() const { return mlir_; }
  size_t getNumOutputs() const { return numOutputs_; }

private:
  std::string name_;
  std::string mlir_;
  size_t numOutputs_ = 0;
};

} // namespace fusilli

#endif // FUSILLI_ATTRIBUTES_CUSTOM_OP_ATTRIBUTES_H
