"""Products of matrices and tensors: errors are measured by the sum of the terms without their signs."""

from .case import FLOATS, NUMBERS, case, few, terms

SIZES = [{"A": 3, "B": 4, "C": 5, "N": 37}, {"A": 17, "B": 33, "C": 70, "N": 1}, {"A": 1, "B": 1, "C": 1, "N": 1},
         {"A": 3, "B": 0, "C": 5, "N": 0}, {"A": 0, "B": 4, "C": 5, "N": 3}]


def product(op, call, params, result, ref, **options):
    options.setdefault("dtypes", NUMBERS)
    options.setdefault("data", ["mild", "sprinkled"])
    case(op, call, params, result, ref, tol=terms(4), sizes=SIZES, zero_sign=False, **options)


def matmul(xp, a, b):
    return xp.matmul(a, b)


product("matmul", "matmul(a, b)", "a: T[A, B], b: T[B, C]", "T[A, C]", matmul)
product("matmul", "a @ b", "a: T[N, A, B], b: T[N, B, C]", "T[N, A, C]", matmul, only=["f32", "f64", "bf16", "i32"])
product("matmul", "a @ b", "a: T[2, A, B], b: T[B, C]", "T[2, A, C]", matmul, only=["f32", "f16"])
product("matmul", "a @ b", "a: T[2, 1, A, B], b: T[3, B, C]", "T[2, 3, A, C]", matmul, only=["f32", "u8"])
product("matmul", "a @ b", "a: T[B], b: T[B]", "T", matmul, only=["f32", "f64", "i8", "bf16"])
product("matmul", "a @ b", "a: T[A, B], b: T[B]", "T[A]", matmul, only=["f32", "f64", "i64", "f16"])
product("matmul", "a @ b", "a: T[B], b: T[B, C]", "T[C]", matmul, only=["f32", "f64", "u64"])
product("matmul", "a @ matrix_transpose(b)", "a: T[A, B], b: T[C, B]", "T[A, C]", lambda a, b: a @ b.T, only=["f32", "f64", "bf16"])
product("dot", "dot(a, b)", "a: T[A, B], b: T[B]", "T[A]", lambda xp, a, b: xp.dot(a, b))
product("dot", "dot(a, b)", "a: T[A, B, C], b: T[3, C, 2]", "T[A, B, 3, 2]", lambda xp, a, b: xp.dot(a, b), only=["f32", "i32"])
product("dot", "dot(a, b)", "a: T, b: T[A]", "T[A]", lambda xp, a, b: xp.dot(a, b), only=["f32"])
product("vecdot", "vecdot(a, b)", "a: T[A, B], b: T[B]", "T[A]", lambda xp, a, b: xp.vecdot(a, b))
product("vecdot", "vecdot(a, b, axis=0)", "a: T[A, B], b: T[A, B]", "T[B]", lambda xp, a, b: xp.vecdot(a, b, axis=0), only=["f32", "i64"])
product("outer", "outer(a, b)", "a: T[A], b: T[B]", "T[A, B]", lambda xp, a, b: xp.outer(a, b))
product("outer", "outer(a, b)", "a: T[A, B], b: T[C]", "T[A * B, C]", lambda xp, a, b: xp.outer(a, b), only=["f32"])
product("tensordot", "tensordot(a, b)", "a: T[A, B, C], b: T[B, C, 2]", "T[A, 2]", lambda xp, a, b: xp.tensordot(a, b))
product("tensordot", "tensordot(a, b, axes=1)", "a: T[A, B], b: T[B, C]", "T[A, C]", lambda xp, a, b: xp.tensordot(a, b, axes=1), only=["f64", "i8"])
product("tensordot", "tensordot(a, b, axes=0)", "a: T[A], b: T[C]", "T[A, C]", lambda xp, a, b: xp.tensordot(a, b, axes=0), only=["f32"])
product("tensordot", "tensordot(a, b, axes=[[0, -1], [1, 0]])", "a: T[A, B, C], b: T[C, A, 2]", "T[B, 2]",
        lambda xp, a, b: xp.tensordot(a, b, axes=[[0, -1], [1, 0]]), only=["f32", "u32"])
for text, params, result, only in [
    ("ij,ij->i", "a: T[A, B], b: T[A, B]", "T[A]", NUMBERS),
    ("ij,jk->ik", "a: T[A, B], b: T[B, C]", "T[A, C]", few(NUMBERS)),
    ("bij,bjk->bik", "a: T[2, A, B], b: T[2, B, C]", "T[2, A, C]", ["f32", "f16", "i32"]),
    ("ij,ij->", "a: T[A, B], b: T[A, B]", "T", ["f32", "i64"]),
    ("ij,kj->ki", "a: T[A, B], b: T[C, B]", "T[C, A]", ["f64"]),
    ("i,j->ij", "a: T[A], b: T[B]", "T[A, B]", ["f32", "u8"]),
    ("...ij,jk->...ik", "a: T[2, A, B], b: T[B, C]", "T[2, A, C]", ["f32"]),
    ("ij,jk", "a: T[A, B], b: T[B, C]", "T[A, C]", ["f32"]),
]:
    product("einsum", f'einsum("{text}", a, b)', params, result, lambda xp, a, b, text=text: xp.einsum(text, a, b), only=only)
for text, params, result in [("ij->ji", "a: T[A, B]", "T[B, A]"), ("ij->j", "a: T[A, B]", "T[B]"), ("ii->i", "a: T[A, A]", "T[A]"),
                             ("ii", "a: T[A, A]", "T"), ("ij->", "a: T[A, B]", "T")]:
    product("einsum", f'einsum("{text}", a)', params, result, lambda xp, a, text=text: xp.einsum(text, a), only=["f32", "i32"])
product("einsum", 'einsum("ij,jk,kl->il", a, b, c)', "a: T[A, B], b: T[B, C], c: T[C, 2]", "T[A, 2]",
        lambda xp, a, b, c: xp.einsum("ij,jk,kl->il", a, b, c), only=FLOATS, data="mild")
