"""No trick passes the code judge, and a failure of ours is never a wrong answer."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from code_attacks import EQUAL_LIST, EQUAL_OBJECT, EQUAL_TYPE, OTHER_PROCESS, SHARED_PROCESS

from honing.contract.scorers import CodeScorer, Row, ScoreStatus
from honing.contract.scorers.judge import program
from honing.errors import SandboxError
from honing.sandbox import (
    BubblewrapSandbox,
    Cancel,
    Capability,
    Command,
    Ending,
    Finished,
    Sandbox,
    UnconfinedSandbox,
)

ADD = Row(
    id="1",
    inputs={"input": "Write it.", "tests": "assert add(1, 2) == 3", "under_test": ("add",), "form": "write"},
    golds=(),
    anchor="t:1",
)


@pytest.fixture(scope="module")
def scorer() -> CodeScorer:
    return CodeScorer(sandbox=BubblewrapSandbox())


ATTACKS = SHARED_PROCESS | OTHER_PROCESS


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_no_trick_passes(scorer: CodeScorer, attack: str) -> None:
    detail = scorer.score(ADD, f"```python{attack}\n```" if attack.startswith("\n") else attack)

    assert (detail.reward, detail.status) == (0.0, ScoreStatus.SCORED), detail.why


@pytest.mark.parametrize("attack", OTHER_PROCESS.values(), ids=OTHER_PROCESS)
def test_the_referee_is_closed_to_the_code_even_without_a_sandbox(attack: str) -> None:
    detail = CodeScorer(sandbox=UnconfinedSandbox()).score(ADD, attack)

    assert (detail.reward, detail.status) == (0.0, ScoreStatus.SCORED), detail.why


@pytest.mark.parametrize("attack", [EQUAL_LIST, EQUAL_OBJECT, EQUAL_TYPE], ids=["list", "object", "class"])
def test_an_equal_object_does_fool_a_judge_that_shares_its_process(attack: str) -> None:
    names: dict[str, object] = {}
    exec(attack, names)

    assert eval("add(1, 2) == 3", names)


class Weakened:
    """A sandbox that runs the judge with one of its protections taken out."""

    name = "weakened"
    capabilities: frozenset[Capability] = frozenset()

    def __init__(self, protection: str, inner: Sandbox) -> None:
        self.protection = protection
        self.inner = inner

    def run(self, command: Command, *, cancel: Cancel | None = None) -> Finished:
        program_text = str(command.argv[-1])
        weakened = program_text.replace(f"    {self.protection}\\n", "    pass\\n", 1)
        assert weakened != program_text
        return self.inner.run(replace(command, argv=[*command.argv[:-1], weakened]), cancel=cancel)


YAMA = Path("/proc/sys/kernel/yama/ptrace_scope")


@pytest.mark.skipif(
    os.geteuid() != 0 or (YAMA.exists() and YAMA.read_text().strip() != "0"),
    reason="here the kernel alone keeps processes of one user apart, so the attack is not live",
)
@pytest.mark.parametrize(
    ("protection", "inner"),
    [("_close_memory()", BubblewrapSandbox()), ("_give_up_privileges()", UnconfinedSandbox())],
    ids=["closed memory, among equals", "no privileges, under root"],
)
def test_each_protection_of_the_referee_is_needed(protection: str, inner: Sandbox) -> None:
    weakened = CodeScorer(sandbox=Weakened(protection, inner))

    detail = weakened.score(ADD, OTHER_PROCESS["reads the referee's memory"])

    assert detail.reward == 1.0, detail.why


class Broken:
    """A sandbox that ends every command as told."""

    name = "broken"
    capabilities: frozenset[Capability] = frozenset()

    def __init__(self, act: Callable[[Command], Finished]) -> None:
        self.act = act

    def run(self, command: Command, *, cancel: Cancel | None = None) -> Finished:
        return self.act(command)


def ended(ending: Ending, stdout: str = "", stderr: str = "") -> Finished:
    return Finished(
        ending=ending,
        exit_code=1,
        stdout=stdout,
        stderr=stderr,
        stdout_bytes=len(stdout),
        stderr_bytes=len(stderr),
        duration_s=0.0,
        sandbox="broken",
        capabilities=frozenset(),
    )


def failing(command: Command) -> Finished:
    raise SandboxError("no namespaces here")


@pytest.mark.parametrize(
    "act",
    [
        failing,
        lambda _: ended(Ending.EXITED, stderr="python: not found"),
        lambda _: ended(Ending.TIMEOUT),
        lambda command: ended(Ending.STOPPED, stdout=f"{json.loads(command.stdin)['nonce']} ready"),
    ],
    ids=["raises", "no interpreter", "hangs before the judge starts", "stopped by us"],
)
def test_a_sandbox_that_fails_is_never_a_wrong_answer(act: Callable[[Command], Finished]) -> None:
    detail = CodeScorer(sandbox=Broken(act)).score(ADD, "def add(a, b): return a + b")

    assert (detail.reward, detail.status) == (None, ScoreStatus.INFRA_ERROR)


@pytest.mark.parametrize(
    "lines",
    [
        ["{n} ready"],
        ["{n} ready", '{n} {"kind": "passed", "why": ""}', '{n} {"kind": "passed", "why": ""}'],
        ["{n} ready", 'guess {"kind": "passed", "why": ""}'],
        ["{n} ready", ' {n} {"kind": "passed", "why": ""}'],
    ],
    ids=["no verdict", "two verdicts", "a wrong nonce", "not at the start of the line"],
)
def test_only_one_verdict_behind_the_nonce_counts(lines: list[str]) -> None:
    def act(command: Command) -> Finished:
        nonce = json.loads(command.stdin)["nonce"]
        return ended(Ending.EXITED, stdout="\n".join(line.replace("{n}", nonce) for line in lines))

    detail = CodeScorer(sandbox=Broken(act)).score(ADD, "def add(a, b): return a + b")

    assert (detail.reward, detail.status) == (0.0, ScoreStatus.SCORED)


def test_every_verdict_has_its_own_secret_and_no_secret_is_in_the_arguments() -> None:
    seen: list[Command] = []

    def act(command: Command) -> Finished:
        seen.append(command)
        return ended(Ending.EXITED)

    judge = CodeScorer(sandbox=Broken(act))
    judge.score(ADD, "x = 1")
    judge.score(ADD, "x = 1")

    nonces = [json.loads(command.stdin)["nonce"] for command in seen]
    assert len({*nonces}) == 2
    assert all(len(nonce) == 32 for nonce in nonces)
    arguments = " ".join(map(str, seen[0].argv)) + " ".join(seen[0].env.values())
    assert nonces[0] not in arguments
    assert "assert add" not in arguments
    assert program() in seen[0].argv
