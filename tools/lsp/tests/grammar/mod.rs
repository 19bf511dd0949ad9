//! The TextMate grammar (`tools/vscode/syntaxes`): it names the words of the language, and it takes the words of all
//! programs of the repository for what the lexer takes them for.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use dlc_frontend::ast::DType;
use dlc_frontend::lexer::lex;
use dlc_frontend::source::Source;
use dlc_frontend::token::Tok;
use fancy_regex::{Captures, Regex};
use serde_json::Value;

const GRAMMAR: &str = include_str!("../../../vscode/syntaxes/dl.tmLanguage.json");

/// What begins with a match, its name, the names of its groups, and what goes on until an end.
struct Rule {
    start: Regex,
    name: Option<String>,
    groups: Vec<(usize, String)>,
    inside: Option<(Regex, Vec<Rule>)>,
}

fn regex(text: &Value) -> Regex {
    let text = text.as_str().expect("a pattern");
    Regex::new(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn name(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn rules(grammar: &Value, patterns: &Value) -> Vec<Rule> {
    let patterns = patterns.as_array().expect("patterns").iter();
    let rules = patterns.flat_map(|pattern| {
        if let Some(included) = pattern["include"].as_str() {
            return rules(grammar, &grammar["repository"][&included[1..]]["patterns"]);
        }
        let groups = pattern["captures"].as_object().into_iter().flatten();
        let groups = groups.map(|(group, one)| {
            (
                group.parse().expect("a number"),
                name(&one["name"]).expect("a name"),
            )
        });
        let is_match = pattern["match"].is_string();
        vec![Rule {
            start: regex(&pattern[if is_match { "match" } else { "begin" }]),
            name: name(&pattern["name"]),
            groups: groups.collect(),
            inside: (!is_match)
                .then(|| (regex(&pattern["end"]), rules(grammar, &pattern["patterns"]))),
        }]
    });
    rules.collect()
}

/// The innermost name of each byte of a line.
fn named(rules: &[Rule], line: &str) -> Vec<String> {
    let mut names = vec![String::new(); line.len()];
    // An end of line in a pattern is the end of its text.
    let line = line.trim_end_matches(['\r', '\n']);
    scan(rules, line, 0, None, &mut names);
    names
}

/// Goes through a line from a byte on until an end is found; gives the byte behind it.
fn scan(
    rules: &[Rule],
    line: &str,
    from: usize,
    end: Option<&Regex>,
    names: &mut [String],
) -> usize {
    let find = |regex: &Regex, at: usize| {
        let found = regex
            .captures_from_pos(line, at)
            .expect("it matches or not");
        let groups = |found: Captures| {
            (0..found.len())
                .map(|i| found.get(i).map(|one| one.range()))
                .collect()
        };
        found.map_or(Vec::new(), groups)
    };
    let mut at = from;
    // What each rule finds next is looked for again when the place has been passed.
    let mut next: Vec<Vec<Option<Range<usize>>>> =
        rules.iter().map(|rule| find(&rule.start, at)).collect();
    loop {
        for (rule, next) in rules.iter().zip(&mut next) {
            if next
                .first()
                .is_some_and(|all| all.as_ref().is_some_and(|all| all.start < at))
            {
                *next = find(&rule.start, at);
            }
        }
        let start = |rule: usize| Some((next[rule].first()?.as_ref()?.start, rule));
        let earliest = (0..rules.len()).filter_map(start).min();
        let closed = end.and_then(|end| find(end, at).first().cloned().flatten());
        if let Some(closed) = closed
            && earliest.is_none_or(|(start, _)| closed.start <= start)
        {
            return closed.end;
        }
        let Some((_, rule)) = earliest else {
            return line.len();
        };
        let (groups, rule) = (next[rule].clone(), &rules[rule]);
        let all = groups[0].clone().expect("all of it");
        assert!(!all.is_empty(), "a match is not empty: {line}");
        at = all.end;
        fill(names, all.clone(), rule.name.as_deref());
        if let Some((end, inside)) = &rule.inside {
            at = inner(
                inside,
                line,
                at,
                end,
                (names, all.start, rule.name.as_deref()),
            );
        }
        for (group, name) in &rule.groups {
            let group = groups[*group].clone().expect("the group is there");
            fill(names, group, Some(name));
        }
    }
}

/// What stands between the begin and the end of a rule, which have its name, as has all that has none of its own.
fn inner(
    rules: &[Rule],
    line: &str,
    at: usize,
    end: &Regex,
    (names, start, name): (&mut [String], usize, Option<&str>),
) -> usize {
    let after = scan(rules, line, at, Some(end), names);
    for one in names[start..after].iter_mut().filter(|one| one.is_empty()) {
        name.unwrap_or_default().clone_into(one);
    }
    after
}

fn fill(names: &mut [String], range: Range<usize>, name: Option<&str>) {
    names[range].fill(name.unwrap_or_default().to_owned());
}

fn grammar() -> Value {
    serde_json::from_str(GRAMMAR).expect("it is JSON")
}

/// The words between `(?:` and `)` in the patterns of a part of the grammar.
fn words(part: &str) -> BTreeSet<String> {
    let grammar = grammar();
    let patterns = grammar["repository"][part]["patterns"]
        .as_array()
        .expect("patterns");
    let lists = patterns.iter().filter_map(|pattern| {
        let text = pattern["match"].as_str()?.strip_prefix("\\b(?:")?;
        Some(text.split_once(')')?.0.to_owned())
    });
    let words: Vec<String> = lists
        .flat_map(|list| list.split('|').map(str::to_owned).collect::<Vec<_>>())
        .collect();
    words.into_iter().collect()
}

#[test]
fn it_has_the_words_of_the_language() {
    let builtins: BTreeSet<String> = dlc_frontend::builtins()
        .into_iter()
        .map(|(name, _)| name.to_owned())
        .collect();
    let wanted: Vec<&str> = builtins.iter().map(String::as_str).collect();
    assert_eq!(words("calls"), builtins, "write {}", wanted.join("|"));
    let dtypes = DType::ALL.iter().map(|dtype| dtype.dl_name().to_owned());
    assert_eq!(words("types"), dtypes.collect());
    // Those that are words in some places only are lexed as names.
    let keywords = words("keywords")
        .into_iter()
        .filter(|word| !["where", "within"].contains(&word.as_str()));
    let text: Vec<String> = keywords.collect();
    let (tokens, _) = lex(&Source::new("", text.join(" ")));
    assert_eq!(tokens.len(), text.len());
    for token in tokens {
        assert!(
            !matches!(token.tok, Tok::Ident(_)),
            "{:?} is no keyword",
            token.tok
        );
    }
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && !path.ends_with("err") {
            files(&path, found);
        } else if path.extension().is_some_and(|end| end == "dl") {
            found.push(path);
        }
    }
}

/// What the name of a token has to begin with; nothing where a word has several uses.
fn expected(tok: &Tok) -> &'static [&'static str] {
    match tok {
        Tok::Newline => &[],
        Tok::Doc(_) | Tok::FileDoc(_) => &["comment.line.documentation"],
        Tok::Number(_) => &["constant.numeric"],
        Tok::Str(_) => &["string", "constant.character"],
        Tok::True | Tok::False | Tok::None => &["constant.language"],
        Tok::Ident(name) if ["where", "within", "test"].contains(&name.as_str()) => &[],
        // It begins a statement or is a name, which a grammar of lines cannot tell.
        Tok::Ident(name) if *name == "var" => &["keyword.other", "entity", "variable"],
        Tok::Ident(_) => &["entity", "variable", "support", "storage"],
        other if other.text().starts_with(|c: char| c.is_ascii_lowercase()) => {
            &["keyword.control", "keyword.other"]
        }
        Tok::At => &["keyword.operator", "storage.modifier"],
        _ => &["keyword.operator", "punctuation"],
    }
}

#[test]
fn it_takes_words_for_what_they_are() {
    let grammar = grammar();
    let rules = rules(&grammar, &grammar["patterns"]);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut paths = Vec::new();
    for folder in ["examples", "frontend/std", "test"] {
        files(&root.join(folder), &mut paths);
    }
    assert!(paths.len() > 80, "{}", paths.len());
    for path in paths {
        let text = std::fs::read_to_string(&path).expect("a program");
        let names: Vec<String> = text
            .split_inclusive('\n')
            .flat_map(|line| named(&rules, line))
            .collect();
        let source = Source::new("", text.as_str());
        let (tokens, _) = lex(&source);
        let mut end = 0;
        for token in tokens {
            let range = token.span.range();
            let place = || {
                format!(
                    "{} at {:?}",
                    path.display(),
                    source.line_col(token.span.start)
                )
            };
            let comment = text[end..range.start].find("//").map(|at| &names[end + at]);
            assert!(
                comment.is_none_or(|name| name.starts_with("comment")),
                "{}: {comment:?}",
                place()
            );
            let expected = expected(&token.tok);
            let fits = |name: &String| expected.iter().any(|one| name.starts_with(one));
            assert!(
                expected.is_empty() || names[range.clone()].iter().all(fits),
                "{}: {:?} is {:?}",
                place(),
                token.tok,
                &names[range.clone()]
            );
            end = range.end;
        }
    }
}
