"""What a module of `dlc build --emit=python` takes and refuses: `module.py FOLDER`, where FOLDER holds the package `zoo`.

It needs NumPy; what is of PyTorch and JAX is skipped where these are not there.
"""

import array
import collections
import ctypes
import gc
import sys
import threading
import types
import typing
import unittest

import numpy as np

sys.path.insert(0, sys.argv.pop(1))
import zoo  # noqa: E402

try:
    import torch
except ImportError:
    torch = None
try:
    import jax
except ImportError:
    jax = None


def net(make=np.asarray):
    """A net whose arrays `make` makes."""
    zeros = lambda *shape: make(np.zeros(shape, "f4"))
    layers = [zoo.Layer(w=zeros(2, 3), b=zeros(3)) for _ in range(2)]
    return zoo.Net(layers=layers, from_=(zeros(2), make(np.array(7, "i4"))), scale=make(np.array(1.5, "f4")))


X = np.array([[1, 2], [3, 6]], "f4")


class Calls(unittest.TestCase):
    def test_a_step_changes_what_is_inout(self):
        p = zoo.start(42)
        before = p.layers[0].w.copy()
        self.assertEqual(zoo.step(p, X, 0.5), 3.0)
        np.testing.assert_array_equal(p.layers[0].w, before + np.float32(1.5))
        self.assertEqual(p.from_[1], 8)
        self.assertEqual(p.scale, 4.5)
        self.assertIsInstance(zoo.weight(p), float)

    def test_a_key_is_a_seed_or_two_numbers(self):
        first = zoo.start(2**32 + 42).layers[1].w
        np.testing.assert_array_equal(zoo.start(np.array([1, 42], "u4")).layers[1].w, first)
        self.assertEqual(zoo.draws(np.arange(6, dtype="u4").reshape(3, 2)).shape, (3,))

    def test_dims_come_from_shapes_or_are_given(self):
        np.testing.assert_array_equal(zoo.halves(np.arange(7.0)), [1, 2, 3])
        self.assertEqual(zoo.halves(np.zeros(1)).shape, (0,))
        np.testing.assert_array_equal(zoo.product(np.ones(6, "f4"), np.ones(2, "f4")), [1, 1, 1])
        numbers, number = zoo.count(N=4)
        np.testing.assert_array_equal(numbers, [0, 1, 2, 3])
        self.assertEqual((numbers.dtype, number), (np.int32, 2.5))

    def test_trees_come_as_anything_with_their_fields(self):
        expected = zoo.weight(net())
        Layer = collections.namedtuple("Layer", "w b")
        full = net()
        layers = [Layer(layer.w + 1, layer.b) for layer in full.layers]
        for tree in (
            types.SimpleNamespace(layers=layers, from_=full.from_, scale=full.scale),
            {"layers": tuple(layers), "from": full.from_, "scale": 1.5},
            {"layers": [layer._asdict() for layer in layers], "from_": full.from_, "scale": full.scale},
            {
                "layers.0.w": layers[0].w, "layers.0.b": layers[0].b, "layers.1.w": layers[1].w, "layers.1.b": layers[1].b,
                "from.0": full.from_[0], "from.1": 7, "scale": full.scale,
            },
        ):  # fmt: skip
            self.assertEqual(zoo.weight(tree), expected + 6)

    def test_every_type_comes_and_goes(self):
        sent = [np.array([0, 1], t) for t in ("?", "i1", "u1", "i8", "u4", "u8", "f2", "u2", "f8")]
        try:
            import ml_dtypes
        except ImportError:
            sent[7] = None
        else:
            sent[7] = np.array([0, 1], ml_dtypes.bfloat16)
        if sent[7] is None and torch is None:
            self.skipTest("nothing here has bf16")
        if sent[7] is None:
            sent[7] = torch.tensor([0, 1], dtype=torch.bfloat16)
        for one, back in zip(sent[1:], zoo.types(*sent)[1:]):
            self.assertEqual([float(value) for value in back], [1, 2], one.dtype)
            self.assertEqual(str(back.dtype).rpartition(".")[2], str(one.dtype).rpartition(".")[2])

    def test_numbers_are_those_of_python(self):
        self.assertEqual(zoo.numbers(True, -3, 2**63, 0.5, 1), (False, -2, 2**63 + 1, 1.5, 2.0))
        # 1 + 2**-8 lies between two bfloat16, 1 and 1 + 2**-7; with 1 more and rounded again it is 2.
        self.assertEqual(zoo.numbers(False, 0, 0, 1e9, 1 + 2**-8)[3:], (float("inf"), 2.0))
        self.assertEqual(zoo.numbers(False, np.int8(1), np.array(2, "u8"), np.float16(1), 1.0)[1:3], (2, 3))

    def test_buffers_of_other_modules(self):
        n, x = (ctypes.c_int32)(1), array.array("f", [1, 2, 3])
        zoo.bump(np.frombuffer(n, "i4").reshape(()), x)
        self.assertEqual((n.value, list(x)), (2, [2, 4, 6]))
        zoo.bump(n, memoryview(x))
        self.assertEqual((n.value, list(x)), (3, [4, 8, 12]))

    def test_names_of_python_are_only_names(self):
        self.assertEqual(zoo.sum(np.ones(2, "f4"), np.ones(2, "f4")), 2.0)
        self.assertIn("sum", zoo.__all__)

    def test_functions_say_what_they_take(self):
        self.assertIn("Moves all weights", zoo.step.__doc__)
        self.assertIn("x: f32[B, 2]", zoo.step.__doc__)
        self.assertIs(typing.get_type_hints(zoo.start)["return"], zoo.Net)
        self.assertIs(typing.get_type_hints(zoo.step)["return"], float)

    def test_threads_have_their_own_workspaces(self):
        x = np.random.default_rng(1).normal(size=(8, 2)).astype("f4")
        expected, wrong = zoo.step(net(), x, 0.25), []

        def work():
            mine = net()
            for _ in range(200):
                if zoo.step(mine, x, 0.25) != expected:
                    wrong.append(1)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])


class Case(unittest.TestCase):
    def refused(self, kind, text, call, *arguments, **named):
        with self.assertRaises(kind) as caught:
            call(*arguments, **named)
        self.assertIn(text, str(caught.exception))


class Refusals(Case):
    def test_types(self):
        self.refused(TypeError, "DL1006 step: x is f64, expected f32; convert it", zoo.step, net(), X.astype("f8"), 1)
        self.refused(TypeError, "x is float32 (>f4), expected f32", zoo.step, net(), X.astype(">f4"), 1)
        self.refused(TypeError, "x is a list, no array; expected f32[B, 2]; pass numpy.array(x", zoo.step, net(), [1], 1)
        self.refused(TypeError, "lr is a str, no array; expected f32", zoo.step, net(), X, "1")
        self.refused(TypeError, "a is 1, an int, expected bool", zoo.numbers, 1, 0, 0, 0, 0)
        self.refused(TypeError, "b is 1.5, a float, expected i8", zoo.numbers, True, 1.5, 0, 0, 0)
        self.refused(ValueError, "b is 128, which does not fit in i8", zoo.numbers, True, 128, 0, 0, 0)
        self.refused(TypeError, "key is -1, expected a seed", zoo.start, -1)
        self.refused(TypeError, "key is i64, expected u32", zoo.start, np.array([0, 42]))

    def test_shapes(self):
        self.refused(ValueError, "DL1003 step: x has shape [2], expected [B, 2]", zoo.step, net(), X[0], 1)
        self.refused(ValueError, "x has shape [2, 1], expected [B, 2] with B = 2", zoo.step, net(), X[:, :1].copy(), 1)
        self.refused(ValueError, "x has shape [4], expected [2*N + 1]", zoo.halves, np.zeros(4))
        wrong = net()
        wrong.layers[1].b = np.zeros(4, "f4")
        self.refused(ValueError, "net.layers.1.b has shape [4], expected [3]", zoo.step, wrong, X, 1)
        self.refused(ValueError, "expected [N] with N = 2", zoo.sum, np.zeros(2, "f4"), np.zeros(3, "f4"))

    def test_dims(self):
        self.refused(zoo.CallError, "DL1001 step: B is outside its declared range 1..=8", zoo.step, net(), np.zeros((9, 2), "f4"), 1)
        self.refused(zoo.CallError, "; N = 1000", zoo.count, N=1000)
        self.refused(ValueError, "N is outside its declared range 0..=100 (zoo.dl:31); N = -1", zoo.count, N=-1)
        self.refused(TypeError, "N is 2.0, expected an int", zoo.count, N=2.0)
        self.refused(zoo.CallError, "DL1002 trace: the condition N", zoo.trace, np.ones((1, 1), "f4"))
        with self.assertRaises(zoo.CallError) as caught:
            zoo.step(net(), np.zeros((0, 2), "f4"), 1)
        self.assertGreaterEqual(caught.exception.status, 16)
        self.refused(TypeError, "DL1004 product: no argument gives the dim N", zoo.product, np.zeros(0, "f4"), np.zeros(0, "f4"))

    def test_memory(self):
        self.refused(ValueError, "strides of [4, 8] bytes, expected dense elements in C order", zoo.step, net(), X.T, 1)
        self.refused(ValueError, "dense", zoo.sum, np.zeros(4, "f4")[::2], np.zeros(2, "f4"))
        locked = net()
        locked.layers[0].w.flags.writeable = False
        self.refused(ValueError, "net.layers.0.w is inout and can't be written: it is read-only", zoo.step, locked, X, 1)
        self.refused(ValueError, "x is inout and can't be written", zoo.bump, np.array(1, "i4"), memoryview(array.array("f", [1, 2, 3])).toreadonly())
        self.refused(TypeError, 'n is an int, no array; expected i32; as it is inout, pass numpy.array(1, "int32")', zoo.bump, 1, np.zeros(3, "f4"))
        unaligned = np.zeros(25, "u1")[1:].view("f4")[:3]
        self.refused(ValueError, "is not aligned", zoo.bump, np.array(1, "i4"), unaligned)
        shared = net()
        shared.layers[1].w = shared.layers[0].w
        self.refused(ValueError, "net.layers.0.w and net.layers.1.w share memory", zoo.step, shared, X, 1)
        x = np.zeros(8, "f4")
        self.refused(ValueError, "share memory", zoo.step, {**vars(net()), "scale": x[3:4].reshape(())}, x.reshape(4, 2), 1)

    def test_trees(self):
        self.refused(TypeError, "weight: net is a dict without 'scale'", zoo.weight, {"layers": net().layers, "from": net().from_})
        self.refused(TypeError, "net has 'bias', which is no field; those are layers, from, scale", zoo.weight, {"bias": 1})
        self.refused(TypeError, "net is an int without 'layers', expected Net with layers, from, scale", zoo.weight, 3)
        self.refused(TypeError, "net.layers has 1 elements, expected a sequence of 2", zoo.weight, {**vars(net()), "layers": [1]})
        self.refused(TypeError, "net has no 'layers.1' among its 2 keys", zoo.weight, {"layers.0.w": 1, "layers.0.b": 2})

    def test_the_library_is_that_of_the_module(self):
        from zoo import _library

        folder = sys.modules["zoo"].__path__[0]
        manifest = '{"stem": "zoo", "abi_hash": "none", "entries": []}'
        self.refused(ImportError, "is not the library of this module: its ABI hash is", _library.Library, folder, manifest, [])
        self.refused(ImportError, "libother.so is missing", _library.Library, folder, manifest.replace("zoo", "other"), [])


@unittest.skipIf(torch is None, "there is no PyTorch")
class Torch(Case):
    def test_tensors_are_changed_in_place(self):
        p = zoo.start(torch.tensor([0, 42], dtype=torch.uint32))
        self.assertIsInstance(p.layers[0].w, torch.Tensor)
        before, view = p.layers[0].w.clone(), p.layers[0].w
        self.assertEqual(zoo.step(p, torch.from_numpy(X), 0.5), 3.0)
        self.assertTrue(torch.equal(view, before + 1.5))
        np.testing.assert_array_equal(zoo.start(42).layers[0].w, before.numpy())
        self.assertEqual(p.from_[1].item(), 8)

    def test_results_outlive_what_they_are_made_of(self):
        made = [zoo.halves(torch.arange(7, dtype=torch.float64)) for _ in range(100)]
        gc.collect()
        self.assertEqual([part.tolist() for part in made], [[1, 2, 3]] * 100)

    def test_tensors_are_refused(self):
        x = torch.from_numpy(X)
        self.refused(TypeError, "x requires a gradient", zoo.step, net(), x.clone().requires_grad_(), 1)
        self.refused(TypeError, "x is f64, expected f32", zoo.step, net(), x.double(), 1)
        self.refused(ValueError, "x.contiguous()", zoo.step, net(), x.T, 1)
        self.refused(TypeError, "x does not give its memory", zoo.step, net(), x.to("meta"), 1)


@unittest.skipIf(jax is None, "there is no JAX")
class Jax(Case):
    def test_arrays_come_and_go(self):
        x = jax.numpy.asarray(X)
        self.assertEqual(zoo.step(net(), x, 0.5), 3.0)
        key = jax.random.key_data(jax.random.key(42))
        p = zoo.start(key)
        self.assertIsInstance(p.layers[0].w, jax.Array)
        np.testing.assert_array_equal(zoo.start(42).layers[0].w, p.layers[0].w)
        self.assertEqual(zoo.weight(p), zoo.weight(zoo.start(42)))

    def test_arrays_are_refused(self):
        self.refused(ValueError, "net.layers.0.w is inout and can't be written: arrays of JAX never change", zoo.step, net(jax.numpy.asarray), X, 1)
        self.refused(TypeError, "pass jax.random.key_data(key)", zoo.start, jax.random.key(42))


if __name__ == "__main__":
    unittest.main()
