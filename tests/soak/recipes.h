// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The graphs of a soak: small ones of several kinds, each with two sets of
// inputs and what the reference says about the outputs.
#ifndef TESTS_SOAK_RECIPES_H
#define TESTS_SOAK_RECIPES_H

#include "reference/evaluator.h"

#include <fusilli.h>

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace fusilli::soak {

/// A graph that can be built any number of times.
/// Thread safety: thread-safe once prepared.
class Recipe {
public:
  /// Adds the nodes to a graph whose name is set; f32 throughout.
  using Build = std::function<void(Graph &)>;
  static constexpr int kSets = 2;

  Recipe(std::string label, Build build)
      : label_(std::move(label)), build_(std::move(build)) {}

  /// Chooses inputs and asks the reference.
  ErrorObject prepare(uint64_t seed);

  const std::string &label() const { return label_; }
  /// A validated graph of that name.
  ErrorOr<Graph> makeGraph(const std::string &name) const;
  /// What `Graph::serialize` gives for a graph called "soak".
  std::span<const uint8_t> graphDef() const { return graphDef_; }
  const reference::Inputs &inputs(int set) const { return sets_[set].inputs; }
  std::vector<std::string> outputs() const;

  /// Nothing, or what is wrong: against the reference the first time, bit for
  /// bit against the first result from then on.
  std::string check(int set, const std::string &output,
                    const std::vector<float> &content) const;

  /// An artifact that a compile gave and was kept; empty before there is one.
  std::vector<uint8_t> keptArtifact() const;
  void keepArtifact(std::span<const uint8_t> bytes) const;

private:
  struct First {
    bool isKnown = false;
    std::vector<float> content; ///< as large from the beginning as at the end
  };
  struct Set {
    reference::Inputs inputs;
    std::map<std::string, reference::Expected> expected;
  };

  const std::string label_;
  const Build build_;
  std::vector<uint8_t> graphDef_;
  std::array<Set, kSets> sets_;
  mutable std::mutex mutex_;
  mutable std::array<std::map<std::string, First>, kSets>
      first_;                             // guarded by mutex_
  mutable std::vector<uint8_t> artifact_; // guarded by mutex_
};

using Recipes = std::vector<std::unique_ptr<Recipe>>;

/// Graphs for the real compiler, or sums that the tests' compiler understands.
Recipes makeRecipes(bool realCompiler);

} // namespace fusilli::soak

#endif // TESTS_SOAK_RECIPES_H
