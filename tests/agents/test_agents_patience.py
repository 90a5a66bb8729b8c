"""An agent whose model calls keep failing is stopped; one that recovers is not."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from agent_scene import replaying, scene

from honing.agents import AgentOutcome, AgentRun, OpenCodeAgent, Trouble
from honing.llm import Fault, FaultKind
from honing.sandbox import Cancel

ASK_AGAIN_AND_AGAIN = """
python3 - <<'END'
import json, os, time, urllib.error, urllib.request
body = {"model": "scripted", "messages": [{"role": "user", "content": "hello"}]}
head = {"authorization": "Bearer " + os.environ["TOKEN"], "content-type": "application/json"}
for _ in range(int(os.environ["CALLS"])):
    request = urllib.request.Request(
        "http://127.0.0.1:4141/v1/chat/completions", json.dumps(body).encode(), head
    )
    try:
        urllib.request.urlopen(request).read()
    except urllib.error.HTTPError as error:
        error.close()
time.sleep(float(os.environ["REST_S"]))
END
"""
FAILS, WORKS = Fault(kind=FaultKind.SERVER_ERROR), None


def run(folder: Path, faults: list[Fault | None], *, rest_s: float, cancel: Cancel | None = None) -> AgentRun:
    """A program that asks once for each of these and rests afterwards."""
    agent = OpenCodeAgent(replaying(folder / "bin", "opencode", ASK_AGAIN_AND_AGAIN))
    with scene(folder, faults=faults, limit_s=300.0) as here:
        assert here.task.channel is not None
        env = {"TOKEN": here.task.channel.token, "CALLS": str(len(faults)), "REST_S": str(rest_s)}
        return agent.run(replace(here.task, env=env), cancel=cancel)


def test_three_failures_in_a_row_end_it_long_before_its_limit(tmp_path: Path) -> None:
    found = run(tmp_path, [WORKS, FAILS, FAILS, FAILS], rest_s=600.0)

    assert (found.outcome, found.trouble) == (AgentOutcome.INFRA_ERROR, Trouble.SERVER)
    assert (found.usage.calls, found.usage.failed, found.exit_code) == (4, 3, None)


def test_failures_with_an_answer_between_them_do_not(tmp_path: Path) -> None:
    found = run(tmp_path, [FAILS, FAILS, WORKS, FAILS, FAILS, WORKS], rest_s=1.0)

    assert (found.outcome, found.usage.calls, found.usage.failed) == (AgentOutcome.FINISHED, 6, 4)


@pytest.mark.parametrize("faults", [[WORKS], [FAILS, FAILS]], ids=["while all is well", "amid failures"])
def test_the_callers_own_wish_is_still_heard(tmp_path: Path, faults: list[Fault | None]) -> None:
    asked = threading.Event()
    threading.Timer(1.0, asked.set).start()

    found = run(tmp_path, faults, rest_s=600.0, cancel=asked)

    assert (found.outcome, found.trouble) == (AgentOutcome.STOPPED, Trouble.NONE)


def test_what_failed_before_it_began_is_not_held_against_it(tmp_path: Path) -> None:
    agent = OpenCodeAgent(replaying(tmp_path / "bin", "opencode", ASK_AGAIN_AND_AGAIN))
    with scene(tmp_path, faults=[FAILS] * 5, limit_s=300.0) as here:
        assert here.task.channel is not None
        env = {"TOKEN": here.task.channel.token, "CALLS": "2", "REST_S": "1"}
        first = agent.run(replace(here.task, env=env))
        second = agent.run(replace(here.task, env=env))

        assert (first.exit_code, second.exit_code) == (0, 0)
        assert (first.usage.failed, second.usage.failed) == (2, 2)
