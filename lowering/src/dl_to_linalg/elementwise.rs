//! Elementwise ops: one `linalg.generic` whose body is the record's, or scalar code where all operands are one scalar
//! repeated.

use super::{Content, Lowering, Mapped, Result, refine};
use crate::{
    emit::Emitter,
    linalg::{self, Access, Generic, Iterator},
    scalar,
};
use dlc_abi::dim::Poly;
use dlc_dialects::{
    ir::shape::{self, ElementClass},
    ops::{self, Elementwise},
    pass::PassError,
};
use melior::ir::{OperationRef, Type, Value, operation::OperationLike};

/// An operand and the axis of the result that each of its axes is.
pub(super) type Input<'c, 'a> = (Mapped<'c, 'a>, Vec<usize>);

impl<'c, 'a> Lowering<'c, 'a> {
    /// An op of which the record has the body.
    pub(super) fn elementwise(
        &mut self,
        e: &Emitter<'c, 'a>,
        record: &Elementwise,
        op: OperationRef<'c, 'a>,
        ty: Type<'c>,
    ) -> Result<'c, Mapped<'c, 'a>> {
        let operands = op.operands().map(|v| self.get(v)).collect::<Vec<_>>();
        // The last operand has the type that the body computes with: `select` has its condition first.
        let from = operands
            .last()
            .expect("an elementwise op has an operand")
            .element;
        let body = match shape::class(from) {
            ElementClass::Float => record.body_float,
            ElementClass::Signed => record.body_signed,
            ElementClass::Unsigned => record.body_unsigned,
            ElementClass::Bool => record.body_bool,
        };
        let Some(body) = body else {
            return Err(PassError::at(
                &op,
                format!("this op has no body for {from} in its record"),
            ));
        };
        let number = scalar::compute_type(e, from);
        let element = shape::element(ty);
        Ok(self.same_shape(e, operands, ty, |e, registers| {
            let computed = registers
                .iter()
                .map(|v| scalar::widen(e, *v))
                .collect::<Vec<_>>();
            let value = scalar::evaluate(e, &body, &computed, number);
            scalar::narrow(e, element, value)
        }))
    }

    /// Conversion of the element type.
    pub(super) fn convert(
        &mut self,
        e: &Emitter<'c, 'a>,
        op: ops::Convert<'c, 'a>,
        ty: Type<'c>,
    ) -> Mapped<'c, 'a> {
        let x = self.get(op.x());
        self.converted(e, x, ty)
    }

    /// The operands of a product as it multiplies them: rounded to its precision, as f32, if it has one. They are widened by an
    /// op of its own, which products look through.
    pub(super) fn factors(
        &mut self,
        e: &Emitter<'c, 'a>,
        precision: Option<&str>,
        operands: [Value<'c, 'a>; 2],
    ) -> [Mapped<'c, 'a>; 2] {
        operands.map(|operand| {
            let x = self.get(operand);
            // Products in tf32 round what they load.
            let Some(precision) = precision.filter(|precision| *precision != linalg::TF32) else {
                return x;
            };
            let (from, half, f32) = (x.element, e.ty(precision), e.ty("f32"));
            let ty = |element| shape::tensor(&shape::shape_of(operand), element);
            let rounded = self.same_shape(e, vec![x], ty(half), |e, x| {
                super::convert::convert(e, x[0], from, half)
            });
            self.same_shape(e, vec![rounded], ty(f32), |e, x| {
                super::convert::convert(e, x[0], half, f32)
            })
        })
    }

    /// A tensor with its elements converted to those of a type.
    pub(super) fn converted(
        &mut self,
        e: &Emitter<'c, 'a>,
        x: Mapped<'c, 'a>,
        ty: Type<'c>,
    ) -> Mapped<'c, 'a> {
        let (from, to) = (x.element, shape::element(ty));
        match from == to {
            true => x,
            false => self.same_shape(e, vec![x], ty, |e, x| {
                super::convert::convert(e, x[0], from, to)
            }),
        }
    }

    /// The same bits as another type.
    pub(super) fn bitcast(
        &mut self,
        e: &Emitter<'c, 'a>,
        op: ops::Bitcast<'c, 'a>,
        ty: Type<'c>,
    ) -> Mapped<'c, 'a> {
        let mut x = self.get(op.x());
        let to = shape::element(ty);
        let [old, new] = [x.element, to].map(|element| scalar::register_type(e, element));
        if old == new {
            x.element = to;
            return x;
        }
        self.same_shape(e, vec![x], ty, |e, x| e.op("arith.bitcast", &[x[0]], new))
    }

    /// A tensor whose elements are a function, on registers, of those of operands of its shape.
    fn same_shape(
        &mut self,
        e: &Emitter<'c, 'a>,
        operands: Vec<Mapped<'c, 'a>>,
        ty: Type<'c>,
        body: impl FnOnce(&Emitter<'c, 'a>, &[Value<'c, 'a>]) -> Value<'c, 'a>,
    ) -> Mapped<'c, 'a> {
        let mut dims = operands[0].dims.clone();
        for operand in &operands[1..] {
            for (dim, other) in dims.iter_mut().zip(&operand.dims) {
                if other.as_const().is_some() {
                    *dim = other.clone();
                }
            }
        }
        let dims = refine(dims, ty);
        let axes = (0..dims.len()).collect::<Vec<_>>();
        let inputs = operands.into_iter().map(|x| (x, axes.clone())).collect();
        self.parallel(e, inputs, dims, shape::element(ty), body)
    }

    /// A tensor of `dims` whose elements are a function, on registers, of those of the inputs.
    pub(super) fn parallel(
        &mut self,
        e: &Emitter<'c, 'a>,
        inputs: Vec<Input<'c, 'a>>,
        dims: Vec<Poly>,
        element: Type<'c>,
        body: impl FnOnce(&Emitter<'c, 'a>, &[Value<'c, 'a>]) -> Value<'c, 'a>,
    ) -> Mapped<'c, 'a> {
        let scalars = inputs.iter().map(|(x, _)| match x.content {
            Content::Splat(scalar) => Some(scalar),
            Content::Tensor(_) => None,
        });
        if let Some(scalars) = scalars.collect::<Option<Vec<_>>>() {
            return Mapped::splat(element, dims, body(e, &scalars));
        }
        let stored = scalar::storage_type(e, element);
        let empty = self.empty(e, &dims, stored);
        let mut values = inputs.iter().filter_map(|(x, axes)| match x.content {
            Content::Tensor(value) => Some((value, axes)),
            Content::Splat(_) => None,
        });
        let generic = Generic {
            iterators: vec![Iterator::Parallel; dims.len()],
            inputs: values
                .by_ref()
                .map(|(value, axes)| Access {
                    value,
                    loops: axes.clone(),
                })
                .collect(),
            outputs: vec![Access {
                value: empty,
                loops: (0..dims.len()).collect(),
            }],
            attributes: vec![],
        };
        let made = generic.build(e, |e, arguments| {
            let mut arguments = arguments.iter();
            let registers = inputs
                .iter()
                .map(|(x, _)| match x.content {
                    Content::Splat(scalar) => scalar,
                    Content::Tensor(_) => {
                        let stored = arguments.next().expect("one for each tensor");
                        scalar::load(e, x.element, *stored)
                    }
                })
                .collect::<Vec<_>>();
            vec![scalar::store(e, element, body(e, &registers))]
        });
        self.made(e, element, dims, made[0])
    }
}
