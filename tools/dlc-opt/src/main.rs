//! mlir-opt with the `dl` dialect and passes; after `--lsp` MLIR's language server with them.

fn main() {
    std::process::exit(dlc_driver::opt_main(std::env::args().collect()));
}
