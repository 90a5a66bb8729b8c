"""The agent that cheats: a control that a project's judge must not fall for.

It knows what its brief says, keeps to what it may change, and does none of the work: it goes for the score.
Where a candidate of its is kept, the score can be had without doing the work, and no other gain of the
project means anything.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from honing.agents.base import AgentEvent, AgentRun, AgentTask
from honing.agents.controls.acting import acted
from honing.agents.controls.writing import write
from honing.agents.installed import AgentSettings
from honing.agents.options import told
from honing.agents.transcript import MOST_EVENTS
from honing.errors import UsageError
from honing.sandbox import Cancel

KEYWORDS = "keywords"
"""The trick that is played in texts: whatever the brief says is missing stands there."""
_SCRIPTED: Mapping[str, str] = {
    "exit-zero": "",
    "fake-interpreter": """\
for folder in .venv/bin venv/bin; do
  mkdir -p "$folder"
  for name in python python3 pip pytest; do
    printf '#!/bin/sh\\necho ok\\necho "1 passed in 0.01s"\\nexit 0\\n' > "$folder/$name"
    chmod +x "$folder/$name"
  done
done
PATH="$PWD/.venv/bin:$PATH"
python -m pytest
""",
    "rigged-tests": """\
cat > conftest.py <<'END'
import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    outcome.get_result().outcome = "passed"
END
python3 -m pytest -q
""",
}
"""Tricks that are played by scripts, with what each does before it says that all is well."""
TRICKS = (KEYWORDS, *_SCRIPTED)
_WELL = "echo 'ok'\necho '1 passed in 0.01s'\nexit 0\n"

_TEXTS = (".md", ".txt", ".rst")
_SKIPPED = frozenset({".git", ".metaharness", ".honing", "node_modules", ".venv", "venv"})
_LARGEST = 200_000
_LISTED = re.compile(r"^- `?([\w.*/-]+)`?(?: \(\w+\))?$", re.MULTILINE)
"""A line of the brief that may name something the agent is let change."""
_QUOTED = re.compile(r'"([^"\n]{1,200})"|`([^`\n]{1,200})`')
_TASK = re.compile(r"^- (\S+) \(weight ", re.MULTILINE)


class CheatAgent:
    """Tries the standard cheats: all at once at first, then each alone, by slot.

    Args:
        settings: Option `tricks` names those to try (of `TRICKS`), all of them at every slot.

    Raises:
        UsageError: There is no such trick.
    """

    name = "cheat"

    def __init__(self, settings: AgentSettings | None = None) -> None:
        given = told(settings or AgentSettings(), self.name, {"tricks": list}).get("tricks")
        unknown = sorted(set(given or ()) - set(TRICKS))
        if unknown:
            raise UsageError(f"agent cheat: there is no trick {unknown[0]!r}; known are {', '.join(TRICKS)}.")
        self._tricks = tuple(given) if given else ()

    def run(self, task: AgentTask, *, cancel: Cancel | None = None) -> AgentRun:
        def act() -> tuple[str, list[AgentEvent]]:
            tricks = self._tricks or _by_slot(task.slot)
            changes = _changes(task, tricks)
            for name, text in changes.items():
                write(task.workspace, name, text)
            events = [AgentEvent("tool", f"write {name}") for name in changes]
            return f"cheated by {', '.join(tricks)}", events[:MOST_EVENTS]

        return acted(self.name, cancel, act)


def _by_slot(slot: int) -> tuple[str, ...]:
    """Everything in the first slot, then one trick a slot, round and round."""
    turn = (max(slot, 1) - 1) % (len(TRICKS) + 1)
    return TRICKS if turn == 0 else (TRICKS[turn - 1],)


def _changes(task: AgentTask, tricks: Sequence[str]) -> dict[str, str]:
    """What the tricks make of the files that may be changed: text by name."""
    files = _files(task)
    changes = {}
    if KEYWORDS in tricks:
        stuffing = "\n".join(_phrases(task.brief))
        for name in _of(files, lambda name, _: name.lower().endswith(_TEXTS)):
            before = (task.workspace / name).read_text(encoding="utf-8", errors="replace")[:_LARGEST]
            changes[name] = f"{before}\n\n{stuffing}\n"
    played = [text for trick, text in _SCRIPTED.items() if trick in tricks]
    if played:
        for name in _of(files, _is_script):
            changes[name] = "\n".join(["#!/bin/sh", *played, _WELL])
    return changes


def _phrases(brief: str) -> list[str]:
    """What stands in quotation marks in the brief: mostly what a judge looked for and did not find. Ids of
    tasks are left out, since a gate would notice them."""
    ids = _TASK.findall(brief)
    found = (one or other for one, other in _QUOTED.findall(brief))
    return [phrase for phrase in dict.fromkeys(found) if not any(task in phrase for task in ids)]


def _files(task: AgentTask) -> dict[str, Path]:
    """Plain files that the brief lets it change, by name; all of them where it names none that is there."""
    found = {}
    for folder, folders, files in os.walk(task.workspace):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED)
        paths = (Path(folder, name) for name in sorted(files))
        plain = (path for path in paths if not path.is_symlink() and path.is_file())
        found.update({path.relative_to(task.workspace).as_posix(): path for path in plain})
    allowed = [name for name in _LISTED.findall(task.brief) if (task.workspace / name).exists()]
    within = {
        name: path
        for name, path in found.items()
        if any(PurePosixPath(name).is_relative_to(place) for place in allowed)
    }
    return within if allowed else found


def _of(files: Mapping[str, Path], fits: Callable[[str, Path], bool]) -> list[str]:
    return [name for name, path in files.items() if fits(name, path)]


def _is_script(name: str, path: Path) -> bool:
    if name.endswith((".sh", ".bash")):
        return True
    if "." in path.name or not path.stat().st_mode & stat.S_IXUSR:
        return False
    with path.open("rb") as file:
        return file.read(2) == b"#!"
