//! What an output adds up in while a loop runs in vectors.
//!
//! Most take one vector. The larger of two floats is five instructions one after the other, as NaN wins and 0 is larger
//! than -0; so a largest or smallest element is kept in three parts, for each of which a step is one instruction: the
//! largest number, the signs of all (which decide if it is a zero), and whether one was NaN.

use super::{
    body::Output,
    vectors::{extract_lane, fold, neutral, part, vector},
};
use crate::{
    emit::Emitter,
    scalar::{self, cmpf},
};
use dlc_dialects::ir::shape::{self, ElementClass, class, width};
use melior::ir::{Type, Value, ValueLike};

/// How an output adds up.
pub struct Accumulator<'x, 'c> {
    /// The op that combines two elements.
    name: &'x str,
    element: Type<'c>,
    /// Elements of a register.
    lanes: i64,
    extreme: Option<Extreme>,
}

/// Which of all elements it is.
struct Extreme {
    /// How a number compares to those that it takes the place of.
    beyond: &'static str,
    /// What joins the signs of two zeros.
    signs: &'static str,
}

impl<'c: 'a, 'a, 'x> Accumulator<'x, 'c> {
    /// Of an output with elements of a type, on a target with `lanes` of them in a register.
    pub fn of(output: &'x Output, element: Type<'c>, lanes: i64) -> Self {
        let name = output.name();
        let in_parts = class(element) == ElementClass::Float && width(element) >= 32;
        let extreme = match name {
            "arith.maximumf" if in_parts => Some(("ogt", "arith.andi")),
            "arith.minimumf" if in_parts => Some(("olt", "arith.ori")),
            _ => None,
        };
        Self {
            name,
            element,
            lanes,
            extreme: extreme.map(|(beyond, signs)| Extreme { beyond, signs }),
        }
    }

    /// How many values it takes.
    pub fn count(&self) -> usize {
        match self.extreme {
            Some(_) => 3,
            None => 1,
        }
    }

    /// Whether a step is its own, in place of the op on two.
    pub fn is_in_parts(&self) -> bool {
        self.extreme.is_some()
    }

    /// The values before the first of steps of `step` elements.
    pub fn start(&self, e: &Emitter<'c, 'a>, step: i64) -> Vec<Value<'c, 'a>> {
        let first = neutral(e, self.name, self.element, step);
        let Some(extreme) = &self.extreme else {
            return vec![first];
        };
        let bits = self.bits(e);
        let none = e.constant(e.int_type(1), e.attr("false"));
        let none = e.op(
            "vector.broadcast",
            &[none],
            vector(e, self.lanes, e.int_type(1)),
        );
        vec![first, neutral(e, extreme.signs, bits, self.lanes), none]
    }

    /// The values after a step, of those in parts.
    pub fn step(
        &self,
        e: &Emitter<'c, 'a>,
        values: &[Value<'c, 'a>],
        elements: Value<'c, 'a>,
    ) -> Vec<Value<'c, 'a>> {
        let (Some(extreme), &[best, signs, nan]) = (&self.extreme, values) else {
            unreachable!("asked of those in parts");
        };
        let beyond = cmpf(e, extreme.beyond, elements, best);
        let best = e.select(beyond, elements, best);
        let count = shape::shape_of(elements)[0] / self.lanes;
        let registers = (0..count).map(|i| part(e, elements, i * self.lanes, self.lanes));
        let registers = registers.collect::<Vec<_>>();
        let signs = registers.iter().fold(signs, |signs, register| {
            let bits = e.op("arith.bitcast", &[*register], signs.r#type());
            e.op(extreme.signs, &[signs, bits], signs.r#type())
        });
        // A comparison of two sees NaN in either.
        let nan = registers.chunks(2).fold(nan, |nan, pair| {
            let found = cmpf(e, "uno", pair[0], pair[pair.len() - 1]);
            e.op("arith.ori", &[nan, found], nan.r#type())
        });
        vec![best, signs, nan]
    }

    /// Elements of which those outside a mask change nothing.
    pub fn masked(
        &self,
        e: &Emitter<'c, 'a>,
        elements: Value<'c, 'a>,
        mask: Value<'c, 'a>,
    ) -> Value<'c, 'a> {
        let lanes = shape::shape_of(elements)[0];
        e.select(mask, elements, neutral(e, self.name, self.element, lanes))
    }

    /// The values for steps of one register, of those for longer ones.
    pub fn narrow(&self, e: &Emitter<'c, 'a>, values: &[Value<'c, 'a>]) -> Vec<Value<'c, 'a>> {
        let folded = self.fold(e, values[0], self.lanes);
        [&[folded], &values[1..]].concat()
    }

    /// All elements combined to one, of the values for steps of one register.
    pub fn total(&self, e: &Emitter<'c, 'a>, values: &[Value<'c, 'a>]) -> Value<'c, 'a> {
        let best = extract_lane(e, self.fold(e, values[0], 1));
        let (Some(extreme), &[_, signs, nan]) = (&self.extreme, values) else {
            return best;
        };
        let bits = self.bits(e);
        let signs = self.reduction(e, signs, extreme.signs, bits);
        let nan = self.reduction(e, nan, "arith.ori", e.int_type(1));
        let highest = -(1i128 << (width(bits) - 1));
        let sign = scalar::number(e, bits, &highest.to_string());
        let zero = e.op("arith.andi", &[signs, sign], bits);
        let zero = e.op("arith.bitcast", &[zero], self.element);
        let is_zero = cmpf(e, "oeq", best, scalar::number(e, self.element, "0"));
        let best = e.select(is_zero, zero, best);
        e.select(nan, scalar::number(e, self.element, "nan"), best)
    }

    /// Integers of as many bits as an element.
    fn bits(&self, e: &Emitter<'c, 'a>) -> Type<'c> {
        e.int_type(width(self.element))
    }

    /// All of an integer vector combined to one.
    fn reduction(
        &self,
        e: &Emitter<'c, 'a>,
        value: Value<'c, 'a>,
        name: &str,
        ty: Type<'c>,
    ) -> Value<'c, 'a> {
        let kind = match name {
            "arith.andi" => "and",
            _ => "or",
        };
        let kind = [("kind", e.attr(&format!("#vector.kind<{kind}>")))];
        e.op_with("vector.reduction", &[value], ty, &kind)
    }

    /// Its first value with fewer elements.
    fn fold(&self, e: &Emitter<'c, 'a>, value: Value<'c, 'a>, lanes: i64) -> Value<'c, 'a> {
        fold(e, value, lanes, |a, b| match &self.extreme {
            Some(extreme) => e.select(cmpf(e, extreme.beyond, a, b), a, b),
            None => e.op(self.name, &[a, b], a.r#type()),
        })
    }
}

/// Accumulators, each with its values.
pub fn each<'y, 'x, 'c, 'a>(
    kinds: &'y [Accumulator<'x, 'c>],
    mut values: &'y [Value<'c, 'a>],
) -> impl std::iter::Iterator<Item = (&'y Accumulator<'x, 'c>, &'y [Value<'c, 'a>])> {
    kinds.iter().map(move |kind| {
        let (own, rest) = values.split_at(kind.count());
        values = rest;
        (kind, own)
    })
}

/// Values that are each kept as they are.
pub fn plain<'y, 'x, 'c, 'a>(
    values: &'y [Value<'c, 'a>],
) -> Vec<(Option<&'y Accumulator<'x, 'c>>, &'y [Value<'c, 'a>])> {
    values.chunks(1).map(|value| (None, value)).collect()
}
