//! Sizes of tensors as polynomials, by which two ops are known to loop over the same space.

use crate::{
    linalg::Generic,
    size::{self, Dims},
};
use dlc_abi::Poly;
use dlc_dialects::ir::{
    edit,
    inspect::{self, identity},
    shape::{self, DYNAMIC},
};
use melior::ir::{
    BlockLike, OperationRef, RegionLike, Value,
    attribute::{ArrayAttribute, DenseI64ArrayAttribute, DictionaryAttribute, StringAttribute},
    operation::{OperationLike, OperationResult},
};

/// What the function says of its arguments' sizes.
pub struct Spaces {
    names: Vec<String>,
    /// `dl.shape` of each argument.
    shapes: Vec<Option<Vec<Poly>>>,
}

impl Spaces {
    /// Reads a function's attributes.
    pub fn of(func: OperationRef) -> Self {
        let names = func
            .attribute("dl.dims")
            .ok()
            .and_then(strings)
            .unwrap_or_default();
        let attributes = func
            .attribute("arg_attrs")
            .ok()
            .and_then(|a| ArrayAttribute::try_from(a).ok());
        let shape = |i: usize| {
            let attributes = DictionaryAttribute::try_from(attributes?.element(i).ok()?).ok()?;
            let texts = strings(attributes.element_by_name("dl.shape")?)?;
            texts.iter().map(|text| Poly::parse(text).ok()).collect()
        };
        let count = attributes.map_or(0, |a| a.len());
        Self {
            names,
            shapes: (0..count).map(shape).collect(),
        }
    }

    /// The sizes of an op's loops.
    pub fn loops<'c: 'a, 'a>(&self, generic: &Generic<'c, 'a>) -> Vec<Poly> {
        let accesses = generic.outputs.iter().chain(&generic.inputs);
        let accesses = accesses.collect::<Vec<_>>();
        let size = |wanted: usize| {
            let candidates = accesses.iter().flat_map(|access| {
                let places = access.loops.iter().enumerate();
                let places = places.filter(move |(_, l)| **l == wanted);
                places.map(|(axis, _)| self.size(access.value, axis))
            });
            let candidates = candidates.collect::<Vec<_>>();
            let known = candidates.iter().find(|size| size.as_const().is_some());
            let any = known.or(candidates.first()).cloned();
            any.unwrap_or_else(|| unknown(identity(accesses[0].value), wanted))
        };
        (0..generic.iterators.len()).map(size).collect()
    }

    /// The sizes of a buffer.
    pub fn of_buffer(&self, buffer: Value) -> Vec<Poly> {
        let rank = shape::shape_of(buffer).len();
        (0..rank).map(|axis| self.size(buffer, axis)).collect()
    }

    /// The size of an axis of a tensor or memref.
    fn size(&self, value: Value, axis: usize) -> Poly {
        match shape::shape_of(value)[axis] {
            DYNAMIC => self
                .traced(value, axis)
                .unwrap_or_else(|| unknown(identity(value), axis)),
            known => Poly::constant(known),
        }
    }

    fn traced(&self, value: Value, axis: usize) -> Option<Poly> {
        if let Some(argument) = inspect::argument(value) {
            let function = argument.owner().parent_operation()?;
            let number = argument.argument_number();
            // What a loop carries has the sizes that it begins with.
            let begins = |operand: Option<usize>| {
                let operand = operand.filter(|i| *i < function.operand_count());
                Some(self.size(function.operand(operand?).ok()?, axis))
            };
            return match edit::name(function) {
                "func.func" => self.shapes.get(number)?.as_ref()?.get(axis).cloned(),
                "scf.for" => begins(number.checked_sub(1).map(|i| i + 3)),
                "scf.while" => begins(Some(number)),
                _ => None,
            };
        }
        let result = OperationResult::try_from(value).ok()?;
        let op = result.owner();
        let like = |operand: usize| Some(self.size(op.operand(operand).ok()?, axis));
        match edit::name(op) {
            "tensor.empty" | "memref.alloc" => {
                let before = shape::shape_of(value)[..axis]
                    .iter()
                    .filter(|d| **d == DYNAMIC)
                    .count();
                Some(self.index(op.operand(before).ok()?))
            }
            // A view that drops axes drops such of size 1: axes of unknown size stay in order.
            "memref.subview" => {
                let unknown = |list: &str| {
                    let list = DenseI64ArrayAttribute::try_from(op.attribute(list).ok()?).ok()?;
                    let found = (0..list.len()).filter(|i| list.element(*i) == Ok(DYNAMIC));
                    Some(found.count())
                };
                let shape = shape::shape_of(value);
                let count = |axes: &[i64]| axes.iter().filter(|d| **d == DYNAMIC).count();
                let (before, all) = (count(&shape[..axis]), count(&shape));
                let offsets = unknown("static_offsets")?;
                let operand = op.operand(1 + offsets + before).ok()?;
                (unknown("static_sizes")? == all).then(|| self.index(operand))
            }
            "tensor.expand_shape" | "tensor.extract_slice" => {
                let list = match edit::name(op) {
                    "tensor.expand_shape" => "static_output_shape",
                    _ => "static_sizes",
                };
                let sizes = DenseI64ArrayAttribute::try_from(op.attribute(list).ok()?).ok()?;
                if sizes.len() != shape::shape_of(value).len() {
                    return None;
                }
                let dynamic = |i: usize| sizes.element(i).is_ok_and(|d| d == DYNAMIC);
                let before = (0..axis).filter(|i| dynamic(*i)).count();
                let offsets = match op.attribute("static_offsets") {
                    Ok(offsets) => {
                        let offsets = DenseI64ArrayAttribute::try_from(offsets).ok()?;
                        (0..offsets.len())
                            .filter(|i| offsets.element(*i).is_ok_and(|d| d == DYNAMIC))
                            .count()
                    }
                    Err(_) => 0,
                };
                Some(self.index(op.operand(1 + offsets + before).ok()?))
            }
            "linalg.generic" => {
                like(op.operand_count() - op.result_count() + result.result_number())
            }
            "linalg.fill"
            | "tensor.insert_slice"
            | "tensor.insert"
            | "bufferization.materialize_in_destination" => like(1),
            "scf.for" => like(3 + result.result_number()),
            "scf.while" if result.result_number() < op.operand_count() => {
                like(result.result_number())
            }
            "scf.if" => {
                let side = op.region(0).ok()?.first_block()?;
                let yielded = side.terminator()?.operand(result.result_number()).ok()?;
                Some(self.size(yielded, axis))
            }
            "tensor.cast" | "bufferization.to_tensor" => like(0),
            _ => None,
        }
    }

    /// What an index value is.
    pub fn index(&self, value: Value) -> Poly {
        let asked = inspect::defining_op(value).filter(|op| edit::name(*op) == "memref.dim");
        let axis = asked.and_then(|op| size::constant(op.operand(1).ok()?));
        if let (Some(op), Some(axis)) = (asked, axis)
            && let Ok(buffer) = op.operand(0)
        {
            return self.size(buffer, axis as usize);
        }
        let dims = Dims {
            names: &self.names,
            leaves: &[],
        };
        size::exact(value, &dims).unwrap_or_else(|| unknown(identity(value), 0))
    }
}

fn unknown(id: usize, axis: usize) -> Poly {
    Poly::name(format!("%{id}.{axis}"))
}

fn strings(attribute: melior::ir::Attribute) -> Option<Vec<String>> {
    let array = ArrayAttribute::try_from(attribute).ok()?;
    let text = |i| {
        Some(
            StringAttribute::try_from(array.element(i).ok()?)
                .ok()?
                .value()
                .to_string(),
        )
    };
    (0..array.len()).map(text).collect()
}
