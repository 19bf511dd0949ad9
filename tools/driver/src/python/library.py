"""A library that dlc made, as a module of `dlc build --emit=python` calls it: trees of arrays in, dims from their shapes,
all of it checked, results out.

A call keeps no Python object busy: ctypes gives up the interpreter's lock for as long as the library computes, and each
thread has a workspace of its own, which grows to the most that a call of it needed.
"""

import ctypes
import json
import pathlib
import re
import struct
import threading
from collections.abc import Mapping, Sequence

from ._arrays import DTYPES, NUMPY_NAMES, ArrayError, Result, a_type, memory_of

_LINE = 64
_WORD = re.compile(r"[A-Za-z_]\w*")


class CallError(ValueError):
    """A call that the library refused, or that failed in it; `status` is the number that C programs see."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class Library:
    """The library beside a module, with the manifest that was built with it."""

    def __init__(self, folder, manifest, structs):
        manifest = json.loads(manifest)
        stem = manifest["stem"]
        self.path = pathlib.Path(folder) / f"lib{stem}.so"
        self.structs = {(name, fields): made for made, name, fields in structs}
        if not self.path.is_file():
            raise ImportError(f"{self.path} is missing; `dlc build --emit=python` writes it beside this module")
        try:
            self.library = ctypes.CDLL(str(self.path))
        except OSError as error:
            raise ImportError(f"cannot load {self.path}: {error}") from error
        found = self.function(f"{stem}_abi_hash", ctypes.c_char_p)()
        found = found.decode() if found else "nothing"
        if found != manifest["abi_hash"]:
            expected = manifest["abi_hash"]
            raise ImportError(
                f"{self.path} is not the library of this module: its ABI hash is {found}, not {expected}; "
                "build both again with one `dlc build --emit=python`"
            )
        self.entries = {entry["name"]: _Entry(self, entry) for entry in manifest["entries"]}
        self._local = threading.local()

    def function(self, symbol, result, *parameters):
        """A function of the library."""
        try:
            function = getattr(self.library, symbol)
        except AttributeError:
            raise ImportError(
                f"{self.path} has no function {symbol}; it is another library, or of another version of dlc"
            ) from None
        function.restype, function.argtypes = result, parameters
        return function

    def call(self, name, arguments, dims):
        """Calls an export with its parameters in order, and the dims that no shape tells."""
        return self.entries[name].call(arguments, dims)

    def workspace(self, size):
        """The address of so many bytes that this thread alone uses, at a cache line."""
        held = getattr(self._local, "workspace", None)
        if held is None or held[1] < size:
            # What is there is let go first.
            self._local.workspace = held = None
            buffer = (ctypes.c_char * (size + _LINE))()
            address = ctypes.addressof(buffer)
            held = self._local.workspace = (buffer, size, address + -address % _LINE)
        return held[2]


class _Leaf:
    """A tensor of an export's parameters or result."""

    def __init__(self, path, tensor, mode):
        self.path, self.mode = path, mode
        self.dtype, self.texts = tensor["dtype"], tuple(tensor["shape"])
        self.axes = tuple(map(_Axis, self.texts))
        # A key is two numbers.
        self.is_key = self.dtype == "key"
        if self.is_key:
            self.dtype, self.axes = "u32", (*self.axes, _Axis("2"))
        texts = ", ".join(axis.text for axis in self.axes)
        self.type = f"{self.dtype}[{texts}]" if self.axes else self.dtype
        self.size = DTYPES[self.dtype][0]
        #: The shape, where there is no dim in it.
        self.fixed = None if any(axis.names for axis in self.axes) else tuple(axis.of({}) for axis in self.axes)


class _Axis:
    """The size of an axis, a polynomial in dims."""

    def __init__(self, text):
        self.text = text
        self.names = tuple(dict.fromkeys(_WORD.findall(text)))
        self.name = text if self.names == (text,) else None
        # Division rounds down, as in DL.
        code = _WORD.sub(lambda word: f"dims[{word[0]!r}]", text).replace("/", "//")
        self.of = eval(f"lambda dims: {code}", {"__builtins__": {}})

    def fits(self, size, dims):
        """Whether it has a size; one that would tell a dim and did not, does not. Others tell of a dim that is missing."""
        unknown = [name for name in self.names if name not in dims]
        if not unknown:
            return self.of(dims) == size
        return len(unknown) > 1 or self._slope(unknown[0], dims) == 0

    def _slope(self, name, dims):
        """By how much it grows with a dim; nothing where it is not linear in it."""
        zero, one, two = (self.of({**dims, name: value}) for value in (0, 1, 2))
        return one - zero if two - one == one - zero else 0

    def solve(self, name, size, dims):
        """The value of the one dim that is not known, where the size is linear in it."""
        slope, zero = self._slope(name, dims), self.of({**dims, name: 0})
        if slope == 0:
            return None
        value, rest = divmod(size - zero, slope)
        return value if rest == 0 and value >= 0 and self.of({**dims, name: value}) == size else None


class _Entry:
    """An export."""

    def __init__(self, library, entry):
        self.library, self.name = library, entry["name"]
        self.dims = entry["dims"]
        self.statuses = {status["code"]: status["message"] for status in entry["statuses"]}
        self.params, self.leaves = [], []
        for param in entry["params"]:
            tensor = param["tree"].get("tensor")
            number = param["mode"] == "in" and tensor and not tensor["shape"] and tensor["dtype"] != "key"
            first = len(self.leaves)
            self._collect(param["tree"], param["name"], "number" if number else param["mode"])
            self.params.append((param["name"], param["tree"], self.leaves[first:]))
        self.inputs = len(self.leaves)
        self.result = entry["result"]
        if self.result is not None:
            self._collect(self.result, "out", "out")
        size, place = ctypes.c_size_t, ctypes.c_void_p
        numbers = [ctypes.c_int64] * len(self.dims)
        self.workspace = library.function(entry["workspace_symbol"], size, *numbers)
        self.packed = library.function(entry["packed_symbol"], ctypes.c_int32, place, place, place, size)
        self.message = library.function(f"{entry['symbol']}_message", ctypes.c_char_p, ctypes.c_int32)

    def _collect(self, tree, path, mode):
        (form, value), = tree.items()
        if form == "tensor":
            self.leaves.append(_Leaf(path, value, mode))
        elif form == "struct":
            for name, field in value["fields"]:
                self._collect(field, f"{path}.{name}", mode)
        else:
            for index, item in enumerate(value):
                self._collect(item, f"{path}.{index}", mode)

    def call(self, arguments, dims):
        held = []
        for (name, tree, leaves), value in zip(self.params, arguments):
            flat = []
            self._flatten(tree, name, value, flat)
            held.extend(map(self._held, leaves, flat))
        dims = self._solve(held, dims)
        self._check(held, dims)
        kind = next((memory.kind for memory in held if memory.kind in ("torch", "jax")), "numpy")
        results = [
            Result(leaf.dtype, tuple(axis.of(dims) for axis in leaf.axes), kind) for leaf in self.leaves[self.inputs :]
        ]
        addresses = [memory.address for memory in held] + [result.address for result in results]
        sizes = [dims[dim["name"]] for dim in self.dims]
        size = self.workspace(*sizes)
        if size == 2 ** (8 * ctypes.sizeof(ctypes.c_size_t)) - 1:
            raise MemoryError(f"DL1013 {self.name}: a size in bytes does not fit in 64 bits{self._values(dims)}")
        status = self.packed(
            (ctypes.c_int64 * max(len(sizes), 1))(*sizes),
            (ctypes.c_void_p * max(len(addresses), 1))(*addresses),
            self.library.workspace(size),
            size,
        )
        if status != 0:
            text = self.message(status)
            text = text.decode() if text else f"{self.name} returned status {status}"
            raise CallError(status, text + self._values(dims))
        if self.result is None:
            return None
        return self._built(self.result, iter(results), True)

    def _values(self, dims):
        values = ", ".join(f"{dim['name']} = {dims[dim['name']]}" for dim in self.dims if dim["name"] in dims)
        return f"; {values}" if values else ""

    def _flatten(self, tree, path, value, out):
        """The leaves of an argument, in the order of the library."""
        (form, type_), = tree.items()
        if form == "tensor":
            out.append(value)
        elif form == "struct":
            self._fields(path, type_, value, out)
        elif isinstance(value, _Below):
            for index, item in enumerate(type_):
                self._flatten(item, f"{path}.{index}", value.at(str(index)), out)
        else:
            is_list = isinstance(value, Sequence) and not isinstance(value, (str, bytes))
            if not is_list or len(value) != len(type_):
                found = f"has {len(value)} elements" if is_list else f"is {a_type(value)}"
                raise TypeError(f"{self.name}: {path} {found}, expected a sequence of {len(type_)}")
            for index, (item, part) in enumerate(zip(type_, value)):
                self._flatten(item, f"{path}.{index}", part, out)

    def _fields(self, path, struct, value, out):
        names = [name for name, _ in struct["fields"]]
        if isinstance(value, Mapping):
            # Fields by name, or all leaves by dotted path.
            heads = {str(key).partition(".")[0] for key in value}
            unknown = sorted(head for head in heads if head not in names and head.rstrip("_") not in names)
            if unknown:
                raise TypeError(f"{self.name}: {path} has {unknown[0]!r}, which is no field; those are {', '.join(names)}")
            if any("." in str(key) for key in value):
                value = _Below(self.name, path, value, "")
        for name, tree in struct["fields"]:
            self._flatten(tree, f"{path}.{name}", self._field(path, struct, value, name), out)

    def _field(self, path, struct, value, name):
        if isinstance(value, _Below):
            return value.at(name)
        for spelt in (name, f"{name}_", f"{name}__"):
            try:
                return value[spelt] if isinstance(value, Mapping) else getattr(value, spelt)
            except (KeyError, AttributeError):
                pass
        raise TypeError(
            f"{self.name}: {path} is {a_type(value)} without {name!r}, expected {struct['name']} with "
            f"{', '.join(field for field, _ in struct['fields'])}"
        )

    def _held(self, leaf, value):
        """The memory of a leaf, and its own checks."""
        if leaf.mode != "inout" and isinstance(value, (int, float)):
            if leaf.is_key and not leaf.texts:
                return self._key(leaf, value)
            if not leaf.axes:
                return self._number(leaf, value)
        try:
            memory = memory_of(value)
        except ArrayError as error:
            raise TypeError(f"{self.name}: {leaf.path} {error}; expected {leaf.type}{self._help(leaf, value)}") from error
        if memory.dtype != leaf.dtype:
            help_ = f'; convert it first, in NumPy by .astype("{NUMPY_NAMES[leaf.dtype]}")'
            raise TypeError(f"DL1006 {self.name}: {leaf.path} is {memory.dtype}, expected {leaf.dtype}{help_}")
        if memory.strides is not None:
            raise ValueError(
                f"{self.name}: {leaf.path} has shape {list(memory.shape)} with strides of {list(memory.strides)} bytes, "
                "expected dense elements in C order; in NumPy pass numpy.ascontiguousarray(x), in PyTorch x.contiguous()"
            )
        if leaf.mode == "inout" and memory.locked:
            raise ValueError(f"{self.name}: {leaf.path} is inout and can't be written: {memory.locked}")
        if memory.address % min(leaf.size, 8):
            raise ValueError(f"{self.name}: {leaf.path} is not aligned to its elements of {leaf.size} bytes; pass a copy")
        return memory

    @staticmethod
    def _help(leaf, value):
        if leaf.mode == "inout" and not leaf.axes and isinstance(value, (int, float)):
            return f'; as it is inout, pass numpy.array({value}, "{NUMPY_NAMES[leaf.dtype]}"), which is changed'
        if isinstance(value, (list, tuple)):
            return f'; pass numpy.array(x, "{NUMPY_NAMES[leaf.dtype]}")'
        return ""

    def _number(self, leaf, value):
        """A number of Python as an element."""
        fits = isinstance(value, bool) if leaf.dtype == "bool" else not isinstance(value, bool)
        if "f" not in leaf.dtype:
            fits = fits and isinstance(value, int)
        if not fits:
            raise TypeError(f"DL1006 {self.name}: {leaf.path} is {value!r}, {a_type(value)}, expected {leaf.dtype}")
        size, code, _ = DTYPES[leaf.dtype]
        try:
            data = _bfloat16(value) if leaf.dtype == "bf16" else struct.pack("=" + code, value)
        except (struct.error, OverflowError):
            # A float that is too large for its type is an infinity, as everywhere.
            if "f" not in leaf.dtype:
                raise ValueError(f"{self.name}: {leaf.path} is {value}, which does not fit in {leaf.dtype}") from None
            infinity = float("inf") if value > 0 else float("-inf")
            data = struct.pack("=" + code, infinity)
        return _Number(ctypes.create_string_buffer(data, size))

    def _key(self, leaf, value):
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**64:
            raise TypeError(f"{self.name}: {leaf.path} is {value!r}, expected a seed from 0 to 2**64 - 1, or {leaf.type}")
        return _Key(ctypes.create_string_buffer(struct.pack("=II", value >> 32, value & 0xFFFFFFFF), 8))

    def _solve(self, held, given):
        """The dims, from what is given and from shapes: first from axes that are a dim alone."""
        dims = {}
        for dim, value in given.items():
            if isinstance(value, bool) or not isinstance(value, int):
                raise TypeError(f"{self.name}: the dim {dim} is {value!r}, expected an int")
            dims[dim] = value
        found = [
            (leaf, axis, size)
            for leaf, memory in zip(self.leaves, held)
            if leaf.fixed is None and len(memory.shape) == len(leaf.axes)
            for axis, size in zip(leaf.axes, memory.shape)
            if axis.names
        ]
        for leaf, axis, size in found:
            if axis.name is not None:
                dims.setdefault(axis.name, size)
        while len(dims) < len(self.dims):
            known = len(dims)
            for leaf, axis, size in found:
                unknown = [name for name in axis.names if name not in dims]
                if len(unknown) == 1:
                    value = axis.solve(unknown[0], size, dims)
                    if value is not None:
                        dims[unknown[0]] = value
            if len(dims) == known:
                break
        return dims

    def _check(self, held, dims):
        """Shapes, ranges, and that nothing that is written is passed twice."""
        for leaf, memory in zip(self.leaves, held):
            shape = memory.shape
            if shape == leaf.fixed:
                continue
            if len(shape) != len(leaf.axes) or not all(axis.fits(size, dims) for axis, size in zip(leaf.axes, shape)):
                names = dict.fromkeys(name for axis in leaf.axes for name in axis.names if name in dims)
                values = ", ".join(f"{name} = {dims[name]}" for name in names)
                texts = ", ".join(axis.text for axis in leaf.axes)
                with_ = f" with {values}" if values else ""
                raise ValueError(
                    f"DL1003 {self.name}: {leaf.path} has shape {list(shape)}, expected [{texts}]{with_}"
                )
        for dim in self.dims:
            name, least, most = dim["name"], dim["min"], dim["max"]
            if name not in dims:
                raise TypeError(f"DL1004 {self.name}: no argument gives the dim {name}")
            if dims[name] < least or (most is not None and dims[name] > most):
                start = f"DL1001 {self.name}: {name} "
                for status, text in self.statuses.items():
                    if text.startswith(start):
                        raise CallError(status, text + self._values(dims))
                raise ValueError(f"{start}is {dims[name]}, less than {least}")
        self._check_apart(held)

    def _check_apart(self, held):
        spans = []
        for leaf, memory in zip(self.leaves, held):
            size = leaf.size
            for extent in memory.shape:
                size *= extent
            if size:
                spans.append((memory.address, memory.address + size, leaf))
        if all(leaf.mode != "inout" for _, _, leaf in spans):
            return
        spans.sort(key=lambda span: span[:2])
        end, before = 0, None
        for first, last, leaf in spans:
            if first < end and "inout" in (leaf.mode, before.mode):
                raise ValueError(
                    f"{self.name}: {before.path} and {leaf.path} share memory, and what is inout must not; pass a copy of one"
                )
            if last > end:
                end, before = last, leaf

    def _built(self, tree, results, is_outside):
        """The result, with arrays for its tensors; numbers where it is one, or a tuple of some."""
        (form, type_), = tree.items()
        if form == "tensor":
            result = next(results)
            if is_outside and not type_["shape"] and type_["dtype"] != "key":
                return _number_at(result)
            return result.finish()
        if form == "struct":
            names = tuple(name for name, _ in type_["fields"])
            values = [self._built(field, results, False) for _, field in type_["fields"]]
            return self.library.structs[type_["name"], names](*values)
        items = [self._built(item, results, is_outside and form == "tuple") for item in type_]
        return tuple(items) if form == "tuple" else items


class _Number:
    """A number in memory of its own, as it stands among those of arrays."""

    shape, kind, locked = (), None, None

    def __init__(self, buffer):
        self.buffer, self.address = buffer, ctypes.addressof(buffer)


class _Key(_Number):
    """A seed's two numbers."""

    shape = (2,)


class _Below:
    """A part of a mapping whose keys are dotted paths."""

    def __init__(self, entry, path, mapping, prefix):
        self.entry, self.path, self.mapping, self.prefix = entry, path, mapping, prefix

    def at(self, name):
        """The leaf or the part of that name."""
        key = f"{self.prefix}.{name}" if self.prefix else name
        if key in self.mapping:
            return self.mapping[key]
        if any(str(other).startswith(key + ".") for other in self.mapping):
            return _Below(self.entry, self.path, self.mapping, key)
        raise TypeError(f"{self.entry}: {self.path} has no {key!r} among its {len(self.mapping)} keys")


def _bfloat16(value):
    """The bits of the bfloat16 that is nearest; ties go to the even one."""
    try:
        bits, = struct.unpack("=I", struct.pack("=f", value))
    except OverflowError:
        bits = 0x7F800000 if value > 0 else 0xFF800000
    if bits & 0x7FFFFFFF > 0x7F800000:
        return struct.pack("=H", 0x7FC0)
    return struct.pack("=H", (bits + 0x7FFF + (bits >> 16 & 1)) >> 16)


def _number_at(result):
    """A result without axes as a number of Python."""
    size, code, _ = DTYPES[result.dtype]
    data = ctypes.string_at(result.address, size)
    if result.dtype == "bf16":
        return struct.unpack("=f", b"\0\0" + data)[0]
    return struct.unpack("=" + code, data)[0]
