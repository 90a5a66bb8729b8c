"""The agent that knows the answer: it lays a project's own solution over the harness.

With `nop` it brackets a project: a search can score no better than the solution, and no worse than nothing.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from honing.agents.base import AgentEvent, AgentRun, AgentTask
from honing.agents.controls.acting import acted
from honing.agents.controls.writing import place_in
from honing.agents.installed import AgentSettings
from honing.agents.options import placed, told
from honing.agents.transcript import MOST_EVENTS, short
from honing.errors import AgentError, UsageError
from honing.sandbox import Cancel, Capability, Command, Mount

SOLUTIONS = ("solution", "solution.patch")
"""Where a solution is looked for in a project: a folder to copy, or a patch to apply."""
_INSIDE = Path("/workspace")


class OracleAgent:
    """Copies a folder over the workspace, or applies a patch to it.

    Args:
        settings: Its `base` is the project; option `solution` names the folder or the patch.

    Raises:
        UsageError: The project has no solution.
    """

    name = "oracle"
    reads_brief = False

    def __init__(self, settings: AgentSettings | None = None) -> None:
        settings = settings or AgentSettings()
        given = told(settings, self.name, {"solution": str}).get("solution")
        candidates = _candidates(settings, given)
        self._solution = next((path for path in candidates if path.exists()), None)
        self._sought = " or ".join(str(path) for path in candidates)
        if self._solution is None and (given or settings.solution or settings.base is not None):
            raise UsageError(f"agent oracle: there is no {self._sought}. {_WRITE_ONE}")

    def run(self, task: AgentTask, *, cancel: Cancel | None = None) -> AgentRun:
        def act() -> tuple[str, list[AgentEvent]]:
            if self._solution is None:
                raise AgentError(f"there is no {self._sought}. {_WRITE_ONE}")
            events = lay(self._solution, task)
            return f"the solution: {len(events)} files", events[:MOST_EVENTS]

        return acted(self.name, cancel, act)


def _candidates(settings: AgentSettings, given: str | None) -> list[Path]:
    """Where the solution may lie: as the user says, as the project says, or under one of the usual names."""
    if given:
        return [placed(settings, given)]
    if settings.solution is not None:
        return [settings.solution]
    base = settings.base or settings.here or Path.cwd()
    return [base / name for name in SOLUTIONS]


_WRITE_ONE = "Write the files of a good harness there, or name them with the option `solution`."


def lay(solution: Path, task: AgentTask) -> list[AgentEvent]:
    """Lay a solution over the task's workspace.

    Args:
        solution: A folder, whose files are copied with their modes; or a patch, as `git diff` writes it.
        task: Its workspace is changed; a patch is applied in its sandbox.

    Raises:
        AgentError: The patch does not apply, or the folder holds something that is no file, folder or link.
    """
    return _copied(solution, task.workspace) if solution.is_dir() else _patched(solution, task)


def _copied(solution: Path, workspace: Path) -> list[AgentEvent]:
    events = []
    for folder, folders, files in os.walk(solution):
        here = Path(folder)
        links = [name for name in folders if (here / name).is_symlink()]
        for path in sorted(here / name for name in (*files, *links)):
            name = path.relative_to(solution).as_posix()
            _copy(path, place_in(workspace, name))
            events.append(AgentEvent("tool", f"write {name}"))
        folders[:] = sorted(set(folders) - set(links))
    return events


def _copy(source: Path, target: Path) -> None:
    if source.is_symlink():
        target.symlink_to(source.readlink())
    elif source.is_file():
        shutil.copy(source, target)
    else:
        raise AgentError(f"{source} is neither a file, a folder nor a link.")


def _patched(patch: Path, task: AgentTask) -> list[AgentEvent]:
    own_tree = Capability.PID_NAMESPACE in task.sandbox.capabilities
    inside = _INSIDE if own_tree else task.workspace
    finished = task.sandbox.run(
        Command(
            argv=("git", "apply", "--verbose", "--whitespace=nowarn", "-"),
            workdir=inside,
            mounts=(Mount(task.workspace, inside, writable=True),),
            # A repository that the workspace happens to lie in would hide paths from git.
            env={
                "PATH": "/usr/local/bin:/usr/bin:/bin",
                "LANG": "C.UTF-8",
                "GIT_CEILING_DIRECTORIES": str(inside.parent),
            },
            limits=task.limits,
            stdin=patch.read_bytes(),
        )
    )
    if not finished.ok:
        raise AgentError(f"{patch} does not apply: {short(finished.stderr.strip() or finished.detail)}")
    applied = [line for line in finished.stderr.splitlines() if line.startswith("Applied patch")]
    return [AgentEvent("tool", short(line)) for line in applied]
