//! Every optional pass left out in turn: the results stay the same, since such passes only optimise.

use dlc_driver::{
    compile::{Options, Session, Source, temporary_library},
    pipelines,
};
use dlc_runtime::{Tensor, bind::Bound, library::Library};

/// A training step: two dense layers, cross-entropy, Adam.
const MODEL: &str = include_str!("mlp-adam.mlir");

/// Runs the step for a batch.
fn step(session: &Session, batch: i64) -> Vec<Vec<f64>> {
    let source = Source {
        name: "mlp.mlir",
        text: MODEL,
        stem: "mlp",
    };
    let built = temporary_library(session, &source).unwrap_or_else(|failure| panic!("{failure}"));
    let library = Library::with_manifest(&built.path, built.manifest.clone()).unwrap();
    let entry = &built.manifest.entries[0];
    let mut next = 0.0;
    let leaf = |leaf: dlc_abi::Leaf| {
        let extent = |text: &String| text.parse().unwrap_or(batch) as usize;
        let shape: Vec<_> = leaf.shape.iter().map(extent).collect();
        let mut tensor = Tensor::zeros(leaf.dtype, &shape).unwrap();
        let values = || {
            next += 0.37;
            match leaf.dtype {
                dlc_abi::DType::I32 => f64::floor((next * 10.0) % 10.0),
                // Second moments are not negative.
                _ => f64::abs(f64::sin(next)) * 0.3,
            }
        };
        tensor.fill_with(values).unwrap();
        tensor
    };
    let params = entry.param_leaves().into_iter().map(leaf).collect();
    let mut bound = Bound::from_tensors(entry, params, &[("B".into(), batch)]).unwrap();
    library.prepare(&bound).unwrap().run(&mut bound).unwrap();
    bound
        .params()
        .iter()
        .chain(bound.results())
        .map(Tensor::to_f64)
        .collect()
}

#[test]
fn optional_passes_only_optimise() {
    let all = Session::new(Options::default());
    let expected = [step(&all, 1), step(&all, 37)];
    for pass in pipelines::optional() {
        let session = Session::new(Options::default()).without(&[pass]);
        for (batch, expected) in [1, 37].into_iter().zip(&expected) {
            for (i, (actual, expected)) in step(&session, batch).iter().zip(expected).enumerate() {
                for (a, e) in actual.iter().zip(expected) {
                    assert!(
                        (a - e).abs() <= 1e-5 * (1.0 + e.abs()),
                        "without {pass}: leaf {i}, batch {batch}: {a}, not {e}"
                    );
                }
            }
        }
    }
}
