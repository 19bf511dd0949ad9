//! Runs matrix products and compares them.

use dlc_kernels::matmul::{Input, Matmul, Output, Start};
use dlc_kernels::program::{Callee, Element, Matrix as Global, Storage};
use dlc_ptx::{Fault, Launch, Memory, Module, Options, Report};

use crate::data::{Matrix, Random};
use crate::tools::{Params, kernel, ptx};

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

/// A program for operands of one type.
pub fn program(
    element: Element,
    storages: [Storage; 2],
    tile: dlc_kernels::matmul::Tile,
) -> Matmul {
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
        sum,
        output: Output::Store {
            element: sum,
            start: Start::Zero,
        },
        tile,
    }
}

/// An output by a function, which stores the sum and adds its row's number.
pub fn callee() -> Output {
    Output::Call(Callee {
        name: "store_sum".to_string(),
        captured: vec![Global::ty(Element::F32)],
    })
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
    types.extend([program.a.element, program.b.element, stored(program)].map(Global::ty));
    let mut module = program.text().unwrap();
    if matches!(program.output, Output::Call(_)) {
        module += STORE_SUM;
    }
    module += &kernel(&program.name, &types, program.threads());
    ptx(&module, program.threads(), "sm_80")
}

/// Runs PTX of a program on random matrices.
pub fn run(program: &Matmul, ptx: &str, shape: Shape, seed: u64) -> Result<Run, Fault> {
    run_on(program, ptx, shape, seed, |_| {})
}

/// The same with changed operands.
pub fn run_on(
    program: &Matmul,
    ptx: &str,
    shape: Shape,
    seed: u64,
    change: impl Fn([&mut Matrix; 2]),
) -> Result<Run, Fault> {
    let Shape { sizes, pad, offset } = shape;
    let [m, n, k] = sizes;
    let mut random = Random(seed);
    let around = [pad, offset];
    let mut matrix =
        |element, storage, sizes| Matrix::random((element, storage), sizes, around, &mut random);
    let mut a = matrix(program.a.element, program.a.storage, [m, k]);
    let mut b = matrix(program.b.element, program.b.storage, [k, n]);
    let before = matrix(stored(program), Storage::Rows, [m, n]);
    change([&mut a, &mut b]);
    let mut memory = Memory::new();
    let mut params = Params::default();
    for size in sizes {
        params.index(size as u64);
    }
    let mut addresses = vec![];
    for matrix in [&a, &b, &before] {
        let address = memory.alloc_copy(&matrix.bytes);
        let storage = (matrix.storage, matrix.pitch);
        params.matrix((address, matrix.offset), matrix.sizes, storage);
        addresses.push(address);
    }
    let module = Module::parse(ptx).unwrap_or_else(|error| panic!("{error}\n{ptx}"));
    let rows = m.div_ceil(program.tile_rows() as usize);
    let columns = n.div_ceil(program.tile_columns() as usize);
    let launch = Launch::linear((rows * columns) as u32, program.threads() as u32);
    let launch = launch.with_shared(program.shared_bytes() as u32);
    let options = Options {
        seed,
        ..Options::default()
    };
    let report = module.launch("kernel", &launch, &params.0, &mut memory, &options)?;
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
        (_, Element::F32, dlc_kernels::matmul::Tile::Mma(_)) => f64::powi(2.0, -10),
        _ => f64::from(f32::EPSILON),
    }
}

fn rounding(element: Element) -> f64 {
    match element {
        Element::F16 => f64::powi(2.0, -11),
        Element::Bf16 => f64::powi(2.0, -8),
        _ => 0.0,
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
        let bound =
            size * unit * (1.0 + (depth as f64).sqrt()) + exact.abs() * rounding(stored(program));
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

/// Runs a program on shapes and checks what comes out.
pub fn check(program: &Matmul, shapes: &[Shape]) -> Report {
    let ptx = text(program);
    let mut last = Report::default();
    for (shape, seed) in shapes.iter().zip(0..) {
        let run = run(program, &ptx, *shape, seed)
            .unwrap_or_else(|fault| panic!("{program:?} {shape:?}: {fault}"));
        if let Some(wrong) = run.wrong(program) {
            panic!("{program:?} {shape:?}: {wrong}");
        }
        last = run.report;
    }
    last
}
