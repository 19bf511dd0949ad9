//! `dlc-opt`, and the registration of every pass with MLIR.

use dlc_dialects::{ir::context, pass};
use std::sync::Once;

/// Registers MLIR's passes and ours, once in a process; textual pipelines then know all of them.
pub fn register_all() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        context::register_upstream_passes();
        pass::register(dlc_autodiff::passes::PASSES);
        pass::register(dlc_lowering::passes::PASSES);
        pass::register(crate::faults::PASSES);
    });
}

/// mlir-opt's main with the `dl` dialect and our passes; `args` begin with the program's name. Gives the exit status.
pub fn opt_main(args: Vec<String>) -> i32 {
    register_all();
    context::opt_main(args)
}
