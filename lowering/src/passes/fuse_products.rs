//! Lets products that pass large arrays on to each other go through the rows together, some rows at a time, so that what
//! is between them stays in the cache: the scores of attention are never in memory as a whole.
//!
//! Before:
//! ```mlir
//! %s = memref.alloc(%b, %t, %t) : memref<?x?x?xf32>
//! linalg.generic {dl.contraction, (b, i, j, d) -> (b, i, d), (b, j, d), (b, i, j)} ins(%q, %k) outs(%s)
//! linalg.generic {(b, i, j) -> (b, i, j), (b, i, j)} ins(%s) outs(%p) { exp }
//! linalg.generic {dl.contraction, (b, i, d, j) -> (b, i, j), (b, j, d), (b, i, d)} ins(%p, %v) outs(%o)
//! ```
//! After:
//! ```mlir
//! %s = memref.alloc(%rows, %t) : memref<?x?xf32>
//! scf.for %b {
//!   scf.for %i = 0 to %t step %rows {
//!     linalg.generic {dl.contraction, (i, j, d) -> (i, d), (j, d), (i, j)} ins(%q[%b, %i], %k[%b]) outs(%s)
//!     …
//! ```
//! *Requires*: bufferised `linalg.generic` and `linalg.fill`. *Ensures*: nothing; it is an optimisation.
//! Products that add up the rows of such an array, as in the gradient of attention, join too, and add to their results block by
//! block; the loop over blocks is then not divided among threads, but each product in it.
//! *Does not*: touch other ops that add rows up, or products whose rows another reads before all are made; divide products that
//! pass on what the second-level cache holds, as each block of rows packs the right operand anew.

use crate::{
    alias::blocks,
    emit::Emitter,
    fuse::Spaces,
    remarks::Remarks,
    rows::{
        Group,
        blocks::{Step, divide},
        groups,
    },
    schedule::{Target, matmul_schedule},
    size::element_bytes,
    walk,
};
use dlc_dialects::{
    ir::{
        edit,
        inspect::{defining_op, identity},
        shape::{self, DYNAMIC},
    },
    pass::{Anchor, PassError, PassInfo},
};
use melior::{
    Context,
    ir::{BlockRef, OperationRef, Value, operation::OperationLike},
};

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "fuse-products",
    summary: "Let products that pass large arrays on go through their rows together",
    anchor: Anchor::Module,
    required: false,
    run,
};

fn run<'c, 'a>(cx: &'c Context, module: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    let target = Target::of(module);
    for func in walk::named(module, "func.func") {
        let pass = Pass {
            cx,
            target: &target,
            spaces: Spaces::of(func),
            remarks: Remarks::of(module),
        };
        let mut around = walk::inside(func);
        around.retain(|op| !edit::name(*op).starts_with("linalg."));
        for op in around.into_iter().chain([func]) {
            for block in blocks(op) {
                pass.block(block);
            }
        }
    }
    Ok(())
}

struct Pass<'x, 'c> {
    cx: &'c Context,
    target: &'x Target,
    spaces: Spaces,
    remarks: Remarks<'c>,
}

impl<'c> Pass<'_, 'c> {
    /// Divides what there is in a block, and tells.
    fn block<'a>(&self, block: BlockRef<'c, 'a>)
    where
        'c: 'a,
    {
        for (group, large) in self.groups(block) {
            let told = self.remarks.group(&group, &self.spaces);
            if self.divide(group, large) {
                self.remarks.tell(told);
            }
        }
    }

    /// The groups of products in a block, each with a large buffer that these pass on.
    fn groups<'a>(&self, block: BlockRef<'c, 'a>) -> Vec<(Group<'c, 'a>, Value<'c, 'a>)>
    where
        'c: 'a,
    {
        let empty = || Group {
            products: true,
            ..Group::default()
        };
        let adds_up = |op, group: &Group<'c, 'a>| self.reads_large(op, group);
        let groups = groups(block, empty, adds_up, &self.spaces).into_iter();
        let groups = groups.filter_map(|group| {
            let products = group.members.iter().filter(|m| m.generic.is_contraction());
            let large = (products.count() > 1).then(|| self.large(&group))??;
            Some((group, large))
        });
        groups.collect()
    }

    /// A buffer that products pass on and that may be larger than the cache.
    fn large<'a>(&self, group: &Group<'c, 'a>) -> Option<Value<'c, 'a>>
    where
        'c: 'a,
    {
        let temporaries = group.temporaries();
        temporaries
            .into_iter()
            .find(|buffer| self.is_large(*buffer))
    }

    fn is_large(&self, buffer: Value) -> bool {
        let sizes = self.spaces.of_buffer(buffer);
        let [.., rows, columns] = &sizes[..] else {
            return false;
        };
        let bytes = element_bytes(shape::element_of(buffer)).unwrap_or(1);
        let known = rows.as_const().zip(columns.as_const());
        match known {
            Some((rows, columns)) => rows * columns * bytes > self.target.l2,
            // Both grow with one dim.
            None => rows == columns,
        }
    }

    /// Whether an op reads a large buffer that the group writes row by row.
    fn reads_large<'a>(&self, op: OperationRef<'c, 'a>, group: &Group<'c, 'a>) -> bool {
        let written = group.touched.iter().filter(|t| t.written);
        let mut large = written.filter(|t| self.is_large(t.value));
        large.any(|t| op.operands().any(|x| identity(x) == identity(t.value)))
    }

    /// Makes a loop of a group, and of those inside of it; `false` if it can't be.
    fn divide<'a>(&self, group: Group<'c, 'a>, large: Value<'c, 'a>) -> bool
    where
        'c: 'a,
    {
        let e = Emitter::before(self.cx, group.members[0].op);
        let rank = shape::shape_of(large).len();
        let step = match rank {
            2 => Step::Block(self.rows(&e, large)),
            _ => Step::One,
        };
        let Some(op) = divide(self.cx, group, step) else {
            return false;
        };
        if rank > 2 {
            for (group, large) in blocks(op).into_iter().flat_map(|block| self.groups(block)) {
                self.divide(group, large);
            }
        }
        true
    }

    /// Rows of which the buffer fills the second-level cache, in whole slivers of a product: fewer would be packed for too
    /// often.
    fn rows<'a>(&self, e: &Emitter<'c, 'a>, buffer: Value<'c, 'a>) -> Value<'c, 'a> {
        let bytes = element_bytes(shape::element_of(buffer)).unwrap_or(4);
        let sliver = matmul_schedule(self.target, 8 * bytes).rows;
        // Asking the buffer for its size would keep it.
        let columns = match shape::shape_of(buffer)[1] {
            DYNAMIC => {
                let alloc = defining_op(buffer).expect("a temporary is allocated");
                let last = alloc.operand(alloc.operand_count() - 1);
                last.expect("an unknown size is an operand")
            }
            known => e.index(known),
        };
        let one = e.index(1);
        let fitting = e.div(
            e.index(self.target.l2 / (bytes * sliver)),
            e.max(columns, one),
        );
        let slivers = e.max(e.min(fitting, e.index(self.target.most_slivers())), one);
        e.mul(slivers, e.index(sliver))
    }
}
