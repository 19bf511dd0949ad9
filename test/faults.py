#!/usr/bin/env python3
"""Thirty planted faults in the code of derivatives: whether the tests notice each.

`faults.py [--folder DIR] [NAME…]` checks out the last commit in `DIR/dlc` (DIR is a temporary folder without it). There it
applies each patch of test/faults, or those named, builds, runs tests, and takes it back; a fault is noticed where a test
fails. It builds in `DIR/target`, which may be a copy of another target folder. First come the gradient checks and
evaluations on the reference, which need no tool and take seconds, then, for the faults that these miss, all file tests until
one fails, at last, where `DLC_PYTHON` names a Python with JAX, the table of derivatives. The tests have to pass
without a fault before they are tried with one, and a fault that does not build is not noticed. Prints the test that
noticed each first. Exit status 1 where fewer than all but one are noticed, where a patch does not apply or does not
build, or where the tests fail without a patch.
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
QUICK, ALL = ["gradcheck/reference/", "eval/reference/"], [""]
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


def build(folder, parts):
    """The program of the file tests, and with it the tools where all are to run."""
    messages = run(folder, "cargo", "test", "--workspace", "--test", "filetests", "--no-run", "--message-format=json")
    if parts == ALL:
        run(folder, "cargo", "build", "--workspace", "--bin", "dlc", "--bin", "dlc-opt")
    built = (json.loads(line) for line in messages.splitlines() if line.startswith("{"))
    return next(one["executable"] for one in built if one.get("executable") and one["target"]["name"] == "filetests")


def results(folder, tests, part=""):
    """The tests whose names have a part, one by one as they end: the name, and whether it passed."""
    found = subprocess.Popen([tests, *([part] if part else [])], cwd=folder / "test", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                             env={**os.environ, "DLC_TOOLS_BUILT": "1"}, start_new_session=True)
    try:
        for line in found.stdout:
            if match := RESULT.match(line):
                yield match[1], match[2] == "ok"
        # The tests' own status is 0 or 101.
        if found.wait() < 0:
            yield f"signal {-found.returncode} in the tests", False
        elif found.returncode not in (0, 101):
            raise Broken(f"the tests do not run: status {found.returncode}")
    finally:
        if found.poll() is None:
            os.killpg(found.pid, signal.SIGTERM)
            found.wait()
        found.stdout.close()


def failures(folder, tests, parts):
    """The tests that fail, as they end."""
    return (name for part in parts for name, passed in results(folder, tests, part) if not passed)


def passes(folder, parts):
    """Makes sure that no test fails without a fault."""
    tests = build(folder, parts)
    if failed := list(failures(folder, tests, parts)):
        raise Broken(f"without a fault: {', '.join(failed)}")


def trial(folder, patch, parts):
    """The test that notices a fault first, or nothing."""
    try:
        run(folder, "git", "apply", str(patch))
        failed = failures(folder, build(folder, parts), parts)
        first = next(failed, None)
        more = len(list(failed)) if first and parts == QUICK else 0
        return f"{first} and {more} more" if more else first
    finally:
        run(folder, "git", "checkout", "--", ".")


def in_table(folder, patch, python):
    """Whether the table of derivatives notices a fault."""
    try:
        run(folder, "git", "apply", str(patch))
        build(folder, ALL)
        dlc = str(folder.parent / "target/debug/dlc")
        return subprocess.run([python, "test/derivatives_table.py", dlc], cwd=folder, stdout=subprocess.DEVNULL).returncode != 0
    finally:
        run(folder, "git", "checkout", "--", ".")


def try_all(folder, patches):
    """Tries the patches and prints what notices each: the quick tests first, then all for those that these miss. The
    number of those that are noticed."""
    left, caught = patches, 0
    for parts in (QUICK, ALL):
        if not left:
            break
        started = time.time()
        passes(folder, parts)
        print(f"no test of {', '.join(filter(None, parts)) or 'all'} fails without a fault, {time.time() - started:.0f} s", flush=True)
        some, left = left, []
        for patch in some:
            started = time.time()
            try:
                name = trial(folder, patch, parts)
                text = f"noticed  {name}" if name else "passes these tests"
                caught += name is not None
                left += [] if name else [patch]
            except Broken as error:
                text = f"NOT TRIED  {error}"
            print(f"{patch.stem:<42} {time.time() - started:>4.0f} s  {text}", flush=True)
    python = os.environ.get("DLC_PYTHON")
    for patch in left:
        found = python is not None and in_table(folder, patch, python)
        caught += found
        print(f"{patch.stem:<42} {'noticed  derivatives_table.py' if found else 'MISSED'}", flush=True)
    return caught


def checkout(folder):
    """The last commit in a folder, whose build folder stays."""
    commit = run(ROOT, "git", "rev-parse", "HEAD").strip()
    if (folder / ".git").exists():
        run(folder, "git", "checkout", "--quiet", "--force", "--detach", commit)
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
        try:
            checkout(folder)
            caught = try_all(folder, patches)
        except Broken as error:
            sys.exit(str(error))
        finally:
            if not arguments.folder and folder.exists():
                run(ROOT, "git", "worktree", "remove", "--force", str(folder))
    print(f"{caught} of {len(patches)} faults are noticed")
    sys.exit(1 if caught < max(1, len(patches) - 1) else 0)


if __name__ == "__main__":
    main()
