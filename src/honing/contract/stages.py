"""Running one stage of a contract: its commands, contained, with every attempt's evidence kept.

A stage's exit code decides whether the stage ran, never how well the model did.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from honing.contract.spec import StageSpec
from honing.errors import StageError
from honing.sandbox import Capability, Command, Ending, Finished, Forward, Limits, Mount, Sandbox, require

ISOLATED = (
    Capability.ENV_CLEAN,
    Capability.HOME_HIDDEN,
    Capability.HOST_READ_ONLY,
    Capability.TREE_KILLED,
    Capability.PRIVILEGES_DROPPED,
)
"""What every stage needs: what a target wrote must not read the home, change the host, or outlive its
limit."""


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
    clock: Callable[[], float] = time.time


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a stage: its commands up to the first that failed."""

    commands: tuple[str, ...]
    finished: tuple[Finished, ...]

    @property
    def ok(self) -> bool:
        return len(self.finished) == len(self.commands) and all(one.ok for one in self.finished)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageResult:
    """How a stage ended."""

    name: str
    ok: bool
    started: float
    """Unix time in seconds at which the last attempt began; results older than this are stale."""
    attempts: tuple[Attempt, ...] = field(default=())
    reason: str = ""
    """Why it failed, with the end of what it printed."""


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
    # A target may ask for more than the usual isolation, never for less; `unconfined` waives the usual only.
    usual = () if context.sandbox.name == "unconfined" else ISOLATED
    require(context.sandbox, {*usual, *(spec.requires or ())}, what=f"stage {name}")
    attempts: list[Attempt] = []
    started = context.clock()
    for number in range(1, spec.retries + 2 if spec.commands else 1):
        if fresh is not None:
            fresh()
        started = context.clock()
        attempts.append(_attempt(name, number, spec, context))
        if attempts[-1].ok:
            break
    ok = not attempts or attempts[-1].ok
    reason = "" if ok else _why(name, attempts[-1])
    return StageResult(name=name, ok=ok, started=started, attempts=tuple(attempts), reason=reason)


def checked(result: StageResult) -> StageResult:
    """The result of a stage that must succeed for the contract to go on.

    Raises:
        StageError: It did not.
    """
    if not result.ok:
        raise StageError(result.reason)
    return result


def _attempt(name: str, number: int, spec: StageSpec, context: StageContext) -> Attempt:
    if not (context.workspace / spec.workdir).is_dir():
        raise StageError(f"stages.{name}.workdir: the target has no folder {spec.workdir!r}.")
    finished: list[Finished] = []
    for index, text in enumerate(spec.commands):
        one = context.sandbox.run(_command(text, spec, context))
        finished.append(one)
        context.record("command", _evidence(name, number, index, text, one))
        if not one.ok:
            break
    return Attempt(spec.commands, tuple(finished))


def _command(text: str, spec: StageSpec, context: StageContext) -> Command:
    wall_s = spec.timeout_s if context.max_command_s is None else min(spec.timeout_s, context.max_command_s)
    return Command(
        argv=("bash", "-c", text),
        workdir=context.workspace / spec.workdir,
        mounts=(Mount(context.workspace, writable=True), *context.mounts),
        env={**context.env, **spec.env},
        network=spec.network,
        forwards=context.forwards,
        limits=Limits(wall_s=wall_s),
    )


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
    }


def _why(name: str, attempt: Attempt) -> str:
    last = attempt.finished[-1]
    command = attempt.commands[len(attempt.finished) - 1].strip().splitlines()[0]
    how = f"exited with {last.exit_code}" if last.ending is Ending.EXITED else f"ended by {last.ending.value}"
    if last.ending is Ending.TIMEOUT:
        how = f"did not end within its time limit ({last.duration_s:.0f} s)"
    tail = (last.stderr.strip() or last.stdout.strip())[-600:]
    said = f" It printed last:\n{tail}" if tail else " It printed nothing."
    return f"stage {name}: `{command}` {how}.{said}"
