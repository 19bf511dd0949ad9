//! Text that is broken in random places: an error or a fault, never a panic.

use dlc_ptx::{Launch, Memory, Module, Options};

use crate::common::{Random, pointers};

const TEXT: &str = ".version 8.3\n.target sm_90a\n.address_size 64\n
.const .align 4 .b32 table[4] = {1, 2, 3, 4};
.extern .shared .align 128 .b8 dynamic[];
.func (.param .b32 r) f(.param .b32 a) { .reg .b32 %r<3>; ld.param.b32 %r1, [a]; mul.wide.u16 %r2, 3, 4; add.s32 %r2, %r2, %r1; st.param.b32 [r], %r2; ret; }
.visible .entry k(.param .u64 p0, .param .u64 p1) .maxntid 64, 1, 1 {
.reg .b64 %rd<9>; .reg .b32 %r<32>; .reg .b16 %h<4>; .reg .pred %p<4>; .shared .align 8 .b8 barrier[8]; .local .align 4 .b8 depot[16];
mov.u32 %r0, %tid.x; ld.param.u64 %rd0, [p0]; mad.wide.u32 %rd1, %r0, 16, %rd0;
setp.ne.u32 %p0, %r0, 0; @!%p0 mbarrier.init.shared.b64 [barrier], 64; bar.sync 0;
mov.u32 %r1, dynamic; mad.lo.u32 %r2, %r0, 16, %r1;
cp.async.cg.shared.global [%r2], [%rd1], 16; cp.async.commit_group; cp.async.wait_group 0; bar.sync 0;
mbarrier.arrive.shared.b64 %rd5, [barrier];
W: mbarrier.try_wait.parity.shared.b64 %p1, [barrier], 0; @!%p1 bra W;
ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r4, %r5, %r6, %r7}, [%r2];
mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%r8, %r9, %r10, %r11}, {%r4, %r5, %r6, %r7}, {%r4, %r5}, {0f00000000, 0f3F800000, %r9, %r9};
shfl.sync.bfly.b32 %r12|%p2, %r8, 1, 31, -1; bfe.u32 %r13, %r12, %r0, 8; shf.l.wrap.b32 %r14, %r12, %r13, %r0;
{ .param .b32 x; .param .b32 y; st.param.b32 [x], %r14; call.uni (y), f, (x); ld.param.b32 %r15, [y]; }
and.b32 %r16, %r0, 3; T: .branchtargets A, B; setp.gt.u32 %p3, %r16, 1; selp.b32 %r17, 1, 0, %p3; brx.idx %r17, T;
A: st.local.b32 [depot+4], %r15; B: div.s32 %r18, %r15, %r16; cvt.rn.f16x2.f32 %r19, %r15, %r14; mov.b32 {%h0, %h1}, %r19;
ld.param.u64 %rd2, [p1]; mul.wide.u32 %rd3, %r0, 4; add.s64 %rd3, %rd2, %rd3; st.global.b32 [%rd3], %r18; atom.global.add.u32 %r20, [%rd2+256], 1;
ret; }";

fn try_all(text: &str) -> bool {
    let Ok(module) = Module::parse(text) else {
        return false;
    };
    let mut memory = Memory::new();
    let params = pointers(&[memory.alloc_copy(&[1; 1024]), memory.alloc_copy(&[0; 260])]);
    let options = Options {
        max_instructions: 4000,
        seed: text.len() as u64,
        ..Options::default()
    };
    let launch = Launch::linear(1, 64).with_shared(1024);
    let run = module.launch("k", &launch, &params, &mut memory, &options);
    run.is_ok()
}

#[test]
fn broken_text_does_not_panic() {
    assert!(try_all(TEXT));
    let words: Vec<&str> = TEXT
        .split_inclusive(|c: char| !c.is_ascii_alphanumeric())
        .collect();
    let mut random = Random(77);
    let mut good = 0;
    for _ in 0..3000 {
        let mut words = words.clone();
        for _ in 0..=random.below(3) {
            let at = random.below(words.len() as u64) as usize;
            let other = random.below(words.len() as u64) as usize;
            match random.below(3) {
                0 => words.swap(at, other),
                1 => words[at] = words[other],
                _ => words[at] = "",
            }
        }
        good += usize::from(try_all(&words.concat()));
    }
    // Some changes change nothing that matters.
    assert!(good < 1500, "{good} of 3000 broken texts run");
}

#[test]
fn depth_and_size_are_limited() {
    let fails = |text: &str| Module::parse(text).unwrap_err().message;
    let head = ".version 8.0\n.target sm_80\n.address_size 64\n";
    assert!(fails(&format!("{head}.entry k() {{ {}", "{".repeat(100_000))).contains("too deep"));
    let calls: String = (0..40)
        .map(|at| format!(".func f{at}() {{ call f{}; call f{}; }}\n", at + 1, at + 1))
        .collect();
    let text = format!("{head}{calls}.func f40() {{ ret; }} .entry k() {{ call f0; }}");
    assert!(fails(&text).contains("too many calls"));
    let text = format!("{head}.func f() {{ call f; }} .entry k() {{ call f; }}");
    assert!(fails(&text).contains("calls itself"));
    let text = format!("{head}.entry k() {{ .local .b8 depot[100000000]; ret; }}");
    assert!(fails(&text).contains("bytes of local memory"));
}
