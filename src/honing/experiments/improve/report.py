"""The page of a loop: the story in one figure, what each step changed, its cost, why it can be believed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from honing.experiments.improve.base import Part
from honing.experiments.improve.result import PAGE
from honing.store import (
    REPORT_FILE,
    TREES,
    Badge,
    Block,
    Cell,
    CellKind,
    Column,
    Diff,
    Dots,
    Estimate,
    Fact,
    Headline,
    Interval,
    KeyValues,
    Lines,
    Point,
    Report,
    Run,
    Section,
    Series,
    Step,
    Steps,
    Table,
    Text,
    Tone,
    TreeStore,
)

Json = Mapping[str, Any]
_TONES = {"kept": Tone.GOOD, "rejected": Tone.BAD, "baseline": Tone.INFO}
_COUNTS = (("task_runs", "Task runs"), ("calls", "Calls"), ("tokens", "Tokens"))
_LONGEST_DIFF = 60_000
_OWN_FACTS = frozenset({"diff", "harness", "losses"})


def write_report(run: Run, home: Path, document: Json) -> None:
    """Write report.json and the page.

    Args:
        run: Of the loop.
        home: The folder of runs, for the trees of harnesses.
        document: The content of improvement.json.
    """
    from honing.view import render

    report = report_of(document, TreeStore(home / TREES))
    report.write(run.artifact(REPORT_FILE))
    run.write_text(PAGE, render(report))


def report_of(document: Json, trees: TreeStore) -> Report:
    """The page of a loop as plain data.

    Args:
        document: The content of improvement.json.
        trees: Holds the harnesses, for their differences.
    """
    improved = document["improved"]
    return Report(
        title=f"Improve: {document['subject']}",
        subtitle="Measure, rewrite the harness, teach the weights, measure again on tasks never seen.",
        badges=(Badge("improved", Tone.GOOD) if improved else Badge("not improved", Tone.WARN),),
        sections=(
            _story(document),
            *(_step(step, trees) for step in document["steps"]),
            _budget(document),
            _panel(document["panel"]),
        ),
        footer="Seconds differ from run to run and are in logs/seconds.json.",
    )


def _story(document: Json) -> Section:
    rows = [row for row in document["rows"] if row["ci95"] is not None]
    blocks: list[Block] = [_headline(document, rows)]
    if rows:
        blocks.append(_stair(document, rows))
    gains = [row for row in rows if row["over_baseline"] is not None]
    if gains:
        blocks.append(
            Dots(
                title="Paired gain over the baseline on the held-out tasks",
                dots=tuple(
                    _estimate(
                        row["name"],
                        row["over_baseline"]["difference"],
                        row["over_baseline"]["ci95"],
                        row["ending"],
                    )
                    for row in gains
                ),
                reference=0.0,
                caption="Each task compared with itself. An interval to the right of 0 is a gain.",
            )
        )
    blocks += [_table(document["rows"]), _costs(document["rows"])]
    return Section(
        title="The story",
        text="Held-out tasks were sealed until every step was decided, then measured once.",
        blocks=tuple(blocks),
    )


def _stair(document: Json, rows: Sequence[Json]) -> Steps:
    """The story in one figure. Rejected steps have no score on held-out tasks, and the caption names them."""
    steps = tuple(
        Step(
            label=row["name"],
            value=row["score"],
            low=row["ci95"][0],
            high=row["ci95"][1],
            gain=None if row["over_before"] is None else _gain(row["over_before"]),
            taken=row["ending"] != "control",
            word=row["ending"],
            tone=_TONES.get(row["ending"], Tone.NEUTRAL),
            note=_cost_words(row),
        )
        for row in rows
    )
    left = [f"{step['step']} ({step['verdict']['ending']})" for step in document["steps"] if not _kept(step)]
    return Steps(
        title="Score of each version on the held-out tasks",
        steps=steps,
        y_label="mean score",
        caption="Means with 95% intervals; every version met the same tasks and seeds. Beside a step "
        "stands its paired gain over the version before it."
        + (f" Steps that brought no version: {', '.join(left)}." if left else ""),
    )


def _kept(step: Json) -> bool:
    return bool(step["verdict"]["ending"] == "kept")


def _cost_words(row: Json) -> str:
    spent = {
        name: sum(part[name] for part in row["spent"].values()) for name in ("task_runs", "training_steps")
    }
    steps = f", {spent['training_steps']} optimiser steps" if spent["training_steps"] else ""
    return f"{spent['task_runs']:,} task runs{steps}"


def _headline(document: Json, rows: Sequence[Json]) -> Headline:
    last = next((row for row in reversed(rows) if row["ending"] in ("kept", "baseline")), None)
    gain = document["gain"]
    if last is None:
        return Headline(label="Score on held-out tasks", value=None, note="no held-out task was scored")
    facts = [Fact(label="Held-out tasks", value=last["tasks"], kind=CellKind.NUMBER)]
    if gain is not None:
        facts.append(
            Fact(
                label="Gain over the baseline",
                value=_interval(gain["difference"], gain["ci95"]),
                kind=CellKind.INTERVAL,
            )
        )
    kept = [step["step"] for step in document["steps"] if _kept(step)]
    facts.append(Fact(label="Steps kept", value=", ".join(kept) or "none"))
    return Headline(
        label=f"Score on held-out tasks ({last['name']})",
        value=last["score"],
        interval=_interval(last["score"], last["ci95"]),
        note="" if gain is not None else "No step was kept, so there is no gain to report.",
        facts=tuple(facts),
    )


def _table(rows: Sequence[Json]) -> Table:
    columns = (
        Column(key="name", title="Version"),
        Column(key="ending", title="", kind=CellKind.BADGE),
        Column(key="score", title="Score [95%]", kind=CellKind.INTERVAL, low=0, high=1),
        Column(key="before", title="Gain over the row before", kind=CellKind.INTERVAL),
        Column(key="baseline", title="Over the baseline", kind=CellKind.INTERVAL),
        Column(key="control", title="Over its control", kind=CellKind.INTERVAL),
        Column(key="tasks", title="Tasks", kind=CellKind.NUMBER),
    )
    return Table.of(columns, [_cells(row) for row in rows], caption="Held-out tasks, each measured once")


def _costs(rows: Sequence[Json]) -> Table:
    columns = (
        Column(key="name", title="Version"),
        Column(key="reason", title="Why"),
        *(Column(key=key, title=title, kind=CellKind.NUMBER) for key, title in _COUNTS),
        Column(key="cost_usd", title="Cost", kind=CellKind.MONEY),
        Column(key="training_steps", title="Optimiser steps", kind=CellKind.NUMBER),
    )
    return Table.of(columns, [_cells(row) for row in rows], caption="Why, and what each row cost")


def _cells(row: Json) -> dict[str, Cell]:
    spent = {
        name: sum(part[name] for part in row["spent"].values())
        for name in (*(key for key, _ in _COUNTS), "cost_usd", "training_steps")
    }
    gains = {key: _gain(row[f"over_{key}"]) for key in ("before", "baseline", "control")}
    score = None if row["ci95"] is None else _interval(row["score"], row["ci95"])
    badge = Badge(row["ending"], _TONES.get(row["ending"], Tone.NEUTRAL))
    return {
        "name": row["name"],
        "ending": badge,
        "score": score,
        "tasks": row["tasks"] or None,
        "reason": row["reason"],
        **gains,
        **spent,
    }


def _step(step: Json, trees: TreeStore) -> Section:
    verdict = step["verdict"]
    tone = {"kept": Tone.GOOD, "rejected": Tone.WARN}.get(verdict["ending"], Tone.NEUTRAL)
    blocks: list[Block] = [Text(text=verdict["reason"], tone=tone, title=verdict["ending"].capitalize())]
    comparisons = list(_comparisons(verdict))
    if comparisons:
        blocks.append(_gate_table(comparisons))
    blocks += _changes(step, trees)
    facts = _facts({name: value for name, value in step["facts"].items() if name not in _OWN_FACTS})
    if facts:
        blocks.append(KeyValues(facts=facts, caption="What the step says of itself"))
    return Section(title=f"Step: {step['step']}", text=step["what"], blocks=tuple(blocks))


def _comparisons(verdict: Json) -> Iterator[dict[str, Cell]]:
    other = "other half of the check tasks" if verdict["deterministic"] else "fresh seeds"
    names = {"first": "Gain, first look", "again": f"Gain, {other}", "retention": "Change of what was solved"}
    for key, name in names.items():
        change = verdict[key]
        if change is not None:
            yield {
                "name": name,
                "before": change["before"],
                "after": change["after"],
                "gain": _interval(change["difference"], change["ci95"]),
                "tasks": change["tasks"],
                "pairs": change["pairs"],
                "gained": change["gained"],
                "lost": change["lost"],
            }


def _gate_table(rows: Sequence[Mapping[str, Cell]]) -> Table:
    numbers = {"tasks": "Tasks", "pairs": "Pairs", "gained": "Better", "lost": "Worse"}
    columns = (
        Column(key="name", title="On the check tasks"),
        Column(key="before", title="Before", kind=CellKind.NUMBER, digits=3),
        Column(key="after", title="After", kind=CellKind.NUMBER, digits=3),
        Column(key="gain", title="Difference [95%]", kind=CellKind.INTERVAL),
        *(Column(key=key, title=title, kind=CellKind.NUMBER) for key, title in numbers.items()),
    )
    return Table.of(columns, rows, caption="What the gate saw")


def _changes(step: Json, trees: TreeStore) -> Iterator[Block]:
    proposed, before = step["proposed"], step["before"]
    if proposed is not None and proposed["harness"] != before["harness"]:
        text = trees.diff(before["harness"], proposed["harness"]).unified()
        cut = "" if len(text) <= _LONGEST_DIFF else " (its beginning)"
        yield Diff(text=text[:_LONGEST_DIFF], title=f"The harness, before and after{cut}")
    if proposed is not None and proposed["model"] != before["model"]:
        facts = (
            Fact(label="before", value=before["model"], kind=CellKind.CODE),
            Fact(label="after", value=proposed["model"], kind=CellKind.CODE),
        )
        yield KeyValues(facts=facts, caption="The model")
    losses = step["facts"].get("losses") or ()
    points = [each if isinstance(each, list | tuple) else (k, each) for k, each in enumerate(losses, 1)]
    if points:
        series = Series(name="loss", points=tuple(Point(x=float(x), y=float(y)) for x, y in points))
        yield Lines(title="Loss while training", series=(series,), x_label="optimiser step", y_label="loss")


def _budget(document: Json) -> Section:
    budget, spent = document["budget"], document["spent"]
    columns = (
        Column(key="purpose", title="For"),
        Column(key="task_runs", title="Task runs at most", kind=CellKind.NUMBER),
        Column(key="tokens", title="Tokens at most", kind=CellKind.NUMBER),
        Column(key="cost_usd", title="Cost at most", kind=CellKind.MONEY),
    )
    rows = [{"purpose": name.replace("_", "-"), **_shown(share)} for name, share in budget["shares"].items()]
    facts = [
        Fact(
            label=name.replace("_", " "),
            value=value,
            kind=CellKind.MONEY if name == "cost_usd" else CellKind.NUMBER,
        )
        for name, value in spent.items()
    ]
    said = f"{budget['proposals']} proposals of each arm, {budget['training_steps']} optimiser steps at most."
    return Section(
        title="Budget",
        text=f"How it was divided before anything was spent; a dash is no limit. {said}",
        blocks=(
            Table.of(columns, rows, caption="Plan"),
            KeyValues(facts=tuple(facts), caption="Spent over all sessions"),
        ),
    )


def _shown(share: Json) -> dict[str, Cell]:
    return {name: share[name] for name in ("task_runs", "tokens", "cost_usd")}


def _panel(panel: Json) -> Section:
    counts = tuple(
        Fact(label=part.replace("_", "-"), value=count, kind=CellKind.NUMBER)
        for part, count in ((part.value, panel["tasks"][part.value]) for part in Part)
    )
    certificate = _facts(panel["certificate"])
    blocks: list[Block] = [KeyValues(facts=counts, caption="Tasks of each part; no two share one")]
    if certificate:
        blocks.append(KeyValues(facts=certificate, caption="Why a score on them can be believed"))
    return Section(
        title="Panel", text=f"Panel {panel['id']}; panel.json lists its tasks.", blocks=tuple(blocks)
    )


def _facts(found: Mapping[str, Any], within: str = "") -> tuple[Fact, ...]:
    """A fact for each number and word, however deep it lies; the one share beside a `ci95` comes with it."""
    shares = [name for name, value in found.items() if isinstance(value, float)]
    ends = found.get("ci95") if len(shares) == 1 else None
    facts: list[Fact] = []
    for name, value in sorted(found.items()):
        label = f"{within} {name}".strip().replace("_", " ")
        numeric = isinstance(value, int | float) and not isinstance(value, bool)
        if isinstance(value, Mapping):
            facts += _facts(value, label)
        elif ends is not None and isinstance(value, float):
            facts.append(Fact(label=label, value=_interval(value, ends), kind=CellKind.INTERVAL))
        elif numeric:
            facts.append(Fact(label=label, value=value, kind=CellKind.NUMBER))
        elif name != "ci95":
            plain = isinstance(value, str | bool) or value is None
            facts.append(Fact(label=label, value=value if plain else ", ".join(map(_word, value))))
    return tuple(facts)


def _word(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _estimate(label: str, value: float, ends: Sequence[float], group: str) -> Estimate:
    return Estimate(label=label, value=value, low=ends[0], high=ends[1], group=group)


def _interval(value: float, ends: Sequence[float]) -> Interval:
    return Interval(value, ends[0], ends[1])


def _gain(change: Json | None) -> Interval | None:
    return None if change is None else _interval(change["difference"], change["ci95"])
