//! Sums of products, and `@precision`: what their operands are rounded to in a function and in the functions that
//! it calls.

use crate::ast::{self, DType, ExprKind, Span};
use crate::check::Checker;
use crate::check::value::{NodeId, Res};
use crate::core::{Dim, Precision, Prim, TensorType};
use crate::diagnostic::{Code, Diagnostic, similar};

/// What products may be rounded to; `f32` is not to round them.
const PRECISIONS: [(&str, Option<Precision>); 4] = [
    (Precision::Bf16.name(), Some(Precision::Bf16)),
    (Precision::F16.name(), Some(Precision::F16)),
    (Precision::Tf32.name(), Some(Precision::Tf32)),
    ("f32", None),
];

impl<'a> Checker<'a> {
    /// A sum of products.
    pub(crate) fn dot_general(
        &mut self,
        a: NodeId,
        b: NodeId,
        batch: Vec<(usize, usize)>,
        contract: Vec<(usize, usize)>,
        span: Span,
    ) -> Res<NodeId> {
        let (left, right) = (self.ty(a).clone(), self.ty(b).clone());
        let mut shape: Vec<Dim> = batch
            .iter()
            .map(|(axis, _)| left.shape[*axis].clone())
            .collect();
        let free = |axis: usize, pick: fn(&(usize, usize)) -> usize| {
            !batch.iter().chain(&contract).any(|pair| pick(pair) == axis)
        };
        shape.extend(
            (0..left.rank())
                .filter(|axis| free(*axis, |pair| pair.0))
                .map(|axis| left.shape[axis].clone()),
        );
        shape.extend(
            (0..right.rank())
                .filter(|axis| free(*axis, |pair| pair.1))
                .map(|axis| right.shape[axis].clone()),
        );
        let ty = TensorType::new(left.dtype, shape);
        self.check_byte_size(&ty, span)?;
        let precision = self.precision(ty.dtype);
        let op = Prim::DotGeneral {
            batch,
            contract,
            precision,
        };
        self.node(op, &[a, b], ty, span)
    }

    /// What the operands of a product of this dtype are rounded to here.
    pub(crate) fn precision(&self, dtype: DType) -> Option<Precision> {
        let precision = self.scope.function.precision;
        precision.filter(|precision| precision.rounds(dtype))
    }

    /// The precision of a function that is called from here: its own, or the one here.
    pub(super) fn precision_of(&self, id: usize) -> Option<Precision> {
        match self.own_precision(id) {
            Some(own) => own,
            None => self.scope.function.precision,
        }
    }

    /// What `@precision` before a function says.
    pub(super) fn own_precision(&self, id: usize) -> Option<Option<Precision>> {
        let attributes = &self.fns[id].item.attrs;
        let attribute = attributes
            .iter()
            .find(|attribute| attribute.name.name == "precision")?;
        named(attribute)
    }

    /// Reports a precision that there is not.
    pub(super) fn check_precision(&mut self, attribute: &'a ast::Attribute) {
        if named(attribute).is_some() {
            return;
        }
        let known = PRECISIONS.map(|(name, _)| name);
        let [argument] = attribute.args.as_slice() else {
            let message = "`@precision` takes one argument";
            let diagnostic = Diagnostic::error(Code::DL0605, message, attribute.span)
                .help(format!("it is one of {}", known.join(", ")));
            self.report(diagnostic);
            return;
        };
        let text = self.text(argument.value.span);
        let message = format!("there is no precision `{text}`");
        let mut diagnostic = Diagnostic::error(Code::DL0605, message, argument.value.span);
        diagnostic = match similar(&text, known.iter().copied()) {
            Some(name) => diagnostic.suggest("a similar one exists", argument.value.span, name),
            None => diagnostic.help(format!("there are {}", known.join(", "))),
        };
        self.report(diagnostic);
    }
}

/// The precision that an attribute names.
fn named(attribute: &ast::Attribute) -> Option<Option<Precision>> {
    let [argument] = attribute.args.as_slice() else {
        return None;
    };
    let ExprKind::Path(path) = &argument.value.kind else {
        return None;
    };
    let name = path.as_ident()?;
    let known = PRECISIONS.iter().find(|(known, _)| *known == name.name);
    known
        .filter(|_| argument.name.is_none())
        .map(|(_, precision)| *precision)
}
