//! Built-ins that order elements, and those that slide windows over them.

use super::builtins::{accepts, rejects};

#[test]
fn order() {
    accepts(&[
        ("", "f32[B, T, D]", "sort(x)"),
        ("", "f32[B, T, D]", "sort(x, axis=1, descending=true)"),
        ("", "f32[B * T * D]", "sort(x, axis=none)"),
        ("n: bool[T]", "bool[T]", "sort(n)"),
        ("n: bool[5]", "bool[2]", "top_k(n, 2).0"),
        ("n: bool[T]", "i32[T]", "cumsum(n) * cumprod(n)"),
        ("n: bool[T]", "bool[T]", "cummax(n) == cummin(n)"),
        ("", "i32[B, T, D]", "argsort(x, axis=0)"),
        ("y: f32[T, 5]", "(f32[T, 2], i32[T, 2])", "top_k(y, 2)"),
        (
            "",
            "(f32[B, T, D / 4], i32[B, T, D / 4])",
            "top_k(x, D / 4)",
        ),
        ("y: u8[7]", "u8[0]", "top_k(y, 0).0"),
        ("", "f32[B, T, D]", "cumsum(x, axis=1)"),
        ("", "f32[B * T * D]", "cumsum(x)"),
        ("n: i8[T]", "i8[T]", "cumprod(n, reverse=true)"),
        (
            "",
            "f32[B, T, D]",
            "cummax(x, axis=-1) - cummin(x, axis=-1)",
        ),
        ("s: f32", "f32[1]", "cumsum(s)"),
        ("k: key", "i32[T]", "permutation(k, T)"),
        ("k: key", "i32[7]", "permutation(k, 7)"),
        ("k: key", "f32[B, T, D]", "permutation(k, x, axis=-1)"),
        (
            "",
            "f32[B, T + 3, D]",
            "pad(x, [[0, 0], [1, 2], [0, 0]], mode=\"reflect\")",
        ),
        ("n: i32[T]", "i32[T]", "n ** n"),
        ("n: i32[T]", "bool[T]", "isnan(n)"),
    ]);
    rejects(&[
        ("s: f32", "sum(sort(s))", "a scalar has no axis -1"),
        ("k: key", "sum(sort(k))", "DL0502"),
        ("", "sum(sort(x, axis=3))", "axis 3 of a tensor of 3 axes"),
        (
            "y: f32[3]",
            "sum(top_k(y, 4).0)",
            "the 4 greatest of an axis of 3",
        ),
        ("", "sum(top_k(x, 4).0)", "where D >= 4"),
        ("k: key", "sum(top_k(k, 0).1)", "DL0502"),
        ("k: key[T]", "sum(cumsum(k))", "DL0502"),
        (
            "k: key, s: f32",
            "sum(permutation(k, s))",
            "a scalar has no axis 0",
        ),
        ("", "sum(pad(x, 1, mode=\"mirror\"))", "one of \"constant\""),
        ("", "sum(pad(x, 1, 0, mode=\"edge\"))", "takes no value"),
        (
            "",
            "sum(cumsum(x, axis=[0, 1]))",
            "`axis` of `cumsum` is an integer",
        ),
    ]);
}

#[test]
fn convolutions_and_pools() {
    let image = "i: f32[B, 3, 32, 30], w: f32[8, 3, 3, 5]";
    let open = "i: f32[B, 3, T, D], w: f32[8, 3, 3, 3]";
    accepts(&[
        (image, "f32[B, 8, 30, 26]", "conv2d(i, w)"),
        (image, "f32[B, 8, 32, 30]", "conv2d(i, w, padding=\"same\")"),
        (image, "f32[B, 8, 16, 10]", "conv2d(i, w, [2, 3], \"same\")"),
        (
            image,
            "f32[B, 8, 30, 26]",
            "conv2d(i, w, padding=\"valid\")",
        ),
        (image, "f32[B, 8, 32, 28]", "conv2d(i, w, padding=1)"),
        (image, "f32[B, 8, 32, 30]", "conv2d(i, w, padding=[1, 2])"),
        (
            image,
            "f32[B, 8, 33, 26]",
            "conv2d(i, w, padding=[[1, 2], [0, 0]])",
        ),
        (image, "f32[B, 8, 28, 18]", "conv2d(i, w, dilation=[2, 3])"),
        (
            image,
            "f32[B, 8, 32, 30]",
            "conv2d(i, w, dilation=2, padding=\"same\")",
        ),
        (open, "f32[B, 8, T, D]", "conv2d(i, w, padding=1)"),
        (
            open,
            "f32[B, 8, (T + 1) / 2, D / 4]",
            "conv2d(i, w, stride=[2, 4], padding=\"same\")",
        ),
        (
            "i: f32[B, 6, 8, 8], w: f32[4, 3, 3, 3]",
            "f32[B, 4, 6, 6]",
            "conv2d(i, w, groups=2)",
        ),
        (
            "i: i8[B, D, 9], w: i8[T, D, 4]",
            "i8[B, T, 6]",
            "conv1d(i, w)",
        ),
        (
            "i: f64[1, 2, 5, 6, 7], w: f64[3, 2, 2, 2, 2]",
            "f64[1, 3, 4, 5, 6]",
            "conv3d(i, w)",
        ),
        (image, "f32[B, 8, 34, 34]", "conv2d_transpose(i, w)"),
        (
            image,
            "f32[B, 8, 64, 60]",
            "conv2d_transpose(i, w, stride=2, padding=\"same\")",
        ),
        (
            open,
            "f32[B, 8, 2 * T - 1, 2 * D - 1]",
            "conv2d_transpose(i, w, stride=2, padding=1)",
        ),
        (
            "i: f32[B, 3, 9], w: f32[4, 3, 2]",
            "f32[B, 4, 17]",
            "conv1d_transpose(i, w, stride=2, padding=[[0, 1]])",
        ),
        (image, "f32[B, 3, 16, 15]", "max_pool(i)"),
        (image, "f32[B, 3, 16, 15]", "avg_pool(i, 2)"),
        (image, "f32[B, 3, 30, 28]", "max_pool(i, 3, 1)"),
        (
            image,
            "f32[B, 3, 16, 15]",
            "max_pool(i, [3, 3], 2, padding=1)",
        ),
        (image, "f32[B, 3, 32, 15]", "avg_pool(i, window=[2])"),
        (open, "f32[B, 3, T / 2, D / 2]", "max_pool(i)"),
        (
            open,
            "f32[B, 3, (T + 1) / 2, D / 2]",
            "avg_pool(i, padding=\"same\", count_include_pad=false)",
        ),
        ("", "f32[B, T / 2, D / 2]", "max_pool(x)"),
        ("n: u8[4, 4]", "u8[2, 2]", "max_pool(n)"),
    ]);
    rejects(&[
        (
            "i: f32[3, 32, 30], w: f32[8, 3, 3, 5]",
            "conv2d(i, w)",
            "expand_dims(i, axis=0)",
        ),
        ("i: f32[1, 3, 9], w: f32[8, 3, 3]", "conv2d(i, w)", "conv1d"),
        (
            image,
            "conv2d(i, w, groups=3)",
            "takes 3 in each of 3 groups",
        ),
        (
            "i: f32[1, 4, 8, 8], w: f32[3, 2, 3, 3]",
            "conv2d(i, w, groups=2)",
            "2 groups do not divide",
        ),
        (image, "conv2d(i, w, groups=0)", "at least 1"),
        (image, "conv2d(i, w, stride=0)", "at least 1"),
        (image, "conv2d(i, w, stride=[1, 2, 3])", "a list of 3"),
        (image, "conv2d(i, w, stride=1.5)", "an integer"),
        (image, "conv2d(i, w, padding=\"SAME\")", "padding=\"same\""),
        (image, "conv2d(i, w, padding=\"full\")", "is not \"full\""),
        (image, "conv2d(i, w, padding=-1)", "negative"),
        (image, "conv2d(i, w, padding=true)", "an integer, a list"),
        (image, "conv2d(i, f64(w))", "dtypes differ"),
        (image, "conv2d(i > 0, w)", "is defined for numbers"),
        (
            "i: f32[1, 3, 3, 3], w: f32[8, 3, 5, 5]",
            "conv2d(i, w)",
            "spans 5 elements, and the axis has 3",
        ),
        (open, "conv2d(i, w)", "say so: `where T >= 3`"),
        (
            "i: f32[B, 3, 9], w: f32[4, 3, T - 1]",
            "conv1d(i, w)",
            "may be empty",
        ),
        (
            "i: f32[B, 3, 9], w: f32[3, 4, 2]",
            "conv1d_transpose(i, w)",
            "permute_dims(w, axes=[1, 0, 2])",
        ),
        (
            "i: f32[B, 3, 9], w: f32[4, 3, 2]",
            "conv1d(i, w, padding=[1, 2])",
            "[[1, 2]]",
        ),
        (
            "i: f32[B, 3, 2], w: f32[4, 3, 2]",
            "conv1d_transpose(i, w, padding=3)",
            "cuts off more than there is",
        ),
        (image, "max_pool(i, window=[2, 2, 2, 2, 2])", "over 5 axes"),
        ("n: i32[4, 4]", "avg_pool(n)", "is defined for floats"),
        (image, "max_pool(i, kernel_size=2)", "it is called"),
    ]);
}
