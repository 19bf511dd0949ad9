//! The rewriting of one function from `dl` to `linalg` on tensors: what each old value becomes, and one function
//! for each kind of op in the files of this folder. The `dl-to-linalg` pass drives it.

mod check;
mod control;
mod convert;
mod cumulative;
mod destination;
mod elementwise;
mod function;
mod gather;
mod packed;
mod print;
mod random;
mod reduce;
mod reshape;
mod scalars;
mod scatter;
mod shape;
pub(crate) mod sizes;
mod sort;
mod window;

pub use function::rewrite;

use crate::{emit::Emitter, linalg, scalar};
use dlc_abi::dim::Poly;
use dlc_dialects::{
    ir::{
        inspect::identity,
        shape::{element_of, is_tensor},
    },
    ops::{self, OpKind},
    pass::PassError,
};
use melior::{
    Context,
    ir::{BlockRef, OperationRef, Type, Value, ValueLike, operation::OperationLike},
};
use sizes::{Sizes, refine, tensor_type};
use std::collections::{BTreeMap, HashMap};

type Result<'c, T> = std::result::Result<T, PassError<'c>>;

/// What an old tensor has become.
#[derive(Clone)]
struct Mapped<'c, 'a> {
    /// The element type that `dl` gives it.
    element: Type<'c>,
    /// The sizes.
    dims: Vec<Poly>,
    /// The elements.
    content: Content<'c, 'a>,
}

/// The elements of a tensor.
#[derive(Clone, Copy)]
enum Content<'c, 'a> {
    /// A tensor of stored elements.
    Tensor(Value<'c, 'a>),
    /// One scalar, as register, that all elements are. Tensors of rank 0 are kept so, which makes arithmetic on
    /// them scalar code that no loop repeats.
    Splat(Value<'c, 'a>),
}

impl<'c, 'a> Mapped<'c, 'a> {
    fn tensor(element: Type<'c>, dims: Vec<Poly>, value: Value<'c, 'a>) -> Self {
        Self {
            element,
            dims,
            content: Content::Tensor(value),
        }
    }

    fn splat(element: Type<'c>, dims: Vec<Poly>, value: Value<'c, 'a>) -> Self {
        Self {
            element,
            dims,
            content: Content::Splat(value),
        }
    }

    fn rank(&self) -> usize {
        self.dims.len()
    }
}

/// The state of rewriting a function.
struct Lowering<'c, 'a> {
    context: &'c Context,
    /// The function as it was.
    function: OperationRef<'c, 'a>,
    /// The block of the new function that is being written.
    block: BlockRef<'c, 'a>,
    sizes: Sizes<'c, 'a>,
    /// What old tensors have become, by identity.
    values: HashMap<usize, Mapped<'c, 'a>>,
    /// The tensor and its sizes that a reshaped one, by identity, was made from.
    reshapes: HashMap<usize, (Value<'c, 'a>, Vec<Poly>)>,
    /// What old scalars that are neither tensors nor of type index have become, by identity.
    scalars: HashMap<usize, Value<'c, 'a>>,
    /// The symbols of the texts that are printed.
    texts: BTreeMap<String, String>,
    /// For an entry that checks something.
    failures: Option<check::Failures<'c, 'a>>,
}

impl<'c, 'a> Lowering<'c, 'a> {
    fn new(context: &'c Context, function: OperationRef<'c, 'a>, block: BlockRef<'c, 'a>) -> Self {
        Self {
            context,
            function,
            block,
            sizes: Sizes::default(),
            values: HashMap::new(),
            reshapes: HashMap::new(),
            scalars: HashMap::new(),
            texts: BTreeMap::new(),
            failures: None,
        }
    }

    /// What an old tensor has become.
    fn get(&self, old: Value<'c, 'a>) -> Mapped<'c, 'a> {
        self.values
            .get(&identity(old))
            .cloned()
            .expect("values are mapped before their uses")
    }

    fn set(&mut self, old: Value<'c, 'a>, new: Mapped<'c, 'a>) {
        self.values.insert(identity(old), new);
    }

    /// The tensor of stored elements.
    fn tensor(&mut self, e: &Emitter<'c, 'a>, x: &Mapped<'c, 'a>) -> Value<'c, 'a> {
        match x.content {
            Content::Tensor(value) => value,
            Content::Splat(scalar) => {
                let scalar = scalar::store(e, x.element, scalar);
                match x.dims.is_empty() {
                    true => e.op(
                        "tensor.from_elements",
                        &[scalar],
                        tensor_type(&[], scalar.r#type()),
                    ),
                    false => {
                        let empty = self.empty(e, &x.dims, scalar.r#type());
                        linalg::fill(e, scalar, empty)
                    }
                }
            }
        }
    }

    /// The one element of a tensor of rank 0, as register.
    fn scalar(&self, e: &Emitter<'c, 'a>, x: &Mapped<'c, 'a>) -> Value<'c, 'a> {
        match x.content {
            Content::Tensor(value) => {
                let stored = e.op("tensor.extract", &[value], element_of(value));
                scalar::load(e, x.element, stored)
            }
            Content::Splat(scalar) => scalar,
        }
    }

    /// A new tensor as an op's result; of rank 0 as its scalar.
    fn made(
        &self,
        e: &Emitter<'c, 'a>,
        element: Type<'c>,
        dims: Vec<Poly>,
        value: Value<'c, 'a>,
    ) -> Mapped<'c, 'a> {
        let made = Mapped::tensor(element, dims, value);
        match made.dims.is_empty() {
            true => Mapped::splat(element, vec![], self.scalar(e, &made)),
            false => made,
        }
    }

    /// `tensor.empty` of stored elements.
    fn empty(&mut self, e: &Emitter<'c, 'a>, dims: &[Poly], stored: Type<'c>) -> Value<'c, 'a> {
        let sizes = self.sizes.dynamic(e, dims);
        linalg::empty(e, tensor_type(dims, stored), &sizes)
    }

    /// Rewrites one operation of the old body.
    fn op(&mut self, op: OperationRef<'c, 'a>) -> Result<'c, ()> {
        let e = Emitter::at_end(self.context, op.location(), self.block);
        let name = op.name();
        let name = name.as_string_ref();
        let name = name.as_str().unwrap_or_default();
        if OpKind::from_name(name) == Some(OpKind::Print) {
            self.print(&e, ops::Print(op));
            return Ok(());
        }
        if OpKind::from_name(name) == Some(OpKind::Check) {
            return self.check(&e, ops::Check(op));
        }
        if let Some(kind) = OpKind::from_name(name) {
            let made = self.dl(&e, kind, op)?;
            self.set(op.result(0)?.into(), made);
            return Ok(());
        }
        match name {
            "scf.for" => self.for_loop(&e, op),
            "scf.while" => self.while_loop(&e, op),
            "scf.if" => self.branch(&e, op),
            "arith.select" if is_tensor(op.result(0)?.r#type()) => self.select(&e, op),
            "tensor.dim" => self.dim(op),
            "tensor.extract" => self.extract_element(&e, op),
            "tensor.cast" => self.cast(&e, op),
            name if name.starts_with("arith.") && op.result_count() == 1 => {
                self.arithmetic(&e, name, op)
            }
            _ => {
                let hint = match name {
                    "func.call" => ": calls should have been inlined",
                    _ => "",
                };
                let message = format!("`{name}` can't be lowered{hint}");
                Err(PassError::at(&op, message))
            }
        }
    }

    /// The same elements as a value of its own, until all that may merge ops is done. A register needs none, and does
    /// not have to be waited for.
    fn barrier(
        &mut self,
        e: &Emitter<'c, 'a>,
        view: ops::OptimizationBarrier<'c, 'a>,
    ) -> Mapped<'c, 'a> {
        let (x, after) = (self.get(view.x()), self.get(view.after()));
        let Content::Tensor(value) = x.content else {
            return x;
        };
        let after = match after.content {
            Content::Tensor(after) => after,
            Content::Splat(_) => value,
        };
        let operands = [value, after];
        let value = e.op("dl.optimization_barrier", &operands, value.r#type());
        Mapped::tensor(x.element, x.dims, value)
    }

    /// Rewrites an operation of the `dl` dialect.
    fn dl(
        &mut self,
        e: &Emitter<'c, 'a>,
        kind: OpKind,
        op: OperationRef<'c, 'a>,
    ) -> Result<'c, Mapped<'c, 'a>> {
        if matches!(
            kind,
            OpKind::Call | OpKind::Grad | OpKind::Jvp | OpKind::Vjp | OpKind::Vmap
        ) {
            let message = format!(
                "`dl.{}` should have been expanded by expand-derivatives",
                kind.mnemonic()
            );
            return Err(PassError::at(&op, message));
        }
        let ty = op.result(0)?.r#type();
        Ok(match kind {
            OpKind::Convert => self.convert(e, ops::Convert(op), ty),
            OpKind::Bitcast => self.bitcast(e, ops::Bitcast(op), ty),
            OpKind::StopGradient => self.get(op.operand(0)?),
            OpKind::OptimizationBarrier => self.barrier(e, ops::OptimizationBarrier(op)),
            OpKind::Constant => return self.constant(e, ops::Constant(op), ty),
            OpKind::DimValue => self.dim_value(e, ops::DimValue(op), ty),
            OpKind::Iota => self.iota(e, ops::Iota(op), ty),
            OpKind::Broadcast => self.broadcast(e, ops::Broadcast(op), ty),
            OpKind::Reshape => self.reshape(e, ops::Reshape(op), ty),
            OpKind::Transpose => self.transpose(e, ops::Transpose(op), ty),
            OpKind::Reverse => self.reverse(e, ops::Reverse(op), ty),
            OpKind::Concatenate => self.concatenate(e, ops::Concatenate(op), ty),
            OpKind::Slice => self.slice(e, ops::Slice(op), ty),
            OpKind::UpdateSlice => self.update_slice(e, ops::UpdateSlice(op), ty),
            OpKind::Pad => self.pad(e, ops::Pad(op), ty),
            OpKind::DotGeneral => self.dot_general(e, ops::DotGeneral(op), ty),
            OpKind::Conv => self.conv(e, ops::Conv(op), ty),
            OpKind::ReduceWindow => self.reduce_window(e, ops::ReduceWindow(op), ty),
            OpKind::Reduce => self.reduce(e, ops::Reduce(op), ty),
            OpKind::ArgReduce => self.arg_reduce(e, ops::ArgReduce(op), ty),
            OpKind::Argsort => self.argsort(e, ops::Argsort(op), ty),
            OpKind::Cumulative => self.cumulative(e, ops::Cumulative(op), ty),
            OpKind::Take => self.take(e, ops::Take(op), ty),
            OpKind::TakeAlongAxis => self.take_along_axis(e, ops::TakeAlongAxis(op), ty),
            OpKind::Scatter => self.scatter(e, ops::Scatter(op), ty),
            OpKind::ScatterAddAlongAxis => {
                self.scatter_add_along_axis(e, ops::ScatterAddAlongAxis(op), ty)
            }
            OpKind::RandomBits => self.random_bits(e, ops::RandomBits(op), ty),
            kind => match kind.elementwise() {
                Some(record) => return self.elementwise(e, record, op, ty),
                None => {
                    let message = format!("`dl.{}` has no lowering yet", kind.mnemonic());
                    return Err(PassError::at(&op, message));
                }
            },
        })
    }
}
