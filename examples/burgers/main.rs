//! Trains the network and compares it with the exact solution: `burgers [--quick]`.

use anyhow::{Context, Result};
use support::{
    Run, at_most,
    chart::{Chart, Mark},
};

mod burgers {
    include!(concat!(env!("OUT_DIR"), "/burgers.rs"));
}

/// Steps of a call.
const PART: usize = 500;
/// Points along each axis at which the solutions are compared.
const GRID: usize = 101;

fn main() -> Result<()> {
    let run = Run::begin()?;
    let mut workspace = burgers::Workspace::new();
    let mut state = burgers::StateBuf::zeros().context("no memory")?;
    burgers::init(&[0, 42], &mut state.view_mut(), &mut workspace)?;
    let parts = run.choose(12, 2);
    let mut losses = vec![0.0; parts * PART];
    for (part, losses) in losses.chunks_mut(PART).enumerate() {
        let (key, steps) = ([1, part as u32], (parts * PART) as i32);
        burgers::train(
            PART,
            &mut state.view_mut(),
            &key,
            steps,
            losses,
            &mut workspace,
        )?;
    }

    let place = |i: usize| i as f64 / (GRID - 1) as f64;
    let t: Vec<f64> = (0..GRID * GRID).map(|i| place(i / GRID)).collect();
    let x: Vec<f64> = (0..GRID * GRID)
        .map(|i| 2.0 * place(i % GRID) - 1.0)
        .collect();
    let mut exact = vec![0.0; t.len()];
    burgers::exact(t.len(), &t, &x, &mut exact, &mut workspace)?;
    let single = |values: &[f64]| values.iter().map(|v| *v as f32).collect::<Vec<_>>();
    let mut found = vec![0.0; t.len()];
    let net = state.net.view();
    burgers::solution(
        t.len(),
        &net,
        &single(&t),
        &single(&x),
        &mut found,
        &mut workspace,
    )?;

    println!(
        "{} steps, loss of the last {:.2e}",
        losses.len(),
        losses[losses.len() - 1]
    );
    run.end();
    if run.draws() {
        let times = [
            (0, "t = 0"),
            (GRID / 4, "t = 0.25"),
            (GRID / 2, "t = 0.5"),
            (GRID - 1, "t = 1"),
        ];
        let row = |row: usize| (row * GRID..(row + 1) * GRID).step_by(2);
        let mut chart = Chart::new("Burgers' equation", ["x", "u"]);
        for (at, name) in times {
            let points = row(at).map(|i| (x[i], f64::from(found[i])));
            chart = chart.with(name, Mark::Line, points);
        }
        let dots = times.iter().flat_map(|(at, _)| row(*at).step_by(2));
        chart = chart.with("exact", Mark::Dots, dots.map(|i| (x[i], exact[i])));
        chart.write("burgers")?;
    }
    let squares = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let difference = squares(&mut found.iter().zip(&exact).map(|(f, e)| f64::from(*f) - e));
    let error = difference / squares(&mut exact.iter().copied());
    at_most("relative L2 error", error, run.choose(0.01, 0.2))
}
