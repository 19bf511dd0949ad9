"""Convolutions and pools, as jax.lax has them; NumPy has none, so its side is written as sums over windows."""

import itertools

import numpy as np

from .case import FLOATS, NUMBERS, case, terms

#: Three axes of x, and a window that fits: batch, then sizes in space.
SIZES = [{"A": 2, "B": 9, "C": 7, "N": 1}, {"A": 1, "B": 5, "C": 5, "N": 1}, {"A": 0, "B": 6, "C": 5, "N": 1}]


def convolved(x, w, stride=1, padding=((0, 0),), dilation=1, groups=1):
    """Of [N, C, space] by [O, C / groups, window]."""
    axes = x.ndim - 2
    padding = padding * axes if len(padding) == 1 else padding
    x = np.pad(x, ((0, 0), (0, 0), *padding))
    spans = [(k - 1) * dilation + 1 for k in w.shape[2:]]
    counts = [(size - span) // stride + 1 for size, span in zip(x.shape[2:], spans)]
    result = np.zeros((x.shape[0], w.shape[0], *counts), x.dtype)
    each_in, each_out = x.shape[1] // groups, w.shape[0] // groups
    for place in itertools.product(*(range(k) for k in w.shape[2:])):
        at = tuple(slice(p * dilation, p * dilation + (n - 1) * stride + 1, stride) for p, n in zip(place, counts))
        part = x[(slice(None), slice(None), *at)]
        for group in range(groups):
            left = part[:, group * each_in:(group + 1) * each_in]
            right = w[(slice(group * each_out, (group + 1) * each_out), slice(None), *place)]
            with np.errstate(all="ignore"):
                result[:, group * each_out:(group + 1) * each_out] += np.einsum("nc...,oc->no...", left, right)
    return result


def in_jax(x, w, stride=1, padding=((0, 0),), dilation=1, groups=1):
    import jax.lax
    axes = x.ndim - 2
    padding = padding * axes if len(padding) == 1 else padding
    return jax.lax.conv_general_dilated(x, w, (stride,) * axes, padding, rhs_dilation=(dilation,) * axes, feature_group_count=groups)


def convolution(op, call, params, result, sizes=SIZES, only=None, **options):
    case(op, call, params, result, None, dtypes=NUMBERS, data="mild", sizes=sizes, tol=terms(4), zero_sign=False, only=only or FLOATS,
         where="B >= 3" if op == "conv1d" else "B >= 3, C >= 3",
         numpy=lambda x, w: convolved(x, w, **options), jax=lambda x, w: in_jax(x, w, **options))


convolution("conv1d", "conv1d(x, w)", "x: T[A, 4, B], w: T[6, 4, 3]", "T[A, 6, B - 2]", only=NUMBERS)
convolution("conv2d", "conv2d(x, w)", "x: T[A, 4, B, C], w: T[6, 4, 3, 2]", "T[A, 6, B - 2, C - 1]", only=NUMBERS)
convolution("conv2d", "conv2d(x, w, stride=2, padding=1)", "x: T[A, 4, B, C], w: T[6, 4, 3, 3]", "T[A, 6, (B - 1) / 2 + 1, (C - 1) / 2 + 1]",
            stride=2, padding=((1, 1),), only=["f32", "bf16"])
convolution("conv2d", "conv2d(x, w, dilation=2, groups=2)", "x: T[A, 4, B, C], w: T[6, 2, 2, 2]", "T[A, 6, B - 2, C - 2]", dilation=2, groups=2,
            only=["f32", "f64"])
convolution("conv2d", "conv2d(x, w, padding=[[1, 0], [0, 2]])", "x: T[A, 4, B, C], w: T[6, 4, 2, 3]", "T[A, 6, B, C]",
            padding=((1, 0), (0, 2)), only=["f32"])
convolution("conv3d", "conv3d(x, w)", "x: T[A, 2, B, C, 4], w: T[3, 2, 2, 2, 2]", "T[A, 3, B - 1, C - 1, 3]", only=NUMBERS)


def spread(x, w, stride):
    """A transposed convolution: each element of x adds its multiple of the window."""
    axes = x.ndim - 2
    sizes = [(n - 1) * stride + k for n, k in zip(x.shape[2:], w.shape[2:])]
    result = np.zeros((x.shape[0], w.shape[0], *sizes), x.dtype)
    for place in itertools.product(*(range(k) for k in w.shape[2:])):
        at = tuple(slice(p, p + (n - 1) * stride + 1, stride) for p, n in zip(place, x.shape[2:]))
        result[(slice(None), slice(None), *at)] += np.einsum("nc...,oc->no...", x, w[(slice(None), slice(None), *place)])
    return result if axes else x


def spread_in_jax(x, w, stride):
    import jax.lax
    axes = tuple(range(2, x.ndim))
    turned = w[(slice(None), slice(None), *(slice(None, None, -1) for _ in axes))]
    return jax.lax.conv_general_dilated(x, turned, (1,) * len(axes), [(k - 1, k - 1) for k in w.shape[2:]], lhs_dilation=(stride,) * len(axes))


for op, params, result in [
    ("conv1d_transpose", "x: T[A, 4, B], w: T[6, 4, 3]", "T[A, 6, 2 * B + 1]"),
    ("conv2d_transpose", "x: T[A, 4, B, C], w: T[6, 4, 2, 3]", "T[A, 6, 2 * B, 2 * C + 1]"),
]:
    case(op, f"{op}(x, w, stride=2)", params, result, None, dtypes=NUMBERS, data="mild", sizes=SIZES, tol=terms(4), zero_sign=False,
         numpy=lambda x, w: spread(x, w, 2), jax=lambda x, w: spread_in_jax(x, w, 2))


def windows(x, size, stride):
    view = np.lib.stride_tricks.sliding_window_view(x, size, axis=(-2, -1))
    return view[..., ::stride, ::stride, :, :]


def reduced(x, start, function, size, stride):
    import jax.lax
    return jax.lax.reduce_window(x, np.asarray(start, x.dtype), function, (1, 1, *size), (1, 1, stride, stride), "valid")


def lax():
    import jax.lax
    return jax.lax


for call, size, stride, result in [("x", (2, 2), 2, "T[A, 3, B / 2, C / 2]"), ("x, window=[3, 2], stride=1", (3, 2), 1, "T[A, 3, B - 2, C - 1]")]:
    case("max_pool", f"max_pool({call})", "x: T[A, 3, B, C]", result, None, dtypes=NUMBERS, data=["any", "ties"], sizes=SIZES, zero_sign=False, where="B >= 3, C >= 2",
         numpy=lambda x, size=size, stride=stride: windows(x, size, stride).max(axis=(-2, -1)), jax=None,
         note="NaN stays; compared with NumPy's max over windows alone")
    case("avg_pool", f"avg_pool({call})", "x: T[A, 3, B, C]", result, None, dtypes=FLOATS, data="mild", sizes=SIZES, tol=terms(4), where="B >= 3, C >= 2",
         numpy=lambda x, size=size, stride=stride: windows(x, size, stride).mean(axis=(-2, -1)),
         jax=lambda x, size=size, stride=stride: reduced(x, 0, lax().add, size, stride) / (size[0] * size[1]))
