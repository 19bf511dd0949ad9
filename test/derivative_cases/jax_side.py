"""The same derivatives by JAX."""

import os

import numpy as np

from builtin_cases.case import call_ref

#: What JAX computes is compiled for one call, so quickly rather than well.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true")

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_platforms", "cpu")

#: How many trials one program of JAX computes: most of the time goes into starting its compiler.
BATCH = 60


def listed(result):
    return list(result) if isinstance(result, (tuple, list)) else [result]


def derivatives(trial, floats):
    """y, J v, Jᵀ u and H v, each a list."""
    case = trial.case
    reference = case.expected if case.expected and trial.kind in ("special", "ties", "nonfinite") else case.reference
    others = {name: jax.random.wrap_key_data(value) if case.params[name].startswith("key") else jnp.asarray(value)
              for name, value in trial.inputs.items() if name not in case.floats}
    names, tangents, cotangents = case.floats, floats["tangents"], floats["cotangents"]

    def value(*xs):
        values = {**others, **dict(zip(names, xs))}
        ys = [jnp.asarray(y) for y in listed(call_ref(reference, jnp, values, trial.dims, "f64"))]
        ys = [y for y in ys if y.dtype in (jnp.float64, jnp.float32)]
        if case.inactive:
            ys = [xs[0] * jax.lax.stop_gradient(y) for y in ys]
        return [y.astype(jnp.float64) for y in ys]

    def scalar(*xs):
        ys = value(*xs)
        return sum(jnp.sum(u * y) + 0.5 * jnp.sum(y * y) for u, y in zip(cotangents, ys))

    xs = [floats["inputs"][name] for name in names]
    vs = [tangents[name] for name in names]
    ys, ts = jax.jvp(value, xs, vs)
    back = jax.vjp(value, *xs)[1](cotangents)
    _, hs = jax.jvp(jax.grad(scalar, argnums=tuple(range(len(xs)))), xs, vs)
    return [listed(ys), listed(ts), listed(back), listed(hs)]


def ask(trials):
    """The derivatives of each trial, or the exception of its reference. A whole batch is one program."""
    answers = []
    for start in range(0, len(trials), BATCH):
        some = trials[start:start + BATCH]
        try:
            answers += compute(some)
        except Exception:
            answers += [alone(trial) for trial in some]
    return answers


def alone(trial):
    try:
        return compute([trial])[0]
    except Exception as error:  # A reference that fails is as bad as a result that is wrong.
        return error


def compute(trials):
    def program(numbers):
        return [derivatives(trial, floats) for trial, floats in zip(trials, numbers)]

    numbers = [{"inputs": {name: trial.inputs[name] for name in trial.case.floats}, "tangents": trial.tangents,
                "cotangents": trial.cotangents} for trial in trials]
    found = jax.jit(program)(numbers)
    return [[[np.asarray(one) for one in part] for part in parts] for parts in found]
