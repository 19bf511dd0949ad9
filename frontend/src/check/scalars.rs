//! Scalars whose value is known as a polynomial: loop variables, dims, and sums and products of them.
//!
//! They index without being clamped where they are proven to lie inside, and begin slices.

use crate::ast::DType;
use crate::check::Checker;
use crate::check::consts::integer_range;
use crate::check::frame::FrameKind;
use crate::check::value::NodeId;
use crate::core::{Dim, Num, Prim};

/// How far operations are followed.
const MAX_STEPS: usize = 64;

impl<'a> Checker<'a> {
    /// The value of an integer scalar in dims and loop variables that are known in the region at hand, if it is one that
    /// never wraps around.
    pub(super) fn scalar_dim(&self, scalar: NodeId) -> Option<Dim> {
        if self.ty(scalar).rank() > 0 {
            return None;
        }
        self.dim_of(scalar, &mut MAX_STEPS.clone())
    }

    fn dim_of(&self, id: NodeId, left: &mut usize) -> Option<Dim> {
        *left = left.checked_sub(1)?;
        let level = self.frames.iter().position(|frame| frame.id == id.frame)?;
        let inner = &self.frames[level + 1..];
        if inner.iter().any(|frame| frame.kind == FrameKind::Function) {
            // The names of loop variables are not passed to a function.
            return None;
        }
        let frame = &self.frames[level];
        let node = &frame.nodes[id.index as usize];
        let mut operand = |n: usize| {
            let index = *node.args.get(n)?;
            let arg = NodeId {
                frame: id.frame,
                index,
            };
            self.dim_of(arg, left)
        };
        let dim = match &node.op {
            Prim::DimValue(dim) => return Some(dim.clone()),
            Prim::Constant(nums) => match nums.as_slice() {
                [Num::Int(value)] => return i64::try_from(*value).ok().map(Dim::constant),
                _ => return None,
            },
            Prim::Param(_) => {
                let mut captured = frame.captures.iter();
                let (outer, _) = captured.find(|(_, inner)| *inner == id.index)?;
                return self.dim_of(*outer, left);
            }
            Prim::Elementwise("convert") => operand(0)?,
            Prim::Elementwise("add") => &operand(0)? + &operand(1)?,
            Prim::Elementwise("sub") => &operand(0)? - &operand(1)?,
            Prim::Elementwise("neg") => &Dim::constant(0) - &operand(0)?,
            Prim::Elementwise("mul") => {
                let (a, b) = (operand(0)?, operand(1)?);
                // A product with a number stays short.
                if a.as_const().is_none() && b.as_const().is_none() {
                    return None;
                }
                &a * &b
            }
            _ => return None,
        };
        self.holds(node.ty.dtype, &dim).then_some(dim)
    }

    /// Whether an integer type has all values of a dim. Of `i64` that is taken for granted, as it is of dims.
    fn holds(&self, dtype: DType, dim: &Dim) -> bool {
        if dtype == DType::I64 {
            return true;
        }
        let Some((min, max)) = integer_range(dtype) else {
            return false;
        };
        let Some(facts) = self.frames.last().map(|frame| &frame.facts) else {
            return false;
        };
        facts.low(dim.poly()).is_some_and(|low| low >= min)
            && facts.high(dim.poly()).is_some_and(|high| high <= max)
    }

    /// Whether a dim has the variable of a loop in it.
    pub(super) fn has_loop_variable(&self, dim: &Dim) -> bool {
        let names = dim.poly().names();
        self.frames.iter().any(|frame| {
            let rounds = frame.rounds.as_ref();
            rounds.is_some_and(|rounds| names.contains(&rounds.index))
        })
    }
}
