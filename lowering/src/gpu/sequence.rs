//! Nests of loops whose rounds go in order, because they may write where an earlier one has, as rounds of a scatter do; and what of
//! them is independent all the same.
//!
//! A loop of the nest goes through *columns* if each element that the nest writes is written, and read, in rounds of one number of that
//! loop only. What is left when columns are taken out is the *sequence*. Its *row* is an index that names other elements
//! wherever it is another number.

use super::kernel::{bounds, rounds};
use crate::{
    alias::{self, blocks, operations},
    copies::Copies,
    emit::Emitter,
    entry,
    linalg::{arguments, results},
    tasks, walk,
};
use dlc_dialects::{
    ir::{
        edit,
        inspect::{defining_op, identity},
        shape::DYNAMIC,
    },
    pass::PassError,
};
use melior::ir::{
    OperationRef, Value,
    attribute::{Attribute, DenseI64ArrayAttribute},
    operation::OperationLike,
};
use std::collections::HashSet;

/// Views of memory, and what reads their types.
const VIEWS: [&str; 5] = [
    "memref.cast",
    "memref.collapse_shape",
    "memref.dim",
    "memref.expand_shape",
    "memref.subview",
];

/// A nest.
pub struct Sequence<'c, 'a> {
    /// The outermost loop.
    pub op: OperationRef<'c, 'a>,
    /// The loops of the sequence, from the outside.
    pub ids: Vec<OperationRef<'c, 'a>>,
    /// The loops of columns, from the outside.
    pub columns: Vec<OperationRef<'c, 'a>>,
    /// What a round does, in order.
    pub body: Vec<OperationRef<'c, 'a>>,
    /// The row, if there is one that is the same in all columns.
    pub row: Option<Value<'c, 'a>>,
    /// The buffers that it writes.
    written: Vec<Value<'c, 'a>>,
}

impl<'c: 'a, 'a> Sequence<'c, 'a> {
    /// The nests of a function that the host goes through round by round, or one thread.
    ///
    /// # Errors
    /// Fails where the function has no body, which is our mistake.
    pub fn of(func: OperationRef<'c, 'a>) -> Result<Vec<Self>, PassError<'c>> {
        let mut found = vec![];
        let mut next = operations(entry::body(func)?);
        while let Some(op) = next.pop() {
            if tasks::independent(op) == Some(true) {
                continue;
            }
            match Self::read(op) {
                Some(sequence) => found.push(sequence),
                None => next.extend(blocks(op).into_iter().flat_map(operations)),
            }
        }
        Ok(found)
    }

    fn read(op: OperationRef<'c, 'a>) -> Option<Self> {
        let nest = Nest::read(op)?;
        let accesses = nest.accesses()?;
        let mut sequence = Self {
            op,
            ids: vec![],
            columns: vec![],
            body: nest.body.clone(),
            row: None,
            written: accesses.iter().map(|access| access.root).collect(),
        };
        for inner in &nest.loops {
            let is_column = accesses.iter().all(|access| access.holds(*inner));
            match is_column {
                true => sequence.columns.push(*inner),
                // Its rounds are independent for a reason that is not seen here.
                false if tasks::independent(*inner) == Some(true) => return None,
                false => sequence.ids.push(*inner),
            }
        }
        if let [access] = &accesses[..] {
            let rows = nest.rows(access);
            let suits = |row: &Value<'c, 'a>| {
                let needed = nest.needed(*row);
                let reads = needed.iter().filter(|op| walk::is(**op, "memref.load"));
                let read = reads.filter_map(|op| op.operand(0).ok());
                let of_ids = needed.iter().flat_map(|op| op.operands()).chain([*row]);
                let of_ids = of_ids.map(identity).collect::<HashSet<_>>();
                let column = |op: &OperationRef<'c, 'a>| of_ids.contains(&index(*op));
                let mut read = read.map(alias::root);
                read.all(|root| root.is_some_and(|root| root != access.root))
                    && !sequence.columns.iter().any(column)
            };
            sequence.row = rows.into_iter().find(suits);
        }
        Some(sequence)
    }

    /// How many rounds some of its loops have together.
    pub fn count(&self, e: &Emitter<'c, 'a>, loops: &[OperationRef<'c, 'a>]) -> Value<'c, 'a> {
        let rounds = loops.iter().map(|op| rounds(e, *op));
        let product = rounds.reduce(|a, b| e.mul(a, b));
        product.unwrap_or_else(|| e.index(1))
    }

    /// Writes a round, where something stands for what it reads.
    pub fn round(&self, e: &Emitter<'c, 'a>, mut copies: Copies<'c, 'a>) {
        for op in &self.body {
            let known = results(*op).into_iter().all(|x| copies.known(x).is_some());
            if !known || op.result_count() == 0 {
                copies.add(e, *op);
            }
        }
    }

    /// Writes what the row of a round follows from, where something stands for the numbers of its loops; gives the row.
    pub fn row_of(
        &self,
        e: &Emitter<'c, 'a>,
        row: Value<'c, 'a>,
        mut copies: Copies<'c, 'a>,
    ) -> Value<'c, 'a> {
        let needed = needed(&self.body, row);
        for op in self.body.iter().filter(|op| needed.contains(op)) {
            copies.add(e, *op);
        }
        copies.of(row)
    }

    /// Says of the memory that it writes that rounds of the loops in its place only use parts of it.
    pub fn share_memory(&self, e: &Emitter<'c, 'a>) {
        let made = self.written.iter().filter_map(|root| defining_op(*root));
        for alloc in made {
            edit::set_attribute(alloc, tasks::SHARED, Attribute::unit(e.context()));
        }
    }
}

/// Lets indices of loops stand for the round of a number, of which the last loop's counts fastest.
pub fn number<'c: 'a, 'a>(
    e: &Emitter<'c, 'a>,
    loops: &[OperationRef<'c, 'a>],
    number: Value<'c, 'a>,
    copies: &mut Copies<'c, 'a>,
) {
    let mut left = number;
    for (depth, op) in loops.iter().enumerate().rev() {
        let [low, _, step] = bounds(*op);
        let round = match depth {
            0 => left,
            _ => {
                let count = rounds(e, *op);
                let round = e.op("arith.remui", &[left, count], e.index_type());
                left = e.div(left, count);
                round
            }
        };
        copies.put(arguments(blocks(*op)[0])[0], e.add(low, e.mul(round, step)));
    }
}

fn index(op: OperationRef) -> usize {
    identity(arguments(blocks(op)[0])[0])
}

/// What all rounds of a nest do with a buffer that it writes.
struct Access<'c, 'a> {
    root: Value<'c, 'a>,
    /// The view of it.
    memory: Value<'c, 'a>,
    /// The indices of each load and store.
    places: Vec<Vec<Value<'c, 'a>>>,
}

impl<'c: 'a, 'a> Access<'c, 'a> {
    /// The index on an axis, if all loads and stores have the same.
    fn common(&self, axis: usize) -> Option<Value<'c, 'a>> {
        let first = *self.places[0].get(axis)?;
        let same = |place: &Vec<Value<'c, 'a>>| place[axis] == first;
        self.places.iter().all(same).then_some(first)
    }

    /// Whether the number of a loop's round is where elements lie on an axis.
    fn holds(&self, op: OperationRef<'c, 'a>) -> bool {
        let axes = 0..self.places[0].len();
        let mut indices = axes.filter_map(|axis| self.common(axis));
        indices.any(|value| identity(value) == index(op))
    }
}

/// Loops, each around the next, with ops that can be done in any round.
struct Nest<'c, 'a> {
    loops: Vec<OperationRef<'c, 'a>>,
    body: Vec<OperationRef<'c, 'a>>,
    /// What is made inside.
    own: HashSet<usize>,
}

impl<'c: 'a, 'a> Nest<'c, 'a> {
    fn read(op: OperationRef<'c, 'a>) -> Option<Self> {
        let mut nest = Self {
            loops: vec![],
            body: vec![],
            own: HashSet::new(),
        };
        let mut next = Some(op);
        while let Some(op) = next.take() {
            let plain = walk::is(op, "scf.for") && op.result_count() == 0;
            let known = |value: Value| !nest.own.contains(&identity(value));
            if !plain || super::threads(op).is_some() || !bounds(op).into_iter().all(known) {
                return None;
            }
            nest.loops.push(op);
            nest.own.insert(index(op));
            let mut ops = operations(blocks(op)[0]);
            ops.pop();
            next = ops.pop_if(|last| walk::is(*last, "scf.for"));
            let innermost = next.is_none();
            let computes = |op: &OperationRef<'c, 'a>| {
                let name = edit::name(*op);
                let computes = name.starts_with("arith.") || name.starts_with("math.");
                let stores = innermost && name == "memref.store";
                computes || stores || name == "memref.load" || VIEWS.contains(&name)
            };
            if !ops.iter().all(computes) {
                return None;
            }
            let made = ops.iter().flat_map(|op| results(*op)).map(identity);
            nest.own.extend(made);
            nest.body.extend(ops);
        }
        Some(nest)
    }

    fn is_own(&self, value: Value) -> bool {
        self.own.contains(&identity(value))
    }

    /// The accesses to each buffer that is written, if they go by one view that is the same part of the buffer for all rounds, but for
    /// axes of one element.
    fn accesses(&self) -> Option<Vec<Access<'c, 'a>>> {
        let mut found: Vec<Access<'c, 'a>> = vec![];
        let memory = |op: OperationRef<'c, 'a>| {
            let at = usize::from(walk::is(op, "memref.store"));
            op.operand(at).ok().map(|memory| (memory, at + 1))
        };
        let of = |name: &'static str| self.body.iter().filter(move |op| walk::is(**op, name));
        for op in of("memref.store") {
            let (memory, _) = memory(*op)?;
            let root = alias::root(memory)?;
            if found.iter().all(|access| access.root != root) {
                found.push(Access {
                    root,
                    memory,
                    places: vec![],
                });
            }
        }
        for op in of("memref.load").chain(of("memref.store")) {
            let (memory, first) = memory(*op)?;
            let root = alias::root(memory)?;
            let Some(access) = found.iter_mut().find(|access| access.root == root) else {
                continue;
            };
            if access.memory != memory {
                return None;
            }
            access.places.push(op.operands().skip(first).collect());
        }
        let alike = |access: &Access<'c, 'a>| self.parts(access.memory).is_some();
        (!found.is_empty() && found.iter().all(alike)).then_some(found)
    }

    /// The offsets by which a view differs from round to round, on axes of one element; nothing if it differs in another way.
    fn parts(&self, memory: Value<'c, 'a>) -> Option<Vec<Value<'c, 'a>>> {
        let mut offsets = vec![];
        let mut at = memory;
        while self.is_own(at) {
            let op = defining_op(at)?;
            if walk::is(op, "memref.subview") {
                offsets.extend(self.offsets(op)?);
            } else if op.operands().skip(1).any(|value| self.is_own(value)) {
                return None;
            }
            at = op.operand(0).ok()?;
        }
        Some(offsets)
    }

    /// The same of one slice.
    fn offsets(&self, op: OperationRef<'c, 'a>) -> Option<Vec<Value<'c, 'a>>> {
        let list = |name: &str| -> Option<Vec<i64>> {
            let list = DenseI64ArrayAttribute::try_from(op.attribute(name).ok()?).ok()?;
            (0..list.len()).map(|i| list.element(i).ok()).collect()
        };
        let sizes = list("static_sizes")?;
        let mut given = op.operands().skip(1);
        let mut found = vec![];
        for (offset, size) in list("static_offsets")?.into_iter().zip(sizes) {
            let offset = (offset == DYNAMIC).then(|| given.next()).flatten();
            match offset.filter(|offset| self.is_own(*offset)) {
                Some(_) if size != 1 => return None,
                own => found.extend(own),
            }
        }
        given.all(|value| !self.is_own(value)).then_some(found)
    }

    /// Indices and offsets that name other elements wherever they are another number, and are no loop's.
    fn rows(&self, access: &Access<'c, 'a>) -> Vec<Value<'c, 'a>> {
        let axes = 0..access.places[0].len();
        let indices = axes.filter_map(|axis| access.common(axis));
        let offsets = self.parts(access.memory).unwrap_or_default();
        let made = |value: &Value<'c, 'a>| self.is_own(*value) && defining_op(*value).is_some();
        indices.chain(offsets).filter(made).collect()
    }

    fn needed(&self, value: Value<'c, 'a>) -> Vec<OperationRef<'c, 'a>> {
        needed(&self.body, value)
    }
}

/// The ops among some that a value follows from.
fn needed<'c: 'a, 'a>(
    ops: &[OperationRef<'c, 'a>],
    value: Value<'c, 'a>,
) -> Vec<OperationRef<'c, 'a>> {
    let mut wanted = HashSet::from([identity(value)]);
    let mut found = vec![];
    for op in ops.iter().rev() {
        if results(*op).iter().any(|x| wanted.contains(&identity(*x))) {
            wanted.extend(op.operands().map(identity));
            found.push(*op);
        }
    }
    found
}
