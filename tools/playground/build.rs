//! Where the crate is a module of WebAssembly: links MLIR as `cargo xtask playground` compiled it.

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=DLC_PLAYGROUND_MLIR");
    if env::var("CARGO_CFG_TARGET_FAMILY").as_deref() != Ok("wasm") {
        return;
    }
    let Ok(archive) = env::var("DLC_PLAYGROUND_MLIR") else {
        println!("cargo:warning=DLC_PLAYGROUND_MLIR is not set; use `cargo xtask playground`");
        return;
    };
    println!("cargo:rerun-if-changed={archive}");
    println!("cargo:rustc-cdylib-link-arg={archive}");
    // Nested programs make for deep recursion.
    println!("cargo:rustc-cdylib-link-arg=-zstack-size=16777216");
}
