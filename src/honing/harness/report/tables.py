"""Tables of a run's page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from honing.harness.candidate import Arm, Candidate, Outcome
from honing.harness.ledger import Ledger
from honing.harness.ledger.base import UNCONFINED, estimate_of, sandboxes
from honing.harness.ledger.comparing import concluded, scores_of, weighted_difference
from honing.harness.ledger.inspecting import parent_of
from honing.harness.ledger.reading import spend_of
from honing.harness.ledger.rows import ledger_rows, observed_of
from honing.harness.report.figures import GROUPS, tone_of
from honing.harness.search.ranking import ancestors
from honing.stats import Interval as Measured
from honing.store import Badge, Block, Cell, CellKind, Column, HeatMap, Interval, Table, Text, Tone

UNFOLDED = 25
"""Candidates up to which the table of all stands open."""
MOST_LISTED = 400
"""Candidates in the table of all; a run with more has them in its ledger."""


def shown_interval(found: Measured | None) -> Interval | None:
    """A measured interval as a cell."""
    return None if found is None else Interval(found.estimate, found.low, found.high, found.level)


def candidate_table(ledger: Ledger) -> Table:
    """Every candidate: how it ended, its score, its cost and why."""
    columns = (
        Column(key="candidate_id", title="Candidate", kind=CellKind.CODE),
        Column(key="parent_candidate_ids", title="From", kind=CellKind.CODE),
        Column(key="outcome", title="Ended", kind=CellKind.BADGE),
        Column(key="objective", title="Score", kind=CellKind.NUMBER),
        Column(
            key="estimate", title="Estimate", kind=CellKind.NUMBER, note="On fresh seeds where tested again."
        ),
        Column(key="changed_file_count", title="Files", kind=CellKind.NUMBER),
        Column(key="token_output", title="Tokens out", kind=CellKind.NUMBER),
        Column(key="cost_usd", title="Cost", kind=CellKind.MONEY),
        Column(key="contained", title="Sandbox", kind=CellKind.BADGE),
        Column(key="outcome_summary", title="Why"),
    )
    by_id = {each.id: each for each in ledger.candidates}
    rows: list[dict[str, Cell]] = []
    for row in ledger_rows(ledger)[:MOST_LISTED]:
        candidate = by_id[row["candidate_id"]]
        cells = {**row, "outcome": Badge(row["outcome"], tone_of(candidate.outcome))}
        rows.append({**cells, "contained": _contained(candidate)})
    telling = [column for column in columns if _tells(column.key, rows)]
    more = len(ledger.candidates) - len(rows)
    caption = f"The first {MOST_LISTED} candidates; the ledger has {more} more." if more else ""
    caption = caption or f"All {len(rows)} candidates"
    return Table.of(telling, rows, caption=caption, folded=len(rows) > UNFOLDED)


def _tells(key: str, rows: list[dict[str, Cell]]) -> bool:
    """Whether a column says something; one that does not takes the room of one that does."""
    if key == "estimate":
        return any(row["estimate"] != row["objective"] for row in rows)
    if key == "contained":
        return any(isinstance(row["contained"], Badge) for row in rows)
    return key not in ("token_output", "cost_usd") or any(row[key] for row in rows)


def outcome_table(ledger: Ledger) -> Table:
    """How proposals ended, by arm."""
    arms = [arm for arm in Arm if ledger.arm(arm)]
    columns = [Column(key="outcome", title="How proposals ended", kind=CellKind.BADGE)]
    columns += [Column(key=arm.value, title=GROUPS[arm].capitalize(), kind=CellKind.NUMBER) for arm in arms]
    counts = {arm: ledger.counts(arm) for arm in arms}
    rows: list[dict[str, Cell]] = [
        {
            "outcome": Badge(outcome.value, tone_of(outcome)),
            **{arm.value: counts[arm][outcome] or None for arm in arms},
        }
        for outcome in Outcome
        if any(counts[arm].get(outcome) for arm in arms)
    ]
    return Table.of(columns, rows)


def held_out_table(ledger: Ledger) -> tuple[Block, ...]:
    """Score of each candidate that was tried on the held-out tasks, with its difference to the baseline."""
    baseline, control = ledger.baseline, ledger.best(Arm.CONTROL)
    columns = (
        Column(key="what", title=""),
        Column(key="id", title="Candidate", kind=CellKind.CODE),
        Column(key="search", title="Search tasks", kind=CellKind.NUMBER),
        Column(key="score", title="Held-out tasks", kind=CellKind.NUMBER),
        Column(key="gain", title="Minus the baseline", kind=CellKind.INTERVAL),
        Column(key="contained", title="Sandbox", kind=CellKind.BADGE),
    )
    named = [("baseline", baseline), ("the search's winner", ledger.best())]
    named += [("the control's winner", control)] if ledger.facts.control else []
    rows = []
    for what, candidate in named:
        if candidate is None or candidate.id not in ledger.held_out:
            continue
        gain = None
        if baseline is not None and candidate is not baseline:
            start = scores_of(ledger.held_out.get(baseline.id))
            gain = weighted_difference(
                scores_of(ledger.held_out[candidate.id]), start, level=ledger.facts.level
            )
        rows.append(
            {
                "what": what,
                "id": candidate.id,
                "search": _searched(ledger, candidate),
                "score": ledger.held_out_score(candidate),
                "gain": shown_interval(gain),
                "contained": _held_out_contained(ledger, candidate),
            }
        )
    return (Table.of(columns, rows), *_against_control(ledger), *_held_out_map(ledger, rows))


def acceptance_tables(ledger: Ledger) -> tuple[Table, ...]:
    """Each candidate that was kept or tested again: what it looked like, and what was left of it.

    First those that lead to the winners, then the others.
    """
    columns = [
        Column(key="id", title="Candidate", kind=CellKind.CODE),
        Column(key="verdict", title="Verdict", kind=CellKind.BADGE),
        Column(key="raw", title="Raw score", kind=CellKind.NUMBER),
        Column(key="difference", title="Minus the parent", kind=CellKind.INTERVAL),
        Column(key="retest", title="Again, on fresh seeds", kind=CellKind.INTERVAL),
        Column(key="estimate", title="Corrected", kind=CellKind.NUMBER),
        Column(key="gap", title="Luck", kind=CellKind.NUMBER, note="Raw score minus corrected score."),
        Column(key="why", title="Why"),
    ]
    by_id = {each.id: each for each in ledger.candidates}
    winners = [best for arm in Arm if (best := ledger.best(arm)) is not None]
    paths = {name for best in winners for name in ancestors(best, by_id)}
    compared = [each for each in ledger.candidates if each.acceptance is not None]
    shown = [
        each for each in compared if each.acceptance and (each.acceptance.accepted or each.acceptance.retest)
    ]
    leading = [_accepted(each, ledger.facts.level) for each in shown if each.id in paths]
    others = [_accepted(each, ledger.facts.level) for each in shown if each.id not in paths][:MOST_LISTED]
    lost = len(compared) - len(shown)
    words = f"{len(others)} others that were kept or tested again"
    words += f"; {lost} more lost the first comparison" if lost else ""
    columns = from_zero(columns, [*leading, *others])
    tables = (
        Table.of(columns, leading, caption="On the way to the winner of each arm"),
        Table.of(columns, others, caption=words, folded=len(others) > UNFOLDED),
    )
    return tuple(table for table in tables if table.rows)


def prediction_table(ledger: Ledger) -> Table | None:
    """What agents said their changes would mend, held against what happened; None where none said so."""
    columns = (
        Column(key="id", title="Candidate", kind=CellKind.CODE),
        Column(key="predicted", title="Predicted fixes", kind=CellKind.NUMBER),
        Column(key="hits", title="Came true", kind=CellKind.NUMBER),
        Column(key="unpredicted", title="Fixed, not predicted"),
        Column(key="foreseen", title="Worse, foreseen"),
        Column(key="unforeseen", title="Worse, not foreseen"),
    )
    rows = []
    for each in ledger.candidates:
        seen = observed_of(each, parent_of(ledger, each))
        if seen:
            rows.append(
                {
                    "id": each.id,
                    "predicted": seen["predicted"],
                    "hits": seen["hits"],
                    "unpredicted": ", ".join(seen["fixed_unpredicted"]) or None,
                    "foreseen": ", ".join(seen["regressions_foreseen"]) or None,
                    "unforeseen": ", ".join(seen["regressions_unforeseen"]) or None,
                }
            )
    if not rows:
        return None
    words = f"What agents predicted of {len(rows)} candidates; it decides nothing"
    return Table.of(columns, rows[:MOST_LISTED], caption=words, folded=len(rows) > UNFOLDED)


def spending_table(ledger: Ledger) -> tuple[Block, ...]:
    """Calls, tokens, money and task runs, by arm and in all."""
    columns = (
        Column(key="arm", title=""),
        Column(key="proposals", title="Proposals", kind=CellKind.NUMBER),
        Column(key="calls", title="Model calls", kind=CellKind.NUMBER),
        Column(key="input", title="Tokens in", kind=CellKind.NUMBER),
        Column(key="output", title="Tokens out", kind=CellKind.NUMBER),
        Column(key="cost", title="Cost", kind=CellKind.MONEY),
        Column(key="unknown", title="Of unknown cost", kind=CellKind.NUMBER),
        Column(key="each", title="Cost of a proposal", kind=CellKind.MONEY),
        Column(key="task_runs", title="Task runs", kind=CellKind.NUMBER),
    )
    parts: list[tuple[str, list[Candidate]]] = [
        (arm.value, ledger.arm(arm)) for arm in Arm if ledger.arm(arm)
    ]
    rows: list[dict[str, Cell]] = []
    for name, candidates in [*parts, ("in all, with the baseline", list(ledger.candidates))]:
        spent = spend_of(candidates)
        asked = sum(each.proposal is not None for each in candidates)
        known = asked - spent.cost_unknown
        rows.append(
            {
                "arm": name,
                "proposals": asked,
                "calls": spent.calls,
                "input": spent.input_tokens,
                "output": spent.output_tokens,
                "cost": spent.cost_usd,
                "unknown": spent.cost_unknown or None,
                "each": spent.cost_usd / known if known else None,
                "task_runs": spent.task_runs,
            }
        )
    return (Table.of(columns, rows),)


def _searched(ledger: Ledger, candidate: Candidate) -> float | None:
    """The score on the search tasks that is believed most: of the last look, where there was one."""
    again = ledger.fresh.get(candidate.id)
    return again.score if again is not None else estimate_of(candidate)


def _accepted(each: Candidate, level: float) -> dict[str, Cell]:
    found = each.acceptance
    assert found is not None
    kept = each.outcome is Outcome.KEEP
    gap = None if each.score is None or found.estimate is None else each.score - found.estimate
    return {
        "id": each.id,
        "verdict": Badge(each.outcome.value, Tone.GOOD if kept else Tone.NEUTRAL),
        "raw": each.score,
        "difference": _three(found.difference, level),
        "retest": _three(found.retest, level),
        "estimate": found.estimate,
        "gap": gap,
        "why": found.sentence,
    }


def _three(found: tuple[float, float, float] | None, level: float) -> Cell:
    return None if found is None else exact_or_interval(*found, level)


def exact_or_interval(value: float, low: float, high: float, level: float) -> Cell:
    """A measured value as a cell: the number alone where it is exact."""
    return value if low == value == high else Interval(value, low, high, level)


def from_zero(columns: Iterable[Column], rows: Sequence[Mapping[str, Cell]]) -> list[Column]:
    """The columns that hold anything, with zero on the bars of differences."""
    found = []
    for column in columns:
        cells = [row.get(column.key) for row in rows]
        spans = [cell for cell in cells if isinstance(cell, Interval)]
        if column.kind is CellKind.INTERVAL and spans:
            low, high = min(span.low for span in spans), max(span.high for span in spans)
            column = replace(column, low=min(low, 0.0), high=max(high, 0.0))
        if any(cell not in (None, "") for cell in cells):
            found.append(column)
    return found


def _contained(candidate: Candidate) -> Cell:
    names = sandboxes(candidate)
    if UNCONFINED in names:
        return Badge(UNCONFINED, Tone.BAD)
    return ", ".join(names) or None


def _held_out_contained(ledger: Ledger, candidate: Candidate) -> Cell:
    names = {run.score.sandbox for run in ledger.held_out[candidate.id].runs if run.score.sandbox}
    return Badge(UNCONFINED, Tone.BAD) if UNCONFINED in names else ", ".join(sorted(names)) or None


def _against_control(ledger: Ledger) -> tuple[Text, ...]:
    found = concluded(ledger, "held_out_over_control")
    if found is None:
        return ()
    words = f"{found.estimate:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"
    if found.low > 0:
        text, tone = (
            f"The search's winner beats the control's winner on the held-out tasks: {words}.",
            Tone.GOOD,
        )
    elif found.high < 0:
        text, tone = f"The control's winner beats the search's on the held-out tasks: {words}.", Tone.BAD
    else:
        text = f"The held-out tasks do not tell the search's winner from the control's: {words}."
        tone = Tone.NEUTRAL
    return (Text(text=text, tone=tone),)


def _held_out_map(ledger: Ledger, rows: list[dict[str, Cell]]) -> tuple[HeatMap, ...]:
    names = [str(row["id"]) for row in rows]
    scores = {name: ledger.held_out[name].by_task for name in names}
    tasks = list(dict.fromkeys(task for found in scores.values() for task in found))[:30]
    unique = list(dict.fromkeys(names))
    if not tasks:
        return ()
    return (
        HeatMap(
            title="Score on each held-out task.",
            rows=tuple(unique),
            columns=tuple(tasks),
            values=tuple(tuple(scores[name].get(task) for task in tasks) for name in unique),
            digits=2,
        ),
    )
