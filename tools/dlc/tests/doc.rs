//! `dlc doc`: the pages of programs and of the standard library, also as a browser shows them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::path::Path;
use std::process::{Command, Output};

use common::{dlc, folder, read};

const MODEL: &str = "\
//! A model.

/// How many classes there are.
const CLASSES = 5 * 2

/// Weights of [`score`].
struct Params<D> {
  /// One column for each class.
  w: f32[D, CLASSES],
  b: f32[CLASSES],
}

/// Uses `Params`; see [the layer](std::nn::linear) and [`Params.w`].
///
/// ```dl
/// import \"model.dl\"
/// fn f(p: model::Params<3>) -> f32[10] { model::score(p, ones([3])) }
/// ```
fn score<D>(p: Params<D>, x: f32[D]) -> f32[CLASSES] {
  use_nothing(x) @ p.w + p.b
}

fn use_nothing<D>(x: f32[D]) -> f32[D] { x } // & <b>

/// An entry point.
export fn predict<D in 1..=64>(p: Params<D>, x: f32[D]) -> i32 {
  argmax(std::nn::linear(x, std::nn::Linear { w: p.w, b: p.b }))
}

test \"scores\" { assert(true) }
";

fn done(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn signatures_lead_to_what_they_name() {
    let folder = folder(&[("model.dl", MODEL)]);
    let output = dlc(folder.path(), &["doc", "model.dl", "-o", "out"]);
    assert_eq!(done(&output), "out/index.html\n");
    assert_eq!(said(&output), "");
    let out = folder.path().join("out");
    let page = read(&out, "model.html");
    for part in [
        "<a class=\"t\" href=\"model.html#Params\">Params</a>",
        "<a class=\"v\" href=\"model.html#CLASSES\">CLASSES</a>",
        "// 10",
        "<a href=\"std.nn.html#linear\">the layer</a>",
        "<a href=\"model.html#Params\"><code>Params</code></a>",
        "href=\"model.html#Params.w\"",
        "id=\"Params.w\"",
        "One column for each class.",
        "href=\"model.source.html#L30\">scores</a>",
        "<span class=\"kind export\">export</span>",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    assert!(
        page.contains("{\n  <a class=\"p\" href=\"model.html#Params.w\">w</a>: "),
        "{page}"
    );
    // A body, and the doc comments of fields, are no part of a signature.
    assert!(!page.contains("use_nothing</a>(") && !page.contains("///"));
    let source = read(&out, "model.source.html");
    assert!(source.contains("id=\"L24\""));
    assert!(source.contains("// &amp; &lt;b&gt;"), "{source}");
    assert!(source.contains("href=\"std.nn.html#Linear\""));
    assert!(!read(&out, "std.nn.html").contains("model.html#score\""));
}

#[test]
fn links_to_nothing_are_warnings_with_a_place() {
    let text = "/// First.\n/// See [`clas`] and [`class`].\nfn class(x: f32) -> f32 { x }\n";
    let folder = folder(&[("a.dl", text)]);
    let output = dlc(folder.path(), &["doc", "a.dl", "--error-format=short"]);
    done(&output);
    let place = "a.dl:2:9: warning[DL0906]: `clas` in this doc comment names nothing\n";
    assert_eq!(said(&output), place);
    let denied = dlc(folder.path(), &["doc", "a.dl", "-D", "broken-doc-links"]);
    assert_eq!(denied.status.code(), Some(1), "{denied:?}");
    assert!(said(&denied).contains("there is `class`"), "{denied:?}");
}

#[test]
fn examples_are_checked_where_they_stand() {
    let folder = folder(&[("model.dl", MODEL)]);
    let output = dlc(folder.path(), &["doc", "--test", "model.dl"]);
    assert_eq!(done(&output), "1 example is as it should be\n");
    let output = dlc(folder.path(), &["doc", "--test", "std"]);
    assert_eq!(done(&output), "1 example is as it should be\n");
    let wrong = "\
/// ```dl,error=DL0203
/// fn f(x: f32[3]) -> f32[3] { x @ ones([4, 3]) }
/// ```
///
/// ```dl,error=DL0203
/// fn f(x: f32) -> f32 { x }
/// ```
struct A {
  /// ```dl
  /// fn g(x: f32) -> f32 { y }
  /// ```
  a: f32,
}
";
    std::fs::write(folder.path().join("wrong.dl"), wrong).unwrap();
    let output = dlc(
        folder.path(),
        &["doc", "--test", "wrong.dl", "--error-format=short"],
    );
    assert_eq!(output.status.code(), Some(1));
    let said = said(&output);
    assert!(said.contains("wrong.dl:10:29: error[DL0601]"), "{said}");
    assert!(
        said.contains("wrong.dl:6:") && said.contains("error[DL0609]"),
        "{said}"
    );
    assert_eq!(said.lines().count(), 2, "{said}");
    assert!(!folder.path().join("doc").exists());
}

#[test]
fn chapters_come_with_what_they_explain() {
    let files = [
        (
            "guide/SUMMARY.md",
            "# Summary\n\n[Start](start.md)\n\n# More\n\n- [Sums](deep/sums.md)\n",
        ),
        (
            "guide/start.md",
            "# Start\n\n[sums](deep/sums.md#two-sums), [gone](gone.md)\n\n```dl\n# use std::nn::linear\nfn f(x: f32[2]) -> f32 { sum(x) }\n```\n",
        ),
        (
            "guide/deep/sums.md",
            "# Sums\n\n## Two sums\n\n`sum(x, *, axis=none, keepdims=false)` adds; `std::nn::linear`; ![plot](p.svg)\n",
        ),
        ("guide/deep/p.svg", "<svg/>"),
        ("model.dl", MODEL),
    ];
    let folder = folder(&files);
    let arguments = [
        "doc",
        "model.dl",
        "--guide",
        "guide",
        "--title",
        "A & B",
        "--error-format=short",
    ];
    let output = dlc(folder.path(), &arguments);
    done(&output);
    let said = said(&output);
    assert!(
        said.starts_with("guide/start.md:3:32: warning[DL0906]: `gone.md` leads nowhere"),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1, "{said}");
    let out = folder.path().join("doc");
    let start = read(&out, "guide-start.html");
    assert!(
        start.contains("href=\"guide-deep-sums.html#two-sums\""),
        "{start}"
    );
    assert!(
        start.contains("href=\"guide-deep-sums.html#builtin-sum\">sum</a>"),
        "{start}"
    );
    assert!(!start.contains("use std"), "{start}");
    let sums = read(&out, "guide-deep-sums.html");
    assert!(
        sums.contains("id=\"builtin-sum\"") && sums.contains("guide-deep-p.svg"),
        "{sums}"
    );
    assert!(sums.contains("href=\"std.nn.html#linear\""), "{sums}");
    // The chapter before all parts is what is seen first.
    let index = read(&out, "index.html");
    assert!(index.contains("<title>A &amp; B</title>"), "{index}");
    assert!(index.contains(">Start</h1>"), "{index}");
    assert_eq!(read(&out, "guide-deep-p.svg"), "<svg/>");
    assert!(read(&out, "search.js").contains("[\"sum\",\"builtin\""));
}

#[test]
fn bad_input_is_refused() {
    let folder = folder(&[
        ("bad.dl", "fn f( -> \n"),
        ("m.mlir", ""),
        ("guide/a.md", "# A\n"),
    ]);
    let refused = |arguments: &[&str], status: i32, part: &str| {
        let output = dlc(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(status), "{output:?}");
        assert!(said(&output).contains(part), "{output:?}");
    };
    refused(&["doc", "bad.dl"], 1, "bad.dl:1:");
    refused(&["doc", "gone.dl"], 3, "gone.dl");
    refused(&["doc", "m.mlir"], 2, "not DL");
    refused(&["doc", "std::gone"], 2, "its modules are init");
    refused(&["doc", "std", "--guide", "guide"], 2, "SUMMARY.md");
    assert!(!folder.path().join("doc").exists());
}

/// The browser, where it is installed.
fn browser() -> Option<&'static str> {
    let names = [
        "chromium-headless-shell",
        "/usr/bin/chromium-headless-shell",
    ];
    let mut names = names.into_iter();
    let found = names.find(|name| Command::new(name).arg("--version").output().is_ok());
    if found.is_none() {
        println!("skipped: chromium-headless-shell is not installed");
    }
    found
}

/// What a page of a folder looks like to those who read it, after its scripts have run, and what they asked for.
fn opened(browser: &str, folder: &Path, page: &str) -> (String, String) {
    let log = folder.join("net.json");
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu"])
        .arg("--host-resolver-rules=MAP * ~NOTFOUND")
        .arg(format!("--log-net-log={}", log.display()))
        .arg("--dump-dom")
        .arg(format!("file://{}/{page}", folder.display()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let log = std::fs::read_to_string(log).unwrap();
    (String::from_utf8(output.stdout).unwrap(), log)
}

#[test]
fn a_browser_searches_the_standard_library_from_a_disk() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let output = dlc(
        folder.path(),
        &["doc", "std", "-o", ".", "-D", "broken-doc-links"],
    );
    assert_eq!(said(&output), "");
    done(&output);
    let (page, log) = opened(
        browser,
        folder.path(),
        "index.html?q=layer%20norm&theme=dark",
    );
    assert!(page.contains("data-theme=\"dark\""));
    let found = page.split("id=\"dlc-found\"").nth(1).unwrap();
    let first = found.split("href=\"").nth(1).unwrap();
    assert!(first.starts_with("std.nn.html#layer_norm\""), "{found}");
    assert!(found.contains("id=\"dlc-page\" hidden"), "{found}");
    // Words of doc comments are found, too; what is nowhere is not.
    let (page, _) = opened(browser, folder.path(), "std.nn.html?q=vaswani");
    assert!(page.contains("std.nn.html#Attention\""), "{page}");
    assert!(page.contains("<mark>Vaswani</mark>"));
    let (page, _) = opened(browser, folder.path(), "std.nn.html?q=zebra");
    assert!(page.contains("0 results"));
    // Nothing is asked for outside; a page that does so shows that the log would tell.
    assert!(
        !log.contains("http://") && !log.contains("https://"),
        "{log}"
    );
    let asking = "<img src=\"http://example.invalid/x.png\">";
    std::fs::write(folder.path().join("asking.html"), asking).unwrap();
    let (_, log) = opened(browser, folder.path(), "asking.html");
    assert!(log.contains("http://example.invalid/x.png"), "{log}");
}
