//! Loops around each other whose rounds compute, load and store only, and what they do with the memory that they write.

use crate::{
    alias::{self, blocks, operations},
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
    OperationRef, Value, attribute::DenseI64ArrayAttribute, operation::OperationLike,
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

/// What is read of the outermost loops of a function that the host goes through round by round, or one thread.
pub(super) fn outermost<'c: 'a, 'a, T>(
    func: OperationRef<'c, 'a>,
    read: impl Fn(OperationRef<'c, 'a>) -> Option<T>,
) -> Result<Vec<T>, PassError<'c>> {
    let mut found = vec![];
    let mut next = operations(entry::body(func)?);
    while let Some(op) = next.pop() {
        if tasks::independent(op) == Some(true) {
            continue;
        }
        match read(op) {
            Some(of_loop) => found.push(of_loop),
            None => next.extend(blocks(op).into_iter().flat_map(operations)),
        }
    }
    Ok(found)
}

/// What all rounds of a nest do with a buffer that it writes.
pub(super) struct Access<'c, 'a> {
    /// The buffer.
    pub root: Value<'c, 'a>,
    /// The view of it.
    memory: Value<'c, 'a>,
    /// The indices of each load and store.
    pub places: Vec<Vec<Value<'c, 'a>>>,
}

impl<'c: 'a, 'a> Access<'c, 'a> {
    /// The index on an axis, if all loads and stores have the same.
    pub fn common(&self, axis: usize) -> Option<Value<'c, 'a>> {
        let first = *self.places[0].get(axis)?;
        let same = |place: &Vec<Value<'c, 'a>>| place[axis] == first;
        self.places.iter().all(same).then_some(first)
    }

    /// Whether the number of a loop's round is where elements lie on an axis.
    pub fn holds(&self, op: OperationRef<'c, 'a>) -> bool {
        let axes = 0..self.places[0].len();
        let mut indices = axes.filter_map(|axis| self.common(axis));
        indices.any(|value| identity(value) == index(op))
    }
}

/// Loops, each around the next, with ops that can be done in any round.
pub(super) struct Nest<'c, 'a> {
    /// The loops, from the outside.
    pub loops: Vec<OperationRef<'c, 'a>>,
    /// What a round does, in order.
    pub body: Vec<OperationRef<'c, 'a>>,
    /// What is made inside.
    own: HashSet<usize>,
}

impl<'c: 'a, 'a> Nest<'c, 'a> {
    /// Reads loops. The innermost may carry a number from round to round.
    pub fn read(op: OperationRef<'c, 'a>) -> Option<Self> {
        let mut nest = Self {
            loops: vec![],
            body: vec![],
            own: HashSet::new(),
        };
        let mut next = Some(op);
        while let Some(op) = next.take() {
            let known = |value: Value| !nest.own.contains(&identity(value));
            if !walk::is(op, "scf.for") || super::threads(op).is_some() || !op.operands().all(known)
            {
                return None;
            }
            nest.loops.push(op);
            nest.own
                .extend(arguments(blocks(op)[0]).into_iter().map(identity));
            let mut ops = operations(blocks(op)[0]);
            ops.pop();
            next = ops.pop_if(|last| walk::is(*last, "scf.for"));
            let innermost = next.is_none();
            let carries = op.result_count() > 0;
            if carries && !innermost {
                return None;
            }
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

    /// The innermost loop, if it carries a number.
    pub fn carried(&self) -> Option<OperationRef<'c, 'a>> {
        let last = self.loops.last().copied();
        last.filter(|op| op.result_count() > 0)
    }

    /// Whether a value is made inside.
    pub fn is_own(&self, value: Value) -> bool {
        self.own.contains(&identity(value))
    }

    /// Whether a value may differ from round to round.
    pub fn varies(&self, value: Value<'c, 'a>) -> bool {
        let made = defining_op(value).filter(|op| edit::name(*op).starts_with("arith."));
        let varies = |op: OperationRef<'c, 'a>| op.operands().any(|value| self.varies(value));
        self.is_own(value) && made.is_none_or(varies)
    }

    /// The accesses to each buffer that is written, if they go by one view that is the same part of the buffer for all rounds, but for
    /// axes of one element.
    pub fn accesses(&self) -> Option<Vec<Access<'c, 'a>>> {
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
            } else if op.operands().skip(1).any(|value| self.varies(value)) {
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
            match offset.filter(|offset| self.varies(*offset)) {
                Some(_) if size != 1 => return None,
                own => found.extend(own),
            }
        }
        given.all(|value| !self.varies(value)).then_some(found)
    }

    /// Indices and offsets that name other elements wherever they are another number, and are no loop's.
    pub fn rows(&self, access: &Access<'c, 'a>) -> Vec<Value<'c, 'a>> {
        let axes = 0..access.places[0].len();
        let indices = axes.filter_map(|axis| access.common(axis));
        let offsets = self.parts(access.memory).unwrap_or_default();
        let made = |value: &Value<'c, 'a>| self.is_own(*value) && defining_op(*value).is_some();
        indices.chain(offsets).filter(made).collect()
    }

    /// The ops that a value follows from.
    pub fn needed(&self, value: Value<'c, 'a>) -> Vec<OperationRef<'c, 'a>> {
        needed(&self.body, value)
    }
}

/// The ops among some that a value follows from.
pub(super) fn needed<'c: 'a, 'a>(
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

/// What a loop's number is known by.
pub(super) fn index(op: OperationRef) -> usize {
    identity(arguments(blocks(op)[0])[0])
}
