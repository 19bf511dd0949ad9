//! What a compilation depends on, as a hash.

use crate::{
    compile::{COMPILER, Emit, Options, Session, Source},
    destination::Destination,
    files::Disk,
    source,
};
use dlc_frontend::modules::{self, LoadError, Loader};
use dlc_lowering::target;
use std::{cell::RefCell, fmt, sync::OnceLock};

/// The hash of what something is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key(blake3::Hash);

impl Key {
    pub(super) fn bytes(&self) -> &[u8; blake3::OUT_LEN] {
        self.0.as_bytes()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.to_hex().fmt(f)
    }
}

/// A key in the making.
#[derive(Default)]
pub struct Keyed(blake3::Hasher);

impl Keyed {
    /// Depends on this, too.
    pub fn part(mut self, bytes: &[u8]) -> Self {
        // With its length, so that no two lists of parts are one text.
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    /// The key.
    pub fn key(self) -> Key {
        Key(self.0.finalize())
    }
}

/// The key of all that a session makes of a source; nothing if it is to be made anew, because something of the work is to be
/// seen, or because a file can't be read.
pub(crate) fn key(
    session: &Session,
    destination: &Destination,
    source: &Source,
    kinds: &[Emit],
) -> Option<Key> {
    let Options {
        target,
        target_cpu,
        target_features,
        opt_level,
        error_format,
        color,
        lints,
        print_ir_after,
        print_ir_after_change,
        dump_ir,
        time_passes,
        stats,
        keep_ir,
        goal,
        check_bounds,
        max_memory,
        threads,
        trace,
        debug_info,
        gpu,
        knobs,
        remarks,
        sizes,
        jobs: _,
        cache: _,
        pass_limit,
        fault,
    } = session.options();
    let observed = !print_ir_after.is_empty()
        || *print_ir_after_change
        || dump_ir.is_some()
        || time_passes.is_some()
        || *stats
        || keep_ir.is_some();
    let odd = pass_limit.is_some() || fault.is_some();
    let seen = [Emit::Memory, Emit::Report, Emit::Remarks];
    if observed || odd || kinds.iter().any(|kind| seen.contains(kind)) {
        return None;
    }
    let code = (
        (target, target_cpu, target_features),
        opt_level,
        check_bounds,
        max_memory,
        threads,
        trace,
        debug_info,
        gpu,
        knobs,
    );
    let shown = (error_format, color, lints, remarks, sizes);
    let mut keyed = Keyed(compiler()?.clone())
        .part(format!("{destination:?} {code:?} {shown:?} {goal:?} {kinds:?}").as_bytes())
        .part(format!("{:?}", session.skipped()).as_bytes());
    for part in [source.name, source.stem, source.text] {
        keyed = keyed.part(part.as_bytes());
    }
    for (name, same, text) in imports(source)? {
        keyed = keyed
            .part(name.as_bytes())
            .part(&same.to_le_bytes())
            .part(text.as_bytes());
    }
    Some(keyed.key())
}

/// The key of an object that is made of a part of a module.
pub fn part_key(made_from: &[&[u8]]) -> Option<Key> {
    let mut keyed = Keyed(compiler()?.clone()).part(b"part");
    for bytes in made_from {
        keyed = keyed.part(bytes);
    }
    Some(keyed.key())
}

/// What the compiler is: its version, LLVM's, and the program itself, so that another build has other entries.
fn compiler() -> Option<&'static blake3::Hasher> {
    static COMPILER_HASH: OnceLock<Option<blake3::Hasher>> = OnceLock::new();
    let hash = || {
        let program = std::fs::File::open(std::env::current_exe().ok()?).ok()?;
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(program).ok()?;
        let keyed = Keyed(hasher).part(COMPILER.as_bytes());
        Some(keyed.part(target::llvm_version().as_bytes()).0)
    };
    COMPILER_HASH.get_or_init(hash).as_ref()
}

/// The files that a source imports, in the order in which they are read: their names, which of them are one file, and texts.
fn imports(source: &Source) -> Option<Vec<(String, u64, String)>> {
    let recorder = Recorder {
        identities: RefCell::new(vec![Disk.identity(source.name)]),
        read: RefCell::default(),
        failed: RefCell::default(),
    };
    if !source::is_module(source) {
        modules::read_all(source::text(source), &recorder);
    }
    (!recorder.failed.take()).then(|| recorder.read.take())
}

/// Files on disk, each of which is noted when it is read.
struct Recorder {
    identities: RefCell<Vec<String>>,
    read: RefCell<Vec<(String, u64, String)>>,
    failed: RefCell<bool>,
}

impl Loader for Recorder {
    fn identity(&self, name: &str) -> String {
        Disk.identity(name)
    }

    fn read(&self, name: &str) -> Result<String, LoadError> {
        let text = Disk
            .read(name)
            .inspect_err(|_| *self.failed.borrow_mut() = true)?;
        let identity = Disk.identity(name);
        let mut identities = self.identities.borrow_mut();
        let known = identities.iter().position(|known| *known == identity);
        let same = known.unwrap_or(identities.len()) as u64;
        identities.push(identity);
        self.read
            .borrow_mut()
            .push((name.to_owned(), same, text.clone()));
        Ok(text)
    }
}
