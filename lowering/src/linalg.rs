//! Builds `linalg` operations on tensors.

use crate::{emit::Emitter, walk};
use dlc_dialects::ir::{inspect, shape};
use melior::{
    Context,
    ir::{
        Attribute, Block, BlockLike, BlockRef, OperationRef, Region, RegionLike, Type, Value,
        ValueLike,
        attribute::{ArrayAttribute, DenseI32ArrayAttribute, StringAttribute},
        operation::OperationLike,
    },
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
        fill_body(e, self.declare(e), body)
    }

    /// Builds the op with an empty body.
    pub fn declare(self, e: &Emitter<'c, 'a>) -> (OperationRef<'c, 'a>, BlockRef<'c, 'a>) {
        let operands = self.inputs.iter().chain(&self.outputs);
        let maps = operands
            .map(|access| map(self.iterators.len(), &access.loops))
            .collect::<Vec<_>>();
        self.declare_mapped(e, &maps)
    }

    /// Builds the op with an empty body and maps that may do more than to select loops; those of the operands are
    /// not looked at.
    pub fn declare_mapped(
        self,
        e: &Emitter<'c, 'a>,
        maps: &[String],
    ) -> (OperationRef<'c, 'a>, BlockRef<'c, 'a>) {
        let operands = self.inputs.iter().chain(&self.outputs);
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
        (op, block)
    }

    /// What an op says, if it is a `linalg.generic` whose maps only select loops, and no sort.
    pub fn read(op: OperationRef<'c, 'a>) -> Option<Self> {
        if !walk::is(op, "linalg.generic") || op.has_attribute(SORT) {
            return None;
        }
        let maps = maps(op)?;
        let iterators = iterators(op)?;
        let segments =
            DenseI32ArrayAttribute::try_from(op.attribute("operandSegmentSizes").ok()?).ok()?;
        let inputs = segments.element(0).ok()? as usize;
        let mut accesses = op
            .operands()
            .zip(maps)
            .map(|(value, loops)| Access { value, loops })
            .collect::<Vec<_>>();
        let outputs = accesses.split_off(inputs);
        let mut attributes = vec![];
        attributes.extend(op.attribute(CONTRACTION).ok().map(|a| (CONTRACTION, a)));
        Some(Self {
            iterators,
            inputs: accesses,
            outputs,
            attributes,
        })
    }

    /// Whether the op is a sum of products that is to become a matrix product.
    pub fn is_contraction(&self) -> bool {
        self.attributes.iter().any(|(name, _)| *name == CONTRACTION)
    }

    /// Whether no loop adds up.
    pub fn is_parallel(&self) -> bool {
        self.iterators.iter().all(|i| *i == Iterator::Parallel)
    }
}

/// Writes the body of a declared op; gives the op's results.
pub fn fill_body<'c, 'a>(
    e: &Emitter<'c, 'a>,
    (op, block): (OperationRef<'c, 'a>, BlockRef<'c, 'a>),
    body: impl FnOnce(&Emitter<'c, 'a>, &[Value<'c, 'a>]) -> Vec<Value<'c, 'a>>,
) -> Vec<Value<'c, 'a>> {
    let inside = Emitter::at_end(e.context(), e.location(), block);
    let yielded = body(&inside, &arguments(block));
    inside.effect("linalg.yield", &yielded, &[]);
    results(op)
}

/// The mark of a sum of products that is to become a matrix product: a unit, or [`TF32`] where operands may be rounded to that.
pub const CONTRACTION: &str = "dl.contraction";
/// The precision of products that round their operands to tf32 where a target multiplies such.
pub const TF32: &str = "tf32";

/// The mark of a sum of products in a precision.
pub fn contraction<'c>(
    context: &'c Context,
    precision: Option<&str>,
) -> (&'static str, Attribute<'c>) {
    let value = match precision {
        Some(TF32) => StringAttribute::new(context, TF32).into(),
        _ => Attribute::unit(context),
    };
    (CONTRACTION, value)
}

/// Whether a sum of products may round its operands to tf32.
pub fn is_tf32(op: OperationRef) -> bool {
    let mark = op.attribute(CONTRACTION).ok();
    mark.and_then(|mark| StringAttribute::try_from(mark).ok())
        .is_some_and(|mark| mark.value() == TF32)
}

/// The mark of an op that puts lines in order: its result is where the elements of a line lie that come first, second, …
pub const SORT: &str = "dl.sort";

/// The mark of an op that reads windows through a view whose elements overlap.
pub const WINDOWS: &str = "dl.windows";

/// The arguments of a block.
pub fn arguments<'c, 'a>(block: BlockRef<'c, 'a>) -> Vec<Value<'c, 'a>> {
    (0..block.argument_count())
        .map(|i| block.argument(i).expect("index below the count").into())
        .collect()
}

/// The results of an operation.
pub fn results<'c, 'a>(op: OperationRef<'c, 'a>) -> Vec<Value<'c, 'a>> {
    (0..op.result_count())
        .map(|i| op.result(i).expect("index below the count").into())
        .collect()
}

/// The loops of each operand's axes, if all maps only select loops.
fn maps(op: OperationRef) -> Option<Vec<Vec<usize>>> {
    let maps = ArrayAttribute::try_from(op.attribute("indexing_maps").ok()?).ok()?;
    (0..maps.len())
        .map(|i| inspect::selected_dims(maps.element(i).ok()?))
        .collect()
}

/// What the loops of a `linalg.generic` do, outermost first.
pub fn iterators(op: OperationRef) -> Option<Vec<Iterator>> {
    let kinds = ArrayAttribute::try_from(op.attribute("iterator_types").ok()?).ok()?;
    let parallel = inspect::equal(kinds, "#linalg.iterator_type<parallel>").into_iter();
    let kind = |parallel| match parallel {
        true => Iterator::Parallel,
        false => Iterator::Reduction,
    };
    Some(parallel.map(kind).collect())
}

/// The expressions of each operand's map, as text, axis by axis.
pub fn expressions(op: OperationRef) -> Option<Vec<Vec<String>>> {
    let text = op.attribute("indexing_maps").ok()?.to_string();
    let axes = |map: &str| {
        let (_, results) = map.split_once("-> (")?;
        let (results, _) = results.split_once(")>")?;
        let results = results.split(", ").filter(|axis| !axis.is_empty());
        Some(results.map(String::from).collect())
    };
    text.split("affine_map<").skip(1).map(axes).collect()
}

/// The text of a map from `count` loops to expressions of them.
pub fn map_of(count: usize, expressions: &[String]) -> String {
    let dims = (0..count).map(|i| format!("d{i}")).collect::<Vec<_>>();
    format!(
        "affine_map<({}) -> ({})>",
        dims.join(", "),
        expressions.join(", ")
    )
}

/// The text of a map that selects loops.
pub fn map(count: usize, loops: &[usize]) -> String {
    let axes = loops.iter().map(|i| format!("d{i}")).collect::<Vec<_>>();
    map_of(count, &axes)
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
    let op = declare_fill(e, scalar, into, &[into.r#type()]);
    op.result(0).expect("built with one result").into()
}

/// `linalg.fill` of memory with a scalar.
pub fn fill_memory<'c, 'a>(e: &Emitter<'c, 'a>, scalar: Value<'c, 'a>, into: Value<'c, 'a>) {
    declare_fill(e, scalar, into, &[]);
}

fn declare_fill<'c, 'a>(
    e: &Emitter<'c, 'a>,
    scalar: Value<'c, 'a>,
    into: Value<'c, 'a>,
    results: &[Type<'c>],
) -> OperationRef<'c, 'a> {
    let element = shape::element_of(into);
    let (region, block) = e.region(&[element, element]);
    Emitter::at_end(e.context(), e.location(), block).effect(
        "linalg.yield",
        &[block.argument(0).expect("made with two").into()],
        &[],
    );
    let segments = [("operandSegmentSizes", e.attr("array<i32: 1, 1>"))];
    e.build(
        "linalg.fill",
        &[scalar, into],
        results,
        &segments,
        vec![region],
    )
}

/// `tensor.empty` of a type, with a value for each `?`.
pub fn empty<'c, 'a>(e: &Emitter<'c, 'a>, ty: Type<'c>, sizes: &[Value<'c, 'a>]) -> Value<'c, 'a> {
    e.op("tensor.empty", sizes, ty)
}

/// A tensor in memory of its own.
pub fn copy<'c, 'a>(e: &Emitter<'c, 'a>, value: Value<'c, 'a>) -> Value<'c, 'a> {
    let segments = [("operandSegmentSizes", e.attr("array<i32: 0, 1, 0>"))];
    let name = "bufferization.alloc_tensor";
    e.op_with(name, &[value], value.r#type(), &segments)
}
