//! The kinds of artefacts.

use dlc_lowering::target::Form;

/// A kind of artefact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Emit {
    /// The syntax tree.
    Ast,
    /// The `dl` module with derivatives made.
    Dl,
    /// On tensors, in linalg.
    Linalg,
    /// Loops on memory in the workspace.
    Loops,
    /// The `llvm` dialect.
    LlvmMlir,
    /// LLVM IR, optimised.
    LlvmIr,
    /// Assembly.
    Asm,
    /// Kernels for the GPU, and the host's functions that call them, on memory.
    Gpu,
    /// The device's functions in the `llvm` and `nvvm` dialects.
    Nvvm,
    /// The same, as PTX.
    Ptx,
    /// An object file.
    Obj,
    /// A static library.
    Staticlib,
    /// A shared library.
    Cdylib,
    /// A C header.
    Header,
    /// A C++ header around that for C.
    Hpp,
    /// Rust bindings.
    Rust,
    /// The module of a Python package; who writes it adds the rest: [`crate::python::package`].
    Python,
    /// The package as a file for `pip`. It holds the module and the library, so who writes it makes it:
    /// [`crate::wheel::pack`].
    Wheel,
    /// What `pkg-config` needs. It has a version, which who writes it knows: [`crate::pkg_config::text`].
    PkgConfig,
    /// A module of JavaScript that calls a module of WebAssembly.
    Js,
    /// The manifest.
    Manifest,
    /// What schedules are made with, which `--schedule` reads.
    Schedule,
    /// What the workspace holds over time. Who shows it chooses the form: [`crate::workspace`].
    Memory,
    /// What the compiler tells of its work. Who shows it chooses the form: `dlc_report`.
    Report,
    /// What passes say of the program. Who shows it chooses the form: `dlc_report::remarks`.
    Remarks,
    /// Rules for make, of the files that the others depend on. It names the others, so who writes these makes it:
    /// [`crate::dep_info::rules`].
    DepInfo,
}

impl Emit {
    /// Every kind.
    pub const ALL: [Emit; 26] = [
        Emit::Ast,
        Emit::Dl,
        Emit::Linalg,
        Emit::Loops,
        Emit::LlvmMlir,
        Emit::LlvmIr,
        Emit::Asm,
        Emit::Gpu,
        Emit::Nvvm,
        Emit::Ptx,
        Emit::Obj,
        Emit::Staticlib,
        Emit::Cdylib,
        Emit::Header,
        Emit::Hpp,
        Emit::Rust,
        Emit::Python,
        Emit::Wheel,
        Emit::PkgConfig,
        Emit::Js,
        Emit::Manifest,
        Emit::Schedule,
        Emit::Memory,
        Emit::Report,
        Emit::Remarks,
        Emit::DepInfo,
    ];

    /// The word on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Emit::Ast => "ast",
            Emit::Dl => "dl",
            Emit::Linalg => "linalg",
            Emit::Loops => "loops",
            Emit::LlvmMlir => "llvm-mlir",
            Emit::LlvmIr => "llvm-ir",
            Emit::Asm => "asm",
            Emit::Gpu => "gpu",
            Emit::Nvvm => "nvvm",
            Emit::Ptx => "ptx",
            Emit::Obj => "obj",
            Emit::Staticlib => "staticlib",
            Emit::Cdylib => "cdylib",
            Emit::Header => "header",
            Emit::Hpp => "hpp",
            Emit::Rust => "rust",
            Emit::Python => "python",
            Emit::Wheel => "wheel",
            Emit::PkgConfig => "pkg-config",
            Emit::Js => "js",
            Emit::Manifest => "manifest",
            Emit::Schedule => "schedule",
            Emit::Memory => "memory",
            Emit::Report => "report",
            Emit::Remarks => "remarks",
            Emit::DepInfo => "dep-info",
        }
    }

    /// The kind of a word.
    pub fn named(name: &str) -> Option<Emit> {
        Emit::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The kinds that one is of no use without, which are made with it.
    pub fn needs(self) -> &'static [Emit] {
        match self {
            Emit::Python => &[Emit::Cdylib],
            Emit::Wheel => &[Emit::Python, Emit::Cdylib],
            _ => &[],
        }
    }

    /// The stage of the pipeline for CPUs that gives it, or that code is made after.
    pub(crate) fn stage(self) -> Option<usize> {
        match self {
            Emit::Ast
            | Emit::Gpu
            | Emit::Nvvm
            | Emit::Ptx
            | Emit::Header
            | Emit::Hpp
            | Emit::Rust
            | Emit::Python
            | Emit::Wheel
            | Emit::PkgConfig
            | Emit::Js
            | Emit::Manifest
            | Emit::Schedule
            | Emit::DepInfo => None,
            Emit::Dl => Some(0),
            Emit::Linalg => Some(1),
            Emit::Loops | Emit::Memory | Emit::Remarks => Some(2),
            Emit::LlvmMlir
            | Emit::LlvmIr
            | Emit::Asm
            | Emit::Obj
            | Emit::Report
            | Emit::Staticlib
            | Emit::Cdylib => Some(3),
        }
    }

    /// Whether it is made for a GPU only.
    pub(crate) fn is_of_device(self) -> bool {
        matches!(self, Emit::Gpu | Emit::Nvvm | Emit::Ptx)
    }

    /// What LLVM makes for it.
    pub(crate) fn form(self) -> Option<Form> {
        match self {
            Emit::LlvmIr => Some(Form::LlvmIr),
            Emit::Asm => Some(Form::Assembly),
            Emit::Obj | Emit::Staticlib | Emit::Cdylib => Some(Form::Object),
            _ => None,
        }
    }
}
