//! Runs matrix products and compares them.

use dlc_kernels::matmul::{Input, Matmul, Output, Start, Tile};
use dlc_kernels::program::{Callee, Element, Matrix as Global, Storage};
use dlc_ptx::{Fault, Launch, Memory, Module, Options, Report};

use crate::numbers::{Random, roundoff};
use crate::tools::{Arguments, First, kernel, ptx};
use matrix::Matrix;

mod matrix;
mod mma;
mod simt;

/// Sizes of a product, and what lies between rows, or columns, and before the first of all matrices, in elements.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub sizes: [usize; 3],
    pub pad: usize,
    pub offset: usize,
}

impl Shape {
    /// Without anything between.
    pub fn dense(m: usize, n: usize, k: usize) -> Self {
        Self {
            sizes: [m, n, k],
            pad: 0,
            offset: 0,
        }
    }
}

/// What a product is of and what came out.
pub struct Run {
    pub a: Matrix,
    pub b: Matrix,
    /// The result before and after.
    pub before: Matrix,
    pub after: Matrix,
    pub report: Report,
}

/// All ways in which A and B may lie in memory.
pub const STORAGES: [[Storage; 2]; 4] = [
    [Storage::Rows, Storage::Rows],
    [Storage::Rows, Storage::Columns],
    [Storage::Columns, Storage::Rows],
    [Storage::Columns, Storage::Columns],
];

/// A program for operands of one type, which stores its sums.
pub fn program(element: Element, storages: [Storage; 2], tile: Tile) -> Matmul {
    let [a, b] = storages.map(|storage| Input { element, storage });
    let sum = match element {
        Element::F16 | Element::Bf16 => Element::F32,
        Element::I8 | Element::U8 => Element::I32,
        _ => element,
    };
    Matmul {
        name: "product".to_string(),
        a,
        b,
        gather: None,
        sum,
        output: Output::Store {
            element: sum,
            start: Start::Zero,
        },
        tile,
    }
}

/// An output by a function, which stores the sum and its row's number together.
pub fn callee() -> Output {
    Output::Call(Callee {
        name: "store_sum".to_string(),
        captured: vec![Global::ty(Element::F32)],
    })
}

/// The elements of B by a function, which loads them.
pub fn gather(element: Element) -> Option<Callee> {
    Some(Callee {
        name: "load_b".to_string(),
        captured: vec![Global::ty(element)],
    })
}

/// That function.
fn load_b(element: Element) -> String {
    let (ty, number) = (Global::ty(element), element.ty());
    format!(
        "func.func private @load_b(%k: index, %n: index, %b: {ty}) -> {number} {{
           %value = memref.load %b[%k, %n] : {ty}
           func.return %value : {number}
         }}"
    )
}

const STORE_SUM: &str = "
func.func private @store_sum(%sum: f32, %i: index, %j: index, %c: memref<?x?xf32, strided<[?, ?], offset: ?>>) {
  %row = arith.index_cast %i : index to i32
  %number = arith.sitofp %row : i32 to f32
  %value = arith.addf %sum, %number : f32
  memref.store %value, %c[%i, %j] : memref<?x?xf32, strided<[?, ?], offset: ?>>
  func.return
}
";

/// What the program stores.
fn stored(program: &Matmul) -> Element {
    match &program.output {
        Output::Store { element, .. } => *element,
        Output::Call(_) => Element::F32,
    }
}

/// The program as a kernel.
pub fn text(program: &Matmul) -> String {
    let mut types = vec!["index".to_string(); 3];
    let elements = [program.a.element, program.b.element, stored(program)];
    types.extend(in_order(program, elements.map(Global::ty)));
    let mut module = program.text().unwrap();
    if program.gather.is_some() {
        module += &load_b(program.b.element);
    }
    if matches!(program.output, Output::Call(_)) {
        module += STORE_SUM;
    }
    module += &kernel(&program.name, First::Piece, &types, [program.threads(), 1]);
    ptx(&module, "sm_80")
}

/// What belongs to A, B and C in the order of the program's parameters: what a function of B's elements captures comes last.
fn in_order<T>(program: &Matmul, [a, b, c]: [T; 3]) -> [T; 3] {
    match program.gather {
        Some(_) => [a, c, b],
        None => [a, b, c],
    }
}

/// Random operands and a result, which follow from the shape.
pub fn matrices(program: &Matmul, shape: Shape) -> [Matrix; 3] {
    let Shape { sizes, pad, offset } = shape;
    let [m, n, k] = sizes;
    let mut random = Random((m * 1000 + n * 100 + k) as u64);
    let mut matrix = |element, storage, sizes| {
        Matrix::random((element, storage), sizes, [pad, offset], &mut random)
    };
    [
        matrix(program.a.element, program.a.storage, [m, k]),
        matrix(program.b.element, program.b.storage, [k, n]),
        matrix(stored(program), Storage::Rows, [m, n]),
    ]
}

/// Runs PTX of a program.
pub fn run(
    program: &Matmul,
    ptx: &str,
    [a, b, before]: [Matrix; 3],
    seed: u64,
) -> Result<Run, Fault> {
    let [m, n] = before.sizes;
    let sizes = [m, n, a.sizes[1]];
    let mut memory = Memory::new();
    let tiles = program.tiles(m as i64, n as i64);
    let mut arguments = Arguments::default();
    arguments.index(tiles);
    for size in sizes {
        arguments.index(size as i64);
    }
    let addresses = [&a, &b, &before].map(|matrix| memory.alloc_copy(&matrix.bytes));
    let matrices = [
        (&a, addresses[0]),
        (&b, addresses[1]),
        (&before, addresses[2]),
    ];
    for (matrix, address) in in_order(program, matrices) {
        let sizes = matrix.sizes.map(|size| size as i64);
        arguments.memref(address, matrix.offset as i64, &sizes, &matrix.strides());
    }
    let module = Module::parse(ptx).unwrap_or_else(|error| panic!("{error}\n{ptx}"));
    // Blocks do two tiles each.
    let launch = Launch::linear((tiles as u32).div_ceil(2), program.threads() as u32);
    let launch = launch.with_shared(program.shared_bytes() as u32);
    let options = Options {
        seed,
        ..Options::default()
    };
    let params = arguments.bytes(module.entry("kernel").unwrap());
    let report = module.launch("kernel", &launch, &params, &mut memory, &options)?;
    let mut after = before.clone();
    after.bytes = memory.read(addresses[2], before.bytes.len()).unwrap();
    Ok(Run {
        a,
        b,
        before,
        after,
        report,
    })
}

/// How far results may be from exact ones, relative to the sums of absolute products, which each step of a sum may round.
fn unit(program: &Matmul) -> f64 {
    match (program.sum, program.a.element, &program.tile) {
        (Element::F64, ..) => f64::EPSILON,
        // tf32 keeps 10 bits, and both operands are rounded.
        (_, Element::F32, Tile::Mma(_)) => f64::powi(2.0, -10),
        _ => f64::from(f32::EPSILON),
    }
}

impl Run {
    /// The first element that is wrong, or memory beyond the result that was written.
    pub fn wrong(&self, program: &Matmul) -> Option<String> {
        let [m, n] = self.after.sizes;
        let mut rest = self.after.clone();
        for row in 0..m {
            for column in 0..n {
                let is_right = match program.sum.is_float() {
                    true => self.is_near(program, row, column),
                    false => self.is_equal(program, row, column),
                };
                if !is_right {
                    let found = self.after.float(row, column);
                    return Some(format!("{found} at {row}, {column}"));
                }
                let size = rest.element.bytes() as usize;
                let start = (rest.offset + row * rest.pitch + column) * size;
                let old = self.before.at(row, column).to_vec();
                rest.bytes[start..start + size].copy_from_slice(&old);
            }
        }
        (rest.bytes != self.before.bytes).then(|| "memory beyond the result is changed".to_string())
    }

    fn adds(&self, program: &Matmul) -> bool {
        matches!(
            program.output,
            Output::Store {
                start: Start::Result,
                ..
            }
        )
    }

    fn is_near(&self, program: &Matmul, row: usize, column: usize) -> bool {
        let depth = self.a.sizes[1];
        let products = (0..depth).map(|at| self.a.float(row, at) * self.b.float(at, column));
        let mut exact: f64 = products.clone().sum();
        let mut size: f64 = products.map(f64::abs).sum();
        if self.adds(program) {
            exact += self.before.float(row, column);
            size += self.before.float(row, column).abs();
        }
        if matches!(program.output, Output::Call(_)) {
            exact += row as f64;
            size += row as f64;
        }
        let found = self.after.float(row, column);
        if exact.is_nan() || exact.is_infinite() {
            return found.is_nan() && exact.is_nan() || found == exact;
        }
        // A rounding error of a sum of n is random, about its root of it; the bound takes as many times that.
        let unit = unit(program);
        let rounding = match stored(program) {
            half @ (Element::F16 | Element::Bf16) => roundoff(half),
            _ => 0.0,
        };
        let bound = size * unit * (1.0 + (depth as f64).sqrt()) + exact.abs() * rounding;
        (found - exact).abs() <= bound
    }

    fn is_equal(&self, program: &Matmul, row: usize, column: usize) -> bool {
        let mut exact = (0..self.a.sizes[1]).fold(0i64, |sum, at| {
            let product = self
                .a
                .integer(row, at)
                .wrapping_mul(self.b.integer(at, column));
            sum.wrapping_add(product)
        });
        if self.adds(program) {
            exact = exact.wrapping_add(self.before.integer(row, column));
        }
        let found = self.after.integer(row, column);
        match program.sum {
            Element::I32 => found == i64::from(exact as i32),
            _ => found == exact,
        }
    }
}

/// Runs a program on shapes, in several orders of warps, and checks what comes out. Gives the last report.
pub fn check(program: &Matmul, shapes: &[Shape]) -> Report {
    let ptx = text(program);
    let mut last = Report::default();
    for shape in shapes {
        let mut first = None;
        for seed in 0..2 {
            let run = run(program, &ptx, matrices(program, *shape), seed)
                .unwrap_or_else(|fault| panic!("{program:?} {shape:?}, seed {seed}: {fault}"));
            if let Some(wrong) = run.wrong(program) {
                panic!("{program:?} {shape:?}, seed {seed}: {wrong}");
            }
            let first = first.get_or_insert_with(|| run.after.bytes.clone());
            assert!(
                *first == run.after.bytes,
                "seed {seed} gives something else"
            );
            last = run.report;
        }
    }
    last
}

/// Says that a fault planted in PTX is found: for each line that `plant` changes, by itself, some shape and order of warps fails or
/// gives something wrong.
pub fn finds(
    program: &Matmul,
    ptx: &str,
    shapes: &[Shape],
    plant: impl Fn(&str) -> Option<String>,
) {
    let lines: Vec<_> = ptx.lines().collect();
    let mut planted = 0;
    for (number, line) in lines.iter().enumerate() {
        let Some(changed) = plant(line) else {
            continue;
        };
        planted += 1;
        let mut lines = lines.clone();
        lines[number] = &changed;
        let text = lines.join("\n");
        let is_found = shapes.iter().any(|shape| {
            (0..2).any(|seed| {
                let run = run(program, &text, matrices(program, *shape), seed);
                run.map_or(true, |run| run.wrong(program).is_some())
            })
        });
        assert!(
            is_found,
            "`{line}`, line {}, may be `{changed}` in\n{ptx}",
            number + 1
        );
    }
    assert!(planted > 0, "there is nothing to change in\n{ptx}");
}

/// Leaves out a barrier.
pub fn without_barrier(line: &str) -> Option<String> {
    line.contains("bar.sync").then(String::new)
}
