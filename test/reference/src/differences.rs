//! Derivatives by central differences, where ops that ask for them are still there: an oracle for `expand-derivatives`.
//!
//! The function that is differentiated runs with all floats as `f64`, twice for each element of what it is
//! differentiated by. What `stop_gradient` gives is held at what it is without a step, in the order in which it runs,
//! so that it has no derivative here either.

use crate::{
    EvalError,
    array::Array,
    elementwise,
    function::{Frame, Machine, call},
    value::{Content, Failure, Floats, operands},
};
use dlc_abi::DType;
use dlc_dialects::ops::{self, OpKind};
use dlc_runtime::Tensor;
use melior::ir::{
    Module, OperationRef, ValueLike,
    attribute::{DenseI64ArrayAttribute, FlatSymbolRefAttribute},
    operation::OperationLike,
};
use std::cell::RefCell;

/// A step, relative where a value is larger than 1: its square is the error of the difference, as is the rounding of
/// f64 divided by it.
const STEP: f64 = 1e-5;

/// More elements than this are not stepped through.
pub const MOST_STEPS: usize = 4096;

/// A derivative that was asked for while a function ran.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The function that is differentiated.
    pub callee: String,
    /// Its arguments that are no tensors.
    pub dims: Vec<i64>,
    /// Its arguments that are.
    pub args: Vec<Tensor>,
    /// By which of these.
    pub wrt: Vec<usize>,
}

/// Runs a function of a module in which derivatives are not made yet; also gives those that were asked for, outermost
/// ones only. Refuses batches, rules that a program gives itself, and more than a few thousand elements.
pub fn evaluate_by_differences(
    module: &Module,
    function: &str,
    dims: &[i64],
    args: &[Tensor],
) -> Result<(Vec<Tensor>, Vec<Asked>), EvalError> {
    let differences = Differences {
        held: RefCell::new(Held::Free),
        asked: RefCell::default(),
    };
    let results = Machine::new(module, Some(&differences)).start(function, dims, args)?;
    Ok((results, differences.asked.into_inner()))
}

/// How derivatives are had by differences.
pub(crate) struct Differences {
    held: RefCell<Held>,
    asked: RefCell<Vec<Asked>>,
}

/// What `stop_gradient` gives.
enum Held {
    /// Its operand.
    Free,
    /// Its operand, which is noted,
    Noted(Vec<Content>),
    /// and what was noted, from the front.
    Given(std::vec::IntoIter<Content>),
}

impl Differences {
    /// Runs an op that is about derivatives; nothing for others.
    pub fn run(
        &self,
        kind: OpKind,
        op: OperationRef,
        frame: &Frame,
    ) -> Result<Option<Vec<Content>>, Failure> {
        let machine = frame.machine;
        Ok(match kind {
            OpKind::StopGradient => {
                let x = operands(op, &frame.values)?.remove(0);
                Some(vec![self.hold(x)?])
            }
            OpKind::Call
                if frame.values.floats() == Floats::Wide
                    && (op.has_attribute("vjp") || op.has_attribute("jvp")) =>
            {
                return Err(Failure::Unsupported);
            }
            OpKind::Call => {
                let args = operands(op, &frame.values)?;
                let machine = machine.inner(frame.values.floats());
                Some(call(machine, &callee(op)?, args).map_err(Failure::Nested)?)
            }
            OpKind::Grad | OpKind::Vjp | OpKind::Jvp => Some(self.derivative(kind, op, frame)?),
            _ => None,
        })
    }

    fn hold(&self, x: Content) -> Result<Content, Failure> {
        match &mut *self.held.borrow_mut() {
            Held::Free => Ok(x),
            Held::Noted(values) => {
                values.push(x.clone());
                Ok(x)
            }
            // A step that takes another branch has no difference to speak of.
            Held::Given(values) => values.next().ok_or(Failure::Unsupported),
        }
    }

    fn derivative(
        &self,
        kind: OpKind,
        op: OperationRef,
        frame: &Frame,
    ) -> Result<Vec<Content>, Failure> {
        let wrt = DenseI64ArrayAttribute::try_from(
            op.attribute("wrt").map_err(|error| error.to_string())?,
        )
        .map_err(|error| error.to_string())?;
        let wrt = (0..wrt.len()).map(|i| wrt.element(i).map(|i| i as usize));
        let wrt: Vec<_> = wrt
            .collect::<Result<_, _>>()
            .map_err(|error| error.to_string())?;
        let given = operands(op, &frame.values)?;
        let dims = given.iter().take_while(|x| matches!(x, Content::Index(_)));
        let dims = dims.count();
        let outer = frame.values.floats();
        let function = Differentiated {
            differences: self,
            machine: frame.machine.inner(Floats::Wide),
            callee: callee(op)?,
            dims,
        };
        let count = function.argument_count(kind, op, given.len() - dims, wrt.len())?;
        let (args, extra) = given.split_at(dims + count);
        self.note(&function, args, &wrt, outer)?;
        let base = function.base(args)?;
        let results = match kind {
            OpKind::Jvp => function.forward(&base, &wrt, extra)?,
            OpKind::Vjp => function.reverse(&base, &wrt, &wide(extra))?,
            _ => {
                let one = Array {
                    dtype: DType::F64,
                    shape: vec![],
                    bits: vec![1f64.to_bits()],
                };
                let gradients = function.reverse(&base, &wrt, &[Content::Array(one)])?;
                let value = ops::Grad(op).value();
                let values = base.results.iter().filter(|_| value).cloned();
                values.chain(gradients).collect()
            }
        };
        // As the op's results are typed.
        let typed = op
            .results()
            .zip(results)
            .map(|(result, content)| match content {
                Content::Array(array) => {
                    let dtype = outer.held(crate::value::dtype(result.r#type())?);
                    Ok(Content::Array(elementwise::convert(&array, dtype)))
                }
                index => Ok(index),
            });
        typed.collect::<Result<_, String>>().map_err(Failure::from)
    }

    fn note(
        &self,
        function: &Differentiated,
        args: &[Content],
        wrt: &[usize],
        outer: Floats,
    ) -> Result<(), Failure> {
        if outer == Floats::Wide {
            return Ok(());
        }
        let mut asked = Asked {
            callee: function.callee.clone(),
            dims: vec![],
            args: vec![],
            wrt: wrt.to_vec(),
        };
        for arg in args {
            match arg {
                Content::Index(dim) => asked.dims.push(*dim),
                Content::Array(array) => asked
                    .args
                    .push(array.to_tensor().map_err(|error| error.to_string())?),
            }
        }
        self.asked.borrow_mut().push(asked);
        Ok(())
    }
}

/// A function that is differentiated.
struct Differentiated<'d, 'm, 'c> {
    differences: &'d Differences,
    machine: Machine<'m, 'c>,
    callee: String,
    /// How many of its arguments are no tensors.
    dims: usize,
}

/// A function where it is differentiated.
struct Base {
    args: Vec<Content>,
    results: Vec<Content>,
    /// What `stop_gradient` gives there.
    held: Vec<Content>,
}

impl Differentiated<'_, '_, '_> {
    /// How many tensors of an op's operands are the callee's arguments.
    fn argument_count(
        &self,
        kind: OpKind,
        op: OperationRef,
        tensors: usize,
        wrt: usize,
    ) -> Result<usize, Failure> {
        match kind {
            OpKind::Jvp => Ok(tensors - wrt),
            OpKind::Vjp => self
                .machine
                .parameters(&self.callee)
                .map(|all| all - self.dims),
            _ => Ok(op.operand_count() - self.dims),
        }
    }

    fn base(&self, args: &[Content]) -> Result<Base, Failure> {
        let args = wide(args);
        let before = self.differences.held.replace(Held::Noted(vec![]));
        let results = call(self.machine, &self.callee, args.clone());
        let held = match self.differences.held.replace(before) {
            Held::Noted(values) => values,
            Held::Free | Held::Given(_) => vec![],
        };
        Ok(Base {
            args,
            results: results.map_err(Failure::Nested)?,
            held,
        })
    }

    /// What it gives a step away.
    fn at(&self, base: &Base, args: Vec<Content>) -> Result<Vec<Content>, Failure> {
        let given = Held::Given(base.held.clone().into_iter());
        let before = self.differences.held.replace(given);
        let results = call(self.machine, &self.callee, args);
        self.differences.held.replace(before);
        results.map_err(Failure::Nested)
    }

    /// Values, and tangents of the float results.
    fn forward(
        &self,
        base: &Base,
        wrt: &[usize],
        tangents: &[Content],
    ) -> Result<Vec<Content>, Failure> {
        let tangents = wide(tangents);
        let moved = |sign: f64| -> Result<Vec<Content>, Failure> {
            let mut args = base.args.clone();
            for (at, tangent) in wrt.iter().zip(&tangents) {
                let (x, t) = (floats(&args[self.dims + at])?, floats(tangent)?);
                let sums = x.iter().zip(&t).map(|(x, t)| x + sign * STEP * t);
                set(&mut args[self.dims + at], sums.collect());
            }
            self.at(base, args)
        };
        let (above, below) = (moved(1.0)?, moved(-1.0)?);
        let mut results = base.results.clone();
        for (above, below) in above.into_iter().zip(below) {
            if is_float(&above) {
                let (a, b) = (floats(&above)?, floats(&below)?);
                let slopes = a.iter().zip(&b).map(|(a, b)| (a - b) / (2.0 * STEP));
                let mut slope = above;
                set(&mut slope, slopes.collect());
                results.push(slope);
            }
        }
        Ok(results)
    }

    /// The gradient of the product with cotangents of the float results.
    fn reverse(
        &self,
        base: &Base,
        wrt: &[usize],
        cotangents: &[Content],
    ) -> Result<Vec<Content>, Failure> {
        let cotangents: Vec<_> = cotangents.iter().map(floats).collect::<Result<_, _>>()?;
        // Differences come before sums, which would round them away.
        let product = |above: &[Content], below: &[Content]| -> Result<f64, Failure> {
            let pairs = above.iter().zip(below).filter(|(above, _)| is_float(above));
            let mut sum = 0.0;
            for ((above, below), cotangent) in pairs.zip(&cotangents) {
                let (above, below) = (floats(above)?, floats(below)?);
                for ((a, b), c) in above.iter().zip(&below).zip(cotangent) {
                    sum += if *c == 0.0 { 0.0 } else { c * (a - b) };
                }
            }
            Ok(sum)
        };
        let mut gradients = vec![];
        for at in wrt {
            let x = floats(&base.args[self.dims + at])?;
            if x.len() > MOST_STEPS {
                return Err(Failure::Unsupported);
            }
            let mut slopes = vec![];
            for (i, value) in x.iter().enumerate() {
                let step = STEP * value.abs().max(1.0);
                let moved = |to: f64| {
                    let mut args = base.args.clone();
                    let mut x = x.clone();
                    x[i] = to;
                    set(&mut args[self.dims + at], x);
                    self.at(base, args)
                };
                let (high, low) = (value + step, value - step);
                slopes.push(product(&moved(high)?, &moved(low)?)? / (high - low));
            }
            let mut gradient = base.args[self.dims + at].clone();
            set(&mut gradient, slopes);
            gradients.push(gradient);
        }
        Ok(gradients)
    }
}

fn callee(op: OperationRef) -> Result<String, Failure> {
    let callee = op.attribute("callee").ok();
    let callee = callee.and_then(|callee| FlatSymbolRefAttribute::try_from(callee).ok());
    let callee = callee.ok_or("the callee is no symbol")?;
    Ok(callee.value().to_string())
}

fn is_float(content: &Content) -> bool {
    matches!(content, Content::Array(array) if array.dtype.is_float())
}

fn wide(contents: &[Content]) -> Vec<Content> {
    let wide = |content: &Content| match content {
        Content::Array(array) if array.dtype.is_float() => {
            Content::Array(elementwise::convert(array, DType::F64))
        }
        other => other.clone(),
    };
    contents.iter().map(wide).collect()
}

/// The elements of a wide array.
fn floats(content: &Content) -> Result<Vec<f64>, Failure> {
    match content {
        Content::Array(array) if array.dtype == DType::F64 => Ok(array
            .bits
            .iter()
            .map(|bits| f64::from_bits(*bits))
            .collect()),
        _ => Err("a derivative by what is no float".into()),
    }
}

fn set(content: &mut Content, elements: Vec<f64>) {
    if let Content::Array(array) = content {
        array.bits = elements.into_iter().map(f64::to_bits).collect();
    }
}
