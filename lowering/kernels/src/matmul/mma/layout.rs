//! How an operand lies in shared memory: rows of neighbours as in global memory, the 16-byte pieces of a row changed by an exclusive
//! or, so that neither copies nor loads of fragments meet in a bank.

use super::super::bytes_after;
use super::super::operand::{Inner, Operand};
use crate::text::{Function, Value};

/// Bytes of a row of neighbours in shared memory.
pub(super) fn row_bytes(operand: &Operand) -> i64 {
    operand.inner_extent() * operand.element.bytes()
}

/// The place of an element of an operand in shared memory: by its row of neighbours and where it is in the row.
pub(super) fn place(
    f: &mut Function,
    operand: &Operand,
    base: &Value,
    [row, column]: [&Value; 2],
) -> Value {
    let start = f.with("arith.muli", row, row_bytes(operand));
    let chunk = f.with("arith.divui", column, operand.chunk);
    let change = change(f, operand, row);
    let bytes = at_chunk(f, &start, [&chunk, &change]);
    let within = f.with("arith.remui", column, operand.chunk);
    let within = f.with("arith.muli", &within, operand.element.bytes());
    let bytes = f.add(&bytes, &within);
    bytes_after(f, base, &bytes)
}

/// What the number of a 16-byte piece in a row is changed by.
pub(super) fn change(f: &mut Function, operand: &Operand, row: &Value) -> Value {
    if operand.inner == Inner::Free && operand.element.bytes() == 4 {
        let row = f.with("arith.remui", row, 4);
        return f.with("arith.muli", &row, 2);
    }
    // Eight rows of one piece each are loaded at a time; several rows that take 128 bytes together differ without a change.
    let pieces = (row_bytes(operand) / 16).min(8);
    let row = f.with("arith.divui", row, 8 / pieces);
    f.with("arith.remui", &row, pieces)
}

/// The place of a piece in a row.
pub(super) fn at_chunk(f: &mut Function, start: &Value, [chunk, change]: [&Value; 2]) -> Value {
    let chunk = f.xor(chunk, change);
    let bytes = f.with("arith.muli", &chunk, 16);
    f.add(start, &bytes)
}

/// Four 8 by 8 matrices, whose rows' places the lanes have: as they lie (`row`) or transposed (`col`).
pub(super) fn load_matrices(f: &mut Function, from: &Value, layout: &str) -> Vec<Value> {
    let result = "!llvm.struct<(i32, i32, i32, i32)>";
    let loaded = f.op(
        &format!(
            "nvvm.ldmatrix {from} {{num = 4 : i32, layout = #nvvm.mma_layout<{layout}>, \
             shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>, eltType = #nvvm.ld_st_matrix_elt_type<b16>}} : (!llvm.ptr<3>) -> {result}"
        ),
        result,
    );
    (0..4)
        .map(|at| {
            f.op(
                &format!("llvm.extractvalue {loaded}[{at}] : {result}"),
                "i32",
            )
        })
        .collect()
}
