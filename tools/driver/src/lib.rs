//! The library behind `dlc`: the pipelines, and compilation from source text to artefacts.
//!
//! Invariant: no file is read or written here but those that a source imports (`files`), those of a cache (`cache`) and
//! temporary ones that a linker or a loader needs; sources come in and artefacts go out as bytes.

pub mod artefact;
pub mod bisect;
pub mod cache;
mod codegen;
pub mod compile;
mod cpp;
pub mod dep_info;
mod destination;
pub mod dims;
pub mod doc;
mod emit;
pub mod faults;
pub mod files;
mod flops;
pub mod format;
mod gpu;
pub mod grad;
pub mod header;
pub mod info;
mod js;
pub mod layout;
pub mod link;
pub mod memory;
pub mod opt;
mod options;
pub mod pipelines;
pub mod pkg_config;
pub mod python;
pub mod reduce;
mod render;
mod report;
pub mod rust_bindings;
mod source;
mod temporary;
pub mod testing;
pub mod wheel;
pub mod workspace;

pub use dlc_frontend::diagnostic::Severity;
pub use dlc_frontend::levels;
pub use dlc_frontend::render::sarif;
pub use opt::{opt_main, register_all};
pub use source::Evaluator;
