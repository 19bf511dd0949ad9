//! Dims as normalised polynomials over dim names.
//!
//! Two dims are equal exactly when their normal forms are, so `1 + n` and `n + 1` are one value.
//! The canonical text (`Display`) is also what stands in IR attributes and in the manifest.
//!
//! Division and remainder round to negative infinity, so `p == c * (p / c) + p % c` holds for all
//! values. Their parts that are known are folded: `(4*B + 2) / 4` is `B + 0` and `(4*B + 2) % 4`
//! is `2`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::{Add, Mul, Neg, Sub};
use std::sync::Arc;

pub use crate::dim_parse::ParseError;

/// A polynomial over dim names with integer coefficients, in normal form.
///
/// Coefficients are kept in 128 bits and saturate there; a polynomial with a coefficient beyond
/// 64 bits is never a valid size, and [`Poly::eval`] says so.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Poly {
    /// Invariant: in the order of the monomials, of which each occurs once, and no coefficient is zero.
    terms: Vec<(Monomial, i128)>,
}

/// A product of atoms, sorted, with repetition for powers; empty for the constant term.
type Monomial = Vec<Atom>;

/// What a polynomial is made of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Atom {
    /// A dim name.
    Name(Arc<str>),
    /// `floor(poly / c)`, `c >= 2`.
    FloorDiv(Box<Poly>, i64),
    /// `poly mod c` in `0..c`, `c >= 2`.
    Rem(Box<Poly>, i64),
}

/// Why a polynomial has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EvalError {
    /// A dim has no value.
    Unknown(String),
    /// The value does not fit in 64 bits.
    Overflow,
}

impl fmt::Display for EvalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EvalError::Unknown(name) => write!(f, "dim {name} has no value"),
            EvalError::Overflow => write!(f, "the value does not fit in 64 bits"),
        }
    }
}

impl std::error::Error for EvalError {}

impl Poly {
    /// The polynomial `0`.
    pub fn zero() -> Self {
        Self::default()
    }

    /// The polynomial `1`.
    pub fn one() -> Self {
        Self::constant(1)
    }

    /// A constant.
    pub fn constant(value: i64) -> Self {
        Self::wide(i128::from(value))
    }

    /// A constant that may lie beyond 64 bits.
    pub(crate) fn wide(value: i128) -> Self {
        let mut poly = Self::zero();
        poly.add_term(Vec::new(), value);
        poly
    }

    /// The dim `name` itself.
    pub fn name(name: impl Into<String>) -> Self {
        Self::atom(Atom::Name(name.into().into()))
    }

    /// Parses text such as `4*B*T + 1` or `(B + 3) / 4`.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        crate::dim_parse::parse(text)
    }

    fn atom(atom: Atom) -> Self {
        let mut poly = Self::zero();
        poly.add_term(vec![atom], 1);
        poly
    }

    fn add_term(&mut self, monomial: Monomial, coefficient: i128) {
        if coefficient == 0 {
            return;
        }
        let place = self
            .terms
            .binary_search_by(|(known, _)| known.cmp(&monomial));
        match place {
            Err(place) => self.terms.insert(place, (monomial, coefficient)),
            Ok(place) => {
                let sum = self.terms[place].1.saturating_add(coefficient);
                match sum {
                    0 => drop(self.terms.remove(place)),
                    _ => self.terms[place].1 = sum,
                }
            }
        }
    }

    /// The constant term.
    fn offset(&self) -> i128 {
        // The empty monomial is the least.
        match self.terms.first() {
            Some((monomial, coefficient)) if monomial.is_empty() => *coefficient,
            _ => 0,
        }
    }

    /// The value, when there is no dim in it and it fits in 64 bits.
    pub fn as_const(&self) -> Option<i64> {
        self.as_wide_const()
            .and_then(|value| i64::try_from(value).ok())
    }

    /// Whether every coefficient in it fits in 64 bits, as those of a size do.
    pub fn fits(&self) -> bool {
        let part = |atom: &Atom| match atom {
            Atom::Name(_) => true,
            Atom::FloorDiv(inner, _) | Atom::Rem(inner, _) => inner.fits(),
        };
        self.terms.iter().all(|(monomial, coefficient)| {
            i64::try_from(*coefficient).is_ok() && monomial.iter().all(part)
        })
    }

    /// The value, when there is no dim in it.
    pub(crate) fn as_wide_const(&self) -> Option<i128> {
        match self.terms.as_slice() {
            [] => Some(0),
            [(monomial, coefficient)] => monomial.is_empty().then_some(*coefficient),
            _ => None,
        }
    }

    /// The dim, when the polynomial is just that.
    pub fn as_name(&self) -> Option<&str> {
        let [(monomial, 1)] = self.terms.as_slice() else {
            return None;
        };
        match monomial.as_slice() {
            [Atom::Name(name)] => Some(name),
            _ => None,
        }
    }

    /// The dims that occur, in alphabetical order.
    pub fn names(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        self.collect_names(&mut names);
        names
    }

    fn collect_names(&self, names: &mut BTreeSet<String>) {
        for atom in self.terms.iter().flat_map(|(monomial, _)| monomial) {
            match atom {
                Atom::Name(name) => {
                    names.insert(name.to_string());
                }
                Atom::FloorDiv(inner, _) | Atom::Rem(inner, _) => inner.collect_names(names),
            }
        }
    }

    /// The number of terms; a caller that multiplies in a loop limits itself by it.
    pub fn term_count(&self) -> usize {
        self.terms.len()
    }

    /// The highest number of factors in a term.
    pub fn degree(&self) -> usize {
        let degrees = self.terms.iter().map(|(monomial, _)| monomial.len());
        degrees.max().unwrap_or(0)
    }

    /// `(a, b)` when the polynomial is `a * name + b` with constant `a != 0` and `b`.
    pub fn as_linear_in(&self, name: &str) -> Option<(i64, i64)> {
        let (mut slope, mut offset) = (None, 0);
        for &(ref monomial, coefficient) in &self.terms {
            match monomial.as_slice() {
                [] => offset = i64::try_from(coefficient).ok()?,
                [Atom::Name(other)] if **other == *name => {
                    slope = Some(i64::try_from(coefficient).ok()?);
                }
                _ => return None,
            }
        }
        Some((slope?, offset))
    }

    /// `floor(self / divisor)`; `None` unless `divisor` is positive.
    pub fn floor_div(&self, divisor: i64) -> Option<Self> {
        let (quotient, rest) = self.divide(divisor)?;
        Some(match rest {
            None => quotient,
            Some(rest) => quotient + rest.floor,
        })
    }

    /// `self mod divisor`, in `0..divisor`; `None` unless `divisor` is positive.
    pub fn rem(&self, divisor: i64) -> Option<Self> {
        let (_, rest) = self.divide(divisor)?;
        Some(match rest {
            None => Self::zero(),
            Some(rest) => rest.rem,
        })
    }

    /// Splits into what `divisor` divides term by term and the floor and remainder of the rest.
    fn divide(&self, divisor: i64) -> Option<(Self, Option<Divided>)> {
        if divisor <= 0 {
            return None;
        }
        let wide = i128::from(divisor);
        let (mut quotient, mut rest) = (Self::zero(), Self::zero());
        for &(ref monomial, coefficient) in &self.terms {
            quotient.add_term(monomial.clone(), coefficient.div_euclid(wide));
            rest.add_term(monomial.clone(), coefficient.rem_euclid(wide));
        }
        if rest.terms.is_empty() {
            return Some((quotient, None));
        }
        if rest.as_wide_const().is_some() {
            let divided = Divided {
                floor: Self::zero(),
                rem: rest,
            };
            return Some((quotient, Some(divided)));
        }
        Some((quotient, Some(Divided::of(rest, divisor))))
    }

    /// The value for given dims.
    pub fn eval(&self, value_of: &dyn Fn(&str) -> Option<i64>) -> Result<i64, EvalError> {
        let value = self.eval_wide(value_of)?;
        i64::try_from(value).map_err(|_| EvalError::Overflow)
    }

    fn eval_wide(&self, value_of: &dyn Fn(&str) -> Option<i64>) -> Result<i128, EvalError> {
        let mut sum = 0i128;
        for &(ref monomial, coefficient) in &self.terms {
            let mut product = coefficient;
            for atom in monomial {
                let factor = match atom {
                    Atom::Name(name) => i128::from(
                        value_of(name).ok_or_else(|| EvalError::Unknown(name.to_string()))?,
                    ),
                    Atom::FloorDiv(inner, divisor) => {
                        inner.eval_wide(value_of)?.div_euclid(i128::from(*divisor))
                    }
                    Atom::Rem(inner, divisor) => {
                        inner.eval_wide(value_of)?.rem_euclid(i128::from(*divisor))
                    }
                };
                product = product.checked_mul(factor).ok_or(EvalError::Overflow)?;
            }
            sum = sum.checked_add(product).ok_or(EvalError::Overflow)?;
        }
        Ok(sum)
    }

    /// Replaces dims by polynomials; dims not in `map` stay.
    pub fn substitute(&self, map: &BTreeMap<String, Poly>) -> Self {
        self.substitute_with(&|name| map.get(name).cloned())
    }

    /// Replaces dims by what `poly_of` gives; dims it gives nothing for stay.
    pub fn substitute_with(&self, poly_of: &dyn Fn(&str) -> Option<Poly>) -> Self {
        const POSITIVE: &str = "the divisor of an atom is positive";
        let mut result = Self::zero();
        for &(ref monomial, coefficient) in &self.terms {
            let mut product = Self::wide(coefficient);
            for atom in monomial {
                let factor = match atom {
                    Atom::Name(name) => poly_of(name).unwrap_or_else(|| Self::atom(atom.clone())),
                    Atom::FloorDiv(inner, divisor) => inner
                        .substitute_with(poly_of)
                        .floor_div(*divisor)
                        .expect(POSITIVE),
                    Atom::Rem(inner, divisor) => inner
                        .substitute_with(poly_of)
                        .rem(*divisor)
                        .expect(POSITIVE),
                };
                product = product * factor;
            }
            result = result + product;
        }
        result
    }

    /// The terms in printed order: higher degree first, the constant last.
    fn printed_terms(&self) -> Vec<(&Monomial, i128)> {
        let mut terms: Vec<_> = self.terms.iter().map(|(m, c)| (m, *c)).collect();
        terms.sort_by(|(a, _), (b, _)| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        terms
    }

    /// The polynomial as a list of terms, each a coefficient and its factors, for emitters.
    pub fn terms(&self) -> Vec<(i128, Vec<Factor<'_>>)> {
        self.printed_terms()
            .into_iter()
            .map(|(monomial, coefficient)| {
                let factors = monomial
                    .iter()
                    .map(|atom| match atom {
                        Atom::Name(name) => Factor::Name(name),
                        Atom::FloorDiv(inner, divisor) => Factor::FloorDiv(inner, *divisor),
                        Atom::Rem(inner, divisor) => Factor::Rem(inner, *divisor),
                    })
                    .collect();
                (coefficient, factors)
            })
            .collect()
    }
}

/// One factor of a term, as [`Poly::terms`] gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Factor<'a> {
    /// A dim.
    Name(&'a str),
    /// `floor(poly / c)`, `c >= 2`.
    FloorDiv(&'a Poly, i64),
    /// `poly mod c` in `0..c`, `c >= 2`.
    Rem(&'a Poly, i64),
}

/// Floor and remainder of the part of a polynomial that a divisor does not divide term by term.
struct Divided {
    floor: Poly,
    rem: Poly,
}

impl Divided {
    /// `rest` has a dim in it and coefficients in `0..divisor`.
    fn of(rest: Poly, divisor: i64) -> Self {
        // A common factor g of the terms and the divisor is taken out:
        // (g*p + k) / (g*c) = (p + k/g) / c, and (g*p + k) % (g*c) = g * ((p + k/g) % c) + k % g.
        let constant = rest.offset();
        let common = rest
            .terms
            .iter()
            .filter(|(monomial, _)| !monomial.is_empty())
            .fold(i128::from(divisor), |g, (_, c)| gcd(g, *c));
        let divisor = i64::try_from(i128::from(divisor) / common)
            .expect("a quotient of a 64-bit number fits");
        let mut reduced = Poly::zero();
        for (monomial, coefficient) in &rest.terms {
            reduced.add_term(monomial.clone(), coefficient.div_euclid(common));
        }
        let left = Poly::wide(constant.rem_euclid(common));
        if divisor == 1 {
            return Self {
                floor: reduced,
                rem: left,
            };
        }
        let rem = Poly::atom(Atom::Rem(Box::new(reduced.clone()), divisor));
        Self {
            floor: Self::floor_atom(reduced, divisor),
            rem: Poly::wide(common) * rem + left,
        }
    }

    /// `floor(poly / divisor)`, with `floor((floor(p / a) + k) / b) = floor((p + a*k) / (a*b))`.
    fn floor_atom(poly: Poly, divisor: i64) -> Poly {
        let constant = poly.offset();
        let mut others = poly.terms.iter().filter(|(m, _)| !m.is_empty());
        if let (Some((monomial, 1)), None) = (others.next(), others.next())
            && let [Atom::FloorDiv(inner, first)] = monomial.as_slice()
            && let Some(product) = first.checked_mul(divisor)
        {
            let inner = (**inner).clone() + Poly::wide(constant.saturating_mul(i128::from(*first)));
            return inner
                .floor_div(product)
                .expect("both divisors are positive");
        }
        Poly::atom(Atom::FloorDiv(Box::new(poly), divisor))
    }
}

fn gcd(a: i128, b: i128) -> i128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl From<i64> for Poly {
    fn from(value: i64) -> Self {
        Self::constant(value)
    }
}

impl Add for Poly {
    type Output = Poly;
    fn add(mut self, other: Poly) -> Poly {
        for (monomial, coefficient) in other.terms {
            self.add_term(monomial, coefficient);
        }
        self
    }
}

impl Neg for Poly {
    type Output = Poly;
    fn neg(mut self) -> Poly {
        for (_, coefficient) in &mut self.terms {
            *coefficient = coefficient.saturating_neg();
        }
        self
    }
}

impl Sub for Poly {
    type Output = Poly;
    fn sub(self, other: Poly) -> Poly {
        self + -other
    }
}

impl Mul for Poly {
    type Output = Poly;
    fn mul(self, other: Poly) -> Poly {
        &self * &other
    }
}

impl<'a> Add<&'a Poly> for &'a Poly {
    type Output = Poly;
    fn add(self, other: &Poly) -> Poly {
        self.clone() + other.clone()
    }
}

impl<'a> Sub<&'a Poly> for &'a Poly {
    type Output = Poly;
    fn sub(self, other: &Poly) -> Poly {
        self.clone() - other.clone()
    }
}

impl<'a> Mul<&'a Poly> for &'a Poly {
    type Output = Poly;
    fn mul(self, other: &Poly) -> Poly {
        let mut product = Poly::zero();
        for (a, x) in &self.terms {
            for (b, y) in &other.terms {
                let mut monomial: Monomial = a.iter().chain(b).cloned().collect();
                monomial.sort();
                product.add_term(monomial, x.saturating_mul(*y));
            }
        }
        product
    }
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (inner, sign, divisor) = match self {
            Atom::Name(name) => return f.write_str(name),
            Atom::FloorDiv(inner, divisor) => (inner, '/', divisor),
            Atom::Rem(inner, divisor) => (inner, '%', divisor),
        };
        if inner.as_name().is_some() {
            write!(f, "({inner} {sign} {divisor})")
        } else {
            write!(f, "(({inner}) {sign} {divisor})")
        }
    }
}

impl fmt::Display for Poly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.terms.is_empty() {
            return f.write_str("0");
        }
        for (i, (monomial, coefficient)) in self.printed_terms().into_iter().enumerate() {
            match (i, coefficient < 0) {
                (0, true) => f.write_str("-")?,
                (0, false) => {}
                (_, true) => f.write_str(" - ")?,
                (_, false) => f.write_str(" + ")?,
            }
            let magnitude = coefficient.unsigned_abs();
            if monomial.is_empty() {
                write!(f, "{magnitude}")?;
                continue;
            }
            if magnitude != 1 {
                write!(f, "{magnitude}*")?;
            }
            for (j, atom) in monomial.iter().enumerate() {
                let star = if j == 0 { "" } else { "*" };
                write!(f, "{star}{atom}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
