"""Models without a server: scripts, rules, known skill, and tool-calling scripts."""

from __future__ import annotations

import json
import random
import threading
from pathlib import Path

import pytest

from honing.errors import ModelServerError, UsageError
from honing.llm.base import Finish, Message, ModelReply, ModelRequest, Role, ToolCall, Usage
from honing.llm.scripted import (
    EchoModel,
    EmptyModel,
    ScriptedModel,
    SkilledModel,
    ToolScript,
    ToolStep,
    load_script,
    plausible_wrong,
)


def ask(text: str, **fields: object) -> ModelRequest:
    return ModelRequest(model="m", messages=[Message(Role.USER, text)], **fields)  # type: ignore[arg-type]


def test_replies_come_in_order_and_one_too_many_is_an_error() -> None:
    model = ScriptedModel.of_replies(["a", ModelReply(text="b", model="exact", usage=Usage(input_tokens=7))])

    first, second = model.answer(ask("question")), model.answer(ask("q"))

    assert first == ModelReply(text="a", model="m", usage=Usage(input_tokens=4, output_tokens=1))
    assert second == ModelReply(text="b", model="exact", usage=Usage(input_tokens=7))
    with pytest.raises(ModelServerError, match="the script has 2 replies and they are used up"):
        model.answer(ask("q"))


def test_the_first_rule_that_is_found_in_the_last_user_message_answers() -> None:
    model = ScriptedModel.of_rules([(r"add (\d+) and (\d+)", r"\1+\2"), ("add", "what?")], default="no idea")
    talk = ModelRequest(
        model="m",
        messages=[
            Message(Role.USER, "add 1 and 2"),
            Message(Role.ASSISTANT, "3"),
            Message(Role.USER, "please add"),
        ],
    )

    assert [model.answer(r).text for r in (ask("do add 3 and 4"), talk, ask("sing"))] == [
        "3+4",
        "what?",
        "no idea",
    ]


def test_rules_without_a_default_refuse_what_no_rule_matches() -> None:
    with pytest.raises(ModelServerError, match="no rule of the script matches 'sing'"):
        ScriptedModel.of_rules([("add", "x")]).answer(ask("sing"))


def test_the_null_model_says_nothing_and_the_echo_repeats() -> None:
    assert EmptyModel().answer(ask("q")).text == ""
    assert EchoModel().answer(ask("q\n\nr")).text == "q\n\nr"


def test_a_skilled_models_hit_rate_is_its_skill() -> None:
    model = SkilledModel(lambda request: "42", skill=0.7, seed=1)

    right = sum(model.answer(ask(f"question {n}")).text == "42" for n in range(4000))

    # Four standard errors of a share of 0.7 over 4000 draws.
    assert abs(right / 4000 - 0.7) < 4 * (0.7 * 0.3 / 4000) ** 0.5


def test_repeats_of_one_question_are_independent_draws() -> None:
    model = SkilledModel(lambda request: "42", skill=0.5, seed=3)

    right = sum(model.answer(ask("the same question")).text == "42" for _ in range(2000))

    assert abs(right / 2000 - 0.5) < 4 * (0.25 / 2000) ** 0.5


def test_a_skilled_model_answers_alike_in_any_order_and_from_any_thread() -> None:
    questions = [ask(f"question {n}") for n in range(200)]
    one, other = (SkilledModel(lambda request: "42", skill=0.5, seed=5) for _ in range(2))
    expected = {q.messages[0].text: one.answer(q).text for q in questions}
    found: dict[str, str] = {}

    def run(part: list[ModelRequest]) -> None:
        for question in part:
            found[question.messages[0].text] = other.answer(question).text

    random.Random(0).shuffle(questions)
    threads = [threading.Thread(target=run, args=(questions[n::4],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == expected


def test_another_seed_makes_other_mistakes() -> None:
    questions = [ask(f"question {n}") for n in range(64)]
    answers = [
        [SkilledModel(lambda request: "42", skill=0.5, seed=seed).answer(q).text for q in questions]
        for seed in (1, 2)
    ]

    assert answers[0] != answers[1]


def test_a_skilled_model_without_the_answer_says_so() -> None:
    assert SkilledModel(lambda request: None, skill=1.0, seed=0).answer(ask("q")).text == "I do not know."


def test_a_skill_outside_zero_to_one_is_refused() -> None:
    with pytest.raises(ValueError, match=r"skill must lie in 0\.\.1, got 1\.5"):
        SkilledModel(lambda request: "x", skill=1.5, seed=0)


@pytest.mark.parametrize(
    "right",
    [
        "B",
        "c",
        "yes",
        "No",
        "True",
        "42",
        "-3.50",
        "The answer is 17 apples",
        "Paris",
        "red blue green",
        "a a",
        "",
    ],
)
def test_a_wrong_answer_is_never_the_right_one(right: str) -> None:
    wrongs = {plausible_wrong(right, random.Random(n)) for n in range(200)}

    assert right not in wrongs
    assert "" not in wrongs


def test_wrong_answers_are_of_the_same_kind() -> None:
    rng = random.Random(0)

    assert plausible_wrong("b", rng) in {"a", "c", "d", "e"}
    assert plausible_wrong("Yes", rng) == "No"
    assert int(plausible_wrong("100", rng)) in range(101, 110)
    assert sorted(plausible_wrong("red blue green", random.Random(3)).split()) == ["blue", "green", "red"]


TOOLS = [{"name": "write", "description": "", "parameters": {}}]
SCRIPT = ToolScript([ToolStep([("write", {"path": "a"}), ("write", {"path": "b"})], "two files"), "Done"])


def with_results(count: int) -> ModelRequest:
    results = [Message(Role.TOOL, "ok", tool_call_id=f"call_{n}") for n in range(count)]
    return ModelRequest(model="m", messages=[Message(Role.USER, "go"), *results], tools=TOOLS)


def test_a_tool_script_makes_its_calls_and_then_says_its_text() -> None:
    calls = [ToolCall("call_0", "write", '{"path": "a"}'), ToolCall("call_1", "write", '{"path": "b"}')]

    first, last, after = (SCRIPT.answer(with_results(count)) for count in (0, 2, 3))

    assert (first.finish, first.text, first.tool_calls) == (Finish.TOOL_CALLS, "two files", calls)
    assert (last.finish, last.text, last.tool_calls) == (Finish.STOP, "Done", ())
    assert after.text == "Done"


def test_a_tool_script_is_not_put_out_of_step_by_a_repeat_or_a_side_question() -> None:
    side = SCRIPT.answer(ask("Give this talk a title"))

    assert side.text == "A short title"
    assert SCRIPT.answer(with_results(0)) == SCRIPT.answer(with_results(0))


@pytest.mark.parametrize(
    ("script", "question", "expected"),
    [
        ({"rules": [{"match": "ping", "reply": "pong"}], "default": "?"}, "ping", "pong"),
        ({"rules": [{"match": "ping", "reply": "pong"}], "default": "?"}, "else", "?"),
        ({"replies": ["one", "two"]}, "x", "one"),
        ({"echo": True}, "x", "x"),
    ],
    ids=["a rule", "the default", "replies", "echo"],
)
def test_a_script_is_read_from_a_file(tmp_path: Path, script: object, question: str, expected: str) -> None:
    path = tmp_path / "script.json"
    path.write_text(json.dumps(script))

    assert load_script(path).answer(ask(question)).text == expected


def test_a_tool_script_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "script.json"
    path.write_text('{"steps": [{"calls": [{"name": "write", "arguments": {"path": "a"}}]}, "Done"]}')

    reply = load_script(path).answer(with_results(0))

    assert reply.tool_calls == [ToolCall("call_0", "write", '{"path": "a"}')]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"rule": []}', r"a script needs 'rules', 'replies', 'steps' or 'echo'; found \['rule'\]"),
        ("{", "reading the script"),
        ('{"rules": [{"match": "("}]}', "reading the script"),
    ],
    ids=["no known part", "no JSON", "a rule without a reply"],
)
def test_a_script_that_says_nothing_usable_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "script.json"
    path.write_text(text)

    with pytest.raises(UsageError, match=message):
        load_script(path)
