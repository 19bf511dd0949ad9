//! The DL language: from source text to the `dl` dialect.
//!
//! Source text → [`parser::parse`] → [`ast`] → checker → typed core → emission. Nothing here reads or writes files.

pub mod ast;
mod build_ast;
pub mod codes;
pub mod diagnostic;
mod expected;
mod hints;
mod layout;
mod lexer;
pub mod parser;
mod recover;
pub mod render;
pub mod source;
mod token;
pub mod words;
