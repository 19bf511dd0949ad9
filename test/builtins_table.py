#!/usr/bin/env python3
"""Every built-in of the language on every dtype it is defined for, against NumPy and JAX: one table.

`builtins_table.py DLC [FILTER]` builds each case of `builtin_cases` twice, with sizes that are known and with sizes
that are not, calls both through their packed entries on random and special numbers, and compares. Exit status 1 where
one disagrees, where a dtype is accepted that its case does not name or the other way round, or where a built-in that
`dlc --print builtins` lists has no case. `skipped: REASON` where NumPy is missing; without JAX, NumPy alone.

NumPy computes on f64 (f64 on its long double) and is rounded once. JAX computes f16 and bf16 in f32, as the language
does, the rest in its own dtype; XLA takes subnormal numbers for 0 on CPUs, so these are compared with NumPy only.
"""

import collections
import multiprocessing
import pathlib
import signal
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

#: Exports in one library: enough for the start of a compiler not to count, few enough to share two cores.
MOST = 60


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


def exports(cases):
    """The exports of cases: lines, and for each case and dtype the names with their dims."""
    lines, plan = [], []
    for case in cases:
        for dtype in case.only:
            names = []
            if case.dynamic:
                names.append((f"e{len(lines)}", None))
                lines.append(case.source(names[-1][0], dtype))
            sizes = [case.sizes[0], case.sizes[-1]] if case.dims and len(case.sizes) > 1 else case.sizes[:1]
            for dims in sizes if case.static or not case.dynamic else []:
                names.append((f"e{len(lines)}", dims))
                lines.append(case.source(names[-1][0], dtype, dims))
            plan.append((case, dtype, names))
    return lines, plan


def family(dlc, cases, pipe):
    """Runs cases in a process of their own and sends their rows."""
    rows = {case.op: comparing.Row(case.op) for case in cases}
    with tempfile.TemporaryDirectory() as folder:
        try:
            accepted(dlc, folder, cases, rows)
            lines, plan = exports(cases)
            library = Library(dlc, folder, "table", lines)
            for case, dtype, names in plan:
                row = rows[case.op]
                before = len(row.failures)
                comparing.run(case, dtype, names, library, row)
                row.exports += len(names)
                row.variants.add(case.call)
                row.stated[str(case.tol)] += 1
                row.numpy += case.numpy is not None
                row.jax += case.jax is not None
                if case.note and case.note not in row.notes:
                    row.notes.append(case.note)
                if len(row.failures) == before:
                    row.dtypes.add(dtype)
        except Failed as error:
            for row in rows.values():
                row.fail(str(error))
        except Exception:
            for row in rows.values():
                row.fail(traceback.format_exc())
    pipe.send(list(rows.values()))


def parts(cases):
    """Cases in groups of one size, all of a built-in in one."""
    by_op = collections.defaultdict(list)
    for case in cases:
        by_op[case.op].append(case)
    groups, count = [[]], 0
    for some in by_op.values():
        size = sum(len(case.only) * 3 for case in some)
        if count + size > MOST and groups[-1]:
            groups.append([])
            count = 0
        groups[-1] += some
        count += size
    return groups


def run_all(dlc, groups):
    """All rows; a process that dies is a failure of its built-ins."""
    fork = multiprocessing.get_context("fork")
    waiting, running, rows = list(groups), [], []
    while waiting or running:
        while waiting and len(running) < max(2, multiprocessing.cpu_count()):
            cases = waiting.pop(0)
            ours, theirs = fork.Pipe(duplex=False)
            process = fork.Process(target=family, args=(dlc, cases, theirs))
            process.start()
            theirs.close()
            running.append((process, ours, cases))
        ready = multiprocessing.connection.wait([pipe for _, pipe, _ in running])
        for one in [one for one in running if one[1] in ready]:
            process, pipe, cases = one
            running.remove(one)
            try:
                rows += pipe.recv()
                process.join()
            except EOFError:
                process.join()
                code = process.exitcode
                name = signal.Signals(-code).name if code < 0 else f"status {code}"
                if len({case.op for case in cases}) > 1:
                    waiting += [[case for case in cases if case.op == op] for op in dict.fromkeys(c.op for c in cases)]
                    continue
                row = comparing.Row(cases[0].op)
                row.fail(f"its process ended with {name}")
                rows.append(row)
    return rows


def shown(dtypes):
    return " ".join(dtype for dtype in EVERY if dtype in dtypes)


def error_of(row, peer):
    if not (row.numpy if peer == "NumPy" else row.jax):
        return "-"
    return f"{row.worst[peer]:.3g}"


def print_table(rows):
    print(f"{'operation':<22} {'dtypes that agree':<58} {'forms':>5} {'runs':>6} {'NumPy':>8} {'JAX':>8}  {'allowed':<28} status")
    for row in sorted(rows, key=lambda row: row.op):
        allowed = ", ".join(sorted(row.stated))
        jax = error_of(row, "JAX") if comparing.jax else "no JAX"
        status = "FAILED" if row.failures else "agrees"
        print(f"{row.op:<22} {shown(row.dtypes):<58} {len(row.variants):>5} {row.trials:>6} {error_of(row, 'NumPy'):>8} "
              f"{jax:>8}  {allowed:<28} {status}")
    for row in sorted(rows, key=lambda row: row.op):
        for note in row.notes:
            print(f"note: {row.op}: {note}")
    for row in sorted(rows, key=lambda row: row.op):
        for failure in row.failures[:8]:
            print(f"FAILED {row.op}: {failure}")
        if len(row.failures) > 8:
            print(f"FAILED {row.op}: and {len(row.failures) - 8} more")


def main():
    dlc = pathlib.Path(sys.argv[1]).resolve()
    wanted = sys.argv[2] if len(sys.argv) > 2 else ""
    started = time.time()
    listing = subprocess.run([dlc, "--print", "builtins"], capture_output=True, text=True, check=True).stdout
    names = [line.split("(")[0] for line in listing.splitlines()]
    cases = [case for case in CASES if wanted in case.op]
    rows = run_all(dlc, parts(cases))
    missing = sorted(set(names) - {case.op for case in CASES} - set(ELSEWHERE)) if not wanted else []
    print_table(rows)
    for name in missing:
        print(f"FAILED {name}: the compiler has it, and the table has no case of it")
    for name, where in sorted(ELSEWHERE.items()):
        if name in names and not wanted:
            print(f"elsewhere: {name}: {where}")
    failed = sum(1 for row in rows if row.failures) + len(missing)
    if not comparing.jax:
        print(f"skipped: JAX: {comparing.NO_JAX}; compared with NumPy alone")
    print(f"{len(rows)} operations, {sum(row.exports for row in rows)} exports, {sum(row.trials for row in rows)} runs, "
          f"{failed} failed, {time.time() - started:.0f} s")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
