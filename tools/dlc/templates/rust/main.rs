//! Trains the network of spiral.dl on points that it makes, and prints the loss as it falls.

use std::error::Error;

/// What `dlc_build` made of the model: safe functions for the exports, and structs for the trees.
mod spiral {
    include!(concat!(env!("OUT_DIR"), "/spiral.rs"));
}

const ARMS: usize = 3;
const POINTS: usize = 100 * ARMS;
const STEPS: usize = 500;

/// Points on the arms of a spiral, and the arm of each.
fn make_spiral() -> (Vec<f32>, Vec<i32>) {
    let (mut points, mut arms) = (Vec::new(), Vec::new());
    for i in 0..POINTS {
        let radius = (i / ARMS + 1) as f64 / (POINTS / ARMS) as f64;
        let arm = i % ARMS;
        let angle = 4.0 * radius + 2.0 * std::f64::consts::PI / ARMS as f64 * arm as f64;
        points.push((radius * angle.cos()) as f32);
        points.push((radius * angle.sin()) as f32);
        arms.push(arm as i32);
    }
    (points, arms)
}

fn main() -> Result<(), Box<dyn Error>> {
    let (points, arms) = make_spiral();
    let mut library = spiral::Library::new()?;
    let mut state = spiral::StateBuf::zeros().ok_or("no memory")?;
    library.init(&[0, 42], &mut state.view_mut())?;

    for i in 0..=STEPS {
        let loss = library.train_step(&mut state.view_mut(), &points, &arms, 0.02)?;
        if i % 100 == 0 {
            println!("step {i:3}  loss {loss:.4}");
        }
    }

    let mut predicted = vec![0; POINTS];
    library.predict(&state.params.view(), &points, &mut predicted)?;
    let right = predicted.iter().zip(&arms).filter(|(p, a)| p == a).count();
    println!("{right} of {POINTS} points are told right");
    Ok(())
}
