"""Sorting, and sums and products so far: ties, NaN at the end, both directions."""

import numpy as np

from .case import ALL, BITS, FLOATS, NUMBERS, case, few, terms, ulp

FULL = [{"A": 3, "B": 4, "C": 37, "N": 100}, {"A": 1, "B": 1, "C": 1, "N": 1}]
EMPTY = FULL + [{"A": 0, "B": 4, "C": 5, "N": 0}, {"A": 3, "B": 4, "C": 0, "N": 0}]
STABLE = "equal elements keep their order, -0 and 0 are equal, NaN comes last (descending: first), as in jax.numpy; indices are i32"


def backwards(xp, x, axis):
    return xp.flip(x, axis)


def argsorted(xp, x, axis, descending):
    """NumPy's stable order; descending keeps the order of equal elements, as JAX does."""
    if not descending:
        return xp.argsort(x, axis=axis, stable=True)
    if xp is not np:
        return xp.argsort(x, axis=axis, stable=True, descending=True)
    size = x.shape[axis]
    return size - 1 - np.flip(np.argsort(np.flip(x, axis), axis=axis, stable=True), axis)


def sorted_by(xp, x, axis, descending):
    return xp.take_along_axis(x, argsorted(xp, x, axis, descending), axis)


for text, axis, descending, params in [("", -1, False, "x: T[A, B, C]"), (", axis=0", 0, False, "x: T[A, B, C]"), (", axis=1", 1, False, "x: T[A, C]"),
                                       (", descending=true", -1, True, "x: T[A, C]"), ("", -1, False, "x: T[N]")]:
    dims = params.removeprefix("x: T")
    only = ALL if params == "x: T[N]" else few(ALL)
    case("sort", f"sort(x{text})", params, f"T{dims}", lambda xp, x, axis=axis, descending=descending: sorted_by(xp, x, axis, descending),
         dtypes=ALL, only=only, data=["any", "ties"], sizes=EMPTY, note=STABLE, zero_sign=False)
    case("argsort", f"argsort(x{text})", params, f"i32{dims}",
         lambda xp, x, axis=axis, descending=descending: argsorted(xp, x, axis, descending), dtypes=ALL, only=only, data=["any", "ties"], sizes=EMPTY, note=STABLE)


def top(xp, x, k):
    if xp is not np:
        import jax.lax
        return jax.lax.top_k(x, k)
    places = argsorted(np, x, -1, True)[..., :k]
    return np.take_along_axis(x, places, -1), places


for k, params, result in [(3, "x: T[A, C + 3]", "(T[A, 3], i32[A, 3])"), (1, "x: T[N + 1]", "(T[1], i32[1])")]:
    of = dict(dtypes=ALL, sizes=FULL, zero_sign=False)
    case("top_k", f"top_k(x, {k})", params, result, lambda xp, x, k=k: top(xp, x, k), only=BITS, data=["any", "ties"], **of)
    case("top_k", f"top_k(x, {k})", params, result, lambda xp, x, k=k: top(xp, x, k), only=FLOATS, data="mild", **of)
    case("top_k", f"top_k(x, {k})", params, result, lambda x, k=k: top(np, x, k), only=FLOATS, data=["any", "ties"], jax=None,
         note="a NaN is greater than any number, the first of equal elements comes first; for JAX 0 may be greater than -0", **of)

for name, ref in [("cumsum", lambda xp, x, axis: xp.cumsum(x, axis=axis)), ("cumprod", lambda xp, x, axis: xp.cumprod(x, axis=axis)),
                  ("cummax", None), ("cummin", None)]:
    if ref is not None:
        case(name, f"{name}(x, axis=0)", "x: bool[A, B]", "i32[A, B]", lambda xp, x, ref=ref: ref(xp, x, 0), dtypes=["bool"], sizes=EMPTY, note="of bool it is an i32")
        case(name, f"{name}(x, axis=-1, reverse=true)", "x: T[A, C]", "T[A, C]", lambda xp, x, ref=ref: xp.flip(ref(xp, xp.flip(x, -1), -1), -1), dtypes=NUMBERS,
             only=["f32", "u8"], data="mild", sizes=EMPTY, tol=terms(4) if name == "cumsum" else ulp(150, 300), zero_sign=False)
        case(name, f"{name}(x, axis=none)", "x: T[A, B]", "T[A * B]", lambda xp, x, ref=ref: ref(xp, x, None), dtypes=NUMBERS, only=["f32", "i64"], data="mild",
             sizes=EMPTY, tol=terms(4) if name == "cumsum" else ulp(150, 300), zero_sign=False)
    else:
        def ref(xp, x, axis, name=name):
            if xp is np:
                return getattr(np, name.replace("cummax", "maximum").replace("cummin", "minimum")).accumulate(x, axis=axis)
            import jax.lax
            if x.dtype == bool:
                return getattr(jax.lax, name)(x.astype("uint8"), axis=axis % x.ndim).astype(bool)
            return getattr(jax.lax, name)(x, axis=axis % x.ndim)
    for axis in [0, -1]:
        case(name, f"{name}(x, axis={axis})", "x: T[A, B, C]", "T[A, B, C]", lambda xp, x, ref=ref, axis=axis: ref(xp, x, axis), dtypes=NUMBERS if name in ("cumsum", "cumprod") else ALL,
             data=["mild", "sprinkled"] if name in ("cumsum", "cumprod") else ["any", "ties"], sizes=EMPTY, zero_sign=False,
             tol=terms(4) if name == "cumsum" else ulp(150, 300) if name == "cumprod" else ulp(0, 0))
