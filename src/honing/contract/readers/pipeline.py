"""`pipeline.yml` and `bootstrap.yml`, version 1: stages as lists of shell commands.

What the commands of such a contract expect (`AIDER_FSM_*` variables, paths below `.aider_fsm/`) is given to
them; what they are allowed is checked before anything runs.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from honing.contract.readers.base import Foreign, Note, Unportable, Wanted, provenance_of
from honing.contract.readers.bootstrap import Bootstrap, read_bootstrap
from honing.contract.readers.located import Document, Where, read_document
from honing.contract.readers.pipeline_rules import Rules, read_rules, scripts_of
from honing.contract.spec import (
    ContractSpec,
    DeploySpec,
    EvaluateSpec,
    MetricSpec,
    ResultsSpec,
    RolloutSpec,
    Stages,
    StageSpec,
    TeardownPolicy,
)
from honing.errors import ContractError
from honing.sandbox import Network

FILES = ("pipeline.yml", "pipeline.yaml")
_STATE = ".aider_fsm"
_STAGES = ("tests", "auth", "deploy", "rollout", "evaluation", "benchmark")
_TOP = ("version", "security", *_STAGES, "artifacts", "tooling")
_EACH = ("timeout_seconds", "retries", "env", "workdir")
_COMMANDS: Mapping[str, tuple[str, ...]] = {
    "tests": ("cmds", "run_cmds"),
    "auth": ("steps", "cmds"),
    "rollout": ("run_cmds", "cmds"),
    "evaluation": ("run_cmds", "cmds"),
    "benchmark": ("run_cmds", "cmds"),
}
_FURTHER: Mapping[str, tuple[str, ...]] = {
    "auth": ("interactive",),
    "evaluation": ("metrics_path", "required_keys"),
    "benchmark": ("metrics_path", "required_keys"),
}
_DEPLOY = ("setup_cmds", "health_cmds", "teardown_cmds", "teardown_policy", "kubectl_dump")
_RESULTS = f"{_STATE}/samples_judged.jsonl"
_PROGRAMS = Path(__file__).parent / "programs"
_DEFAULT_TIMEOUT_S = 600.0
_MOVES = frozenset({"deploy.setup", "rollout", "evaluation", "benchmark"})
"""Stages that begin with a working copy of their own."""


class Pipeline:
    """Reads `pipeline.yml`, version 1."""

    kind = "pipeline.yml"

    def find(self, folder: Path) -> str | None:
        """See `Reader.find`. Other tools have files of this name: ours says `version: 1` and has a stage."""
        for file in FILES:
            if not (folder / file).is_file():
                continue
            try:
                document = read_document(folder, file)
            except ContractError:
                # Templates of other tools are often no YAML at all.
                continue
            if document and document.value.get("version") in (1, "1") and set(document.value) & set(_STAGES):
                return file
        return None

    def read(self, folder: Path, file: str, wanted: Wanted) -> Foreign:
        """See `Reader.read`."""
        document = read_document(folder, file)
        if document is None:
            raise ContractError(f"{file}:1: a pipeline is a mapping with 'version: 1'.")
        reading = _Reading(folder, document, read_rules(document))
        return reading.contract()


@dataclass
class _Reading:
    """One pipeline file being read."""

    folder: Path
    document: Document
    rules: Rules
    notes: list[Note] = field(default_factory=list)
    parts: list[tuple[str, str, str]] = field(default_factory=list)

    def contract(self) -> Foreign:
        document = self.document
        document.check_keys((), _TOP)
        bootstrap = read_bootstrap(self.folder)
        self.notes += bootstrap.notes
        artifacts = self._artifacts()
        self._note_what_is_left_out()
        shared = {**_state_env(artifacts), **bootstrap.env}
        rollout, evaluation, benchmark = (
            self._stage(name, shared) for name in ("rollout", "evaluation", "benchmark")
        )
        judging, metrics = self._judging(
            _at_root(evaluation), _at_root(benchmark), has_rollout=bool(rollout["commands"])
        )
        stages = Stages(
            auth=StageSpec(**self._stage("auth", shared)),
            bootstrap=self._bootstrap(bootstrap, shared, artifacts),
            tests=StageSpec(**self._stage("tests", shared)),
            deploy=self._deploy(shared),
            rollout=RolloutSpec(**rollout, writes=(f"{_STATE}/*", f"{_STATE}/**/*")),
            evaluate=EvaluateSpec(**judging, **metrics),
            benchmark=StageSpec(**_at_root(benchmark)) if not judging["commands"] else StageSpec(),
        )
        self._check_something_runs(stages)
        spec = ContractSpec(
            name=self.folder.name,
            metric=MetricSpec(name="score", path="score"),
            stages=stages,
            provenance=provenance_of(self.parts, self.notes),
        )
        return Foreign(kind=Pipeline.kind, file=document.file, spec=spec, task=None, notes=tuple(self.notes))

    def _stage(self, name: str, shared: Mapping[str, str]) -> dict[str, Any]:
        """A stage's commands and what holds for each, as `StageSpec` takes them."""
        self.document.check_keys((name,), (*_COMMANDS[name], *_EACH, *_FURTHER.get(name, ())))
        return self._steps(name, (name,), _COMMANDS[name], shared)

    def _steps(
        self, stage: str, where: Where, keys: tuple[str, ...], shared: Mapping[str, str]
    ) -> dict[str, Any]:
        commands = [
            self.rules.checked(self.folder, command, self.document.anchor(*where, key, index))
            for key in keys
            for index, command in enumerate(self.document.texts((*where, key)))
        ]
        present = next((key for key in keys if self.document.at((*where, key)) is not None), None)
        if present is not None and commands:
            self.parts.append(
                (f"stages.{stage}", self.document.anchor(*where, present), "as the target has it")
            )
        return {
            "commands": (_here(), *commands) if commands and stage in _MOVES else tuple(commands),
            "timeout_s": self._timeout(where),
            "retries": self.document.count((*where, "retries")),
            "workdir": self.document.text((*where, "workdir"), "."),
            "env": {**shared, "AIDER_FSM_STAGE": stage, **self.document.variables((*where, "env"))},
        }

    def _timeout(self, where: Where) -> float:
        own = self.document.number((*where, "timeout_seconds")) or _DEFAULT_TIMEOUT_S
        return min(own, self.rules.max_command_s or own)

    def _bootstrap(self, found: Bootstrap, shared: Mapping[str, str], artifacts: str) -> StageSpec:
        commands = tuple(self.rules.checked(self.folder, text, anchor) for text, anchor in found.commands)
        if commands:
            self.parts.append(("stages.bootstrap", found.commands[0][1], "as the target has it"))
        timeout_s = min(found.timeout_s, self.rules.max_command_s or found.timeout_s)
        return StageSpec(
            commands=(f'mkdir -p "$HONING_TARGET"/{shlex.quote(artifacts)}', _here(), *commands),
            timeout_s=timeout_s,
            retries=found.retries,
            workdir=found.workdir,
            env={**shared, "AIDER_FSM_STAGE": "bootstrap"},
            network=Network.OPEN,
        )

    def _deploy(self, shared: Mapping[str, str]) -> DeploySpec:
        self.document.check_keys(("deploy",), (*_DEPLOY, *_EACH))
        steps = {
            name: StageSpec(**self._steps(f"deploy.{name}", ("deploy",), (f"{name}_cmds",), shared))
            for name in ("setup", "health", "teardown")
        }
        policy = self.document.text(("deploy", "teardown_policy"), "always")
        if policy not in [one.value for one in TeardownPolicy]:
            raise self.document.wrong(
                ("deploy", "teardown_policy"), f"one of {', '.join(one.value for one in TeardownPolicy)}"
            )
        return DeploySpec(**steps, policy=TeardownPolicy(policy))

    def _judging(
        self, evaluation: dict[str, Any], benchmark: dict[str, Any], *, has_rollout: bool
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The evaluate stage, and where its number stands.

        The benchmark's commands follow the evaluation's; without a rollout and an evaluation they are the
        one command that asks and judges.
        """
        named = [name for name in ("evaluation", "benchmark") if self.document.at((name, "metrics_path"))]
        source = named[0] if named else "evaluation"
        keys = self.document.texts((source, "required_keys"))
        metrics: dict[str, Any] = {
            "metrics_path": self.document.text((source, "metrics_path"), f"{_STATE}/metrics.json"),
            "required_keys": tuple(keys),
        }
        self.parts.append(
            ("stages.evaluate.metrics_path", self.document.anchor(source, "metrics_path"), "its metrics file")
        )
        if evaluation["commands"] or has_rollout:
            evaluation = {**evaluation, "commands": evaluation["commands"] + benchmark["commands"]}
            if benchmark["commands"]:
                anchor = self.document.anchor("benchmark")
                self.notes.append(Note(anchor, "the benchmark's commands run after the evaluation's"))
        if self._names_samples(evaluation["commands"]):
            metrics["results"] = ResultsSpec(path=_RESULTS, prompt="prompt", completion="completion")
            adapter = _program("judged_samples", f"{_STATE}/rollout.json", _RESULTS)
            evaluation = {**evaluation, "commands": (*evaluation["commands"], adapter)}
            why = f"the samples that {_STATE}/rollout.json names, with a number for each"
            self.parts.append(("stages.evaluate.results", self.document.anchor("rollout"), why))
        return evaluation, metrics

    def _names_samples(self, judging: tuple[str, ...]) -> bool:
        """Whether the target's rollout says that it writes samples."""
        texts = [*self.document.texts(("rollout", "run_cmds")), *self.document.texts(("rollout", "cmds"))]
        texts += [text for command in texts for text in scripts_of(self.folder, command)]
        return bool(judging) and any("rollout.json" in text for text in texts)

    def _artifacts(self) -> str:
        self.document.check_keys(("artifacts",), ("out_dir",))
        out = self.document.text(("artifacts", "out_dir"), f"{_STATE}/artifacts")
        if out.startswith("/") or ".." in out.split("/"):
            raise Unportable(
                self.document.anchor("artifacts", "out_dir"),
                f"artifacts are written to {out!r}, outside the target",
                "a folder inside the target",
            )
        return out

    def _note_what_is_left_out(self) -> None:
        document = self.document
        if document.at(("auth", "interactive")):
            text = "auth asks a person; here it runs unattended, and a question gets no answer"
            self.notes.append(Note(document.anchor("auth", "interactive"), text))
        if document.at(("deploy", "kubectl_dump")):
            text = "no cluster is dumped; every command's output is kept as evidence"
            self.notes.append(Note(document.anchor("deploy", "kubectl_dump"), text))
        if document.at(("tooling",)) is not None:
            self.notes.append(Note(document.anchor("tooling"), "deprecated, and without effect"))
        self.notes += self.rules.notes

    def _check_something_runs(self, stages: Stages) -> None:
        if stages.benchmark.commands or (stages.rollout.commands and stages.evaluate.commands):
            return
        missing = "rollout" if stages.evaluate.commands else "evaluation"
        raise Unportable(
            self.document.anchor(missing),
            f"the pipeline has no {missing} commands, so "
            + ("no model would be asked" if missing == "rollout" else "nothing would judge"),
            f"{missing}.run_cmds",
        )


def _state_env(artifacts: str) -> dict[str, str]:
    """The variables such a pipeline's commands read, as ours have them."""
    root = "$HONING_TARGET"
    return {
        "AIDER_FSM_REPO_ROOT": root,
        "AIDER_FSM_RUN_ID": "$HONING_RUN_ID",
        "AIDER_FSM_PYTHON": "python3",
        "AIDER_FSM_ARTIFACTS_DIR": f"{root}/{artifacts}",
        "AIDER_FSM_METRICS_PATH": f"{root}/{_STATE}/metrics.json",
        "AIDER_RUNTIME_ENV_PATH": f"{root}/{_STATE}/runtime_env.json",
        "AIDER_EVAL_MODE": "full",
        "AIDER_EVAL_LIMIT": "$HONING_LIMIT",
        "AIDER_LLM_KIND": "remote",
        "AIDER_LLM_MODEL": "$HONING_MODEL",
        "OPENAI_API_BASE": "$OPENAI_BASE_URL",
    }


def _program(name: str, *arguments: str) -> str:
    """A command that runs one of our programs, which stands in it whole; arguments are shell words."""
    text = (_PROGRAMS / f"{name}.py").read_text(encoding="utf-8")
    return f"python3 - {' '.join(arguments)} <<'PROGRAM'\n{text}PROGRAM"


def _here() -> str:
    """The command with which a stage finds what earlier ones wrote down, in its own working copy."""
    return _program("moved_paths", f'"$HONING_TARGET"/{_STATE}')


def _at_root(stage: dict[str, Any]) -> dict[str, Any]:
    """The stage from the target's root, where its metrics path begins; its commands still run where they
    did."""
    if stage["workdir"] == ".":
        return stage
    away = f"cd {shlex.quote(stage['workdir'])} || exit 1\n"
    return {**stage, "workdir": ".", "commands": tuple(away + command for command in stage["commands"])}
