//! Takes bf16 for the 16-bit integers that hold it, once no arithmetic on it is left.
//!
//! Before:
//! ```mlir
//! %v = llvm.intr.masked.gather %p, %mask, %none : … -> vector<16xbf16>
//! %i = llvm.bitcast %v : vector<16xbf16> to vector<16xi16>
//! ```
//! After:
//! ```mlir
//! %v = llvm.intr.masked.gather %p, %mask, %none : … -> vector<16xi16>
//! %i = llvm.bitcast %v : vector<16xi16> to vector<16xi16>
//! ```
//! `arith-expand` turns conversions from and to bf16 into integer arithmetic. What is left only moves values (or makes
//! them of bytes, which is made exact here), yet LLVM legalises some of these moves by conversions: on processors
//! without bf16 calls into a library, on others instructions that lose the smallest numbers.
//!
//! *Requires*: a module in the `llvm` dialect. *Ensures*: no bf16 but in operands of `llvm.call_intrinsic`, made of other types
//! right for them; or none changed where other arithmetic on it is left.
//! *Does not*: touch f16, whose conversions LLVM knows on every processor.

use crate::{alias, emit::Emitter, walk};
use dlc_dialects::{
    ir::{edit, inspect, shape},
    pass::{Anchor, PassError, PassInfo},
};
use melior::{
    Context,
    ir::{
        Attribute, AttributeLike, BlockLike, OperationRef, Type, TypeLike, Value, ValueLike,
        attribute::FloatAttribute, operation::OperationLike,
    },
};
use std::{collections::HashMap, fmt::Display};

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "bf16-as-bits",
    summary: "Take bf16 for 16-bit integers where it is only moved",
    anchor: Anchor::Module,
    required: true,
    run,
};

/// The ops that move values of any type.
const MOVES: &[&str] = &[
    "builtin.module",
    "llvm.alloca",
    "llvm.bitcast",
    "llvm.br",
    "llvm.call",
    "llvm.cond_br",
    "llvm.extractelement",
    "llvm.extractvalue",
    "llvm.freeze",
    "llvm.func",
    "llvm.getelementptr",
    "llvm.insertelement",
    "llvm.insertvalue",
    "llvm.intr.masked.gather",
    "llvm.intr.masked.load",
    "llvm.intr.masked.scatter",
    "llvm.intr.masked.store",
    "llvm.load",
    "llvm.mlir.constant",
    "llvm.mlir.global",
    "llvm.mlir.poison",
    "llvm.mlir.undef",
    "llvm.mlir.zero",
    "llvm.return",
    "llvm.select",
    "llvm.shufflevector",
    "llvm.store",
];

fn run<'c, 'a>(cx: &'c Context, module: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    let mut known = Known::default();
    let ops: Vec<_> = walk::inside(module)
        .into_iter()
        .filter(|op| !for_instruction(*op) && known.touches(*op))
        .collect();
    let known = |op: &OperationRef| MOVES.contains(&edit::name(*op)) || from_byte(*op);
    if !ops.iter().all(known) {
        return Ok(());
    }
    for op in ops {
        if from_byte(op) {
            convert(cx, op)?;
            continue;
        }
        for value in values(op) {
            if let Some(ty) = bits_type(cx, value.r#type()) {
                value.set_type(ty);
            }
        }
        for i in 0..op.attribute_count() {
            let (name, attribute) = op.attribute_at(i)?;
            let Some(bits) = bits_attribute(cx, attribute) else {
                continue;
            };
            let name = name
                .as_string_ref()
                .as_str()
                .unwrap_or_default()
                .to_string();
            edit::set_attribute(op, &name, bits);
        }
    }
    Ok(())
}

/// Whether an op is an instruction that computes with bf16, or takes other values for what only such read: those stay bf16.
fn for_instruction(op: OperationRef) -> bool {
    const CALL: &str = "llvm.call_intrinsic";
    walk::is(op, CALL)
        || walk::is(op, "llvm.bitcast")
            && op.result(0).is_ok_and(|result| {
                let uses = edit::uses(result.into());
                !uses.is_empty() && uses.iter().all(|(user, _)| walk::is(*user, CALL))
            })
}

/// Whether an op converts a byte to bf16, whose 8 bits of precision hold each of them exactly.
fn from_byte(op: OperationRef) -> bool {
    let from = op
        .operands()
        .next()
        .map(|from| shape::element_of(from).to_string());
    ["llvm.sitofp", "llvm.uitofp"].contains(&edit::name(op)) && from.as_deref() == Some("i8")
}

/// Makes the conversion one to f32, of which bf16 is the upper half.
fn convert<'c, 'a>(cx: &'c Context, op: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    let e = Emitter::before(cx, op);
    let result: Value = op.result(0)?.into();
    let ty = result.r#type().to_string();
    let like = |element: &str| e.ty(&ty.replace("bf16", element));
    let wide = e.op(edit::name(op), &[op.operand(0)?], like("f32"));
    let bits = e.op("llvm.bitcast", &[wide], like("i32"));
    let value = match ty.starts_with("vector") {
        true => format!("dense<16> : {}", like("i32")),
        false => "16 : i32".into(),
    };
    let sixteen = e.op_with(
        "llvm.mlir.constant",
        &[],
        like("i32"),
        &[("value", e.attr(&value))],
    );
    let upper = e.op("llvm.lshr", &[bits, sixteen], like("i32"));
    edit::replace_uses(result, e.op("llvm.trunc", &[upper], like("i16")));
    edit::erase(cx, op);
    Ok(())
}

/// The results of an op and the arguments of its blocks.
fn values<'c, 'a>(op: OperationRef<'c, 'a>) -> Vec<Value<'c, 'a>> {
    let mut values: Vec<Value> = op.results().map(Value::from).collect();
    for block in alias::blocks(op) {
        values.extend(
            (0..block.argument_count()).filter_map(|i| Some(Value::from(block.argument(i).ok()?))),
        );
    }
    values
}

/// Which types and attributes name bf16. They are unique in a context, and their texts take time.
#[derive(Default)]
struct Known {
    found: HashMap<usize, bool>,
}

impl Known {
    fn touches(&mut self, op: OperationRef) -> bool {
        let mut all = values(op).into_iter().chain(op.operands());
        all.any(|value| {
            let ty = value.r#type();
            self.holds(ty.to_raw().ptr as usize, ty)
        }) || op
            .attributes()
            .filter(|(_, attribute)| is_typed(*attribute))
            .any(|(_, attribute)| self.holds(attribute.to_raw().ptr as usize, attribute))
    }

    fn holds(&mut self, identity: usize, text: impl Display) -> bool {
        *self
            .found
            .entry(identity)
            .or_insert_with(|| text.to_string().contains("bf16"))
    }
}

/// Whether an attribute is a type or has one; others, such as the name of a function, may hold the word too.
fn is_typed(attribute: Attribute) -> bool {
    attribute.is_type() || attribute.is_float() || attribute.is_dense_elements()
}

fn bits_type<'c>(cx: &'c Context, ty: Type<'c>) -> Option<Type<'c>> {
    let text = ty.to_string();
    text.contains("bf16")
        .then(|| Type::parse(cx, &text.replace("bf16", "i16")))?
}

fn bits_attribute<'c>(cx: &'c Context, attribute: Attribute<'c>) -> Option<Attribute<'c>> {
    let text = attribute.to_string();
    if !is_typed(attribute) || !text.contains("bf16") {
        return None;
    }
    if let Ok(number) = FloatAttribute::try_from(attribute) {
        // The value is one of bf16's, so its bits are the upper half of f32's.
        let bits = (number.value() as f32).to_bits() >> 16;
        return Attribute::parse(cx, &format!("{} : i16", bits as i16));
    }
    if let Some(bits) = inspect::dense_bits(attribute) {
        let ty = text.rsplit(" : ").next()?.replace("bf16", "i16");
        let list: Vec<_> = bits.iter().map(|bits| (*bits as i16).to_string()).collect();
        let shape = shape::shape(Type::parse(cx, &ty)?);
        let list = match shape.len() {
            1 => format!("[{}]", list.join(", ")),
            _ if bits.windows(2).all(|pair| pair[0] == pair[1]) => list.first()?.clone(),
            _ => return None,
        };
        return Attribute::parse(cx, &format!("dense<{list}> : {ty}"));
    }
    Attribute::parse(cx, &text.replace("bf16", "i16"))
}
