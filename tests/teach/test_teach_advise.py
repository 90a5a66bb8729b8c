"""The phase that asks the teacher."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from teach_runs import a_snapshot, small_desk, small_spec
from teacher_servers import endpoints, first_valid, refusing, server_that

from honing.errors import BudgetExhaustedError, ModelAuthenticationError, TrainingError
from honing.executors import Budget
from honing.llm import Fault, FaultKind, ScriptedModel, ScriptedServer
from honing.store import Run, identity
from honing.teach.desk import Desk, read_snapshots
from honing.teach.phase import Cost
from honing.teach.phases.advise import ADVISED_SUCCEEDING, LABELLED, PHASE, SUMMARY, advise, teacher_kind
from honing.teach.phases.collect import collect
from honing.teach.phases.mine import FAILURES, SUCCEEDING, mine
from honing.teach.snapshot import Snapshot
from honing.teach.study_spec import StudySpec, TeacherKind

MANY = [a_snapshot(id=f"t{number}-s00", observation=f"You are in room {number}.") for number in range(150)]
ROOMS = MANY[:12]
BY_MODEL = {"kind": "model"}


def desk_with(folder: Path, teacher: dict[str, Any], rooms: list[Snapshot] = ROOMS, **options: Any) -> Desk:
    """A desk with mined snapshots on it."""
    desk = small_desk(folder, small_spec(teacher=teacher), **options)
    desk.run.write_json(FAILURES, [one.as_document() for one in rooms])
    return desk


@pytest.fixture(scope="module")
def mined(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    desk = small_desk(tmp_path_factory.mktemp("advised"))
    collect(desk)
    mine(desk)
    return desk


def test_the_expert_advises_on_every_failure_and_every_success(mined: Desk) -> None:
    outcome = advise(mined)

    labelled = read_snapshots(mined.run.path / f"{LABELLED}.jsonl")
    assert labelled == read_snapshots(mined.run.path / f"{LABELLED}.json")
    assert [one.model_copy(update={"advice": None}) for one in labelled] == mined.snapshots(FAILURES)
    others = mined.snapshots(ADVISED_SUCCEEDING)
    assert [one.id for one in others] == [one.id for one in mined.snapshots(SUCCEEDING)]
    assert {one.advice.teacher for one in (*labelled, *others) if one.advice} == {"expert"}
    assert outcome.summary["valid"] == outcome.summary["snapshots"] == 40
    (criterion,) = outcome.criteria
    assert (criterion.name, criterion.value, criterion.n, criterion.met) == (
        "teacher_validity",
        1.0,
        40,
        True,
    )


def test_what_was_labelled_before_is_forgotten_with_the_advice_it_came_from(tmp_path: Path) -> None:
    desk = desk_with(tmp_path, {"kind": "mock"}, [ROOMS[0].model_copy(update={"U": 0.5, "quadrant": None})])

    advise(desk)

    (row,) = desk.snapshots(f"{LABELLED}.jsonl")
    assert row.advice is not None


@pytest.mark.parametrize(
    ("teacher", "world", "kind"),
    [
        ({"kind": "expert"}, "scripted", TeacherKind.EXPERT),
        ({"kind": "mock", "skip_api": True}, "scripted", TeacherKind.MOCK),
        ({"kind": "model"}, "scripted", TeacherKind.MODEL),
        ({"kind": "model", "skip_api": True}, "scripted", TeacherKind.EXPERT),
        ({"kind": "model", "skip_api": True}, "teach_runs:MuteWorld", TeacherKind.MOCK),
    ],
)
def test_without_an_api_the_expert_advises_where_there_is_one_else_the_mock(
    tmp_path: Path, teacher: dict[str, Any], world: str, kind: TeacherKind
) -> None:
    spec = small_spec(teacher=teacher, environment={"name": world, "options": {}})

    assert teacher_kind(small_desk(tmp_path, spec)) is kind


def test_skipping_the_api_makes_no_call(tmp_path: Path) -> None:
    with server_that(first_valid) as server:
        desk = desk_with(tmp_path, {**BY_MODEL, "skip_api": True}, endpoints=endpoints(server))
        advise(desk)

    assert server.requests == []


def test_a_model_advises_and_the_bill_is_shown_before_and_after(tmp_path: Path) -> None:
    told: list[str] = []
    with server_that(first_valid) as server:
        desk = desk_with(tmp_path, BY_MODEL, endpoints=endpoints(server), told=told.append)
        summary = advise(desk).summary

    assert {one.advice.suggested_action for one in desk.snapshots(f"{LABELLED}.json") if one.advice} == {
        "take the red door"
    }
    assert (summary["calls"], summary["asked_again"], summary["valid"]) == (12, 0, 12)
    assert summary["cost_usd"] == pytest.approx(
        (summary["input_tokens"] * 0.15 + summary["output_tokens"] * 0.6) / 1e6, abs=1e-6
    )
    before, after = told
    assert before.startswith("advise: 12 calls, about ")
    assert "; at most 72 calls, $0." in before
    assert after.startswith(
        f"advise: 12 calls, {summary['input_tokens'] + summary['output_tokens']} tokens, $0."
    )


def test_bad_replies_never_end_the_phase_and_fail_its_criterion(tmp_path: Path) -> None:
    def bad_for_some(request: Any) -> str:
        shown = request.messages[1].text
        return "nonsense" if "room 3." in shown or "room 7." in shown else first_valid(request)

    with server_that(bad_for_some) as server:
        desk = desk_with(tmp_path, BY_MODEL, endpoints=endpoints(server))
        outcome = advise(desk)

    rows = desk.snapshots(f"{LABELLED}.jsonl")
    assert [one.id for one in rows if one.advice and not one.advice.valid] == ["t3-s00", "t7-s00"]
    (criterion,) = outcome.criteria
    assert (criterion.met, criterion.value) == (False, 10 / 12)
    written = desk.run.read_json(SUMMARY)
    assert (written["asked_again"], written["calls"]) == (2, 10 + 2 * 6)
    assert list(written["problems"].values()) == [6, 6]


def test_a_refused_temperature_stands_in_the_artifact(tmp_path: Path) -> None:
    with server_that(refusing("temperature")) as server:
        desk = desk_with(tmp_path, BY_MODEL, endpoints=endpoints(server))
        advise(desk)

    assert desk.run.read_json(SUMMARY)["refused_parameters"] == ["gpt-4o-mini: temperature"]


def test_what_an_earlier_run_paid_for_is_not_charged_to_the_budget_of_a_later_one(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    with server_that(first_valid) as server:
        where = endpoints(server)
        advise(desk_with(tmp_path / "a", BY_MODEL, endpoints=where, cache=cache))
        limits = Budget(tokens=1, cost_usd=1e-9)
        poor = desk_with(tmp_path / "b", BY_MODEL, ROOMS * 8, endpoints=where, cache=cache, budget=limits)

        assert advise(poor).summary["valid"] == 96


def test_a_later_run_pays_nothing_and_writes_the_same_bytes(tmp_path: Path) -> None:
    told: list[str] = []
    cache = tmp_path / "cache"
    with server_that(first_valid) as server:
        first = desk_with(tmp_path / "a", BY_MODEL, endpoints=endpoints(server), cache=cache)
        advise(first)
        asked = len(server.requests)
        again = desk_with(
            tmp_path / "b", BY_MODEL, endpoints=endpoints(server), cache=cache, told=told.append
        )
        advise(again)

    assert (asked, len(server.requests)) == (12, 12)
    assert told[-1] == "advise: 0 calls, 0 tokens, $0.00; 12 answers were paid for by an earlier run"
    assert identity(again.run.path) == identity(first.run.path)


def test_a_budget_of_money_ends_the_phase_and_more_money_goes_on_where_it_stopped(tmp_path: Path) -> None:
    with server_that(first_valid) as server:
        limits = Budget(cost_usd=0.0002)
        desk = desk_with(tmp_path, BY_MODEL, MANY, endpoints=endpoints(server), budget=limits)
        with pytest.raises(BudgetExhaustedError):
            advise(desk)
        asked = len(server.requests)
        advise(replace(desk, run=Run.open(desk.run.path), budget=Budget()))

    # What was answered in the first session is not asked again in the second.
    assert 0 < asked < len(MANY)
    assert len(server.requests) == len(desk.snapshots(f"{LABELLED}.json")) == len(MANY)


def test_a_server_that_fails_for_a_while_costs_a_new_start_and_no_advice(tmp_path: Path) -> None:
    faults = [Fault(kind=FaultKind.MALFORMED_JSON)] * 3
    with ScriptedServer(ScriptedModel(first_valid), faults=faults) as server:
        desk = desk_with(tmp_path, BY_MODEL, endpoints=endpoints(server))
        with pytest.raises(TrainingError, match="3 of 12 units failed"):
            advise(desk)
        asked = len(server.requests)
        advise(replace(desk, run=Run.open(desk.run.path)))

    assert (asked, len(server.requests)) == (12, 15)
    assert all(one.advice and one.advice.valid for one in desk.snapshots(f"{LABELLED}.json"))


def test_a_refused_key_is_what_the_phase_says(tmp_path: Path) -> None:
    with server_that(first_valid) as server:
        wrong = {**endpoints(server), "OPENAI_API_KEY": "sk-wrong-key-of-somebody"}
        desk = desk_with(tmp_path, BY_MODEL, endpoints=wrong)
        with pytest.raises(ModelAuthenticationError):
            advise(desk)

    assert len(server.requests) < 12


def test_what_a_dry_run_says_is_at_most_and_in_money(tmp_path: Path) -> None:
    mocked = PHASE.cost(desk_with(tmp_path / "mock", {"kind": "mock"}))
    asked = PHASE.cost(desk_with(tmp_path / "model", {**BY_MODEL, "retries": 1, "fallback_model": ""}))
    unknown = PHASE.cost(desk_with(tmp_path / "own", {**BY_MODEL, "model": "my-own", "fallback_model": ""}))

    assert mocked == Cost()
    # Twelve failures that are there and the eight successes that the study asks for, each asked twice.
    assert asked.calls == 40
    assert asked.usd is not None
    assert Decimal("0.006") < asked.usd < Decimal("0.02")
    assert unknown.usd is None


def test_a_dry_run_before_anything_is_mined_counts_what_will_be(tmp_path: Path) -> None:
    spec = StudySpec.model_validate({"teacher": {"kind": "model", "retries": 0, "fallback_model": ""}})

    assert PHASE.cost(small_desk(tmp_path, spec)).calls == 960 + 60


def test_no_snapshots_leave_the_criterion_undecided(tmp_path: Path) -> None:
    (criterion,) = advise(desk_with(tmp_path, {"kind": "mock"}, [])).criteria

    assert (criterion.met, criterion.value, criterion.note) == (None, None, "there is no snapshot")
