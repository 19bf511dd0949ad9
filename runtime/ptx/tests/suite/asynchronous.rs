//! Copies by threads and the barriers in memory.

use dlc_ptx::Launch;

use crate::common::{Random, kernel, outputs, word_bytes, words};

fn data(count: usize) -> Vec<u32> {
    let mut random = Random(21);
    (0..count).map(|_| random.next() as u32).collect()
}

#[test]
fn copies_land_at_their_wait() {
    // Two groups under way; what a predicate or a size leaves out is zero.
    let module = kernel(
        2,
        ".shared .align 16 .b8 buffer[2048];",
        "mad.wide.u32 %rd0, %tid, 32, %p1; mov.u32 %r0, buffer; mad.lo.u32 %r1, %tid, 32, %r0;
         cp.async.cg.shared.global [%r1], [%rd0], 16; cp.async.commit_group;
         and.b32 %r2, %tid, 1; shl.b32 %r2, %r2, 3;
         cp.async.ca.shared.global [%r1+16], [%rd0+16], 16, %r2; cp.async.commit_group;
         cp.async.wait_group 1;
         ld.shared.v4.b32 {%r4, %r5, %r6, %r7}, [%r1];
         mad.wide.u32 %rd1, %tid, 32, %p0; st.global.v4.b32 [%rd1], {%r4, %r5, %r6, %r7};
         cp.async.wait_all;
         ld.shared.v4.b32 {%r4, %r5, %r6, %r7}, [%r1+16]; st.global.v4.b32 [%rd1+16], {%r4, %r5, %r6, %r7};",
    );
    let input = data(512);
    let found = words(&outputs(
        &module,
        &Launch::linear(1, 64),
        2048,
        &[word_bytes(&input)],
    ));
    for thread in 0..64 {
        let mut expected = input[8 * thread..8 * thread + 8].to_vec();
        let read = 4 + 2 * (thread % 2);
        expected[read..].fill(0);
        assert_eq!(found[8 * thread..8 * thread + 8], expected);
    }
}

#[test]
fn copies_arrive_at_a_barrier() {
    let module = kernel(
        2,
        ".shared .align 16 .b8 buffer[1024]; .shared .align 8 .b8 barrier[8];",
        "setp.ne.u32 %q0, %tid, 0; @!%q0 mbarrier.init.shared.b64 [barrier], 64;
         bar.sync 0;
         mad.wide.u32 %rd0, %tid, 16, %p1; mov.u32 %r0, buffer; mad.lo.u32 %r1, %tid, 16, %r0;
         cp.async.ca.shared.global [%r1], [%rd0], 16;
         cp.async.mbarrier.arrive.noinc.shared.b64 [barrier];
         WAIT: mbarrier.try_wait.parity.shared.b64 %q1, [barrier], 0;
         @!%q1 bra WAIT;
         xor.b32 %r2, %tid, 33; mad.lo.u32 %r3, %r2, 16, %r0;
         ld.shared.b32 %r4, [%r3+4]; mad.wide.u32 %rd1, %tid, 4, %p0; st.global.b32 [%rd1], %r4;",
    );
    let input = data(256);
    let found = words(&outputs(
        &module,
        &Launch::linear(1, 64),
        256,
        &[word_bytes(&input)],
    ));
    for (thread, found) in found.iter().enumerate() {
        assert_eq!(*found, input[4 * (thread ^ 33) + 1]);
    }
}

#[test]
fn phases_follow_each_other() {
    // A ring of one place between two warps: a full and an empty barrier, ten times, with tokens on one side.
    let module = kernel(
        1,
        ".shared .align 8 .b8 full[8]; .shared .align 8 .b8 empty[8]; .shared .align 4 .b8 place[128];",
        "setp.ne.u32 %q0, %tid, 0;
         @%q0 bra READY;
         mbarrier.init.shared.b64 [full], 32; mbarrier.init.shared.b64 [empty], 32;
         READY: bar.sync 0;
         mov.u32 %r0, place; mad.lo.u32 %r0, %lane, 4, %r0;
         mov.b32 %r1, 0; mov.b32 %r2, 0; mov.b32 %r9, 1;
         setp.ge.u32 %q1, %tid, 32; @%q1 bra TAKE;
         MAKE: and.b32 %r3, %r1, 1; xor.b32 %r4, %r3, 1;
         W1: mbarrier.try_wait.parity.shared.b64 %q2, [empty], %r4, 1000; @!%q2 bra W1;
         mad.lo.u32 %r5, %r1, 100, %lane; st.shared.b32 [%r0], %r5;
         mbarrier.arrive.shared.b64 %rd9, [full];
         add.u32 %r1, %r1, 1; setp.lt.u32 %q3, %r1, 10; @%q3 bra MAKE;
         ret;
         TAKE: and.b32 %r3, %r1, 1;
         W2: mbarrier.test_wait.parity.acquire.cta.shared::cta.b64 %q2, [full], %r3; @!%q2 bra W2;
         ld.shared.b32 %r5, [%r0]; add.u32 %r2, %r2, %r5;
         mbarrier.arrive.release.cta.shared::cta.b64 %rd10, [empty];
         add.u32 %r1, %r1, 1; setp.lt.u32 %q3, %r1, 10; @%q3 bra TAKE;
         W3: mbarrier.test_wait.shared.b64 %q4, [empty], %rd10; @!%q4 bra W3;
         mad.wide.u32 %rd0, %lane, 4, %p0; st.global.b32 [%rd0], %r2;",
    );
    let found = words(&outputs(&module, &Launch::linear(1, 64), 128, &[]));
    for (lane, found) in found.iter().enumerate() {
        assert_eq!(*found as usize, 4500 + 10 * lane);
    }
}

#[test]
fn runs_of_bytes_are_copied_in_bulk() {
    // In by one thread, out by another, with a sum on the way; then added to what is there.
    let module = kernel(
        2,
        ".shared .align 128 .b8 buffer[1024]; .shared .align 8 .b8 barrier[8];",
        "setp.ne.u32 %q0, %tid, 0; @%q0 bra READY;
         mbarrier.init.shared.b64 [barrier], 1; fence.mbarrier_init.release.cluster;
         mbarrier.arrive.expect_tx.shared.b64 _, [barrier], 512;
         mov.u32 %r0, buffer;
         cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%r0], [%p1], 512, [barrier];
         READY: bar.sync 0;
         WAIT: mbarrier.try_wait.parity.shared.b64 %q1, [barrier], 0; @!%q1 bra WAIT;
         mov.u32 %r1, buffer; mad.lo.u32 %r2, %tid, 4, %r1;
         ld.shared.b32 %r3, [%r2]; add.u32 %r3, %r3, 1; st.shared.b32 [%r2+512], %r3;
         fence.proxy.async.shared::cta;
         bar.sync 0;
         setp.ne.u32 %q2, %tid, 64; @%q2 ret;
         cp.async.bulk.global.shared::cta.bulk_group [%p0], [%r1+512], 512;
         cp.async.bulk.commit_group; cp.async.bulk.wait_group 0;
         cp.reduce.async.bulk.global.shared::cta.bulk_group.add.u32 [%p0], [%r1], 256;
         cp.async.bulk.commit_group; cp.async.bulk.wait_group.read 0;",
    );
    let input = data(128);
    let found = words(&outputs(
        &module,
        &Launch::linear(1, 128),
        512,
        &[word_bytes(&input)],
    ));
    for (at, found) in found.iter().enumerate() {
        let twice = if at < 64 { input[at] } else { 0 };
        assert_eq!(*found, input[at].wrapping_add(1).wrapping_add(twice));
    }
}
