"""A library of `dlc build --gpu`, called from Python with PyTorch's tensors: on a GPU in its memory and on its stream, or on the
interpreter of PTX with copies of them."""

import ctypes
import json
import pathlib

import torch

#: The compute capability that the interpreter is opened with.
EMULATED = 80


class Failed(Exception):
    """What a device or an entry says."""


class Device:
    """A device by libdlc_gpu_c.so: PyTorch's GPU, on its current stream, or the interpreter."""

    def __init__(self, folder, emulated):
        self.lib = ctypes.CDLL(str((pathlib.Path(folder) / "libdlc_gpu_c.so").resolve()))
        self.lib.dlc_gpu_device.restype = ctypes.c_void_p
        self.lib.dlc_gpu_message.restype = ctypes.c_char_p
        self.emulated, self.gpu = emulated, ctypes.c_void_p()
        if emulated:
            self.call("dlc_gpu_open_emulated", ctypes.c_int64(EMULATED), ctypes.byref(self.gpu), of_none=True)
        else:
            stream = ctypes.c_void_p(torch.cuda.current_stream().cuda_stream)
            self.call("dlc_gpu_open_stream", stream, ctypes.byref(self.gpu), of_none=True)
        self.device = ctypes.c_void_p(self.lib.dlc_gpu_device(self.gpu))

    def message(self, of_none=False):
        return self.lib.dlc_gpu_message(None if of_none else self.gpu).decode()

    def call(self, name, *arguments, of_none=False):
        """A function of the device that gives a status."""
        if getattr(self.lib, name)(*arguments) != 0:
            raise Failed(self.message(of_none))

    def memory(self, bytes_):
        """So many bytes on the device: their address, and what keeps them."""
        if self.emulated:
            address = ctypes.c_void_p()
            self.call("dlc_gpu_alloc", self.gpu, ctypes.c_int64(bytes_), ctypes.byref(address))
            return address.value, None
        # PyTorch's memory is aligned to 512 bytes.
        kept = torch.empty(max(1, bytes_), dtype=torch.uint8, device="cuda")
        return kept.data_ptr(), kept

    def place(self, tensor):
        """Where the device finds a tensor, and what keeps it."""
        assert tensor.is_contiguous()
        if not self.emulated:
            return tensor.data_ptr(), tensor
        bytes_ = tensor.numel() * tensor.element_size()
        address, kept = self.memory(bytes_)
        self.call("dlc_gpu_upload", self.gpu, ctypes.c_void_p(address), ctypes.c_void_p(tensor.data_ptr()), ctypes.c_int64(bytes_))
        return address, kept

    def fetch(self, tensor, address):
        """Puts what is at an address where `place` found a tensor back into it."""
        if self.emulated:
            bytes_ = ctypes.c_int64(tensor.numel() * tensor.element_size())
            self.call("dlc_gpu_download", self.gpu, ctypes.c_void_p(tensor.data_ptr()), ctypes.c_void_p(address), bytes_)

    def captured(self, call):
        """A call as a graph, if it can be one."""
        if self.emulated:
            return call
        graph = ctypes.c_void_p()
        self.call("dlc_gpu_begin_capture", self.gpu)
        try:
            call()
        except Failed:
            self.lib.dlc_gpu_end_capture(self.gpu, ctypes.byref(graph))
            self.lib.dlc_graph_free(graph)
            return call
        self.call("dlc_gpu_end_capture", self.gpu, ctypes.byref(graph))
        launch, gpu = self.lib.dlc_graph_launch, self.gpu

        def again():
            if launch(gpu, graph) != 0:
                raise Failed(self.message())
        # What it reads and writes is there as long as it is.
        again.keep = call
        return again


def leaves_of(tree):
    """The tensors of a manifest's tree, in order."""
    (kind, value), = tree.items()
    if kind == "tensor":
        return [value]
    parts = [part for _, part in value["fields"]] if kind == "struct" else value
    return [leaf for part in parts for leaf in leaves_of(part)]


class Library:
    """A built library, called through its uniform entries for a device."""

    def __init__(self, folder, device):
        self.device = device
        manifest = next(pathlib.Path(folder).glob("*.json"))
        self.manifest = json.loads(manifest.read_text())
        self.lib = ctypes.CDLL(str(manifest.parent.resolve() / f"lib{self.manifest['stem']}.so"))

    def entry(self, name):
        return next(one for one in self.manifest["entries"] if one["name"] == name)

    def shapes(self, name, sizes):
        """Of the leaves of all parameters, with their types."""
        def shape(leaf):
            return [int(eval(text.replace("/", "//"), {}, dict(sizes))) for text in leaf["shape"]], leaf["dtype"]
        return [shape(leaf) for param in self.entry(name)["params"] for leaf in leaves_of(param["tree"])]

    def bind(self, name, sizes, leaves):
        """A call of the entry with dims by name and tensors as the leaves of its parameters and results; and what brings the
        tensors up to date."""
        entry, device = self.entry(name), self.device
        symbol = entry["symbol"]
        dims = [sizes[dim["name"]] for dim in entry["dims"]]
        size = getattr(self.lib, f"{symbol}_workspace_gpu")
        size.restype = ctypes.c_size_t
        bytes_ = size(*[ctypes.c_int64(d) for d in dims])
        workspace, kept = device.memory(bytes_)
        placed = [device.place(leaf) for leaf in leaves]
        c_dims = (ctypes.c_int64 * max(1, len(dims)))(*dims)
        c_leaves = (ctypes.c_void_p * len(leaves))(*[address for address, _ in placed])
        function = getattr(self.lib, f"{symbol}_packed_gpu")
        function.argtypes = [ctypes.c_void_p] * 4 + [ctypes.c_size_t]
        a, b = ctypes.addressof(c_dims), ctypes.addressof(c_leaves)

        def call():
            status = function(device.device, a, b, workspace, bytes_)
            if status != 0:
                raise Failed(f"{name}: status {status}: {device.message()}")
        call.keep = (kept, placed, c_dims, c_leaves, leaves)

        def results():
            for leaf, (address, _) in zip(leaves, placed):
                device.fetch(leaf, address)
        return call, results
