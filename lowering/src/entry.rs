//! What the attributes of an entry function say: names, dims and their ranges, conditions, and the leaves that it
//! takes and gives. Read on tensors (for the manifest) and on memrefs (for the C entry) alike.

mod manifest;

use crate::{
    alias::operations,
    choice::CHOOSES,
    passes::plan_workspace::SLOT,
    schedule::Target,
    tasks::EXECUTOR,
    variants::{VARIANT, VARIANTS},
    walk,
};
use dlc_abi::{DType, DimRange, Poly, status};
use dlc_dialects::{
    ir::shape,
    ops::{self, OpKind},
    pass::PassError,
};
use melior::ir::{
    Attribute, BlockLike, BlockRef, OperationRef, RegionLike, Type, Value, ValueLike,
    attribute::{
        ArrayAttribute, DenseI64ArrayAttribute, DictionaryAttribute, FlatSymbolRefAttribute,
        IntegerAttribute, StringAttribute,
    },
    operation::OperationLike,
};

/// The attribute that makes a function an entry; its value is the C name.
pub const ENTRY: &str = "dl.entry";
/// The attribute of an entry whose body checks something: what each failure is called.
pub const FAILURES: &str = "dl.failures";
/// The attribute of the argument where such an entry leaves the status of its first failure.
pub const FAILED: &str = "dl.failed";

/// What a leaf is to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Only read.
    In,
    /// Read and written in place.
    InOut,
    /// Only written.
    Out,
}

/// A tensor that the caller hands in or gets.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// Who writes it.
    pub role: Role,
    /// The dotted path; its first component is the parameter, `out` for results.
    pub path: String,
    /// One polynomial per axis.
    pub shape: Vec<Poly>,
    /// The element type in DL, as far as the IR still tells: after `dl-to-linalg` bools are bytes.
    pub dtype: DType,
    /// The number of the function's argument, or of its result on tensors.
    pub index: usize,
}

impl Leaf {
    /// Whether C passes it by value.
    pub fn by_value(&self) -> bool {
        self.role == Role::In
            && self.shape.is_empty()
            && !self.path.contains('.')
            && self.dtype != DType::Key
    }

    /// The parameter that it is part of.
    pub fn parameter(&self) -> &str {
        self.path.split('.').next().unwrap_or(&self.path)
    }
}

impl Entry<'_, '_> {
    /// How many scalars C passes by value.
    pub fn scalars_by_value(&self) -> usize {
        self.leaves.iter().filter(|leaf| leaf.by_value()).count()
    }
}

/// A `where` condition.
#[derive(Clone, Debug)]
pub struct Check {
    /// As the user wrote it.
    pub text: String,
    /// Left side.
    pub left: Poly,
    /// `==`, `!=`, `<`, `<=`, `>` or `>=`.
    pub relation: String,
    /// Right side.
    pub right: Poly,
    /// What a caller is told when it does not hold.
    pub message: String,
}

/// An entry function.
pub struct Entry<'c, 'a> {
    /// The `func.func`.
    pub func: OperationRef<'c, 'a>,
    /// The C name.
    pub symbol: String,
    /// The name in DL.
    pub name: String,
    /// The dims and their ranges.
    pub dims: Vec<DimRange>,
    /// The messages for dims outside their ranges.
    pub range_messages: Vec<String>,
    /// The conditions.
    pub checks: Vec<Check>,
    /// The messages of what the body checks.
    pub failures: Vec<String>,
    /// The number of the argument for the status of the first failure, once there is one.
    pub failed: Option<usize>,
    /// The number of the argument that is the executor, where code may run on several threads.
    pub executor: Option<usize>,
    /// Whether that is a device, on which all memory is.
    pub gpu: bool,
    /// The stem of the library.
    pub library: String,
    /// Bits of an address of its target.
    pub address_bits: i64,
    /// The CPU of the variant of the library that it is of, where there are several.
    pub variant: Option<String>,
    /// The CPUs of all variants, from the least.
    pub variants: Vec<String>,
    /// The library whose calls without a device have one chosen, if this is of such.
    pub chooses: Option<String>,
    /// Every leaf: those of the parameters, then the results.
    pub leaves: Vec<Leaf>,
}

/// The functions of a module that are entries, in order.
pub fn entries<'c, 'a>(module: OperationRef<'c, 'a>) -> Result<Vec<Entry<'c, 'a>>, PassError<'c>> {
    let mut found = vec![];
    let body = module.region(0)?.first_block();
    let mut next = body.and_then(|block| block.first_operation());
    while let Some(op) = next {
        if op.has_attribute(ENTRY) {
            found.push(of(module, op)?);
        }
        next = op.next_in_block();
    }
    Ok(found)
}

/// What an entry function of a module says.
pub fn of<'c, 'a>(
    module: OperationRef<'c, 'a>,
    func: OperationRef<'c, 'a>,
) -> Result<Entry<'c, 'a>, PassError<'c>> {
    let stem = string(module.attribute("dl.stem").ok()).unwrap_or_default();
    let mut entry = read(func, &stem).map_err(|message| PassError::at(&func, message))?;
    entry.chooses = module.has_attribute(CHOOSES).then_some(stem);
    entry.variant = string(module.attribute(VARIANT).ok());
    entry.variants = strings(module.attribute(VARIANTS).ok())
        .map_err(|message| PassError::at(&func, message))?;
    if !func.has_attribute(FAILURES) {
        failures(module, func, &entry.name, &mut vec![], &mut entry.failures);
    }
    Ok(entry)
}

/// The messages of the checks in a function and in those that it calls, in order.
fn failures<'c, 'a>(
    module: OperationRef<'c, 'a>,
    func: OperationRef<'c, 'a>,
    entry: &str,
    seen: &mut Vec<String>,
    found: &mut Vec<String>,
) {
    for op in walk::inside(func) {
        if OpKind::of(&op) == Some(OpKind::Check) {
            let check = ops::Check(op);
            let message = status::failure_message(entry, check.code(), check.text());
            if !found.contains(&message) {
                found.push(message);
            }
        }
        let callee = op.attribute("callee").ok();
        let callee = callee.and_then(|callee| FlatSymbolRefAttribute::try_from(callee).ok());
        let Some(callee) = callee.map(|callee| callee.value().to_string()) else {
            continue;
        };
        if seen.contains(&callee) {
            continue;
        }
        let body = module
            .region(0)
            .ok()
            .and_then(|region| region.first_block());
        let functions = body.map(operations).unwrap_or_default();
        let mut named = functions.into_iter().filter(|func| {
            string(func.attribute("sym_name").ok()).is_some_and(|name| name == callee)
        });
        seen.push(callee.clone());
        if let Some(callee) = named.next() {
            failures(module, callee, entry, seen, found);
        }
    }
}

/// How many parameters a function with a body has.
pub fn parameter_count(func: OperationRef) -> usize {
    let region = func.region(0).ok();
    let block = region.and_then(|region| region.first_block());
    block.map_or(0, |block| block.argument_count())
}

/// The only block of a function that is still structured.
pub fn body<'c, 'a>(func: OperationRef<'c, 'a>) -> Result<BlockRef<'c, 'a>, PassError<'c>> {
    let block = func.region(0)?.first_block();
    block
        .filter(|block| block.next_in_region().is_none())
        .ok_or_else(|| PassError::at(&func, "the function has no body of one block"))
}

/// The sizes of an entry's workspace slots, each the greatest of some polynomials.
pub fn slots<'c>(entry: &Entry<'c, '_>) -> Result<Vec<Vec<Poly>>, PassError<'c>> {
    let mut slots = vec![];
    for attributes in list(entry.func.attribute("arg_attrs").ok()).unwrap_or_default() {
        let sizes = DictionaryAttribute::try_from(attributes)
            .ok()
            .and_then(|all| all.element_by_name(SLOT));
        if let Some(sizes) = sizes {
            let texts =
                strings(Some(sizes)).map_err(|message| PassError::at(&entry.func, message))?;
            let sizes = texts
                .iter()
                .map(|text| Poly::parse(text))
                .collect::<Result<Vec<_>, _>>();
            slots.push(
                sizes.map_err(|error| PassError::at(&entry.func, format!("`{SLOT}`: {error}")))?,
            );
        }
    }
    Ok(slots)
}

fn read<'c, 'a>(func: OperationRef<'c, 'a>, stem: &str) -> Result<Entry<'c, 'a>, String> {
    let symbol = string(func.attribute(ENTRY).ok()).ok_or("`dl.entry` is no string")?;
    let name = string(func.attribute("dl.name").ok())
        .or_else(|| symbol.strip_prefix(&format!("{stem}_")).map(str::to_string))
        .unwrap_or_else(|| symbol.clone());
    let names = strings(func.attribute("dl.dims").ok())?;
    let ranges = list(func.attribute("dl.ranges").ok()).unwrap_or_default();
    let mut dims = vec![];
    for (i, name) in names.into_iter().enumerate() {
        let range = ranges
            .get(i)
            .copied()
            .map(integers)
            .unwrap_or_else(|| vec![0, -1]);
        let [min, max] = range[..] else {
            return Err(format!("`dl.ranges` of {name} is no pair"));
        };
        dims.push(DimRange {
            name,
            min,
            max: (max >= 0).then_some(max),
        });
    }
    let mut range_messages = strings(func.attribute("dl.range_messages").ok())?;
    let place = place(func);
    for dim in dims.iter().skip(range_messages.len()) {
        range_messages.push(status::range_message(
            &name, &dim.name, dim.min, dim.max, &place,
        ));
    }
    let mut checks = vec![];
    for check in list(func.attribute("dl.checks").ok()).unwrap_or_default() {
        checks.push(read_check(check, &name, &place)?);
    }
    let leaves = read_leaves(func, dims.len())?;
    let failures = strings(func.attribute(FAILURES).ok())?;
    let target = Target::of(func);
    Ok(Entry {
        func,
        symbol,
        name,
        dims,
        range_messages,
        checks,
        failures,
        failed: argument_with(func, FAILED),
        executor: argument_with(func, EXECUTOR),
        gpu: target.gpu > 0,
        library: stem.to_string(),
        address_bits: target.arch.address_bits(),
        variant: None,
        variants: vec![],
        chooses: None,
        leaves,
    })
}

fn read_check(attribute: Attribute, entry: &str, place: &str) -> Result<Check, String> {
    let fields = DictionaryAttribute::try_from(attribute)
        .map_err(|_| "`dl.checks` holds no dictionaries")?;
    let field = |name: &str| {
        string(fields.element_by_name(name))
            .ok_or_else(|| format!("`dl.checks` lacks the string `{name}`"))
    };
    let poly =
        |name: &str| Poly::parse(&field(name)?).map_err(|error| format!("`dl.checks`: {error}"));
    let (left, relation, right) = (poly("lhs")?, field("rel")?, poly("rhs")?);
    if !["==", "!=", "<", "<=", ">", ">="].contains(&relation.as_str()) {
        return Err(format!("`dl.checks`: unknown relation {relation}"));
    }
    let text = field("cond").unwrap_or_else(|_| format!("{left} {relation} {right}"));
    let message =
        field("message").unwrap_or_else(|_| status::condition_message(entry, &text, place));
    Ok(Check {
        text,
        left,
        relation,
        right,
        message,
    })
}

/// The number of the argument that has an attribute.
pub(crate) fn argument_with(func: OperationRef, name: &str) -> Option<usize> {
    let attributes = list(func.attribute("arg_attrs").ok())?;
    attributes.into_iter().position(|attributes| {
        DictionaryAttribute::try_from(attributes)
            .is_ok_and(|all| all.element_by_name(name).is_some())
    })
}

fn read_leaves(func: OperationRef, dims: usize) -> Result<Vec<Leaf>, String> {
    let block = func
        .region(0)
        .ok()
        .and_then(|region| region.first_block())
        .ok_or("an entry has a body")?;
    let attributes = list(func.attribute("arg_attrs").ok()).unwrap_or_default();
    let mut leaves = vec![];
    for index in dims..block.argument_count() {
        let argument: Value = block.argument(index).expect("below the count").into();
        let attributes = attributes
            .get(index)
            .and_then(|a| DictionaryAttribute::try_from(*a).ok());
        let Some(attributes) = attributes.filter(|a| a.element_by_name("dl.path").is_some()) else {
            continue;
        };
        let role = match () {
            () if attributes.element_by_name("dl.out").is_some() => Role::Out,
            () if attributes.element_by_name("dl.inout").is_some() => Role::InOut,
            () => Role::In,
        };
        leaves.push(leaf(attributes, role, argument.r#type(), index)?);
    }
    // On tensors results come after the new values of what is updated in place.
    let updated = leaves
        .iter()
        .filter(|leaf| leaf.role == Role::InOut)
        .count();
    let types = result_types(func);
    let attributes = list(func.attribute("res_attrs").ok()).unwrap_or_default();
    for (index, ty) in types.into_iter().enumerate().skip(updated) {
        let attributes = attributes
            .get(index)
            .and_then(|a| DictionaryAttribute::try_from(*a).ok());
        let attributes = attributes.ok_or_else(|| format!("result {index} has no `dl.path`"))?;
        leaves.push(leaf(attributes, Role::Out, ty, index)?);
    }
    Ok(leaves)
}

fn leaf(
    attributes: DictionaryAttribute,
    role: Role,
    ty: Type,
    index: usize,
) -> Result<Leaf, String> {
    let path = string(attributes.element_by_name("dl.path")).ok_or("a leaf has no `dl.path`")?;
    let key = string(attributes.element_by_name("dl.dtype")).is_some_and(|dtype| dtype == "key");
    let mut polys = vec![];
    match attributes.element_by_name("dl.shape") {
        Some(shape) => {
            for text in strings(Some(shape))? {
                polys.push(
                    Poly::parse(&text).map_err(|error| format!("`dl.shape` of {path}: {error}"))?,
                );
            }
        }
        None => polys.extend(shape::shape(ty).into_iter().map(Poly::constant)),
    }
    let rank = shape::shape(ty).len();
    let dtype = match key {
        true => DType::Key,
        false => {
            dtype(shape::element(ty)).ok_or_else(|| format!("{path} has the element type {ty}"))?
        }
    };
    // A key's trailing axis of 2 belongs to the element type; the shape may leave it out.
    if key && polys.len() == rank {
        polys.pop();
    }
    if polys.len() + usize::from(key) != rank {
        return Err(format!(
            "`dl.shape` of {path} has {} axes, its type has {rank}",
            polys.len()
        ));
    }
    Ok(Leaf {
        role,
        path,
        shape: polys,
        dtype,
        index,
    })
}

/// The DL type of an MLIR element type. Storage types are those of the dialect, or bytes for bools.
pub fn dtype(element: Type) -> Option<DType> {
    DType::of_mlir_name(&element.to_string())
}

fn result_types<'c>(func: OperationRef<'c, '_>) -> Vec<Type<'c>> {
    use melior::ir::{attribute::TypeAttribute, r#type::FunctionType};
    let ty = func
        .attribute("function_type")
        .ok()
        .and_then(|a| TypeAttribute::try_from(a).ok());
    let Some(ty) = ty.and_then(|ty| FunctionType::try_from(ty.value()).ok()) else {
        return vec![];
    };
    (0..ty.result_count())
        .filter_map(|i| ty.result(i).ok())
        .collect()
}

/// `stem.dl:36` of an op from a source file, else MLIR's text of its location.
fn place(op: OperationRef) -> String {
    let location = op.location();
    match location.is_file_line_col_range() {
        true => {
            let file = location.file_line_col_range_filename();
            let file = file
                .as_string_ref()
                .as_str()
                .unwrap_or_default()
                .to_string();
            format!("{file}:{}", location.file_line_col_range_start_line())
        }
        false => "no source".into(),
    }
}

/// The text of a string attribute.
pub fn string(attribute: Option<Attribute>) -> Option<String> {
    Some(
        StringAttribute::try_from(attribute?)
            .ok()?
            .value()
            .to_string(),
    )
}

/// The elements of an array.
pub fn list(attribute: Option<Attribute>) -> Option<Vec<Attribute>> {
    let array = ArrayAttribute::try_from(attribute?).ok()?;
    (0..array.len()).map(|i| array.element(i).ok()).collect()
}

pub(crate) fn strings(attribute: Option<Attribute>) -> Result<Vec<String>, String> {
    let Some(attribute) = attribute else {
        return Ok(vec![]);
    };
    let items = list(Some(attribute)).ok_or_else(|| format!("{attribute} is no list"))?;
    items
        .into_iter()
        .map(|item| string(Some(item)).ok_or_else(|| format!("{item} is no string")))
        .collect()
}

fn integers(attribute: Attribute) -> Vec<i64> {
    if let Ok(dense) = DenseI64ArrayAttribute::try_from(attribute) {
        return (0..dense.len())
            .filter_map(|i| dense.element(i).ok())
            .collect();
    }
    let items = list(Some(attribute)).unwrap_or_default();
    let value = |item| {
        IntegerAttribute::try_from(item)
            .ok()
            .map(|item| item.value())
    };
    items.into_iter().filter_map(value).collect()
}
