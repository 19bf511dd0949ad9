//! Bad input to `dlc`: what it says, its exit status, and that nothing is left behind.

use crate::{files, host};
use anyhow::{Context, Result, ensure};
use dlc_runtime::{Tensor, formats};
use std::{fs, path::Path};

/// A wrong use of `dlc` in a folder that `prepare` has filled.
pub struct Bad {
    /// Its name.
    pub name: &'static str,
    /// The arguments, separated by spaces.
    pub args: &'static str,
    /// The exit status.
    pub status: i32,
    /// What the message has, in order of appearance.
    pub text: &'static [&'static str],
}

const fn bad(
    name: &'static str,
    args: &'static str,
    status: i32,
    text: &'static [&'static str],
) -> Bad {
    Bad {
        name,
        args,
        status,
        text,
    }
}

/// The table.
pub const TABLE: &[Bad] = &[
    bad(
        "missing-file",
        "run sum.dl::f --input x=@none.npy",
        3,
        &["cannot read none.npy", "help:"],
    ),
    bad(
        "truncated-file",
        "run sum.dl::f --input x=@short.npy",
        1,
        &["short.npy", "truncated", "help:"],
    ),
    bad(
        "no-npy",
        "run sum.dl::f --input x=@sum.dl",
        1,
        &["sum.dl", "help:"],
    ),
    bad(
        "other-type",
        "run sum.dl::f --input x=@f64.npy",
        1,
        &["DL1006", "x is f64, expected f32", "help:"],
    ),
    bad(
        "other-rank",
        "run sum.dl::f --input x=zeros(3)",
        1,
        &["DL1003", "x has shape [3]"],
    ),
    bad(
        "other-dim",
        "run sum.dl::f --input x=zeros(3,5)",
        1,
        &["DL1003", "expected [N, 4]"],
    ),
    bad(
        "dim-range",
        "run sum.dl::f --input x=zeros(9,4)",
        1,
        &["DL1001", "N = 9", "1..=8", "sum.dl:1"],
    ),
    bad(
        "condition",
        "run even.dl::f --input x=zeros(3)",
        1,
        &["DL1002", "N % 2"],
    ),
    bad(
        "dim-not-given",
        "run open.dl::f --input x=1",
        1,
        &[
            "DL1004",
            "no input gives the dim N",
            "help: give it with --dim N=SIZE",
        ],
    ),
    bad(
        "unknown-dim",
        "run open.dl::f --input x=1 --dim Q=3",
        1,
        &["DL1005", "there is no dim Q", "help: its dims are N"],
    ),
    bad("no-input", "run sum.dl::f", 1, &["no input for x", "help:"]),
    bad(
        "unknown-input",
        "run sum.dl::f --input y=zeros(3,4)",
        1,
        &["there is no parameter y", "help:"],
    ),
    bad(
        "unknown-export",
        "run sum.dl::g --input x=zeros(3,4)",
        1,
        &["there is no export g", "help: its exports are f"],
    ),
    bad(
        "literal",
        "run sum.dl::f --input x=many",
        2,
        &["`many` is no value", "help:"],
    ),
    bad(
        "overflowing-input",
        "run any.dl::f --input x=zeros(4611686018427387904,8)",
        1,
        &["f32[4611686018427387904, 8]"],
    ),
    bad(
        "unwritable-output",
        "run sum.dl::f --input x=zeros(3,4) --output out=@none/out.npy",
        3,
        &["none/out.npy", "help:"],
    ),
    bad(
        "unknown-output",
        "run sum.dl::f --input x=zeros(3,4) --output y=@y.npy",
        2,
        &["f has no output y", "help: its outputs are out"],
    ),
    bad(
        "missing-source",
        "build none.dl -o out",
        3,
        &["cannot read none.dl", "help:"],
    ),
    bad(
        "endless-source",
        "check /dev/zero",
        1,
        &["/dev/zero is larger than 64 MiB"],
    ),
    bad(
        "folder-as-source",
        "check .",
        3,
        &["cannot read .: is a directory", "help: give a file"],
    ),
    bad(
        "no-utf8",
        "build bytes.dl -o out",
        1,
        &["bytes.dl", "UTF-8", "help:"],
    ),
    bad(
        "empty-source",
        "run empty.dl::f",
        1,
        &["there is no export f"],
    ),
    bad(
        "unwritable-folder",
        "build sum.dl -o sum.dl/out",
        3,
        &["sum.dl/out", "help:"],
    ),
    bad(
        "lexical-error",
        "build lex.dl -o out",
        1,
        &["error[DL", "lex.dl:1:"],
    ),
    bad(
        "syntax-error",
        "build syntax.dl -o out",
        1,
        &["error[DL", "syntax.dl:1:"],
    ),
    bad(
        "unknown-name",
        "build name.dl -o out",
        1,
        &["error[DL", "name.dl:1:", "yy"],
    ),
    bad(
        "type-error",
        "build type.dl -o out",
        1,
        &["error[DL", "type.dl:1:"],
    ),
    bad(
        "shape-error",
        "build shape.dl -o out",
        1,
        &["error[DL0203]", "inner dims", "shape.dl:1:"],
    ),
    bad(
        "deep-nesting",
        "build deep.dl -o out",
        1,
        &["error[DL0006]", "deep.dl:1:", "help:"],
    ),
    bad(
        "deep-blocks",
        "build blocks.dl -o out",
        1,
        &["error[DL0006]", "blocks.dl:1:", "help:"],
    ),
    bad(
        "long-chain",
        "build chain.dl -o out",
        1,
        &["error[DL", "chain.dl:1:"],
    ),
    bad(
        "overflowing-shape",
        "build overflow.dl -o out",
        1,
        &["error[DL0216]", "overflow.dl:1:"],
    ),
    bad(
        "unknown-kind",
        "build sum.dl --emit=foo -o out",
        2,
        &["foo", "help:"],
    ),
    bad(
        "unknown-cpu",
        "build sum.dl --target-cpu=foo -o out",
        2,
        &["unknown CPU `foo`", "help:"],
    ),
    bad(
        "wheel-version",
        "build sum.dl --emit=wheel --package-version=v1 -o out",
        2,
        &["`v1` is no version of a Python package", "help:"],
    ),
    bad(
        "unknown-gpu",
        "build sum.dl --gpu=sm_70 -o out",
        2,
        &["no GPU is called `sm_70`", "help:", "sm_90a"],
    ),
    bad(
        "unknown-flag",
        "build sum.dl --emti=obj",
        2,
        &["--emti", "--emit"],
    ),
    bad("unknown-command", "biuld sum.dl", 2, &["biuld", "build"]),
    bad("no-file", "build", 2, &["FILE"]),
    bad("unknown-code", "explain DL9999", 2, &["DL9999"]),
];

/// Fills a folder with the files that the table names.
fn prepare(folder: &Path) -> Result<()> {
    let nested = |open: &str, middle: &str, close: &str| {
        format!(
            "export fn f(x: f32) -> f32 {{ {}{middle}{} }}\n",
            open.repeat(10_000),
            close.repeat(10_000)
        )
    };
    let huge = "f32[4611686018427387904, 8]";
    for (name, text) in [
        (
            "sum.dl",
            "export fn f<N in 1..=8>(x: f32[N, 4]) -> f32 { sum(x) }\n".to_string(),
        ),
        (
            "any.dl",
            "export fn f<N>(x: f32[N, 8]) -> f32 { sum(x) }\n".into(),
        ),
        (
            "even.dl",
            "export fn f<N>(x: f32[N]) -> f32 where N % 2 == 0 { sum(x) }\n".into(),
        ),
        (
            "open.dl",
            "export fn f<N>(x: f32) -> f32[N] { full([N], x) }\n".into(),
        ),
        ("empty.dl", String::new()),
        ("lex.dl", "export fn f(x: f32) -> f32 { x $ 1 }\n".into()),
        ("syntax.dl", "export fn f(x: f32) -> f32 { x + }\n".into()),
        ("name.dl", "export fn f(x: f32) -> f32 { x + yy }\n".into()),
        (
            "type.dl",
            "export fn f(x: f32, i: i32) -> f32 { x + i }\n".into(),
        ),
        (
            "shape.dl",
            "export fn f(x: f32[2, 3], y: f32[4, 5]) -> f32[2, 5] { x @ y }\n".into(),
        ),
        ("deep.dl", nested("(", "x", ")")),
        ("blocks.dl", nested("{", "x", "}")),
        ("chain.dl", nested("x + ", "", "")),
        (
            "overflow.dl",
            format!("export fn f(x: f32) -> {huge} {{ full([4611686018427387904, 8], x) }}\n"),
        ),
    ] {
        fs::write(folder.join(name), text)?;
    }
    fs::write(folder.join("bytes.dl"), (0..=255u8).collect::<Vec<_>>())?;
    let x = Tensor::from_slice(&[3, 4], &[1.0f32; 12])?;
    formats::write_tensor(&folder.join("short.npy"), &x)?;
    let bytes = fs::read(folder.join("short.npy"))?;
    fs::write(folder.join("short.npy"), &bytes[..bytes.len() - 7])?;
    formats::write_tensor(
        &folder.join("f64.npy"),
        &Tensor::from_slice(&[3, 4], &[1.0f64; 12])?,
    )?;
    Ok(())
}

/// The files of a folder and below.
fn listing(folder: &Path) -> Result<Vec<String>> {
    let mut names = vec![];
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        names.push(path.display().to_string());
        if path.is_dir() {
            names.extend(listing(&path)?);
        }
    }
    names.sort();
    Ok(names)
}

/// Runs a line of the table.
pub fn run(bad: &Bad) -> Result<()> {
    let folder = tempfile::tempdir()?;
    prepare(folder.path())?;
    let before = listing(folder.path())?;
    let mut command = host::dlc()?;
    command
        .args(bad.args.split(' '))
        .current_dir(folder.path())
        .env("NO_COLOR", "1");
    let output = command
        .output()
        .with_context(|| format!("cannot run {command:?}"))?;
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    let shown = || format!("`dlc {}`: {}\n{}", bad.args, output.status, clip(&message));
    ensure!(
        output.status.code() == Some(bad.status),
        "{}\nstatus {} is expected",
        shown(),
        bad.status
    );
    let mut rest = message.as_str();
    for text in bad.text {
        let at = rest
            .find(text)
            .with_context(|| format!("{}\n`{text}` is missing", shown()))?;
        rest = &rest[at..];
    }
    ensure!(!message.contains("panicked"), "{}", shown());
    let after = listing(folder.path())?;
    ensure!(
        before == after,
        "{}\nleaves files behind: {after:?}",
        shown()
    );
    Ok(())
}

fn clip(text: &str) -> &str {
    match text.char_indices().nth(2000) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

/// A comparison with a Python package, a script in this folder: `None` when it ran and agreed, or why it was skipped.
pub fn python(script: &str) -> Result<Option<String>> {
    let python = std::env::var("DLC_PYTHON").unwrap_or_else(|_| "python3".into());
    if host::tool(&python).is_none() && !Path::new(&python).is_file() {
        return Ok(Some(format!("{python} is not installed")));
    }
    let mut command = std::process::Command::new(python);
    command
        .env("DLC_CACHE_DIR", "")
        .arg(files::root().join(script))
        .arg(files::tools()?.join("dlc"));
    let output = host::run(&mut command)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text
        .strip_prefix("skipped: ")
        .map(|reason| reason.trim().to_string()))
}
