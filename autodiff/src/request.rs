//! Functions that compute derivatives: the callee's body, then the reverse sweep back through it, or the tangents
//! between its ops.

use crate::{
    bounds::{upper_bound_of_argument, with_bounds},
    calls::SILENT,
    cuts,
    forward::tangents,
    functions::{
        Functions, argument_name, block_arguments, body, check_types, has_effect, inside,
        is_float_tensor, operations, remove_dead, signature, tensors,
    },
    reverse::{
        gradients,
        schedule::{depth_around, note},
    },
};
use dlc_dialects::{
    ir::{
        builder::Builder,
        edit,
        shape::{element_of, shape},
    },
    ops::{Grad, Jvp, OpKind, Vjp},
    pass::PassError,
};
use melior::{
    Context,
    dialect::func,
    ir::{OperationRef, Type, Value, ValueLike, operation::OperationLike},
};

/// What an op asks for; equal requests share a function.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Request {
    /// The function to differentiate.
    pub callee: String,
    /// Its tensor arguments to differentiate with respect to.
    pub wrt: Vec<i64>,
    /// What is wanted.
    pub kind: DerivativeKind,
    /// For each argument the greatest number that it can be, where it is a dim or an integer scalar of which that is known.
    pub bounds: Vec<Option<i64>>,
    /// How many loops become of each loop in reverse, so that it keeps less; 0 where a loop keeps what costs to compute
    /// again.
    pub depth: i64,
    /// Whether what the callee prints and checks is left out, since it is called beside this.
    pub silent: bool,
}

/// What a request wants.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum DerivativeKind {
    /// The gradients of the first result.
    Gradient,
    /// The results, and the gradients of the first one.
    ValueAndGradient,
    /// From cotangents of the float results, gradients.
    Vjp,
    /// The results, and from tangents of the arguments the tangents of the float results.
    Jvp,
}

impl Request {
    /// That of an op, if it is one that asks for a derivative.
    pub fn of(op: OperationRef) -> Option<Self> {
        let (callee, wrt, kind) = match OpKind::of(&op)? {
            OpKind::Grad if Grad(op).value() => (
                Grad(op).callee(),
                Grad(op).wrt(),
                DerivativeKind::ValueAndGradient,
            ),
            OpKind::Grad => (Grad(op).callee(), Grad(op).wrt(), DerivativeKind::Gradient),
            OpKind::Vjp => (Vjp(op).callee(), Vjp(op).wrt(), DerivativeKind::Vjp),
            OpKind::Jvp => (Jvp(op).callee(), Jvp(op).wrt(), DerivativeKind::Jvp),
            _ => return None,
        };
        Some(Self {
            callee: callee.into(),
            wrt,
            kind,
            bounds: op.operands().map(upper_bound_of_argument).collect(),
            depth: depth_around(op),
            silent: op.has_attribute(SILENT),
        })
    }

    /// The function's name, such as `f__grad_0_2`.
    pub fn name(&self) -> String {
        let what = match self.kind {
            DerivativeKind::Gradient => "grad",
            DerivativeKind::ValueAndGradient => "value_and_grad",
            DerivativeKind::Vjp => "vjp",
            DerivativeKind::Jvp => "jvp",
        };
        let wrt = self.wrt.iter().map(|i| format!("_{i}")).collect::<String>();
        format!("{}__{what}{wrt}", self.callee)
    }

    /// Checks an op against its description, for its callee.
    pub fn check<'c>(
        &self,
        op: OperationRef<'c, '_>,
        function: OperationRef<'c, '_>,
    ) -> Result<(), PassError<'c>> {
        let callee = &self.callee;
        let error = |message: String| Err(PassError::at(&op, message));
        let (inputs, results) = signature(function);
        let of_one = matches!(
            self.kind,
            DerivativeKind::Gradient | DerivativeKind::ValueAndGradient
        );
        match results.first() {
            _ if !of_one && results.iter().any(|ty| is_float_tensor(*ty)) => {}
            _ if !of_one => {
                return error(format!(
                    "C1: `@{callee}` has no float result to differentiate"
                ));
            }
            Some(ty) if is_float_tensor(*ty) && shape(*ty).is_empty() => {}
            Some(ty) => {
                return error(format!(
                    "C1: the first result of `@{callee}` should be a float of rank 0, is {ty}"
                ));
            }
            None => return error(format!("C1: `@{callee}` has no result to differentiate")),
        }
        let tensors = tensors(&inputs);
        for &i in &self.wrt {
            match usize::try_from(i).ok().and_then(|i| tensors.get(i)) {
                Some(&at) if is_float_tensor(inputs[at]) => {}
                Some(&at) => {
                    return error(format!(
                        "C2: argument {i} of `@{callee}` should be a float tensor, is {}",
                        inputs[at]
                    ));
                }
                None => {
                    return error(format!(
                        "C2: `@{callee}` has {} tensor arguments, counted from 0, and none of number {i}",
                        tensors.len()
                    ));
                }
            }
        }
        check_types(op, self.signature(&inputs, &results))
    }

    /// The arguments and results of the function for a callee with these. `wrt` has been checked.
    pub fn signature<'c>(
        &self,
        inputs: &[Type<'c>],
        results: &[Type<'c>],
    ) -> (Vec<Type<'c>>, Vec<Type<'c>>) {
        let tensors = tensors(inputs);
        let wrt = || self.wrt.iter().map(|&i| inputs[tensors[i as usize]]);
        let floats = || results.iter().copied().filter(|ty| is_float_tensor(*ty));
        let (inputs, results) = (inputs.to_vec(), results.to_vec());
        match self.kind {
            DerivativeKind::Gradient => (inputs, wrt().collect()),
            DerivativeKind::ValueAndGradient => {
                (inputs, results.into_iter().chain(wrt()).collect())
            }
            DerivativeKind::Vjp => (
                inputs.into_iter().chain(floats()).collect(),
                wrt().collect(),
            ),
            DerivativeKind::Jvp => {
                let given = results.iter().copied().chain(floats()).collect();
                (inputs.into_iter().chain(wrt()).collect(), given)
            }
        }
    }
}

/// Writes the body of `made`, the function for a request of `function`.
pub fn fill<'c, 'a>(
    cx: &'c Context,
    functions: &Functions<'c, 'a>,
    request: &Request,
    (function, made): (OperationRef<'c, 'a>, OperationRef<'c, 'a>),
) -> Result<(), PassError<'c>> {
    let block = body(made)?;
    let mut arguments = block_arguments(block);
    let inputs = signature(function).0;
    let given = arguments.split_off(inputs.len());
    let builder = Builder::at_end(cx, block, function.location());
    note(&builder, made, &request.bounds, request.depth);
    with_bounds(&builder, &mut arguments, &request.bounds);
    let results = functions.copy_body(function, builder, &arguments)?;
    if request.silent {
        let effects = inside(made).into_iter().filter(|op| has_effect(*op));
        effects.for_each(|op| edit::erase(cx, op));
    }
    let tensors = tensors(&inputs);
    let wrt = request.wrt.iter().map(|&i| {
        let at = tensors[i as usize];
        (arguments[at], argument_name(function, at, arguments[at]))
    });
    let wrt = wrt.collect::<Vec<_>>();
    // What is replaced on the way, the terminator knows.
    let end = builder.append(func::r#return(&results, function.location()));
    let primal = operations(block).collect::<Vec<_>>();
    cuts::remark(&primal, &wrt, &results);
    let builder = Builder::before(cx, end);
    let returned = match request.kind {
        DerivativeKind::Jvp => {
            let tangents = tangents(builder, end, &wrt, &given)?;
            let results = end.operands().collect::<Vec<_>>();
            let floats = results.iter().zip(tangents);
            let floats = floats.filter(|(y, _)| is_float_tensor(y.r#type()));
            let zero = |y: &Value<'c, 'a>| builder.full_like(*y, "0");
            let tangents = floats.map(|(y, y_tan)| y_tan.unwrap_or_else(|| zero(y)));
            let tangents = tangents.collect::<Vec<_>>();
            [results, tangents].concat()
        }
        kind => {
            let seeds = match kind {
                DerivativeKind::Vjp => {
                    let floats = results.iter().filter(|y| is_float_tensor(y.r#type()));
                    floats.copied().zip(given).collect()
                }
                _ => vec![(results[0], builder.scalar(element_of(results[0]), "1"))],
            };
            let adjoints = gradients(builder, &primal, &seeds, &wrt, request.depth)?;
            let mut returned = match kind {
                DerivativeKind::ValueAndGradient => end.operands().collect(),
                _ => vec![],
            };
            for ((x, _), x_adj) in wrt.iter().zip(adjoints) {
                returned.push(x_adj.unwrap_or_else(|| builder.full_like(*x, "0")));
            }
            returned
        }
    };
    builder.append(func::r#return(&returned, function.location()));
    edit::erase(cx, end);
    // Parts of the primal computation, most of all, turned out not to be needed.
    remove_dead(cx, made);
    Ok(())
}
