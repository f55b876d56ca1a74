#!/usr/bin/env python3
# Part of the Fusilli project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Holds the include rules of ARCHITECTURE.md: each folder may include the
# project's folders named in its row below, and only those; LLVM and MLIR are
# for compiler/ alone. The longest folder that fits a file is its row. Tests
# beside the code (TEST_MARKS) may also use reference/ and the public API, and
# those of compiler/ and runtime/ all of their top folder.
import re

import common

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')

# folder -> folders (or single files) that its files may include besides itself;
# a folder does not stand for those below it that have a row, "folder/**" does
ALLOWED = {
    "include": (),
    "support": ("include/fusilli/support",),
    "graph": ("include", "support"),
    "artifact": ("support",),
    "kernels": ("artifact/cpu_features.inc",),
    "reference": ("include", "support", "graph"),
    "runtime/base": ("support", "artifact/cpu_features.inc", "artifact/cpu_features.h"),
    "runtime/hal": ("runtime/base", "support", "artifact"),
    "runtime/hal/cts": ("runtime/hal", "runtime/base", "support", "artifact"),
    "runtime/hal/drivers": (
        "runtime/hal/**",
        "runtime/base",
        "support",
        "artifact",
    ),
    "runtime/hal/drivers/null": ("runtime/hal", "runtime/base", "support", "artifact"),
    "runtime/hal/drivers/null_gpu": ("runtime/hal", "runtime/base", "support", "artifact"),
    "runtime/hal/drivers/cpu": ("runtime/hal", "runtime/base", "support", "artifact", "kernels"),
    "runtime/vm": ("runtime/base", "support", "artifact"),
    "runtime/vm/modules": ("runtime/vm", "runtime/hal", "runtime/base", "support", "artifact"),
    "runtime": ("runtime/**", "support", "artifact"),
    "engine": (
        "include",
        "support",
        "graph",
        "artifact",
        "runtime/base",
        "runtime/hal",
        "runtime/vm",
        "runtime/vm/modules",
        "runtime/hal/drivers",
        "compiler/Driver",
    ),
    "compiler": ("compiler/**", "support"),
    "compiler/Dialect": ("support",),
    "compiler/Import": ("compiler/Dialect", "compiler/Support", "graph", "include", "support"),
    "compiler/Conversion": ("compiler/Dialect", "compiler/Support", "support"),
    "compiler/Codegen": ("compiler/Dialect", "compiler/Support", "support", "artifact"),
    "compiler/Target": (
        "compiler/Codegen",
        "compiler/Dialect",
        "compiler/Support",
        "artifact",
        "support",
    ),
    "compiler/Pipelines": ("compiler/**", "artifact", "support"),
    "compiler/Driver": ("compiler/**", "artifact", "support", "graph", "include"),
    "samples": ("include",),
    "python": ("include",),
    "plugins": ("include",),
    "tools": None,  # what they exercise
    "tests": None,
    "benchmarks": None,
}

# nobody may include these, they are the leaves of the tree; the exceptions are
# the main program of benchmarks/, which lives with the tools, and the machine's
# peaks for the rooflines of fusilli-run
LEAVES = ("tools", "tests", "benchmarks", "samples", "python", "plugins")
LLVM = ("mlir/", "llvm/", "llvm-c/", "mlir-c/", "clang/")
TEST_MARKS = ("_test", "/test", "_fixture", "cts_backend", "/cts/")
SUFFIXES = (".h", ".cpp", ".c", ".inc")


def inside(path, folder):
    return path == folder or path.startswith(folder + "/")


def permits(entry, path):
    if entry.endswith("/**"):
        return inside(path, entry[:-3])
    if path == entry:
        return True
    row = row_of(path)
    return inside(path, entry) and (row == entry or not inside(row, entry))


def row_of(path):
    fits = [folder for folder in ALLOWED if inside(path, folder)]
    return max(fits, key=len) if fits else None


def resolve(folder, target, files, tops):
    """The tree's file (or would-be file) that an include line means."""
    beside = f"{folder}/{target}" if folder else target
    if beside in files:
        return beside
    if f"include/{target}" in files:
        return f"include/{target}"
    if target.split("/")[0] in ("fusilli", "iree") or target == "fusilli.h":
        return f"include/{target}"
    return target if target.split("/")[0] in tops else None


def problem_with(path, target, quote, files, tops):
    row = row_of(path)
    top = path.split("/")[0]
    if target.startswith(LLVM):
        allowed = top in ("compiler", "tools", "tests", "benchmarks")
        return None if allowed else f"only compiler/ may include LLVM or MLIR ({target})"
    meant = resolve(path.rsplit("/", 1)[0] if "/" in path else "", target, files, tops)
    if meant is None:
        return None
    leaf = meant.split("/")[0]
    main_of_leaf = leaf == "benchmarks" and (
        inside(path, "tools/fusilli-bench")
        or (inside(path, "tools/fusilli-run") and inside(meant, "benchmarks/peaks"))
    )
    if leaf in LEAVES and leaf != top and not main_of_leaf:
        return f"nothing may include {leaf}/ ({target})"
    allowed = ALLOWED[row]
    if allowed is None or row_of(meant) == row:
        return None
    is_test = any(mark in path for mark in TEST_MARKS)
    if is_test and inside(meant, row):
        return None
    extra = ("include", "reference", "support") if is_test else ()
    if is_test and top in ("compiler", "runtime"):
        extra += (f"{top}/**", "artifact")
    if any(permits(entry, meant) for entry in allowed + extra):
        return None
    rights = ", ".join(allowed) if allowed else "nothing else of the project"
    return f"{row}/ may not include {target} (may include: {rights})"


def check(root):
    """Checks every include line against the table of layers."""
    names = common.tracked_files(root)
    files = set(names)
    tops = {folder.split("/")[0] for folder in ALLOWED}
    problems = []
    for path in names:
        if not path.endswith(SUFFIXES) or "/" not in path:
            continue
        if row_of(path) is None:
            if path.split("/")[0] not in ("build_tools", "cmake", "docs", "scripts"):
                problems.append((path, 1, "folder has no row in the table of layers"))
            continue
        for number, line in enumerate(common.read(root, path).splitlines(), 1):
            found = INCLUDE.match(line)
            if not found:
                continue
            wrong = problem_with(path, found[2], found[1], files, tops)
            if wrong:
                problems.append((path, number, wrong))
    return problems


if __name__ == "__main__":
    common.run("layering", check)
