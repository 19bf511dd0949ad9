//! The function of [`Attention`].

use super::matrix::{Cursor, Layout, Source, VECTOR, Vector};
use super::store;
use super::warp::{self, exp2, fma, larger, sum};
use super::{Attention, Bound, KEYS, STATIC_SHARED, Statistics};
use crate::program::{Matrix, Storage};
use crate::text::{Function, Value};

const LOG2_E: &str = "1.44269504088896340736";
const LN_2: &str = "0.693147180559945309417";
const MINUS_INFINITY: &str = "0xFF800000";
const NAN: &str = "0x7FC00000";

/// The least normal number, which stands for a scale of 0: masked scores times 0 would be NaN.
const LEAST_SCALE: &str = "0x00800000";

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
    /// Sizes and the bound's offset, `i64`.
    tq: Value,
    tk: Value,
    bound: Value,
    scale: Value,
    queries: Source,
    keys: Source,
    values: Source,
    result: Matrix,
    statistics: Option<Vector>,
    captured: Vec<Value>,
    /// The first row of the block, and of the lane's first fragment, `i64`.
    first_row: Value,
    lane_row: Value,
    /// The first row of the warp, `i64`.
    warp_row: Value,
    /// Twice the lane's number in its group of four: its first column, `i32`.
    column: Value,
    /// Tiles in shared memory.
    query_tile: Value,
    key_tiles: Value,
    value_tiles: Value,
    /// The lane's places in them.
    query: Cursor,
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

/// How scores become exponents of two.
struct Exponent {
    /// What raw scores are multiplied with; positive or NaN.
    factor: Value,
    /// What Q is xored with: its signs, where the scale is negative.
    signs: Option<Value>,
}

impl<'a> Forward<'a> {
    fn new(f: &mut Function, program: &'a Attention) -> Self {
        let tile = f.parameter("index");
        let [tq, tk, bound] = [(); 3].map(|()| f.parameter("index"));
        let scale = f.parameter("f32");
        let [q, k, v] = [(); 3].map(|()| Matrix::parameter(f, program.element));
        let o = Matrix::parameter(f, program.result);
        let statistics = match program.statistics {
            Statistics::No => None,
            Statistics::Yes => Some(f.parameter(VECTOR)),
        };
        let captured = program.score.iter().flat_map(|score| &score.captured);
        let captured = captured.map(|ty| f.parameter(ty)).collect();

        let [tile, tq, tk, bound] =
            [tile, tq, tk, bound].map(|value| f.cast("arith.index_cast", &value, "i64"));
        let [queries, keys, values] = [q, k, v].map(|q| Source::new(f, &q, program.element));
        let result = Matrix::new(f, &o, program.result, Storage::Rows);
        let statistics = statistics.map(|l| Vector::new(f, &l));

        let query_tile = match program.all_shared_bytes() {
            bytes @ ..=STATIC_SHARED => f.shared("tiles", bytes),
            _ => f.dynamic_shared(),
        };
        let key_tiles = super::matrix::offset(f, &query_tile, program.queries().bytes());
        let value_tiles = super::matrix::offset(f, &key_tiles, 2 * program.keys().bytes());

        let first_row = f.with("arith.muli", &tile, program.rows);
        let (lane, warp) = (warp::lane(f), warp::warp(f));
        let warp_rows = f.with("arith.muli", &warp, program.rows / 4);
        let row = f.with("arith.shrui", &lane, 2);
        let row = f.add(&warp_rows, &row);
        let [lane_row, warp_row] = [row, warp_rows.clone()].map(|row| {
            let row = f.cast("arith.extui", &row, "i64");
            f.add(&first_row, &row)
        });
        let column = f.with("arith.andi", &lane, 3);
        let column = f.with("arith.muli", &column, 2);
        let query = {
            let row = f.with("arith.andi", &lane, 15);
            let row = f.add(&warp_rows, &row);
            let chunk = f.with("arith.shrui", &lane, 4);
            program.queries().cursor(f, &query_tile, &row, &chunk)
        };
        Self {
            program,
            tq,
            tk,
            bound,
            scale,
            queries,
            keys,
            values,
            result,
            statistics,
            captured,
            first_row,
            lane_row,
            warp_row,
            column,
            query_tile,
            key_tiles,
            value_tiles,
            query,
        }
    }

    /// Fragments of 16 rows that a warp has.
    fn fragments(&self) -> i64 {
        self.program.rows / 64
    }

    /// Copies Q and the first keys, and waits for them.
    fn begin(&self, f: &mut Function) {
        let queries = self.program.queries();
        queries.fetch(
            f,
            &self.queries,
            [&self.first_row, &self.tq],
            &self.query_tile,
        );
        let first = f.int(0, "i64");
        self.fetch(f, &first);
        arrived(f);
    }

    /// Begins to copy a tile (`i64`) of K and V.
    fn fetch(&self, f: &mut Function, tile: &Value) {
        let first = f.with("arith.muli", tile, KEYS);
        let [keys, values] = self.stage(f, tile);
        let range = [&first, &self.tk];
        self.program.keys().fetch(f, &self.keys, range, &keys);
        self.program.values().fetch(f, &self.values, range, &values);
        f.line("nvvm.cp.async.commit.group");
    }

    /// Where a tile (`i64`) of K and V is in shared memory.
    fn stage(&self, f: &mut Function, tile: &Value) -> [Value; 2] {
        let stage = f.with("arith.andi", tile, 1);
        let stage = f.cast("arith.trunci", &stage, "i32");
        let program = self.program;
        let tiles = [
            (&self.key_tiles, program.keys()),
            (&self.value_tiles, program.values()),
        ];
        tiles.map(|(place, tile)| {
            let offset = f.with("arith.muli", &stage, tile.bytes());
            f.place(place, "i8", &offset)
        })
    }

    fn exponent(&self, f: &mut Function) -> Exponent {
        let log2_e = f.float(LOG2_E, "f32");
        if self.program.score.is_some() {
            return Exponent {
                factor: log2_e,
                signs: None,
            };
        }
        let [zero, least] = ["0.0", LEAST_SCALE].map(|value| f.float(value, "f32"));
        let is_negative = warp::compare(f, "olt", &self.scale, &zero);
        let opposite = f.op(&format!("arith.negf {} : f32", self.scale), "f32");
        let factor = f.select(&is_negative, &opposite, &self.scale);
        let factor = f.same("arith.mulf", &[&factor, &log2_e]);
        let is_less = warp::compare(f, "olt", &factor, &least);
        let factor = f.select(&is_less, &least, &factor);
        let [none, all] = [0, i64::from(0x8000_8000_u32 as i32)].map(|signs| f.i32(signs));
        Exponent {
            factor,
            signs: Some(f.select(&is_negative, &all, &none)),
        }
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
        match &exponent.signs {
            Some(signs) => loaded.iter().map(|pair| f.xor(pair, signs)).collect(),
            None => loaded,
        }
    }
}

/// Waits for all copies of the block.
fn arrived(f: &mut Function) {
    f.line("nvvm.cp.async.wait.group 0");
    f.barrier();
}

/// Fragments of Q in registers, by fragment and columns; none where there are too many.
struct Kept {
    exponent: Exponent,
    fragments: Option<Vec<Vec<Vec<Value>>>>,
}

impl Forward<'_> {
    fn kept(&self, f: &mut Function) -> Kept {
        let exponent = self.exponent(f);
        let columns = self.program.queries().padded();
        // Of the 255 registers, a score function needs some.
        let most = match (&self.program.score, self.fragments()) {
            (Some(_), 2..) => 16,
            _ => 32,
        };
        if self.fragments() * columns / 4 > most {
            return Kept {
                exponent,
                fragments: None,
            };
        }
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

    /// Tiles of keys that the block's rows may see, as `i64`.
    fn tiles(&self, f: &mut Function) -> Value {
        let mut end = self.tk.clone();
        if self.program.bound == Bound::Causal {
            let last = f.with("arith.addi", &self.first_row, self.program.rows);
            let last = f.min(&last, &self.tq);
            let last = f.add(&last, &self.bound);
            let last = f.with("arith.maxsi", &last, 0);
            end = f.min(&end, &last);
        }
        let end = f.with("arith.addi", &end, KEYS - 1);
        f.with("arith.divui", &end, KEYS)
    }

    fn over_keys(&self, f: &mut Function, kept: &Kept) -> Vec<Rows> {
        let [zero, nothing] = ["0.0", MINUS_INFINITY].map(|value| f.float(value, "f32"));
        let columns = self.program.values().padded() as usize;
        let start = Rows {
            sums: vec![vec![zero.clone(); 4]; columns / 8],
            largest: [nothing.clone(), nothing],
            total: [zero.clone(), zero],
        };
        let width = start.values().len();
        let initial = vec![start.values(); self.fragments() as usize].concat();
        let tiles = self.tiles(f);
        let [low, one] = [0, 1].map(|value| f.int(value, "i64"));
        let last = f.each([&low, &tiles, &one], &initial, |f, tile, carried| {
            arrived(f);
            let next = f.add(tile, &one);
            let is_there = f.cmp("slt", &next, &tiles);
            f.when(&is_there, |f| self.fetch(f, &next));
            let rows = carried.chunks(width).map(Rows::of).collect();
            let rows = self.step(f, tile, rows, kept);
            rows.iter().flat_map(Rows::values).collect()
        });
        last.chunks(width).map(Rows::of).collect()
    }

    /// One tile of keys.
    fn step(&self, f: &mut Function, tile: &Value, rows: Vec<Rows>, kept: &Kept) -> Vec<Rows> {
        let [keys, values] = self.stage(f, tile);
        let lane = warp::lane(f);
        let key = {
            let low = f.with("arith.andi", &lane, 7);
            let high = f.with("arith.shrui", &lane, 4);
            let high = f.with("arith.muli", &high, 8);
            let row = f.add(&low, &high);
            let chunk = f.with("arith.shrui", &lane, 3);
            let chunk = f.with("arith.andi", &chunk, 1);
            self.program.keys().cursor(f, &keys, &row, &chunk)
        };
        let value = {
            let row = f.with("arith.andi", &lane, 15);
            let chunk = f.with("arith.shrui", &lane, 4);
            self.program.values().cursor(f, &values, &row, &chunk)
        };
        let products = self.products(f, &key, kept);
        let mut next = vec![];
        let mut weights = vec![];
        for ((fragment, rows), products) in (0..).zip(rows).zip(products) {
            let scores = self.scores(f, products, fragment, tile);
            let (rows, exponentials) = soften(f, rows, &scores, &kept.exponent.factor);
            next.push(rows);
            weights.push(exponentials);
        }
        self.weigh(f, &value, &weights, &mut next);
        next
    }

    /// Products of rows of Q and K: fragments of 8 columns for each fragment of rows.
    fn products(&self, f: &mut Function, key: &Cursor, kept: &Kept) -> Vec<Vec<Vec<Value>>> {
        let element = self.program.element;
        let zero = f.float("0.0", "f32");
        let none = vec![vec![zero; 4]; KEYS as usize / 8];
        let mut sums = vec![none; self.fragments() as usize];
        for columns in (0..self.program.keys().padded()).step_by(16) {
            let queries: Vec<_> = match &kept.fragments {
                Some(kept) => {
                    let at = columns as usize / 16;
                    kept.iter().map(|kept| kept[at].clone()).collect()
                }
                None => {
                    let fragments = 0..self.fragments();
                    fragments
                        .map(|fragment| self.query(f, fragment, columns, &kept.exponent))
                        .collect()
                }
            };
            for rows in (0..KEYS).step_by(16) {
                let keys = key.load(f, rows, columns, Layout::AsStored);
                for (query, sums) in queries.iter().zip(&mut sums) {
                    for (half, keys) in keys.chunks(2).enumerate() {
                        let sums = &mut sums[rows as usize / 8 + half];
                        *sums = warp::product(f, element, query, keys, sums);
                    }
                }
            }
        }
        sums
    }

    /// Scores of a tile's products: the caller's function, and -inf where there is no key.
    fn scores(
        &self,
        f: &mut Function,
        mut products: Vec<Vec<Value>>,
        fragment: i64,
        tile: &Value,
    ) -> Vec<Vec<Value>> {
        let first = f.with("arith.muli", tile, KEYS);
        if self.program.score.is_some() {
            self.score(f, &mut products, fragment, &first);
        }
        let last = f.with("arith.addi", &first, KEYS);
        let mut is_edge = f.cmp("sgt", &last, &self.tk);
        if self.program.bound == Bound::Causal {
            let seen = f.add(&self.warp_row, &self.bound);
            let is_beyond = f.cmp("sgt", &last, &seen);
            is_edge = f.same("arith.ori", &[&is_edge, &is_beyond]);
        }
        let flat: Vec<_> = products.iter().flatten().cloned().collect();
        let scores = f.choose(
            &is_edge,
            &vec!["f32"; flat.len()],
            |f| self.bounded(f, &products, fragment, &first),
            |_| flat.clone(),
        );
        scores.chunks(4).map(<[Value]>::to_vec).collect()
    }

    /// The row (`i64`) of the lane's first or second half of a fragment.
    fn row(&self, f: &mut Function, fragment: i64, half: usize) -> Value {
        f.with(
            "arith.addi",
            &self.lane_row,
            16 * fragment + 8 * half as i64,
        )
    }

    /// Scores with -inf where there is no key.
    fn bounded(
        &self,
        f: &mut Function,
        scores: &[Vec<Value>],
        fragment: i64,
        first: &Value,
    ) -> Vec<Value> {
        let nothing = f.float(MINUS_INFINITY, "f32");
        let last = f.sub(&self.tk, first);
        let last = f.with("arith.subi", &last, 1);
        // The last column for each half of rows, before the tile's and the lane's first.
        let columns = [0, 1].map(|half| {
            let mut last = last.clone();
            if self.program.bound == Bound::Causal {
                let row = self.row(f, fragment, half);
                let seen = f.add(&row, &self.bound);
                let seen = f.sub(&seen, first);
                last = f.min(&last, &seen);
            }
            let last = f.with("arith.minsi", &last, KEYS);
            let last = f.with("arith.maxsi", &last, -1);
            let last = f.cast("arith.trunci", &last, "i32");
            f.sub(&last, &self.column)
        });
        let mut bounded = vec![];
        for (at, scores) in scores.iter().enumerate() {
            for (element, score) in scores.iter().enumerate() {
                let column = f.i32(8 * at as i64 + element as i64 % 2);
                let is_there = f.cmp("sle", &column, &columns[element / 2]);
                bounded.push(f.select(&is_there, score, &nothing));
            }
        }
        bounded
    }

    /// Scales products and calls the caller's function for them, at places that are inside.
    fn score(&self, f: &mut Function, products: &mut [Vec<Value>], fragment: i64, first: &Value) {
        let Some(score) = &self.program.score else {
            return;
        };
        let [last_row, last_column] =
            [&self.tq, &self.tk].map(|size| f.with("arith.subi", size, 1));
        let rows = [0, 1].map(|half| {
            let row = self.row(f, fragment, half);
            let row = f.min(&row, &last_row);
            f.cast("arith.index_cast", &row, "index")
        });
        let column = f.cast("arith.extui", &self.column, "i64");
        let column = f.add(first, &column);
        for (at, products) in products.iter_mut().enumerate() {
            let columns = [0, 1].map(|next| {
                let column = f.with("arith.addi", &column, 8 * at as i64 + next);
                let column = f.min(&column, &last_column);
                f.cast("arith.index_cast", &column, "index")
            });
            for (element, product) in products.iter_mut().enumerate() {
                let scaled = f.same("arith.mulf", &[product, &self.scale]);
                let (row, column) = (&rows[element / 2], &columns[element % 2]);
                let mut arguments = vec![scaled, row.clone(), column.clone()];
                arguments.extend(self.captured.iter().cloned());
                let result = f.call(&score.name, &arguments, Some("f32"));
                *product = result.expect("a call with a result has one");
            }
        }
    }

    /// Adds rows of V by their weights.
    fn weigh(
        &self,
        f: &mut Function,
        value: &Cursor,
        weights: &[Vec<Vec<Value>>],
        rows: &mut [Rows],
    ) {
        let element = self.program.element;
        for keys in (0..KEYS).step_by(16) {
            let weights: Vec<_> = weights
                .iter()
                .map(|weights| warp::as_operand(f, element, weights, keys))
                .collect();
            for columns in (0..self.program.values().padded()).step_by(16) {
                let values = value.load(f, keys, columns, Layout::Transposed);
                for (weights, rows) in weights.iter().zip(rows.iter_mut()) {
                    for (half, values) in values.chunks(2).enumerate() {
                        let sums = &mut rows.sums[columns as usize / 8 + half];
                        *sums = warp::product(f, element, weights, values, sums);
                    }
                }
            }
        }
    }

    /// Divides by the sums and stores.
    fn finish(&self, f: &mut Function, rows: Vec<Rows>, exponent: &Exponent) {
        for (fragment, rows) in (0..).zip(rows) {
            let total = rows.total.each_ref();
            let total = total.map(|total| warp::over_row(f, total, sum));
            for half in 0..2 {
                let row = self.row(f, fragment, half);
                let is_there = f.cmp("slt", &row, &self.tq);
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
        let columns = (&self.column, self.program.value_head);
        store::row(f, &self.result, row, columns, &pairs);
    }

    fn has_keys(&self, f: &mut Function) -> Value {
        let none = f.int(0, "i64");
        f.cmp("sgt", &self.tk, &none)
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
        let logarithm = fma(f, largest, &exponent.factor, &logarithm);
        let [ln_2, nothing, nan] = [LN_2, MINUS_INFINITY, NAN].map(|value| f.float(value, "f32"));
        let logarithm = f.same("arith.mulf", &[&logarithm, &ln_2]);
        let is_masked = warp::compare(f, "oeq", largest, &nothing);
        let has_keys = self.has_keys(f);
        let is_masked = f.and(&is_masked, &has_keys);
        let logarithm = f.select(&is_masked, &nan, &logarithm);
        let place = statistics.at(f, row);
        let zero = f.i32(0);
        let is_first = f.cmp("eq", &self.column, &zero);
        f.when(&is_first, |f| f.store(&logarithm, &place, 4));
    }
}

/// Exponentials of scores less the largest, and a row's state after them.
fn soften(
    f: &mut Function,
    rows: Rows,
    scores: &[Vec<Value>],
    factor: &Value,
) -> (Rows, Vec<Vec<Value>>) {
    let [zero, nothing] = ["0.0", MINUS_INFINITY].map(|value| f.float(value, "f32"));
    let mut rows = rows;
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
        let reference = f.same("arith.mulf", &[&reference, factor]);
        let reference = f.op(&format!("arith.negf {reference} : f32"), "f32");
        let exponent = fma(f, &rows.largest[half], factor, &reference);
        let fading = exp2(f, &exponent);
        let mut exponentials = vec![];
        for four in &mut weights {
            for at in of_row {
                let exponent = fma(f, &four[at], factor, &reference);
                four[at] = exp2(f, &exponent);
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
    (rows, weights)
}
