//! What `pkg-config` reads of a built library, `--emit=pkg-config`: `STEM.pc` in the folder of the outputs, which
//! `PKG_CONFIG_PATH` then names.

use dlc_abi::Manifest;

use crate::layout::visible;

/// The text, or why a version is none. It may be moved together with header and library.
pub fn text(manifest: &Manifest, version: &str) -> Result<String, String> {
    if version.is_empty() || !version.chars().all(|c| c.is_ascii_graphic()) {
        return Err(format!("`{version}` is no version for pkg-config"));
    }
    let stem = &manifest.stem;
    Ok(format!(
        "# {stem}.pc, made by {compiler}; do not edit. Header and library stand beside it.\n\
         prefix=${{pcfiledir}}\n\
         \n\
         Name: {stem}\n\
         Description: {stem}, compiled by {compiler} for {target}\n\
         Version: {version}\n\
         Cflags: -I${{prefix}}\n\
         Libs: -L${{prefix}} -l{stem}\n",
        compiler = visible(&manifest.compiler),
        target = visible(&manifest.target),
    ))
}
