//! Each model of `test/models` and `examples/digits` with every optional pass left out in turn, and with all: the reference's numbers.

use crate::{
    compare::{self, Bound},
    files,
    values::{Random, is_float, uniform_tensor, whole_tensor},
};
use anyhow::{Context, Result, ensure};
use dlc_abi::{DType, Leaf, Poly};
use dlc_driver::{
    compile::{Options, Session, Source, temporary_library},
    pipelines,
};
use dlc_runtime::{Tensor, bind, library::Library};
use std::{collections::BTreeMap, path::Path};

/// Values of every dim, as far as its range has them.
const SIZES: [i64; 3] = [1, 7, 37];

/// A comparison, by name.
type Named = (String, Box<dyn FnOnce() -> Result<()> + Send>);

/// For each model: all passes, none of the optional ones, and all but one.
pub fn trials() -> Result<Vec<Named>> {
    let mut found: Vec<Named> = vec![];
    for path in files::models()? {
        let stem = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .context("a model has a name")?
            .to_string();
        let mut add = |name: String, without: Vec<&'static str>, level: u8| {
            let path = path.clone();
            let run = move || check(&path, &without, level);
            found.push((format!("{stem}/{name}"), Box::new(run)));
        };
        add("all".into(), vec![], 3);
        add("none".into(), vec![], 0);
        for pass in pipelines::optional() {
            add(format!("without-{pass}"), vec![pass], 3);
        }
    }
    Ok(found)
}

/// Runs every export of a model, compiled without some passes, and compares it with the reference.
fn check(path: &Path, without: &[&str], level: u8) -> Result<()> {
    let text = files::read(path)?;
    let name = files::shown(path);
    let stem = path
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or("model");
    let source = Source {
        name: &name,
        text: &text,
        stem,
    };
    let options = Options {
        opt_level: level,
        ..Options::default()
    };
    let session = Session::new(options).without(without);
    let built = temporary_library(&session, &source)?;
    let library = Library::with_manifest(&built.path, built.manifest.clone())?;
    ensure!(!built.manifest.entries.is_empty(), "{name} exports nothing");
    for entry in &built.manifest.entries {
        for size in SIZES {
            let dims = entry.dims.iter().map(|dim| {
                let size = size.max(dim.min).min(dim.max.unwrap_or(i64::MAX));
                (dim.name.clone(), size)
            });
            let dims = dims.collect::<BTreeMap<_, _>>();
            let mut random = Random::of(&entry.name);
            let leaves = entry.param_leaves();
            let params = leaves.iter().map(|leaf| argument(leaf, &dims, &mut random));
            let params = params.collect::<Result<Vec<_>>>()?;
            let expected = session.evaluate(&source, &entry.name, &dims, params.clone())?;
            let given = dims.clone().into_iter().collect::<Vec<_>>();
            let mut bound = bind::Bound::from_tensors(entry, params, &given)?;
            library.prepare(&bound)?.run(&mut bound)?;
            let inout = entry.params.iter().flat_map(|param| {
                let written = param.mode == dlc_abi::Mode::InOut;
                vec![written; param.tree.leaves(&param.name).len()]
            });
            let written = bound.params().iter().zip(inout).filter(|(_, inout)| *inout);
            let actual = written.map(|(tensor, _)| tensor).chain(bound.results());
            let actual = actual.collect::<Vec<_>>();
            ensure!(
                actual.len() == expected.len(),
                "{}: {} results",
                entry.name,
                actual.len()
            );
            for (expected, actual) in expected.iter().zip(actual) {
                let tolerance = compare::tolerance(expected.dtype()) * 10.0;
                compare::check(expected, actual, Bound::Near(tolerance))
                    .with_context(|| format!("{} {dims:?}", entry.name))?;
            }
        }
    }
    Ok(())
}

/// Any argument of a leaf's type: floats around 0, small whole numbers.
fn argument(leaf: &Leaf, dims: &BTreeMap<String, i64>, random: &mut Random) -> Result<Tensor> {
    if leaf.dtype == DType::Key {
        return Ok(Tensor::key(random.bits()));
    }
    let size =
        |text: &String| Ok(Poly::parse(text)?.eval(&|name| dims.get(name).copied())? as usize);
    let shape = leaf.shape.iter().map(size).collect::<Result<Vec<_>>>()?;
    match is_float(leaf.dtype) {
        true => uniform_tensor(leaf.dtype, &shape, (-0.5, 0.5), random),
        false => whole_tensor(leaf.dtype, &shape, (0, 3), random),
    }
}
