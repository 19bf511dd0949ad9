//! What a warp does on registers: products of fragments, exponentials, sums over the four lanes that share a row.

use crate::program::Element;
use crate::text::{Function, Value};

/// The lane's number, `i32`.
pub(super) fn lane(f: &mut Function) -> Value {
    let thread = f.thread();
    f.with("arith.andi", &thread, 31)
}

/// The warp's number, `i32`.
pub(super) fn warp(f: &mut Function) -> Value {
    let thread = f.thread();
    f.with("arith.shrui", &thread, 5)
}

/// The four fields of a struct.
pub(super) fn fields(f: &mut Function, four: &Value, ty: &str) -> Vec<Value> {
    let fields = (0..4).map(|at| {
        f.op(
            &format!("llvm.extractvalue {four}[{at}] : {}", four.ty()),
            ty,
        )
    });
    fields.collect()
}

/// Sums of 16 by 8 plus a product of 16 by 16 and 16 by 8 numbers, as fragments of `mma.sync`.
pub(super) fn product(
    f: &mut Function,
    element: Element,
    left: &[Value],
    right: &[Value],
    sums: &[Value],
) -> Vec<Value> {
    let (ty, types) = match element {
        Element::F16 => ("vector<2xf16>", String::new()),
        _ => (
            "i32",
            ", multiplicandAPtxType = #nvvm.mma_type<bf16>, multiplicandBPtxType = #nvvm.mma_type<bf16>".to_string(),
        ),
    };
    let mut operands = |values: &[Value]| -> String {
        let values = values.iter().map(|value| match element {
            Element::F16 => f.cast("llvm.bitcast", value, ty).to_string(),
            _ => value.to_string(),
        });
        values.collect::<Vec<_>>().join(", ")
    };
    let (left, right) = (operands(left), operands(right));
    let sums: Vec<_> = sums.iter().map(Value::to_string).collect();
    let four = "!llvm.struct<(f32, f32, f32, f32)>";
    let product = f.op(
        &format!(
            "nvvm.mma.sync A[{left}] B[{right}] C[{}] {{layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>{types}, \
             shape = #nvvm.shape<m = 16, n = 8, k = 16>}} : ({ty}, {ty}, f32) -> {four}",
            sums.join(", ")
        ),
        four,
    );
    fields(f, &product, "f32")
}

/// Two f32 rounded to a type of 16 bits, the first in the low half, as `i32`.
pub(super) fn pack(f: &mut Function, element: Element, low: &Value, high: &Value) -> Value {
    let ty = element.ty();
    f.op(
        &format!(
            "llvm.inline_asm \"cvt.rn.{ty}x2.f32 $0, $1, $2;\", \"=r,f,f\" {high}, {low} : (f32, f32) -> i32"
        ),
        "i32",
    )
}

/// Fragments of sums as the left operand of the next product: 16 columns of them from a multiple of 16 on.
pub(super) fn as_operand(
    f: &mut Function,
    element: Element,
    sums: &[Vec<Value>],
    columns: i64,
) -> Vec<Value> {
    let at = columns as usize / 8;
    let pairs = [(at, 0), (at, 2), (at + 1, 0), (at + 1, 2)];
    let packed = pairs.map(|(at, pair)| pack(f, element, &sums[at][pair], &sums[at][pair + 1]));
    packed.to_vec()
}

/// Two to the power of a number, by `ex2.approx.ftz`.
pub(super) fn exp2(f: &mut Function, x: &Value) -> Value {
    f.op(
        &format!("llvm.inline_asm \"ex2.approx.ftz.f32 $0, $1;\", \"=f,f\" {x} : (f32) -> f32"),
        "f32",
    )
}

/// The logarithm to base two, by `lg2.approx.ftz`.
pub(super) fn log2(f: &mut Function, x: &Value) -> Value {
    f.op(
        &format!("llvm.inline_asm \"lg2.approx.ftz.f32 $0, $1;\", \"=f,f\" {x} : (f32) -> f32"),
        "f32",
    )
}

/// The product of two numbers plus a third, rounded once.
pub(super) fn fma(f: &mut Function, a: &Value, b: &Value, c: &Value) -> Value {
    f.op(
        &format!("llvm.intr.fma({a}, {b}, {c}) : (f32, f32, f32) -> f32"),
        "f32",
    )
}

/// The larger of two numbers; of a number and NaN, the number.
pub(super) fn larger(f: &mut Function, a: &Value, b: &Value) -> Value {
    f.op(
        &format!("llvm.intr.maxnum({a}, {b}) : (f32, f32) -> f32"),
        "f32",
    )
}

/// A comparison of floating-point numbers, by a predicate such as `oeq`.
pub(super) fn compare(f: &mut Function, predicate: &str, a: &Value, b: &Value) -> Value {
    f.op(&format!("arith.cmpf {predicate}, {a}, {b} : f32"), "i1")
}

/// One value of many, by an op on two at a time.
pub(super) fn tree(
    f: &mut Function,
    mut values: Vec<Value>,
    op: impl Fn(&mut Function, &Value, &Value) -> Value,
) -> Value {
    while values.len() > 1 {
        let pairs = values.chunks(2);
        values = pairs
            .map(|pair| match pair {
                [a, b] => op(f, a, b),
                _ => pair[0].clone(),
            })
            .collect();
    }
    values.remove(0)
}

/// One value of those of the four lanes that share a row. All of them get it.
pub(super) fn over_row(
    f: &mut Function,
    value: &Value,
    op: impl Fn(&mut Function, &Value, &Value) -> Value,
) -> Value {
    let mut value = value.clone();
    for distance in [1, 2] {
        let [all, distance, last] = [-1, distance, 31].map(|number| f.i32(number));
        let other = f.op(
            &format!("nvvm.shfl.sync bfly {all}, {value}, {distance}, {last} : f32 -> f32"),
            "f32",
        );
        value = op(f, &value, &other);
    }
    value
}

/// A sum of f32.
pub(super) fn sum(f: &mut Function, a: &Value, b: &Value) -> Value {
    f.same("arith.addf", &[a, b])
}

/// A number with the other sign.
pub(super) fn opposite(f: &mut Function, x: &Value) -> Value {
    f.op(&format!("arith.negf {x} : f32"), "f32")
}

/// Waits for the lanes of the warp, whose stores to shared memory are seen then.
pub(super) fn together(f: &mut Function) {
    let all = f.i32(-1);
    f.line(&format!("nvvm.bar.warp.sync {all} : i32"));
}
