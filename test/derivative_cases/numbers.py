"""The numbers that derivatives are tried on."""

import itertools
import zlib

import numpy as np

from builtin_cases.case import dtype_of, shape_of
from builtin_cases.data import fill

#: The numbers at which a derivative of an elementwise function is most likely wrong.
SPECIAL = np.array([0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 1.5, 2.0, -2.0, 3.0, -3.0, np.pi, 10.0, -10.0, 1e-3, -1e-3, 40.0, -40.0,
                    1e300, -1e300, 1e-300, np.inf, -np.inf, np.nan])
PAIRS = np.array([x for x in SPECIAL if not abs(np.log10(abs(x) or 1)) > 200 or np.isinf(x)])
FEWER = np.array([0.0, -0.0, 1.0, -1.0, 2.0, 0.5, np.inf, -np.inf, np.nan, -3.0])
TIES = np.array([0.0, -0.0, 1.0, -1.0, 2.5])


class Trial:
    """Numbers for one call: parameters by name, tangents of the float ones, cotangents of the results."""

    def __init__(self, case, kind, dims):
        self.case, self.kind, self.dims = case, kind, dims
        if kind == "special":
            self.dims = dims = {**dims, "N": len(self.pool()) ** len(case.floats)}
        self.rng = np.random.default_rng(zlib.crc32(f"{case.label()} {kind}".encode()))
        shapes = {name: shape_of(type_, dims) for name, type_ in case.params.items()}
        self.inputs = {name: self.place(name, shapes[name]) for name in case.params if name not in case.floats
                       and dtype_of(case.params[name], "f64") != "f64"}
        others = [name for name in case.params if name not in self.inputs]
        floats = self.floats({name: shapes[name] for name in others})
        self.inputs = {name: self.inputs[name] if name in self.inputs else floats[name] for name in case.params}
        unit = kind in ("special",)
        draw = (lambda shape: np.ones(shape)) if unit else self.direction
        self.tangents = {name: draw(shapes[name]) for name in case.floats}
        self.cotangents = [draw(shape_of(type_, dims)) for type_ in case.float_results()]

    def direction(self, shape):
        """Numbers that f32 has too, none near 0."""
        return (self.rng.uniform(0.4, 1.6, shape) * self.rng.choice([-1.0, 1.0], shape)).astype(np.float32).astype(np.float64)

    def place(self, name, shape):
        """A parameter that is no float."""
        kinds = self.case.data
        kind = kinds[0] if isinstance(kinds, list) else kinds
        if isinstance(kind, dict):
            kind = kind.get(name, "any")
        kind = "any" if kind == "cross" else kind
        return fill(kind, dtype_of(self.case.params[name], "f64"), shape, self.dims, self.rng)

    def floats(self, shapes):
        if self.kind == "special":
            pool = self.pool()
            columns = zip(*itertools.product(*[pool] * len(shapes)))
            return {name: np.array(column) for name, column in zip(shapes, columns)}
        values = {}
        spread = self.spread(sum(int(np.prod(shape)) for shape in shapes.values()))
        for name, shape in shapes.items():
            count = int(np.prod(shape))
            mine, spread = spread[:count], spread[count:]
            low, high = self.bounds(name)
            value = (low + (high - low) * mine).astype(np.float32).astype(np.float64).reshape(shape)
            if self.kind == "ties":
                value = self.rng.choice(TIES, shape)
            if self.kind == "nonfinite":
                some = self.rng.random(shape) < 0.1
                value = np.where(some, self.rng.choice([np.inf, -np.inf, np.nan], shape), value)
            values[name] = np.asarray(value)
        return values

    def pool(self):
        """Special numbers of each parameter: fewer where they are crossed."""
        count = len(self.case.floats)
        pool = SPECIAL if count == 1 else PAIRS if count == 2 else FEWER
        low, high = self.case.pool
        return pool[(pool == 0) | ((np.abs(pool) >= low) & (np.abs(pool) <= high)) | (np.isnan(pool) & (high == np.inf))]

    def spread(self, count):
        """Numbers in (0, 1), each at a distance from every other: none of them tie, nor do their differences cross."""
        return (self.rng.permutation(count) + 0.5) / max(count, 1)

    def bounds(self, name):
        domain = self.case.domain
        domain = domain.get(name) if isinstance(domain, dict) else domain
        return domain or (-1.55, 1.45)


def trials(case):
    """All trials of a case: its sizes with ordinary numbers, then special ones."""
    for kind, dims in case.sizes.items():
        yield Trial(case, {"some": "ordinary"}.get(kind, kind), dims)
    if "some" not in case.sizes:
        return
    dims = case.sizes["some"]
    if case.elementwise:
        shapes = [type_.removeprefix("T") for name, type_ in case.params.items() if dtype_of(type_, "f64") == "f64"]
        if all(shape == "[N]" for shape in shapes):
            yield Trial(case, "special", dims)
    else:
        for kind in case.special:
            yield Trial(case, kind, dims)
