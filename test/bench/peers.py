"""The peers: the operations that workloads.py is written over, and how a peer runs a program.

A peer is a function of a workload that gives a function to time and one that reads its results, or `None` where the peer does
not do such programs. `found` has those that are installed.
"""

import io
import sys


def torch_peers(threads):
    import torch
    import torch.nn.functional as F

    torch.set_num_threads(threads)

    class Operations:
        mm, tanh, exp, relu, sigmoid, mean = torch.matmul, torch.tanh, torch.exp, torch.relu, torch.sigmoid, torch.mean

        @staticmethod
        def transposed(x):
            return x.transpose(-1, -2)

        @staticmethod
        def softmax(x):
            return torch.softmax(x, -1)

        @staticmethod
        def layer_norm(x, scale, bias):
            return F.layer_norm(x, (x.shape[-1],), scale, bias, 1e-5)

        @staticmethod
        def gelu(x):
            return F.gelu(x, approximate="tanh")

        @staticmethod
        def cross_entropy(x, y):
            return F.cross_entropy(x, y)

        @staticmethod
        def heads(x, count):
            return x.reshape(*x.shape[:2], count, -1).transpose(1, 2)

        @staticmethod
        def merged(x):
            return x.transpose(1, 2).reshape(x.shape[0], x.shape[2], -1)

        @staticmethod
        def attention(q, k, v):
            return F.scaled_dot_product_attention(q, k, v)

        @staticmethod
        def conv(x, w):
            return F.conv2d(x, w, padding=1)

        @staticmethod
        def scan(step, start, xs):
            for x in xs:
                start = step(start, x)
            return start

    def run(workload, compiled):
        params = [torch.tensor(p, requires_grad=workload.gradient) for p in workload.params]
        inputs = [torch.tensor(x) for x in workload.inputs]

        def program(*arguments):
            return workload.program(Operations, list(arguments[:len(params)]), *arguments[len(params):])
        if compiled:
            torch._dynamo.reset()
            program = torch.compile(program)
        last = []

        def gradient():
            loss = program(*params, *inputs)
            last[:] = [loss, *torch.autograd.grad(loss, params)]

        def value():
            with torch.no_grad():
                last[:] = [program(*params, *inputs)]
        return gradient if workload.gradient else value, lambda: [one.detach().numpy() for one in last]

    def exported(workload):
        """ONNX Runtime on the graph that PyTorch exports."""
        import onnxruntime

        if workload.gradient:
            return None

        class Model(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.params = torch.nn.ParameterList([torch.nn.Parameter(torch.tensor(p), requires_grad=False) for p in workload.params])

            def forward(self, *inputs):
                return workload.program(Operations, list(self.params), *inputs)

        model = io.BytesIO()
        torch.onnx.export(Model().eval(), tuple(torch.tensor(x) for x in workload.inputs), model, dynamo=False, opset_version=17)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        session = onnxruntime.InferenceSession(model.getvalue(), options, providers=["CPUExecutionProvider"])
        feed = {one.name: x for one, x in zip(session.get_inputs(), workload.inputs)}
        last = []

        def call():
            last[:] = session.run(None, feed)
        return call, lambda: last

    return {"PyTorch": lambda workload: run(workload, False), "torch.compile": lambda workload: run(workload, True)}, exported


def jax_peer():
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_platforms", "cpu")

    class Operations:
        mm, tanh, exp, relu, sigmoid, mean = jnp.matmul, jnp.tanh, jnp.exp, jax.nn.relu, jax.nn.sigmoid, jnp.mean

        @staticmethod
        def transposed(x):
            return jnp.swapaxes(x, -1, -2)

        @staticmethod
        def softmax(x):
            return jax.nn.softmax(x, -1)

        @staticmethod
        def layer_norm(x, scale, bias):
            centred = x - x.mean(-1, keepdims=True)
            return centred * jax.lax.rsqrt((centred ** 2).mean(-1, keepdims=True) + 1e-5) * scale + bias

        @staticmethod
        def gelu(x):
            return jax.nn.gelu(x, approximate=True)

        @staticmethod
        def cross_entropy(x, y):
            return -(jax.nn.log_softmax(x, -1) * y).sum(-1).mean()

        @staticmethod
        def heads(x, count):
            return x.reshape(*x.shape[:2], count, -1).swapaxes(1, 2)

        @staticmethod
        def merged(x):
            return x.swapaxes(1, 2).reshape(x.shape[0], x.shape[2], -1)

        @staticmethod
        def attention(q, k, v):
            return jax.nn.softmax(q @ jnp.swapaxes(k, -1, -2) * q.shape[-1] ** -0.5, -1) @ v

        @staticmethod
        def conv(x, w):
            return jax.lax.conv(x, w, (1, 1), "SAME")

        @staticmethod
        def scan(step, start, xs):
            return jax.lax.scan(lambda carried, x: (step(carried, x), None), start, xs)[0]

    def run(workload):
        params, inputs = [jnp.asarray(p) for p in workload.params], [jnp.asarray(x) for x in workload.inputs]

        def program(params, *inputs):
            return workload.program(Operations, params, *inputs)
        jitted = jax.jit(jax.value_and_grad(program) if workload.gradient else program)
        last = []

        def call():
            last[:] = [jax.block_until_ready(jitted(params, *inputs))]
        return call, lambda: jax.tree_util.tree_leaves(last[0])
    return run


def found(threads):
    """Peers by name: those that are installed; a message for each that is not."""
    peers = {}
    try:
        peers, exported = torch_peers(threads)
        import onnxruntime  # noqa: F401
        peers["ONNX Runtime"] = exported
    except ImportError as missing:
        print(f"left out: {missing}", file=sys.stderr)
    try:
        peers["JAX"] = jax_peer()
    except ImportError as missing:
        print(f"left out: {missing}", file=sys.stderr)
    return peers
