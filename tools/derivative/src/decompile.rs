//! `dl` written back as DL source: the body of a function, as statements and expressions.
//!
//! An expression stands where its value is used if that is one place; everything else has a name by `let`. What is carried
//! through a loop is a `var`. A broadcast is left to the elementwise op that reads it, as far as NumPy's rules do the same.
//!
//! Invariant: what is written is checked by the frontend like any program, and computes the same.

mod expr;
mod ops;

use std::collections::{HashMap, HashSet};

use dlc_dialects::ir::dims::{Source, source};
use dlc_dialects::ir::inspect::{defining_op, identity};
use dlc_dialects::ir::shape::{DYNAMIC, shape_of};
use dlc_dialects::ir::{edit, inspect};
use dlc_dialects::ops::OpKind;
use melior::ir::attribute::{ArrayAttribute, DictionaryAttribute, StringAttribute};
use melior::ir::operation::OperationLike;
use melior::ir::{BlockLike, BlockRef, OperationRef, RegionLike, TypeLike, Value, ValueLike};

pub use expr::Expr;
use ops::Assignment;

/// The longest expression that stands where it is used.
const LONGEST: usize = 48;

/// Words that no variable may be called.
const WORDS: [&str; 16] = [
    "let", "var", "for", "in", "if", "else", "while", "fn", "return", "true", "false", "none",
    "pi", "inf", "nan", "export",
];

/// A part of a function that has no form in the language, in words.
pub type Unwritten = String;

type Written<T> = Result<T, Unwritten>;

/// The body of a function.
pub struct Body {
    /// Statements, a line each.
    pub lines: Vec<String>,
    /// What is returned.
    pub results: Vec<String>,
    names: HashSet<String>,
}

impl Body {
    /// A name that no variable of the body has.
    pub fn name(&mut self, wanted: &str) -> String {
        fresh(&mut self.names, wanted)
    }
}

/// A name like the wanted one that is none of these, among which it is from now on.
fn fresh(names: &mut HashSet<String>, wanted: &str) -> String {
    let mut name = wanted.to_string();
    let mut number = 1;
    while !names.insert(name.clone()) {
        number += 1;
        name = format!("{wanted}_{number}");
    }
    name
}

/// The body of a function whose tensor parameters are written as `params`, and whose dims by their names.
pub fn body(function: OperationRef, params: &[String]) -> Written<Body> {
    let block = function
        .region(0)
        .ok()
        .and_then(|region| region.first_block())
        .ok_or("a function without a body")?;
    let mut writer = Writer {
        function,
        values: HashMap::new(),
        names: HashSet::new(),
        lines: vec![],
        indent: 1,
        next: 0,
    };
    let (mut dims, mut params) = (strings(function, "dl.dims").into_iter(), params.iter());
    for i in 0..block.argument_count() {
        let argument: Value = block.argument(i).map_err(|error| error.to_string())?.into();
        let name = match argument.r#type().is_index() {
            true => dims.next().unwrap_or_default(),
            false => params.next().cloned().unwrap_or_default(),
        };
        let root = name.split(['.', '[']).next().unwrap_or_default();
        writer.names.insert(root.to_string());
        writer.set(argument, Expr::atom(name));
    }
    let results = writer.block(block)?;
    Ok(Body {
        lines: writer.lines,
        results: results.into_iter().map(|result| result.text).collect(),
        names: writer.names,
    })
}

/// The strings of an attribute that is a list of them.
pub fn strings(op: OperationRef, name: &str) -> Vec<String> {
    let Ok(array) = op.attribute(name).and_then(ArrayAttribute::try_from) else {
        return vec![];
    };
    (0..array.len())
        .filter_map(|i| StringAttribute::try_from(array.element(i).ok()?).ok())
        .map(|text| inspect::text(text).to_string())
        .collect()
}

/// The dotted paths of a function's parameters or results, by `arg_attrs` or `res_attrs`.
pub fn paths(function: OperationRef, attributes: &str) -> Vec<String> {
    let Ok(all) = function
        .attribute(attributes)
        .and_then(ArrayAttribute::try_from)
    else {
        return vec![];
    };
    let path = |i| {
        let own = DictionaryAttribute::try_from(all.element(i).ok()?).ok()?;
        let text = StringAttribute::try_from(own.element_by_name("dl.path")?).ok()?;
        Some(inspect::text(text).to_string())
    };
    (0..all.len()).filter_map(path).collect()
}

struct Writer<'c, 'a> {
    function: OperationRef<'c, 'a>,
    /// What each value is written as, by identity.
    values: HashMap<usize, Expr>,
    names: HashSet<String>,
    lines: Vec<String>,
    indent: usize,
    next: usize,
}

impl<'c, 'a> Writer<'c, 'a> {
    fn get(&self, value: Value<'c, 'a>) -> Written<Expr> {
        let found = self.values.get(&identity(value)).cloned();
        found.ok_or_else(|| "a value from outside of the function".to_string())
    }

    fn set(&mut self, value: Value<'c, 'a>, expr: Expr) {
        self.values.insert(identity(value), expr);
    }

    fn line(&mut self, text: &str) {
        self.lines
            .push(format!("{}{text}", "  ".repeat(self.indent)));
    }

    /// A name for a value that no other has.
    fn name(&mut self, value: Value<'c, 'a>) -> String {
        let location = match defining_op(value) {
            Some(op) => op.location(),
            None => value.location(),
        };
        let wanted = match location.is_name() {
            true => {
                let name = location.name_value();
                name.as_string_ref()
                    .as_str()
                    .unwrap_or_default()
                    .to_string()
            }
            false => String::new(),
        };
        let wanted: String = wanted
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .collect();
        let usable = wanted.starts_with(|c: char| c.is_ascii_alphabetic());
        let wanted = match usable && !WORDS.contains(&wanted.as_str()) {
            true => wanted,
            false => {
                self.next += 1;
                format!("t{}", self.next)
            }
        };
        fresh(&mut self.names, &wanted)
    }

    /// Writes the ops of a block; gives what its terminator gives.
    fn block(&mut self, block: BlockRef<'c, 'a>) -> Written<Vec<Expr>> {
        let mut next = block.first_operation();
        while let Some(op) = next {
            next = op.next_in_block();
            match edit::name(op) {
                "func.return" | "scf.yield" => {
                    return op.operands().map(|x| self.get(x)).collect();
                }
                "scf.for" => self.for_loop(op)?,
                "scf.if" => self.branch(op)?,
                _ => self.op(op)?,
            }
        }
        Err("a block without an end".to_string())
    }

    /// An op with one result.
    fn op(&mut self, op: OperationRef<'c, 'a>) -> Written<()> {
        if matches!(OpKind::of(&op), Some(OpKind::Print | OpKind::Check)) {
            return Err(ops::named(op));
        }
        if let Some(assignment) = self.assignment(op)? {
            let y: Value = op.result(0).map_err(|error| error.to_string())?.into();
            let name = self.name(y);
            let Assignment {
                whole,
                index,
                value,
            } = assignment;
            self.line(&format!("var {name} = {whole}"));
            self.line(&format!("{name}[{index}] = {value}"));
            self.set(y, Expr::atom(name));
            return Ok(());
        }
        let expr = self.expression(op)?;
        let y: Value = op.result(0).map_err(|error| error.to_string())?.into();
        let uses = edit::uses(y);
        let here = uses.iter().all(|(user, _)| user.block() == op.block());
        let is_index = y.r#type().is_index() || !y.r#type().is_shaped();
        let one = uses.len() <= 1 && here && expr.text.len() <= LONGEST;
        let broadcast = expr
            .short
            .as_ref()
            .is_some_and(|short| short.text.len() <= LONGEST);
        if one || is_index || expr.is_literal() || broadcast {
            self.set(y, expr);
            return Ok(());
        }
        let name = self.name(y);
        self.line(&format!("let {name} = {}", expr.text));
        self.set(y, Expr::atom(name));
        Ok(())
    }

    /// A loop: variables for what it carries, assigned at the end of each round.
    fn for_loop(&mut self, op: OperationRef<'c, 'a>) -> Written<()> {
        let operands = op.operands().collect::<Vec<_>>();
        let (from, step) = (self.get(operands[0])?, self.get(operands[2])?);
        if from.text != "0" || step.text != "1" {
            return Err("a loop that does not count from 0 by 1".to_string());
        }
        let rounds = self.get(operands[1])?;
        let region = op.region(0).map_err(|error| error.to_string())?;
        let body = region.first_block().ok_or("a loop without a body")?;
        let mut names = vec![];
        for (i, init) in operands[3..].iter().enumerate() {
            let init = self.get(*init)?;
            let argument: Value = body.argument(i + 1).map_err(|e| e.to_string())?.into();
            let result: Value = op.result(i).map_err(|e| e.to_string())?.into();
            let name = self.name(argument);
            self.line(&format!("var {name} = {}", init.text));
            self.set(argument, Expr::atom(name.clone()));
            self.set(result, Expr::atom(name.clone()));
            names.push(name);
        }
        let index: Value = body.argument(0).map_err(|e| e.to_string())?.into();
        let counter = fresh(&mut self.names, "i");
        self.set(index, Expr::atom(counter.clone()));
        self.line(&format!("for {counter} in 0..{} {{", rounds.at(expr::SUM)));
        self.indent += 1;
        let given = self.block(body)?;
        self.assign(&names, given);
        self.indent -= 1;
        self.line("}");
        Ok(())
    }

    /// Assigns all at once: no variable has its new value before all new values are there.
    fn assign(&mut self, names: &[String], given: Vec<Expr>) {
        let changed = names.iter().zip(given).filter(|(name, y)| **name != y.text);
        let changed = changed.collect::<Vec<_>>();
        let several = changed.len() > 1;
        let mut values = vec![];
        for (name, y) in &changed {
            match several {
                true => {
                    let next = fresh(&mut self.names, &format!("next_{name}"));
                    self.line(&format!("let {next} = {}", y.text));
                    values.push(next);
                }
                false => values.push(y.text.clone()),
            }
        }
        for ((name, _), value) in changed.iter().zip(values) {
            self.line(&format!("{name} = {value}"));
        }
    }

    /// A branch: a tuple of what both sides give.
    fn branch(&mut self, op: OperationRef<'c, 'a>) -> Written<()> {
        let condition = self.get(op.operand(0).map_err(|e| e.to_string())?)?;
        let results = op.results().map(Value::from).collect::<Vec<_>>();
        let names = results.iter().map(|y| self.name(*y)).collect::<Vec<_>>();
        let pattern = match names.as_slice() {
            [one] => one.clone(),
            _ => format!("({})", names.join(", ")),
        };
        self.line(&format!("let {pattern} = if {} {{", condition.text));
        for side in 0..2 {
            let region = op.region(side).map_err(|error| error.to_string())?;
            let block = region.first_block().ok_or("a branch without a side")?;
            self.indent += 1;
            let given = self.block(block)?;
            let given = given.into_iter().map(|y| y.text).collect::<Vec<_>>();
            let value = match given.as_slice() {
                [one] => one.clone(),
                _ => format!("({})", given.join(", ")),
            };
            self.line(&value);
            self.indent -= 1;
            self.line(if side == 0 { "} else {" } else { "}" });
        }
        for (y, name) in results.iter().zip(names) {
            self.set(*y, Expr::atom(name));
        }
        Ok(())
    }

    /// The size of an axis.
    fn dim(&self, value: Value<'c, 'a>, axis: usize) -> Written<String> {
        match source(value, axis) {
            Source::Static(d) => Ok(d.to_string()),
            Source::Index(v) => Ok(self.get(v)?.at(expr::PRODUCT)),
            Source::Axis(x, i) => self.dim(x, i),
            Source::Sum(parts, i) => {
                let parts = parts.into_iter().map(|x| self.dim(x, i));
                let parts = parts.collect::<Written<Vec<_>>>()?;
                Ok(format!("({})", parts.join(" + ")))
            }
            Source::Own => self.own_dim(value, axis),
        }
    }

    /// The size of an axis of an argument: as its declaration says, or that of what a loop begins with.
    fn own_dim(&self, value: Value<'c, 'a>, axis: usize) -> Written<String> {
        let unknown = || "a size that no dim gives".to_string();
        if let Some(op) = defining_op(value).filter(|op| edit::name(*op) == "scf.for") {
            let number = op.results().position(|y| Value::from(y) == value);
            let init = op.operand(3 + number.ok_or_else(unknown)?);
            return self.dim(init.map_err(|error| error.to_string())?, axis);
        }
        let argument = inspect::argument(value).ok_or_else(unknown)?;
        let parent = inspect::region_of(value).ok_or_else(unknown)?;
        let number = argument.argument_number();
        match edit::name(parent) {
            "scf.for" => {
                let init = parent
                    .operand(2 + number)
                    .map_err(|error| error.to_string())?;
                self.dim(init, axis)
            }
            _ => {
                let all = self
                    .function
                    .attribute("arg_attrs")
                    .map_err(|_| unknown())?;
                let all = ArrayAttribute::try_from(all).map_err(|_| unknown())?;
                let own = all.element(number).and_then(DictionaryAttribute::try_from);
                let shape = own.ok().and_then(|own| own.element_by_name("dl.shape"));
                let shape = shape.and_then(|shape| ArrayAttribute::try_from(shape).ok());
                let text = shape
                    .and_then(|shape| StringAttribute::try_from(shape.element(axis).ok()?).ok());
                text.map(|text| format!("({})", inspect::text(text)))
                    .ok_or_else(unknown)
            }
        }
    }

    /// The sizes of a value, as a list.
    fn dims(&self, value: Value<'c, 'a>) -> Written<Vec<String>> {
        (0..shape_of(value).len())
            .map(|axis| self.dim(value, axis))
            .collect()
    }

    /// The sizes of an op's result, of which the operands `sizes` say those that the type does not.
    fn result_dims(&self, y: Value<'c, 'a>, sizes: Vec<Value<'c, 'a>>) -> Written<Vec<String>> {
        let mut sizes = sizes.into_iter();
        let mut dims = vec![];
        for d in shape_of(y) {
            dims.push(match d {
                DYNAMIC => {
                    let size = sizes.next().ok_or("an op without its sizes")?;
                    self.get(size)?.text
                }
                d => d.to_string(),
            });
        }
        Ok(dims)
    }
}
