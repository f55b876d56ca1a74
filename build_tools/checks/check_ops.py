#!/usr/bin/env python3
# Part of the Fusilli project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Every op that graph/ops/ops.inc names, FUSILLI_OP(<CamelCase>, <snake_case>),
# has its file at each stage, with the same basename, and its row in docs/ops.md.
# Ops that only the API knows so far stand there as FUSILLI_API_OP(...).
import os
import re

import common

LINE = re.compile(r"^\s*FUSILLI_OP\(\s*(\w+)\s*,\s*(\w+)")


def stage_files(camel, snake):
    dialect = "compiler/Dialect/Fusilli/IR"
    kebab = snake.replace("_", "-")
    return [
        f"graph/ops/{snake}.cpp",
        f"graph/ops/{snake}_test.cpp",
        f"{dialect}/ops/{camel}.td",
        f"{dialect}/ops/{camel}.cpp",
        f"{dialect}/test/{kebab}.mlir",
        f"{dialect}/test/{kebab}-invalid.mlir",
        f"compiler/Import/ops/{camel}.cpp",
        f"compiler/Conversion/FusilliToLinalg/{camel}.cpp",
        f"compiler/Conversion/FusilliToLinalg/test/{kebab}.mlir",
        f"reference/{snake}.cpp",
        f"tests/e2e/{snake}_test.cpp",
    ]


def check(root):
    """Checks that each op of graph/ops/ops.inc has its file at every stage."""
    ops_inc = "graph/ops/ops.inc"
    if not os.path.isfile(os.path.join(root, ops_inc)):
        return [(ops_inc, 1, "missing")]
    docs = os.path.join(root, "docs", "ops.md")
    table = common.read(root, "docs/ops.md") if os.path.isfile(docs) else ""
    problems = []
    for number, line in enumerate(common.read(root, ops_inc).splitlines(), 1):
        found = LINE.match(line)
        if not found:
            continue
        for path in stage_files(found[1], found[2]):
            if not os.path.isfile(os.path.join(root, path)):
                problems.append((ops_inc, number, f"{found[2]}: no {path}"))
        if not re.search(rf"^\|\s*`?{found[2]}`?\s*\|", table, re.MULTILINE):
            problems.append((ops_inc, number, f"{found[2]}: no row in docs/ops.md"))
    return problems


if __name__ == "__main__":
    common.run("ops", check)
