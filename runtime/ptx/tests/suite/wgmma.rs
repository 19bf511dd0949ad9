//! Products of four warps from shared memory, in all layouts.

use dlc_ptx::{Launch, Memory, Options};
use half::{bf16, f16};

use crate::common::{Random, kernel, pointers, words};

/// How an operand lies in shared memory: bytes of a row that are exchanged (0 for none), and whether rows and columns are inner.
#[derive(Clone, Copy, Debug)]
struct Layout {
    span: usize,
    transposed: bool,
}

impl Layout {
    /// The strides in a descriptor: leading, then stride, as made for operands that lie close together.
    fn strides(self, rows: usize) -> (usize, usize) {
        match (self.span, self.transposed) {
            // Core matrices of 8 rows by 16 bytes: those along the rows first.
            (0, false) => (rows / 8 * 128, 128),
            (0, true) => (rows / 8 * 128, 128),
            (span, false) => (16, 8 * span),
            // Blocks of `span` bytes of rows, 16 inner indices each.
            (span, true) => (16 * span, 8 * span),
        }
    }

    /// Where the element of a row and an inner index is, for elements of `width` bytes; 16 deep where it is transposed.
    fn place(self, rows: usize, width: usize, row: usize, at: usize) -> usize {
        let (leading, stride) = self.strides(rows);
        match (self.span, self.transposed) {
            (0, false) => {
                let byte = at * width;
                byte / 16 * leading + row / 8 * stride + row % 8 * 16 + byte % 16
            }
            (0, true) => at / 8 * leading + row / 8 * stride + at % 8 * 16 + row % 8 * width,
            (span, false) => {
                let byte = at * width;
                row / 8 * stride + exchanged(span, row % 8, byte)
            }
            (span, true) => {
                let block = span / width;
                let byte = row % block * width;
                row / block * leading + at / 8 * stride + exchanged(span, at % 8, byte)
            }
        }
    }

    fn descriptor(self, rows: usize, start: usize) -> u64 {
        let (leading, stride) = self.strides(rows);
        let mode = match self.span {
            0 => 0,
            128 => 1,
            64 => 2,
            _ => 3,
        };
        (start >> 4) as u64
            | ((leading >> 4) as u64) << 16
            | ((stride >> 4) as u64) << 32
            | mode << 62
    }
}

/// A byte of one of 8 lines of `span` bytes, with its pieces of 16 exchanged by the line of 128 bytes it is in.
fn exchanged(span: usize, line: usize, byte: usize) -> usize {
    let linear = line * span + byte;
    let of_128 = linear / 128;
    linear ^ (of_128 % (span / 16)) << 4
}

struct Case {
    name: &'static str,
    columns: usize,
    depth: usize,
    width: usize,
    left: Option<Layout>,
    right: Layout,
    element: fn(i64) -> u64,
    sum: fn(i64) -> u64,
    sum_width: usize,
    /// What stands behind the predicate.
    rest: &'static str,
    sign: i64,
}

const OTHER: usize = 16384;

#[track_caller]
fn run(case: &Case) {
    if let Some(wrong) = wrong(case, case.left) {
        panic!("{wrong}");
    }
}

/// The first element that is wrong, where the left descriptor says that the operand lies as `described`.
fn wrong(case: &Case, described: Option<Layout>) -> Option<String> {
    let mut random = Random(51);
    let mut values =
        |count: usize| -> Vec<i64> { (0..count).map(|_| random.below(9) as i64 - 4).collect() };
    let (a, b) = (values(64 * case.depth), values(case.columns * case.depth));
    let mut image = vec![0; 2 * OTHER];
    let mut put = |place: usize, value: i64| {
        image[place..place + case.width]
            .copy_from_slice(&(case.element)(value).to_le_bytes()[..case.width]);
    };
    for at in 0..case.depth {
        for row in 0..64 {
            if let Some(left) = case.left {
                put(
                    left.place(64, case.width, row, at),
                    a[row * case.depth + at],
                );
            }
        }
        for column in 0..case.columns {
            let place = case.right.place(case.columns, case.width, column, at);
            put(OTHER + place, b[column * case.depth + at]);
        }
    }
    // Fragments of the left operand for the registers of each warp.
    let each = 4 / case.width;
    let mut fragments = Vec::new();
    for thread in 0..128 {
        let (warp, lane) = (thread / 32, thread % 32);
        for register in 0..4 {
            for part in 0..each {
                let row = 16 * warp + lane / 4 + if register % 2 == 1 { 8 } else { 0 };
                let at = lane % 4 * each + part + if register >= 2 { 4 * each } else { 0 };
                let value = a[row * case.depth + at];
                fragments.extend(&(case.element)(value).to_le_bytes()[..case.width]);
            }
        }
    }
    let registers = case.columns / 2 * case.sum_width / 4;
    let list: Vec<String> = (0..registers).map(|at| format!("%s{at}")).collect();
    let list = list.join(", ");
    let left = match described {
        Some(left) => left.descriptor(64, 0).to_string(),
        None => "{%r10, %r11, %r12, %r13}".to_string(),
    };
    let right = case.right.descriptor(case.columns, OTHER);
    let zero: String = (0..registers)
        .map(|at| format!("mov.b32 %s{at}, 0x12345678;\n"))
        .collect();
    let give: String = (0..registers)
        .map(|at| format!("st.global.b32 [%rd2+{}], %s{at};\n", 4 * at))
        .collect();
    let name = case.name;
    // Twice: the first takes the place of what is there, the second is added.
    let body = format!(
        "mov.u32 %r0, buffer; mov.u32 %r1, %tid;
         COPY: mad.wide.u32 %rd0, %r1, 16, %p1; ld.global.v4.b32 {{%r2, %r3, %r4, %r5}}, [%rd0];
         mad.lo.u32 %r6, %r1, 16, %r0; st.shared.v4.b32 [%r6], {{%r2, %r3, %r4, %r5}};
         add.u32 %r1, %r1, 128; setp.lt.u32 %q0, %r1, {}; @%q0 bra COPY;
         fence.proxy.async; bar.sync 0;
         mad.wide.u32 %rd1, %tid, 16, %p2; ld.global.v4.b32 {{%r10, %r11, %r12, %r13}}, [%rd1];
         {zero}
         setp.ne.b32 %q1, 0, 0; setp.eq.b32 %q2, 0, 0;
         wgmma.fence.sync.aligned;
         wgmma.mma_async.sync.aligned.{name} {{{list}}}, {left}, {right}, %q1{rest};
         wgmma.mma_async.sync.aligned.{name} {{{list}}}, {left}, {right}, %q2{rest};
         wgmma.commit_group.sync.aligned; wgmma.wait_group.sync.aligned 0;
         mad.wide.u32 %rd2, %tid, {}, %p0; {give}",
        2 * OTHER / 16,
        4 * registers,
        rest = case.rest,
    );
    let module = kernel(
        3,
        ".shared .align 1024 .b8 buffer[32768]; .reg .b32 %s<128>;",
        &body,
    );
    let mut memory = Memory::new();
    let output = memory.alloc(128 * 4 * registers);
    let params = pointers(&[
        output,
        memory.alloc_copy(&image),
        memory.alloc_copy(&fragments),
    ]);
    let launch = Launch::linear(1, 128);
    if let Err(fault) = module.launch("k", &launch, &params, &mut memory, &Options::default()) {
        panic!("{name}: {fault}");
    }
    let found = words(&memory.read(output, 128 * 4 * registers).unwrap());
    let found: Vec<u8> = found.iter().flat_map(|word| word.to_le_bytes()).collect();
    for thread in 0..128 {
        for element in 0..case.columns / 2 {
            let row = thread / 32 * 16 + thread % 32 / 4 + element / 2 % 2 * 8;
            let column = element / 4 * 8 + thread % 4 * 2 + element % 2;
            let total: i64 = (0..case.depth)
                .map(|at| a[row * case.depth + at] * b[column * case.depth + at])
                .sum();
            let expected = (case.sum)(2 * case.sign * total).to_le_bytes();
            let at = thread * 4 * registers + element * case.sum_width;
            let found = &found[at..at + case.sum_width];
            if *found != expected[..case.sum_width] {
                return Some(format!(
                    "{name} {:?} {:?}: row {row}, column {column}: {found:x?} is not {expected:x?}",
                    case.left, case.right
                ));
            }
        }
    }
    None
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

fn integer_bits(value: i64) -> u64 {
    u64::from(value as u32)
}

fn layout(span: usize, transposed: bool) -> Layout {
    Layout { span, transposed }
}

#[test]
fn halves_in_all_layouts() {
    for span in [0, 32, 64, 128] {
        for (left, right) in [(false, false), (false, true), (true, false), (true, true)] {
            let rest = match (left, right) {
                (false, false) => ", 1, 1, 0, 0",
                (false, true) => ", 1, 1, 0, 1",
                (true, false) => ", 1, 1, 1, 0",
                (true, true) => ", 1, 1, 1, 1",
            };
            run(&Case {
                name: "m64n128k16.f32.f16.f16",
                columns: 128,
                depth: 16,
                width: 2,
                left: Some(layout(span, left)),
                right: layout(span, right),
                element: half_bits,
                sum: float_bits,
                sum_width: 4,
                rest,
                sign: 1,
            });
        }
    }
}

#[test]
fn halves_with_other_sums_and_signs() {
    let case = Case {
        name: "m64n256k16.f32.bf16.bf16",
        columns: 256,
        depth: 16,
        width: 2,
        left: Some(layout(128, false)),
        right: layout(128, true),
        element: brain_bits,
        sum: float_bits,
        sum_width: 4,
        rest: ", -1, 1, 0, 1",
        sign: -1,
    };
    run(&case);
    run(&Case {
        name: "m64n24k16.f16.f16.f16",
        columns: 24,
        right: layout(64, false),
        element: half_bits,
        sum: half_bits,
        sum_width: 2,
        rest: ", 1, 1, 0, 0",
        sign: 1,
        ..case
    });
    run(&Case {
        name: "m64n64k16.f32.bf16.bf16",
        columns: 64,
        left: None,
        rest: ", -1, -1, 1",
        sign: 1,
        ..case
    });
}

#[test]
fn words_and_bytes() {
    for span in [0, 32, 64, 128] {
        let floats = Case {
            name: "m64n32k8.f32.tf32.tf32",
            columns: 32,
            depth: 8,
            width: 4,
            left: Some(layout(span, false)),
            right: layout(span, false),
            element: float_bits,
            sum: float_bits,
            sum_width: 4,
            rest: ", 1, 1",
            sign: 1,
        };
        run(&floats);
        run(&Case {
            left: None,
            ..floats
        });
        let bytes = Case {
            name: "m64n96k32.s32.s8.s8",
            columns: 96,
            depth: 32,
            width: 1,
            element: integer_bits,
            sum: integer_bits,
            rest: "",
            left: Some(layout(span, false)),
            ..floats
        };
        run(&bytes);
        run(&Case {
            left: None,
            ..bytes
        });
    }
}

#[test]
fn a_wrong_swizzle_is_seen() {
    let case = Case {
        name: "m64n32k8.f32.tf32.tf32",
        columns: 32,
        depth: 8,
        width: 4,
        left: Some(layout(128, false)),
        right: layout(128, false),
        element: float_bits,
        sum: float_bits,
        sum_width: 4,
        rest: ", 1, 1",
        sign: 1,
    };
    assert!(wrong(&case, Some(layout(64, false))).is_some());
}
