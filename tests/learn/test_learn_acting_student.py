"""A student inside a harness: its prompt, and the same weights underneath."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from honing.errors import UsageError
from honing.learn import (
    ActingHarness,
    MockPolicy,
    Note,
    Prompt,
    SftOptions,
    Situation,
    Turn,
    load_student,
    policy_from,
    student_inside,
)

pytestmark = pytest.mark.teach

TURN = Turn(
    situation=Situation(goal="key", observation="hall", history=("go", "look"), actions=("go", "take key"))
)
SHORT = ActingHarness(prompt=Prompt(history=1, template="{patch}{goal} : {observation} > {history}"))


def test_a_student_in_a_harness_is_asked_in_its_words(shapes: dict[str, Path]) -> None:
    document = {"kind": "student", "checkpoint": str(shapes["llama"]), "device": "cpu"}

    through = policy_from({**document, "harness": SHORT.as_document()})
    by_hand = load_student(shapes["llama"], prompt=SHORT.prompt)
    usual = policy_from(document)

    assert through.logprobs([TURN])[0] == pytest.approx(by_hand.logprobs([TURN])[0], abs=1e-6)
    assert through.logprobs([TURN])[0] != pytest.approx(usual.logprobs([TURN])[0], abs=1e-4)
    assert through.per_token([TURN]) == [pytest.approx(by_hand.per_token([TURN])[0], abs=1e-6)]  # type: ignore[attr-defined]


def test_a_note_changes_what_the_student_is_shown(shapes: dict[str, Path]) -> None:
    document = {"kind": "student", "checkpoint": str(shapes["llama"]), "device": "cpu"}
    noted = replace(SHORT, notes=(Note(say="take the red key", seen=("hall",)),))

    plain, told = (
        policy_from({**document, "harness": one.as_document()}).logprobs([TURN])[0] for one in (SHORT, noted)
    )

    assert told != pytest.approx(plain, abs=1e-4)


def test_other_words_share_the_weights_and_what_was_found_out_about_them(shapes: dict[str, Path]) -> None:
    student = load_student(shapes["gpt2"])

    other = student.with_prompt(SHORT.prompt)

    assert other.model is student.model
    assert other.scoring is student.scoring
    assert other.identity() != student.identity()


def test_the_student_inside_has_the_harnesss_prompt(shapes: dict[str, Path]) -> None:
    policy = policy_from(
        {"kind": "student", "checkpoint": str(shapes["llama"]), "harness": SHORT.as_document()}
    )

    assert student_inside(policy).prompt == SHORT.prompt
    with pytest.raises(UsageError, match="no weights"):
        student_inside(MockPolicy())


def test_a_training_reads_in_the_words_it_is_given() -> None:
    assert SftOptions(history=2).wording == Prompt(history=2)
    assert SftOptions(prompt=SHORT.prompt.as_document()).wording == SHORT.prompt
    assert "prompt" not in SftOptions().as_document()
    assert SftOptions(prompt=SHORT.prompt.as_document()).as_document()["prompt"] == SHORT.prompt.as_document()
