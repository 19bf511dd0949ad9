"""Operations that make tensors."""

import numpy as np

from .case import ALL, FLOATS, NUMBERS, case, few, scale, ulp

SIZES = [{"A": 3, "B": 4, "C": 5, "N": 9}, {"A": 1, "B": 1, "C": 1, "N": 1}, {"A": 0, "B": 4, "C": 5, "N": 0}]


def made(op, call, params, result, ref, **options):
    options.setdefault("dtypes", ALL)
    case(op, call, params, result, ref, sizes=options.pop("sizes", SIZES), **options)


for name in ["zeros", "ones"]:
    made(name, f"{name}([A, B], T)", "", "T[A, B]", lambda xp, d, name=name: getattr(xp, name)((d["A"], d["B"])))
    made(name, f"{name}([], T)", "", "T", lambda xp, name=name: getattr(xp, name)(()))
    made(name, f"{name}([N])", "", "f32[N]", lambda xp, d, name=name: getattr(xp, name)(d["N"]), dtypes=["f32"])
    made(f"{name}_like", f"{name}_like(x)", "x: T[A, B]", "T[A, B]", lambda xp, x, name=name: getattr(xp, name + "_like")(x))
    made(f"{name}_like", f"{name}_like(x, i32)", "x: T[A]", "i32[A]", lambda xp, x, name=name: getattr(xp, name + "_like")(x, "int32"))
made("full", "full([A, B], v)", "v: T", "T[A, B]", lambda xp, d, v: xp.full((d["A"], d["B"]), v))
made("full", "full([A, B], v)", "v: T[B]", "T[A, B]", lambda xp, d, v: xp.broadcast_to(v, (d["A"], d["B"])))
made("full", "full([A], 3, T)", "", "T[A]", lambda xp, d: xp.full(d["A"], 3), dtypes=NUMBERS)
made("full", "full([A], 3)", "", "f32[A]", lambda xp, d: xp.full(d["A"], 3), dtypes=["f32"])
made("full_like", "full_like(x, 2)", "x: T[A, B]", "T[A, B]", lambda xp, x: xp.full(x.shape, 2), dtypes=NUMBERS)
made("full_like", "full_like(x, v)", "x: T[A], v: T", "T[A]", lambda xp, x, v: xp.full(x.shape, v))

made("arange", "arange(N, T)", "", "T[N]", lambda xp, d: xp.arange(d["N"]), dtypes=NUMBERS)
made("arange", "arange(N)", "", "i32[N]", lambda xp, d: xp.arange(d["N"]), dtypes=["i32"])
made("arange", "arange(2, N + 2, T)", "", "T[N]", lambda xp, d: xp.arange(2, d["N"] + 2), dtypes=NUMBERS)
made("arange", "arange(1, 10, 3, T)", "", "T[3]", lambda xp: xp.arange(1, 10, 3), dtypes=NUMBERS)
made("arange", "arange(5, 0, -2, T)", "", "T[3]", lambda xp: xp.arange(5, 0, -2), dtypes=["i8", "i32", "i64", *FLOATS])
made("arange", "arange(3, 1, T)", "", "T[0]", lambda xp: xp.arange(3, 1), dtypes=NUMBERS)
made("arange", "arange(0.0, 1.0, 0.25, T)", "", "T[4]", lambda xp: xp.arange(0.0, 1.0, 0.25), dtypes=FLOATS)
made("arange", "arange(0.5, 2.0)", "", "f32[2]", lambda xp: xp.arange(0.5, 2.0), dtypes=["f32"])
made("linspace", "linspace(a, b, N, T)", "a: T, b: T", "T[N]", lambda xp, a, b, d: xp.linspace(a, b, d["N"]), dtypes=FLOATS, data="mild", tol=scale(2))
made("linspace", "linspace(0, 1, 5, T)", "", "T[5]", lambda xp: xp.linspace(0, 1, 5), dtypes=FLOATS, tol=ulp(1))
made("linspace", "linspace(a, b, N, T, endpoint=false)", "a: T, b: T", "T[N]",
     lambda xp, a, b, d: xp.linspace(a, b, d["N"], endpoint=False), dtypes=FLOATS, data="mild", tol=scale(2))
for axis in [0, 1, -1]:
    made("iota", f"iota([A, B, C], T, axis={axis})", "", "T[A, B, C]", lambda d, axis=axis: np.indices((d["A"], d["B"], d["C"]))[axis], dtypes=NUMBERS,
         only=NUMBERS if axis == -1 else few(NUMBERS))
for call, args in [("eye(A, B, k=1, dtype=T)", ("B", 1)), ("eye(A, T)", ("A", 0)), ("eye(A, B, -2, T)", ("B", -2))]:
    made("eye", call, "", f"T[A, {args[0]}]", lambda xp, d, args=args: xp.eye(d["A"], d[args[0]], args[1]), only=ALL if args[1] == 1 else few(ALL))
for name in ["tril", "triu"]:
    for k in [0, 1, -2]:
        made(name, f"{name}(x, k={k})", "x: T[A, B, C]", "T[A, B, C]", lambda xp, x, name=name, k=k: getattr(xp, name)(x, k),
             only=few(ALL) if k else ALL)
