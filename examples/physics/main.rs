//! Steers the probe to its target and draws its path: `physics [--quick]`.

use anyhow::{Context, Result};
use support::{
    Run, at_most,
    chart::{Chart, Mark},
};

mod physics {
    include!(concat!(env!("OUT_DIR"), "/physics.rs"));
}

const STEPS: usize = 1000;
const TARGET: [f64; 2] = [2.0, 1.5];
const LEARNING_RATE: f32 = 2e-2;

fn main() -> Result<()> {
    let run = Run::begin()?;
    let mut workspace = physics::Workspace::new();
    let mut state = physics::StateBuf::zeros().context("no memory")?;
    physics::init(&mut state.view_mut(), &mut workspace)?;

    let mut before = vec![0.0; 2 * STEPS];
    physics::path(&state.plan.view(), &mut before, &mut workspace)?;
    let mut distances = vec![0.0; run.choose(400, 200)];
    physics::improve(
        distances.len(),
        &mut state.view_mut(),
        &TARGET,
        LEARNING_RATE,
        &mut distances,
        &mut workspace,
    )?;
    let mut after = vec![0.0; 2 * STEPS];
    physics::path(&state.plan.view(), &mut after, &mut workspace)?;

    println!(
        "{} gradients through {STEPS} time steps; distance at first {:.4}",
        distances.len(),
        distances[0]
    );
    run.end();
    if run.draws() {
        let line = |path: &[f64]| {
            path.chunks(2)
                .step_by(5)
                .map(|p| (p[0], p[1]))
                .collect::<Vec<_>>()
        };
        Chart::new("The probe's path", ["x", "y"])
            .square()
            .legend_below()
            .with("without thrust", Mark::Line, line(&before))
            .with("steered", Mark::Line, line(&after))
            .with("target", Mark::Dots, [(TARGET[0], TARGET[1])])
            .with("planet", Mark::Dots, [(0.0, 0.0)])
            .write("physics")?;
    }
    let end = [after[2 * STEPS - 2], after[2 * STEPS - 1]];
    let distance = (end[0] - TARGET[0]).hypot(end[1] - TARGET[1]);
    at_most("distance from the target", distance, run.choose(1e-3, 1e-2))
}
