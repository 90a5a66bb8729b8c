"""Figures of a run: who came from whom, the best over budget, endings, and tasks by candidate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from honing.harness.candidate import Arm, Candidate, Outcome
from honing.harness.ledger import Ledger
from honing.harness.ledger.base import UNCONFINED, estimate_of, sandboxes
from honing.harness.loop.intervals import score_interval
from honing.harness.search.ranking import ancestors, leader
from honing.store import HeatMap, Lineage, Lines, Node, Point, Series, Shape, Tone

MOST_ROWS = 40
"""Candidates in the map of tasks."""
MOST_COLUMNS = 30
"""Tasks in the map of tasks."""
GROUPS = {Arm.SEARCH: "search", Arm.CONTROL: "control: best of n"}
_LOOKS: Mapping[Outcome, tuple[Shape, Tone]] = {
    Outcome.BASELINE: (Shape.SQUARE, Tone.INFO),
    Outcome.KEEP: (Shape.DISC, Tone.GOOD),
    Outcome.DISCARD: (Shape.RING, Tone.NEUTRAL),
    Outcome.NO_CHANGE: (Shape.DASH, Tone.NEUTRAL),
    Outcome.CRASH: (Shape.TRIANGLE, Tone.WARN),
    Outcome.TIMEOUT: (Shape.DIAMOND, Tone.WARN),
    Outcome.SCOPE_VIOLATION: (Shape.CROSS, Tone.BAD),
    Outcome.CLASS_VIOLATION: (Shape.PLUS, Tone.BAD),
    Outcome.LEAKAGE_VIOLATION: (Shape.SQUARE, Tone.BAD),
    Outcome.TAMPERED: (Shape.TRIANGLE, Tone.BAD),
    Outcome.INFRA_ERROR: (Shape.DIAMOND, Tone.INFO),
}


def tone_of(outcome: Outcome) -> Tone:
    """The tone in which an ending is shown everywhere on the page."""
    return _LOOKS[outcome][1]


def lineage_figure(ledger: Ledger) -> Lineage:
    """Both arms, one below the other: every candidate at its slot and score, a line to its parent."""
    by_id = {each.id: each for each in ledger.candidates}
    winners = {arm: best for arm in Arm if (best := ledger.best(arm)) is not None}
    paths = {name for best in winners.values() for name in ancestors(best, by_id)}
    labels = {best.id: best.id for best in winners.values()}
    return Lineage(
        title="What was made from what.",
        nodes=tuple(_node(each, labels, paths) for each in ledger.candidates),
        x_label="slot of the proposal",
        y_label="score",
        caption="Heavy lines lead to the winner of each arm. Candidates that were not scored stand below.",
    )


def budget_figure(ledger: Ledger) -> Lines | None:
    """The believed score of the best so far, by proposals made; None before the first proposal."""
    if ledger.baseline is None or len(ledger.candidates) < 2:
        return None
    series = tuple(_best_so_far(ledger, arm) for arm in Arm if ledger.arm(arm))
    same = len({each.points for each in series}) < len(series)
    return Lines(
        title="Best so far.",
        series=series,
        x_label="proposals made",
        y_label="score",
        caption=("Both arms went the same way: one line hides the other. " if same else "")
        + f"Bands are {ledger.facts.level:.0%} intervals of the leader's score for tasks like these; "
        "arms are compared on the same tasks, so overlapping bands do not mean that they are equal.",
    )


def task_map(ledger: Ledger) -> HeatMap | None:
    """Tasks by candidate, of those that say most: baseline, winners, what was kept, then the best others."""
    judged = [each for each in ledger.candidates if each.evaluation is not None and each.evaluation.by_task]
    if not judged:
        return None
    chosen = _chosen(ledger, judged)
    scores = {each.id: each.evaluation.by_task for each in chosen if each.evaluation is not None}
    every = list(dict.fromkeys(task for found in scores.values() for task in found))
    tasks = sorted(_most_telling(every, scores), key=every.index)
    left_out = [
        f"{len(judged) - len(chosen)} of {len(judged)} candidates" * (len(chosen) < len(judged)),
        f"{len(every) - len(tasks)} of {len(every)} tasks, those that differ least"
        * (len(tasks) < len(every)),
    ]
    words = " and ".join(part for part in left_out if part)
    return HeatMap(
        title="Score by candidate and task.",
        rows=tuple(_row_name(each) for each in chosen),
        columns=tuple(tasks),
        values=tuple(tuple(scores[each.id].get(task) for task in tasks) for each in chosen),
        digits=2,
        caption=(f"Not shown: {words}; the ledger has them. " if words else "")
        + "An empty cell was not run: the candidate was stopped before.",
    )


def _node(candidate: Candidate, labels: Mapping[str, str], paths: set[str]) -> Node:
    shape, tone = _LOOKS[candidate.outcome]
    free = UNCONFINED in sandboxes(candidate)
    return Node(
        id=f"{candidate.id}" if not free else f"{candidate.id} ({UNCONFINED})",
        position=candidate.slot,
        value=candidate.score,
        parents=candidate.parents,
        group="" if candidate.outcome is Outcome.BASELINE else GROUPS[candidate.arm],
        kind=candidate.outcome.value,
        shape=shape,
        tone=tone,
        label=labels.get(candidate.id, "") + (f" {UNCONFINED}" if free and candidate.id in labels else ""),
        strong=candidate.id in paths,
    )


def _best_so_far(ledger: Ledger, arm: Arm) -> Series:
    """Steps: flat until a better one came."""
    assert ledger.baseline is not None
    seen, points = [ledger.baseline], []
    best = ledger.baseline
    points.append(_point(0, best, ledger.facts.level))
    for candidate in ledger.arm(arm):
        seen.append(candidate)
        if candidate.outcome is not Outcome.KEEP:
            continue
        found = leader(seen)
        if found.id != best.id:
            points += [_point(candidate.slot, each, ledger.facts.level) for each in (best, found)]
            best = found
    last = max((each.slot for each in ledger.arm(arm)), default=0)
    points.append(_point(last, best, ledger.facts.level))
    return Series(name=GROUPS[arm], points=tuple(points))


def _point(x: int, candidate: Candidate, level: float) -> Point:
    estimate = estimate_of(candidate)
    span = score_interval(candidate.evaluation, level=level) if candidate.evaluation is not None else None
    if estimate is None or span is None:
        return Point(x=x, y=estimate or 0.0)
    # The interval is that of the first look; moved to where fresh seeds put the score, it keeps its width.
    shift = estimate - span.estimate
    return Point(x=x, y=estimate, low=max(span.low + shift, 0.0), high=min(span.high + shift, 1.0))


def _chosen(ledger: Ledger, judged: Sequence[Candidate]) -> list[Candidate]:
    winners = {best.id for arm in Arm if (best := ledger.best(arm)) is not None}

    def rank(each: Candidate) -> tuple[bool, bool, float, int]:
        first = each.outcome is Outcome.BASELINE or each.id in winners
        return (not first, each.outcome is not Outcome.KEEP, -(estimate_of(each) or 0.0), each.slot)

    kept = {each.id for each in sorted(judged, key=rank)[:MOST_ROWS]}
    return [each for each in judged if each.id in kept]


def _most_telling(tasks: Sequence[str], scores: Mapping[str, Mapping[str, float]]) -> list[str]:
    """The tasks whose scores differ most between candidates, where there are too many to show."""

    def reach(task: str) -> float:
        found = [row[task] for row in scores.values() if task in row]
        return max(found) - min(found)

    return sorted(tasks, key=lambda task: -reach(task))[:MOST_COLUMNS]


def _row_name(candidate: Candidate) -> str:
    free = f" {UNCONFINED}" if UNCONFINED in sandboxes(candidate) else ""
    return f"{candidate.id} {candidate.outcome.value}{free}"
