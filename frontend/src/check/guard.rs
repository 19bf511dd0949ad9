//! Conditions that are checked at run time: whether indices are in range, and what tests assert inside loops and
//! branches.

use dlc_abi::status;

use crate::ast::{DType, Span};
use crate::check::Checker;
use crate::check::consts::is_float;
use crate::check::value::{NodeId, Res};
use crate::core::{AssertionKind, Dim, FuncIndex, Node, Num, Prim, TensorType, tolerances};
use crate::diagnostic::{Code, Diagnostic};

impl Checker<'_> {
    /// A condition at whose failure the call of the entry fails, with a text that ends with the place.
    pub(crate) fn guard(&mut self, holds: NodeId, code: Code, text: &str, span: Span) -> Res<()> {
        let mut place = self.place(span);
        if code == Code::DL1021 {
            // `dlc test` tells assertions apart by it, of which a line may have several.
            place += &format!(":{}", self.sources.line_col(span).col);
        }
        let text = format!("{text} ({place})");
        let ty = TensorType::scalar(DType::Bool);
        self.node(Prim::Check { code, text }, &[holds], ty, span)?;
        Ok(())
    }

    /// `model.dl:12`.
    pub(super) fn place(&self, span: Span) -> String {
        let name = &self.sources.get(span.file).name;
        let file = name.rsplit(['/', '\\']).next().unwrap_or_default();
        format!("{file}:{}", self.sources.line_col(span).line)
    }

    /// Whether indices are checked at run time.
    pub(crate) fn checks_bounds(&self) -> bool {
        self.options.check_bounds
    }

    /// That indices of an axis are in range, where that is checked; a negative one counts from the end.
    pub(crate) fn guard_indices(
        &mut self,
        ids: NodeId,
        ty: &TensorType,
        axis: usize,
        span: Span,
    ) -> Res<()> {
        let size = &ty.shape[axis];
        if !self.options.check_bounds || self.known_inside(ids, size) {
            return Ok(());
        }
        // No conversion changes an index: only `u64` has more than fit in an `i64`.
        let wide = match self.dtype(ids) {
            DType::U64 => DType::U64,
            _ => DType::I64,
        };
        let ids = self.convert(ids, wide, span)?;
        let end = self.dim_scalar(size, wide, span)?;
        let mut inside = self.compare("less", ids, end, span)?;
        if wide == DType::I64 {
            let least = self.unary("neg", end, span)?;
            let above = self.compare("greater_equal", ids, least, span)?;
            inside = self.binary_op("bitwise_and", inside, above, span)?;
        }
        let axes: Vec<usize> = (0..self.ty(inside).rank()).collect();
        let inside = self.reduce("all", inside, &axes, false, span)?;
        let text = format!("an index is outside axis {axis} of `{ty}`, which has size {size}");
        self.guard(inside, Code::DL1007, &text, span)
    }

    /// That a part fits into an axis where it starts, where that is checked. The start is an `i64` that counts from the
    /// axis' own start; `last` is the greatest one.
    pub(crate) fn guard_start(
        &mut self,
        start: NodeId,
        (part, last): (&Dim, NodeId),
        (ty, axis): (&TensorType, usize),
        span: Span,
    ) -> Res<()> {
        if !self.options.check_bounds {
            return Ok(());
        }
        let zero = self.scalar(Num::Int(0), DType::I64, span)?;
        let above = self.compare("greater_equal", start, zero, span)?;
        let below = self.compare("less_equal", start, last, span)?;
        let inside = self.binary_op("bitwise_and", above, below, span)?;
        let size = &ty.shape[axis];
        let text = format!(
            "a part of {part} reaches outside axis {axis} of `{ty}`, which has size {size}"
        );
        self.guard(inside, Code::DL1007, &text, span)
    }

    /// An assertion in a loop or a branch, which is judged where it stands.
    pub(super) fn guard_assertion(
        &mut self,
        kind: &AssertionKind,
        nodes: &[NodeId],
        span: Span,
    ) -> Res<()> {
        match kind {
            AssertionKind::Holds | AssertionKind::Compares => {
                let axes: Vec<usize> = (0..self.ty(nodes[0]).rank()).collect();
                let holds = self.reduce("all", nodes[0], &axes, false, span)?;
                self.guard(holds, Code::DL1021, "the condition does not hold", span)
            }
            AssertionKind::Close { leaves, rtol, atol } => {
                for (path, sides) in leaves.iter().zip(nodes.chunks(2)) {
                    let tolerances = tolerances(self.dtype(sides[0]), *rtol, *atol);
                    let close = self.close(sides[0], sides[1], tolerances, span)?;
                    let text = match path.trim_start_matches('.') {
                        "" => "both sides differ".to_owned(),
                        path => format!("both sides of `{path}` differ"),
                    };
                    self.guard(close, Code::DL1021, &text, span)?;
                }
                Ok(())
            }
            AssertionKind::Gradient { .. } => {
                let message = "`check_grad` stands in the test itself, not in a loop or a branch";
                let diagnostic = Diagnostic::error(Code::DL0701, message, span)
                    .help("put what it is called with into a function, and check that one");
                Err(self.report(diagnostic))
            }
        }
    }

    /// Whether two tensors are close everywhere: two NaNs are, and infinities of one sign.
    fn close(&mut self, a: NodeId, b: NodeId, (rtol, atol): (f64, f64), span: Span) -> Res<NodeId> {
        let exact = rtol == 0.0 && atol == 0.0;
        let mut close = self.compare("equal", a, b, span)?;
        if is_float(self.dtype(a)) || !exact {
            let a = self.convert(a, DType::F64, span)?;
            let b = self.convert(b, DType::F64, span)?;
            let difference = self.binary_op("sub", a, b, span)?;
            let distance = self.unary("abs", difference, span)?;
            let size = self.unary("abs", b, span)?;
            let relative = self.with_number("mul", size, Num::Float(rtol), span)?;
            let allowed = self.with_number("add", relative, Num::Float(atol), span)?;
            let near = self.compare("less_equal", distance, allowed, span)?;
            let finite = self.elementwise("isfinite", &[b], DType::Bool, span)?;
            let near = self.binary_op("bitwise_and", near, finite, span)?;
            close = self.binary_op("bitwise_or", close, near, span)?;
            let unknown = self.elementwise("isnan", &[a], DType::Bool, span)?;
            let too = self.elementwise("isnan", &[b], DType::Bool, span)?;
            let unknown = self.binary_op("bitwise_and", unknown, too, span)?;
            close = self.binary_op("bitwise_or", close, unknown, span)?;
        }
        let axes: Vec<usize> = (0..self.ty(close).rank()).collect();
        self.reduce("all", close, &axes, false, span)
    }

    /// Lets each entry know what is checked in it and in what it calls.
    pub(super) fn collect_failures(&mut self) {
        let prefix = format!("{}_", self.stem());
        for index in 0..self.funcs.len() {
            let info = self.funcs[index]
                .as_ref()
                .and_then(|func| func.entry.as_ref());
            let Some(info) = info else { continue };
            let name = info.symbol.strip_prefix(&prefix).unwrap_or(&info.symbol);
            let name = name.to_owned();
            let mut failures = Vec::new();
            self.failures(
                index,
                &name,
                &mut vec![false; self.funcs.len()],
                &mut failures,
            );
            let info = self.funcs[index]
                .as_mut()
                .and_then(|func| func.entry.as_mut());
            if let Some(info) = info {
                info.failures = failures;
            }
        }
    }

    /// The messages of the checks in a function and in those that it calls, in order.
    fn failures(&self, func: FuncIndex, entry: &str, seen: &mut [bool], found: &mut Vec<String>) {
        if std::mem::replace(&mut seen[func], true) {
            return;
        }
        let Some(func) = &self.funcs[func] else {
            return;
        };
        let mut nodes: Vec<&Node> = func.nodes.iter().rev().collect();
        while let Some(node) = nodes.pop() {
            match &node.op {
                Prim::Check { code, text } => {
                    let message = status::failure_message(entry, code.name(), text);
                    if !found.contains(&message) {
                        found.push(message);
                    }
                }
                Prim::Call { func, .. }
                | Prim::Derivative { func, .. }
                | Prim::Vmap { func, .. } => {
                    self.failures(*func, entry, seen, found);
                }
                op => {
                    let inside = op.regions().into_iter().rev();
                    nodes.extend(inside.flat_map(|region| region.nodes.iter().rev()));
                }
            }
        }
    }

    /// Whether indices are constants, and in range.
    fn known_inside(&self, ids: NodeId, size: &Dim) -> bool {
        let (Prim::Constant(nums), Some(size)) = (self.prim(ids), size.as_const()) else {
            return false;
        };
        let size = i128::from(size);
        nums.iter()
            .all(|num| matches!(num, Num::Int(index) if (-size..size).contains(index)))
    }
}
