// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads and splits the digits, makes batches. See data_set.h.
#include "data_set.h"

#include <cmath>
#include <fstream>
#include <numbers>
#include <numeric>
#include <string>
#include <utility>

namespace digits {

using fusilli::ErrorCode;
using fusilli::ErrorOr;

double Noise::uniform() {
  return (static_cast<double>(engine_() >> 11) + 0.5) * 0x1.0p-53;
}

float Noise::operator()() {
  double radius = std::sqrt(-2.0 * std::log(uniform()));
  return static_cast<float>(radius *
                            std::cos(2.0 * std::numbers::pi * uniform()));
}

std::vector<size_t> shuffled(size_t count, Noise &source) {
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  for (size_t i = count; i > 1; --i)
    std::swap(order[i - 1], order[source.below(i)]);
  return order;
}

/// "7 aafnj...": the label, a blank, one letter for each pixel.
static bool parseLine(const std::string &line, Digit &digit) {
  if (line.size() != 2 + kPixels || line[0] < '0' || line[0] > '9' ||
      line[1] != ' ')
    return false;
  digit.label = line[0] - '0';
  digit.pixels.reserve(kPixels);
  for (size_t i = 0; i < kPixels; ++i) {
    int ink = line[2 + i] - 'a';
    if (ink < 0 || ink > kMaxInk)
      return false;
    digit.pixels.push_back(ink);
  }
  return true;
}

ErrorOr<DataSet> readDataSet(const std::string &path, uint64_t seed) {
  std::ifstream file(path);
  FUSILLI_RETURN_ERROR_IF(!file, ErrorCode::FileSystemFailure,
                          "cannot read the digits: " + path);
  std::vector<Digit> all;
  std::string line;
  while (std::getline(file, line)) {
    Digit digit;
    FUSILLI_RETURN_ERROR_IF(
        !parseLine(line, digit), ErrorCode::InvalidArgument,
        path + ":" + std::to_string(all.size() + 1) +
            ": expected a digit, a blank and 64 letters from 'a' to 'q'");
    all.push_back(std::move(digit));
  }
  FUSILLI_RETURN_ERROR_IF(all.size() < 500, ErrorCode::InvalidArgument,
                          path + ": expected at least 500 images, found " +
                              std::to_string(all.size()));
  Noise source(seed);
  std::vector<size_t> order = shuffled(all.size(), source);
  DataSet result;
  size_t held = all.size() / 5;
  for (size_t i = 0; i < order.size(); ++i)
    (i < held ? result.test : result.train).push_back(all[order[i]]);
  return fusilli::ok(std::move(result));
}

Batch makeBatch(const std::vector<Digit> &digits,
                const std::vector<size_t> &order, size_t first, size_t count,
                float noise, Noise &source) {
  Batch batch;
  batch.images.reserve(count * kPixels);
  batch.answers.assign(count * kClasses, 0.0f);
  for (size_t i = 0; i < count; ++i) {
    const Digit &digit = digits[order[first + i]];
    for (int ink : digit.pixels) {
      // The mean pixel is near 4.9 of 16: this centres it at 0.
      float value = static_cast<float>(ink) / 6.0f - 0.8f;
      batch.images.push_back(noise > 0 ? value + noise * source() : value);
    }
    batch.answers[i * kClasses + static_cast<size_t>(digit.label)] = 1.0f;
  }
  return batch;
}

} // namespace digits
