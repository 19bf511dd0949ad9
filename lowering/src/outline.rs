//! Makes functions of ops inside of functions.

use crate::{
    alias::{blocks, is_memref, operations},
    copies::Copies,
    emit::Emitter,
    gpu::MAP,
    linalg::{arguments, results},
    walk,
};
use dlc_dialects::ir::{
    edit,
    inspect::{defining_op, identity},
};
use melior::{
    Context,
    ir::{
        BlockLike, BlockRef, OperationRef, Type, TypeLike, Value, ValueLike,
        attribute::{Attribute, FlatSymbolRefAttribute, TypeAttribute},
        operation::OperationLike,
        r#type::FunctionType,
    },
};
use std::collections::HashSet;

const CONSTANT: &str = "arith.constant";

/// What is computed inside rather than passed on: names of memory, and constants.
const INSIDE: &[&str] = &[
    CONSTANT,
    "memref.cast",
    "memref.collapse_shape",
    "memref.expand_shape",
    "memref.get_global",
    "memref.reinterpret_cast",
    "memref.subview",
    "memref.view",
];

/// Whether a value is a number or a vector of numbers.
pub fn is_register(value: &Value) -> bool {
    let ty = value.r#type();
    ty.is_index() || ty.is_integer() || ty.is_float() || ty.is_vector()
}

/// Ops that become a function, with all that they read.
pub struct Outlined<'c, 'a> {
    context: &'c Context,
    func: OperationRef<'c, 'a>,
    /// In order; what follows the first reads only what they give, and constants.
    ops: Vec<OperationRef<'c, 'a>>,
    reads: Reads<'c, 'a>,
}

/// What an op reads, by what becomes of it in the function.
#[derive(Default)]
struct Reads<'c, 'a> {
    seen: HashSet<usize>,
    /// Ops that are computed inside, in order.
    inside: Vec<OperationRef<'c, 'a>>,
    /// Values that are passed on.
    passed: Vec<Value<'c, 'a>>,
}

impl<'c: 'a, 'a> Outlined<'c, 'a> {
    /// An op of a function, with what is computed from its results alone, such as the sum of a vector; nothing if something
    /// that it reads can't be passed.
    pub fn op(
        context: &'c Context,
        func: OperationRef<'c, 'a>,
        op: OperationRef<'c, 'a>,
    ) -> Option<Self> {
        Self::new(
            context,
            func,
            with_what_follows(op),
            op.operands().collect(),
        )
    }

    /// The body of an `scf.for` of a function; nothing if something that it reads can't be passed.
    pub fn body(
        context: &'c Context,
        func: OperationRef<'c, 'a>,
        op: OperationRef<'c, 'a>,
    ) -> Option<Self> {
        Self::new(context, func, vec![op], vec![])
    }

    fn new(
        context: &'c Context,
        func: OperationRef<'c, 'a>,
        ops: Vec<OperationRef<'c, 'a>>,
        operands: Vec<Value<'c, 'a>>,
    ) -> Option<Self> {
        let mut reads = Reads::default();
        let read = operands.into_iter().chain(captured(ops[0]));
        read.for_each(|value| reads.add(value));
        for constant in ops[1..].iter().flat_map(|op| op.operands()) {
            if defining_op(constant).is_some_and(|op| walk::is(op, CONSTANT)) {
                reads.add(constant);
            }
        }
        let pointer = |value: &Value<'c, 'a>| {
            ["!llvm.ptr", MAP].contains(&value.r#type().to_string().as_str())
        };
        let can_pass =
            |value: &Value<'c, 'a>| is_register(value) || is_memref(*value) || pointer(value);
        reads.passed.iter().all(can_pass).then_some(Self {
            context,
            func,
            ops,
            reads,
        })
    }

    /// Makes a private function that does what the ops do, and calls it in the first one's place.
    pub fn into_function(self, name: &str, attributes: &[(&str, &str)]) {
        let given = self.given();
        let (block, mut copies) = self.declare(name, &[], &types(&given), attributes);
        for op in &self.ops {
            copies.add(&self.at_end(*op, block), *op);
        }
        let copied = given.iter().map(|old| copies.of(*old)).collect::<Vec<_>>();
        Emitter::at_end(self.context, self.ops[0].location(), block).effect(
            "func.return",
            &copied,
            &[],
        );
        self.call(name, &[], &given);
    }

    /// What the ops compute for others.
    fn given(&self) -> Vec<Value<'c, 'a>> {
        let own: HashSet<_> = self.ops.iter().map(|op| edit::identity(*op)).collect();
        let leaves = |value: &Value<'c, 'a>| {
            let mut uses = edit::uses(*value).into_iter();
            uses.any(|(op, _)| !own.contains(&edit::identity(op)))
        };
        let all = self.ops.iter().flat_map(|op| results(*op));
        all.filter(leaves).collect()
    }

    /// Makes a private function of the body, whose arguments are those of `leading`, of which the last stands for the
    /// loop's index, and what it reads; calls it once in the loop's place.
    pub fn into_function_of(
        self,
        name: &str,
        leading: &[Value<'c, 'a>],
        attributes: &[(&str, &str)],
    ) {
        let (block, mut copies) = self.declare(name, &types(leading), &[], attributes);
        let body = blocks(self.ops[0])[0];
        let index = block
            .argument(leading.len() - 1)
            .expect("one for each leading value");
        copies.put(arguments(body)[0], index.into());
        for inner in operations(body) {
            if walk::is(inner, "scf.yield") {
                continue;
            }
            copies.add(&self.at_end(inner, block), inner);
        }
        Emitter::at_end(self.context, self.ops[0].location(), block).effect(
            "func.return",
            &[],
            &[],
        );
        self.call(name, leading, &[]);
    }

    /// The function with what is computed inside; gives its body, and what there stands for values outside.
    fn declare(
        &self,
        name: &str,
        leading: &[Type<'c>],
        results: &[Type<'c>],
        attributes: &[(&str, &str)],
    ) -> (BlockRef<'c, 'a>, Copies<'c, 'a>) {
        let e = Emitter::before(self.context, self.func);
        let inputs = [leading, &types(&self.reads.passed)].concat();
        let ty = TypeAttribute::new(FunctionType::new(self.context, &inputs, results).into());
        let (region, block) = e.region(&inputs);
        let mut all: Vec<(&str, Attribute<'c>)> = vec![
            ("sym_name", e.attr(&format!("\"{name}\""))),
            ("function_type", ty.into()),
            ("sym_visibility", e.attr("\"private\"")),
        ];
        all.extend(attributes.iter().map(|(name, text)| (*name, e.attr(text))));
        e.build("func.func", &[], &[], &all, vec![region]);
        let mut copies = Copies::default();
        for (i, value) in self.reads.passed.iter().enumerate() {
            let argument = block
                .argument(leading.len() + i)
                .expect("one for each type");
            copies.put(*value, argument.into());
        }
        for outer in &self.reads.inside {
            copies.add(&self.at_end(*outer, block), *outer);
        }
        (block, copies)
    }

    /// The end of a block, at the location of an op.
    fn at_end(&self, op: OperationRef<'c, 'a>, block: BlockRef<'c, 'a>) -> Emitter<'c, 'a> {
        Emitter::at_end(self.context, op.location(), block)
    }

    fn call(self, name: &str, leading: &[Value<'c, 'a>], given: &[Value<'c, 'a>]) {
        let e = Emitter::before(self.context, self.ops[0]);
        let callee = FlatSymbolRefAttribute::new(self.context, name).into();
        let operands = [leading, &self.reads.passed].concat();
        let attributes = [("callee", callee)];
        let call = e.build("func.call", &operands, &types(given), &attributes, vec![]);
        for (old, new) in given.iter().zip(results(call)) {
            edit::replace_uses(*old, new);
        }
        for op in self.ops.into_iter().rev() {
            edit::erase(self.context, op);
        }
    }
}

/// An op, and behind it in its block what reads nothing but what these ops give, and constants.
fn with_what_follows<'c: 'a, 'a>(op: OperationRef<'c, 'a>) -> Vec<OperationRef<'c, 'a>> {
    let mut ops = vec![op];
    let mut own: HashSet<_> = results(op).into_iter().map(identity).collect();
    let uses = |op| results(op).into_iter().map(|value| edit::uses(value).len());
    // How many uses of what these ops give have not come yet.
    let mut open: usize = uses(op).sum();
    let mut next = op.next_in_block();
    while let (Some(op), true) = (next, open > 0) {
        next = op.next_in_block();
        let operands: Vec<_> = op.operands().collect();
        let reads_own = |value: &Value| own.contains(&identity(*value));
        let known = |value: &Value<'c, 'a>| {
            reads_own(value) || defining_op(*value).is_some_and(|op| walk::is(op, CONSTANT))
        };
        let here = operands.iter().filter(|value| reads_own(value)).count();
        open = open.saturating_sub(here);
        if here > 0 && operands.iter().all(known) && is_arithmetic(op) {
            open += uses(op).sum::<usize>();
            own.extend(results(op).into_iter().map(identity));
            ops.push(op);
        }
    }
    ops
}

/// Whether an op only computes registers from registers.
fn is_arithmetic(op: OperationRef) -> bool {
    let name = edit::name(op);
    let of_vectors = [
        "vector.extract",
        "vector.extract_strided_slice",
        "vector.reduction",
    ];
    name.starts_with("arith.") || of_vectors.contains(&name)
}

fn types<'c>(values: &[Value<'c, '_>]) -> Vec<Type<'c>> {
    values.iter().map(|value| value.r#type()).collect()
}

impl<'c: 'a, 'a> Reads<'c, 'a> {
    fn add(&mut self, value: Value<'c, 'a>) {
        if !self.seen.insert(identity(value)) {
            return;
        }
        match defining_op(value).filter(|op| INSIDE.contains(&edit::name(*op))) {
            None => self.passed.push(value),
            Some(op) => {
                op.operands().for_each(|operand| self.add(operand));
                self.inside.push(op);
            }
        }
    }
}

/// The values that the ops inside an op use and do not make.
fn captured<'c: 'a, 'a>(op: OperationRef<'c, 'a>) -> Vec<Value<'c, 'a>> {
    let mut own = HashSet::new();
    let mut used = vec![];
    own.extend(blocks(op).into_iter().flat_map(arguments).map(identity));
    for inner in walk::inside(op) {
        own.extend(results(inner).into_iter().map(identity));
        for block in blocks(inner) {
            own.extend(arguments(block).into_iter().map(identity));
        }
        used.extend(inner.operands());
    }
    used.retain(|value| !own.contains(&identity(*value)));
    used
}
