//! Whether an assertion holds, by what it compares.

use dlc_abi::DType;
use dlc_frontend::ast::Span;
use dlc_frontend::core::{Assertion, AssertionKind, GradientPart, tolerances};
use dlc_frontend::diagnostic::Diagnostic;
use dlc_runtime::Tensor;

use super::fails;

/// Takes an assertion's results and gives what is wrong, if it does not hold.
pub fn judge(
    assertion: &Assertion,
    results: &mut impl Iterator<Item = Tensor>,
) -> Option<Diagnostic> {
    let span = assertion.span;
    match &assertion.kind {
        AssertionKind::Holds => {
            let holds = results.next()?.to_f64().first().is_some_and(|&v| v != 0.0);
            (!holds).then(|| fails(DOES_NOT_HOLD.to_owned(), span))
        }
        AssertionKind::Compares => {
            let (holds, a, b) = (results.next()?, results.next()?, results.next()?);
            does_not_hold(&holds, &a, &b, span)
        }
        AssertionKind::Close { leaves, rtol, atol } => {
            let mut worst = None;
            for path in leaves {
                let (a, b) = (results.next()?, results.next()?);
                let tolerance = Tolerance::of(a.dtype(), *rtol, *atol);
                worst = worst.or_else(|| differing(path, &a, &b, tolerance, span));
            }
            worst
        }
        AssertionKind::Gradient {
            parts,
            dtype,
            step,
            rtol,
            atol,
        } => {
            let here = results.next()?.to_f64().first().copied()?;
            let around = Around {
                here,
                step: *step,
                dtype: *dtype,
                tolerance: Tolerance {
                    rtol: *rtol,
                    atol: *atol,
                },
            };
            let mut wrong = None;
            for part in parts {
                let (derivatives, values) = (results.next()?, results.next()?);
                wrong = wrong.or_else(|| around.judge(part, &derivatives, &values, span));
            }
            wrong
        }
    }
}

/// How far a part of a gradient is from finite differences.
#[derive(Debug, Clone)]
pub struct Difference {
    /// What is changed.
    pub name: String,
    /// Whether it is changed in one random direction, not in each number.
    pub random: bool,
    /// The greatest relative difference.
    pub worst: f64,
    /// Whether all is within the tolerance.
    pub holds: bool,
}

/// How far the parts of a gradient are from finite differences; nothing for another assertion.
pub fn differences(
    assertion: &Assertion,
    results: &mut impl Iterator<Item = Tensor>,
) -> Option<Vec<Difference>> {
    let AssertionKind::Gradient {
        parts,
        dtype,
        step,
        rtol,
        atol,
    } = &assertion.kind
    else {
        return None;
    };
    let around = Around {
        here: results.next()?.to_f64().first().copied()?,
        step: *step,
        dtype: *dtype,
        tolerance: Tolerance {
            rtol: *rtol,
            atol: *atol,
        },
    };
    let mut found = vec![];
    for part in parts {
        let (derivatives, values) = (results.next()?.to_f64(), results.next()?.to_f64());
        let judged = derivatives.iter().zip(values.chunks_exact(4));
        let judged = judged.map(|(derivative, v)| {
            let values = [v[0], v[1], v[2], v[3]];
            let holds = around.wrong(*derivative, values).is_none();
            (around.relative(*derivative, values), holds)
        });
        let judged = judged.collect::<Vec<_>>();
        found.push(Difference {
            name: part.name.clone(),
            random: part.random,
            worst: judged.iter().fold(0.0, |most, (far, _)| far.max(most)),
            holds: judged.iter().all(|(_, holds)| *holds),
        });
    }
    Some(found)
}

const DOES_NOT_HOLD: &str = "the condition does not hold";

/// What is wrong with a comparison that has to hold everywhere.
fn does_not_hold(holds: &Tensor, a: &Tensor, b: &Tensor, span: Span) -> Option<Diagnostic> {
    let truths = holds.to_f64();
    let first = truths.iter().position(|truth| *truth == 0.0)?;
    let sides = [("left: ", a), ("right:", b)];
    let mut diagnostic = fails(DOES_NOT_HOLD.to_owned(), span);
    for (side, tensor) in sides {
        let value = match tensor.shape() {
            [] => format!("{} = {}", tensor.type_text(), tensor.element_text(0)),
            _ => tensor.summary(),
        };
        diagnostic = diagnostic.note(format!("{side} {value}"));
    }
    if holds.shape().is_empty() {
        return Some(diagnostic);
    }
    let wrong = truths.iter().filter(|truth| **truth == 0.0).count();
    let [left, right] = sides.map(|(_, tensor)| tensor.element_text(first));
    Some(diagnostic.note(format!(
        "at {wrong} of {} elements, the first at {:?}: {left} and {right}",
        truths.len(),
        indices(first, holds.shape())
    )))
}

/// How far two numbers may be apart: `atol + rtol * |b|`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Tolerance {
    rtol: f64,
    atol: f64,
}

impl Tolerance {
    /// As given, else by the dtype; integers and truth values are equal or not.
    fn of(dtype: DType, rtol: Option<f64>, atol: Option<f64>) -> Self {
        let (rtol, atol) = tolerances(dtype, rtol, atol);
        Self { rtol, atol }
    }

    /// Two NaNs are equal, and so are infinities of one sign.
    fn allows(self, a: f64, b: f64) -> bool {
        let near = || b.is_finite() && (a - b).abs() <= self.atol + self.rtol * b.abs();
        a == b || (a.is_nan() && b.is_nan()) || near()
    }
}

/// What is wrong with a pair of tensors, one of which may be a scalar.
fn differing(
    path: &str,
    a: &Tensor,
    b: &Tensor,
    tolerance: Tolerance,
    span: Span,
) -> Option<Diagnostic> {
    let shape = if a.shape().is_empty() {
        b.shape()
    } else {
        a.shape()
    };
    let count: usize = shape.iter().product();
    let (left, right) = (a.to_f64(), b.to_f64());
    let at = |values: &[f64], i: usize| {
        if values.len() == 1 {
            values[0]
        } else {
            values[i]
        }
    };
    // Integers that f64 cannot tell apart are compared by their bytes.
    let whole = !matches!(
        a.dtype(),
        DType::F16 | DType::BF16 | DType::F32 | DType::F64
    );
    let exact = whole && tolerance.rtol == 0.0 && tolerance.atol == 0.0;
    let size = a.dtype().size();
    let element = |tensor: &Tensor, i: usize| {
        let i = if tensor.shape().is_empty() { 0 } else { i };
        tensor.bytes()[i * size..(i + 1) * size].to_vec()
    };
    let wrong: Vec<usize> = (0..count)
        .filter(|&i| match exact {
            true => element(a, i) != element(b, i),
            false => !tolerance.allows(at(&left, i), at(&right, i)),
        })
        .collect();
    let first = *wrong.first()?;
    let distance = |i: usize| (at(&left, i) - at(&right, i)).abs();
    let relative = |i: usize| distance(i) / at(&right, i).abs();
    let greatest = |of: &dyn Fn(usize) -> f64| {
        let mut found = first;
        for &i in &wrong {
            // A NaN beside a number is farther than anything.
            if !of(found).is_nan() && (of(i).is_nan() || of(i) > of(found)) {
                found = i;
            }
        }
        found
    };
    let what = match path.trim_start_matches('.') {
        "" => String::new(),
        path => format!(" of `{path}`"),
    };
    let message = match count {
        1 => format!("both sides{what} differ"),
        _ => format!("{} of {count} elements{what} differ", wrong.len()),
    };
    let place = |i: usize| match shape.is_empty() {
        true => String::new(),
        false => format!(" at {:?}", indices(i, shape)),
    };
    let (far, farther) = (greatest(&distance), greatest(&relative));
    let values = |i: usize| format!("{} and {}", at(&left, i), at(&right, i));
    let mut diagnostic = fails(message, span)
        .note(format!("left:  {}", a.summary()))
        .note(format!("right: {}", b.summary()))
        .note(format!(
            "first difference{}: {}",
            place(first),
            values(first)
        ));
    diagnostic = diagnostic.note(format!(
        "greatest absolute difference{}: {:e}; relative{}: {:e}",
        place(far),
        distance(far),
        place(farther),
        relative(farther)
    ));
    if !exact {
        diagnostic = diagnostic.note(format!(
            "allowed: {:e} + {:e} * |right|",
            tolerance.atol, tolerance.rtol
        ));
    }
    Some(diagnostic)
}

/// The indices of an element by its position.
fn indices(mut position: usize, shape: &[usize]) -> Vec<usize> {
    let mut indices = vec![0; shape.len()];
    for (index, size) in indices.iter_mut().zip(shape).rev() {
        *index = position % size;
        position /= size;
    }
    indices
}

/// What a gradient is compared with: the function at a point and beside it.
struct Around {
    /// Its value at the point.
    here: f64,
    step: f64,
    dtype: DType,
    tolerance: Tolerance,
}

/// A derivative that is wrong.
struct Wrong {
    derivative: f64,
    /// What finite differences say.
    difference: f64,
    /// How far the two may be apart for rounding and for what the differences are unsure of.
    slack: f64,
}

impl Around {
    /// What is wrong with derivatives, of which each has four values.
    fn judge(
        &self,
        part: &GradientPart,
        derivatives: &Tensor,
        values: &Tensor,
        span: Span,
    ) -> Option<Diagnostic> {
        let (all, values) = (derivatives.to_f64(), values.to_f64());
        let judged = all.iter().zip(values.chunks_exact(4)).enumerate();
        let wrong = judged.filter_map(|(i, (derivative, values))| {
            let values = [values[0], values[1], values[2], values[3]];
            Some((i, self.wrong(*derivative, values)?))
        });
        let wrong: Vec<(usize, Wrong)> = wrong.collect();
        let (first, found) = wrong.first()?;
        let message = format!("the derivative with respect to `{}` is wrong", part.name);
        let mut diagnostic = fails(message, span);
        let place = match derivatives.shape() {
            _ if part.random => "in a random direction ".to_owned(),
            [] => String::new(),
            shape => {
                let (wrong, all) = (wrong.len(), all.len());
                diagnostic = diagnostic.note(format!("at {wrong} of {all} elements"));
                format!("at {:?} ", indices(*first, shape))
            }
        };
        diagnostic = diagnostic
            .note(format!("{place}the gradient says {:e}", found.derivative))
            .note(format!("finite differences say {:e}", found.difference));
        Some(diagnostic.note(format!(
            "allowed: {:e} relative, {:e} for rounding and steps",
            self.tolerance.rtol,
            self.tolerance.atol + found.slack
        )))
    }

    /// How far a derivative is from the nearest estimate, relatively; 0 where rounding and steps explain all of both.
    fn relative(&self, derivative: f64, values: [f64; 4]) -> f64 {
        let (estimates, slack) = self.estimates(values);
        let far = estimates.iter().map(|estimate| {
            let size = derivative.abs().max(estimate.abs());
            match size <= slack {
                true => 0.0,
                false => (estimate - derivative).abs() / size,
            }
        });
        far.fold(f64::INFINITY, f64::min)
    }

    /// What finite differences say, by several formulas, and how unsure they are.
    fn estimates(&self, values: [f64; 4]) -> ([f64; 5], f64) {
        let (h, [far, far_back, near, near_back]) = (self.step, values);
        let coarse = (far - far_back) / (2.0 * h);
        let fine = (near - near_back) / h;
        // Richardson's extrapolation takes the cubic term out. Where the function has a kink beside the point, the
        // differences of the other side have the derivative.
        let estimates = [
            (4.0 * fine - coarse) / 3.0,
            fine,
            coarse,
            (4.0 * near - far - 3.0 * self.here) / h,
            (3.0 * self.here - 4.0 * near_back + far_back) / h,
        ];
        let epsilon = match self.dtype {
            DType::F64 => f64::EPSILON,
            DType::F32 => f64::from(f32::EPSILON),
            DType::F16 => 1.0 / 1024.0,
            _ => 1.0 / 128.0,
        };
        let size = values.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
        let slack = 4.0 * epsilon * size / h + (coarse - fine).abs();
        (estimates, slack)
    }

    /// Whether a derivative is wrong, by the function at `step`, `-step`, `step / 2`, `-step / 2`.
    fn wrong(&self, derivative: f64, values: [f64; 4]) -> Option<Wrong> {
        let (estimates, slack) = self.estimates(values);
        let Tolerance { rtol, atol } = self.tolerance;
        let holds = estimates.iter().any(|&estimate| {
            let allowed = atol + slack + rtol * derivative.abs().max(estimate.abs());
            (estimate - derivative).abs() <= allowed
        });
        (!holds).then_some(Wrong {
            derivative,
            difference: estimates[0],
            slack,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(values: &[f32]) -> Tensor {
        Tensor::from_slice(&[values.len()], values).unwrap()
    }

    fn close(a: &[f32], b: &[f32]) -> Option<Diagnostic> {
        let tolerance = Tolerance::of(DType::F32, None, None);
        differing("", &tensor(a), &tensor(b), tolerance, Span::new(0, 0))
    }

    #[test]
    fn special_values() {
        let (nan, inf) = (f32::NAN, f32::INFINITY);
        assert_eq!(close(&[nan, inf, -inf, 0.0], &[nan, inf, -inf, -0.0]), None);
        assert!(close(&[nan], &[1.0]).is_some());
        assert!(close(&[inf], &[-inf]).is_some());
        assert!(close(&[inf], &[f32::MAX]).is_some());
        assert_eq!(close(&[], &[]), None);
    }

    #[test]
    fn what_differs_is_told() {
        let found = close(&[1.0, 2.0, 3.5], &[1.0, 2.5, 5.0]).unwrap();
        assert_eq!(found.message, "2 of 3 elements differ");
        let notes = found.notes.join("\n");
        assert!(
            notes.contains("first difference at [1]: 2 and 2.5"),
            "{notes}"
        );
        assert!(
            notes.contains("absolute difference at [2]: 1.5e0; relative at [2]: 3e-1"),
            "{notes}"
        );
    }

    #[test]
    fn large_integers_are_compared_exactly() {
        let a = Tensor::from_slice(&[1], &[(1i64 << 60) + 1]).unwrap();
        let b = Tensor::from_slice(&[1], &[1i64 << 60]).unwrap();
        let tolerance = Tolerance::of(DType::I64, None, None);
        assert!(differing("", &a, &b, tolerance, Span::new(0, 0)).is_some());
        assert_eq!(differing("", &a, &a, tolerance, Span::new(0, 0)), None);
    }

    fn around(dtype: DType, here: f64, rtol: f64) -> Around {
        Around {
            here,
            step: 0.01,
            dtype,
            tolerance: Tolerance { rtol, atol: 0.0 },
        }
    }

    const STEPS: [f64; 4] = [0.01, -0.01, 0.005, -0.005];

    #[test]
    fn slopes() {
        let exp = STEPS.map(|x| f64::from((x as f32).exp()));
        let holds = |derivative| {
            around(DType::F32, 1.0, 1e-2)
                .wrong(derivative, exp)
                .is_none()
        };
        assert!(holds(1.0));
        assert!(!holds(1.05));
        assert!(!holds(0.0));
        assert!(!holds(f64::NAN));
        let exp = STEPS.map(f64::exp);
        let holds = |derivative| {
            around(DType::F64, 1.0, 1e-5)
                .wrong(derivative, exp)
                .is_none()
        };
        assert!(holds(1.0));
        assert!(!holds(1.0001));
    }

    #[test]
    fn kinks_beside_the_point() {
        for kink in [-0.007, -0.001, 0.001, 0.007] {
            let relu = |x: f64| (x - kink).max(0.0);
            let around = around(DType::F64, relu(0.0), 1e-5);
            let holds = |derivative| around.wrong(derivative, STEPS.map(relu)).is_none();
            let right = if kink < 0.0 { 1.0 } else { 0.0 };
            assert!(holds(right), "{kink}");
        }
        let constant = around(DType::F64, 1.0, 1e-5);
        assert!(constant.wrong(0.0, [1.0; 4]).is_none());
        assert!(constant.wrong(1e-3, [1.0; 4]).is_some());
    }

    #[test]
    fn the_first_element_that_is_wrong_is_told() {
        let part = GradientPart {
            name: "p.w".to_owned(),
            random: false,
        };
        let derivatives = Tensor::from_slice(&[2], &[1.0, 3.0]).unwrap();
        let values = [STEPS, STEPS].concat();
        let values = Tensor::from_slice(&[8], &values).unwrap();
        let around = around(DType::F64, 0.0, 1e-5);
        let found = around.judge(&part, &derivatives, &values, Span::new(0, 0));
        let found = found.unwrap();
        assert_eq!(
            found.message,
            "the derivative with respect to `p.w` is wrong"
        );
        assert_eq!(
            found.notes[..2],
            ["at 1 of 2 elements", "at [1] the gradient says 3e0"]
        );
    }
}
