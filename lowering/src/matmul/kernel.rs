//! One kernel: C[M,N] = A B, or C += A B, as a private function of memrefs and sizes.
//!
//! Loops, from the outside: blocks of K, blocks of N (B packed to L2), slivers of rows (A copied to L1), slivers of
//! columns, and the k loop with the tile's accumulators in registers. Where B's rows are contiguous, the first
//! sliver of rows reads B in place and leaves the packed copy behind. Rows that remain below the last full sliver
//! run in the shortest tile that covers them; edges never reach the k loop: rows beyond the last are stale or
//! repeated, columns beyond the last are zeros of the packing, and only what is inside is stored.

use super::{
    contraction::{COLUMN_AXES, SUM_AXES},
    gather, pack, row,
};
use crate::{
    emit::{Emitter, Int},
    schedule::MatmulSchedule,
    tasks::{self, EXECUTOR},
};
use melior::ir::{Type, Value};

/// Which dim of an operand is contiguous.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Layout {
    /// A is stored as K rows of M.
    pub a_by_k: bool,
    /// B is stored as N rows of K.
    pub b_by_n: bool,
    /// The elements of B lie anywhere: it is packed from a list of places of rows and one of columns.
    pub b_scattered: bool,
}

/// What a kernel does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// Any number of rows, in tiles, with packing.
    Tiles,
    /// One row, from memory.
    Row,
}

/// What a kernel is made for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kernel {
    /// Which one.
    pub form: Form,
    /// 32 or 64.
    pub bits: i64,
    /// Storage of A and B.
    pub layout: Layout,
    /// Tiles and blocks.
    pub schedule: MatmulSchedule,
    /// Whether it divides its work among lanes.
    pub parallel: bool,
}

/// The arguments of the kernel function.
#[derive(Clone, Copy)]
pub(super) struct Arguments<'c, 'a> {
    pub a: Value<'c, 'a>,
    pub b: Value<'c, 'a>,
    pub c: Value<'c, 'a>,
    packed: Option<Value<'c, 'a>>,
    /// Sizes and strides of the axes of B, if it is scattered.
    pub axes: Option<Axes<'c, 'a>>,
    pub m: Value<'c, 'a>,
    pub n: Value<'c, 'a>,
    pub k: Value<'c, 'a>,
    pub accumulate: Value<'c, 'a>,
    /// What runs lanes, if there may be several.
    pub executor: Option<Value<'c, 'a>>,
}

/// Types and access of one kernel's values.
pub(super) struct Shape<'c> {
    pub kernel: Kernel,
    pub element: Type<'c>,
    pub vector: Type<'c>,
    pub mask: Type<'c>,
}

/// A block of B and where it stands.
#[derive(Clone, Copy)]
pub(super) struct BlockOfB<'c, 'a> {
    /// First k.
    pub pc: Value<'c, 'a>,
    /// Steps of k.
    pub kb: Value<'c, 'a>,
    /// First column.
    pub jc: Value<'c, 'a>,
    /// Columns.
    pub nb: Value<'c, 'a>,
    /// Slivers, the last perhaps not full.
    pub slivers: Value<'c, 'a>,
}

/// Arguments that say sizes and strides of axes.
pub const AXES: usize = 2 * (COLUMN_AXES + SUM_AXES);

/// The sizes and strides of the axes of the sums, then those of the axes of the columns; outer axes first.
pub type Axes<'c, 'a> = [Value<'c, 'a>; AXES];

type Values<'c, 'a> = Vec<Value<'c, 'a>>;

impl<'c, 'a> Arguments<'c, 'a> {
    /// The packed block of B.
    pub fn packed(&self) -> Value<'c, 'a> {
        self.packed.expect("kernels with tiles have one")
    }
}

impl Kernel {
    /// The function's name.
    pub fn name(&self) -> String {
        let letter = |transposed| if transposed { 't' } else { 'n' };
        let rows = match self.form {
            Form::Tiles => self.schedule.rows,
            Form::Row => 1,
        };
        let b = match self.layout.b_scattered {
            true => 's',
            false => letter(self.layout.b_by_n),
        };
        format!(
            "dlc_matmul_f{}_{}{b}_{rows}x{}",
            self.bits,
            letter(self.layout.a_by_k),
            self.schedule.columns()
        )
    }

    /// Text of the memref type of the matrices: any strides of rows, contiguous within them.
    pub fn matrix(&self) -> String {
        format!("memref<?x?xf{}, strided<[?, 1], offset: ?>>", self.bits)
    }

    /// Text of the memref type of a scattered B: its memory.
    pub fn line(&self) -> String {
        format!("memref<?xf{}, strided<[1], offset: ?>>", self.bits)
    }

    /// Text of the memref type of the packed block, with a number of slivers or `?`.
    pub fn packed(&self, slivers: &str) -> String {
        // One more row keeps the slivers off each other's cache sets.
        let (kc, columns) = (self.schedule.kc + 1, self.schedule.columns());
        format!("memref<{slivers}x{kc}x{columns}xf{}>", self.bits)
    }

    /// Types of the function's arguments: A, B, C, the packed block if there are tiles, M, N, K, whether C is added to,
    /// and what runs lanes.
    pub fn arguments<'c>(&self, e: &Emitter<'c, '_>) -> Vec<Type<'c>> {
        let mut types = vec![e.ty(&self.matrix()); 3];
        if self.layout.b_scattered {
            types[1] = e.ty(&self.line());
        }
        if self.form == Form::Tiles {
            types.push(e.ty(&self.packed("?")));
        }
        if self.layout.b_scattered {
            types.extend(vec![e.index_type(); AXES]);
        }
        types.extend([
            e.index_type(),
            e.index_type(),
            e.index_type(),
            e.int_type(1),
        ]);
        types.extend(self.parallel.then(|| e.ty("!llvm.ptr")));
        types
    }

    /// Emits the function.
    pub fn define(&self, e: &Emitter) {
        let types = self.arguments(e);
        let mut attributes = vec![];
        if self.parallel {
            let others = vec!["{}"; types.len() - 1].join(", ");
            attributes.push(("arg_attrs", e.attr(&format!("[{others}, {{{EXECUTOR}}}]"))));
        }
        e.private_function(&self.name(), &types, &attributes, |e, arguments| {
            let ([a, b, c], rest) = arguments.split_first_chunk().expect("the matrices");
            let (executor, rest) = match (self.parallel, rest.split_last()) {
                (true, Some((executor, rest))) => (Some(*executor), rest),
                _ => (None, rest),
            };
            let (rest, [m, n, k, accumulate]) = rest.split_last_chunk().expect("the sizes");
            let shape = Shape::new(self.clone(), e);
            let arguments = Arguments {
                a: *a,
                b: *b,
                c: *c,
                m: *m,
                n: *n,
                k: *k,
                accumulate: *accumulate,
                executor,
                packed: rest.first().copied(),
                axes: rest.get(1..).and_then(|rest| rest.try_into().ok()),
            };
            match (self.form, self.layout.b_by_n) {
                (Form::Tiles, _) => shape.blocks(e, &arguments),
                (Form::Row, false) => row::by_rows(&shape, e, &arguments),
                (Form::Row, true) => row::by_columns(&shape, e, &arguments),
            }
        });
    }
}

impl<'c> Shape<'c> {
    fn new(kernel: Kernel, e: &Emitter<'c, '_>) -> Self {
        let lanes = kernel.schedule.lanes;
        Self {
            element: e.ty(&format!("f{}", kernel.bits)),
            vector: e.ty(&format!("vector<{lanes}xf{}>", kernel.bits)),
            mask: e.ty(&format!("vector<{lanes}xi1>")),
            kernel,
        }
    }

    pub fn schedule(&self) -> &MatmulSchedule {
        &self.kernel.schedule
    }

    pub fn zero<'a>(&self, e: &Emitter<'c, 'a>) -> Value<'c, 'a> {
        e.constant(
            self.vector,
            e.attr(&format!("dense<0.0> : {}", self.vector)),
        )
    }

    pub fn load<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        from: Value<'c, 'a>,
        at: &[Value<'c, 'a>],
    ) -> Value<'c, 'a> {
        e.op("vector.load", &[&[from], at].concat(), self.vector)
    }

    pub fn store<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        value: Value<'c, 'a>,
        to: Value<'c, 'a>,
        at: &[Value<'c, 'a>],
    ) {
        e.effect("vector.store", &[&[value, to], at].concat(), &[]);
    }

    pub fn masked_load<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        from: Value<'c, 'a>,
        at: &[Value<'c, 'a>],
        mask: Value<'c, 'a>,
    ) -> Value<'c, 'a> {
        let operands = [&[from], at, &[mask, self.zero(e)]].concat();
        e.op("vector.maskedload", &operands, self.vector)
    }

    /// A load, with zeros where a mask is not set.
    pub fn load_where<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        from: Value<'c, 'a>,
        at: &[Value<'c, 'a>],
        mask: Option<Value<'c, 'a>>,
    ) -> Value<'c, 'a> {
        match mask {
            Some(mask) => self.masked_load(e, from, at, mask),
            None => self.load(e, from, at),
        }
    }

    pub fn masked_store<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        value: Value<'c, 'a>,
        to: Value<'c, 'a>,
        at: &[Value<'c, 'a>],
        mask: Value<'c, 'a>,
    ) {
        e.effect(
            "vector.maskedstore",
            &[&[to], at, &[mask, value]].concat(),
            &[],
        );
    }

    /// The mask of the first `count` lanes; counts below 0 and above the lanes are fine.
    pub fn first<'a>(&self, e: &Emitter<'c, 'a>, count: Value<'c, 'a>) -> Value<'c, 'a> {
        e.op("vector.create_mask", &[count], self.mask)
    }

    /// `a·b + c` on vectors.
    pub fn fma<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        a: Value<'c, 'a>,
        b: Value<'c, 'a>,
        c: Value<'c, 'a>,
    ) -> Value<'c, 'a> {
        if self.schedule().fma {
            return e.op("vector.fma", &[a, b, c], self.vector);
        }
        let product = e.op("arith.mulf", &[a, b], self.vector);
        e.op("arith.addf", &[product, c], self.vector)
    }

    fn blocks<'a>(&self, e: &Emitter<'c, 'a>, x: &Arguments<'c, 'a>) {
        let schedule = self.schedule().clone();
        let (kc, nc) = (schedule.kc, schedule.nc);
        let scratch = || Scratch {
            sliver: e.stack(&pack::sliver_type(&self.kernel)),
            tile: e.stack(&format!(
                "memref<{}x{}xf{}>",
                schedule.rows,
                schedule.columns(),
                self.kernel.bits
            )),
        };
        // Where lanes work side by side, each has its own for all rows but the first, whose sliver they share.
        let rest = scratch();
        let first = match self.kernel.parallel {
            true => scratch(),
            false => rest,
        };
        let places = x.axes.map(|_| gather::Tables::new(self, e));
        let lanes = x.executor.map(|executor| tasks::lanes(e, executor));
        // As few blocks of K as possible, of about the same length, in whole cache lines.
        let blocks = e.ceil_div(x.k, kc);
        let even = e.div(
            e.sub(e.add(x.k, blocks), e.index(1)),
            e.op("arith.maxsi", &[blocks, e.index(1)], e.index_type()),
        );
        let even = e.mul(e.ceil_div(even, 16), e.index(16));
        let step = e.op(
            "arith.maxsi",
            &[e.min(even, e.index(kc)), e.index(1)],
            e.index_type(),
        );
        e.for_loop((e.index(0), x.k, step), &[], |e, pc, _| {
            let kb = e.min(e.sub(x.k, pc), step);
            let later = e.cmp(Int::Ne, pc, e.index(0));
            let add = e.op("arith.ori", &[later, x.accumulate], e.int_type(1));
            let x = Arguments {
                accumulate: add,
                ..*x
            };
            e.loop_to(x.n, nc, |e, jc| {
                let nb = e.min(e.sub(x.n, jc), e.index(nc));
                let slivers = e.ceil_div(nb, schedule.columns());
                let block = BlockOfB {
                    pc,
                    kb,
                    jc,
                    nb,
                    slivers,
                };
                match &places {
                    Some(places) => gather::block(self, e, &x, &block, places),
                    None => pack::ahead(self, e, &x, &block),
                }
                if !self.packed_ahead() {
                    self.first_rows(e, &x, &block, &first);
                }
                self.rows(e, &x, &block, &rest, lanes);
            });
            vec![]
        });
    }

    /// Whether all of a block is packed before its rows; else the first sliver of rows leaves it packed.
    fn packed_ahead(&self) -> bool {
        self.kernel.layout.b_by_n || self.kernel.layout.b_scattered
    }

    /// The first sliver of rows against all full slivers of columns, which it reads in place and packs.
    fn first_rows<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        x: &Arguments<'c, 'a>,
        block: &BlockOfB<'c, 'a>,
        scratch: &Scratch<'c, 'a>,
    ) {
        let columns = self.schedule().columns();
        let whole = e.div(block.nb, e.index(columns));
        let i = e.index(0);
        self.by_height(e, x, i, |e, height| {
            pack::rows(self, e, x, block, scratch.sliver, i, height);
            e.parallel_loop((e.index(0), whole, e.index(1)), |e, s| {
                let tile = self.tile(e, block, scratch, (i, s), height);
                let accumulators = self.packing_loop(e, x, block, &tile);
                let left = (e.sub(x.m, i), e.sub(x.n, tile.j));
                self.write(e, x, &tile, &accumulators, scratch.tile, left);
            });
        });
    }

    /// All that the first rows have left, in units of a sliver of rows and, where there are fewer of these than lanes
    /// need to share evenly, a part of the columns.
    fn rows<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        x: &Arguments<'c, 'a>,
        block: &BlockOfB<'c, 'a>,
        scratch: &Scratch<'c, 'a>,
        lanes: Option<Value<'c, 'a>>,
    ) {
        let rows = self.schedule().rows;
        let tall = e.div(x.m, e.index(rows));
        let short = e.index(self.schedule().short_rows);
        let left = e.sub(x.m, e.mul(tall, e.index(rows)));
        let slivers = e.add(tall, e.ceil_div(left, self.schedule().short_rows));
        // The full columns of the first sliver are done.
        let done = |e: &Emitter<'c, 'a>| e.div(block.nb, e.index(self.schedule().columns()));
        let from = |e: &Emitter<'c, 'a>, r: Value<'c, 'a>| match self.packed_ahead() {
            true => e.index(0),
            false => {
                let first = e.cmp(Int::Eq, r, e.index(0));
                e.select(first, done(e), e.index(0))
            }
        };
        let sliver = |e: &Emitter<'c, 'a>, r, (low, high)| {
            let is_tall = e.cmp(Int::Slt, r, tall);
            let i = e.mul(e.min(r, tall), e.index(rows));
            let past = e.max(e.sub(r, tall), e.index(0));
            let i = e.add(i, e.mul(past, short));
            let unit = |e: &Emitter<'c, 'a>, height| {
                self.row_sliver(e, x, block, scratch, (i, (low, high)), height);
                vec![]
            };
            let short = self.schedule().short_rows;
            e.if_else(is_tall, &[], |e| unit(e, rows), |e| unit(e, short));
        };
        let Some(lanes) = lanes else {
            e.loop_to(slivers, 1, |e, r| {
                sliver(e, r, (from(e, r), block.slivers));
            });
            return;
        };
        let wanted = e.mul(lanes, e.index(UNITS_PER_LANE));
        let parts = e.div(wanted, e.max(slivers, e.index(1)));
        let alone = e.cmp(Int::Eq, lanes, e.index(1));
        let parts = e.select(alone, e.index(1), parts);
        let parts = e.max(e.min(parts, block.slivers), e.index(1));
        let length = e.div(e.sub(e.add(block.slivers, parts), e.index(1)), parts);
        let units = e.mul(slivers, parts);
        e.parallel_loop((e.index(0), units, e.index(1)), |e, unit| {
            let r = e.div(unit, parts);
            let part = e.op("arith.remui", &[unit, parts], e.index_type());
            let low = e.mul(part, length);
            let high = e.min(e.add(low, length), block.slivers);
            sliver(e, r, (e.max(low, from(e, r)), high));
        });
    }

    /// What is emitted for a tall sliver of rows where there are rows enough from `i` on, else for a short one.
    fn by_height<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        x: &Arguments<'c, 'a>,
        i: Value<'c, 'a>,
        emit: impl Fn(&Emitter<'c, 'a>, i64),
    ) {
        let [tall, short] = [self.schedule().rows, self.schedule().short_rows];
        let is_tall = e.cmp(Int::Sge, e.sub(x.m, i), e.index(tall));
        let some = e.cmp(Int::Sgt, e.sub(x.m, i), e.index(0));
        e.if_else(
            is_tall,
            &[],
            |e| {
                emit(e, tall);
                vec![]
            },
            |e| {
                e.if_then(some, |e| emit(e, short));
                vec![]
            },
        );
    }

    fn tile<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        block: &BlockOfB<'c, 'a>,
        scratch: &Scratch<'c, 'a>,
        (i, s): (Value<'c, 'a>, Value<'c, 'a>),
        height: i64,
    ) -> Tile<'c, 'a> {
        let j = e.add(block.jc, e.mul(s, e.index(self.schedule().columns())));
        Tile {
            sliver: scratch.sliver,
            i,
            s,
            j,
            height,
        }
    }

    /// One sliver of rows against packed slivers of columns.
    fn row_sliver<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        x: &Arguments<'c, 'a>,
        block: &BlockOfB<'c, 'a>,
        scratch: &Scratch<'c, 'a>,
        (i, (low, high)): (Value<'c, 'a>, (Value<'c, 'a>, Value<'c, 'a>)),
        height: i64,
    ) {
        let some = e.cmp(Int::Slt, low, high);
        e.if_then(some, |e| {
            pack::rows(self, e, x, block, scratch.sliver, i, height);
            e.plain_loop((low, high, e.index(1)), |e, s| {
                let tile = self.tile(e, block, scratch, (i, s), height);
                let accumulators = self.packed_loop(e, x, block, &tile);
                let left = (e.sub(x.m, i), e.sub(x.n, tile.j));
                self.write(e, x, &tile, &accumulators, scratch.tile, left);
            });
        });
    }

    /// One step of k: `columns` are the vectors of B.
    fn step<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        tile: &Tile<'c, 'a>,
        k: Value<'c, 'a>,
        columns: &[Value<'c, 'a>],
        accumulators: &[Value<'c, 'a>],
    ) -> Values<'c, 'a> {
        let mut next = vec![];
        for r in 0..tile.height {
            let at = if self.kernel.layout.a_by_k {
                [tile.sliver, k, e.index(r)]
            } else {
                [tile.sliver, e.index(r), k]
            };
            let scalar = e.op("memref.load", &at, self.element);
            let row = e.op("vector.broadcast", &[scalar], self.vector);
            for column in columns {
                next.push(self.fma(e, row, *column, accumulators[next.len()]));
            }
        }
        next
    }

    fn zeros<'a>(&self, e: &Emitter<'c, 'a>, height: i64) -> Values<'c, 'a> {
        vec![self.zero(e); (height * self.schedule().across) as usize]
    }

    /// First columns of a tile's registers.
    pub fn offsets(&self) -> impl Iterator<Item = i64> + use<> {
        let lanes = self.schedule().lanes;
        (0..self.schedule().across).map(move |v| v * lanes)
    }

    /// The k loop on the packed sliver, in chunks that each prefetch a little of what comes next.
    fn packed_loop<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        x: &Arguments<'c, 'a>,
        block: &BlockOfB<'c, 'a>,
        tile: &Tile<'c, 'a>,
    ) -> Values<'c, 'a> {
        let spread = self.schedule().spread;
        let zeros = self.zeros(e, tile.height);
        if tile.height < self.schedule().rows {
            let steps = (e.index(0), block.kb, e.index(1));
            return e.for_loop(steps, &zeros, |e, k, sums| {
                self.packed_step(e, x, tile, k, sums)
            });
        }
        let chunks = (e.index(0), block.kb, e.index(spread));
        e.for_loop(chunks, &zeros, |e, chunk, sums| {
            self.prefetch_next(e, x, block, tile, chunk);
            let end = e.min(e.add(chunk, e.index(spread)), block.kb);
            let steps = (chunk, end, e.index(1));
            e.for_loop(steps, sums, |e, k, sums| {
                self.packed_step(e, x, tile, k, sums)
            })
        })
    }

    fn packed_step<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        x: &Arguments<'c, 'a>,
        tile: &Tile<'c, 'a>,
        k: Value<'c, 'a>,
        sums: &[Value<'c, 'a>],
    ) -> Values<'c, 'a> {
        let ahead = e.plus(k, self.schedule().prefetch_b);
        let at = |k, offset| [tile.s, k, e.index(offset)];
        let columns: Vec<_> = self
            .offsets()
            .map(|offset| self.load(e, x.packed(), &at(k, offset)))
            .collect();
        if self.schedule().prefetch_b > 0 {
            for offset in self.offsets() {
                self.prefetch(e, x.packed(), &at(ahead, offset), 3);
            }
        }
        self.step(e, tile, k, &columns, sums)
    }

    /// The k loop on B in place, which leaves the packed sliver behind.
    fn packing_loop<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        x: &Arguments<'c, 'a>,
        block: &BlockOfB<'c, 'a>,
        tile: &Tile<'c, 'a>,
    ) -> Values<'c, 'a> {
        let zeros = self.zeros(e, tile.height);
        e.for_loop(
            (e.index(0), block.kb, e.index(1)),
            &zeros,
            |e, k, accumulators| {
                let row = e.add(block.pc, k);
                let ahead = e.plus(row, self.schedule().prefetch_b);
                let mut columns = vec![];
                for offset in self.offsets() {
                    columns.push(self.load(e, x.b, &[row, e.plus(tile.j, offset)]));
                    self.prefetch(e, x.b, &[ahead, e.plus(tile.j, offset)], 3);
                }
                for (column, offset) in columns.iter().zip(self.offsets()) {
                    self.store(e, *column, x.packed(), &[tile.s, k, e.index(offset)]);
                }
                self.step(e, tile, k, &columns, accumulators)
            },
        )
    }
}

/// Units of work for each lane, so that all end at about the same time.
const UNITS_PER_LANE: i64 = 8;

/// Memory on the stack.
#[derive(Clone, Copy)]
struct Scratch<'c, 'a> {
    /// Rows of A.
    sliver: Value<'c, 'a>,
    /// A tile of C at the edge.
    tile: Value<'c, 'a>,
}

/// A tile: rows of the sliver from `i`, columns of sliver `s` from `j`.
pub(super) struct Tile<'c, 'a> {
    pub sliver: Value<'c, 'a>,
    pub i: Value<'c, 'a>,
    pub s: Value<'c, 'a>,
    pub j: Value<'c, 'a>,
    pub height: i64,
}
