// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The loop, handles, graphs and sharing; executions are in worker_calls.cpp.
#include "tests/soak/worker.h"

#include "tests/soak/faults.h"

#include <algorithm>
#include <sstream>

namespace fusilli::soak {
namespace {

// How often each operation is chosen.
struct Weight {
  Operation operation;
  unsigned weight;
};
constexpr Weight kWeights[] = {{Operation::MakeHandle, 5},
                               {Operation::DropHandle, 3},
                               {Operation::Compile, 3},
                               {Operation::CompileAgain, 2},
                               {Operation::CompileSameName, 1},
                               {Operation::CompileAndLoad, 3},
                               {Operation::LoadKept, 8},
                               {Operation::Deserialize, 2},
                               {Operation::Reload, 4},
                               {Operation::LoadDamaged, 2},
                               {Operation::Share, 6},
                               {Operation::Prepare, 30},
                               {Operation::Execute, 60},
                               {Operation::Misuse, 6},
                               {Operation::Submit, 30},
                               {Operation::Finish, 30},
                               {Operation::Abandon, 1},
                               {Operation::SignalOthers, 6},
                               {Operation::Bind, 12},
                               {Operation::ExecuteBound, 40},
                               {Operation::Rebind, 12},
                               {Operation::HandOver, 6},
                               {Operation::UseBuffers, 10},
                               {Operation::Forget, 1},
                               {Operation::Drop, 30}};
constexpr unsigned kTotalWeight = [] {
  unsigned sum = 0;
  for (const Weight &weight : kWeights)
    sum += weight.weight;
  return sum;
}();

// One operation in so many meets failures.
constexpr unsigned kAllocationFailures = 6;
constexpr unsigned kFaultPoints = 150;
constexpr unsigned kMaxNth = 24;

} // namespace

void Worker::fail(const std::string &what) {
  std::ostringstream text;
  text << "thread " << number_ << ", operation " << beats_.load() << " ("
       << nameOf(current()) << "): " << what;
  stage_.fail(text.str());
}

bool Worker::passed(const ErrorObject &status) {
  if (isOk(status))
    return true;
  if (isInjected(status)) {
    stage_.statistics.surfaced(status);
    surfaced_ = true;
    return false;
  }
  std::ostringstream text;
  text << "an error that nobody asked for: " << status;
  fail(text.str());
  return false;
}

void Worker::expect(const ErrorObject &status, ErrorCode code,
                    const char *what) {
  if (status.getCode() == code) {
    stage_.statistics.refused(status);
    return;
  }
  if (isError(status) && isInjected(status)) {
    stage_.statistics.surfaced(status);
    surfaced_ = true;
    return;
  }
  std::ostringstream text;
  text << what << ": expected " << code << ", got " << status.getCode() << " "
       << status.getMessage();
  fail(text.str());
}

void Worker::run() {
  while (!stage_.stop.load(std::memory_order_relaxed))
    step();
  current_.store(Operation::Drop);
  while (!handles_.empty() || !programs_.empty() || !calls_.empty() ||
         !bound_.empty() || !inFlight_.empty())
    drop();
  current_.store(Operation::Count);
}

void Worker::step() {
  const Operation operation = choose();
  current_.store(operation, std::memory_order_relaxed);
  if (chance(kFaultPoints))
    armRandomFault(random_);
  const bool armed = chance(kAllocationFailures);
  FaultyAllocator::failNthOfThisThread(armed ? 1 + random_() % kMaxNth : 0);
  surfaced_ = false;
  perform(operation);
  if (FaultyAllocator::failedThisThread() && !surfaced_)
    stage_.statistics.absorbed();
  FaultyAllocator::failNthOfThisThread(0);
  stage_.statistics.count(operation);
  beats_.fetch_add(1, std::memory_order_relaxed);
}

Operation Worker::choose() {
  unsigned number = static_cast<unsigned>(random_() % kTotalWeight);
  for (const Weight &weight : kWeights) {
    if (number < weight.weight)
      return weight.operation;
    number -= weight.weight;
  }
  return Operation::Drop;
}

void Worker::perform(Operation operation) {
  switch (operation) {
  case Operation::MakeHandle:
    return makeHandle();
  case Operation::DropHandle:
    return dropOne(handles_);
  case Operation::Compile:
  case Operation::CompileAgain:
  case Operation::CompileSameName:
  case Operation::CompileAndLoad:
  case Operation::LoadKept:
  case Operation::Deserialize:
    return makeGraph(operation);
  case Operation::Reload:
    return reload(/*damaged=*/false);
  case Operation::LoadDamaged:
    return reload(/*damaged=*/true);
  case Operation::Share:
    return share();
  case Operation::Prepare:
    return prepare();
  case Operation::Execute:
    return execute();
  case Operation::Misuse:
    return misuse();
  case Operation::Submit:
    return submit();
  case Operation::Finish:
    return finish();
  case Operation::Abandon:
    return inFlight_.clear();
  case Operation::SignalOthers:
    return signalOthers();
  case Operation::Bind:
    return bind();
  case Operation::ExecuteBound:
    return executeBound();
  case Operation::Rebind:
    return rebind();
  case Operation::HandOver:
    return handOver();
  case Operation::UseBuffers:
    return useBuffers();
  case Operation::Forget:
    return forget();
  case Operation::Drop:
  case Operation::Count:
    return drop();
  }
}

void Worker::makeHandle() {
  if (handles_.size() >= kMost)
    dropOne(handles_);
  HandleOptions options; // mostly the pool that all share
  options.numThreads = chance(4) ? static_cast<uint32_t>(1 + random_() % 3) : 0;
  ErrorOr<Handle> created = Handle::create(Backend::CPU, options);
  if (!passed(created))
    return;
  Handle moved(std::move(*created));
  if (created->getBackend() == Backend::CPU)
    return fail("a handle that was moved from has a backend");
  auto handle = std::make_shared<Handle>(std::move(moved));
  if (handle->getBackend() != Backend::CPU)
    return fail("a moved handle has no backend");
  if (chance(3))
    stage_.exchange(pick(stage_.handles), handle);
  handles_.push_back(std::move(handle));
}

// One of this thread's, one that threads share, or nothing.
HandlePtr Worker::anyHandle() {
  if (chance(3))
    if (HandlePtr shared = stage_.copy(pick(stage_.handles)))
      return shared;
  if (handles_.empty())
    makeHandle();
  return handles_.empty() ? nullptr : pick(handles_);
}

ErrorObject Worker::load(Graph &graph, const Handle &handle,
                         std::span<const uint8_t> artifact) {
  // Anywhere in memory; what was loaded has a copy.
  const size_t shift = random_() % 64;
  std::vector<uint8_t> bytes(shift + artifact.size());
  std::ranges::copy(artifact, bytes.begin() + static_cast<ptrdiff_t>(shift));
  ErrorObject status =
      graph.loadFromArtifact(handle, std::span(bytes).subspan(shift));
  std::ranges::fill(bytes, uint8_t{0xee});
  return status;
}

ErrorObject Worker::takeSignature(Loaded &loaded) {
  for (const auto &[name, content] : loaded.recipe->inputs(0))
    loaded.inputs[name] = loaded.graph.getTensor(name);
  for (const std::string &name : loaded.recipe->outputs())
    loaded.outputs[name] = loaded.graph.getTensor(name);
  FUSILLI_ASSIGN_OR_RETURN(std::optional<size_t> bytes,
                           loaded.graph.getWorkspaceSize());
  if (!bytes)
    return error(ErrorCode::RuntimeFailure, "a loaded graph has no workspace");
  loaded.workspaceBytes = *bytes;
  loaded.isLoaded = true;
  return ok();
}

ErrorObject Worker::loadInto(Loaded &loaded, const Handle &handle,
                             Operation route) {
  const Recipe &recipe = *loaded.recipe;
  std::string name =
      route == Operation::CompileSameName
          ? "soak shared " + std::to_string(random_() % 3)
          : "soak " + std::to_string(number_) + " " + std::to_string(graphs_++);
  std::vector<uint8_t> kept = recipe.keptArtifact();
  loaded.removesFiles = route != Operation::CompileSameName;
  if (route == Operation::Deserialize && !kept.empty()) {
    loaded.removesFiles = false; // it is called "soak", as others are
    FUSILLI_ASSIGN_OR_RETURN(loaded.graph,
                             Graph::deserialize(recipe.graphDef()));
    return load(loaded.graph, handle, kept);
  }
  FUSILLI_ASSIGN_OR_RETURN(loaded.graph, recipe.makeGraph(name));
  if (route == Operation::LoadKept && !kept.empty())
    return load(loaded.graph, handle, kept);
  if (route == Operation::CompileAndLoad || kept.empty()) {
    FUSILLI_ASSIGN_OR_RETURN(
        std::vector<uint8_t> artifact,
        loaded.graph.compileToArtifact(Backend::CPU, loaded.removesFiles));
    recipe.keepArtifact(artifact);
    return load(loaded.graph, handle, artifact);
  }
  FUSILLI_CHECK_ERROR(loaded.graph.compile(handle, loaded.removesFiles));
  if (route == Operation::Compile)
    return ok();
  return loaded.graph.compile(handle, loaded.removesFiles);
}

void Worker::makeGraph(Operation route) {
  if (programs_.size() >= kMost)
    dropOne(programs_);
  HandlePtr handle = anyHandle();
  if (!handle)
    return;
  auto loaded = std::make_shared<Loaded>();
  loaded->recipe = stage_.recipes()[random_() % stage_.recipes().size()].get();
  loaded->loadedOn = handle;
  if (passed(loadInto(*loaded, *handle, route)) &&
      passed(takeSignature(*loaded)))
    programs_.push_back(std::move(loaded));
}

void Worker::reload(bool damaged) {
  HandlePtr handle = anyHandle();
  if (programs_.empty() || !handle)
    return;
  Loaded &loaded = *pick(programs_);
  std::vector<uint8_t> bytes = loaded.recipe->keptArtifact();
  if (bytes.empty())
    return;
  if (damaged) {
    if (chance(2))
      bytes.resize(random_() % bytes.size());
    else
      bytes[random_() % bytes.size()] ^=
          static_cast<uint8_t>(1 + random_() % 255);
  }
  loaded.isLoaded = false;
  loaded.loadedOn = handle;
  ErrorObject status = !damaged && chance(3)
                           ? loaded.graph.compile(*handle, loaded.removesFiles)
                           : load(loaded.graph, *handle, bytes);
  if (damaged)
    return expect(status, ErrorCode::RuntimeFailure, "a damaged artifact");
  if (!passed(status))
    return;
  ErrorOr<std::optional<size_t>> size = loaded.graph.getWorkspaceSize();
  if (!passed(size))
    return;
  if (*size != loaded.workspaceBytes)
    return fail("the workspace of a graph changed with the same artifact");
  loaded.isLoaded = true;
}

void Worker::share() {
  if (programs_.empty())
    return;
  std::swap(pick(programs_), programs_.back());
  if (!programs_.back()->isLoaded)
    return;
  LoadedPtr mine = std::move(programs_.back());
  programs_.pop_back();
  // What was there goes here, on this thread.
  stage_.exchange(pick(stage_.programs), std::move(mine));
}

void Worker::forget() {
  std::error_code code;
  std::vector<std::filesystem::path> entries;
  for (const auto &entry :
       std::filesystem::directory_iterator(stage_.store(), code))
    if (entry.path().extension() == ".entry")
      entries.push_back(entry.path());
  if (!entries.empty())
    std::filesystem::remove(pick(entries), code);
}

void Worker::drop() {
  switch (random_() % 5) {
  case 0:
    return dropOne(handles_);
  case 1:
    return dropOne(programs_);
  case 2:
    return dropOne(calls_);
  case 3:
    return dropOne(bound_);
  default:
    // What depends on it goes with it: it might never be reached.
    return inFlight_.clear();
  }
}

} // namespace fusilli::soak
