//! Trains the transformer on the language reference and the standard library, then lets it write: `gpt [--quick]`.

use anyhow::{Context, Result};
use std::{f64::consts::LN_2, fs, path::Path};
use support::{Run, at_most, chart::Chart};

mod gpt {
    include!(concat!(env!("OUT_DIR"), "/gpt.rs"));
}

/// Steps of a call.
const PART: usize = 20;
/// Bytes that are read at once.
const CONTEXT: usize = 256;
/// Of every ten blocks of so many bytes, one is held back.
const BLOCK: usize = 2048;
const PROMPT: &str = "/// The mean of";

fn main() -> Result<()> {
    let run = Run::begin()?;
    let (train, test) = texts()?;
    println!(
        "{} bytes of text, {} of them held back",
        train.len() + test.len(),
        test.len()
    );

    let mut workspace = gpt::Workspace::new();
    let mut state = gpt::StateBuf::zeros().context("no memory")?;
    gpt::init(&[0, 42], &mut state.view_mut(), &mut workspace)?;
    let parts = run.choose(25, 1);
    let mut losses = vec![0.0; parts * PART];
    for (part, losses) in losses.chunks_mut(PART).enumerate() {
        let (key, steps) = ([1, part as u32], (parts * PART) as i32);
        let state = &mut state.view_mut();
        gpt::train(
            train.len(),
            PART,
            state,
            &train,
            &key,
            steps,
            losses,
            &mut workspace,
        )?;
    }
    let model = state.model.view();
    let loss = gpt::evaluate(test.len(), &model, &test, &mut workspace)?;

    let bits: Vec<f64> = losses.iter().map(|loss| f64::from(*loss) / LN_2).collect();
    println!(
        "{} steps, {:.3} bits a byte in the last",
        bits.len(),
        bits[bits.len() - 1]
    );
    if run.draws() {
        Chart::new("Transformer: training loss", ["step", "bits a byte"])
            .curve("loss", &bits)
            .write("gpt")?;
        let mut text = vec![0; CONTEXT];
        gpt::write(
            PROMPT.len(),
            &model,
            PROMPT.as_bytes(),
            &[2, 0],
            0.6,
            &mut text,
            &mut workspace,
        )?;
        println!("---\n{}\n---", String::from_utf8_lossy(&text));
    }
    run.end();
    at_most(
        "bits a byte of the text held back",
        f64::from(loss) / LN_2,
        run.choose(2.4, 5.6),
    )
}

/// The text to train on, and the text held back.
fn texts() -> Result<(Vec<u8>, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = vec![];
    for folder in ["docs/src", "frontend/std"] {
        let path = root.join(folder);
        let entries =
            fs::read_dir(&path).with_context(|| format!("cannot read {}", path.display()))?;
        for entry in entries {
            files.push(entry?.path());
        }
    }
    // Tables are written by scripts, and too easy to go on with.
    files.retain(|file| !file.to_string_lossy().ends_with("-table.md"));
    files.sort();
    let (mut train, mut test) = (vec![], vec![]);
    let text = files
        .iter()
        .map(fs::read)
        .collect::<Result<Vec<_>, _>>()?
        .concat();
    for (i, block) in text.chunks(BLOCK).enumerate() {
        let part = if i % 10 == 9 { &mut test } else { &mut train };
        part.extend_from_slice(block);
    }
    Ok((train, test))
}
