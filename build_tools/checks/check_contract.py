#!/usr/bin/env python3
# Part of the Fusilli project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# docs/runtime-contract.md lists the runtime's rules, a table row each:
# | 8.2 | what holds | `Suite.Case`, `Suite.Case` |. Every rule names at least
# one test, and every test named there is defined somewhere in the tree.
import re

import common

DOCUMENT = "docs/runtime-contract.md"
ROW = re.compile(r"^\|\s*(\d+\.\d+)\s*\|(.*)\|([^|]*)\|\s*$")
NAMED = re.compile(r"`(\w+\.\w+)`")
TEST = re.compile(r"^TEST(?:_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\)", re.MULTILINE)


def defined_tests(root):
    tests = set()
    for path in common.tracked_files(root):
        if path.endswith(".cpp"):
            tests |= {f"{s}.{c}" for s, c in TEST.findall(common.read(root, path))}
    return tests


def rules(text):
    """(line, id, tests) of each rule."""
    for number, line in enumerate(text.splitlines(), 1):
        found = ROW.match(line)
        if found:
            yield number, found[1], NAMED.findall(found[3])


def check(root):
    """Checks that each rule of docs/runtime-contract.md has a test."""
    if DOCUMENT not in common.tracked_files(root):
        return [(DOCUMENT, 1, "missing")]
    tests = defined_tests(root)
    problems = []
    seen = set()
    for number, rule, named in rules(common.read(root, DOCUMENT)):
        if rule in seen:
            problems.append((DOCUMENT, number, f"rule {rule} is there twice"))
        seen.add(rule)
        if not named:
            problems.append((DOCUMENT, number, f"rule {rule} has no test"))
        for name in named:
            if name not in tests:
                message = f"rule {rule} names the test {name}, which does not exist"
                problems.append((DOCUMENT, number, message))
    if not seen:
        problems.append((DOCUMENT, 1, "no rules"))
    return problems


if __name__ == "__main__":
    common.run("contract", check)
