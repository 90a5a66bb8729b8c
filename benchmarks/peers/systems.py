"""The systems that are compared, each with a Python of its own and a program beside this file."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).parent
_GEPA = "gepa==0.1.4"
_PREDECESSOR = ("superagentic-metaharness==0.7.0", "superagentic-metaharness==0.2.2")
"""The newest release, and the last one of its second line."""
_READING = ("inspect", "ledger", "summarize")


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One that runs the benchmark's search."""

    name: str
    python: Path
    program: str
    extra: tuple[str, ...] = ()
    """Further arguments of the program."""
    modes: frozenset[str] = frozenset({"cost", "side", "kill"})
    """What can be measured of it."""
    reader: tuple[str, ...] = ()
    """Its command line, which has commands that read runs; empty: it has none."""

    def command(self, mode: str, folder: Path, count: int, workers: int) -> list[str]:
        program = str(_HERE / self.program)
        return [str(self.python), program, mode, str(folder), str(count), str(workers), *self.extra]

    def reading(self, run: Path, project: Path) -> dict[str, list[str]]:
        """The commands that read a run, by name."""
        if not self.reader:
            return {}
        ours = self.name == "Honing"
        # The predecessor's `summarize` takes the project's folder, not a run's.
        places = {name: run if ours or name != "summarize" else project for name in _READING}
        start = [*self.reader, "harness"] if ours else list(self.reader)
        return {name: [*start, name, str(place)] for name, place in places.items()}


def systems_in(venvs: Path) -> Iterator[System]:
    """Honing, and each peer that the package registry gives; says on stderr which it does not.

    Args:
        venvs: Folder of one environment a peer; made, or used again.
    """
    honing = (sys.executable, "-m", "honing")
    yield System(
        name="Honing",
        python=Path(sys.executable),
        program="ours.py",
        modes=frozenset({"cost", "side", "across", "kill"}),
        reader=honing,
    )
    gepa = _installed(_GEPA, venvs)
    if gepa is not None:
        modes = frozenset({"cost", "side", "across", "kill"})
        yield System(name="GEPA 0.1.4, run_dir", python=gepa, program="gepa_search.py", modes=modes)
        yield System(
            name="GEPA 0.1.4, in memory",
            python=gepa,
            program="gepa_search.py",
            extra=("memory",),
            modes=frozenset({"cost"}),
        )
    for release in _PREDECESSOR:
        python = _installed(release, venvs)
        if python is not None:
            reader = (str(python.with_name("metaharness")),)
            name = f"predecessor {release.partition('==')[2]}"
            yield System(name=name, python=python, program="predecessor_search.py", reader=reader)


def _installed(requirement: str, venvs: Path) -> Path | None:
    """The Python of an environment that holds this, or None where the registry does not give it."""
    folder = venvs / requirement
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", requirement]
        done = subprocess.run(pip, capture_output=True, text=True)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            sys.stderr.write(f"{requirement} is left out: the package registry does not give it ({last})\n")
            return None
        (folder / "complete").touch()
    return python
