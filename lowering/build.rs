//! Compiles the call of LLVM's linkers. For a compiler with LLVM inside (`cfg(dlc_static_llvm)`, see `cargo xtask dist`)
//! it also leaves out the processors that nothing here makes code for.

use std::{env, error::Error, fmt::Write as _, fs, path::PathBuf, process::Command};

/// LLVM's names of the processors that a compiler with LLVM inside keeps.
const KEPT: [&str; 5] = ["AArch64", "NVPTX", "RISCV", "WebAssembly", "X86"];

/// The functions by which all parts of a processor are registered; without those of the others nothing of them is linked.
const PARTS: [&str; 6] = [
    "TargetInfo",
    "Target",
    "TargetMC",
    "AsmPrinter",
    "AsmParser",
    "Disassembler",
];

fn main() -> Result<(), Box<dyn Error>> {
    let prefix = env::var("MLIR_SYS_220_PREFIX").unwrap_or_else(|_| "/usr/lib/llvm-22".into());
    println!("cargo:rerun-if-changed=cxx");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=MLIR_SYS_220_PREFIX");
    if env::var("CARGO_CFG_TARGET_OS")? != "linux" {
        return Ok(());
    }
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .file("cxx/lld.cpp")
        .include(format!("{prefix}/include"))
        .flag("-fno-rtti")
        .flag("-fno-exceptions")
        .debug(false)
        .warnings(false)
        .compile("dlc_lld");
    println!("cargo:rustc-link-search=native={prefix}/lib");
    for library in ["lldELF", "lldWasm", "lldCommon"] {
        println!("cargo:rustc-link-lib=static:-bundle={library}");
    }
    if env::var_os("CARGO_CFG_DLC_STATIC_LLVM").is_some() {
        leave_out(&format!("{prefix}/bin/llvm-config"))?;
    }
    Ok(())
}

/// Defines the registration of processors that are not kept as functions that do nothing.
fn leave_out(llvm_config: &str) -> Result<(), Box<dyn Error>> {
    let output = Command::new(llvm_config).arg("--targets-built").output()?;
    let built = String::from_utf8(output.stdout)?;
    let mut text = String::new();
    for target in built.split_whitespace().filter(|name| !KEPT.contains(name)) {
        for part in PARTS {
            writeln!(text, "void LLVMInitialize{target}{part}(void) {{}}")?;
        }
    }
    let source = PathBuf::from(env::var("OUT_DIR")?).join("left_out.c");
    fs::write(&source, text)?;
    cc::Build::new()
        .file(&source)
        .link_lib_modifier("+whole-archive")
        .compile("dlc_left_out");
    Ok(())
}
