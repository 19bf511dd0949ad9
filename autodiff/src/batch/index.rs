//! Reading and writing at indices. Where the indices of elements are their own, the batch and the axes that are
//! indexed become one axis of rows, in which a row of an element lies at one index:
//!
//! ```text
//! take(x[b, n, ..], ids[b, ..]) = take(x[b n, ..], clamp(ids) + n b)
//! ```
//!
//! An index is brought into its element's range before, so that none reaches into another element.

use super::{
    number::counted,
    shape::{behind, move_axis, result_type, transposed},
    values::Batcher,
};
use dlc_dialects::{
    ir::{
        builder::{Builder, Dim, dynamic, type_shape},
        shape::{ElementClass, class, element_of, shape_of, tensor},
    },
    ops::{OpKind, Scatter, ScatterAddAlongAxis, Slice, Take, TakeAlongAxis, UpdateSlice, build},
    pass::PassError,
};
use melior::ir::{Value, ValueLike};

type Given<'c, 'a> = Result<Value<'c, 'a>, PassError<'c>>;

/// A batch of tensors whose first axes, the batch's own among them, are one axis of rows.
struct Rows<'c, 'a> {
    value: Value<'c, 'a>,
    /// From the tensor's axes to those that were joined and the others.
    permutation: Vec<i64>,
    /// The dims in that order.
    dims: Vec<Dim<'c, 'a>>,
    joined: usize,
}

impl<'c, 'a> Rows<'c, 'a> {
    /// Those of a tensor along axes.
    fn of(b: &Builder<'c, 'a>, x: Value<'c, 'a>, axes: &[i64]) -> Self {
        let rank = shape_of(x).len() as i64;
        let others = (0..rank).filter(|axis| !axes.contains(axis));
        let permutation = axes.iter().copied().chain(others).collect::<Vec<_>>();
        let value = transposed(b, x, &permutation);
        let dims = b.dims(value);
        let joined = axes.len();
        let count = product(b, &dims[..joined]);
        let value = b.reshape(value, &[&[count], &dims[joined..]].concat());
        Self {
            value,
            permutation,
            dims,
            joined,
        }
    }

    /// The tensor of other rows.
    fn back(&self, b: &Builder<'c, 'a>, rows: Value<'c, 'a>) -> Value<'c, 'a> {
        let inverse = crate::rules::shape::inverse(&self.permutation);
        transposed(b, b.reshape(rows, &self.dims), &inverse)
    }

    /// Indices of rows from indices along each axis that was joined, all of one shape.
    fn indices(&self, at: &Batcher<'c, 'a>, of_axes: &[Value<'c, 'a>]) -> Value<'c, 'a> {
        let b = at.builder;
        let pairs = of_axes.iter().zip(&self.dims[..self.joined]);
        let mut pairs = pairs.map(|(index, dim)| (*index, *dim));
        let (first, _) = pairs.next().expect("an axis is indexed");
        pairs.fold(first, |row, (index, dim)| {
            let size = at.filled(dim, &b.dims(row));
            let before = b.elementwise(OpKind::Mul, &[row, size]);
            b.elementwise(OpKind::Add, &[before, index])
        })
    }
}

fn product<'c, 'a>(b: &Builder<'c, 'a>, dims: &[Dim<'c, 'a>]) -> Dim<'c, 'a> {
    let dims = dims.iter().copied();
    dims.fold(Dim::Static(1), |product, dim| b.dim_mul(product, dim))
}

/// Indices inside an axis, of type `i64`: negative ones counted from the end, others brought to the nearest inside.
fn inside<'c, 'a>(at: &Batcher<'c, 'a>, ids: Value<'c, 'a>, size: Dim<'c, 'a>) -> Value<'c, 'a> {
    let b = at.builder;
    let dims = b.dims(ids);
    let element = element_of(ids);
    let size = at.filled(size, &dims);
    if class(element) == ElementClass::Unsigned {
        // Compared as they are, since the greatest have no `i64`.
        let one = b.full(&dims, at.i64(), "1");
        let last = b.elementwise(OpKind::Sub, &[size, one]);
        let wide = match element.to_string().as_str() {
            "ui64" => b.convert(last, element),
            _ => return b.elementwise(OpKind::Minimum, &[b.convert(ids, at.i64()), last]),
        };
        let ids = b.elementwise(OpKind::Minimum, &[ids, wide]);
        return b.convert(ids, at.i64());
    }
    let ids = b.convert(ids, at.i64());
    let zero = b.full(&dims, at.i64(), "0");
    let negative = b.elementwise(OpKind::Less, &[ids, zero]);
    let from_end = b.elementwise(OpKind::Add, &[ids, size]);
    let ids = b.elementwise(OpKind::Select, &[negative, from_end, ids]);
    clamped(at, ids, size)
}

/// Indices brought to the nearest inside an axis of a size, which is given for each.
fn clamped<'c, 'a>(at: &Batcher<'c, 'a>, ids: Value<'c, 'a>, size: Value<'c, 'a>) -> Value<'c, 'a> {
    let b = at.builder;
    let dims = b.dims(ids);
    let one = b.full(&dims, at.i64(), "1");
    let last = b.elementwise(OpKind::Sub, &[size, one]);
    let low = b.elementwise(OpKind::Minimum, &[ids, last]);
    let zero = b.full(&dims, at.i64(), "0");
    b.elementwise(OpKind::Maximum, &[low, zero])
}

fn taken<'c, 'a>(
    b: &Builder<'c, 'a>,
    x: Value<'c, 'a>,
    ids: Value<'c, 'a>,
    axis: i64,
) -> Value<'c, 'a> {
    let (at, mut shape) = (axis as usize, shape_of(x));
    shape.splice(at..=at, shape_of(ids));
    let ty = tensor(&shape, element_of(x));
    b.value(build::take(b.context, x, ids, axis, ty, b.location))
}

/// `dl.take`.
pub(super) fn take<'c, 'a>(at: &Batcher<'c, 'a>, op: Take<'c, 'a>) -> Value<'c, 'a> {
    let b = at.builder;
    let (x, ids, axis) = (at.value(op.x()), at.value(op.ids()), op.axis());
    match (at.is_batched(op.x()), at.is_batched(op.ids())) {
        (true, false) => taken(&b, x, ids, axis + 1),
        (false, _) => move_axis(&b, taken(&b, x, ids, axis), axis, 0),
        (true, true) => {
            let rows = Rows::of(&b, x, &[0, axis + 1]);
            let of_ids = b.dims(ids);
            let places = [counted(at, &of_ids, 0), inside(at, ids, rows.dims[1])];
            let y = taken(&b, rows.value, rows.indices(at, &places), 0);
            // The batch, the axes of ids, those before the axis, those behind it.
            let (before, places) = (axis, of_ids.len() as i64 - 1);
            let rank = shape_of(y).len() as i64;
            let order = std::iter::once(0)
                .chain(1 + places..1 + places + before)
                .chain(1..1 + places)
                .chain(1 + places + before..rank);
            transposed(&b, y, &order.collect::<Vec<_>>())
        }
    }
}

/// `dl.scatter`.
pub(super) fn scatter<'c, 'a>(at: &Batcher<'c, 'a>, op: Scatter<'c, 'a>) -> Given<'c, 'a> {
    let b = at.builder;
    let (x, updates) = (at.batched(op.x())?, at.batched(op.updates())?);
    let (ids, axis) = (at.value(op.ids()), op.axis());
    let scatter = |x: Value<'c, 'a>, ids, updates, axis| {
        let (cx, ty) = (b.context, x.r#type());
        b.value(build::scatter(
            cx,
            x,
            ids,
            updates,
            op.kind(),
            axis,
            ty,
            b.location,
        ))
    };
    if !at.is_batched(op.ids()) {
        return Ok(scatter(x, ids, updates, axis + 1));
    }
    let rows = Rows::of(&b, x, &[0, axis + 1]);
    let of_ids = b.dims(ids);
    let places = [counted(at, &of_ids, 0), inside(at, ids, rows.dims[1])];
    // Of the updates the batch and the axes of ids come first, as they do in what rows are taken.
    let (before, count) = (axis, of_ids.len() as i64 - 1);
    let rank = shape_of(updates).len() as i64;
    let order = std::iter::once(0)
        .chain(1 + before..1 + before + count)
        .chain(1..1 + before)
        .chain(1 + before + count..rank);
    let updates = transposed(&b, updates, &order.collect::<Vec<_>>());
    let y = scatter(rows.value, rows.indices(at, &places), updates, 0);
    Ok(rows.back(&b, y))
}

/// `dl.take_along_axis`.
pub(super) fn take_along_axis<'c, 'a>(
    at: &Batcher<'c, 'a>,
    op: TakeAlongAxis<'c, 'a>,
) -> Given<'c, 'a> {
    let b = at.builder;
    let (x, ids) = (at.batched(op.x())?, at.batched(op.ids())?);
    let ty = result_type(at, op.0);
    Ok(b.value(build::take_along_axis(
        b.context,
        x,
        ids,
        op.axis() + 1,
        ty,
        b.location,
    )))
}

/// `dl.scatter_add_along_axis`.
pub(super) fn scatter_add_along_axis<'c, 'a>(
    at: &Batcher<'c, 'a>,
    op: ScatterAddAlongAxis<'c, 'a>,
) -> Given<'c, 'a> {
    let b = at.builder;
    let (x, ids) = (at.batched(op.x())?, at.batched(op.ids())?);
    let (updates, axis) = (at.batched(op.updates())?, op.axis() + 1);
    let (cx, ty) = (b.context, result_type(at, op.0));
    Ok(b.value(build::scatter_add_along_axis(
        cx, x, ids, updates, axis, ty, b.location,
    )))
}

/// `dl.slice`.
pub(super) fn slice<'c, 'a>(at: &Batcher<'c, 'a>, op: Slice<'c, 'a>) -> Given<'c, 'a> {
    let dims = at.dims_of_result(op.0, &op.sizes())?;
    let x = at.value(op.x());
    let starts = op.starts();
    let strides = op.strides();
    Ok(read(
        at,
        (x, at.is_batched(op.x())),
        &dims,
        (&starts, &strides),
    ))
}

/// The axes along which elements have starts of their own.
fn moving<'c, 'a>(at: &Batcher<'c, 'a>, starts: &[Value<'c, 'a>]) -> Vec<usize> {
    let is_batched = |axis: &usize| at.is_batched(starts[*axis]);
    (0..starts.len()).filter(is_batched).collect()
}

/// What lies at starts and strides in tensors, as elements of `dims`.
fn read<'c, 'a>(
    at: &Batcher<'c, 'a>,
    (x, is_batched): (Value<'c, 'a>, bool),
    dims: &[Dim<'c, 'a>],
    (starts, strides): (&[Value<'c, 'a>], &[i64]),
) -> Value<'c, 'a> {
    let b = at.builder;
    let moving = moving(at, starts);
    let offset = usize::from(is_batched);
    let mut shape = b.dims(x);
    let mut all_starts = vec![b.index(0); offset];
    let mut all_strides = vec![1; offset];
    let mut whole = true;
    for (axis, start) in starts.iter().enumerate() {
        let moves = moving.contains(&axis);
        let size = shape[axis + offset];
        all_starts.push(if moves { b.index(0) } else { at.value(*start) });
        all_strides.push(if moves { 1 } else { strides[axis] });
        if !moves && size != dims[axis] {
            shape[axis + offset] = dims[axis];
            whole = false;
        }
        // A start at the front of an axis that is taken whole is zero.
        whole &= moves || matches!(dims[axis], Dim::Static(_));
    }
    let x = match whole {
        true => x,
        false => b.value(build::slice(
            b.context,
            x,
            &all_starts,
            &dynamic(&shape),
            &all_strides,
            tensor(&type_shape(&shape), element_of(x)),
            b.location,
        )),
    };
    if moving.is_empty() {
        return x;
    }
    let mut axes = (0..offset as i64).collect::<Vec<_>>();
    axes.extend(moving.iter().map(|axis| (axis + offset) as i64));
    let rows = Rows::of(&b, x, &axes);
    let sizes = moving.iter().map(|axis| dims[*axis]).collect::<Vec<_>>();
    let places = places(at, (starts, strides), &moving, &sizes, &rows.dims[offset..]);
    let places = places[1 - offset..].to_vec();
    let y = taken(&b, rows.value, rows.indices(at, &places), 0);
    let order = order_of(&moving, dims.len());
    transposed(&b, y, &crate::rules::shape::inverse(&order))
}

/// The axes of a batch with those that move behind the batch's own.
fn order_of(moving: &[usize], rank: usize) -> Vec<i64> {
    let others = (0..rank).filter(|axis| !moving.contains(axis));
    let axes = moving.iter().copied().chain(others);
    std::iter::once(0)
        .chain(axes.map(|axis| axis as i64 + 1))
        .collect()
}

/// For the batch and each axis that moves the indices in a batch of windows of these sizes, inside axes of `whole`.
fn places<'c, 'a>(
    at: &Batcher<'c, 'a>,
    (starts, strides): (&[Value<'c, 'a>], &[i64]),
    moving: &[usize],
    sizes: &[Dim<'c, 'a>],
    whole: &[Dim<'c, 'a>],
) -> Vec<Value<'c, 'a>> {
    let b = at.builder;
    let dims = at.with_size(sizes);
    let mut places = vec![counted(at, &dims, 0)];
    for (n, &axis) in moving.iter().enumerate() {
        let start = b.broadcast(at.value(starts[axis]), &[0], &dims);
        let step = b.full(&dims, at.i64(), &strides[axis].to_string());
        let along = counted(at, &dims, n as i64 + 1);
        let along = b.elementwise(OpKind::Mul, &[along, step]);
        let place = b.elementwise(OpKind::Add, &[start, along]);
        places.push(clamped(at, place, at.filled(whole[n], &dims)));
    }
    places
}

/// `dl.update_slice`.
pub(super) fn update_slice<'c, 'a>(at: &Batcher<'c, 'a>, op: UpdateSlice<'c, 'a>) -> Given<'c, 'a> {
    let b = at.builder;
    let (x, update) = (at.batched(op.x())?, at.batched(op.update())?);
    let dims = b.dims(x).split_off(1);
    let (starts, strides) = (op.starts(), op.strides());
    Ok(put(at, (x, &dims), update, (&starts, &strides)))
}

/// A batch of tensors of dims with updates in the places of starts and strides.
pub(super) fn put<'c, 'a>(
    at: &Batcher<'c, 'a>,
    (x, dims): (Value<'c, 'a>, &[Dim<'c, 'a>]),
    update: Value<'c, 'a>,
    (starts, strides): (&[Value<'c, 'a>], &[i64]),
) -> Value<'c, 'a> {
    let b = at.builder;
    let moving = moving(at, starts);
    let updated = |x: Value<'c, 'a>, update, starts: &[Value<'c, 'a>], strides: &[i64]| {
        let (cx, ty) = (b.context, x.r#type());
        b.value(build::update_slice(
            cx, x, update, starts, strides, ty, b.location,
        ))
    };
    let zero = b.index(0);
    if moving.is_empty() {
        let starts = starts.iter().map(|start| at.value(*start));
        let starts = std::iter::once(zero).chain(starts).collect::<Vec<_>>();
        return updated(x, update, &starts, &[&[1], strides].concat());
    }
    let mut axes = vec![0];
    axes.extend(behind(
        &moving.iter().map(|axis| *axis as i64).collect::<Vec<_>>(),
    ));
    let rows = Rows::of(&b, x, &axes);
    let order = order_of(&moving, dims.len());
    let mut update = transposed(&b, update, &order);
    let sizes = b.dims(update)[1..=moving.len()].to_vec();
    let places = places(at, (starts, strides), &moving, &sizes, &rows.dims[1..]);
    let ids = rows.indices(at, &places);
    if moving.len() < dims.len() {
        // Of the rows only a part is new.
        let before = taken(&b, rows.value, ids, 0);
        let mut all_starts = vec![zero; 1 + moving.len()];
        let mut all_strides = vec![1; 1 + moving.len()];
        for axis in (0..dims.len()).filter(|axis| !moving.contains(axis)) {
            all_starts.push(at.value(starts[axis]));
            all_strides.push(strides[axis]);
        }
        update = updated(before, update, &all_starts, &all_strides);
    }
    let (cx, ty) = (b.context, rows.value.r#type());
    let y = build::scatter(cx, rows.value, ids, update, "set", 0, ty, b.location);
    rows.back(&b, b.value(y))
}
