//! Reads a `linalg.generic` on memrefs as a batch of matrix products, if it is one.

use super::{epilogue::Made, kernel::Layout, numbers::Numbers};
use crate::{linalg, schedule::matmul::MatmulSizes};
use dlc_dialects::ir::shape::shape_of;
use melior::ir::{OperationRef, Value, ValueLike, operation::OperationLike, r#type::MemRefType};

/// An operand and the loop dim of each of its axes.
#[derive(Clone)]
pub struct Operand<'c, 'a> {
    /// The memref.
    pub value: Value<'c, 'a>,
    /// Loop dims, axis by axis.
    pub dims: Vec<usize>,
    /// Static strides, axis by axis.
    pub strides: Vec<Option<i64>>,
    /// Static sizes, axis by axis.
    sizes: Vec<Option<i64>>,
    /// Whether it fills its memory without gaps, in order.
    contiguous: bool,
}

/// Axes of the columns and of the sums that a kernel that gathers counts with.
pub const COLUMN_AXES: usize = 3;
/// See `COLUMN_AXES`.
pub const SUM_AXES: usize = 4;
/// Rows below which windows are read in place instead of being gathered.
const FEWEST_ROWS: i64 = 4;

/// Loop dims that act as one: they are walked together, as a product.
pub type Group = Vec<usize>;

/// C[batch, m, n] += A[batch, m, k] B[batch, k, n], each role with loop dims outside the kernel and a group inside.
pub struct Contraction<'c, 'a> {
    /// Types of the elements of A, B and C.
    pub numbers: Numbers,
    /// The left operand of the kernel, which may be the right one of the op.
    pub a: Operand<'c, 'a>,
    /// The right operand of the kernel.
    pub b: Operand<'c, 'a>,
    /// The result.
    pub c: Operand<'c, 'a>,
    /// Loops around the kernel that select a product.
    pub outer: Vec<usize>,
    /// Loops around the kernel that add products up.
    pub outer_sums: Vec<usize>,
    /// Dims of the rows of C.
    pub m: Group,
    /// Dims of the columns of C; not empty.
    pub n: Group,
    /// Dims of the sums.
    pub k: Group,
    /// How A and B are stored.
    pub layout: Layout,
    /// What is known of the sizes.
    pub sizes: MatmulSizes,
    /// How operands may be rounded.
    pub rounding: Rounding,
}

/// How the operands of a product may be rounded before they are multiplied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// Not at all.
    Exact,
    /// To tf32, where a target multiplies such.
    Tf32,
}

/// The loop dims of each operand of a `linalg.generic`, if its maps are projections.
pub fn maps(op: OperationRef) -> Option<Vec<Vec<usize>>> {
    let text = op.attribute("indexing_maps").ok()?.to_string();
    let mut maps = vec![];
    for map in text.split("affine_map<").skip(1) {
        let (_, results) = map.split_once("-> (")?;
        let (results, _) = results.split_once(')')?;
        let dims: Option<Vec<usize>> = results
            .split(", ")
            .filter(|result| !result.is_empty())
            .map(|result| result.strip_prefix('d')?.parse().ok())
            .collect();
        maps.push(dims?);
    }
    Some(maps)
}

impl<'c, 'a> Operand<'c, 'a> {
    /// A memref whose axes are walked by these loops.
    pub fn new(value: Value<'c, 'a>, dims: Vec<usize>) -> Option<Self> {
        let ty = MemRefType::try_from(value.r#type()).ok()?;
        let known = |n: i64| (n >= 0).then_some(n);
        let strides: Vec<_> = ty.strides_and_offset().0.into_iter().map(known).collect();
        let sizes = shape_of(value).into_iter().map(known).collect();
        let contiguous = ty.affine_map().is_identity();
        (dims.len() == strides.len()).then_some(Self {
            value,
            dims,
            strides,
            sizes,
            contiguous,
        })
    }

    fn has(&self, dim: usize) -> bool {
        self.dims.contains(&dim)
    }

    /// The axis of a loop dim.
    pub fn axis(&self, dim: usize) -> Option<usize> {
        self.dims.iter().position(|d| *d == dim)
    }

    /// The last axis' dim, if its elements are side by side.
    pub fn innermost(&self) -> Option<usize> {
        (*self.strides.last()? == Some(1)).then(|| self.dims.last().copied())?
    }

    /// Whether `group` is one axis, or adjacent axes in this order without gaps.
    pub fn holds(&self, group: &[usize]) -> bool {
        let [first, ..] = group else { return true };
        let Some(start) = self.axis(*first) else {
            return false;
        };
        self.dims[start..].starts_with(group) && (group.len() == 1 || self.contiguous)
    }
}

/// The longest tail of `dims` that every operand among `operands` holds as one; the rest is left outside.
fn tail(dims: &[usize], operands: [&Operand; 2]) -> (Vec<usize>, Group) {
    let start = (0..dims.len())
        .find(|start| {
            operands
                .iter()
                .all(|operand| operand.holds(&dims[*start..]))
        })
        .unwrap_or(dims.len());
    (dims[..start].to_vec(), dims[start..].to_vec())
}

impl<'c, 'a> Contraction<'c, 'a> {
    /// The op as a batch of products, or nothing: the op must then be left to plain loops.
    pub fn read(op: OperationRef<'c, 'a>) -> Option<Self> {
        if op.operand_count() != 3 || op.result_count() != 0 {
            return None;
        }
        let numbers = Numbers::read(op)?;
        let mut maps = maps(op)?.into_iter();
        let mut operand = |i| Operand::new(op.operand(i).ok()?, maps.next()?);
        let (x, y, c) = (operand(0)?, operand(1)?, operand(2)?);
        // C's columns belong to the operand that becomes B.
        let last = c.innermost()?;
        let (a, b, numbers) = match (x.has(last), y.has(last)) {
            (false, true) => (x, y, numbers),
            (true, false) => (y, x, numbers.swapped()),
            _ => return None,
        };
        let dims = [&a, &b, &c].iter().flat_map(|o| &o.dims).copied().max()? + 1;
        let select = |of: &Operand, wanted: [bool; 3]| -> Vec<usize> {
            let is = |d: usize| [a.has(d), b.has(d), c.has(d)] == wanted;
            of.dims.iter().copied().filter(|d| is(*d)).collect()
        };
        let batch = select(&c, [true, true, true]);
        let m = select(&c, [true, false, true]);
        let n = select(&c, [false, true, true]);
        let k = select(&b, [true, true, false]);
        if batch.len() + m.len() + n.len() + k.len() != dims {
            return None; // A dim that only one operand has.
        }
        let (outer_m, m) = tail(&m, [&a, &c]);
        // Windows are gathered: B may lie as it likes.
        let scattered = op.has_attribute(linalg::WINDOWS);
        let (outer_n, n, outer_sums, k) = if scattered {
            let k = select(&a, [true, true, false]);
            let (outer_n, n) = tail(&n, [&c, &c]);
            let (outer_sums, k) = tail(&k, [&a, &a]);
            (outer_n, n, outer_sums, k)
        } else {
            let (outer_n, n) = tail(&n, [&b, &c]);
            let (outer_sums, k) = tail(&k, [&a, &b]);
            (outer_n, n, outer_sums, k)
        };
        let a_by_k = match a.innermost() {
            Some(d) if k.last() == Some(&d) => false,
            Some(d) if m.last() == Some(&d) => true,
            _ => return None,
        };
        let b_by_n = match b.innermost() {
            _ if scattered => false,
            Some(d) if n.last() == Some(&d) => false,
            Some(d) if k.last() == Some(&d) => true,
            _ => return None,
        };
        let size = |o: &Operand, group: &Group| -> Option<i64> {
            group
                .iter()
                .map(|d| o.axis(*d).and_then(|axis| o.sizes[axis]))
                .product()
        };
        let sizes = MatmulSizes {
            m: size(&a, &m),
            n: size(&b, &n),
            k: size(&b, &k),
        };
        if scattered && !worth_gathering(&n, &k, sizes) {
            return None;
        }
        Some(Self {
            numbers,
            outer: [batch, outer_m, outer_n].concat(),
            outer_sums,
            sizes,
            rounding: match linalg::is_tf32(op) {
                true => Rounding::Tf32,
                false => Rounding::Exact,
            },
            layout: Layout {
                a_by_k,
                b_by_n,
                b_scattered: scattered,
            },
            a,
            b,
            c,
            m,
            n,
            k,
        })
    }
}

impl<'c, 'a> Contraction<'c, 'a> {
    /// The result as one that an op may go through: sums are complete in one kernel's call.
    pub(crate) fn made(&self) -> Option<Made<'_, 'c, 'a>> {
        self.outer_sums.is_empty().then_some(Made {
            c: &self.c,
            reads: [self.a.value, self.b.value],
            rows: &self.m,
            columns: &self.n,
        })
    }
}

/// Whether a matrix product of windows pays: enough rows share what is gathered, and the kernel counts with these axes.
fn worth_gathering(n: &Group, k: &Group, sizes: MatmulSizes) -> bool {
    let within = n.len() <= COLUMN_AXES && k.len() <= SUM_AXES;
    within && sizes.m.is_none_or(|m| m >= FEWEST_ROWS)
}
