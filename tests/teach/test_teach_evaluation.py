"""Phase 3 with players that need no model: what the tables say, and that runs do not change them."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from honing.environments import Step, Task
from honing.errors import LeakageError
from honing.stats import newcombe_paired
from honing.teach.apart import hashes_of
from honing.teach.desk import Desk
from honing.teach.evaluation.drift import DriftLimits, judge
from honing.teach.evaluation.estimates import csv_text
from honing.teach.evaluation.mechanism import Probe, divergence, mechanisms
from honing.teach.evaluation.players import BASE, EXPERT, Played, Player
from honing.teach.evaluation.results import GREEDY, RETENTION, SAMPLED, SNAPSHOTS, TASKS, Results
from honing.teach.evaluation.transfer import POOLED, diagonal_minus_rest, transfer_rows
from honing.teach.evaluation.unit import play
from honing.teach.evaluation.verdict import criteria_of
from honing.teach.phases.evaluate import FILES, LABELLED, Evaluation, evaluate_players, write_evaluation
from honing.teach.snapshot import Quadrant, Route
from labelled_scene import labelled_desk, spec, tasks

MOCK = {"kind": "mock", "sharpness": 4.0}
PLAYERS = (
    Player(run_id=BASE, policy=MOCK),
    Player(run_id="same", policy=MOCK, quadrant=Quadrant.Q1.value, supervision="demo"),
    Player(run_id="B2_all", policy={"kind": "expert"}, supervision="demo"),
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return labelled_desk(tmp_path_factory.mktemp("evaluation") / "run", Path("none"))


@pytest.fixture(scope="module")
def found(desk: Desk) -> Evaluation:
    return evaluate_players(desk, PLAYERS[:2])


def table(desk: Desk, name: str) -> list[dict[str, str]]:
    text = (desk.run.path / "phase3" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text)))


def test_a_player_that_is_the_base_differs_from_it_in_nothing(found: Evaluation) -> None:
    results = found.results
    gains = [
        results.against_base("same", panel, temperature)
        for panel in (TASKS, SNAPSHOTS, RETENTION)
        for temperature in (GREEDY, SAMPLED)
    ]
    (drift,) = found.drifts

    assert [gain.estimate for gain in gains if gain] == [0.0] * 6
    assert (drift.kept, drift.kl_succeeding and drift.kl_succeeding.estimate) == (True, 0.0)


def test_a_held_out_task_that_was_trained_on_ends_the_evaluation(tmp_path: Path) -> None:
    """It may have come in since training was checked: with more held-out tasks than there were then."""
    leaky = labelled_desk(tmp_path / "run", Path("none"))
    held_out = tasks("evaluate", 12)[5]
    shown = hashes_of(leaky, [held_out])
    first, *others = leaky.snapshots(LABELLED)
    trained = first.model_copy(update={"split": "train", "task_hash": next(iter(shown))})
    leaky.run.write_jsonl(LABELLED, [one.as_document() for one in (trained, *others)])

    with pytest.raises(LeakageError, match=f"'training snapshots'.*'evaluate'.*{trained.id} = {held_out.id}"):
        evaluate_players(leaky, PLAYERS[:2])


class Generous:
    """A world that pays without a step taken, as one does that somebody tampered with."""

    steps_taken = 0

    @classmethod
    def from_options(cls, options: dict[str, Any]) -> Generous:
        """Without options."""
        del options
        return cls()

    name, max_steps = "generous", 3

    def make(self) -> Generous:
        """Itself."""
        return self

    def reset(self, task: Task) -> Step:
        """One thing to do."""
        del task
        self._now = Step(goal="be paid", observation="A till.", actions=("wait",))
        return self._now

    def step(self, action: str) -> Step:
        """Paid in full."""
        self._now = replace(self._now, observation=action, actions=(), reward=1.0, done=True, success=True)
        return self._now

    def now(self) -> Step:
        """What was shown last."""
        return self._now

    def close(self) -> None:
        """Nothing is held."""


def test_an_episode_that_cannot_be_trusted_is_no_success() -> None:
    work = {
        "policy": {"kind": "random"},
        "world": {"name": "test_teach_evaluation:Generous", "options": {}},
        "panel": TASKS,
        "places": [{"task": Task(id="t", seed=0).as_document(), "state": None, "history": []}],
        "temperature": 0.0,
        "draws": 1,
        "seed": 0,
    }

    ((success, reward, *_),) = play(work)

    assert (success, reward) == (0, 0.0)


def test_every_player_meets_every_place_once_and_the_expert_the_tasks_alone(found: Evaluation) -> None:
    results = found.results
    counts = {
        run_id: [len(results.rows(run_id, panel, GREEDY)) for panel in (TASKS, SNAPSHOTS, RETENTION)]
        for run_id in (BASE, "same", EXPERT)
    }

    assert counts == {BASE: [12, 8, 6], "same": [12, 8, 6], EXPERT: [12, 0, 0]}


def test_the_expert_brackets_the_table_from_above(found: Evaluation) -> None:
    expert = found.results.success(EXPERT, TASKS, GREEDY)
    values, _ = found.results.efficiencies(found.results.rows(EXPERT, TASKS, GREEDY))

    assert (expert and expert.estimate, set(values)) == (1.0, {1.0})


def test_all_files_of_the_plan_are_written_with_n_limits_and_temperature(
    desk: Desk, found: Evaluation
) -> None:
    write_evaluation(desk, found, "phase3")
    columns = {name: set(table(desk, name)[0]) for name in FILES if name.endswith("_results.csv")}

    assert sorted(path.name for path in (desk.run.path / "phase3").iterdir()) == sorted(FILES)
    assert [name for name, there in columns.items() if not {"n", "low", "high", "temperature"} <= there] == []


def test_the_overall_table_says_what_was_played(desk: Desk, found: Evaluation) -> None:
    write_evaluation(desk, found, "phase3")
    rows = found.results.rows(BASE, TASKS, SAMPLED)
    (row,) = [
        row
        for row in table(desk, "overall_task_results.csv")
        if (row["run_id"], row["temperature"]) == (BASE, "1")
    ]

    expected = sum(played.success for played in rows) / len(rows)
    assert int(row["n"]) == 12
    assert float(row["success"]) == pytest.approx(expected, abs=1e-6)
    assert float(row["mean_steps"]) == pytest.approx(sum(one.n_steps for one in rows) / 12, abs=1e-6)


def test_two_worker_processes_write_the_same_bytes_as_none(
    tmp_path: Path, desk: Desk, found: Evaluation
) -> None:
    write_evaluation(desk, found, "phase3")
    other = labelled_desk(tmp_path / "run", Path("none"), workers=2)
    write_evaluation(other, evaluate_players(other, PLAYERS[:2]), "phase3")

    differing = [
        name
        for name in FILES
        if (desk.run.path / "phase3" / name).read_bytes() != (other.run.path / "phase3" / name).read_bytes()
    ]
    assert differing == []


def test_other_weights_in_the_same_place_are_played_anew_and_the_same_ones_are_not(
    desk: Desk, found: Evaluation
) -> None:
    done = [units_done(desk)]
    for player in (PLAYERS[1], replace(PLAYERS[1], identity="trained again")):
        evaluate_players(desk, (PLAYERS[0], player))
        done.append(units_done(desk))

    # Tasks, snapshots and retention at two temperatures, and two sets of states.
    assert [later - before for before, later in pairwise(done)] == [0, 8]


def units_done(desk: Desk) -> int:
    with desk.run.lock(), desk.run.journal() as journal:
        return journal.totals().done


def test_without_sampling_there_is_one_temperature(tmp_path: Path) -> None:
    desk = labelled_desk(tmp_path / "run", Path("none"), spec(evaluation={"sampled": False}))

    assert evaluate_players(desk, PLAYERS[:1]).results.temperatures == (GREEDY,)


def test_several_draws_from_a_snapshot_are_played_only_where_actions_are_drawn(tmp_path: Path) -> None:
    desk = labelled_desk(tmp_path / "run", Path("none"), spec(evaluation={"n_per_snapshot": 3}))
    results = evaluate_players(desk, PLAYERS[:1]).results

    assert [len(results.rows(BASE, SNAPSHOTS, heat)) for heat in (GREEDY, SAMPLED)] == [8, 24]


# Results made by hand: known successes, known answers.


def played(
    run_id: str, panel: str, outcomes: str, quadrants: list[str] | None = None, *, steps: int = 2
) -> list[Played]:
    return [
        Played(
            run_id=run_id,
            panel=panel,
            place=f"{panel}-{number}",
            cluster=f"{panel}-{number}",
            quadrant=quadrants[number] if quadrants else "",
            temperature=GREEDY,
            draw=0,
            success=mark == "1",
            reward=float(mark == "1"),
            stuck=(steps, 0, 0, 0, 0, 0),
        )
        for number, mark in enumerate(outcomes)
    ]


def by_hand(rows: dict[str, str], *, panel: str = TASKS) -> Results:
    """Results on one panel: by run id, one digit per task."""
    players = tuple(
        Player(run_id=name, policy={}, supervision="demo" if name != BASE else "") for name in rows
    )
    return Results(
        players=players, played=tuple(row for run_id in rows for row in played(run_id, panel, rows[run_id]))
    )


def test_a_run_is_compared_with_the_base_in_pairs() -> None:
    results = by_hand({BASE: "11110000", "B2_all": "11111100"})

    assert results.against_base("B2_all", TASKS, GREEDY) == newcombe_paired(4, 2, 0, 2)


def transfer(*, diagonal: str, rest: str, base: str = "0000", supervisions: int = 3) -> Results:
    """Four places per quadrant; each run does `diagonal` on its own quadrant's and `rest` on the others'."""
    quadrants = [quadrant.value for quadrant in Quadrant for _ in range(4)]
    players, rows = [Player(run_id=BASE, policy={})], played(BASE, SNAPSHOTS, base * 4, quadrants)
    for own in Quadrant:
        for route in list(Route)[:supervisions]:
            run_id = f"{own.value}_{route.value}"
            players.append(Player(run_id=run_id, policy={}, quadrant=own.value, supervision=route.value))
            marks = "".join(diagonal if quadrant is own else rest for quadrant in Quadrant)
            rows += played(run_id, SNAPSHOTS, marks, quadrants)
    return Results(players=tuple(players), played=tuple(rows))


def test_the_transfer_matrix_has_a_row_per_supervision_and_pair_of_quadrants() -> None:
    rows = transfer_rows(transfer(diagonal="1110", rest="1000", base="1000"), GREEDY)
    on, off = (
        {(row["success"], row["gain"]) for row in rows if same(row) is there} for there in (True, False)
    )

    assert (len(rows), on, off) == (64, {(0.75, 0.5)}, {(0.25, 0.0)})


def same(row: dict[str, Any]) -> bool:
    return bool(row["trained_quadrant"] == row["evaluated_quadrant"])


@pytest.mark.parametrize(
    ("diagonal", "rest", "expected"),
    [("1111", "0000", 1.0), ("1100", "1100", 0.0), ("0000", "1000", -0.25)],
    ids=["nothing transfers", "everything transfers", "it helps others only"],
)
def test_the_diagonal_is_held_against_the_other_cells(diagonal: str, rest: str, expected: float) -> None:
    found = diagonal_minus_rest(transfer(diagonal=diagonal, rest=rest), POOLED, GREEDY)

    assert found is not None
    assert (found.estimate, found.low <= expected <= found.high) == (expected, True)


def test_quadrants_count_alike_however_many_places_they_have() -> None:
    quadrants = [Quadrant.Q1.value] * 6 + [Quadrant.Q2.value, Quadrant.Q3.value, Quadrant.Q4.value]
    players, rows = [Player(run_id=BASE, policy={})], played(BASE, SNAPSHOTS, "0" * 9, quadrants)
    for own in Quadrant:
        players.append(Player(run_id=own.value, policy={}, quadrant=own.value, supervision="demo"))
        marks = "".join("1" if own is Quadrant.Q1 and there == own else "0" for there in quadrants)
        rows += played(own.value, SNAPSHOTS, marks, quadrants)
    found = diagonal_minus_rest(Results(players=tuple(players), played=tuple(rows)), "demo", GREEDY)

    assert found is not None
    assert found.estimate == pytest.approx(0.25)


def test_a_quadrant_without_runs_leaves_the_diagonal_undecided() -> None:
    whole = transfer(diagonal="1111", rest="0000")
    lacking = Results(
        players=tuple(player for player in whole.players if player.quadrant != Quadrant.Q2),
        played=whole.played,
    )

    assert diagonal_minus_rest(lacking, POOLED, GREEDY) is None


LIMITS = DriftLimits(retention_drop=0.1, kl_nats=0.5)


def drop(lost: int, n: int = 20) -> Any:
    return newcombe_paired(n - lost, lost, 0, 0)


@pytest.mark.parametrize(
    ("lost", "kept"), [(1, True), (2, False), (5, False)], ids=["below", "at the limit", "above"]
)
def test_the_gate_turns_on_the_drop_of_retention(lost: int, *, kept: bool) -> None:
    drift = judge("run", drop(lost), None, None, LIMITS)

    assert (drift.kept, len(drift.beyond)) == (kept, int(not kept))


def test_the_gate_turns_on_the_shift_where_the_base_succeeds_and_not_where_it_fails() -> None:
    far, near = drop(20), drop(1)

    assert judge("run", near, far, near, LIMITS).beyond == (
        "shift on succeeding states 1.000 nats, the limit is 0.50",
    )
    assert judge("run", near, near, far, LIMITS).kept is True


def test_criteria_name_what_decides() -> None:
    results = by_hand({BASE: "0" * 30, "B2_all": "1" * 20 + "0" * 10, "other": "0" * 30})
    # An arm that is not of the matrix may forget more: it fails the gate, not the criterion.
    lost = {"B2_all": 1, "other": 4, "R1_recovery": 9}
    drifts = [judge(run_id, drop(n), None, None, LIMITS) for run_id, n in lost.items()]

    verdicts = {one.name: (one.met, one.value, one.note) for one in criteria_of(results, drifts, 0.1)}
    assert verdicts == {
        "success_above_base": (True, pytest.approx(2 / 3), "1 of 2 runs have an interval above 0"),
        "transfer_diagonal": (None, None, "a quadrant has no run or no held-out snapshot"),
        "retention": (False, 0.2, "largest: other; 1 of 3 runs pass the gate"),
    }


def test_success_above_base_needs_an_interval_above_zero() -> None:
    results = by_hand({BASE: "1100000000", "B2_all": "1110000000"})

    assert criteria_of(results, [], 0.1)[0].met is False


def test_the_probability_that_moved_to_the_teachers_action_is_the_shift() -> None:
    probes = [Probe(cluster="a", quadrant=Quadrant.Q1.value, teacher=0)]
    scored: dict[str, list[tuple[float, ...]]] = {BASE: [(-2.0, -0.2)], "run": [(-0.2, -2.0)]}

    found = {(one.run_id, one.quadrant): one for one in mechanisms(probes, scored)}
    assert set(found) == {(run, q) for run in (BASE, "run") for q in ("", Quadrant.Q1.value)}
    assert [found[run, ""].correct.estimate for run in (BASE, "run")] == [0.0, 1.0]  # type: ignore[union-attr]
    assert found["run", ""].shift.estimate == pytest.approx(0.8187308 - 0.1353353)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((-0.6931472, -0.6931472), (-0.6931472, -0.6931472), 0.0),
        ((0.0, float("-inf")), (-0.6931472, -0.6931472), 0.6931472),
        ((0.0, float("-inf")), (float("-inf"), 0.0), 50.0),
    ],
    ids=["the same", "less sure", "the opposite"],
)
def test_divergence_is_how_surprising_the_base_is_to_the_trained(
    before: tuple[float, ...], after: tuple[float, ...], expected: float
) -> None:
    assert divergence(before, after) == pytest.approx(expected, abs=1e-6)


def test_a_table_shows_six_decimals_nothing_for_none_and_quotes_commas() -> None:
    rows: list[dict[str, Any]] = [{"a": 1 / 3, "b": None, "c": True}, {"a": 2.0, "b": 'x,"y"', "c": -0.0}]

    assert csv_text(("a", "b", "c"), rows) == 'a,b,c\n0.333333,,true\n2,"x,""y""",0\n'
