#!/usr/bin/env python3
# Part of the Fusilli project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Rules for single files: the licence tag at the top of every source, no
# hand-written source above 800 lines, an include guard that is the include
# path, no merge marks, no tabs or trailing blanks in sources.
import os
import re

import common

MAX_LINES = 800
TAG = "SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception"
TAGGED = common.SOURCE_SUFFIXES + (".py", ".sh", ".mlir", ".in")
TAGGED_NAMES = ()
MERGE = re.compile(r"^(<<<<<<< |>>>>>>> |=======$)")


def needs_tag(path, text):
    name = os.path.basename(path)
    return (
        path.endswith(TAGGED)
        or name in TAGGED_NAMES
        or (path.startswith("scripts/") and text.startswith("#!"))
    )


def guard_of(path):
    path = path[len("include/") :] if path.startswith("include/") else path
    if path.startswith("compat/"):
        path = path[len("compat/") :]
    return re.sub(r"[^A-Za-z0-9]", "_", path).upper()


def check_guard(path, lines):
    for number, line in enumerate(lines, 1):
        found = re.match(r"#ifndef\s+(\w+)", line)
        if found:
            wanted = guard_of(path)
            if found[1] not in (wanted, "FUSILLI_" + wanted):
                return number, f"include guard {found[1]}, expected {wanted}"
            return None
        if line.startswith("#") and not line.startswith("#pragma once"):
            break
    return 1, "no include guard"


def check_one(path, text):
    lines = text.splitlines()
    problems = []
    if needs_tag(path, text) and not any(TAG in line for line in lines[:8]):
        problems.append((path, 1, "no licence tag in the first 8 lines"))
    if path.endswith(common.SOURCE_SUFFIXES) and len(lines) > MAX_LINES:
        message = f"{len(lines)} lines, at most {MAX_LINES}: split by op family or object"
        problems.append((path, len(lines), message))
    if path.endswith(".h"):
        wrong = check_guard(path, lines)
        if wrong:
            problems.append((path, *wrong))
    for number, line in enumerate(lines, 1):
        if MERGE.match(line) and not path.endswith(".md"):
            problems.append((path, number, "merge mark"))
        if path.endswith(common.SOURCE_SUFFIXES):
            if "\t" in line:
                problems.append((path, number, "tab"))
            if line != line.rstrip():
                problems.append((path, number, "trailing blank"))
    return problems


def check(root):
    """Checks licence tags, file sizes, include guards and stray marks."""
    problems = []
    for path in common.tracked_files(root):
        if path.endswith((".bin", ".npy", ".png")):
            continue
        problems += check_one(path, common.read(root, path))
    if not os.path.isfile(os.path.join(root, "LICENSE")):
        problems.append(("LICENSE", 1, "missing"))
    return problems


if __name__ == "__main__":
    common.run("files", check)
