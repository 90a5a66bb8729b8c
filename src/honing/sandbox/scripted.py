"""A sandbox that answers from a table: for tests of whatever runs commands."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from honing.errors import SandboxError
from honing.sandbox.base import Cancel, Capability, Command, Ending, Finished


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripted:
    """One answer."""

    ending: Ending = Ending.EXITED
    exit_code: int | None = 0
    stdout: str = ""
    stderr: str = ""
    duration_s: float = 0.0
    effect: Callable[[Command], None] | None = None
    """Called before the answer is given, for example to write the files the command would have written."""
    detail: str = ""


class ScriptedSandbox:
    """Starts nothing; gives each command its answer and keeps the commands it saw, in order.

    Args:
        answers: By command line, as `shlex.join` writes the argv; for ("bash", "-c", text) by the text alone.
        default: For every other command; an unknown command raises where it is None.
        capabilities: What it claims to give; everything unless a test is about a missing one.
    """

    name = "scripted"

    def __init__(
        self,
        answers: Mapping[str, Scripted],
        *,
        default: Scripted | None = None,
        capabilities: frozenset[Capability] = frozenset(Capability),
    ) -> None:
        self._answers = dict(answers)
        self._default = default
        self._capabilities = capabilities
        self._lock = threading.Lock()
        self.commands: list[Command] = []

    @property
    def capabilities(self) -> frozenset[Capability]:
        return self._capabilities

    def run(self, command: Command, *, cancel: Cancel | None = None) -> Finished:
        """The command's answer; STOPPED where `cancel` is set already.

        Raises:
            SandboxError: The table has no answer for it.
        """
        with self._lock:
            self.commands.append(command)
        words = list(command.argv)
        line = words[2] if words[:2] == ["bash", "-c"] and len(words) == 3 else shlex.join(words)
        answer = self._answers.get(line, self._default)
        if answer is None:
            known = "; ".join(self._answers) or "none"
            raise SandboxError(f"scripted sandbox: no answer for {line!r}; it has answers for: {known}")
        if cancel is not None and cancel.is_set():
            answer = replace(answer, ending=Ending.STOPPED, exit_code=None, effect=None)
        if answer.effect is not None:
            answer.effect(command)
        return Finished(
            ending=answer.ending,
            exit_code=answer.exit_code,
            stdout=answer.stdout,
            stderr=answer.stderr,
            stdout_bytes=len(answer.stdout.encode()),
            stderr_bytes=len(answer.stderr.encode()),
            duration_s=answer.duration_s,
            sandbox=self.name,
            capabilities=self._capabilities,
            detail=answer.detail,
        )
