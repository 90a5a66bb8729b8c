"""Opening a harness project: honing.yaml, or metaharness.json as the predecessor wrote it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from honing.documents import Document, checked, parse_located, read_bytes
from honing.errors import HoningError, ProjectError
from honing.harness.legacy import LEGACY_FILE, load_legacy
from honing.harness.project import (
    TRANSIENT,
    AgentChoice,
    Judging,
    Project,
    Rules,
    Scope,
    SearchSettings,
    Spending,
)
from honing.harness.project_spec import ProjectSpec
from honing.harness.search.registry import search_named
from honing.harness.tasks_file import Placed, parsed_file, read_tasks, tasks_of

PROJECT_FILE = "honing.yaml"
_NAMES = (PROJECT_FILE, "honing.yml", LEGACY_FILE)


def load_project(path: Path) -> Project:
    """Open a project and check all of it: nothing is run, nothing is written.

    Args:
        path: Its folder, or its file.

    Raises:
        ProjectError: There is no project, or something in it cannot be used; the text names file, line, what
            was found and what was expected. Every problem of the schema is listed, not just the first.
    """
    file = find_project(path)
    if file.name == LEGACY_FILE:
        return load_legacy(file)
    document = _read(file, what="a harness project")
    spec = checked(
        ProjectSpec,
        document.value,
        document.lines,
        source=document.file,
        error=ProjectError,
        what="the project",
    )
    return _Reading(document, spec, file.parent).project()


def find_project(path: Path) -> Path:
    """The file of the project that a folder holds, or the file itself.

    Raises:
        ProjectError: There is none.
    """
    if path.is_file():
        return path.absolute()
    if not path.is_dir():
        raise ProjectError(f"{path}: there is no such folder or file. {_NEXT}")
    found = [path / name for name in _NAMES if (path / name).is_file()]
    # honing.yaml may hold nothing but settings of Honing (docs/settings.md): then it is no project.
    projects = [file for file in found if len(found) == 1 or not _only_settings(file)]
    if not projects:
        raise ProjectError(f"{path}: neither {PROJECT_FILE} nor {LEGACY_FILE} lies here. {_NEXT}")
    return projects[0].absolute()


_NEXT = "`hone harness scaffold DIR` writes a project, `hone harness onboard DIR` looks at a folder of yours."


def _only_settings(file: Path) -> bool:
    if file.name == LEGACY_FILE:
        return False
    value, _ = parse_located(
        read_bytes(file, source=str(file), error=ProjectError), source=str(file), error=ProjectError
    )
    return isinstance(value, dict) and set(value) <= {"settings"}


def _read(file: Path, *, what: str) -> Document:
    value, lines = parsed_file(file, what=what)
    if not isinstance(value, dict):
        raise ProjectError(
            f"{file}:1: {what} is a mapping with 'schema: 1', got {type(value).__name__}. "
            "`hone harness schema` prints what may stand in it."
        )
    return Document(str(file), value, lines, ProjectError)


@dataclass(frozen=True, slots=True)
class _Reading:
    """One honing.yaml on its way to a project."""

    document: Document
    spec: ProjectSpec
    folder: Path

    def project(self) -> Project:
        spec = self.spec
        tasks, held_out = self._placed("tasks"), self._placed("held_out")
        every = tasks_of([*tasks, *held_out])
        baseline = self._folder("baseline", spec.baseline)
        self._refuse_inside(baseline)
        agent = spec.agent
        return Project(
            folder=self.folder,
            file=Path(self.document.file),
            name=spec.name,
            objective=spec.objective,
            constraints=spec.constraints,
            baseline=baseline,
            rules=self._rules(),
            tasks=every[: len(tasks)],
            held_out=every[len(tasks) :],
            search=self._search(),
            judging=Judging(**{**dict(spec.judging), "thresholds": _named(spec.judging.thresholds)}),
            agent=AgentChoice(**dict(agent)),
            agents={name: AgentChoice(name=name, **dict(options)) for name, options in spec.agents.items()},
            spending=Spending(**dict(spec.budget)),
            trace=self._file("trace", spec.trace) if spec.trace else None,
            solution=self._solution(),
            seed=spec.seed,
            notes=tuple(self._notes(baseline)),
        )

    def _placed(self, key: str) -> list[Placed]:
        value = self.spec.tasks if key == "tasks" else self.spec.held_out
        if isinstance(value, str):
            return read_tasks(self._file(key, value))
        if key == "tasks" and not value:
            raise ProjectError(f"{self.document.anchor(key)}: {key}: at least one task is needed.")
        return [
            Placed(task, self.document.anchor(key, position), self.folder)
            for position, task in enumerate(value)
        ]

    def _rules(self) -> Rules:
        spec = self.spec
        taken_back = {name[1:] for name in spec.transient if name.startswith("!")}
        for name in sorted(taken_back - set(TRANSIENT)):
            raise ProjectError(
                f"{self.document.anchor('transient')}: transient: '!{name}' takes back a name that is not "
                f"among the usual ones: {', '.join(TRANSIENT)}."
            )
        added = tuple(name for name in spec.transient if not name.startswith("!"))
        return Rules(
            scope=tuple(Scope(one.path, one.kind) for one in spec.scope),
            single_class=spec.single_class,
            required=spec.required,
            transient=tuple(name for name in TRANSIENT if name not in taken_back) + added,
            leakage=spec.leakage,
            forbidden=spec.forbidden,
            largest_bytes=spec.largest_bytes,
        )

    def _search(self) -> SearchSettings:
        try:
            search_named(self.spec.search.name, self.spec.search.options)
        except HoningError as error:
            raise ProjectError(f"{self.document.anchor('search')}: {error}") from None
        return SearchSettings(**dict(self.spec.search))

    def _solution(self) -> Path | None:
        if self.spec.solution:
            return self._folder("solution", self.spec.solution)
        usual = self.folder / "solution"
        return usual if usual.is_dir() else None

    def _folder(self, key: str, written: str) -> Path:
        path = self.folder / Path(written).expanduser()
        if not path.is_dir():
            raise ProjectError(f"{self.document.anchor(key)}: {key}: {path} is not a folder.")
        return path.resolve()

    def _file(self, key: str, written: str) -> Path:
        path = self.folder / Path(written).expanduser()
        if not path.is_file():
            raise ProjectError(f"{self.document.anchor(key)}: {key}: {path} is not a file.")
        return path.resolve()

    def _refuse_inside(self, baseline: Path) -> None:
        """What a candidate must not see may not lie in the folder that it is a copy of."""
        spec = self.spec
        named = {"solution": spec.solution, "trace": spec.trace}
        named |= {key: value for key in ("tasks", "held_out") if isinstance(value := getattr(spec, key), str)}
        places = {"the project's own file": ("baseline", Path(self.document.file))}
        places |= {f"'{key}'": (key, self.folder / value) for key, value in named.items() if value}
        for what, (key, place) in places.items():
            if place.resolve().is_relative_to(baseline):
                raise ProjectError(
                    f"{self.document.anchor(key)}: {what} lies inside the baseline {baseline}, so every "
                    "candidate would hold it. Give the harness a folder of its own."
                )

    def _notes(self, baseline: Path) -> Iterator[str]:
        for position, path in enumerate(self.spec.required):
            if not (baseline / path).exists():
                where = self.document.anchor("required", position)
                yield f"{where}: the baseline has no {path}, so every candidate has to add it."


def _named(thresholds: Any) -> dict[str, float]:
    return {step.value: least for step, least in thresholds.items()}
