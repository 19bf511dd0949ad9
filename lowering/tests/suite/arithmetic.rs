//! Runs the expansions that have exact results: extremes, half precision, integer powers and divisions.

use crate::jit::{self, Memref};
use melior::ExecutionEngine;

const PIPELINE: &str = "builtin.module(func.func(expand-math),convert-scf-to-cf,convert-vector-to-llvm,\
    finalize-memref-to-llvm,convert-math-to-llvm,convert-arith-to-llvm,convert-index-to-llvm,convert-cf-to-llvm,\
    convert-func-to-llvm,reconcile-unrealized-casts)";

/// A function over arrays: element types of both inputs and the result, and the op on vectors of 8.
fn function(name: &str, [a, b, o]: [&str; 3], op: &str) -> String {
    let op = op
        .replace("$a", &format!("vector<8x{a}>"))
        .replace("$o", &format!("vector<8x{o}>"));
    format!(
        "func.func @{name}(%a: memref<?x{a}>, %b: memref<?x{b}>, %o: memref<?x{o}>) attributes {{llvm.emit_c_interface}} {{
           %c0 = arith.constant 0 : index
           %step = arith.constant 8 : index
           %n = memref.dim %a, %c0 : memref<?x{a}>
           scf.for %i = %c0 to %n step %step {{
             %x = vector.load %a[%i] : memref<?x{a}>, vector<8x{a}>
             %y = vector.load %b[%i] : memref<?x{b}>, vector<8x{b}>
             %r = {op}
             vector.store %r, %o[%i] : memref<?x{o}>, vector<8x{o}>
           }}
           return
         }}\n"
    )
}

fn compile(functions: &str) -> ExecutionEngine {
    // The target that has the fewest instructions expands the most.
    let text = format!("module attributes {{dl.target = {{cpu = \"x86-64\"}}}} {{ {functions} }}");
    let lowered = jit::lower(&text, PIPELINE);
    for left in ["fptrunc", "fpext", "maximum", "maxnum"] {
        assert!(!lowered.contains(&format!("llvm.{left}")), "{left} is left");
    }
    jit::compile(&text, PIPELINE, 1)
}

fn call<A: Copy, B: Copy, O: Copy + Default>(
    engine: &ExecutionEngine,
    name: &str,
    a: &[A],
    b: &[B],
) -> Vec<O> {
    let (mut a, mut b) = (a.to_vec(), b.to_vec());
    assert_eq!(a.len() % 8, 0);
    let mut out = vec![O::default(); a.len()];
    let shape = [a.len() as i64];
    let memrefs = [
        &mut Memref::new(&mut a, &shape),
        &mut Memref::new(&mut b, &shape),
        &mut Memref::new(&mut out, &shape),
    ];
    jit::call(engine, name, memrefs);
    out
}

#[test]
fn extremes_keep_nan() {
    let functions = ["maximumf", "minimumf", "maxnumf", "minnumf"]
        .map(|op| function(op, ["f32"; 3], &format!("arith.{op} %x, %y : $a")));
    let engine = compile(&functions.concat());
    let values = [
        1.0,
        -2.0,
        f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        0.0,
        3.5,
        -1e-40,
    ];
    let pairs: Vec<(f32, f32)> = values
        .iter()
        .flat_map(|x| values.map(|y| (*x, y)))
        .collect();
    let (a, b): (Vec<f32>, Vec<f32>) = pairs.iter().copied().unzip();
    let with_nan = |x: f32, y: f32, pick: fn(f32, f32) -> f32| {
        if x.is_nan() || y.is_nan() {
            f32::NAN
        } else {
            pick(x, y)
        }
    };
    let check = |name: &str, want: &dyn Fn(f32, f32) -> f32| {
        let got: Vec<f32> = call(&engine, name, &a, &b);
        for ((x, y), got) in pairs.iter().zip(got) {
            let want = want(*x, *y);
            assert!(
                got == want || got.is_nan() && want.is_nan(),
                "{name}({x}, {y}) = {got}, not {want}"
            );
        }
    };
    check("maximumf", &|x, y| with_nan(x, y, f32::max));
    check("minimumf", &|x, y| with_nan(x, y, f32::min));
    check("maxnumf", &|x, y| x.max(y));
    check("minnumf", &|x, y| x.min(y));
}

#[test]
fn products_and_sums_are_rounded_once() {
    let functions = ["f32", "f64"].map(|ty| function(ty, [ty; 3], "math.fma %x, %y, %x : $a"));
    let text = format!(
        "module attributes {{dl.target = {{cpu = \"x86-64\"}}}} {{ {} }}",
        functions.concat()
    );
    assert!(!jit::lower(&text, PIPELINE).contains("llvm.intr.fma"));
    let engine = jit::compile(&text, PIPELINE, 1);
    // Factors near -1 cancel most of the sum.
    let values = (0..4096u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let unit = |bits: u64| (bits >> 11) as f64 / (1u64 << 53) as f64;
    let (a, b): (Vec<f64>, Vec<f64>) = values
        .map(|bits| {
            let x = (unit(bits) - 0.5) * 2f64.powi((bits % 60) as i32 - 30);
            (
                x,
                -1.0 + (unit(bits.reverse_bits()) - 0.5) * 2f64.powi(-((bits % 50) as i32)),
            )
        })
        .unzip();
    let got: Vec<f64> = call(&engine, "f64", &a, &b);
    for ((x, y), got) in a.iter().zip(&b).zip(got) {
        assert_eq!(got.to_bits(), x.mul_add(*y, *x).to_bits(), "{x:e} * {y:e}");
    }
    let [a, b] = [a, b].map(|list| list.iter().map(|x| *x as f32).collect::<Vec<_>>());
    let got: Vec<f32> = call(&engine, "f32", &a, &b);
    for ((x, y), got) in a.iter().zip(&b).zip(got) {
        assert_eq!(got.to_bits(), x.mul_add(*y, *x).to_bits(), "{x:e} * {y:e}");
    }
    let special = [
        f32::INFINITY,
        f32::NAN,
        f32::MAX,
        -0.0,
        0.0,
        f32::NEG_INFINITY,
        1.0,
        -1.0,
    ];
    let got: Vec<f32> = call(&engine, "f32", &special, &special);
    for (x, got) in special.iter().zip(got) {
        let want = x.mul_add(*x, *x);
        assert!(
            got == want || got.is_nan() && want.is_nan(),
            "{x}: {got}, not {want}"
        );
    }
}

/// The nearest of the halves' values, which `widen` gives in ascending order of positive patterns; ties to even.
fn nearest(x: f32, infinity: u16, widen: impl Fn(u16) -> f32) -> u16 {
    let sign = if x.is_sign_negative() { 0x8000 } else { 0 };
    let magnitude = f64::from(x.abs());
    let (mut below, mut above) = (0, infinity + 1);
    while below < above {
        let middle = below + (above - below) / 2;
        match f64::from(widen(middle)) <= magnitude {
            true => below = middle + 1,
            false => above = middle,
        }
    }
    let (low, high) = (below.saturating_sub(1), below.min(infinity));
    let value = |bits: u16| match bits == infinity {
        // Where the next number would be, if there were one.
        true => 2.0 * f64::from(widen(infinity - 1)) - f64::from(widen(infinity - 2)),
        false => f64::from(widen(bits)),
    };
    let (to_low, to_high) = (magnitude - value(low), value(high) - magnitude);
    let up = to_high < to_low || to_high == to_low && high % 2 == 0;
    sign | if low == infinity || !up { low } else { high }
}

fn f16_value(bits: u16) -> f32 {
    let (exponent, digits) = (i32::from(bits >> 10 & 0x1F), f32::from(bits & 0x3FF));
    let magnitude = match exponent {
        0 => digits * 2f32.powi(-24),
        31 if digits == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1024.0 + digits) * 2f32.powi(exponent - 25),
    };
    if bits & 0x8000 == 0 {
        magnitude
    } else {
        -magnitude
    }
}

fn bf16_value(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

#[test]
fn halves_are_converted_exactly() {
    let functions: String = ["f16", "bf16"]
        .iter()
        .flat_map(|half| {
            [
                function(
                    &format!("from_{half}"),
                    [half, half, "f32"],
                    "arith.extf %x : $a to $o",
                ),
                function(
                    &format!("to_{half}"),
                    ["f32", "f32", half],
                    "arith.truncf %x : $a to $o",
                ),
            ]
        })
        .collect();
    let engine = compile(&functions);
    let all: Vec<u16> = (0..=u16::MAX).collect();
    let same = |x: f32, y: f32| x.to_bits() == y.to_bits() || x.is_nan() && y.is_nan();
    for (half, widen, infinity) in [
        ("f16", f16_value as fn(u16) -> f32, 0x7C00),
        ("bf16", bf16_value, 0x7F80),
    ] {
        let wide: Vec<f32> = call(&engine, &format!("from_{half}"), &all, &all);
        for (bits, got) in all.iter().zip(&wide) {
            assert!(same(*got, widen(*bits)), "{half} {bits:x}");
        }
        // Each of a half's numbers, and points between two: below, at and above the middle.
        let mut between = vec![];
        for bits in (0..infinity).step_by(7) {
            let (low, high) = (f64::from(widen(bits)), f64::from(widen(bits + 1).min(3e38)));
            for part in [0.0, 0.25, 0.5, 0.50001, 0.75] {
                let x = (low + (high - low) * part) as f32;
                between.extend([x, -x]);
            }
        }
        between.extend([
            f32::INFINITY,
            f32::NEG_INFINITY,
            f32::MAX,
            65519.9,
            65520.0,
            1e-45,
        ]);
        between.resize(between.len().next_multiple_of(8), 1.0);
        let narrow: Vec<u16> = call(&engine, &format!("to_{half}"), &between, &between);
        for (x, got) in between.iter().zip(narrow) {
            let want = nearest(*x, infinity, widen);
            assert_eq!(got, want, "{half} of {x:e}: {got:x}, not {want:x}");
        }
        let nan: Vec<u16> = call(&engine, &format!("to_{half}"), &[f32::NAN; 8], &[0f32; 8]);
        assert!(widen(nan[0]).is_nan());
    }
}

#[test]
fn integers_are_divided_and_raised_exactly() {
    let functions: String = [
        function("floor_div", ["i32"; 3], "arith.floordivsi %x, %y : $a"),
        function("ceil_div", ["i32"; 3], "arith.ceildivsi %x, %y : $a"),
        function("power", ["i32"; 3], "math.ipowi %x, %y : $a"),
        function(
            "float_power",
            ["f64", "i64", "f64"],
            "math.fpowi %x, %y : vector<8xf64>, vector<8xi64>",
        ),
    ]
    .concat();
    let engine = compile(&functions);
    let values = [-7, -3, -2, -1, 1, 2, 3, 11];
    let pairs: Vec<(i32, i32)> = values
        .iter()
        .flat_map(|x| values.map(|y| (*x, y)))
        .collect();
    let (a, b): (Vec<i32>, Vec<i32>) = pairs.iter().copied().unzip();
    let floor: Vec<i32> = call(&engine, "floor_div", &a, &b);
    let ceil: Vec<i32> = call(&engine, "ceil_div", &a, &b);
    let power: Vec<i32> = call(&engine, "power", &a, &b);
    for (i, (x, y)) in pairs.iter().enumerate() {
        let exact = f64::from(*x) / f64::from(*y);
        assert_eq!(f64::from(floor[i]), exact.floor(), "{x} / {y}");
        assert_eq!(f64::from(ceil[i]), exact.ceil(), "{x} / {y}");
        let want = match *y {
            y if y >= 0 => x.wrapping_pow(y as u32),
            _ => f64::from(*x).powi(*y).trunc() as i32,
        };
        assert_eq!(power[i], want, "{x} ^ {y}");
    }
    let bases = [
        2.0,
        -2.0,
        -1.0,
        -0.0,
        f64::NAN,
        f64::NEG_INFINITY,
        1.5,
        -3.0,
    ];
    let powers = [10, -3, i64::MAX, -3, 0, 3, -2, 5];
    let raised: Vec<f64> = call(&engine, "float_power", &bases, &powers);
    let want = [
        1024.0,
        -0.125,
        -1.0,
        f64::NEG_INFINITY,
        1.0,
        f64::NEG_INFINITY,
        1.0 / 2.25,
        -243.0,
    ];
    assert_eq!(raised, want);
}
