//! Architectures that code is made for, and what follows from them alone.

use std::fmt;

/// An architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arch {
    /// AMD's and Intel's of 64 bits.
    X86_64,
    /// Arm's of 64 bits.
    Aarch64,
    /// RISC-V of 64 bits with the extensions of general machines (`gc`).
    Riscv64,
    /// WebAssembly with addresses of 32 bits.
    Wasm32,
}

impl Arch {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::X86_64, Self::Aarch64, Self::Riscv64, Self::Wasm32];

    /// The name, as triples begin with it.
    pub fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
            Self::Riscv64 => "riscv64",
            Self::Wasm32 => "wasm32",
        }
    }

    /// The architecture of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|arch| arch.name() == name)
    }

    /// LLVM's name of the CPU that all others of the architecture can take the place of.
    pub fn least_cpu(self) -> &'static str {
        match self {
            Self::X86_64 => "x86-64",
            Self::Aarch64 | Self::Wasm32 => "generic",
            Self::Riscv64 => "generic-rv64",
        }
    }

    /// LLVM's features that every CPU of the architecture has for us, whatever its name says.
    pub fn features(self) -> &'static str {
        match self {
            Self::X86_64 | Self::Aarch64 => "",
            Self::Riscv64 => "+m,+a,+f,+d,+c",
            Self::Wasm32 => "+simd128",
        }
    }

    /// Bits of an address, and of C's `size_t`.
    pub fn address_bits(self) -> i64 {
        match self {
            Self::Wasm32 => 32,
            Self::X86_64 | Self::Aarch64 | Self::Riscv64 => 64,
        }
    }

    /// LLVM's name of how functions are called, where it does not follow from the triple.
    pub fn abi(self) -> Option<&'static str> {
        (self == Self::Riscv64).then_some("lp64d")
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}
