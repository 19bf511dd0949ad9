"""Running a case and comparing what it gives with NumPy and JAX."""

import collections
import os
import warnings
import zlib

import numpy as np

from .case import call_ref, dtype_of
from .data import trials
from .floats import EPS, TINY, distance, for_jax, is_float, is_nan, store, widen
from .library import Failed, results_of

# The mean of nothing and such are meant.
warnings.simplefilter("ignore", RuntimeWarning)
#: What JAX computes is compiled for one call, so quickly rather than well.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true")

try:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_platforms", "cpu")
except ImportError as error:
    jax, jnp = None, None
    NO_JAX = str(error)


class Row:
    """What became of the cases of a built-in."""

    def __init__(self, op):
        self.op = op
        self.dtypes, self.variants = set(), set()
        self.exports = self.trials = 0
        self.numpy = self.jax = 0
        self.worst = {"NumPy": 0.0, "JAX": 0.0}
        self.stated = collections.Counter()
        self.failures, self.notes = [], []

    def fail(self, text):
        self.failures.append(text)

    def add(self, case, names, trials, library):
        """Compares what a case gives on one dtype."""
        before = len(self.failures)
        run(trials, names, library, self)
        self.exports += len(names)
        self.variants.add(case.call)
        self.stated[str(case.tol)] += 1
        self.numpy += case.numpy is not None
        self.jax += case.jax is not None
        if case.note and case.note not in self.notes:
            self.notes.append(case.note)
        if len(self.failures) == before and trials:
            self.dtypes.add(trials[0].dtype)


def listed(result):
    return list(result) if isinstance(result, (tuple, list)) else [result]


class Trial:
    """Numbers for one call: the inputs for each peer, and the results it expects, or the exception of its reference."""

    def __init__(self, case, dtype, dims, inputs):
        self.case, self.dtype, self.dims = case, dtype, dims
        self.inputs, self.wanted = {}, {}
        if case.numpy is not None:
            self.inputs["NumPy"] = inputs
        if case.jax is not None and jax:
            self.inputs["JAX"] = flushed(case, inputs, dtype)

    def type_of(self, name):
        return dtype_of(self.case.params[name], self.dtype)


def trials_of(case, dtype):
    rng = np.random.default_rng(zlib.crc32(f"{case.op} {case.call} {dtype}".encode()))
    return [Trial(case, dtype, dims, inputs) for dims, inputs in trials(case, dtype, rng)]


def ask_numpy(trials):
    """Computed in more precision than the result has."""
    for trial in trials:
        if "NumPy" in trial.inputs:
            try:
                trial.wanted["NumPy"] = in_numpy(trial)
            except Exception as error:  # A reference that fails is as bad as a result that is wrong.
                trial.wanted["NumPy"] = error


def in_numpy(trial):
    case = trial.case
    convert = widen
    if case.tol.ours == 0 and trial.dtype == "f64":
        # Correctly rounded results of f64 are NumPy's own; those of the long double would be rounded twice.
        convert = lambda value, of: value if of == "f64" else widen(value, of)  # noqa: E731
    values = {name: convert(value, trial.type_of(name)) for name, value in trial.inputs["NumPy"].items()}
    with np.errstate(all="ignore"):
        results = listed(call_ref(case.numpy, np, values, trial.dims, trial.dtype))
    return [np.asarray(result) for result in results]


#: How many results one program of JAX computes: most of the time goes into starting its compiler.
BATCH = 120


def ask_jax(trials):
    """Computed in the dtypes that `for_jax` names: a whole batch is one program, so that it is compiled once."""
    asked = [trial for trial in trials if "JAX" in trial.inputs]
    for start in range(0, len(asked), BATCH):
        some = asked[start:start + BATCH]
        try:
            answers = in_jax(some)
        except Exception:
            answers = [alone(trial) for trial in some]
        for trial, answer in zip(some, answers):
            trial.wanted["JAX"] = answer


def alone(trial):
    try:
        return in_jax([trial])[0]
    except Exception as error:
        return error


def in_jax(trials):
    def program(inputs):
        results = []
        for trial, values in zip(trials, inputs):
            values = {name: jax.random.wrap_key_data(value) if trial.type_of(name) == "key" else value
                      for name, value in values.items()}
            with np.errstate(all="ignore"):
                found = [jnp.asarray(one) for one in
                         listed(call_ref(trial.case.jax, jnp, values, trial.dims, trial.dtype))]
            results.append([jax.random.key_data(one) if jnp.issubdtype(one.dtype, jax.dtypes.prng_key) else one
                            for one in found])
        return results

    inputs = [{name: for_jax(value, trial.type_of(name)) for name, value in trial.inputs["JAX"].items()} for trial in trials]
    return [[np.asarray(result) for result in results] for results in jax.jit(program)(inputs)]


def magnitudes(case, inputs, dims, dtype, results):
    """What errors are measured by, for each result."""
    if case.tol.kind == "scale":
        finite = [np.abs(np.where(np.isfinite(np.asarray(r, np.float64)), r, 0)) for r in results]
        return [np.broadcast_to(f.max(initial=0.0), f.shape) for f in finite]
    values = {name: np.abs(widen(inputs[name], dtype_of(type_, dtype))) if is_float(dtype_of(type_, dtype))
              else inputs[name] for name, type_ in case.params.items()}
    with np.errstate(all="ignore"):
        return [np.asarray(r) for r in listed(call_ref(case.abs_ref or case.numpy, np, values, dims, dtype))]


def compare(case, found, wanted, of, peer, sizes):
    """The error of a result in the unit of the case's tolerance, what it is, and where it is worst."""
    if found.shape != wanted.shape:
        return np.inf, f"shape {found.shape}, {peer} has {wanted.shape}", ()
    if found.size == 0:
        return 0.0, "", ()
    if not is_float(of):
        wrong = found != store(wanted, of)
        at = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
        return (np.inf if wrong.any() else 0.0), f"{found[at]}, {peer} has {wanted[at]} at {tuple(map(int, at))}", at
    rounded = store(wanted, of)
    error = distance(found, rounded, of)
    wide, exact = widen(found, of), np.asarray(wanted)
    if not case.zero_sign:
        error = np.where((wide == 0) & (exact == 0), 0.0, error)
    elif case.tol is not None:
        # Zeros of different signs are next to each other, and yet different.
        error = np.where((wide == 0) & (widen(rounded, of) == 0) & (np.signbit(wide) != np.signbit(exact)),
                         np.inf, error)
    if peer == "JAX":
        # XLA takes subnormal numbers for 0 on CPUs, and its results may be 0 where they are subnormal.
        small = (np.abs(wide) < TINY["f32" if of == "bf16" else of] * 4) & (np.abs(exact) < TINY["f32" if of == "bf16" else of] * 4)
        error = np.where(small, 0.0, error)
    if case.tol.kind != "ulp":
        both = np.isfinite(wide) & np.isfinite(exact)
        with np.errstate(all="ignore"):
            unit = np.maximum(np.asarray(sizes, np.float64) * EPS[of], TINY[of] * EPS[of])
            relative = np.abs(wide - exact).astype(np.float64) / unit
        same = error == 0
        error = np.where(same, 0.0, np.where(both, relative, np.where(is_nan(found, of) == np.isnan(exact), error, np.inf)))
    at = np.unravel_index(int(np.argmax(error)), error.shape)
    return float(error[at]), f"{wide[at]!s}, {peer} has {exact[at]!s} at {tuple(map(int, at))}", at


def describe(inputs, case, dtype, at):
    """The inputs, or the elements of them where the result is wrong."""
    parts = []
    for name, value in inputs.items():
        wide = np.asarray(widen(value, dtype_of(case.params[name], dtype)))
        if wide.size > 16:
            try:
                wide = wide[at]
            except IndexError:
                continue
        parts.append(f"{name} = {str(wide.tolist())[:200]}")
    return "; ".join(parts)


def flushed(case, inputs, dtype):
    """Inputs with 0 for the subnormal numbers that XLA would take for 0."""
    result = {}
    for name, value in inputs.items():
        of = dtype_of(case.params[name], dtype)
        if is_float(of) and of != "f16":
            small = (np.abs(widen(value, of)) < TINY[of]) & (value != 0)
            value = np.where(small, store(0.0, of), value)
        result[name] = value
    return result


def run(trials, names, library, row):
    """Compares one case on one dtype: `names` are its exports with the dims that they are for (None: any)."""
    for trial in trials:
        case, dtype, dims = trial.case, trial.dtype, trial.dims
        for peer, given in trial.inputs.items():
            wanted = trial.wanted[peer]
            if isinstance(wanted, Exception):
                row.fail(f"{case.call} on {dtype}, {dims}: {peer} fails: {type(wanted).__name__}: {wanted}")
                return
            sizes = [None] * len(wanted)
            if case.tol.kind != "ulp":
                sizes = magnitudes(case, given, dims, dtype, wanted)
            for name, of_dims in names:
                if of_dims is not None and any(dims[dim] != of_dims[dim] for dim in case.dims):
                    continue
                row.trials += 1
                version = "dynamic" if of_dims is None else "static"
                try:
                    worst, text, at = called(case, dtype, dims, given, library, name, peer, wanted, sizes)
                except Failed as error:
                    row.fail(f"{case.call} on {dtype}, {version}, {dims}: {error}")
                    return
                allowed = case.tol.ours if peer == "NumPy" else case.tol.jax
                if not worst <= allowed:
                    row.fail(f"{case.call} on {dtype}, {version}, {dims}: {worst:g} off, {allowed:g} allowed: {text}\n"
                             f"    {describe(given, case, dtype, at)}")
                    return
                row.worst[peer] = max(row.worst[peer], worst)


def called(case, dtype, dims, inputs, library, name, peer, wanted, sizes):
    """The worst error of the results of one call, and where it is."""
    types = results_of(case, dtype, dims)
    found = library.call(name, list(inputs.values()), types, dims)
    if len(wanted) != len(types):
        raise Failed(f"{len(types)} results, {peer} has {len(wanted)}")
    errors = [compare(case, found[i], wanted[i], of, peer, sizes[i]) for i, (of, _) in enumerate(types)]
    return max(errors, key=lambda error: error[0])
