//! Runs contractions of every layout, of awkward sizes and of every type through `emit-matmul` and compares with sums
//! in f64.

mod numbers;

use crate::jit::{self, Memref};
use melior::ExecutionEngine;
use numbers::{DOUBLES, Number, SINGLES, Types};

const PIPELINE: &str = "builtin.module(emit-matmul,canonicalize,cse,convert-linalg-to-loops,func.func(expand-math),\
    arith-expand{include-bf16=true},convert-scf-to-cf,expand-strided-metadata,lower-affine,convert-vector-to-llvm,\
    finalize-memref-to-llvm,convert-arith-to-llvm,convert-index-to-llvm,convert-cf-to-llvm,convert-func-to-llvm,\
    reconcile-unrealized-casts,bf16-as-bits)";

/// Whether this machine has the instructions that a test is about; no other can stand for them.
macro_rules! has {
    ($feature:tt) => {{
        #[cfg(target_arch = "x86_64")]
        let has = std::is_x86_feature_detected!($feature);
        #[cfg(not(target_arch = "x86_64"))]
        let has = false;
        has
    }};
}

/// Letters of the axes of both inputs and the result.
struct Case {
    name: &'static str,
    axes: [&'static str; 3],
    emitted: bool,
}

const fn case(name: &'static str, a: &'static str, b: &'static str, c: &'static str) -> Case {
    Case {
        name,
        axes: [a, b, c],
        emitted: true,
    }
}

const CASES: &[Case] = &[
    case("nn", "mk", "kn", "mn"),
    case("tn", "km", "kn", "mn"),
    case("nt", "mk", "nk", "mn"),
    case("tt", "km", "nk", "mn"),
    case("swapped", "mk", "kn", "nm"),
    case("batch", "bmk", "bkn", "bmn"),
    case("heads", "bhmk", "bhnk", "bhmn"),
    case("batch_inside", "mbk", "nbk", "bmn"),
    case("dense", "bmk", "kn", "bmn"),
    case("weights", "bmk", "bmn", "kn"),
    case("crossed_sums", "bkm", "kbn", "mn"),
    case("matrix_vector", "mk", "k", "m"),
    case("vector_matrix", "k", "kn", "n"),
    case("outer", "m", "n", "mn"),
    Case {
        name: "batch_innermost",
        axes: ["mkb", "knb", "mnb"],
        emitted: false,
    },
    Case {
        name: "dot",
        axes: ["k", "k", ""],
        emitted: false,
    },
];

const LETTERS: &str = "bhmnk";

/// Sizes of b, h, m, n, k.
const SIZES: &[[i64; 5]] = &[
    [2, 2, 5, 7, 3],
    [1, 3, 13, 33, 17],
    [3, 1, 12, 32, 40],
    [2, 1, 25, 16, 64],
    [1, 1, 1, 50, 9],
    [1, 2, 9, 1, 33],
    [2, 1, 30, 70, 300],
    [1, 1, 4, 530, 20],
    [2, 2, 0, 5, 4],
    [2, 2, 4, 0, 5],
    [2, 2, 4, 5, 0],
    [0, 1, 4, 5, 6],
];

fn function(case: &Case, types: &Types, sizes: Option<&[i64; 5]>) -> String {
    let size = |letter: char| match sizes {
        Some(sizes) => sizes[LETTERS.find(letter).expect("one of the letters")].to_string(),
        None => "?".to_string(),
    };
    let memref = |axes: &str, ty: &str| {
        let dims: String = axes
            .chars()
            .map(|letter| format!("{}x", size(letter)))
            .collect();
        format!("memref<{dims}{ty}>")
    };
    let used: Vec<char> = LETTERS
        .chars()
        .filter(|l| case.axes.iter().any(|axes| axes.contains(*l)))
        .collect();
    let list = |letters: &mut dyn Iterator<Item = char>| {
        letters.map(String::from).collect::<Vec<_>>().join(", ")
    };
    let dims = list(&mut used.iter().copied());
    let maps = case
        .axes
        .map(|axes| format!("affine_map<({dims}) -> ({})>", list(&mut axes.chars())));
    let kind = |letter: &char| match case.axes[2].contains(*letter) {
        true => "\"parallel\"",
        false => "\"reduction\"",
    };
    let kinds: Vec<_> = used.iter().map(kind).collect();
    let [a, b, c] = [0, 1, 2].map(|i| memref(case.axes[i], types.stored[i]));
    let [x, y, sum] = types.stored;
    let factor = |from: &str, ty: &str, to: &str, widening: &str| match widening {
        "" => (String::new(), from.to_string()),
        op => (
            format!("{to} = {op} {from} : {ty} to {sum}\n"),
            to.to_string(),
        ),
    };
    let (widen_x, left) = factor("%x", x, "%wx", types.widening[0]);
    let (widen_y, right) = factor("%y", y, "%wy", types.widening[1]);
    let [zero, times, plus] = types.arithmetic;
    format!(
        "func.func @{}(%a: {a}, %b: {b}, %c: {c}) attributes {{llvm.emit_c_interface}} {{
           %z = arith.constant {zero} : {sum}
           linalg.fill ins(%z : {sum}) outs(%c : {c})
           linalg.generic {{indexing_maps = [{}], iterator_types = [{}], dl.contraction}}
               ins(%a, %b : {a}, {b}) outs(%c : {c}) {{
           ^bb0(%x: {x}, %y: {y}, %s: {sum}):
             {widen_x}{widen_y}%p = {times} {left}, {right} : {sum}
             %q = {plus} %s, %p : {sum}
             linalg.yield %q : {sum}
           }}
           return
         }}\n",
        case.name,
        maps.join(", "),
        kinds.join(", "),
    )
}

fn module(target: &str, functions: &str) -> String {
    format!("module attributes {{dl.target = {target}}} {{ {functions} }}")
}

fn shape(axes: &str, sizes: &[i64; 5]) -> Vec<i64> {
    axes.chars()
        .map(|l| sizes[LETTERS.find(l).expect("one of the letters")])
        .collect()
}

/// How far apart the neighbours along each letter are.
fn strides(axes: &str, sizes: &[i64; 5]) -> [i64; 5] {
    let mut strides = [0; 5];
    let mut stride = 1;
    for letter in axes.chars().rev() {
        let letter = LETTERS.find(letter).expect("one of the letters");
        strides[letter] = stride;
        stride *= sizes[letter];
    }
    strides
}

fn check<A: Number, B: Number, C: Number>(engine: &ExecutionEngine, case: &Case, sizes: &[i64; 5]) {
    let shapes = case.axes.map(|axes| shape(axes, sizes));
    let mut state = 88172645463325252u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    };
    let count = |shape: &[i64]| shape.iter().product::<i64>() as usize;
    let mut a: Vec<A> = (0..count(&shapes[0])).map(|_| A::of(random())).collect();
    let mut b: Vec<B> = (0..count(&shapes[1])).map(|_| B::of(random())).collect();
    // What is not written, and what is read before it is written, shows.
    let mut c = vec![C::UNWRITTEN; count(&shapes[2]) + 64];
    let mut want = vec![0.0; count(&shapes[2])];
    let used = |letter: usize| {
        case.axes
            .iter()
            .any(|axes| axes.contains(&LETTERS[letter..=letter]))
    };
    let bounds: Vec<i64> = (0..5).map(|l| if used(l) { sizes[l] } else { 1 }).collect();
    let strides = case.axes.map(|axes| strides(axes, sizes));
    let step =
        |at: [i64; 3], letter: usize, i: i64| [0, 1, 2].map(|o| at[o] + strides[o][letter] * i);
    let mut outer = vec![[0; 3]];
    for (letter, bound) in bounds[..4].iter().enumerate() {
        outer = outer
            .iter()
            .flat_map(|at| {
                (0..*bound)
                    .map(|i| step(*at, letter, i))
                    .collect::<Vec<_>>()
            })
            .collect();
    }
    for at in outer {
        for k in 0..bounds[4] {
            let [a_at, b_at, c_at] = step(at, 4, k).map(|at| at as usize);
            want[c_at] += a[a_at].get() * b[b_at].get();
        }
    }
    let [sa, sb, sc] = &shapes;
    jit::call(
        engine,
        case.name,
        [
            &mut Memref::new(&mut a, sa),
            &mut Memref::new(&mut b, sb),
            &mut Memref::new(&mut c, sc),
        ],
    );
    let terms = bounds[4].max(bounds[0]).max(1) as f64;
    for (i, want) in want.iter().enumerate() {
        let error = (c[i].get() - want).abs();
        assert!(
            error <= 8.0 * C::EPSILON * terms.sqrt(),
            "{} {sizes:?} at {i}: {} is not {want}",
            case.name,
            c[i].get()
        );
    }
    assert!(
        c[want.len()..].iter().all(|x| x.is_unwritten()),
        "{} {sizes:?} writes past its end",
        case.name
    );
}

/// Whether a type's results are compared exactly is its own to say: integers are.
fn check_target(target: &str, types: &[&Types]) {
    for types in types {
        let functions: String = CASES
            .iter()
            .map(|case| function(case, types, None))
            .collect();
        let engine = jit::compile(&module(target, &functions), PIPELINE, 0);
        for case in CASES {
            for sizes in SIZES {
                (types.check)(&engine, case, sizes);
            }
        }
    }
}

#[test]
fn registers_of_512_bits() {
    check_target("{cpu = \"cascadelake\"}", &[&SINGLES]);
}

#[test]
fn registers_of_256_bits() {
    check_target("{cpu = \"haswell\"}", &[&SINGLES, &DOUBLES]);
}

#[test]
fn the_least_target() {
    check_target("{cpu = \"x86-64\"}", &[&SINGLES]);
}

#[test]
fn other_types() {
    check_target("{cpu = \"skylake-avx512\"}", numbers::WIDENED);
}

#[test]
fn other_types_in_256_bits() {
    let types = [&numbers::BFLOATS, &numbers::BYTES, &numbers::UNSIGNED_BYTES];
    check_target("{cpu = \"haswell\"}", &types);
}

#[test]
fn other_types_on_the_least_target() {
    let types = [&numbers::HALVES, &numbers::MIXED, &numbers::MIXED_BYTES];
    check_target("{cpu = \"x86-64\"}", &types);
}

#[test]
fn words_of_bytes() {
    if !has!("avx512vnni") {
        return;
    }
    let types = [
        &numbers::BYTES,
        &numbers::MIXED_BYTES,
        &numbers::UNSIGNED_BYTES,
    ];
    check_target("{cpu = \"cascadelake\"}", &types);
}

#[test]
fn words_of_bfloats() {
    if !has!("avx512bf16") {
        return;
    }
    let types = [
        &numbers::BFLOATS,
        &numbers::SUBNORMAL_SUMS,
        &numbers::SUBNORMAL_FACTORS,
    ];
    check_target("{cpu = \"cooperlake\"}", &types);
}

#[test]
fn sizes_known_at_compile_time() {
    for sizes in [SIZES[0], SIZES[1], SIZES[10]].iter() {
        let functions: String = CASES
            .iter()
            .map(|case| function(case, &SINGLES, Some(sizes)))
            .collect();
        let engine = jit::compile(&module("{cpu = \"haswell\"}", &functions), PIPELINE, 0);
        CASES
            .iter()
            .for_each(|case| (SINGLES.check)(&engine, case, sizes));
    }
}

#[test]
fn contractions_are_found() {
    for case in CASES {
        let text = module("{cpu = \"haswell\"}", &function(case, &SINGLES, None));
        let text = jit::lower(&text, "builtin.module(emit-matmul)");
        assert_eq!(text.contains("@dlc_matmul"), case.emitted, "{}", case.name);
    }
}
