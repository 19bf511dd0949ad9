"""A library that `dlc build` made, called without work left to Python."""

import ctypes
import json
import pathlib

import numpy as np

#: Bytes of a cache line, to which workspaces and tensors are aligned.
LINE = 64


def aligned(shape, dtype=np.float32):
    """Zeros that begin at a cache line."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.zeros(size + LINE, np.uint8)
    start = -raw.ctypes.data % LINE
    return raw[start:start + size].view(dtype).reshape(shape)


def put(array):
    """A copy that begins at a cache line."""
    out = aligned(array.shape, array.dtype)
    out[...] = array
    return out


def leaves_of(tree):
    """The tensors of a manifest's tree, in order."""
    (kind, value), = tree.items()
    if kind == "tensor":
        return [value]
    parts = value if kind == "tuple" else [part for _, part in value["fields"]]
    return [leaf for part in parts for leaf in leaves_of(part)]


def executor(folder, threads):
    """What runs calls on so many threads: the pool of the runtime; nothing for one."""
    if threads == 1:
        return None
    pool = ctypes.CDLL(str((pathlib.Path(folder) / "libdlc_pool_c.so").resolve()))
    pool.dlc_pool_new.restype = pool.dlc_pool_executor.restype = ctypes.c_void_p
    return pool.dlc_pool_executor(ctypes.c_void_p(pool.dlc_pool_new(ctypes.c_int64(threads))))


class Library:
    """A built library, called through its uniform `packed` entries, by an executor if one is given."""

    def __init__(self, folder, executor=None):
        self.executor = executor
        manifest = next(pathlib.Path(folder).glob("*.json"))
        self.manifest = json.loads(manifest.read_text())
        self.lib = ctypes.CDLL(str(manifest.parent.resolve() / f"lib{self.manifest['stem']}.so"))

    def entry(self, name):
        return next(one for one in self.manifest["entries"] if one["name"] == name)

    def results(self, name, sizes):
        """Arrays for what the entry gives, in f32 and i32."""
        def array(leaf):
            shape = [int(eval(text.replace("/", "//"), {}, dict(sizes))) for text in leaf["shape"]]
            return aligned(shape, {"f32": np.float32, "i32": np.int32}[leaf["dtype"]])
        return [array(leaf) for leaf in leaves_of(self.entry(name)["result"])]

    def bind(self, name, sizes, leaves):
        """A call of the entry with dims by name and arrays as leaves."""
        entry = self.entry(name)
        dims = [sizes[dim["name"]] for dim in entry["dims"]]
        size = getattr(self.lib, entry["workspace_symbol"])
        size.restype = ctypes.c_size_t
        bytes_ = size(*[ctypes.c_int64(d) for d in dims])
        raw = np.empty(bytes_ + LINE, np.uint8)
        workspace = ctypes.c_void_p((raw.ctypes.data + LINE - 1) // LINE * LINE)
        c_dims = (ctypes.c_int64 * max(1, len(dims)))(*dims)
        c_leaves = (ctypes.c_void_p * len(leaves))(*[leaf.ctypes.data for leaf in leaves])
        function = getattr(self.lib, entry["packed_symbol"] + "_on")
        function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
        a, b, executor = ctypes.addressof(c_dims), ctypes.addressof(c_leaves), self.executor

        def call():
            status = function(executor, a, b, workspace, bytes_)
            assert status == 0, status
        call.keep = (raw, c_dims, c_leaves, leaves)
        return call
