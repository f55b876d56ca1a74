// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two reports of fusilli-bench, line by line: what has become slower?
//
// A line is a problem with its target and threads. Where several reports hold
// it, its values are the medians over them. It is lost if both its time and its
// fraction of the machine's limit are worse by more than 5 % and the noise: a
// machine with another clock than before shows in the time alone, a peak that
// was measured differently in the fraction alone. The noise is the sum of both
// sides' spreads; the spread of a side is the greater of the spread of its
// blocks' medians within a run ("time_spread") and of its times over several
// reports.
#ifndef BENCHMARKS_COMPARE_H
#define BENCHMARKS_COMPARE_H

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace fusilli::bench {

/// A loss up to this fraction of the old speed is none.
inline constexpr double kAllowedLoss = 0.05;

/// What a report says of one line.
struct ReportedLine {
  std::string problem, target;
  int threads = 1;
  std::optional<double> timeUs; ///< empty where the line could not be measured
  std::optional<double> fraction; ///< roofline_fraction
  std::optional<double> coldMs;
  std::optional<double> spread;
  std::string failure; ///< why there is no time
};

/// Lines of one side, from one or more reports; one entry for each line, in the
/// order in which they first appear.
struct ReportedRun {
  std::vector<std::string> cpus; ///< without repetition
  std::vector<ReportedLine> lines;
};

/// The lines of reports in JSON (schema 1). Where one is no such report:
/// nothing, and 'error' says which of 'names' it is and what is wrong.
std::optional<ReportedRun> linesOf(const std::vector<nlohmann::json> &reports,
                                   const std::vector<std::string> &names,
                                   std::string &error);

/// Reads report files and takes their lines. The error names the file.
std::optional<ReportedRun> readReports(const std::vector<std::string> &paths,
                                       std::string &error);

enum class Verdict : uint8_t {
  Kept,      ///< no loss beyond what is allowed
  Gained,    ///< faster by as much
  Lost,      ///< slower by more
  Failed,    ///< measured before, now it could not be
  Missing,   ///< in the old report alone
  New,       ///< in the new report alone
  Unmeasured ///< had no time before
};

/// Name of a verdict in the table.
const char *verdictName(Verdict verdict);

/// One line of the comparison.
struct ComparedLine {
  ReportedLine before, now;
  Verdict verdict = Verdict::Kept;
  std::optional<double> loss;  ///< new over old cost - 1, after the rule above
  std::optional<double> noise; ///< sum of the spreads
};

struct Comparison {
  std::vector<std::string> notes; ///< what makes it doubtful
  std::vector<ComparedLine> lines;

  /// True where no line was lost or failed.
  bool passes() const;
  /// Number of lines with a time on both sides.
  size_t compared() const;
};

Comparison compareRuns(const ReportedRun &before, const ReportedRun &now);

/// A table of all lines, the worst first, and a summary.
void printComparison(const Comparison &comparison, std::ostream &out);

} // namespace fusilli::bench

#endif // BENCHMARKS_COMPARE_H
