"""What is timed: the programs of workloads.dl, written once over the operations `o` of a peer, and their sizes.

A program takes `o`, a list of parameters and the inputs; where `gradient` is set, it is differentiated by the parameters.
"""

import dataclasses

import numpy as np

rng = np.random.default_rng(0)


def normal(*shape, scale=1.0):
    return (rng.standard_normal(shape) * scale).astype(np.float32)


@dataclasses.dataclass
class Workload:
    """One line of the table: an export with its dims, and what peers compute, if they do."""

    title: str
    export: str = ""
    dims: dict = dataclasses.field(default_factory=dict)
    program: callable = None
    params: list = dataclasses.field(default_factory=list)
    inputs: list = dataclasses.field(default_factory=list)
    gradient: bool = False
    #: The floating-point operations that bound it, or the bytes that have to move.
    flops: int = 0
    bytes: int = 0
    #: The ratio to the best peer that the project wants at least; none for shapes beside those of the goals.
    goal: float | None = None


def product(form, m, n, k, goal=None):
    a, b = normal(*((k, m) if form[0] == "t" else (m, k))), normal(*((n, k) if form[1] == "t" else (k, n)))

    def program(o, _, a, b):
        return o.mm(o.transposed(a) if form[0] == "t" else a, o.transposed(b) if form[1] == "t" else b)
    return Workload(f"matmul {form} {m}x{n}x{k}", form, {"M": m, "N": n, "K": k}, program, [], [a, b], flops=2 * m * n * k, goal=goal)


def of_type(name, size):
    """A product of another type, which peers make in other ways; f32's limit stands beside it."""
    a, b = (normal(size, size) * (20 if name[0] == "i" else 1) for _ in range(2))
    if name == "bf16":
        a, b = ((x.view(np.uint32) >> 16).astype(np.uint16) for x in (a, b))
    else:
        a, b = (x.astype({"f16": np.float16, "i8": np.int8, "i32": np.int32}[name]) for x in (a, b))
    return Workload(f"matmul of {name} {size}x{size}x{size}", f"of_{name}", {"M": size, "N": size, "K": size}, inputs=[a, b], flops=2 * size ** 3)


def dense_gelu(m, n, k, goal=None):
    return Workload(f"matmul, bias, gelu {m}x{n}x{k}", "dense_gelu", {"M": m, "N": n, "K": k}, lambda o, p, x: o.gelu(o.mm(x, p[0]) + p[1]),
                    [normal(k, n, scale=k ** -0.5), normal(n)], [normal(m, k)], flops=2 * m * n * k, goal=goal)


def matvec(k, n, goal=None):
    found = product("nn", 1, n, k, goal)
    return dataclasses.replace(found, title=f"vector x matrix {k}x{n}", flops=0, bytes=4 * k * n)


def softmax(m, n, goal=None):
    return Workload(f"softmax {m}x{n}", "softmax_rows", {"M": m, "N": n}, lambda o, _, x: o.softmax(x), [], [normal(m, n)],
                    bytes=8 * m * n, goal=goal)


def layer_norm(m, n, goal=None):
    return Workload(f"layer norm {m}x{n}", "norm_rows", {"M": m, "N": n}, lambda o, p, x: o.layer_norm(x, *p), [normal(n), normal(n)],
                    [normal(m, n)], bytes=8 * m * n, goal=goal)


def chain(m, n, goal=None):
    return Workload(f"elementwise chain {m}x{n}", "chain", {"M": m, "N": n}, lambda o, _, x, y: o.tanh(0.5 * x + y) * x + o.exp(-x * x) - y,
                    [], [normal(m, n), normal(m, n)], bytes=12 * m * n, goal=goal)


def mlp(o, p, x):
    h = o.relu(o.mm(x, p[0]) + p[1])
    return o.mm(o.relu(o.mm(h, p[2]) + p[3]), p[4]) + p[5]


def mlp_params():
    return [normal(784, 512, scale=.03), normal(512, scale=.1), normal(512, 512, scale=.04), normal(512, scale=.1), normal(512, 10, scale=.04),
            normal(10, scale=.1)]


MLP_PRODUCTS = 784 * 512 + 512 * 512 + 512 * 10


def mlp_infer(batch, goal=None):
    bound = {"bytes": 4 * MLP_PRODUCTS} if batch < 8 else {"flops": 2 * batch * MLP_PRODUCTS}
    return Workload(f"MLP 784-512-512-10, batch {batch}", "mlp_infer", {"B": batch}, mlp, mlp_params(), [normal(batch, 784)], goal=goal, **bound)


def mlp_grad(batch, goal=None):
    labels = np.eye(10, dtype=np.float32)[rng.integers(0, 10, batch)]
    # The gradient of the input is not asked for.
    flops = 2 * batch * (3 * MLP_PRODUCTS - 784 * 512)
    return Workload(f"MLP gradient, batch {batch}", "mlp_grad", {"B": batch}, lambda o, p, x, y: o.cross_entropy(mlp(o, p, x), y), mlp_params(),
                    [normal(batch, 784), labels], gradient=True, flops=flops, goal=goal)


D, HEADS = 256, 4


def block(o, p, x):
    h = o.layer_norm(x, p[4], p[5])
    qkv = o.mm(h, p[0])
    q, k, v = (o.heads(qkv[..., i * D:(i + 1) * D], HEADS) for i in range(3))
    x = x + o.mm(o.merged(o.attention(q, k, v)), p[1])
    return x + o.mm(o.gelu(o.mm(o.layer_norm(x, p[6], p[7]), p[2])), p[3])


def block_params():
    return [normal(D, 3 * D, scale=.06), normal(D, D, scale=.06), normal(D, 4 * D, scale=.06), normal(4 * D, D, scale=.03),
            normal(D, scale=.1) + 1, normal(D, scale=.1), normal(D, scale=.1) + 1, normal(D, scale=.1)]


def block_flops(batch, length):
    return 2 * batch * length * (12 * D * D + 2 * length * D)


def block_infer(batch, length, goal=None):
    return Workload(f"transformer block {batch}x{length}x{D}", "block_infer", {"B": batch, "T": length}, block, block_params(),
                    [normal(batch, length, D)], flops=block_flops(batch, length), goal=goal)


def block_grad(batch, length, goal=None):
    # The gradient of the input is not asked for: that of the first product's is, for the norm's parameters.
    return Workload(f"transformer block gradient {batch}x{length}x{D}", "block_grad", {"B": batch, "T": length},
                    lambda o, p, x, y: o.mean((block(o, p, x) - y) ** 2), block_params(), [normal(batch, length, D), normal(batch, length, D)],
                    gradient=True, flops=3 * block_flops(batch, length), goal=goal)


def attention(heads, length, goal=None):
    return Workload(f"attention {heads}x{length}x64", "attend", {"N": heads, "T": length}, lambda o, _, q, k, v: o.attention(q, k, v), [],
                    [normal(heads, length, 64) for _ in range(3)], flops=4 * heads * length * length * 64, goal=goal)


def attention_grad(heads, length, goal=None):
    # Two products of the way forth and four of the way back.
    return Workload(f"attention gradient {heads}x{length}x64", "attend_grad", {"N": heads, "T": length}, lambda o, p: o.mean(o.attention(*p) ** 2),
                    [normal(heads, length, 64) for _ in range(3)], [], gradient=True, flops=2 * 6 * heads * length * length * 64, goal=goal)


def conv(batch, size, goal=None):
    return Workload(f"conv 3x3 {batch}x64x{size}x{size}", "conv_relu", {"N": batch, "H": size, "W": size}, lambda o, p, x: o.relu(o.conv(x, p[0])),
                    [normal(64, 64, 3, 3, scale=.05)], [normal(batch, 64, size, size)], flops=2 * batch * size * size * 64 * 64 * 9, goal=goal)


def conv_grad(batch, size, goal=None):
    return Workload(f"conv gradient {batch}x32x{size}x{size}", "conv_grad", {"N": batch, "H": size, "W": size},
                    lambda o, p, x: o.mean(o.relu(o.conv(x, p[0])) ** 2), [normal(32, 32, 3, 3, scale=.05)], [normal(batch, 32, size, size)],
                    gradient=True, flops=4 * batch * size * size * 32 * 32 * 9, goal=goal)


def gru(o, p, xs, h):
    def step(h, x):
        gx, gh, n = o.mm(x, p[0]) + p[2], o.mm(h, p[1]), h.shape[-1]
        z = o.sigmoid(gx[:, n:2 * n] + gh[:, n:2 * n])
        return (1 - z) * o.tanh(gx[:, 2 * n:] + o.sigmoid(gx[:, :n] + gh[:, :n]) * gh[:, 2 * n:]) + z * h
    return o.mean(o.scan(step, h, xs) ** 2)


def gru_grad(length, batch, goal=None):
    return Workload(f"GRU gradient {length}x{batch}x128", "gru_grad", {"T": length, "B": batch}, gru,
                    [normal(128, 384, scale=.08), normal(128, 384, scale=.08), normal(384, scale=.1)],
                    [normal(length, batch, 128), normal(batch, 128)], gradient=True, flops=2 * 5 * length * batch * 128 * 384, goal=goal)


def small(batch, goal=None):
    return Workload(f"MLP 64-64-10, batch {batch}", "small_infer", {"B": batch}, lambda o, p, x: o.mm(o.relu(o.mm(x, p[0]) + p[1]), p[2]) + p[3],
                    [normal(64, 64, scale=.1), normal(64), normal(64, 10, scale=.1), normal(10)], [normal(batch, 64)], goal=goal)


#: Makers of workloads, so that only those are made that are run.
ALL = [
    *[lambda form=form, sizes=sizes: product(form, *sizes, goal=1.0)
      for sizes in [(512, 512, 512), (1024, 1024, 1024), (2048, 2048, 2048), (1000, 333, 777)] for form in ("nn", "tn", "nt", "tt")],
    *[lambda sizes=sizes: product("nn", *sizes) for sizes in [(64, 512, 784), (37, 256, 768), (16, 512, 784), (4, 512, 784), (4096, 16, 4096)]],
    *[lambda name=name: of_type(name, 512) for name in ("bf16", "f16", "i8", "i32")],
    lambda: dense_gelu(1024, 1024, 1024, 1.5),
    lambda: matvec(4096, 4096, 1.0),
    lambda: softmax(4096, 1024, 1.25), lambda: softmax(4096, 1000, 1.25),
    lambda: layer_norm(4096, 1024, 1.25), lambda: layer_norm(4096, 1000, 1.25),
    lambda: chain(4096, 1024, 1.7),
    lambda: small(1), lambda: mlp_infer(1, 1.1), lambda: mlp_infer(64, 1.1), lambda: mlp_grad(128, 1.3),
    lambda: block_infer(4, 128, 1.4), lambda: block_grad(4, 128, 1.4),
    lambda: attention(8, 1024, 1.15), lambda: attention(2, 4096, 1.15), lambda: attention_grad(8, 1024),
    lambda: conv(1, 56, 1.1), lambda: conv_grad(8, 32, 1.3),
    lambda: gru_grad(32, 32, 2.0),
]
