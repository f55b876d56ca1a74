// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each figure comes from the public API as a client would use it. The OpenMP
// side is what a compiler makes of "parallel for" with a static schedule: one
// call of libgomp per loop, found at run time, so that no build depends on it.

#include "benchmarks/overhead.h"
#include "benchmarks/machine.h"
#include "benchmarks/peaks/peaks.h"
#include "benchmarks/subject.h"
#include "benchmarks/timing.h"

#include <dlfcn.h>

#include <algorithm>
#include <optional>

namespace fusilli::bench {

namespace {

constexpr int64_t kElements = 64 * 1024;

/// Members of libgomp that a parallel loop needs.
struct OpenMp {
  void (*parallel)(void (*)(void *), void *, unsigned, unsigned) = nullptr;
  int (*threadNumber)() = nullptr;

  static OpenMp load() {
    OpenMp openMp;
    void *library = dlopen("libgomp.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library)
      return openMp;
    openMp.parallel = reinterpret_cast<decltype(openMp.parallel)>(
        dlsym(library, "GOMP_parallel"));
    openMp.threadNumber = reinterpret_cast<decltype(openMp.threadNumber)>(
        dlsym(library, "omp_get_thread_num"));
    return openMp;
  }
};

// libgomp's synchronisation is invisible to ThreadSanitizer, so that what runs
// on its threads is not instrumented.
#define FUSILLI_BENCH_OPENMP __attribute__((no_sanitize("thread")))

using AddLoop = void (*)(float *, const float *, const float *, int64_t);

FUSILLI_BENCH_OPENMP __attribute__((target("avx2"))) void
addAvx2(float *__restrict c, const float *__restrict a,
        const float *__restrict b, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    c[i] = a[i] + b[i];
}

FUSILLI_BENCH_OPENMP __attribute__((target("avx512f"))) void
addAvx512(float *__restrict c, const float *__restrict a,
          const float *__restrict b, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    c[i] = a[i] + b[i];
}

/// "parallel for" over an addition.
struct OpenMpAdd {
  OpenMp openMp;
  AddLoop loop;
  float *c, *a, *b;
  int threads;

  FUSILLI_BENCH_OPENMP static void part(void *data) {
    auto *self = static_cast<OpenMpAdd *>(data);
    int64_t share = kElements / self->threads;
    int64_t begin = self->openMp.threadNumber() * share;
    self->loop(self->c + begin, self->a + begin, self->b + begin, share);
  }

  bool call() {
    openMp.parallel(part, this, static_cast<unsigned>(threads), 0);
    return true;
  }
};

TimingOptions batchesOf(int64_t calls, int repeat) {
  TimingOptions options;
  options.blocks = repeat;
  options.minBatch = calls;
  options.blockNs = 30e6;
  options.settle = waitForQuietThreads;
  return options;
}

std::optional<double> medianOf(const Timing &timing, double unit) {
  if (!timing.samples)
    return std::nullopt;
  return timing.medianNs * unit;
}

/// A named, validated, compiled graph without nodes.
ErrorOr<std::unique_ptr<Graph>> nullGraph(const Handle &handle) {
  auto graph = std::make_unique<Graph>();
  graph->setName("bench_null");
  FUSILLI_CHECK_ERROR(graph->validate());
  FUSILLI_CHECK_ERROR(graph->compile(handle));
  FUSILLI_CHECK_ERROR(ErrorObject(graph->getWorkspaceSize()));
  return graph;
}

ErrorObject measureInline(const std::string &target, int repeat,
                          OverheadResult &result) {
  FUSILLI_ASSIGN_OR_RETURN(std::unique_ptr<Subject> subject,
                           Subject::create(target, 1));
  std::string unused;
  ProblemData one = makeData(*parseProblem("pointwise 1 f32 add", unused), 1);
  FUSILLI_ASSIGN_OR_RETURN(PreparedProblem prepared, subject->prepare(one, 1));
  const Handle &handle = subject->handle();
  // A graph without nodes, or of a dynamic extent, which is represented by 2 at
  // least, may be refused; then there is no figure.
  ErrorOr<std::unique_ptr<Graph>> empty = nullGraph(handle);
  ProblemData two =
      makeData(*parseProblem("pointwise 2 f32 add dynamic", unused), 1);
  ErrorOr<PreparedProblem> dynamic = subject->prepare(two, 1);
  FUSILLI_ASSIGN_OR_RETURN(
      BoundCall bound,
      prepared.graph.graph->bind(handle, prepared.pack, prepared.workspace));
  std::optional<BoundCall> dynamicBound;
  if (isOk(dynamic)) {
    FUSILLI_ASSIGN_OR_RETURN(
        dynamicBound,
        dynamic->graph.graph->bind(handle, dynamic->pack, dynamic->workspace));
  }
  pinNewThreads();
  VariantPack nothing;
  BufferPtr noWorkspace;
  static volatile AddLoop add = addAvx2;
  float x = 1, y = 2, z = 0;
  std::vector<Timing> timings = measureAlternating(
      {{[&] {
         return isOk(empty) &&
                isOk((*empty)->execute(handle, nothing, noWorkspace));
       }},
       {[&] { return isOk(subject->run(prepared)); }},
       {[&] { return isOk(bound.execute()); }},
       {[&] { return isOk(dynamic) && isOk(subject->run(*dynamic)); }},
       {[&] { return dynamicBound && isOk(dynamicBound->execute()); }},
       {[&] {
         add(&z, &x, &y, 1);
         return true;
       }}},
      batchesOf(1000, repeat));
  result.nullNs = medianOf(timings[0], 1);
  result.oneElementNs = medianOf(timings[1], 1);
  result.boundNs = medianOf(timings[2], 1);
  result.dynamicNs = medianOf(timings[3], 1);
  result.dynamicBoundNs = medianOf(timings[4], 1);
  result.callNs = medianOf(timings[5], 1);
  return ok();
}

ErrorObject measureParallel(const std::string &target, int repeat,
                            OverheadResult &result) {
  constexpr int kThreads = 2;
  if (startCpus().size() < kThreads)
    return ok();
  FUSILLI_ASSIGN_OR_RETURN(std::unique_ptr<Subject> subject,
                           Subject::create(target, kThreads));
  std::string unused;
  std::string line = "pointwise " + std::to_string(kElements) + " f32 add";
  ProblemData data = makeData(*parseProblem(line, unused), 1);
  FUSILLI_ASSIGN_OR_RETURN(PreparedProblem prepared, subject->prepare(data, 1));
  pinNewThreads();
  std::vector<Contestant> contestants = {
      {[&] { return isOk(subject->run(prepared)); }}};
  BigBuffer a(kElements * 4), b(kElements * 4), c(kElements * 4);
  OpenMpAdd add{
      OpenMp::load(), targetHas(target, "avx512f") ? addAvx512 : addAvx2,
      c.as<float>(),  a.as<float>(),
      b.as<float>(),  kThreads};
  if (add.openMp.parallel && add.openMp.threadNumber && a && b && c) {
    add.call();
    pinNewThreads();
    contestants.push_back({[&] { return add.call(); }});
  }
  std::vector<Timing> timings =
      measureAlternating(contestants, batchesOf(1000, repeat));
  result.parallel64kUs = medianOf(timings[0], 1e-3);
  if (timings.size() > 1)
    result.openmp64kUs = medianOf(timings[1], 1e-3);
  return ok();
}

} // namespace

ErrorOr<OverheadResult> measureOverhead(const std::string &target, int repeat) {
  OverheadResult result;
  FUSILLI_CHECK_ERROR(measureInline(target, repeat, result));
  FUSILLI_CHECK_ERROR(measureParallel(target, repeat, result));
  return result;
}

} // namespace fusilli::bench
