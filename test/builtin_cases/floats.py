"""Dtypes as NumPy arrays: f16 and bf16 rounded once, distances in units of the last place."""

import numpy as np

#: What an array of a dtype is in memory. A bf16 is its bits, a key two words.
STORED = {
    "bool": np.bool_, "i8": np.int8, "i32": np.int32, "i64": np.int64, "u8": np.uint8, "u32": np.uint32,
    "u64": np.uint64, "f16": np.float16, "bf16": np.uint16, "f32": np.float32, "f64": np.float64, "key": np.uint32,
}
EPS = {"f16": 2.0**-10, "bf16": 2.0**-7, "f32": 2.0**-23, "f64": 2.0**-52}
TINY = {"f16": 2.0**-14, "bf16": 2.0**-126, "f32": 2.0**-126, "f64": 2.0**-1022}
HUGE = {"f16": 65504.0, "bf16": 3.3895313892515355e38, "f32": float(np.finfo(np.float32).max),
        "f64": float(np.finfo(np.float64).max)}


def is_float(dtype):
    return dtype in EPS


def widen(x, dtype):
    """The numbers of stored ones: floats in the precision that expected results are computed with."""
    if dtype == "bf16":
        return (x.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    if dtype == "f64":
        return x.astype(np.longdouble)
    return x.astype(np.float64) if is_float(dtype) else x


def for_jax(x, dtype):
    """The same for JAX: f16 and bf16 in f32, the rest as it is."""
    if dtype == "bf16":
        return (x.astype(np.uint32) << 16).view(np.float32)
    return x.astype(np.float32) if dtype == "f16" else x


def bf16_bits(x):
    """The bf16 nearest to each number, ties to even. By way of an f32 that is rounded to odd, so only once."""
    x = np.asarray(x, np.float64)
    with np.errstate(all="ignore"):
        single = x.astype(np.float32)
        bits = single.view(np.uint32).astype(np.int64)
        exact = (single.astype(np.float64) == x) | ~np.isfinite(x)
        # One towards zero where rounding went away from it, then the last bit set.
        over = np.abs(single.astype(np.float64)) > np.abs(x)
    bits = np.where(exact, bits, (bits - over) | 1)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return np.where(np.isnan(x), 0x7FC0, rounded).astype(np.uint16)


def store(x, dtype):
    """Computed numbers in a dtype, rounded once; integers wrap."""
    x = np.asarray(x)
    with np.errstate(all="ignore"):
        if dtype == "bf16":
            return bf16_bits(x)
        if dtype == "key":
            return x.astype(np.uint32)
        if x.dtype == np.longdouble and dtype != "f64":
            x = x.astype(np.float64)
        return x.astype(STORED[dtype])


def ordered(x, dtype):
    """Integers in the order of the floats, one apart where the floats are next to each other."""
    bits = {"f16": np.int16, "bf16": np.int16, "f32": np.int32, "f64": np.int64}[dtype]
    bits = np.array(x, order="C").view(bits)
    wide = bits.astype(np.int64)
    least = np.int64(np.iinfo(bits.dtype).min)
    return np.where(wide < 0, least - wide, wide)


def distance(found, expected, dtype):
    """Units of the last place between floats; NaN is nearest to NaN only."""
    a, b = ordered(found, dtype), ordered(expected, dtype)
    # Across zero the difference of two f64 may not fit.
    far = np.abs(a.astype(np.float64) - b.astype(np.float64))
    near = np.abs(a - b).astype(np.float64)
    steps = np.where(far < 2.0**60, near, far)
    nan_a, nan_b = is_nan(found, dtype), is_nan(expected, dtype)
    return np.where(nan_a & nan_b, 0.0, np.where(nan_a | nan_b, np.inf, steps))


def is_nan(x, dtype):
    return np.isnan(widen(x, dtype))
