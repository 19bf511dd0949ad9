//! What holds of the frontend on every text, right or wrong. The fuzz targets and the unit tests share it.

use dlc_frontend::ast::{ItemKind, Span};
use dlc_frontend::ast_print;
use dlc_frontend::diagnostic::Diagnostic;
use dlc_frontend::lexer::lex;
use dlc_frontend::modules::NoFiles;
use dlc_frontend::parser::parse;
use dlc_frontend::render::{Format, render};
use dlc_frontend::source::{Source, SourceMap};

/// Every place that a diagnostic shows lies in the text of its file.
fn places_lie_in(sources: &SourceMap, diagnostics: &[Diagnostic]) {
    let inside = |span: Span| sources.text(span).get(span.range()).is_some();
    for diagnostic in diagnostics {
        let replaced = diagnostic.help.iter().flat_map(|help| &help.replacement);
        let secondary = diagnostic.secondary.iter().map(|label| label.span);
        let places = secondary.chain(replaced.map(|(span, _)| *span));
        for place in places.chain([diagnostic.primary.span]) {
            assert!(inside(place), "{diagnostic:?} in {:?}", sources.root().text);
        }
    }
}

/// Tokens stand in the text, one after the other.
pub fn lexes(text: &str) {
    let source = Source::new("fuzz.dl", text);
    let (tokens, diagnostics) = lex(&source);
    places_lie_in(&source.into(), &diagnostics);
    let mut end = 0;
    for token in &tokens {
        assert!(end <= token.span.start, "{token:?} in {text:?}");
        assert!(
            text.get(token.span.range()).is_some(),
            "{token:?} in {text:?}"
        );
        end = token.span.end;
    }
}

/// What does not parse is reported, what parses is printed as what parses to the same, and all formats render.
pub fn parses(text: &str) {
    let source = Source::new("fuzz.dl", text);
    let (file, diagnostics) = parse(&source);
    let sources = SourceMap::from(source);
    places_lie_in(&sources, &diagnostics);
    for format in [
        Format::Plain,
        Format::Narrated,
        Format::Short,
        Format::Json,
        Format::Sarif,
    ] {
        let printed = render(&sources, &diagnostics, format);
        assert_eq!(printed.is_empty(), diagnostics.is_empty());
    }
    let printed = ast_print::print(&file);
    let bad_item = |kind: &ItemKind| matches!(kind, ItemKind::Bad(_));
    let bad = printed.contains("<error>") || file.items.iter().any(|item| bad_item(&item.kind));
    let wrong = diagnostics.iter().any(Diagnostic::is_error);
    assert!(wrong || !bad, "{text:?}");
    if !wrong {
        let (again, diagnostics) = parse(&Source::new("printed.dl", printed.as_str()));
        assert_eq!(diagnostics, [], "{printed}\nfrom {text:?}");
        assert_eq!(ast_print::print(&again), printed, "from {text:?}");
    }
}

/// There is a program exactly where there is no error, and what is reported renders.
pub fn checks(text: &str) {
    let checked = dlc_frontend::check(Source::new("fuzz.dl", text), &NoFiles);
    places_lie_in(&checked.sources, &checked.diagnostics);
    let wrong = checked.diagnostics.iter().any(Diagnostic::is_error);
    assert_eq!(checked.program.is_none(), wrong, "{text:?}");
    render(&checked.sources, &checked.diagnostics, Format::Plain);
}
