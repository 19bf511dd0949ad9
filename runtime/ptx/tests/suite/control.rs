//! Branches, calls, barriers.

use dlc_ptx::{Launch, Module};

use crate::common::{kernel, module, outputs, word_bytes, words};

#[test]
fn branches_by_a_table() {
    let module = kernel(
        1,
        "",
        "and.b32 %r0, %tid, 3;
         TARGETS: .branchtargets A, B, C, D;
         brx.idx %r0, TARGETS;
         A: mov.b32 %r1, 10; bra.uni END;
         B: mov.b32 %r1, 20; bra.uni END;
         C: mov.b32 %r1, 30; bra.uni END;
         D: mov.b32 %r1, 40;
         END: mad.wide.u32 %rd0, %tid, 4, %p0; st.global.b32 [%rd0], %r1;",
    );
    let found = words(&outputs(&module, &Launch::linear(1, 64), 256, &[]));
    for (thread, found) in found.iter().enumerate() {
        assert_eq!(*found as usize, 10 * (thread % 4 + 1));
    }
}

#[test]
fn functions_are_called() {
    // The sum of squares up to a number; the callee has names of its own.
    let module = module(
        ".func (.param .b32 result) square(.param .b32 value)
        {
            .reg .b32 %r<4>;
            ld.param.b32 %r1, [value];
            mul.lo.u32 %r2, %r1, %r1;
            st.param.b32 [result], %r2;
            ret;
        }
        .visible .entry k(.param .u64 p0)
        {
            .reg .b32 %r<8>; .reg .b64 %rd<4>; .reg .pred %p<2>;
            mov.u32 %r0, %tid.x;
            mov.b32 %r1, 0;
            mov.b32 %r2, 0;
        LOOP:
            { .param .b32 argument; .param .b32 value;
              st.param.b32 [argument], %r1;
              call.uni (value), square, (argument);
              ld.param.b32 %r3, [value]; }
            add.u32 %r2, %r2, %r3;
            add.u32 %r1, %r1, 1;
            setp.le.u32 %p1, %r1, %r0;
            @%p1 bra LOOP;
            ld.param.u64 %rd0, [p0];
            mad.wide.u32 %rd1, %r0, 4, %rd0;
            st.global.b32 [%rd1], %r2;
            ret;
        }",
    );
    let found = words(&outputs(&module, &Launch::linear(1, 32), 128, &[]));
    for (thread, found) in found.iter().enumerate() {
        assert_eq!(
            *found as usize,
            (0..=thread).map(|at| at * at).sum::<usize>()
        );
    }
}

#[test]
fn barriers_order_warps() {
    // Each thread reads what the one at the other end wrote.
    let module = kernel(
        1,
        ".shared .align 4 .b8 buffer[1024];",
        "shl.b32 %r0, %tid, 2; mov.u32 %r1, buffer; add.u32 %r1, %r1, %r0; st.shared.b32 [%r1], %tid;
         bar.sync 0;
         sub.u32 %r2, 1020, %r0; mov.u32 %r3, buffer; add.u32 %r3, %r3, %r2; ld.shared.b32 %r4, [%r3];
         mad.wide.u32 %rd0, %tid, 4, %p0; st.global.b32 [%rd0], %r4;",
    );
    let found = words(&outputs(&module, &Launch::linear(1, 256), 1024, &[]));
    for (thread, found) in found.iter().enumerate() {
        assert_eq!(*found as usize, 255 - thread);
    }
}

#[test]
fn named_barriers_hand_over() {
    // Warps 0 and 1 make values, 2 and 3 take them; those who make only arrive.
    let module = kernel(
        1,
        ".shared .align 4 .b8 buffer[256];",
        "mov.u32 %r1, buffer; and.b32 %r0, %tid, 63; shl.b32 %r2, %r0, 2; add.u32 %r1, %r1, %r2;
         setp.ge.u32 %q0, %tid, 64;
         @%q0 bra TAKE;
         mul.lo.u32 %r3, %tid, 3; st.shared.b32 [%r1], %r3;
         bar.arrive 5, 128;
         ret;
         TAKE: bar.sync 5, 128;
         ld.shared.b32 %r4, [%r1];
         mad.wide.u32 %rd0, %r0, 4, %p0; st.global.b32 [%rd0], %r4;",
    );
    let found = words(&outputs(&module, &Launch::linear(1, 128), 256, &[]));
    for (thread, found) in found.iter().enumerate() {
        assert_eq!(*found as usize, 3 * thread);
    }
}

#[test]
fn barriers_reduce() {
    let module = kernel(
        1,
        "",
        "and.b32 %r0, %tid, 3; setp.eq.b32 %q0, %r0, 0;
         bar.red.popc.u32 %r1, 0, %q0;
         bar.red.or.pred %q1, 0, %q0;
         bar.red.and.pred %q2, 0, !%q0;
         selp.b32 %r2, 1000, 0, %q1; selp.b32 %r3, 10000, 0, %q2;
         add.u32 %r1, %r1, %r2; add.u32 %r1, %r1, %r3;
         mad.wide.u32 %rd0, %tid, 4, %p0; st.global.b32 [%rd0], %r1;",
    );
    let found = words(&outputs(&module, &Launch::linear(1, 96), 384, &[]));
    assert!(found.iter().all(|found| *found == 1024));
}

#[test]
fn exited_lanes_are_not_waited_for() {
    let module = kernel(
        1,
        "",
        "setp.ge.u32 %q0, %tid, 40;
         @%q0 exit;
         bar.sync 0;
         mad.wide.u32 %rd0, %tid, 4, %p0; st.global.b32 [%rd0], %tid;",
    );
    let found = words(&outputs(&module, &Launch::linear(1, 128), 160, &[]));
    assert_eq!(found, (0..40).collect::<Vec<u32>>());
}

#[test]
fn clusters_share_memory() {
    // Each block writes its rank to its neighbour's shared memory.
    let module = kernel(
        1,
        ".shared .align 4 .b8 cell[4];",
        "mov.u32 %r0, %cluster_ctarank; mov.u32 %r1, %cluster_nctarank;
         add.u32 %r2, %r0, 1; rem.u32 %r2, %r2, %r1;
         mov.u32 %r3, cell; mapa.shared::cluster.u32 %r4, %r3, %r2;
         setp.ne.u32 %q0, %tid, 0;
         @!%q0 st.shared::cluster.b32 [%r4], %r0;
         barrier.cluster.arrive.release.aligned;
         barrier.cluster.wait.acquire.aligned;
         @%q0 ret;
         ld.shared.b32 %r5, [cell];
         mov.u32 %r6, %ctaid.x; mad.wide.u32 %rd0, %r6, 4, %p0; st.global.b32 [%rd0], %r5;",
    );
    let launch = Launch {
        cluster: Some([4, 1, 1]),
        ..Launch::linear(8, 64)
    };
    let found = words(&outputs(&module, &launch, 32, &[]));
    assert_eq!(found, [3, 0, 1, 2, 3, 0, 1, 2]);
}

#[test]
fn blocks_wait_for_each_other() {
    // A block begins when its predecessor has said so; the last adds all up.
    let module = kernel(
        2,
        "",
        "setp.ne.u32 %q0, %tid, 0; @%q0 ret;
         mov.u32 %r0, %ctaid.x;
         WAIT: ld.acquire.gpu.global.b32 %r1, [%p1];
         setp.ne.u32 %q1, %r1, %r0;
         @%q1 bra WAIT;
         ld.global.b32 %r2, [%p1+4];
         add.u32 %r2, %r2, %r0;
         st.global.b32 [%p1+4], %r2;
         add.u32 %r3, %r0, 1;
         st.release.gpu.global.b32 [%p1], %r3;
         mad.wide.u32 %rd0, %r0, 4, %p0; st.global.b32 [%rd0], %r2;",
    );
    let found = words(&outputs(
        &module,
        &Launch::linear(6, 32),
        24,
        &[word_bytes(&[0, 0])],
    ));
    assert_eq!(found, [0, 1, 3, 6, 10, 15]);
}

#[test]
fn errors_have_places() {
    let fails = |body: &str, line: u32, words: &str| {
        let text = format!(
            ".version 8.0\n.target sm_80\n.address_size 64\n.entry k() {{\n.reg .b32 %r<3>;\n{body}\n}}"
        );
        let error = Module::parse(&text).unwrap_err();
        assert_eq!(error.place.line, line, "{error}");
        assert!(error.message.contains(words), "{error}");
    };
    fails("frobnicate.b32 %r1, %r2;", 6, "`frobnicate` is not known");
    fails("\nadd.rubbish.u32 %r1, %r1, %r2;", 7, ".rubbish");
    fails("add.u32 %r1, %r7, %r2;", 6, "%r7");
    fails("add.u32 %r1, %r2;", 6, "3 operands");
    fails("bra NOWHERE;", 6, "NOWHERE");
    fails("add.u32 %r1, %r1, %r2", 7, "`,` expected");
    fails("call f, ();", 6, "`f` is called");
    fails(".maxwhat 3;", 6, ".maxwhat");
    fails(
        "wgmma.fence.sync.aligned;",
        6,
        "sm_80 does not have it, but sm_90",
    );
    fails(
        "cp.async.bulk.commit_group;",
        6,
        "sm_80 does not have it, but sm_90",
    );
    assert!(Module::parse(".version 8.0").is_err());
}
