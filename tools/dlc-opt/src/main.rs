//! mlir-opt with the `dl` dialect and passes.

fn main() {
    std::process::exit(dlc_driver::opt_main(std::env::args().collect()));
}
