"""Memory of arrays, whoever made them, without a copy: what a module of `dlc build --emit=python` passes to its library.

An array shows its memory by `__array_interface__` (NumPy), `__dlpack__` (PyTorch, JAX and others) or the buffer
protocol (`array.array`, `memoryview`, `ctypes`). Results are made as arrays of the kind that the arguments are.
"""

import ctypes
import sys
from typing import Any, NamedTuple, Optional, Tuple


class ArrayError(Exception):
    """Why something is no array that a library can take; the caller says which parameter it is."""


class Memory(NamedTuple):
    """What an array says of its memory."""

    address: int
    #: DL's name, or the array's own where DL has no such type.
    dtype: str
    shape: Tuple[int, ...]
    #: In bytes; nothing where the array is in C order.
    strides: Optional[Tuple[int, ...]]
    #: Why it can't be written, or nothing.
    locked: Optional[str]
    #: The package whose array it is.
    kind: str
    #: What has to live while the address is used.
    owner: Any


#: For each element type its bytes, the character of `struct`, and the kind and bits of DLPack.
DTYPES = {
    "bool": (1, "?", (6, 8)),
    "i8": (1, "b", (0, 8)),
    "i32": (4, "i", (0, 32)),
    "i64": (8, "q", (0, 64)),
    "u8": (1, "B", (1, 8)),
    "u32": (4, "I", (1, 32)),
    "u64": (8, "Q", (1, 64)),
    "f16": (2, "e", (2, 16)),
    "bf16": (2, "H", (4, 16)),
    "f32": (4, "f", (2, 32)),
    "f64": (8, "d", (2, 64)),
}

#: What an array of another type is converted to.
NUMPY_NAMES = {
    "bool": "bool", "i8": "int8", "i32": "int32", "i64": "int64", "u8": "uint8", "u32": "uint32", "u64": "uint64",
    "f16": "float16", "bf16": "bfloat16", "f32": "float32", "f64": "float64",
}  # fmt: skip

_BY_TYPESTR = {
    "|b1": "bool", "|i1": "i8", "<i4": "i32", "<i8": "i64", "|u1": "u8", "<u4": "u32", "<u8": "u64",
    "<f2": "f16", "<f4": "f32", "<f8": "f64",
}  # fmt: skip

_BY_DLPACK = {code: name for name, (_, _, code) in DTYPES.items()}
_DLPACK_KINDS = {0: "int", 1: "uint", 2: "float", 3: "handle", 4: "bfloat", 5: "complex", 6: "bool"}
_DEVICES = {1: "cpu", 2: "cuda", 3: "cuda's host memory", 4: "opencl", 7: "vulkan", 8: "metal", 10: "rocm", 13: "managed"}
#: Memory of the host, which a library can read.
_HOST = (1, 3, 13)


class _Tensor(ctypes.Structure):
    """DLTensor."""

    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


class _Managed(ctypes.Structure):
    """DLManagedTensor, of DLPack before 1.0."""

    _fields_ = [("tensor", _Tensor), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p)]


class _Versioned(ctypes.Structure):
    """DLManagedTensorVersioned, of DLPack from 1.0 on."""

    _fields_ = [
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64),
        ("tensor", _Tensor),
    ]


_READ_ONLY = 1


class _Buffer(ctypes.Structure):
    """Py_buffer."""

    _fields_ = [
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.py_object),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("suboffsets", ctypes.c_void_p),
        ("internal", ctypes.c_void_p),
    ]


_python = ctypes.pythonapi
_capsule_is = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.c_char_p)(("PyCapsule_IsValid", _python))
_capsule_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", _python)
)
_capsule_new = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)(
    ("PyCapsule_New", _python)
)
_get_buffer = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.POINTER(_Buffer), ctypes.c_int)(
    ("PyObject_GetBuffer", _python)
)
_release_buffer = ctypes.PYFUNCTYPE(None, ctypes.POINTER(_Buffer))(("PyBuffer_Release", _python))

_libc = ctypes.CDLL(None)
_posix_memalign = _libc.posix_memalign
_posix_memalign.argtypes = [ctypes.POINTER(ctypes.c_void_p), ctypes.c_size_t, ctypes.c_size_t]
_free = _libc.free
_free.argtypes = [ctypes.c_void_p]
_free.restype = None


def kind_of(value):
    """The package whose array something is."""
    package = type(value).__module__.partition(".")[0]
    return "jax" if package == "jaxlib" else package


def memory_of(value):
    """The memory of an array."""
    interface = getattr(value, "__array_interface__", None)
    # The interface of a scalar of NumPy is of memory that is gone; as a buffer it keeps it.
    if interface is not None and hasattr(value, "__setitem__"):
        return _of_interface(value, interface)
    if hasattr(value, "__dlpack__"):
        return _of_dlpack(value)
    if str(getattr(value, "dtype", "")).startswith("key<"):
        raise ArrayError("is a typed key of JAX; pass jax.random.key_data(key), which are its numbers")
    try:
        view = memoryview(value)
    except TypeError:
        raise ArrayError(f"is {a_type(value)}, no array") from None
    return _of_buffer(value, view)


def a_type(value):
    """The type of something, in words."""
    name = type(value).__name__
    return f"an {name}" if name[0] in "aeiouAEIOU" else f"a {name}"


def _in_order(shape, strides, step):
    """Whether strides are those of C order for elements of `step` bytes; axes of one element may have any."""
    for size, stride in zip(reversed(shape), reversed(strides)):
        if size == 0:
            return True
        if size != 1:
            if stride != step:
                return False
            step *= size
    return True


def _memory(owner, address, dtype, shape, strides, locked):
    item = DTYPES[dtype][0] if dtype in DTYPES else 1
    if strides is not None and _in_order(shape, strides, item):
        strides = None
    return Memory(address, dtype, shape, strides, locked, kind_of(owner), owner)


def _of_interface(value, interface):
    typestr, shape = interface["typestr"], tuple(interface["shape"])
    dtype = _BY_TYPESTR.get(typestr)
    if dtype is None:
        # ml_dtypes has bfloat16 for NumPy, whose typestr is that of two raw bytes.
        name = getattr(getattr(value, "dtype", None), "name", typestr)
        dtype = "bf16" if name == "bfloat16" else f"{name} ({typestr})"
    address, read_only = interface["data"]
    strides = interface.get("strides")
    return _memory(value, address, dtype, shape, strides, "it is read-only" if read_only else None)


def _of_dlpack(value):
    if getattr(value, "requires_grad", False):
        raise ArrayError("requires a gradient, which PyTorch does not see through the library; pass it with .detach()")
    try:
        device, number = value.__dlpack_device__()
    except Exception as error:
        raise ArrayError(f"does not give its memory: {error}") from error
    if int(device) not in _HOST:
        name = _DEVICES.get(int(device), f"device type {int(device)}")
        raise ArrayError(f"is on {name}:{number}, expected memory of the CPU; copy it first, in PyTorch by .cpu()")
    if hasattr(value, "block_until_ready"):
        value.block_until_ready()
    try:
        try:
            capsule = value.__dlpack__(max_version=(1, 0))
        except TypeError:
            capsule = value.__dlpack__()
    except Exception as error:
        raise ArrayError(f"does not give its memory: {error}") from error
    locked = None
    if _capsule_is(capsule, b"dltensor_versioned"):
        managed = _Versioned.from_address(_capsule_pointer(capsule, b"dltensor_versioned"))
        if managed.flags & _READ_ONLY:
            locked = "it is read-only"
    elif _capsule_is(capsule, b"dltensor"):
        managed = _Managed.from_address(_capsule_pointer(capsule, b"dltensor"))
    else:
        raise ArrayError("gives a DLPack capsule of an unknown version")
    if kind_of(value) == "jax":
        locked = "arrays of JAX never change; pass numpy.array(x), and make jax.numpy.asarray(x) of it afterwards"
    tensor = managed.tensor
    dtype = _BY_DLPACK.get((tensor.code, tensor.bits)) if tensor.lanes == 1 else None
    if dtype is None:
        dtype = f"{_DLPACK_KINDS.get(tensor.code, 'type')}{tensor.bits}"
    shape = tuple(tensor.shape[:tensor.ndim])
    strides = None
    if tensor.strides:
        strides = tuple(stride * tensor.bits // 8 for stride in tensor.strides[:tensor.ndim])
    address = (tensor.data or 0) + tensor.byte_offset
    # The capsule keeps the memory; its own destructor gives it back.
    memory = _memory(value, address, dtype, shape, strides, locked)
    return memory._replace(owner=(value, capsule))


def _of_buffer(value, view):
    codes = {code: name for name, (_, code, _) in DTYPES.items() if name != "bf16"}
    code = view.format.lstrip("@=<") if sys.byteorder == "little" else view.format
    # The same type has several characters.
    same = {("l", 8): "q", ("L", 8): "Q", ("l", 4): "i", ("L", 4): "I", ("N", 8): "Q", ("n", 8): "q"}
    dtype = codes.get(same.get((code, view.itemsize), code), f"format {view.format!r}")
    buffer = _Buffer()
    flags = 0x0118  # PyBUF_FULL_RO
    if _get_buffer(view, ctypes.byref(buffer), flags) != 0:
        raise ArrayError("does not give its memory")
    address = buffer.buf or 0
    _release_buffer(ctypes.byref(buffer))
    locked = "it is read-only" if view.readonly else None
    memory = _memory(value, address, dtype, tuple(view.shape), view.strides or None, locked)
    return memory._replace(owner=view)


class Result:
    """Memory for a result, which becomes an array when the library has written it."""

    def __init__(self, dtype, shape, kind):
        self.dtype, self.shape = dtype, shape
        self.size = DTYPES[dtype][0]
        for extent in shape:
            self.size *= extent
        self.kind = kind if kind in ("torch", "jax") else "numpy"
        self.array = self.block = None
        if self.kind == "numpy":
            self.address = self._of_numpy() or self._of_python()
        else:
            self.address = self._block()

    def _of_numpy(self):
        try:
            import numpy
        except ImportError:
            return 0
        name = NUMPY_NAMES[self.dtype]
        if self.dtype == "bf16":
            try:
                import ml_dtypes
            except ImportError:
                name = "uint16"
            else:
                name = ml_dtypes.bfloat16
        self.array = numpy.empty(self.shape, name)
        return self.array.__array_interface__["data"][0]

    def _of_python(self):
        """Without NumPy a result is a memoryview."""
        data = (ctypes.c_char * max(self.size, 1))()
        view = memoryview(data).cast("B")
        code = DTYPES[self.dtype][1]
        if self.size:
            self.array = view.cast(code, self.shape)
        else:
            self.array = view[:0].cast(code)
        return ctypes.addressof(data)

    def _block(self):
        """One block of C's heap: a DLManagedTensor, its shape and strides, the elements. Its deleter is `free`, so that it may
        be given back when Python is gone."""
        rank = len(self.shape)
        head = (ctypes.sizeof(_Managed) + 16 * rank + 63) // 64 * 64
        block = ctypes.c_void_p()
        if _posix_memalign(ctypes.byref(block), 64, head + max(self.size, 1)) != 0:
            raise MemoryError(f"{self.size} bytes for a result")
        self.block = block.value
        managed = _Managed.from_address(self.block)
        numbers = (ctypes.c_int64 * (2 * rank)).from_address(self.block + ctypes.sizeof(_Managed))
        step = 1
        for axis in reversed(range(rank)):
            numbers[axis], numbers[rank + axis] = self.shape[axis], step
            step *= max(self.shape[axis], 1)
        places = ctypes.POINTER(ctypes.c_int64)
        tensor = managed.tensor
        tensor.data = self.block + head
        tensor.device_type, tensor.device_id, tensor.ndim = 1, 0, rank
        (tensor.code, tensor.bits), tensor.lanes = DTYPES[self.dtype][2], 1
        tensor.shape = ctypes.cast(ctypes.addressof(numbers), places)
        tensor.strides = ctypes.cast(ctypes.addressof(numbers) + 8 * rank, places)
        tensor.byte_offset = 0
        managed.context = None
        managed.deleter = ctypes.cast(_free, ctypes.c_void_p).value
        return self.block + head

    def __dlpack_device__(self):
        return (1, 0)

    def __dlpack__(self, **_):
        capsule = _capsule_new(self.block, b"dltensor", None)
        self.capsule = capsule
        return capsule

    def finish(self):
        """The array."""
        if self.array is not None:
            return self.array
        if self.kind == "torch":
            import torch

            array = torch.from_dlpack(self)
        else:
            import jax.dlpack

            array = jax.dlpack.from_dlpack(self)
        # Who takes a capsule renames it, and frees the block.
        if not _capsule_is(self.capsule, b"dltensor"):
            self.block = None
        self.capsule = None
        return array

    def __del__(self):
        if self.block is not None:
            _free(self.block)
