"""The page of a suite: every target and model in one table, and what each of them rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from honing.store import (
    Badge,
    Block,
    Cell,
    CellKind,
    Column,
    Dots,
    Estimate,
    Fact,
    Headline,
    Interval,
    Report,
    Section,
    Table,
    Text,
    Tone,
)

_COLUMNS = (
    Column(key="target", title="Target"),
    Column(key="model", title="Model"),
    Column(key="ended", title="", kind=CellKind.BADGE),
    Column(key="score", title="Score [95%]", kind=CellKind.INTERVAL),
    Column(key="metric", title="Metric"),
    Column(key="coverage", title="Coverage", kind=CellKind.PERCENT),
    Column(key="tokens", title="Tokens", kind=CellKind.NUMBER),
    Column(key="cost", title="Cost", kind=CellKind.MONEY),
    Column(key="run", title="Run", kind=CellKind.CODE),
)
_TONES = {"calibrated": Tone.GOOD, "uncalibrated": Tone.WARN}


def suite_page(targets: Sequence[Mapping[str, Any]]) -> Report:
    """The page of targets.json's `targets`, in their order."""
    rows = [row for target in targets for row in _rows(target)]
    met = sum(bool(target["ok"]) for target in targets)
    badge = Badge(f"{met} of {len(targets)} targets ok", Tone.GOOD if met == len(targets) else Tone.BAD)
    reasons = [_reason(target) for target in targets if not target["ok"]]
    sections = [
        Section(title="Result", blocks=(_headline(targets, badge), *_figures(targets), _table(rows))),
        Section(
            title="Where each target says how it is run",
            text="Anchors are lines of the target's own files on which its contract rests.",
            blocks=(_anchors(targets),),
        ),
    ]
    if reasons:
        sections.insert(1, Section(title="What is not ok", blocks=tuple(reasons)))
    return Report(
        title="Suite",
        subtitle=", ".join(str(target["target"]) for target in targets),
        badges=(badge,),
        sections=tuple(sections),
        footer="Each target has a run with a page of its own: `hone report RUN`.",
    )


def _headline(targets: Sequence[Mapping[str, Any]], badge: Badge) -> Headline:
    metrics = [found for target in targets for _, found in _models(target)]
    cost = [found.get("cost_usd") for found in metrics]
    known = [each for each in cost if each is not None]
    return Headline(
        label="Targets with a score that may be reported",
        value=float(sum(bool(target["ok"]) for target in targets)),
        digits=0,
        badge=badge,
        facts=(
            Fact(label="targets", value=len(targets), kind=CellKind.NUMBER),
            Fact(label="models", value=len({model for one in targets for model, _ in _models(one)})),
            Fact(label="tokens", value=sum(_tokens(found) or 0 for found in metrics), kind=CellKind.NUMBER),
            Fact(label="cost", value=sum(known) if len(known) == len(cost) else None, kind=CellKind.MONEY),
        ),
    )


def _figures(targets: Sequence[Mapping[str, Any]]) -> tuple[Block, ...]:
    """Scores between 0 and 1 side by side; others have no scale in common."""
    dots = [
        Estimate(
            label=_name(target["target"]),
            value=found["score"],
            low=found["ci95"][0] if found.get("ci95") else None,
            high=found["ci95"][1] if found.get("ci95") else None,
            group=model,
        )
        for target in targets
        for model, found in _models(target)
        if found.get("score") is not None and list(found["metric"]["range"]) == [0.0, 1.0]
    ]
    caption = "With 95% intervals. Targets differ in what they ask: compare models on one target."
    return (Dots(title="Score on each target.", dots=tuple(dots), caption=caption),) if dots else ()


def _table(rows: Sequence[Mapping[str, Cell]]) -> Table:
    return Table.of(_COLUMNS, rows, caption="Every target and model")


def _rows(target: Mapping[str, Any]) -> list[dict[str, Cell]]:
    models = _models(target) or [("", target["metrics"])]
    return [_row(target, model, found) for model, found in models]


def _row(target: Mapping[str, Any], model: str, found: Mapping[str, Any]) -> dict[str, Cell]:
    score, ends = found.get("score"), found.get("ci95")
    cell: Cell = score if score is None or not ends else Interval(score, *ends)
    label = str(found.get("label") or "")
    ended = ", ".join(part for part in (label, str(found.get("level") or "")) if part)
    return {
        "target": _name(target["target"]),
        "model": model,
        "ended": Badge("no score" if score is None else ended, _TONES.get(label, Tone.BAD)),
        "score": cell,
        "metric": str((found.get("metric") or {}).get("name", "")),
        "coverage": found.get("coverage"),
        "tokens": _tokens(found),
        "cost": found.get("cost_usd"),
        "run": Path(target["run"]).name,
    }


def _models(target: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    return [(str(each["model"]), each["metrics"]) for each in target["models"]]


def _tokens(found: Mapping[str, Any]) -> int | None:
    counts = found.get("tokens")
    return sum(counts.values()) if isinstance(counts, Mapping) else None


def _name(target: str) -> str:
    """The last part of a folder or address: what tells it from the others in a figure."""
    return target.rstrip("/").rsplit("/", 1)[-1] or target


def _reason(target: Mapping[str, Any]) -> Text:
    reason = str(target["reason"] or "no reason was given")
    return Text(text=reason, tone=Tone.BAD, title=str(target["target"]))


def _anchors(targets: Sequence[Mapping[str, Any]]) -> Table:
    columns = (
        Column(key="target", title="Target"),
        Column(key="anchors", title="Anchors used", kind=CellKind.CODE),
        Column(key="content", title="Content", kind=CellKind.CODE),
    )
    rows: list[dict[str, Cell]] = [
        {
            "target": target["target"],
            "anchors": ", ".join(target["used_anchors"]) or None,
            "content": str(target["content"])[:16],
        }
        for target in targets
    ]
    return Table.of(columns, rows)
