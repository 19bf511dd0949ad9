"""Building exports with `dlc build` and calling them through their packed entries."""

import ctypes
import json
import pathlib
import subprocess

import numpy as np

from .case import dtype_of, shape_of
from .floats import STORED

#: Bytes after a result that must stay as they are.
GUARD = 64


class Failed(Exception):
    """The compiler, or a call of the library, said no."""


def check(dlc, folder, lines):
    """The lines (from 0) of a program with one function a line that `dlc check` refuses, with what it says."""
    source = pathlib.Path(folder) / "probe.dl"
    source.write_text("\n".join(lines) + "\n")
    found = subprocess.run([dlc, "check", source, "--error-format", "json"], capture_output=True, text=True)
    if found.returncode not in (0, 1):
        raise Failed(f"dlc check: status {found.returncode}: {found.stderr[-2000:]}")
    refused = {}
    for line in (found.stdout + found.stderr).splitlines():
        if line.startswith("{"):
            one = json.loads(line)
            if one["severity"] == "error":
                refused.setdefault(one["primary"]["line"] - 1, one["code"] + " " + one["message"])
    return refused


class Library:
    """Exports, built and loaded."""

    def __init__(self, dlc, folder, stem, lines, also=()):
        folder = pathlib.Path(folder)
        (folder / f"{stem}.dl").write_text("\n".join(lines) + "\n")
        command = [dlc, "build", f"{stem}.dl", "-o", "out", *also]
        found = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if found.returncode != 0:
            raise Failed(f"dlc build: status {found.returncode}\n{found.stderr[-3000:]}")
        manifest = json.loads((folder / "out" / f"{stem}.json").read_text())
        self.library = ctypes.CDLL(str(folder / "out" / f"lib{stem}.so"))
        self.entries = {entry["name"]: entry for entry in manifest["entries"]}

    def call(self, name, inputs, results, dims):
        """Calls an export with arrays; `results` are the dtypes and shapes of what it gives."""
        entry = self.entries[name]
        sizes = [int(dims[dim["name"]]) for dim in entry["dims"]]
        sizes = (ctypes.c_int64 * max(1, len(sizes)))(*sizes)
        workspace_bytes = getattr(self.library, entry["workspace_symbol"])
        workspace_bytes.restype = ctypes.c_size_t
        workspace_bytes.argtypes = [ctypes.c_int64] * len(entry["dims"])
        bytes_ = workspace_bytes(*[int(dims[dim["name"]]) for dim in entry["dims"]])
        workspace = np.full(bytes_ + 128, 0xA5, np.uint8)
        start = -workspace.ctypes.data % 64
        kept = [np.ascontiguousarray(value) for value in inputs]
        buffers, arrays = [], []
        for dtype, shape in results:
            shape = (*shape, 2) if dtype == "key" else shape
            size = int(np.prod(shape, dtype=np.int64)) * np.dtype(STORED[dtype]).itemsize
            buffer = np.full(size + 2 * GUARD, 0xA5, np.uint8)
            offset = -buffer.ctypes.data % 64
            buffers.append((buffer, offset + size))
            arrays.append(buffer[offset:offset + size].view(STORED[dtype]).reshape(shape))
        pointers = [value.ctypes.data for value in kept + arrays]
        leaves = (ctypes.c_void_p * max(1, len(pointers)))(*pointers)
        function = getattr(self.library, entry["packed_symbol"])
        function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
        status = function(sizes, leaves, workspace.ctypes.data + start, bytes_)
        if status != 0:
            texts = {one["code"]: one["message"] for one in entry["statuses"]}
            raise Failed(texts.get(status, f"status {status}"))
        if not all((buffer[end:] == 0xA5).all() for buffer, end in buffers):
            raise Failed("it wrote past the end of a result")
        if not (workspace[start + bytes_:] == 0xA5).all():
            raise Failed("it wrote past the end of the workspace")
        return arrays


def results_of(case, dtype, dims):
    return [(dtype_of(type_, dtype), shape_of(type_, dims)) for type_ in case.types()]
