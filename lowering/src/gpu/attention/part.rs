//! The products of attention and its gradient, each over rows, keys and columns.

use crate::{
    gpu::products::element,
    matmul::{
        contraction::{Contraction, Operand},
        fill::fill_before,
        numbers::Number,
    },
};
use dlc_dialects::ir::shape;
use dlc_kernels::program::Element;
use melior::ir::OperationRef;

/// Which of a product's matrices has an element for each row and key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pairs {
    /// The result, of rows of both operands: scores, and how the weights change.
    Result,
    /// The left operand; rows of the result are rows.
    Rows,
    /// The left operand, transposed; rows of the result are keys.
    Keys,
}

/// A product of attention.
pub struct Part<'c, 'a> {
    /// The op.
    pub op: OperationRef<'c, 'a>,
    /// What it multiplies.
    pub x: Contraction<'c, 'a>,
    /// The fill that its sums begin with.
    pub fill: OperationRef<'c, 'a>,
    /// Loops of the axes of the matrix of pairs: those of batches, then of rows and keys.
    pub loops: Vec<usize>,
    /// The loop of the columns of the other matrices.
    pub column: usize,
}

impl<'c: 'a, 'a> Part<'c, 'a> {
    /// An op as such a product, if the other matrices are stored by rows.
    pub fn read(op: OperationRef<'c, 'a>, pairs: Pairs) -> Option<Self> {
        let x = Contraction::read(op)?;
        let fill = fill_before(op, x.c.value)?;
        let ([m], [n], [k]) = (&x.m[..], &x.n[..], &x.k[..]) else {
            return None;
        };
        let (loops, last, column) = match pairs {
            Pairs::Result => (&x.c.dims, [*m, *n], *k),
            Pairs::Rows => (&x.a.dims, [*m, *k], *n),
            Pairs::Keys => (&x.a.dims, [*k, *m], *n),
        };
        let (batch, own) = loops.split_at_checked(loops.len().checked_sub(2)?)?;
        let outer = batch.len() == x.outer.len() && batch.iter().all(|l| x.outer.contains(l));
        let plain = x.outer_sums.is_empty() && !x.layout.b_scattered;
        let others = match pairs {
            Pairs::Result => [&x.a, &x.b],
            Pairs::Rows | Pairs::Keys => [&x.b, &x.c],
        };
        let by_rows = others.iter().all(|other| other.innermost() == Some(column));
        let fits = own == last && outer && plain && by_rows;
        let loops = loops.clone();
        fits.then_some(Self {
            op,
            x,
            fill,
            loops,
            column,
        })
    }

    /// Variables of the axes of the matrix of pairs.
    pub fn pairs(&self) -> Vec<usize> {
        (0..self.loops.len()).collect()
    }

    /// The loop of rows.
    pub fn row(&self) -> usize {
        self.loops[self.loops.len() - 2]
    }

    /// The loop of keys.
    pub fn key(&self) -> usize {
        self.loops[self.loops.len() - 1]
    }

    /// Variables of the axes of an operand: those of the pairs' axes, and the next for columns.
    pub fn variables(&self, operand: &Operand<'c, 'a>) -> Option<Vec<usize>> {
        let all = || self.loops.iter().chain([&self.column]);
        let at = operand.dims.iter();
        at.map(|dim| all().position(|l| l == dim)).collect()
    }

    /// The columns of the matrices besides that of pairs, if known.
    pub fn columns(&self) -> Option<i64> {
        match self.column {
            column if self.x.k == [column] => self.x.sizes.k,
            _ => self.x.sizes.n,
        }
    }

    /// Whether it multiplies numbers of a type and adds in f32; the pairs' matrix may be wider.
    pub fn is_of(&self, number: Element) -> bool {
        let numbers = self.x.numbers;
        let pairs = self.x.k != [self.column];
        let left = element(numbers.a);
        element(numbers.b) == Some(number)
            && (left == Some(number) || pairs && left == Some(Element::F32))
            && element(numbers.sum) == Some(Element::F32)
    }
}

/// What the elements of an operand are.
pub fn element_of(operand: &Operand) -> Option<Element> {
    element(Number::of(shape::element_of(operand.value))?)
}
