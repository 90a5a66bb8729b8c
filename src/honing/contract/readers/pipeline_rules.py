"""What a pipeline allows its commands: lists of patterns, and time."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from honing.contract.readers.base import Note
from honing.contract.readers.located import Document, Where
from honing.errors import ContractError

_KEYS = ("mode", "allowlist", "denylist", "max_cmd_seconds", "max_total_seconds")
_MAX_SCRIPT = 256 * 1024


@dataclass(frozen=True, slots=True)
class Rules:
    """The security part of a pipeline."""

    allowed: tuple[re.Pattern[str], ...]
    """Where there are any, a command must match one."""
    denied: tuple[tuple[re.Pattern[str], str], ...]
    """No command, and no script that a command starts, may match one; with the line of each."""
    max_command_s: float | None
    notes: tuple[Note, ...]

    def checked(self, folder: Path, command: str, anchor: str) -> str:
        """The command, if the pipeline's own lists permit it.

        Raises:
            ContractError: They do not.
        """
        for text in (command, *scripts_of(folder, command)):
            for pattern, denied_at in self.denied:
                if found := pattern.search(text):
                    raise ContractError(
                        f"{anchor}: {found.group()[:60]!r} is on the pipeline's own denylist ({denied_at}). "
                        "Take it out of the command, or off the list."
                    )
        if self.allowed and not any(pattern.search(command) for pattern in self.allowed):
            raise ContractError(
                f"{anchor}: {command.splitlines()[0][:60]!r} matches nothing on the pipeline's own "
                "allowlist. Add a pattern for it."
            )
        return command


def read_rules(document: Document) -> Rules:
    """The rules of a pipeline, each pattern compiled.

    Raises:
        ContractError: A key is unknown, or a pattern is no regular expression.
    """
    document.check_keys(("security",), _KEYS)
    mode = document.text(("security", "mode"), "safe")
    if mode not in ("safe", "system"):
        raise document.wrong(("security", "mode"), "'safe' or 'system'")
    notes = []
    if mode == "system":
        text = "commands run in Honing's sandbox all the same; none may change the system"
        notes.append(Note(document.anchor("security", "mode"), text))
    total = document.number(("security", "max_total_seconds"))
    if total is not None:
        text = f"a limit over all stages is the user's to set: --max-total-seconds {total:g}"
        notes.append(Note(document.anchor("security", "max_total_seconds"), text))
    denied = _patterns(document, ("security", "denylist"))
    return Rules(
        allowed=tuple(pattern for pattern, _ in _patterns(document, ("security", "allowlist"))),
        denied=tuple(denied),
        max_command_s=document.number(("security", "max_cmd_seconds")),
        notes=tuple(notes),
    )


def scripts_of(folder: Path, command: str) -> Iterator[str]:
    """The texts of the target's shell scripts that a command starts."""
    try:
        words: Sequence[str] = shlex.split(command, comments=True)
    except ValueError:
        words = command.split()
    for word in words:
        path = folder / word
        if not word.endswith((".sh", ".bash")) or word.startswith("/") or not path.is_file():
            continue
        if path.resolve().is_relative_to(folder.resolve()) and path.stat().st_size <= _MAX_SCRIPT:
            yield path.read_text(encoding="utf-8", errors="replace")


def _patterns(document: Document, where: Where) -> list[tuple[re.Pattern[str], str]]:
    found = []
    for index, text in enumerate(document.texts(where)):
        anchor = document.anchor(*where, index)
        try:
            found.append((re.compile(text), anchor))
        except re.error as error:
            raise ContractError(f"{anchor}: {text!r} is not a regular expression ({error}).") from None
    return found
