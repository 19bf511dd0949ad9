//! Objects for CPUs, by LLVM's own passes.

use super::{
    machine::{machine, optimise},
    parts::{self, Parts},
    place::Processor,
};
use crate::schedule::{Arch, Target};
use dlc_dialects::ir::edit;
use inkwell::{
    GlobalVisibility,
    attributes::AttributeLoc,
    context::Context,
    llvm_sys::prelude::{LLVMContextRef, LLVMModuleRef},
    module::{Linkage, Module},
    targets::{FileType, TargetMachine, TargetTriple},
};
use melior::ir::attribute::StringAttribute;
use rayon::prelude::*;
use std::{
    fmt,
    time::{Duration, Instant},
};

/// The stack of a thread that LLVM runs on, which recurs as deep as expressions are.
const STACK: usize = 64 << 20;

/// What to make of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// LLVM IR as text, after LLVM's passes.
    LlvmIr,
    /// Assembly as text.
    Assembly,
    /// An object file.
    Object,
}

/// How code is made.
#[derive(Clone, Debug)]
pub struct CodegenOptions<'x> {
    /// The processor.
    pub processor: &'x Processor,
    /// What the schedules assumed.
    pub target: &'x Target,
    /// 0 to 3.
    pub opt_level: u8,
    /// The functions that callers see; all others become internal.
    pub exported: &'x [String],
    /// The name that the IR carries, and the symbols between parts.
    pub name: &'x str,
    /// The most threads to work on. What is made does not depend on it.
    pub jobs: usize,
}

/// Objects of parts that were made before, by all that they are made from.
pub trait Objects: Sync {
    /// The object, if it is there.
    fn get(&self, made_from: &[&[u8]]) -> Option<Vec<u8>>;
    /// Keeps it.
    fn put(&self, made_from: &[&[u8]], object: &[u8]);
}

/// What was made of a module.
#[derive(Debug, Default)]
pub struct Made {
    /// LLVM IR, if it was asked for.
    pub ir: Option<Vec<u8>>,
    /// Assembly, if it was asked for.
    pub assembly: Option<Vec<u8>>,
    /// The objects, if they were asked for: one, or several of a large module, which belong together.
    pub objects: Vec<Vec<u8>>,
    /// How long the parts of the work took, by their names; they add up to the whole.
    pub times: Vec<(&'static str, Duration)>,
}

impl Made {
    /// Takes up what was made of another module of the same library. Text stays that of the first.
    pub fn add(&mut self, more: Self) {
        self.ir = self.ir.take().or(more.ir);
        self.assembly = self.assembly.take().or(more.assembly);
        self.objects.extend(more.objects);
        for (name, time) in more.times {
            match self.times.iter_mut().find(|(known, _)| *known == name) {
                Some((_, total)) => *total += time,
                None => self.times.push((name, time)),
            }
        }
    }
}

/// Why no code was made.
#[derive(Debug)]
pub enum CodegenError {
    /// LLVM knows no such target.
    Target(String),
    /// What should not happen on a verified module.
    Internal(String),
}

impl fmt::Display for CodegenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Target(message) | Self::Internal(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for CodegenError {}

/// The triple of the machine that the compiler runs on.
pub fn host_triple() -> String {
    TargetMachine::get_default_triple()
        .as_str()
        .to_string_lossy()
        .into_owned()
}

/// The version of LLVM, such as `22.1.8`.
pub fn llvm_version() -> String {
    let (major, minor, patch) = inkwell::support::get_llvm_version();
    format!("{major}.{minor}.{patch}")
}

/// Makes the forms asked for. The module must hold only ops of the `llvm` dialect. Parts that are known are not made again.
pub fn emit(
    module: &melior::ir::Module,
    options: &CodegenOptions,
    forms: &[Form],
    known: Option<&dyn Objects>,
) -> Result<Made, CodegenError> {
    let start = Instant::now();
    let context = Context::create();
    let machine = machine(options)?;
    set_layout(module, &machine);
    let module = translate(module, &context)?;
    prepare(&context, &module, &machine, options);
    module
        .verify()
        .map_err(|error| CodegenError::Internal(format!("LLVM refuses the module: {error}")))?;
    let parts = Parts::of(&module, &machine, options.name)?;
    let translation = start.elapsed();
    let start = Instant::now();
    let has = |form| forms.contains(&form);
    let text = has(Form::LlvmIr) || has(Form::Assembly);
    let work = Work {
        options,
        object: has(Form::Object),
        bitcode: text && parts.is_some(),
        known: known.filter(|_| !text),
    };
    let (done, whole) = match parts {
        None => (vec![work.on(&module, &machine)?], module),
        Some(parts) => {
            let done = work.on_all(&parts)?;
            let whole = context.create_module(options.name);
            for part in &done {
                if let Some(bitcode) = &part.bitcode {
                    link(&whole, parts::parse(bitcode, &context)?)?;
                }
            }
            (done, whole)
        }
    };
    let mut made = Made::default();
    if has(Form::LlvmIr) {
        made.ir = Some(whole.print_to_string().to_string().into_bytes());
    }
    if has(Form::Assembly) {
        made.assembly = Some(write(&machine, &whole, FileType::Assembly)?);
    }
    // What threads did at the same time counts by its share.
    let (elapsed, passes, code) = (
        start.elapsed().as_secs_f64(),
        done.iter()
            .map(|part| part.passes.as_secs_f64())
            .sum::<f64>(),
        done.iter().map(|part| part.code.as_secs_f64()).sum::<f64>(),
    );
    let share = |of: f64| Duration::from_secs_f64(elapsed * of / (passes + code).max(1e-9));
    made.times = vec![
        ("(translation)", translation),
        ("(LLVM passes)", share(passes)),
        ("(code generation)", share(code)),
    ];
    made.objects = done.into_iter().filter_map(|part| part.object).collect();
    Ok(made)
}

/// What to do with each part.
struct Work<'x> {
    options: &'x CodegenOptions<'x>,
    object: bool,
    bitcode: bool,
    known: Option<&'x dyn Objects>,
}

/// What was done with a part.
struct Done {
    object: Option<Vec<u8>>,
    /// The module after LLVM's passes.
    bitcode: Option<Vec<u8>>,
    passes: Duration,
    code: Duration,
}

impl Work<'_> {
    /// Goes through all parts, several at a time.
    fn on_all(&self, parts: &Parts) -> Result<Vec<Done>, CodegenError> {
        let one = |index| {
            let context = Context::create();
            let machine = machine(self.options)?;
            let start = Instant::now();
            let module = parts.module(index, &context, &machine)?;
            let cut = start.elapsed();
            let done = self.on_part(&module, &machine)?;
            Ok(Done {
                passes: done.passes + cut,
                ..done
            })
        };
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(self.options.jobs.min(parts.count()))
            .stack_size(STACK)
            .build()
            .map_err(|error| CodegenError::Internal(format!("no threads for LLVM: {error}")))?;
        pool.install(|| {
            let parts = (0..parts.count()).into_par_iter().with_max_len(1);
            parts.map(one).collect()
        })
    }

    /// What is made of a part, or was.
    fn on_part(&self, module: &Module, machine: &TargetMachine) -> Result<Done, CodegenError> {
        let Some(known) = self.known else {
            return self.on(module, machine);
        };
        let bitcode = module.write_bitcode_to_memory();
        let how = format!("{:?} {}", self.options.processor, self.options.opt_level);
        let made_from = [bitcode.as_slice(), how.as_bytes()];
        if let Some(object) = known.get(&made_from) {
            return Ok(Done {
                object: Some(object),
                bitcode: None,
                passes: Duration::ZERO,
                code: Duration::ZERO,
            });
        }
        let done = self.on(module, machine)?;
        if let Some(object) = &done.object {
            known.put(&made_from, object);
        }
        Ok(done)
    }

    fn on(&self, module: &Module, machine: &TargetMachine) -> Result<Done, CodegenError> {
        let start = Instant::now();
        optimise(module, machine, self.options.opt_level)?;
        let passes = start.elapsed();
        let start = Instant::now();
        let bitcode = self
            .bitcode
            .then(|| module.write_bitcode_to_memory().as_slice().to_vec());
        let object = match self.object {
            true => Some(write(machine, module, FileType::Object)?),
            false => None,
        };
        Ok(Done {
            object,
            bitcode,
            passes,
            code: start.elapsed(),
        })
    }
}

fn link<'x>(whole: &Module<'x>, part: Module<'x>) -> Result<(), CodegenError> {
    whole
        .link_in_module(part)
        .map_err(|error| CodegenError::Internal(format!("LLVM can't join the parts: {error}")))
}

pub(super) fn write(
    machine: &TargetMachine,
    module: &Module,
    kind: FileType,
) -> Result<Vec<u8>, CodegenError> {
    let buffer = machine
        .write_to_memory_buffer(module, kind)
        .map_err(|error| CodegenError::Internal(format!("LLVM can't write code: {error}")))?;
    Ok(buffer.as_slice().to_vec())
}

/// Says how values lie in memory, on which alignments in the translation depend.
fn set_layout(module: &melior::ir::Module, machine: &TargetMachine) {
    let layout = machine.get_target_data().get_data_layout();
    let layout = layout.as_str().to_string_lossy();
    let context = module.context();
    // SAFETY: the reference is to the variable, which lives until the end.
    let context = unsafe { context.to_ref() };
    let layout = StringAttribute::new(context, &layout);
    edit::set_attribute(module.as_operation(), "llvm.data_layout", layout.into());
}

pub(super) fn translate<'x>(
    module: &melior::ir::Module,
    context: &'x Context,
) -> Result<Module<'x>, CodegenError> {
    let raw: LLVMContextRef = context.raw();
    let translated = unsafe {
        mlir_sys::mlirTranslateModuleToLLVMIR(module.as_operation().to_raw(), raw.cast())
    };
    if translated.is_null() {
        return Err(CodegenError::Internal(
            "the module does not translate to LLVM IR".into(),
        ));
    }
    // The module is ours now, and lives in `context`.
    Ok(unsafe { Module::new(translated as LLVMModuleRef) })
}

/// Sets what MLIR's module does not say: target, linkage, and attributes of functions.
fn prepare(context: &Context, module: &Module, machine: &TargetMachine, options: &CodegenOptions) {
    let triple: TargetTriple = machine.get_triple();
    module.set_triple(&triple);
    module.set_data_layout(&machine.get_target_data().get_data_layout());
    module.set_name(options.name);
    module.set_source_file_name(options.name);
    let nounwind = context.create_enum_attribute(
        inkwell::attributes::Attribute::get_named_enum_kind_id("nounwind"),
        0,
    );
    let width = options.target.vector_bits.to_string();
    let width = context.create_string_attribute("prefer-vector-width", &width);
    // LLVM 22 finds no register for the address of a slot in a frame of over 2 KiB ("Incomplete scavenging after 2nd pass") where
    // all are in use and the slot to save one in is only reached from the stack pointer.
    let frame_pointer = context.create_string_attribute("frame-pointer", "all");
    for function in module.get_functions() {
        if function.count_basic_blocks() == 0 {
            continue;
        }
        function.add_attribute(AttributeLoc::Function, nounwind);
        function.add_attribute(AttributeLoc::Function, width);
        if options.target.arch == Arch::Riscv64 {
            function.add_attribute(AttributeLoc::Function, frame_pointer);
        }
        let name = function.get_name().to_string_lossy().into_owned();
        // What is hidden is for the other objects of the library.
        let hidden = function.as_global_value().get_visibility() == GlobalVisibility::Hidden;
        if !hidden && !options.exported.contains(&name) {
            function.set_linkage(Linkage::Internal);
        }
    }
}
