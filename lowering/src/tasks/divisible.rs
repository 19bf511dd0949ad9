//! Marked loops that lanes can share, and the buffers that each lane then needs for itself.

use super::{
    LANES, REST, SHARED,
    private::{Private, static_bytes},
};
use crate::{
    alias::{self, ancestors, views},
    entry::{FAILED, argument_with, body},
    gpu::is_program,
    linalg::results,
    walk,
};
use dlc_dialects::ir::{
    edit,
    inspect::{self, defining_op, identity},
};
use melior::{
    Context, IrRewriter,
    ir::{BlockLike, BlockRef, OperationRef, RegionLike, Value, operation::OperationLike},
};

/// How calls of kernels begin.
const KERNEL_CALL: &str = "@dlc_matmul_";

/// A loop whose rounds can be shared out.
pub struct Divisible<'c, 'a> {
    /// The loop.
    pub op: OperationRef<'c, 'a>,
    /// The buffers that only it uses.
    pub private: Vec<Private<'c, 'a>>,
    /// Bytes of those on the stack.
    pub stack: i64,
    /// Whether it takes the few rounds that the loop before it leaves.
    pub is_rest: bool,
}

impl<'c: 'a, 'a> Divisible<'c, 'a> {
    /// Looks at a marked loop of a function, whose private buffers may take `stack` bytes of a lane's stack; nothing if its
    /// rounds can't be shared out. Allocations that rounds make move before the loop.
    pub fn read(
        cx: &'c Context,
        func: OperationRef<'c, 'a>,
        op: OperationRef<'c, 'a>,
        stack: i64,
    ) -> Option<Self> {
        let reader = Reader { cx, func, op };
        if op.result_count() > 0 || !reader.is_plain() {
            return None;
        }
        let private = reader.private_buffers(stack)?;
        let on_stack = private.iter().filter(|buffer| buffer.on_stack);
        let stack = on_stack.filter_map(|buffer| static_bytes(buffer.value));
        Some(Self {
            op,
            stack: stack.sum(),
            is_rest: op.has_attribute(REST),
            private,
        })
    }

    /// Whether it calls nothing, and needs no memory of the workspace for each lane.
    pub fn is_light(&self) -> bool {
        let calls = walk::named(self.op, "func.call");
        calls.is_empty() && self.private.iter().all(|buffer| buffer.on_stack)
    }

    /// The body.
    pub fn block(&self) -> BlockRef<'c, 'a> {
        block(self.op)
    }
}

struct Reader<'c, 'a> {
    cx: &'c Context,
    func: OperationRef<'c, 'a>,
    op: OperationRef<'c, 'a>,
}

impl<'c: 'a, 'a> Reader<'c, 'a> {
    /// The buffers that only the loop uses, which each lane needs for itself; nothing if one of them can't be made
    /// outside, or if rounds leave something by other ways.
    fn private_buffers(&self, most: i64) -> Option<Vec<Private<'c, 'a>>> {
        let mut found: Vec<Private> = vec![];
        let mut seen = vec![];
        let mut stack = 0;
        for op in walk::inside(self.op) {
            for value in op.operands().filter(|value| alias::is_memref(*value)) {
                let Some(root) = alias::root(value) else {
                    // What a branch or a loop outside gives, it uses too: no buffer behind it is this loop's own.
                    match self.is_inside(alias::source(value)) {
                        true => return None,
                        false => continue,
                    }
                };
                if seen.contains(&identity(root)) {
                    continue;
                }
                seen.push(identity(root));
                let Some(alloc) = defining_op(root) else {
                    continue;
                };
                let on_stack = match edit::name(alloc) {
                    "memref.alloca" => true,
                    "memref.alloc" => false,
                    _ => continue,
                };
                let shared = alloc.has_attribute(SHARED) && !self.contains(alloc);
                if shared || !self.sink_views(root) {
                    continue;
                }
                if self.contains(alloc) {
                    move_out(self.cx, alloc, self.op)?;
                    // Loops inside share it, but the rounds of this one do not.
                    edit::remove_attribute(alloc, SHARED);
                }
                let bytes = static_bytes(root);
                let on_stack = on_stack || bytes.is_some_and(|bytes| stack + bytes <= most);
                if on_stack {
                    stack += bytes.unwrap_or(0);
                }
                found.push(Private {
                    alloc,
                    value: root,
                    on_stack,
                });
            }
        }
        Some(found)
    }

    /// Whether rounds do nothing in an order that can be seen: they call kernels only, and check nothing.
    fn is_plain(&self) -> bool {
        let failed = argument_with(self.func, FAILED);
        let failed = failed.and_then(|i| body(self.func).ok()?.argument(i).ok());
        let failed = failed.map(|argument| identity(argument.into()));
        walk::inside(self.op).into_iter().all(|op| {
            let callee = op.attribute("callee").map(|callee| callee.to_string());
            let pure = callee.is_ok_and(|callee| {
                callee.starts_with(KERNEL_CALL) || callee.strip_prefix('@') == Some(LANES)
            });
            let calls = walk::is(op, "func.call") && !pure && !is_program(op);
            !calls && op.operands().all(|x| Some(identity(x)) != failed)
        })
    }

    fn contains(&self, op: OperationRef<'c, 'a>) -> bool {
        holds(self.op, op)
    }

    /// Whether the loop makes a value.
    fn is_inside(&self, value: Value<'c, 'a>) -> bool {
        let is_ours = |maker: OperationRef<'c, '_>| maker == self.op || self.contains(maker);
        match inspect::argument(value) {
            Some(argument) => argument.owner().parent_operation().is_none_or(is_ours),
            None => defining_op(value).is_none_or(is_ours),
        }
    }

    /// Whether all uses of a buffer are inside the loop; views that stand outside, and are used inside only, move there.
    fn sink_views(&self, buffer: Value<'c, 'a>) -> bool {
        let outside = views(buffer).uses.into_iter().map(|(op, _)| op);
        let outside = outside.filter(|op| !self.contains(*op)).collect::<Vec<_>>();
        let only_here = |op: &OperationRef<'c, 'a>| {
            let mut users = results(*op).into_iter().flat_map(edit::uses);
            walk::is(*op, "memref.cast") && users.all(|(user, _)| self.contains(user))
        };
        if !outside.iter().all(only_here) {
            return false;
        }
        if let Some(first) = block(self.op).first_operation() {
            for view in outside {
                IrRewriter::new(self.cx)
                    .as_rewriter_base()
                    .move_op_before(view, first);
            }
        }
        true
    }
}

/// Moves an allocation before a loop that holds it, with the arithmetic of its sizes, if they follow from what is known there.
pub fn move_out<'c: 'a, 'a>(
    cx: &'c Context,
    alloc: OperationRef<'c, 'a>,
    holder: OperationRef<'c, 'a>,
) -> Option<()> {
    let mut needed = vec![alloc];
    let mut next = 0;
    while let Some(op) = needed.get(next).copied() {
        for operand in op.operands() {
            match defining_op(operand) {
                Some(made) if !holds(holder, made) => {}
                Some(made) if edit::name(made).starts_with("arith.") => needed.push(made),
                Some(_) => return None,
                None => {
                    let argument = inspect::argument(operand)?;
                    let owner = argument.owner().parent_operation()?;
                    if owner == holder || holds(holder, owner) {
                        return None;
                    }
                }
            }
        }
        next += 1;
    }
    for op in needed.into_iter().rev().filter(|op| holds(holder, *op)) {
        let rewriter = IrRewriter::new(cx);
        rewriter.as_rewriter_base().move_op_before(op, holder);
    }
    Some(())
}

/// Whether an op stands inside of another.
fn holds(holder: OperationRef, op: OperationRef) -> bool {
    ancestors(op)[1..].contains(&holder)
}

fn block<'c, 'a>(op: OperationRef<'c, 'a>) -> BlockRef<'c, 'a> {
    let region = op.region(0).expect("a loop has a body");
    region
        .first_block()
        .expect("the body of a loop has a block")
}
