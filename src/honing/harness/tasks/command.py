"""A command ends with the expected exit code. `exit 0` satisfies it: see the behavioural tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from honing.documents import RelativePath
from honing.harness.tasks.base import Cascade, Place, TaskScore
from honing.harness.tasks.basics import (
    Basics,
    Common,
    Seconds,
    basics_of,
    cut_short,
    how_it_ended,
    log_of,
    plain,
    scored,
    within,
)
from honing.sandbox import Ending


class CommandSpec(Basics):
    """`type: command`."""

    type: Literal["command"]
    command: Annotated[str, Field(min_length=1)]
    """Shell text, run by bash in the copy."""
    expected_exit_code: Annotated[int, Field(ge=0, le=255)] = 0
    timeout_s: Seconds | None = None
    """The project's own where absent."""
    workdir: RelativePath = "."
    env: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandTask(Common):
    """1 where the command ended by itself with that code, 0 otherwise."""

    command: str
    expected_exit_code: int = 0
    timeout_s: float | None = None
    workdir: str = "."
    env: Mapping[str, str] = field(default_factory=dict)

    def identity(self) -> Mapping[str, Any]:
        return {
            "type": "command",
            "command": self.command,
            "expected_exit_code": self.expected_exit_code,
            "timeout_s": self.timeout_s,
            "workdir": self.workdir,
            "env": dict(self.env),
        }

    def judge(self, place: Place, seed: int) -> TaskScore:
        del seed
        finished = place.run(self.command, limits=within(self.timeout_s), workdir=self.workdir, env=self.env)
        what = f"`{plain(self.command, 120)}`"
        ended = cut_short(finished, what)
        if ended is not None:
            return ended
        log = log_of(finished)
        if finished.ending is Ending.EXITED and finished.exit_code == self.expected_exit_code:
            return scored(1.0, log=log, sandbox=finished.sandbox)
        reason = f"{what} {how_it_ended(finished)}, expected {self.expected_exit_code}"
        return scored(0.0, reason, log=log, sandbox=finished.sandbox)


def command_task(spec: CommandSpec, folder: Path) -> CommandTask:
    """The task of a spec."""
    del folder
    return CommandTask(
        **basics_of(spec, Cascade.SMOKE),
        command=spec.command,
        expected_exit_code=spec.expected_exit_code,
        timeout_s=spec.timeout_s,
        workdir=spec.workdir,
        env=dict(spec.env),
    )
