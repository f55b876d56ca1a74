#!/usr/bin/env python3
# Part of the Fusilli project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Draws a report of fusilli-bench: a roofline with our points and the peers',
# and bars of the ratios of the peers' times over ours.
#
#   benchmarks/plot.py result.json --out plot.svg
import argparse
import json
import math
import sys

OURS = "fusilli"


class Failure(Exception):
    """What is wrong with the input, for people."""


def parse_arguments(argv):
    parser = argparse.ArgumentParser(
        description="Draws a report of fusilli-bench (--json) as a picture: a roofline with "
        "our points and the peers', and bars of the peers' times over ours."
    )
    parser.add_argument("reports", nargs="+", metavar="REPORT", help="report in JSON")
    parser.add_argument(
        "--out", required=True, metavar="FILE", help="picture to write; .svg, .png or .pdf"
    )
    parser.add_argument("--title", help="default: CPU, target, threads")
    return parser.parse_args(argv)


def read_report(path):
    """The report of a file, checked as far as it is used."""
    try:
        with open(path, encoding="utf-8") as file:
            report = json.load(file)
    except OSError as error:
        raise Failure(f"cannot read '{path}': {error.strerror}") from error
    except ValueError as error:
        raise Failure(f"'{path}' is not JSON: {error}") from error
    if not isinstance(report, dict) or report.get("schema") != 1:
        raise Failure(f"'{path}' is no report of fusilli-bench: expected schema 1")
    if not isinstance(report.get("problems"), list) or not isinstance(
        report.get("machine"), dict
    ):
        raise Failure(f"'{path}' is no report of fusilli-bench: no problems or no machine")
    return report


def points_of(report):
    """(problem, who, flops per byte, GFLOP/s, GB/s, time over ours) of all that was timed.

    Bytes are those that must move, so that a problem has one place on the axis for everyone.
    """
    points = []
    for problem in report["problems"]:
        time, gbps = problem.get("time_us"), problem.get("gbps")
        if not time or not gbps:
            continue
        gflops = problem.get("gflops")
        sides = [(OURS, time)]
        for name, peer in problem.get("peers", {}).items():
            if peer.get("time_us"):
                sides.append((name, peer["time_us"]))
        for who, their_time in sides:
            factor = time / their_time
            points.append(
                {
                    "problem": problem["problem"],
                    "who": who,
                    "intensity": gflops / gbps if gflops else None,
                    "gflops": gflops * factor if gflops else None,
                    "gbps": gbps * factor,
                    "ratio": their_time / time,
                }
            )
    if not points:
        raise Failure("the report has no problem that was measured")
    return points


def roofs_of(machine):
    """(name, GFLOP/s) of the arithmetic peaks, and GB/s of memory, as far as measured."""
    names = [
        ("f32", "f32_gflops"),
        ("bf16 dot", "bf16_dot_gflops"),
        ("bf16 amx", "bf16_amx_gflops"),
        ("i8 dot", "i8_dot_gops"),
    ]
    peaks = [(name, machine[key]) for name, key in names if machine.get(key)]
    memory = [machine[key] for key in ("copy_gbps", "read_gbps") if machine.get(key)]
    return peaks, max(memory) if memory else None


def draw_roofline(axes, report, points):
    drawn = [point for point in points if point["intensity"]]
    peaks, memory = roofs_of(report["machine"])
    if not drawn or not peaks or not memory:
        axes.set_axis_off()
        axes.text(0.5, 0.5, "no problem with arithmetic", ha="center", va="center")
        return
    intensities = [point["intensity"] for point in drawn]
    ridges = [peak / memory for _, peak in peaks]
    low, high = min(intensities + ridges) / 4, max(intensities + ridges) * 2
    steps = [low * (high / low) ** (i / 200) for i in range(201)]
    for name, peak in peaks:
        axes.plot(steps, [min(peak, memory * x) for x in steps], color="0.6", linewidth=1)
        axes.annotate(f"{name} {peak:.0f}", (high, peak), ha="right", va="bottom", fontsize=7)
    for who in dict.fromkeys(point["who"] for point in points):
        own = [point for point in drawn if point["who"] == who]
        axes.scatter(
            [point["intensity"] for point in own],
            [point["gflops"] for point in own],
            marker="o" if who == OURS else "x",
            s=24,
            label=who,
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("operations per byte that must move")
    axes.set_ylabel("GFLOP/s")
    axes.set_title(f"roofline, {memory:.0f} GB/s", fontsize=9)
    axes.legend(fontsize=7)


def draw_ratios(axes, points):
    bars = [point for point in points if point["who"] != OURS]
    if not bars:
        axes.set_axis_off()
        axes.text(0.5, 0.5, "no peer was measured", ha="center", va="center")
        return
    places = range(len(bars))
    colors = ["tab:green" if point["ratio"] >= 1 else "tab:red" for point in bars]
    axes.barh(places, [point["ratio"] for point in bars], color=colors)
    axes.axvline(1, color="0.3", linewidth=1)
    peers = {point["who"] for point in bars}
    labels = [
        point["problem"] + ("" if len(peers) == 1 else f" ({point['who']})") for point in bars
    ]
    axes.set_yticks(list(places))
    axes.set_yticklabels(labels, fontsize=6)
    axes.invert_yaxis()
    mean = math.exp(sum(math.log(point["ratio"]) for point in bars) / len(bars))
    axes.set_xlabel("time of " + ", ".join(sorted(peers)) + " over ours (above 1: we are faster)")
    axes.set_title(f"ratios, geometric mean {mean:.2f}", fontsize=9)


def merge(reports):
    """One report from several of one machine: all problems, the highest peaks."""
    merged = {"machine": dict(reports[0]["machine"]), "problems": []}
    for report in reports:
        merged["problems"] += report["problems"]
        for key, value in report["machine"].items():
            number = isinstance(value, (int, float))
            if number and key != "threads" and value > (merged["machine"].get(key) or 0):
                merged["machine"][key] = value
    return merged


def title_of(report):
    machine = report["machine"]
    targets = sorted({problem.get("target", "?") for problem in report["problems"]})
    threads = machine.get("threads", "?")
    return f"{machine.get('cpu', 'unknown CPU')}, {', '.join(targets)}, threads: {threads}"


def draw(report, points, title, out):
    try:
        import matplotlib
    except ImportError as error:
        raise Failure(
            "matplotlib is missing: install python3-matplotlib (scripts/setup does)"
        ) from error
    matplotlib.use("Agg")
    from matplotlib import pyplot

    bars = sum(1 for point in points if point["who"] != OURS)
    height = max(4.5, 0.22 * bars + 1.5)
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(13, height), layout="constrained")
    draw_roofline(left, report, points)
    draw_ratios(right, points)
    figure.suptitle(title, fontsize=10)
    try:
        figure.savefig(out)
    except (OSError, ValueError) as error:
        raise Failure(f"cannot write '{out}': {error}") from error
    pyplot.close(figure)


def main(argv=None):
    arguments = parse_arguments(argv)
    try:
        report = merge([read_report(path) for path in arguments.reports])
        points = points_of(report)
        draw(report, points, arguments.title or title_of(report), arguments.out)
    except Failure as failure:
        print(f"plot.py: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
