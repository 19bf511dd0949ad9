//! Programs for blocks of a GPU's threads: products and attention, as text of MLIR.
//!
//! A program is a struct that says types, storage and tiles. It prints a private function in `func`, `arith`, `scf`, `memref`,
//! `llvm` and `nvvm`, which all threads of a block run; sizes are arguments. What is to be done with a result element by element is
//! the caller's: a function that the program calls with the element and its place, which LLVM expands there.
//!
//! The crate knows nothing of MLIR but its syntax, so its tests link nothing of it: they have LLVM's tools make PTX, and run it
//! on the interpreter.

pub mod attention;
pub mod matmul;
pub mod program;
pub mod text;
pub mod wgmma;
