#!/usr/bin/env python3
# Part of the Fusilli project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Looks into the built libraries of one build folder:
# - libfusilli.so and libfusilli_compiler.so need no LLVM or MLIR library;
# - they export no iree_ symbol, nothing of LLVM or MLIR, nothing of FlatBuffers;
# - the compiler exports its C ABI and nothing else;
# - libfusilli_compiler.so is not needed by libfusilli.so (it is loaded on use).
import os
import re
import subprocess
import sys

FOREIGN = re.compile(r"(^|[^a-z])(llvm|mlir|LLVM|MLIR|flatbuffers)([^a-z]|$)")
ALLOWED_COMPILER_EXPORT = re.compile(r"^fusilli_compiler_\w+$|^fusilliCompiler\w*$")


def output_of(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def needed(library):
    """Every library that the loader maps for it, directly or not."""
    names = []
    for line in output_of("ldd", library).splitlines():
        if "not found" in line:
            names.append(line.strip())
        elif line.strip():
            names.append(os.path.basename(line.split()[0]))
    return names


def exported(library):
    """(mangled, demangled) of every symbol that it defines for others."""
    mangled = []
    for line in output_of("nm", "-D", "--defined-only", library).splitlines():
        name = line.split()[-1].split("@")[0]
        if line.split()[-2] != "A":
            mangled.append(name)
    demangled = subprocess.run(
        ["c++filt"], input="\n".join(mangled), capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return list(zip(mangled, demangled))


def check_library(library, is_compiler):
    problems = []
    for name in needed(library):
        if re.search(r"LLVM|MLIR|clang|fusilli_compiler|not found", name):
            problems.append(f"needs {name}")
    symbols = exported(library)
    if not symbols:
        problems.append("exports nothing")
    for mangled, name in symbols:
        if mangled.startswith("iree_"):
            problems.append(f"exports {name}")
        elif is_compiler and not ALLOWED_COMPILER_EXPORT.match(mangled):
            problems.append(f"exports {name}, which is not its C ABI")
        elif FOREIGN.search(name.split("(")[0].split("<")[0]):
            problems.append(f"exports {name}")
    return problems, len(symbols)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: check_symbols.py BUILD_FOLDER")
    folder = sys.argv[1]
    libraries = ["libfusilli.so"]
    cache = os.path.join(folder, "CMakeCache.txt")
    with open(cache, encoding="utf-8") as file:
        text = file.read()
    if "FUSILLI_BUILD_COMPILER:BOOL=OFF" not in text and (
        "FUSILLI_BUILD_COMPILER:UNINITIALIZED=OFF" not in text
    ):
        libraries.append("libfusilli_compiler.so")
    bad = 0
    for name in libraries:
        library = os.path.join(folder, "lib", name)
        if not os.path.exists(library):
            print(f"{library}: missing")
            bad += 1
            continue
        problems, count = check_library(library, "compiler" in name)
        print(f"{library}: {count} exported symbols, needs {', '.join(needed(library))}")
        for problem in problems[:20]:
            print(f"{library}: {problem}")
        bad += len(problems)
    print("symbols: ok" if bad == 0 else f"symbols: {bad} problems")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
