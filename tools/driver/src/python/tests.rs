//! The generated module, as text and for Python's compiler.

use super::*;
use crate::layout::tests::{sample, tensor};
use std::process::Command;

/// What Python says of a program: an error is a failure; nothing where there is no Python.
fn python(folder: &std::path::Path, arguments: &[&str]) -> Option<String> {
    let Ok(output) = Command::new("python3")
        .current_dir(folder)
        .args(arguments)
        .output()
    else {
        println!("skipped: no python3");
        return None;
    };
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn functions_have_types_and_words() {
    let text = generate(&sample());
    for expected in [
        "def step(p: Params | Any, x: Array, int: int | Array, out: Array, k: Array, B: bool | Array) -> float:\n    \
         \"\"\"Does one step.\n",
        "    p: inout Params\n        p.emb: f32[10, 64]\n        p.blocks.0.w: f32[64, 64]\n",
        "    return _dlc.call(\"step\", (p, x, int, out, k, B,), {})\n",
        "def init(key: int | Array, *, B: int, D: int) -> Params:\n",
        "    D: the dim D, which no shape tells\n",
        "{\"B\": B, \"D\": D})\n",
        "-> tuple[Array, int]:\n",
        "    #: bf16[D]\n    class_: Any\n",
        "        (Block, \"Block\", (\"w\", \"class\", )),\n",
        "__all__ = [\"CallError\", \"Block\", \"Pair\", \"Params\", \"step\", \"init\", \"pair\", \"unit\"]\n",
    ] {
        assert!(text.contains(expected), "{expected}\nnot in\n{text}");
    }
    assert_eq!(generate(&sample()), text);
}

#[test]
fn names_give_way_to_those_of_python_and_of_the_module() {
    let mut manifest = sample();
    manifest.entries[0].name = "Params".into();
    manifest.entries[1].name = "lambda".into();
    manifest.entries[2].name = "_dlc".into();
    manifest.entries[2].params[0].name = "class".into();
    let text = generate(&manifest);
    for expected in [
        "def Params_2(",
        "_dlc.call(\"Params\"",
        "def lambda_(",
        "def _dlc_2(class_: Any",
        "class Params:",
    ] {
        assert!(text.contains(expected), "{expected}\nnot in\n{text}");
    }
    assert_eq!(package_name("class"), "class_");
    assert_eq!(python_name("__x"), "__x__");
}

/// Texts of the user can't end a text of Python.
#[test]
fn python_compiles_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut manifest = sample();
    let entry = &mut manifest.entries[0];
    entry.doc = "It's \"\"\"three\"\"\" \\ ends with \"".into();
    entry.params[1].tree = tensor(dlc_abi::DType::F32, &["B"]);
    manifest.compiler = "dlc \"\"\"\n\u{e9}".into();
    for file in package("tiny", generate(&manifest).as_bytes(), b"") {
        std::fs::write(folder.path().join(file.name), file.bytes).unwrap();
    }
    let program = "import json, sys\nfor name in ('__init__', '_arrays', '_library'):\n    \
                   compile(open(name + '.py', encoding='utf-8').read(), name, 'exec')\n";
    if python(folder.path(), &["-W", "error", "-c", program]).is_none() {
        return;
    }
    // The library is looked for when the module is imported.
    let program = "import sys, os\nsys.path.insert(0, os.path.dirname(os.getcwd()))\n\
                   try:\n    __import__(os.path.basename(os.getcwd()))\nexcept ImportError as error:\n    print(error)\n";
    let named = folder.path().join("tiny");
    std::fs::create_dir(&named).unwrap();
    for file in ["__init__.py", "_arrays.py", "_library.py"] {
        std::fs::copy(folder.path().join(file), named.join(file)).unwrap();
    }
    let said = python(&named, &["-c", program]).unwrap();
    assert!(said.contains("libtiny.so is missing"), "{said}");
}
