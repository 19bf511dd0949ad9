#!/usr/bin/env python3
"""Thirty planted faults in the code of derivatives: whether the tests notice each.

`faults.py [--folder DIR] [NAME…]` checks out the last commit in DIR (a temporary folder without it) with a target folder of its own,
and for each patch of test/faults, or those named: applies it, builds, runs the gradient checks, evaluations, pipelines,
models and the language's own tests, and, where these pass and `DLC_PYTHON` names a Python with JAX, the table of
derivatives; then takes it back. Prints which test noticed it first. Exit status 1 where fewer than all but one are
noticed, where a patch does not apply or does not build, or where the tests fail without a patch. A build takes a minute or two.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
FAULTS = ROOT / "test" / "faults"
#: What runs first: filters of the file tests.
QUICK = ["gradcheck/", "eval/", "models", "language"]


def run(folder, *command, quiet=True):
    found = subprocess.run(command, cwd=folder, capture_output=quiet, text=True)
    return found.returncode, (found.stdout or "") + (found.stderr or "")


def noticed(folder):
    """The first test that fails, or nothing."""
    for part in QUICK:
        code, text = run(folder, "cargo", "test", "--workspace", "--test", "filetests", "--", part)
        if code:
            # The names are listed under the last `failures:`.
            names = text.rsplit("failures:", 1)[-1].split()
            return names[0] if names else part
    python = os.environ.get("DLC_PYTHON")
    if python:
        code, text = run(folder, python, "test/derivatives_table.py", "target/debug/dlc")
        if code:
            return next((line for line in text.splitlines() if line.startswith("FAILED")), "derivatives_table.py")[:80]
    return None


def build(folder):
    return run(folder, "cargo", "build", "--workspace", "--bin", "dlc", "--bin", "dlc-opt")


def trial(folder, patch):
    """What became of a fault: `noticed` by a test, `missed`, or why it could not be tried."""
    if run(folder, "git", "apply", str(patch))[0]:
        return False, "the patch does not apply"
    try:
        code, text = build(folder)
        if code:
            return False, "does not build: " + next((line for line in text.splitlines() if line.startswith("error")), "")
        name = noticed(folder)
        return name is not None, name or "MISSED"
    finally:
        run(folder, "git", "checkout", "--", ".")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    patches = [patch for patch in sorted(FAULTS.glob("*.patch")) if not arguments.names or patch.stem in arguments.names]
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(arguments.folder or temporary) / "dlc"
        if not folder.exists():
            code, text = run(ROOT, "git", "worktree", "add", "--detach", str(folder), "HEAD")
            if code:
                sys.exit(text)
        os.environ["CARGO_TARGET_DIR"] = str(folder / "target")
        code, text = build(folder)
        before = text[-2000:] if code else noticed(folder)
        if before:
            sys.exit(f"without a fault: {before}")
        caught = 0
        for patch in patches:
            started = time.time()
            found, text = trial(folder, patch)
            caught += found
            print(f"{patch.stem:<32} {'noticed' if found else 'NOT'} {time.time() - started:>5.0f} s  {text}", flush=True)
        if not arguments.folder:
            run(ROOT, "git", "worktree", "remove", "--force", str(folder))
    print(f"{caught} of {len(patches)} faults are noticed")
    sys.exit(1 if caught < max(1, len(patches) - 1) else 0)


if __name__ == "__main__":
    main()
