//! What the compiler tells of its own work: the data, and pages made of it.
//!
//! [`Report`] is plain data that the driver collects and that `--report json` writes; [`html`] makes one page of it that
//! needs nothing else. Invariant: nothing here knows MLIR or the compiler; data in, text out.

mod chart;
mod dot;
mod format;
mod graph;
mod graphs;
mod model;
mod page;
mod picture;
mod places;
pub mod remarks;
mod style;
mod svg;
pub mod times;

pub use dot::dot;
pub use model::{
    Amount, Buffer, Call, Cost, Dim, Edge, Entry, File, Function, Kind, Level, Nest, Note, Place,
    Remark, Report, SCHEMA, Slot, Text, Time, Unit, Workspace, json, schema,
};
pub use page::html;
pub use svg::svg;
