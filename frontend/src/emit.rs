//! Emission: the typed core as a module of the `dl` dialect, one op for each node, with locations.
//!
//! Dims become leading `index` arguments; a dim that is a number stands in the types. A key is a tensor of two
//! `ui32`, so every op on keys has one more axis here than in the core. What the checker let through verifies; if it
//! does not, the compiler is wrong, not the user.

mod calls;
mod control;
mod dense;
mod entry;

use std::collections::BTreeMap;

use dlc_abi::dim::{Factor, Poly};
use dlc_dialects::ir::builder::{Builder, Dim as IrDim, dynamic, type_shape};
use dlc_dialects::ir::shape;
use dlc_dialects::ops::build;
use melior::Context;
use melior::dialect::func;
use melior::ir::attribute::{ArrayAttribute, StringAttribute, TypeAttribute};
use melior::ir::r#type::FunctionType;
use melior::ir::{
    Attribute, Block, BlockLike, Identifier, Location, Module, Operation, Region, RegionLike, Type,
    Value,
};

use crate::ast::{DType, Span};
use crate::core::{Dim, Func, Node, Precision, Prim, Program, TensorType};
use crate::source::SourceMap;

/// The size of the axis that a key adds to a shape.
const KEY_WORDS: i64 = 2;

/// The module of a checked program. `sources` gives names and lines for locations.
pub fn emit<'c>(context: &'c Context, program: &Program, sources: &SourceMap) -> Module<'c> {
    let module = Module::new(Location::new(context, sources.ir_name(0), 1, 1));
    let mut op = module.as_operation();
    set_attribute(
        &mut op,
        "dl.stem",
        StringAttribute::new(context, &program.stem).into(),
    );
    let emitter = Emitter {
        context,
        program,
        sources,
    };
    for func in &program.funcs {
        module.body().append_operation(emitter.func(func));
    }
    module
}

fn set_attribute<'c>(op: &mut melior::ir::OperationRef<'c, '_>, name: &str, value: Attribute<'c>) {
    dlc_dialects::ir::edit::set_attribute(*op, name, value);
}

struct Emitter<'c, 'p> {
    context: &'c Context,
    program: &'p Program,
    sources: &'p SourceMap,
}

impl<'c> Emitter<'c, '_> {
    /// A place and what the user calls what stands there.
    fn named_location(&self, name: &str, span: Span) -> Location<'c> {
        Location::name(self.context, name, self.location(span))
    }

    fn location(&self, span: Span) -> Location<'c> {
        let place = self.sources.line_col(span);
        let file = self.sources.ir_name(span.file);
        Location::new(self.context, file, place.line, place.col)
    }

    fn string(&self, text: &str) -> Attribute<'c> {
        StringAttribute::new(self.context, text).into()
    }

    fn strings<T: AsRef<str>>(&self, texts: impl IntoIterator<Item = T>) -> Attribute<'c> {
        let texts: Vec<_> = texts
            .into_iter()
            .map(|text| self.string(text.as_ref()))
            .collect();
        ArrayAttribute::new(self.context, &texts).into()
    }

    fn element(&self, dtype: DType) -> Type<'c> {
        shape::element_named(self.context, dtype.mlir_name()).expect("the names are MLIR's")
    }

    fn ty(&self, ty: &TensorType) -> Type<'c> {
        let mut dims: Vec<i64> = ty
            .shape
            .iter()
            .map(|dim| dim.as_const().unwrap_or(shape::DYNAMIC))
            .collect();
        dims.extend((ty.dtype == DType::Key).then_some(KEY_WORDS));
        shape::tensor(&dims, self.element(ty.dtype))
    }

    /// A dictionary attribute from its entries.
    fn dictionary(&self, entries: &[(&str, Attribute<'c>)]) -> Attribute<'c> {
        let entries: Vec<String> = entries
            .iter()
            .map(|(name, value)| format!("{name} = {value}"))
            .collect();
        Attribute::parse(self.context, &format!("{{{}}}", entries.join(", ")))
            .expect("the entries are attributes")
    }

    fn func(&self, func: &Func) -> Operation<'c> {
        let context = self.context;
        let location = self.location(func.span);
        let index = Type::index(context);
        let mut arguments: Vec<_> = func.dims.iter().map(|_| (index, location)).collect();
        arguments.extend(func.params.iter().map(|param| {
            (
                self.ty(&param.ty),
                self.named_location(&param.path, param.span),
            )
        }));
        let results: Vec<_> = func
            .results
            .iter()
            .map(|r| self.ty(&func.nodes[r.node as usize].ty))
            .collect();
        let inputs: Vec<_> = arguments.iter().map(|(ty, _)| *ty).collect();
        let ty = FunctionType::new(context, &inputs, &results);

        let region = Region::new();
        {
            let block = region.append_block(Block::new(&arguments));
            let builder = Builder::at_end(context, block, location);
            let argument = |i: usize| -> Value { block.argument(i).expect("as given").into() };
            let params = func.dims.len()..arguments.len();
            let mut body = Body {
                emitter: self,
                builder,
                dims: BTreeMap::new(),
                params: params.map(argument).collect(),
                values: Vec::new(),
            };
            for (i, name) in func.dims.iter().enumerate() {
                body.dims.insert(name, argument(i));
            }
            body.nodes(&func.nodes);
            let results: Vec<_> = func
                .results
                .iter()
                .map(|r| body.values[r.node as usize][0])
                .collect();
            block.append_operation(func::r#return(&results, location));
        }

        let mut attributes = vec![("dl.dims", self.strings(&func.dims))];
        match &func.entry {
            Some(entry) => attributes.extend(self.entry(func, entry)),
            None => attributes.push(("sym_visibility", self.string("private"))),
        }
        let attributes: Vec<_> = attributes
            .into_iter()
            .map(|(name, value)| (Identifier::new(context, name), value))
            .collect();
        func::func(
            context,
            StringAttribute::new(context, &func.name),
            TypeAttribute::new(ty.into()),
            region,
            &attributes,
            location,
        )
    }
}

/// The body of a function or a region while it is written.
struct Body<'c, 'a, 'p> {
    emitter: &'p Emitter<'c, 'p>,
    builder: Builder<'c, 'a>,
    dims: BTreeMap<&'p str, Value<'c, 'a>>,
    /// What `Param` nodes stand for.
    params: Vec<Value<'c, 'a>>,
    /// What each node gave: one value, or all results of a call, a loop or a branch.
    values: Vec<Vec<Value<'c, 'a>>>,
}

impl<'c, 'a, 'p> Body<'c, 'a, 'p> {
    fn nodes(&mut self, nodes: &'p [Node]) {
        for node in nodes {
            self.node(node);
        }
    }

    fn node(&mut self, node: &'p Node) {
        self.builder.location = self.emitter.location(node.span);
        let args: Vec<_> = match node.op {
            Prim::Result(_) | Prim::Param(_) => Vec::new(),
            _ => node
                .args
                .iter()
                .map(|&arg| self.values[arg as usize][0])
                .collect(),
        };
        let values = match &node.op {
            Prim::Call { .. } | Prim::Derivative { .. } | Prim::Vmap { .. } => {
                self.call(node, &args)
            }
            Prim::For { .. } | Prim::While { .. } | Prim::If { .. } => self.control(node, &args),
            Prim::Index(name) => {
                let index = self.extracted_index(args[0]);
                self.dims.insert(name, index);
                Vec::new()
            }
            Prim::Result(n) => vec![self.values[node.args[0] as usize][*n as usize]],
            Prim::Print { text } => {
                let b = self.builder;
                b.append(build::print(b.context, &args, text, b.location));
                vec![]
            }
            Prim::Check { code, text } => {
                let b = self.builder;
                let op = build::check(b.context, args[0], code.name(), text, b.location);
                b.append(op);
                vec![]
            }
            _ => vec![self.value(node, &args)],
        };
        self.values.push(values);
    }

    /// An op with one result.
    fn value(&self, node: &Node, args: &[Value<'c, 'a>]) -> Value<'c, 'a> {
        let b = self.builder;
        let (context, location) = (b.context, b.location);
        let ty = self.emitter.ty(&node.ty);
        let is_key = node.ty.dtype == DType::Key;
        // The axis of a key's words, if there is one.
        let last = is_key.then_some(node.ty.rank() as i64);
        let axes = |axes: &[usize]| axes.iter().map(|&axis| axis as i64).collect::<Vec<_>>();
        match &node.op {
            Prim::Param(n) => self.params[*n as usize],
            Prim::Elementwise(name) => b.op(&format!("dl.{name}"), args, &[], ty),
            Prim::Constant(nums) => {
                let text = dense::text(nums, &node.ty, self.emitter.element(node.ty.dtype));
                let value = b.attribute(&format!("dense<{text}> : {ty}"));
                b.value(build::constant(context, value, ty, location))
            }
            Prim::DimValue(dim) => {
                let dim = self.index(dim.poly());
                b.value(build::dim_value(context, dim, ty, location))
            }
            Prim::Iota { axis } => b.value(build::iota(
                context,
                &self.sizes(node),
                *axis as i64,
                ty,
                location,
            )),
            Prim::DotGeneral {
                batch,
                contract,
                precision,
            } => {
                let split = |pairs: &[(usize, usize)]| {
                    pairs
                        .iter()
                        .map(|&(a, b)| (a as i64, b as i64))
                        .unzip::<i64, i64, Vec<_>, Vec<_>>()
                };
                let ((lb, rb), (lc, rc)) = (split(batch), split(contract));
                b.value(build::dot_general(
                    context,
                    args[0],
                    args[1],
                    &lb,
                    &rb,
                    &lc,
                    &rc,
                    precision.map(Precision::name),
                    ty,
                    location,
                ))
            }
            Prim::Conv {
                strides,
                dilations,
                groups,
                precision,
            } => b.value(build::conv(
                context,
                args[0],
                args[1],
                &self.sizes(node),
                strides,
                dilations,
                *groups,
                precision.map(Precision::name),
                ty,
                location,
            )),
            Prim::ReduceWindow {
                kind,
                window,
                strides,
            } => b.value(build::reduce_window(
                context,
                args[0],
                &self.sizes(node),
                kind,
                window,
                strides,
                &vec![1; window.len()],
                ty,
                location,
            )),
            Prim::Reduce { kind, axes: over } => b.value(build::reduce(
                context,
                args[0],
                kind,
                &axes(over),
                ty,
                location,
            )),
            Prim::ArgReduce { kind, axis } => b.value(build::arg_reduce(
                context,
                args[0],
                kind,
                *axis as i64,
                ty,
                location,
            )),
            Prim::Argsort { axis, descending } => b.value(build::argsort(
                context,
                args[0],
                *axis as i64,
                *descending,
                ty,
                location,
            )),
            Prim::Cumulative {
                kind,
                axis,
                reverse,
            } => b.value(build::cumulative(
                context,
                args[0],
                kind,
                *axis as i64,
                *reverse,
                location,
            )),
            Prim::Broadcast { axes: to } => {
                let mut to = axes(to);
                to.extend(last);
                b.value(build::broadcast(
                    context,
                    args[0],
                    &self.sizes(node),
                    &to,
                    ty,
                    location,
                ))
            }
            Prim::Reshape => b.value(build::reshape(
                context,
                args[0],
                &self.sizes(node),
                ty,
                location,
            )),
            Prim::Transpose { permutation } => {
                let mut permutation = axes(permutation);
                permutation.extend(last);
                b.value(build::transpose(
                    context,
                    args[0],
                    &permutation,
                    ty,
                    location,
                ))
            }
            Prim::Reverse { axes: over } => {
                b.value(build::reverse(context, args[0], &axes(over), location))
            }
            Prim::Concatenate { axis } => b.value(build::concatenate(
                context,
                args,
                *axis as i64,
                ty,
                location,
            )),
            Prim::Slice { starts, strides } => {
                let (starts, strides) = self.window(starts, strides, is_key);
                b.value(build::slice(
                    context,
                    args[0],
                    &starts,
                    &self.sizes(node),
                    &strides,
                    ty,
                    location,
                ))
            }
            Prim::UpdateSlice { starts, strides } => {
                let (starts, strides) = self.window(starts, strides, is_key);
                b.value(build::update_slice(
                    context, args[0], args[1], &starts, &strides, ty, location,
                ))
            }
            Prim::Pad { low, interior } => {
                let (low, mut interior) = self.window(low, interior, is_key);
                // A key's words stay together.
                interior[node.ty.rank()..].fill(0);
                b.value(build::pad(
                    context,
                    args[0],
                    args[1],
                    &low,
                    &self.sizes(node),
                    &interior,
                    ty,
                    location,
                ))
            }
            Prim::Take { axis } => b.value(build::take(
                context,
                args[0],
                args[1],
                *axis as i64,
                ty,
                location,
            )),
            Prim::TakeAlongAxis { axis } => b.value(build::take_along_axis(
                context,
                args[0],
                args[1],
                *axis as i64,
                ty,
                location,
            )),
            Prim::ScatterAddAlongAxis { axis } => b.value(build::scatter_add_along_axis(
                context,
                args[0],
                args[1],
                args[2],
                *axis as i64,
                ty,
                location,
            )),
            Prim::Scatter { kind, axis } => b.value(build::scatter(
                context,
                args[0],
                args[1],
                args[2],
                kind,
                *axis as i64,
                ty,
                location,
            )),
            Prim::RandomBits => b.value(build::random_bits(
                context,
                args[0],
                &self.sizes(node),
                ty,
                location,
            )),
            Prim::KeyFromBits => args[0],
            Prim::Call { .. }
            | Prim::Derivative { .. }
            | Prim::Vmap { .. }
            | Prim::For { .. }
            | Prim::While { .. }
            | Prim::If { .. }
            | Prim::Index(_)
            | Prim::Print { .. }
            | Prim::Check { .. }
            | Prim::Result(_) => {
                unreachable!("`node` has dealt with what does not have one result of its own")
            }
            Prim::Opaque => {
                unreachable!("a function that is checked by its types only is not in the program")
            }
        }
    }

    /// Starts and strides, with those of a key's words.
    fn window(
        &self,
        starts: &[Dim],
        strides: &[i64],
        is_key: bool,
    ) -> (Vec<Value<'c, 'a>>, Vec<i64>) {
        let mut values: Vec<_> = starts.iter().map(|dim| self.index(dim.poly())).collect();
        let mut strides = strides.to_vec();
        if is_key {
            values.push(self.builder.index(0));
            strides.push(1);
        }
        (values, strides)
    }

    /// The `sizes` operands of a node's result.
    fn sizes(&self, node: &Node) -> Vec<Value<'c, 'a>> {
        let dims: Vec<_> = node
            .ty
            .shape
            .iter()
            .map(|dim| self.dim(dim.poly()))
            .collect();
        debug_assert_eq!(type_shape(&dims).len(), node.ty.rank());
        dynamic(&dims)
    }

    fn index(&self, poly: &Poly) -> Value<'c, 'a> {
        self.builder.dim_value(self.dim(poly))
    }

    /// A polynomial as a dim of this function.
    fn dim(&self, poly: &Poly) -> IrDim<'c, 'a> {
        if let Some(known) = poly.as_const() {
            return IrDim::Static(known);
        }
        let b = self.builder;
        let mut sum = IrDim::Static(0);
        for (coefficient, factors) in poly.terms() {
            let coefficient = i64::try_from(coefficient).expect("coefficients of checked dims fit");
            let mut product = None;
            for factor in factors {
                let factor = match factor {
                    Factor::Name(name) => IrDim::Value(self.dims[name]),
                    Factor::FloorDiv(inner, divisor) => {
                        b.dim_floor_div(self.dim(inner), IrDim::Static(divisor))
                    }
                    Factor::Rem(inner, divisor) => {
                        let inner = self.dim(inner);
                        let whole = b.dim_floor_div(inner, IrDim::Static(divisor));
                        b.dim_sub(inner, b.dim_mul(whole, IrDim::Static(divisor)))
                    }
                };
                product = Some(match product {
                    Some(product) => b.dim_mul(product, factor),
                    None => factor,
                });
            }
            let term = match (product, coefficient) {
                (None, coefficient) => IrDim::Static(coefficient),
                (Some(product), 1) => product,
                (Some(product), coefficient) => b.dim_mul(product, IrDim::Static(coefficient)),
            };
            sum = match sum {
                IrDim::Static(0) => term,
                sum => b.dim_add(sum, term),
            };
        }
        sum
    }
}
