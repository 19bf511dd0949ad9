//! What can be folded: brackets over several lines, comments, and runs of `import` and `use`.

use dlc_frontend::ast::ItemKind;
use dlc_frontend::lexer::lex;
use dlc_frontend::token::Tok;
use lsp_types::{FoldingRange, FoldingRangeKind};

use crate::world::Analysis;

/// All ranges.
pub fn ranges(analysis: &Analysis) -> Vec<FoldingRange> {
    let source = analysis.source();
    let line = |offset: u32| source.line_col(offset).line as u32 - 1;
    let mut ranges = Vec::new();
    let mut open = Vec::new();
    for token in lex(source).0 {
        match token.tok {
            Tok::LParen | Tok::LBracket | Tok::LBrace => open.push(line(token.span.start)),
            Tok::RParen | Tok::RBracket | Tok::RBrace => {
                let end = line(token.span.start);
                if let Some(start) = open.pop()
                    && start + 1 < end
                {
                    // The line with the closing bracket stays.
                    ranges.push(fold(start, end - 1, None));
                }
            }
            _ => {}
        }
    }
    runs(
        source.line_count(),
        &mut ranges,
        FoldingRangeKind::Comment,
        |line| {
            source
                .line_text(line as usize + 1)
                .trim_start()
                .starts_with("//")
        },
    );
    let brought_in = |item: &&dlc_frontend::ast::Item| {
        matches!(item.kind, ItemKind::Import(_) | ItemKind::Use(_))
    };
    let items = analysis.tree().items.iter().filter(brought_in);
    let lines: std::collections::BTreeSet<u32> = items
        .flat_map(|item| line(item.span.start)..=line(item.span.end))
        .collect();
    runs(
        source.line_count(),
        &mut ranges,
        FoldingRangeKind::Imports,
        |line| lines.contains(&line),
    );
    ranges
}

/// Runs of at least two lines that are of a kind.
fn runs(
    lines: usize,
    ranges: &mut Vec<FoldingRange>,
    kind: FoldingRangeKind,
    is_one: impl Fn(u32) -> bool,
) {
    let mut start = None;
    for line in 0..=lines as u32 {
        match (start, (line as usize) < lines && is_one(line)) {
            (None, true) => start = Some(line),
            (Some(first), false) => {
                if first + 1 < line {
                    ranges.push(fold(first, line - 1, Some(kind.clone())));
                }
                start = None;
            }
            _ => {}
        }
    }
}

fn fold(start: u32, end: u32, kind: Option<FoldingRangeKind>) -> FoldingRange {
    FoldingRange {
        start_line: start,
        end_line: end,
        kind,
        ..FoldingRange::default()
    }
}
