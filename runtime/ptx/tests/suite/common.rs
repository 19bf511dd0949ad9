//! What the tests have in common: random numbers, and kernels made around a few instructions.

use dlc_ptx::{Fault, Launch, Memory, Module, Options, Report};

/// A sequence of numbers (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// Between -1 and 1.
    pub fn float(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

/// A module with a header around kernels.
pub fn module(text: &str) -> Module {
    let text = format!(".version 8.3\n.target sm_90a\n.address_size 64\n{text}");
    Module::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// A kernel `k` of pointers `p0`, `p1`, …, which are in `%p0`, …; `%tid` and `%lane` are there too.
pub fn kernel(pointers: usize, declarations: &str, body: &str) -> Module {
    let params: Vec<String> = (0..pointers)
        .map(|at| format!(".param .u64 p{at}"))
        .collect();
    let mut loads = String::new();
    for at in 0..pointers {
        loads += &format!("ld.param.u64 %p{at}, [p{at}];\n");
    }
    module(&format!(
        ".visible .entry k({}) {{\n.reg .b64 %p<8>, %rd<64>; .reg .b32 %tid, %lane, %r<512>; .reg .b16 %h<16>; .reg .pred %q<16>;\n\
         {declarations}\n{loads}mov.u32 %tid, %tid.x;\nmov.u32 %lane, %laneid;\n{body}\nret;\n}}",
        params.join(", ")
    ))
}

/// The bytes of pointers as parameters.
pub fn pointers(addresses: &[u64]) -> Vec<u8> {
    addresses
        .iter()
        .flat_map(|address| address.to_le_bytes())
        .collect()
}

/// Runs the kernel `k` in one block.
pub fn run_block(
    module: &Module,
    threads: u32,
    addresses: &[u64],
    memory: &mut Memory,
) -> Result<Report, Fault> {
    let launch = Launch::linear(1, threads);
    module.launch(
        "k",
        &launch,
        &pointers(addresses),
        memory,
        &Options::default(),
    )
}

/// Runs the kernel `k` on copies of inputs; gives an output of so many bytes, which is the first pointer. Different orders of warps must
/// give the same.
pub fn outputs(module: &Module, launch: &Launch, bytes: usize, inputs: &[Vec<u8>]) -> Vec<u8> {
    let mut first = None;
    for seed in 0..3 {
        let options = Options {
            seed,
            ..Options::default()
        };
        let mut memory = Memory::new();
        let output = memory.alloc(bytes);
        let mut addresses = vec![output];
        addresses.extend(inputs.iter().map(|input| memory.alloc_copy(input)));
        let params = pointers(&addresses);
        if let Err(fault) = module.launch("k", launch, &params, &mut memory, &options) {
            panic!("seed {seed}: {fault}");
        }
        let result = memory.read(output, bytes).expect("the output is there");
        let first = first.get_or_insert_with(|| result.clone());
        assert!(*first == result, "seed {seed} gives something else");
    }
    first.expect("there were runs")
}

/// The words of some bytes.
pub fn words(bytes: &[u8]) -> Vec<u32> {
    let words = bytes.chunks_exact(4);
    words
        .map(|word| u32::from_le_bytes(word.try_into().expect("the length of a chunk")))
        .collect()
}

/// The bytes of some words.
pub fn word_bytes(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// The bytes of some f32.
pub fn float_bytes(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

/// The f32 of some bytes.
pub fn floats(bytes: &[u8]) -> Vec<f32> {
    words(bytes).into_iter().map(f32::from_bits).collect()
}

/// Runs an instruction on `%a`, `%b`, `%c`, of so many bits each, for each row of operands; the result is in `%d`.
pub fn each(instruction: &str, bits: &[u32], result: u32, rows: &[Vec<u64>]) -> Vec<u64> {
    let names = ["%a", "%b", "%c"];
    let mut declarations = format!(".reg .b{result} %d;");
    let mut body = String::from(
        "mov.u32 %r0, %ctaid.x;\nmad.lo.u32 %r1, %r0, 128, %tid;\nmad.wide.u32 %rd0, %r1, 24, %p1;\nmad.wide.u32 %rd1, %r1, 8, %p0;\n",
    );
    for (at, bits) in bits.iter().enumerate() {
        declarations += &format!(" .reg .b{bits} {};", names[at]);
        body += &format!("ld.global.b{bits} {}, [%rd0+{}];\n", names[at], 8 * at);
    }
    body += &format!(
        "{instruction}\nmov.b64 %rd2, 0;\nst.global.b64 [%rd1], %rd2;\nst.global.b{result} [%rd1], %d;"
    );
    let module = kernel(2, &declarations, &body);
    let blocks = rows.len().div_ceil(128);
    let mut bytes = Vec::new();
    for at in 0..blocks * 128 {
        let row = &rows[at.min(rows.len() - 1)];
        for part in 0..3 {
            bytes.extend(row.get(part).copied().unwrap_or(0).to_le_bytes());
        }
    }
    let mut memory = Memory::new();
    let output = memory.alloc(blocks * 128 * 8);
    let input = memory.alloc_copy(&bytes);
    let launch = Launch::linear(blocks as u32, 128);
    let params = pointers(&[output, input]);
    if let Err(fault) = module.launch("k", &launch, &params, &mut memory, &Options::default()) {
        panic!("{fault}");
    }
    let result = memory
        .read(output, rows.len() * 8)
        .expect("the output is there");
    let values = result.chunks_exact(8);
    values
        .map(|value| u64::from_le_bytes(value.try_into().expect("the length of a chunk")))
        .collect()
}

/// All rows of special values, and random ones.
pub fn rows(specials: &[u64], count: usize, mut random: impl FnMut() -> u64) -> Vec<Vec<u64>> {
    let mut rows = Vec::new();
    for at in 0..specials.len().pow(count.min(2) as u32) {
        let mut row = vec![
            specials[at % specials.len()],
            specials[at / specials.len() % specials.len()],
        ];
        row.push(specials[(at * 7 + 3) % specials.len()]);
        row.truncate(count);
        rows.push(row);
    }
    for _ in 0..256 {
        rows.push((0..count).map(|_| random()).collect());
    }
    rows
}

/// Holds an instruction against a function on rows of operands.
#[track_caller]
pub fn check(
    instruction: &str,
    bits: &[u32],
    result: u32,
    rows: &[Vec<u64>],
    expected: impl Fn(&[u64]) -> u64,
) {
    let found = each(instruction, bits, result, rows);
    for (row, found) in rows.iter().zip(found) {
        let expected = expected(row);
        assert!(
            found == expected,
            "{instruction} of {row:x?} is {found:#x}, not {expected:#x}"
        );
    }
}
