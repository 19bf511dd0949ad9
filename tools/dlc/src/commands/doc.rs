//! `dlc doc`: a site about the items of programs or of the standard library.

use std::path::Path;

use dlc_driver::compile::{Options, Session};
use dlc_driver::doc::{Examples, Guide, Request, document};
use dlc_driver::testing::std_modules;

use crate::cli::{Common, Doc};
use crate::report::{Error, to_stderr, to_stdout};
use crate::source::{SourceFile, find, find_dl};

/// What a guide is made of.
const TEXTS: &[&str] = &["md"];
const ATTACHMENTS: &[&str] = &["svg", "png", "jpg", "webp", "json"];

/// Runs the command.
pub fn run(doc: &Doc, common: &Common) -> Result<(), Error> {
    let mut paths = Vec::new();
    for path in doc.files() {
        find_dl(path, &mut paths)?;
    }
    let files = paths.iter().map(|path| SourceFile::read(path));
    let files = files.collect::<Result<Vec<_>, _>>()?;
    let sources: Vec<_> = files.iter().map(SourceFile::source).collect();
    let std = modules(doc)?;
    let output = common.output();
    let session = Session::new(Options {
        error_format: output.format,
        color: output.color,
        lints: doc.lints.levels()?,
        ..Options::default()
    });
    let request = Request {
        title: &title(doc, &files),
        files: &sources,
        std: &std,
        guide: doc.guide.as_deref().map(guide).transpose()?,
        examples: match doc.test {
            true => Examples::Check,
            false => Examples::Show,
        },
    };
    let what = doc.what.join(" ");
    let done =
        document(&session, &request).map_err(|failure| Error::of_compilation(failure, &what))?;
    to_stderr(&done.warnings);
    if doc.test {
        let all = match done.examples {
            1 => "1 example is as it should be\n".to_owned(),
            count => format!("{count} examples are as they should be\n"),
        };
        return to_stdout(all.as_bytes());
    }
    let cannot =
        |path: &Path, error| Error::io(format!("cannot write {}: {error}", path.display()));
    std::fs::create_dir_all(&doc.output).map_err(|error| cannot(&doc.output, error))?;
    for file in &done.files {
        let path = doc.output.join(&file.name);
        std::fs::write(&path, &file.bytes).map_err(|error| cannot(&path, error))?;
    }
    to_stdout(format!("{}\n", doc.output.join("index.html").display()).as_bytes())
}

/// The modules of the standard library that are asked for.
fn modules(doc: &Doc) -> Result<Vec<&str>, Error> {
    let all: Vec<&str> = std_modules().collect();
    let asked = doc.modules();
    if let Some(unknown) = asked
        .iter()
        .find(|name| !name.is_empty() && !all.contains(name))
    {
        let message = format!("the standard library has no module `{unknown}`");
        let help = format!("its modules are {}", all.join(", "));
        return Err(Error::usage(message).help(Some(help)));
    }
    Ok(match asked.contains(&"") {
        true => all,
        false => asked,
    })
}

fn title(doc: &Doc, files: &[SourceFile]) -> String {
    if let Some(title) = &doc.title {
        return title.clone();
    }
    match (files, doc.what.as_slice()) {
        ([one], [_]) => one.stem().to_owned(),
        (_, [one]) if doc.files().is_empty() => match one.as_str() {
            "std" => "The standard library of DL".to_owned(),
            module => module.to_owned(),
        },
        (_, [folder]) => {
            let path = Path::new(folder).canonicalize();
            let name = path
                .ok()
                .and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
            name.unwrap_or_else(|| folder.clone())
        }
        _ => "Programs in DL".to_owned(),
    }
}

/// The chapters of a folder, and what they show or link to.
fn guide(folder: &Path) -> Result<Guide, Error> {
    let mut guide = Guide {
        folder: folder.display().to_string(),
        ..Guide::default()
    };
    let named = |path: &Path| {
        let inside = path.strip_prefix(folder).unwrap_or(path);
        inside.to_string_lossy().replace('\\', "/")
    };
    for path in find(folder, TEXTS)? {
        let cannot = |error| Error::io(format!("cannot read {}: {error}", path.display()));
        let text = std::fs::read_to_string(&path).map_err(cannot)?;
        guide.texts.insert(named(&path), text);
    }
    for path in find(folder, ATTACHMENTS)? {
        let cannot = |error| Error::io(format!("cannot read {}: {error}", path.display()));
        let bytes = std::fs::read(&path).map_err(cannot)?;
        guide.attachments.insert(named(&path), bytes);
    }
    Ok(guide)
}
