"""What one mode of an experiment would do: its commands filled in, its data really there."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from honing.errors import RegistryError, UsageError
from honing.experiments.registry.evidence import OUTPUT, OUTPUT_PATTERN, Evidence, Places, placeholders
from honing.experiments.registry.experiment import Experiment, ExperimentMode
from honing.experiments.registry.file import RegistryFile, mode_texts
from honing.experiments.registry.process import program_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentOptions:
    """How experiments are run here."""

    home: Path
    """The folder of runs."""
    results: Path
    """Where results are written."""
    environ: Mapping[str, str]
    """What commands inherit."""
    values: Mapping[str, str] = field(default_factory=dict)
    """What the registry's data is here, by name; relative paths belong to the folder below."""
    folder: Path = Path()
    """Folder that relative paths in `values` belong to."""
    cache: Path | None = None
    """What all runs share (downloads, environments of targets); None leaves it to the commands."""
    fresh: bool = False
    """Begin anew even where the same work is unfinished."""
    told: Callable[[str], None] = lambda _: None
    """Is told what happens, one line each."""
    clock: Callable[[], float] = time.time
    """Unix time, seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentPlan:
    """One mode of one experiment, ready to run."""

    file: RegistryFile
    experiment: Experiment
    mode: ExperimentMode
    values: Mapping[str, str]
    """What the data that it names is here."""
    options: ExperimentOptions

    @property
    def name(self) -> str:
        return f"{self.experiment.id}-{self.mode.value}"

    @property
    def command(self) -> list[str]:
        """The command line that goes on with this from any folder."""
        options = self.options
        words = ["hone", "--home", str(options.home.absolute()), "experiment", "run", self.experiment.id]
        words += ["--mode", self.mode.value, "--registry", str(self.file.path)]
        words += ["--results", str(options.results.absolute())]
        return [
            *words,
            *(word for name, value in self.values.items() for word in ("--set", f"{name}={value}")),
        ]

    def config(self) -> dict[str, Any]:
        """Everything that decides the result, as plain data. Equal configs are the same work."""
        return {
            "id": self.experiment.id,
            "mode": self.mode.value,
            "registry": str(self.file.path),
            "texts": mode_texts(self.experiment, self.mode),
            "values": dict(self.values),
        }

    def places(self, run: Path, created: float) -> Places:
        """What placeholders stand for in a run."""
        own = {
            "run": str(run),
            "home": str(run / "runs"),
            "root": str(self.file.root),
            "results": str(self.options.results.absolute()),
            "id": self.experiment.id,
            "mode": self.mode.value,
        }
        return Places(values={**self.values, **own}, created=created)

    def commands(self, places: Places) -> list[tuple[str, list[str]]]:
        """Each command as the registry has it, and the words that are run."""
        spec = self.experiment.mode(self.mode)
        assert spec is not None
        found = []
        for command in spec.commands:
            filled = (
                ["bash", "-c", places.fill(command.run)]
                if command.shell
                else [places.fill(word) for word in split_words(command.run)]
            )
            found.append((command.run, program_of(filled)))
        return found

    def env(self, places: Places) -> dict[str, str]:
        """The variables of the commands."""
        cache = {} if self.options.cache is None else {"HONING_CACHE": str(self.options.cache.absolute())}
        more = {name: places.fill(text) for name, text in self.experiment.env.items()}
        return {**self.options.environ, **cache, "HONING_HOME": places.values["home"], **more}

    def evidence(self, places: Places) -> Evidence:
        """The artifacts of a run."""
        patterns = {**self.experiment.artifacts_of(self.mode), OUTPUT: OUTPUT_PATTERN}
        return Evidence(patterns, places)


def plan_experiment(
    file: RegistryFile, wanted: str, mode: ExperimentMode, options: ExperimentOptions
) -> ExperimentPlan:
    """Check that a mode can be run here.

    Raises:
        RegistryError: There is no such experiment or mode, or a command cannot be read.
        UsageError: A value names no data of the registry, or data that it needs is missing.
    """
    experiment = file.find(wanted)
    if experiment.mode(mode) is None:
        there = ", ".join(experiment.modes) or "no command at all: it is recorded, not run"
        raise RegistryError(f"{file.path}: {experiment.id} has no mode {mode}; it has {there}.")
    _check_names(file, options.values)
    named = {name for text in mode_texts(experiment, mode) for name in placeholders(text)}
    needed = [name for name in file.registry.data if name in named]
    values = {name: _value(file, name, options) for name in needed}
    found = ExperimentPlan(file=file, experiment=experiment, mode=mode, values=values, options=options)
    found.commands(found.places(Path("run"), 0.0))
    return found


def forecast_experiment(plan: ExperimentPlan) -> dict[str, Any]:
    """What a mode would run, and for how long at most; nothing is run."""
    spec = plan.experiment.mode(plan.mode)
    assert spec is not None
    places = plan.places(plan.options.home.absolute() / plan.name, 0.0)
    return {
        "id": plan.experiment.id,
        "mode": plan.mode.value,
        "commands": [words for _, words in plan.commands(places)],
        "variables": {name: places.fill(text) for name, text in plan.experiment.env.items()},
        "data": dict(plan.values),
        "time_s_at_most": sum(command.time_limit_s for command in spec.commands),
        "signals": list(plan.experiment.signals_of(plan.mode)),
        "resources": plan.experiment.resources,
        "home": str(plan.options.home),
        "results": str(plan.options.results),
    }


def split_words(text: str) -> list[str]:
    """The words of a command, before anything is filled in: what is filled in never splits a word.

    Raises:
        RegistryError: Quotes are not closed, or a word only means something to a shell.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise RegistryError(f"the command {text!r} cannot be read: {error}") from None
    if not words:
        raise RegistryError("a command is empty")
    for word in words:
        if word in ("|", "||", "&&", "&", ";", "<", ">", ">>", "2>", "2>&1"):
            raise RegistryError(
                f"the command {text!r} needs a shell for {word!r}; write `shell: true` beside it"
            )
    return words


def _check_names(file: RegistryFile, values: Mapping[str, str]) -> None:
    known = file.registry.data
    if unknown := sorted(set(values) - set(known)):
        there = ", ".join(known) or "none"
        raise UsageError(f"--set {unknown[0]}: {file.path} names no data {unknown[0]!r}; there are {there}.")


def _value(file: RegistryFile, name: str, options: ExperimentOptions) -> str:
    spec = file.registry.data[name]
    given = options.values.get(name, "")
    if not given and not spec.default:
        raise UsageError(f"{{{name}}} is needed: {spec.sentence} Give it with --set {name}=VALUE.")
    if not spec.must_exist:
        return given or spec.default
    folder = options.folder if given else file.root
    path = (folder / (given or spec.default)).absolute()
    if not path.exists():
        raise UsageError(f"{path}: not there. {spec.sentence} Give it with --set {name}=PATH.")
    return str(path)
