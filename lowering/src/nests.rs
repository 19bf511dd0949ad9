//! What a function's work consists of when all fusion is done and its ops are still linalg on memory: products, nests of
//! loops and copies, and the buffers by which they depend on each other. For who tells of it; nothing is changed.

use crate::{
    alias::{Effects, blocks, operations, root},
    fuse::Spaces,
    linalg::Generic,
    remarks::Remarks,
    walk,
};
use dlc_abi::Poly;
use dlc_dialects::ir::{
    edit,
    inspect::{defining_op, identity},
    shape,
};
use melior::ir::{
    BlockRef, Location, OperationRef, Value, attribute::FlatSymbolRefAttribute,
    operation::OperationLike,
};
use std::collections::BTreeMap;

/// How calls of kernels begin.
const KERNEL: &str = "dlc_matmul_";

/// What a nest is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A product of matrices.
    Product,
    /// Element by element.
    Elementwise,
    /// Sums and the like.
    Reduction,
    /// A loop or a branch of the program, around others.
    Control,
    /// Other loops.
    Loop,
    /// Memory that is filled or copied.
    Copy,
}

/// A piece of work.
#[derive(Clone, Debug)]
pub struct Nest<'c> {
    /// What it is.
    pub kind: Kind,
    /// Where it stands.
    pub place: Location<'c>,
    /// Where everything in it stands.
    pub members: Vec<Location<'c>>,
    /// The number of the loop or branch that it stands in.
    pub inside: Option<usize>,
    /// The kernel of a product.
    pub kernel: Option<String>,
    /// The numbers of the buffers that it reads,
    pub reads: Vec<usize>,
    /// and of those that it writes.
    pub writes: Vec<usize>,
}

/// A buffer that nests read or write.
#[derive(Clone, Debug)]
pub struct Buffer {
    /// Its type, such as `f32[B, 64]`.
    pub ty: String,
    /// Its bytes.
    pub bytes: Poly,
    /// Whether it is a parameter or a result.
    pub is_argument: bool,
}

/// The work of a function.
#[derive(Clone, Debug, Default)]
pub struct Work<'c> {
    /// What it consists of, in order.
    pub nests: Vec<Nest<'c>>,
    /// What that touches.
    pub buffers: Vec<Buffer>,
}

impl Work<'_> {
    /// Whether a buffer is only a scratch pad of one nest.
    pub fn is_scratch(&self, buffer: usize) -> bool {
        let touches = |nest: &&Nest| nest.reads.contains(&buffer) || nest.writes.contains(&buffer);
        !self.buffers[buffer].is_argument && self.nests.iter().filter(touches).count() <= 1
    }

    /// Pairs of nests of which the second reads what the first wrote last, with the buffer.
    pub fn edges(&self) -> Vec<(usize, usize, usize)> {
        let mut last: BTreeMap<usize, usize> = BTreeMap::new();
        let mut edges = vec![];
        for (number, nest) in self.nests.iter().enumerate() {
            if nest.kind == Kind::Control {
                continue;
            }
            for buffer in &nest.reads {
                if let Some(writer) = last.get(buffer).filter(|writer| **writer != number) {
                    edges.push((*writer, number, *buffer));
                }
            }
            last.extend(nest.writes.iter().map(|buffer| (*buffer, number)));
        }
        edges
    }
}

/// The work of a function. Loops and branches at the places of `control` are the program's own.
pub fn of<'c: 'a, 'a>(
    func: OperationRef<'c, 'a>,
    control: &dyn Fn(Location<'c>) -> bool,
) -> Work<'c> {
    let mut reader = Reader {
        control,
        spaces: Spaces::of(func),
        numbers: BTreeMap::new(),
        work: Work::default(),
    };
    for block in blocks(func) {
        reader.block(block, None);
    }
    reader.work
}

struct Reader<'x, 'c> {
    control: &'x dyn Fn(Location<'c>) -> bool,
    spaces: Spaces,
    numbers: BTreeMap<usize, usize>,
    work: Work<'c>,
}

impl<'c> Reader<'_, 'c> {
    fn block<'a>(&mut self, block: BlockRef<'c, 'a>, inside: Option<usize>)
    where
        'c: 'a,
    {
        let ops = operations(block);
        for (at, op) in ops.iter().enumerate() {
            let Some(kind) = kind(*op) else { continue };
            if edit::name(*op).starts_with("scf.") && (self.control)(op.location()) {
                let number = self.work.nests.len();
                self.push(*op, Kind::Control, inside);
                for block in blocks(*op) {
                    self.block(block, Some(number));
                }
            } else if !(is_fill(*op) && starts_a_sum(*op, &ops[at + 1..])) {
                self.push(*op, kind, inside);
            }
        }
    }

    fn push<'a>(&mut self, op: OperationRef<'c, 'a>, kind: Kind, inside: Option<usize>)
    where
        'c: 'a,
    {
        let place = op.location();
        let inner = match kind {
            Kind::Control => vec![],
            _ => walk::inside(op),
        };
        let mut members: Vec<Location<'c>> = vec![];
        for member in inner.iter().map(|op| op.location()).chain([place]) {
            if !members.contains(&member) {
                members.push(member);
            }
        }
        let effects = match kind {
            Kind::Control => Effects::default(),
            _ => Effects::of(op),
        };
        let mut numbers = |values: Vec<Value<'c, 'a>>| {
            let mut numbers: Vec<_> = values
                .into_iter()
                .filter_map(|value| self.number(value))
                .collect();
            numbers.sort_unstable();
            numbers.dedup();
            numbers
        };
        let (reads, writes) = (numbers(effects.reads), numbers(effects.writes));
        let kernel = kernel(op);
        // A product is several ops beside each other: packing, a choice of loops, calls. Its derivatives stand at the same
        // place, but make other memory.
        if let Some(last) = self.work.nests.last_mut()
            && last.place == place
            && last.inside == inside
            && kind == Kind::Product
            && last.kind == Kind::Product
            && reads
                .iter()
                .chain(&writes)
                .any(|one| last.writes.contains(one))
        {
            for (all, more) in [(&mut last.reads, reads), (&mut last.writes, writes)] {
                all.extend(more);
                all.sort_unstable();
                all.dedup();
            }
            let known = last.members.clone();
            let new = members.into_iter().filter(|place| !known.contains(place));
            last.members.extend(new);
            last.kernel = last.kernel.take().or(kernel);
            return;
        }
        self.work.nests.push(Nest {
            kind,
            place,
            members,
            inside,
            kernel,
            reads,
            writes,
        });
    }

    /// The number of the buffer that a value is a view of.
    fn number<'a>(&mut self, value: Value<'c, 'a>) -> Option<usize>
    where
        'c: 'a,
    {
        let buffer = root(value)?;
        let next = self.work.buffers.len();
        let number = *self.numbers.entry(identity(buffer)).or_insert(next);
        if number == next {
            let sizes = self.spaces.of_buffer(buffer);
            let sizes: Vec<_> = sizes.iter().map(readable).collect();
            self.work.buffers.push(Buffer {
                ty: format!("{}[{}]", shape::element_of(buffer), sizes.join(", ")),
                bytes: Remarks::size(buffer, &self.spaces, 1),
                is_argument: defining_op(buffer).is_none(),
            });
        }
        Some(number)
    }
}

/// A size in names of dims; `?` where it is found when running.
fn readable(size: &Poly) -> String {
    match size.names().iter().all(|name| !name.starts_with('%')) {
        true => size.to_string(),
        false => "?".to_string(),
    }
}

/// What an op is, if it is work on memory.
fn kind(op: OperationRef) -> Option<Kind> {
    let name = edit::name(op);
    if kernel(op).is_some() {
        return Some(Kind::Product);
    }
    Some(match name {
        "linalg.fill" | "linalg.copy" | "memref.copy" => Kind::Copy,
        "linalg.generic" => match Generic::read(op) {
            Some(generic) if generic.is_contraction() => Kind::Product,
            Some(generic) if !generic.is_parallel() => Kind::Reduction,
            Some(_) => Kind::Elementwise,
            None => Kind::Loop,
        },
        "func.call" => Kind::Loop,
        _ if name.starts_with("linalg.") => Kind::Loop,
        _ if name.starts_with("scf.") && op.region_count() > 0 => {
            let effects = Effects::of(op);
            (!effects.writes.is_empty()).then_some(Kind::Loop)?
        }
        _ => return None,
    })
}

/// The kernel that an op calls, or one inside it.
fn kernel(op: OperationRef) -> Option<String> {
    let calls = walk::named(op, "func.call").into_iter().chain([op]);
    let mut callees = calls.filter_map(|op| {
        let callee = op.attribute("callee").ok()?;
        let callee = FlatSymbolRefAttribute::try_from(callee).ok()?;
        callee.value().strip_prefix(KERNEL).map(str::to_string)
    });
    callees.next()
}

fn is_fill(op: OperationRef) -> bool {
    edit::name(op) == "linalg.fill"
}

/// Whether the next op that touches what is filled adds to it: then the filling is how that begins.
fn starts_a_sum<'c: 'a, 'a>(fill: OperationRef<'c, 'a>, after: &[OperationRef<'c, 'a>]) -> bool {
    let Some(buffer) = fill.operand(1).ok().and_then(root) else {
        return false;
    };
    let is = |value: &Value<'c, 'a>| root(*value).is_some_and(|root| root == buffer);
    let mut later = after.iter().map(|op| Effects::of(*op));
    let next = later.find(|effects| effects.reads.iter().chain(&effects.writes).any(is));
    next.is_some_and(|effects| effects.writes.iter().any(is))
}
