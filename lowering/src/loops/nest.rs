//! A loop nest: sizes and operands, with loops joined that walk memory as one.

use crate::{
    emit::{Emitter, Prefetch},
    linalg::{Access, Generic},
    walk,
};
use dlc_dialects::ir::{
    edit,
    inspect::identity,
    shape::{self, DYNAMIC},
};
use melior::ir::{
    Attribute, BlockLike, BlockRef, OperationRef, RegionLike, TypeLike, Value, ValueLike,
    attribute::DenseI64ArrayAttribute, operation::OperationLike, r#type::MemRefType,
};

/// The number of steps of a loop.
#[derive(Clone, Copy)]
pub enum Extent<'c, 'a> {
    /// Known when compiling.
    Known(i64),
    /// Known when running.
    Value(Value<'c, 'a>),
}

impl<'c, 'a> Extent<'c, 'a> {
    /// As an index value.
    pub fn value(self, e: &Emitter<'c, 'a>) -> Value<'c, 'a> {
        match self {
            Extent::Known(n) => e.index(n),
            Extent::Value(value) => value,
        }
    }
}

/// The loops of an op on memrefs.
pub struct Nest<'c, 'a> {
    /// Operands, with the loops of their axes. An input may be a scalar.
    pub generic: Generic<'c, 'a>,
    /// The size of each loop.
    pub extents: Vec<Extent<'c, 'a>>,
    /// The body.
    pub block: BlockRef<'c, 'a>,
    /// What to bring nearer on the way, where others have said so.
    pub ahead: Option<Vec<Ahead>>,
}

/// The attribute by which it is said, for each input that is: twice its number, and one more where it will be written.
/// The body does not use such an input.
pub const AHEAD: &str = "dl.ahead";

/// An input that is only to be brought nearer.
#[derive(Clone, Copy, Debug)]
pub struct Ahead {
    /// Its number.
    pub input: usize,
    /// What for.
    pub access: Prefetch,
}

impl Ahead {
    /// The attribute of a list.
    pub fn attribute<'c>(e: &Emitter<'c, '_>, all: &[Self]) -> Attribute<'c> {
        let write = |ahead: &Self| i64::from(ahead.access == Prefetch::Write);
        let numbers = all
            .iter()
            .map(|ahead| 2 * ahead.input as i64 + write(ahead));
        DenseI64ArrayAttribute::new(e.context(), &numbers.collect::<Vec<_>>()).into()
    }

    fn read(op: OperationRef) -> Option<Vec<Self>> {
        let numbers = DenseI64ArrayAttribute::try_from(op.attribute(AHEAD).ok()?).ok()?;
        let numbers = (0..numbers.len()).filter_map(|i| numbers.element(i).ok());
        let all = numbers.map(|number| Self {
            input: (number / 2) as usize,
            access: match number % 2 {
                0 => Prefetch::Read,
                _ => Prefetch::Write,
            },
        });
        Some(all.collect())
    }
}

impl<'c: 'a, 'a> Nest<'c, 'a> {
    /// The nest of a `linalg.generic` or `linalg.fill` on memrefs. Emits, with `e`, what the sizes need.
    pub fn read(e: &Emitter<'c, 'a>, op: OperationRef<'c, 'a>) -> Option<Self> {
        let generic = match walk::is(op, "linalg.fill") {
            true => {
                let (scalar, whole) = (op.operand(0).ok()?, op.operand(1).ok()?);
                let rank = shape::shape_of(whole).len();
                let all = (0..rank).collect();
                Generic {
                    iterators: vec![crate::linalg::Iterator::Parallel; rank],
                    inputs: vec![Access {
                        value: scalar,
                        loops: vec![],
                    }],
                    outputs: vec![Access {
                        value: whole,
                        loops: all,
                    }],
                    attributes: vec![],
                }
            }
            false => Generic::read(op)?,
        };
        let block = op.region(0).ok()?.first_block()?;
        let on_memory = |access: &Access| access.value.r#type().is_mem_ref();
        if op.result_count() > 0 || !generic.outputs.iter().all(on_memory) {
            return None;
        }
        let (generic, groups) = joined(e, generic, &indexed(block));
        let extents = (0..groups)
            .map(|wanted| extent(e, &generic, wanted))
            .collect::<Option<Vec<_>>>()?;
        Some(Self {
            generic,
            extents,
            block,
            ahead: Ahead::read(op),
        })
    }

    /// Whether a loop takes at most one step, known when compiling.
    pub fn is_single(&self, index: usize) -> bool {
        matches!(self.extents[index], Extent::Known(1))
    }
}

/// The loops that the body asks for by `linalg.index`.
fn indexed(block: BlockRef) -> Vec<usize> {
    let mut found = vec![];
    let mut next = block.first_operation();
    while let Some(op) = next {
        found.extend(index_of(op));
        next = op.next_in_block();
    }
    found
}

/// The loop of a `linalg.index`.
pub fn index_of(op: OperationRef) -> Option<usize> {
    if edit::name(op) != "linalg.index" {
        return None;
    }
    let dim = op.attribute("dim").ok()?.to_string();
    dim.split(' ').next()?.parse().ok()
}

/// The size of a loop, from an operand that it walks.
fn extent<'c, 'a>(
    e: &Emitter<'c, 'a>,
    generic: &Generic<'c, 'a>,
    wanted: usize,
) -> Option<Extent<'c, 'a>> {
    let places = generic
        .outputs
        .iter()
        .chain(&generic.inputs)
        .flat_map(|access| {
            let axes = access
                .loops
                .iter()
                .enumerate()
                .filter(|(_, l)| **l == wanted);
            axes.map(|(axis, _)| (access.value, axis))
        });
    let places = places.collect::<Vec<_>>();
    let known = places
        .iter()
        .map(|(value, axis)| shape::shape_of(*value)[*axis])
        .find(|d| *d != DYNAMIC);
    match known {
        Some(known) => Some(Extent::Known(known)),
        None => {
            let (value, axis) = places.first()?;
            let axis = e.index(*axis as i64);
            Some(Extent::Value(e.op(
                "memref.dim",
                &[*value, axis],
                e.index_type(),
            )))
        }
    }
}

/// Joins neighbouring loops of one kind that every operand walks as one or not at all, unless the body asks for their
/// index. Gives the new operands and the number of loops.
fn joined<'c, 'a>(
    e: &Emitter<'c, 'a>,
    generic: Generic<'c, 'a>,
    indexed: &[usize],
) -> (Generic<'c, 'a>, usize) {
    let count = generic.iterators.len();
    let operands = generic
        .inputs
        .iter()
        .chain(&generic.outputs)
        .collect::<Vec<_>>();
    let joins = |first: usize| {
        let fits = |access: &&Access| match (position(access, first), position(access, first + 1)) {
            (None, None) => true,
            (Some(a), Some(b)) => b == a + 1 && lie_together(access.value, a),
            _ => false,
        };
        generic.iterators[first] == generic.iterators[first + 1]
            && !indexed.contains(&first)
            && !indexed.contains(&(first + 1))
            && operands.iter().all(fits)
    };
    // The new number of each loop.
    let mut number = vec![0; count];
    for i in 1..count {
        number[i] = number[i - 1] + usize::from(!joins(i - 1));
    }
    let total = number.last().map_or(0, |last| last + 1);
    if total == count {
        return (generic, count);
    }
    // `linalg.index` of loops that stay speaks of old numbers: only nests without it are joined.
    if !indexed.is_empty() {
        return (generic, count);
    }
    let mut made: Vec<(usize, Value<'c, 'a>)> = vec![];
    let mut join = |access: &Access<'c, 'a>| {
        let mut loops: Vec<usize> = vec![];
        let mut groups: Vec<Vec<usize>> = vec![];
        for (axis, l) in access.loops.iter().enumerate() {
            match loops.last() == Some(&number[*l]) {
                true => groups.last_mut().expect("made with the loop").push(axis),
                false => {
                    loops.push(number[*l]);
                    groups.push(vec![axis]);
                }
            }
        }
        let value = match groups.len() == access.loops.len() {
            true => access.value,
            false => {
                let known = made.iter().find(|(old, _)| *old == identity(access.value));
                match known {
                    Some((_, value)) => *value,
                    None => {
                        let value = collapse(e, access.value, &groups);
                        made.push((identity(access.value), value));
                        value
                    }
                }
            }
        };
        Access { value, loops }
    };
    let inputs = generic.inputs.iter().map(&mut join).collect();
    let outputs = generic.outputs.iter().map(&mut join).collect();
    let mut iterators = vec![generic.iterators[0]; total];
    for (old, new) in number.iter().enumerate() {
        iterators[*new] = generic.iterators[old];
    }
    let joined = Generic {
        iterators,
        inputs,
        outputs,
        attributes: generic.attributes,
    };
    (joined, total)
}

fn position(access: &Access, wanted: usize) -> Option<usize> {
    access.loops.iter().position(|l| *l == wanted)
}

/// Whether an axis of a memref and the next one walk memory as one axis would.
fn lie_together(value: Value, axis: usize) -> bool {
    let Ok(ty) = MemRefType::try_from(value.r#type()) else {
        return false;
    };
    if ty.affine_map().is_identity() {
        return true;
    }
    let (strides, size) = (ty.strides_and_offset().0, shape::shape_of(value)[axis + 1]);
    let known = strides[axis] != DYNAMIC && strides[axis + 1] != DYNAMIC && size != DYNAMIC;
    known && strides[axis] == strides[axis + 1] * size
}

fn collapse<'c, 'a>(
    e: &Emitter<'c, 'a>,
    value: Value<'c, 'a>,
    groups: &[Vec<usize>],
) -> Value<'c, 'a> {
    let shape = shape::shape_of(value);
    let dims = groups.iter().map(|axes| {
        let known = axes.iter().map(|axis| shape[*axis]).collect::<Vec<_>>();
        match known.contains(&DYNAMIC) {
            true => "?x".to_string(),
            false => format!("{}x", known.iter().product::<i64>()),
        }
    });
    let dims = dims.collect::<String>();
    let ty = MemRefType::try_from(value.r#type()).expect("operands are memrefs");
    let layout = match ty.affine_map().is_identity() {
        true => String::new(),
        false => {
            let text = |n: i64| match n {
                DYNAMIC => "?".to_string(),
                n => n.to_string(),
            };
            let (strides, offset) = ty.strides_and_offset();
            let last = groups
                .iter()
                .map(|axes| strides[*axes.last().expect("a group has an axis")]);
            let strides = last.map(text).collect::<Vec<_>>();
            format!(
                ", strided<[{}], offset: {}>",
                strides.join(", "),
                text(offset)
            )
        }
    };
    let ty = e.ty(&format!(
        "memref<{dims}{}{layout}>",
        shape::element_of(value)
    ));
    let groups = groups.iter().map(|axes| {
        let axes = axes
            .iter()
            .map(|axis| format!("{axis} : i64"))
            .collect::<Vec<_>>();
        format!("[{}]", axes.join(", "))
    });
    let groups = e.attr(&format!("[{}]", groups.collect::<Vec<_>>().join(", ")));
    e.op_with(
        "memref.collapse_shape",
        &[value],
        ty,
        &[("reassociation", groups)],
    )
}
