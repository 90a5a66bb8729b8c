"""The sections of a run's page, in the order in which a doubting reader asks."""

from __future__ import annotations

from honing.harness.candidate import Arm
from honing.harness.ledger import Ledger, read_ledger, warnings_of
from honing.harness.ledger.base import UNCONFINED, final_estimate, sandboxes
from honing.harness.ledger.comparing import concluded
from honing.harness.loop.intervals import score_interval
from honing.harness.report.changes import attribution_blocks, diff_blocks
from honing.harness.report.figures import budget_figure, lineage_figure, task_map
from honing.harness.report.tables import (
    acceptance_tables,
    candidate_table,
    held_out_table,
    outcome_table,
    prediction_table,
    shown_interval,
    spending_table,
)
from honing.store import (
    REPORT_FILE,
    Badge,
    CellKind,
    Fact,
    Headline,
    Interval,
    KeyValues,
    Report,
    Run,
    RunStatus,
    Section,
    Text,
    Tone,
)
from honing.view import render

MINUS = "\N{MINUS SIGN}"


def report_of(run: Run) -> Report:
    """The page of a run as it stands now."""
    return report_from(read_ledger(run))


def write_report(run: Run, ledger: Ledger) -> None:
    """Write `report.json` and, made of it, `report.html` into the run.

    Raises:
        StoreError: The run cannot be written.
    """
    report = report_from(ledger)
    report.write(run.artifact(REPORT_FILE))
    run.write_text("report.html", render(report))


def report_from(ledger: Ledger) -> Report:
    """The page of a ledger. The same ledger gives the same page, but for its times, which are not on it."""
    facts = ledger.facts
    sections = (
        _result(ledger),
        _held_out(ledger),
        _budget(ledger),
        _candidates(ledger),
        _tasks(ledger),
        _acceptance(ledger),
        _changes(ledger),
        _spending(ledger),
        _asked(ledger),
    )
    agent = f"{facts.agent} {facts.model}".strip()
    return Report(
        title=facts.project or ledger.name,
        subtitle=facts.objective,
        badges=(*_standing(ledger), *([Badge(agent, Tone.INFO)] if agent else [])),
        sections=tuple(section for section in sections if section is not None),
        footer="`hone harness inspect RUN` says it in a terminal; `hone report RUN` makes this page again.",
    )


def _standing(ledger: Ledger) -> list[Badge]:
    """The verdict, where the run stands, and whether anything was not contained."""
    found = []
    if ledger.status is not RunStatus.DONE:
        found.append(Badge(ledger.status.value, Tone.WARN))
    if ledger.baseline is not None:
        verdict = Badge("improved", Tone.GOOD) if ledger.improved else Badge("not improved", Tone.NEUTRAL)
        found.append(verdict)
    if ledger.unconfined:
        found.append(Badge(UNCONFINED, Tone.BAD))
    return found


def _result(ledger: Ledger) -> Section:
    best, baseline = ledger.best(), ledger.baseline
    blocks: list[Headline | Text] = []
    if best is not None and baseline is not None:
        blocks.append(_headline(ledger))
    else:
        blocks.append(Text(text="The baseline is not evaluated yet.", tone=Tone.WARN))
    blocks += [Text(text=warning, tone=_tone(warning)) for warning in warnings_of(ledger)]
    return Section(title="Result", blocks=tuple(blocks))


def _headline(ledger: Ledger) -> Headline:
    best, control = ledger.best(), ledger.best(Arm.CONTROL)
    assert best is not None
    estimate = final_estimate(ledger)
    facts = [
        Fact(
            label="baseline", value=ledger.baseline.score if ledger.baseline else None, kind=CellKind.NUMBER
        ),
        _gain(ledger, "gain", "gain"),
        _gain(ledger, "held-out gain", "held_out_gain"),
    ]
    if ledger.facts.control:
        score = control.score if control is not None else None
        facts.append(
            Fact(label="control arm", value=score, kind=CellKind.NUMBER, note="best of n, equal budget")
        )
    facts.append(Fact(label="cost", value=ledger.spend.cost_usd, kind=CellKind.MONEY))
    badge = Badge("improved", Tone.GOOD) if ledger.improved else Badge("not improved", Tone.NEUTRAL)
    return Headline(
        label=f"Score of {best.id} on the search tasks",
        value=estimate,
        interval=_interval_of(ledger, estimate),
        badge=Badge(UNCONFINED, Tone.BAD) if ledger.unconfined else badge,
        note=_gap_words(ledger),
        facts=tuple(facts),
    )


def _gain(ledger: Ledger, label: str, name: str) -> Fact:
    """A difference as the end of the run found it, with its interval below."""
    found = concluded(ledger, name)
    if found is None:
        return Fact(label=label, value=None)
    span = f"{found.low:+.3f} to {found.high:+.3f}".replace("-", MINUS)
    return Fact(label=label, value=f"{found.estimate:+.3f}".replace("-", MINUS), note=span)


def _interval_of(ledger: Ledger, estimate: float | None) -> Interval | None:
    """Of the evaluation that the estimate is the score of; None where only the estimate is known."""
    best = ledger.best()
    assert best is not None
    judged = ledger.fresh.get(best.id, best.evaluation)
    if judged is None or judged.score != estimate:
        return None
    return shown_interval(score_interval(judged, level=ledger.facts.level))


def _gap_words(ledger: Ledger) -> str:
    """What the winner's luck was worth, where it was looked at once more."""
    best, estimate = ledger.best(), final_estimate(ledger)
    if best is None or best.score is None or estimate is None:
        return ""
    if best.score == estimate:
        return "The baseline itself." if best is ledger.baseline else ""
    return f"As it was selected it scored {best.score:.3f}; on fresh seeds {estimate:.3f}."


def _tone(warning: str) -> Tone:
    return Tone.BAD if "sandbox" in warning or "judge" in warning else Tone.WARN


def _held_out(ledger: Ledger) -> Section:
    if not ledger.facts.held_out_tasks:
        words = "The project has none, so nothing says whether the gain reaches beyond what was shown."
        return Section(title="Held-out tasks", blocks=(Text(text=words, tone=Tone.WARN),))
    if not ledger.held_out:
        words = "They are sealed until the run ends."
        return Section(title="Held-out tasks", blocks=(Text(text=words),))
    return Section(
        title="Held-out tasks",
        text="Tasks that no proposal was shown, run once at the end on the baseline and both arms' winners.",
        blocks=held_out_table(ledger),
    )


def _budget(ledger: Ledger) -> Section | None:
    figure = budget_figure(ledger)
    if figure is None:
        return None
    return Section(
        title="Score over budget",
        text="The best that each arm had after so many proposals. The control arm proposes from the baseline "
        "alone, at the same budget: it is what a search has to beat.",
        blocks=(figure,),
    )


def _candidates(ledger: Ledger) -> Section | None:
    if len(ledger.candidates) < 2:
        return None
    return Section(
        title="Candidates",
        blocks=(lineage_figure(ledger), outcome_table(ledger), candidate_table(ledger)),
    )


def _tasks(ledger: Ledger) -> Section | None:
    figure = task_map(ledger)
    if figure is None:
        return None
    return Section(title="Tasks", text="Mean score of each task over its seeds.", blocks=(figure,))


def _acceptance(ledger: Ledger) -> Section | None:
    predictions = prediction_table(ledger)
    blocks = (*acceptance_tables(ledger), *([predictions] if predictions is not None else []))
    if not blocks:
        return None
    return Section(
        title="What was believed",
        text="A candidate is compared with its parent on the same tasks and seeds. Where tasks are noisy it "
        "is tested again on fresh seeds before it is kept; that second look is its corrected score.",
        blocks=blocks,
    )


def _changes(ledger: Ledger) -> Section | None:
    blocks = (*attribution_blocks(ledger), *diff_blocks(ledger))
    return Section(title="Changes", blocks=blocks) if blocks else None


def _spending(ledger: Ledger) -> Section:
    return Section(
        title="Cost",
        text="Model calls as the gateway counted them, the same way for every agent.",
        blocks=spending_table(ledger),
    )


def _asked(ledger: Ledger) -> Section:
    facts = ledger.facts
    rows: dict[str, str | int] = {
        "project": facts.project,
        "agent": f"{facts.agent} {facts.model}".strip(),
        "search": facts.search,
        "proposals of each arm": facts.proposals,
        "in flight": facts.in_flight,
        "keep rule": facts.rule,
        "control arm": "best of n" if facts.control else "none",
        "seeds of a noisy task": facts.repeats,
        "tasks": len(facts.tasks),
        "held-out tasks": facts.held_out_tasks,
        "sandbox asked for": facts.sandbox,
        "contained by": ", ".join(
            dict.fromkeys(name for each in ledger.candidates for name in sandboxes(each))
        ),
        "seed": facts.seed,
    }
    shown = tuple(Fact(label=label, value=value) for label, value in rows.items() if value != "")
    return Section(title="What was asked", blocks=(KeyValues(facts=shown),))
