//! Accesses outside of memory, what never ends, barriers used wrongly: where and what is said.

use dlc_ptx::{Fault, FaultKind, Launch, Memory, Options};

use crate::common::{kernel, pointers, run_block};

fn fault(threads: u32, declarations: &str, body: &str) -> Fault {
    let module = kernel(1, declarations, body);
    let mut memory = Memory::new();
    let buffer = memory.alloc_copy(&[0; 256]);
    memory.alloc_copy(&[0; 256]);
    let launch = Launch::linear(1, threads);
    let options = Options {
        max_instructions: 100_000,
        ..Options::default()
    };
    let run = module.launch("k", &launch, &pointers(&[buffer]), &mut memory, &options);
    run.expect_err("the kernel has a fault")
}

#[track_caller]
fn is(kind: FaultKind, words: &str, found: &Fault) {
    assert_eq!(found.kind, kind, "{found}");
    assert!(found.to_string().contains(words), "{found}");
}

#[test]
fn accesses_outside() {
    let found = fault(
        96,
        "",
        "mad.wide.u32 %rd0, %tid, 4, %p0;\nst.global.b32 [%rd0], 1;",
    );
    is(
        FaultKind::OutOfBounds,
        "offset 256 in the allocation of 256 bytes",
        &found,
    );
    assert_eq!(
        (found.threads.as_slice(), found.block),
        (&[[64, 0, 0]][..], [0; 3])
    );
    assert_eq!(found.text, "st.global.b32 [%rd0], 1;");
    assert!(found.line > 4 && found.kernel == "k");
    let found = fault(1, "", "ld.global.b32 %r0, [%p0+-4];");
    is(
        FaultKind::OutOfBounds,
        "4 bytes before the allocation of 256",
        &found,
    );
    let found = fault(
        1,
        ".shared .align 4 .b8 buffer[64];",
        "mov.u32 %r0, buffer; ld.shared.b32 %r1, [%r0+64];",
    );
    is(
        FaultKind::OutOfBounds,
        "of shared memory, which has 0x40",
        &found,
    );
    let found = fault(
        1,
        ".local .align 4 .b8 depot[8];",
        "st.local.b32 [depot+8], 1;",
    );
    is(FaultKind::OutOfBounds, "of local memory", &found);
    let found = fault(
        1,
        ".shared .align 4 .b8 buffer[64];",
        "mov.u64 %rd0, buffer; cvta.shared.u64 %rd0, %rd0; ld.global.b32 %r1, [%rd0];",
    );
    is(FaultKind::OutOfBounds, "no address of this space", &found);
}

#[test]
fn misaligned_accesses() {
    let found = fault(1, "", "ld.global.v4.b32 {%r0, %r1, %r2, %r3}, [%p0+8];");
    is(FaultKind::Misaligned, "16 bytes", &found);
    let found = fault(
        1,
        ".shared .align 16 .b8 buffer[64];",
        "st.shared.b32 [buffer+2], 0;",
    );
    is(FaultKind::Misaligned, "4 bytes", &found);
    let found = fault(
        32,
        ".shared .align 16 .b8 buffer[640];",
        "mov.u32 %r0, buffer; mad.lo.u32 %r1, %lane, 20, %r0; add.u32 %r1, %r1, 4; ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r2}, [%r1];",
    );
    is(FaultKind::Misaligned, "no multiple of 16", &found);
    let found = fault(
        1,
        ".shared .align 16 .b8 buffer[64];",
        "mov.u32 %r0, buffer; cp.async.cg.shared.global [%r0+8], [%p0], 16;",
    );
    is(FaultKind::Misaligned, "16 bytes copied", &found);
}

#[test]
fn reads_of_what_nothing_wrote() {
    let found = fault(
        1,
        ".shared .align 4 .b8 buffer[64];",
        "ld.shared.b32 %r0, [buffer+8];",
    );
    is(
        FaultKind::Uninitialised,
        "byte 0x8 of shared memory",
        &found,
    );
    let module = kernel(1, "", "ld.global.b32 %r0, [%p0+12];");
    let mut memory = Memory::new();
    let buffer = memory.alloc(64);
    memory.write(buffer, &[0; 14]).unwrap();
    let found = run_block(&module, 1, &[buffer], &mut memory).unwrap_err();
    is(
        FaultKind::Uninitialised,
        "offset 14 in the allocation of 64",
        &found,
    );
}

#[test]
fn loops_without_an_end() {
    let found = fault(32, "", "LOOP: add.u32 %r0, %r0, 1; bra.uni LOOP;");
    is(
        FaultKind::EndlessLoop,
        "more than 100000 instructions",
        &found,
    );
    // A lock that a lane of the same warp holds is given back, as others go on too.
    let module = kernel(
        1,
        "",
        "LOCK: atom.global.cas.b32 %r0, [%p0], 0, 1; setp.ne.b32 %q0, %r0, 0; @%q0 bra LOCK;
         atom.global.add.u32 %r1, [%p0+4], 1; atom.global.exch.b32 %r2, [%p0], 0;",
    );
    let mut memory = Memory::new();
    let buffer = memory.alloc_copy(&[0; 8]);
    run_block(&module, 32, &[buffer], &mut memory).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(memory.read(buffer, 8).unwrap(), [0, 0, 0, 0, 32, 0, 0, 0]);
}

#[test]
fn deadlocks() {
    let found = fault(
        64,
        "",
        "setp.lt.u32 %q0, %tid, 32; @%q0 bra END; bar.sync 1, 64; END:",
    );
    is(FaultKind::Deadlock, "bar.sync 1, 64", &found);
    let barrier = ".shared .align 8 .b8 barrier[8];";
    let found = fault(
        32,
        barrier,
        "setp.ne.u32 %q0, %tid, 0; @!%q0 mbarrier.init.shared.b64 [barrier], 2; bar.warp.sync -1;
         @!%q0 mbarrier.arrive.shared.b64 _, [barrier];
         WAIT: mbarrier.try_wait.parity.shared.b64 %q1, [barrier], 0; @!%q1 bra WAIT;",
    );
    is(FaultKind::Deadlock, "mbarrier.try_wait", &found);
    let found = fault(
        32,
        barrier,
        "setp.ne.u32 %q0, %tid, 0; @%q0 ret; mbarrier.init.shared.b64 [barrier], 1;
         mbarrier.arrive.expect_tx.shared.b64 _, [barrier], 64;
         WAIT: mbarrier.try_wait.parity.shared.b64 %q1, [barrier], 0; @!%q1 bra WAIT;",
    );
    is(FaultKind::Deadlock, "mbarrier.try_wait", &found);
}

#[test]
fn lanes_that_do_not_meet() {
    let found = fault(
        32,
        "",
        "setp.lt.u32 %q0, %tid, 16; @%q0 bra A; bar.sync 0; bra.uni B; A: bar.sync 0; B:",
    );
    is(FaultKind::Divergence, "different places", &found);
    let found = fault(
        32,
        "",
        "setp.lt.u32 %q0, %tid, 16; @%q0 bra A; shfl.sync.idx.b32 %r0, %tid, 0, 31, -1; bra.uni B; A: bar.warp.sync -1; B:",
    );
    is(FaultKind::Divergence, "different places", &found);
    let found = fault(
        16,
        ".reg .b32 %x<8>;",
        "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%r0, %r1, %r2, %r3}, {%r4, %r5}, {%r6}, {%r0, %r1, %r2, %r3};",
    );
    is(FaultKind::Divergence, "all 32 lanes", &found);
    let found = fault(
        32,
        "",
        "setp.lt.u32 %q0, %tid, 16; @%q0 bra A; ret; A: shfl.sync.idx.b32 %r0, %tid, 20, 31, 0xffff;",
    );
    is(FaultKind::InvalidOperand, "does not take part", &found);
}

#[test]
fn barriers_used_wrongly() {
    let barrier = ".shared .align 8 .b8 barrier[16];";
    let found = fault(32, barrier, "mbarrier.arrive.shared.b64 _, [barrier];");
    is(FaultKind::Barrier, "no mbarrier was initialised", &found);
    let init =
        "setp.ne.u32 %q0, %tid, 0; @!%q0 mbarrier.init.shared.b64 [barrier], 4; bar.warp.sync -1;";
    // The bytes keep the phase from ending, so the fifth arrival is one too many.
    let found = fault(
        32,
        barrier,
        &format!(
            "{init} @!%q0 mbarrier.expect_tx.relaxed.cta.shared::cta.b64 [barrier], 16; bar.warp.sync -1; mbarrier.arrive.shared.b64 _, [barrier];"
        ),
    );
    is(FaultKind::Barrier, "more arrivals", &found);
    let found = fault(32, barrier, "mbarrier.arrive.shared.b64 _, [barrier+4];");
    is(FaultKind::Misaligned, "no multiple of 8", &found);
    let found = fault(
        32,
        barrier,
        &format!("{init} @!%q0 mbarrier.init.shared.b64 [barrier], 4;"),
    );
    is(FaultKind::Barrier, "initialised again", &found);
    let found = fault(
        64,
        barrier,
        &format!("{init} mbarrier.test_wait.parity.shared.b64 %q1, [barrier], 1; bar.sync 0;")
            .replace("setp.ne", "setp.eq"),
    );
    assert!(
        matches!(found.kind, FaultKind::Race | FaultKind::Barrier),
        "{found}"
    );
    let found = fault(96, "", "bar.sync 0, 64;");
    is(FaultKind::Deadlock, "bar.sync 0, 64", &found);
    let found = fault(96, "", "bar.sync 0, 40;");
    is(FaultKind::Barrier, "no multiple of 32", &found);
    let found = fault(
        64,
        "",
        "shr.u32 %r0, %tid, 5; add.u32 %r0, %r0, 1; shl.b32 %r0, %r0, 5; add.u32 %r0, %r0, 32; bar.sync 0, %r0;",
    );
    is(FaultKind::Barrier, "where others expect", &found);
}

#[test]
fn traps_and_launches() {
    let found = fault(32, "", "setp.eq.u32 %q0, %tid, 5; @%q0 trap;");
    is(FaultKind::Trap, "trap", &found);
    assert_eq!(found.threads, [[5, 0, 0]]);
    let module =
        crate::common::module(".visible .entry k(.param .u32 a)\n.reqntid 64, 1, 1\n{ ret; }");
    let mut memory = Memory::new();
    let mut launch = |kernel: &str, launch: Launch, bytes: usize| {
        let run = module.launch(
            kernel,
            &launch,
            &vec![0; bytes],
            &mut memory,
            &Options::default(),
        );
        run.map_err(|fault| fault.to_string())
    };
    assert!(launch("k", Launch::linear(1, 64), 4).is_ok());
    assert!(
        launch("x", Launch::linear(1, 64), 4)
            .unwrap_err()
            .contains("no such kernel")
    );
    assert!(
        launch("k", Launch::linear(1, 32), 4)
            .unwrap_err()
            .contains(".reqntid")
    );
    assert!(
        launch("k", Launch::linear(1, 64), 8)
            .unwrap_err()
            .contains("8 bytes of parameters, not 4")
    );
    assert!(
        launch("k", Launch::linear(0, 64), 4)
            .unwrap_err()
            .contains("a grid")
    );
    let large = Launch::linear(1, 64).with_shared(300_000);
    assert!(launch("k", large, 4).unwrap_err().contains("shared memory"));
    let module = crate::common::module(
        ".visible .entry k() { .reg .b32 %r; .shared .b8 large[50000]; mov.u32 %r, large; ret; }",
    );
    let run = module.launch(
        "k",
        &Launch::linear(1, 1),
        &[],
        &mut memory,
        &Options::default(),
    );
    is(
        FaultKind::InvalidLaunch,
        "50000 bytes of shared memory",
        &run.unwrap_err(),
    );
}
