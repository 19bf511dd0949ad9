//! Random programs in DL, with an oracle of their own.
//!
//! A program is generated from a seed as a typed tree (`ast`), printed as DL (`print`), and evaluated on dense arrays of
//! numbers that carry forward-mode derivatives (`eval`); nothing here knows the compiler. `shrink` makes a program
//! that fails smaller.

pub mod arguments;
pub mod array;
pub mod ast;
pub mod eval;
pub mod generate;
pub mod kinds;
pub mod num;
pub mod oracle;
pub mod print;
pub mod random;
pub mod shrink;
pub mod types;
pub mod walk;
pub mod weight;
