// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writer and reader: round trip, every kind of damage, every content rule.
#include "artifact/cpu_features.h"
#include "artifact/executable_abi.h"
#include "artifact/format.h"
#include "artifact/program.h"
#include "artifact/reader.h"
#include "artifact/testing/test_artifacts.h"
#include "artifact/writer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <gtest/gtest.h>
#include <numeric>
#include <random>

namespace fusilli::artifact {
namespace {

using namespace testing;

std::vector<uint8_t> sampleBytes() { return write(chainArtifact(16, true)); }

TEST(ArtifactTest, RoundTripKeepsEverything) {
  fbs::ArtifactT before = chainArtifact(16, true);
  std::vector<uint8_t> bytes = write(before);
  EXPECT_EQ(bytes, write(before));
  auto reader = Reader::open(bytes);
  ASSERT_TRUE(reader.isOk()) << reader.status().toString();
  EXPECT_EQ(reader->target(), "x86-64-v3");
  EXPECT_EQ(reader->backend(), "CPU");
  ASSERT_EQ(reader->executableCount(), 1u);
  EXPECT_EQ(reader->executable(0).format, FUSILLI_X86_64_IMAGE_FORMAT);
  EXPECT_EQ(reader->executable(0).requirements.size(), 8u);
  EXPECT_EQ(reader->executable(0).bytes.size(), testCode().size());
  EXPECT_EQ(reader->program().size(), before.program.size());
  EXPECT_EQ(reader->artifact().args()->Get(0)->name()->str(), "y");
}

TEST(ArtifactTest, AnyAlignmentIsAccepted) {
  std::vector<uint8_t> bytes = sampleBytes();
  for (size_t shift = 0; shift < 65; ++shift) {
    std::vector<uint8_t> shifted(bytes.size() + shift);
    std::copy(bytes.begin(), bytes.end(), shifted.begin() + shift);
    auto reader =
        Reader::open(std::span<const uint8_t>(shifted).subspan(shift));
    ASSERT_TRUE(reader.isOk()) << reader.status().toString();
    EXPECT_EQ(reinterpret_cast<uintptr_t>(reader->executable(0).bytes.data()) %
                  64,
              0u);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(reader->constants().data()) % 64, 0u);
  }
}

TEST(ArtifactTest, CopyOutlivesTheCallersBytes) {
  std::vector<uint8_t> bytes = sampleBytes();
  auto reader = Reader::open(bytes, /*copy=*/true);
  std::fill(bytes.begin(), bytes.end(), 0xff);
  ASSERT_TRUE(reader.isOk());
  Reader moved = std::move(*reader);
  EXPECT_EQ(moved.target(), "x86-64-v3");
}

TEST(ArtifactTest, TruncatedAtEveryLengthFails) {
  std::vector<uint8_t> bytes = sampleBytes();
  for (size_t size = 0; size < bytes.size(); ++size) {
    auto reader = Reader::open(std::span<const uint8_t>(bytes).first(size));
    ASSERT_EQ(reader.code(), StatusCode::InvalidArgument) << size;
  }
  bytes.push_back(0);
  EXPECT_EQ(Reader::open(bytes).code(), StatusCode::InvalidArgument);
}

// With a right header the structure itself must notice. What is accepted lacks
// nothing but padding: every part lies within the bytes and is whole.
TEST(ArtifactTest, ResealedTruncationIsNoticed) {
  std::vector<uint8_t> bytes = sampleBytes();
  auto whole = Reader::open(bytes, /*copy=*/true);
  ASSERT_TRUE(whole.isOk());
  size_t accepted = 0;
  for (size_t size = sizeof(Header); size < bytes.size(); ++size) {
    std::vector<uint8_t> cut(bytes.begin(), bytes.begin() + size);
    resealForTest(cut);
    auto reader = Reader::open(cut);
    if (!reader.isOk()) {
      EXPECT_EQ(reader.code(), StatusCode::InvalidArgument) << size;
      continue;
    }
    ++accepted;
    EXPECT_TRUE(std::ranges::equal(reader->executable(0).bytes,
                                   whole->executable(0).bytes));
    EXPECT_TRUE(std::ranges::equal(reader->constants(), whole->constants()));
    EXPECT_TRUE(std::ranges::equal(reader->program(), whole->program()));
  }
  EXPECT_LT(accepted, 64u) << "more than padding";
}

TEST(ArtifactTest, EveryAlteredByteIsNoticed) {
  std::vector<uint8_t> bytes = sampleBytes();
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] ^= 0x10;
    EXPECT_FALSE(Reader::open(bytes).isOk()) << i;
    bytes[i] ^= 0x10;
  }
  bytes[sizeof(Header) + 5] ^= 1;
  EXPECT_EQ(Reader::open(bytes).code(), StatusCode::DataLoss);
}

TEST(ArtifactTest, GarbageFails) {
  std::vector<uint8_t> garbage = {1, 2, 3, 4};
  EXPECT_EQ(Reader::open(garbage).code(), StatusCode::InvalidArgument);
  EXPECT_EQ(Reader::open({}).code(), StatusCode::InvalidArgument);
  std::vector<uint8_t> zeros(4096, 0);
  EXPECT_EQ(Reader::open(zeros).code(), StatusCode::InvalidArgument);
}

TEST(ArtifactTest, OtherVersionsAreIncompatible) {
  for (size_t field :
       {offsetof(Header, formatVersion), offsetof(Header, executableAbi),
        offsetof(Header, vmAbi)}) {
    std::vector<uint8_t> bytes = sampleBytes();
    bytes[field] += 1;
    EXPECT_EQ(Reader::open(bytes).code(), StatusCode::Incompatible) << field;
  }
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FUSILLI_TEST_SANITIZED 1
#endif
#endif
#ifdef FUSILLI_TEST_SANITIZED
constexpr int kMutations = 100'000;
#else
constexpr int kMutations = 1'000'000;
#endif

uint64_t sumOf(std::span<const uint8_t> bytes) {
  return std::accumulate(bytes.begin(), bytes.end(), uint64_t{0});
}

TEST(ArtifactTest, RandomMutationsNeverCrash) {
  constexpr uint64_t kSeed = 20261122;
  SCOPED_TRACE(::testing::Message() << "seed " << kSeed);
  std::mt19937_64 random(kSeed);
  std::vector<uint8_t> original = sampleBytes();
  size_t accepted = 0;
  uint64_t sum = 0;
  for (int round = 0; round < kMutations; ++round) {
    std::vector<uint8_t> bytes = original;
    int changes = 1 + static_cast<int>(random() % 4);
    for (int i = 0; i < changes; ++i) {
      size_t at = sizeof(Header) + random() % (bytes.size() - sizeof(Header));
      if (random() % 2 == 0) {
        bytes[at] = static_cast<uint8_t>(random());
      } else {
        auto value = static_cast<uint32_t>(random() % 64) - 8;
        size_t word = at & ~size_t{3};
        if (word + 4 <= bytes.size())
          std::memcpy(bytes.data() + word, &value, 4);
      }
    }
    resealForTest(bytes);
    auto reader = Reader::open(bytes);
    if (!reader.isOk())
      continue;
    ++accepted;
    // Whatever is accepted can be walked without a check.
    for (size_t i = 0; i < reader->executableCount(); ++i)
      sum += sumOf(reader->executable(i).bytes) +
             sumOf(reader->executable(i).requirements);
    sum += sumOf(reader->constants());
    size_t position = 0;
    while (position < reader->program().size()) {
      auto instruction = decodeInstruction(reader->program(), position);
      ASSERT_TRUE(instruction.isOk());
      for (uint32_t b = 0; b < instruction->bindingCount; ++b) {
        const fbs::Binding *binding =
            reader->artifact().bindings()->Get(instruction->firstBinding + b);
        if (binding->kind() == fbs::BindingKind::Argument) {
          ASSERT_LE(
              binding->offset() + binding->length(),
              reader->artifact().args()->Get(binding->index())->byte_length());
        }
      }
    }
  }
  EXPECT_GT(accepted, 0u); // the mutations reach the content rules
  EXPECT_GT(sum, 0u);
}

struct Rule {
  const char *name;
  std::function<void(fbs::ArtifactT &)> breakIt;
};

TEST(ArtifactTest, EveryContentRuleIsChecked) {
  const Rule rules[] = {
      {"backend", [](auto &a) { a.backend.clear(); }},
      {"target", [](auto &a) { a.target.clear(); }},
      {"workspace", [](auto &a) { a.workspace_size = kMaxBytes + 1; }},
      {"workspace binding", [](auto &a) { a.workspace_size -= 1; }},
      {"name", [](auto &a) { a.args[1]->name.clear(); }},
      {"order", [](auto &a) { std::swap(a.args[1], a.args[2]); }},
      {"same name", [](auto &a) { a.args[2]->name = "a"; }},
      {"outputs first", [](auto &a) { std::swap(a.args[0], a.args[1]); }},
      {"kind", [](auto &a) { a.args[0]->kind = fbs::ArgKind(9); }},
      {"dtype", [](auto &a) { a.args[0]->dtype = 0; }},
      {"dtype", [](auto &a) { a.args[0]->dtype = 13; }},
      {"stride rank", [](auto &a) { a.args[0]->strides.push_back(1); }},
      {"rank", [](auto &a) { a.args[0]->physical_dims.assign(65, 1); }},
      {"dim", [](auto &a) { a.args[0]->dims[0] = -1; }},
      {"physical dim", [](auto &a) { a.args[0]->physical_dims[0] = -1; }},
      {"overflow",
       [](auto &a) { a.args[0]->physical_dims.assign(3, int64_t{1} << 40); }},
      {"byte length", [](auto &a) { a.args[0]->byte_length = ~uint64_t{0}; }},
      {"short argument", [](auto &a) { a.args[0]->byte_length = 8; }},
      {"inplace range", [](auto &a) { a.args[0]->inplace_inputs = {3}; }},
      {"inplace kind", [](auto &a) { a.args[0]->inplace_inputs = {0}; }},
      {"inplace count",
       [](auto &a) { a.args[0]->inplace_inputs.assign(9, 1); }},
      {"inplace on input", [](auto &a) { a.args[1]->inplace_inputs = {2}; }},
      {"binding kind",
       [](auto &a) {
         a.bindings[0] = fbs::Binding(fbs::BindingKind(7), 0, 0, 64);
       }},
      {"binding index", [](auto &a) { a.bindings[1] = bindArgument(3, 64); }},
      {"workspace index",
       [](auto &a) {
         a.bindings[0] = fbs::Binding(fbs::BindingKind::Workspace, 1, 0, 64);
       }},
      {"binding offset",
       [](auto &a) { a.bindings[1] = bindArgument(1, 64, 4); }},
      {"binding overflow",
       [](auto &a) { a.bindings[1] = bindArgument(1, 64, ~uint64_t{0} - 3); }},
      {"constants", [](auto &a) { a.constants.pop_back(); }},
      {"offset", [](auto &a) { a.entries[2]->offset = 1u << 20; }},
      {"no executable", [](auto &a) { a.executables.clear(); }},
      {"executable", [](auto &a) { a.entries[2]->executable = 1; }},
      {"format", [](auto &a) { a.executables[0]->format.clear(); }},
      {"constant output", [](auto &a) { a.args[0]->is_constant = true; }},
      {"prepared size", [](auto &a) { a.prepared_size = 64; }},
      {"large prepared size", [](auto &a) { a.prepared_size = ~uint64_t{0}; }},
      {"local memory",
       [](auto &a) { a.entries[2]->local_memory = kMaxLocalMemory + 1; }},
      {"binding count", [](auto &a) { a.entries[0]->binding_count = 5000; }},
      {"no program", [](auto &a) { a.program.clear(); }},
      {"no return", [](auto &a) { a.program.pop_back(); }},
      {"words behind return", [](auto &a) { a.program.push_back(0); }},
      {"opcode", [](auto &a) { a.program[0] = 99; }},
      {"entry", [](auto &a) { a.program[1] = kTestKernelCount; }},
      {"first binding", [](auto &a) { a.program[2] = 4; }},
      {"binding number", [](auto &a) { a.program[3] = 2; }},
      {"count overflow",
       [](auto &a) { a.program[4] = a.program[5] = a.program[6] = ~0u; }},
      {"flags", [](auto &a) { a.program[7] = 0x80; }},
      {"cut dispatch", [](auto &a) { a.program.resize(5); }},
  };
  for (const Rule &rule : rules) {
    fbs::ArtifactT artifact = chainArtifact(16, true);
    rule.breakIt(artifact);
    auto reader = Reader::open(write(artifact), /*copy=*/true);
    EXPECT_EQ(reader.code(), StatusCode::InvalidArgument) << rule.name;
    EXPECT_NE(reader.status().message().find("malformed"),
              std::string_view::npos)
        << rule.name << ": " << reader.status().toString();
  }
}

TEST(ArtifactTest, EveryRuleOfSymbolsIsChecked) {
  // Words of symbolicArtifact: constants and products of three, the workspace
  // of two, then a dispatch.
  constexpr size_t kWorkspaceWord = 15, kDispatch = 17;
  const Rule rules[] = {
      {"no such symbol", [](auto &a) { a.args[1]->dim_symbols = {2}; }},
      {"negative symbol", [](auto &a) { a.args[1]->dim_symbols = {-2}; }},
      {"representative", [](auto &a) { a.symbols[0] = 17; }},
      {"symbol of no argument", [](auto &a) { a.symbols.push_back(3); }},
      {"rank of symbols", [](auto &a) { a.args[1]->dim_symbols = {0, -1}; }},
      {"too many symbols", [](auto &a) { a.symbols.assign(65, 16); }},
      {"constants", [](auto &a) { a.entries[kAdd]->constant_count = 2; }},
      {"many constants", [](auto &a) { a.entries[0]->constant_count = 257; }},
      {"operand not yet defined", [](auto &a) { a.program[4] = 3; }},
      {"workspace value", [](auto &a) { a.program[kWorkspaceWord + 1] = 7; }},
      {"workspace twice",
       [](auto &a) {
         a.program.insert(a.program.begin() + kDispatch,
                          {FUSILLI_VM_WORKSPACE, 0});
       }},
      {"workspace behind a barrier",
       [](auto &a) {
         a.program.insert(a.program.begin() + kWorkspaceWord,
                          FUSILLI_VM_BARRIER);
       }},
      {"count", [](auto &a) { a.program[kDispatch + 4] = 7; }},
      {"flags", [](auto &a) { a.program[kDispatch + 7] = 2; }},
      {"number of constants", [](auto &a) { a.program[kDispatch + 8] = 1; }},
      {"range", [](auto &a) { a.program[kDispatch + 9] = 7; }},
      {"cut dispatch", [](auto &a) { a.program.resize(kDispatch + 12); }},
      {"cut arithmetic", [](auto &a) { a.program.resize(2); }},
      {"cut workspace", [](auto &a) { a.program.resize(kWorkspaceWord + 1); }},
      {"dispatch without symbols",
       [](auto &a) { a.program[kDispatch] = FUSILLI_VM_DISPATCH; }},
  };
  EXPECT_TRUE(Reader::open(write(symbolicArtifact(16, 5, true)), true).isOk());
  for (const Rule &rule : rules) {
    fbs::ArtifactT artifact = symbolicArtifact(16, 5, true);
    rule.breakIt(artifact);
    auto reader = Reader::open(write(artifact), /*copy=*/true);
    EXPECT_EQ(reader.code(), StatusCode::InvalidArgument) << rule.name;
    EXPECT_NE(reader.status().message().find("malformed"),
              std::string_view::npos)
        << rule.name << ": " << reader.status().toString();
  }
}

TEST(ArtifactTest, EveryRuleOfPrepareProgramsIsChecked) {
  ASSERT_TRUE(Reader::open(write(preparedArtifact(16, true)), true).isOk());
  const Rule rules[] = {
      {"prepared binding", [](auto &a) { a.prepared_size = 63; }},
      {"no prepare", [](auto &a) { a.prepare.clear(); }},
      {"no return", [](auto &a) { a.prepare.pop_back(); }},
      {"entry", [](auto &a) { a.prepare[1] = kTestKernelCount; }},
      {"workspace size",
       [](auto &a) {
         a.prepare.insert(a.prepare.begin(),
                          {FUSILLI_VM_CONSTANT, 0, 0, FUSILLI_VM_WORKSPACE, 0});
       }},
      {"symbols",
       [](auto &a) {
         a.symbols = {16};
         a.args[2]->dim_symbols = {0};
       }},
      {"not constant", [](auto &a) { a.args[2]->is_constant = false; }},
      {"output", [](auto &a) { a.bindings[3] = bindArgument(0, 64); }},
      {"input", [](auto &a) { a.bindings[4] = bindArgument(1, 64); }},
      {"workspace",
       [](auto &a) {
         a.workspace_size = 64;
         a.bindings[4] = bindWorkspace(64);
       }},
  };
  for (const Rule &rule : rules) {
    fbs::ArtifactT artifact = preparedArtifact(16, true);
    rule.breakIt(artifact);
    auto reader = Reader::open(write(artifact), /*copy=*/true);
    EXPECT_EQ(reader.code(), StatusCode::InvalidArgument) << rule.name;
    EXPECT_NE(reader.status().message().find("malformed"),
              std::string_view::npos)
        << rule.name << ": " << reader.status().toString();
  }
}

int64_t evaluate(uint32_t opcode, int64_t a, int64_t b) {
  ProgramValues values(systemAllocator());
  const int64_t symbols[] = {a, b};
  EXPECT_TRUE(values.start(symbols).isOk());
  Instruction instruction;
  instruction.opcode = opcode;
  instruction.operands[1] = 1;
  Status status = values.evaluate(instruction);
  EXPECT_TRUE(status.isOk()) << status.toString();
  return status.isOk() ? values[2] : 0;
}

StatusCode failure(uint32_t opcode, int64_t a, int64_t b) {
  ProgramValues values(systemAllocator());
  const int64_t symbols[] = {a, b};
  EXPECT_TRUE(values.start(symbols).isOk());
  Instruction instruction;
  instruction.opcode = opcode;
  instruction.operands[1] = 1;
  return values.evaluate(instruction).code();
}

TEST(ProgramValuesTest, Arithmetic) {
  EXPECT_EQ(evaluate(FUSILLI_VM_ADD, 7, -9), -2);
  EXPECT_EQ(evaluate(FUSILLI_VM_MUL, 7, -9), -63);
  for (int64_t a = -9; a <= 9; ++a)
    for (int64_t b = 1; b <= 4; ++b) {
      auto exact = static_cast<double>(a) / static_cast<double>(b);
      EXPECT_EQ(evaluate(FUSILLI_VM_FLOOR_DIV, a, b), std::floor(exact));
      EXPECT_EQ(evaluate(FUSILLI_VM_CEIL_DIV, a, b), std::ceil(exact));
      EXPECT_EQ(evaluate(FUSILLI_VM_MOD, a, b),
                a - b * static_cast<int64_t>(std::floor(exact)));
    }
  EXPECT_EQ(evaluate(FUSILLI_VM_MIN, -3, 2), -3);
  EXPECT_EQ(evaluate(FUSILLI_VM_MAX, -3, 2), 2);
  EXPECT_EQ(evaluate(FUSILLI_VM_FLOOR_DIV, INT64_MIN, 1), INT64_MIN);
}

TEST(ProgramValuesTest, OverflowAndDivisorsFail) {
  EXPECT_EQ(failure(FUSILLI_VM_ADD, INT64_MAX, 1), StatusCode::OutOfRange);
  EXPECT_EQ(failure(FUSILLI_VM_MUL, int64_t{1} << 32, int64_t{1} << 31),
            StatusCode::OutOfRange);
  for (uint32_t opcode :
       {FUSILLI_VM_FLOOR_DIV, FUSILLI_VM_CEIL_DIV, FUSILLI_VM_MOD})
    for (int64_t divisor : {0, -1})
      EXPECT_EQ(failure(opcode, 5, divisor), StatusCode::OutOfRange);
}

TEST(ArtifactTest, AllocationFailureIsAnError) {
  CountingAllocator allocator;
  allocator.failNth(1);
  EXPECT_EQ(Reader::open(sampleBytes(), true, allocator).code(),
            StatusCode::ResourceExhausted);
  EXPECT_EQ(allocator.counts().liveBlocks, 0);
}

TEST(CpuFeaturesTest, RequirementsKeepAllBits) {
  for (uint64_t bits : {uint64_t{0}, hostCpuFeatures(), uint64_t{1} << 63}) {
    uint64_t read = 1;
    EXPECT_TRUE(decodeCpuRequirements(encodeCpuRequirements(bits), read));
    EXPECT_EQ(read, bits);
  }
  uint64_t read = 0;
  EXPECT_FALSE(decodeCpuRequirements({}, read));
  EXPECT_FALSE(decodeCpuRequirements(std::vector<uint8_t>(9), read));
}

TEST(CpuFeaturesTest, LevelsAreSupersets) {
  uint64_t before = 0;
  for (const char *level :
       {"x86-64-v3", "x86-64-v4", "x86-64-v4-bf16", "x86-64-amx"}) {
    uint64_t features = cpuLevelFeatures(level);
    EXPECT_EQ(features & before, before);
    EXPECT_EQ(highestCpuLevel(features), level);
    EXPECT_EQ(features & ~knownCpuFeatures(), 0u);
    before = features;
  }
  EXPECT_EQ(cpuLevelFeatures("pdp-11"), 0u);
  EXPECT_EQ(highestCpuLevel(0), "");
  EXPECT_EQ(cpuFeatureNames(cpuFeatureBit(CpuFeature::AVX2) |
                            cpuFeatureBit(CpuFeature::FMA)),
            "fma,avx2");
}

#if defined(__x86_64__)
TEST(CpuFeaturesTest, AgreesWithTheCompilersOwnDetection) {
  auto has = [](CpuFeature feature) {
    return (hostCpuFeatures() & cpuFeatureBit(feature)) != 0;
  };
  EXPECT_EQ(has(CpuFeature::AVX2), __builtin_cpu_supports("avx2") != 0);
  EXPECT_EQ(has(CpuFeature::FMA), __builtin_cpu_supports("fma") != 0);
  EXPECT_EQ(has(CpuFeature::AVX512F), __builtin_cpu_supports("avx512f") != 0);
  EXPECT_EQ(has(CpuFeature::AVX512BF16),
            __builtin_cpu_supports("avx512bf16") != 0);
}
#endif

} // namespace
} // namespace fusilli::artifact
