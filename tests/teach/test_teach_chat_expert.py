"""A chat model as the expert of experiment B."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from teach_runs import small_desk, small_spec
from teacher_servers import endpoints, server_that

from honing.environments.scripted import DOOR_OF
from honing.errors import BudgetExhaustedError
from honing.executors import Budget
from honing.llm import ModelRequest, last_user_text
from honing.store import Run
from honing.teach.desk import Desk, read_rows
from honing.teach.phases.collect import PHASE, collect, trajectories_path
from honing.teach.phases.mine import EXPERT, mine

SPEC = small_spec(expert={"model": "gpt-4o"}, collect={"n_tasks": 5, "expert_tasks": 12})


def knows_the_doors(request: ModelRequest) -> str:
    """A model that always takes the right door."""
    sign = re.search(r"the sign shows (\w+)", last_user_text(request), re.IGNORECASE)
    assert sign is not None
    return json.dumps({"action": f"take the {DOOR_OF[sign[1]]} door"})


def test_a_chat_models_trajectories_are_collected_and_mined(tmp_path: Path) -> None:
    told: list[str] = []
    with server_that(knows_the_doors) as server:
        desk = small_desk(tmp_path, SPEC, endpoints=endpoints(server), told=told.append)
        summary = collect(desk).summary
    mine(desk)

    rows = read_rows(desk.run.path / trajectories_path("scripted"))
    assert [(row["policy"], row["success"], len(row["steps"])) for row in rows] == [("gpt-4o", True, 4)] * 12
    assert (summary["expert_episodes"], summary["expert_success"]) == (12, 1.0)
    assert {one.source for one in desk.snapshots(EXPERT)} == {"expert"}
    assert told[0] == "collect: 120 calls of gpt-4o at most"
    assert re.fullmatch(
        r"collect: \d+ calls, \d+ tokens, \$0\.\d+; 0 decisions without a valid action", told[1]
    )


def test_a_model_that_names_no_valid_action_fails_its_episodes_and_nothing_else(tmp_path: Path) -> None:
    with server_that(lambda _: "open sesame") as server:
        desk = small_desk(tmp_path, SPEC, endpoints=endpoints(server))
        summary = collect(desk).summary

    assert (summary["expert_success"], summary["expert_episodes"]) == (0.0, 12)


def test_episodes_that_ended_before_the_budget_did_are_not_paid_for_again(tmp_path: Path) -> None:
    spec = small_spec(expert={"model": "gpt-4o"}, collect={"n_tasks": 5, "expert_tasks": 40})
    with server_that(knows_the_doors) as server:
        where = endpoints(server)
        desk = small_desk(tmp_path, spec, endpoints=where, budget=Budget(tokens=100))
        with pytest.raises(BudgetExhaustedError):
            collect(desk)
        paid = len(server.requests)
        collect(Desk(run=Run.open(desk.run.path), spec=desk.spec, workers=0, endpoints=where))
        whole = len(server.requests)
        alone = small_desk(tmp_path / "alone", spec, endpoints=where)
        collect(alone)

    path = trajectories_path("scripted")
    rows = read_rows(desk.run.path / path)
    # A call for each decision, and in each of two sessions up to eight at once that ask for log-probabilities
    # first: a decision of an episode that was kept is not asked for again.
    assert 0 < paid < whole <= sum(len(row["steps"]) for row in rows) + 2 * 8
    assert (desk.run.path / path).read_bytes() == (alone.run.path / path).read_bytes()


def test_what_a_dry_run_says_of_a_chat_expert(tmp_path: Path) -> None:
    desk = small_desk(tmp_path, SPEC)
    own = replace(desk, spec=small_spec(collect={"n_tasks": 5, "expert_tasks": 12}))

    assert (PHASE.cost(desk).calls, PHASE.cost(own).calls) == (12 * 10, 0)
    assert PHASE.cost(desk).episodes == PHASE.cost(own).episodes == 17
