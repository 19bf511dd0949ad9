//! The functions of a module that are programs of blocks, and those of the caller that programs call.

use super::hopper;
use crate::{alias::blocks, walk};
use dlc_dialects::{
    ir::edit,
    pass::{INTERNAL, PassError},
};
use dlc_kernels::{
    attention::{Attention, Gradient},
    matmul::{Matmul, Output},
    program::Callee,
    wgmma::{self, Wgmma},
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
    wgmmas: Vec<Wgmma>,
    attentions: Vec<Attention>,
    gradients: Vec<Gradient>,
    /// Functions that programs call.
    callees: usize,
}

impl Programs {
    /// The name of a program of persistent blocks, which is to be defined.
    pub fn wgmma(&mut self, program: &Wgmma) -> String {
        let same = |known: &&Wgmma| {
            Wgmma {
                name: String::new(),
                ..(*known).clone()
            } == *program
        };
        if let Some(known) = self.wgmmas.iter().find(same) {
            return known.name.clone();
        }
        let name = format!("{PROGRAM}wgmma{}", self.wgmmas.len());
        self.wgmmas.push(Wgmma {
            name: name.clone(),
            ..program.clone()
        });
        name
    }

    /// The name of a program, which is to be defined.
    pub fn product(&mut self, program: &Matmul) -> String {
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

    /// The name of a program of attention, which is to be defined.
    pub fn attention(&mut self, program: &Attention) -> String {
        let same = |known: &&Attention| {
            Attention {
                name: String::new(),
                ..(*known).clone()
            } == *program
        };
        if let Some(known) = self.attentions.iter().find(same) {
            return known.name.clone();
        }
        let name = format!("{PROGRAM}attention{}", self.attentions.len());
        self.attentions.push(Attention {
            name: name.clone(),
            ..program.clone()
        });
        name
    }

    /// The name of a program of attention's gradient, which is to be defined.
    pub fn gradient(&mut self, program: &Gradient) -> String {
        let same = |known: &&Gradient| {
            Gradient {
                name: String::new(),
                ..(*known).clone()
            } == *program
        };
        if let Some(known) = self.gradients.iter().find(same) {
            return known.name.clone();
        }
        let name = format!("{PROGRAM}gradient{}", self.gradients.len());
        self.gradients.push(Gradient {
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
            let callee = match &program.output {
                Output::Call(callee) => {
                    declaration(callee, &[program.sum.ty(), "index", "index"], "()")
                }
                Output::Store { .. } => String::new(),
            };
            let gather = program.gather.iter();
            let gather =
                gather.map(|callee| declaration(callee, &["index"; 2], program.b.element.ty()));
            let callee = gather.chain([callee]).collect::<String>();
            define(
                cx,
                before,
                &callee,
                program.text().map_err(|error| error.to_string()),
            )?;
        }
        const OF_BATCH: &[&str] = &["f32", "index", "index", "index"];
        for program in &self.wgmmas {
            let callee = match &program.output {
                wgmma::Output::Callee(callee) => declaration(callee, OF_BATCH, "()"),
                wgmma::Output::Through(_, callee) => declaration(callee, OF_BATCH, "f32"),
                wgmma::Output::Map(_) | wgmma::Output::Memref(_) => String::new(),
            };
            define(cx, before, &callee, program.text())?;
        }
        const OF_SCORE: &[&str] = &["f32", "index", "index"];
        let of_score = |callee: &Callee| declaration(callee, OF_SCORE, "f32");
        for program in &self.attentions {
            let callee = program.score.iter().map(of_score).collect::<String>();
            define(cx, before, &callee, Ok(program.text()))?;
        }
        for program in &self.gradients {
            let callees = program.score.iter().chain(&program.slope);
            let callees = callees.map(of_score).collect::<String>();
            define(cx, before, &callees, Ok(program.text()))?;
        }
        if !self.wgmmas.is_empty() {
            define(cx, before, "", Ok(hopper::host()))?;
        }
        Ok(())
    }
}

/// Puts a program before an op of a module; what it calls is there, but not in the text.
fn define<'c>(
    cx: &'c Context,
    before: OperationRef<'c, '_>,
    callee: &str,
    text: Result<String, String>,
) -> Result<(), PassError<'c>> {
    let text = text.map_err(|error| PassError::at(&before, format!("{INTERNAL}: {error}")))?;
    let module = Module::parse(cx, &format!("{callee}{text}")).ok_or_else(|| {
        let message = format!("{INTERNAL}: the program does not parse:\n{text}");
        PassError::at(&before, message)
    })?;
    edit::move_module_before(cx, &module, before, |op| !is_declaration(op));
    Ok(())
}

fn declaration(callee: &Callee, own: &[&str], result: &str) -> String {
    let own = own.iter().map(|ty| ty.to_string());
    let types: Vec<_> = own.chain(callee.captured.iter().cloned()).collect();
    let types = types.join(", ");
    format!("func.func private @{}({types}) -> {result}\n", callee.name)
}

fn is_declaration(op: OperationRef) -> bool {
    walk::is(op, "func.func") && blocks(op).is_empty()
}
