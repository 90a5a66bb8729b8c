"""The registry as one Markdown document, and BENCHMARK_RESULTS.md kept up to date with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from honing._version import __version__
from honing.errors import RegistryError
from honing.experiments.registry.checkout import commit_of
from honing.experiments.registry.details import details_section, passing_section
from honing.experiments.registry.file import RegistryFile
from honing.experiments.registry.standing import Standing
from honing.experiments.registry.table import matrix_table, registry_table
from honing.store import write_atomic

BENCHMARK_RESULTS = "BENCHMARK_RESULTS.md"
_STAMP = "Written by `hone experiment table --write`"


def registry_document(standings: Sequence[Standing], *, details: bool) -> str:
    """The tables; with details, what passed last and a section for every experiment."""
    parts = [("Matrix", matrix_table(standings)), ("Experiment Registry", registry_table(standings))]
    if details:
        parts.insert(1, ("Latest Passing Runs", passing_section(standings)))
        parts.append(("Details", details_section(standings)))
    return "\n".join(f"## {title}\n\n{text}" for title, text in parts)


def write_benchmark_results(
    file: RegistryFile, standings: Sequence[Standing], *, now: float
) -> tuple[Path, bool]:
    """Write BENCHMARK_RESULTS.md beside the registry, unless it says the same already.

    Args:
        file: The registry.
        standings: As judged now.
        now: Unix time, seconds.

    Returns:
        The file, and whether it was written.

    Raises:
        RegistryError: A file of that name is there that this command has not written.
    """
    path = file.root / BENCHMARK_RESULTS
    body = registry_document(standings, details=True)
    before = path.read_text("utf-8") if path.is_file() else ""
    if before and _STAMP not in before:
        raise RegistryError(f"{path}: was not written by this command, so it is left alone. Move it away.")
    if before and _without_stamp(before) == _without_stamp(_stamped(body, "")):
        return path, False
    day = datetime.fromtimestamp(now, tz=UTC).strftime("%Y-%m-%d %H:%M UTC")
    commit = commit_of(file.root)
    at = f" at commit {commit}" if commit else ""
    write_atomic(path, _stamped(body, f" on {day} with honing {__version__}{at}").encode())
    return path, True


def _stamped(body: str, stamp: str) -> str:
    return (
        "# Benchmark results\n\n"
        f"{_STAMP}{stamp}.\n\n"
        "A ticked box means: the experiment was run on the disk where this was written, and every done\n"
        "signal held when its artifacts were read again at that moment. Runs are not checked in; see\n"
        "docs/experiments.md.\n\n"
        f"{body}"
    )


def _without_stamp(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith(_STAMP))
