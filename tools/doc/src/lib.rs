//! A site of pages about programs: their items with signatures and doc comments, their sources, chapters in Markdown,
//! and a search over all of it.
//!
//! What there is to say comes as a [`model::Library`]; [`site::pages`] makes the files of it. The pages ask for nothing but
//! each other, so they work from a disk, and a policy in each keeps it so.
//!
//! Invariant: nothing here reads or writes files, knows the compiler, or knows how programs are parsed.

pub mod markdown;
pub mod model;
mod page;
mod parts;
mod search;
pub mod site;

#[cfg(test)]
mod tests;
