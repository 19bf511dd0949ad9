#!/usr/bin/env python3
"""Times libraries on a GPU beside PyTorch, in one process, in turns.

FOLDER holds what `dlc build --gpu` wrote for gpu.dl in `gpu` and for transformer.dl in `transformer`, and libdlc_gpu_c.so. Inputs are
random. Every result is first held against PyTorch's. Times are medians of rounds between events of CUDA, of about 20 ms each. Of
products, attention and training steps the ratio is PyTorch's best time over ours; of what only moves memory it is our share of the
bandwidth of PyTorch's copy. With --emulated small sizes run on the interpreter and only results are compared;
there transformer.dl is to have less of everything, too.
"""

import argparse
import dataclasses
import json
import pathlib
import re
import statistics
import sys

#: Milliseconds of calls in a round.
SLICE = 20.0
#: Calls before the first round.
WARM = 5
GIB = 1 << 30


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="FOLDER", type=pathlib.Path)
    parser.add_argument("pattern", metavar="PATTERN", nargs="?", default="")
    parser.add_argument("--rounds", type=int, default=15, metavar="N")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="the figures, for a program")
    parser.add_argument("--emulated", action="store_true", help="compares results on the interpreter, and times nothing")
    return parser.parse_args()


@dataclasses.dataclass
class Workload:
    """One line of the table."""

    title: str
    #: The project's least ratio.
    goal: float
    #: Ours.
    call: callable
    #: PyTorch's, by name; none where the ratio is to a copy.
    peers: dict
    #: Fails where results differ.
    check: callable
    flops: int = 0
    bytes: int = 0


class Bench:
    """The device, its libraries, and random tensors on it."""

    def __init__(self, options):
        self.small = options.emulated
        self.device = Device(options.folder, options.emulated)
        self.kernels = Library(options.folder / "gpu", self.device)
        self.folder, self.generator = options.folder, torch.Generator().manual_seed(0)
        self.where = "cpu" if options.emulated else "cuda"

    def normal(self, *shape, dtype=None, scale=1.0):
        made = torch.randn(shape, generator=self.generator) if self.small else torch.randn(shape, device="cuda")
        return (made * scale).to(dtype or torch.float32)

    def of_kernel(self, title, export, dims, inputs, peer, tolerance, **more):
        """A workload of one result, which PyTorch's function gives as well."""
        expected = peer(*inputs)
        result = torch.full_like(expected, float("nan"))
        call, results = self.kernels.bind(export, dims, [*inputs, result])

        def check():
            call()
            results()
            off = (result.double() - expected.double()).abs().max() / expected.double().abs().max()
            # Not-a-number is no difference that is small.
            assert off <= tolerance, f"{title} differs by {off:.2e} of the largest number, {tolerance:.0e} is allowed"
        peers = {} if "bytes" in more else {"torch": lambda: peer(*inputs)}
        return Workload(title, call=self.device.captured(call), peers=peers, check=check, **more)

    def product(self, size):
        size = 40 if self.small else size
        a, b = (self.normal(size, size, dtype=torch.bfloat16) for _ in range(2))
        return self.of_kernel(f"bf16 product {size}", "product", {"M": size, "N": size, "K": size}, [a, b], torch.mm, 2e-2, goal=0.8, flops=2 * size ** 3)

    def rows(self):
        return (5, 70) if self.small else (16384, 4096)

    def chain(self):
        m, n = self.rows()
        x, y = self.normal(m, n), self.normal(m, n)
        return self.of_kernel(f"elementwise chain {m}x{n}", "chain", {"M": m, "N": n}, [x, y],
                              lambda x, y: torch.tanh(0.5 * x + y) * x + torch.exp(-x * x) - y, 1e-5, goal=0.9, bytes=12 * m * n)

    def softmax(self):
        m, n = self.rows()
        return self.of_kernel(f"softmax {m}x{n}", "softmax_rows", {"M": m, "N": n}, [self.normal(m, n)],
                              lambda x: torch.softmax(x, -1), 1e-5, goal=0.9, bytes=8 * m * n)

    def layer_norm(self):
        m, n = self.rows()
        scale, bias, x = self.normal(n), self.normal(n), self.normal(m, n)
        return self.of_kernel(f"layer norm {m}x{n}", "norm_rows", {"M": m, "N": n}, [scale, bias, x],
                              lambda scale, bias, x: F.layer_norm(x, (n,), scale, bias), 1e-4, goal=0.9, bytes=8 * m * n)

    def attention(self, length, depth):
        batch, length = (2, 20) if self.small else (64, length)
        q, k, v = (self.normal(batch, length, depth, dtype=torch.float16) for _ in range(3))

        def peer(q, k, v):
            # Four axes, of which one is a batch of one: what PyTorch's fast kernels take.
            return F.scaled_dot_product_attention(q[None], k[None], v[None])[0]
        return self.of_kernel(f"f16 attention {batch}x{length}x{depth}", f"attend_{depth}", {"B": batch, "T": length}, [q, k, v], peer, 1e-2,
                              goal=0.6, flops=4 * batch * length * length * depth)

    def step(self):
        batch, length = (1, 3) if self.small else (16, 512)
        library = Library(self.folder / "transformer", self.device)
        dims = {"B": batch, "T": length}
        shapes = [shape for shape, _ in library.shapes("train_step", dims)]
        # Parameters and both means of AdamW, its step, the text and the rate.
        count = (len(shapes) - 3) // 3
        params = gpu_step.parameters(shapes[:count], self.where, self.generator)
        text = torch.randint(0, params[0].shape[0], (batch, length + 1), generator=self.generator, dtype=torch.int32).to(self.where)
        means = [torch.zeros_like(p) for p in params + params]
        number = torch.zeros((), dtype=torch.int32, device=self.where)
        rate, loss = torch.full((), gpu_step.LR, device=self.where), torch.zeros((), device=self.where)
        leaves = [*(p.clone() for p in params), *means, number, text, rate, loss]
        call, results = library.bind("train_step", dims, leaves)

        def check():
            other = gpu_step.Step(params, text, False)
            for number in range(2):
                call()
                results()
                other()
                mine, theirs = loss.item(), other.loss.item()
                assert abs(mine - theirs) <= 1e-3 * abs(theirs), f"the loss of step {number} is {mine}, PyTorch's is {theirs}"
        peers = {} if self.small else steps(params, text)
        return Workload(f"transformer training step {batch}x{length}x{params[0].shape[1]}", 1.0, self.device.captured(call), peers, check)

    def all(self):
        """Makers of workloads by their names, so that only those are made that are run."""
        return {
            "product 4096": lambda: self.product(4096), "product 8192": lambda: self.product(8192),
            "elementwise chain": self.chain, "softmax": self.softmax, "layer norm": self.layer_norm,
            "attention 64": lambda: self.attention(2048, 64), "attention 128": lambda: self.attention(2048, 128),
            "training step": self.step,
        }


def steps(params, text):
    """PyTorch's steps: compiled, and that as a graph where it can be one."""
    compiled = gpu_step.Step(params, text, True)
    for _ in range(WARM):
        compiled()
    made = {"torch.compile": compiled}
    try:
        graph = torch.cuda.CUDAGraph()
        inner = gpu_step.Step(params, text, True)
        for _ in range(WARM):
            inner()
        torch.cuda.synchronize()
        with torch.cuda.graph(graph):
            inner()
        made["as a graph"] = graph.replay
    except RuntimeError as error:
        print(f"skipped: PyTorch's step as a graph: {str(error).splitlines()[0]}")
    return made


def milliseconds(call, count):
    """Of a call, of so many."""
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    for _ in range(count):
        call()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end) / count


def timed(calls, rounds):
    """Milliseconds of a call, by name: the median of rounds in turns."""
    counts, times = {}, {name: [] for name in calls}
    for name, call in calls.items():
        milliseconds(call, WARM)
        counts[name] = max(1, round(SLICE / max(milliseconds(call, WARM), 1e-3)))
    for _ in range(rounds):
        for name, call in calls.items():
            times[name].append(milliseconds(call, counts[name]))
    return {name: statistics.median(some) for name, some in times.items()}


def copy_of(rounds):
    """Bytes a millisecond that PyTorch's copy moves, read and written."""
    a = torch.randn(GIB // 4, device="cuda")
    b = torch.empty_like(a)
    return 2 * GIB / timed({"copy": lambda: b.copy_(a)}, rounds)["copy"]


def line(workload, times, copy):
    """The figures of a workload, and the line that tells them."""
    mine = times["dlc"]
    if workload.bytes:
        ratio, rate = workload.bytes / mine / copy, f"{workload.bytes / mine / 1e6:8.1f} GB/s"
    else:
        ratio = min(one for name, one in times.items() if name != "dlc") / mine
        rate = f"{workload.flops / mine / 1e9:8.1f} TFLOP/s" if workload.flops else ""
    verdict = "reached" if ratio >= workload.goal else "SHORT"
    parts = "  ".join(f"{name} {one:.4f} ms" for name, one in times.items() if name != "dlc")
    text = f"{workload.title:<40} {mine:9.4f} ms {rate:<17} ratio {ratio:5.2f}, goal {workload.goal:4.2f}: {verdict:<8} {parts}"
    return {"title": workload.title, "milliseconds": times, "ratio": ratio, "goal": workload.goal}, text


def main(options):
    bench = Bench(options)
    chosen = {name: make for name, make in bench.all().items() if re.search(options.pattern, name)}
    if not chosen:
        sys.exit(f"gpu.py: no workload matches {options.pattern!r}; there are {', '.join(bench.all())}")
    copy = None if bench.small else copy_of(options.rounds)
    if copy:
        print(f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}; a copy moves {copy / 1e6:.0f} GB/s", flush=True)
    figures = []
    for make in chosen.values():
        workload = make()
        workload.check()
        if bench.small:
            print(f"{workload.title}: agrees", flush=True)
            continue
        found, text = line(workload, timed({"dlc": workload.call, **workload.peers}, options.rounds), copy)
        print(text, flush=True)
        figures.append(found)
    if figures:
        print(f"{sum(one['ratio'] >= one['goal'] for one in figures)} of {len(figures)} reach their goal")
    if options.json and figures:
        about = {"device": torch.cuda.get_device_name(), "torch": torch.__version__, "copy_gbytes": copy / 1e6}
        options.json.write_text(json.dumps({**about, "results": figures}, indent=1) + "\n")


if __name__ == "__main__":
    given = arguments()
    try:
        import torch
        import torch.nn.functional as F

        import gpu_step
        from gpu_library import Device, Library
    except ImportError as missing:
        sys.exit(f"gpu.py: {missing}")
    if given.emulated:
        main(given)
    elif not torch.cuda.is_available():
        print("skipped: PyTorch finds no GPU")
    else:
        # The default stream can't be captured.
        with torch.cuda.stream(torch.cuda.Stream()):
            main(given)
