//! What runs an export, as `--target` of commands that run code names it.

use std::ffi::OsStr;

use clap::{
    Arg, Command, ValueEnum,
    builder::{EnumValueParser, PossibleValue, TypedValueParser},
    error::{Error, ErrorKind},
};
use dlc_driver::info;

/// What runs an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RunTarget {
    /// The compiled library
    Cpu,
    /// The reference evaluator, slow and clear
    Reference,
    /// A GPU, with NVIDIA's driver
    Gpu,
    /// An interpreter of what a GPU would run, which checks every access, slow
    GpuEmulated,
}

/// Reads one. A triple of this machine is its CPU; code for another does not run here.
#[derive(Debug, Clone, Copy)]
pub struct RunTargetParser;

impl TypedValueParser for RunTargetParser {
    type Value = RunTarget;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<RunTarget, Error> {
        let triple = value.to_str().filter(|text| info::is_target(text));
        match triple {
            None => EnumValueParser::<RunTarget>::new().parse_ref(command, argument, value),
            Some(triple) if info::foreign_cpu(triple).is_none() => Ok(RunTarget::Cpu),
            Some(triple) => {
                let message = format!(
                    "code for {triple} does not run on this machine\nhelp: build it with `dlc build --target {triple}`\n"
                );
                Err(Error::raw(ErrorKind::InvalidValue, message).with_cmd(command))
            }
        }
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let all = RunTarget::value_variants().iter();
        Some(Box::new(all.filter_map(ValueEnum::to_possible_value)))
    }
}
