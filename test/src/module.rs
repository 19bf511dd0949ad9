//! Modules of `dl` in tests: parsing, signatures, and the attributes that make functions entries.

use anyhow::{Context as _, Result, bail, ensure};
use dlc_abi::{DType, Poly};
use dlc_dialects::ir::{
    context::{register_upstream_passes, with_diagnostics},
    edit::set_attribute,
    shape,
};
use melior::{
    Context,
    ir::{
        Attribute, BlockLike, Module, OperationRef, RegionLike, Type, TypeLike, ValueLike,
        attribute::{ArrayAttribute, DictionaryAttribute, StringAttribute},
        operation::OperationLike,
    },
    pass::PassManager,
};
use std::{fmt, sync::Once};

thread_local! {
    static CONTEXT: &'static Context = Box::leak(Box::new(dlc_dialects::context()));
}

/// This thread's context. It is never freed, so that modules need not be tied to a scope.
pub fn context() -> &'static Context {
    CONTEXT.with(|context| *context)
}

/// Parses and verifies a module; the error is what MLIR reports.
pub fn parse(text: &str) -> Result<Module<'static>> {
    let context = context();
    let (module, records) = with_diagnostics(context, || {
        Module::parse(context, text).filter(|module| module.as_operation().verify())
    });
    module.with_context(|| reports(&records))
}

fn reports(records: &[dlc_dialects::ir::context::Record]) -> String {
    let lines = records
        .iter()
        .map(|r| format!("{}: {}", r.location, r.message));
    lines.collect::<Vec<_>>().join("\n")
}

/// Runs a textual pipeline with our passes and upstream's.
pub fn run_pipeline(module: &mut Module<'static>, pipeline: &str) -> Result<()> {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        register_upstream_passes();
        dlc_driver::register_all();
    });
    let context = context();
    let manager = PassManager::new(context);
    let (result, records) = with_diagnostics(context, || -> Result<()> {
        dlc_dialects::pass::parse_pipeline(&manager, pipeline).map_err(anyhow::Error::msg)?;
        Ok(manager.run(module)?)
    });
    result.with_context(|| reports(&records))
}

/// The type of a tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorType {
    /// The element type.
    pub dtype: DType,
    /// The dims; `None` for `?`.
    pub dims: Vec<Option<usize>>,
}

impl TensorType {
    fn of(ty: Type) -> Option<Self> {
        ty.is_ranked_tensor().then_some(())?;
        let dtype = DType::of_mlir_name(&shape::element(ty).to_string())?;
        let dims = shape::shape(ty);
        let dims = dims.iter().map(|&dim| usize::try_from(dim).ok()).collect();
        Some(Self { dtype, dims })
    }

    /// Whether a tensor of that element type and shape is of the type.
    pub fn admits(&self, dtype: DType, shape: &[usize]) -> bool {
        let fits = |(dim, size): (&Option<usize>, &usize)| dim.is_none_or(|dim| dim == *size);
        self.dtype == dtype
            && self.dims.len() == shape.len()
            && self.dims.iter().zip(shape).all(fits)
    }
}

impl fmt::Display for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tensor<")?;
        for dim in &self.dims {
            match dim {
                Some(dim) => write!(f, "{dim}x")?,
                None => write!(f, "?x")?,
            }
        }
        write!(f, "{}>", self.dtype.mlir_name())
    }
}

/// What a function takes and gives.
#[derive(Clone, Debug)]
pub struct Signature {
    /// Its name.
    pub name: String,
    /// How many leading index arguments it has.
    pub dims: usize,
    /// Its tensor arguments.
    pub params: Vec<TensorType>,
    /// Its results.
    pub results: Vec<TensorType>,
    /// Whether other modules see it.
    pub public: bool,
    /// The names of its dims.
    pub dim_names: Vec<String>,
    /// The shapes of the arguments, then of the results, as polynomials over the dims; `None` where nothing says.
    pub shapes: Vec<Option<Vec<String>>>,
}

impl Signature {
    /// The types of arguments and results where the dims have these values.
    pub fn at(&self, dims: &[i64]) -> Result<(Vec<TensorType>, Vec<TensorType>)> {
        let value_of = |name: &str| {
            let at = self.dim_names.iter().position(|known| known == name);
            at.and_then(|at| dims.get(at).copied())
        };
        let types = self.params.iter().chain(&self.results).zip(&self.shapes);
        let mut types = types
            .map(|(ty, shape)| {
                let Some(shape) = shape else {
                    return Ok(ty.clone());
                };
                let size = |dim: &String| -> Result<Option<usize>> {
                    Ok(usize::try_from(Poly::parse(dim)?.eval(&value_of)?).ok())
                };
                let dims = shape.iter().map(size).collect::<Result<_>>()?;
                Ok(TensorType {
                    dtype: ty.dtype,
                    dims,
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let results = types.split_off(self.params.len());
        Ok((types, results))
    }
}

/// The defined functions of a module.
pub fn functions<'c, 'a>(module: &'a Module<'c>) -> Vec<OperationRef<'c, 'a>> {
    let mut found = vec![];
    let mut next = module.body().first_operation();
    while let Some(op) = next {
        let defined = op
            .region(0)
            .ok()
            .and_then(|region| region.first_block())
            .is_some();
        if op.name().as_string_ref().as_str() == Ok("func.func") && defined {
            found.push(op);
        }
        next = op.next_in_block();
    }
    found
}

/// The signature of a function.
pub fn signature(func: OperationRef) -> Result<Signature> {
    let name = StringAttribute::try_from(func.attribute("sym_name")?)?
        .value()
        .to_string();
    let block = func
        .region(0)?
        .first_block()
        .context("a function has a body")?;
    let (mut dims, mut params) = (0, vec![]);
    for i in 0..block.argument_count() {
        let ty = block.argument(i)?.r#type();
        match TensorType::of(ty) {
            Some(ty) => params.push(ty),
            None if ty.is_index() && params.is_empty() => dims += 1,
            None => bail!("@{name}: argument {i} is of type {ty}"),
        }
    }
    let end = block.terminator().context("a function returns")?;
    let results = end
        .operands()
        .map(|value| {
            let ty = value.r#type();
            TensorType::of(ty).with_context(|| format!("@{name}: a result is of type {ty}"))
        })
        .collect::<Result<Vec<_>>>()?;
    let public = !func.has_attribute("sym_visibility");
    let dim_names = match func.attribute("dl.dims") {
        Ok(names) => strings(names)?,
        Err(_) => (0..dims).map(|i| format!("d{i}")).collect(),
    };
    let mut shapes = shapes(func, "arg_attrs", dims, &params, &dim_names)?;
    shapes.extend(self::shapes(func, "res_attrs", 0, &results, &dim_names)?);
    Ok(Signature {
        name,
        dims,
        params,
        results,
        public,
        dim_names,
        shapes,
    })
}

/// The signature of the function of that name.
pub fn signature_of(module: &Module, name: &str) -> Result<Signature> {
    for func in functions(module) {
        let found = signature(func)?;
        if found.name == name {
            return Ok(found);
        }
    }
    bail!("there is no function @{name}")
}

/// Makes every public function an entry of the library `stem`, as the frontend would: dims named `d0`, `d1` … and
/// arguments `a0`, `a1` … unless `dl.dims` and `dl.shape` say otherwise. A function of one dim needs no `dl.shape`:
/// each `?` is that dim.
pub fn make_entries(module: &Module<'static>, stem: &str) -> Result<()> {
    let attribute = |text: &str| {
        Attribute::parse(context(), text).with_context(|| format!("`{text}` is no attribute"))
    };
    set_attribute(
        module.as_operation(),
        "dl.stem",
        attribute(&format!("{stem:?}"))?,
    );
    for func in functions(module) {
        let signature = signature(func)?;
        if !signature.public {
            continue;
        }
        let name = &signature.name;
        let ranges = vec!["[0, -1]"; signature.dims].join(", ");
        let (params, results) = signature.shapes.split_at(signature.params.len());
        let mut args = vec!["{}".to_string(); signature.dims];
        for (i, shape) in params.iter().enumerate() {
            args.push(leaf(name, &format!("a{i}"), shape)?);
        }
        let mut outs = vec![];
        for (i, shape) in results.iter().enumerate() {
            outs.push(match results.len() {
                1 => leaf(name, "out", shape)?,
                _ => leaf(name, &format!("out.{i}"), shape)?,
            });
        }
        for (key, value) in [
            ("dl.entry", format!("\"{stem}_{name}\"")),
            ("dl.name", format!("{name:?}")),
            ("dl.dims", format!("{:?}", signature.dim_names)),
            ("dl.ranges", format!("[{ranges}]")),
        ] {
            set_attribute(func, key, attribute(&value)?);
        }
        for (key, texts) in [("arg_attrs", args), ("res_attrs", outs)] {
            if !texts.is_empty() {
                set_attribute(func, key, attribute(&format!("[{}]", texts.join(", ")))?);
            }
        }
    }
    Ok(())
}

/// The attributes of an entry's leaf.
fn leaf(function: &str, path: &str, shape: &Option<Vec<String>>) -> Result<String> {
    let shape = shape.as_ref().with_context(|| {
        format!("@{function}: the `?` of {path} need `dl.shape`, as there is more than one dim")
    })?;
    Ok(format!("{{dl.path = \"{path}\", dl.shape = {shape:?}}}"))
}

fn strings(list: Attribute) -> Result<Vec<String>> {
    let list = ArrayAttribute::try_from(list)?;
    (0..list.len())
        .map(|i| {
            Ok(StringAttribute::try_from(list.element(i)?)?
                .value()
                .to_string())
        })
        .collect()
}

/// The shapes of a function's arguments (after its `skip` dims) or results: as `dl.shape` says; else every `?` is the
/// only dim.
fn shapes(
    func: OperationRef,
    key: &str,
    skip: usize,
    types: &[TensorType],
    dims: &[String],
) -> Result<Vec<Option<Vec<String>>>> {
    let given = func
        .attribute(key)
        .ok()
        .and_then(|given| ArrayAttribute::try_from(given).ok());
    let mut found = vec![];
    for (i, ty) in types.iter().enumerate() {
        let shape = given
            .and_then(|given| DictionaryAttribute::try_from(given.element(skip + i).ok()?).ok())
            .and_then(|given| given.element_by_name("dl.shape"));
        let shape = match shape {
            Some(shape) => Some(strings(shape)?),
            None => ty
                .dims
                .iter()
                .map(|dim| match (dim, dims) {
                    (Some(dim), _) => Some(dim.to_string()),
                    (None, [only]) => Some(only.clone()),
                    _ => None,
                })
                .collect(),
        };
        let rank = shape.as_ref().map_or(ty.dims.len(), Vec::len);
        ensure!(rank == ty.dims.len(), "`dl.shape` of rank {rank} for {ty}");
        found.push(shape);
    }
    Ok(found)
}
