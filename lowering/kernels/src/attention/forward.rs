//! The function of [`Attention`].

use super::matrix::{Cursor, Layout, Source, VECTOR, Vector};
use super::product::{self, Fragments};
use super::scores::{Exponent, Lanes, MINUS_INFINITY, Scores};
use super::simt::Simt;
use super::stream::{self, Stream};
use super::warp::{self, fma, larger, sum};
use super::{Attention, KEYS, Side, Statistics, store, tiles_in_shared};
use crate::program::{Matrix, Storage};
use crate::text::{Function, Value};

const NAN: &str = "0x7FC00000";

/// Registers for fragments of Q that a lane may keep over all keys.
const KEPT_REGISTERS: i64 = 32;

pub(super) fn text(program: &Attention) -> String {
    let mut function = Function::new(&program.name);
    let f = &mut function;
    let forward = Forward::new(f, program);
    forward.begin(f);
    let kept = forward.kept(f);
    let rows = forward.over_keys(f, &kept);
    forward.finish(f, rows, &kept.exponent);
    function.finish()
}

/// Values that all steps use.
struct Forward<'a> {
    program: &'a Attention,
    scores: Scores,
    /// Rows of Q, and where its tile is.
    queries: Source,
    query_tile: Value,
    /// The lane's place in the tile.
    query: Cursor,
    /// K and V.
    keys: Stream,
    result: Matrix,
    statistics: Option<[Vector; 2]>,
    captured: Vec<Value>,
    /// The first row of the block, `i64`.
    first_row: Value,
    /// What multiplies f32.
    simt: Option<Simt>,
}

/// What a lane knows of its rows of one fragment: row `g` first, row `g + 8` second.
#[derive(Clone)]
struct Rows {
    /// Fragments of O.
    sums: Vec<Vec<Value>>,
    /// Largest scores, not yet scaled by `log2(e)`.
    largest: [Value; 2],
    /// Sums of what the lane had of a row.
    total: [Value; 2],
}

impl Rows {
    fn values(&self) -> Vec<Value> {
        let sums = self.sums.iter().flatten();
        let rest = self.largest.iter().chain(&self.total);
        sums.chain(rest).cloned().collect()
    }

    fn of(values: &[Value]) -> Self {
        let (sums, rest) = values.split_at(values.len() - 4);
        let sums = sums.chunks(4).map(<[Value]>::to_vec).collect();
        let [a, b, c, d] = rest else {
            unreachable!("four values are at the end")
        };
        Self {
            sums,
            largest: [a.clone(), b.clone()],
            total: [c.clone(), d.clone()],
        }
    }
}

impl<'a> Forward<'a> {
    fn new(f: &mut Function, program: &'a Attention) -> Self {
        let tile = f.parameter("index");
        let [tq, tk, offset] = [(); 3].map(|()| f.parameter("index"));
        let scale = f.parameter("f32");
        let [q, k, v] = [(); 3].map(|()| Matrix::parameter(f, program.element));
        let o = Matrix::parameter(f, program.result);
        let statistics = match program.statistics {
            Statistics::No => None,
            Statistics::Yes => Some([(); 2].map(|()| f.parameter(VECTOR))),
        };
        let captured = program.score.iter().flat_map(|score| &score.captured);
        let captured = captured.map(|ty| f.parameter(ty)).collect();

        let [tile, tq, tk, offset] =
            [tile, tq, tk, offset].map(|value| f.cast("arith.index_cast", &value, "i64"));
        let [queries, keys, values] = [q, k, v].map(|q| Source::new(f, &q, program.element));
        let result = Matrix::new(f, &o, program.result, Storage::Rows);
        let statistics = statistics.map(|both| both.map(|vector| Vector::new(f, &vector)));

        let query_tile = tiles_in_shared(f, program.all_shared_bytes());
        let key_tiles = super::matrix::offset(f, &query_tile, program.queries().bytes());
        let weights = super::matrix::offset(f, &key_tiles, Stream::bytes(program.keys()));
        let key_tiles = Stream::new(f, [keys, values], program.keys(), &key_tiles, &tk);

        let first_row = f.with("arith.muli", &tile, program.rows);
        let lanes = Lanes::new(f, &first_row, program.rows / 4);
        let query = program.queries().left(f, &query_tile, &lanes.warp_offset);
        let simt = match program.is_simt() {
            true => Some(Simt::new(f, &lanes, program.rows / 64, weights)),
            false => None,
        };
        let scores = Scores {
            side: Side::Queries,
            bound: program.bound,
            tq,
            tk,
            offset,
            scale,
            lanes,
        };
        Self {
            program,
            scores,
            queries,
            query_tile,
            query,
            keys: key_tiles,
            result,
            statistics,
            captured,
            first_row,
            simt,
        }
    }

    /// Fragments of 16 rows that a warp has.
    fn fragments(&self) -> i64 {
        self.program.rows / 64
    }

    /// Begins to copy Q and the first keys.
    fn begin(&self, f: &mut Function) {
        let range = [&self.first_row, &self.scores.tq];
        let queries = self.program.queries();
        queries.fetch(f, &self.queries, range, &self.query_tile);
        let first = f.int(0, "i64");
        self.keys.fetch(f, &first);
        stream::commit(f);
    }

    /// A fragment of Q: 16 rows, 16 columns.
    fn query(
        &self,
        f: &mut Function,
        fragment: i64,
        columns: i64,
        exponent: &Exponent,
    ) -> Vec<Value> {
        let loaded = self.query.load(f, 16 * fragment, columns, Layout::AsStored);
        exponent.signed(f, loaded)
    }
}

/// Q in registers, by fragment and columns; none where there are too many.
struct Kept {
    exponent: Exponent,
    fragments: Option<Vec<Vec<Vec<Value>>>>,
}

impl Forward<'_> {
    fn kept(&self, f: &mut Function) -> Kept {
        if self.simt.is_some() {
            return Kept {
                exponent: Exponent::of_scores(f),
                fragments: None,
            };
        }
        let scale = &self.scores.scale;
        let exponent = Exponent::new(f, scale, self.program.score.as_ref());
        let columns = self.program.queries().padded();
        if self.fragments() * columns / 4 > KEPT_REGISTERS {
            return Kept {
                exponent,
                fragments: None,
            };
        }
        stream::arrived(f);
        let mut fragments = vec![];
        for fragment in 0..self.fragments() {
            let columns = (0..columns).step_by(16);
            fragments.push(
                columns
                    .map(|at| self.query(f, fragment, at, &exponent))
                    .collect(),
            );
        }
        Kept {
            exponent,
            fragments: Some(fragments),
        }
    }

    fn over_keys(&self, f: &mut Function, kept: &Kept) -> Vec<Rows> {
        let [zero, nothing] = ["0.0", MINUS_INFINITY].map(|value| f.float(value, "f32"));
        let columns = 2 * self.keys.tiles[1].padded() / self.program.element.bytes();
        let start = Rows {
            sums: vec![vec![zero.clone(); 4]; columns as usize / 8],
            largest: [nothing.clone(), nothing],
            total: [zero.clone(), zero],
        };
        let width = start.values().len();
        let initial = vec![start.values(); self.fragments() as usize].concat();
        let [low, high] = self.scores.tiles(f, &self.first_row, self.program.rows);
        let last = stream::over(
            f,
            [&low, &high],
            &initial,
            |f, next| self.keys.fetch(f, next),
            |f, tile, carried| {
                let rows = carried.chunks(width).map(Rows::of).collect();
                let rows = self.step(f, tile, rows, kept);
                rows.iter().flat_map(Rows::values).collect()
            },
        );
        last.chunks(width).map(Rows::of).collect()
    }

    /// One tile of keys.
    fn step(&self, f: &mut Function, tile: &Value, mut rows: Vec<Rows>, kept: &Kept) -> Vec<Rows> {
        let [keys, values] = self.keys.stage(f, tile);
        let [key_tile, value_tile] = self.keys.tiles;
        let key = key_tile.right(f, &keys);
        let value = value_tile.right_by_rows(f, &values);
        let first = self.keys.first(f, tile);
        let products = match &self.simt {
            Some(simt) => {
                let queries = (self.program.queries(), &self.query_tile);
                simt.of_rows(f, queries, (key_tile, &keys))
            }
            None => self.products(f, &key, kept),
        };
        let scores = self.scores(f, products, &first);
        let pairs = rows.iter_mut().zip(&scores);
        let weights = pairs.map(|(rows, scores)| soften(f, rows, scores, &kept.exponent));
        let weights: Vec<_> = weights.collect();
        let mut sums: Vec<_> = rows.iter_mut().map(|rows| &mut rows.sums).collect();
        let element = self.program.element;
        match &self.simt {
            Some(simt) => simt.of_weights(f, &weights, (value_tile, &values), &mut sums),
            None => product::of_weights(f, element, &weights, (&value, 0), &mut sums),
        }
        rows
    }

    /// Products of rows of Q and K.
    fn products(&self, f: &mut Function, key: &Cursor, kept: &Kept) -> Vec<Fragments> {
        let query = |f: &mut Function, columns: i64| match &kept.fragments {
            Some(kept) => {
                let at = columns as usize / 16;
                kept.iter().map(|kept| kept[at].clone()).collect()
            }
            None => {
                let fragments = 0..self.fragments();
                let fragments = fragments.map(|at| self.query(f, at, columns, &kept.exponent));
                fragments.collect()
            }
        };
        let columns = self.program.queries().padded();
        product::of_rows(f, self.program.element, query, (key, columns), (0, KEYS))
    }

    /// Scores of products from a column on.
    fn scores(
        &self,
        f: &mut Function,
        mut products: Vec<Fragments>,
        first: &Value,
    ) -> Vec<Fragments> {
        if self.program.score.is_some() || self.simt.is_some() {
            let scaled = products
                .iter()
                .map(|products| self.scores.scaled(f, products));
            products = scaled.collect();
        }
        if let Some(score) = &self.program.score {
            let callee = (score, &self.captured[..]);
            for (at, products) in (0..).zip(&mut products) {
                *products = self.scores.called(f, callee, products, (at, first));
            }
        }
        self.scores.bounded(f, &products, first)
    }

    /// Divides by the sums and stores.
    fn finish(&self, f: &mut Function, rows: Vec<Rows>, exponent: &Exponent) {
        for (fragment, rows) in (0..).zip(rows) {
            let total = rows.total.each_ref();
            let total = total.map(|total| warp::over_row(f, total, sum));
            for half in 0..2 {
                let row = self.scores.lanes.row(f, fragment, half);
                let is_there = f.cmp("slt", &row, &self.scores.tq);
                f.when(&is_there, |f| {
                    let pairs = rows.sums.iter().map(|sums| &sums[2 * half..2 * half + 2]);
                    self.store_row(f, &row, pairs, &total[half]);
                    self.store_statistic(f, &row, [&rows.largest[half], &total[half]], exponent);
                });
            }
        }
    }

    fn store_row<'p>(
        &self,
        f: &mut Function,
        row: &Value,
        pairs: impl Iterator<Item = &'p [Value]>,
        total: &Value,
    ) {
        let [zero, one] = ["0.0", "1.0"].map(|value| f.float(value, "f32"));
        let has_keys = self.has_keys(f);
        let inverse = f.same("arith.divf", &[&one, total]);
        let inverse = f.select(&has_keys, &inverse, &zero);
        let pairs: Vec<_> = pairs
            .map(|pair| {
                let pair = pair.iter();
                let pair = pair.map(|sum| f.same("arith.mulf", &[sum, &inverse]));
                pair.collect::<Vec<_>>()
            })
            .collect();
        let columns = (&self.scores.lanes.column, self.program.value_head);
        store::row(f, &self.result, row, columns, &pairs);
    }

    fn has_keys(&self, f: &mut Function) -> Value {
        let none = f.int(0, "i64");
        f.cmp("sgt", &self.scores.tk, &none)
    }

    fn store_statistic(
        &self,
        f: &mut Function,
        row: &Value,
        [largest, total]: [&Value; 2],
        exponent: &Exponent,
    ) {
        let Some(statistics) = &self.statistics else {
            return;
        };
        let logarithm = warp::log2(f, total);
        let [nothing, nan] = [MINUS_INFINITY, NAN].map(|value| f.float(value, "f32"));
        let is_masked = warp::compare(f, "oeq", largest, &nothing);
        let has_keys = self.has_keys(f);
        let is_masked = f.and(&is_masked, &has_keys);
        let logarithm = f.select(&is_masked, &nan, &logarithm);
        let largest = exponent.score(f, largest);
        let places = statistics.each_ref().map(|vector| vector.at(f, row));
        let zero = f.i32(0);
        let is_first = f.cmp("eq", &self.scores.lanes.column, &zero);
        f.when(&is_first, |f| {
            for (number, place) in [largest, logarithm].iter().zip(&places) {
                f.store(number, place, 4);
            }
        });
    }
}

/// Exponentials of scores less the largest, and a row's state after them.
fn soften(
    f: &mut Function,
    rows: &mut Rows,
    scores: &[Vec<Value>],
    exponent: &Exponent,
) -> Fragments {
    let [zero, nothing] = ["0.0", MINUS_INFINITY].map(|value| f.float(value, "f32"));
    let mut weights = scores.to_vec();
    for half in 0..2 {
        let of_row = [2 * half, 2 * half + 1];
        let mine = scores
            .iter()
            .flat_map(|four| of_row.map(|at| four[at].clone()));
        let largest = warp::tree(f, mine.collect(), larger);
        let largest = warp::over_row(f, &largest, larger);
        let largest = larger(f, &rows.largest[half], &largest);
        // Where nothing was seen yet, -inf less itself would be NaN.
        let is_nothing = warp::compare(f, "oeq", &largest, &nothing);
        let reference = f.select(&is_nothing, &zero, &largest);
        let reference = exponent.reference(f, &reference);
        let fading = exponent.power(f, &rows.largest[half], &reference);
        let mut exponentials = vec![];
        for four in &mut weights {
            for at in of_row {
                four[at] = exponent.power(f, &four[at], &reference);
                exponentials.push(four[at].clone());
            }
        }
        let total = warp::tree(f, exponentials, sum);
        rows.total[half] = fma(f, &rows.total[half], &fading, &total);
        rows.largest[half] = largest;
        for sums in &mut rows.sums {
            for at in of_row {
                sums[at] = f.same("arith.mulf", &[&sums[at], &fading]);
            }
        }
    }
    weights
}
