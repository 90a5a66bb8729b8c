"""A registry of tiny commands in a folder of its own, run and read as a user's is."""

from __future__ import annotations

import json
import os
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import honing
from honing.experiments import (
    ExperimentMode,
    ExperimentOptions,
    ExperimentPlan,
    ExperimentResult,
    RegistryFile,
    Standing,
    load_registry,
    plan_experiment,
    run_experiment,
    standings,
)
from honing.experiments.registry.evidence import OUTPUT, OUTPUT_PATTERN, Evidence, Places

WRITES = """\
schema: 1
experiments:
  - id: E1
    name: writes a score
    category: Tests
    target: numbers
    agent: a program
    commands:
      smoke: python program.py {run}/metrics.json
    artifacts: {metrics: "{run}/metrics.json"}
    metrics: [metrics.score]
    score: ["null", metrics.score]
    done: [rollout_ok, metrics.ok == true, number(metrics.score)]
"""
PROGRAM = """\
import json, sys
with open(sys.argv[1], "w") as file:
    json.dump({"ok": True, "score": 0.5}, file)
print(json.dumps({"rollout_ok": True}))
"""


@dataclass(frozen=True)
class Scene:
    """A folder with experiments.yaml, its runs and its results."""

    folder: Path

    @property
    def results(self) -> Path:
        return self.folder / "results"

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(textwrap.dedent(text))
        return path

    def file(self) -> RegistryFile:
        return load_registry(self.folder / "experiments.yaml")

    def plan(
        self,
        experiment: str = "E1",
        mode: ExperimentMode = ExperimentMode.SMOKE,
        values: Mapping[str, str] | None = None,
        *,
        fresh: bool = False,
    ) -> ExperimentPlan:
        source = str(Path(honing.__file__).parents[1])
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "PYTHONPATH": source}
        options = ExperimentOptions(
            home=self.folder / "runs",
            results=self.results,
            environ=environ,
            values=values or {},
            folder=self.folder,
            fresh=fresh,
        )
        return plan_experiment(self.file(), experiment, mode, options)

    def run(
        self, experiment: str = "E1", mode: ExperimentMode = ExperimentMode.SMOKE, *, fresh: bool = False
    ) -> ExperimentResult:
        return run_experiment(self.plan(experiment, mode, fresh=fresh))

    def standings(self) -> list[Standing]:
        return standings(self.file(), self.results)

    def states(self) -> list[tuple[str, str, str]]:
        """State and reason of every mode of every experiment."""
        found = [(one.experiment.id, mode) for one in self.standings() for mode in one.modes]
        return [(name, mode.state.value, mode.reason) for name, mode in found]


def scene_of(folder: Path, registry: str = WRITES, program: str = PROGRAM) -> Scene:
    """A registry whose one program lies beside it."""
    scene = Scene(folder)
    scene.write("experiments.yaml", registry)
    scene.write("program.py", program)
    return scene


def evidence_of(
    folder: Path, documents: Mapping[str, Any], patterns: Mapping[str, str] | None = None
) -> Evidence:
    """Files of a run as the names of signals: `{name}.json` for each, or patterns of your own."""
    for name, value in documents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value if isinstance(value, str) else json.dumps(value))
    named = {Path(name).stem: name for name in documents} if patterns is None else dict(patterns)
    places = Places(values={"run": str(folder), "root": str(folder)}, created=0.0)
    return Evidence({OUTPUT: OUTPUT_PATTERN, **named}, places)
