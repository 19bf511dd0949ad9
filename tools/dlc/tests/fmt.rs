//! `dlc fmt`: what it writes, what it leaves alone, and its exit statuses.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{dlc, folder, read};

const UGLY: &str = "// why\nfn f( x:f32 )->f32 { x+1 } // end\n";
const NICE: &str = "// why\nfn f(x: f32) -> f32 { x + 1 } // end\n";

#[test]
fn files_and_folders_are_rewritten_in_place() {
    let files = [
        ("a.dl", UGLY),
        ("lib/deep/b.dl", UGLY),
        ("lib/c.txt", UGLY),
        ("lib/.hidden/d.dl", UGLY),
    ];
    let folder = folder(&files);
    let output = dlc(folder.path(), &["fmt", "a.dl", "lib"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stdout.is_empty() && output.stderr.is_empty());
    assert_eq!(read(folder.path(), "a.dl"), NICE);
    assert_eq!(read(folder.path(), "lib/deep/b.dl"), NICE);
    assert_eq!(read(folder.path(), "lib/c.txt"), UGLY);
    assert_eq!(read(folder.path(), "lib/.hidden/d.dl"), UGLY);
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 2, "no temporary file stays");
}

#[test]
fn formatted_files_are_not_touched() {
    let folder = folder(&[("a.dl", NICE)]);
    let path = folder.path().join("a.dl");
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    drop(file);
    let output = dlc(folder.path(), &["fmt", "a.dl"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
    assert_eq!(modified, std::time::UNIX_EPOCH);
}

#[test]
fn check_shows_what_would_change_and_changes_nothing() {
    let folder = folder(&[("a.dl", UGLY), ("b.dl", NICE)]);
    let output = dlc(folder.path(), &["fmt", "--check", "."]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let diff = String::from_utf8(output.stdout).unwrap();
    assert!(
        diff.contains("-fn f( x:f32 )->f32 { x+1 } // end\n"),
        "{diff}"
    );
    assert!(
        diff.contains("+fn f(x: f32) -> f32 { x + 1 } // end\n"),
        "{diff}"
    );
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("a.dl is not formatted"), "{said}");
    assert!(!said.contains("b.dl"), "{said}");
    assert_eq!(read(folder.path(), "a.dl"), UGLY);
    assert_eq!(
        dlc(folder.path(), &["fmt", "--check", "b.dl"])
            .status
            .code(),
        Some(0)
    );
}

#[test]
fn standard_input_goes_to_standard_output() {
    let mut process = Command::new(env!("CARGO_BIN_EXE_dlc"))
        .args(["fmt", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = process.stdin.take().unwrap();
    stdin.write_all(UGLY.as_bytes()).unwrap();
    drop(stdin);
    let output = process.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), NICE);
}

#[test]
fn files_with_errors_stay_as_they_are_and_others_are_formatted() {
    let wrong = "fn f( x:f32 ->f32 { x+1 }\n";
    let folder = folder(&[("a.dl", wrong), ("b.dl", UGLY)]);
    let output = dlc(folder.path(), &["fmt", "a.dl", "b.dl"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("error[DL01") && said.contains("a.dl:1:"),
        "{said}"
    );
    assert_eq!(read(folder.path(), "a.dl"), wrong);
    assert_eq!(read(folder.path(), "b.dl"), NICE);
}

#[test]
fn what_cannot_be_read_or_written_is_said() {
    let folder = folder(&[("a.dl", UGLY), ("empty/a.txt", "")]);
    let output = dlc(folder.path(), &["fmt", "none.dl"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let output = dlc(folder.path(), &["fmt", "empty"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let path = folder.path().join("a.dl");
    let mut permissions = std::fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&path, permissions).unwrap();
    let output = dlc(folder.path(), &["fmt", "a.dl"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert_eq!(read(folder.path(), "a.dl"), UGLY);
}

#[test]
fn the_code_of_a_formatted_program_is_the_same() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for name in ["examples/digits/digits.dl", "test/models/control.dl"] {
        let nice = std::fs::read_to_string(root.join(name)).unwrap();
        let ugly = nice
            .replace(", ", " ,")
            .replace("  ", "\t")
            .replace(" = ", "=");
        let ugly = ugly.replace(") -> ", ")\n\n->");
        let folder = folder(&[("m.dl", &ugly)]);
        let code = || {
            let output = dlc(folder.path(), &["build", "m.dl", "--emit=dl", "-o", "-"]);
            assert_eq!(output.status.code(), Some(0), "{output:?}");
            let text = String::from_utf8(output.stdout).unwrap();
            let lines = text.lines().filter(|line| !line.starts_with("#loc"));
            let without_places =
                |line: &str| without_lines(line.split(" loc(").next().unwrap(), "m.dl");
            lines.map(without_places).collect::<Vec<_>>()
        };
        let before = code();
        assert!(before.len() > 10);
        assert_eq!(dlc(folder.path(), &["fmt", "m.dl"]).status.code(), Some(0));
        assert_ne!(read(folder.path(), "m.dl"), ugly);
        assert_eq!(code(), before);
    }
}

/// A text without the lines that places in a file of that name have.
fn without_lines(text: &str, name: &str) -> String {
    let mut parts = text.split(name);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let rest = part.strip_prefix(':').unwrap_or(part);
        text + name + rest.trim_start_matches(|c: char| c.is_ascii_digit())
    })
}

#[test]
fn a_formatted_program_builds_to_the_same_bytes() {
    const KINDS: [&str; 4] = ["libm.a", "libm.so", "m.h", "m.json"];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for name in ["examples/digits/digits.dl", "test/models/control.dl"] {
        let nice = std::fs::read_to_string(root.join(name)).unwrap();
        let built = |text: &str, fmt: bool| {
            let folder = folder(&[("m.dl", text)]);
            if fmt {
                assert_eq!(dlc(folder.path(), &["fmt", "m.dl"]).status.code(), Some(0));
                assert_eq!(read(folder.path(), "m.dl"), nice);
            }
            let build = ["build", "m.dl", "--no-cache", "-o", "out"];
            let output = dlc(folder.path(), &build);
            assert_eq!(output.status.code(), Some(0), "{output:?}");
            KINDS.map(|kind| std::fs::read(folder.path().join("out").join(kind)).unwrap())
        };
        // Other blanks in the lines: all is the same, byte by byte.
        let ugly: String = nice
            .split_inclusive('\n')
            .map(|line| match line.contains("//") {
                true => line.to_owned(),
                false => line.replace(", ", " ,  ").replace(" = ", "="),
            })
            .collect();
        assert_ne!(ugly, nice);
        let formatted = built(&ugly, true);
        assert!(built(&ugly, false) == formatted, "{name}");
        // Other lines: what a failure says of its place is other, too.
        let long = format!("\n\n{}", ugly.replace(") -> ", ")\n\n->"));
        for (kind, (a, b)) in KINDS.iter().zip(built(&long, false).iter().zip(&formatted)) {
            if let (Ok(a), Ok(b)) = (std::str::from_utf8(a), std::str::from_utf8(b)) {
                assert_eq!(
                    without_lines(a, "m.dl"),
                    without_lines(b, "m.dl"),
                    "{name}: {kind}"
                );
            }
        }
    }
}

/// All files below a folder that are called `.dl`, with `/` between the parts of their paths.
fn programs(root: &Path, folder: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(root.join(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = [folder, &name].join("/");
        if entry.file_type().unwrap().is_dir() {
            if !name.starts_with('.') && !["target", "node_modules"].contains(&&*name) {
                programs(root, &path, found);
            }
        } else if name.ends_with(".dl") {
            found.push(path);
        }
    }
}

#[test]
fn every_program_of_the_repository_is_formatted() {
    // Their layout is what they test, or a golden shows lines of it.
    const OTHERS: [&str; 8] = [
        "./test/frontend/built/DL0314-steps.dl",
        "./test/frontend/err/DL0310-axes.dl",
        "./test/frontend/err/DL0401-captured.dl",
        "./test/frontend/ok/DL0905-unused.dl",
        "./test/frontend/ok/items.dl",
        "./test/frontend/ok/lines.dl",
        "./test/frontend/ok/where.dl",
        "./test/frontend/ok/while.dl",
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut paths = Vec::new();
    programs(&root, ".", &mut paths);
    assert!(paths.len() > 300, "{}", paths.len());
    paths.retain(|path| !OTHERS.contains(&&**path));
    // What does not parse is the input of a test of messages.
    let may_be_wrong =
        |path: &String| path.contains("/frontend/err/") || path.contains("/frontend/fuzz/");
    let (wrong, right): (Vec<_>, Vec<_>) = paths.iter().partition(|path| may_be_wrong(path));
    for (paths, status) in [(right, 0), (wrong, 1)] {
        let mut arguments = vec!["fmt", "--check"];
        arguments.extend(paths.into_iter().map(String::as_str));
        let output = dlc(&root, &arguments);
        let differences = String::from_utf8_lossy(&output.stdout);
        assert!(differences.is_empty(), "run `dlc fmt`:\n{differences}");
        assert_eq!(output.status.code(), Some(status), "{output:?}");
    }
}

#[cfg(unix)]
#[test]
fn links_and_permissions_stay() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder(&[("real.dl", UGLY)]);
    let (real, link) = (folder.path().join("real.dl"), folder.path().join("link.dl"));
    std::os::unix::fs::symlink("real.dl", &link).unwrap();
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o640)).unwrap();
    let output = dlc(folder.path(), &["fmt", "link.dl"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(link.is_symlink());
    assert_eq!(read(folder.path(), "real.dl"), NICE);
    let mode = std::fs::metadata(&real).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}
