//! Functions: arguments in, results out. An entry function gets its tensors, and places for its results, as memrefs.

use super::{
    Content, Lowering, Mapped, Result, check::Failures, destination::build_in, refine, shape::cast,
};
use crate::{
    chain::root,
    emit::Emitter,
    entry::{FAILED, FAILURES},
    linalg, scalar,
    schedule::Target,
    tasks::EXECUTOR,
    walk,
};
use dlc_abi::dim::Poly;
use dlc_dialects::{
    ir::shape::{self, DYNAMIC},
    ops::OpKind,
    pass::PassError,
};
use melior::{
    Context, IrRewriter,
    ir::{
        Attribute, Block, BlockLike, BlockRef, OperationRef, Region, RegionLike, Type, TypeLike,
        Value, ValueLike,
        attribute::{ArrayAttribute, DictionaryAttribute, StringAttribute, TypeAttribute},
        operation::OperationLike,
        r#type::FunctionType,
    },
};

/// Rewrites a function, if it is an entry or has ops of `dl`.
pub fn rewrite<'c, 'a>(context: &'c Context, func: OperationRef<'c, 'a>) -> Result<'c, ()> {
    let entry = func.attribute("dl.entry").ok();
    let uses_dl = walk::inside(func)
        .into_iter()
        .any(|op| OpKind::of(&op).is_some());
    let Some(old) = func.region(0)?.first_block() else {
        return Ok(());
    };
    if entry.is_none() && !uses_dl {
        return Ok(());
    }
    let signature = Signature::read(func, old)?;
    let new = signature.declare(context, func)?;
    let mut lowering = Lowering::new(context, func, new);
    let e = Emitter::at_end(context, func.location(), new);
    let places = signature.arguments(&mut lowering, &e)?;
    let end = lowering.ops(old)?;
    signature.finish(&mut lowering, end, &places)?;
    IrRewriter::new(context).as_rewriter_base().erase_op(func);
    Ok(())
}

/// A tensor argument or result.
struct Leaf<'c> {
    ty: Type<'c>,
    attributes: Option<DictionaryAttribute<'c>>,
}

impl<'c> Leaf<'c> {
    fn is_inout(&self) -> bool {
        self.attributes
            .is_some_and(|a| a.element_by_name("dl.inout").is_some())
    }

    /// The sizes that `dl.shape` gives.
    fn shape(&self) -> Option<Vec<Poly>> {
        let texts = self.attributes?.element_by_name("dl.shape")?;
        let dims = strings(texts)?
            .iter()
            .map(|text| Poly::parse(text).ok())
            .collect::<Option<Vec<_>>>()?;
        (dims.len() == shape::shape(self.ty).len()).then(|| refine(dims, self.ty))
    }
}

/// What a function takes and gives.
struct Signature<'c, 'a> {
    func: OperationRef<'c, 'a>,
    old: BlockRef<'c, 'a>,
    /// The entry's symbol.
    entry: Option<&'c str>,
    names: Vec<&'c str>,
    /// What the body checks.
    failures: Vec<String>,
    /// Arguments; those of index type first.
    arguments: Vec<Leaf<'c>>,
    results: Vec<Leaf<'c>>,
}

/// The texts of an array of strings.
fn strings(attribute: Attribute<'_>) -> Option<Vec<&str>> {
    let array = ArrayAttribute::try_from(attribute).ok()?;
    (0..array.len())
        .map(|i| {
            Some(
                StringAttribute::try_from(array.element(i).ok()?)
                    .ok()?
                    .value(),
            )
        })
        .collect()
}

impl<'c, 'a> Signature<'c, 'a> {
    fn read(func: OperationRef<'c, 'a>, old: BlockRef<'c, 'a>) -> Result<'c, Self> {
        let dictionaries = |name: &str| {
            func.attribute(name)
                .ok()
                .and_then(|a| ArrayAttribute::try_from(a).ok())
        };
        let leaf = |i: usize, ty, list: Option<ArrayAttribute<'c>>| Leaf {
            ty,
            attributes: list
                .and_then(|list| DictionaryAttribute::try_from(list.element(i).ok()?).ok()),
        };
        let arg_attrs = dictionaries("arg_attrs");
        let res_attrs = dictionaries("res_attrs");
        let ty = TypeAttribute::try_from(func.attribute("function_type")?)?.value();
        let ty = FunctionType::try_from(ty)?;
        let arguments = (0..ty.input_count()).map(|i| Ok(leaf(i, ty.input(i)?, arg_attrs)));
        let results = (0..ty.result_count()).map(|i| Ok(leaf(i, ty.result(i)?, res_attrs)));
        let arguments = arguments.collect::<Result<Vec<_>>>()?;
        let results = results.collect::<Result<Vec<_>>>()?;
        let names = func
            .attribute("dl.dims")
            .ok()
            .and_then(strings)
            .unwrap_or_default();
        let entry = func
            .attribute("dl.entry")
            .ok()
            .and_then(|a| Some(StringAttribute::try_from(a).ok()?.value()));
        let inouts = arguments.iter().filter(|leaf| leaf.is_inout()).count();
        if inouts > results.len() {
            return Err(PassError::at(
                &func,
                "an entry should return the new value of every inout leaf",
            ));
        }
        let module = func.parent_operation();
        let failures = match module.filter(|_| entry.is_some()) {
            Some(module) => crate::entry::of(module, func)?.failures,
            None => vec![],
        };
        Ok(Self {
            func,
            old,
            entry,
            names,
            failures,
            arguments,
            results,
        })
    }

    /// Whether a pure result follows the new values of inout leaves.
    fn pure_results(&self) -> &[Leaf<'c>] {
        let inouts = self.arguments.iter().filter(|leaf| leaf.is_inout()).count();
        &self.results[inouts..]
    }

    /// The new function, with an empty body.
    fn declare(
        &self,
        context: &'c Context,
        func: OperationRef<'c, 'a>,
    ) -> Result<'c, BlockRef<'c, 'a>> {
        let e = Emitter::before(context, func);
        let stored = |ty: Type<'c>| match shape::is_tensor(ty) {
            true => shape::tensor(
                &shape::shape(ty),
                scalar::storage_type(&e, shape::element(ty)),
            ),
            false => ty,
        };
        let memory = |ty: Type<'c>| match shape::is_tensor(ty) {
            true => memref(&e, stored(ty)),
            false => ty,
        };
        let empty = e.attr("{}");
        let attributes_of = |leaf: &Leaf<'c>| leaf.attributes.map(Attribute::from).unwrap_or(empty);
        let mut arg_attrs = self.arguments.iter().map(attributes_of).collect::<Vec<_>>();
        let mut res_attrs = self.results.iter().map(attributes_of).collect::<Vec<_>>();
        let (inputs, results) = match self.entry {
            None => (
                self.arguments
                    .iter()
                    .map(|leaf| stored(leaf.ty))
                    .collect::<Vec<_>>(),
                self.results
                    .iter()
                    .map(|leaf| stored(leaf.ty))
                    .collect::<Vec<_>>(),
            ),
            Some(_) => {
                for leaf in self.pure_results() {
                    arg_attrs.push(out_attributes(&e, leaf));
                }
                res_attrs.clear();
                let places = self.arguments.iter().chain(self.pure_results());
                let mut inputs = places.map(|leaf| memory(leaf.ty)).collect::<Vec<_>>();
                let target = Target::of(func);
                // What is launched may fail.
                if !self.failures.is_empty() || target.gpu > 0 {
                    arg_attrs.push(e.attr(&format!("{{{FAILED}}}")));
                    inputs.push(e.ty("memref<i32>"));
                }
                if target.cores > 1 || target.gpu > 0 {
                    arg_attrs.push(e.attr(&format!("{{{EXECUTOR}}}")));
                    inputs.push(e.ty("!llvm.ptr"));
                }
                (inputs, vec![])
            }
        };
        let name = func.attribute("sym_name")?;
        let name = match self.entry {
            Some(entry) => StringAttribute::new(context, &format!("{entry}__impl")).into(),
            None => name,
        };
        let ty = FunctionType::new(context, &inputs, &results);
        let mut attributes = vec![
            ("sym_name", name),
            ("function_type", TypeAttribute::new(ty.into()).into()),
        ];
        match self.entry {
            Some(_) => attributes.push(("sym_visibility", e.attr("\"private\""))),
            None => attributes.extend(
                func.attribute("sym_visibility")
                    .ok()
                    .map(|a| ("sym_visibility", a)),
            ),
        }
        if arg_attrs.iter().any(|a| *a != empty) {
            attributes.push(("arg_attrs", ArrayAttribute::new(context, &arg_attrs).into()));
        }
        if res_attrs.iter().any(|a| *a != empty) {
            attributes.push(("res_attrs", ArrayAttribute::new(context, &res_attrs).into()));
        }
        if !self.failures.is_empty() && !func.has_attribute(FAILURES) {
            let texts = self.failures.iter();
            let texts = texts.map(|text| StringAttribute::new(context, text).into());
            let texts = ArrayAttribute::new(context, &texts.collect::<Vec<_>>());
            attributes.push((FAILURES, texts.into()));
        }
        let kept = func.attributes().collect::<Vec<_>>();
        for (name, attribute) in &kept {
            let name = name.as_string_ref().as_str().unwrap_or_default();
            if name.starts_with("dl.") {
                attributes.push((name, *attribute));
            }
        }
        let block = inputs
            .iter()
            .map(|ty| (*ty, func.location()))
            .collect::<Vec<_>>();
        let region = Region::new();
        region.append_block(Block::new(&block));
        let new = e.build("func.func", &[], &[], &attributes, vec![region]);
        Ok(new.region(0)?.first_block().expect("made with a block"))
    }

    /// Maps the arguments. For an entry, gives the tensors that stand for the places of the results, in their order.
    fn arguments(
        &self,
        lowering: &mut Lowering<'c, 'a>,
        e: &Emitter<'c, 'a>,
    ) -> Result<'c, Vec<Place<'c, 'a>>> {
        let block = lowering.block;
        for (i, leaf) in self.arguments.iter().enumerate() {
            if leaf.ty.is_index() {
                let new = block.argument(i)?.into();
                let poly = match self.names.get(i) {
                    Some(name) => {
                        lowering.sizes.bind(name, new);
                        Poly::name(*name)
                    }
                    None => lowering.sizes.opaque(new),
                };
                lowering.sizes.learn(self.old.argument(i)?.into(), poly);
            }
        }
        let (mut inouts, mut outs) = (vec![], vec![]);
        for (i, leaf) in self.arguments.iter().enumerate() {
            if leaf.ty.is_index() {
                continue;
            }
            let new: Value<'c, 'a> = block.argument(i)?.into();
            if !shape::is_tensor(leaf.ty) {
                lowering.set_plain(self.old.argument(i)?.into(), new);
                continue;
            }
            let tensor = match self.entry {
                Some(_) => {
                    let writable = leaf.is_inout();
                    let tensor = to_tensor(e, new, writable);
                    if writable {
                        inouts.push(Place {
                            memory: new,
                            tensor,
                        });
                    }
                    tensor
                }
                None => new,
            };
            let dims = match leaf.shape() {
                Some(dims) if dims.iter().all(|dim| self.names_all_of(dim)) => dims,
                Some(_) => {
                    return Err(PassError::at(
                        &self.func,
                        format!("dl.shape of argument {i} has an unknown dim"),
                    ));
                }
                None => lowering.sizes.of_value(e, tensor),
            };
            let mut made = Mapped::tensor(shape::element(leaf.ty), dims, tensor);
            if made.rank() == 0 {
                made.content = Content::Splat(lowering.scalar(e, &made));
            }
            lowering.set(self.old.argument(i)?.into(), made);
        }
        if self.entry.is_some() {
            let outs_end = self.arguments.len() + self.pure_results().len();
            if let (false, Some(module)) = (self.failures.is_empty(), self.func.parent_operation())
            {
                lowering.failures = Some(Failures {
                    entry: crate::entry::of(module, self.func)?,
                    status: block.argument(outs_end)?.into(),
                });
            }
            for i in self.arguments.len()..outs_end {
                let memory: Value<'c, 'a> = block.argument(i)?.into();
                let tensor = to_tensor(e, memory, true);
                outs.push(Place { memory, tensor });
            }
        }
        inouts.extend(outs);
        Ok(inouts)
    }

    fn names_all_of(&self, dim: &Poly) -> bool {
        dim.names()
            .iter()
            .all(|name| self.names.contains(&name.as_str()))
    }

    /// Ends the body: returns tensors, or puts results in their places.
    fn finish(
        &self,
        lowering: &mut Lowering<'c, 'a>,
        op: OperationRef<'c, 'a>,
        places: &[Place<'c, 'a>],
    ) -> Result<'c, ()> {
        let e = Emitter::at_end(lowering.context, op.location(), lowering.block);
        let results = op.operands().map(|v| lowering.get(v)).collect::<Vec<_>>();
        if self.entry.is_none() {
            let values = results
                .iter()
                .zip(&self.results)
                .map(|(result, leaf)| {
                    let value = lowering.tensor(&e, result);
                    let ty = shape::tensor(&shape::shape(leaf.ty), shape::element_of(value));
                    cast(&e, value, ty)
                })
                .collect::<Vec<_>>();
            e.effect("func.return", &values, &[]);
            return Ok(());
        }
        let mut sources = vec![];
        for (result, place) in results.iter().zip(places) {
            sources.push(match result.content {
                Content::Splat(scalar) => {
                    let stored = scalar::store(&e, result.element, scalar);
                    match result.rank() {
                        0 => e.op(
                            "tensor.insert",
                            &[stored, place.tensor],
                            place.tensor.r#type(),
                        ),
                        _ => linalg::fill(&e, stored, place.tensor),
                    }
                }
                Content::Tensor(value) => {
                    build_in(lowering.context, lowering.block, value, place.tensor);
                    cast(&e, value, place.tensor.r#type())
                }
            });
        }
        // What lies in memory that another result overwrites is saved first.
        for (i, source) in sources.iter_mut().enumerate() {
            let root = root(*source);
            let overwritten = |(j, place): (usize, &Place)| j != i && place.tensor == root;
            if places.iter().enumerate().any(overwritten) {
                *source = linalg::copy(&e, *source);
            }
        }
        for (source, place) in sources.iter().zip(places) {
            let unit = Attribute::unit(lowering.context);
            let attributes = [("restrict", unit), ("writable", unit)];
            e.effect(
                "bufferization.materialize_in_destination",
                &[*source, place.memory],
                &attributes,
            );
        }
        e.effect("func.return", &[], &[]);
        Ok(())
    }
}

/// Where a result goes.
struct Place<'c, 'a> {
    memory: Value<'c, 'a>,
    /// The memory as a tensor: its old contents, or something to write on.
    tensor: Value<'c, 'a>,
}

/// The attributes of the argument for a pure result.
fn out_attributes<'c>(e: &Emitter<'c, '_>, leaf: &Leaf<'c>) -> Attribute<'c> {
    let context = e.context();
    let name = |name| melior::ir::Identifier::new(context, name);
    let mut entries = vec![(name("dl.out"), Attribute::unit(context))];
    if let Some(attributes) = leaf.attributes {
        for key in ["dl.path", "dl.shape", "dl.dtype"] {
            entries.extend(
                attributes
                    .element_by_name(key)
                    .map(|value| (name(key), value)),
            );
        }
    }
    DictionaryAttribute::new(context, &entries).into()
}

/// The memref of a tensor type, contiguous.
fn memref<'c>(e: &Emitter<'c, '_>, tensor: Type<'c>) -> Type<'c> {
    let dims = shape::shape(tensor).into_iter().map(|dim| match dim {
        DYNAMIC => "?x".to_string(),
        dim => format!("{dim}x"),
    });
    e.ty(&format!(
        "memref<{}{}>",
        dims.collect::<String>(),
        shape::element(tensor)
    ))
}

fn to_tensor<'c, 'a>(e: &Emitter<'c, 'a>, memory: Value<'c, 'a>, writable: bool) -> Value<'c, 'a> {
    let ty = shape::tensor(&shape::shape_of(memory), shape::element_of(memory));
    let unit = Attribute::unit(e.context());
    let attributes = [("restrict", unit), ("writable", unit)];
    let count = if writable { 2 } else { 1 };
    e.op_with(
        "bufferization.to_tensor",
        &[memory],
        ty,
        &attributes[..count],
    )
}
