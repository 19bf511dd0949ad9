"""Branches, loops, batches, calls with rules and derivatives of derivatives, as operations of the table."""

import jax
import jax.numpy as jnp

#: Some sizes, one of each, none.
SIZES = [{"A": 5, "B": 4, "C": 3, "N": 7}, {"A": 1, "B": 1, "C": 1, "N": 1}, {"A": 5, "B": 4, "C": 3, "N": 0}]
#: Functions that a case calls, by the case's call. `#` stands for the number of the program.
ITEMS = {}
#: Conditions on the numbers that an export is called with, by the case's call.
BOUNDS = {}


def add_cases(case):
    def more(op, call, params, result, reference, items="", bound="", **options):
        ITEMS[call], BOUNDS[call] = items, bound
        case(op, call, params, result, reference, sizes=options.pop("sizes", SIZES), **options)

    branches(more)
    loops(more)
    whiles(more)
    batches(more)
    calls(more)
    derivatives(more)


def branches(more):
    more("if", "if sum(x) > 0 { tanh(x) * w } else { x * x + w }", "x: T[N], w: T", "T[N]",
         lambda x, w: jax.lax.cond(jnp.sum(x) > 0, lambda: jnp.tanh(x) * w, lambda: x * x + w))
    more("if", "if s * w > 0 { sin(s) * w } else { exp(s) + w }", "s: T, w: T", "T",
         lambda s, w: jax.lax.cond(s * w > 0, lambda: jnp.sin(s) * w, lambda: jnp.exp(s) + w))

    def nested(x, w, n):
        some = jax.lax.cond(x[0] > 0, lambda: x * w + x, lambda: x * w)
        return jnp.where(n > 2, some, jnp.where(n > 1, x.at[0].set(w[0]), x))

    more("if", "var y = x; if n > 2 { y = y * w; if x[0] > 0 { y += x } } else if n > 1 { y[0] = w[0] }; y",
         "x: T[A], w: T[A], n: i32", "T[A]", nested, where="A >= 1", data={"n": ("in", 0, 5)})


def loops(more):
    def three(x, w):
        for _ in range(3):
            x = jnp.sin(x) * w + 0.5 * x
        return x

    def rows(x, w):
        for i in range(x.shape[0]):
            w = jnp.tanh(w * x[i]) + w
        return w

    def running(x, w):
        for i in range(1, x.shape[0]):
            x = x.at[i].add(x[i - 1] * w)
        return x

    def triangle(x, w):
        for i in range(x.shape[0]):
            for j in range(i):
                w = w * x[j] + jnp.sin(w)
        return w

    def backwards(x, w):
        for i in reversed(range(x.shape[0])):
            x, w = jnp.cos(x * w), x * w[i] + 0.5 * w
        return x + w

    def chosen(x, w):
        for i in range(x.shape[0]):
            w = jax.lax.cond(x[i] > 0, lambda w=w, i=i: w * x[i], lambda w=w, i=i: w + x[i] * x[i])
        return w

    def recurrent(x, w):
        h = jnp.tanh(x[0])
        for i in range(x.shape[0]):
            h = jnp.tanh(h @ w + x[i])
        return h

    def counted(x, w, n):
        for i in range(6):
            x = jax.lax.cond(i < n, lambda x=x: jnp.sin(x) * w + x, lambda x=x: x)
        return x

    more("for", "var s = x; for _i in 0..3 { s = sin(s) * w + 0.5 * s }; s", "x: T[N], w: T[N]", "T[N]", three)
    more("for", "var s = w; for v in x { s = tanh(s * v) + s }; s", "x: T[N, B], w: T[B]", "T[B]", rows)
    more("for", "var y = x; for i in 1..A { y[i] += y[i - 1] * w }; y", "x: T[A], w: T", "T[A]", running, where="A >= 1")
    more("for", "var s = w; for i in 0..A { for j in 0..i { s = s * x[j] + sin(s) } }; s", "x: T[A], w: T", "T", triangle, where="A >= 1")
    more("for", "var a = x; var b = w; for i in reversed(0..A) { let c = a * b; b = a * b[i] + 0.5 * b; a = cos(c) }; a + b",
         "x: T[A], w: T[A]", "T[A]", backwards, where="A >= 1")
    more("for", "var s = w; for i in 0..A { if x[i] > 0 { s = s * x[i] } else { s = s + x[i] * x[i] } }; s", "x: T[A], w: T", "T", chosen, where="A >= 1")
    more("for", "var h = tanh(x[0]); for i in 0..A { h = tanh(h @ w + x[i]) }; h", "x: T[A, C], w: T[C, C]", "T[C]", recurrent, where="A >= 1")
    more("for", "var y = x; for i in 0..A { if i < i64(n) { y = sin(y) * w + y } }; y", "x: T[A], w: T[A], n: i32", "T[A]",
         lambda x, w, n: jax.lax.fori_loop(0, x.shape[0], lambda i, y: jax.lax.cond(i < n, lambda: jnp.sin(y) * w + y, lambda: y), x), where="A >= 1",
         data={"n": ("in", 0, 6)})
    more("for", "var y = x; for _i in 0..n { y = sin(y) * w + y }; y", "x: T[N], w: T[N], n: i32", "T[N]", counted, bound="n <= 6",
         data={"n": ("in", 0, 7)})


def whiles(more):
    def grown(x, w):
        for _ in range(6):
            x = jnp.where(jnp.sum(x * x) < 40, 1.25 * x + 0.125 * jnp.sin(x * w), x)
        return x

    def newton(x):
        y, error = x, 1.0
        for _ in range(30):
            step = 0.5 * (y + x / y)
            y, error = jnp.where(error > 1e-9, step, y), jnp.where(error > 1e-9, jnp.abs(step - y), error)
        return y

    more("while … within", "var y = x; var k = 0; while k < 6 && sum(y * y) < 40 within 6 { y = 1.25 * y + 0.125 * sin(y * w); k += 1 }; y",
         "x: T[N], w: T[N]", "T[N]", grown)
    more("while … within", "var y = x; var error = abs(x) * 0 + 1; while error > 1e-9 within 30 { let z = 0.5 * (y + x / y); error = abs(z - y); y = z }; y",
         "x: T", "T", newton)


def batches(more):
    def settled(x):
        y = x
        for _ in range(12):
            y = jnp.where(y < 3.0, y * 1.5 + 0.1 * x * x + 0.8, y)
        return y * y * x

    def power(x, n):
        y = x
        for i in range(5):
            y = jnp.where(i < n, jnp.sin(y) * x, y)
        return y

    pair, sizes = "x: T[A, N], w: T[A, N]", "A >= 1"
    more("vmap", "vmap(|a, b| tanh(sum(a * b)))(x, w)", pair, "T[A]", lambda x, w: jnp.tanh(jnp.sum(x * w, axis=1)), where=sizes)
    more("vmap", "vmap(|a, b| sin(a * b), in_axes=(1, none), out_axes=-1)(x, w)", "x: T[N, A], w: T[N]", "T[N, A]",
         lambda x, w: jax.vmap(lambda a, b: jnp.sin(a * b), (1, None), -1)(x, w), where=sizes)
    more("vmap", "vmap(vmap(|a, b| sum(a * b), in_axes=(none, 1)), in_axes=(0, none))(x, w)", "x: T[A, B], w: T[B, C]", "T[A, C]",
         lambda x, w: x @ w, where="A >= 1, C >= 1")
    more("vmap", "vmap(grad(|a, b| sum(sin(a * b) * a)), in_axes=(0, none))(x, w)", "x: T[A, N], w: T[N]", "T[A, N]",
         lambda x, w: jax.vmap(jax.grad(lambda a, b: jnp.sum(jnp.sin(a * b) * a)), (0, None))(x, w), where=sizes)
    more("vmap", "vmap(|s, v| if s > 0 { sum(sin(s) * v) } else { sum(v) * s * s }, in_axes=(0, none))(x, w)", "x: T[A], w: T[N]", "T[A]",
         lambda x, w: jnp.where(x > 0, jnp.sum(jnp.sin(x)[:, None] * w, axis=1), jnp.sum(w) * x * x), where=sizes)
    more("vmap", "vmap(settled#)(x)", "x: T[A]", "T[A]", lambda x: jax.vmap(settled)(x), where=sizes,
         items="fn settled#(x: T) -> T { var y = x; while y < 3.0 within 12 { y = y * 1.5 + 0.1 * x * x + 0.8 }; y * y * x }")
    more("vmap", "vmap(power#)(x, n)", "x: T[A], n: i32[A]", "T[A]", lambda x, n: jax.vmap(power)(x, n), where=sizes, data={"n": ("in", 0, 5)},
         items="fn power#(x: T, n: i32) -> T { var y = x; for i in 0..5 { if i < n { y = sin(y) * x } }; y }")
    more("vmap", "vmap(|a, i| { var y = a; y[i] = y[i] * y[i]; cumsum(y) })(x, ids)", "x: T[A, B], ids: i32[A]", "T[A, B]",
         lambda x, ids: jax.vmap(lambda a, i: jnp.cumsum(a.at[i].set(a[i] * a[i])))(x, ids), where=sizes, data={"ids": ("index", "B")})
    more("vmap", "vmap(|a, b| matrix_transpose(a) @ sort(b, axis=0), in_axes=(1, 0))(x, w)", "x: T[B, A, C], w: T[A, B, 2]", "T[A, C, 2]",
         lambda x, w: jnp.einsum("bac,abd->acd", x, jnp.sort(w, axis=1)), where=sizes)
    more("vmap", "vmap(|a, b| conv1d(a, b, stride=2, padding=1), in_axes=(0, 2))(x, w)", "x: T[A, 2, 2, 7], w: T[3, 2, A, 3]", "T[A, 2, 3, 4]",
         lambda x, w: jax.vmap(lambda a, b: jax.lax.conv_general_dilated(a, b, (2,), [(1, 1)]), (0, 2))(x, w), where=sizes)


def calls(more):
    more("@checkpoint", "block#(block#(x, w), w)", "x: T[N, C], w: T[C, C]", "T[N, C]",
         checkpointed,
         items="@checkpoint fn block#<D, E>(x: T[D, E], w: T[E, E]) -> T[D, E] { tanh(x @ w) + x }")
    more("@custom_jvp", "softplus#(x) * x", "x: T[N]", "T[N]", lambda x: jnp.logaddexp(x, 0.0) * x,
         items="fn softplus_rule#<D>(x: T[D], t: T[D]) -> T[D] { t * sigmoid(x) }\n"
               "@custom_jvp(softplus_rule#) fn softplus#<D>(x: T[D]) -> T[D] { log(1 + exp(x)) }")
    more("@custom_vjp", "scaled#(x, w)", "x: T[N], w: T[N]", "T[N]", lambda x, w: jnp.sin(x) * w,
         items="fn back#<D>(x: T[D], w: T[D], g: T[D]) -> (T[D], T[D]) { (g * cos(x) * w, g * sin(x)) }\n"
               "fn ahead#<D>(x: T[D], w: T[D], s: T[D], t: T[D]) -> T[D] { s * cos(x) * w + t * sin(x) }\n"
               "@custom_vjp(back#) @custom_jvp(ahead#) fn scaled#<D>(x: T[D], w: T[D]) -> T[D] { sin(x) * w }")


def checkpointed(x, w):
    for _ in range(2):
        x = jnp.tanh(x @ w) + x
    return x


def derivatives(more):
    def inner(x, w):
        return jnp.sum(jnp.sin(x) * x * w)

    pair = "x: T[N], w: T[N]"
    more("grad", "grad(|x| sum(sin(x) * x * w))(x)", pair, "T[N]", jax.grad(inner))
    more("grad", "grad(|s| grad(|s| sin(s) * s * w)(s) * s)(s)", "s: T, w: T", "T",
         jax.grad(lambda s, w: jax.grad(inner)(s, w) * s))
    more("value_and_grad", "value_and_grad(|x| sum(sin(x) * x * w))(x)", pair, "(T, T[N])", jax.value_and_grad(inner))
    more("jvp", "jvp(|x| tanh(x) * x, (x,), (w,))", pair, "(T[N], T[N])", lambda x, w: jax.jvp(lambda x: jnp.tanh(x) * x, (x,), (w,)))
    more("vjp", "let (_y, back) = vjp(|x| cos(x) * w, x); back(w * x).0", pair, "T[N]",
         lambda x, w: jax.vjp(lambda x: jnp.cos(x) * w, x)[1](w * x)[0])
    more("hvp", "hvp(|x| sum(sin(x) * x), (x,), (w,))", pair, "T[N]",
         lambda x, w: jax.jvp(jax.grad(lambda x: jnp.sum(jnp.sin(x) * x)), (x,), (w,))[1])
    more("jacobian", "jacobian(|x| tanh(x) * sum(x * w))(x)", pair, "T[N, N]",
         lambda x, w: jax.jacfwd(lambda x: jnp.tanh(x) * jnp.sum(x * w))(x))
    more("hessian", "hessian(|x| sum(sin(x)) * sum(x * w))(x)", pair, "T[N, N]",
         lambda x, w: jax.hessian(lambda x: jnp.sum(jnp.sin(x)) * jnp.sum(x * w))(x))
