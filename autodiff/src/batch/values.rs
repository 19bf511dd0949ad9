//! The values of a batch while it is written: what stands for what the function of an element has.
//!
//! Invariants: the type of a batched tensor is that of an element's, with the batch as first axis; what is batched for a
//! number that is no tensor is a tensor of rank 1. What `Spread` does not have has one value for all elements, of its own
//! type.

use super::{
    call::{Kept, acts},
    number, rules,
    spread::Spread,
};
use crate::{
    activity::{Edges, results},
    calls::kept,
    functions::{copy_op, has_effect, inside, is},
};
use dlc_dialects::{
    ir::{
        builder::{Builder, Dim},
        edit,
        inspect::{defining_op, identity},
        shape::{self, element, is_tensor, shape_of},
    },
    pass::PassError,
};
use melior::ir::{
    OperationRef, Type, TypeLike, Value, ValueLike,
    operation::{OperationBuilder, OperationLike},
    r#type::IntegerType,
};
use std::{cell::RefCell, collections::HashMap};

/// What writes the ops of a batch.
pub(super) struct Batcher<'c, 'a> {
    /// Where it writes.
    pub builder: Builder<'c, 'a>,
    /// The number of elements.
    pub size: Dim<'c, 'a>,
    /// Which elements take part, a bool for each; without it all do.
    pub mask: Option<Value<'c, 'a>>,
    /// Whether reverse mode will go through what is written.
    pub is_differentiated: bool,
    /// The calls that stayed calls, whose functions are still to be made.
    pub calls: RefCell<Vec<Kept<'c, 'a>>>,
    spread: Spread,
    values: HashMap<usize, Value<'c, 'a>>,
    greatest: HashMap<usize, Value<'c, 'a>>,
}

impl<'c, 'a> Batcher<'c, 'a> {
    /// One that has batches for values of an element, for these ops and all inside them.
    pub fn new(
        builder: Builder<'c, 'a>,
        size: Dim<'c, 'a>,
        batched: &[(Value<'c, 'a>, Value<'c, 'a>)],
        ops: &[OperationRef<'c, 'a>],
        is_differentiated: bool,
    ) -> Self {
        let single = batched.iter().map(|(one, _)| *one).collect::<Vec<_>>();
        let values = batched.iter().map(|(one, all)| (identity(*one), *all));
        Self {
            builder,
            size,
            mask: None,
            calls: RefCell::default(),
            is_differentiated,
            spread: Spread::of(ops, &single),
            values: values.collect(),
            greatest: HashMap::new(),
        }
    }

    /// Whether a value differs between elements.
    pub fn is_batched(&self, single: Value<'c, 'a>) -> bool {
        self.spread.contains(single)
    }

    /// What stands for a value: its batch, or what all elements share.
    pub fn value(&self, single: Value<'c, 'a>) -> Value<'c, 'a> {
        let known = self.values.get(&identity(single));
        known.copied().unwrap_or(single)
    }

    /// Lets a value stand for another; gives what stood for it.
    pub fn set(&mut self, single: Value<'c, 'a>, value: Value<'c, 'a>) -> Option<Value<'c, 'a>> {
        self.values.insert(identity(single), value)
    }

    /// The greatest of the numbers that stand for an index, if there is such a value.
    pub fn greatest(&self, single: Value<'c, 'a>) -> Option<Value<'c, 'a>> {
        self.greatest.get(&identity(single)).copied()
    }

    /// Notes the greatest of the numbers that stand for an index.
    pub fn set_greatest(&mut self, single: Value<'c, 'a>, greatest: Value<'c, 'a>) {
        self.greatest.insert(identity(single), greatest);
    }

    /// Forgets what stands for a value.
    pub fn unset(&mut self, single: Value<'c, 'a>) {
        self.values.remove(&identity(single));
    }

    /// The batch of a value; one that all elements share is repeated.
    pub fn batched(&self, single: Value<'c, 'a>) -> Result<Value<'c, 'a>, PassError<'c>> {
        let value = self.value(single);
        if self.is_batched(single) {
            return Ok(value);
        }
        let b = self.builder;
        let tensor = match is_tensor(value.r#type()) {
            true => Some(value),
            false => self.as_tensor(value),
        };
        let Some(tensor) = tensor else {
            let op = defining_op(single).ok_or_else(|| PassError {
                location: Some(b.location),
                message: "a number of no known origin differs between elements".into(),
                notes: vec![],
            })?;
            return Err(self.refused(op));
        };
        Ok(self.repeated(tensor))
    }

    /// A tensor that all elements share, once for each.
    pub fn repeated(&self, shared: Value<'c, 'a>) -> Value<'c, 'a> {
        let b = self.builder;
        let dims = self.with_size(&b.dims(shared));
        let axes = (1..dims.len() as i64).collect::<Vec<_>>();
        b.broadcast(shared, &axes, &dims)
    }

    /// A number that is no tensor as one of rank 0.
    fn as_tensor(&self, value: Value<'c, 'a>) -> Option<Value<'c, 'a>> {
        let b = self.builder;
        if value.r#type().is_index() {
            return Some(self.number(Dim::Value(value)));
        }
        let op = defining_op(value)?;
        match edit::name(op) {
            "tensor.extract" => op.operand(0).ok(),
            "arith.constant" => {
                let text = op.attribute("value").ok()?.to_string();
                let text = text.split(' ').next().unwrap_or_default();
                Some(b.scalar(value.r#type(), text))
            }
            _ => None,
        }
    }

    /// A dim as a `tensor<i64>`.
    pub fn number(&self, dim: Dim<'c, 'a>) -> Value<'c, 'a> {
        let b = self.builder;
        let i64 = self.i64();
        match dim {
            Dim::Static(n) => b.scalar(i64, &n.to_string()),
            Dim::Value(value) => {
                let ty = shape::tensor(&[], i64);
                b.op("dl.dim_value", &[value], &[], ty)
            }
        }
    }

    /// A tensor of `dims` filled with a dim.
    pub fn filled(&self, dim: Dim<'c, 'a>, dims: &[Dim<'c, 'a>]) -> Value<'c, 'a> {
        self.builder.broadcast(self.number(dim), &[], dims)
    }

    /// The type `i64`.
    pub fn i64(&self) -> Type<'c> {
        IntegerType::new(self.builder.context, 64).into()
    }

    /// The type of a batch.
    pub fn ty(&self, single: Type<'c>) -> Type<'c> {
        let dims = [&[self.size.in_type()], shape::shape(single).as_slice()].concat();
        let element = match single.is_index() {
            true => self.i64(),
            false => element(single),
        };
        shape::tensor(&dims, element)
    }

    /// The type of what stands for a value.
    pub fn type_of(&self, single: Value<'c, 'a>) -> Type<'c> {
        match self.is_batched(single) {
            true => self.ty(single.r#type()),
            false => single.r#type(),
        }
    }

    /// The dims of a batch of tensors of `dims`.
    pub fn with_size(&self, dims: &[Dim<'c, 'a>]) -> Vec<Dim<'c, 'a>> {
        [&[self.size], dims].concat()
    }

    /// The dims of an element of an op's result, whose dynamic ones are the op's `sizes`; these are the same for all.
    pub fn dims_of_result(
        &self,
        op: OperationRef<'c, 'a>,
        sizes: &[Value<'c, 'a>],
    ) -> Result<Vec<Dim<'c, 'a>>, PassError<'c>> {
        if sizes.iter().any(|size| self.is_batched(*size)) {
            return Err(self.refused(op));
        }
        let y = Value::from(op.result(0)?);
        let mut sizes = sizes.iter();
        let dims = shape_of(y).into_iter().map(|dim| match dim {
            shape::DYNAMIC => sizes.next().map(|size| Dim::Value(self.value(*size))),
            dim => Some(Dim::Static(dim)),
        });
        let dims = dims.collect::<Option<Vec<_>>>();
        dims.ok_or_else(|| PassError::at(&op, "a size is missing"))
    }

    /// A value as the batch of an op's result, whose type may say more or less about its dims.
    pub fn fit(&self, value: Value<'c, 'a>, single: Value<'c, 'a>) -> Value<'c, 'a> {
        let ty = self.ty(single.r#type());
        if value.r#type() == ty {
            return value;
        }
        let b = self.builder;
        let dims = shape::shape(ty).into_iter().zip(b.dims(value));
        let dims = dims.map(|(dim, found)| match dim {
            shape::DYNAMIC => Dim::Value(b.dim_value(found)),
            dim => Dim::Static(dim),
        });
        b.reshape(value, &dims.collect::<Vec<_>>())
    }

    /// The error at an op for which elements would need sizes or bounds of their own.
    pub fn refused(&self, op: OperationRef<'c, 'a>) -> PassError<'c> {
        let message = format!(
            "DL0310 `{}` has no batch, as its sizes or bounds differ between the elements",
            crate::trail::name(op)
        );
        PassError::at(&op, message)
    }

    /// An op of other operands, with batches for results.
    pub fn rebuilt(&self, op: OperationRef<'c, 'a>, operands: &[Value<'c, 'a>]) -> Value<'c, 'a> {
        let types = op.results().map(|y| self.ty(y.r#type()));
        let made = OperationBuilder::new(edit::name(op), self.builder.location)
            .add_operands(operands)
            .add_attributes(&op.attributes().collect::<Vec<_>>())
            .add_results(&types.collect::<Vec<_>>())
            .build()
            .expect("result types are given");
        self.builder.value(made)
    }

    /// Writes an op for all elements: as it is where it is the same for all, by its rule where it is not.
    pub fn step(&mut self, op: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
        self.builder.location = op.location();
        if self.mask.is_some() && kept(op).is_some_and(acts) {
            let message = "DL0310 a call that says itself how it is differentiated, and prints or checks something, stands where \
                           only some elements of a batch come by";
            return Err(PassError::at(&op, message));
        }
        if is(op, "tensor.dim") && self.is_batched(op.operand(0)?) {
            let dim = number::dim(self, op)?;
            self.set(op.result(0)?.into(), dim);
            return Ok(());
        }
        if self.is_shared(op) {
            let copy = copy_op(op, self.builder, &self.values);
            for (single, shared) in results(op).into_iter().zip(results(copy)) {
                self.set(single, shared);
            }
            return Ok(());
        }
        if let Some(edges) = Edges::of(op) {
            return self.control(op, edges);
        }
        let given = rules::apply(self, op)?;
        for (single, batch) in results(op).into_iter().zip(given) {
            let batch = self.fit(batch, single);
            self.set(single, batch);
        }
        Ok(())
    }

    /// Whether an op is the same for all elements, and done for all.
    fn is_shared(&self, op: OperationRef<'c, 'a>) -> bool {
        let all = || std::iter::once(op).chain(inside(op));
        let acts = |op: &OperationRef| has_effect(*op) && kept(*op).is_none();
        let reads = |op: OperationRef<'c, 'a>| op.operands().any(|x| self.is_batched(x));
        !all().any(reads) && (self.mask.is_none() || !all().any(|op| acts(&op)))
    }
}
