//! The packages of Debian that building and testing need, and what each is for.

/// What a package is needed for. What builds is needed by the tests, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Building the compiler, and what it builds
    Build,
    /// Tests only; where it can't be installed, they say that they were skipped
    Tests,
}

/// A package.
#[derive(Debug)]
pub struct Package {
    /// What apt calls it
    pub name: &'static str,
    /// The program that is enough of it, wherever it comes from
    pub program: Option<&'static str>,
    /// What it is for, as a person is told
    pub reason: &'static str,
    pub need: Need,
}

/// What there is to install for a need.
pub fn of(need: Need) -> impl Iterator<Item = &'static Package> {
    PACKAGES
        .iter()
        .filter(move |package| need == Need::Tests || package.need == Need::Build)
}

const fn library(name: &'static str, reason: &'static str) -> Package {
    Package {
        name,
        program: None,
        reason,
        need: Need::Build,
    }
}

const fn program(
    name: &'static str,
    program: &'static str,
    reason: &'static str,
    need: Need,
) -> Package {
    Package {
        name,
        program: Some(program),
        reason,
        need,
    }
}

const PACKAGES: &[Package] = &[
    library("llvm-22-dev", "LLVM's headers and libraries"),
    library("libmlir-22-dev", "MLIR's headers and libraries"),
    library(
        "liblld-22-dev",
        "LLVM's linker, which is part of the compiler",
    ),
    library("mlir-22-tools", "mlir-tblgen, mlir-opt, FileCheck"),
    library("libclang-22-dev", "makes the bindings to MLIR's C API"),
    library(
        "libpolly-22-dev",
        "stands in the list of libraries that TableGen's bindings link",
    ),
    library("libzstd-dev", "LLVM links it"),
    library("zlib1g-dev", "LLVM links it"),
    library("libxml2-dev", "LLVM links it"),
    library("libz3-dev", "LLVM links it"),
    library("libedit-dev", "LLVM links it"),
    program(
        "gcc",
        "cc",
        "links the compiler and the C example",
        Need::Build,
    ),
    program("g++", "c++", "compiles the dialect's C++", Need::Build),
    program(
        "valgrind",
        "valgrind",
        "checks the built library's memory use in a test",
        Need::Tests,
    ),
    program(
        "neovim",
        "nvim",
        "the editor that the language server is tested with",
        Need::Tests,
    ),
    program(
        "chromium-headless-shell",
        "chromium-headless-shell",
        "opens the pages that the compiler writes in tests",
        Need::Tests,
    ),
    program(
        "cmake",
        "cmake",
        "builds a program with a model in a test",
        Need::Tests,
    ),
    program(
        "pkg-config",
        "pkg-config",
        "finds a built model in a test",
        Need::Tests,
    ),
    Package {
        name: "python3-numpy",
        program: None,
        reason: "calls built models from Python in tests",
        need: Need::Tests,
    },
    program(
        "qemu-user",
        "qemu-aarch64",
        "runs what was built for other processors in tests",
        Need::Tests,
    ),
    Package {
        name: "libc6-dev-arm64-cross",
        program: None,
        reason: "what C programs for aarch64 in tests include",
        need: Need::Tests,
    },
    program(
        "gcc-aarch64-linux-gnu",
        "aarch64-linux-gnu-gcc",
        "links what was built for aarch64 in tests",
        Need::Tests,
    ),
    Package {
        name: "libc6-dev-riscv64-cross",
        program: None,
        reason: "what C programs for riscv64 in tests include",
        need: Need::Tests,
    },
    program(
        "gcc-riscv64-linux-gnu",
        "riscv64-linux-gnu-gcc",
        "links what was built for riscv64 in tests",
        Need::Tests,
    ),
    program(
        "lld-22",
        "wasm-ld-22",
        "links what was built for WebAssembly in tests",
        Need::Tests,
    ),
    program(
        "nodejs",
        "node",
        "runs what was built for WebAssembly in tests",
        Need::Tests,
    ),
];
