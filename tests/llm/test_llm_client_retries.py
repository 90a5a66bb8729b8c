"""When the client asks again, and how long it waits before."""

from __future__ import annotations

import email.utils
import random

import pytest
from loopback import ANSWER, QUESTION, RawServer, SkippingClock, endpoint, fixed, http, right

from honing.errors import ModelTimeoutError
from honing.llm import (
    Backoff,
    Client,
    ClientConfig,
    Fault,
    FaultKind,
    ScriptedModel,
    ScriptedServer,
)


def waits(answers: list[bytes], *, backoff: Backoff | None = None) -> list[float]:
    """The waits of one call to a server that gives these answers and then the right one."""
    skipping = SkippingClock()
    config = ClientConfig(backoff=backoff or Backoff(retries=6))
    with RawServer([*answers, right()]) as server:
        with Client(
            endpoint(server.base_url), config, clock=skipping.clock(), rng=random.Random(7)
        ) as client:
            client.complete(QUESTION)
        assert len(server.requests) == len(answers) + 1
    return skipping.slept


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 529])
def test_a_passing_failure_is_asked_again(status: int) -> None:
    assert len(waits([http(status, {"error": {"message": "later"}})])) == 1


def test_waits_are_random_below_a_bound_that_doubles_up_to_a_cap() -> None:
    drawn = random.Random(7)
    failures = [http(500, {})] * 6

    found = waits(failures, backoff=Backoff(retries=6, base_s=0.5, cap_s=4.0))

    assert found == [drawn.uniform(0.0, bound) for bound in (0.5, 1.0, 2.0, 4.0, 4.0, 4.0)]


@pytest.mark.parametrize(
    ("headers", "least_s"),
    [
        ("retry-after: 20\r\n", 20.0),
        ("retry-after-ms: 1500\r\nretry-after: 20\r\n", 1.5),
        (f"retry-after: {email.utils.formatdate(1_700_000_012.0, usegmt=True)}\r\n", 12.0),
        (f"retry-after: {email.utils.formatdate(1_600_000_000.0, usegmt=True)}\r\n", 0.0),
        ("retry-after: soon\r\n", 0.0),
        ("retry-after: -5\r\n", 0.0),
        ("retry-after: nan\r\n", 0.0),
        ("retry-after: inf\r\n", 0.0),
    ],
    ids=["seconds", "milliseconds", "a date", "a date past", "words", "negative", "nan", "endless"],
)
def test_a_wait_the_server_asks_for_is_the_least_one(headers: str, least_s: float) -> None:
    (wait_s,) = waits([http(429, {}, headers=headers)])

    jitter_s = random.Random(7).uniform(0.0, 0.5)
    assert wait_s == max(least_s, jitter_s)


def test_a_server_may_say_that_trying_again_is_of_no_use() -> None:
    never = http(500, {}, headers="x-should-retry: false\r\n")
    with (
        RawServer([never, right()]) as server,
        Client(endpoint(server.base_url)) as client,
        pytest.raises(Exception, match="HTTP 500"),
    ):
        client.complete(QUESTION)

    assert len(server.requests) == 1


def test_calls_are_spread_evenly_below_the_rate() -> None:
    skipping = SkippingClock(still=True)
    config = ClientConfig(requests_per_minute=30.0)
    with (
        ScriptedServer(ScriptedModel(fixed)) as server,
        Client(endpoint(server.base_url), config, clock=skipping.clock()) as client,
    ):
        for _ in range(4):
            client.complete(QUESTION)

    assert skipping.slept == [2.0, 2.0, 2.0]


def test_a_call_for_which_the_rate_leaves_no_place_fails_without_waiting() -> None:
    skipping = SkippingClock(still=True)
    config = ClientConfig(requests_per_minute=1.0, total_s=30.0)
    with (
        ScriptedServer(ScriptedModel(fixed)) as server,
        Client(endpoint(server.base_url), config, clock=skipping.clock()) as client,
    ):
        client.complete(QUESTION)
        with pytest.raises(ModelTimeoutError, match="no place within the limit of 30 s"):
            client.complete(QUESTION)

    assert skipping.slept == []


def test_a_429_with_its_wait_is_followed_by_the_answer() -> None:
    skipping = SkippingClock()
    faults = [Fault(kind=FaultKind.RATE_LIMIT, retry_after="2")]
    with (
        ScriptedServer(ScriptedModel(fixed), faults=faults) as server,
        Client(endpoint(server.base_url), clock=skipping.clock()) as client,
    ):
        reply = client.complete(QUESTION)

    assert reply == ANSWER
    assert skipping.slept == [2.0]


@pytest.mark.parametrize("kind", [FaultKind.HANG, FaultKind.TRICKLE], ids=["hangs", "trickles"])
def test_an_attempt_that_does_not_finish_is_given_up_for_the_next_one(kind: FaultKind) -> None:
    config = ClientConfig(attempt_s=0.3, total_s=60.0, backoff=Backoff(retries=1, base_s=0.01))
    faults = [Fault(kind=kind, pause_s=0.05)]
    with (
        ScriptedServer(ScriptedModel(fixed), faults=faults) as server,
        Client(endpoint(server.base_url), config) as client,
    ):
        reply = client.complete(QUESTION)

    assert (reply, len(server.requests)) == (ANSWER, 2)


def test_a_silence_is_given_up_before_the_attempt_is() -> None:
    config = ClientConfig(read_s=0.3, total_s=60.0, backoff=Backoff(retries=1, base_s=0.01))
    with (
        ScriptedServer(ScriptedModel(fixed), faults=[Fault(kind=FaultKind.HANG)]) as server,
        Client(endpoint(server.base_url), config) as client,
    ):
        reply = client.complete(QUESTION)

    assert (reply, len(server.requests)) == (ANSWER, 2)
