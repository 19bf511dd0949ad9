"""Activations, normalisation, attention and losses, as jax.nn has them."""

import math

import numpy as np

from .case import ALL, FLOATS, INTS, NUMBERS, case, scale, ulp
from .elementwise import CROSS, LENGTHS, on_longs

SIZES = [{"A": 3, "B": 4, "C": 37, "N": 5}, {"A": 2, "B": 1, "C": 1, "N": 1}]
EMPTY = SIZES + [{"A": 0, "B": 4, "C": 5, "N": 0}]


def nn():
    import jax.nn
    return jax.nn


def activation(op, call, numpy, jax, **options):
    options.setdefault("dtypes", FLOATS)
    options.setdefault("tol", ulp(4, 32))
    case(op, call, "x: T[N]", "T[N]", None, numpy=numpy, jax=jax, data=CROSS, sizes=LENGTHS, **options)
    case(op, call, "x: T", "T", None, numpy=numpy, jax=jax, **options)


def sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e / (1 + e), 1 / (1 + e))


activation("relu", "relu(x)", lambda x: np.where(np.isnan(x) | (x > 0), x, np.zeros_like(x)), lambda x: nn().relu(x), dtypes=NUMBERS,
           tol=ulp(0, 0), zero_sign=False)
activation("silu", "silu(x)", lambda x: x * sigmoid(x), lambda x: nn().silu(x))
activation("elu", "elu(x)", lambda x: np.where(x > 0, x, np.expm1(np.where(x > 0, 0, x))), lambda x: nn().elu(x))
activation("elu", "elu(x, alpha=0.5)", lambda x: np.where(x > 0, x, 0.5 * np.expm1(np.where(x > 0, 0, x))), lambda x: nn().elu(x, 0.5))
activation("leaky_relu", "leaky_relu(x)", lambda x: np.where(x > 0, x, np.longdouble(0.01) * x), lambda x: nn().leaky_relu(x))
activation("leaky_relu", "leaky_relu(x, slope=0.25)", lambda x: np.where(x > 0, x, x / 4), lambda x: nn().leaky_relu(x, 0.25))
activation("log_sigmoid", "log_sigmoid(x)", lambda x: -np.logaddexp(-x, 0), lambda x: nn().log_sigmoid(x))
# Near -inf both forms of gelu are small differences of numbers near 1: errors are measured by the largest result.
for text, exact in [("", False), (", exact=true", True)]:
    def gelu(x, exact=exact):
        if exact:
            return x / 2 * on_longs(math.erfc)(-x / math.sqrt(2))
        return x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    case("gelu", f"gelu(x{text})", "x: T[A, C]", "T[A, C]", None, numpy=gelu, jax=lambda x, exact=exact: nn().gelu(x, approximate=not exact),
         dtypes=FLOATS, data=["mild"], sizes=EMPTY, tol=scale(2))
    case("gelu", f"gelu(x{text})", "x: T", "T", None, numpy=gelu, jax=lambda x, exact=exact: nn().gelu(x, approximate=not exact),
         dtypes=FLOATS, data=["positive"], tol=ulp(4))


def softmax(x, axis):
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def log_softmax(x, axis):
    shifted = x - np.max(x, axis=axis, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


for axis in [-1, 0, 1]:
    for op, ref in [("softmax", softmax), ("log_softmax", log_softmax)]:
        case(op, f"{op}(x, axis={axis})", "x: T[A, B, C]", "T[A, B, C]", None, numpy=lambda x, ref=ref, axis=axis: ref(x, axis),
             jax=lambda x, op=op, axis=axis: getattr(nn(), op)(x, axis=axis), dtypes=FLOATS, data=["mild", "sprinkled", "large"], sizes=SIZES,
             tol=scale(4))
for op, ref in [("softmax", softmax), ("log_softmax", log_softmax)]:
    for text, axes in [("[0, 2]", (0, 2)), ("none", (0, 1, 2))]:
        case(op, f"{op}(x, axis={text})", "x: T[A, B, C]", "T[A, B, C]", None, numpy=lambda x, ref=ref, axes=axes: ref(x, axes),
             jax=lambda x, op=op, axes=axes: getattr(nn(), op)(x, axis=axes), dtypes=FLOATS, only=["f16", "f32"], data=["mild", "sprinkled"], sizes=SIZES,
             tol=scale(4))
    case(op, f"{op}(x)", "x: T[N]", "T[N]", None, numpy=lambda x, ref=ref: ref(x, -1), jax=lambda x, op=op: getattr(nn(), op)(x), dtypes=FLOATS,
         data=["mild"], sizes=[{"A": 1, "B": 1, "C": 1, "N": 1000}, {"A": 1, "B": 1, "C": 1, "N": 1}], tol=scale(4))


def normalised(xp, x, eps):
    mean = xp.mean(x, axis=-1, keepdims=True)
    return (x - mean) / xp.sqrt(xp.mean(xp.square(x - mean), axis=-1, keepdims=True) + eps)


def norm(op, call, params, ref, **options):
    case(op, call, params, "T[A, C]", ref, dtypes=FLOATS, data=["mild", "large"], sizes=EMPTY, tol=scale(8), **options)


norm("layer_norm", "layer_norm(x, g, b)", "x: T[A, C], g: T[C], b: T[C]", lambda xp, x, g, b: normalised(xp, x, 1e-5) * g + b)
norm("layer_norm", "layer_norm(x)", "x: T[A, C]", lambda xp, x: normalised(xp, x, 1e-5))
norm("layer_norm", "layer_norm(x, g, eps=0.5)", "x: T[A, C], g: T[C]", lambda xp, x, g: normalised(xp, x, 0.5) * g)


def rms(xp, x, eps):
    return x / xp.sqrt(xp.mean(xp.square(x), axis=-1, keepdims=True) + eps)


norm("rms_norm", "rms_norm(x, g)", "x: T[A, C], g: T[C]", lambda xp, x, g: rms(xp, x, 1e-6) * g)
norm("rms_norm", "rms_norm(x, eps=0.25)", "x: T[A, C]", lambda xp, x: rms(xp, x, 0.25))
case("batch_norm", "batch_norm(x, m, v, g, b)", "x: T[A, B, C], m: T[B], v: T[B], g: T[B], b: T[B]", "T[A, B, C]",
     lambda xp, x, m, v, g, b: (x - m[:, None]) / xp.sqrt(v[:, None] + 1e-5) * g[:, None] + b[:, None], dtypes=FLOATS,
     data={"v": "positive"}, sizes=EMPTY, tol=scale(8))
case("batch_norm", "batch_norm(x, m, v, eps=0.5)", "x: T[A, B], m: T[B], v: T[B]", "T[A, B]",
     lambda xp, x, m, v: (x - m) / xp.sqrt(v + 0.5), dtypes=FLOATS, data={"v": "positive"}, sizes=EMPTY, tol=scale(8))


def attention(xp, q, k, v, seen=None, by=None):
    scores = xp.matmul(q, xp.swapaxes(k, -1, -2)) * (1 / math.sqrt(q.shape[-1]) if by is None else by)
    if seen is not None:
        scores = xp.where(seen, scores, -0.7 * np.finfo(np.float32).max)
    e = xp.exp(scores - xp.max(scores, axis=-1, keepdims=True))
    return xp.matmul(e / xp.sum(e, axis=-1, keepdims=True), v)


QKV = "q: T[2, A, C], k: T[2, B, C], v: T[2, B, 3]"
AT = [{"A": 6, "B": 5, "C": 16, "N": 2}, {"A": 1, "B": 1, "C": 4, "N": 1}]
for call, ref, params in [
    ("attention(q, k, v)", lambda xp, q, k, v: attention(xp, q, k, v), QKV),
    ("attention(q, k, v, causal=true)", lambda xp, q, k, v: attention(xp, q, k, v, np.tril(np.ones((q.shape[-2], k.shape[-2]), bool))), QKV),
    ("attention(q, k, v, mask=m)", lambda xp, q, k, v, m: attention(xp, q, k, v, m), QKV + ", m: bool[A, B]"),
    ("attention(q, k, v, scale=0.5)", lambda xp, q, k, v: attention(xp, q, k, v, by=0.5), QKV),
]:
    case("attention", call, params, "T[2, A, 3]", ref, dtypes=FLOATS, data="mild", sizes=AT, tol=scale(8),
         note="a row that may attend to nothing attends to all alike, as in jax.nn.dot_product_attention")

for ids in ["i32", "u8", "i64"]:
    case("embedding", "embedding(ids, table)", f"ids: {ids}[N], table: T[B, C]", "T[N, C]", lambda xp, ids, table: table[ids.astype("int64")],
         dtypes=["bool", *NUMBERS], only=ALL if ids == "i32" else ["f32"], data={"ids": ("in", 0, "B"), "table": "any"}, sizes=EMPTY)
for of in INTS:
    case("cross_entropy", "cross_entropy(x, labels)", f"x: T[A, C], labels: {of}[A]", "T[A]",
         lambda xp, x, labels: -xp.take_along_axis(log_softmax(x, -1) if xp is np else nn().log_softmax(x), labels.astype("int64")[:, None], -1)[:, 0],
         dtypes=FLOATS, only=FLOATS if of == "i32" else ["f32"], data={"x": "mild", "labels": ("in", 0, "C")}, sizes=EMPTY, tol=scale(4))
