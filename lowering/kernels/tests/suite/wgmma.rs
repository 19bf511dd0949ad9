//! Products by `wgmma`: all storages, types, tiles and ways of storing, with ragged sizes.

use dlc_kernels::program::{Callee, Element, Storage};
use dlc_kernels::text::EXPANDED;
use dlc_kernels::wgmma::{Dimension, Output, TensorMapShape, Tile, Wgmma};
use dlc_ptx::{Fault, Launch, Memory, Module, Options, Swizzle, TensorMap};

use crate::numbers::{Random, encode, float, roundoff};
use crate::tools::{Arguments, First, MAP, kernel, ptx};

mod faults;

/// The type of a matrix of a batch in memory.
fn memref(element: Element) -> String {
    format!(
        "memref<?x?x?x{}, strided<[?, ?, ?], offset: ?>>",
        element.ty()
    )
}

/// Two squares in each direction by two warpgroups, three stages: all that larger tiles have, in the least time.
pub const SMALLEST: Tile = Tile {
    rows: 128,
    columns: 128,
    stages: 3,
    blocks: 1,
};

/// A product to be computed.
#[derive(Clone, Debug)]
pub struct Case {
    pub program: Wgmma,
    /// Batch, m, n, k.
    pub sizes: [i64; 4],
    pub blocks: u32,
    /// What rows of C have beyond a multiple of 8 elements.
    pub pitch: i64,
    /// The last elements of the last rows of A's first matrix, from the last row on.
    pub last: &'static [f64],
}

/// Matrices of a batch in memory, rows or columns at a pitch, with gaps of NaN.
struct Operand {
    /// Batch, rows, columns.
    sizes: [i64; 3],
    strides: [i64; 3],
    values: Vec<f64>,
}

impl Operand {
    fn new(sizes: [i64; 3], storage: Storage, beyond: i64) -> Self {
        let [batch, rows, columns] = sizes;
        let (outer, inner) = match storage {
            Storage::Rows => (rows, columns),
            Storage::Columns => (columns, rows),
        };
        let pitch = (inner + 7) / 8 * 8 + 8 + beyond;
        let matrix = (outer * pitch + 7) / 8 * 8 + 8 + beyond;
        let strides = match storage {
            Storage::Rows => [matrix, pitch, 1],
            Storage::Columns => [matrix, 1, pitch],
        };
        Self {
            sizes,
            strides,
            values: vec![f64::NAN; (batch * matrix) as usize],
        }
    }

    fn random(mut self, element: Element, random: &mut Random) -> Self {
        for place in self.places() {
            self.values[place] = float(element, &encode(element, random.float(), 0));
        }
        self
    }

    fn place(&self, [batch, row, column]: [i64; 3]) -> usize {
        let [a, b, c] = self.strides;
        (batch * a + row * b + column * c) as usize
    }

    fn places(&self) -> Vec<usize> {
        let [batches, rows, columns] = self.sizes;
        let all = (0..batches * rows * columns).map(|at| {
            let (row, column) = (at / columns % rows, at % columns);
            self.place([at / columns / rows, row, column])
        });
        all.collect()
    }

    fn bytes(&self, element: Element) -> Vec<u8> {
        let values = self.values.iter();
        let bytes = values.flat_map(|value| encode(element, *value, 0));
        bytes.collect()
    }

    fn map(&self, shape: &TensorMapShape, address: u64) -> Vec<u8> {
        let number = |dimension: Dimension| match dimension {
            Dimension::Batch => 0,
            Dimension::Rows => 1,
            Dimension::Columns => 2,
        };
        let axes = shape.axes.map(|axis| number(axis.dimension));
        assert_eq!(self.strides[axes[0]], 1);
        let bytes = |axis: usize| (self.strides[axis] * shape.element.bytes()) as u64;
        let map = TensorMap {
            address,
            element: match shape.element {
                Element::F16 => dlc_ptx::Element::F16,
                Element::Bf16 => dlc_ptx::Element::Bf16,
                Element::F32 => dlc_ptx::Element::F32,
                other => panic!("a tensor map of {other:?}"),
            },
            dims: axes.map(|axis| self.sizes[axis].max(1) as u64).to_vec(),
            strides: vec![bytes(axes[1]), bytes(axes[2])],
            box_dims: shape.axes.map(|axis| axis.tile as u32).to_vec(),
            swizzle: match shape.swizzle {
                128 => Swizzle::Bytes128,
                other => panic!("a swizzle of {other}"),
            },
        };
        map.encode().unwrap().to_vec()
    }
}

impl Case {
    /// A product of bf16 with bf16 results through a tensor map, in rows.
    pub fn new(sizes: [i64; 4]) -> Self {
        let program = Wgmma {
            name: "product".to_string(),
            input: Element::Bf16,
            output: Output::Map(Element::Bf16),
            a: Storage::Rows,
            b: Storage::Rows,
            tile: SMALLEST,
        };
        Self {
            program,
            sizes,
            blocks: 3,
            pitch: 0,
            last: &[],
        }
    }

    fn output(&self) -> Element {
        match self.program.output {
            Output::Map(element) | Output::Through(element, _) | Output::Memref(element) => element,
            Output::Callee(_) => Element::F32,
        }
    }

    /// The program in a kernel. A callee adds what another operand has at the place, and stores in f32 if it does.
    pub fn module(&self) -> String {
        let [c, add] = [self.output(), Element::F32].map(memref);
        let store = format!(
            "func.func private @store(%sum: f32, %batch: index, %row: index, %column: index, %c: {c}, %add: {add}) attributes {{{EXPANDED}}} {{
               %by = memref.load %add[%batch, %row, %column] : {add}
               %value = arith.addf %sum, %by : f32
               memref.store %value, %c[%batch, %row, %column] : {c}
               func.return
             }}"
        );
        let change = format!(
            "func.func private @change(%sum: f32, %batch: index, %row: index, %column: index, %add: {add}) -> f32 attributes {{{EXPANDED}}} {{
               %by = memref.load %add[%batch, %row, %column] : {add}
               %value = arith.addf %sum, %by : f32
               func.return %value : f32
             }}"
        );
        let map = || MAP.to_string();
        let (results, function) = match self.program.output {
            Output::Map(_) => (vec![map()], String::new()),
            Output::Through(..) => (vec![map(), add], change),
            Output::Memref(_) => (vec![c], String::new()),
            Output::Callee(_) => (vec![c, add], store),
        };
        let mut types = vec!["index".to_string(); 4];
        types.extend([map(), map()]);
        types.extend(results);
        let blocks = self.program.blocks_per_multiprocessor();
        let shape = [self.program.threads(), blocks];
        let kernel = kernel(&self.program.name, First::Block, &types, shape);
        format!("{}{function}{kernel}", self.program.text().unwrap())
    }

    /// Runs PTX; what was found wrong in the result, if the run did not fail.
    pub fn run(&self, text: &str, seed: u64) -> Result<Option<String>, Fault> {
        let module = Module::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let [batch, m, n, k] = self.sizes;
        let mut random = Random(seed + 1);
        let (program, output) = (&self.program, self.output());
        let mut a = Operand::new([batch, m, k], program.a, 0).random(program.input, &mut random);
        for (value, row) in self.last.iter().zip((0..m).rev()) {
            let place = a.place([0, row, k - 1]);
            a.values[place] = *value;
        }
        let b = Operand::new([batch, k, n], program.b, 0).random(program.input, &mut random);
        let c = Operand::new([batch, m, n], Storage::Rows, self.pitch);
        let add =
            Operand::new([batch, m, n], Storage::Columns, 0).random(Element::F32, &mut random);
        let mut memory = Memory::new();
        let [at_a, at_b] = [&a, &b].map(|operand| memory.alloc_copy(&operand.bytes(program.input)));
        let before = vec![0x5a; c.bytes(output).len()];
        let at_c = memory.alloc_copy(&before);
        let at_add = memory.alloc_copy(&add.bytes(Element::F32));
        let maps = program.maps();
        let mut arguments = Arguments::default();
        for size in self.sizes {
            arguments.index(size);
        }
        arguments.map(&a.map(&maps[0], at_a));
        arguments.map(&b.map(&maps[1], at_b));
        match program.output {
            Output::Map(_) | Output::Through(..) => arguments.map(&c.map(&maps[2], at_c)),
            Output::Memref(_) | Output::Callee(_) => {
                arguments.memref(at_c, 0, &c.sizes, &c.strides);
            }
        }
        let adds = matches!(program.output, Output::Callee(_) | Output::Through(..));
        if adds {
            arguments.memref(at_add, 0, &add.sizes, &add.strides);
        }
        let params = arguments.bytes(module.entry("kernel").unwrap());
        let launch = Launch::linear(self.blocks, program.threads() as u32);
        let launch = launch.with_shared(program.shared_bytes() as u32);
        let options = Options {
            seed,
            ..Options::default()
        };
        module.launch("kernel", &launch, &params, &mut memory, &options)?;
        let found = memory.read(at_c, before.len()).unwrap();
        Ok(wrong([&a, &b, &c], adds.then_some(&add), output, &found))
    }
}

/// What is wrong in C, also beside it.
fn wrong(
    [a, b, c]: [&Operand; 3],
    add: Option<&Operand>,
    output: Element,
    found: &[u8],
) -> Option<String> {
    let [batches, rows, columns] = c.sizes;
    let depth = a.sizes[2];
    let width = output.bytes() as usize;
    let mut beside = vec![true; found.len() / width];
    // Half the distance of the least numbers.
    let least = match output {
        Element::F16 => 2f64.powi(-25),
        _ => 0.0,
    };
    for batch in 0..batches {
        for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |at| (row, at))) {
            let (mut sum, mut size) = (0.0, 0.0);
            for at in 0..depth {
                let left = a.values[a.place([batch, row, at])];
                let term = left * b.values[b.place([batch, at, column])];
                sum += term;
                size += term.abs();
            }
            if let Some(add) = add {
                sum += add.values[add.place([batch, row, column])];
                size += 1.0;
            }
            let bound =
                (depth + 2) as f64 * 2f64.powi(-24) * size + roundoff(output) * sum.abs() + least;
            let place = c.place([batch, row, column]);
            beside[place] = false;
            let found = float(output, &found[place * width..(place + 1) * width]);
            let is_right = match sum.is_finite() {
                true => (found - sum).abs() <= bound * 1.0001,
                false => found == sum || found.is_nan() && sum.is_nan(),
            };
            if !is_right {
                return Some(format!(
                    "matrix {batch}, row {row}, column {column}: {found} is not {sum}"
                ));
            }
        }
    }
    let written = found.chunks(width).zip(&beside);
    let mut written = written.map(|(bytes, beside)| *beside && bytes.iter().any(|b| *b != 0x5a));
    let place = written.position(|written| written);
    place.map(|place| format!("element {place} beside C was written"))
}

/// Runs products of several sizes by one program, each with two seeds.
#[track_caller]
pub fn check(program: &Wgmma, sizes: &[[i64; 4]], pitch: i64) {
    let case = Case {
        program: program.clone(),
        pitch,
        ..Case::new([0; 4])
    };
    let text = ptx(&case.module(), "sm_90a");
    for sizes in sizes {
        for (seed, blocks) in [(0, 3), (7, 2)] {
            let case = Case {
                sizes: *sizes,
                blocks,
                ..case.clone()
            };
            match case.run(&text, seed) {
                Ok(None) => {}
                Ok(Some(wrong)) => panic!("{case:?}, seed {seed}: {wrong}"),
                Err(fault) => panic!("{case:?}, seed {seed}: {fault}"),
            }
        }
    }
}

const STORAGES: [(Storage, Storage); 4] = [
    (Storage::Rows, Storage::Rows),
    (Storage::Rows, Storage::Columns),
    (Storage::Columns, Storage::Rows),
    (Storage::Columns, Storage::Columns),
];

/// Ragged, one tile with one stage, many tiles of two matrices, and nothing to add.
const SIZES: [[i64; 4]; 3] = [[2, 130, 200, 100], [1, 5, 3, 1], [3, 17, 40, 0]];

#[test]
fn all_storages_of_both_types() {
    for (a, b) in STORAGES {
        for input in [Element::F16, Element::Bf16] {
            let program = Wgmma {
                a,
                b,
                input,
                output: Output::Map(input),
                ..Case::new([0; 4]).program
            };
            check(&program, &SIZES, 0);
        }
    }
}

#[test]
fn results_of_any_pitch_are_stored_without_a_map() {
    for output in [Element::F32, Element::F16, Element::Bf16] {
        let program = Wgmma {
            output: Output::Memref(output),
            ..Case::new([0; 4]).program
        };
        check(&program, &SIZES, 1);
    }
}

#[test]
fn a_callee_takes_each_sum() {
    let types = [Element::F32; 2].map(memref);
    let [store, change] = [("store", &types[..]), ("change", &types[1..])];
    let [store, change] = [store, change].map(|(name, captured)| Callee {
        name: name.to_string(),
        captured: captured.to_vec(),
    });
    for (output, pitch) in [
        (Output::Callee(store), 3),
        (Output::Through(Element::F16, change), 0),
    ] {
        let program = Wgmma {
            output,
            ..Case::new([0; 4]).program
        };
        check(&program, &SIZES, pitch);
    }
}

#[test]
fn all_tiles() {
    for tile in Tile::ALL {
        for (a, b) in [STORAGES[0], STORAGES[3]] {
            let program = Wgmma {
                tile,
                a,
                b,
                ..Case::new([0; 4]).program
            };
            check(&program, &[[1, 140, 270, 200], [2, 64, 8, 64]], 0);
        }
    }
}

#[test]
fn tiles_fill_shared_memory() {
    let bytes = |tile: Tile, output: Output| {
        let program = Wgmma {
            tile,
            output,
            ..Case::new([0; 4]).program
        };
        program.shared_bytes()
    };
    let (staged, each) = (Output::Map(Element::F16), Output::Memref(Element::F32));
    // Stages of 48 KiB: three beside results of 64 KiB, four beside 20 KiB; then a pair of barriers for each.
    assert_eq!(
        bytes(Tile::LARGE, staged.clone()),
        (3 * 48 + 64) * 1024 + 48
    );
    assert_eq!(bytes(Tile::LARGE, each), (4 * 48 + 20) * 1024 + 64);
    assert_eq!(
        bytes(Tile::MEDIUM, staged.clone()),
        (4 * 32 + 32) * 1024 + 64
    );
    assert_eq!(bytes(Tile::SMALL, staged), (4 * 24 + 16) * 1024 + 64);
}

#[test]
fn what_is_not_finite_stays_in_its_row() {
    let case = Case {
        last: &[f64::INFINITY, f64::NAN, f64::NEG_INFINITY],
        ..Case::new([2, 70, 75, 33])
    };
    let text = ptx(&case.module(), "sm_90a");
    assert_eq!(case.run(&text, 3), Ok(None));
}

#[test]
fn blocks_go_round_groups_of_tiles() {
    // More than sixteen tiles along the rows, so that the order has a whole group and a ragged one.
    let tile = Tile {
        rows: 64,
        columns: 64,
        stages: 2,
        blocks: 1,
    };
    let program = Wgmma {
        tile,
        ..Case::new([0; 4]).program
    };
    check(&program, &[[2, 1100, 70, 130]], 0);
}

#[test]
fn what_wgmma_does_not_take_is_refused() {
    let program = Case::new([0; 4]).program;
    let error = |program: Wgmma| program.text().unwrap_err();
    let refused = error(Wgmma {
        input: Element::F32,
        ..program.clone()
    });
    assert_eq!(refused, "wgmma of f32 is not made here");
    let refused = error(Wgmma {
        output: Output::Map(Element::F32),
        ..program.clone()
    });
    assert_eq!(refused, "results of f32 are stored by Output::Memref");
    let tile = Tile {
        columns: 100,
        ..SMALLEST
    };
    let refused = error(Wgmma {
        tile,
        ..program.clone()
    });
    assert!(refused.contains("multiples of 64"), "{refused}");
    let tile = Tile {
        blocks: 3,
        ..Tile::LARGE
    };
    let refused = error(Wgmma { tile, ..program });
    assert!(refused.contains("does not hold two stages"), "{refused}");
}
