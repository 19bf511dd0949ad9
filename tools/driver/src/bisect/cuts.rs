//! A `dl` function that ends behind one of its ops and gives the values that are alive there.
//!
//! Every way from the arguments to the results goes through these values. So where all of them are right, what is wrong
//! comes later, and where one is not, it is at the op or before: the first cut with a wrong value names the op.
//! Only ops that stand outside of loops and branches are cut behind.

use crate::compile::Failure;
use dlc_dialects::{
    ir::{edit, shape},
    pass::PassError,
};
use dlc_lowering::{
    alias,
    emit::Emitter,
    entry::{self, ENTRY},
    linalg,
};
use dlc_reference::evaluate;
use dlc_runtime::Tensor;
use melior::{
    Context,
    ir::{
        Attribute, Module, OperationRef, Value, ValueLike,
        attribute::{ArrayAttribute, DictionaryAttribute, TypeAttribute},
        operation::OperationLike,
        r#type::FunctionType,
    },
};
use std::collections::BTreeMap;

/// A function of a call, to be cut.
pub struct Cuts<'c> {
    context: &'c Context,
    module: Module<'c>,
    function: String,
    dims: Vec<i64>,
    leaves: Vec<Tensor>,
    /// What sizes are called, and what they are in the call.
    sizes: Vec<(String, i64)>,
}

/// What a function is cut to.
pub struct Cut {
    /// A module whose only entry it is.
    pub module: String,
    /// What it gives by the reference evaluator.
    pub expected: Vec<Tensor>,
}

impl<'c> Cuts<'c> {
    pub(super) fn new(
        context: &'c Context,
        module: Module<'c>,
        function: String,
        dims: Vec<i64>,
        leaves: Vec<Tensor>,
    ) -> Result<Self, Failure> {
        let sizes = sizes(&module, named(&module, &function)?, &dims)?;
        let cuts = Self {
            context,
            module,
            function,
            dims,
            leaves,
            sizes,
        };
        let func = named(&cuts.module, &cuts.function)?;
        for other in top(&cuts.module) {
            if other.has_attribute(ENTRY) && edit::identity(other) != edit::identity(func) {
                edit::erase(context, other);
            }
        }
        plain_arguments(context, func);
        Ok(cuts)
    }

    /// How many ops there are to cut behind.
    pub fn len(&self) -> Result<usize, Failure> {
        Ok(ops(named(&self.module, &self.function)?)?.len() - 1)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> Result<bool, Failure> {
        Ok(self.len()? == 0)
    }

    /// MLIR's text of the place of an op.
    pub fn location(&self, at: usize) -> Result<String, Failure> {
        let ops = ops(named(&self.module, &self.function)?)?;
        Ok(ops[at].location().to_string())
    }

    /// The function up to an op; nothing where no tensor is alive behind it.
    pub fn cut(&self, at: usize) -> Result<Option<Cut>, Failure> {
        let module = edit::clone_module(&self.module);
        let func = named(&module, &self.function)?;
        let given = truncate(self.context, func, at).map_err(internal)?;
        if given == 0 {
            return Ok(None);
        }
        self.given(module).map(Some)
    }

    /// A changed module with what it gives.
    fn given(&self, module: Module<'c>) -> Result<Cut, Failure> {
        let expected = evaluate(&module, &self.function, &self.dims, &self.leaves)
            .map_err(|error| Failure::internal(format!("a part of the function fails: {error}")))?;
        let func = named(&module, &self.function)?;
        name_results(self.context, func, &expected, &self.sizes)?;
        Ok(Cut {
            module: module.as_operation().to_string(),
            expected,
        })
    }
}

/// The ops of a function's body, with what ends it.
pub(super) fn ops<'c, 'a>(
    func: OperationRef<'c, 'a>,
) -> Result<Vec<OperationRef<'c, 'a>>, Failure> {
    Ok(alias::operations(entry::body(func).map_err(internal)?))
}

pub(super) fn internal(error: PassError) -> Failure {
    Failure::internal(error.message)
}

/// The functions of a module.
pub(super) fn top<'c, 'a>(module: &'a Module<'c>) -> Vec<OperationRef<'c, 'a>> {
    alias::operations(module.body())
}

/// The function of a name.
pub(super) fn named<'c, 'a>(
    module: &'a Module<'c>,
    name: &str,
) -> Result<OperationRef<'c, 'a>, Failure> {
    let mut all = top(module).into_iter();
    all.find(|func| entry::string(func.attribute("sym_name").ok()).as_deref() == Some(name))
        .ok_or_else(|| Failure::internal(format!("there is no function {name}")))
}

/// Lets a function end behind an op, with the tensors that are alive there; gives their number.
pub(super) fn truncate<'c, 'a>(
    cx: &'c Context,
    func: OperationRef<'c, 'a>,
    at: usize,
) -> Result<usize, PassError<'c>> {
    let block = entry::body(func)?;
    let mut rest = alias::operations(block);
    let kept: Vec<_> = rest.drain(..=at).collect();
    let later: Vec<usize> = rest.iter().map(|op| edit::identity(*op)).collect();
    let is_used = |value: &Value<'c, 'a>| {
        let uses = edit::uses(*value).into_iter();
        let mut holders = uses.filter_map(|(user, _)| alias::in_block(user, &block));
        shape::is_tensor(value.r#type())
            && holders.any(|user| later.contains(&edit::identity(user)))
    };
    let results = kept.iter().flat_map(|op| linalg::results(*op));
    let alive: Vec<Value> = results.filter(is_used).collect();
    let location = kept[at].location();
    for op in rest.into_iter().rev() {
        edit::erase(cx, op);
    }
    let e = Emitter::at_end(cx, location, block);
    e.effect("func.return", &alive, &[]);
    set_type(cx, func)?;
    Ok(alive.len())
}

/// Makes a function's type that of its body.
fn set_type<'c>(cx: &'c Context, func: OperationRef<'c, '_>) -> Result<(), PassError<'c>> {
    let block = entry::body(func)?;
    let inputs: Vec<_> = linalg::arguments(block)
        .iter()
        .map(|x| x.r#type())
        .collect();
    let ops = alias::operations(block);
    let end = ops.last().expect("a function's body has an end");
    let outputs: Vec<_> = end.operands().map(|x| x.r#type()).collect();
    let ty = TypeAttribute::new(FunctionType::new(cx, &inputs, &outputs).into());
    edit::set_attribute(func, "function_type", ty.into());
    edit::remove_attribute(func, "res_attrs");
    Ok(())
}

/// Lets no argument be updated in place.
fn plain_arguments<'c>(cx: &'c Context, func: OperationRef<'c, '_>) {
    const KEPT: [&str; 3] = ["dl.path", "dl.shape", "dl.dtype"];
    let all = entry::list(func.attribute("arg_attrs").ok()).unwrap_or_default();
    let plain = all.into_iter().map(|attributes| {
        let of = DictionaryAttribute::try_from(attributes).ok();
        let kept = KEPT.iter().filter_map(|name| {
            let value = of.as_ref()?.element_by_name(name)?;
            Some(format!("{name} = {value}"))
        });
        dictionary(cx, &kept.collect::<Vec<_>>())
    });
    let plain = ArrayAttribute::new(cx, &plain.collect::<Vec<_>>());
    edit::set_attribute(func, "arg_attrs", plain.into());
}

/// What an entry says of sizes: its dims and those of its parameters and results, with their values.
fn sizes(module: &Module, func: OperationRef, dims: &[i64]) -> Result<Vec<(String, i64)>, Failure> {
    let entry = entry::of(module.as_operation(), func).map_err(internal)?;
    let named = entry.dims.iter().zip(dims);
    let named: BTreeMap<_, _> = named
        .map(|(dim, value)| (dim.name.as_str(), *value))
        .collect();
    let mut sizes: Vec<_> = named
        .iter()
        .map(|(name, value)| (name.to_string(), *value))
        .collect();
    for poly in entry.leaves.iter().flat_map(|leaf| &leaf.shape) {
        if let Ok(value) = poly.eval(&|name| named.get(name).copied()) {
            sizes.push((poly.to_string(), value));
        }
    }
    Ok(sizes)
}

/// Says how large the results are. A size that the type leaves open is told as the entry tells one that is equal here, as passes
/// compare what it says.
fn name_results<'c>(
    cx: &'c Context,
    func: OperationRef<'c, '_>,
    results: &[Tensor],
    sizes: &[(String, i64)],
) -> Result<(), Failure> {
    let one = results.len() == 1;
    let ops = ops(func)?;
    let end = ops.last().expect("a function's body has an end");
    let mut attributes = vec![];
    for (i, (result, value)) in results.iter().zip(end.operands()).enumerate() {
        let path = match one {
            true => "out".to_string(),
            false => format!("out.{i}"),
        };
        let held = result.stored_as().1;
        let dims = shape::shape_of(value)
            .into_iter()
            .zip(held)
            .map(|(known, size)| {
                let size = size as i64;
                let mut alike = sizes.iter().filter(|(_, value)| *value == size);
                match alike.next().filter(|_| known == shape::DYNAMIC) {
                    Some((name, _)) => format!("{name:?}"),
                    None => format!("\"{size}\""),
                }
            });
        let shape = dims.collect::<Vec<_>>().join(", ");
        let text = format!("dl.path = {path:?}, dl.shape = [{shape}]");
        attributes.push(dictionary(cx, &[text]));
    }
    let attributes = ArrayAttribute::new(cx, &attributes);
    edit::set_attribute(func, "res_attrs", attributes.into());
    Ok(())
}

fn dictionary<'c>(cx: &'c Context, entries: &[String]) -> Attribute<'c> {
    Attribute::parse(cx, &format!("{{{}}}", entries.join(", "))).expect("a dictionary")
}
