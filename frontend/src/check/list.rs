//! Lists of numbers as tensors: `[[1.0, 2.0], [3.0, 4.0]]` where an `f32[2, 2]` is expected.

use crate::ast::{DType, Span};
use crate::check::Checker;
use crate::check::binary::Operand;
use crate::check::consts::Number;
use crate::check::value::{NodeId, Res, Value};
use crate::core::{Dim, Num, TensorType};
use crate::diagnostic::Code;

/// The shape of nested lists of scalars, all of one length at each depth; nothing for other values.
pub(crate) fn list_shape(checker: &Checker<'_>, value: &Value<'_>) -> Option<Vec<Dim>> {
    match value {
        Value::Num(_) | Value::Dim(_) => Some(Vec::new()),
        Value::Tensor(id) => {
            let ty = checker.ty(*id);
            (ty.dtype != DType::Key).then(|| ty.shape.clone())
        }
        Value::List(items) => {
            let (first, rest) = items.split_first()?;
            let inner = list_shape(checker, first)?;
            for item in rest {
                let other = list_shape(checker, item)?;
                if !checker.same_shape(&inner, &other) {
                    return None;
                }
            }
            let mut shape = vec![Dim::constant(items.len() as i64)];
            shape.extend(inner);
            Some(shape)
        }
        _ => None,
    }
}

/// The type of a list of numbers as a tensor.
pub(crate) fn list_type(checker: &Checker<'_>, list: &Value<'_>) -> Option<TensorType> {
    let shape = list_shape(checker, list)?;
    Some(TensorType::new(list_dtype(checker, list), shape))
}

/// The dtype of the numbers in a list: that of the first tensor in it, else that of a literal, floats before integers.
fn list_dtype(checker: &Checker<'_>, value: &Value<'_>) -> DType {
    fn scan(
        checker: &Checker<'_>,
        value: &Value<'_>,
        tensor: &mut Option<DType>,
        floats: &mut bool,
    ) {
        match value {
            Value::Tensor(id) => *tensor = tensor.or(Some(checker.ty(*id).dtype)),
            Value::Dim(_) => *tensor = tensor.or(Some(DType::I64)),
            Value::Num(Num::Float(_)) => *floats = true,
            Value::List(items) => {
                for item in items.iter() {
                    scan(checker, item, tensor, floats);
                }
            }
            _ => {}
        }
    }
    fn first(value: &Value<'_>) -> DType {
        match value {
            Value::List(items) => items.first().map_or(DType::F32, first),
            Value::Num(num) => num.default_dtype(),
            _ => DType::F32,
        }
    }
    let (mut tensor, mut floats) = (None, false);
    scan(checker, value, &mut tensor, &mut floats);
    match tensor {
        Some(dtype) => dtype,
        None if floats => DType::F32,
        None => first(value),
    }
}

impl<'a> Checker<'a> {
    /// A list of scalars, or of such lists, as a tensor.
    pub(crate) fn list_as_tensor(
        &mut self,
        list: &Value<'a>,
        dtype: Option<DType>,
        span: Span,
    ) -> Res<NodeId> {
        if list_shape(self, list).is_none() {
            let what = self.describe(list);
            let message = format!("a tensor is needed here, and this is {what}");
            return self.error(Code::DL0209, message, span);
        }
        let dtype = dtype.unwrap_or_else(|| list_dtype(self, list));
        self.stacked(list, dtype, span)
    }

    /// A list of literals as a tensor of a dtype; nothing for another list, whose elements have to be converted.
    pub(crate) fn list_of_dtype(
        &mut self,
        list: &Value<'a>,
        dtype: DType,
        span: Span,
    ) -> Option<Res<NodeId>> {
        list_shape(self, list)?;
        if !list.nodes().is_empty() {
            let tensor = self.list_as_tensor(list, None, span);
            return Some(tensor.and_then(|tensor| self.convert(tensor, dtype, span)));
        }
        Some(self.list_as_tensor(list, Some(dtype), span))
    }

    /// A list of numbers beside a tensor takes its dtype.
    pub(crate) fn lists_as_tensors(
        &mut self,
        a: Operand<'a>,
        b: Operand<'a>,
    ) -> Res<(Operand<'a>, Operand<'a>)> {
        match (&a.value, &b.value) {
            (Value::Tensor(x), Value::List(_)) => {
                let dtype = self.dtype(*x);
                let value = Value::Tensor(self.list_as_tensor(&b.value, Some(dtype), b.span)?);
                Ok((a, Operand { value, ..b }))
            }
            (Value::List(_), Value::Tensor(x)) => {
                let dtype = self.dtype(*x);
                let value = Value::Tensor(self.list_as_tensor(&a.value, Some(dtype), a.span)?);
                Ok((Operand { value, ..a }, b))
            }
            _ => Ok((a, b)),
        }
    }

    fn stacked(&mut self, value: &Value<'a>, dtype: DType, span: Span) -> Res<NodeId> {
        let Value::List(items) = value else {
            return self.as_tensor_of(value, dtype, span);
        };
        let mut parts = Vec::new();
        for item in items.iter() {
            let part = self.stacked(item, dtype, span)?;
            parts.push(self.expand(part, &[0], span)?);
        }
        self.concatenate(&parts, 0, span)
    }
}
