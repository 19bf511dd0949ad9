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
//! A slot is memory for buffers; those that are alive together lie side by side, at offsets. Its size is the largest of the
//! polynomials. Slots are arguments of their own, so that nothing later need prove that they are disjoint, and no nest of
//! loops touches two buffers of one, where that costs little memory; `emit-entry-points` lays them out one after another in
//! the workspace and emits the function that gives its size. Buffers of a few bytes go to the stack instead, where they
//! become registers.
//!
//! *Requires*: bufferised, structured functions with affine ops lowered; sizes made by index arithmetic from the
//! dims. *Ensures*: no `memref.alloc` and no `memref.dealloc`. *Does not*: keep two buffers of one loop apart that
//! swap between rounds; such a buffer is refused.

use crate::{
    alias::{self, Order},
    dl_to_linalg::sizes::Sizes,
    emit::Emitter,
    entry::{self, Entry},
    schedule::Target,
    size::{self, Dims},
    walk,
    workspace::{self, Buffer, Placed, Slot},
};
use dlc_abi::Poly;
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
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "plan-workspace",
    summary: "Give every buffer a slot in the caller's workspace",
    anchor: Anchor::Module,
    required: true,
    run,
};

/// The same without sharing, against which plans are held.
pub const APART: PassInfo = PassInfo {
    name: "plan-workspace-apart",
    summary: "Give every buffer memory of its own in the caller's workspace",
    anchor: Anchor::Module,
    required: true,
    run: run_apart,
};

/// The attribute of a slot argument: the polynomials whose maximum is its size in bytes.
pub const SLOT: &str = "dl.slot";

/// Buffers up to so many bytes go to the stack,
const SMALL: i64 = 256;
/// while all of them together have no more than so many.
const STACK: i64 = 16 << 10;

fn run<'c, 'a>(cx: &'c Context, module: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    plan_all(cx, module, Sharing::Later)
}

fn run_apart<'c, 'a>(cx: &'c Context, module: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    plan_all(cx, module, Sharing::Never)
}

/// Which buffers may get memory of others.
#[derive(Clone, Copy, PartialEq)]
enum Sharing {
    /// Those that are alive later.
    Later,
    /// None.
    Never,
}

fn plan_all<'c, 'a>(
    cx: &'c Context,
    module: OperationRef<'c, 'a>,
    sharing: Sharing,
) -> Result<(), PassError<'c>> {
    for entry in entry::entries(module)? {
        plan(cx, module, &entry, sharing)?;
    }
    match walk::named(module, "memref.alloc").first() {
        Some(alloc) => Err(PassError::at(
            alloc,
            format!("{INTERNAL}: a buffer outside the entries"),
        )),
        None => Ok(()),
    }
}

/// A buffer: what makes it, and what is to be placed.
struct Made<'c, 'a> {
    alloc: OperationRef<'c, 'a>,
    buffer: Buffer,
    /// The first and the last op that may touch it.
    ends: [OperationRef<'c, 'a>; 2],
}

fn plan<'c, 'a>(
    cx: &'c Context,
    module: OperationRef<'c, 'a>,
    entry: &Entry<'c, 'a>,
    sharing: Sharing,
) -> Result<(), PassError<'c>> {
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
    let allocs = walk::named(func, "memref.alloc");
    let holders = allocs.iter().flat_map(|alloc| alias::ancestors(*alloc));
    let holders: HashSet<usize> = holders.map(edit::identity).collect();
    let mut made = vec![];
    // What kernels use is on the device: only what has no bytes goes to the host's stack.
    let small_at_most = match Target::of(func).gpu > 0 {
        true => 0,
        false => SMALL,
    };
    let mut stack = 0;
    for alloc in allocs {
        let bytes = size::bytes(alloc, &dims).ok_or_else(|| {
            PassError::at(
                &alloc,
                format!("{INTERNAL}: the size of {alloc} does not follow from the dims"),
            )
        })?;
        let touching = touching(alloc, &order, &holders)?;
        let fixed = alloc.operand_count() == 0;
        match bytes.as_const() {
            Some(small) if fixed && small <= small_at_most && stack + small <= STACK => {
                stack += small;
                to_stack(cx, func, alloc)?;
            }
            _ => match touching {
                Some(Touching { ends, nests }) => made.push(Made {
                    alloc,
                    buffer: Buffer {
                        live: match sharing {
                            Sharing::Later => (order.span(ends[0]).0, order.span(ends[1]).1),
                            Sharing::Never => (0, usize::MAX / 2),
                        },
                        bytes,
                        nests,
                    },
                    ends,
                }),
                None => edit::erase(cx, alloc),
            },
        }
    }
    let buffers: Vec<Buffer> = made.iter().map(|made| made.buffer.clone()).collect();
    let slots = workspace::assign(&buffers, &entry.dims);
    if module.has_attribute(workspace::ASKED) {
        workspace::note(cx, entry, &placed(&made, &slots, &dims));
    }
    place(cx, entry, &made, &slots)
}

/// Who may touch a buffer.
struct Touching<'c, 'a> {
    /// The first and the last op, of the block that holds all of them.
    ends: [OperationRef<'c, 'a>; 2],
    /// The numbers of the outermost ops that make no buffers, which touch it or hold ops that do.
    nests: BTreeSet<usize>,
}

/// Who may touch a buffer, in a function where these ops make or hold what makes buffers; nothing if nobody does.
fn touching<'c, 'a>(
    alloc: OperationRef<'c, 'a>,
    order: &Order,
    holders: &HashSet<usize>,
) -> Result<Option<Touching<'c, 'a>>, PassError<'c>> {
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
    let nest = |op: &OperationRef<'c, 'a>| {
        let around = alias::ancestors(*op).into_iter();
        let inside = around.take_while(|op| !holders.contains(&edit::identity(*op)));
        order.span(inside.last().unwrap_or(*op)).0
    };
    let nests = touching.iter().map(nest).collect();
    touching.push(alloc);
    let block = alias::common_block(&touching).expect("the ops of a function share its body");
    let ops = touching
        .iter()
        .filter_map(|op| alias::in_block(*op, &block))
        .filter(|op| *op != alloc);
    let ops: Vec<_> = ops.collect();
    let first = ops.iter().min_by_key(|op| order.span(**op).0);
    let last = ops.iter().max_by_key(|op| order.span(**op).1);
    Ok(first.zip(last).map(|(first, last)| Touching {
        ends: [*first, *last],
        nests,
    }))
}

/// The plan, for who asks for it.
fn placed(made: &[Made], slots: &[Slot], dims: &Dims) -> Vec<Placed> {
    let mut placed = vec![];
    for (number, slot) in slots.iter().enumerate() {
        placed.extend(slot.members.iter().map(|(i, offset)| {
            let made = &made[*i];
            let places = [made.alloc, made.ends[0], made.ends[1]];
            let placed = Placed {
                ty: size::type_text(made.alloc, dims),
                bytes: made.buffer.bytes.clone(),
                slot: number,
                offset: offset.clone(),
                live: made.buffer.live,
                places: places.map(|op| op.location().to_string()),
            };
            (*i, placed)
        }));
    }
    placed.sort_by_key(|(i, _)| *i);
    placed.into_iter().map(|(_, placed)| placed).collect()
}

/// Adds the slots as arguments and makes the buffers views of them.
fn place<'c, 'a>(
    cx: &'c Context,
    entry: &Entry<'c, 'a>,
    made: &[Made<'c, 'a>],
    slots: &[Slot],
) -> Result<(), PassError<'c>> {
    let func = entry.func;
    let body = entry::body(func)?;
    let offsets = offsets(cx, entry, slots)?;
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
        for (member, offset) in &slot.members {
            let alloc = made[*member].alloc;
            let e = Emitter::before(cx, alloc);
            let offset = match known(offset) {
                Some(offset) => e.index(offset),
                None => offsets[offset],
            };
            let operands: Vec<_> = [memory, offset]
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

/// The offset if it is known.
fn known(offset: &[Poly]) -> Option<i64> {
    match offset {
        [only] => only.as_const(),
        _ => None,
    }
}

/// The values of offsets that are not known, made before everything else.
fn offsets<'c, 'a>(
    cx: &'c Context,
    entry: &Entry<'c, 'a>,
    slots: &[Slot],
) -> Result<BTreeMap<Vec<Poly>, Value<'c, 'a>>, PassError<'c>> {
    let body = entry::body(entry.func)?;
    let e = Emitter::at_start(cx, entry.func.location(), body);
    let mut sizes = Sizes::default();
    for (i, dim) in entry.dims.iter().enumerate() {
        sizes.bind(&dim.name, body.argument(i)?.into());
    }
    let mut values = BTreeMap::new();
    for (_, offset) in slots.iter().flat_map(|slot| &slot.members) {
        if known(offset).is_some() || values.contains_key(offset) {
            continue;
        }
        let of: Vec<_> = offset.iter().map(|poly| sizes.value(&e, poly)).collect();
        let most = of
            .into_iter()
            .reduce(|a, b| e.op("arith.maxsi", &[a, b], e.index_type()));
        let most = most.expect("an offset is the maximum of some polynomials");
        values.insert(offset.clone(), most);
    }
    Ok(values)
}

/// Moves a small buffer to the function's frame.
fn to_stack<'c, 'a>(
    cx: &'c Context,
    func: OperationRef<'c, 'a>,
    alloc: OperationRef<'c, 'a>,
) -> Result<(), PassError<'c>> {
    let e = Emitter::at_start(cx, alloc.location(), entry::body(func)?);
    let result: Value = alloc.result(0)?.into();
    let memory = e.stack(&result.r#type().to_string());
    edit::replace_uses(result, memory);
    edit::erase(cx, alloc);
    Ok(())
}
