//! Trains LeNet on the digits: `lenet [--quick]`.

use anyhow::{Context, Result};
use support::{Run, at_least, chart::Chart, digits};

mod lenet {
    include!(concat!(env!("OUT_DIR"), "/lenet.rs"));
}

const BATCH: usize = 32;

fn main() -> Result<()> {
    let run = Run::begin()?;
    let (train, test) = digits::train_and_test()?;
    let epochs = run.choose(40, 8);
    let steps = epochs as usize * (train.len() / BATCH);

    let mut workspace = lenet::Workspace::new();
    let mut state = lenet::StateBuf::zeros().context("no memory")?;
    lenet::init(&[0, 42], &mut state.view_mut(), &mut workspace)?;
    let mut losses = vec![];
    for epoch in 0..epochs {
        let key = [1, epoch];
        let loss = lenet::train_epoch(
            train.len(),
            &mut state.view_mut(),
            &train.images,
            &train.labels,
            &key,
            steps as i32,
            &mut workspace,
        )?;
        losses.push(f64::from(loss));
    }

    let mut predicted = vec![0; test.len()];
    let model = state.model.view();
    lenet::predict(
        test.len(),
        &model,
        &test.images,
        &mut predicted,
        &mut workspace,
    )?;
    println!(
        "{steps} steps in {epochs} epochs, mean loss of the last {:.4}",
        losses[losses.len() - 1]
    );
    run.end();
    if run.draws() {
        Chart::new("LeNet: mean training loss", ["epoch", "cross-entropy"])
            .log()
            .curve("loss", &losses)
            .write("lenet")?;
    }
    let accuracy = digits::accuracy(&predicted, &test.labels);
    at_least("test accuracy", accuracy, run.choose(0.98, 0.9))
}
