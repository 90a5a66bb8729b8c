"""Harbor task folders that need no docker: task.toml, instruction.md, environment/, tests/, solution/.

A model answers each task with one shell script. It runs where the task's files lie, at the places the task
names, and then the task's own tests run; the solution is the oracle.
"""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from honing.contract.readers.base import Foreign, Note, Unportable, Wanted, provenance_of
from honing.contract.readers.dockerfile import Image, read_image
from honing.contract.readers.toml_lines import TomlLines
from honing.contract.spec import (
    ContractSpec,
    EnvironmentSpec,
    EvaluateSpec,
    MetricSpec,
    ResultsSpec,
    RolloutSpec,
    Stages,
    StageSpec,
)
from honing.contract.spec_oracle import OracleSpec
from honing.errors import ContractError

_PROGRAMS = Path(__file__).parent / "programs"
_OWN = ".honing_tasks"
_PLACES = ("/tests", "/logs", "/solution")
_SYSTEM = frozenset(
    (
        "bin", "boot", "dev", "etc", "gnu", "lib", "lib32", "lib64", "libx32", "nix", "proc", "run", "sbin",
        "sys", "tmp", "usr", "var",
    )
)  # fmt: skip
_SHARED = frozenset({"home", "mnt", "opt", "srv"})
_FETCHES = re.compile(
    r"^(?!\s*#).*?\b(apt-get|apt|curl|wget|uvx|uv|pip3? install|npm|npx|docker|git clone)\b", re.MULTILINE
)
_DEFAULT_S = 600.0
_MOST_BYTES = 100_000
"""A variable longer than this cannot be given to a command."""


@dataclass
class _Task:
    """One task folder, read."""

    name: str
    folder: str
    """Below the target; `.` for the target itself."""
    image: Image
    agent_s: float
    verifier_s: float
    verifier_env: dict[str, str]
    has_solution: bool
    notes: list[Note] = field(default_factory=list)

    @property
    def workdir(self) -> str:
        return self.image.workdir

    @property
    def places(self) -> list[str]:
        """The folders at fixed places that this task needs, each no part of another."""
        named = [self.workdir, *self.image.makes, *(inside for _, inside in self.image.copies)]
        return list(dict.fromkeys([*_PLACES, *(_place(one, self.image.file) for one in named if one != "/")]))

    def plan(self, places: dict[str, str]) -> dict[str, Any]:
        """What the programs need to know."""
        return {
            "name": self.name,
            "folder": self.folder,
            "workdir": self.workdir,
            "places": places,
            "makes": self.image.makes,
            "copies": self.image.copies,
            "env": self.image.env,
            "agent_s": self.agent_s,
            "verifier_s": self.verifier_s,
            "verifier_env": self.verifier_env,
        }


class TaskFolders:
    """Reads one task folder, or a folder of them."""

    kind = "task folder"

    def find(self, folder: Path) -> str | None:
        """See `Reader.find`."""
        return next(iter(_task_files(folder)), None)

    def read(self, folder: Path, file: str, wanted: Wanted) -> Foreign:
        """See `Reader.read`."""
        files = _task_files(folder)
        names = [str(PurePosixPath(one).parent.name) or folder.name for one in files]
        meant = [one for one, name in zip(files, names, strict=True) if wanted.config in (None, name)]
        if not meant:
            raise Unportable(f"{files[0]}:1", f"no task is called {wanted.config!r}", "`--config`", names)
        tasks = [_read_task(folder, one) for one in meant]
        spec = _contract(folder.name, tasks)
        notes = tuple(note for task in tasks for note in (*task.image.notes, *task.notes))
        return Foreign(kind=self.kind, file=file, spec=spec, task=None, notes=notes)


def _task_files(folder: Path) -> list[str]:
    """Every task.toml that is a task's, of the folder itself or of those one or two below it."""
    found = []
    for pattern in ("task.toml", "*/task.toml", "*/*/task.toml"):
        found = sorted(path for path in folder.glob(pattern) if _is_task(path, folder))
        if found:
            break
    return [path.relative_to(folder).as_posix() for path in found]


def _is_task(path: Path, folder: Path) -> bool:
    inside = path.resolve().is_relative_to(folder.resolve())
    return inside and (path.parent / "environment").is_dir() and not path.is_symlink()


def _read_task(folder: Path, file: str) -> _Task:
    """One task.

    Raises:
        ContractError: task.toml is no TOML.
        Unportable: Something of it needs docker, a network or a person.
    """
    path = folder / file
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        settings = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ContractError(f"{file}: not TOML ({error}).") from None
    lines = TomlLines(file, text)
    _refuse_what_needs_more(settings, lines)
    at = path.parent
    below = at.relative_to(folder).as_posix()
    _check_files(folder, at, below)
    image = _image(folder, below, settings, lines)
    notes = [Note(lines.anchor("agent"), "one shell script, asked for once, stands for the agent")]
    if not (at / "solution" / "solve.sh").is_file():
        notes.append(Note(f"{file}:1", "there is no solution/solve.sh, so no oracle"))
    return _Task(
        name=at.name if below != "." else folder.name,
        folder=below,
        image=image,
        agent_s=_seconds(settings, "agent", lines),
        verifier_s=_seconds(settings, "verifier", lines),
        verifier_env=_variables(settings, "verifier", lines),
        has_solution=(at / "solution" / "solve.sh").is_file(),
        notes=notes,
    )


def _refuse_what_needs_more(settings: dict[str, Any], lines: TomlLines) -> None:
    environment = settings.get("environment", {})
    reasons = {
        "steps": ("", settings.get("steps"), "the task has several steps"),
        "docker_image": (
            "environment",
            environment.get("docker_image"),
            "an image must be pulled with docker",
        ),
        "gpus": ("environment", environment.get("gpus"), "a GPU is needed"),
        "mcp_servers": ("environment", environment.get("mcp_servers"), "servers of tools are needed"),
        "healthcheck": ("environment", environment.get("healthcheck"), "a service must run beside the task"),
        "environment_mode": (
            "verifier",
            settings.get("verifier", {}).get("environment_mode") == "separate",
            "the tests need a container of their own",
        ),
    }
    for key, (section, value, why) in reasons.items():
        if value:
            raise Unportable(lines.anchor(section, key), why, "a task of one step on a plain Linux machine")
    if environment.get("os", "linux") != "linux":
        raise Unportable(lines.anchor("environment", "os"), "the task is for Windows", "a task for Linux")
    for name, value in settings.get("solution", {}).get("env", {}).items():
        raise Unportable(
            lines.anchor("solution"), f"the solution needs {name}={value}", "a solution without it"
        )


def _check_files(folder: Path, at: Path, below: str) -> None:
    """Whether the task has the files of its form, and tests that need no network."""
    prefix = "" if below == "." else f"{below}/"
    for name in ("instruction.md", "tests/test.sh"):
        if not (at / name).is_file():
            raise Unportable(f"{prefix}{name}", f"{prefix}{name} is missing", "that file")
    for name in ("docker-compose.yaml", "docker-compose.yml"):
        if (at / "environment" / name).is_file():
            raise Unportable(
                f"{prefix}environment/{name}:1", "several containers are needed", "a task of one container"
            )
    script = (at / "tests" / "test.sh").read_text(encoding="utf-8", errors="replace")
    if found := _FETCHES.search(script):
        line = script.count("\n", 0, found.start(1)) + 1
        raise Unportable(
            f"{prefix}tests/test.sh:{line}",
            f"the tests install or download something ({found.group(1)}), and judging has no network",
            "what they need in environment/Dockerfile",
        )


def _image(folder: Path, below: str, settings: dict[str, Any], lines: TomlLines) -> Image:
    context = "environment" if below == "." else f"{below}/environment"
    if (folder / context / "Dockerfile").is_file():
        image = read_image(folder, context)
    else:
        image = Image(f"{context}/Dockerfile")
    if workdir := settings.get("environment", {}).get("workdir"):
        image.workdir = str(workdir)
        image.makes.append(str(workdir))
    image.env |= _variables(settings, "environment", lines)
    image.makes = list(dict.fromkeys(image.makes))
    for place in (image.workdir, *image.makes, *(inside for _, inside in image.copies)):
        if place != "/":
            _place(place, image.file)
    return image


def _place(path: str, file: str) -> str:
    """The folder that must be writable for a path of the image to exist.

    Raises:
        Unportable: It belongs to the system.
    """
    parts = PurePosixPath(path).parts
    if len(parts) < 2 or parts[1] in _SYSTEM or (parts[1] in _SHARED and len(parts) < 3):
        raise Unportable(f"{file}:1", f"{path} is a place of the system", "files below a folder such as /app")
    return "/".join(["", *parts[1 : 3 if parts[1] in _SHARED else 2]])


def _seconds(settings: dict[str, Any], section: str, lines: TomlLines) -> float:
    value = settings.get(section, {}).get("timeout_sec", _DEFAULT_S)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise ContractError(
            f"{lines.anchor(section, 'timeout_sec')}: timeout_sec must be above 0, got {value!r}."
        )
    return float(value)


def _variables(settings: dict[str, Any], section: str, lines: TomlLines) -> dict[str, str]:
    found = settings.get(section, {}).get("env", {})
    for name, value in found.items():
        if "$" in str(value):
            raise Unportable(
                lines.anchor(section, "env"), f"{name} is taken from the host ({value})", "a plain value"
            )
    return {name: str(value) for name, value in found.items()}


def _contract(name: str, tasks: list[_Task]) -> ContractSpec:
    places = list(dict.fromkeys(place for task in tasks for place in task.places))
    folders = {place: f"{_OWN}/places/{place.strip('/').replace('/', '_')}" for place in places}
    plan = json.dumps([task.plan(folders) for task in tasks], separators=(",", ":"))
    if len(plan) > _MOST_BYTES:
        raise Unportable(
            f"{tasks[0].folder}/task.toml:1", f"{len(tasks)} tasks are too many at once", "a part of them"
        )
    answers, results, metrics = (
        f"{_OWN}/{one}" for one in ("answers.jsonl", "results.jsonl", "metrics.json")
    )
    env = {"HONING_TASKS": plan.replace("$", "$$")}
    stages = Stages(
        bootstrap=StageSpec(commands=_packages_needed(tasks), timeout_s=60),
        rollout=RolloutSpec(
            commands=(_program("tasks_ask", answers),),
            timeout_s=max(3600.0, 600.0 * len(tasks)),
            env=env,
            writes=(f"{_OWN}/*",),
        ),
        evaluate=EvaluateSpec(
            commands=(_program("tasks_judge", answers, results, metrics),),
            timeout_s=sum(task.agent_s + task.verifier_s + 10 for task in tasks),
            env=env,
            folders=folders,
            metrics_path=metrics,
            results=ResultsSpec(path=results, prompt="prompt", completion="completion"),
        ),
    )
    oracle = None
    if all(task.has_solution for task in tasks):
        gold, named = f"{_OWN}/gold.jsonl", [one for task in tasks for one in (task.name, task.folder)]
        oracle = OracleSpec(file=gold, commands=(_program("tasks_gold", gold, *named),))
    return ContractSpec(
        name=name,
        metric=MetricSpec(name="reward"),
        oracle=oracle,
        environment=_environment(tasks),
        stages=stages,
        provenance=_provenance(tasks),
    )


def _program(name: str, *arguments: str) -> str:
    """A command that runs one of our programs, which stands in it whole."""
    text = (_PROGRAMS / f"{name}.py").read_text(encoding="utf-8")
    return f"python3 - {shlex.join(arguments)} <<'PROGRAM'\n{text}PROGRAM"


def _packages_needed(tasks: list[_Task]) -> tuple[str, ...]:
    """A command that fails where a Debian package that an image installs is not here."""
    names = sorted({name for task in tasks for name in task.image.packages})
    if not names:
        return ()
    listed = " ".join(map(shlex.quote, names))
    # The package database is not visible to a stage; every package has a folder of its own here.
    return (
        f"missing=''\nfor name in {listed}; do\n"
        '  [ -d "/usr/share/doc/$name" ] || missing="$missing $name"\ndone\n'
        'if [ -n "$missing" ]; then\n'
        '  echo "missing system packages:$missing (apt-get install$missing)" >&2\n  exit 1\nfi',
    )


def _environment(tasks: list[_Task]) -> EnvironmentSpec | None:
    installs = tuple(dict.fromkeys(one for task in tasks for one in task.image.installs))
    if not installs:
        return None
    versions = sorted({task.image.python for task in tasks if task.image.python})
    return EnvironmentSpec(install=installs, python=versions[0] if len(versions) == 1 else "")


def _provenance(tasks: list[_Task]) -> Any:
    parts, notes = [], []
    for task in tasks:
        prefix = "" if task.folder == "." else f"{task.folder}/"
        parts.append(("stages.rollout", f"{prefix}instruction.md:1", f"task {task.name}"))
        parts.append(("stages.evaluate", f"{prefix}tests/test.sh:1", f"task {task.name}"))
        if task.has_solution:
            parts.append(("oracle", f"{prefix}solution/solve.sh:1", f"task {task.name}"))
        if task.image.installs:
            parts.append(("environment", f"{task.image.file}:1", f"task {task.name}"))
        notes += [*task.image.notes, *task.notes]
    return provenance_of(parts, notes)
