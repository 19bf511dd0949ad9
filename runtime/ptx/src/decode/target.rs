//! Which instructions a target has.

use super::{Decoded, Decoder};

/// Instructions, by the beginning of their opcode, with the least target that has them.
const SINCE: [(&str, u32); 18] = [
    ("ldmatrix", 75),
    ("mma", 75),
    ("cp.async", 80),
    ("mbarrier", 80),
    ("redux", 80),
    ("barrier.cluster", 90),
    ("cp.async.bulk", 90),
    ("cp.reduce", 90),
    ("elect", 90),
    ("fence.mbarrier_init", 90),
    ("fence.proxy.async", 90),
    ("getctarank", 90),
    ("griddepcontrol", 90),
    ("mapa", 90),
    ("mbarrier.try_wait", 90),
    ("stmatrix", 90),
    ("setmaxnreg", 90),
    ("wgmma", 90),
];

impl Decoder<'_> {
    /// Fails where the module's target does not have an instruction.
    pub(super) fn check_target(&self, opcode: &str) -> Decoded<()> {
        let target = self.unit.target.trim_end_matches(',');
        let digits = target.trim_start_matches("sm_");
        let number = digits.trim_end_matches(['a', 'f']);
        let Ok(version) = number.parse::<u32>() else {
            return Err(format!("the target {target} is not known"));
        };
        let is = |name: &str| {
            let rest = opcode.strip_prefix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let since = SINCE.iter().filter(|(name, _)| is(name));
        let since = since.map(|(_, since)| *since).max().unwrap_or(0);
        if version < since {
            return Err(format!("{target} does not have it, but sm_{since}"));
        }
        if is("wgmma") && target != "sm_90a" {
            return Err(format!("{target} does not have it, but sm_90a"));
        }
        if is("setmaxnreg") && number == digits {
            return Err(format!("{target} does not have it, but {target}a"));
        }
        Ok(())
    }
}
