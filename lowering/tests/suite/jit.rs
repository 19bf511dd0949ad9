//! Compiles MLIR in the process and calls it, for tests that compare numbers.

use dlc_dialects::{ir::context::register_upstream_passes, pass};
use melior::{ExecutionEngine, ir::Module, pass::PassManager};
use std::sync::Once;

fn lowered<T>(text: &str, pipeline: &str, then: impl FnOnce(&Module) -> T) -> T {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        register_upstream_passes();
        pass::register(dlc_lowering::passes::PASSES);
    });
    let context = dlc_dialects::context();
    let mut module = Module::parse(&context, text).expect("the test's module is well formed");
    let manager = PassManager::new(&context);
    pass::parse_pipeline(&manager, pipeline).expect("the pipeline is well formed");
    manager.run(&mut module).expect("the module can be lowered");
    then(&module)
}

/// A module's text after a textual pipeline.
pub fn lower(text: &str, pipeline: &str) -> String {
    lowered(text, pipeline, |module| module.as_operation().to_string())
}

/// Compiles a module through a textual pipeline that ends in the LLVM dialect, at a level of optimisation.
pub fn compile(text: &str, pipeline: &str, level: usize) -> ExecutionEngine {
    lowered(text, pipeline, |module| {
        ExecutionEngine::new(module, level, &[], false, false)
    })
}

/// A memref descriptor of any rank, contiguous.
pub struct Memref(Vec<i64>);

impl Memref {
    /// The descriptor of values in a shape.
    pub fn new<T>(values: &mut [T], shape: &[i64]) -> Self {
        let at = values.as_mut_ptr() as i64;
        let mut words = vec![at, at, 0];
        words.extend(shape);
        words.extend((0..shape.len()).map(|i| shape[i + 1..].iter().product::<i64>()));
        Self(words)
    }
}

/// Calls a function of three memrefs that has `llvm.emit_c_interface`.
pub fn call(engine: &ExecutionEngine, name: &str, [a, b, c]: [&mut Memref; 3]) {
    type Compiled = unsafe extern "C" fn(*mut i64, *mut i64, *mut i64);
    let at = engine.lookup(&format!("_mlir_ciface_{name}"));
    assert!(!at.is_null(), "{name}");
    let function: Compiled = unsafe { std::mem::transmute(at) };
    unsafe { function(a.0.as_mut_ptr(), b.0.as_mut_ptr(), c.0.as_mut_ptr()) };
}
