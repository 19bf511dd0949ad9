//! Trains the autoencoder and draws digits that it makes up: `vae [--quick]`.

use anyhow::{Context, Result};
use support::{Run, at_most, chart, digits};

mod vae {
    include!(concat!(env!("OUT_DIR"), "/vae.rs"));
}

const BATCH: usize = 64;
/// Digits in a row of the picture.
const COLUMNS: usize = 5;

fn main() -> Result<()> {
    let run = Run::begin()?;
    let (train, test) = digits::train_and_test()?;
    let epochs = run.choose(200, 15);
    let steps = epochs * (train.len() / BATCH);

    let mut workspace = vae::Workspace::new();
    let mut state = vae::StateBuf::zeros().context("no memory")?;
    vae::init(&[0, 42], &mut state.view_mut(), &mut workspace)?;
    let mut loss = 0.0;
    for epoch in 0..epochs {
        let key = [1, epoch as u32];
        loss = vae::train_epoch(
            train.len(),
            &mut state.view_mut(),
            &train.images,
            &key,
            steps as i32,
            &mut workspace,
        )?;
    }
    let trained = state.vae.view();
    let bound = vae::evaluate(test.len(), &trained, &test.images, &[2, 0], &mut workspace)?;

    println!("{steps} steps in {epochs} epochs, mean loss of the last {loss:.3} nats");
    run.end();
    if run.draws() {
        let (given, made) = (COLUMNS, COLUMNS);
        let some: Vec<u8> = (0..given)
            .flat_map(|i| test.image(11 * i))
            .copied()
            .collect();
        let mut seen = vec![0.0; some.len()];
        vae::reconstruct(given, &trained, &some, &mut seen, &mut workspace)?;
        let mut new = vec![0.0; made * digits::PIXELS];
        vae::sample(made, &trained.decoder, &[3, 0], &mut new, &mut workspace)?;
        let all: Vec<f64> = some
            .iter()
            .map(|p| f64::from(*p) / 16.0)
            .chain(seen.iter().chain(&new).map(|p| f64::from(*p)))
            .collect();
        let images: Vec<&[f64]> = all.chunks(digits::PIXELS).collect();
        chart::images("vae", 8, COLUMNS, &images)?;
    }
    at_most(
        "negative ELBO of the held-back images, nats",
        bound.into(),
        run.choose(24.6, 26.5),
    )
}
