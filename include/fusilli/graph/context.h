// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Defaults that a graph hands to its nodes.

#ifndef FUSILLI_GRAPH_CONTEXT_H
#define FUSILLI_GRAPH_CONTEXT_H

#include <fusilli/attributes/types.h>

#include <string>

namespace fusilli {

/// Name and default element types of a graph. Each node copies its graph's
/// context when it is added. Thread safety: a plain value.
class Context {
public:
  /// Element type of virtual tensors that have none.
  Context &setIntermediateDataType(DataType type) {
    intermediateDataType_ = type;
    return *this;
  }
  /// Element type of inputs and outputs that have none.
  Context &setIODataType(DataType type) {
    ioDataType_ = type;
    return *this;
  }
  /// Compute type of nodes that have none.
  Context &setComputeDataType(DataType type) {
    computeDataType_ = type;
    return *this;
  }
  Context &setName(const std::string &name) {
    name_ = name;
    return *this;
  }

  DataType getIODataType() const { return ioDataType_; }
  DataType getIntermediateDataType() const { return intermediateDataType_; }
  DataType getComputeDataType() const { return computeDataType_; }
  const std::string &getName() const { return name_; }

private:
  DataType computeDataType_ = DataType::NotSet;
  DataType intermediateDataType_ = DataType::NotSet;
  DataType ioDataType_ = DataType::NotSet;
  std::string name_;
};

} // namespace fusilli

#endif // FUSILLI_GRAPH_CONTEXT_H
