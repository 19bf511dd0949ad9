//! Reading and adding at ids, of every integer type, from both ends.

use super::{Case, Form, Leaf, leaf, movement::mixed, structured::whole};
use crate::{
    compare::Bound,
    values::{self, Random},
};
use anyhow::Result;
use dlc_abi::DType;
use dlc_dialects::ops::OpKind;
use dlc_runtime::Tensor;

const IDS: [DType; 6] = [
    DType::I8,
    DType::I32,
    DType::I64,
    DType::U8,
    DType::U32,
    DType::U64,
];

/// Element types of x with types of ids: all of each, but not all pairs.
fn types(all: &[DType]) -> Vec<(DType, DType)> {
    let with_i32 = all.iter().map(|&dtype| (dtype, DType::I32));
    let with_f32 = IDS
        .into_iter()
        .filter(|&ids| ids != DType::I32)
        .map(|ids| (DType::F32, ids));
    with_i32.chain(with_f32).collect()
}

fn numbers() -> Vec<DType> {
    DType::STORED
        .into_iter()
        .filter(|&dtype| dtype != DType::Bool)
        .collect()
}

/// Ids of a dim of `size`: any that is in range, counted from either end.
fn ids(dtype: DType, shape: &[usize], size: usize, random: &mut Random) -> Result<Tensor> {
    let signed = matches!(dtype, DType::I8 | DType::I32 | DType::I64);
    let mask = u64::MAX >> (64 - dtype.size() * 8);
    values::tensor(dtype, shape, || {
        let id = random.below(size) as u64;
        match signed && random.below(2) == 0 {
            true => id.wrapping_sub(size as u64) & mask,
            false => id,
        }
    })
}

/// An indexing form: where the ids go, and the size of the dim that they index, by its position in x.
struct Shape {
    tag: &'static str,
    dims: &'static [&'static str],
    x: &'static [&'static str],
    ids: &'static [&'static str],
    axis: usize,
    slices: &'static [&'static str],
    sizes: &'static [&'static [i64]],
}

const TAKE: [Shape; 6] = [
    Shape {
        tag: "rows",
        dims: &["m", "n", "k"],
        x: &["m", "n"],
        ids: &["k"],
        axis: 0,
        slices: &["k", "n"],
        sizes: &[&[3, 5, 4], &[3, 5, 0], &[1, 33, 7], &[100, 3, 40]],
    },
    Shape {
        tag: "columns",
        dims: &["m", "n", "k"],
        x: &["m", "n"],
        ids: &["k"],
        axis: 1,
        slices: &["m", "k"],
        sizes: &[&[3, 5, 4], &[0, 5, 2], &[7, 33, 19]],
    },
    Shape {
        tag: "grid",
        dims: &["k"],
        x: &["6", "2"],
        ids: &["k", "3"],
        axis: 0,
        slices: &["k", "3", "2"],
        sizes: &[&[0], &[1], &[5]],
    },
    Shape {
        tag: "one",
        dims: &["n"],
        x: &["n"],
        ids: &[],
        axis: 0,
        slices: &[],
        sizes: &[&[1], &[9]],
    },
    Shape {
        tag: "middle",
        dims: &[],
        x: &["2", "5", "3"],
        ids: &["4"],
        axis: 1,
        slices: &["2", "4", "3"],
        sizes: &[&[]],
    },
    Shape {
        tag: "line",
        dims: &["n"],
        x: &["10"],
        ids: &["n"],
        axis: 0,
        slices: &["n"],
        sizes: &[&[0], &[1], &[67], &[129]],
    },
];

const ALONG: [Shape; 3] = [
    Shape {
        tag: "rows",
        dims: &["m", "n", "k"],
        x: &["m", "n"],
        ids: &["m", "k"],
        axis: 1,
        slices: &["m", "k"],
        sizes: &[&[3, 5, 4], &[3, 5, 0], &[0, 5, 2], &[7, 33, 19]],
    },
    Shape {
        tag: "columns",
        dims: &["m", "n", "k"],
        x: &["m", "n"],
        ids: &["k", "n"],
        axis: 0,
        slices: &["k", "n"],
        sizes: &[&[3, 5, 4], &[1, 33, 7]],
    },
    Shape {
        tag: "static",
        dims: &[],
        x: &["2", "5", "3"],
        ids: &["2", "4", "3"],
        axis: 1,
        slices: &["2", "4", "3"],
        sizes: &[&[]],
    },
];

fn sweep(
    kind: OpKind,
    shapes: &[Shape],
    all: &[DType],
    body: impl Fn(&Shape, &Leaf, &Leaf, &Leaf) -> String,
) -> Result<Vec<Case>> {
    let adds = matches!(kind, OpKind::Scatter | OpKind::ScatterAddAlongAxis);
    let mut cases = vec![];
    for (dtype, id) in types(all) {
        for shape in shapes {
            let (x, ids_leaf, slices) = (
                leaf(dtype, shape.x),
                leaf(id, shape.ids),
                leaf(dtype, shape.slices),
            );
            let body = body(shape, &x, &ids_leaf, &slices);
            let mut params = vec![x.clone(), ids_leaf];
            let result = match adds {
                true => {
                    params.push(slices);
                    x
                }
                false => slices,
            };
            let tag = format!("{id}_{}", shape.tag);
            let form = Form {
                tag: &tag,
                dims: shape.dims,
                params,
                result,
                body,
                sizes: shape.sizes,
            };
            // The ids come after x, whose shape says what they may be.
            let mut size = 0;
            cases.push(
                form.case(kind, dtype, Bound::Exact, |i, dtype, sizes, random| {
                    if i == 0 {
                        size = sizes[shape.axis];
                    }
                    match i {
                        1 => ids(dtype, sizes, size, random),
                        _ if adds => whole(i, dtype, sizes, random),
                        _ => mixed(i, dtype, sizes, random),
                    }
                })?,
            );
        }
    }
    Ok(cases)
}

pub(super) fn take() -> Result<Vec<Case>> {
    sweep(OpKind::Take, &TAKE, &DType::STORED, |shape, x, ids, y| {
        format!(
            "%y = dl.take %a0, %a1 axis {} : ({}, {}) -> {}",
            shape.axis,
            x.ty(),
            ids.ty(),
            y.ty()
        )
    })
}

pub(super) fn take_along_axis() -> Result<Vec<Case>> {
    sweep(
        OpKind::TakeAlongAxis,
        &ALONG,
        &DType::STORED,
        |shape, x, ids, y| {
            format!(
                "%y = dl.take_along_axis %a0, %a1 axis {} : ({}, {}) -> {}",
                shape.axis,
                x.ty(),
                ids.ty(),
                y.ty()
            )
        },
    )
}

pub(super) fn scatter() -> Result<Vec<Case>> {
    let mut cases = vec![];
    for (kind, dtypes) in [("add", numbers()), ("set", DType::STORED.to_vec())] {
        let made = sweep(OpKind::Scatter, &TAKE, &dtypes, |shape, x, ids, updates| {
            let types = format!("{}, {}, {}", x.ty(), ids.ty(), updates.ty());
            format!(
                "%y = dl.scatter \"{kind}\" %a0, %a1, %a2 axis {} : {types}",
                shape.axis
            )
        })?;
        // One function for each kind.
        cases.extend(made.into_iter().map(|case| {
            let name = format!("{}_{kind}", case.name);
            let text = case
                .text
                .replace(&format!("@{}(", case.name), &format!("@{name}("));
            Case { name, text, ..case }
        }));
    }
    Ok(cases)
}

pub(super) fn scatter_add_along_axis() -> Result<Vec<Case>> {
    sweep(
        OpKind::ScatterAddAlongAxis,
        &ALONG,
        &numbers(),
        |shape, x, ids, updates| {
            let types = format!("{}, {}, {}", x.ty(), ids.ty(), updates.ty());
            format!(
                "%y = dl.scatter_add_along_axis %a0, %a1, %a2 axis {} : {types}",
                shape.axis
            )
        },
    )
}
