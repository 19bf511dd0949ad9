//! Convolutions.
//!
//! ```text
//! y[n, o, i] = sum_{c, k} x[n, c, i s + k d] w[o, c, k]           stride s, dilation d; one group
//! x_adj[n, c, j] = sum_{o, k} y_adj[n, o, (j - k d) / s] w[o, c, k]
//! w_adj[o, c, k] = sum_{n, i} x[n, c, i s + k d] y_adj[n, o, i]
//! ```
//!
//! Both are convolutions: the first of y_adj with s - 1 zeros between its elements and (K - 1) d before them, with w
//! turned over and its channels exchanged; the second of x with y_adj as the window, over the batch as channels, where
//! stride and dilation change places. With groups, each group by itself. A precision is that of all three.

use crate::site::Site;
use dlc_dialects::{
    ir::{
        builder::{Builder, Dim, dynamic, type_shape},
        shape::{self, element_of},
    },
    ops::{Conv, build},
};
use melior::ir::Value;

/// `dl.conv`.
pub fn conv<'c, 'a>(site: &Site<'_, 'c, 'a>, operand: usize) -> Value<'c, 'a> {
    let op = Conv(site.op);
    let rule = Convolution {
        b: site.builder,
        op,
        x: site.dims(op.x()),
        w: site.dims(op.w()),
        y: site.dims(site.y),
    };
    match operand {
        0 => rule.of_x(site.y_adj),
        _ => rule.of_w(site.y_adj),
    }
}

struct Convolution<'c, 'a> {
    b: Builder<'c, 'a>,
    op: Conv<'c, 'a>,
    x: Vec<Dim<'c, 'a>>,
    w: Vec<Dim<'c, 'a>>,
    y: Vec<Dim<'c, 'a>>,
}

impl<'c, 'a> Convolution<'c, 'a> {
    fn of_x(&self, y_adj: Value<'c, 'a>) -> Value<'c, 'a> {
        let (b, op) = (self.b, self.op);
        let groups = Dim::Static(op.groups());
        let (outputs, channels) = (self.w[0], self.w[1]);
        let in_group = b.dim_floor_div(outputs, groups);
        let (mut low, mut padded, mut interior) = (vec![], vec![], vec![0, 0]);
        low.extend([Dim::Static(0); 2]);
        padded.extend([self.y[0], outputs]);
        for axis in 0..op.strides().len() {
            let reach = self.reach(axis);
            low.push(reach);
            padded.push(b.dim_add(self.x[axis + 2], reach));
            interior.push(op.strides()[axis] - 1);
        }
        let padded = pad(&b, y_adj, &low, &interior, &padded);

        let space = &self.w[2..];
        let w = if op.groups() == 1 {
            b.transpose(op.w(), &exchange([0, 1], self.w.len()))
        } else {
            let split = [&[groups, in_group, channels], space].concat();
            let exchanged = [&[self.x[1], in_group], space].concat();
            let w = b.reshape(op.w(), &split);
            let w = b.transpose(w, &exchange([1, 2], split.len()));
            b.reshape(w, &exchanged)
        };
        let axes = (2..self.w.len() as i64).collect::<Vec<_>>();
        let w = b.value(build::reverse(b.context, w, &axes, b.location));
        let ones = vec![1; axes.len()];
        self.convolve(padded, w, (&ones, &op.dilations()), &self.x)
    }

    fn of_w(&self, y_adj: Value<'c, 'a>) -> Value<'c, 'a> {
        let (b, op) = (self.b, self.op);
        let groups = Dim::Static(op.groups());
        let zero = Dim::Static(0);
        let (mut window, mut padded) = (self.y[..2].to_vec(), self.x[..2].to_vec());
        let mut read = padded.clone();
        for axis in 0..op.strides().len() {
            let (count, stride) = (self.y[axis + 2], Dim::Static(op.strides()[axis]));
            let reach = self.reach(axis);
            // Windows that begin at every element read all of them, however many there are.
            if op.strides()[axis] == 1 && b.dim_is_sum(self.x[axis + 2], count, reach) {
                window.push(count);
                padded.push(self.x[axis + 2]);
                read.push(self.x[axis + 2]);
                continue;
            }
            // Where there may be no window at all, one of zeros is added, behind the elements that there are.
            let (count, more) = match count {
                Dim::Static(count) if count > 0 => (Dim::Static(count), zero),
                count => {
                    let more = b.dim_add(b.dim_add(stride, reach), Dim::Static(1));
                    (b.dim_add(count, Dim::Static(1)), more)
                }
            };
            let steps = b.dim_mul(b.dim_sub(count, Dim::Static(1)), stride);
            window.push(count);
            padded.push(b.dim_add(self.x[axis + 2], more));
            read.push(b.dim_add(b.dim_add(steps, Dim::Static(1)), reach));
        }
        let none = vec![zero; self.x.len()];
        let interior = vec![0; self.x.len()];
        let mut y_adj = y_adj;
        let mut x = op.x();
        if window != self.y {
            y_adj = pad(&b, y_adj, &none, &interior, &window);
            x = pad(&b, x, &none, &interior, &padded);
        }
        if read != padded {
            let starts = vec![b.index(0); read.len()];
            let ty = shape::tensor(&type_shape(&read), element_of(x));
            let ones = vec![1; read.len()];
            x = b.value(build::slice(
                b.context,
                x,
                &starts,
                &dynamic(&read),
                &ones,
                ty,
                b.location,
            ));
        }

        let first = exchange([0, 1], window.len());
        let (batch, channels) = (self.x[0], self.w[1]);
        let x = if op.groups() == 1 {
            b.transpose(x, &first)
        } else {
            let space = &read[2..];
            let split = [&[batch, groups, channels], space].concat();
            let joined = [&[channels, b.dim_mul(groups, batch)], space].concat();
            let x = b.reshape(x, &split);
            let x = b.transpose(x, &exchange([0, 2], split.len()));
            b.reshape(x, &joined)
        };
        let y_adj = b.transpose(y_adj, &first);
        let result = [&[channels, self.w[0]], &self.w[2..]].concat();
        let strides = (op.dilations(), op.strides());
        let w_adj = self.convolve(x, y_adj, (&strides.0, &strides.1), &result);
        b.transpose(w_adj, &first)
    }

    /// How far a window reaches behind its first element on an axis in space.
    fn reach(&self, axis: usize) -> Dim<'c, 'a> {
        let b = self.b;
        let before = match b.dim_sub(self.w[axis + 2], Dim::Static(1)) {
            Dim::Static(before) => Dim::Static(before.max(0)),
            Dim::Value(before) => {
                let none = b.index(0);
                Dim::Value(b.op("arith.maxsi", &[before, none], &[], b.index_type()))
            }
        };
        b.dim_mul(before, Dim::Static(self.op.dilations()[axis]))
    }

    fn convolve(
        &self,
        x: Value<'c, 'a>,
        w: Value<'c, 'a>,
        (strides, dilations): (&[i64], &[i64]),
        dims: &[Dim<'c, 'a>],
    ) -> Value<'c, 'a> {
        let b = self.b;
        b.value(build::conv(
            b.context,
            x,
            w,
            &dynamic(dims),
            strides,
            dilations,
            self.op.groups(),
            self.op.precision(),
            shape::tensor(&type_shape(dims), element_of(x)),
            b.location,
        ))
    }
}

/// `x` inside zeros.
fn pad<'c, 'a>(
    b: &Builder<'c, 'a>,
    x: Value<'c, 'a>,
    low: &[Dim<'c, 'a>],
    interior: &[i64],
    dims: &[Dim<'c, 'a>],
) -> Value<'c, 'a> {
    let low = low.iter().map(|dim| b.dim_value(*dim)).collect::<Vec<_>>();
    b.value(build::pad(
        b.context,
        x,
        b.scalar(element_of(x), "0"),
        &low,
        &dynamic(dims),
        interior,
        shape::tensor(&type_shape(dims), element_of(x)),
        b.location,
    ))
}

/// The permutation of axes that exchanges two.
fn exchange(two: [usize; 2], rank: usize) -> Vec<i64> {
    let mut axes = (0..rank as i64).collect::<Vec<_>>();
    axes.swap(two[0], two[1]);
    axes
}
