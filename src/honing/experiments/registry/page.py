"""The page of one run of an experiment: what was run, which signals held, and on which files that rests."""

from __future__ import annotations

from collections.abc import Iterator

from honing.experiments.registry.experiment import Experiment
from honing.experiments.registry.results import ExperimentResult
from honing.store import Badge, CellKind, Column, Fact, Headline, Report, Section, Table, Text, Tone

_SIGNALS = (
    Column(key="signal", title="Signal", kind=CellKind.CODE),
    Column(key="verdict", title="Verdict", kind=CellKind.BADGE),
    Column(key="read", title="Values read"),
    Column(key="reason", title="Why not"),
)
_COMMANDS = (
    Column(key="command", title="Command", kind=CellKind.CODE),
    Column(key="exit", title="Exit code", kind=CellKind.NUMBER, digits=0),
    Column(key="duration", title="Time", kind=CellKind.DURATION),
    Column(key="stdout", title="Output", kind=CellKind.CODE),
)
_ARTIFACTS = (
    Column(key="name", title="Artifact"),
    Column(key="path", title="File", kind=CellKind.CODE),
    Column(key="bytes", title="Size", kind=CellKind.BYTES),
    Column(key="sha256", title="SHA-256", kind=CellKind.CODE),
)
_METRICS = (
    Column(key="name", title="Metric", kind=CellKind.CODE),
    Column(key="value", title="Value"),
)


def report_of(result: ExperimentResult, row: Experiment) -> Report:
    """The page of a result."""
    verdict = Badge("passed", Tone.GOOD) if result.ok else Badge("not passed", Tone.BAD)
    held = sum(signal.holds for signal in result.signals)
    facts = (
        Fact(label="ExperimentMode", value=result.mode.value),
        Fact(label="Signals that hold", value=f"{held} of {len(result.signals)}"),
        Fact(label="Exit code", value=result.exit_code, kind=CellKind.NUMBER),
        Fact(label="Honing", value=result.honing),
    )
    headline = Headline(
        label=f"{row.name}, {result.mode.value}",
        value=result.best,
        badge=verdict,
        note=result.reason if result.best is None or not result.ok else "",
        facts=facts,
    )
    return Report(
        title=f"{result.id}: {row.name}",
        subtitle=" · ".join(filter(None, (row.category, row.target, row.agent))),
        badges=(verdict,),
        sections=(
            Section(title="Result", blocks=(headline, *_words(row))),
            Section(
                title="Done signals",
                text="Expressions over the files below. They are judged again whenever the table is printed.",
                blocks=(Table.of(_SIGNALS, _signal_rows(result)),),
            ),
            Section(title="Commands", blocks=(Table.of(_COMMANDS, _command_rows(result)),)),
            Section(
                title="Metrics and artifacts",
                blocks=(
                    Table.of(_METRICS, ({"name": k, "value": _text(v)} for k, v in result.metrics.items())),
                    Table.of(_ARTIFACTS, (one.model_dump() for one in result.artifacts), folded=True),
                ),
            ),
        ),
        footer=f"hone experiment run {result.id} --mode {result.mode.value}",
    )


def _words(row: Experiment) -> Iterator[Text]:
    for title, text in (("Goal", row.goal), ("Baseline", row.baseline), ("Notes", row.notes)):
        if text:
            yield Text(text=text, title=title)


def _signal_rows(result: ExperimentResult) -> Iterator[dict[str, str | Badge]]:
    for signal in result.signals:
        badge = Badge("holds", Tone.GOOD) if signal.holds else Badge("does not hold", Tone.BAD)
        read = ", ".join(f"{one.name} = {_text(one.value)}" for one in signal.reads)
        yield {"signal": signal.expression, "verdict": badge, "read": read, "reason": signal.reason}


def _command_rows(result: ExperimentResult) -> Iterator[dict[str, str | float]]:
    for end in result.commands:
        yield {
            "command": end.command,
            "exit": end.exit_code,
            "duration": end.duration_s,
            "stdout": end.stdout,
        }


def _text(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
