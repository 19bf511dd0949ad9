//! Bytes for all dims of their ranges: sums of monomials, and which of two is never the smaller.

use super::{SAMPLES, TYPICAL, sample};
use dlc_abi::{DimRange, Poly, WORKSPACE_ALIGN, dim::Factor};
use std::collections::BTreeMap;

/// The most sums that a maximum is of; beyond, two become one that is at least as great as both.
const TERMS: usize = 8;

/// The bytes that a process can address, above which sizes are not told apart: so that sums of those of some ten thousand
/// buffers are in range.
const MOST: i64 = 1 << 47;

/// The coefficients of monomials in dims that count from their least values, so that `16*B*T >= 4*B` shows where T is
/// at least 1.
pub type Sum = Vec<i128>;

/// The monomials of sums.
pub struct Basis<'x> {
    dims: &'x [DimRange],
    monomials: Vec<Monomial>,
    /// The numbers of the monomials.
    numbers: BTreeMap<Poly, usize>,
}

struct Monomial {
    /// In the dims themselves.
    poly: Poly,
    /// The least value there can be; nothing where it may be negative.
    least: Option<i128>,
    /// The greatest, if it is known.
    most: Option<i128>,
    /// The values at the samples.
    values: [i128; SAMPLES.len()],
}

impl<'x> Basis<'x> {
    /// No monomials yet, in these dims.
    pub fn new(dims: &'x [DimRange]) -> Self {
        let (monomials, numbers) = (vec![], BTreeMap::new());
        Self {
            dims,
            monomials,
            numbers,
        }
    }

    /// A polynomial as a sum.
    pub fn sum(&mut self, bytes: &Poly) -> Sum {
        let shifted = bytes.substitute_with(&|name| {
            let least = self.range(name)?.min.max(0);
            Some(Poly::name(name) + Poly::constant(least))
        });
        let mut sum = vec![0; self.monomials.len()];
        for (coefficient, factors) in shifted.terms() {
            let number = self.number(&factors);
            sum.resize(self.monomials.len(), 0);
            sum[number] = coefficient;
        }
        sum
    }

    /// A sum as a polynomial.
    pub fn poly(&self, sum: &Sum) -> Poly {
        let terms = sum.iter().zip(&self.monomials);
        let terms = terms.filter(|(coefficient, _)| **coefficient != 0);
        terms.fold(Poly::zero(), |sum, (coefficient, monomial)| {
            let coefficient = i64::try_from(*coefficient).unwrap_or(i64::MAX);
            sum + Poly::constant(coefficient) * monomial.poly.clone()
        })
    }

    /// The value at a sample of dims, or [`MOST`] where it is more.
    pub fn at(&self, sum: &Sum, sample: usize) -> i64 {
        let terms = sum.iter().zip(&self.monomials);
        let value = terms.fold(0i128, |sum, (coefficient, monomial)| {
            sum.saturating_add(coefficient.saturating_mul(monomial.values[sample]))
        });
        i64::try_from(value).map_or(MOST, |value| value.min(MOST))
    }

    /// Both together.
    pub fn add(&self, a: &Sum, b: &Sum) -> Sum {
        let at = |sum: &Sum, i: usize| sum.get(i).copied().unwrap_or(0);
        (0..self.monomials.len())
            .map(|i| at(a, i).saturating_add(at(b, i)))
            .collect()
    }

    /// Adds a sum to those whose maximum is meant, and keeps them few.
    pub fn add_to_maximum(&self, maximum: &mut Vec<Sum>, sum: Sum) {
        if maximum.iter().any(|other| self.holds(other, &sum)) {
            return;
        }
        maximum.retain(|other| !self.holds(&sum, other));
        maximum.push(sum);
        while maximum.len() > TERMS {
            let pairs = (0..maximum.len()).flat_map(|j| (0..j).map(move |i| (i, j)));
            let joined = pairs.filter_map(|(i, j)| {
                let both = self.join(&maximum[i], &maximum[j])?;
                Some((self.at(&both, TYPICAL), i, j, both))
            });
            let Some((_, i, j, both)) = joined.min() else {
                return;
            };
            maximum.remove(j);
            maximum.remove(i);
            maximum.retain(|other| !self.holds(&both, other));
            maximum.push(both);
        }
    }

    /// Whether `a >= b` for all dims in their ranges.
    fn holds(&self, a: &Sum, b: &Sum) -> bool {
        let at = |sum: &Sum, i: usize| sum.get(i).copied().unwrap_or(0);
        let mut least = 0i128;
        for (i, monomial) in self.monomials.iter().enumerate() {
            let difference = at(a, i).saturating_sub(at(b, i));
            let (Some(from), to) = (monomial.least, monomial.most) else {
                match difference {
                    0 => continue,
                    _ => return false,
                }
            };
            let least_of_term = match difference {
                0.. => difference.saturating_mul(from),
                _ => match to {
                    Some(to) => difference.saturating_mul(to),
                    None => return false,
                },
            };
            least = least.saturating_add(least_of_term);
        }
        least >= 0
    }

    /// A sum that is at least as great as both, for all dims.
    fn join(&self, a: &Sum, b: &Sum) -> Option<Sum> {
        let at = |sum: &Sum, i: usize| sum.get(i).copied().unwrap_or(0);
        let greater = self.monomials.iter().enumerate().map(|(i, monomial)| {
            let (a, b) = (at(a, i), at(b, i));
            (a == b || monomial.least.is_some()).then_some(a.max(b))
        });
        greater.collect()
    }

    fn range(&self, name: &str) -> Option<&'x DimRange> {
        self.dims.iter().find(|dim| dim.name == name)
    }

    /// The number of a monomial in shifted dims.
    fn number(&mut self, factors: &[Factor]) -> usize {
        let shifted = product(factors);
        if let Some(number) = self.numbers.get(&shifted) {
            return *number;
        }
        let poly = shifted.substitute_with(&|name| {
            let least = self.range(name)?.min.max(0);
            Some(Poly::name(name) - Poly::constant(least))
        });
        let greatest = |name: &str| {
            let dim = self.range(name)?;
            Some(dim.max? - dim.min.max(0))
        };
        let grows = factors.iter().all(grows);
        let most = (grows.then(|| shifted.eval(&greatest).ok()).flatten()).map(i128::from);
        let value = |size| {
            let value = poly.eval(&|name| Some(sample(size, name, self.dims)));
            i128::from(value.unwrap_or(i64::MAX / 4))
        };
        let values = SAMPLES.map(value);
        let monomial = Monomial {
            poly,
            least: grows.then_some(i128::from(factors.is_empty())),
            most,
            values,
        };
        let number = self.monomials.len();
        self.monomials.push(monomial);
        self.numbers.insert(shifted, number);
        number
    }
}

fn product(factors: &[Factor]) -> Poly {
    const POSITIVE: &str = "the divisor of a factor is positive";
    let factors = factors.iter().map(|factor| match factor {
        Factor::Name(name) => Poly::name(*name),
        Factor::FloorDiv(poly, divisor) => poly.floor_div(*divisor).expect(POSITIVE),
        Factor::Rem(poly, divisor) => poly.rem(*divisor).expect(POSITIVE),
    });
    factors.fold(Poly::one(), |product, factor| product * factor)
}

/// Whether a factor is never negative, and never falls where a shifted dim grows.
fn grows(factor: &Factor) -> bool {
    match factor {
        Factor::Name(_) => true,
        Factor::FloorDiv(poly, _) => {
            let mut terms = poly.terms().into_iter();
            terms.all(|(coefficient, factors)| coefficient >= 0 && factors.iter().all(grows))
        }
        Factor::Rem(..) => false,
    }
}

/// Bytes in whole cache lines.
pub fn aligned(bytes: &Poly) -> Poly {
    const LINE: i64 = WORKSPACE_ALIGN as i64;
    let whole = |(coefficient, _): &(i128, Vec<Factor>)| coefficient % i128::from(LINE) == 0;
    match bytes.terms().iter().all(whole) {
        true => bytes.clone(),
        false => {
            let lines = (bytes.clone() + Poly::constant(LINE - 1)).floor_div(LINE);
            lines.expect("a line has some bytes") * Poly::constant(LINE)
        }
    }
}
