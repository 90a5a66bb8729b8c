"""What a student's episodes say, and what the programmatic proposer makes of it."""

from __future__ import annotations

import random

import pytest
from world_scenes import episode

from honing.experiments.improve.worlds.evidence import clues_of, trace_of
from honing.experiments.improve.worlds.proposer import edited, note_of
from honing.learn import ActingHarness, Prompt, acting_files, acting_from_files

ROOM, BOX = "room. quiet.", "room. quiet. box open."


def kind(action: str) -> str:
    return action.partition(" ")[0]


OPENED = [episode("find coin", (ROOM, "open box"), (BOX, "leave"), success=True) for _ in range(6)]
LEFT = [episode("find coin", (ROOM, "leave"), success=False) for _ in range(10)]
LOOKED = [episode("find hat", (ROOM, "look under"), (ROOM, "leave"), success=True) for _ in range(12)]
CLUES = clues_of([*OPENED, *LEFT, *LOOKED], kind)


def test_a_kind_of_action_that_helped_where_the_goal_has_a_word_is_the_first_clue() -> None:
    first = CLUES[0]

    assert (first.word, first.kind, first.can, first.mark) == ("coin", "open", "open box", "box")
    assert (first.with_it, first.without) == ((6, 6), (0, 10))
    assert (first.lesson.observation, first.lesson.action, first.lesson.wrong) == (
        "room",
        "open box",
        "leave",
    )


def test_what_did_not_help_is_no_clue() -> None:
    ended = [episode("find coin", (ROOM, "open box"), (BOX, "leave"), success=False) for _ in range(20)]

    found = clues_of([*ended, *LOOKED], kind)

    assert [clue for clue in found if clue.kind == "open" and clue.word == "coin"] == []


def test_the_clues_of_one_kind_speak_of_different_episodes() -> None:
    words = [clue.word for clue in CLUES if clue.kind == "open"]

    assert len(words) == len(set(words))
    assert "find" not in words[:1]


def test_a_tampered_episode_says_nothing() -> None:
    from dataclasses import replace

    tampered = [replace(one, tampered="the reward rose") for one in OPENED]

    found = clues_of([*tampered, *LEFT, *LOOKED], kind)

    assert [clue.with_it for clue in found if (clue.word, clue.kind) == ("coin", "open")] == [(0, 0)]


def test_the_trace_shows_clues_and_failed_episodes() -> None:
    text = trace_of([*OPENED, *LEFT], CLUES, shown=1)

    assert "- goals with 'coin': open taken 6 of 6, not taken 0 of 10" in text
    assert "failed, reward 0: find coin\n  room. quiet.  ->  leave" in text
    assert "open box" not in text.partition("failed")[2]


def test_a_clue_becomes_a_note_that_ends_once_it_was_done() -> None:
    note = note_of(CLUES[0], "hint")

    assert note.as_document() == {
        "say": "Example from a similar situation: at room, it called for an open step, not a leave step.",
        "goal": ["coin"],
        "seen": ["room"],
        "unseen": ["box"],
        "can": ["open box"],
    }


def test_slots_try_the_clues_in_their_order_and_leave_every_third_to_the_rules() -> None:
    plain = ActingHarness(prompt=Prompt(history=2))

    found = [edited(plain, CLUES, slot=slot, rng=random.Random(0)) for slot in (1, 2, 3)]

    assert [one.notes for one in found] == [
        (note_of(CLUES[0], "hint"),),
        (note_of(CLUES[1 % len(CLUES)], "hint" if len(CLUES) > 1 else "demo"),),
        (),
    ]
    assert found[2] != plain


@pytest.mark.parametrize("slot", range(1, 41))
def test_every_proposal_is_another_harness_that_can_be_read(slot: int) -> None:
    start = ActingHarness(notes=(note_of(CLUES[0], "hint"),))

    found = edited(start, CLUES, slot=slot, rng=random.Random(slot))

    assert found != start
    assert acting_from_files(acting_files(found)) == found


def test_a_slot_proposes_the_same_when_it_is_asked_again() -> None:
    first, again = (edited(ActingHarness(), CLUES, slot=3, rng=random.Random(7)) for _ in range(2))

    assert first == again
