"""The training step of examples/digits beside its peers: forward, backward and Adam in one call."""

import sys

import numpy as np

from library import Library, aligned, put

rng = np.random.default_rng(0)
# So small that thousands of steps on one batch do not fit it: gradients would become subnormal, which are slow.
RATE = 1e-7
SHAPES = {"w1": (64, 128), "b1": (128,), "w2": (128, 10), "b2": (10,)}


def ways_of(folder, batch, threads, pool):
    """A call and what reads its results, by name, of one Adam step; the first call of each is from the same state."""
    params = {k: (rng.standard_normal(s) * 0.1).astype(np.float32) for k, s in SHAPES.items()}
    images = rng.integers(0, 17, (batch, 64)).astype(np.uint8)
    labels = rng.integers(0, 10, batch).astype(np.int32)
    ways = {}

    state = [put(p) for p in params.values()] + [put(np.zeros_like(p)) for _ in range(2) for p in params.values()]
    state.append(aligned(()))
    loss = aligned(())
    lr = put(np.float32(RATE).reshape(()))
    ways["dlc"] = (Library(folder, pool).bind("train_step", {"B": batch}, state + [put(images), put(labels), lr, loss]),
                   lambda: [loss.copy(), state[0].copy()])

    try:
        import torch
        torch.set_num_threads(threads)
        tp = [torch.tensor(p, requires_grad=True) for p in params.values()]
        optimiser = torch.optim.Adam(tp, lr=RATE)
        ti, tl = torch.tensor(images), torch.tensor(labels.astype(np.int64))
        out = {}

        def step():
            x = ti.float() / 16
            h = torch.relu(x @ tp[0] + tp[1])
            value = torch.nn.functional.cross_entropy(h @ tp[2] + tp[3], tl)
            optimiser.zero_grad()
            value.backward()
            optimiser.step()
            out["loss"] = value
        ways["PyTorch"] = (step, lambda: [out["loss"].detach().numpy(), tp[0].detach().numpy()])
    except ImportError as missing:
        print(f"left out: {missing}", file=sys.stderr)

    try:
        import jax, jax.numpy as jnp
        jax.config.update("jax_platforms", "cpu")

        def loss_fn(p, x, y):
            h = jax.nn.relu((x.astype(jnp.float32) / 16) @ p[0] + p[1])
            logp = jax.nn.log_softmax(h @ p[2] + p[3])
            return -jnp.take_along_axis(logp, y[:, None], 1).mean()

        def train(s, x, y, rate):
            p, m, v, t = s
            value, g = jax.value_and_grad(loss_fn)(p, x, y)
            t = t + 1
            m = [0.9 * a + 0.1 * b for a, b in zip(m, g)]
            v = [0.999 * a + 0.001 * b * b for a, b in zip(v, g)]
            ms, vs = 1 / (1 - 0.9 ** t), 1 / (1 - 0.999 ** t)
            p = [a - rate * (b * ms) / (jnp.sqrt(c * vs) + 1e-8) for a, b, c in zip(p, m, v)]
            return (p, m, v, t), value
        jitted = jax.jit(train, donate_argnums=0)
        jp = [jnp.asarray(p) for p in params.values()]
        box = [(jp, [jnp.zeros_like(p) for p in jp], [jnp.zeros_like(p) for p in jp], jnp.float32(0)), None]
        ji, jl, jr = jnp.asarray(images), jnp.asarray(labels), jnp.float32(RATE)

        def run():
            box[0], box[1] = jitted(box[0], ji, jl, jr)
            box[1].block_until_ready()
        ways["JAX"] = (run, lambda: [np.asarray(box[1]), np.asarray(box[0][0][0])])
    except ImportError as missing:
        print(f"left out: {missing}", file=sys.stderr)
    return ways
