"""The page of a sweep: how every target moved, how the loss fell, and what was trained on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from honing.experiments.paired import Direction
from honing.experiments.sweep.measuring import Rows
from honing.experiments.sweep.stages import Stage
from honing.store import (
    Badge,
    Block,
    CellKind,
    Column,
    Dots,
    Estimate,
    Interval,
    Lines,
    Point,
    Report,
    Section,
    Series,
    Table,
    Text,
    Tone,
)

_TONES = {
    Direction.BETTER.value: Tone.GOOD,
    Direction.WORSE.value: Tone.BAD,
    Direction.UNDECIDED.value: Tone.NEUTRAL,
}


def report_of(document: Mapping[str, Any], stages: Sequence[Stage]) -> Report:
    """The page of a sweep as far as it is.

    Args:
        document: The summary.
        stages: What it was made from, for the losses of each step.
    """
    verdict = Badge("ok", Tone.GOOD) if document["ok"] else Badge("not ok", Tone.WARN)
    steps = document["steps_per_segment"]
    return Report(
        title=f"Training sweep of {document['base_model']['name']}",
        subtitle=f"{document['segments_planned']} segments of {steps} optimiser steps, "
        f"{len(document['targets'])} targets",
        badges=(verdict,),
        sections=tuple(
            section
            for section in (
                _changes(document),
                _targets(document),
                _full(document),
                *_training(document, stages),
            )
            if section is not None
        ),
        footer="Figures: train_and_benchmark_summary.json, sweep.tsv. Fixed samples: fixed_samples.json.",
    )


def _stages_of(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [*([document["base"]] if document["base"] else []), *document["segments"]]


def _changes(document: Mapping[str, Any]) -> Section | None:
    """How far each segment moved each target."""
    moved = [
        (stage["name"], against, one["target"], one["change"][against])
        for stage in document["segments"]
        for one in stage.get(Rows.SMOKE.value, [])
        for against in ("base", "previous")
    ]
    known = [each for each in moved if each[3].get("ci95")]
    if not moved:
        return None
    columns = (
        Column(key="segment", title="segment"),
        Column(key="target", title="target"),
        Column(key="against", title="against"),
        Column(key="change", title="change", kind=CellKind.INTERVAL, digits=3),
        Column(key="direction", title="", kind=CellKind.BADGE),
        Column(key="tasks", title="tasks", kind=CellKind.NUMBER, digits=0),
        Column(key="gained", title="gained", kind=CellKind.NUMBER, digits=0),
        Column(key="lost", title="lost", kind=CellKind.NUMBER, digits=0),
        *(() if len(known) == len(moved) else (Column(key="reason", title="why not"),)),
    )
    rows = [_change_row(*each) for each in moved]
    dots = tuple(
        Estimate(
            label=f"{target}, {segment}",
            value=found["difference"],
            low=found["ci95"][0],
            high=found["ci95"][1],
            group=segment,
        )
        for segment, against, target, found in known
        if against == "base"
    )
    figure = Dots(
        title="Change against the base, on the same rows",
        dots=dots,
        reference=0.0,
        caption="Paired 95% intervals. One that holds 0 decides nothing.",
    )
    return Section(
        title="What training changed",
        text="Each segment is compared with the base and with the segment before it, task by task on the "
        "fixed sample. Better or worse is said only where the 95% interval leaves out 0. Intervals are not "
        "corrected for how many there are: of 40 comparisons where nothing changed, about 2 leave out 0.",
        blocks=(*((figure,) if dots else ()), Table.of(columns, rows, caption="Paired changes")),
    )


def _change_row(segment: str, against: str, target: str, found: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"segment": segment, "target": target, "against": against}
    if not found.get("ci95"):
        return {**row, "reason": found["reason"]}
    low, high = found["ci95"]
    return {
        **row,
        "change": Interval(found["difference"], low, high),
        "direction": Badge(found["direction"], _TONES[found["direction"]]),
        **{name: found[name] for name in ("tasks", "gained", "lost")},
    }


def _targets(document: Mapping[str, Any]) -> Section | None:
    """Every target's score by segment."""
    stages = _stages_of(document)
    if not stages:
        return None
    blocks: list[Block] = []
    for target in document["targets"]:
        points = tuple(_points(stages, target))
        if points:
            blocks.append(
                Lines(
                    title=f"{target}: score by segment",
                    series=(Series(name=target, points=points),),
                    x_label="segments trained (0 is the base)",
                    y_label="score",
                    caption="95% intervals of each score; whether it changed is said by the pairs above.",
                )
            )
    blocks.append(_status(stages))
    return Section(title="Targets", text="On the fixed sample of each.", blocks=tuple(blocks))


def _points(stages: Sequence[Mapping[str, Any]], target: str) -> Iterator[Point]:
    for place, stage in enumerate(stages):
        for one in stage.get(Rows.SMOKE.value, []):
            score, ci95 = one["metrics"].get("score"), one["metrics"].get("ci95")
            if one["target"] == target and score is not None:
                low, high = ci95 or (None, None)
                yield Point(x=float(place), y=score, low=low, high=high)


def _status(stages: Sequence[Mapping[str, Any]]) -> Table:
    columns = (
        Column(key="segment", title="segment"),
        Column(key="mode", title="mode"),
        Column(key="target", title="target"),
        Column(key="status", title="", kind=CellKind.BADGE),
        Column(key="score", title="score", kind=CellKind.INTERVAL, digits=3),
        Column(key="n", title="judged", kind=CellKind.NUMBER, digits=0),
        Column(key="reason", title="why not ok"),
    )
    rows = [
        _status_row(stage["name"], rows.value, one)
        for stage in stages
        for rows in Rows
        for one in stage.get(rows.value, [])
    ]
    return Table.of(columns, rows, caption="Every measurement, targets in the order of the file")


def _status_row(segment: str, mode: str, one: Mapping[str, Any]) -> dict[str, Any]:
    metrics = one["metrics"]
    score, ci95 = metrics.get("score"), metrics.get("ci95")
    good = one["rollout_ok"] and one["evaluation_ok"]
    return {
        "segment": segment,
        "mode": mode,
        "target": one["target"],
        "status": Badge("ok", Tone.GOOD) if good else Badge("not ok", Tone.BAD),
        "score": None if score is None or not ci95 else Interval(score, *ci95),
        "n": metrics.get("n_scored"),
        "reason": one["reason"],
    }


def _full(document: Mapping[str, Any]) -> Section | None:
    """Every row of each target, without those that were trained on."""
    found = [one for stage in document["segments"] for one in stage.get(Rows.FULL.value, [])]
    if not found:
        return None
    columns = (
        Column(key="target", title="target"),
        Column(key="score", title="over all rows", kind=CellKind.INTERVAL, digits=3),
        Column(key="others", title="over rows not trained on", kind=CellKind.INTERVAL, digits=3),
        Column(key="n", title="rows not trained on", kind=CellKind.NUMBER, digits=0),
        Column(key="trained", title="trained on", kind=CellKind.NUMBER, digits=0),
    )
    rows = []
    for one in found:
        score, ci95 = one["metrics"].get("score"), one["metrics"].get("ci95")
        others = one["not_trained_on"]
        rows.append(
            {
                "target": one["target"],
                "score": None if score is None or not ci95 else Interval(score, *ci95),
                "others": Interval(others["score"], *others["ci95"]) if others.get("ci95") else None,
                "n": others.get("n"),
                "trained": others.get("trained_on"),
            }
        )
    return Section(
        title="Every row, after the last segment",
        text="Rows that were trained on count in the score over all rows; the one beside it leaves them out.",
        blocks=(Table.of(columns, rows, caption="Full measurement"),),
    )


def _training(document: Mapping[str, Any], stages: Sequence[Stage]) -> Iterator[Section]:
    """Losses, and where the rows come from."""
    segments = document["segments"]
    if not segments:
        return
    blocks: list[Block] = []
    series, done = [], 0
    for stage in stages:
        if stage.training is not None:
            losses = stage.training.losses
            points = tuple(Point(x=float(done + step + 1), y=loss) for step, loss in enumerate(losses))
            series.append(Series(name=stage.name, points=points))
            done += len(losses)
    if series:
        blocks.append(
            Lines(
                title="Loss of each step's rows, before the step",
                series=tuple(series),
                x_label="optimiser step",
                y_label="nats per token of the completion",
            )
        )
    blocks += [
        Text(text=f"{one['name']}: not trained. {one['reason']}", tone=Tone.BAD)
        for one in segments
        if not one["ok"]
    ]
    blocks += [_losses(segments), _data(segments)]
    yield Section(title="Training", text="Loss falls on completions alone.", blocks=tuple(blocks))


def _losses(segments: Sequence[Mapping[str, Any]]) -> Table:
    columns = (
        Column(key="name", title="segment"),
        Column(key="steps", title="steps", kind=CellKind.NUMBER, digits=0),
        Column(key="first_loss", title="first step", kind=CellKind.NUMBER, digits=3),
        Column(key="last_loss", title="last step", kind=CellKind.NUMBER, digits=3),
        Column(key="loss_before", title="fixed rows, before", kind=CellKind.NUMBER, digits=3),
        Column(key="loss_after", title="fixed rows, after", kind=CellKind.NUMBER, digits=3),
        Column(key="too_long", title="rows too long", kind=CellKind.NUMBER, digits=0),
    )
    rows = [{column.key: one[column.key] for column in columns} for one in segments]
    return Table.of(columns, rows, caption="Losses, nats per token; steps as the optimiser counted them")


def _data(segments: Sequence[Mapping[str, Any]]) -> Table:
    columns = (
        Column(key="segment", title="segment"),
        Column(key="source", title="from"),
        Column(key="asked", title="asked", kind=CellKind.NUMBER, digits=0),
        Column(key="right", title="own right answers", kind=CellKind.NUMBER, digits=0),
        Column(key="gold", title="gold", kind=CellKind.NUMBER, digits=0),
        Column(key="rows", title="rows of the file", kind=CellKind.NUMBER, digits=0),
        Column(key="removed", title="removed: measured", kind=CellKind.NUMBER, digits=0),
        Column(key="reason", title="why none"),
    )
    rows: list[dict[str, Any]] = []
    for one in segments:
        data = one["data"] or {"targets": [], "files": []}
        rows += [{**each, "segment": one["name"], "source": each["target"]} for each in data["targets"]]
        rows += [{**each, "segment": one["name"], "source": each["file"]} for each in data["files"]]
    return Table.of(columns, rows, caption="What was trained on. Nothing of it is in a fixed sample.")
