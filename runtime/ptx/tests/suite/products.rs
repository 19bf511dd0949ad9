//! Products of a warp, and the moves of fragments between shared memory and registers.

use dlc_ptx::Launch;
use half::{bf16, f16};

use crate::common::{Random, kernel, outputs, word_bytes, words};

/// Runs a product on fragments that are given as the words of each lane, register after register; gives those of the result.
fn product(name: &str, counts: [usize; 4], fragments: [&[u32]; 3], wide: bool) -> Vec<u32> {
    let width = if wide { 8 } else { 4 };
    let bits = 8 * width;
    let mut body = String::new();
    let mut names = Vec::new();
    for (part, count) in counts.iter().enumerate() {
        let list: Vec<String> = (0..*count)
            .map(|at| format!("%x{}", 16 * part + at))
            .collect();
        if part > 0 {
            body += &format!("mad.wide.u32 %rd0, %lane, {}, %p{part};\n", width * count);
            for (at, register) in list.iter().enumerate() {
                body += &format!("ld.global.b{bits} {register}, [%rd0+{}];\n", width * at);
            }
        }
        names.push(format!("{{{}}}", list.join(", ")));
    }
    body += &format!("mma.sync.aligned.{name} {};\n", names.join(", "));
    body += &format!("mad.wide.u32 %rd0, %lane, {}, %p0;\n", width * counts[0]);
    for at in 0..counts[0] {
        body += &format!("st.global.b{bits} [%rd0+{}], %x{at};\n", width * at);
    }
    let module = kernel(4, &format!(".reg .b{bits} %x<64>;"), &body);
    let inputs: Vec<Vec<u8>> = fragments.iter().map(|words| word_bytes(words)).collect();
    words(&outputs(
        &module,
        &Launch::linear(1, 32),
        32 * width * counts[0],
        &inputs,
    ))
}

/// Numbers so small that all sums are exact.
fn small(random: &mut Random, count: usize, limit: u64) -> Vec<i64> {
    let half = (limit / 2) as i64;
    (0..count)
        .map(|_| random.below(limit) as i64 - half)
        .collect()
}

/// The row (or column) and the inner index of an element of the left (or right) operand, from the documentation's tables.
fn left_place(width: usize, lane: usize, element: usize) -> (usize, usize) {
    let each = 4 / width;
    let (register, part) = (element / each, element % each);
    let row = lane / 4 + if register % 2 == 1 { 8 } else { 0 };
    let column = each * (lane % 4) + part + if register >= 2 { 4 * each } else { 0 };
    (row, column)
}

fn right_place(width: usize, lane: usize, element: usize) -> (usize, usize) {
    let each = 4 / width;
    let (register, part) = (element / each, element % each);
    (lane / 4, each * (lane % 4) + part + 4 * each * register)
}

/// Words of fragments: `width` bytes an element, so many elements a lane.
fn pack(width: usize, count: usize, bits: impl Fn(usize, usize) -> u64) -> Vec<u32> {
    let mut bytes = Vec::new();
    for lane in 0..32 {
        for element in 0..count {
            bytes.extend(&bits(lane, element).to_le_bytes()[..width]);
        }
    }
    words(&bytes)
}

struct Case<'a> {
    name: &'a str,
    depth: usize,
    width: usize,
    limit: u64,
    /// The bits of small integers as elements and as sums.
    element: fn(i64) -> u64,
    sum: fn(i64) -> u64,
    sum_width: usize,
}

fn run(case: &Case<'_>) {
    let mut random = Random(41);
    let (depth, width) = (case.depth, case.width);
    let a = small(&mut random, 16 * depth, case.limit);
    let b = small(&mut random, depth * 8, case.limit);
    let c = small(&mut random, 16 * 8, 64);
    let (left, right) = (16 * depth / 32, 8 * depth / 32);
    let a_words = pack(width, left, |lane, element| {
        let (row, column) = left_place(width, lane, element);
        (case.element)(a[row * depth + column])
    });
    let b_words = pack(width, right, |lane, element| {
        let (column, row) = right_place(width, lane, element);
        (case.element)(b[row * 8 + column])
    });
    let sum_place = |lane: usize, element: usize| {
        let row = lane / 4 + if element >= 2 { 8 } else { 0 };
        row * 8 + 2 * (lane % 4) + element % 2
    };
    let c_words = pack(case.sum_width, 4, |lane, element| {
        (case.sum)(c[sum_place(lane, element)])
    });
    let sums = case.sum_width;
    let counts = [sums, left * width / 4, right * width / 4, sums];
    let found = product(case.name, counts, [&a_words, &b_words, &c_words], false);
    let expected = pack(case.sum_width, 4, |lane, element| {
        let place = sum_place(lane, element);
        let (row, column) = (place / 8, place % 8);
        let total: i64 = (0..depth)
            .map(|at| a[row * depth + at] * b[at * 8 + column])
            .sum();
        (case.sum)(c[place] + total)
    });
    assert_eq!(found, expected, "{}", case.name);
}

fn half_bits(value: i64) -> u64 {
    u64::from(f16::from_f64(value as f64).to_bits())
}

fn brain_bits(value: i64) -> u64 {
    u64::from(bf16::from_f64(value as f64).to_bits())
}

fn float_bits(value: i64) -> u64 {
    u64::from((value as f32).to_bits())
}

/// With bits set that tf32 does not have.
fn tf32_bits(value: i64) -> u64 {
    float_bits(value) | (0x1fff * u64::from(value != 0))
}

fn word_bits(value: i64) -> u64 {
    u64::from(value as u32)
}

#[test]
fn products_in_floats() {
    let case = |name, depth, width, element, sum, sum_width| {
        run(&Case {
            name,
            depth,
            width,
            limit: 9,
            element,
            sum,
            sum_width,
        });
    };
    case(
        "m16n8k16.row.col.f32.f16.f16.f32",
        16,
        2,
        half_bits,
        float_bits,
        4,
    );
    case(
        "m16n8k8.row.col.f32.f16.f16.f32",
        8,
        2,
        half_bits,
        float_bits,
        4,
    );
    case(
        "m16n8k16.row.col.f32.bf16.bf16.f32",
        16,
        2,
        brain_bits,
        float_bits,
        4,
    );
    case(
        "m16n8k8.row.col.f32.bf16.bf16.f32",
        8,
        2,
        brain_bits,
        float_bits,
        4,
    );
    case(
        "m16n8k16.row.col.f16.f16.f16.f16",
        16,
        2,
        half_bits,
        half_bits,
        2,
    );
    case(
        "m16n8k8.row.col.f16.f16.f16.f16",
        8,
        2,
        half_bits,
        half_bits,
        2,
    );
    case(
        "m16n8k8.row.col.f32.tf32.tf32.f32",
        8,
        4,
        tf32_bits,
        float_bits,
        4,
    );
    case(
        "m16n8k4.row.col.f32.tf32.tf32.f32",
        4,
        4,
        tf32_bits,
        float_bits,
        4,
    );
}

#[test]
fn products_in_integers() {
    let case = |name, depth| {
        run(&Case {
            name,
            depth,
            width: 1,
            limit: 256,
            element: word_bits,
            sum: word_bits,
            sum_width: 4,
        });
    };
    case("m16n8k32.row.col.s32.s8.s8.s32", 32);
    case("m16n8k16.row.col.s32.s8.s8.s32", 16);
    case("m16n8k32.row.col.satfinite.s32.s8.s8.s32", 32);
    // 255 times 255, 32 times, and -1 times 255.
    let ones = vec![u32::MAX; 128];
    let zeros = vec![0; 128];
    let found = product(
        "m16n8k32.row.col.s32.u8.u8.s32",
        [4, 4, 2, 4],
        [&ones, &ones[..64], &zeros],
        false,
    );
    assert!(found.iter().all(|found| *found == 32 * 255 * 255));
    let found = product(
        "m16n8k32.row.col.s32.s8.u8.s32",
        [4, 4, 2, 4],
        [&ones, &ones[..64], &zeros],
        false,
    );
    assert!(found.iter().all(|found| *found as i32 == -32 * 255));
    let most = vec![i32::MAX as u32; 128];
    let found = product(
        "m16n8k32.row.col.satfinite.s32.u8.u8.s32",
        [4, 4, 2, 4],
        [&ones, &ones[..64], &most],
        false,
    );
    assert!(found.iter().all(|found| *found == i32::MAX as u32));
}

#[test]
fn products_in_doubles() {
    let mut random = Random(42);
    let mut values = |count: usize| -> Vec<f64> { (0..count).map(|_| random.float()).collect() };
    let (a, b, c) = (values(32), values(32), values(64));
    let bytes = |values: Vec<f64>| -> Vec<u32> {
        words(
            &values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect::<Vec<u8>>(),
        )
    };
    // Lane 4r + k has the left row r and inner index k; lane 4n + k the right column n.
    let fragments = [
        bytes((0..32).map(|lane| a[lane / 4 * 4 + lane % 4]).collect()),
        bytes((0..32).map(|lane| b[lane % 4 * 8 + lane / 4]).collect()),
        bytes((0..64).map(|at| c[at / 8 * 8 + at % 8]).collect()),
    ];
    let found = product(
        "m8n8k4.row.col.f64.f64.f64.f64",
        [2, 1, 1, 2],
        [&fragments[0], &fragments[1], &fragments[2]],
        true,
    );
    for (at, bits) in found.chunks(2).enumerate() {
        let (row, column) = (at / 8, at % 8);
        let exact = c[at]
            + (0..4)
                .map(|k| a[row * 4 + k] * b[k * 8 + column])
                .sum::<f64>();
        let found = f64::from_bits(u64::from(bits[0]) | u64::from(bits[1]) << 32);
        assert!((found - exact).abs() < 1e-15, "{found} is not {exact}");
    }
}

/// Loads or stores four tiles of 8 by 8, whose rows lie one after the other.
fn tiles(body: &str, input: &[u32]) -> Vec<u32> {
    let module = kernel(
        2,
        ".shared .align 16 .b8 buffer[512];",
        &format!(
            "mov.u32 %r0, buffer; mad.lo.u32 %r1, %lane, 16, %r0; mad.wide.u32 %rd0, %lane, 16, %p1; mad.wide.u32 %rd1, %lane, 16, %p0;\n{body}"
        ),
    );
    words(&outputs(
        &module,
        &Launch::linear(1, 32),
        512,
        &[word_bytes(input)],
    ))
}

fn shorts(words: &[u32]) -> Vec<u16> {
    words
        .iter()
        .flat_map(|word| [*word as u16, (word >> 16) as u16])
        .collect()
}

#[test]
fn tiles_are_loaded_and_stored() {
    let mut random = Random(43);
    let input: Vec<u32> = (0..128).map(|_| random.next() as u32).collect();
    let values = shorts(&input);
    let fill = "ld.global.v4.b32 {%r2, %r3, %r4, %r5}, [%rd0]; st.shared.v4.b32 [%r1], {%r2, %r3, %r4, %r5}; bar.warp.sync -1;";
    let give = "st.global.v4.b32 [%rd1], {%r2, %r3, %r4, %r5};";
    let load = |trans: &str| {
        shorts(&tiles(
            &format!(
                "{fill} ldmatrix.sync.aligned.m8n8.x4{trans}.shared.b16 {{%r2, %r3, %r4, %r5}}, [%r1]; {give}"
            ),
            &input,
        ))
    };
    // Lane l's registers are words l of tiles 0 to 3: row l / 4, columns 2 (l % 4) and the next.
    let element =
        |lane: usize, tile: usize, part: usize| (64 * tile, lane / 4, lane % 4 * 2 + part);
    let (plain, turned) = (load(""), load(".trans"));
    for lane in 0..32 {
        for tile in 0..4 {
            for part in 0..2 {
                let (first, row, column) = element(lane, tile, part);
                let at = 8 * lane + 2 * tile + part;
                assert_eq!(plain[at], values[first + 8 * row + column]);
                assert_eq!(turned[at], values[first + 8 * column + row]);
            }
        }
    }
    let store = |trans: &str| {
        shorts(&tiles(
            &format!(
                "ld.global.v4.b32 {{%r2, %r3, %r4, %r5}}, [%rd0];
                 stmatrix.sync.aligned.m8n8.x4{trans}.shared.b16 [%r1], {{%r2, %r3, %r4, %r5}}; bar.warp.sync -1;
                 ld.shared.v4.b32 {{%r2, %r3, %r4, %r5}}, [%r1]; {give}"
            ),
            &input,
        ))
    };
    let (plain, turned) = (store(""), store(".trans"));
    for lane in 0..32 {
        for tile in 0..4 {
            for part in 0..2 {
                let (first, row, column) = element(lane, tile, part);
                let at = 8 * lane + 2 * tile + part;
                assert_eq!(plain[first + 8 * row + column], values[at]);
                assert_eq!(turned[first + 8 * column + row], values[at]);
            }
        }
    }
    let moved = shorts(&tiles(
        &format!(
            "ld.global.v4.b32 {{%r2, %r3, %r4, %r5}}, [%rd0]; movmatrix.sync.aligned.m8n8.trans.b16 %r2, %r2; {give}"
        ),
        &input,
    ));
    for lane in 0..32 {
        let (row, column) = (lane / 4, lane % 4 * 2);
        for part in 0..2 {
            let from = 4 * (column + part) + row / 2;
            assert_eq!(moved[8 * lane + part], values[8 * from + row % 2]);
        }
    }
}
