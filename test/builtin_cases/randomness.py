"""Random numbers: those of jax.random, bit for bit where no logarithm or error function is in them."""

from .case import FLOATS, INTS, case, scale, ulp

SIZES = [{"A": 7, "B": 5, "C": 3, "N": 1000}, {"A": 1, "B": 1, "C": 1, "N": 1}, {"A": 0, "B": 4, "C": 5, "N": 0}]


def rnd():
    import jax.random
    return jax.random


def drawn(op, call, params, result, jax, **options):
    case(op, call, params, result, None, numpy=None, jax=jax, sizes=options.pop("sizes", SIZES), **options)


def narrow(t):
    import jax.numpy as jnp
    return {"f16": jnp.float16, "bf16": jnp.bfloat16, "f32": jnp.float32, "f64": jnp.float64}[t]


def wide(x):
    """As f32 where it is an f16 or bf16: NumPy has no bf16."""
    return x.astype("float32") if x.dtype.itemsize == 2 else x


drawn("split_key", "split_key(k)", "k: key", "key[2]", lambda k: rnd().split(k), dtypes=["key"])
drawn("split_key", "split_key(k, N)", "k: key", "key[N]", lambda k, d: rnd().split(k, d["N"]), dtypes=["key"])
drawn("uniform", "uniform(k, [A, B], T)", "k: key", "T[A, B]", lambda k, d, t: wide(rnd().uniform(k, (d["A"], d["B"]), narrow(t))), dtypes=FLOATS)
drawn("uniform", "uniform(k)", "k: key", "f32", lambda k: rnd().uniform(k, dtype="float32"), dtypes=["f32"])
drawn("uniform", "uniform(k, [N], T, minval=-3, maxval=5)", "k: key", "T[N]",
      lambda k, d, t: wide(rnd().uniform(k, (d["N"],), narrow(t), minval=-3, maxval=5)), dtypes=FLOATS, tol=ulp(1, 1))
drawn("normal", "normal(k, [N], T)", "k: key", "T[N]", lambda k, d, t: wide(rnd().normal(k, (d["N"],), narrow(t))), dtypes=FLOATS, tol=scale(2, 8),
      note="its log1p rounds differently from XLA's, whose log1p of f64 is up to 34 ulp off")
for of in INTS:
    drawn("randint", f"randint(k, [A, B], 3, 100, {of})", "k: key", f"{of}[A, B]", lambda k, d, of=of: rnd().randint(k, (d["A"], d["B"]), 3, 100, of.replace("i", "int").replace("u", "uint")),
          dtypes=[of])
drawn("randint", "randint(k, [N], a, b)", "k: key, a: i32, b: i32", "i32[N]", lambda k, d, a, b: rnd().randint(k, (d["N"],), a, b, "int32"), dtypes=["i32"],
      data=[{"a": ("in", -50, 0), "b": ("in", 1, 90)}, {"a": ("in", 5, 6), "b": ("in", 5, 6)}])
drawn("bernoulli", "bernoulli(k, 0.3, [N])", "k: key", "bool[N]", lambda xp, k, d: rnd().bernoulli(k, xp.float32(0.3), (d["N"],)), dtypes=["bool"])
drawn("bernoulli", "bernoulli(k, p)", "k: key, p: T[N]", "bool[N]", lambda k, p, t: rnd().bernoulli(k, p.astype(narrow(t))), dtypes=FLOATS, data={"p": "unit"})
drawn("bernoulli", "bernoulli(k)", "k: key", "bool", lambda xp, k: rnd().bernoulli(k, xp.float32(0.5)), dtypes=["bool"])
drawn("categorical", "categorical(k, x)", "k: key, x: T[A, B]", "i32[A]", lambda k, x, t: rnd().categorical(k, x.astype(narrow(t))), dtypes=FLOATS,
      data="mild", sizes=[{"A": 70, "B": 5, "C": 3, "N": 1}, {"A": 0, "B": 2, "C": 1, "N": 1}])
drawn("categorical", "categorical(k, x, axis=0)", "k: key, x: T[A, B]", "i32[B]", lambda k, x: rnd().categorical(k, x, axis=0), dtypes=FLOATS,
      only=["f32"], data="mild", sizes=SIZES[:2])
drawn("dropout", "dropout(k, x, 0.25)", "k: key, x: T[A, B]", "T[A, B]",
      lambda xp, k, x, t: xp.where(rnd().bernoulli(k, xp.asarray(0.75, narrow(t)), x.shape), x / 0.75, 0), dtypes=FLOATS, data="mild", tol=ulp(1, 1),
      note="what is kept is drawn as `bernoulli` draws in the dtype of x")
drawn("permutation", "permutation(k, N)", "k: key", "i32[N]", lambda k, d: rnd().permutation(k, d["N"]), dtypes=["i32"])
drawn("permutation", "permutation(k, x)", "k: key, x: T[A, B]", "T[A, B]", lambda k, x: rnd().permutation(k, x), dtypes=["bool", *INTS, *FLOATS])
