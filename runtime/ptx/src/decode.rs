//! Syntax to kernels: names become slots, opcodes become operations. Calls are expanded in place.

use std::collections::HashMap;

use crate::kernel::{Constant, Entry, Param, Special};
use crate::lanes::lift1;
use crate::lexer::{ParseError, Place};
use crate::op::{Instruction, Op, Slot, Step};
use crate::pure::{Opcode, copy, pure, table};
use crate::syntax::{Function, Line, Operand, Space, Statement, Unit, Variable};
use crate::types::{Type, mask, sign_extend};

mod asynchronous;
mod atomic;
mod call;
mod control;
mod matrix;
mod memory;
mod moves;
mod scope;
mod target;
mod warp;

use scope::Scope;

/// How many instructions a kernel may have with all calls expanded.
const MAX_CODE: usize = 1 << 20;

/// How many bytes of local memory a thread may have.
const MAX_LOCAL: u64 = 512 * 1024;

/// What an instruction's decoder says where it fails.
type Decoded<T> = Result<T, String>;

/// Decodes a kernel.
pub(crate) fn entry(unit: &Unit, function: &Function) -> Result<Entry, ParseError> {
    let mut decoder = Decoder {
        unit,
        code: Vec::new(),
        slots: 0,
        scopes: vec![Scope::root()],
        constants: HashMap::new(),
        labels: Vec::new(),
        shared: HashMap::new(),
        shared_bytes: 0,
        dynamic_align: None,
        local_bytes: 0,
        granule: 16,
        global_granule: 16,
        calls: vec![function.name.clone()],
        expanded: 0,
        carry: None,
        end: None,
        line: 0,
        steps: Vec::new(),
        reads: Vec::new(),
        writes: Vec::new(),
    };
    let mut params = Vec::new();
    let mut offset = 0;
    for param in &function.params {
        offset = offset_of(param, offset);
        decoder.name(&param.name, Constant::Param(offset));
        params.push(Param {
            name: param.name.clone(),
            offset: offset as usize,
            size: param.bytes() as usize,
            align: param.align as usize,
        });
        offset += param.bytes();
    }
    decoder.statements(function.body.as_deref().unwrap_or_default())?;
    decoder.push(Op::Exit, None);
    decoder.settle_labels(function.place)?;
    if decoder.local_bytes > MAX_LOCAL {
        let message = format!(
            "{} bytes of local memory, {MAX_LOCAL} at most",
            decoder.local_bytes
        );
        return Err(ParseError::new(function.place, message));
    }
    let mut constants: Vec<_> = decoder.constants.into_iter().collect();
    constants.sort();
    let uses_wgmma = decoder
        .code
        .iter()
        .any(|instruction| matches!(instruction.op, Op::Wgmma(_)));
    Ok(Entry {
        name: function.name.clone(),
        params,
        param_bytes: offset as usize,
        code: decoder.code,
        slots: decoder.slots as usize,
        constants,
        shared_bytes: decoder.shared_bytes,
        dynamic_align: decoder.dynamic_align,
        local_bytes: decoder.local_bytes,
        granule: decoder.granule,
        global_granule: decoder.global_granule,
        required: function.required,
        allowed: function.allowed,
        cluster: function.cluster,
        uses_wgmma,
    })
}

/// Where a variable begins behind what takes so many bytes.
fn offset_of(variable: &Variable, taken: u64) -> u64 {
    taken.next_multiple_of(variable.align)
}

struct Decoder<'u> {
    unit: &'u Unit,
    code: Vec<Instruction>,
    slots: Slot,
    /// From the function to the innermost block.
    scopes: Vec<Scope>,
    constants: HashMap<Constant, Slot>,
    /// Where labels are, by the numbers that branches have until all is decoded.
    labels: Vec<Option<u32>>,
    shared: HashMap<String, Constant>,
    shared_bytes: u64,
    dynamic_align: Option<u64>,
    local_bytes: u64,
    granule: u64,
    global_granule: u64,
    /// The functions being expanded.
    calls: Vec<String>,
    /// How many calls were expanded.
    expanded: usize,
    carry: Option<Slot>,
    /// Where `ret` of an expanded function goes.
    end: Option<u32>,
    line: u32,
    steps: Vec<Step>,
    reads: Vec<Slot>,
    writes: Vec<Slot>,
}

impl<'u> Decoder<'u> {
    fn slot(&mut self) -> Slot {
        self.slots += 1;
        self.slots - 1
    }

    fn constant(&mut self, constant: Constant) -> Slot {
        if let Some(slot) = self.constants.get(&constant) {
            return *slot;
        }
        let slot = self.slot();
        self.constants.insert(constant, slot);
        slot
    }

    fn push(&mut self, op: Op, guard: Option<(Slot, bool)>) {
        self.code.push(Instruction {
            op,
            guard,
            line: self.line,
            reads: std::mem::take(&mut self.reads).into_boxed_slice(),
            writes: std::mem::take(&mut self.writes).into_boxed_slice(),
        });
    }

    fn statements(&mut self, statements: &[Statement]) -> Result<(), ParseError> {
        self.declare_labels(statements);
        for statement in statements {
            match statement {
                Statement::Registers(ty, names) => self.registers(*ty, names),
                Statement::Variable(variable) => self.variable(variable)?,
                Statement::Label(name, place) => self.place_label(name, *place)?,
                Statement::Table(..) => {}
                Statement::Block(statements) => {
                    self.scopes.push(Scope::inner());
                    self.statements(statements)?;
                    self.scopes.pop();
                }
                Statement::Instruction(line) => self.line(line)?,
            }
        }
        Ok(())
    }

    fn variable(&mut self, variable: &Variable) -> Result<(), ParseError> {
        let constant = match variable.space {
            Space::Shared => self.place_shared(variable),
            Space::Local => Constant::Local(self.place_local(variable)),
            Space::Param => Constant::Argument(self.place_local(variable)),
            _ => {
                let message = format!("`{}` must stand outside of functions", variable.name);
                return Err(ParseError::new(variable.place, message));
            }
        };
        self.name(&variable.name, constant);
        Ok(())
    }

    fn place_shared(&mut self, variable: &Variable) -> Constant {
        if variable.count == 0 {
            let align = self.dynamic_align.unwrap_or(1).max(variable.align);
            self.dynamic_align = Some(align);
            return Constant::Dynamic(0);
        }
        let offset = offset_of(variable, self.shared_bytes);
        self.shared_bytes = offset + variable.bytes();
        Constant::Shared(offset)
    }

    fn place_local(&mut self, variable: &Variable) -> u64 {
        let offset = offset_of(variable, self.local_bytes);
        self.local_bytes = offset + variable.bytes();
        offset
    }

    fn line(&mut self, line: &Line) -> Result<(), ParseError> {
        self.line = line.place.line;
        let failed = |message: String| {
            let message = format!("{message} (in `{}`)", line.opcode);
            Err(ParseError::new(line.place, message))
        };
        if self.code.len() > MAX_CODE {
            return failed("the kernel is too long with its calls expanded".to_string());
        }
        let mut guard = None;
        if let Some((name, negated)) = &line.guard {
            match self.source(&Operand::Name(name.clone(), 0), Type::Pred) {
                Ok(slot) => guard = Some((slot, *negated)),
                Err(message) => return failed(message),
            }
        }
        if line.opcode.starts_with("call") {
            return self.call(line, guard);
        }
        self.instruction(line, guard).or_else(failed)
    }

    fn instruction(&mut self, line: &Line, guard: Option<(Slot, bool)>) -> Decoded<()> {
        self.check_target(&line.opcode)?;
        let mut opcode = Opcode::new(&line.opcode);
        let operands = &line.operands[..];
        let op = match pure(&mut opcode)? {
            Some(instruction) => self.pure(instruction, operands)?,
            None => self.other(&mut opcode, operands)?,
        };
        opcode.finish()?;
        if !matches!(op, Op::Pure(_)) && !self.steps.is_empty() {
            // What operands need to be computed is computed in all lanes, whatever the guard says.
            let steps = std::mem::take(&mut self.steps);
            let (reads, writes) = (self.reads.clone(), std::mem::take(&mut self.writes));
            self.push(Op::Pure(steps.into_boxed_slice()), None);
            (self.reads, self.writes) = (reads, writes);
        }
        self.push(op, guard);
        Ok(())
    }

    fn other(&mut self, opcode: &mut Opcode<'_>, operands: &[Operand]) -> Decoded<Op> {
        match opcode.name {
            "mov" | "cvta" | "isspacep" | "lop3" | "mapa" | "getctarank" => {
                self.moves(opcode, operands)
            }
            "ld" | "ldu" | "st" | "prefetch" | "prefetchu" | "discard" | "applypriority" => {
                self.memory(opcode, operands)
            }
            "atom" | "red" => self.atomic(opcode, operands),
            "bra" | "brx" | "ret" | "exit" | "trap" | "nanosleep" | "pmevent" | "brkpt"
            | "griddepcontrol" | "bar" | "barrier" | "membar" | "fence" => {
                self.control(opcode, operands)
            }
            "shfl" | "vote" | "match" | "activemask" | "redux" | "elect" => {
                self.warp(opcode, operands)
            }
            "cp" | "mbarrier" => self.asynchronous(opcode, operands),
            "ldmatrix" | "stmatrix" | "movmatrix" | "mma" | "wgmma" | "setmaxnreg" => {
                self.matrix(opcode, operands)
            }
            name => Err(format!("the instruction `{name}` is not known")),
        }
    }

    fn pure(&mut self, instruction: crate::pure::Pure, operands: &[Operand]) -> Decoded<Op> {
        let count = instruction.sources.len();
        count_operands(operands, 1 + count)?;
        let mut sources = [0; 4];
        for (at, ty) in instruction.sources.iter().enumerate() {
            sources[at] = self.source(&operands[1 + at], *ty)?;
        }
        if instruction.takes_carry {
            sources[count] = self.carry();
        }
        let (first, second) = match &operands[0] {
            Operand::Pair(first, second) => (&**first, Some(&**second)),
            first => (first, None),
        };
        // Results are copied at the end, as they may be sources too.
        let mut copies = Vec::new();
        if let Some(apply) = instruction.gives_carry {
            let carry = self.carry();
            let kept = self.step(apply, sources);
            copies.push((kept, carry));
        }
        if let Some(second) = second {
            let Some(apply) = instruction.second else {
                return Err("there is only one result".to_string());
            };
            let kept = self.step(apply, sources);
            copies.push((kept, self.target(second)?.0));
        }
        let (result, register) = self.target(first)?;
        self.steps.push(Step {
            apply: instruction.apply,
            sources,
            result,
        });
        let bits = instruction.result.bits();
        if register.bits() < bits {
            return Err(format!("a result of {bits} bits in a register of fewer"));
        }
        if instruction.result.is_signed() && register.bits() > bits {
            let all = mask(register.bits());
            self.steps.push(Step {
                apply: lift1(move |a| sign_extend(a, bits) & all),
                sources: [result; 4],
                result,
            });
        }
        for (from, to) in copies {
            self.steps.push(Step {
                apply: copy(),
                sources: [from; 4],
                result: to,
            });
        }
        Ok(self.steps_op())
    }

    /// Computes something into a slot of its own.
    fn step(&mut self, apply: crate::lanes::Apply, sources: [Slot; 4]) -> Slot {
        let result = self.slot();
        self.steps.push(Step {
            apply,
            sources,
            result,
        });
        result
    }

    fn steps_op(&mut self) -> Op {
        Op::Pure(std::mem::take(&mut self.steps).into_boxed_slice())
    }

    fn carry(&mut self) -> Slot {
        match self.carry {
            Some(carry) => carry,
            None => {
                let carry = self.slot();
                *self.carry.insert(carry)
            }
        }
    }

    /// The slot of an operand that is read as a value of a type.
    fn source(&mut self, operand: &Operand, ty: Type) -> Decoded<Slot> {
        let bits = match operand {
            Operand::Name(name, offset) => return self.named_source(name, *offset, ty),
            Operand::Not(inner) if ty == Type::Pred => {
                let inner = self.source(inner, ty)?;
                return Ok(self.step(lift1(|a| a ^ 1), [inner; 4]));
            }
            Operand::Integer(value) => *value,
            Operand::Single(bits) => u64::from(*bits),
            Operand::Double(bits) => *bits,
            Operand::Decimal(value) if ty == Type::F32 => u64::from((*value as f32).to_bits()),
            Operand::Decimal(value) => value.to_bits(),
            _ => return Err("a register or a number is expected".to_string()),
        };
        Ok(self.constant(Constant::Bits(bits & mask(ty.bits()))))
    }

    fn named_source(&mut self, name: &str, offset: i64, ty: Type) -> Decoded<Slot> {
        if let Some((slot, register)) = self.register(name) {
            if offset != 0 {
                return Err(format!("an offset from the register `{name}`"));
            }
            if register.bits() < ty.bits() || (register == Type::Pred) != (ty == Type::Pred) {
                return Err(format!("`{name}` is no register for a value of {ty:?}"));
            }
            self.reads.push(slot);
            return Ok(slot);
        }
        let constant = match name {
            "WARP_SZ" => Some(Constant::Bits(32)),
            // What differs between devices but means nothing here.
            "%smid" | "%gridid" | "%envreg0" | "%is_explicit_cluster" => Some(Constant::Bits(0)),
            "%nsmid" => Some(Constant::Bits(1)),
            _ => Special::parse(name).map(Constant::Special),
        };
        let constant = match constant {
            Some(constant) => constant,
            None => self.symbol(name)?.offset(offset),
        };
        Ok(self.constant(constant))
    }

    /// The register that a result goes to, with its type; `_` is a slot that nothing reads.
    fn target(&mut self, operand: &Operand) -> Decoded<(Slot, Type)> {
        match operand {
            Operand::Name(name, 0) if name == "_" => Ok((self.slot(), Type::B(64))),
            Operand::Name(name, 0) => {
                let Some((slot, ty)) = self.register(name) else {
                    return Err(format!("`{name}` is no register"));
                };
                self.writes.push(slot);
                Ok((slot, ty))
            }
            _ => Err("a register is expected".to_string()),
        }
    }

    /// The slots of `{a, b, …}`, or of one operand.
    fn source_list(&mut self, operand: &Operand, ty: Type) -> Decoded<Box<[Slot]>> {
        let parts = parts(operand);
        parts.iter().map(|part| self.source(part, ty)).collect()
    }

    fn target_list(&mut self, operand: &Operand) -> Decoded<Box<[(Slot, Type)]>> {
        parts(operand)
            .iter()
            .map(|part| self.target(part))
            .collect()
    }

    fn lop3(&mut self, operands: &[Operand]) -> Decoded<Op> {
        let Some((Operand::Integer(bits), operands)) = operands.split_last() else {
            return Err("`lop3` needs a table of 8 bits".to_string());
        };
        self.pure(table(*bits as u8), operands)
    }
}

fn parts(operand: &Operand) -> &[Operand] {
    match operand {
        Operand::Vector(parts) => parts,
        one => std::slice::from_ref(one),
    }
}

/// Fails where an instruction has not so many operands.
fn count_operands(operands: &[Operand], count: usize) -> Decoded<()> {
    match operands.len() == count {
        true => Ok(()),
        false => Err(format!(
            "{count} operands are expected, not {}",
            operands.len()
        )),
    }
}

/// A failure with the place of its statement.
fn at<T>(place: Place, decoded: Decoded<T>) -> Result<T, ParseError> {
    decoded.map_err(|message| ParseError::new(place, message))
}
