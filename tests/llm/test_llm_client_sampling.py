"""Sampling parameters: sent where they were set, left out once a server has refused them, recorded."""

from __future__ import annotations

from dataclasses import replace

import pytest
from loopback import QUESTION, RawServer, endpoint, http, right

from honing.errors import ModelRequestError
from honing.llm import (
    WIRES,
    Client,
    Sampling,
    Wire,
    wire_named,
)

each_wire = pytest.mark.parametrize("wire", WIRES, ids=[wire.name for wire in WIRES])


def refusing(message: str, *, param: str | None = None, code: str | None = None) -> bytes:
    return http(400, {"error": {"message": message, "param": param, "code": code}})


@each_wire
def test_what_the_caller_did_not_set_is_not_sent(wire: Wire) -> None:
    with RawServer([right(wire.name)]) as server, Client(endpoint(server.base_url, wire.name)) as client:
        reply = client.complete(QUESTION)

    limit = {"max_tokens": 8192} if wire.name == "anthropic_messages" else {}
    spare = {"model", "messages", "input", "contents"} | set(limit)
    assert set(server.requests[0].body) <= spare
    assert (reply.requested, reply.sent) == ({}, limit)


def test_what_a_wire_has_no_place_for_shows_in_what_was_sent() -> None:
    request = replace(QUESTION, sampling=Sampling(temperature=0.1, seed=3, logprobs=2, max_tokens=5))
    wire = wire_named("anthropic_messages")
    with RawServer([right(wire.name)]) as server, Client(endpoint(server.base_url, wire.name)) as client:
        reply = client.complete(request)

    assert reply.requested == {"temperature": 0.1, "seed": 3, "logprobs": 2, "max_tokens": 5}
    assert reply.sent == {"temperature": 0.1, "max_tokens": 5}


@pytest.mark.parametrize(
    "refusal",
    [
        refusing(
            "Unsupported value: 'temperature' does not support 0.0 with this model.",
            param="temperature",
            code="unsupported_value",
        ),
        refusing("temperature: Extra inputs are not permitted"),
        refusing("`temperature` is deprecated for this model."),
        http(422, {"detail": "unknown field temperature"}),
    ],
    ids=["by its param", "as an extra input", "as deprecated", "with status 422"],
)
def test_a_refused_sampling_parameter_is_dropped_and_stays_dropped(refusal: bytes) -> None:
    request = replace(QUESTION, sampling=Sampling(temperature=0.0, max_tokens=5))
    with (
        RawServer([refusal, right(), right()]) as server,
        Client(endpoint(server.base_url)) as client,
    ):
        first, second = client.complete(request), client.complete(request)
        bodies = [seen.body for seen in server.requests]

    assert ["temperature" in body for body in bodies] == [True, False, False]
    assert [body["max_tokens"] for body in bodies] == [5, 5, 5]
    assert [reply.requested for reply in (first, second)] == [{"temperature": 0.0, "max_tokens": 5}] * 2
    assert [reply.sent for reply in (first, second)] == [{"max_tokens": 5}] * 2


def test_parameters_are_dropped_one_at_a_time_and_the_one_named_first_is_kept_longest() -> None:
    request = replace(QUESTION, sampling=Sampling(temperature=0.2, top_p=0.9))
    both = refusing("`temperature` and `top_p` cannot both be specified for this model.")
    with RawServer([both, right()]) as server, Client(endpoint(server.base_url)) as client:
        reply = client.complete(request)

    assert reply.sent == {"temperature": 0.2}


@pytest.mark.parametrize(
    "refusal",
    [
        refusing("Invalid 'temperature': must be at most 2.", param="temperature", code="invalid_value"),
        refusing("Unsupported parameter: 'max_tokens' is not supported.", param="max_tokens"),
        refusing("Unsupported parameter: 'tools'.", param="tools", code="unsupported_parameter"),
        refusing("The prompt is too long."),
        http(404, {"error": {"message": "temperature is not supported"}}),
    ],
    ids=["out of range", "the limit of tokens", "another field", "the prompt", "another status"],
)
def test_nothing_is_dropped_for_any_other_refusal(refusal: bytes) -> None:
    request = replace(QUESTION, sampling=Sampling(temperature=0.0, max_tokens=5))
    with (
        RawServer([refusal, right()]) as server,
        Client(endpoint(server.base_url)) as client,
        pytest.raises(ModelRequestError),
    ):
        client.complete(request)

    assert len(server.requests) == 1


def test_a_server_that_refuses_for_ever_is_asked_once_for_each_parameter() -> None:
    request = replace(QUESTION, sampling=Sampling(temperature=0.0, top_p=1.0, seed=1, max_tokens=5))
    stubborn = refusing("temperature, top_p and seed are not supported")
    with (
        RawServer([stubborn] * 9) as server,
        Client(endpoint(server.base_url)) as client,
        pytest.raises(ModelRequestError),
    ):
        client.complete(request)

    assert len(server.requests) == 4


def test_the_limit_of_tokens_goes_by_its_newer_name_where_a_server_asks_for_it() -> None:
    refusal = refusing(
        "Unsupported parameter: 'max_tokens' is not supported with this model. "
        "Use 'max_completion_tokens' instead.",
        param="max_tokens",
        code="unsupported_parameter",
    )
    request = replace(QUESTION, sampling=Sampling(max_tokens=5))
    with RawServer([refusal, right()]) as server, Client(endpoint(server.base_url)) as client:
        reply = client.complete(request)

    assert [seen.body.get("max_tokens") for seen in server.requests] == [5, None]
    assert server.requests[1].body["max_completion_tokens"] == 5
    assert reply.sent == {"max_tokens": 5}
