"""A panel: a fixed list of tasks as a file, with a hash of what each task shows first.

A panel is made once and kept beside the results. Before it is used again, `verify_panel` begins every task
and lists what differs, so that a changed package, option or data file is noticed before a number is compared.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pydantic import Field

from honing.documents import Record, checked, parse_located
from honing.environments.base import Json, Task, TextEnvironment, World, task_hash
from honing.environments.registry import world_named
from honing.errors import EnvironmentFaultError, UsageError

_MAX_BYTES = 64 * 1024 * 1024


class PanelTask(Record):
    """One row."""

    task: dict[str, Any]
    """As `Task.as_document` writes it."""
    task_hash: str = Field(pattern="^[0-9a-f]{16}$")
    """By content; tasks of one hash are the same task."""
    first_hash: str = Field(pattern="^[0-9a-f]{64}$")
    """Of everything that is shown at its start."""


class Panel(Record):
    """A fixed list of tasks. Equal panels have equal bytes, on every machine."""

    schema_version: Literal[1] = Field(alias="schema")
    name: str
    """Of the world, as `world_named` takes it."""
    options: dict[str, Any]
    """As the world was given them."""
    identity: dict[str, Any]
    """Of the world: every option, and the versions of the packages that decide what a task shows."""
    split: str
    seed: int
    rows: tuple[PanelTask, ...]

    def tasks(self) -> list[Task]:
        """The tasks, in order."""
        return [Task.from_document(row.task) for row in self.rows]

    def to_bytes(self) -> bytes:
        """The file."""
        content = self.model_dump(mode="json", by_alias=True)
        return (json.dumps(content, indent=1, sort_keys=True, ensure_ascii=True) + "\n").encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing in which a world of today differs from a panel."""

    where: str
    """`identity`, or the task's id."""
    what: str
    """Which part: a key of the identity, `first observation`, `task`."""
    expected: str
    """In the panel."""
    found: str
    """Now."""

    def as_document(self) -> dict[str, str]:
        """As plain data."""
        return asdict(self)


def make_panel(
    name: str, options: Mapping[str, Json] | None = None, *, split: str, n: int, seed: int = 0
) -> Panel:
    """Fix the first `n` tasks of a split.

    Args:
        name: Of the world.
        options: Its options.
        split: Whose tasks.
        n: How many, at least one.
        seed: Of the drawing.

    Raises:
        UsageError: There is no such world or option, or no task was asked for.
        EnvironmentFaultError: The world cannot give that many, or gives one of them twice.
    """
    if n < 1:
        raise UsageError(f"A panel needs one task at least, got {n}.")
    world = world_named(name, options)
    environment = world.make()
    try:
        rows = [_row(environment, task) for task in world.tasks(split, n, seed=seed)]
    finally:
        environment.close()
    hashes = [row.task_hash for row in rows]
    for at, found in enumerate(hashes):
        if found in hashes[:at]:
            raise EnvironmentFaultError(
                f"{name}: the tasks {rows[hashes.index(found)].task['id']!r} and {rows[at].task['id']!r} of "
                f"the split {split!r} are the same task. Ask for fewer, or for a larger world."
            )
    return Panel(
        schema=1,
        name=name,
        options=_plain(dict(options or {})),
        identity=_plain(world.identity()),
        split=split,
        seed=seed,
        rows=tuple(rows),
    )


def read_panel(content: bytes, *, source: str) -> Panel:
    """The panel that a file holds.

    Args:
        content: Of the file.
        source: What errors call it.

    Raises:
        EnvironmentFaultError: It is no panel; every fault with its line.
    """
    if len(content) > _MAX_BYTES:
        raise EnvironmentFaultError(f"{source} has {len(content)} bytes; a panel has {_MAX_BYTES} at most.")
    value, lines = parse_located(content, source=source, error=EnvironmentFaultError, what="a panel")
    panel = checked(Panel, value, lines, source=source, error=EnvironmentFaultError, what="the panel")
    ids = [row.task.get("id") for row in panel.rows]
    if len(set(ids)) != len(ids) or not all(isinstance(each, str) for each in ids):
        raise EnvironmentFaultError(f"{source}: every row needs a task with an id of its own.")
    return panel


def verify_panel(panel: Panel) -> list[Difference]:
    """Begin every task of a panel and list what differs from it; empty where all is as it was.

    Raises:
        UsageError: The world or an option is not known any more.
        MissingToolError: A package is missing.
    """
    world = world_named(panel.name, panel.options)
    environment = world.make()
    try:
        found = list(_identity_differences(panel.identity, _plain(world.identity())))
        found += _drawing_differences(panel, world)
        for row in panel.rows:
            found += _row_differences(row, environment)
    finally:
        environment.close()
    return found


def _row(environment: TextEnvironment, task: Task) -> PanelTask:
    first = environment.reset(task)
    return PanelTask(
        task=_plain(task.as_document()), task_hash=task_hash(first, task), first_hash=first.hash()
    )


def _identity_differences(expected: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[Difference]:
    flat_expected, flat_found = dict(_flat(expected)), dict(_flat(found))
    for key in sorted(flat_expected.keys() | flat_found.keys()):
        was, now = (_shown(flat, key) for flat in (flat_expected, flat_found))
        if was != now:
            yield Difference(where="identity", what=key, expected=was, found=now)


def _drawing_differences(panel: Panel, world: World) -> Iterator[Difference]:
    """Whether the split would still be drawn alike: other tasks of it may be in use beside the panel."""
    try:
        drawn = [
            _plain(task.as_document()) for task in world.tasks(panel.split, len(panel.rows), seed=panel.seed)
        ]
    except EnvironmentFaultError as error:
        yield Difference(where="split", what="task", expected=f"{len(panel.rows)} tasks", found=str(error))
        return
    for row, now in zip(panel.rows, drawn, strict=True):
        if row.task != now:
            yield Difference(
                where=str(row.task["id"]), what="task", expected=_text(row.task), found=_text(now)
            )


def _row_differences(row: PanelTask, environment: TextEnvironment) -> Iterator[Difference]:
    name = str(row.task["id"])
    try:
        now = _row(environment, Task.from_document(row.task))
    except (EnvironmentFaultError, KeyError, TypeError) as error:
        yield Difference(where=name, what="first observation", expected=row.first_hash, found=repr(error))
        return
    if now.first_hash != row.first_hash:
        yield Difference(where=name, what="first observation", expected=row.first_hash, found=now.first_hash)
    if now.task_hash != row.task_hash:
        yield Difference(where=name, what="task hash", expected=row.task_hash, found=now.task_hash)


def _plain(value: Any) -> Any:
    """As it comes back from JSON."""
    return json.loads(json.dumps(value))


def _flat(value: Any, way: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, inside in value.items():
            yield from _flat(inside, f"{way}.{key}" if way else str(key))
    else:
        yield way, value


def _shown(flat: Mapping[str, Any], key: str) -> str:
    return _text(flat[key]) if key in flat else "nothing"


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
