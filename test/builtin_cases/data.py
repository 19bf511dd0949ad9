"""The numbers that parameters get: random ones and special ones of each dtype."""

import itertools

import numpy as np

from .floats import HUGE, STORED, TINY, is_float, store
from .case import dtype_of, shape_of


def specials(dtype):
    """The numbers at which an operation is most likely wrong."""
    if dtype == "bool":
        return np.array([False, True])
    if not is_float(dtype):
        info = np.iinfo(STORED[dtype])
        values = {0, 1, 2, 3, 7, 8, info.min, info.min + 1, info.max, info.max - 1, info.max // 2, info.bits - 1,
                  info.bits}
        values |= {-1, -2, -3, -7} if info.min else set()
        return np.array(sorted(values), STORED[dtype])
    subnormal = {"f16": 2.0**-24, "bf16": 2.0**-133, "f32": 2.0**-149, "f64": 2.0**-1074}[dtype]
    values = [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, np.pi, 10.0, 1e-3, np.inf, HUGE[dtype], TINY[dtype], subnormal]
    values = np.array(values + [-value for value in values] + [np.nan])
    return store(values, dtype)


def random(dtype, shape, rng):
    """Numbers of all sizes."""
    if dtype == "bool":
        return rng.random(shape) < 0.5
    if not is_float(dtype):
        info = np.iinfo(STORED[dtype])
        return rng.integers(info.min, info.max, shape, STORED[dtype], endpoint=True)
    spread = {"f16": 8, "bf16": 60, "f32": 60, "f64": 400}[dtype]
    values = rng.standard_normal(shape) * 2.0 ** rng.uniform(-spread / 2, spread / 2, shape)
    near = rng.standard_normal(shape) * 4
    return store(np.where(rng.random(shape) < 0.7, near, values), dtype)


def fill(kind, dtype, shape, dims, rng):
    """An array of a kind of numbers."""
    count = int(np.prod(shape, dtype=np.int64))
    if dtype == "key":
        return rng.integers(0, 2**32, (*shape, 2), np.uint32)
    if isinstance(kind, tuple):
        return bounded(kind, dtype, shape, dims, rng)
    if isinstance(kind, np.ndarray) or callable(kind):
        values = kind(rng, shape, dims) if callable(kind) else kind
        return store(np.broadcast_to(values, shape), dtype)
    if kind == "any":
        values = random(dtype, shape, rng)
        flat, some = values.reshape(-1), specials(dtype)
        at = rng.permutation(count)[: count // 2]
        flat[at] = rng.choice(some, at.size)
        return flat.reshape(shape)
    if kind == "ties":
        pool = {"bool": [0, 1]}.get(dtype, [0, 1, 2, 3])
        if is_float(dtype):
            pool = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 2.5]
        return store(rng.choice(np.array(pool, np.float64), shape), dtype)
    if not is_float(dtype):
        if dtype == "bool":
            return random(dtype, shape, rng)
        # Small ones: sums and products of a few fit.
        low = -4 if dtype.startswith("i") else 0
        return rng.integers(low, 5, shape).astype(STORED[dtype])
    values = rng.standard_normal(shape) * 2
    if kind == "positive":
        values = np.abs(values) + 0.1
    elif kind == "unit":
        values = rng.random(shape)
    elif kind == "sprinkled":
        some = rng.random(shape) < 0.08
        values = np.where(some, rng.choice(np.array([np.inf, -np.inf, np.nan, 0.0, -0.0]), shape), values)
    elif kind == "large":
        values = values * (3e3 if dtype == "f16" else 1e10)
    elif kind != "mild":
        raise ValueError(f"no data are called {kind!r}")
    return store(values, dtype)


def bounded(kind, dtype, shape, dims, rng):
    """("index", "A"): indices of an axis, also from its end; ("clamped", "A"): some outside; ("in", low, high)."""
    what, *bounds = kind
    bounds = [int(eval(str(bound).replace("/", "//"), {}, dict(dims))) for bound in bounds]
    if what == "in":
        low, high = bounds
    else:
        size = bounds[0]
        signed = dtype.startswith("i")
        low, high = (-size if signed else 0), size
        if what == "clamped":
            low, high = (-3 * size - 2 if signed else 0), 3 * size + 2
    high = max(high, low + 1)
    return rng.integers(low, high, shape).astype(STORED[dtype])


def trials(case, dtype, rng):
    """Dims and inputs, one after the other."""
    kinds = case.data if isinstance(case.data, list) else [case.data]
    if "cross" in kinds and "N" in case.dims:
        yield crossed(case, dtype, rng)
    for dims in case.sizes:
        shapes = {name: shape_of(type_, dims) for name, type_ in case.params.items()}
        empty = any(0 in shape for shape in shapes.values())
        for kind in kinds[:1] if empty else kinds:
            kind = "any" if kind == "cross" else kind
            inputs = {}
            for name, type_ in case.params.items():
                one = kind.get(name, "mild") if isinstance(kind, dict) else kind
                inputs[name] = fill(one, dtype_of(type_, dtype), shapes[name], dims, rng)
            yield dims, inputs


def crossed(case, dtype, rng):
    """Parameters of N elements: every special number with every one, and random ones."""
    pools = [specials(dtype_of(type_, dtype)) for type_ in case.params.values()]
    most = 24 if len(pools) > 2 else 64
    pools = [pool if len(pool) <= most else rng.choice(pool, most, replace=False) for pool in pools]
    columns = [np.array(column) for column in zip(*itertools.product(*pools))]
    inputs = {}
    for (name, type_), column in zip(case.params.items(), columns):
        stored = dtype_of(type_, dtype)
        inputs[name] = np.concatenate([column.astype(STORED[stored]), random(stored, (200,), rng)])
    return {**case.sizes[0], "N": len(columns[0]) + 200}, inputs
