"""Reductions: along one axis, several, all; with NaN, infinities and ties; of nothing."""

import numpy as np

from .case import ALL, BITS, FLOATS, NUMBERS, case, few, terms, ulp

#: Forms of the arguments, and the result's shape.
FORMS = [
    ("", (0, 1, 2), False, "T"),
    ("axis=0", 0, False, "T[B, C]"),
    ("axis=-1", -1, False, "T[A, B]"),
    ("axis=1, keepdims=true", 1, True, "T[A, 1, C]"),
    ("axis=[0, -1]", (0, -1), False, "T[B]"),
    ("axis=[2, 1], keepdims=true", (2, 1), True, "T[A, 1, 1]"),
    ("keepdims=true", (0, 1, 2), True, "T[1, 1, 1]"),
]
#: One size is longer than a vector; one is nothing in the first axis, one in the last.
SIZES = [{"A": 3, "B": 4, "C": 37, "N": 100}, {"A": 1, "B": 1, "C": 1, "N": 1}, {"A": 0, "B": 4, "C": 5, "N": 0},
         {"A": 3, "B": 4, "C": 0, "N": 0}]
#: The same, but last the single element: what has no degree of freedom is refused.
LAST_ONE = [SIZES[0], SIZES[2], SIZES[3], SIZES[1]]
FULL = [{"A": 3, "B": 4, "C": 37, "N": 100}, {"A": 1, "B": 1, "C": 1, "N": 1}]


def reduction(op, ref, result="T", forms=FORMS, sizes=SIZES, extra="", **options):
    """All forms of a rank-3 tensor, a vector and a scalar. `ref(xp, x, axis, keepdims)`."""
    for text, axis, keepdims, type_ in forms:
        call = f"{op}(x{', ' if text else ''}{text}{extra})"

        def at(xp, x, axis=axis, keepdims=keepdims):
            return ref(xp, x, axis, keepdims)
        case(op, call, "x: T[A, B, C]", type_.replace("T", result), at, sizes=sizes, **reduced(text, options))
    case(op, f"{op}(x{extra})", "x: T[N]", result, lambda xp, x: ref(xp, x, 0, False), sizes=[one for one in sizes if one["A"] != 3 or one["C"]],
         **options)


def reduced(text, options):
    """All dtypes without arguments, and along the first and the last axis; a few along others, which are combined of these."""
    dtypes = options["dtypes"]
    return {**options, "only": dtypes if text in ("", "axis=0", "axis=-1") else few(dtypes)}


def plain(name):
    return lambda xp, x, axis, keepdims: getattr(xp, name)(x, axis=axis, keepdims=keepdims)


def wrapped(name):
    """In the dtype of the operand, as the language does; the libraries widen small integers, which wraps to the same."""
    return plain(name)


SUMS = "an integer wraps in its own dtype; NumPy and JAX sum in 64 bits, which is the same after conversion"
OF_TRUTHS = "of bool it is an i32"
reduction("sum", wrapped("sum"), dtypes=NUMBERS, data=["mild", "sprinkled"], tol=terms(4), note=SUMS)
reduction("prod", wrapped("prod"), dtypes=NUMBERS, data=["mild", "sprinkled"], tol=ulp(150, 300), note=SUMS, zero_sign=False)
for name in ["sum", "prod"]:
    for text, axis, type_ in [("", None, "i32"), (", axis=-1", -1, "i32[A]"), (", axis=0", 0, "i32[C]")]:
        case(name, f"{name}(x{text})", "x: bool[A, C]", type_, lambda xp, x, name=name, axis=axis: getattr(xp, name)(x, axis=axis), dtypes=["bool"],
             sizes=SIZES, note=OF_TRUTHS)
case("sum", "sum(x)", "x: T", "T", lambda x: x, dtypes=NUMBERS)
case("prod", "prod(x)", "x: T", "T", lambda x: x, dtypes=NUMBERS)
for name in ["max", "min"]:
    reduction(name, plain(name), dtypes=ALL, data=["any", "ties"], sizes=FULL, zero_sign=False)
    case(name, f"{name}(x)", "x: T", "T", lambda x: x, dtypes=ALL)
for name in ["all", "any"]:
    reduction(name, plain(name), "bool", dtypes=["bool"])
    case(name, f"{name}(x)", "x: bool", "bool", lambda x: x, dtypes=["bool"])
reduction("mean", plain("mean"), dtypes=FLOATS, data=["mild", "sprinkled", "large"], tol=terms(4))
reduction("var", lambda xp, x, axis, keepdims: xp.var(x, axis=axis, keepdims=keepdims), dtypes=FLOATS,
          data=["mild", "sprinkled"], sizes=LAST_ONE, tol=ulp(16, 32))
reduction("std", lambda xp, x, axis, keepdims: xp.std(x, axis=axis, keepdims=keepdims), dtypes=FLOATS,
          data=["mild", "sprinkled", "large"], sizes=LAST_ONE, tol=ulp(16, 32))
# Integers and bool, by way of f32.
for name, tol in [("mean", terms(8)), ("var", ulp(32, 64)), ("std", ulp(32, 64))]:
    for text, axis, type_ in [("", None, "f32"), (", axis=-1", -1, "f32[A]"), (", axis=0", 0, "f32[C]")]:
        case(name, f"{name}(x{text})", "x: T[A, C]", type_,
             lambda xp, x, name=name, axis=axis: getattr(xp, name)(x.astype("float32" if xp is not np else "float64"), axis=axis),
             dtypes=["f32", *BITS], only=BITS, data="mild", sizes=LAST_ONE, tol=tol,
             abs_ref=lambda x, axis=axis: np.mean(np.abs(x.astype("float64")), axis=axis), note="of integers and bool it is computed in f32, and is an f32")
#: A single element has no degree of freedom left.
MORE = [{"A": 3, "B": 4, "C": 37, "N": 100}, {"A": 2, "B": 3, "C": 2, "N": 2}]
for name in ["var", "std"]:
    case(name, f"{name}(x, axis=-1, correction=1)", "x: T[A, C]", "T[A]",
         lambda xp, x, name=name: getattr(xp, name)(x, axis=-1, ddof=1), dtypes=FLOATS, data=["mild"], tol=ulp(16, 32), sizes=MORE)


def logsumexp(xp, x, axis, keepdims):
    if xp is not np:
        import jax.scipy.special
        return jax.scipy.special.logsumexp(x, axis=axis, keepdims=keepdims)
    greatest = np.max(x, axis=axis, keepdims=True)
    shift = np.where(np.isfinite(greatest), greatest, 0)
    result = np.log(np.sum(np.exp(x - shift), axis=axis, keepdims=True)) + shift
    return result if keepdims else np.squeeze(result, axis=axis)


reduction("logsumexp", logsumexp, dtypes=FLOATS, data=["mild", "sprinkled", "large"], sizes=FULL, tol=ulp(32, 64))
case("logsumexp", "logsumexp(x, axis=0)", "x: T[N]", "T", lambda xp, x: logsumexp(xp, x, 0, False), dtypes=FLOATS, data=["ties"],
     sizes=FULL, tol=ulp(32, 64))

for name in ["argmax", "argmin"]:
    def position(xp, x, axis, keepdims, name=name):
        if isinstance(axis, tuple):
            axis = None
        return getattr(xp, name)(x, axis=axis, keepdims=keepdims)
    forms = [(text, axis, keepdims, type_) for text, axis, keepdims, type_ in FORMS if "[" not in text]
    reduction(name, position, "i32", forms=forms, dtypes=ALL, data=["any", "ties"], sizes=FULL,
              note="the first of equal elements, and the first NaN where there is one; indices are i32 (NumPy: i64)")
    case(name, f"{name}(x)", "x: T", "i32", lambda xp, x: xp.zeros((), "int32"), dtypes=ALL)
reduction("count_nonzero", plain("count_nonzero"), "i32", dtypes=ALL, data=["any", "ties"],
          note="counts are i32 (NumPy: i64)")
