//! Builds the model of a package, `NAME.dl` in its folder, and links the library. The bindings are `NAME.rs` in `OUT_DIR`.

fn main() -> Result<(), dlc_build::Error> {
    dlc_build::compile(concat!(env!("CARGO_PKG_NAME"), ".dl"))
}
