//! What a compilation made, as an entry of a cache: a line of JSON, then the artefacts one behind the other.

use crate::{compile::Compiled, emit::Emit};
use dlc_abi::Manifest;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The bytes of an entry.
pub fn write(compiled: &Compiled) -> Vec<u8> {
    let artefacts = compiled.artefacts.iter();
    let lengths = artefacts.map(|(kind, bytes)| json!([kind.name(), bytes.len()]));
    let line = json!({
        "diagnostics": compiled.diagnostics,
        "manifest": compiled.manifest.to_json(),
        "files": compiled.files,
        "artefacts": lengths.collect::<Vec<_>>(),
    });
    let mut bytes = format!("{line}\n").into_bytes();
    compiled
        .artefacts
        .values()
        .for_each(|artefact| bytes.extend(artefact));
    bytes
}

/// What was made, from the bytes of an entry.
pub fn read(bytes: &[u8]) -> Option<Compiled> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let line: Value = serde_json::from_slice(&bytes[..end]).ok()?;
    let mut rest = &bytes[end + 1..];
    let mut artefacts = BTreeMap::new();
    for artefact in line["artefacts"].as_array()? {
        let kind = Emit::named(artefact[0].as_str()?)?;
        let (bytes, behind) = rest.split_at_checked(artefact[1].as_u64()? as usize)?;
        artefacts.insert(kind, bytes.to_vec());
        rest = behind;
    }
    let files = line["files"].as_array()?.iter();
    Some(Compiled {
        diagnostics: line["diagnostics"].as_str()?.to_owned(),
        artefacts,
        manifest: Manifest::from_json(line["manifest"].as_str()?).ok()?,
        files: files
            .map(|file| Some(file.as_str()?.to_owned()))
            .collect::<Option<_>>()?,
        workspaces: vec![],
        from_cache: true,
        missing: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_as_written() {
        let artefacts = [(Emit::Header, b"a\nb".to_vec()), (Emit::Obj, vec![0, 255])];
        let compiled = Compiled {
            diagnostics: "warning: \"x\"\n  |\n".into(),
            artefacts: artefacts.into(),
            manifest: crate::layout::tests::sample(),
            files: vec!["a.dl".into(), "b \n.dl".into()],
            workspaces: vec![],
            from_cache: false,
            missing: None,
        };
        let bytes = write(&compiled);
        let found = read(&bytes).unwrap();
        assert_eq!(found.diagnostics, compiled.diagnostics);
        assert_eq!(found.artefacts, compiled.artefacts);
        assert_eq!(found.manifest, compiled.manifest);
        assert_eq!(found.files, compiled.files);
        assert!(found.from_cache);
        assert!(read(&bytes[..bytes.len() - 1]).is_none());
        assert!(read(b"{}\n").is_none());
    }
}
