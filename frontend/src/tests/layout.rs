//! What newlines, braces and brackets mean.

use super::{body, parsed};

#[test]
fn newlines_end_statements_when_the_expression_is_complete() {
    for (written, statements) in [
        ("a\nb", "a / b"),
        ("a; b", "a / b"),
        ("a;\n;b;", "a / b"),
        ("let x = a\n  + b", "let x = a + b"),
        ("let x = a +\n  b", "let x = a + b"),
        ("let x =\n  a", "let x = a"),
        ("a\n-b", "a / -b"),
        ("a\n(b)", "a / b"),
        ("a\n[b]", "a / [b]"),
        ("a\n!b", "a / !b"),
        ("a\n@ b", "a @ b"),
        ("a\n* b", "a * b"),
        ("a\n.b", "a.b"),
        ("a\n&& b\n|| c", "a && b || c"),
        ("f(a,\n\n  b\n)", "f(a, b)"),
        ("f(\n  -a\n  -b\n)", "f(-a - b)"),
        ("[1,\n 2,\n]", "[1, 2]"),
        ("x // comment\n\n\n// more\ny", "x / y"),
        (
            "if a\n{\n b }\nelse\n{\n c }",
            "if a { / b / } else { / c / }",
        ),
        ("for x in xs\n{ a }", "for x in xs { / a / }"),
        ("for x in xs { a } b", "for x in xs { / a / } / b"),
        ("while a { b } c", "while a { / b / } / c"),
        (
            "while a\n  within n + 1 { b }",
            "while a within n + 1 { / b / }",
        ),
        (
            "while within within within\n{ within }",
            "while within within within { / within / }",
        ),
        ("P {\n a: 1,\n b: 2\n}", "P { a: 1, b: 2 }"),
        ("x = P { a: 1 }\ny", "x = P { a: 1 } / y"),
        ("let f = a\n{ b }", "let f = a / { / b / }"),
        ("f(|x| {\n a\n -b\n})", "f(|x| { / a / -b / })"),
        (
            "f(if a { b\n-c } else { d })",
            "f(if a { / b / -c / } else { / d / })",
        ),
        ("return\n", "return"),
        ("return\n-x", "return / -x"),
    ] {
        assert_eq!(body(written), statements, "{written}");
    }
}

#[test]
fn a_brace_after_a_name_is_a_struct_but_not_in_heads() {
    assert_eq!(body("if a { b }"), "if a { / b / }");
    assert_eq!(
        body("if (P { a: 1 }).a { b }"),
        "if (P { a: 1 }.a) { / b / }"
    );
    assert_eq!(
        body("if f(P { a: 1 }) { b }"),
        "if (f(P { a: 1 })) { / b / }"
    );
    assert_eq!(
        body("for x in p.q { P { a: x } }"),
        "for x in p.q { / P { a: x } / }"
    );
    assert_eq!(
        body("if if a { b } else { c } { d }"),
        "if (if a { / b / } else { / c / }) { / d / }"
    );
}

#[test]
fn line_ends_and_byte_order_marks() {
    let unix = "const A = 1\nfn f() {\n  let x = 1\n  x\n}\n";
    for text in [
        unix.replace('\n', "\r\n"),
        format!("\u{feff}{unix}"),
        unix.trim_end().to_owned(),
    ] {
        let (file, diagnostics) = parsed(&text);
        assert_eq!(diagnostics, [], "{text:?}");
        assert_eq!(file.items.len(), 2);
    }
}

#[test]
fn files_without_items() {
    for text in ["", "\n", "  \t ", "// only a comment", "//! docs\n"] {
        let (file, diagnostics) = parsed(text);
        assert_eq!((file.items.len(), diagnostics.len()), (0, 0), "{text:?}");
    }
}

#[test]
fn words_that_are_keywords_only_in_their_place() {
    assert_eq!(
        body("let test = where(a, b, c)\ntest"),
        "let test = where(a, b, c) / test"
    );
    let (file, diagnostics) =
        parsed("fn f(test: f32) -> f32 where test <= where(a, 1, 2) { test }\ntest \"x\" { }\n");
    assert_eq!((file.items.len(), diagnostics), (2, vec![]));
}

#[test]
fn var_is_also_a_reduction() {
    for (written, statements) in [
        (
            "var x = var(y, axis=0)\nvar(x)",
            "var x = var(y, axis=0) / var(x)",
        ),
        (
            "var (a, (b, c)) = x; -var(a)",
            "var (a, (b, c)) = x / -var(a)",
        ),
        ("f(\n  var(x),\n  var=y\n)", "f(var(x), var=y)"),
        ("p.var + var", "p.var + var"),
    ] {
        assert_eq!(body(written), statements);
    }
    let (_, diagnostics) = parsed("fn f(mean: f32, var: f32) -> f32 { var }\n");
    assert_eq!(diagnostics, []);
}

#[test]
fn nesting_is_limited_everywhere_without_overflow() {
    let function = |body: String| format!("fn f(x: f32) -> f32 {{\n  let y = {body}\n  y\n}}\n");
    let pairs =
        |open: &str, close: &str, n: usize| function(open.repeat(n) + "1" + &close.repeat(n));
    for n in [100, 300, 10_000] {
        for (what, text) in [
            ("parentheses", pairs("(", ")", n)),
            ("lists", pairs("[", "]", n)),
            ("blocks", pairs("{", "}", n)),
            ("calls", pairs("f(", ")", n)),
            ("structs", pairs("A { a: ", "}", n)),
            ("branches", pairs("if a { ", " } else { 1 }", n)),
            (
                "loops",
                format!(
                    "fn f() {{ {} 1 {} }}",
                    "while a { ".repeat(n),
                    " }".repeat(n)
                ),
            ),
            ("minus", function("- ".repeat(n) + "1")),
            ("not", function("!".repeat(n) + "a")),
            ("sums", function("1 + ".repeat(n) + "1")),
            ("powers", function("2 ** ".repeat(n) + "1")),
            ("fields", function("a".to_owned() + &".b".repeat(n))),
            ("indices", function("a".to_owned() + &"[0]".repeat(n))),
            ("functions", function("|x| ".repeat(n) + "1")),
            ("else if", function("if a { 1 } else ".repeat(n) + "{ 1 }")),
            (
                "tuple types",
                format!("fn f(x: {}f32{}) {{ }}", "(".repeat(n), ",)".repeat(n)),
            ),
            (
                "list types",
                format!("struct A {{ x: {}f32{} }}", "[".repeat(n), "; 2]".repeat(n)),
            ),
            (
                "function types",
                format!("fn f(x: {}f32) {{ }}", "fn() -> ".repeat(n)),
            ),
            (
                "patterns",
                format!("fn f() {{ let {}a{} = 1 }}", "(".repeat(n), ",)".repeat(n)),
            ),
        ] {
            let (_, diagnostics) = parsed(&text);
            let codes: Vec<&str> = diagnostics
                .iter()
                .map(|diagnostic| diagnostic.code.name())
                .collect();
            let expected: &[&str] = if n > 256 { &["DL0006"] } else { &[] };
            assert_eq!(codes, expected, "{what} {n}");
        }
    }
}
