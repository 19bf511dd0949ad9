//! Tests of manifests.

use super::*;

fn tensor(dtype: DType, shape: &[&str]) -> Tree {
    Tree::Tensor {
        dtype,
        shape: shape.iter().map(|dim| dim.to_string()).collect(),
    }
}

fn sample() -> Manifest {
    let block = Tree::Struct {
        name: "Block".into(),
        fields: vec![("w".into(), tensor(DType::F32, &["64", "64"]))],
    };
    let params = Tree::Struct {
        name: "Params".into(),
        fields: vec![
            ("emb".into(), tensor(DType::F32, &["10", "64"])),
            ("blocks".into(), Tree::List(vec![block.clone(), block])),
        ],
    };
    let entry = Entry {
        name: "f".into(),
        doc: String::new(),
        symbol: symbol::entry("tiny", "f"),
        packed_symbol: "tiny_f_packed".into(),
        workspace_symbol: "tiny_f_workspace".into(),
        dims: vec![DimRange {
            name: "B".into(),
            min: 1,
            max: Some(64),
        }],
        conditions: vec![],
        params: vec![
            Param {
                name: "p".into(),
                mode: Mode::InOut,
                tree: params,
            },
            Param {
                name: "x".into(),
                mode: Mode::In,
                tree: tensor(DType::F32, &["B", "64"]),
            },
        ],
        result: Some(Tree::Tuple(vec![
            tensor(DType::F32, &[]),
            tensor(DType::I32, &["B"]),
        ])),
        statuses: vec![],
    };
    Manifest::new("dlc 0.1.0", "tiny", "x86_64 native", vec![entry])
}

#[test]
fn leaves_are_in_order_with_dotted_paths() {
    let paths: Vec<_> = sample().entries[0]
        .leaves()
        .into_iter()
        .map(|leaf| format!("{}: {leaf}", leaf.path))
        .collect();
    assert_eq!(
        paths,
        [
            "p.emb: f32[10, 64]",
            "p.blocks.0.w: f32[64, 64]",
            "p.blocks.1.w: f32[64, 64]",
            "x: f32[B, 64]",
            "out.0: f32",
            "out.1: i32[B]",
        ]
    );
}

#[test]
fn structs_come_after_those_they_hold() {
    let names: Vec<_> = sample().structs.into_iter().map(|def| def.name).collect();
    assert_eq!(names, ["Block", "Params"]);
}

#[test]
fn types_print_as_dl_writes_them() {
    let manifest = sample();
    let entry = &manifest.entries[0];
    assert_eq!(entry.result.as_ref().unwrap().to_string(), "(f32, i32[B])");
    assert_eq!(entry.params[0].tree.to_string(), "Params");
    assert_eq!(
        entry.signature(),
        "tiny_f<B in 1..=64>(inout p: Params { emb: f32[10, 64], blocks: \
         [Block { w: f32[64, 64] }, Block { w: f32[64, 64] }] }, x: f32[B, 64]) \
         -> (f32, i32[B])"
    );
}

#[test]
fn json_reads_back() {
    let manifest = sample();
    let text = manifest.to_json();
    assert_eq!(Manifest::from_json(&text).unwrap(), manifest);
    assert_eq!(sample().to_json(), text);
}

#[test]
fn bad_manifests_are_refused() {
    let text = sample().to_json();
    let changed = text.replace("\"max\": 64", "\"max\": 65");
    assert!(matches!(
        Manifest::from_json(&changed),
        Err(ManifestError::Hash { .. })
    ));
    let newer = text.replacen("\"format\": 1", "\"format\": 2", 1);
    assert!(matches!(
        Manifest::from_json(&newer),
        Err(ManifestError::Format(2))
    ));
    assert!(matches!(
        Manifest::from_json(&text[..text.len() / 2]),
        Err(ManifestError::Json(_))
    ));
    let deep = format!("{{\"entries\": {}", "[".repeat(100_000));
    assert!(Manifest::from_json(&deep).is_err());
}
