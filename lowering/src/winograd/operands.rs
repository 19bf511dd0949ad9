//! The operands of a convolution of stride 1 over rows and columns, and where their axes are.

use crate::{emit::Emitter, linalg};
use dlc_dialects::ir::shape::{self, DYNAMIC};
use melior::ir::{
    OperationRef, TypeLike, Value, ValueLike,
    operation::OperationLike,
    r#type::{MemRefType, ShapedTypeLike},
};

/// Where the axes of an operand are.
#[derive(Clone, Copy, Debug)]
pub struct Axes {
    /// Images of x and y, filters of w.
    pub outer: usize,
    /// Channels of x and w, filters of y.
    pub inner: usize,
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
}

impl Axes {
    /// The same with what is outer as inner.
    pub fn exchanged(self) -> Self {
        Self {
            outer: self.inner,
            inner: self.outer,
            ..self
        }
    }
}

/// An operand.
#[derive(Clone, Copy)]
pub struct Operand<'c, 'a> {
    /// The memref, of rank 4.
    pub value: Value<'c, 'a>,
    /// Its axes.
    pub axes: Axes,
}

impl<'c, 'a> Operand<'c, 'a> {
    /// The size of an axis.
    pub fn size(&self, e: &Emitter<'c, 'a>, axis: usize) -> Value<'c, 'a> {
        match self.known(axis) {
            Some(known) => e.index(known),
            None => {
                let operands = [self.value, e.index(axis as i64)];
                e.op("memref.dim", &operands, e.index_type())
            }
        }
    }

    /// The size of an axis, if it is in the type.
    pub fn known(&self, axis: usize) -> Option<i64> {
        let size = shape::shape_of(self.value)[axis];
        (size != DYNAMIC).then_some(size)
    }

    /// Whether it has windows of so many rows and columns.
    pub fn has_windows(&self, size: usize) -> bool {
        let axes = [self.axes.rows, self.axes.columns];
        axes.iter()
            .all(|axis| self.known(*axis) == Some(size as i64))
    }

    /// Indices in the order of its axes.
    pub fn place(&self, [outer, inner, row, column]: [Value<'c, 'a>; 4]) -> [Value<'c, 'a>; 4] {
        let mut place = [outer; 4];
        place[self.axes.inner] = inner;
        place[self.axes.rows] = row;
        place[self.axes.columns] = column;
        place
    }

    /// Whether elements of a row are side by side.
    pub fn has_whole_rows(&self) -> bool {
        let axis = self.axes.columns;
        let ty = MemRefType::try_from(self.value.r#type());
        ty.is_ok_and(|ty| axis + 1 == ty.rank() && ty.strides_and_offset().0[axis] == 1)
    }
}

/// y[n, o, i, j] = Σ x[n, c, i + k, j + l] w[o, c, k, l].
pub struct Operands<'c, 'a> {
    /// Images.
    pub x: Operand<'c, 'a>,
    /// Filters.
    pub w: Operand<'c, 'a>,
    /// Results.
    pub y: Operand<'c, 'a>,
}

impl<'c, 'a> Operands<'c, 'a> {
    /// The op as such a convolution of f32 or f64 without groups, with axes in any order.
    pub fn read(op: OperationRef<'c, 'a>) -> Option<Self> {
        if !op.has_attribute(linalg::CONTRACTION)
            || op.result_count() != 0
            || op.operand_count() != 3
        {
            return None;
        }
        let maps = linalg::expressions(op)?;
        let [x_map, w_map, y_map] = <[Vec<String>; 3]>::try_from(maps).ok()?;
        if [&x_map, &w_map, &y_map].iter().any(|map| map.len() != 4) {
            return None;
        }
        // Axes of x that a loop walks alone, and those of windows, as pairs of loops.
        let pair = |axis: usize| x_map[axis].split_once(" + ");
        let (windows, plain): (Vec<_>, Vec<_>) = (0..4).partition(|axis| pair(*axis).is_some());
        let ([x_rows, x_columns], [first, second]) = (&windows[..], &plain[..]) else {
            return None;
        };
        let at = |map: &[String], name: &str| map.iter().position(|axis| axis == name);
        let (images, channels) = match at(&y_map, &x_map[*first]) {
            Some(_) => (*first, *second),
            None => (*second, *first),
        };
        let split = |axis: usize| {
            let (first, second) = pair(axis)?;
            let inside = at(&w_map, first).is_some();
            Some(if inside {
                (second, first)
            } else {
                (first, second)
            })
        };
        let (row, row_within) = split(*x_rows)?;
        let (column, column_within) = split(*x_columns)?;
        let (inner, rows) = (at(&w_map, &x_map[channels])?, at(&w_map, row_within)?);
        let columns = at(&w_map, column_within)?;
        let w_axes = Axes {
            outer: (0..4).find(|axis| ![inner, rows, columns].contains(axis))?,
            inner,
            rows,
            columns,
        };
        let y_axes = Axes {
            outer: at(&y_map, &x_map[images])?,
            inner: at(&y_map, &w_map[w_axes.outer])?,
            rows: at(&y_map, row)?,
            columns: at(&y_map, column)?,
        };
        let x_axes = Axes {
            outer: images,
            inner: channels,
            rows: *x_rows,
            columns: *x_columns,
        };
        let [x, w, y] = [(0, x_axes), (1, w_axes), (2, y_axes)].map(|(i, axes)| Operand {
            value: op.operand(i).expect("it has three"),
            axes,
        });
        let element = shape::element_of(y.value);
        let same = [x, w].map(|operand| shape::element_of(operand.value) == element);
        let float = element.is_f32() || element.is_f64();
        (float && same == [true; 2]).then_some(Self { x, w, y })
    }
}
