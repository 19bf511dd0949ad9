//! Who runs a program of `dl`: the reference evaluator, and what is compared with it.

use crate::module;
use anyhow::Result;
use dlc_runtime::Tensor;
use melior::ir::Module;

/// A way to run programs.
pub trait Runner: Sync {
    /// Its name in the names of tests.
    fn name(&self) -> &'static str;

    /// Why a test is not run here, if it is not.
    fn skips(&self, test: &str) -> Option<&'static str>;

    /// Makes the public functions of a module ready to be called.
    fn load(&self, text: &str) -> Result<Box<dyn Program>>;
}

/// A program made ready.
pub trait Program {
    /// Calls a function: the values of its dims, then its tensors.
    fn call(&self, function: &str, dims: &[i64], args: &[Tensor]) -> Result<Vec<Tensor>>;
}

/// The reference evaluator, after `expand-derivatives`.
pub struct Reference;

/// What makes a module one that the reference evaluator runs.
pub const EXPAND: &str = "builtin.module(inline,expand-derivatives,inline)";

impl Runner for Reference {
    fn name(&self) -> &'static str {
        "reference"
    }

    fn skips(&self, _test: &str) -> Option<&'static str> {
        None
    }

    fn load(&self, text: &str) -> Result<Box<dyn Program>> {
        let mut module = module::parse(text)?;
        if ["dl.call", "dl.grad", "dl.jvp", "dl.vjp", "dl.vmap"]
            .iter()
            .any(|op| text.contains(op))
        {
            module::run_pipeline(&mut module, EXPAND)?;
        }
        Ok(Box::new(Evaluated(module)))
    }
}

struct Evaluated(Module<'static>);

impl Program for Evaluated {
    fn call(&self, function: &str, dims: &[i64], args: &[Tensor]) -> Result<Vec<Tensor>> {
        Ok(dlc_reference::evaluate(&self.0, function, dims, args)?)
    }
}
