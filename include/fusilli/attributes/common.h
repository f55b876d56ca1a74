// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the attribute classes of several ops share: concepts and phases.

#ifndef FUSILLI_ATTRIBUTES_COMMON_H
#define FUSILLI_ATTRIBUTES_COMMON_H

#include <cstdint>
#include <ranges>
#include <string>
#include <type_traits>
#include <unordered_map>

namespace fusilli {

/// A range of exactly int64_t that can be walked more than once, for example
/// std::vector<int64_t> or std::span<const int64_t>.
template <typename R>
concept Int64Range = std::ranges::forward_range<R> &&
                     std::is_same_v<std::ranges::range_value_t<R>, int64_t>;

/// Whether a normalization computes statistics or uses given ones.
enum class NormFwdPhase : uint8_t { NOT_SET, TRAINING, INFERENCE };

/// Text of each phase.
inline const std::unordered_map<NormFwdPhase, std::string> kNormFwdPhaseToStr =
    {
        {NormFwdPhase::NOT_SET, "NOT_SET"},
        {NormFwdPhase::TRAINING, "TRAINING"},
        {NormFwdPhase::INFERENCE, "INFERENCE"},
};

} // namespace fusilli

#endif // FUSILLI_ATTRIBUTES_COMMON_H
