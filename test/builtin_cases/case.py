"""What a case is: one built-in with one set of arguments, for all dtypes that it is defined for."""

import inspect
import re

FLOATS = ["f16", "bf16", "f32", "f64"]
SIGNED = ["i8", "i32", "i64"]
UNSIGNED = ["u8", "u32", "u64"]
INTS = SIGNED + UNSIGNED
NUMBERS = INTS + FLOATS
BITS = ["bool"] + INTS
ALL = ["bool"] + NUMBERS
EVERY = ALL + ["key"]

CASES = []


def few(dtypes):
    """Some of dtypes, one of each kind of element type and of its width in code: for further forms of an operation."""
    return [dtype for dtype in dtypes if dtype in ("bool", "i8", "u32", "bf16", "f64")]


#: Sizes that dims take, one after the other: some of each, one of each, none.
SIZES = [{"A": 3, "B": 4, "C": 5, "N": 37}, {"A": 1, "B": 1, "C": 1, "N": 1}, {"A": 0, "B": 4, "C": 5, "N": 0}]


class Tolerance:
    """How far a float may be from what is expected, for NumPy (computed more exactly, rounded once) and for JAX.

    kind "ulp": units of the last place. kind "terms": multiples of eps times what the terms sum to without their signs,
    so that cancellation does not count. kind "scale": multiples of eps times the largest expected number.
    """

    def __init__(self, kind, ours, jax):
        self.kind, self.ours, self.jax = kind, ours, jax

    def __str__(self):
        unit = {"ulp": "ulp", "terms": "eps·Σ|terms|", "scale": "eps·max"}[self.kind]
        return f"{self.ours:g} {unit}" if self.ours else "exact"


EXACT = Tolerance("ulp", 0, 0)


def ulp(ours, jax=None):
    return Tolerance("ulp", ours, ours + 4 if jax is None else jax)


def terms(ours, jax=None):
    return Tolerance("terms", ours, 2 * ours if jax is None else jax)


def scale(ours, jax=None):
    return Tolerance("scale", ours, 2 * ours if jax is None else jax)


class Case:
    """`params` and `result` are types with dims A, B, C, N and the dtype T, `call` is an expression or a block.

    `ref(xp, …)` computes the result with numpy or jax.numpy; its parameters are named as those of the case, or `xp`,
    `d` (the dims) and `t` (the dtype). `numpy` and `jax` are used instead where the libraries differ; `jax=None` where
    JAX has no such function. `data` says which numbers a parameter gets, `sizes` which sizes the dims. `size_of` is
    what a dim means in literals, `where` a condition of the dims.
    """

    def __init__(self, op, call, params, result, ref=None, *, dtypes=ALL, tol=EXACT, data="any", sizes=SIZES, where="",
                 numpy=..., jax=..., note="", zero_sign=True, dynamic=True, static=True, only=None, abs_ref=None):
        self.op, self.call, self.result, self.tol, self.where, self.note = op, call, result, tol, where, note
        self.params = dict(part.split(": ") for part in re.split(r",\s*(?=\w+: )", params)) if params else {}
        self.dtypes, self.data, self.sizes, self.zero_sign = list(dtypes), data, sizes, zero_sign
        self.numpy = ref if numpy is ... else numpy
        self.jax = ref if jax is ... else jax
        self.only = list(only or self.dtypes)
        self.static = static
        text = " ".join([params, result, call])
        self.dims = [name for name in "ABCN" if re.search(rf"\b{name}\b", text)]
        self.dynamic = dynamic and bool(self.dims)
        self.abs_ref = abs_ref
        CASES.append(self)

    def types(self):
        """The types of the results, as texts."""
        inner = self.result[1:-1] if self.result.startswith("(") else self.result
        return re.findall(r"\w+(?:\[[^\]]*\])?", inner)

    def source(self, name, dtype, dims=None):
        """The export, with dims by name, or as the numbers given."""
        def put(text):
            text = re.sub(r"\bT\b", dtype, text)
            if dims is not None:
                text = re.sub(r"\b[ABCN]\b", lambda found: str(dims[found[0]]), text)
            return text
        heads = f"<{', '.join(self.dims)}>" if dims is None and self.dims else ""
        params = ", ".join(f"{name}: {put(type_)}" for name, type_ in self.params.items())
        where = f" where {self.where}" if self.where and dims is None else ""
        return f"export fn {name}{heads}({params}) -> {put(self.result)}{where} {{ {put(self.call)} }}"


def shape_of(type_, dims):
    """The sizes of `T[A, 2 * B]`."""
    found = re.search(r"\[(.*)\]", type_)
    if not found or not found[1]:
        return ()
    return tuple(int(eval(size.replace("/", "//"), {}, dict(dims))) for size in found[1].split(","))


def dtype_of(type_, dtype):
    name = type_.split("[")[0]
    return dtype if name == "T" else name


def call_ref(function, xp, values, dims, dtype):
    """Calls a reference with the arguments that its parameters name."""
    known = {**values, "xp": xp, "d": dims, "t": dtype}
    names = [name for name, one in inspect.signature(function).parameters.items() if one.default is one.empty]
    return function(*(known[name] for name in names))


def case(*args, **kwargs):
    Case(*args, **kwargs)
