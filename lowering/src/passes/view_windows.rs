//! Replaces operands that are read at `d0 * s + d1 * t` by views that have an axis for each loop, so that maps only
//! select loops. Windows overlap, and so do the elements of such a view.
//!
//! Before:
//! ```mlir
//! linalg.generic {indexing_maps = [(n, o, i, c, k) -> (n, c, i * 2 + k), (o, c, k), (n, o, i)], ...}
//!   ins(%x, %w : memref<1x3x9xf32>, memref<8x3x3xf32>) outs(%y : memref<1x8x4xf32>)
//! ```
//! After:
//! ```mlir
//! %v = memref.reinterpret_cast %x … sizes: [3, 1, 3, 4], strides: [1, 27, 9, 2]
//! linalg.generic {dl.windows, indexing_maps = [(n, o, i, c, k) -> (k, n, c, i), (o, c, k), (n, o, i)], ...}
//!   ins(%v, %w) outs(%y)
//! ```
//! Loops within windows come first and the others stay in order, so that the innermost axis is one of the result's.
//!
//! *Requires*: bufferised ops, whose windowed operands are read only.
//! *Ensures*: maps of generic ops only select loops, where they were sums of loops times constants.
//! *Does not*: copy anything.

use crate::{
    emit::Emitter,
    linalg::{self, Iterator, map},
    view::{self, Mixed},
    walk,
};
use dlc_dialects::{
    ir::{
        edit,
        shape::{self, DYNAMIC},
    },
    pass::{Anchor, PassError, PassInfo},
};
use melior::{
    Context,
    ir::{OperationRef, Value, ValueLike, operation::OperationLike, r#type::MemRefType},
};

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "view-windows",
    summary: "Read windows through views with an axis for each loop",
    anchor: Anchor::Func,
    required: false,
    run,
};

/// An axis of an operand: the sum of loops times factors.
type Sum = Vec<(usize, i64)>;

fn run<'c, 'a>(cx: &'c Context, func: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    for op in walk::named(func, "linalg.generic") {
        if op.result_count() == 0
            && let Some(windows) = Windows::read(op)
        {
            windows.replace(cx, op);
        }
    }
    Ok(())
}

/// A generic op with operands that are read in windows.
struct Windows {
    count: usize,
    iterators: Vec<Iterator>,
    maps: Vec<Vec<Sum>>,
}

impl Windows {
    fn read(op: OperationRef) -> Option<Self> {
        let maps = linalg::expressions(op)?;
        let maps = maps.iter().map(|axes| sums(axes));
        let maps = maps.collect::<Option<Vec<_>>>()?;
        let iterators = linalg::iterators(op)?;
        let windowed = |map: &Vec<Sum>| !map.iter().all(is_loop);
        let (outputs, inputs) = (crate::alias::destination_count(op), maps.len());
        let inputs = inputs.checked_sub(outputs)?;
        (maps[..inputs].iter().any(windowed) && !maps[inputs..].iter().any(windowed)).then_some(
            Self {
                count: iterators.len(),
                iterators,
                maps,
            },
        )
    }

    fn replace<'c, 'a>(&self, cx: &'c Context, op: OperationRef<'c, 'a>) -> Option<()> {
        let e = Emitter::before(cx, op);
        let places = (0..self.count).map(|index| self.place(index));
        let places = places.collect::<Option<Vec<_>>>()?;
        let mut texts = vec![];
        for (i, axes) in self.maps.iter().enumerate() {
            let loops = if axes.iter().all(is_loop) {
                axes.iter().map(|sum| sum[0].0).collect()
            } else {
                let (view, loops) = self.view(&e, op, i, &places)?;
                edit::set_operand(op, i, view);
                loops
            };
            texts.push(map(self.count, &loops));
        }
        let maps = e.attr(&format!("[{}]", texts.join(", ")));
        edit::set_attribute(op, "indexing_maps", maps);
        edit::set_attribute(op, linalg::WINDOWS, e.attr("unit"));
        Some(())
    }

    /// An operand and an axis of it that a loop walks alone.
    fn place(&self, index: usize) -> Option<(usize, usize)> {
        let operands = self.maps.iter().enumerate();
        let mut places = operands.flat_map(|(operand, axes)| {
            let axes = axes.iter().enumerate();
            let alone = axes.filter(|(_, sum)| is_loop(sum) && sum[0].0 == index);
            alone.map(move |(axis, _)| (operand, axis))
        });
        places.next_back()
    }

    /// The view of an operand, and the loop of each of its axes.
    fn view<'c, 'a>(
        &self,
        e: &Emitter<'c, 'a>,
        op: OperationRef<'c, 'a>,
        operand: usize,
        places: &[(usize, usize)],
    ) -> Option<(Value<'c, 'a>, Vec<usize>)> {
        let whole = op.operand(operand).ok()?;
        let ty = MemRefType::try_from(whole.r#type()).ok()?;
        let (strides, offset) = ty.strides_and_offset();
        let parts = view::metadata(e, whole);
        let rank = strides.len();

        // Loops within windows first.
        let axes = self.maps[operand].iter().enumerate();
        let axes = axes.flat_map(|(axis, sum)| sum.iter().map(move |term| (axis, *term)));
        let (within, others): (Vec<_>, Vec<_>) = axes.partition(|(axis, (index, _))| {
            self.maps[operand][*axis].len() > 1 && self.iterators[*index] == Iterator::Reduction
        });
        let axes = [within, others].concat();

        let (mut sizes, mut steps) = (Mixed::default(), Mixed::default());
        for (axis, (index, factor)) in &axes {
            let (operand, at) = places[*index];
            let sized = op.operand(operand).ok()?;
            sizes.push(shape::shape_of(sized)[at], || {
                e.op("memref.dim", &[sized, e.index(at as i64)], e.index_type())
            });
            let known = match strides[*axis] {
                DYNAMIC => DYNAMIC,
                stride => stride * factor,
            };
            steps.push(known, || e.mul(parts[2 + rank + axis], e.index(*factor)));
        }
        let mut offsets = Mixed::default();
        offsets.push(offset, || parts[1]);
        let text = |n: i64| match n {
            DYNAMIC => "?".to_string(),
            n => n.to_string(),
        };
        let shown = |mixed: &Mixed| mixed.known.iter().copied().map(text).collect::<Vec<_>>();
        let ty = e.ty(&format!(
            "memref<{}x{}, strided<[{}], offset: {}>>",
            shown(&sizes).join("x"),
            shape::element_of(whole),
            shown(&steps).join(", "),
            text(offset)
        ));
        let view = view::reinterpreted(e, whole, [offsets, sizes, steps], ty);
        let loops = axes.iter().map(|(_, (index, _))| *index).collect();
        Some((view, loops))
    }
}

fn is_loop(sum: &Sum) -> bool {
    matches!(sum[..], [(_, 1)])
}

/// The sums of a map's axes, such as `d0 * 2 + d1`.
fn sums(axes: &[String]) -> Option<Vec<Sum>> {
    let term = |text: &str| -> Option<(usize, i64)> {
        let (name, factor) = match text.split_once(" * ") {
            Some((name, factor)) => (name, factor.parse().ok()?),
            None => (text, 1),
        };
        Some((name.strip_prefix('d')?.parse().ok()?, factor))
    };
    let axes = axes.iter();
    axes.map(|axis| axis.split(" + ").map(term).collect())
        .collect()
}
