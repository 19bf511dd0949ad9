//! Built-ins that stand in tests only: `assert`, `assert_close` and `check_grad`.
//!
//! Note [Finite differences]. `check_grad` follows the function from a random point in random directions, one for each
//! leaf of what `wrt=` names (leaves share directions where there are many). In a direction `v` the derivative that the
//! compiler made, the sum of `g * v`, is compared with `(f(p + h v) - f(p - h v)) / 2h` for two steps `h`, all in f64
//! once `f` has given its value. `v` is shrunk by the fourth root of its length: the function then changes by more than
//! its rounding and stays close to a line. Who runs the test judges the numbers.

use std::rc::Rc;

use crate::ast::{DType, Span};
use crate::builtins::args::Call;
use crate::builtins::transform::wrt_expr;
use crate::builtins::{self, Builtin};
use crate::check::binary::Operand;
use crate::check::call::{Arg, Site};
use crate::check::consts::is_float;
use crate::check::value::GradFn;
use crate::check::{Checker, FnValue, NodeId, Reported, Res, Ty, Value};
use crate::core::{AssertionKind, Dim, Num, Prim, TensorType};
use crate::diagnostic::{Code, Diagnostic, similar};

pub(super) const TABLE: &[Builtin] = &[
    Builtin {
        name: "assert",
        params: "condition",
        run: assert_,
    },
    Builtin {
        name: "assert_close",
        params: "a, b, rtol=none, atol=none",
        run: assert_close,
    },
    Builtin {
        name: "check_grad",
        params: "f, *, wrt=none, rtol=1e-2, atol=0, dims...",
        run: check_grad,
    },
];

/// The most directions that a gradient is checked in.
const MAX_DIRECTIONS: usize = 4;

/// Reports what has a meaning in tests only.
fn in_test(call: &mut Call<'_, '_>) -> Res<()> {
    if call.checker.in_test() {
        return Ok(());
    }
    let message = format!("`{}` stands in a `test` only", call.name);
    let at = call.site.callee;
    let diagnostic = Diagnostic::error(Code::DL0701, message, at)
        .help("`test \"…\" { … }` is run by `dlc test`");
    Err(call.checker.report(diagnostic))
}

fn assert_<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    in_test(call)?;
    let operand = call.operand("condition")?;
    match &operand.value {
        Value::Num(Num::Bool(true)) => return Ok(Value::unit()),
        Value::Num(Num::Bool(false)) => {
            return call.error(
                Code::DL0701,
                "this is false whenever the test runs",
                operand.span,
            );
        }
        _ => {}
    }
    let condition = call.as_tensor(&operand)?;
    let ty = call.checker.ty(condition).clone();
    if ty.dtype == DType::Bool && ty.rank() == 0 {
        let (kind, nodes) = match comparison(call.checker, condition) {
            Some(nodes) => (AssertionKind::Compares, nodes),
            None => (AssertionKind::Holds, vec![condition]),
        };
        let span = call.span();
        call.checker.assert_that(kind, nodes, span)?;
        return Ok(Value::unit());
    }
    let message = format!("a condition is a scalar `bool`, and this is `{ty}`");
    let mut diagnostic = Diagnostic::error(Code::DL0211, message, operand.span);
    if ty.dtype == DType::Bool {
        let text = call.checker.sources.slice(operand.span).to_string();
        diagnostic = diagnostic.suggest(
            "where all have to hold",
            operand.span,
            format!("all({text})"),
        );
    }
    Err(call.checker.report(diagnostic))
}

/// A condition that a comparison holds, or holds everywhere: where it does, and its sides.
fn comparison(checker: &Checker<'_>, condition: NodeId) -> Option<Vec<NodeId>> {
    const COMPARISONS: [&str; 6] = [
        "equal",
        "not_equal",
        "less",
        "less_equal",
        "greater",
        "greater_equal",
    ];
    let holds = match checker.prim(condition) {
        Prim::Reduce { kind: "all", .. } => *checker.args(condition).first()?,
        _ => condition,
    };
    match checker.prim(holds) {
        Prim::Elementwise(name) if COMPARISONS.contains(name) => {
            Some([vec![holds], checker.args(holds)].concat())
        }
        _ => None,
    }
}

/// A tolerance known when compiling, unless it is left out.
fn tolerance(call: &mut Call<'_, '_>, name: &str) -> Res<Option<f64>> {
    let Some(operand) = call.some(name) else {
        return Ok(None);
    };
    let value = call.float(name, 0.0)?;
    if value >= 0.0 {
        return Ok(Some(value));
    }
    let message = format!("`{name}` of `{}` cannot be {value}", call.name);
    call.error(Code::DL0213, message, operand.span)
}

/// Two trees of one structure, or two tensors of one shape; one of two tensors may be a scalar. Lists of numbers
/// stand for the tensor that they are compared with.
fn assert_close<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    in_test(call)?;
    let (a, b) = (call.operand("a")?, call.operand("b")?);
    let (rtol, atol) = (tolerance(call, "rtol")?, tolerance(call, "atol")?);
    let (a, b) = call.checker.lists_as_tensors(a, b)?;
    let (leaves, nodes) = if a.value.parts().is_some() || b.value.parts().is_some() {
        tree_leaves(call, &a, &b)?
    } else {
        let operation = call.operation();
        let (x, y) = call.checker.same_dtypes(&a, &b, &operation)?;
        if call.checker.ty(x).rank() > 0 && call.checker.ty(y).rank() > 0 {
            same_shapes(call, x, y)?;
        }
        (vec![String::new()], vec![x, y])
    };
    for node in &nodes {
        if call.checker.ty(*node).dtype == DType::Key {
            return call.error(
                Code::DL0502,
                "keys are not compared; compare numbers made of them",
                call.site.span,
            );
        }
    }
    let kind = AssertionKind::Close { leaves, rtol, atol };
    let span = call.span();
    call.checker.assert_that(kind, nodes, span)?;
    Ok(Value::unit())
}

/// The leaves of two trees of one structure: their paths, and both sides of each.
fn tree_leaves<'a>(
    call: &mut Call<'_, 'a>,
    a: &Operand<'a>,
    b: &Operand<'a>,
) -> Res<(Vec<String>, Vec<NodeId>)> {
    let (left, ty) = call.checker.as_variable(a.value.clone(), a.span)?;
    let (right, other) = call.checker.as_variable(b.value.clone(), b.span)?;
    if !call.checker.same_type(&ty, &other) {
        let message = format!("`assert_close` of `{ty}` and `{other}`");
        return call.error(Code::DL0219, message, call.site.span);
    }
    let span = call.span();
    let leaves = call.checker.leaves(&ty, "", span)?;
    let paths = leaves.into_iter().map(|leaf| leaf.path);
    let pairs = left.nodes().into_iter().zip(right.nodes());
    Ok((paths.collect(), pairs.flat_map(|(a, b)| [a, b]).collect()))
}

fn same_shapes(call: &mut Call<'_, '_>, x: NodeId, y: NodeId) -> Res<()> {
    let (left, right) = (call.checker.ty(x).clone(), call.checker.ty(y).clone());
    if call.checker.same_shape(&left.shape, &right.shape) {
        return Ok(());
    }
    let message = format!("`assert_close` of `{left}` and `{right}`: the shapes differ");
    let diagnostic = Diagnostic::error(Code::DL0202, message, call.site.span)
        .help("it does not broadcast, but for a scalar");
    let diagnostic = call.checker.origins(diagnostic, &[x, y]);
    Err(call.checker.report(diagnostic))
}

/// The gradient of a function compared with finite differences; dims of the function are given by name.
fn check_grad<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    in_test(call)?;
    let f = call.function("f")?;
    let rtol = tolerance(call, "rtol")?.unwrap_or(1e-2);
    let atol = tolerance(call, "atol")?.unwrap_or(0.0);
    let wrt = call.given("wrt");
    let wrt = wrt_expr(call, wrt)?;
    let span = call.span();
    let (wrt, _) = call.checker.wrt_positions(&f, wrt, span)?;
    let at = call.operand("f")?.span;
    let FnValue::Item(id) = &*f else {
        return call.error(Code::DL0209, "`check_grad` takes a function of a file", at);
    };
    if call.checker.has_type_parameters(*id) {
        let message =
            "`check_grad` makes arguments by their types, and this function has type parameters";
        let diagnostic = Diagnostic::error(Code::DL0209, message, at)
            .help("check a function that calls it with types of its own");
        return Err(call.checker.report(diagnostic));
    }
    let Some((names, params, result)) = call.checker.parameters(*id) else {
        return Err(Reported);
    };
    let dims = given_dims(call, &names)?;
    let dtype = match &result {
        Ty::Tensor(ty) if ty.rank() == 0 && is_float(ty.dtype) => ty.dtype,
        result if result.has_error() => return Err(Reported),
        result => {
            let message =
                format!("a gradient is of a float scalar, and this function gives `{result}`");
            return call.error(Code::DL0301, message, at);
        }
    };
    let value_of = |name: &str| {
        let position = names.iter().position(|known| known == name)?;
        Some(Dim::constant(dims[position]))
    };
    let params: Vec<Ty> = params
        .iter()
        .map(|ty| ty.map_dims(&|dim| crate::check::dims::substitute(dim, &value_of)))
        .collect();
    let mut point = Point {
        checker: call.checker,
        site: call.site,
        seed: 0,
    };
    let args = point.arguments(&params)?;
    let step = match dtype {
        DType::F64 => 1e-3,
        DType::F32 => 1e-2,
        _ => 0.25,
    };
    let (directions, nodes) = point.differences(&f, &wrt, args, step, at)?;
    let kind = AssertionKind::Gradient {
        directions,
        dtype,
        step,
        rtol,
        atol,
    };
    call.checker.assert_that(kind, nodes, span)?;
    Ok(Value::unit())
}

/// The dims given by name, in the order of the function's.
fn given_dims(call: &mut Call<'_, '_>, names: &[String]) -> Res<Vec<i64>> {
    let mut values = vec![None; names.len()];
    for arg in std::mem::take(&mut call.named_rest) {
        let Some(name) = arg.name else { continue };
        let Some(position) = names.iter().position(|known| *known == name.name) else {
            let message = format!(
                "`check_grad` has no parameter `{0}`, and the function no dim `{0}`",
                name.name
            );
            let mut diagnostic = Diagnostic::error(Code::DL0702, message, name.span);
            if let Some(similar) = similar(&name.name, names.iter().map(String::as_str)) {
                diagnostic = diagnostic.suggest("a similar dim exists", name.span, similar);
            }
            return Err(call.checker.report(diagnostic));
        };
        values[position] = Some(call.int_of(&name.name, &arg.operand)?);
    }
    let missing = names.iter().zip(&values).find(|(_, value)| value.is_none());
    if let Some((name, _)) = missing {
        let diagnostic = Diagnostic::error(
            Code::DL0701,
            format!("`check_grad` needs a value for the dim `{name}`"),
            call.site.span,
        )
        .help(format!("give it by name: `{name}=4`"));
        return Err(call.checker.report(diagnostic));
    }
    Ok(values.into_iter().flatten().collect())
}

/// A random point, and the function around it.
struct Point<'c, 'a> {
    checker: &'c mut Checker<'a>,
    site: Site,
    seed: i64,
}

impl<'a> Point<'_, 'a> {
    fn span(&self) -> Span {
        self.site.span
    }

    fn call(&mut self, name: &str, args: Vec<Value<'a>>) -> Res<Value<'a>> {
        let span = self.span();
        let arg = |value| Arg {
            name: None,
            operand: Operand {
                value,
                span,
                expr: None,
            },
        };
        let args = args.into_iter().map(arg).collect();
        let id = builtins::find(name).ok_or(Reported)?;
        builtins::call(self.checker, id, args, self.site)
    }

    /// A key of this seed.
    fn key(&mut self, seed: i64) -> Res<Value<'a>> {
        let key = Rc::new(FnValue::Cast(DType::Key));
        self.checker
            .call_values(&key, vec![Value::int(seed)], self.site)
    }

    /// A random tensor: normal numbers, 0 and 1, truth values.
    fn tensor(&mut self, ty: &TensorType) -> Res<Value<'a>> {
        self.seed += 1;
        let shape = Value::list(ty.shape.iter().cloned().map(Value::Dim).collect());
        let key = self.key(self.seed)?;
        let dtype = Value::DType(ty.dtype);
        match ty.dtype {
            DType::Bool => self.call("bernoulli", vec![key, Value::Num(Num::Float(0.5)), shape]),
            DType::Key if ty.rank() == 0 => Ok(key),
            DType::Key if ty.rank() == 1 => {
                self.call("split_key", vec![key, Value::Dim(ty.shape[0].clone())])
            }
            DType::Key => {
                let message = format!("`check_grad` makes no `{ty}`");
                self.checker.error(Code::DL0209, message, self.site.span)
            }
            float if is_float(float) => self.call("normal", vec![key, shape, dtype]),
            _ => {
                let (low, high) = (Value::int(0), Value::int(2));
                self.call("randint", vec![key, shape, low, high, dtype])
            }
        }
    }

    /// Random arguments of these types.
    fn arguments(&mut self, params: &[Ty]) -> Res<Vec<Value<'a>>> {
        let (span, site) = (self.span(), self.site);
        let mut args = Vec::new();
        for ty in params {
            if matches!(ty, Ty::Fn(_)) {
                let message = "`check_grad` has no function to give to this one";
                return self.checker.error(Code::DL0209, message, site.callee);
            }
            let mut seed = self.seed;
            args.push(self.checker.value_of(ty, "", span, &mut |checker, _, ty| {
                let mut point = Point {
                    checker,
                    site,
                    seed,
                };
                let value = point.tensor(ty)?;
                seed = point.seed;
                checker.as_tensor(&value, span)
            })?);
            self.seed = seed;
        }
        Ok(args)
    }

    /// The same arguments with keys that have not been used.
    fn fresh(&mut self, args: &[Value<'a>]) -> Res<Vec<Value<'a>>> {
        let (span, site) = (self.span(), self.site);
        let mut seed = 1 << 20;
        let mut fresh = Vec::new();
        for arg in args {
            fresh.push(self.checker.map_leaves(arg, &mut |checker, leaf| {
                let node = checker.as_tensor(leaf, span)?;
                let ty = checker.ty(node).clone();
                if ty.dtype != DType::Key {
                    return Ok(leaf.clone());
                }
                let mut point = Point {
                    checker,
                    site,
                    seed,
                };
                let key = point.tensor(&ty);
                seed = point.seed;
                key
            })?);
        }
        Ok(fresh)
    }

    /// What is compared in each direction, and what the directions are called.
    fn differences(
        &mut self,
        f: &Rc<FnValue<'a>>,
        wrt: &[usize],
        args: Vec<Value<'a>>,
        step: f64,
        at: Span,
    ) -> Res<(Vec<String>, Vec<NodeId>)> {
        let span = self.span();
        let gradient = Rc::new(FnValue::Grad(GradFn {
            f: f.clone(),
            wrt: wrt.to_vec(),
            single: false,
            has_aux: false,
            value: false,
            span: at,
        }));
        let given = self.fresh(&args)?;
        let gradients = self
            .checker
            .call_values(&gradient, given, self.site)?
            .nodes();
        let mut paths = Vec::new();
        for position in wrt {
            let ty = self.checker.type_of(&args[*position]).ok_or(Reported)?;
            let root = self.checker.parameter_name(f, *position);
            let leaves = self.checker.leaves(&ty, &root, span)?;
            paths.extend(leaves.into_iter().map(|leaf| leaf.path));
        }
        let count = gradients.len().min(MAX_DIRECTIONS);
        let mut names = vec![Vec::new(); count];
        let mut ways: Vec<Vec<Option<NodeId>>> = vec![vec![None; gradients.len()]; count];
        for (i, gradient) in gradients.iter().enumerate() {
            let ty = self.checker.ty(*gradient).clone();
            let value = self.tensor(&ty)?;
            let random = self.checker.as_tensor(&value, span)?;
            let length = ty
                .shape
                .iter()
                .map(|dim| dim.as_const().unwrap_or(1) as f64);
            let shrink = length.product::<f64>().max(1.0).powf(-0.25);
            let way = self
                .checker
                .with_number("mul", random, Num::Float(shrink), span)?;
            ways[i % count][i] = Some(way);
            names[i % count].push(paths.get(i).cloned().unwrap_or_default());
        }
        let mut compared = Vec::new();
        for way in &ways {
            compared.push(self.slope(&gradients, way)?);
            for step in [step, -step, step / 2.0, -step / 2.0] {
                let moved = self.moved(&args, wrt, way, step)?;
                let given = self.fresh(&moved)?;
                let value = self.checker.call_values(f, given, self.site)?;
                let value = self.checker.as_tensor(&value, span)?;
                compared.push(self.checker.convert(value, DType::F64, span)?);
            }
        }
        let names = names.iter().map(|names| names.join(", ")).collect();
        Ok((names, compared))
    }

    /// The derivative in a direction by the gradient.
    fn slope(&mut self, gradients: &[NodeId], way: &[Option<NodeId>]) -> Res<NodeId> {
        let span = self.span();
        let mut sum = self.checker.scalar(Num::Float(0.0), DType::F64, span)?;
        for (gradient, way) in gradients.iter().zip(way) {
            let Some(way) = way else { continue };
            let gradient = self.checker.convert(*gradient, DType::F64, span)?;
            let way = self.checker.convert(*way, DType::F64, span)?;
            let products = self.checker.binary_op("mul", gradient, way, span)?;
            let axes: Vec<usize> = (0..self.checker.ty(products).rank()).collect();
            let part = self.checker.reduce("sum", products, &axes, false, span)?;
            sum = self.checker.binary_op("add", sum, part, span)?;
        }
        Ok(sum)
    }

    /// The arguments moved in a direction.
    fn moved(
        &mut self,
        args: &[Value<'a>],
        wrt: &[usize],
        way: &[Option<NodeId>],
        step: f64,
    ) -> Res<Vec<Value<'a>>> {
        let span = self.span();
        let mut moved = args.to_vec();
        let mut ways = way.iter();
        for position in wrt {
            moved[*position] =
                self.checker
                    .map_leaves(&args[*position], &mut |checker, leaf| {
                        let Some(Some(way)) = ways.next() else {
                            return Ok(leaf.clone());
                        };
                        let leaf = checker.as_tensor(leaf, span)?;
                        let way = checker.with_number("mul", *way, Num::Float(step), span)?;
                        checker.binary_op("add", leaf, way, span).map(Value::Tensor)
                    })?;
        }
        Ok(moved)
    }
}
