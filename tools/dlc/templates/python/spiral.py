"""The model of spiral.dl, compiled by `dlc`, the program that DLC names or else the one in PATH."""

import ctypes
import json
import os
import pathlib
import subprocess

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
DTYPES = {"f32": np.float32, "i32": np.int32}


def build():
    """Compiles spiral.dl, if that was not done before; the folder of the library and its manifest."""
    made, source = HERE / "build", HERE / "spiral.dl"
    library = made / "libspiral.so"
    if not library.exists() or library.stat().st_mtime < source.stat().st_mtime:
        dlc = os.environ.get("DLC", "dlc")
        subprocess.run([dlc, "build", source, "-o", made, "--emit=cdylib,manifest"], check=True)
    return made


def leaves(tree):
    """The tensors of a tree, in the order in which the library takes them: zeros."""
    if "struct" in tree:
        return [leaf for _, field in tree["struct"]["fields"] for leaf in leaves(field)]
    shape = [int(size) for size in tree["tensor"]["shape"]]
    return [np.zeros(shape, DTYPES[tree["tensor"]["dtype"]])]


class Model:
    """The exports of spiral.dl. Tensors are NumPy arrays, which calls read and write in place."""

    def __init__(self):
        folder = build()
        self.library = ctypes.CDLL(str(folder / "libspiral.so"))
        self.entries = {entry["name"]: entry for entry in json.loads((folder / "spiral.json").read_text())["entries"]}

    def result(self, name):
        """Zeros for the tensors of an export's result, whose sizes are known."""
        return leaves(self.entries[name]["result"])

    def call(self, name, dims, *tensors):
        """Calls an export with its dims and tensors, those of trees one by one, and those of the result last."""
        entry = self.entries[name]
        for tensor in tensors:
            if not tensor.flags.c_contiguous:
                raise ValueError(f"{name}: a tensor is not contiguous")
        workspace_of = self.library[entry["workspace_symbol"]]
        workspace_of.restype = ctypes.c_size_t
        size = workspace_of(*map(ctypes.c_int64, dims))
        memory = np.empty(size + 64, np.uint8)
        workspace = memory[-memory.ctypes.data % 64 :]
        status = self.library[entry["packed_symbol"]](
            (ctypes.c_int64 * len(dims))(*dims),
            (ctypes.c_void_p * len(tensors))(*(tensor.ctypes.data for tensor in tensors)),
            ctypes.c_void_p(workspace.ctypes.data),
            ctypes.c_size_t(size),
        )
        if status:
            message = self.library[entry["symbol"] + "_message"]
            message.restype = ctypes.c_char_p
            raise RuntimeError(f"{name}: {message(status).decode()}")
