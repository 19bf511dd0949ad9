//! Convolutions with windows of 3 × 3 by Winograd's F(2 × 2, 3 × 3), after Lavin and Gray (2015, arXiv:1509.09308), and
//! their gradients by the filters.
//!
//! With g the window of a filter and d the 4 × 4 elements of x under a tile of 2 × 2 results, of each channel,
//! ```text
//! y = Aᵀ [Σ (G g Gᵀ) ⊙ (Bᵀ d B)] A                  dg = Gᵀ [Σ (A dy Aᵀ) ⊙ (Bᵀ d B)] G
//!      1  0  0        1  0 -1  0
//! G =  ½  ½  ½   Bᵀ = 0  1  1  0   Aᵀ = 1  1  1  0
//!      ½ -½  ½        0 -1  1  0        0  1 -1 -1
//!      0  0  1        0  1  0 -1
//! ```
//! where the sum over channels (for y) or over tiles (for dg) is a product of matrices for each of the 16 places of a
//! transformed tile: 16 products instead of 36. The second formula is the first one transposed, as the products are linear
//! in g. The factors of A and B are 0 and ±1, so that the error grows by a small factor only (`docs/src/numerics.md`).
//!
//! Images go in strips of rows of tiles, whose transformed elements stay in a near cache.

pub mod convolution;
pub mod filter_gradient;
pub mod image;
pub mod operands;
pub mod source;

use crate::{
    emit::{Emitter, Int},
    linalg::{self, Access, Generic, Iterator},
    schedule::winograd::{POINTS, WinogradSchedule},
};
use dlc_dialects::ir::shape::{self, DYNAMIC};
use melior::ir::{Attribute, Type, Value, attribute::DenseI64ArrayAttribute};

/// Rows and columns of a tile of results.
pub const TILE: i64 = 2;
/// Those of the elements of x under it, and of what is transformed.
pub const UNDER: usize = 4;
/// Rows and columns of a window.
pub const WINDOW: usize = 3;

/// Types of what a transform holds in registers.
#[derive(Clone, Copy, Debug)]
pub struct Registers<'c> {
    /// Elements of one.
    pub lanes: i64,
    /// The type of an element.
    pub element: Type<'c>,
    /// One register.
    pub one: Type<'c>,
    /// Two, of the columns of one register's tiles.
    pub pair: Type<'c>,
    /// A mask of one.
    pub mask: Type<'c>,
}

impl<'c> Registers<'c> {
    /// Registers of `lanes` elements.
    pub fn new(e: &Emitter<'c, '_>, lanes: i64, element: Type<'c>) -> Self {
        let vector =
            |lanes, element: &dyn std::fmt::Display| e.ty(&format!("vector<{lanes}x{element}>"));
        Self {
            lanes,
            element,
            one: vector(lanes, &element),
            pair: vector(2 * lanes, &element),
            mask: vector(lanes, &"i1"),
        }
    }

    /// The tiles' elements of one row of an image from a column on, under masks: those of even columns, then of odd ones.
    /// Registers are loaded one by one: LLVM 22 takes a mask of two for all lanes of the second where it is the conjunction of
    /// a condition and a constant without them.
    fn load_pair<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        (memory, mut place): (Value<'c, 'a>, [Value<'c, 'a>; 4]),
        columns: usize,
        masks: [Value<'c, 'a>; 2],
    ) -> [Value<'c, 'a>; 2] {
        let zeros = e.attr(&format!("dense<0.0> : {}", self.one));
        let zeros = e.constant(self.one, zeros);
        let halves = masks.map(|mask| {
            let operands = [&[memory], &place[..], &[mask, zeros]].concat();
            place[columns] = e.plus(place[columns], self.lanes);
            e.op("vector.maskedload", &operands, self.one)
        });
        [0, 1].map(|odd| {
            let lanes = (0..self.lanes).map(|lane| 2 * lane + odd);
            let lanes = DenseI64ArrayAttribute::new(e.context(), &lanes.collect::<Vec<_>>());
            let attributes = [("mask", lanes.into())];
            e.op_with("vector.shuffle", &halves, self.one, &attributes)
        })
    }

    /// Masks of two registers' lanes before a column.
    fn before<'a>(&self, e: &Emitter<'c, 'a>, column: Value<'c, 'a>) -> [Value<'c, 'a>; 2] {
        [0, self.lanes].map(|lane| {
            let left = e.plus(column, -lane);
            e.op("vector.create_mask", &[left], self.mask)
        })
    }

    /// Masks where a condition holds.
    fn only_if<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        condition: Value<'c, 'a>,
        masks: [Value<'c, 'a>; 2],
    ) -> [Value<'c, 'a>; 2] {
        let condition = e.op("vector.broadcast", &[condition], self.mask);
        masks.map(|mask| e.op("arith.andi", &[mask, condition], self.mask))
    }
}

/// Rows of tiles that are treated together, counted through all images.
struct Strip<'c, 'a> {
    /// The first row.
    from: Value<'c, 'a>,
    /// Rows.
    rows: Value<'c, 'a>,
    /// Rows of an image.
    down: Value<'c, 'a>,
    /// Tiles of a row.
    across: Value<'c, 'a>,
}

impl<'c, 'a> Strip<'c, 'a> {
    /// Loops over its rows.
    fn over_rows(&self, e: &Emitter<'c, 'a>, body: impl FnOnce(&Emitter<'c, 'a>, &Row<'c, 'a>)) {
        let (zero, one) = (e.index(0), e.index(1));
        let first = [
            e.div(self.from, self.down),
            e.op("arith.remui", &[self.from, self.down], e.index_type()),
        ];
        e.for_loop((zero, self.rows, one), &first, |e, number, place| {
            let [image, row] = [place[0], place[1]];
            let (across, begin) = (self.across, e.mul(number, self.across));
            body(
                e,
                &Row {
                    image,
                    row,
                    across,
                    begin,
                },
            );
            let next = e.add(row, one);
            let inside = e.cmp(Int::Slt, next, self.down);
            vec![
                e.select(inside, image, e.add(image, one)),
                e.select(inside, next, zero),
            ]
        });
    }

    /// Its tiles.
    fn tiles(&self, e: &Emitter<'c, 'a>) -> Value<'c, 'a> {
        e.mul(self.rows, self.across)
    }
}

/// A row of tiles of an image.
#[derive(Clone, Copy)]
pub struct Row<'c, 'a> {
    /// The image.
    pub image: Value<'c, 'a>,
    /// The row's number in the image, in tiles.
    pub row: Value<'c, 'a>,
    /// Tiles of a row.
    pub across: Value<'c, 'a>,
    /// The place of the first among all transformed tiles.
    pub begin: Value<'c, 'a>,
}

impl<'c, 'a> Row<'c, 'a> {
    /// Loops over its tiles in registers: the body gets the first one's column in the image, in tiles, and its place.
    fn over_tiles(
        &self,
        e: &Emitter<'c, 'a>,
        registers: &Registers<'c>,
        body: impl FnOnce(&Emitter<'c, 'a>, Value<'c, 'a>, Value<'c, 'a>),
    ) {
        e.loop_to(self.across, registers.lanes, |e, column| {
            body(e, column, e.add(self.begin, column));
        });
    }
}

/// Transformed tiles, by place, channel or filter, and tile.
#[derive(Clone, Copy)]
pub struct Tiles<'c, 'a> {
    memory: Value<'c, 'a>,
    /// Channels or filters.
    rows: i64,
}

impl<'c, 'a> Tiles<'c, 'a> {
    /// Memory for them, `room` for each row. Odd numbers of rows and of registers in them keep the places, which are
    /// written together, off each other's cache sets.
    pub fn new(e: &Emitter<'c, 'a>, element: Type<'c>, rows: i64, room: Value<'c, 'a>) -> Self {
        let ty = format!("memref<{POINTS}x{}x?x{element}>", rows | 1);
        Self {
            memory: e.alloc(&[room], &ty),
            rows,
        }
    }

    /// The first `tiles` of each row.
    fn first(&self, e: &Emitter<'c, 'a>, tiles: Value<'c, 'a>) -> Value<'c, 'a> {
        let (rows, element) = (self.rows, shape::element_of(self.memory));
        let ty = format!("memref<{POINTS}x{rows}x?x{element}, strided<[?, ?, 1]>>");
        let sizes = format!("array<i64: {POINTS}, {rows}, {DYNAMIC}>");
        let attributes = [
            ("operandSegmentSizes", e.attr("array<i32: 1, 0, 1, 0>")),
            ("static_offsets", e.attr("array<i64: 0, 0, 0>")),
            ("static_sizes", e.attr(&sizes)),
            ("static_strides", e.attr("array<i64: 1, 1, 1>")),
        ];
        let operands = [self.memory, tiles];
        e.op_with("memref.subview", &operands, e.ty(&ty), &attributes)
    }

    /// Stores a register of a place.
    fn store(
        &self,
        e: &Emitter<'c, 'a>,
        value: Value<'c, 'a>,
        place: [usize; 2],
        at: [Value<'c, 'a>; 2],
    ) {
        let operands = [value, self.memory, point(e, place), at[0], at[1]];
        e.effect("vector.store", &operands, &[]);
    }

    /// A register of a place.
    fn load(
        &self,
        e: &Emitter<'c, 'a>,
        register: Type<'c>,
        place: [usize; 2],
        at: [Value<'c, 'a>; 2],
    ) -> Value<'c, 'a> {
        let operands = [self.memory, point(e, place), at[0], at[1]];
        e.op("vector.load", &operands, register)
    }
}

/// Room for so many tiles, or for one row of an image if it has more. Rows of images are written in whole registers, of
/// which the last goes beyond.
fn room<'c, 'a>(
    e: &Emitter<'c, 'a>,
    schedule: &WinogradSchedule,
    across: Value<'c, 'a>,
) -> Value<'c, 'a> {
    let registers = (schedule.tiles - 1) / (2 * schedule.lanes) * 2 + 3;
    let several = e.index(registers * schedule.lanes);
    e.max(several, e.plus(across, schedule.lanes))
}

/// The number of a place in a transformed tile.
fn point<'c, 'a>(e: &Emitter<'c, 'a>, [row, column]: [usize; 2]) -> Value<'c, 'a> {
    e.index((row * UNDER + column) as i64)
}

/// T s Tᵀ, for a transform T of N values to M: `row` gives the rows of s, and `found` takes the values by row and column as
/// they come up, so that few are alive at a time.
fn both_ways<'c, 'a, const N: usize, const M: usize>(
    row: impl Fn(usize) -> [Value<'c, 'a>; N],
    transform: impl Fn([Value<'c, 'a>; N]) -> [Value<'c, 'a>; M],
    mut found: impl FnMut([usize; 2], Value<'c, 'a>),
) {
    let rows: [_; N] = std::array::from_fn(|i| transform(row(i)));
    for column in 0..M {
        let values = transform(rows.map(|row| row[column]));
        for (row, value) in values.into_iter().enumerate() {
            found([row, column], value);
        }
    }
}

/// Adds the products of all places to `sums`: of loops (place, row, column, what is summed over).
fn multiply<'c, 'a>(
    e: &Emitter<'c, 'a>,
    inputs: [(Value<'c, 'a>, [usize; 3]); 2],
    sums: Value<'c, 'a>,
) {
    let access = |value, loops: [usize; 3]| Access {
        value,
        loops: loops.to_vec(),
    };
    let product = Generic {
        iterators: vec![
            Iterator::Parallel,
            Iterator::Parallel,
            Iterator::Parallel,
            Iterator::Reduction,
        ],
        inputs: inputs.map(|(value, loops)| access(value, loops)).to_vec(),
        outputs: vec![access(sums, [0, 1, 2])],
        attributes: vec![(linalg::CONTRACTION, Attribute::unit(e.context()))],
    };
    let element = shape::element_of(sums);
    product.build(e, |e, arguments| {
        let product = e.op("arith.mulf", &arguments[..2], element);
        vec![e.op("arith.addf", &[arguments[2], product], element)]
    });
}

/// Fills memory with zeros.
fn zero<'c, 'a>(e: &Emitter<'c, 'a>, memory: Value<'c, 'a>) {
    let element = shape::element_of(memory);
    let zero = e.constant(element, e.attr(&format!("0.0 : {element}")));
    linalg::fill_memory(e, zero, memory);
}
