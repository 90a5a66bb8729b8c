"""Scripted subjects, and what their loops leave."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from honing.errors import StoppedError
from honing.executors import InlineExecutor
from honing.experiments.improve import (
    Desk,
    ImproveOptions,
    ImproveResult,
    ImproveSpec,
    Measurement,
    Panel,
    Part,
    Proposal,
    ScriptedSubject,
    Sizes,
    Skill,
    Version,
    improve_subject,
)

SMALL: Mapping[Part, int] = {Part.SEARCH: 4, Part.CHECK: 60, Part.HELD_OUT: 60}
REAL = ScriptedSubject(
    rewritten=Skill(mean=0.8), taught=Skill(mean=0.95), control=Skill(mean=0.6), tasks=SMALL
)
"""Both steps are real gains."""


def loop(home: Path, subject: object, spec: ImproveSpec | None = None, **options: object) -> ImproveResult:
    """One loop, in this process."""
    asked = ImproveOptions(home=home, executor=InlineExecutor())
    return improve_subject(subject, spec or ImproveSpec(), replace(asked, **options))  # type: ignore[arg-type]


def endings(result: ImproveResult) -> dict[str, str]:
    """How each row of the table ended, by its name."""
    return {row["name"]: row["ending"] for row in result.rows}


class Interrupted:
    """A subject that does something before its nth call, and is otherwise as it was.

    Args:
        inner: The subject.
        at: Which call, from 1: measurements, rewriting and teaching count.
        act: Called before it.
    """

    def __init__(self, inner: ScriptedSubject, at: int, act: object) -> None:
        self.inner = inner
        self.at = at
        self.act = act
        self.calls: list[str] = []
        self.seeds: list[tuple[int, ...]] = []
        """Of each measurement."""

    @property
    def name(self) -> str:
        return self.inner.name

    def identity(self) -> Mapping[str, object]:
        return self.inner.identity()

    def sizes(self) -> Sizes:
        return self.inner.sizes()

    def start(self, desk: Desk) -> Version:
        return self.inner.start(desk)

    def panel(self, desk: Desk) -> Panel:
        return self.inner.panel(desk)

    def measure(self, desk: Desk, version: Version, part: Part, seeds: Sequence[int]) -> Measurement:
        self._count(f"measure {part.value}", desk)
        self.seeds.append(tuple(seeds))
        return self.inner.measure(desk, version, part, seeds)

    def rewrite(self, desk: Desk, version: Version) -> Proposal:
        self._count("rewrite", desk)
        return self.inner.rewrite(desk, version)

    def teach(self, desk: Desk, version: Version) -> Proposal:
        self._count("teach", desk)
        return self.inner.teach(desk, version)

    def _count(self, what: str, desk: Desk) -> None:
        self.calls.append(what)
        if len(self.calls) == self.at:
            self.act(desk)  # type: ignore[operator]


def stop(desk: Desk) -> None:
    """Ask the run to stop, and stop the part under way."""
    desk.run.request_stop()
    raise StoppedError("asked")


def killed_at(home: Path, call: int) -> int:
    """Run the loop of `REAL` in a process of its own that is killed before its nth call; its exit status."""
    ended = subprocess.run(
        [sys.executable, str(Path(__file__)), str(home), str(call)], capture_output=True, check=False
    )
    return ended.returncode


def main() -> None:
    import os
    import signal

    home, call = Path(sys.argv[1]), int(sys.argv[2])
    loop(home, Interrupted(REAL, call, lambda _: os.kill(os.getpid(), signal.SIGKILL)), run_name="killed")


def table(run: Path) -> list[str]:
    """The lines of held_out.tsv."""
    return (run / "held_out.tsv").read_text("utf-8").splitlines()


def document(run: Path, name: str) -> object:
    """A JSON artifact."""
    return json.loads((run / name).read_bytes())


if __name__ == "__main__":
    main()
