//! Built-ins: what each accepts and gives, by functions of one expression.

use crate::render::Format;

/// The diagnostics of functions `name<B, T, D>(params) -> result { body }`; nothing if they are right.
fn diagnostics(params: &str, result: &str, body: &str) -> String {
    let text = format!(
        "const C = 12\nstruct W {{ a: f32[C, 4], b: f32[4] }}\nexport fn f<B in 1.., T in 1.., D in 1..>(x: f32[B, T, D], {params}) -> {result} where D % 4 == 0 {{\n  {body}\n}}\n"
    );
    crate::check_to_string("test.dl", &text, Format::Plain).0
}

/// Checks that bodies have the types that are written.
pub(super) fn accepts(cases: &[(&str, &str, &str)]) {
    let mut wrong = String::new();
    for (params, result, body) in cases {
        let found = diagnostics(params, result, body);
        if !found.is_empty() {
            wrong.push_str(&format!("{body} -> {result}\n{found}\n"));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Checks that bodies give a message that has a text in it.
pub(super) fn rejects(cases: &[(&str, &str, &str)]) {
    let mut wrong = String::new();
    for (params, body, text) in cases {
        let found = diagnostics(params, "f32", body);
        if !found.contains(text) || found.matches("error[").count() > 1 {
            wrong.push_str(&format!("{body}: {text}\n{found}\n"));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn elementwise() {
    accepts(&[
        ("", "f32[B, T, D]", "exp(x)"),
        ("", "f32[B, T, D]", "maximum(x, 0)"),
        ("y: f32[D]", "f32[B, T, D]", "minimum(y, x)"),
        ("", "bool[B, T, D]", "isnan(x)"),
        ("", "bool[B, T, D]", "less(x, 1)"),
        ("", "f32[B, T, D]", "where(x > 0, x, -inf)"),
        ("", "f32[B, T, D]", "where(x > 0, 1.0, 0)"),
        ("", "f32[B, T, D]", "clip(x, 0, 1)"),
        ("", "f32[B, T, D]", "clip(x, none, 1)"),
        ("", "f32[B, T, D]", "clip(x)"),
        ("n: bool[T]", "bool[T]", "maximum(n, minimum(n, true))"),
        ("n: i32[T]", "i32[T]", "floor(ceil(n)) + round(trunc(n))"),
        (
            "",
            "f32[B, T, D]",
            "softmax(x, axis=[0, 2]) - log_softmax(x, axis=none)",
        ),
        ("", "f32[B, T, D]", "pow(x, 2)"),
        ("", "f32[B, T, D]", "x / sqrt(f32(D / 4))"),
        ("", "f32[B, T, D]", "x * sqrt(C) * sqrt(2)"),
        ("", "i32[B, T, D]", "astype(x, i32)"),
        ("", "i32[B, T, D]", "i32(x)"),
        ("n: i32[T]", "i32[T]", "bitwise_and(n, 7)"),
        ("n: i32[T]", "i32[T]", "bitwise_left_shift(n, 2)"),
        ("n: bool[T]", "bool[T]", "logical_and(n, logical_not(n))"),
        ("", "f32[B, T, D]", "stop_gradient(x)"),
        ("w: W", "W", "stop_gradient(w)"),
        ("", "f32[B, T, D]", "logaddexp(x, 0.5)"),
        ("", "f32", "exp(1)"),
        ("", "f32[B, T, D]", "remainder(x, 2)"),
        (
            "",
            "f32[B, T, D]",
            "sigmoid(x) + softplus(x) + erf(x) + log1p(x) + rsqrt(x) + tan(x)",
        ),
        ("", "f32[B, T, D]", "atan2(x, 1)"),
        ("", "f32[B, T, D]", "round(floor(ceil(trunc(x))))"),
        ("", "f32[2]", "tree_map(f32, (1, 2)).0 + zeros([2])"),
    ]);
    rejects(&[
        (
            "n: i32[T]",
            "sum(exp(n))",
            "`exp` is defined for floats, and this is `i32[T]`",
        ),
        ("n: i32[T]", "sum(exp(n))", "f32(n)"),
        ("k: key", "sum(exp(k))", "DL0502"),
        ("w: W", "sum(exp(w))", "tree_map"),
        ("y: f32[T]", "sum(maximum(x, y))", "DL0202"),
        ("n: i32[T]", "sum(where(n, x, x))", "compare it"),
        (
            "",
            "sum(exp(x, x))",
            "`exp` takes 1 argument, and 2 are given",
        ),
        ("", "sum(exp())", "argument `x` of `exp` missing"),
        ("", "sum(exp(y=x))", "has no parameter `y`"),
    ]);
}

#[test]
fn creation() {
    accepts(&[
        ("", "f32[B, 4]", "zeros([B, 4])"),
        ("", "bool[T, T]", "tril(ones([T, T], bool))"),
        ("", "f32[T, T]", "triu(ones([T, T]), k=1)"),
        ("", "i32[T]", "arange(T)"),
        ("", "f32[T]", "arange(T, f32)"),
        ("", "i64[6]", "arange(0, C, 2, dtype=i64)"),
        ("", "i32[T + 2]", "arange(-2, T)"),
        ("", "f32[10]", "arange(0.0, 1.0, 0.1)"),
        ("", "f32[5]", "linspace(0, 1, 5)"),
        ("", "f32[T, T]", "eye(T)"),
        ("", "f32[T, 3]", "eye(T, 3)"),
        ("", "i32[B, T]", "iota([B, T], axis=0)"),
        ("", "f32[B, T, D]", "zeros_like(x)"),
        ("w: W", "W", "zeros_like(w)"),
        ("", "f32[T]", "full([T], 3)"),
        ("s: f64", "f64[T]", "full([T], s)"),
        ("", "f32[T]", "zeros(T)"),
    ]);
    rejects(&[
        ("n: i32", "sum(zeros([n]))", "DL0214"),
        ("", "sum(zeros([1.5]))", "DL0224"),
        ("", "sum(zeros(B, T))", "zeros([B, T])"),
        ("w: W", "sum(w)", "tree_sum(w)"),
        ("", "sum(zeros([-1]))", "DL0216"),
        ("", "sum(arange(5, T, dtype=f32))", "DL0213"),
    ]);
}

#[test]
fn reductions() {
    accepts(&[
        ("", "f32", "sum(x)"),
        ("", "f32[B, T]", "mean(x, axis=-1)"),
        ("", "f32[B, T, 1]", "max(x, axis=2, keepdims=true)"),
        ("", "f32[T]", "var(x, axis=[0, -1])"),
        ("", "f32[T]", "std(x, axis=(0, 2), correction=1)"),
        (
            "",
            "f32[B, 1, 1]",
            "logsumexp(x, axis=[1, 2], keepdims=true)",
        ),
        ("", "i32[B, D]", "argmax(x, axis=1)"),
        ("", "i32", "argmin(x)"),
        ("n: i32[T]", "f32", "mean(n == 0) + std(n) * var(n)"),
        ("n: bool[T]", "i32", "sum(n) + prod(n) + argmax(n)"),
        ("n: bool[T]", "bool", "max(n) == min(n)"),
        ("", "bool", "any(x > 0) && all(x < 1)"),
        ("", "i32[B]", "count_nonzero(x, axis=[1, 2])"),
        (
            "",
            "f32[B, T, D]",
            "x * rsqrt(mean(square(x), axis=-1, keepdims=true) + 1e-6)",
        ),
    ]);
    rejects(&[
        ("", "sum(x, axis=3)", "DL0206"),
        ("", "sum(x, axis=[0, 0])", "DL0206"),
        ("", "sum(max(x, 0))", "maximum"),
        ("", "sum(x, dim=0)", "axis"),
        ("", "sum(x, 0)", "axis="),
        ("k: key", "mean(k)", "DL0502"),
        ("n: i32[T]", "logsumexp(n)", "f32(n)"),
        ("", "any(x)", "x != 0"),
        ("n: i32", "sum(x, axis=n)", "DL0214"),
    ]);
}

#[test]
fn shapes() {
    accepts(&[
        ("", "f32[B, T, 4, D / 4]", "reshape(x, [B, T, 4, D / 4])"),
        ("", "f32[B, T * D]", "reshape(x, [B, -1])"),
        ("", "f32[B * T, D]", "reshape(x, [-1, D])"),
        ("", "f32[B, T, 4, D / 4]", "reshape(x, [B, T, 4, -1])"),
        ("", "f32[T, B, D]", "permute_dims(x, axes=[1, 0, 2])"),
        ("", "f32[B, D, T]", "matrix_transpose(x)"),
        ("", "f32[D, T, B]", "swapaxes(x, 0, -1)"),
        ("", "f32[T, D, B]", "moveaxis(x, 0, -1)"),
        ("", "f32[B, T, D, 1]", "expand_dims(x, axis=-1)"),
        ("", "f32[1, B, T, 1, D]", "expand_dims(x, axis=[0, 3])"),
        ("y: f32[1, T, 1]", "f32[T]", "squeeze(y)"),
        ("y: f32[1, T, 1]", "f32[T, 1]", "squeeze(y, axis=0)"),
        ("y: f32[D]", "f32[B, T, D]", "broadcast_to(y, [B, T, D])"),
        ("", "f32[B, T, D]", "flip(x, axis=-1)"),
        ("", "f32[B, T, D]", "roll(x, 1, axis=1)"),
        ("y: f32[C]", "f32[C]", "roll(y, -20, axis=0)"),
        (
            "i: i32",
            "f32[B, T, D]",
            "roll(x, [1, -2, i, T], axis=[0, 1, 0, -1])",
        ),
        ("i: i64[2]", "f32[B, T, D]", "roll(x, i, axis=[0, 1])"),
        (
            "y: f32[3, T]",
            "f32[B + 2, T]",
            "repeat(y, [2, 0, B], axis=0)",
        ),
        ("", "f32[B + 2, T + 2, D + 2]", "pad(x, 1)"),
        (
            "",
            "f32[B, T + 3, D]",
            "pad(x, [[0, 0], [1, 2], [0, 0]], -inf)",
        ),
        ("", "f32[2 * B, T, 3 * D]", "tile(x, [2, 1, 3])"),
        ("", "f32[B, 2 * T, D]", "repeat(x, 2, axis=1)"),
        ("", "f32[2 * B, T, D]", "concat([x, x], axis=0)"),
        (
            "y: f32[B, 1, D]",
            "f32[B, T + 1, D]",
            "concat([x, y], axis=1)",
        ),
        ("", "f32[B, 2, T, D]", "stack([x, x], axis=1)"),
        ("", "f32[3]", "stack([1, 2.5, 3])"),
        (
            "",
            "f32[B, T, D / 2]",
            "let (a, b) = split(x, sections=2, axis=-1)\n  a * b",
        ),
        ("y: f32[C]", "f32[8]", "split(y, sizes=[4, 8]).1"),
        (
            "y: f32[3, T]",
            "f32[T]",
            "let (a, b, c) = unstack(y)\n  a + b + c",
        ),
    ]);
    rejects(&[
        ("", "sum(reshape(x, [B, T, 5]))", "DL0207"),
        ("", "sum(reshape(x, [B, -1, -1]))", "DL0207"),
        ("", "sum(reshape(x, [5, -1]))", "B * D * T % 5 == 0"),
        ("", "sum(permute_dims(x, [0, 1]))", "DL0206"),
        (
            "y: f32[T]",
            "sum(matrix_transpose(y))",
            "expand_dims(y, axis=-1)",
        ),
        ("", "sum(squeeze(x, axis=0))", "not 1"),
        ("y: f32[T]", "sum(broadcast_to(y, [T, D]))", "DL0202"),
        ("", "sum(concat(x, axis=0))", "[x]"),
        ("y: f32[B, T]", "sum(concat([x, y]))", "DL0217"),
        ("", "split(x, sections=3, axis=2).0[0, 0, 0]", "D % 3 == 0"),
        ("y: f32[C]", "sum(split(y, sizes=[4, 4]).0)", "12"),
        ("", "sum(roll(x, [2, 3]))", "several shifts"),
        (
            "s: f32",
            "sum(roll(x, s))",
            "`shift` of `roll` is an integer",
        ),
        (
            "y: f32[3, T]",
            "sum(repeat(y, [2, 1], axis=0))",
            "2 numbers",
        ),
        ("", "sum(transpose(x))", "permute_dims"),
        ("", "sum(np.concatenate([x, x]))", "concat"),
    ]);
}

#[test]
fn indices() {
    accepts(&[
        (
            "ids: i32[B, 7], e: f32[C, D]",
            "f32[B, 7, D]",
            "take(e, ids, axis=0)",
        ),
        ("e: f32[C, D]", "f32[2, D]", "take(e, [0, -1], axis=0)"),
        (
            "ids: i32[B, T]",
            "f32[B, T, 1]",
            "take_along_axis(x, expand_dims(ids, axis=-1), axis=-1)",
        ),
        (
            "ids: i32[B], e: f32[C, D]",
            "f32[C, D]",
            "scatter_add(e, ids, ones([B, D]))",
        ),
        (
            "ids: i32[B], e: f32[C, D]",
            "f32[C, D]",
            "scatter_add(e, ids, 1)",
        ),
        (
            "ids: i32[C, B], e: f32[C, D]",
            "f32[C, D]",
            "scatter_add_along_axis(e, ids, ones([C, 1]))",
        ),
        (
            "i: i32",
            "f32[B, 1, D]",
            "dynamic_slice(x, [0, i, 0], [B, 1, D])",
        ),
        (
            "i: i32",
            "f32[B, T, D]",
            "dynamic_update_slice(x, ones([B, 1, D]), [0, i, 0])",
        ),
        ("ids: i32[B]", "f32[B, C]", "one_hot(ids, C)"),
        (
            "ids: u8[B]",
            "bool[300, B]",
            "one_hot(ids, 300, bool, axis=0)",
        ),
    ]);
    rejects(&[
        (
            "e: f32[C, D]",
            "sum(take(e, 12, axis=0))",
            "index 12 is outside",
        ),
        (
            "e: f32[C, D]",
            "sum(take(e, e, axis=0))",
            "indices are integers",
        ),
        (
            "ids: i32[B, T]",
            "sum(take_along_axis(x, ids, axis=-1))",
            "expand_dims(ids, axis=-1)",
        ),
        (
            "ids: i32[B], e: f32[C, D]",
            "sum(scatter_add(e, ids, ones([D, B])))",
            "the updates of `scatter_add` are `f32[B, D]`",
        ),
        (
            "ids: i32[B, C], e: f32[C, D]",
            "sum(scatter_add_along_axis(e, ids, 1))",
            "have the sizes of the tensor but for axis 1",
        ),
        (
            "ids: i32[C, B], e: f32[C, D]",
            "sum(scatter_add_along_axis(e, ids, ones([C, D])))",
            "the updates of `scatter_add_along_axis` are `f32[C, B]`",
        ),
        (
            "i: i32",
            "sum(dynamic_slice(x, [0, i, 0], [B, 2, D]))",
            "where T >= 2",
        ),
    ]);
}

#[test]
fn products() {
    accepts(&[
        ("w: f32[D, C]", "f32[B, T, C]", "matmul(x, w)"),
        ("", "f32[B, T, T]", "einsum(\"bid,bjd->bij\", x, x)"),
        ("", "f32[T, T]", "einsum(\"b i d, b j d -> i j\", x, x)"),
        ("", "f32[B, T]", "einsum(\"...d->...\", x)"),
        (
            "y: f32[1, T, 3]",
            "f32[B, D, 3]",
            "einsum(\"...td,...te->...de\", x, y)",
        ),
        ("y: f32[C, C]", "f32", "einsum(\"ii\", y)"),
        ("y: f32[C, C]", "f32[C]", "einsum(\"ii->i\", y)"),
        ("y: f32[4, C]", "f32[C, 4]", "einsum(\"ab->ba\", y)"),
        (
            "y: f32[4, C], z: f32[C, 5]",
            "f32[4, 5]",
            "einsum(\"ab,bc\", y, z)",
        ),
        (
            "y: f32[4, C], z: f32[C, 5]",
            "f32[5]",
            "einsum(\"ab,bc,a->c\", y, z, y[:, 0])",
        ),
        ("y: f32[T, D, 5]", "f32[B, 5]", "tensordot(x, y)"),
        (
            "y: f32[D, 5]",
            "f32[B, T, 5]",
            "tensordot(x, y, axes=[[-1], [0]])",
        ),
        ("y: f32[D], z: f32[T]", "f32[D, T]", "outer(y, z)"),
        ("y: f32[D]", "f32", "dot(y, y)"),
        ("y: f32[D]", "f32[B, T]", "vecdot(x, y)"),
    ]);
    rejects(&[
        ("", "sum(einsum(\"bi->b\", x))", "DL0218"),
        ("", "sum(einsum(\"bij->bk\", x))", "DL0218"),
        ("", "sum(einsum(\"bii->b\", x))", "DL0218"),
        ("", "sum(einsum(\"bij,jk->b\", x))", "DL0218"),
        ("y: f32[T, D]", "sum(matmul(x, y))", "DL0203"),
        ("y: f32[C, 5]", "sum(tensordot(x, y, axes=1))", "DL0203"),
    ]);
}

#[test]
fn networks() {
    accepts(&[
        (
            "",
            "f32[B, T, D]",
            "relu(x) + gelu(x) + gelu(x, exact=true) + silu(x) + elu(x) + leaky_relu(x)",
        ),
        ("", "f32[B, T, D]", "softmax(x) + log_softmax(x, axis=1)"),
        ("g: f32[D]", "f32[B, T, D]", "layer_norm(x, g, g)"),
        ("g: f32[D]", "f32[B, T, D]", "rms_norm(x, g, eps=1e-5)"),
        ("g: f32[T]", "f32[B, T, D]", "batch_norm(x, g, g, g, g)"),
        ("", "f32[B, T, D]", "attention(x, x, x, causal=true)"),
        (
            "m: bool[T, T]",
            "f32[B, T, D]",
            "attention(x, x, x, mask=m, scale=0.5)",
        ),
        (
            "ids: i32[T], e: f32[C, D]",
            "f32[T, D]",
            "embedding(ids, e) + embedding(e, ids)",
        ),
        ("ids: i32[B, T]", "f32[B, T]", "cross_entropy(x, ids)"),
        ("k: key", "f32[B, T, D]", "dropout(k, x, 0.1)"),
        ("k: key", "f32[B, T, D]", "dropout(k, x, 1)"),
    ]);
    rejects(&[
        ("g: f32[C]", "sum(layer_norm(x, g, g))", "expected `f32[D]`"),
        (
            "ids: i32[B]",
            "sum(cross_entropy(x, ids))",
            "expected `i32[B, T]`",
        ),
        ("m: f32[T, T]", "sum(attention(x, x, x, mask=m))", "mask"),
        ("k: key", "sum(dropout(k, x, 1.5))", "at most 1"),
    ]);
}

#[test]
fn random_numbers() {
    accepts(&[
        ("k: key", "f32[B, 4]", "normal(k, [B, 4])"),
        ("k: key", "f32", "normal(k)"),
        (
            "k: key",
            "f64[T]",
            "uniform(k, [T], f64, minval=-1, maxval=1)",
        ),
        ("k: key", "i32[T]", "randint(k, [T], 0, C)"),
        ("k: key", "u8[T]", "randint(k, [T], 0, 256, u8)"),
        ("k: key", "i32[T]", "randint(k, [T], 0, T)"),
        ("k: key", "bool[T]", "bernoulli(k, 0.3, [T])"),
        ("k: key", "i32[B, T]", "categorical(k, x)"),
        (
            "k: key",
            "f32[2]",
            "let (a, b) = split_key(k)\n  normal(a, [2]) + uniform(b, [2])",
        ),
        (
            "k: key",
            "[f32[2]; 3]",
            "map(|k| normal(k, [2]), split_key(k, 3))",
        ),
        ("", "f32[2]", "normal(key(42), [2])"),
    ]);
    rejects(&[
        ("k: key", "sum(normal(k, [2]) + normal(k, [2]))", "DL0501"),
        ("", "sum(normal(42, [2]))", "key(42)"),
        ("", "sum(normal([2]))", "DL0209"),
        ("k: key", "sum(normal(k, [2], i32))", "randint"),
        ("k: key", "sum(randint(k, [2], 5, 5))", "there is no number"),
        ("k: key", "sum(randn(k, [2]))", "normal"),
    ]);
}

#[test]
fn trees() {
    accepts(&[
        ("w: W", "W", "tree_map(|a, b| a - 0.1 * b, w, w)"),
        ("w: W", "f32", "tree_sum(tree_map(|a| sum(square(a)), w))"),
        ("w: W", "f32", "tree_sum(w)"),
        ("w: [W; 3]", "[f32[4]; 3]", "map(|p| p.b, w)"),
        (
            "w: [W; 3]",
            "[W; 3]",
            "map(|p, q| tree_map(|a, b| a + b, p, q), w, w)",
        ),
    ]);
    rejects(&[
        ("w: W", "tree_sum(tree_map(w, |a| a))", "function first"),
        ("w: W", "tree_sum(tree_map(|a, b| a, w, (1, 2)))", "DL0219"),
        (
            "w: [W; 3], v: [W; 2]",
            "tree_sum(map(|a, b| a, w, v))",
            "DL0219",
        ),
        ("", "tree_sum(map(|a| a, x))", "lists"),
    ]);
}

#[test]
fn a_tree_with_other_leaves_is_no_struct_value() {
    let text = "struct W { a: f32[4], b: f32[3] }\nexport fn f(w: W) -> W {\n  tree_map(|x| sum(x), w)\n}\n";
    let (found, ok) = crate::check_to_string("test.dl", text, Format::Plain);
    assert!(!ok && found.contains("field `a`"), "{found}");
}

#[test]
fn derivatives_and_tests() {
    let text = "fn loss<B>(w: f32[4], x: f32[B, 4]) -> f32 { mean(square(x @ w)) }
export fn step<B>(w: f32[4], x: f32[B, 4]) -> (f32, f32[4]) { value_and_grad(loss, wrt=w)(w, x) }
export fn twice(x: f32) -> f32 { grad(grad(|y| y ** 3))(x) }
test \"t\" {
  assert(1 + 1 == 2)
  assert_close(exp(zeros([3])), ones([3]), rtol=1e-6)
  check_grad(loss, wrt=w, B=3, rtol=1e-2)
}
";
    let (found, ok) = crate::check_to_string("test.dl", text, Format::Plain);
    assert!(ok && found.is_empty(), "{found}");
    rejects(&[
        ("", "grad(|y| y, wrt=z)(1.0)", "DL0304"),
        ("", "assert(true)\n  1.0", "stands in a `test` only"),
        ("", "sum(vmap(x))", "DL0209"),
    ]);
}
