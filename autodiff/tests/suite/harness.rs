//! Makes modules of cases, runs the passes on them and the results through the reference evaluator.

use dlc_abi::DType;
use dlc_autodiff::passes::{expand_derivatives, simplify_dl};
use dlc_dialects::context;
use dlc_reference::evaluate;
use dlc_runtime::Tensor;
use melior::ir::{BlockLike, Module, operation::OperationLike};

/// A function of some arguments, `%0`, `%1`, …, and dims, `%d0`, …, which sets `%y`.
pub struct Case<'a> {
    /// Named in failures.
    pub name: String,
    /// The dims' values.
    pub dims: Vec<i64>,
    /// The arguments.
    pub args: Vec<Arg<'a>>,
    /// The ops.
    pub body: String,
    /// Type and shape of `%y`.
    pub y: (&'a str, &'a [usize]),
}

/// An argument: its type, and its value where the derivative is taken.
#[derive(Clone)]
pub struct Arg<'a> {
    ty: &'a str,
    shape: &'a [usize],
    value: Value,
}

#[derive(Clone)]
enum Value {
    Uniform(f64, f64),
    Floats(Vec<f64>),
    Ints(Vec<i32>),
}

impl<'a> Arg<'a> {
    /// Floats of an interval.
    pub fn uniform(ty: &'a str, shape: &'a [usize], low: f64, high: f64) -> Self {
        Self {
            ty,
            shape,
            value: Value::Uniform(low, high),
        }
    }

    /// Given floats.
    pub fn values(ty: &'a str, shape: &'a [usize], values: &[f64]) -> Self {
        Self {
            ty,
            shape,
            value: Value::Floats(values.to_vec()),
        }
    }

    /// Given integers.
    pub fn ints(ty: &'a str, shape: &'a [usize], values: &[i32]) -> Self {
        Self {
            ty,
            shape,
            value: Value::Ints(values.to_vec()),
        }
    }

    fn is_float(&self) -> bool {
        !matches!(self.value, Value::Ints(_))
    }
}

/// Numbers in [0, 1) that are the same each time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    fn floats(&mut self, shape: &[usize], low: f64, high: f64) -> Vec<f64> {
        (0..shape.iter().product())
            .map(|_| low + (high - low) * self.next())
            .collect()
    }
}

/// A module with `@f` and `@g`, which gives its gradients with respect to all its tensors.
pub fn module(f: &str, g: &str) -> String {
    let inputs = g.split(" -> ").next().expect("a signature has an arrow");
    let types = inputs
        .trim_matches(['(', ')'])
        .split(", ")
        .collect::<Vec<_>>();
    let tensors = types.iter().filter(|ty| ty.starts_with("tensor")).count();
    let names = |with_types: bool| {
        let name = |(i, ty): (usize, &&str)| match with_types {
            true => format!("%a{i}: {ty}"),
            false => format!("%a{i}"),
        };
        types
            .iter()
            .enumerate()
            .map(name)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let outputs = &g[inputs.len() + 4..];
    let results = (0..tensors)
        .map(|i| format!("%r#{i}"))
        .collect::<Vec<_>>()
        .join(", ");
    let wrt = (0..tensors).collect::<Vec<_>>();
    format!(
        "{f}\nfunc.func @g({}) -> {outputs} {{\n%r:{tensors} = dl.grad @f({}) wrt {wrt:?} : {g}\nreturn {results} : {}\n}}",
        names(true),
        names(false),
        outputs.trim_matches(['(', ')'])
    )
}

/// All elements of what `@g` gives at some floats, after `expand-derivatives`.
pub fn gradient(text: &str, dims: &[i64], args: &[(&[usize], &[f64])]) -> Vec<f64> {
    let context = context();
    let mut module = Module::parse(&context, text).expect("the module parses");
    expand(&context, &mut module, false);
    let args = args
        .iter()
        .map(|(shape, x)| tensor(shape, x))
        .collect::<Vec<_>>();
    numbers(&evaluate(&module, "g", dims, &args).expect("the module runs"))
}

fn expand(context: &melior::Context, module: &mut Module, simplified: bool) {
    let op = module.as_operation();
    (expand_derivatives::INFO.run)(context, op).expect("the derivatives expand");
    if simplified {
        let mut function = module.body().first_operation();
        while let Some(op) = function {
            (simplify_dl::INFO.run)(context, op).expect("the pass cannot fail");
            function = op.next_in_block();
        }
    }
    assert!(module.as_operation().verify(), "{}", module.as_operation());
}

fn tensor(shape: &[usize], values: &[f64]) -> Tensor {
    Tensor::from_slice(shape, values).expect("as many values as elements")
}

fn numbers(tensors: &[Tensor]) -> Vec<f64> {
    tensors.iter().flat_map(Tensor::to_f64).collect()
}

/// Checks first and second derivatives of `sum(y * (w + y))` with respect to all float arguments and `w`.
pub fn check(case: &Case) {
    let mut random = Random(42);
    let mut args = case.args.clone();
    args.push(Arg::uniform(case.y.0, case.y.1, -1.0, 1.0));
    let value = |arg: &Arg, random: &mut Random| match &arg.value {
        Value::Uniform(low, high) => random.floats(arg.shape, *low, *high),
        Value::Floats(values) => values.clone(),
        Value::Ints(_) => vec![],
    };
    let at = args
        .iter()
        .map(|arg| value(arg, &mut random))
        .collect::<Vec<_>>();
    let along = |arg: &Arg, random: &mut Random| match arg.is_float() {
        true => random.floats(arg.shape, -1.0, 1.0),
        false => vec![],
    };
    let v = args
        .iter()
        .map(|arg| along(arg, &mut random))
        .collect::<Vec<_>>();
    let w = args
        .iter()
        .map(|arg| along(arg, &mut random))
        .collect::<Vec<_>>();
    let tensors = |step: f64| {
        let each = args
            .iter()
            .zip(&at)
            .zip(&v)
            .map(|((arg, x), v)| match &arg.value {
                Value::Ints(ids) => {
                    Tensor::from_slice(arg.shape, ids).expect("as many ids as elements")
                }
                _ => {
                    let moved = x
                        .iter()
                        .zip(v)
                        .map(|(x, v)| x + step * v)
                        .collect::<Vec<_>>();
                    tensor(arg.shape, &moved)
                }
            });
        each.collect::<Vec<_>>()
    };
    let direction = args
        .iter()
        .zip(&w)
        .filter(|(arg, _)| arg.is_float())
        .map(|(arg, w)| tensor(arg.shape, w));
    let direction = direction.collect::<Vec<_>>();
    let v = v.concat();

    let text = text(case, &args);
    let context = context();
    for simplified in [false, true] {
        let mut module =
            Module::parse(&context, &text).unwrap_or_else(|| panic!("{}:\n{text}", case.name));
        expand(&context, &mut module, simplified);
        let run = |function: &str, step: f64, extra: &[Tensor]| {
            let args = [tensors(step), extra.to_vec()].concat();
            let results = evaluate(&module, function, &case.dims, &args);
            let results =
                results.unwrap_or_else(|e| panic!("{}: {e}\n{}", case.name, module.as_operation()));
            assert!(results.iter().all(|t| t.dtype() == DType::F64));
            numbers(&results)
        };
        let slope = |function: &str, extra: &[Tensor]| {
            let step = 1e-5;
            (run(function, step, extra)[0] - run(function, -step, extra)[0]) / (2.0 * step)
        };
        for (order, function, gradient, extra) in [
            ("first", "f", "f_grad", &[][..]),
            ("second", "h", "h_grad", &direction),
        ] {
            let expected = slope(function, extra);
            let gradient = run(gradient, 0.0, extra);
            assert_eq!(gradient.len(), v.len());
            let found = gradient.iter().zip(&v).map(|(g, v)| g * v).sum::<f64>();
            let scale = gradient
                .iter()
                .zip(&v)
                .map(|(g, v)| (g * v).abs())
                .sum::<f64>();
            assert!(
                (expected - found).abs() <= 1e-6 * scale.max(1.0),
                "{}, {order} order, simplified: {simplified}: {found}, differences give {expected}\n{}",
                case.name,
                module.as_operation()
            );
        }
    }
}

/// `@f`, its gradient, `@h`, the gradient's inner product with further arguments, and its gradient.
fn text(case: &Case, args: &[Arg]) -> String {
    let y = case.y.0;
    let all = |shape: &[usize]| (0..shape.len()).collect::<Vec<_>>();
    let dims = (0..case.dims.len()).map(|i| format!("%d{i}: index"));
    let names = (0..case.dims.len()).map(|i| format!("%d{i}"));
    let index_types = (0..case.dims.len()).map(|_| "index".to_string());
    let floats = args
        .iter()
        .enumerate()
        .filter(|(_, arg)| arg.is_float())
        .collect::<Vec<_>>();
    let join = |parts: Vec<String>| parts.join(", ");
    let declared = |prefix: &str, args: &[(usize, &Arg)]| {
        args.iter()
            .map(|(i, arg)| format!("%{prefix}{i}: {}", arg.ty))
            .collect::<Vec<_>>()
    };
    let each = args.iter().enumerate().collect::<Vec<_>>();
    let named = |prefix: &str, args: &[(usize, &Arg)]| {
        args.iter()
            .map(|(i, _)| format!("%{prefix}{i}"))
            .collect::<Vec<_>>()
    };
    let types = |args: &[(usize, &Arg)]| {
        args.iter()
            .map(|(_, arg)| arg.ty.to_string())
            .collect::<Vec<_>>()
    };
    let f_params = join(dims.clone().chain(declared("", &each)).collect());
    let f_args = join(names.clone().chain(named("", &each)).collect());
    let f_types = join(index_types.clone().chain(types(&each)).collect());
    let h_params = join(
        dims.chain(declared("", &each))
            .chain(declared("v", &floats))
            .collect(),
    );
    let h_args = join(
        names
            .chain(named("", &each))
            .chain(named("v", &floats))
            .collect(),
    );
    let h_types = join(
        index_types
            .chain(types(&each))
            .chain(types(&floats))
            .collect(),
    );
    let g_types = join(types(&floats));
    let wrt = floats.iter().map(|(i, _)| *i).collect::<Vec<_>>();
    let (w, count) = (args.len() - 1, floats.len());
    let results = join((0..count).map(|i| format!("%g#{i}")).collect());

    let mut products = "%s0 = dl.constant dense<0.0> : tensor<f64>\n".to_string();
    for (n, (i, arg)) in floats.iter().enumerate() {
        products += &format!(
            "%p{n} = dl.mul %g#{n}, %v{i} : {ty}\n\
             %q{n} = dl.reduce \"sum\" %p{n} axes {axes:?} : {ty} -> tensor<f64>\n\
             %s{next} = dl.add %s{n}, %q{n} : tensor<f64>\n",
            ty = arg.ty,
            axes = all(arg.shape),
            next = n + 1
        );
    }
    format!(
        "func.func private @call({f_params}) -> {y} {{\n{body}\nreturn %y : {y}\n}}
         func.func @f({f_params}) -> tensor<f64> {{
           %y = call @call({f_args}) : ({f_types}) -> {y}
           %sum = dl.add %{w}, %y : {y}
           %product = dl.mul %y, %sum : {y}
           %loss = dl.reduce \"sum\" %product axes {axes:?} : {y} -> tensor<f64>
           return %loss : tensor<f64>
         }}
         func.func @f_grad({f_params}) -> ({g_types}) {{
           %g:{count} = dl.grad @f({f_args}) wrt {wrt:?} : ({f_types}) -> ({g_types})
           return {results} : {g_types}
         }}
         func.func @h({h_params}) -> tensor<f64> {{
           %g:{count} = dl.grad @f({f_args}) wrt {wrt:?} : ({f_types}) -> ({g_types})
           {products}
           return %s{count} : tensor<f64>
         }}
         func.func @h_grad({h_params}) -> ({g_types}) {{
           %g:{count} = dl.grad @h({h_args}) wrt {wrt:?} : ({h_types}) -> ({g_types})
           return {results} : {g_types}
         }}",
        body = case.body,
        axes = all(case.y.1),
    )
}
