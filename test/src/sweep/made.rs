//! What ops make from nothing, from dims, or from a key.

use super::{
    Call, Case, Form, function, leaf,
    movement::{LENGTHS, PAIRS, mixed},
};
use crate::{
    compare::Bound,
    values::{Random, is_float},
};
use anyhow::Result;
use dlc_abi::DType;
use dlc_dialects::ops::OpKind;

pub(super) fn constant() -> Result<Vec<Case>> {
    let mut cases = vec![];
    for dtype in DType::STORED {
        let mut random = Random::of(dtype.mlir_name());
        for (tag, dims) in [
            ("scalar", &[][..]),
            ("vector", &["67"]),
            ("matrix", &["3", "5"]),
            ("empty", &["0"]),
        ] {
            let ty = leaf(dtype, dims);
            let shape = ty.shape(&[], &[])?;
            let value = mixed(0, dtype, &shape, &mut random)?;
            let count = value.len();
            let text = match dtype {
                DType::Bool => value
                    .bytes()
                    .iter()
                    .map(|b| (*b != 0).to_string())
                    .collect::<Vec<_>>(),
                _ => {
                    let size = dtype.size();
                    let words = value.bytes().chunks_exact(size).map(|bytes| {
                        let hex = bytes
                            .iter()
                            .rev()
                            .map(|b| format!("{b:02X}"))
                            .collect::<String>();
                        match is_float(dtype) {
                            true => format!("0x{hex}"),
                            false => decimal(dtype, bytes),
                        }
                    });
                    words.collect()
                }
            };
            let dense = match dims {
                [] => text[0].clone(),
                [_, _] => {
                    let rows = text
                        .chunks(shape[1])
                        .map(|row| format!("[{}]", row.join(", ")));
                    format!("[{}]", rows.collect::<Vec<_>>().join(", "))
                }
                _ if count == 0 => String::new(),
                _ => format!("[{}]", text.join(", ")),
            };
            let body = format!("%y = dl.constant dense<{dense}> : {}", ty.ty());
            let name = format!("constant_{dtype}_{tag}");
            cases.push(Case {
                text: function(&name, &[], &[], &ty, &body),
                name,
                dtype,
                calls: vec![Call {
                    dims: vec![],
                    args: vec![],
                    others: vec![vec![]; 2],
                }],
                bound: Bound::Exact,
            });
        }
    }
    Ok(cases)
}

fn decimal(dtype: DType, bytes: &[u8]) -> String {
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    let value = u64::from_le_bytes(word);
    match dtype {
        DType::I8 => (value as i8).to_string(),
        DType::I32 => (value as i32).to_string(),
        DType::I64 => (value as i64).to_string(),
        _ => value.to_string(),
    }
}

pub(super) fn dim_value() -> Result<Vec<Case>> {
    let form = Form {
        tag: "sum",
        dims: &["m", "n"],
        params: vec![],
        result: leaf(DType::I64, &[]),
        body: "%both = arith.addi %m, %n : index\n  %y = dl.dim_value %both : tensor<i64>".into(),
        sizes: PAIRS,
    };
    Ok(vec![form.case(
        OpKind::DimValue,
        DType::I64,
        Bound::Exact,
        mixed,
    )?])
}

pub(super) fn iota() -> Result<Vec<Case>> {
    let mut cases = vec![];
    for dtype in DType::STORED
        .into_iter()
        .filter(|&dtype| dtype != DType::Bool)
    {
        for form in [
            Form {
                tag: "line",
                dims: &["n"],
                params: vec![],
                result: leaf(dtype, &["n"]),
                body: format!(
                    "%y = dl.iota axis 0 sizes(%n) : {}",
                    leaf(dtype, &["n"]).ty()
                ),
                sizes: &[&[0], &[1], &[67], &[300], &[2100]],
            },
            Form {
                tag: "grid",
                dims: &["m"],
                params: vec![],
                result: leaf(dtype, &["m", "5"]),
                body: format!(
                    "%y = dl.iota axis 1 sizes(%m) : {}",
                    leaf(dtype, &["m", "5"]).ty()
                ),
                sizes: &[&[0], &[1], &[4]],
            },
        ] {
            cases.push(form.case(OpKind::Iota, dtype, Bound::Exact, mixed)?);
        }
    }
    Ok(cases)
}

pub(super) fn random_bits() -> Result<Vec<Case>> {
    let mut cases = vec![];
    for dtype in [DType::U8, DType::U32, DType::U64] {
        let form = |tag, dims, keys: &[&str], shape: &[&str], names: &str, sizes| {
            let (key, y) = (leaf(DType::U32, keys), leaf(dtype, shape));
            let body = format!(
                "%y = dl.random_bits %a0 sizes({names}) : {} -> {}",
                key.ty(),
                y.ty()
            );
            Form {
                tag,
                dims,
                params: vec![key],
                result: y,
                body,
                sizes,
            }
        };
        for form in [
            form("scalar", &[], &["2"], &[], "", &[&[]]),
            form("line", &["n"], &["2"], &["n"], "%n", LENGTHS),
            form("grid", &["m", "n"], &["2"], &["m", "n"], "%m, %n", PAIRS),
            form("static", &[], &["2"], &["2", "3"], "", &[&[]]),
            form(
                "keys",
                &["m", "n"],
                &["m", "2"],
                &["m", "n"],
                "%m, %n",
                PAIRS,
            ),
            form(
                "one_of_each",
                &[],
                &["3", "2", "2"],
                &["3", "2"],
                "",
                &[&[]],
            ),
        ] {
            cases.push(form.case(OpKind::RandomBits, dtype, Bound::Exact, mixed)?);
        }
    }
    Ok(cases)
}

pub(super) fn print() -> Result<Vec<Case>> {
    let mut cases = vec![];
    for dtype in DType::STORED {
        let x = leaf(dtype, &["n"]);
        let body = format!(
            "dl.print \"\" %a0 : {0}\n  %y = dl.broadcast %a0 axes [0] sizes(%n) : {0} -> {0}",
            x.ty()
        );
        let form = Form {
            tag: "line",
            dims: &["n"],
            params: vec![x.clone()],
            result: x,
            body,
            sizes: &[&[0], &[2]],
        };
        cases.push(form.case(OpKind::Print, dtype, Bound::Exact, mixed)?);
    }
    Ok(cases)
}

/// A check that holds; those that fail stand in the op's file.
pub(super) fn check() -> Result<Vec<Case>> {
    let x = leaf(DType::I32, &["n"]);
    let body = format!(
        "%0 = dl.equal %a0, %a0 : {0} -> tensor<?xi1>\n  %1 = dl.reduce \"all\" %0 axes [0] : tensor<?xi1> -> tensor<i1>\n  \
         dl.check %1, \"DL1007\", \"text\"\n  %y = dl.broadcast %a0 axes [0] sizes(%n) : {0} -> {0}",
        x.ty()
    );
    let form = Form {
        tag: "line",
        dims: &["n"],
        params: vec![x.clone()],
        result: x,
        body,
        sizes: &[&[0], &[2]],
    };
    Ok(vec![form.case(
        OpKind::Check,
        DType::I32,
        Bound::Exact,
        mixed,
    )?])
}
