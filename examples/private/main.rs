//! Trains a classifier privately: `private [--quick]`.

use anyhow::{Context, Result};
use support::{Run, at_least, at_most, chart::Chart, digits};

mod private {
    include!(concat!(env!("OUT_DIR"), "/private.rs"));
}

const DELTA: f64 = 1e-5;

fn main() -> Result<()> {
    let run = Run::begin()?;
    let (train, test) = digits::train_and_test()?;
    let steps = run.choose(100, 25);
    // Noise that gives away as much in the quick run.
    let spread: f64 = run.choose(11.0, 5.5);

    let mut workspace = private::Workspace::new();
    let mut model = private::ModelBuf::zeros().context("no memory")?;
    private::init(&[0, 42], &mut model.view_mut(), &mut workspace)?;
    let mut predicted = vec![0; test.len()];
    let mut accuracies = vec![];
    for step in 0..steps {
        private::train_step(
            train.len(),
            &mut model.view_mut(),
            &train.images,
            &train.labels,
            &[1, step],
            spread as f32,
            &mut workspace,
        )?;
        private::predict(
            test.len(),
            &model.view(),
            &test.images,
            &mut predicted,
            &mut workspace,
        )?;
        accuracies.push(digits::accuracy(&predicted, &test.labels));
    }
    let epsilon = private::epsilon(spread, steps as i32, DELTA, &mut workspace)?;
    println!(
        "{steps} steps over {} examples, noise {spread}",
        train.len()
    );
    run.end();
    if run.draws() {
        Chart::new(
            "Private training: accuracy on held-back digits",
            ["step", "accuracy"],
        )
        .curve("accuracy", &accuracies)
        .write("private")?;
    }
    at_most(&format!("epsilon at delta = {DELTA}"), epsilon, 4.0)?;
    at_least(
        "test accuracy",
        accuracies[accuracies.len() - 1],
        run.choose(0.92, 0.8),
    )
}
