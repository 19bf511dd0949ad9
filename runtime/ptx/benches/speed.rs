//! How many instructions of threads the interpreter executes in a second.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dlc_ptx::{Launch, Memory, Module, Options};

const HEADER: &str = ".version 8.0\n.target sm_80\n.address_size 64\n";

/// Multiply-adds in registers.
const REGISTERS: &str = ".visible .entry k(.param .u64 p) {
    .reg .b32 %r<8>; .reg .b64 %rd<3>; .reg .pred %p;
    mov.u32 %r1, %tid.x; mov.b32 %r2, 0; mov.b32 %r3, 0f3F800000;
    LOOP: fma.rn.f32 %r3, %r3, 0f3F7FFFFE, 0f3F000000;
    mul.rn.f32 %r4, %r3, 0f3F000000; max.f32 %r3, %r3, %r4;
    add.u32 %r2, %r2, 1; setp.lt.u32 %p, %r2, 200; @%p bra LOOP;
    ld.param.u64 %rd1, [p]; mad.wide.u32 %rd2, %r1, 4, %rd1; st.global.b32 [%rd2], %r3; ret; }";

/// Each thread adds up what all threads of its block have written to shared memory.
const SHARED: &str = ".visible .entry k(.param .u64 p) {
    .reg .b32 %r<8>; .reg .b64 %rd<3>; .reg .pred %p; .shared .align 4 .b8 buffer[1024];
    mov.u32 %r1, %tid.x; mov.u32 %r2, buffer; mad.lo.u32 %r3, %r1, 4, %r2; st.shared.b32 [%r3], %r1;
    bar.sync 0;
    mov.b32 %r4, 0; add.u32 %r6, %r2, 1024;
    LOOP: ld.shared.b32 %r5, [%r2]; add.u32 %r4, %r4, %r5;
    add.u32 %r2, %r2, 4; setp.lt.u32 %p, %r2, %r6; @%p bra LOOP;
    ld.param.u64 %rd1, [p]; mad.wide.u32 %rd2, %r1, 4, %rd1; st.global.b32 [%rd2], %r4; ret; }";

fn speed(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("instructions of threads");
    for (name, text) in [("registers", REGISTERS), ("shared memory", SHARED)] {
        let module = Module::parse(&format!("{HEADER}{text}")).expect("the text is right");
        let mut memory = Memory::new();
        let params = memory.alloc(1024).to_le_bytes();
        let mut run = || {
            module
                .launch(
                    "k",
                    &Launch::linear(1, 256),
                    &params,
                    &mut memory,
                    &Options::default(),
                )
                .expect("the kernel has no fault")
        };
        group.throughput(Throughput::Elements(run().thread_instructions));
        group.bench_function(name, |bencher| bencher.iter(&mut run));
    }
    group.finish();
}

criterion_group!(benches, speed);
criterion_main!(benches);
