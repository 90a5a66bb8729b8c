"""Our own benchmark projects by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory

from honing.errors import UsageError
from honing.harness.benchmarks.legacy_form import to_legacy
from honing.harness.scaffold.template import write_project

_SHIPPED = Path(__file__).parent


class Variant(StrEnum):
    """How an example is judged, or written down."""

    PLAIN = "plain"
    BEHAVIOURAL = "behavioural"
    """By graders that look at what scripts do, not what they say."""
    LEGACY = "legacy"
    """As PLAIN, in the form of the predecessor."""


Writer = Callable[[Path, Variant], tuple[str, ...]]
"""Writes an example into a folder that is new or empty; returns the files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One project that can be written out."""

    name: str
    sentence: str
    write: Writer
    variants: tuple[Variant, ...] = tuple(Variant)


def write_example(name: str, folder: Path, *, variant: str = Variant.PLAIN) -> tuple[str, ...]:
    """Write one of `EXAMPLES`.

    Args:
        name: Its name; dashes are as good as underscores.
        folder: Must not exist, or be empty.
        variant: One of those that it has.

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
    if variant not in found.variants:
        has = ", ".join(one.value for one in found.variants)
        raise UsageError(f"{found.name} has no variant {str(variant)!r}; it has {has}.")
    return found.write(folder, Variant(variant))


def _shipped(name: str) -> Writer:
    """The writer of a project that is shipped as folders beside this file."""

    def write(folder: Path, variant: Variant) -> tuple[str, ...]:
        graders = Variant.BEHAVIOURAL if variant is Variant.BEHAVIOURAL else Variant.PLAIN
        sources = (_SHIPPED / name / "project", _SHIPPED / name / graders.value)
        if variant is not Variant.LEGACY:
            return write_project(sources, folder)
        with TemporaryDirectory(prefix="honing-example-") as scratch:
            write_project(sources, Path(scratch) / name)
            to_legacy(Path(scratch) / name)
            return write_project((Path(scratch) / name,), folder)

    return write


def _problem(name: str) -> Writer:
    """The writer of a problem with a proposer and graders of its own."""

    def write(folder: Path, variant: Variant) -> tuple[str, ...]:
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
        variants=(Variant.PLAIN,),
    ),
    Example(
        name="circle_packing_10",
        sentence="the same with 10 circles",
        write=_problem("circle_packing_10"),
        variants=(Variant.PLAIN,),
    ),
    Example(
        name="coupled_trap",
        sentence="scripts that must change together (no model: its own proposer)",
        write=_problem("coupled_trap"),
        variants=(Variant.PLAIN,),
    ),
    Example(
        name="rastrigin",
        sentence="a function with many local minima (no model: its own proposer)",
        write=_problem("rastrigin"),
        variants=(Variant.PLAIN,),
    ),
    Example(
        name="noisy_agent",
        sentence="an agent that succeeds by chance, 30 tasks held out (no model: its own proposer)",
        write=_problem("noisy_agent"),
        variants=(Variant.PLAIN,),
    ),
)
"""To add one, write its folders here, or give a function that writes it."""
