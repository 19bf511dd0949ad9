"""What figures were taken on and with: the machine, the versions, the day."""

import datetime
import importlib.metadata
import os
import pathlib
import re
import subprocess

CPU_INFO = pathlib.Path("/proc/cpuinfo")
#: Of the first processor; others are taken to be the same.
CACHES = pathlib.Path("/sys/devices/system/cpu/cpu0/cache")
#: Peers by the names of their packages.
PACKAGES = {"PyTorch": "torch", "JAX": "jax", "ONNX Runtime": "onnxruntime"}


def processor():
    """The name that the system has for the processor; of the architecture where it has none."""
    text = CPU_INFO.read_text() if CPU_INFO.exists() else ""
    name = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    return name.group(1) if name else os.uname().machine


def caches():
    """Kind and size of each cache that a core has or shares, as in `L1d 48K`; nothing where the system does not say."""
    found = []
    for folder in sorted(CACHES.glob("index*")):
        level, kind, size = ((folder / name).read_text().strip() for name in ("level", "type", "size"))
        found.append(f"L{level}{ {'Data': 'd', 'Instruction': 'i'}.get(kind, '')} {size}")
    return found


def versions(dlc):
    """Versions by name: those that the compiler `dlc` tells of itself, and those of the peers that are installed."""
    told = subprocess.run([dlc, "--version", "--verbose"], capture_output=True, text=True, check=True).stdout
    found = dict(line.split(" ", 1) for line in told.splitlines() if line.split(" ")[0] in ("dlc", "LLVM"))
    commit = subprocess.run(["git", "rev-parse", "--short=10", "HEAD"], capture_output=True, text=True, cwd=pathlib.Path(__file__).parent)
    if commit.returncode == 0:
        found["dlc"] += f" ({commit.stdout.strip()})"
    for name, package in PACKAGES.items():
        try:
            found[name] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            pass
    return found


def about(dlc):
    """All of it, for JSON."""
    machine = {"processor": processor(), "cores": os.cpu_count(), "caches": caches()}
    return {"machine": machine, "versions": versions(dlc), "date": datetime.date.today().isoformat()}
