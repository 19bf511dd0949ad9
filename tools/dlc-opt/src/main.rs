//! mlir-opt with the `dl` dialect and passes.

use dlc_dialects::{ir::context, pass};

fn main() {
    context::register_upstream_passes();
    pass::register(dlc_autodiff::passes::PASSES);
    pass::register(dlc_lowering::passes::PASSES);
    std::process::exit(context::opt_main(std::env::args()));
}
