"""A measured target as a subject of the loop: rows of data, a folder of prompts, any model.

The panel is the target's rows, divided by a seed. Scores on it are believed because the contract calibrates:
right answers score the maximum, empty and swapped ones next to nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from honing.contract import SetupOptions
from honing.errors import UsageError
from honing.experiments.improve.base import (
    Measurement,
    Panel,
    PanelTask,
    Part,
    Proposal,
    Sizes,
    Spending,
    TaskScore,
    Version,
)
from honing.experiments.improve.contracts.measuring import Asker, is_deterministic
from honing.experiments.improve.contracts.prompt_folder import (
    FILES,
    LARGEST_BYTES,
    Names,
    PromptHarness,
    read_harness,
)
from honing.experiments.improve.contracts.rewriting import Proposers, Searching, known_agent, rewritten
from honing.experiments.improve.contracts.teaching import Lesson, Teaching, taught
from honing.experiments.improve.desk import Desk
from honing.experiments.improve.panels import split_tasks
from honing.harness import Project, load_project
from honing.learn import folder_digest, is_model_folder, prompt_digest
from honing.store import TREES, EntryKind, TreeId, TreeStore, make_home

_PROJECT = "honing.yaml"
_NOISY_RUNS = 2
"""How often a sampled row is asked for one candidate: first, and in the re-test."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractOptions:
    """What is improved on what, and by whom."""

    target: str
    """As `hone measure` takes it, with rows that Honing asks."""
    harness: Path
    """Folder with system.md, template.txt and harness.yaml, any of them; or a project with a honing.yaml."""
    model: str
    """Who is asked: a name, or a folder."""
    proposers: Proposers = field(default_factory=Proposers)
    teaching: Teaching = field(default_factory=Teaching)
    sizes: Mapping[Part, int | None] = field(default_factory=dict)
    """Tasks of each part; half, a quarter and a quarter of the rows where nothing is said."""
    seed: int = 0
    """Divides the rows."""
    setup: SetupOptions = field(default_factory=SetupOptions)
    """How the target is set up; its folder of runs is the loop's own."""
    allow_uncalibrated: bool = False
    """Go on although the controls do not bracket a score; recorded as such."""


class ContractSubject:
    """See `Subject`."""

    def __init__(self, options: ContractOptions) -> None:
        """Read the harness; the target is read when it is first needed.

        Raises:
            UsageError: The harness cannot be used.
        """
        self._options = options
        self._asker = Asker(options.target, options.setup, allow_uncalibrated=options.allow_uncalibrated)
        self._project = _project_in(options.harness)
        self._names = Names() if self._project is None else _names_of(self._project)
        self._folder = options.harness if self._project is None else self._project.baseline
        if not self._folder.is_dir():
            raise UsageError(
                f"--harness {options.harness}: is not a folder. Put {', '.join(FILES)} into one."
            )
        self._start = read_harness(self._text, self._names)
        self._divided: Mapping[Part, tuple[PanelTask, ...]] | None = None

    @property
    def name(self) -> str:
        """See `Subject.name`."""
        return f"{self._options.model} on {self._options.target}"

    def identity(self) -> Mapping[str, Any]:
        """See `Subject.identity`."""
        options = self._options
        model = options.model
        known = is_model_folder(model)
        return {
            "kind": "contract",
            "target": self._asker.rows.content,
            "harness": _folder_digest(self._folder),
            "project": None if self._project is None else _digest(self._project.file),
            "model": f"folder:{folder_digest(Path(model).expanduser())}" if known else model,
            "proposers": options.proposers.identity(),
            "teaching": options.teaching.as_document(),
            "sizes": {part.value: options.sizes.get(part) for part in Part},
            "seed": options.seed,
            "contract": None if options.setup.contract is None else _digest(options.setup.contract),
            "split": [options.setup.config, options.setup.split],
            "judge_model": options.setup.judge_model,
            "allow_uncalibrated": options.allow_uncalibrated,
        }

    def sizes(self) -> Sizes:
        """See `Sized.sizes`."""
        parts = self._parts()
        each = len(parts[Part.SEARCH])
        repeatable = is_deterministic(self._start, self._options.model)
        noisy = 1 if repeatable else _NOISY_RUNS
        return Sizes(
            tasks={part: len(parts[part]) for part in Part},
            search_runs_each=each * noisy,
            search_runs_more=0 if repeatable else each * noisy,
            training_runs=each * self._lessons(self._options.model, self._start),
        )

    def start(self, desk: Desk) -> Version:
        """See `Subject.start`."""
        make_home(desk.home)
        tree = TreeStore(desk.home / TREES).snapshot(self._folder, again=False)
        return Version(harness=tree, model=self._options.model)

    def panel(self, desk: Desk) -> Panel:
        """See `Subject.panel`."""
        if desk.allowance.proposals:
            known_agent(self._options.proposers, self._project)
        calibration = self._asker.calibrated(desk)
        document = calibration.as_document()
        formats = document.pop("format")
        certificate = {"level": calibration.level.value, **document, "formats": formats}
        return Panel(tasks=self._parts(), certificate=certificate)

    def measure(self, desk: Desk, version: Version, part: Part, seeds: Sequence[int]) -> Measurement:
        """See `Subject.measure`."""
        harness, model = self._harness(desk, version), self._model(desk, version)
        repeatable = is_deterministic(harness, model)
        ids = [task.id for task in self._parts()[part]]
        answers = {
            seed: self._asker.ask(desk, harness, model, ids, seeds[0] if repeatable else seed)
            for seed in seeds
        }
        by_seed = {seed: {row.id: row.score for row in found.rows} for seed, found in answers.items()}
        scores = (
            TaskScore(task=name, seed=seed, score=by_seed[seed][name]) for name in ids for seed in seeds
        )
        spent = Spending()
        for found in list(answers.values())[: 1 if repeatable else None]:
            spent = spent.plus(found.spent)
        return Measurement(scores=tuple(scores), spent=spent, deterministic=repeatable)

    def rewrite(self, desk: Desk, version: Version) -> Proposal:
        """See `Subject.rewrite`."""
        searching = Searching(
            asker=self._asker,
            rows=self._parts()[Part.SEARCH],
            names=self._names,
            project=self._project,
            proposers=self._options.proposers,
            content=self._asker.rows.content,
        )
        return rewritten(searching, desk, version, self._model(desk, version), self._harness(desk, version))

    def teach(self, desk: Desk, version: Version) -> Proposal:
        """See `Subject.teach`."""
        harness, model = self._harness(desk, version), self._model(desk, version)
        lesson = Lesson(
            asker=self._asker,
            ids=tuple(task.id for task in self._parts()[Part.SEARCH]),
            seeds=range(self._lessons(model, harness)),
            harness=harness,
            system=self._asker.rows.system,
        )
        return taught(lesson, self._options.teaching, desk, version, model)

    def close(self, error: BaseException | None = None) -> None:
        """Tear the target down."""
        self._asker.close(error)

    def _parts(self) -> Mapping[Part, tuple[PanelTask, ...]]:
        if self._divided is None:
            rows = self._asker.rows.rows
            tasks = [PanelTask(id=row.id, digest=prompt_digest(row.prompt)) for row in rows]
            self._divided = split_tasks(tasks, self._options.sizes, self._options.seed)
        return self._divided

    def _lessons(self, model: str, harness: PromptHarness) -> int:
        """How often each search task is asked to learn from the answers."""
        return self._options.teaching.repeats(harness, model) if is_model_folder(model) else 0

    def _text(self, name: str) -> str | None:
        path = self._folder / name
        return path.read_text("utf-8", "replace") if path.is_file() else None

    def _harness(self, desk: Desk, version: Version) -> PromptHarness:
        trees = TreeStore(desk.home / TREES)
        entries = {
            entry.name: entry
            for entry in trees.load(TreeId(version.harness)).entries
            if entry.kind is EntryKind.FILE
        }

        def read(name: str) -> str | None:
            entry = entries.get(name)
            if entry is None or entry.size > LARGEST_BYTES:
                return None
            return trees.read(entry).decode("utf-8", "replace")

        return read_harness(read, self._names)

    def _model(self, desk: Desk, version: Version) -> str:
        """As it is asked: a folder that the run made lies in it."""
        made = desk.run.path / version.model
        inside = made.resolve().is_relative_to(desk.run.path.resolve())
        return str(made) if inside and is_model_folder(str(made)) else version.model


def contract_subject(options: ContractOptions) -> ContractSubject:
    """A measured target, to be improved.

    Raises:
        UsageError: The harness cannot be used.
    """
    return ContractSubject(options)


def _project_in(folder: Path) -> Project | None:
    return load_project(folder) if folder.is_file() or (folder / _PROJECT).is_file() else None


def _names_of(project: Project) -> Names:
    """Which files of a project's harness are what: as its tasks of type contract say."""
    found = [task for task in project.tasks if task.identity().get("type") == "contract"]
    if not found:
        return Names()
    _, *rest = [task.identity()["harness"] for task in found]
    system, template, overlay, mount = found[0].identity()["harness"]
    if rest or overlay or mount:
        raise UsageError(
            f"{project.file}: expected one task of type contract with a system prompt or a template; the "
            "loop asks rows one by one, so it has no use for overlay and mount."
        )
    return Names(system=system, template=template)


def _digest(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}.") from None


def _folder_digest(folder: Path) -> str:
    whole = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        whole.update(f"{file.relative_to(folder)}\0{_digest(file)}\n".encode("utf-8", "surrogateescape"))
    return whole.hexdigest()
