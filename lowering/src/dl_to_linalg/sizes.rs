//! Sizes as polynomials: two dims that are equal have one polynomial, and one SSA value.

use crate::emit::Emitter;
use dlc_abi::dim::{Factor, Poly};
use dlc_dialects::ir::{
    inspect::identity,
    shape::{self, DYNAMIC},
};
use melior::ir::{
    OperationRef, Type, Value, attribute::IntegerAttribute, operation::OperationLike,
};
use std::collections::{BTreeMap, HashMap};

/// What is known of `index` values, and the values that stand for sizes: those of the current block and of the blocks
/// around it.
#[derive(Default)]
pub struct Sizes<'c, 'a> {
    /// The polynomial of an index value of the function as it was, by the value's identity.
    known: HashMap<usize, Poly>,
    /// The value of a polynomial in the function as it becomes.
    values: BTreeMap<Poly, Value<'c, 'a>>,
    unnamed: usize,
}

/// The values at hand before a region.
pub struct Scope<'c, 'a>(BTreeMap<Poly, Value<'c, 'a>>);

impl<'c, 'a> Sizes<'c, 'a> {
    /// Gives a dim's name its value.
    pub fn bind(&mut self, name: &str, value: Value<'c, 'a>) {
        self.values.insert(Poly::name(name), value);
    }

    /// The values at hand. Those that a region makes are forgotten after it with [`Sizes::leave`].
    pub fn enter(&self) -> Scope<'c, 'a> {
        Scope(self.values.clone())
    }

    /// Forgets the values made since the scope was entered.
    pub fn leave(&mut self, scope: Scope<'c, 'a>) {
        self.values = scope.0;
    }

    /// Whether a polynomial has a value here: all its names do.
    pub fn knows(&self, poly: &Poly) -> bool {
        let known = |name: &String| self.values.contains_key(&Poly::name(name));
        poly.names().iter().all(known)
    }

    /// A polynomial for a value of which nothing is known.
    pub fn opaque(&mut self, value: Value<'c, 'a>) -> Poly {
        let poly = Poly::name(format!("%{}", self.unnamed));
        self.unnamed += 1;
        self.values.insert(poly.clone(), value);
        poly
    }

    /// Says what an old index value is.
    pub fn learn(&mut self, old: Value, poly: Poly) {
        self.known.insert(identity(old), poly);
    }

    /// What an old index value is.
    pub fn poly(&self, old: Value) -> Poly {
        self.known
            .get(&identity(old))
            .cloned()
            .expect("index values are mapped before their uses")
    }

    /// What old index values are.
    pub fn polys(&self, old: &[Value]) -> Vec<Poly> {
        old.iter().map(|value| self.poly(*value)).collect()
    }

    /// The polynomial of an operation on index values, if it has one.
    pub fn arithmetic(&self, op: OperationRef) -> Option<Poly> {
        let name = op.name();
        let name = name.as_string_ref();
        if name.as_str() == Ok("arith.constant") {
            let value = IntegerAttribute::try_from(op.attribute("value").ok()?).ok()?;
            return Some(Poly::constant(value.value()));
        }
        if op.operand_count() != 2 {
            return None;
        }
        let [a, b] = [0, 1].map(|i| Some(self.poly(op.operand(i).ok()?)));
        let (a, b) = (a?, b?);
        match name.as_str().ok()? {
            "arith.addi" => Some(a + b),
            "arith.subi" => Some(a - b),
            "arith.muli" => Some(a * b),
            "arith.floordivsi" => a.floor_div(b.as_const()?),
            "arith.ceildivsi" => {
                let b = b.as_const()?;
                (a + Poly::constant(b - 1)).floor_div(b)
            }
            _ => None,
        }
    }

    /// The value of a polynomial, computed at most once.
    pub fn value(&mut self, e: &Emitter<'c, 'a>, poly: &Poly) -> Value<'c, 'a> {
        if let Some(value) = self.values.get(poly) {
            return *value;
        }
        let mut sum: Option<Value<'c, 'a>> = None;
        for (coefficient, factors) in poly.terms() {
            let coefficient = i64::try_from(coefficient).unwrap_or(i64::MAX);
            let mut product =
                (coefficient != 1 || factors.is_empty()).then(|| e.index(coefficient));
            for factor in factors {
                let factor = self.factor(e, factor);
                product = Some(match product {
                    Some(product) => e.mul(product, factor),
                    None => factor,
                });
            }
            let term = product.expect("a term has a coefficient or a factor");
            sum = Some(match sum {
                Some(sum) => e.add(sum, term),
                None => term,
            });
        }
        let value = sum.unwrap_or_else(|| e.index(0));
        self.values.insert(poly.clone(), value);
        value
    }

    fn factor(&mut self, e: &Emitter<'c, 'a>, factor: Factor) -> Value<'c, 'a> {
        let floor = |sizes: &mut Self, poly: &Poly, divisor: i64| {
            let (poly, divisor) = (sizes.value(e, poly), e.index(divisor));
            (
                poly,
                divisor,
                e.op("arith.floordivsi", &[poly, divisor], e.index_type()),
            )
        };
        match factor {
            Factor::Name(name) => self.value(e, &Poly::name(name)),
            Factor::FloorDiv(poly, divisor) => floor(self, poly, divisor).2,
            Factor::Rem(poly, divisor) => {
                let (poly, divisor, quotient) = floor(self, poly, divisor);
                e.sub(poly, e.mul(quotient, divisor))
            }
        }
    }

    /// The values of the sizes that a type of this shape leaves open.
    pub fn dynamic(&mut self, e: &Emitter<'c, 'a>, dims: &[Poly]) -> Vec<Value<'c, 'a>> {
        dims.iter()
            .filter(|dim| dim.as_const().is_none())
            .map(|dim| self.value(e, dim))
            .collect()
    }

    /// The sizes of a tensor of which only the type is known: `tensor.dim` for the others.
    pub fn of_value(&mut self, e: &Emitter<'c, 'a>, tensor: Value<'c, 'a>) -> Vec<Poly> {
        let shape = shape::shape_of(tensor);
        let dims = shape.into_iter().enumerate().map(|(axis, dim)| match dim {
            DYNAMIC => {
                let axis = e.index(axis as i64);
                let dim = e.op("tensor.dim", &[tensor, axis], e.index_type());
                self.opaque(dim)
            }
            dim => Poly::constant(dim),
        });
        dims.collect()
    }
}

/// The tensor type of a shape.
pub fn tensor_type<'c>(dims: &[Poly], element: Type<'c>) -> Type<'c> {
    let dims = dims
        .iter()
        .map(|dim| dim.as_const().unwrap_or(DYNAMIC))
        .collect::<Vec<_>>();
    shape::tensor(&dims, element)
}

/// The sizes of a result: those that follow from the operands, but known where the result's type says so.
/// `sizes` are for each `?` of the type.
pub fn result_dims(ty: Type, sizes: &[Poly]) -> Vec<Poly> {
    let mut sizes = sizes.iter();
    shape::shape(ty)
        .into_iter()
        .map(|dim| match dim {
            DYNAMIC => sizes
                .next()
                .cloned()
                .expect("the verifier counts the sizes"),
            dim => Poly::constant(dim),
        })
        .collect()
}

/// Sizes that follow from the operands, but known where a type says so.
pub fn refine(mut dims: Vec<Poly>, ty: Type) -> Vec<Poly> {
    for (dim, known) in dims.iter_mut().zip(shape::shape(ty)) {
        if known != DYNAMIC {
            *dim = Poly::constant(known);
        }
    }
    dims
}

/// The product of dims.
pub fn product(dims: &[Poly]) -> Poly {
    dims.iter()
        .fold(Poly::one(), |product, dim| product * dim.clone())
}
