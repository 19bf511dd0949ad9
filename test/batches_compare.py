#!/usr/bin/env python3
"""`vmap`, `jacobian` and `hessian` against JAX: axes over trees, batches in batches, with derivatives inside and outside,
gradients of each example of a small network, loops and branches with ways of their own, keys.

`batches_compare.py DLC` runs a program for each and wants agreement to 1e-11, of random bits to the bit. Prints a line
`skipped: REASON` where JAX is missing.
"""

import pathlib
import subprocess
import sys
import tempfile

try:
    import jax
    import jax.numpy as jnp
    import numpy as np
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(0)

jax.config.update("jax_enable_x64", True)

PROGRAMS = {
    "trees": """
fn affine(l: (f64[3, 2], f64[2]), xs: (f64[3], f64)) -> (f64[2], f64) {
  let (w, b) = l
  let (x, s) = xs
  (tanh(x @ w + b) * s, s * sum(w))
}
export fn trees(ws: f64[3, 4, 2], bs: f64[2], xs: f64[3, 4], s: f64) -> (f64[2, 4], f64[4]) {
  vmap(affine, in_axes=((1, none), (-1, none)), out_axes=(1, -1))((ws, bs), (xs, s))
}
""",
    "nested": """
fn distance(x: f64[3], y: f64[3]) -> f64 { sqrt(sum((x - y) ** 2)) }
export fn nested(a: f64[5, 3], b: f64[3, 4]) -> (f64[5, 4], f64[4, 5], f64[5, 4, 3]) {
  let y = vmap(vmap(distance, in_axes=(none, 1)), in_axes=(0, none))(a, b)
  let turned = vmap(vmap(distance, in_axes=(none, -1)), in_axes=(0, none), out_axes=1)(a, b)
  (y, turned, vmap(vmap(grad(distance), in_axes=(none, 1)), in_axes=(0, none))(a, b))
}
""",
    "examples": """
struct Net { filters: f64[4, 2, 3, 3], shift: f64[4], w: f64[36, 5], b: f64[5] }

fn cost(p: Net, x: f64[2, 8, 8], label: i32) -> f64 {
  let h = tanh(conv2d(x[none], p.filters) + p.shift[:, none, none])
  let h = max_pool(h, 2)
  let scores = reshape(h, [36]) @ p.w + p.b
  logsumexp(scores) - scores[label]
}
fn mean_cost<B>(p: Net, xs: f64[B, 2, 8, 8], labels: i32[B]) -> f64 {
  mean(vmap(cost, in_axes=(none, 0, 0))(p, xs, labels))
}
export fn examples<B>(p: Net, xs: f64[B, 2, 8, 8], labels: i32[B])
    -> (f64[B, 4, 2, 3, 3], f64[B, 4], f64[B, 36, 5], f64[B, 5], f64[4, 2, 3, 3], f64[36, 5], f64[4, 2, 3, 3]) {
  let each = vmap(grad(cost), in_axes=(none, 0, 0))(p, xs, labels)
  let whole = grad(mean_cost)(p, xs, labels)
  let norms = grad(|p| sum(vmap(grad(cost), in_axes=(none, 0, 0))(p, xs, labels).w ** 2))(p)
  (each.filters, each.shift, each.w, each.b, whole.filters, whole.w, norms.filters)
}
""",
    "second": """
fn field(x: f64[3], w: f64[4, 3]) -> f64[4] { sin(w @ x) * sum(x ** 3) }
fn energy(x: f64[3], w: f64[4, 3]) -> f64 { sum(field(x, w) ** 2) }
export fn second(x: f64[3], w: f64[4, 3], xs: f64[5, 3])
    -> (f64[4, 3], f64[3, 3], f64[5, 4, 3], f64[5, 3, 3], f64[3], f64[3, 4, 3], f64[5, 3]) {
  let (j, h) = (jacobian(field)(x, w), hessian(energy)(x, w))
  let js = vmap(jacobian(field), in_axes=(0, none))(xs, w)
  let hs = vmap(hessian(energy), in_axes=(0, none))(xs, w)
  let through = grad(|x| sum(jacobian(field)(x, w) ** 2))(x)
  let products = vmap(|x, v| hvp(|x| energy(x, w), (x,), (v,)), in_axes=(0, none))(xs, x)
  (j, h, js, hs, through, hessian(|x| jacobian(energy)(x, w)[0])(x)[:, none, :] * ones([3, 4, 3], f64), products)
}
""",
    "ways": """
fn settle(x: f64, least: f64) -> f64 {
  var y = x
  while y < least within 20 { y = y * 1.5 + 0.25 * x }
  if y > 6.0 { sqrt(y) * x } else { y * y }
}
export fn ways(x: f64[6], least: f64) -> (f64[6], f64[6], f64[6], f64) {
  let y = vmap(settle, in_axes=(0, none))(x, least)
  let slopes = grad(|x| sum(vmap(settle, in_axes=(0, none))(x, least)))(x)
  let curved = vmap(grad(grad(settle)), in_axes=(0, none))(x, least)
  (y, slopes, curved, grad(|least| sum(vmap(grad(settle), in_axes=(0, none))(x, least)))(least))
}
""",
    "keys": """
fn noise(k: key, n: i32) -> f32[3] {
  let (a, b) = split_key(k)
  if n > 1 { uniform(a, [3]) } else { uniform(b, [3]) }
}
export fn keys(k: key, n: i32[4]) -> (f32[3, 4], f32[4, 3]) {
  let ks = split_key(k, 4)
  let js = split_key(key(7), 4)
  (vmap(noise, in_axes=(0, 0), out_axes=1)(ks, n), vmap(noise, in_axes=(0, none))(js, 1))
}
""",
}


def affine(layer, xs):
    (w, b), (x, s) = layer, xs
    return jnp.tanh(x @ w + b) * s, s * jnp.sum(w)


def trees(ws, bs, xs, s):
    axes = ((1, None), (-1, None))
    return jax.vmap(affine, in_axes=axes, out_axes=(1, -1))((ws, bs), (xs, s))


def distance(x, y):
    return jnp.sqrt(jnp.sum((x - y) ** 2))


def nested(a, b):
    def over(f, axis, **out):
        return jax.vmap(jax.vmap(f, in_axes=(None, axis)), in_axes=(0, None), **out)(a, b)

    return over(distance, 1), over(distance, -1, out_axes=1), over(jax.grad(distance), 1)


def cost(p, x, label):
    h = jax.lax.conv_general_dilated(x[None], p["filters"], (1, 1), "VALID")
    h = jnp.tanh(h + p["shift"][:, None, None])
    h = jax.lax.reduce_window(h, -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
    scores = h.reshape(36) @ p["w"] + p["b"]
    return jax.nn.logsumexp(scores) - scores[label]


def examples(p, xs, labels):
    axes = (None, 0, 0)
    each = jax.vmap(jax.grad(cost), in_axes=axes)
    whole = jax.grad(lambda p: jnp.mean(jax.vmap(cost, in_axes=axes)(p, xs, labels)))(p)
    norms = jax.grad(lambda p: jnp.sum(each(p, xs, labels)["w"] ** 2))(p)
    each = each(p, xs, labels)
    return [each[name] for name in ["filters", "shift", "w", "b"]] + [whole["filters"], whole["w"], norms["filters"]]


def field(x, w):
    return jnp.sin(w @ x) * jnp.sum(x**3)


def energy(x, w):
    return jnp.sum(field(x, w) ** 2)


def second(x, w, xs):
    jacobian, hessian = jax.jacfwd(field), jax.hessian(energy)
    through = jax.grad(lambda x: jnp.sum(jax.jacrev(field)(x, w) ** 2))(x)
    third = jax.hessian(lambda x: jax.jacfwd(energy)(x, w)[0])(x)[:, None, :] * jnp.ones((3, 4, 3))
    products = jax.vmap(lambda at: jax.jvp(jax.grad(lambda x: energy(x, w)), (at,), (x,))[1])(xs)
    over = (0, None)
    return jacobian(x, w), hessian(x, w), jax.vmap(jacobian, over)(xs, w), jax.vmap(hessian, over)(xs, w), through, third, products


def settle(x, least):
    """With rounds that are counted, as JAX's reverse mode wants it."""

    def body(_, y):
        return jnp.where(y < least, y * 1.5 + 0.25 * x, y)

    y = jax.lax.fori_loop(0, 20, body, x)
    return jax.lax.cond(y > 6.0, lambda y: jnp.sqrt(y) * x, lambda y: y * y, y)


def ways(x, least):
    over = (0, None)
    slopes = jax.vmap(jax.grad(settle), over)
    through = jax.grad(lambda least: jnp.sum(slopes(x, least)))(least)
    return jax.vmap(settle, over)(x, least), slopes(x, least), jax.vmap(jax.grad(jax.grad(settle)), over)(x, least), through


def noise(key, n):
    a, b = jax.random.split(key)
    return jnp.where(n > 1, jax.random.uniform(a, (3,), jnp.float32), jax.random.uniform(b, (3,), jnp.float32))


def keys(k, n):
    first = jax.vmap(noise, in_axes=(0, 0), out_axes=1)(jax.random.split(k, 4), n)
    return first, jax.vmap(noise, in_axes=(0, None))(jax.random.split(jax.random.PRNGKey(7), 4), 1)


def inputs():
    """For each export its arguments, by name."""
    rng = np.random.default_rng(5)

    def normal(*shape):
        return rng.normal(size=shape)

    net = {"filters": normal(4, 2, 3, 3), "shift": normal(4), "w": normal(36, 5), "b": normal(5)}
    labels = np.array([3, 0, 4], np.int32)
    yield trees, {"ws": normal(3, 4, 2), "bs": normal(2), "xs": normal(3, 4), "s": np.float64(1.5)}
    yield nested, {"a": normal(5, 3), "b": normal(3, 4)}
    yield examples, {"p": net, "xs": normal(3, 2, 8, 8), "labels": labels}
    yield second, {"x": normal(3), "w": normal(4, 3), "xs": normal(5, 3)}
    yield ways, {"x": np.array([0.5, 1.1, 9.0, 2.9, 0.1, 4.0]), "least": np.float64(4.5)}
    yield keys, {"k": jax.random.PRNGKey(42), "n": np.array([2, 0, 1, 5], np.int32)}


def given(folder, name, value):
    """A value for the command line."""
    if name == "k":
        return "key(42)"
    if isinstance(value, dict):
        np.savez(folder / f"{name}.npz", **value)
        return f"@{name}.npz"
    np.save(folder / f"{name}.npy", value)
    return f"@{name}.npy"


def off(actual, expected):
    """The largest difference, relative to the largest number where that is over 1."""
    assert actual.shape == expected.shape and actual.dtype == expected.dtype, (actual.shape, actual.dtype, expected.shape)
    return float(np.max(np.abs(actual - expected)) / max(1.0, np.max(np.abs(expected))))


def main():
    dlc = pathlib.Path(sys.argv[1]).resolve()
    agreed = []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for function, arguments in inputs():
            name, tolerance = function.__name__, 0.0 if function is keys else 1e-11
            (folder / f"{name}.dl").write_text(PROGRAMS[name])
            command = [dlc, "run", f"{name}.dl", "--output", "out=@out.npz"]
            for key, value in arguments.items():
                command += ["--input", f"{key}={given(folder, key, value)}"]
            run = subprocess.run(command, cwd=folder, capture_output=True, text=True)
            if run.returncode != 0:
                sys.exit(run.stderr)
            found, expected = np.load(folder / "out.npz"), function(*arguments.values())
            assert len(found.files) == len(expected), found.files
            worst = max(off(found[str(i)], np.asarray(number)) for i, number in enumerate(expected))
            if not worst <= tolerance:
                sys.exit(f"{name} is off by {worst:.3g}, allowed are {tolerance:g}")
            agreed.append(f"{name} to {worst:.2g}")
    print("agrees with JAX", jax.__version__, ", ".join(agreed))


main()
