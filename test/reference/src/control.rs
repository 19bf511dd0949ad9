//! Loops and branches: `scf.for`, `scf.while` and `scf.if`, round by round.

use crate::{
    function::Frame,
    value::{Content, Failure, int, operand, operands},
};
use melior::ir::{BlockLike, BlockRef, OperationRef, RegionLike, operation::OperationLike};

impl Frame<'_, '_> {
    /// `scf.for`: the body is run for each step of the range, with what the round before gave.
    pub(crate) fn for_loop(&mut self, op: OperationRef) -> Result<Vec<Content>, Failure> {
        let bound = |i: usize| int(operand(op, i)?, &self.values);
        let (low, high, step) = (bound(0)?, bound(1)?, bound(2)?);
        if step <= 0 {
            return Err(format!("a step of {step}").into());
        }
        let mut carried = operands(op, &self.values)?.split_off(3);
        let body = block(op, 0)?;
        let mut at = low;
        while at < high {
            carried.insert(0, Content::Index(at));
            carried = self.region(body, carried)?;
            let Some(next) = at.checked_add(step) else {
                break;
            };
            at = next;
        }
        Ok(carried)
    }

    /// `scf.while`: the first region says whether there is another round and what it gets.
    pub(crate) fn while_loop(&mut self, op: OperationRef) -> Result<Vec<Content>, Failure> {
        let (before, after) = (block(op, 0)?, block(op, 1)?);
        let mut carried = operands(op, &self.values)?;
        loop {
            let mut passed = self.region(before, carried)?;
            if passed.is_empty() {
                return Err("no condition".into());
            }
            let again = is_true(&passed.remove(0))?;
            if !again {
                return Ok(passed);
            }
            carried = self.region(after, passed)?;
        }
    }

    /// `scf.if`: one of the regions; a missing one gives nothing.
    pub(crate) fn branch(&mut self, op: OperationRef) -> Result<Vec<Content>, Failure> {
        let condition = int(operand(op, 0)?, &self.values)?;
        let region = usize::from(condition == 0);
        match op
            .region(region)
            .ok()
            .and_then(|region| region.first_block())
        {
            Some(block) => self.region(block, vec![]),
            None => Ok(vec![]),
        }
    }

    /// Runs a region's block on arguments; gives what it yields.
    fn region(
        &mut self,
        block: BlockRef,
        arguments: Vec<Content>,
    ) -> Result<Vec<Content>, Failure> {
        if block.argument_count() != arguments.len() {
            return Err("a region takes another number of values".into());
        }
        for (i, argument) in arguments.into_iter().enumerate() {
            let parameter = block.argument(i).map_err(|error| error.to_string())?;
            self.bind(parameter.into(), argument)?;
        }
        self.block(block).map_err(Failure::Nested)
    }
}

fn block<'c, 'a>(op: OperationRef<'c, 'a>, region: usize) -> Result<BlockRef<'c, 'a>, Failure> {
    let region = op.region(region).map_err(|error| error.to_string())?;
    region
        .first_block()
        .ok_or_else(|| "a region has no block".into())
}

fn is_true(content: &Content) -> Result<bool, Failure> {
    match content {
        Content::Index(value) => Ok(*value != 0),
        Content::Array(_) => Err("a condition should be a scalar".into()),
    }
}
