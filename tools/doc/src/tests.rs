//! Markdown with names in it, and the policy of pages.

use crate::markdown::{Mention, Place, Words, anchor, fences, is_name, render};
use crate::model::{Chapter, Class, Code, Library, Piece};
use crate::site;

/// Knows `linear`, `std::nn` and the file `tour.md`.
struct Few;

impl Words for Few {
    fn named(&self, name: &str, how: Mention) -> Option<String> {
        match (name, how) {
            ("linear", _) | ("x", Mention::Link) => Some(format!("nn.html#{name}")),
            ("DL0203", _) => Some("codes.html".into()),
            _ => None,
        }
    }

    fn is_known(&self, name: &str) -> bool {
        name == "std::nn"
    }

    fn program(&self, text: &str) -> Code {
        vec![Piece {
            text: text.into(),
            class: Class::Keyword,
            link: None,
        }]
    }

    fn file(&self, path: &str) -> Option<String> {
        (path == "tour.md").then(|| "guide-tour.html".into())
    }

    fn anchor(&self, code: &str) -> Option<String> {
        (code == "exp(x)").then(|| "builtin-exp".into())
    }
}

fn html(text: &str) -> (String, Vec<String>) {
    let place = Place {
        below: 1,
        prefix: "f-",
    };
    let rendered = render(text, &Few, place);
    let broken = rendered.broken.iter().map(|one| {
        assert!(text[one.range.clone()].contains(&one.name), "{one:?}");
        one.name.clone()
    });
    (rendered.docs.html, broken.collect())
}

#[test]
fn names_are_links_where_they_name_something() {
    let link = "<a href=\"nn.html#linear\">";
    for text in ["[`linear`]", "[linear]", "[`linear()`]"] {
        let (html, broken) = html(text);
        assert!(html.contains(link), "{text}: {html}");
        assert!(broken.is_empty());
    }
    assert!(
        html("`linear` of `x`")
            .0
            .contains(&format!("{link}<code>linear</code></a>"))
    );
    assert!(!html("`linear` of `x`").0.contains("#x"));
    assert!(
        html("[the layer](linear)")
            .0
            .contains(&format!("{link}the layer</a>"))
    );
    assert!(html("[a tour](tour.md)").0.contains("guide-tour.html"));
    assert!(html("<https://a.b/c>").0.contains("href=\"https://a.b/c\""));
    assert!(html("gives `exp(x)`").0.contains("id=\"builtin-exp\""));
}

#[test]
fn what_names_nothing_is_told() {
    assert_eq!(
        html("see [`nothing`] and [a](gone.md)").1,
        ["nothing", "gone.md"]
    );
    assert_eq!(html("[nn::gone]").1, ["nn::gone"]);
    // Shapes, words in brackets, and what is known but has no page.
    let (text, broken) = html("[N, C] and [B] and [`std::nn`] and [x](std::nn)");
    assert!(broken.is_empty(), "{broken:?}");
    assert!(text.contains("[N, C] and [B]"), "{text}");
    assert_eq!(html("![a plot](plot.png)").1, ["plot.png"]);
    assert!(!html("![a plot](https://a.b/c.png)").0.contains("<img"));
}

#[test]
fn html_is_text() {
    let text = html("f<T>(x) <script>alert(1)</script>\n\n<script>x</script>\n").0;
    assert!(
        !text.contains("<script") && text.contains("f&lt;T&gt;"),
        "{text}"
    );
}

#[test]
fn programs_are_found_and_shown_without_hidden_lines() {
    let text = "a\n\n```dl,error=DL0203\n# use x\nlet y\n#\n```\n\n```sh\nls\n```\n";
    let found = fences(text);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].tag, "dl,error=DL0203");
    assert_eq!(found[0].text, "use x\nlet y\n\n");
    assert_eq!(&text[found[0].range.clone()], "# use x\nlet y\n#\n");
    let shown = html(text).0;
    assert!(
        shown.contains("<span class=\"k\">let y\n</span>"),
        "{shown}"
    );
    assert!(
        shown.contains("<a href=\"codes.html\">error DL0203</a>"),
        "{shown}"
    );
    assert!(
        html("```output\n1\n```")
            .0
            .contains("<pre class=\"output\">"),
        "what is printed looks another way than what is typed"
    );
    let place = Place {
        below: 1,
        prefix: "",
    };
    assert!(!render(text, &Few, place).docs.text.contains("use x"));
}

#[test]
fn columns_of_numbers_have_a_class_and_no_style() {
    let text = html("| a | b |\n|---|--:|\n| x | 1 |\n| y | 2 |\n").0;
    assert!(
        text.contains("<th>a</th><th class=\"number\">b</th>"),
        "{text}"
    );
    assert!(
        text.contains("<td>y</td><td class=\"number\">2</td>"),
        "{text}"
    );
    assert!(!text.contains("style"), "{text}");
}

#[test]
fn summaries_and_headings() {
    let place = Place {
        below: 1,
        prefix: "f-",
    };
    let rendered = render("One `a`\nmore.\n\n# A *b*\n\ntwo", &Few, place);
    assert_eq!(rendered.docs.summary, "One <code>a</code>\nmore.");
    assert!(
        rendered
            .docs
            .html
            .contains("<h2 id=\"f-a-b\">A <em>b</em></h2>")
    );
    assert_eq!(rendered.docs.text, "One a more. A b two");
    let sections: Vec<_> = rendered
        .sections
        .iter()
        .map(|one| (&*one.title, &*one.text))
        .collect();
    assert_eq!(sections, [("", "One a more."), ("A b", "two")]);
    assert_eq!(anchor("Rules of one's own"), "rules-of-ones-own");
    assert!(is_name("a::b_1") && is_name("A.w") && !is_name("a::") && !is_name("N, C"));
}

#[test]
fn the_first_page_has_the_opening_chapter_and_short_groups() {
    let chapter = |title: &str, part: Option<&str>, depth: usize| Chapter {
        title: title.into(),
        depth,
        part: part.map(Into::into),
        slug: format!("guide-{title}"),
        html: format!("<h1>{title}</h1>"),
        sections: Vec::new(),
    };
    let mut chapters = vec![
        chapter("opening", None, 0),
        chapter("errors", Some("Part"), 0),
    ];
    chapters.extend((0..20).map(|n| chapter(&format!("e{n}"), None, 1)));
    chapters.push(chapter("sums", None, 0));
    chapters.push(chapter("deep", None, 1));
    let library = Library {
        title: "Title".into(),
        version: "1".into(),
        chapters,
        attachments: Vec::new(),
        builtins: Vec::new(),
        modules: Vec::new(),
    };
    let files = site::pages(&library);
    let text = |name: &str| {
        let file = files.iter().find(|file| file.name == name).expect(name);
        String::from_utf8_lossy(&file.bytes).into_owned()
    };
    let first = text("index.html");
    assert!(first.contains("<h1>opening</h1>") && !first.contains("<h1>Title</h1>"));
    assert!(
        first.contains(">deep</a>") && !first.contains(">e7</a>"),
        "{first}"
    );
    assert!(text("guide-e3.html").contains(">e7</a>"));
}

#[test]
fn no_page_asks_for_anything_outside() {
    let library = Library {
        title: "T </script><b>".into(),
        version: "1".into(),
        chapters: Vec::new(),
        attachments: Vec::new(),
        builtins: Vec::new(),
        modules: Vec::new(),
    };
    let files = site::pages(&library);
    for file in &files {
        let text = String::from_utf8_lossy(&file.bytes);
        assert!(
            !text.contains("http:") && !text.contains("https:"),
            "{}",
            file.name
        );
        if file.name.ends_with(".html") {
            assert!(text.contains("default-src 'none'"));
            assert!(!text.contains("</script><b>"));
        }
    }
    assert!(files.len() >= 4);
}
