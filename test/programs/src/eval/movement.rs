//! Elements at other places.

use crate::{
    array::{Array, Reject, Result, axis as counted, positions},
    ast::Index,
    num::Num,
    types::Dtype,
};

fn real(value: f64) -> Num {
    Num::real(value)
}

/// The same elements in another shape.
pub fn reshape(x: &Array, shape: Vec<usize>) -> Array {
    Array { shape, ..x.clone() }
}

/// Axis `i` of the result is axis `axes[i]` of the operand.
pub fn permute(x: &Array, axes: &[usize]) -> Array {
    let shape = axes.iter().map(|axis| x.shape[*axis]).collect::<Vec<_>>();
    Array::new(x.dtype, &shape, |position| {
        let mut from = vec![0; axes.len()];
        for (axis, index) in axes.iter().zip(position) {
            from[*axis] = *index;
        }
        x.at(&from)
    })
}

/// Elements whose place along one axis is computed from that in the result.
fn moved(
    x: &Array,
    axis: i64,
    size: impl Fn(usize) -> usize,
    from: impl Fn(usize) -> usize,
) -> Array {
    let axis = counted(axis, x.rank());
    let mut shape = x.shape.clone();
    shape[axis] = size(shape[axis]);
    Array::new(x.dtype, &shape, |position| {
        let mut position = position.to_vec();
        position[axis] = from(position[axis]);
        x.at(&position)
    })
}

/// Backwards along an axis.
pub fn flip(x: &Array, axis: i64) -> Array {
    let size = x.shape[counted(axis, x.rank())];
    moved(x, axis, |size| size, |index| size - 1 - index)
}

/// Moved along an axis.
pub fn roll(x: &Array, shift: i64, axis: i64) -> Array {
    let size = x.shape[counted(axis, x.rank())] as i64;
    let from = |index| (index as i64 - shift).rem_euclid(size) as usize;
    moved(x, axis, |size| size, from)
}

/// Each element repeated.
pub fn repeat(x: &Array, times: i64, axis: i64) -> Array {
    let times = times as usize;
    moved(x, axis, |size| size * times, |index| index / times)
}

/// The whole repeated along each axis.
pub fn tile(x: &Array, times: &[i64]) -> Array {
    let shape = x.shape.iter().zip(times);
    let shape = shape.map(|(size, times)| size * *times as usize);
    Array::new(x.dtype, &shape.collect::<Vec<_>>(), |position| {
        let from = position.iter().zip(&x.shape);
        x.at(&from.map(|(index, size)| index % size).collect::<Vec<_>>())
    })
}

/// A value around it.
pub fn pad(x: &Array, widths: &[(i64, i64)], value: f64) -> Array {
    let shape = x.shape.iter().zip(widths);
    let shape = shape.map(|(size, (before, after))| size + (before + after) as usize);
    Array::new(x.dtype, &shape.collect::<Vec<_>>(), |position| {
        let from = position.iter().zip(widths).zip(&x.shape);
        let from = from.map(|((index, (before, _)), size)| {
            let index = index.checked_sub(*before as usize)?;
            (index < *size).then_some(index)
        });
        match from.collect::<Option<Vec<_>>>() {
            Some(from) => x.at(&from),
            None => real(value),
        }
    })
}

/// One after the other.
pub fn concat(parts: &[&Array], axis: i64) -> Array {
    let axis = counted(axis, parts[0].rank());
    let mut shape = parts[0].shape.clone();
    shape[axis] = parts.iter().map(|part| part.shape[axis]).sum();
    Array::new(parts[0].dtype, &shape, |position| {
        let mut position = position.to_vec();
        let mut parts = parts.iter();
        let mut part = parts.next().expect("there is a part");
        while position[axis] >= part.shape[axis] {
            position[axis] -= part.shape[axis];
            part = parts.next().expect("the sizes add up");
        }
        part.at(&position)
    })
}

/// Parts of sizes along an axis.
pub fn split(x: &Array, sizes: &[i64], axis: i64) -> Vec<Array> {
    let axis = counted(axis, x.rank());
    let mut start = 0;
    let parts = sizes.iter().map(|size| {
        let mut shape = x.shape.clone();
        shape[axis] = *size as usize;
        let part = Array::new(x.dtype, &shape, |position| {
            let mut position = position.to_vec();
            position[axis] += start;
            x.at(&position)
        });
        start += *size as usize;
        part
    });
    parts.collect()
}

/// One triangle, with zeros in the other.
pub fn triangle(x: &Array, upper: bool, k: i64) -> Array {
    Array::new(x.dtype, &x.shape, |position| {
        let [.., row, column] = position else {
            return real(0.0);
        };
        let distance = *column as i64 - *row as i64;
        match if upper { distance >= k } else { distance <= k } {
            true => x.at(position),
            false => real(0.0),
        }
    })
}

/// An index that may count from the end.
fn index_at(index: Num, size: usize) -> Result<usize> {
    let index = index.value() as i64;
    let counted = if index < 0 {
        index + size as i64
    } else {
        index
    };
    match (0..size as i64).contains(&counted) {
        true => Ok(counted as usize),
        false => Err(Reject::Range),
    }
}

/// The elements that an index reads or writes: a shape, and the position in `x` of each.
pub struct Selection {
    /// The shape of what is selected.
    pub shape: Vec<usize>,
    /// Where its elements are.
    pub places: Vec<Vec<usize>>,
}

/// What becomes of an axis of the operand, or where an axis of the result comes from.
enum Axis<'a> {
    Computed(&'a Array),
    Slice(Vec<usize>),
    New,
}

/// NumPy's indexing: computed indices broadcast together, and their axes come where they stand if they stand side by
/// side, else first.
pub fn select(shape: &[usize], index: &[Index], computed: &[&Array]) -> Result<Selection> {
    let taken = index
        .iter()
        .filter(|item| !matches!(item, Index::Rest | Index::New));
    let rest = shape.len() - taken.count();
    let zero = Array::scalar(Dtype::I32, real(0.0));
    let numbers = index.iter().map(|item| match item {
        Index::At(at) => zero.map(|_| real(*at as f64)),
        _ => zero.clone(),
    });
    let numbers = numbers.collect::<Vec<_>>();
    let (mut axes, mut sizes) = (vec![], shape.iter());
    let mut computed = computed.iter();
    let has_rest = index.contains(&Index::Rest);
    let whole = |size: usize| Axis::Slice((0..size).collect());
    for (item, number) in index.iter().zip(&numbers) {
        match item {
            Index::At(_) => {
                sizes.next();
                axes.push(Axis::Computed(number));
            }
            Index::Computed => {
                sizes.next();
                axes.push(Axis::Computed(computed.next().expect("an index for each")));
            }
            Index::New => axes.push(Axis::New),
            Index::Rest => axes.extend(sizes.by_ref().take(rest).map(|size| whole(*size))),
            Index::Slice(start, stop, step) => {
                let size = *sizes.next().expect("an axis for each slice");
                axes.push(Axis::Slice(sliced(size, *start, *stop, *step)));
            }
        }
    }
    if !has_rest {
        axes.extend(sizes.map(|size| whole(*size)));
    }
    placed(shape, &axes)
}

/// The indices of a slice, with Python's rules.
fn sliced(size: usize, start: Option<i64>, stop: Option<i64>, step: i64) -> Vec<usize> {
    let size = size as i64;
    let (low, high) = if step > 0 { (0, size) } else { (-1, size - 1) };
    let bound = |bound: i64| match bound < 0 {
        true => (bound + size).clamp(low, high),
        false => bound.clamp(low, high),
    };
    let mut at = start.map_or(if step > 0 { low } else { high }, bound);
    let stop = stop.map_or(if step > 0 { high } else { low }, bound);
    let mut indices = vec![];
    while (step > 0 && at < stop) || (step < 0 && at > stop) {
        indices.push(at as usize);
        at += step;
    }
    indices
}

fn placed(shape: &[usize], axes: &[Axis]) -> Result<Selection> {
    let own = axes
        .iter()
        .filter(|axis| !matches!(axis, Axis::New))
        .zip(shape);
    for (axis, size) in own {
        if let Axis::Computed(indices) = axis {
            inside(indices, *size)?;
        }
    }
    let computed = axes.iter().filter_map(|axis| match axis {
        Axis::Computed(indices) => Some(*indices),
        _ => None,
    });
    let common = computed.fold(vec![], |shape, indices| {
        crate::array::broadcast(&shape, &indices.shape)
    });
    let at = |axis: &Axis| matches!(axis, Axis::Computed(_));
    let first = axes.iter().position(at);
    let last = axes.iter().rposition(at);
    let together = match (first, last) {
        (Some(first), Some(last)) => axes[first..=last].iter().all(at),
        _ => true,
    };
    // Where the common axes of the computed indices stand among those of the result.
    let before = if together { first.unwrap_or(0) } else { 0 };
    let mut own = axes.iter().filter(|axis| !at(axis)).map(|axis| match axis {
        Axis::Slice(indices) => indices.len(),
        _ => 1,
    });
    let mut result = own.by_ref().take(before).collect::<Vec<_>>();
    result.extend(&common);
    result.extend(own);
    let places = positions(&result).map(|position| {
        let common_part = &position[before..before + common.len()];
        let mut rest = position[..before]
            .iter()
            .chain(&position[before + common.len()..]);
        let mut place = vec![];
        for axis in axes {
            match axis {
                Axis::Computed(indices) => {
                    let index = indices.broadcast_at(common_part);
                    place.push(index_at(index, shape[place.len()])?);
                }
                Axis::Slice(indices) => {
                    place.push(indices[*rest.next().expect("an axis for each")])
                }
                Axis::New => {
                    rest.next();
                }
            }
        }
        Ok(place)
    });
    Ok(Selection {
        places: places.collect::<Result<_>>()?,
        shape: result,
    })
}

/// Refuses indices outside of an axis, also where nothing is read or written there.
fn inside(ids: &Array, size: usize) -> Result<()> {
    ids.data
        .iter()
        .try_for_each(|id| index_at(*id, size).map(|_| ()))
}

/// `take(x, ids, axis)`.
pub fn take(x: &Array, ids: &Array, axis: i64) -> Result<Array> {
    let axis = counted(axis, x.rank());
    inside(ids, x.shape[axis])?;
    let shape = [&x.shape[..axis], &ids.shape, &x.shape[axis + 1..]].concat();
    Array::attempt(x.dtype, &shape, |position| {
        let end = axis + ids.rank();
        let id = index_at(ids.at(&position[axis..end]), x.shape[axis])?;
        Ok(x.at(&[&position[..axis], &[id], &position[end..]].concat()))
    })
}

/// `take_along_axis(x, ids, axis)`.
pub fn take_along(x: &Array, ids: &Array, axis: i64) -> Result<Array> {
    let axis = counted(axis, x.rank());
    inside(ids, x.shape[axis])?;
    Array::attempt(x.dtype, &ids.shape, |position| {
        let mut position = position.to_vec();
        position[axis] = index_at(ids.at(&position), x.shape[axis])?;
        Ok(x.at(&position))
    })
}

/// `scatter_add(x, ids, updates, axis)`, of ids of rank 1.
pub fn scatter_add(x: &Array, ids: &Array, updates: &Array, axis: i64) -> Result<Array> {
    let axis = counted(axis, x.rank());
    inside(ids, x.shape[axis])?;
    let mut result = x.clone();
    for position in positions(&updates.shape) {
        let id = index_at(ids.at(&[position[axis]]), x.shape[axis])?;
        let mut to = position.clone();
        to[axis] = id;
        let place = result.at_mut(&to);
        *place = *place + updates.at(&position);
    }
    Ok(result)
}

/// Where a part of a size begins. One that is not inside is moved in compiled code, and an error elsewhere.
fn starts(x: &Array, sizes: &[usize], starts: &[&Array]) -> Result<Vec<usize>> {
    let axes = x.shape.iter().zip(sizes).zip(starts);
    let start = axes.map(|((whole, part), start)| {
        let start = start.item().value() as i64;
        let counted = if start < 0 {
            start + *whole as i64
        } else {
            start
        };
        match counted >= 0 && counted + *part as i64 <= *whole as i64 {
            true => Ok(counted as usize),
            false => Err(Reject::Range),
        }
    });
    start.collect()
}

/// `dynamic_slice(x, starts, sizes)`.
pub fn dynamic_slice(x: &Array, at: &[&Array], sizes: &[i64]) -> Result<Array> {
    let sizes = sizes.iter().map(|size| *size as usize).collect::<Vec<_>>();
    if sizes.iter().zip(&x.shape).any(|(part, whole)| part > whole) {
        return Err(Reject::Range);
    }
    let start = starts(x, &sizes, at)?;
    Ok(Array::new(x.dtype, &sizes, |position| {
        let from = position.iter().zip(&start);
        x.at(&from.map(|(index, start)| index + start).collect::<Vec<_>>())
    }))
}

/// `dynamic_update_slice(x, update, starts)`.
pub fn dynamic_update(x: &Array, update: &Array, at: &[&Array]) -> Result<Array> {
    if update
        .shape
        .iter()
        .zip(&x.shape)
        .any(|(part, whole)| part > whole)
    {
        return Err(Reject::Range);
    }
    let start = starts(x, &update.shape, at)?;
    let mut result = x.clone();
    for position in positions(&update.shape) {
        let to = position.iter().zip(&start);
        let to = to.map(|(index, start)| index + start).collect::<Vec<_>>();
        *result.at_mut(&to) = update.at(&position);
    }
    Ok(result)
}
