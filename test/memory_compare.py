#!/usr/bin/env python3
"""What the gradient of test/models_std/layers.dl, a transformer of 12 layers (T = 512, D = 256), takes in memory.

`memory_compare.py DLC` prints the workspace with and without `@checkpoint`, for layers in a list and in a loop, beside
what JAX's compiler says of the same program (`memory_analysis().temp_size_in_bytes`), and fails where a list's takes more
than JAX's. It also fails where the loss or a gradient of the two differs. Prints a line `skipped: REASON` where JAX is
missing. `memory_compare.py DLC --times` needs no JAX: it prints how long builds of 1, 12 and 48 layers take, processor
seconds, the least of three.
"""

import ctypes
import pathlib
import resource
import subprocess
import sys
import tempfile

PROGRAM = (pathlib.Path(__file__).parent / "models_std" / "layers.dl").read_text()
VOCABULARY, D, HEADS, F, LAYERS, T = 256, 256, 8, 1024, 12, 512
LIST = "blocks: [Block; L] }"
STACKED = """struct Blocks {
  wqkv: f32[L, D, 3 * D], wo: f32[L, D, D],
  w1: f32[L, D, F], w2: f32[L, F, D],
  g1: f32[L, D], g2: f32[L, D],
}
struct Params"""
ROUND = """for i in 0..L {
    let b = p.blocks
    x = block(x, Block { wqkv: b.wqkv[i], wo: b.wo[i], w1: b.w1[i], w2: b.w2[i], g1: b.g1[i], g2: b.g2[i] })
  }"""


def changed(text, old, new):
    assert text.count(old) == 1, old
    return text.replace(old, new)


def program(layers=LAYERS, loop=False, checkpoint=False):
    text = changed(PROGRAM, f"const L = {LAYERS}", f"const L = {layers}")
    if loop:
        text = changed(text, "struct Params", STACKED)
        text = changed(text, LIST, "blocks: Blocks }")
        text = changed(text, "for b in p.blocks { x = block(x, b) }", ROUND)
    if checkpoint:
        text = changed(text, "fn block<", "@checkpoint\nfn block<")
    return text


def build(dlc, folder, text, kinds="cdylib,manifest"):
    source = pathlib.Path(folder) / "layers.dl"
    source.write_text(text)
    subprocess.run([dlc, "build", source, "--out-dir", folder, f"--emit={kinds}"], check=True)
    return folder


def workspace(dlc, text):
    with tempfile.TemporaryDirectory() as folder:
        library = ctypes.CDLL(f"{build(dlc, folder, text)}/liblayers.so")
        size = library.layers_train_workspace
        size.restype = ctypes.c_int64
        return size()


def seconds(dlc, layers, loop):
    """Processor time of a build."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    with tempfile.TemporaryDirectory() as folder:
        build(dlc, folder, program(layers, loop))
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def times(dlc):
    """The least of some rounds of each, in turns, as the speed of a machine drifts."""
    cases = [(layers, loop) for loop in (True, False) for layers in (1, 12, 48)]
    least = {case: float("inf") for case in cases}
    for _ in range(5):
        for case in cases:
            least[case] = min(least[case], seconds(dlc, *case))
    for (layers, loop), time in least.items():
        print(f"{layers:3} layers in a {'loop' if loop else 'list'}: {time:.2f} s", flush=True)


def shapes(layers):
    block = {"wqkv": (D, 3 * D), "wo": (D, D), "w1": (D, F), "w2": (F, D), "g1": (D,), "g2": (D,)}
    return {"emb": (VOCABULARY, D), "blocks": [block] * layers}


def jax_step(jax, jnp, checkpoint):
    def norm(x, g):
        return x * jax.lax.rsqrt(jnp.mean(jnp.square(x), -1, keepdims=True) + 1e-6) * g

    def heads(x):
        return jnp.transpose(x.reshape(T, HEADS, D // HEADS), (1, 0, 2))

    def attend(x, b):
        q, k, v = jnp.split(x @ b["wqkv"], 3, axis=1)
        s = heads(q) @ jnp.swapaxes(heads(k), -1, -2) / jnp.sqrt(jnp.float32(D // HEADS))
        a = jax.nn.softmax(jnp.where(jnp.tril(jnp.ones((T, T), bool)), s, -jnp.inf), axis=-1)
        return jnp.transpose(a @ heads(v), (1, 0, 2)).reshape(T, D) @ b["wo"]

    def block(x, b):
        y = x + attend(norm(x, b["g1"]), b)
        return y + jax.nn.gelu(norm(y, b["g2"]) @ b["w1"]) @ b["w2"]

    step = jax.checkpoint(block) if checkpoint else block

    def loss(p, ids, targets):
        x = p["emb"][ids]
        for b in p["blocks"]:
            x = step(x, b)
        scores = jax.nn.log_softmax(x @ p["emb"].T, axis=-1)
        return -jnp.mean(jnp.take_along_axis(scores, targets[:, None], -1))

    return jax.jit(jax.value_and_grad(loss))


def gradients(np, dlc, text, leaves, ids, targets):
    """The results of the entry: the loss, then a gradient for each leaf."""
    with tempfile.TemporaryDirectory() as folder:
        library = ctypes.CDLL(f"{build(dlc, folder, text)}/liblayers.so")
        results = [np.zeros((), np.float32)] + [np.zeros_like(x) for x in leaves]
        library.layers_train_workspace.restype = ctypes.c_int64
        size = library.layers_train_workspace()
        memory = np.zeros(size + 64, np.uint8)
        start = memory.ctypes.data + -memory.ctypes.data % 64
        pointers = lambda arrays: (ctypes.c_void_p * len(arrays))(*[x.ctypes.data for x in arrays])
        status = library.layers_train(
            pointers(leaves),
            ctypes.c_void_p(ids.ctypes.data),
            ctypes.c_void_p(targets.ctypes.data),
            pointers(results),
            ctypes.c_void_p(start),
            ctypes.c_int64(size),
        )
        assert status == 0, status
        return results


def main():
    dlc = sys.argv[1]
    if "--times" in sys.argv[2:]:
        return times(dlc)
    try:
        import jax
        import jax.numpy as jnp
        import numpy as np
    except ImportError as error:
        print(f"skipped: {error}")
        return
    struct = lambda shape: jax.ShapeDtypeStruct(shape, jnp.float32)
    tree = jax.tree.map(struct, shapes(LAYERS), is_leaf=lambda x: isinstance(x, tuple))
    words = jax.ShapeDtypeStruct((T,), jnp.int32)
    ours, theirs = {}, {}
    for checkpoint in (False, True):
        compiled = jax_step(jax, jnp, checkpoint).lower(tree, words, words).compile()
        theirs[checkpoint] = compiled.memory_analysis().temp_size_in_bytes
        ours[checkpoint] = workspace(dlc, program(checkpoint=checkpoint))
        loop = workspace(dlc, program(loop=True, checkpoint=checkpoint))
        what = "with @checkpoint" if checkpoint else "without"
        print(
            f"{what}: {ours[checkpoint] / 1e6:.1f} MB, JAX {theirs[checkpoint] / 1e6:.1f} MB; layers in a loop: {loop / 1e6:.1f} MB",
            flush=True,
        )
    small = shapes(1)
    rng = np.random.default_rng(0)
    value = lambda shape: (0.05 * rng.normal(size=shape)).astype(np.float32)
    params = jax.tree.map(value, small, is_leaf=lambda x: isinstance(x, tuple))
    ids = rng.integers(0, VOCABULARY, T).astype(np.int32)
    targets = rng.integers(0, VOCABULARY, T).astype(np.int32)
    loss, grads = jax_step(jax, jnp, False)(params, ids, targets)
    names = ["wqkv", "wo", "w1", "w2", "g1", "g2"]
    flat = lambda p: [p["emb"]] + [p["blocks"][0][name] for name in names]
    for checkpoint in (False, True):
        found = gradients(np, dlc, program(1, checkpoint=checkpoint), flat(params), ids, targets)
        for ours_, theirs_ in zip(found, [loss] + flat(grads)):
            off = float(np.max(np.abs(ours_ - theirs_)) / np.max(np.abs(theirs_)))
            assert off < 1e-4, off
    assert all(ours[key] <= theirs[key] for key in ours), (ours, theirs)
    print(f"no more than JAX {jax.__version__}")


if __name__ == "__main__":
    main()
