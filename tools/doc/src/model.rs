//! What a site tells, as plain data. Addresses are those of files of the site, which all lie in one folder:
//! `std.nn.html#linear`.

/// What a stretch of a program is, for colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Nothing in particular: blanks, operators, variables.
    Plain,
    /// A word of the language.
    Keyword,
    /// A number.
    Number,
    /// A string.
    Text,
    /// A comment.
    Comment,
    /// A function.
    Function,
    /// A struct or a dtype.
    Type,
    /// A dim or another parameter in `<…>`.
    Dim,
    /// A constant.
    Constant,
    /// A field.
    Field,
    /// A module.
    Module,
    /// An attribute.
    Attribute,
}

/// A stretch of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its text.
    pub text: String,
    /// What it is.
    pub class: Class,
    /// The address of what it names.
    pub link: Option<String>,
}

/// A text of the language.
pub type Code = Vec<Piece>;

/// A doc comment, as [`crate::markdown::render`] gives it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Docs {
    /// All of it, as HTML.
    pub html: String,
    /// The first paragraph, as HTML without the paragraph's own element.
    pub summary: String,
    /// Its words alone, for the search.
    pub text: String,
}

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `const`.
    Const,
    /// `struct`.
    Struct,
    /// `fn`.
    Function,
    /// `export fn`.
    Export,
}

impl Kind {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Const => "const",
            Kind::Struct => "struct",
            Kind::Function => "fn",
            Kind::Export => "export",
        }
    }
}

/// A name that leads somewhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    /// The name.
    pub name: String,
    /// The address.
    pub address: String,
}

/// A field of a struct, or a parameter with a doc comment.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name; `STRUCT.NAME` is its anchor.
    pub name: String,
    /// Its type.
    pub ty: Code,
    /// Its doc comment.
    pub docs: Docs,
}

/// An item of a module. Its name is its anchor.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// The attributes, each on a line, and the head of it without its body.
    pub signature: Code,
    /// Its doc comment.
    pub docs: Docs,
    /// The fields of a struct.
    pub fields: Vec<Field>,
    /// For a struct, what has it in its signature.
    pub used_by: Vec<Link>,
    /// The line of its source.
    pub line: usize,
}

/// A test of a module.
#[derive(Clone, Debug)]
pub struct Test {
    /// What it is called.
    pub name: String,
    /// The line of its source.
    pub line: usize,
}

/// A file of a program.
#[derive(Clone, Debug)]
pub struct Module {
    /// Its name: `std::nn`, `model`.
    pub name: String,
    /// The name of its page without `.html`.
    pub slug: String,
    /// The file, as shown.
    pub file: String,
    /// Whether it belongs to the standard library.
    pub is_std: bool,
    /// Its own doc comment.
    pub docs: Docs,
    /// Its items, in the order of the text.
    pub items: Vec<Item>,
    /// Its tests.
    pub tests: Vec<Test>,
    /// The whole text.
    pub source: Code,
}

impl Module {
    /// The address of its page.
    pub fn page(&self) -> String {
        page(&self.slug)
    }

    /// The address of the page with its text.
    pub fn source_page(&self) -> String {
        page(&format!("{}.source", self.slug))
    }
}

/// The address of a page.
pub fn page(slug: &str) -> String {
    format!("{slug}.html")
}

/// A part of a chapter under a heading.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// The heading.
    pub title: String,
    /// Its anchor; none for what stands before the first heading below the title.
    pub anchor: Option<String>,
    /// The words in it, for the search.
    pub text: String,
}

/// A chapter of a guide.
#[derive(Clone, Debug)]
pub struct Chapter {
    /// Its title in the table of contents.
    pub title: String,
    /// How deep it stands there, from 0.
    pub depth: usize,
    /// The part of the book that begins with it.
    pub part: Option<String>,
    /// The name of its page without `.html`.
    pub slug: String,
    /// Its text as HTML, with the title.
    pub html: String,
    /// Its parts.
    pub sections: Vec<Section>,
}

/// A built-in operation that a chapter explains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Builtin {
    /// Its name.
    pub name: String,
    /// Its name and parameters.
    pub signature: String,
    /// The address of the place where it is explained.
    pub address: String,
}

/// A file that chapters show or link to.
#[derive(Clone, Debug)]
pub struct Attachment {
    /// Its name in the site.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// All that a site tells.
#[derive(Clone, Debug)]
pub struct Library {
    /// The title of the site.
    pub title: String,
    /// The version of the compiler.
    pub version: String,
    /// The chapters of a guide, in order.
    pub chapters: Vec<Chapter>,
    /// What they show or link to.
    pub attachments: Vec<Attachment>,
    /// The built-in operations that they explain.
    pub builtins: Vec<Builtin>,
    /// The modules, those of the standard library last.
    pub modules: Vec<Module>,
}
