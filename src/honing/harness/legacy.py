"""metaharness.json: projects of the predecessor open as they are.

Its own keys mean here what they meant there. Limits that it fixed in its code have names here
(`evaluation_timeout_seconds`), and keys that are not known are passed over as they were there, with a note.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from honing.documents import Document, Where
from honing.errors import ProjectError
from honing.harness.legacy_tasks import read_legacy_tasks
from honing.harness.project import (
    AgentChoice,
    Judging,
    Project,
    Rules,
    Scope,
    SearchSettings,
    Spending,
)
from honing.harness.tasks_file import Placed, parsed_file, tasks_of

LEGACY_FILE = "metaharness.json"
_AGENTS = {"gemini": "gemini_cli", "claude": "claude_code", "fake": "scripted"}
"""What back ends are called here, where it is not the same."""
_ONE_CLASS = ("single_class", "single_class_mode", "single_component_class", "one_class_per_candidate")
_LEAKAGE = ("leakage_gate", "leakage")
_FORBIDDEN = ("leakage_forbidden", "leakage_forbidden_phrases", "leakage_tokens")
_TRACE = ("trace_evidence_path", "trace_evidence_file", "trace_evidence")
PROJECT_KEYS = (
    "name",
    "objective",
    "constraints",
    "workspace_layout",
    "baseline_dir",
    "runs_dir",
    "tasks_file",
    "test_tasks_file",
    "required_files",
    "allowed_write_paths",
    "transient_paths",
    "proposal_timeout_seconds",
    "evaluation_timeout_seconds",
    "backends",
    "backend_plugins",
    "default_backend",
    "default_budget",
    "example_profile",
    "search_mode",
    "selection_policy",
    "proposal_batch_size",
    *_ONE_CLASS,
    *_LEAKAGE,
    *_FORBIDDEN,
    *_TRACE,
    "seed",
)
"""Keys of a metaharness.json that mean something here."""


def load_legacy(file: Path) -> Project:
    """Open a project of the predecessor. Nothing is run, nothing is written.

    Args:
        file: Its metaharness.json.

    Raises:
        ProjectError: It cannot be used; the text names file, line, what was found and what was expected.
    """
    value, lines = parsed_file(file, what="a project of metaharness")
    if not isinstance(value, dict):
        raise ProjectError(f"{file}:1: a project is an object, got {type(value).__name__}.")
    return _Reading(Document(str(file), value, lines, ProjectError), file.parent, []).project()


@dataclass(frozen=True, slots=True)
class _Reading:
    """One metaharness.json on its way to a project."""

    document: Document
    folder: Path
    notes: list[str]

    def project(self) -> Project:
        self._note_unknown((), PROJECT_KEYS)
        baseline = self._folder("baseline_dir", "baseline")
        tasks = self._tasks("tasks_file", "tasks.json")
        held_out = self._tasks("test_tasks_file", "") if self._has("test_tasks_file") else []
        every = tasks_of([*tasks, *held_out])
        agents = dict(self._agents())
        own = self._agent(agents)
        # `--agent gemini`, as it was called there, finds what the project says about it.
        unsaid = AgentChoice(timeout_s=self._timeout())
        said = {name: agents.get(ours, replace(unsaid, name=ours)) for name, ours in _AGENTS.items()}
        return Project(
            folder=self.folder,
            file=Path(self.document.file),
            name=self._text("name") or self.folder.name or "project",
            objective=self._required_text("objective"),
            constraints=self._constraints(),
            baseline=baseline,
            rules=self._rules(),
            tasks=every[: len(tasks)],
            held_out=every[len(tasks) :],
            search=self._search(),
            judging=self._judging(),
            agent=own,
            agents={**said, **agents},
            spending=Spending(proposals=self._proposals()),
            trace=self._trace(),
            solution=self.folder / "solution" if (self.folder / "solution").is_dir() else None,
            runs=self.folder / (self._text("runs_dir") or "runs"),
            legacy=True,
            seed=self.document.count(("seed",)),
            notes=tuple(self.notes),
        )

    def _tasks(self, key: str, usual: str) -> list[Placed]:
        file = self.folder / (self._text(key) or usual)
        if not file.is_file():
            raise ProjectError(f"{self.document.anchor(key)}: {key}: {file} is not a file.")
        found = read_legacy_tasks(file)
        self.notes.extend(found.notes)
        return found.tasks

    def _rules(self) -> Rules:
        usual = Rules()
        return Rules(
            scope=tuple(self._scope()),
            single_class=self._flag(_ONE_CLASS, default=usual.single_class),
            required=tuple(_plain(path) for path in self.document.texts(("required_files",))),
            transient=usual.transient + tuple(self.document.texts(("transient_paths",))),
            # Off unless it was asked for, as it was there: ids of those projects are often plain words.
            leakage=self._flag(_LEAKAGE, default=False),
            forbidden=tuple(phrase for key in _FORBIDDEN for phrase in self.document.texts((key,))),
        )

    def _scope(self) -> Iterator[Scope]:
        key = "allowed_write_paths"
        listed = self.document.at((key,))
        if listed is not None and not isinstance(listed, list):
            raise self.document.wrong((key,), "a list")
        for position, one in enumerate(listed or ()):
            if isinstance(one, str):
                yield Scope(_plain(one))
            elif isinstance(one, dict) and isinstance(one.get("path"), str):
                yield Scope(_plain(one["path"]), self.document.text((key, position, "class")))
            else:
                raise self.document.wrong((key, position), "a path, or a path with its class")

    def _search(self) -> SearchSettings:
        mode = self._text("search_mode") or "hill-climb"
        if mode not in ("hill-climb", "frontier"):
            raise self.document.wrong(("search_mode",), "hill-climb or frontier")
        policy = self._text("selection_policy") or "single"
        if policy not in ("single", "pareto"):
            raise self.document.wrong(("selection_policy",), "single or pareto")
        batch = max(1, self.document.count(("proposal_batch_size",)))
        # There, `frontier` meant at least two proposals from the same best parent, and `pareto` a choice
        # among several objectives; here a batch is what is in flight, and the frontier is one of candidates.
        if mode == "frontier":
            batch = max(2, batch)
        name = "frontier" if mode == "frontier" or policy == "pareto" else "greedy"
        return SearchSettings(name=name, in_flight=batch)

    def _proposals(self) -> int:
        """Proposals of the budget: there, an iteration of `frontier` made as many as its batch has."""
        iterations = max(1, self.document.count(("default_budget",)))
        return iterations * (self._search().in_flight if self._text("search_mode") == "frontier" else 1)

    def _judging(self) -> Judging:
        limit = self.document.number(("evaluation_timeout_seconds",))
        return Judging() if limit is None else Judging(task_timeout_s=limit)

    def _agents(self) -> Iterator[tuple[str, AgentChoice]]:
        for name in self.document.mapping(("backends",)):
            told = dict(self.document.mapping(("backends", name)))
            ours = _AGENTS.get(name, name)
            limit = self.document.number(("backends", name, "proposal_timeout_seconds"))
            model = self.document.text(("backends", name, "model"))
            options = _options(ours, told)
            for key in sorted(set(told) - _TOLD - set(_renamed(ours))):
                where = self.document.anchor("backends", name, key)
                self.notes.append(
                    f"{where}: {key!r} of the back end {name!r} is passed over: here an agent runs in "
                    "Honing's own sandbox, without questions."
                )
            yield (
                ours,
                AgentChoice(name=ours, model=model, timeout_s=limit or self._timeout(), options=options),
            )
        for name in self.document.mapping(("backend_plugins",)):
            factory = self.document.text(("backend_plugins", name, "factory"))
            if ":" not in factory:
                raise self.document.wrong(("backend_plugins", name, "factory"), "module:callable")
            options = self.document.mapping(("backend_plugins", name, "options"))
            yield name, AgentChoice(name=factory, timeout_s=self._timeout(), options=options)

    def _agent(self, agents: Mapping[str, AgentChoice]) -> AgentChoice:
        named = self._text("default_backend")
        if named:
            ours = _AGENTS.get(named, named)
            return agents.get(ours, AgentChoice(name=ours, timeout_s=self._timeout()))
        return next(iter(agents.values()), AgentChoice(timeout_s=self._timeout()))

    def _timeout(self) -> float:
        return self.document.number(("proposal_timeout_seconds",)) or AgentChoice().timeout_s

    def _trace(self) -> Path | None:
        for key in _TRACE:
            if self._has(key):
                path = self.folder / self._text(key)
                if not path.is_file():
                    raise ProjectError(f"{self.document.anchor(key)}: {key}: {path} is not a file.")
                return path.resolve()
        return None

    def _constraints(self) -> tuple[str, ...]:
        layout = self.document.texts(("workspace_layout",))
        return (*self.document.texts(("constraints",)), *(f"Layout: {line}" for line in layout))

    def _folder(self, key: str, usual: str) -> Path:
        path = self.folder / (self._text(key) or usual)
        if not path.is_dir():
            raise ProjectError(f"{self.document.anchor(key)}: {key}: {path} is not a folder.")
        return path.resolve()

    def _flag(self, keys: tuple[str, ...], *, default: bool) -> bool:
        for key in keys:
            found = self.document.at((key,))
            if found is not None:
                if not isinstance(found, bool):
                    raise self.document.wrong((key,), "true or false")
                return found
        return default

    def _text(self, key: str) -> str:
        return self.document.text((key,))

    def _required_text(self, key: str) -> str:
        found = self._text(key)
        if not found:
            raise ProjectError(
                f"{self.document.anchor()}: {key!r} is missing: what a better harness is, in words."
            )
        return found

    def _has(self, key: str) -> bool:
        return self.document.at((key,)) not in (None, "")

    def _note_unknown(self, where: Where, known: tuple[str, ...]) -> None:
        for key in self.document.mapping(where):
            if key not in known:
                self.notes.append(self.document.unknown(where, key, known) + " It is passed over.")


def _plain(path: str) -> str:
    return path.removeprefix("./").rstrip("/") or "."


_TOLD = frozenset({"model", "proposal_timeout_seconds"})


def _renamed(agent: str) -> tuple[str, ...]:
    """Keys of a back end that have a meaning for our agent of that kind."""
    return ("use_oss", "local_provider") if agent == "codex" else ()


def _options(agent: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """What a back end was told, as our agent wants to hear it."""
    if agent != "codex" or not (told.get("use_oss") or told.get("local_provider")):
        return {}
    return {"oss": str(told.get("local_provider") or "ollama")}
