//! Gives every buffer of an entry a place in memory that the caller owns, by liveness.
//!
//! Before:
//! ```mlir
//! func.func @m_f(%B: index, %x: memref<?x64xf32> {…}, %out: memref<f32> {…}) attributes {dl.entry = "m_f", …} {
//!   %a = memref.alloc(%B) : memref<?x64xf32>
//! ```
//! After:
//! ```mlir
//! func.func @m_f(…, %slot: memref<?xi8> {dl.slot = ["256*B"]}) attributes {dl.entry = "m_f", …} {
//!   %a = memref.view %slot[%c0][%B] : memref<?xi8> to memref<?x64xf32>
//! ```
//! A slot is memory for buffers that are never alive together; its size is the largest of the polynomials. Slots are
//! arguments of their own, so that nothing later need prove that they are disjoint; `emit-entry-points` lays them out
//! one after another in the workspace and emits the function that gives its size. Buffers of a few bytes go to the
//! stack instead, where they become registers.
//!
//! *Requires*: bufferised, structured functions with affine ops lowered; sizes made by index arithmetic from the
//! dims. *Ensures*: no `memref.alloc` and no `memref.dealloc`. *Does not*: keep two buffers of one loop apart that
//! swap between rounds; such a buffer is refused.

use crate::{
    alias::{self, Order},
    emit::Emitter,
    entry::{self, Entry},
    size::{self, Dims},
    walk,
};
use dlc_abi::{DimRange, Poly};
use dlc_dialects::{
    ir::edit,
    pass::{Anchor, INTERNAL, PassError, PassInfo},
};
use melior::{
    Context,
    ir::{
        Attribute, BlockLike, OperationRef, Type, Value, ValueLike,
        attribute::{ArrayAttribute, StringAttribute, TypeAttribute},
        operation::OperationLike,
        r#type::FunctionType,
    },
};
use std::cmp::Reverse;

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "plan-workspace",
    summary: "Give every buffer a slot in the caller's workspace",
    anchor: Anchor::Module,
    required: true,
    run,
};

/// The attribute of a slot argument: the polynomials whose maximum is its size in bytes.
pub const SLOT: &str = "dl.slot";

/// What a dim counts for when buffers of several dims are compared.
const TYPICAL: i64 = 256;
/// Buffers up to so many bytes go to the stack,
const SMALL: i64 = 256;
/// while all of them together have no more than so many.
const STACK: i64 = 16 << 10;

fn run<'c, 'a>(cx: &'c Context, module: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    for entry in entry::entries(module)? {
        plan(cx, &entry)?;
    }
    match walk::named(module, "memref.alloc").first() {
        Some(alloc) => Err(PassError::at(
            alloc,
            format!("{INTERNAL}: a buffer outside the entries"),
        )),
        None => Ok(()),
    }
}

/// A buffer and when it is alive.
struct Buffer<'c, 'a> {
    alloc: OperationRef<'c, 'a>,
    live: (usize, usize),
    bytes: Poly,
}

/// Memory for buffers that are not alive together.
struct Slot {
    members: Vec<usize>,
    sizes: Vec<Poly>,
}

fn plan<'c, 'a>(cx: &'c Context, entry: &Entry<'c, 'a>) -> Result<(), PassError<'c>> {
    let func = entry.func;
    for op in walk::named(func, "memref.dealloc") {
        edit::erase(cx, op);
    }
    let names: Vec<_> = entry.dims.iter().map(|dim| dim.name.clone()).collect();
    let dims = Dims {
        names: &names,
        leaves: &entry.leaves,
    };
    let order = Order::new(func);
    let mut buffers = vec![];
    let mut stack = 0;
    for alloc in walk::named(func, "memref.alloc") {
        let bytes = size::bytes(alloc, &dims).ok_or_else(|| {
            PassError::at(
                &alloc,
                format!("{INTERNAL}: the size of {alloc} does not follow from the dims"),
            )
        })?;
        let live = live(alloc, &order)?;
        let fixed = alloc.operand_count() == 0;
        match bytes.as_const() {
            Some(small) if fixed && small <= SMALL && stack + small <= STACK => {
                stack += small;
                to_stack(cx, func, alloc)?;
            }
            _ => match live {
                Some(live) => buffers.push(Buffer { alloc, live, bytes }),
                None => edit::erase(cx, alloc),
            },
        }
    }
    let typical = |bytes: &Poly| bytes.eval(&|name| Some(typical(name, &entry.dims)));
    buffers.sort_by_cached_key(|buffer| {
        let bytes = typical(&buffer.bytes).unwrap_or(i64::MAX);
        (Reverse(bytes), buffer.live.0)
    });
    let slots = assign(&buffers, &entry.dims);
    place(cx, func, &buffers, &slots)
}

/// From the first to the last op that may touch the buffer; nothing if none does.
fn live<'c, 'a>(
    alloc: OperationRef<'c, 'a>,
    order: &Order,
) -> Result<Option<(usize, usize)>, PassError<'c>> {
    let views = alias::views(alloc.result(0)?.into());
    if let Some(op) = views.escape {
        let message = format!(
            "{INTERNAL}: the buffer of {alloc} outlives the round of the loop that makes it"
        );
        return Err(PassError::at(&op, message));
    }
    let mut touching: Vec<_> = views.uses.iter().map(|(op, _)| *op).collect();
    if touching.is_empty() {
        return Ok(None);
    }
    touching.push(alloc);
    let block = alias::common_block(&touching).expect("the ops of a function share its body");
    let spans = touching
        .iter()
        .filter_map(|op| alias::in_block(*op, &block))
        .filter(|op| *op != alloc);
    let spans: Vec<_> = spans.map(|op| order.span(op)).collect();
    let start = spans.iter().map(|span| span.0).min();
    let end = spans.iter().map(|span| span.1).max();
    Ok(start.zip(end))
}

/// The value of a dim at which buffers are compared.
fn typical(name: &str, dims: &[DimRange]) -> i64 {
    let dim = dims.iter().find(|dim| dim.name == name);
    let most = dim.and_then(|dim| dim.max).unwrap_or(i64::MAX);
    TYPICAL.min(most)
}

/// Puts each buffer into the slot that grows least by it, and of those into the last, which is the smallest. Buffers come
/// in the order of their sizes, the largest first, so that few slots are larger than most of their buffers.
/// Source: Pisarchyk and Lee, Efficient Memory Management for Deep Neural Net Inference (2020), greedy by size.
fn assign(buffers: &[Buffer], dims: &[DimRange]) -> Vec<Slot> {
    // Dims count from their least values, so that `16*B*T >= 4*B` shows where B and T are at least 1.
    let least = |name: &str| {
        let dim = dims.iter().find(|dim| dim.name == name && dim.min > 0)?;
        Some(Poly::name(name) + Poly::constant(dim.min))
    };
    let holds = |a: &Poly, b: &Poly| {
        size::dominates(&a.substitute_with(&least), &b.substitute_with(&least))
    };
    let mut slots: Vec<Slot> = vec![];
    for (i, Buffer { live, bytes, .. }) in buffers.iter().enumerate() {
        let free = |slot: &Slot| {
            slot.members
                .iter()
                .map(|other| buffers[*other].live)
                .all(|other| other.1 < live.0 || live.1 < other.0)
        };
        // How much the slot grows, coarsely.
        let cost = |slot: &Slot| match () {
            () if slot.sizes.contains(bytes) => 0,
            () if slot.sizes.iter().any(|size| holds(size, bytes)) => 1,
            () if slot.sizes.iter().all(|size| holds(bytes, size)) => 2,
            () => 3,
        };
        let best = slots
            .iter_mut()
            .rev()
            .filter(|slot| free(slot))
            .min_by_key(|slot| cost(slot));
        match best {
            Some(slot) => {
                slot.members.push(i);
                if !slot.sizes.iter().any(|size| holds(size, bytes)) {
                    slot.sizes.retain(|size| !holds(bytes, size));
                    slot.sizes.push(bytes.clone());
                }
            }
            None => slots.push(Slot {
                members: vec![i],
                sizes: vec![bytes.clone()],
            }),
        }
    }
    slots
}

/// Adds the slots as arguments and makes the buffers views of them.
fn place<'c, 'a>(
    cx: &'c Context,
    func: OperationRef<'c, 'a>,
    buffers: &[Buffer<'c, 'a>],
    slots: &[Slot],
) -> Result<(), PassError<'c>> {
    let body = entry::body(func)?;
    let ty = Type::parse(cx, "memref<?xi8>").expect("a memref type");
    let mut attributes = entry::list(func.attribute("arg_attrs").ok()).unwrap_or_default();
    let none = Attribute::parse(cx, "{}").expect("an empty dictionary");
    attributes.resize(body.argument_count(), none);
    for slot in slots {
        let memory = body.add_argument(ty, func.location());
        let sizes: Vec<Attribute> = slot
            .sizes
            .iter()
            .map(|size| StringAttribute::new(cx, &size.to_string()).into())
            .collect();
        let sizes = ArrayAttribute::new(cx, &sizes);
        attributes
            .push(Attribute::parse(cx, &format!("{{{SLOT} = {sizes}}}")).expect("a dictionary"));
        for member in &slot.members {
            let alloc = buffers[*member].alloc;
            let e = Emitter::before(cx, alloc);
            let operands: Vec<_> = [memory, e.index(0)]
                .into_iter()
                .chain(alloc.operands())
                .collect();
            let result: Value = alloc.result(0)?.into();
            let view = e.op("memref.view", &operands, result.r#type());
            edit::replace_uses(result, view);
            edit::erase(cx, alloc);
        }
    }
    let inputs: Vec<_> = (0..body.argument_count())
        .map(|i| Ok(Value::from(body.argument(i)?).r#type()))
        .collect::<Result<_, melior::Error>>()?;
    let ty = TypeAttribute::new(FunctionType::new(cx, &inputs, &[]).into());
    edit::set_attribute(func, "function_type", ty.into());
    edit::set_attribute(
        func,
        "arg_attrs",
        ArrayAttribute::new(cx, &attributes).into(),
    );
    Ok(())
}

/// Moves a small buffer to the function's frame.
fn to_stack<'c, 'a>(
    cx: &'c Context,
    func: OperationRef<'c, 'a>,
    alloc: OperationRef<'c, 'a>,
) -> Result<(), PassError<'c>> {
    let e = Emitter::at_start(cx, alloc.location(), entry::body(func)?);
    let result: Value = alloc.result(0)?.into();
    let sizes = ("operandSegmentSizes", e.attr("array<i32: 0, 0>"));
    let alignment = ("alignment", e.attr("64 : i64"));
    let memory = e.op_with("memref.alloca", &[], result.r#type(), &[sizes, alignment]);
    edit::replace_uses(result, memory);
    edit::erase(cx, alloc);
    Ok(())
}
