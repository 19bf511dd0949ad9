//! What is known of the dims of a function: ranges and `where` conditions, and what can be proven from them.

use std::collections::{BTreeMap, BTreeSet};

use dlc_abi::dim::{Factor, Poly};

/// What is known of dims. Every dim is at least 0.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    ranges: BTreeMap<String, (i64, Option<i64>)>,
    /// A name that a condition determines, in terms of a name of its own: `N` is `4 * (N / 4)`.
    substitutions: Vec<(String, Poly)>,
    /// Polynomials that are 0.
    zeros: Vec<Poly>,
    /// Polynomials that are at least 0.
    nonnegative: Vec<Poly>,
}

/// A value that may have no bound.
type Bound = Option<i128>;

impl Facts {
    /// Adds a range.
    pub fn add_range(&mut self, name: &str, min: i64, max: Option<i64>) {
        self.ranges.insert(name.to_string(), (min.max(0), max));
    }

    /// The range of a dim.
    pub fn range(&self, name: &str) -> (i64, Option<i64>) {
        self.ranges.get(name).copied().unwrap_or((0, None))
    }

    /// Adds `poly == 0`.
    pub fn add_zero(&mut self, poly: Poly) {
        let poly = self.rewrite(&poly);
        if let Some((name, value)) = solve_remainder(&poly) {
            for (_, other) in &mut self.substitutions {
                *other = substitute_one(other, &name, &value);
            }
            self.substitutions.push((name, value));
        } else {
            self.zeros.push(poly);
        }
    }

    /// Adds `poly >= 0`.
    pub fn add_nonnegative(&mut self, poly: Poly) {
        if let [(1, factors), rest @ ..] = poly.terms().as_slice()
            && let [Factor::Name(name)] = factors.as_slice()
            && let Some(offset) = constant_of(rest)
            && let Ok(least) = i64::try_from(-offset)
        {
            let (min, max) = self.range(name);
            self.ranges
                .insert((*name).to_string(), (min.max(least), max));
        }
        if let [(-1, factors), rest @ ..] = poly.terms().as_slice()
            && let [Factor::Name(name)] = factors.as_slice()
            && let Some(offset) = constant_of(rest)
            && let Ok(greatest) = i64::try_from(offset)
        {
            let (min, max) = self.range(name);
            let max = max.map_or(greatest, |max| max.min(greatest));
            self.ranges.insert((*name).to_string(), (min, Some(max)));
        }
        self.nonnegative.push(poly);
    }

    /// Puts in what conditions determine.
    pub fn rewrite(&self, poly: &Poly) -> Poly {
        if self.substitutions.is_empty() {
            return poly.clone();
        }
        poly.substitute_with(&|name| {
            self.substitutions
                .iter()
                .find(|(n, _)| n == name)
                .map(|(_, p)| p.clone())
        })
    }

    /// Whether two polynomials are equal for all dims allowed.
    pub fn proves_equal(&self, a: &Poly, b: &Poly) -> bool {
        if a == b {
            return true;
        }
        let difference = self.rewrite(a) - self.rewrite(b);
        if difference == Poly::zero() {
            return true;
        }
        self.zeros.iter().any(|zero| {
            is_multiple(&difference, zero) || {
                // One step: take the fact off, or add it.
                let less = difference.clone() - zero.clone();
                let more = difference.clone() + zero.clone();
                less == Poly::zero() || more == Poly::zero()
            }
        }) || self.range_fixes(&difference)
    }

    fn range_fixes(&self, difference: &Poly) -> bool {
        self.low(difference) == Some(0) && self.high(difference) == Some(0)
    }

    /// Whether two polynomials differ for all dims allowed.
    pub fn proves_different(&self, a: &Poly, b: &Poly) -> bool {
        let difference = self.rewrite(a) - self.rewrite(b);
        self.low(&difference).is_some_and(|low| low > 0)
            || self.high(&difference).is_some_and(|high| high < 0)
    }

    /// Whether a polynomial is at least 0 for all dims allowed.
    pub fn proves_nonnegative(&self, poly: &Poly) -> bool {
        let nonnegative = |poly: &Poly| {
            self.low(poly).is_some_and(|low| low >= 0) || self.nonnegative_by_quotients(poly)
        };
        let rewritten = self.rewrite(poly);
        let without = |poly: &Poly, fact: &Poly| {
            multiples(poly)
                .into_iter()
                .any(|times| nonnegative(&(poly.clone() - Poly::constant(times) * fact.clone())))
        };
        nonnegative(poly)
            || nonnegative(&rewritten)
            || self
                .nonnegative
                .iter()
                .any(|fact| without(poly, fact) || without(&rewritten, &self.rewrite(fact)))
    }

    /// Whether a lower bound is at least 0 once a name is written as quotient and remainder: `N` is `4*(N / 4) + N % 4`.
    fn nonnegative_by_quotients(&self, poly: &Poly) -> bool {
        poly.terms().iter().any(|(_, factors)| {
            factors.iter().any(|factor| {
                let Factor::FloorDiv(inner, divisor) = factor else {
                    return false;
                };
                let Some(name) = inner.as_name() else {
                    return false;
                };
                let (quotient, remainder) =
                    (format!("{name}/{divisor}"), format!("{name}%{divisor}"));
                let value =
                    Poly::constant(*divisor) * Poly::name(&quotient) + Poly::name(&remainder);
                let (min, max) = self.range(name);
                let mut facts = Self {
                    ranges: self.ranges.clone(),
                    ..Self::default()
                };
                facts.add_range(&quotient, min / divisor, max.map(|max| max / divisor));
                facts.add_range(&remainder, 0, Some(divisor - 1));
                let low = facts.low(&substitute_one(poly, name, &value));
                low.is_some_and(|low| low >= 0)
            })
        })
    }

    /// A lower bound.
    pub fn low(&self, poly: &Poly) -> Bound {
        self.bounds(poly).0
    }

    /// An upper bound.
    pub fn high(&self, poly: &Poly) -> Bound {
        self.bounds(poly).1
    }

    fn bounds(&self, poly: &Poly) -> (Bound, Bound) {
        let (mut low, mut high) = (Some(0i128), Some(0i128));
        for (coefficient, factors) in poly.terms() {
            let (mut least, mut greatest) = (Some(1i128), Some(1i128));
            for factor in factors {
                let (factor_low, factor_high) = self.factor_bounds(factor);
                // Names are never negative; a quotient of something negative could be, and then nothing is known.
                if factor_low.is_none_or(|low| low < 0) {
                    return (None, None);
                }
                least = multiply(least, factor_low);
                greatest = multiply(greatest, factor_high);
            }
            let (at_least, at_most) = if coefficient >= 0 {
                (
                    multiply(least, Some(coefficient)),
                    multiply(greatest, Some(coefficient)),
                )
            } else {
                (
                    multiply(greatest, Some(coefficient)),
                    multiply(least, Some(coefficient)),
                )
            };
            low = add(low, at_least);
            high = add(high, at_most);
        }
        (low, high)
    }

    fn factor_bounds(&self, factor: Factor<'_>) -> (Bound, Bound) {
        match factor {
            Factor::Name(name) => {
                let (min, max) = self.range(name);
                (Some(min.into()), max.map(i128::from))
            }
            Factor::FloorDiv(inner, divisor) => {
                let (low, high) = self.bounds(inner);
                let divide = |value: i128| value.div_euclid(divisor.into());
                (low.map(divide), high.map(divide))
            }
            Factor::Rem(_, divisor) => (Some(0), Some(i128::from(divisor) - 1)),
        }
    }
}

fn add(a: Bound, b: Bound) -> Bound {
    a?.checked_add(b?)
}

fn multiply(a: Bound, b: Bound) -> Bound {
    if a == Some(0) || b == Some(0) {
        Some(0)
    } else {
        a?.checked_mul(b?)
    }
}

/// The value of terms without factors.
fn constant_of(terms: &[(i128, Vec<Factor<'_>>)]) -> Option<i128> {
    match terms {
        [] => Some(0),
        [(value, factors)] if factors.is_empty() => Some(*value),
        _ => None,
    }
}

/// How often a fact may have to be taken off a polynomial so that a term of it goes away.
fn multiples(poly: &Poly) -> BTreeSet<i64> {
    let terms = poly.terms();
    let sizes = terms
        .iter()
        .filter_map(|(coefficient, _)| i64::try_from(coefficient.unsigned_abs()).ok());
    sizes.chain([1]).filter(|&times| times > 0).collect()
}

fn substitute_one(poly: &Poly, name: &str, value: &Poly) -> Poly {
    poly.substitute_with(&|n| (n == name).then(|| value.clone()))
}

/// Solves `p == 0` for a name that occurs once, alone and linearly with the coefficient 1 or -1.
pub(crate) fn solve_linear(poly: &Poly) -> Option<(String, Poly)> {
    let terms = poly.terms();
    for (coefficient, factors) in &terms {
        let [Factor::Name(name)] = factors.as_slice() else {
            continue;
        };
        if coefficient.abs() != 1 {
            continue;
        }
        let own = if *coefficient == 1 {
            Poly::name(*name)
        } else {
            -Poly::name(*name)
        };
        let rest = poly.clone() - own;
        if !rest.names().contains(*name) {
            let value = if *coefficient == 1 { -rest } else { rest };
            return Some(((*name).to_string(), value));
        }
    }
    None
}

/// Solves `(name + rest) % c - k == 0` for the name: it is `c * q + k - rest`, where `q` is a name of its own.
fn solve_remainder(poly: &Poly) -> Option<(String, Poly)> {
    let terms = poly.terms();
    let (first, rest) = terms.split_first()?;
    let (sign, factors) = first;
    let [Factor::Rem(inner, divisor)] = factors.as_slice() else {
        return None;
    };
    let constant = constant_of(rest)?;
    // g * ((p) % c) - k == 0 with g dividing k.
    if constant % sign != 0 {
        return None;
    }
    let left = i64::try_from(-constant / sign).ok()?;
    let terms = inner.terms();
    let (_, names) = terms
        .iter()
        .find(|(c, f)| *c == 1 && matches!(f.as_slice(), [Factor::Name(_)]))?;
    let [Factor::Name(name)] = names.as_slice() else {
        return None;
    };
    let others = (*inner).clone() - Poly::name(*name);
    if others.names().contains(*name) {
        return None;
    }
    let quotient = Poly::name(format!("{name}/{divisor}"));
    Some((
        (*name).to_string(),
        Poly::constant(*divisor) * quotient + Poly::constant(left) - others,
    ))
}

/// Whether one polynomial is a product of another with a number or a name.
fn is_multiple(poly: &Poly, of: &Poly) -> bool {
    if *of == Poly::zero() {
        return false;
    }
    let (mine, theirs) = (poly.terms(), of.terms());
    if mine.len() != theirs.len() {
        return false;
    }
    let (first, base) = (mine[0].0, theirs[0].0);
    if first % base != 0 {
        return false;
    }
    let Ok(ratio) = i64::try_from(first / base) else {
        return false;
    };
    let names = poly.names();
    let plain = Poly::constant(ratio) * of.clone();
    plain == *poly
        || names
            .iter()
            .any(|name| plain.clone() * Poly::name(name) == *poly)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poly(text: &str) -> Poly {
        Poly::parse(text).unwrap()
    }

    #[test]
    fn a_divisibility_makes_division_exact() {
        let mut facts = Facts::default();
        assert!(!facts.proves_equal(&poly("4 * (N / 4)"), &poly("N")));
        facts.add_zero(poly("N % 4"));
        assert!(facts.proves_equal(&poly("4 * (N / 4)"), &poly("N")));
        assert!(facts.proves_equal(&poly("N % 4"), &poly("0")));
        assert!(facts.proves_equal(&poly("2 * (N / 2)"), &poly("N")));
    }

    #[test]
    fn ranges_bound_polynomials() {
        let mut facts = Facts::default();
        facts.add_range("T", 1, Some(8));
        assert!(facts.proves_nonnegative(&poly("T - 1")));
        assert!(!facts.proves_nonnegative(&poly("T - 2")));
        assert!(facts.proves_different(&poly("T"), &poly("9")));
        facts.add_nonnegative(poly("S - T"));
        assert!(facts.proves_nonnegative(&poly("S - T")));
        assert!(facts.proves_nonnegative(&poly("S - 1")));
    }

    #[test]
    fn a_quotient_times_its_divisor_is_no_more_than_the_whole() {
        let mut facts = Facts::default();
        assert!(facts.proves_nonnegative(&poly("N - 32 * (N / 32)")));
        assert!(facts.proves_nonnegative(&poly("32 * (N / 32) + 31 - N")));
        assert!(!facts.proves_nonnegative(&poly("32 * (N / 32) + 30 - N")));
        assert!(!facts.proves_nonnegative(&poly("32 * (N / 32) - N")));
        // A slice of 32 in a loop of N / 32 rounds.
        facts.add_nonnegative(poly("N / 32 - 1 - i"));
        assert!(facts.proves_nonnegative(&poly("N - 32 * i - 32")));
        assert!(!facts.proves_nonnegative(&poly("N - 32 * i - 33")));
    }

    #[test]
    fn equations_are_solved() {
        assert_eq!(
            solve_linear(&poly("N - 2*M")),
            Some(("N".to_string(), poly("2*M")))
        );
        assert_eq!(solve_linear(&poly("2*N - 4*M")), None);
    }
}
