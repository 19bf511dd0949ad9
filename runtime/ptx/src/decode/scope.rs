//! Names: registers, variables and labels, from the innermost block outwards.

use std::collections::HashMap;

use super::{Decoded, Decoder};
use crate::kernel::Constant;
use crate::lexer::{ParseError, Place};
use crate::op::{Op, Slot};
use crate::syntax::{Space, Statement};
use crate::types::Type;

/// What a block declares.
pub(super) struct Scope {
    /// Whether it is a function's body, beyond which only the module's names are seen.
    is_root: bool,
    registers: HashMap<String, (Slot, Type)>,
    /// `%r<10>`: the name without its number, how many, and their type.
    families: Vec<(String, u32, Type)>,
    symbols: HashMap<String, Constant>,
    labels: HashMap<String, usize>,
    tables: HashMap<String, Vec<String>>,
}

impl Scope {
    pub fn root() -> Self {
        Self {
            is_root: true,
            ..Self::inner()
        }
    }

    pub fn inner() -> Self {
        Self {
            is_root: false,
            registers: HashMap::new(),
            families: Vec::new(),
            symbols: HashMap::new(),
            labels: HashMap::new(),
            tables: HashMap::new(),
        }
    }

    fn family(&self, name: &str) -> Option<Type> {
        let digits = name.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        self.families.iter().find_map(|(prefix, count, ty)| {
            let number = name.strip_prefix(prefix.as_str())?;
            let plain = prefix.len() >= digits && (number == "0" || !number.starts_with('0'));
            let number: u32 = number.parse().ok()?;
            (plain && number < *count).then_some(*ty)
        })
    }
}

impl Decoder<'_> {
    fn innermost(&mut self) -> &mut Scope {
        self.scopes.last_mut().expect("a function has a scope")
    }

    /// The places of the scopes that are seen, from the innermost.
    fn seen(&self) -> impl Iterator<Item = usize> + use<> {
        let root = self.scopes.iter().rposition(|scope| scope.is_root);
        (root.unwrap_or(0)..self.scopes.len()).rev()
    }

    pub(super) fn name(&mut self, name: &str, constant: Constant) {
        self.innermost().symbols.insert(name.to_string(), constant);
    }

    pub(super) fn registers(&mut self, ty: Type, names: &[(String, Option<u32>)]) {
        for (name, count) in names {
            match count {
                Some(count) => {
                    let family = (name.clone(), *count, ty);
                    self.innermost().families.push(family);
                }
                None => {
                    let slot = self.slot();
                    self.innermost().registers.insert(name.clone(), (slot, ty));
                }
            }
        }
    }

    /// The register of a name; those of families get their slots when they are first met.
    pub(super) fn register(&mut self, name: &str) -> Option<(Slot, Type)> {
        for at in self.seen() {
            if let Some(register) = self.scopes[at].registers.get(name) {
                return Some(*register);
            }
            if let Some(ty) = self.scopes[at].family(name) {
                let slot = self.slot();
                self.scopes[at]
                    .registers
                    .insert(name.to_string(), (slot, ty));
                return Some((slot, ty));
            }
        }
        None
    }

    /// The address of a variable or parameter.
    pub(super) fn symbol(&mut self, name: &str) -> Decoded<Constant> {
        for at in self.seen() {
            if let Some(constant) = self.scopes[at].symbols.get(name) {
                return Ok(*constant);
            }
        }
        if let Some(constant) = self.shared.get(name) {
            return Ok(*constant);
        }
        let unit = self.unit;
        let found = unit
            .variables
            .iter()
            .position(|variable| variable.name == name);
        let Some(index) = found else {
            return Err(format!("nothing is named `{name}`"));
        };
        let variable = &unit.variables[index];
        if variable.space == Space::Shared {
            let constant = self.place_shared(variable);
            self.shared.insert(name.to_string(), constant);
            return Ok(constant);
        }
        if variable.external {
            return Err(format!("`{name}` is declared but not defined"));
        }
        Ok(Constant::Global(index, 0))
    }

    /// Numbers the labels of a block before its instructions are met.
    pub(super) fn declare_labels(&mut self, statements: &[Statement]) {
        for statement in statements {
            match statement {
                Statement::Label(name, _) => {
                    let number = self.labels.len();
                    self.labels.push(None);
                    self.innermost().labels.insert(name.clone(), number);
                }
                Statement::Table(name, targets) => {
                    let table = (name.clone(), targets.clone());
                    self.innermost().tables.extend([table]);
                }
                _ => {}
            }
        }
    }

    pub(super) fn place_label(&mut self, name: &str, place: Place) -> Result<(), ParseError> {
        let here = self.code.len() as u32;
        let number = self.innermost().labels.get(name).copied();
        if let Some(number) = number
            && self.labels[number].replace(here).is_none()
        {
            return Ok(());
        }
        Err(ParseError::new(place, format!("a second label `{name}`")))
    }

    /// The number of a label, to be settled later.
    pub(super) fn label(&self, name: &str) -> Decoded<u32> {
        for at in self.seen() {
            if let Some(number) = self.scopes[at].labels.get(name) {
                return Ok(*number as u32);
            }
        }
        Err(format!("no label is named `{name}`"))
    }

    pub(super) fn table(&self, name: &str) -> Decoded<Vec<u32>> {
        for at in self.seen() {
            if let Some(targets) = self.scopes[at].tables.get(name) {
                return targets.iter().map(|target| self.label(target)).collect();
            }
        }
        Err(format!("no table of labels is named `{name}`"))
    }

    /// Puts the places of labels into branches.
    pub(super) fn settle_labels(&mut self, place: Place) -> Result<(), ParseError> {
        let labels = &self.labels;
        let settle = |target: &mut u32| match labels.get(*target as usize).copied().flatten() {
            Some(at) => {
                *target = at;
                Ok(())
            }
            None => Err(ParseError::new(
                place,
                "a branch to a label that is not there",
            )),
        };
        for instruction in &mut self.code {
            match &mut instruction.op {
                Op::Branch(target) => settle(target)?,
                Op::BranchTable(_, targets) => {
                    for target in targets.iter_mut() {
                        settle(target)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}
