//! Python packages and wheels: what is in them, and what they do in a Python with NumPy.
//!
//! The Python is that of `DLC_PYTHON`, else the system's; with PyTorch or JAX in it their arrays are tried, too.

use super::{build, output, python_with, run, source};
use std::process::Command;

/// Hashes and sizes of RECORD; then the files are where `pip` would put them.
const UNPACK: &str = "\
import base64, hashlib, sys, zipfile
wheel = zipfile.ZipFile(sys.argv[1])
record = [name for name in wheel.namelist() if name.endswith('/RECORD')][0]
rows = dict(line.split(',', 1) for line in wheel.read(record).decode().splitlines())
assert sorted(rows) == sorted(wheel.namelist()), rows
for name, row in rows.items():
    data = wheel.read(name)
    hash = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()
    assert name == record or row == f'sha256={hash},{len(data)}', name
wheel.extractall('site')
";

/// What a program without NumPy gets.
const BARE: &str = "\
import array, sys
sys.modules['numpy'] = None
sys.path.insert(0, 'out')
import zoo
part = zoo.halves(array.array('d', range(7)))
assert part.tolist() == [1, 2, 3] and isinstance(part, memoryview), part
assert zoo.halves(array.array('d', [0])).tolist() == []
n = memoryview(array.array('i', [4])).cast('B').cast('i', ())
x = array.array('f', [1, 2, 3])
zoo.bump(n, x)
assert (n[()], list(x)) == (5, [2, 4, 6])
net = zoo.start(42)
assert zoo.step(net, memoryview(array.array('f', [1, 2, 3, 6])).cast('B').cast('f', (2, 2)), 0.5) == 3.0
assert net.scale[()] == 4.5
";

#[test]
fn arrays_come_and_go_by_a_module_and_by_a_wheel() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let kinds = ["--emit=python,wheel,dep-info", "--package-version", "1.2.0"];
    build(&source("zoo.dl"), &folder.join("out"), &kinds);
    let mut names: Vec<String> = std::fs::read_dir(folder.join("out"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let [package, wheel, rules] = &names[..] else {
        panic!("{names:?}")
    };
    assert_eq!([package, rules], ["zoo", "zoo.d"]);
    assert!(wheel.starts_with("zoo-1.2.0-py3-none-manylinux"), "{wheel}");
    let rules = std::fs::read_to_string(folder.join("out/zoo.d")).unwrap();
    assert!(rules.contains("out/zoo/__init__.py: "), "{rules}");
    let Some(python) = python_with("numpy") else {
        return;
    };
    let python = || {
        let mut command = Command::new(&python);
        command.current_dir(folder);
        command
    };
    run(python().args(["-c", UNPACK, &format!("out/{wheel}")]));
    for file in ["__init__.py", "_library.py", "libzoo.so"] {
        let read = |root: &str| std::fs::read(folder.join(root).join("zoo").join(file)).unwrap();
        assert!(read("out") == read("site"), "{file} differs");
    }
    let tests = output(python().arg(source("module.py")).arg("site"));
    let said = String::from_utf8_lossy(&tests.stderr);
    assert!(tests.status.success(), "{said}");
    println!("{said}");
    run(python().args(["-c", BARE]));
}
