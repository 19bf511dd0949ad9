//! The program's text at each level, function by function, with the place in the source of each line.

use super::Places;
use dlc_dialects::ir::{context::with_diagnostics, edit};
use dlc_lowering::{entry, gpu::PROGRAM, walk};
use dlc_report::Text;
use melior::{
    Context,
    ir::{
        Location, Module, OperationRef,
        operation::{OperationLike, OperationPrintingFlags},
    },
    pass::PassManager,
};
use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

/// Of a function so many lines are kept at most.
const LINES: usize = 50_000;
/// Constants of more elements are left out of a text.
const ELEMENTS: usize = 16;
/// The pass that gives functions what LLVM needs to keep places.
const SCOPES: &str = "builtin.module(ensure-debug-info-scope-on-llvm-func)";

/// The text of an op with the location of each line.
pub(crate) fn located(op: OperationRef) -> String {
    let flags = OperationPrintingFlags::new()
        .elide_large_elements_attributes(ELEMENTS)
        .enable_debug_info(true, false);
    op.to_string_with_flags(flags).unwrap_or_default()
}

/// Lets LLVM keep places; whether it could be done. Each op gets one place, as the pass that makes scopes reads no others
/// where what was inlined has none. Where none is known it is line 0, since LLVM wants one at each call; but what comes from
/// programs of a device stands where they are called. `name` gives what LLVM calls a file.
pub(crate) fn with_debug_info<'c>(
    context: &'c Context,
    module: &mut Module<'c>,
    places: &mut Places,
    name: impl Fn(&Places, usize) -> Option<String>,
) -> bool {
    let main = name(places, 0).unwrap_or_default();
    let mut programs = HashSet::new();
    for op in walk::inside(module.as_operation()) {
        let chain = places.chain(&op.location().to_string());
        if chain.is_empty() && symbol(op).starts_with(PROGRAM) {
            programs.insert(symbol(op));
        }
        let place = places.own(&chain).and_then(|place| {
            let name = name(places, place.file)?;
            Some(Location::new(context, &name, place.line, place.column))
        });
        edit::set_location(
            op,
            place.unwrap_or_else(|| Location::new(context, &main, 0, 0)),
        );
    }
    let manager = PassManager::new(context);
    let parsed = dlc_dialects::pass::parse_pipeline(&manager, SCOPES);
    let is_done = parsed.is_ok() && with_diagnostics(context, || manager.run(module)).0.is_ok();
    for op in walk::inside(module.as_operation()) {
        if programs.contains(&symbol(op)) {
            edit::set_location(op, Location::unknown(context));
        }
    }
    is_done
}

/// The name of a function, empty where an op is none.
fn symbol(op: OperationRef) -> String {
    entry::string(op.attribute("sym_name").ok()).unwrap_or_default()
}

/// A function in the making.
#[derive(Default)]
struct Function {
    name: String,
    lines: Vec<String>,
    at: Vec<usize>,
    places: Vec<(usize, usize)>,
    numbers: HashMap<(usize, usize), usize>,
    left_out: usize,
}

impl Function {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_string(),
            ..Self::default()
        }
    }

    fn number(&mut self, place: (usize, usize)) -> usize {
        let next = self.places.len() + 1;
        let number = *self.numbers.entry(place).or_insert(next);
        if number == next {
            self.places.push(place);
        }
        number
    }

    fn push(&mut self, line: &str, place: Option<(usize, usize)>) {
        let place = place.filter(|(_, line)| *line > 0);
        if self.lines.len() == LINES {
            self.left_out += 1;
            return;
        }
        let number = place.map_or(0, |place| self.number(place));
        self.lines.push(line.to_string());
        self.at.push(number);
    }

    fn done(self) -> Text {
        Text {
            name: self.name,
            lines: self.lines,
            at: self.at,
            places: self.places,
            left_out: self.left_out,
        }
    }
}

/// The functions of a module's text, as [`located`] writes it.
pub(crate) fn of_mlir(text: &str, places: &mut Places) -> Vec<Text> {
    let aliases: HashMap<&str, &str> = text
        .lines()
        .filter(|line| line.starts_with("#loc"))
        .filter_map(|line| line.split_once(" = "))
        .collect();
    let mut lines = Locations {
        aliases,
        places,
        known: HashMap::new(),
    };
    let mut found = vec![];
    let mut function: Option<(Function, Vec<usize>)> = None;
    for line in text.lines() {
        let (shown, place) = lines.line(line);
        let shown = without_locations(shown);
        let shown = shown.as_ref();
        match &mut function {
            None => {
                if let Some(name) = name_of(shown) {
                    let mut first = Function::new(name);
                    let opens = shown.ends_with('{');
                    first.push(without_indent(shown), place);
                    match opens {
                        true => function = Some((first, vec![0])),
                        // A declaration.
                        false => continue,
                    }
                }
            }
            Some((body, open)) => {
                let trimmed = shown.trim_start();
                if trimmed.starts_with('}')
                    && let (Some(begin), Some(place)) = (open.pop(), place)
                    && begin < body.at.len()
                {
                    // The place of what has a body stands behind the body.
                    body.at[begin] = body.number(place);
                }
                if shown.ends_with('{') {
                    open.push(body.lines.len() + body.left_out);
                }
                body.push(without_indent(shown), place);
                if shown == "  }"
                    && let Some((body, _)) = function.take()
                {
                    found.push(body.done());
                }
            }
        }
    }
    found
}

/// A line without the locations of the arguments in it.
fn without_locations(line: &str) -> Cow<'_, str> {
    const BEGIN: &str = " loc(";
    if !line.contains(BEGIN) {
        return line.into();
    }
    let mut shown = String::new();
    let mut rest = line;
    while let Some((before, behind)) = rest.split_once(BEGIN) {
        shown += before;
        let mut depth = 1;
        let end = behind.find(|c| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            depth == 0
        });
        rest = end.map_or("", |end| &behind[end + 1..]);
    }
    (shown + rest).into()
}

fn without_indent(line: &str) -> &str {
    line.strip_prefix("  ").unwrap_or(line)
}

/// The name of the function that a line begins.
fn name_of(line: &str) -> Option<&str> {
    let line = line.strip_prefix("  ")?;
    let begins = ["func.func", "llvm.func", "gpu.func"];
    if !begins.iter().any(|word| line.starts_with(word)) {
        return None;
    }
    let (_, rest) = line.split_once('@')?;
    rest.split(['(', ' ']).next()
}

/// The locations of lines, whose aliases stand at the end of the text.
struct Locations<'t, 'p, 'x> {
    aliases: HashMap<&'t str, &'t str>,
    places: &'p mut Places<'x>,
    known: HashMap<&'t str, Option<(usize, usize)>>,
}

impl<'t> Locations<'t, '_, '_> {
    /// A line without its location, and the place of that.
    fn line(&mut self, line: &'t str) -> (&'t str, Option<(usize, usize)>) {
        let end = line.rfind(" loc(").filter(|_| line.ends_with(')'));
        match end {
            // Block arguments have locations, too, which are left where they are.
            Some(end) if !line[end + 5..line.len() - 1].contains(", ") => {
                let location = &line[end + 5..line.len() - 1];
                (&line[..end], self.place(location))
            }
            _ => (line, None),
        }
    }

    fn place(&mut self, location: &'t str) -> Option<(usize, usize)> {
        if let Some(known) = self.known.get(location) {
            return *known;
        }
        let text = self.expanded(location, 0);
        let chain = self.places.chain(&text);
        let place = self
            .places
            .own(&chain)
            .map(|place| (place.file, place.line));
        self.known.insert(location, place);
        place
    }

    /// A location with what its aliases stand for.
    fn expanded(&self, location: &str, depth: usize) -> String {
        let mut text = String::new();
        let mut rest = location;
        while let Some(at) = rest.find("#loc") {
            let end = rest[at + 1..].find(|c: char| !c.is_alphanumeric() && c != '_');
            let end = end.map_or(rest.len(), |end| at + 1 + end);
            text += &rest[..at];
            // Locations are trees, as deep as calls are.
            if let Some(stands_for) = self.aliases.get(&rest[at..end]).filter(|_| depth < 64) {
                text += &self.expanded(stands_for, depth + 1);
            }
            rest = &rest[end..];
        }
        text + rest
    }
}

/// The functions of LLVM IR.
pub(crate) fn of_llvm(text: &str, places: &mut Places) -> Vec<Text> {
    let metadata: HashMap<&str, &str> = text
        .lines()
        .filter(|line| line.starts_with('!'))
        .filter_map(|line| line.split_once(" = "))
        .collect();
    let mut known: HashMap<&str, Option<(usize, usize)>> = HashMap::new();
    let mut found = vec![];
    let mut function: Option<Function> = None;
    for line in text.lines() {
        if let Some(header) = line.strip_prefix("define ") {
            let name = header.split_once('@').map_or("", |(_, rest)| rest);
            let name = name.split('(').next().unwrap_or_default().trim_matches('"');
            function = Some(Function::new(name));
        }
        let Some(body) = &mut function else { continue };
        let (shown, number) = match line.rfind(", !dbg !") {
            Some(at) => {
                let number = line[at + 7..].split([',', ' ']).next().unwrap_or_default();
                (&line[..at], Some(number))
            }
            None => (line, None),
        };
        let place = number.and_then(|number| {
            *known
                .entry(number)
                .or_insert_with(|| debug_place(number, &metadata, places))
        });
        body.push(shown, place);
        if line == "}"
            && let Some(body) = function.take()
        {
            found.push(body.done());
        }
    }
    found
}

/// File and line of a `DILocation`: where it stands, or where that was inlined, in the program's own files if that is so.
fn debug_place(
    number: &str,
    metadata: &HashMap<&str, &str>,
    places: &mut Places,
) -> Option<(usize, usize)> {
    let mut chain = vec![];
    let mut next = Some(number);
    while let Some(number) = next {
        let location = metadata.get(number)?;
        let line = field(location, "line: ").and_then(|line| line.parse().ok());
        let scope = metadata.get(field(location, "scope: ")?)?;
        let file = metadata.get(field(scope, "file: ")?)?;
        let name = file.split('"').nth(1)?;
        if let (Some(line), Some(file)) = (line, places.file(name)) {
            chain.push(dlc_report::Place {
                file,
                line,
                column: 1,
            });
        }
        next = field(location, "inlinedAt: ");
        if chain.len() > 64 {
            break;
        }
    }
    let place = places.own(&chain)?;
    Some((place.file, place.line))
}

/// A field of a metadata node.
fn field<'t>(node: &'t str, name: &str) -> Option<&'t str> {
    let (_, rest) = node.split_once(name)?;
    rest.split([',', ')']).next()
}

/// The files that assembly gives numbers to.
fn numbered<'t>(text: &'t str, places: &mut Places) -> HashMap<&'t str, Option<usize>> {
    let rules = text
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix(".file\t"));
    let files = rules.map(|rule| {
        let (number, names) = rule.split_once(' ').unwrap_or((rule, ""));
        // A folder may stand before the name, a hash behind it.
        let names: Vec<_> = names.split('"').skip(1).step_by(2).collect();
        let file = names.iter().rev().find_map(|name| places.file(name));
        (number, file)
    });
    files.collect()
}

/// The place that a line of assembly says that what follows has.
fn said(line: &str, files: &HashMap<&str, Option<usize>>) -> Option<Option<(usize, usize)>> {
    let rule = line.trim_start().strip_prefix(".loc\t")?;
    let mut words = rule.split_whitespace();
    let file = words.next().and_then(|file| files.get(file).copied()?);
    let at = words.next().and_then(|line| line.parse().ok());
    Some(file.zip(at).filter(|place| place.1 > 0))
}

/// The functions of assembly.
pub(crate) fn of_assembly(text: &str, places: &mut Places) -> Vec<Text> {
    let files = numbered(text, places);
    let types = text.lines().filter_map(|line| {
        let rest = line.trim_start().strip_prefix(".type\t")?;
        rest.strip_suffix(",@function")
    });
    let types: HashSet<&str> = types.collect();
    let mut found = vec![];
    let mut function: Option<Function> = None;
    let mut place = None;
    for line in text.lines() {
        let label = line.split_once(':').map(|(label, _)| label);
        if let Some(name) = label.filter(|label| types.contains(label)) {
            function = Some(Function::new(name));
            place = None;
        }
        let trimmed = line.trim_start();
        if let Some(said) = said(line, &files) {
            place = said;
            continue;
        }
        let Some(body) = &mut function else { continue };
        if trimmed.starts_with(".Lfunc_end") {
            if let Some(body) = function.take() {
                found.push(body.done());
            }
            continue;
        }
        let hidden = trimmed.starts_with('.') && !is_label(trimmed)
            || ["..", ".Ltmp", ".Lfunc_begin", "#"]
                .iter()
                .any(|word| trimmed.starts_with(word));
        if !hidden && !trimmed.is_empty() {
            let is_code = line.starts_with(['\t', ' ']);
            body.push(&line.replace('\t', "  "), place.filter(|_| is_code));
        }
    }
    found
}

fn is_label(line: &str) -> bool {
    line.starts_with(".L") && line.contains(':')
}

/// The functions of PTX.
pub(crate) fn of_ptx(text: &str, places: &mut Places) -> Vec<Text> {
    let files = numbered(text, places);
    let mut found = vec![];
    let mut function: Option<Function> = None;
    let mut place = None;
    for line in text.lines() {
        let begins = [".entry ", ".func "]
            .iter()
            .find_map(|word| line.split_once(word));
        if function.is_none()
            && let Some((_, rest)) = begins
            && !line.trim_end().ends_with(';')
        {
            // What a function returns stands before its name.
            let rest = rest.trim_start();
            let rest = match rest.strip_prefix('(') {
                Some(result) => result
                    .split_once(')')
                    .map_or("", |(_, rest)| rest.trim_start()),
                None => rest,
            };
            let name = rest.split(['(', ' ']).next().unwrap_or_default();
            function = Some(Function::new(name));
            place = None;
        }
        let Some(body) = &mut function else { continue };
        if let Some(said) = said(line, &files) {
            place = said;
            continue;
        }
        let hidden = ["$L__tmp", "$L__func_"]
            .iter()
            .any(|word| line.starts_with(word));
        if !hidden && !line.trim().is_empty() {
            let is_code = line.starts_with(['\t', ' ']);
            body.push(&line.replace('\t', "  "), place.filter(|_| is_code));
        }
        if line == "}"
            && let Some(body) = function.take()
        {
            found.push(body.done());
        }
    }
    found
}
