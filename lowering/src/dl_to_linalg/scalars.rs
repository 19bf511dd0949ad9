//! Scalars that are no tensors: sizes and places of type `index`, which are polynomials where they can be, and the
//! numbers and truth values that bounds and conditions are made of.

use super::{Content, Lowering, Mapped, Result, refine, shape::cast, sizes::tensor_type};
use crate::{emit::Emitter, scalar};
use dlc_dialects::{
    ir::{inspect::identity, shape},
    pass::PassError,
};
use melior::ir::{OperationRef, TypeLike, Value, ValueLike, operation::OperationLike};

impl<'c, 'a> Lowering<'c, 'a> {
    /// What an old scalar has become.
    pub(super) fn plain(&mut self, e: &Emitter<'c, 'a>, old: Value<'c, 'a>) -> Value<'c, 'a> {
        match old.r#type().is_index() {
            true => {
                let poly = self.sizes.poly(old);
                self.sizes.value(e, &poly)
            }
            false => *self
                .scalars
                .get(&identity(old))
                .expect("values are mapped before their uses"),
        }
    }

    pub(super) fn set_plain(&mut self, old: Value<'c, 'a>, new: Value<'c, 'a>) {
        if old.r#type().is_index() {
            let poly = self.sizes.opaque(new);
            self.sizes.learn(old, poly);
        } else {
            self.scalars.insert(identity(old), new);
        }
    }

    /// `tensor.dim`.
    pub(super) fn dim(&mut self, op: OperationRef<'c, 'a>) -> Result<'c, ()> {
        let (tensor, axis) = (self.get(op.operand(0)?), self.sizes.poly(op.operand(1)?));
        let axis = axis.as_const().and_then(|axis| usize::try_from(axis).ok());
        let dim = axis.and_then(|axis| tensor.dims.get(axis));
        let dim =
            dim.ok_or_else(|| PassError::at(&op, "the axis of tensor.dim should be a constant"))?;
        self.sizes.learn(op.result(0)?.into(), dim.clone());
        Ok(())
    }

    /// `tensor.extract`.
    pub(super) fn extract_element(
        &mut self,
        e: &Emitter<'c, 'a>,
        op: OperationRef<'c, 'a>,
    ) -> Result<'c, ()> {
        let x = self.get(op.operand(0)?);
        let places = op.operands().skip(1).collect::<Vec<_>>();
        let value = match x.content {
            Content::Splat(scalar) => scalar,
            Content::Tensor(tensor) => {
                let places = places
                    .into_iter()
                    .map(|place| self.plain(e, place))
                    .collect::<Vec<_>>();
                scalar::load(e, x.element, super::shape::extract(e, tensor, &places))
            }
        };
        self.set_plain(op.result(0)?.into(), value);
        Ok(())
    }

    /// `tensor.cast`: what is known of the sizes stays known.
    pub(super) fn cast(&mut self, e: &Emitter<'c, 'a>, op: OperationRef<'c, 'a>) -> Result<'c, ()> {
        let result: Value<'c, 'a> = op.result(0)?.into();
        let x = self.get(op.operand(0)?);
        let dims = refine(x.dims, result.r#type());
        let content = match x.content {
            Content::Tensor(value) => {
                let ty = tensor_type(&dims, shape::element_of(value));
                Content::Tensor(cast(e, value, ty))
            }
            splat => splat,
        };
        let element = x.element;
        self.set(
            result,
            Mapped {
                element,
                dims,
                content,
            },
        );
        Ok(())
    }

    /// An op of the `arith` dialect on scalars.
    pub(super) fn arithmetic(
        &mut self,
        e: &Emitter<'c, 'a>,
        name: &str,
        op: OperationRef<'c, 'a>,
    ) -> Result<'c, ()> {
        let result: Value<'c, 'a> = op.result(0)?.into();
        if let Some(tensor) = op
            .operands()
            .chain([result])
            .find(|v| shape::is_tensor(v.r#type()))
        {
            let message = format!("`{name}` of {} can't be lowered", tensor.r#type());
            return Err(PassError::at(&op, message));
        }
        let on_index = op.operands().all(|v| v.r#type().is_index()) && result.r#type().is_index();
        if let Some(poly) = on_index.then(|| self.sizes.arithmetic(op)).flatten() {
            self.sizes.learn(result, poly);
            return Ok(());
        }
        let operands = op.operands().map(|v| self.plain(e, v)).collect::<Vec<_>>();
        let attributes = op.attributes().collect::<Vec<_>>();
        let attributes = attributes
            .iter()
            .map(|(n, a)| (n.as_string_ref().as_str().unwrap_or_default(), *a))
            .collect::<Vec<_>>();
        let value = e.op_with(name, &operands, result.r#type(), &attributes);
        self.set_plain(result, value);
        Ok(())
    }
}
