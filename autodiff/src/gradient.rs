//! Gradient functions: the callee's body, and the reverse sweep back through it.

use crate::{
    functions::{
        Functions, argument_name, block_arguments, body, operations, remove_dead, signature,
        tensors,
    },
    reverse::gradients,
};
use dlc_dialects::{
    ir::{builder::Builder, edit},
    ops::Grad,
    pass::PassError,
};
use melior::{
    Context,
    dialect::func,
    ir::{
        Block, Identifier, OperationRef, Region, RegionLike, Type, ValueLike,
        attribute::{StringAttribute, TypeAttribute},
        operation::OperationLike,
        r#type::FunctionType,
    },
};

/// What a `dl.grad` asks for; equal requests share a function.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Request {
    /// The function to differentiate.
    pub callee: String,
    /// Its tensor arguments to differentiate with respect to.
    pub wrt: Vec<i64>,
    /// Whether its results are wanted too.
    pub value: bool,
}

impl Request {
    /// That of an op.
    pub fn of(grad: Grad) -> Self {
        Self {
            callee: grad.callee().into(),
            wrt: grad.wrt(),
            value: grad.value(),
        }
    }

    /// The gradient function's name, such as `f__grad_0_2`.
    fn name(&self) -> String {
        let what = if self.value { "value_and_grad" } else { "grad" };
        let wrt = self.wrt.iter().map(|i| format!("_{i}")).collect::<String>();
        format!("{}__{what}{wrt}", self.callee)
    }
}

/// The results of a gradient function: those of the callee if wanted, then the gradients.
pub fn result_types<'c>(
    request: &Request,
    inputs: &[Type<'c>],
    results: &[Type<'c>],
) -> Vec<Type<'c>> {
    let tensors = tensors(inputs);
    let mut types = if request.value {
        results.to_vec()
    } else {
        vec![]
    };
    types.extend(request.wrt.iter().map(|&i| inputs[tensors[i as usize]]));
    types
}

/// Makes the gradient function for a request, behind its callee; gives its name. The request has been checked.
pub fn define<'c, 'a>(
    cx: &'c Context,
    functions: &mut Functions<'c, 'a>,
    request: &Request,
    at: OperationRef<'c, 'a>,
) -> Result<String, PassError<'c>> {
    let function = functions
        .get(&request.callee)
        .expect("the request has been checked");
    let source = body(function)?;
    let (inputs, results) = signature(function);
    let types = result_types(request, &inputs, &results);
    let name = functions.fresh_name(request.name());

    let arguments = block_arguments(source);
    let region = Region::new();
    region.append_block(Block::new(
        &arguments
            .iter()
            .map(|x| (x.r#type(), x.location()))
            .collect::<Vec<_>>(),
    ));
    let mut attributes = vec![(
        Identifier::new(cx, "sym_visibility"),
        StringAttribute::new(cx, "private").into(),
    )];
    if let Ok(dims) = function.attribute("dl.dims") {
        attributes.push((Identifier::new(cx, "dl.dims"), dims));
    }
    let made = functions.insert_after(
        function,
        func::func(
            cx,
            StringAttribute::new(cx, &name),
            TypeAttribute::new(FunctionType::new(cx, &inputs, &types).into()),
            region,
            &attributes,
            function.location(),
        ),
    );
    match fill(cx, functions, request, (function, made)) {
        Ok(()) => Ok(name),
        Err(error) => {
            functions.forget(&name);
            edit::erase(cx, made);
            Err(error.note(
                at.location(),
                format!("in the gradient of `{}`", request.callee),
            ))
        }
    }
}

/// Writes the body of `made`, the gradient function of `function`.
fn fill<'c, 'a>(
    cx: &'c Context,
    functions: &Functions<'c, 'a>,
    request: &Request,
    (function, made): (OperationRef<'c, 'a>, OperationRef<'c, 'a>),
) -> Result<(), PassError<'c>> {
    let block = body(made)?;
    let arguments = block_arguments(block);
    let results = functions.copy_body(function, block, &arguments)?;

    let tensors = tensors(&signature(function).0);
    let wrt = request.wrt.iter().map(|&i| {
        let at = tensors[i as usize];
        (arguments[at], argument_name(function, at, arguments[at]))
    });
    let (wrt, names): (Vec<_>, Vec<_>) = wrt.unzip();
    let primal = operations(block).collect::<Vec<_>>();
    let builder = Builder::at_end(cx, block, function.location());
    let adjoints = gradients(builder, &primal, results[0], &wrt, &names)?;

    let mut returned = if request.value { results } else { vec![] };
    for (x, x_adj) in wrt.iter().zip(adjoints) {
        returned.push(x_adj.unwrap_or_else(|| builder.full_like(*x, "0")));
    }
    builder.append(func::r#return(&returned, function.location()));
    // Parts of the primal computation, most of all, turned out not to be needed.
    remove_dead(cx, made);
    Ok(())
}
