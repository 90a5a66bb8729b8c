"""What the winner changed: its diffs step by step, and which parts of them matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from honing.errors import StoreError
from honing.harness.candidate import Candidate
from honing.harness.ledger import Ledger
from honing.harness.ledger.inspecting import diff_of
from honing.harness.report.tables import exact_or_interval, from_zero
from honing.harness.search.ranking import ancestors
from honing.store import (
    TREES,
    Badge,
    Block,
    Cell,
    CellKind,
    Column,
    Diff,
    Table,
    Text,
    Tone,
    TreeStore,
)

MOST_STEPS = 12
"""Diffs of single steps; the winner's whole diff comes first."""
LARGEST_DIFF = 120_000
"""Characters of one diff on the page."""
_GONE = "what was compared is not in the store of trees beside the run any more."
_TONES = {"necessary": Tone.GOOD, "harmful": Tone.BAD, "no-effect": Tone.NEUTRAL, "undecided": Tone.WARN}


def diff_blocks(ledger: Ledger) -> tuple[Block, ...]:
    """The winner against the baseline, then each step on the way where there were several."""
    best, baseline = ledger.best(), ledger.baseline
    if best is None or baseline is None or best.id == baseline.id:
        return ()
    blocks = [_whole(ledger, baseline, best)]
    by_id = {each.id: each for each in ledger.candidates}
    steps = [by_id[name] for name in reversed(ancestors(best, by_id)) if name != baseline.id]
    if len(steps) < 2:
        return tuple(blocks)
    for step in steps[-MOST_STEPS:]:
        text, problem = diff_of(ledger, step)
        title = f"{step.parents[0]} to {step.id}"
        blocks.append(_diff(text, title, folded=True) if not problem else _missing(title, _GONE))
    return tuple(blocks)


def attribution_blocks(ledger: Ledger) -> tuple[Block, ...]:
    """What each part of the winner's changes contributes, where somebody asked."""
    found = ledger.attribution
    if found is None:
        return ()
    parts = [one for one in found.get("parts", ()) if isinstance(one, Mapping)]
    columns = (
        Column(key="id", title="Part", kind=CellKind.CODE),
        Column(key="finding", title="Finding", kind=CellKind.BADGE),
        Column(key="contribution", title="Contribution", kind=CellKind.INTERVAL),
        Column(key="summary", title="What it is"),
        Column(key="tasks", title="Tasks that it moves"),
    )
    level = float(found.get("level") or ledger.facts.level)
    rows = [_part(one, level) for one in parts]
    table = Table.of(
        from_zero(columns, rows),
        rows,
        caption="Each part of the winner's changes taken back, and the harness judged again.",
    )
    blocks: tuple[Block, ...] = (table, *_pairs(found, level))
    best = ledger.best()
    if best is not None and best.id == found.get("winner"):
        return blocks
    now = best.id if best is not None else "unknown"
    words = f"This attribution is of {found.get('winner')}; the winner is now {now}."
    return (*blocks, Text(text=words, tone=Tone.WARN))


def _whole(ledger: Ledger, baseline: Candidate, best: Candidate) -> Block:
    title = f"{baseline.id} to {best.id}, all changes"
    if baseline.tree is None or best.tree is None:
        return _missing(title, _GONE)
    try:
        diff = TreeStore(ledger.path.parent / TREES).diff(baseline.tree, best.tree)
        return _diff(diff.unified(), title, folded=False)
    except StoreError:
        return _missing(title, _GONE)


def _diff(text: str, title: str, *, folded: bool) -> Block:
    if not text:
        return Text(text="No file's content differs.", title=title)
    cut = len(text) - LARGEST_DIFF
    shown = text if cut <= 0 else f"{text[:LARGEST_DIFF]}\n[... {cut:,} characters more in best.patch ...]\n"
    return Diff(text=shown, title=title, folded=folded)


def _missing(title: str, problem: str) -> Text:
    return Text(text=f"Cannot be shown: {problem}", title=title, tone=Tone.WARN)


def _part(one: Mapping[str, Any], level: float) -> dict[str, Cell]:
    finding = str(one.get("finding", ""))
    moved = one.get("tasks")
    words = (
        ", ".join(f"{task} {value:+.3g}" for task, value in moved.items())
        if isinstance(moved, Mapping)
        else ""
    )
    return {
        "id": str(one.get("id", "")),
        "finding": Badge(finding, _TONES.get(finding, Tone.NEUTRAL)),
        "contribution": _contribution(one.get("contribution"), one.get("interval"), level),
        "summary": str(one.get("summary", "")),
        "tasks": words or None,
    }


def _pairs(found: Mapping[str, Any], level: float) -> tuple[Table, ...]:
    """Parts that are more or less together than one by one."""
    columns = (
        Column(key="parts", title="Parts", kind=CellKind.CODE),
        Column(key="together", title="Together they are", kind=CellKind.BADGE),
        Column(key="contribution", title="Contribution of both", kind=CellKind.INTERVAL),
    )
    rows: list[dict[str, Cell]] = [
        {
            "parts": ", ".join(str(part) for part in one.get("parts", ())),
            "together": Badge(str(one.get("together", "")), Tone.INFO),
            "contribution": _contribution(one.get("contribution"), one.get("interval"), level),
        }
        for one in found.get("pairs", ())
        if isinstance(one, Mapping)
    ]
    return (
        (Table.of(from_zero(columns, rows), rows, caption="Two parts taken back together"),) if rows else ()
    )


def _contribution(value: Any, ends: Any, level: float) -> Cell:
    if not isinstance(value, int | float):
        return None
    if isinstance(ends, Sequence) and len(ends) == 2 and all(isinstance(end, int | float) for end in ends):
        return exact_or_interval(float(value), float(ends[0]), float(ends[1]), level)
    return float(value)
