//! Elementwise ops: every body of each record, on scalars, static and dynamic shapes; conversions of every
//! pair of types.

use super::{Case, Form, Leaf, leaf};
use crate::{
    compare::Bound,
    values::{self, Random, special},
};
use anyhow::Result;
use dlc_abi::DType;
use dlc_dialects::ops::{Expr, OpKind};
use dlc_runtime::Tensor;

/// The types that a record has a body for.
pub(crate) fn dtypes(kind: OpKind) -> Vec<DType> {
    let Some(record) = kind.elementwise() else {
        return vec![];
    };
    DType::STORED
        .into_iter()
        .filter(|&dtype| match dtype {
            DType::Bool => record.body_bool.is_some(),
            DType::U8 | DType::U32 | DType::U64 => record.body_unsigned.is_some(),
            DType::I8 | DType::I32 | DType::I64 => record.body_signed.is_some(),
            // What is computed in f32 would be rounded twice.
            DType::F16 | DType::BF16 if kind == OpKind::Fma => false,
            _ => record.body_float.is_some(),
        })
        .collect()
}

/// The element type of the result: a body that ends in a comparison gives a bool.
fn result(kind: OpKind, dtype: DType) -> DType {
    let record = kind.elementwise();
    let body = record.and_then(|r| r.body_float.or(r.body_signed));
    match body {
        Some(Expr::Apply(name, _)) if name.starts_with("arith.cmp") => DType::Bool,
        _ => dtype,
    }
}

/// The shapes that every elementwise op is tried on.
fn forms(operands: &[DType], result: DType, op: &str) -> Vec<Form<'static>> {
    let make = |tag, dims, shape: &[&str], sizes| {
        let params = operands.iter().map(|&d| leaf(d, shape)).collect::<Vec<_>>();
        let result = leaf(result, shape);
        let body = body(op, &params, &result);
        Form {
            tag,
            dims,
            params,
            result,
            body,
            sizes,
        }
    };
    vec![
        make(
            "scalar",
            &[],
            &[],
            &[&[], &[], &[], &[], &[], &[], &[], &[]],
        ),
        make("static1", &[], &["67"], &[&[]]),
        make("static2", &[], &["3", "5"], &[&[]]),
        make(
            "dynamic1",
            &["n"],
            &["n"],
            &[&[0], &[1], &[7], &[67], &[129], &[1021]],
        ),
        make(
            "dynamic2",
            &["m", "n"],
            &["m", "n"],
            &[&[3, 5], &[0, 4], &[4, 0], &[1, 1], &[5, 33]],
        ),
    ]
}

fn body(op: &str, params: &[Leaf], result: &Leaf) -> String {
    let names = (0..params.len())
        .map(|i| format!("%a{i}"))
        .collect::<Vec<_>>()
        .join(", ");
    let types = params.iter().map(Leaf::ty).collect::<Vec<_>>().join(", ");
    format!("%y = \"dl.{op}\"({names}) : ({types}) -> {}", result.ty())
}

/// Special values first, then any. The later the operand, the slower it goes through its special values, so
/// that each meets each of the others'.
fn fill(operand: usize, dtype: DType, shape: &[usize], random: &mut Random) -> Result<Tensor> {
    let special = special(dtype);
    let count = special.len();
    let scalar = shape.is_empty();
    let mut i = 0;
    values::tensor(dtype, shape, || {
        let at = match operand {
            0 => i % count,
            _ => i / count,
        };
        i += 1;
        match at < count && !scalar && i <= count * count {
            true => special[at],
            false if random.below(4) == 0 => *random.choose(&special),
            false => values::any(dtype, random),
        }
    })
}

/// The cases of an op with bodies.
pub(super) fn cases(kind: OpKind, ulp: Option<f64>) -> Result<Vec<Case>> {
    let record = kind
        .elementwise()
        .expect("the caller names an elementwise op");
    let mut cases = vec![];
    for dtype in dtypes(kind) {
        let mut operands = vec![dtype; record.operands.len()];
        if kind == OpKind::Select {
            operands[0] = DType::Bool;
        }
        let bound = match (ulp, dtype) {
            (None, _) => Bound::Exact,
            // Computed in f32 or better and rounded.
            (Some(ulp), DType::F16 | DType::BF16) => Bound::Ulp(ulp.min(1.0)),
            (Some(ulp), _) => Bound::Ulp(ulp),
        };
        let forms = || forms(&operands, result(kind, dtype), kind.mnemonic());
        if let ([_], DType::F16 | DType::BF16) = (&operands[..], dtype) {
            // Every value that there is, on the function of one dynamic dim.
            let mut every = forms().remove(3);
            every.tag = "every";
            every.sizes = &[&[1 << 16]];
            let mut bits = 0u64..;
            let all = |_, dtype, shape: &[usize], _: &mut Random| {
                values::tensor(dtype, shape, || bits.next().unwrap_or(0))
            };
            cases.push(every.case(kind, dtype, bound, all)?);
        }
        for form in forms() {
            cases.push(form.case(kind, dtype, bound, fill)?);
        }
    }
    Ok(cases)
}

fn pairs(kind: OpKind, allowed: impl Fn(DType, DType) -> bool) -> Result<Vec<Case>> {
    let mut cases = vec![];
    for from in DType::STORED {
        for to in DType::STORED.into_iter().filter(|&to| allowed(from, to)) {
            for form in forms(&[from], to, kind.mnemonic()) {
                if !matches!(form.tag, "scalar" | "dynamic1") {
                    continue;
                }
                let tag = format!("{to}_{}", form.tag);
                let form = Form { tag: &tag, ..form };
                cases.push(form.case(kind, from, Bound::Exact, fill)?);
            }
        }
    }
    Ok(cases)
}

/// `dl.convert` between all types.
pub(super) fn convert() -> Result<Vec<Case>> {
    pairs(OpKind::Convert, |_, _| true)
}

/// `dl.bitcast` between all types of one width.
pub(super) fn bitcast() -> Result<Vec<Case>> {
    let width = |dtype: DType| match dtype {
        DType::Bool => 1,
        dtype => dtype.size() * 8,
    };
    pairs(OpKind::Bitcast, |from, to| width(from) == width(to))
}
