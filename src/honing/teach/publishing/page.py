"""The page of a study: what was found, how sure it is, and what speaks against it, in the order in which a
doubting reader asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from honing.store import (
    Badge,
    Block,
    Cell,
    CellKind,
    Column,
    Fact,
    Headline,
    Interval,
    KeyValues,
    Report,
    Run,
    Section,
    Table,
    Text,
    Tone,
)
from honing.teach.phase import Criterion
from honing.teach.publishing.cells import cell_interval
from honing.teach.publishing.figures import figures_of
from honing.teach.publishing.tables import criteria_table, tables_of
from honing.teach.publishing.training_figures import greedy
from honing.teach.running.outcomes import result_of
from honing.teach.study_spec import StudySpec, TeacherKind
from honing.teach.verdicts import claims, hypotheses
from honing.teach.verdicts.artifacts import document, number, table
from honing.teach.verdicts.wording import said as in_words

_TONES = {"supported": Tone.GOOD, "not supported": Tone.BAD, "not decided": Tone.NEUTRAL}


@dataclass(frozen=True, slots=True)
class _Shown:
    """A section made of figures and tables alone."""

    title: str
    text: str
    names: tuple[str, ...]
    """Of figures and tables, in order; what a run does not have is left out."""


_SECTIONS = (
    _Shown(
        "What can be taught",
        "Each snapshot is a saved state of a failed episode, measured by rollouts from that state.",
        ("quadrants", "landscape", "profiles", "example_moments"),
    ),
    _Shown(
        "The patch test",
        "A patch shows the student an example from a similar situation; the placebo has no content.",
        ("placebo_control", "elp_by_quadrant", "routes_by_quadrant"),
    ),
    _Shown(
        "Is the patch test to be believed?",
        "Single snapshots are trained on, and the gain is held against what the patch test foretold.",
        ("cpt_agreement", "cpt_validation", "micro_training"),
    ),
    _Shown(
        "What training gave",
        "Every run trains beside the same replay; all meet the same held-out tasks with the same random "
        "numbers.",
        (
            "gains",
            "supervision_heat_map",
            "transfer_matrix",
            "retention_frontier",
            "stuckness",
            "training_matrix",
        ),
    ),
    _Shown(
        "Can it be foretold?",
        "Predictions are out of fold; folds keep tasks together.",
        ("predictor_quality", "predictor_ranking", "predictor"),
    ),
    _Shown(
        "Which snapshots to train on",
        "Every method chooses as many from the same pool. `random_same_kind` draws from the same kinds of "
        "action as the oracle: what it gains is not the payoff's doing.",
        ("selection", "selection_methods", "selection_comparisons"),
    ),
)


def page_of(run: Run, spec: StudySpec) -> Report:
    """The page of a run as its artifacts stand. Nothing volatile is on it."""
    folder = run.path
    blocks: dict[str, Block] = {**figures_of(folder), **tables_of(folder)}
    criteria = result_of(run).criteria
    sections = (
        _result(folder, criteria),
        _verdicts(folder),
        *(_section(shown, blocks) for shown in _SECTIONS),
        _criteria(criteria),
        _claims(folder),
        _setting(folder, spec),
    )
    return Report(
        title=f"Teachable moments: {spec.name}",
        subtitle=f"{spec.environment.name}, seed {spec.seed}",
        badges=_badges(spec, criteria),
        sections=tuple(one for one in sections if one is not None),
        footer="`hone teach run` makes this page again; `hone report RUN` renders it.",
    )


def _section(shown: _Shown, blocks: Mapping[str, Block]) -> Section | None:
    found = tuple(blocks[name] for name in shown.names if name in blocks)
    return Section(title=shown.title, text=shown.text, blocks=found) if found else None


def _badges(spec: StudySpec, criteria: Sequence[Criterion]) -> tuple[Badge, ...]:
    deciding = [one for one in criteria if one.decides]
    met = sum(one.met is True for one in deciding)
    tone = Tone.GOOD if met == len(deciding) else Tone.WARN
    found = [Badge(f"{met} of {len(deciding)} criteria met", tone)]
    if spec.teacher.kind is TeacherKind.MOCK or spec.student.mock:
        found.append(Badge("wiring only: mocks took part", Tone.BAD))
    return tuple(found)


def _result(folder: Path, criteria: Sequence[Criterion]) -> Section | None:
    rows = greedy(table(folder, "phase3/overall_task_results.csv"))
    kept = {
        row["run_id"]
        for row in greedy(table(folder, "phase3/retention_results.csv"))
        if row["kept"].lower() == "true"
    }
    base = next((row for row in rows if row["run_id"] == "base"), None)
    trained = [row for row in rows if row["run_id"] in kept and row["run_id"] != "base"]
    if base is None or not trained:
        return None
    best = max(trained, key=lambda row: (number(row["difference"]) or 0.0, row["run_id"]))
    all_fine = all(one.met is not False for one in criteria if one.decides)
    headline = Headline(
        label=f"Gain of {best['run_id']}, the best of {len(trained)} training runs that keep what the "
        "student could do",
        value=number(best["difference"]),
        interval=_interval(cell_interval(best, "difference", "difference_")),
        kind=CellKind.NUMBER,
        digits=3,
        badge=Badge("every criterion holds", Tone.GOOD)
        if all_fine
        else Badge("some criteria do not hold", Tone.WARN),
        note="The best of many is biased upwards; the interval does not know that it was chosen.",
        facts=(
            Fact(label="Base", value=cell_interval(base, "success", ""), kind=CellKind.INTERVAL, digits=3),
            Fact(label="Then", value=cell_interval(best, "success", ""), kind=CellKind.INTERVAL, digits=3),
            Fact(label="Held-out tasks", value=int(float(base["n"])), kind=CellKind.NUMBER, digits=0),
        ),
    )
    return Section(title="Result", blocks=(headline,))


def _interval(cell: Cell) -> Interval | None:
    return cell if isinstance(cell, Interval) else None


def _verdicts(folder: Path) -> Section:
    rows: list[dict[str, Cell]] = [
        {
            "name": one.id,
            "sentence": one.sentence,
            "verdict": Badge(one.verdict.value, _TONES[one.verdict.value]),
            "found": f"{one.effect_name}: {in_words(one.found)}",
        }
        for one in hypotheses(folder)
    ]
    columns = (
        Column(key="name", title="Hypothesis"),
        Column(key="verdict", title="Verdict", kind=CellKind.BADGE),
        Column(key="sentence", title="What it says"),
        Column(key="found", title="Found"),
    )
    return Section(title="Hypotheses", blocks=(Table.of(columns, rows),))


def _criteria(criteria: Sequence[Criterion]) -> Section | None:
    if not criteria:
        return None
    return Section(
        title="Criteria",
        text="Set before the study; one that is not met is printed and decides the exit code.",
        blocks=(criteria_table(criteria),),
    )


def _claims(folder: Path) -> Section | None:
    said = claims(folder)
    if not said:
        return None
    return Section(
        title="What may be said",
        text="Each sentence with its test, effect, interval and n; also in claims.json.",
        blocks=tuple(Text(text=one.sentence) for one in said),
    )


def _setting(folder: Path, spec: StudySpec) -> Section:
    student: dict[str, Any] = document(folder, "phase0/student.json") or {}
    facts = (
        Fact(label="Environment", value=spec.environment.name),
        Fact(label="Student", value=str(student.get("identity", "")), kind=CellKind.CODE),
        Fact(label="Teacher", value=spec.teacher.kind.value),
        Fact(label="Episodes collected", value=spec.collect.n_tasks, kind=CellKind.NUMBER, digits=0),
        Fact(label="Micro-training", value=", ".join(each.label for each in spec.micro_training.settings)),
        Fact(label="Trainer", value=spec.training.trainer),
        Fact(label="Replay", value=spec.training.replay, kind=CellKind.NUMBER, digits=2),
        Fact(label="Seed", value=spec.seed, kind=CellKind.NUMBER, digits=0),
    )
    return Section(title="Setting", blocks=(KeyValues(facts=facts),))
