//! Programs as one DL file with exports for values, tangents and gradients, and the tensors to call these with.

use anyhow::Result;
use dlc_abi::DType;
use dlc_programs::{
    arguments::{self, GREATEST_INTEGER},
    array::Value,
    ast::Program,
    num::FULL,
    print,
    types::{Dtype, Type, tuple_text},
};
use dlc_runtime::Tensor;
use std::{collections::BTreeMap, fmt::Write};

/// What an export gives beside the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing.
    Value,
    /// The tangent.
    Jvp,
    /// The gradients of the arguments of floats.
    Vjp,
}

/// All of them.
pub const MODES: [Mode; 3] = [Mode::Value, Mode::Jvp, Mode::Vjp];

impl Mode {
    /// As in the names of exports.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Value => "value",
            Mode::Jvp => "jvp",
            Mode::Vjp => "vjp",
        }
    }
}

/// The name of an export.
pub fn export(program: &Program, mode: Mode) -> String {
    format!("{}_{}", program.main().name, mode.name())
}

/// The text of programs with their exports.
pub fn text(programs: &[&Program]) -> String {
    let mut text = String::new();
    for program in programs {
        text += &print::program(program);
        for mode in MODES {
            text += &wrapper(program, mode);
        }
    }
    text
}

/// An export of the program's function.
fn wrapper(program: &Program, mode: Mode) -> String {
    let main = program.main();
    let dims = main.dim_names();
    let ty = |ty: &Type| print::type_text(program, ty, &dims);
    let names = main.params.iter().map(|(name, _)| name.clone());
    let names = names.collect::<Vec<_>>();
    let floats = main.params.iter().filter(|(_, ty)| ty.all_floats());
    let floats = floats.collect::<Vec<_>>();
    let mut params = main
        .params
        .iter()
        .map(|(name, own)| format!("{name}: {}", ty(own)));
    let mut params = params.by_ref().collect::<Vec<_>>();
    let own = ty(&main.value.ty);
    let (result, body) = match mode {
        Mode::Value => (own, format!("  {}({})\n", main.name, names.join(", "))),
        Mode::Jvp => {
            params.extend(
                floats
                    .iter()
                    .map(|(name, own)| format!("d_{name}: {}", ty(own))),
            );
            let tangents = main.params.iter().map(|(name, ty)| match ty.all_floats() {
                true => format!("d_{name}"),
                false => "none".into(),
            });
            let tangents = tuple_text(&tangents.collect::<Vec<_>>());
            let call = format!("  jvp({}, {}, {tangents})\n", main.name, tuple_text(&names));
            (format!("({own}, {own})"), call)
        }
        Mode::Vjp => {
            params.push(format!("u: {own}"));
            let gradients = floats.iter().map(|(_, own)| ty(own)).collect::<Vec<_>>();
            let parts = main.params.iter().enumerate();
            let parts = parts.filter(|(_, (_, ty))| ty.all_floats());
            let parts = parts.map(|(position, _)| format!("g.{position}"));
            let parts = tuple_text(&parts.collect::<Vec<_>>());
            let names = names.join(", ");
            let body = format!(
                "  let (y, back) = vjp({}, {names})\n  let g = back(u)\n  (y, {parts})\n",
                main.name
            );
            (format!("({own}, {})", tuple_text(&gradients)), body)
        }
    };
    let counts = main.params.iter().filter(|(_, ty)| is_count(ty));
    let counts = counts.map(|(name, _)| format!("{name} <= {GREATEST_INTEGER}"));
    let counts = counts.collect::<Vec<_>>().join(", ");
    let counts = match counts.is_empty() {
        true => String::new(),
        false => format!(" where {counts}"),
    };
    let (name, dims) = (export(program, mode), print::dims(main));
    let params = params.join(", ");
    let mut text = String::new();
    write!(
        text,
        "export fn {name}{dims}({params}) -> {result}{counts} {{\n{body}}}\n"
    )
    .expect("strings take everything");
    text
}

/// Whether a parameter may say how often a loop runs.
fn is_count(ty: &Type) -> bool {
    matches!(ty, Type::Tensor(Dtype::I32, shape) if shape.is_empty())
}

/// The values of the dims.
pub fn dims(program: &Program) -> BTreeMap<String, i64> {
    let names = program.main().dim_names().into_iter();
    names.zip(program.sizes.iter().copied()).collect()
}

/// The tensors that an export is called with, in the order of its parameters.
pub fn tensors(program: &Program, mode: Mode) -> Result<Vec<Tensor>> {
    let main = program.main();
    let mut values = arguments::arguments(program, FULL);
    let mut types = main.params.iter().map(|(_, ty)| ty).collect::<Vec<_>>();
    match mode {
        Mode::Value => {}
        Mode::Jvp => {
            let tangents = arguments::tangents(program, 0).into_iter();
            let tangents = main.params.iter().zip(tangents);
            for ((_, ty), tangent) in tangents.filter(|((_, ty), _)| ty.all_floats()) {
                types.push(ty);
                values.push(tangent);
            }
        }
        Mode::Vjp => {
            types.push(&main.value.ty);
            values.push(arguments::cotangent(program));
        }
    }
    let pairs = types.iter().zip(&values);
    let tensors = pairs.flat_map(|(ty, value)| leaves(ty, value));
    tensors.collect()
}

fn leaves(ty: &Type, value: &Value) -> Vec<Result<Tensor>> {
    let pairs = ty.leaves().into_iter().zip(value.leaves());
    let tensors = pairs.map(|((dtype, _), array)| {
        let dtype = match dtype {
            Dtype::F32 => DType::F32,
            Dtype::F64 => DType::F64,
            Dtype::I32 => DType::I32,
            Dtype::Bool => DType::Bool,
        };
        let mut tensor = Tensor::zeros(dtype, &array.shape)?;
        let mut numbers = array.data.iter().map(|number| number.value());
        tensor.fill_with(|| numbers.next().unwrap_or_default())?;
        Ok(tensor)
    });
    tensors.collect()
}
