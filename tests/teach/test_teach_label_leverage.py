"""Leverage: arithmetic, agreement with the closed form, and what cannot be measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest
from chain_scene import EXPERT, STUDENT, WORLD, chain_desk, chain_snapshots, truth_of

from honing.environments import ChainPolicy
from honing.environments.scripted import Place, Wrong, chain_task
from honing.environments.scripted_truth import SKILLS
from honing.executors import ThreadsExecutor
from honing.learn import Situation, Turn
from honing.teach.desk import Desk
from honing.teach.labels.arms import Acting
from honing.teach.labels.forcing import NO_ACTION, NO_EXPERT, NO_STATE
from honing.teach.phases import phase_named
from honing.teach.phases.leverage import leverage_of, leverages, profile_of, reliability_of
from honing.teach.snapshot import Advice, Profile, Rate, Snapshot

INSIDE = Acting(policy={"kind": "expert"}, temperature=0.0)


@pytest.fixture(scope="module")
def rows() -> list[Snapshot]:
    return chain_snapshots(120)


@pytest.fixture(scope="module")
def measured(rows: list[Snapshot], tmp_path_factory: pytest.TempPathFactory) -> list[Snapshot]:
    desk = chain_desk(tmp_path_factory.mktemp("leverage") / "run")
    return leverages(desk, STUDENT, EXPERT, rows)[0]


def few(desk_folder: Path, **leverage: object) -> Desk:
    sizes = {"n_policy": 2, "n_force": 2, "n_expert": 2, **leverage}
    return chain_desk(desk_folder / "run", leverage=sizes)


def test_leverage_is_made_of_rates_and_their_differences() -> None:
    found = leverage_of(
        {
            "policy": [0, 0, 0, 1],
            "force": [1, 1, 0, 1],
            "expert": [1, 1],
            "policy_retest": [0, 0, 0, 0],
            "force_retest": [0, 1, 0, 0],
        },
        "go",
    )

    assert (found.p_policy.p, found.p_force.p, found.p_expert.p) == (0.25, 0.75, 1.0)
    assert (found.p_policy.n, found.p_force.n, found.p_expert.n) == (4, 4, 2)
    assert (found.L_local, found.L_upper, found.L_local_retest) == (0.5, 0.75, 0.25)
    assert found.L_local_low < 0.5 < found.L_local_high
    assert found.L_upper_low < 0.75 < found.L_upper_high
    assert (found.forced_action, found.profile) == ("go", Profile.MIXED)


def test_an_ending_that_cannot_vary_has_an_interval_without_width() -> None:
    found = leverage_of({"policy": [0], "force": [1], "expert": [1]}, "go", (True, True))

    assert found.p_force == Rate(p=1.0, n=1, low=1.0, high=1.0, exact=True)
    assert (found.L_local_low, found.L_local_high, found.L_upper_low, found.L_upper_high) == (1, 1, 1, 1)
    assert found.L_local_retest is None


def test_a_certain_expert_leaves_the_noise_of_the_student_alone() -> None:
    found = leverage_of({"policy": [0] * 7, "force": [0] * 7, "expert": [1]}, "go", (False, True))

    assert found.L_upper_high == 1.0
    assert found.L_upper_low == pytest.approx(1.0 - found.p_policy.high)


def test_paired_outcomes_that_agree_make_a_narrower_interval_than_those_that_do_not() -> None:
    together = leverage_of({"policy": [0, 0, 1, 1], "force": [0, 1, 1, 1], "expert": [1]}, "go")
    apart = leverage_of({"policy": [0, 0, 1, 1], "force": [1, 1, 1, 0], "expert": [1]}, "go")

    assert together.L_local == apart.L_local == 0.25
    assert together.L_local_high - together.L_local_low < apart.L_local_high - apart.L_local_low


@pytest.mark.parametrize(
    ("local", "upper", "profile"),
    [
        (0.29, 0.29, Profile.DEADEND),
        (0.9, 0.2, Profile.DEADEND),
        (0.5, 0.6, Profile.BOTTLENECK),
        (0.3, 0.4, Profile.MIXED),
        (0.5, 0.71, Profile.MIXED),
        (0.1, 0.5, Profile.TRAJECTORY),
        (0.19, 0.38, Profile.MIXED),
        (0.25, 0.9, Profile.MIXED),
    ],
)
def test_profiles_follow_the_definition(local: float, upper: float, profile: Profile) -> None:
    assert profile_of(local, upper) is profile


def test_rates_agree_with_the_closed_form_on_average(measured: list[Snapshot]) -> None:
    truth = [truth_of(one) for one in measured]
    found = [one.leverage for one in measured if one.leverage is not None]
    errors = {
        "p_policy": fmean(one.p_policy.p - known.p_policy for one, known in zip(found, truth, strict=True)),
        "p_force": fmean(one.p_force.p - known.p_force for one, known in zip(found, truth, strict=True)),
        "p_expert": fmean(one.p_expert.p - known.p_expert for one, known in zip(found, truth, strict=True)),
        "L_local": fmean(one.L_local - known.L_local for one, known in zip(found, truth, strict=True)),
        "L_upper": fmean(one.L_upper - known.L_upper for one, known in zip(found, truth, strict=True)),
    }

    # Four standard errors of 120 snapshots with 7 or 2 episodes each; draws are fixed, so this never wavers.
    assert errors == pytest.approx(dict.fromkeys(errors, 0.0), abs=0.06)


def test_intervals_hold_the_closed_form_where_it_is_not_at_the_edge(measured: list[Snapshot]) -> None:
    pairs = [(one.leverage, truth_of(one)) for one in measured if one.leverage is not None]
    held = [found.p_force.low - 1e-9 <= known.p_force <= found.p_force.high + 1e-9 for found, known in pairs]

    assert sum(held) / len(held) >= 0.9


def test_forcing_helps_most_where_the_closed_form_says_so(measured: list[Snapshot]) -> None:
    pairs = [(truth_of(one).L_local, one.leverage.L_local) for one in measured if one.leverage is not None]
    high = fmean(found for known, found in pairs if known > 0.25)
    low = fmean(found for known, found in pairs if known < 0.05)

    assert high > 0.25 > 0.1 > low


def sure_under_owls() -> ChainPolicy:
    return ChainPolicy({**SKILLS, "owl": replace(SKILLS["owl"], base=1.0)})


def test_policy_and_forced_episodes_meet_the_same_random_numbers(tmp_path: Path) -> None:
    places = [Place(sign=sign, wrong=Wrong.BACK, doors=("red", "black")) for sign in ("owl", "leaf", "leaf")]
    environment = WORLD.make()
    step = environment.reset(chain_task("made", places))
    row = chain_snapshots(1)[0].model_copy(
        update={
            "task": environment.task.as_document(),
            "history": [],
            "env_state": environment.save(),
            "valid_actions": list(step.actions),
            "advice": Advice(suggested_action="take the red door", teacher="expert"),
        }
    )
    student = Acting(policy={"kind": f"{__name__}:sure_under_owls"})
    outcomes = leverages(few(tmp_path, n_policy=60, n_force=60), student, INSIDE, [row])[1][row.id]

    # What is forced is what this student does there anyway, so both arms are the same episodes.
    assert outcomes["policy"] == outcomes["force"]
    assert outcomes["policy"] != outcomes["policy_retest"]
    assert 0 < sum(outcomes["policy"]) < 60


class Remembers:
    """Finds the black door where it has been through a red one, and takes the first action otherwise."""

    name = "remembers"

    def identity(self) -> str:
        return self.name

    def logprobs(self, turns: Sequence[Turn]) -> list[tuple[float, ...]]:
        return [self._one(turn.situation) for turn in turns]

    def _one(self, seen: Situation) -> tuple[float, ...]:
        black = "take the black door" in seen.actions and "take the red door" in seen.history
        chosen = "take the black door" if black else seen.actions[0]
        return tuple(0.0 if action == chosen else -math.inf for action in seen.actions)


@pytest.mark.parametrize(("before", "rate"), [("take the red door", 1.0), ("take the blue door", 0.0)])
def test_the_student_remembers_what_it_did_before_the_snapshot(
    tmp_path: Path, before: str, rate: float
) -> None:
    owl = Place(sign="owl", wrong=Wrong.STAY, doors=("red", "blue"))
    environment = WORLD.make()
    environment.reset(chain_task("made", [owl, Place(sign="leaf", wrong=Wrong.PIT, doors=("gold", "black"))]))
    step = environment.step("take the red door")
    row = chain_snapshots(1)[0].model_copy(
        update={
            "task": environment.task.as_document(),
            "history": [before],
            "env_state": environment.save(),
            "valid_actions": list(step.actions),
        }
    )
    student = Acting(policy={"kind": f"{__name__}:Remembers"})
    found = leverages(few(tmp_path), student, INSIDE, [row])[0][0].leverage

    assert found is not None
    assert found.p_policy.p == rate


def test_a_snapshot_without_a_state_gets_the_reason_and_no_number(
    rows: list[Snapshot], tmp_path: Path
) -> None:
    bare = [rows[0].model_copy(update={"env_state": None}), rows[1]]
    done, outcomes = leverages(few(tmp_path), STUDENT, EXPERT, bare)

    assert (done[0].leverage, done[0].missing) == (None, {"leverage": NO_STATE})
    assert (done[1].leverage is not None, done[1].missing) == (True, {})
    assert list(outcomes) == [rows[1].id]


@pytest.mark.parametrize(
    "advice",
    [
        None,
        Advice(suggested_action="", teacher="model", valid=False),
        Advice(suggested_action="take the pink door", teacher="model"),
    ],
    ids=["no advice", "invalid advice", "advice that is not possible there"],
)
def test_without_valid_advice_the_experts_action_is_forced(
    rows: list[Snapshot], tmp_path: Path, advice: Advice | None
) -> None:
    bare = [row.model_copy(update={"advice": advice}) for row in rows[:6]]
    done, _ = leverages(few(tmp_path), STUDENT, INSIDE, bare)
    environment = WORLD.make()
    known = []
    for row in bare:
        environment.restore(row.env_state or {})
        known.append(environment.expert_action())  # type: ignore[attr-defined]

    assert [one.leverage and one.leverage.forced_action for one in done] == known


def test_the_teachers_action_is_forced_even_where_it_is_wrong(rows: list[Snapshot], tmp_path: Path) -> None:
    standing = [row for row in rows if row.env_state and not row.env_state["pit"]][:8]
    wrong = [
        row.model_copy(
            update={
                "advice": Advice(
                    suggested_action=next(
                        action
                        for action in row.valid_actions
                        if row.advice and action != row.advice.suggested_action
                    ),
                    teacher="mock",
                )
            }
        )
        for row in standing
    ]
    done, _ = leverages(few(tmp_path, n_policy=40, n_force=40), STUDENT, INSIDE, wrong)

    assert fmean(one.leverage.p_force.p for one in done if one.leverage) == pytest.approx(
        fmean(truth_of(row).p_force for row in wrong), abs=0.05
    )


def test_the_worlds_own_expert_needs_one_episode(rows: list[Snapshot], tmp_path: Path) -> None:
    done, outcomes = leverages(few(tmp_path), STUDENT, INSIDE, rows[:10])

    assert {(one.leverage.p_expert.n, one.leverage.p_expert.exact) for one in done if one.leverage} == {
        (1, True)
    }
    assert {len(one["expert"]) for one in outcomes.values()} == {1}


def test_a_student_that_takes_its_likeliest_action_needs_one_episode(
    rows: list[Snapshot], tmp_path: Path
) -> None:
    greedy = Acting(policy=STUDENT.policy, temperature=0.0)
    done, outcomes = leverages(few(tmp_path), greedy, INSIDE, rows[:4])

    assert [sorted(one) for one in outcomes.values()] == [["expert", "force", "policy"]] * 4
    assert [one.leverage.p_policy.exact for one in done if one.leverage] == [True] * 4


def test_a_world_without_an_expert_gives_the_reason(rows: list[Snapshot], tmp_path: Path) -> None:
    desk = few(tmp_path)
    spec = desk.spec.model_copy(
        update={"environment": desk.spec.environment.model_copy(update={"name": f"{__name__}:NoExpertWorld"})}
    )
    done, outcomes = leverages(Desk(run=desk.run, spec=spec, workers=0), STUDENT, INSIDE, rows[:2])

    assert [one.missing for one in done] == [{"leverage": NO_EXPERT}] * 2
    assert outcomes == {}


class _NoExpert:
    """An environment of which only this is asked: whether it knows best."""

    def close(self) -> None:
        """Nothing to let go of."""


class NoExpertWorld:
    """A world whose environments have no expert inside."""

    @classmethod
    def from_options(cls, options: object) -> NoExpertWorld:
        del options
        return cls()

    def make(self) -> _NoExpert:
        return _NoExpert()


def test_a_state_that_does_not_replay_is_tampered_and_gets_no_number(
    rows: list[Snapshot], tmp_path: Path
) -> None:
    broken = rows[0].model_copy(update={"env_state": {**(rows[0].env_state or {}), "place": 99}})
    done, outcomes = leverages(few(tmp_path), STUDENT, EXPERT, [broken, rows[1]])

    assert done[0].leverage is None
    assert done[0].missing["leverage"].startswith("tampered: the saved state does not replay")
    assert list(outcomes) == [rows[1].id]


def test_the_phase_counts_what_is_missing_by_the_kind_of_reason(rows: list[Snapshot], tmp_path: Path) -> None:
    broken = [
        row.model_copy(update={"env_state": {**(row.env_state or {}), "place": 99}}) for row in rows[:2]
    ]
    bare = rows[2].model_copy(update={"env_state": None})
    desk = few(tmp_path)
    desk.run.write_json(
        "phase0/failure_snapshots.json", [row.as_document() for row in [*broken, bare, rows[3]]]
    )
    summary = phase_named("leverage").run(desk).summary

    assert (summary["labelled"], summary["missing"]) == (1, {NO_STATE: 1, "tampered": 2})


def test_an_expert_that_can_only_be_asked_here_plays_in_this_process(
    rows: list[Snapshot], tmp_path: Path
) -> None:
    held = Acting(policy=ChainPolicy(expert=True), executor=ThreadsExecutor(2))
    named = few(tmp_path)
    elsewhere = few(tmp_path / "other")

    assert leverages(named, STUDENT, held, rows[:5]) == leverages(elsewhere, STUDENT, EXPERT, rows[:5])


def test_snapshots_of_an_expert_are_measured_alike(rows: list[Snapshot], tmp_path: Path) -> None:
    shown = [row.model_copy(update={"source": "expert"}) for row in rows[:5]]

    assert (
        leverages(few(tmp_path), STUDENT, EXPERT, shown)[1]
        == (leverages(few(tmp_path / "other"), STUDENT, EXPERT, rows[:5])[1])
    )


def test_labels_do_not_depend_on_the_number_of_workers(rows: list[Snapshot], tmp_path: Path) -> None:
    files = ("labeled_snapshots.jsonl", "labeled_snapshots.json", "reliability.json", "label_episodes.json")
    written = []
    for workers in (0, 2):
        desk = chain_desk(tmp_path / f"run{workers}", workers=workers, leverage={"n_policy": 2, "n_force": 2})
        desk.run.write_json("phase0/failure_snapshots.json", [row.as_document() for row in rows[:70]])
        phase_named("leverage").run(desk)
        written.append([(desk.run.path / "phase1" / name).read_bytes() for name in files])

    assert written[0] == written[1]


def test_a_retest_is_made_of_fresh_draws(measured: list[Snapshot]) -> None:
    found = [one.leverage for one in measured if one.leverage is not None]

    assert [one.L_local for one in found] != [one.L_local_retest for one in found]
    assert reliability_of(measured, {})["retest"]["rho"] > 0.4


def test_without_a_retest_there_is_no_second_label(rows: list[Snapshot], tmp_path: Path) -> None:
    done, outcomes = leverages(few(tmp_path, retest=False), STUDENT, EXPERT, rows[:3])

    assert [one.leverage.L_local_retest for one in done if one.leverage] == [None] * 3
    assert [sorted(one) for one in outcomes.values()] == [["expert", "force", "policy"]] * 3
    assert reliability_of(done, outcomes)["retest"]["rho"] is None


class Speechless:
    """An expert that finds no action worth taking."""

    name = "speechless"

    def logprobs(self, turns: Sequence[Turn]) -> list[tuple[float, ...]]:
        """None is ever taken."""
        return [(-math.inf,) * len(turn.situation.actions) for turn in turns]


def test_where_nobody_names_an_action_there_is_no_leverage_rather_than_none(
    rows: list[Snapshot], tmp_path: Path
) -> None:
    unadvised = [row.model_copy(update={"advice": None}) for row in rows[:3]]
    expert = Acting(policy={"kind": "test_teach_label_leverage:Speechless"}, temperature=0.0)

    found, _ = leverages(few(tmp_path), STUDENT, expert, unadvised)

    assert [(row.leverage, row.missing) for row in found] == [(None, {"leverage": NO_ACTION})] * 3
