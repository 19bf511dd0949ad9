//! In-place updates, copies and the workspace: compiled code against the reference evaluator where parameters
//! are swapped, read after their update, given back, or updated in part.

use dlc_driver::compile::{Options, Session, Source, temporary_library};
use dlc_runtime::{Tensor, bind::Bound, library::Library};
use std::collections::BTreeMap;

/// Runs every entry of a module on both, with dim `B` and values that differ everywhere.
fn agrees(text: &str, sizes: &[i64]) {
    let source = Source {
        name: "test.mlir",
        text,
        stem: "m",
    };
    for opt_level in [0, 3] {
        let session = Session::new(Options {
            opt_level,
            ..Options::default()
        });
        let built =
            temporary_library(&session, &source).unwrap_or_else(|failure| panic!("{failure}"));
        let library = Library::with_manifest(&built.path, built.manifest.clone()).unwrap();
        for entry in &built.manifest.entries {
            for &size in sizes {
                let dims: BTreeMap<_, _> = entry
                    .dims
                    .iter()
                    .map(|dim| (dim.name.clone(), size))
                    .collect();
                let mut next = 0.0;
                let leaf = |leaf: &dlc_abi::Leaf| {
                    let extent = |text: &String| {
                        let poly = dlc_abi::Poly::parse(text).unwrap();
                        poly.eval(&|name| dims.get(name).copied()).unwrap() as usize
                    };
                    let shape: Vec<_> = leaf.shape.iter().map(extent).collect();
                    let mut tensor = Tensor::zeros(leaf.dtype, &shape).unwrap();
                    let values = || {
                        next += 1.0;
                        (next * 7.0) % 11.0 - 5.0
                    };
                    tensor.fill_with(values).unwrap();
                    tensor
                };
                let params: Vec<_> = entry.param_leaves().iter().map(leaf).collect();
                let expected = session.evaluate(&source, &entry.name, &dims, params.clone());
                let expected = expected.unwrap_or_else(|failure| panic!("{failure}"));
                let given: Vec<_> = dims.clone().into_iter().collect();
                let mut bound = Bound::from_tensors(entry, params, &given).unwrap();
                library.prepare(&bound).unwrap().run(&mut bound).unwrap();
                let inout: Vec<bool> = entry
                    .params
                    .iter()
                    .flat_map(|p| {
                        p.tree
                            .leaves("")
                            .into_iter()
                            .map(|_| p.mode == dlc_abi::Mode::InOut)
                    })
                    .collect();
                let updated = bound
                    .params()
                    .iter()
                    .zip(inout)
                    .filter(|(_, inout)| *inout)
                    .map(|(t, _)| t);
                let actual: Vec<_> = updated.chain(bound.results()).collect();
                assert_eq!(actual.len(), expected.len());
                for (i, (actual, expected)) in actual.iter().zip(&expected).enumerate() {
                    assert_eq!(
                        actual.to_f64(),
                        expected.to_f64(),
                        "value {i} of {} at -O{opt_level}, B = {size}",
                        entry.name
                    );
                }
            }
        }
    }
}

/// A function of `B` with these parameters, results and body, in short forms.
fn function(
    name: &str,
    params: &[(&str, &str, bool)],
    results: &[(&str, &str)],
    body: &str,
) -> String {
    let tensor = |shape: &str| {
        let dims: String = shape
            .split(',')
            .filter(|d| !d.is_empty())
            .map(|d| {
                if d == "B" {
                    "?x".into()
                } else {
                    format!("{d}x")
                }
            })
            .collect();
        format!("tensor<{dims}f32>")
    };
    let shape = |shape: &str| {
        let dims: Vec<_> = shape
            .split(',')
            .filter(|d| !d.is_empty())
            .map(|d| format!("{d:?}"))
            .collect();
        format!("[{}]", dims.join(", "))
    };
    let mut arguments = vec!["%B: index".to_string()];
    let mut types = vec![];
    for (name, dims, inout) in params {
        let inout_text = if *inout { ", dl.inout" } else { "" };
        arguments.push(format!(
            "%{name}: {} {{dl.path = {name:?}, dl.shape = {}{inout_text}}}",
            tensor(dims),
            shape(dims)
        ));
        if *inout {
            types.push(format!(
                "{} {{dl.path = {name:?}, dl.shape = {}}}",
                tensor(dims),
                shape(dims)
            ));
        }
    }
    for (path, dims) in results {
        types.push(format!(
            "{} {{dl.path = {path:?}, dl.shape = {}}}",
            tensor(dims),
            shape(dims)
        ));
    }
    format!(
        "func.func @{name}({}) -> ({}) attributes {{dl.entry = \"m_{name}\", dl.name = \"{name}\", dl.dims = [\"B\"], \
         dl.ranges = [[0, -1]]}} {{\n{body}\n}}\n",
        arguments.join(", "),
        types.join(", ")
    )
}

const SIZES: [i64; 5] = [0, 1, 3, 16, 65];
const T: &str = "tensor<?x4xf32>";

#[test]
fn parameters_are_swapped() {
    let ab = [("a", "B,4", true), ("b", "B,4", true)];
    let abc = [("a", "B,4", true), ("b", "B,4", true), ("c", "B,4", true)];
    let body =
        |values: &str, count: usize| format!("return {values} : {}", vec![T; count].join(", "));
    let text = function("swap", &ab, &[], &body("%b, %a", 2))
        + &function("rotate", &abc, &[], &body("%b, %c, %a", 3))
        + &function("same", &ab, &[("out", "B,4")], &body("%a, %a, %a", 3))
        + &function("old", &ab, &[("out", "B,4")], &body("%b, %b, %a", 3))
        + &function(
            "identity",
            &[("x", "B,4", false)],
            &[("out.0", "B,4"), ("out.1", "B,4")],
            &body("%x, %x", 2),
        );
    agrees(&text, &SIZES);
}

#[test]
fn old_values_are_read_after_the_update() {
    let a = [("a", "B,4", true), ("b", "B,4", true)];
    // Each new value needs the other's old one.
    let cross = format!(
        "%x = dl.add %a, %b : {T}\n%y = dl.sub %b, %a : {T}\n%z = dl.mul %a, %b : {T}\nreturn %x, %y, %z : {T}, {T}, {T}"
    );
    let chained = format!(
        "%x = dl.add %a, %b : {T}\n%y = dl.mul %x, %a : {T}\nreturn %x, %y, %a : {T}, {T}, {T}"
    );
    let text = function("cross", &a, &[("out", "B,4")], &cross)
        + &function("chained", &a, &[("out", "B,4")], &chained);
    agrees(&text, &SIZES);
}

#[test]
fn updates_read_other_elements() {
    let a = [("a", "B,4", true)];
    let rows = "tensor<?xf32>";
    let reversed =
        format!("%x = dl.reverse %a axes [1] : {T}\n%y = dl.add %x, %a : {T}\nreturn %y : {T}");
    let reduced = format!(
        "%m = dl.reduce \"sum\" %a axes [1] : {T} -> {rows}\n%x = dl.broadcast %m axes [0] sizes(%B) : {rows} -> {T}\n\
         %y = dl.sub %a, %x : {T}\nreturn %y : {T}"
    );
    let product = format!(
        "%x = dl.dot_general %a, %w batch [] x [] contract [1] x [0] : ({T}, tensor<4x4xf32>) -> {T}\nreturn %x : {T}"
    );
    let shifted = format!(
        "%c0 = arith.constant 0 : index\n%c1 = arith.constant 1 : index\n\
         %s = dl.slice %a starts(%c0, %c0) strides [1, 1] sizes(%B) : {T} -> tensor<?x3xf32>\n\
         %x = dl.update_slice %a, %s starts(%c0, %c1) strides [1, 1] : {T}, tensor<?x3xf32>\nreturn %x : {T}"
    );
    let text = function("reversed", &a, &[], &reversed)
        + &function("reduced", &a, &[], &reduced)
        + &function(
            "product",
            &[("a", "B,4", true), ("w", "4,4", false)],
            &[],
            &product,
        )
        + &function("shifted", &a, &[], &shifted);
    agrees(&text, &SIZES);
}

#[test]
fn buffers_share_the_workspace() {
    // A chain long enough for slots to be taken again, with products that keep it from fusing.
    let square = "tensor<4x4xf32>";
    let mut body = String::new();
    let mut value = "%a".to_string();
    for i in 0..12 {
        body += &format!(
            "%p{i} = dl.dot_general {value}, %w batch [] x [] contract [1] x [0] : ({T}, {square}) -> {T}\n\
             %q{i} = dl.tanh %p{i} : {T}\n"
        );
        value = if i % 3 == 2 {
            format!("%r{i}")
        } else {
            format!("%q{i}")
        };
        if i % 3 == 2 {
            body += &format!(
                "%r{i} = dl.dot_general %q{i}, %w batch [] x [] contract [1] x [1] : ({T}, {square}) -> {T}\n"
            );
            body += &format!("%s{i} = dl.reduce \"sum\" %r{i} axes [0, 1] : {T} -> tensor<f32>\n");
        }
    }
    body += &format!("return {value}, %s11, %s2 : {T}, tensor<f32>, tensor<f32>");
    let text = function(
        "chain",
        &[("a", "B,4", true), ("w", "4,4", false)],
        &[("out.0", ""), ("out.1", "")],
        &body,
    );
    // Values near 1 after tanh: compared within rounding, not exactly, so the input is scaled by the test below.
    let source = Source {
        name: "test.mlir",
        text: &text,
        stem: "m",
    };
    let session = Session::new(Options::default());
    let built = temporary_library(&session, &source).unwrap_or_else(|failure| panic!("{failure}"));
    let library = Library::with_manifest(&built.path, built.manifest.clone()).unwrap();
    let entry = &built.manifest.entries[0];
    let mut a = Tensor::zeros(dlc_abi::DType::F32, &[33, 4]).unwrap();
    let mut w = Tensor::zeros(dlc_abi::DType::F32, &[4, 4]).unwrap();
    let mut next = 0.0;
    let mut values = || {
        next += 0.37;
        f64::sin(next) * 0.6
    };
    a.fill_with(&mut values).unwrap();
    w.fill_with(&mut values).unwrap();
    let dims = BTreeMap::from([("B".to_string(), 33)]);
    let expected = session.evaluate(&source, "chain", &dims, vec![a.clone(), w.clone()]);
    let expected = expected.unwrap_or_else(|failure| panic!("{failure}"));
    let mut bound = Bound::from_tensors(entry, vec![a, w], &[("B".into(), 33)]).unwrap();
    let mut call = library.prepare(&bound).unwrap();
    // Two buffers of B x 4 and the packed blocks of products, not twelve of each.
    assert!(
        call.workspace_bytes() < 200 << 10,
        "{}",
        call.workspace_bytes()
    );
    call.run(&mut bound).unwrap();
    let actual = [&bound.params()[0], &bound.results()[0], &bound.results()[1]];
    for (actual, expected) in actual.iter().zip(&expected) {
        for (a, e) in actual.to_f64().iter().zip(expected.to_f64()) {
            assert!((a - e).abs() <= 1e-4 * (1.0 + e.abs()), "{a} is not {e}");
        }
    }
}
