#!/usr/bin/env python3
# Part of the Fusilli project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Makes digits.txt from the digits.csv.gz of scikit-learn (in Debian: package
# python3-sklearn). One image a line: its label, a space, then its 64 pixels
# row by row, each one letter from 'a' (0) to 'q' (16).
#
#   convert.py digits.csv.gz > digits.txt
import gzip
import sys


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: convert.py digits.csv.gz > digits.txt")
    with gzip.open(sys.argv[1], "rt") as table:
        for number, line in enumerate(table, 1):
            values = [int(float(text)) for text in line.split(",")]
            if len(values) != 65 or not all(0 <= v <= 16 for v in values[:64]):
                sys.exit(f"line {number}: expected 64 pixels of 0 to 16 and a label")
            pixels = "".join(chr(ord("a") + v) for v in values[:64])
            print(f"{values[64]} {pixels}")


if __name__ == "__main__":
    main()
