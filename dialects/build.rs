//! Reads the op records of `ods/` once and makes everything that is told from them: the C++ classes
//! (`mlir-tblgen`), compiled with the shim, and in Rust the op kinds, borrowing views, builders and the
//! tables of scalar bodies and derivatives.

#[path = "build/records.rs"]
mod records;

use std::{env, error::Error, fmt::Write as _, fs, path::PathBuf, process::Command};
use tblgen::{
    TableGenParser,
    init::{DagInit, TypedInit},
    record::Record,
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let prefix = env::var("MLIR_SYS_220_PREFIX").unwrap_or_else(|_| "/usr/lib/llvm-22".into());
    let out = PathBuf::from(env::var("OUT_DIR")?);
    for folder in ["ods", "cxx", "build.rs", "build"] {
        println!("cargo:rerun-if-changed={folder}");
    }
    println!("cargo:rerun-if-env-changed=MLIR_SYS_220_PREFIX");

    for (action, file) in [
        ("-gen-dialect-decls", "DLDialect.h.inc"),
        ("-gen-dialect-defs", "DLDialect.cpp.inc"),
        ("-gen-op-decls", "DLOps.h.inc"),
        ("-gen-op-defs", "DLOps.cpp.inc"),
    ] {
        let mut command = Command::new(format!("{prefix}/bin/mlir-tblgen"));
        command.args([
            action,
            "ods/DL.td",
            "-I",
            "ods",
            "-I",
            &format!("{prefix}/include"),
            "-o",
        ]);
        command.arg(out.join(file));
        if action.contains("dialect") {
            command.arg("-dialect=dl");
        }
        if !command.status()?.success() {
            return Err(format!("mlir-tblgen {action} failed").into());
        }
    }
    // For WebAssembly MLIR is compiled in part.
    let registration = match env::var("CARGO_CFG_TARGET_FAMILY").as_deref() {
        Ok("wasm") => "cxx/first_stage.cpp",
        _ => "cxx/everything.cpp",
    };
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .files(["cxx/shim.cpp", registration])
        .include(&out)
        .include("cxx")
        .include(format!("{prefix}/include"))
        .flag("-fno-rtti")
        .flag("-fno-exceptions")
        .debug(false)
        .warnings(false)
        .compile("dlc_shim");

    let keeper = TableGenParser::new()
        .add_include_directory("ods")
        .add_include_directory(&format!("{prefix}/include"))
        .add_source_file("ods/DL.td")
        .parse()?;
    let mut ops = keeper
        .all_derived_definitions("DL_Op")
        .map(Op::read)
        .collect::<Result<Vec<_>>>()?;
    ops.sort_by(|a, b| a.mnemonic.cmp(&b.mnemonic));
    let mut source = generate(&ops)?;
    source += &records::classes(keeper.all_derived_definitions("AnyTypeOf"))?;
    fs::write(out.join("ops.rs"), source)?;
    Ok(())
}

/// What the generator needs to know of an op record.
struct Op {
    mnemonic: String,
    summary: String,
    operands: Vec<(String, bool)>,
    attributes: Vec<(String, String)>,
    results: Vec<(String, bool)>,
    segments: bool,
    pure: bool,
    result_like_first: bool,
    elementwise: Option<String>,
    /// Whether the record has a scalar body for some class of element type.
    has_body: bool,
    /// The record's name.
    definition: String,
    /// What it says for readers, as Rust source.
    record: String,
}

/// The fields of a record that hold the scalar bodies, and those of `Elementwise`.
const BODIES: [(&str, &str); 4] = [
    ("body_float", "bodyFloat"),
    ("body_signed", "bodySigned"),
    ("body_unsigned", "bodyUnsigned"),
    ("body_bool", "bodyBool"),
];

impl Op {
    fn read(record: Record) -> Result<Self> {
        let mnemonic = record.str_value("opName")?.to_string();
        let mut operands = vec![];
        let mut attributes = vec![];
        for (name, value) in record.dag_value("arguments")?.args() {
            let name = name.ok_or("an argument needs a name")?.to_string();
            let kind = Record::try_from(value)?;
            if kind.subclass_of("Attr") {
                attributes.push((name, kind.name()?.to_string()));
            } else {
                operands.push((name, kind.subclass_of("Variadic")));
            }
        }
        let results = record
            .dag_value("results")?
            .args()
            .map(|(name, value)| {
                let name = name.ok_or("a result needs a name")?.to_string();
                Ok((name, Record::try_from(value)?.subclass_of("Variadic")))
            })
            .collect::<Result<Vec<_>>>()?;
        let traits = record
            .list_init_value("traits")?
            .iter()
            .filter_map(|t| Record::try_from(t).ok()?.name().ok().map(str::to_string))
            .collect::<Vec<_>>();
        let has = |name: &str| traits.iter().any(|t| t == name);
        let elementwise = record
            .subclass_of("DL_Elementwise")
            .then(|| elementwise(record, &operands))
            .transpose()?;
        let has_body = |(_, key): &(&str, &str)| {
            record
                .value(key)
                .is_ok_and(|value| DagInit::try_from(value.init).is_ok())
        };
        Ok(Self {
            has_body: elementwise.is_some() && BODIES.iter().any(has_body),
            summary: record.str_value("summary")?.to_string(),
            segments: has("AttrSizedOperandSegments"),
            pure: has("Pure"),
            result_like_first: has("SameOperandsAndResultType"),
            definition: record.name()?.to_string(),
            record: records::record(record)?,
            mnemonic,
            operands,
            attributes,
            results,
            elementwise,
        })
    }

    fn camel(&self) -> String {
        self.mnemonic
            .split('_')
            .map(|w| w[..1].to_uppercase() + &w[1..])
            .collect()
    }
}

/// The `Elementwise` table entry of a record, as Rust source.
fn elementwise(record: Record, operands: &[(String, bool)]) -> Result<String> {
    let names = operands.iter().map(|(n, _)| n.as_str()).collect::<Vec<_>>();
    let mut text = format!("Elementwise {{ operands: &{names:?}, ");
    for (field, key) in BODIES {
        let body = match DagInit::try_from(record.value(key)?.init) {
            Ok(dag) => format!("Some({})", expression(dag, &names, "scalar")?),
            Err(_) => "None".into(),
        };
        write!(text, "{field}: {body}, ")?;
    }
    let derivative = record.list_init_value("derivative")?;
    let rules = derivative
        .iter()
        .map(|rule| {
            let dag = DagInit::try_from(rule)?;
            Ok(match dag.operator().name()? {
                "none" => "None".into(),
                _ => format!("Some({})", expression(dag, &names, "tensor")?),
            })
        })
        .collect::<Result<Vec<String>>>()?;
    let derivative = match (record.bit_value("inactive")?, rules.is_empty()) {
        (true, true) => "Derivative::Inactive".into(),
        (false, false) => format!("Derivative::Rules(&[{}])", rules.join(", ")),
        _ => {
            return Err(format!(
                "{}: needs either a derivative or `inactive = 1`",
                record.name()?
            )
            .into());
        }
    };
    write!(text, "derivative: {derivative} }}")?;
    Ok(text)
}

/// A DAG as a constant `Expr`; `key` is the operator's field that holds the name to apply.
fn expression(dag: DagInit, operands: &[&str], key: &str) -> Result<String> {
    let operator = dag.operator();
    let mut args = vec![];
    // An operand reference such as `$x` is a name without a value, at which `dag.args()` would stop.
    for index in 0..dag.num_args() {
        args.push(match (dag.name(index), dag.get(index)) {
            (_, Some(TypedInit::Dag(inner))) => expression(inner, operands, key)?,
            (_, Some(TypedInit::String(s))) => format!("Expr::Lit({:?})", String::try_from(s)?),
            (Some("g"), _) => "Expr::Grad".into(),
            (Some(name), _) => match operands.iter().position(|o| *o == name) {
                Some(i) => format!("Expr::Operand({i})"),
                None if name == "y" => "Expr::Result".into(),
                None => return Err(format!("${name} is no operand").into()),
            },
            _ => return Err(format!("unexpected argument of {}", operator.name()?).into()),
        });
    }
    if operator.name()? == "lit" {
        return args.pop().ok_or_else(|| "lit needs an argument".into());
    }
    let name = operator.str_value(key)?;
    Ok(format!("Expr::Apply({name:?}, &[{}])", args.join(", ")))
}

fn generate(ops: &[Op]) -> Result<String> {
    let mut s = String::new();
    writeln!(s, "/// One variant for each op of the dialect.")?;
    writeln!(
        s,
        "#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]\npub enum OpKind {{"
    )?;
    for op in ops {
        writeln!(
            s,
            "/// `dl.{}`: {}.\n{},",
            op.mnemonic,
            op.summary,
            op.camel()
        )?;
    }
    writeln!(
        s,
        "}}\nimpl OpKind {{\n/// All kinds, by mnemonic.\npub const ALL: &'static [OpKind] = &["
    )?;
    for op in ops {
        writeln!(s, "OpKind::{},", op.camel())?;
    }
    writeln!(
        s,
        "];\n/// The name without the dialect.\npub const fn mnemonic(self) -> &'static str {{ match self {{"
    )?;
    for op in ops {
        writeln!(s, "OpKind::{} => {:?},", op.camel(), op.mnemonic)?;
    }
    writeln!(
        s,
        "}} }}\n/// The record's summary line.\npub const fn summary(self) -> &'static str {{ match self {{"
    )?;
    for op in ops {
        writeln!(s, "OpKind::{} => {:?},", op.camel(), op.summary)?;
    }
    let effects: Vec<_> = ops.iter().filter(|op| !op.pure).map(Op::camel).collect();
    let effects: Vec<_> = effects
        .iter()
        .map(|kind| format!("OpKind::{kind}"))
        .collect();
    writeln!(
        s,
        "}} }}\n/// Whether the op does nothing but give its results.\npub const fn is_pure(self) -> bool {{ !matches!(self, {}) }}",
        effects.join(" | ")
    )?;
    writeln!(
        s,
        "/// The scalar body and derivative of an elementwise op.\npub const fn elementwise(self) -> Option<&'static Elementwise> {{ match self {{"
    )?;
    for op in ops {
        match &op.elementwise {
            Some(text) => writeln!(s, "OpKind::{} => Some(&{text}),", op.camel())?,
            None => writeln!(s, "OpKind::{} => None,", op.camel())?,
        }
    }
    writeln!(
        s,
        "}} }}\n/// What the record says for readers.\npub const fn record(self) -> &'static Record {{ match self {{"
    )?;
    for op in ops {
        writeln!(s, "OpKind::{} => &{},", op.camel(), op.record)?;
    }
    writeln!(s, "}} }}\n}}")?;
    s += &records::sections(|definition| {
        let op = ops.iter().find(|op| op.definition == definition)?;
        Some(format!("OpKind::{}", op.camel()))
    })?;
    elementwise_kinds(&mut s, ops)?;
    for op in ops {
        view(&mut s, op)?;
    }
    writeln!(
        s,
        "/// Builders of detached operations, one for each op.\npub mod build {{\nuse super::*;"
    )?;
    for op in ops {
        builder(&mut s, op)?;
    }
    writeln!(s, "}}")?;
    Ok(s)
}

/// The pattern of all kinds whose record has a body, for a `match` without a wildcard.
fn elementwise_kinds(s: &mut String, ops: &[Op]) -> Result<()> {
    let kinds = ops
        .iter()
        .filter(|op| op.has_body)
        .map(|op| format!("$crate::ops::OpKind::{}", op.camel()))
        .collect::<Vec<_>>();
    writeln!(
        s,
        "/// A pattern: every elementwise op that its record defines by a scalar body.\n#[macro_export]\nmacro_rules! elementwise_kinds {{ () => {{ {} }} }}",
        kinds.join(" | ")
    )?;
    Ok(())
}

/// A Rust identifier for a TableGen name.
fn identifier(name: &str) -> String {
    match name {
        "where" | "type" | "ref" | "in" => format!("r#{name}"),
        _ => name.into(),
    }
}

/// The borrowing view: accessors of operands and attributes over an `OperationRef`.
fn view(s: &mut String, op: &Op) -> Result<()> {
    let name = op.camel();
    writeln!(
        s,
        "/// View of a `dl.{}`: {}.\n#[derive(Clone, Copy)]\npub struct {name}<'c, 'a>(pub OperationRef<'c, 'a>);\nimpl<'c, 'a> {name}<'c, 'a> {{",
        op.mnemonic, op.summary
    )?;
    let variadics = op.operands.iter().filter(|(_, v)| *v).count();
    for (i, (operand, variadic)) in op.operands.iter().enumerate() {
        let ident = identifier(operand);
        let after = op.operands.len() - i - 1;
        match (variadic, op.segments) {
            (false, true) => writeln!(
                s,
                "/// Operand `{operand}`.\npub fn {ident}(self) -> Value<'c, 'a> {{ segment(self.0, {i})[0] }}"
            )?,
            (true, true) => writeln!(
                s,
                "/// Operands `{operand}`.\npub fn {ident}(self) -> Vec<Value<'c, 'a>> {{ segment(self.0, {i}) }}"
            )?,
            (true, false) => writeln!(
                s,
                "/// Operands `{operand}`.\npub fn {ident}(self) -> Vec<Value<'c, 'a>> {{ operands(self.0, {i}, {after}) }}"
            )?,
            (false, false) => {
                let from_end = op.operands[..i].iter().any(|(_, v)| *v);
                assert!(!from_end || variadics == 1);
                let index = if from_end {
                    format!("self.0.operand_count() - {}", after + 1)
                } else {
                    i.to_string()
                };
                writeln!(
                    s,
                    "/// Operand `{operand}`.\npub fn {ident}(self) -> Value<'c, 'a> {{ operand(self.0, {index}) }}"
                )?;
            }
        }
    }
    for (attribute, kind) in &op.attributes {
        let (ty, read) = match kind.as_str() {
            "I64Attr" => ("i64", "integer"),
            "DenseI64ArrayAttr" => ("Vec<i64>", "integers"),
            "StrAttr" => ("&'c str", "string"),
            "DL_Precision" => ("Option<&'c str>", "optional_string"),
            "FlatSymbolRefAttr" => ("&'c str", "symbol"),
            "DL_Rule" => ("Option<&'c str>", "optional_symbol"),
            "UnitAttr" => ("bool", "flag"),
            "ElementsAttr" => ("Attribute<'c>", "attribute"),
            other => return Err(format!("no accessor for {other}").into()),
        };
        let ident = identifier(attribute);
        writeln!(
            s,
            "/// Attribute `{attribute}`.\npub fn {ident}(self) -> {ty} {{ {read}(self.0, {attribute:?}) }}"
        )?;
    }
    writeln!(s, "}}")?;
    Ok(())
}

/// The builder: operands, attributes, then the result type unless the first operand's is the result's.
fn builder(s: &mut String, op: &Op) -> Result<()> {
    let mut params = vec!["context: &'c Context".to_string()];
    let mut body = String::new();
    let mut segments = vec![];
    for (operand, variadic) in &op.operands {
        let ident = identifier(operand);
        if *variadic {
            params.push(format!("{ident}: &[Value<'c, '_>]"));
            writeln!(body, "operands.extend_from_slice({ident});")?;
            segments.push(format!("{ident}.len() as i32"));
        } else {
            params.push(format!("{ident}: Value<'c, '_>"));
            writeln!(body, "operands.push({ident});")?;
            segments.push("1".into());
        }
    }
    for (attribute, kind) in &op.attributes {
        let ident = identifier(attribute);
        let (ty, make) = match kind.as_str() {
            "I64Attr" => (
                "i64",
                format!(
                    "IntegerAttribute::new(IntegerType::new(context, 64).into(), {ident}).into()"
                ),
            ),
            "DenseI64ArrayAttr" => (
                "&[i64]",
                format!("DenseI64ArrayAttribute::new(context, {ident}).into()"),
            ),
            "StrAttr" => (
                "&str",
                format!("StringAttribute::new(context, {ident}).into()"),
            ),
            "DL_Precision" => (
                "Option<&str>",
                "StringAttribute::new(context, text).into()".to_string(),
            ),
            "FlatSymbolRefAttr" => (
                "&str",
                format!("FlatSymbolRefAttribute::new(context, {ident}).into()"),
            ),
            "DL_Rule" => (
                "Option<&str>",
                "FlatSymbolRefAttribute::new(context, text).into()".to_string(),
            ),
            "ElementsAttr" => ("Attribute<'c>", ident.clone()),
            "UnitAttr" => ("bool", String::new()),
            other => return Err(format!("no builder for {other}").into()),
        };
        params.push(format!("{ident}: {ty}"));
        if kind == "UnitAttr" {
            writeln!(
                body,
                "if {ident} {{ attributes.push((Identifier::new(context, {attribute:?}), Attribute::unit(context))); }}"
            )?;
        } else if ["DL_Precision", "DL_Rule"].contains(&kind.as_str()) {
            writeln!(
                body,
                "if let Some(text) = {ident} {{ attributes.push((Identifier::new(context, {attribute:?}), {make})); }}"
            )?;
        } else {
            writeln!(
                body,
                "attributes.push((Identifier::new(context, {attribute:?}), {make}));"
            )?;
        }
    }
    if op.segments {
        writeln!(
            body,
            "attributes.push((Identifier::new(context, \"operandSegmentSizes\"), DenseI32ArrayAttribute::new(context, &[{}]).into()));",
            segments.join(", ")
        )?;
    }
    let results = if op.result_like_first {
        "&[operands[0].r#type()]"
    } else if op.results.is_empty() {
        "&[]"
    } else if op.results.iter().any(|(_, v)| *v) {
        params.push("result_types: &[Type<'c>]".into());
        "result_types"
    } else {
        params.push("result_type: Type<'c>".into());
        "&[result_type]"
    };
    params.push("location: Location<'c>".into());
    writeln!(
        s,
        "/// `dl.{}`: {}.\n#[allow(clippy::too_many_arguments, clippy::vec_init_then_push)]\npub fn {}<'c>({}) -> Operation<'c> {{\n\
         let _ = context;\n#[allow(unused_mut)] let mut operands: Vec<Value<'c, '_>> = vec![];\n#[allow(unused_mut)] let mut attributes: Vec<(Identifier<'c>, Attribute<'c>)> = vec![];\n{body}\
         operation(\"dl.{}\", &operands, attributes, {results}, location)\n}}",
        op.mnemonic,
        op.summary,
        identifier(&op.mnemonic),
        params.join(", "),
        op.mnemonic
    )?;
    Ok(())
}
