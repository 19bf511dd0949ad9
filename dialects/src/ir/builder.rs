//! The one way to write IR: append operations to a block at a location, with the results' shapes inferred.

use super::{
    edit,
    inspect::defining_op,
    shape::{self, DYNAMIC, element_of, shape_of},
};
use crate::ops::{Derivative, DotGeneral, Expr, OpKind, build};
use melior::{
    Context,
    ir::{
        Attribute, BlockLike, BlockRef, Identifier, Location, Operation, OperationRef, Type, Value,
        ValueLike,
        attribute::{IntegerAttribute, StringAttribute},
        operation::{OperationBuilder, OperationLike},
        r#type::IntegerType,
    },
};

/// A dim of a value: known, or an `index` value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Dim<'c, 'a> {
    /// Known at compile time.
    Static(i64),
    /// Known at run time.
    Value(Value<'c, 'a>),
}

impl Dim<'_, '_> {
    /// The dim as it stands in a type.
    pub fn in_type(&self) -> i64 {
        match self {
            Dim::Static(d) => *d,
            Dim::Value(_) => DYNAMIC,
        }
    }
}

/// The shape that stands in a type for `dims`.
pub fn type_shape(dims: &[Dim]) -> Vec<i64> {
    dims.iter().map(Dim::in_type).collect()
}

/// The values of the dynamic ones among `dims`: the `sizes` operands of an op with such a result.
pub fn dynamic<'c, 'a>(dims: &[Dim<'c, 'a>]) -> Vec<Value<'c, 'a>> {
    dims.iter()
        .filter_map(|d| match d {
            Dim::Static(_) => None,
            Dim::Value(v) => Some(*v),
        })
        .collect()
}

/// Appends operations at the end of a block, or before an operation of it.
#[derive(Clone, Copy)]
pub struct Builder<'c, 'a> {
    /// The context of all that is built.
    pub context: &'c Context,
    /// The block to append to.
    pub block: BlockRef<'c, 'a>,
    /// The location of what is built next.
    pub location: Location<'c>,
    before: Option<OperationRef<'c, 'a>>,
}

impl<'c, 'a> Builder<'c, 'a> {
    /// A builder at the end of `block`.
    pub fn at_end(context: &'c Context, block: BlockRef<'c, 'a>, location: Location<'c>) -> Self {
        Self {
            context,
            block,
            location,
            before: None,
        }
    }

    /// A builder that inserts before `op`, at its location.
    pub fn before(context: &'c Context, op: OperationRef<'c, 'a>) -> Self {
        Self {
            context,
            block: op.block().expect("the op stands in a block"),
            location: op.location(),
            before: Some(op),
        }
    }

    /// The same place with another location.
    pub fn at(self, location: Location<'c>) -> Self {
        Self { location, ..self }
    }

    /// Appends an operation.
    pub fn append(&self, op: Operation<'c>) -> OperationRef<'c, 'a> {
        match self.before {
            Some(next) => self.block.insert_operation_before(next, op),
            None => self.block.append_operation(op),
        }
    }

    /// Appends an operation and gives its first result.
    pub fn value(&self, op: Operation<'c>) -> Value<'c, 'a> {
        self.append(op)
            .result(0)
            .expect("the op has a result")
            .into()
    }

    /// Any op with one result, by name; for upstream dialects and elementwise `dl` ops.
    pub fn op(
        &self,
        name: &str,
        operands: &[Value<'c, '_>],
        attributes: &[(&str, Attribute<'c>)],
        result: Type<'c>,
    ) -> Value<'c, 'a> {
        let attributes = attributes
            .iter()
            .map(|(n, a)| (Identifier::new(self.context, n), *a))
            .collect::<Vec<_>>();
        self.value(
            OperationBuilder::new(name, self.location)
                .add_operands(operands)
                .add_attributes(&attributes)
                .add_results(&[result])
                .build()
                .expect("the result type is given"),
        )
    }

    /// An attribute from its text. The text is ours, so it parses.
    pub fn attribute(&self, text: &str) -> Attribute<'c> {
        Attribute::parse(self.context, text).expect("the attribute's text is well formed")
    }

    /// A string attribute.
    pub fn string(&self, text: &str) -> Attribute<'c> {
        StringAttribute::new(self.context, text).into()
    }

    // Index arithmetic. Constants are folded, so that known dims stay known.

    /// The type of dims.
    pub fn index_type(&self) -> Type<'c> {
        Type::index(self.context)
    }

    /// An index constant.
    pub fn index(&self, value: i64) -> Value<'c, 'a> {
        let ty = self.index_type();
        let value = IntegerAttribute::new(ty, value).into();
        self.op("arith.constant", &[], &[("value", value)], ty)
    }

    /// A dim as an index value.
    pub fn dim_value(&self, dim: Dim<'c, 'a>) -> Value<'c, 'a> {
        match dim {
            Dim::Static(d) => self.index(d),
            Dim::Value(v) => v,
        }
    }

    /// `a <op> b` on dims for an `arith` op on index values; `fold` is the same on constants.
    fn dim_op(
        &self,
        name: &str,
        a: Dim<'c, 'a>,
        b: Dim<'c, 'a>,
        fold: impl Fn(i64, i64) -> Option<i64>,
    ) -> Dim<'c, 'a> {
        if let (Dim::Static(a), Dim::Static(b)) = (a, b)
            && let Some(folded) = fold(a, b)
        {
            return Dim::Static(folded);
        }
        let (a, b) = (self.dim_value(a), self.dim_value(b));
        Dim::Value(self.op(name, &[a, b], &[], self.index_type()))
    }

    /// a + b.
    pub fn dim_add(&self, a: Dim<'c, 'a>, b: Dim<'c, 'a>) -> Dim<'c, 'a> {
        self.dim_op("arith.addi", a, b, i64::checked_add)
    }

    /// a - b.
    pub fn dim_sub(&self, a: Dim<'c, 'a>, b: Dim<'c, 'a>) -> Dim<'c, 'a> {
        self.dim_op("arith.subi", a, b, i64::checked_sub)
    }

    /// a * b.
    pub fn dim_mul(&self, a: Dim<'c, 'a>, b: Dim<'c, 'a>) -> Dim<'c, 'a> {
        self.dim_op("arith.muli", a, b, i64::checked_mul)
    }

    /// floor(a / b), for b > 0.
    pub fn dim_floor_div(&self, a: Dim<'c, 'a>, b: Dim<'c, 'a>) -> Dim<'c, 'a> {
        self.dim_op("arith.floordivsi", a, b, |a, b| {
            (b > 0).then(|| a.div_euclid(b))
        })
    }

    /// ceil(a / b), for b > 0.
    pub fn dim_ceil_div(&self, a: Dim<'c, 'a>, b: Dim<'c, 'a>) -> Dim<'c, 'a> {
        self.dim_op("arith.ceildivsi", a, b, |a, b| {
            (b > 0).then(|| -(-a).div_euclid(b))
        })
    }

    /// Whether `sum` is known to be `a + b` by how they are computed: sums of one value and constants are compared.
    pub fn dim_is_sum(&self, sum: Dim<'c, 'a>, a: Dim<'c, 'a>, b: Dim<'c, 'a>) -> bool {
        let (sum, a, b) = (Shifted::of(sum), Shifted::of(a), Shifted::of(b));
        let base = match (a.base, b.base) {
            (base, None) | (None, base) => base,
            (Some(_), Some(_)) => return false,
        };
        base == sum.base && a.by.checked_add(b.by) == Some(sum.by)
    }

    /// The dims of a tensor or memref, static where its type has them so; the others by [`Builder::dim`] or
    /// `memref.dim`.
    pub fn dims(&self, value: Value<'c, 'a>) -> Vec<Dim<'c, 'a>> {
        let tensor = shape::is_tensor(value.r#type());
        shape_of(value)
            .into_iter()
            .enumerate()
            .map(|(axis, d)| match d {
                DYNAMIC if tensor => Dim::Value(self.dim_value(self.dim(value, axis))),
                DYNAMIC => {
                    let axis = self.index(axis as i64);
                    Dim::Value(self.op("memref.dim", &[value, axis], &[], self.index_type()))
                }
                d => Dim::Static(d),
            })
            .collect()
    }

    // `dl` ops, with results inferred.

    /// A `dl.constant` of rank 0 from the text of a number (`1.5`, `-3`, `inf`, `-inf`, `nan`, `true`).
    pub fn scalar(&self, element: Type<'c>, text: &str) -> Value<'c, 'a> {
        let ty = shape::tensor(&[], element);
        let value = self.attribute(&format!("dense<{}> : {ty}", literal(element, text)));
        self.value(build::constant(self.context, value, ty, self.location))
    }

    /// A tensor of `dims` filled with a number, given as text.
    pub fn full(&self, dims: &[Dim<'c, 'a>], element: Type<'c>, text: &str) -> Value<'c, 'a> {
        let scalar = self.scalar(element, text);
        match dims.is_empty() {
            true => scalar,
            false => self.broadcast(scalar, &[], dims),
        }
    }

    /// A tensor of x's shape and element type filled with a number, given as text.
    pub fn full_like(&self, x: Value<'c, 'a>, text: &str) -> Value<'c, 'a> {
        self.full(&self.dims(x), element_of(x), text)
    }

    /// An elementwise op whose result has the first operand's shape: its element type too, except for
    /// comparisons and predicates (bool) and `select` (the second operand's).
    pub fn elementwise(&self, kind: OpKind, operands: &[Value<'c, 'a>]) -> Value<'c, 'a> {
        let first = operands[0];
        let result = match kind {
            OpKind::Select => operands[1].r#type(),
            OpKind::Equal
            | OpKind::NotEqual
            | OpKind::Less
            | OpKind::LessEqual
            | OpKind::Greater
            | OpKind::GreaterEqual
            | OpKind::Isnan
            | OpKind::Isfinite
            | OpKind::Isinf => {
                shape::tensor(&shape_of(first), IntegerType::new(self.context, 1).into())
            }
            _ => first.r#type(),
        };
        self.op(&format!("dl.{}", kind.mnemonic()), operands, &[], result)
    }

    /// `dl.convert` to another element type; x itself where it has that type.
    pub fn convert(&self, x: Value<'c, 'a>, element: Type<'c>) -> Value<'c, 'a> {
        if element_of(x) == element {
            return x;
        }
        let ty = shape::tensor(&shape_of(x), element);
        self.value(build::convert(self.context, x, ty, self.location))
    }

    /// `dl.broadcast`: axis i of x becomes axis `axes[i]` of a result with `dims`.
    pub fn broadcast(&self, x: Value<'c, 'a>, axes: &[i64], dims: &[Dim<'c, 'a>]) -> Value<'c, 'a> {
        let ty = shape::tensor(&type_shape(dims), element_of(x));
        let sizes = dynamic(dims);
        self.value(build::broadcast(
            self.context,
            x,
            &sizes,
            axes,
            ty,
            self.location,
        ))
    }

    /// `dl.reshape`.
    pub fn reshape(&self, x: Value<'c, 'a>, dims: &[Dim<'c, 'a>]) -> Value<'c, 'a> {
        let ty = shape::tensor(&type_shape(dims), element_of(x));
        let sizes = dynamic(dims);
        self.value(build::reshape(self.context, x, &sizes, ty, self.location))
    }

    /// `dl.transpose`.
    pub fn transpose(&self, x: Value<'c, 'a>, permutation: &[i64]) -> Value<'c, 'a> {
        let from = shape_of(x);
        let to = permutation
            .iter()
            .map(|&p| from[p as usize])
            .collect::<Vec<_>>();
        let ty = shape::tensor(&to, element_of(x));
        self.value(build::transpose(
            self.context,
            x,
            permutation,
            ty,
            self.location,
        ))
    }

    /// `dl.reduce` of a kind over ascending axes.
    pub fn reduce(&self, kind: &str, x: Value<'c, 'a>, axes: &[i64]) -> Value<'c, 'a> {
        let kept = shape_of(x)
            .into_iter()
            .enumerate()
            .filter(|(i, _)| !axes.contains(&(*i as i64)))
            .map(|(_, d)| d)
            .collect::<Vec<_>>();
        let ty = shape::tensor(&kept, element_of(x));
        self.value(build::reduce(
            self.context,
            x,
            kind,
            axes,
            ty,
            self.location,
        ))
    }

    /// `dl.dot_general` with batch and contracting axes of both sides, in the precision of another one.
    pub fn dot_general_like(
        &self,
        like: DotGeneral<'c, 'a>,
        (lhs, rhs): (Value<'c, 'a>, Value<'c, 'a>),
        batch: (&[i64], &[i64]),
        contract: (&[i64], &[i64]),
    ) -> Value<'c, 'a> {
        let (l, r) = (shape_of(lhs), shape_of(rhs));
        let free = |shape: &[i64], batch: &[i64], contract: &[i64]| {
            (0..shape.len() as i64)
                .filter(|i| !batch.contains(i) && !contract.contains(i))
                .map(|i| shape[i as usize])
                .collect::<Vec<_>>()
        };
        let mut result = batch.0.iter().map(|&i| l[i as usize]).collect::<Vec<_>>();
        result.extend(free(&l, batch.0, contract.0));
        result.extend(free(&r, batch.1, contract.1));
        let ty = shape::tensor(&result, element_of(lhs));
        self.value(build::dot_general(
            self.context,
            lhs,
            rhs,
            batch.0,
            batch.1,
            contract.0,
            contract.1,
            like.precision(),
            ty,
            self.location,
        ))
    }

    /// A derivative expression of an elementwise op: `operands` and `result` are the op's, `grad` the
    /// gradient of its result. `literal` makes a number of the gradient's type and shape.
    pub fn derivative(
        &self,
        expr: &Expr,
        operands: &[Value<'c, 'a>],
        result: Value<'c, 'a>,
        grad: Value<'c, 'a>,
        literal: &dyn Fn(&str) -> Value<'c, 'a>,
    ) -> Value<'c, 'a> {
        match expr {
            Expr::Operand(i) => operands[*i],
            Expr::Result => result,
            Expr::Grad => grad,
            Expr::Lit(text) => literal(text),
            Expr::Apply("convert", _) => self.convert(grad, element_of(operands[0])),
            Expr::Apply(name, args) => {
                let kind = OpKind::from_mnemonic(name).expect("a derivative names an op");
                let args = args
                    .iter()
                    .map(|arg| self.derivative(arg, operands, result, grad, literal))
                    .collect::<Vec<_>>();
                let value = self.elementwise(kind, &args);
                if let Some(op) = defining_op(value).filter(|_| kind.is_step()) {
                    edit::set_attribute(op, BY_RULE, Attribute::unit(self.context));
                }
                value
            }
        }
    }
}

/// A dim as a value and a constant that is added to it.
struct Shifted<'c, 'a> {
    base: Option<Value<'c, 'a>>,
    by: i64,
}

impl<'c: 'a, 'a> Shifted<'c, 'a> {
    fn of(dim: Dim<'c, 'a>) -> Self {
        let (mut at, mut by) = match dim {
            Dim::Static(by) => return Self { base: None, by },
            Dim::Value(value) => (value, 0i64),
        };
        while let Some((base, more)) = Self::step(at)
            && let Some(sum) = by.checked_add(more)
        {
            (at, by) = (base, sum);
        }
        match constant_index(at).and_then(|constant| by.checked_add(constant)) {
            Some(by) => Self { base: None, by },
            None => Self { base: Some(at), by },
        }
    }

    /// What a constant is added to, and the constant.
    fn step(value: Value<'c, 'a>) -> Option<(Value<'c, 'a>, i64)> {
        let op = defining_op(value)?;
        let (a, b) = (op.operand(0).ok()?, op.operand(1).ok()?);
        match edit::name(op) {
            "arith.addi" => match (constant_index(a), constant_index(b)) {
                (_, Some(by)) => Some((a, by)),
                (Some(by), _) => Some((b, by)),
                _ => None,
            },
            "arith.subi" => Some((a, constant_index(b)?.checked_neg()?)),
            _ => None,
        }
    }
}

/// The value of an `arith.constant` of type index.
fn constant_index(value: Value) -> Option<i64> {
    let op = defining_op(value)?;
    let value = IntegerAttribute::try_from(op.attribute("value").ok()?).ok()?;
    (edit::name(op) == "arith.constant").then(|| value.value())
}

/// On an op that is constant but for its steps and that no program wrote: a rule of a derivative did.
pub const BY_RULE: &str = "dl.by_rule";

/// The gradient expressions of an elementwise op, if it has any.
pub fn derivative_rules(kind: OpKind) -> Option<&'static [Option<Expr>]> {
    match kind.elementwise()?.derivative {
        Derivative::Rules(rules) => Some(rules),
        Derivative::Inactive => None,
    }
}

/// A number's text as MLIR's `dense` wants it for an element type: infinities and NaN of floats as their
/// bits, bools as words, floats with a point.
pub fn literal(element: Type, text: &str) -> String {
    use shape::ElementClass::*;
    match (shape::class(element), text) {
        (Bool, "0") => "false".into(),
        (Bool, "1") => "true".into(),
        (Float, "inf" | "-inf" | "nan") => {
            let bits: u64 = match (element.to_string().as_str(), text) {
                ("f16", "inf") => 0x7c00,
                ("f16", "-inf") => 0xfc00,
                ("f16", _) => 0x7e00,
                ("bf16", "inf") => 0x7f80,
                ("bf16", "-inf") => 0xff80,
                ("bf16", _) => 0x7fc0,
                ("f32", "inf") => 0x7f80_0000,
                ("f32", "-inf") => 0xff80_0000,
                ("f32", _) => 0x7fc0_0000,
                (_, "inf") => 0x7ff0_0000_0000_0000,
                (_, "-inf") => 0xfff0_0000_0000_0000,
                _ => 0x7ff8_0000_0000_0000,
            };
            format!(
                "0x{bits:0width$X}",
                width = shape::width(element) as usize / 4
            )
        }
        (Float, text) if !text.contains(['.', 'x']) => match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => format!("{mantissa}.0e{exponent}"),
            None => format!("{text}.0"),
        },
        _ => text.into(),
    }
}
