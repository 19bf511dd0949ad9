//! Lanes of a warp among themselves.

use dlc_ptx::Launch;

use crate::common::{Random, kernel, outputs, word_bytes, words};

/// Runs a body in one warp that makes `%r1` of `%r0`, a word of each lane.
fn lanes(declarations: &str, body: &str, values: &[u32]) -> Vec<u32> {
    let body = format!(
        "mad.wide.u32 %rd0, %tid, 4, %p1;\nld.global.b32 %r0, [%rd0];\n{body}\nmad.wide.u32 %rd1, %tid, 4, %p0;\nst.global.b32 [%rd1], %r1;"
    );
    let module = kernel(2, declarations, &body);
    let bytes = outputs(&module, &Launch::linear(1, 32), 128, &[word_bytes(values)]);
    words(&bytes)
}

fn values(seed: u64, limit: u64) -> Vec<u32> {
    let mut random = Random(seed);
    (0..32).map(|_| random.below(limit) as u32).collect()
}

#[test]
fn shuffles() {
    let input = values(1, 1 << 32);
    let inside = "selp.b32 %r3, 1, 0, %q0; and.b32 %r2, %r2, -2; or.b32 %r1, %r2, %r3;";
    for width in [32u32, 16, 8] {
        let segment = (32 - width) << 8;
        for by in [0u32, 1, 3, 7, 16, 31] {
            let run = |mode: &str, clamp: u32| {
                let body = format!(
                    "shfl.sync.{mode}.b32 %r2|%q0, %r0, {by}, {}, -1;\n{inside}",
                    segment | clamp
                );
                lanes("", &body, &input)
            };
            let expect = |found: Vec<u32>, from: &dyn Fn(i32, i32) -> Option<i32>| {
                for (lane, found) in found.iter().enumerate() {
                    let lane = lane as i32;
                    let within = lane % width as i32;
                    let source = from(within, width as i32).map(|at| lane - within + at);
                    let value = input[source.unwrap_or(lane) as usize];
                    assert_eq!(
                        *found,
                        value & !1 | u32::from(source.is_some()),
                        "lane {lane}, {by}"
                    );
                }
            };
            let by = by as i32;
            expect(run("down", 31), &|at, width| {
                Some(at + by).filter(|at| *at < width)
            });
            expect(run("up", 0), &|at, _| Some(at - by).filter(|at| *at >= 0));
            expect(run("idx", 31), &|_, width| Some(by % width));
            if by < width as i32 {
                expect(run("bfly", 31), &|at, _| Some(at ^ by));
            }
        }
    }
}

#[test]
fn votes() {
    let input = values(2, 2);
    let set = input
        .iter()
        .enumerate()
        .fold(0, |set, (lane, bit)| set | bit << lane);
    let p = "setp.ne.b32 %q0, %r0, 0;\n";
    let ballot = lanes(
        "",
        &format!("{p}vote.sync.ballot.b32 %r1, %q0, -1;"),
        &input,
    );
    assert!(ballot.iter().all(|found| *found == set));
    // Each half votes for itself.
    let body = format!(
        "{p}setp.lt.u32 %q1, %lane, 16;\nselp.b32 %r2, 0xffff, 0xffff0000, %q1;\nvote.sync.any.pred %q2, %q0, %r2;\n\
         vote.sync.all.pred %q3, %q0, %r2;\nvote.sync.uni.pred %q4, %q0, %r2;\nselp.b32 %r3, 1, 0, %q2;\nselp.b32 %r4, 2, 0, %q3;\n\
         selp.b32 %r5, 4, 0, %q4;\nor.b32 %r1, %r3, %r4;\nor.b32 %r1, %r1, %r5;"
    );
    let mut half = input.clone();
    half[..16].fill(1);
    let found = lanes("", &body, &half);
    assert!(found[..16].iter().all(|found| *found == 7));
    assert!(found[16..].iter().all(|found| *found == 1));
}

#[test]
fn matches() {
    let input = values(3, 4);
    let found = lanes("", "match.any.sync.b32 %r1, %r0, -1;", &input);
    for (lane, found) in found.iter().enumerate() {
        let alike = (0..32).filter(|other| input[*other] == input[lane]);
        assert_eq!(*found, alike.fold(0, |mask, other| mask | 1 << other));
    }
    let all = "match.all.sync.b32 %r1|%q0, %r0, -1;\n@!%q0 mov.b32 %r1, 77;";
    assert!(lanes("", all, &input).iter().all(|found| *found == 77));
    assert!(
        lanes("", all, &[5; 32])
            .iter()
            .all(|found| *found == u32::MAX)
    );
}

#[test]
fn reductions() {
    let input = values(4, 1 << 32);
    let signed = input.iter().map(|value| *value as i32);
    let expected = [
        (
            "add.u32",
            input.iter().fold(0, |sum, value| sum + u64::from(*value)) as u32,
        ),
        ("min.s32", signed.clone().min().unwrap() as u32),
        ("max.s32", signed.max().unwrap() as u32),
        ("max.u32", *input.iter().max().unwrap()),
        (
            "and.b32",
            input.iter().fold(u32::MAX, |all, value| all & value),
        ),
        ("or.b32", input.iter().fold(0, |all, value| all | value)),
        ("xor.b32", input.iter().fold(0, |all, value| all ^ value)),
    ];
    for (name, expected) in expected {
        let found = lanes("", &format!("redux.sync.{name} %r1, %r0, -1;"), &input);
        assert!(found.iter().all(|found| *found == expected), "{name}");
    }
}

#[test]
fn lanes_meet_again_and_elect() {
    // Odd and even lanes go different ways, of different length; the shuffle behind sees both.
    let body = "and.b32 %r2, %lane, 1;
        setp.eq.b32 %q0, %r2, 0;
        @%q0 bra EVEN;
        activemask.b32 %r3;
        add.u32 %r0, %r0, 100;
        bra.uni BOTH;
    EVEN:
        activemask.b32 %r3;
        mov.b32 %r4, 0;
    LOOP:
        add.u32 %r4, %r4, 1;
        setp.lt.u32 %q1, %r4, %lane;
        @%q1 bra LOOP;
        add.u32 %r0, %r0, %r4;
    BOTH:
        shfl.sync.bfly.b32 %r1, %r0, 1, 31, -1;
        elect.sync %r5|%q2, -1;
        @%q2 mov.b32 %r1, %r3;";
    let found = lanes("", body, &[0; 32]);
    assert_eq!(found[0], 0x5555_5555);
    for lane in 1..32u32 {
        let expected = if lane % 2 == 0 {
            100
        } else {
            (lane - 1).max(1)
        };
        assert_eq!(found[lane as usize], expected, "lane {lane}");
    }
}

#[test]
fn special_registers() {
    let module = kernel(
        1,
        "",
        "mov.u32 %r0, %ctaid.y; mov.u32 %r1, %nctaid.x; mov.u32 %r2, %ctaid.x; mad.lo.u32 %r3, %r0, %r1, %r2;
         mov.u32 %r4, %tid.y; mov.u32 %r5, %ntid.x; mov.u32 %r6, %tid.x; mad.lo.u32 %r7, %r4, %r5, %r6;
         mov.u32 %r8, %ntid.y; mul.lo.u32 %r9, %r5, %r8; mad.lo.u32 %r10, %r3, %r9, %r7;
         mul.wide.u32 %rd0, %r10, 16; add.u64 %rd0, %rd0, %p0;
         mov.u32 %r11, %warpid; mov.u32 %r12, %lanemask_lt; mov.u32 %r13, %lanemask_ge;
         st.global.v4.b32 [%rd0], {%lane, %r11, %r12, %r13};",
    );
    let launch = Launch {
        grid: [3, 2, 1],
        block: [24, 3, 1],
        cluster: None,
        dynamic_shared: 0,
    };
    let found = words(&outputs(&module, &launch, 6 * 72 * 16, &[]));
    for (thread, found) in found.chunks(4).enumerate() {
        let (lane, warp) = (thread as u32 % 72 % 32, thread as u32 % 72 / 32);
        assert_eq!(found, [lane, warp, (1 << lane) - 1, u32::MAX << lane]);
    }
}
