//! The machine that the compiler runs on, for `native`.

use super::{Arch, Target, knobs::Knobs};
use inkwell::targets::TargetMachine;

impl Target {
    /// The host: LLVM's name for it, its features as the processor tells them, its caches as the system does.
    pub fn native() -> Self {
        let name = TargetMachine::get_host_cpu_name();
        let cpu = name.to_str().unwrap_or("generic");
        let arch = Arch::host();
        let base = Self::of_cpu(arch, cpu).or_else(|| Self::of_cpu(arch, arch.least_cpu()));
        let base = base.unwrap_or_default();
        let (vector_bits, registers, fma, round) = features();
        let (vnni, bf16) = words();
        Self {
            arch,
            cpu: cpu.into(),
            vector_bits,
            registers,
            l1: cache(1).unwrap_or(base.l1),
            l2: cache(2).unwrap_or(base.l2),
            cores: std::thread::available_parallelism().map_or(1, |n| n.get() as i64),
            fma,
            round,
            vnni,
            bf16,
            gpu: 0,
            knobs: Knobs::new(),
        }
    }
}

impl Arch {
    /// That of the machine that the compiler runs on.
    pub fn host() -> Self {
        Self::named(std::env::consts::ARCH).unwrap_or(Self::X86_64)
    }
}

#[cfg(target_arch = "x86_64")]
fn features() -> (i64, i64, bool, bool) {
    let wide = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    let fma = is_x86_feature_detected!("fma");
    let round = is_x86_feature_detected!("sse4.1");
    match () {
        () if wide => (512, 32, fma, round),
        () if is_x86_feature_detected!("avx2") => (256, 16, fma, round),
        () => (128, 16, fma, round),
    }
}

/// Whether words of bytes and words of bf16 are multiplied in registers of 512 bits.
#[cfg(target_arch = "x86_64")]
fn words() -> (bool, bool) {
    let wide = features().0 == 512 && is_x86_feature_detected!("avx512bw");
    (
        wide && is_x86_feature_detected!("avx512vnni"),
        wide && is_x86_feature_detected!("avx512bf16"),
    )
}

#[cfg(not(target_arch = "x86_64"))]
fn words() -> (bool, bool) {
    (false, false)
}

#[cfg(not(target_arch = "x86_64"))]
fn features() -> (i64, i64, bool, bool) {
    (128, 32, true, true)
}

/// Bytes of the data or unified cache of a level.
fn cache(level: u32) -> Option<i64> {
    (0..8).find_map(|index| {
        let read = |name: &str| {
            let path = format!("/sys/devices/system/cpu/cpu0/cache/index{index}/{name}");
            Some(std::fs::read_to_string(path).ok()?.trim().to_string())
        };
        let right = read("level")? == level.to_string() && read("type")? != "Instruction";
        let size = read("size")?;
        let (digits, unit) = size.split_at(size.find(|c: char| !c.is_ascii_digit())?);
        let unit = match unit {
            "K" => 1 << 10,
            "M" => 1 << 20,
            _ => return None,
        };
        right.then_some(digits.parse::<i64>().ok()? * unit)
    })
}
