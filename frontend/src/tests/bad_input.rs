//! Bad input that is large, deep or made of strange characters: it is refused in a few words, or accepted, in an
//! instant.

use std::time::{Duration, Instant};

use crate::check;
use crate::diagnostic::Code;
use crate::modules::{MemoryFiles, NoFiles};
use crate::render::{Format, render};
use crate::source::{MAX_SOURCE_BYTES, Source};

/// The codes that a program is refused or warned with, each once. It is rendered, too.
fn codes(text: &str) -> Vec<Code> {
    let checked = check(Source::new("bad.dl", text), &NoFiles);
    for format in [Format::Plain, Format::Narrated] {
        let printed = render(&checked.sources, &checked.diagnostics, format);
        assert!(
            printed.len() < 1 << 20,
            "{} bytes are printed",
            printed.len()
        );
    }
    let mut codes: Vec<Code> = checked.diagnostics.iter().map(|one| one.code).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

fn body(body: &str) -> String {
    format!("export fn f(x: f32) -> f32 {{\n{body}\n}}\n")
}

/// A fault that makes time grow with the square of the size makes it much longer than this, also in a busy machine.
fn at_once<T>(what: &str, run: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = run();
    let time = start.elapsed();
    assert!(time < Duration::from_secs(60), "{what} took {time:?}");
    result
}

#[test]
fn deep_nesting() {
    // What opens, what stands inside, what closes.
    let expressions = [
        ("(", "x", ")"),
        ("[", "x", "]"),
        ("{", "x", "}"),
        ("f(", "x", ")"),
        ("x[", "0", "]"),
        ("if c {", "x", "} else { x }"),
        ("for i in 0..1 {", "x", "}"),
        ("-", "x", ""),
        ("!", "x", ""),
        ("x + ", "x", ""),
        ("x @ ", "x", ""),
        ("x ** ", "x", ""),
        ("x && ", "x", ""),
        ("", "x", ".a"),
        ("", "x", "(x)"),
        ("", "x", "[0]"),
    ];
    for (open, middle, close) in expressions {
        let nested = |depth: usize| {
            let text = format!("  {}{middle}{}", open.repeat(depth), close.repeat(depth));
            at_once(&text[..40.min(text.len())], || codes(&body(&text)))
        };
        assert_eq!(nested(20_000), [Code::DL0006], "{open}…{close}");
        assert!(!nested(100).contains(&Code::DL0006), "{open}…{close}");
    }
    let types = [
        ("(", "f32", ")"),
        ("[", "f32", "; 2]"),
        ("fn(", "f32", ") -> f32"),
    ];
    for (open, middle, close) in types {
        let (open, close) = (open.repeat(20_000), close.repeat(20_000));
        let text = format!("fn f(x: {open}{middle}{close}) {{}}\n");
        assert_eq!(codes(&text), [Code::DL0006], "{middle}");
    }
    let (open, close) = ("(".repeat(20_000), ")".repeat(20_000));
    let pattern = body(&format!("let {open}a{close} = x\nx"));
    assert_eq!(codes(&pattern), [Code::DL0006]);
    let dim = format!("fn f<N>(x: f32[{open}N{close}]) {{}}\n");
    assert_eq!(codes(&dim), [Code::DL0006]);
}

/// A tuple of two of the one before: parts are shared while checking, but the tree has 2^60 of them.
#[test]
fn trees_that_double() {
    let mut text = String::from("let x0 = (x, x)\n");
    for i in 0..60 {
        text += &format!("let x{} = (x{i}, x{i})\n", i + 1);
    }
    let found = at_once("a tuple that doubles", || codes(&body(&(text + "x"))));
    assert_eq!(found, [Code::DL0216]);
    let mut text = String::from("struct S0 { a: f32 }\n");
    for i in 0..60 {
        text += &format!("struct S{} {{ a: S{i}, b: S{i} }}\n", i + 1);
    }
    let found = at_once("a struct that doubles", || {
        codes(&(text + "fn f(s: S60) {}\n"))
    });
    assert_eq!(found, [Code::DL0216]);
    let mut text = String::from("fn f0(x: f32) -> f32 { 2 * x }\n");
    for i in 0..60 {
        text += &format!("fn f{}(x: f32) -> f32 {{ f{i}(x) + f{i}(x) }}\n", i + 1);
    }
    let found = at_once("calls that double", || {
        codes(&(text + "export fn f(x: f32) -> f32 { f60(x) }\n"))
    });
    assert_eq!(found, []);
}

#[test]
fn huge_constants_and_dims() {
    let wrong = [
        (
            "9223372036854775807 + 9223372036854775807 * 2",
            Code::DL0215,
        ),
        ("9223372036854775807 * 9223372036854775807", Code::DL0215),
        ("-9223372036854775808 - 1", Code::DL0215),
        ("10 ** 400", Code::DL0215),
        ("2 ** 4294967296", Code::DL0215),
        ("1 / 0", Code::DL0215),
        ("1 % 0", Code::DL0215),
        ("1e400", Code::DL0004),
        ("0xffffffffffffffffffff", Code::DL0004),
    ];
    for (value, code) in wrong {
        assert_eq!(codes(&format!("const A = {value}\n")), [code], "{value}");
    }
    for zeros in [400, 1_000_000] {
        let digits = format!("1{}", "0".repeat(zeros));
        assert_eq!(codes(&format!("const A = {digits}\n")), [Code::DL0004]);
        assert_eq!(codes(&format!("const A = {digits}.0\n")), [Code::DL0004]);
        let tiny = format!(
            "const A = 0.{}1\nfn f(x: f32) -> f32 {{ x + A }}\n",
            "0".repeat(zeros)
        );
        assert_eq!(codes(&tiny), []);
    }
    let dims = [
        ("9223372036854775807 * 2", Code::DL0215),
        ("9223372036854775807, 9223372036854775807", Code::DL0216),
        (
            "N * 9223372036854775807 * 9223372036854775807",
            Code::DL0215,
        ),
        ("4611686018427387904, 8", Code::DL0216),
        ("3037000500, 3037000500", Code::DL0216),
    ];
    for (dim, code) in dims {
        let text = format!("export fn f<N>(x: f32[{dim}]) -> f32 {{ sum(x) }}\n");
        assert_eq!(codes(&text), [code], "{dim}");
    }
    let power = ["(A + B + C + D)"; 30].join(" * ");
    let text = format!("fn f<A, B, C, D>(x: f32[{power}]) -> f32 {{ sum(x) }}\n");
    assert_eq!(at_once("a power of a sum", || codes(&text)), [Code::DL0216]);
}

#[test]
fn circles() {
    let calls = "fn a(x: f32) -> f32 { b(x) }\nfn b(x: f32) -> f32 { c(x) }\nfn c(x: f32) -> f32 { a(x) }\n";
    assert_eq!(codes(calls), [Code::DL0704]);
    let dims = "fn g<N>(x: f32[N]) -> f32[N] { g(concat([x, x]))[:N] }\n";
    assert_eq!(codes(dims), [Code::DL0704]);
    let structs = "struct A { b: B }\nstruct B { c: [A; 2] }\nfn f(a: A) {}\n";
    assert_eq!(codes(structs), [Code::DL0606]);
    let generic = "struct G<N> { g: G<N + 1>, x: f32[N] }\nfn f(g: G<1>) {}\n";
    assert_eq!(codes(generic), [Code::DL0606]);
    let consts = "const A = B\nconst B = C\nconst C = A\n";
    assert_eq!(codes(consts), [Code::DL0606]);
    let long: String = (0..5000)
        .map(|i| format!("const A{i} = A{} + 1\n", (i + 1) % 5000))
        .collect();
    assert_eq!(at_once("a long circle", || codes(&long)), [Code::DL0710]);
}

#[test]
fn imports_in_a_circle() {
    let mut files = MemoryFiles::default();
    for (name, text) in [
        ("a.dl", "import \"b.dl\"\nfn a(x: f32) -> f32 { b::b(x) }\n"),
        ("b.dl", "import \"c.dl\"\nfn b(x: f32) -> f32 { c::c(x) }\n"),
        ("c.dl", "import \"a.dl\"\nfn c(x: f32) -> f32 { a::a(x) }\n"),
        ("self.dl", "import \"self.dl\"\nfn f(x: f32) -> f32 { x }\n"),
    ] {
        files.0.insert(name.to_string(), text.to_string());
    }
    for name in ["a.dl", "self.dl"] {
        let checked = check(Source::new(name, files.0[name].clone()), &files);
        assert!(checked.program.is_none(), "{name}");
        let circle = checked
            .diagnostics
            .iter()
            .any(|one| one.code == Code::DL0606);
        assert!(circle, "{:?}", checked.diagnostics);
    }
}

/// Files of 16 MiB, the most that is read, of one token each; and smaller files of many.
#[test]
fn long_sources() {
    let most = |before: &str, fill: &str, after: &str, bytes: usize| {
        let times = (bytes - before.len() - after.len()) / fill.len();
        format!("{before}{}{after}", fill.repeat(times))
    };
    let end = "\nexport fn f(x: f32) -> f32 { x }\n";
    let found = |text: &str| at_once(&text[..40], || codes(text));
    let whole = MAX_SOURCE_BYTES;
    assert_eq!(found(&most("// ", "x", end, whole)), []);
    assert_eq!(found(&most("fn f() { print(\"", "x", "\") }", whole)), []);
    assert_eq!(
        found(&most("fn f(x: f32) -> f32 { ", "x", " }", whole)),
        [Code::DL0601]
    );
    assert_eq!(found(&most("const A = ", "1", "\n", whole)), [Code::DL0004]);
    assert_eq!(found(&most("", " ", end, whole + 1)), [Code::DL0007]);
    let part = 1 << 18;
    assert_eq!(found(&most("", "// x\n", end, part)), []);
    assert_eq!(found(&most("", "\n", end, part)), []);
    assert_eq!(
        found(&most(
            "export fn f(x: f32) -> f32 { ",
            "x + ",
            "x }\n",
            part
        )),
        [Code::DL0006]
    );
    assert_eq!(
        found(&most(
            "export fn f(x: f32) -> f32 {\n",
            "let y = 1\n",
            "x\n}\n",
            part
        )),
        [Code::DL0905]
    );
    assert_eq!(found(&most("", "$ ", "", part)), [Code::DL0001]);
    assert_eq!(found(&most("", "\"\n", "", part)), [Code::DL0002]);
    assert_eq!(found(&most("", "}", "", part)), [Code::DL0103]);
    assert_eq!(found(&most("", "(", "", part)), [Code::DL0006]);
    assert_eq!(
        found(&most(
            "export fn f(x: f32) -> f32 { let y = [",
            "x,",
            "]; x }\n",
            2 * part
        )),
        [Code::DL0216]
    );
}

#[test]
fn characters() {
    let good = body("  x");
    assert_eq!(codes(&format!("\u{feff}{good}")), []);
    assert_eq!(codes(&good.replace('\n', "\r\n")), []);
    assert_eq!(codes(&body("  x // \u{202e} turned over")), [Code::DL0001]);
    for bad in [
        '\0',
        '\u{1b}',
        '\u{feff}',
        '\u{200b}',
        '\u{a0}',
        '\u{202e}',
        '\u{2066}',
        '\u{ffff}',
        'é',
        '\u{1f600}',
    ] {
        assert_eq!(
            codes(&body(&format!("  x + {bad} x"))),
            [Code::DL0001],
            "{bad:?}"
        );
    }
}

/// Programs that are merely long.
#[test]
fn long_programs() {
    let lines: String = (0..10_000)
        .map(|i| format!("  let x{} = x{i} * 1.5 + x0\n", i + 1))
        .collect();
    let text = format!("fn f(x0: f32[4]) -> f32[4] {{\n{lines}  x10000\n}}\n");
    assert_eq!(at_once("10,000 lines", || codes(&text)), []);
    let text: String = (0..10_000)
        .map(|i| format!("fn f{i}(x: f32) -> f32 {{ x + {i} }}\n"))
        .collect();
    assert_eq!(at_once("10,000 functions", || codes(&text)), []);
    let chain: String = (1..10_000)
        .map(|i| format!("fn f{i}(x: f32) -> f32 {{ f{}(x) + {i} }}\n", i - 1))
        .collect();
    let text =
        format!("fn f0(x: f32) -> f32 {{ x }}\n{chain}export fn f(x: f32) -> f32 {{ f9999(x) }}\n");
    assert_eq!(at_once("10,000 calls", || codes(&text)), []);
    let fields: String = (0..2000)
        .map(|i| format!("a{i}: f32[{}], ", i % 7))
        .collect();
    let text = format!(
        "struct S {{ {fields} }}\nexport fn f(inout s: S) -> f32 {{\n  s = tree_map(|a| 2 * a, s)\n  sum(s.a1)\n}}\n"
    );
    assert_eq!(at_once("2,000 fields", || codes(&text)), []);
    let generic: String = (1..300)
        .map(|i| format!("fn g{i}<N>(x: f32[N]) -> f32[N] {{ g{}(x) }}\n", i - 1))
        .collect();
    let text = format!(
        "fn g0<N>(x: f32[N]) -> f32[N] {{ x }}\n{generic}export fn f<N>(x: f32[N]) -> f32[N] {{ g299(x) }}\n"
    );
    assert_eq!(at_once("300 generic functions", || codes(&text)), []);
    let nested: String = (1..300)
        .map(|i| format!("struct S{i}<N> {{ s: S{}<N> }}\n", i - 1))
        .collect();
    let text = format!(
        "struct S0<N> {{ a: f32[N] }}\n{nested}export fn f<N>(s: S299<N>) -> S299<N> {{ s }}\n"
    );
    assert_eq!(at_once("300 generic structs", || codes(&text)), []);
}

/// Thousands of errors in one file: a person sees some, and how many there are.
#[test]
fn thousands_of_errors() {
    let found = |line: &dyn Fn(usize) -> String| {
        let lines: String = (0..4000).map(line).collect();
        let text = format!("fn f(x: f32[3], y: f32[4]) {{\n{lines}}}\n");
        at_once("4,000 errors", || {
            let checked = check(Source::new("bad.dl", text), &NoFiles);
            assert_eq!(checked.diagnostics.len(), 4000);
            render(&checked.sources, &checked.diagnostics, Format::Plain)
        })
    };
    let same = found(&|_| "  x + nope\n".to_string());
    assert_eq!(same.matches("error[DL0601]").count(), 3);
    assert!(
        same.contains("the same 3997 more times, in lines 5, 6, 7, 8, 9 and others"),
        "{same}"
    );
    let different = found(&|i| format!("  x + nope{i}\n"));
    assert_eq!(different.matches("error[DL0601]").count(), 100);
    assert!(
        different.contains("3900 more errors are not shown"),
        "{different}"
    );
    let shapes = found(&|_| "  x + y\n".to_string());
    assert_eq!(shapes.matches("error[DL0202]").count(), 3);
}
