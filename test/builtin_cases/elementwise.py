"""Elementwise operations: every special number with every other one, rank 0, broadcasting, literals."""

import math

import numpy as np

from .case import ALL, BITS, EVERY, FLOATS, INTS, NUMBERS, case, few, terms, ulp

CROSS = ["cross"]
#: Sizes that share the length of the crossed data, and short ones.
LENGTHS = [{"A": 4, "B": 5, "C": 2, "N": 37}, {"A": 1, "B": 0, "C": 1, "N": 1}]


def on_longs(function):
    """A function of math on every element; `math` has more of them than NumPy."""
    return np.vectorize(lambda x: function(float(x)), otypes=[np.float64])


def safe(function, otherwise):
    def wrapped(x):
        try:
            return function(x)
        except (OverflowError, ValueError):
            return otherwise(x)
    return wrapped


def unary(op, ref, *, jax=..., **options):
    """On many numbers, on one, on none."""
    options.setdefault("data", CROSS)
    case(op, f"{op}(x)", "x: T[N]", "T[N]", ref, sizes=LENGTHS + [{"A": 0, "B": 0, "C": 0, "N": 0}], jax=jax, **options)
    case(op, f"{op}(x)", "x: T", "T", ref, jax=jax, **options)


def np_name(name):
    return lambda xp, x: getattr(xp, name)(x)


for name in ["exp", "expm1", "log", "log1p", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh"]:
    unary(name, np_name(name), dtypes=FLOATS, tol=ulp(4, 64))
unary("sqrt", np_name("sqrt"), dtypes=FLOATS, tol=ulp(0, 1))
unary("rsqrt", None, dtypes=FLOATS, tol=ulp(2), numpy=lambda x: 1 / np.sqrt(x), jax=lambda x: jax_lax().rsqrt(x),
      data=[("positive")])
unary("reciprocal", lambda xp, x: 1 / x, dtypes=FLOATS, tol=ulp(0, 1))
unary("log2", np_name("log2"), dtypes=FLOATS, tol=ulp(3))
unary("log10", np_name("log10"), dtypes=FLOATS, tol=ulp(3))
unary("erf", None, dtypes=FLOATS, tol=ulp(4, 8), numpy=lambda x: on_longs(math.erf)(x), jax=lambda x: jax_special().erf(x))
unary("sigmoid", None, dtypes=FLOATS, tol=ulp(4, 8), jax=lambda x: jax_nn().sigmoid(x),
      numpy=lambda x: np.where(x < 0, np.exp(np.minimum(x, 0)) / (1 + np.exp(np.minimum(x, 0))),
                               1 / (1 + np.exp(-np.maximum(x, 0)))))
unary("softplus", None, dtypes=FLOATS, tol=ulp(4, 8), numpy=lambda x: np.logaddexp(x, 0), jax=lambda x: jax_nn().softplus(x))
for name in ["floor", "ceil", "trunc", "round"]:
    unary(name, np_name(name), dtypes=NUMBERS)
unary("abs", np_name("abs"), dtypes=NUMBERS)
unary("square", np_name("square"), dtypes=NUMBERS)
unary("negative", np_name("negative"), dtypes=NUMBERS)
unary("sign", np_name("sign"), dtypes=NUMBERS, numpy=lambda x: np.where(x == 0, x, np.sign(x)),
      note="NumPy gives 0 for -0, JAX and the language -0")
unary("bitwise_not", np_name("bitwise_not"), dtypes=BITS)
unary("logical_not", np_name("logical_not"), dtypes=["bool"])
unary("stop_gradient", lambda x: x, dtypes=EVERY, only=ALL)
case("stop_gradient", "stop_gradient(x)", "x: key[N]", "key[N]", lambda x: x, dtypes=["key"])
for name in ["isnan", "isinf", "isfinite"]:
    case(name, f"{name}(x)", "x: T[N]", "bool[N]", np_name(name), dtypes=NUMBERS, data=CROSS, sizes=LENGTHS)
    case(name, f"{name}(x)", "x: T", "bool", np_name(name), dtypes=NUMBERS)


def jax_lax():
    import jax.lax
    return jax.lax


def jax_nn():
    import jax.nn
    return jax.nn


def jax_special():
    import jax.scipy.special
    return jax.scipy.special


def binary(op, ref, result="T", symbol="", *, jax=..., dtypes=NUMBERS, numpy=..., **options):
    """Of two tensors, broadcast, with a scalar and with a literal; as a call and as an operator."""
    same = dict(jax=jax, numpy=numpy, dtypes=dtypes, **options)
    case(op, f"{op}(a, b)", "a: T[N], b: T[N]", f"{result}[N]", ref, data=CROSS, sizes=LENGTHS, **same)
    case(op, f"{op}(a, b)", "a: T[A, 1], b: T[B]", f"{result}[A, B]", ref, sizes=LENGTHS, **same)
    case(op, f"{op}(a, b)", "a: T, b: T", result, ref, **same)
    if symbol:
        same["only"] = few(options.get("only", dtypes))
        case(op, f"a {symbol} b", "a: T[A, B, C], b: T[B, 1]", f"{result}[A, B, C]", ref, sizes=LENGTHS, **same)


def np_pair(name):
    return lambda xp, a, b: getattr(xp, name)(a, b)


binary("add", np_pair("add"), symbol="+")
binary("subtract", np_pair("subtract"), symbol="-")
binary("multiply", np_pair("multiply"), symbol="*")
binary("divide", np_pair("divide"), symbol="/", dtypes=NUMBERS, tol=ulp(0, 1),
       numpy=lambda a, b: np.divide(a, b) if a.dtype.kind == "f" else np.where(b == 0, 0, np.floor_divide(a, np.where(b == 0, 1, b))),
       jax=lambda xp, a, b: a / b if a.dtype.kind == "f" else jax_floor(xp, a, b),
       note="on integers it is floor division: x / 0 is 0 as in NumPy (JAX gives -1 or -2)")
binary("remainder", np_pair("remainder"), symbol="%", numpy=lambda a, b: exact_remainder(a, b),
       jax=lambda xp, a, b: xp.where(b == 0, 0, xp.remainder(a, xp.where(b == 0, 1, b))) if a.dtype.kind != "f"
       else xp.remainder(a, b), tol=ulp(0, 1))
binary("maximum", np_pair("maximum"), dtypes=ALL, zero_sign=False, note="of 0 and -0 it may give either, as NumPy may")
binary("minimum", np_pair("minimum"), dtypes=ALL, zero_sign=False, note="of 0 and -0 it may give either, as NumPy may")
binary("atan2", np_pair("arctan2"), dtypes=FLOATS, tol=ulp(4, 8))
binary("logaddexp", np_pair("logaddexp"), dtypes=FLOATS, tol=terms(4),
       abs_ref=lambda a, b: np.maximum(a, b) + np.log1p(np.exp(-np.abs(a - b))))
binary("pow", np_pair("power"), tol=ulp(4, 256), symbol="**", only=FLOATS)
binary("pow", None, tol=ulp(0), symbol="**", only=INTS, numpy=lambda a, b: to_power(a, b), jax=None,
       note="of integers, negative powers are rounded to 0 (NumPy raises, JAX gives 1); compared with JAX from 0 to 63, as it does "
            "not look at further bits")
case("pow", "pow(a, b)", "a: T[A, B], b: T[A, B]", "T[A, B]", np_pair("power"), dtypes=NUMBERS, only=INTS, data={"a": "any", "b": ("in", 0, 64)})
for name, symbol in [("equal", "=="), ("not_equal", "!="), ("less", "<"), ("less_equal", "<="), ("greater", ">"),
                     ("greater_equal", ">=")]:
    binary(name, np_pair(name), "bool", symbol, dtypes=ALL if "equal" in (name, name[4:]) else NUMBERS)
for name in ["bitwise_and", "bitwise_or", "bitwise_xor"]:
    binary(name, np_pair(name), dtypes=BITS)
for name in ["bitwise_left_shift", "bitwise_right_shift"]:
    binary(name, np_pair(name), dtypes=INTS)
for name, symbol in [("logical_and", "&&"), ("logical_or", "||"), ("logical_xor", "")]:
    binary(name, np_pair(name), dtypes=["bool"], symbol=symbol)


def jax_floor(xp, a, b):
    return xp.where(b == 0, 0, xp.floor_divide(a, xp.where(b == 0, 1, b)))


def exact_remainder(a, b):
    if a.dtype.kind != "f":
        return np.where(b == 0, 0, np.remainder(a, np.where(b == 0, 1, b)))
    return np.remainder(a, b)


def to_power(a, b):
    """Of integers; NumPy has no negative powers."""
    result = np.power(a, np.maximum(b, 0))
    rounded = np.where(a == 1, 1, 0)
    if a.dtype.kind == "i":
        rounded = np.where(a == -1, 1 - 2 * (b & 1), rounded)
    return np.where(b < 0, rounded.astype(a.dtype), result)


# Literals take the dtype of the other operand.
case("add", "x + 2", "x: T[N]", "T[N]", lambda x: x + np_like(x, 2), dtypes=NUMBERS, data=CROSS, sizes=LENGTHS, jax=lambda x: x + 2)
case("subtract", "1 - x", "x: T[N]", "T[N]", lambda x: np_like(x, 1) - x, dtypes=NUMBERS, data=CROSS, sizes=LENGTHS, jax=lambda x: 1 - x)
case("multiply", "3 * x", "x: T[N]", "T[N]", lambda x: x * np_like(x, 3), dtypes=NUMBERS, data=CROSS, sizes=LENGTHS, jax=lambda x: 3 * x)
case("divide", "x / 4", "x: T[N]", "T[N]", lambda xp, x: x / 4 if x.dtype.kind == "f" else x // 4, dtypes=NUMBERS, data=CROSS, sizes=LENGTHS)
case("negative", "-x", "x: T[A, B]", "T[A, B]", lambda x: -x, dtypes=NUMBERS)
case("logical_not", "!x", "x: bool[A, B]", "bool[A, B]", lambda x: ~x, dtypes=["bool"])
for power in [0, 1, 2, 3, 5]:
    case("pow", f"x ** {power}", "x: T[N]", "T[N]", lambda x, power=power: x ** np_like(x, power), dtypes=NUMBERS, data=CROSS,
         only=NUMBERS if power == 3 else few(NUMBERS),
         sizes=LENGTHS, tol=ulp(4, 16), jax=lambda xp, x, power=power: x ** power)


def np_like(x, value):
    return np.asarray(value, x.dtype)


# A condition, and bounds.
case("where", "where(c, a, b)", "c: bool[N], a: T[N], b: T[N]", "T[N]", lambda xp, c, a, b: xp.where(c, a, b))
case("where", "where(c, a, b)", "c: bool[A, 1], a: T[B], b: T", "T[A, B]", lambda xp, c, a, b: xp.where(c, a, b))
case("where", "where(c, a, 1)", "c: bool, a: T[A, B]", "T[A, B]", lambda xp, c, a: xp.where(c, a, np_like(a, 1)), dtypes=NUMBERS,
     only=["i8", "u64", "f16", "f64"])
case("clip", "clip(x, lo, hi)", "x: T[N], lo: T[N], hi: T[N]", "T[N]", lambda xp, x, lo, hi: xp.minimum(xp.maximum(x, lo), hi),
     dtypes=NUMBERS, data=CROSS, sizes=LENGTHS, zero_sign=False, note="where lo > hi it is hi, as in NumPy")
case("clip", "clip(x, lo, hi)", "x: T[A, B], lo: T[B], hi: T", "T[A, B]", lambda xp, x, lo, hi: xp.minimum(xp.maximum(x, lo), hi),
     dtypes=NUMBERS, only=few(NUMBERS), zero_sign=False)
case("clip", "clip(x, lo=2)", "x: T[A, B]", "T[A, B]", lambda xp, x: xp.maximum(x, np_like(x, 2)), dtypes=NUMBERS, zero_sign=False)
case("clip", "clip(x)", "x: T[A, B]", "T[A, B]", lambda x: x, dtypes=NUMBERS, only=["i8", "f32"])
case("clip", "clip(x, none, 2)", "x: T[A, B]", "T[A, B]", lambda xp, x: xp.minimum(x, np_like(x, 2)), dtypes=NUMBERS, zero_sign=False)


def converted(x, dtype):
    """Truncated towards zero, integers out of range wrap; floats out of range are compared with JAX."""
    from .floats import HUGE, STORED
    if x.dtype.kind == "f" and dtype not in HUGE and dtype != "bool":
        info = np.iinfo(STORED[dtype])
        whole = np.trunc(np.where(np.isnan(x), 0, x)).astype(np.longdouble)
        at_end = np.where(whole > np.longdouble(info.max), 1, np.where(whole < np.longdouble(info.min), -1, 0))
        inside = np.where(at_end == 0, whole, 0)
        # By way of the 64-bit integer of its sign.
        number = np.where(inside < 0, inside.astype(np.int64).astype(STORED[dtype]), inside.astype(np.uint64).astype(STORED[dtype]))
        return np.where(at_end > 0, info.max, np.where(at_end < 0, info.min, number)).astype(STORED[dtype])
    if dtype == "bool":
        return x != 0
    return x


def as_jax(dtype):
    import jax.numpy as jnp
    return {"bool": jnp.bool_, "i8": jnp.int8, "i32": jnp.int32, "i64": jnp.int64, "u8": jnp.uint8, "u32": jnp.uint32,
            "u64": jnp.uint64, "f16": jnp.float32, "bf16": jnp.float32, "f32": jnp.float32, "f64": jnp.float64}[dtype]


for target in ALL:
    case("astype", f"astype(x, {target})", "x: T[N]", f"{target}[N]", lambda x, target=target: converted(x, target),
         jax=None, data=CROSS, sizes=LENGTHS,
         note="float to integer truncates, is the nearest end of the range outside of it and 0 for NaN, as in JAX; NumPy "
              "leaves both undefined. Integer to integer wraps.")
    case("astype", f"{target}(x)", "x: T[A, B]", f"{target}[A, B]", lambda xp, x, target=target: x.astype(as_jax(target)),
         only=["u8", "f32"], numpy=None, data="mild", tol=ulp(0, 1))
