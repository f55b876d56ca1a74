#!/usr/bin/env python3
# Part of the Fusilli project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Tests of the presubmit checks: small trees, broken on purpose, in which each
# check must find exactly what was broken.
import os
import tempfile
import unittest

import check_contract
import check_docs
import check_files
import check_layering
import check_ops

TAG = (
    "// Part of the Fusilli project, under the Apache License v2.0 with LLVM\n"
    "// Exceptions. See LICENSE for license information.\n"
    "// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception\n"
)


class CheckTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = self.folder.name
        self.write("LICENSE", "text\n")

    def tearDown(self):
        self.folder.cleanup()

    def write(self, path, text):
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)


class LayeringTest(CheckTest):
    def verdict(self, path, include, *others):
        for other in others:
            self.write(other, TAG)
        self.write(path, f"{TAG}#include {include}\n")
        return [(p, n) for p, n, _ in check_layering.check(self.root) if p == path]

    def refused(self, path, include, *others):
        self.assertEqual(self.verdict(path, include, *others), [(path, 4)])

    def accepted(self, path, include, *others):
        self.assertEqual(self.verdict(path, include, *others), [])

    def test_llvm_only_in_compiler(self):
        self.refused("runtime/vm/context.cpp", '"llvm/ADT/SmallVector.h"')
        self.refused("include/fusilli/graph/graph.h", "<mlir/IR/MLIRContext.h>")
        self.accepted("compiler/Driver/Driver.cpp", '"mlir/IR/MLIRContext.h"')

    def test_graph_does_not_see_runtime(self):
        self.refused("graph/graph.cpp", '"runtime/hal/fence.h"')
        self.accepted("graph/graph.cpp", '"support/status.h"')
        self.accepted("graph/graph.cpp", "<fusilli/graph/graph.h>")

    def test_hal_does_not_see_drivers_or_vm(self):
        self.refused("runtime/hal/device.cpp", '"runtime/hal/drivers/cpu/device.h"')
        self.refused("runtime/hal/device.cpp", '"runtime/vm/context.h"')
        self.refused("runtime/hal/drivers/cpu/d.cpp", '"runtime/hal/drivers/null/d.h"')
        self.accepted("runtime/hal/drivers/cpu/d.cpp", '"runtime/hal/device.h"')

    def test_only_vm_modules_joins_vm_and_hal(self):
        self.refused("runtime/vm/context.cpp", '"runtime/hal/device.h"')
        self.accepted("runtime/vm/modules/hal_module.cpp", '"runtime/hal/device.h"')

    def test_reference_is_for_tests_only(self):
        self.refused("engine/engine.cpp", '"reference/matmul.h"')
        self.accepted("engine/engine_test.cpp", '"reference/matmul.h"')

    def test_public_headers_stand_alone(self):
        self.refused("include/fusilli/graph/graph.h", '"support/status.h"')
        self.accepted("include/fusilli/graph/graph.h", '"fusilli/node/node.h"')

    def test_samples_use_the_public_api(self):
        self.refused("samples/a/main.cpp", '"engine/handle.h"')
        self.accepted("samples/a/main.cpp", "<fusilli.h>")
        self.accepted("samples/a/main.cpp", '"model.h"', "samples/a/model.h")

    def test_nothing_includes_tools(self):
        self.refused("tests/a_test.cpp", '"tools/fusilli-run/npy.h"')

    def test_compiler_stages(self):
        self.refused("compiler/Conversion/A.cpp", '"compiler/Codegen/CPU/B.h"')
        self.refused("compiler/Dialect/Fusilli/IR/A.cpp", '"graph/graph.h"')
        self.accepted("compiler/Pipelines/A.cpp", '"compiler/Codegen/CPU/B.h"')

    def test_new_folder_needs_a_row(self):
        self.write("misc/a.cpp", TAG)
        found = [path for path, _, _ in check_layering.check(self.root)]
        self.assertEqual(found, ["misc/a.cpp"])


class FilesTest(CheckTest):
    def messages(self):
        return [message for _, _, message in check_files.check(self.root)]

    def test_good_file(self):
        text = TAG + "#ifndef SUPPORT_A_H\n#define SUPPORT_A_H\n#endif\n"
        self.write("support/a.h", text)
        self.assertEqual(self.messages(), [])

    def test_licence_tag(self):
        self.write("support/a.cpp", "int a;\n")
        self.assertEqual(self.messages(), ["no licence tag in the first 8 lines"])

    def test_size(self):
        self.write("support/a.cpp", TAG + "int a;\n" * 797)
        self.assertEqual(self.messages(), [])
        self.write("support/a.cpp", TAG + "int a;\n" * 798)
        self.assertIn("801 lines", self.messages()[0])

    def test_guard(self):
        self.write("support/a.h", TAG + "#ifndef A_H\n#define A_H\n#endif\n")
        self.assertEqual(self.messages(), ["include guard A_H, expected SUPPORT_A_H"])
        self.write("support/a.h", TAG + "int a;\n")
        self.assertEqual(self.messages(), ["no include guard"])

    def test_marks(self):
        self.write("support/a.cpp", TAG + "<<<<<<< ours\nint a; \n\tint b;\n")
        self.assertEqual(self.messages(), ["merge mark", "trailing blank", "tab"])

    def test_licence_file(self):
        os.remove(os.path.join(self.root, "LICENSE"))
        self.assertEqual(self.messages(), ["missing"])


class ContractTest(CheckTest):
    TESTS = "TEST(RefTest, Counts) {}\nTEST_P(\n    QueueTest, Orders) {}\n"

    def messages(self, *rows):
        self.write("runtime/ref_test.cpp", TAG + self.TESTS)
        self.write("docs/runtime-contract.md", "\n".join(rows) + "\n")
        return [message for _, _, message in check_contract.check(self.root)]

    def test_rules_with_their_tests(self):
        rows = ("| 1.1 | a | `RefTest.Counts`, `QueueTest.Orders` |", "text | 2.1 |")
        self.assertEqual(self.messages(*rows), [])

    def test_what_is_missing_is_named(self):
        rows = (
            "| 1.1 | a rule | |",
            "| 1.2 | b | `RefTest.Gone` |",
            "| 1.1 | c | `RefTest.Counts` |",
        )
        self.assertEqual(
            self.messages(*rows),
            [
                "rule 1.1 has no test",
                "rule 1.2 names the test RefTest.Gone, which does not exist",
                "rule 1.1 is there twice",
            ],
        )

    def test_no_rules_is_a_problem(self):
        self.assertEqual(self.messages("nothing"), ["no rules"])
        os.remove(os.path.join(self.root, "docs/runtime-contract.md"))
        self.assertEqual(
            [m for _, _, m in check_contract.check(self.root)], ["missing"]
        )


class OpsTest(CheckTest):
    FILES = [
        "graph/ops/conv_fprop.cpp",
        "graph/ops/conv_fprop_test.cpp",
        "compiler/Dialect/Fusilli/IR/ops/ConvFProp.td",
        "compiler/Dialect/Fusilli/IR/ops/ConvFProp.cpp",
        "compiler/Dialect/Fusilli/IR/test/conv-fprop.mlir",
        "compiler/Dialect/Fusilli/IR/test/conv-fprop-invalid.mlir",
        "compiler/Import/ops/ConvFProp.cpp",
        "reference/conv_fprop.cpp",
        "tests/e2e/conv_fprop_test.cpp",
    ]

    def setUp(self):
        super().setUp()
        self.write("graph/ops/ops.inc", "FUSILLI_OP(conv_fprop)\n")
        self.write("docs/ops.md", "| `conv_fprop` | yes |\n")
        for path in self.FILES:
            self.write(path, TAG)

    def messages(self):
        return [message for _, _, message in check_ops.check(self.root)]

    def test_complete_op(self):
        self.assertEqual(self.messages(), [])

    def test_each_stage_is_needed(self):
        for path in self.FILES:
            os.remove(os.path.join(self.root, path))
            self.assertEqual(self.messages(), [f"conv_fprop: no {check_ops.folded(path)}"])
            self.write(path, TAG)

    def test_row_in_docs(self):
        self.write("docs/ops.md", "| matmul | yes |\n")
        self.assertEqual(self.messages(), ["conv_fprop: no row in docs/ops.md"])

    def test_op_of_the_api_alone(self):
        for path in self.FILES[2:]:
            os.remove(os.path.join(self.root, path))
        wanted = "conv_fprop: its row in docs/ops.md must say 'API only'"
        self.assertEqual(self.messages(), [wanted])
        self.write("docs/ops.md", "| `conv_fprop` | API only |\n")
        self.assertEqual(self.messages(), [])

    def test_list_is_needed(self):
        os.remove(os.path.join(self.root, "graph/ops/ops.inc"))
        self.assertEqual(self.messages(), ["missing"])


class DocsTest(CheckTest):
    def messages(self):
        return [message for _, _, message in check_docs.check(self.root)]

    def test_paths_and_links(self):
        self.write("graph/a.cpp", TAG)
        self.write(
            "README.md",
            "`graph/a.cpp` `graph/*.cpp` `graph/` `other/b.cpp` `a.cpp` [x](graph/a.cpp#1)\n"
            "[y](https://example.org/x) `graph/ops/rmsnorm.cpp`\n",
        )
        self.assertEqual(self.messages(), [])
        self.write("README.md", "`graph/b.cpp` [x](docs/x.md)\n")
        self.assertEqual(
            self.messages(),
            ["there is no graph/b.cpp", "link to docs/x.md, which is not there"],
        )


if __name__ == "__main__":
    unittest.main()
