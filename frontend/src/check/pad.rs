//! Making nodes that put a tensor inside a larger one.

use crate::ast::Span;
use crate::check::Checker;
use crate::check::value::{NodeId, Res};
use crate::core::{Dim, Prim, TensorType};

impl Checker<'_> {
    /// Inside a tensor of a value: so much before and after, and between two elements, on each axis.
    pub(crate) fn pad(
        &mut self,
        x: NodeId,
        value: NodeId,
        widths: &[(Dim, Dim)],
        interior: Vec<i64>,
        span: Span,
    ) -> Res<NodeId> {
        let ty = self.ty(x);
        let one = Dim::constant(1);
        let size = |((size, (low, high)), gap): ((&Dim, &(Dim, Dim)), &i64)| {
            let spread = match gap {
                0 => size.clone(),
                gap => &(&(size - &one) * &Dim::constant(gap + 1)) + &one,
            };
            &(&spread + low) + high
        };
        let shape: Vec<Dim> = ty
            .shape
            .iter()
            .zip(widths)
            .zip(&interior)
            .map(size)
            .collect();
        let ty = TensorType::new(ty.dtype, shape);
        self.check_byte_size(&ty, span)?;
        let low = widths.iter().map(|(low, _)| low.clone()).collect();
        self.node(Prim::Pad { low, interior }, &[x, value], ty, span)
    }

    /// As `pad` without gaps, if there is something to pad.
    pub(crate) fn pad_around(
        &mut self,
        x: NodeId,
        value: NodeId,
        widths: &[(Dim, Dim)],
        span: Span,
    ) -> Res<NodeId> {
        let none = |width: &Dim| width.as_const() == Some(0);
        if widths.iter().all(|(low, high)| none(low) && none(high)) {
            return Ok(x);
        }
        self.pad(x, value, widths, vec![0; widths.len()], span)
    }
}
