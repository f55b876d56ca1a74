// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Programs of linalg that no op of ours lowers to: reductions that are no sums
// of products, shifted, strided and backward maps, several results, indices,
// pads, slices, reshapes. Each gives what an evaluation of its description
// gives, in any layout, or is refused with a diagnostic.

#include "reference/element.h"
#include "tests/e2e/linalg_program.h"
#include "tests/e2e/shapes.h"

namespace fusilli::e2e {
namespace {

constexpr int64_t kPrograms = 240;

/// The program as a custom op on tensors of random layouts.
struct ForeignCase {
  ForeignCase(const LinalgProgram &program, int64_t number)
      : c("foreign linalg " + std::to_string(number) + " (" + program.kind +
          ")") {
    std::vector<TensorPtr> inputs;
    for (size_t k = 0; k < program.inputs.size(); ++k) {
      const ProgramTensor &in = program.inputs[k];
      const std::string name = "in" + std::to_string(k);
      inputs.push_back(c.input(name, in.type, in.dims,
                               randomStrides(c.random, in.dims),
                               Data::Integers));
      reference::Tensor &tensor = c.inputs.at(name);
      for (size_t i = 0; i < in.values.size(); ++i)
        if (reference::isFloatType(in.type))
          tensor.setValue(static_cast<int64_t>(i), in.values[i].f);
        else
          tensor.setInteger(static_cast<int64_t>(i), in.values[i].i);
    }
    std::vector<std::pair<DataType, Dims>> types;
    for (const ProgramTensor &result : program.results)
      types.emplace_back(result.type, result.dims);
    const auto results = c.customOp(program.text, inputs, types);
    for (size_t k = 0; k < results.size(); ++k) {
      const ProgramTensor &result = program.results[k];
      const std::string name = "out" + std::to_string(k);
      c.output(results[k], name, randomStrides(c.random, result.dims));
      for (const Number &n : result.values)
        expected[name].push_back(reference::isFloatType(result.type)
                                     ? n.f
                                     : static_cast<double>(n.i));
    }
  }

  Case c;
  std::map<std::string, std::vector<double>> expected;
};

TEST(ForeignLinalgTest, AgreesWithAnIndependentEvaluationOrIsRefused) {
  Random random = makeRandom("foreign linalg");
  int64_t refused = 0;
  const int64_t count = Settings::get().count(kPrograms);
  for (int64_t number = 0; number < count; ++number) {
    const LinalgProgram program = makeLinalgProgram(random);
    ForeignCase foreign(program, number);
    SCOPED_TRACE(program.text);
    ErrorObject valid = foreign.c.graph.validate();
    ASSERT_FALSE(isError(valid)) << valid;
    auto artifact =
        foreign.c.graph.compileToArtifact(Backend::CPU, /*remove=*/true);
    if (isError(artifact)) {
      ++refused;
      const std::string message = ErrorObject(artifact).getMessage();
      EXPECT_NE(message.find("custom"), std::string::npos) << message;
      std::printf("refused %lld: %s\n", static_cast<long long>(number),
                  message.c_str());
      continue;
    }
    ASSERT_TRUE(foreign.c.runAgainst(foreign.expected, 0.0,
                                     {.threads = {1, 2}, .repeats = 1}));
  }
  // What the generator makes is what code generation promises.
  EXPECT_EQ(refused, 0);
}

} // namespace
} // namespace fusilli::e2e
