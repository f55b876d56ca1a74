// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Numbers in the JSON are rounded to six digits: what is below is noise.

#include "benchmarks/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace fusilli::bench {

namespace {

using Json = nlohmann::ordered_json;

Json number(std::optional<double> value) {
  if (!value || !std::isfinite(*value))
    return nullptr;
  if (*value == 0)
    return 0.0;
  double digits = std::pow(10, 5 - std::floor(std::log10(std::abs(*value))));
  double rounded = std::round(*value * digits) / digits;
  return std::isfinite(rounded) ? rounded : *value;
}

std::optional<double> microseconds(const Timing &timing, double nanoseconds) {
  if (!timing.samples)
    return std::nullopt;
  return nanoseconds * 1e-3;
}

Json peerJson(const PeerResult &peer, const Timing &ours) {
  if (!peer.unsupported.empty())
    return {{"unsupported", peer.unsupported}};
  std::optional<double> ratio;
  if (peer.timing.samples && ours.samples)
    ratio = peer.timing.medianNs / ours.medianNs;
  return {{"time_us", number(microseconds(peer.timing, peer.timing.medianNs))},
          {"ratio", number(ratio)},
          {"time_min_us", number(microseconds(peer.timing, peer.timing.minNs))},
          {"variant", peer.variant}};
}

Json kernelJson(const KernelInfo &kernel) {
  return {{"name", kernel.name},
          {"nodes", kernel.nodes},
          {"strategy", kernel.strategy},
          {"schedule",
           kernel.schedule.empty() ? Json(nullptr) : Json(kernel.schedule)},
          {"workgroups", number(kernel.workgroups)},
          {"local_memory", kernel.localMemory},
          {"flops", kernel.flops},
          {"bytes", kernel.bytes},
          {"prepared", kernel.isPrepared},
          {"time_us", number(kernel.timeUs)}};
}

Json problemJson(const ProblemResult &result) {
  const Timing &timing = result.timing;
  Fractions fractions;
  if (timing.samples)
    fractions = fractionsOf(result, timing.medianNs);
  Json peers = Json::object();
  for (const auto &[name, peer] : result.peers)
    peers[name] = peerJson(peer, timing);
  Json kernels = Json::array();
  for (const KernelInfo &kernel : result.kernelList)
    kernels.push_back(kernelJson(kernel));
  Json json = {
      {"problem", result.problem.line},
      {"target", result.target},
      {"threads", result.threads},
      {"compile_cold_ms", number(result.coldMs)},
      {"compile_cached_ms", number(result.cachedMs)},
      {"first_us", number(result.firstUs)},
      {"time_us", number(microseconds(timing, timing.medianNs))},
      {"time_min_us", number(microseconds(timing, timing.minNs))},
      {"time_spread", number(timing.spread)},
      {"gflops", number(fractions.gflops)},
      {"gbps", number(fractions.gbps)},
      {"peak_fraction", number(fractions.peak)},
      {"bandwidth_fraction", number(fractions.bandwidth)},
      {"roofline_fraction", number(fractions.roofline)},
      {"read_fraction", number(fractions.read)},
      {"kernels", result.kernels ? Json(*result.kernels) : Json(nullptr)},
      {"kernel_list", kernels},
      {"peers", peers},
      {"max_error", number(result.maxError)},
      {"error_bound", number(result.errorBound)}};
  if (!result.failure.empty())
    json["error"] = result.failure;
  return json;
}

Json overheadJson(const OverheadResult &overhead) {
  return {{"null_ns", number(overhead.nullNs)},
          {"one_element_ns", number(overhead.oneElementNs)},
          {"bound_ns", number(overhead.boundNs)},
          {"dynamic_ns", number(overhead.dynamicNs)},
          {"dynamic_bound_ns", number(overhead.dynamicBoundNs)},
          {"parallel_64k_us", number(overhead.parallel64kUs)},
          {"openmp_64k_us", number(overhead.openmp64kUs)},
          {"call_ns", number(overhead.callNs)}};
}

Json sharingJson(const SharingResult &sharing) {
  Json ratios = Json::array();
  for (const auto &[line, ratio] : sharing.throughputRatios)
    ratios.push_back({{"problem", line}, {"throughput_ratio", number(ratio)}});
  return {{"cpus", sharing.cpus},
          {"callers", sharing.callers},
          {"oversubscribed", ratios},
          {"idle_core_fraction", number(sharing.idleCoreFraction)}};
}

std::string cell(std::optional<double> value, const char *format) {
  if (!value || !std::isfinite(*value))
    return "-";
  char text[32];
  std::snprintf(text, sizeof(text), format, *value);
  return text;
}

void printMachine(const MachineInfo &machine, std::ostream &out) {
  out << machine.cpu << ", " << machine.threads
      << (machine.threads == 1 ? " thread" : " threads") << ": f32 "
      << cell(machine.peaks.f32, "%.1f") << ", bf16 dot "
      << cell(machine.peaks.bf16Dot, "%.1f") << ", bf16 amx "
      << cell(machine.peaks.bf16Amx, "%.1f") << " GFLOP/s, i8 dot "
      << cell(machine.peaks.i8Dot, "%.1f") << " GOP/s; copy "
      << cell(machine.peaks.copy, "%.1f") << ", read "
      << cell(machine.peaks.read, "%.1f") << " GB/s\n";
}

void printProblem(const ProblemResult &result, std::ostream &out) {
  out << result.problem.line << "  [" << result.target << "]\n";
  if (!result.failure.empty()) {
    out << "  failed: " << result.failure << "\n";
    return;
  }
  const Timing &timing = result.timing;
  Fractions median = fractionsOf(result, timing.medianNs);
  Fractions best = fractionsOf(result, timing.minNs);
  out << "  " << cell(timing.medianNs * 1e-3, "%.2f") << " us (min "
      << cell(timing.minNs * 1e-3, "%.2f") << "), "
      << cell(median.gflops, "%.1f") << " GFLOP/s, "
      << cell(median.gbps, "%.1f") << " GB/s; of peak "
      << cell(median.peak, "%.3f") << " (best " << cell(best.peak, "%.3f")
      << "), of copy " << cell(median.bandwidth, "%.3f") << " (best "
      << cell(best.bandwidth, "%.3f") << "), of read "
      << cell(median.read, "%.3f") << "\n  compile "
      << cell(result.coldMs, "%.2f") << " ms cold, "
      << cell(result.cachedMs, "%.2f") << " ms cached; first "
      << cell(result.firstUs, "%.1f") << " us; kernels "
      << (result.kernels ? std::to_string(*result.kernels) : "-") << "; error "
      << cell(result.maxError, "%.3g") << " of "
      << cell(result.errorBound, "%.3g")
      << (exceedsBound(result) ? " EXCEEDED" : "") << "\n";
  for (const auto &[name, peer] : result.peers) {
    out << "  " << name << ": ";
    if (!peer.unsupported.empty()) {
      out << "unsupported (" << peer.unsupported << ")\n";
      continue;
    }
    Fractions theirs = fractionsOf(result, peer.timing.medianNs);
    out << cell(peer.timing.medianNs * 1e-3, "%.2f") << " us (min "
        << cell(peer.timing.minNs * 1e-3, "%.2f") << ", " << peer.variant
        << "), of peak " << cell(theirs.peak, "%.3f") << ", of copy "
        << cell(theirs.bandwidth, "%.3f") << "; ratio "
        << cell(peer.timing.medianNs / timing.medianNs, "%.2f") << "\n";
  }
}

} // namespace

std::optional<double> arithmeticPeakOf(const ProblemResult &result) {
  const PeakValues &peaks = result.peaks;
  switch (result.problem.type) {
  case ElementType::F32:
  case ElementType::F16:
    return peaks.f32;
  case ElementType::BF16:
    if (result.target == "x86-64-amx" && peaks.bf16Amx)
      return peaks.bf16Amx;
    return peaks.bf16Dot ? peaks.bf16Dot : peaks.f32;
  case ElementType::I8:
    return peaks.i8Dot;
  default:
    return std::nullopt;
  }
}

Fractions fractionsOf(const ProblemResult &result, double nanoseconds) {
  Fractions fractions;
  const Problem &problem = result.problem;
  std::optional<double> peak = arithmeticPeakOf(result);
  if (problem.flops() > 0) {
    fractions.gflops = problem.flops() / nanoseconds;
    if (peak)
      fractions.peak = *fractions.gflops / *peak;
  }
  fractions.gbps = problem.bytes() / nanoseconds;
  if (result.peaks.copy)
    fractions.bandwidth = *fractions.gbps / *result.peaks.copy;
  // Of reading alone, where next to nothing is written.
  double written =
      double(problem.outputElements()) * double(elementSize(problem.type));
  if (result.peaks.read && written * 16 < problem.bytes())
    fractions.read = *fractions.gbps / *result.peaks.read;
  fractions.roofline = fractions.peak;
  if (fractions.bandwidth)
    fractions.roofline =
        std::max(fractions.peak.value_or(0), *fractions.bandwidth);
  return fractions;
}

bool exceedsBound(const ProblemResult &result) {
  // Written so that a NaN exceeds.
  return result.maxError && result.errorBound &&
         !(*result.maxError <= *result.errorBound);
}

int exitCodeOf(const Report &report) {
  if (std::ranges::any_of(report.problems, exceedsBound))
    return 1;
  bool failed =
      std::ranges::any_of(report.problems, [](const ProblemResult &result) {
        return !result.failure.empty();
      });
  return failed ? 3 : 0;
}

void printExplanation(const Report &report, std::ostream &out) {
  for (const ProblemResult &result : report.problems)
    out << result.problem.line << "  [" << result.target << "]\n"
        << result.explanation;
}

nlohmann::ordered_json toJson(const Report &report) {
  const MachineInfo &machine = report.machine;
  Json problems = Json::array();
  for (const ProblemResult &result : report.problems)
    problems.push_back(problemJson(result));
  Json json = {{"schema", 1},
               {"machine",
                {{"cpu", machine.cpu},
                 {"features", machine.features},
                 {"threads", machine.threads},
                 {"f32_gflops", number(machine.peaks.f32)},
                 {"bf16_dot_gflops", number(machine.peaks.bf16Dot)},
                 {"bf16_amx_gflops", number(machine.peaks.bf16Amx)},
                 {"i8_dot_gops", number(machine.peaks.i8Dot)},
                 {"copy_gbps", number(machine.peaks.copy)},
                 {"read_gbps", number(machine.peaks.read)},
                 {"version", machine.version},
                 {"commit", machine.commit}}},
               {"problems", problems}};
  if (report.overhead)
    json["overhead"] = overheadJson(*report.overhead);
  if (report.sharing)
    json["sharing"] = sharingJson(*report.sharing);
  if (report.startup)
    json["startup"] = {{"problem", report.startup->problem},
                       {"cold_ms", number(report.startup->coldMs)},
                       {"cached_ms", number(report.startup->cachedMs)}};
  for (const ScalingResult &scaling : report.scaling)
    json["scaling"].push_back({{"graph", scaling.graph},
                               {"nodes", scaling.nodes},
                               {"compile_cold_ms", number(scaling.coldMs)}});
  return json;
}

void printTable(const Report &report, std::ostream &out) {
  printMachine(report.machine, out);
  for (const ProblemResult &result : report.problems)
    printProblem(result, out);
  if (report.startup)
    out << "fresh process, main to the first result of "
        << report.startup->problem << ": "
        << cell(report.startup->coldMs, "%.1f") << " ms cold, "
        << cell(report.startup->cachedMs, "%.1f") << " ms cached\n";
  for (const ScalingResult &scaling : report.scaling)
    out << "compile of a " << scaling.graph << " graph of " << scaling.nodes
        << " nodes: " << cell(scaling.coldMs, "%.1f") << " ms cold, "
        << cell(scaling.coldMs / scaling.nodes * 1e3, "%.0f") << " us a node\n";
  if (report.sharing) {
    const SharingResult &sharing = *report.sharing;
    out << "sharing: idle " << cell(sharing.idleCoreFraction * 100, "%.3f")
        << " % of a core; throughput of " << sharing.callers << " over "
        << sharing.cpus << " callers:";
    for (const auto &[line, ratio] : sharing.throughputRatios)
      out << " " << cell(ratio, "%.2f") << " (" << line << ")";
    out << "\n";
  }
  if (!report.overhead)
    return;
  const OverheadResult &overhead = *report.overhead;
  out << "overhead: null graph " << cell(overhead.nullNs, "%.0f")
      << " ns, one element " << cell(overhead.oneElementNs, "%.0f")
      << " ns, bound " << cell(overhead.boundNs, "%.0f")
      << " ns, of a dynamic extent " << cell(overhead.dynamicNs, "%.0f")
      << " ns, bound " << cell(overhead.dynamicBoundNs, "%.0f")
      << " ns, empty call " << cell(overhead.callNs, "%.2f")
      << " ns; 64 K elements on 2 threads "
      << cell(overhead.parallel64kUs, "%.2f") << " us, openmp "
      << cell(overhead.openmp64kUs, "%.2f") << " us\n";
}

} // namespace fusilli::bench
