//! `dlc-opt`, also as a language server, and the registration of every pass with MLIR.

use dlc_dialects::{
    ir::{context, mains},
    pass,
};
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

/// mlir-opt's main with the `dl` dialect and our passes; `args` begin with the program's name. After `--lsp` it is the
/// main of MLIR's language server. Gives the exit status.
pub fn opt_main(mut args: Vec<String>) -> i32 {
    register_all();
    if args.get(1).is_some_and(|first| first == "--lsp") {
        args.remove(1);
        return mains::lsp_main(args);
    }
    mains::opt_main(args)
}
