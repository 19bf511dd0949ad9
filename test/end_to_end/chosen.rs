//! Calls an entry in several threads through its bindings, and prints what the first has if all have the same.

#[path = "bindings.rs"]
mod chosen;

use chosen::{ParamsMut, Workspace};

const N: usize = 40;

/// What two calls write, or why they are refused.
fn calls() -> String {
    let mut text = String::new();
    let mut w: Vec<f32> = (0..24).map(|i| (i % 5) as f32).collect();
    let x: Vec<f32> = (0..N * 6).map(|i| (i % 7) as f32).collect();
    let (mut out, mut rounds, mut workspace) = ([-1.0; 4], 7, Workspace::new());
    for _ in 0..2 {
        let mut p = ParamsMut { w: &mut w, rounds: &mut rounds };
        if let Err(error) = chosen::step(N, &mut p, &x, 2.0, &mut out, &mut workspace) {
            text += &format!("{error}\n");
        }
        text += &format!("{} {} {} {}, {}, {rounds}\n", out[0], out[1], out[2], out[3], w[23]);
    }
    text
}

fn main() {
    let all: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(calls)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(all.iter().all(|one| *one == all[0]), "{all:?}");
    print!("{}", all[0]);
}
