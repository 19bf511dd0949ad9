//! How long it takes to check a program, start-up of the process left out: `cargo xtask bench --check`.
//!
//! - `2000 lines`: a transformer with its loss and training step (`test/models/transformer.dl`) again and again under
//!   other names, as a file of many models.
//! - `10000 lines in a function`: one `let` a line.
//! - `inspect`: the first of these for the language server, which keeps what is seen.

mod models;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dlc_frontend::modules::NoFiles;
use dlc_frontend::source::Source;
use dlc_frontend::{check, inspect};
use models::models;

/// A function of `lines` lines, each of which uses the one before.
fn long_function(lines: usize) -> String {
    let mut text = String::from("export fn f<B>(x0: f32[B, 8]) -> f32[B, 8] {\n");
    for line in 1..lines - 2 {
        text += &format!("  let x{line} = tanh(x{}) * 0.5 + x0\n", line - 1);
    }
    text + &format!("  x{}\n}}\n", lines - 3)
}

fn time(criterion: &mut Criterion, name: &str, text: &str) {
    let lines = text.lines().count();
    let mut group = criterion.benchmark_group("check");
    group.sample_size(20);
    group.throughput(Throughput::Elements(lines as u64));
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            let checked = check(Source::new("bench.dl", text), &NoFiles);
            assert!(checked.program.is_some(), "{:?}", checked.diagnostics);
            checked
        });
    });
    group.finish();
}

/// What the language server waits for after an edit, and looking up what is at a place then.
fn inspected(criterion: &mut Criterion, text: &str) {
    let look = || inspect(Source::new("bench.dl", text), &NoFiles);
    let mut group = criterion.benchmark_group("inspect");
    group.sample_size(20);
    group.bench_function("2000 lines", |bencher| bencher.iter(look));
    let all = look();
    let places: Vec<u32> = (0..text.len() as u32).step_by(997).collect();
    group.bench_function("names at places", |bencher| {
        bencher.iter(|| {
            let found = places.iter().filter_map(|at| all.names.at(0, *at));
            found.filter_map(|one| all.seen.type_at(one.span)).count()
        });
    });
    group.finish();
}

fn programs(criterion: &mut Criterion) {
    inspected(criterion, &models(2000));
    time(criterion, "2000 lines", &models(2000));
    time(
        criterion,
        "10000 lines in a function",
        &long_function(10_000),
    );
}

criterion_group!(benches, programs);
criterion_main!(benches);
