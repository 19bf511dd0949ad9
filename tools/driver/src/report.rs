//! `--report`: what the compiler tells of its work on a program, collected while it works.
//!
//! Passes are not asked: the module is looked at between them. Fusion alone is told of by the passes that fuse, as it
//! is by `--remarks=fusion`.

mod levels;
mod places;
mod remarks;

use crate::{
    compile::{COMPILER, Input, Ran, Session},
    pipelines::Moment,
    source,
    workspace::{self, Workspace},
};
use dlc_abi::{Manifest, Poly};
use dlc_dialects::ir::edit;
use dlc_frontend::ast::ItemKind;
use dlc_frontend::{modules, parser};
use dlc_lowering::{
    entry::{self, Entry},
    flops, nests, walk,
};
use dlc_report::{Amount, Call, Cost, Dim, Edge, Function, Kind, Level, Nest, Report, Time, Unit};
pub(crate) use levels::{located, of_assembly, of_llvm, of_mlir, of_ptx, with_debug_info};
use melior::ir::{Location, Module, operation::OperationLike};
pub(crate) use places::Places;
pub(crate) use remarks::remarks;
use std::collections::{BTreeMap, HashSet};

/// What is seen of a compilation on its way.
pub(crate) struct Collector<'x> {
    input: Input<'x>,
    /// Where loops and branches of the program stand, as MLIR's text.
    control: HashSet<String>,
    /// What exports do, by their C names.
    counted: BTreeMap<String, Vec<Counted>>,
    work: BTreeMap<String, Work>,
    /// What is asked for of each level, as it stands in the module.
    levels: Vec<(&'static str, String)>,
}

/// The floating-point operations of an operation.
struct Counted {
    location: String,
    flops: Option<Poly>,
}

/// The nests of an export, with places as MLIR's text.
struct Work {
    nests: Vec<SeenNest>,
    edges: Vec<(usize, usize, usize)>,
    buffers: Vec<nests::Buffer>,
    scratch: HashSet<usize>,
}

struct SeenNest {
    kind: nests::Kind,
    place: String,
    members: Vec<String>,
    inside: Option<usize>,
    kernel: Option<String>,
    reads: Vec<usize>,
    writes: Vec<usize>,
}

impl<'x> Collector<'x> {
    /// Nothing seen yet.
    pub fn new(input: Input<'x>) -> Self {
        Self {
            input,
            control: HashSet::new(),
            counted: BTreeMap::new(),
            work: BTreeMap::new(),
            levels: vec![],
        }
    }

    /// Looks at the module between passes.
    pub fn see(&mut self, moment: Moment, module: &Module) {
        match moment {
            Moment::Before("dl-to-linalg") => {
                let ops = walk::inside(module.as_operation()).into_iter();
                let control = ops.filter(|op| edit::name(*op).starts_with("scf."));
                self.control = control.map(|op| op.location().to_string()).collect();
            }
            Moment::After("dl-to-linalg") => {
                self.counted = of_entries(module, |entry| {
                    let each = flops::each(entry.func).into_iter();
                    let counted = each.map(|(op, flops)| Counted {
                        location: op.location().to_string(),
                        flops,
                    });
                    counted.collect()
                });
            }
            Moment::Before("vectorize-generics") => {
                let control = &self.control;
                let is_control = |place: Location| control.contains(&place.to_string());
                self.work = of_entries(module, |entry| seen(nests::of(entry.func, &is_control)));
            }
            _ => {}
        }
    }

    /// Keeps the module as the text of a level.
    pub fn level(&mut self, name: &'static str, module: &Module) {
        self.levels.push((name, located(module.as_operation())));
    }
}

/// Something of each export, by its C name.
fn of_entries<T>(module: &Module, of: impl Fn(&Entry) -> T) -> BTreeMap<String, T> {
    let entries = entry::entries(module.as_operation()).unwrap_or_default();
    let found = entries.iter();
    found
        .map(|entry| (entry.symbol.clone(), of(entry)))
        .collect()
}

fn seen(work: nests::Work) -> Work {
    let scratch = (0..work.buffers.len()).filter(|buffer| work.is_scratch(*buffer));
    let scratch = scratch.collect();
    let edges = work.edges();
    let text = |place: &Location| place.to_string();
    let nests = work.nests.into_iter().map(|nest| SeenNest {
        kind: nest.kind,
        place: text(&nest.place),
        members: nest.members.iter().map(text).collect(),
        inside: nest.inside,
        kernel: nest.kernel,
        reads: nest.reads,
        writes: nest.writes,
    });
    Work {
        nests: nests.collect(),
        edges,
        buffers: work.buffers,
        scratch,
    }
}

/// What is known when the compilation is done.
pub(crate) struct Done<'x> {
    /// The compilation.
    pub session: &'x Session,
    /// The library.
    pub manifest: &'x Manifest,
    /// What the passes said.
    pub ran: &'x Ran,
    /// The workspaces.
    pub workspaces: &'x [Workspace],
    /// What LLVM made, and what was made for a GPU, behind the levels that were collected.
    pub levels: Vec<(&'static str, String)>,
}

impl Collector<'_> {
    /// The report.
    pub fn finish(self, done: Done) -> Report {
        let mut places = Places::new(self.input);
        let options = done.session.options();
        let entries = done.manifest.entries.iter();
        let dims: BTreeMap<String, Vec<Dim>> = entries
            .map(|entry| {
                let sizes = workspace::dims_at(&entry.dims, &options.sizes);
                let dims = sizes.into_iter().map(|(name, size)| Dim { name, size });
                (entry.symbol.clone(), dims.collect())
            })
            .collect();
        let levels = self
            .levels
            .iter()
            .map(|(name, text)| (*name, text.as_str()));
        let more = done
            .levels
            .iter()
            .map(|(name, text)| (*name, text.as_str()));
        let levels = levels.chain(more).map(|(name, text)| Level {
            name: name.to_string(),
            functions: match name {
                "llvm-ir" => of_llvm(text, &mut places),
                "asm" => of_assembly(text, &mut places),
                "ptx" => of_ptx(text, &mut places),
                _ => of_mlir(text, &mut places),
            },
        });
        let levels = levels.collect();
        let functions = functions(self.input, &mut places);
        let mut calls = Calls::default();
        let mut entries = vec![];
        for entry in &done.manifest.entries {
            let dims = dims.get(&entry.symbol).cloned().unwrap_or_default();
            let counted = self.counted.get(&entry.symbol);
            let counted = counted.map_or(&[][..], Vec::as_slice);
            for one in counted {
                calls.add(&entry.name, &places.chain(&one.location), &functions);
            }
            let work = self.work.get(&entry.symbol);
            entries.push(
                Told {
                    places: &mut places,
                    dims: &dims,
                }
                .entry(entry, counted, work),
            );
        }
        let all: Vec<Dim> = dims.into_values().flatten().collect();
        Report {
            schema: dlc_report::SCHEMA,
            compiler: COMPILER.to_string(),
            program: self.input.source.name.to_string(),
            unit: Unit {
                target: done.manifest.target.clone(),
                opt_level: options.opt_level,
                threads: options.threads,
                gpu: options.gpu.map(|gpu| gpu.name.to_string()),
            },
            remarks: remarks(&done.ran.records, &mut places, &all),
            functions,
            calls: calls.into_calls(),
            entries,
            workspaces: done.workspaces.iter().map(Workspace::told).collect(),
            times: times(done.ran),
            levels,
            files: places.files(),
        }
    }
}

/// What passes took, in order.
pub(crate) fn times(ran: &Ran) -> Vec<Time> {
    let times = ran.times.iter().map(|(name, time)| Time {
        name: name.clone(),
        milliseconds: time.as_secs_f64() * 1e3,
    });
    times.collect()
}

/// A polynomial and its value at some dims.
pub(crate) fn amount(poly: Option<&Poly>, dims: &[Dim]) -> Amount {
    let unknown = || Amount {
        formula: "?".to_string(),
        value: None,
    };
    let Some(poly) = poly else { return unknown() };
    let of = |name: &str| dims.iter().find(|dim| dim.name == name).map(|dim| dim.size);
    let value = poly
        .eval(&of)
        .ok()
        .and_then(|value| u64::try_from(value).ok());
    match value.is_none() && poly.names().iter().any(|name| name.starts_with('%')) {
        true => unknown(),
        false => Amount {
            formula: poly.to_string(),
            value,
        },
    }
}

/// The functions of the program's own files.
fn functions(input: Input, places: &mut Places) -> Vec<Function> {
    if source::is_module(input.source) {
        return of_module(input.source.text);
    }
    let own = input.sources.files().iter();
    let own = own.filter(|file| !modules::is_std(file));
    let mut found = vec![];
    for file in own {
        let number = places.number(file.file);
        let (tree, _) = parser::parse(file);
        for item in tree.items {
            if let ItemKind::Fn(function) = item.kind {
                found.push(Function {
                    name: function.name.name.clone(),
                    file: number,
                    lines: (
                        file.line_col(item.span.start).line,
                        file.line_col(item.span.end.saturating_sub(1)).line,
                    ),
                });
            }
        }
    }
    found
}

/// The functions of a textual module, which is the first file: each up to the next one.
fn of_module(text: &str) -> Vec<Function> {
    let mut found: Vec<Function> = vec![];
    for (number, line) in (1..).zip(text.lines()) {
        let begins = line.trim_start().strip_prefix("func.func ");
        match begins.and_then(|rest| rest.split_once('@')) {
            Some((_, rest)) => found.push(Function {
                name: rest.split('(').next().unwrap_or_default().to_string(),
                file: 0,
                lines: (number, number),
            }),
            None => found
                .last_mut()
                .into_iter()
                .for_each(|last| last.lines.1 = number),
        }
    }
    found
}

/// Which function stands in which, by the places of operations.
#[derive(Default)]
struct Calls(BTreeMap<(usize, usize), usize>);

impl Calls {
    /// Counts an operation of an export, which stands at the first place, called from the next one, and so on.
    fn add(&mut self, entry: &str, chain: &[dlc_report::Place], functions: &[Function]) {
        let inside = |place: &dlc_report::Place| {
            functions.iter().position(|function| {
                let (first, last) = function.lines;
                function.file == place.file && (first..=last).contains(&place.line)
            })
        };
        let mut around: Vec<_> = chain.iter().filter_map(inside).collect();
        // What derivatives are made of does not tell who asked for them.
        around.extend(functions.iter().position(|function| function.name == entry));
        around.dedup();
        for pair in around.windows(2) {
            *self.0.entry((pair[1], pair[0])).or_default() += 1;
        }
    }

    fn into_calls(self) -> Vec<Call> {
        let calls = self.0.into_iter();
        let calls = calls.map(|((caller, callee), operations)| Call {
            caller,
            callee,
            operations,
        });
        calls.collect()
    }
}

/// What tells of an export.
struct Told<'t, 'x> {
    places: &'t mut Places<'x>,
    dims: &'t [Dim],
}

/// The cost of a line; nothing known is `None`.
struct Sums {
    flops: Option<Poly>,
    with_calls: Option<Poly>,
    bytes: Option<Poly>,
}

impl Default for Sums {
    fn default() -> Self {
        let zero = || Some(Poly::zero());
        Self {
            flops: zero(),
            with_calls: zero(),
            bytes: zero(),
        }
    }
}

fn add(sum: &mut Option<Poly>, more: &Option<Poly>) {
    *sum = match (sum.take(), more) {
        (Some(sum), Some(more)) => Some(sum + more.clone()),
        _ => None,
    };
}

impl Told<'_, '_> {
    fn entry(
        mut self,
        entry: &dlc_abi::Entry,
        counted: &[Counted],
        work: Option<&Work>,
    ) -> dlc_report::Entry {
        let mut lines: BTreeMap<(usize, usize), Sums> = BTreeMap::new();
        let mut flops = Some(Poly::zero());
        for one in counted {
            if one
                .flops
                .as_ref()
                .is_some_and(|flops| flops.as_const() == Some(0))
            {
                continue;
            }
            add(&mut flops, &one.flops);
            let chain = self.places.chain(&one.location);
            if let Some(place) = self.places.own(&chain) {
                add(
                    &mut lines.entry((place.file, place.line)).or_default().flops,
                    &one.flops,
                );
            }
            let mut on_the_way: Vec<_> =
                chain.iter().map(|place| (place.file, place.line)).collect();
            on_the_way.sort_unstable();
            on_the_way.dedup();
            for line in on_the_way {
                add(&mut lines.entry(line).or_default().with_calls, &one.flops);
            }
        }
        let mut bytes = Some(Poly::zero());
        let mut nests = vec![];
        let mut edges = vec![];
        if let Some(work) = work {
            for nest in &work.nests {
                let [reads, writes] =
                    [&nest.reads, &nest.writes].map(|buffers| work.bytes(buffers));
                let both = reads
                    .clone()
                    .zip(writes.clone())
                    .map(|(reads, writes)| reads + writes);
                add(&mut bytes, &both);
                let chain = self.places.chain(&nest.place);
                let place = self.places.own(&chain);
                if let Some(place) = place {
                    add(
                        &mut lines.entry((place.file, place.line)).or_default().bytes,
                        &both,
                    );
                }
                nests.push(Nest {
                    kind: kind(nest.kind),
                    place,
                    members: self.members(&nest.members),
                    reads: amount(reads.as_ref(), self.dims),
                    writes: amount(writes.as_ref(), self.dims),
                    inside: nest.inside,
                    kernel: nest.kernel.clone(),
                });
            }
            edges.extend(work.edges.iter().map(|(from, to, buffer)| Edge {
                from: *from,
                to: *to,
                ty: work.buffers[*buffer].ty.clone(),
                bytes: amount(Some(&work.buffers[*buffer].bytes), self.dims),
            }));
        }
        let costs = lines.into_iter().map(|((file, line), sums)| Cost {
            file,
            line,
            flops: amount(sums.flops.as_ref(), self.dims),
            flops_with_calls: amount(sums.with_calls.as_ref(), self.dims),
            bytes: amount(sums.bytes.as_ref(), self.dims),
        });
        dlc_report::Entry {
            name: entry.name.clone(),
            symbol: entry.symbol.clone(),
            dims: self.dims.to_vec(),
            flops: amount(flops.as_ref(), self.dims),
            bytes: amount(bytes.as_ref(), self.dims),
            costs: costs.collect(),
            nests,
            edges,
        }
    }

    /// Places in the program's own files, each once, in order.
    fn members(&mut self, texts: &[String]) -> Vec<dlc_report::Place> {
        let mut members: Vec<_> = texts
            .iter()
            .filter_map(|text| {
                let chain = self.places.chain(text);
                self.places.own(&chain)
            })
            .collect();
        members.sort_unstable();
        members.dedup();
        members
    }
}

impl Work {
    /// The bytes of buffers, without those that only one nest touches.
    fn bytes(&self, buffers: &[usize]) -> Option<Poly> {
        let buffers = buffers
            .iter()
            .filter(|buffer| !self.scratch.contains(buffer));
        let mut sizes = buffers.map(|buffer| &self.buffers[*buffer].bytes);
        let known = |size: &Poly| size.names().iter().all(|name| !name.starts_with('%'));
        sizes.try_fold(Poly::zero(), |sum, size| {
            known(size).then(|| sum + size.clone())
        })
    }
}

fn kind(kind: nests::Kind) -> Kind {
    match kind {
        nests::Kind::Product => Kind::Product,
        nests::Kind::Elementwise => Kind::Elementwise,
        nests::Kind::Reduction => Kind::Reduction,
        nests::Kind::Control => Kind::Control,
        nests::Kind::Loop => Kind::Loop,
        nests::Kind::Copy => Kind::Copy,
    }
}
