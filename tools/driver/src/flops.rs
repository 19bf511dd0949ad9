//! The floating-point operations of an entry, for `dlc bench`.

use crate::{
    compile::{Failure, Input, Ran, Session, Source},
    pipelines::CPU,
    source,
};
use dlc_abi::Poly;
use dlc_lowering::{entry, flops};

/// Passes that do something again, or that only tell where the others are.
const AGAIN: [&str; 2] = ["fuse-elementwise", "rematerialize"];

impl Session {
    /// The floating-point operations of a call, as `dlc_lowering::flops` counts them in what the entry computes, each once;
    /// nothing where they depend on values.
    pub fn flops(&self, source: &Source, entry: &str) -> Result<Option<Poly>, Failure> {
        let session = Session::new(self.options().clone()).without(&AGAIN);
        let unit = source::emit(&session, source)?;
        let input = Input {
            source,
            sources: &unit.sources,
        };
        let mut module = unit.module;
        let linalg = CPU.iter().position(|stage| stage.name == "linalg");
        let stages = linalg.expect("the pipeline has this stage") + 1;
        session.run_stages(
            input,
            &mut module,
            &CPU[..stages],
            &mut Ran::default(),
            |_, _| {},
        )?;
        let entries = entry::entries(module.as_operation());
        let entries = entries.map_err(|error| Failure::internal(error.message))?;
        let found = entries.iter().find(|one| one.name == entry);
        Ok(found.and_then(|entry| flops::count(entry.func)))
    }
}
