//! Random programs as DL, the way users write it.

use crate::{
    ast::{
        Binary, Callable, Expr, Function, Index, Mode, Op, Program, Range, Statement, Unary, Update,
    },
    types::{Type, shape_text, struct_name, tuple_text},
};
use std::fmt::Write;

/// What a program is printed with: its own names, so that several stand in one file.
#[derive(Debug)]
pub struct Printer<'p> {
    program: &'p Program,
    /// The names of the dims of the function at hand.
    dims: Vec<String>,
    text: String,
    depth: usize,
}

/// The functions and structs of a program.
pub fn program(program: &Program) -> String {
    let mut printer = Printer {
        program,
        dims: vec![],
        text: String::new(),
        depth: 0,
    };
    for (position, fields) in program.structs.iter().enumerate() {
        let fields = fields.iter().enumerate();
        let fields = fields.map(|(i, ty)| format!("f{i}: {}", ty.text(&[])));
        let fields = fields.collect::<Vec<_>>().join(", ");
        printer.line(&format!(
            "struct {} {{ {fields} }}",
            printer.structure(position)
        ));
    }
    for function in &program.functions {
        printer.function(function);
    }
    printer.text
}

/// `<N in 1.., M>`; nothing without dims.
pub fn dims(function: &Function) -> String {
    let dims = function.dims.iter().map(|dim| match dim.least {
        0 => dim.name.clone(),
        least => format!("{} in {least}..", dim.name),
    });
    match function.dims.is_empty() {
        true => String::new(),
        false => format!("<{}>", dims.collect::<Vec<_>>().join(", ")),
    }
}

/// A type of a program as its file has it.
pub fn type_text(program: &Program, ty: &Type, dims: &[String]) -> String {
    renamed(program, &ty.text(dims))
}

/// The structs of a text with the program's own names.
fn renamed(program: &Program, text: &str) -> String {
    (0..program.structs.len())
        .rev()
        .fold(text.into(), |text: String, position| {
            text.replace(&struct_name(position), &structure(program, position))
        })
}

/// The name of a struct of a program.
fn structure(program: &Program, position: usize) -> String {
    format!("P{}_{}", program.seed, (b'a' + position as u8) as char)
}

/// A number as a literal of floats.
fn literal(value: f64) -> String {
    let text = format!("{value}");
    match text.contains(['.', 'e']) {
        true => text,
        false => text + ".0",
    }
}

impl Printer<'_> {
    fn structure(&self, position: usize) -> String {
        structure(self.program, position)
    }

    fn line(&mut self, line: &str) {
        let indent = "  ".repeat(self.depth);
        writeln!(self.text, "{indent}{line}").expect("strings take everything");
    }

    fn ty(&self, ty: &Type) -> String {
        type_text(self.program, ty, &self.dims)
    }

    fn function(&mut self, function: &Function) {
        self.dims = function.dim_names();
        for attribute in &function.attributes {
            self.line(attribute);
        }
        let params = function.params.iter();
        let params = params.map(|(name, ty)| format!("{name}: {}", self.ty(ty)));
        let params = params.collect::<Vec<_>>().join(", ");
        let (name, dims) = (&function.name, dims(function));
        let result = self.ty(&function.value.ty);
        self.line(&format!("fn {name}{dims}({params}) -> {result} {{"));
        self.depth += 1;
        self.statements(&function.body);
        let value = self.expr(&function.value);
        self.line(&value);
        self.depth -= 1;
        self.line("}");
    }

    fn statements(&mut self, statements: &[Statement]) {
        for statement in statements {
            self.statement(statement);
        }
    }

    fn block(&mut self, head: &str, body: &[Statement]) {
        self.line(head);
        self.depth += 1;
        self.statements(body);
        self.depth -= 1;
    }

    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Let(name, value) => {
                let line = format!("let {name} = {}", self.top(value));
                self.line(&line);
            }
            Statement::LetTuple(names, value) => {
                let line = format!("let {} = {}", tuple_text(names), self.top(value));
                self.line(&line);
            }
            Statement::Var(name, value) => {
                let line = format!("var {name} = {}", self.top(value));
                self.line(&line);
            }
            Statement::Assign(name, value) => {
                let line = format!("{name} = {}", self.top(value));
                self.line(&line);
            }
            Statement::Update {
                name,
                index,
                indices,
                how,
                value,
            } => {
                let sign = match how {
                    Update::Set => "=",
                    Update::Add => "+=",
                    Update::Subtract => "-=",
                    Update::Multiply => "*=",
                };
                let index = self.index(index, indices);
                let line = format!("{name}[{index}] {sign} {}", self.top(value));
                self.line(&line);
            }
            Statement::For {
                variables,
                range,
                body,
            } => {
                let range = match range {
                    Range::UpTo(count) => format!("0..{}", count.text(&self.dims)),
                    Range::DownFrom(count) => format!("reversed(0..{})", count.text(&self.dims)),
                    Range::Computed(count) => format!("0..{}", self.expr(count)),
                    Range::Slices(x) if variables.len() == 2 => {
                        format!("enumerate({})", self.top(x))
                    }
                    Range::Slices(x) => self.expr(x),
                };
                let variables = match variables.as_slice() {
                    [one] => one.clone(),
                    many => tuple_text(many),
                };
                self.block(&format!("for {variables} in {range} {{"), body);
                self.line("}");
            }
            Statement::While(condition, bound, body) => {
                let condition = self.top(condition);
                self.block(&format!("while {condition} within {bound} {{"), body);
                self.line("}");
            }
            Statement::If(condition, then, otherwise) => {
                let condition = self.top(condition);
                self.block(&format!("if {condition} {{"), then);
                if !otherwise.is_empty() {
                    self.block("} else {", otherwise);
                }
                self.line("}");
            }
            Statement::Pullback {
                value,
                gradients,
                of,
                args,
                cotangent,
            } => {
                let (of, args) = (self.callable(of), self.list(args));
                self.line(&format!("let ({value}, {value}_back) = vjp({of}, {args})"));
                let line = format!("let {gradients} = {value}_back({})", self.top(cotangent));
                self.line(&line);
            }
        }
    }

    fn list(&self, exprs: &[Expr]) -> String {
        let texts = exprs.iter().map(|expr| self.top(expr));
        texts.collect::<Vec<_>>().join(", ")
    }

    fn callable(&self, callable: &Callable) -> String {
        match callable {
            Callable::Named(position) => self.program.functions[*position].name.clone(),
            Callable::Lambda(params, body) => {
                let names = params.iter().map(|(name, _)| name.as_str());
                format!(
                    "|{}| {}",
                    names.collect::<Vec<_>>().join(", "),
                    self.top(body)
                )
            }
        }
    }

    fn index(&self, index: &[Index], indices: &[Expr]) -> String {
        let mut computed = indices.iter();
        let bound = |bound: &Option<i64>| bound.map_or(String::new(), |bound| bound.to_string());
        let items = index.iter().map(|item| match item {
            Index::At(position) => position.to_string(),
            Index::Slice(start, stop, 1) => format!("{}:{}", bound(start), bound(stop)),
            Index::Slice(start, stop, step) => {
                format!("{}:{}:{step}", bound(start), bound(stop))
            }
            Index::Rest => "...".into(),
            Index::New => "none".into(),
            Index::Computed => computed.next().map_or(String::new(), |expr| self.top(expr)),
        });
        items.collect::<Vec<_>>().join(", ")
    }

    /// An expression in a place where it needs no parentheses.
    fn top(&self, expr: &Expr) -> String {
        let text = self.expr(expr);
        match expr.op {
            Op::Binary(_) | Op::Unary(Unary::Negative | Unary::Not) | Op::Matmul | Op::Power(_)
                if text.starts_with('(') =>
            {
                text[1..text.len() - 1].into()
            }
            _ => text,
        }
    }

    /// An operand of an operator: a number takes the type of the other one.
    fn operand(&self, expr: &Expr, other: &Expr) -> String {
        match (&expr.op, &other.op) {
            (Op::Number(value), op) if !matches!(op, Op::Number(_)) && *value >= 0.0 => {
                self.bare(*value, expr)
            }
            _ => self.expr(expr),
        }
    }

    fn bare(&self, value: f64, expr: &Expr) -> String {
        match expr.dtype().is_float() {
            true => literal(value),
            false => format!("{value}"),
        }
    }

    fn expr(&self, expr: &Expr) -> String {
        let all = || self.list(&expr.args);
        let arg = |i: usize| self.top(&expr.args[i]);
        let atom = |i: usize| self.expr(&expr.args[i]);
        let shape = || shape_text(expr.shape(), &self.dims);
        let dtype = expr.dtype().name();
        match &expr.op {
            Op::Var(name) => name.clone(),
            Op::Number(value) => format!("{dtype}({})", self.bare(*value, expr)),
            Op::Full(value) if expr.dtype().is_float() => {
                format!("full({}, {}, {dtype})", shape(), literal(*value))
            }
            Op::Full(value) if dtype == "bool" => {
                format!("full({}, {}, bool)", shape(), *value != 0.0)
            }
            Op::Full(value) => format!("full({}, {value}, {dtype})", shape()),
            Op::Iota(axis) => format!("iota({}, {dtype}, axis={axis})", shape()),
            Op::Size(dim) => format!("{dtype}({})", dim.text(&self.dims)),
            Op::Unary(op) => self.unary(*op, expr),
            Op::Binary(op) => self.binary(*op, expr),
            Op::Power(power) => format!("({} ** {power})", atom(0)),
            Op::Where => format!("where({})", all()),
            Op::Clip(low, high) => {
                format!("clip({}, {}, {})", arg(0), literal(*low), literal(*high))
            }
            Op::Cast => format!("{dtype}({})", arg(0)),
            Op::Reduce(reduction, axes, keepdims) => {
                let name = format!("{reduction:?}").to_lowercase();
                let axes = match axes.as_deref() {
                    None => String::new(),
                    Some([axis]) => format!(", axis={axis}"),
                    Some(axes) => format!(", axis={axes:?}"),
                };
                let keepdims = if *keepdims { ", keepdims=true" } else { "" };
                format!("{name}({}{axes}{keepdims})", arg(0))
            }
            Op::ArgReduce(greatest, axis) => {
                let name = if *greatest { "argmax" } else { "argmin" };
                format!("{name}({}, axis={axis})", arg(0))
            }
            Op::Cumulate(cumulative, axis, reverse) => {
                let name = format!("{cumulative:?}").to_lowercase();
                let reverse = if *reverse { ", reverse=true" } else { "" };
                format!("{name}({}, axis={axis}{reverse})", arg(0))
            }
            Op::Softmax(log, axis) => {
                let name = if *log { "log_softmax" } else { "softmax" };
                format!("{name}({}, axis={axis})", arg(0))
            }
            Op::LayerNorm => format!("layer_norm({})", all()),
            Op::RmsNorm => format!("rms_norm({})", all()),
            Op::Matmul => format!("({} @ {})", atom(0), atom(1)),
            Op::Outer => format!("outer({})", all()),
            Op::Einsum(subscripts) => format!("einsum(\"{subscripts}\", {})", all()),
            Op::Conv(_) | Op::Pool(_) => self.window(expr),
            Op::Reshape => format!("reshape({}, {})", arg(0), shape()),
            Op::Permute(axes) => format!("permute_dims({}, axes={axes:?})", arg(0)),
            Op::ExpandDims(axis) => format!("expand_dims({}, axis={axis})", arg(0)),
            Op::Squeeze(axis) => format!("squeeze({}, axis={axis})", arg(0)),
            Op::BroadcastTo => format!("broadcast_to({}, {})", arg(0), shape()),
            Op::Flip(axis) => format!("flip({}, axis={axis})", arg(0)),
            Op::Roll(shift, axis) => format!("roll({}, {shift}, axis={axis})", arg(0)),
            Op::Pad(widths, value) => {
                let widths = widths
                    .iter()
                    .map(|(before, after)| format!("[{before}, {after}]"));
                let widths = widths.collect::<Vec<_>>().join(", ");
                format!("pad({}, [{widths}], value={})", arg(0), literal(*value))
            }
            Op::Tile(times) => format!("tile({}, {times:?})", arg(0)),
            Op::Repeat(times, axis) => format!("repeat({}, {times}, axis={axis})", arg(0)),
            Op::Concat(axis) => format!("concat([{}], axis={axis})", all()),
            Op::Stack(axis) => format!("stack([{}], axis={axis})", all()),
            Op::Split(sizes, axis) => format!("split({}, sizes={sizes:?}, axis={axis})", arg(0)),
            Op::Triangle(upper, k) => {
                let name = if *upper { "triu" } else { "tril" };
                format!("{name}({}, k={k})", arg(0))
            }
            Op::Index(index) => format!("{}[{}]", atom(0), self.index(index, &expr.args[1..])),
            Op::Take(axis) => format!("take({}, axis={axis})", all()),
            Op::TakeAlong(axis) => format!("take_along_axis({}, axis={axis})", all()),
            Op::ScatterAdd(axis) => format!("scatter_add({}, axis={axis})", all()),
            Op::DynamicSlice(sizes) => {
                let starts = self.list(&expr.args[1..]);
                format!("dynamic_slice({}, [{starts}], {sizes:?})", arg(0))
            }
            Op::DynamicUpdate => {
                let starts = self.list(&expr.args[2..]);
                format!("dynamic_update_slice({}, {}, [{starts}])", arg(0), arg(1))
            }
            Op::OneHot(n) => format!("one_hot({}, {n}, {dtype})", arg(0)),
            Op::Sort(axis, descending) => {
                let descending = if *descending { ", descending=true" } else { "" };
                format!("sort({}, axis={axis}{descending})", arg(0))
            }
            Op::Argsort(axis, descending) => {
                let descending = if *descending { ", descending=true" } else { "" };
                format!("argsort({}, axis={axis}{descending})", arg(0))
            }
            Op::TopK(k) => format!("top_k({}, {k})", arg(0)),
            Op::If => format!("(if {} {{ {} }} else {{ {} }})", arg(0), arg(1), arg(2)),
            Op::Tuple => {
                let parts = expr.args.iter().map(|arg| self.top(arg));
                tuple_text(&parts.collect::<Vec<_>>())
            }
            Op::List => format!("[{}]", all()),
            Op::Struct(position) => {
                let fields = expr.args.iter().enumerate();
                let fields = fields.map(|(i, arg)| format!("f{i}: {}", self.top(arg)));
                let fields = fields.collect::<Vec<_>>().join(", ");
                format!("{} {{ {fields} }}", self.structure(*position))
            }
            Op::Part(position) => match &expr.args[0].ty {
                Type::Struct(..) => format!("{}.f{position}", atom(0)),
                Type::List(..) => format!("{}[{position}]", atom(0)),
                _ => format!("{}.{position}", atom(0)),
            },
            Op::Call(position) => format!("{}({})", self.program.functions[*position].name, all()),
            Op::Map(of) => format!("map({}, {})", self.callable(of), all()),
            Op::Vmap(of, axes, out) => {
                let axes = axes.iter().map(|axis| match axis {
                    Some(axis) => axis.to_string(),
                    None => "none".into(),
                });
                let axes = tuple_text(&axes.collect::<Vec<_>>());
                let of = self.callable(of);
                format!("vmap({of}, in_axes={axes}, out_axes={out})({})", all())
            }
            Op::Derivative(mode, of) => self.derivative(mode, of, &expr.args),
        }
    }

    fn unary(&self, op: Unary, expr: &Expr) -> String {
        let x = &expr.args[0];
        match op {
            Unary::Negative => format!("(-{})", self.expr(x)),
            Unary::Not => format!("(!{})", self.expr(x)),
            Unary::GeluExact => format!("gelu({}, exact=true)", self.top(x)),
            Unary::LeakyRelu => format!("leaky_relu({}, slope=0.1)", self.top(x)),
            Unary::LogSigmoid => format!("log_sigmoid({})", self.top(x)),
            Unary::StopGradient => format!("stop_gradient({})", self.top(x)),
            _ => format!("{}({})", format!("{op:?}").to_lowercase(), self.top(x)),
        }
    }

    fn binary(&self, op: Binary, expr: &Expr) -> String {
        let (a, b) = (&expr.args[0], &expr.args[1]);
        let sign = match op {
            Binary::Add => "+",
            Binary::Subtract => "-",
            Binary::Multiply => "*",
            Binary::Divide => "/",
            Binary::Remainder => "%",
            Binary::Pow => "**",
            Binary::Less => "<",
            Binary::LessEqual => "<=",
            Binary::Greater => ">",
            Binary::GreaterEqual => ">=",
            Binary::And => "&&",
            Binary::Or => "||",
            Binary::Xor => "!=",
            Binary::Maximum | Binary::Minimum | Binary::Atan2 | Binary::Logaddexp => {
                let name = format!("{op:?}").to_lowercase();
                let (a, b) = (self.operand(a, b), self.operand(b, a));
                return format!("{name}({a}, {b})");
            }
        };
        format!("({} {sign} {})", self.operand(a, b), self.operand(b, a))
    }

    fn window(&self, expr: &Expr) -> String {
        let list = |values: &[i64]| match values {
            [one] => one.to_string(),
            many => format!("{many:?}"),
        };
        match &expr.op {
            Op::Conv(options) => {
                let rank = options.stride.len();
                let transposed = if options.transposed { "_transpose" } else { "" };
                let pairs = options.padding.iter().map(|(a, b)| format!("[{a}, {b}]"));
                let pairs = pairs.collect::<Vec<_>>().join(", ");
                format!(
                    "conv{rank}d{transposed}({}, stride={}, padding=[{pairs}], dilation={}, groups={})",
                    self.list(&expr.args),
                    list(&options.stride),
                    list(&options.dilation),
                    options.groups
                )
            }
            Op::Pool(options) => {
                let name = if options.greatest {
                    "max_pool"
                } else {
                    "avg_pool"
                };
                let counts = match options.greatest || options.counts_padding {
                    true => "",
                    false => ", count_include_pad=false",
                };
                format!(
                    "{name}({}, window={:?}, stride={:?}, padding={:?}{counts})",
                    self.top(&expr.args[0]),
                    options.window,
                    options.stride,
                    options.padding
                )
            }
            _ => String::new(),
        }
    }

    fn derivative(&self, mode: &Mode, of: &Callable, args: &[Expr]) -> String {
        let name = self.callable(of);
        let count = match of {
            Callable::Named(position) => self.program.functions[*position].params.len(),
            Callable::Lambda(params, _) => params.len(),
        };
        let (primals, tangents) = args.split_at(count);
        let wrt = |wrt: &[usize]| {
            let params = match of {
                Callable::Named(position) => &self.program.functions[*position].params,
                Callable::Lambda(params, _) => params,
            };
            let names = wrt.iter().map(|&i| params[i].0.clone()).collect::<Vec<_>>();
            match (wrt, names.as_slice()) {
                ([0], _) => String::new(),
                (_, [one]) => format!(", wrt={one}"),
                (_, many) => format!(", wrt={}", tuple_text(many)),
            }
        };
        match mode {
            Mode::Grad(params) => format!("grad({name}{})({})", wrt(params), self.list(primals)),
            Mode::ValueAndGrad(params) => {
                format!(
                    "value_and_grad({name}{})({})",
                    wrt(params),
                    self.list(primals)
                )
            }
            Mode::Jacobian(param) => {
                format!("jacobian({name}{})({})", wrt(&[*param]), self.list(primals))
            }
            Mode::Hessian(param) => {
                format!("hessian({name}{})({})", wrt(&[*param]), self.list(primals))
            }
            Mode::Jvp | Mode::Hvp => {
                let mut tangents = tangents.iter();
                let directions = primals.iter().map(|primal| match primal.ty.all_floats() {
                    true => tangents.next().map_or(String::new(), |expr| self.top(expr)),
                    false => "none".into(),
                });
                let directions = tuple_text(&directions.collect::<Vec<_>>());
                let primals = primals.iter().map(|primal| self.top(primal));
                let primals = tuple_text(&primals.collect::<Vec<_>>());
                let mode = if *mode == Mode::Jvp { "jvp" } else { "hvp" };
                format!("{mode}({name}, {primals}, {directions})")
            }
        }
    }
}
