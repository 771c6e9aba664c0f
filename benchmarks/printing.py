"""How the benchmarks print: the machine and the libraries they ran on, and aligned tables.

In: headings and rows of text. Out: lines on standard output. Also the highest memory of a process, measured the same
way everywhere.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import resource
from collections.abc import Iterable, Sequence
from pathlib import Path

PROC = Path("/proc")


def machine(libraries: Iterable[str]) -> str:
    """Two lines: processor, cores, memory and load; Python and the named libraries with their versions."""
    names = (line.split(":", 1)[1].strip() for line in _lines("cpuinfo") if line.startswith("model name"))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in libraries)
    return (
        f"machine: {next(names, platform.processor() or platform.machine())}, {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"{platform.system()} {platform.release()}, load {os.getloadavg()[0]:.1f}\n"
        f"software: Python {platform.python_version()}, {versions}"
    )


def peak_mb() -> float:
    """Highest resident memory of this process, in MiB.

    The kernel's own mark per address space where there is one: getrusage of a started process also counts its parent.
    """
    for line in _lines("self/status"):
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def table(title: str, heads: Sequence[str], rows: Iterable[Sequence[object]], *, left: int = 1) -> None:
    """Print a table: the first columns to the left, figures to the right, two blanks between columns."""
    cells = [list(heads), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(heads))]
    print(f"\n{title}")
    for number, row in enumerate(cells):
        justified = [c.ljust(w) if i < left else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))]
        print("  ".join(justified).rstrip())
        if number == 0:
            print("  ".join("-" * w for w in widths))


def _lines(name: str) -> list[str]:
    path = PROC / name
    return path.read_text().splitlines() if path.exists() else []
