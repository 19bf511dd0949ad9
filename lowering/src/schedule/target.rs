//! What the compiler knows of a target, and the module attribute `dl.target` that says it.

use super::{
    Arch,
    knobs::{KNOBS, Knobs},
};
use melior::{
    Context,
    ir::{
        Attribute, OperationRef,
        attribute::{DictionaryAttribute, IntegerAttribute, StringAttribute},
        operation::OperationLike,
    },
};
use std::fmt;

/// A CPU, as far as schedules and expansions depend on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its architecture.
    pub arch: Arch,
    /// LLVM's name of the CPU.
    pub cpu: String,
    /// Bits of a vector register that is worth using.
    pub vector_bits: i64,
    /// Vector registers.
    pub registers: i64,
    /// Bytes of the first-level data cache.
    pub l1: i64,
    /// Bytes of the second-level cache.
    pub l2: i64,
    /// Cores that a call may use; with 1, code has no executor.
    pub cores: i64,
    /// Whether a fused multiply-add is one instruction.
    pub fma: bool,
    /// Whether rounding to an integral float is one instruction.
    pub round: bool,
    /// Whether words of bytes and of integers of 16 bits are multiplied and summed by one instruction, in registers of 512
    /// bits.
    pub vnni: bool,
    /// Whether words of bf16 are.
    pub bf16: bool,
    /// The compute capability of the GPU that runs the code, ten times the major number and the minor one; 0 without one.
    pub gpu: i64,
    /// Values of schedules that are set and do not follow from the others.
    pub knobs: Knobs,
}

/// The module attribute that carries a target.
pub const ATTRIBUTE: &str = "dl.target";

impl Default for Target {
    /// The least that an x86-64 has.
    fn default() -> Self {
        Self {
            arch: Arch::X86_64,
            cpu: "x86-64".into(),
            vector_bits: 128,
            registers: 16,
            l1: 32 << 10,
            l2: 256 << 10,
            cores: 1,
            fma: false,
            round: false,
            vnni: false,
            bf16: false,
            gpu: 0,
            knobs: Knobs::new(),
        }
    }
}

impl Target {
    /// The target in the `dl.target` of the op or of an op around it; what is not said there has defaults that
    /// follow from the CPU's name, then from the vector bits.
    pub fn of(op: OperationRef) -> Self {
        let mut at = Some(op);
        while let Some(op) = at {
            if let Ok(attribute) = op.attribute(ATTRIBUTE) {
                return Self::from_attribute(attribute);
            }
            at = op.parent_operation();
        }
        Self::default()
    }

    fn from_attribute(attribute: Attribute) -> Self {
        let Ok(entries) = DictionaryAttribute::try_from(attribute) else {
            return Self::default();
        };
        let integer = |name: &str| {
            let value = IntegerAttribute::try_from(entries.element_by_name(name)?).ok()?;
            Some(value.value())
        };
        let flag = |name: &str| {
            let value = entries.element_by_name(name)?;
            melior::ir::attribute::BoolAttribute::try_from(value)
                .ok()
                .map(|b| b.value())
        };
        let text = |name: &str| {
            let value = StringAttribute::try_from(entries.element_by_name(name)?).ok()?;
            Some(value.value().to_string())
        };
        let cpu = text("cpu");
        let arch = text("arch").and_then(|name| Arch::named(&name));
        let arch = arch.unwrap_or(Arch::X86_64);
        let base = cpu.as_deref().and_then(|cpu| Self::of_cpu(arch, cpu));
        let base = base.or_else(|| Self::of_cpu(arch, arch.least_cpu()));
        let base = base.unwrap_or_default();
        let vector_bits = integer("vector_bits").unwrap_or(base.vector_bits);
        let wider = vector_bits > base.vector_bits;
        Self {
            arch,
            registers: integer("registers").unwrap_or(if vector_bits == 512 {
                32
            } else {
                base.registers
            }),
            l1: integer("l1").unwrap_or(base.l1),
            l2: integer("l2").unwrap_or(base.l2),
            cores: integer("cores").unwrap_or(base.cores),
            fma: flag("fma").unwrap_or(base.fma || wider),
            round: flag("round").unwrap_or(base.round || wider),
            vnni: flag("vnni").unwrap_or(base.vnni),
            bf16: flag("bf16").unwrap_or(base.bf16),
            gpu: integer("gpu").unwrap_or(0),
            knobs: set_in(entries.element_by_name(KNOBS_IN)),
            cpu: cpu.unwrap_or(base.cpu),
            vector_bits,
        }
    }

    /// What a knob is set to, or what it is otherwise.
    pub fn set(&self, knob: &str, otherwise: i64) -> i64 {
        self.knobs.get(knob).copied().unwrap_or(otherwise)
    }

    /// The value of `dl.target`.
    pub fn attribute<'c>(&self, context: &'c Context) -> Attribute<'c> {
        Attribute::parse(context, &self.to_string()).expect("a target prints as a dictionary")
    }
}

/// The entry of `dl.target` for knobs.
const KNOBS_IN: &str = "schedule";

/// The knobs that a dictionary sets.
fn set_in(dictionary: Option<Attribute>) -> Knobs {
    let entries = dictionary.and_then(|all| DictionaryAttribute::try_from(all).ok());
    let Some(entries) = entries else {
        return Knobs::new();
    };
    let value = |name: &str| {
        let value = IntegerAttribute::try_from(entries.element_by_name(name)?).ok()?;
        Some((name.to_string(), value.value()))
    };
    KNOBS.iter().filter_map(|knob| value(knob.name)).collect()
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(
            f,
            "{{cpu = {:?}, vector_bits = {} : i64, registers = {} : i64, l1 = {} : i64, l2 = {} : i64, \
             cores = {} : i64, fma = {}, round = {}, vnni = {}, bf16 = {}",
            self.cpu,
            self.vector_bits,
            self.registers,
            self.l1,
            self.l2,
            self.cores,
            self.fma,
            self.round,
            self.vnni,
            self.bf16
        )?;
        if self.arch != Arch::X86_64 {
            write!(f, ", arch = \"{}\"", self.arch)?;
        }
        if self.gpu > 0 {
            write!(f, ", gpu = {} : i64", self.gpu)?;
        }
        if !self.knobs.is_empty() {
            let set = self
                .knobs
                .iter()
                .map(|(name, value)| format!("{name} = {value} : i64"));
            write!(
                f,
                ", {KNOBS_IN} = {{{}}}",
                set.collect::<Vec<_>>().join(", ")
            )?;
        }
        f.write_str("}")
    }
}
