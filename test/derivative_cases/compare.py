"""Reverse against forward, against JAX and against differences."""

import numpy as np

from builtin_cases.case import shape_of
from builtin_cases.library import Failed

#: What is allowed in f64.
ADJOINT, PEER, DIFFERENCE = 1e-12, 1e-10, 1e-5
#: f32 against f64, by order.
SINGLE = {1: 3e-5, 2: 3e-4}
#: The step of differences.
STEP = 1e-4
#: What a call gives, and the order of each.
PARTS = [("y", 0), ("J v", 1), ("Jᵀ u", 1), ("H v", 2), ("H v by reverse over reverse", 2)]
SINGULAR = {"special": "special", "ties": "ties and zeros", "nonfinite": "inf and nan"}


class Row:
    """What became of the cases of a built-in: the worst errors by order, class of input and check."""

    def __init__(self, op):
        self.op = op
        self.worst = {}
        self.forms, self.ops, self.runs = set(), set(), 0
        self.failures, self.notes = [], []

    def fail(self, text):
        self.failures.append(text)

    def check(self, trial, part, what, error, allowed, text=""):
        """`error` as one more of its sort; where it is too large, a failure."""
        name, order = part
        kind = class_of(trial)
        if error <= allowed:
            key = (order, kind, what)
            self.worst[key] = max(self.worst.get(key, 0.0), float(error))
        else:
            self.fail(f"{trial.case.label()}, {kind}: {name}, order {order}, against {what}: off by {error:.3g}, allowed {allowed:g}{text}")

    def merge(self, other):
        self.failures += other.failures
        self.forms |= other.forms
        self.ops |= other.ops
        self.runs += other.runs
        self.notes += [note for note in other.notes if note not in self.notes]
        for key, error in other.worst.items():
            self.worst[key] = max(self.worst.get(key, 0.0), error)


def class_of(trial):
    """The class of input that a cell of the table is about."""
    case = trial.case
    if trial.kind != "ordinary":
        return SINGULAR.get(trial.kind, trial.kind)
    types = [case.params[name] for name in case.floats]
    if all("[" not in type_ for type_ in types):
        return "rank 0"
    if case.op == "broadcast_to" or (case.elementwise and len(set(types)) > 1):
        return "broadcast"
    return "ordinary"


class Call:
    """Calls of one export about one trial."""

    def __init__(self, library, name, program, trial):
        self.library, self.name, self.program, self.trial = library, name, program, trial

    def at(self, step, cotangents=None):
        """The five parts of what the export gives, `step` away along the tangents."""
        trial, program = self.trial, self.program
        stored = {"f32": np.float32, "f64": np.float64}[program.dtype]
        moved = {name: value + step * trial.tangents[name] if step and name in trial.case.floats else value
                 for name, value in trial.inputs.items()}
        arrays = program.arguments(moved, cotangents or trial.cotangents, trial.tangents)
        arrays = [np.asarray(value).astype(stored) if np.asarray(value).dtype == np.float64 else value for value in arrays]
        types = program.result_types()
        flat = [(program.element_of(type_), shape_of(type_, trial.dims)) for part in types for type_ in part]
        found = iter(self.library.call(self.name, arrays, flat, trial.dims))
        return [[np.array(next(found)).astype(np.float64) for _ in part] for part in types]

    def value(self, step):
        return self.at(step)[0]

    def gradient(self, step):
        """Of ⟨u, y⟩ + ⟨y, y⟩ / 2."""
        return self.at(step, [u + y for u, y in zip(self.trial.cotangents, self.value(step))])[2]


def dot(a, b):
    """The sum of products, and that of their sizes."""
    return sum(float(np.sum(x * y)) for x, y in zip(a, b)), sum(float(np.sum(np.abs(x * y))) for x, y in zip(a, b))


def largest(arrays):
    return max((float(np.max(np.abs(x), initial=0.0)) for x in arrays), default=0.0)


def apart(one, other):
    """Differences; those of the same infinities and of NaN are 0, those of finite and other numbers infinite."""
    with np.errstate(all="ignore"):
        difference = np.where((one == other) | (np.isnan(one) & np.isnan(other)), 0.0, np.abs(one - other))
    return np.where(np.isnan(difference), np.inf, difference)


def far(found, wanted, floor=0.0):
    """The largest difference, relative to the largest number wanted."""
    worst = 0.0
    for one, other in zip(found, wanted, strict=True):
        scale = max(float(np.max(np.abs(other), initial=0.0)), floor) or 1.0
        worst = max(worst, float(np.max(apart(one, other), initial=0.0)) / scale)
    return worst


def far_each(found, wanted, trial):
    """The largest difference relative to its own number, or to 1; and where that is."""
    worst, text = 0.0, ""
    for i, (one, other) in enumerate(zip(found, wanted, strict=True)):
        with np.errstate(all="ignore"):
            difference = apart(one, other) / np.maximum(1.0, np.where(np.isfinite(other), np.abs(other), 1.0))
        if np.max(difference, initial=0.0) > worst:
            worst = float(difference.max())
            at = np.unravel_index(int(np.argmax(difference)), difference.shape)
            near = {name: (value[at] if value.shape == one.shape else value).tolist() for name, value in trial.inputs.items()}
            text = f": {one[at]}, JAX has {other[at]} in number {i} at {list(map(int, at))} of {str(near)[:300]}"
    return worst, text


def differences(of):
    """The derivative at 0 of a function of a number that gives arrays; the error is of the fourth order of the step."""
    near = [of(STEP), of(-STEP), of(2 * STEP), of(-2 * STEP)]
    return [(8 * (a - b) - (c - d)) / (12 * STEP) for a, b, c, d in zip(*near)]


def regular(row, call, parts, wanted):
    """Against JAX, forward against reverse, and both against differences."""
    trial = call.trial
    for part, found, other in zip(PARTS, parts, [*wanted, wanted[3]]):
        row.check(trial, part, "JAX", far(found, other, floor=1e-3 * largest(other)), PEER)
    ys, ts, back, hs, rs = parts
    vs = [trial.tangents[name] for name in trial.case.floats]
    (forward, size), (backward, other) = dot(trial.cotangents, ts), dot(back, vs)
    row.check(trial, PARTS[1], "reverse", abs(forward - backward) / (max(size, other) or 1.0), ADJOINT)
    row.check(trial, PARTS[3], "reverse", far(rs, hs, floor=largest(hs)), ADJOINT)
    if not trial.case.smooth:
        return
    first = differences(call.value)
    row.check(trial, PARTS[1], "differences", far(first, ts, floor=1e-3 * max(largest(ts), largest(ys))), DIFFERENCE)
    second = differences(call.gradient)
    row.check(trial, PARTS[3], "differences", far(second, hs, floor=1e-3 * max(largest(hs), largest(back))), DIFFERENCE)


def singular(row, trial, parts, wanted):
    """Element by element."""
    for part, found, other in list(zip(PARTS, parts, wanted))[1:]:
        if trial.kind == "nonfinite" and part[1] == 2:
            continue
        if trial.kind == "empty" and part[0] == "J v":
            # The mean of nothing is NaN, and so is its tangent; JAX has 0 for some.
            found = [np.where(np.isnan(y) & np.isnan(one), t, one) for y, one, t in zip(parts[0], found, other)]
        if trial.case.finite_only and part[1] == 2:
            found = [np.where(np.isfinite(t), one, t) for one, t in zip(found, other)]
        error, text = far_each(found, other, trial)
        row.check(trial, part, "JAX", error, PEER, text)


def in_single(row, trial, parts, double):
    """What f32 gives against what f64 does."""
    scale = 1e-2 * max(largest(part) for part in double[1:])
    for part, found, other in list(zip(PARTS, parts, double))[1:]:
        row.check(trial, part, "f32", far(found, other, floor=scale), SINGLE[part[1]])


def run(row, case, exports, trials, answers, library):
    """Compares one case: `exports` are names and programs, those for any dims and those for some."""
    row.forms.add(case.call)
    if case.note and case.note not in row.notes:
        row.notes.append(case.note)
    for trial, wanted in zip(trials, answers):
        if isinstance(wanted, Exception):
            row.fail(f"{case.label()}, {class_of(trial)}: JAX fails: {type(wanted).__name__}: {str(wanted)[:500]}")
            continue
        finite = trial.kind not in SINGULAR and all(np.isfinite(one).all() for part in wanted for one in part)
        double, before = None, row.runs
        for name, program in exports:
            elsewhere = program.dims is not None and any(program.dims[dim] != trial.dims[dim] for dim in case.dims)
            if elsewhere or (program.dtype == "f32" and not (finite and double)):
                continue
            row.runs += 1
            call = Call(library, name, program, trial)
            try:
                parts = call.at(0.0)
            except Failed as error:
                row.fail(f"{case.label()}, {class_of(trial)}: {error}")
                return
            if program.dtype == "f32":
                in_single(row, trial, parts, double)
            elif finite:
                double = parts
                regular(row, call, parts, wanted)
            else:
                singular(row, trial, parts, wanted)
        if row.runs == before:
            row.fail(f"{case.label()}, {class_of(trial)}: no program has these sizes")
