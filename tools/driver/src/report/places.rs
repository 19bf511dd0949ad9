//! Places of IR as places of the source.

use crate::{compile::Input, source};
use dlc_frontend::modules;
use dlc_report::{File, Place};
use std::collections::HashMap;

/// What MLIR calls a textual module.
const MODULE: &str = "-";

/// The files of a report, and places in them. Files of the standard library come in where something stands in them.
pub(crate) struct Places<'x> {
    input: Input<'x>,
    files: Vec<File>,
    /// The numbers of files by the names that the IR has for them.
    numbers: HashMap<String, usize>,
    /// How many files are the program's own.
    own: usize,
    /// What was asked for before: texts repeat.
    known: HashMap<String, Vec<Place>>,
}

impl<'x> Places<'x> {
    /// The program's own files.
    pub fn new(input: Input<'x>) -> Self {
        let mut places = Self {
            input,
            files: vec![],
            numbers: HashMap::new(),
            own: 0,
            known: HashMap::new(),
        };
        if source::is_module(input.source) {
            places.add(MODULE, input.source.name, input.source.text);
        }
        for file in input.sources.files() {
            if !modules::is_std(file) {
                places.number(file.file);
            }
        }
        places.own = places.files.len();
        places
    }

    /// The number of a file of the program.
    pub fn number(&mut self, file: u32) -> usize {
        let source = self.input.sources.get(file);
        self.add(self.input.sources.ir_name(file), &source.name, &source.text)
    }

    fn add(&mut self, ir_name: &str, name: &str, text: &str) -> usize {
        if let Some(number) = self.numbers.get(ir_name) {
            return *number;
        }
        let number = self.files.len();
        self.files.push(File {
            name: name.to_string(),
            text: text.to_string(),
        });
        self.numbers.insert(ir_name.to_string(), number);
        number
    }

    /// The places in MLIR's text of a location: where something stands, then where that is called, and so on outwards.
    pub fn chain(&mut self, location: &str) -> Vec<Place> {
        if let Some(known) = self.known.get(location) {
            return known.clone();
        }
        let mut chain = vec![];
        let mut rest = location;
        while let Some((before, behind)) = rest.split_once("\":") {
            let name = before.rsplit('"').next().unwrap_or_default();
            let mut numbers = behind.splitn(3, |c: char| !c.is_ascii_digit());
            let [line, column] = [0, 1].map(|_| numbers.next().and_then(|text| text.parse().ok()));
            if let (Some(line), Some(column), Some(file)) = (line, column, self.file(name)) {
                chain.push(Place { file, line, column });
            }
            rest = behind;
        }
        self.known.insert(location.to_string(), chain.clone());
        chain
    }

    /// The number of a file that the IR calls so.
    pub fn file(&mut self, ir_name: &str) -> Option<usize> {
        if let Some(number) = self.numbers.get(ir_name) {
            return Some(*number);
        }
        let sources = self.input.sources;
        let files = sources.files().iter();
        let mut named = files.filter(|file| sources.ir_name(file.file) == ir_name);
        let file = named.next()?.file;
        Some(self.number(file))
    }

    /// The innermost place in the program's own files, else in others.
    pub fn own(&self, chain: &[Place]) -> Option<Place> {
        let own = chain.iter().find(|place| place.file < self.own);
        own.or(chain.first()).copied()
    }

    /// What the IR calls a file.
    pub fn ir_name(&self, file: usize) -> Option<String> {
        let mut names = self.numbers.iter();
        let found = names.find(|(_, number)| **number == file);
        found.map(|(name, _)| name.clone())
    }

    /// What debuggers call a file: its whole path, if it is one of the program's own.
    pub fn path(&self, file: usize) -> Option<String> {
        let name = &self.files.get(file)?.name;
        let path = std::path::absolute(name).ok().filter(|_| file < self.own);
        let path = path.and_then(|path| path.to_str().map(str::to_string));
        Some(path.unwrap_or_else(|| name.clone()))
    }

    /// The files.
    pub fn files(self) -> Vec<File> {
        self.files
    }
}
