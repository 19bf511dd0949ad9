//! The transforms of functions: what an op asks for, and the function that is made for it.

use crate::{
    batch::{self, Batch},
    functions::Functions,
    request::{self, DerivativeKind, Request},
};
use dlc_dialects::{ops::OpKind, pass::PassError};
use melior::{Context, ir::OperationRef};

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
        match self {
            Self::Derivative(request) => request::define(cx, functions, request, at),
            Self::Batch(batch) => batch::define(cx, functions, batch, at),
        }
    }
}
