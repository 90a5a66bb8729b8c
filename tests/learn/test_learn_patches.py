"""Patches: what is put in context, and what is not."""

from __future__ import annotations

import pytest

from honing.learn.patches import (
    CONDITIONS,
    FRAME,
    Lesson,
    diagnosis_from_kinds,
    patch_text,
    reason_from_kind,
    summary,
)

LESSON = Lesson(
    observation="Results page 1. 1 red wool hat. 2 blue silk hat.",
    action="click[next]",
    reason=reason_from_kind("next"),
    wrong="click[1]",
    diagnosis=diagnosis_from_kinds("next", "open"),
)


def test_each_condition_has_its_text() -> None:
    texts = {condition: patch_text(condition, LESSON) for condition in CONDITIONS}

    assert texts == {
        "base": "",
        "placebo": f"{FRAME} it was an ordinary day, the room was quiet, the light was good, "
        "the morning had been long.",
        "demo": f"{FRAME} at results page 1, click[next] was right: a next step leads on from there.",
        "contrast": f"{FRAME} at results page 1, click[1] was wrong: it called for a next step, not an "
        "open step; click[next] was right: a next step leads on from there.",
        "hint": f"{FRAME} at results page 1, it called for a next step, not an open step.",
    }


def test_a_hint_and_a_placebo_never_hold_an_action() -> None:
    texts = [patch_text(condition, LESSON) for condition in ("hint", "placebo")]

    assert [action in text for text in texts for action in (LESSON.action, LESSON.wrong)] == [False] * 4


def test_a_placebo_holds_no_word_of_the_observation_and_is_as_long_as_the_demo() -> None:
    words = set(
        patch_text("placebo", LESSON).removeprefix(FRAME).lower().replace(",", " ").rstrip(".").split()
    )
    lengths = [len(patch_text(condition, LESSON).split()) for condition in ("placebo", "demo")]

    assert words & {"results", "page", "wool", "hat", "step", "click", "right", "wrong"} == set()
    assert abs(lengths[0] - lengths[1]) <= 5


@pytest.mark.parametrize("wrong", ["", "click[next]"], ids=["none is known", "it is the right one"])
def test_a_contrast_without_a_wrong_action_is_a_demo(wrong: str) -> None:
    lesson = Lesson(observation="x", action="click[next]", reason="it helps", wrong=wrong, diagnosis="no")

    assert patch_text("contrast", lesson) == patch_text("demo", lesson)


@pytest.mark.parametrize(
    ("observation", "expected"),
    [
        ("Results page 1. 1 hat.", "results page 1"),
        ("You see a door\nand a key", "you see a door"),
        ("one two three four five six seven eight nine", "one two three four five six seven eight"),
        ("", "a place"),
    ],
    ids=["up to the full stop", "up to the end of the line", "eight words at most", "nothing seen"],
)
def test_a_summary_is_the_beginning(observation: str, expected: str) -> None:
    assert summary(observation) == expected


@pytest.mark.parametrize(
    ("kind", "wrong", "expected"),
    [
        ("buy", "", "it called for a buy step"),
        ("open", "open", "it called for an open step, but another one"),
        ("open", "back", "it called for an open step, not a back step"),
        ("", "back", "it called for a step, not a back step"),
    ],
    ids=["no wrong action", "one kind", "two kinds", "no kind"],
)
def test_a_diagnosis_names_kinds_alone(kind: str, wrong: str, expected: str) -> None:
    assert diagnosis_from_kinds(kind, wrong) == expected


def test_what_a_teacher_writes_over_several_lines_stays_one_sentence() -> None:
    lesson = Lesson(
        observation="a room", action="go", reason="It is\nthe way out.", diagnosis="Nothing\nthere."
    )

    assert patch_text("demo", lesson) == f"{FRAME} at a room, go was right: It is the way out."
    assert patch_text("hint", lesson) == f"{FRAME} at a room, Nothing there."
