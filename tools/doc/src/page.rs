//! The pages: what stands around them, and what is in them.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::model::{Chapter, Item, Library, Module, page};
use crate::parts;
use crate::site::{POLICY, SCRIPT, STYLE};

/// What a page is about.
#[derive(Clone, Copy)]
enum About<'a> {
    All,
    Chapter(&'a Chapter),
    Module(&'a Module),
}

/// The first page: the chapter that stands before all parts of the guide, if there is one, and what there is.
pub(crate) fn index(library: &Library) -> String {
    let own: Vec<&Module> = library.modules.iter().filter(|one| !one.is_std).collect();
    let std: Vec<&Module> = library.modules.iter().filter(|one| one.is_std).collect();
    let opening = match library.chapters.as_slice() {
        [first, second, ..] if first.part.is_none() && second.part.is_some() => Some(first),
        _ => None,
    };
    let main = html! {
        @match opening {
            Some(chapter) => article.chapter { (PreEscaped(&chapter.html)) },
            None => h1 { (library.title) },
        }
        @if !library.chapters.is_empty() {
            h2 { "Guide" }
            div.columns { (contents(library, None)) }
        }
        @if !own.is_empty() {
            h2 { "Modules" }
            (modules(&own))
        }
        @if !std.is_empty() {
            h2 { "Standard library" }
            (modules(&std))
        }
    };
    around(library, About::All, &library.title, main)
}

/// A chapter of the guide.
pub(crate) fn chapter(library: &Library, at: usize) -> String {
    let chapter = &library.chapters[at];
    let before = at.checked_sub(1).map(|at| &library.chapters[at]);
    let after = library.chapters.get(at + 1);
    let main = html! {
        article.chapter { (PreEscaped(&chapter.html)) }
        nav.turn aria-label="neighbours" {
            @if let Some(one) = before {
                a rel="prev" href=(page(&one.slug)) { "← " (one.title) }
            }
            @if let Some(one) = after {
                a rel="next" href=(page(&one.slug)) { (one.title) " →" }
            }
        }
    };
    around(library, About::Chapter(chapter), &chapter.title, main)
}

/// A module with its items.
pub(crate) fn module(library: &Library, module: &Module) -> String {
    let main = html! {
        h1 { "Module " code { (module.name) } }
        p.place { a href=(module.source_page()) { (module.file) } }
        div.docs { (PreEscaped(&module.docs.html)) }
        @for one in &module.items { (item(module, one)) }
        @if !module.tests.is_empty() {
            section.item {
                h2 id="tests-" { "Tests" }
                ul {
                    @for test in &module.tests {
                        li { a href={ (module.source_page()) "#L" (test.line) } { (test.name) } }
                    }
                }
            }
        }
    };
    around(library, About::Module(module), &module.name, main)
}

/// The text of a module.
pub(crate) fn source(library: &Library, module: &Module) -> String {
    let main = html! {
        h1 { code { (module.file) } }
        p.place { a href=(module.page()) { "module " (module.name) } }
        (parts::lines(&module.source))
    };
    let title = format!("{}, source", module.name);
    around(library, About::Module(module), &title, main)
}

fn item(module: &Module, item: &Item) -> Markup {
    html! {
        section.item {
            h2 id=(item.name) {
                span class={ "kind " (item.kind.word()) } { (item.kind.word()) }
                " "
                a href={ "#" (item.name) } { (item.name) }
                a.source href={ (module.source_page()) "#L" (item.line) } { "source" }
            }
            (parts::block(&item.signature))
            div.docs { (PreEscaped(&item.docs.html)) }
            @if !item.fields.is_empty() {
                dl.fields {
                    @for field in &item.fields {
                        dt id={ (item.name) "." (field.name) } {
                            code { (field.name) ": " (parts::code(&field.ty)) }
                        }
                        dd { (PreEscaped(&field.docs.html)) }
                    }
                }
            }
            @if !item.used_by.is_empty() {
                p.used {
                    "Used by "
                    @for (index, link) in item.used_by.iter().enumerate() {
                        @if index > 0 { ", " }
                        a href=(link.address) { code { (link.name) } }
                    }
                }
            }
        }
    }
}

/// Modules in a table.
fn modules(modules: &[&Module]) -> Markup {
    html! {
        table.modules {
            @for module in modules {
                tr {
                    td { a href=(module.page()) { code { (module.name) } } }
                    td { (PreEscaped(&module.docs.summary)) }
                }
            }
        }
    }
}

/// How many chapters of a group, the one above them among them, the first page shows.
const FEW: usize = 12;

/// The chapters; that of this page is marked. Beside a page, those that stand below another are shown where this page's is
/// among them or is that other; on the first page, where they are few.
fn contents(library: &Library, about: Option<About>) -> Markup {
    let current = match about {
        Some(About::Chapter(chapter)) => Some(chapter),
        _ => None,
    };
    let is_current = |one: &Chapter| current.is_some_and(|current| current.slug == one.slug);
    html! {
        ul.contents {
            @for group in library.chapters.chunk_by(|_, next| next.depth > 0) {
                @let all = group.iter().any(is_current) || about.is_none() && group.len() <= FEW;
                @for one in group.iter().filter(|one| all || one.depth == 0) {
                    @if let Some(part) = &one.part { li.part { (part) } }
                    li class={ "depth" (one.depth) } {
                        a href=(page(&one.slug)) aria-current=[is_current(one).then_some("page")] { (one.title) }
                    }
                }
            }
        }
    }
}

/// The side of a page: chapters and modules, with the items of this page's.
fn side(library: &Library, about: About) -> Markup {
    html! {
        nav id="dlc-side" aria-label="contents" {
            @if !library.chapters.is_empty() {
                h2 { "Guide" }
                (contents(library, Some(about)))
            }
            @for (is_std, title) in [(false, "Modules"), (true, "Standard library")] {
                @let some = library.modules.iter().filter(|one| one.is_std == is_std);
                @if some.clone().next().is_some() {
                    h2 { (title) }
                    ul {
                        @for module in some {
                            @let here = matches!(about, About::Module(one) if one.slug == module.slug);
                            li {
                                a href=(module.page()) aria-current=[here.then_some("page")] { (module.name) }
                                @if here { (items(module)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn items(module: &Module) -> Markup {
    html! {
        ul.items {
            @for item in &module.items {
                li {
                    a class=(item.kind.word()) href={ (module.page()) "#" (item.name) } { (item.name) }
                }
            }
        }
    }
}

/// A whole page.
fn around(library: &Library, about: About, title: &str, main: Markup) -> String {
    let title = match about {
        About::All => title.to_owned(),
        _ => format!("{title} · {}", library.title),
    };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="generator" content={ "dlc " (library.version) };
                title { (title) }
                link rel="stylesheet" href=(STYLE);
                script src=(SCRIPT) defer {}
            }
            body {
                header {
                    button type="button" id="dlc-menu" aria-controls="dlc-side" aria-expanded="false" aria-label="contents" { "☰" }
                    a.home href="index.html" { (library.title) }
                    input type="search" id="dlc-search" placeholder="Search  ( / )" aria-label="search" autocomplete="off" spellcheck="false";
                    button type="button" id="dlc-theme" aria-label="light or dark" title="light or dark" { "◐" }
                }
                (side(library, about))
                main {
                    section id="dlc-found" hidden aria-live="polite" {}
                    div id="dlc-page" { (main) }
                }
            }
        }
    };
    page.into_string()
}
