//! What functions and lines of them take: floating-point operations and bytes, as polynomials in the dims, counted on
//! the core before anything is fused. The language server shows it.
//!
//! Operations are counted as `dlc bench` does: each addition, multiplication, division, maximum and function such as
//! `exp` on floats is one, so a product of m × k and k × n has 2 * m * n * k. Of a branch the larger side counts.

use std::collections::{HashMap, HashSet};

use dlc_abi::dim::Poly;
use dlc_dialects::ops::{Expr, OpKind};

use crate::ast::Span;
use crate::check::consts::is_float;
use crate::core::{Dim, Func, FuncIndex, Node, NodeIndex, Prim, Region, TensorType};

/// The most terms that two factors may have together; longer sums are of no use to a reader.
const MAX_TERMS: usize = 16;

/// What something takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    /// The floating-point operations.
    pub flops: Poly,
    /// The bytes that it reads from outside of it and gives to outside of it, each once.
    pub bytes: Poly,
    /// Whether that is all: derivatives, and loops that run as often as values say, are not counted.
    pub is_whole: bool,
}

/// The functions of a file as the checker made them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counted {
    /// Those of the program, by their numbers.
    pub(crate) program: Vec<Option<Func>>,
    /// Functions checked by themselves, by the numbers of their items.
    pub(crate) definitions: HashMap<usize, Definition>,
    /// What calls in the latter name.
    pub(crate) callees: HashMap<FuncIndex, Callee>,
    /// The functions of the file, by the places of their names.
    pub(crate) names: HashMap<Span, Which>,
}

/// A function that was checked by itself.
#[derive(Clone, Debug)]
pub(crate) struct Definition {
    /// It, all its dims unknown.
    pub(crate) func: Func,
    /// The functions that were made in it.
    pub(crate) made: HashMap<FuncIndex, Func>,
}

/// Whom a function that was checked by itself calls.
#[derive(Clone, Debug)]
pub(crate) struct Callee {
    /// The number of its item.
    pub(crate) id: usize,
    /// Its dims that are numbers.
    pub(crate) known: Vec<Option<i64>>,
}

/// A function: one of the program or one by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Which {
    /// The number of a function of the program.
    Program(FuncIndex),
    /// The number of an item.
    Definition(usize),
    /// A function made in the definition of an item.
    Made(usize, FuncIndex),
}

impl Counted {
    /// What a call of the function takes whose name stands at a place. Its bytes are those of its parameters and results.
    pub(crate) fn of_function(&self, name: Span) -> Option<Cost> {
        let which = *self.names.get(&name)?;
        let func = self.func(which)?;
        let mut bytes = Sum::default();
        let results = func
            .results
            .iter()
            .map(|result| &func.nodes[result.node as usize].ty);
        for ty in func.params.iter().map(|param| &param.ty).chain(results) {
            bytes.add(byte_size(ty), &Poly::one());
        }
        let flops = Counter::new(self).function(which);
        Some(Cost {
            flops: flops.poly,
            bytes: bytes.poly,
            is_whole: flops.is_whole && bytes.is_whole,
        })
    }

    /// What the operations of a function take whose places are such, in all rounds of the loops around them; nothing if
    /// there are none.
    pub(crate) fn of_part(&self, name: Span, is_part: &dyn Fn(Span) -> bool) -> Option<Cost> {
        let which = *self.names.get(&name)?;
        let func = self.func(which)?;
        let results: Vec<NodeIndex> = func.results.iter().map(|result| result.node).collect();
        let mut part = Part {
            counter: Counter::new(self),
            within: which,
            is_part,
            flops: Sum::default(),
            bytes: Sum::default(),
            is_empty: true,
        };
        part.add(&func.nodes, &results, &Sum::one());
        (!part.is_empty).then_some(Cost {
            flops: part.flops.poly,
            bytes: part.bytes.poly,
            is_whole: part.flops.is_whole && part.bytes.is_whole,
        })
    }

    fn func(&self, which: Which) -> Option<&Func> {
        match which {
            Which::Program(func) => self.program.get(func)?.as_ref(),
            Which::Definition(id) => Some(&self.definitions.get(&id)?.func),
            Which::Made(id, func) => self.definitions.get(&id)?.made.get(&func),
        }
    }

    /// Whom a call in a function names, and its dims that are numbers.
    fn callee(&self, within: Which, func: FuncIndex) -> Option<(Which, &[Option<i64>])> {
        let id = match within {
            Which::Program(_) => return Some((Which::Program(func), &[])),
            Which::Definition(id) | Which::Made(id, _) => id,
        };
        if self.definitions.get(&id)?.made.contains_key(&func) {
            return Some((Which::Made(id, func), &[]));
        }
        let callee = self.callees.get(&func)?;
        Some((Which::Definition(callee.id), &callee.known))
    }
}

/// A sum, and whether all that belongs to it is in it.
#[derive(Clone, Debug)]
struct Sum {
    poly: Poly,
    is_whole: bool,
}

impl Default for Sum {
    fn default() -> Self {
        Self::of(Poly::zero())
    }
}

impl Sum {
    fn of(poly: Poly) -> Self {
        Self {
            poly,
            is_whole: true,
        }
    }

    fn one() -> Self {
        Self::of(Poly::one())
    }

    /// Something of which nothing is known.
    fn unknown() -> Self {
        Self {
            poly: Poly::zero(),
            is_whole: false,
        }
    }

    /// Adds something so many times.
    fn add(&mut self, other: Sum, times: &Poly) {
        let all = other.times(&Sum::of(times.clone()));
        self.poly = &self.poly + &all.poly;
        self.is_whole &= all.is_whole;
    }

    fn times(self, other: &Sum) -> Self {
        if self.is_whole && self.poly.as_const() == Some(0) {
            return self;
        }
        match self.poly.term_count() + other.poly.term_count() <= MAX_TERMS {
            true => Self {
                poly: &self.poly * &other.poly,
                is_whole: self.is_whole && other.is_whole,
            },
            false => Self::unknown(),
        }
    }
}

/// The product of sizes.
fn product<'d>(dims: impl IntoIterator<Item = &'d Dim>) -> Sum {
    let dims = dims.into_iter().map(|dim| Sum::of(dim.poly().clone()));
    dims.fold(Sum::one(), |product, dim| product.times(&dim))
}

fn elements(ty: &TensorType) -> Sum {
    product(&ty.shape)
}

fn byte_size(ty: &TensorType) -> Sum {
    let size = i64::try_from(ty.dtype.size()).unwrap_or(i64::MAX);
    elements(ty).times(&Sum::of(Poly::constant(size)))
}

/// Counts operations.
struct Counter<'c> {
    counted: &'c Counted,
    /// The functions that have been counted, and those that are being.
    known: HashMap<Which, Sum>,
}

impl<'c> Counter<'c> {
    fn new(counted: &'c Counted) -> Self {
        Self {
            counted,
            known: HashMap::new(),
        }
    }

    fn function(&mut self, which: Which) -> Sum {
        if let Some(known) = self.known.get(&which) {
            return known.clone();
        }
        let Some(func) = self.counted.func(which) else {
            return Sum::unknown();
        };
        // One that calls itself is an error elsewhere.
        self.known.insert(which, Sum::unknown());
        let sum = self.nodes(which, &func.nodes);
        self.known.insert(which, sum.clone());
        sum
    }

    fn nodes(&mut self, within: Which, nodes: &[Node]) -> Sum {
        let mut sum = Sum::default();
        for node in nodes {
            sum.add(self.node(within, nodes, node), &Poly::one());
        }
        sum
    }

    fn region(&mut self, within: Which, region: &Region) -> Sum {
        self.nodes(within, &region.nodes)
    }

    fn node(&mut self, within: Which, nodes: &[Node], node: &Node) -> Sum {
        let operand = |i: usize| &nodes[node.args[i] as usize].ty;
        let times = |sum: Sum, count: i64| sum.times(&Sum::of(Poly::constant(count)));
        let on_floats = node
            .args
            .first()
            .is_some_and(|arg| is_float(nodes[*arg as usize].ty.dtype));
        match &node.op {
            Prim::Elementwise(name)
                if node
                    .args
                    .iter()
                    .any(|arg| is_float(nodes[*arg as usize].ty.dtype)) =>
            {
                times(elements(&node.ty), body_flops(name))
            }
            Prim::DotGeneral { contract, .. } if on_floats => {
                let inner = product(contract.iter().map(|(axis, _)| &operand(0).shape[*axis]));
                times(elements(&node.ty).times(&inner), 2)
            }
            Prim::Conv { .. } if on_floats => {
                // Each output is a sum over the weights of its channel.
                let inner = product(&operand(1).shape[1..]);
                times(elements(&node.ty).times(&inner), 2)
            }
            Prim::ReduceWindow { window, .. } if on_floats => {
                let size = window.iter().copied().fold(1, i64::saturating_mul);
                times(elements(&node.ty), size)
            }
            Prim::Reduce { .. } | Prim::Cumulative { .. } if on_floats => elements(operand(0)),
            Prim::Scatter { kind: "add", .. } | Prim::ScatterAddAlongAxis { .. } if on_floats => {
                node.args.last().map_or(Sum::default(), |updates| {
                    elements(&nodes[*updates as usize].ty)
                })
            }
            Prim::Call { func, dims, .. } => self.call(within, *func, dims),
            Prim::Derivative { func, dims, .. } => {
                // At least the function itself.
                let value = self.call(within, *func, dims);
                Sum {
                    is_whole: false,
                    ..value
                }
            }
            Prim::Vmap {
                func, dims, size, ..
            } => self
                .call(within, *func, dims)
                .times(&Sum::of(size.poly().clone())),
            Prim::For { body, .. } => {
                let round = self.region(within, body);
                round.times(&rounds(&node.op))
            }
            Prim::While { cond, body, .. } => {
                let mut round = self.region(within, cond);
                round.add(self.region(within, body), &Poly::one());
                match round.is_whole && round.poly.as_const() == Some(0) {
                    true => round,
                    false => Sum::unknown(),
                }
            }
            Prim::If {
                then, otherwise, ..
            } => {
                let (then, otherwise) = (self.region(within, then), self.region(within, otherwise));
                larger(then, otherwise)
            }
            Prim::Opaque => Sum::unknown(),
            _ => Sum::default(),
        }
    }

    /// What a call takes, in the dims of the caller.
    fn call(&mut self, within: Which, func: FuncIndex, dims: &[Dim]) -> Sum {
        let Some((which, known)) = self.counted.callee(within, func) else {
            return Sum::unknown();
        };
        let Some(callee) = self.counted.func(which) else {
            return Sum::unknown();
        };
        let mut given = dims.iter().map(|dim| dim.poly().clone());
        let value = |i: usize, given: &mut dyn Iterator<Item = Poly>| match known.get(i) {
            Some(Some(number)) => Some(Poly::constant(*number)),
            _ => given.next(),
        };
        let names = callee.dims.iter().enumerate();
        let values: HashMap<&str, Poly> = names
            .filter_map(|(i, name)| Some((name.as_str(), value(i, &mut given)?)))
            .collect();
        let sum = self.function(which);
        Sum {
            poly: sum.poly.substitute_with(&|name| values.get(name).cloned()),
            is_whole: sum.is_whole,
        }
    }
}

/// How often the regions of a node run.
fn rounds(op: &Prim) -> Sum {
    match op {
        Prim::For {
            rounds: Some(rounds),
            ..
        } => Sum::of(rounds.poly().clone()),
        Prim::If { .. } => Sum::one(),
        _ => Sum::unknown(),
    }
}

/// The larger of two, where one is larger for all dims.
fn larger(a: Sum, b: Sum) -> Sum {
    let difference = &a.poly - &b.poly;
    let is_whole = a.is_whole && b.is_whole;
    let terms = difference.terms();
    let (poly, is_clear) = match () {
        () if terms.iter().all(|(count, _)| *count >= 0) => (a.poly, true),
        () if terms.iter().all(|(count, _)| *count <= 0) => (b.poly, true),
        () => (a.poly, false),
    };
    Sum {
        poly,
        is_whole: is_whole && is_clear,
    }
}

/// The operations of an elementwise op on floats, for each element.
fn body_flops(name: &str) -> i64 {
    let record = OpKind::from_mnemonic(name).and_then(OpKind::elementwise);
    let body = record.and_then(|record| record.body_float.as_ref());
    let mut applied = Vec::new();
    if let Some(body) = body {
        collect(body, &mut applied);
    }
    let count = |name: &str| match name {
        "math.fma" => 2,
        "arith.addf" | "arith.subf" | "arith.mulf" | "arith.divf" | "arith.remf"
        | "arith.maximumf" | "arith.minimumf" | "arith.maxnumf" | "arith.minnumf" => 1,
        name => i64::from(name.starts_with("math.")),
    };
    let names = applied.iter().map(|expr| match expr {
        Expr::Apply(name, _) => count(name),
        _ => 0,
    });
    names.sum()
}

/// What is applied in an expression; the same one counts once.
fn collect<'e>(expr: &'e Expr, applied: &mut Vec<&'e Expr>) {
    if let Expr::Apply(_, operands) = expr
        && !applied.contains(&expr)
    {
        applied.push(expr);
        operands
            .iter()
            .for_each(|operand| collect(operand, applied));
    }
}

/// Adds up what some of the operations of a function take.
struct Part<'c, 'p> {
    counter: Counter<'c>,
    within: Which,
    is_part: &'p dyn Fn(Span) -> bool,
    flops: Sum,
    bytes: Sum,
    is_empty: bool,
}

impl Part<'_, '_> {
    fn add(&mut self, nodes: &[Node], results: &[NodeIndex], times: &Sum) {
        let is_own = |node: &Node| !matches!(node.op, Prim::Param(_)) && (self.is_part)(node.span);
        let own: Vec<bool> = nodes.iter().map(is_own).collect();
        let (mut read, mut given): (HashSet<NodeIndex>, HashSet<NodeIndex>) = Default::default();
        for (node, is_own) in nodes.iter().zip(&own) {
            if *is_own {
                self.is_empty = false;
                let flops = self.counter.node(self.within, nodes, node);
                self.flops.add(flops.times(times), &Poly::one());
                read.extend(node.args.iter().filter(|arg| !own[**arg as usize]));
            } else {
                given.extend(node.args.iter().filter(|arg| own[**arg as usize]));
                for region in node.op.regions() {
                    let times = times.clone().times(&rounds(&node.op));
                    self.add(&region.nodes, &region.results, &times);
                }
            }
        }
        given.extend(results.iter().filter(|result| own[**result as usize]));
        for index in read.union(&given) {
            let node = &nodes[*index as usize];
            // These are no memory.
            if !matches!(
                node.op,
                Prim::Constant(_) | Prim::DimValue(_) | Prim::Iota { .. }
            ) {
                self.bytes
                    .add(byte_size(&node.ty).times(times), &Poly::one());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::ast::{ItemKind, Span};
    use crate::modules::NoFiles;
    use crate::source::Source;
    use crate::{Inspected, inspect};

    const TEXT: &str = "\
use std::nn
fn dense<B, N>(x: f32[B, N], w: f32[N, 8]) -> f32[B, 8] {
  tanh(x @ w)
}
export fn wide<B>(x: f32[B, 100], w: f32[100, 8]) -> f32[B, 8] { dense(x, w) + 1 }
fn rounds<N>(x: f32[N]) -> f32[N] {
  var y = x
  for i in 0..10 {
    y = y * 2 + x
  }
  y
}
fn until(x: f32) -> f32 {
  var y = x
  while y < 100 { y = y * 2 }
  y + 1
}
fn either<N>(x: f32[N]) -> f32 {
  if sum(x) > 0 { sum(x * x) } else { 0 }
}
fn slope<N>(x: f32[N, 8], w: f32[8, 8]) -> f32[8, 8] { grad(|w| sum(dense(x, w)))(w) }
fn numbers(x: i32[4]) -> i32[4] { x * x + 1 }
fn library<N>(x: f32[N, 2, 4, 4]) -> f32[N, 2] { nn::global_avg_pool(x) }
";

    fn inspected() -> Inspected {
        let all = inspect(Source::new("a.dl", TEXT), &NoFiles);
        assert!(
            !all.diagnostics.iter().any(|one| one.is_error()),
            "{:?}",
            all.diagnostics
        );
        all
    }

    fn name(all: &Inspected, wanted: &str) -> Span {
        let mut items = all.trees[0].items.iter();
        let found = items.find_map(|item| match &item.kind {
            ItemKind::Fn(f) if f.name.name == wanted => Some(f.name.span),
            _ => None,
        });
        found.expect("the function is there")
    }

    #[test]
    fn calls_take_what_their_functions_take() {
        let all = inspected();
        let flops = |function: &str| {
            let cost = all.seen.cost_of(name(&all, function)).expect("it is known");
            (cost.flops.to_string(), cost.is_whole)
        };
        let whole = |text: &str| (text.to_owned(), true);
        assert_eq!(flops("dense"), whole("16*B*N + 8*B"));
        assert_eq!(flops("wide"), whole("1616*B"));
        assert_eq!(flops("rounds"), whole("20*N"));
        assert_eq!(flops("either"), whole("3*N"));
        assert_eq!(flops("numbers"), whole("0"));
        assert_eq!(flops("until"), ("1".to_owned(), false));
        assert_eq!(
            flops("slope"),
            ("144*N".to_owned(), false),
            "at least the function itself: a product, `tanh` and a sum"
        );
        let (library, is_whole) = flops("library");
        assert!(is_whole && library.ends_with("*N"), "{library}");
    }

    #[test]
    fn bytes_are_those_that_go_in_and_out() {
        let all = inspected();
        let cost = all.seen.cost_of(name(&all, "wide")).expect("it is known");
        assert_eq!(cost.bytes.to_string(), "432*B + 3200");
        // In a line of a loop, in all of its rounds: two tensors are read and one is written.
        let at = TEXT.find("    y = y * 2").expect("it is there") as u32;
        let line = Span::new(at, at + "    y = y * 2 + x\n".len() as u32);
        let cost = all
            .seen
            .cost_within(name(&all, "rounds"), line)
            .expect("it does something");
        assert_eq!(
            (cost.flops.to_string(), cost.bytes.to_string()),
            ("20*N".into(), "120*N".into())
        );
        assert!(cost.is_whole);
        let head = Span::new(0, TEXT.find('\n').expect("a line") as u32);
        assert_eq!(all.seen.cost_within(name(&all, "rounds"), head), None);
    }
}
