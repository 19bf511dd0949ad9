#!/usr/bin/env python3
"""Every built-in of the language on every dtype it is defined for, against NumPy and JAX: one table.

`builtins_table.py DLC [FILTER]` builds each case of `builtin_cases` twice, with sizes that are known and with sizes
that are not, calls both through their packed entries on random and special numbers, and compares. Exit status 1 where
one disagrees, where a dtype is accepted that its case does not name or the other way round, or where a built-in that
`dlc --print builtins` lists has no case. `skipped: REASON` where NumPy is missing; without JAX, NumPy alone.

Nearly all of the time is compilers': ours for the exports, JAX's for its side. So exports share libraries, JAX computes
many results in a program, and two processes share the work. Every dtype has an export for any sizes, which runs on all
sizes, and one for the first sizes; the last sizes (nothing, or a single element) have one of their own for two dtypes.
One form at least of each built-in is run on all its dtypes, which is checked; further ones are on some of them.

NumPy computes on f64 (f64 on its long double) and is rounded once. JAX computes f16 and bf16 in f32, as the language
does, the rest in its own dtype; XLA takes subnormal numbers for 0 on CPUs, so these are compared with NumPy only.
"""

import collections
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import traceback

try:
    import numpy  # noqa: F401
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(0)

from builtin_cases import ELSEWHERE
from builtin_cases import compare as comparing
from builtin_cases.case import CASES, EVERY
from builtin_cases.library import Failed, Library, check
from builtin_cases.workers import parts, run_all

#: Exports in one library, if its built-ins are several: enough for the start of compilers not to count.
MOST = 100


def accepted(dlc, folder, cases, rows):
    """Whether each case is accepted for the dtypes it names, and for no others."""
    probes, lines = [], []
    for case in cases:
        generic = "T" in case.types() or any(type_.split("[")[0] == "T" for type_ in [*case.params.values(), *case.types()])
        for dtype in EVERY if generic else case.dtypes[:1]:
            probes.append((case, dtype))
            lines.append(case.source(f"p{len(lines)}", dtype, None if case.dynamic else case.sizes[0]).removeprefix("export "))
    refused = check(dlc, folder, lines)
    for i, (case, dtype) in enumerate(probes):
        if (dtype in case.dtypes) == (i in refused):
            text = f"is refused: {refused[i]}" if i in refused else "is accepted, but not by the table"
            rows[case.op].fail(f"{case.call} on {dtype} {text}")


def run_on_all(cases, rows):
    """Whether each dtype that a built-in is accepted for has a case that is run."""
    for op, row in rows.items():
        some = [case for case in cases if case.op == op]
        missing = {dtype for case in some for dtype in case.dtypes} - {dtype for case in some for dtype in case.only}
        for dtype in sorted(missing):
            row.fail(f"nothing is run on {dtype}")


def exports(cases):
    """The exports of cases: lines, and for each case and dtype the names with their dims."""
    lines, plan = [], []
    for case in cases:
        for dtype in case.only:
            names = []
            if case.dynamic:
                names.append((f"e{len(lines)}", None))
                lines.append(case.source(names[-1][0], dtype))
            last = case.sizes[-1:] if len(case.sizes) > 1 and dtype in (case.only[0], case.only[-1]) else []
            sizes = case.sizes[:1] + (last if case.dims else [])
            for dims in sizes if case.static or not case.dynamic else []:
                names.append((f"e{len(lines)}", dims))
                lines.append(case.source(names[-1][0], dtype, dims))
            plan.append((case, dtype, names))
    return lines, plan


def family(dlc, cases):
    """The rows of the built-ins of cases."""
    rows = {case.op: comparing.Row(case.op) for case in cases}
    with tempfile.TemporaryDirectory() as folder:
        try:
            accepted(dlc, folder, cases, rows)
            run_on_all(cases, rows)
            lines, plan = exports(cases)
            library = Library(dlc, folder, "table", lines)
            trials = [comparing.trials_of(case, dtype) for case, dtype, _ in plan]
            every = [trial for some in trials for trial in some]
            comparing.ask_numpy(every)
            comparing.ask_jax(every)
            for (case, _, names), some in zip(plan, trials):
                rows[case.op].add(case, names, some, library)
        except Failed as error:
            if len(rows) > 1:
                # Which built-in it is shows by building each alone.
                return [row for op in rows for row in family(dlc, [case for case in cases if case.op == op])]
            rows[cases[0].op].fail(str(error))
        except Exception:
            for row in rows.values():
                row.fail(traceback.format_exc())
    return list(rows.values())


def groups_of(cases):
    """Cases in groups of one size, by their indices."""
    by_op = collections.defaultdict(list)
    for case in cases:
        by_op[case.op].append(case)
    sizes = [([CASES.index(case) for case in some], len(exports(some)[0])) for some in by_op.values()]
    return parts(sizes, MOST)


def dead(op, reason):
    """The row of a built-in whose process died."""
    row = comparing.Row(op)
    row.fail(reason)
    return row


def shown(dtypes):
    return " ".join(dtype for dtype in EVERY if dtype in dtypes)


def error_of(row, peer):
    if not (row.numpy if peer == "NumPy" else row.jax):
        return "-"
    return f"{row.worst[peer]:.3g}"


def say(text):
    print(text, flush=True)


def print_row(row):
    allowed = ", ".join(sorted(row.stated))
    jax = error_of(row, "JAX") if comparing.jax else "no JAX"
    status = "FAILED" if row.failures else "agrees"
    say(f"{row.op:<22} {shown(row.dtypes):<58} {len(row.variants):>5} {row.trials:>6} {error_of(row, 'NumPy'):>8} "
        f"{jax:>8}  {allowed:<28} {status}")


def print_findings(rows):
    """Notes and failures, after the table."""
    rows = sorted(rows, key=lambda row: row.op)
    for row in rows:
        for note in row.notes:
            say(f"note: {row.op}: {note}")
    for row in rows:
        for failure in row.failures[:8]:
            say(f"FAILED {row.op}: {failure}")
        if len(row.failures) > 8:
            say(f"FAILED {row.op}: and {len(row.failures) - 8} more")


def main():
    dlc = pathlib.Path(sys.argv[1]).resolve()
    wanted = sys.argv[2] if len(sys.argv) > 2 else ""
    started = time.time()
    listing = subprocess.run([dlc, "--print", "builtins"], capture_output=True, text=True, check=True).stdout
    names = [line.split("(")[0] for line in listing.splitlines()]
    cases = [case for case in CASES if wanted in case.op]
    say(f"{'operation':<22} {'dtypes that agree':<58} {'forms':>5} {'runs':>6} {'NumPy':>8} {'JAX':>8}  {'allowed':<28} status")
    rows = []
    work = lambda group: family(dlc, [CASES[index] for index in group])  # noqa: E731
    for row in run_all(groups_of(cases), work, lambda index: CASES[index].op, dead):
        rows.append(row)
        print_row(row)
    missing = sorted(set(names) - {case.op for case in CASES} - set(ELSEWHERE)) if not wanted else []
    print_findings(rows)
    for name in missing:
        say(f"FAILED {name}: the compiler has it, and the table has no case of it")
    for name, where in sorted(ELSEWHERE.items()):
        if name in names and not wanted:
            say(f"elsewhere: {name}: {where}")
    failed = sum(1 for row in rows if row.failures) + len(missing)
    if not comparing.jax:
        say(f"skipped: JAX: {comparing.NO_JAX}; compared with NumPy alone")
    times = os.times()
    say(f"{len(rows)} operations, {sum(row.exports for row in rows)} exports, {sum(row.trials for row in rows)} runs, "
        f"{failed} failed, {time.time() - started:.0f} s, of processors {sum(times[:4]):.0f} s")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
