"""The registry in full: a section an experiment, and the latest runs that passed, with dates and figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from honing.experiments.registry.experiment import Experiment
from honing.experiments.registry.results import ExperimentResult
from honing.experiments.registry.standing import ModeStanding, Standing
from honing.experiments.registry.table import change_text, code, codes, command_texts


def passing_section(standings: Sequence[Standing]) -> str:
    """What has passed here, with its date, figures, command and run."""
    lines = [line for standing in standings for line in _passing_lines(standing)]
    return "\n".join(lines or ["- none: no experiment's evidence lies on this disk."]) + "\n"


def details_section(standings: Sequence[Standing]) -> str:
    """A section for every experiment that has a row."""
    rows = [one for one in standings if one.experiment.modes or one.experiment.recorded]
    return "\n".join("\n".join(_section(standing)) + "\n" for standing in rows)


def _section(standing: Standing) -> Iterator[str]:
    row = standing.experiment
    yield f"### {row.id}: {row.name}"
    yield from _facts(("Goal", row.goal), ("Baseline", row.baseline), ("Config", row.config))
    if row.modes:
        yield "- Command:"
    for mode in row.modes:
        commands = " then ".join(code(text) for text in command_texts(row, mode))
        yield f"  - {mode.value.capitalize()}: {commands}"
    yield from _facts(("Resources", row.resources), ("Outputs", row.outputs))
    yield from _required(row)
    yield from _facts(("Recorded", _recorded(row)), ("Notes", row.notes))
    for one in standing.modes:
        yield f"- {one.mode.value.capitalize()}, here: {_standing_text(one)}"


def _facts(*facts: tuple[str, str]) -> Iterator[str]:
    for title, text in facts:
        if text:
            yield f"- {title}: {_sentence(text)}"


def _required(row: Experiment) -> Iterator[str]:
    """What must hold; once where both modes ask for the same."""
    signals = {mode: row.signals_of(mode) for mode in row.modes}
    if len(set(signals.values())) == 1:
        yield f"- Required metrics: {codes(signals[row.modes[0]])}."
        return
    for mode, wanted in signals.items():
        yield f"- Required metrics ({mode.value}): {codes(wanted)}."


def _recorded(row: Experiment) -> str:
    recorded = row.recorded
    if recorded is None:
        return ""
    figures = change_text(Standing(experiment=row, modes=()))
    took = "" if recorded.duration_s is None else f"{recorded.duration_s:g} s"
    source = f"source: {recorded.source}"
    parts = (figures, recorded.status.value, recorded.date, took, recorded.summary.rstrip("."), source)
    return ", ".join(filter(None, parts))


def _standing_text(one: ModeStanding) -> str:
    if one.ticked and one.result is not None:
        return f"passed on {_date(one.result)}."
    return _sentence(f"{one.state.value}{': ' + one.reason if one.reason else ''}")


def _passing_lines(standing: Standing) -> Iterator[str]:
    for one in standing.modes:
        if not one.ticked or one.result is None:
            continue
        figures = [f"{name} = {_value(value)}" for name, value in one.metrics.items()]
        took = one.result.ended - one.result.started
        run = f"run {code(one.result.run)}"
        told = ", ".join(
            (codes(figures) or "no figures", f"{took:.0f} s", f"honing {one.result.honing}", run)
        )
        yield f"- {standing.experiment.id} {one.mode.value}: passed {_date(one.result)}: {told}."


def _date(result: ExperimentResult) -> str:
    return datetime.fromtimestamp(result.ended, tz=UTC).strftime("%Y-%m-%d %H:%M UTC")


def _value(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return text if text.endswith((".", "!", "?")) else f"{text}."
