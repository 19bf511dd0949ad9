"""Further forms of operations: strides, dilations, padding and groups, scalars, and tensors without elements."""

import jax
import jax.numpy as jnp

#: Three axes of x, and a window that fits: batch, then sizes in space.
SPACE = [{"A": 2, "B": 9, "C": 7, "N": 1}, {"A": 1, "B": 5, "C": 5, "N": 1}, {"A": 0, "B": 6, "C": 5, "N": 1}]
NONE = [{"A": 2, "B": 4, "C": 3, "N": 5}, {"A": 2, "B": 4, "C": 3, "N": 0}]
SCALAR = [{"A": 1, "B": 1, "C": 1, "N": 1}]


def add_cases(case):
    convolutions(case)
    pools(case)
    scalars(case)
    nothing(case)


def convolved(stride=(1,), padding=((0, 0),), dilation=(1,), groups=1):
    def reference(x, w):
        axes = x.ndim - 2
        stride_, padding_, dilation_ = [(*one * axes,)[:axes] if len(one) == 1 else one for one in (stride, padding, dilation)]
        return jax.lax.conv_general_dilated(x, w, stride_, padding_, rhs_dilation=dilation_, feature_group_count=groups)
    return reference


def transposed(stride=(1,), padding=((0, 0),), dilation=(1,), groups=1):
    """Each element of x adds its multiple of the window; the padding is cut off."""
    def reference(x, w):
        axes = x.ndim - 2
        stride_, padding_, dilation_ = [(*one * axes,)[:axes] if len(one) == 1 else one for one in (stride, padding, dilation)]
        turned = w[(..., *[slice(None, None, -1)] * axes)]
        reach = [d * (k - 1) for k, d in zip(w.shape[2:], dilation_)]
        rest = [(n - low, n - high) for n, (low, high) in zip(reach, padding_)]
        return jax.lax.conv_general_dilated(x, turned, (1,) * axes, rest, lhs_dilation=stride_, rhs_dilation=dilation_, feature_group_count=groups)
    return reference


def convolutions(case):
    def more(op, options, x, w, result, reference, where="B >= 3, C >= 3", **other):
        case(op, f"{op}(x, w, {options})", f"x: {x}, w: {w}", result, reference, sizes=SPACE, where=where, **other)

    line, plane, room = "T[A, 4, B]", "T[A, 4, B, C]", "T[A, 2, B, C, 4]"
    more("conv1d", "stride=2, padding=1, dilation=2, groups=2", line, "T[6, 2, 2]", "T[A, 6, (B - 1) / 2 + 1]",
         convolved((2,), ((1, 1),), (2,), 2), "B >= 3")
    more("conv1d", "padding=1, groups=4", line, "T[4, 1, 3]", "T[A, 4, B]", convolved(padding=((1, 1),), groups=4), "B >= 3")
    more("conv1d", "padding=\"same\"", line, "T[6, 4, 3]", "T[A, 6, B]", convolved(padding=((1, 1),)), "B >= 3")
    more("conv2d", "stride=[2, 1], dilation=[1, 2]", plane, "T[6, 4, 3, 2]", "T[A, 6, (B - 3) / 2 + 1, C - 2]", convolved((2, 1), dilation=(1, 2)))
    more("conv2d", "stride=2, padding=1, dilation=2, groups=2", plane, "T[6, 2, 2, 2]", "T[A, 6, (B - 1) / 2 + 1, (C - 1) / 2 + 1]",
         convolved((2,), ((1, 1),), (2,), 2))
    more("conv2d", "padding=1, groups=4", plane, "T[8, 1, 3, 3]", "T[A, 8, B, C]", convolved(padding=((1, 1),), groups=4))
    more("conv3d", "stride=2, padding=1, groups=2", room, "T[4, 1, 3, 3, 3]", "T[A, 4, (B - 1) / 2 + 1, (C - 1) / 2 + 1, 2]",
         convolved((2,), ((1, 1),), groups=2))
    more("conv3d", "dilation=[1, 2, 1]", room, "T[3, 2, 2, 2, 2]", "T[A, 3, B - 1, C - 2, 3]", convolved(dilation=(1, 2, 1)))
    more("conv1d_transpose", "stride=2, padding=1, dilation=2, groups=2", line, "T[6, 2, 2]", "T[A, 6, 2 * B - 1]",
         transposed((2,), ((1, 1),), (2,), 2), "B >= 3")
    more("conv2d_transpose", "stride=[2, 1], padding=[[1, 0], [0, 1]]", plane, "T[6, 4, 2, 3]", "T[A, 6, 2 * B - 1, C + 1]",
         transposed((2, 1), ((1, 0), (0, 1))))


def pools(case):
    def parts(x, value):
        """Windows of 3 by 2, 2 and 1 apart, with one before the rows and one after the columns."""
        wide = jnp.pad(x, ((0, 0), (0, 0), (1, 0), (0, 1)), constant_values=value)
        rows, columns = (x.shape[2] - 2) // 2 + 1, x.shape[3]
        return jnp.stack([wide[:, :, i:i + 2 * rows - 1:2, j:j + columns] for i in range(3) for j in range(2)], -1)

    def first(x):
        windows = parts(x, -jnp.inf)
        return jnp.take_along_axis(windows, jnp.argmax(windows, -1)[..., None], -1)[..., 0]

    options, result = "window=[3, 2], stride=[2, 1], padding=[[1, 0], [0, 1]]", "T[A, 3, (B - 2) / 2 + 1, C]"
    case("max_pool", f"max_pool(x, {options})", "x: T[A, 3, B, C]", result, first, sizes=SPACE, where="B >= 3, C >= 2")
    case("avg_pool", f"avg_pool(x, {options})", "x: T[A, 3, B, C]", result, lambda x: jnp.mean(parts(x, 0.0), -1), sizes=SPACE, where="B >= 3, C >= 2")
    case("avg_pool", f"avg_pool(x, {options}, count_include_pad=false)", "x: T[A, 3, B, C]", result,
         lambda x: jnp.sum(parts(x, 0.0), -1) / jnp.sum(parts(jnp.ones_like(x), 0.0), -1), sizes=SPACE, where="B >= 3, C >= 2")


def scalars(case):
    """Operations on tensors of rank 0."""
    def more(op, call, reference, params="x: T", result="T"):
        case(op, call, params, result, reference, sizes=SCALAR)

    for name in ("sum", "mean", "prod", "logsumexp"):
        more(name, f"{name}(x)", lambda x: x)
    for name in ("var", "std"):
        more(name, f"{name}(stack([x, w]))", lambda x, w, name=name: getattr(jnp, name)(jnp.stack([x, w])), "x: T, w: T")
    more("reshape", "reshape(x, [1, 1])", lambda x: jnp.reshape(x, (1, 1)), result="T[1, 1]")
    more("expand_dims", "expand_dims(x, axis=0)", lambda x: x[None], result="T[1]")
    more("squeeze", "squeeze(x)", lambda x: x[0, 0], "x: T[1, 1]")
    more("tile", "tile(x, [3])", lambda x: jnp.tile(x, 3), result="T[3]")
    more("stack", "stack([x, w, x])", lambda x, w: jnp.stack([x, w, x]), "x: T, w: T", "T[3]")
    more("einsum", "einsum(\",->\", x, w)", lambda x, w: x * w, "x: T, w: T")
    more("tensordot", "tensordot(x, w, axes=0)", lambda x, w: x * w, "x: T, w: T")
    more("where", "where(x > w, x * w, w)", lambda x, w: jnp.where(x > w, x * w, w), "x: T, w: T")
    more("clip", "clip(x, -0.5, w)", lambda x, w: jnp.clip(x, -0.5, w), "x: T, w: T")
    more("permute_dims", "permute_dims(x, axes=[])", lambda x: x)


def nothing(case):
    """Operations on tensors of which an axis has no elements."""
    import jax.nn
    for name in ("relu", "silu", "elu", "leaky_relu", "log_sigmoid"):
        case(name, f"{name}(x)", "x: T[B, N]", "T[B, N]", getattr(jax.nn, name), sizes=NONE)
    for name in ("softmax", "log_softmax"):
        case(name, f"{name}(x)", "x: T[N, B]", "T[N, B]", getattr(jax.nn, name), sizes=NONE, where="B >= 1")
    case("logsumexp", "logsumexp(x, axis=1)", "x: T[N, B]", "T[N]", lambda x: jax.nn.logsumexp(x, axis=1), sizes=NONE, where="B >= 1")
    for name in ("max", "min"):
        case(name, f"{name}(x, axis=-1)", "x: T[N, B]", "T[N]", lambda xp, x, axis=-1, keepdims=False, name=name: getattr(xp, name)(x, axis=axis), sizes=NONE, where="B >= 1")
    case("top_k", "top_k(x, 2)", "x: T[N, 4]", "(T[N, 2], i32[N, 2])", lambda x: jax.lax.top_k(x, 2)[0], sizes=NONE)
    case("attention", "attention(x, w, v)", "x: T[N, B, 3], w: T[N, B, 3], v: T[N, B, 2]", "T[N, B, 2]",
         lambda x, w, v: jax.nn.softmax(x @ jnp.swapaxes(w, -1, -2) / jnp.sqrt(3.0)) @ v, sizes=NONE, where="B >= 1")
    case("dynamic_slice", "dynamic_slice(x, [0, n], [N, 2])", "x: T[N, 4], n: i32", "T[N, 2]",
         lambda x, n: jax.lax.dynamic_slice_in_dim(x, n, 2, axis=1), sizes=NONE, data={"n": ("in", 0, 3)})
    case("dynamic_update_slice", "dynamic_update_slice(x, w, [0, n])", "x: T[N, 4], w: T[N, 2], n: i32", "T[N, 4]",
         lambda x, w, n: jax.lax.dynamic_update_slice_in_dim(x, w, n, axis=1), sizes=NONE, data={"n": ("in", 0, 3)})
