//! What of a function's ops stays on the host, and what becomes kernels.

use super::{
    READ, is_program,
    kernel::{Home, nested},
};
use crate::{
    alias::{self, blocks},
    emit::Emitter,
    entry::body,
    linalg::results,
    tasks, walk,
};
use dlc_dialects::{
    ir::{
        edit,
        inspect::{defining_op, identity},
        shape::width,
    },
    pass::{INTERNAL, PassError},
};
use melior::{
    Context,
    ir::{
        BlockLike, BlockRef, OperationRef, Type, TypeLike, Value, ValueLike,
        operation::OperationLike,
    },
};
use std::collections::HashSet;

/// Makes the kernels of a function.
pub struct Former<'c, 'a> {
    home: Home<'c, 'a>,
    /// The function's name.
    name: String,
    /// How many kernels there are.
    count: usize,
}

/// Where an op is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// By the host, in any order with what the device does.
    Host,
    /// By the host, in its place among what the device does.
    Control,
    /// By the device, on one thread.
    Device,
    /// By a kernel of its own.
    Kernel,
}

/// Ops that one thread of the device does, one after the other.
#[derive(Default)]
struct Run<'c, 'a> {
    ops: Vec<OperationRef<'c, 'a>>,
    /// What they make.
    made: HashSet<usize>,
}

impl<'c: 'a, 'a> Former<'c, 'a> {
    /// For a function with a name.
    pub fn new(home: Home<'c, 'a>, name: String) -> Self {
        Self {
            home,
            name,
            count: 0,
        }
    }

    /// Makes the kernels.
    pub fn form(&mut self) -> Result<(), PassError<'c>> {
        for op in walk::named(self.home.func, "memref.alloca") {
            self.to_workspace(op);
        }
        self.block(body(self.home.func)?)
    }

    fn block(&mut self, block: BlockRef<'c, 'a>) -> Result<(), PassError<'c>> {
        let mut run = Run::default();
        let mut next = block.first_operation();
        while let Some(op) = next {
            let place = self.place(op, &run);
            if place == Place::Device {
                run.made.extend(results(op).into_iter().map(identity));
                run.ops.push(op);
            }
            if matches!(place, Place::Control | Place::Kernel) {
                self.flush(&mut run, op)?;
            }
            // What the flush has put before the next op is to be seen.
            next = op.next_in_block();
            match place {
                Place::Control => {
                    for inner in blocks(op) {
                        self.block(inner)?;
                    }
                }
                Place::Kernel => {
                    let together = walk::inside(op).into_iter().chain([op]);
                    let together = together.filter_map(super::threads).next();
                    let threads = match (self.home.rounds(op), together) {
                        (Some(threads), _) => threads,
                        // Its rounds go one after the other.
                        (None, None) => self
                            .home
                            .one(&[op], next.expect("a block ends with a terminator")),
                        (None, Some(_)) => {
                            let message =
                                format!("{INTERNAL}: rounds of blocks can't be shared out");
                            return Err(PassError::at(&op, message));
                        }
                    };
                    self.outline(threads)?;
                }
                Place::Host | Place::Device => {}
            }
        }
        Ok(())
    }

    fn place(&self, op: OperationRef<'c, 'a>, run: &Run<'c, 'a>) -> Place {
        let name = edit::name(op);
        let of_host = |op: OperationRef<'c, 'a>| {
            op.operands()
                .any(|value| identity(value) == identity(self.home.failed))
        };
        if of_host(op) {
            return Place::Host;
        }
        // Texts are the host's, and so is what chooses between them.
        let is_text = || {
            let mut values = op.operands().chain(results(op));
            op.operand_count() > 0 && values.any(|value| value.r#type().to_string() == "!llvm.ptr")
        };
        if ["scf.yield", "scf.condition", "func.return", "func.call"].contains(&name) || is_text() {
            return Place::Control;
        }
        let inside = walk::inside(op);
        if tasks::independent(op) == Some(true) {
            // Its rounds can't be threads where they read for the host, leave a status, or are shared out to blocks inside of
            // them.
            let calls = |op: &OperationRef<'c, 'a>| walk::is(*op, "func.call") && !is_program(*op);
            let of_host = inside.iter().any(|op| calls(op) || of_host(*op));
            let blocks = inside.iter().any(|op| super::threads(*op).is_some());
            let together = nested(op).last().and_then(|last| super::threads(*last));
            return match of_host || blocks && together.is_none() {
                true => Place::Control,
                false => Place::Kernel,
            };
        }
        let controls = |inner: &OperationRef<'c, 'a>| {
            let kernel = tasks::independent(*inner) == Some(true);
            kernel || walk::is(*inner, "func.call") || of_host(*inner)
        };
        if inside.iter().any(controls) {
            return Place::Control;
        }
        let is_made = |op: &OperationRef<'c, 'a>| {
            op.operands()
                .any(|value| run.made.contains(&identity(value)))
        };
        let all = || inside.iter().chain([&op]);
        match all().any(|op| touches(*op) || is_made(op)) {
            true => Place::Device,
            false => Place::Host,
        }
    }

    /// Makes a kernel of a run, before an op. What others use of it goes through memory.
    fn flush(
        &mut self,
        run: &mut Run<'c, 'a>,
        before: OperationRef<'c, 'a>,
    ) -> Result<(), PassError<'c>> {
        let run = std::mem::take(run);
        if run.ops.is_empty() {
            return Ok(());
        }
        let thread = self.home.one(&run.ops, before);
        let e = Emitter::before(self.home.cx, thread);
        let end = blocks(thread)[0].terminator().expect("a loop's body ends");
        let made = run.ops.iter().flat_map(|op| results(*op));
        // The last first: a view that is made again needs what stands before it.
        for value in made.collect::<Vec<_>>().into_iter().rev() {
            let mut users = edit::uses(value);
            users.retain(|(user, _)| !alias::ancestors(*user).contains(&thread));
            if users.is_empty() {
                continue;
            }
            if alias::is_memref(value) {
                users
                    .iter()
                    .for_each(|user| again(self.home.cx, value, *user));
                continue;
            }
            let cell = Cell::new(&e, value.r#type());
            cell.store(&Emitter::before(self.home.cx, end), value);
            for (user, operand) in users {
                let e = Emitter::before(self.home.cx, user);
                let found = match self.is_host(user) {
                    true => cell.read(&e, &self.home),
                    false => cell.load(&e),
                };
                edit::set_operand(user, operand, found);
            }
        }
        self.outline(thread)
    }

    /// Whether the host needs the operands of an op.
    fn is_host(&self, op: OperationRef<'c, 'a>) -> bool {
        let mut around = alias::ancestors(op).into_iter().skip(1);
        let none = Run::default();
        let controls = |op: OperationRef<'c, 'a>| self.place(op, &none) == Place::Control;
        let func = edit::identity(self.home.func);
        around.all(|op| edit::identity(op) == func || controls(op))
            && matches!(self.place(op, &none), Place::Control | Place::Kernel)
    }

    fn outline(&mut self, threads: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
        let name = format!("{}__kernel{}", self.name, self.count);
        self.count += 1;
        self.home.outline(threads, &name)
    }

    /// Moves memory of the host's stack to the workspace, if threads may use it.
    fn to_workspace(&self, op: OperationRef<'c, 'a>) {
        let in_kernel = |op: &OperationRef<'c, 'a>| tasks::independent(*op) == Some(true);
        if alias::ancestors(op).iter().any(in_kernel) {
            return;
        }
        let e = Emitter::before(self.home.cx, op);
        let value = results(op)[0];
        edit::replace_uses(value, e.alloc(&[], &value.r#type().to_string()));
        edit::erase(self.home.cx, op);
    }
}

/// Makes a view again for an operand of an op.
fn again<'c: 'a, 'a>(cx: &'c Context, view: Value<'c, 'a>, user: (OperationRef<'c, 'a>, usize)) {
    let made = defining_op(view).expect("an op of a run makes it");
    let copy = Emitter::before(cx, user.0).insert((*made).clone());
    edit::set_operand(user.0, user.1, results(copy)[0]);
}

/// Memory of one value.
struct Cell<'c, 'a> {
    memory: Value<'c, 'a>,
    /// The type of the value.
    ty: Type<'c>,
    /// How it is stored.
    stored: Type<'c>,
}

impl<'c: 'a, 'a> Cell<'c, 'a> {
    fn new(e: &Emitter<'c, 'a>, ty: Type<'c>) -> Self {
        let stored = match () {
            () if ty.is_index() => e.int_type(64),
            () if ty.is_integer() && width(ty) == 1 => e.int_type(8),
            () if ty.is_float() => e.int_type(width(ty)),
            () => ty,
        };
        Self {
            memory: e.alloc(&[], &format!("memref<{stored}>")),
            ty,
            stored,
        }
    }

    /// The ops that make what is stored of a value, and back.
    fn ways(&self) -> [&'static str; 2] {
        match () {
            () if self.ty.is_index() => ["arith.index_cast"; 2],
            () if self.ty.is_float() => ["arith.bitcast"; 2],
            () => ["arith.extui", "arith.trunci"],
        }
    }

    fn store(&self, e: &Emitter<'c, 'a>, value: Value<'c, 'a>) {
        let value = match self.ty == self.stored {
            true => value,
            false => e.op(self.ways()[0], &[value], self.stored),
        };
        e.effect("memref.store", &[value, self.memory], &[]);
    }

    /// Its value, for an op of the device.
    fn load(&self, e: &Emitter<'c, 'a>) -> Value<'c, 'a> {
        self.found(e, e.op("memref.load", &[self.memory], self.stored))
    }

    /// Its value, for an op of the host.
    fn read(&self, e: &Emitter<'c, 'a>, home: &Home<'c, 'a>) -> Value<'c, 'a> {
        let callee = e.attr(&format!("@{READ}{}", self.stored));
        let operands = [home.device, home.failed, self.memory];
        let found = e.op_with("func.call", &operands, self.stored, &[("callee", callee)]);
        self.found(e, found)
    }

    fn found(&self, e: &Emitter<'c, 'a>, found: Value<'c, 'a>) -> Value<'c, 'a> {
        match self.ty == self.stored {
            true => found,
            false => e.op(self.ways()[1], &[found], self.ty),
        }
    }
}

/// Whether an op reads or writes memory.
fn touches(op: OperationRef) -> bool {
    let name = edit::name(op);
    let all = [
        "memref.atomic_rmw",
        "memref.copy",
        "memref.generic_atomic_rmw",
        "memref.load",
        "memref.store",
    ];
    all.contains(&name) || name.starts_with("vector.")
}
