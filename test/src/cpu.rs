//! The compiled code: a module through the whole pipeline into a shared library, loaded and called.

use crate::{
    module,
    runner::{Program, Runner},
};
use anyhow::{Context, Result, anyhow};
use dlc_driver::{
    compile::{Compiled, Emit, Failure, Options, Session, Source, knobs::Knobs},
    pipelines,
};
use dlc_runtime::{Pool, Tensor, bind::Bound, library::Library};
use std::sync::OnceLock;

/// The library's name in the names of C.
const STEM: &str = "t";

/// Compiles for the CPU that tests run on.
pub struct Cpu {
    /// The runner's name.
    pub name: &'static str,
    /// Options of the compilation.
    pub options: fn() -> Options,
    /// Optional passes that are left out.
    pub without: &'static [&'static str],
}

/// With the default options, for the processor that `DLC_TEST_CPU` names or the one at hand.
pub static CPU: Cpu = Cpu {
    name: "cpu",
    options: || match std::env::var("DLC_TEST_CPU") {
        Ok(target_cpu) => Options {
            target_cpu,
            ..Options::default()
        },
        Err(_) => Options::default(),
    },
    without: &[],
};

/// With none of the optional passes, on several threads, and with all passes but one. They live as long as the tests.
pub fn variants() -> Vec<&'static Cpu> {
    let plain = Cpu {
        name: "cpu-plain",
        options: || Options {
            opt_level: 0,
            ..(CPU.options)()
        },
        without: &[],
    };
    // Every loop that can be is divided, however short.
    let threads = Cpu {
        name: "cpu-threads",
        options: || Options {
            threads: THREADS as u32,
            knobs: small_too(),
            ..(CPU.options)()
        },
        without: &[],
    };
    let without = pipelines::optional().into_iter().map(|pass| Cpu {
        name: format!("cpu-without-{pass}").leak(),
        options: CPU.options,
        without: vec![pass].leak(),
    });
    [plain, threads]
        .into_iter()
        .chain(without)
        .map(|cpu| &*Box::leak(Box::new(cpu)))
        .collect()
}

/// Threads of calls of libraries that run on several.
const THREADS: usize = 3;

/// Values of schedules by which sums of few elements go in parts, of which the bits depend, too.
pub fn short_parts() -> Knobs {
    Knobs::from([("elementwise.part".to_string(), 64)])
}

/// Values of schedules by which every loop that can be is divided, however short, and every op that can goes through the tiles
/// of a product, however small, in bands of one tile's rows.
pub fn small_too() -> Knobs {
    let knobs = [
        ("parallel.piece", 1),
        ("products.near", 0),
        ("matmul.f32.band", 1),
        ("matmul.f64.band", 1),
    ];
    let mut all = short_parts();
    all.extend(knobs.map(|(name, value)| (name.to_string(), value)));
    all
}

/// The threads of all tests.
pub fn pool() -> &'static Pool {
    static POOL: OnceLock<Pool> = OnceLock::new();
    POOL.get_or_init(|| Pool::new(THREADS).expect("threads can be started"))
}

/// Tests that compiled code does not run yet: the beginning of the name, and the reason.
const SKIPS: &[(&str, &str)] = &[];

impl Runner for Cpu {
    fn name(&self) -> &'static str {
        self.name
    }

    fn skips(&self, test: &str) -> Option<&'static str> {
        let found = SKIPS.iter().find(|(name, _)| test.starts_with(name));
        found.map(|(_, reason)| *reason)
    }

    fn load(&self, text: &str) -> Result<Box<dyn Program>> {
        let loaded = load(text, (self.options)(), self.without, pool())?;
        Ok(Box::new(loaded))
    }
}

/// Compiles a module and opens it; its calls run on a pool, if it was built for several threads.
pub fn load(text: &str, options: Options, without: &[&str], pool: &'static Pool) -> Result<Loaded> {
    let (library, folder) = build(text, options, without)?;
    Ok(Loaded {
        library,
        pool,
        _folder: folder,
    })
}

/// Compiles a module, whose public functions are the entries, to one artefact.
pub fn compile(text: &str, options: Options, without: &[&str], kind: Emit) -> Result<Compiled> {
    let module = module::parse(text)?;
    module::make_entries(&module, STEM)?;
    let text = module.as_operation().to_string();
    let source = Source {
        name: "test.mlir",
        text: &text,
        stem: STEM,
    };
    let session = Session::new(options).without(without);
    let compiled = session.compile(&source, &[kind]);
    compiled.map_err(|failure| match failure {
        // Without the IR, which fills screens; `dlc build` on the test's module writes it down.
        Failure::Internal { message, .. } => anyhow!("compiler bug: {message}"),
        other => other.into(),
    })
}

/// Compiles a module and opens it. The folder is to be kept as long.
pub fn build(
    text: &str,
    options: Options,
    without: &[&str],
) -> Result<(Library, tempfile::TempDir)> {
    let mut compiled = compile(text, options, without, Emit::Cdylib)?;
    let library = compiled.artefacts.remove(&Emit::Cdylib);
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("libt.so");
    std::fs::write(&path, library.context("there is no library")?)?;
    Ok((Library::with_manifest(&path, compiled.manifest)?, folder))
}

/// A compiled program.
pub struct Loaded {
    library: Library,
    pool: &'static Pool,
    _folder: tempfile::TempDir,
}

impl Program for Loaded {
    fn call(&self, function: &str, dims: &[i64], args: &[Tensor]) -> Result<Vec<Tensor>> {
        let entry = self.library.entry(function)?;
        let names = entry.dims.iter().map(|dim| dim.name.clone());
        let dims = names.zip(dims.iter().copied()).collect::<Vec<_>>();
        let mut bound = Bound::from_tensors(entry, args.to_vec(), &dims)?;
        self.library
            .prepare(&bound)?
            .on(self.pool)
            .run(&mut bound)?;
        Ok(bound.results().to_vec())
    }
}
