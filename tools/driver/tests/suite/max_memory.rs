//! `--max-memory`: derivatives that keep less give the same bits, in as much workspace as is allowed.

use dlc_driver::compile::{Emit, Failure, Options, Session, Source, temporary_library};
use dlc_runtime::{Tensor, bind::Bound, library::Library};

/// Programs with an export `f`, and sizes of its dims. A first derivative does the same operations whatever is kept;
/// those of a derivative of it add up the same parts in another order.
const PROGRAMS: &[(&str, &[i64])] = &[
    // A long chain of a wide state.
    (
        "fn chain<T>(x: f64[256], w: f64[T]) -> f64 {
  var y = x
  for t in 0..T { y = sin(y * w[t]) + 0.5 * y * x }
  sum(y * y)
}
export fn f<T in 0..=1024>(x: f64[256], w: f64[T]) -> (f64, (f64[256], f64[T])) {
  value_and_grad(chain, wrt=(x, w))(x, w)
}",
        &[0, 1, 31, 32, 33, 1000, 1024],
    ),
    // Loops in loops, with rounds that depend on the outer one, branches, integers, keys and writes.
    (
        "fn nest<T>(x: f64[64], w: f64[T], n: i64) -> f64 {
  var (y, count, k) = (x, i64(0), key(3))
  for i in 0..T {
    let (next, now) = split_key(k)
    k = next
    for j in 1..i { y[(i + j) % 64] += 0.01 * sum(y[0:3] * x[1:4]) }
    if count % 3 == 1 { y = sin(y) + uniform(now, [64], f64) } else { y = y * cos(x) * w[i] }
    count += n
  }
  for v in x { y = y * v + 0.1 * x }
  sum(y)
}
export fn f<T in 0..=20>(x: f64[64], w: f64[T], n: i64) -> f64[64] { grad(nest)(x, w, n) }",
        &[0, 1, 13, 20],
    ),
    // Second derivatives.
    (
        "fn rounds<T>(x: f64[64], w: f64[T]) -> f64 {
  var y = x
  for i in 0..T { y = tanh(y * x) + y / (1 + f64(i)) * w[i] }
  sum(y * y)
}
export fn f<T in 0..=200>(x: f64[64], v: f64[64], w: f64[T]) -> f64[64] {
  grad(|x| sum(grad(rounds)(x, w) * v))(x) + hvp(|x| rounds(x, w), (x,), (v,))
}",
        &[0, 5, 200],
    ),
    // The bound is a condition's, and reaches a derivative in a function that is differentiated.
    (
        "fn rounds(x: f64[64], n: i64) -> f64 {
  var y = x
  for i in 0..n { y = tanh(y * x) + y / (1 + f64(i)) }
  sum(y * y)
}
fn slope(x: f64[64], n: i64) -> f64[64] { grad(rounds)(x, n) }
export fn f(x: f64[64], v: f64[64], n: i64) -> f64[64] where n <= 500 {
  grad(|x| sum(slope(x, n) * v))(x)
}",
        &[0],
    ),
];

fn session(max_memory: Option<u64>, opt_level: u8) -> Session {
    Session::new(Options {
        opt_level,
        max_memory,
        ..Options::default()
    })
}

fn source(text: &str) -> Source<'_> {
    Source {
        name: "f.dl",
        text,
        stem: "f",
    }
}

/// The workspace at the greatest size, and the results at each.
fn run(
    text: &str,
    sizes: &[i64],
    max_memory: Option<u64>,
    opt_level: u8,
) -> Result<(u64, Vec<Vec<f64>>), Failure> {
    let built = temporary_library(&session(max_memory, opt_level), &source(text))?;
    let library = Library::with_manifest(&built.path, built.manifest.clone()).unwrap();
    let entry = library.entry("f").unwrap();
    let mut bytes = 0;
    let mut results = vec![];
    for &size in sizes {
        let mut next = 0.0;
        let params = entry.param_leaves().into_iter().map(|leaf| {
            let extent = |text: &String| {
                let poly = dlc_abi::Poly::parse(text).unwrap();
                poly.eval(&|_| Some(size)).unwrap() as usize
            };
            let shape = leaf.shape.iter().map(extent).collect::<Vec<_>>();
            let mut tensor = Tensor::zeros(leaf.dtype, &shape).unwrap();
            let values = || {
                next += 1.0;
                let whole = (next * 7.0) % 11.0 - 5.0;
                if leaf.dtype == dlc_abi::DType::I64 {
                    whole
                } else {
                    whole / 5.0
                }
            };
            tensor.fill_with(values).unwrap();
            tensor
        });
        let dims = entry.dims.iter().map(|dim| (dim.name.clone(), size));
        let dims = dims.collect::<Vec<_>>();
        let mut bound = Bound::from_tensors(entry, params.collect(), &dims).unwrap();
        let mut call = library.prepare(&bound).unwrap();
        bytes = bytes.max(call.workspace_bytes() as u64);
        call.run(&mut bound).unwrap();
        let values = bound.results().iter().flat_map(Tensor::to_f64);
        results.push(values.collect());
    }
    Ok((bytes, results))
}

/// The least that a program can do with, as the error says it.
fn least(text: &str) -> u64 {
    let Err(Failure::User { rendered, .. }) =
        session(Some(1), 3).compile(&source(text), &[Emit::Staticlib])
    else {
        panic!("one byte is not enough");
    };
    assert!(
        rendered.contains("error[DL0311]: the workspace of `f` takes"),
        "{rendered}"
    );
    let (_, rest) = rendered.split_once("takes ").unwrap();
    rest.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn what_is_kept_changes_no_derivative() {
    for (text, sizes) in PROGRAMS {
        let (plain, expected) = run(text, sizes, None, 3).unwrap_or_else(|error| panic!("{error}"));
        let least = least(text);
        assert!(least < plain, "{least} of {plain}\n{text}");
        for (most, opt_level) in [(least, 3), (least * 8, 0)] {
            let (bytes, results) =
                run(text, sizes, Some(most), opt_level).unwrap_or_else(|error| panic!("{error}"));
            assert!(bytes <= most, "{bytes} of {most}\n{text}");
            let off = results
                .iter()
                .flatten()
                .zip(expected.iter().flatten())
                .map(|(a, b)| (a - b).abs() / b.abs().max(f64::MIN_POSITIVE))
                .fold(0.0, f64::max);
            let is_first = text.matches("grad(").count() == 1 && opt_level == 3;
            let allowed = if is_first { 0.0 } else { 1e-11 };
            assert!(
                off <= allowed,
                "{most} bytes, -O{opt_level}: off by {off}\n{text}"
            );
        }
    }
}

#[test]
fn a_square_root_of_the_rounds_is_kept() {
    let (text, sizes) = PROGRAMS[0];
    let plain = run(text, sizes, None, 3).unwrap().0;
    let (bytes, _) = run(text, sizes, Some(plain / 10), 3).unwrap();
    assert!(plain > 1024 * 256 * 8, "{plain}");
    assert!(bytes * 10 < plain, "{bytes} of {plain}");
    let least = least(text);
    assert!(least * 30 < plain, "{least} of {plain}");
}

/// The plan that is looked at is that of the target, on which the blocks of products depend.
#[test]
fn products_count_as_they_are_blocked_for_the_target() {
    let text = "struct P { w: f32[12, 256, 256], b: f32[12, 256] }
fn loss<B>(p: P, x: f32[B, 256]) -> f32 {
  var y = x
  for i in 0..12 { y = y + tanh(y @ p.w[i] + p.b[i]) }
  sum(y * y)
}
export fn f<B in 1..=64>(p: P, x: f32[B, 256]) -> (f32, P) { value_and_grad(loss)(p, x) }";
    let plain = run(text, &[64], None, 3).unwrap().0;
    for most in [plain, plain - 1, (plain + least(text)) / 2, least(text)] {
        let (bytes, _) = run(text, &[64], Some(most), 3).unwrap_or_else(|error| panic!("{error}"));
        assert!(bytes <= most, "{bytes} of {most}");
    }
}

#[test]
fn a_remark_says_what_was_chosen() {
    let (text, _) = PROGRAMS[0];
    let emit = [Emit::Staticlib];
    let compiled = session(Some(200_000), 3)
        .compile(&source(text), &emit)
        .unwrap();
    let expected = "remark[DL0312]: loops of the derivatives of `f` become nests of 2";
    assert!(
        compiled.diagnostics.contains(expected),
        "{}",
        compiled.diagnostics
    );
    let compiled = session(Some(100 << 20), 3)
        .compile(&source(text), &emit)
        .unwrap();
    assert_eq!(compiled.diagnostics, "");
}

/// Without a loop, products that are wider than what they are made of are computed again.
#[test]
fn wide_products_are_computed_again() {
    let text = "fn layer(x: f64[256, 16], w: f64[16, 512], v: f64[512, 16]) -> f64[256, 16] {
  x + tanh(x @ w) @ v
}
fn loss(x: f64[256, 16], w: f64[16, 512], v: f64[512, 16]) -> f64 {
  let four = layer(layer(layer(layer(x, w, v), w, v), w, v), w, v)
  sum(square(layer(layer(layer(layer(four, w, v), w, v), w, v), w, v)))
}
export fn f(x: f64[256, 16], w: f64[16, 512], v: f64[512, 16]) -> (f64[16, 512], f64[512, 16]) {
  grad(loss, wrt=(w, v))(x, w, v)
}";
    let (plain, expected) = run(text, &[1], None, 3).unwrap();
    let least = least(text);
    assert!(least * 2 < plain, "{least} of {plain}");
    let (bytes, results) = run(text, &[1], Some(least), 3).unwrap();
    assert!(bytes <= least, "{bytes} of {least}");
    assert_eq!(results, expected);
}

#[test]
fn a_dim_of_any_size_has_no_limit() {
    let text = PROGRAMS[0].0.replace("T in 0..=1024", "T");
    let failure = session(Some(1 << 30), 3)
        .compile(&source(&text), &[Emit::Staticlib])
        .unwrap_err()
        .to_string();
    let expected = "error[DL0311]: `f` has no greatest workspace: `T` may have any size";
    assert!(failure.contains(expected), "{failure}");
    assert!(
        failure.contains("give the dim a range, as in `T in 1..=1024`"),
        "{failure}"
    );
}
