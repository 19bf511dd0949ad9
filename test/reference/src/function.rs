//! Functions: walks a body op by op, with a value for each SSA value.

use crate::{
    EvalError, arith,
    array::Array,
    contract::{self, Pairs},
    differences::Differences,
    elementwise, index, order, print, random, reduce, shape,
    value::{
        Content, Failure, Floats, Values, array, arrays, check_type, content, dtype, int, ints,
        operand, operands, result_dtype, result_type,
    },
    window::{self, Windows},
};
use dlc_abi::DType;
use dlc_dialects::{
    elementwise_kinds,
    ir::inspect::{dense_bits, identity},
    ops::{self, OpKind},
};
use dlc_runtime::Tensor;
use melior::ir::{
    BlockLike, BlockRef, Module, OperationRef, RegionLike, Value, ValueLike,
    attribute::{FlatSymbolRefAttribute, StringAttribute},
    operation::OperationLike,
};

/// Calls nest this deep; DL has no recursion, so more is a mistake.
const DEEPEST_CALL: usize = 256;

/// Runs a function of a module: `dims` are its leading index arguments, `args` its tensors. A key among
/// the arguments stands for two `ui32` on a last axis, and comes back as such.
pub fn evaluate(
    module: &Module,
    function: &str,
    dims: &[i64],
    args: &[Tensor],
) -> Result<Vec<Tensor>, EvalError> {
    Machine::new(module, None).start(function, dims, args)
}

/// What runs functions.
#[derive(Clone, Copy)]
pub(crate) struct Machine<'m, 'c> {
    module: &'m Module<'c>,
    /// How many calls deep it is.
    depth: usize,
    floats: Floats,
    /// How derivatives are had that are still to be made; none where they are refused.
    pub(crate) differences: Option<&'m Differences>,
}

impl<'m, 'c> Machine<'m, 'c> {
    /// A machine outside of calls.
    pub fn new(module: &'m Module<'c>, differences: Option<&'m Differences>) -> Self {
        Self {
            module,
            depth: 0,
            floats: Floats::Typed,
            differences,
        }
    }

    /// The same for a call inside of one.
    pub fn inner(self, floats: Floats) -> Self {
        Self {
            depth: self.depth + 1,
            floats,
            ..self
        }
    }

    /// How many parameters a function has.
    pub fn parameters(self, name: &str) -> Result<usize, Failure> {
        let block = find(self.module, name).and_then(|func| func.region(0).ok()?.first_block());
        let block = block.ok_or_else(|| Failure::Nested(EvalError::NoFunction(name.into())))?;
        Ok(block.argument_count())
    }

    /// Runs a function from outside.
    pub fn start(
        self,
        function: &str,
        dims: &[i64],
        args: &[Tensor],
    ) -> Result<Vec<Tensor>, EvalError> {
        let dims = dims.iter().map(|&dim| Content::Index(dim));
        let args = args.iter().map(Array::from_tensor).map(Content::Array);
        call(self, function, dims.chain(args).collect())?
            .iter()
            .map(|result| match result {
                Content::Array(array) => Ok(array.to_tensor()?),
                Content::Index(value) => Ok(Tensor::from_slice(&[], &[*value])?),
            })
            .collect()
    }
}

/// Runs a function.
pub(crate) fn call(
    machine: Machine,
    name: &str,
    args: Vec<Content>,
) -> Result<Vec<Content>, EvalError> {
    let missing = || EvalError::NoFunction(name.into());
    let block = find(machine.module, name)
        .and_then(|func| func.region(0).ok()?.first_block())
        .ok_or_else(missing)?;
    let wrong = |message: String| EvalError::Argument {
        function: name.into(),
        message,
    };
    if machine.depth > DEEPEST_CALL {
        return Err(wrong(format!("calls nest deeper than {DEEPEST_CALL}")));
    }
    if block.argument_count() != args.len() {
        let (takes, given) = (block.argument_count(), args.len());
        return Err(wrong(format!("takes {takes} arguments, {given} are given")));
    }
    let mut frame = Frame {
        machine,
        values: Values::new(machine.floats),
    };
    for (i, arg) in args.into_iter().enumerate() {
        let parameter: Value = block.argument(i).map_err(|_| missing())?.into();
        frame
            .bind(parameter, arg)
            .map_err(|m| wrong(format!("argument {i}: {m}")))?;
    }
    frame.block(block)
}

/// A function while it runs.
pub(crate) struct Frame<'m, 'c> {
    pub(crate) machine: Machine<'m, 'c>,
    /// What its SSA values stand for; those of a loop's body, in the round that runs.
    pub(crate) values: Values,
}

impl Frame<'_, '_> {
    /// Lets an SSA value stand for something of its type.
    pub(crate) fn bind(&mut self, value: Value, content: Content) -> Result<(), String> {
        check_type(&content, value.r#type(), self.machine.floats)?;
        self.values.insert(identity(value), content);
        Ok(())
    }

    /// Runs a block; gives the operands of the op that ends it.
    pub(crate) fn block(&mut self, block: BlockRef) -> Result<Vec<Content>, EvalError> {
        let mut next = block.first_operation();
        while let Some(op) = next {
            let name = name_of(op);
            next = op.next_in_block();
            let located = |failure| locate(failure, &name, op);
            if next.is_none() {
                return operands(op, &self.values).map_err(located);
            }
            let results = self.run(op, &name).map_err(located)?;
            for (result, content) in op.results().zip(results) {
                self.bind(result.into(), content)
                    .map_err(|message| located(Failure::Message(message)))?;
            }
        }
        Ok(vec![])
    }

    /// Runs an op; gives its results.
    fn run(&mut self, op: OperationRef, name: &str) -> Result<Vec<Content>, Failure> {
        let values = &self.values;
        if OpKind::from_name(name) == Some(OpKind::Print) {
            let view = ops::Print(op);
            let values = view.values();
            println!(
                "{}",
                print::line(view.text(), &arrays(values.into_iter(), &self.values)?)
            );
            return Ok(vec![]);
        }
        if OpKind::from_name(name) == Some(OpKind::Check) {
            let view = ops::Check(op);
            let holds = array(view.holds(), values)?.at(&[]).is_true();
            let failed = || EvalError::Check {
                code: view.code().into(),
                text: view.text().into(),
            };
            return match holds {
                true => Ok(vec![]),
                false => Err(Failure::Nested(failed())),
            };
        }
        if let (Some(differences), Some(kind)) = (self.machine.differences, OpKind::from_name(name))
            && let Some(results) = differences.run(kind, op, self)?
        {
            return Ok(results);
        }
        if let Some(kind) = OpKind::from_name(name) {
            return Ok(vec![Content::Array(tensor_op(kind, op, values)?)]);
        }
        let operand = |i: usize| operand(op, i);
        let one = match name {
            "func.call" => {
                let callee = op
                    .attribute("callee")
                    .ok()
                    .and_then(|callee| FlatSymbolRefAttribute::try_from(callee).ok())
                    .ok_or("the callee is no symbol")?;
                let args = operands(op, values)?;
                let machine = self.machine.inner(self.machine.floats);
                return call(machine, callee.value(), args).map_err(Failure::Nested);
            }
            "scf.for" => return self.for_loop(op),
            "scf.while" => return self.while_loop(op),
            "scf.if" => return self.branch(op),
            "tensor.dim" => {
                let x = array(operand(0)?, values)?;
                let axis = int(operand(1)?, values)?;
                let dim = usize::try_from(axis)
                    .ok()
                    .and_then(|axis| x.shape.get(axis));
                let dim = dim
                    .ok_or_else(|| format!("axis {axis} of a tensor of rank {}", x.shape.len()))?;
                Content::Index(*dim as i64)
            }
            "tensor.extract" => {
                let x = array(operand(0)?, values)?;
                let position = (1..op.operand_count())
                    .map(|i| Ok(int(operand(i)?, values)? as usize))
                    .collect::<Result<Vec<_>, Failure>>()?;
                if position.iter().zip(&x.shape).any(|(at, dim)| at >= dim) {
                    let shape = &x.shape;
                    return Err(format!("position {position:?} is outside shape {shape:?}").into());
                }
                Content::Index(x.at(&position).integer(x.dtype) as i64)
            }
            "tensor.cast" => content(operand(0)?, values)?.clone(),
            "arith.select" => match int(operand(0)?, values)? {
                0 => content(operand(2)?, values)?.clone(),
                _ => content(operand(1)?, values)?.clone(),
            },
            _ => Content::Index(arith::scalar(op, name, values)?),
        };
        Ok(vec![one])
    }
}

fn locate(failure: Failure, name: &str, op: OperationRef) -> EvalError {
    let (op, location) = (name.to_string(), op.location().to_string());
    match failure {
        Failure::Message(message) => EvalError::Op {
            op,
            location,
            message,
        },
        Failure::Unsupported => EvalError::Unsupported { op, location },
        Failure::Nested(error) => error,
    }
}

fn find<'c, 'a>(module: &'a Module<'c>, name: &str) -> Option<OperationRef<'c, 'a>> {
    let mut next = module.body().first_operation();
    while let Some(op) = next {
        let symbol = op.attribute("sym_name").ok();
        let symbol = symbol.and_then(|symbol| StringAttribute::try_from(symbol).ok());
        if symbol.is_some_and(|symbol| symbol.value() == name) {
            return Some(op);
        }
        next = op.next_in_block();
    }
    None
}

fn name_of(op: OperationRef) -> String {
    op.name()
        .as_string_ref()
        .as_str()
        .unwrap_or("?")
        .to_string()
}

/// A product of operands that are rounded to a precision, in f32; of the operands without one, and in tf32, which is a leave to round.
fn in_precision(
    precision: Option<&str>,
    operands: [&Array; 2],
    product: impl FnOnce([&Array; 2]) -> Result<Array, String>,
) -> Result<Array, Failure> {
    let dtype = operands[0].dtype;
    let rounded = match precision {
        None | Some("tf32") => return Ok(product(operands)?),
        Some("bf16") => DType::BF16,
        Some(_) => DType::F16,
    };
    let rounded = operands.map(|x| {
        let rounded = elementwise::convert(x, rounded);
        elementwise::convert(&rounded, DType::F32)
    });
    let product = product(rounded.each_ref())?;
    Ok(elementwise::convert(&product, dtype))
}

/// A `dl` op with one tensor as result.
fn tensor_op(kind: OpKind, op: OperationRef, values: &Values) -> Result<Array, Failure> {
    let get = |value| array(value, values);
    // What is wide is not to be rounded on the way.
    let precision = |given| match values.floats() {
        Floats::Typed => given,
        Floats::Wide => None,
    };
    Ok(match kind {
        OpKind::Constant => {
            let (held, shape) = result_type(op, &[], values)?;
            let bits = dense_bits(ops::Constant(op).value()).ok_or("the value is not `dense`")?;
            let result = op.result(0).map_err(|error| error.to_string())?;
            let dtype = dtype(result.r#type())?;
            let typed = Array { dtype, shape, bits };
            match held == dtype {
                true => typed,
                false => elementwise::convert(&typed, held),
            }
        }
        OpKind::DimValue => Array {
            dtype: DType::I64,
            shape: vec![],
            bits: vec![int(ops::DimValue(op).dim(), values)? as u64],
        },
        OpKind::Iota => {
            let view = ops::Iota(op);
            let (dtype, shape) = result_type(op, &view.sizes(), values)?;
            shape::iota(dtype, &shape, view.axis() as usize)?
        }
        OpKind::Broadcast => {
            let view = ops::Broadcast(op);
            let (_, shape) = result_type(op, &view.sizes(), values)?;
            shape::broadcast(get(view.x())?, &view.axes(), &shape)?
        }
        OpKind::Reshape => {
            let view = ops::Reshape(op);
            let (_, shape) = result_type(op, &view.sizes(), values)?;
            shape::reshape(get(view.x())?, &shape)?
        }
        OpKind::Transpose => {
            let view = ops::Transpose(op);
            shape::transpose(get(view.x())?, &view.permutation())?
        }
        OpKind::Reverse => {
            let view = ops::Reverse(op);
            shape::reverse(get(view.x())?, &view.axes())?
        }
        OpKind::Concatenate => {
            let inputs = arrays(op.operands(), values)?;
            shape::concatenate(&inputs, ops::Concatenate(op).axis() as usize)?
        }
        OpKind::Slice => {
            let view = ops::Slice(op);
            let (_, shape) = result_type(op, &view.sizes(), values)?;
            shape::slice(
                get(view.x())?,
                &ints(&view.starts(), values)?,
                &view.strides(),
                &shape,
            )?
        }
        OpKind::UpdateSlice => {
            let view = ops::UpdateSlice(op);
            let starts = ints(&view.starts(), values)?;
            shape::update_slice(
                get(view.x())?,
                get(view.update())?,
                &starts,
                &view.strides(),
            )?
        }
        OpKind::Pad => {
            let view = ops::Pad(op);
            let (_, shape) = result_type(op, &view.sizes(), values)?;
            let low = ints(&view.low(), values)?;
            shape::pad(
                get(view.x())?,
                get(view.value())?,
                &low,
                &view.interior(),
                &shape,
            )?
        }
        OpKind::DotGeneral => {
            let view = ops::DotGeneral(op);
            let batch = [view.lhs_batch(), view.rhs_batch()];
            let contract = [view.lhs_contract(), view.rhs_contract()];
            let pairs = Pairs {
                batch: [&batch[0], &batch[1]],
                contract: [&contract[0], &contract[1]],
            };
            let operands = [get(view.lhs())?, get(view.rhs())?];
            in_precision(precision(view.precision()), operands, |[lhs, rhs]| {
                contract::dot_general(lhs, rhs, pairs)
            })?
        }
        OpKind::Reduce => {
            let view = ops::Reduce(op);
            reduce::reduce(get(view.x())?, view.kind(), &view.axes())?
        }
        OpKind::Conv => {
            let view = ops::Conv(op);
            let windows = Windows {
                strides: view.strides(),
                dilations: view.dilations(),
            };
            let operands = [get(view.x())?, get(view.w())?];
            in_precision(precision(view.precision()), operands, |[x, w]| {
                window::conv(x, w, view.groups(), &windows)
            })?
        }
        OpKind::ReduceWindow => {
            let view = ops::ReduceWindow(op);
            let windows = Windows {
                strides: view.strides(),
                dilations: view.dilations(),
            };
            window::reduce_window(get(view.x())?, view.kind(), &view.window(), &windows)?
        }
        OpKind::OptimizationBarrier => get(ops::OptimizationBarrier(op).x())?.clone(),
        OpKind::ArgReduce => {
            let view = ops::ArgReduce(op);
            reduce::arg_reduce(get(view.x())?, view.kind(), view.axis() as usize)?
        }
        OpKind::Argsort => {
            let view = ops::Argsort(op);
            order::argsort(get(view.x())?, view.axis() as usize, view.descending())?
        }
        OpKind::Cumulative => {
            let view = ops::Cumulative(op);
            let axis = view.axis() as usize;
            reduce::cumulative(get(view.x())?, view.kind(), axis, view.reverse())?
        }
        OpKind::Take => {
            let view = ops::Take(op);
            index::take(get(view.x())?, get(view.ids())?, view.axis() as usize)?
        }
        OpKind::TakeAlongAxis => {
            let view = ops::TakeAlongAxis(op);
            index::take_along_axis(get(view.x())?, get(view.ids())?, view.axis() as usize)?
        }
        OpKind::Scatter => {
            let view = ops::Scatter(op);
            let (x, ids, updates) = (get(view.x())?, get(view.ids())?, get(view.updates())?);
            index::scatter(x, ids, updates, view.axis() as usize, view.kind() == "set")?
        }
        OpKind::ScatterAddAlongAxis => {
            let view = ops::ScatterAddAlongAxis(op);
            let (x, ids, updates) = (get(view.x())?, get(view.ids())?, get(view.updates())?);
            index::scatter_add_along_axis(x, ids, updates, view.axis() as usize)?
        }
        OpKind::RandomBits => {
            let view = ops::RandomBits(op);
            let (dtype, shape) = result_type(op, &view.sizes(), values)?;
            random::random_bits(get(view.key())?, dtype, &shape)?
        }
        OpKind::Convert => {
            let dtype = result_dtype(op, values)?;
            elementwise::convert(get(ops::Convert(op).x())?, dtype)
        }
        // Of a float that is held in another type there are no bits.
        OpKind::Bitcast if values.floats() == Floats::Wide => return Err(Failure::Unsupported),
        OpKind::Bitcast => {
            let dtype = result_dtype(op, values)?;
            elementwise::bitcast(get(ops::Bitcast(op).x())?, dtype)
        }
        // A transform of a function is expanded by the pass `expand-derivatives`; what prints or checks has no result.
        OpKind::Call
        | OpKind::Check
        | OpKind::Grad
        | OpKind::Jvp
        | OpKind::Print
        | OpKind::Vjp
        | OpKind::Vmap => {
            return Err(Failure::Unsupported);
        }
        elementwise_kinds!() => {
            let dtype = result_dtype(op, values)?;
            elementwise::elementwise(kind, &arrays(op.operands(), values)?, dtype)?
        }
    })
}
