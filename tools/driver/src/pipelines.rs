//! Every pipeline, as lists of passes in the order in which they run, and the runner.
//!
//! Passes are named as in textual pipelines, so what stands here can be given to `dlc-opt --pass-pipeline`.

use crate::faults::Fault;
use crate::opt::register_all;
use dlc_autodiff::stage::DL;
pub use dlc_dialects::ir::pipeline::{Stage, Step};
use dlc_dialects::{
    ir::{
        context::{Record, with_diagnostics},
        edit,
    },
    pass::parse_pipeline,
};
use melior::{
    Context,
    ir::{Module, operation::OperationLike},
    pass::PassManager,
};
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use Step::{Optional, Replaceable, Required};

const LINALG: Stage = Stage {
    name: "linalg",
    passes: &[
        Required("mark-control"), // before there are loops that the program does not have
        // No cse on tensors: ops that share what they start from would need copies of it.
        Required("dl-to-linalg"),
        Optional("func.func(fold-casts)"), // before what they are casts of, and before fusion hides them
        Optional("func.func(fold-transposes)"), // before fusion hides them
        Optional("fuse-elementwise"),
    ],
};

/// For CPUs: from `dl` functions to a module in the `llvm` dialect.
pub const CPU: &[Stage] = &[
    DL,
    LINALG,
    Stage {
        name: "loops",
        passes: &[
            Required("func.func(remove-barriers)"), // nothing merges what is computed again from here on
            Optional("func.func(unshare-destinations)"), // the last pass that may make ops on tensors equal is done
            Required("func.func(settle-carried)"), // right before tensors become memory, so that no read moves afterwards
            Required("one-shot-bufferize{unknown-type-conversion=identity-layout-map}"),
            Required("canonicalize"), // folds casts, so that copies join buffers of one type
            Required("cse"),
            Optional("func.func(forward-copies)"), // while the ops still tell how they read and write
            Optional("emit-winograd"), // before what hides windows, and emit-matmul, which makes its products
            Optional("func.func(view-windows)"), // what comes next knows maps that select loops
            Optional("fuse-products"), // while products are ops still
            Optional("emit-matmul"),   // allocates its packed blocks, so before the planner
            Optional("fuse-rows"), // after the contractions, which would stand between, have become calls
            Optional("report-fusion"), // when all is fused that will be
            Replaceable("vectorize-generics", "copies-to-generics"), // also the one that knows strided copies
            Required("func.func(convert-linalg-to-loops)"),          // what is left
            Required("lower-affine"), // sizes become index arithmetic, which the planner reads
            Optional("parallelize-loops"), // whose lanes have buffers of their own, so before the planner
            Replaceable("plan-workspace", "plan-workspace-apart"),
            Optional("canonicalize"),
            Optional("func.func(loop-invariant-code-motion)"),
            Optional("cse"),
            Optional("outline-tasks"), // of slots, which are their arguments
            Optional("outline-loops"), // after which no pass looks at a whole body
            Optional("duplicate-function-elimination"),
        ],
    },
    Stage {
        name: "llvm-mlir",
        passes: &[
            Required("func.func(lower-vector-multi-reduction)"),
            Required("func.func(convert-vector-to-scf{full-unroll=true})"), // transfers of rank 2 and more
            Replaceable("func.func(expand-math)", "convert-math-to-libm"), // on vectors and scalars, before their ops are gone
            Required("func.func(explicit-views)"), // of what expand-strided-metadata gets wrong
            Required("trace-nests"), // while loops are loops, and where no pass moves them any more
            Required("emit-entry-points"), // the last pass on structured functions
            Required("expand-strided-metadata"),
            Required("lower-affine"), // what expand-strided-metadata made
            Required("arith-expand{include-bf16=true}"), // no libcalls for bf16
            Required("convert-scf-to-cf"),
            Required("convert-vector-to-llvm{vector-contract-lowering=outerproduct}"),
            Required("convert-to-llvm"), // every other dialect in one go
            Required("reconcile-unrealized-casts"),
            Required("emit-forks"),   // in terms of pointers
            Required("bf16-as-bits"), // no libcalls for moves of bf16 either; all ops are LLVM's by now
            Optional("canonicalize"),
            Optional("cse"),
        ],
    },
];

/// For GPUs: from `dl` functions to a module in the `llvm` dialect, of which `dlc_lowering::target::gpu` takes the kernels out.
pub const GPU: &[Stage] = &[
    DL,
    LINALG,
    Stage {
        name: "gpu",
        passes: &[
            Required("func.func(remove-barriers)"),
            Optional("func.func(unshare-destinations)"),
            Required("func.func(settle-carried)"),
            Required("one-shot-bufferize{unknown-type-conversion=identity-layout-map}"),
            Required("canonicalize"),
            Required("cse"),
            Optional("func.func(forward-copies)"),
            Required("func.func(view-windows)"), // what is not written as loops here is one thread's
            Optional("emit-block-products"),
            Required("emit-block-sorts"),
            Optional("fuse-rows"),
            Optional("assign-blocks"),      // of rows
            Required("vectorize-generics"), // whose loops are marked
            Required("func.func(convert-linalg-to-loops)"),
            Required("lower-affine"),
            Optional("emit-block-scatters"),
            Optional("emit-block-scans"),
            Optional("interchange-loops"), // of what is left
            Required("form-kernels"),      // whose cells and buffers the planner places
            Optional("canonicalize"),
            Optional("cse"),
            Replaceable("plan-workspace", "plan-workspace-apart"),
            Optional("canonicalize"),
            Optional("func.func(loop-invariant-code-motion)"),
            Optional("cse"),
            Optional("duplicate-function-elimination"),
        ],
    },
    Stage {
        name: "nvvm",
        passes: &[
            Required("func.func(expand-math)"),
            Required("func.func(explicit-views)"),
            Required("emit-entry-points"),
            Required("expand-strided-metadata"),
            Required("lower-affine"),
            Required("arith-expand{include-bf16=true}"),
            Required("convert-scf-to-cf"),
            Required("convert-vector-to-llvm"), // also steps, which the next pass leaves
            Required("convert-to-llvm"),
            Required("reconcile-unrealized-casts"),
            Required("emit-launches"),
            Required("bf16-as-bits"),
            Optional("canonicalize"),
            Optional("cse"),
        ],
    },
];

/// What to show of a run.
#[derive(Clone, Debug, Default)]
pub struct Observe {
    /// Passes after which the module goes to the standard error; `all` for each.
    pub print_ir_after: Vec<String>,
    /// Whether the module goes there after each pass that changes it.
    pub print_ir_after_change: bool,
    /// A folder for the module after each pass.
    pub dump_ir: Option<PathBuf>,
    /// Whether to keep times.
    pub time_passes: bool,
    /// A file for the module before each pass, for a crash to leave behind.
    pub keep_ir: Option<PathBuf>,
}

impl Observe {
    fn each_pass(&self) -> bool {
        self.time_passes || self.shows_ir()
    }

    fn shows_ir(&self) -> bool {
        !self.print_ir_after.is_empty()
            || self.print_ir_after_change
            || self.dump_ir.is_some()
            || self.keep_ir.is_some()
    }
}

/// The names of the passes that only optimise.
pub fn optional() -> Vec<&'static str> {
    let steps = CPU.iter().flat_map(|stage| stage.passes);
    let required = |name: &str| {
        let mut steps = CPU.iter().flat_map(|stage| stage.passes);
        steps.any(|step| step.name() == name && !matches!(step, Optional(_)))
    };
    let mut names: Vec<_> = steps
        .map(Step::name)
        .filter(|name| !required(name))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Which passes run.
#[derive(Clone, Copy, Debug)]
pub struct Selection<'x> {
    /// Whether those run that only optimise,
    pub optimise: bool,
    /// but for these.
    pub skipped: &'x [String],
    /// How many passes run as they should, counted from the pipeline's first one, those that are left out as well; of
    /// the others only what is required does, as plainly as it can be done.
    pub limit: Option<usize>,
    /// A wrong rewrite that comes with one of the passes.
    pub fault: Option<&'static Fault>,
}

/// A pass that runs.
#[derive(Debug)]
struct Run {
    name: &'static str,
    text: String,
}

impl Selection<'_> {
    /// What runs of the pass of a stage, of a number counted from the pipeline's first pass.
    fn run(&self, stage: &Stage, i: usize, number: usize) -> Option<Run> {
        let step = &stage.passes[i];
        let plainly = self.limit.is_some_and(|limit| number >= limit);
        let text = match step {
            Optional(_) if !self.optimise || plainly => return None,
            Optional(_) if self.skipped.iter().any(|name| name == step.name()) => return None,
            Replaceable(_, plain) if plainly => (*plain).to_string(),
            Required(text) | Optional(text) | Replaceable(text, _) => {
                let fault = self.fault.filter(|fault| fault.follows(stage, i));
                let fault = fault.map(|fault| format!(",{}", fault.pass));
                format!("{text}{}", fault.unwrap_or_default())
            }
        };
        let name = step.name();
        Some(Run { name, text })
    }
}

/// How many passes a pipeline has.
pub fn length(stages: &[Stage]) -> usize {
    stages.iter().map(|stage| stage.passes.len()).sum()
}

/// The pass of a number, counted from the pipeline's first one, and the name of its stage.
pub fn pass_of(stages: &[Stage], number: usize) -> Option<(&'static str, &'static str)> {
    let mut all = stages.iter().flat_map(|stage| {
        let steps = stage.passes.iter();
        steps.map(|step| (stage.name, step.name()))
    });
    all.nth(number)
}

/// A pass that failed.
#[derive(Debug)]
pub struct Failed {
    /// Its text in the pipeline.
    pub pass: String,
    /// What was reported.
    pub records: Vec<Record>,
    /// The module before it.
    pub ir: String,
}

/// A time at which the module can be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before a pass.
    Before(&'static str),
    /// After a pass.
    After(&'static str),
}

/// Who looks at a module on its way through the passes.
pub type Watch<'w, 'c> = dyn FnMut(Moment, &Module<'c>) + 'w;

/// Runs stages on a module.
pub struct Runner<'c, 'x> {
    context: &'c Context,
    observe: &'x Observe,
    selection: Selection<'x>,
    count: usize,
    /// How many passes of the pipeline came by.
    number: usize,
    /// Whether the module is verified after each pass, and not only at the end of a stage.
    verifies_each: bool,
    /// Passes and times, in order, if kept.
    pub times: Vec<(String, Duration)>,
    /// Warnings and remarks.
    pub records: Vec<Record>,
}

impl<'c, 'x> Runner<'c, 'x> {
    /// A runner.
    pub fn new(context: &'c Context, observe: &'x Observe, selection: Selection<'x>) -> Self {
        register_all();
        Self {
            context,
            observe,
            selection,
            count: 0,
            number: 0,
            verifies_each: observe.shows_ir(),
            times: vec![],
            records: vec![],
        }
    }

    /// Runs a stage; `watch` sees the module before and after each pass.
    pub fn run(
        &mut self,
        stage: &'static Stage,
        module: &mut Module<'c>,
        mut watch: Option<&mut Watch<'_, 'c>>,
    ) -> Result<(), Failed> {
        let runs: Vec<_> = self.runs(stage).into_iter().map(|(_, run)| run).collect();
        let before = edit::clone_module(module);
        let result = match self.observe.each_pass() || watch.is_some() {
            true => runs.iter().try_for_each(|run| {
                let mut see = |moment, module: &Module<'c>| {
                    if let Some(watch) = &mut watch {
                        watch(moment, module);
                    }
                };
                see(Moment::Before(run.name), module);
                self.one(run, module)?;
                see(Moment::After(run.name), module);
                Ok(())
            }),
            false => self.passes(&texts(&runs), module),
        };
        let result = result.and_then(|()| self.verify(module));
        result.map_err(|records| {
            *module = before;
            self.failed(&runs, module, records)
        })
    }

    /// Runs a stage; `after` gets the number of each pass, counted from the pipeline's first one, and what it made.
    pub fn run_each(
        &mut self,
        stage: &Stage,
        module: &mut Module<'c>,
        mut after: impl FnMut(usize, &Module<'c>),
    ) -> Result<(), Failed> {
        for (number, run) in self.runs(stage) {
            self.passes(&run.text, module).map_err(|records| Failed {
                pass: run.text.clone(),
                records,
                ir: module.as_operation().to_string(),
            })?;
            after(number, module);
        }
        Ok(())
    }

    /// What runs of a stage, which is the next one.
    fn runs(&mut self, stage: &Stage) -> Vec<(usize, Run)> {
        let first = self.number;
        self.number += stage.passes.len();
        let runs = (0..stage.passes.len()).filter_map(|i| {
            let run = self.selection.run(stage, i, first + i)?;
            Some((first + i, run))
        });
        runs.collect()
    }

    /// Which of the passes fails, by running them again one by one.
    fn failed(&mut self, runs: &[Run], module: &mut Module<'c>, records: Vec<Record>) -> Failed {
        self.verifies_each = true;
        for run in runs {
            let before = edit::clone_module(module);
            if let Err(records) = self.passes(&run.text, module) {
                return Failed {
                    pass: run.text.clone(),
                    records,
                    ir: before.as_operation().to_string(),
                };
            }
        }
        Failed {
            pass: texts(runs),
            records,
            ir: module.as_operation().to_string(),
        }
    }

    /// Runs one pass, observed.
    fn one(&mut self, run: &Run, module: &mut Module<'c>) -> Result<(), Vec<Record>> {
        self.count += 1;
        let name = run.name;
        if let Some(path) = &self.observe.keep_ir {
            // It helps after a crash; a build does not fail for it.
            let ir = module.as_operation().to_string();
            let _ = std::fs::write(path, reproducer(&run.text, &ir));
        }
        let text = |module: &Module| module.as_operation().to_string();
        let before = self.observe.print_ir_after_change.then(|| text(module));
        let start = Instant::now();
        let result = self.passes(&run.text, module);
        self.times.push((name.to_string(), start.elapsed()));
        result?;
        let mut wanted = self.observe.print_ir_after.iter();
        let is_changed = before.is_some_and(|before| before != text(module));
        if is_changed || wanted.any(|wanted| wanted == "all" || wanted == name) {
            eprintln!(
                "// -----// IR after {name} //----- //\n{}",
                module.as_operation()
            );
        }
        if let Some(folder) = &self.observe.dump_ir {
            let file = folder.join(format!("{:02}-{name}.mlir", self.count));
            let text = module.as_operation().to_string();
            let written =
                std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&file, text));
            if let Err(error) = written {
                eprintln!("warning: can't write {}: {error}", file.display());
            }
        }
        Ok(())
    }

    /// Verifies the module at the end of a stage.
    fn verify(&mut self, module: &Module<'c>) -> Result<(), Vec<Record>> {
        if self.verifies_each {
            return Ok(());
        }
        let start = Instant::now();
        let (valid, records) = with_diagnostics(self.context, || module.as_operation().verify());
        self.times.push(("(verification)".into(), start.elapsed()));
        if valid { Ok(()) } else { Err(records) }
    }

    fn passes(&mut self, passes: &str, module: &mut Module<'c>) -> Result<(), Vec<Record>> {
        let manager = PassManager::new(self.context);
        manager.enable_verifier(self.verifies_each);
        if let Err(message) = parse_pipeline(&manager, &format!("builtin.module({passes})")) {
            return Err(vec![Record {
                error: true,
                location: "loc(unknown)".into(),
                message,
                notes: vec![],
            }]);
        }
        let (result, records) = with_diagnostics(self.context, || manager.run(module));
        match result {
            Ok(()) => {
                self.records.extend(records);
                Ok(())
            }
            Err(_) => Err(records),
        }
    }
}

/// Passes as the text of a pipeline.
fn texts(runs: &[Run]) -> String {
    let texts: Vec<_> = runs.iter().map(|run| run.text.as_str()).collect();
    texts.join(",")
}

/// A module with the passes that fail on it, as `dlc-opt --run-reproducer` takes it.
pub fn reproducer(passes: &str, ir: &str) -> String {
    format!(
        "// dlc-opt --run-reproducer FILE runs: {passes}\n{}\n\n{{-#\n  external_resources: {{\n    mlir_reproducer: {{\n      \
         pipeline: \"builtin.module({passes})\",\n      disable_threading: true,\n      verify_each: true\n    }}\n  }}\n#-}}\n",
        ir.trim_end()
    )
}
