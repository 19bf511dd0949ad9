//! Elements of a batch one by one, for what has no form for all of them at once.

use super::values::Batcher;
use crate::functions::block_arguments;
use dlc_dialects::{
    ir::{
        builder::{Builder, Dim, dynamic, type_shape},
        shape::{element_of, tensor},
    },
    ops::build,
};
use melior::ir::{
    Block, BlockRef, OperationRef, Region, RegionLike, Type, Value, ValueLike,
    operation::{OperationBuilder, OperationLike},
};

/// Element `i` of a batch.
pub(super) fn element<'c, 'a>(
    b: &Builder<'c, 'a>,
    batch: Value<'c, 'a>,
    i: Value<'c, 'a>,
) -> Value<'c, 'a> {
    let dims = b.dims(batch).split_off(1);
    let one = [&[Dim::Static(1)], dims.as_slice()].concat();
    let part = b.value(build::slice(
        b.context,
        batch,
        &starts(b, i, dims.len()),
        &dynamic(&one),
        &vec![1; one.len()],
        tensor(&type_shape(&one), element_of(batch)),
        b.location,
    ));
    b.reshape(part, &dims)
}

/// A batch with another element `i`.
fn with_element<'c, 'a>(
    b: &Builder<'c, 'a>,
    batch: Value<'c, 'a>,
    i: Value<'c, 'a>,
    value: Value<'c, 'a>,
) -> Value<'c, 'a> {
    let dims = b.dims(value);
    let part = b.reshape(value, &[&[Dim::Static(1)], dims.as_slice()].concat());
    b.value(build::update_slice(
        b.context,
        batch,
        part,
        &starts(b, i, dims.len()),
        &vec![1; dims.len() + 1],
        batch.r#type(),
        b.location,
    ))
}

fn starts<'c, 'a>(b: &Builder<'c, 'a>, i: Value<'c, 'a>, rank: usize) -> Vec<Value<'c, 'a>> {
    let zero = b.index(0);
    std::iter::once(i)
        .chain(std::iter::repeat_n(zero, rank))
        .collect()
}

/// A batch of what is made of the elements of others, one after another; `like` is a batch of that kind.
pub(super) fn for_each<'c, 'a>(
    at: &Batcher<'c, 'a>,
    batches: &[Value<'c, 'a>],
    like: Value<'c, 'a>,
    ty: Type<'c>,
    make: impl FnOnce(&Builder<'c, 'a>, &[Value<'c, 'a>]) -> Value<'c, 'a>,
) -> Value<'c, 'a> {
    let made = rounds(at, &[like], &[ty], |e, i, carried| {
        let parts = batches.iter().map(|x| element(e, *x, i));
        let y = make(e, &parts.collect::<Vec<_>>());
        vec![with_element(e, carried[0], i, y)]
    });
    made.result(0).expect("the loop carries one value").into()
}

/// A loop over the elements of a batch.
pub(super) fn rounds<'c, 'a>(
    at: &Batcher<'c, 'a>,
    inits: &[Value<'c, 'a>],
    types: &[Type<'c>],
    round: impl FnOnce(&Builder<'c, 'a>, Value<'c, 'a>, &[Value<'c, 'a>]) -> Vec<Value<'c, 'a>>,
) -> OperationRef<'c, 'a> {
    let b = at.builder;
    let mut operands = vec![b.index(0), b.dim_value(at.size), b.index(1)];
    operands.extend(inits);
    let index = [b.index_type()];
    let (made, blocks) = with_regions(
        &b,
        "scf.for",
        &operands,
        types,
        &[&[&index, types].concat()],
    );
    let e = Builder::at_end(b.context, blocks[0], b.location);
    let arguments = block_arguments(blocks[0]);
    let given = round(&e, arguments[0], &arguments[1..]);
    end(&e, "scf.yield", &given);
    made
}

/// An op with regions of one block each, whose arguments have these types.
pub(super) fn with_regions<'c, 'a>(
    b: &Builder<'c, 'a>,
    name: &str,
    operands: &[Value<'c, 'a>],
    types: &[Type<'c>],
    arguments: &[&[Type<'c>]],
) -> (OperationRef<'c, 'a>, Vec<BlockRef<'c, 'a>>) {
    let region = |types: &&[Type<'c>]| {
        let region = Region::new();
        let arguments = types.iter().map(|ty| (*ty, b.location));
        region.append_block(Block::new(&arguments.collect::<Vec<_>>()));
        region
    };
    let op = OperationBuilder::new(name, b.location)
        .add_operands(operands)
        .add_results(types)
        .add_regions_vec(arguments.iter().map(region).collect())
        .build()
        .expect("result types are given");
    let op = b.append(op);
    let blocks = op.regions().filter_map(|region| region.first_block());
    let blocks = blocks.collect();
    (op, blocks)
}

/// Ends a block.
pub(super) fn end<'c, 'a>(b: &Builder<'c, 'a>, name: &str, values: &[Value<'c, 'a>]) {
    let op = OperationBuilder::new(name, b.location).add_operands(values);
    b.append(op.build().expect("a terminator has no results"));
}
