#!/usr/bin/env python3
"""PyTorch's own samples (OpInfo) of the operations that the language has: value, vjp and jvp against PyTorch.

`opinfo.py DLC [PATTERN] [--stride N]` writes each sample of each operation in `opinfo_ops`, or of those whose name matches
PATTERN, as a function on f64, builds them, some in a library, and compares the value, the vector-Jacobian product with a
random cotangent and, where PyTorch has forward mode, the Jacobian-vector product, to 1e-10 of the largest number. A sample
that the compiler refuses is counted by the code of its diagnostic. Exit status 1 where a number is wrong, or where less than
90 % of the samples pass. With `--stride N` every N-th sample of an operation. `skipped: REASON` where PyTorch is missing.
"""

import collections
import pathlib
import re
import sys
import tempfile
import time
import types
import unittest
import warnings

try:
    import numpy as np
    import torch
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(0)
try:
    import expecttest  # noqa: F401
except ImportError:
    # The module of the samples imports it for tests that are not run here.
    sys.modules["expecttest"] = types.ModuleType("expecttest")
    sys.modules["expecttest"].TestCase = unittest.TestCase
from torch.testing._internal.common_methods_invocations import op_db

from builtin_cases.library import Failed, Library, check
from opinfo_ops.compositions import EXPRESSIONS
from opinfo_ops.expressions import Tensor

warnings.simplefilter("ignore")
DTYPES = {torch.float64: "f64", torch.float32: "f32", torch.int64: "i64", torch.int32: "i32", torch.int8: "i8", torch.uint8: "u8",
          torch.bool: "bool"}
ALLOWED = 1e-10
#: Where PyTorch's own numbers are less exact: its derivative of hardsigmoid has 1 / 6 in f32.
LESS_EXACT = {"nn.functional.hardsigmoid": 1e-7}
#: Where PyTorch's forward mode is inexact, though its reverse mode is not: that of logcumsumexp is off by 5e-6 against a sum
#: of 50 digits. Its tangents are then those of reverse over reverse.
BY_REVERSE = {"logcumsumexp"}
#: Samples in one library.
MOST = 40
#: The most elements of a sample.
LARGEST = 4000


class Sample:
    """One sample: its tensors by name, its program, and what PyTorch gives."""

    def __init__(self, op, sample, seed):
        self.op, self.label = op, op.name + (f".{op.variant_test_name}" if op.variant_test_name else "")
        self.tensors = {}
        arguments = [self.named(value) for value in (sample.input, *sample.args)]
        more = {name: self.named(value) for name, value in sample.kwargs.items()}
        self.floats = [name for name, value in self.tensors.items() if value.requires_grad]
        rng = torch.Generator().manual_seed(seed)

        def value(*floats):
            given = {**self.tensors, **dict(zip(self.floats, floats))}
            result = op(*(self.put(one, given) for one in arguments), **{name: self.put(one, given) for name, one in more.items()})
            results = result if isinstance(result, (tuple, list)) else (result,)
            return tuple(one for one in results if isinstance(one, torch.Tensor) and one.dtype == torch.float64)

        inputs = [self.tensors[name].detach().clone().requires_grad_() for name in self.floats]
        self.results = value(*inputs)
        self.cotangents = [torch.randn(one.shape, generator=rng, dtype=torch.float64) for one in self.results]
        self.tangents = [torch.randn(one.shape, generator=rng, dtype=torch.float64) for one in inputs]
        back = torch.autograd.grad(self.results, inputs, self.cotangents, allow_unused=True, retain_graph=op.name in BY_REVERSE)
        self.back = [torch.zeros_like(x) if one is None else one for one, x in zip(back, inputs)]
        self.along = None
        if op.name in BY_REVERSE:
            self.along = reverse_over_reverse(self.results, inputs, self.tangents)
        elif op.supports_forward_ad:
            self.along = torch.func.jvp(value, tuple(x.detach() for x in inputs), tuple(self.tangents))[1]
        self.text = EXPRESSIONS[op.name](*arguments, **more)

    def named(self, value):
        """A tensor as the name of a parameter, also inside lists."""
        if isinstance(value, torch.Tensor):
            name = f"p{len(self.tensors)}"
            # Samples share running statistics, which PyTorch updates in place.
            self.tensors[name] = value.detach().clone().requires_grad_(value.requires_grad)
            return Tensor(name, value.shape, DTYPES[value.dtype])
        return type(value)(self.named(one) for one in value) if type(value) in (list, tuple) else value

    def put(self, value, given):
        if isinstance(value, Tensor):
            return given[value.text]
        return type(value)(self.put(one, given) for one in value) if type(value) in (list, tuple) else value

    def source(self, n):
        """The function, in a line, and the export of its derivatives."""
        def type_of(value):
            return f"{DTYPES[value.dtype]}[{', '.join(map(str, value.shape))}]"

        params = [f"{name}: {type_of(value)}" for name, value in self.tensors.items()]
        tangents = [f"tan_{name}: {type_of(self.tensors[name])}" for name in self.floats]
        cotangents = [f"cot{i}: {type_of(one)}" for i, one in enumerate(self.results)]
        result = tuple_of([type_of(one) for one in self.results])
        names, partial = ", ".join(self.tensors), ", ".join(f"tan_{name}" if name in self.floats else "none" for name in self.tensors)
        back = ", ".join(f"back_.{i}" for i, name in enumerate(self.tensors) if name in self.floats)
        gradients = ", ".join(type_of(self.tensors[name]) for name in self.floats)
        weights = tuple_of([f"cot{i}" for i in range(len(self.results))])
        return [
            f"fn value{n}({', '.join(params)}) -> {result} {{ {self.text} }}",
            f"export fn e{n}({', '.join(params + tangents + cotangents)}) -> ({result}, {result}, ({gradients},)) {{ "
            f"let (value_, tangent_) = jvp(value{n}, ({names},), ({partial},)); let (_value, pull_) = vjp(value{n}, {names}); "
            f"let back_ = pull_({weights}); (value_, tangent_, ({back},)) }}",
        ]

    def check(self, library, name):
        """What is wrong, or nothing."""
        def array(value):
            return value.detach().numpy(force=True)

        arrays = [array(one) for one in [*self.tensors.values(), *self.tangents, *self.cotangents]]
        wanted = [("value", one) for one in self.results] + [("jvp", one) for one in self.along or self.results] + [("vjp", one) for one in self.back]
        found = library.call(name, arrays, [("f64", tuple(one.shape)) for _, one in wanted], {})
        for (what, one), other in zip(wanted, found):
            if what == "jvp" and self.along is None:
                continue
            one = array(one)
            with np.errstate(all="ignore"):
                difference = np.where((one == other) | (np.isnan(one) & np.isnan(other)), 0.0, np.abs(one - other))
            scale = max(1.0, float(np.max(np.abs(one), initial=0.0, where=np.isfinite(one))))
            if not np.max(difference, initial=0.0) <= LESS_EXACT.get(self.op.name, ALLOWED) * scale:
                at = np.unravel_index(int(np.nanargmax(np.where(np.isnan(difference), np.inf, difference))), difference.shape)
                return f"{what} is {other[at]}, PyTorch has {one[at]} at {list(map(int, at))}: {self.text}"
        return None


def reverse_over_reverse(results, inputs, tangents):
    """The tangents of results: the product with the transposed Jacobian is linear in its cotangents, whatever they are."""
    cotangents = [torch.ones_like(one).requires_grad_() for one in results]
    back = torch.autograd.grad(results, inputs, cotangents, create_graph=True)
    return torch.autograd.grad(back, cotangents, tangents)


def tuple_of(parts):
    return parts[0] if len(parts) == 1 else f"({', '.join(parts)})"


class Count:
    """What became of the samples of one operation."""

    def __init__(self):
        self.passed, self.refused, self.wrong = 0, collections.Counter(), []
        self.reasons = {}

    def refuse(self, code, text):
        self.refused[code] += 1
        self.reasons.setdefault(code, text)


def samples_of(op, stride, counts):
    """The samples that have a derivative for PyTorch: a tensor that varies and a float result."""
    name = op.name
    for n, sample in enumerate(op.sample_inputs("cpu", torch.float64, requires_grad=True)):
        if n % stride:
            continue
        try:
            one = Sample(op, sample, n)
        except (RuntimeError, NotImplementedError, KeyError) as error:
            if "does not require grad" in str(error) or "element 0" in str(error) or "at least one" in str(error):
                continue
            counts[name].refuse("PyTorch", str(error)[:200])
            continue
        except (TypeError, AttributeError, ValueError, IndexError) as error:
            counts[name].refuse("unwritten", f"{type(error).__name__} {str(error)[:200]} {sample.args} {sample.kwargs}"[:300])
            continue
        if one.floats and one.results and sum(value.numel() for value in one.tensors.values()) <= LARGEST:
            yield one


def build(dlc, some, counts):
    """Builds samples and compares them; where the build fails, the halves."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            library = Library(dlc, folder, "samples", [line for n, one in enumerate(some) for line in one.source(n)], ["--emit=cdylib,manifest"])
        except Failed as error:
            if len(some) > 1:
                build(dlc, some[:len(some) // 2], counts)
                build(dlc, some[len(some) // 2:], counts)
                return
            code = re.search(r"DL\d{4}", str(error))
            if code and "status 101" not in str(error):
                counts[some[0].op.name].refuse(code[0], str(error).split("\n")[1][:160])
            else:
                counts[some[0].op.name].wrong.append(f"{some[0].text}: {str(error)[:600]}")
            return
        for n, one in enumerate(some):
            try:
                wrong = one.check(library, f"e{n}")
            except Failed as error:
                wrong = f"{error}: {one.text}"
            if wrong:
                counts[one.op.name].wrong.append(f"{one.label}: {wrong}")
            else:
                counts[one.op.name].passed += 1


def accepted(dlc, some, counts):
    """The samples whose functions the checker takes."""
    with tempfile.TemporaryDirectory() as folder:
        refused = check(dlc, folder, [one.source(n)[0] for n, one in enumerate(some)])
    for n, text in refused.items():
        counts[some[n].op.name].refuse(text.split()[0], f"{text[:160]}: {some[n].text}")
    return [one for n, one in enumerate(some) if n not in refused]


def main():
    arguments = sys.argv[1:]
    stride = 1
    if "--stride" in arguments:
        at = arguments.index("--stride")
        stride = int(arguments[at + 1])
        del arguments[at:at + 2]
    dlc = pathlib.Path(arguments[0]).resolve()
    wanted = arguments[1] if len(arguments) > 1 else ""
    started = time.time()
    torch.manual_seed(0)
    counts = collections.defaultdict(Count)
    ops = [op for op in op_db if op.name in EXPRESSIONS and re.search(wanted, op.name) and torch.float64 in op.dtypes and op.supports_autograd]
    samples = [one for op in ops for one in samples_of(op, stride, counts)]
    print(f"{len(samples)} samples, {time.time() - started:.0f} s", flush=True)
    samples = accepted(dlc, samples, counts)
    print(f"{len(samples)} accepted, {time.time() - started:.0f} s", flush=True)
    for start in range(0, len(samples), MOST):
        build(dlc, samples[start:start + MOST], counts)
        done = [sum(found) for found in zip(*((one.passed, sum(one.refused.values()), len(one.wrong)) for one in counts.values()))]
        print(f"{start + MOST}: {done[0]} passed, {done[1]} refused, {done[2]} wrong, {time.time() - started:.0f} s", flush=True)
    passed, refused, wrong = 0, 0, 0
    for name, count in sorted(counts.items()):
        codes = ", ".join(f"{code} {number}" for code, number in sorted(count.refused.items()))
        print(f"{name:<50} {count.passed:>4} passed {sum(count.refused.values()):>3} refused {len(count.wrong):>3} wrong  {codes}")
        passed, refused, wrong = passed + count.passed, refused + sum(count.refused.values()), wrong + len(count.wrong)
    for name, count in sorted(counts.items()):
        for code, text in sorted(count.reasons.items()):
            print(f"refused {name}: {text}")
        for text in count.wrong[:6]:
            print(f"WRONG {name}: {text}")
    share = passed / max(1, passed + refused + wrong)
    print(f"{len(counts)} operations of PyTorch {torch.__version__}: {passed} samples pass, {refused} are refused, {wrong} are wrong; "
          f"{100 * share:.1f} %, {time.time() - started:.0f} s")
    sys.exit(1 if wrong or share < 0.9 else 0)


if __name__ == "__main__":
    main()
