//! `cargo xtask dist --check`: the packages in systems that have neither LLVM nor a compiler.
//!
//! It needs root, as it changes the root folder of processes, and Debian's archive for one of the systems.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use crate::process::{command, has, read, root, run, shown};

/// The release of Debian that the package is installed on.
const DEBIAN: &str = "bookworm";

/// The example that is built there.
const EXAMPLE: &str = "examples/digits/digits.dl";

/// A call of the example's export, which ends with a step of training.
const CALLS: [&str; 2] = [
    "dlc run digits.dl::init --input key=key(42) --output out=@state.npz",
    "dlc run digits.dl::train_step --input s=@state.npz --input images=zeros(32,64):u8 \
     --input labels=zeros(32):i32 --input lr=0.001",
];

/// Checks the packages of a folder.
pub fn run_all(packages: &Path) -> Result<()> {
    let user = read(command("id").arg("-u"));
    ensure!(
        user.as_deref() == Some("0"),
        "`cargo xtask dist --check` needs root, to install packages into folders that stand for other systems"
    );
    bare(packages)?;
    wheel(packages)?;
    debian(packages)
}

/// The only file of a folder that ends so.
fn package(packages: &Path, end: &str) -> Result<PathBuf> {
    for entry in std::fs::read_dir(packages)? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(end) {
            return Ok(path);
        }
    }
    bail!("{} has no {end}", packages.display())
}

/// A folder that processes take for the root of the system; `/proc` is there while it is.
struct System {
    folder: PathBuf,
}

impl System {
    fn new(folder: PathBuf) -> Result<Self> {
        let proc = folder.join("proc");
        std::fs::create_dir_all(&proc)?;
        run(command("mount").args(["-t", "proc", "proc"]).arg(&proc))?;
        Ok(Self { folder })
    }

    /// Runs a program and says how long it took.
    fn run(&self, words: &[&str], at: &str) -> Result<()> {
        let mut command = Command::new("chroot");
        command.arg(&self.folder).args(words);
        command.env_clear().env("HOME", "/root").env("LC_ALL", "C");
        command.env("PATH", format!("{at}:/usr/sbin:/usr/bin:/sbin:/bin"));
        command.env("DEBIAN_FRONTEND", "noninteractive");
        let start = Instant::now();
        let output = command.output().context("there is no `chroot`")?;
        let seconds = start.elapsed().as_secs_f64();
        let text = String::from_utf8_lossy(&output.stdout);
        print!("{}", last_lines(&text, 12));
        ensure!(
            output.status.success(),
            "`{}` ended with {}\n{}",
            shown(&command),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        println!("[{seconds:.2} s] {}", words.join(" "));
        Ok(())
    }

    /// Runs a line of the shell that the system has.
    fn shell(&self, line: &str) -> Result<()> {
        self.run(&["/bin/sh", "-ec", line], "/usr/local/bin")
    }
}

impl Drop for System {
    fn drop(&mut self) {
        // What is still mounted shows in the next run.
        let _ = Command::new("umount")
            .arg(self.folder.join("proc"))
            .status();
    }
}

/// The last lines of a text.
fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<_> = text.lines().collect();
    let from = lines.len().saturating_sub(count);
    lines[from..]
        .iter()
        .map(|line| format!("  {line}\n"))
        .collect()
}

/// A system of the archive's files and glibc, without a shell.
fn bare(packages: &Path) -> Result<()> {
    println!("== a system with nothing but glibc");
    let folder = packages.join("bare");
    remove(&folder)?;
    for place in ["lib64", "lib/x86_64-linux-gnu", "tmp", "work"] {
        std::fs::create_dir_all(folder.join(place))?;
    }
    for (library, place) in [
        ("ld-linux-x86-64.so.2", "lib64"),
        ("libc.so.6", "lib/x86_64-linux-gnu"),
        ("libm.so.6", "lib/x86_64-linux-gnu"),
    ] {
        let path = read(command("cc").arg(format!("-print-file-name={library}")));
        let path = path.context("there is no C compiler `cc` to find glibc with")?;
        std::fs::copy(&path, folder.join(place).join(library))
            .with_context(|| format!("cannot copy {path}"))?;
    }
    run(command("tar")
        .arg("-xJf")
        .arg(package(packages, ".tar.xz")?)
        .args(["--strip-components=1", "-C"])
        .arg(&folder))?;
    std::fs::copy(root().join(EXAMPLE), folder.join("digits.dl"))?;
    let system = System::new(folder)?;
    let lines = [
        "dlc --version --verbose",
        "dlc check digits.dl",
        "dlc build digits.dl -o work",
    ];
    for line in lines.iter().chain(&CALLS) {
        let words: Vec<_> = line.split_whitespace().collect();
        system.run(&words, "/bin")?;
    }
    for file in ["libdigits.a", "libdigits.so", "digits.h", "digits.json"] {
        ensure!(
            system.folder.join("work").join(file).exists(),
            "there is no {file}"
        );
    }
    Ok(())
}

/// An environment of Python, outside of the repository.
fn wheel(packages: &Path) -> Result<()> {
    println!("== pip install");
    let folder = std::env::temp_dir().join(format!("dlc-dist-{}", std::process::id()));
    let outside = |program: &Path| {
        let mut command = Command::new(program);
        command.current_dir(std::env::temp_dir());
        command
    };
    run(outside(Path::new("python3"))
        .args(["-m", "venv"])
        .arg(&folder))?;
    let mut pip = outside(&folder.join("bin/pip"));
    pip.args([
        "install",
        "--quiet",
        "--no-index",
        "--disable-pip-version-check",
    ]);
    run(pip.arg(package(packages, ".whl")?))?;
    run(outside(&folder.join("bin/dlc")).arg("--version"))?;
    remove(&folder)
}

/// Debian's smallest system: first as it is, then with a C compiler, following the README.
fn debian(packages: &Path) -> Result<()> {
    println!("== Debian {DEBIAN}, without a compiler");
    ensure!(
        has("debootstrap"),
        "install debootstrap, which makes a folder with a small Debian"
    );
    let pristine = packages.join("debian");
    if !pristine.join("usr/bin/dpkg").exists() {
        let mut debootstrap = command("debootstrap");
        debootstrap
            .args(["--variant=minbase", DEBIAN])
            .arg(&pristine);
        run(&mut debootstrap)?;
    }
    let folder = packages.join("root");
    remove(&folder)?;
    run(command("cp").arg("-a").arg(&pristine).arg(&folder))?;
    std::fs::copy(package(packages, ".deb")?, folder.join("dlc.deb"))?;
    std::fs::copy(root().join(EXAMPLE), folder.join("root/digits.dl"))?;
    let system = System::new(folder)?;
    system.shell("dpkg -i /dlc.deb")?;
    system.shell("! command -v cc && ! command -v ld && dpkg --verify dlc")?;
    for line in [
        "dlc --version --verbose",
        "dlc check digits.dl",
        "dlc build digits.dl -o out",
    ] {
        system.shell(&format!("cd /root && {line}"))?;
    }
    for line in CALLS {
        let quoted = line.replace("key(42)", "'key(42)'");
        let quoted = quoted.replace("zeros(32,64):u8", "'zeros(32,64):u8'");
        let quoted = quoted.replace("zeros(32):i32", "'zeros(32):i32'");
        system.shell(&format!("cd /root && {quoted}"))?;
    }
    println!("== the README's first model, with a C compiler");
    system.shell(
        "apt-get update -q && apt-get install -q -y --no-install-recommends gcc libc6-dev make",
    )?;
    system.shell("cd /root && dlc new first")?;
    system.shell("cd /root/first && make")?;
    system.shell("cd /root/first && touch spiral.dl && make")?;
    system.shell("dpkg -r dlc && ! command -v dlc")
}

fn remove(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}
