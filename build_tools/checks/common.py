# Part of the Fusilli project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# What the presubmit checks share: which files there are, and how a check reports.
import argparse
import os
import subprocess
import sys

SOURCE_SUFFIXES = (".h", ".cpp", ".c", ".inc", ".td", ".fbs")


def tracked_files(root):
    """The project's files, relative to root: tracked or new, not ignored.
    Outside a git checkout, every file but those under build/."""
    command = ["git", "ls-files", "-z", "-co", "--exclude-standard"]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, check=True)
        names = [name for name in done.stdout.decode().split("\0") if name]
        if names:
            return sorted(
                {name for name in names if os.path.isfile(os.path.join(root, name))}
            )
    except (OSError, subprocess.CalledProcessError):
        pass
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = [f for f in folders if f not in ("build", ".git", "__pycache__")]
        found += [os.path.relpath(os.path.join(folder, f), root) for f in files]
    return sorted(found)


def read(root, name):
    with open(os.path.join(root, name), encoding="utf-8", errors="replace") as file:
        return file.read()


def run(name, check):
    """Runs check(root), which gives a list of (file, line, message), prints
    what it found in compiler style, and exits 1 if that is anything."""
    default = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    parser = argparse.ArgumentParser(description=check.__doc__)
    parser.add_argument("--root", default=default, help="the tree to check")
    root = os.path.abspath(parser.parse_args().root)
    problems = check(root)
    for file, line, message in problems:
        print(f"{file}:{line}: {message}")
    print(f"{name}: {len(problems)} problems" if problems else f"{name}: ok")
    sys.exit(1 if problems else 0)
