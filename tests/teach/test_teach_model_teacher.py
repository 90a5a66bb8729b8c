"""A chat model as a teacher, over real HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest
from teach_runs import a_snapshot
from teacher_servers import (
    GOOD,
    INVALID,
    KEY,
    endpoints,
    first_valid,
    lines_to,
    refusing,
    reply,
    server_of,
    server_that,
)

from honing.errors import (
    ModelAuthenticationError,
    ModelRateLimitError,
    ModelServerError,
    ModelUnreachableError,
)
from honing.llm import Fault, FaultKind, Finish, ModelReply, ModelRequest
from honing.store import Run
from honing.teach.snapshot import Advice, ErrorType
from honing.teach.teachers import Consultation, ModelTeacher, TeacherOptions
from honing.teach.teachers.asking import opening
from honing.teach.teachers.line import open_lines
from honing.teach.teachers.shelf import Shelf

ADVICE = Advice(
    suggested_action="take the blue door",
    rationale="It leads out.",
    diagnosis="The agent took a door that leads nowhere.",
    error_type=ErrorType.ATTRIBUTE_CONFUSION,
    confidence=0.9,
    teacher="gpt-4o-mini",
)
LONG = "One thing. Then another. And a third."


def consult(
    replies: list[str], folder: Path, faults: list[Fault | None] | None = None
) -> tuple[Consultation, list[ModelRequest]]:
    """What asking gives, and the requests that arrived."""
    with server_of(replies, faults or []) as server, lines_to(server, folder) as lines:
        found = ModelTeacher(lines).consult(a_snapshot())
    return found, [call.request for call in server.requests if call.request is not None]


def test_good_advice_is_taken_at_the_first_call(tmp_path: Path) -> None:
    found, requests = consult([reply()], tmp_path)

    assert found.advice == ADVICE
    assert (found.calls, found.problems, found.refused, found.from_shelf) == (1, (), (), False)
    (request,) = requests
    assert (request.model, request.sampling.temperature, request.sampling.max_tokens) == (
        "gpt-4o-mini",
        0.0,
        256,
    )


def test_the_model_is_shown_the_moment_and_held_to_the_valid_actions(tmp_path: Path) -> None:
    _, (request,) = consult([reply()], tmp_path)

    assert list(request.messages) == opening(a_snapshot())
    asked = request.messages[1].text
    for part in ("leave the house", "You are in the hall.", "- go back", "What the agent did: take the red"):
        assert part in asked
    assert request.response_format is not None
    assert request.response_format["schema"]["properties"]["suggested_action"] == {
        "type": "string",
        "enum": ["take the red door", "take the blue door", "go back"],
    }


def test_the_bill_adds_up_tokens_and_money_of_every_call(tmp_path: Path) -> None:
    found, requests = consult([INVALID, reply()], tmp_path)

    assert len(requests) == found.calls == 2
    assert found.input_tokens > found.output_tokens > 0
    # The bundled list price of gpt-4o-mini: 0.15 and 0.60 US dollars a million tokens.
    assert found.cost_usd == pytest.approx((found.input_tokens * 0.15 + found.output_tokens * 0.6) / 1e6)


def test_an_invalid_action_is_asked_about_again_with_what_was_wrong(tmp_path: Path) -> None:
    found, requests = consult([INVALID, reply()], tmp_path)

    assert found.advice == ADVICE
    assert len(found.problems) == 1
    assert [message.text for message in requests[1].messages[:2]] == [
        message.text for message in requests[0].messages
    ]
    assert requests[1].messages[2].text == INVALID
    assert "'suggested_action' is \"take the green door\", which is not one of the valid actions" in (
        requests[1].messages[3].text
    )


def test_never_valid_asks_the_fallback_and_then_gives_invalid_advice(tmp_path: Path) -> None:
    found, requests = consult([INVALID] * 6, tmp_path)

    assert [request.model for request in requests] == ["gpt-4o-mini"] * 3 + ["gpt-4o"] * 3
    assert found.advice == Advice(
        suggested_action="",
        rationale="no valid advice from gpt-4o-mini, then gpt-4o",
        teacher="gpt-4o",
        valid=False,
    )
    assert (found.calls, len(found.problems)) == (6, 6)


def test_the_fallback_begins_anew_and_is_named_as_the_teacher(tmp_path: Path) -> None:
    found, requests = consult([*["no"] * 3, reply()], tmp_path)

    assert found.advice == ADVICE.model_copy(update={"teacher": "gpt-4o"})
    assert list(requests[3].messages) == opening(a_snapshot())


def test_a_long_diagnosis_is_asked_for_again_and_cut_in_the_end(tmp_path: Path) -> None:
    found, requests = consult([reply(diagnosis=LONG)] * 3, tmp_path)

    assert found.advice == ADVICE.model_copy(update={"diagnosis": "One thing. Then another."})
    assert [request.model for request in requests] == ["gpt-4o-mini"] * 3


def test_a_reply_cut_at_the_limit_of_tokens_is_asked_for_again(tmp_path: Path) -> None:
    answers = iter([ModelReply(text=reply()[:40], finish=Finish.LENGTH), ModelReply(text=reply())])
    with server_that(lambda _: next(answers)) as server, lines_to(server, tmp_path) as lines:
        found = ModelTeacher(lines).consult(a_snapshot())

    assert (found.advice, found.calls) == (ADVICE, 2)


@pytest.mark.parametrize(
    "kind", [FaultKind.RATE_LIMIT, FaultKind.SERVER_ERROR, FaultKind.OVERLOADED, FaultKind.DROPPED]
)
def test_a_failing_server_is_tried_again_without_a_word_to_the_model(tmp_path: Path, kind: FaultKind) -> None:
    found, requests = consult([reply()] * 2, tmp_path, [Fault(kind=kind)])

    assert (found.advice, found.problems, found.calls) == (ADVICE, (), 1)
    assert requests[0].messages == requests[1].messages


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.RATE_LIMIT, ModelRateLimitError),
        (FaultKind.SERVER_ERROR, ModelServerError),
        (FaultKind.MALFORMED_JSON, ModelServerError),
    ],
)
def test_a_server_that_goes_on_failing_is_an_error_never_invalid_advice(
    tmp_path: Path, kind: FaultKind, error: type[Exception]
) -> None:
    with pytest.raises(error):
        consult([reply()] * 9, tmp_path, [Fault(kind=kind)] * 9)


def test_nobody_is_asked_any_more_after_several_failures_in_a_row(tmp_path: Path) -> None:
    faults = [Fault(kind=FaultKind.SERVER_ERROR)] * 20
    with server_of([reply()] * 20, faults) as server, lines_to(server, tmp_path, limit=2) as lines:
        teacher = ModelTeacher(lines)
        with pytest.raises(ModelServerError):
            teacher.consult(a_snapshot())
        with pytest.raises(ModelUnreachableError, match="2 calls in a row failed"):
            teacher.consult(a_snapshot())
        with pytest.raises(ModelUnreachableError):
            teacher.consult(a_snapshot())

    assert len(server.requests) == 4


def test_a_request_that_is_refused_counts_as_a_bad_reply(tmp_path: Path) -> None:
    fault = Fault(kind=FaultKind.BAD_REQUEST, text=f"the content filter stopped this ({KEY})")

    found, _ = consult([reply()] * 9, tmp_path, [fault, fault])

    assert (found.advice.valid, found.advice.suggested_action) == (True, GOOD["suggested_action"])
    # Without an address: artifacts hold these words, and ports change from run to run.
    rejected = "the server rejected the request (HTTP 400: "
    words = f"gpt-4o-mini: {rejected}{rejected}the content filter stopped this ([key removed])))"
    assert found.problems == (words, words)
    assert KEY not in str(found)


@pytest.mark.parametrize("refused", ["temperature", "response_format"])
def test_a_parameter_that_the_server_refuses_is_left_out_and_recorded(tmp_path: Path, refused: str) -> None:
    with server_that(refusing(refused)) as server, lines_to(server, tmp_path) as lines:
        teacher = ModelTeacher(lines)
        first, second = teacher.consult(a_snapshot()), teacher.consult(a_snapshot(id="t2-s01", goal="run"))

    assert [first.refused, second.refused] == [(refused,), (refused,)]
    assert [first.advice.valid, first.calls, first.problems] == [True, 1, ()]
    # Refused once, then known.
    assert len(server.requests) == 3


def test_a_refused_key_is_said_once_and_nobody_is_asked_after_that(tmp_path: Path) -> None:
    faults = [Fault(kind=FaultKind.UNAUTHORIZED)] * 9
    with server_of([reply()] * 9, faults) as server, lines_to(server, tmp_path) as lines:
        for _ in range(3):
            with pytest.raises(ModelAuthenticationError):
                ModelTeacher(lines).consult(a_snapshot())

    assert len(server.requests) == 1


def test_a_model_without_a_key_is_refused_before_any_call(tmp_path: Path) -> None:
    run = Run.create(tmp_path, kind="teach", config={}, command=["test"], seed=0)

    with (
        pytest.raises(ModelAuthenticationError, match="OPENAI_API_KEY"),
        open_lines(run, ["gpt-4o-mini"], {}, label="teacher"),
    ):
        pass


def test_an_unknown_price_is_unknown_and_not_zero(tmp_path: Path) -> None:
    with server_of([reply()]) as server, lines_to(server, tmp_path, ["my-own-model"]) as lines:
        assert ModelTeacher(lines).consult(a_snapshot()).cost_usd is None


@pytest.mark.parametrize("wire", ["ANTHROPIC", "GEMINI"])
def test_other_providers_are_asked_for_the_same_shape_in_their_own_way(tmp_path: Path, wire: str) -> None:
    model, variables = {
        "ANTHROPIC": ("claude-haiku-4-5", ("ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY")),
        "GEMINI": ("gemini-2.5-flash", ("GOOGLE_GEMINI_BASE_URL", "GEMINI_API_KEY")),
    }[wire]
    run = Run.create(tmp_path, kind="teach", config={}, command=["test"], seed=0)
    with server_that(first_valid) as server:
        where = dict(zip(variables, (server.base_url, KEY), strict=True))
        with open_lines(run, [model], where, label="teacher") as lines:
            advice = ModelTeacher(lines).advise(a_snapshot())

    assert (advice.teacher, advice.suggested_action) == (model, "take the red door")
    request = server.requests[0].request
    assert request is not None
    assert request.response_format is not None
    assert request.response_format["schema"]["required"] == [*GOOD]


def test_advice_is_paid_for_once_across_runs(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf")
    with server_of([reply()]) as server:
        with lines_to(server, tmp_path / "a") as lines:
            first = ModelTeacher(lines, shelf=shelf).consult(a_snapshot())
        with lines_to(server, tmp_path / "b") as lines:
            again = ModelTeacher(lines, shelf=shelf).consult(a_snapshot(id="another", U=0.3))

    assert (first.from_shelf, again.from_shelf) == (False, True)
    assert {**again.as_document(), "from_shelf": False} == first.as_document()
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "change",
    [{"goal": "other"}, {"action": "go back"}, {"history": []}, {"options": TeacherOptions(retries=0)}],
    ids=["goal", "action", "history", "options"],
)
def test_another_question_is_asked_anew(tmp_path: Path, change: dict[str, object]) -> None:
    shelf = Shelf(tmp_path / "shelf")
    options = change.pop("options", TeacherOptions())
    with server_of([reply()] * 2) as server, lines_to(server, tmp_path / "a") as lines:
        ModelTeacher(lines, shelf=shelf).consult(a_snapshot())
        again = ModelTeacher(lines, options, shelf=shelf).consult(a_snapshot(**change))  # type: ignore[arg-type]

    assert not again.from_shelf


def test_a_model_of_the_same_name_on_another_server_is_asked_anew(tmp_path: Path) -> None:
    """What a stand-in said on this machine is no advice of the model that it stood for."""
    shelf = Shelf(tmp_path / "shelf")
    with server_of([reply()]) as stand_in, server_of([reply(rationale="It is blue.")]) as server:
        with lines_to(stand_in, tmp_path / "a") as lines:
            ModelTeacher(lines, shelf=shelf).consult(a_snapshot())
        with lines_to(server, tmp_path / "b") as lines:
            found = ModelTeacher(lines, shelf=shelf).consult(a_snapshot())

    assert (found.from_shelf, found.advice.rationale) == (False, "It is blue.")


def test_invalid_advice_is_not_kept_for_other_runs(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf")
    with server_of([*["no"] * 6, reply()]) as server, lines_to(server, tmp_path / "a") as lines:
        teacher = ModelTeacher(lines, shelf=shelf)
        valid = [teacher.consult(a_snapshot()).advice.valid for _ in range(2)]

    assert valid == [False, True]


def test_a_damaged_file_on_the_shelf_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.keep({"q": 1}, {"a": 2})
    (path,) = tmp_path.rglob("*.json")

    assert shelf.find({"q": 1}) == {"a": 2}
    assert shelf.find({"q": 2}) is None
    path.write_bytes(path.read_bytes()[:20])
    assert shelf.find({"q": 1}) is None


def test_the_key_stands_in_no_file_of_the_run(tmp_path: Path) -> None:
    faults = [Fault(kind=FaultKind.KEY_ECHO), Fault(kind=FaultKind.KEY_ECHO_REPLY)]
    shelf = Shelf(tmp_path / "shelf")
    with server_of([reply()] * 9, faults) as server, lines_to(server, tmp_path / "runs") as lines:
        assert endpoints(server)["OPENAI_API_KEY"] == KEY
        ModelTeacher(lines, shelf=shelf).consult(a_snapshot())

    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 2
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []
