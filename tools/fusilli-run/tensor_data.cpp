// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the header.
#include "tools/fusilli-run/tensor_data.h"

#include "fusilli/support/float_types.h"

#include <cstring>
#include <random>

namespace fusilli::run {
namespace {

std::string listText(const std::vector<int64_t> &values) {
  std::string text = "[";
  for (size_t i = 0; i < values.size(); ++i)
    text += (i ? ", " : "") + std::to_string(values[i]);
  return text + "]";
}

std::string typeName(DataType type) {
  auto it = kDataTypeToMlirTypeAsm.find(type);
  return it != kDataTypeToMlirTypeAsm.end() ? it->second : "unknown";
}

ErrorObject checkType(const Tensor &tensor) {
  if (!npy::descrOf(tensor.type).empty())
    return ok();
  return error(ErrorCode::NotImplemented,
               "tensor '" + tensor.name + "': type " + typeName(tensor.type) +
                   " has no .npy form");
}

// Calls body(logical index, physical index) for each element of the tensor, in
// logical order.
template <typename Body> void forEach(const Tensor &tensor, Body body) {
  const size_t rank = tensor.dims.size();
  int64_t count = 1;
  for (int64_t extent : tensor.dims)
    count *= extent;
  std::vector<int64_t> index(rank, 0);
  int64_t physical = 0;
  for (int64_t logical = 0; logical < count; ++logical) {
    body(static_cast<size_t>(logical), static_cast<size_t>(physical));
    for (size_t d = rank; d-- > 0;) {
      physical += tensor.strides[d];
      if (++index[d] < tensor.dims[d])
        break;
      physical -= tensor.strides[d] * tensor.dims[d];
      index[d] = 0;
    }
  }
}

template <typename T, typename Generator>
void fill(std::vector<uint8_t> &bytes, Generator generate) {
  for (size_t i = 0; i + sizeof(T) <= bytes.size(); i += sizeof(T)) {
    T value = generate();
    std::memcpy(bytes.data() + i, &value, sizeof(T));
  }
}

} // namespace

std::vector<Tensor> signatureOf(const fbs::Artifact &artifact) {
  std::vector<Tensor> tensors;
  for (const fbs::Arg *arg : *artifact.args()) {
    auto list = [](const auto *values) {
      return values ? std::vector<int64_t>(values->begin(), values->end())
                    : std::vector<int64_t>();
    };
    tensors.push_back({.name = arg->name()->str(),
                       .isOutput = arg->kind() == fbs::ArgKind::Output,
                       .type = static_cast<DataType>(arg->dtype()),
                       .dims = list(arg->dims()),
                       .strides = list(arg->strides()),
                       .physicalDims = list(arg->physical_dims()),
                       .byteLength = arg->byte_length()});
  }
  return tensors;
}

std::string typeText(const Tensor &tensor) {
  return typeName(tensor.type) + " " + listText(tensor.dims) + " strides " +
         listText(tensor.strides);
}

ErrorOr<std::vector<uint8_t>> toPhysical(const Tensor &tensor,
                                         const npy::Array &array) {
  FUSILLI_CHECK_ERROR(checkType(tensor));
  if (array.descr != npy::descrOf(tensor.type))
    return error(ErrorCode::InvalidArgument,
                 "tensor '" + tensor.name + "' has type " +
                     typeName(tensor.type) + " ('" +
                     std::string(npy::descrOf(tensor.type)) +
                     "'), the array has '" + array.descr + "'");
  if (array.shape != tensor.dims)
    return error(ErrorCode::InvalidArgument,
                 "tensor '" + tensor.name + "' has shape " +
                     listText(tensor.dims) + ", the array has " +
                     listText(array.shape));
  const size_t size = npy::elementSize(array.descr);
  std::vector<uint8_t> bytes(tensor.byteLength);
  std::vector<bool> written(tensor.byteLength / size);
  forEach(tensor, [&](size_t logical, size_t physical) {
    if (!written[physical])
      std::memcpy(&bytes[physical * size], &array.data[logical * size], size);
    written[physical] = true;
  });
  return ok(std::move(bytes));
}

ErrorOr<npy::Array> toLogical(const Tensor &tensor,
                              const std::vector<uint8_t> &bytes) {
  FUSILLI_CHECK_ERROR(checkType(tensor));
  npy::Array array{.descr = std::string(npy::descrOf(tensor.type)),
                   .shape = tensor.dims,
                   .data = {}};
  const size_t size = npy::elementSize(array.descr);
  array.data.resize(static_cast<size_t>(array.size()) * size);
  forEach(tensor, [&](size_t logical, size_t physical) {
    std::memcpy(&array.data[logical * size], &bytes[physical * size], size);
  });
  return ok(std::move(array));
}

ErrorOr<std::vector<uint8_t>> randomContents(const Tensor &tensor,
                                             uint64_t seed) {
  FUSILLI_CHECK_ERROR(checkType(tensor));
  std::vector<uint32_t> words(tensor.name.begin(), tensor.name.end());
  words.push_back(static_cast<uint32_t>(seed));
  words.push_back(static_cast<uint32_t>(seed >> 32));
  std::seed_seq sequence(words.begin(), words.end());
  std::mt19937 engine(sequence);
  auto real = [&] {
    return static_cast<float>(engine() >> 8) / float(1 << 23) - 1.0f;
  };
  auto integer = [&] { return static_cast<int>(engine() & 15) - 8; };
  std::vector<uint8_t> bytes(tensor.byteLength);
  switch (tensor.type) {
  case DataType::Half:
    fill<uint16_t>(bytes, [&] { return Float16(real()).toBits(); });
    break;
  case DataType::BFloat16:
    fill<uint16_t>(bytes, [&] { return BFloat16(real()).toBits(); });
    break;
  case DataType::Float:
    fill<float>(bytes, real);
    break;
  case DataType::Double:
    fill<double>(bytes, real);
    break;
  case DataType::Int16:
    fill<int16_t>(bytes, integer);
    break;
  case DataType::Int32:
    fill<int32_t>(bytes, integer);
    break;
  case DataType::Int64:
    fill<int64_t>(bytes, integer);
    break;
  case DataType::Boolean:
    fill<uint8_t>(bytes, [&] { return engine() & 1; });
    break;
  case DataType::Uint8:
    fill<uint8_t>(bytes, [&] { return engine() & 15; });
    break;
  default:
    fill<int8_t>(bytes, integer);
  }
  return ok(std::move(bytes));
}

} // namespace fusilli::run
