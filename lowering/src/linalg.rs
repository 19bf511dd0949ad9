//! Builds `linalg` operations on tensors.

use crate::emit::Emitter;
use dlc_dialects::ir::shape;
use melior::ir::{
    Attribute, Block, BlockLike, Region, RegionLike, Type, Value, ValueLike,
    operation::OperationLike,
};

/// What a loop of a `linalg.generic` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Iterator {
    /// Its steps are independent.
    Parallel,
    /// Its steps add up in the result.
    Reduction,
}

/// An operand with the loop of each of its axes.
#[derive(Clone, Debug)]
pub struct Access<'c, 'a> {
    /// The tensor.
    pub value: Value<'c, 'a>,
    /// A loop for each axis.
    pub loops: Vec<usize>,
}

/// A `linalg.generic` to be built.
pub struct Generic<'c, 'a> {
    /// One for each loop, outermost first.
    pub iterators: Vec<Iterator>,
    /// What the body reads.
    pub inputs: Vec<Access<'c, 'a>>,
    /// What the body updates.
    pub outputs: Vec<Access<'c, 'a>>,
    /// Further attributes.
    pub attributes: Vec<(&'static str, Attribute<'c>)>,
}

impl<'c, 'a> Generic<'c, 'a> {
    /// Builds the op; the body gets an element of each input and output, and returns the outputs' new ones.
    pub fn build(
        self,
        e: &Emitter<'c, 'a>,
        body: impl FnOnce(&Emitter<'c, 'a>, &[Value<'c, 'a>]) -> Vec<Value<'c, 'a>>,
    ) -> Vec<Value<'c, 'a>> {
        let operands = self.inputs.iter().chain(&self.outputs);
        let maps = operands
            .clone()
            .map(|access| map(self.iterators.len(), &access.loops))
            .collect::<Vec<_>>();
        let iterators = self
            .iterators
            .iter()
            .map(|iterator| match iterator {
                Iterator::Parallel => "#linalg.iterator_type<parallel>",
                Iterator::Reduction => "#linalg.iterator_type<reduction>",
            })
            .collect::<Vec<_>>();
        let segments = format!("array<i32: {}, {}>", self.inputs.len(), self.outputs.len());
        let mut attributes = vec![
            ("indexing_maps", e.attr(&format!("[{}]", maps.join(", ")))),
            (
                "iterator_types",
                e.attr(&format!("[{}]", iterators.join(", "))),
            ),
            ("operandSegmentSizes", e.attr(&segments)),
        ];
        attributes.extend(self.attributes);
        let values = operands
            .clone()
            .map(|access| access.value)
            .collect::<Vec<_>>();
        let elements = values
            .iter()
            .map(|value| (shape::element_of(*value), e.location()))
            .collect::<Vec<_>>();
        let results = self
            .outputs
            .iter()
            .map(|access| access.value.r#type())
            .filter(|ty| shape::is_tensor(*ty))
            .collect::<Vec<_>>();
        let region = Region::new();
        region.append_block(Block::new(&elements));
        let op = e.build(
            "linalg.generic",
            &values,
            &results,
            &attributes,
            vec![region],
        );
        let block = op
            .region(0)
            .ok()
            .and_then(|region| region.first_block())
            .expect("built with one block");
        let inside = Emitter::at_end(e.context(), e.location(), block);
        let arguments = (0..block.argument_count())
            .map(|i| block.argument(i).expect("index below the count").into())
            .collect::<Vec<_>>();
        let yielded = body(&inside, &arguments);
        inside.effect("linalg.yield", &yielded, &[]);
        (0..op.result_count())
            .map(|i| op.result(i).expect("index below the count").into())
            .collect()
    }
}

/// The text of a map that selects loops.
pub fn map(count: usize, loops: &[usize]) -> String {
    let name = |i: &usize| format!("d{i}");
    let dims = (0..count).map(|i| name(&i)).collect::<Vec<_>>().join(", ");
    let results = loops.iter().map(name).collect::<Vec<_>>().join(", ");
    format!("affine_map<({dims}) -> ({results})>")
}

/// `linalg.index`.
pub fn index<'c, 'a>(e: &Emitter<'c, 'a>, dim: usize) -> Value<'c, 'a> {
    let dim = e.attr(&format!("{dim} : i64"));
    e.op_with("linalg.index", &[], e.index_type(), &[("dim", dim)])
}

/// `linalg.fill` of a tensor with a scalar.
pub fn fill<'c, 'a>(
    e: &Emitter<'c, 'a>,
    scalar: Value<'c, 'a>,
    into: Value<'c, 'a>,
) -> Value<'c, 'a> {
    let ty = into.r#type();
    let element = shape::element(ty);
    let region = Region::new();
    region.append_block(Block::new(&[
        (element, e.location()),
        (element, e.location()),
    ]));
    let segments = [("operandSegmentSizes", e.attr("array<i32: 1, 1>"))];
    let op = e.build(
        "linalg.fill",
        &[scalar, into],
        &[ty],
        &segments,
        vec![region],
    );
    let block = op
        .region(0)
        .ok()
        .and_then(|region| region.first_block())
        .expect("built with one block");
    let inside = Emitter::at_end(e.context(), e.location(), block);
    inside.effect(
        "linalg.yield",
        &[block.argument(0).expect("made with two").into()],
        &[],
    );
    op.result(0).expect("built with one result").into()
}

/// `tensor.empty` of a type, with a value for each `?`.
pub fn empty<'c, 'a>(e: &Emitter<'c, 'a>, ty: Type<'c>, sizes: &[Value<'c, 'a>]) -> Value<'c, 'a> {
    e.op("tensor.empty", sizes, ty)
}
