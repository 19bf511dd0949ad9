//! Floating-point arithmetic: special values, roundings, the smaller formats.

use half::{bf16, f16};

use crate::common::{Random, check, each, rows};

type Binary = fn(f32, f32) -> f32;
type Function = fn(f64) -> f64;
type Class = fn(f32) -> bool;

const SPECIALS: [f32; 20] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -1.5,
    3.0,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::NAN,
    f32::MAX,
    f32::MIN,
    f32::MIN_POSITIVE,
    -f32::MIN_POSITIVE,
    1.0e-45,
    -1.0e-45,
    1.0e-39,
    1.000_000_1,
    16_777_216.0,
    3.402_823e38,
];

fn single_rows(count: usize) -> Vec<Vec<u64>> {
    let specials = SPECIALS.map(|value| u64::from(value.to_bits()));
    let mut random = Random(3);
    rows(&specials, count, move || match random.below(2) {
        0 => random.next() & 0xffff_ffff,
        _ => u64::from((random.float() as f32 * 8.0).to_bits()),
    })
}

fn single(bits: u64) -> f32 {
    f32::from_bits(bits as u32)
}

/// The one NaN of arithmetic in 32 bits.
fn bits(value: f32) -> u64 {
    if value.is_nan() {
        0x7fff_ffff
    } else {
        u64::from(value.to_bits())
    }
}

fn flushed(value: f32) -> f32 {
    if value.is_subnormal() {
        0.0f32.copysign(value)
    } else {
        value
    }
}

/// An exact value rounded down, up or to zero; `near` is the nearest.
fn directed(exact: f64, rounding: &str) -> f32 {
    let near = exact as f32;
    let up = match rounding {
        "rp" => true,
        "rm" => false,
        _ => exact < 0.0,
    };
    if near.is_nan() || f64::from(near) == exact {
        near
    } else if up {
        if f64::from(near) < exact {
            near.next_up()
        } else {
            near
        }
    } else if f64::from(near) > exact {
        near.next_down()
    } else {
        near
    }
}

#[test]
fn singles() {
    let (two, three) = (single_rows(2), single_rows(3));
    let operations: [(&str, Binary); 4] = [
        ("add", |a, b| a + b),
        ("sub", |a, b| a - b),
        ("mul", |a, b| a * b),
        ("div", |a, b| a / b),
    ];
    for (name, f) in operations {
        let ftz = format!("{name}.rn.ftz.f32 %d, %a, %b;");
        check(&ftz, &[32, 32], 32, &two, |row| {
            bits(flushed(f(flushed(single(row[0])), flushed(single(row[1])))))
        });
        let near = format!("{name}.rn.f32 %d, %a, %b;");
        check(&near, &[32, 32], 32, &two, |row| {
            bits(f(single(row[0]), single(row[1])))
        });
    }
    check("add.sat.f32 %d, %a, %b;", &[32, 32], 32, &two, |row| {
        let sum = single(row[0]) + single(row[1]);
        // -0 becomes +0 or stays: either is between 0 and 1.
        bits(if sum.is_nan() {
            0.0
        } else if sum == 0.0 {
            sum
        } else {
            sum.clamp(0.0, 1.0)
        })
    });
    check("fma.rn.f32 %d, %a, %b, %c;", &[32; 3], 32, &three, |row| {
        bits(single(row[0]).mul_add(single(row[1]), single(row[2])))
    });
    check("mad.rn.f32 %d, %a, %b, %c;", &[32; 3], 32, &three, |row| {
        bits(single(row[0]).mul_add(single(row[1]), single(row[2])))
    });
}

#[test]
fn roundings() {
    let mut random = Random(4);
    // Few enough bits that f64 is exact for what is not a quotient.
    let mut value = || u64::from((random.float() as f32 * 4.0).to_bits());
    let rows: Vec<Vec<u64>> = (0..1000).map(|_| vec![value(), value(), value()]).collect();
    for rounding in ["rz", "rm", "rp"] {
        let text = format!("mul.{rounding}.f32 %d, %a, %b;");
        check(&text, &[32, 32], 32, &rows, |row| {
            bits(directed(
                f64::from(single(row[0])) * f64::from(single(row[1])),
                rounding,
            ))
        });
        let text = format!("add.{rounding}.f32 %d, %a, %b;");
        check(&text, &[32, 32], 32, &rows, |row| {
            bits(directed(
                f64::from(single(row[0])) + f64::from(single(row[1])),
                rounding,
            ))
        });
        // Quotients and roots are never half-way between f64 here, so their nearest f64 is on the right side.
        let text = format!("div.{rounding}.f32 %d, %a, %b;");
        check(&text, &[32, 32], 32, &rows, |row| {
            bits(directed(
                f64::from(single(row[0])) / f64::from(single(row[1])),
                rounding,
            ))
        });
        let text = format!("abs.f32 %d, %a; sqrt.{rounding}.f32 %d, %d;");
        check(&text, &[32], 32, &rows, |row| {
            bits(directed(f64::from(single(row[0]).abs()).sqrt(), rounding))
        });
    }
    // What f64 cannot hold: a large and a small term.
    let far = |text: &str| each(text, &[32, 32], 32, &[vec![0x4b80_0000, 1]])[0];
    assert_eq!(far("add.rp.f32 %d, %a, %b;"), 0x4b80_0001);
    assert_eq!(far("add.rm.f32 %d, %a, %b;"), 0x4b80_0000);
    assert_eq!(far("sub.rz.f32 %d, %a, %b;"), 0x4b7f_ffff);
    assert_eq!(far("sub.rn.f32 %d, %a, %b;"), 0x4b80_0000);
    // A product plus what decides a tie far below.
    let row = [vec![0x3f80_0001, 0x3f80_0001, 0x0000_0001]];
    let fma = |rounding: &str| {
        each(
            &format!("fma.{rounding}.f32 %d, %a, %b, %c;"),
            &[32; 3],
            32,
            &row,
        )[0]
    };
    assert_eq!(fma("rp"), 0x3f80_0003);
    assert_eq!(fma("rm"), 0x3f80_0002);
}

#[test]
fn extremes() {
    let rows = single_rows(2);
    let pick = |least: bool, row: &[u64]| {
        let (a, b) = (single(row[0]), single(row[1]));
        match (a.is_nan(), b.is_nan()) {
            (true, true) => f32::NAN,
            (true, _) => b,
            (_, true) => a,
            _ if a == b && least => {
                if a.is_sign_negative() {
                    a
                } else {
                    b
                }
            }
            _ if a == b => {
                if a.is_sign_negative() {
                    b
                } else {
                    a
                }
            }
            _ => {
                if (a < b) == least {
                    a
                } else {
                    b
                }
            }
        }
    };
    check("min.f32 %d, %a, %b;", &[32, 32], 32, &rows, |row| {
        bits(pick(true, row))
    });
    check("max.f32 %d, %a, %b;", &[32, 32], 32, &rows, |row| {
        bits(pick(false, row))
    });
    check("max.NaN.f32 %d, %a, %b;", &[32, 32], 32, &rows, |row| {
        let any = single(row[0]).is_nan() || single(row[1]).is_nan();
        bits(if any { f32::NAN } else { pick(false, row) })
    });
}

#[test]
fn signs() {
    let (one, two) = (single_rows(1), single_rows(2));
    check("neg.f32 %d, %a;", &[32], 32, &one, |row| {
        row[0] ^ 0x8000_0000
    });
    check("abs.f32 %d, %a;", &[32], 32, &one, |row| {
        row[0] & 0x7fff_ffff
    });
    check("copysign.f32 %d, %a, %b;", &[32, 32], 32, &two, |row| {
        u64::from(single(row[1]).copysign(single(row[0])).to_bits())
    });
    let classes: [(&str, Class); 6] = [
        ("finite", f32::is_finite),
        ("infinite", f32::is_infinite),
        ("number", |a| !a.is_nan()),
        ("notanumber", f32::is_nan),
        ("normal", f32::is_normal),
        ("subnormal", |a| a.is_subnormal() || a == 0.0),
    ];
    for (class, f) in classes {
        let text = format!("{{ .reg .pred p; testp.{class}.f32 p, %a; selp.b32 %d, 1, 0, p; }}");
        check(&text, &[32], 32, &one, |row| u64::from(f(single(row[0]))));
    }
}

#[test]
fn comparisons() {
    type Compare = fn(f32, f32) -> bool;
    let ordered: [(&str, Compare); 6] = [
        ("eq", |a, b| a == b),
        ("ne", |a, b| a != b && !a.is_nan() && !b.is_nan()),
        ("lt", |a, b| a < b),
        ("le", |a, b| a <= b),
        ("gt", |a, b| a > b),
        ("ge", |a, b| a >= b),
    ];
    let rows = single_rows(2);
    let is = |name: &str, f: &dyn Fn(f32, f32) -> bool| {
        let text = format!("{{ .reg .pred p; setp.{name}.f32 p, %a, %b; selp.b32 %d, 1, 0, p; }}");
        check(&text, &[32, 32], 32, &rows, |row| {
            u64::from(f(single(row[0]), single(row[1])))
        });
        let text = format!(
            "{{ .reg .pred p; .reg .f64 x, y; cvt.f64.f32 x, %a; cvt.f64.f32 y, %b; setp.{name}.f64 p, x, y; selp.b32 %d, 1, 0, p; }}"
        );
        check(&text, &[32, 32], 32, &rows, |row| {
            u64::from(f(single(row[0]), single(row[1])))
        });
    };
    let unordered = |a: f32, b: f32| a.is_nan() || b.is_nan();
    for (name, f) in ordered {
        is(name, &f);
        is(&format!("{name}u"), &|a, b| f(a, b) || unordered(a, b));
    }
    is("nan", &unordered);
    is("num", &|a, b| !unordered(a, b));
    let text = "{ .reg .pred p; setp.lt.ftz.f32 p, %a, %b; selp.b32 %d, 1, 0, p; }";
    check(text, &[32, 32], 32, &rows, |row| {
        u64::from(flushed(single(row[0])) < flushed(single(row[1])))
    });
}

#[test]
fn functions() {
    let functions: [(&str, Function); 8] = [
        ("ex2.approx", f64::exp2),
        ("lg2.approx", f64::log2),
        ("rsqrt.approx", |a| 1.0 / a.sqrt()),
        ("sqrt.rn", f64::sqrt),
        ("rcp.rn", |a| 1.0 / a),
        ("sin.approx", f64::sin),
        ("cos.approx", f64::cos),
        ("tanh.approx", f64::tanh),
    ];
    let rows = single_rows(1);
    for (name, f) in functions {
        let found = each(&format!("{name}.f32 %d, %a;"), &[32], 32, &rows);
        for (row, found) in rows.iter().zip(found) {
            let (exact, found) = (f(f64::from(single(row[0]))), f64::from(single(found)));
            let near = f64::from(exact as f32);
            let close = exact.is_nan() == found.is_nan()
                && (exact.is_nan() || found == near || ((found - exact) / exact).abs() < 2e-7);
            assert!(
                close,
                "{name} of {:e} is {found:e}, not {exact:e}",
                single(row[0])
            );
        }
    }
    let tiny = each(
        "ex2.approx.ftz.f32 %d, %a;",
        &[32],
        32,
        &[vec![u64::from((-140.0f32).to_bits())]],
    );
    assert_eq!(tiny, [0]);
}

#[test]
fn doubles() {
    let mut random = Random(5);
    let specials = [
        0.0,
        -0.0,
        1.0,
        -2.5,
        f64::INFINITY,
        f64::MAX,
        f64::MIN_POSITIVE,
        5e-324,
    ];
    let rows = rows(&specials.map(f64::to_bits), 3, move || {
        random.next() & !(0x400 << 52)
    });
    let is = |text: &str, f: fn(f64, f64, f64) -> f64| {
        let found = each(text, &[64; 3], 64, &rows);
        for (row, found) in rows.iter().zip(found) {
            let [a, b, c] = [row[0], row[1], row[2]].map(f64::from_bits);
            let (found, expected) = (f64::from_bits(found), f(a, b, c));
            let same = found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan();
            assert!(
                same,
                "{text} of {a:e}, {b:e}, {c:e} is {found:e}, not {expected:e}"
            );
        }
    };
    is("add.rn.f64 %d, %a, %b;", |a, b, _| a + b);
    is("sub.f64 %d, %a, %b;", |a, b, _| a - b);
    is("mul.f64 %d, %a, %b;", |a, b, _| a * b);
    is("div.rn.f64 %d, %a, %b;", |a, b, _| a / b);
    is("fma.rn.f64 %d, %a, %b, %c;", f64::mul_add);
    is("abs.f64 %d, %a; sqrt.rn.f64 %d, %d;", |a, _, _| {
        a.abs().sqrt()
    });
    is("max.f64 %d, %a, %b;", |a, b, _| {
        if a == b {
            if a.is_sign_negative() { b } else { a }
        } else {
            a.max(b)
        }
    });
    is("neg.f64 %d, %a;", |a, _, _| -a);
}

/// Numbers of 16 bits whose sums are exact in f64.
fn short_rows(narrow: fn(f64) -> u16) -> Vec<Vec<u64>> {
    let mut random = Random(6);
    let mut value = || {
        let scale = (random.below(16) as f64 - 8.0).exp2();
        u64::from(narrow(random.float() * scale))
    };
    (0..800)
        .map(|_| (0..3).map(|_| value()).collect())
        .collect()
}

#[test]
fn halves() {
    macro_rules! of {
        ($ty:ident, $name:literal) => {
            let narrow = |value: f64| $ty::from_f64(value).to_bits();
            let wide = |bits: u64| $ty::from_bits(bits as u16).to_f64();
            let rows = short_rows(narrow);
            let is = |op: &str, f: fn(f64, f64, f64) -> f64| {
                let arity = if op.starts_with("fma") {
                    3
                } else if op.starts_with("neg") {
                    1
                } else {
                    2
                };
                let names = ["%a", "%b", "%c"][..arity].join(", ");
                check(
                    &format!("{op}.{} %d, {names};", $name),
                    &[16; 3],
                    16,
                    &rows,
                    |row| u64::from(narrow(f(wide(row[0]), wide(row[1]), wide(row[2])))),
                );
                // Two at once: the values of the row and those turned round.
                let pack = "mov.b32 %x, {%a, %b}; mov.b32 %y, {%b, %c}; mov.b32 %z, {%c, %a};";
                let pairs = ["%x", "%y", "%z"][..arity].join(", ");
                let text = format!(
                    "{{ .reg .b32 %x, %y, %z; {pack} {op}.{}x2 %d, {pairs}; }}",
                    $name
                );
                check(&text, &[16; 3], 32, &rows, |row| {
                    let [a, b, c] = [wide(row[0]), wide(row[1]), wide(row[2])];
                    u64::from(narrow(f(a, b, c))) | u64::from(narrow(f(b, c, a))) << 16
                });
            };
            is("add.rn", |a, b, _| a + b);
            is("sub.rn", |a, b, _| a - b);
            is("mul.rn", |a, b, _| a * b);
            is("fma.rn", |a, b, c| a * b + c);
            is("min", |a, b, _| a.min(b));
            is("max", |a, b, _| a.max(b));
            is("neg", |a, _, _| -a);
        };
    }
    of!(f16, "f16");
    of!(bf16, "bf16");
    let row = [vec![0xbc00_u64, 0x4000, 0x3800]];
    assert_eq!(
        each("fma.rn.relu.f16 %d, %a, %b, %c;", &[16; 3], 16, &row),
        [0]
    );
    // NaN and infinity: 0x7fff is the NaN of arithmetic.
    let odd = [vec![0x7c00, 0xfc00, 0]];
    assert_eq!(each("add.f16 %d, %a, %b;", &[16; 3], 16, &odd), [0x7fff]);
    let text = "{ .reg .pred p, q; setp.lt.f16x2 p|q, %a, %b; selp.b32 %d, 1, 0, p; @q or.b32 %d, %d, 2; }";
    let row = [
        vec![0x3c00_4000, 0x4000_3c00],
        vec![0x4000_3c00, 0x3c00_4000],
    ];
    assert_eq!(each(text, &[32, 32], 32, &row), [2, 1]);
}
