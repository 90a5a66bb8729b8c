"""What is made of a chat model's reply."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from teach_runs import a_snapshot

from honing.teach.snapshot import Advice, ErrorType
from honing.teach.teachers.reading import names_action, read_advice, sentences, shortened

SNAPSHOT = a_snapshot(valid_actions=["search[red shoes]", "click[item 3]", "back"], action="back")
GOOD = {
    "suggested_action": "click[item 3]",
    "rationale": "It is the one that was asked for.",
    "diagnosis": "The agent left a page that had what it needed.",
    "error_type": "planning_error",
    "confidence": 0.8,
}
LONG = "First look at the goal. Then compare every item with it. Then choose. So the answer follows."


def problems(**changes: Any) -> tuple[str, ...]:
    return read_advice(json.dumps({**GOOD, **changes}), SNAPSHOT, "m").problems


@pytest.mark.parametrize(
    "text",
    [json.dumps(GOOD), f"  {json.dumps(GOOD, indent=2)}\n", f"```json\n{json.dumps(GOOD)}\n```"],
    ids=["plain", "with space around", "in a fence"],
)
def test_one_object_with_the_keys_asked_for_is_advice(text: str) -> None:
    found = read_advice(text, SNAPSHOT, "gpt-x")

    assert found.problems == ()
    assert found.advice == Advice(
        suggested_action="click[item 3]",
        rationale="It is the one that was asked for.",
        diagnosis="The agent left a page that had what it needed.",
        error_type=ErrorType.PLANNING_ERROR,
        confidence=0.8,
        teacher="gpt-x",
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I think it should click[item 3].",
        f"Here you are: {json.dumps(GOOD)}",
        f"{json.dumps(GOOD)}\nHope that helps.",
        json.dumps([GOOD]),
        json.dumps(GOOD)[:-5],
        "[" * 100_000,
        '{"suggested_action": NaN}',
    ],
    ids=["nothing", "prose", "before", "after", "a list", "cut", "a deep nest", "not a number"],
)
def test_anything_but_one_object_gives_no_advice(text: str) -> None:
    found = read_advice(text, SNAPSHOT, "m")

    assert found.advice is None
    assert len(found.problems) >= 1


@pytest.mark.parametrize(
    "action",
    ["click[item 4]", "Click[item 3]", " click[item 3]", "click[item 3]\n", "", None, 3, ["back"]],
)
def test_an_action_that_is_not_valid_character_by_character_gives_no_advice(action: Any) -> None:
    found = read_advice(json.dumps({**GOOD, "suggested_action": action}), SNAPSHOT, "m")

    assert found.advice is None
    assert found.problems[0].startswith(f"'suggested_action' is {json.dumps(action)}")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"diagnosis": LONG}, "'diagnosis' is too long"),
        ({"diagnosis": "one\ntwo\nthree"}, "'diagnosis' is too long"),
        ({"diagnosis": "very " * 61 + "wrong."}, "'diagnosis' is too long"),
        ({"diagnosis": ""}, "'diagnosis' is empty"),
        ({"diagnosis": None}, "'diagnosis' is empty"),
        ({"diagnosis": "It should have done CLICK[ITEM 3]."}, "'diagnosis' names the right action"),
        ({"rationale": LONG}, "'rationale' is too long"),
        ({"error_type": "laziness"}, "'error_type' must be one of"),
        ({"confidence": 1.2}, "'confidence' must be"),
        ({"confidence": "high"}, "'confidence' must be"),
        ({"confidence": True}, "'confidence' must be"),
        ({"reasoning": "step by step"}, "There is a key 'reasoning'"),
    ],
)
def test_what_else_is_wrong_is_said_and_the_action_kept(changes: dict[str, Any], problem: str) -> None:
    found = read_advice(json.dumps({**GOOD, **changes}), SNAPSHOT, "m")

    assert [text for text in found.problems if text.startswith(problem)] != []
    assert found.advice is not None
    assert found.advice.suggested_action == "click[item 3]"


@pytest.mark.parametrize("key", list(GOOD))
def test_a_missing_key_is_named(key: str) -> None:
    document = {name: value for name, value in GOOD.items() if name != key}

    found = read_advice(json.dumps(document), SNAPSHOT, "m")

    assert f"The key '{key}' is missing." in found.problems


def test_what_is_kept_of_a_long_reply_is_short_and_gives_nothing_away() -> None:
    diagnosis = "It missed click[item 3] here. It went back. Then it was lost."

    found = read_advice(json.dumps({**GOOD, "diagnosis": diagnosis, "rationale": LONG}), SNAPSHOT, "m").advice

    assert found is not None
    assert found.diagnosis == "It missed another action here. It went back."
    assert found.rationale == "First look at the goal."


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("One.", 1),
        ("One. Two!", 2),
        ("It costs 3.50 dollars. Too much.", 2),
        ("no capital. here", 1),
        ("One\nTwo", 2),
        ('He said "go." Then he went.', 2),
        ("", 0),
    ],
)
def test_sentences_are_counted_as_people_count_them(text: str, count: int) -> None:
    assert len(sentences(text)) == count


@pytest.mark.parametrize(
    ("text", "action", "names"),
    [
        ("It went back too early.", "back", False),
        ("It should have chosen 'back'.", "back", True),
        ("It should go north now.", "go north", True),
        ("It should go northwards.", "go north", False),
        ("It took search[red shoes] twice.", "search[red shoes]", True),
    ],
)
def test_a_diagnosis_names_an_action_where_it_gives_it_away(text: str, action: str, *, names: bool) -> None:
    assert names_action(text, action) is names


@given(st.text(), st.integers(1, 3))
def test_a_shortened_text_is_one_short_line(text: str, count: int) -> None:
    found = shortened(text, count)

    assert "\n" not in found
    assert len(found.split()) <= 60


@given(
    st.text()
    | st.dictionaries(st.sampled_from([*GOOD, "x"]), st.none() | st.text() | st.floats() | st.booleans()).map(
        json.dumps
    )
)
def test_no_reply_whatever_crashes_the_reading(text: str) -> None:
    found = read_advice(text, SNAPSHOT, "m")

    assert (found.advice is None) <= bool(found.problems)
