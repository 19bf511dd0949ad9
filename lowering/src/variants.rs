//! Libraries with their code for several CPUs, of which a call takes the best that the machine has.
//!
//! Each variant is the whole module compiled for its CPU, with hidden functions of its own names. The first variant's module
//! has what callers see besides, compiled for the least CPU. Which is taken is asked of the processor once and kept in one
//! variable; threads that ask at the same time find the same.

use crate::entry_text::string_constant;
use dlc_abi::{cpu::VARIABLE, symbol::cpu};
use std::fmt::Write;

/// The attribute of a module that is one of several variants: its CPU.
pub const VARIANT: &str = "dl.variant";
/// The attribute of such a module with the CPUs of all, from the least.
pub const VARIANTS: &str = "dl.variants";

/// The CPUs that a library can choose among, from the least, each of which has all that those before it have.
pub const LEVELS: [&str; 4] = ["x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4"];

/// The name of a function in a variant; no function of C has such a name.
pub(crate) fn symbol(name: &str, variant: &str) -> String {
    format!("{name}.{variant}")
}

/// The function that gives the number of the variant to take.
pub fn choice(library: &str) -> String {
    format!("{library}.variant")
}

/// A name of MLIR with characters that its syntax does not take as they are.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

/// Bits that CPUID gives in ecx for 1 from the second level on: SSE3, SSSE3, CMPXCHG16B, SSE4.1, SSE4.2, POPCNT.
const V2_BASIC: u32 = 1 | 1 << 9 | 1 << 13 | 1 << 19 | 1 << 20 | 1 << 23;
/// In ecx for 0x80000001: LAHF.
const V2_MORE: u32 = 1;
/// In ecx for 1, from the third level on: FMA, MOVBE, OSXSAVE, AVX, F16C.
const V3_BASIC: u32 = 1 << 12 | 1 << 22 | 1 << 27 | 1 << 28 | 1 << 29;
/// In ebx for 7: BMI1, AVX2, BMI2.
const V3_WIDE: u32 = 1 << 3 | 1 << 5 | 1 << 8;
/// In ecx for 0x80000001: LZCNT.
const V3_MORE: u32 = 1 << 5;
/// In ebx for 7, from the fourth level on: AVX-512 F, DQ, CD, BW, VL.
const V4_WIDE: u32 = 1 << 16 | 1 << 17 | 1 << 28 | 1 << 30 | 1 << 31;
/// What the system keeps of each thread for the third level: registers of 128 and 256 bits.
const V3_KEPT: u32 = 0x6;
/// For the fourth: those of 512 bits and masks besides.
const V4_KEPT: u32 = 0xE6;

/// What CPUID gives.
const ANSWER: &str = "!llvm.struct<(i32, i32, i32, i32)>";

/// The functions that choose, as a module of its own, as it is the only one with a variable: [`choice`], and the one that
/// tells the name of what is chosen. `names` are of [`LEVELS`], in their order.
pub fn module(library: &str, names: &[String]) -> String {
    let mut text = String::new();
    for (i, name) in names.iter().enumerate() {
        text += &string_constant(&format!("@name{i}"), name);
    }
    text += &string_constant("@variable", VARIABLE);
    text += &level();
    text += SAME;
    text += &best(names);
    let count = names.len();
    let choice = quoted(&choice(library));
    let mut table = String::new();
    for i in 0..count {
        writeln!(
            table,
            "  %p{i} = llvm.mlir.addressof @name{i} : !llvm.ptr
  %t{next} = llvm.insertvalue %p{i}, %t{i}[{i}] : !llvm.array<{count} x ptr>",
            next = i + 1
        )
        .expect(WRITTEN);
    }
    // 0 is not known yet.
    write!(
        text,
        "llvm.mlir.global internal @known(0 : i32) {{addr_space = 0 : i32, alignment = 4 : i64}} : i32
llvm.func hidden @{choice}() -> i32 {{
  %zero = llvm.mlir.constant(0 : i32) : i32
  %one = llvm.mlir.constant(1 : i32) : i32
  %place = llvm.mlir.addressof @known : !llvm.ptr
  %known = llvm.load %place atomic monotonic {{alignment = 4 : i64}} : !llvm.ptr -> i32
  %is_known = llvm.icmp \"ne\" %known, %zero : i32
  llvm.cond_br %is_known, ^give(%known : i32), ^ask
^ask:
  %best = llvm.call @best() : () -> i32
  %next = llvm.add %best, %one : i32
  llvm.store %next, %place atomic monotonic {{alignment = 4 : i64}} : i32, !llvm.ptr
  llvm.br ^give(%next : i32)
^give(%value: i32):
  %number = llvm.sub %value, %one : i32
  llvm.return %number : i32
}}
llvm.mlir.global internal constant @names() : !llvm.array<{count} x ptr> {{
  %t0 = llvm.mlir.poison : !llvm.array<{count} x ptr>
{table}  llvm.return %t{count} : !llvm.array<{count} x ptr>
}}
llvm.func @{}() -> !llvm.ptr {{
  %number = llvm.call @{choice}() : () -> i32
  %names = llvm.mlir.addressof @names : !llvm.ptr
  %at = llvm.getelementptr %names[0, %number] : (!llvm.ptr, i32) -> !llvm.ptr, !llvm.array<{count} x ptr>
  %name = llvm.load %at : !llvm.ptr -> !llvm.ptr
  llvm.return %name : !llvm.ptr
}}
",
        cpu(library)
    )
    .expect(WRITTEN);
    text
}

const WRITTEN: &str = "writing to a string succeeds";

/// Whether two texts are the same.
const SAME: &str = "llvm.func internal @same(%a: !llvm.ptr, %b: !llvm.ptr) -> i1 {
  %zero = llvm.mlir.constant(0 : i64) : i64
  %one = llvm.mlir.constant(1 : i64) : i64
  %end = llvm.mlir.constant(0 : i8) : i8
  %yes = llvm.mlir.constant(true) : i1
  %no = llvm.mlir.constant(false) : i1
  llvm.br ^next(%zero : i64)
^next(%i: i64):
  %p = llvm.getelementptr %a[%i] : (!llvm.ptr, i64) -> !llvm.ptr, i8
  %q = llvm.getelementptr %b[%i] : (!llvm.ptr, i64) -> !llvm.ptr, i8
  %x = llvm.load %p : !llvm.ptr -> i8
  %y = llvm.load %q : !llvm.ptr -> i8
  %like = llvm.icmp \"eq\" %x, %y : i8
  llvm.cond_br %like, ^more, ^give(%no : i1)
^more:
  %over = llvm.icmp \"eq\" %x, %end : i8
  %j = llvm.add %i, %one : i64
  llvm.cond_br %over, ^give(%yes : i1), ^next(%j : i64)
^give(%result: i1):
  llvm.return %result : i1
}
";

/// The function that gives the level of the processor, its place in [`LEVELS`].
fn level() -> String {
    let mut code = String::new();
    let mut constant = |name: &str, value: u32| {
        let value = value as i32;
        writeln!(code, "  %{name} = llvm.mlir.constant({value} : i32) : i32").expect(WRITTEN);
    };
    for (name, value) in [
        ("v2_basic", V2_BASIC),
        ("v2_more", V2_MORE),
        ("v3_basic", V3_BASIC),
        ("v3_wide", V3_WIDE),
        ("v3_more", V3_MORE),
        ("v3_kept", V3_KEPT),
        ("v4_wide", V4_WIDE),
        ("v4_kept", V4_KEPT),
        ("zero", 0),
        ("one", 1),
        ("seven", 7),
        ("extended", 0x8000_0000),
        ("features", 0x8000_0001),
        ("osxsave", 1 << 27),
    ] {
        constant(name, value);
    }
    let has = |level: &str, tests: &[(&str, &str)]| {
        let mut text = String::new();
        let mut all = String::new();
        for (i, (value, mask)) in tests.iter().enumerate() {
            writeln!(
                text,
                "  %{level}_bits{i} = llvm.and %{value}, %{mask} : i32
  %{level}_has{i} = llvm.icmp \"eq\" %{level}_bits{i}, %{mask} : i32"
            )
            .expect(WRITTEN);
            all = match i {
                0 => format!("%{level}_has0"),
                _ => {
                    writeln!(
                        text,
                        "  %{level}_all{i} = llvm.and {all}, %{level}_has{i} : i1"
                    )
                    .expect(WRITTEN);
                    format!("%{level}_all{i}")
                }
            };
        }
        (text, all)
    };
    let (second, is_second) = has("v2", &[("basic", "v2_basic"), ("more", "v2_more")]);
    let (third, is_third) = has(
        "v3",
        &[
            ("basic", "v3_basic"),
            ("wide", "v3_wide"),
            ("more", "v3_more"),
            ("kept", "v3_kept"),
        ],
    );
    let (fourth, is_fourth) = has("v4", &[("wide", "v4_wide"), ("kept", "v4_kept")]);
    format!(
        "llvm.func internal @cpuid(%leaf: i32) -> {ANSWER} {{
  %zero = llvm.mlir.constant(0 : i32) : i32
  %answer = llvm.inline_asm has_side_effects asm_dialect = att \"cpuid\", \"={{ax}},={{bx}},={{cx}},={{dx}},{{ax}},{{cx}},~{{dirflag}},~{{fpsr}},~{{flags}}\" %leaf, %zero : (i32, i32) -> {ANSWER}
  llvm.return %answer : {ANSWER}
}}
llvm.func internal @level() -> i32 {{
{code}  %0 = llvm.call @cpuid(%zero) : (i32) -> {ANSWER}
  %last = llvm.extractvalue %0[0] : {ANSWER}
  %1 = llvm.call @cpuid(%one) : (i32) -> {ANSWER}
  %basic = llvm.extractvalue %1[2] : {ANSWER}
  %2 = llvm.call @cpuid(%seven) : (i32) -> {ANSWER}
  %seventh = llvm.extractvalue %2[1] : {ANSWER}
  %has_seventh = llvm.icmp \"uge\" %last, %seven : i32
  %wide = llvm.select %has_seventh, %seventh, %zero : i1, i32
  %3 = llvm.call @cpuid(%extended) : (i32) -> {ANSWER}
  %last_extended = llvm.extractvalue %3[0] : {ANSWER}
  %4 = llvm.call @cpuid(%features) : (i32) -> {ANSWER}
  %featured = llvm.extractvalue %4[2] : {ANSWER}
  %has_features = llvm.icmp \"uge\" %last_extended, %features : i32
  %more = llvm.select %has_features, %featured, %zero : i1, i32
  %saves = llvm.and %basic, %osxsave : i32
  %keeps = llvm.icmp \"ne\" %saves, %zero : i32
  llvm.cond_br %keeps, ^read, ^count(%zero : i32)
^read:
  %read = llvm.inline_asm has_side_effects asm_dialect = att \"xgetbv\", \"={{ax}},={{dx}},{{cx}},~{{dirflag}},~{{fpsr}},~{{flags}}\" %zero : (i32) -> !llvm.struct<(i32, i32)>
  %low = llvm.extractvalue %read[0] : !llvm.struct<(i32, i32)>
  llvm.br ^count(%low : i32)
^count(%kept: i32):
{second}{third}{fourth}  %to_third = llvm.and {is_second}, {is_third} : i1
  %to_fourth = llvm.and %to_third, {is_fourth} : i1
  %a = llvm.zext {is_second} : i1 to i32
  %b = llvm.zext %to_third : i1 to i32
  %c = llvm.zext %to_fourth : i1 to i32
  %ab = llvm.add %a, %b : i32
  %abc = llvm.add %ab, %c : i32
  llvm.return %abc : i32
}}
"
    )
}

/// The function that gives the last variant that the processor has all for, and that the environment does not forbid: it may
/// name one that is the last to take.
fn best(names: &[String]) -> String {
    let mut text = String::from(
        "llvm.func extern_weak @getenv(!llvm.ptr) -> !llvm.ptr
llvm.func internal @best() -> i32 {
  %null = llvm.mlir.zero : !llvm.ptr
  %level = llvm.call @level() : () -> i32
  %best0 = llvm.mlir.constant(0 : i32) : i32
",
    );
    for (i, name) in names.iter().enumerate().skip(1) {
        let level = LEVELS.iter().position(|level| level == name);
        let level = level.expect("variants are levels");
        writeln!(
            text,
            "  %level{i} = llvm.mlir.constant({level} : i32) : i32
  %number{i} = llvm.mlir.constant({i} : i32) : i32
  %has{i} = llvm.icmp \"sge\" %level, %level{i} : i32
  %best{i} = llvm.select %has{i}, %number{i}, %best{before} : i1, i32",
            before = i - 1
        )
        .expect(WRITTEN);
    }
    let last = names.len() - 1;
    write!(
        text,
        "  %environment = llvm.mlir.addressof @getenv : !llvm.ptr
  %can_ask = llvm.icmp \"ne\" %environment, %null : !llvm.ptr
  llvm.cond_br %can_ask, ^ask, ^give(%best{last} : i32)
^ask:
  %variable = llvm.mlir.addressof @variable : !llvm.ptr
  %wanted = llvm.call %environment(%variable) : !llvm.ptr, (!llvm.ptr) -> !llvm.ptr
  %is_set = llvm.icmp \"ne\" %wanted, %null : !llvm.ptr
  llvm.cond_br %is_set, ^compare, ^give(%best{last} : i32)
^compare:
"
    )
    .expect(WRITTEN);
    let mut most = format!("%best{last}");
    for i in 0..=last {
        write!(
            text,
            "  %name{i} = llvm.mlir.addressof @name{i} : !llvm.ptr
  %same{i} = llvm.call @same(%wanted, %name{i}) : (!llvm.ptr, !llvm.ptr) -> i1
  %only{i} = llvm.mlir.constant({i} : i32) : i32
  %bound{i} = llvm.intr.smin({most}, %only{i}) : (i32, i32) -> i32
  %most{i} = llvm.select %same{i}, %bound{i}, {most} : i1, i32
"
        )
        .expect(WRITTEN);
        most = format!("%most{i}");
    }
    text + &format!(
        "  llvm.br ^give({most} : i32)
^give(%result: i32):
  llvm.return %result : i32
}}
"
    )
}
