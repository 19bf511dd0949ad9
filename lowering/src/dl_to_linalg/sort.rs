//! The order of elements along an axis: a merge sort from the bottom up, which is stable and takes O(n log n) steps on
//! whatever comes.
//!
//! ```text
//! keys[.., i]   an integer for each element that compares as the element does, the axis moved to the end
//! for each line of keys
//!   short runs are put in order by counting, for each element, those that come before it
//!   while runs are shorter than the line: pairs of runs are merged into scratch, pairs of those back
//! ```
//! For a GPU it is an op that says what is at each place, of which `emit-block-sorts` makes a sort by blocks.

use super::{Lowering, Mapped, refine, shape::extract};
use crate::{
    emit::{Emitter, Int},
    linalg::{self, Access, Generic, Iterator},
    scalar::{self, cmpi, number},
    schedule::{SORT_RUN, Target},
};
use dlc_abi::dim::Poly;
use dlc_dialects::{
    ir::shape::{self, ElementClass, class, width},
    ops,
};
use melior::ir::{Attribute, Type, TypeLike, Value, ValueLike};

/// Keys and the places that they came from: two tensors, with the places of the line at hand in each.
#[derive(Clone)]
struct Side<'c, 'a> {
    tensors: [Value<'c, 'a>; 2],
    line: [Vec<Value<'c, 'a>>; 2],
}

impl<'c, 'a> Side<'c, 'a> {
    fn with(&self, tensors: &[Value<'c, 'a>]) -> Self {
        Self {
            tensors: [tensors[0], tensors[1]],
            line: self.line.clone(),
        }
    }

    fn get(&self, e: &Emitter<'c, 'a>, which: usize, at: Value<'c, 'a>) -> Value<'c, 'a> {
        let place = [&self.line[which][..], &[at]].concat();
        extract(e, self.tensors[which], &place)
    }

    fn put(
        &self,
        e: &Emitter<'c, 'a>,
        at: Value<'c, 'a>,
        values: [Value<'c, 'a>; 2],
    ) -> Vec<Value<'c, 'a>> {
        let put = |which: usize| {
            let whole = self.tensors[which];
            let place = &self.line[which][..];
            let operands = [&[values[which], whole], place, &[at]].concat();
            e.op("tensor.insert", &operands, whole.r#type())
        };
        vec![put(0), put(1)]
    }
}

impl<'c, 'a> Lowering<'c, 'a> {
    /// Where the first, second, … element along an axis lies.
    pub(super) fn argsort(
        &mut self,
        e: &Emitter<'c, 'a>,
        op: ops::Argsort<'c, 'a>,
        ty: Type<'c>,
    ) -> Mapped<'c, 'a> {
        let x = self.get(op.x());
        let axis = op.axis() as usize;
        let dims = refine(x.dims.clone(), ty);
        let mut moved = dims.clone();
        let line = moved.remove(axis);
        moved.push(line.clone());
        // The axis of `moved` that each axis of x is.
        let last = moved.len() - 1;
        let loops = (0..moved.len())
            .map(|i| match i {
                i if i == axis => last,
                i => i - usize::from(i > axis),
            })
            .collect::<Vec<_>>();
        let bits = width(scalar::storage_type(e, x.element));
        let (key, i32) = (e.int_type(bits), e.int_type(32));
        let generic = Generic {
            iterators: vec![Iterator::Parallel; moved.len()],
            inputs: vec![Access {
                value: self.tensor(e, &x),
                loops: loops.clone(),
            }],
            outputs: vec![Access {
                value: self.empty(e, &moved, key),
                loops: (0..moved.len()).collect(),
            }],
            attributes: vec![],
        };
        let keys = generic.build(e, |e, arguments| {
            let key = key_of(e, x.element, arguments[0]);
            vec![match op.descending() {
                true => e.op(
                    "arith.xori",
                    &[key, number(e, key.r#type(), "-1")],
                    key.r#type(),
                ),
                false => key,
            }]
        })[0];
        let places = self.empty(e, &moved, i32);
        let size = self.sizes.value(e, &line);
        let made = match Target::of(self.function).gpu > 0 {
            true => specified(e, keys, size, places),
            false => self.sorted_lines(e, keys, (&moved, size), places),
        };
        let made = Mapped::tensor(i32, moved, made);
        if axis == last {
            return made;
        }
        // Back to where the axis was.
        let mut back = vec![0; loops.len()];
        for (axis, to) in loops.into_iter().enumerate() {
            back[to] = axis;
        }
        self.parallel(e, vec![(made, back)], dims, i32, |_, x| x[0])
    }

    /// The places of all lines in order, one line after the other.
    fn sorted_lines(
        &mut self,
        e: &Emitter<'c, 'a>,
        keys: Value<'c, 'a>,
        (dims, size): (&[Poly], Value<'c, 'a>),
        places: Value<'c, 'a>,
    ) -> Value<'c, 'a> {
        let (key, i32) = (shape::element_of(keys), e.int_type(32));
        let last = dims.len() - 1;
        let scratch = [key, key, i32].map(|ty| self.empty(e, &dims[last..], ty));
        let outer = dims[..last]
            .iter()
            .map(|dim| self.sizes.value(e, dim))
            .collect::<Vec<_>>();
        self.loops(e, &outer, &mut vec![], places, |_, e, line, places| {
            let sorted = Side {
                tensors: [scratch[0], places],
                line: [vec![], line.to_vec()],
            };
            let spare = Side {
                tensors: [scratch[1], scratch[2]],
                line: [vec![], vec![]],
            };
            let sorted = short_runs(e, keys, line, size, sorted);
            merged(e, size, sorted, spare)
        })
    }
}

/// Where the elements of each line lie that come first, second, …, as an op that says so.
fn specified<'c, 'a>(
    e: &Emitter<'c, 'a>,
    keys: Value<'c, 'a>,
    size: Value<'c, 'a>,
    places: Value<'c, 'a>,
) -> Value<'c, 'a> {
    let rank = shape::shape_of(places).len();
    let generic = Generic {
        iterators: vec![Iterator::Parallel; rank],
        inputs: vec![],
        outputs: vec![Access {
            value: places,
            loops: (0..rank).collect(),
        }],
        attributes: vec![(linalg::SORT, Attribute::unit(e.context()))],
    };
    generic.build(e, |e, _| {
        let line = (0..rank - 1).map(|axis| linalg::index(e, axis));
        let (line, at) = (line.collect::<Vec<_>>(), linalg::index(e, rank - 1));
        let (zero, one) = (e.index(0), e.index(1));
        let found = e.for_loop((zero, size, one), &[zero], |e, i, found| {
            let key = extract(e, keys, &[&line[..], &[i]].concat());
            let before = before(e, (keys, &line), (zero, size), (i, key));
            vec![e.select(e.cmp(Int::Eq, before, at), i, found[0])]
        })[0];
        vec![e.op("arith.index_cast", &[found], e.int_type(32))]
    })[0]
}

/// A signed integer that compares as an element does: 0 and -0 alike, every NaN alike and greater than all numbers.
pub(super) fn key_of<'c, 'a>(
    e: &Emitter<'c, 'a>,
    element: Type<'c>,
    stored: Value<'c, 'a>,
) -> Value<'c, 'a> {
    let key = e.int_type(width(stored.r#type()));
    let bits = width(key);
    let apply = |op: &str, a, b| e.op(op, &[a, b], key);
    let constant = |value: i128| number(e, key, &value.to_string());
    let greatest = (1i128 << (bits - 1)) - 1;
    match class(element) {
        ElementClass::Bool | ElementClass::Signed => stored,
        ElementClass::Unsigned => apply("arith.xori", stored, constant(-greatest - 1)),
        ElementClass::Float => {
            let raw = e.op("arith.bitcast", &[stored], key);
            let size = apply("arith.andi", raw, constant(greatest));
            let infinity = constant(infinity_of(element));
            let is_zero = cmpi(e, "eq", size, constant(0));
            let is_nan = cmpi(e, "sgt", size, infinity);
            // The sizes of negative numbers count downwards.
            let sign = apply("arith.shrsi", raw, constant(i128::from(bits) - 1));
            let turned = apply("arith.andi", sign, constant(greatest));
            let ordered = apply("arith.xori", raw, turned);
            let number = e.select(is_zero, constant(0), ordered);
            e.select(is_nan, constant(greatest), number)
        }
    }
}

/// The bits of the infinity of a float type.
fn infinity_of(element: Type) -> i128 {
    match width(element) {
        64 => 0x7ff0_0000_0000_0000,
        32 => 0x7f80_0000,
        _ if element.is_bf16() => 0x7f80,
        _ => 0x7c00,
    }
}

/// Runs of `SORT_RUN` elements of a line, each put in order: an element goes where as many come before it.
fn short_runs<'c, 'a>(
    e: &Emitter<'c, 'a>,
    keys: Value<'c, 'a>,
    line: &[Value<'c, 'a>],
    size: Value<'c, 'a>,
    into: Side<'c, 'a>,
) -> Side<'c, 'a> {
    let one = e.index(1);
    let bounds = (e.index(0), size, e.index(SORT_RUN));
    let made = e.for_loop(bounds, &into.tensors, |e, low, carried| {
        let high = e.min(e.plus(low, SORT_RUN), size);
        e.for_loop((low, high, one), carried, |e, i, carried| {
            let key = extract(e, keys, &[line, &[i]].concat());
            let before = before(e, (keys, line), (low, high), (i, key));
            let from = e.op("arith.index_cast", &[i], e.int_type(32));
            into.with(carried).put(e, e.add(low, before), [key, from])
        })
    });
    into.with(&made)
}

/// How many elements of a part of a line come before one of them, whose key is known.
fn before<'c, 'a>(
    e: &Emitter<'c, 'a>,
    (keys, line): (Value<'c, 'a>, &[Value<'c, 'a>]),
    (low, high): (Value<'c, 'a>, Value<'c, 'a>),
    (i, key): (Value<'c, 'a>, Value<'c, 'a>),
) -> Value<'c, 'a> {
    e.for_loop((low, high, e.index(1)), &[e.index(0)], |e, j, count| {
        let other = extract(e, keys, &[line, &[j]].concat());
        let ties = e.cmp(Int::Slt, j, i);
        let earlier = e.select(ties, cmpi(e, "sle", other, key), cmpi(e, "slt", other, key));
        let more = e.op("arith.index_castui", &[earlier], e.index_type());
        vec![e.add(count[0], more)]
    })[0]
}

/// The places of a line in order, from its sorted runs: each round merges four runs to one, by way of `spare`.
fn merged<'c, 'a>(
    e: &Emitter<'c, 'a>,
    size: Value<'c, 'a>,
    sorted: Side<'c, 'a>,
    spare: Side<'c, 'a>,
) -> Value<'c, 'a> {
    let rounds = e.while_loop(
        &[e.index(SORT_RUN), e.index(0)],
        |e, carried| e.cmp(Int::Slt, carried[0], size),
        |e, carried| vec![e.mul(carried[0], e.index(4)), e.plus(carried[1], 1)],
    )[1];
    let start = [&[e.index(SORT_RUN)], &sorted.tensors[..], &spare.tensors].concat();
    let bounds = (e.index(0), rounds, e.index(1));
    e.for_loop(bounds, &start, |e, _, carried| {
        let width = carried[0];
        let doubled = e.mul(width, e.index(2));
        let here = sorted.with(&carried[1..3]);
        let there = merge(e, size, width, &here, spare.with(&carried[3..]));
        let here = merge(e, size, doubled, &there, here);
        let next = e.mul(width, e.index(4));
        [&[next], &here.tensors[..], &there.tensors].concat()
    })[2]
}

/// Pairs of runs of `width` elements of one side, merged into the other.
fn merge<'c, 'a>(
    e: &Emitter<'c, 'a>,
    size: Value<'c, 'a>,
    width: Value<'c, 'a>,
    from: &Side<'c, 'a>,
    into: Side<'c, 'a>,
) -> Side<'c, 'a> {
    let (one, last) = (e.index(1), e.sub(size, e.index(1)));
    let pair = e.add(width, width);
    let made = e.for_loop(
        (e.index(0), size, pair),
        &into.tensors,
        |e, low, carried| {
            let middle = e.min(e.add(low, width), size);
            let high = e.min(e.add(low, pair), size);
            let start = [&[low, middle], carried].concat();
            let made = e.for_loop((low, high, one), &start, |e, at, carried| {
                let (i, j) = (carried[0], carried[1]);
                // What is read past a run's end is not used, but has to be there.
                let left = from.get(e, 0, e.min(i, last));
                let right = from.get(e, 0, e.min(j, last));
                let bool = e.int_type(1);
                let some_left = e.cmp(Int::Slt, i, middle);
                let none_right = e.cmp(Int::Sge, j, high);
                let first = cmpi(e, "sle", left, right);
                let first = e.op("arith.ori", &[none_right, first], bool);
                let takes_left = e.op("arith.andi", &[some_left, first], bool);
                let key = e.select(takes_left, left, right);
                let place = from.get(e, 1, e.select(takes_left, i, j));
                let step = e.op("arith.index_castui", &[takes_left], e.index_type());
                let next_j = e.add(j, e.sub(one, step));
                let put = into.with(&carried[2..]).put(e, at, [key, place]);
                [&[e.add(i, step), next_j], &put[..]].concat()
            });
            made[2..].to_vec()
        },
    );
    into.with(&made)
}
