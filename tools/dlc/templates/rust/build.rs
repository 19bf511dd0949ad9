//! Builds the model by `dlc`, the program that the variable DLC names or else the one in PATH, and links it.

use std::{env, process::Command};

fn main() {
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    let dlc = env::var("DLC").unwrap_or_else(|_| "dlc".into());
    let status = Command::new(&dlc)
        .args(["build", "spiral.dl", "--emit=staticlib,rust", "-o", &out])
        .status()
        .unwrap_or_else(|error| panic!("cannot run `{dlc}`, which DLC may name: {error}"));
    assert!(status.success(), "`{dlc} build spiral.dl` ended with {status}");
    println!("cargo:rerun-if-changed=spiral.dl");
    println!("cargo:rerun-if-env-changed=DLC");
    println!("cargo:rustc-link-search=native={out}");
    println!("cargo:rustc-link-lib=static=spiral");
}
