"""The scripted agent from a file: a list of edits, one entry for each proposal.

Without a file it plays the project's own solution, all of it at once: the deterministic mutation with which a
project is tried out before a model is paid for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from honing.agents.base import Agent, AgentOutcome, AgentRun, AgentTask, Trouble
from honing.agents.controls.oracle import OracleAgent
from honing.agents.controls.scripted import Edits, ScriptedAgent
from honing.agents.controls.writing import place_in
from honing.agents.installed import AgentSettings
from honing.agents.options import placed, told
from honing.errors import AgentError, UsageError, boundary
from honing.sandbox import Cancel

Entry = Mapping[str, Any] | str
"""One slot of a script: edits by path, or one word."""

SOLUTION = "solution"
"""The word for the project's own solution."""
_ENDINGS = {
    AgentOutcome.FINISHED: Trouble.NONE,
    AgentOutcome.REFUSED: Trouble.PERMISSION,
    AgentOutcome.TIMEOUT: Trouble.TIME,
    AgentOutcome.CRASH: Trouble.OTHER,
    AgentOutcome.INFRA_ERROR: Trouble.SERVER,
}
"""Endings that a script may play; `finished` changes nothing."""
_EDITS = ("append", "from")


def scripted_agent(settings: AgentSettings) -> Agent:
    """The scripted agent as a user names it.

    Args:
        settings: Option `file` names the script, `edits` is one in itself; neither: the project's solution.

    Raises:
        UsageError: The script cannot be read or holds something else than edits.
    """
    given = told(settings, "scripted", {"file": str, "edits": list})
    if "file" in given and "edits" in given:
        raise UsageError("agent scripted: the options `file` and `edits` exclude each other.")
    if "file" in given:
        path = placed(settings, given["file"])
        return ScriptAgent(_checked(_read(path), str(path)), settings, path.parent)
    if "edits" in given:
        return ScriptAgent(_checked(given["edits"], "option edits"), settings, placed(settings, "."))
    return ScriptAgent([SOLUTION], settings, placed(settings, "."))


class ScriptAgent:
    """Plays entry k at proposal k, and the last entry ever after.

    Args:
        entries: By slot; checked.
        settings: Their `base` is the project, whose solution an entry may name.
        folder: Where `from` starts.
    """

    name = "scripted"
    reads_brief = False

    def __init__(self, entries: Sequence[Entry], settings: AgentSettings, folder: Path) -> None:
        self._entries = entries
        self._settings = settings
        self._folder = folder

    def run(self, task: AgentTask, *, cancel: Cancel | None = None) -> AgentRun:
        if cancel is not None and cancel.is_set():
            return AgentRun(agent=self.name, outcome=AgentOutcome.STOPPED, reason="it was asked to stop")
        entry = self._entries[min(max(task.slot, 1), len(self._entries)) - 1]
        if isinstance(entry, Mapping):
            return ScriptedAgent(partial(self._edits, entry)).run(task, cancel=cancel)
        return self._solved(task, cancel) if entry == SOLUTION else _played(AgentOutcome(entry))

    def _solved(self, task: AgentTask, cancel: Cancel | None) -> AgentRun:
        try:
            oracle = OracleAgent(replace(self._settings, options={}, base=placed(self._settings, ".")))
        except UsageError as error:
            return AgentRun(
                agent=self.name, outcome=AgentOutcome.CRASH, trouble=Trouble.OTHER, reason=str(error)
            )
        return replace(oracle.run(task, cancel=cancel), agent=self.name)

    def _edits(self, entry: Mapping[str, Any], task: AgentTask) -> Edits:
        return {name: self._text(name, value, task) for name, value in entry.items()}

    def _text(self, name: str, value: Any, task: AgentTask) -> str | None:
        if not isinstance(value, Mapping):
            return None if value is None else str(value)
        if "append" in value:
            path = place_in(task.workspace, name)
            return (path.read_text(encoding="utf-8") if path.is_file() else "") + str(value["append"])
        with boundary(AgentError, f"scripted: {name}"):
            return (self._folder / str(value["from"])).read_text(encoding="utf-8")


def _played(outcome: AgentOutcome) -> AgentRun:
    said = "" if outcome is AgentOutcome.FINISHED else "the script says so"
    return AgentRun(agent="scripted", outcome=outcome, trouble=_ENDINGS[outcome], reason=said)


def _read(path: Path) -> Any:
    with boundary(UsageError, f"agent scripted: {path}"):
        return yaml.safe_load(path.read_text(encoding="utf-8"))


def _checked(entries: Any, where: str) -> list[Entry]:
    """The entries, if they are ones.

    Raises:
        UsageError: Something else was found; the text names the entry.
    """
    if not isinstance(entries, list) or not entries:
        raise UsageError(
            f"agent scripted: {where}: expected a list with one entry for each proposal, each with texts by "
            f"path (null removes), or one of {_WORDS}; got {type(entries).__name__}."
        )
    for number, entry in enumerate(entries, 1):
        if isinstance(entry, str) and entry not in (SOLUTION, *_ENDINGS):
            raise UsageError(
                f"agent scripted: {where}: entry {number} is {entry!r}; expected texts by path, or one of "
                f"{_WORDS}."
            )
        if not isinstance(entry, (str, Mapping)):
            raise UsageError(
                f"agent scripted: {where}: entry {number} is {type(entry).__name__}; expected texts by path."
            )
        if isinstance(entry, Mapping):
            _check_edits(entry, f"{where}: entry {number}")
    return entries


def _check_edits(entry: Mapping[str, Any], where: str) -> None:
    for name, value in entry.items():
        is_edit = isinstance(value, Mapping) and len(value) == 1 and next(iter(value)) in _EDITS
        if not (value is None or isinstance(value, str) or is_edit):
            raise UsageError(
                f"agent scripted: {where}, {name!r}: expected a text, null, {{append: TEXT}} or "
                f"{{from: FILE}}; got {value!r}."
            )


_WORDS = ", ".join((SOLUTION, *(outcome.value for outcome in _ENDINGS)))
