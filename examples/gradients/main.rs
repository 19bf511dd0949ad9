//! Trains a classifier and explains what it sees in one digit: `gradients [--quick]`.

use anyhow::{Context, Result};
use support::{Run, at_least, at_most, chart, digits};

mod gradients {
    include!(concat!(env!("OUT_DIR"), "/gradients.rs"));
}

const BATCH: usize = 32;
/// Which of the held-back images is explained.
const IMAGE: usize = 22;

fn main() -> Result<()> {
    let run = Run::begin()?;
    let (train, test) = digits::train_and_test()?;
    let epochs = run.choose(60, 8);
    let steps = epochs * (train.len() / BATCH);

    let mut workspace = gradients::Workspace::new();
    let mut state = gradients::StateBuf::zeros().context("no memory")?;
    gradients::init(&[0, 42], &mut state.view_mut(), &mut workspace)?;
    for epoch in 0..epochs {
        let key = [1, epoch as u32];
        gradients::train_epoch(
            train.len(),
            &mut state.view_mut(),
            &train.images,
            &train.labels,
            &key,
            steps as i32,
            &mut workspace,
        )?;
    }
    let model = state.model.view();
    let mut predicted = vec![0; test.len()];
    gradients::predict(
        test.len(),
        &model,
        &test.images,
        &mut predicted,
        &mut workspace,
    )?;

    let (image, digit) = (test.image(IMAGE), predicted[IMAGE]);
    let (mut parts, mut whole) = (vec![0.0; digits::PIXELS], 0.0);
    gradients::attribute(
        &model,
        image,
        digit,
        256,
        (&mut parts, &mut whole),
        &mut workspace,
    )?;
    let sum: f32 = parts.iter().sum();
    println!(
        "image {IMAGE} is a {}, seen as a {digit}",
        test.labels[IMAGE]
    );
    println!("pixels add up to {sum:.5}, the score rises by {whole:.5}");
    run.end();
    if run.draws() {
        let shown: Vec<f64> = image.iter().map(|p| f64::from(*p) / 16.0).collect();
        let most = parts.iter().fold(0.0f32, |most, p| most.max(p.abs()));
        let parts: Vec<f64> = parts.iter().map(|p| f64::from(p / most)).collect();
        chart::images("gradients", 8, 2, &[&shown, &parts])?;
    }
    at_least(
        "test accuracy",
        digits::accuracy(&predicted, &test.labels),
        run.choose(0.96, 0.9),
    )?;
    at_most(
        "sum of the pixels less the rise",
        (sum - whole).abs().into(),
        1e-3,
    )
}
