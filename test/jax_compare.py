#!/usr/bin/env python3
"""The classifier of test/models/mlp.dl in JAX against `dlc run`: loss and parameter gradients. Products in bfloat16.

`jax_compare.py DLC` builds one model in float32 and one in float64 (the same text with the type replaced), runs each
for batches 1, 7 and 64, and wants agreement to 1e-5 and 1e-10. Then products of `@precision(bf16)`, and those of their
derivatives, against JAX's of bfloat16 operands added in float32, to 1e-5. Prints a line `skipped: REASON` where JAX is
missing.
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

MODEL = pathlib.Path(__file__).parent / "models" / "mlp.dl"
FEATURES, HIDDEN, CLASSES = 16, 24, 10


def loss(p, x, labels):
    hidden = jnp.tanh(x @ p["w1"] + p["b1"])
    logits = hidden @ p["w2"] + p["b2"]
    scores = jax.nn.log_softmax(logits)
    return -jnp.mean(jnp.take_along_axis(scores, labels[:, None], axis=1))


def inputs(batch, dtype):
    rng = np.random.default_rng(batch)
    params = {
        "w1": rng.normal(size=(FEATURES, HIDDEN)),
        "b1": rng.normal(size=HIDDEN),
        "w2": rng.normal(size=(HIDDEN, CLASSES)),
        "b2": rng.normal(size=CLASSES),
    }
    params = {name: value.astype(dtype) for name, value in params.items()}
    x = rng.normal(size=(batch, FEATURES)).astype(dtype)
    labels = rng.integers(0, CLASSES, size=batch).astype(np.int32)
    return params, x, labels


def off(actual, expected):
    """The largest difference, relative to the largest number where that is over 1."""
    assert actual.shape == expected.shape and actual.dtype == expected.dtype, (actual.shape, actual.dtype)
    return float(np.max(np.abs(actual - expected)) / max(1.0, np.max(np.abs(expected))))


ROUNDED = """
@precision(bf16)
fn product(a: f32[33, 70], b: f32[70, 65]) -> f32[33, 65] { a @ b }
fn loss(a: f32[33, 70], b: f32[70, 65]) -> f32 { sum(sin(product(a, b))) }
export fn all_of(a: f32[33, 70], b: f32[70, 65]) -> (f32[33, 65], f32[33, 70], f32[70, 65]) {
  let (da, db) = grad(loss, wrt=(a, b))(a, b)
  (product(a, b), da, db)
}
"""


def rounded(dlc, folder):
    """How far products of rounded operands are off."""
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=shape).astype(np.float32) for shape in [(33, 70), (70, 65)])

    def product(x, y):
        x, y = x.astype(jnp.bfloat16), y.astype(jnp.bfloat16)
        return jnp.einsum("ij,jk->ik", x, y, preferred_element_type=jnp.float32)

    y = product(a, b)
    back = jnp.cos(y)
    expected = [y, product(back, b.T), product(a.T, back)]
    (folder / "rounded.dl").write_text(ROUNDED)
    np.save(folder / "a.npy", a)
    np.save(folder / "b.npy", b)
    command = [dlc, "run", "rounded.dl", "--input", "a=@a.npy", "--input", "b=@b.npy", "--output", "out=@out.npz"]
    subprocess.run(command, cwd=folder, check=True)
    found = np.load(folder / "out.npz")
    return max(off(found[str(i)], np.asarray(number)) for i, number in enumerate(expected))


def main():
    dlc = pathlib.Path(sys.argv[1]).resolve()
    worst = {}
    for dtype, name, tolerance in [(np.float32, "f32", 1e-5), (np.float64, "f64", 1e-10)]:
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "mlp.dl").write_text(MODEL.read_text().replace("f32", name))
            for batch in [1, 7, 64]:
                params, x, labels = inputs(batch, dtype)
                np.savez(folder / "p.npz", **params)
                np.save(folder / "x.npy", x)
                np.save(folder / "labels.npy", labels)
                command = [dlc, "run", "mlp.dl::gradients", "--input", "p=@p.npz", "--input", "x=@x.npy"]
                command += ["--input", "labels=@labels.npy", "--output", "out=@out.npz"]
                subprocess.run(command, cwd=folder, check=True)
                found = np.load(folder / "out.npz")
                value, gradients = jax.jit(jax.value_and_grad(loss))(params, x, labels)
                expected = {"0": value, **{f"1.{leaf}": gradient for leaf, gradient in gradients.items()}}
                if sorted(found.files) != sorted(expected):
                    sys.exit(f"the results are {sorted(found.files)}, not {sorted(expected)}")
                for leaf, number in expected.items():
                    difference = off(found[leaf], np.asarray(number))
                    worst[name] = max(worst.get(name, 0.0), difference)
                    if not difference <= tolerance:
                        sys.exit(f"{name}, batch {batch}: {leaf} is off by {difference:.3g}, allowed are {tolerance:g}")
    with tempfile.TemporaryDirectory() as folder:
        worst["bf16 products"] = rounded(dlc, pathlib.Path(folder))
    if not worst["bf16 products"] <= 1e-5:
        sys.exit(f"products of @precision(bf16) are off by {worst['bf16 products']:.3g}")
    print("agrees with JAX", jax.__version__, ", ".join(f"{name} to {value:.2g}" for name, value in worst.items()))


main()
