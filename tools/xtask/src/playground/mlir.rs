//! The part of MLIR that programs need before they are lowered, compiled to WebAssembly.
//!
//! The sources are those of the release that the packages are of, and are read from its archive; headers, among them the
//! generated ones, are the packages'. `tools/playground/cxx` has the list of sources, headers that stand for installed ones
//! (`overlay`: configuration; `system`: what the C++ library lacks without threads), and sources of our own (`own`).

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use anyhow::{Context, Result, ensure};

use crate::process::{read, root, run, shown};

/// What has to be installed.
pub const PACKAGES: &str =
    "clang-22, llvm-22, mlir-22-tools, libc++-22-dev-wasm32, wasi-libc, curl and xz-utils";

/// The sources of LLVM, as Debian keeps them, and their SHA-256.
const ARCHIVE: (&str, &str) = (
    "https://deb.debian.org/debian/pool/main/l/llvm-toolchain-22/llvm-toolchain-22_22.1.8.orig.tar.xz",
    "b49b9277aef97616320b2da259e1f8174c65b0ce2fbe2e8629644a97693402fe",
);
/// The folder in it.
const INSIDE: &str = "llvm-toolchain-22_22.1.8";
/// What is taken out.
const PARTS: [&str; 4] = [
    "llvm/lib/Support",
    "llvm/lib/Demangle",
    "mlir/lib",
    "third-party/siphash",
];
/// The packages' headers.
const INCLUDE: &str = "/usr/lib/llvm-22/include";
/// The C++ library for WebAssembly.
const LIBRARIES: [&str; 2] = ["libc++.a", "libc++abi.a"];

/// How everything is compiled.
const FLAGS: [&str; 7] = [
    "--target=wasm32-wasi",
    "-Os",
    "-DNDEBUG",
    "-w",
    "-ffunction-sections",
    "-fdata-sections",
    "-fvisibility=hidden",
];
const CXX: [&str; 3] = ["-std=c++17", "-fno-exceptions", "-fno-rtti"];

fn cxx() -> PathBuf {
    root().join("tools/playground/cxx")
}

/// The archive of all objects, made of what is there and what is missing.
pub fn archive(work: &Path) -> Result<PathBuf> {
    let sources = unpacked(work)?;
    let list = fs::read_to_string(cxx().join("sources.txt"))?;
    let objects = work.join(format!("objects-{:016x}", stamp(&list)?));
    fs::create_dir_all(&objects)?;
    let generated = generated(&sources, &objects)?;
    let build = Build {
        sources,
        objects,
        generated,
    };
    let common = build.objects.join("common.pch");
    if !common.exists() {
        let mut command = build.command("clang++-22");
        command.args(CXX).args(["-x", "c++-header"]);
        let made = build.objects.join("common.tmp");
        command.arg(cxx().join("common.h")).arg("-o").arg(&made);
        run(&mut command)?;
        fs::rename(made, &common)?;
    }
    let own = ["own/path.cpp", "own/system.cpp"].map(|path| cxx().join(path));
    let files = list.lines().map(PathBuf::from).chain(own).collect();
    let made = build.all(files)?;
    let archive = build.objects.join("libmlir.a");
    let _ = fs::remove_file(&archive);
    run(Command::new("llvm-ar-22")
        .arg("rcs")
        .arg(&archive)
        .args(made))?;
    Ok(archive)
}

/// What the objects depend on, but for the sources of the release.
fn stamp(list: &str) -> Result<u64> {
    let mut hasher = DefaultHasher::new();
    (list, FLAGS, CXX).hash(&mut hasher);
    let mut folders = vec![cxx()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            match path.is_dir() {
                true => folders.push(path),
                false => files.push(path),
            }
        }
    }
    files.sort();
    for file in files {
        fs::read(&file)?.hash(&mut hasher);
    }
    Ok(hasher.finish())
}

/// The sources of the release, taken out of its archive.
fn unpacked(work: &Path) -> Result<PathBuf> {
    let sources = work.join("sources");
    if sources.join("complete").exists() {
        return Ok(sources);
    }
    let (address, sum) = ARCHIVE;
    let archive = work.join("llvm.tar.xz");
    fs::create_dir_all(&sources)?;
    if sum_of(&archive).as_deref() != Some(sum) {
        println!("fetching {address}");
        run(Command::new("curl")
            .args(["-fL", "-o"])
            .arg(&archive)
            .arg(address))?;
        let found = sum_of(&archive);
        ensure!(
            found.as_deref() == Some(sum),
            "{address} is not what it was: SHA-256 {}",
            found.unwrap_or_default()
        );
    }
    let mut tar = Command::new("tar");
    tar.arg("-xJf").arg(&archive).arg("-C").arg(&sources);
    tar.arg("--strip-components=1");
    tar.args(PARTS.map(|part| format!("{INSIDE}/{part}")));
    run(&mut tar)?;
    fs::write(sources.join("complete"), "")?;
    Ok(sources)
}

fn sum_of(file: &Path) -> Option<String> {
    let line = read(Command::new("sha256sum").arg(file))?;
    Some(line.split_whitespace().next()?.to_string())
}

/// The one generated header that is no part of the packages.
fn generated(sources: &Path, objects: &Path) -> Result<PathBuf> {
    let folder = objects.join("generated");
    fs::create_dir_all(&folder)?;
    run(Command::new("mlir-tblgen-22")
        .arg("-gen-rewriters")
        .arg(sources.join("mlir/lib/Dialect/Arith/IR/ArithCanonicalization.td"))
        .args(["-I", INCLUDE, "-o"])
        .arg(folder.join("ArithCanonicalization.inc")))?;
    Ok(folder)
}

/// Where things are.
struct Build {
    sources: PathBuf,
    objects: PathBuf,
    generated: PathBuf,
}

impl Build {
    fn command(&self, compiler: &str) -> Command {
        let mut command = Command::new(compiler);
        command.current_dir(&self.sources).args(FLAGS);
        let own = [cxx().join("overlay"), cxx().join("system")];
        let folders = own.into_iter().chain([
            INCLUDE.into(),
            self.generated.clone(),
            self.sources.clone(),
            self.sources.join("mlir/lib/Bytecode"),
            self.sources.join("llvm/lib/Support"),
            self.sources.join("third-party/siphash/include"),
        ]);
        for folder in folders {
            command.arg("-I").arg(folder);
        }
        command
    }

    /// Compiles what has no object yet, on all processors.
    fn all(&self, files: Vec<PathBuf>) -> Result<Vec<PathBuf>> {
        let objects: Vec<_> = files.iter().map(|file| self.object(file)).collect();
        let jobs = files.into_iter().zip(objects.clone());
        let missing: Vec<_> = jobs.filter(|(_, object)| !object.exists()).collect();
        let count = missing.len();
        let rest = Mutex::new(missing);
        let failed = Mutex::new(None);
        let work = || {
            loop {
                let next = rest.lock().ok().and_then(|mut rest| rest.pop());
                let Some((file, object)) = next else { return };
                if failed.lock().is_ok_and(|failed| failed.is_some()) {
                    return;
                }
                if let Err(error) = self.one(&file, &object)
                    && let Ok(mut failed) = failed.lock()
                {
                    *failed = Some(error);
                }
            }
        };
        println!(
            "compiling {count} of {} files of LLVM and MLIR",
            objects.len()
        );
        let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get());
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(work);
            }
        });
        match failed.into_inner().ok().flatten() {
            Some(error) => Err(error),
            None => Ok(objects),
        }
    }

    fn object(&self, file: &Path) -> PathBuf {
        let inside = file.strip_prefix(cxx()).unwrap_or(file);
        let name = inside.to_string_lossy().replace('/', "_");
        self.objects.join(format!("{name}.o"))
    }

    fn one(&self, file: &Path, object: &Path) -> Result<()> {
        let is_c = file.extension().is_some_and(|extension| extension == "c");
        let mut command = self.command(if is_c { "clang-22" } else { "clang++-22" });
        if !is_c {
            command.args(CXX);
        }
        if file.starts_with("mlir") {
            command
                .arg("-include-pch")
                .arg(self.objects.join("common.pch"));
        }
        if let Some(folder) = file.parent().filter(|folder| !folder.is_absolute()) {
            command.arg("-I").arg(folder);
        }
        // An object is there when it is whole.
        let made = object.with_extension("tmp");
        command.arg("-c").arg(file).arg("-o").arg(&made);
        let output = command.output().context("cannot run clang")?;
        ensure!(
            output.status.success(),
            "`{}` failed:\n{}",
            shown(&command),
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(fs::rename(made, object)?)
    }
}

/// A folder that looks to build scripts like an installation of LLVM for WebAssembly: its `llvm-config`, and a compiler of C++.
pub fn prefix(work: &Path) -> Result<PathBuf> {
    let prefix = work.join("prefix");
    fs::create_dir_all(prefix.join("bin"))?;
    fs::create_dir_all(prefix.join("lib"))?;
    let library = prefix.join("lib").display().to_string();
    script(
        &prefix.join("bin/llvm-config"),
        &format!(
            "for argument; do\n  case $argument in\n    --version) echo 22.1.8 ;;\n    --libdir) echo '{library}' ;;\n    \
             --includedir) echo {INCLUDE} ;;\n    --libnames | --system-libs) echo ;;\n  esac\ndone\n"
        ),
    )?;
    // The packages' name of the target, and the headers that stand for others first.
    let folders = [cxx().join("overlay"), cxx().join("system")];
    let folders = folders.map(|folder| format!("'-I{}'", folder.display()));
    script(
        &prefix.join("bin/clang++"),
        &format!(
            "for argument; do\n  shift\n  case $argument in\n    --target=*) ;;\n    *) set -- \"$@\" \"$argument\" ;;\n  esac\n\
             done\nexec clang++-22 {} {} -I{INCLUDE} \"$@\"\n",
            FLAGS.join(" "),
            folders.join(" ")
        ),
    )?;
    for (from, to) in [
        ("bin/mlir-tblgen", "bin/mlir-tblgen"),
        ("include", "include"),
    ] {
        let link = prefix.join(to);
        let _ = fs::remove_file(&link);
        std::os::unix::fs::symlink(Path::new("/usr/lib/llvm-22").join(from), link)?;
    }
    // Bindings ask for the library of C++ by the name that it has elsewhere.
    let merged = prefix.join("lib/libstdc++.a");
    let _ = fs::remove_file(&merged);
    let parts = LIBRARIES.map(|name| format!("addlib /usr/lib/wasm32-wasi/{name}\n"));
    let commands = format!("create {}\n{}save\nend\n", merged.display(), parts.concat());
    let file = prefix.join("lib/merge.mri");
    fs::write(&file, commands)?;
    run(Command::new("llvm-ar-22")
        .arg("-M")
        .stdin(fs::File::open(&file)?))?;
    Ok(prefix)
}

fn script(path: &Path, body: &str) -> Result<()> {
    fs::write(path, format!("#!/bin/sh\n{body}"))?;
    Ok(fs::set_permissions(
        path,
        fs::Permissions::from_mode(0o755),
    )?)
}
