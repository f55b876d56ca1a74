// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The handwritten digits: reading them, splitting them into a part to train on
// and a part to test on, and cutting the first into shuffled batches. All of it
// depends on the seed alone, so that every run sees the same.
#ifndef SAMPLES_DIGITS_DATA_SET_H
#define SAMPLES_DIGITS_DATA_SET_H

#include <fusilli.h>

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace digits {

inline constexpr size_t kPixels = 64;  // 8 x 8
inline constexpr size_t kClasses = 10; // the digits
inline constexpr int kMaxInk = 16;     // pixels are 0 (paper) to 16 (ink)

/// One image and the digit that it shows.
struct Digit {
  std::vector<int> pixels; // kPixels values, row by row
  int label = 0;
};

/// Images as the network takes them, and the answers as rows of one-hot.
struct Batch {
  std::vector<float> images;  // [count, kPixels]
  std::vector<float> answers; // [count, kClasses]
};

struct DataSet {
  std::vector<Digit> train;
  std::vector<Digit> test; // a fifth, never trained on
};

/// Reads `path` (its format: data/README.md) and holds out a fifth, drawn by
/// `seed`. FileSystemFailure if it cannot be read, InvalidArgument, with the
/// line, if it holds something else.
fusilli::ErrorOr<DataSet> readDataSet(const std::string &path, uint64_t seed);

/// Normal deviates that are the same with every standard library.
class Noise {
public:
  explicit Noise(uint64_t seed) : engine_(seed) {}
  /// One deviate of mean 0 and deviation 1 (Box and Muller).
  float operator()();
  /// A whole number below `bound`.
  size_t below(size_t bound) { return engine_() % bound; }

private:
  double uniform();
  std::mt19937_64 engine_;
};

/// The images `order[first]` to `order[first + count - 1]`, centred and scaled,
/// plus `noise` times a normal deviate on each pixel.
Batch makeBatch(const std::vector<Digit> &digits,
                const std::vector<size_t> &order, size_t first, size_t count,
                float noise, Noise &source);

/// 0 to count - 1 in an order drawn from `source`.
std::vector<size_t> shuffled(size_t count, Noise &source);

} // namespace digits

#endif // SAMPLES_DIGITS_DATA_SET_H
