// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parser of problem lines. A line is split into words; the first names the
// kind, the flags that may stand anywhere are taken out, the others are taken
// in order, by kind.

#include "benchmarks/problem.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <sstream>

namespace fusilli::bench {

namespace {

constexpr int64_t kMaxExtent = int64_t(1) << 31;
constexpr double kMaxBytes = 1e11;

constexpr PointwiseOp kPointwiseOps[] = {
#define FUSILLI_BENCH_POINTWISE(NAME, MODE, ARITY) {NAME, #MODE, ARITY},
#include "benchmarks/pointwise_ops.inc"
};

constexpr ReduceMode kReduceModes[] = {
    {"sum", "ADD"},     {"add", "ADD"},
    {"mul", "MUL"},     {"min", "MIN"},
    {"max", "MAX"},     {"amax", "AMAX"},
    {"avg", "AVG"},     {"norm1", "NORM1"},
    {"norm2", "NORM2"}, {"mul_no_zeros", "MUL_NO_ZEROS"}};

constexpr ElementType kTypes[] = {
    ElementType::F16, ElementType::BF16, ElementType::F32, ElementType::F64,
    ElementType::I8,  ElementType::I16,  ElementType::I32, ElementType::I64};

struct KindRow {
  const char *name;
  ProblemKind kind;
};

constexpr KindRow kKinds[] = {{"matmul", ProblemKind::Matmul},
                              {"batch_matmul", ProblemKind::BatchMatmul},
                              {"conv", ProblemKind::Conv},
                              {"conv_dgrad", ProblemKind::ConvDGrad},
                              {"conv_wgrad", ProblemKind::ConvWGrad},
                              {"pointwise", ProblemKind::Pointwise},
                              {"reduce", ProblemKind::Reduce},
                              {"sdpa", ProblemKind::Sdpa},
                              {"layernorm", ProblemKind::Layernorm},
                              {"rmsnorm", ProblemKind::Rmsnorm},
                              {"softmax", ProblemKind::Softmax},
                              {"batchnorm", ProblemKind::Batchnorm}};

std::vector<std::string> splitWords(std::string_view line) {
  std::istringstream in{std::string(line.substr(0, line.find('#')))};
  return {std::istream_iterator<std::string>(in), {}};
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (size_t begin = 0;;) {
    size_t end = text.find(separator, begin);
    parts.emplace_back(text.substr(begin, end - begin));
    if (end == std::string_view::npos)
      return parts;
    begin = end + 1;
  }
}

bool parseInt(std::string_view text, int64_t low, int64_t &value) {
  auto [end, code] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc() && end == text.data() + text.size() &&
         value >= low && value <= kMaxExtent;
}

/// Parses "n1c64h56w56" for the names n, c, h, w.
bool parseLettered(std::string_view text,
                   const std::vector<std::string_view> &names,
                   const std::vector<int64_t *> &values) {
  for (size_t i = 0; i < names.size(); ++i) {
    if (!text.starts_with(names[i]))
      return false;
    text.remove_prefix(names[i].size());
    size_t end = 0;
    while (end < text.size() && text[end] >= '0' && text[end] <= '9')
      ++end;
    if (!parseInt(text.substr(0, end), 1, *values[i]))
      return false;
    text.remove_prefix(end);
  }
  return text.empty();
}

/// The same with the last one, two or three of three spatial names.
bool parseSpatial(std::string_view text, std::vector<std::string_view> names,
                  std::vector<int64_t *> values,
                  const std::vector<std::string_view> &spatial,
                  std::vector<int64_t> &extents) {
  size_t fixed = names.size();
  for (size_t rank = 1; rank <= spatial.size(); ++rank) {
    names.resize(fixed);
    values.resize(fixed);
    extents.assign(rank, 0);
    for (size_t i = 0; i < rank; ++i) {
      names.push_back(spatial[spatial.size() - rank + i]);
      values.push_back(&extents[i]);
    }
    if (parseLettered(text, names, values))
      return true;
  }
  return false;
}

/// State of the parse of one line.
class LineParser {
public:
  LineParser(std::vector<std::string> words, std::string &error)
      : words_(std::move(words)), error_(error) {
    for (const std::string &word : words_)
      problem_.line += (problem_.line.empty() ? "" : " ") + word;
  }

  std::optional<Problem> parse() {
    if (words_.empty())
      return fail("empty problem line");
    const auto *row = std::ranges::find_if(
        kKinds, [&](const KindRow &kind) { return words_[0] == kind.name; });
    if (row == std::end(kKinds)) {
      std::string known;
      for (const KindRow &kind : kKinds)
        known += (known.empty() ? "" : ", ") + std::string(kind.name);
      return fail("unknown kind '" + words_[0] + "', expected one of " + known);
    }
    problem_.kind = row->kind;
    if (!takeFlags() || !parseRest() || !checkRest() || !checkSize())
      return std::nullopt;
    return std::move(problem_);
  }

private:
  std::nullopt_t fail(const std::string &what) {
    error_ = what + ", in problem line '" + problem_.line + "'";
    return std::nullopt;
  }

  bool failed(const std::string &what) {
    fail(what);
    return false;
  }

  /// Takes a flag out of the words, wherever it stands.
  bool takeFlag(const char *name, bool allowed, bool &value) {
    auto at = std::ranges::find(words_, name);
    if (at == words_.end() || at == words_.begin())
      return true;
    if (!allowed)
      return failed("'" + std::string(name) + "' does not apply to " +
                    words_[0]);
    value = true;
    words_.erase(at);
    return true;
  }

  /// 'dynamic', or with the representative extent, 'dynamic16'.
  bool takeDynamic() {
    constexpr std::string_view kWord = "dynamic";
    for (size_t i = 1; i < words_.size(); ++i) {
      const std::string word = words_[i];
      if (!word.starts_with(kWord))
        continue;
      if (word.size() > kWord.size() &&
          !parseInt(std::string_view(word).substr(kWord.size()), 2,
                    problem_.representative))
        return failed("bad representative extent in '" + word + "'");
      problem_.dynamic = true;
      words_.erase(words_.begin() + static_cast<std::ptrdiff_t>(i));
      return true;
    }
    return true;
  }

  bool takeFlags() {
    ProblemKind kind = problem_.kind;
    bool weights = problem_.isMatmul() || kind == ProblemKind::Conv ||
                   kind == ProblemKind::ConvDGrad;
    bool matmul = problem_.isMatmul();
    bool sdpa = kind == ProblemKind::Sdpa;
    return takeFlag("const", weights, problem_.constant) &&
           takeFlag("views", true, problem_.views) && takeDynamic() &&
           takeFlag("ta", matmul, problem_.transposeA) &&
           takeFlag("tb", matmul, problem_.transposeB) &&
           takeFlag("causal", sdpa, problem_.sdpa.causal) &&
           takeFlag("mask", sdpa, problem_.sdpa.mask);
  }

  bool parseRest() {
    switch (problem_.kind) {
    case ProblemKind::Matmul:
    case ProblemKind::BatchMatmul:
      return parseMatmul();
    case ProblemKind::Conv:
    case ProblemKind::ConvDGrad:
    case ProblemKind::ConvWGrad:
      return parseConv();
    case ProblemKind::Pointwise:
      return parsePointwise();
    case ProblemKind::Reduce:
      return parseReduce();
    case ProblemKind::Sdpa:
      return parseSdpa();
    case ProblemKind::Layernorm:
    case ProblemKind::Rmsnorm:
    case ProblemKind::Softmax:
      return parseNorm();
    case ProblemKind::Batchnorm:
      return parseBatchnorm();
    }
    return false;
  }

  /// The next word, or an error that says what was expected.
  const std::string *next(const char *expected) {
    if (position_ < words_.size())
      return &words_[position_++];
    fail(std::string("missing ") + expected);
    return nullptr;
  }

  bool parseDims(size_t rank, const char *expected,
                 std::vector<int64_t> &dims) {
    const std::string *word = next(expected);
    if (!word)
      return false;
    for (const std::string &part : split(*word, 'x')) {
      int64_t value = 0;
      if (!parseInt(part, 1, value))
        return failed("bad extent '" + part + "' in '" + *word +
                      "', expected " + expected);
      dims.push_back(value);
    }
    if (rank && dims.size() != rank)
      return failed("'" + *word + "' has " + std::to_string(dims.size()) +
                    " extents, expected " + expected);
    return true;
  }

  bool setType(const std::string &word) {
    for (ElementType type : kTypes) {
      if (word != elementName(type))
        continue;
      problem_.type = type;
      return true;
    }
    return false;
  }

  bool parseType() {
    const std::string *word = next("element type");
    if (!word)
      return false;
    return setType(*word) ||
           failed("unknown element type '" + *word +
                  "', expected f16, bf16, f32, f64, i8, i16, i32 or i64");
  }

  /// Takes [bias] [relu|gelu].
  void parseEpilogue() {
    if (position_ < words_.size() && words_[position_] == "bias") {
      problem_.bias = true;
      ++position_;
    }
    if (position_ >= words_.size())
      return;
    if (words_[position_] == "relu")
      problem_.activation = Activation::Relu;
    else if (words_[position_] == "gelu")
      problem_.activation = Activation::Gelu;
    else
      return;
    ++position_;
  }

  bool parseMatmul() {
    bool batched = problem_.kind == ProblemKind::BatchMatmul;
    std::vector<int64_t> dims;
    if (!parseDims(batched ? 4 : 3,
                   batched ? "extents BxMxNxK" : "extents MxNxK", dims) ||
        !parseType())
      return false;
    size_t i = batched ? 1 : 0;
    problem_.batch = batched ? dims[0] : 1;
    problem_.m = dims[i];
    problem_.n = dims[i + 1];
    problem_.k = dims[i + 2];
    parseEpilogue();
    return true;
  }

  /// One number for all spatial dims, or one for each.
  bool parseSpread(std::string_view text, int64_t low,
                   std::vector<int64_t> &values) {
    size_t rank = problem_.conv.rank();
    std::vector<std::string> parts = split(text, ',');
    if (parts.size() != 1 && parts.size() != rank)
      return false;
    values.clear();
    for (const std::string &part : parts) {
      int64_t value = 0;
      if (!parseInt(part, low, value))
        return false;
      values.push_back(value);
    }
    values.resize(rank, values[0]);
    return true;
  }

  bool parseLayout(const std::string &word) {
    if (word != "nhwc" && word != "nchw")
      return false;
    problem_.conv.channelsLast = word == "nhwc";
    return true;
  }

  bool parseConvWord(const std::string &word, bool &typed, bool &laidOut) {
    ConvShape &conv = problem_.conv;
    std::string_view view = word;
    if (view.starts_with("pad"))
      return parseSpread(view.substr(3), 0, conv.pad) ||
             failed("bad padding '" + word + "', expected pad<number>");
    if (view.starts_with("stride"))
      return parseSpread(view.substr(6), 1, conv.stride) ||
             failed("bad stride '" + word + "', expected stride<number>");
    if (view.starts_with("dil"))
      return parseSpread(view.substr(3), 1, conv.dilation) ||
             failed("bad dilation '" + word + "', expected dil<number>");
    if (view.size() > 1 && view[0] == 'g' && view[1] >= '0' && view[1] <= '9')
      return parseInt(view.substr(1), 1, conv.groups) ||
             failed("bad groups '" + word + "', expected g<number>");
    if (parseLayout(word)) {
      laidOut = true;
      return true;
    }
    typed = setType(word);
    return typed || failed("unexpected word '" + word + "'");
  }

  bool parseImage() {
    ConvShape &conv = problem_.conv;
    const std::string *image = next("image, such as n1c64h56w56");
    if (!image)
      return false;
    return parseSpatial(*image, {"n", "c"}, {&conv.n, &conv.c}, {"d", "h", "w"},
                        conv.image) ||
           failed("bad image '" + *image + "', expected n1c64h56w56");
  }

  bool parseConv() {
    ConvShape &conv = problem_.conv;
    if (!parseImage())
      return false;
    const std::string *filter = next("filter, such as k64r3s3");
    if (!filter)
      return false;
    if (!parseSpatial(*filter, {"k"}, {&conv.k}, {"t", "r", "s"}, conv.filter))
      return failed("bad filter '" + *filter + "', expected k64r3s3");
    if (conv.filter.size() != conv.rank())
      return failed("the filter '" + *filter +
                    "' has another rank than the "
                    "image");
    conv.pad.assign(conv.rank(), 0);
    conv.stride.assign(conv.rank(), 1);
    conv.dilation.assign(conv.rank(), 1);
    bool typed = false, laidOut = false;
    while (!typed || !laidOut) {
      const std::string *word =
          next(typed ? "layout, nhwc or nchw" : "element type");
      bool wasTyped = typed;
      if (!word || !parseConvWord(*word, typed, laidOut))
        return false;
      typed |= wasTyped;
    }
    if (problem_.kind == ProblemKind::Conv)
      parseEpilogue();
    if (conv.c % conv.groups || conv.k % conv.groups)
      return failed("the groups do not divide the channels");
    for (size_t i = 0; i < conv.rank(); ++i)
      if (conv.out(i) < 1)
        return failed("the filter does not fit into the padded image");
    return true;
  }

  bool parsePointwise() {
    if (!parseDims(0, "shape, such as 2048x4096", problem_.dims) ||
        !parseType())
      return false;
    const std::string *list = next("list of ops, such as add,mul,gelu");
    if (!list)
      return false;
    for (const std::string &name : split(*list, ',')) {
      const auto *op =
          std::ranges::find_if(kPointwiseOps, [&](const PointwiseOp &row) {
            return name == row.name;
          });
      if (op == std::end(kPointwiseOps))
        return failed("unknown pointwise op '" + name + "'");
      problem_.ops.push_back(op);
    }
    return true;
  }

  bool parseAxes() {
    const std::string *axes = next("axis, such as axis1");
    if (!axes)
      return false;
    if (!axes->starts_with("axis"))
      return failed("unexpected word '" + *axes + "', expected axis<number>");
    for (const std::string &part : split(axes->substr(4), ',')) {
      int64_t axis = 0;
      if (!parseInt(part, 0, axis) ||
          axis >= static_cast<int64_t>(problem_.dims.size()))
        return failed("bad axis '" + part + "' for a shape of rank " +
                      std::to_string(problem_.dims.size()));
      problem_.axes.push_back(axis);
    }
    std::ranges::sort(problem_.axes);
    if (std::ranges::adjacent_find(problem_.axes) != problem_.axes.end())
      return failed("an axis is named twice in '" + *axes + "'");
    return true;
  }

  bool parseReduce() {
    if (!parseDims(0, "shape, such as 2048x4096", problem_.dims) ||
        !parseType())
      return false;
    const std::string *name = next("reduction mode, such as sum");
    if (!name)
      return false;
    const auto *mode = std::ranges::find_if(
        kReduceModes, [&](const ReduceMode &row) { return *name == row.name; });
    if (mode == std::end(kReduceModes))
      return failed("unknown reduction mode '" + *name + "'");
    problem_.reduce = mode;
    return parseAxes();
  }

  bool needsFloat() {
    return !isInteger(problem_.type) ||
           failed(words_[0] + " has no integer types");
  }

  bool parseSdpa() {
    SdpaShape &sdpa = problem_.sdpa;
    const std::string *shape = next("shape, such as b1hq8hk8s512d64");
    if (!shape)
      return false;
    if (!parseLettered(*shape, {"b", "hq", "hk", "s", "d"},
                       {&sdpa.batch, &sdpa.heads, &sdpa.kvHeads, &sdpa.queries,
                        &sdpa.dim}))
      return failed("bad shape '" + *shape + "', expected b1hq8hk8s512d64");
    sdpa.keys = sdpa.queries;
    if (sdpa.heads % sdpa.kvHeads)
      return failed("the key heads do not divide the query heads");
    if (sdpa.causal && sdpa.mask)
      return failed("'causal' and 'mask' exclude each other");
    return parseType() && needsFloat();
  }

  bool parseNorm() {
    if (!parseDims(0, "shape, such as 2048x4096", problem_.dims) ||
        !parseType() || !needsFloat() || !parseAxes())
      return false;
    if (problem_.kind == ProblemKind::Softmax)
      return true;
    // The op keeps dim 0 alone: the axes are the first or the last dims.
    const std::vector<int64_t> &axes = problem_.axes;
    int64_t rank = static_cast<int64_t>(problem_.dims.size());
    int64_t count = static_cast<int64_t>(axes.size());
    bool neighbours = axes.back() - axes.front() + 1 == count;
    bool atEnd = axes.front() == 0 || axes.back() == rank - 1;
    return (neighbours && atEnd && count < rank) ||
           failed("the axes of a norm are the first or the last dims, not all");
  }

  bool parseBatchnorm() {
    if (!parseImage() || !parseType() || !needsFloat())
      return false;
    const std::string *layout = next("layout, nhwc or nchw");
    return layout &&
           (parseLayout(*layout) ||
            failed("unexpected word '" + *layout + "', expected nhwc or nchw"));
  }

  bool checkRest() {
    return position_ >= words_.size() ||
           failed("unexpected word '" + words_[position_] + "'");
  }

  bool checkSize() {
    return problem_.bytes() <= kMaxBytes || failed("the problem is too large");
  }

  std::vector<std::string> words_;
  std::string &error_;
  Problem problem_;
  size_t position_ = 1;
};

} // namespace

std::optional<Problem> parseProblem(std::string_view line, std::string &error) {
  return LineParser(splitWords(line), error).parse();
}

std::optional<std::vector<Problem>> parseProblemSet(std::string_view text,
                                                    std::string_view source,
                                                    std::string &error) {
  std::vector<Problem> problems;
  std::istringstream in{std::string(text)};
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (splitWords(line).empty())
      continue;
    std::optional<Problem> problem = parseProblem(line, error);
    if (!problem) {
      error = std::string(source) + ":" + std::to_string(number) + ": " + error;
      return std::nullopt;
    }
    problems.push_back(std::move(*problem));
  }
  if (problems.empty()) {
    error = std::string(source) + ": no problem in this file";
    return std::nullopt;
  }
  return problems;
}

std::optional<std::vector<Problem>> readProblemSet(const std::string &path,
                                                   std::string &error) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    error = "cannot read the problem file '" + path + "'";
    return std::nullopt;
  }
  return parseProblemSet(text.str(), path, error);
}

} // namespace fusilli::bench
