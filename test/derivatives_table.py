#!/usr/bin/env python3
"""Every derivative of the language: reverse against forward, against JAX and against differences, in one table.

`derivatives_table.py DLC [PATTERN]` takes the cases of `builtin_cases` that have a float parameter and a float result, and
those of `derivative_cases`: further forms of operations, and loops, branches, batches, calls and derivatives as operations of
their own. PATTERN chooses operations. For each case it builds an export with the Jacobian times a direction, its transpose
times another, and the Hessian of a weighted sum times a direction, by forward over reverse and by reverse over reverse. It
is built in f64 for sizes that are known and for sizes that are not, and in f32. Wanted are

    |⟨u, J v⟩ - ⟨Jᵀ u, v⟩| <= 1e-12      relative to the sum of the terms without their signs
    against JAX <= 1e-10                 relative to the largest number, first and second order
    against differences <= 1e-5          of the value along v, and of the gradient along v

on ordinary numbers, a single element, none, rank 0 and broadcast operands; on ties, zeros, infinities and NaN against
JAX element by element, where the language's convention is JAX's, and else against the convention. Exit status 1 where
one disagrees, where a built-in of `dlc --print builtins` has no case and is not said to have no derivative, and where an op
of `dlc --print ops` that has a derivative is in no case. `--write FILE` writes the table as Markdown. `skipped: REASON` where
JAX is missing.
"""

import itertools
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import traceback

try:
    import jax  # noqa: F401
    import numpy  # noqa: F401
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(0)

import builtin_cases  # noqa: F401
from builtin_cases.library import Failed, Library
from builtin_cases.workers import parts, run_all
from derivative_cases import compare, jax_side, options, report, selection
from derivative_cases.numbers import trials
from derivative_cases.program import Program

#: Cases in one library.
MOST = 12
CASES = selection.selected()


def exports(case, n):
    """The programs of the form number n of an op. The first has all, the others one in turn; of unknown sizes is also what
    has inputs of further sizes, which that of known ones is not called with."""
    some = case.sizes.get("some") or {}
    result = []
    if case.dynamic and (n == 0 or n % 2 == 1 or not case.static or set(case.sizes) != {"some"}):
        result.append(Program(case, "f64"))
    if not case.dynamic or case.static and n % 2 == 0:
        result.append(Program(case, "f64", some))
    # Random numbers of f32 are others.
    if n == 0 and "T" in " ".join(case.case.types()) and "key" not in case.params.values():
        result.append(Program(case, "f32", None if case.dynamic else some))
    return result


def family(dlc, cases):
    """The rows of the built-ins of cases."""
    rows = {case.op: compare.Row(case.op) for case in cases}
    number = {case.op: itertools.count() for case in cases}
    with tempfile.TemporaryDirectory() as folder:
        try:
            lines, plan = [], []
            for case in cases:
                names = []
                for program in exports(case, next(number[case.op])):
                    n = len(lines)
                    names.append((f"e{n}", program))
                    lines += program.lines(n)
                plan.append((case, names, list(trials(case))))
            library = Library(dlc, folder, "table", lines, ["--emit=cdylib,manifest,dl=ops.mlir"])
            ops = set(re.findall(r"\bdl\.([a-z]\w*)", (pathlib.Path(folder) / "ops.mlir").read_text()))
            answers = iter(jax_side.ask([trial for _, _, some in plan for trial in some]))
            for case, names, some in plan:
                rows[case.op].ops |= ops
                compare.run(rows[case.op], case, names, some, [next(answers) for _ in some], library)
        except Failed as error:
            if len(cases) > 1:
                # Which case it is shows by building each alone.
                for case in cases:
                    for row in family(dlc, [case]):
                        rows[case.op].merge(row)
                return list(rows.values())
            rows[cases[0].op].fail(f"{cases[0].label()}: {error}")
        except Exception:
            for row in rows.values():
                row.fail(traceback.format_exc())
    return list(rows.values())


def dead(op, reason):
    """The row of a built-in whose process died."""
    row = compare.Row(op)
    row.fail(reason)
    return row


def printed(dlc, what):
    """The names in a list that the compiler prints."""
    listing = subprocess.run([dlc, "--print", what], capture_output=True, text=True, check=True).stdout
    return [re.match(r"(?:dl\.)?(\w+)", line)[1] for line in listing.splitlines()]


def missing(dlc, rows):
    """Built-ins and ops that no case differentiates, though they have derivatives."""
    ops = set.union(*(row.ops for row in rows))
    for name in printed(dlc, "builtins"):
        if name not in {row.op for row in rows} | set(options.NOT_DIFFERENTIABLE):
            yield f"{name}: the compiler has it, and the table has no case of it"
    for name in printed(dlc, "ops"):
        if name not in ops | set(options.OPS_WITHOUT):
            yield f"dl.{name}: no case has it"


def main():
    arguments = sys.argv[1:]
    into = None
    if "--write" in arguments:
        at = arguments.index("--write")
        into = arguments[at + 1]
        del arguments[at:at + 2]
    dlc = pathlib.Path(arguments[0]).resolve()
    wanted = arguments[1] if len(arguments) > 1 else ""
    started = time.time()
    by_op = {}
    for index, case in enumerate(CASES):
        if re.search(wanted, case.op):
            by_op.setdefault(case.op, []).append(index)
    groups = parts([(indices, len(indices)) for indices in by_op.values()], MOST)
    work = lambda group: family(dlc, [CASES[index] for index in group])  # noqa: E731
    print(report.HEAD, flush=True)
    rows = []
    for row in run_all(groups, work, lambda index: CASES[index].op, dead):
        rows.append(row)
        print(report.line(row), flush=True)
        for failure in row.failures[:8]:
            print(f"FAILED {row.op}: {failure}", flush=True)
        if len(row.failures) > 8:
            print(f"FAILED {row.op}: and {len(row.failures) - 8} more")
    lacking = [] if wanted else list(missing(dlc, rows))
    for text in lacking:
        print(f"FAILED {text}")
    failed = sum(1 for row in rows if row.failures) + len(lacking)
    if into and not failed:
        pathlib.Path(into).write_text(report.page(rows))
    print(f"{len(rows)} operations, {sum(len(row.forms) for row in rows)} forms, {sum(row.runs for row in rows)} runs, "
          f"{failed} failed, {time.time() - started:.0f} s")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
