// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parser of problem lines. A line is split into words; the first names the
// kind, the others are taken by kind, each at most once.

#include "benchmarks/problem.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <numeric>
#include <sstream>

namespace fusilli::bench {

namespace {

constexpr int64_t kMaxExtent = int64_t(1) << 31;
constexpr double kMaxElements = 1e11;

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

struct TypeRow {
  const char *name;
  ElementType type;
  int64_t size;
};

constexpr TypeRow kTypes[] = {
    {"f16", ElementType::F16, 2}, {"bf16", ElementType::BF16, 2},
    {"f32", ElementType::F32, 4}, {"f64", ElementType::F64, 8},
    {"i8", ElementType::I8, 1},   {"i16", ElementType::I16, 2},
    {"i32", ElementType::I32, 4}, {"i64", ElementType::I64, 8}};

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

/// Parses "n1c64h56w56" for the letters "nchw".
bool parseLettered(std::string_view text, std::string_view letters,
                   const std::vector<int64_t *> &values) {
  for (size_t i = 0; i < letters.size(); ++i) {
    if (text.empty() || text[0] != letters[i])
      return false;
    size_t end = 1;
    while (end < text.size() && text[end] >= '0' && text[end] <= '9')
      ++end;
    if (!parseInt(text.substr(1, end - 1), 1, *values[i]))
      return false;
    text.remove_prefix(end);
  }
  return text.empty();
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
    const std::string &kind = words_[0];
    bool done = false;
    if (kind == "matmul" || kind == "batch_matmul")
      done = parseMatmul(kind == "batch_matmul");
    else if (kind == "conv")
      done = parseConv();
    else if (kind == "pointwise")
      done = parsePointwise();
    else if (kind == "reduce")
      done = parseReduce();
    else
      return fail(
          "unknown kind '" + kind +
          "', expected matmul, batch_matmul, conv, pointwise or reduce");
    if (!done || !checkRest() || !checkSize())
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
    for (const TypeRow &row : kTypes) {
      if (word != row.name)
        continue;
      problem_.type = row.type;
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

  bool parseMatmul(bool batched) {
    problem_.kind = batched ? ProblemKind::BatchMatmul : ProblemKind::Matmul;
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

  bool parseConvWord(const std::string &word, bool &typed, bool &laidOut) {
    ConvShape &conv = problem_.conv;
    std::string_view view = word;
    if (view.starts_with("pad"))
      return parseInt(view.substr(3), 0, conv.pad) ||
             failed("bad padding '" + word + "', expected pad<number>");
    if (view.starts_with("stride"))
      return parseInt(view.substr(6), 1, conv.stride) ||
             failed("bad stride '" + word + "', expected stride<number>");
    if (view.starts_with("dil"))
      return parseInt(view.substr(3), 1, conv.dilation) ||
             failed("bad dilation '" + word + "', expected dil<number>");
    if (word == "nhwc" || word == "nchw") {
      conv.channelsLast = word == "nhwc";
      laidOut = true;
      return true;
    }
    typed = setType(word);
    return typed || failed("unexpected word '" + word + "'");
  }

  bool parseConv() {
    problem_.kind = ProblemKind::Conv;
    ConvShape &conv = problem_.conv;
    const std::string *image = next("image, such as n1c64h56w56");
    if (!image)
      return false;
    if (!parseLettered(*image, "nchw", {&conv.n, &conv.c, &conv.h, &conv.w}))
      return failed("bad image '" + *image + "', expected n1c64h56w56");
    const std::string *filter = next("filter, such as k64r3s3");
    if (!filter)
      return false;
    if (!parseLettered(*filter, "krs", {&conv.k, &conv.r, &conv.s}))
      return failed("bad filter '" + *filter + "', expected k64r3s3");
    bool typed = false, laidOut = false;
    while (!typed || !laidOut) {
      const std::string *word =
          next(typed ? "layout, nhwc or nchw" : "element type");
      bool wasTyped = typed;
      if (!word || !parseConvWord(*word, typed, laidOut))
        return false;
      typed |= wasTyped;
    }
    parseEpilogue();
    if (conv.outH() < 1 || conv.outW() < 1)
      return failed("the filter does not fit into the padded image");
    return true;
  }

  bool parsePointwise() {
    problem_.kind = ProblemKind::Pointwise;
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

  bool parseReduce() {
    problem_.kind = ProblemKind::Reduce;
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

  bool checkRest() {
    return position_ >= words_.size() ||
           failed("unexpected word '" + words_[position_] + "'");
  }

  bool checkSize() {
    return problem_.bytes() <= kMaxElements ||
           failed("the problem is too large");
  }

  std::vector<std::string> words_;
  std::string &error_;
  Problem problem_;
  size_t position_ = 1;
};

double product(const std::vector<int64_t> &dims) {
  return std::accumulate(dims.begin(), dims.end(), 1.0,
                         [](double a, int64_t b) { return a * double(b); });
}

} // namespace

int64_t ConvShape::outH() const {
  return (h + 2 * pad - dilation * (r - 1) - 1) / stride + 1 -
         (h + 2 * pad < dilation * (r - 1) + 1);
}

int64_t ConvShape::outW() const {
  return (w + 2 * pad - dilation * (s - 1) - 1) / stride + 1 -
         (w + 2 * pad < dilation * (s - 1) + 1);
}

double Problem::flops() const {
  switch (kind) {
  case ProblemKind::Matmul:
  case ProblemKind::BatchMatmul:
    return 2.0 * double(batch) * double(m) * double(n) * double(k);
  case ProblemKind::Conv:
    return 2.0 * double(conv.n) * double(conv.k) * double(conv.outH()) *
           double(conv.outW()) * double(conv.c) * double(conv.r) *
           double(conv.s);
  case ProblemKind::Pointwise:
  case ProblemKind::Reduce:
    return 0;
  }
  return 0;
}

double Problem::bytes() const {
  double elements = 0;
  switch (kind) {
  case ProblemKind::Matmul:
  case ProblemKind::BatchMatmul:
    elements = double(batch) * (double(m) * double(k) + double(k) * double(n) +
                                double(m) * double(n)) +
               (bias ? double(n) : 0);
    break;
  case ProblemKind::Conv:
    elements =
        double(conv.n) * double(conv.c) * double(conv.h) * double(conv.w) +
        double(conv.k) * double(conv.c) * double(conv.r) * double(conv.s) +
        double(conv.n) * double(conv.k) * double(conv.outH()) *
            double(conv.outW()) +
        (bias ? double(conv.k) : 0);
    break;
  case ProblemKind::Pointwise:
    elements = product(dims) * (inputCount() + 1);
    break;
  case ProblemKind::Reduce:
    elements = product(dims) + double(outputElements());
    break;
  }
  return elements * double(elementSize(type));
}

int64_t Problem::outputElements() const {
  switch (kind) {
  case ProblemKind::Matmul:
  case ProblemKind::BatchMatmul:
    return batch * m * n;
  case ProblemKind::Conv:
    return conv.n * conv.k * conv.outH() * conv.outW();
  case ProblemKind::Pointwise:
    return inputElements();
  case ProblemKind::Reduce: {
    int64_t count = 1;
    for (size_t i = 0; i < dims.size(); ++i)
      if (std::ranges::find(axes, int64_t(i)) == axes.end())
        count *= dims[i];
    return count;
  }
  }
  return 0;
}

int64_t Problem::inputElements() const {
  int64_t count = 1;
  for (int64_t dim : dims)
    count *= dim;
  return count;
}

int Problem::inputCount() const {
  int count = 1;
  for (const PointwiseOp *op : ops)
    count += op->arity - 1;
  return count;
}

int64_t elementSize(ElementType type) {
  for (const TypeRow &row : kTypes)
    if (row.type == type)
      return row.size;
  return 0;
}

const char *elementName(ElementType type) {
  for (const TypeRow &row : kTypes)
    if (row.type == type)
      return row.name;
  return "?";
}

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
