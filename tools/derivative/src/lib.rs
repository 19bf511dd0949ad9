//! The derivative of a function of a file as source that compiles again, and the test that compares it with finite
//! differences.
//!
//! Three steps, of which the caller does the second: a source that calls the derivative ([`Derivative::source`]) is
//! compiled to `dl` whose derivatives are expanded, and the entry that it adds is written as source ([`Derivative::write`]).
//! Invariant: no file is read or written, and no pass run.

mod decompile;
mod trees;

use dlc_dialects::ir::inspect;
use dlc_frontend::ast::{Expr, File, Fn, GenericKind, Item, ItemKind, Span, Type, TypeKind};
use dlc_frontend::modules::Loader;
use dlc_frontend::parser;
use dlc_frontend::source::{Source, SourceMap};
use melior::ir::attribute::StringAttribute;
use melior::ir::operation::OperationLike;
use melior::ir::{BlockLike, Module, OperationRef};

use decompile::Body;
use trees::{Node, Trees};

/// Why there is no derivative as source.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// A wrong request: one line, and a line of help.
    #[error("{0}")]
    Usage(String),
    /// A bug of the compiler.
    #[error("{0}")]
    Internal(String),
}

/// Whose derivative is asked for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// A function of the file.
    pub function: String,
    /// The parameters to differentiate with respect to; without any, the first.
    pub wrt: Vec<String>,
    /// Whether it is the tangent of the result, else the gradient.
    pub forward: bool,
}

/// How a gradient is compared with finite differences.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// Sizes of dims; the others have a small one.
    pub dims: Vec<(String, i64)>,
    /// What the random inputs are made of.
    pub seed: i64,
    /// How far both may be apart, relatively.
    pub rtol: Option<f64>,
}

/// The size of a dim that is not given.
const SIZE: i64 = 3;

/// A file and a function of it.
struct Target<'s> {
    text: &'s str,
    file: File,
    function: Fn,
}

impl<'s> Target<'s> {
    fn of(name: &str, text: &'s str, wanted: &Wanted) -> Result<Self, Refused> {
        let (file, _) = parser::parse(&Source::new(name, text));
        let functions = file.items.iter().filter_map(|item| match &item.kind {
            ItemKind::Fn(function) => Some(function),
            _ => None,
        });
        let found = functions.clone().find(|f| f.name.name == wanted.function);
        let Some(function) = found.cloned() else {
            let names: Vec<_> = functions.map(|f| f.name.name.as_str()).collect();
            return Err(Refused::Usage(format!(
                "{} has no function `{}`\nhelp: its functions are {}",
                name,
                wanted.function,
                names.join(", ")
            )));
        };
        for name in &wanted.wrt {
            if !function.params.iter().any(|param| param.name.name == *name) {
                let names = function.params.iter().map(|param| param.name.name.as_str());
                return Err(Refused::Usage(format!(
                    "`{}` has no parameter `{name}`\nhelp: its parameters are {}",
                    wanted.function,
                    names.collect::<Vec<_>>().join(", ")
                )));
            }
        }
        Ok(Self {
            text,
            file,
            function,
        })
    }

    fn slice(&self, span: Span) -> &'s str {
        &self.text[span.start as usize..span.end as usize]
    }

    /// `<B, T in 1..=8>`, if there are dims.
    fn dims(&self) -> String {
        let dims = self.function.dims.iter().map(|dim| self.slice(dim.span));
        match dims.clone().next() {
            None => String::new(),
            Some(_) => format!("<{}>", dims.collect::<Vec<_>>().join(", ")),
        }
    }

    fn conditions(&self) -> String {
        let text = |condition: &Expr| self.slice(condition.span);
        match self.function.conditions.as_slice() {
            [] => String::new(),
            conditions => {
                let conditions: Vec<_> = conditions.iter().map(text).collect();
                format!(" where {}", conditions.join(", "))
            }
        }
    }
}

/// A derivative that is asked for.
pub struct Derivative<'s> {
    target: Target<'s>,
    wanted: Wanted,
    header: Header,
}

impl<'s> Derivative<'s> {
    /// Of a function of a file; `name` is for messages.
    pub fn new(name: &str, text: &'s str, wanted: &Wanted) -> Result<Self, Refused> {
        let target = Target::of(name, text, wanted)?;
        let refused = |what: &str| Err(Refused::Usage(format!("`{}` {what}", wanted.function)));
        let function = &target.function;
        if function.dims.iter().any(|dim| dim.kind != GenericKind::Dim) {
            return refused(
                "has parameters for dtypes or trees\nhelp: write a function of known types that calls it",
            );
        }
        if function.params.iter().any(|param| param.inout.is_some()) {
            return refused("changes a parameter\nhelp: take it by value and return the new one");
        }
        let header = header(&target, wanted)?;
        Ok(Self {
            target,
            wanted: wanted.clone(),
            header,
        })
    }

    /// The file with an export that calls the derivative.
    pub fn source(&self) -> String {
        format!(
            "{}\nexport {} {{\n  {}\n}}\n",
            self.target.text,
            self.signature(),
            call(&self.target, &self.wanted)
        )
    }

    fn signature(&self) -> String {
        format!(
            "fn {}{}({}) -> {}{}",
            self.header.name,
            self.target.dims(),
            self.header.params.join(", "),
            self.header.result,
            self.target.conditions()
        )
    }

    /// What of the file the signature needs, and the derivative, of the module that the source compiles to: the first
    /// stage of a pipeline is done. `stem` is the prefix of its entries' names, `loader` gave what it imports.
    pub fn write(
        &self,
        module: &Module,
        stem: &str,
        sources: &SourceMap,
        loader: &dyn Loader,
    ) -> Result<String, Refused> {
        let entry = format!("{stem}_{}", self.header.name);
        let Some(made) = entry_of(module, &entry) else {
            return Err(Refused::Internal(format!("the module has no `{entry}`")));
        };
        let trees = Trees::of(sources, loader);
        let written = write(&trees, &self.wanted, &self.header, made);
        let (body, result) = written.map_err(|what| {
            Refused::Usage(format!(
                "the derivative of `{}` has a part that the language has no form for: {what}\n\
                 help: `dlc build --emit=dl` shows it",
                self.wanted.function
            ))
        })?;
        let mut written = format!("{} {{\n", self.signature());
        for line in body.lines {
            written += &line;
            written.push('\n');
        }
        written += &format!("  {result}\n}}\n");
        Ok(format!("{}{written}", prelude(&self.target, &written)))
    }
}

/// The signature of a derivative.
struct Header {
    name: String,
    params: Vec<String>,
    /// The types of the parameters, by name.
    types: Vec<(String, Type)>,
    result: String,
    /// The types that the result is made of, if it is a tuple of several.
    results: Vec<Type>,
    /// The parameters that gradients are of, with their types.
    gradients: Vec<(String, Type)>,
}

/// The parameters that are differentiated.
fn chosen<'t>(target: &'t Target, wanted: &Wanted) -> Vec<&'t dlc_frontend::ast::Param> {
    let params = target.function.params.iter();
    match wanted.wrt.is_empty() {
        true => params.take(1).collect(),
        false => wanted
            .wrt
            .iter()
            .filter_map(|name| params.clone().find(|param| param.name.name == *name))
            .collect(),
    }
}

fn header(target: &Target, wanted: &Wanted) -> Result<Header, Refused> {
    let chosen = chosen(target, wanted);
    let mut types = vec![];
    for param in &target.function.params {
        types.push((param.name.name.clone(), param.ty.clone()));
    }
    if wanted.forward {
        for param in &chosen {
            types.push((format!("{}_tan", param.name.name), param.ty.clone()));
        }
    }
    let results: Vec<Type> = match (wanted.forward, &target.function.result) {
        (false, _) => chosen.iter().map(|param| param.ty.clone()).collect(),
        (true, Some(result)) => vec![result.clone()],
        (true, None) => {
            let message = format!("`{}` gives nothing to differentiate", wanted.function);
            return Err(Refused::Usage(message));
        }
    };
    let texts: Vec<&str> = results.iter().map(|ty| target.slice(ty.span)).collect();
    let result = match texts.as_slice() {
        [one] => (*one).to_string(),
        several => format!("({})", several.join(", ")),
    };
    let kind = if wanted.forward { "jvp" } else { "grad" };
    let params = types
        .iter()
        .map(|(name, ty)| format!("{name}: {}", target.slice(ty.span)));
    Ok(Header {
        name: format!("{}_{kind}", wanted.function),
        params: params.collect(),
        types,
        result,
        results,
        gradients: chosen
            .iter()
            .map(|param| (param.name.name.clone(), param.ty.clone()))
            .collect(),
    })
}

/// The expression of the derivative.
fn call(target: &Target, wanted: &Wanted) -> String {
    let f = &wanted.function;
    let names: Vec<&str> = target
        .function
        .params
        .iter()
        .map(|param| param.name.name.as_str())
        .collect();
    let chosen: Vec<&str> = chosen(target, wanted)
        .into_iter()
        .map(|param| param.name.name.as_str())
        .collect();
    if wanted.forward {
        let tangents = names.iter().map(|name| match chosen.contains(name) {
            true => format!("{name}_tan"),
            false => "none".to_string(),
        });
        let tangents = tangents.collect::<Vec<_>>().join(", ");
        return format!("jvp({f}, ({},), ({tangents},)).1", names.join(", "));
    }
    let wrt = match chosen.as_slice() {
        [one] => (*one).to_string(),
        several => format!("({})", several.join(", ")),
    };
    format!("grad({f}, wrt={wrt})({})", names.join(", "))
}

fn entry_of<'c, 'a>(module: &'a Module<'c>, entry: &str) -> Option<OperationRef<'c, 'a>> {
    let mut next = module.body().first_operation();
    while let Some(op) = next {
        next = op.next_in_block();
        let name = op.attribute("dl.entry").and_then(StringAttribute::try_from);
        if name.is_ok_and(|name| inspect::text(name) == entry) {
            return Some(op);
        }
    }
    None
}

/// The body of the derivative, and its result as a tree.
fn write(
    trees: &Trees,
    wanted: &Wanted,
    header: &Header,
    made: OperationRef,
) -> Result<(Body, String), String> {
    let mut params = vec![];
    for path in decompile::paths(made, "arg_attrs") {
        let mut parts = path.split('.');
        let root = parts.next().unwrap_or_default();
        let ty = header.types.iter().find(|(name, _)| name == root);
        params.push(trees.leaf(root, ty.map(|(_, ty)| ty), parts)?);
    }
    let mut body = decompile::body(made, &params)?;
    let paths = decompile::paths(made, "res_attrs");
    let leaves = paths.iter().zip(body.results.clone());
    if wanted.forward {
        let mut root = Node::default();
        for (path, leaf) in leaves {
            root.put(path.split('.').skip(1), &leaf);
        }
        let result = trees.tree(header.results.first(), &root)?;
        return Ok((body, result));
    }
    // A gradient is a tree like its parameter.
    let several = header.results.len() > 1;
    let number = |path: &str| path.split('.').nth(1).and_then(|part| part.parse().ok());
    // One without leaves is the parameter itself.
    let params = header.gradients.iter().map(|(name, _)| name.clone());
    let mut names = params.collect::<Vec<_>>();
    let mut lines = vec![];
    for (path, leaf) in leaves {
        let i: usize = if several {
            number(path).unwrap_or_default()
        } else {
            0
        };
        let (name, ty) = header
            .gradients
            .get(i)
            .ok_or("a result without a parameter")?;
        let mut rest = path.split('.').skip(1 + usize::from(several)).peekable();
        if rest.peek().is_none() {
            names[i] = leaf;
            continue;
        }
        if names[i] == *name {
            names[i] = body.name(&format!("{name}_adj"));
            lines.push(format!("  var {} = {name}", names[i]));
        }
        let place = trees.leaf(&names[i], Some(ty), rest)?;
        lines.push(format!("  {place} = {leaf}"));
    }
    body.lines.extend(lines);
    let result = match names.as_slice() {
        [one] => one.clone(),
        several => format!("({})", several.join(", ")),
    };
    Ok((body, result))
}

/// The constants, structs and imports of the file that a text needs, and those that these need.
fn prelude(target: &Target, text: &str) -> String {
    let names = |item: &Item| -> Vec<String> {
        match &item.kind {
            ItemKind::Const(c) => vec![c.name.name.clone()],
            ItemKind::Struct(s) => vec![s.name.name.clone()],
            ItemKind::Import(import) => vec![dlc_frontend::source::stem(&import.path)],
            ItemKind::Use(u) => u.names.iter().map(|name| name.name.clone()).collect(),
            ItemKind::Fn(_) | ItemKind::Test(_) | ItemKind::Bad(_) => vec![],
        }
    };
    let mut texts = vec![text.to_string()];
    let mut needed = vec![false; target.file.items.len()];
    while let Some(text) = texts.pop() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let words: Vec<&str> = text.split(|c| !is_word(c)).collect();
        for (item, needed) in target.file.items.iter().zip(&mut needed) {
            let named = names(item)
                .iter()
                .any(|name| words.contains(&name.as_str()));
            if named && !*needed {
                *needed = true;
                texts.push(target.slice(item.span).to_string());
            }
        }
    }
    let items = target.file.items.iter().zip(needed);
    let items = items.filter(|(_, needed)| *needed);
    items
        .map(|(item, _)| format!("{}\n\n", target.slice(item.span)))
        .collect()
}

/// The source with a test at its end that compares the gradient, and the number of that test.
pub fn with_test(
    name: &str,
    text: &str,
    wanted: &Wanted,
    comparison: &Comparison,
) -> Result<(String, usize), Refused> {
    let target = Target::of(name, text, wanted)?;
    let differentiable = |ty: &Type| match &ty.kind {
        TypeKind::Tensor { dtype, .. } => dtype.is_float(),
        TypeKind::Fn { .. } | TypeKind::Error => false,
        _ => true,
    };
    let wrt: Vec<&str> = match wanted.wrt.is_empty() {
        false => wanted.wrt.iter().map(String::as_str).collect(),
        true => {
            let params = target.function.params.iter();
            let params = params.filter(|param| differentiable(&param.ty));
            params.map(|param| param.name.name.as_str()).collect()
        }
    };
    let mut arguments = vec![wanted.function.clone()];
    arguments.push(format!("wrt=({},)", wrt.join(", ")));
    let plain = |dim: &&dlc_frontend::ast::DimParam| dim.kind == GenericKind::Dim;
    for dim in target.function.dims.iter().filter(plain) {
        let name = &dim.name.name;
        let given = comparison.dims.iter().find(|(known, _)| known == name);
        let size = given.map_or(SIZE, |(_, size)| *size);
        arguments.push(format!("{name}={size}"));
    }
    for (name, _) in &comparison.dims {
        if !target
            .function
            .dims
            .iter()
            .any(|dim| dim.name.name == *name)
        {
            let message = format!("`{}` has no dim `{name}`", wanted.function);
            return Err(Refused::Usage(message));
        }
    }
    arguments.push(format!("seed={}", comparison.seed));
    if let Some(rtol) = comparison.rtol {
        arguments.push(format!("rtol={rtol:?}"));
    }
    let test = format!(
        "\ntest \"dlc grad --check\" {{\n  check_grad({})\n}}\n",
        arguments.join(", ")
    );
    let tests = target.file.items.iter();
    let tests = tests.filter(|item| matches!(item.kind, ItemKind::Test(_)));
    Ok((format!("{text}{test}"), tests.count()))
}
