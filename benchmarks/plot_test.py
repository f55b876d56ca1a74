#!/usr/bin/env python3
# Part of the Fusilli project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# plot.py: what it takes from a report, its errors, and a picture where
# matplotlib is installed.
import contextlib
import importlib.util
import io
import json
import os
import sys
import tempfile
import unittest
from unittest import mock

import plot

HAS_MATPLOTLIB = importlib.util.find_spec("matplotlib") is not None

REPORT = {
    "schema": 1,
    "machine": {"cpu": "A CPU", "threads": 1, "f32_gflops": 100, "copy_gbps": 20, "read_gbps": 25},
    "problems": [
        {
            "problem": "matmul 100x100x100 f32",
            "target": "host",
            "time_us": 40,
            "gflops": 50,
            "gbps": 3,
            "peers": {"onednn": {"time_us": 80}, "other": {"unsupported": "no"}},
        },
        {
            "problem": "pointwise 1000 f32 add",
            "target": "host",
            "time_us": 1,
            "gflops": None,
            "gbps": 12,
            "peers": {"onednn": {"time_us": 0.5}},
        },
        {"problem": "sdpa", "target": "host", "time_us": None, "error": "no such op"},
    ],
}


class PlotTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.out = os.path.join(folder.name, "plot.svg")
        self.report = os.path.join(folder.name, "report.json")
        self.write(json.dumps(REPORT))

    def write(self, text):
        with open(self.report, "w", encoding="utf-8") as file:
            file.write(text)

    def run_plot(self, *arguments):
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors):
            code = plot.main([self.report, "--out", self.out, *arguments])
        return code, errors.getvalue()

    def test_points_are_ours_and_the_peers(self):
        points = plot.points_of(REPORT)
        self.assertEqual([p["who"] for p in points], ["fusilli", "onednn"] * 2)
        ours, theirs = points[:2]
        self.assertEqual((ours["gflops"], ours["ratio"]), (50, 1))
        self.assertEqual((theirs["gflops"], theirs["ratio"]), (25, 2))
        self.assertEqual(ours["intensity"], theirs["intensity"])
        self.assertIsNone(points[2]["intensity"])
        self.assertEqual(points[3]["gbps"], 24)

    def test_roofs_are_what_was_measured(self):
        self.assertEqual(plot.roofs_of(REPORT["machine"]), ([("f32", 100)], 25))

    def test_reports_of_one_machine_are_merged(self):
        other = {"machine": {"f32_gflops": 90, "copy_gbps": 30}, "problems": [{}]}
        merged = plot.merge([REPORT, other])
        self.assertEqual(len(merged["problems"]), 4)
        self.assertEqual(merged["machine"]["f32_gflops"], 100)
        self.assertEqual(merged["machine"]["copy_gbps"], 30)

    def test_errors_name_the_file_and_what_is_wrong(self):
        for text, wanted in (
            ("{", "is not JSON"),
            ('{"schema": 2}', "expected schema 1"),
            ('{"schema": 1}', "no problems"),
        ):
            self.write(text)
            code, error = self.run_plot()
            self.assertEqual(code, 1)
            self.assertIn(wanted, error)
            self.assertIn(self.report, error)
        os.remove(self.report)
        self.assertIn("cannot read", self.run_plot()[1])
        self.write('{"schema": 1, "machine": {}, "problems": []}')
        self.assertIn("no problem that was measured", self.run_plot()[1])

    def test_missing_matplotlib_is_said(self):
        with mock.patch.dict(sys.modules, {"matplotlib": None}):
            code, error = self.run_plot()
        self.assertEqual(code, 1)
        self.assertIn("python3-matplotlib", error)

    @unittest.skipUnless(HAS_MATPLOTLIB, "matplotlib is not installed")
    def test_draws_a_picture(self):
        code, error = self.run_plot()
        self.assertEqual((code, error), (0, ""))
        with open(self.out, encoding="utf-8") as file:
            text = file.read()
        self.assertIn("<svg", text)
        self.out = "/nonexistent/plot.svg"
        code, error = self.run_plot()
        self.assertEqual(code, 1)
        self.assertIn("/nonexistent/plot.svg", error)


if __name__ == "__main__":
    unittest.main()
