//! Sorts by blocks. A block takes lines, or a part of one, to its shared memory, with the place of each element behind its key, so that
//! no two are alike; puts them in order by a bitonic network (Batcher, "Sorting networks and their applications", 1968); and stores the
//! places. Parts of longer lines are merged in pairs by kernels, a thread for each place of the result, which looks for what
//! comes there by bisection (Odeh et al., "Merge path", 2012).

use super::{barrier, give_to_block, shared, thread};
use crate::{
    emit::{Emitter, Int},
    linalg,
    scalar::number,
    schedule::gpu::{SORT_THREADS, SORT_TILE},
    tasks, view, walk,
};
use dlc_dialects::ir::shape::{self, DYNAMIC, width};
use melior::ir::{
    OperationRef, Type, Value, ValueLike, attribute::IntegerAttribute, operation::OperationLike,
};

/// A sort.
pub struct Sort<'c, 'a> {
    /// Signed integers in the order of the elements.
    keys: Value<'c, 'a>,
    /// Where the elements lie that come first, second, … on the last axis.
    places: Value<'c, 'a>,
}

/// How lines are cut, at run time.
#[derive(Clone, Copy)]
struct Cut<'c, 'a> {
    /// Elements of a line.
    line: Value<'c, 'a>,
    /// Slots that an element of a line or part can be in, a power of two, and its logarithm.
    slots: Value<'c, 'a>,
    log: Value<'c, 'a>,
    /// Parts of a line, and of all lines.
    parts: Value<'c, 'a>,
    all: Value<'c, 'a>,
    /// Parts that a block has.
    own: Value<'c, 'a>,
}

/// Where a slot's element lies.
struct Spot<'c, 'a> {
    /// Whether there is one.
    some: Value<'c, 'a>,
    line: Vec<Value<'c, 'a>>,
    place: Value<'c, 'a>,
}

impl<'c: 'a, 'a> Sort<'c, 'a> {
    /// Of an op that is marked as one.
    pub fn read(op: OperationRef<'c, 'a>) -> Option<Self> {
        if !op.has_attribute(linalg::SORT) {
            return None;
        }
        let load = walk::named(op, "memref.load").into_iter().next()?;
        Some(Self {
            keys: load.operand(0).ok()?,
            places: op.operand(0).ok()?,
        })
    }

    /// Writes it.
    pub fn write(&self, e: &Emitter<'c, 'a>) {
        let sizes = self.sizes(e);
        let last = sizes.len() - 1;
        let line = sizes[last];
        let (zero, one) = (e.index(0), e.index(1));
        let lines = sizes[..last].iter().copied().reduce(|a, b| e.mul(a, b));
        let parts = e.ceil_div(line, SORT_TILE);
        let all = e.mul(lines.unwrap_or(one), parts);
        let log = self.log(e, line);
        let own = e.op("arith.shrui", &[e.index(SORT_TILE), log], line.r#type());
        let cut = Cut {
            line,
            slots: e.op("arith.shli", &[one, log], line.r#type()),
            log,
            parts,
            all,
            own,
        };
        let count = e.div(e.sub(e.add(all, own), one), own);
        let blocks = e.plain_loop((zero, count, one), |e, block| self.block(e, &cut, block));
        tasks::mark(e, blocks, true);
        give_to_block(e, blocks, SORT_THREADS);
        if self.known_line().is_none_or(|line| line > SORT_TILE) {
            self.merge_all(e, &sizes);
        }
    }

    fn known_line(&self) -> Option<i64> {
        let line = shape::shape_of(self.places).pop();
        line.filter(|line| *line != DYNAMIC)
    }

    fn sizes(&self, e: &Emitter<'c, 'a>) -> Vec<Value<'c, 'a>> {
        let rank = shape::shape_of(self.places).len();
        let axes = 0..rank;
        axes.map(|axis| view::size(e, self.places, axis)).collect()
    }

    /// The logarithm of the slots of a line or part.
    fn log(&self, e: &Emitter<'c, 'a>, line: Value<'c, 'a>) -> Value<'c, 'a> {
        if let Some(known) = self.known_line() {
            let slots = (known.clamp(1, SORT_TILE) as u64).next_power_of_two();
            return e.index(slots.trailing_zeros().into());
        }
        let wanted = e.min(line, e.index(SORT_TILE));
        let slots = |e: &Emitter<'c, 'a>, log| e.op("arith.shli", &[e.index(1), log], log.r#type());
        e.while_loop(
            &[e.index(0)],
            |e, log| e.cmp(Int::Slt, slots(e, log[0]), wanted),
            |e, log| vec![e.plus(log[0], 1)],
        )[0]
    }

    fn block(&self, e: &Emitter<'c, 'a>, cut: &Cut<'c, 'a>, block: Value<'c, 'a>) {
        let memory = Slots::new(e, shape::element_of(self.keys));
        let thread = thread(e);
        let first = e.mul(block, cut.own);
        let parts = e.min(cut.own, e.sub(cut.all, first));
        let used = e.op("arith.shli", &[parts, cut.log], parts.r#type());
        let each = (thread, used, e.index(SORT_THREADS));
        e.plain_loop(each, |e, slot| {
            let spot = self.spot(e, cut, first, slot);
            let types = memory.types();
            let load = |e: &Emitter<'c, 'a>| {
                let operands = [&[self.keys], &spot.line[..], &[spot.place]].concat();
                let key = e.op("memref.load", &operands, shape::element_of(self.keys));
                memory.entry(e, key, spot.place)
            };
            let entry = e.if_else(spot.some, &types, load, |e| memory.last(e));
            memory.put(e, slot, &entry);
        });
        barrier(e);
        self.network(e, cut, &memory, (thread, used));
        e.plain_loop(each, |e, slot| {
            let spot = self.spot(e, cut, first, slot);
            e.if_then(spot.some, |e| {
                let place = memory.place(e, &memory.get(e, slot));
                let operands = [&[place, self.places], &spot.line[..], &[spot.place]].concat();
                e.effect("memref.store", &operands, &[]);
            });
        });
    }

    /// Where the element of a slot lies, of a block whose first part is known.
    fn spot(
        &self,
        e: &Emitter<'c, 'a>,
        cut: &Cut<'c, 'a>,
        first: Value<'c, 'a>,
        slot: Value<'c, 'a>,
    ) -> Spot<'c, 'a> {
        let index = e.index_type();
        let own = e.op("arith.shrui", &[slot, cut.log], index);
        let inner = e.sub(slot, e.op("arith.shli", &[own, cut.log], index));
        let part = e.add(first, own);
        let (line, before) = match self.known_line() {
            Some(known) if known <= SORT_TILE => (part, e.index(0)),
            _ => {
                let within = e.op("arith.remui", &[part, cut.parts], index);
                (e.div(part, cut.parts), e.mul(within, e.index(SORT_TILE)))
            }
        };
        let place = e.add(before, inner);
        let sizes = self.sizes(e);
        let mut left = line;
        let mut indices = vec![];
        for (axis, size) in sizes[..sizes.len() - 1].iter().enumerate().rev() {
            indices.push(match axis {
                0 => left,
                _ => e.op("arith.remui", &[left, *size], index),
            });
            left = e.div(left, *size);
        }
        indices.reverse();
        Spot {
            some: e.cmp(Int::Slt, place, cut.line),
            line: indices,
            place,
        }
    }

    /// Puts the slots of each part in order.
    fn network(
        &self,
        e: &Emitter<'c, 'a>,
        cut: &Cut<'c, 'a>,
        memory: &Slots<'c, 'a>,
        (thread, used): (Value<'c, 'a>, Value<'c, 'a>),
    ) {
        let word = e.int_type(32);
        let short = |value| e.op("arith.index_castui", &[value], word);
        let constant = |e: &Emitter<'c, 'a>, value: i64| {
            e.constant(word, IntegerAttribute::new(word, value).into())
        };
        let (zero, one) = (e.index(0), e.index(1));
        let inside = e.sub(short(cut.slots), constant(e, 1));
        let pairs = (
            short(thread),
            e.op("arith.shrui", &[short(used), constant(e, 1)], word),
            constant(e, SORT_THREADS),
        );
        e.plain_loop((zero, cut.log, one), |e, stage| {
            e.plain_loop((zero, e.plus(stage, 1), one), |e, step| {
                let bit = |e: &Emitter<'c, 'a>, log: Value<'c, 'a>| {
                    let log = e.op("arith.index_castui", &[log], word);
                    e.op("arith.shli", &[constant(e, 1), log], word)
                };
                let distance = bit(e, e.sub(stage, step));
                let run = bit(e, e.plus(stage, 1));
                e.plain_loop(pairs, |e, pair| {
                    let and = |a, b| e.op("arith.andi", &[a, b], word);
                    let low = and(pair, e.sub(distance, constant(e, 1)));
                    let first = e.add(e.sub(pair, low), pair);
                    // Runs go up and down in turn, but for the last, which is the part.
                    let falls = and(and(first, inside), run);
                    let rises = e.cmp(Int::Eq, falls, constant(e, 0));
                    let index = |value| e.op("arith.index_castui", &[value], e.index_type());
                    let (at, other) = (index(first), index(e.add(first, distance)));
                    let (x, y) = (memory.get(e, at), memory.get(e, other));
                    let swaps = e.cmp(Int::Eq, memory.greater(e, &x, &y), rises);
                    e.if_then(swaps, |e| {
                        memory.put(e, at, &y);
                        memory.put(e, other, &x);
                    });
                });
                barrier(e);
            });
        });
    }

    /// Merges the parts of lines: each round makes one of four, by way of other memory.
    fn merge_all(&self, e: &Emitter<'c, 'a>, sizes: &[Value<'c, 'a>]) {
        let line = sizes[sizes.len() - 1];
        let known = shape::shape_of(self.places);
        let unknown = known.iter().zip(sizes);
        let unknown = unknown.filter(|(known, _)| **known == DYNAMIC);
        let unknown = unknown.map(|(_, size)| *size).collect::<Vec<_>>();
        let text = |known: &i64| match *known {
            DYNAMIC => "?x".to_string(),
            known => format!("{known}x"),
        };
        let dims = known.iter().map(text).collect::<String>();
        let spare = e.alloc(&unknown, &format!("memref<{dims}i32>"));
        for memory in [spare, self.places] {
            tasks::share_buffer(e, memory);
        }
        let four = |e: &Emitter<'c, 'a>, width| e.mul(width, e.index(4));
        let rounds = e.while_loop(
            &[e.index(SORT_TILE), e.index(0)],
            |e, carried| e.cmp(Int::Slt, carried[0], line),
            |e, carried| vec![four(e, carried[0]), e.plus(carried[1], 1)],
        )[1];
        let bounds = (e.index(0), rounds, e.index(1));
        e.for_loop(bounds, &[e.index(SORT_TILE)], |e, _, width| {
            let doubled = e.mul(width[0], e.index(2));
            self.merge(e, sizes, width[0], [self.places, spare]);
            self.merge(e, sizes, doubled, [spare, self.places]);
            vec![four(e, width[0])]
        });
    }

    /// Merges pairs of parts of `width` elements of one memory into another.
    fn merge(
        &self,
        e: &Emitter<'c, 'a>,
        sizes: &[Value<'c, 'a>],
        width: Value<'c, 'a>,
        between: [Value<'c, 'a>; 2],
    ) {
        self.each(e, sizes, &mut vec![], &|e, place| {
            let (line, at) = place.split_at(place.len() - 1);
            let found = self.merged(e, width, between[0], (line, at[0], sizes[line.len()]));
            let operands = [&[found, between[1]], place].concat();
            e.effect("memref.store", &operands, &[]);
        });
    }

    /// Goes through all places, a thread each.
    fn each(
        &self,
        e: &Emitter<'c, 'a>,
        sizes: &[Value<'c, 'a>],
        place: &mut Vec<Value<'c, 'a>>,
        body: &dyn Fn(&Emitter<'c, 'a>, &[Value<'c, 'a>]),
    ) {
        let Some(size) = sizes.get(place.len()) else {
            return body(e, place);
        };
        e.parallel_loop((e.index(0), *size, e.index(1)), |e, index| {
            place.push(index);
            self.each(e, sizes, place, body);
        });
    }

    /// What comes to a place of a line when its pair of parts is merged.
    fn merged(
        &self,
        e: &Emitter<'c, 'a>,
        width: Value<'c, 'a>,
        from: Value<'c, 'a>,
        (line, at, size): (&[Value<'c, 'a>], Value<'c, 'a>, Value<'c, 'a>),
    ) -> Value<'c, 'a> {
        let i32 = e.int_type(32);
        let place =
            |e: &Emitter<'c, 'a>, at| e.op("memref.load", &[&[from], line, &[at]].concat(), i32);
        let key = |e: &Emitter<'c, 'a>, place| {
            let place = e.op("arith.index_castui", &[place], e.index_type());
            let operands = [&[self.keys], line, &[place]].concat();
            e.op("memref.load", &operands, shape::element_of(self.keys))
        };
        let pair = e.add(width, width);
        let low = e.mul(e.div(at, pair), pair);
        let middle = e.min(e.add(low, width), size);
        let high = e.min(e.add(low, pair), size);
        let before = e.sub(at, low);
        // How many of those before come from the left part.
        let least = e.max(e.sub(before, e.sub(high, middle)), e.index(0));
        let most = e.min(before, e.sub(middle, low));
        let left = e.while_loop(
            &[least, most],
            |e, carried| e.cmp(Int::Slt, carried[0], carried[1]),
            |e, carried| {
                let half = e.div(e.add(carried[0], carried[1]), e.index(2));
                let other = e.sub(e.sub(before, half), e.index(1));
                let a = key(e, place(e, e.add(low, half)));
                let b = key(e, place(e, e.add(middle, other)));
                let more = e.cmp(Int::Sle, a, b);
                vec![
                    e.select(more, e.plus(half, 1), carried[0]),
                    e.select(more, carried[1], half),
                ]
            },
        )[0];
        let (i, j) = (e.add(low, left), e.sub(e.add(middle, before), left));
        // What is read past a part's end is not used, but has to be there.
        let last = e.sub(high, e.index(1));
        let (a, b) = (place(e, e.min(i, last)), place(e, e.min(j, last)));
        let bool = e.int_type(1);
        let none_right = e.cmp(Int::Sge, j, high);
        let first = e.cmp(Int::Sle, key(e, a), key(e, b));
        let first = e.op("arith.ori", &[none_right, first], bool);
        let some_left = e.cmp(Int::Slt, i, middle);
        let takes_left = e.op("arith.andi", &[some_left, first], bool);
        e.select(takes_left, a, b)
    }
}

/// A block's slots: each holds a key and a place, in one number where that is wide enough.
struct Slots<'c, 'a> {
    memory: Vec<Value<'c, 'a>>,
}

/// Bits of a place.
const PLACE: u32 = 32;

impl<'c: 'a, 'a> Slots<'c, 'a> {
    fn new(e: &Emitter<'c, 'a>, key: Type<'c>) -> Self {
        let memory = |name: &str, bits| {
            let name = format!("sort_{name}");
            shared::memory(e, &name, &[SORT_TILE], e.int_type(bits))
        };
        let memory = match width(key) {
            64 => vec![memory("keys", 64), memory("places", PLACE)],
            _ => vec![memory("entries", 64)],
        };
        Self { memory }
    }

    fn types(&self) -> Vec<Type<'c>> {
        let types = self.memory.iter();
        types.map(|memory| shape::element_of(*memory)).collect()
    }

    fn entry(
        &self,
        e: &Emitter<'c, 'a>,
        key: Value<'c, 'a>,
        place: Value<'c, 'a>,
    ) -> Vec<Value<'c, 'a>> {
        let place = e.op("arith.index_castui", &[place], e.int_type(PLACE));
        if self.memory.len() > 1 {
            return vec![key, place];
        }
        let long = e.int_type(64);
        let key = e.op("arith.extsi", &[key], long);
        let by = number(e, long, &PLACE.to_string());
        let key = e.op("arith.shli", &[key, by], long);
        let place = e.op("arith.extui", &[place], long);
        vec![e.op("arith.ori", &[key, place], long)]
    }

    /// What comes after all elements.
    fn last(&self, e: &Emitter<'c, 'a>) -> Vec<Value<'c, 'a>> {
        let greatest = |ty| number(e, ty, &((1i128 << (width(ty) - 1)) - 1).to_string());
        self.types().into_iter().map(greatest).collect()
    }

    fn get(&self, e: &Emitter<'c, 'a>, slot: Value<'c, 'a>) -> Vec<Value<'c, 'a>> {
        let load = |memory: &Value<'c, 'a>| {
            e.op("memref.load", &[*memory, slot], shape::element_of(*memory))
        };
        self.memory.iter().map(load).collect()
    }

    fn put(&self, e: &Emitter<'c, 'a>, slot: Value<'c, 'a>, entry: &[Value<'c, 'a>]) {
        for (memory, value) in self.memory.iter().zip(entry) {
            e.effect("memref.store", &[*value, *memory, slot], &[]);
        }
    }

    fn greater(
        &self,
        e: &Emitter<'c, 'a>,
        x: &[Value<'c, 'a>],
        y: &[Value<'c, 'a>],
    ) -> Value<'c, 'a> {
        let bool = e.int_type(1);
        let greater = |i: usize| e.cmp(Int::Sgt, x[i], y[i]);
        match x.len() {
            1 => greater(0),
            _ => {
                let same = e.cmp(Int::Eq, x[0], y[0]);
                let later = e.op("arith.andi", &[same, greater(1)], bool);
                e.op("arith.ori", &[greater(0), later], bool)
            }
        }
    }

    fn place(&self, e: &Emitter<'c, 'a>, entry: &[Value<'c, 'a>]) -> Value<'c, 'a> {
        match entry {
            [both] => e.op("arith.trunci", &[*both], e.int_type(PLACE)),
            _ => entry[1],
        }
    }
}
