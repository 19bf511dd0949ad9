//! Measures every expansion of `expand-math` against the C library in units of the last place, on vectors and scalars,
//! with and without fused multiply-add. `DLC_MATH_STRIDE=1` runs over every f32.

use crate::jit::{self, Memref};
use dlc_lowering::schedule::Target;
use melior::ExecutionEngine;

unsafe extern "C" {
    fn erf(x: f64) -> f64;
    fn erff(x: f32) -> f32;
    fn exp2(x: f64) -> f64;
    fn fmod(x: f64, y: f64) -> f64;
    fn cbrt(x: f64) -> f64;
}

/// A function, its reference in f64, the bounds on its error in f32 and f64, and the range worth looking at.
struct Case {
    op: &'static str,
    reference: fn(f64, f64) -> f64,
    bounds: (f64, f64),
    range: (f64, f64),
    binary: bool,
}

const fn unary(
    op: &'static str,
    reference: fn(f64, f64) -> f64,
    bounds: (f64, f64),
    range: (f64, f64),
) -> Case {
    Case {
        op,
        reference,
        bounds,
        range,
        binary: false,
    }
}

const fn binary(op: &'static str, reference: fn(f64, f64) -> f64, bounds: (f64, f64)) -> Case {
    let range = (f64::NEG_INFINITY, f64::INFINITY);
    Case {
        op,
        reference,
        bounds,
        range,
        binary: true,
    }
}

const ALL: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);

fn cases() -> Vec<Case> {
    vec![
        unary("math.exp", |x, _| x.exp(), (1.1, 1.2), (-800.0, 800.0)),
        unary(
            "math.exp2",
            |x, _| unsafe { exp2(x) },
            (1.5, 2.0),
            (-1100.0, 1100.0),
        ),
        unary("math.expm1", |x, _| x.exp_m1(), (2.5, 3.0), (-800.0, 800.0)),
        unary("math.log", |x, _| x.ln(), (1.1, 1.5), ALL),
        unary("math.log1p", |x, _| x.ln_1p(), (2.5, 3.0), ALL),
        unary("math.log2", |x, _| x.log2(), (2.5, 3.0), ALL),
        unary("math.log10", |x, _| x.log10(), (2.5, 3.0), ALL),
        unary("math.sin", |x, _| x.sin(), (2.0, 1.5), ALL),
        unary("math.cos", |x, _| x.cos(), (2.0, 1.5), ALL),
        unary("math.tan", |x, _| x.tan(), (4.0, 3.0), ALL),
        unary("math.asin", |x, _| x.asin(), (3.0, 3.0), (-1.5, 1.5)),
        unary("math.acos", |x, _| x.acos(), (3.0, 3.0), (-1.5, 1.5)),
        unary("math.atan", |x, _| x.atan(), (3.0, 3.0), ALL),
        unary("math.sinh", |x, _| x.sinh(), (3.0, 3.0), (-800.0, 800.0)),
        unary("math.cosh", |x, _| x.cosh(), (3.0, 3.0), (-800.0, 800.0)),
        unary("math.tanh", |x, _| x.tanh(), (2.0, 2.5), (-40.0, 40.0)),
        unary("math.asinh", |x, _| x.asinh_reference(), (4.0, 4.0), ALL),
        unary(
            "math.acosh",
            |x, _| x.acosh_reference(),
            (4.0, 4.0),
            (0.0, f64::INFINITY),
        ),
        unary(
            "math.atanh",
            |x, _| x.atanh_reference(),
            (4.0, 4.0),
            (-1.5, 1.5),
        ),
        unary(
            "math.erf",
            |x, _| unsafe { erf(x) },
            (1.2, 2.0),
            (-8.0, 8.0),
        ),
        unary("math.cbrt", |x, _| unsafe { cbrt(x) }, (1.0, 2.0), ALL),
        unary("math.rsqrt", |x, _| 1.0 / x.sqrt(), (1.5, 1.5), ALL),
        unary("math.floor", |x, _| x.floor(), (0.0, 0.0), ALL),
        unary("math.ceil", |x, _| x.ceil(), (0.0, 0.0), ALL),
        unary("math.trunc", |x, _| x.trunc(), (0.0, 0.0), ALL),
        unary("math.round", |x, _| x.round(), (0.0, 0.0), ALL),
        unary(
            "math.roundeven",
            |x, _| x.round_ties_even(),
            (0.0, 0.0),
            ALL,
        ),
        binary("math.powf", |x, y| x.powf(y), (1.0, 2.5)),
        binary("math.atan2", |x, y| x.atan2(y), (4.0, 4.0)),
        binary("arith.remf", |x, y| unsafe { fmod(x, y) }, (0.0, 0.0)),
    ]
}

/// The C library's own, which std computes by worse formulas.
trait Reference {
    fn asinh_reference(self) -> f64;
    fn acosh_reference(self) -> f64;
    fn atanh_reference(self) -> f64;
}

unsafe extern "C" {
    fn asinh(x: f64) -> f64;
    fn acosh(x: f64) -> f64;
    fn atanh(x: f64) -> f64;
}

impl Reference for f64 {
    fn asinh_reference(self) -> f64 {
        unsafe { asinh(self) }
    }
    fn acosh_reference(self) -> f64 {
        unsafe { acosh(self) }
    }
    fn atanh_reference(self) -> f64 {
        unsafe { atanh(self) }
    }
}

const LANES: usize = 16;
const PIPELINE: &str = "builtin.module(func.func(expand-math),convert-scf-to-cf,convert-vector-to-llvm,\
    finalize-memref-to-llvm,convert-math-to-llvm,convert-arith-to-llvm,convert-index-to-llvm,convert-cf-to-llvm,\
    convert-func-to-llvm,reconcile-unrealized-casts)";

fn function(case: &Case, ty: &str, vector: bool) -> String {
    let name = format!(
        "{}_{ty}_{}",
        case.op.replace('.', "_"),
        if vector { "v" } else { "s" }
    );
    let value = if vector {
        format!("vector<{LANES}x{ty}>")
    } else {
        ty.to_string()
    };
    let (load, store) = if vector {
        ("vector.load", "vector.store")
    } else {
        ("memref.load", "memref.store")
    };
    let suffix = if vector {
        format!(", {value}")
    } else {
        String::new()
    };
    let step = if vector { LANES } else { 1 };
    let operands = if case.binary { "%x, %y" } else { "%x" };
    format!(
        "func.func @{name}(%a: memref<?x{ty}>, %b: memref<?x{ty}>, %o: memref<?x{ty}>) attributes {{llvm.emit_c_interface}} {{
           %c0 = arith.constant 0 : index
           %step = arith.constant {step} : index
           %n = memref.dim %a, %c0 : memref<?x{ty}>
           scf.for %i = %c0 to %n step %step {{
             %x = {load} %a[%i] : memref<?x{ty}>{suffix}
             %y = {load} %b[%i] : memref<?x{ty}>{suffix}
             %r = {} {operands} : {value}
             {store} %r, %o[%i] : memref<?x{ty}>{suffix}
           }}
           return
         }}\n",
        case.op
    )
}

fn compile(target: &str) -> ExecutionEngine {
    let functions: String = cases()
        .iter()
        .flat_map(|case| {
            let both = ["f32", "f64"].into_iter();
            both.flat_map(|ty| [true, false].map(|vector| function(case, ty, vector)))
        })
        .collect();
    let text = format!("module attributes {{dl.target = {target}}} {{ {functions} }}");
    let lowered = jit::lower(&text, PIPELINE);
    for call in ["llvm.intr.exp", "llvm.intr.pow", "llvm.intr.sin", "frem"] {
        assert!(!lowered.contains(call), "{call} is left");
    }
    assert!(target != LEAST || !lowered.contains("llvm.intr.fma"));
    jit::compile(&text, PIPELINE, 1)
}

/// Results for arguments, whose number is a multiple of the lanes.
fn call<T: Copy + Default>(
    engine: &ExecutionEngine,
    name: &str,
    a: &mut [T],
    b: &mut [T],
) -> Vec<T> {
    let mut out = vec![T::default(); a.len()];
    let shape = [a.len() as i64];
    let memrefs = [a, b, &mut out[..]].map(|values| Memref::new(values, &shape));
    let [mut a, mut b, mut o] = memrefs;
    jit::call(engine, name, [&mut a, &mut b, &mut o]);
    out
}

/// The size of the last place of f32 or f64 at a value.
fn last_place(value: f64, wide: bool) -> f64 {
    let (digits, least) = if wide { (52, -1022) } else { (23, -126) };
    let exponent = ((value.to_bits() >> 52 & 0x7FF) as i32 - 1023).max(least);
    let exponent = exponent - digits;
    f64::from_bits(match exponent {
        -1022.. => ((exponent + 1023) as u64) << 52,
        _ => 1 << (exponent + 1074),
    })
}

/// Error in units of the last place; infinite where the kind of the result is wrong.
fn error(got: f64, want: f64, wide: bool) -> f64 {
    let rounded = if wide { want } else { want as f32 as f64 };
    if rounded.is_nan() || got.is_nan() {
        return if rounded.is_nan() && got.is_nan() {
            0.0
        } else {
            f64::INFINITY
        };
    }
    if rounded == got {
        // Zeros have signs.
        let zeros = got == 0.0 && want == 0.0 && got.is_sign_negative() != want.is_sign_negative();
        return if zeros { f64::INFINITY } else { 0.0 };
    }
    if got.is_infinite() || rounded.is_infinite() {
        return f64::INFINITY;
    }
    (got - want).abs() / last_place(want, wide)
}

const SPECIAL: [f64; 32] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    2.0,
    -2.0,
    3.0,
    -3.0,
    1.5,
    -1.5,
    2.5,
    -2.5,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
    1e-40,
    -1e-40,
    1e-310,
    -1e-310,
    3e38,
    -3e38,
    1e308,
    -1e308,
    4503599627370497.5,
    8388609.0,
    -8388607.5,
    0.49999997,
    0.49999999999999994,
    16777216.0,
    7.0,
];

fn pairs() -> Vec<(f64, f64)> {
    let mut pairs: Vec<_> = SPECIAL
        .iter()
        .flat_map(|x| SPECIAL.map(|y| (*x, y)))
        .collect();
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut next = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        state
    };
    for _ in 0..60_000 {
        let spread = [40, 8, 300][(next() >> 33) as usize % 3];
        let mut number = || {
            let exponent = (next() >> 33) as i32 % spread - spread / 2;
            let digits = (next() >> 11) as f64 / (1u64 << 53) as f64 + 1.0;
            let sign = if next() >> 63 == 0 { 1.0 } else { -1.0 };
            sign * digits * 2f64.powi(exponent)
        };
        let (x, y) = (number(), number());
        pairs.push((x, y));
        pairs.push((x, y.round()));
    }
    pairs
}

fn stride() -> u64 {
    let text = std::env::var("DLC_MATH_STRIDE");
    text.ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(50_021)
}

fn narrow_arguments() -> impl Iterator<Item = f32> {
    let stride = stride();
    let special = SPECIAL.into_iter().map(|x| x as f32);
    special.chain(
        (0..=u32::MAX as u64)
            .step_by(stride as usize)
            .map(|bits| f32::from_bits(bits as u32)),
    )
}

fn wide_arguments(range: (f64, f64)) -> Vec<f64> {
    let (low, high) = (range.0.max(-50.0), range.1.min(50.0));
    let even = (0..40_000).map(|i| low + (high - low) * (i as f64 + 0.37) / 40_000.0);
    let logarithmic =
        (0..1u64 << 16).map(|i| f64::from_bits(i.wrapping_mul(0x1_0000_FFFF_DEAD) ^ i << 48));
    SPECIAL.into_iter().chain(even).chain(logarithmic).collect()
}

struct Worst {
    error: f64,
    text: String,
}

fn sweep(case: &Case, engine: &ExecutionEngine, wide: bool, vector: bool) -> Worst {
    let ty = if wide { "f64" } else { "f32" };
    let name = format!(
        "{}_{ty}_{}",
        case.op.replace('.', "_"),
        if vector { "v" } else { "s" }
    );
    let mut worst = Worst {
        error: 0.0,
        text: String::new(),
    };
    let mut check = |x: f64, y: f64, got: f64| {
        let want = (case.reference)(x, y);
        let error = error(got, want, wide);
        if error > worst.error {
            let text = format!("{name}({x:e}, {y:e}) = {got:e}, not {want:e}: {error} ulp");
            worst = Worst { error, text };
        }
    };
    let arguments: Vec<(f64, f64)> = match (case.binary, wide) {
        (true, true) => pairs(),
        (true, false) => pairs()
            .iter()
            .map(|(x, y)| ((*x as f32) as f64, (*y as f32) as f64))
            .collect(),
        (false, true) => wide_arguments(case.range)
            .into_iter()
            .map(|x| (x, 0.0))
            .collect(),
        (false, false) => narrow_arguments().map(|x| (x as f64, 0.0)).collect(),
    };
    for chunk in arguments.chunks(4096) {
        let full = chunk.len().next_multiple_of(LANES);
        let at = |i: usize| chunk.get(i).copied().unwrap_or((1.0, 1.0));
        if wide {
            let mut a: Vec<f64> = (0..full).map(|i| at(i).0).collect();
            let mut b: Vec<f64> = (0..full).map(|i| at(i).1).collect();
            let out = call(engine, &name, &mut a, &mut b);
            chunk
                .iter()
                .zip(out)
                .for_each(|((x, y), got)| check(*x, *y, got));
        } else {
            let mut a: Vec<f32> = (0..full).map(|i| at(i).0 as f32).collect();
            let mut b: Vec<f32> = (0..full).map(|i| at(i).1 as f32).collect();
            let out = call(engine, &name, &mut a, &mut b);
            chunk
                .iter()
                .zip(out)
                .for_each(|((x, y), got)| check(*x, *y, f64::from(got)));
        }
    }
    worst
}

fn check_all(target: &str) {
    // Keeps the C library's functions that the references use in the binary.
    assert!(unsafe { erff(0.0) } == 0.0);
    let engine = compile(target);
    let mut failures = vec![];
    for case in cases() {
        for wide in [false, true] {
            let mut bound = if wide { case.bounds.1 } else { case.bounds.0 };
            if target == LEAST {
                bound *= 1.5;
            }
            for vector in [true, false] {
                let worst = sweep(&case, &engine, wide, vector);
                println!(
                    "{:16} {} {} {:.3}  {}",
                    case.op,
                    if wide { "f64" } else { "f32" },
                    vector,
                    worst.error,
                    worst.text
                );
                if worst.error > bound {
                    failures.push(worst.text);
                }
            }
        }
    }
    assert!(
        failures.is_empty(),
        "beyond the bound:\n{}",
        failures.join("\n")
    );
}

/// Without fused multiply-add, without rounding.
const LEAST: &str = "{cpu = \"x86-64\"}";

#[test]
fn with_fused_multiply_add() {
    check_all("{cpu = \"haswell\"}");
}

#[test]
fn on_this_machine() {
    check_all(&Target::native().to_string());
}

#[test]
fn on_the_least_target() {
    check_all(LEAST);
}
