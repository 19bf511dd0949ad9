"""The table: on the terminal, and as a page of the language reference."""

import jax
import numpy

from .compare import ADJOINT, DIFFERENCE, PEER, SINGLE

#: Classes of input, as they are named in the page.
CLASSES = ["ordinary", "broadcast", "rank 0", "one", "empty", "special", "ties and zeros", "inf and nan"]
HEAD = f"{'operation':<22} {'forms':>5} {'runs':>5} {'order':>5} {'reverse':>8} {'JAX':>8} {'differences':>11} {'f32':>8} status"


def worst(row, order, what):
    """The worst error of a sort, over the classes of input; `-` where there is none."""
    errors = [error for (one, _, other), error in row.worst.items() if (one, other) == (order, what)]
    return f"{max(errors):.0e}" if errors and max(errors) > 0 else "0" if errors else "-"


def line(row):
    cells = []
    for order in (1, 2):
        cells.append(f"{order:>5} {worst(row, order, 'reverse'):>8} {worst(row, order, 'JAX'):>8} "
                     f"{worst(row, order, 'differences'):>11} {worst(row, order, 'f32'):>8}")
    status = "FAILED" if row.failures else "agrees"
    return f"{row.op:<22} {len(row.forms):>5} {row.runs:>5} {cells[0]} {status}\n{'':<34} {cells[1]}"


def classes(row, order):
    found = {kind for one, kind, _ in row.worst if one == order}
    return ", ".join({"one": "one element"}.get(kind, kind) for kind in CLASSES if kind in found)


def page(rows):
    """The Markdown of a chapter."""
    rows = sorted(rows, key=lambda row: row.op.strip("x[") if row.op.startswith("x[") else row.op)
    lines = [
        "# The table of derivatives",
        "",
        f"Written by `test/derivatives_table.py` with JAX {jax.__version__} and NumPy {numpy.__version__}; `cargo xtask test` runs it where",
        "`DLC_PYTHON` names a Python with JAX. For each operation its forms (texts of a call), the order of the derivative, the",
        "inputs, and the worst error of all its forms in f64, with sizes that are known and that are not:",
        "",
        f"- reverse against forward: ⟨u, J v⟩ and ⟨Jᵀ u, v⟩ for random u and v, gate {ADJOINT:g} of the terms' sum without signs; in",
        f"  second order, reverse over reverse against forward over reverse, gate {ADJOINT:g} of the largest number;",
        f"- against JAX: J v, Jᵀ u and the Hessian of ⟨u, y⟩ + ⟨y, y⟩ / 2 times v, gate {PEER:g} of the largest number;",
        f"- against differences of the value and of the gradient, gate {DIFFERENCE:g};",
        f"- f32 against f64, gates {SINGLE[1]:g} and {SINGLE[2]:g} (first form only).",
        "",
        "On special inputs (zeros of both signs, ties, edges, large numbers, infinities, NaN) derivatives are compared with JAX",
        "element by element, or with the convention where the language has another one, which the notes say.",
        "",
        "| operation | forms | order | inputs | reverse | JAX | differences | f32 |",
        "|---|--:|--:|---|--:|--:|--:|--:|",
    ]
    for row in rows:
        for order in (1, 2):
            cells = [worst(row, order, what) for what in ("reverse", "JAX", "differences", "f32")]
            name = f"`{row.op}`" if order == 1 else ""
            forms = len(row.forms) if order == 1 else ""
            lines.append(f"| {name} | {forms} | {order} | {classes(row, order)} | {' | '.join(cells)} |")
    lines += ["", "Notes:", ""]
    lines += [f"- `{row.op}`: {note}." for row in rows for note in row.notes]
    lines.append("")
    return "\n".join(lines)
