//! Tells, where the module is to be traced, when each call of an entry and each nest of loops or product in it begins and ends.
//!
//! Before:
//! ```mlir
//! func.func @m_f__impl(…) attributes {dl.entry = "m_f"} {
//!   scf.for … { … } loc("m.dl":3:5)
//!   call @dlc_matmul_f32_nn_12x32(…) loc("m.dl":4:3)
//! ```
//! After:
//! ```mlir
//!   llvm.call @m.mark(0)                        // the call begins
//!   llvm.call @m.mark(2)  scf.for … { … }                     llvm.call @m.mark(3)
//!   llvm.call @m.mark(4)  call @dlc_matmul_f32_nn_12x32(…)    llvm.call @m.mark(5)
//!   llvm.call @m.mark(1)                        // the call ends
//! ```
//! What stands beside each other at one place is one piece of work. Inside of loops and branches of the program, which
//! `dl.control` names, there are pieces too. The table of all and `m.mark` go into the module (`trace.rs`).
//!
//! *Requires*: bodies whose loops are outlined where they will be; `mark-control`. *Ensures*: nothing. *Does not*: tell of
//! what lanes do by themselves: a fork is one piece of work.

use crate::{
    alias::{blocks, operations},
    entry::{self, Entry},
    trace::{self, CONTROL, Keeps, Span, TRACE_FILES, TRACED},
    variants::{VARIANT, VARIANTS},
    walk,
};
use dlc_dialects::{
    ir::{builder::Builder, edit},
    pass::{Anchor, INTERNAL, PassError, PassInfo},
};
use melior::{
    Context,
    ir::{
        BlockRef, Identifier, Location, Module, OperationRef,
        attribute::FlatSymbolRefAttribute,
        operation::{OperationBuilder, OperationLike},
        r#type::IntegerType,
    },
};
use std::collections::HashSet;

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "trace-nests",
    summary: "Tell when the nests of a traced program begin and end",
    anchor: Anchor::Module,
    required: true,
    run,
};

/// How calls of kernels begin.
const KERNEL: &str = "dlc_matmul_";

fn run<'c, 'a>(cx: &'c Context, module: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    if !module.has_attribute(TRACED) {
        return Ok(());
    }
    let stem = entry::string(module.attribute("dl.stem").ok()).unwrap_or_default();
    let control = entry::strings(module.attribute(CONTROL).ok());
    let control = control.map_err(|message| PassError::at(&module, message))?;
    let mut tracer = Tracer {
        cx,
        mark: trace::mark(&stem),
        control,
        spans: vec![],
    };
    let entries = entry::entries(module)?;
    for entry in &entries {
        tracer.entry(entry)?;
    }
    let variants = entry::strings(module.attribute(VARIANTS).ok())
        .map_err(|message| PassError::at(&module, message))?;
    let keeps = match entry::string(module.attribute(VARIANT).ok()) {
        None => Keeps::Alone,
        this if this.as_ref() == variants.first() => Keeps::ForAll,
        _ => Keeps::Elsewhere,
    };
    let files = module.has_attribute(TRACE_FILES);
    let text = trace::module(&stem, &tracer.spans, keeps, files);
    let made = Module::parse(cx, &text).ok_or_else(|| {
        let message = format!("{INTERNAL}: the emitted text does not parse:\n{text}");
        PassError::at(&module, message)
    })?;
    if let Some(first) = entries.first() {
        let name = |op: OperationRef| entry::string(op.attribute("sym_name").ok());
        let known: HashSet<_> = walk::named(module, "llvm.func")
            .into_iter()
            .filter_map(name)
            .collect();
        let is_new = |op| name(op).is_none_or(|name| !known.contains(&name));
        edit::move_module_before(cx, &made, first.func, is_new);
    }
    Ok(())
}

struct Tracer<'c> {
    cx: &'c Context,
    /// The function that is called.
    mark: String,
    control: Vec<String>,
    spans: Vec<Span>,
}

/// Ops beside each other at one place.
struct Piece<'c, 'a> {
    first: OperationRef<'c, 'a>,
    last: OperationRef<'c, 'a>,
    is_product: bool,
}

impl<'c: 'a, 'a> Tracer<'c> {
    fn entry(&mut self, entry: &Entry<'c, 'a>) -> Result<(), PassError<'c>> {
        let body = entry::body(entry.func)?;
        let whole = self.span(&entry.name, "call", entry.func.location());
        self.block(body, &entry.name);
        let ops = operations(body);
        if let (Some(first), Some(last)) = (ops.first(), ops.last()) {
            self.tell(*first, 2 * whole);
            self.tell(*last, 2 * whole + 1);
        }
        Ok(())
    }

    fn block(&mut self, block: BlockRef<'c, 'a>, entry: &str) {
        for piece in self.pieces(block) {
            let place = piece.first.location();
            let is_control = self.is_control(piece.first);
            let what = match () {
                () if is_control => "control",
                () if piece.is_product => "product",
                () => "loops",
            };
            let number = self.span(entry, what, place);
            if is_control {
                for block in blocks(piece.first) {
                    self.block(block, entry);
                }
            }
            self.tell(piece.first, 2 * number);
            match piece.last.next_in_block() {
                Some(next) => self.tell(next, 2 * number + 1),
                // Blocks end with an op that is no work.
                None => continue,
            }
        }
    }

    /// Whether an op is a loop or a branch of the program.
    fn is_control(&self, op: OperationRef<'c, 'a>) -> bool {
        // Copies of what a loop begins with stand at its place, and all inside of them, too.
        let place = op.location();
        let holds_others = || {
            walk::inside(op)
                .iter()
                .any(|inner| inner.location() != place)
        };
        !blocks(op).is_empty() && self.control.contains(&place.to_string()) && holds_others()
    }

    /// The work of a block, in order.
    fn pieces(&self, block: BlockRef<'c, 'a>) -> Vec<Piece<'c, 'a>> {
        let mut pieces: Vec<Piece> = vec![];
        for op in operations(block) {
            let Some(is_product) = work(op) else { continue };
            match pieces.last_mut() {
                Some(piece) if piece.first.location() == op.location() && !self.is_control(op) => {
                    piece.last = op;
                    piece.is_product |= is_product;
                }
                _ => pieces.push(Piece {
                    first: op,
                    last: op,
                    is_product,
                }),
            }
        }
        pieces
    }

    /// The number of a new piece of work.
    fn span(&mut self, entry: &str, what: &str, place: Location<'c>) -> usize {
        let (file, place) = innermost(&place.to_string());
        self.spans.push(Span {
            entry: entry.to_string(),
            what: what.to_string(),
            file,
            place,
        });
        self.spans.len() - 1
    }

    /// Calls before an op.
    fn tell(&self, before: OperationRef<'c, 'a>, number: usize) {
        let builder = Builder::before(self.cx, before);
        let ty = IntegerType::new(self.cx, 32).into();
        let value = builder.attribute(&format!("{number} : i32"));
        let number = builder.op("llvm.mlir.constant", &[], &[("value", value)], ty);
        let named =
            |name: &str, text: &str| (Identifier::new(self.cx, name), builder.attribute(text));
        let callee = FlatSymbolRefAttribute::new(self.cx, &self.mark).into();
        let call = OperationBuilder::new("llvm.call", builder.location)
            .add_operands(&[number])
            .add_attributes(&[
                (Identifier::new(self.cx, "callee"), callee),
                named("operandSegmentSizes", "array<i32: 1, 0>"),
                named("op_bundle_sizes", "array<i32>"),
            ])
            .build();
        builder.append(call.expect("a call without results is well formed"));
    }
}

/// Whether an op is a product, if it is work at all: loops, branches that hold some, calls and copies.
fn work(op: OperationRef) -> Option<bool> {
    let name = edit::name(op);
    let is_work = |op: OperationRef| {
        ["scf.for", "scf.while", "func.call", "memref.copy"].contains(&edit::name(op))
    };
    let inside = || walk::inside(op).into_iter();
    let found = is_work(op) || (name.starts_with("scf.") && inside().any(is_work));
    found.then(|| {
        inside().chain([op]).any(|op| {
            let callee = op.attribute("callee").ok();
            let callee = callee.and_then(|callee| FlatSymbolRefAttribute::try_from(callee).ok());
            callee.is_some_and(|callee| callee.value().starts_with(KERNEL))
        })
    })
}

/// The file, line and column that stand first in MLIR's text of a location.
fn innermost(location: &str) -> (String, (usize, usize)) {
    let place = || {
        let (before, behind) = location.split_once("\":")?;
        let file = before.rsplit('"').next()?;
        let mut numbers = behind.split(|c: char| !c.is_ascii_digit());
        let (line, column) = (numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?);
        Some((file.to_string(), (line, column)))
    };
    place().unwrap_or_default()
}
