//! Divides marked loops of enough work among lanes, which may run at the same time.
//!
//! Before:
//! ```mlir
//! %row = memref.alloc() : memref<1024xf32>
//! scf.for %i = %c0 to %n step %c1 { … %row … } {dl.parallel = true}
//! ```
//! After:
//! ```mlir
//! %rows = memref.alloc(%bytes) : memref<?xi8>                  // one for each lane that there may be
//! memref.store %zero, %next[]
//! scf.for %lane = %c0 to %lanes step %c1 {
//!   %row = memref.view %rows[%place][] : memref<?xi8> to memref<1024xf32>
//!   while (%piece = atomic_rmw addi %one, %next[]) < %pieces {
//!     scf.for %i = %from to %to step %c1 { … %row … }
//!   }
//! } {dl.task}
//! ```
//! The number of lanes is what the executor offers, but no more than there are pieces of enough work; the work of a
//! round is estimated from the ops and the sizes when running. Rounds are computed in the same way whoever computes
//! them, so results do not depend on the number of lanes. Buffers that only the loop uses are one for each lane.
//!
//! *Requires*: marks on loops whose rounds are independent but for buffers that they write before they read; affine
//! ops lowered. *Ensures*: no marks; a loop that can't be divided stays. *Does not*: divide loops inside of divided ones:
//! what they call gets no executor, unless one lane alone runs.

use crate::{
    alias::{self, ancestors, views},
    emit::{Emitter, Int},
    entry::{FAILED, argument_with},
    schedule::Target,
    tasks::{
        self, PARALLEL, SHARED, TASK,
        private::{Private, static_bytes},
    },
    walk,
    work::{Amount, Work},
};
use dlc_dialects::{
    ir::{
        edit,
        inspect::{self, defining_op, identity},
    },
    pass::{Anchor, PassError, PassInfo},
};
use melior::{
    Context, IrRewriter,
    ir::{
        BlockLike, BlockRef, OperationRef, RegionLike, Value,
        operation::{OperationLike, OperationResult},
    },
};

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "parallelize-loops",
    summary: "Divide marked loops among lanes",
    anchor: Anchor::Module,
    required: false,
    run,
};

fn run<'c, 'a>(cx: &'c Context, module: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    let target = Target::of(module);
    let (most, piece, stack) = (target.cores, target.piece(), target.lane_stack());
    for func in walk::named(module, "func.func") {
        let Some(executor) = tasks::executor(func) else {
            continue;
        };
        let mut next = None;
        for op in tasks::marked(func) {
            let shared = Shared {
                cx,
                func,
                executor,
                most,
                piece,
                stack,
                op,
            };
            shared.divide(&mut next);
        }
    }
    if let Some(first) = module
        .region(0)?
        .first_block()
        .and_then(|b| b.first_operation())
    {
        tasks::define_lanes(&Emitter::before(cx, first), module);
    }
    tasks::unmark(module);
    Ok(())
}

/// How calls of kernels begin.
const KERNEL_CALL: &str = "@dlc_matmul_";

/// A marked loop.
struct Shared<'c, 'a> {
    cx: &'c Context,
    func: OperationRef<'c, 'a>,
    executor: Value<'c, 'a>,
    /// Lanes that there may be.
    most: i64,
    /// Work of a piece.
    piece: i64,
    /// Bytes of buffers that a lane has on its stack.
    stack: i64,
    op: OperationRef<'c, 'a>,
}

impl<'c: 'a, 'a> Shared<'c, 'a> {
    /// Divides the loop, if it can be and is worth it; `next` is the function's counter of pieces, once there is one.
    fn divide(&self, next: &mut Option<Value<'c, 'a>>) -> Option<()> {
        if self.op.result_count() > 0 || !self.is_plain() {
            return None;
        }
        let e = Emitter::before(self.cx, self.op);
        let work = Work::new(e, self.op);
        let rounds = work.rounds(self.op)?;
        let round = work.of_block(block(self.op)?);
        if let (Amount::Known(rounds), Amount::Known(round)) = (rounds, round)
            && rounds.saturating_mul(round) < 2 * self.piece
        {
            return None;
        }
        let private = self.private_buffers()?;
        let bounds = [0, 1, 2].map(|i| self.op.operand(i).expect("a loop has bounds"));
        let [low, high, step] = bounds;
        let (rounds, round) = (rounds.value(&e), round.value(&e));
        let one = e.index(1);
        let enough = e.div(e.index(self.piece), e.max(round, one));
        let enough = e.max(enough, one);
        let pieces = e.div(e.sub(e.add(rounds, enough), one), enough);
        let lanes = e.min(tasks::lanes(&e, self.executor), pieces);
        let lanes = e.max(lanes, one);
        // What rounds call runs on several threads only if the rounds do not.
        let alone = e.cmp(Int::Eq, lanes, one);
        let none = e.op("llvm.mlir.zero", &[], e.ty("!llvm.ptr"));
        let inner = e.select(alone, self.executor, none);
        let all = private.iter().map(|buffer| buffer.make(&e, self.most));
        let all = all.collect::<Vec<_>>();
        let counter = *next.get_or_insert_with(|| self.counter(&e));
        let i64 = e.int_type(64);
        let number = |n: i64| e.constant(i64, e.attr(&format!("{n} : i64")));
        let (zero, first) = (number(0), number(1));
        e.effect("memref.store", &[zero, counter], &[]);
        let take = |e: &Emitter<'c, 'a>| {
            // `addi` in arith's numbering.
            let kind = [("kind", e.attr("1 : i64"))];
            let piece = e.op_with("memref.atomic_rmw", &[first, counter], i64, &kind);
            e.op("arith.index_cast", &[piece], e.index_type())
        };
        let size = e.mul(enough, step);
        let task = e.plain_loop((e.index(0), lanes, one), |e, lane| {
            let own = private.iter().zip(&all);
            let own = own.map(|(buffer, all)| buffer.own(e, *all, lane));
            let own = own.collect::<Vec<_>>();
            e.while_loop(
                &[take(e)],
                |e, piece| e.cmp(Int::Slt, piece[0], pieces),
                |e, piece| {
                    let from = e.add(low, e.mul(piece[0], size));
                    let to = e.min(e.add(from, size), high);
                    let copy = e.insert((*self.op).clone());
                    edit::remove_attribute(copy, PARALLEL);
                    edit::set_operand(copy, 0, from);
                    edit::set_operand(copy, 1, to);
                    replace_inside(copy, self.executor, inner);
                    for (buffer, own) in private.iter().zip(&own) {
                        replace_inside(copy, buffer.value, *own);
                    }
                    vec![take(e)]
                },
            );
        });
        edit::set_attribute(task, TASK, e.attr("unit"));
        edit::erase(self.cx, self.op);
        for buffer in private {
            edit::erase(self.cx, buffer.alloc);
        }
        Some(())
    }
}

impl<'c: 'a, 'a> Shared<'c, 'a> {
    /// The memory where lanes count pieces, in the function's frame: one for all its loops, as they run one by one.
    fn counter(&self, e: &Emitter<'c, 'a>) -> Value<'c, 'a> {
        let body = block(self.func).expect("a function with a loop has a body");
        let e = Emitter::at_start(self.cx, e.location(), body);
        e.stack("memref<i64>")
    }

    /// The buffers that only the loop uses, which each lane needs for itself; nothing if one of them can't be made
    /// outside, or if rounds leave something by other ways.
    fn private_buffers(&self) -> Option<Vec<Private<'c, 'a>>> {
        let mut found: Vec<Private> = vec![];
        let mut seen = vec![];
        let mut stack = 0;
        for op in walk::inside(self.op) {
            for value in op.operands().filter(|value| alias::is_memref(*value)) {
                let root = alias::root(value)?;
                if seen.contains(&identity(root)) {
                    continue;
                }
                seen.push(identity(root));
                let Ok(made) = OperationResult::try_from(root) else {
                    continue;
                };
                let alloc = made.owner();
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
                    self.move_out(alloc)?;
                }
                let bytes = static_bytes(root);
                let on_stack = on_stack || bytes.is_some_and(|bytes| stack + bytes <= self.stack);
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
        let failed = failed.and_then(|i| block(self.func)?.argument(i).ok());
        let failed = failed.map(|argument| identity(argument.into()));
        walk::inside(self.op).into_iter().all(|op| {
            let callee = op.attribute("callee").map(|callee| callee.to_string());
            let pure = callee.is_ok_and(|callee| {
                callee.starts_with(KERNEL_CALL) || callee.strip_prefix('@') == Some(tasks::LANES)
            });
            let calls = walk::is(op, "func.call") && !pure;
            !calls && op.operands().all(|x| Some(identity(x)) != failed)
        })
    }

    fn contains(&self, op: OperationRef<'c, 'a>) -> bool {
        ancestors(op)[1..].contains(&self.op)
    }

    /// Whether all uses of a buffer are inside the loop; views that stand outside, and are used inside only, move there.
    fn sink_views(&self, buffer: Value<'c, 'a>) -> bool {
        let outside = views(buffer).uses.into_iter().map(|(op, _)| op);
        let outside = outside.filter(|op| !self.contains(*op)).collect::<Vec<_>>();
        let only_here = |op: &OperationRef<'c, 'a>| {
            let cast = walk::is(*op, "memref.cast");
            let uses = op.result(0).map(|result| edit::uses(result.into()));
            cast && uses.is_ok_and(|uses| uses.iter().all(|(user, _)| self.contains(*user)))
        };
        if !outside.iter().all(only_here) {
            return false;
        }
        let first = block(self.op).and_then(|body| body.first_operation());
        if let Some(first) = first {
            for view in outside {
                IrRewriter::new(self.cx)
                    .as_rewriter_base()
                    .move_op_before(view, first);
            }
        }
        true
    }

    /// Moves an allocation before the loop, with the arithmetic of its sizes, if they follow from what is known there.
    fn move_out(&self, alloc: OperationRef<'c, 'a>) -> Option<()> {
        let mut needed = vec![alloc];
        let mut next = 0;
        while let Some(op) = needed.get(next).copied() {
            for operand in op.operands() {
                match defining_op(operand) {
                    Some(made) if !self.contains(made) => {}
                    Some(made) if edit::name(made).starts_with("arith.") => needed.push(made),
                    Some(_) => return None,
                    None => {
                        let argument = inspect::argument(operand)?;
                        let owner = argument.owner().parent_operation()?;
                        if owner == self.op || self.contains(owner) {
                            return None;
                        }
                    }
                }
            }
            next += 1;
        }
        for op in needed.into_iter().rev() {
            if self.contains(op) {
                IrRewriter::new(self.cx)
                    .as_rewriter_base()
                    .move_op_before(op, self.op);
            }
        }
        Some(())
    }
}

fn block<'c, 'a>(op: OperationRef<'c, 'a>) -> Option<BlockRef<'c, 'a>> {
    op.region(0).ok()?.first_block()
}

/// Lets the ops inside another one use a value in the place of another.
fn replace_inside<'c, 'a>(root: OperationRef<'c, 'a>, old: Value<'c, 'a>, new: Value<'c, 'a>) {
    for op in walk::inside(root) {
        for (i, x) in op.operands().enumerate() {
            if identity(x) == identity(old) {
                edit::set_operand(op, i, new);
            }
        }
    }
}
