//! A build script's use of the crate, with a compiler of a few lines of shell in the place of `dlc`.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use dlc_build::{Build, Error};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A program that says a version, and writes what it was called with where the bindings would be.
fn compiler(folder: &Path, version: &str, rest: &str) -> PathBuf {
    let path = folder.join("fake-dlc");
    let text = format!(
        "#!/bin/sh\nif [ \"$1\" = --version ]; then echo '{version}'; exit 0; fi\n{rest}\n"
    );
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn own() -> String {
    format!("dlc {}", env!("CARGO_PKG_VERSION"))
}

#[test]
fn the_compiler_is_run_and_its_files_are_known() {
    let folder = tempfile::tempdir().unwrap();
    let write = "echo \"$*\" > \"$4/my_model.rs\"\necho \"$4/my_model.a: my-model.dl lib/a\\\\ b.dl\" > \"$4/my_model.d\"";
    let dlc = compiler(folder.path(), &own(), write);
    let build = Build::new("my-model.dl")
        .compiler(&dlc)
        .out_dir(folder.path());
    let compiled = build
        .target_cpu("x86-64-v3")
        .threads(4)
        .opt_level(1)
        .gpu("sm_80")
        .compile()
        .unwrap();
    assert_eq!(compiled.stem, "my_model");
    assert_eq!(compiled.files, ["my-model.dl", "lib/a b.dl"]);
    let called = std::fs::read_to_string(folder.path().join("my_model.rs")).unwrap();
    let expected =
        "--emit=staticlib,rust,dep-info --target-cpu x86-64-v3 --threads=4 -O1 --gpu sm_80";
    assert!(called.contains(expected), "{called}");
    assert_eq!(called.contains("ndarray"), cfg!(feature = "ndarray"));
}

#[test]
fn what_goes_wrong_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let error = |dlc: &Path| {
        let build = Build::new("m.dl").compiler(dlc).out_dir(folder.path());
        build.compile().unwrap_err()
    };
    let none = error(Path::new("/none/dlc"));
    assert!(matches!(none, Error::NoCompiler { .. }));
    assert!(
        none.to_string()
            .contains("name it by the environment variable DLC"),
        "{none}"
    );
    let other = error(&compiler(folder.path(), "dlc 99.0.0", ""));
    assert!(matches!(other, Error::Version { .. }));
    assert!(
        other.to_string().contains("says that it is `dlc 99.0.0`"),
        "{other}"
    );
    let silent = error(&compiler(folder.path(), "", ""));
    assert!(matches!(silent, Error::Version { .. }), "{silent}");
    let failed = error(&compiler(
        folder.path(),
        &own(),
        "echo 'error: no' >&2; exit 1",
    ));
    assert!(matches!(failed, Error::Failed { .. }));
    assert!(
        failed.to_string().starts_with("dlc could not compile m.dl"),
        "{failed}"
    );
    let empty = error(&compiler(folder.path(), &own(), ""));
    assert!(matches!(empty, Error::File { .. }), "{empty}");
    // It is what cargo shows.
    assert_eq!(format!("{empty:?}"), empty.to_string());
}
