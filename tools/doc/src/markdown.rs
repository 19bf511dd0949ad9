//! Markdown of doc comments and chapters as HTML.
//!
//! A name in brackets, `` [`linear`] `` or `[text](nn::linear)`, leads to what it names, and one in backquotes alone does so
//! where it names something. Programs in fences of `dl` are coloured; of their lines, those that begin with `# ` are not
//! shown. HTML in the text is shown as it is written.

use std::ops::Range;

use maud::html;
use pulldown_cmark::{
    Alignment, BrokenLink, CodeBlockKind, CowStr, Event, HeadingLevel, LinkType, Options, Parser,
    Tag, TagEnd, html::push_html,
};

use crate::model::{Code, Docs, Section};
use crate::parts;

/// How a text names something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mention {
    /// As the target of a link.
    Link,
    /// As a word in backquotes, which may be anything.
    Word,
}

/// What the words of a text stand for.
pub trait Words {
    /// The address of what a name, possibly qualified, stands for.
    fn named(&self, name: &str, how: Mention) -> Option<String>;

    /// Whether a name stands for something, which may have no page.
    fn is_known(&self, name: &str) -> bool;

    /// The pieces of a program.
    fn program(&self, text: &str) -> Code;

    /// The address of a file that the text links to by its path: a chapter or a picture.
    fn file(&self, path: &str) -> Option<String>;

    /// The anchor of a word in backquotes that is explained where it stands.
    fn anchor(&self, code: &str) -> Option<String>;
}

/// What a text is part of.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// How many levels its headings stand below those of a page.
    pub below: u8,
    /// What the anchors of its headings begin with.
    pub prefix: &'a str,
}

/// A link that leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// What it names.
    pub name: String,
    /// The bytes of the text where it stands.
    pub range: Range<usize>,
}

/// A text as HTML.
#[derive(Clone, Debug, Default)]
pub struct Rendered {
    /// The text.
    pub docs: Docs,
    /// Its parts.
    pub sections: Vec<Section>,
    /// The links in it that lead nowhere.
    pub broken: Vec<Broken>,
}

/// A program in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fence {
    /// What stands after the backquotes: `dl`, `dl,error=DL0203`.
    pub tag: String,
    /// The program, with the lines that are not shown.
    pub text: String,
    /// The bytes of the text where it stands, without the fence.
    pub range: Range<usize>,
}

const OPTIONS: Options = Options::ENABLE_TABLES
    .union(Options::ENABLE_STRIKETHROUGH)
    .union(Options::ENABLE_FOOTNOTES);

/// The tag of what a command prints.
const OUTPUT: &str = "output";

/// Whether a text is a name, possibly qualified: `nn::linear`, `Linear.w`.
pub fn is_name(text: &str) -> bool {
    let word = |word: &str| {
        let mut bytes = word.bytes();
        bytes
            .next()
            .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
            && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    text.split("::").flat_map(|part| part.split('.')).all(word)
}

/// The name in the target of a link: `` `linear` ``, `linear()`.
fn bare(target: &str) -> &str {
    let target = target.trim().trim_matches('`');
    target.strip_suffix("()").unwrap_or(target)
}

/// The programs in a text whose tags begin with `dl`.
pub fn fences(text: &str) -> Vec<Fence> {
    let mut fences: Vec<Fence> = Vec::new();
    let mut open = false;
    for (event, range) in Parser::new_ext(text, OPTIONS).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(tag))) => {
                open = tag.split(',').next() == Some("dl");
                if open {
                    fences.push(Fence {
                        tag: tag.into_string(),
                        text: String::new(),
                        range: range.end..range.end,
                    });
                }
            }
            Event::Text(part) if open => {
                if let Some(fence) = fences.last_mut() {
                    let start = fence.range.start.min(range.start);
                    fence.range = start..range.end;
                    fence.text += &part;
                }
            }
            Event::End(TagEnd::CodeBlock) => open = false,
            _ => {}
        }
    }
    for fence in &mut fences {
        let lines = fence.text.split_inclusive('\n');
        let all = lines.map(|line| match line.trim_end() {
            "#" => "\n",
            _ => line.strip_prefix("# ").unwrap_or(line),
        });
        fence.text = all.collect();
    }
    fences
}

/// A text as HTML.
pub fn render(text: &str, words: &dyn Words, place: Place) -> Rendered {
    let mut broken: Vec<Broken> = Vec::new();
    let mut resolve = |link: BrokenLink<'_>| {
        let asked = link.reference.contains('`') || link.reference.contains("::");
        let name = bare(&link.reference);
        if !is_name(name) {
            return None;
        }
        let address = words.named(name, Mention::Link);
        if address.is_none() && asked && !words.is_known(name) {
            broken.push(Broken {
                name: name.to_owned(),
                range: link.span,
            });
        }
        address.map(|address| (CowStr::from(address), CowStr::from("")))
    };
    let parser = Parser::new_with_broken_link_callback(text, OPTIONS, Some(&mut resolve));
    let events: Vec<(Event, Range<usize>)> = parser.into_offset_iter().collect();
    let mut writer = Writer {
        words,
        place,
        events: Vec::new(),
        summary: None,
        text: String::new(),
        sections: vec![Section::default()],
        heading: None,
        program: None,
        links: Vec::new(),
        pictures: Vec::new(),
        table: Cells::default(),
        broken,
    };
    for (event, range) in events {
        writer.event(event, range);
    }
    writer.finish()
}

/// What is written so far.
struct Writer<'a> {
    words: &'a dyn Words,
    place: Place<'a>,
    events: Vec<Event<'a>>,
    /// The events of the first paragraph, from the one to the other.
    summary: Option<Range<usize>>,
    text: String,
    sections: Vec<Section>,
    /// Where the heading that is open begins.
    heading: Option<(usize, HeadingLevel)>,
    /// The tag and the text of the program that is open.
    program: Option<(String, String)>,
    /// For each link that is open, whether it is written.
    links: Vec<bool>,
    /// The same of pictures.
    pictures: Vec<bool>,
    /// The table that is open.
    table: Cells,
    broken: Vec<Broken>,
}

/// The cells of a table. They are written here, since a page's policy allows no styles in elements.
#[derive(Default)]
struct Cells {
    columns: Vec<Alignment>,
    /// The column of the next cell.
    at: usize,
    in_body: bool,
}

impl Cells {
    fn begin(&mut self) -> &'static str {
        let is_number = self.columns.get(self.at) == Some(&Alignment::Right);
        self.at += 1;
        match (self.in_body, is_number) {
            (true, true) => "<td class=\"number\">",
            (true, false) => "<td>",
            (false, true) => "<th class=\"number\">",
            (false, false) => "<th>",
        }
    }

    fn end(&self) -> &'static str {
        match self.in_body {
            true => "</td>",
            false => "</th>",
        }
    }
}

impl<'a> Writer<'a> {
    fn event(&mut self, event: Event<'a>, range: Range<usize>) {
        match event {
            Event::Start(Tag::CodeBlock(kind)) => {
                let tag = match kind {
                    CodeBlockKind::Fenced(tag) => tag.into_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                self.program = Some((tag, String::new()));
            }
            Event::End(TagEnd::CodeBlock) => {
                if let Some((tag, text)) = self.program.take() {
                    let text = shown(&tag, text);
                    self.words_of(&text);
                    let html = self.program_html(&tag, &text);
                    self.events.push(Event::Html(html.into()));
                }
            }
            Event::Text(part) => match &mut self.program {
                Some((_, text)) => text.push_str(&part),
                None => {
                    self.words_of(&part);
                    self.events.push(Event::Text(part));
                }
            },
            Event::Html(html) | Event::InlineHtml(html) if html.starts_with("<!--") => {}
            Event::Html(html) | Event::InlineHtml(html) => {
                self.words_of(&html);
                self.events.push(Event::Text(html));
            }
            Event::Code(code) => self.code(code),
            Event::Start(Tag::Heading { level, .. }) => {
                self.heading = Some((self.events.len(), level));
                self.sections.push(Section::default());
                self.events.push(Event::Start(heading(level, None)));
            }
            Event::End(TagEnd::Heading(_)) => self.end_heading(),
            Event::Start(Tag::Paragraph) => {
                self.events.push(Event::Start(Tag::Paragraph));
                if self.summary.is_none() {
                    self.summary = Some(self.events.len()..0);
                }
            }
            Event::End(TagEnd::Paragraph) => {
                if let Some(summary) = self.summary.as_mut().filter(|all| all.end == 0) {
                    summary.end = self.events.len();
                }
                self.words_of(" ");
                self.events.push(Event::End(TagEnd::Paragraph));
            }
            Event::Start(Tag::Link {
                link_type,
                dest_url,
                title,
                id,
            }) => {
                let address = self.address(link_type, &dest_url, range);
                self.links.push(address.is_some());
                if let Some(address) = address {
                    self.events.push(Event::Start(Tag::Link {
                        link_type,
                        dest_url: address.into(),
                        title,
                        id,
                    }));
                }
            }
            Event::End(TagEnd::Link) => {
                if self.links.pop() == Some(true) {
                    self.events.push(Event::End(TagEnd::Link));
                }
            }
            Event::Start(Tag::Image {
                link_type,
                dest_url,
                title,
                id,
            }) => {
                let address = self.words.file(&dest_url);
                self.pictures.push(address.is_some());
                match address {
                    Some(address) => self.events.push(Event::Start(Tag::Image {
                        link_type,
                        dest_url: address.into(),
                        title,
                        id,
                    })),
                    // Its words stay.
                    None => self.break_link(&dest_url, range),
                }
            }
            Event::End(TagEnd::Image) => {
                if self.pictures.pop() == Some(true) {
                    self.events.push(Event::End(TagEnd::Image));
                }
            }
            Event::Start(Tag::Table(columns)) => {
                self.table = Cells {
                    columns: columns.clone(),
                    ..Cells::default()
                };
                self.events.push(Event::Html("<div class=\"wide\">".into()));
                self.events.push(Event::Start(Tag::Table(columns)));
            }
            Event::End(TagEnd::Table) => {
                self.events.push(Event::End(TagEnd::Table));
                self.events.push(Event::Html("</div>".into()));
            }
            Event::Start(Tag::TableCell) => {
                let html = self.table.begin();
                self.events.push(Event::Html(html.into()));
            }
            Event::End(TagEnd::TableCell) => {
                self.words_of(" ");
                let html = self.table.end();
                self.events.push(Event::Html(html.into()));
            }
            Event::End(end @ (TagEnd::TableHead | TagEnd::TableRow)) => {
                self.table.in_body = true;
                self.table.at = 0;
                self.events.push(Event::End(end));
            }
            other => {
                let ends = matches!(
                    other,
                    Event::SoftBreak
                        | Event::HardBreak
                        | Event::End(TagEnd::Item | TagEnd::FootnoteDefinition)
                );
                if ends {
                    self.words_of(" ");
                }
                self.events.push(other);
            }
        }
    }

    /// Words for the search.
    fn words_of(&mut self, text: &str) {
        self.text += text;
        if let Some(section) = self.sections.last_mut() {
            match self.heading {
                Some(_) => section.title += text,
                None => section.text += text,
            }
        }
    }

    /// A word in backquotes.
    fn code(&mut self, code: CowStr<'a>) {
        self.words_of(&code);
        let name = bare(&code);
        let linked = self.links.contains(&true) || self.heading.is_some();
        let address = match linked || !is_name(name) {
            true => None,
            false => self.words.named(name, Mention::Word),
        };
        let anchor = self.words.anchor(&code);
        if address.is_none() && anchor.is_none() {
            self.events.push(Event::Code(code));
            return;
        }
        let code = html! { code id=[anchor] { (code.as_ref()) } };
        let html = match address {
            Some(address) => html! { a href=(address) { (code) } },
            None => code,
        };
        self.events
            .push(Event::InlineHtml(html.into_string().into()));
    }

    fn end_heading(&mut self) {
        let Some((start, level)) = self.heading.take() else {
            return;
        };
        let level = deeper(level, self.place.below);
        let Some(section) = self.sections.last_mut() else {
            return;
        };
        let anchor = format!("{}{}", self.place.prefix, anchor(section.title.trim()));
        self.events[start] = Event::Start(heading(level, Some(anchor.clone())));
        self.events.push(Event::End(TagEnd::Heading(level)));
        section.anchor = Some(anchor);
        self.words_of(" ");
    }

    /// What a link leads to; nothing for one that leads nowhere.
    fn address(&mut self, kind: LinkType, target: &str, range: Range<usize>) -> Option<String> {
        use LinkType::{CollapsedUnknown, Email, ReferenceUnknown, ShortcutUnknown};
        let known = matches!(kind, CollapsedUnknown | ReferenceUnknown | ShortcutUnknown);
        if known || target.starts_with('#') {
            return Some(target.to_owned());
        }
        if kind == Email {
            return Some(format!("mailto:{target}"));
        }
        if ["https://", "http://", "mailto:"]
            .iter()
            .any(|scheme| target.starts_with(scheme))
        {
            return Some(target.to_owned());
        }
        if let Some(address) = self.words.file(target) {
            return Some(address);
        }
        let name = bare(target);
        let address = is_name(name).then(|| self.words.named(name, Mention::Link));
        let address = address.flatten();
        if address.is_none() && !self.words.is_known(name) {
            self.break_link(target, range);
        }
        address
    }

    fn break_link(&mut self, target: &str, range: Range<usize>) {
        self.broken.push(Broken {
            name: target.to_owned(),
            range,
        });
    }

    fn program_html(&self, tag: &str, text: &str) -> String {
        let mut words = tag.split(',');
        let language = words.next();
        let file = words.clone().find_map(|word| word.strip_prefix("file="));
        if language != Some("dl") {
            let class = (language == Some(OUTPUT)).then_some(OUTPUT);
            return html! {
                @if let Some(file) = file { p.file { (file) } }
                pre class=[class] { code { (text) } }
            }
            .into_string();
        }
        let pieces = self.words.program(text);
        let is_wrong = words.clone().any(|word| word == "wrong");
        let code = words.find_map(|word| word.strip_prefix("error="));
        let html = match code {
            Some(code) => html! {
                div.wrong {
                    @match self.words.named(code, Mention::Link) {
                        Some(address) => a href=(address) { "error " (code) },
                        None => span { "error " (code) },
                    }
                    (parts::block(&pieces))
                }
            },
            None if is_wrong => html! { div.wrong { span { "wrong" } (parts::block(&pieces)) } },
            None => html! {
                @if let Some(file) = file { p.file { (file) } }
                (parts::block(&pieces))
            },
        };
        html.into_string()
    }

    fn finish(self) -> Rendered {
        let mut summary = String::new();
        if let Some(first) = self.summary.filter(|all| all.start <= all.end) {
            push_html(&mut summary, self.events[first].iter().cloned());
        }
        let mut html = String::new();
        push_html(&mut html, self.events.into_iter());
        let mut sections = self.sections;
        sections.retain(|one| one.anchor.is_some() || !one.text.trim().is_empty());
        for section in &mut sections {
            section.title = spaced(&section.title);
            section.text = spaced(&section.text);
        }
        Rendered {
            docs: Docs {
                html,
                summary,
                text: spaced(&self.text),
            },
            sections,
            broken: self.broken,
        }
    }
}

/// What is shown of a block: of a program in DL, not the lines that begin with `# `.
fn shown(tag: &str, text: String) -> String {
    if tag.split(',').next() != Some("dl") {
        return text;
    }
    let lines = text.split_inclusive('\n');
    let lines = lines.filter(|line| !line.starts_with("# ") && line.trim_end() != "#");
    lines.collect()
}

/// A text with one blank where there were several, or ends of lines.
fn spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn heading<'a>(level: HeadingLevel, id: Option<String>) -> Tag<'a> {
    Tag::Heading {
        level,
        id: id.map(CowStr::from),
        classes: Vec::new(),
        attrs: Vec::new(),
    }
}

fn deeper(level: HeadingLevel, by: u8) -> HeadingLevel {
    let number = (level as usize + usize::from(by)).min(6);
    HeadingLevel::try_from(number).unwrap_or(level)
}

/// The anchor of a heading: its words in small letters, with `-` between them.
pub fn anchor(title: &str) -> String {
    let mut anchor = String::new();
    for c in title.to_lowercase().chars() {
        match c {
            c if c.is_alphanumeric() || c == '_' || c == '-' => anchor.push(c),
            c if c.is_whitespace() => anchor.push('-'),
            _ => {}
        }
    }
    anchor
}
