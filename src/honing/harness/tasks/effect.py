"""What a harness builds is really there, and is really used.

After the setup the environment's interpreter must be one, a program planted in the environment must be
executed when the candidate's command runs, and that command must fail where the environment does not work. A
shell script called `python`, an environment that is never entered and `exit 0` all fail one of these.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from honing.documents import RelativePath, read_plain_file
from honing.errors import MetricsError, StoreError
from honing.harness.tasks.base import Cascade, Place, TaskScore
from honing.harness.tasks.basics import (
    Basics,
    Common,
    Seconds,
    basics_of,
    log_of,
    plain,
    scored,
    unexpected,
    within,
)
from honing.harness.tasks.graders import seen_at
from honing.sandbox import Finished, Mount

_DEAD = 97
"""Exit code of an environment that was made not to work."""
_PROBE = "import sys; print(sys.prefix); print(int('{number}', 16) % 1000003)"
_ELF = b"\x7fELF"


class EffectSpec(Basics):
    """`type: effect`."""

    type: Literal["effect"]
    setup: Annotated[str, Field(min_length=1)]
    """Shell text that builds the environment (`bash scripts/bootstrap.sh`)."""
    run: Annotated[str, Field(min_length=1)]
    """Shell text that has to use it (`bash scripts/test.sh`)."""
    environment: RelativePath | None = None
    """A Python environment that the setup makes; `.venv` where neither this nor `program` is named."""
    program: RelativePath | None = None
    """Instead: a program that the setup makes."""
    timeout_s: Seconds | None = None
    """Of each command."""

    @model_validator(mode="after")
    def _one(self) -> EffectSpec:
        if self.environment is not None and self.program is not None:
            raise ValueError("name an environment or a program, not both")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectTask(Common):
    """1 where everything about the environment holds, 0 otherwise."""

    setup: str
    run: str
    environment: str = ".venv"
    """A Python environment; empty where `program` is named."""
    program: str = ""
    timeout_s: float | None = None

    def identity(self) -> Mapping[str, Any]:
        return {
            "type": "effect",
            "setup": self.setup,
            "run": self.run,
            "environment": self.environment,
            "program": self.program,
            "timeout_s": self.timeout_s,
        }

    def judge(self, place: Place, seed: int) -> TaskScore:
        del seed
        built = place.run(self.setup, limits=within(self.timeout_s))
        if (failed := unexpected(built, "the setup")) is not None:
            return replace(failed, checks={"setup": False})
        checks = {"setup": True, "real": False, "run": False, "used": False, "needed": False}
        if reason := self._why_not_real(place):
            return scored(0.0, reason, checks=checks, sandbox=built.sandbox)
        checks["real"] = True
        try:
            return self._used(place, checks)
        except StoreError as error:
            reason = f"what the setup left cannot be worked with: {plain(str(error), 200)}"
            return scored(0.0, reason, checks=checks, sandbox=built.sandbox)

    def _used(self, place: Place, checks: dict[str, bool]) -> TaskScore:
        token = secrets.token_hex(16)
        finished, seen = self._run_with(place, token, works=True)
        if (failed := unexpected(finished, f"`{plain(self.run, 120)}`")) is not None:
            return replace(failed, checks=checks)
        checks["run"] = True
        checks["used"] = seen
        if not seen:
            reason = f"`{plain(self.run, 120)}` ended with 0 and never started {self._what}"
            return scored(0.0, reason, checks=checks, sandbox=finished.sandbox, log=log_of(finished))
        dead, _ = self._run_with(place, secrets.token_hex(16), works=False)
        checks["needed"] = not dead.ok
        if dead.ok:
            reason = f"`{plain(self.run, 120)}` ends with 0 even where {self._what} does not work"
            return scored(0.0, reason, checks=checks, sandbox=dead.sandbox)
        return scored(1.0, checks=checks, sandbox=finished.sandbox)

    @property
    def _what(self) -> str:
        return self.program or f"the interpreter of {self.environment}"

    def _why_not_real(self, place: Place) -> str:
        """Why the environment is none; empty where it is one."""
        path = self.program or f"{self.environment}/bin/python"
        found = place.argv(("/usr/bin/readlink", "-e", "--", f"{place.inside}/{path}"))
        target = found.stdout.rstrip("\n")
        if not found.ok or not _is_program(_on_host(place, target), elf=not self.program):
            kind = "a program" if self.program else "an interpreter (a real one, not a script)"
            return f"after the setup, {path} is not {kind}"
        return "" if self.program else self._why_no_python(place)

    def _why_no_python(self, place: Place) -> str:
        number = secrets.token_hex(16)
        python = f"{place.inside}/{self.environment}/bin/python"
        said = place.argv((python, "-I", "-c", _PROBE.format(number=number)), limits=within(self.timeout_s))
        expected = [f"{place.inside}/{self.environment}", str(int(number, 16) % 1000003)]
        if said.ok and said.stdout.split("\n")[:2] == expected:
            return ""
        return f"after the setup, {self.environment}/bin/python is no Python of an environment at that place"

    def _run_with(self, place: Place, token: str, *, works: bool) -> tuple[Finished, bool]:
        """Run the command in a copy whose environment tells us when it is started, or does not work."""
        marks = place.scratch / token
        marks.mkdir()
        mount = place.mount(marks, "marks", writable=True)
        with place.branch() as copy:
            if self.program:
                _plant_program(copy, self.program, _Plant(mount, token, works))
            else:
                _plant_in_environment(copy, self.environment, _Plant(mount, token, works))
            mounts = (mount,)
            finished = copy.run(self.run, limits=within(self.timeout_s), mounts=mounts)
            expected = "" if self.program else f"{copy.inside}/{self.environment}"
        return finished, _was_started(marks, token, expected)


@dataclass(frozen=True, slots=True)
class _Plant:
    marks: Mount
    token: str
    works: bool

    @property
    def file(self) -> str:
        return str(seen_at(self.marks) / self.token)


def _plant_in_environment(copy: Place, environment: str, plant: _Plant) -> None:
    """A start-up file of the environment's Python: it leaves a mark, or ends it."""
    mark = f"open({plant.file!r}, 'a').write(sys.prefix + '\\n')" if plant.works else f"os._exit({_DEAD})"
    line = f"import os, sys; {mark}\n"
    for folder in _site_packages(copy.workspace, environment):
        copy.put(f"{folder}/{plant.token}.pth", line.encode())


def _site_packages(workspace: Path, environment: str) -> list[str]:
    """The environment's own, real folders only."""
    found = []
    lib = workspace / environment / "lib"
    if _is_folder(workspace, f"{environment}/lib"):
        for each in os.scandir(lib):
            path = f"{environment}/lib/{each.name}/site-packages"
            if re.fullmatch(r"python3\.\d+t?", each.name) and _is_folder(workspace, path):
                found.append(path)
    return sorted(found)


def _is_folder(workspace: Path, path: str) -> bool:
    """Whether a path leads through folders only, no links, to a folder."""
    at = workspace
    for part in path.split("/"):
        at = at / part
        if at.is_symlink() or not at.is_dir():
            return False
    return True


def _plant_program(copy: Place, program: str, plant: _Plant) -> None:
    """A script in the program's place: it leaves a mark and goes on with the program, or ends."""
    real = f"{program}.{plant.token}"
    # Inside, where links lead where they led for the candidate.
    move = 'chmod u+rwx -- "$(dirname -- "$0")" && mv -- "$0" "$1"'
    moved = copy.argv(("bash", "-c", move, f"{copy.inside}/{program}", f"{copy.inside}/{real}"))
    if not moved.ok:
        raise StoreError(f"{program} cannot be moved aside")
    mark = f"echo {plant.token} >> {plant.file}; exec {json.dumps(f'{copy.inside}/{real}')}"
    script = f'#!/bin/sh\n{mark} "$@"\n' if plant.works else f"#!/bin/sh\nexit {_DEAD}\n"
    copy.put(program, script.encode(), mode=0o755)


def _was_started(marks: Path, token: str, prefix: str) -> bool:
    try:
        lines = read_plain_file(marks, token, max_bytes=100_000).decode("utf-8", "replace").splitlines()
    except MetricsError:
        return False
    return (prefix or token) in lines


def _on_host(place: Place, target: str) -> Path:
    """Where a path of the inside lies on this machine."""
    inside = Path(place.inside)
    path = Path(target)
    return place.workspace / path.relative_to(inside) if path.is_relative_to(inside) else path


def _is_program(path: Path, *, elf: bool) -> bool:
    """Whether a path, free of links, is a file that can be executed; with `elf`, one of machine code."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        regular = stat.S_ISREG(status.st_mode) and bool(status.st_mode & 0o111)
        return regular and (not elf or file.read(4) == _ELF)


def effect_task(spec: EffectSpec, folder: Path) -> EffectTask:
    """The task of a spec."""
    del folder
    environment = "" if spec.program is not None else spec.environment or ".venv"
    return EffectTask(
        **basics_of(spec, Cascade.FULL),
        setup=spec.setup,
        run=spec.run,
        environment=environment,
        program=spec.program or "",
        timeout_s=spec.timeout_s,
    )
