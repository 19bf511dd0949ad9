//! Where code is to run: the triples that the compiler knows, and the processor there as LLVM names it.

use super::cpu::host_triple;
use crate::schedule::Arch;
use inkwell::targets::TargetMachine;

/// The name of this machine's processor.
pub const NATIVE: &str = "native";

/// The triples that code is made for, by the names that Rust has for them.
pub const TRIPLES: &[&str] = &[
    "aarch64-unknown-linux-gnu",
    "aarch64-unknown-linux-musl",
    "riscv64gc-unknown-linux-gnu",
    "riscv64gc-unknown-linux-musl",
    "wasm32-unknown-unknown",
    "x86_64-unknown-linux-gnu",
    "x86_64-unknown-linux-musl",
];

/// An architecture and a system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What it is called: one of [`TRIPLES`], or this machine's triple.
    pub name: String,
    /// LLVM's triple.
    pub triple: String,
    /// The architecture.
    pub arch: Arch,
}

impl Place {
    /// The machine that the compiler runs on.
    pub fn host() -> Self {
        Self {
            name: host_triple(),
            triple: host_triple(),
            arch: Arch::host(),
        }
    }

    /// The place of a triple: one of [`TRIPLES`], with any vendor or none, and `riscv64` for `riscv64gc`.
    pub fn named(triple: &str) -> Option<Self> {
        let wanted = essence(triple);
        let known = TRIPLES.iter().find(|known| essence(known) == wanted)?;
        let triple = known.replace("riscv64gc", Arch::Riscv64.name());
        let arch = Arch::named(triple.split('-').next()?)?;
        Some(Self {
            name: known.to_string(),
            triple,
            arch,
        })
    }

    /// Whether what is made for it runs on this machine.
    pub fn is_host(&self) -> bool {
        essence(&self.triple) == essence(&host_triple())
    }

    /// Whether programs there are Linux's.
    pub fn is_linux(&self) -> bool {
        self.triple.contains("linux")
    }

    /// How Debian calls the place, with which the names of its cross compilers begin: `aarch64-linux-gnu`.
    pub fn short(&self) -> String {
        essence(&self.triple).join("-")
    }

    /// The processor and the features that code is made for: `native` stands for those of this machine.
    pub fn processor(&self, cpu: &str, features: &str) -> Processor {
        let (cpu, own) = match cpu {
            NATIVE => (
                TargetMachine::get_host_cpu_name().to_string(),
                TargetMachine::get_host_cpu_features().to_string(),
            ),
            cpu => (cpu.to_string(), self.arch.features().to_string()),
        };
        let all = [own.as_str(), features];
        let all: Vec<_> = all.into_iter().filter(|list| !list.is_empty()).collect();
        Processor {
            triple: self.triple.clone(),
            cpu,
            features: all.join(","),
            abi: self.arch.abi(),
        }
    }
}

/// The parts of a triple that tell what code it is for.
fn essence(triple: &str) -> Vec<&str> {
    let mut parts = triple.split('-');
    let arch = match parts.next().unwrap_or_default() {
        "riscv64gc" => Arch::Riscv64.name(),
        arch => arch,
    };
    let rest = parts.filter(|part| !["unknown", "pc", "none"].contains(part));
    [arch].into_iter().chain(rest).collect()
}

/// What LLVM makes code for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Processor {
    /// The triple.
    pub triple: String,
    /// The name of the processor.
    pub cpu: String,
    /// What it has besides, as `+a,-b`.
    pub features: String,
    /// How functions are called, where it does not follow from the triple.
    pub abi: Option<&'static str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn triples_have_several_names() {
        for triple in TRIPLES {
            assert!(Place::named(triple).is_some(), "{triple}");
        }
        let place = |triple: &str| Place::named(triple).unwrap();
        assert_eq!(
            place("riscv64-linux-gnu").triple,
            "riscv64-unknown-linux-gnu"
        );
        assert_eq!(place("x86_64-pc-linux-gnu").short(), "x86_64-linux-gnu");
        assert_eq!(place("wasm32").arch, Arch::Wasm32);
        for unknown in ["aarch64", "arm-unknown-linux-gnueabi", "", "aarch64-linux"] {
            assert_eq!(Place::named(unknown), None, "{unknown}");
        }
    }
}
