//! The functions of a module that are programs of blocks, and those of the caller that programs call.

use crate::{alias::blocks, walk};
use dlc_dialects::{
    ir::edit,
    pass::{INTERNAL, PassError},
};
use dlc_kernels::{
    matmul::{Matmul, Output},
    program::Callee,
};
use melior::{
    Context,
    ir::{Module, OperationRef, operation::OperationLike},
};

/// How the names of programs begin, and of what they call.
pub const PROGRAM: &str = "dlc_program_";

/// Whether an op calls a program.
pub fn is_program(op: OperationRef) -> bool {
    let callee = op.attribute("callee").map(|callee| callee.to_string());
    let name = callee.unwrap_or_default();
    name.strip_prefix('@')
        .is_some_and(|name| name.starts_with(PROGRAM))
}

/// Programs of a module, each once.
#[derive(Default)]
pub struct Programs {
    products: Vec<Matmul>,
    /// Functions that programs call.
    callees: usize,
}

impl Programs {
    /// The name of a program, which is to be defined.
    pub fn program(&mut self, program: &Matmul) -> String {
        let same = |known: &&Matmul| {
            Matmul {
                name: String::new(),
                ..(*known).clone()
            } == *program
        };
        if let Some(known) = self.products.iter().find(same) {
            return known.name.clone();
        }
        let name = format!("{PROGRAM}product{}", self.products.len());
        self.products.push(Matmul {
            name: name.clone(),
            ..program.clone()
        });
        name
    }

    /// A name for a function that programs call.
    pub fn callee(&mut self) -> String {
        self.callees += 1;
        format!("{PROGRAM}each{}", self.callees - 1)
    }

    /// Defines all programs before an op of a module.
    ///
    /// # Errors
    /// Fails where the text of a program is wrong, which is our mistake.
    pub fn define<'c>(
        &self,
        cx: &'c Context,
        before: OperationRef<'c, '_>,
    ) -> Result<(), PassError<'c>> {
        for program in &self.products {
            let text = program.text().map_err(|error| error.to_string());
            let text = text.map_err(|error| PassError::at(&before, error))?;
            // What the program calls is there, but not in the text.
            let callee = match &program.output {
                Output::Call(callee) => declaration(program.sum.ty(), callee),
                Output::Store { .. } => String::new(),
            };
            let module = Module::parse(cx, &format!("{callee}{text}")).ok_or_else(|| {
                let message = format!("{INTERNAL}: the program does not parse:\n{text}");
                PassError::at(&before, message)
            })?;
            edit::move_module_before(cx, &module, before, |op| !is_declaration(op));
        }
        Ok(())
    }
}

fn declaration(sum: &str, callee: &Callee) -> String {
    let captured = callee.captured.iter().map(|ty| format!(", {ty}"));
    let captured = captured.collect::<String>();
    format!(
        "func.func private @{}({sum}, index, index{captured})\n",
        callee.name
    )
}

fn is_declaration(op: OperationRef) -> bool {
    walk::is(op, "func.func") && blocks(op).is_empty()
}
