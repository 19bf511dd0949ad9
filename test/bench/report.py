#!/usr/bin/env python3
"""Writes docs/src/performance.md and its plot from the figures in `figures`, a file for each number of threads.

Each FILE, written by `bench.py --json`, first takes the place of what is kept for as many threads.
"""

import argparse
import json
import math
import pathlib
import statistics
import sys

HERE = pathlib.Path(__file__).resolve().parent
FIGURES = HERE / "figures"
PAGE = HERE.parents[1] / "docs/src/performance.md"

HEAD = """# Performance

How fast built libraries are beside PyTorch (as it is, and by `torch.compile`), ONNX Runtime and JAX, on one machine.
`cargo xtask bench --write` takes the figures and writes this page; `cargo xtask bench` prints them only.

All run in one process and take turns: in each round each is called for about 20 ms, and the median of the rounds counts.
Before that, their results are compared. All are in f32, with tensors that are there already. The ratio is the best peer's
time over ours: above 1, ours is faster. What is reached of the limit is a part of what the machine can do in
multiply-adds, or in bytes copied where memory bounds the workload, which `test/bench/limits.c` measures first; from a cache
bytes come faster than that. Of convolutions the multiplications of the direct sum count, though fewer may be made. After a rest each is
called for 20 ms before it is timed. A goal is what the ratio is meant to be; those that are missed are in italics. The workloads
are in `test/bench/workloads.dl` and `examples/digits`.

![The ratio of each workload](performance.svg)
"""

COLUMNS = ["workload", "dlc, ms", "rate", "of the limit", "best peer", "its ms", "ratio", "goal"]


def best_peer(result):
    """Name and milliseconds of the fastest peer; none without peers."""
    peers = [(time, name) for name, time in result["milliseconds"].items() if name != "dlc"]
    return min(peers)[::-1] if peers else None


def ratio(result):
    """The best peer's time over ours; none without peers."""
    best = best_peer(result)
    return best[1] / result["milliseconds"]["dlc"] if best else None


def rate(result, limits):
    """What is done in a second and its part of the limit, as texts; empty where nothing bounds the workload."""
    for amount, unit, limit in (("flops", "GFLOP/s", "gflops"), ("bytes", "GB/s", "gbytes")):
        if result[amount]:
            done = result[amount] / result["milliseconds"]["dlc"] / 1e6
            return f"{done:.1f} {unit}", f"{100 * done / limits[limit]:.0f} %"
    return "", ""


def row(result, limits):
    best, times, goal = best_peer(result), ratio(result), result["goal"]
    cells = [result["title"], f"{result['milliseconds']['dlc']:.4g}", *rate(result, limits)]
    cells += [best[0], f"{best[1]:.4g}", f"{times:.2f}"] if best else ["", "", ""]
    cells.append("" if not goal else f"{goal:g}" if times and times >= goal else f"*{goal:g}*")
    return cells


def table(rows):
    lines = [COLUMNS, ["---", *["---:"] * 3, "---", *["---:"] * 3], *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def mean(results):
    """A sentence on the ratios that have a goal."""
    aimed = [(ratio(one), one["goal"]) for one in results if one["goal"] and best_peer(one)]
    if not aimed:
        return ""
    geometric = math.exp(statistics.fmean(math.log(value) for value, _ in aimed))
    reached = sum(value >= goal for value, goal in aimed)
    return f"The geometric mean of the ratios that have a goal is **{geometric:.2f}**; {reached} of {len(aimed)} goals are reached.\n"


def call(figures):
    """A sentence on the call from C, where it was timed."""
    timed = figures.get("call")
    return f"\nA {timed['title']}, takes {timed['nanoseconds']:.0f} ns; the goal is {timed['goal']} ns.\n" if timed else ""


def named(threads):
    return "One thread" if threads == 1 else f"{threads} threads"


def section(figures):
    machine, limits = figures["machine"], figures["limits"]
    versions = ", ".join(f"{name} {version}" for name, version in figures["versions"].items())
    return f"""
## {named(figures["threads"])}

- Taken on {figures["date"]} with {versions}.
- Machine: {machine["processor"]}, {machine["cores"]} cores; caches {", ".join(machine["caches"])}.
- Limits of {named(figures["threads"]).lower()}: {limits["gflops"]} GFLOP/s, {limits["gbytes"]} GB/s.

{table([row(one, limits) for one in figures["results"]])}
{mean(figures["results"])}{call(figures)}"""


def plot(kept, path):
    """Horizontal bars from 1 to the ratio of each workload, in colours that stand out on light and dark pages."""
    colours, ink = ["#4c84c4", "#d9822b", "#5a9e5a", "#b05fa8"], "#7a7a7a"
    settings = {"svg.fonttype": "none", "svg.hashsalt": "performance", "font.family": "sans-serif", "font.size": 9}
    inked = ["text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"]
    pyplot.rcParams.update(settings | dict.fromkeys(inked, ink))
    titles = list(dict.fromkeys(one["title"] for figures in kept for one in figures["results"]))
    figure, axes = pyplot.subplots(figsize=(8, 1.2 + 0.23 * len(titles)), layout="constrained")
    height = 0.8 / len(kept)
    for number, (figures, colour) in enumerate(zip(kept, colours)):
        drawn = [one for one in figures["results"] if best_peer(one)]
        middles = [titles.index(one["title"]) - 0.4 + height * (number + 0.5) for one in drawn]
        axes.barh(middles, [ratio(one) - 1 for one in drawn], height, left=1, color=colour, label=named(figures["threads"]))
        goals = [(one["goal"], middle) for one, middle in zip(drawn, middles) if one["goal"]]
        axes.plot(*zip(*goals), "|", color="#d0405a", markeredgewidth=1.8, label="goal" if number == 0 else None)
    axes.axvline(1, color=ink, linewidth=1)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))
    axes.set_yticks(range(len(titles)), titles)
    axes.set_ylim(len(titles) - 0.4, -0.6)
    axes.set_xlabel("time of the best peer / time of dlc: to the right of 1, dlc is faster")
    axes.xaxis.grid(True, color=ink, alpha=0.3, linewidth=0.5)
    axes.set_axisbelow(True)
    figure.legend(loc="outside upper right", frameon=False, ncols=len(kept) + 1)
    figure.savefig(path, transparent=True, metadata={"Date": None})


def read(path):
    figures = json.loads(path.read_text())
    for key in ("machine", "versions", "date"):
        if key not in figures:
            sys.exit(f"report.py: {path} has no {key}; write it again with `bench.py --json`")
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", metavar="FILE", nargs="*", type=pathlib.Path)
    files = parser.parse_args().files
    FIGURES.mkdir(exist_ok=True)
    for path in files:
        figures = read(path)
        kept = FIGURES / f"threads-{figures['threads']}.json"
        kept.write_text(json.dumps(figures, indent=1) + "\n")
    kept = sorted((read(path) for path in FIGURES.glob("threads-*.json")), key=lambda figures: figures["threads"])
    if not kept:
        sys.exit(f"report.py: {FIGURES} has no figures yet; name files that `bench.py --json` wrote")
    plot(kept, PAGE.with_suffix(".svg"))
    PAGE.write_text(HEAD + "".join(map(section, kept)))
    print(f"wrote {PAGE.relative_to(HERE.parents[1])} and {PAGE.with_suffix('.svg').name}")


if __name__ == "__main__":
    try:
        import matplotlib

        matplotlib.use("svg")
        from matplotlib import pyplot, ticker
    except ImportError:
        sys.exit(f"report.py: the plot needs matplotlib: {sys.executable} -m pip install matplotlib")
    main()
