"""The patch test: five conditions, what they gain, and agreement with the closed form."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import fmean

import pytest
from chain_scene import STUDENT, WORLD, advice_on, chain_desk, chain_snapshots, truth_of

from honing.environments.scripted import Place, Wrong, chain_task
from honing.environments.scripted_truth import condition_by_content
from honing.learn import CONDITIONS, Lesson, Situation, draw, patch_text
from honing.teach.desk import Desk
from honing.teach.labels.arms import Acting
from honing.teach.labels.disruption import disruption
from honing.teach.labels.forcing import NO_ADVICE, NO_STATE
from honing.teach.phases import phase_named
from honing.teach.phases.patch_test import (
    arms_of,
    best,
    own_lesson,
    patch_test_of,
    patch_tests,
    reliability_of,
)
from honing.teach.snapshot import Advice, Route, Snapshot
from honing.teach.study_spec import PatchTestSpec
from honing.teach.supervision import lesson_of

LESSON = Lesson(
    observation="a room", action="go", reason="it leads on", wrong="stay", diagnosis="no step was made"
)


@pytest.fixture(scope="module")
def rows() -> list[Snapshot]:
    """Moments outside pits, where patches can matter."""
    found = chain_snapshots(240)
    return [row for row in found if row.env_state is not None and not row.env_state["pit"]][:80]


@pytest.fixture(scope="module")
def measured(rows: list[Snapshot], tmp_path_factory: pytest.TempPathFactory) -> tuple[Desk, list[Snapshot]]:
    """Labelled with six episodes per condition."""
    desk = chain_desk(tmp_path_factory.mktemp("cpt") / "run", cpt={"n_per_condition": 6, "retest": False})
    return desk, patch_tests(desk, STUDENT, rows)[0]


def outcomes(base: int, placebo: int, demo: int, contrast: int, hint: int) -> dict[str, list[int]]:
    """Two episodes each, so many of them successes."""
    numbers = zip(CONDITIONS, (base, placebo, demo, contrast, hint), strict=True)
    return {name: [1] * found + [0] * (2 - found) for name, found in numbers}


def test_gains_are_measured_against_the_placebo_and_against_nothing() -> None:
    found = patch_test_of(outcomes(0, 1, 2, 0, 1))

    assert {name: rate.p for name, rate in found.p.items()} == {
        "base": 0.0, "placebo": 0.5, "demo": 1.0, "contrast": 0.0, "hint": 0.5,
    }  # fmt: skip
    assert found.delta_net == {Route.DEMO: 0.5, Route.CONTRAST: -0.5, Route.HINT: 0.0}
    assert found.delta_raw == {Route.DEMO: 1.0, Route.CONTRAST: 0.0, Route.HINT: 0.5}
    assert (found.ELP_net, found.ELP_raw, found.route_net) == (0.5, 1.0, Route.DEMO)
    assert (found.ELP_net_retest, found.delta_net_retest) == (None, None)


def test_a_retest_has_its_own_largest_gain() -> None:
    again = {f"{name}_retest": found for name, found in outcomes(0, 0, 0, 1, 2).items()}
    found = patch_test_of({**outcomes(0, 0, 1, 0, 0), **again})

    assert (found.ELP_net, found.route_net, found.ELP_net_retest) == (0.5, Route.DEMO, 1.0)
    assert found.delta_net_retest == {Route.DEMO: 0.0, Route.CONTRAST: 0.5, Route.HINT: 1.0}


@pytest.mark.parametrize(
    ("gains", "route"),
    [((0.5, 0.5, 0.5), Route.DEMO), ((0.0, 0.5, 0.5), Route.CONTRAST), ((-1.0, -1.0, -0.5), Route.HINT)],
)
def test_the_route_is_the_largest_gain_and_the_first_among_equals(
    gains: tuple[float, float, float], route: Route
) -> None:
    assert best(dict(zip(Route, gains, strict=True))) is route


def test_every_condition_is_tried_with_the_same_draws_and_its_own_patch() -> None:
    arms = arms_of(PatchTestSpec(n_per_condition=3, patch_steps=2, retest=False), STUDENT, LESSON)

    assert [(arm.name, arm.n, arm.draw, arm.patch, arm.patch_steps) for arm in arms] == [
        (name, 3, "cpt", patch_text(name, LESSON), 2) for name in CONDITIONS
    ]
    assert arms[0].patch == ""


def test_a_retest_repeats_every_condition_with_fresh_draws() -> None:
    arms = arms_of(PatchTestSpec(), STUDENT, LESSON)

    assert [(arm.name, arm.draw) for arm in arms[5:]] == [
        (f"{name}_retest", "cpt-again") for name in CONDITIONS
    ]
    assert [arm.patch for arm in arms[5:]] == [arm.patch for arm in arms[:5]]


def test_endings_that_cannot_vary_are_played_once() -> None:
    greedy = Acting(policy=STUDENT.policy, temperature=0.0)

    assert [(arm.name, arm.n) for arm in arms_of(PatchTestSpec(), greedy, LESSON)] == [
        (name, 1) for name in CONDITIONS
    ]


def test_patches_are_read_by_the_student_as_what_they_are(rows: list[Snapshot]) -> None:
    read = set()
    for row in rows:
        lesson = lesson_of(row)
        assert lesson is not None
        for name in CONDITIONS:
            seen = Situation(
                goal=row.goal,
                observation=row.observation,
                actions=tuple(row.valid_actions),
                patch=patch_text(name, lesson),
            )
            same = name == "contrast" and lesson.wrong == lesson.action
            read.add((name, "contrast" if same else condition_by_content(seen)))

    assert read == {(name, name) for name in CONDITIONS}


def test_rates_under_each_condition_agree_with_the_closed_form(
    measured: tuple[Desk, list[Snapshot]],
) -> None:
    pairs = [(one.cpt, truth_of(one)) for one in measured[1] if one.cpt is not None]
    errors = {name: fmean(found.p[name].p - known.p[name] for found, known in pairs) for name in CONDITIONS}

    assert errors == pytest.approx(dict.fromkeys(CONDITIONS, 0.0), abs=0.04)


def test_a_patch_for_the_whole_episode_agrees_with_the_closed_form(
    rows: list[Snapshot], tmp_path: Path
) -> None:
    desk = chain_desk(tmp_path / "run", cpt={"n_per_condition": 5, "patch_steps": None, "retest": False})
    pairs = [
        (one.cpt, truth_of(one, patch_steps=None))
        for one in patch_tests(desk, STUDENT, rows)[0]
        if one.cpt is not None
    ]
    errors = {name: fmean(found.p[name].p - known.p[name] for found, known in pairs) for name in CONDITIONS}

    assert errors == pytest.approx(dict.fromkeys(CONDITIONS, 0.0), abs=0.04)


@pytest.mark.parametrize(("patch_steps", "rate"), [(1, 0.9 * 0.1), (2, 0.9 * 0.9), (None, 0.9 * 0.9)])
def test_a_patch_is_shown_for_as_many_steps_as_the_study_says(
    tmp_path: Path, patch_steps: int | None, rate: float
) -> None:
    leaf = Place(sign="leaf", wrong=Wrong.PIT, doors=("red", "black"))
    environment = WORLD.make()
    step = environment.reset(chain_task("made", [leaf, leaf]))
    row = chain_snapshots(1)[0].model_copy(
        update={
            "task": environment.task.as_document(),
            "observation": step.observation,
            "valid_actions": list(step.actions),
            "history": [],
            "env_state": environment.save(),
            "advice": advice_on(step.observation, step.actions),
        }
    )
    cpt = {"n_per_condition": 80, "patch_steps": patch_steps, "retest": False}
    found = patch_tests(chain_desk(tmp_path / "run", cpt=cpt), STUDENT, [row])[0][0].cpt

    assert found is not None
    assert found.p["demo"].p == pytest.approx(rate, abs=0.1)


def test_payoff_is_found_where_the_closed_form_has_it(measured: tuple[Desk, list[Snapshot]]) -> None:
    pairs = [(truth_of(one).ELP_net, one.cpt.ELP_net) for one in measured[1] if one.cpt is not None]
    high = fmean(found for known, found in pairs if known > 0.2)
    low = fmean(found for known, found in pairs if known < 0.02)

    assert high > 0.2 > 0.1 > low


def test_a_payoff_that_is_only_chosen_vanishes_when_its_route_is_measured_again(rows: list[Snapshot]) -> None:
    """Patches that do nothing: the largest of three differences looks like a gain all the same."""
    names = [f"{name}{again}" for again in ("", "_retest") for name in CONDITIONS]
    episodes = {
        row.id: {name: [int(draw(row.id, name, number) < 0.5) for number in range(2)] for name in names}
        for row in rows
    }
    done = [row.model_copy(update={"cpt": patch_test_of(episodes[row.id])}) for row in rows]
    found = reliability_of(done, episodes)

    assert found["ELP_net"]["low"] > 0.15
    assert found["same_route_again"]["low"] < 0.0 < found["same_route_again"]["high"]
    assert found["retest"]["low"] < 0.0 < found["retest"]["high"]
    assert (found["retest"]["n"], found["split_half"]["n"]) == (80, 80)


def test_without_valid_advice_or_state_there_is_the_reason_and_no_number(
    rows: list[Snapshot], tmp_path: Path
) -> None:
    odd = [
        rows[0].model_copy(update={"advice": Advice(suggested_action="", teacher="model", valid=False)}),
        rows[1].model_copy(update={"env_state": None}),
        rows[2].model_copy(update={"env_state": {**(rows[2].env_state or {}), "place": 99}}),
        rows[3],
    ]
    done, episodes = patch_tests(chain_desk(tmp_path / "run"), STUDENT, odd)

    assert [one.cpt is None for one in done] == [True, True, True, False]
    assert [one.missing.get("cpt", "")[:8] for one in done] == [NO_ADVICE[:8], NO_STATE[:8], "tampered", ""]
    assert list(episodes) == [rows[3].id]


def test_recovery_and_disruption_come_from_pairs_of_episodes() -> None:
    failing = {
        "a": {"base": [0, 0], "demo": [1, 0]},
        "b": {"base": [0, 1], "demo": [1, 0]},
        "c": {"base": [0, 0], "demo": [0, 1]},
    }
    succeeding = {"x": {"base": [1, 1], "demo": [1, 0]}, "y": {"base": [1, 0], "demo": [1, 1]}}
    found = disruption(failing, succeeding, ["demo"])["demo"]

    assert (found["recovery"]["p"], found["recovery"]["n"], found["recovery"]["snapshots"]) == (0.6, 5, 3)
    assert (found["disruption"]["p"], found["disruption"]["n"]) == (pytest.approx(1 / 3), 3)
    assert found["worth_above"]["p"] == pytest.approx((1 / 3) / (1 / 3 + 0.6))
    assert found["worth_above"]["low"] < found["worth_above"]["p"] < found["worth_above"]["high"]


def test_a_patch_that_breaks_nothing_is_worth_applying_at_any_risk() -> None:
    failing = {"a": {"base": [0], "demo": [1]}, "b": {"base": [0], "demo": [0]}}
    succeeding = {"x": {"base": [1], "demo": [1]}, "y": {"base": [1], "demo": [1]}}

    assert disruption(failing, succeeding, ["demo"])["demo"]["worth_above"]["p"] == 0.0


def test_nothing_to_compare_gives_no_rate() -> None:
    found = disruption({"a": {"base": [1], "demo": [1]}}, {}, ["demo"])["demo"]

    assert (found["recovery"]["p"], found["disruption"]["n"], found["worth_above"]["p"]) == (None, 0, None)


def test_a_success_that_nobody_advised_on_teaches_what_was_done() -> None:
    row = chain_snapshots(1, success=True)[0]
    lesson = own_lesson(row, "door")

    assert lesson.action == row.action
    assert lesson.wrong in set(row.valid_actions) - {row.action}


def test_the_phase_writes_labels_disruption_and_reliability(tmp_path: Path) -> None:
    desk = chain_desk(tmp_path / "run", cpt={"succeeding": 12})
    rows = [row.as_document() for row in chain_snapshots(20)]
    happy = [row.as_document() for row in chain_snapshots(20, success=True)]
    desk.run.write_jsonl("phase1/labeled_snapshots.jsonl", rows)
    desk.run.write_json("phase1/reliability.json", {"L_local": {"kept": True}})
    desk.run.write_json("phase0/succeeding_snapshots.json", happy)
    outcome = phase_named("cpt").run(desk)
    folder = desk.run.path / "phase1"
    rates = json.loads((folder / "disruption.json").read_text())
    episodes = json.loads((folder / "label_episodes.json").read_text())

    assert outcome.artifacts == (
        "phase1/labeled_snapshots.jsonl",
        "phase1/labeled_snapshots.json",
        "phase1/label_episodes.json",
        "phase1/reliability.json",
        "phase1/disruption.json",
    )
    assert sorted(rates) == ["contrast", "demo", "hint", "placebo"]
    assert (len(episodes["cpt"]), len(episodes["cpt_succeeding"])) == (20, 12)
    assert sorted(json.loads((folder / "reliability.json").read_text())) == ["ELP_net", "L_local"]
    assert [one.cpt is not None for one in desk.snapshots("phase1/labeled_snapshots.json")] == [True] * 20


def test_advised_successes_are_taken_before_those_nobody_looked_at(tmp_path: Path) -> None:
    desk = chain_desk(tmp_path / "run")
    happy = chain_snapshots(8, success=True)
    desk.run.write_jsonl("phase1/labeled_snapshots.jsonl", [])
    desk.run.write_json("phase0/succeeding_snapshots.json", [row.as_document() for row in happy])
    desk.run.write_json("phase1/succeeding_snapshots.json", [row.as_document() for row in happy[:3]])
    phase_named("cpt").run(desk)
    episodes = json.loads((desk.run.path / "phase1" / "label_episodes.json").read_text())

    assert sorted(episodes["cpt_succeeding"]) == sorted(row.id for row in happy[:3])
