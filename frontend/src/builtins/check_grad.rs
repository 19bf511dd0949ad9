//! `check_grad`: a gradient compared with finite differences.
//!
//! Note [Finite differences]. The function is followed from a random point. What `wrt=` names is changed number by
//! number where it has few of them, else in random directions, one for each leaf (leaves share directions where there are
//! many). In a direction `v` the derivative that the compiler made, the sum of `g * v`, is compared with
//! `(f(p + h v) - f(p - h v)) / 2h` for two steps `h`, all in f64 once `f` has given its value. A random `v` is shrunk by
//! the fourth root of its length: the function then changes by more than its rounding and stays close to a line. The
//! steps and numbers are the rounds of a loop, so the function is in the program once, not once for each value of it.
//! Who runs the test judges the numbers.

use std::rc::Rc;

use crate::ast::{DType, Span};
use crate::builtins::args::Call;
use crate::builtins::testing::{in_test, tolerance};
use crate::builtins::transform::wrt_expr;
use crate::builtins::{self};
use crate::check::binary::Operand;
use crate::check::call::{Arg, Site};
use crate::check::consts::is_float;
use crate::check::value::GradFn;
use crate::check::{Checker, FnValue, NodeId, Reported, Res, Ty, Value};
use crate::core::{AssertionKind, Dim, GradientPart, Num, TensorType};
use crate::diagnostic::{Code, Diagnostic, similar};

/// The most numbers that are changed one by one.
const MAX_COORDINATES: i64 = 64;

/// The most random directions.
const MAX_DIRECTIONS: usize = 4;

/// The steps in a direction: `h`, `-h`, `h / 2`, `-h / 2`.
const STEPS: i64 = 4;

/// The size of the axis that stands for leading axes.
const LEADING: i64 = 2;

/// The gradient of a function compared with finite differences; dims of the function are given by name.
pub(super) fn check_grad<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    in_test(call)?;
    let f = call.function("f")?;
    let (rtol, atol) = (tolerance(call, "rtol")?, tolerance(call, "atol")?);
    let seed = call.int("seed", 0)?;
    let wrt = call.given("wrt");
    let wrt = wrt_expr(call, wrt)?;
    let (span, at) = (call.span(), call.operand("f")?.span);
    let (f, params) = arguments_types(call, &f, at)?;
    let (wrt, _) = call.checker.wrt_positions(&f, wrt, span)?;
    let mut point = Point {
        checker: call.checker,
        site: call.site,
        seed,
    };
    let args = point.arguments(&params)?;
    let mut differences = Differences {
        point,
        f,
        wrt,
        args,
        at,
        step: 0.0,
    };
    let (dtype, value) = differences.value_here()?;
    let (step, usual) = match dtype {
        DType::F64 => (1e-3, 1e-5),
        DType::F32 => (1e-2, 1e-2),
        _ => (0.25, 1e-1),
    };
    differences.step = step;
    let (parts, compared) = differences.parts()?;
    let kind = AssertionKind::Gradient {
        parts,
        dtype,
        step,
        rtol: rtol.unwrap_or(usual),
        atol: atol.unwrap_or(0.0),
    };
    let nodes = std::iter::once(value).chain(compared).collect();
    call.checker.assert_that(kind, nodes, span)?;
    Ok(Value::unit())
}

/// The function without type parameters, and the types of its parameters, with dims known.
fn arguments_types<'a>(
    call: &mut Call<'_, 'a>,
    f: &Rc<FnValue<'a>>,
    at: Span,
) -> Res<(Rc<FnValue<'a>>, Vec<Ty>)> {
    let id = match &**f {
        FnValue::Item(id) => *id,
        FnValue::Lambda { params, scope, .. } => {
            given_dims(call, &[])?;
            let Some(types) = call.checker.lambda_types(params, scope)? else {
                let message =
                    "`check_grad` makes arguments by their types, and a parameter has none here";
                let diagnostic = Diagnostic::error(Code::DL0209, message, at)
                    .help("write them: `|x: f32[3]| …`");
                return Err(call.checker.report(diagnostic));
            };
            return Ok((f.clone(), types));
        }
        FnValue::Builtin(_)
        | FnValue::Cast(_)
        | FnValue::Grad(_)
        | FnValue::Jacobian(_)
        | FnValue::Opaque(_)
        | FnValue::Pullback(_)
        | FnValue::Vmap(_) => {
            let message =
                "`check_grad` makes arguments by the types of parameters, and here are none";
            let diagnostic = Diagnostic::error(Code::DL0209, message, at)
                .help("write a function value with types: `|x: f32[3]| …`");
            return Err(call.checker.report(diagnostic));
        }
    };
    let Some(id) = call.checker.for_made_arguments(id)? else {
        let message =
            "`check_grad` makes arguments by their types, and this function takes any tree";
        let diagnostic = Diagnostic::error(Code::DL0209, message, at)
            .help("write a function value that calls it with a tree of its own: `|p: Params| …`");
        return Err(call.checker.report(diagnostic));
    };
    let (names, params, _) = call.checker.parameters(id).ok_or(Reported)?;
    if params.iter().any(|ty| matches!(ty, Ty::Fn(_))) {
        let message = "`check_grad` has no function to give to this one";
        let diagnostic = Diagnostic::error(Code::DL0209, message, at)
            .help("write a function value that gives it one: `|x: f32[3]| …(tanh, x)`");
        return Err(call.checker.report(diagnostic));
    }
    let dims = given_dims(call, &names)?;
    let value_of = |name: &str| {
        let position = names.iter().position(|known| known == name)?;
        Some(Dim::constant(dims[position]))
    };
    let known = params
        .iter()
        .map(|ty| ty.map_dims(&|dim| dim.substitute(&value_of)));
    Ok((Rc::new(FnValue::Item(id)), known.collect()))
}

/// The dims given by name, in the order of the function's. Leading axes, whose names nobody can write, have a size.
fn given_dims(call: &mut Call<'_, '_>, names: &[String]) -> Res<Vec<i64>> {
    let is_leading = |name: &String| name.ends_with('_') && name.starts_with("leading");
    let leading = names.iter().map(|name| is_leading(name).then_some(LEADING));
    let mut values: Vec<Option<i64>> = leading.collect();
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

/// A random point.
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
}

/// By how much the leaves of what `wrt=` names are moved in a round; those that stay have nothing.
type Moves = Vec<Option<NodeId>>;

/// A function around a point.
struct Differences<'c, 'a> {
    point: Point<'c, 'a>,
    f: Rc<FnValue<'a>>,
    wrt: Vec<usize>,
    args: Vec<Value<'a>>,
    at: Span,
    step: f64,
}

impl<'a> Differences<'_, 'a> {
    fn span(&self) -> Span {
        self.point.site.span
    }

    /// The dtype that the function computes in, and its value at the point.
    fn value_here(&mut self) -> Res<(DType, NodeId)> {
        let span = self.span();
        let given = self.point.fresh(&self.args)?;
        let value = self
            .point
            .checker
            .call_values(&self.f, given, self.point.site)?;
        let ty = self.point.checker.type_of(&value);
        match (&value, ty) {
            (Value::Tensor(id), Some(Ty::Tensor(ty))) if ty.rank() == 0 && is_float(ty.dtype) => {
                let converted = self.point.checker.convert(*id, DType::F64, span)?;
                Ok((ty.dtype, converted))
            }
            _ => {
                let what = self.point.checker.describe(&value);
                let message =
                    format!("a gradient is of a float scalar, and this function gives {what}");
                self.point.checker.error(Code::DL0301, message, self.at)
            }
        }
    }

    /// The derivatives, what they are called, and the values of the function that they are compared with.
    fn parts(&mut self) -> Res<(Vec<GradientPart>, Vec<NodeId>)> {
        let span = self.span();
        let gradient = Rc::new(FnValue::Grad(GradFn {
            f: self.f.clone(),
            wrt: self.wrt.clone(),
            single: false,
            has_aux: false,
            value: false,
            span: self.at,
        }));
        let given = self.point.fresh(&self.args)?;
        let checker = &mut self.point.checker;
        let gradients = checker
            .call_values(&gradient, given, self.point.site)?
            .nodes();
        let mut paths = Vec::new();
        for position in &self.wrt {
            let ty = checker.type_of(&self.args[*position]).ok_or(Reported)?;
            let root = checker.parameter_name(&self.f, *position);
            let leaves = checker.leaves(&ty, &root, span)?;
            paths.extend(leaves.into_iter().map(|leaf| leaf.path));
        }
        let sizes: Vec<i64> = gradients
            .iter()
            .map(|gradient| elements(checker.ty(*gradient)))
            .collect();
        let all = sizes
            .iter()
            .try_fold(0i64, |sum, size| sum.checked_add(*size));
        match all {
            Some(0) => Ok((Vec::new(), Vec::new())),
            Some(all) if all <= MAX_COORDINATES => self.coordinates(&gradients, paths, &sizes, all),
            _ => self.directions(&gradients, paths),
        }
    }

    /// Each number of the leaves by itself: a part for each leaf.
    fn coordinates(
        &mut self,
        gradients: &[NodeId],
        paths: Vec<String>,
        sizes: &[i64],
        all: i64,
    ) -> Res<(Vec<GradientPart>, Vec<NodeId>)> {
        let span = self.span();
        let values = self.along(all * STEPS, &|checker, round, step| {
            let number = checker.with_number("div", round, Num::Int(STEPS.into()), span)?;
            let mut first = 0;
            let mut moves = Vec::new();
            for (gradient, size) in gradients.iter().zip(sizes) {
                let ty = checker.ty(*gradient).clone();
                let own = checker.with_number("sub", number, Num::Int(first.into()), span)?;
                let numbers = checker.iota(&[Dim::constant(*size)], 0, DType::I64, span)?;
                let here = checker.compare("equal", numbers, own, span)?;
                let here = checker.reshape(here, &ty.shape, span)?;
                let step = checker.convert(step, ty.dtype, span)?;
                let zero = checker.scalar(Num::Float(0.0), ty.dtype, span)?;
                moves.push(Some(checker.select(here, step, zero, span)?));
                first += size;
            }
            Ok(moves)
        })?;
        let (mut parts, mut compared) = (Vec::new(), Vec::new());
        let mut first = 0;
        for ((gradient, size), path) in gradients.iter().zip(sizes).zip(paths) {
            let checker = &mut self.point.checker;
            let (start, count) = (Dim::constant(first * STEPS), Dim::constant(size * STEPS));
            compared.push(checker.convert(*gradient, DType::F64, span)?);
            compared.push(checker.slice_axis(values, 0, start, count, span)?);
            parts.push(GradientPart {
                name: path,
                random: false,
            });
            first += size;
        }
        Ok((parts, compared))
    }

    /// Random directions, each of which changes some of the leaves.
    fn directions(
        &mut self,
        gradients: &[NodeId],
        paths: Vec<String>,
    ) -> Res<(Vec<GradientPart>, Vec<NodeId>)> {
        let span = self.span();
        let count = gradients.len().min(MAX_DIRECTIONS);
        let mut names = vec![Vec::new(); count];
        let mut ways: Vec<Moves> = vec![vec![None; gradients.len()]; count];
        for (i, gradient) in gradients.iter().enumerate() {
            let ty = self.point.checker.ty(*gradient).clone();
            let value = self.point.tensor(&ty)?;
            let checker = &mut self.point.checker;
            let random = checker.as_tensor(&value, span)?;
            let shrink = (elements(&ty).max(1) as f64).powf(-0.25);
            let way = checker.with_number("mul", random, Num::Float(shrink), span)?;
            ways[i % count][i] = Some(way);
            names[i % count].push(paths.get(i).cloned().unwrap_or_default());
        }
        let (mut parts, mut compared) = (Vec::new(), Vec::new());
        for (way, names) in ways.iter().zip(names) {
            compared.push(self.slope(gradients, way)?);
            compared.push(self.along(STEPS, &|checker, _, step| {
                let mut moves = Vec::new();
                for way in way {
                    moves.push(match way {
                        None => None,
                        Some(way) => {
                            let step = checker.convert(step, checker.dtype(*way), span)?;
                            Some(checker.binary_op("mul", *way, step, span)?)
                        }
                    });
                }
                Ok(moves)
            })?);
            parts.push(GradientPart {
                name: names.join(", "),
                random: true,
            });
        }
        Ok((parts, compared))
    }

    /// The function's value in each of some rounds, as `moves` says from the number of the round and its step.
    fn along(
        &mut self,
        rounds: i64,
        moves: &dyn Fn(&mut Checker<'a>, NodeId, NodeId) -> Res<Moves>,
    ) -> Res<NodeId> {
        let (span, site, seed) = (self.span(), self.point.site, self.point.seed);
        let shape = [Dim::constant(rounds)];
        let checker = &mut *self.point.checker;
        let zero = checker.scalar(Num::Float(0.0), DType::F64, span)?;
        let zeros = checker.broadcast_to(zero, &shape, span)?;
        let (f, wrt, args, far) = (&self.f, &self.wrt, &self.args, self.step);
        checker.rounds(rounds, zeros, span, &mut |checker, round, values| {
            let step = step_of(checker, round, far, span)?;
            let moves = moves(checker, round, step)?;
            let moved = moved(checker, args, wrt, &moves, span)?;
            let mut point = Point {
                checker: &mut *checker,
                site,
                seed,
            };
            let given = point.fresh(&moved)?;
            let value = checker.call_values(f, given, site)?;
            let value = checker.as_tensor(&value, span)?;
            let value = checker.convert(value, DType::F64, span)?;
            let numbers = checker.iota(&shape, 0, DType::I64, span)?;
            let here = checker.compare("equal", numbers, round, span)?;
            checker.select(here, value, values, span)
        })
    }

    /// The derivative in a direction by the gradient.
    fn slope(&mut self, gradients: &[NodeId], way: &[Option<NodeId>]) -> Res<NodeId> {
        let span = self.span();
        let checker = &mut self.point.checker;
        let mut sum = checker.scalar(Num::Float(0.0), DType::F64, span)?;
        for (gradient, way) in gradients.iter().zip(way) {
            let Some(way) = way else { continue };
            let gradient = checker.convert(*gradient, DType::F64, span)?;
            let way = checker.convert(*way, DType::F64, span)?;
            let products = checker.binary_op("mul", gradient, way, span)?;
            let axes: Vec<usize> = (0..checker.ty(products).rank()).collect();
            let part = checker.reduce("sum", products, &axes, false, span)?;
            sum = checker.binary_op("add", sum, part, span)?;
        }
        Ok(sum)
    }
}

/// The number of elements of a type without names of dims.
fn elements(ty: &TensorType) -> i64 {
    let sizes = ty.shape.iter().map(|dim| dim.as_const().unwrap_or(1));
    sizes.fold(1, i64::saturating_mul)
}

/// The step of a round: see [`STEPS`].
fn step_of(checker: &mut Checker<'_>, round: NodeId, far: f64, span: Span) -> Res<NodeId> {
    let integer = |n: i64| Num::Int(n.into());
    let turn = checker.with_number("rem", round, integer(STEPS), span)?;
    let near = checker.with_number("div", turn, integer(2), span)?;
    let back = checker.with_number("rem", turn, integer(2), span)?;
    let near = checker.convert(near, DType::Bool, span)?;
    let back = checker.convert(back, DType::Bool, span)?;
    let scalar = |checker: &mut Checker<'_>, number: f64| {
        checker.scalar(Num::Float(number), DType::F64, span)
    };
    let (half, whole) = (scalar(checker, far / 2.0)?, scalar(checker, far)?);
    let size = checker.select(near, half, whole, span)?;
    let (minus, plus) = (scalar(checker, -1.0)?, scalar(checker, 1.0)?);
    let sign = checker.select(back, minus, plus, span)?;
    checker.binary_op("mul", size, sign, span)
}

/// The arguments with the leaves of what `wrt` names moved.
fn moved<'a>(
    checker: &mut Checker<'a>,
    args: &[Value<'a>],
    wrt: &[usize],
    moves: &[Option<NodeId>],
    span: Span,
) -> Res<Vec<Value<'a>>> {
    let mut moved = args.to_vec();
    let mut moves = moves.iter();
    for position in wrt {
        moved[*position] = checker.map_leaves(&args[*position], &mut |checker, leaf| {
            let Some(Some(by)) = moves.next() else {
                return Ok(leaf.clone());
            };
            let leaf = checker.as_tensor(leaf, span)?;
            checker.binary_op("add", leaf, *by, span).map(Value::Tensor)
        })?;
    }
    Ok(moved)
}
