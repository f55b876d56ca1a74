// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Helpers for the text form of types and values.

#ifndef FUSILLI_SUPPORT_ASM_EMITTER_H
#define FUSILLI_SUPPORT_ASM_EMITTER_H

#include <fusilli/attributes/types.h>
#include <fusilli/support/export.h>

#include <cstdint>
#include <string>
#include <vector>

namespace fusilli {

/// `text` with every occurrence of `from` replaced by `to`.
FUSILLI_EXPORT std::string replaceAll(std::string text, const std::string &from,
                                      const std::string &to);

/// `!torch.vtensor<[2,3],f32>`, or `!torch.tensor<...>` if not a value tensor.
/// An extent below zero prints as `?`.
FUSILLI_EXPORT std::string buildTensorTypeStr(const std::vector<int64_t> &dims,
                                              DataType dataType,
                                              bool isValueTensor = true);

} // namespace fusilli

#endif // FUSILLI_SUPPORT_ASM_EMITTER_H
