//! The schema of manifests, as it is published, holds for all of them.

use super::{dlc, root, run, source};
use boon::{Compiler, Schemas};
use serde_json::Value;
use std::path::PathBuf;

fn models() -> Vec<PathBuf> {
    let folder = root().join("test/models");
    let entries = std::fs::read_dir(folder).unwrap();
    let mut models: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    models.retain(|path| path.extension().is_some_and(|extension| extension == "dl"));
    models.extend([source("zoo.dl"), root().join("examples/digits/digits.dl")]);
    models.sort();
    models
}

fn manifest(model: &PathBuf, more: &[&str]) -> Value {
    let mut dlc = dlc();
    let text = run(dlc
        .arg("build")
        .arg(model)
        .args(["--emit=manifest", "-o", "-"])
        .args(more));
    serde_json::from_str(&text).unwrap()
}

#[test]
fn manifests_are_as_the_schema_says() {
    let schema: Value =
        serde_json::from_str(&run(dlc().args(["--print", "manifest-schema"]))).unwrap();
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.add_resource("manifest.json", schema).unwrap();
    let index = compiler.compile("manifest.json", &mut schemas).unwrap();
    for model in models() {
        for more in [&[][..], &["--threads=4", "--gpu", "sm_80"]] {
            let manifest = manifest(&model, more);
            if let Err(error) = schemas.validate(&manifest, index) {
                panic!("{}: {error:#}", model.display());
            }
        }
    }
    let good = manifest(&source("zoo.dl"), &[]);
    for (path, value) in [
        ("/entries/0/params/0/mode", Value::from("out")),
        ("/entries/1/dims/0/min", Value::from("1")),
        ("/entries/1/params/1/tree/tensor/dtype", Value::from("f8")),
        ("/abi_version", Value::from(-1)),
        ("/structs", Value::Null),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(path).unwrap_or_else(|| panic!("{path}")) = value;
        assert!(schemas.validate(&bad, index).is_err(), "{path}");
    }
}
