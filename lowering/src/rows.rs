//! Ops that can go through their rows together: row i of all of them before row i + 1 of any. The `fuse-rows` pass
//! makes one loop of such a group.

pub mod blocks;
mod parts;
pub mod sweep;

use crate::{
    alias,
    fuse::Spaces,
    linalg::{self, Access, Generic, Iterator},
};
use dlc_abi::Poly;
use dlc_dialects::ir::{
    edit,
    inspect::{defining_op, identity},
    shape,
};
use melior::ir::{
    BlockLike, BlockRef, OperationRef, RegionLike, TypeLike, Value, ValueLike,
    operation::OperationLike,
};

/// An op of a group.
pub struct Member<'c, 'a> {
    /// The op.
    pub op: OperationRef<'c, 'a>,
    /// What it says.
    pub generic: Generic<'c, 'a>,
    /// The loop over rows.
    pub row: usize,
}

/// A buffer that a group touches.
pub struct Touched<'c, 'a> {
    /// The buffer.
    pub value: Value<'c, 'a>,
    /// Whether the group writes it, row by row.
    pub written: bool,
    /// Whether rows add up in it.
    pub sum: bool,
    /// Whether all reads are of the row at hand.
    by_row: bool,
    /// Whether an op reads what another has written.
    pub passed_on: bool,
}

/// Ops that stand one after another, and what stands between them and can go before them.
#[derive(Default)]
pub struct Group<'c, 'a> {
    /// The ops, in order.
    pub members: Vec<Member<'c, 'a>>,
    /// What is to move before the first of them.
    pub before: Vec<OperationRef<'c, 'a>>,
    /// Whether products may be members.
    pub products: bool,
    /// Whether no op may add rows up.
    pub apart: bool,
    /// Whether the next op may be a product that adds rows up, where products may be members; no other op that does so may.
    pub adds_up: bool,
    /// The number of rows.
    pub rows: Poly,
    /// The buffers.
    pub touched: Vec<Touched<'c, 'a>>,
}

/// The ops of a block in groups as large as they can be; each begins like `empty`. `adds_up` says whether an op may join as a
/// product that adds rows up.
pub fn groups<'c: 'a, 'a>(
    block: BlockRef<'c, 'a>,
    empty: impl Fn() -> Group<'c, 'a>,
    adds_up: impl Fn(OperationRef<'c, 'a>, &Group<'c, 'a>) -> bool,
    spaces: &Spaces,
) -> Vec<Group<'c, 'a>> {
    let mut group = empty();
    let mut groups = vec![];
    for op in alias::operations(block) {
        group.adds_up = adds_up(op, &group);
        if !group.take(op, spaces) {
            groups.push(std::mem::replace(&mut group, empty()));
            // It may begin the next one.
            group.take(op, spaces);
        }
    }
    groups.push(group);
    groups
}

/// The op as a generic one, if it is one on memrefs.
fn read<'c: 'a, 'a>(op: OperationRef<'c, 'a>) -> Option<Generic<'c, 'a>> {
    let generic = match edit::name(op) {
        "linalg.fill" => {
            let (scalar, whole) = (op.operand(0).ok()?, op.operand(1).ok()?);
            let rank = shape::shape_of(whole).len();
            Generic {
                iterators: vec![Iterator::Parallel; rank],
                inputs: vec![Access {
                    value: scalar,
                    loops: vec![],
                }],
                outputs: vec![Access {
                    value: whole,
                    loops: (0..rank).collect(),
                }],
                attributes: vec![],
            }
        }
        _ => Generic::read(op)?,
    };
    let memory = generic
        .outputs
        .iter()
        .all(|access| access.value.r#type().is_mem_ref());
    memory.then_some(generic)
}

impl<'c: 'a, 'a> Group<'c, 'a> {
    /// Takes an op in, as a member or as one that goes before; `false` if it can't.
    pub fn take(&mut self, op: OperationRef<'c, 'a>, spaces: &Spaces) -> bool {
        let products = self.products;
        let generic = read(op).filter(|generic| products || !generic.is_contraction());
        if let Some(generic) = generic {
            let extents = spaces.loops(&generic);
            for (row, extent) in extents.iter().enumerate() {
                let fits = self.members.is_empty() || *extent == self.rows;
                if fits && let Some(touched) = self.fits(op, &generic, row) {
                    self.begin_sums(&touched);
                    self.rows = extent.clone();
                    self.touched = touched;
                    self.members.push(Member { op, generic, row });
                    return true;
                }
            }
        }
        if self.members.is_empty() || !self.goes_before(op) {
            return false;
        }
        self.before.push(op);
        true
    }

    /// The member that fills a buffer, if no other touches it.
    fn fill_of(&self, buffer: Value<'c, 'a>) -> Option<usize> {
        let touches = |member: &Member<'c, 'a>| {
            let all = member.generic.inputs.iter().chain(&member.generic.outputs);
            all.clone()
                .any(|access| identity(access.value) == identity(buffer))
        };
        let mut touching = (0..self.members.len()).filter(|i| touches(&self.members[*i]));
        let only = touching.next()?;
        let fill = edit::name(self.members[only].op) == "linalg.fill";
        (self.products && fill && touching.next().is_none()).then_some(only)
    }

    /// Lets what fills the sums of a product go before the loop.
    fn begin_sums(&mut self, touched: &[Touched<'c, 'a>]) {
        for sum in touched.iter().filter(|t| t.sum) {
            if let Some(fill) = self.fill_of(sum.value) {
                let fill = self.members.remove(fill);
                self.before.push(fill.op);
            }
        }
    }

    /// Whether rows add up in a buffer.
    pub fn has_sums(&self) -> bool {
        self.touched.iter().any(|t| t.sum)
    }

    /// Whether an op does not depend on the members and they not on it.
    fn goes_before(&self, op: OperationRef<'c, 'a>) -> bool {
        let name = edit::name(op);
        let pure = name.starts_with("arith.") || name.starts_with("math.");
        let apart = |value: Value<'c, 'a>| {
            self.touched
                .iter()
                .all(|t| !alias::may_alias(t.value, value))
        };
        let untouched = |value: Value<'c, 'a>| {
            self.touched
                .iter()
                .all(|t| !(t.written || t.sum) || !alias::may_alias(t.value, value))
        };
        match name {
            "memref.alloc" | "memref.dim" => true,
            "memref.expand_shape" | "memref.collapse_shape" | "memref.subview" | "memref.cast" => {
                true
            }
            "memref.load" => op.operand(0).is_ok_and(untouched),
            "linalg.fill" => op.operand(1).is_ok_and(apart),
            _ => pure,
        }
    }

    /// The buffers after the op has joined with a loop as its rows; `None` if rows would get mixed up.
    fn fits(
        &self,
        op: OperationRef<'c, 'a>,
        generic: &Generic<'c, 'a>,
        row: usize,
    ) -> Option<Vec<Touched<'c, 'a>>> {
        let sum = generic.iterators[row] == Iterator::Reduction;
        if self.apart && sum {
            return None;
        }
        if self.products && sum && !(self.adds_up && generic.is_contraction()) {
            return None;
        }
        let mut touched = self.touched.iter().map(Touched::copy).collect::<Vec<_>>();
        let mut place = |value: Value<'c, 'a>| -> Option<usize> {
            if let Some(i) = touched
                .iter()
                .position(|t| identity(t.value) == identity(value))
            {
                return Some(i);
            }
            // Two views of one buffer may mix rows.
            let apart = touched.iter().all(|t| !alias::may_alias(t.value, value));
            let new = Touched {
                value,
                written: false,
                sum: false,
                by_row: true,
                passed_on: false,
            };
            apart.then(|| {
                touched.push(new);
                touched.len() - 1
            })
        };
        let memory = |access: &&Access<'c, 'a>| access.value.r#type().is_mem_ref();
        let inputs = generic.inputs.iter().filter(memory);
        let inputs = inputs
            .map(|access| Some((place(access.value)?, access)))
            .collect::<Option<Vec<_>>>()?;
        let outputs = generic
            .outputs
            .iter()
            .map(|access| Some((place(access.value)?, access)));
        let outputs = outputs.collect::<Option<Vec<_>>>()?;
        let by_row = |access: &Access| {
            access.loops.first() == Some(&row) && access.loops[1..].iter().all(|l| *l != row)
        };
        for (i, access) in &inputs {
            let t = &mut touched[*i];
            // Views of rows of products are along the first axis.
            let elsewhere = self.products && access.loops.contains(&row);
            if t.sum || ((t.written || elsewhere) && !by_row(access)) {
                return None;
            }
            t.passed_on |= t.written;
            t.by_row &= by_row(access);
        }
        for (i, access) in &outputs {
            let t = &mut touched[*i];
            if by_row(access) {
                if t.sum || !t.by_row {
                    return None;
                }
                t.written = true;
            } else {
                let read = inputs.iter().any(|(j, _)| j == i);
                let known = self
                    .touched
                    .iter()
                    .any(|old| identity(old.value) == identity(access.value));
                let known = known && self.fill_of(access.value).is_none();
                if read || known || t.sum || !sum || access.loops.contains(&row) {
                    return None;
                }
                t.sum = true;
                t.written = false;
            }
        }
        // What the body loads by itself is only read.
        let block = op.region(0).ok()?.first_block()?;
        let mut next = block.first_operation();
        while let Some(inner) = next {
            if inner.region_count() > 0 {
                return None;
            }
            if edit::name(inner) == "memref.load" {
                let value = inner.operand(0).ok()?;
                let free = touched
                    .iter()
                    .all(|t| !(t.written || t.sum) || !alias::may_alias(t.value, value));
                if !free {
                    return None;
                }
                touched.push(Touched {
                    value,
                    written: false,
                    sum: false,
                    by_row: false,
                    passed_on: false,
                });
            }
            next = inner.next_in_block();
        }
        Some(touched)
    }

    /// Whether a member adds elements of a row up.
    pub fn has_row_sums(&self) -> bool {
        let mut kinds = self
            .members
            .iter()
            .flat_map(|member| &member.generic.iterators);
        kinds.any(|kind| *kind == Iterator::Reduction)
    }

    /// Whether one loop is better: an array of more than one axis is passed on, of rows long enough.
    pub fn gains(&self, shortest: i64) -> bool {
        self.touched.iter().any(|t| {
            let shape = shape::shape_of(t.value);
            let row: i64 = shape
                .iter()
                .skip(1)
                .map(|d| if *d < 0 { shortest } else { *d })
                .product();
            t.passed_on && shape.len() > 1 && row >= shortest
        })
    }

    /// The buffers that are made before and needed by no other op: a row of them is enough.
    pub fn temporaries(&self) -> Vec<Value<'c, 'a>> {
        let members = self
            .members
            .iter()
            .map(|m| edit::identity(m.op))
            .collect::<Vec<_>>();
        let own = |value: Value<'c, 'a>| {
            edit::uses(value)
                .iter()
                .all(|(op, _)| members.contains(&edit::identity(*op)))
        };
        let values = self
            .touched
            .iter()
            .filter(|t| t.written && !t.sum)
            .map(|t| t.value);
        values
            .filter(|value| made_here(*value) && own(*value))
            .collect()
    }
}

/// Whether a buffer is allocated, or the only view of one that is, with all axes.
fn made_here(value: Value) -> bool {
    let Some(op) = defining_op(value) else {
        return false;
    };
    match edit::name(op) {
        "memref.alloc" => true,
        "memref.subview" => op.operand(0).is_ok_and(|whole| {
            let same_rank = shape::shape_of(whole).len() == shape::shape_of(value).len();
            let alloc = defining_op(whole).is_some_and(|op| edit::name(op) == "memref.alloc");
            let uses = edit::uses(whole).into_iter();
            let views = uses.filter(|(op, _)| edit::name(*op) != "memref.dim");
            same_rank && alloc && views.count() == 1
        }),
        _ => false,
    }
}

/// The sizes of a temporary that are not known when compiling.
fn unknown_sizes<'c: 'a, 'a>(value: Value<'c, 'a>) -> Vec<Value<'c, 'a>> {
    let op = defining_op(value).expect("a temporary is made here");
    let unknown = shape::shape_of(value).iter().filter(|d| **d < 0).count();
    // Those of a view come after its offsets.
    let operands = op.operands().collect::<Vec<_>>();
    operands[operands.len() - unknown..].to_vec()
}

impl<'c, 'a> Touched<'c, 'a> {
    fn copy(&self) -> Self {
        Self { ..*self }
    }
}

/// The arguments of a member's body, for its inputs and outputs.
pub fn body_arguments<'c: 'a, 'a>(member: &Member<'c, 'a>) -> Vec<Value<'c, 'a>> {
    let block = member
        .op
        .region(0)
        .ok()
        .and_then(|region| region.first_block());
    block.map(linalg::arguments).unwrap_or_default()
}
