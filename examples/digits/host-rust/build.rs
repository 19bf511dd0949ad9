//! Compiles the model with `dlc`, and links the library. The bindings are `digits.rs` in `OUT_DIR`.

fn main() -> Result<(), dlc_build::Error> {
    dlc_build::compile("../digits.dl")
}
