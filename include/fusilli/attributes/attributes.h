// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Base of the attribute classes: named slots for tensors, a name, a compute
// type.

#ifndef FUSILLI_ATTRIBUTES_ATTRIBUTES_H
#define FUSILLI_ATTRIBUTES_ATTRIBUTES_H

#include <fusilli/attributes/tensor_attributes.h>
#include <fusilli/attributes/types.h>
#include <fusilli/graph/context.h>

#include <memory>
#include <string>
#include <utility>

/// Members of an attribute class for slot NAME of its key enum.
#define FUSILLI_GENERIC_INPUT_TENSOR_GETTER(KEY_ENUM, NAME)                    \
  std::shared_ptr<::fusilli::TensorAttr> get##NAME() const {                   \
    return getInput(KEY_ENUM::NAME);                                           \
  }
#define FUSILLI_GENERIC_OUTPUT_TENSOR_GETTER(KEY_ENUM, NAME)                   \
  std::shared_ptr<::fusilli::TensorAttr> get##NAME() const {                   \
    return getOutput(KEY_ENUM::NAME);                                          \
  }
#define FUSILLI_GENERIC_INPUT_TENSOR_SETTER(CLASS, KEY_ENUM, NAME)             \
  CLASS &set##NAME(const std::shared_ptr<::fusilli::TensorAttr> &tensor) {     \
    return setInput(KEY_ENUM::NAME, tensor);                                   \
  }
#define FUSILLI_GENERIC_OUTPUT_TENSOR_SETTER(CLASS, KEY_ENUM, NAME)            \
  CLASS &set##NAME(const std::shared_ptr<::fusilli::TensorAttr> &tensor) {     \
    return setOutput(KEY_ENUM::NAME, tensor);                                  \
  }

namespace fusilli {

/// What all attribute classes share. `Derived` owns two public maps `inputs`
/// and `outputs` from its slot keys to tensors; a slot may hold null. Setters
/// return an lvalue reference, also on a temporary. Thread safety: a plain
/// value.
template <typename Derived> class AttributesCRTP {
public:
  /// Recorded only; a hint for the precision of accumulation.
  DataType computeDataType = DataType::NotSet;

  /// The name of the node; empty until set.
  const std::string &getName() const { return name_; }
  Derived &setName(const std::string &name) {
    name_ = name;
    return self();
  }
  Derived &setComputeDataType(DataType type) {
    computeDataType = type;
    return self();
  }

  /// Puts `tensor`, which may be null, into slot `key`.
  template <typename Key>
  Derived &setInput(const Key &key, const std::shared_ptr<TensorAttr> &tensor) {
    self().inputs[key] = tensor;
    return self();
  }
  template <typename Key>
  Derived &setOutput(const Key &key,
                     const std::shared_ptr<TensorAttr> &tensor) {
    self().outputs[key] = tensor;
    return self();
  }
  /// The tensor in slot `key`; null if there is none.
  template <typename Key>
  std::shared_ptr<TensorAttr> getInput(const Key &key) const {
    return find(self().inputs, key);
  }
  template <typename Key>
  std::shared_ptr<TensorAttr> getOutput(const Key &key) const {
    return find(self().outputs, key);
  }

  /// Takes the compute type from `context` if it is not set, and fills in the
  /// data type of every tensor.
  Derived &fillFromContext(const Context &context) {
    if (computeDataType == DataType::NotSet)
      computeDataType = context.getComputeDataType();
    for (auto &entry : self().inputs)
      if (entry.second)
        entry.second->fillFromContext(context);
    for (auto &entry : self().outputs)
      if (entry.second)
        entry.second->fillFromContext(context);
    return self();
  }

private:
  template <typename Map, typename Key>
  static std::shared_ptr<TensorAttr> find(const Map &map, const Key &key) {
    auto it = map.find(key);
    return it == map.end() ? nullptr : it->second;
  }
  Derived &self() { return static_cast<Derived &>(*this); }
  const Derived &self() const { return static_cast<const Derived &>(*this); }

  std::string name_;
};

} // namespace fusilli

#endif // FUSILLI_ATTRIBUTES_ATTRIBUTES_H
