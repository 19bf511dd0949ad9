//! What `dlc --print` lists.

use dlc_dialects::ops::OpKind;
use dlc_frontend::codes::Code;
use dlc_lowering::{
    schedule::{Arch, Target},
    target::{Place, place::TRIPLES},
};

pub use dlc_lowering::target::{host_triple, llvm_version};

/// Our passes: names and summaries, in the order in which pipelines run them.
pub fn passes() -> Vec<(String, String)> {
    let all = dlc_autodiff::passes::PASSES
        .iter()
        .chain(dlc_lowering::passes::PASSES);
    all.map(|pass| (pass.name.to_string(), pass.summary.to_string()))
        .collect()
}

/// The ops of the `dl` dialect: names and summaries.
pub fn ops() -> Vec<(String, String)> {
    let line = |kind: &OpKind| {
        (
            format!("dl.{}", kind.mnemonic()),
            kind.summary().to_string(),
        )
    };
    OpKind::ALL.iter().map(line).collect()
}

/// The built-in operations of the language: names, and parameters as they are shown.
pub fn builtins() -> Vec<(&'static str, String)> {
    dlc_frontend::builtins()
}

/// The processors that schedules know for each architecture: its name, theirs by LLVM, and the features that may be added.
pub fn target_cpus() -> Vec<(&'static str, Vec<&'static str>, &'static [&'static str])> {
    let of = |arch: Arch| {
        let features = Target::feature_names(arch);
        (arch.name(), Target::names(arch).collect(), features)
    };
    Arch::ALL.into_iter().map(of).collect()
}

/// The triples that code is made for.
pub fn targets() -> &'static [&'static str] {
    TRIPLES
}

/// The CPU that stands for all of a triple's architecture, where that is not this machine's; none for this machine and for
/// what is no triple.
pub fn foreign_cpu(triple: &str) -> Option<&'static str> {
    let place = Place::named(triple)?;
    (!place.is_host()).then(|| place.arch.least_cpu())
}

/// Whether a text is a triple that code is made for.
pub fn is_target(text: &str) -> bool {
    Place::named(text).is_some()
}

/// LLVM's name of the processor that the compiler runs on.
pub fn host_cpu() -> String {
    Target::native().cpu
}

/// The page of a diagnostic's code, or of the code of a lint.
pub fn explain(name: &str) -> Option<&'static str> {
    Some(Code::parse(name).or_else(|| Code::of_lint(name))?.page())
}

/// A code, for lists.
pub struct CodeInfo {
    /// As printed.
    pub name: &'static str,
    /// What it means, in a line.
    pub title: &'static str,
    /// The name of a warning on the command line.
    pub lint: Option<&'static str>,
}

/// All codes, in order.
pub fn codes() -> impl Iterator<Item = CodeInfo> {
    Code::ALL.iter().map(|code| CodeInfo {
        name: code.name(),
        title: code.title(),
        lint: code.lint(),
    })
}
