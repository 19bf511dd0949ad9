#!/usr/bin/env python3
"""Holds what `bench/gpu.py` times against PyTorch at small sizes on the interpreter, so that it runs where there is a GPU.

Usage: gpu_bench_compare.py DLC
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile

BENCH = pathlib.Path(__file__).parent / "bench"
#: What is less in the transformer on the interpreter.
LESS = {"const TOKENS = 1024": "const TOKENS = 16", "const LAYERS = 12": "const LAYERS = 2", "const D = 256": "const D = 8"}


def main(dlc):
    try:
        import torch  # noqa: F401
    except ImportError:
        print("skipped: PyTorch is not installed")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        text = (BENCH / "transformer.dl").read_text()
        for more, less in LESS.items():
            assert more in text, more
            text = text.replace(more, less)
        (folder / "transformer.dl").write_text(text)
        for stem, source in ("gpu", BENCH / "gpu.dl"), ("transformer", folder / "transformer.dl"):
            subprocess.run([dlc, "build", source, "--gpu", "sm_80", "--emit=cdylib,manifest", "-o", folder / stem], check=True)
        shutil.copy(dlc.parent / "libdlc_gpu_c.so", folder)
        subprocess.run([sys.executable, BENCH / "gpu.py", "--emulated", folder], check=True)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
