"""Operations that move elements: the same bits in other places, so all of it is exact."""

import numpy as np

from .case import ALL, EVERY, INTS, NUMBERS, case, terms


def moved(op, call, params, result, ref, **options):
    options.setdefault("dtypes", ALL)
    options.setdefault("only", ["bool", "i8", "u64", "bf16", "f32", "f64"])
    case(op, call, params, result, ref, **options)


X = "x: T[A, B, C]"
moved("reshape", "reshape(x, [A * B, C])", X, "T[A * B, C]", lambda x, d: x.reshape(d["A"] * d["B"], d["C"]), only=ALL)
moved("reshape", "reshape(x, [C, -1])", X, "T[C, A * B]", lambda x, d: x.reshape(d["C"], d["A"] * d["B"]))
moved("reshape", "reshape(x, [-1])", X, "T[A * B * C]", lambda x, d: x.reshape(d["A"] * d["B"] * d["C"]))
moved("reshape", "reshape(x, [1, A, 1, B * C])", X, "T[1, A, 1, B * C]", lambda x, d: x.reshape(1, d["A"], 1, d["B"] * d["C"]))
moved("reshape", "reshape(x, [])", "x: T[1, 1]", "T", lambda x: x.reshape(()))
moved("reshape", "reshape(x, [1, 1])", "x: T", "T[1, 1]", lambda x: x.reshape(1, 1))
for axes, result in [([2, 0, 1], "T[C, A, B]"), ([0, 2, 1], "T[A, C, B]"), ([-1, -2, -3], "T[C, B, A]"), ([0, 1, 2], "T[A, B, C]")]:
    moved("permute_dims", f"permute_dims(x, axes={axes})", X, result, lambda xp, x, axes=axes: xp.permute_dims(x, [axis % 3 for axis in axes]),
          only=ALL if axes[0] == 2 else ["f32", "bool"])
moved("permute_dims", "permute_dims(x, axes=[])", "x: T", "T", lambda x: x, only=["f32"])
moved("matrix_transpose", "matrix_transpose(x)", X, "T[A, C, B]", lambda xp, x: xp.swapaxes(x, -1, -2), only=ALL)
moved("matrix_transpose", "matrix_transpose(x)", "x: T[B, C]", "T[C, B]", lambda xp, x: xp.swapaxes(x, -1, -2),
      sizes=[{"A": 1, "B": 65, "C": 33, "N": 1}, {"A": 1, "B": 1, "C": 7, "N": 1}])
moved("swapaxes", "swapaxes(x, 0, -1)", X, "T[C, B, A]", lambda xp, x: xp.swapaxes(x, 0, -1), only=ALL)
moved("swapaxes", "swapaxes(x, 1, 1)", X, "T[A, B, C]", lambda xp, x: x, only=["f32"])
moved("moveaxis", "moveaxis(x, 0, -1)", X, "T[B, C, A]", lambda xp, x: xp.moveaxis(x, 0, -1), only=ALL)
moved("moveaxis", "moveaxis(x, [0, 1], [-1, 0])", X, "T[B, C, A]", lambda xp, x: xp.moveaxis(x, [0, 1], [-1, 0]), only=["f32"])
moved("expand_dims", "expand_dims(x, axis=1)", "x: T[A, B]", "T[A, 1, B]", lambda xp, x: xp.expand_dims(x, 1), only=ALL)
moved("expand_dims", "expand_dims(x, axis=-1)", "x: T", "T[1]", lambda xp, x: xp.expand_dims(x, -1))
moved("expand_dims", "expand_dims(x, axis=[0, -1])", "x: T[A, B]", "T[1, A, B, 1]", lambda xp, x: xp.expand_dims(x, (0, -1)))
moved("squeeze", "squeeze(x)", "x: T[1, A, 1]", "T[A]", lambda x, d: x.reshape(d["A"]),
      sizes=[{"A": 3, "B": 1, "C": 1, "N": 1}, {"A": 0, "B": 1, "C": 1, "N": 1}],
      note="without axes it removes those whose size is the number 1, whatever a dim of another is when called")
moved("squeeze", "squeeze(x, axis=-2)", "x: T[A, 1, B]", "T[A, B]", lambda xp, x: xp.squeeze(x, -2), only=ALL)
moved("squeeze", "squeeze(x, axis=[0, 2])", "x: T[1, A, 1]", "T[A]", lambda xp, x: xp.squeeze(x, (0, 2)))
moved("broadcast_to", "broadcast_to(x, [A, B, C])", "x: T[B, 1]", "T[A, B, C]", lambda xp, x, d: xp.broadcast_to(x, (d["A"], d["B"], d["C"])), only=ALL)
moved("broadcast_to", "broadcast_to(x, [A])", "x: T", "T[A]", lambda xp, x, d: xp.broadcast_to(x, (d["A"],)))
for text, axis in [("", None), (", axis=1", 1), (", axis=-1", -1), (", axis=[0, 2]", (0, 2))]:
    moved("flip", f"flip(x{text})", X, "T[A, B, C]", lambda xp, x, axis=axis: xp.flip(x, axis), only=ALL if axis == -1 else ["f32", "i8"])
moved("flip", "flip(x)", "x: T[N]", "T[N]", lambda xp, x: xp.flip(x))

BIG = [{"A": 5, "B": 4, "C": 7, "N": 37}, {"A": 2, "B": 2, "C": 2, "N": 2}]
for text, shift, axis in [("1, axis=0", 1, 0), ("-2, axis=-1", -2, -1), ("[1, -1], axis=[0, 1]", (1, -1), (0, 1)), ("2", 2, None)]:
    moved("roll", f"roll(x, {text})", X, "T[A, B, C]", lambda xp, x, shift=shift, axis=axis: xp.roll(x, shift, axis),
          where="A >= 2, B >= 2, C >= 2" if axis is not None else "A * B * C >= 2", sizes=BIG, only=["f32", "bool", "u64"])
for text, shift, axis in [("1, axis=0", 1, 0), ("-9, axis=-1", -9, -1), ("[1, 2, -1], axis=[0, 1, 0]", (1, 2, -1), (0, 1, 0)), ("[2], axis=[0, -1]", 2, (0, -1)), ("3", 3, None)]:
    moved("roll", f"roll(x, {text})", X, "T[A, B, C]", lambda xp, x, shift=shift, axis=axis: xp.roll(x, shift, axis), only=["f32", "bool"])
for of in INTS:
    moved("roll", "roll(x, i, axis=0)", f"x: T[A, B], i: {of}", "T[A, B]", lambda xp, x, i: xp.roll(x, i, 0) if x.shape[0] else x,
          data={"x": "any", "i": ("in", -100 if of.startswith("i") else 0, 100)}, only=["f32"])
moved("roll", "roll(x, [i, A], axis=[1, 0])", "x: T[A, B], i: i32", "T[A, B]", lambda xp, x, i: xp.roll(x, i, 1), data={"x": "any", "i": ("in", -9, 9)}, only=["f64"])
moved("roll", "roll(x, i, axis=[1, 0])", "x: T[A, B], i: i32[2]", "T[A, B]", lambda xp, x, i: xp.roll(xp.roll(x, i[0], 1), i[1], 0) if x.size else x,
      data={"x": "any", "i": ("in", -9, 9)}, only=["i8"])
moved("roll", "roll(x, 7, axis=0)", "x: T[3, B]", "T[3, B]", lambda xp, x: xp.roll(x, 7, 0), only=ALL)
for text, widths, result in [("1", 1, "T[A + 2, B + 2]"), ("[1, 2]", (1, 2), "T[A + 3, B + 3]"),
                             ("[[0, 1], [2, 3]]", ((0, 1), (2, 3)), "T[A + 1, B + 5]"), ("0", 0, "T[A, B]")]:
    moved("pad", f"pad(x, {text})", "x: T[A, B]", result, lambda xp, x, widths=widths: xp.pad(x, widths), only=ALL if widths == 1 else ["f32", "i64", "bool"])
moved("pad", "pad(x, [2, 0], value=7)", "x: T[A]", "T[A + 2]", lambda xp, x: xp.pad(x, (2, 0), constant_values=np.asarray(7, x.dtype)),
      dtypes=NUMBERS, only=["i8", "f16", "bf16", "f64"])
moved("pad", "pad(x, [1, 1], value=v)", "x: T[A], v: T", "T[A + 2]", lambda xp, x, v: xp.pad(x, 1, constant_values=v), only=["f32", "bool"])
for text, reps, result in [("[2, 3]", (2, 3), "T[2 * A, 3 * B]"), ("[2]", (2,), "T[A, 2 * B]"), ("[3, 1, 2]", (3, 1, 2), "T[3, A, 2 * B]"),
                           ("[0, 1]", (0, 1), "T[0, B]")]:
    moved("tile", f"tile(x, {text})", "x: T[A, B]", result, lambda xp, x, reps=reps: xp.tile(x, reps), only=ALL if reps == (2, 3) else ["f32", "i8"])
moved("tile", "tile(x, [3])", "x: T", "T[3]", lambda xp, x: xp.tile(x, 3))
for text, axis, result in [("axis=0", 0, "T[2 * A, B]"), ("axis=-1", -1, "T[A, 2 * B]")]:
    moved("repeat", f"repeat(x, 2, {text})", "x: T[A, B]", result, lambda xp, x, axis=axis: xp.repeat(x, 2, axis), only=ALL if axis == 0 else ["f32"])
moved("repeat", "repeat(x, [2, 0, 3], axis=0)", "x: T[3, B]", "T[5, B]", lambda xp, x: xp.repeat(x, np.array([2, 0, 3]), 0, **({} if xp is np else {"total_repeat_length": 5})),
      only=["f32", "u8", "bool"])
moved("repeat", "repeat(x, [1, 2])", "x: T[2, 1]", "T[3]", lambda xp, x: xp.repeat(x, np.array([1, 2]), **({} if xp is np else {"total_repeat_length": 3})), only=["f32"])
moved("repeat", "repeat(x, 3)", "x: T[A, B]", "T[3 * A * B]", lambda xp, x: xp.repeat(x, 3), only=["f32", "u8"])

TWO = "x: T[A, B], y: T[A, B]"
moved("concat", "concat([x, y])", TWO, "T[2 * A, B]", lambda xp, x, y: xp.concat([x, y]), only=ALL)
moved("concat", "concat([x, y, x], axis=-1)", "x: T[A, B], y: T[A, C]", "T[A, 2 * B + C]", lambda xp, x, y: xp.concat([x, y, x], axis=-1))
moved("concat", "concat([x])", "x: T[N]", "T[N]", lambda x: x, only=["f32"])
for axis, result in [(0, "T[2, A, B]"), (1, "T[A, 2, B]"), (-1, "T[A, B, 2]")]:
    moved("stack", f"stack([x, y], axis={axis})", TWO, result, lambda xp, x, y, axis=axis: xp.stack([x, y], axis), only=ALL if axis == 1 else ["f32"])
moved("stack", "stack([x, y, x])", "x: T, y: T", "T[3]", lambda xp, x, y: xp.stack([x, y, x]))
moved("unstack", "unstack(x, axis=1)", "x: T[A, 2]", "(T[A], T[A])", lambda x: (x[:, 0], x[:, 1]), only=ALL)
moved("unstack", "unstack(x)", "x: T[2, A]", "(T[A], T[A])", lambda x: (x[0], x[1]), only=["f32"])
moved("split", "split(x, sections=2, axis=-1)", "x: T[A, 2 * B]", "(T[A, B], T[A, B])", lambda xp, x: xp.split(x, 2, -1), only=ALL)
moved("split", "split(x, sizes=[1, A, 2])", "x: T[A + 3, B]", "(T[1, B], T[A, B], T[2, B])",
      lambda x: (x[:1], x[1:-2], x[-2:]), only=["f32", "bool"])

# Trees.
case("map", "map(|e| 2 * e, [x, y, x])[1]", TWO, "T[A, B]", lambda x, y: 2 * y, dtypes=NUMBERS)
case("tree_map", "tree_map(|e, g| e - g, (x, y), (y, x))", TWO, "(T[A, B], T[A, B])", lambda x, y: (x - y, y - x), dtypes=NUMBERS)
case("tree_sum", "tree_sum((x, y))", TWO, "T", lambda xp, x, y: xp.sum(x) + xp.sum(y), dtypes=NUMBERS, data="mild", tol=terms(8))
