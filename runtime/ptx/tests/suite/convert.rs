//! Conversions.

use half::{bf16, f16};

use crate::common::{Random, check, each};

type Unary = fn(f32) -> f32;

fn floats() -> Vec<Vec<u64>> {
    let mut random = Random(8);
    let mut values = vec![
        0.0,
        -0.0,
        0.5,
        -0.5,
        1.5,
        2.5,
        -2.5,
        127.5,
        128.0,
        -128.5,
        255.5,
        256.0,
        32767.5,
        65535.5,
        2147483520.0,
        2147483648.0,
        4294967040.0,
        4294967296.0,
        9.223372e18,
        1.8446744e19,
        1e30,
        -1e30,
        f32::INFINITY,
        f32::NEG_INFINITY,
        1e-40,
    ];
    for _ in 0..300 {
        let scale = (random.below(80) as f64 - 10.0).exp2();
        values.push((random.float() * scale) as f32);
    }
    values
        .iter()
        .map(|value| vec![u64::from(value.to_bits())])
        .collect()
}

#[test]
fn floats_to_integers() {
    let rows = floats();
    macro_rules! to {
        ($ty:ident, $name:literal, $register:literal) => {
            let roundings: [(&str, Unary); 4] = [
                ("rni", f32::round_ties_even),
                ("rzi", f32::trunc),
                ("rmi", f32::floor),
                ("rpi", f32::ceil),
            ];
            for (rounding, f) in roundings {
                let text = format!("cvt.{rounding}.{}.f32 %d, %a;", $name);
                check(&text, &[32], $register, &rows, |row| {
                    let value = f(f32::from_bits(row[0] as u32)) as $ty;
                    value as i64 as u64 & (u64::MAX >> (64 - $register))
                });
            }
        };
    }
    to!(i8, "s8", 16);
    to!(u8, "u8", 16);
    to!(i16, "s16", 16);
    to!(u16, "u16", 16);
    to!(i32, "s32", 32);
    to!(u32, "u32", 32);
    to!(i64, "s64", 64);
    to!(u64, "u64", 64);
    let nan = [vec![0x7fc0_0000]];
    assert_eq!(each("cvt.rzi.s32.f32 %d, %a;", &[32], 32, &nan), [0]);
    assert_eq!(each("cvt.rzi.s64.f32 %d, %a;", &[32], 64, &nan), [1 << 63]);
}

#[test]
fn integers_to_floats() {
    let mut random = Random(12);
    let rows: Vec<Vec<u64>> = (0..500)
        .map(|_| {
            let by = random.below(64);
            vec![random.next() >> by]
        })
        .collect();
    check("cvt.rn.f32.u64 %d, %a;", &[64], 32, &rows, |row| {
        u64::from((row[0] as f32).to_bits())
    });
    check("cvt.rn.f32.s64 %d, %a;", &[64], 32, &rows, |row| {
        u64::from((row[0] as i64 as f32).to_bits())
    });
    check("cvt.rn.f64.s64 %d, %a;", &[64], 64, &rows, |row| {
        (row[0] as i64 as f64).to_bits()
    });
    check("cvt.rn.f32.s32 %d, %a;", &[32], 32, &rows, |row| {
        u64::from((row[0] as i32 as f32).to_bits())
    });
    check("cvt.rn.f64.u32 %d, %a;", &[32], 64, &rows, |row| {
        f64::from(row[0] as u32).to_bits()
    });
    check("cvt.rz.f32.u32 %d, %a;", &[32], 32, &rows, |row| {
        let value = row[0] as u32;
        // The upper 24 bits are exact.
        let kept = value
            & !(u32::MAX
                .checked_shr(24 + value.leading_zeros())
                .unwrap_or(0));
        u64::from((kept as f32).to_bits())
    });
    check("cvt.rn.f16.s32 %d, %a;", &[32], 16, &rows, |row| {
        u64::from(f16::from_f64(f64::from(row[0] as i32)).to_bits())
    });
}

#[test]
fn integers_to_integers() {
    let mut random = Random(13);
    let rows: Vec<Vec<u64>> = (0..500).map(|_| vec![random.next()]).collect();
    check("cvt.s32.s8 %d, %a;", &[32], 32, &rows, |row| {
        u64::from(row[0] as i8 as i32 as u32)
    });
    check("cvt.u32.u8 %d, %a;", &[32], 32, &rows, |row| row[0] & 0xff);
    check("cvt.s8.s32 %d, %a;", &[32], 32, &rows, |row| {
        u64::from(row[0] as i8 as i32 as u32)
    });
    check("cvt.u16.u32 %d, %a;", &[32], 16, &rows, |row| {
        row[0] & 0xffff
    });
    check("cvt.s64.s32 %d, %a;", &[32], 64, &rows, |row| {
        row[0] as i32 as i64 as u64
    });
    check("cvt.u64.u32 %d, %a;", &[32], 64, &rows, |row| {
        row[0] & 0xffff_ffff
    });
    check("cvt.u64.s16 %d, %a;", &[16], 64, &rows, |row| {
        row[0] as i16 as i64 as u64
    });
    check("cvt.sat.u8.s32 %d, %a;", &[32], 32, &rows, |row| {
        (row[0] as i32).clamp(0, 255) as u64
    });
    check("cvt.sat.s8.s32 %d, %a;", &[32], 32, &rows, |row| {
        u64::from((row[0] as i32).clamp(-128, 127) as u32)
    });
    check("cvt.sat.s32.s64 %d, %a;", &[64], 32, &rows, |row| {
        u64::from((row[0] as i64).clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as u32)
    });
}

#[test]
fn floats_to_floats() {
    let mut rows = floats();
    let mut random = Random(14);
    rows.extend((0..2000).map(|_| vec![random.next() & 0xffff_ffff]));
    rows.retain(|row| !f32::from_bits(row[0] as u32).is_nan());
    let value = |row: &[u64]| f32::from_bits(row[0] as u32);
    check("cvt.rn.f16.f32 %d, %a;", &[32], 16, &rows, |row| {
        u64::from(f16::from_f32(value(row)).to_bits())
    });
    check("cvt.rn.bf16.f32 %d, %a;", &[32], 16, &rows, |row| {
        u64::from(bf16::from_f32(value(row)).to_bits())
    });
    check("cvt.rz.bf16.f32 %d, %a;", &[32], 16, &rows, |row| {
        row[0] >> 16
    });
    check("cvt.rz.f16.f32 %d, %a;", &[32], 16, &rows, |row| {
        let near = f16::from_f32(value(row));
        let over = near.to_f32().abs() > value(row).abs();
        u64::from(near.to_bits() - u16::from(over && value(row).is_finite()))
    });
    check(
        "cvt.rna.tf32.f32 %d, %a;",
        &[32],
        32,
        &rows,
        |row| match value(row).is_infinite() {
            true => row[0],
            false => (row[0] + 0x1000) & 0xffff_e000,
        },
    );
    check("cvt.sat.f32.f32 %d, %a;", &[32], 32, &rows, |row| {
        let value = value(row);
        u64::from(
            if value == 0.0 {
                value
            } else {
                value.clamp(0.0, 1.0)
            }
            .to_bits(),
        )
    });
    let integral: [(&str, Unary); 4] = [
        ("rni", f32::round_ties_even),
        ("rzi", f32::trunc),
        ("rmi", f32::floor),
        ("rpi", f32::ceil),
    ];
    for (rounding, f) in integral {
        let text = format!("cvt.{rounding}.f32.f32 %d, %a;");
        check(&text, &[32], 32, &rows, |row| {
            u64::from(f(value(row)).to_bits())
        });
    }
    check("cvt.f64.f32 %d, %a;", &[32], 64, &rows, |row| {
        f64::from(value(row)).to_bits()
    });
    check("cvt.ftz.f64.f32 %d, %a;", &[32], 64, &rows, |row| {
        let value = value(row);
        f64::from(if value.is_subnormal() {
            0.0f32.copysign(value)
        } else {
            value
        })
        .to_bits()
    });
    let doubles: Vec<Vec<u64>> = (0..1000)
        .map(|_| vec![(random.float() * (random.below(300) as f64 - 150.0).exp2()).to_bits()])
        .collect();
    check("cvt.rn.f32.f64 %d, %a;", &[64], 32, &doubles, |row| {
        u64::from((f64::from_bits(row[0]) as f32).to_bits())
    });
    check("cvt.rm.f32.f64 %d, %a;", &[64], 32, &doubles, |row| {
        let exact = f64::from_bits(row[0]);
        let near = exact as f32;
        let down = if f64::from(near) > exact {
            near.next_down()
        } else {
            near
        };
        u64::from(down.to_bits())
    });
}

#[test]
fn all_halves_widen() {
    let rows: Vec<Vec<u64>> = (0..=0xffffu64).step_by(3).map(|bits| vec![bits]).collect();
    let same = |text: &str, f: fn(u16) -> f32| {
        let found = each(text, &[16], 32, &rows);
        for (row, found) in rows.iter().zip(found) {
            let (found, expected) = (f32::from_bits(found as u32), f(row[0] as u16));
            assert!(found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan());
        }
    };
    same("cvt.f32.f16 %d, %a;", |bits| f16::from_bits(bits).to_f32());
    same("cvt.f32.bf16 %d, %a;", |bits| {
        bf16::from_bits(bits).to_f32()
    });
}

#[test]
fn pairs() {
    let mut random = Random(15);
    let rows: Vec<Vec<u64>> = (0..500)
        .map(|_| {
            (0..2)
                .map(|_| u64::from((random.float() as f32 * 100.0).to_bits()))
                .collect()
        })
        .collect();
    let value = |bits: u64| f32::from_bits(bits as u32);
    check(
        "cvt.rn.f16x2.f32 %d, %a, %b;",
        &[32, 32],
        32,
        &rows,
        |row| {
            let [high, low] =
                [row[0], row[1]].map(|bits| u64::from(f16::from_f32(value(bits)).to_bits()));
            high << 16 | low
        },
    );
    check(
        "cvt.rn.relu.bf16x2.f32 %d, %a, %b;",
        &[32, 32],
        32,
        &rows,
        |row| {
            let [high, low] = [row[0], row[1]]
                .map(|bits| u64::from(bf16::from_f32(value(bits).max(0.0)).to_bits()));
            high << 16 | low
        },
    );
}
