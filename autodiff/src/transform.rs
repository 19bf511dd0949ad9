//! The transforms of functions: what an op asks for, and the function that is made for it.

use crate::{
    batch::{self, Batch},
    functions::{Functions, signature, symbol},
    request::{self, DerivativeKind, Request},
};
use dlc_dialects::{ir::edit, ops::OpKind, pass::PassError};
use melior::{
    Context,
    ir::{OperationRef, Type, operation::OperationLike},
};

/// What an op asks for; equal ones share a function.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Transform {
    /// A derivative.
    Derivative(Request),
    /// A function of each element of a batch.
    Batch(Batch),
}

/// The kinds of transforms, which have passes of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransformKind {
    /// `dl.grad` and `dl.vjp`.
    Reverse,
    /// `dl.jvp`.
    Forward,
    /// `dl.vmap`.
    Batch,
}

/// Whether an op asks for a transform.
pub fn is_transform(op: OperationRef) -> bool {
    let kind = OpKind::of(&op);
    kind.is_some_and(|kind| {
        matches!(
            kind,
            OpKind::Grad | OpKind::Jvp | OpKind::Vjp | OpKind::Vmap
        )
    })
}

impl Transform {
    /// That of an op, if it is one of them. Of a batch it matters whether reverse mode goes through the function that the
    /// op stands in.
    pub fn of(op: OperationRef, is_differentiated: bool) -> Option<Self> {
        let derivative = Request::of(op).map(Self::Derivative);
        derivative.or_else(|| Batch::of(op, is_differentiated).map(Self::Batch))
    }

    /// Its kind.
    pub fn kind(&self) -> TransformKind {
        match self {
            Self::Batch(_) => TransformKind::Batch,
            Self::Derivative(request) => match request.kind {
                DerivativeKind::Jvp => TransformKind::Forward,
                _ => TransformKind::Reverse,
            },
        }
    }

    /// Whether it is a batch that reverse mode goes through.
    pub fn is_differentiated(&self) -> bool {
        matches!(self, Self::Batch(batch) if batch.is_differentiated)
    }

    /// The function that is transformed.
    pub fn callee(&self) -> &str {
        match self {
            Self::Derivative(request) => &request.callee,
            Self::Batch(batch) => &batch.callee,
        }
    }

    /// What it gives of a function, in words.
    pub fn what(&self) -> &'static str {
        match self {
            Self::Batch(_) => "batch",
            Self::Derivative(request) => match request.kind {
                DerivativeKind::Gradient | DerivativeKind::ValueAndGradient => "gradient",
                DerivativeKind::Vjp | DerivativeKind::Jvp => "derivative",
            },
        }
    }

    /// Checks an op against its description, for its callee.
    pub fn check<'c>(
        &self,
        cx: &'c Context,
        op: OperationRef<'c, '_>,
        function: OperationRef<'c, '_>,
    ) -> Result<(), PassError<'c>> {
        match self {
            Self::Derivative(request) => request.check(op, function),
            Self::Batch(batch) => batch.check(cx, op, function),
        }
    }

    /// Makes the function, behind its callee; gives its name. The op `at` has been checked.
    pub fn define<'c, 'a>(
        &self,
        cx: &'c Context,
        functions: &mut Functions<'c, 'a>,
        at: OperationRef<'c, 'a>,
    ) -> Result<String, PassError<'c>> {
        let function = functions
            .get(self.callee())
            .expect("the request has been checked");
        let (inputs, results) = signature(function);
        let (name, types, names) = match self {
            Self::Derivative(request) => {
                (request.name(), request.signature(&inputs, &results), None)
            }
            Self::Batch(batch) => (
                batch.name(),
                batch.signature(Type::index(cx), &inputs, &results),
                Some("batch"),
            ),
        };
        let made = functions.derive(cx, function, name, types, names)?;
        let name = symbol(made);
        let filled = match self {
            Self::Derivative(request) => request::fill(cx, functions, request, (function, made)),
            Self::Batch(batch) => batch::fill(cx, functions, batch, (function, made)),
        };
        match filled {
            Ok(()) => Ok(name),
            Err(error) => {
                functions.forget(&name);
                edit::erase(cx, made);
                let what = format!("in the {} of `{}`", self.what(), self.callee());
                Err(error.note(at.location(), what))
            }
        }
    }
}
