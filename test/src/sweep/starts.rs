//! Movement of data from and to places that are data themselves.

use super::{Case, Form, Leaf, leaf, movement::mixed};
use crate::{
    compare::Bound,
    values::{Random, whole_tensor},
};
use anyhow::Result;
use dlc_abi::DType;
use dlc_dialects::ops::OpKind;
use dlc_runtime::Tensor;

/// A tag, dims, the tensors in front of the two places, the op's text behind its operands, the result, and the values of
/// the dims. The places are `%i` and `%j`, from 0 to 3.
type Row = (
    &'static str,
    &'static [&'static str],
    &'static [&'static [&'static str]],
    &'static str,
    &'static [&'static str],
    &'static [&'static [i64]],
);

/// The cases of an op of any element type that gets two places.
fn cases(kind: OpKind, rows: &[Row], shows_result: bool) -> Result<Vec<Case>> {
    let mut cases = vec![];
    for dtype in DType::STORED {
        for (tag, dims, tensors, text, y, sizes) in rows {
            let mut params = tensors
                .iter()
                .map(|dims| leaf(dtype, dims))
                .collect::<Vec<_>>();
            let count = params.len();
            let types = params.iter().map(Leaf::ty).collect::<Vec<_>>().join(", ");
            let names = (0..count)
                .map(|i| format!("%a{i}"))
                .collect::<Vec<_>>()
                .join(", ");
            params.extend([leaf(DType::I64, &[]), leaf(DType::I64, &[])]);
            let result = leaf(dtype, y);
            let gives = match shows_result {
                true => format!(" -> {}", result.ty()),
                false => String::new(),
            };
            let name = kind.mnemonic();
            let before = "%c0 = arith.constant 0 : index\n  %c1 = arith.constant 1 : index\n  \
                          %c3 = arith.constant 3 : index\n  ";
            let before = match *dims {
                [dim] => format!("{before}%e = arith.addi %{dim}, %c3 : index\n  "),
                _ => before.to_string(),
            };
            let body = format!(
                "{}{}{before}%y = dl.{name} {names} {text} : {types}{gives}",
                place("i", count),
                place("j", count + 1),
            );
            let form = Form {
                tag,
                dims,
                params,
                result,
                body,
                sizes,
            };
            cases.push(
                form.case(
                    kind,
                    dtype,
                    Bound::Exact,
                    |i, dtype, shape, random| match i < count {
                        true => mixed(i, dtype, shape, random),
                        false => places(shape, random),
                    },
                )?,
            );
        }
    }
    Ok(cases)
}

/// What makes an argument an index.
fn place(name: &str, argument: usize) -> String {
    format!(
        "%n{name} = tensor.extract %a{argument}[] : tensor<i64>\n  \
         %{name} = arith.index_cast %n{name} : i64 to index\n  "
    )
}

fn places(shape: &[usize], random: &mut Random) -> Result<Tensor> {
    whole_tensor(DType::I64, shape, (0, 3), random)
}

/// `dl.slice`.
pub(super) fn slice() -> Result<Vec<Case>> {
    let rows: &[Row] = &[
        (
            "place",
            &[],
            &[&["6"]],
            "starts(%i) strides [1] sizes()",
            &["3"],
            &[&[]],
        ),
        (
            "places",
            &["m"],
            &[&["m + 3", "4", "7"]],
            "starts(%i, %c1, %j) strides [1, 1, 2] sizes(%m)",
            &["m", "2", "2"],
            &[&[0], &[4]],
        ),
        (
            "last_place",
            &["m"],
            &[&["m", "4"]],
            "starts(%c0, %j) strides [1, 1] sizes(%m)",
            &["m", "1"],
            &[&[0], &[3]],
        ),
    ];
    cases(OpKind::Slice, rows, true)
}

/// `dl.update_slice`.
pub(super) fn update_slice() -> Result<Vec<Case>> {
    let rows: &[Row] = &[
        (
            "place",
            &[],
            &[&["6"], &["3"]],
            "starts(%i) strides [1]",
            &["6"],
            &[&[]],
        ),
        (
            "places",
            &["m"],
            &[&["m + 3", "4", "7"], &["m", "2", "2"]],
            "starts(%i, %c1, %j) strides [1, 1, 2]",
            &["m + 3", "4", "7"],
            &[&[0], &[4]],
        ),
    ];
    cases(OpKind::UpdateSlice, rows, false)
}

/// `dl.pad`.
pub(super) fn pad() -> Result<Vec<Case>> {
    let rows: &[Row] = &[
        (
            "place",
            &["m"],
            &[&["m"], &[]],
            "low(%i) interior [0] sizes(%e)",
            &["m + 3"],
            &[&[0], &[5]],
        ),
        (
            "places",
            &[],
            &[&["2", "2", "3"], &[]],
            "low(%i, %c1, %j) interior [0, 0, 1] sizes()",
            &["5", "4", "9"],
            &[&[]],
        ),
    ];
    cases(OpKind::Pad, rows, true)
}

/// `dl.dim_value` of a number that is data.
pub(super) fn dim_value() -> Result<Vec<Case>> {
    let number = leaf(DType::I64, &[]);
    let form = Form {
        tag: "place",
        dims: &[],
        params: vec![number.clone(), number.clone()],
        result: number,
        body: format!(
            "{}{}%both = arith.muli %i, %j : index\n  %y = dl.dim_value %both : tensor<i64>",
            place("i", 0),
            place("j", 1)
        ),
        sizes: &[&[], &[]],
    };
    let fill = |_, _, shape: &[usize], random: &mut Random| places(shape, random);
    Ok(vec![form.case(
        OpKind::DimValue,
        DType::I64,
        Bound::Exact,
        fill,
    )?])
}
