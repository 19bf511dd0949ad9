//! Makes functions of the loop nests of large bodies, so that what LLVM does to a function, some of which grows faster
//! than its length, is done to short ones; equal nests, as layers have them, become one function.
//!
//! Before:
//! ```mlir
//! func.func @m_f__impl(%x: memref<64xf32>, %slot: memref<?xi8>) attributes {dl.entry = "m_f"} {
//!   %a = memref.view %slot[%c0][] : memref<?xi8> to memref<64xf32>
//!   scf.for %i = %c0 to %c64 step %c16 { … %x … %a … }
//! ```
//! After:
//! ```mlir
//! func.func private @m_f__loop0(%x: memref<64xf32>, %slot: memref<?xi8>) {
//!   %a = memref.view %slot[%c0][] : memref<?xi8> to memref<64xf32>
//!   scf.for %i = %c0 to %c64 step %c16 { … %x … %a … }
//! func.func @m_f__impl(%x: memref<64xf32>, %slot: memref<?xi8>) attributes {dl.entry = "m_f"} {
//!   call @m_f__loop0(%x, %slot)
//! ```
//! Views are made inside, so that nests are equal where they do the same to other memory.
//!
//! *Requires*: planned slots. *Ensures*: nothing; it is an optimisation of compile time.
//! *Does not*: touch bodies of few loops; find equal functions (upstream's `duplicate-function-elimination`).

use crate::{
    alias::{is_memref, operations},
    emit::Emitter,
    entry::{self, Entry},
    linalg::results,
    walk,
};
use dlc_dialects::{
    ir::{
        edit,
        inspect::{defining_op, identity},
    },
    pass::{Anchor, PassError, PassInfo},
};
use melior::{
    Context,
    ir::{
        BlockLike, BlockRef, OperationRef, Type, TypeLike, Value, ValueLike,
        attribute::{Attribute, FlatSymbolRefAttribute, TypeAttribute},
        operation::{OperationLike, OperationMutLike},
        r#type::FunctionType,
    },
};
use std::collections::{HashMap, HashSet};

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "outline-loops",
    summary: "Make functions of the loops of large bodies",
    anchor: Anchor::Module,
    required: false,
    run,
};

/// Bodies of fewer loops stay whole: there LLVM may use what it knows around a loop.
const MANY: usize = 96;
/// What is computed inside rather than passed on: names of memory, and constants.
const INSIDE: &[&str] = &[
    "arith.constant",
    "memref.cast",
    "memref.collapse_shape",
    "memref.expand_shape",
    "memref.get_global",
    "memref.reinterpret_cast",
    "memref.subview",
    "memref.view",
];

fn run<'c, 'a>(cx: &'c Context, module: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    for entry in entry::entries(module)? {
        let body = entry::body(entry.func)?;
        let loops = operations(body)
            .into_iter()
            .filter(|op| walk::is(*op, "scf.for") && results(*op).iter().all(is_register));
        let loops = loops.collect::<Vec<_>>();
        if loops.len() < MANY {
            continue;
        }
        for (number, op) in loops.into_iter().enumerate() {
            outline(cx, &entry, body, op, number);
        }
    }
    Ok(())
}

/// Whether a value is a number or a vector of numbers.
fn is_register(value: &Value) -> bool {
    let ty = value.r#type();
    ty.is_index() || ty.is_integer() || ty.is_float() || ty.is_vector()
}

/// Makes a function of a loop and a call of it in its place, if all that it reads can be passed.
fn outline<'c: 'a, 'a>(
    cx: &'c Context,
    entry: &Entry<'c, 'a>,
    body: BlockRef<'c, 'a>,
    op: OperationRef<'c, 'a>,
    number: usize,
) {
    let mut reads = Reads {
        body,
        seen: HashSet::new(),
        inside: vec![],
        passed: vec![],
    };
    captured(op).into_iter().for_each(|value| reads.add(value));
    let passed = reads.passed;
    let can_pass = |value: &Value<'c, 'a>| is_register(value) || is_memref(*value);
    if !passed.iter().all(can_pass) {
        return;
    }
    let types = |values: &[Value<'c, 'a>]| -> Vec<Type<'c>> {
        values.iter().map(|value| value.r#type()).collect()
    };
    let (inputs, outputs) = (types(&passed), types(&results(op)));
    let e = Emitter::before(cx, entry.func);
    let name = format!("{}__loop{number}", entry.symbol);
    let ty = TypeAttribute::new(FunctionType::new(cx, &inputs, &outputs).into());
    let (region, block) = e.region(&inputs);
    let all: [(&str, Attribute<'c>); 4] = [
        ("sym_name", e.attr(&format!("\"{name}\""))),
        ("function_type", ty.into()),
        ("sym_visibility", e.attr("\"private\"")),
        ("passthrough", e.attr("[\"noinline\"]")),
    ];
    e.build("func.func", &[], &[], &all, vec![region]);
    let mut copies = HashMap::new();
    for (i, value) in passed.iter().enumerate() {
        let argument = block.argument(i).expect("one for each type");
        copies.insert(identity(*value), Value::from(argument));
    }
    for outer in reads.inside.into_iter().chain([op]) {
        let copy = copy(outer, block, &copies);
        for (old, new) in results(outer).into_iter().zip(results(copy)) {
            copies.insert(identity(old), new);
        }
    }
    let given = results(op).into_iter().map(|old| copies[&identity(old)]);
    let given = given.collect::<Vec<_>>();
    Emitter::at_end(cx, op.location(), block).effect("func.return", &given, &[]);

    let e = Emitter::before(cx, op);
    let callee = FlatSymbolRefAttribute::new(cx, &name).into();
    let call = e.build(
        "func.call",
        &passed,
        &outputs,
        &[("callee", callee)],
        vec![],
    );
    for (old, new) in results(op).into_iter().zip(results(call)) {
        edit::replace_uses(old, new);
    }
    edit::erase(cx, op);
}

/// What a loop reads of a body, by what becomes of it in the function.
struct Reads<'c, 'a> {
    body: BlockRef<'c, 'a>,
    seen: HashSet<usize>,
    /// Ops that are computed inside, in order.
    inside: Vec<OperationRef<'c, 'a>>,
    /// Values that are passed on.
    passed: Vec<Value<'c, 'a>>,
}

impl<'c: 'a, 'a> Reads<'c, 'a> {
    fn add(&mut self, value: Value<'c, 'a>) {
        if !self.seen.insert(identity(value)) {
            return;
        }
        let op = defining_op(value)
            .filter(|op| INSIDE.contains(&edit::name(*op)) && op.block() == Some(self.body));
        match op {
            None => self.passed.push(value),
            Some(op) => {
                op.operands().for_each(|operand| self.add(operand));
                self.inside.push(op);
            }
        }
    }
}

/// The values that an op and those inside it use and do not make.
fn captured<'c: 'a, 'a>(op: OperationRef<'c, 'a>) -> Vec<Value<'c, 'a>> {
    let mut own = HashSet::new();
    let mut used = vec![];
    for inner in walk::inside(op).into_iter().chain([op]) {
        own.extend(results(inner).into_iter().map(identity));
        for block in crate::alias::blocks(inner) {
            for i in 0..block.argument_count() {
                own.extend(block.argument(i).map(|x| identity(x.into())));
            }
        }
        used.extend(inner.operands());
    }
    used.retain(|value| !own.contains(&identity(*value)));
    used
}

/// Appends a copy of an op to a block; what has a copy is read from there.
fn copy<'c: 'a, 'a>(
    op: OperationRef<'c, 'a>,
    to: BlockRef<'c, 'a>,
    copies: &HashMap<usize, Value<'c, 'a>>,
) -> OperationRef<'c, 'a> {
    let copied = |x: Value<'c, 'a>| copies.get(&identity(x)).copied().unwrap_or(x);
    let mut copy = (*op).clone();
    copy.set_operands(&op.operands().map(copied).collect::<Vec<_>>());
    let copy = to.append_operation(copy);
    for inner in walk::inside(copy) {
        for (i, x) in inner.operands().enumerate() {
            if let Some(copy) = copies.get(&identity(x)) {
                edit::set_operand(inner, i, *copy);
            }
        }
    }
    copy
}
