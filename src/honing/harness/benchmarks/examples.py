"""Our own benchmark projects by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from honing.errors import UsageError
from honing.harness.scaffold.template import write_project

_SHIPPED = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One project that can be written out."""

    name: str
    sentence: str
    write: Callable[[Path, bool], tuple[str, ...]]
    """Writes it into a folder that is new or empty, with behavioural graders where the second argument is
    true; returns the files."""
    behavioural: bool = True
    """Whether there is a variant with behavioural graders."""


def write_example(name: str, folder: Path, *, behavioural: bool = False) -> tuple[str, ...]:
    """Write one of `EXAMPLES`.

    Args:
        name: Its name; dashes are as good as underscores.
        folder: Must not exist, or be empty.
        behavioural: Whether with graders that look at what scripts do, not what they say.

    Returns:
        The files written, relative to the folder, sorted.

    Raises:
        UsageError: There is no such example or variant, or something lies there already; nothing is written
            then.
    """
    known = {one.name: one for one in EXAMPLES}
    found = known.get(name.replace("-", "_"))
    if found is None:
        raise UsageError(f"there is no example {name!r}; there are {', '.join(known)}.")
    if behavioural and not found.behavioural:
        raise UsageError(
            f"{found.name} has no behavioural variant: its only graders are behavioural already."
        )
    return found.write(folder, behavioural)


def _shipped(name: str) -> Callable[[Path, bool], tuple[str, ...]]:
    """The writer of a project that is shipped as folders beside this file."""

    def write(folder: Path, behavioural: bool) -> tuple[str, ...]:  # noqa: FBT001  (see Example.write)
        variant = "behavioural" if behavioural else "command"
        return write_project((_SHIPPED / name / "project", _SHIPPED / name / variant), folder)

    return write


def _problem(name: str) -> Callable[[Path, bool], tuple[str, ...]]:
    """The writer of a problem with a proposer and graders of its own."""

    def write(folder: Path, behavioural: bool) -> tuple[str, ...]:  # noqa: FBT001  (see Example.write)
        from honing.harness.problems.writing import write_problem

        return write_problem(name, folder)

    return write


EXAMPLES = (
    Example(
        name="ticket_router",
        sentence="rules that send tickets to queues: 8 tickets, 4 held out (baseline 0.750)",
        write=_shipped("ticket_router"),
    ),
    Example(
        name="python_fixture",
        sentence="guidance and scripts of a Python library: 9 tasks, weight 10 (baseline 0.050)",
        write=_shipped("python_fixture"),
    ),
    Example(
        name="python_cli",
        sentence="guidance and scripts of a command-line program: 11 tasks, weight 11 (baseline 0.045)",
        write=_shipped("python_cli"),
    ),
    Example(
        name="circle_packing_26",
        sentence="26 circles in the unit square, sum of radii (no model: its own proposer)",
        write=_problem("circle_packing_26"),
        behavioural=False,
    ),
    Example(
        name="circle_packing_10",
        sentence="the same with 10 circles",
        write=_problem("circle_packing_10"),
        behavioural=False,
    ),
    Example(
        name="coupled_trap",
        sentence="scripts that must change together (no model: its own proposer)",
        write=_problem("coupled_trap"),
        behavioural=False,
    ),
    Example(
        name="rastrigin",
        sentence="a function with many local minima (no model: its own proposer)",
        write=_problem("rastrigin"),
        behavioural=False,
    ),
    Example(
        name="noisy_agent",
        sentence="settings of an agent that succeeds by chance, 30 held-out tasks (no model: its own proposer)",
        write=_problem("noisy_agent"),
        behavioural=False,
    ),
)
"""To add one, write its folders here, or give a function that writes it."""
