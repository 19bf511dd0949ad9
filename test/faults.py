#!/usr/bin/env python3
"""Thirty planted faults in the code of derivatives: whether the tests notice each.

`faults.py [--folder DIR] [NAME…]` checks out the last commit in `DIR/dlc` (DIR is a temporary folder without it) and runs
the file tests, which have to pass; they are built in `DIR/target`, which may be a copy of another target folder. Then it
applies each patch of test/faults, or those named, builds, and runs the gradient checks on the reference, which need no
tool and take seconds, and where all of these pass the file tests until one fails. Only a test that passed without the
fault can notice it; a fault that does not build is not noticed. Where all pass and `DLC_PYTHON` names a Python with JAX,
the table of derivatives is run. Prints the test that noticed each first. Exit status 1 where fewer than all but one are
noticed, where a patch does not apply or does not build, or where the tests fail without a patch.
"""

import argparse
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
FAULTS = ROOT / "test" / "faults"
#: What runs first: it needs no tool to be built and takes seconds.
QUICK = "gradcheck/reference/"
#: A line of the tests' output.
RESULT = re.compile(r"test (\S+)\s+\.\.\. (ok|FAILED)")


class Broken(Exception):
    """What keeps the tests from running."""


def run(folder, *command):
    found = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if found.returncode:
        lines = (found.stderr or found.stdout).splitlines()
        raise Broken(next((line for line in lines if line.startswith("error")), "\n".join(lines[-5:])))
    return found.stdout


def build_tests(folder):
    """The program of the file tests."""
    messages = run(folder, "cargo", "test", "--workspace", "--test", "filetests", "--no-run", "--message-format=json")
    built = (json.loads(line) for line in messages.splitlines() if line.startswith("{"))
    return next(one["executable"] for one in built if one.get("executable") and one["target"]["name"] == "filetests")


def build_tools(folder):
    run(folder, "cargo", "build", "--workspace", "--bin", "dlc", "--bin", "dlc-opt")


def results(folder, tests, part=""):
    """The tests whose names have a part, one by one as they end: the name, and whether it passed."""
    found = subprocess.Popen([tests, *([part] if part else [])], cwd=folder / "test", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                             env={**os.environ, "DLC_TOOLS_BUILT": "1"}, start_new_session=True)
    try:
        for line in found.stdout:
            if match := RESULT.match(line):
                yield match[1], match[2] == "ok"
        if found.wait() not in (0, 101):
            yield f"status {found.returncode} of the tests", False
    finally:
        if found.poll() is None:
            os.killpg(found.pid, signal.SIGTERM)
            found.wait()
        found.stdout.close()


def unfaulted(folder):
    """The tests that pass without a fault, which all have to; kept beside the checkout for the next time."""
    commit = run(folder, "git", "rev-parse", "HEAD").strip()
    kept = folder.parent / f"passed-{commit}"
    if not kept.exists():
        tests = build_tests(folder)
        build_tools(folder)
        found = dict(results(folder, tests))
        if failed := [name for name, passed in found.items() if not passed]:
            raise Broken(f"without a fault: {', '.join(failed)}")
        kept.write_text("\n".join(found))
    return set(kept.read_text().splitlines())


def noticed(folder, passing):
    """The first test that fails, or nothing."""
    tests = build_tests(folder)
    for part in (QUICK, ""):
        if not part:
            build_tools(folder)
        failed = (name for name, passed in results(folder, tests, part) if not passed and (name in passing or name.startswith("status")))
        if first := next(failed, None):
            more = len(list(failed)) if part else 0
            return first + (f" and {more} more" if more else "")
    python = os.environ.get("DLC_PYTHON")
    if python:
        try:
            run(folder, python, "test/derivatives_table.py", str(folder.parent / "target/debug/dlc"))
        except Broken:
            return "derivatives_table.py"
    return None


def trial(folder, patch, passing):
    """Whether a fault is noticed; and by which test, or why it could not be tried."""
    try:
        run(folder, "git", "apply", str(patch))
        name = noticed(folder, passing)
        return name is not None, name or "MISSED"
    except Broken as error:
        return False, str(error)
    finally:
        run(folder, "git", "checkout", "--", ".")


def checkout(folder):
    """The last commit in a folder, whose build folder stays."""
    commit = run(ROOT, "git", "rev-parse", "HEAD").strip()
    if (folder / ".git").exists():
        run(folder, "git", "checkout", "--quiet", "--detach", commit)
    else:
        run(ROOT, "git", "worktree", "add", "--detach", str(folder), commit)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    patches = [patch for patch in sorted(FAULTS.glob("*.patch")) if not arguments.names or patch.stem in arguments.names]
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(arguments.folder or temporary).resolve() / "dlc"
        os.environ["CARGO_TARGET_DIR"] = str(folder.parent / "target")
        started = time.time()
        try:
            checkout(folder)
            passing = unfaulted(folder)
        except Broken as error:
            sys.exit(str(error))
        print(f"{len(passing)} tests pass without a fault, {time.time() - started:.0f} s", flush=True)
        caught = 0
        for patch in patches:
            started = time.time()
            found, text = trial(folder, patch, passing)
            caught += found
            print(f"{patch.stem:<42} {'noticed' if found else 'NOT':<7} {time.time() - started:>5.0f} s  {text}", flush=True)
        if not arguments.folder:
            run(ROOT, "git", "worktree", "remove", "--force", str(folder))
    print(f"{caught} of {len(patches)} faults are noticed")
    sys.exit(1 if caught < max(1, len(patches) - 1) else 0)


if __name__ == "__main__":
    main()
