"""Reading at indices, and adding at them."""

import numpy as np

from .case import ALL, INTS, NUMBERS, case, terms

FULL = [{"A": 5, "B": 4, "C": 3, "N": 11}, {"A": 1, "B": 1, "C": 1, "N": 1}]
EMPTY = FULL + [{"A": 5, "B": 4, "C": 3, "N": 0}]
IN_A = {"x": "any", "ids": ("index", "A")}
IN_B = {"x": "any", "ids": ("index", "B")}
CLAMPED = "an index out of range is clamped, as JAX's mode=\"clip\" does; NumPy raises. A negative one counts from the end"


def clamped(ids, size):
    if ids.dtype.kind == "u":
        return np.minimum(ids, np.asarray(size - 1, ids.dtype)).astype(np.int64)
    ids = ids.astype(np.int64)
    return np.clip(np.where(ids < 0, ids + size, ids), 0, size - 1)


def in_jax(ids):
    """As JAX has it with mode="clip": the index type must hold negative ones."""
    return ids.astype("int64")


for ids in INTS:
    case("take", "take(x, ids, axis=0)", f"x: T[A, B], ids: {ids}[N]", "T[N, B]", None, numpy=lambda xp, x, ids: xp.take(x, ids.astype(np.int64), 0),
         jax=lambda xp, x, ids: xp.take(x, in_jax(ids), 0, mode="wrap"), data=IN_A, sizes=EMPTY, only=ALL if ids == "i32" else ["f32"])
    case("take", "take(x, ids, axis=0)", f"x: T[A, B], ids: {ids}[N]", "T[N, B]", None, numpy=lambda x, ids: np.take(x, clamped(ids, x.shape[0]), 0),
         jax=None, data={"x": "any", "ids": ("clamped", "A")}, sizes=EMPTY, only=["f32", "bool"], note=CLAMPED)
case("take", "take(x, ids, axis=-1)", "x: T[A, B], ids: i64[N, 2]", "T[A, N, 2]", lambda xp, x, ids: xp.take(x, ids, -1), data=IN_B, sizes=EMPTY,
     only=["f64", "u8"])
case("take", "take(x, ids)", "x: T[A, B], ids: i32[N]", "T[N]", lambda xp, x, ids: xp.take(x, ids), data={"x": "any", "ids": ("index", "A * B")}, sizes=EMPTY,
     only=["f32", "i8"])
case("take", "take(x, i, axis=1)", "x: T[A, B], i: i32", "T[A]", lambda xp, x, i: xp.take(x, i, 1), data={"x": "any", "i": ("index", "B")}, sizes=FULL,
     only=["f32", "bf16"])
case("take", "take(x, [0, -1, 0], axis=0)", "x: T[3, B]", "T[3, B]", lambda xp, x: xp.take(x, np.array([0, -1, 0]), 0), sizes=FULL, only=["f32", "bool"])
for axis, result, params in [(-1, "T[A, N]", "x: T[A, B], ids: i32[A, N]"), (0, "T[N, B]", "x: T[A, B], ids: i32[N, B]"),
                             (1, "T[A, N]", "x: T[A, B], ids: i64[1, N]")]:
    case("take_along_axis", f"take_along_axis(x, ids, axis={axis})", params, result,
         lambda xp, x, ids, axis=axis: xp.take_along_axis(x, ids, axis), data=IN_A if axis == 0 else IN_B, sizes=EMPTY,
         only=ALL if axis == -1 else ["f32"])
case("take_along_axis", "take_along_axis(x, ids)", "x: T[A, B], ids: i32[A, N]", "T[A, N]", None, jax=None,
     numpy=lambda x, ids: np.take_along_axis(x, clamped(ids, x.shape[1]), 1), data={"x": "any", "ids": ("clamped", "B")}, sizes=EMPTY, only=["f64"],
     note=CLAMPED)


def added(x, ids, updates, axis=0):
    result = np.array(x)
    moved = np.moveaxis(result, axis, 0)
    ids = clamped(ids, moved.shape[0])
    flat = np.broadcast_to(updates, np.moveaxis(x, axis, 0)[ids].shape if axis == 0 else updates.shape)
    np.add.at(moved, ids, flat if axis == 0 else np.moveaxis(updates, axis, 0))
    return result


SUMS = {"x": "mild", "ids": ("index", "A"), "updates": "mild"}
case("scatter_add", "scatter_add(x, ids, updates)", "x: T[A, B], ids: i32[N], updates: T[N, B]", "T[A, B]", None, dtypes=NUMBERS,
     numpy=lambda x, ids, updates: added(x, ids, updates), jax=lambda x, ids, updates: x.at[ids].add(updates), data=SUMS, sizes=EMPTY, tol=terms(4))
case("scatter_add", "scatter_add(x, ids, updates, axis=1)", "x: T[B, A], ids: i64[N], updates: T[B, N]", "T[B, A]", None, dtypes=NUMBERS,
     numpy=lambda x, ids, updates: added(x, ids, updates, 1), jax=lambda x, ids, updates: x.at[:, ids].add(updates), data=SUMS, sizes=EMPTY,
     tol=terms(4), only=["f32", "i32"])
case("scatter_add", "scatter_add(x, ids, 1)", "x: T[A], ids: i32[N]", "T[A]", None, dtypes=NUMBERS,
     numpy=lambda x, ids: added(x, ids, np.asarray(1, x.dtype)), jax=lambda x, ids: x.at[ids].add(1), data={"x": "mild", "ids": ("index", "A")},
     sizes=EMPTY, tol=terms(4), only=["f16", "u8"])
case("scatter_add", "scatter_add(x, ids, updates)", "x: T[A, B], ids: i32[N], updates: T[N, B]", "T[A, B]", None, dtypes=NUMBERS, jax=None,
     numpy=lambda x, ids, updates: added(x, ids, updates), data={"x": "mild", "ids": ("clamped", "A"), "updates": "mild"}, sizes=EMPTY, tol=terms(4),
     only=["f32", "i64"], note="an index out of range is clamped (JAX drops such updates, NumPy raises)")


def added_along(x, ids, updates, axis):
    result = np.array(x)
    places = list(np.indices(ids.shape))
    places[axis] = clamped(ids, x.shape[axis])
    np.add.at(result, tuple(places), np.broadcast_to(updates, ids.shape))
    return result


def added_along_by_jax(x, ids, updates, axis):
    places = list(np.indices(ids.shape))
    places[axis] = ids
    return x.at[tuple(places)].add(updates)


for axis, ids, updates, data in [(-1, "i32[A, N]", "T[A, N]", {"x": "mild", "ids": ("index", "B"), "updates": "mild"}),
                                 (0, "i64[N, B]", "T[N, 1]", {"x": "mild", "ids": ("index", "A"), "updates": "mild"})]:
    case("scatter_add_along_axis", f"scatter_add_along_axis(x, ids, updates, axis={axis})", f"x: T[A, B], ids: {ids}, updates: {updates}", "T[A, B]", None,
         numpy=lambda x, ids, updates, axis=axis: added_along(x, ids, updates, axis),
         jax=lambda x, ids, updates, axis=axis: added_along_by_jax(x, ids, updates, axis), data=data, sizes=EMPTY, tol=terms(4), dtypes=NUMBERS)


def sliced(xp, x, i, j):
    import jax.lax
    return jax.lax.dynamic_slice(x, (i, j), (2, 3))


def slice_at(x, i, j):
    i, j = [int(np.clip(k + n if k < 0 else k, 0, n - p)) for k, n, p in [(int(i), x.shape[0], 2), (int(j), x.shape[1], 3)]]
    return i, j


STARTS = {"x": "any", "u": "any", "i": ("clamped", "A + 2"), "j": ("clamped", "B + 3")}
case("dynamic_slice", "dynamic_slice(x, [i, j], [2, 3])", "x: T[A + 2, B + 3], i: i32, j: i32", "T[2, 3]", None,
     numpy=lambda x, i, j: x[slice_at(x, i, j)[0]:, slice_at(x, i, j)[1]:][:2, :3], jax=sliced, data=[STARTS] * 4, sizes=FULL,
     note="a start is counted from the end where it is negative, then moved so that the slice is inside, as in JAX")


def updated(x, u, i, j):
    i, j = slice_at(x, i, j)
    result = np.array(x)
    result[i:i + 2, j:j + 3] = u
    return result


def jax_updated(xp, x, u, i, j):
    import jax.lax
    return jax.lax.dynamic_update_slice(x, u, (i, j))


case("dynamic_update_slice", "dynamic_update_slice(x, u, [i, j])", "x: T[A + 2, B + 3], u: T[2, 3], i: i32, j: i32", "T[A + 2, B + 3]", None,
     numpy=updated, jax=jax_updated, data=[STARTS] * 4, sizes=FULL)


def hot(ids, n):
    return ids[..., None] == np.arange(n, dtype=ids.dtype if ids.dtype.kind == "u" else None)


IDS = {"ids": ("in", -2, 9)}
for of in INTS:
    case("one_hot", "one_hot(ids, 5)", f"ids: {of}[N]", "f32[N, 5]", None, numpy=lambda ids: hot(ids, 5), dtypes=["f32"], sizes=EMPTY,
         data={"ids": ("in", 0, 9)} if of.startswith("u") else IDS,
         jax=lambda ids: jax_one_hot(ids, 5), note="an index outside is a row of zeros, a negative one too")
case("one_hot", "one_hot(ids, N, T)", "ids: i32[A, B]", "T[A, B, N]", None, numpy=lambda ids, d: hot(ids, d["N"]), jax=None, sizes=FULL, data=IDS)
case("one_hot", "one_hot(ids, 4, T, axis=0)", "ids: i32[A]", "T[4, A]", None, numpy=lambda ids: hot(ids, 4).T, jax=None, sizes=FULL, data=IDS, only=["f32", "i8"])


def jax_one_hot(ids, n):
    import jax.nn
    return jax.nn.one_hot(ids, n)
