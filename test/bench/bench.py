"""Times built libraries and their peers in turns in one process: `bench.py DIGITS_DIR MATMUL_DIR [--rounds N] [--json FILE]`.

The folders hold what `dlc build` wrote for examples/digits/digits.dl and test/bench/matmul.dl. Every peer's
result is first held against ours. Each round calls every implementation in turn for about 20 ms; the
median of the rounds counts, and the ratio is peer / ours (above 1: ours is faster). One core.
"""
import argparse, ctypes, json, os, pathlib, statistics, sys, time

parser = argparse.ArgumentParser()
parser.add_argument("digits")
parser.add_argument("matmul")
parser.add_argument("--rounds", type=int, default=21)
parser.add_argument("--json")
args = parser.parse_args()
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-1:])  # XLA sizes its pool from this

import numpy as np


class Library:
    """A built library, called through its uniform `packed` entries."""

    def __init__(self, folder):
        manifest = next(pathlib.Path(folder).glob("*.json"))
        self.manifest = json.loads(manifest.read_text())
        self.lib = ctypes.CDLL(str(manifest.parent.resolve() / f"lib{self.manifest['stem']}.so"))

    def bind(self, name, dims, leaves):
        """A call of the entry with arrays as leaves, without any work left to Python."""
        entry = next(e for e in self.manifest["entries"] if e["name"] == name)
        size = getattr(self.lib, entry["workspace_symbol"])
        size.restype = ctypes.c_size_t
        bytes_ = size(*[ctypes.c_int64(d) for d in dims])
        raw = np.empty(bytes_ + 64, np.uint8)
        workspace = ctypes.c_void_p((raw.ctypes.data + 63) // 64 * 64)
        c_dims = (ctypes.c_int64 * max(1, len(dims)))(*dims)
        c_leaves = (ctypes.c_void_p * len(leaves))(*[leaf.ctypes.data for leaf in leaves])
        function = getattr(self.lib, entry["packed_symbol"])
        function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
        a, b = ctypes.addressof(c_dims), ctypes.addressof(c_leaves)

        def call():
            status = function(a, b, workspace, bytes_)
            assert status == 0, status
        call.keep = (raw, c_dims, c_leaves, leaves)
        return call


def aligned(shape, dtype=np.float32):
    n = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.zeros(n + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start:start + n].view(dtype).reshape(shape)


def put(array):
    out = aligned(array.shape, array.dtype)
    out[...] = array
    return out


rng = np.random.default_rng(0)
# So small that thousands of steps on one batch do not fit it: gradients would become subnormal, which are slow.
RATE = 1e-7
SHAPES = {"w1": (64, 128), "b1": (128,), "w2": (128, 10), "b2": (10,)}


def digits(batch):
    """name -> (run, result) of one Adam step; the first run of each is from the same state."""
    params = {k: (rng.standard_normal(s) * 0.1).astype(np.float32) for k, s in SHAPES.items()}
    images = rng.integers(0, 17, (batch, 64)).astype(np.uint8)
    labels = rng.integers(0, 10, batch).astype(np.int32)
    ways = {}

    state = [put(p) for p in params.values()] + [put(np.zeros_like(p)) for _ in range(2) for p in params.values()]
    state.append(aligned(()))
    loss = aligned(())
    lr = put(np.float32(RATE).reshape(()))
    ways["dlc"] = (Library(args.digits).bind("train_step", [batch], state + [put(images), put(labels), lr, loss]),
                   lambda: [loss.copy(), state[0].copy()])

    try:
        import torch
        torch.set_num_threads(1)
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
        ways["torch eager"] = (step, lambda: [out["loss"].detach().numpy(), tp[0].detach().numpy()])
    except ImportError:
        print("torch: left out, not installed", file=sys.stderr)

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
        ways["jax jit"] = (run, lambda: [np.asarray(box[1]), np.asarray(box[0][0][0])])
    except ImportError:
        print("jax: left out, not installed", file=sys.stderr)
    return ways


def matmul(name, m, n, k):
    a = put(rng.standard_normal((m, k)).astype(np.float32))
    b = put(rng.standard_normal((k, n)).astype(np.float32))
    ours_a = put(np.ascontiguousarray(a.T)) if name == "tn" else a
    ours_b = put(np.ascontiguousarray(b.T)) if name == "nt" else b
    left, right = (ours_a.T if name == "tn" else a), (ours_b.T if name == "nt" else b)
    y, z = aligned((m, n)), aligned((m, n))
    library = Library(args.matmul)
    entry = next(e for e in library.manifest["entries"] if e["name"] == name)
    sizes = {"M": m, "N": n, "K": k}
    dims = [sizes[d["name"]] for d in entry["dims"]]
    ways = {"dlc": (library.bind(name, dims, [ours_a, ours_b, y]), lambda: [y])}
    ways["numpy"] = (lambda: np.matmul(left, right, out=z), lambda: [z])
    try:
        import torch
        torch.set_num_threads(1)
        ta, tb, tz = torch.from_numpy(left), torch.from_numpy(right), torch.empty(m, n)
        ways["torch eager"] = (lambda: torch.matmul(ta, tb, out=tz), lambda: [tz.numpy()])
    except ImportError:
        pass
    return ways


def measure(ways):
    reference = None
    for name, (run, result) in ways.items():
        run()
        got = [np.array(r, np.float64) for r in result()]
        if reference is None:
            reference = got
        for r, g in zip(reference, got):
            error = np.abs(r - g).max() / (np.abs(r).max() + 1e-30)
            assert error < 1e-4, f"{name} differs by {error}"
        for _ in range(5):
            run()
    times = {name: [] for name in ways}
    for _ in range(args.rounds):
        for name, (run, _) in ways.items():
            count, start = 0, time.perf_counter()
            while True:
                run()
                count += 1
                elapsed = time.perf_counter() - start
                if elapsed > 0.02:
                    break
            times[name].append(elapsed / count)
    return {name: {"median_ms": statistics.median(t) * 1e3, "min_ms": min(t) * 1e3} for name, t in times.items()}


results = {}
workloads = [(f"digits train_step, batch {b}", lambda b=b: digits(b), None) for b in (32, 256)]
workloads += [(f"matmul {name} {m}x{n}x{k}", lambda s=(name, m, n, k): matmul(*s), 2 * m * n * k)
              for name, m, n, k in [("nn", 512, 512, 512), ("tn", 512, 512, 512), ("nt", 512, 512, 512),
                                    ("nn", 1024, 1024, 1024), ("nn", 333, 777, 1000), ("nn", 64, 512, 784), ("nn", 1, 1024, 1024)]]
for title, make, flops in workloads:
    measured = measure(make())
    results[title] = measured
    ours = measured["dlc"]["median_ms"]
    parts = []
    for name, t in measured.items():
        text = f"{name} {t['median_ms']:.4f} ms"
        if flops:
            text += f" ({flops / t['median_ms'] / 1e6:.1f} GFLOP/s)"
        if name != "dlc":
            text += f" = {t['median_ms'] / ours:.2f}x"
        parts.append(text)
    print(f"{title:32s} " + " | ".join(parts), flush=True)
if args.json:
    pathlib.Path(args.json).write_text(json.dumps(results, indent=1))
