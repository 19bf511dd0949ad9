//! The function of [`Gradient`]. The rows of all fragments are those that the block has, be they of Q or keys.

use super::gradient::{Gradient, ROWS, VECTOR_BYTES};
use super::matrix::{Cursor, Layout, Source, VECTOR, Vector, offset};
use super::product::{self, Fragments};
use super::scores::{Exponent, LOG2_E, Lanes, Scores};
use super::stream::{self, Stream};
use super::warp::{self, exp2, fma};
use super::{KEYS, Side, store, tiles_in_shared};
use crate::program::{Matrix, Storage};
use crate::text::{Function, Value};

pub(super) fn text(program: &Gradient) -> String {
    let mut function = Function::new(&program.name);
    let f = &mut function;
    let backward = Backward::new(f, program);
    let sums = backward.over_tiles(f);
    backward.finish(f, &sums);
    function.finish()
}

/// Values that all steps use.
struct Backward<'a> {
    program: &'a Gradient,
    scores: Scores,
    exponent: Exponent,
    /// Q and dO, or K and V, of the block: where they come from, their tiles, and the lane's places there.
    own: [(Source, Value, Cursor); 2],
    /// The others.
    stream: Stream,
    /// The two statistics, and sums of products of dO and O.
    vectors: [Vector; 3],
    /// Two buffers of those in shared memory, for keys.
    vector_place: Option<Value>,
    /// The gradient of the first of the block's matrices, then that of the second.
    results: Vec<Matrix>,
    /// What the functions take.
    captured: [Vec<Value>; 2],
    /// The first row of the block, `i64`.
    first_row: Value,
}

/// What is subtracted in rows of Q.
enum References {
    /// For the two rows of a lane.
    Rows(Vec<Reference>),
    /// For columns: the place of the lane's first in shared memory.
    Columns(Value),
}

/// What is subtracted in one row of Q.
#[derive(Clone)]
struct Reference {
    /// From scores, before they become exponents of two.
    score: Option<Value>,
    /// From exponents, with the other sign.
    exponent: Value,
    /// From `dP`.
    change: Value,
}

impl<'a> Backward<'a> {
    fn new(f: &mut Function, program: &'a Gradient) -> Self {
        let tile = f.parameter("index");
        let sizes = [(); 3].map(|()| f.parameter("index"));
        let scale = f.parameter("f32");
        let matrices = [(); 4].map(|()| Matrix::parameter(f, program.element));
        let vectors = [(); 3].map(|()| f.parameter(VECTOR));
        let count = match program.side {
            Side::Queries => 1,
            Side::Keys => 2,
        };
        let results: Vec<_> = (0..count)
            .map(|_| Matrix::parameter(f, program.result))
            .collect();
        let captured = [&program.score, &program.slope].map(|callee| {
            let types = callee.iter().flat_map(|callee| &callee.captured);
            types.map(|ty| f.parameter(ty)).collect()
        });

        let tile = f.cast("arith.index_cast", &tile, "i64");
        let [tq, tk, bound] = sizes.map(|size| f.cast("arith.index_cast", &size, "i64"));
        let [q, k, v, d_o] = matrices.map(|matrix| Source::new(f, &matrix, program.element));
        let vectors = vectors.map(|vector| Vector::new(f, &vector));
        let results = results.iter();
        let results = results.map(|result| Matrix::new(f, result, program.result, Storage::Rows));
        let results = results.collect();
        let (own, others, count) = match program.side {
            Side::Queries => ([q, d_o], [k, v], &tk),
            Side::Keys => ([k, v], [q, d_o], &tq),
        };

        let tiles = program.tiles();
        let place = tiles_in_shared(f, program.all_shared_bytes());
        let second = offset(f, &place, tiles[0].bytes());
        let streamed = offset(f, &second, tiles[1].bytes());
        let stream = Stream::new(f, others, tiles, &streamed, count);
        let vector_place = match program.side {
            Side::Queries => None,
            Side::Keys => Some(offset(f, &streamed, Stream::bytes(tiles))),
        };

        let first_row = f.with("arith.muli", &tile, ROWS);
        let lanes = Lanes::new(f, &first_row, ROWS / 4);
        let cursors = [(&tiles[0], &place), (&tiles[1], &second)]
            .map(|(tile, place)| tile.left(f, place, &lanes.warp_offset));
        let [own_first, own_second] = own;
        let [first, last] = cursors;
        let own = [(own_first, place, first), (own_second, second, last)];
        let exponent = Exponent::new(f, &scale, program.score.as_ref());
        let scores = Scores {
            side: program.side,
            bound: program.bound,
            tq,
            tk,
            offset: bound,
            scale,
            lanes,
        };
        Self {
            program,
            scores,
            exponent,
            own,
            stream,
            vectors,
            vector_place,
            results,
            captured,
            first_row,
        }
    }

    /// Rows that the block's side has, `i64`.
    fn row_count(&self) -> &Value {
        match self.program.side {
            Side::Queries => &self.scores.tq,
            Side::Keys => &self.scores.tk,
        }
    }

    /// Begins to copy a tile (`i64`) of what the block goes over.
    fn fetch(&self, f: &mut Function, tile: &Value) {
        self.stream.fetch(f, tile);
        let Some(place) = &self.vector_place else {
            return;
        };
        // A half of the threads for each statistic, and one of them for the sums as well.
        let thread = f.thread();
        let [half, at] = [
            f.with("arith.divui", &thread, KEYS),
            f.with("arith.remui", &thread, KEYS),
        ];
        let zero = f.i32(0);
        let is_first = f.cmp("eq", &half, &zero);
        let row = {
            let first = self.stream.first(f, tile);
            let at = f.cast("arith.extui", &at, "i64");
            f.add(&first, &at)
        };
        let [largest, logarithm, sum] = self.vectors.each_ref().map(|vector| vector.at(f, &row));
        let from = f.select(&is_first, &largest, &logarithm);
        let is_there = f.cmp("slt", &row, &self.scores.tq);
        let four = f.i32(4);
        let bytes = f.select(&is_there, &four, &zero);
        let stage = stream::stage(f, tile);
        let to = f.with("arith.muli", &stage, VECTOR_BYTES / 2);
        let thread = f.with("arith.muli", &thread, 4);
        let to = f.add(&to, &thread);
        let to = f.place(place, "i8", &to);
        let copy = |f: &mut Function, to: &Value, from: &Value| {
            f.line(&format!(
                "nvvm.cp.async.shared.global {to}, {from}, 4, cache = ca, {bytes} : !llvm.ptr<3>, !llvm.ptr<1>, i32"
            ));
        };
        copy(f, &to, &from);
        f.when(&is_first, |f| {
            let to = offset(f, &to, 2 * 4 * KEYS);
            copy(f, &to, &sum);
        });
    }

    /// Sums for the results, each of fragments of 8 columns.
    fn over_tiles(&self, f: &mut Function) -> Vec<Fragments> {
        let range = [&self.first_row, self.row_count()];
        let tiles = self.program.tiles();
        for ((source, place, _), tile) in self.own.iter().zip(tiles) {
            tile.fetch(f, source, range, place);
        }
        let [low, high] = self.scores.tiles(f, &self.first_row, ROWS);
        self.fetch(f, &low);
        stream::commit(f);
        let references = match self.program.side {
            Side::Queries => Some(self.of_rows(f)),
            Side::Keys => None,
        };
        let zero = f.float("0.0", "f32");
        let columns = &tiles[..self.results.len()];
        let columns: Vec<_> = columns.iter().map(|tile| tile.padded() as usize).collect();
        let initial = vec![zero; columns.iter().sum::<usize>() / 2];
        let split = |values: &[Value]| {
            let (first, second) = values.split_at(columns[0] / 2);
            let sums = [first, second].into_iter().take(columns.len());
            let sums = sums.map(|values| values.chunks(4).map(<[Value]>::to_vec).collect());
            sums.collect::<Vec<Fragments>>()
        };
        let last = stream::over(
            f,
            [&low, &high],
            &initial,
            |f, next| self.fetch(f, next),
            |f, tile, carried| {
                let mut sums = split(carried);
                self.step(f, tile, references.as_ref(), &mut sums);
                sums.concat().concat()
            },
        );
        split(&last)
    }

    /// What is subtracted in the lane's rows of Q.
    fn of_rows(&self, f: &mut Function) -> References {
        let last = f.with("arith.subi", &self.scores.tq, 1);
        let rows = [0, 1].map(|half| {
            let row = self.scores.lanes.row(f, 0, half);
            f.min(&row, &last)
        });
        let rows = rows.iter().map(|row| {
            let numbers = self.vectors.each_ref().map(|vector| {
                let place = vector.at(f, row);
                f.load(&place, "f32", 4)
            });
            self.reference(f, numbers)
        });
        References::Rows(rows.collect())
    }

    /// What is subtracted in a row with these statistics and sum.
    fn reference(&self, f: &mut Function, [largest, logarithm, change]: [Value; 3]) -> Reference {
        let logarithm = warp::opposite(f, &logarithm);
        let (score, exponent) = match &self.program.score {
            // What a function gives may be as low as numbers are, and is equal to the largest only if that is subtracted first.
            Some(_) => (Some(largest), logarithm),
            None => {
                let factor = f.float(LOG2_E, "f32");
                let factor = warp::opposite(f, &factor);
                (None, fma(f, &largest, &factor, &logarithm))
            }
        };
        Reference {
            score,
            exponent,
            change,
        }
    }

    /// What is subtracted in columns, for a tile (`i64`).
    fn of_columns(&self, f: &mut Function, tile: &Value, place: &Value) -> References {
        let stage = stream::stage(f, tile);
        let stage = f.with("arith.muli", &stage, VECTOR_BYTES / 2);
        let column = f.with("arith.muli", &self.scores.lanes.column, 4);
        let at = f.add(&stage, &column);
        References::Columns(f.place(place, "i8", &at))
    }

    /// One tile of what the block goes over, some columns of scores after others.
    fn step(
        &self,
        f: &mut Function,
        tile: &Value,
        references: Option<&References>,
        sums: &mut [Fragments],
    ) {
        let element = self.program.element;
        let places = self.stream.stage(f, tile);
        let [first, second] = [0, 1].map(|at| self.stream.tiles[at].right(f, &places[at]));
        let rows = [0, 1].map(|at| self.stream.tiles[at].right_by_rows(f, &places[at]));
        let of_columns;
        let references = match (references, &self.vector_place) {
            (Some(references), _) => references,
            (None, Some(place)) => {
                of_columns = self.of_columns(f, tile, place);
                &of_columns
            }
            (None, None) => unreachable!("statistics are by rows or by columns"),
        };
        let start = self.stream.first(f, tile);
        let width = self.program.width();
        for at in (0..KEYS).step_by(width as usize) {
            let products = self.products(f, 0, &first, (at, width));
            let column = f.with("arith.addi", &start, at);
            let (scores, slopes) = self.scores(f, products, &column);
            let references = self.columns(f, references, (at, width));
            let mut weights = scores;
            each(&mut weights, |at, element, score| {
                let reference = &references[at][element];
                let score = match &reference.score {
                    Some(largest) => f.same("arith.subf", &[score, largest]),
                    None => score.clone(),
                };
                let exponent = fma(f, &score, &self.exponent.factor, &reference.exponent);
                exp2(f, &exponent)
            });
            if let [_, sums] = sums {
                let weights = [weights.clone()];
                product::of_weights(f, element, &weights, (&rows[1], at), &mut [sums]);
            }
            let mut changes = self.products(f, 1, &second, (at, width));
            each(&mut changes, |at, element, change| {
                let change = f.same("arith.subf", &[change, &references[at][element].change]);
                let change = f.same("arith.mulf", &[&change, &weights[at][element]]);
                match &slopes {
                    Some(slopes) => f.same("arith.mulf", &[&change, &slopes[at][element]]),
                    None => change,
                }
            });
            let sums = &mut [&mut sums[0]];
            product::of_weights(f, element, &[changes], (&rows[0], at), sums);
        }
    }

    /// Products of the block's rows with some rows of a tile.
    fn products(
        &self,
        f: &mut Function,
        which: usize,
        right: &Cursor,
        range: (i64, i64),
    ) -> Fragments {
        let (_, _, cursor) = &self.own[which];
        let left = |f: &mut Function, columns: i64| {
            let loaded = cursor.load(f, 0, columns, Layout::AsStored);
            match which {
                0 => vec![self.exponent.signed(f, loaded)],
                _ => vec![loaded],
            }
        };
        let columns = self.program.tiles()[which].padded();
        let element = self.program.element;
        let mut products = product::of_rows(f, element, left, (right, columns), range);
        products.remove(0)
    }

    /// Scores of products from a column on (`i64`), and their derivatives where they are not 1.
    fn scores(
        &self,
        f: &mut Function,
        mut products: Fragments,
        column: &Value,
    ) -> (Fragments, Option<Fragments>) {
        let mut slopes = None;
        let place = (0, column);
        if let Some(score) = &self.program.score {
            let scaled = self.scores.scaled(f, &products);
            if let Some(slope) = &self.program.slope {
                let callee = (slope, &self.captured[1][..]);
                slopes = Some(self.scores.called(f, callee, &scaled, place));
            }
            let callee = (score, &self.captured[0][..]);
            products = self.scores.called(f, callee, &scaled, place);
        }
        let mut scores = self.scores.bounded(f, &[products], column);
        (scores.remove(0), slopes)
    }

    /// What is subtracted from each element of fragments of so many columns from one on.
    fn columns(
        &self,
        f: &mut Function,
        references: &References,
        (first, width): (i64, i64),
    ) -> Vec<Vec<Reference>> {
        let at = (0..width / 8).map(|at| match references {
            References::Rows(rows) => (0..4).map(|element| rows[element / 2].clone()).collect(),
            References::Columns(place) => {
                let place = offset(f, place, 4 * (first + 8 * at));
                let [largest, logarithm, change] = [0, 1, 2].map(|which| {
                    let place = offset(f, &place, which * 4 * KEYS);
                    pair(f, &place)
                });
                let pairs = [0, 1].map(|next| {
                    let numbers = [&largest, &logarithm, &change].map(|pair| pair[next].clone());
                    self.reference(f, numbers)
                });
                (0..4).map(|element| pairs[element % 2].clone()).collect()
            }
        });
        at.collect()
    }

    fn finish(&self, f: &mut Function, sums: &[Fragments]) {
        for half in 0..2 {
            let row = self.scores.lanes.row(f, 0, half);
            let is_there = f.cmp("slt", &row, self.row_count());
            f.when(&is_there, |f| {
                for (at, (result, sums)) in self.results.iter().zip(sums).enumerate() {
                    let pairs = sums.iter().map(|sums| {
                        let pair = sums[2 * half..2 * half + 2].iter();
                        let pair = pair.map(|sum| match at {
                            0 => f.same("arith.mulf", &[sum, &self.scores.scale]),
                            _ => sum.clone(),
                        });
                        pair.collect()
                    });
                    let pairs: Vec<_> = pairs.collect();
                    let columns = self.program.tiles()[at].columns;
                    let columns = (&self.scores.lanes.column, columns);
                    store::row(f, result, &row, columns, &pairs);
                }
            });
        }
    }
}

/// Two neighbours in shared memory.
fn pair(f: &mut Function, place: &Value) -> [Value; 2] {
    let pair = f.load(place, "vector<2xf32>", 8);
    [0, 1].map(|at| {
        let at = f.i32(at);
        f.op(
            &format!("llvm.extractelement {pair}[{at} : i32] : vector<2xf32>"),
            "f32",
        )
    })
}

/// Replaces numbers of fragments.
fn each(fragments: &mut Fragments, mut number: impl FnMut(usize, usize, &Value) -> Value) {
    for (at, four) in fragments.iter_mut().enumerate() {
        for (element, value) in four.iter_mut().enumerate() {
            *value = number(at, element, value);
        }
    }
}
