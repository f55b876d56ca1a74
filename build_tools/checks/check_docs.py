#!/usr/bin/env python3
# Part of the Fusilli project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The documents stay true where a program can tell: every path that they name in
# `code` or as the target of a link is there. Only paths from a top folder of
# the tree count; '*' stands for anything; `rmsnorm` is the example of an op yet
# to be added.
import fnmatch
import os
import re

import common

CODE = re.compile(r"`([\w./*-]+)`")
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")


def exists(path, names, folders):
    path = path.rstrip("/")
    if "*" in path:
        return any(fnmatch.fnmatch(name, path) for name in names)
    return path in names or path in folders


def check(root):
    """Checks that the paths which the documents name are there."""
    names = set(common.tracked_files(root))
    folders = set()
    for name in names:
        parts = name.split("/")[:-1]
        folders |= {"/".join(parts[: i + 1]) for i in range(len(parts))}
    tops = {folder for folder in folders if "/" not in folder}
    problems = []
    for doc in sorted(name for name in names if name.endswith(".md")):
        base = os.path.dirname(doc)
        for number, line in enumerate(common.read(root, doc).splitlines(), 1):
            for path in CODE.findall(line):
                top = path.split("/")[0]
                if "/" not in path or top not in tops or "rmsnorm" in path.lower():
                    continue
                if not exists(path, names, folders):
                    problems.append((doc, number, f"there is no {path}"))
            for path in LINK.findall(line):
                if "://" in path:
                    continue
                if not exists(os.path.normpath(os.path.join(base, path)), names, folders):
                    problems.append((doc, number, f"link to {path}, which is not there"))
    return problems


if __name__ == "__main__":
    common.run("docs", check)
