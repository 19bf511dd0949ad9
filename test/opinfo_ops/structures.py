"""More of PyTorch's operations as expressions: shapes, products, networks and losses."""

import itertools

import numpy as np

from .expressions import (
    BINARY,
    CUMULATIVE,
    INDEXING,
    REDUCTIONS,
    UNARY,
    Tensor,
    axes_of,
    floating,
    keywords,
    literal,
    norm_of,
    of,
    per_channel,
)


def shape_of(*sizes):
    """Sizes that PyTorch takes as a list or one by one."""
    return list(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], (list, tuple)) else list(sizes)


def reshaped(x, *sizes):
    return f"reshape({x}, {shape_of(*sizes)})"


def flattened(x, start_dim=0, end_dim=-1):
    if x.rank == 0:
        return f"reshape({x}, [1])"
    start, end = start_dim % x.rank, end_dim % x.rank
    size = 1
    for n in x.shape[start:end + 1]:
        size *= n
    return reshaped(x, [*x.shape[:start], size, *x.shape[end + 1:]])


def swapped(x, a, b):
    return str(x) if x.rank == 0 else f"swapaxes({x}, {a}, {b})"


def squeezed(x, dim=None):
    if dim is None:
        return reshaped(x, [n for n in x.shape if n != 1])
    axes = [axis % x.rank for axis in (dim if isinstance(dim, (list, tuple)) else [dim])] if x.rank else []
    return reshaped(x, [n for axis, n in enumerate(x.shape) if n != 1 or axis not in axes])


def expanded(x, *sizes):
    sizes = shape_of(*sizes)
    lead = len(sizes) - x.rank
    return f"broadcast_to({x}, {[x.shape[i - lead] if n == -1 else n for i, n in enumerate(sizes)]})"


def repeated(x, *sizes):
    return f"tile({x}, {shape_of(*sizes)})"


def joined(name):
    return lambda parts, dim=0: f"{name}([{', '.join(map(str, parts))}], axis={dim})"


def rotated(x, k=1, dims=(0, 1)):
    k, (a, b) = k % 4, dims
    turned = f"swapaxes({x}, {a}, {b})" if k % 2 else str(x)
    flips = {0: [], 1: [a], 2: [a, b], 3: [b]}[k]
    return f"flip({turned}, axis={flips})" if flips else turned


def embedded(x, offset=0, dim1=-2, dim2=-1):
    """The last axis on a diagonal of two new ones."""
    size = x.shape[-1] + abs(offset)
    widths = [[0, 0]] * (x.rank - 1) + [[max(-offset, 0), max(offset, 0)]]
    return f"moveaxis(expand_dims(pad({x}, {widths}), axis=-1) * eye({size}, k={offset}, dtype=f64), [-2, -1], [{dim1}, {dim2}])"


def diagonal(x, offset=0, dim1=0, dim2=1):
    """Of the square whose diagonal it is."""
    rows, columns = x.shape[dim1], x.shape[dim2]
    top, left = max(-offset, 0), max(offset, 0)
    size = max(min(rows - top, columns - left), 0)
    if size == 0:
        top = left = 0
    return f'einsum("...ii->...i", moveaxis({x}, [{dim1}, {dim2}], [-2, -1])[..., {top}:{top + size}, {left}:{left + size}])'


SHAPES = {
    "reshape": reshaped, "view": reshaped, "view_copy": reshaped, "flatten": flattened, "ravel": flattened,
    "reshape_as": lambda x, y: reshaped(x, y.shape), "view_as": lambda x, y: reshaped(x, y.shape),
    "permute": lambda x, *dims: f"permute_dims({x}, axes={shape_of(*dims)})", "permute_copy": lambda x, *dims: f"permute_dims({x}, axes={shape_of(*dims)})",
    "transpose": swapped, "transpose_copy": swapped, "t": lambda x: swapped(x, 0, 1) if x.rank == 2 else str(x),
    "T": lambda x: f"permute_dims({x}, axes={list(range(x.rank))[::-1]})", "mT": of("matrix_transpose({0})"), "mH": of("matrix_transpose({0})"),
    "movedim": lambda x, a, b: f"moveaxis({x}, {literal(a)}, {literal(b)})", "squeeze": squeezed, "squeeze_copy": squeezed,
    "unsqueeze": lambda x, dim: f"expand_dims({x}, axis={dim})", "unsqueeze_copy": lambda x, dim: f"expand_dims({x}, axis={dim})",
    "expand": expanded, "expand_copy": expanded, "broadcast_to": expanded, "expand_as": lambda x, y: expanded(x, y.shape),
    "repeat": repeated, "tile": lambda x, dims: repeated(x, dims), "cat": joined("concat"), "stack": joined("stack"),
    "flip": lambda x, dims: f"flip({x}, axis={list(dims)})" if dims else str(x),
    "fliplr": lambda x: f"flip({x}, axis=1)", "flipud": lambda x: f"flip({x}, axis=0)", "rot90": rotated,
    "roll": lambda x, shifts, dims=None: f"roll({x}, {literal(shifts)}{keywords(axis=dims if dims != () else None)})" if x.rank else str(x),
    "tril": lambda x, diagonal=0: f"tril({x}, k={diagonal})", "triu": lambda x, diagonal=0: f"triu({x}, k={diagonal})",
    "atleast_1d": lambda x: reshaped(x, x.shape or [1]), "unflatten": lambda x, dim, sizes: unflattened(x, dim, sizes),
    "constant_pad_nd": lambda x, pad, value=0: padded(x, pad, "constant", value),
    "nn.functional.pad": lambda x, pad, mode="constant", value=None: padded(x, pad, mode, value),
    "fill": lambda x, value: f"{x} * 0 + {floating(value)}", "diag_embed": embedded,
    "nn.functional.pixel_shuffle": lambda x, upscale_factor: shuffled(x, upscale_factor),
    "nn.functional.glu": lambda x, dim=-1: f"let (a_, b_) = split({x}, sections=2, axis={dim}); a_ * sigmoid(b_)",
    "nn.functional.channel_shuffle": lambda x, groups: reshaped(
        Tensor(f"swapaxes({reshaped(x, [x.shape[0], groups, x.shape[1] // groups, *x.shape[2:]])}, 1, 2)", x.shape), x.shape),
}


def unflattened(x, dim, sizes):
    dim %= max(x.rank, 1)
    return reshaped(x, [*x.shape[:dim], *sizes, *x.shape[dim + 1:]])


def shuffled(x, r):
    *lead, c, h, w = x.shape
    split = reshaped(x, [*lead, c // (r * r), r, r, h, w])
    n = len(lead)
    order = [*range(n + 1), n + 3, n + 1, n + 4, n + 2]
    return f"reshape(permute_dims({split}, axes={order}), {[*lead, c // (r * r), h * r, w * r]})"


def padded(x, pad, mode, value):
    """Less than nothing around an axis is cut off."""
    pairs = [list(pad[i:i + 2]) for i in range(0, len(pad), 2)]
    if any(n < 0 for pair in pairs for n in pair):
        cuts = [f"{max(-low, 0)}:{size - max(-high, 0)}" for size, (low, high) in zip(x.shape[::-1], pairs)][::-1]
        shape = [size + min(low, 0) + min(high, 0) for size, (low, high) in zip(x.shape[::-1], pairs)][::-1]
        cut = Tensor(f"{x}[..., {', '.join(cuts)}]", [*x.shape[:x.rank - len(pairs)], *shape])
        return padded(cut, [max(n, 0) for n in pad], mode, value)
    name = {"constant": None, "replicate": "edge", "circular": "wrap"}.get(mode, mode)
    widths = [[0, 0]] * (x.rank - len(pairs)) + pairs[::-1]
    return f"pad({x}, {literal(widths)}{keywords(value=value if name is None and value else None, mode=name)})" if widths else str(x)


def weighted(x, product, alpha=1, beta=1):
    if beta == 0:
        # Not even NaN of x counts then.
        return f"{floating(alpha)} * ({product})"
    return f"{floating(beta)} * {x} + {floating(alpha)} * ({product})"


def kronecker(a, b):
    rank = max(a.rank, b.rank)
    sizes = [[1] * (rank - x.rank) + list(x.shape) for x in (a, b)]
    apart = [[n for pair in ((size, 1) if i == 0 else (1, size) for size in sizes[i]) for n in pair] for i in (0, 1)]
    return f"reshape(reshape({a}, {apart[0]}) * reshape({b}, {apart[1]}), {[m * n for m, n in zip(*sizes)]})"


def crossed(a, b, dim=-1):
    first, second = f"roll({{}}, -1, axis={dim})", f"roll({{}}, -2, axis={dim})"
    return f"{first.format(a)} * {second.format(b)} - {second.format(a)} * {first.format(b)}"


def dim_of_three(x):
    """The first axis of three elements, which PyTorch takes where none is named."""
    return x.shape.index(3)


PRODUCTS = {
    "matmul": of("{0} @ {1}"), "mm": of("{0} @ {1}"), "bmm": of("{0} @ {1}"), "mv": of("{0} @ {1}"), "dot": of("{0} @ {1}"), "vdot": of("{0} @ {1}"),
    "inner": lambda a, b: f"tensordot({a}, {b}, axes=[[-1], [-1]])" if a.rank and b.rank else f"{a} * {b}", "outer": of("outer({0}, {1})"),
    "addmm": lambda x, a, b, **more: weighted(x, f"{a} @ {b}", **more), "addmv": lambda x, a, b, **more: weighted(x, f"{a} @ {b}", **more),
    "baddbmm": lambda x, a, b, **more: weighted(x, f"{a} @ {b}", **more), "addr": lambda x, a, b, **more: weighted(x, f"outer({a}, {b})", **more),
    "addbmm": lambda x, a, b, **more: weighted(x, f"sum({a} @ {b}, axis=0)", **more),
    "einsum": lambda parts, text: f'einsum("{text}", {", ".join(map(str, parts))})',
    "tensordot": lambda a, b, dims: f"tensordot({a}, {b}, axes={literal(dims)})",
    "linalg.vecdot": lambda a, b, dim=-1: f"vecdot({a}, {b}, axis={dim})", "linalg.multi_dot": lambda parts: " @ ".join(map(str, parts)),
    "kron": kronecker, "linalg.cross": crossed, "cross": lambda a, b, dim=None: crossed(a, b, dim_of_three(a) if dim is None else dim),
    "linalg.diagonal": lambda x, offset=0, dim1=-2, dim2=-1: diagonal(x, offset, dim1, dim2), "diagonal": diagonal, "diagonal_copy": diagonal,
    "nn.functional.linear": lambda x, w, b=None: f"{x} @ {'matrix_transpose(' + str(w) + ')' if w.rank == 2 else w}" + (f" + {b}" if b else ""),
    "nn.functional.bilinear": lambda a, b, w, bias=None: f'einsum("...i,oij,...j->...o", {a}, {w}, {b})' + (f" + {bias}" if bias else ""),
}


def many(value, count):
    value = list(value) if isinstance(value, (list, tuple)) else [value]
    return (value * count)[:count] if len(value) == 1 else value


def convolved(name, axes):
    def build(x, w, b=None, stride=1, padding=0, dilation=1, groups=1, output_padding=0):
        batched = x.rank == axes + 2
        inner = str(x) if batched else f"expand_dims({x}, axis=0)"
        transposed = "transpose" in name
        kernel = w
        if transposed:  # Its window is turned over there, with channels of the input first.
            inputs, outputs, *space = w.shape
            split = reshaped(w, [groups, inputs // groups, outputs, *space])
            kernel = reshaped(Tensor(f"swapaxes({split}, 1, 2)", ()), [groups * outputs, inputs // groups, *space])
        pad = literal(padding) if isinstance(padding, str) else literal(many(padding, axes))
        missing = []
        if output_padding not in (0, (0,), (0,) * axes):
            # The end is cut off less; beyond it there are zeros.
            pairs = list(zip(many(padding, axes), many(output_padding, axes)))
            pad = literal([[before, max(before - less, 0)] for before, less in pairs])
            missing = [max(less - before, 0) for before, less in pairs]
        text = (f"{name}({inner}, {kernel}, stride={literal(many(stride, axes))}, padding={pad}, "
                f"dilation={literal(many(dilation, axes))}, groups={groups})")
        if any(missing):
            text = f"pad({text}, {[[0, 0]] * 2 + [[0, less] for less in missing]})"
        if b is not None:
            text += f" + reshape({b}, {[b.shape[0]] + [1] * axes})"
        return text if batched else f"({text})[0]"
    return build


def windows_of(x, axes, kernel_size, stride, padding, ceil_mode, dilation=1):
    """Sizes, steps, dilations and widths of the padding of a pool's windows, which may end beyond the padding with `ceil_mode`."""
    sizes, steps = many(kernel_size, axes), many(kernel_size if stride in (None, ()) else stride, axes)
    dilations, pads = many(dilation, axes), []
    for n, k, step, d, p in zip(x.shape[-axes:], sizes, steps, dilations, many(padding, axes)):
        free = n + 2 * p - d * (k - 1) - 1
        count = (free + (step - 1 if ceil_mode else 0)) // step + 1
        if ceil_mode and (count - 1) * step >= n + p:
            count -= 1
        pads.append([p, p + max(0, (count - 1) * step - free)])
    return sizes, steps, dilations, pads


def parts_of(x, name, sizes, steps, dilations, pads):
    """What stands at each place of the windows, of a padded tensor of a name."""
    spans = [n + sum(pad) - d * (k - 1) for n, pad, k, d in zip(x.shape[-len(sizes):], pads, sizes, dilations)]
    places = itertools.product(*(range(0, k * d, d) for k, d in zip(sizes, dilations)))
    cuts = [", ".join(f"{i}:{i + span}: {step}" for i, span, step in zip(place, spans, steps)) for place in places]
    return f"stack([{', '.join(f'{name}[..., {cut}]' for cut in cuts)}])"


def pooled(axes):
    def build(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
        sizes, steps, dilations, pads = windows_of(x, axes, kernel_size, stride, padding, ceil_mode, dilation)
        if dilations == [1] * axes:
            return f"max_pool({x}, window={sizes}, stride={steps}, padding={pads})"
        widths = [[0, 0]] * (x.rank - axes) + pads
        return f"let p_ = pad({x}, {widths}, value=-inf); max({parts_of(x, 'p_', sizes, steps, dilations, pads)}, axis=0)"
    return build


def averaged(axes):
    def build(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None):
        sizes, steps, dilations, pads = windows_of(x, axes, kernel_size, stride, padding, ceil_mode)
        if not ceil_mode and not divisor_override:
            return f"avg_pool({x}, window={sizes}, stride={steps}, padding={pads}, count_include_pad={literal(count_include_pad)})"
        total = f"sum({parts_of(x, 'p_', sizes, steps, dilations, pads)}, axis=0)"
        padded = f"let p_ = pad({x}, {[[0, 0]] * (x.rank - axes) + pads}); "
        if divisor_override:
            return f"{padded}{total} / {divisor_override}.0"
        # The numbers of a window that count: with the padding, but not with what `ceil_mode` has beyond it.
        inside = [[p if count_include_pad else 0] * 2 for p in many(padding, axes)]
        ones = f"ones({[n + 2 * pair[0] for n, pair in zip(x.shape[-axes:], inside)]}, f64)"
        beyond = [[pad[0] - pair[0], pad[1] - pair[1]] for pad, pair in zip(pads, inside)]
        return f"{padded}let n_ = pad({ones}, {beyond}); {total} / sum({parts_of(x, 'n_', sizes, steps, dilations, pads)}, axis=0)"
    return build


def normalised(x, axes, eps):
    mean = f"mean({x}, axis={axes}, keepdims=true)"
    # The language refuses a variance of no numbers.
    some = all(x.shape[axis] for axis in axes)
    variance = f"var({x}, axis={axes}, keepdims=true)" if some else f"mean(square({x} - {mean}), axis={axes}, keepdims=true)"
    return f"({x} - {mean}) * rsqrt({variance} + {floating(eps)})"


def layered(x, shape, weight=None, bias=None, eps=1e-5):
    text = normalised(x, list(range(x.rank - len(shape), x.rank)), eps)
    return text + (f" * {weight}" if weight else "") + (f" + {bias}" if bias else "")


def batch(x, mean, var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    if training:
        text = normalised(x, [0, *range(2, x.rank)], eps)
    else:
        text = f"({x} - {per_channel(mean, x)}) * rsqrt({per_channel(var, x)} + {floating(eps)})"
    return text + (f" * {per_channel(weight, x)}" if weight else "") + (f" + {per_channel(bias, x)}" if bias else "")


def grouped(x, groups, weight=None, bias=None, eps=1e-5):
    parts = Tensor("g_", [x.shape[0], groups, x.shape[1] // groups, *x.shape[2:]])
    text = f"let g_ = {reshaped(x, parts.shape)}; reshape({normalised(parts, list(range(2, parts.rank)), eps)}, {list(x.shape)})"
    return text + (f" * {per_channel(weight, x)}" if weight else "") + (f" + {per_channel(bias, x)}" if bias else "")


def instance(x, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1, eps=1e-5):
    if not use_input_stats:
        return batch(x, running_mean, running_var, weight, bias, False, momentum, eps)
    text = normalised(x, list(range(2, x.rank)), eps)
    return text + (f" * {per_channel(weight, x)}" if weight else "") + (f" + {per_channel(bias, x)}" if bias else "")


def softened(name, sign=""):
    return lambda x, dim=None, dtype=None: f"{name}({sign}{x}{keywords(axis=dim)})" if x.rank else f"reshape({name}(reshape({sign}{x}, [1])), [])"


def loss(build):
    """A loss of each element, then its mean, sum or itself."""
    def reduced(x, *args, reduction="mean", weight=None, size_average=None, reduce=None, **more):
        text = build(x, *args, **more)
        if weight is not None:
            text = f"({text}) * {weight}"
        return {"mean": f"mean({text})", "sum": f"sum({text})"}.get(reduction, text)
    return reduced


def huber(x, y, delta=1.0):
    return f"where(abs({x} - {y}) <= {delta}, 0.5 * square({x} - {y}), {delta} * (abs({x} - {y}) - 0.5 * {delta}))"


def smooth(x, y, beta=1.0):
    if beta == 0:
        return f"abs({x} - {y})"
    return f"where(abs({x} - {y}) < {beta}, 0.5 * square({x} - {y}) / {beta}, abs({x} - {y}) - 0.5 * {beta})"


def likelihood(x, labels, weight=None, reduction="mean", ignore_index=-100, label_smoothing=0.0, logits=False):
    """Of log probabilities, or of logits, whose axis of classes is 1, or 0 of one sample."""
    axis = 1 if x.rank > 1 else 0
    lp = f"log_softmax({x}, axis={axis})" if logits else str(x)
    if labels.dtype == "f64":
        target = str(labels) if not label_smoothing else f"({labels} * {1 - label_smoothing} + {label_smoothing / x.shape[axis]})"
        wide = f"reshape({weight}, {[x.shape[axis]] + [1] * (x.rank - axis - 1)}) * " if weight else ""
        text = f"-sum({wide}{target} * {lp}, axis={axis})"
        count = 1
        for i, n in enumerate(x.shape):
            count *= 1 if i == axis else n
        return {"mean": f"sum({text}) / {float(count)}", "sum": f"sum({text})"}.get(reduction, text)
    n = x.shape[axis]
    shaped = f"reshape(w_, {[n] + [1] * (x.rank - axis - 1)})"
    w = f"let w_ = {weight or f'ones([{n}], f64)'}; "
    parts = (f"{w}let h_ = one_hot({labels}, {n}, f64, axis={axis}) * {shaped} * expand_dims(f64({labels} != {ignore_index}), axis={axis}); "
             f"let l_ = {lp}; ")
    text = "-sum(h_ * l_, axis=%d)" % axis
    if label_smoothing:
        even = f"sum({shaped} * l_ * expand_dims(f64({labels} != {ignore_index}), axis={axis}), axis={axis})"
        text = f"{1 - label_smoothing} * ({text}) - {label_smoothing / n} * {even}"
    return parts + {"mean": f"sum({text}) / sum(h_)", "sum": f"sum({text})"}.get(reduction, text)


def grouped_heads(x, heads):
    """Each head as often as it takes to have so many."""
    *lead, few, steps, width = x.shape
    wide = f"broadcast_to(expand_dims({x}, axis=-3), {[*lead, few, heads // few, steps, width]})"
    return reshaped(Tensor(wide, ()), [*lead, heads, steps, width])


def attended(q, k, v, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False):
    more = keywords(dropout=dropout_p or None)
    if enable_gqa:
        k, v = (grouped_heads(x, q.shape[-3]) for x in (k, v))
    if attn_mask is not None and attn_mask.dtype != "bool":
        by = scale or q.shape[-1] ** -0.5
        return f"softmax({q} @ matrix_transpose({k}) * {by!r} + {attn_mask}) @ {v}"
    return f"attention({q}, {k}, {v}{keywords(mask=attn_mask, causal=is_causal or None, scale=scale)}{more})"


def normal_vector(x, p=2.0, dim=1, eps=1e-12):
    return f"{x} / maximum({norm_of(x, p, axes_of(x, dim), True)}, {eps!r})"


def cosine(a, b, dim=1, eps=1e-8):
    """The norms are those of what both are broadcast to."""
    shape = list(np.broadcast_shapes(a.shape, b.shape))
    a, b = (Tensor(f"broadcast_to({x}, {shape})", shape) for x in (a, b))
    along = keywords(axis=axes_of(a, dim))
    return f"sum({a} * {b}{along}) / (maximum(sqrt(sum(square({a}){along})), {eps}) * maximum(sqrt(sum(square({b}){along})), {eps}))"


def divergence(x, y, reduction="mean", log_target=False):
    """Kullback's and Leibler's."""
    each = f"exp({y}) * ({y} - {x})" if log_target else f"where({y} == 0, 0, {y} * log(where({y} == 0, 1, {y}))) - {y} * {x}"
    if reduction == "batchmean":
        return f"sum({each})" + (f" / {x.shape[0]}.0" if x.rank else "")
    return {"mean": f"mean({each})", "sum": f"sum({each})"}.get(reduction, each)


NETWORKS = {
    **{f"nn.functional.conv{n}d": convolved(f"conv{n}d", n) for n in (1, 2, 3)},
    **{f"nn.functional.conv_transpose{n}d": convolved(f"conv{n}d_transpose", n) for n in (1, 2)},
    # PyTorch has 1,500 samples for each number of axes.
    "nn.functional.max_pool2d": pooled(2), **{f"nn.functional.avg_pool{n}d": averaged(n) for n in (1, 2, 3)},
    "nn.functional.layer_norm": layered, "nn.functional.batch_norm": batch, "nn.functional.group_norm": grouped, "nn.functional.instance_norm": instance,
    "nn.functional.rms_norm": lambda x, shape, weight=None, eps=None:
        f"{x} * rsqrt(mean(square({x}), axis={list(range(x.rank - len(shape), x.rank))}, keepdims=true) + {floating(2.220446049250313e-16 if eps is None else eps)})"
        + (f" * {weight}" if weight else ""),
    "softmax": softened("softmax"), "log_softmax": softened("log_softmax"), "nn.functional.softmin": softened("softmax", "-"),
    "nn.functional.scaled_dot_product_attention": attended, "nn.functional.normalize": normal_vector, "nn.functional.cosine_similarity": cosine,
    "nn.functional.mse_loss": loss(lambda x, y: f"square({x} - {y})"), "nn.functional.l1_loss": loss(lambda x, y: f"abs({x} - {y})"),
    "nn.functional.huber_loss": loss(huber), "nn.functional.smooth_l1_loss": loss(smooth),
    "nn.functional.soft_margin_loss": loss(lambda x, y: f"log1p(exp(-{y} * {x}))"),
    "nn.functional.binary_cross_entropy": loss(lambda x, y: f"-({y} * maximum(log({x}), -100) + (1 - {y}) * maximum(log1p(-{x}), -100))"),
    "nn.functional.binary_cross_entropy_with_logits": lambda x, y, weight=None, pos_weight=None, reduction="mean": loss(
        lambda x, y: f"(1 - {y}) * {x} + (1 + ({pos_weight or 1.0} - 1) * {y}) * softplus(-{x})")(x, y, weight=weight, reduction=reduction),
    "nn.functional.margin_ranking_loss": loss(lambda a, b, y, margin=0.0: f"relu(-{y} * ({a} - {b}) + {margin})"),
    "nn.functional.hinge_embedding_loss": loss(lambda x, y, margin=1.0: f"where({y} != 1, relu({margin} - {x}), 0) + where({y} != -1, {x}, 0)"),
    "nn.functional.poisson_nll_loss": loss(lambda x, y, log_input=True, full=False, eps=1e-8: (f"exp({x}) - {y} * {x}" if log_input else f"{x} - {y} * log({x} + {eps})")
        + (f" + where({y} > 1, {y} * log(where({y} > 1, {y}, 2)) - {y} + 0.5 * log(2 * pi * where({y} > 1, {y}, 2)), 0)" if full else "")),
    "nn.functional.kl_div": divergence,
    "nn.functional.nll_loss": likelihood, "nn.functional.cross_entropy": lambda x, y, **more: likelihood(x, y, logits=True, **more),
    "nn.functional.pairwise_distance": lambda a, b, p=2.0, eps=1e-6, keepdim=False: norm_of(f"({a} - {b} + {eps})", p, -1, keepdim),
}

WORDS = {**UNARY, **BINARY, **REDUCTIONS, **CUMULATIVE, **INDEXING, **SHAPES, **PRODUCTS, **NETWORKS}
