//! Builds the model of a package, `NAME.dl` in its folder, with `dlc` (the program that `DLC` names, or else the one in
//! `PATH`) and links the library. The bindings are `NAME.rs` in `OUT_DIR`.

use std::{env, process::Command};

fn main() {
    let variable = |name: &str| env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"));
    let (name, out) = (variable("CARGO_PKG_NAME"), variable("OUT_DIR"));
    let dlc = env::var("DLC").unwrap_or_else(|_| "dlc".into());
    let status = Command::new(&dlc)
        .args([
            "build",
            &format!("{name}.dl"),
            "--emit=staticlib,rust",
            "-o",
            &out,
        ])
        .status()
        .unwrap_or_else(|error| panic!("cannot run `{dlc}`, which DLC may name: {error}"));
    assert!(status.success(), "`{dlc}` could not build {name}.dl");
    println!("cargo:rustc-link-search=native={out}");
    println!("cargo:rustc-link-lib=static={name}");
    println!("cargo:rerun-if-changed={name}.dl");
    println!("cargo:rerun-if-env-changed=DLC");
    if dlc.contains('/') {
        println!("cargo:rerun-if-changed={dlc}");
    }
}
