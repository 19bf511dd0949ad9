//! The digits, trained through hosts in all languages: the losses are the same, bit by bit, and so is what they predict.
//!
//! A host gets the folder of the data and a file, into which it writes the bits of each epoch's mean loss as a line of
//! hexadecimal digits; it prints the test accuracy. Another is a line in [`HOSTS`].

use super::{build, configure, have, python_with, root, run};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A host: its name, the programs that it takes to build it, and what builds and runs it in a folder.
struct Host {
    name: &'static str,
    needs: &'static [&'static str],
    /// Gives what the host prints, or nothing where it is skipped.
    run: fn(&Training) -> Option<String>,
}

const HOSTS: &[Host] = &[
    Host {
        name: "C",
        needs: &["cc"],
        run: c,
    },
    Host {
        name: "C with pkg-config",
        needs: &["cc", "pkg-config"],
        run: c_by_pkg_config,
    },
    Host {
        name: "C++ with CMake",
        needs: &["c++", "cmake"],
        run: cpp,
    },
    Host {
        name: "Rust",
        needs: &["cargo"],
        run: rust,
    },
    Host {
        name: "Python with NumPy",
        needs: &[],
        run: numpy,
    },
    Host {
        name: "Python with PyTorch",
        needs: &[],
        run: torch,
    },
];

/// Where a host trains.
struct Training {
    /// A folder of its own.
    folder: PathBuf,
    /// The library with all that is made of it, in a folder that the hosts share.
    library: PathBuf,
}

impl Training {
    fn losses(&self) -> PathBuf {
        self.folder.join("losses")
    }

    fn run(&self, program: &mut Command) -> Option<String> {
        Some(run(program.arg(digits("data")).arg(self.losses())))
    }
}

fn digits(name: &str) -> PathBuf {
    root().join("examples/digits").join(name)
}

#[test]
fn all_hosts_have_the_same_losses() {
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("library");
    build(
        &digits("digits.dl"),
        &library,
        &["--emit=staticlib,header,python,pkg-config"],
    );
    let mut reference: Option<(&str, String, String)> = None;
    for host in HOSTS.iter().filter(|host| have(host.needs)) {
        let training = Training {
            folder: folder.path().join(host.name),
            library: library.clone(),
        };
        std::fs::create_dir(&training.folder).unwrap();
        let Some(said) = (host.run)(&training) else {
            continue;
        };
        print!("{said}");
        let losses = std::fs::read_to_string(training.losses()).unwrap();
        let (_, accuracy) = said
            .split_once("test accuracy ")
            .expect("a host says its accuracy");
        let accuracy = accuracy.lines().next().unwrap_or_default().to_string();
        let Some((first, expected, right)) = &reference else {
            check(&losses);
            reference = Some((host.name, losses, accuracy));
            continue;
        };
        assert_eq!(
            losses, *expected,
            "losses of {} and {first} differ",
            host.name
        );
        assert_eq!(
            accuracy, *right,
            "accuracies of {} and {first} differ",
            host.name
        );
    }
}

/// Training that does nothing would be the same everywhere, too.
fn check(losses: &str) {
    let losses: Vec<f64> = losses
        .lines()
        .map(|line| f64::from_bits(u64::from_str_radix(line, 16).unwrap()))
        .collect();
    assert_eq!(losses.len(), 60);
    assert!(losses[59] < losses[0] / 20.0, "{losses:?}");
}

fn c(training: &Training) -> Option<String> {
    let library = &training.library;
    compile(
        training,
        Command::new("cc").arg("-I").arg(library),
        &library.join("libdigits.a"),
    )
}

/// A C compiler's flags, then the program, then what it links.
fn compile(training: &Training, cc: &mut Command, link: &Path) -> Option<String> {
    let program = training.folder.join("train");
    cc.args(["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror"]);
    run(cc
        .arg(digits("host-c/main.c"))
        .arg(link)
        .arg("-o")
        .arg(&program));
    training.run(&mut Command::new(program))
}

fn c_by_pkg_config(training: &Training) -> Option<String> {
    let mut tool = Command::new("pkg-config");
    tool.env("PKG_CONFIG_PATH", &training.library);
    let flags = run(tool.args(["--cflags", "--libs", "digits"]));
    let mut cc = Command::new("cc");
    cc.arg("-x")
        .arg("c")
        .arg(digits("host-c/main.c"))
        .args(["-x", "none"]);
    let program = training.folder.join("train");
    run(cc.args(flags.split_whitespace()).arg("-o").arg(&program));
    training.run(&mut Command::new(program))
}

fn cpp(training: &Training) -> Option<String> {
    let made = training.folder.join("build");
    let mut cmake = configure(&digits("host-cpp"), &made);
    run(cmake.arg("-DCMAKE_BUILD_TYPE=Release"));
    run(Command::new("cmake")
        .arg("--build")
        .arg(&made)
        .env("DLC_CACHE_DIR", ""));
    training.run(&mut Command::new(made.join("train")))
}

fn rust(training: &Training) -> Option<String> {
    let mut cargo = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()));
    cargo.args([
        "run",
        "--quiet",
        "--release",
        "--package",
        "digits",
        "--manifest-path",
    ]);
    cargo
        .arg(root().join("examples/Cargo.toml"))
        .arg("--")
        .arg(digits("data"));
    let dlc = Path::new(env!("CARGO_BIN_EXE_dlc"));
    cargo.env("DLC", dlc).env("DLC_CACHE_DIR", "");
    // Where the other examples are built.
    let target = dlc
        .ancestors()
        .nth(2)
        .expect("a profile stands in a target folder");
    cargo.env("CARGO_TARGET_DIR", target.join("examples-host"));
    Some(run(cargo
        .arg(training.folder.join("loss.svg"))
        .arg(training.losses())))
}

fn numpy(training: &Training) -> Option<String> {
    python(training, "numpy", &[])
}

fn torch(training: &Training) -> Option<String> {
    python(training, "torch", &["--torch"])
}

fn python(training: &Training, module: &str, more: &[&str]) -> Option<String> {
    let mut python = Command::new(python_with(module)?);
    python.env("PYTHONPATH", &training.library);
    training.run(python.arg(digits("host-python/train.py")).args(more))
}
