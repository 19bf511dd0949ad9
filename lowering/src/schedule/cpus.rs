//! The CPUs that schedules know, by LLVM's names, and the features that may be added to one or taken away.

use super::{Arch, Target, knobs::Knobs};
use Arch::{Aarch64, Riscv64, Wasm32, X86_64};

/// Name, vector bits, KiB of L1 and L2.
type Row = (&'static str, i64, i64, i64);

const X86: &[Row] = &[
    ("x86-64", 128, 32, 256),
    ("x86-64-v2", 128, 32, 256),
    ("x86-64-v3", 256, 32, 256),
    ("x86-64-v4", 512, 32, 1024),
    ("nehalem", 128, 32, 256),
    ("westmere", 128, 32, 256),
    ("haswell", 256, 32, 256),
    ("broadwell", 256, 32, 256),
    ("skylake", 256, 32, 256),
    ("skylake-avx512", 512, 32, 1024),
    ("cascadelake", 512, 32, 1024),
    ("cooperlake", 512, 32, 1024),
    ("icelake-client", 512, 48, 512),
    ("icelake-server", 512, 48, 1280),
    ("tigerlake", 512, 48, 1280),
    ("rocketlake", 512, 48, 512),
    ("alderlake", 256, 48, 1280),
    ("raptorlake", 256, 48, 2048),
    ("sapphirerapids", 512, 48, 2048),
    ("emeraldrapids", 512, 48, 2048),
    ("graniterapids", 512, 48, 2048),
    ("znver1", 256, 32, 512),
    ("znver2", 256, 32, 512),
    ("znver3", 256, 32, 512),
    ("znver4", 512, 32, 1024),
    ("znver5", 512, 48, 1024),
];

/// Vectors of fixed length are NEON's, whatever else there is.
const AARCH64: &[Row] = &[
    ("generic", 128, 32, 256),
    ("cortex-a53", 128, 32, 512),
    ("cortex-a55", 128, 32, 256),
    ("cortex-a72", 128, 32, 1024),
    ("cortex-a76", 128, 64, 512),
    ("cortex-a78", 128, 64, 512),
    ("cortex-x1", 128, 64, 1024),
    ("neoverse-n1", 128, 64, 1024),
    ("neoverse-n2", 128, 64, 1024),
    ("neoverse-v1", 128, 64, 1024),
    ("neoverse-v2", 128, 64, 2048),
    ("apple-m1", 128, 128, 4096),
    ("ampere1", 128, 64, 2048),
];

const RISCV64: &[Row] = &[
    ("generic-rv64", 128, 32, 256),
    ("sifive-u74", 128, 32, 256),
    ("sifive-x280", 128, 32, 512),
    ("spacemit-x60", 128, 32, 512),
];

/// Those of the former that have vectors.
const RISCV64_WITH_VECTORS: &[&str] = &["sifive-x280", "spacemit-x60"];

const WASM32: &[Row] = &[("generic", 128, 32, 256)];

/// CPUs with registers of 512 bits and without `vnni`.
const WITHOUT_VNNI: &[&str] = &["x86-64-v4", "skylake-avx512"];

/// CPUs with `bf16`.
const WITH_BF16: &[&str] = &[
    "cooperlake",
    "sapphirerapids",
    "emeraldrapids",
    "graniterapids",
    "znver4",
    "znver5",
];

/// Vector registers of a RISC-V without vectors: four numbers each take the place of a vector.
const SCALAR_REGISTERS: i64 = 8;

fn rows(arch: Arch) -> &'static [Row] {
    match arch {
        X86_64 => X86,
        Aarch64 => AARCH64,
        Riscv64 => RISCV64,
        Wasm32 => WASM32,
    }
}

/// What `--target-feature` takes, by LLVM's names.
fn features(arch: Arch) -> &'static [&'static str] {
    match arch {
        X86_64 => &[
            "sse3",
            "ssse3",
            "sse4.1",
            "sse4.2",
            "popcnt",
            "avx",
            "avx2",
            "fma",
            "f16c",
            "bmi",
            "bmi2",
            "lzcnt",
            "movbe",
            "avx512f",
            "avx512bw",
            "avx512cd",
            "avx512dq",
            "avx512vl",
            "avx512vnni",
            "avx512bf16",
        ],
        Aarch64 => &[
            "lse", "dotprod", "i8mm", "bf16", "fullfp16", "rcpc", "sve", "sve2",
        ],
        Riscv64 => &[
            "v", "zvl128b", "zvl256b", "zba", "zbb", "zbs", "zfhmin", "zfa",
        ],
        Wasm32 => &["simd128", "relaxed-simd", "tail-call", "extended-const"],
    }
}

/// Why a list of features is none.
#[derive(Debug, PartialEq, Eq)]
pub enum FeatureError {
    /// It begins with neither `+` nor `-`.
    NoSign(String),
    /// The architecture has none of this name that may be changed.
    Unknown(String),
}

impl Target {
    /// The target of a CPU of x86-64 by LLVM's name.
    pub fn named(cpu: &str) -> Option<Self> {
        Self::of_cpu(X86_64, cpu)
    }

    /// The target of a CPU of an architecture by LLVM's name.
    pub fn of_cpu(arch: Arch, cpu: &str) -> Option<Self> {
        let &(_, vector_bits, l1, l2) = rows(arch).iter().find(|row| row.0 == cpu)?;
        let x86 = arch == X86_64;
        Some(Self {
            arch,
            cpu: cpu.into(),
            vector_bits,
            registers: match arch {
                X86_64 if vector_bits == 512 => 32,
                X86_64 | Wasm32 => 16,
                Riscv64 if !RISCV64_WITH_VECTORS.contains(&cpu) => SCALAR_REGISTERS,
                Aarch64 | Riscv64 => 32,
            },
            l1: l1 << 10,
            l2: l2 << 10,
            cores: 1,
            fma: match arch {
                X86_64 => vector_bits >= 256,
                Aarch64 | Riscv64 => true,
                Wasm32 => false,
            },
            round: match arch {
                X86_64 => cpu != "x86-64",
                Aarch64 | Wasm32 => true,
                Riscv64 => false,
            },
            vnni: x86 && vector_bits == 512 && !WITHOUT_VNNI.contains(&cpu),
            bf16: x86 && WITH_BF16.contains(&cpu),
            gpu: 0,
            knobs: Knobs::new(),
        })
    }

    /// The names that [`Self::of_cpu`] knows.
    pub fn names(arch: Arch) -> impl Iterator<Item = &'static str> {
        rows(arch).iter().map(|row| row.0)
    }

    /// The names of the features that [`Self::with_features`] knows.
    pub fn feature_names(arch: Arch) -> &'static [&'static str] {
        features(arch)
    }

    /// The same of a CPU with more or fewer features, a list as `+fma,-avx2`. The width of vectors stays that of the CPU, but
    /// that `v` gives a RISC-V its vector registers.
    pub fn with_features(mut self, list: &str) -> Result<Self, FeatureError> {
        for word in list
            .split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty())
        {
            let (name, has) = match (word.strip_prefix('+'), word.strip_prefix('-')) {
                (Some(name), _) => (name, true),
                (_, Some(name)) => (name, false),
                (None, None) => return Err(FeatureError::NoSign(word.into())),
            };
            if !features(self.arch).contains(&name) {
                return Err(FeatureError::Unknown(name.into()));
            }
            match name {
                "fma" => self.fma = has,
                "sse4.1" => self.round = has,
                "avx512vnni" => self.vnni = has && self.vector_bits == 512,
                "avx512bf16" => self.bf16 = has && self.vector_bits == 512,
                "v" => self.registers = if has { 32 } else { SCALAR_REGISTERS },
                _ => {}
            }
        }
        Ok(self)
    }

    /// Whether conversions between f16 and f32 are instructions.
    pub fn converts_f16(&self) -> bool {
        match self.arch {
            // They came with AVX2.
            X86_64 => self.vector_bits >= 256,
            Aarch64 => true,
            Riscv64 | Wasm32 => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_cpu_of_each_architecture_is_known() {
        for arch in Arch::ALL {
            let target = Target::of_cpu(arch, arch.least_cpu()).unwrap();
            assert_eq!(target.arch, arch);
            assert_eq!(Target::names(arch).next(), Some(arch.least_cpu()));
        }
        assert_eq!(Target::of_cpu(Aarch64, "x86-64-v3"), None);
    }

    #[test]
    fn features_change_what_schedules_assume() {
        let least = || Target::of_cpu(X86_64, "x86-64").unwrap();
        assert!(!least().fma);
        assert!(least().with_features("+fma, +sse4.1").unwrap().fma);
        assert!(
            !Target::named("haswell")
                .unwrap()
                .with_features("-fma")
                .unwrap()
                .fma
        );
        assert!(!least().with_features("+avx512vnni").unwrap().vnni);
        assert_eq!(least().with_features(""), Ok(least()));
        assert_eq!(
            least().with_features("fma"),
            Err(FeatureError::NoSign("fma".into()))
        );
        assert_eq!(
            least().with_features("+v"),
            Err(FeatureError::Unknown("v".into()))
        );
        let riscv = Target::of_cpu(Riscv64, "generic-rv64").unwrap();
        assert_eq!(riscv.registers, SCALAR_REGISTERS);
        assert_eq!(riscv.with_features("+v").unwrap().registers, 32);
    }
}
