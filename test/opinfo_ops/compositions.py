"""What the language has no single word for, in the words that it has: parts and joints, windows, orders and losses; and the
table of all operations."""

from .expressions import Tensor, axes_of, floating, keywords, literal, norm_of, reduced, spread
from .structures import WORDS, diagonal, embedded, reshaped


def tuple_of(parts):
    return parts[0] if len(parts) == 1 else f"({', '.join(parts)})"


def divided(x, sizes, axis):
    """Parts of an axis of such sizes."""
    names = [f"s{i}_" for i in range(len(sizes))]
    return str(x) if len(names) == 1 else f"let ({', '.join(names)}) = split({x}, sizes={list(sizes)}, axis={axis}); {tuple_of(names)}"


def pieces(x, size, dim=0):
    """Of a size, the last one of the rest; or of the sizes."""
    if isinstance(size, (list, tuple)):
        return divided(x, size, dim)
    whole = x.shape[dim]
    return divided(x, [min(size, whole - start) for start in range(0, whole, size)] or [0], dim)


def chunks(x, count, dim=0):
    return pieces(x, max(-(-x.shape[dim] // count), 1), dim)


def even_parts(x, count, dim=0):
    """So many parts, the first ones longer by one; or cut at the places."""
    whole = x.shape[dim]
    if isinstance(count, Tensor):
        raise TypeError("the places are numbers of the program")
    if isinstance(count, int):
        sizes = [whole // count + (i < whole % count) for i in range(count)]
    else:
        ends = [min(max(place + whole if place < 0 else place, 0), whole) for place in count] + [whole]
        sizes = [max(end - start, 0) for start, end in zip([0, *ends], ends)]
    return divided(x, sizes, dim)


def along(dim):
    """Parts of an axis; the first one of a vector."""
    return lambda x, count: even_parts(x, count, dim if x.rank > 1 else 0)


def unbound(x, dim=0):
    dim %= x.rank
    return tuple_of([f"{x}[{':, ' * dim}{i}]" for i in range(x.shape[dim])])


def at_least(rank):
    """With more axes of size 1: of three, the last one comes after."""
    def shape(x):
        full = [*x.shape]
        while len(full) < rank:
            full = [*full, 1] if len(full) == 2 else [1, *full]
        return reshaped(x, full)
    return lambda *xs: tuple_of([shape(x) for x in (xs[0] if isinstance(xs[0], (list, tuple)) else xs)])


def stacked(rank, axis):
    def join(xs):
        flat = all(x.rank < 2 for x in xs) and rank == 1
        return f"concat([{', '.join(at_least(rank)(x) for x in xs)}], axis={0 if flat else axis})"
    return join


def columns(xs):
    return f"concat([{', '.join(reshaped(x, [*x.shape, 1]) if x.rank == 1 else reshaped(x, x.shape or [1, 1]) for x in xs)}], axis=1)"


def indexed(x, index):
    """An index of PyTorch's, which is nearly one of the language."""
    def part(one):
        if isinstance(one, slice):
            return ":".join("" if end is None else str(end) for end in ([one.start, one.stop] if one.step in (None, 1) else [one.start, one.stop, one.step]))
        if one is Ellipsis:
            return "..."
        return literal(one)
    parts = index if isinstance(index, tuple) else (index,)
    return f"{x}[{', '.join(map(part, parts))}]" if parts else str(x)


def put(x, indices, values, accumulate=False):
    return f"var y = {x}; y[{', '.join(map(literal, indices))}] {'+=' if accumulate else '='} {values}; y"


def unfolded(x, dimension, size, step):
    """Windows of an axis, along a last axis of their own."""
    if x.rank == 0:
        return f"reshape({x}, [{size}])"
    dim = dimension % x.rank
    last = (x.shape[dim] - size) // step * step
    parts = [f"{x}[{':, ' * dim}{i}:{i + last + 1}:{step}]" for i in range(size)]
    return f"stack([{', '.join(parts)}], axis=-1)"


def unshuffled(x, downscale_factor):
    r = downscale_factor
    *lead, c, h, w = x.shape
    n = len(lead)
    split = reshaped(x, [*lead, c, h // r, r, w // r, r])
    return f"reshape(permute_dims({split}, axes={[*range(n + 1), n + 2, n + 4, n + 1, n + 3]}), {[*lead, c * r * r, h // r, w // r]})"


def blocks(*xs):
    """The matrices along the diagonal."""
    whole = [x if x.rank == 2 else Tensor(reshaped(x, [1, *(x.shape or [1])]), (1, *(x.shape or (1,)))) for x in xs]
    rows, wide, parts = 0, 0, []
    for x in whole:
        ends = [sum(y.shape[i] for y in whole) - start - x.shape[i] for i, start in enumerate((rows, wide))]
        parts.append(f"pad({x}, {[[rows, ends[0]], [wide, ends[1]]]})")
        rows, wide = rows + x.shape[0], wide + x.shape[1]
    return " + ".join(parts)


def grid(*xs, indexing="ij"):
    xs = xs[0] if isinstance(xs[0], (list, tuple)) else xs
    sizes = [x.shape[0] if x.rank else 1 for x in xs]
    parts = [f"broadcast_to(reshape({x}, {[size if i == j else 1 for j in range(len(xs))]}), {sizes})" for i, (x, size) in enumerate(zip(xs, sizes))]
    return tuple_of([f"swapaxes({part}, 0, 1)" if indexing == "xy" and len(xs) > 1 else part for part in parts])


def both(first, second):
    """Two reductions of the same arguments."""
    return lambda x, *args, **more: f"({first(x, *args, **more)}, {second(x, *args, **more)})"


def mean_of(x, dim=None, unbiased=None, *, correction=1, keepdim=False):
    return reduced("mean")(x, None if isinstance(dim, bool) else dim, keepdim)


def extremes(x, *, dim=None, keepdim=False):
    return f"({reduced('min')(x, dim, keepdim)}, {reduced('max')(x, dim, keepdim)})"


def mean_of_some(x, dim=None, keepdim=False, dtype=None):
    tail = keywords(axis=axes_of(x, dim), keepdims=keepdim and x.rank > 0 or None)
    return f"sum(where(isnan({x}), 0, {x}){tail}) / sum(1 - f64(isnan(stop_gradient({x}))){tail})"


def kth(x, k, dim=-1, keepdim=False):
    if x.rank == 0:
        return str(x)
    return f"sort({x}, axis={dim})[{':, ' * (dim % x.rank)}{f'{k - 1}:{k}' if keepdim else k - 1}]"


def median(x, dim=None, keepdim=False):
    """The lower one of the two in the middle."""
    if x.rank == 0:
        return str(x)
    if dim is None:
        count = 1
        for n in x.shape:
            count *= n
        return f"sort(reshape({x}, [-1]))[{(count - 1) // 2}]"
    return kth(x, (x.shape[dim] - 1) // 2 + 1, dim, keepdim)


def gaussian(x, target, var, *, full=False, eps=1e-6, reduction="mean"):
    if not isinstance(var, Tensor):
        raise TypeError("a variance of one number")
    if var.rank < x.rank or (x.rank and var.shape[-1] != x.shape[-1]):
        var = Tensor(reshaped(var, [*var.shape, 1]) if var.rank < x.rank else str(var), ())
    text = f"0.5 * (log(maximum({var}, {eps})) + square({x} - {target}) / maximum({var}, {eps})" + (" + log(2 * pi))" if full else ")")
    return {"mean": f"mean({text})", "sum": f"sum({text})"}.get(reduction, text)


def triplet(a, p, n, *, margin=1.0, p_=2.0, eps=1e-6, swap=False, reduction="mean", **more):
    degree = more.get("p", p_)
    far = lambda x, y: norm_of(f"({x} - {y} + {eps})", degree, -1, False)  # noqa: E731
    negative = f"minimum({far(a, n)}, {far(p, n)})" if swap else far(a, n)
    text = f"relu({floating(margin)} + {far(a, p)} - {negative})"
    return {"mean": f"mean({text})", "sum": f"sum({text})"}.get(reduction, text)


COMPOSITIONS = {
    "split": pieces, "unsafe_split": pieces, "split_with_sizes": pieces, "split_with_sizes_copy": pieces, "chunk": chunks, "unsafe_chunk": chunks,
    "tensor_split": even_parts, "hsplit": along(1), "vsplit": along(0), "dsplit": along(2), "unbind": unbound, "unbind_copy": unbound,
    "atleast_2d": at_least(2), "atleast_3d": at_least(3), "hstack": stacked(1, 1), "vstack": stacked(2, 0), "dstack": stacked(3, 2), "column_stack": columns,
    "block_diag": blocks, "meshgrid": grid, "__getitem__": indexed, "index_put": put, "unfold": unfolded, "unfold_copy": unfolded,
    "put": lambda x, ids, values, accumulate=False: f"var y = reshape({x}, [-1]); y[reshape({ids}, [-1])] {'+=' if accumulate else '='} reshape({values}, [-1]); "
        f"reshape(y, {list(x.shape)})",
    "select_scatter": lambda x, v, dim, index: f"var y = {x}; y[{':, ' * (dim % x.rank)}{index}] = {v}; y",
    "slice_scatter": lambda x, v, dim=0, start=None, end=None, step=1:
        f"var y = {x}; y[{':, ' * (dim % x.rank)}{start or 0}:{x.shape[dim] if end is None else min(end, x.shape[dim])}:{step}] = {v}; y",
    "diag": lambda x, diagonal_=0: embedded(x, diagonal_) if x.rank == 1 else diagonal(x, diagonal_),
    "diagflat": lambda x, offset=0: embedded(Tensor(reshaped(x, [-1]), [max(1, eval("*".join(map(str, x.shape)) or "1"))]), offset),
    "broadcast_tensors": lambda *xs: tuple_of([f"broadcast_to({x}, {largest(xs)})" for x in xs]),
    "repeat_interleave": lambda x, repeats, dim=None, **_: f"repeat({reshaped(x, x.shape or [1])}, {literal(repeats)}{keywords(axis=dim)})",
    "nn.functional.pixel_unshuffle": unshuffled, "t_copy": lambda x: f"swapaxes({x}, 0, 1)" if x.rank == 2 else str(x), "double": lambda x, **_: str(x),
    "H": lambda x: f"matrix_transpose({x})" if x.rank else str(x), "sum_to_size": lambda x, *sizes: summed(x, sizes),
    "var_mean": both(spread("var"), mean_of), "std_mean": both(spread("std"), mean_of), "aminmax": extremes, "nanmean": mean_of_some,
    "kthvalue": kth, "median": median, "round": lambda x, decimals=0: f"round({x})" if not decimals else f"round({x} * {10.0 ** decimals!r}) / {10.0 ** decimals!r}",
    "fmod": lambda a, b: f"{a} - trunc({a} / {floating(b)}) * {floating(b)}", "logaddexp2": lambda a, b: f"logaddexp({a} * log(2.0), {b} * log(2.0)) / log(2.0)",
    "cdist": lambda a, b, p=2.0, compute_mode=None: norm_of(f"(expand_dims({a}, axis=-2) - expand_dims({b}, axis=-3))", p, -1, False),
    "nn.functional.gaussian_nll_loss": gaussian, "nn.functional.triplet_margin_loss": triplet,
}


def largest(xs):
    """The shape that all broadcast to."""
    rank = max(x.rank for x in xs)
    full = [[1] * (rank - x.rank) + list(x.shape) for x in xs]
    return [next((n for n in sizes if n != 1), 1) for sizes in zip(*full)]


def summed(x, sizes):
    sizes = list(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], (list, tuple)) else list(sizes)
    lead = x.rank - len(sizes)
    kept = [axis for axis in range(lead, x.rank) if sizes[axis - lead] == 1 and x.shape[axis] != 1]
    axes = [*range(lead), *kept]
    return reshaped(Tensor(f"sum({x}, axis={axes})" if axes else str(x), ()), sizes)


EXPRESSIONS = {**WORDS, **COMPOSITIONS}
