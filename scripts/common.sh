# Part of the Fusilli project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# What scripts/test and scripts/demo share: steps that print their name and
# time, keep their output in build/logs, and show the end of it when they fail.

# Jobs for the build: one per CPU that this process may use, fewer where memory
# is short (a unit of the compiler takes up to 1.5 GiB).
fusilli_jobs() {
  local cpus memory
  cpus=$(nproc)
  memory=$(awk '/MemAvailable/ {print int($2 / 1572864)}' /proc/meminfo)
  [ "$memory" -ge 1 ] || memory=1
  echo $((cpus < memory ? cpus : memory))
}

# with_log LOG COMMAND...: runs the command with its output in LOG; prints the
# log's last line every 30 s, so that a long build is seen to live.
with_log() {
  local log=$1 pid status=0 waited=0
  shift
  "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.2
    waited=$((waited + 1))
    if [ $((waited % 150)) -eq 0 ]; then
      printf '     %4ss  %s\n' $((waited / 5)) "$(tail -n 1 "$log" | cut -c1-100)"
    fi
  done
  wait "$pid" || status=$?
  return $status
}

# Configures and builds a preset: fusilli_build PRESET [TARGET...]
fusilli_build() {
  local preset=$1
  shift
  cmake --preset "$preset" && ninja -j"$(fusilli_jobs)" -C "build/$preset" "$@"
}
