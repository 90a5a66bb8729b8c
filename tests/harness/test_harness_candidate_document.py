from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest

from harness_candidates import agent, baseline, evaluation, kept, proposed, task_run, tree
from honing.errors import StoreError
from honing.harness.candidate import Acceptance, Arm, Candidate, Outcome, Proposal
from honing.harness.candidate_document import (
    LISTED_PATHS,
    LOG_CHARACTERS,
    REASON_CHARACTERS,
    candidate_document,
    candidate_from,
)
from honing.harness.tasks.base import Evaluation, TaskRun, TaskScore, TaskStatus

SCORES = {"title": 1.0, "tests": 0.5, "setup": 1.0}


def through_json(candidate: Candidate) -> Candidate:
    return candidate_from(json.loads(json.dumps(candidate_document(candidate), allow_nan=False)))


@pytest.mark.parametrize(
    "candidate",
    [
        baseline(),
        kept(1, SCORES, size_bytes=4096),
        kept(2, SCORES, arm=Arm.CONTROL, parents=("c0000", "b0001")),
        proposed(3, Outcome.CRASH, tree=None, changed=(), proposal=Proposal(tree=None, agent=agent("crash"))),
        proposed(4, Outcome.SCOPE_VIOLATION, offending=("src/judge.py", "\udcff\n")),
        proposed(5, Outcome.DISCARD, evaluation=evaluation({"title": 0.0}, stopped="It cannot win.")),
        proposed(
            6, Outcome.INFRA_ERROR, evaluation=Evaluation(runs=(task_run("title", None),), complete=False)
        ),
        proposed(
            7,
            Outcome.DISCARD,
            proposal=Proposal(
                tree=tree("7"), agent=agent(), manifest={"changes": [{"id": "a"}]}, manifest_problem="none"
            ),
            acceptance=Acceptance(accepted=False, sentence="No better."),
        ),
    ],
    ids=["baseline", "kept", "control", "crash", "violation", "stopped early", "ours failed", "manifest"],
)
def test_a_candidate_comes_back_from_its_document_as_it_was(candidate: Candidate) -> None:
    assert through_json(candidate) == candidate


def test_a_document_names_every_field_of_its_records() -> None:
    document = candidate_document(kept(1, SCORES, size_bytes=4096))
    run = document["evaluation"]["runs"][0]

    assert document.keys() - {"schema"} == {field.name for field in fields(Candidate)}
    assert document["evaluation"].keys() == {field.name for field in fields(Evaluation)}
    assert document["acceptance"].keys() == {field.name for field in fields(Acceptance)}
    assert document["proposal"].keys() == {field.name for field in fields(Proposal)}
    assert run.keys() == {field.name for kind in (TaskRun, TaskScore) for field in fields(kind)}


def test_every_outcome_and_every_task_status_comes_back() -> None:
    found = [through_json(proposed(1, outcome)).outcome for outcome in Outcome]
    run = [task_run("title", 0.0, status=status) for status in TaskStatus]
    judged = through_json(proposed(1, Outcome.DISCARD, evaluation=Evaluation(runs=tuple(run), complete=True)))

    assert found == list(Outcome)
    assert judged.evaluation is not None
    assert [one.score.status for one in judged.evaluation.runs] == list(TaskStatus)


def test_long_texts_are_cut_once_and_then_stay_as_they_are() -> None:
    long = proposed(
        1,
        Outcome.DISCARD,
        sentence="s" * 5_000,
        changed=tuple(f"file-{number}" for number in range(5_000)),
        evaluation=Evaluation(
            runs=(task_run("title", 0.0, log="x" * 100_000 + "end", reason="r" * 9_000),), complete=True
        ),
    )

    cut = through_json(long)

    assert cut.evaluation is not None
    log = cut.evaluation.runs[0].score.log
    assert (len(log), log[-3:]) == (LOG_CHARACTERS, "end")
    assert (len(cut.sentence), cut.sentence[-6:]) == (REASON_CHARACTERS, " [...]")
    assert cut.changed[LISTED_PATHS:] == ("... and 4500 more",)
    assert through_json(cut) == cut


def test_an_agents_transcript_is_left_out_and_its_tool_calls_are_counted() -> None:
    events = [
        {"kind": "tool", "text": "ls"},
        {"kind": "message", "text": "done"},
        {"kind": "tool", "text": "cat"},
    ]
    told = {"agent": "codex", "outcome": "finished", "stdout": "x" * 9_000, "events": events}
    candidate = proposed(1, Outcome.NO_CHANGE, proposal=Proposal(tree=None, agent=told))

    back = through_json(candidate)

    assert back.proposal == Proposal(
        tree=None, agent={"agent": "codex", "outcome": "finished", "tool_calls": 2}
    )


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"schema": 2}, "candidate: 'schema' is 2, this version of Honing reads 1."),
        ({"schema": "1"}, "candidate.schema: expected a whole number, found '1'."),
        ({"slot": True}, "candidate.slot: expected a whole number, found True."),
        ({"outcome": "kept"}, "candidate.outcome: expected one of baseline, keep"),
        ({"arm": None}, "candidate.arm: expected a text, found None."),
        ({"changed": ["a", 1]}, "candidate.changed: expected a list of texts, found ['a', 1]."),
        ({"extra": 1}, "candidate: unknown field 'extra'; known are acceptance, arm,"),
        ({"evaluation": []}, "candidate.evaluation: expected an object, found []."),
        ({"acceptance": {"accepted": True}}, "candidate.acceptance: the field 'sentence' is missing."),
    ],
    ids=["newer", "schema", "bool", "outcome", "arm", "paths", "unknown", "inner", "missing"],
)
def test_a_document_that_is_none_is_refused_by_place(change: dict[str, Any], complaint: str) -> None:
    document = candidate_document(kept(1, SCORES)) | change

    with pytest.raises(StoreError) as refused:
        candidate_from(document)

    assert complaint in str(refused.value)


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("score", float("nan"), "candidate.evaluation.runs[1].score: expected a finite number, found nan."),
        ("score", "1.0", "candidate.evaluation.runs[1].score: expected a finite number, found '1.0'."),
        ("checks", {"a": 1}, "candidate.evaluation.runs[1].checks: expected true or false"),
        ("status", "fine", "candidate.evaluation.runs[1].status: expected one of scored"),
    ],
    ids=["nan", "text", "checks", "status"],
)
def test_a_damaged_task_run_is_named_by_its_place(field: str, value: Any, complaint: str) -> None:
    document = candidate_document(kept(1, SCORES))
    document["evaluation"]["runs"][1][field] = value

    with pytest.raises(StoreError) as refused:
        candidate_from(document)

    assert complaint in str(refused.value)
