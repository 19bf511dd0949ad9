//! How long pieces of the compiler and of what it builds take: `cargo xtask bench --pieces`.
//!
//! - `passes`: one layer of a training step of a transformer, from text to MLIR of LLVM's dialect.
//! - `planner`: places in the workspace for buffers as a long program has them.
//! - `call`: a perceptron so small that the call is what takes time.
//! - `product`: a product of matrices, in multiply-adds a second.

use std::collections::BTreeSet;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dlc_abi::{DimRange, Poly};
use dlc_driver::compile::{Emit, Options, Session, Source, TempLibrary, temporary_library};
use dlc_lowering::workspace::{Buffer, assign};
use dlc_runtime::{Bound, Library, Tensor};

const TRANSFORMER: &str = include_str!("../../../test/bench/transformer.dl");
const LAYERS: &str = "const LAYERS = 12";

const CALLED: &str = "
struct Small { w1: f32[64, 64], b1: f32[64], w2: f32[64, 10], b2: f32[10] }

export fn small<B>(p: Small, x: f32[B, 64]) -> f32[B, 10] { relu(x @ p.w1 + p.b1) @ p.w2 + p.b2 }

export fn product<M, N, K>(a: f32[M, K], b: f32[K, N]) -> f32[M, N] { a @ b }
";

/// M, N and K: of a small and a large square, of a batch through a layer, and of few rows.
const PRODUCTS: [[i64; 3]; 4] = [[64, 64, 64], [512, 512, 512], [64, 512, 784], [4, 512, 784]];

fn passes(criterion: &mut Criterion) {
    assert!(TRANSFORMER.contains(LAYERS));
    let text = TRANSFORMER.replace(LAYERS, "const LAYERS = 1");
    let source = Source {
        name: "transformer.dl",
        text: &text,
        stem: "transformer",
    };
    let session = Session::new(Options::default());
    let mut group = criterion.benchmark_group("passes");
    group.sample_size(10);
    group.bench_function("one layer", |bencher| {
        bencher.iter(|| {
            let compiled = session.compile(&source, &[Emit::LlvmMlir]);
            compiled.unwrap_or_else(|failure| panic!("{failure}"))
        });
    });
    group.finish();
}

/// Buffers that live for some ops each, a few of them for half of the program, as what a derivative reads.
fn buffers(count: usize) -> Vec<Buffer> {
    let buffer = |i: usize| {
        let life = if i.is_multiple_of(9) {
            count / 2
        } else {
            1 + i % 5
        };
        let columns = Poly::constant(256 << (i % 4));
        Buffer {
            live: (i, (i + life).min(count)),
            bytes: Poly::parse("4 * B").expect("a polynomial") * columns,
            nests: BTreeSet::from([i, i + life]),
        }
    };
    (0..count).map(buffer).collect()
}

fn planner(criterion: &mut Criterion) {
    let dims = [DimRange {
        name: "B".into(),
        min: 1,
        max: None,
    }];
    let mut group = criterion.benchmark_group("planner");
    for count in [50, 400] {
        let buffers = buffers(count);
        group.bench_function(format!("{count} buffers"), |bencher| {
            bencher.iter(|| assign(black_box(&buffers), &dims));
        });
    }
    group.finish();
}

/// Tensors for an entry with dims of these values.
fn bound(library: &TempLibrary, name: &str, dims: &[i64]) -> Bound {
    let entry = library.manifest.entry(name).expect("it is exported");
    let names = entry.dims.iter().map(|dim| dim.name.clone());
    let dims: Vec<(String, i64)> = names.zip(dims.iter().copied()).collect();
    let mut next = 0.0;
    let tensor = |leaf: dlc_abi::Leaf| {
        let value = |name: &str| dims.iter().find(|dim| dim.0 == name).map(|dim| dim.1);
        let extent = |text: &String| Poly::parse(text).expect("a size").eval(&value);
        let shape = leaf
            .shape
            .iter()
            .map(|text| extent(text).expect("a size") as usize);
        let mut tensor = Tensor::zeros(leaf.dtype, &shape.collect::<Vec<_>>()).expect("memory");
        let values = || {
            next += 0.37;
            f64::sin(next)
        };
        tensor.fill_with(values).expect("floats");
        tensor
    };
    let params = entry.param_leaves().into_iter().map(tensor).collect();
    Bound::from_tensors(entry, params, &dims).expect("the tensors are as the entry wants them")
}

fn calls(criterion: &mut Criterion) {
    let source = Source {
        name: "called.dl",
        text: CALLED,
        stem: "called",
    };
    let built = temporary_library(&Session::new(Options::default()), &source);
    let built = built.unwrap_or_else(|failure| panic!("{failure}"));
    let library = Library::with_manifest(&built.path, built.manifest.clone());
    let library = library.expect("the library opens");
    let mut time = |group: &str, name: String, flops: Option<u64>, bound: &mut Bound| {
        let mut call = library.prepare(bound).expect("there is memory");
        let mut group = criterion.benchmark_group(group);
        if let Some(flops) = flops {
            group.throughput(Throughput::Elements(flops));
        }
        group.bench_function(name, |bencher| {
            bencher.iter(|| call.run(bound).expect("it succeeds"));
        });
        group.finish();
    };
    let mut small = bound(&built, "small", &[1]);
    time("call", "MLP 64-64-10, batch 1".into(), None, &mut small);
    for [m, n, k] in PRODUCTS {
        let multiplied = Some((m * n * k) as u64);
        let mut bound = bound(&built, "product", &[m, n, k]);
        time("product", format!("{m}x{n}x{k}"), multiplied, &mut bound);
    }
}

criterion_group!(benches, passes, planner, calls);
criterion_main!(benches);
