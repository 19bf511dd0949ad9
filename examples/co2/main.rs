//! Trains the forecaster on the years to 1991 and forecasts those after: `co2 [--quick]`.

use anyhow::{Context, Result};
use std::{fs, path::Path};
use support::{
    Run, at_most,
    chart::{Chart, Mark},
};

mod co2 {
    include!(concat!(env!("OUT_DIR"), "/co2.rs"));
}

/// Steps of a call.
const PART: usize = 250;
/// Months that are read, and months that are forecast.
const SEEN: usize = 36;
const AHEAD: usize = 12;
/// Months at the end of the series that no training sees.
const HELD_BACK: usize = 120;

fn main() -> Result<()> {
    let run = Run::begin()?;
    let series = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("data/co2.csv"))?;
    let known = series.len() - HELD_BACK;

    let mut workspace = co2::Workspace::new();
    let mut state = co2::StateBuf::zeros().context("no memory")?;
    co2::init(&[0, 42], &mut state.view_mut(), &mut workspace)?;
    let parts = run.choose(6, 1);
    let mut losses = vec![0.0; parts * PART];
    for (part, losses) in losses.chunks_mut(PART).enumerate() {
        let (key, steps) = ([1, part as u32], (parts * PART) as i32);
        let (state, series) = (&mut state.view_mut(), &series[..known]);
        co2::train(
            known,
            PART,
            state,
            series,
            &key,
            steps,
            losses,
            &mut workspace,
        )?;
    }

    // Forecasts from every month of the years that are held back, as far as the series can tell.
    let starts: Vec<i32> = (known - SEEN..=series.len() - SEEN - AHEAD)
        .map(|i| i as i32)
        .collect();
    let mut forecasts = vec![0.0; starts.len() * AHEAD];
    let model = state.model.view();
    co2::predict(
        series.len(),
        starts.len(),
        &model,
        &series,
        &starts,
        &mut forecasts,
        &mut workspace,
    )?;
    let (mut squares, mut naive) = (0.0, 0.0);
    for (start, forecast) in starts.iter().zip(forecasts.chunks(AHEAD)) {
        let now = *start as usize + SEEN;
        for (i, said) in forecast.iter().enumerate() {
            squares += f64::from(said - series[now + i]).powi(2);
            // As a year before, and as much more as the last month was.
            let rise = series[now - 1] - series[now - 13];
            naive += f64::from(series[now + i - 12] + rise - series[now + i]).powi(2);
        }
    }
    let root = |sum: f64| (sum / forecasts.len() as f64).sqrt();

    println!(
        "{} steps, mean squared error of the last {:.3}",
        losses.len(),
        losses[losses.len() - 1]
    );
    println!(
        "{} forecasts; as the year before and its rise: {:.3} ppm",
        starts.len(),
        root(naive)
    );
    run.end();
    if run.draws() {
        let year = |month: usize| 1958.0 + (month as f64 + 2.0) / 12.0;
        let shown = known - SEEN..series.len();
        let mut chart = Chart::new("Carbon dioxide at Mauna Loa", ["year", "parts per million"])
            .legend_below()
            .with(
                "measured",
                Mark::Line,
                shown.map(|i| (year(i), series[i].into())),
            );
        let mut years = vec![];
        for (start, forecast) in starts.iter().zip(forecasts.chunks(AHEAD)).step_by(AHEAD) {
            let now = *start as usize + SEEN;
            years.extend(
                forecast
                    .iter()
                    .enumerate()
                    .map(|(i, said)| (year(now + i), f64::from(*said))),
            );
        }
        chart = chart.with("said a year ahead, each January", Mark::Dots, years);
        chart.write("co2")?;
    }
    at_most(
        "root mean squared error of a year's forecast, ppm",
        root(squares),
        run.choose(0.7, 0.8),
    )
}

/// The second column of a table.
fn read(path: &Path) -> Result<Vec<f32>> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let value = |line: &str| {
        let (_, value) = line
            .split_once(',')
            .with_context(|| format!("`{line}` has one column"))?;
        Ok(value.parse()?)
    };
    text.lines().skip(1).map(value).collect()
}
