//! The images of digits in `examples/digits/data`, a fifth of which is held back for tests.

use anyhow::{Context, Result, ensure};
use std::{fs::File, io::BufReader, path::Path};

/// Pixels of an image, row by row, from 0 to 16.
pub const PIXELS: usize = 64;

/// Images one after another, and their digits.
pub struct Digits {
    /// `PIXELS` numbers for each image.
    pub images: Vec<u8>,
    /// One for each image.
    pub labels: Vec<i32>,
}

impl Digits {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The pixels of an image.
    pub fn image(&self, i: usize) -> &[u8] {
        &self.images[i * PIXELS..(i + 1) * PIXELS]
    }

    fn pick(&self, wanted: impl Fn(usize) -> bool) -> Self {
        let which: Vec<usize> = (0..self.len()).filter(|&i| wanted(i)).collect();
        Self {
            images: which.iter().flat_map(|&i| self.image(i)).copied().collect(),
            labels: which.iter().map(|&i| self.labels[i]).collect(),
        }
    }
}

/// The images to train on, and every fifth, which is held back.
pub fn train_and_test() -> Result<(Digits, Digits)> {
    let all = Digits {
        images: read("images.npy")?,
        labels: read("labels.npy")?,
    };
    ensure!(
        all.images.len() == all.len() * PIXELS,
        "images and labels differ in number"
    );
    Ok((all.pick(|i| i % 5 != 0), all.pick(|i| i % 5 == 0)))
}

fn read<T: npyz::Deserialize>(name: &str) -> Result<Vec<T>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../digits/data")
        .join(name);
    let read = || -> Result<Vec<T>> {
        Ok(npyz::NpyFile::new(BufReader::new(File::open(&path)?))?.into_vec()?)
    };
    read().with_context(|| format!("cannot read {}", path.display()))
}

/// The part of predictions that are right.
pub fn accuracy(predicted: &[i32], labels: &[i32]) -> f64 {
    let right = predicted.iter().zip(labels).filter(|(p, l)| p == l).count();
    right as f64 / labels.len() as f64
}
