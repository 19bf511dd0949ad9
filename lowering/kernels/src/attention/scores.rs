//! Scores: from products of rows of Q and K, by the scale, the caller's function and the bound.

use super::product::Fragments;
use super::warp;
use super::{Bound, KEYS, Side};
use crate::program::Callee;
use crate::text::{Function, Value};

pub(super) const LOG2_E: &str = "1.44269504088896340736";
const LN_2: &str = "0.693147180559945309417";
pub(super) const MINUS_INFINITY: &str = "0xFF800000";

/// The least normal number, which stands for a scale of 0: masked scores times 0 would be NaN.
const LEAST_SCALE: &str = "0x00800000";

/// Where the fragments of a lane are in a matrix.
#[derive(Clone, Debug)]
pub(super) struct Lanes {
    /// The first row of the warp and of the lane, `i64`.
    pub warp_row: Value,
    pub row: Value,
    /// The warp's first row in its block, `i32`.
    pub warp_offset: Value,
    /// The lane's first column of eight, `i32`: twice its number in its group of four.
    pub column: Value,
}

impl Lanes {
    /// Of a block from a row on (`i64`), whose warps have so many rows each.
    pub fn new(f: &mut Function, first: &Value, rows: i64) -> Self {
        let (lane, warp) = (warp::lane(f), warp::warp(f));
        let warp_offset = f.with("arith.muli", &warp, rows);
        let row = f.with("arith.shrui", &lane, 2);
        let row = f.add(&warp_offset, &row);
        let [warp_row, row] = [&warp_offset, &row].map(|row| {
            let row = f.cast("arith.extui", row, "i64");
            f.add(first, &row)
        });
        let column = f.with("arith.andi", &lane, 3);
        let column = f.with("arith.muli", &column, 2);
        Self {
            warp_row,
            row,
            warp_offset,
            column,
        }
    }

    /// The row (`i64`) of the first or second half of a fragment.
    pub fn row(&self, f: &mut Function, fragment: i64, half: usize) -> Value {
        f.with("arith.addi", &self.row, 16 * fragment + 8 * half as i64)
    }
}

/// How scores become exponents of two.
#[derive(Clone, Debug)]
pub(super) struct Exponent {
    /// What scores are multiplied with; positive or NaN.
    pub factor: Value,
    /// What one of the factors of products is xored with: its signs, where the scale is negative.
    signs: Option<Value>,
}

impl Exponent {
    /// For scores.
    pub fn of_scores(f: &mut Function) -> Self {
        Self {
            factor: f.float(LOG2_E, "f32"),
            signs: None,
        }
    }

    /// For scores by a function, or for products that the scale makes scores.
    pub fn new(f: &mut Function, scale: &Value, score: Option<&Callee>) -> Self {
        if score.is_some() {
            return Self::of_scores(f);
        }
        let log2_e = f.float(LOG2_E, "f32");
        let [zero, least] = ["0.0", LEAST_SCALE].map(|value| f.float(value, "f32"));
        let is_negative = warp::compare(f, "olt", scale, &zero);
        let opposite = warp::opposite(f, scale);
        let factor = f.select(&is_negative, &opposite, scale);
        let factor = f.same("arith.mulf", &[&factor, &log2_e]);
        let is_less = warp::compare(f, "olt", &factor, &least);
        let factor = f.select(&is_less, &least, &factor);
        let [none, all] = [0, i64::from(0x8000_8000_u32 as i32)].map(|signs| f.i32(signs));
        Self {
            factor,
            signs: Some(f.select(&is_negative, &all, &none)),
        }
    }

    /// What is subtracted from scores, as [`Exponent::power`] takes it.
    pub fn reference(&self, f: &mut Function, score: &Value) -> Value {
        match self.signs {
            Some(_) => {
                let scaled = f.same("arith.mulf", &[score, &self.factor]);
                warp::opposite(f, &scaled)
            }
            None => score.clone(),
        }
    }

    /// What [`Exponent::power`] takes for a score, as the score.
    pub fn score(&self, f: &mut Function, score: &Value) -> Value {
        match self.signs {
            Some(_) => {
                let ln_2 = f.float(LN_2, "f32");
                let scaled = f.same("arith.mulf", &[score, &self.factor]);
                f.same("arith.mulf", &[&scaled, &ln_2])
            }
            None => score.clone(),
        }
    }

    /// The exponential of a score less the one of a reference. Products of 16-bit numbers go in one step; what a function gives
    /// may be as low as numbers are, and is equal to its reference only if that is subtracted first.
    pub fn power(&self, f: &mut Function, score: &Value, reference: &Value) -> Value {
        let exponent = match self.signs {
            Some(_) => warp::fma(f, score, &self.factor, reference),
            None => {
                let less = f.same("arith.subf", &[score, reference]);
                f.same("arith.mulf", &[&less, &self.factor])
            }
        };
        warp::exp2(f, &exponent)
    }

    /// A fragment of pairs of numbers with the scale's sign.
    pub fn signed(&self, f: &mut Function, fragment: Vec<Value>) -> Vec<Value> {
        match &self.signs {
            Some(signs) => fragment.iter().map(|pair| f.xor(pair, signs)).collect(),
            None => fragment,
        }
    }
}

/// What all scores of a block have in common.
#[derive(Clone, Debug)]
pub(super) struct Scores {
    /// Whether the rows of fragments are those of Q or keys. The columns are the others.
    pub side: Side,
    pub bound: Bound,
    /// Sizes and the bound's offset, `i64`.
    pub tq: Value,
    pub tk: Value,
    pub offset: Value,
    pub scale: Value,
    pub lanes: Lanes,
}

impl Scores {
    /// The first tile of columns that so many rows from one on (`i64`) may meet, and the first that they may not any more, as `i64`.
    pub fn tiles(&self, f: &mut Function, first: &Value, rows: i64) -> [Value; 2] {
        let (row_count, column_count) = match self.side {
            Side::Queries => (&self.tq, &self.tk),
            Side::Keys => (&self.tk, &self.tq),
        };
        let mut low = f.int(0, "i64");
        let mut high = column_count.clone();
        match (self.bound, self.side) {
            (Bound::None, _) => {}
            (Bound::Causal, Side::Queries) => {
                let end = f.with("arith.addi", first, rows);
                let end = f.min(&end, row_count);
                let end = f.add(&end, &self.offset);
                let end = f.with("arith.maxsi", &end, 0);
                high = f.min(&high, &end);
            }
            (Bound::Causal, Side::Keys) => {
                let seen = f.sub(first, &self.offset);
                let seen = f.with("arith.maxsi", &seen, 0);
                low = f.with("arith.divui", &seen, KEYS);
            }
        }
        let high = f.with("arith.addi", &high, KEYS - 1);
        [low, f.with("arith.divui", &high, KEYS)]
    }

    /// Products times the scale.
    pub fn scaled(&self, f: &mut Function, products: &[Vec<Value>]) -> Fragments {
        let products = products.iter().map(|four| {
            let four = four.iter();
            let four = four.map(|product| f.same("arith.mulf", &[product, &self.scale]));
            four.collect()
        });
        products.collect()
    }

    /// What a function gives for numbers of a fragment, whose first column is an `i64`. Places outside are called as the last inside.
    pub fn called(
        &self,
        f: &mut Function,
        (callee, captured): (&Callee, &[Value]),
        numbers: &[Vec<Value>],
        (fragment, first): (i64, &Value),
    ) -> Fragments {
        let (row_count, column_count) = match self.side {
            Side::Queries => (&self.tq, &self.tk),
            Side::Keys => (&self.tk, &self.tq),
        };
        let last_row = f.with("arith.subi", row_count, 1);
        let last_column = f.with("arith.subi", column_count, 1);
        let rows = [0, 1].map(|half| {
            let row = self.lanes.row(f, fragment, half);
            let row = f.min(&row, &last_row);
            f.cast("arith.index_cast", &row, "index")
        });
        let column = f.cast("arith.extui", &self.lanes.column, "i64");
        let column = f.add(first, &column);
        let mut results = vec![];
        for (at, numbers) in (0..).zip(numbers) {
            let columns = [0, 1].map(|next| {
                let column = f.with("arith.addi", &column, 8 * at + next);
                let column = f.min(&column, &last_column);
                f.cast("arith.index_cast", &column, "index")
            });
            let numbers = numbers.iter().enumerate().map(|(element, number)| {
                let (row, column) = (&rows[element / 2], &columns[element % 2]);
                let place = match self.side {
                    Side::Queries => [row, column],
                    Side::Keys => [column, row],
                };
                let mut arguments = vec![number.clone()];
                arguments.extend(place.into_iter().chain(captured).cloned());
                let result = f.call(&callee.name, &arguments, Some("f32"));
                result.expect("a call with a result has one")
            });
            results.push(numbers.collect());
        }
        results
    }

    /// Scores of fragments from a column on (`i64`), with -inf where a place is outside or beyond the bound.
    pub fn bounded(&self, f: &mut Function, scores: &[Fragments], first: &Value) -> Vec<Fragments> {
        let columns = scores.first().map_or(0, Vec::len);
        let end = f.with("arith.addi", first, 8 * columns as i64);
        let count = match self.side {
            Side::Queries => &self.tk,
            Side::Keys => &self.tq,
        };
        let mut is_edge = f.cmp("sgt", &end, count);
        if self.bound == Bound::Causal {
            // The key that may be seen by the fewest, and the row that sees the fewest.
            let last = match self.side {
                Side::Queries => f.with("arith.subi", &end, 1),
                Side::Keys => {
                    let rows = 16 * scores.len() as i64;
                    f.with("arith.addi", &self.lanes.warp_row, rows - 1)
                }
            };
            let seen = match self.side {
                Side::Queries => f.add(&self.lanes.warp_row, &self.offset),
                Side::Keys => f.add(first, &self.offset),
            };
            let is_beyond = f.cmp("sgt", &last, &seen);
            is_edge = f.same("arith.ori", &[&is_edge, &is_beyond]);
        }
        let flat = scores.concat().concat();
        let bounded = f.choose(
            &is_edge,
            &vec!["f32"; flat.len()],
            |f| {
                let fragments = (0..).zip(scores);
                let fragments =
                    fragments.flat_map(|(at, scores)| self.at_edge(f, scores, (at, first)));
                fragments.collect()
            },
            |_| flat.clone(),
        );
        let fours: Fragments = bounded.chunks(4).map(<[Value]>::to_vec).collect();
        fours.chunks(columns).map(<[_]>::to_vec).collect()
    }

    fn at_edge(
        &self,
        f: &mut Function,
        scores: &[Vec<Value>],
        (fragment, first): (i64, &Value),
    ) -> Vec<Value> {
        let width = 8 * scores.len() as i64;
        let nothing = f.float(MINUS_INFINITY, "f32");
        // A place as a column of the tile, from the lane's first on.
        let relative = |f: &mut Function, place: &Value| {
            let place = f.sub(place, first);
            let place = f.with("arith.minsi", &place, width);
            let place = f.with("arith.maxsi", &place, -1);
            let place = f.cast("arith.trunci", &place, "i32");
            f.sub(&place, &self.lanes.column)
        };
        let count = match self.side {
            Side::Queries => &self.tk,
            Side::Keys => &self.tq,
        };
        let last = f.with("arith.subi", count, 1);
        let limits = [0, 1].map(|half| {
            let row = self.lanes.row(f, fragment, half);
            let seen = match (self.bound, self.side) {
                (Bound::None, _) => None,
                (Bound::Causal, Side::Queries) => Some(f.add(&row, &self.offset)),
                (Bound::Causal, Side::Keys) => Some(f.sub(&row, &self.offset)),
            };
            match (seen, self.side) {
                (Some(seen), Side::Queries) => {
                    let last = f.min(&last, &seen);
                    (None, relative(f, &last))
                }
                (Some(seen), Side::Keys) => (Some(relative(f, &seen)), relative(f, &last)),
                (None, _) => (None, relative(f, &last)),
            }
        });
        let mut bounded = vec![];
        for (at, scores) in (0..).zip(scores) {
            for (element, score) in scores.iter().enumerate() {
                let (least, most) = &limits[element / 2];
                let column = f.i32(8 * at + element as i64 % 2);
                let mut is_there = f.cmp("sle", &column, most);
                if let Some(least) = least {
                    let is_seen = f.cmp("sge", &column, least);
                    is_there = f.and(&is_there, &is_seen);
                }
                bounded.push(f.select(&is_there, score, &nothing));
            }
        }
        bounded
    }
}
