// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The whole public interface. Include this and nothing else.

#ifndef FUSILLI_H
#define FUSILLI_H

#include <fusilli/attributes/attributes.h>
#include <fusilli/attributes/batchnorm_attributes.h>
#include <fusilli/attributes/common.h>
#include <fusilli/attributes/conv_attributes.h>
#include <fusilli/attributes/custom_op_attributes.h>
#include <fusilli/attributes/layernorm_attributes.h>
#include <fusilli/attributes/matmul_attributes.h>
#include <fusilli/attributes/pointwise_attributes.h>
#include <fusilli/attributes/reduction_attributes.h>
#include <fusilli/attributes/rmsnorm_attributes.h>
#include <fusilli/attributes/sdpa_attributes.h>
#include <fusilli/attributes/tensor_attributes.h>
#include <fusilli/attributes/types.h>
#include <fusilli/backend/backend.h>
#include <fusilli/backend/buffer.h>
#include <fusilli/backend/compile_command.h>
#include <fusilli/backend/compile_session.h>
#include <fusilli/backend/fence.h>
#include <fusilli/backend/handle.h>
#include <fusilli/backend/runtime.h>
#include <fusilli/external/torch_types.h>
#include <fusilli/graph/bound_call.h>
#include <fusilli/graph/context.h>
#include <fusilli/graph/explanation.h>
#include <fusilli/graph/graph.h>
#include <fusilli/node/batchnorm_node.h>
#include <fusilli/node/conv_node.h>
#include <fusilli/node/custom_op_node.h>
#include <fusilli/node/layernorm_node.h>
#include <fusilli/node/matmul_node.h>
#include <fusilli/node/node.h>
#include <fusilli/node/norm_utils.h>
#include <fusilli/node/pointwise_node.h>
#include <fusilli/node/reduction_node.h>
#include <fusilli/node/rmsnorm_node.h>
#include <fusilli/node/sdpa_node.h>
#include <fusilli/support/asm_emitter.h>
#include <fusilli/support/cache.h>
#include <fusilli/support/dllib.h>
#include <fusilli/support/export.h>
#include <fusilli/support/external_tools.h>
#include <fusilli/support/extras.h>
#include <fusilli/support/float_types.h>
#include <fusilli/support/int_types.h>
#include <fusilli/support/logging.h>
#include <fusilli/support/memstream.h>
#include <fusilli/support/process.h>
#include <fusilli/support/python_utils.h>
#include <fusilli/support/runtime_types.h>
#include <fusilli/support/target_platform.h>
#include <fusilli/support/trace.h>
#include <fusilli/version.h>

// Clients rely on these.
#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cctype>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <initializer_list>
#include <iostream>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <ranges>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>
#if __has_include(<format>)
#include <format>
#endif

#endif // FUSILLI_H
