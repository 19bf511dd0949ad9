//! Accesses that nothing orders, and data used before it is there.

use dlc_ptx::{Element, Fault, FaultKind, Launch, Memory, Options, Swizzle, TensorMap};

use crate::common::{kernel, module, pointers, run_block, words};

/// The fault of a body in one block, on 4096 bytes of zeros at `%p0`.
fn fault(threads: u32, declarations: &str, body: &str) -> Option<Fault> {
    let module = kernel(1, declarations, body);
    let mut memory = Memory::new();
    let buffer = memory.alloc_copy(&[0; 4096]);
    run_block(&module, threads, &[buffer], &mut memory).err()
}

#[track_caller]
fn is(kind: FaultKind, threads: u32, declarations: &str, body: &str) {
    match fault(threads, declarations, body) {
        Some(fault) => assert_eq!(fault.kind, kind, "{fault}"),
        None => panic!("no fault"),
    }
}

#[track_caller]
fn is_fine(threads: u32, declarations: &str, body: &str) {
    if let Some(fault) = fault(threads, declarations, body) {
        panic!("{fault}");
    }
}

const BUFFER: &str = ".shared .align 1024 .b8 buffer[4096]; .shared .align 8 .b8 barrier[16];";

#[test]
fn a_missing_barrier_is_found() {
    let body = |barrier: &str| {
        format!(
            "mov.u32 %r0, buffer; mad.lo.u32 %r1, %tid, 4, %r0; st.shared.b32 [%r1], %tid;
             {barrier}
             xor.b32 %r2, %tid, 32; mad.lo.u32 %r3, %r2, 4, %r0; ld.shared.b32 %r4, [%r3];"
        )
    };
    // The second warp has written before the first reads, or not: either is found.
    let found = fault(64, BUFFER, &body("")).unwrap();
    assert!(
        matches!(found.kind, FaultKind::Race | FaultKind::Uninitialised),
        "{found}"
    );
    is_fine(64, BUFFER, &body("bar.sync 0;"));
    is(
        FaultKind::Race,
        64,
        BUFFER,
        &body("bar.sync 0; st.shared.b32 [%r1], 1; bar.warp.sync -1;"),
    );
}

#[test]
fn a_write_after_a_read_needs_a_barrier() {
    let body = |barrier: &str| {
        format!(
            "mov.u32 %r0, buffer; mad.lo.u32 %r1, %tid, 4, %r0; st.shared.b32 [%r1], %tid;
             bar.sync 0;
             xor.b32 %r2, %tid, 32; mad.lo.u32 %r3, %r2, 4, %r0; ld.shared.b32 %r4, [%r3];
             {barrier}
             st.shared.b32 [%r1], 5;"
        )
    };
    is(FaultKind::Race, 64, BUFFER, &body(""));
    is_fine(64, BUFFER, &body("bar.sync 0;"));
    // A barrier of others does not help.
    is(
        FaultKind::Race,
        64,
        BUFFER,
        &body("shr.u32 %r5, %tid, 5; add.u32 %r5, %r5, 1; bar.sync %r5, 32;"),
    );
}

#[test]
fn lanes_of_a_warp_race_too() {
    let body = |sync: &str| {
        format!(
            "mov.u32 %r0, buffer; mad.lo.u32 %r1, %tid, 4, %r0; st.shared.b32 [%r1], %tid;
             {sync}
             xor.b32 %r2, %tid, 1; mad.lo.u32 %r3, %r2, 4, %r0; ld.shared.b32 %r4, [%r3];"
        )
    };
    is(FaultKind::Race, 32, BUFFER, &body(""));
    is_fine(32, BUFFER, &body("bar.warp.sync -1;"));
    is_fine(32, BUFFER, &body("shfl.sync.idx.b32 %r6, %r2, 0, 31, -1;"));
    is(FaultKind::Race, 32, BUFFER, "st.shared.b32 [buffer], %tid;");
    is_fine(32, BUFFER, "st.shared.b32 [buffer], 3;");
}

#[test]
fn races_are_not_looked_for_where_nobody_asks() {
    let module = kernel(
        1,
        BUFFER,
        "st.shared.b32 [buffer], %tid; ld.shared.b32 %r0, [buffer+64];",
    );
    let mut memory = Memory::new();
    let options = Options {
        races: false,
        uninitialised: false,
        ..Options::default()
    };
    let params = pointers(&[memory.alloc(4)]);
    module
        .launch("k", &Launch::linear(1, 64), &params, &mut memory, &options)
        .unwrap_or_else(|fault| panic!("{fault}"));
}

#[test]
fn blocks_race_in_global_memory() {
    let run = |body: &str| {
        let module = kernel(1, "", body);
        let mut memory = Memory::new();
        let params = pointers(&[memory.alloc_copy(&[0; 4096])]);
        let options = Options {
            seed: 3,
            ..Options::default()
        };
        let launch = Launch::linear(4, 32);
        module
            .launch("k", &launch, &params, &mut memory, &options)
            .err()
            .map(|fault| fault.kind)
    };
    let own =
        "mov.u32 %r0, %ctaid.x; mad.lo.u32 %r1, %r0, 32, %tid; mad.wide.u32 %rd0, %r1, 4, %p0;";
    assert_eq!(
        run("mad.wide.u32 %rd0, %tid, 4, %p0; st.global.b32 [%rd0], 1;"),
        Some(FaultKind::Race)
    );
    assert_eq!(run(&format!("{own} st.global.b32 [%rd0], 1;")), None);
    let next = "add.u32 %r1, %r1, 32; and.b32 %r1, %r1, 127; mad.wide.u32 %rd0, %r1, 4, %p0;";
    assert_eq!(
        run(&format!(
            "{own} st.global.b32 [%rd0], 1; {next} ld.global.b32 %r2, [%rd0];"
        )),
        Some(FaultKind::Race)
    );
    assert_eq!(
        run(&format!(
            "{own} ld.global.b32 %r2, [%rd0]; {next} st.global.b32 [%rd0], 1;"
        )),
        Some(FaultKind::Race)
    );
    assert_eq!(run("red.global.add.u32 [%p0], 1;"), None);
    assert_eq!(
        run("red.global.add.u32 [%p0], 1; ld.global.b32 %r2, [%p0];"),
        Some(FaultKind::Race)
    );
    // The last block adds up what all have written, which it knows by a counter.
    let last = "bar.sync 0; membar.gl; atom.global.add.u32 %r3, [%p0+2048], 1; setp.lt.u32 %q0, %r3, 127; @%q0 ret; ld.global.b32 %r4, [%p0+384]; ld.global.b32 %r4, [%p0];";
    assert_eq!(run(&format!("{own} st.global.b32 [%rd0], 1; {last}")), None);
}

#[test]
fn reading_a_copy_too_early_is_found() {
    let body = |wait: &str| {
        format!(
            "mov.u32 %r0, buffer; mad.lo.u32 %r1, %tid, 16, %r0; mad.wide.u32 %rd0, %tid, 16, %p0;
             cp.async.cg.shared.global [%r1], [%rd0], 16; cp.async.commit_group;
             cp.async.cg.shared.global [%r1+1024], [%rd0+1024], 16; cp.async.commit_group;
             {wait}
             ld.shared.b32 %r2, [%r1+1024];"
        )
    };
    is_fine(64, BUFFER, &body("cp.async.wait_group 0;"));
    is(
        FaultKind::Pending,
        64,
        BUFFER,
        &body("cp.async.wait_group 1;"),
    );
    is(FaultKind::Pending, 64, BUFFER, &body(""));
    // The wait is each thread's own.
    let others = "cp.async.wait_group 0; xor.b32 %r3, %tid, 32; mad.lo.u32 %r1, %r3, 16, %r0;";
    let found = fault(64, BUFFER, &body(others)).unwrap();
    assert!(
        matches!(found.kind, FaultKind::Pending | FaultKind::Uninitialised),
        "{found}"
    );
    let ordered = others.replace("wait_group 0;", "wait_group 0; bar.sync 0;");
    is_fine(64, BUFFER, &body(&ordered));
    is(
        FaultKind::Pending,
        64,
        BUFFER,
        &body("st.shared.b32 [%r1], 1;"),
    );
}

#[test]
fn a_late_wait_gives_wrong_data_without_checks() {
    let module = kernel(
        2,
        BUFFER,
        "mov.u32 %r0, buffer; mad.lo.u32 %r1, %tid, 16, %r0; mad.wide.u32 %rd0, %tid, 16, %p1;
         st.shared.b32 [%r1], 77; cp.async.cg.shared.global [%r1], [%rd0], 16; cp.async.commit_group;
         cp.async.wait_group 1;
         ld.shared.b32 %r2, [%r1]; mad.wide.u32 %rd1, %tid, 4, %p0; st.global.b32 [%rd1], %r2;",
    );
    let mut memory = Memory::new();
    let output = memory.alloc(128);
    let params = pointers(&[output, memory.alloc_copy(&[0; 512])]);
    let options = Options {
        races: false,
        ..Options::default()
    };
    module
        .launch("k", &Launch::linear(1, 32), &params, &mut memory, &options)
        .unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(words(&memory.read(output, 128).unwrap()), [77; 32]);
}

fn map(address: u64) -> [u8; 128] {
    TensorMap {
        address,
        element: Element::U32,
        dims: vec![256],
        strides: vec![],
        box_dims: vec![256],
        swizzle: Swizzle::None,
    }
    .encode()
    .unwrap()
}

/// The fault of a body with a tensor of 256 words in `[%m, {%c}]`.
fn tensor_fault(threads: u32, body: &str) -> Option<FaultKind> {
    let module = module(&format!(
        ".visible .entry k(.param .align 64 .b8 map[128]) {{
         {BUFFER} .reg .b64 %m; .reg .b32 %c, %r<8>, %tid; .reg .pred %p, %q;
         mov.b64 %m, map; cvta.param.u64 %m, %m; mov.b32 %c, 0; mov.u32 %r0, buffer; mov.u32 %tid, %tid.x;
         setp.ne.u32 %p, %tid, 0; mad.lo.u32 %r1, %tid, 4, %r0;
         {body} ret; }}"
    ));
    let mut memory = Memory::new();
    let params = map(memory.alloc_copy(&[0; 1024]));
    module
        .launch(
            "k",
            &Launch::linear(1, threads),
            &params,
            &mut memory,
            &Options::default(),
        )
        .err()
        .map(|fault| fault.kind)
}

const LOAD: &str = "@%p bra READY; mbarrier.init.shared.b64 [barrier], 1; mbarrier.arrive.expect_tx.shared.b64 _, [barrier], 1024;
    cp.async.bulk.tensor.1d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%r0], [%m, {%c}], [barrier];
    READY: bar.sync 0;";
const WAIT: &str = "WAIT: mbarrier.try_wait.parity.shared.b64 %q, [barrier], 0; @!%q bra WAIT;";

#[test]
fn boxes_are_waited_for() {
    assert_eq!(
        tensor_fault(64, &format!("{LOAD} {WAIT} ld.shared.b32 %r2, [%r1];")),
        None
    );
    let early = tensor_fault(64, &format!("{LOAD} ld.shared.b32 %r2, [%r1]; {WAIT}"));
    assert_eq!(early, Some(FaultKind::Pending));
    // A wait may end before the phase does.
    let once = "mbarrier.try_wait.parity.shared.b64 %q, [barrier], 0;";
    let once = tensor_fault(64, &format!("{LOAD} {once} ld.shared.b32 %r2, [%r1];"));
    assert_eq!(once, Some(FaultKind::Pending));
    // A box that is loaded over what others may still read.
    let again = "@%p ret; cp.async.bulk.tensor.1d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%r0], [%m, {%c}], [barrier];";
    let over = tensor_fault(
        64,
        &format!("{LOAD} {WAIT} ld.shared.b32 %r2, [%r1+512]; {again}"),
    );
    assert_eq!(over, Some(FaultKind::Race));
    let ordered = tensor_fault(
        64,
        &format!("{LOAD} {WAIT} ld.shared.b32 %r2, [%r1+512]; bar.sync 0; {again}"),
    );
    assert_eq!(ordered, None);
}

#[test]
fn boxes_are_stored_behind_a_fence() {
    let store = |fence: &str, wait: &str| {
        tensor_fault(
            256,
            &format!(
                "st.shared.b32 [%r1], %tid; {fence} bar.sync 0; @%p bra OUT;
                 cp.async.bulk.tensor.1d.global.shared::cta.tile.bulk_group [%m, {{%c}}], [%r0]; cp.async.bulk.commit_group; {wait}
                 OUT: bar.sync 0; st.shared.b32 [%r1], 1;"
            ),
        )
    };
    let (fence, wait) = (
        "fence.proxy.async.shared::cta;",
        "cp.async.bulk.wait_group.read 0;",
    );
    assert_eq!(store(fence, wait), None);
    assert_eq!(store("", wait), Some(FaultKind::ProxyFence));
    // A fence before the barrier is of no use to who did not store; one behind it is.
    assert_eq!(
        store(
            "setp.ge.u32 %q, %tid, 32; @%q bra NEXT; fence.proxy.async; NEXT:",
            wait
        ),
        Some(FaultKind::ProxyFence)
    );
    let behind = format!("bar.sync 0; {fence} elect.sync %r5|%q, -1;");
    assert_eq!(store(&behind, wait), None);
    assert_eq!(store(fence, ""), Some(FaultKind::Pending));
    assert_eq!(
        store(fence, "cp.async.bulk.wait_group.read 1;"),
        Some(FaultKind::Pending)
    );
}

/// A product between parts of a body: before the fence, behind it, behind the commit and behind the wait.
fn product(parts: [&str; 4]) -> String {
    let list: Vec<String> = (0..4).map(|at| format!("%r{}", 20 + at)).collect();
    let list = list.join(", ");
    let [first, second, third, fourth] = parts;
    format!(
        "mov.u32 %r0, buffer; mad.lo.u32 %r1, %tid, 16, %r0; st.shared.v4.b32 [%r1], {{0, 0, 0, 0}}; st.shared.v4.b32 [%r1+2048], {{0, 0, 0, 0}};
         fence.proxy.async; bar.sync 0; setp.ne.b32 %q0, 1, 0;
         cvt.u64.u32 %rd0, %r0; shr.u64 %rd0, %rd0, 4; or.b64 %rd0, %rd0, 0x0000000800400000;
         mov.b32 %r20, 0; mov.b32 %r21, 0; mov.b32 %r22, 0; mov.b32 %r23, 0; {first}
         wgmma.fence.sync.aligned; {second}
         wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {{{list}}}, %rd0, %rd0, %q0, 1, 1, 0, 0;
         wgmma.commit_group.sync.aligned; {third}
         wgmma.wait_group.sync.aligned 0; {fourth}"
    )
}

#[test]
fn sums_are_left_alone_until_their_wait() {
    is_fine(
        128,
        BUFFER,
        &product([
            "",
            "",
            "",
            "add.f32 %r24, %r20, %r21; bar.sync 0; st.shared.b32 [%r1], 1;",
        ]),
    );
    is(
        FaultKind::Accumulator,
        128,
        BUFFER,
        &product(["", "", "add.f32 %r24, %r20, %r21;", ""]),
    );
    is(
        FaultKind::Accumulator,
        128,
        BUFFER,
        &product(["", "", "mov.b32 %r21, 0;", ""]),
    );
    is(
        FaultKind::Accumulator,
        128,
        BUFFER,
        &product(["", "add.f32 %r22, %r22, %r22;", "", ""]),
    );
    // Operands are not written while they may be read.
    is(
        FaultKind::Pending,
        128,
        BUFFER,
        &product(["", "", "bar.sync 0; st.shared.b32 [%r1], 1;", ""]),
    );
    // Nor read before stores to them are seen.
    is(
        FaultKind::ProxyFence,
        128,
        BUFFER,
        &product(["st.shared.b32 [%r1], 1; bar.sync 0;", "", "", ""]),
    );
    let late = product([
        "bar.sync 0; st.shared.b32 [%r1], 1; fence.proxy.async;",
        "",
        "",
        "",
    ]);
    let found = fault(128, BUFFER, &late).unwrap();
    assert!(
        matches!(found.kind, FaultKind::Race | FaultKind::Pending),
        "{found}"
    );
}
