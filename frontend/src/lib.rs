//! The DL language: from source text to the `dl` dialect.
//!
//! Source text → [`parser::parse`] → [`ast`] → checker → typed core → emission. Nothing here reads or writes files.

pub mod ast;
pub mod codes;
pub mod diagnostic;
pub mod source;
