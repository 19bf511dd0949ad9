//! Integer arithmetic and bits.

use crate::common::{Random, check, each, rows};

fn ints(bits: u32) -> Vec<u64> {
    let all = if bits == 64 {
        u64::MAX
    } else {
        (1 << bits) - 1
    };
    let top = 1 << (bits - 1);
    vec![
        0,
        1,
        2,
        3,
        7,
        31,
        32,
        33,
        64,
        255,
        all,
        all - 1,
        top,
        top - 1,
        top + 1,
    ]
}

fn int_rows(bits: u32, count: usize) -> Vec<Vec<u64>> {
    let mut random = Random(u64::from(bits));
    let shift = 64 - bits;
    rows(&ints(bits), count, move || {
        let value = random.next() >> shift;
        // Small numbers as well as large ones.
        value >> random.below(u64::from(bits))
    })
}

macro_rules! arithmetic {
    ($name:ident, $ty:ident, $wide:ident, $letter:literal) => {
        #[test]
        fn $name() {
            const BITS: u32 = $ty::BITS;
            let ty = format!("{}{BITS}", $letter);
            let two = int_rows(BITS, 2);
            let three = int_rows(BITS, 3);
            let is = |op: &str, f: &dyn Fn($ty, $ty) -> $ty| {
                let text = format!("{op}.{ty} %d, %a, %b;");
                check(&text, &[BITS, BITS], BITS, &two, |row| {
                    f(row[0] as $ty, row[1] as $ty) as u64 & mask(BITS)
                });
            };
            is("add", &|a, b| a.wrapping_add(b));
            is("sub", &|a, b| a.wrapping_sub(b));
            is("mul.lo", &|a, b| a.wrapping_mul(b));
            is("mul.hi", &|a, b| ((a as $wide * b as $wide) >> BITS) as $ty);
            is("min", &|a, b| a.min(b));
            is("max", &|a, b| a.max(b));
            is("div", &|a, b| if b == 0 { !0 } else { a.wrapping_div(b) });
            is("rem", &|a, b| if b == 0 { a } else { a.wrapping_rem(b) });
            let text = format!("mad.lo.{ty} %d, %a, %b, %c;");
            check(&text, &[BITS; 3], BITS, &three, |row| {
                let [a, b, c] = [row[0] as $ty, row[1] as $ty, row[2] as $ty];
                a.wrapping_mul(b).wrapping_add(c) as u64 & mask(BITS)
            });
            let text = format!("mad.hi.{ty} %d, %a, %b, %c;");
            check(&text, &[BITS; 3], BITS, &three, |row| {
                let [a, b, c] = [row[0] as $ty, row[1] as $ty, row[2] as $ty];
                let high = ((a as $wide * b as $wide) >> BITS) as $ty;
                high.wrapping_add(c) as u64 & mask(BITS)
            });
            let text = format!("shr.{ty} %d, %a, %b;");
            check(
                &text,
                &[BITS, 32],
                BITS,
                &int_rows(BITS.min(32), 2),
                |row| {
                    let a = row[0] as $ty;
                    let beyond = if $letter == "u" { 0 } else { a >> (BITS - 1) };
                    a.checked_shr(row[1] as u32).unwrap_or(beyond) as u64 & mask(BITS)
                },
            );
        }
    };
}

fn mask(bits: u32) -> u64 {
    if bits == 64 {
        u64::MAX
    } else {
        (1 << bits) - 1
    }
}

arithmetic!(arithmetic_of_u16, u16, u32, "u");
arithmetic!(arithmetic_of_s16, i16, i32, "s");
arithmetic!(arithmetic_of_u32, u32, u64, "u");
arithmetic!(arithmetic_of_s32, i32, i64, "s");
arithmetic!(arithmetic_of_u64, u64, u128, "u");
arithmetic!(arithmetic_of_s64, i64, i128, "s");

#[test]
fn products_are_wide() {
    let rows = int_rows(32, 2);
    check("mul.wide.s32 %d, %a, %b;", &[32, 32], 64, &rows, |row| {
        (i64::from(row[0] as i32) * i64::from(row[1] as i32)) as u64
    });
    check("mul.wide.u32 %d, %a, %b;", &[32, 32], 64, &rows, |row| {
        row[0] * row[1]
    });
    let three = int_rows(32, 3);
    check(
        "mad.wide.s32 %d, %a, %b, %c;",
        &[32, 32, 64],
        64,
        &three,
        |row| {
            let product = i64::from(row[0] as i32) * i64::from(row[1] as i32);
            product.wrapping_add(row[2] as i64) as u64
        },
    );
    check("mul24.lo.u32 %d, %a, %b;", &[32, 32], 32, &rows, |row| {
        ((row[0] & 0xff_ffff) * (row[1] & 0xff_ffff)) & 0xffff_ffff
    });
    let signed = |a: u64| (a as u32 as i32) << 8 >> 8;
    check("mul24.hi.s32 %d, %a, %b;", &[32, 32], 32, &rows, |row| {
        let product = i64::from(signed(row[0])) * i64::from(signed(row[1]));
        u64::from((product >> 16) as u32)
    });
    check(
        "mad24.lo.s32 %d, %a, %b, %c;",
        &[32; 3],
        32,
        &three,
        |row| {
            let product = i64::from(signed(row[0])) * i64::from(signed(row[1]));
            u64::from((product as u32).wrapping_add(row[2] as u32))
        },
    );
}

#[test]
fn signs_and_saturation() {
    let (one, two) = (int_rows(32, 1), int_rows(32, 2));
    check("abs.s32 %d, %a;", &[32], 32, &one, |row| {
        u64::from((row[0] as i32).wrapping_abs() as u32)
    });
    check("neg.s32 %d, %a;", &[32], 32, &one, |row| {
        u64::from((row[0] as i32).wrapping_neg() as u32)
    });
    check("neg.s64 %d, %a;", &[64], 64, &int_rows(64, 1), |row| {
        (row[0] as i64).wrapping_neg() as u64
    });
    check("add.sat.s32 %d, %a, %b;", &[32, 32], 32, &two, |row| {
        u64::from((row[0] as i32).saturating_add(row[1] as i32) as u32)
    });
    check("sub.sat.s32 %d, %a, %b;", &[32, 32], 32, &two, |row| {
        u64::from((row[0] as i32).saturating_sub(row[1] as i32) as u32)
    });
    check(
        "sad.u32 %d, %a, %b, %c;",
        &[32; 3],
        32,
        &int_rows(32, 3),
        |row| {
            u64::from(
                (row[0] as u32)
                    .abs_diff(row[1] as u32)
                    .wrapping_add(row[2] as u32),
            )
        },
    );
}

#[test]
fn pairs_of_integers() {
    let rows = int_rows(32, 2);
    let pairs = |text: &str, f: fn(u16, u16) -> u16| {
        check(text, &[32, 32], 32, &rows, |row| {
            let low = f(row[0] as u16, row[1] as u16);
            let high = f((row[0] >> 16) as u16, (row[1] >> 16) as u16);
            u64::from(low) | u64::from(high) << 16
        });
    };
    pairs("add.s16x2 %d, %a, %b;", u16::wrapping_add);
    pairs("min.u16x2 %d, %a, %b;", u16::min);
    pairs("max.s16x2 %d, %a, %b;", |a, b| {
        (a as i16).max(b as i16) as u16
    });
}

#[test]
fn carries_chain() {
    let rows = int_rows(64, 2);
    let split = ".reg .b32 %al, %ah, %bl, %bh, %dl, %dh;\nmov.b64 {%al, %ah}, %a;\nmov.b64 {%bl, %bh}, %b;\n";
    let join = "mov.b64 %d, {%dl, %dh};";
    let text = format!("{{ {split} add.cc.u32 %dl, %al, %bl;\naddc.u32 %dh, %ah, %bh;\n{join} }}");
    check(&text, &[64, 64], 64, &rows, |row| {
        row[0].wrapping_add(row[1])
    });
    let text = format!("{{ {split} sub.cc.u32 %dl, %al, %bl;\nsubc.u32 %dh, %ah, %bh;\n{join} }}");
    check(&text, &[64, 64], 64, &rows, |row| {
        row[0].wrapping_sub(row[1])
    });
    // The upper half of a product of 64 bits from parts of 32.
    let text = format!(
        "{{ {split} .reg .b32 %x, %y, %z;
        mul.hi.u32 %x, %al, %bl;
        mad.lo.cc.u32 %x, %al, %bh, %x;
        madc.hi.u32 %y, %al, %bh, 0;
        mad.lo.cc.u32 %x, %ah, %bl, %x;
        madc.hi.cc.u32 %y, %ah, %bl, %y;
        addc.u32 %z, 0, 0;
        mad.lo.cc.u32 %dl, %ah, %bh, %y;
        madc.hi.u32 %dh, %ah, %bh, %z;
        {join} }}"
    );
    check(&text, &[64, 64], 64, &rows, |row| {
        ((u128::from(row[0]) * u128::from(row[1])) >> 64) as u64
    });
}

#[test]
fn logic() {
    for bits in [16, 32, 64] {
        let (one, two) = (int_rows(bits, 1), int_rows(bits, 2));
        let all = mask(bits);
        let both = [bits, bits];
        check(
            &format!("and.b{bits} %d, %a, %b;"),
            &both,
            bits,
            &two,
            |row| row[0] & row[1],
        );
        check(
            &format!("or.b{bits} %d, %a, %b;"),
            &both,
            bits,
            &two,
            |row| row[0] | row[1],
        );
        check(
            &format!("xor.b{bits} %d, %a, %b;"),
            &both,
            bits,
            &two,
            |row| row[0] ^ row[1],
        );
        check(
            &format!("not.b{bits} %d, %a;"),
            &[bits],
            bits,
            &one,
            |row| !row[0] & all,
        );
        check(
            &format!("cnot.b{bits} %d, %a;"),
            &[bits],
            bits,
            &one,
            |row| u64::from(row[0] == 0),
        );
        let small = int_rows(bits.min(16), 2);
        check(
            &format!("shl.b{bits} %d, %a, %b;"),
            &[bits, 32],
            bits,
            &small,
            |row| (u128::from(row[0]) << row[1].min(64)) as u64 & all,
        );
    }
    for table in [0x96u8, 0xe8, 0xca, 0x1f, 0x80] {
        let text = format!("lop3.b32 %d, %a, %b, %c, {table};");
        check(&text, &[32; 3], 32, &int_rows(32, 3), |row| {
            (0..32).fold(0, |all, at| {
                let bit = |part: usize| row[part] >> at & 1;
                let index = bit(0) << 2 | bit(1) << 1 | bit(2);
                all | (u64::from(table) >> index & 1) << at
            })
        });
    }
}

#[test]
fn counts_of_bits() {
    let (short, long) = (int_rows(32, 1), int_rows(64, 1));
    let count = |text: &str, f: fn(u32) -> u32| {
        check(text, &[32], 32, &short, |row| u64::from(f(row[0] as u32)));
    };
    count("popc.b32 %d, %a;", u32::count_ones);
    count("clz.b32 %d, %a;", u32::leading_zeros);
    count("brev.b32 %d, %a;", u32::reverse_bits);
    count("bfind.u32 %d, %a;", |a| {
        a.checked_ilog2().unwrap_or(u32::MAX)
    });
    count("bfind.shiftamt.u32 %d, %a;", |a| {
        if a == 0 { u32::MAX } else { a.leading_zeros() }
    });
    count("bfind.s32 %d, %a;", |a| {
        let a = if (a as i32) < 0 { !a } else { a };
        a.checked_ilog2().unwrap_or(u32::MAX)
    });
    check("popc.b64 %d, %a;", &[64], 32, &long, |row| {
        u64::from(row[0].count_ones())
    });
    check("clz.b64 %d, %a;", &[64], 32, &long, |row| {
        u64::from(row[0].leading_zeros())
    });
    check("brev.b64 %d, %a;", &[64], 64, &long, |row| {
        row[0].reverse_bits()
    });
}

/// A field bit by bit, as the reference describes it.
fn field(a: u64, at: u64, length: u64, width: u64, signed: bool) -> u64 {
    let bit = |index: u64| a >> index & 1;
    let sign = match signed && length > 0 {
        true => bit((at + length - 1).min(width - 1)),
        false => 0,
    };
    (0..width).fold(0, |all, index| {
        let inside = index < length && at + index < width;
        all | if inside { bit(at + index) } else { sign } << index
    })
}

#[test]
fn fields_of_bits() {
    for (bits, signed) in [(32u32, false), (32, true), (64, false), (64, true)] {
        let mut random = Random(9);
        let rows: Vec<Vec<u64>> = (0..600)
            .map(|_| {
                let a = random.next() & mask(bits);
                vec![a, random.below(80), random.below(80)]
            })
            .collect();
        let letter = if signed { "s" } else { "u" };
        let text = format!("bfe.{letter}{bits} %d, %a, %b, %c;");
        check(&text, &[bits, 32, 32], bits, &rows, |row| {
            field(row[0], row[1], row[2], u64::from(bits), signed)
        });
    }
    let mut random = Random(10);
    let rows: Vec<Vec<u64>> = (0..600)
        .map(|_| vec![random.next() & mask(32), random.below(40), random.below(40)])
        .collect();
    check(
        "bfi.b32 %d, %a, 0x12345678, %b, %c;",
        &[32; 3],
        32,
        &rows,
        |row| {
            (0..32).fold(0, |all, index| {
                let inside = index >= row[1] && index < row[1] + row[2];
                let bit = if inside {
                    row[0] >> (index - row[1])
                } else {
                    0x1234_5678 >> index
                };
                all | (bit & 1) << index
            })
        },
    );
}

#[test]
fn bytes_and_funnels() {
    let mut random = Random(11);
    let rows: Vec<Vec<u64>> = (0..600)
        .map(|_| (0..3).map(|_| random.next() & mask(32)).collect())
        .collect();
    check("prmt.b32 %d, %a, %b, %c;", &[32; 3], 32, &rows, |row| {
        let bytes: Vec<u8> = [row[0] as u32, row[1] as u32]
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect();
        let byte = |at: u32| {
            let nibble = row[2] >> (4 * at) & 15;
            let byte = bytes[(nibble & 7) as usize];
            match nibble & 8 {
                0 => byte,
                _ if byte & 0x80 != 0 => 0xff,
                _ => 0,
            }
        };
        u64::from(u32::from_le_bytes(std::array::from_fn(|at| {
            byte(at as u32)
        })))
    });
    let rows: Vec<Vec<u64>> = rows
        .into_iter()
        .map(|row| vec![row[0], row[1], row[2] % 40])
        .collect();
    let both = |row: &[u64]| row[1] << 32 | row[0];
    check(
        "shf.l.wrap.b32 %d, %a, %b, %c;",
        &[32; 3],
        32,
        &rows,
        |row| {
            let by = row[2] & 31;
            (row[1] << by | row[0] >> 1 >> (31 - by)) & mask(32)
        },
    );
    check(
        "shf.r.wrap.b32 %d, %a, %b, %c;",
        &[32; 3],
        32,
        &rows,
        |row| both(row) >> (row[2] & 31) & mask(32),
    );
    check(
        "shf.r.clamp.b32 %d, %a, %b, %c;",
        &[32; 3],
        32,
        &rows,
        |row| both(row) >> row[2].min(32) & mask(32),
    );
}

#[test]
fn predicates() {
    let rows = int_rows(32, 2);
    let text = "{ .reg .pred p, q, r; setp.lt.s32 p|q, %a, %b;
        setp.eq.and.u32 r, %a, 7, !q; xor.pred r, r, p; not.pred q, r; selp.b32 %d, 5, %b, q; }";
    check(text, &[32, 32], 32, &rows, |row| {
        let p = (row[0] as i32) < row[1] as i32;
        let r = (row[0] == 7 && p) != p;
        if !r { 5 } else { row[1] }
    });
    check(
        "slct.b32.s32 %d, %a, %b, %c;",
        &[32; 3],
        32,
        &int_rows(32, 3),
        |row| {
            if row[2] as i32 >= 0 { row[0] } else { row[1] }
        },
    );
    let found = each("selp.b32 %d, %a, %b, 1;", &[32, 32], 32, &[vec![3, 4]]);
    assert_eq!(found, [3]);
}
