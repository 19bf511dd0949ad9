#!/usr/bin/env python3
"""Times built libraries and their peers in turns in one process.

FOLDER holds what `dlc build --threads` wrote for workloads.dl in `workloads`, for examples/digits in `digits`, the programs `limits` and `call` and
libdlc_pool_c.so. Of the workloads those are run whose titles match PATTERN. Every peer's result is first held against ours. Each round calls every implementation in
turn for about 20 ms; the median of the rounds counts, and the ratio is the best peer's time over ours: above 1, ours is faster.
"""

import argparse
import json
import math
import os
import pathlib
import re
import statistics
import subprocess
import sys


#: A call from C, timed by call.c, and the most nanoseconds that it is meant to take.
CALL, MOST = "call of MLP 64-64-10, batch 1, from C", 2000


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="FOLDER", type=pathlib.Path)
    parser.add_argument("pattern", metavar="PATTERN", nargs="?", default="")
    parser.add_argument("--threads", type=int, default=1, metavar="N")
    parser.add_argument("--rounds", type=int, default=15, metavar="N")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="the figures, for a program; with --dlc")
    parser.add_argument("--dlc", type=pathlib.Path, metavar="PATH", help="the compiler that the libraries are of")
    options = parser.parse_args()
    if options.json and not options.dlc:
        parser.error("--json tells the versions too: name the compiler with --dlc")
    return options


def ways_of(workload, library, others):
    """What to call and what reads its results, by name; ours first."""
    leaves = [put(x) for x in [*workload.params, *workload.inputs]]
    results = library.results(workload.export, workload.dims)
    ways = {"dlc": (library.bind(workload.export, workload.dims, leaves + results), lambda: results)}
    made = ((name, make(workload)) for name, make in others.items() if workload.program)
    return ways | {name: way for name, way in made if way}


def share(workload, milliseconds, limits):
    """How near to what the machine can do: a text, empty where nothing bounds it."""
    if workload.flops:
        rate = workload.flops / milliseconds / 1e6
        return f"{rate:6.1f} GFLOP/s {100 * rate / limits['gflops']:4.0f} %"
    if workload.bytes:
        rate = workload.bytes / milliseconds / 1e6
        return f"{rate:6.2f} GB/s    {100 * rate / limits['gbytes']:4.0f} %"
    return ""


def ratio_of(times):
    """The best peer's time over ours; none without peers."""
    others = [one for name, one in times.items() if name != "dlc"]
    return min(others) / times["dlc"] if others else None


def line(workload, times, limits):
    mine, ratio = times["dlc"], ratio_of(times)
    goal = f"{workload.goal:5.2f}" if workload.goal else "     "
    parts = "  ".join(f"{name} {one:.3f} ({one / mine:.2f})" for name, one in times.items() if name != "dlc")
    ratio = "    -" if ratio is None else f"{ratio:5.2f}"
    return f"{workload.title:<40} {mine:>9.4f} ms {share(workload, mine, limits):<22} {ratio} {goal}  {parts}"


def all_ways(options):
    """Makers of workloads with their ways."""
    pool, others = executor(options.folder, options.threads), peers.found(options.threads)
    library = Library(options.folder / "workloads", pool)
    for make in workloads.ALL:
        yield lambda make=make: (one := make(), lambda: ways_of(one, library, others))
    for batch in (32, 256):
        title = f"digits training step, batch {batch}"
        yield lambda batch=batch, title=title: (workloads.Workload(title), lambda: digits.ways_of(options.folder / "digits", batch, options.threads, pool))


def told(*command):
    """What a program prints, which is JSON."""
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def call_from_c(options):
    """The call that call.c times, where it is asked for: it runs on one thread."""
    if options.threads > 1 or not re.search(options.pattern, CALL):
        return None
    call = {"title": CALL, "goal": MOST, **told(options.folder / "call")}
    print(f"{CALL}: {call['nanoseconds']:.0f} ns, {MOST} ns at most wanted", flush=True)
    return call


def main(options):
    limits = told(options.folder / "limits", str(options.threads))
    print(f"{options.threads} thread(s); limits: {limits['gflops']} GFLOP/s of f32 multiply-adds, {limits['gbytes']} GB/s of a copy")
    call = call_from_c(options)
    results, ratios, short = [], [], []
    for make in all_ways(options):
        workload, ways = make()
        if not re.search(options.pattern, workload.title):
            continue
        times = turns.timed(turns.agreeing(ways()), options.rounds)
        print(line(workload, times, limits), flush=True)
        results.append({"title": workload.title, "milliseconds": times, "flops": workload.flops, "bytes": workload.bytes, "goal": workload.goal})
        ratio = ratio_of(times)
        if ratio and workload.goal:
            ratios.append(ratio)
            short += [workload.title] if ratio < workload.goal else []
    if ratios:
        print(f"geometric mean of the ratios with a goal: {math.exp(statistics.fmean(map(math.log, ratios))):.3f}; "
              f"{len(ratios) - len(short)} of {len(ratios)} reach it; short: {', '.join(short) or 'none'}")
    if options.json:
        figures = {"threads": options.threads, **machine.about(options.dlc), "limits": limits, "call": call, "results": results}
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    given = arguments()
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = str(given.threads)
    # XLA sizes its pool by this.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-given.threads:])
    try:
        import digits
        import machine
        import peers
        import turns
        import workloads
        from library import Library, executor, put
    except ImportError as missing:
        sys.exit(f"bench.py: {missing}")
    main(given)
