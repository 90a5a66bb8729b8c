"""What stood behind a number of the target's own judge: which of its files it read, what it ran, what it
changed."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from honing.contract.spec_file import CONTRACT_PATH
from honing.contract.stages.stage import StageResult
from honing.contract.workbench.bench import Bench, Rollout
from honing.store import EntryKind

_NAMES = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Causes:
    """What a judging stage did, as seen from outside."""

    read: tuple[str, ...]
    """Files of the target (and of its contract) that it opened, as far as they are named."""
    read_count: int
    grader: str
    """sha256 over the names and contents of those files: what judged."""
    changed: tuple[str, ...]
    """Files of the target that the judge itself changed or removed."""
    programs: tuple[str, ...]
    """Programs that were installed for the target and that it ran."""
    answers_read: bool | None
    """Whether it opened a file that the rollout or Honing wrote; None where that is not known."""
    seen: bool
    """Whether opened files could be watched in full: otherwise nothing follows from an empty list."""

    def as_document(self) -> dict[str, Any]:
        """For the journal and the audit."""
        return {
            "read": list(self.read),
            "read_count": self.read_count,
            "grader": self.grader,
            "changed": list(self.changed),
            "programs": list(self.programs),
            "answers_read": self.answers_read,
            "seen": self.seen,
        }


def causes_from(document: Mapping[str, Any]) -> Causes:
    """What `as_document` wrote."""
    lists = {name: tuple(document[name]) for name in ("read", "changed", "programs")}
    return Causes(
        **lists,
        read_count=document["read_count"],
        grader=document["grader"],
        answers_read=document["answers_read"],
        seen=document["seen"],
    )


def causes_of(bench: Bench, rollout: Rollout, result: StageResult) -> Causes:
    """What the last attempt of a judging stage did."""
    brought = {
        entry.name: entry.content
        for entry in bench.trees.load(bench.prepared).entries
        if entry.kind is EntryKind.FILE and entry.name != CONTRACT_PATH
    }
    traces = result.traces
    opened = {name for trace in traces for name in trace.opened}
    touched = {name for trace in traces for name in (*trace.changed, *trace.removed)}
    read = sorted(opened & brought.keys())
    commands = [command for attempt in result.attempts[-1:] for command in attempt.commands]
    processes = [words for trace in traces for words in trace.processes]
    seen = bool(traces) and all(trace.opened_by and not trace.incomplete for trace in traces)
    return Causes(
        read=tuple(read[:_NAMES]),
        read_count=len(read),
        grader=_digest({name: brought[name] for name in read}),
        changed=tuple(sorted(touched & brought.keys())[:_NAMES]),
        programs=_installed(bench.programs, commands, processes),
        answers_read=bool(opened & _answers(bench, rollout)) if seen and result.name == "evaluate" else None,
        seen=seen,
    )


def _answers(bench: Bench, rollout: Rollout) -> set[str]:
    """Files that hold the answers: what the rollout left, and the samples that Honing wrote."""
    found = set() if rollout.tree is None else {one.name for one in bench.trees.load(rollout.tree).entries}
    before = {one.name for one in bench.trees.load(bench.prepared).entries}
    handed = bench.contract.stages.rollout.samples
    return (found - before) | ({handed} if handed is not None else set())


def _digest(contents: Mapping[str, str]) -> str:
    lines = "".join(f"{name}\0{content}\n" for name, content in sorted(contents.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def _installed(
    folder: Path | None, commands: Sequence[str], processes: Sequence[Sequence[str]]
) -> tuple[str, ...]:
    """Programs of the target's own environment that ran: as seen, and as the commands call them by name."""
    if folder is None:
        return ()
    words = {word for line in processes for word in line if word.startswith(f"{folder}/")}
    for command in commands:
        for name in _words(command):
            if "/" not in name and (folder / name).is_file():
                words.add(str(folder / name))
    return tuple(sorted({Path(word).name for word in words} - _INTERPRETERS))


_INTERPRETERS = frozenset({"python", "python3", "pip", "pip3", "activate"})


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command, comments=True)
    except ValueError:
        return command.split()
