//! Source texts and where their lines begin.

use dlc_abi::symbol;

use crate::ast::Span;

/// The longest source accepted, in bytes.
pub const MAX_SOURCE_BYTES: usize = 16 << 20;

/// One source file.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its number in the [`SourceMap`]; spans carry it.
    pub file: u32,
    /// Its name as shown in messages.
    pub name: String,
    /// Its text.
    pub text: String,
    /// The byte at which each line begins.
    lines: Vec<u32>,
}

/// A place as shown to people: both count from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineCol {
    /// The line.
    pub line: usize,
    /// The column.
    pub col: usize,
}

/// The name of a file without folders and `.dl`, as an identifier: what its items and its library are named after.
pub fn stem(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    symbol::identifier(name.strip_suffix(".dl").unwrap_or(name))
}

impl Source {
    /// File 0 with this text.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self::in_file(0, name, text)
    }

    /// A file with this number and text.
    pub fn in_file(file: u32, name: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        let mut lines = vec![0];
        lines.extend(
            text.bytes()
                .enumerate()
                .filter(|(_, byte)| *byte == b'\n')
                .map(|(i, _)| i as u32 + 1),
        );
        Self {
            file,
            name: name.into(),
            text,
            lines,
        }
    }

    /// See [`stem`].
    pub fn stem(&self) -> String {
        stem(&self.name)
    }

    /// The line (from 0) that a byte stands on.
    fn line_index(&self, offset: u32) -> usize {
        self.lines.partition_point(|start| *start <= offset) - 1
    }

    /// The line and column of a byte.
    pub fn line_col(&self, offset: u32) -> LineCol {
        let offset = offset.min(self.text.len() as u32);
        let line = self.line_index(offset);
        let before = &self.text.as_bytes()[self.lines[line] as usize..offset as usize];
        let col = before.iter().filter(|byte| (**byte & 0xc0) != 0x80).count() + 1;
        LineCol {
            line: line + 1,
            col,
        }
    }

    /// How far the line of a byte is indented, in bytes.
    pub fn indent(&self, offset: u32) -> u32 {
        let start = self.lines[self.line_index(offset)] as usize;
        self.text.as_bytes()[start..]
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count() as u32
    }

    /// The number of lines; a last line that is empty does not count unless the file is empty.
    pub fn line_count(&self) -> usize {
        let n = self.lines.len();
        if n > 1 && self.lines[n - 1] as usize == self.text.len() {
            n - 1
        } else {
            n
        }
    }

    /// A line (from 1) without its end; empty when there is no such line.
    pub fn line_text(&self, line: usize) -> &str {
        let Some(start) = self.lines.get(line.wrapping_sub(1)) else {
            return "";
        };
        let end = self
            .lines
            .get(line)
            .map_or(self.text.len(), |next| *next as usize - 1);
        self.text[*start as usize..end].trim_end_matches('\r')
    }

    /// The byte at which a line (from 1) begins.
    pub fn line_start(&self, line: usize) -> u32 {
        self.lines
            .get(line.wrapping_sub(1))
            .copied()
            .unwrap_or(self.text.len() as u32)
    }

    /// The text of a span.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or_default()
    }
}

/// The files of one compilation; file 0 is the one given to the compiler.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    files: Vec<Source>,
}

impl SourceMap {
    /// No files yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file and returns its number.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> u32 {
        let file = self.files.len() as u32;
        self.files.push(Source::in_file(file, name, text));
        file
    }

    /// The file of a number that [`SourceMap::add`] returned.
    pub fn get(&self, file: u32) -> &Source {
        &self.files[file as usize]
    }

    /// All files, in order.
    pub fn files(&self) -> &[Source] {
        &self.files
    }

    /// The file given to the compiler.
    pub fn root(&self) -> &Source {
        self.get(0)
    }

    /// The text of a span.
    pub fn slice(&self, span: Span) -> &str {
        self.get(span.file).slice(span)
    }

    /// The text of the span's file.
    pub fn text(&self, span: Span) -> &str {
        &self.get(span.file).text
    }

    /// The line and column where a span begins.
    pub fn line_col(&self, span: Span) -> LineCol {
        self.get(span.file).line_col(span.start)
    }

    /// What the IR calls a file: its path from the folder of the file given to the compiler, so that the IR does not
    /// depend on where that folder is.
    pub fn ir_name(&self, file: u32) -> &str {
        let root = &self.root().name;
        let folder = &root[..root.rfind(['/', '\\']).map_or(0, |at| at + 1)];
        let name = &self.get(file).name;
        name.strip_prefix(folder).unwrap_or(name)
    }
}

impl From<Source> for SourceMap {
    fn from(source: Source) -> Self {
        Self {
            files: vec![source],
        }
    }
}
