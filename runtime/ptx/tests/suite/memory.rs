//! Loads, stores, atomics, variables, and the memory seen from the host.

use dlc_ptx::{Launch, Memory, Options};
use half::f16;

use crate::common::{
    float_bytes, floats, kernel, module, outputs, pointers, run_block, word_bytes, words,
};

#[test]
fn the_host_copies_and_frees() {
    let mut memory = Memory::new();
    let a = memory.alloc(100);
    let b = memory.alloc_copy(&[1, 2, 3]);
    assert!(a.is_multiple_of(256) && b.is_multiple_of(256) && b >= a + 100);
    memory.write(a + 96, &[4, 5, 6, 7]).unwrap();
    assert_eq!(memory.read(a + 95, 5).unwrap(), [0xff, 4, 5, 6, 7]);
    memory.fill(a, 9, 2).unwrap();
    assert_eq!(memory.read(a, 3).unwrap(), [9, 9, 0xff]);
    let error = memory.write(a + 97, &[0; 4]).unwrap_err().to_string();
    assert!(
        error.contains("offset 97 in the allocation of 100 bytes"),
        "{error}"
    );
    let error = memory.read(b - 8, 4).unwrap_err().to_string();
    assert!(
        error.contains("8 bytes before the allocation of 3 bytes"),
        "{error}"
    );
    memory.free(b).unwrap();
    assert!(memory.free(b).is_err());
    let error = memory.read(b, 1).unwrap_err().to_string();
    assert!(error.contains("freed"), "{error}");
}

#[test]
fn vectors_and_small_types() {
    let module = kernel(
        2,
        "",
        "mad.wide.u32 %rd0, %tid, 16, %p1; mad.wide.u32 %rd1, %tid, 32, %p0;
         ld.global.nc.v4.b32 {%r0, %r1, %r2, %r3}, [%rd0];
         st.global.v4.b32 [%rd1], {%r3, %r2, %r1, %r0};
         ld.global.v2.b64 {%rd2, %rd3}, [%rd0];
         xor.b64 %rd2, %rd2, %rd3;
         ld.global.s8 %r4, [%rd0+3]; ld.global.u8 %r5, [%rd0+3]; ld.global.s16 %r6, [%rd0+6];
         sub.s32 %r4, %r5, %r4; st.global.b32 [%rd1+16], %r4; st.global.b32 [%rd1+20], %r6;
         st.global.b64 [%rd1+24], %rd2; st.global.u8 [%rd1+24], %r5;",
    );
    let input: Vec<u32> = (0..128u32).map(|at| at.wrapping_mul(0x9e37_79b9)).collect();
    let bytes = outputs(&module, &Launch::linear(1, 32), 1024, &[word_bytes(&input)]);
    for (thread, found) in words(&bytes).chunks(8).enumerate() {
        let row = &input[4 * thread..4 * thread + 4];
        assert_eq!(found[..4], [row[3], row[2], row[1], row[0]]);
        assert_eq!(found[4], if row[0] >> 31 == 1 { 256 } else { 0 });
        assert_eq!(found[5], (row[1] >> 16) as i16 as u32);
        assert_eq!(found[6], (row[0] ^ row[2]) & !0xff | row[0] >> 24);
        assert_eq!(found[7], row[1] ^ row[3]);
    }
}

#[test]
fn tables_and_variables() {
    let module = module(
        ".const .align 4 .b32 table[4] = {10, 20, 30, 40};
         .global .align 8 .u64 pointer = generic(values+4);
         .global .align 4 .b8 values[8] = {1, 2, 3, 4, 5, 6, 7, 8};
         .visible .global .align 4 .u32 calls;
         .visible .entry k(.param .u64 p0) {
           .reg .b32 %r<9>; .reg .b64 %rd<9>;
           mov.u32 %r0, %tid.x;
           and.b32 %r1, %r0, 3;
           mul.wide.u32 %rd0, %r1, 4;
           mov.u64 %rd1, table;
           add.u64 %rd1, %rd1, %rd0;
           ld.const.b32 %r2, [%rd1];
           ld.const.b32 %r7, [table+4];
           ld.global.u64 %rd2, [pointer];
           ld.u8 %r3, [%rd2+1];
           atom.global.add.u32 %r4, [calls], 1;
           mad.lo.u32 %r2, %r3, 1000, %r2;
           add.u32 %r2, %r2, %r7;
           ld.param.u64 %rd3, [p0];
           mad.wide.u32 %rd4, %r0, 4, %rd3;
           st.global.b32 [%rd4], %r2;
           bar.sync 0;
           ld.relaxed.gpu.global.u32 %r5, [calls];
           st.global.b32 [%rd3+128], %r5;
           ret; }",
    );
    let mut memory = Memory::new();
    let output = memory.alloc(132);
    for run in 1..3u32 {
        run_block(&module, 32, &[output], &mut memory).unwrap_or_else(|fault| panic!("{fault}"));
        let found = words(&memory.read(output, 132).unwrap());
        for (thread, found) in found[..32].iter().enumerate() {
            assert_eq!(*found as usize, 6000 + 20 + 10 * (thread % 4 + 1));
        }
        // Variables keep their values from launch to launch.
        assert_eq!(found[32], 32 * run);
    }
}

#[test]
fn local_memory_is_each_threads_own() {
    let module = kernel(
        1,
        ".local .align 8 .b8 __local_depot0[64]; .reg .b64 %SP, %SPL;",
        "mov.u64 %SPL, __local_depot0; cvta.local.u64 %SP, %SPL;
         st.local.b32 [%SPL+8], %tid;
         add.u64 %rd0, %SP, 8; ld.b32 %r0, [%rd0];
         cvta.to.local.u64 %rd1, %rd0; ld.local.b32 %r1, [%rd1];
         isspacep.local %q0, %rd0; isspacep.shared %q1, %rd0;
         add.u32 %r2, %r0, %r1; @%q0 add.u32 %r2, %r2, 1000; @%q1 add.u32 %r2, %r2, 5000;
         mad.wide.u32 %rd2, %tid, 4, %p0; st.global.b32 [%rd2], %r2;",
    );
    let found = words(&outputs(&module, &Launch::linear(1, 64), 256, &[]));
    for (thread, found) in found.iter().enumerate() {
        assert_eq!(*found as usize, 1000 + 2 * thread);
    }
}

#[test]
fn shared_memory_of_all_kinds() {
    let module = module(
        ".extern .shared .align 1024 .b8 dynamic[];
         .shared .align 4 .b8 fixed[12];
         .visible .entry k(.param .u64 p0) {
           .reg .b32 %r<9>; .reg .b64 %rd<9>;
           mov.u32 %r1, dynamic; mov.u64 %rd1, fixed; cvta.shared.u64 %rd2, %rd1;
           st.b32 [%rd2+4], 7; st.shared.b32 [dynamic+4092], 8;
           ld.shared.b32 %r2, [fixed+4]; ld.shared.b32 %r3, [%r1+4092];
           mov.u32 %r4, %dynamic_smem_size;
           ld.param.u64 %rd3, [p0]; and.b32 %r1, %r1, 1023;
           st.global.v4.b32 [%rd3], {%r1, %r2, %r3, %r4};
           ret; }",
    );
    let launch = Launch::linear(1, 1).with_shared(4096);
    assert_eq!(words(&outputs(&module, &launch, 16, &[])), [0, 7, 8, 4096]);
}

#[test]
fn parameters_of_all_sizes() {
    let module = module(
        ".visible .entry k(.param .u8 a, .param .f32 b, .param .align 16 .b8 c[20], .param .u64 d) {
           .reg .b32 %r<9>; .reg .b64 %rd<9>;
           ld.param.u8 %r1, [a]; ld.param.f32 %r2, [b]; ld.param.b32 %r3, [c+16];
           mov.b64 %rd1, c; cvta.param.u64 %rd2, %rd1; ld.b32 %r4, [%rd2+4];
           ld.param.u64 %rd3, [d]; cvta.to.global.u64 %rd3, %rd3;
           st.global.v4.b32 [%rd3], {%r1, %r2, %r3, %r4};
           ret; }",
    );
    let entry = module.entry("k").unwrap();
    let offsets: Vec<usize> = entry.params().iter().map(|param| param.offset).collect();
    assert_eq!(offsets, [0, 4, 16, 40]);
    assert_eq!((entry.param_bytes(), module.target()), (48, "sm_90a"));
    let mut memory = Memory::new();
    let output = memory.alloc(16);
    let mut params = vec![0; 48];
    params[0] = 200;
    params[4..8].copy_from_slice(&1.5f32.to_le_bytes());
    params[20] = 4;
    params[32] = 5;
    params[40..].copy_from_slice(&output.to_le_bytes());
    module
        .launch(
            "k",
            &Launch::linear(1, 1),
            &params,
            &mut memory,
            &Options::default(),
        )
        .unwrap();
    let found = words(&memory.read(output, 16).unwrap());
    assert_eq!(found, [200, 1.5f32.to_bits(), 5, 4]);
}

#[test]
fn atomics() {
    let module = kernel(
        1,
        "",
        "mov.u32 %r20, %ctaid.x; mad.lo.u32 %r0, %r20, 64, %tid;
         atom.global.add.u32 %r1, [%p0], 1;
         red.global.max.u32 [%p0+4], %r0;
         red.global.min.s32 [%p0+8], %r0;
         shl.b32 %r2, 1, %lane; atom.global.or.b32 %r3, [%p0+12], %r2;
         red.global.xor.b32 [%p0+16], %r0;
         atom.global.inc.u32 %r4, [%p0+20], 9;
         atom.global.dec.u32 %r4, [%p0+24], 9;
         red.global.add.f32 [%p0+28], 0f3F000000;
         red.global.add.u64 [%p0+32], 0x100000000;
         red.global.add.noftz.f16x2 [%p0+40], 0x3C003C00;
         atom.global.exch.b32 %r5, [%p0+44], 7;
         TRY: ld.relaxed.gpu.global.b32 %r6, [%p0+48]; add.u32 %r7, %r6, 3;
         atom.global.cas.b32 %r8, [%p0+48], %r6, %r7;
         setp.ne.b32 %q0, %r8, %r6; @%q0 bra TRY;",
    );
    let mut memory = Memory::new();
    let output = memory.alloc_copy(&word_bytes(&[0, 0, 500, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
    let launch = Launch::linear(3, 64);
    let options = Options {
        seed: 7,
        ..Options::default()
    };
    module
        .launch("k", &launch, &pointers(&[output]), &mut memory, &options)
        .unwrap_or_else(|fault| panic!("{fault}"));
    let found = words(&memory.read(output, 52).unwrap());
    let xor = (0..192u32).fold(0, |all, at| all ^ at);
    assert_eq!(found[..5], [192, 191, 0, u32::MAX, xor]);
    // Counters of ten steps: 192 up, and 192 down from the top, which the first step reaches.
    assert_eq!(found[5..7], [192 % 10, 9 - 191 % 10]);
    assert_eq!(f32::from_bits(found[7]), 96.0);
    assert_eq!(found[8..10], [0, 192]);
    let half = f16::from_bits(found[10] as u16).to_f32();
    assert_eq!((half, found[10] >> 16), (192.0, found[10] & 0xffff));
    assert_eq!(found[11..], [7, 3 * 192]);
}

#[test]
fn atomics_in_shared_memory() {
    let module = kernel(
        1,
        ".shared .align 4 .b8 sum[4];",
        "setp.ne.u32 %q0, %tid, 0; @!%q0 st.shared.b32 [sum], 0;
         bar.sync 0;
         atom.shared.add.u32 %r1, [sum], %tid;
         bar.sync 0;
         ld.shared.b32 %r2, [sum]; mad.wide.u32 %rd0, %tid, 4, %p0; st.global.b32 [%rd0], %r2;",
    );
    let found = words(&outputs(&module, &Launch::linear(1, 128), 512, &[]));
    assert!(found.iter().all(|found| *found == 127 * 64));
}

#[test]
fn reports_count() {
    let module = kernel(
        2,
        ".shared .align 16 .b8 buffer[4096];",
        "mad.wide.u32 %rd0, %tid, 4, %p1; ld.global.f32 %r0, [%rd0];
         mov.u32 %r1, buffer; mad.lo.u32 %r2, %tid, 128, %r1; st.shared.f32 [%r2], %r0;
         mad.wide.u32 %rd1, %tid, 4, %p0; st.global.f32 [%rd1], %r0;",
    );
    let mut memory = Memory::new();
    let output = memory.alloc(128);
    let input = memory.alloc_copy(&float_bytes(&[1.0; 32]));
    let report = run_block(&module, 32, &[output, input], &mut memory).unwrap();
    assert_eq!((report.global_read, report.global_written), (128, 128));
    // Four sectors each way; all 32 lanes store to the same bank.
    assert_eq!((report.global_sectors, report.bank_conflicts), (8, 31));
    assert_eq!(report.thread_instructions, 32 * report.warp_instructions);
    assert_eq!(floats(&memory.read(output, 128).unwrap()), [1.0; 32]);
}

#[test]
fn loads_of_matrices_meet_in_banks() {
    // Rows of 16 bytes at the first pitch lie in all banks, at the second one in the same four.
    for (pitch, conflicts) in [(16, 0), (128, 7)] {
        let module = kernel(
            0,
            ".shared .align 16 .b8 buffer[4096];",
            &format!(
                "mov.u32 %r1, buffer; mad.lo.u32 %r2, %tid, {pitch}, %r1; mov.u32 %r3, 0;
                 st.shared.v4.b32 [%r2], {{%r3, %r3, %r3, %r3}};
                 bar.sync 0;
                 and.b32 %r4, %tid, 7; mad.lo.u32 %r2, %r4, {pitch}, %r1;
                 ldmatrix.sync.aligned.m8n8.x1.shared.b16 {{%r5}}, [%r2];"
            ),
        );
        let report = run_block(&module, 32, &[], &mut Memory::new()).unwrap();
        // The stores of a quarter of a warp meet as the rows do.
        assert_eq!(report.bank_conflicts, 4 * conflicts + conflicts);
    }
}
