//! Trains both networks and judges what the one makes: `gan [--quick]`.

use anyhow::{Context, Result};
use support::{
    Run, at_least,
    chart::{Chart, Mark},
};

mod gan {
    include!(concat!(env!("OUT_DIR"), "/gan.rs"));
}

/// Rounds of a call.
const PART: usize = 500;
/// Points that are judged.
const POINTS: usize = 10_000;
/// Points in the picture.
const SHOWN: usize = 300;

fn main() -> Result<()> {
    let run = Run::begin()?;
    let mut workspace = gan::Workspace::new();
    let mut state = gan::StateBuf::zeros().context("no memory")?;
    gan::init(&[0, 42], &mut state.view_mut(), &mut workspace)?;
    let parts = run.choose(10, 2);
    let mut losses = vec![0.0; parts * PART];
    for (part, losses) in losses.chunks_mut(PART).enumerate() {
        let (key, steps) = ([1, part as u32], (parts * PART) as i32);
        gan::train(
            PART,
            &mut state.view_mut(),
            &key,
            steps,
            losses,
            &mut workspace,
        )?;
    }
    let mut points = vec![0.0; 2 * POINTS];
    gan::sample(
        POINTS,
        &state.average.view(),
        &[2, 0],
        &mut points,
        &mut workspace,
    )?;
    let (mut good, mut shares) = (0.0, vec![0.0; 8]);
    gan::judge(POINTS, &points, (&mut good, &mut shares), &mut workspace)?;

    println!(
        "{} rounds, critic's loss in the last {:.4}",
        losses.len(),
        losses[losses.len() - 1]
    );
    println!("parts of the eight modes: {shares:.3?}");
    run.end();
    if run.draws() {
        let shown = points[..2 * SHOWN]
            .chunks(2)
            .map(|p| (p[0].into(), p[1].into()));
        Chart::new("What the network makes of noise", ["x", "y"])
            .square()
            .with("made", Mark::Dots, shown)
            .write("gan")?;
    }
    let least = shares.iter().copied().fold(f32::INFINITY, f32::min);
    at_least(
        "least part of a mode (1/8 would be even)",
        least.into(),
        run.choose(0.1, 0.0),
    )?;
    at_least(
        "points within 3 standard deviations of a mode",
        good.into(),
        run.choose(0.95, 0.5),
    )
}
