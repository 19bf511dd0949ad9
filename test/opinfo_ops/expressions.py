"""PyTorch's operations as expressions of the language: a table of functions that take a sample's arguments.

Tensors arrive as `Tensor`s, which print as the name of a parameter. What the language has no word for is written as it is
in PyTorch, so that the compiler refuses it with a message of its own.
"""

import math


class Tensor:
    """A parameter of the program, or a part of an expression whose shape is known."""

    def __init__(self, text, shape, dtype="f64"):
        self.text, self.shape, self.dtype = text, tuple(shape), dtype

    def __str__(self):
        return self.text

    @property
    def rank(self):
        return len(self.shape)


def literal(value):
    """A number, a list or a tensor as text."""
    if isinstance(value, Tensor):
        return value.text
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, float):
        return str(value) if math.isfinite(value) else "nan" if math.isnan(value) else "inf" if value > 0 else "(-inf)"
    return str(value) if not isinstance(value, str) else f'"{value}"'


def floating(value):
    """A number or a tensor that stands beside floats."""
    if isinstance(value, Tensor) and value.dtype[0] in "iu":
        return f"f64({value})"
    return f"({float(value)!r})" if isinstance(value, (int, float)) and math.isfinite(value) else literal(value)


def keywords(**values):
    return "".join(f", {name}={literal(value)}" for name, value in values.items() if value is not None)


def axes_of(x, dim):
    """An axis or several of a tensor; a scalar has one for PyTorch and none here."""
    if dim is None or x.rank == 0 or dim == () or dim == []:
        return None
    return list(dim) if isinstance(dim, (list, tuple)) else dim


def call(name):
    """The same call without further arguments."""
    return lambda x, **more: f"{name}({x}{keywords(**more)})"


def of(text):
    """A template over the arguments in order, which are all."""
    return lambda *args: text.format(*map(floating, args))


def logit(x, eps=None):
    """PyTorch's bounds may have changed places: an eps above a half."""
    kept = x if eps is None else f"where({x} < {eps}, {eps}, where({x} > {1 - eps}, {1 - eps}, {x}))"
    return f"log({kept} / (1 - {kept}))"


UNARY = {name: call(name) for name in """abs acos asin atan ceil cos cosh erf exp expm1 floor log log10 log1p log2 reciprocal
    rsqrt sigmoid sign sin sinh sqrt square tan tanh trunc""".split()}
UNARY |= {
    "neg": of("-{0}"), "positive": of("{0}"), "clone": lambda x, **_: str(x), "contiguous": of("{0}"), "exp2": of("pow(2.0, {0})"),
    "erfc": of("1 - erf({0})"), "sgn": call("sign"), "real": of("{0}"), "conj": of("{0}"), "conj_physical": of("{0}"),
    "resolve_conj": of("{0}"), "resolve_neg": of("{0}"), "deg2rad": of("{0} * (pi / 180)"), "rad2deg": of("{0} * (180 / pi)"),
    "frac": of("{0} - trunc({0})"), "asinh": of("sign({0}) * log(abs({0}) + sqrt(square({0}) + 1))"),
    "acosh": of("log({0} + sqrt({0} - 1) * sqrt({0} + 1))"), "atanh": of("0.5 * (log1p({0}) - log1p(-{0}))"),
    "sinc": lambda x: f"where({x} == 0, 1, sin(pi * {x}) / (pi * where({x} == 0, 1, {x})))",
    "logit": logit,
    "nn.functional.relu": call("relu"), "nn.functional.silu": call("silu"), "nn.functional.logsigmoid": call("log_sigmoid"),
    "nn.functional.softsign": of("{0} / (1 + abs({0}))"), "nn.functional.tanhshrink": of("{0} - tanh({0})"),
    "nn.functional.relu6": of("clip({0}, 0, 6)"), "nn.functional.mish": of("{0} * tanh(softplus({0}))"),
    "nn.functional.hardswish": of("{0} * clip({0} + 3, 0, 6) / 6"), "nn.functional.hardsigmoid": of("clip({0} + 3, 0, 6) / 6"),
    "nn.functional.gelu": lambda x, approximate="none": f"gelu({x}, exact={'true' if approximate == 'none' else 'false'})",
    "nn.functional.elu": lambda x, alpha=1.0: f"elu({x}, alpha={alpha})",
    "nn.functional.celu": lambda x, alpha=1.0: f"where({x} > 0, {x}, {alpha} * expm1({x} / {alpha}))",
    "nn.functional.selu": of("1.0507009873554805 * elu({0}, alpha=1.6732632423543772)"),
    "nn.functional.leaky_relu": lambda x, negative_slope=0.01: f"leaky_relu({x}, slope={negative_slope})",
    "nn.functional.hardtanh": lambda x, min_val=-1.0, max_val=1.0: f"clip({x}, {min_val}, {max_val})",
    "nn.functional.hardshrink": lambda x, lambd=0.5: f"where(abs({x}) > {lambd}, {x}, 0)",
    "nn.functional.softshrink": lambda x, lambd=0.5: f"sign({x}) * relu(abs({x}) - {lambd})",
    "nn.functional.threshold": lambda x, threshold, value: f"where({x} > {threshold}, {x}, {value})",
    "nn.functional.softplus": lambda x, beta=1.0, threshold=20.0: f"where({x} * {beta} > {threshold}, {x}, softplus({x} * {beta}) / {beta})",
    "nan_to_num": lambda x, nan=0.0, posinf=1.7976931348623157e308, neginf=-1.7976931348623157e308:
        f"where(isnan({x}), {nan}, where({x} == inf, {posinf}, where({x} == -inf, {neginf}, {x})))",
    "special.entr": lambda x: f"where({x} == 0, 0, -{x} * log({x}))",
    "special.ndtr": of("0.5 * (1 + erf({0} * 0.7071067811865476))"),
}


def binary(operator, reverse=False):
    def build(a, b, alpha=1, **_):
        a, b = (b, a) if reverse else (a, b)
        scaled = f"{floating(alpha)} * " if alpha != 1 else ""
        return f"{floating(a)} {operator} {scaled}{floating(b)}"
    return build


def divided(a, b, rounding_mode=None):
    whole = {"floor": "floor", "trunc": "trunc"}.get(rounding_mode, "")
    return f"{whole}({floating(a)} / {floating(b)})"


def bounded(x, min=None, max=None):
    return f"clip({x}, {floating(min)}, {floating(max)})"


BINARY = {
    "add": binary("+"), "sub": binary("-"), "mul": binary("*"), "true_divide": divided, "div": divided,
    "rsub": lambda a, b, alpha=1: f"{floating(b)} - {floating(alpha)} * {a}",
    "__radd__": binary("+", True), "__rmul__": binary("*", True), "__rsub__": binary("-", True), "__rdiv__": binary("/", True),
    "__rpow__": binary("**", True), "__rmatmul__": lambda a, b: f"{b} @ {a}", "__rmod__": of("remainder({1}, {0})"),
    "pow": of("pow({0}, {1})"), "float_power": of("pow({0}, {1})"),
    "remainder": of("remainder({0}, {1})"), "atan2": of("atan2({0}, {1})"), "maximum": of("maximum({0}, {1})"), "minimum": of("minimum({0}, {1})"),
    "fmin": of("where(isnan({0}), {1}, where(isnan({1}), {0}, minimum({0}, {1})))"),
    "fmax": of("where(isnan({0}), {1}, where(isnan({1}), {0}, maximum({0}, {1})))"),
    "logaddexp": of("logaddexp({0}, {1})"), "hypot": of("sqrt(square({0}) + square({1}))"),
    "xlogy": of("where({0} == 0, 0, {0} * log({1}))"), "special.xlog1py": of("where({0} == 0, 0, {0} * log1p({1}))"),
    "lerp": of("{0} + {2} * ({1} - {0})"), "where": lambda a, c, b: f"where({c}, {floating(a)}, {floating(b)})",
    "clamp": bounded, "clamp_min": lambda x, min: bounded(x, min), "clamp_max": lambda x, max: bounded(x, None, max),
    "addcmul": lambda x, a, b, value=1: f"{x} + {floating(value)} * {a} * {b}",
    "addcdiv": lambda x, a, b, value=1: f"{x} + {floating(value)} * {a} / {b}",
    "masked_fill": lambda x, mask, value: f"where({mask}, {floating(value)}, {x})",
    "max": lambda x, dim=None, keepdim=False: extreme("max", x, dim, keepdim), "min": lambda x, dim=None, keepdim=False: extreme("min", x, dim, keepdim),
    "nn.functional.prelu": lambda x, weight: f"where({x} > 0, {x}, {per_channel(weight, x)} * {x})",
    "ldexp": of("{0} * pow(2.0, {1})"),
    "copysign": of("where({1} < 0, -abs({0}), where({1} == 0, where(1.0 / {1} < 0, -abs({0}), abs({0})), abs({0})))"), "dist": lambda a, b, p=2: norm_of(f"({a} - {b})", p, None, False),
}


def extreme(name, x, dim, keepdim):
    if isinstance(dim, Tensor):
        return f"{name}imum({x}, {dim})"
    return reduced(name)(x, dim, keepdim)


def per_channel(w, x):
    """A tensor of one number a channel, beside `x`, whose channels are axis 1."""
    if w.rank == 0 or x.rank == 0:
        return f"reshape({w}, [])"
    return f"reshape({w}, {[w.shape[0]] + [1] * (x.rank - 2)})" if x.rank > 1 else str(w)


def reduced(name):
    def build(x, dim=None, keepdim=False, dtype=None):
        return f"{name}({x}{keywords(axis=axes_of(x, dim), keepdims=keepdim and x.rank > 0 or None)})"
    return build


def spread(name):
    def build(x, dim=None, unbiased=None, *, correction=1, keepdim=False):
        if isinstance(dim, bool):
            dim, unbiased = None, dim
        correction = int(unbiased) if unbiased is not None else 1 if correction is None else correction
        return f"{name}({x}{keywords(axis=axes_of(x, dim), correction=correction, keepdims=keepdim or None)})"
    return build


def norm_of(x, ord, dim, keepdim):
    tail = keywords(axis=dim, keepdims=keepdim or None)
    if ord in ("fro", None, 2):
        return f"sqrt(sum(square({x}){tail}))"
    if ord == math.inf:
        return f"max(abs({x}){tail})"
    if ord == -math.inf:
        return f"min(abs({x}){tail})"
    if ord == 0:
        return f"sum(where({x} == 0, 0 * {x}, 1 + 0 * {x}){tail})"
    if ord == 1:
        return f"sum(abs({x}){tail})"
    return f"pow(sum(pow(abs({x}), {floating(ord)}){tail}), {1 / ord})" if ord and not isinstance(ord, str) else f"norm({x}, {literal(ord)}{tail})"


REDUCTIONS = {
    "sum": reduced("sum"), "mean": reduced("mean"), "amax": reduced("max"), "amin": reduced("min"), "prod": reduced("prod"),
    "logsumexp": reduced("logsumexp"), "std": spread("std"), "var": spread("var"),
    "nansum": lambda x, dim=None, keepdim=False: f"sum(where(isnan({x}), 0, {x}){keywords(axis=axes_of(x, dim), keepdims=keepdim and x.rank > 0 or None)})",
    "linalg.vector_norm": lambda x, ord=2, dim=None, keepdim=False: norm_of(x, ord, axes_of(x, dim), keepdim and x.rank > 0),
    "norm": lambda x, p="fro", dim=None, keepdim=False: norm_of(x, p, axes_of(x, dim), keepdim and x.rank > 0),
    "trace": lambda x: f'einsum("ii", {x}[:{min(x.shape)}, :{min(x.shape)}])',
}


def running(name):
    def build(x, dim, dtype=None):
        return str(x) if x.rank == 0 else f"{name}({x}, axis={dim})"
    return build


def diff(x, n, dim, prepend, append):
    """Statements, as each round uses the one before twice."""
    if n == 0:
        return str(x)
    parts = [part for part in (prepend, x, append) if part is not None]
    size = sum(part.shape[dim] for part in parts)
    before = ":, " * (dim % x.rank)
    text = f"let d0_ = concat([{', '.join(map(str, parts))}], axis={dim}); "
    for i in range(n):
        text += f"let d{i + 1}_ = d{i}_[{before}{min(1, size)}:] - d{i}_[{before}:{max(size - 1, 0)}]; "
        size = max(size - 1, 0)
    return f"{text}d{n}_"


def trapezoids(y, x, dx, dim):
    """The areas between neighbours along an axis."""
    def neighbours(value, axis):
        before, size = ":, " * (axis % value.rank), value.shape[axis]
        return f"{value}[{before}{min(1, size)}:]", f"{value}[{before}:{max(size - 1, 0)}]"

    ahead, behind = neighbours(y, dim)
    width = floating(dx)
    if x is not None:
        along = x.rank == 1 and y.rank > 1
        after, back = neighbours(x, 0 if along else dim)
        width = f"({after} - {back})"
        if along:
            width = f"reshape({width}, {[max(x.shape[0] - 1, 0)] + [1] * (-1 - dim if dim < 0 else y.rank - 1 - dim)})"
    return f"0.5 * {width} * ({ahead} + {behind})"


CUMULATIVE = {
    "cumsum": running("cumsum"), "cumprod": running("cumprod"), "cummax": running("cummax"), "cummin": running("cummin"),
    "logcumsumexp": lambda x, dim: str(x) if x.rank == 0 else
        f"moveaxis(logsumexp(where(tril(ones([{x.shape[dim]}, {x.shape[dim]}], bool)), expand_dims(moveaxis({x}, {dim}, -1), axis=-2), -inf), axis=-1), -1, {dim})",
    "diff": lambda x, n=1, dim=-1, prepend=None, append=None: diff(x, n, dim, prepend, append),
    "trapezoid": lambda y, x=None, dx=1.0, dim=-1: f"sum({trapezoids(y, x, dx, dim)}, axis={dim})", "trapz": lambda y, x=None, dx=1.0, dim=-1: f"sum({trapezoids(y, x, dx, dim)}, axis={dim})",
    "cumulative_trapezoid": lambda y, x=None, dx=1.0, dim=-1: f"cumsum({trapezoids(y, x, dx, dim)}, axis={dim})",
}


def at(x, dim, ids):
    if x.rank == 0:
        return str(x)
    return f"take({x}, {ids}, axis={dim})"


def along(x, ids, dim=None):
    if dim is None:
        return f"take_along_axis(reshape({x}, [-1]), reshape({ids}, [-1]))"
    if x.rank == 0:
        return str(x) if ids.rank == 0 else f"reshape({x}, [1])[{ids}]"
    return f"take_along_axis({x}, {ids}, axis={dim})"


def gathered(x, dim, ids, sparse_grad=False):
    if x.rank and ids.rank:
        cut = ", ".join(":" if i == dim % x.rank else f":{n}" for i, n in enumerate(ids.shape))
        x = Tensor(f"{x}[{cut}]", x.shape)
    return along(x, ids, dim)


def added(x, dim, ids, source, alpha=1):
    times = f"{floating(alpha)} * " if alpha != 1 else ""
    if x.rank == 0:
        return f"{x} + {times}{source}" if source.rank == 0 else f"{x} + {times}sum({source})"
    if dim % x.rank:
        return f"scatter_add({x}, {ids}, {times}{source}, axis={dim})"
    return f"var y = {x}; y[{ids}] += {times}{source}; y"


def copied(x, dim, ids, source):
    if x.rank == 0:
        return f"0 * {x} + " + (f"reshape({source}, [])" if isinstance(source, Tensor) else floating(source))
    before = ":, " * (dim % x.rank)
    return f"var y = {x}; y[{before}{ids}] = {floating(source)}; y"


def topped(x, k, dim=-1, largest=True, sorted=True):
    if x.rank == 0:
        return str(x)
    sign = "" if largest else "-"
    last = dim % x.rank == x.rank - 1
    moved = f"{sign}{x}" if last else f"moveaxis({sign}{x}, {dim}, -1)"
    values = "v" if last else f"moveaxis(v, -1, {dim})"
    return f"let (v, _i) = top_k({moved}, {k}); {sign}{values}"


def narrowed(x, dim, start, length):
    """A part of an axis; what starts at a number of the program is taken, as slices have bounds that are known."""
    size = x.shape[dim]
    if isinstance(start, Tensor):
        return f"take({x}, where({start} < 0, {start} + {size}, {start}) + arange({length}, dtype={start.dtype}), axis={dim})"
    start += size if start < 0 else 0
    return f"{x}[{':, ' * (dim % x.rank)}{start}:{start + length}]"


INDEXING = {
    "index_select": at, "gather": gathered, "take_along_dim": along, "index_add": added, "index_copy": copied, "index_fill": copied,
    "take": lambda x, ids: f"take(reshape({x}, [-1]), {ids})", "topk": topped,
    "sort": lambda x, dim=-1, descending=False, stable=False: str(x) if x.rank == 0 else f"sort({x}, axis={dim}, descending={str(descending).lower()})",
    "msort": lambda x: f"sort({x}, axis=0)",
    "nn.functional.embedding": lambda ids, table, **more: f"embedding({ids}, {table}{keywords(**{k: v for k, v in more.items() if v not in (None, False)})})",
    "select": lambda x, dim, index: f"{x}[{':, ' * (dim % x.rank)}{index}]",
    "narrow": narrowed, "narrow_copy": narrowed,
    "scatter_add": lambda x, dim, ids, source: f"{x} + {source}" if x.rank == 0 else scattered(x, dim, ids, source),
}


def scattered(x, dim, ids, source):
    """By one-hot sums: each element of `source` goes to the place of its index along the axis."""
    dim %= x.rank
    n, rank = x.shape[dim], x.rank
    cut = f"{source}[{', '.join(f':{size}' for size in ids.shape)}]"
    wide = f"sum(expand_dims({cut}, axis={dim}) * one_hot({ids}, {n}, f64, axis={dim}), axis={dim + 1})"
    pads = [[0, 0 if axis == dim else x.shape[axis] - ids.shape[axis]] for axis in range(rank)]
    return f"{x} + pad({wide}, {pads})"
