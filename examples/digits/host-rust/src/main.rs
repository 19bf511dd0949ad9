//! Trains the compiled classifier on the digits and writes the loss curve: `digits DATA_DIR SVG [LOSSES]`.
//!
//! A fifth of the images is held back for the test. The order of the samples is that of the hosts in other languages, so that
//! all print the same. LOSSES gets a line for each epoch, the bits of its mean loss.

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use ndarray::{Array1, Array2, Axis};
use plotters::prelude::*;
use std::{env, fs::File, io::BufReader, path::Path, time::Instant};

mod digits {
    include!(concat!(env!("OUT_DIR"), "/digits.rs"));
}

const PIXELS: usize = 64;
const BATCH: usize = 32;
const EPOCHS: usize = 60;
const LEARNING_RATE: f32 = 1e-3;
const KEY: [u32; 2] = [0, 42];

/// Images, a row each, and their digits.
struct Samples {
    images: Array2<u8>,
    labels: Array1<i32>,
}

impl Samples {
    fn read(folder: &Path) -> Result<Self> {
        let images = read_npy(&folder.join("images.npy"))?;
        let labels = Array1::from_vec(read_npy(&folder.join("labels.npy"))?);
        let images = Array2::from_shape_vec((labels.len(), PIXELS), images);
        let images = images
            .with_context(|| format!("{}: images and labels differ in number", folder.display()))?;
        Ok(Self { images, labels })
    }

    fn pick(&self, which: &[usize]) -> Self {
        Self {
            images: self.images.select(Axis(0), which),
            labels: self.labels.select(Axis(0), which),
        }
    }
}

fn read_npy<T: npyz::Deserialize>(path: &Path) -> Result<Vec<T>> {
    let open = || -> Result<Vec<T>> {
        Ok(npyz::NpyFile::new(BufReader::new(File::open(path)?))?.into_vec()?)
    };
    open().with_context(|| format!("cannot read {}", path.display()))
}

/// Knuth's MMIX generator; the high bits are the good ones.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        ((self.0 >> 33) % n as u64) as usize
    }

    fn shuffle(&mut self, items: &mut [usize]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

fn main() -> Result<()> {
    let args = env::args().collect::<Vec<_>>();
    let [_, data, svg, losses_file @ ..] = args.as_slice() else {
        bail!("usage: digits DATA_DIR SVG [LOSSES]");
    };
    let samples = Samples::read(Path::new(data))?;
    let (test, mut train): (Vec<usize>, Vec<usize>) =
        (0..samples.labels.len()).partition(|i| i % 5 == 0);

    let mut model = digits::Library::new()?;
    let mut state = digits::StateBuf::zeros().context("the state does not fit into memory")?;
    model.init(&KEY, &mut state.view_mut())?;

    let start = Instant::now();
    let (steps, losses) = fit(&samples, &mut train, &mut state, &mut model)?;
    let seconds = start.elapsed().as_secs_f64();

    let held_back = samples.pick(&test);
    let mut predicted = Array1::zeros(test.len());
    model.predict(&state.params.view(), &held_back.images, &mut predicted)?;
    let right = predicted
        .iter()
        .zip(&held_back.labels)
        .filter(|(p, l)| p == l)
        .count();

    draw(&losses, Path::new(svg))?;
    println!(
        "Rust: {steps} steps in {seconds:.2} s ({:.1} us a step, batch {BATCH})",
        seconds / steps as f64 * 1e6
    );
    println!(
        "Rust: mean loss of the last epoch {:.6}, test accuracy {:.4} ({right} of {})",
        losses.last().copied().unwrap_or(f64::NAN),
        right as f64 / test.len() as f64,
        test.len()
    );
    println!("loss curve: {svg}");
    if let [path] = losses_file {
        let bits = losses
            .iter()
            .map(|loss| format!("{:016x}\n", loss.to_bits()));
        std::fs::write(path, bits.collect::<String>())?;
    }
    Ok(())
}

/// Trains for all epochs; the number of steps and each epoch's mean loss.
fn fit(
    samples: &Samples,
    train: &mut [usize],
    state: &mut digits::StateBuf,
    model: &mut digits::Library,
) -> Result<(usize, Vec<f64>)> {
    let mut random = Random(1);
    let mut losses = vec![];
    let mut steps = 0;
    let bar = ProgressBar::new((EPOCHS * train.len().div_ceil(BATCH)) as u64);
    bar.set_style(ProgressStyle::with_template(
        "training {bar:40} {pos}/{len} steps, loss {msg}",
    )?);
    for _ in 0..EPOCHS {
        random.shuffle(train);
        let mut sum = 0.0;
        for which in train.chunks(BATCH) {
            let batch = samples.pick(which);
            let loss = model.train_step(
                &mut state.view_mut(),
                &batch.images,
                &batch.labels,
                LEARNING_RATE,
            )?;
            sum += f64::from(loss) * which.len() as f64;
            steps += 1;
            bar.inc(1);
        }
        losses.push(sum / train.len() as f64);
        bar.set_message(format!("{:.4}", losses[losses.len() - 1]));
    }
    bar.finish_and_clear();
    Ok((steps, losses))
}

/// The mean loss of each epoch on a logarithmic scale.
fn draw(losses: &[f64], path: &Path) -> Result<()> {
    let least = losses.iter().copied().fold(f64::INFINITY, f64::min) / 1.5;
    let most = losses.iter().copied().fold(0.0, f64::max) * 1.5;
    let area = SVGBackend::new(path, (720, 420)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption("Digits: mean training loss", ("sans-serif", 20))
        .margin(16)
        .x_label_area_size(36)
        .y_label_area_size(56)
        .build_cartesian_2d(1..losses.len(), (least..most).log_scale())?;
    chart
        .configure_mesh()
        .x_desc("epoch")
        .y_desc("cross-entropy")
        .y_label_formatter(&|y| format!("{y:.3}"))
        .draw()?;
    chart.draw_series(LineSeries::new(
        losses.iter().enumerate().map(|(i, l)| (i + 1, *l)),
        &BLUE,
    ))?;
    area.present()?;
    Ok(())
}
