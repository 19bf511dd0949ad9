"""What differs from case to case: where a function is smooth, which special numbers it is tried on, and where the
language's convention is another than JAX's."""

import dataclasses
import inspect
import typing


@dataclasses.dataclass
class Option:
    """`domain`: bounds of the ordinary numbers of each parameter, or of all. `special`: kinds of special numbers.
    `reference`: instead of the case's function in JAX. `expected`: the convention, where it is not JAX's, as a
    function that replaces the reference on special numbers; `note` says why. `inactive`: has the derivative zero.
    `smooth`: differences show the derivative. `finite_only`: of JAX's second derivatives at special numbers the finite
    ones are expected. `pool`: the sizes of the special numbers that an elementwise operation is tried on, apart from 0."""

    domain: dict | tuple | None = None
    special: tuple = ("ties", "nonfinite")
    reference: typing.Callable | None = None
    expected: typing.Callable | None = None
    note: str = ""
    inactive: bool = False
    elementwise: bool = False
    smooth: bool = True
    finite_only: bool = False
    pool: tuple = (0.0, float("inf"))
    wrt: list | None = None


#: Built-ins without a derivative of their own, and why.
NOT_DIFFERENTIABLE = {
    **dict.fromkeys("equal not_equal less less_equal greater greater_equal isnan isinf isfinite logical_and logical_or "
                    "logical_xor logical_not all any".split(), "gives bool"),
    **dict.fromkeys("bitwise_and bitwise_or bitwise_xor bitwise_not bitwise_left_shift bitwise_right_shift".split(),
                    "takes integers"),
    **dict.fromkeys("argmax argmin argsort count_nonzero randint bernoulli categorical split_key".split(),
                    "gives integers, bool or keys"),
    **dict.fromkeys("zeros ones eye arange iota one_hot uniform normal".split(), "takes no float that varies"),
    **dict.fromkeys("print assert assert_close check_grad".split(), "gives no value"),
}

#: Ops of the dialect without a derivative: integers and bits, places, checks; and what derivatives, batches and calls are
#: asked by, which is expanded before the ops are printed and has cases as a built-in or construct.
OPS_WITHOUT = set("""arg_reduce argsort bitcast bitwise_and bitwise_not bitwise_or bitwise_xor check constant dim_value equal
    greater greater_equal iota isfinite isinf isnan less less_equal not_equal print random_bits shift_left shift_right
    grad vjp jvp vmap call""".split())

POSITIVE, UNIT = (0.3, 3.0), (-0.9, 0.9)

#: Where the functions are smooth.
DOMAINS = {
    "sqrt": POSITIVE, "rsqrt": POSITIVE, "log": POSITIVE, "log2": POSITIVE, "log10": POSITIVE, "log1p": (-0.7, 3.0),
    "asin": UNIT, "acos": UNIT, "reciprocal": POSITIVE, "divide": {"b": POSITIVE, "x": POSITIVE},
    "pow": {"a": POSITIVE, "x": POSITIVE, "b": (-2.0, 2.0)}, "remainder": {"a": (0.3, 0.9), "b": (1.1, 2.9)},
    "batch_norm": {"v": POSITIVE}, "prod": POSITIVE, "cumprod": POSITIVE,
    "while … within": {"x": POSITIVE}, "clip": {"lo": (-0.8, -0.4), "hi": (0.5, 0.9)}, "tan": (-1.2, 1.2),
}

INACTIVE = {"floor", "ceil", "round", "trunc", "sign", "stop_gradient", "zeros_like", "ones_like"}

ELEMENTWISE = set("""abs sign square sqrt rsqrt exp expm1 log log1p sin cos tan asin acos atan atan2 sinh cosh tanh erf
    sigmoid softplus floor ceil round trunc minimum maximum pow where clip add subtract multiply divide remainder negative
    reciprocal log2 log10 logaddexp relu silu elu leaky_relu log_sigmoid gelu stop_gradient astype""".split())



def jnp():
    import jax.numpy
    return jax.numpy


def stopped(x):
    import jax.lax
    return jax.lax.stop_gradient(x)


def windows(x, size, stride):
    """The elements of windows over the last two axes, along a last axis of their own."""
    rows, columns = [(n - k) // stride + 1 for n, k in zip(x.shape[-2:], size)]
    parts = [x[..., i:i + (rows - 1) * stride + 1:stride, j:j + (columns - 1) * stride + 1:stride]
             for i in range(size[0]) for j in range(size[1])]
    return jnp().stack(parts, -1)


def first_of_window(size, stride):
    def pool(x):
        parts = windows(x, size, stride)
        return jnp().take_along_axis(parts, jnp().argmax(parts, -1)[..., None], -1)[..., 0]
    return pool


def last_met(name, axis):
    """A running extreme read at the last place where it was met; NaN is one from where it stands."""
    def scan(x):
        import jax.lax
        at = axis % x.ndim
        met = (x == getattr(jax.lax, name)(x, axis=at)) | jnp().isnan(x)
        numbers = jax.lax.broadcasted_iota("int64", x.shape, at)
        return jnp().take_along_axis(x, jax.lax.cummax(jnp().where(met, numbers, -1), axis=at), at)
    return scan


def nan_of_all(case):
    """An extreme whose derivative is NaN for every element where one is NaN."""
    def extreme(xp, x):
        y = case.jax(xp, x)
        keywords = inspect.signature(case.jax).parameters
        axis, keep = (keywords["axis"].default, keywords["keepdims"].default) if "axis" in keywords else (0, False)
        return y + xp.sum(x, axis=axis, keepdims=keep) * xp.where(xp.isnan(y), xp.nan, 0.0)
    return extreme


def descending(k):
    def top(x):
        return jnp().take_along_axis(x, jnp().argsort(x, axis=-1, stable=True, descending=True)[..., :k], -1)
    return top


def inside(ids, size):
    """Indices as the language has them: negative ones count from the end, then all are clamped."""
    return jnp().clip(jnp().where(ids < 0, ids + size, ids), 0, size - 1)


#: The special numbers of operations with two operands, by their size: JAX loses digits, or has NaN, at others.
POOLS = {"remainder": (0.5, 50.0), "logaddexp": (0.0, 50.0), "atan2": (0.5, 50.0)}

#: Sums of products, where the order decides between inf and NaN.
STRUCTURAL = {"einsum", "conv1d", "conv2d", "conv3d", "conv1d_transpose", "conv2d_transpose", "matmul", "tensordot", "dot",
              "vecdot", "outer", "attention"}

#: Constructs, of which an infinite number would show the operations in them again.
CONSTRUCTS = set("vmap grad value_and_grad vjp jvp hvp jacobian hessian @checkpoint @custom_jvp @custom_vjp".split()) | {"while … within"}

#: By call: a reference for all numbers.
REFERENCES = {
    "max_pool(x)": first_of_window((2, 2), 2),
    "max_pool(x, window=[3, 2], stride=1)": first_of_window((3, 2), 1),
    "top_k(x, 3)": descending(3), "top_k(x, 2)": descending(2), "top_k(x, 1)": descending(1),
    "full_like(x, 2)": lambda x: jnp().full(x.shape, 2.0),
    "astype(x, f64)": lambda x: x,
    "take_along_axis(x, ids)": lambda x, ids: jnp().take_along_axis(x, inside(ids, x.shape[-1]), -1),
}


def of(case):
    option = Option(domain=DOMAINS.get(case.op), inactive=case.op in INACTIVE, elementwise=case.op in ELEMENTWISE)
    option.reference = REFERENCES.get(case.call)
    if case.op in STRUCTURAL | CONSTRUCTS:
        option.special = ("ties",)
    if case.op == "stop_gradient":
        option.smooth, option.note = False, "its derivative is 0 by definition"
    option.pool = POOLS.get(case.op, option.pool)
    option.finite_only = case.op in ("pow", "divide", "remainder")
    if case.op == "pow":
        option.expected = lambda xp, a, b: xp.power(xp.where((a == 0) & (b == 0), 1.0, a), b)
        option.note = "by its base 0 ** 0 has the derivative 0, as the constant a ** 0 does; JAX has NaN"
        if "b" not in case.params:
            option.expected = None
    if case.op == "remainder":
        option.expected = lambda xp, a, b: xp.remainder(stopped(a), b) * xp.where(b == 0, xp.nan, 1.0) + a - stopped(a)
        option.note = "by a divisor of 0 NaN, as the value is"
    if case.op == "abs":
        option.expected = lambda xp, x: x * stopped(xp.sign(x))
        option.note = "0 at 0 and NaN at NaN, as in PyTorch; JAX has 1 and -1"
    if case.op == "relu":
        option.expected = lambda xp, x: xp.where(xp.isnan(x) | (x > 0), x, 0.0)
        option.note = "NaN passes, so its derivative is 1; JAX has 0"
    if case.op == "full_like" and "v" in case.params:
        option.wrt = ["v"]
    elif case.op == "full_like":
        option.inactive = True
    if case.op == "max_pool":
        option.special, option.note = ("ties",), "of equal elements in a window the first takes all, as in PyTorch"
    if case.op in ("cummax", "cummin"):
        option.reference = last_met(case.op, 0 if "axis=0" in case.call else -1)
        option.note = "of equal elements the last one met takes all, as in PyTorch; JAX shares"
    if case.op in ("max", "min") and case.params["x"] != "T":
        option.expected = nan_of_all(case)
        option.note = "where an element is NaN the derivative is NaN for all; JAX gives 0 to the others"
    if case.op in ("prod", "cumprod"):
        option.special, option.note = ("ties",), "where an element is infinite its own derivative is NaN"
    if case.op == "leaky_relu":
        slope = 0.25 if "0.25" in case.call else 0.01
        option.expected = lambda xp, x: xp.where(x > 0, x, slope * x)
        option.note = "the derivative at 0 is the slope, as in PyTorch; JAX has 1"
    return option


def is_left_out(case):
    """Cases that show nothing more about derivatives: further types of indices."""
    ids = [type_ for name, type_ in case.params.items() if name in ("ids", "labels", "i")]
    return any(not type_.startswith(("i32", "i64", "u8")) for type_ in ids)


#: Some sizes, one of each, none.
SIZES = [{"A": 5, "B": 4, "C": 3, "N": 7}, {"A": 1, "B": 1, "C": 1, "N": 1}, {"A": 5, "B": 4, "C": 3, "N": 0}]
IDS = {"ids": ("index", "A")}
OUTSIDE = {"ids": ("clamped", "A")}


def put(x, ids, u):
    """The last of several updates of a place stays."""
    if ids.shape[0] == 0:
        return x
    places = inside(ids, x.shape[0])
    last = jnp().full(x.shape[0], -1).at[places].max(jnp().arange(ids.shape[0]))
    return jnp().where((last >= 0).reshape(-1, *[1] * (x.ndim - 1)), u[last], x)


def add_cases(case):
    """Indexing and updates, and what no built-in of a name does."""
    def more(op, call, params, result, reference, **options):
        case(op, call, params, result, reference, sizes=options.pop("sizes", SIZES), **options)

    rows = "x: T[A, B], ids: i32[N], u: T[N, B]"
    more("x[...]", "x[1:, ::2, none]", "x: T[5, B + 4]", "T[4, (B + 5) / 2, 1]", lambda x: x[1:, ::2, None])
    more("x[...]", "x[::-1, -1]", "x: T[A, 4]", "T[A]", lambda x: x[::-1, -1])
    more("x[...]", "x[1: :3]", "x: T[8]", "T[3]", lambda x: x[1::3])
    more("x[...]", "x[ids]", "x: T[A, B], ids: i32[N]", "T[N, B]", lambda x, ids: x[ids], data=IDS)
    more("x[...]", "x[ids, 1:, ids]", "x: T[A, 4, A], ids: i32[N]", "T[N, 3]", lambda x, ids: x[ids, 1:, ids], data=IDS)
    more("take", "take(x, ids, axis=-2)", "x: T[A, B], ids: i32[N]", "T[N, B]", lambda x, ids: x[inside(ids, x.shape[0])], data=OUTSIDE)
    more("scatter_add_along_axis", "scatter_add_along_axis(x, ids, u)", "x: T[A, B], ids: i32[A, N], u: T[A, N]", "T[A, B]",
         lambda x, ids, u: x.at[jnp().arange(x.shape[0])[:, None], inside(ids, x.shape[1])].add(u), data={"ids": ("clamped", "B")})
    more("scatter_add", "scatter_add(x, ids, u)", rows, "T[A, B]", lambda x, ids, u: x.at[inside(ids, x.shape[0])].add(u), data=OUTSIDE)
    more("x[...] = v", "var y = x; y[ids] = u; y", rows, "T[A, B]", put, data=IDS)
    more("x[...] = v", "var y = x; y[1:, 0] = v; y", "x: T[5, 4], v: T[4]", "T[5, 4]", lambda x, v: x.at[1:, 0].set(v))
    more("x[...] = v", "var y = x; y[::2] = v; y", "x: T[5, B], v: T", "T[5, B]", lambda x, v: x.at[::2].set(v))
    more("x[...] = v", "var y = x; y[x < 0] = v; y", "x: T[A, B], v: T", "T[A, B]", lambda xp, x, v: xp.where(x < 0, v, x))
    more("x[...] += v", "var y = x; y[ids] += u; y", rows, "T[A, B]", lambda x, ids, u: x.at[ids].add(u), data=IDS)
    more("x[...] += v", "var y = x; y[ids] -= v; y", "x: T[A, B], ids: i32[N], v: T", "T[A, B]",
         lambda x, ids, v: x.at[ids].add(-v), data=IDS)
    more("pad", "pad(x, [1, 2], mode=\"reflect\")", "x: T[4]", "T[7]", lambda xp, x: xp.pad(x, (1, 2), mode="reflect"))
    more("uniform", "uniform(k, [N], T, minval=a, maxval=b)", "k: key, a: T, b: T", "T[N]",
         lambda k, a, b, d: rnd().uniform(k, (d["N"],), "float64", minval=a, maxval=b), dtypes=["f32", "f64"])


def rnd():
    import jax.random
    return jax.random
