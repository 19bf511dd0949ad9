//! `if`, as a statement and as an expression.

use crate::ast::visit::Visitor;
use crate::ast::{Block, DType, Expr, ExprKind, Span};
use crate::check::assigned::Assigned;
use crate::check::consts::Number;
use crate::check::frame::{Frame, FrameKind};
use crate::check::keys::Keys;
use crate::check::loops::chosen;
use crate::check::region::{Variable, leaves};
use crate::check::value::{NodeId, Reported, Res, Value};
use crate::check::{Checker, Mode};
use crate::core::{NodeIndex, Num, Prim, TensorType};
use crate::diagnostic::{Code, Diagnostic};

/// Whether somebody takes the value of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Its value is used.
    Value,
    /// It stands for what it does to variables.
    Nothing,
}

/// Both sides.
#[derive(Clone, Copy)]
pub(super) struct Branches<'a> {
    pub then: &'a Block,
    /// A block or another `if`.
    pub otherwise: Option<&'a Expr>,
}

/// A side that has been checked.
struct Side<'a> {
    frame: Frame,
    value: Value<'a>,
    /// The value, for messages.
    described: String,
    /// The value's leaves.
    leaves: Vec<LeafType>,
    /// The leaves of the variables after it.
    after: Vec<NodeId>,
    keys: Keys,
}

/// What a leaf of a value is.
#[derive(Clone)]
enum LeafType {
    Tensor(TensorType),
    Num(Num),
    Dim,
    /// `none`, text and the like.
    Other,
}

impl<'a> Checker<'a> {
    /// An expression whose value nobody takes.
    pub(super) fn eval_unwanted(&mut self, expr: &'a Expr) -> Res<Value<'a>> {
        match &expr.kind {
            ExprKind::If {
                cond,
                then,
                otherwise,
            } => {
                let branches = Branches {
                    then,
                    otherwise: otherwise.as_deref(),
                };
                self.eval_if(cond, branches, expr.span, Wanted::Nothing)
            }
            ExprKind::Block(block) => {
                self.in_scope(|checker| checker.run_block(block))?;
                Ok(Value::unit())
            }
            _ => self.eval(expr),
        }
    }

    fn eval_wanted(&mut self, expr: &'a Expr, wanted: Wanted) -> Res<Value<'a>> {
        match wanted {
            Wanted::Value => self.eval(expr),
            Wanted::Nothing => self.eval_unwanted(expr),
        }
    }

    fn eval_side(&mut self, block: &'a Block, wanted: Wanted) -> Res<Value<'a>> {
        self.in_scope(|checker| match wanted {
            Wanted::Value => checker.eval_block(block),
            Wanted::Nothing => checker.run_block(block).map(|()| Value::unit()),
        })
    }

    /// `if`: one of the blocks where the condition is known, a node where it is computed.
    pub(super) fn eval_if(
        &mut self,
        cond: &'a Expr,
        branches: Branches<'a>,
        span: Span,
        wanted: Wanted,
    ) -> Res<Value<'a>> {
        match self.eval(cond)? {
            Value::Num(Num::Bool(true)) => self.eval_side(branches.then, wanted),
            Value::Num(Num::Bool(false)) => match branches.otherwise {
                Some(otherwise) => self.eval_wanted(otherwise, wanted),
                None => Ok(Value::unit()),
            },
            Value::Tensor(cond) if *self.ty(cond) == TensorType::scalar(DType::Bool) => {
                self.choose(cond, branches, span, wanted)
            }
            other => Err(self.not_a_condition(&other, cond)),
        }
    }

    /// Reports a condition that is no scalar `bool`.
    pub(super) fn not_a_condition(&mut self, value: &Value<'a>, cond: &'a Expr) -> Reported {
        let what = self.describe(value);
        let message = format!("a condition is a scalar `bool`, and this is {what}");
        let mut diagnostic = Diagnostic::error(Code::DL0211, message, cond.span);
        let text = self.sources.slice(cond.span).to_string();
        match value {
            Value::Num(Num::Int(_)) | Value::Dim(_) => {
                diagnostic = diagnostic.suggest("compare it", cond.span, format!("{text} != 0"));
            }
            Value::Tensor(id) if self.dtype(*id) == DType::Bool => {
                diagnostic =
                    diagnostic.suggest("if one suffices", cond.span, format!("any({text})"));
            }
            Value::Tensor(id) if self.ty(*id).rank() == 0 && self.dtype(*id) != DType::Key => {
                diagnostic = diagnostic.suggest("compare it", cond.span, format!("{text} != 0"));
            }
            _ => {}
        }
        self.report(diagnostic)
    }

    /// An `if` whose condition is computed.
    fn choose(
        &mut self,
        cond: NodeId,
        branches: Branches<'a>,
        span: Span,
        wanted: Wanted,
    ) -> Res<Value<'a>> {
        let mut assigned = Assigned::of_block(branches.then);
        if let Some(otherwise) = branches.otherwise {
            assigned.expr(otherwise);
        }
        let variables = self.variables(&assigned);
        let keys = self.keys.clone();
        let then = self.side(&variables, |checker| {
            checker.eval_side(branches.then, wanted)
        });
        self.keys = keys;
        let otherwise = self.side(&variables, |checker| match branches.otherwise {
            Some(otherwise) => checker.eval_wanted(otherwise, wanted),
            None => Ok(Value::unit()),
        });
        let (Ok(then), Ok(otherwise)) = (then, otherwise) else {
            self.poison_branches(branches);
            return Err(Reported);
        };
        let joined = self.join(cond, branches, [then, otherwise], &variables, span);
        if joined.is_err() {
            self.poison_branches(branches);
        }
        joined
    }

    /// What a branch that could not be checked would have assigned is unknown after it.
    fn poison_branches(&mut self, branches: Branches<'a>) {
        let mut assigned = Assigned::targets_of_block(branches.then);
        if let Some(otherwise) = branches.otherwise {
            assigned.expr(otherwise);
        }
        self.poison(assigned.names);
    }

    /// Checks a side in a region of its own.
    fn side(
        &mut self,
        variables: &[Variable<'a>],
        run: impl FnOnce(&mut Self) -> Res<Value<'a>>,
    ) -> Res<Side<'a>> {
        self.push_region(FrameKind::Branch);
        let checked = run(self).and_then(|value| {
            let after = self.leaves_now(variables)?;
            let mut leaves = Vec::new();
            self.leaf_types(&value, &mut leaves);
            let described = self.describe(&value);
            Ok((value, described, leaves, after))
        });
        let frame = self.pop_region(variables);
        let keys = std::mem::take(&mut self.keys);
        let (value, described, leaves, after) = match checked {
            Ok(checked) => checked,
            Err(Reported) => {
                self.keys = keys;
                return Err(Reported);
            }
        };
        Ok(Side {
            frame,
            value,
            described,
            leaves,
            after,
            keys,
        })
    }

    fn leaf_types(&self, value: &Value<'a>, into: &mut Vec<LeafType>) {
        match value {
            Value::Tensor(id) => into.push(LeafType::Tensor(self.ty(*id).clone())),
            Value::Num(num) => into.push(LeafType::Num(*num)),
            Value::Dim(_) => into.push(LeafType::Dim),
            Value::Tuple(_) | Value::List(_) | Value::Struct(_) => {
                for part in value.parts().unwrap_or_default() {
                    self.leaf_types(part, into);
                }
            }
            _ => into.push(LeafType::Other),
        }
    }

    /// Makes one node of two sides, and gives the variables and the `if` their values.
    fn join(
        &mut self,
        cond: NodeId,
        branches: Branches<'a>,
        sides: [Side<'a>; 2],
        variables: &[Variable<'a>],
        span: Span,
    ) -> Res<Value<'a>> {
        let [then, otherwise] = sides;
        let Some(mut types) = self.joined_types(&then, &otherwise) else {
            self.keys = then.keys.clone();
            return Err(self.sides_differ(cond, branches, &then, &otherwise, span));
        };
        let before = leaves(variables);
        let changed: Vec<bool> = (0..before.len())
            .map(|i| before[i] != then.after[i] || before[i] != otherwise.after[i])
            .collect();
        let value_leaves = types.len();
        types.extend(
            chosen(&before, &changed)
                .into_iter()
                .map(|id| self.ty(id).clone()),
        );
        let tree = then.value.clone();
        let mut keys = Keys::default();
        let mut args = vec![cond];
        let mut regions = Vec::new();
        for side in [then, otherwise] {
            self.keys = side.keys;
            let mut given = Vec::new();
            let mut values = side.value.leaves();
            values.extend(chosen(&side.after, &changed).into_iter().map(Value::Tensor));
            self.frames.push(side.frame);
            let filled = self.fill(&values, &types, span, &mut given);
            let frame = self.frames.pop().ok_or(Reported)?;
            keys.join(std::mem::take(&mut self.keys));
            filled?;
            let closed = frame.into_region(&[], given);
            args.extend(closed.captured);
            regions.push(Box::new(closed.region));
        }
        self.keys = keys;
        let otherwise = regions.pop().ok_or(Reported)?;
        let then = regions.pop().ok_or(Reported)?;
        let op = Prim::If {
            then,
            otherwise,
            results: types.clone(),
        };
        let node = self.call_node(op, &args, &types, span)?;
        let mut results = self.results_of(node, &types, span)?.into_iter();
        let value = self.map_leaves(&tree, &mut |_, _| {
            results.next().map(Value::Tensor).ok_or(Reported)
        })?;
        debug_assert_eq!(value.nodes().len(), value_leaves);
        self.take_results(variables, &changed, &mut results)?;
        Ok(value)
    }

    /// Nodes of these types for what a side gives.
    fn fill(
        &mut self,
        values: &[Value<'a>],
        types: &[TensorType],
        span: Span,
        given: &mut Vec<NodeIndex>,
    ) -> Res<()> {
        for (value, ty) in values.iter().zip(types) {
            let node = match value {
                Value::Tensor(id) => self.recast(*id, &ty.shape, span)?,
                other => self.as_tensor_of(other, ty.dtype, span)?,
            };
            if ty.dtype == DType::Key {
                self.hand_on_key(node, span)?;
            }
            given.extend(self.given(&[node], span));
        }
        Ok(())
    }

    /// A key that a side gives has not been used, and is used by it.
    fn hand_on_key(&mut self, key: NodeId, span: Span) -> Res<()> {
        let Some(used) = self.key_use(key) else {
            return self.use_key(key, span, "a side of `if`");
        };
        let message = "a side of this `if` hands on a key that has been used";
        let diagnostic = Diagnostic::error(Code::DL0501, message, used.span)
            .label("used here")
            .help("split it first, `let (next, now) = split_key(…)`, use `now` and hand on `next`");
        Err(self.report(diagnostic))
    }

    /// The types of the leaves of the value of an `if`; nothing where the sides do not fit.
    fn joined_types(&self, a: &Side<'a>, b: &Side<'a>) -> Option<Vec<TensorType>> {
        if !self.same_structure(&a.value, &b.value) {
            return None;
        }
        let pairs = a.leaves.iter().zip(&b.leaves);
        pairs.map(|(a, b)| self.joined_type(a, b)).collect()
    }

    fn joined_type(&self, a: &LeafType, b: &LeafType) -> Option<TensorType> {
        let scalar = |dtype| Some(TensorType::scalar(dtype));
        match (a, b) {
            (LeafType::Tensor(a), LeafType::Tensor(b)) => {
                let same = a.dtype == b.dtype && self.same_shape(&a.shape, &b.shape);
                same.then(|| a.clone())
            }
            (LeafType::Num(num), LeafType::Tensor(ty))
            | (LeafType::Tensor(ty), LeafType::Num(num)) => {
                (ty.rank() == 0 && num.fit(ty.dtype).is_some()).then(|| ty.clone())
            }
            (LeafType::Num(Num::Float(_)), LeafType::Num(Num::Int(_)))
            | (LeafType::Num(Num::Int(_)), LeafType::Num(Num::Float(_))) => scalar(DType::F32),
            (LeafType::Num(a), LeafType::Num(b)) => {
                let dtype = a.default_dtype();
                let fits = |num: &Num| num.default_dtype() == dtype && num.fit(dtype).is_some();
                (fits(a) && fits(b)).then(|| TensorType::scalar(dtype))
            }
            (LeafType::Dim, LeafType::Dim | LeafType::Num(Num::Int(_)))
            | (LeafType::Num(Num::Int(_)), LeafType::Dim) => scalar(DType::I64),
            (LeafType::Dim, LeafType::Tensor(ty)) | (LeafType::Tensor(ty), LeafType::Dim) => {
                (*ty == TensorType::scalar(DType::I64)).then(|| ty.clone())
            }
            _ => None,
        }
    }

    fn same_structure(&self, a: &Value<'a>, b: &Value<'a>) -> bool {
        let parts = |a: &[Value<'a>], b: &[Value<'a>]| {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.same_structure(a, b))
        };
        match (a, b) {
            (Value::Tuple(a), Value::Tuple(b)) | (Value::List(a), Value::List(b)) => parts(a, b),
            (Value::Struct(a), Value::Struct(b)) => {
                a.ty.id == b.ty.id
                    && self.same_shape(&a.ty.dims, &b.ty.dims)
                    && parts(&a.fields, &b.fields)
            }
            _ => a.parts().is_none() && b.parts().is_none(),
        }
    }

    /// Reports sides of different types.
    fn sides_differ(
        &mut self,
        cond: NodeId,
        branches: Branches<'a>,
        then: &Side<'a>,
        otherwise: &Side<'a>,
        span: Span,
    ) -> Reported {
        if self.mode == Mode::Definition && self.dims_of_scalar(cond).is_some() {
            // An instance knows which side it is.
            return Reported;
        }
        let (a, b) = (&then.described, &otherwise.described);
        let place = block_value(branches.then);
        let Some(other) = branches.otherwise else {
            let message = format!("an `if` without `else` has no value, and this gives {a}");
            let diagnostic = Diagnostic::error(Code::DL0226, message, place)
                .secondary(
                    span.at_start().to(branches.then.span.at_start()),
                    "where it does not hold, there is no value",
                )
                .help("give the other value: `else { … }`");
            return self.report(diagnostic);
        };
        let other = match &other.kind {
            ExprKind::Block(block) => block_value(block),
            _ => other.span,
        };
        let tree = |side: &Side<'a>| {
            !side
                .leaves
                .iter()
                .any(|leaf| matches!(leaf, LeafType::Other))
        };
        for (side, what, place) in [(then, a, place), (otherwise, b, other)] {
            if !tree(side) {
                let message = format!("an `if` chooses between tensors, and this is {what}");
                let diagnostic = Diagnostic::error(Code::DL0226, message, place)
                    .note("which side it is shows when the program runs")
                    .help("use each in a branch of its own");
                return self.report(diagnostic);
            }
        }
        let message = format!("the sides of this `if` give {a} and {b}");
        let diagnostic = Diagnostic::error(Code::DL0226, message, other)
            .label(format!("this is {b}"))
            .secondary(place, format!("this is {a}"));
        let diagnostic = match (then.leaves.as_slice(), otherwise.leaves.as_slice()) {
            ([LeafType::Tensor(a)], [LeafType::Tensor(b)])
                if a.dtype != b.dtype && self.same_shape(&a.shape, &b.shape) =>
            {
                self.suggest_cast(diagnostic, other, b.dtype, a.dtype)
            }
            (a, b) => {
                let sizes = match (a, b) {
                    ([LeafType::Tensor(a)], [LeafType::Tensor(b)]) => self.axis_note(a, b, None),
                    _ => None,
                };
                let note = "which side it is shows when the program runs, so both have one type";
                let diagnostic = sizes.into_iter().fold(diagnostic, Diagnostic::note);
                diagnostic.note(note)
            }
        };
        self.report(diagnostic)
    }
}

/// The place of a block's value.
fn block_value(block: &Block) -> Span {
    block.tail.as_ref().map_or(block.span, |tail| tail.span)
}
