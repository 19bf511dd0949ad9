//! Arithmetic of kernels on registers, and their access to memory: what is stored in another type than it is summed in
//! becomes wider where it is read.

use super::{
    kernel::{Kernel, Shape},
    numbers::{Number, Numbers},
};
use crate::{emit::Emitter, schedule::MatmulSchedule};
use melior::ir::{Type, Value};

/// A memref that a kernel reads.
#[derive(Clone, Copy)]
pub(super) struct Source<'c, 'a> {
    /// The memref.
    pub memref: Value<'c, 'a>,
    /// How its elements are stored, if not as what is summed.
    pub narrow: Option<Number>,
    /// Whether 128 is added to its bytes.
    pub lifted: bool,
}

impl<'c, 'a> From<Value<'c, 'a>> for Source<'c, 'a> {
    fn from(memref: Value<'c, 'a>) -> Self {
        Self {
            memref,
            narrow: None,
            lifted: false,
        }
    }
}

/// The text of the type of a register.
fn vector(lanes: i64, element: &str) -> String {
    format!("vector<{lanes}x{element}>")
}

/// Zeros of a type.
fn zeros<'c, 'a>(e: &Emitter<'c, 'a>, ty: &str, number: Number) -> Value<'c, 'a> {
    let zero = if number.is_float() { "0.0" } else { "0" };
    e.constant(e.ty(ty), e.attr(&format!("dense<{zero}> : {ty}")))
}

impl<'c> Shape<'c> {
    pub fn new(kernel: Kernel, e: &Emitter<'c, '_>) -> Self {
        let (lanes, element) = (kernel.schedule.lanes, kernel.numbers.sum.ty());
        Self {
            element: e.ty(&element),
            vector: e.ty(&vector(lanes, &element)),
            mask: e.ty(&vector(lanes, "i1")),
            kernel,
        }
    }

    pub fn schedule(&self) -> &MatmulSchedule {
        &self.kernel.schedule
    }

    /// The matrices A and B of a kernel.
    pub fn sources<'a>(&self, memrefs: [Value<'c, 'a>; 2]) -> [Source<'c, 'a>; 2] {
        let Numbers { a, b, sum } = self.kernel.numbers;
        let source = |memref, number: Number, lifted| Source {
            memref,
            narrow: (number != sum).then_some(number),
            lifted,
        };
        let lifted = self.kernel.dot.is_some_and(|dot| dot.lifts(a));
        [source(memrefs[0], a, lifted), source(memrefs[1], b, false)]
    }

    pub fn zero<'a>(&self, e: &Emitter<'c, 'a>) -> Value<'c, 'a> {
        self.zeros_of(e, self.schedule().lanes)
    }

    /// Zeros of so many lanes.
    pub fn zeros_of<'a>(&self, e: &Emitter<'c, 'a>, lanes: i64) -> Value<'c, 'a> {
        let sum = self.kernel.numbers.sum;
        zeros(e, &vector(lanes, &sum.ty()), sum)
    }

    pub fn load<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        from: impl Into<Source<'c, 'a>>,
        at: &[Value<'c, 'a>],
    ) -> Value<'c, 'a> {
        self.load_lanes(e, from, at, None, self.schedule().lanes)
    }

    pub fn masked_load<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        from: impl Into<Source<'c, 'a>>,
        at: &[Value<'c, 'a>],
        mask: Value<'c, 'a>,
    ) -> Value<'c, 'a> {
        self.load_lanes(e, from, at, Some(mask), self.schedule().lanes)
    }

    /// A load, with zeros where a mask is not set.
    pub fn load_where<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        from: impl Into<Source<'c, 'a>>,
        at: &[Value<'c, 'a>],
        mask: Option<Value<'c, 'a>>,
    ) -> Value<'c, 'a> {
        self.load_lanes(e, from, at, mask, self.schedule().lanes)
    }

    /// The same of another number of lanes.
    pub fn load_lanes<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        from: impl Into<Source<'c, 'a>>,
        at: &[Value<'c, 'a>],
        mask: Option<Value<'c, 'a>>,
        lanes: i64,
    ) -> Value<'c, 'a> {
        let (number, stored) = self.stored(e, from.into(), at, mask, lanes);
        self.widen(e, number, stored, &|element| vector(lanes, element))
    }

    /// The same as it is stored, and what it is.
    pub fn stored<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        from: Source<'c, 'a>,
        at: &[Value<'c, 'a>],
        mask: Option<Value<'c, 'a>>,
        lanes: i64,
    ) -> (Number, Value<'c, 'a>) {
        let number = from.narrow.unwrap_or(self.kernel.numbers.sum);
        let ty = vector(lanes, &number.ty());
        let stored = match mask {
            None => e.op("vector.load", &[&[from.memref], at].concat(), e.ty(&ty)),
            Some(mask) => {
                let none = zeros(e, &ty, number);
                let operands = [&[from.memref], at, &[mask, none]].concat();
                e.op("vector.maskedload", &operands, e.ty(&ty))
            }
        };
        (number, stored)
    }

    /// Elements at places of a memref of rank 1.
    pub fn gather<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        from: Source<'c, 'a>,
        at: Value<'c, 'a>,
        places: Value<'c, 'a>,
    ) -> Value<'c, 'a> {
        let lanes = self.schedule().lanes;
        let number = from.narrow.unwrap_or(self.kernel.numbers.sum);
        let ty = vector(lanes, &number.ty());
        let every = e.constant(self.mask, e.attr(&format!("dense<true> : {}", self.mask)));
        let operands = [from.memref, at, places, every, zeros(e, &ty, number)];
        let stored = e.op("vector.gather", &operands, e.ty(&ty));
        self.widen(e, number, stored, &|element| vector(lanes, element))
    }

    /// One element.
    pub fn scalar<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        from: impl Into<Source<'c, 'a>>,
        at: &[Value<'c, 'a>],
    ) -> Value<'c, 'a> {
        let from = from.into();
        let number = from.narrow.unwrap_or(self.kernel.numbers.sum);
        let operands = [&[from.memref], at].concat();
        let stored = e.op("memref.load", &operands, e.ty(&number.ty()));
        self.widen(e, number, stored, &str::to_string)
    }

    fn widen<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        number: Number,
        stored: Value<'c, 'a>,
        shaped: &dyn Fn(&str) -> String,
    ) -> Value<'c, 'a> {
        let sum = self.kernel.numbers.sum;
        match number.widening(sum) {
            Some(op) => e.op(op, &[stored], e.ty(&shaped(&sum.ty()))),
            None => stored,
        }
    }

    pub fn store<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        value: Value<'c, 'a>,
        to: Value<'c, 'a>,
        at: &[Value<'c, 'a>],
    ) {
        e.effect("vector.store", &[&[value, to], at].concat(), &[]);
    }

    pub fn masked_store<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        value: Value<'c, 'a>,
        to: Value<'c, 'a>,
        at: &[Value<'c, 'a>],
        mask: Value<'c, 'a>,
    ) {
        e.effect(
            "vector.maskedstore",
            &[&[to], at, &[mask, value]].concat(),
            &[],
        );
    }

    /// The mask of the first `count` lanes; counts below 0 and above the lanes are fine.
    pub fn first<'a>(&self, e: &Emitter<'c, 'a>, count: Value<'c, 'a>) -> Value<'c, 'a> {
        e.op("vector.create_mask", &[count], self.mask)
    }

    /// Whether a load under a mask is an instruction for each of the operands: so it is with registers of 512 bits, and
    /// with those of 256 for elements of 32 bits or more.
    pub fn masks_cost_little(&self) -> bool {
        let numbers = self.kernel.numbers;
        let narrowest = numbers.a.bits.min(numbers.b.bits);
        match self.schedule().lanes * self.kernel.bits() {
            512.. => true,
            256.. => narrowest >= 32,
            _ => false,
        }
    }

    /// `a + b` of a type, a register's or another.
    pub fn plus<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        a: Value<'c, 'a>,
        b: Value<'c, 'a>,
        ty: Type<'c>,
    ) -> Value<'c, 'a> {
        let op = match self.kernel.numbers.sum.is_float() {
            true => "arith.addf",
            false => "arith.addi",
        };
        e.op(op, &[a, b], ty)
    }

    /// `a·b + c` on vectors, of numbers or of words.
    pub fn fma<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        a: Value<'c, 'a>,
        b: Value<'c, 'a>,
        c: Value<'c, 'a>,
    ) -> Value<'c, 'a> {
        if let Some(dot) = self.kernel.dot {
            return self.dot(e, dot, [a, b], c);
        }
        if !self.kernel.numbers.sum.is_float() {
            let product = e.op("arith.muli", &[a, b], self.vector);
            return self.plus(e, product, c, self.vector);
        }
        if self.schedule().fma {
            return e.op("vector.fma", &[a, b, c], self.vector);
        }
        let product = e.op("arith.mulf", &[a, b], self.vector);
        self.plus(e, product, c, self.vector)
    }
}
