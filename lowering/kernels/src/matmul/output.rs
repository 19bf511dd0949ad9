//! What becomes of sums: they go through shared memory, a band of a tile's rows at a time, so that neighbouring threads have
//! neighbouring elements of a row, whatever program they come from.

use super::{bytes_after, pack, unpack};
use crate::program::{Callee, Element, Matrix, Storage};
use crate::text::{Function, Value};

/// Calls between which what they read and write need not be in order.
const CALLS_AT_ONCE: i64 = 8;

/// What the sums begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Start {
    /// C = A B.
    Zero,
    /// C = C + A B: the old C is added to the sums at the end.
    Result,
}

/// Where results go.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Output {
    /// To a matrix by rows, rounded to the nearest. One by columns is that of the product B' A'.
    Store {
        /// What it holds.
        element: Element,
        /// What the sums begin with.
        start: Start,
    },
    /// To a function `(sum, i: index, j: index, captured…)`, which is called once for each element.
    Call(Callee),
}

/// Parameters for results.
pub(super) enum Target {
    Matrix(Matrix, Start),
    Callee(String, Vec<Value>),
}

/// Where a tile is: its first row and column, `i64`, and how many of its rows and columns are inside, `i32`.
pub(super) struct Place {
    pub row: Value,
    pub column: Value,
    pub rows_left: Value,
    pub columns_left: Value,
    /// N, `i64`.
    pub columns: Value,
}

/// Rows of sums in shared memory.
pub(super) struct Band {
    pub shared: Value,
    pub rows: i64,
    pub columns: i64,
    /// From one row to the next, in elements.
    pub pitch: i64,
    pub sum: Element,
    pub threads: i64,
}

impl Output {
    pub(super) fn parameters(&self, f: &mut Function) -> Target {
        match self {
            Self::Store { element, start } => {
                let c = Matrix::parameter(f, *element);
                Target::Matrix(Matrix::new(f, &c, *element, Storage::Rows), *start)
            }
            Self::Call(callee) => {
                let captured = callee.captured.iter().map(|ty| f.parameter(ty));
                Target::Callee(callee.name.clone(), captured.collect())
            }
        }
    }
}

/// Whether threads and elements of a band come out even.
pub(super) fn is_even(rows: i64, columns: i64, threads: i64) -> bool {
    // Elements of 2 bytes are stored 8 at a time.
    rows * columns % (threads * CALLS_AT_ONCE.max(8)) == 0 && columns % 8 == 0
}

/// An element, or the first of several, in a band.
struct Spot {
    row: Value,
    column: Value,
}

impl Band {
    /// Gives the band to where results go; `first` is its first row in the tile.
    pub fn give(&self, f: &mut Function, first: i64, place: &Place, target: &Target) {
        let start = f.with("arith.addi", &place.row, first);
        let rows_left = f.with("arith.subi", &place.rows_left, first);
        let place = Place {
            row: start,
            column: place.column.clone(),
            rows_left,
            columns_left: place.columns_left.clone(),
            columns: place.columns.clone(),
        };
        match target {
            Target::Matrix(c, start) => self.store(f, &place, (c, *start)),
            Target::Callee(name, captured) => self.call(f, &place, (name, captured)),
        }
    }

    /// The element, or group of `width`, of this thread in a round.
    fn spot(&self, f: &mut Function, round: &Value, width: i64) -> Spot {
        let thread = f.thread();
        let before = f.with("arith.muli", round, self.threads);
        let number = f.add(&before, &thread);
        let row = f.with("arith.divui", &number, self.columns / width);
        let column = f.with("arith.remui", &number, self.columns / width);
        let column = f.with("arith.muli", &column, width);
        Spot { row, column }
    }

    fn sums(&self, f: &mut Function, spot: &Spot, width: i64) -> Vec<Value> {
        let start = f.with("arith.muli", &spot.row, self.pitch);
        let index = f.add(&start, &spot.column);
        let bytes = self.sum.bytes();
        let at_once = width.min(16 / bytes);
        let mut sums = vec![];
        for first in (0..width).step_by(at_once as usize) {
            let index = f.with("arith.addi", &index, first);
            let from = f.place(&self.shared, self.sum.stored(), &index);
            match at_once {
                1 => sums.push(f.load(&from, self.sum.ty(), bytes)),
                _ => {
                    let ty = format!("vector<{at_once}x{}>", self.sum.ty());
                    let vector = f.load(&from, &ty, at_once * bytes);
                    sums.extend(unpack(f, &vector, at_once));
                }
            }
        }
        sums
    }

    fn is_inside(&self, f: &mut Function, spot: &Spot, place: &Place) -> Value {
        let is_row = f.cmp("slt", &spot.row, &place.rows_left);
        let is_column = f.cmp("slt", &spot.column, &place.columns_left);
        f.and(&is_row, &is_column)
    }

    fn position(&self, f: &mut Function, spot: &Spot, place: &Place) -> [Value; 2] {
        let row = f.cast("arith.extsi", &spot.row, "i64");
        let column = f.cast("arith.extsi", &spot.column, "i64");
        [f.add(&place.row, &row), f.add(&place.column, &column)]
    }

    /// Runs code for each round of elements by themselves.
    fn rounds(&self, f: &mut Function, body: impl FnOnce(&mut Function, &Value)) {
        let zero = f.i32(0);
        let one = f.i32(1);
        let rounds = f.i32(self.rows * self.columns / self.threads);
        f.each([&zero, &rounds, &one], &[], |f, round, _| {
            body(f, round);
            vec![]
        });
    }

    fn store(&self, f: &mut Function, place: &Place, (c, start): (&Matrix, Start)) {
        let width = 16 / c.element.bytes();
        let is_aligned = c.is_aligned(f, 16);
        let rest = f.with("arith.remui", &place.columns, width);
        let zero = f.int(0, "i64");
        let is_even = f.cmp("eq", &rest, &zero);
        let is_wide = f.and(&is_aligned, &is_even);
        f.choose(
            &is_wide,
            &[],
            |f| {
                self.store_wide(f, place, (c, start));
                vec![]
            },
            |f| {
                self.rounds(f, |f, round| {
                    let spot = self.spot(f, round, 1);
                    let is_inside = self.is_inside(f, &spot, place);
                    f.when(&is_inside, |f| {
                        let [row, column] = self.position(f, &spot, place);
                        let to = c.place(f, &row, &column);
                        let sums = self.sums(f, &spot, 1);
                        let old = match start {
                            Start::Zero => None,
                            Start::Result => {
                                Some(f.load(&to, c.element.stored(), c.element.bytes()))
                            }
                        };
                        let value = self.result(f, &sums[0], old.as_ref(), c.element);
                        f.store(&value, &to, c.element.bytes());
                    });
                });
                vec![]
            },
        );
    }

    /// The sum, to which what was there is added, as it is stored.
    fn result(&self, f: &mut Function, sum: &Value, old: Option<&Value>, to: Element) -> Value {
        let mut sum = sum.clone();
        if let Some(old) = old {
            let old = to.widen(f, old, self.sum);
            let op = match self.sum.is_float() {
                true => "arith.addf",
                false => "arith.addi",
            };
            sum = f.same(op, &[&old, &sum]);
        }
        to.narrow(f, &sum, self.sum)
    }

    /// Stores of 16 bytes. What rows hold is a multiple of that.
    fn store_wide(&self, f: &mut Function, place: &Place, (c, start): (&Matrix, Start)) {
        let width = 16 / c.element.bytes();
        let vector = format!("vector<{width}x{}>", c.element.stored());
        // Before the band where none of its rows is inside.
        let last_row = f.with("arith.subi", &place.rows_left, 1);
        let last_column = f.with("arith.subi", &place.columns_left, width);
        let mut stores = vec![];
        for round in 0..self.rows * self.columns / width / self.threads {
            let round = f.i32(round);
            let spot = self.spot(f, &round, width);
            let sums = self.sums(f, &spot, width);
            let old = match start {
                Start::Zero => None,
                Start::Result => {
                    // Near places are read where nothing is, so that nothing waits for branches.
                    let near = Spot {
                        row: f.min(&spot.row, &last_row),
                        column: f.min(&spot.column, &last_column),
                    };
                    let [row, column] = self.position(f, &near, place);
                    let from = c.place(f, &row, &column);
                    let old = f.load(&from, &vector, 16);
                    Some(unpack(f, &old, width))
                }
            };
            stores.push((spot, sums, old));
        }
        for (spot, sums, old) in stores {
            let is_inside = self.is_inside(f, &spot, place);
            f.when(&is_inside, |f| {
                let mut values = vec![];
                for (at, sum) in sums.iter().enumerate() {
                    let old = old.as_ref().map(|old| &old[at]);
                    values.push(self.result(f, sum, old, c.element));
                }
                let [row, column] = self.position(f, &spot, place);
                let to = c.place(f, &row, &column);
                let vector = pack(f, &values);
                f.store(&vector, &to, 16);
            });
        }
    }

    fn call(&self, f: &mut Function, place: &Place, callee: (&str, &[Value])) {
        let rows = f.i32(self.rows);
        let has_rows = f.cmp("sge", &place.rows_left, &rows);
        let columns = f.i32(self.columns);
        let has_columns = f.cmp("sge", &place.columns_left, &columns);
        let is_whole = f.and(&has_rows, &has_columns);
        f.choose(
            &is_whole,
            &[],
            |f| {
                let zero = f.i32(0);
                let step = f.i32(CALLS_AT_ONCE);
                let rounds = f.i32(self.rows * self.columns / self.threads);
                f.each([&zero, &rounds, &step], &[], |f, round, _| {
                    let mut calls = vec![];
                    for at in 0..CALLS_AT_ONCE {
                        let round = f.with("arith.addi", round, at);
                        let spot = self.spot(f, &round, 1);
                        calls.push((self.sums(f, &spot, 1), spot));
                    }
                    for (sums, spot) in calls {
                        self.call_one(f, (&spot, &sums[0]), place, callee);
                    }
                    vec![]
                });
                vec![]
            },
            |f| {
                self.rounds(f, |f, round| {
                    let spot = self.spot(f, round, 1);
                    let is_inside = self.is_inside(f, &spot, place);
                    f.when(&is_inside, |f| {
                        let sums = self.sums(f, &spot, 1);
                        self.call_one(f, (&spot, &sums[0]), place, callee);
                    });
                });
                vec![]
            },
        );
    }

    fn call_one(
        &self,
        f: &mut Function,
        (spot, sum): (&Spot, &Value),
        place: &Place,
        (name, captured): (&str, &[Value]),
    ) {
        let position = self.position(f, spot, place);
        let position = position.map(|at| f.cast("arith.index_cast", &at, "index"));
        let mut arguments = vec![sum.clone()];
        arguments.extend(position);
        arguments.extend_from_slice(captured);
        f.call(name, &arguments, None);
    }

    /// Puts sums that are neighbours, of 8 or 16 bytes together, at a row and a column of the band, `i32`.
    pub fn put(&self, f: &mut Function, [row, column]: [&Value; 2], sums: &[Value]) {
        let start = f.with("arith.muli", row, self.pitch);
        let index = f.add(&start, column);
        let bytes = f.with("arith.muli", &index, self.sum.bytes());
        let to = bytes_after(f, &self.shared, &bytes);
        let vector = pack(f, sums);
        f.store(&vector, &to, self.sum.bytes() * sums.len() as i64);
    }
}
