#!/usr/bin/env python3
# Part of the Fusilli project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Every op that graph/ops/ops.inc names, FUSILLI_OP(<snake_case>), has its files
# at each stage, with the same basename (case and '_' aside), and its row in
# docs/ops.md. An op that only the API knows so far, that is, one without any
# file in compiler/, needs the stages of the API and a row that says so.
import os
import re

import common

LINE = re.compile(r"^\s*FUSILLI_OP\(\s*(\w+)")
DIALECT = "compiler/Dialect/Fusilli/IR"
API_STAGES = ["graph/ops/{}.cpp", "graph/ops/{}_test.cpp"]
COMPILER_STAGES = [
    DIALECT + "/ops/{}.td",
    DIALECT + "/ops/{}.cpp",
    DIALECT + "/test/{}.mlir",
    DIALECT + "/test/{}-invalid.mlir",
    "compiler/Import/ops/{}.cpp",
]
RUN_STAGES = ["reference/{}.cpp", "tests/e2e/{}_test.cpp"]
API_ONLY = "API only"
# Its meaning is the client's text: tests compare with loops of their own.
WITHOUT_REFERENCE = {"custom_op"}


def folded(path):
    """Files of one op are spelt conv_fprop, ConvFProp or conv-fprop."""
    folder, _, name = path.rpartition("/")
    stem = re.sub(r"(_test|-invalid)?\.\w+$", "", name)
    tail = name[len(stem) :]
    return f"{folder}/{re.sub('[-_]', '', stem).lower()}{tail}"


def stage_files(op, stages):
    return [folded(stage.format(op)) for stage in stages]


def row_of(op, table):
    found = re.search(rf"^\|\s*`?{op}`?\s*\|.*$", table, re.MULTILINE)
    return found[0] if found else None


def check_op(op, files, table):
    missing = [f for f in stage_files(op, API_STAGES) if f not in files]
    in_compiler = any(f in files for f in stage_files(op, COMPILER_STAGES))
    row = row_of(op, table)
    if in_compiler:
        run_stages = RUN_STAGES[1:] if op in WITHOUT_REFERENCE else RUN_STAGES
        later = stage_files(op, COMPILER_STAGES + run_stages)
        missing += [f for f in later if f not in files]
    messages = [f"{op}: no {path}" for path in missing]
    if row is None:
        messages.append(f"{op}: no row in docs/ops.md")
    elif (API_ONLY in row) == in_compiler:
        wanted = "must not say" if in_compiler else "must say"
        messages.append(f"{op}: its row in docs/ops.md {wanted} '{API_ONLY}'")
    return messages


def check(root):
    """Checks that each op of graph/ops/ops.inc has its files at every stage."""
    ops_inc = "graph/ops/ops.inc"
    if not os.path.isfile(os.path.join(root, ops_inc)):
        return [(ops_inc, 1, "missing")]
    docs = os.path.join(root, "docs", "ops.md")
    table = common.read(root, "docs/ops.md") if os.path.isfile(docs) else ""
    files = {folded(path) for path in common.tracked_files(root)}
    problems = []
    for number, line in enumerate(common.read(root, ops_inc).splitlines(), 1):
        found = LINE.match(line)
        if found:
            for message in check_op(found[1], files, table):
                problems.append((ops_inc, number, message))
    return problems


if __name__ == "__main__":
    common.run("ops", check)
