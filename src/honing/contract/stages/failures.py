"""Why a stage failed, as one of a closed set of kinds: what repair, evidence and a person's next step build
on.

Nothing is guessed from an exit code alone: a kind rests on how our own process saw the command end, or on
words it printed, and `Failure.text` holds those words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from honing.contract.stages.failure_signs import SIGNS, debian_packages, sign_of
from honing.errors import (
    CalibrationError,
    HoningError,
    MetricsError,
    SandboxError,
    StageError,
    StoreError,
)
from honing.sandbox import Ending, Finished

_SHOWN = 600


class FailureKind(StrEnum):
    """Why something in a contract failed. Exactly one holds."""

    PYTHON_MODULE = "python_module"
    """A Python module is not installed; `names` holds it."""
    FOREIGN_MODULE = "foreign_module"
    """A package of another language (node, perl, ruby) is not installed."""
    PROGRAM = "program"
    """A program is not there."""
    SYSTEM_PACKAGE = "system_package"
    """A shared library or a header of the system is not there. Only the bootstrap stage may repair it."""
    NEEDS_KEY = "needs_key"
    """A key or a log-in of somebody else's service is asked for."""
    NEEDS_NETWORK = "needs_network"
    """A host could not be reached."""
    NEEDS_GPU = "needs_gpu"
    NEEDS_DOCKER = "needs_docker"
    NEEDS_PRIVILEGE = "needs_privilege"
    """It asks for root, or may not write where it wants to."""
    INTERACTIVE = "interactive"
    """It waits for a person; nobody is there."""
    TIMEOUT = "timeout"
    MEMORY = "memory"
    DISK = "disk"
    STOPPED = "stopped"
    """A total limit was met, or somebody asked to stop."""
    INSTALL = "install"
    """A package could not be built or found."""
    DATA_MISSING = "data_missing"
    """A file that it reads is not there."""
    ARGUMENTS = "arguments"
    """The command line was refused."""
    NO_MODEL_CALL = "no_model_call"
    """The rollout ended, and no call had reached the gateway."""
    NO_ANSWER = "no_answer"
    """Calls arrived, and the model behind the gateway failed."""
    NOTHING_WRITTEN = "nothing_written"
    """The stage ended well and the file it must write is not there."""
    METRICS_INVALID = "metrics_invalid"
    """The file is there, and no number can be believed from it."""
    NOTHING_TESTED = "nothing_tested"
    """A test runner ended well and had run no test."""
    TAMPERED = "tampered"
    """The judged touched what judges it."""
    CALIBRATION = "calibration"
    """The controls do not bracket the score."""
    HOLES = "holes"
    """The contract has places that nobody has filled in."""
    INFRASTRUCTURE = "infrastructure"
    """Ours: sandbox, store, gateway. Never a property of the target."""
    OTHER = "other"
    """It failed in a way that none of the above describes."""


_NEXT = {
    FailureKind.PYTHON_MODULE: "add {names} to environment.install of the contract",
    FailureKind.FOREIGN_MODULE: "install {names} in stages.bootstrap",
    FailureKind.PROGRAM: "install {names} on this machine or in stages.bootstrap",
    FailureKind.SYSTEM_PACKAGE: "install {names} on this machine (apt-get install, as root)",
    FailureKind.NEEDS_KEY: "give {names} with --env NAME=VALUE, or choose a command that needs no key",
    FailureKind.NEEDS_NETWORK: (
        "fetch what it needs in a stage with `network: open` (bootstrap), or give a local copy with --env"
    ),
    FailureKind.NEEDS_GPU: "choose a command that runs on the processor; this machine has no GPU for it",
    FailureKind.NEEDS_DOCKER: "choose a command that needs no container engine",
    FailureKind.NEEDS_PRIVILEGE: "write below the working copy or /tmp, and without sudo",
    FailureKind.INTERACTIVE: "give the command the option that answers its question (often --yes)",
    FailureKind.TIMEOUT: "raise the stage's timeout_s or --max-cmd-seconds, or ask less with --limit",
    FailureKind.MEMORY: "ask less with --limit, or use a machine with more memory",
    FailureKind.DISK: "free some disk space, or let the stage write less",
    FailureKind.STOPPED: "run the same command again to go on where it stopped",
    FailureKind.INSTALL: "correct environment.install, environment.build_constraints or build_isolation",
    FailureKind.DATA_MISSING: "name where {names} comes from: a command in stages.bootstrap, or another path",
    FailureKind.ARGUMENTS: "correct the command's arguments; its usage text is in the evidence",
    FailureKind.NO_MODEL_CALL: (
        "let the rollout command send its requests to $OPENAI_BASE_URL with $OPENAI_API_KEY"
    ),
    FailureKind.NO_ANSWER: "look at the model's server, then run the same command again",
    FailureKind.NOTHING_WRITTEN: "correct stages.evaluate.metrics_path, or the command that writes it",
    FailureKind.METRICS_INVALID: "correct metric.path, unit and range, or what the evaluate stage writes",
    FailureKind.NOTHING_TESTED: "run the tests from the folder in which they are found",
    FailureKind.TAMPERED: "keep the rollout away from what judges it; see `hone contract audit`",
    FailureKind.CALIBRATION: "see which control failed with `hone contract audit`",
    FailureKind.HOLES: "fill them with --set name=value",
    FailureKind.INFRASTRUCTURE: "run the same command again; `hone doctor` checks this machine",
    FailureKind.OTHER: "read the command's output in the evidence",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One failure, typed."""

    kind: FailureKind
    stage: str
    """`bootstrap`, `deploy.health`, `rollout`, `evaluate`, `calibrate` ..."""
    text: str
    """What happened, as a person reads it, with the end of what was printed."""
    names: tuple[str, ...] = ()
    """What is missing or refused: modules, programs, Debian packages, variables, hosts, files, options."""
    command: str = ""
    """The command that failed, as the contract has it; empty where none did."""

    @property
    def next_step(self) -> str:
        """One sentence on what closes it."""
        return _NEXT[self.kind].format(names=", ".join(self.names) or "it")

    def as_document(self) -> dict[str, Any]:
        """For evidence and metrics.json."""
        return {
            "kind": self.kind.value,
            "stage": self.stage,
            "text": self.text,
            "names": list(self.names),
            "command": self.command,
            "next_step": self.next_step,
        }


def failure_from(document: Mapping[str, Any]) -> Failure:
    """The failure that `as_document` wrote."""
    return Failure(
        kind=FailureKind(document["kind"]),
        stage=document["stage"],
        text=document["text"],
        names=tuple(document["names"]),
        command=document.get("command", ""),
    )


class StageFailedError(StageError):
    """A stage failed; `failure` says how."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.text)


def classify(stage: str, finished: Finished, *, command: str = "") -> Failure:
    """Why a command failed.

    Args:
        stage: The stage it belongs to.
        finished: How it ended, as our own process saw it.
        command: Its text, for the message.
    """
    kind, names = _kind(finished)
    text = _describe(stage, finished, command)
    packages = debian_packages(names) if kind in _OF_THE_SYSTEM else ()
    if packages:
        text += f"\nDebian: {', '.join(packages)}."
        names = (*names, *(one for one in packages if one not in names))
    return Failure(kind=kind, stage=stage, text=text, names=names, command=command)


def tested_nothing(finished: Finished) -> bool:
    """Whether a test runner ended and had run no test."""
    sign = SIGNS[FailureKind.NOTHING_TESTED.value]
    return sign(finished.stdout) is not None or sign(finished.stderr) is not None


def failure_of(error: BaseException, stage: str) -> Failure:
    """The failure that an error stands for, typed where it was typed where it arose."""
    found = getattr(error, "failure", None)
    if isinstance(found, Failure):
        return found
    for kind, errors in _BY_ERROR:
        if isinstance(error, errors):
            return Failure(kind=kind, stage=stage, text=str(error))
    return Failure(kind=FailureKind.OTHER, stage=stage, text=str(error) or type(error).__name__)


_BY_ERROR: tuple[tuple[FailureKind, tuple[type[HoningError], ...]], ...] = (
    (FailureKind.METRICS_INVALID, (MetricsError,)),
    (FailureKind.CALIBRATION, (CalibrationError,)),
    (FailureKind.INFRASTRUCTURE, (SandboxError, StoreError)),
)

_OF_THE_SYSTEM = (FailureKind.SYSTEM_PACKAGE, FailureKind.PROGRAM, FailureKind.FOREIGN_MODULE)
_ENDINGS = {
    Ending.TIMEOUT: FailureKind.TIMEOUT,
    Ending.MEMORY: FailureKind.MEMORY,
    Ending.DISK: FailureKind.DISK,
    Ending.STOPPED: FailureKind.STOPPED,
}


def _kind(finished: Finished) -> tuple[FailureKind, tuple[str, ...]]:
    asks = SIGNS[FailureKind.INTERACTIVE.value]
    if finished.ending is Ending.TIMEOUT and asks(_last_line(finished)) is not None:
        # It asked, and nobody answered.
        return FailureKind.INTERACTIVE, ()
    if finished.ending in _ENDINGS:
        return _ENDINGS[finished.ending], ()
    found = sign_of(finished.stdout, finished.stderr)
    if found is not None:
        return FailureKind(found[0]), tuple(dict.fromkeys(found[1]))
    if finished.ending is Ending.SIGNALLED and finished.exit_code == -9:
        return FailureKind.MEMORY, ()
    return FailureKind.OTHER, ()


def _last_line(finished: Finished) -> str:
    lines = [line for text in (finished.stdout, finished.stderr) for line in text.splitlines()[-1:]]
    return "\n".join(lines)


def _describe(stage: str, last: Finished, command: str) -> str:
    how = f"exited with {last.exit_code}" if last.ending is Ending.EXITED else f"ended by {last.ending.value}"
    if last.ending is Ending.TIMEOUT:
        how = f"did not end within its time limit ({last.duration_s:.0f} s)"
    tail = (last.stderr.strip() or last.stdout.strip())[-_SHOWN:]
    said = f" It printed last:\n{tail}" if tail else " It printed nothing."
    shown = command.strip().splitlines()[0] if command.strip() else "the command"
    return f"stage {stage}: `{shown}` {how}.{said}"
