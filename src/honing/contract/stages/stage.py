"""Running one stage of a contract: its commands, contained, with every attempt's evidence kept.

A stage's exit code decides whether the stage ran, never how well the model did.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any

from honing.contract.spec import StageSpec
from honing.contract.stages.concealing import concealed
from honing.contract.stages.failures import Failure, FailureKind, StageFailedError, classify, tested_nothing
from honing.contract.stages.limits import Deadline
from honing.errors import StageError
from honing.sandbox import (
    Cancel,
    Capability,
    Command,
    Ending,
    Finished,
    Forward,
    Limits,
    Mount,
    Sandbox,
    Trace,
    require,
)

ISOLATED = (
    Capability.ENV_CLEAN,
    Capability.HOME_HIDDEN,
    Capability.HOST_READ_ONLY,
    Capability.TREE_KILLED,
    Capability.PRIVILEGES_DROPPED,
)
"""What every stage needs: what a target wrote must not read the home, change the host, or outlive its
limit."""
_TESTING = ("tests", "evaluate", "benchmark")
"""Stages in which a test runner that ran no test has not done what it was asked."""
_EVIDENCE_NAMES = 60
"""Names of each kind that a record of evidence holds; beyond them only their number."""
HEALTH_PAUSE_S = 0.5
"""Between two looks at a deployment's health."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageContext:
    """Where stages run, and who is told."""

    sandbox: Sandbox
    workspace: Path
    """The working copy; the only folder a stage may write, beside its private /tmp."""
    env: Mapping[str, str]
    """Variables of every stage: PATH, HOME, HONING_*, the gateway's address and token."""
    mounts: Sequence[Mount] = ()
    """Read-only folders beyond the system's: the interpreter, the target's environment."""
    forwards: Sequence[Forward] = ()
    """The gateway, for a stage that talks to a model."""
    record: Callable[[str, Mapping[str, Any]], None]
    """Appends one evidence record (kind, fields)."""
    max_command_s: float | None = None
    """Upper limit over every stage's own time limit."""
    deadline: Deadline | None = None
    """End of the whole measurement."""
    cancel: Cancel | None = None
    """Ends what runs, for a service that is no longer needed."""
    model_calls: Callable[[], int] = lambda: 0
    """How many calls have reached the gateway."""
    secrets: Sequence[str] = ()
    """Values that are kept nowhere, wherever a command prints them."""
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a stage: its commands up to the first that failed."""

    commands: tuple[str, ...]
    finished: tuple[Finished, ...]
    failure: Failure | None = None

    @property
    def ok(self) -> bool:
        return self.failure is None and len(self.finished) == len(self.commands)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageResult:
    """How a stage ended."""

    name: str
    ok: bool
    started: float
    """Unix time in seconds at which the last attempt began; results older than this are stale."""
    attempts: tuple[Attempt, ...] = field(default=())
    failure: Failure | None = None
    """Why it failed; None where it did not."""

    @property
    def reason(self) -> str:
        """Why it failed, with the end of what it printed."""
        return self.failure.text if self.failure is not None else ""

    @property
    def printed(self) -> tuple[str, str]:
        """What the last attempt's commands printed: stdout and stderr, each joined in order."""
        last = self.attempts[-1].finished if self.attempts else ()
        return "\n".join(one.stdout for one in last), "\n".join(one.stderr for one in last)

    @property
    def traces(self) -> tuple[Trace, ...]:
        """What was seen of the last attempt's commands."""
        last = self.attempts[-1].finished if self.attempts else ()
        return tuple(one.trace for one in last if one.trace is not None)


def run_stage(
    name: str, spec: StageSpec, context: StageContext, *, fresh: Callable[[], None] | None = None
) -> StageResult:
    """Run a stage's commands in order, again on failure up to its retries.

    Args:
        name: The stage, for evidence and messages.
        spec: Its commands and limits.
        context: Sandbox, working copy, environment.
        fresh: Called before every attempt, to set aside what an earlier one left.

    Raises:
        MissingToolError: The sandbox lacks a protection that the stage requires.
        SandboxError: The sandbox itself failed (an infrastructure failure).
    """
    _check_sandbox(name, spec, context)
    attempts: list[Attempt] = []
    started = context.clock()
    for number in range(1, spec.retries + 2 if spec.commands else 1):
        if fresh is not None:
            fresh()
        started = context.clock()
        attempts.append(_attempt(name, number, spec, context))
        if attempts[-1].ok:
            break
    return _result(name, started, attempts)


def poll_stage(
    name: str,
    spec: StageSpec,
    context: StageContext,
    *,
    unless: Callable[[], Failure | None] | None = None,
) -> StageResult:
    """Run a stage's commands again and again until they succeed or its time is over.

    Here `timeout_s` is the time for all attempts together. Evidence is kept of the first and the last.

    Args:
        name: The stage.
        spec: Its commands and its time.
        context: Where they run.
        unless: Says why waiting is of no more use; None while it is.

    Raises:
        MissingToolError: The sandbox lacks a protection that the stage requires.
        SandboxError: The sandbox itself failed (an infrastructure failure).
    """
    _check_sandbox(name, spec, context)
    started = context.clock()
    until = started + spec.timeout_s
    number = 0
    last: Attempt | None = None
    while last is None or not last.ok:
        left = until - context.clock()
        if unless is not None and (failed := unless()) is not None:
            return StageResult(name=name, ok=False, started=started, failure=failed)
        if last is not None and left <= HEALTH_PAUSE_S:
            break
        if last is not None:
            context.sleep(HEALTH_PAUSE_S)
        number += 1
        shorter = spec.model_copy(update={"timeout_s": max(left, HEALTH_PAUSE_S)})
        last = _attempt(name, number, shorter, context, keep=number == 1)
    if number > 1:
        _record(context, name, number, last)
    return _result(name, started, [last])


def checked(result: StageResult) -> StageResult:
    """The result of a stage that must succeed for the contract to go on.

    Raises:
        StageFailedError: It did not; the error says how.
    """
    if result.failure is not None:
        raise StageFailedError(result.failure)
    return result


def _check_sandbox(name: str, spec: StageSpec, context: StageContext) -> None:
    # A target may ask for more than the usual isolation, never for less; `unconfined` waives the usual only.
    usual = () if context.sandbox.name == "unconfined" else ISOLATED
    require(context.sandbox, {*usual, *(spec.requires or ())}, what=f"stage {name}")


def _result(name: str, started: float, attempts: list[Attempt]) -> StageResult:
    failure = attempts[-1].failure if attempts else None
    return StageResult(
        name=name, ok=failure is None, started=started, attempts=tuple(attempts), failure=failure
    )


def _attempt(name: str, number: int, spec: StageSpec, context: StageContext, *, keep: bool = True) -> Attempt:
    if not (context.workspace / spec.workdir).is_dir():
        raise StageError(f"stages.{name}.workdir: the target has no folder {spec.workdir!r}.")
    finished: list[Finished] = []
    calls: list[int] = []
    failure = None
    for text in spec.commands:
        before = context.model_calls()
        if context.deadline is not None:
            context.deadline.check()
        one = context.sandbox.run(_command(text, spec, context), cancel=_cancel(context))
        one = concealed(one, context.secrets)
        finished.append(one)
        calls.append(context.model_calls() - before)
        failure = _failure(name, text, one)
        if failure is not None:
            break
    attempt = Attempt(spec.commands, tuple(finished), failure)
    if keep:
        _record(context, name, number, attempt, calls)
    if finished and finished[-1].ending is Ending.STOPPED and context.deadline is not None:
        context.deadline.check()
    return attempt


@dataclass(frozen=True, slots=True)
class _Any:
    """A `Cancel` that is set as soon as one of two is."""

    one: Cancel
    other: Cancel

    def is_set(self) -> bool:
        return self.one.is_set() or self.other.is_set()


def _cancel(context: StageContext) -> Cancel | None:
    if context.deadline is not None and context.cancel is not None:
        return _Any(context.deadline, context.cancel)
    return context.deadline or context.cancel


def _failure(name: str, text: str, one: Finished) -> Failure | None:
    if not one.ok:
        return classify(name, one, command=text)
    if name in _TESTING and tested_nothing(one):
        said = f"stage {name}: `{text.strip().splitlines()[0]}` ran no test, so it shows nothing."
        return Failure(kind=FailureKind.NOTHING_TESTED, stage=name, text=said, command=text)
    return None


def _command(text: str, spec: StageSpec, context: StageContext) -> Command:
    wall_s = spec.timeout_s if context.max_command_s is None else min(spec.timeout_s, context.max_command_s)
    return Command(
        argv=("bash", "-c", text),
        workdir=context.workspace / spec.workdir,
        mounts=(Mount(context.workspace, writable=True), *_placed(spec, context.workspace), *context.mounts),
        env={**context.env, **_filled(spec.env, context.env)},
        network=spec.network,
        forwards=context.forwards,
        limits=Limits(wall_s=wall_s),
        trace=context.workspace,
    )


def _record(
    context: StageContext, name: str, number: int, attempt: Attempt, calls: Sequence[int] = ()
) -> None:
    """Append the evidence of an attempt, one record a command."""
    for index, one in enumerate(attempt.finished):
        fields = _evidence(name, number, index, attempt.commands[index], one)
        fields["model_calls"] = calls[index] if index < len(calls) else 0
        if attempt.failure is not None and index == len(attempt.finished) - 1:
            fields["failure"] = attempt.failure.as_document()
        context.record("command", fields)


def _placed(spec: StageSpec, workspace: Path) -> list[Mount]:
    """The stage's folders at their fixed places.

    Raises:
        StageError: A folder of the target leads out of its working copy.
    """
    mounts = []
    for inside, relative in spec.folders.items():
        folder = workspace / relative
        if not folder.resolve().is_relative_to(workspace.resolve()):
            raise StageError(f"folders: {relative!r} leads out of the working copy; it cannot be {inside}.")
        folder.mkdir(parents=True, exist_ok=True)
        mounts.append(Mount(folder, Path(inside), writable=True))
    return mounts


def _filled(own: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """A stage's variables, each `$NAME` of a given one in them replaced."""
    return {name: Template(value).safe_substitute(given) for name, value in own.items()}


def _evidence(name: str, number: int, index: int, text: str, one: Finished) -> dict[str, Any]:
    return {
        "stage": name,
        "attempt": number,
        "index": index,
        "command": text,
        "ending": one.ending.value,
        "exit_code": one.exit_code,
        "stdout": one.stdout,
        "stderr": one.stderr,
        "stdout_bytes": one.stdout_bytes,
        "stderr_bytes": one.stderr_bytes,
        "duration_s": round(one.duration_s, 4),
        "sandbox": one.sandbox,
        "capabilities": sorted(one.capabilities),
        "detail": one.detail,
        "seen": seen_of(one.trace),
    }


def seen_of(trace: Trace | None) -> dict[str, Any] | None:
    """What was seen of a command, for evidence: names up to a limit, and how many there were."""
    if trace is None:
        return None
    lists = {
        "opened": trace.opened,
        "added": trace.added,
        "changed": trace.changed,
        "removed": trace.removed,
        "processes": [" ".join(words) for words in trace.processes],
    }
    return {
        **{name: list(names[:_EVIDENCE_NAMES]) for name, names in lists.items()},
        "counts": {name: len(names) for name, names in lists.items()},
        "processes_by": trace.processes_by,
        "opened_by": trace.opened_by,
        "incomplete": list(trace.incomplete),
    }
