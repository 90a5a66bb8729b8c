"""The page of a run that has written none: what every run folder says of itself, whatever made it."""

from __future__ import annotations

import shlex
import stat
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from honing.errors import HoningError
from honing.store import (
    Badge,
    Block,
    Cell,
    CellKind,
    Column,
    Fact,
    KeyValues,
    Report,
    Run,
    RunStatus,
    Section,
    StageEvidence,
    Table,
    Text,
    Tone,
    canonical_json,
    read_journal,
    read_log,
)

_TONES = {
    RunStatus.DONE: Tone.GOOD,
    RunStatus.FAILED: Tone.BAD,
    RunStatus.INTERRUPTED: Tone.BAD,
    RunStatus.STOPPED: Tone.WARN,
    RunStatus.EXHAUSTED: Tone.WARN,
}
_MOST_RECORDS = 200
"""Of evidence on the page."""
_MOST_ERRORS = 100
_MOST_FACTS = 100
_MOST_LINES = 300
"""Of the log."""


def bare_page(run: Run) -> Report:
    """Status, command, configuration, steps, errors, evidence and log of a run, as plain data.

    A part that is damaged is a sentence on the page that says so.
    """
    status = run.status
    parts: dict[str, Callable[[Run], tuple[Block, ...]]] = {
        "Steps": _steps,
        "Errors": _errors,
        "Evidence": _evidence,
        "Log": _log,
        "What was asked": _asked,
    }
    sections = [_standing(run, status)]
    for title, blocks_of in parts.items():
        try:
            blocks = blocks_of(run)
        except (HoningError, OSError) as error:
            blocks = (Text(text=str(error), tone=Tone.BAD),)
        if blocks:
            sections.append(Section(title=title, blocks=blocks))
    return Report(
        title=run.path.name,
        subtitle=f"A run of kind {run.kind} that has no report of its own.",
        badges=(Badge(status.value, _TONES.get(status, Tone.INFO)), Badge(run.kind)),
        sections=tuple(sections),
        footer="A report is written when a run ends; this page shows what lies in the folder now.",
    )


def _standing(run: Run, status: RunStatus) -> Section:
    blocks: list[Block] = []
    if run.reason:
        blocks.append(Text(text=run.reason, tone=_TONES.get(status, Tone.INFO), title=status.value))
    facts = [
        Fact(label="status", value=Badge(status.value, _TONES.get(status, Tone.INFO))),
        Fact(label="id", value=run.id, kind=CellKind.CODE),
        Fact(label="seed", value=run.seed),
        Fact(label="created", value=_time(run.created)),
        Fact(label="ended", value=_time(run.ended)),
        Fact(label="command", value=shlex.join(run.command) or "started from Python", kind=CellKind.CODE),
    ]
    blocks.append(KeyValues(facts=tuple(facts)))
    return Section(title="Where it stands", blocks=tuple(blocks))


def _time(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _steps(run: Run) -> tuple[Block, ...]:
    if not _is_plain(run, "journal.sqlite"):
        return ()
    with read_journal(run.path / "journal.sqlite") as journal:
        planned, finished = journal.steps(), journal.finished()
        failed = {step: len(journal.errors(step)) for step in planned}
    columns = (
        Column(key="step", title="Step", kind=CellKind.CODE),
        Column(key="planned", title="Units", kind=CellKind.NUMBER),
        Column(key="finished", title="Finished", kind=CellKind.NUMBER),
        Column(key="failed", title="Errors", kind=CellKind.NUMBER),
    )
    rows: list[dict[str, Cell]] = [
        {"step": step, "planned": count, "finished": finished.get(step, 0), "failed": failed[step] or None}
        for step, count in planned.items()
    ]
    return (Table.of(columns, rows),) if rows else ()


def _errors(run: Run) -> tuple[Block, ...]:
    if not _is_plain(run, "journal.sqlite"):
        return ()
    with read_journal(run.path / "journal.sqlite") as journal:
        found = [(step, *error) for step in journal.steps() for error in journal.errors(step)]
    columns = (
        Column(key="step", title="Step", kind=CellKind.CODE),
        Column(key="unit", title="Unit", kind=CellKind.NUMBER),
        Column(key="kind", title="Kind"),
        Column(key="what", title="What happened"),
    )
    rows: list[dict[str, Cell]] = [
        {"step": step, "unit": unit, "kind": kind, "what": what}
        for step, unit, kind, what in found[-_MOST_ERRORS:]
    ]
    return (Table.of(columns, rows, caption=f"The last {len(rows)} of {len(found)}"),) if rows else ()


def _evidence(run: Run) -> tuple[Block, ...]:
    if not _is_plain(run, "evidence.jsonl"):
        return ()
    shown: list[Block] = []
    for record in islice(run.evidence().read(), _MOST_RECORDS):
        body = record.body if isinstance(record.body, Mapping) else {"": record.body}
        if record.kind == "command" and {"stage", "command", "ending"} <= set(body):
            shown.append(_command(body))
        else:
            text = "\n".join(f"{key}: {_word(value)}" for key, value in body.items())
            shown.append(StageEvidence(stage=record.kind, command="", ending="noted", ok=True, stdout=text))
    return tuple(shown)


def _command(body: Mapping[str, Any]) -> StageEvidence:
    code = body.get("exit_code")
    return StageEvidence(
        stage=str(body["stage"]),
        command=str(body["command"]),
        ending=str(body["ending"]),
        ok=body["ending"] == "exited" and code == 0,
        exit_code=code if isinstance(code, int) else None,
        stdout=str(body.get("stdout", "")),
        stderr=str(body.get("stderr", "")),
        sandbox=str(body.get("sandbox", "")),
        note=str(body.get("detail", "")),
    )


def _log(run: Run) -> tuple[Block, ...]:
    lines = read_log(run.path)[-_MOST_LINES:]
    if not lines:
        return ()
    text = "\n".join(lines)
    return (StageEvidence(stage="log", command="", ending=run.status.value, ok=True, stdout=text),)


def _asked(run: Run) -> tuple[Block, ...]:
    facts = tuple(
        Fact(label=name, value=_word(value), kind=CellKind.CODE)
        for name, value in islice(run.config.items(), _MOST_FACTS)
    )
    return (KeyValues(facts=facts),) if facts else ()


def _word(value: Any) -> str:
    return value if isinstance(value, str) else canonical_json(value)


def _is_plain(run: Run, name: str) -> bool:
    """Whether the file is there; a link or a pipe in its place is as good as none."""
    try:
        return stat.S_ISREG((run.path / name).lstat().st_mode)
    except OSError:
        return False
