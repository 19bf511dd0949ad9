//! Scalars: how an element type is stored and computed with, and the interpreter that turns the body of an op's
//! record into `arith` and `math` operations.
//!
//! An element has three forms. *Stored* in a tensor: bool as i8 (0 or 1), unsigned integers signless. As a
//! *register*: bool as i1, the rest as stored. *Computed* with: f16 and bf16 as f32, the rest as register.

use crate::emit::Emitter;
use dlc_dialects::{
    ir::{
        builder::literal,
        shape::{ElementClass, class, shape_of, width},
    },
    ops::Expr,
};
use melior::ir::{
    Type, TypeLike, Value, ValueLike, attribute::IntegerAttribute, operation::OperationLike,
    operation::OperationResult,
};

/// Predicates of `arith.cmpi`, by number.
const INTEGER_PREDICATES: &[&str] = &[
    "eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge",
];

/// Predicates of `arith.cmpf`, by number.
const FLOAT_PREDICATES: &[&str] = &[
    "false", "oeq", "ogt", "oge", "olt", "ole", "one", "ord", "ueq", "ugt", "uge", "ult", "ule",
    "une", "uno",
];

/// Whether a type is a float that is computed with as f32.
fn is_small_float(ty: Type) -> bool {
    ty.is_f16() || ty.is_bf16()
}

/// The type of an element of a `dl` tensor in a register.
pub fn register_type<'c>(e: &Emitter<'c, '_>, element: Type<'c>) -> Type<'c> {
    match class(element) {
        ElementClass::Unsigned => e.int_type(width(element)),
        _ => element,
    }
}

/// The type in which an element of a `dl` tensor is stored.
pub fn storage_type<'c>(e: &Emitter<'c, '_>, element: Type<'c>) -> Type<'c> {
    match class(element) {
        ElementClass::Bool => e.int_type(8),
        _ => register_type(e, element),
    }
}

/// The type in which a body computes with elements of a `dl` tensor.
pub fn compute_type<'c>(e: &Emitter<'c, '_>, element: Type<'c>) -> Type<'c> {
    match is_small_float(element) {
        true => e.ty("f32"),
        false => register_type(e, element),
    }
}

/// From storage to register.
pub fn load<'c, 'a>(
    e: &Emitter<'c, 'a>,
    element: Type<'c>,
    stored: Value<'c, 'a>,
) -> Value<'c, 'a> {
    match class(element) {
        ElementClass::Bool => e.op("arith.trunci", &[stored], e.int_type(1)),
        _ => stored,
    }
}

/// From register to storage.
pub fn store<'c, 'a>(
    e: &Emitter<'c, 'a>,
    element: Type<'c>,
    register: Value<'c, 'a>,
) -> Value<'c, 'a> {
    match class(element) {
        ElementClass::Bool => e.op("arith.extui", &[register], e.int_type(8)),
        _ => register,
    }
}

/// From register to what is computed with.
pub fn widen<'c, 'a>(e: &Emitter<'c, 'a>, register: Value<'c, 'a>) -> Value<'c, 'a> {
    match is_small_float(register.r#type()) {
        true => e.op("arith.extf", &[register], e.ty("f32")),
        false => register,
    }
}

/// From what is computed with to the register of an element type.
pub fn narrow<'c, 'a>(
    e: &Emitter<'c, 'a>,
    element: Type<'c>,
    computed: Value<'c, 'a>,
) -> Value<'c, 'a> {
    match is_small_float(element) && computed.r#type() != element {
        true => e.op("arith.truncf", &[computed], element),
        false => computed,
    }
}

/// The comparison of two floats, or of the elements of two vectors, by the name of its predicate.
pub fn cmpf<'c, 'a>(
    e: &Emitter<'c, 'a>,
    predicate: &str,
    a: Value<'c, 'a>,
    b: Value<'c, 'a>,
) -> Value<'c, 'a> {
    compare(e, "arith.cmpf", FLOAT_PREDICATES, predicate, a, b)
}

/// The comparison of two integers, or of the elements of two vectors, by the name of its predicate.
pub fn cmpi<'c, 'a>(
    e: &Emitter<'c, 'a>,
    predicate: &str,
    a: Value<'c, 'a>,
    b: Value<'c, 'a>,
) -> Value<'c, 'a> {
    compare(e, "arith.cmpi", INTEGER_PREDICATES, predicate, a, b)
}

fn compare<'c, 'a>(
    e: &Emitter<'c, 'a>,
    op: &str,
    predicates: &[&str],
    predicate: &str,
    a: Value<'c, 'a>,
    b: Value<'c, 'a>,
) -> Value<'c, 'a> {
    let number = predicates
        .iter()
        .position(|p| *p == predicate)
        .expect("records name MLIR's predicates");
    let number = IntegerAttribute::new(e.int_type(64), number as i64).into();
    let ty = match a.r#type().is_vector() {
        true => e.ty(&format!("vector<{}xi1>", shape_of(a)[0])),
        false => e.int_type(1),
    };
    e.op_with(op, &[a, b], ty, &[("predicate", number)])
}

/// A constant of a scalar type from a number's text, as records write it: `1.5`, `inf`, `nan`, and on integers
/// also `width` and `width-1`. Integers wrap.
pub fn number<'c, 'a>(e: &Emitter<'c, 'a>, ty: Type<'c>, text: &str) -> Value<'c, 'a> {
    let attribute = match class(ty) {
        ElementClass::Float => e.attr(&format!("{} : {ty}", literal(ty, text))),
        _ => {
            let bits = width(ty);
            let value = match text {
                "width" => i128::from(bits),
                "width-1" => i128::from(bits) - 1,
                "true" => 1,
                "false" => 0,
                text => text
                    .parse()
                    .expect("an integer's literal is a whole number"),
            };
            IntegerAttribute::new(ty, wrap(value, bits)).into()
        }
    };
    e.constant(ty, attribute)
}

/// The value of the low `bits` of a number, sign-extended.
fn wrap(value: i128, bits: u32) -> i64 {
    let above = 64 - bits;
    (value as i64) << above >> above
}

/// Evaluates the body of a record on operands in computed form; `ty` is the type of its literals. Equal
/// sub-expressions are computed once.
pub fn evaluate<'c, 'a>(
    e: &Emitter<'c, 'a>,
    body: &Expr,
    operands: &[Value<'c, 'a>],
    ty: Type<'c>,
) -> Value<'c, 'a> {
    let mut evaluator = Evaluator {
        e,
        operands,
        ty,
        known: vec![],
    };
    evaluator.value(body, ty)
}

struct Evaluator<'x, 'c, 'a> {
    e: &'x Emitter<'c, 'a>,
    operands: &'x [Value<'c, 'a>],
    /// The type of the numbers that the op computes with.
    ty: Type<'c>,
    known: Vec<(Expr, Type<'c>, Value<'c, 'a>)>,
}

impl<'c, 'a> Evaluator<'_, 'c, 'a> {
    /// The value of an expression that should have type `want` (only literals need to be told).
    fn value(&mut self, expr: &Expr, want: Type<'c>) -> Value<'c, 'a> {
        if let Some((.., value)) = self.known.iter().find(|(k, t, _)| k == expr && *t == want) {
            return *value;
        }
        let value = match expr {
            Expr::Operand(i) => self.operands[*i],
            Expr::Lit(text) => number(self.e, want, text),
            Expr::Apply(name, args) => self.apply(name, args, want),
            Expr::Result | Expr::Grad => unreachable!("bodies have operands only"),
        };
        self.known.push((*expr, want, value));
        value
    }

    fn apply(&mut self, name: &str, args: &[Expr], want: Type<'c>) -> Value<'c, 'a> {
        let bool = self.e.int_type(1);
        if let Some((op, predicate)) = name.rsplit_once('.')
            && op.contains('.')
        {
            let [a, b] = [0, 1].map(|i| self.value(&args[i], self.ty));
            return match op {
                "arith.cmpf" => cmpf(self.e, predicate, a, b),
                _ => cmpi(self.e, predicate, a, b),
            };
        }
        let args = args
            .iter()
            .enumerate()
            .map(|(i, arg)| match (name, i) {
                ("arith.select", 0) => self.value(arg, bool),
                _ => self.value(arg, want),
            })
            .collect::<Vec<_>>();
        match name {
            "arith.maximumf" | "arith.minimumf" => extremum(self.e, name, args[0], args[1]),
            "arith.select" => self.e.op(name, &args, args[1].r#type()),
            _ => self.e.op(name, &args, args[0].r#type()),
        }
    }
}

/// The larger or smaller of two floats, NaN if either is, 0 larger than -0. Against a constant that is a number one
/// comparison does.
fn extremum<'c, 'a>(
    e: &Emitter<'c, 'a>,
    name: &str,
    a: Value<'c, 'a>,
    b: Value<'c, 'a>,
) -> Value<'c, 'a> {
    for (x, bound) in [(a, b), (b, a)] {
        let Some(constant) = constant(bound) else {
            continue;
        };
        // Of equal numbers it is the bound that stays, but for a zero that gives way to the other one.
        let gives_way = constant.starts_with("-0.0") == (name == "arith.maximumf");
        let is_zero = constant.trim_start_matches('-').starts_with("0.0");
        let beyond = match (name, is_zero && !gives_way) {
            ("arith.maximumf", true) => "ole",
            ("arith.maximumf", false) => "olt",
            (_, true) => "oge",
            (_, false) => "ogt",
        };
        return e.select(cmpf(e, beyond, x, bound), bound, x);
    }
    e.op(name, &[a, b], a.r#type())
}

/// The text of a value that is a finite constant.
fn constant(value: Value) -> Option<String> {
    let result = OperationResult::try_from(value).ok()?;
    let text = result.owner().attribute("value").ok()?.to_string();
    // NaN and infinities print as their bits.
    (!text.starts_with("0x")).then_some(text)
}
