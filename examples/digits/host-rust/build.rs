//! Links the library that `dlc build digits.dl --emit=staticlib,rust -o DIR` wrote, and takes its bindings from there.

fn main() {
    println!("cargo:rerun-if-env-changed=DIGITS_LIB_DIR");
    let folder = std::env::var("DIGITS_LIB_DIR")
        .expect("set DIGITS_LIB_DIR to the folder that `dlc build` wrote; `cargo xtask demo` does all of it");
    println!("cargo:rerun-if-changed={folder}/libdigits.a");
    println!("cargo:rerun-if-changed={folder}/digits.rs");
    println!("cargo:rustc-link-search=native={folder}");
    println!("cargo:rustc-link-lib=static=digits");
}
