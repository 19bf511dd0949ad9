//! Trains the model of test/models/mlp.dl through its generated bindings: `mlp INPUTS BATCH STEPS`. Prints what
//! `mlp.c` prints.

#[path = "bindings.rs"]
mod mlp;

use mlp::{ParamsBuf, Workspace};

/// Numbers of four bytes, taken from the front.
fn take<T>(bytes: &mut &[u8], count: usize, from: fn([u8; 4]) -> T) -> Vec<T> {
    let (front, rest) = bytes.split_at(count * 4);
    *bytes = rest;
    let words = front.chunks_exact(4).map(|word| from([word[0], word[1], word[2], word[3]]));
    words.collect()
}

fn main() {
    let args = std::env::args().collect::<Vec<_>>();
    let batch = args[2].parse::<usize>().expect("the batch is a number");
    let steps = args[3].parse::<usize>().expect("the steps are a number");
    let file = std::fs::read(&args[1]).expect("the inputs can be read");
    let mut bytes = file.as_slice();
    let mut params = ParamsBuf {
        w1: take(&mut bytes, 16 * 24, f32::from_le_bytes),
        b1: take(&mut bytes, 24, f32::from_le_bytes),
        w2: take(&mut bytes, 24 * 10, f32::from_le_bytes),
        b2: take(&mut bytes, 10, f32::from_le_bytes),
    };
    let x = take(&mut bytes, batch * 16, f32::from_le_bytes);
    let labels = take(&mut bytes, batch, i32::from_le_bytes);
    let mut workspace = Workspace::new();

    // Dims outside their range and slices of a wrong length are errors, not calls.
    let many = mlp::train_step(65, &mut params.view_mut(), &x, &labels, 0.1, &mut workspace);
    many.expect_err("65 is outside 1..=64");
    let short = mlp::train_step(batch, &mut params.view_mut(), &x[1..], &labels, 0.1, &mut workspace);
    let message = short.expect_err("x is too short").to_string();
    assert!(message.starts_with("DL1003 train_step: x has "), "{message}");

    for _ in 0..steps {
        let loss = mlp::train_step(batch, &mut params.view_mut(), &x, &labels, 0.1, &mut workspace);
        println!("{:?}", loss.expect("a step runs"));
    }
    let mut predictions = vec![0; batch];
    mlp::predict(batch, &params.view(), &x, &mut predictions, &mut workspace).expect("it predicts");
    for part in [&params.w1, &params.b1, &params.w2, &params.b2] {
        part.iter().for_each(|value| println!("{value:?}"));
    }
    predictions.iter().for_each(|value| println!("{value}"));
}
