//! Replaces contractions on memrefs by calls of programs that the threads of a GPU's block run together.
//!
//! Before:
//! ```mlir
//! linalg.fill ins(%zero : f32) outs(%c : memref<?x128xf32>)
//! linalg.generic {dl.contraction, indexing_maps = [(m, n, k) -> (m, k), (k, n), (m, n)], ...}
//!   ins(%a, %b : memref<?x64xf16>, memref<64x128xf16>) outs(%c : memref<?x128xf32>) { extf, extf, mulf, addf }
//! linalg.generic {(m, n) -> (m, n), (n), (m, n)} ins(%c, %bias) outs(%y) { addf, truncf }
//! ```
//! After:
//! ```mlir
//! scf.for %tile = %c0 to %tiles step %c1 {
//!   func.call @dlc_program_product0(%tile, %m, %n, %k, %a, %b, %bias, %y)
//! } {dl.parallel = true, dl.block = 128 : i64}
//! func.func private @dlc_program_each0(%sum: f32, %i: index, %j: index, %bias, %y) { addf, truncf, memref.store }
//! ```
//! The program is text of `dlc_kernels`; what reads the result element by element is a function that it calls. Two products with a
//! softmax between them, of which nothing else reads what is between, are one program, and with the products that make the gradient of
//! that three (`gpu/attention.rs`). On devices with `wgmma` a
//! branch of persistent blocks with tensor maps is taken where sizes and places suit (`gpu/hopper.rs`).
//!
//! *Requires*: a target with a GPU; bufferised `linalg.generic`. *Ensures*: nothing; it is an optimisation. *Does not*: touch products of
//! one row or column, which are sums of rows, and sums in types that no program has.

use crate::{
    gpu::{Programs, attention::Found, products::Product},
    matmul::{contraction::Contraction, epilogue::Epilogue, fill::fill_before},
    schedule::Target,
    walk,
};
use dlc_dialects::{
    ir::edit,
    pass::{Anchor, PassError, PassInfo},
};
use melior::{
    Context,
    ir::{BlockLike, OperationRef, RegionLike, operation::OperationLike},
};
use std::collections::BTreeSet;

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "emit-block-products",
    summary: "Replace contractions by programs of a GPU's blocks",
    anchor: Anchor::Module,
    required: false,
    run,
};

fn run<'c, 'a>(cx: &'c Context, module: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    if Target::of(module).gpu == 0 {
        return Ok(());
    }
    let mut programs = Programs::default();
    let mut gone = BTreeSet::new();
    for op in walk::named(module, "linalg.generic") {
        if gone.contains(&edit::identity(op)) {
            continue;
        }
        let found = Found::read(op);
        if let Some(all) = found.and_then(|found| found.write(cx, &mut programs)) {
            gone.extend(all);
        }
    }
    for op in walk::named(module, "linalg.generic") {
        if gone.contains(&edit::identity(op)) {
            continue;
        }
        let Some(contraction) = Contraction::read(op).filter(is_matrix) else {
            continue;
        };
        let fill = fill_before(op, contraction.c.value);
        let epilogue = fill.and_then(|_| Epilogue::find(op, &contraction.made()?, 0));
        let product = Product {
            contraction,
            fill,
            epilogue,
        };
        if let Some(others) = product.write(cx, op, &mut programs) {
            gone.extend(others);
            edit::erase(cx, op);
        }
    }
    let body = module.region(0)?.first_block();
    let first = body.and_then(|body| body.first_operation());
    match first {
        Some(first) => programs.define(cx, first),
        None => Ok(()),
    }
}

/// Whether both operands have more than a row or column, as far as is known.
fn is_matrix(x: &Contraction) -> bool {
    let one = |size: Option<i64>| size == Some(1);
    !one(x.sizes.m) && !one(x.sizes.n)
}
