//! Trains the policy and plays episodes that it has not learnt from: `cartpole [--quick]`.

use anyhow::{Context, Result};
use support::{Run, at_least, chart::Chart};

mod cartpole {
    include!(concat!(env!("OUT_DIR"), "/cartpole.rs"));
}

const EPISODES: usize = 64;

fn main() -> Result<()> {
    let run = Run::begin()?;
    let mut workspace = cartpole::Workspace::new();
    let mut state = cartpole::StateBuf::zeros().context("no memory")?;
    cartpole::init(&[0, 42], &mut state.view_mut(), &mut workspace)?;
    let mut lengths = vec![];
    for step in 0..run.choose(150, 40) {
        let key = [1, step];
        let length = cartpole::train_step(EPISODES, &mut state.view_mut(), &key, &mut workspace)?;
        lengths.push(f64::from(length));
    }
    let policy = state.policy.view();
    let length = cartpole::evaluate(1000, &policy, &[2, 0], &mut workspace)?;
    println!(
        "{} episodes played; the first ended after {:.1} steps",
        lengths.len() * EPISODES,
        lengths[0]
    );
    run.end();
    if run.draws() {
        Chart::new(
            "Cart-pole: mean length of the episodes",
            ["batch of 64 episodes", "time steps"],
        )
        .curve("length", &lengths)
        .write("cartpole")?;
    }
    at_least(
        "mean length of 1,000 new episodes",
        length.into(),
        run.choose(195.0, 100.0),
    )
}
