// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reports to lines, lines to verdicts, verdicts to a table.

#include "benchmarks/compare.h"
#include "benchmarks/timing.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <tuple>

namespace fusilli::bench {

namespace {

using Json = nlohmann::json;
using Key = std::tuple<std::string, std::string, int>;

Key keyOf(const ReportedLine &line) {
  return {line.problem, line.target, line.threads};
}

std::optional<double> numberIn(const Json &object, const char *key) {
  auto found = object.find(key);
  if (found == object.end() || !found->is_number())
    return std::nullopt;
  return found->get<double>();
}

std::optional<std::string> textIn(const Json &object, const char *key) {
  auto found = object.find(key);
  if (found == object.end() || !found->is_string())
    return std::nullopt;
  return found->get<std::string>();
}

/// Nothing where the entry is no problem of schema 1.
std::optional<ReportedLine> lineOf(const Json &entry) {
  if (!entry.is_object())
    return std::nullopt;
  std::optional<std::string> problem = textIn(entry, "problem");
  std::optional<std::string> target = textIn(entry, "target");
  std::optional<double> threads = numberIn(entry, "threads");
  if (!problem || !target || !threads)
    return std::nullopt;
  ReportedLine line;
  line.problem = *problem;
  line.target = *target;
  line.threads = static_cast<int>(*threads);
  line.timeUs = numberIn(entry, "time_us");
  line.fraction = numberIn(entry, "roofline_fraction");
  line.coldMs = numberIn(entry, "compile_cold_ms");
  line.spread = numberIn(entry, "time_spread");
  line.failure = textIn(entry, "error").value_or("");
  return line;
}

/// The measurements of one line over the reports of a side.
struct Gathered {
  ReportedLine line;
  std::vector<double> times, fractions, colds, spreads;

  explicit Gathered(const ReportedLine &first) : line(first) {}

  void add(const ReportedLine &more) {
    auto keep = [](std::vector<double> &to, std::optional<double> value) {
      if (value)
        to.push_back(*value);
    };
    keep(times, more.timeUs);
    keep(fractions, more.fraction);
    keep(colds, more.coldMs);
    keep(spreads, more.spread);
    if (!more.failure.empty())
      line.failure = more.failure;
  }

  ReportedLine result() const {
    auto middle = [](const std::vector<double> &values) {
      return values.empty() ? std::nullopt : std::optional(median(values));
    };
    ReportedLine merged = line;
    merged.timeUs = middle(times);
    merged.fraction = middle(fractions);
    merged.coldMs = middle(colds);
    merged.spread = middle(spreads);
    if (std::optional<double> between = spreadOf(times))
      merged.spread = std::max(merged.spread.value_or(0), *between);
    if (merged.timeUs)
      merged.failure.clear();
    return merged;
  }
};

/// The cost now over the cost before, less 1: the smaller of what the time and
/// what the fraction says.
double lossOf(const ReportedLine &before, const ReportedLine &now) {
  double loss = *now.timeUs / *before.timeUs - 1;
  if (before.fraction && now.fraction && *now.fraction > 0)
    loss = std::min(loss, *before.fraction / *now.fraction - 1);
  return loss;
}

/// The gain by the same rule: the smaller one, as a negative loss.
double gainOf(const ReportedLine &before, const ReportedLine &now) {
  double loss = *now.timeUs / *before.timeUs - 1;
  if (before.fraction && now.fraction && *now.fraction > 0)
    loss = std::max(loss, *before.fraction / *now.fraction - 1);
  return std::min(loss, 0.0);
}

std::optional<double> noiseOf(const ReportedLine &before,
                              const ReportedLine &now) {
  if (!before.spread && !now.spread)
    return std::nullopt;
  // A report without spreads is taken to be as noisy as the other.
  double known = before.spread.value_or(now.spread.value_or(0));
  return known + now.spread.value_or(known);
}

void judge(ComparedLine &line) {
  if (!line.before.timeUs) {
    line.verdict = Verdict::Unmeasured;
    return;
  }
  if (!line.now.timeUs) {
    line.verdict = Verdict::Failed;
    return;
  }
  line.noise = noiseOf(line.before, line.now);
  double allowed = kAllowedLoss + line.noise.value_or(0);
  double loss = lossOf(line.before, line.now);
  double gain = gainOf(line.before, line.now);
  line.loss = loss > 0 ? loss : gain;
  if (loss > allowed)
    line.verdict = Verdict::Lost;
  else if (-gain > allowed)
    line.verdict = Verdict::Gained;
}

std::string cell(std::optional<double> value, const char *format) {
  if (!value)
    return "-";
  char text[32];
  std::snprintf(text, sizeof(text), format, *value);
  return text;
}

std::string percent(std::optional<double> value, const char *format) {
  return value ? cell(*value * 100, format) : "-";
}

/// The worse, the earlier in the table.
int rankOf(Verdict verdict) {
  constexpr Verdict kOrder[] = {
      Verdict::Lost,   Verdict::Failed, Verdict::Missing,   Verdict::Kept,
      Verdict::Gained, Verdict::New,    Verdict::Unmeasured};
  return static_cast<int>(std::ranges::find(kOrder, verdict) - kOrder);
}

} // namespace

const char *verdictName(Verdict verdict) {
  switch (verdict) {
  case Verdict::Kept:
    return "kept";
  case Verdict::Gained:
    return "gained";
  case Verdict::Lost:
    return "LOST";
  case Verdict::Failed:
    return "FAILED";
  case Verdict::Missing:
    return "missing";
  case Verdict::New:
    return "new";
  case Verdict::Unmeasured:
    return "unmeasured";
  }
  return "?";
}

std::optional<ReportedRun> linesOf(const std::vector<Json> &reports,
                                   const std::vector<std::string> &names,
                                   std::string &error) {
  ReportedRun run;
  std::vector<Key> order;
  std::map<Key, Gathered> gathered;
  for (size_t i = 0; i < reports.size(); ++i) {
    const Json &report = reports[i];
    auto bad = [&](const std::string &what) {
      error = "'" + names[i] + "' is no report of fusilli-bench: " + what;
      return std::nullopt;
    };
    if (!report.is_object() || numberIn(report, "schema") != 1)
      return bad("expected an object with schema 1");
    auto problems = report.find("problems");
    if (problems == report.end() || !problems->is_array())
      return bad("expected an array of problems");
    auto machine = report.find("machine");
    if (machine != report.end() && machine->is_object()) {
      std::string cpu = textIn(*machine, "cpu").value_or("unknown");
      if (std::ranges::find(run.cpus, cpu) == run.cpus.end())
        run.cpus.push_back(cpu);
    }
    for (const Json &entry : *problems) {
      std::optional<ReportedLine> line = lineOf(entry);
      if (!line)
        return bad("a problem without problem, target or threads");
      auto [at, isNew] = gathered.try_emplace(keyOf(*line), *line);
      if (isNew)
        order.push_back(at->first);
      at->second.add(*line);
    }
  }
  for (const Key &key : order)
    run.lines.push_back(gathered.at(key).result());
  return run;
}

std::optional<ReportedRun> readReports(const std::vector<std::string> &paths,
                                       std::string &error) {
  std::vector<Json> reports;
  for (const std::string &path : paths) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
      error = "cannot read the report '" + path + "'";
      return std::nullopt;
    }
    reports.push_back(Json::parse(file, nullptr, false));
  }
  return linesOf(reports, paths, error);
}

bool Comparison::passes() const {
  return std::ranges::none_of(lines, [](const ComparedLine &line) {
    return line.verdict == Verdict::Lost || line.verdict == Verdict::Failed;
  });
}

size_t Comparison::compared() const {
  return static_cast<size_t>(
      std::ranges::count_if(lines, [](const ComparedLine &line) {
        return line.before.timeUs && line.now.timeUs;
      }));
}

Comparison compareRuns(const ReportedRun &before, const ReportedRun &now) {
  Comparison comparison;
  if (before.cpus != now.cpus)
    comparison.notes.emplace_back("the reports are of different CPUs");
  for (const ReportedLine &old : before.lines) {
    ComparedLine line;
    line.before = old;
    auto found =
        std::ranges::find_if(now.lines, [&](const ReportedLine &other) {
          return keyOf(other) == keyOf(old);
        });
    if (found == now.lines.end()) {
      line.verdict = Verdict::Missing;
    } else {
      line.now = *found;
      judge(line);
    }
    comparison.lines.push_back(std::move(line));
  }
  for (const ReportedLine &other : now.lines) {
    auto found =
        std::ranges::find_if(before.lines, [&](const ReportedLine &old) {
          return keyOf(other) == keyOf(old);
        });
    if (found != before.lines.end())
      continue;
    ReportedLine unknown = other;
    unknown.timeUs.reset();
    comparison.lines.push_back({unknown, other, Verdict::New, {}, {}});
  }
  return comparison;
}

void printComparison(const Comparison &comparison, std::ostream &out) {
  std::vector<const ComparedLine *> lines;
  for (const ComparedLine &line : comparison.lines)
    lines.push_back(&line);
  std::ranges::sort(lines, [](const ComparedLine *a, const ComparedLine *b) {
    int left = rankOf(a->verdict), right = rankOf(b->verdict);
    if (left != right)
      return left < right;
    double leftLoss = a->loss.value_or(0), rightLoss = b->loss.value_or(0);
    return leftLoss != rightLoss ? leftLoss > rightLoss : a < b;
  });
  for (const std::string &note : comparison.notes)
    out << "note: " << note << "\n";
  out << "comparison: change of cost (of its noise), old -> new time, fraction "
         "of the limit, cold compile\n";
  std::map<Verdict, int> counts;
  for (const ComparedLine *line : lines) {
    ++counts[line->verdict];
    const ReportedLine &before = line->before, &now = line->now;
    char head[32];
    std::snprintf(head, sizeof(head), "  %-10s %7s %%",
                  verdictName(line->verdict),
                  percent(line->loss, "%+.1f").c_str());
    out << head << " (" << percent(line->noise, "%.1f") << ")  "
        << before.problem << " [" << before.target << ", " << before.threads
        << "]: ";
    if (line->verdict == Verdict::New)
      out << "- -> " << cell(now.timeUs, "%.2f") << " us\n";
    else if (line->verdict == Verdict::Failed)
      out << cell(before.timeUs, "%.2f") << " us -> " << now.failure << "\n";
    else
      out << cell(before.timeUs, "%.2f") << " -> " << cell(now.timeUs, "%.2f")
          << " us, " << cell(before.fraction, "%.3f") << " -> "
          << cell(now.fraction, "%.3f") << ", " << cell(before.coldMs, "%.1f")
          << " -> " << cell(now.coldMs, "%.1f") << " ms\n";
  }
  out << (comparison.passes() ? "comparison passes:" : "comparison FAILS:");
  for (const auto &[verdict, count] : counts)
    out << " " << count << " " << verdictName(verdict);
  out << "\n";
}

} // namespace fusilli::bench
