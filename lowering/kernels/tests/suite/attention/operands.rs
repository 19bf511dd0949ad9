//! Matrices as programs take them, and functions of scores.

use dlc_kernels::program::{Callee, Element, Matrix as Global};

use crate::numbers::{encode, float};
use crate::tools::Arguments;

/// A matrix stored by rows, with its numbers as they are in its type.
#[derive(Clone, Debug)]
pub struct Matrix {
    pub element: Element,
    pub rows: i64,
    pub columns: i64,
    pub pitch: i64,
    pub offset: i64,
    pub numbers: Vec<f64>,
}

impl Matrix {
    pub fn new(
        element: Element,
        [rows, columns]: [i64; 2],
        extra: [i64; 2],
        numbers: impl FnMut() -> f64,
    ) -> Self {
        let mut numbers = numbers;
        let exact = |value: f64| float(element, &encode(element, value, 0));
        let numbers = (0..rows * columns).map(|_| exact(numbers())).collect();
        Self {
            element,
            rows,
            columns,
            pitch: columns + extra[0],
            offset: extra[1],
            numbers,
        }
    }

    pub fn at(&self, row: i64, column: i64) -> f64 {
        self.numbers[(row * self.columns + column) as usize]
    }

    /// All its numbers with NaN between the rows.
    pub fn bytes(&self) -> Vec<u8> {
        let nan = encode(self.element, f64::NAN, 0);
        let mut all = nan.repeat((self.offset + self.rows * self.pitch) as usize);
        for row in 0..self.rows {
            for column in 0..self.columns {
                let number = encode(self.element, self.at(row, column), 0);
                let at = (self.offset + row * self.pitch + column) as usize * number.len();
                all[at..at + number.len()].copy_from_slice(&number);
            }
        }
        all
    }

    /// Its numbers of bytes that were stored; nothing may be stored beside them.
    pub fn inside(&self, bytes: &[u8]) -> Vec<f64> {
        let width = self.element.bytes() as usize;
        let numbers = bytes.chunks(width).map(|chunk| float(self.element, chunk));
        let mut inside = vec![];
        for (at, number) in (-self.offset..).zip(numbers) {
            let (row, column) = (at / self.pitch, at % self.pitch);
            match at >= 0 && row < self.rows && column < self.columns {
                true => inside.push(number),
                false => assert!(number.is_nan(), "something is stored beside the result"),
            }
        }
        inside
    }

    /// Adds it to the arguments of a kernel.
    pub fn give(&self, arguments: &mut Arguments, address: u64) {
        let sizes = [self.rows, self.columns];
        arguments.memref(address, self.offset, &sizes, &[self.pitch, 1]);
    }
}

/// What is done to scaled products.
#[derive(Clone, Debug)]
pub enum Score {
    Plain,
    /// Adds an element of a matrix in f32.
    Bias(Matrix),
    /// Something that follows from the place, as a function and as text that takes `%s`, `%i` and `%j`.
    Of(fn(f64, i64, i64) -> f64, &'static str),
}

impl Score {
    pub fn apply(&self, score: f64, i: i64, j: i64) -> f64 {
        match self {
            Self::Plain => score,
            Self::Bias(bias) => score + bias.at(i, j),
            Self::Of(function, _) => function(score, i, j),
        }
    }

    pub fn callee(&self) -> Option<Callee> {
        let captured = match self {
            Self::Plain => return None,
            Self::Bias(_) => vec![Global::ty(Element::F32)],
            Self::Of(..) => vec![],
        };
        let name = "score".to_string();
        Some(Callee { name, captured })
    }

    pub fn text(&self) -> String {
        let ty = Global::ty(Element::F32);
        let (parameters, body) = match self {
            Self::Plain => return String::new(),
            Self::Bias(_) => (
                format!(", %bias: {ty}"),
                format!("%b = memref.load %bias[%i, %j] : {ty}\n%r = arith.addf %s, %b : f32"),
            ),
            Self::Of(_, body) => (String::new(), body.to_string()),
        };
        format!(
            "func.func private @score(%s: f32, %i: index, %j: index{parameters}) -> f32 {{\n{body}\nfunc.return %r : f32\n}}\n"
        )
    }
}
