//! Each model of `test/models` and `examples/digits` with every optional pass left out in turn, and with all: the
//! reference's numbers, also where strips of convolutions are as short as they can be. On several threads, where every loop is
//! divided that can be: the same bits as on one.

use crate::{
    compare::{self, Bound},
    cpu::{pool, short_parts, small_too},
    files,
    gpu::{Devices, SHORT},
    levels,
    runner::Runner,
    values::{Random, is_float, uniform_tensor, whole_tensor},
};
use anyhow::{Context, Result, ensure};
use dlc_abi::{DType, Entry, Leaf, Manifest, Poly};
use dlc_driver::{
    compile::{
        ARCHITECTURES, Architecture, Options, Session, Source, knobs::Knobs, temporary_library,
    },
    pipelines,
};
use dlc_runtime::{Pool, Tensor, bind, library::Library};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

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
        let expected = Expected::default();
        let mut add = |name: String, without: Vec<&'static str>, level: u8| {
            let (path, expected) = (path.clone(), expected.clone());
            let options = Options {
                opt_level: level,
                ..Options::default()
            };
            let run = move || check(&path, &without, options, &expected);
            found.push((format!("{stem}/{name}"), Box::new(run)));
        };
        add("all".into(), vec![], 3);
        add("none".into(), vec![], 0);
        // Those that are of what a GPU's blocks do together have nothing of their own for the CPU's passes.
        let passes = pipelines::optional().into_iter();
        for pass in passes.filter(|_| stem != BLOCKS) {
            // What LLVM does more at higher levels is none of these passes'.
            add(format!("without-{pass}"), vec![pass], 1);
        }
        let strips = Options {
            knobs: Knobs::from([("winograd.bytes".to_string(), 1)]),
            ..Options::default()
        };
        let (image, known) = (path.clone(), expected.clone());
        let run = move || check(&image, &[], strips, &known);
        found.push((format!("{stem}/small-strips"), Box::new(run)));
        let (device, known) = (path.clone(), expected.clone());
        let run = move || check_on_device(&device, ARCHITECTURES[0], &known);
        found.push((format!("{stem}/gpu-emulated"), Box::new(run)));
        // The newest has programs that others lack.
        if let Some(newest) = ARCHITECTURES
            .last()
            .filter(|_| TENSORS.contains(&&stem[..]))
        {
            let (device, known) = (path.clone(), expected.clone());
            let run = move || check_on_device(&device, *newest, &known);
            found.push((
                format!("{stem}/gpu-emulated-{}", newest.name),
                Box::new(run),
            ));
        }
        for level in levels::asked() {
            let (path, expected) = (path.clone(), expected.clone());
            let run = move || {
                check(&path, &[], level.one(), &expected)?;
                check_threads(&path, [level.one(), level.two()], levels::pool())
            };
            found.push((format!("{stem}/{}", level.name()), Box::new(run)));
        }
        let several = Options {
            threads: pool().threads() as u32,
            knobs: small_too(),
            ..Options::default()
        };
        let one = Options {
            knobs: short_parts(),
            ..Options::default()
        };
        let run = move || check_threads(&path, [one, several], pool());
        found.push((format!("{stem}/threads"), Box::new(run)));
    }
    for path in files::below("../examples", "dl")? {
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let name = format!("{}/gpu-emulated", stem.context("an example has a name")?);
        let run = move || check_example_on_device(&path);
        found.push((name, Box::new(run)));
    }
    Ok(found)
}

/// Runs every export of a model, compiled without some passes, and compares it with the reference.
fn check(path: &Path, without: &[&str], options: Options, expected: &Expected) -> Result<()> {
    let model = Model::read(path)?;
    let library = model.library(&Session::new(options).without(without))?;
    expected.compare(&model, &library, |entry, dims, params| {
        call(&library, entry, dims, params, None)
    })
}

/// The model of what blocks of a GPU's threads do together.
const BLOCKS: &str = "blocks";

/// Models with products of 16 bits.
const TENSORS: &[&str] = &[BLOCKS, "epilogues"];

/// The same, on the interpreter of what a GPU would run.
fn check_on_device(path: &Path, architecture: Architecture, expected: &Expected) -> Result<()> {
    let model = Model::read(path)?;
    let library = model.library(&Session::new(Options {
        gpu: Some(architecture),
        ..Options::default()
    }))?;
    let devices = Devices::new(SHORT);
    expected.compare(&model, &library, |entry, dims, params| {
        let mut bound = bind::Bound::from_tensors(entry, params, &given(dims))?;
        devices.run(&library, &mut bound)?;
        Ok(changed(entry, &bound))
    })
}

/// How many times the tolerance of its type steps of training may be off.
const STEPS: f64 = 1000.0;

/// What is smaller in examples on the interpreter: the example, what its text has, and what stands there instead.
const SMALLER: &[(&str, &str, &str)] = &[
    ("burgers", "const POINTS = 512", "const POINTS = 64"),
    ("cartpole", "const STEPS = 200", "const STEPS = 20"),
    ("co2", "const BATCH = 64", "const BATCH = 8"),
    ("gan", "const BATCH = 256", "const BATCH = 16"),
    ("gpt", "const BATCH = 8", "const BATCH = 2"),
    ("gpt", "const CONTEXT = 256", "const CONTEXT = 8"),
    ("gpt", "const F = 320", "const F = 24"),
    ("gpt", "const HEADS = 4", "const HEADS = 2"),
    ("gpt", "const K = 32", "const K = 8"),
    ("lenet", "const BATCH = 32", "const BATCH = 4"),
];

/// The same of an example with the least dims, against the CPU, as the reference takes long for their sizes. Steps of training
/// multiply what differs in the last bits.
fn check_example_on_device(path: &Path) -> Result<()> {
    let mut model = Model::read(path)?;
    for (_, text, smaller) in SMALLER.iter().filter(|(name, ..)| *name == model.stem) {
        ensure!(model.text.contains(text), "it has no `{text}`");
        model.text = model.text.replace(text, smaller);
    }
    let library = model.library(&Session::new(Options {
        gpu: Some(ARCHITECTURES[0]),
        ..Options::default()
    }))?;
    let devices = Devices::new(STEPS);
    for_each_call(library.manifest(), &SIZES[..1], |entry, dims, params| {
        let expected = call(&library, entry, dims, params.clone(), None)?;
        let mut bound = bind::Bound::from_tensors(entry, params, &given(dims))?;
        devices.run(&library, &mut bound)?;
        all_near(entry, dims, STEPS, &expected, &changed(entry, &bound))
    })
}

/// What the reference gives for calls of one model's exports, with the arguments that [`for_each_call`] makes for them: each is
/// evaluated once for all ways of compiling the model.
#[derive(Clone, Default)]
struct Expected(Arc<Mutex<Known>>);

/// Results by the export's name and the dims.
type Known = BTreeMap<(String, Dims), Vec<Tensor>>;

impl Expected {
    /// Compares what calls of every export of a model give with the reference.
    fn compare(
        &self,
        model: &Model,
        library: &Library,
        call: impl Fn(&Entry, &Dims, Vec<Tensor>) -> Result<Vec<Tensor>>,
    ) -> Result<()> {
        for_each_call(library.manifest(), &SIZES, |entry, dims, params| {
            let expected = self.of(model, &entry.name, dims, &params)?;
            let actual = call(entry, dims, params)?;
            all_near(entry, dims, 10.0, &expected, &actual)
        })
    }

    /// The results of a call.
    fn of(
        &self,
        model: &Model,
        export: &str,
        dims: &Dims,
        params: &[Tensor],
    ) -> Result<Vec<Tensor>> {
        let key = (export.to_string(), dims.clone());
        if let Some(known) = self.known().get(&key) {
            return Ok(known.clone());
        }
        let session = Session::new(Options::default());
        let found = session.evaluate(&model.source(), export, dims, params.to_vec())?;
        self.known().insert(key, found.clone());
        Ok(found)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether results are as near as so many times what one op may differ by.
fn all_near(
    entry: &Entry,
    dims: &Dims,
    times: f64,
    expected: &[Tensor],
    actual: &[Tensor],
) -> Result<()> {
    ensure!(
        actual.len() == expected.len(),
        "{}: {} results",
        entry.name,
        actual.len()
    );
    for (expected, actual) in expected.iter().zip(actual) {
        let tolerance = compare::tolerance(expected.dtype()) * times;
        compare::check(expected, actual, Bound::Near(tolerance))
            .with_context(|| format!("{} {dims:?}", entry.name))?;
    }
    Ok(())
}

/// Runs every export of a model, built with options for one thread and for several, alone and on a pool, and compares the bits.
fn check_threads(path: &Path, options: [Options; 2], threads: &Pool) -> Result<()> {
    let model = Model::read(path)?;
    let [one, several] = options.map(|options| model.library(&Session::new(options)));
    let (one, several) = (one?, several?);
    for_each_call(one.manifest(), &SIZES, |entry, dims, params| {
        let expected = call(&one, entry, dims, params.clone(), None)?;
        let entry = several.entry(&entry.name)?;
        for pool in [None, Some(threads)] {
            let actual = call(&several, entry, dims, params.clone(), pool)?;
            for (expected, actual) in expected.iter().zip(&actual) {
                ensure!(
                    expected.bytes() == actual.bytes(),
                    "{} {dims:?} {}: other bits",
                    entry.name,
                    if pool.is_some() {
                        "on several threads"
                    } else {
                        "built for several threads"
                    },
                );
            }
        }
        Ok(())
    })
}

/// A model's text.
struct Model {
    name: String,
    text: String,
    stem: String,
}

impl Model {
    fn read(path: &Path) -> Result<Self> {
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        Ok(Self {
            name: files::shown(path),
            text: files::read(path)?,
            stem: stem.unwrap_or("model").to_string(),
        })
    }

    fn source(&self) -> Source<'_> {
        Source {
            name: &self.name,
            text: &self.text,
            stem: &self.stem,
        }
    }

    /// Compiled; once open, it needs its file no more.
    fn library(&self, session: &Session) -> Result<Library> {
        let built = temporary_library(session, &self.source())?;
        let library = Library::with_manifest(&built.path, built.manifest.clone())?;
        ensure!(
            !built.manifest.entries.is_empty(),
            "{} exports nothing",
            self.name
        );
        Ok(library)
    }
}

type Dims = BTreeMap<String, i64>;

/// Goes through the entries with some values of their dims, and arguments.
fn for_each_call(
    manifest: &Manifest,
    sizes: &[i64],
    mut run: impl FnMut(&Entry, &Dims, Vec<Tensor>) -> Result<()>,
) -> Result<()> {
    for entry in &manifest.entries {
        for size in sizes {
            let dims = entry.dims.iter().map(|dim| {
                let size = (*size).max(dim.min).min(dim.max.unwrap_or(i64::MAX));
                (dim.name.clone(), size)
            });
            let dims = dims.collect::<Dims>();
            let mut random = Random::of(&entry.name);
            let leaves = entry.param_leaves();
            let params = leaves.iter().map(|leaf| argument(leaf, &dims, &mut random));
            run(entry, &dims, params.collect::<Result<Vec<_>>>()?)?;
        }
    }
    Ok(())
}

/// What an entry writes: the `inout` parameters and the results.
fn call(
    library: &Library,
    entry: &Entry,
    dims: &Dims,
    params: Vec<Tensor>,
    pool: Option<&Pool>,
) -> Result<Vec<Tensor>> {
    let mut bound = bind::Bound::from_tensors(entry, params, &given(dims))?;
    let mut call = library.prepare(&bound)?;
    if let Some(pool) = pool {
        call = call.on(pool);
    }
    call.run(&mut bound)?;
    Ok(changed(entry, &bound))
}

fn given(dims: &Dims) -> Vec<(String, i64)> {
    dims.clone().into_iter().collect()
}

/// What a call has written: what it updates in place, and its results.
fn changed(entry: &Entry, bound: &bind::Bound) -> Vec<Tensor> {
    let inout = entry.params.iter().flat_map(|param| {
        let written = param.mode == dlc_abi::Mode::InOut;
        vec![written; param.tree.leaves(&param.name).len()]
    });
    let written = bound.params().iter().zip(inout).filter(|(_, inout)| *inout);
    let written = written.map(|(tensor, _)| tensor);
    written.chain(bound.results()).cloned().collect()
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
