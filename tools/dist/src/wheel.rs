//! A wheel, by which `pip install` puts `dlc` into an environment of Python.

use anyhow::Result;
use dlc_wheel::{Contents, File};

use crate::Release;
use crate::contents::{CMAKE, LICENSE};

/// The wheel's name and bytes.
pub fn make(release: &Release) -> Result<(String, Vec<u8>)> {
    let copyright = release.contents.files.iter();
    let copyright = copyright.filter(|file| file.path.ends_with("/copyright"));
    let copyright = copyright.flat_map(|file| file.bytes.clone()).collect();
    let (platforms, metadata) = ([platform(release)], metadata(release));
    let mut contents = Contents {
        name: "dlc",
        version: release.version,
        platforms: &platforms,
        generator: "dlc-dist",
        metadata: &metadata,
        files: vec![],
    };
    let info = contents.info();
    contents.files = vec![
        File {
            path: format!("dlc-{}.data/scripts/dlc", release.version),
            mode: 0o755,
            bytes: release.contents.dlc().to_vec(),
        },
        File {
            path: format!("{info}/licenses/LICENSE"),
            mode: 0o644,
            bytes: LICENSE.into(),
        },
        File {
            path: format!("{info}/licenses/copyright"),
            mode: 0o644,
            bytes: copyright,
        },
    ];
    // Of an environment whose programs are in PATH, find_package finds these.
    contents.files.extend(CMAKE.map(|(place, text)| File {
        path: format!("dlc-{}.data/data/{place}", release.version),
        mode: 0o644,
        bytes: text.into(),
    }));
    let wheel = contents.pack()?;
    Ok((wheel.name, wheel.bytes))
}

/// Systems with this glibc or a newer one.
fn platform(release: &Release) -> String {
    let binary = &release.binary;
    let glibc = binary.glibc;
    format!(
        "manylinux_{}_{}_{}",
        glibc.major, glibc.minor, binary.processor
    )
}

fn metadata(release: &Release) -> String {
    format!(
        "Metadata-Version: 2.4\n\
         Name: dlc\n\
         Version: {}\n\
         Summary: Compiler for deep learning models written in DL\n\
         License-Expression: Apache-2.0 WITH LLVM-exception\n\
         License-File: LICENSE\n\
         License-File: copyright\n\
         Requires-Python: >=3.8\n\
         \n\
         `dlc` compiles models written in DL to native libraries. LLVM and a linker are inside; a C compiler\n\
         is not needed.\n",
        release.version
    )
}
