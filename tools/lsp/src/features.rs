//! What the server can be asked for, one file each.

pub mod actions;
pub mod completion;
pub mod definition;
pub mod diagnostics;
pub mod folding;
pub mod formatting;
pub mod hover;
pub mod inlay;
pub mod rename;
pub mod semantic;
pub mod signature;
pub mod symbols;
