//! One kernel: C[M,N] = A B, or C += A B, as a private function of memrefs and sizes.
//!
//! Loops, from the outside: blocks of K, blocks of N (B packed to L2), slivers of rows (A copied to L1), slivers of
//! columns, and the k loop with the tile's accumulators in registers. Where B's rows are contiguous and few rows of A
//! share them, B is read in place; where C has one sliver of columns, A is. Rows that remain below the last full sliver
//! run in the shortest tile that covers them; edges never reach the k loop: rows beyond the last are stale or
//! repeated, columns beyond the last are zeros of the packing, and only what is inside is stored.

use super::{
    access::Source,
    blocks::BlockOfB,
    contraction::{COLUMN_AXES, Contraction, SUM_AXES},
    dot::Dot,
    gather,
    numbers::{Number, Numbers},
    row,
};
use crate::{
    emit::{Emitter, Int},
    schedule::{MatmulSchedule, Target},
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
    /// The same of some rows and one block of B: the code around it does something with what is finished.
    Band,
    /// One row, from memory.
    Row,
}

/// What a kernel is made for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kernel {
    /// Which one.
    pub form: Form,
    /// Types of the elements.
    pub numbers: Numbers,
    /// What multiplies words of several numbers, if steps of k are words.
    pub dot: Option<Dot>,
    /// Storage of A and B.
    pub layout: Layout,
    /// Rows of A become columns of their copy, so that a step of k reads the elements of its tile side by side. Pays
    /// where enough tiles read the copy.
    pub turn_a: bool,
    /// Tiles and blocks.
    pub schedule: MatmulSchedule,
}

/// The arguments of the kernel function.
#[derive(Clone, Copy)]
pub(super) struct Arguments<'c, 'a> {
    pub a: Source<'c, 'a>,
    pub b: Source<'c, 'a>,
    pub c: Value<'c, 'a>,
    pub packed: Option<Value<'c, 'a>>,
    /// Sizes and strides of the axes of B, if it is scattered.
    pub axes: Option<Axes<'c, 'a>>,
    /// The column of a scattered B that is C's first.
    pub first: Option<Value<'c, 'a>>,
    pub m: Value<'c, 'a>,
    pub n: Value<'c, 'a>,
    /// Steps of the sums.
    pub k: Value<'c, 'a>,
    /// Numbers of the sums: as many where steps are not words.
    pub depth: Value<'c, 'a>,
    pub accumulate: Value<'c, 'a>,
    /// Whether so few rows share a block of B that it is read where it stands, but for columns that fill no tile.
    pub in_place: Value<'c, 'a>,
}

/// Types and access of one kernel's values.
pub(super) struct Shape<'c> {
    pub kernel: Kernel,
    pub element: Type<'c>,
    pub vector: Type<'c>,
    pub mask: Type<'c>,
}

/// Arguments that say sizes and strides of axes.
pub const AXES: usize = 2 * (COLUMN_AXES + SUM_AXES);

/// Arguments that say which band it is.
const BAND: usize = 6;

/// The sizes and strides of the axes of the sums, then those of the axes of the columns; outer axes first.
pub type Axes<'c, 'a> = [Value<'c, 'a>; AXES];

type Values<'c, 'a> = Vec<Value<'c, 'a>>;

/// What a step of k does with the sums.
type OnStep<'f, 'c, 'a> =
    &'f dyn Fn(&Emitter<'c, 'a>, Value<'c, 'a>, &[Value<'c, 'a>]) -> Values<'c, 'a>;

impl<'c, 'a> Arguments<'c, 'a> {
    /// The packed block of B.
    pub fn packed(&self) -> Value<'c, 'a> {
        self.packed.expect("kernels with tiles have one")
    }
}

impl Kernel {
    /// The kernel of a form for a contraction, with a schedule that its sizes may change.
    pub fn of(x: &Contraction, form: Form, schedule: &MatmulSchedule, target: &Target) -> Self {
        let kernel = |schedule: MatmulSchedule| Self {
            form,
            numbers: x.numbers,
            dot: match form {
                Form::Row => None,
                _ if x.layout.b_scattered => None,
                _ => Dot::of(target, x.numbers),
            },
            layout: x.layout,
            turn_a: form != Form::Row && !x.layout.a_by_k && schedule.turns_a(x.sizes.n),
            schedule,
        };
        let one_sliver = kernel(schedule.for_sizes(x.sizes));
        match one_sliver.a_in_place() {
            true => kernel(one_sliver.schedule.long(target, x.sizes)),
            false => kernel(schedule.clone()),
        }
    }

    /// The function's name.
    pub fn name(&self) -> String {
        let letter = |transposed| if transposed { 't' } else { 'n' };
        let rows = match self.form {
            Form::Tiles | Form::Band => self.schedule.rows,
            Form::Row => 1,
        };
        let b = match self.layout.b_scattered {
            true => 's',
            false => letter(self.layout.b_by_n),
        };
        let long = match self.a_in_place() {
            true => format!("_by{}", self.schedule.kc),
            false => String::new(),
        };
        format!(
            "dlc_matmul_{}_{}{b}_{rows}x{}{}{}{long}{}",
            self.numbers,
            letter(self.layout.a_by_k),
            self.schedule.columns(),
            if self.turn_a { "_turned" } else { "" },
            if self.dot.is_some() { "_dot" } else { "" },
            if self.form == Form::Band { "_band" } else { "" },
        )
    }

    /// Whether rows of A are read where they stand: one tile alone reads them, which takes them as they are.
    pub fn a_in_place(&self) -> bool {
        let as_they_are = self.numbers.a == self.numbers.sum && self.dot.is_none();
        let one_sliver = self.schedule.slivers() == 1 && self.form != Form::Row;
        one_sliver && !self.layout.a_by_k && as_they_are
    }

    /// Whether the copy of a sliver of A has its elements by k.
    pub fn sliver_by_k(&self) -> bool {
        self.layout.a_by_k || self.turn_a
    }

    /// Bits of what is multiplied and summed.
    pub fn bits(&self) -> i64 {
        self.numbers.sum.bits
    }

    /// Text of the memref type of a matrix: any strides of rows, contiguous within them.
    pub fn matrix(&self, number: Number) -> String {
        format!("memref<?x?x{}, strided<[?, 1], offset: ?>>", number.ty())
    }

    /// Text of the memref type of a scattered B: its memory.
    pub fn line(&self) -> String {
        format!("memref<?x{}, strided<[1], offset: ?>>", self.numbers.b.ty())
    }

    /// Text of the memref type of the packed block, with a number of slivers or `?`.
    pub fn packed(&self, slivers: &str) -> String {
        // One more row keeps the slivers off each other's cache sets.
        let (kc, columns) = (self.schedule.kc + 1, self.schedule.columns());
        format!("memref<{slivers}x{kc}x{columns}x{}>", self.numbers.sum.ty())
    }

    /// Types of the function's arguments: A, B, C, the packed block if there are tiles, for a scattered B its axes and
    /// its first column, M, N, K, and whether C is added to; for a band where it begins in K, N and M, and how much of M,
    /// N and K there is of it.
    pub fn arguments<'c>(&self, e: &Emitter<'c, '_>) -> Vec<Type<'c>> {
        let Numbers { a, b, sum } = self.numbers;
        let mut types = [a, b, sum]
            .map(|number| e.ty(&self.matrix(number)))
            .to_vec();
        if self.layout.b_scattered {
            types[1] = e.ty(&self.line());
        }
        if self.form != Form::Row {
            types.push(e.ty(&self.packed("?")));
        }
        if self.layout.b_scattered {
            types.extend(vec![e.index_type(); AXES + 1]);
        }
        types.extend([
            e.index_type(),
            e.index_type(),
            e.index_type(),
            e.int_type(1),
        ]);
        if self.form == Form::Band {
            types.extend(vec![e.index_type(); BAND]);
        }
        types
    }

    /// Emits the function.
    pub fn define(&self, e: &Emitter) {
        e.private_function(&self.name(), &self.arguments(e), &[], |e, arguments| {
            let ([a, b, c], rest) = arguments.split_first_chunk().expect("the matrices");
            let band = if self.form == Form::Band { BAND } else { 0 };
            let (rest, band) = rest.split_at(rest.len() - band);
            let (rest, [m, n, k, accumulate]) = rest.split_last_chunk().expect("the sizes");
            let shape = Shape::new(self.clone(), e);
            let [a, b] = shape.sources([*a, *b]);
            let in_place = match self.dot {
                Some(_) => e.constant(e.int_type(1), e.attr("false")),
                None => e.cmp(Int::Sle, *m, e.index(self.schedule.rows_in_place)),
            };
            let arguments = Arguments {
                a,
                b,
                c: *c,
                m: *m,
                n: *n,
                k: self.steps(e, *k),
                depth: *k,
                accumulate: *accumulate,
                in_place,
                packed: rest.first().copied(),
                axes: rest.get(1..1 + AXES).and_then(|rest| rest.try_into().ok()),
                first: rest.get(1 + AXES).copied(),
            };
            match (self.form, band) {
                (Form::Band, &[pc, jc, from, count, nb, kb]) => {
                    let block = BlockOfB { pc, kb, jc, nb };
                    shape.band(e, &arguments, &block, (from, count));
                }
                (Form::Row, _) if self.layout.b_by_n => row::by_columns(&shape, e, &arguments),
                (Form::Row, _) => row::by_rows(&shape, e, &arguments),
                _ => shape.blocks(e, &arguments),
            }
        });
    }
}

impl<'c> Shape<'c> {
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
            let at = match &tile.a {
                RowsOfA::Sliver(sliver) if self.kernel.sliver_by_k() => [*sliver, k, e.index(r)],
                RowsOfA::Sliver(sliver) => [*sliver, e.index(r), k],
                RowsOfA::InPlace(a, rows, pc) => [*a, rows[r as usize], e.add(*pc, k)],
            };
            let scalar = self.scalar(e, at[0], &at[1..]);
            let row = e.op("vector.broadcast", &[scalar], self.vector);
            for column in columns {
                next.push(self.fma(e, row, *column, accumulators[next.len()]));
            }
        }
        next
    }

    /// What the sums of a tile begin with.
    fn start<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        x: &Arguments<'c, 'a>,
        tile: &Tile<'c, 'a>,
    ) -> Values<'c, 'a> {
        self.first_sums(e, x, tile.s).repeat(tile.height as usize)
    }

    /// First columns of a tile's registers.
    pub fn offsets(&self) -> impl Iterator<Item = i64> + use<> {
        let lanes = self.schedule().lanes;
        (0..self.schedule().across).map(move |v| v * lanes)
    }

    /// The k loop on the packed sliver, in chunks that each prefetch a little of what comes next.
    pub(super) fn packed_loop<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        x: &Arguments<'c, 'a>,
        block: &BlockOfB<'c, 'a>,
        tile: &Tile<'c, 'a>,
    ) -> Values<'c, 'a> {
        let spread = self.schedule().spread;
        let zeros = self.start(e, x, tile);
        let step =
            |e: &Emitter<'c, 'a>, k, sums: &[Value<'c, 'a>]| self.packed_step(e, x, tile, k, sums);
        if tile.height < self.schedule().rows {
            return self.steps(e, block.kb, &zeros, &step);
        }
        let whole = e.mul(e.div(block.kb, e.index(spread)), e.index(spread));
        let chunks = (e.index(0), whole, e.index(spread));
        let sums = e.for_loop(chunks, &zeros, |e, chunk, sums| {
            self.prefetch_next(e, x, block, tile, chunk);
            let end = e.plus(chunk, spread);
            self.by_several(e, (chunk, end), sums, &step)
        });
        let left = (whole, block.kb, e.index(1));
        e.for_loop(left, &sums, step)
    }

    /// The k loop on packed bf16: with the instruction for it if no subnormal number comes of it.
    pub(super) fn bfloats_loop<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        x: &Arguments<'c, 'a>,
        block: &BlockOfB<'c, 'a>,
        tile: &Tile<'c, 'a>,
        large: Value<'c, 'a>,
    ) -> Values<'c, 'a> {
        let noted = self.is_noted_large(e, x, tile.s);
        let large = e.op("arith.andi", &[large, noted], e.int_type(1));
        let sums = self.start(e, x, tile);
        let kernel = Kernel {
            dot: Some(Dot::WidenedBfloats),
            ..self.kernel.clone()
        };
        let widened = Self::new(kernel, e);
        let types = vec![self.vector; sums.len()];
        let one_by_one = |e: &Emitter<'c, 'a>| {
            let steps = (e.index(0), block.kb, e.index(1));
            e.for_loop(steps, &sums, |e, k, sums| {
                widened.packed_step(e, x, tile, k, sums)
            })
        };
        let by_pairs = |e: &Emitter<'c, 'a>| self.packed_loop(e, x, block, tile);
        e.if_else(large, &types, by_pairs, one_by_one)
    }

    /// `count` steps of k.
    fn steps<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        count: Value<'c, 'a>,
        sums: &[Value<'c, 'a>],
        step: OnStep<'_, 'c, 'a>,
    ) -> Values<'c, 'a> {
        let several = e.index(self.schedule().unroll);
        let whole = e.mul(e.div(count, several), several);
        let sums = self.by_several(e, (e.index(0), whole), sums, step);
        e.for_loop((whole, count, e.index(1)), &sums, step)
    }

    /// Steps of k from one to another, a multiple of what a round takes: what a loop computes for itself is paid for
    /// once for several steps.
    fn by_several<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        (from, to): (Value<'c, 'a>, Value<'c, 'a>),
        sums: &[Value<'c, 'a>],
        step: OnStep<'_, 'c, 'a>,
    ) -> Values<'c, 'a> {
        let unroll = self.schedule().unroll;
        e.for_loop((from, to, e.index(unroll)), sums, |e, k, sums| {
            (0..unroll).fold(sums.to_vec(), |sums, i| step(e, e.plus(k, i), &sums))
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

    /// The k loop on B in place.
    pub(super) fn direct_loop<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        x: &Arguments<'c, 'a>,
        block: &BlockOfB<'c, 'a>,
        tile: &Tile<'c, 'a>,
        places: Option<&gather::Tables<'c, 'a>>,
    ) -> Values<'c, 'a> {
        let zeros = self.start(e, x, tile);
        self.steps(e, block.kb, &zeros, &|e, k, sums| {
            let columns: Values = match places {
                Some(places) => {
                    let place = places.place(self, e, k, tile.s);
                    let load = |offset| self.load(e, x.b, &[e.plus(place, offset)]);
                    self.offsets().map(load).collect()
                }
                None => {
                    let row = e.add(block.pc, k);
                    let ahead = e.plus(row, self.schedule().prefetch_b);
                    let load = |offset| {
                        let column = e.plus(tile.j, offset);
                        self.prefetch(e, x.b.memref, &[ahead, column], 3);
                        self.load(e, x.b, &[row, column])
                    };
                    self.offsets().map(load).collect()
                }
            };
            self.step(e, tile, k, &columns, sums)
        })
    }
}

/// Where a tile reads its rows of A.
#[derive(Clone)]
pub(super) enum RowsOfA<'c, 'a> {
    /// In their copy.
    Sliver(Value<'c, 'a>),
    /// In A: its memory, the rows, of which those beyond the last repeat it, and the first k.
    InPlace(Value<'c, 'a>, Vec<Value<'c, 'a>>, Value<'c, 'a>),
}

/// A tile: rows of A from `i`, columns of sliver `s` from `j`.
pub(super) struct Tile<'c, 'a> {
    pub a: RowsOfA<'c, 'a>,
    pub i: Value<'c, 'a>,
    pub s: Value<'c, 'a>,
    pub j: Value<'c, 'a>,
    pub height: i64,
}
