//! Faults planted in products by `wgmma`: each is found by the interpreter or in the result.

use std::sync::LazyLock;

use dlc_ptx::FaultKind;

use super::Case;
use crate::tools::ptx;

/// What a planted fault does to results when the interpreter sees nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Fault(FaultKind),
    WrongResult,
}

use Found::{Fault, WrongResult};

/// PTX of a product.
static TEXT: LazyLock<String> = LazyLock::new(|| ptx(&case().module(), "sm_90a"));

/// A product whose stages are used several times, for several tiles of one block.
fn case() -> Case {
    Case {
        blocks: 1,
        ..Case::new([1, 130, 200, 330])
    }
}

/// What is found wrong in a text with some seed of a few.
fn found(text: &str) -> Option<Found> {
    (0..4).find_map(|seed| match case().run(text, seed) {
        Ok(None) => None,
        Ok(Some(_)) => Some(WrongResult),
        Err(fault) => Some(Fault(fault.kind)),
    })
}

/// Changes the line of a number among those that have a part; checks what is then found.
#[track_caller]
fn check(part: &str, which: usize, change: impl Fn(&str) -> String, expected: Found) {
    let lines: Vec<_> = TEXT.lines().collect();
    let at = (0..lines.len()).filter(|at| lines[*at].contains(part));
    let Some(at) = at.into_iter().nth(which) else {
        panic!("{part}, number {which}, is not in\n{}", *TEXT);
    };
    let line = change(lines[at]);
    assert_ne!(line, lines[at]);
    let text = [&lines[..at], &[line.as_str()], &lines[at + 1..]].concat();
    let found = found(&text.join("\n"));
    assert_eq!(found, Some(expected), "{} changed to {line}", lines[at]);
}

/// Leaves a line out.
fn out(_: &str) -> String {
    String::new()
}

/// Another operand at a place of a line.
fn operand(at: usize, operand: &str) -> impl Fn(&str) -> String {
    move |line| {
        let line = line.trim().trim_end_matches(';');
        let mut operands: Vec<_> = line.split(", ").collect();
        operands[at] = operand;
        format!("{};", operands.join(", "))
    }
}

#[test]
fn the_product_itself_is_right() {
    assert_eq!(found(&TEXT), None);
}

#[test]
fn a_wrong_parity() {
    let wait = "mbarrier.try_wait";
    // The thread that loads goes twice through the ring; the warpgroups that multiply do not wait the second time.
    check(wait, 0, operand(2, "1"), Fault(FaultKind::Barrier));
    check(wait, 1, operand(2, "0"), Fault(FaultKind::Pending));
}

#[test]
fn a_stage_that_is_not_released_or_too_early() {
    let arrive = "mbarrier.arrive.shared";
    check(arrive, 0, out, Fault(FaultKind::Deadlock));
    check(arrive, 1, out, Fault(FaultKind::Deadlock));
    let wait = "wgmma.wait_group";
    let later = |line: &str| line.replace("1;", "2;");
    check(wait, 0, later, Fault(FaultKind::Pending));
}

#[test]
fn other_counts_of_barriers() {
    let init = "mbarrier.init";
    check(init, 0, operand(1, "2"), Fault(FaultKind::Deadlock));
    check(init, 1, operand(1, "1"), Fault(FaultKind::Deadlock));
    let expect = "arrive.expect_tx";
    check(expect, 0, operand(2, "16384"), Fault(FaultKind::Pending));
}

#[test]
fn a_broken_swizzle() {
    // Descriptors that speak of another: that of A, then that of B.
    let other = |line: &str| {
        let (before, number) = line.rsplit_once(' ').unwrap();
        let number: u64 = number.trim_end_matches(';').parse().unwrap();
        format!("{before} {};", number ^ 3 << 62)
    };
    check(", 46116862933", 0, other, WrongResult);
    check(", 46116862933", 1, other, Fault(FaultKind::Pending));
    // Results that are put together without.
    let or = |line: &str| line.replace("xor.b32", "or.b32");
    check("xor.b32", 1, or, Fault(FaultKind::Uninitialised));
    let transposed = |line: &str| line.replace("x4.", "x4.trans.");
    check("stmatrix", 1, transposed, WrongResult);
}

#[test]
fn missing_fences_and_groups() {
    let proxy = Fault(FaultKind::ProxyFence);
    check("fence.proxy.async", 0, out, proxy);
    check("wgmma.fence", 0, out, Fault(FaultKind::Accumulator));
    check("wgmma.commit_group", 0, out, Fault(FaultKind::Pending));
    check("wgmma.wait_group", 1, out, Fault(FaultKind::Accumulator));
    let commit = "cp.async.bulk.commit_group";
    check(commit, 0, out, Fault(FaultKind::Pending));
    let wait = "cp.async.bulk.wait_group.read";
    check(wait, 0, out, Fault(FaultKind::Pending));
}

#[test]
fn missing_barriers_of_threads() {
    check("bar.sync \t0", 0, out, Fault(FaultKind::Race));
    check("bar.sync \t1", 0, out, Fault(FaultKind::Pending));
    check("bar.sync \t1", 1, out, Fault(FaultKind::Uninitialised));
}

#[test]
fn what_the_interpreter_does_not_miss_is_there() {
    // Barriers are told to the unit that copies before any thread uses them, and results are out before the block ends.
    let at = |part: &str| TEXT.find(part).unwrap();
    assert!(at("mbarrier.init") < at("fence.mbarrier_init"));
    assert!(at("fence.mbarrier_init") < at("bar.sync \t0"));
    assert!(at("cp.async.bulk.commit_group") < at("cp.async.bulk.wait_group \t0"));
}
