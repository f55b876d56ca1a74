# Part of the Fusilli project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The lit suite of compiler/: every .mlir file in a folder named test.
# Run by CTest as the test `lit`; by hand:
#   lit -sv build/<preset>/compiler/lit --filter=<path part>
import os

import lit.formats

config.name = "Fusilli"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir"]
config.excludes = ["Inputs"]
config.test_source_root = os.path.join(config.fusilli_source_dir, "compiler")
config.test_exec_root = os.path.join(config.fusilli_binary_dir, "compiler", "lit")
config.environment["PATH"] = os.pathsep.join(
    [config.fusilli_tools_dir, config.llvm_tools_dir, config.environment["PATH"]]
)
config.environment["FUSILLI_COMPILER_LIB"] = os.path.join(
    config.fusilli_lib_dir, "libfusilli_compiler.so"
)

# Every use of fusilli-opt also checks that its output prints and parses back.
config.substitutions.append(
    ("%fusilli-opt", "fusilli-opt --verify-roundtrip")
)

with open("/proc/cpuinfo") as cpuinfo:
    flags = cpuinfo.read().split()
if "avx512f" in flags:
    config.available_features.add("avx512")
if "avx512_bf16" in flags:
    config.available_features.add("avx512bf16")
