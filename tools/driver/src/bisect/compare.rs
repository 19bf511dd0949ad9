//! Whether results agree as far as rounding explains.

use dlc_abi::DType;
use dlc_runtime::Tensor;

/// How far floats may be apart; whole numbers and bools must be equal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// Relative to the value and to the values beside it; none for what suits the element type.
    pub relative: Option<f64>,
    least: f64,
}

impl Tolerance {
    /// A tolerance; without one, what suits the element type.
    pub fn new(relative: Option<f64>) -> Self {
        Self {
            relative,
            least: 0.0,
        }
    }

    /// The same, or more.
    pub(crate) fn at_least(self, least: f64) -> Self {
        Self { least, ..self }
    }

    fn of(self, dtype: DType) -> f64 {
        // Sums in another order, and cancellation in what is computed from them.
        let usual = match dtype {
            DType::F16 => 2e-2,
            DType::BF16 => 1e-1,
            DType::F32 => 1e-3,
            DType::F64 => 1e-9,
            _ => return 0.0,
        };
        self.relative.unwrap_or(usual).max(self.least)
    }
}

/// How two lists of results differ.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The number of the result.
    pub result: usize,
    /// Its type.
    pub ty: String,
    /// How many of its elements differ, and how many there are.
    pub count: [usize; 2],
    /// Where the first of them is.
    pub position: Vec<usize>,
    /// It as it should be, and as it is.
    pub elements: [String; 2],
}

impl Difference {
    /// In words, for a reader who knows which result it is.
    pub fn words(&self) -> String {
        let [wrong, all] = self.count;
        let at = match self.position.is_empty() {
            true => String::new(),
            false => format!("at {:?} ", self.position),
        };
        let [expected, actual] = &self.elements;
        let many = match all {
            1 => String::new(),
            _ => format!("; {wrong} of {all} elements differ"),
        };
        format!(
            "{}, {at}{actual} in compiled code, {expected} by the reference evaluator{many}",
            self.ty
        )
    }
}

/// The first of some results that differs.
pub fn all(expected: &[Tensor], actual: &[Tensor], tolerance: Tolerance) -> Option<Difference> {
    if expected.len() != actual.len() {
        return Some(Difference {
            result: expected.len().min(actual.len()),
            ty: "a list of results".to_string(),
            count: [0, 0],
            position: vec![],
            elements: [expected, actual].map(|list| format!("{} results", list.len())),
        });
    }
    let mut pairs = expected.iter().zip(actual).enumerate();
    pairs.find_map(|(result, (expected, actual))| {
        Some(Difference {
            result,
            ..one(expected, actual, tolerance)?
        })
    })
}

/// How a result differs, if it does.
fn one(expected: &Tensor, actual: &Tensor, tolerance: Tolerance) -> Option<Difference> {
    let (dtype, shape) = expected.stored_as();
    let (found, found_shape) = actual.stored_as();
    if (dtype, &shape) != (found, &found_shape) {
        return Some(Difference {
            result: 0,
            ty: expected.type_text(),
            count: [1, 1],
            position: vec![],
            elements: [expected, actual].map(Tensor::type_text),
        });
    }
    if expected.bytes() == actual.bytes() {
        return None;
    }
    let size = dtype.size();
    let apart: Vec<usize> = match dtype.is_float() {
        false => {
            let words = expected
                .bytes()
                .chunks(size)
                .zip(actual.bytes().chunks(size));
            let words = words.enumerate();
            words.filter(|(_, (e, a))| e != a).map(|(i, _)| i).collect()
        }
        true => {
            let (e, a) = (expected.to_f64(), actual.to_f64());
            let relative = tolerance.of(dtype);
            // Small elements among large ones carry the rounding of these.
            let finite = e.iter().filter(|x| x.is_finite());
            let count = finite.clone().count().max(1) as f64;
            let typical = (finite.map(|x| x * x).sum::<f64>() / count).sqrt();
            let agree = |e: f64, a: f64| {
                e == a
                    || (e.is_nan() && a.is_nan())
                    || (e.is_finite() && (e - a).abs() <= relative * (e.abs() + typical))
            };
            (0..e.len()).filter(|&i| !agree(e[i], a[i])).collect()
        }
    };
    let first = *apart.first()?;
    let mut position = vec![0; shape.len()];
    let mut rest = first;
    for (at, dim) in position.iter_mut().zip(&shape).rev() {
        *at = rest % dim;
        rest /= dim;
    }
    Some(Difference {
        result: 0,
        ty: expected.type_text(),
        count: [apart.len(), shape.iter().product()],
        position,
        elements: [expected, actual].map(|tensor| match tensor.dtype() {
            // Two words are an element.
            DType::Key => tensor.element_text(first / 2),
            _ => tensor.element_text(first),
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(values: &[f32]) -> Tensor {
        Tensor::from_slice(&[values.len()], values).unwrap()
    }

    fn differ(e: &[f32], a: &[f32]) -> Option<usize> {
        let difference = all(&[floats(e)], &[floats(a)], Tolerance::new(None))?;
        Some(difference.position[0])
    }

    #[test]
    fn rounding_is_no_difference() {
        assert_eq!(differ(&[1.0, 2.0], &[1.0001, 2.0]), None);
        assert_eq!(differ(&[1.0, 2.0], &[1.0, 2.01]), Some(1));
        assert_eq!(differ(&[1e-8, 2.0], &[2e-8, 2.0]), None);
        let nan = f32::NAN;
        assert_eq!(differ(&[nan], &[-nan]), None);
        assert_eq!(differ(&[nan, 1.0], &[1.0, 1.0]), Some(0));
        assert_eq!(differ(&[1.0, 1.0], &[1.0, nan]), Some(1));
        let inf = f32::INFINITY;
        assert_eq!(differ(&[inf, 1.0], &[inf, 1.0001]), None);
        assert_eq!(differ(&[inf], &[-inf]), Some(0));
        assert_eq!(differ(&[1.0], &[inf]), Some(0));
        let ints = |v: i32| [Tensor::from_slice(&[1], &[v]).unwrap()];
        assert!(all(&ints(3), &ints(4), Tolerance::new(Some(10.0))).is_some());
    }

    #[test]
    fn a_difference_is_told() {
        let expected = Tensor::from_slice(&[2, 2], &[1.0f32, 2.0, 3.0, 4.0]).unwrap();
        let actual = Tensor::from_slice(&[2, 2], &[1.0f32, 2.0, -3.0, 5.0]).unwrap();
        let found = all(&[expected], &[actual], Tolerance::new(None)).unwrap();
        assert_eq!(
            found.words(),
            "f32[2, 2], at [1, 0] -3 in compiled code, 3 by the reference evaluator; 2 of 4 elements differ"
        );
    }
}
