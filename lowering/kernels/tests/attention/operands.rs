//! Matrices as programs take them, and functions of scores.

use dlc_kernels::program::{Callee, Element};
use half::{bf16, f16};

use crate::launch::Argument;

/// Half a unit in the last place, relative.
pub fn roundoff(element: Element) -> f64 {
    match element {
        Element::F16 => f64::powi(2.0, -11),
        Element::Bf16 => f64::powi(2.0, -8),
        Element::F32 => f64::powi(2.0, -24),
        other => panic!("a matrix of {other:?}"),
    }
}

pub fn bytes(element: Element, value: f64) -> Vec<u8> {
    match element {
        Element::F16 => f16::from_f64(value).to_le_bytes().to_vec(),
        Element::Bf16 => bf16::from_f64(value).to_le_bytes().to_vec(),
        Element::F32 => (value as f32).to_le_bytes().to_vec(),
        other => panic!("a matrix of {other:?}"),
    }
}

pub fn number(element: Element, bytes: &[u8]) -> f64 {
    match element {
        Element::F16 => f16::from_le_bytes(bytes.try_into().unwrap()).to_f64(),
        Element::Bf16 => bf16::from_le_bytes(bytes.try_into().unwrap()).to_f64(),
        Element::F32 => f32::from_le_bytes(bytes.try_into().unwrap()).into(),
        other => panic!("a matrix of {other:?}"),
    }
}

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
        let exact = |value: f64| number(element, &bytes(element, value));
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
        let nan = bytes(self.element, f64::NAN);
        let mut all = nan.repeat((self.offset + self.rows * self.pitch) as usize);
        for row in 0..self.rows {
            for column in 0..self.columns {
                let number = bytes(self.element, self.at(row, column));
                let at = (self.offset + row * self.pitch + column) as usize * number.len();
                all[at..at + number.len()].copy_from_slice(&number);
            }
        }
        all
    }

    /// Its numbers of bytes that were stored; nothing may be stored beside them.
    pub fn inside(&self, bytes: &[u8]) -> Vec<f64> {
        let width = self.element.bytes() as usize;
        let numbers = bytes.chunks(width).map(|chunk| number(self.element, chunk));
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

    pub fn argument(&self, address: u64) -> Argument {
        let sizes = [self.rows, self.columns];
        Argument::Matrix(address, self.offset, sizes, [self.pitch, 1])
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
            Self::Bias(_) => vec![MATRIX.to_string()],
            Self::Of(..) => vec![],
        };
        let name = "score".to_string();
        Some(Callee { name, captured })
    }

    pub fn text(&self) -> String {
        let (parameters, body) = match self {
            Self::Plain => return String::new(),
            Self::Bias(_) => (
                format!(", %bias: {MATRIX}"),
                format!("%b = memref.load %bias[%i, %j] : {MATRIX}\n%r = arith.addf %s, %b : f32"),
            ),
            Self::Of(_, body) => (String::new(), body.to_string()),
        };
        format!(
            "func.func private @score(%s: f32, %i: index, %j: index{parameters}) -> f32 {{\n{body}\nfunc.return %r : f32\n}}\n"
        )
    }
}

/// The type of a matrix of f32.
pub const MATRIX: &str = "memref<?x?xf32, strided<[?, ?], offset: ?>>";
